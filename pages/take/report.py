"""What do I hand to the client?"""

import streamlit as st

from ui import cards, report, session


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
    kind, content = st.columns(2, gap="large")
    with kind:
        report.form(state, asked)
    with content:
        report.parts(state, asked)
        report.brand(state, asked)
    report.making(state, asked)


main()
