"""What do I hand to the client?"""

import streamlit as st

from kpi_core.report import Part
from ui import cards, code, explain, report, session


def main() -> None:
    """Choose what the report is; make it; look at it; take it along."""
    state = session.current(st.session_state["lang"])
    asked = report.asked(state)
    cards.heading(
        state,
        "report",
        state.say(
            "report_answer",
            n=len(asked.parts),
            period=cards.period_words(state),
            form=state.say(f"report_form_{asked.form.id}"),
        ),
    )
    kind, content = cards.abreast(2, "report")
    with kind:
        report.form(state, asked)
    with content:
        report.parts(state, asked)
        report.brand(state, asked)
    report.making(state, asked)
    # Who is paid and what was tried is in no file beside the code.
    told = asked.parts - {Part.PEOPLE, Part.SCENARIOS}
    parts = [str(part) for part in Part if part in told]
    code.takes("report", form=asked.form.id, parts=parts, lang=asked.lang)
    explain.row(state, state.named().values(), "report")


main()
