"""The session: the only reader and writer of ``st.session_state``.

What must survive a change of page lives here, not in widget keys. The plan is the one truth about
weights, targets and rules; widgets show it and write back to it through callbacks.
"""

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from kpi_core import catalogue
from kpi_core.errors import KpiError
from kpi_core.facts import Facts, combine
from kpi_core.ingest import Upload
from kpi_core.link import View, decode, encode
from kpi_core.model import Period, parse_period
from kpi_core.plan import Plan, changed, default_plan
from kpi_core.scenario import Scenario, Scenarios
from ui import tabs
from ui.memory import Presence
from ui.state import Failed, State, named, sample_facts, sample_uploads
from ui.tabs import Own

ALL_DAYS = "all"
OWN_DAYS = "days"  # of the period: from one day to another
UNDO = 50  # changes of the plan that can be taken back
LINK = "v"  # the query parameter of a shared view
ANALYST = "analyst"  # the role whose page it is
_MINE = "link.mine"
STILL = Scenario(name="levers")  # none of them moved


def _own() -> Own:
    """What the session holds of its visitor's own."""
    found: Own = st.session_state["own"]
    return found


# --- reading the session


def untouched(business: str, visitor: object = None) -> Own:
    """What a visitor has who has done nothing yet: the sample of a business type."""
    return Own(
        visitor=visitor,
        plan=default_plan(business),
        plans={},
        uploads={},
        failures=(),
        layouts={},
        sample=True,
        period=None,
        own_days=False,
        compare="previous",
        levers=STILL,
        undo=(),
        redo=(),
        locked=frozenset(),
        kept={},
        roles={},
        role_period=None,
        pay_hidden=False,
        passing=False,
    )


def start(visitor: object = None) -> bool:
    """Set up a new session of somebody; whether it is new."""
    if "own" in st.session_state:
        return False
    first = next(iter(catalogue.businesses()))
    st.session_state.update(own=untouched(first, visitor), uploader=0, presence=Presence())
    st.session_state["tab"] = tabs.named(_own())
    return True


def open_link(was_busy: bool = False) -> str | None:
    """Go to the link that the session was opened with, if any; what is wrong with that.

    Work that the visitor `was_busy` with stays beside it: nothing of the link is put down.
    """
    word = st.query_params.pop(LINK, None)
    if not word:
        st.session_state["began"] = stand()
        return None
    try:
        view = decode(word)
        if view.period and view.period != ALL_DAYS:
            parse_period(view.period)
    except KpiError as broken:
        return broken.code
    if view.plan.business in catalogue.roles():
        _own()["roles"][view.plan.business] = view.plan
        return None
    if was_busy:
        mine = _own()
        go_on(mine.forked())
        keep(_MINE, mine)
        _own()["passing"] = True
    _show(view)
    return None


def mine() -> Own | None:
    """The visitor's own work, while a link is in view in its place."""
    found: Own | None = kept(_MINE, None)
    return found


def back_to_mine() -> None:
    """Leave the link."""
    if found := mine():
        go_on(found)


def go_on_with_link() -> None:
    """The link is the visitor's own work from now on."""
    keep(_MINE, None)
    _own()["passing"] = False


def lay_out(view: View, files: Mapping[str, Upload]) -> None:
    """Go on with what was put down earlier."""
    _own()["uploads"] = dict(files)
    _show(view)
    _own().update(undo=(), redo=())


def _show(view: View) -> None:
    put(view.plan)
    _own().update(period=view.period or view.plan.period, levers=view.moved(), sample=view.sample)
    if view.scenarios:
        put_scenarios(view.scenarios)


def resume(word: str) -> None:
    """Go on where the tab with this word was, unless a link or something done here is in view."""
    then = tabs.found(word)
    if then is None or then["visitor"] != visitor() or stand() != st.session_state.get("began"):
        return
    st.session_state["own"] = then.forked()
    st.session_state["tab"] = tabs.named(_own())


def work() -> Own:
    """All that the visitor is at, to come back to by `go_on`."""
    return _own()


def go_on(own: Own) -> None:
    """Go on with other work, in the same tab; a refresh finds it, too."""
    st.session_state["own"] = own
    tabs.renamed(tab(), own)


