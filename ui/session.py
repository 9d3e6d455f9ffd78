"""The session: the only reader and writer of ``st.session_state``.

What must survive a change of page lives here, not in widget keys. The plan is the one truth about
weights, targets and rules; widgets show it and write back to it through callbacks.
"""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from functools import cached_property
from pathlib import Path
from typing import Any

import streamlit as st

from kpi_core import catalogue
from kpi_core.drivers import Lever, Model, calibrate, project
from kpi_core.errors import Finding, IngestError, KpiError, PlanError
from kpi_core.facts import Facts, combine
from kpi_core.funnel import Funnel, funnel
from kpi_core.ingest import Upload, read
from kpi_core.ingest.formats import Format
from kpi_core.ingest.layouts import Draft, read_layout, written
from kpi_core.kpis import Evaluation, KpiValue, Values, kpi_values
from kpi_core.link import View, decode, encode
from kpi_core.model import Business, Period, parse_period
from kpi_core.plan import Plan, changed, default_plan, read_plan, scorecard_scheme
from kpi_core.rules import Bands
from kpi_core.schemes import Product, Scheme, Scorecard
from kpi_core.text import exact, rounded, say
from kpi_core.words import source_name

SAMPLES = Path(__file__).parent.parent / "sample_data"
SAMPLE_SUFFIXES = (".csv", ".xlsx", ".parquet")
ALL_DAYS = "all"
LINK = "v"  # the query parameter of a shared view


TEACHABLE = frozenset({"unknown_layout", "no_headings", "no_figures", "nothing_left"})
TAUGHT_BYTES = 20 * 2**20  # of a file that waits to be explained; it stays in memory so long


@dataclass(frozen=True)
class Failed:
    """A file that could not be read, and why; `data` only while its columns can be explained."""

    name: str
    error: KpiError
    data: bytes | None = field(default=None, repr=False)

    @cached_property
    def digest(self) -> str:
        """What tells it from other files that wait."""
        return hashlib.sha256(self.data or b"").hexdigest()


@dataclass(frozen=True)
class State:
    """What a page needs to draw itself."""

    lang: str
    plan: Plan
    sample: bool
    uploads: tuple[Upload, ...]
    failures: tuple[Failed, ...]
    facts: Facts
    period: Period | None

    @property
    def business(self) -> Business:
        """The business type of the plan."""
        return catalogue.business(self.plan.business)

    def say(self, key: str, **values: object) -> str:
        """A phrase of the pages in the reader's language."""
        return say(self.lang, f"pages.{key}", **values)

    def values(self) -> Values:
        """The KPI values of the period, computed once for each choice of data and definitions."""
        return _values(*self._key(), self.facts, self.plan, self.period)

    def named(self) -> dict[str, KpiValue]:
        """KPI to its value in total."""
        return {row.kpi: row for row in self.values().rows if row.slice == "total"}

    def funnel(self) -> Funnel:
        """The counted funnel of the period."""
        return _funnel(*self._key(), self.facts, self.plan, self.period)

    def model(self) -> Model:
        """The what-if model calibrated to the period."""
        return _model(*self._key(), self.facts, self.plan, self.period)

    def whatif(self) -> tuple[Mapping[str, Lever], Values]:
        """The levers as they stand, and the KPI values that would follow."""
        model = self.model()
        levers = _levers(model, lever_shares())
        try:
            return levers, project(model, levers, self.values())
        except KpiError as impossible:  # other data, or a link: what was possible is no more
            st.session_state["refused"] = impossible
            reset_levers()
            st.rerun()

    def odd(self) -> list[Finding]:
        """What is odd about the files, each and together."""
        return [f for upload in self.uploads for f in upload.findings] + list(self.facts.findings)

    def vat_percent(self) -> float:
        """The VAT rate as people type it; 0: not given."""
        return float(100 * (self.plan.vat_rate or Decimal(0)))

    def sources(self, ids: tuple[str, ...]) -> str:
        """Systems by their names."""
        return ", ".join(source_name(id, self.lang) for id in ids)

    def _key(self) -> tuple[str, str, str]:
        kpis = ",".join(self.plan.kpis())
        readings = self.plan.model_dump_json(
            exclude={"name", "period", "lines", "scheme", "missing", "partial_period"}
        )
        return str(_named(self.uploads)), str(self.period), readings + kpis


