"""The funnel of events: which log, what is asked of it, and what it answers."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd
import streamlit as st

from kpi_core import charts, words
from kpi_core.errors import KpiError
from kpi_core.events import (
    Cohort,
    EventFunnel,
    EventFunnelResult,
    EventStep,
    Exclusion,
    Order,
    Portion,
    Step,
    as_csv,
    duration,
    event_counts,
    event_funnel,
    step_name,
    usual_steps,
    way_name,
)
from kpi_core.ingest.eventlog import EventLog, read_event_log
from kpi_core.text import day, days, number, percent
from ui import cards, files, session
from ui.state import KEPT, SAMPLES, Failed, State

CHOSEN = "events.log"
EXAMPLE = "example"
EXAMPLE_FILE = SAMPLES / "shop" / "clickstream.parquet"
AT_ONCE = 2_000_000  # events that are counted at every change; of more, when somebody says so
OFFERED = 300  # events to choose from, the most frequent
BESIDE = 4  # boxes in a line
FOREVER = "none"
LIMITS = ("30m", "1h", "1d", "7d", "14d", "30d")


@dataclass(frozen=True)
class Part:
    """A step as it is being put together.

    Attributes:
        events: any of them is the step.
        within: how long after the step before it, as it is typed; empty: no limit.
        barred: events that must not come between it and the step before.
    """

    events: tuple[str, ...]
    within: str = ""
    barred: tuple[str, ...] = ()


@dataclass(frozen=True)
class Form:
    """What is asked of a log, as it is being put together."""

    parts: tuple[Part, ...]
    unit: str
    order: str = str(Order.ORDERED)
    window: str = "7d"
    by: str = ""
    touch: str = "first"
    cohort: str = "week"
    barred: tuple[str, ...] = ()

    def asked(self) -> EventFunnel:
        """The funnel.

        Raises:
            UsageError: it is none yet.
        """
        steps = tuple(
            Step(part.events, duration(part.within) if place and part.within else None)
            for place, part in enumerate(self.parts)
        )
        barred = [
            Exclusion(part.barred, place)
            for place, part in enumerate(self.parts)
            if place and part.barred
        ]
        barred += [Exclusion(self.barred)] if self.barred else []
        window = None if self.window == FOREVER else duration(self.window)
        return EventFunnel(
            steps,
            Order(self.order),
            window,
            self.unit,  # type: ignore[arg-type]  # one of those that the log names
            tuple(barred),
            self.by or None,  # type: ignore[arg-type]
            self.touch,  # type: ignore[arg-type]
            self.cohort,  # type: ignore[arg-type]
        )


def view(state: State, switch: Callable[[State], None]) -> None:
    """The answer; `switch`, which leads to other views; the log, what is asked of it, what it says.

    It is counted once for each log and question, of a large log only when somebody says so.
    """
    chosen, log = _chosen(state)
    if log is None:
        cards.heading(state, "funnel", state.say("events_no_log"))
        switch(state)
        st.markdown(state.say("events_bring_about"))
        _bring(state)
        st.button(
            state.say("events_show_example"),
            on_click=session.guarded(session.keep, CHOSEN, EXAMPLE),
            key="events.show_example",
        )
        _refused(state)
        return
    with st.spinner(state.say("events_counting")):
        known = _counts(str(log.path), log)
        form = session.kept(_place(chosen), None) or _usual(log, known)
        found = _answered(log, form)
    cards.heading(
        state,
        "funnel",
        _answer(state, found)
        if isinstance(found, EventFunnelResult)
        else state.say("events_not_yet"),
    )
    switch(state)
    _log(state, chosen, log)
    _steps(state, chosen, form, list(known)[:OFFERED])
    _limits(state, chosen, form, list(known)[:OFFERED], log)
    if isinstance(found, KpiError):
        st.warning(cards.plain(found.text(state.lang)), icon=":material/warning:")
    elif found:
        _result(state, found, log)
    else:
        st.button(
            state.say("events_count", events=number(log.events, state.lang), n=log.events),
            on_click=session.guarded(session.keep, f"{_place(chosen)}.asked", repr(form)),
            key="events.count",
        )


# --- which log


def _chosen(state: State) -> tuple[str, EventLog | None]:
    """The log in view; in the sample business the example, if there is no other."""
    own = {digest: log for digest, log in files.logs().items() if isinstance(log, EventLog)}
    usual = next(reversed(own), EXAMPLE if state.sample else "")
    chosen = session.kept(CHOSEN, usual)
    if chosen not in own and chosen != EXAMPLE:
        chosen = usual
    return chosen, _example() if chosen == EXAMPLE else own.get(chosen)


def _log(state: State, chosen: str, log: EventLog) -> None:
    """Which log it is, and the way to another one."""
    own = {digest: log for digest, log in files.logs().items() if isinstance(log, EventLog)}
    names = {digest: each.name for digest, each in own.items()}
    names[EXAMPLE] = state.say("events_example")
    which, about = st.columns([2, 3], vertical_alignment="bottom")
    which.selectbox(
        state.say("events_log"),
        list(names),
        format_func=names.__getitem__,
        **session.remembered(CHOSEN, chosen),
    )
    with about.popover(state.say("events_other_log"), icon=":material/upload_file:"):
        _bring(state)
        if chosen in own and chosen not in session.uploads():
            st.button(
                state.say("remove"),
                on_click=session.guarded(files.drop_log, chosen),
                icon=":material/delete:",
                key="events.remove",
            )
    said = state.say("events_rows", n=log.events, events=number(log.events, state.lang))
    st.caption(cards.plain(f"{log.name} · {said}"))
    _refused(state)


def _bring(state: State) -> None:
    """A box for a log that is wanted for its events alone."""
    dropped = st.file_uploader(
        state.say("events_bring"),
        help=state.say("events_bring_help"),
        key=session.upload_key("events.file"),
    )
    if dropped is None:
        return
    with st.spinner(state.say("events_reading")):
        digest = files.bring_log(dropped.name, dropped.getvalue())
    session.keep(CHOSEN, digest)
    st.rerun()


def _refused(state: State) -> None:
    """Files that are no logs of single events, and why."""
    for failed in files.logs().values():
        if isinstance(failed, Failed):
            st.warning(cards.plain(failed.error.text(state.lang)), icon=":material/warning:")


@st.cache_resource(show_spinner=False)
def _example() -> EventLog:
    """The log of the sample shop: the same for everybody."""
    return read_event_log(EXAMPLE_FILE)


# --- what is asked


def _place(chosen: str) -> str:
    return f"events.form.{chosen}"


def _usual(log: EventLog, known: Mapping[str, int]) -> Form:
    return Form(tuple(Part(step.events) for step in usual_steps(log, known)), log.units[0])


def _answered(log: EventLog, form: Form) -> EventFunnelResult | KpiError | None:
    """The answer; why there is none; nothing: a large log that nobody has said to count."""
    chosen = next((own for own, each in files.logs().items() if each is log), EXAMPLE)
    if log.events > AT_ONCE and session.kept(f"{_place(chosen)}.asked", "") != repr(form):
        return None
    try:
        asked = form.asked()
        return _found(str(log.path), repr(asked), log, asked)
    except KpiError as wrong:
        return wrong


# Keyed by content: the path of a log names what it holds and how it was read.


@st.cache_resource(max_entries=KEPT, scope="session", show_spinner=False)
def _found(path: str, said: str, _log: EventLog, _asked: EventFunnel) -> EventFunnelResult:
    del path, said
    return event_funnel(_log, _asked)


@st.cache_resource(max_entries=KEPT, scope="session", show_spinner=False)
def _counts(path: str, _log: EventLog) -> dict[str, int]:
    del path
    return event_counts(_log)


def _write(chosen: str, form: Form) -> None:
    """Another form; a time limit that cannot be read is told and changes nothing."""
    for limit in (form.window, *(part.within for part in form.parts)):
        if limit not in ("", FOREVER):
            duration(limit)
    session.keep(_place(chosen), form)


def _steps(state: State, chosen: str, form: Form, events: list[str]) -> None:
    """A box a step, and an empty one for the next; a box that is emptied takes its step away."""
    boxes = [*form.parts, Part(())]
    st.caption(state.say("events_steps_about"))
    for start in range(0, len(boxes), BESIDE):
        for column, place in zip(st.columns(BESIDE), range(start, len(boxes)), strict=False):
            column.multiselect(
                state.say("events_step", n=place + 1)
                if place < len(form.parts)
                else state.say("events_next"),
                _with(events, boxes[place].events),
                placeholder=state.say("events_choose"),
                **session.widget(
                    f"events.step.{chosen[:12]}.{place}",
                    list(boxes[place].events),
                    _step_writer(chosen, form, place),
                ),
            )


def _step_writer(chosen: str, form: Form, place: int) -> Callable[[Sequence[str]], None]:
    return lambda names: _write(chosen, _put(form, place, tuple(names)))


def _put(form: Form, place: int, names: tuple[str, ...]) -> Form:
    parts = list(form.parts)
    if place == len(parts):
        parts.append(Part(names))
    elif names:
        parts[place] = replace(parts[place], events=names)
    else:
        parts.pop(place)
    return replace(form, parts=tuple(parts))


def _with(events: list[str], chosen: tuple[str, ...]) -> list[str]:
    return list(dict.fromkeys([*events, *chosen]))


def _limits(state: State, chosen: str, form: Form, events: list[str], log: EventLog) -> None:
    """In which order, how fast, whose, by what; what must not come between."""

    def put(**changes: object) -> None:
        _write(chosen, replace(form, **changes))  # type: ignore[arg-type]

    def choice(place: Any, name: str, options: list[str], shown: Callable[[str], str]) -> None:
        place.selectbox(
            state.say(f"events_{name}"),
            options,
            format_func=shown,
            help=state.say(f"events_{name}_help"),
            **session.widget(
                f"events.{name}.{chosen[:12]}",
                getattr(form, name),
                lambda new: put(**{name: new}),
            ),
        )

    def said(name: str) -> Callable[[str], str]:
        return lambda id: state.say(f"events_{name}_{id}")

    unit, window, order, by = st.columns(BESIDE)
    choice(unit, "unit", list(log.units), said("unit"))
    _limit_box(
        state,
        window,
        state.say("events_window"),
        key=f"events.window.{chosen[:12]}",
        limit=form.window,
        write=lambda new: put(window=new),
        nothing=FOREVER,
    )
    choice(order, "order", [str(order) for order in Order], said("order"))
    choice(
        by,
        "by",
        ["", *log.cuts],
        lambda id: words.cut(id, state.lang) if id else state.say("events_by_none"),
    )
    with st.expander(state.say("events_more"), icon=":material/tune:"):
        cohort, touch = st.columns(2)
        choice(cohort, "cohort", ["week", "day"], said("cohort"))
        if form.by:
            choice(touch, "touch", ["first", "last"], said("touch"))
        st.multiselect(
            state.say("events_barred"),
            _with(events, form.barred),
            help=state.say("events_barred_help"),
            placeholder=state.say("events_choose"),
            **session.widget(
                f"events.barred.{chosen[:12]}",
                list(form.barred),
                lambda names: put(barred=tuple(names)),
            ),
        )
        for place, part in enumerate(form.parts):
            if place:
                _between(state, chosen, form, place, _with(events, part.barred))


def _between(state: State, chosen: str, form: Form, place: int, events: list[str]) -> None:
    """What holds between a step and the one before it."""
    part = form.parts[place]

    def put(**changes: object) -> None:
        parts = list(form.parts)
        parts[place] = replace(part, **changes)  # type: ignore[arg-type]
        _write(chosen, replace(form, parts=tuple(parts)))

    within, barred = st.columns([1, 3], vertical_alignment="bottom")
    _limit_box(
        state,
        within,
        state.say("events_within", n=place + 1),
        key=f"events.within.{chosen[:12]}.{place}",
        limit=part.within,
        write=lambda new: put(within=new),
    )
    barred.multiselect(
        state.say("events_barred_here", n=place, next=place + 1),
        events,
        placeholder=state.say("events_choose"),
        **session.widget(
            f"events.barred.{chosen[:12]}.{place}",
            list(part.barred),
            lambda names: put(barred=tuple(names)),
        ),
    )


def _limit_box(
    state: State,
    place: Any,
    label: str,
    *,
    key: str,
    limit: str,
    write: Callable[[str], None],
    nothing: str = "",
) -> None:
    """A time limit, chosen or typed: ``30m``, ``12h``, ``7d``, ``2w``."""

    def shown(text: str) -> str:
        if text == nothing:
            return state.say("events_no_limit")
        return words.took(duration(text).total_seconds(), state.lang) if text in LIMITS else text

    place.selectbox(
        label,
        list(dict.fromkeys([nothing, *LIMITS, limit])),
        format_func=shown,
        accept_new_options=True,
        help=state.say("events_limit_help"),
        **session.widget(key, limit, write),
    )


# --- what it answers


def _answer(state: State, found: EventFunnelResult) -> str:
    lang, steps = state.lang, found.total.steps
    first, last = steps[0], steps[-1]
    if not first.units or last.of_first is None:
        return state.say("events_nobody", step=_bare(first, lang))
    leak = min((row for row in steps if row.of_previous), key=_kept)
    return state.say(
        "events_answer",
        units=_units(state, found, first.units),
        first=_bare(first, lang),
        last=_bare(last, lang),
        rate=percent(last.of_first.value, lang),
        leak=_bare(leak, lang),
        kept=_share(leak.of_previous, lang),
    )


def _bare(row: EventStep, lang: str) -> str:
    """A step without its number."""
    return step_name(row, lang).partition(". ")[2]


def _kept(row: EventStep) -> Any:
    return row.of_previous.value if row.of_previous else 1


def _units(state: State, found: EventFunnelResult, count: int) -> str:
    return state.say(f"events_n_{found.asked.unit}", n=count, units=number(count, state.lang))


def _share(share: Portion | None, lang: str, digits: int = 1) -> str:
    return percent(share.value if share else None, lang, digits)


def _range(share: Portion | None, lang: str) -> str:
    return f"{percent(share.low, lang)} – {percent(share.high, lang)}" if share else "—"


def _result(state: State, found: EventFunnelResult, log: EventLog) -> None:
    """Chart and table, findings, parts, times, ways out, cohorts."""
    lang = state.lang
    cards.chart(
        state,
        lambda ink: charts.event_bars(found.total, lang, ink),
        _titled(log.name, found, lang),
        "event_funnel",
        table=as_csv(found),
    )
    _table(state, found)
    cards.findings(state, found.findings)
    if found.asked.by:
        _groups(state, found)
    _times(state, found)
    _left(state, found)
    _cohorts(state, found)


def _titled(said: str, found: EventFunnelResult, lang: str) -> str:
    """The title of a picture, with the days of the log."""
    return f"{said} · {days(*found.period, lang)}" if found.period else said


def _table(state: State, found: EventFunnelResult) -> None:
    """Units by step and their shares, each of what its heading says; below, their counts."""
    lang, steps, whole = state.lang, found.total.steps, found.total.units
    unit, names = state.say(f"events_unit_{found.asked.unit}"), [step_name(r, lang) for r in steps]
    heads = [state.say(f"events_{share}") for share in ("of_previous", "of_first", "of_all")]
    shares = [(row.of_previous, row.of_first, row.of_all) for row in steps]
    rows = {state.say("events_column_step"): names, unit: [number(r.units, lang) for r in steps]}
    for place, head in enumerate(heads):
        digits = 2 if place else 1
        rows[head] = [_share(own[place], lang, digits) for own in shares]
    _shown(rows)
    said = _units(state, found, whole)
    st.caption(cards.plain(state.say("events_table_note", whole=said)))
    with st.expander(state.say("funnel_beside_numbers")):
        wholes = [(before.units, steps[0].units, whole) for before in (steps[0], *steps[:-1])]
        numbers = {state.say("events_column_step"): names}
        for place, head in enumerate(heads):
            numbers[head] = [
                _of(row.units, of[place], own[place], lang)
                for row, of, own in zip(steps, wholes, shares, strict=True)
            ]
        _shown(numbers)


def _shown(columns: Mapping[str, Sequence[str]]) -> None:
    """A table whose first column stays in view on a phone."""
    first = next(iter(columns))
    st.dataframe(
        pd.DataFrame(columns),
        hide_index=True,
        height="content",
        column_config={first: st.column_config.Column(pinned=True)},
    )


def _of(count: int, whole: int, share: Portion | None, lang: str) -> str:
    """What a share is made of, and what chance leaves plausible."""
    if share is None:
        return "—"
    return f"{number(count, lang)} / {number(whole, lang)} ({_range(share, lang)})"


def _groups(state: State, found: EventFunnelResult) -> None:
    """The same of every channel, device, ..."""
    lang, by = state.lang, str(found.asked.by)
    st.header(cards.plain(state.say("events_parts", by=words.cut(by, lang))))
    groups = found.groups[1:]
    names = [
        words.slice_name(by, own.slice, lang) if own.slice else state.say("events_unnamed")
        for own in groups
    ]
    columns = {state.say("channels_part"): names}
    for place, row in enumerate(found.total.steps):
        columns[step_name(row, lang)] = [number(own.steps[place].units, lang) for own in groups]
    columns[state.say("events_of_first")] = [_share(own.conversion, lang, 2) for own in groups]
    columns[state.say("stage_range")] = [_range(own.conversion, lang) for own in groups]
    _shown(columns)
    st.caption(state.say(f"events_touch_note_{found.asked.touch}"))


def _times(state: State, found: EventFunnelResult) -> None:
    """How long it took: quartiles of every step, and the spread of one."""
    lang = state.lang
    reached = [row for row in found.total.steps if row.since_first and row.since_previous]
    if not reached:
        return
    st.header(state.say("events_times"), help=state.say("events_times_help"))
    names = {row.number: step_name(row, lang) for row in reached}
    columns = {state.say("events_column_step"): list(names.values())}
    for since in ("previous", "first"):
        taken = [row.since_first if since == "first" else row.since_previous for row in reached]
        columns[state.say(f"events_since_{since}_median")] = [
            words.took(times.median, lang) for times in taken if times
        ]
        columns[state.say(f"events_since_{since}_quartiles")] = [
            f"{words.took(times.lower, lang)} – {words.took(times.upper, lang)}"
            for times in taken
            if times
        ]
    _shown(columns)
    kept = session.kept("events.times", 0)
    chosen = kept if kept in names else reached[-1].number
    st.selectbox(
        state.say("events_times_of"),
        list(names),
        format_func=names.__getitem__,
        **session.remembered("events.times", chosen),
    )
    times = next(row.since_first for row in reached if row.number == chosen)
    if times:
        cards.chart(
            state,
            lambda ink: charts.took_bars(times, lang, ink),
            _titled(f"{state.say('events_times_of')} {names[chosen]}", found, lang),
            "took_bars",
        )


def _left(state: State, found: EventFunnelResult) -> None:
    """What those did instead who went no further."""
    lang = state.lang
    columns: dict[str, list[str]] = {
        state.say("events_left_after"): [],
        state.say("events_left_did"): [],
        state.say(f"events_unit_{found.asked.unit}"): [],
        state.say("events_left_share"): [],
    }
    for left in found.left:
        step = step_name(found.total.steps[left.step - 1], lang)
        ways = [(way_name(event, lang), units) for event, units in left.ways]
        ways += [(state.say("events_other"), left.other)] if left.other else []
        for way, units in ways:
            share = percent(units / left.units, lang)
            row = (step, way, number(units, lang), share)
            for column, cell in zip(columns.values(), row, strict=True):
                column.append(cell)
    if any(left.units for left in found.left):
        st.header(state.say("events_left"), help=state.say("events_left_help"))
        _shown(columns)


def _cohorts(state: State, found: EventFunnelResult) -> None:
    """Conversion of those who began together, by day as a line and as asked in a table."""
    lang = state.lang
    if not any(own.conversion for own in found.days):
        return
    st.header(state.say("events_cohorts"), help=state.say("events_cohorts_help"))
    if len(found.days) > 1:
        cards.chart(
            state,
            lambda ink: charts.cohort_line(found.days, lang, ink),
            _titled(state.say("events_cohorts"), found, lang),
            "cohort_line",
        )
    cohorts = found.cohorts
    _shown(
        {
            state.say(f"events_cohort_{found.asked.cohort}"): [
                day(own.first, lang) for own in cohorts
            ],
            state.say("events_began"): [number(own.reached[0], lang) for own in cohorts],
            state.say("events_came"): [number(own.reached[-1], lang) for own in cohorts],
            state.say("events_of_first"): [_share(own.conversion, lang, 2) for own in cohorts],
            state.say("stage_range"): [_range(own.conversion, lang) for own in cohorts],
            state.say("events_window_over"): [_over(state, own) for own in cohorts],
        }
    )
    if not all(own.whole for own in cohorts):
        st.caption(state.say("events_open_note"))


def _over(state: State, cohort: Cohort) -> str:
    return state.say("events_yes" if cohort.whole else "events_not_over")
