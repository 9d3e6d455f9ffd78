"""Sign-off of plans and of what they pay: draft, then proposed, then approved.

A snapshot holds all that a payout was made from and what came of it: the plan, what the files
were, the figures, the result, who said yes and when. Nothing in it changes any more: its `seal` is
a hash of everything else, every step makes a new snapshot, and a mistake is mended by another one
that names it. The seal shows a change; that nobody wrote another seal, too, only a copy elsewhere
shows, such as the seal in the snapshot that supersedes it.
"""

import hashlib
import json
import os
import re
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import ConfigDict, Field, JsonValue, ValidationError

import kpi_core
from kpi_core import catalogue, words
from kpi_core.errors import Finding, KpiError, Severity, SignoffError
from kpi_core.facts import combine, wanted_source
from kpi_core.formula import earlier
from kpi_core.ingest import Upload
from kpi_core.kpis import KpiValue, Values, kpi_values
from kpi_core.limits import LIMITS
from kpi_core.model import Period, Unit, month_of, parse_period
from kpi_core.pay import Payout, Person, What, payout, payroll, statement
from kpi_core.plan import PRINTED, Plan, invalid, period_word, read_plan
from kpi_core.rules import Part
from kpi_core.schemes import Split, Team
from kpi_core.text import Both, day, days, say
from kpi_core.whole import keep_entry

MAX_BYTES = 1000 * LIMITS.snapshot_kilobytes
MAX_NAME = 200
MAX_REASON = 1000
NOTICE_DAYS = 5  # before the period starts, everybody knows the KPIs that are new in it
LANGUAGES = ("ru", "en")
_AGAIN = re.compile(r" \(\d+\)$")  # what tells a file from an earlier one of its name

Name = Annotated[str, Field(min_length=1, max_length=MAX_NAME), PRINTED]
Text = Annotated[str, Field(max_length=MAX_REASON), PRINTED]
Hash = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Exact = Annotated[str, Field(pattern=r"^-?\d{1,400}(/\d{1,400})?$")]
Money = Annotated[str, Field(pattern=r"^-?\d{1,99}(\.\d{1,6})?$")]


class Status(StrEnum):
    """How far a sign-off has come."""

    DRAFT = "draft"
    PROPOSED = "proposed"
    APPROVED = "approved"


