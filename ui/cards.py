"""What pages show alike: the question and its answer, findings, status."""

import re
from collections.abc import Callable, Sequence
from datetime import datetime, tzinfo
from fractions import Fraction
from functools import partial
from typing import Any, Literal
from zoneinfo import ZoneInfo

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from kpi_core import catalogue, charts, words
from kpi_core.charts import INK
from kpi_core.errors import Finding, Severity
from kpi_core.ingest import Table
from kpi_core.model import Period
from kpi_core.pay import Entry
from kpi_core.rules import Bands
from kpi_core.score import Judged
from kpi_core.text import Number, days, exact, moment, number
from ui.state import State

_SIGNS = "\\`*_{}[]()#+!|<>$~:&"  # that Markdown takes for more than a sign
_START = re.compile(r"^(\d*)(?=[-=.])")  # at the start of a line also a list, a rule or a heading
_BREAKS = re.compile(r"[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]+")
# Addresses and icons are looked for after the backslashes are gone.
_LATE = re.compile(r"(?<=:)(?=//|\w+/)|(?<=www)(?=\.)|(?=@)", re.IGNORECASE)
_ICONS = {
    Severity.ERROR: ":material/error:",
    Severity.WARNING: ":material/warning:",
    Severity.INFO: ":material/info:",
}


def abreast(widths: int | Sequence[int], key: str) -> list[DeltaGenerator]:
    """Columns that stand below each other where the window is too narrow for them."""
    with st.container(key=f"abreast-{key}"):  # frame.css knows it by this name
        return st.columns(widths, gap="medium")


def heading(state: State, page: str, said: str) -> None:
    """The one question of a page, and its answer in one sentence made from the numbers."""
    question(state, page)
    answer(said)


def answer(text: str) -> None:
    """The answer to the question of the page."""
    st.markdown(f"**{plain(sentence(text))}**")


def sentence(text: str) -> str:
    """Words as a sentence begins."""
    return text[0].upper() + text[1:]


def question(state: State, page: str) -> None:
    """The one question of a page."""
    st.title(state.say(f"{page}_question"))


def ink() -> str:
    """The colour of chart labels in the theme in view."""
    return "#e5e9ee" if st.context.theme.type == "dark" else INK


def plain(text: str) -> str:
    """Text from files or the catalogue, made harmless for Markdown: one line of words."""
    line = _LATE.sub("\N{WORD JOINER}", _BREAKS.sub(" ", text).lstrip(" \t"))
    return _START.sub(r"\1\\", "".join(f"\\{sign}" if sign in _SIGNS else sign for sign in line))


def local_moment(at: datetime, lang: str) -> str:
    """A day and time by the visitor's clock, else by that of this computer."""
    try:
        zone: tzinfo | None = ZoneInfo(st.context.timezone or "")
    except (ValueError, OSError):  # of an unknown name, which a browser may send
        zone = None
    return moment(at.astimezone(zone), lang)


def change(
    before: Number | None, after: Number | None, shown: Callable[[Fraction], str]
) -> str | None:
    """The change shown under a metric. Its sign is ASCII: Streamlit tells up from down by it."""
    if before is None or after is None or before == after:
        return None
    by = exact(after) - exact(before)
    return ("-" if by < 0 else "+") + shown(abs(by))


def period_words(state: State) -> str:
    """The period in view, in words."""
    return days_words(state, state.period or state.facts.period)


def days_words(state: State, period: Period | None) -> str:
    """A period in words; of the month in which the files end, up to which day they hold it."""
    if period is None:
        return state.say("all_days")
    name, held = days(period.first, period.last, state.lang), state.facts.period
    if held and period == state.facts.begun():
        return state.say("period_begun", month=name, day=held.last.day)
    return name


def findings(state: State, found: tuple[Finding, ...] | list[Finding], within: str = "") -> None:
    """What is odd about the data, the worst first; small remarks are folded away.

    `within` is the name of the file whose card they stand in: it need not be said again.
    """
    for finding in found:
        if finding.severity is not Severity.INFO:
            text = _told(state, finding, within)
            show = st.error if finding.severity is Severity.ERROR else st.warning
            show(text, icon=_ICONS[finding.severity])
    remarks = [finding for finding in found if finding.severity is Severity.INFO]
    if remarks:
        with st.expander(state.say("remarks", n=len(remarks)), icon=_ICONS[Severity.INFO]):
            for finding in remarks:
                st.caption(_told(state, finding, within))


def _told(state: State, finding: Finding, within: str) -> str:
    where, text = words.place(finding.where, state.lang), finding.text(state.lang)
    where = where.removeprefix(within).removeprefix(" › ")
    return plain(f"{where}: {text}" if where else text)


