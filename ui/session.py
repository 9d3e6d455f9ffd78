"""The session: the only reader and writer of ``st.session_state``.

What must survive a change of page lives here, not in widget keys. The plan is the one truth about
weights, targets and rules; widgets show it and write back to it through callbacks.
"""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from fractions import Fraction
from functools import cached_property
from pathlib import Path
from typing import Any

import streamlit as st

from kpi_core import catalogue
from kpi_core.channels import Channels, by_slice
from kpi_core.drivers import Lever, Model, calibrate, project
from kpi_core.errors import Finding, IngestError, KpiError, PlanError
from kpi_core.facts import Facts, combine
from kpi_core.funnel import Funnel, funnel
from kpi_core.ingest import Upload, read
from kpi_core.ingest.formats import Format
from kpi_core.ingest.layouts import Draft, read_layout, written
from kpi_core.kpis import Evaluation, Input, KpiValue, Values, kpi_values
from kpi_core.link import View, decode, encode
from kpi_core.model import Business, Period, parse_period
from kpi_core.plan import OwnKpi, Plan, changed, default_plan, read_plan, scorecard_scheme
from kpi_core.rules import Bands
from kpi_core.schemes import Product, Scheme, Scorecard
from kpi_core.text import say
from kpi_core.trend import recent
from kpi_core.words import source_name

SAMPLES = Path(__file__).parent.parent / "sample_data"
SAMPLE_SUFFIXES = (".csv", ".xlsx", ".parquet")
ALL_DAYS = "all"
OWN_DAYS = "days"  # of the period: from one day to another
UNDO = 50  # changes of the plan that can be taken back
LINK = "v"  # the query parameter of a shared view
ANALYST = "analyst"  # the role whose page it is


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
    compare: str = ""  # with the period before ("previous"), a year ago ("year_ago") or nothing

    @property
    def business(self) -> Business:
        """The business type of the plan."""
        return catalogue.business(self.plan.business)

    def say(self, key: str, **values: object) -> str:
        """A phrase of the pages in the reader's language."""
        return say(self.lang, f"pages.{key}", **values)

    def judged(self, scheme: Scheme | None = None) -> Plan:
        """The plan as it judges the period: with the targets of that period, by another scheme."""
        plan = self.plan if scheme is None else changed(self.plan, scheme=scheme)
        return plan.of_period(self.values().period)

    def values(self) -> Values:
        """The KPI values of the period, computed once for each choice of data and definitions."""
        against = self.plan.against() | ({self.compare} if self.compare else set())
        return _values(*self._key(), tuple(sorted(against)), self.facts, self.plan, self.period)

    def compared(self) -> Values | None:
        """The values of the days that the period is compared with."""
        return self.values().earlier.get(self.compare)

    def history(self, by: str = "month") -> Values:
        """The KPI values of every month that the files hold; of the latest weeks or days."""
        return _history(*self._key(), by, self.facts, self.plan)

    def named(self) -> dict[str, KpiValue]:
        """KPI to its value in total."""
        return self.values().totals()

    def known(self) -> Mapping[str, KpiValue]:
        """Every KPI of the catalogue and of the owner to its value of the period."""
        return _known(*self._key(), self.facts, self.plan, self.period)

    def measures(self) -> Mapping[str, Input]:
        """Every measure to its figure of the period."""
        return _measures(*self._key(), self.facts, self.plan, self.period)

    def tried(self, own: OwnKpi) -> KpiValue:
        """What an own KPI would be in the period."""
        evaluation = Evaluation(self.facts, self.values().period, settings=self.plan.settings())
        return evaluation.value(own.kpi("own"))

    def funnel(self) -> Funnel:
        """The counted funnel of the period."""
        return _funnel(*self._key(), self.facts, self.plan, self.period)

    def cut(self, by: str) -> Channels:
        """Money, traffic and KPIs of the period by channel, campaign, ..."""
        return _cut(*self._key(), by, self.facts, self.plan, self.period)

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
            exclude={"name", "period", "lines", "scheme", "missing", "partial_period", "over"}
            | {"targets", "gates", "fair", "objectives"}
        )
        return str(_named(self.uploads)), str(self.period), readings + kpis


# Keyed by content: names and digests of the files, the period, and the plan's choices. An argument
# that begins with "_" is not hashed: Streamlit hashes only a sample of a large table, and then
# gives stale figures.