class Strict(Part):
    """A part of a snapshot: nothing is taken for something else."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Source(Strict):
    """A file that went in: its name, the SHA-256 of its bytes, how many rows were read."""

    name: Annotated[str, Field(max_length=1000)]
    digest: Hash
    rows: Annotated[int, Field(ge=0)]


class Figure(Strict):
    """A KPI value: exact, by which definition, and the figures of the measures it was made of."""

    value: Exact | None = None
    variant: str
    currency: str | None = None
    inputs: dict[str, Exact | None] = Field(default_factory=dict)
    sources: tuple[str, ...] = ()


class Result(Strict):
    """What came of it.

    Attributes:
        coefficient: exact, of `stake`.
        statement: language to the lines of the derivation, each a sentence and its figure.
    """

    coefficient: Exact
    stake: Money
    bonus: Money
    pay: Money
    statement: dict[str, tuple[tuple[str, str], ...]]


class Act(Strict):
    """Who did it, and on which day."""

    by: Name
    on: date


class Snapshot(Strict):
    """One state of a sign-off. A plan alone can be signed off, too: it has no figures or result.

    Attributes:
        program: the version that computed it.
        plan, person: as JSON; kept as they were written, whatever later versions add to plans.
        period: as plan files write it.
        team, place: the others of a team, with what its fund is shared out by but neither names nor
            corrections, and where among them `person` stands: the kopecks of one follow from all.
        sources: the files that the figures were made from.
        figures: of what decides the pay, KPI to value; of earlier days ``previous KPI`` or
            ``year_ago KPI``.
        earlier: the seal of what was approved before, with which its KPIs were compared.
        reason: why there is this one, where it supersedes another.
        supersedes: the seal of that other one.
        seal: SHA-256 of all the rest.
    """

    format: Literal[1] = 1
    status: Status
    program: Annotated[str, Field(max_length=50)]
    plan: dict[str, JsonValue]
    period: Annotated[str, Field(max_length=30)]
    person: dict[str, JsonValue] | None = None
    team: tuple[dict[str, JsonValue], ...] = ()
    place: Annotated[int, Field(ge=0)] = 0
    sources: Annotated[tuple[Source, ...], Field(max_length=500)] = ()
    figures: dict[str, Figure] = Field(default_factory=dict)
    result: Result | None = None
    proposed: Act | None = None
    approved: Act | None = None
    earlier: Hash | None = None
    reason: Text = ""
    supersedes: Hash | None = None
    seal: str = ""

    def read_plan(self) -> Plan:
        """The plan that is signed off."""
        return read_plan(json.dumps(self.plan).encode())

    def read_person(self) -> Person | None:
        """Whose pay it is; nobody's own for that of the plan itself."""
        return None if self.person is None else _person(self.person)

    def read_team(self) -> list[Person]:
        """With whom the person shares a fund."""
        return [_person(own) for own in self.team]

    def days(self) -> Period:
        """The period."""
        return parse_period(self.period)

    def sealed(self) -> Self:
        """The same with its seal."""
        return self.model_copy(update={"seal": self._hash()})

    def is_sealed(self) -> bool:
        """Whether nothing in it was changed after it was sealed."""
        return self.seal == self._hash()

    def _hash(self) -> str:
        # Without defaults: a field that a later version adds leaves older seals as they are.
        content = self.model_dump(mode="json", exclude={"seal"}, exclude_defaults=True)
        written = json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False)
        return hashlib.sha256(written.encode()).hexdigest()

    def as_json(self) -> str:
        """The snapshot file."""
        return self.model_dump_json(indent=2) + "\n"


def _person(fields: Mapping[str, JsonValue]) -> Person:
    try:
        return Person.model_validate(fields)
    except ValidationError as wrong:
        raise invalid(wrong, "person") from None


# --- its states


def draft(
    plan: Plan,
    uploads: Sequence[Upload] = (),
    paid: Payout | None = None,
    period: Period | None = None,
    everybody: Sequence[Payout] = (),
) -> Snapshot:
    """What is to be signed off: a plan before its period, or what it pays for it.

    Args:
        plan: the whole plan, with the targets of all its periods.
        uploads: the files that are loaded, in their order; those that went into it are sealed.
        paid: the payout; ``None`` to sign off the plan alone.
        period: of a plan alone, where it names none.
        everybody: the payroll that `paid` is of, where it is a part of a team's fund.

    Raises:
        SignoffError: no period is told, or not everybody who shares the fund.
    """
    period = (paid.period if paid else period) or plan.asked_period()
    if period is None:
        raise SignoffError("signoff_no_period")
    made = Snapshot(
        status=Status.DRAFT,
        program=kpi_core.__version__,
        plan=json.loads(plan.as_json()),
        period=period_word(period),
    )
    if paid is None:
        return made.sealed()
    team, place = _sharing(paid, everybody)
    made = made.model_copy(
        update={
            "person": _owed(paid.person, paid).model_dump(mode="json") if paid.person else None,
            "team": team,
            "place": place,
        }
    )
    return _computed(made, uploads, payout(paid.plan, paid.values))


def _sharing(
    paid: Payout, everybody: Sequence[Payout]
) -> tuple[tuple[dict[str, JsonValue], ...], int]:
    """The others who share the fund of a team, as a snapshot keeps them; where one stands."""
    scheme = paid.plan.scheme
    if paid.part is None or not isinstance(scheme, Team):
        return (), 0
    unnamed = {"name": "", "comments": {}}  # one fund, by whatever name its plan is called
    fund = paid.plan.model_copy(update=unnamed)
    team = [
        own
        for own in everybody
        if own.part is not None and own.plan.model_copy(update=unnamed) == fund
    ]
    if paid not in team or sum(own.part or 0 for own in team) != 1:
        raise SignoffError("signoff_team_not_whole")
    place = team.index(paid)
    private = {"name", "plan", "correction", "reason"}
    if scheme.split is not Split.SALARY:
        private.add("salary")
    others = tuple(
        {"name": f"#{at}", **own.person.model_dump(mode="json", exclude=private)}
        for at, own in enumerate(team, start=1)
        if own.person and at != place + 1
    )
    return others, place


