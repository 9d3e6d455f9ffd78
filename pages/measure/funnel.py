"""Where are people lost, who are they, and what would mending it bring?"""

from fractions import Fraction

import pandas as pd
import streamlit as st

from kpi_core import catalogue, charts, words
from kpi_core.drivers import profit_after_ads
from kpi_core.fixes import Fix, levels_of_best, levels_then
from kpi_core.funnel import countable, cuts, kind_name, offered, stages_of
from kpi_core.leaks import Comparison, Segments, as_csv, compare, loss, told
from kpi_core.model import Group, Stages
from kpi_core.stages import OWN
from kpi_core.text import exact, money, number, percent
from ui import cards, code, event_funnel, explain, plans, session
from ui.state import State

VIEW = "funnel.view"
VIEWS = ("counts", "events")
BY = "funnel.by"
BESIDE = "funnel.beside"
LEVEL = "funnel.level"
TYPED = "funnel.typed"
EARLIER = ("previous", "year_ago")
OTHERS = "others"
SHOWN_LOSSES = 3


def main() -> None:
    """The funnel of counts, or that of events."""
    state = session.current(st.session_state["lang"])
    if session.kept(VIEW, "counts") == "events":
        event_funnel.view(state, _views)
    else:
        _counted(state)


def _views(state: State) -> None:
    """Stages as systems count them, or events one after another."""
    st.segmented_control(
        state.say("funnel_view"),
        VIEWS,
        format_func=lambda view: state.say(f"funnel_view_{view}"),
        required=True,
        label_visibility="collapsed",
        **session.remembered(VIEW, session.kept(VIEW, "counts")),
    )


def _counted(state: State) -> None:
    """Answer, choices, chart with table, comparison, segments, fixes."""
    stages = stages_of(state.plan, state.facts)
    by, slice = _segment(state, stages)
    counting = state.counting(stages, by)
    made = counting.of(slice) if slice else counting.of()
    code.takes("funnel", by=by, part=slice)
    beside = _beside(state, stages, by, slice)
    cards.heading(state, "funnel", _answer(state, made, beside, by, slice))
    _views(state)
    _choices(state, stages, by, slice)
    if made.counted:
        chart, table = cards.abreast([4, 5], "funnel")
        with chart:
            _chart(state, stages, made, beside)
        with table:
            _table(state, made)
    cards.findings(state, [*state.facts.findings, *made.findings])
    if beside:
        _compared(state, beside, by, slice)
    _by_segment(state, stages)
    _fixes(state, stages)
    shown = [v for v in state.named().values() if v.definition.group is Group.CONVERSION]
    explain.row(state, shown, "funnel")


# --- what is chosen


def _segment(state: State, stages: Stages) -> tuple[str | None, str]:
    """By what the funnel is cut and of which part it is; of everybody where none is chosen."""
    chosen = session.kept(BY, "")
    if chosen not in cuts(state.facts, stages):
        return None, ""
    slice = session.kept(f"{BY}.{chosen}", "")
    known = state.counting(stages, chosen).slices()
    return (chosen, slice) if slice in known else (None, "")


def _cut(state: State, stages: Stages) -> str | None:
    """By what the parts are set against each other: as picked, else by the first that there is."""
    known = cuts(state.facts, stages)
    chosen = session.kept(BY, "")
    return chosen if chosen in known else next(iter(known), None)


def _beside(state: State, stages: Stages, by: str | None, slice: str) -> Comparison | None:
    wanted = session.kept(BESIDE, state.compare)
    counting = state.counting(stages, by)
    made = counting.of(slice) if slice else counting.of()
    if wanted in EARLIER:
        before = counting.before(wanted)
        return before and compare(made, before.of(slice) if slice else before.of())
    others = [other for other in counting.slices() if other != slice] if slice else []
    if wanted == OTHERS and others:
        return compare(made, counting.others(slice))
    return compare(made, counting.of(wanted)) if wanted in others else None