# Keyed by content: names and digests of the files, the period, and the plan's choices. An argument
# that begins with "_" is not hashed: Streamlit hashes only a sample of a large table, and then
# gives stale figures.


@st.cache_resource(max_entries=24, scope="session", show_spinner=False)
def _values(
    digest: str, period: str, readings: str, _facts: Facts, _plan: Plan, _period: Period | None
) -> Values:
    del digest, period, readings
    wanted = tuple(dict.fromkeys((*_plan.kpis(), *catalogue.business(_plan.business).kpis())))
    return kpi_values(
        _facts,
        catalogue.business(_plan.business),
        _period,
        settings=_plan.settings(),
        kpis=wanted,
    )


@st.cache_resource(max_entries=24, scope="session", show_spinner=False)
def _funnel(
    digest: str, period: str, readings: str, _facts: Facts, _plan: Plan, _period: Period | None
) -> Funnel:
    del digest, period, readings
    return funnel(_facts, catalogue.business(_plan.business), _period, _plan.settings())


@st.cache_resource(max_entries=24, scope="session", show_spinner=False)
def _model(
    digest: str, period: str, readings: str, _facts: Facts, _plan: Plan, _period: Period | None
) -> Model:
    del digest, period, readings
    evaluation = Evaluation(_facts, _period, settings=_plan.settings())
    return calibrate(evaluation, catalogue.business(_plan.business))


@st.cache_resource(max_entries=8, show_spinner=False)
def sample_uploads(business: str) -> tuple[Upload, ...]:
    """The files of a sample business: the same for everybody, so shared by all sessions."""
    files = sorted(
        path for path in (SAMPLES / business).glob("*") if path.suffix in SAMPLE_SUFFIXES
    )
    return tuple(read(path.name, path.read_bytes()) for path in files)


@st.cache_resource(max_entries=8, show_spinner=False)
def _sample_facts(business: str) -> Facts:
    return combine(sample_uploads(business))


# --- reading the session


def start() -> str | None:
    """Set up a new session, from the link it was opened with if any; what is wrong with that."""
    if "plan" in st.session_state:
        return None
    st.session_state.update(
        plan=_fresh_plan(next(iter(catalogue.businesses()))),
        plans={},
        schemes={},
        uploads={},
        failures=(),
        layouts={},
        sample=True,
        period=None,
        levers={},
        uploader=0,
    )
    word = st.query_params.pop(LINK, None)
    if not word:
        return None
    try:
        view = decode(word)
        if view.period and view.period != ALL_DAYS:
            parse_period(view.period)
    except KpiError as broken:
        return broken.code
    st.session_state.update(
        plan=_in_hundredths(view.plan),
        period=view.period or view.plan.period,
        levers=dict(view.levers),
        sample=view.sample,
    )
    return None


def current(lang: str) -> State:
    """The session as a page sees it."""
    plan: Plan = st.session_state["plan"]
    uploads = tuple(st.session_state["uploads"].values())
    sample = st.session_state["sample"] or not uploads
    facts = _sample_facts(plan.business) if sample else _own_facts(uploads)
    return State(
        lang=lang,
        plan=plan,
        sample=sample,
        uploads=sample_uploads(plan.business) if sample else uploads,
        failures=st.session_state["failures"],
        facts=facts,
        period=_period(facts),
    )


def _own_facts(uploads: tuple[Upload, ...]) -> Facts:
    key = _named(uploads)
    kept = st.session_state.get("facts")
    if kept is None or kept[0] != key:
        kept = (key, combine(uploads))
        st.session_state["facts"] = kept
    facts: Facts = kept[1]
    return facts


def _named(uploads: tuple[Upload, ...]) -> tuple[tuple[str, str], ...]:
    """What files are told apart by: a name counts too, since a period may be read from it."""
    return tuple((upload.name, upload.digest) for upload in uploads)


def _period(facts: Facts) -> Period | None:
    """The chosen period if the facts reach it; else their last whole month, else all days."""
    chosen = st.session_state["period"]
    if chosen == ALL_DAYS:
        return None
    if chosen:
        period = parse_period(chosen)
        if facts.period and facts.period.meets(period):
            return period
    months = facts.months()
    return months[-1] if months else None


def has_uploads() -> bool:
    """Whether the reader has loaded files of his own."""
    return bool(st.session_state["uploads"])


def upload_key(name: str) -> str:
    """The key of an upload box, new after each reading: so the box lets go of the bytes."""
    return f"{name}:{st.session_state['uploader']}"


