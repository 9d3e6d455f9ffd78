"""The rule of the bonus: which scheme pays, its sums and boundaries, what it says in words."""

from collections.abc import Callable
from decimal import Decimal

import streamlit as st

from kpi_core import words
from kpi_core.errors import PlanError
from kpi_core.pay import Paid, clauses, edges, payout
from kpi_core.plan import Per
from kpi_core.rules import Goal
from kpi_core.schemes import Accelerator, Curve, PayStep, Product, Split, Table, Team
from kpi_core.score import judge
from kpi_core.text import money
from ui import cards, controls, plans, session
from ui.controls import from_percent
from ui.state import State

MOST_FACTORS = 10


def view(state: State) -> None:
    """The scheme, what it needs, the boundaries, the clauses, and what others would pay."""
    scheme = state.plan.scheme
    st.selectbox(
        state.say("scheme"),
        list(plans.schemes(state.plan)),
        format_func=lambda kind: state.say(f"scheme_{kind}"),
        **session.widget("scheme", scheme.kind, plans.choose_scheme),
    )
    st.caption(cards.plain(state.say(f"scheme_{scheme.kind}_help")))
    _sums(state)
    match scheme:
        case Product():
            _factors(state)
        case Table():
            _rows(state, scheme)
        case Curve():
            controls.linear(state, scheme.rule, "curve", lambda rule: plans.set_scheme(rule=rule))
        case Team():
            _split(state, scheme)
        case _:
            pass
    if scheme.by == "lines":
        st.caption(state.say("scorecard_rules_note"))
        st.page_link(
            "pages/measure/scorecard.py", label=state.say("scorecard"), icon=":material/speed:"
        )
    _terms(state)
    st.header(state.say("bonus_edges"))
    _edges(state)
    st.header(state.say("bonus_clauses"))
    st.markdown(
        "\n".join(
            f"{place}. {cards.plain(text)}"
            for place, text in enumerate(clauses(state.judged(), state.lang), start=1)
        )
    )
    st.header(state.say("bonus_others"))
    _others(state)
    _shelf(state)


def _sums(state: State) -> None:
    """The fixed part, the stake, and what an unfinished period pays."""
    scheme = state.plan.scheme
    fixed, stake, per, partial = st.columns(4)
    with fixed:
        _amount(state, scheme.fixed_field, scheme.fixed, plans.set_fixed)
    if scheme.stake_field:
        with stake:
            _amount(state, scheme.stake_field, scheme.stake, plans.set_stake)
    with per:
        st.selectbox(
            state.say("per"),
            [str(per) for per in Per],
            format_func=lambda per: state.say(f"per_{per}"),
            **session.widget("per", str(state.plan.per), lambda per: plans.set_plan(per=per)),
        )
    with partial:
        st.selectbox(
            state.say("partial_period"),
            ["wait", "pay"],
            format_func=lambda choice: state.say(f"partial_{choice}"),
            help=state.say("partial_help"),
            **session.widget(
                "partial",
                str(state.plan.partial_period),
                lambda choice: plans.set_plan(partial_period=choice),
            ),
        )


def _factors(state: State) -> None:
    """Target and rule of each coefficient, two beside each other; one more, one less."""
    scheme = state.judged().scheme
    if not isinstance(scheme, Product):
        return
    factors = list(enumerate(scheme.factors))
    for start in range(0, len(factors), 2):
        pair = factors[start : start + 2]
        for column, (position, goal) in zip(st.columns(2), pair, strict=False):
            with column.container(border=True):
                _factor(state, position, goal, alone=len(factors) == 1)
    free: list[str] = [
        id for id in state.plan.shown_kpis() if id not in {g.kpi for g in scheme.factors}
    ]
    if free and len(factors) < MOST_FACTORS:
        st.selectbox(
            state.say("bonus_factor_add"),
            ("", *free),
            format_func=lambda id: state.plan.kpi(id).name[state.lang] if id else "—",
            **session.widget("bonus.factor", "", plans.add_factor),
        )


def _factor(state: State, position: int, goal: Goal, *, alone: bool) -> None:
    kpi, period = state.plan.kpi(goal.kpi), state.values().period
    key = f"factor.{position}.{goal.kpi}"
    title, drop = st.columns([6, 1], vertical_alignment="center")
    title.markdown(f"**k{position + 1}: {cards.plain(kpi.name[state.lang])}**")
    if not alone:
        drop.button(
            "",
            key=f"{key}.drop",
            help=state.say("bonus_factor_drop"),
            icon=":material/delete:",
            type="tertiary",
            on_click=session.guarded(plans.drop_factor, position),
        )
    controls.target(
        state,
        kpi,
        goal,
        f"{key}.target",
        lambda value: plans.set_factor_target(position, value, period),
    )
    controls.rule_editor(
        state,
        goal.rule,
        key,
        lambda rule: plans.set_factor(position, rule=rule),
        kpi=kpi,
        target=goal.target,
    )
    judged = judge(goal, state.named()[goal.kpi], state.plan.currency)
    cards.rule_curve(state, judged, f"{key}.curve")


def _rows(state: State, table: Table) -> None:
    """The payout table, the lowest row first."""
    _amount(state, "table_below", table.below, lambda sum: plans.set_scheme(below=sum))
    for position, row in enumerate(table.rows):
        _row(state, position, row, alone=len(table.rows) == 1)
    st.button(
        state.say("table_add"),
        key="table.add",
        icon=":material/add:",
        on_click=session.guarded(plans.add_row),
    )