def _choices(state: State, stages: Stages, by: str | None, slice: str) -> None:
    """Which funnel, of whom, and beside what."""
    known = {made.id: made.name[state.lang] for made in offered(state.facts, state.business)}
    known[OWN] = catalogue.own_funnel(()).name[state.lang]
    by_what = ["", *cuts(state.facts, stages)]
    wanted = session.kept(BY, "")
    wanted = wanted if wanted in by_what else ""
    which, cut, *part, other = st.columns(4 if wanted else 3, vertical_alignment="bottom")
    chosen = stages.id if plans.funnel_draft() is None else OWN
    which.selectbox(
        state.say("funnel_which"),
        list(known),
        format_func=known.__getitem__,
        **session.widget("funnel.chosen", chosen, plans.choose_funnel),
    )
    cut.selectbox(
        state.say("funnel_by"),
        by_what,
        format_func=lambda id: words.cut(id, state.lang) if id else state.say("funnel_everybody"),
        **session.remembered(BY, wanted),
    )
    named = state.counting(stages, wanted).slices() if wanted else ()
    for place in part:
        place.selectbox(
            state.say("funnel_part"),
            ["", *named],
            format_func=lambda id: _part_name(state, wanted, id),
            **session.remembered(f"{BY}.{wanted}", slice),
        )
    options = ["", *EARLIER]
    if slice and len(named) > 1:
        options += [OTHERS, *(id for id in named if id != slice)]
    compared = session.kept(BESIDE, state.compare)
    other.selectbox(
        state.say("compare"),
        options,
        format_func=lambda id: _beside_name(state, by, id),
        **session.remembered(BESIDE, compared if compared in options else ""),
    )
    if chosen == OWN:
        _own_stages(state)


def _own_stages(state: State) -> None:
    """Stages put together by the reader: added, hidden, in another order, under other names."""
    draft = plans.funnel_draft()
    wanted = state.plan.stages if draft is None else draft
    names = dict(text.partition("=")[::2] for text in wanted)
    st.multiselect(
        state.say("funnel_own"),
        list(dict.fromkeys([*countable(state.facts), *names])),
        format_func=lambda id: words.quantity(id, state.lang),
        help=state.say("funnel_own_help"),
        placeholder=state.say("choose"),
        **session.widget(
            "funnel.own",
            list(names),
            lambda ids: plans.set_stages(tuple(_text(id, names.get(id, "")) for id in ids)),
        ),
    )
    if draft is not None:
        st.caption(state.say("funnel_own_few"))
        return
    with st.expander(state.say("funnel_own_names")):
        for id, name in names.items():
            st.text_input(
                words.quantity(id, state.lang),
                max_chars=60,
                placeholder=words.quantity(id, state.lang),
                **session.widget(f"funnel.own.{id}", name, _renamed(names, id)),
            )


def _renamed(names: dict[str, str], id: str):
    def write(name: str) -> None:
        renamed = {**names, id: name.strip()}
        plans.set_stages(tuple(_text(one, called) for one, called in renamed.items()))

    return write


def _text(id: str, name: str) -> str:
    return f"{id}={name}" if name else id


def _part_name(state: State, by: str | None, slice: str) -> str:
    return words.slice_name(by, slice, state.lang) if slice else state.say("funnel_everybody")


def _beside_name(state: State, by: str | None, id: str) -> str:
    if id in ("", *EARLIER, OTHERS):
        return state.say(f"compare_{id or 'none'}")
    return state.say("compare_part", name=words.slice_name(by, id, state.lang))


# --- answer, chart, table


def _answer(state: State, made, beside: Comparison | None, by: str | None, slice: str) -> str:
    leak = made.leakiest
    if leak is None:
        return state.say("funnel_no_step")
    said = state.say(
        "funnel_answer",
        period=cards.period_words(state),
        stage=leak.stage.name[state.lang],
        rate=percent(leak.step_rate, state.lang),
        lost=percent(leak.lost_rate, state.lang),
    )
    if slice:
        said = f"{_part_name(state, by, slice)}, {said}"
    if beside is None or not beside.tested:
        return said
    worst = beside.worst
    if worst is None:
        return f"{said} {state.say('funnel_nothing_worse')}"
    worse = state.say(
        "funnel_worse",
        stage=worst.now.stage.name[state.lang],
        rate=percent(worst.now.step_rate, state.lang),
        then=percent(worst.then.step_rate, state.lang),
        missed=number(worst.missed, state.lang),
    )
    return f"{said} {worse}"


def _chart(state: State, stages: Stages, made, beside: Comparison | None) -> None:
    """The chart, and the ways to take it along."""
    lang = state.lang
    cards.chart(
        state,
        lambda ink: charts.funnel_bars(made, lang, ink, beside),
        cards.of_period(state, stages.name[lang]),
        f"funnel.{stages.id}",
        table=as_csv(made, lang, beside),
    )
    if beside:
        st.caption(state.say("funnel_mark"))


