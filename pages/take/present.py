"""What do I show to a client?"""

import streamlit as st

from ui import cards, demo, explain, report, session, stage


def main() -> None:
    """The slides on the whole screen; before that, whose they are, which ones, and of what data."""
    state = session.current(st.session_state["lang"])
    if stage.is_on(stage.PAGE):
        stage.show(state)
        return
    told = stage.told(state)
    chosen = stage.chosen(told)
    said = {"n": len(chosen), "period": cards.period_words(state)}
    cards.heading(state, stage.PAGE, state.say("present_answer", **said))
    st.button(
        state.say("present_start"), key="present.start", on_click=stage.start,
        icon=":material/slideshow:",
    )  # fmt: skip
    st.caption(state.say("present_keys"))
    slides, client = st.columns([3, 2], gap="large")
    with slides:
        st.header(state.say("present_story"))
        stage.story(state, told)
    with client:
        st.header(state.say("present_client"))
        report.brand(state, report.of_form(state, "slides"))
    files, beginning = st.columns([3, 2], gap="large")
    with files:
        st.header(state.say("present_files"))
        demo.files(state)
    with beginning:
        st.header(state.say("present_reset"))
        demo.beginning(state)
    explain.row(state, state.named().values(), stage.PAGE)


main()
