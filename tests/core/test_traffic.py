"""Empty traffic: planted bots are found, honest sources of every kind are left in peace."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import nbinom

from kpi_core.traffic import SPREAD, Judgement, Verdict, Visits, _few, empty_traffic

HONEST = (
    Visits("search", 5000, 150, 2000, 16000),
    Visits("social", 4000, 60, 2200, 10000),
    Visits("mail", 2000, 80, 800, 7000),
)
BOT = Visits("bot", 4000, 1, 3950, 4100)


def verdicts(*sources: Visits) -> dict[str, Verdict]:
    return {each.visits.source: each.verdict for each in empty_traffic(sources)}


def named(source: str, judged: Sequence[Judgement]) -> Judgement:
    return next(each for each in judged if each.visits.source == source)


def test_visits_that_neither_order_nor_read_are_empty() -> None:
    assert verdicts(*HONEST, BOT) == {
        "search": Verdict.FINE,
        "social": Verdict.FINE,
        "mail": Verdict.FINE,
        "bot": Verdict.EMPTY,
    }


def test_the_judgement_holds_the_numbers_that_explain_it() -> None:
    bot = named("bot", empty_traffic([*HONEST, BOT]))
    assert bot.conversion is not None
    assert bot.bounce is not None
    assert bot.depth is not None
    assert bot.expected == pytest.approx(4000 * 290 / 11000)
    assert (bot.conversion.value, bot.bounce.value) == (1 / 4000, 3950 / 4000)
    assert bot.conversion.rest == pytest.approx(290 / 11000)
    assert bot.bounce.rest == pytest.approx(5000 / 11000)
    assert (bot.depth.value, bot.depth.rest) == pytest.approx((4100 / 4000, 33000 / 11000))
    assert bot.conversion.p < 0.001


def test_a_second_bot_does_not_hide_the_first() -> None:
    flood = Visits("flood", 60000, 3, 59500, 60300)
    found = verdicts(*HONEST, BOT, flood)
    assert [source for source, each in found.items() if each is Verdict.EMPTY] == ["bot", "flood"]


def test_readers_who_do_not_order_are_suspicious_only() -> None:
    assert verdicts(*HONEST, Visits("blog", 4000, 1, 1800, 11000))["blog"] is Verdict.SUSPICIOUS


def test_a_bouncing_source_that_orders_is_fine() -> None:
    assert verdicts(*HONEST, Visits("landing", 4000, 110, 3950, 4100))["landing"] is Verdict.FINE


def test_without_bounces_and_pages_only_nearly_nothing_is_empty() -> None:
    plain = [replace(each, bounces=None, pageviews=None) for each in HONEST]
    assert verdicts(*plain, Visits("none", 4000, 1))["none"] is Verdict.EMPTY
    assert verdicts(*plain, Visits("few", 40000, 120))["few"] is Verdict.SUSPICIOUS


def test_too_few_visits_say_nothing_and_how_many_would_is_told() -> None:
    small = named("small", empty_traffic([*HONEST, Visits("small", 80, 0)]))
    assert small.verdict is Verdict.NOT_ENOUGH
    assert small.needed is not None
    assert small.needed > 80
    for visits, verdict in [(small.needed - 1, Verdict.NOT_ENOUGH), (small.needed, Verdict.EMPTY)]:
        plain = [replace(each, bounces=None, pageviews=None) for each in HONEST]
        assert verdicts(*plain, Visits("small", visits, 0))["small"] is verdict


def test_few_visits_that_all_bounce_are_suspicious() -> None:
    assert verdicts(*HONEST, Visits("small", 200, 0, 199, 201))["small"] is Verdict.SUSPICIOUS


@pytest.mark.parametrize(
    "sources",
    [
        [],
        [BOT],
        [Visits("a", 0, 0), Visits("b", 0, 0)],
        [Visits("a", 1000, 0), Visits("b", 900, 0)],
        [Visits("a", 0, 0, 0, 0), Visits("b", 900, 9, 400, 2000)],
    ],
)
def test_with_nothing_to_compare_nothing_is_said(sources: list[Visits]) -> None:
    assert {each.verdict for each in empty_traffic(sources)} <= {Verdict.NOT_ENOUGH}


def test_the_chance_of_few_conversions_is_a_negative_binomials() -> None:
    for count, expected, shape in [(0, 10, 4), (3, 20, 2.5), (40, 35.5, 3.9)]:
        chance = nbinom(shape, shape / (shape + expected)).cdf(count)
        assert _few(count, expected, shape) == pytest.approx(chance, rel=1e-10)


def honest(dice: np.random.Generator, factor: float) -> list[Visits]:
    """Five to nine channels whose rates differ by `factor`, with bounces and depth of their own."""
    sources = []
    for number in range(dice.integers(5, 10)):
        visits = int(np.exp(dice.uniform(np.log(200), np.log(50000))))
        rate = 0.01 * np.exp(dice.uniform(0, np.log(factor)))
        bounces = dice.binomial(visits, dice.uniform(0.3, 0.7))
        beyond = (visits - bounces) + dice.poisson((visits - bounces) * dice.uniform(1, 3))
        sources.append(
            Visits(f"s{number}", visits, dice.binomial(visits, rate), bounces, visits + beyond)
        )
    return sources


@pytest.mark.parametrize("factor", [1, 2, 3, 5])
@pytest.mark.parametrize("read", [True, False])
def test_honest_channels_are_hardly_ever_flagged(factor: float, read: bool) -> None:
    """500 invented shops whose channels convert up to five times better one than another."""
    dice = np.random.default_rng(int(factor))
    alarms = condemned = 0
    for _ in range(500):
        sources = honest(dice, factor)
        if not read:
            sources = [replace(each, bounces=None, pageviews=None) for each in sources]
        found = {each.verdict for each in empty_traffic(sources)}
        condemned += Verdict.EMPTY in found
        alarms += Verdict.SUSPICIOUS in found
    assert alarms <= 10
    assert condemned <= (0 if factor <= 3 else 5)


def test_planted_bots_are_found_and_nothing_else() -> None:
    """400 shops, one or two of whose sources bounce at 95 % and convert at a 30th of the rest."""
    dice = np.random.default_rng(9)
    planted = found = wrong = 0
    for _ in range(400):
        sources = honest(dice, 2)
        for number in range(dice.integers(1, 3)):
            visits = int(dice.uniform(3000, 20000))
            bounces = dice.binomial(visits, 0.95)
            orders = dice.binomial(visits, 0.0005)
            sources.append(
                Visits(f"bot{number}", visits, orders, bounces, visits + (visits - bounces))
            )
            planted += 1
        flagged = [e.visits.source for e in empty_traffic(sources) if e.verdict is Verdict.EMPTY]
        found += sum(source.startswith("bot") for source in flagged)
        wrong += sum(source.startswith("s") for source in flagged)
    assert found / planted >= 0.9
    assert wrong == 0


counts = st.integers(0, 3000)


@st.composite
def tables(draw: st.DrawFn) -> list[Visits]:
    sources = []
    for number in range(draw(st.integers(1, 6))):
        visits = draw(counts)
        bounces = draw(st.none() | st.integers(0, visits))
        pages = draw(st.none() | st.integers(visits, 5 * visits + 1))
        sources.append(Visits(str(number), visits, draw(st.integers(0, visits)), bounces, pages))
    return sources


@given(tables(), st.randoms())
def test_the_order_of_the_sources_changes_nothing(sources: list[Visits], dice: object) -> None:
    before = {each.visits.source: each for each in empty_traffic(sources)}
    shuffled = list(sources)
    dice.shuffle(shuffled)  # type: ignore[attr-defined]
    after = {each.visits.source: each for each in empty_traffic(shuffled)}
    assert {source: each.verdict for source, each in after.items()} == {
        source: each.verdict for source, each in before.items()
    }


@given(tables())
def test_every_probability_is_one(sources: list[Visits]) -> None:
    for each in empty_traffic(sources):
        for sign in (each.conversion, each.bounce, each.depth):
            assert sign is None or 0 <= sign.p <= 1


def test_the_allowance_is_what_the_comment_says() -> None:
    from scipy.stats import gamma

    shape = 1 / SPREAD**2
    assert gamma(shape).ppf([0.05, 0.95]) / shape == pytest.approx([0.34, 1.94], abs=0.005)