def _owed(person: Person, paid: Payout) -> Person:
    """A person with the correction that was made, which may be what their other rows owe."""
    lines = [own for own in paid.amounts if own.what is What.CORRECTION]
    made = sum((own.money for own in lines), Decimal(0)) - paid.carried
    reasons = "; ".join(dict.fromkeys(own.reason for own in lines if own.reason))
    return person.model_copy(update={"correction": made, "reason": reasons[:200] or person.reason})


def paid_as(snapshot: Snapshot, paid: Payout) -> Payout:
    """What a plan's payout is to whoever a snapshot is of.

    Raises:
        PlanError: it cannot be told.
    """
    person = snapshot.read_person()
    if person is None:
        return paid
    team = [own.model_copy(update={"plan": person.plan}) for own in snapshot.read_team()]
    before, after = team[: snapshot.place], team[snapshot.place :]
    return payroll([*before, person, *after], {person.plan: paid})[len(before)]


def _computed(snapshot: Snapshot, uploads: Sequence[Upload], paid: Payout) -> Snapshot:
    """A draft with the figures of a payout, the files behind them and the result."""
    own = paid_as(snapshot, paid)
    named = list(_values(own.plan, own.values))
    return _next(
        snapshot,
        sources=tuple(
            Source(
                name=file.name, digest=file.digest, rows=sum(table.rows for table in file.tables)
            )
            for file in uploads
            if any(_is_from(row, file) for _, row in named)
        ),
        figures={name: _figure(row) for name, row in named},
        result=_result(own),
    )


def _is_from(value: KpiValue, file: Upload) -> bool:
    """Whether a file speaks for one of the measures that a value was made of.

    Customers are counted from orders: files of those that are heard do so whatever they hold.
    """
    held = {id for table in file.tables for id in table.measures}
    for name, given in value.inputs.items():
        of = (earlier(name) or ("", name))[1]
        measure = catalogue.measures().get(of)
        if measure and file.name in {_AGAIN.sub("", own) for own in given.files} | {*given.files}:
            whole = measure.part_of[0] if measure.part_of else of
            if measure.counts or not held.isdisjoint((of, whole)):
                return True
    return False


def _values(plan: Plan, values: Values) -> Iterator[tuple[str, KpiValue]]:
    """The values that decide the pay, and those of earlier days that its guards look at."""
    named = values.totals()
    beside = [id for own in plan.guards for id in (own.kpi, own.guard)]
    goals = [*(goal.kpi for goal in plan.paying()), *(own.kpi for own in plan.gates)]
    for id in dict.fromkeys((*goals, *beside)):
        yield id, named[id]
    for pair in plan.guards:
        if pair.against in values.earlier:
            then = values.earlier[pair.against].totals()
            for id in (pair.kpi, pair.guard):
                yield f"{pair.against} {id}", then[id]


def _figure(value: KpiValue) -> Figure:
    given = value.inputs.items()
    return Figure(
        value=_exact(value.value),
        variant=value.variant,
        currency=value.currency,
        inputs={id: _exact(own.value) for id, own in given},
        sources=tuple(dict.fromkeys(source for _, own in given for source in own.sources)),
    )


def _exact(value: Fraction | None) -> str | None:
    return None if value is None else str(value)


def _result(paid: Payout) -> Result:
    return Result(
        coefficient=str(paid.coefficient),
        stake=_money(paid.stake),
        bonus=_money(paid.bonus),
        pay=_money(paid.pay),
        statement={
            lang: tuple((entry.text, entry.value) for entry in statement(paid, lang))
            for lang in LANGUAGES
        },
    )