@st.cache_resource(max_entries=24, scope="session", show_spinner=False)
def _values(
    digest: str,
    period: str,
    readings: str,
    against: tuple[str, ...],
    _facts: Facts,
    _plan: Plan,
    _period: Period | None,
) -> Values:
    del digest, period, readings
    business = catalogue.business(_plan.business)
    wanted = tuple(dict.fromkeys((*_plan.kpis(), *business.kpis())))
    return kpi_values(
        _facts, business, _period, settings=_plan.settings(), kpis=wanted, against=against
    )


@st.cache_resource(max_entries=8, scope="session", show_spinner=False)
def _history(
    digest: str, period: str, readings: str, by: str, _facts: Facts, _plan: Plan
) -> Values:
    del digest, period, readings
    business = catalogue.business(_plan.business)
    wanted = tuple(dict.fromkeys((*_plan.kpis(), *business.kpis())))
    days = recent(_facts, by)
    return kpi_values(_facts, business, days, by, settings=_plan.settings(), kpis=wanted)


@st.cache_resource(max_entries=8, scope="session", show_spinner=False)
def _known(
    digest: str, period: str, readings: str, _facts: Facts, _plan: Plan, _period: Period | None
) -> Mapping[str, KpiValue]:
    del digest, period, readings
    wanted = (*catalogue.kpis(), *_plan.own)
    business = catalogue.business(_plan.business)
    values = kpi_values(_facts, business, _period, settings=_plan.settings(), kpis=wanted)
    return values.totals()


@st.cache_resource(max_entries=8, scope="session", show_spinner=False)
def _measures(
    digest: str, period: str, readings: str, _facts: Facts, _plan: Plan, _period: Period | None
) -> Mapping[str, Input]:
    del digest, period, readings
    evaluation = Evaluation(_facts, _period, settings=_plan.settings())
    return {id: evaluation.input(id) for id in catalogue.measures()}


@st.cache_resource(max_entries=24, scope="session", show_spinner=False)
def _funnel(
    digest: str, period: str, readings: str, _facts: Facts, _plan: Plan, _period: Period | None
) -> Funnel:
    del digest, period, readings
    return funnel(_facts, catalogue.business(_plan.business), _period, _plan.settings())


@st.cache_resource(max_entries=8, scope="session", show_spinner=False)
def _cut(
    digest: str,
    period: str,
    readings: str,
    by: str,
    _facts: Facts,
    _plan: Plan,
    _period: Period | None,
) -> Channels:
    del digest, period, readings
    business = catalogue.business(_plan.business)
    wanted = tuple(dict.fromkeys((*_plan.kpis(), *business.kpis())))
    return by_slice(_facts, business, _period, by, settings=_plan.settings(), kpis=wanted)


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
        plan=default_plan(next(iter(catalogue.businesses()))),
        plans={},
        schemes={},
        uploads={},
        failures=(),
        layouts={},
        sample=True,
        period=None,
        own_days=False,
        compare="previous",
        levers={},
        uploader=0,
        undo=(),
        redo=(),
        locked=frozenset(),
        kept={},
        roles={},
        role_period=None,
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
    if view.plan.business in catalogue.roles():
        st.session_state["roles"][view.plan.business] = view.plan
        return None
    st.session_state.update(
        plan=view.plan,
        period=view.period or view.plan.period,
        levers=dict(view.levers),
        sample=view.sample,
    )
    return None


def current(lang: str) -> State:
    """The session as a page sees it."""
    now = plan()
    uploads = tuple(st.session_state["uploads"].values())
    sample = st.session_state["sample"] or not uploads
    facts = _sample_facts(now.business) if sample else _own_facts(uploads)
    return State(
        lang=lang,
        plan=now,
        sample=sample,
        uploads=sample_uploads(now.business) if sample else uploads,
        failures=st.session_state["failures"],
        facts=facts,
        period=_period(facts),
        compare=st.session_state["compare"],
    )


def analyst(lang: str) -> State:
    """The session as the analyst's page sees it: a plan and period of its own, and only registers.

    The sample speaks where no register is loaded, whatever other files are.
    """
    plan: Plan = st.session_state["roles"].get(ANALYST) or default_plan(ANALYST)
    loaded: dict[str, Upload] = st.session_state["uploads"]
    uploads = tuple(
        upload
        for upload in loaded.values()
        if any("tasks" in table.measures for table in upload.tables)
    )
    sample = st.session_state["sample"] or not uploads
    facts = _sample_facts(ANALYST) if sample else _own_facts(uploads, "role_facts")
    chosen = st.session_state["role_period"] or plan.period
    period = parse_period(chosen) if chosen and chosen != ALL_DAYS else None
    return State(
        lang=lang,
        plan=plan,
        sample=sample,
        uploads=sample_uploads(ANALYST) if sample else uploads,
        failures=(),
        facts=facts,
        period=period if period and facts.period and facts.period.meets(period) else None,
    )


