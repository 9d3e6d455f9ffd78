"""What pages show alike: the question and its answer, findings, status."""

from collections.abc import Callable
from fractions import Fraction

import streamlit as st

from kpi_core import catalogue, words
from kpi_core.charts import INK
from kpi_core.errors import Finding, Severity
from kpi_core.ingest import Table
from kpi_core.score import Judged
from kpi_core.text import Number, days, exact, number
from ui.session import State

_ICONS = {
    Severity.ERROR: ":material/error:",
    Severity.WARNING: ":material/warning:",
    Severity.INFO: ":material/info:",
}


def heading(state: State, page: str, answer: str) -> None:
    """The one question of a page, and its answer in one sentence made from the numbers."""
    st.title(state.say(f"{page}_question"))
    st.markdown(f"**{plain(answer[0].upper() + answer[1:])}**")


def ink() -> str:
    """The colour of chart labels in the theme in view."""
    return "#e5e9ee" if st.context.theme.type == "dark" else INK


def plain(text: str) -> str:
    """Text from files or the catalogue, made harmless for Markdown."""
    return "".join(f"\\{sign}" if sign in "\\`*_{}[]()#+!|<>$~:" else sign for sign in text)


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
    period = state.period or state.facts.period
    return days(period.first, period.last, state.lang) if period else state.say("all_days")


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


def status(state: State, judged: Judged) -> None:
    """Reached, partly, missed or no data: by word and sign, not by colour alone."""
    if judged.score is None:
        st.badge(state.say("status_no_data"), icon=":material/help:", color="gray")
    elif judged.score >= 1:
        st.badge(state.say("status_reached"), icon=":material/check_circle:", color="green")
    elif judged.score > 0:
        st.badge(state.say("status_partly"), icon=":material/contrast:", color="orange")
    else:
        st.badge(state.say("status_missed"), icon=":material/cancel:", color="red")


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
        return f"{measure.name[state.lang]}: {state.say('does_not_add')}"
    return f"{measure.name[state.lang]}: {words.total(id, total, state.lang, table.currency)}{said}"
