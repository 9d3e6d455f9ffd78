"""Money of several currencies, with and without VAT, is brought together as its owner says."""

from fractions import Fraction

import pytest

from kpi_core.errors import Severity, UsageError
from kpi_core.facts import Conversion, Facts, Valuation, combine, valued
from kpi_core.kpis import Converted, Evaluation, Settings, Values
from tests.core.small import daily, export, facts, value, values

DIRECT = "День,Кампания,Взвешенные показы,Показы,Клики,Расход\n01.10.2026,Поиск,9,1000,20,1000"
GOOGLE = "Campaign,Day,Currency code,Clicks,Impr.,Cost\nA,2026-10-01,{0},10,100,{1}"
SOLD = daily('"Revenue, RUB",Orders', rows={1: (6000, 6)})
RATE = Fraction("92.5")
TAX = Fraction(1, 5)


def roubles(**choices: object) -> Settings:
    return Settings(currency="RUB", **choices)


def told(found: Values) -> dict[tuple[str, str], Severity]:
    return {(finding.code, finding.where): finding.severity for finding in found.findings}


# --- currencies


def test_dollars_and_roubles_are_added_at_the_rate_that_is_given() -> None:
    """1 200 dollars at 92.5 are 111 000 roubles; 1 000 roubles more are 112 000."""
    both = facts(DIRECT, GOOGLE.format("USD", 1200))
    spend = Evaluation(both, None, settings=roubles(rates={"USD": RATE})).input("spend")
    assert (spend.value, spend.currency) == (112_000, "RUB")
    dollars = Conversion("USD", RATE, Fraction(1))
    assert spend.converted == (Converted("google_ads", Fraction(1200), dollars),)


def test_what_is_no_money_has_no_rate() -> None:
    both = facts(DIRECT, GOOGLE.format("USD", 1200))
    evaluation = Evaluation(both, None, settings=roubles(rates={"USD": RATE}))
    assert (evaluation.input("clicks").value, evaluation.input("clicks").converted) == (30, ())


def test_two_accounts_of_one_system_have_their_own_rates() -> None:
    """10 dollars at 92.5 and 10 euros at 100: 1 925 roubles for 20 clicks."""
    both = facts(GOOGLE.format("USD", 10), GOOGLE.format("EUR", 10).replace("\nA", "\nB"))
    rates = {"USD": RATE, "EUR": Fraction(100)}
    found = values(both, "cpc", settings=roubles(rates=rates)).total("cpc")
    assert (found.value, found.currency) == (Fraction(1925, 20), "RUB")
    assert [part.amount for part in found.inputs["spend"].converted] == [10, 10]
    half = values(both, "cpc", settings=roubles(rates={"USD": RATE}))
    assert half.total("cpc").value is None
    assert told(half)["currencies_differ", "spend"] is Severity.ERROR


def test_one_unit_for_one_is_a_rate_too() -> None:
    found = value(facts(DIRECT, GOOGLE.format("USD", 5)), "cpc", currency="RUB",
                  rates={"USD": Fraction(1)})  # fmt: skip
    assert found == 1005 / 30


def test_money_without_a_currency_has_no_rate() -> None:
    """Nobody says what the 10 are: they are not taken for roubles, nor for dollars."""
    unknown = export("o", daily("Cost,Clicks", rows={1: (10, 1)}), source="new_system")
    both = combine([export("d", DIRECT), unknown])
    found = values(both, "cpc", settings=roubles(rates={"USD": RATE}))
    assert found.total("cpc").value is None
    assert told(found) == {("currencies_differ", "spend"): Severity.ERROR}


def test_sums_stay_exact_after_conversion() -> None:
    """Ten days of 10 cents are a dollar, and a dollar is 92.5."""
    cents = facts(daily('"Cost, USD"', rows=dict.fromkeys(range(1, 11), (0.1,))))
    found = Evaluation(cents, None, settings=roubles(rates={"USD": RATE})).input("spend")
    assert found.value == RATE


def test_slices_are_converted_as_the_total_is() -> None:
    rows = daily('Channel,"Cost, USD",Orders', rows={1: ("ppc", 10, 5), 2: ("email", 20, 1)})
    found = values(facts(rows), "cpo", by="channel", settings=roubles(rates={"USD": RATE}))
    assert {row.slice: row.value for row in found.rows} == {
        "total": 30 * RATE / 6, "paid_search": 2 * RATE, "email": 20 * RATE
    }  # fmt: skip


# --- VAT


def taxed(*, direct: str | None = None, shop: str | None = None) -> Facts:
    """1 000 of spend and 6 000 of revenue, with what either file says of VAT."""
    return combine([export("d", DIRECT, vat=direct), export("s", SOLD, vat=shop)])