def _table(state: State, made) -> None:
    """The figures; a row that is clicked opens its numbers."""
    lang = state.lang
    rows = [
        {
            "stage": own.stage.name[lang],
            "stage_count": number(own.count, lang),
            "stage_step": percent(own.step_rate, lang),
            "stage_range": _range(own, lang),
            "stage_total": percent(own.total_rate, lang, 2),
            "stage_lost": number(own.lost, lang),
            "stage_kind": kind_name(own, lang),
            "stage_source": state.sources(own.sources),
        }
        for own in made.stages
    ]
    frame = pd.DataFrame([{state.say(key): cell for key, cell in row.items()} for row in rows])
    st.caption(state.say("funnel_select"))
    picked = st.dataframe(
        frame,
        hide_index=True,
        height="content",
        column_config={state.say("stage"): st.column_config.Column(pinned=True)},
        key=f"funnel.table:{lang}",
        on_select="rerun",
        selection_mode="single-cell",
    )
    st.caption(state.say("funnel_note"))
    cells = picked["selection"]["cells"]
    if cells and cells[0][0] < len(made.stages):
        _opened(state, made.stages[cells[0][0]])


def _opened(state: State, own, whose: str = "") -> None:
    """The numbers of a stage: its count with sources and files, and what its rate is a share of."""
    lang = state.lang
    with st.container(border=True):
        st.caption(cards.plain(" · ".join(filter(None, (whose, own.stage.name[lang])))))
        explain.figure(state, own.measure, own.given)
        if own.step_rate is None:
            return
        said = {"count": number(own.count, lang), "whole": number(own.whole, lang)}
        rate = percent(own.step_rate, lang, 2)
        st.markdown(cards.plain(state.say("funnel_step_of", rate=rate, **said)))
        if own.low is not None:
            shown = {"low": percent(own.low, lang, 2), "high": percent(own.high, lang, 2)}
            st.caption(cards.plain(state.say("funnel_within", **shown)))


def _range(own, lang: str) -> str:
    return "—" if own.low is None else f"{percent(own.low, lang)} – {percent(own.high, lang)}"


# --- beside something, by segment


def _compared(state: State, beside: Comparison, by: str | None, slice: str) -> None:
    """Each step now and then, and whether the difference is one."""
    lang = state.lang
    wanted = session.kept(BESIDE, state.compare)
    then = (
        cards.days_words(state, beside.then.period)
        if wanted in EARLIER
        else state.say("funnel_others")
        if wanted == OTHERS
        else _part_name(state, by, wanted)
    )
    now = _part_name(state, by, slice) if slice else cards.period_words(state)
    heading = state.say("funnel_beside", now=now, then=then)
    st.header(cards.plain(heading[0].upper() + heading[1:]))
    if not beside.steps:
        st.caption(state.say("funnel_beside_none"))
        return
    names = [step.now.stage.name[lang] for step in beside.steps]
    whole = state.say("funnel_overall")
    sides = {now: beside.now, then: beside.then}
    rates = {
        side: [percent(made.stage(step.now.stage.id).step_rate, lang) for step in beside.steps]
        + [percent(made.overall, lang, 2)]
        for side, made in sides.items()
    }
    difference = [*(told(step, lang) for step in beside.steps), ""]
    st.table(
        {
            state.say("stage"): [*names, whole],
            **rates,
            state.say("funnel_difference"): difference,
        }
    )
    st.caption(state.say("funnel_holm", n=beside.tested))
    with st.expander(state.say("funnel_beside_numbers")):
        counts = {
            side: [_of(made.stage(step.now.stage.id), lang) for step in beside.steps]
            for side, made in sides.items()
        }
        st.table({state.say("stage"): names, **counts})


def _of(own, lang: str) -> str:
    return f"{number(own.count, lang)} / {number(own.whole, lang)}"


