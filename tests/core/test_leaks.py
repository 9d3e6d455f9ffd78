"""Where two funnels differ for real, and which part loses the most."""

import csv
import io
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chi2_contingency

from kpi_core import catalogue, charts
from kpi_core.funnel import Counting, Funnel
from kpi_core.leaks import Comparison, Verdict, as_csv, by_segment, compare, loss, told
from kpi_core.model import parse_period
from kpi_core.stages import own_funnel
from tests.core.small import daily, facts

SHOP = catalogue.business("shop")
STAGES = SHOP.funnels[0]
STEPS = "Sessions,Product views,Carts,Checkouts,Orders"


def counted(*counts: object, stages: object = STAGES) -> Funnel:
    return Counting(facts(daily(STEPS, rows={1: counts})), stages).of()  # type: ignore[arg-type]


def n_minus_1(a: int, n: int, b: int, m: int) -> float:
    """Campbell's test by the book: chi-square of the 2 x 2 table, times (N - 1) / N."""
    from scipy.stats import chi2

    table = [[a, n - a], [b, m - b]]
    found = chi2_contingency(table, correction=False).statistic
    return float(chi2.sf(found * (n + m - 1) / (n + m), 1))


# --- two funnels


def test_each_step_is_tested_and_corrected_for_all_of_them() -> None:
    """Of 4 steps with raw p-values p1 < p2 < ..., Holm takes 4 p1, 3 p2, ... and never falls."""
    now, then = counted(1000, 400, 100, 30, 17), counted(1000, 300, 90, 45, 20)
    raw = [
        n_minus_1(400, 1000, 300, 1000),
        n_minus_1(100, 400, 90, 300),
        n_minus_1(30, 100, 45, 90),
        n_minus_1(17, 30, 20, 45),
    ]
    expected, highest = dict[int, float](), 0.0
    for rank, place in enumerate(sorted(range(4), key=raw.__getitem__)):
        highest = max(highest, min(1.0, raw[place] * (4 - rank)))
        expected[place] = highest
    found = compare(now, then)
    assert [step.p for step in found.steps] == pytest.approx([expected[n] for n in range(4)])
    assert [step.change for step in found.steps] == [
        Fraction(1, 10), Fraction(-1, 20), Fraction(-1, 5), Fraction(17, 30) - Fraction(4, 9)
    ]  # fmt: skip
    assert [step.verdict for step in found.steps] == ["real", "chance", "real", "chance"]
    assert found.tested == 4


def test_the_worst_step_is_the_one_that_really_loses_the_most_people() -> None:
    """Checkouts fell from a half to 30 of 100: at the old rate there were 20 more."""
    found = compare(counted(1000, 400, 100, 30, 17), counted(1000, 300, 90, 45, 20))
    assert found.worst is not None
    assert (found.worst.now.stage.id, found.worst.missed) == ("checkouts", 20)


def test_a_funnel_beside_itself_has_no_difference() -> None:
    made = counted(1000, 400, 100, 30, 17)
    found = compare(made, made)
    assert {step.change for step in found.steps} == {0}
    assert {step.verdict for step in found.steps} == {Verdict.CHANCE}
    assert found.worst is None


def test_too_few_to_tell_are_not_tested() -> None:
    found = compare(counted(1000, 20, 10, 5, 1), counted(1000, 300, 90, 45, 20))
    verdicts = [step.verdict for step in found.steps]
    assert verdicts == ["real", "not_enough", "not_enough", "not_enough"]
    assert found.tested == 1


def test_counts_of_two_systems_are_not_tested() -> None:
    """Visits of GA4, deals of a CRM: the shares may differ by how each of them counts."""
    ga4 = "# Start date: 20261001\n# End date: 20261001\nDate,Sessions\n20261001,1000"
    crm = "ID,Название сделки,Этап сделки,Дата создания сделки\n" + "\n".join(
        f"{n},Сделка,Переговоры,01.10.2026 10:00:00" for n in range(60)
    )
    made = Counting(facts(ga4, crm), catalogue.business("corporate").funnels[0]).of()
    step = compare(made, made).step("leads")
    assert step is not None
    assert (step.now.count, step.now.whole, step.verdict) == (60, 1000, Verdict.NOT_TESTED)


def test_deals_of_a_month_are_not_set_against_those_of_an_older_one() -> None:
    """Older leads had more time to become deals."""
    rows = ["Month,Leads,Deals won", "2026-09,1000,300", "2026-10,1000,100"]
    stages = own_funnel(catalogue.business("corporate"), ["leads", "deals_won"])
    counting = Counting(facts("\n".join(rows)), stages, parse_period("2026-10"))
    before = counting.before("previous")
    assert before is not None
    (step,) = compare(counting.of(), before.of()).steps
    assert (step.verdict, step.p) == (Verdict.UNRIPE, None)
    assert step.change == Fraction(-1, 5)


