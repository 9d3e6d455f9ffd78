"""Does the rule pay for what earns: plans whose cliffs and conflicts are known by hand."""

import json
from fractions import Fraction
from math import isclose
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kpi_core import catalogue
from kpi_core.chain import Chain, chain
from kpi_core.charts import bonus_curve, profit_curve
from kpi_core.cli import main
from kpi_core.drivers import calibrate
from kpi_core.facts import combine
from kpi_core.incentive import (
    REACH,
    Alignment,
    Curve,
    Study,
    alignment_said,
    curve_said,
    games_said,
    idle_said,
    money_said,
    shift_words,
    simplest,
    study,
    summary,
    verdict_said,
)
from kpi_core.kpis import Evaluation, kpi_values
from kpi_core.model import parse_period
from kpi_core.plan import Plan, changed, default_plan
from tests.core.test_chain import exact, of_sample

OCTOBER = parse_period("2026-10")
SHOP = Path(__file__).parents[2] / "sample_data" / "shop"

# 900 sessions bring 18 leads (2 %), which cost 50 each; 6 deals of 1000, half of it margin: 3000 of
# gross profit, 2100 after ads.
FIGURES: dict[str, Any] = {
    "spend": 900, "clicks": 300, "sessions": 900, "leads": 18, "deals_won": 6, "deal_value": 6000,
}  # fmt: skip
LEADS_AND_CPL: dict[str, Any] = {
    "kind": "product",
    "salary": "1000.00",
    "factors": [{"kpi": "leads", "target": 20}, {"kpi": "cpl", "target": 60}],
}
# 300 of the sessions are paid, 3 each; a session brings less than it costs: 1500 / 900 of margin.
DEAR: dict[str, Any] = FIGURES | {"paid_sessions": 300, "deal_value": 3000}


def made(figures: dict[str, Any], scheme: dict[str, Any], **fields: object) -> Chain:
    """A corporate site that states all its figures by hand."""
    plan = Plan.model_validate(
        {
            "business": "corporate",
            "currency": "EUR",
            "assumptions": {"margin_rate": "0.5"},
            "lines": [{"kpi": "leads", "target": 20, "weight": 1}],
            "scheme": scheme,
            "facts": figures,
            **fields,
        }
    )
    business, data = catalogue.business("corporate"), combine([])
    values = kpi_values(
        data, business, OCTOBER, settings=plan.settings(), kpis=plan.shown_kpis(),
        against=plan.against(),
    )  # fmt: skip
    model = calibrate(Evaluation(data, OCTOBER, settings=plan.settings()), business)
    return chain(plan, values, model)


def leads_only(target: int) -> dict[str, Any]:
    return LEADS_AND_CPL | {"factors": [{"kpi": "leads", "target": target}]}


def of(found: Study, driver: str) -> Curve:
    return next(curve for curve in found.curves if curve.driver.id == driver)


# --- cliffs


def test_a_step_is_a_cliff_at_exactly_80_and_just_above_100_percent() -> None:
    """16 leads of 20 are 80 %, two in 18 fewer; more than 20 two in 18 more; k2 is 1 up to 60."""
    curve = of(study(made(FIGURES, LEADS_AND_CPL)), "cr")
    told = [(c.shift, c.value, c.near, c.far, c.reached, c.kpi) for c in curve.cliffs]
    assert told == [
        (Fraction(-1, 9), Fraction(16, 900), 500, 0, False, "leads"),
        (Fraction(1, 9), Fraction(20, 900), 500, 1000, False, "leads"),
    ]


def test_a_cost_that_reaches_its_target_is_a_cliff_at_the_target() -> None:
    """1080 spent make a lead cost 60, where k2 is no more than 0.5."""
    (cliff,) = of(study(made(FIGURES, LEADS_AND_CPL)), "spend").cliffs
    assert (cliff.shift, cliff.value, cliff.kpi) == (Fraction(1, 5), 1080, "cpl")
    assert (cliff.near, cliff.far, cliff.reached) == (500, 250, True)


def test_a_hard_limit_is_a_cliff_of_its_kpi() -> None:
    """At most 55 a lead: kept up to 990 spent, and broken just past it."""
    limited = made(FIGURES, LEADS_AND_CPL, gates=[{"kpi": "cpl", "limit": 55}])
    (cliff,) = of(study(limited), "spend").cliffs
    assert (cliff.shift, cliff.far, cliff.reached) == (Fraction(1, 10), 0, False)
    assert cliff.kpi == "cpl"