def visitor() -> Any:
    """Whose session it is, as it was started."""
    return _own()["visitor"]


def tab() -> str:
    """The word by which the browser's tab knows this session."""
    word: str = st.session_state["tab"]
    return word


def current(lang: str) -> State:
    """The session as a page sees it."""
    now = plan()
    own = tuple(uploads().values())
    sample = _own()["sample"] or not own
    facts = sample_facts(now.business) if sample else _own_facts(own)
    return State(
        lang=lang,
        plan=now,
        sample=sample,
        uploads=sample_uploads(now.business) if sample else own,
        failures=failures(),
        facts=facts,
        period=_period(facts),
        compare=_own()["compare"],
    )


def analyst(lang: str) -> State:
    """The session as the analyst's page sees it: a plan and period of its own, and only registers.

    The sample speaks where no register is loaded, whatever other files are.
    """
    plan: Plan = _own()["roles"].get(ANALYST) or default_plan(ANALYST)
    registers = tuple(
        upload
        for upload in uploads().values()
        if any("tasks" in table.measures for table in upload.tables)
    )
    sample = _own()["sample"] or not registers
    facts = sample_facts(ANALYST) if sample else _own_facts(registers, "role_facts")
    chosen = _own()["role_period"] or plan.period
    period = parse_period(chosen) if chosen and chosen != ALL_DAYS else None
    return State(
        lang=lang,
        plan=plan,
        sample=sample,
        uploads=sample_uploads(ANALYST) if sample else registers,
        failures=(),
        facts=facts,
        period=period if period and facts.period and facts.period.meets(period) else None,
    )


def _own_facts(uploads: tuple[Upload, ...], place: str = "facts") -> Facts:
    key = named(uploads)
    kept = _own().get(place)
    if kept is None or kept[0] != key:
        kept = (key, combine(uploads))
        _own()[place] = kept
    facts: Facts = kept[1]
    return facts


def _period(facts: Facts) -> Period | None:
    """The chosen period if the facts reach it; else their last whole month, else all days."""
    chosen = _own()["period"]
    if chosen == ALL_DAYS:
        return None
    if chosen:
        period = parse_period(chosen)
        if facts.period and facts.period.meets(period):
            return period
    months = facts.months()
    return months[-1] if months else None


def uploads() -> dict[str, Upload]:
    """Digest to file, of the files that the reader has loaded."""
    loaded: dict[str, Upload] = _own()["uploads"]
    return loaded


def failures() -> tuple[Failed, ...]:
    """The files that could not be read."""
    told: tuple[Failed, ...] = _own()["failures"]
    return told


def layouts() -> dict[str, str]:
    """Name to text of the layouts that were taught in this session."""
    known: dict[str, str] = _own()["layouts"]
    return known


def layout_texts() -> list[tuple[str, str]]:
    """Name and text of the taught layouts, the latest first: so they are tried."""
    return list(reversed(layouts().items()))


def upload_key(name: str) -> str:
    """The key of an upload box, new after each reading: so the box lets go of the bytes."""
    return f"{name}:{st.session_state['uploader']}"


def levers() -> Scenario:
    """Where the levers stand."""
    stand: Scenario = _own()["levers"]
    return stand


def scenarios() -> Scenarios:
    """The scenarios that are kept for the business type of the plan."""
    found: Scenarios = kept(f"scenarios.{plan().business}", Scenarios())
    return found


def link(state: State) -> str:
    """The word that reproduces this view."""
    period = f"{state.period.first}..{state.period.last}" if state.period else ALL_DAYS
    return encode(_view(period, state.sample))


def stand() -> tuple[object, ...]:
    """What `put_down` puts down, to be compared with what was."""
    own, moved = _own(), levers()
    still = own["plan"], own["period"], own["sample"], scenarios(), tuple(uploads())
    return *still, dict(moved.levers), moved.elasticity


def put_down() -> View:
    """Everything but the files, as `lay_out` takes it."""
    return _view(_own()["period"], _own()["sample"])


