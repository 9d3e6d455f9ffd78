"""Objectives: what is missing, what the data say of each target, and the guards."""

from datetime import date, timedelta
from decimal import Decimal

import pytest

from kpi_core import catalogue
from kpi_core.errors import PlanError
from kpi_core.gates import GuardCheck, check
from kpi_core.kpis import kpi_values
from kpi_core.model import parse_period
from kpi_core.objectives import (
    EXAMPLE,
    PARTS,
    candidates,
    fits,
    guard_said,
    held,
    lacking_rates,
    new_aim,
    plan_target,
    proposed_guards,
    review,
    target_words,
    told,
)
from kpi_core.plan import Aim, Plan, changed, default_plan, read_plan
from tests.core.small import facts

NAMED = EXAMPLE.model_copy(update={"name": "Double the conversion"})


def months(orders: int = 12, sessions: int = 1000, last: str = "2026-10-31"):
    """Every day of ten months: `orders` of `sessions`, and 1200 roubles for advertising."""
    begin, end = date(2026, 1, 1), date.fromisoformat(last)
    lines = ["Date,Orders,Sessions,New customers,Cost (RUB)"]
    for step in range((end - begin).days + 1):
        day = begin + timedelta(step)
        more = 1 if day.month % 2 else 0
        lines.append(f"{day},{orders + more},{sessions + 10 * more},{1 + more},1200")
    return facts("\n".join(lines))


def plan_of(*objectives, **changes: object) -> Plan:
    return changed(
        default_plan("shop"), objectives=[own.model_dump() for own in objectives], **changes
    )


def reviewed(plan: Plan, loaded=None, period: str = "2026-10", lang: str = "en"):
    loaded = loaded or months()
    business = catalogue.business("shop")
    asked = {"settings": plan.settings(), "kpis": plan.kpis()}
    now = kpi_values(loaded, business, parse_period(period), against=plan.against(), **asked)
    by_month = kpi_values(loaded, business, None, "month", **asked)
    return review(plan, now, by_month, lang)


def checks(found, part: str):
    (aim,) = [own for own in found.aims if own.part == part]
    return {own.id: own for own in aim.checks}


# --- the worked example


def test_the_worked_example_has_all_three_targets() -> None:
    plan = plan_of(NAMED)
    said = {part: target_words(plan, aim, "en") for part, aim in NAMED.aims().items()}
    assert said == {
        "volume": "at least 500,000",
        "quality": "at least 1.20%",
        "price": "at most $15.00",
    }
    (found,) = reviewed(plan)
    assert found.missing == ()
    assert checks(found, "quality")["baseline"].why == "It was 0.60%; the change needed is +100%."


def test_fifteen_dollars_are_not_measured_without_a_rate() -> None:
    plan = plan_of(NAMED)
    (found,) = reviewed(plan)
    price = checks(found, "price")
    assert lacking_rates(plan) == ("USD",)
    assert price["measurable"].held is False
    assert "USD" in price["measurable"].why
    assert price["achievable"].held is None
    assert "cannot be measured" in told(found, "en")


def test_with_a_rate_fifteen_dollars_are_roubles() -> None:
    plan = plan_of(NAMED, rates={"USD": "100"})
    assert lacking_rates(plan) == ()
    (found,) = reviewed(plan)
    price = next(own for own in found.aims if own.part == "price")
    assert price.target == 1500
    assert price.reached is True  # October: 1200 a customer


def test_what_the_data_say_of_volume_and_quality() -> None:
    """October has 31 days of 1000 visits and 12 orders: 31 000 visits, 1.2 %."""
    (found,) = reviewed(plan_of(NAMED))
    volume, quality = found.aims[0], found.aims[1]
    assert (volume.value.value, volume.reached) == (31_000, False)
    assert quality.reached is True
    assert checks(found, "volume")["achievable"].held is False
    assert checks(found, "quality")["achievable"].held is True
    assert "Method:" in checks(found, "quality")["achievable"].why
    assert "past month" in checks(found, "quality")["achievable"].why
    assert found.hardest is volume