def test_who_stands_on_the_edge_falls_to_the_side_that_pays_otherwise() -> None:
    """18 leads are 80 % of 22.5: fewer pay nothing."""
    on_edge = leads_only(20) | {"factors": [{"kpi": "leads", "target": 22.5}]}
    (cliff, _) = of(study(made(FIGURES, on_edge)), "cr").cliffs
    assert (cliff.shift, cliff.near, cliff.far, cliff.reached) == (0, 500, 0, False)


def test_a_straight_rule_jumps_only_at_its_floor() -> None:
    """From half of the stake at 80 %, 16 leads, to all of it at 100 %."""
    rule = {"kind": "linear", "floor": 0.8, "target": 1, "stretch": 1.2}
    sloping = leads_only(20) | {"factors": [{"kpi": "leads", "target": 20, "rule": rule}]}
    curve = of(study(made(FIGURES, sloping)), "cr")
    (cliff,) = curve.cliffs
    assert (cliff.shift, cliff.near, cliff.far) == (Fraction(-1, 9), 500, 0)
    assert curve.dead_zone is None


@given(st.fractions(-5, 5, max_denominator=10_000), st.integers(10**9, 10**12))
def test_the_simplest_fraction_near_one_is_that_one(value: Fraction, wide: int) -> None:
    near = Fraction(1, wide)
    assert simplest(value - near, value + near / 3) == value


# --- zones


def test_between_two_steps_better_conversion_pays_nothing() -> None:
    """Up to 20 leads: a ninth more of 3000."""
    zone = of(study(made(FIGURES, LEADS_AND_CPL)), "cr").dead_zone
    assert zone is not None
    assert (zone.end, zone.ends, zone.blind) == (Fraction(1, 9), True, False)
    assert isclose(zone.earned, 3000 / 9)


def test_what_the_rule_does_not_look_at_is_a_dead_zone_from_end_to_end() -> None:
    """A larger deal: 0.3 of 3000 and no bonus."""
    zone = of(study(made(FIGURES, LEADS_AND_CPL)), "deal_size").dead_zone
    assert zone is not None
    assert (zone.end, zone.earned, zone.ends, zone.blind) == (REACH, 900, False, True)


def test_money_saved_is_improvement_as_well() -> None:
    zone = of(study(made(FIGURES, LEADS_AND_CPL)), "spend").dead_zone
    assert zone is not None
    assert (zone.end, zone.earned, zone.blind) == (-REACH, 270, False)


def test_visits_bought_at_a_loss_for_a_target_of_leads_are_a_conflict() -> None:
    """A sixth more spend brings the 19th lead and 83 of margin for 150."""
    curve = of(study(made(DEAR, leads_only(19))), "spend")
    (conflict,) = curve.conflicts
    assert isclose(conflict.start, 1 / 6, abs_tol=1e-8)
    assert conflict.end == REACH
    assert conflict.nearest.bonus == 500
    assert isclose(conflict.nearest.earned, -400 / 6, abs_tol=1e-5)
    assert isclose(conflict.nearest.left, -500 - 400 / 6, abs_tol=1e-5)
    assert conflict.worst.left == -500 - 400 * REACH


def test_a_bonus_for_what_brings_nothing_is_a_windfall() -> None:
    """Bounces below 36 %, a tenth less: the other half of 1000."""
    scheme = {"kind": "scorecard", "salary": "0.00", "fund": "1000.00"}
    lines = [{"kpi": "bounce_rate", "target": 0.36, "weight": 1}]
    curve = of(study(made(FIGURES | {"bounces": 360}, scheme, lines=lines)), "bounce_rate")
    assert curve.windfall is not None
    assert (curve.windfall.move.bonus, curve.windfall.move.earned) == (500, 0)
    assert curve.windfall.move.shifts["bounce_rate"] == Fraction(-41, 400)
    assert curve.conflicts == ()


def bonus_and_left(own: Chain, shifts: dict[str, Fraction]) -> tuple[Fraction, Fraction]:
    """The exact road, run forward."""
    base = own.model.drivers
    there: Any = exact(own, {id: (base[id] or 0) * (1 + own_) for id, own_ in shifts.items()})
    return there["bonus"], there["profit_after_ads"] - there["pay"]


RULES = st.sampled_from([
    {},
    {"rule": {"kind": "linear", "floor": 0.7, "target": 1, "stretch": 1.3, "stretch_score": 2}},
])  # fmt: skip


