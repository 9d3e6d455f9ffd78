"""Controls that several pages share."""

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

import streamlit as st

from kpi_core import words
from kpi_core.model import Kpi, Unit
from kpi_core.plan import odd_share
from kpi_core.rules import LITERAL_STEPS, Bands, Goal, Linear, Rule, Steps, plain_bands
from kpi_core.text import percent, rounded
from ui import cards, plans, session
from ui.plans import as_typed, from_typed
from ui.state import State

Fields = dict[str, Any]  # of a rule; the plan checks them when it takes them over
Writer = Callable[[Fields], None]


def unit_label(state: State, label: str, kpi: Kpi) -> str:
    """A label with the unit in which people type figures of a KPI."""
    unit = {Unit.SHARE: "%", Unit.MONEY: state.plan.currency}.get(kpi.unit, "")
    return f"{label}, {unit}" if unit else label


def figure(
    label: str,
    kpi: Kpi,
    value: Decimal | None,
    key: str,
    write: Callable[[Decimal], None],
    *,
    least: float | None = None,
    help: str | None = None,
) -> None:
    """A box for a figure of a KPI, in the unit people speak of it."""
    decimals = kpi.decimals + (1 if kpi.unit is Unit.SHARE else 0)
    st.number_input(
        label,
        min_value=least,
        step=10.0**-kpi.decimals if kpi.decimals else 1.0,
        format=f"%.{decimals}f",
        help=help,
        **session.widget(key, as_typed(kpi, value), lambda typed: write(from_typed(kpi, typed))),
    )


def views(state: State, page: str, offered: Mapping[str, Callable[[], None]]) -> None:
    """One of several views of a page, the first of them to begin with; the choice is kept."""
    name = f"{page}_view"
    chosen = st.segmented_control(
        state.say(name),
        list(offered),
        format_func=lambda view: state.say(f"{name}_{view}"),
        required=True,
        label_visibility="collapsed",
        **session.remembered(name, viewed(page, next(iter(offered)))),
    )
    offered[chosen]()


def viewed(page: str, first: str) -> str:
    """The view that is chosen on a page; the first to begin with."""
    view: str = session.kept(f"{page}_view", first)
    return view


def compared(state: State) -> None:
    """The earlier days that the period is compared with, and which days these are."""
    st.segmented_control(
        state.say("compare"),
        ["previous", "year_ago", ""],
        format_func=lambda when: state.say(f"compare_{when or 'none'}"),
        required=True,
        **session.widget("compare", state.compare, session.choose_compared),
    )
    earlier, period = state.compared(), state.values().period
    if earlier is None or earlier.period is None or period is None:
        return
    then = cards.days_words(state, earlier.period)
    if not earlier.totals() or all(row.value is None for row in earlier.rows):
        st.caption(cards.plain(state.say("compared_not_held", days=then)))
    elif state.facts.period and period.last > state.facts.period.last:
        st.caption(cards.plain(state.say("compared_cut", n=earlier.period.days, days=then)))
    else:
        st.caption(cards.plain(state.say("compared_days", days=then)))


def target(state: State, kpi: Kpi, goal: Goal, key: str, write: Callable[[Decimal], None]) -> None:
    """The target of a goal; whether it is that of the period in view is told beside."""
    label, of_period = unit_label(state, state.say("target"), kpi), state.values().period
    is_of_period = kpi.id in state.plan.targets_in(of_period)
    told = state.say("plan_target_of_period") if is_of_period else None
    figure(label, kpi, goal.target, key, write, least=0.0, help=told)