def lever_shares() -> dict[str, Decimal]:
    """Driver to the change its lever stands at."""
    shares: dict[str, Decimal] = st.session_state["levers"]
    return shares


def link(state: State) -> str:
    """The word that reproduces this view."""
    period = f"{state.period.first}..{state.period.last}" if state.period else ALL_DAYS
    levers = {id: share for id, share in lever_shares().items() if share}
    return encode(View(plan=state.plan, period=period, levers=levers, sample=state.sample))


# --- changing the session (for callbacks)


def _replace(plan: Plan) -> None:
    """Adopt a whole plan."""
    st.session_state["plan"] = _in_hundredths(plan)


def _fresh_plan(business: str) -> Plan:
    return _in_hundredths(default_plan(business))


def _in_hundredths(plan: Plan) -> Plan:
    """The plan with weights that a slider can show: whole hundredths from 0 to 1.

    Shares stay exactly as they are where some scale allows it; else they are rounded, and no
    weight is lost.
    """
    weights = [exact(line.weight) for line in plan.lines]
    top = max(Fraction(1), *weights)
    for scale in (top, *(Fraction(10**power) for power in range(1, 7))):
        if scale >= top and all((100 * weight / scale).denominator == 1 for weight in weights):
            break
    else:
        scale = top
    least = Decimal("0.01")
    fitting = [
        max(least, rounded(weight / scale, 2)) if weight else Decimal(0) for weight in weights
    ]
    if fitting == [line.weight for line in plan.lines]:
        return plan
    lines = [
        line.model_dump() | {"weight": weight}
        for line, weight in zip(plan.lines, fitting, strict=True)
    ]
    return changed(plan, lines=lines)


def choose_business(id: str) -> None:
    """Another business type, with the plan last edited for it."""
    plan: Plan = st.session_state["plan"]
    plans: dict[str, Plan] = st.session_state["plans"]
    plans[plan.business] = plan
    st.session_state["levers"] = {}
    _replace(plans.get(id) or _fresh_plan(id))
    _follow_currency()


def choose_sample(sample: bool) -> None:
    """The sample business, or the reader's own files."""
    st.session_state["sample"] = sample
    st.session_state["period"] = st.session_state["plan"].period
    _follow_currency()


def choose_period(text: str | None) -> None:
    """Another period."""
    st.session_state["period"] = text


def _untold(number: int) -> None:
    """Nobody watches."""


def add_files(files: list[tuple[str, bytes]], progress: Callable[[int], object] = _untold) -> None:
    """Read files into the session. A file that fails is told; what was loaded stays.

    `progress` is called with the number of each file before it is read.
    """
    st.session_state["uploader"] += 1
    failures = []
    for number, (name, data) in enumerate(files):
        progress(number)
        try:
            _keep(read(name, data, taught()))
        except KpiError as failed:
            waits = failed.code in TEACHABLE and len(data) <= TAUGHT_BYTES
            failures.append(Failed(name, failed, data if waits else None))
    st.session_state["failures"] = tuple(failures)


def _keep(upload: Upload) -> None:
    uploads: dict[str, Upload] = st.session_state["uploads"]
    uploads.pop(upload.digest, None)  # under another name: it takes the place of the old
    uploads[upload.digest] = upload
    choose_sample(False)


def replace_file(digest: str, name: str, data: bytes) -> None:
    """Read a file in the place of another one, which stays if the new one fails."""
    st.session_state["uploader"] += 1
    try:
        new = read(name, data, taught())
    except KpiError as failed:
        st.session_state["failures"] = (Failed(name, failed),)
        return
    if new.digest != digest:
        st.session_state["uploads"].pop(digest, None)
    _keep(new)
    st.session_state["failures"] = ()


def layouts() -> dict[str, str]:
    """Name to text of the layouts that were taught in this session."""
    known: dict[str, str] = st.session_state["layouts"]
    return known


def taught() -> list[Format]:
    """The layouts that were taught in this session, the latest first."""
    return [read_layout(name, text) for name, text in reversed(layouts().items())]


def tried(failed: Failed, draft: Draft) -> Upload:
    """What a file would give if its columns meant what `draft` says.

    Raises:
        KpiError: nothing, and why.
    """
    return read(failed.name, failed.data or b"", [read_layout(draft.name, written(draft))])