def _money(amount: Decimal) -> str:
    return format(amount, "f")


def proposed(snapshot: Snapshot, by: str, on: date, earlier: Snapshot | None = None) -> Snapshot:
    """A draft put forward.

    KPIs that are new need notice: who is paid by a KPI knows it `NOTICE_DAYS` days before the
    period starts. New is what decides pay and did not do so in the `earlier` plan, or means
    something else: by another formula or definition, from another source, by another assumption or
    VAT basis, in another unit, for the better in the other direction. Targets, weights, rules and
    sums of money may change without notice: the principle speaks of KPIs.

    Args:
        snapshot: the draft.
        by: who puts it forward.
        on: the day it is.
        earlier: what was approved last before it, of the same plan and person, for this period or
            an earlier one; what the draft supersedes, if it does. Without it nothing is known to be
            new.

    Raises:
        SignoffError: it is no draft; `earlier` is of something else or later, or not what is
            superseded; or KPIs are new, and it is too late for them; or `by` is no name.
    """
    _expect(snapshot, Status.DRAFT)
    seal = earlier.seal if earlier else None
    if snapshot.supersedes not in (None, seal):
        raise SignoffError("signoff_not_superseded")
    if earlier is not None:
        _expect(earlier, Status.APPROVED)
        _check_whose(earlier, snapshot)
        if earlier.days().first > snapshot.days().first:
            raise SignoffError("signoff_later", period=earlier.period, other=snapshot.period)
        if new := _new_kpis(snapshot.read_plan(), earlier.read_plan()):
            _check_notice(new, snapshot.days(), on)
    return _next(snapshot, status=Status.PROPOSED, proposed=_act(by, on), earlier=seal)


def last_approved(known: Iterable[Snapshot], new: Snapshot) -> Snapshot | None:
    """What `new` comes after: the last that was approved of the same plan and person.

    For the same period or an earlier one; nothing that another one of `known` supersedes.
    """
    held = [own for own in known if own.status is Status.APPROVED and _whose(own) == _whose(new)]
    superseded = {own.supersedes for own in held}
    first = new.days().first
    before = [
        (own.days().first, own.approved.on, place)
        for place, own in enumerate(held)
        if own.approved and own.seal not in superseded and own.days().first <= first
    ]
    return held[max(before)[2]] if before else None


def remarks(snapshot: Snapshot) -> tuple[Finding, ...]:
    """What whoever reads a snapshot should know of how it came about."""
    found = []
    one, other = snapshot.proposed, snapshot.approved
    if one and other and one.by.casefold() == other.by.casefold():
        found.append(
            Finding(Severity.WARNING, "signoff_same_person", snapshot.period, {"by": other.by})
        )
    if one and snapshot.earlier is None:
        found.append(Finding(Severity.INFO, "signoff_no_earlier", snapshot.period))
    return tuple(found)


def approved(snapshot: Snapshot, by: str, on: date) -> Snapshot:
    """A proposal agreed to.

    Raises:
        SignoffError: it was not proposed, or only later; or `by` is no name.
    """
    _expect(snapshot, Status.PROPOSED)
    if snapshot.proposed and on < snapshot.proposed.on:
        raise SignoffError("signoff_too_early", day=_day(snapshot.proposed.on))
    return _next(snapshot, status=Status.APPROVED, approved=_act(by, on))


def superseding(old: Snapshot, new: Snapshot, reason: str) -> Snapshot:
    """A draft that takes the place of something approved, and says why.

    Raises:
        SignoffError: `old` is not approved, `new` is no draft or of something else, or there is no
            reason.
    """
    _expect(old, Status.APPROVED)
    _expect(new, Status.DRAFT)
    _check_whose(old, new)
    if old.days() != new.days():
        raise SignoffError("signoff_other_period", period=old.period, other=new.period)
    if not reason.strip():
        raise SignoffError("signoff_no_reason")
    try:
        return _next(new, reason=reason, supersedes=old.seal)
    except ValidationError:
        raise SignoffError("signoff_bad_reason", most=MAX_REASON) from None