@settings(max_examples=15, deadline=None)
@given(
    st.tuples(st.integers(15, 25), st.integers(40, 70), st.integers(500, 9000)),
    RULES,
    st.sampled_from(["leads", "sessions", "cr"]),
    st.sampled_from([[], [{"kpi": "cpl", "limit": 55}]]),
)
def test_whatever_conflict_or_game_is_found_is_one_when_run_forward(
    figures: tuple[int, int, int], rule: dict[str, Any], judged: str, gates: list[Any]
) -> None:
    leads, cpl, deals = figures
    target = {"leads": leads, "sessions": leads * 50, "cr": leads / 900}[judged]
    factors = [{"kpi": judged, "target": round(target, 4), **rule}, {"kpi": "cpl", "target": cpl}]
    own = made(DEAR | {"deal_value": deals}, LEADS_AND_CPL | {"factors": factors}, gates=gates)
    found = study(own)
    bonus, left = bonus_and_left(own, {})
    moves = [m for c in found.curves for z in c.conflicts for m in (z.nearest, z.worst)]
    for move in [*moves, *(game.move for game in found.games)]:
        there, still = bonus_and_left(own, dict(move.shifts))
        assert there > bonus
        assert still < left
        assert (move.bonus, move.left) == (there - bonus, still - left)


# --- the rule as a whole


def test_the_cheapest_game_is_the_smallest_move_and_its_limit_stops_it() -> None:
    own = made(DEAR, leads_only(19))
    game, *_ = study(own).games
    assert list(game.move.shifts) == ["spend"]
    assert isclose(game.move.shifts["spend"], 1 / 6, abs_tol=1e-8)
    assert game.stop is not None
    gates = [game.stop.gate.model_dump()]
    limited = made(DEAR, leads_only(19), gates=gates)
    assert bonus_and_left(limited, {})[0] == bonus_and_left(own, {})[0] == 500
    assert bonus_and_left(limited, dict(game.move.shifts))[0] == 0


def test_a_discount_games_the_rule_of_the_sample_shop() -> None:
    """Conversion up and order value down, run forward: a higher bonus and a lower profit."""
    own = of_sample("shop", "product")
    found = study(own)
    game = next(game for game in found.games if game.discount)
    assert game.move.shifts["cr"] > 0 > min(game.move.shifts.values())
    before, left = bonus_and_left(own, {})
    after, still = bonus_and_left(own, dict(game.move.shifts))
    assert after > before
    assert still + after < left + before
    assert any("a discount does" in text for text in games_said(found, "en"))
    assert verdict_said(found, "en").startswith("Hardly")
    assert "at the company's cost" in verdict_said(found, "en")


def test_a_lever_is_told_outwards_from_now_and_without_its_name() -> None:
    curve = of(study(of_sample("shop", "product")), "cr")
    plan = of_sample("shop", "product").plan
    said = curve_said(curve, plan, "en")
    assert not any(text.startswith(curve.driver.name["en"]) for text in said)
    jumps = sorted(curve.cliffs, key=lambda cliff: abs(cliff.shift))
    shown = [shift_words(cliff.shift, "en") for cliff in jumps]
    told = [text for text in said if "the bonus jumps" in text or "the bonus drops" in text]
    assert [f"({shift})" in text for shift, text in zip(shown, told, strict=True)] == [True] * len(
        told
    )


def test_the_table_says_the_nearest_jump_fall_and_dead_zone_of_a_lever() -> None:
    """A tenth more conversion is 19.8 leads of 20: nothing. A ninth either way is a step."""
    found = study(made(FIGURES, LEADS_AND_CPL))
    rows = summary(found, "en")
    row = next(row for row in rows if row["Lever"] == of(found, "cr").driver.name["en"])
    assert row["Jump up"] == "+11.1%: €1,000"
    assert row["Fall"].startswith("\N{MINUS SIGN}11.1%")
    assert row["Not paid for"] == "to +11.1%"
    assert row["10% better"] == "€0"


def test_where_nothing_is_paid_for_there_is_no_game_and_what_was_tried_is_told() -> None:
    rule = {"kind": "steps", "steps": [{"at": 9, "score": 1}]}
    out_of_reach = leads_only(20) | {"factors": [{"kpi": "leads", "target": 20, "rule": rule}]}
    found = study(made(FIGURES, out_of_reach))
    assert found.games == ()
    (said,) = games_said(found, "en")
    assert said.startswith("Checked: every lever alone, and every pair")
    assert "Three levers at once" in said


def test_a_pair_is_told_only_where_each_lever_adds_to_the_bonus() -> None:
    """Sessions pay by spend, bounces by themselves: both steps are worth more than one."""
    scheme = {"kind": "scorecard", "salary": "0.00", "fund": "1000.00"}
    lines = [
        {"kpi": "sessions", "target": 920, "weight": 1},
        {"kpi": "bounce_rate", "target": 0.36, "weight": 1},
    ]
    first, second, *_ = study(made(DEAR | {"bounces": 360}, scheme, lines=lines)).games
    assert set(first.move.shifts) == {"spend", "bounce_rate"}
    assert (first.move.bonus, second.move.bonus) == (500, 250)
    assert list(second.move.shifts) == ["spend"]


