"""What chance may bring in the months ahead: ``simulate``."""

import argparse
import math
from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np

from kpi_core import catalogue, words
from kpi_core.chain import chain
from kpi_core.cli import asked, printed
from kpi_core.cli.printed import Answer, Lines
from kpi_core.drivers import calibrate, parse_lever
from kpi_core.errors import UsageError
from kpi_core.facts import Facts
from kpi_core.formula import Array
from kpi_core.incentive import driver_words
from kpi_core.kpis import Evaluation, Values, kpi_values
from kpi_core.model import Kpi
from kpi_core.plan import Plan, period_word
from kpi_core.sensitivity import Shares, Swing, tornado, variance_shares
from kpi_core.simulate import (
    DRAWS,
    HIGH,
    LOW,
    SEED,
    Beside,
    Figure,
    Simulated,
    ahead_said,
    basis_said,
    beside,
    beside_said,
    bonus_said,
    chance_said,
    converging,
    drawn_said,
    mean,
    quantile,
    simulate,
    step_said,
    sum_said,
    together_said,
)
from kpi_core.text import exact, money, number, say
from kpi_core.uncertainty import Range, Uncertain, Uncertainty, Z, history, uncertain

T = TypeVar("T")
SUMS = ("bonus", "pay", "profit_after_ads", "profit_after_pay")
SPREAD = {"low": LOW, "likely": 0.5, "high": HIGH}
SEEN = 0.01  # of the variance: drivers that make less of it are not listed


def add(commands: asked.Commands) -> None:
    """Register the command."""
    made = asked.command(commands, "simulate", _simulate, "What chance may bring to a plan.")
    asked.takes_plan(made)
    made.add_argument("--set", action="append", default=[], metavar="DRIVER=+10%")
    made.add_argument(
        "--range", action="append", default=[], metavar="DRIVER=LOW;LIKELY;HIGH",
        help="what you expect of a driver: one case in ten lies below LOW, another above HIGH",
    )  # fmt: skip
    made.add_argument("--draws", type=int, default=DRAWS)
    made.add_argument("--seed", type=int, default=SEED)
    made.add_argument("--months", type=int, default=1, help="how many ahead")
    made.add_argument(
        "--beside", action="append", default=[], metavar="PLAN2.json",
        help="another plan under the same draws",
    )  # fmt: skip


def _simulate(options: argparse.Namespace) -> tuple[Answer, Lines]:
    plans = _plans(options)
    plan, lang = next(iter(plans.values())), options.lang
    facts, values = _values(options, plans)
    levers = _once([parse_lever(text) for text in options.set], "lever_twice")
    ranges = _once([_range(text) for text in options.range], "range_twice")
    chances = expected(facts, plan, values, ranges, options.months)
    found = simulate(plans, values, chances, levers, draws=options.draws, seed=options.seed)
    first, *others = found.values()
    made = chain(plan, values, chances.model)
    swings = tornado(made, chances, levers)
    shares = variance_shares(made, chances, levers, seed=options.seed)
    moved = chances.moved(levers)
    both = [beside(first, other) for other in others]
    answer: Answer = {
        "period": printed.span(values.period),
        "currency": first.plan.currency,
        "draws": first.draws,
        "seed": first.seed,
        "together": {"days": chances.common, "kept": 1 - chances.shrunk},
        "drivers": [_driver_row(own) for own in moved.drivers],
        "plans": [plan_row(own) for own in found.values()],
        "beside": [own and _beside_row(own) for own in both],
        "tornado": [_swing_row(own) for own in swings],
        "shares": {name: [_share_row(own) for own in rows] for name, rows in shares.items()},
    }
    lines = []
    for own in found.values():
        lines += [*([own.name] if others else []), *plan_lines(own, lang), ""]
    for other, said in zip(others, both, strict=True):
        names = first.name, other.name
        lines += [beside_said(said, names, first.plan.currency, lang), ""] if said else []
    lines += [*_driver_lines(moved, plan.currency, lang), say(lang, "simulate.ends")]
    lines += [together_said(chances, lang), *ahead_said(chances, lang), ""]
    lines += [*_swing_lines(swings, shares.get("bonus", ()), chances, plan.currency, lang)]
    lines += ["", *_converging_lines(first, lang), drawn_said(first, lang)]
    odd = (*facts.findings, *values.findings, *chances.model.findings)
    return printed.with_findings(answer, lines, odd, lang)


def expected(
    facts: Facts, plan: Plan, values: Values, ranges: dict[str, Range], months: int
) -> Uncertain:
    """What the drivers of a plan's business may be in the months after those of the values.

    Raises:
        UsageError: nothing is known of any period, or a range is none.
    """
    if values.period is None:
        raise UsageError("no_files")
    settings = plan.settings()
    evaluation = Evaluation(facts, values.period, settings=settings)
    model = calibrate(evaluation, catalogue.business(plan.business))
    known = history(facts, model, values.period, settings)
    return uncertain(model, known, ranges, months)