def _whose(snapshot: Snapshot) -> tuple[str, str, str]:
    """The name of the plan, the name it is called by in a payroll, and that of the person."""
    person = snapshot.read_person()
    name = snapshot.read_plan().name
    return (name, person.plan, person.name) if person else (name, "", "")


def _check_whose(old: Snapshot, new: Snapshot) -> None:
    """Raise where two snapshots are of different plans or people."""
    if _whose(old) != _whose(new):
        raise SignoffError("signoff_other_whose", old=_told_whose(old), new=_told_whose(new))


def _told_whose(snapshot: Snapshot) -> Both:
    plan, called, person = _whose(snapshot)
    return {
        lang: say(lang, "signoff.whose", plan=plan or called or "—", person=person or "—")
        for lang in LANGUAGES
    }


def _expect(snapshot: Snapshot, status: Status) -> None:
    if not snapshot.is_sealed():
        raise SignoffError("snapshot_changed")
    if snapshot.status is not status:
        raise SignoffError(f"signoff_not_{status}")


def _next(snapshot: Snapshot, **changes: object) -> Snapshot:
    """The snapshot with some fields replaced; checked and sealed."""
    content = {name: getattr(snapshot, name) for name in type(snapshot).model_fields}
    return Snapshot.model_validate(content | changes).sealed()


def _act(by: str, on: date) -> Act:
    try:
        return Act(by=by.strip(), on=on)
    except ValidationError:
        raise SignoffError("signoff_bad_name", most=MAX_NAME) from None


def _new_kpis(plan: Plan, earlier: Plan) -> list[Both]:
    """What decides pay by one plan, and does not by the other, or means something else there."""
    before = _deciding(earlier)
    return [
        plan.kpi(id).name for id, meaning in _deciding(plan).items() if before.get(id) != meaning
    ]


def _deciding(plan: Plan) -> dict[str, object]:
    """KPI to what it means, of those that the bonus is made of or stopped by."""
    stopping = [id for own in plan.guards if own.gate for id in (own.kpi, own.guard)]
    ids = [*(goal.kpi for goal in plan.paying()), *(own.kpi for own in plan.gates), *stopping]
    return {id: _meaning(plan, id) for id in ids}


def _meaning(plan: Plan, id: str) -> object:
    """All that the plan says of what a KPI is; figures that it states and rates are none of it."""
    kpi = plan.settings().kpi(id)
    chosen = {**catalogue.business(plan.business).variants, **plan.variants}.get(id)
    own = [kpi.variant(chosen)] if chosen else [own for own in kpi.variants if not own.chosen]
    names = {(earlier(name) or ("", name))[1] for each in own for name in each.formula.names}
    measures = [catalogue.measure(name) for name in sorted(names - catalogue.ASSUMPTIONS)]
    return (
        [(each.id, each.formula.text) for each in own],
        (kpi.better, kpi.unit, kpi.decimals),
        [(each.id, wanted_source(each, plan.sources)) for each in measures],
        [(name, plan.assumptions.get(name)) for name in sorted(names & catalogue.ASSUMPTIONS)],
        plan.vat_basis if any(each.unit is Unit.MONEY for each in measures) else None,
    )


def _check_notice(new: Sequence[Both], period: Period, on: date) -> None:
    latest = period.first - timedelta(days=NOTICE_DAYS)
    if on <= latest:
        return
    soonest = on + timedelta(days=NOTICE_DAYS)
    first = soonest
    if period.months:  # months begin with their first day
        first = soonest if soonest.day == 1 else month_of(soonest).last + timedelta(days=1)
    raise SignoffError(
        "signoff_no_notice",
        kpis={lang: ", ".join(name[lang] for name in new) for lang in LANGUAGES},
        period={lang: days(period.first, period.last, lang) for lang in LANGUAGES},
        n=NOTICE_DAYS,
        latest=_day(latest),
        first=_day(first),
    )