def _own_facts(uploads: tuple[Upload, ...], place: str = "facts") -> Facts:
    key = _named(uploads)
    kept = st.session_state.get(place)
    if kept is None or kept[0] != key:
        kept = (key, combine(uploads))
        st.session_state[place] = kept
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


def turn_to(page: str) -> None:
    """Say which page is drawn: widgets of one key on two pages are two, and the second is empty."""
    st.session_state["turned"] = st.session_state.get("page") != page
    st.session_state["page"] = page


def plan() -> Plan:
    """The plan as it stands."""
    found: Plan = st.session_state["plan"]
    return found


def put(new: Plan) -> None:
    """The one place where a plan changes, so that every change can be taken back."""
    old = plan()
    if new == old:
        return
    st.session_state["undo"] = (*st.session_state["undo"], old)[-UNDO:]
    st.session_state["redo"] = ()
    st.session_state["plan"] = new


def can(step: str) -> bool:
    """Whether there is a change to ``undo`` or to ``redo``."""
    return bool(st.session_state[step])


def undo() -> None:
    """Take the last change of the plan back."""
    _step("undo", "redo")


def redo() -> None:
    """Make the change again that was taken back last."""
    _step("redo", "undo")


def _step(back: str, forth: str) -> None:
    """Move one plan from a stack to the other; a plan of another business brings its data."""
    if not can(back):
        return
    *rest, last = st.session_state[back]
    st.session_state[forth] = (*st.session_state[forth], plan())[-UNDO:]
    st.session_state[back] = tuple(rest)
    if last.business != plan().business:
        st.session_state["levers"] = {}
    st.session_state["plan"] = last


def locked() -> frozenset[str]:
    """The lines whose shares stay when another one is moved."""
    ids: frozenset[str] = st.session_state["locked"]
    return ids


def lock(kpi: str, shut: bool) -> None:
    """Let a share stay as it is, or move with the others."""
    st.session_state["locked"] = locked() | {kpi} if shut else locked() - {kpi}


def kept(name: str, default: Any) -> Any:
    """What a page has put aside under a name, such as a half-written form."""
    return st.session_state["kept"].get(name, default)


def keep(name: str, value: Any) -> None:
    """Put something aside that must survive a change of page."""
    st.session_state["kept"][name] = value


def choose_business(id: str) -> None:
    """Another business type, with the plan last edited for it."""
    plans: dict[str, Plan] = st.session_state["plans"]
    plans[plan().business] = plan()
    st.session_state["levers"] = {}
    put(plans.get(id) or default_plan(id))
    _follow_currency()


def choose_sample(sample: bool) -> None:
    """The sample business, or the reader's own files."""
    st.session_state["sample"] = sample
    st.session_state["period"] = plan().period
    st.session_state["own_days"] = False
    _follow_currency()


def choose_period(text: str | None) -> None:
    """Another period; days of one's own begin with those in view."""
    st.session_state["own_days"] = text == OWN_DAYS
    if text != OWN_DAYS:
        st.session_state["period"] = text


def own_days() -> bool:
    """Whether the first and last day of the period are chosen one by one."""
    chosen: bool = st.session_state["own_days"]
    return chosen


def choose_days(period: Period, first: date | None = None, last: date | None = None) -> None:
    """Another first or last day of the period; the other end gives way."""
    if first:
        period = Period(first, max(first, period.last))
    if last:
        period = Period(min(last, period.first), last)
    st.session_state["own_days"] = True
    st.session_state["period"] = str(period)


def choose_compared(when: str) -> None:
    """Compare with other earlier days, or with none."""
    st.session_state["compare"] = when


def choose_role_period(text: str) -> None:
    """Another period of the analyst's page."""
    st.session_state["role_period"] = text


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


def took_file() -> None:
    """Let every upload box let go of what it holds."""
    st.session_state["uploader"] += 1


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
    fresh = default_plan(plan().business)
    if changed(plan(), currency=fresh.currency) != fresh:
        return
    uploads: dict[str, Upload] = st.session_state["uploads"]
    found = {
        code
        for upload in uploads.values()
        for table in upload.tables
        for code in table.currencies
        if code != "?"
    }
    follows = not st.session_state["sample"] and len(found) == 1
    put(changed(fresh, currency=found.pop()) if follows else fresh)