def _by_segment(state: State, stages: Stages) -> None:
    """Which channel, device, ... loses most, and where."""
    by, lang = _cut(state, stages), state.lang
    if by is None:
        return
    found = state.segments(stages, by)
    st.header(
        cards.plain(state.say("funnel_who", by=words.cut(by, lang))),
        help=state.say("funnel_who_help"),
    )
    lines = [loss(found, part, step, lang) for part, step in found.losses[:SHOWN_LOSSES]]
    if not lines:
        lines = [state.say("funnel_who_nobody")]
    st.markdown("\n".join(f"- {cards.plain(line)}" for line in lines))
    picked = st.dataframe(
        pd.DataFrame(_segment_columns(state, stages, found)),
        hide_index=True,
        height="content",
        column_config={state.say("channels_part"): st.column_config.Column(pinned=True)},
        key=f"funnel.segments.{by}.{stages.id}:{lang}",
        on_select="rerun",
        selection_mode="single-cell",
    )
    st.caption(state.say("funnel_select"))
    cells = picked["selection"]["cells"]
    if cells and cells[0][0] < len(found.parts):
        part = found.parts[cells[0][0]]
        named = [own for own in part.funnel.stages if own.stage.name[lang] == cells[0][1]]
        for own in named:
            _opened(state, own, words.slice_name(by, part.slice, lang))
    st.caption(f"{state.say('funnel_signs')} {state.say('funnel_holm', n=found.tested)}")
    if found.left_out:
        st.caption(state.say("funnel_left_out", n=found.left_out))


SIGNS = {"real": ("▲", "▼"), "chance": ("", "")}


def _segment_columns(state: State, stages: Stages, found: Segments) -> dict[str, list[str]]:
    """A column a step; a mark where a part differs from all the others for real."""
    lang = state.lang
    named = [words.slice_name(found.by, part.slice, lang) for part in found.parts]
    columns = {state.say("channels_part"): named}
    for stage in stages.stages[1:]:
        cells = []
        for part in found.parts:
            own = part.funnel.stage(stage.id)
            step = next((s for s in part.steps if s.now.stage.id == stage.id), None)
            up, down = SIGNS.get(step.verdict, ("", "")) if step else ("", "")
            mark = "" if step is None or step.change is None else up if step.change > 0 else down
            cells.append(f"{percent(own.step_rate if own else None, lang)} {mark}".strip())
        columns[stage.name[lang]] = cells
    columns[state.say("funnel_overall")] = [
        percent(part.funnel.overall, lang, 2) for part in found.parts
    ]
    return columns


# --- what a fix brings


def _fixes(state: State, stages: Stages) -> None:
    """Every step raised to a level, ranked by what follows."""
    lang, whole = state.lang, state.counting(stages).of()
    if not whole.steps:
        return
    st.header(state.say("fix_question"), help=state.say("fix_help"))
    chosen = session.kept(LEVEL, "point")
    known = ["point", "best", *EARLIER, "typed"]
    chosen = chosen if chosen in known else "point"
    st.segmented_control(
        state.say("fix_to"),
        known,
        format_func=lambda id: state.say(f"fix_to_{id}"),
        required=True,
        **session.remembered(LEVEL, chosen),
    )
    found, said = _raised(state, stages, chosen)
    if not found:
        st.caption(state.say("fix_none"))
        return
    told_, untold = [f for f in found if not f.untold], [f for f in found if f.untold]
    best = told_[0] if told_ else None
    if best and best.results:
        st.markdown(f"**{cards.plain(_best_fix(state, best))}**")
    picked = st.dataframe(
        pd.DataFrame(_fix_columns(state, found, said)),
        hide_index=True,
        height="content",
        column_config={state.say("stage"): st.column_config.Column(pinned=True)},
        key=f"funnel.fixes.{stages.id}.{chosen}:{lang}",
        on_select="rerun",
        selection_mode="single-cell",
    )
    st.caption(state.say("funnel_select"))
    cells = picked["selection"]["cells"]
    if cells and cells[0][0] < len(found):
        _fix_opened(state, found[cells[0][0]])
    for text in dict.fromkeys(own.untold.text(lang) for own in untold if own.untold):
        st.caption(cards.plain(text))


def _raised(state: State, stages: Stages, chosen: str) -> tuple[tuple[Fix, ...], dict[str, str]]:
    """The fixes, and where the level of each comes from."""
    if chosen == "point":
        return state.fixes(stages), {}
    counting = state.counting(stages)
    whole = counting.of()
    levels, said = {}, {}
    if chosen == "best":
        by = _cut(state, stages)
        if by:
            best = levels_of_best(whole, state.segments(stages, by))
            levels = {id: rate for id, (_, rate) in best.items()}
            said = {id: words.slice_name(by, slice, state.lang) for id, (slice, _) in best.items()}
    elif chosen in EARLIER:
        before = counting.before(chosen)
        levels = levels_then(whole, before.of()) if before else {}
    else:
        levels = _typed(state, stages)
    return state.fixes(stages, levels), said