def _view(period: str | None, sample: bool) -> View:
    moved, own = levers(), scenarios()
    return View(
        plan=plan(),
        period=period,
        levers=dict(moved.levers),
        elasticity=moved.elasticity,
        scenarios=own if own.scenarios else None,
        sample=sample,
    )


# --- changing the session (for callbacks)


def turn_to(page: str) -> None:
    """Say which page is drawn: widgets of one key on two pages are two, and the second is empty."""
    st.session_state["turned"] = st.session_state.get("page") != page
    st.session_state["page"] = page


def plan() -> Plan:
    """The plan as it stands."""
    found: Plan = _own()["plan"]
    return found


def put(new: Plan) -> None:
    """The one place where a plan changes, so that every change can be taken back."""
    old = plan()
    if new == old:
        return
    _own()["undo"] = (*_own()["undo"], old)[-UNDO:]
    _own()["redo"] = ()
    _own()["plan"] = new


def take_plan(new: Plan) -> None:
    """A plan that was brought, with its period; that of a person stands beside the business's."""
    if new.business in catalogue.roles():
        _own()["roles"][new.business] = new
        _own()["role_period"] = new.period
        return
    put(new)
    if new.period:
        _own()["period"] = new.period


def can(step: str) -> bool:
    """Whether there is a change to ``undo`` or to ``redo``."""
    return bool(_own()[step])


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
    *rest, last = _own()[back]
    _own()[forth] = (*_own()[forth], plan())[-UNDO:]
    _own()[back] = tuple(rest)
    if last.business != plan().business:
        _own()["levers"] = STILL
    _own()["plan"] = last


def pay_hidden() -> bool:
    """Whether the plan was opened by somebody who may not see what is paid."""
    hidden: bool = _own()["pay_hidden"]
    return hidden


def is_passing() -> bool:
    """Whether a double of real files or somebody's link is in view, not the visitor's own work."""
    passing: bool = _own()["passing"]
    return passing


def is_lasting() -> bool:
    """Whether the work may be put down: it is the visitor's own, and no plan without its sums."""
    return not (is_passing() or pay_hidden())


def hide_pay(hidden: bool) -> None:
    """Show no longer, or again, what is paid: a plan without sums has 0 in their place.

    There is no way back from a plan with them to one without, where a 0 would be shown as pay.
    """
    if hidden != pay_hidden():
        _own().update(pay_hidden=hidden, undo=(), redo=(), plans={})


def locked() -> frozenset[str]:
    """The lines whose shares stay when another one is moved."""
    ids: frozenset[str] = _own()["locked"]
    return ids


def lock(kpi: str, shut: bool) -> None:
    """Let a share stay as it is, or move with the others."""
    _own()["locked"] = locked() | {kpi} if shut else locked() - {kpi}


def kept(name: str, default: Any) -> Any:
    """What a page has put aside under a name, such as a half-written form."""
    return _own()["kept"].get(name, default)


def keep(name: str, value: Any) -> None:
    """Put something aside that must survive a change of page."""
    _own()["kept"][name] = value


def held(name: str) -> Any:
    """What this session alone knows under a name; a refreshed tab begins without it."""
    return st.session_state.get(name)


def hold(name: str, value: Any) -> None:
    """Let the session know something that is none of its visitor's own."""
    st.session_state[name] = value


def choose_business(id: str) -> None:
    """Another business type, with the plan last edited for it."""
    plans: dict[str, Plan] = _own()["plans"]
    plans[plan().business] = plan()
    _own()["levers"] = STILL
    put(plans.get(id) or default_plan(id))
    follow_currency()


def choose_sample(sample: bool) -> None:
    """The sample business, or the reader's own files."""
    _own()["sample"] = sample
    _own()["period"] = plan().period
    _own()["own_days"] = False
    follow_currency()


def choose_period(text: str | None) -> None:
    """Another period; days of one's own begin with those in view."""
    _own()["own_days"] = text == OWN_DAYS
    if text != OWN_DAYS:
        _own()["period"] = text


def own_days() -> bool:
    """Whether the first and last day of the period are chosen one by one."""
    chosen: bool = _own()["own_days"]
    return chosen