def _plans(options: argparse.Namespace) -> dict[str, Plan]:
    found: dict[str, Plan] = {}
    for path in (options.plan, *options.beside):
        name = Path(path).stem
        if name in found:
            raise UsageError("plan_named_twice", where=name)
        found[name] = asked.plan(argparse.Namespace(**vars(options) | {"plan": path}))
    return found


def _values(options: argparse.Namespace, plans: dict[str, Plan]) -> tuple[Facts, Values]:
    """Read as the first plan reads; every KPI that a plan is judged by is among them."""
    plan = next(iter(plans.values()))
    if len(plans) == 1:
        return asked.values(options, plan)
    if not asked.any_named(options):
        raise UsageError("no_files")
    facts = asked.facts(options, plan.sources)
    return facts, kpi_values(
        facts,
        catalogue.business(plan.business),
        asked.period(options, plan),
        settings=plan.settings(),
        kpis=tuple(dict.fromkeys(id for own in plans.values() for id in own.shown_kpis())),
        against=set().union(*(own.against() for own in plans.values())),
    )


def _once(named: Sequence[tuple[str, T]], code: str) -> dict[str, T]:
    found: dict[str, T] = {}
    for id, own in named:
        if id in found:
            raise UsageError(code, where=id)
        found[id] = own
    return found


def _range(text: str) -> tuple[str, Range]:
    id, _, numbers = text.partition("=")
    try:
        low, likely, high = (float(part.replace(",", ".")) for part in numbers.split(";"))
    except ValueError:
        raise UsageError("bad_range", where=text) from None
    return id.strip(), Range(low, likely, high)


# --- a plan


def plan_lines(found: Simulated, lang: str) -> Lines:
    """What the first month may bring to a plan, and the bonus of all months."""
    currency, bonus = found.plan.currency, found.results.bonus
    lines = [bonus_said(found, 0, lang)]
    rows = [["", say(lang, "simulate.chance")]]
    rows += [[step_said(own, currency, lang), chance_said(own.chance, lang)]
             for own in found.steps()]  # fmt: skip
    lines += ["", *printed.aligned(rows)] if len(rows) > 1 else []
    lines += ["", *printed.aligned(_figure_rows(found, lang))]
    if len(found.periods) > 1:
        keys = ("low", "likely", "high", "mean_bonus")
        fan = [["", *(say(lang, f"simulate.{key}") for key in keys)]]
        fan += [
            [name, *_spread_said(own, currency, lang), sum_said(mean(own), currency, lang)]
            for name, own in zip(
                (*map(period_word, found.periods), say(lang, "simulate.in_all_months")),
                (*bonus, bonus.sum(axis=0)),
                strict=True,
            )
        ]
        lines += ["", say(lang, "simulate.bonus"), *printed.aligned(fan)]
    return lines


def _figure_rows(found: Simulated, lang: str) -> list[list[str]]:
    """KPIs, score and sums: now, low, likely, high, target and how likely it is reached."""
    keys = ("now", "low", "likely", "high", "target", "reached")
    rows = [["", *(say(lang, f"simulate.{key}") for key in keys)]]
    for id, draws in found.results.kpis.items():
        kpi, target = found.plan.kpi(id), found.targets.get(id, (None,))[0]

        def shown(value: float | None, kpi: Kpi = kpi) -> str:
            known = None if value is None or math.isnan(value) else value
            return words.kpi_figure(kpi, known, found.plan.currency, lang)

        chance = found.reached(id)
        rows.append(
            [
                kpi.name[lang],
                shown(float(found.now.kpis[id])),
                *(shown(quantile(draws[0], share).value) for share in SPREAD.values()),
                shown(target) if target is not None else "",
                chance_said(chance, lang) if chance else "",
            ]
        )
    now, total = float(found.now.total), found.results.total[0]
    spread = (quantile(total, share).value for share in SPREAD.values())
    rows.append(
        [say(lang, "simulate.total"), *(_points(own, lang) for own in (now, *spread)), "", ""]
    )
    for name, own in _sums(found).items():
        at_now = _now(found, name)
        shown_now = "—" if math.isnan(at_now) else money(at_now, found.plan.currency, lang, 0)
        spread_said = _spread_said(own[0], found.plan.currency, lang)
        rows.append([say(lang, f"simulate.{name}"), shown_now, *spread_said, "", ""])
    return rows


def _points(score: float, lang: str) -> str:
    return "—" if math.isnan(score) else words.points(exact(score), lang)


def _sums(found: Simulated) -> dict[str, Array]:
    return dict(
        zip(
            SUMS,
            (found.results.bonus, found.pay, found.results.profit_after_ads, found.profit),
            strict=True,
        )
    )


def _now(found: Simulated, name: str) -> float:
    if name == "pay":
        return float(found.now.bonus) + float(found.plan.scheme.fixed)
    return float(getattr(found.now, name))


def _spread_said(draws: Array, currency: str, lang: str) -> list[str]:
    figures = (quantile(draws, share).value for share in SPREAD.values())
    return ["—" if math.isnan(own) else money(own, currency, lang, 0) for own in figures]