# --- what is missing


@pytest.mark.parametrize("part", PARTS)
def test_without_one_of_the_three_the_work_cannot_be_judged(part: str) -> None:
    (found,) = reviewed(plan_of(NAMED.model_copy(update={part: None})))
    assert found.missing == (part,)
    for lang, word in (("en", "cannot be judged"), ("ru", "нельзя судить")):
        assert word in told(found, lang)


def test_an_empty_objective_lacks_all_three() -> None:
    (found,) = reviewed(plan_of(type(EXAMPLE)(name="New")))
    assert found.missing == PARTS
    assert found.hardest is None


# --- the checks


def test_what_data_cannot_know_is_asked() -> None:
    aim = NAMED.quality.model_copy(update={"deadline": date(2027, 1, 31), "owner": "Anna"})
    (found,) = reviewed(plan_of(NAMED.model_copy(update={"quality": aim})))
    quality, volume = checks(found, "quality"), checks(found, "volume")
    assert (quality["bound"].held, quality["owner"].held) == (True, True)
    assert (volume["bound"].held, volume["owner"].held) == (False, False)
    assert "January 2027" in quality["achievable"].why


def test_a_deadline_that_has_passed_is_judged_by_what_was() -> None:
    aim = NAMED.quality.model_copy(update={"deadline": date(2026, 10, 31)})
    (found,) = reviewed(plan_of(NAMED.model_copy(update={"quality": aim})))
    own = checks(found, "quality")["achievable"]
    assert own.held is True
    assert own.why == "The deadline has passed; October 2026: the target was reached."


def test_weight_makes_a_target_relevant() -> None:
    (found,) = reviewed(plan_of(NAMED))
    assert checks(found, "quality")["relevant"].why.startswith("The KPI has a weight of 30%")
    strange = NAMED.model_copy(update={"volume": Aim(kpi="reviews", target=Decimal(5))})
    (found,) = reviewed(plan_of(strange))
    assert checks(found, "volume")["relevant"].held is False
    assert checks(found, "volume")["measurable"].held is False
    assert checks(found, "volume")["baseline"].held is False


def test_how_many_checks_hold_is_told() -> None:
    (found,) = reviewed(plan_of(NAMED))
    assert held(found.aims[0], "en") == "4 of 7 checks hold"
    assert held(found.aims[0], "ru") == "Выполнено 4 из 7 проверок"


def test_few_months_leave_it_unknown() -> None:
    loaded = months(last="2026-04-30")
    (found,) = reviewed(plan_of(NAMED), loaded, "2026-04")
    assert checks(found, "quality")["achievable"].held is None


# --- which month is judged


def volume_of(target: int, deadline: date | None = None, kpi: str = "orders"):
    return type(EXAMPLE)(volume=Aim(kpi=kpi, target=Decimal(target), deadline=deadline))


def judged_volume(objective, loaded, period: str | None, **changes: object):
    """The review of the volume, with all of the data or one period of it in view."""
    plan, business = plan_of(objective, **changes), catalogue.business("shop")
    asked = {"settings": plan.settings(), "kpis": plan.kpis()}
    now = kpi_values(loaded, business, parse_period(period) if period else None, **asked)
    ((volume,),) = [own.aims for own in review(plan, now, kpi_values(
        loaded, business, None, "month", **asked), "en")]  # fmt: skip
    return volume, {own.id: own for own in volume.checks}