def weight(state: State, kpi: str) -> None:
    """The share of a line, with the lock that keeps it when another one is moved."""
    share, locked = state.plan.shares()[kpi], session.locked()
    shut = kpi in locked
    slide, lock = st.columns([5, 2], vertical_alignment="bottom", gap="small")
    slide.slider(
        state.say("weight_share", share=percent(share, state.lang, 0)),
        0,
        100,
        step=1,
        disabled=shut,
        **session.widget(
            f"weight.{kpi}",
            int(rounded(100 * share, 0)),
            lambda moved: plans.move_share(kpi, moved),
        ),
    )
    lock.checkbox(
        ":material/lock:",
        help=state.say("plan_lock_help"),
        **session.widget(f"lock.{kpi}", shut, lambda shut: session.lock(kpi, shut)),
    )
    if odd := odd_share(share):
        st.caption(f":material/warning: {state.say(f'plan_share_{odd}')}")


def definition(state: State, kpi: Kpi) -> None:
    """Which definition of a KPI counts, where it has several, with its formula."""
    chosen = state.plan.variants.get(kpi.id, "")
    used = state.named().get(kpi.id)
    if len(kpi.variants) > 1:
        names = {variant.id: variant.name[state.lang] for variant in kpi.variants}
        names[""] = state.say("plan_by_data")
        st.selectbox(
            state.say("plan_definition"),
            ["", *(variant.id for variant in kpi.variants)],
            format_func=names.__getitem__,
            help=state.say("plan_definition_help"),
            **session.widget(f"variant.{kpi.id}", chosen, lambda id: plans.set_variant(kpi.id, id)),
        )
    variant = kpi.variant(chosen or (used.variant if used else None))
    said = words.formula(variant.formula.text, state.lang)
    name = f"{variant.name[state.lang]}: " if len(kpi.variants) > 1 and not chosen else ""
    st.caption(cards.plain(f"{name}{said}"))


def rule_editor(
    state: State,
    rule: Rule,
    key: str,
    write: Writer,
    *,
    kpi: Kpi | None = None,
    target: Decimal | None = None,
) -> None:
    """The rule of a goal: its kind, its boundaries and the side of each.

    Bands on the value itself can be chosen and edited where `kpi` says what the value is.
    """
    kinds: dict[str, Rule] = {"steps": LITERAL_STEPS, "linear": Linear()}
    if isinstance(rule, Bands):
        kinds["bands"] = rule
    elif kpi:
        kinds["bands"] = plain_bands(target, kpi.better)
    st.segmented_control(
        state.say("rule_kind"),
        list(kinds),
        format_func=lambda kind: state.say(f"rule_{kind}"),
        required=True,
        **session.widget(f"{key}.kind", rule.kind, lambda kind: write(kinds[kind].model_dump())),
    )
    match rule:
        case Steps():
            _steps(state, rule, key, write)
        case Linear():
            linear(state, rule, key, write)
        case Bands() if kpi:
            _bands(state, rule, key, write, kpi)
        case Bands():
            st.caption(state.say("bands_elsewhere"))


def _put(
    rule: Rule, parts: str, write: Writer
) -> Callable[[int, str, Callable[[Any], object]], Callable[[Any], None]]:
    """What writes a field of a step or band of a rule."""

    def put(position: int, field: str, read: Callable[[Any], object]) -> Callable[[Any], None]:
        def changed_to(value: Any) -> None:
            fields = rule.model_dump()
            fields[parts][position][field] = read(value)
            write(fields)

        return changed_to

    return put


def _steps(state: State, rule: Steps, key: str, write: Writer) -> None:
    put = _put(rule, "steps", write)
    sides = {True: state.say("side_inclusive"), False: state.say("side_above")}
    for position, step in enumerate(rule.steps):
        at, side, score, drop = st.columns([4, 6, 4, 1], vertical_alignment="bottom")
        name, set_side = f"{key}.{position}", put(position, "inclusive", bool)
        with at:
            share_box(
                state.say("step_at"), f"{name}.at", step.at, put(position, "at", from_percent)
            )
        with side:
            side_box(state, f"{name}.inclusive", step.inclusive, sides, set_side)
        with score:
            _score(
                state.say("step_score"), f"{name}.score", step.score, put(position, "score", typed)
            )
        with drop:
            _drop_part(state, rule, position, name, write)
    _add_part(state, rule, key, write)


