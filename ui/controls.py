"""Controls that several pages share."""

from collections.abc import Callable
from decimal import Decimal

import streamlit as st

from kpi_core.model import Kpi, Unit
from kpi_core.rules import LITERAL_STEPS, Bands, Goal, Linear, Rule, Steps
from kpi_core.text import exact, rounded
from ui import session
from ui.session import State


def _shown(kpi: Kpi, value: Decimal | None) -> float:
    """A target as it is typed: shares in percent."""
    scale = 100 if kpi.unit is Unit.SHARE else 1
    return float(rounded(exact(value or Decimal(0)) * scale, 6))


def _typed(kpi: Kpi, value: float) -> Decimal:
    """A typed target as the plan keeps it."""
    scale = 100 if kpi.unit is Unit.SHARE else 1
    return Decimal(repr(value)) / scale


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


def rule_editor(state: State, rule: Rule, key: str, write: Callable[[Rule], None]) -> None:
    """The rule of a goal: its kind, its boundaries and the side of each."""
    kinds: dict[str, Rule] = {"steps": LITERAL_STEPS, "linear": Linear()}
    if isinstance(rule, Bands):
        kinds["bands"] = rule
    st.segmented_control(
        state.say("rule_kind"),
        list(kinds),
        format_func=lambda kind: state.say(f"rule_{kind}"),
        required=True,
        **session.widget(f"{key}.kind", rule.kind, lambda kind: write(kinds[kind])),
    )
    match rule:
        case Steps():
            _steps(state, rule, key, write)
        case Linear():
            _linear(state, rule, key, write)
        case Bands():
            st.caption(state.say("bands_by_file"))


def _steps(state: State, rule: Steps, key: str, write: Callable[[Rule], None]) -> None:
    def put(position: int, field: str, value: object) -> None:
        steps = [step.model_dump() for step in rule.steps]
        steps[position][field] = value
        write(Steps.model_validate({"steps": steps, "below": rule.below}))

    for position, step in enumerate(rule.steps):
        at, side, score = st.columns([2, 3, 2], vertical_alignment="bottom")
        at.number_input(
            state.say("step_at"),
            min_value=0.0,
            max_value=1000.0,
            step=1.0,
            format="%.2f",
            **session.widget(
                f"{key}.{position}.at",
                float(step.at * 100),
                lambda value, p=position: put(p, "at", Decimal(repr(value)) / 100),
            ),
        )
        side.selectbox(
            state.say("step_side"),
            [True, False],
            format_func=lambda inclusive: state.say(
                "side_inclusive" if inclusive else "side_above"
            ),
            **session.widget(
                f"{key}.{position}.inclusive",
                step.inclusive,
                lambda value, p=position: put(p, "inclusive", value),
            ),
        )
        score.number_input(
            state.say("step_score"),
            min_value=0.0,
            max_value=10.0,
            step=0.1,
            format="%.2f",
            **session.widget(
                f"{key}.{position}.score",
                float(step.score),
                lambda value, p=position: put(p, "score", Decimal(repr(value))),
            ),
        )


def _linear(state: State, rule: Linear, key: str, write: Callable[[Rule], None]) -> None:
    for name in ("floor", "target", "stretch"):
        at, score = st.columns(2, vertical_alignment="bottom")
        at.number_input(
            state.say(f"linear_{name}"),
            min_value=0.0,
            max_value=1000.0,
            step=1.0,
            format="%.2f",
            **session.widget(
                f"{key}.{name}",
                float(getattr(rule, name) * 100),
                lambda value, n=name: write(_linear_with(rule, n, Decimal(repr(value)) / 100)),
            ),
        )
        score.number_input(
            state.say("step_score"),
            min_value=0.0,
            max_value=10.0,
            step=0.1,
            format="%.2f",
            **session.widget(
                f"{key}.{name}_score",
                float(getattr(rule, f"{name}_score")),
                lambda value, n=name: write(_linear_with(rule, f"{n}_score", Decimal(repr(value)))),
            ),
        )


def _linear_with(rule: Linear, field: str, value: Decimal) -> Linear:
    return Linear.model_validate(rule.model_dump() | {field: value})