def chart(
    state: State,
    draw: Callable[[str], Any],
    title: str,
    key: str,
    *,
    table: str | None = None,
    legend: int = 0,
) -> bool:
    """A chart in the ink of the theme, and below it what it can be taken along as.

    The pictures are drawn only when they are asked for, dark on white.

    Args:
        draw: the chart in an ink; ``None`` where there is nothing to show.
        title: above the picture; the page says by itself what it shows.
        key: of the chart; its files are called so.
        table: its figures as CSV, to be taken along, too.
        legend: pixels for a legend below.

    Whether there was anything to show.
    """
    drawn = draw(ink())
    if drawn is None:
        return False
    st.altair_chart(drawn, height=drawn.height + legend if legend else "content", key=key)
    take_along(state, draw, title, key, table=table)
    return True


def take_along(
    state: State, draw: Callable[[str], Any], title: str, key: str, *, table: str | None = None
) -> None:
    """What a chart can be taken along as; it is asked for when somebody opens the menu."""
    fold = st.popover(
        state.say("chart_take"),
        type="tertiary",
        icon=":material/download:",
        key=f"{key}.take",
        on_change="rerun",
    )
    if not fold.open:
        return
    name = re.sub(r"\W+", "-", key).strip("-")
    if table is not None:
        fold.download_button(
            state.say("chart_csv"), table, f"{name}.csv", "text/csv",
            key=f"{key}.csv", on_click="ignore", icon=":material/table:", width="stretch",
        )  # fmt: skip
    for format, media in (("png", "image/png"), ("svg", "image/svg+xml")):
        fold.download_button(
            state.say(f"chart_{format}"), partial(_picture, draw, format, title),
            f"{name}.{format}", media,
            key=f"{key}.{format}", on_click="ignore", icon=":material/image:", width="stretch",
        )  # fmt: skip


def _picture(draw: Callable[[str], Any], format: str, title: str) -> bytes:
    return charts.picture(draw(INK), format, title)


def of_period(state: State, title: str) -> str:
    """The title of a picture, with the period in view: on the page that stands above."""
    return f"{title} · {period_words(state)}"


_Colour = Literal["gray", "green", "orange", "red"]
_STATUS: dict[str, tuple[str, str, _Colour]] = {
    "no_data": ("?", ":material/help:", "gray"),
    "reached": ("✓", ":material/check_circle:", "green"),
    "partly": ("◐", ":material/contrast:", "orange"),
    "missed": ("✗", ":material/cancel:", "red"),
}


def status(state: State, judged: Judged) -> None:
    """Reached, partly, missed or no data: by word and sign, not by colour alone."""
    _, icon, color = _STATUS[judged.status]
    st.badge(state.say(f"status_{judged.status}"), icon=icon, color=color)


def status_words(state: State, judged: Judged) -> str:
    """The same for the cell of a table."""
    return f"{_STATUS[judged.status][0]} {state.say(f'status_{judged.status}')}"


def rule_curve(state: State, judged: Judged, key: str) -> None:
    """What a goal earns at each value, with the point where one stands."""
    name = judged.kpi.name[state.lang]
    title = of_period(state, f"{state.say('rule_of')}: {name}")
    chart(state, lambda ink: charts.rule_curve(judged, state.lang, ink), title, key)


def rule(state: State, judged: Judged) -> None:
    """The rule of a goal drawn, with the point where one stands, and its boundaries in words."""
    rule_curve(state, judged, f"rule.{judged.goal.kpi}")
    segments = words.segments(judged.goal.rule, judged.kpi, state.lang)
    of_value = isinstance(judged.goal.rule, Bands)
    st.table(
        {
            state.say("plan_value" if of_value else "attainment"): [where for where, _ in segments],
            state.say("step_score"): [earns for _, earns in segments],
        }
    )


def table_words(state: State, table: Table) -> str:
    """A table of a file in one line: period, rows, the totals of its measures."""
    period = days(table.period.first, table.period.last, state.lang) if table.period else "—"
    rows = state.say("rows", n=table.rows, rows=number(table.rows, state.lang))
    return f"{period} · {rows} · " + " · ".join(_total(state, table, id) for id in table.measures)


def _total(state: State, table: Table, id: str) -> str:
    """A measure of a table: its sum, or the figure that the file itself states."""
    measure = catalogue.measure(id)
    total, said = table.total(id), ""
    if total is None and id in table.control:
        total, said = table.control[id], f" ({state.say('stated_total')})"
    if total is None:
        amounts = table.by_currency(id).items()
        parts = [words.total(id, figure, state.lang, code) for code, figure in amounts]
        return f"{measure.name[state.lang]}: {' + '.join(parts) or state.say('does_not_add')}"
    return f"{measure.name[state.lang]}: {words.total(id, total, state.lang, table.currency)}{said}"


def derivation(state: State, entries: Sequence[Entry]) -> None:
    """A statement line by line; a comment stands below its line."""
    texts = [entry.text + (f" — {entry.comment}" if entry.comment else "") for entry in entries]
    st.table(
        {
            state.say("statement_line"): [plain(text) for text in texts],
            state.say("statement_value"): [plain(entry.value) for entry in entries],
        }
    )