def choose_days(period: Period, first: date | None = None, last: date | None = None) -> None:
    """Another first or last day of the period; the other end gives way."""
    if first:
        period = Period(first, max(first, period.last))
    if last:
        period = Period(min(last, period.first), last)
    _own()["own_days"] = True
    _own()["period"] = str(period)


def choose_compared(when: str) -> None:
    """Compare with other earlier days, or with none."""
    _own()["compare"] = when


def choose_role_period(text: str) -> None:
    """Another period of the analyst's page."""
    _own()["role_period"] = text


def took_file() -> None:
    """Let every upload box let go of what it holds, and the server of its bytes.

    A box of a new key is empty, but Streamlit keeps what the old one held until the session ends.
    """
    st.session_state["uploader"] += 1
    if context := get_script_run_ctx():
        context.uploaded_file_mgr.remove_session_files(context.session_id)


def tell_failures(*failed: Failed) -> None:
    """Tell of these files, and no longer of others, that they could not be read."""
    _own()["failures"] = failed


def follow_currency() -> None:
    """A plan that nobody has touched speaks the currency of the files; any other keeps its own."""
    now = plan()
    fresh = changed(default_plan(now.business), funnel=now.funnel, stages=now.stages)
    if changed(now, currency=fresh.currency) != fresh:
        return
    found = {
        code
        for upload in uploads().values()
        for table in upload.tables
        for code in table.currencies
        if code != "?"
    }
    follows = not _own()["sample"] and len(found) == 1
    put(changed(fresh, currency=found.pop()) if follows else fresh)


def refuse(change: KpiError) -> None:
    """Tell, in the next run, what could not be done."""
    st.session_state["refused"] = change


def is_refused() -> bool:
    """Whether a change could not be made and that is not told yet."""
    return "refused" in st.session_state


def take_refused() -> KpiError | None:
    """The change that could not be made since the last run, told once."""
    refused: KpiError | None = st.session_state.pop("refused", None)
    return refused


def put_levers(stand: Scenario) -> None:
    """Where the levers are moved to."""
    _own()["levers"] = stand


def put_scenarios(own: Scenarios) -> None:
    """The scenarios to keep for the business type of the plan."""
    keep(f"scenarios.{plan().business}", own)


def guarded(write: Callable[..., object], *values: object) -> Callable[[], None]:
    """A callback that makes a change; one that cannot be made is told and changes nothing."""

    def change() -> None:
        try:
            write(*values)
        except KpiError as refused:
            refuse(refused)

    return change


def widget(key: str, default: object, write: Callable[[Any], None]) -> dict[str, Any]:
    """Arguments that make a widget show `default` and hand what it is set to to `write`.

    What was set has been written before the run begins, so while drawing, `default` is the truth:
    a widget that says otherwise (its change was refused, or another moved it) is set right.
    A language has widgets of its own: a browser hands back a choice by the label it had.
    """
    full = f"{key}:{st.session_state['lang']}"
    turned, shown = st.session_state["turned"], st.session_state.get(full, default)
    # Set in every run, since only what a run sets is sent: a browser that missed the run before
    # would show, and hand back, the first option or 0.
    st.session_state[full] = default if turned or not _same(shown, default) else shown
    return {"key": full, "on_change": guarded(lambda: write(st.session_state[full]))}


def remembered(key: str, value: object) -> dict[str, Any]:
    """Arguments of a widget that shows `value` and puts aside, under its key, what it is set to."""
    return widget(key, value, lambda new: keep(key, new))


def table(key: str, write: Callable[[Any], None]) -> dict[str, Any]:
    """Arguments that make an editable table hand what was edited, added and deleted to `write`.

    The key must tell the table it is drawn from: a table of other content begins without edits.
    """
    full = f"{key}:{st.session_state['lang']}"
    return {
        "key": full,
        "on_change": guarded(lambda: write(st.session_state[full])),
    }


def _same(shown: object, default: object) -> bool:
    """Whether a widget shows its value; more digits than it prints are left as they were typed."""
    if isinstance(shown, float) and isinstance(default, float):
        return round(shown, 6) == round(default, 6)
    return shown == default
