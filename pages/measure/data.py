"""What have I loaded, and can it be trusted?"""

import hashlib
from decimal import Decimal

import streamlit as st

from kpi_core import catalogue, charts, words
from kpi_core.errors import Severity
from kpi_core.ingest import Upload
from kpi_core.model import Unit
from kpi_core.verdict import State as Whole
from kpi_core.verdict import Verdict, checks, verdict
from ui import cards, files, places, plans, session, teaching
from ui.state import Failed, State

ASKED_FOR = "to_be_explained"  # a file that was read, and whose columns somebody wants to explain
READ = "files.read"


def main() -> None:
    """Verdict, upload, a card a file, which days, who speaks, what the files say themselves."""
    state = session.current(st.session_state["lang"])
    judged = verdict(state.facts, state.uploads, state.values().findings)
    sources = ", ".join(words.source_name(id, state.lang) for id in state.facts.sources())
    cards.heading(
        state,
        "data",
        state.say(
            "data_answer",
            data=state.business.name[state.lang] if state.sample else state.say("own_files"),
            n=len(state.uploads),
            sources=sources or "—",
            verdict=_verdict_words(state, judged),
        ),
    )
    _drop(state)
    places.other_places(state)
    for failed in state.failures:
        if failed.error.code == ASKED_FOR:
            st.info(cards.plain(failed.error.text(state.lang)), icon=":material/edit:")
        else:
            st.error(cards.plain(failed.error.text(state.lang)), icon=":material/error:")
    _explain(state, [failed for failed in state.failures if failed.data is not None])
    if state.sample:
        st.caption(state.say("sample_shown", business=state.business.name[state.lang]))
    for upload in state.uploads:
        _card(state, upload)
    of_values = [f for f in state.values().findings if f.severity is Severity.ERROR]
    cards.findings(state, [*state.facts.findings, *of_values])
    if state.facts.period:
        st.header(state.say("calendar"))
        covered = state.covered()
        cards.chart(
            state,
            lambda ink: charts.calendar(covered, state.lang, ink),
            state.say("calendar"),
            "calendar",
        )
    _speakers(state)
    _money(state)
    _controls(state)
    _layouts(state)


def _verdict_words(state: State, judged: Verdict) -> str:
    """The state of what is loaded, and before it what is not: nobody should overlook that."""
    failed = [each for each in state.failures if each.error.code != ASKED_FOR]
    if not failed:
        return state.say(f"data_{judged.state}")
    told = state.say("data_failed", n=len(failed))
    if state.sample:  # none of the reader's own files was read
        return told
    rest = "data_rest_whole" if judged.state is Whole.WHOLE else f"data_{judged.state}"
    return f"{told} {state.say(rest)}"


def _drop(state: State) -> None:
    """The box for files; they are read one by one, and each is told while it is read."""
    dropped = st.file_uploader(
        state.say("drop_files"),
        accept_multiple_files=True,
        help=state.say("drop_help"),
        key=session.upload_key("files"),
    )
    if not dropped:
        return
    bar = st.progress(0.0)

    def tell(number: int) -> None:
        name = cards.plain(dropped[number].name)
        text = state.say("reading_file", name=name, number=number + 1, n=len(dropped))
        bar.progress(number / len(dropped), text)

    _set_aside([(file.name, file.getvalue()) for file in dropped])
    files.add_files([(file.name, file.getvalue()) for file in dropped], tell)
    st.rerun()


def _set_aside(read: list[tuple[str, bytes]]) -> None:
    """Keeps what was read at hand while its columns may be explained, the latest files first."""
    held: dict[str, tuple[str, bytes]] = dict(session.kept(READ, {}))
    for name, data in read:
        if len(data) > files.TAUGHT_BYTES:
            continue
        held[hashlib.sha256(data).hexdigest()] = name, data
    while sum(len(data) for _, data in held.values()) > files.TAUGHT_BYTES:
        held.pop(next(iter(held)))
    session.keep(READ, held)