def _day(on: date) -> dict[str, str]:
    return {lang: day(on, lang) for lang in LANGUAGES}


# --- opened again


def reopened(snapshot: Snapshot, uploads: Sequence[Upload]) -> tuple[Finding, ...]:
    """What differs when it is computed again from files; nothing where all is identical.

    Files in another order are read in that of the snapshot. A file of the snapshot that is missing
    or is another now is told even where the result is the same; one beside them only where
    something else comes out.

    Raises:
        SignoffError: the snapshot was changed after it was sealed.
    """
    if not snapshot.is_sealed():
        raise SignoffError("snapshot_changed")
    if snapshot.result is None:  # a plan alone is what it is
        return ()
    found = []
    if snapshot.program != kpi_core.__version__:
        found.append(
            _differs("signoff_version", snapshot.period, snapshot.program, kpi_core.__version__)
        )
    files, beside = _other_files(snapshot, uploads)
    found += files
    order = {own.digest: place for place, own in enumerate(snapshot.sources)}
    ranked = sorted(uploads, key=lambda own: order.get(own.digest, len(order)))
    try:
        again = _again(snapshot, ranked)
    except KpiError as blocked:
        why = {lang: blocked.text(lang) for lang in LANGUAGES}
        told = Finding(Severity.ERROR, "signoff_no_result", snapshot.period, {"why": why})
        return (*found, *_added([] if files else beside), told)
    now = {own.digest: own for own in again.sources}
    for own in snapshot.sources:
        if own.digest in now and own.rows != now[own.digest].rows:
            found.append(_differs("signoff_rows", own.name, own.rows, now[own.digest].rows))
    other = [
        *_other_figures(snapshot.figures, again.figures),
        *_other_result(snapshot.period, snapshot.result, again.result),
    ]
    if other:
        heard = [name for name in beside if name in {own.name for own in again.sources}]
        found += _added(heard or ([] if files else beside))
    return (*found, *other)


def _added(names: Iterable[str]) -> Iterator[Finding]:
    """Files beside those of a snapshot, that make something else of it."""
    for name in names:
        yield Finding(Severity.ERROR, "signoff_file_added", name)


def _again(snapshot: Snapshot, uploads: Sequence[Upload]) -> Snapshot:
    """The same computed from files, with this version of the program."""
    plan = snapshot.read_plan()
    values = kpi_values(
        combine(uploads),
        catalogue.business(plan.business),
        snapshot.days(),
        settings=plan.settings(),
        kpis=plan.shown_kpis(),
        against=plan.against(),
    )
    return _computed(snapshot, uploads, payout(plan, values))


def _other_files(snapshot: Snapshot, uploads: Sequence[Upload]) -> tuple[list[Finding], list[str]]:
    """Files of a snapshot that are missing or are others, and the names of those beside them."""
    found = []
    given = Counter((own.name, own.digest) for own in uploads)
    held = Counter((own.name, own.digest) for own in snapshot.sources)
    added = sorted((given - held).elements())
    for name, digest in sorted((held - given).elements()):
        same = [own for own in added if own[1] == digest]
        other = same or [own for own in added if own[0] == name]
        if same:
            found.append(_differs("signoff_file_renamed", name, name, same[0][0]))
        else:
            code = "signoff_file_changed" if other else "signoff_file_missing"
            found.append(Finding(Severity.ERROR, code, name))
        if other:
            added.remove(other[0])
    return found, [name for name, _ in added]


def _other_figures(then: Mapping[str, Figure], now: Mapping[str, Figure]) -> Iterator[Finding]:
    for id in dict.fromkeys((*then, *now)):
        old, new = then.get(id), now.get(id)
        if old == new:
            continue
        was, is_ = (_parts(own) for own in (old, new))
        for name in dict.fromkeys((*was, *is_)):
            if was.get(name) != is_.get(name):
                what = {lang: _part_name(name, lang) for lang in LANGUAGES}
                yield _differs("signoff_figure", id, was.get(name), is_.get(name), what=what)