@given(st.lists(st.tuples(st.integers(0, 900), st.integers(0, 900)), min_size=5, max_size=5))
def test_a_correction_never_makes_a_difference_look_surer(counts: list[tuple[int, int]]) -> None:
    now, then = (sorted((own[n] for own in counts), reverse=True) for n in (0, 1))
    found = compare(counted(*now), counted(*then))
    for step in found.steps:
        if step.p is not None and step.difference is not None:
            assert step.difference.p <= step.p <= 1
            assert (step.verdict is Verdict.REAL) == (step.p < 0.05)


# --- parts

BY_CHANNEL = """
    Date,Channel,Sessions,Carts,Orders
    2026-10-01,email,1000,300,100
    2026-10-01,direct,2000,200,40
    2026-10-01,organic,1000,100,50
"""


def test_the_part_that_loses_most_is_named_with_its_step_and_number() -> None:
    """Direct: 200 carts of 2000 visits, the others 400 of 2000: at their rate 200 more."""
    found = by_segment(Counting(facts(BY_CHANNEL), STAGES, by="channel"))
    assert found.tested == 6
    part, step = found.losses[0]
    assert (part.slice, step.now.stage.id, step.missed) == ("direct", "carts", 200)
    assert "200" in loss(found, part, step, "en")
    assert found.whole.overall == Fraction(190, 4000)


def test_the_best_part_is_sought_among_large_ones_only() -> None:
    found = by_segment(Counting(facts(BY_CHANNEL), STAGES, by="channel"))
    best = found.best("orders", Fraction(1, 10))
    assert best is not None
    assert (best[0].slice, best[1].step_rate) == ("organic", Fraction(1, 2))
    larger = found.best("orders", Fraction(1, 5))  # organic holds 100 of 600 carts
    assert larger is not None
    assert larger[0].slice == "email"


def test_of_very_many_parts_the_largest_are_looked_at() -> None:
    rows = ["Date,Campaign,Impressions,Clicks"]
    rows += [f"2026-10-01,campaign {n},{1000 + n},10" for n in range(35)]
    ads = next(made for made in SHOP.funnels if made.id == "ads")
    found = by_segment(Counting(facts("\n".join(rows)), ads, by="campaign"))
    assert (len(found.parts), found.left_out) == (30, 5)
    assert found.parts[0].slice == "campaign 34"
    assert found.whole.counted[0].count == sum(1000 + n for n in range(35))


# --- in words and rows


def beside() -> Comparison:
    return compare(counted(1000, 400, 100, 30, 17), counted(1000, 300, 90, 45, 20))


def test_a_difference_is_told_in_points_with_its_certainty() -> None:
    step = beside().step("checkouts")
    assert step is not None
    assert told(step, "en").startswith("−20.0 points: a real difference (p = 0.0")
    assert "−20,0\xa0п.\xa0п.: разница настоящая" in told(step, "ru")


def test_the_table_can_be_read_back_with_every_figure() -> None:
    found = beside()
    rows = list(csv.DictReader(io.StringIO(as_csv(found.now, "en", found))))
    assert [row["count"] for row in rows] == ["1000", "400", "100", "30", "17", ""]
    assert rows[2]["step_rate"] == "0.25"
    assert (rows[3]["then_count"], rows[3]["verdict"], rows[3]["change"]) == ("45", "real", "-0.2")
    assert rows[0]["kind"] == "sessions"


def test_a_name_that_looks_like_a_formula_is_made_harmless() -> None:
    own = own_funnel(SHOP, ["sessions", "orders==1+1"])
    table = as_csv(counted(1000, 400, 100, 30, 17, stages=own), "en")
    assert "'=1+1" in table
    assert ",=1+1" not in table
    assert "\n=1+1" not in table


# --- drawn


def labels(found: Comparison) -> list[str]:
    chart = charts.funnel_bars(found.now, "en", compared=found).to_dict()
    return [row[key] for data in chart["datasets"].values() for row in data for key in _WORDS]


_WORDS = ("head", "line")


def test_every_bar_says_its_count_and_the_leakiest_that_it_is() -> None:
    said = labels(beside())
    assert "Sessions: 1,000" in said
    assert "25.0% got here, 300 lost · the narrowest step" in said


def test_the_mark_stands_where_the_other_rates_would_lead() -> None:
    """Of 1000: 300 views, 90 carts, 45 checkouts, 20 orders at the rates compared with."""
    chart = charts.funnel_bars(beside().now, "en", compared=beside()).to_dict()
    (rows,) = chart["datasets"].values()
    assert [row["then"] for row in rows] == pytest.approx([1000, 300, 90, 45, 20])


def test_a_picture_is_a_file_to_keep() -> None:
    drawn = charts.funnel_bars(beside().now, "ru")
    svg = charts.picture(drawn, "svg", "Воронка").decode()
    assert svg.startswith("<svg")
    assert "Воронка" in svg
    assert "Корзина: 100" in svg.replace("\N{NO-BREAK SPACE}", " ")
    assert charts.picture(drawn, "png", "Воронка").startswith(b"\x89PNG")