@pytest.mark.parametrize("period", [None, "2026-10", "2026-01", "2026-Q1", "2026-02"])
def test_a_deadline_that_has_passed_is_judged_by_its_own_month(period: str | None) -> None:
    """March: 31 days of 13 orders are 403; a quarter, October or all days are no such month."""
    for target, reached in ((403, True), (404, False)):
        volume, said = judged_volume(volume_of(target, date(2026, 3, 31)), months(), period)
        assert (volume.month, volume.over) == (parse_period("2026-03"), True)
        assert (volume.value.value, volume.reached) == (403, reached)
        assert said["achievable"].held is reached
        assert "March 2026" in said["achievable"].why
        assert said["measurable"].why.endswith("the files say 403 for March 2026.")
        assert volume.ahead is None


def test_without_a_period_the_last_whole_month_is_judged() -> None:
    """September: 30 days of 13 orders; ten days of October are no month, nor are all days."""
    volume, said = judged_volume(volume_of(400), months(last="2026-10-10"), None)
    assert (volume.month, volume.value.value, volume.reached) == (
        parse_period("2026-09"), 390, False
    )  # fmt: skip
    assert "September 2026" in said["measurable"].why
    assert "September 2026" in said["baseline"].why


def test_of_a_quarter_its_last_whole_month_is_judged() -> None:
    """June: 30 days of 12 orders, though the quarter has 1 123."""
    volume, _ = judged_volume(volume_of(400), months(), "2026-Q2")
    assert (volume.month, volume.value.value) == (parse_period("2026-06"), 360)
    assert volume.reached is False


def test_a_month_under_way_is_not_judged() -> None:
    volume, said = judged_volume(volume_of(100), months(last="2026-10-10"), "2026-10")
    assert (volume.value.value, volume.reached) == (120, None)
    assert "do not have all of October 2026: 120 so far" in said["measurable"].why
    assert said["baseline"].held is False


def test_days_that_hold_no_month_are_not_judged() -> None:
    volume, said = judged_volume(volume_of(10), months(), "2026-10-05..2026-10-11")
    assert (volume.month, volume.value, volume.reached) == (None, None, None)
    assert said["measurable"].why.endswith("the period holds no whole month with data.")


def test_a_deadline_before_the_data_is_not_known_to_be_reached() -> None:
    volume, said = judged_volume(volume_of(10, date(2025, 3, 31)), months(), "2026-10")
    assert (volume.month, volume.reached) == (parse_period("2025-03"), None)
    assert said["achievable"].held is None
    assert said["achievable"].why.startswith("The deadline has passed; March 2025: unknown")


def test_a_deadline_in_a_month_under_way_is_not_judged_yet() -> None:
    objective = volume_of(100, date(2026, 10, 5))
    volume, said = judged_volume(objective, months(last="2026-10-10"), None)
    assert (volume.over, volume.ahead.month) == (False, parse_period("2026-10"))
    assert said["bound"].why == "The deadline 5 Oct 2026 has passed."


def test_a_target_missed_by_its_deadline_is_told_first() -> None:
    aims = {part: own.model_copy(update={"currency": "", "deadline": date(2026, 10, 31)})
            for part, own in NAMED.aims().items()}  # fmt: skip
    (found,) = reviewed(plan_of(NAMED.model_copy(update=aims)))
    assert told(found, "en").startswith("Double the conversion: not reached by the deadline: ")
    held_ = {own.part: own.reached for own in found.aims}
    assert held_ == {"volume": False, "quality": True, "price": False}
    cheap = aims | {"volume": None, "price": aims["price"].model_copy(
        update={"target": Decimal(1200)})}  # fmt: skip
    cheap["volume"] = aims["volume"].model_copy(update={"target": Decimal(31_000)})
    (found,) = reviewed(plan_of(NAMED.model_copy(update=cheap)))
    assert told(found, "en").endswith("every target was reached.")


# --- how far ahead