def set_line(kpi: str, **changes: object) -> None:
    """Change fields of one line of the plan."""
    put(plan().with_line(kpi, **changes))


def same_rule_for_all(kpi: str) -> None:
    """Give every line the rule of one; a rule on the value itself stays where it is."""
    now = plan()
    rule = next(line.rule for line in now.lines if line.kpi == kpi)
    if isinstance(rule, Bands):
        return
    set_plan(
        lines=[
            line.model_dump()
            | ({} if isinstance(line.rule, Bands) else {"rule": rule.model_dump()})
            for line in now.lines
        ]
    )


def set_factor(position: int, **changes: object) -> None:
    """Change fields of one factor of the product scheme."""
    now = plan()
    if not isinstance(now.scheme, Product):
        return
    factors = [factor.model_dump() for factor in now.scheme.factors]
    factors[position] |= changes
    set_plan(scheme=now.scheme.model_dump() | {"factors": factors})


def set_plan(**changes: object) -> None:
    """Change whole fields of the plan."""
    put(changed(plan(), **changes))


def set_vat(source: str, word: str | None) -> None:
    """Whether the money of a source includes VAT; ``None``: as its files say."""
    now = plan()
    others = {id: said for id, said in now.vat.items() if id != source}
    set_plan(vat=others | ({source: word} if word else {}))


def set_vat_percent(rate: float) -> None:
    """The rate of VAT in percent; 0: not known, so nothing is converted."""
    set_plan(vat_rate=Decimal(str(rate)) / 100 if rate else None)


def set_rate(currency: str, rate: Decimal) -> None:
    """What one unit of a currency is worth; 0: not known."""
    now = plan()
    others = {code: worth for code, worth in now.rates.items() if code != currency}
    set_plan(rates=others | ({currency: rate} if rate else {}))


def set_source(family: str, source: str | None) -> None:
    """The source that is heard for a family of measures; ``None``: by the rule."""
    now = plan()
    others = {id: said for id, said in now.sources.items() if id != family}
    set_plan(sources=others | ({family: source} if source else {}))


def drop_stated() -> None:
    """Leave every figure to the files."""
    set_plan(facts={})


def load_plan(name: str, data: bytes) -> None:
    """Replace the plan by a plan file; a mistake in it is told and changes nothing."""
    st.session_state["uploader"] += 1
    try:
        new = read_plan(data, name)
    except PlanError as wrong:
        st.session_state["refused"] = wrong
        return
    if new.business in catalogue.roles():  # of a person beside the business
        st.session_state["roles"][new.business] = new
        st.session_state["role_period"] = new.period
        return
    put(new)
    if new.period:
        st.session_state["period"] = new.period


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
    now = plan()
    both = schemes(now)
    st.session_state["schemes"][(now.business, now.scheme.kind)] = now.scheme
    set_plan(scheme=both[kind])


def set_salary(salary: Decimal) -> None:
    """Another salary; a fund that was one salary follows it."""
    now = plan()
    update: dict[str, Decimal] = {"salary": salary}
    if isinstance(now.scheme, Scorecard) and now.scheme.fund == now.scheme.salary:
        update["fund"] = salary
    set_plan(scheme=now.scheme.model_copy(update=update))


def set_fund(fund: Decimal) -> None:
    """Another bonus fund of the scorecard scheme."""
    now = plan()
    set_plan(scheme=now.scheme.model_copy(update={"fund": fund}))


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
    turned = st.session_state["turned"]
    if turned or full not in st.session_state or not _same(st.session_state[full], default):
        st.session_state[full] = default
    return {"key": full, "on_change": guarded(lambda: write(st.session_state[full]))}


def table(key: str, write: Callable[[Any], None]) -> dict[str, Any]:
    """Arguments that make an editable table hand the cells that were typed into to `write`.

    The key must tell the table it is drawn from: a table of other content begins without edits.
    """
    full = f"{key}:{st.session_state['lang']}"
    return {
        "key": full,
        "on_change": guarded(lambda: write(st.session_state[full]["edited_rows"])),
    }


def _same(shown: object, default: object) -> bool:
    """Whether a widget shows its value; more digits than it prints are left as they were typed."""
    if isinstance(shown, float) and isinstance(default, float):
        return round(shown, 6) == round(default, 6)
    return shown == default