def plan_row(found: Simulated) -> Answer:
    """What each month may bring to a plan, and all of them together."""
    return {
        "name": found.name,
        "money": found.money,
        "months": [
            {
                "month": period_word(period),
                "steps": [
                    {"low": own.low, "high": own.high, "chance": _figure_row(own.chance)}
                    for own in found.steps(month)
                ],
                "kpis": {
                    id: _draws_row(draws[month])
                    | {
                        "target": found.targets.get(id, (None,) * (month + 1))[month],
                        "reached": _figure_row(found.reached(id, month)),
                    }
                    for id, draws in found.results.kpis.items()
                },
                "score": _draws_row(found.results.total[month]),
                **{name: _draws_row(own[month]) for name, own in _sums(found).items()},
            }
            for month, period in enumerate(found.periods)
        ],
        "bonus_in_all": _draws_row(found.results.bonus.sum(axis=0)),
        "converging": [
            {"draws": count, "bonus": _figure_row(own)}
            for count, own in converging(found.results.bonus[0])
        ],
    }


def _figure_row(found: Figure | None) -> Answer | None:
    if found is None or math.isnan(found.value):
        return None
    return {"value": found.value, "error": None if math.isnan(found.error) else found.error}


def _draws_row(draws: Array) -> Answer:
    spread = {name: _figure_row(quantile(draws, share)) for name, share in SPREAD.items()}
    unknown = float(np.isnan(draws).mean())
    return {"mean": _figure_row(mean(draws)), **spread, "unknown": unknown}


def _beside_row(found: Beside) -> Answer:
    return {name: _figure_row(own) for name, own in vars(found).items()}


def _converging_lines(found: Simulated, lang: str) -> Lines:
    rows = [[say(lang, "simulate.draws"), say(lang, "simulate.mean_bonus")]]
    rows += [
        [number(count, lang), sum_said(own, found.plan.currency, lang)]
        for count, own in converging(found.results.bonus[0])
    ]
    return printed.aligned(rows) if len(rows) > 1 else []


# --- drivers


def _driver_row(own: Uncertainty) -> Answer:
    low, likely, high = own.quantiles(-Z, 0, Z)[0].tolist()
    return {
        "driver": own.driver,
        "now": own.now,
        "low": low,
        "likely": likely,
        "high": high,
        "basis": str(own.basis),
        "months": own.months,
        "days": own.days,
    }


def _driver_lines(chances: Uncertain, currency: str, lang: str) -> Lines:
    keys = ("driver", "now", "low", "likely", "high", "basis")
    rows = [[say(lang, f"simulate.{key}") for key in keys]]
    for own in chances.drivers:
        driver = chances.model.by_id[own.driver]
        figures = (own.now, *own.quantiles(-Z, 0, Z)[0].tolist())
        shown = (driver_words(driver, exact(figure), currency, lang) for figure in figures)
        rows.append([driver.name[lang], *shown, basis_said(own, lang)])
    return printed.aligned(rows)


def _swing_row(own: Swing) -> Answer:
    sides = ((own.at_low, own.low), (own.at_high, own.high))
    both = (
        {
            "at": at,
            **{name: None if math.isnan(figure) else figure for name, figure in side.items()},
        }
        for at, side in sides
    )
    return {"driver": own.driver, **dict(zip(("low", "high"), both, strict=True))}


def _share_row(own: Shares) -> Answer:
    return {
        "driver": own.driver,
        "alone": _figure_row(own.alone),
        "in_all": _figure_row(own.in_all),
    }


def _swing_lines(
    swings: Sequence[Swing],
    shares: Sequence[Shares],
    chances: Uncertain,
    currency: str,
    lang: str,
) -> Lines:
    """What of the bonus hangs on which driver, the largest part first."""
    by_driver = {own.driver: own for own in shares}
    keys = ("driver", "at_low", "at_high", "share_alone", "share_in_all")
    rows = [[say(lang, f"simulate.{key}") for key in keys]]
    for own in sorted(swings, key=lambda own: -_weight(own, by_driver.get(own.driver))):
        share = by_driver.get(own.driver)
        if not _weight(own, share):
            continue
        ends = (
            "—" if math.isnan(side["bonus"]) else money(side["bonus"], currency, lang, 0)
            for side in (own.low, own.high)
        )
        parts = (chance_said(share.alone, lang), chance_said(share.in_all, lang)) if share else ()
        name = chances.model.by_id[own.driver].name[lang]
        rows.append([name, *ends, *(parts or ("—", "—"))])
    if len(rows) == 1:
        return []
    return [say(lang, "simulate.bonus"), *printed.aligned(rows), say(lang, "simulate.alone")]


def _weight(swing: Swing, share: Shares | None) -> float:
    """What a driver does to the bonus; 0 where it is not worth a line."""
    if share is None:
        width = swing.width("bonus")
        return 0.0 if math.isnan(width) else width
    return share.in_all.value if share.in_all.value >= SEEN else 0.0