def _remove(digest: str) -> None:
    session.keep(READ, {id: held for id, held in session.kept(READ, {}).items() if id != digest})
    files.remove_file(digest)


def _explain(state: State, waiting: list[Failed]) -> None:
    """The way out for files whose tables nobody knows: one at a time."""
    if not waiting:
        return
    with st.expander(state.say("teach_title"), expanded=True, icon=":material/edit:"):
        chosen = waiting[0]
        if len(waiting) > 1:
            chosen = st.selectbox(
                state.say("teach_file"), waiting, format_func=lambda failed: failed.name
            )
        else:
            st.markdown(f"**{cards.plain(chosen.name)}**")
        teaching.editor(state, chosen, f"teach.{chosen.digest[:12]}")


def _card(state: State, upload: Upload) -> None:
    """One file: recognised as, period, rows, totals, what is odd."""
    with st.container(border=True):
        name, buttons = st.columns([4, 2], vertical_alignment="center")
        format_name = words.format_name(upload.tables[0].format, state.lang)
        name.markdown(f"**{cards.plain(upload.name)}** · {cards.plain(format_name)}")
        if not state.sample:
            with buttons.container(horizontal=True, horizontal_alignment="right"):
                _replace(state, upload)
                st.button(
                    state.say("remove"),
                    key=f"remove.{upload.digest[:12]}",
                    on_click=session.guarded(_remove, upload.digest),
                    icon=":material/delete:",
                )
        for table in upload.tables:
            if table.measures:
                st.caption(cards.plain(cards.table_words(state, table)))
        if not any(table.measures for table in upload.tables):
            st.caption(state.say("nothing_used"))
        cards.findings(state, upload.findings, within=upload.name)
        held = None if state.sample else session.kept(READ, {}).get(upload.digest)
        if held:
            st.button(
                state.say("teach_again"),
                key=f"teach_again.{upload.digest[:12]}",
                on_click=session.guarded(files.wait_for_layout, *held),
                disabled=any(held[1] == failed.data for failed in state.failures),
                icon=":material/edit:",
                type="tertiary",
            )


def _replace(state: State, upload: Upload) -> None:
    """A newer file in the place of this one."""
    with st.popover(state.say("replace"), icon=":material/sync:"):
        file = st.file_uploader(
            state.say("replace_help"), key=session.upload_key(f"replace.{upload.digest[:12]}")
        )
    if file:
        _set_aside([(file.name, file.getvalue())])
        files.replace_file(upload.digest, file.name, file.getvalue())
        st.rerun()


def _speakers(state: State) -> None:
    """Who speaks for each family of measures, with the choice of another."""
    families: dict[str, list[str]] = {}
    heard: dict[str, dict[str, str]] = {}
    for voice in state.voices():
        measure = catalogue.measure(voice.measure)
        known = families.setdefault(measure.family.id, [])
        known += [id for id in (*voice.heard, *voice.others) if id not in known]
        heard.setdefault(state.sources(voice.heard), {})[voice.measure] = measure.name[state.lang]
    with st.expander(state.say("speakers"), icon=":material/record_voice_over:"):
        st.caption(state.say("speakers_help"))
        for sources, measures in heard.items():
            speaker = cards.plain(sources or state.say("nobody"))
            st.markdown(f"**{speaker}**: {cards.plain(', '.join(measures.values()))}")
        for family, known in families.items():
            if len(known) > 1 or family in state.plan.sources:
                _choose_speaker(state, family, known)


def _choose_speaker(state: State, family: str, known: list[str]) -> None:
    chosen = state.plan.sources.get(family, "")
    options = ["", *known, *([chosen] if chosen and chosen not in known else [])]
    st.selectbox(
        state.say("speaker_of", family=words.family_name(family, state.lang)),
        options,
        format_func=lambda id: words.source_name(id, state.lang) if id else state.say("by_rule"),
        **session.widget(
            f"speaker.{family}",
            chosen,
            lambda source: plans.set_source(family, source or None),
        ),
    )