def teach(failed: Failed, draft: Draft) -> None:
    """Remember a layout, and read the file that it was made from."""
    upload = tried(failed, draft)
    layouts()[draft.name] = written(draft)
    st.session_state["uploads"].pop(upload.digest, None)
    _keep(upload)
    _read_waiting(but=failed)


def bring_layout(name: str, data: bytes) -> None:
    """Take a layout file that was saved before, and read what waits for one."""
    st.session_state["uploader"] += 1
    try:
        text = data.decode("utf-8", errors="replace")
        format = read_layout(name.removesuffix(".toml"), text)
    except KpiError as wrong:
        st.session_state["refused"] = wrong
        return
    layouts()[format.name["en"]] = text
    _read_waiting()


def wait_for_layout(name: str, data: bytes) -> None:
    """Let the reader say what the columns of a file mean, whatever we take it for."""
    st.session_state["uploader"] += 1
    if len(data) > TAUGHT_BYTES:
        told = IngestError("file_too_large", where=name, megabytes=TAUGHT_BYTES >> 20)
        failed = Failed(name, told)
    else:
        failed = Failed(name, IngestError("to_be_explained", where=name), data)
    st.session_state["failures"] = (failed, *st.session_state["failures"])


def _read_waiting(but: Failed | None = None) -> None:
    """Try again, by a new layout, the files that nobody knew."""
    failures: tuple[Failed, ...] = st.session_state["failures"]
    waiting = [f for f in failures if f is not but and f.data is not None]
    add_files([(failed.name, failed.data or b"") for failed in waiting])
    st.session_state["failures"] += tuple(f for f in failures if f.data is None)


def forget_layout(name: str) -> None:
    """Let go of a layout; files that were read by it stay."""
    layouts().pop(name, None)


def remove_file(digest: str) -> None:
    """Take one file out."""
    st.session_state["uploads"].pop(digest, None)
    st.session_state["failures"] = ()
    if not has_uploads():
        choose_sample(True)
    _follow_currency()


def _follow_currency() -> None:
    """A plan that nobody has touched speaks the currency of the files; any other keeps its own."""
    fresh = _fresh_plan(st.session_state["plan"].business)
    if changed(st.session_state["plan"], currency=fresh.currency) != fresh:
        return
    uploads: dict[str, Upload] = st.session_state["uploads"]
    found = {
        table.currency
        for upload in uploads.values()
        for table in upload.tables
        if table.currency and table.currency != "?"
    }
    follows = not st.session_state["sample"] and len(found) == 1
    st.session_state["plan"] = changed(fresh, currency=found.pop()) if follows else fresh


def set_line(kpi: str, **changes: object) -> None:
    """Change fields of one line of the plan."""
    st.session_state["plan"] = st.session_state["plan"].with_line(kpi, **changes)


def same_rule_for_all(kpi: str) -> None:
    """Give every line the rule of one; a rule on the value itself stays where it is."""
    plan: Plan = st.session_state["plan"]
    rule = next(line.rule for line in plan.lines if line.kpi == kpi)
    if isinstance(rule, Bands):
        return
    set_plan(
        lines=[
            line.model_dump()
            | ({} if isinstance(line.rule, Bands) else {"rule": rule.model_dump()})
            for line in plan.lines
        ]
    )


def set_factor(position: int, **changes: object) -> None:
    """Change fields of one factor of the product scheme."""
    plan: Plan = st.session_state["plan"]
    if not isinstance(plan.scheme, Product):
        return
    factors = [factor.model_dump() for factor in plan.scheme.factors]
    factors[position] |= changes
    set_plan(scheme=plan.scheme.model_dump() | {"factors": factors})


def set_plan(**changes: object) -> None:
    """Change whole fields of the plan."""
    st.session_state["plan"] = changed(st.session_state["plan"], **changes)


def set_vat(source: str, word: str | None) -> None:
    """Whether the money of a source includes VAT; ``None``: as its files say."""
    plan: Plan = st.session_state["plan"]
    others = {id: said for id, said in plan.vat.items() if id != source}
    set_plan(vat=others | ({source: word} if word else {}))


def set_vat_percent(rate: float) -> None:
    """The rate of VAT in percent; 0: not known, so nothing is converted."""
    set_plan(vat_rate=Decimal(str(rate)) / 100 if rate else None)


def set_rate(currency: str, rate: Decimal) -> None:
    """What one unit of a currency is worth; 0: not known."""
    plan: Plan = st.session_state["plan"]
    others = {code: worth for code, worth in plan.rates.items() if code != currency}
    set_plan(rates=others | ({currency: rate} if rate else {}))