def _typed(state: State, stages: Stages) -> dict[str, Fraction]:
    """The rates that the reader types, of each step as it is to begin with."""
    steps = state.counting(stages).of().steps
    kept = session.kept(TYPED, {})
    boxes = st.columns(min(len(steps), 4))
    levels = {}
    for place, own in enumerate(steps):
        id = own.stage.id
        shown = kept.get((stages.id, id))
        boxes[place % len(boxes)].number_input(
            f"{own.stage.name[state.lang]}, %",
            min_value=0.0,
            max_value=100.0,
            step=1.0,
            format="%.2f",
            placeholder=percent(own.step_rate, state.lang, 2),
            **session.widget(
                f"{TYPED}.{stages.id}.{id}",
                shown,
                lambda typed, key=(stages.id, id): session.keep(TYPED, {**kept, key: typed}),
            ),
        )
        if shown is not None:
            levels[id] = exact(shown) / 100
    return levels


def _best_fix(state: State, best: Fix) -> str:
    gained = best.profit if best.profit is not None else best.revenue
    key = "fix_answer" if gained is not None else "fix_answer_plain"
    return state.say(
        key,
        stage=best.stage.stage.name[state.lang],
        level=percent(best.level, state.lang, 2),
        gained=money(gained, state.plan.currency, state.lang, 0),
    )


def _fix_columns(
    state: State, found: tuple[Fix, ...], said: dict[str, str]
) -> dict[str, list[str]]:
    lang, currency = state.lang, state.plan.currency
    columns = {state.say("stage"): [own.stage.stage.name[lang] for own in found]}
    columns[state.say("fix_now")] = [percent(own.stage.step_rate, lang, 2) for own in found]
    levels = [percent(own.level, lang, 2) for own in found]
    whose = [said.get(own.stage.stage.id, "") for own in found]
    columns[state.say("fix_level")] = [
        f"{level} ({name})" if name else level for level, name in zip(levels, whose, strict=True)
    ]
    for id in dict.fromkeys(id for own in found for id in own.results):
        unit = catalogue.measure(id).unit
        columns[words.quantity(id, lang)] = [
            _more(own.gained(id) if id in own.results else None, unit, lang, currency)
            for own in found
        ]
    columns[state.say("fix_profit")] = [
        _signed(own.profit, money(own.profit, currency, lang, 0)) for own in found
    ]
    columns[state.say("total_score")] = [
        _signed(own.score, words.points(own.score, lang)) for own in found
    ]
    if not session.pay_hidden():
        columns[state.say("fix_bonus")] = [
            _signed(own.bonus, money(own.bonus, currency, lang, 0)) for own in found
        ]
    return columns


def _fix_opened(state: State, own: Fix) -> None:
    """The numbers of a fix: those of the step, and what everything it moves is before and after."""
    lang, currency = state.lang, state.plan.currency
    _opened(state, own.stage)
    moved = [
        (
            words.quantity(id, lang),
            *(
                words.figure(side[id], catalogue.measure(id).unit, lang, currency=currency)
                for side in (own.before, own.after)
            ),
        )
        for id in own.results
    ]
    if own.profit is not None:
        sides = (profit_after_ads(side) for side in (own.before, own.after))
        moved.append((state.say("fix_profit"), *(money(m, currency, lang, 0) for m in sides)))
    if own.score is not None:
        totals = (own.now.total, own.then.total)
        moved.append((state.say("total_score"), *(words.points(total, lang) for total in totals)))
    if own.bonus is not None and not session.pay_hidden():
        paid = (side.paid.bonus if side.paid else None for side in (own.now, own.then))
        moved.append((state.say("fix_bonus"), *(money(sum_, currency, lang, 0) for sum_ in paid)))
    lines = [
        cards.plain(state.say("fix_then", name=name, before=before, after=after))
        for name, before, after in moved
    ]
    st.markdown("\n".join(f"- {line}" for line in lines))


def _more(gained, unit, lang: str, currency: str) -> str:
    return _signed(gained, words.figure(gained, unit, lang, currency=currency))


def _signed(gained, shown: str) -> str:
    return f"+{shown}" if gained is not None and gained > 0 else shown


main()