def _money(state: State) -> None:
    """VAT is asked once per source, the worth of each foreign currency once."""
    moneyed = [
        table
        for upload in state.uploads
        for table in upload.tables
        if any(catalogue.measure(id).unit is Unit.MONEY for id in table.measures)
    ]
    known = {code for table in moneyed for code in table.currencies}
    foreign = known - {state.plan.currency, "?"}
    if not moneyed:
        return
    with st.expander(
        state.say("money_questions"), expanded=bool(foreign), icon=":material/payments:"
    ):
        for code in sorted(foreign | set(state.plan.rates)):
            _rate(state, code)
        for source in sorted({table.source for table in moneyed}):
            st.segmented_control(
                state.say("vat_of", source=words.source_name(source, state.lang)),
                ["incl", "excl"],
                format_func=lambda word: state.say(f"vat_{word}"),
                **session.widget(
                    f"vat.{source}",
                    state.plan.vat.get(source),
                    lambda word, source=source: plans.set_vat(source, word),
                ),
            )
        st.number_input(
            state.say("vat_rate"),
            min_value=0.0,
            max_value=100.0,
            step=1.0,
            format="%.0f",
            help=state.say("vat_rate_help"),
            **session.widget("vat_rate", state.vat_percent(), plans.set_vat_percent),
        )


def _rate(state: State, code: str) -> None:
    st.number_input(
        state.say("rate_of", currency=code, into=state.plan.currency),
        min_value=0.0,
        step=0.01,
        format="%.4f",
        **session.widget(
            f"rate.{code}",
            float(state.plan.rates.get(code, Decimal(0))),
            lambda worth: plans.set_rate(code, Decimal(str(worth))),
        ),
    )


def _controls(state: State) -> None:
    """What the files print as totals, beside what we added up."""
    rows = [
        {
            state.say("control_file"): check.file,
            state.say("control_measure"): catalogue.measure(check.measure).name[state.lang],
            state.say("control_summed"): words.total(check.measure, check.summed, state.lang),
            state.say("control_stated"): words.total(check.measure, check.stated, state.lang),
            state.say("control_agrees"): _agrees(state, agrees=check.agrees),
        }
        for check in checks(state.uploads)
    ]
    if rows:
        with st.expander(state.say("controls"), icon=":material/balance:"):
            st.dataframe(rows, hide_index=True, height="content")


def _agrees(state: State, *, agrees: bool | None) -> str:
    return "—" if agrees is None else state.say("yes" if agrees else "no")


def _layouts(state: State) -> None:
    """The layouts that were taught: take along, bring, forget."""
    with st.expander(state.say("layouts"), icon=":material/school:"):
        st.caption(state.say("layouts_help"))
        for name, text in session.layouts().items():
            with st.container(horizontal=True, vertical_alignment="center"):
                st.markdown(f"**{cards.plain(name)}**")
                st.download_button(
                    state.say("layout_download"),
                    text,
                    file_name=f"{name}.toml",
                    mime="application/toml",
                    on_click="ignore",
                    key=f"layout.{name}",
                    icon=":material/download:",
                )
                st.button(
                    state.say("layout_forget"),
                    key=f"forget.{name}",
                    on_click=session.guarded(files.forget_layout, name),
                    icon=":material/delete:",
                )
        bring, explain = st.columns(2)
        file = bring.file_uploader(
            state.say("layout_upload"), type="toml", key=session.upload_key("layout")
        )
        odd = explain.file_uploader(state.say("explain_file"), key=session.upload_key("explain"))
    if file:
        files.bring_layout(file.name, file.getvalue())
        st.rerun()
    if odd:
        files.wait_for_layout(odd.name, odd.getvalue())
        st.rerun()


main()