def test_alignment_counts_the_directions_that_change_profit() -> None:
    """A tenth more conversion or traffic pays more, 19.8 leads of 19; a tenth less, 16.2, does not.

    Spend, win rate, size and margin of deals change profit and not the bonus, both ways.
    """
    found = study(made(FIGURES, LEADS_AND_CPL | {"factors": [{"kpi": "leads", "target": 19}]}))
    assert found.alignment == Alignment(same=2, directions=12)
    assert alignment_said(found.alignment, "en").endswith("the same way in 2.")


# --- without money, without pay


def test_without_deals_only_the_bonus_is_told() -> None:
    known = {id: FIGURES[id] for id in ("spend", "clicks", "sessions", "leads")}
    found = study(made(known, LEADS_AND_CPL))
    assert (found.earned, found.games, found.alignment) == (None, (), None)
    assert "cannot be computed" in money_said(found, "en")
    curve = of(found, "cr")
    assert [cliff.shift for cliff in curve.cliffs] == [Fraction(-1, 9), Fraction(1, 9)]
    assert (curve.dead_zone, curve.windfall, curve.conflicts) == (None, None, ())
    assert profit_curve(curve, found.chain.plan, "en") is None


def test_a_portal_goes_by_its_revenue_and_says_so() -> None:
    found = study(of_sample("portal", "product"))
    assert found.chain.money == "revenue"
    assert "revenue less advertising" in money_said(found, "en")


def test_where_nothing_is_paid_there_is_nothing_to_study() -> None:
    found = study(made({"spend": 900}, LEADS_AND_CPL))
    assert found.blocked is not None
    assert found.curves == ()


def test_a_share_is_not_moved_beyond_all() -> None:
    """17 of 18 leads are won: a share of 94 %, at most a seventeenth more."""
    curve = of(study(made(FIGURES | {"deals_won": 17}, LEADS_AND_CPL)), "win_rate")
    assert (curve.shifts[0], curve.shifts[-1]) == (-REACH, Fraction(1, 17))


# --- told and drawn


@pytest.mark.parametrize("lang", ["ru", "en"])
def test_every_finding_is_told_and_drawn_in_both_languages(lang: str) -> None:
    found = study(made(DEAR, leads_only(19)))
    plan = found.chain.plan
    said = [line for curve in found.curves for line in curve_said(curve, plan, lang)]
    said += [*games_said(found, lang), money_said(found, lang)]
    assert len(said) > 6
    assert idle_said(found, lang) == ""
    curve = of(found, "spend")
    drawn = json.dumps(bonus_curve(curve, plan, lang).to_dict(), ensure_ascii=False)
    assert {"ru": "+16,7\N{NO-BREAK SPACE}%", "en": "+16.7%"}[lang] in drawn
    assert {"ru": "прибыль меньше", "en": "profit down"}[lang] in drawn
    assert profit_curve(curve, plan, lang) is not None


def test_a_line_ends_at_each_jump_and_goes_on_beyond_it() -> None:
    """Nothing at 15 leads; 500 from 16 on; 1000 past 20."""
    found = study(made(FIGURES, LEADS_AND_CPL))
    drawn = bonus_curve(of(found, "cr"), found.chain.plan, "en").to_dict()
    rows = next(rows for rows in drawn["datasets"].values() if all("piece" in row for row in rows))
    pieces = {piece: {row["value"] for row in rows if row["piece"] == piece} for piece in range(3)}
    assert pieces == {0: {0}, 1: {500}, 2: {1000}}


def test_the_command_prints_sentences_and_what_programs_need(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    scheme = {
        "kind": "product",
        "salary": "30000.00",
        "factors": [{"kpi": "orders", "target": 750}],
    }
    path = tmp_path / "plan.json"
    path.write_text(changed(default_plan("shop"), scheme=scheme).as_json(), "utf-8")
    files = [
        str(SHOP / f"{name}.csv") for name in ("metrika_sources", "orders", "direct_campaigns")
    ]
    words = ["incentive", *files, "--plan", str(path), "--period", "2026-10", "--lang", "en"]
    assert main(words) == 0
    assert "Just past" in capsys.readouterr().out
    assert main([*words, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    cr = next(own for own in told["levers"] if own["driver"] == "cr")
    assert [cliff["kpi"] for cliff in cr["cliffs"]] == ["orders", "orders"]
    assert isclose(cr["cliffs"][1]["shift"], 750 / 707 - 1)
    assert told["games"][0]["shifts"].keys() == {"spend"}
    assert told["games"][0]["profit_after_ads"] < 0