def _bands(state: State, rule: Bands, key: str, write: Writer, kpi: Kpi) -> None:
    put = _put(rule, "bands", write)
    sides = {True: state.say("band_inclusive"), False: state.say("band_below")}
    for position, band in enumerate(rule.bands):
        to, side, score, drop = st.columns([4, 6, 4, 1], vertical_alignment="bottom")
        name, set_side = f"{key}.band{position}", put(position, "inclusive", bool)
        with to:
            figure(
                unit_label(state, state.say("band_to"), kpi),
                kpi,
                band.to,
                f"{name}.to",
                put(position, "to", Decimal),
            )
        with side:
            side_box(state, f"{name}.inclusive", band.inclusive, sides, set_side)
        with score:
            _score(
                state.say("step_score"), f"{name}.score", band.score, put(position, "score", typed)
            )
        with drop:
            _drop_part(state, rule, position, name, write)
    _score(
        state.say("band_beyond"),
        f"{key}.beyond",
        rule.beyond,
        lambda value: write(rule.model_dump() | {"beyond": typed(value)}),
    )
    _add_part(state, rule, key, write)


def side_box(
    state: State,
    key: str,
    inclusive: bool,
    sides: Mapping[bool, str],
    write: Callable[[Any], None],
) -> None:
    """The side that exactly the boundary belongs to."""
    st.selectbox(
        state.say("step_side"),
        list(sides),
        format_func=sides.__getitem__,
        **session.widget(key, inclusive, write),
    )


def _drop_part(state: State, rule: Steps | Bands, position: int, key: str, write: Writer) -> None:
    """The button that takes a step or band away; the last one stays."""
    parts = rule.steps if isinstance(rule, Steps) else rule.bands
    st.button(
        "",
        key=f"{key}.drop",
        icon=":material/close:",
        help=state.say("rule_part_drop"),
        disabled=len(parts) == 1,
        on_click=session.guarded(lambda: write(rule.without(position).model_dump())),
    )


def _add_part(state: State, rule: Steps | Bands, key: str, write: Writer) -> None:
    st.button(
        state.say(f"rule_{rule.kind}_add"),
        key=f"{key}.add",
        icon=":material/add:",
        on_click=session.guarded(lambda: write(rule.longer().model_dump())),
    )


def linear(state: State, rule: Linear, key: str, write: Writer) -> None:
    """Floor, target and stretch of a rule, each with what it is worth."""

    def put(field: str, read: Callable[[Any], object]) -> Callable[[Any], None]:
        def changed_to(value: Any) -> None:
            write(rule.model_dump() | {field: read(value)})

        return changed_to

    for name in ("floor", "target", "stretch"):
        at, score = st.columns(2, vertical_alignment="bottom")
        with at:
            share_box(
                state.say(f"linear_{name}"),
                f"{key}.{name}",
                getattr(rule, name),
                put(name, from_percent),
            )
        with score:
            field = f"{name}_score"
            _score(
                state.say("step_score"),
                f"{key}.{field}",
                getattr(rule, field),
                put(field, typed),
            )


def share_box(label: str, key: str, share: Decimal, write: Callable[[Any], None]) -> None:
    """A boundary of attainment, typed in percent."""
    st.number_input(
        label,
        min_value=0.0,
        max_value=1000.0,
        step=1.0,
        format="%.2f",
        **session.widget(key, float(share * 100), write),
    )


def _score(label: str, key: str, score: Decimal, write: Callable[[Any], None]) -> None:
    st.number_input(
        label,
        min_value=0.0,
        max_value=10.0,
        step=0.1,
        format="%.2f",
        **session.widget(key, float(score), write),
    )


def typed(value: float) -> Decimal:
    """A typed number as the decimal it was typed as."""
    return Decimal(repr(value))


def from_percent(value: float) -> Decimal:
    """A share typed in percent."""
    return typed(value) / 100