def _parts(own: Figure | None) -> dict[str, str | None]:
    """What a figure says, by name: the measures, the definition, the sources, and its value."""
    if own is None:
        return {}
    told = {"variant": own.variant, "currency": own.currency, "sources": ", ".join(own.sources)}
    return {**own.inputs, **told, "value": own.value}


def _part_name(name: str, lang: str) -> str:
    if name in ("value", "variant", "currency", "sources"):
        return say(lang, f"signoff.{name}")
    of = (earlier(name) or ("", name))[1]
    known = of in catalogue.measures() or of in catalogue.ASSUMPTIONS
    return words.quantity(name, lang) if known else name  # a snapshot may come from anybody


def _other_result(where: str, then: Result, now: Result | None) -> Iterator[Finding]:
    if now is None:
        return
    for name in ("coefficient", "stake", "bonus", "pay"):
        if getattr(then, name) != getattr(now, name):
            what = {lang: say(lang, f"signoff.{name}") for lang in LANGUAGES}
            yield _differs(
                "signoff_result", where, getattr(then, name), getattr(now, name), what=what
            )
    for lang in LANGUAGES:
        files = say(lang, "statement.files")  # compared themselves, with their rows
        old, new = (
            tuple(line for line in own.statement.get(lang, ()) if line[0] != files)
            for own in (then, now)
        )
        if old != new:
            pairs = zip((*old, ("", "")), (*new, ("", "")), strict=False)
            was, is_ = next((one, other) for one, other in pairs if one != other)
            yield _differs("signoff_statement", where, ": ".join(was), ": ".join(is_))
            return


def _differs(code: str, where: str, was: Any, is_: Any, **values: object) -> Finding:
    told = {"was": "—" if was is None else str(was), "now": "—" if is_ is None else str(is_)}
    return Finding(Severity.ERROR, code, where, told | values)


# --- files


def read_snapshot(data: bytes, where: str = "snapshot") -> Snapshot:
    """A snapshot file, checked.

    Raises:
        SignoffError: it is too large, no snapshot, or was changed after it was sealed.
        PlanError: its plan or person is none.
        UsageError: its period is none.
    """
    if len(data) > MAX_BYTES:
        raise SignoffError("snapshot_too_large", where=where, limit=MAX_BYTES // 1000)
    try:
        found = Snapshot.model_validate_json(data)
        sealed = found.is_sealed()
    except ValidationError as wrong:
        raise SignoffError("snapshot_wrong", where=where, why=invalid(wrong)) from None
    except ValueError:  # a number that JSON does not know, half a character
        raise SignoffError("snapshot_changed", where=where) from None
    if not sealed:
        raise SignoffError("snapshot_changed", where=where)
    found.read_plan()
    found.read_person()
    found.read_team()
    found.days()
    return found


def write_snapshot(snapshot: Snapshot, path: Path) -> None:
    """Write a new file; all of it or nothing, also when the machine stops meanwhile.

    Nothing is ever written over: each state of a sign-off is a file of its own.

    Raises:
        SignoffError: the file exists, or cannot be written.
    """
    try:
        handle, name = tempfile.mkstemp(prefix=".", suffix=".part", dir=path.parent)
    except OSError as failed:
        raise SignoffError("snapshot_not_written", where=str(path), why=failed.strerror) from None
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(snapshot.as_json().encode())
            file.flush()
            os.fsync(file.fileno())
        os.link(name, path)  # fails where there is a file, in one step
        keep_entry(path.parent)
    except FileExistsError:
        raise SignoffError("snapshot_exists", where=str(path)) from None
    except OSError as failed:
        raise SignoffError("snapshot_not_written", where=str(path), why=failed.strerror) from None
    finally:
        with suppress(FileNotFoundError):
            Path(name).unlink()