def _row(state: State, position: int, row: PayStep, *, alone: bool) -> None:
    """From which total score on, which side, how much."""
    sides = {True: state.say("side_inclusive"), False: state.say("side_above")}
    at, side, amount, drop = st.columns([4, 6, 4, 1], vertical_alignment="bottom")
    key = f"row.{position}"
    with at:
        controls.share_box(
            state.say("table_at"),
            f"{key}.at",
            row.at,
            lambda typed: plans.set_row(position, at=from_percent(typed)),
        )
    with side:
        controls.side_box(
            state,
            f"{key}.inclusive",
            row.inclusive,
            sides,
            lambda chosen: plans.set_row(position, inclusive=bool(chosen)),
        )
    with amount:
        _amount(
            state,
            "table_amount",
            row.amount,
            lambda sum: plans.set_row(position, amount=sum),
            key=f"{key}.amount",
        )
    if not alone:
        drop.button(
            "",
            key=f"{key}.drop",
            icon=":material/delete:",
            type="tertiary",
            on_click=session.guarded(plans.drop_row, position),
        )


def _split(state: State, team: Team) -> None:
    st.segmented_control(
        state.say("team_split"),
        [str(split) for split in Split],
        format_func=lambda split: state.say(f"team_split_{split}"),
        required=True,
        **session.widget(
            "team.split", str(team.split), lambda split: plans.set_scheme(split=split)
        ),
    )


def _terms(state: State) -> None:
    """Floor, cap and accelerator of the coefficient."""
    terms = state.plan.scheme.terms
    with st.expander(state.say("terms"), icon=":material/tune:"):
        stake = money(state.plan.scheme.stake, state.plan.currency, state.lang)
        st.caption(cards.plain(state.say("terms_about", stake=stake)))
        floor, cap, above, times = st.columns(4)
        with floor:
            controls.share_box(
                state.say("terms_floor"),
                "terms.floor",
                terms.floor,
                lambda typed: plans.set_terms(floor=from_percent(typed)),
            )
        with cap:
            controls.share_box(
                state.say("terms_cap"),
                "terms.cap",
                terms.cap or Decimal(0),
                lambda typed: plans.set_terms(cap=from_percent(typed) or None),
            )
        speed = terms.accelerator
        with above:
            controls.share_box(
                state.say("terms_above"),
                "terms.above",
                speed.above if speed else Decimal(1),
                lambda typed: _set_speed(state, above=from_percent(typed)),
            )
        with times:
            st.number_input(
                state.say("terms_times"),
                min_value=1.0,
                max_value=100.0,
                step=0.5,
                **session.widget(
                    "terms.times",
                    float(speed.times) if speed else 1.0,
                    lambda typed: _set_speed(state, times=controls.typed(typed)),
                ),
            )


def _set_speed(state: State, **changes: Decimal) -> None:
    """Another accelerator; one that counts things once changes nothing."""
    now = state.plan.scheme.terms.accelerator or Accelerator(times=Decimal(1))
    plans.set_terms(accelerator=now.model_dump() | changes)


def _edges(state: State) -> None:
    """What each boundary pays: just below, exactly on it, just above."""
    plan, lang = state.judged(), state.lang
    st.caption(state.say("bonus_edges_about"))
    for goal in plan.paying():
        kpi, rows = plan.kpi(goal.kpi), edges(plan, goal)

        def paid(own: Paid) -> str:
            bonus = money(own.bonus, plan.currency, lang)
            return f"{words.coefficient(own.score, lang)} → {bonus}"

        st.table(
            {
                cards.plain(kpi.name[lang]): [
                    words.mark(e.mark, goal.rule, kpi, lang) for e in rows
                ],
                state.say("edge_below"): [paid(edge.below) for edge in rows],
                state.say("edge_exactly"): [paid(edge.exactly) for edge in rows],
                state.say("edge_above"): [paid(edge.above) for edge in rows],
            }
        )


def _others(state: State) -> None:
    """What every scheme would pay for the same figures."""
    lang, currency = state.lang, state.plan.currency
    names, sums = [], []
    for kind, scheme in plans.schemes(state.plan).items():
        own = state.say(f"scheme_{kind}")
        names.append(f"{own} ✓" if kind == state.plan.scheme.kind else own)
        try:
            sums.append(money(payout(state.judged(scheme), state.values()).bonus, currency, lang))
        except PlanError:
            sums.append("—")
    st.table({state.say("scheme"): names, state.say("bonus_metric"): sums})


def _shelf(state: State) -> None:
    """Plans put aside: one more, and each to take or to drop."""
    with st.expander(state.say("shelf"), icon=":material/inventory_2:"):
        st.caption(state.say("shelf_about"))
        with st.container(horizontal=True, vertical_alignment="bottom"):
            name = st.text_input(
                state.say("shelf_name"),
                max_chars=200,
                **session.remembered("shelf.name", session.kept("shelf.name", "")),
            )
            st.button(
                state.say("shelf_put"),
                key="shelf.put",
                icon=":material/add:",
                on_click=session.guarded(plans.put_aside, name),
            )
        for own in plans.shelf():
            with st.container(horizontal=True):
                shown = cards.plain(own)
                st.button(
                    state.say("shelf_take", name=shown),
                    key=f"shelf.take.{own}",
                    on_click=session.guarded(plans.take_from_shelf, own),
                )
                st.button(
                    state.say("shelf_drop", name=shown),
                    key=f"shelf.drop.{own}",
                    on_click=session.guarded(plans.drop_from_shelf, own),
                )


def _amount(
    state: State, name: str, amount: Decimal, write: Callable[[Decimal], None], key: str = ""
) -> None:
    """A box for an amount of money of the plan, by the name of its phrase."""
    st.number_input(
        f"{state.say(name)}, {state.plan.currency}",
        min_value=0.0,
        step=1000.0,
        format="%.2f",
        **session.widget(key or name, float(amount), lambda value: write(_kopecks(value))),
    )


def _kopecks(value: float) -> Decimal:
    return Decimal(f"{value:.2f}")
