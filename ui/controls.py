"""Controls that several pages share."""

from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from typing import Any

import streamlit as st

from kpi_core.model import Kpi, Unit
from kpi_core.rules import LITERAL_STEPS, Bands, Goal, Linear, Rule, Steps
from kpi_core.text import exact, percent, rounded
from ui import session
from ui.session import State

Fields = dict[str, object]  # of a rule; the plan checks them when it takes them over


def _shown(kpi: Kpi, value: Decimal | None) -> float:
    """A target as it is typed: shares in percent."""
    scale = 100 if kpi.unit is Unit.SHARE else 1
    return float(rounded(exact(value or Decimal(0)) * scale, 6))


def _typed(kpi: Kpi, value: float) -> Decimal:
    """A typed target as the plan keeps it."""
    scale = 100 if kpi.unit is Unit.SHARE else 1
    return _exact(value) / scale


def target(state: State, kpi: Kpi, goal: Goal, key: str, write: Callable[[Decimal], None]) -> None:
    """The target of a goal, in the unit people speak of it."""
    unit = {Unit.SHARE: "%", Unit.MONEY: state.plan.currency}.get(kpi.unit, "")
    label = state.say("target") + (f", {unit}" if unit else "")
    decimals = kpi.decimals + (1 if kpi.unit is Unit.SHARE else 0)
    st.number_input(
        label,
        min_value=0.0,
        step=10.0**-kpi.decimals if kpi.decimals else 1.0,
        format=f"%.{decimals}f",
        **session.widget(key, _shown(kpi, goal.target), lambda value: write(_typed(kpi, value))),
    )


def weight(state: State, kpi: str, weight: Fraction, share: Fraction) -> None:
    """The weight of a line in hundredths, with the share that it comes to."""
    st.slider(
        state.say("weight_share", share=percent(share, state.lang, 0)),
        0,
        100,
        step=1,
        **session.widget(
            f"weight.{kpi}",
            int(weight * 100),
            lambda value: session.set_line(kpi, weight=Decimal(value) / 100),
        ),
    )


def rule_editor(state: State, rule: Rule, key: str, write: Callable[[Fields], None]) -> None:
    """The rule of a goal: its kind, its boundaries and the side of each."""
    kinds: dict[str, Rule] = {"steps": LITERAL_STEPS, "linear": Linear()}
    if isinstance(rule, Bands):
        kinds["bands"] = rule
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
            _linear(state, rule, key, write)
        case Bands():
            st.caption(state.say("bands_by_file"))


def _steps(state: State, rule: Steps, key: str, write: Callable[[Fields], None]) -> None:
    def put(position: int, field: str, read: Callable[[Any], object]) -> Callable[[Any], None]:
        def changed_to(value: Any) -> None:
            steps = [step.model_dump() for step in rule.steps]
            steps[position][field] = read(value)
            write(rule.model_dump() | {"steps": steps})

        return changed_to

    sides = {True: state.say("side_inclusive"), False: state.say("side_above")}
    for position, step in enumerate(rule.steps):
        at, side, score = st.columns([2, 3, 2], vertical_alignment="bottom")
        name = f"{key}.{position}"
        with at:
            _percent(
                state.say("step_at"), f"{name}.at", step.at, put(position, "at", _from_percent)
            )
        with side:
            st.selectbox(
                state.say("step_side"),
                list(sides),
                format_func=sides.__getitem__,
                **session.widget(
                    f"{name}.inclusive", step.inclusive, put(position, "inclusive", bool)
                ),
            )
        with score:
            _score(
                state.say("step_score"), f"{name}.score", step.score, put(position, "score", _exact)
            )


def _linear(state: State, rule: Linear, key: str, write: Callable[[Fields], None]) -> None:
    def put(field: str, read: Callable[[Any], object]) -> Callable[[Any], None]:
        def changed_to(value: Any) -> None:
            write(rule.model_dump() | {field: read(value)})

        return changed_to

    for name in ("floor", "target", "stretch"):
        at, score = st.columns(2, vertical_alignment="bottom")
        with at:
            _percent(
                state.say(f"linear_{name}"),
                f"{key}.{name}",
                getattr(rule, name),
                put(name, _from_percent),
            )
        with score:
            field = f"{name}_score"
            _score(
                state.say("step_score"),
                f"{key}.{field}",
                getattr(rule, field),
                put(field, _exact),
            )


def _percent(label: str, key: str, share: Decimal, write: Callable[[Any], None]) -> None:
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


def _exact(value: float) -> Decimal:
    """A typed number as the decimal it was typed as."""
    return Decimal(repr(value))


def _from_percent(value: float) -> Decimal:
    return _exact(value) / 100