def test_money_without_vat_is_brought_to_money_as_it_is_paid() -> None:
    """1 000 without VAT are 1 200 with it: 6 000 / 1 200 is 5, not 6."""
    both = taxed(direct="excl", shop="incl")
    found = values(both, "roas", settings=roubles(vat_rate=TAX))
    assert found.total("roas").value == 5
    assert found.total("roas").inputs["spend"].converted[0].how.vat == Fraction(6, 5)
    assert told(found) == {}


def test_money_may_be_counted_without_vat() -> None:
    """6 000 with VAT are 5 000 without."""
    both = taxed(direct="excl", shop="incl")
    found = Evaluation(both, None, settings=roubles(vat_rate=TAX, vat_basis="excl"))
    assert (found.input("spend").value, found.input("revenue").value) == (1000, 5000)


def test_the_word_of_the_owner_goes_before_that_of_the_file() -> None:
    both = taxed(direct="incl", shop="incl")
    said = roubles(vat={"direct": "excl"}, vat_rate=TAX)
    assert Evaluation(both, None, settings=said).input("spend").value == 1200
    assert Evaluation(both, None, settings=roubles(vat_rate=TAX)).input("spend").value == 1000


def test_a_source_that_does_not_say_is_asked_where_another_does() -> None:
    found = values(taxed(shop="incl"), "roas", settings=roubles(vat_rate=TAX))
    assert found.total("roas").value == 6
    assert told(found) == {("vat_unknown", "direct"): Severity.WARNING}


def test_a_word_on_vat_of_a_source_that_nobody_knows_is_told() -> None:
    """Direct is known even where it is not loaded; a layout of one's own, where it is."""
    own = combine([export("o", SOLD, source="new_system")])
    said = {"dierct": "excl", "direct": "excl", "new_system": "incl"}
    assert set(told(values(own, "aov", settings=roubles(vat=said)))) == {
        ("vat_of_nobody", "dierct")
    }


def test_where_nobody_says_anything_of_vat_nobody_is_asked() -> None:
    assert told(values(taxed(), "roas", settings=roubles(vat_rate=TAX))) == {}


def test_money_with_vat_is_not_divided_by_money_without_it() -> None:
    found = values(taxed(direct="excl", shop="incl"), "roas")
    assert found.total("roas").value is None
    assert told(found) == {
        ("vat_not_converted_excl", "direct"): Severity.WARNING,
        ("vat_differs", "roas"): Severity.ERROR,
    }


def test_money_with_vat_is_not_added_to_money_without_it() -> None:
    both = combine([
        export("d", DIRECT, vat="excl"), export("g", GOOGLE.format("RUB", 5), vat="incl")
    ])  # fmt: skip
    found = values(both, "cpc")
    assert found.total("cpc").missing == ("spend",)
    assert told(found)["vat_differs", "spend"] is Severity.ERROR


def test_where_all_is_without_vat_the_rate_is_asked_for() -> None:
    found = values(taxed(direct="excl", shop="excl"), "roas")
    assert found.total("roas").value == 6
    assert set(told(found)) == {
        ("vat_not_converted_excl", "direct"), ("vat_not_converted_excl", "table")
    }  # fmt: skip


def test_dollars_without_vat_are_converted_twice() -> None:
    """100 dollars at 92.5 with 20 % of VAT: 11 100 roubles."""
    google = combine([export("g", GOOGLE.format("USD", 100), vat="excl")])
    said = roubles(rates={"USD": RATE}, vat_rate=TAX)
    spend = Evaluation(google, None, settings=said).input("spend")
    assert spend.value == 11_100
    assert spend.converted[0].amount == 100


# --- the facts themselves


def test_where_nothing_is_to_be_converted_the_facts_are_the_same() -> None:
    both = taxed()
    assert valued(both, Valuation("RUB", {"USD": RATE}, vat_rate=TAX)) is both


def test_converted_facts_have_a_digest_of_their_own() -> None:
    both = facts(DIRECT, GOOGLE.format("USD", 1200))
    one = Valuation("RUB", {"USD": RATE, "EUR": Fraction(100)})
    again = Valuation("RUB", {"EUR": Fraction(100), "USD": RATE})
    other = Valuation("RUB", {"USD": Fraction(93), "EUR": Fraction(100)})
    assert valued(both, one) is valued(both, one)
    assert valued(both, one).digest == valued(both, again).digest
    assert len({made.digest for made in (both, valued(both, one), valued(both, other))}) == 3


@pytest.mark.parametrize(
    ("choices", "code"),
    [
        ({"rates": {"USD": Fraction(0)}}, "bad_rate"),
        ({"rates": {"usd": RATE}}, "bad_rate"),
        ({"rates": {"RUB": RATE}}, "rate_of_itself"),
        ({"vat": {"direct": "without"}}, "bad_vat"),
        ({"vat_basis": "net"}, "bad_vat"),
        ({"vat_rate": Fraction(20)}, "assumption_over_one"),
    ],
)
def test_a_choice_that_means_nothing_is_refused(choices: dict[str, object], code: str) -> None:
    with pytest.raises(UsageError) as raised:
        roubles(**choices)
    assert raised.value.code == code