@pytest.mark.parametrize(
    ("deadline", "known"),
    [(date(2027, 3, 31), True), (date(2027, 4, 1), False), (date(9999, 12, 31), False)],
)
def test_beyond_half_of_the_history_nothing_is_known(deadline: date, known: bool) -> None:
    """Ten months up to October 2026: five ahead, which is March 2027."""
    volume, said = judged_volume(volume_of(300, deadline), months(), "2026-10")
    assert (volume.ahead is not None) is known
    assert (said["achievable"].held is not None) is known
    if not known:
        assert "one can look 5 months beyond the last one (October 2026)" in said["achievable"].why


def test_how_many_months_have_a_value_is_told() -> None:
    volume, said = judged_volume(volume_of(300), months(last="2026-04-30"), "2026-04")
    assert volume.ahead is None
    assert said["achievable"].why.endswith("with a value of the KPI; there are 4.")
    assert said["bound"].why == "No deadline."


def test_money_that_cannot_be_compared_is_not_for_want_of_months() -> None:
    (found,) = reviewed(plan_of(NAMED))
    assert "different money" in checks(found, "price")["achievable"].why


# --- the plan


def test_a_plan_file_keeps_its_objectives() -> None:
    plan = plan_of(NAMED)
    assert read_plan(plan.as_json().encode()).objectives == (NAMED,)
    assert {"sessions", "cr", "cac"} <= set(plan.kpis())


def test_a_base_lies_on_the_worse_side_of_its_target() -> None:
    aim = NAMED.quality.model_dump() | {"base": "0.02"}
    with pytest.raises(PlanError):
        changed(plan_of(), objectives=[NAMED.model_dump() | {"quality": aim}])


def test_an_objective_names_only_known_kpis() -> None:
    with pytest.raises(PlanError):
        changed(plan_of(), objectives=[{"volume": {"kpi": "no_such", "target": 1}}])


@pytest.mark.parametrize("part", PARTS)
def test_what_is_offered_fits_the_part(part: str) -> None:
    offered = candidates(default_plan("shop"), part)
    assert NAMED.aims()[part].kpi in offered
    assert all(fits(part, catalogue.kpi(id)) for id in offered)
    assert all(sum(fits(own, kpi) for own in PARTS) == 1 for kpi in catalogue.kpis().values())


def test_a_new_target_begins_where_one_stands() -> None:
    plan = default_plan("shop")
    assert new_aim(plan, "cr", parse("0.012345")).target == Decimal("0.0123")
    assert new_aim(plan, "cr", None).target == 1
    assert plan_target(plan, Aim(kpi="orders", target=Decimal(5), currency="USD")) == 5


def parse(text: str):
    from fractions import Fraction

    return Fraction(text)


# --- guards


@pytest.mark.parametrize(("cost", "kept", "word"), [(1200, True, "kept"), (5000, False, "broken")])
def test_a_guard_holds_or_is_broken(cost: int, kept: bool, word: str) -> None:
    """Orders bring 5 % more each; they cost as before, or four times as much."""
    lines = ["Date,Orders,Revenue (RUB),Cost (RUB)"]
    for month, average, spent in ((9, 100, 1200), (10, 105, cost)):
        lines += [f"2026-{month:02}-{day:02},10,{10 * average},{spent}" for day in range(1, 31)]
    lines.append(f"2026-10-31,10,1050,{cost}")
    plan = changed(default_plan("shop"), guards=[{"kpi": "aov", "guard": "cpo"}])
    found = kpi_values(
        facts("\n".join(lines)),
        catalogue.business("shop"),
        parse_period("2026-10"),
        settings=plan.settings(),
        kpis=plan.kpis(),
        against=plan.against(),
    )
    (guard,) = [own for own in check(plan, found) if isinstance(own, GuardCheck)]
    assert guard.kept is kept
    assert word in guard_said(guard, "en")
    assert "+5.0%" in guard_said(guard, "en")


def test_pairs_are_proposed_only_of_kpis_that_are_used() -> None:
    assert ("aov", "cpo") in proposed_guards(default_plan("shop"))
    assert ("leads", "cpl") not in proposed_guards(default_plan("shop"))
