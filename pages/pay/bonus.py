"""What do I pay, and why?"""

from collections.abc import Callable
from decimal import Decimal

import streamlit as st

from kpi_core.errors import PlanError
from kpi_core.pay import outcome, payout, statement
from kpi_core.plan import changed
from kpi_core.schemes import Product, Scheme, Scorecard
from kpi_core.text import money
from ui import cards, controls, explain, plans, session
from ui.state import State


def main() -> None:
    """Answer, both schemes side by side, the statement, the settings."""
    state = session.current(st.session_state["lang"])
    plan, lang = state.plan, state.lang
    both = {kind: _paid(state, kind) for kind in plans.schemes(plan)}
    due = both[plan.scheme.kind]
    cards.heading(
        state,
        "bonus",
        state.say("bonus_blocked")
        if isinstance(due, PlanError)
        else state.say(
            "bonus_answer",
            period=cards.period_words(state),
            bonus=money(due.bonus, plan.currency, lang),
            pay=money(due.pay, plan.currency, lang),
        ),
    )
    controls.compared(state)
    columns = st.columns(len(both))
    for column, (kind, paid) in zip(columns, both.items(), strict=True):
        with column.container(border=True):
            st.metric(
                state.say(f"scheme_{kind}"),
                "—" if isinstance(paid, PlanError) else money(paid.bonus, plan.currency, lang),
                delta=_change(state, kind, paid),
                help=state.say(f"scheme_{kind}_help"),
            )
            if kind == plan.scheme.kind:
                st.badge(state.say("scheme_counts"), icon=":material/check:", color="blue")
            else:
                st.button(
                    state.say("scheme_choose"),
                    on_click=session.guarded(plans.choose_scheme, kind),
                )
    if isinstance(due, PlanError):
        st.warning(cards.plain(due.text(lang)), icon=":material/pause_circle:")
    else:
        st.subheader(state.say("statement"))
        entries = statement(due, lang)
        st.table(
            {
                state.say("statement_line"): [cards.plain(entry.text) for entry in entries],
                state.say("statement_value"): [cards.plain(entry.value) for entry in entries],
            }
        )
    ids = dict.fromkeys(goal.kpi for goal in plan.goals())
    explain.row(state, [state.named()[id] for id in ids], "bonus")
    values = state.values()
    cards.findings(state, [*state.facts.findings, *values.findings, *state.plan.remarks(values)])
    _settings(state)


def _paid(state: State, kind: str) -> object:
    """What a scheme pays, or why it cannot."""
    try:
        return payout(state.judged(plans.schemes(state.plan)[kind]), state.values())
    except PlanError as blocked:
        return blocked


def _change(state: State, kind: str, paid: object) -> str | None:
    """By how much a scheme pays more than it would have for the days it is compared with."""
    earlier = state.compared()
    if earlier is None or isinstance(paid, PlanError):
        return None
    plan = changed(state.plan, scheme=plans.schemes(state.plan)[kind])
    then = outcome(plan.of_period(earlier.period), earlier).paid
    return cards.change(
        then.bonus if then else None,
        paid.bonus,
        lambda moved: money(moved, plan.currency, state.lang),
    )


def _settings(state: State) -> None:
    """Salary and what the scheme that counts needs."""
    plan = state.plan
    st.subheader(state.say("scheme_settings"))
    salary, fund, partial_period = st.columns(3)
    with salary:
        _amount(state, "salary", plan.scheme.salary, plans.set_salary)
    if isinstance(plan.scheme, Scorecard):
        with fund:
            _amount(state, "fund", plan.scheme.fund, plans.set_fund)
    with partial_period:
        st.selectbox(
            state.say("partial_period"),
            ["wait", "pay"],
            format_func=lambda choice: state.say(f"partial_{choice}"),
            help=state.say("partial_help"),
            **session.widget(
                "partial",
                str(plan.partial_period),
                lambda choice: plans.set_plan(partial_period=choice),
            ),
        )
    if isinstance(plan.scheme, Product):
        _factors(state, state.judged().scheme)
    else:
        st.caption(state.say("scorecard_rules_note"))
        st.page_link(
            "pages/measure/scorecard.py", label=state.say("scorecard"), icon=":material/speed:"
        )


def _factors(state: State, scheme: Scheme) -> None:
    """Target and rule of each coefficient."""
    if not isinstance(scheme, Product):
        return
    columns = st.columns(len(scheme.factors))
    for position, (column, goal) in enumerate(zip(columns, scheme.factors, strict=True)):
        kpi = state.plan.kpi(goal.kpi)
        key = f"factor.{position}.{goal.kpi}"
        with column.container(border=True):
            st.markdown(f"**k{position + 1}: {cards.plain(kpi.name[state.lang])}**")
            controls.target(
                state,
                kpi,
                goal,
                f"{key}.target",
                lambda value, p=position: plans.set_factor_target(p, value, state.values().period),
            )
            controls.rule_editor(
                state,
                goal.rule,
                key,
                lambda rule, p=position: plans.set_factor(p, rule=rule),
                kpi=kpi,
                target=goal.target,
            )


def _amount(state: State, name: str, amount: Decimal, write: Callable[[Decimal], None]) -> None:
    """A box for an amount of money of the plan, by the name of its phrase."""
    st.number_input(
        f"{state.say(name)}, {state.plan.currency}",
        min_value=0.0,
        step=1000.0,
        format="%.2f",
        **session.widget(name, float(amount), lambda value: write(_kopecks(value))),
    )


def _kopecks(value: float) -> Decimal:
    return Decimal(f"{value:.2f}")


main()