def set_source(family: str, source: str | None) -> None:
    """The source that is heard for a family of measures; ``None``: by the rule."""
    plan: Plan = st.session_state["plan"]
    others = {id: said for id, said in plan.sources.items() if id != family}
    set_plan(sources=others | ({family: source} if source else {}))


def drop_stated() -> None:
    """Leave every figure to the files."""
    set_plan(facts={})


def load_plan(name: str, data: bytes) -> None:
    """Replace the plan by a plan file; a mistake in it is told and changes nothing."""
    st.session_state["uploader"] += 1
    try:
        plan = read_plan(data, name)
    except PlanError as wrong:
        st.session_state["refused"] = wrong
        return
    _replace(plan)
    if plan.period:
        st.session_state["period"] = plan.period


def schemes(plan: Plan) -> dict[str, Scheme]:
    """Both schemes with the parameters last given to each; the plan's own is the one that pays."""
    kept: dict[tuple[str, str], Scheme] = st.session_state["schemes"]
    known = {kind: scheme for (business, kind), scheme in kept.items() if business == plan.business}
    salary = plan.scheme.salary
    known.setdefault("product", default_plan(plan.business).scheme)
    known.setdefault("scorecard", scorecard_scheme(salary))
    known[plan.scheme.kind] = plan.scheme
    return {
        kind: known[kind].model_copy(update={"salary": salary}) for kind in ("product", "scorecard")
    }


def choose_scheme(kind: str) -> None:
    """Let the other scheme pay."""
    plan: Plan = st.session_state["plan"]
    both = schemes(plan)
    st.session_state["schemes"][(plan.business, plan.scheme.kind)] = plan.scheme
    set_plan(scheme=both[kind])


def set_salary(salary: Decimal) -> None:
    """Another salary; a fund that was one salary follows it."""
    plan: Plan = st.session_state["plan"]
    update: dict[str, Decimal] = {"salary": salary}
    if isinstance(plan.scheme, Scorecard) and plan.scheme.fund == plan.scheme.salary:
        update["fund"] = salary
    set_plan(scheme=plan.scheme.model_copy(update=update))


def set_fund(fund: Decimal) -> None:
    """Another bonus fund of the scorecard scheme."""
    plan: Plan = st.session_state["plan"]
    set_plan(scheme=plan.scheme.model_copy(update={"fund": fund}))


def set_lever(model: Model, driver: str, share: Decimal) -> None:
    """Move a lever of the what-if page; one that the model cannot follow stays where it was."""
    shares = {**lever_shares(), driver: share}
    model.rebuilt(_levers(model, shares))
    st.session_state["levers"] = shares


def _levers(model: Model, shares: Mapping[str, Decimal]) -> dict[str, Lever]:
    return {
        id: Lever(by=Fraction(share))
        for id, share in shares.items()
        if share and model.drivers.get(id) is not None
    }


def take_refused() -> KpiError | None:
    """The change that could not be made since the last run, told once."""
    refused: KpiError | None = st.session_state.pop("refused", None)
    return refused


def reset_levers() -> None:
    """All levers back to the middle."""
    st.session_state["levers"] = {}


def guarded(write: Callable[..., None], *values: object) -> Callable[[], None]:
    """A callback that makes a change; one that cannot be made is told and changes nothing."""

    def change() -> None:
        try:
            write(*values)
        except KpiError as refused:
            st.session_state["refused"] = refused

    return change


def widget(key: str, default: object, write: Callable[[Any], None]) -> dict[str, Any]:
    """Arguments that make a widget show `default` and hand what it is set to to `write`.

    What was set has been written before the run begins, so while drawing, `default` is the truth:
    a widget that says otherwise (its change was refused, or another moved it) is set right.
    A language has widgets of its own: a browser hands back a choice by the label it had.
    """
    full = f"{key}:{st.session_state['lang']}"
    if full not in st.session_state or not _same(st.session_state[full], default):
        st.session_state[full] = default
    return {"key": full, "on_change": guarded(lambda: write(st.session_state[full]))}


def _same(shown: object, default: object) -> bool:
    """Whether a widget shows its value; more digits than it prints are left as they were typed."""
    if isinstance(shown, float) and isinstance(default, float):
        return round(shown, 6) == round(default, 6)
    return shown == default
