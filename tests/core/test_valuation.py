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


# --- currencies within one file

MIXED = """
    Дата;Канал;Клики;Расход;Валюта
    01.10.2026;Яндекс Директ;10;1000;RUB
    01.10.2026;Яндекс Директ;5;20;USD
    02.10.2026;Email;5;30;USD
    03.10.2026;Email;5;400;руб."""
ORDERS = """
    Name,Financial Status,Currency,Total,Created at,Lineitem quantity
    #1,paid,RUB,1500,2026-10-01 12:00:00 +0300,1
    #1,,,,,2
    #2,paid,USD,20,2026-10-01 13:00:00 +0300,1
    #3,voided,EUR,99,2026-10-01 13:00:00 +0300,1
    #4,paid,USD,10,2026-10-02 13:00:00 +0300,1"""


def test_rows_of_several_currencies_are_added_at_the_rate() -> None:
    """50 dollars at 92.5 are 4 625 roubles; with 1 400 more 6 025, for 25 clicks."""
    evaluation = Evaluation(facts(MIXED), None, settings=roubles(rates={"USD": RATE}))
    spend = evaluation.input("spend")
    assert (spend.value, spend.currency) == (6025, "RUB")
    dollars = Conversion("USD", RATE, Fraction(1))
    assert spend.converted == (Converted("table", Fraction(50), dollars),)
    found = values(facts(MIXED), "cpc", settings=roubles(rates={"USD": RATE}))
    assert found.total("cpc").value == Fraction(6025, 25)
    assert told(found) == {}


def test_without_a_rate_rows_of_several_currencies_are_not_added() -> None:
    found = values(facts(MIXED), "cpc", settings=roubles())
    assert found.total("cpc").value is None
    assert told(found) == {("currencies_differ", "spend"): Severity.ERROR}
    assert found.findings[0].values["currencies"] == "RUB, USD"
    assert Evaluation(facts(MIXED), None).input("clicks").value == 25


def test_days_and_channels_of_one_currency_need_no_rate() -> None:
    """Only the first day and Direct are of both."""
    third = values(facts(MIXED), "cpc", period="2026-10-03..2026-10-03", settings=roubles())
    assert (third.total("cpc").value, third.total("cpc").currency) == (80, "RUB")
    rates = {"USD": RATE}
    split = values(facts(MIXED), "cpc", by="channel", settings=roubles(rates=rates))
    assert {row.slice: row.value for row in split.rows} == {
        "total": 241, "paid_search": Fraction(2850, 15), "email": Fraction(3175, 10)
    }  # fmt: skip


def test_orders_in_several_currencies_are_counted_and_added() -> None:
    """1 500 roubles and 30 dollars at 92.5 are 4 275. A voided order needs no rate."""
    shop = facts(ORDERS)
    rated = Evaluation(shop, None, settings=roubles(rates={"USD": RATE}))
    assert (rated.input("revenue").value, rated.input("orders").value) == (4275, 3)
    assert rated.input("items").value == 5
    plain = Evaluation(shop, None, settings=roubles())
    assert (plain.input("revenue").value, plain.input("orders").value) == (None, 3)
    assert plain.findings["currencies_differ", "revenue"].values["currencies"] == "RUB, USD"


@pytest.mark.parametrize("text", [MIXED, ORDERS])
def test_a_file_of_several_currencies_that_is_loaded_again_counts_once(text: str) -> None:
    rates = roubles(rates={"USD": RATE})
    once, twice = (
        Evaluation(facts(*files), None, settings=rates) for files in ((text,), (text, text + "\n"))
    )
    for id in ("spend", "clicks") if text is MIXED else ("revenue", "orders"):
        assert once.input(id).value == twice.input(id).value is not None


def test_a_newer_file_of_several_currencies_corrects_the_older() -> None:
    """Of the last day 40 dollars are now 38: 38 at 92.5 are 3 515, and the 4 roubles are gone."""
    older = daily("Cost,Clicks,Currency", rows={1: (100, 10, "RUB"), 2: (40, 5, "USD")})
    newer = daily("Cost,Clicks,Currency", rows={1: (100, 10, "RUB"), 2: (38, 5, "USD")})
    both = facts(older + "\n2026-10-02,4,1,RUB", newer + "\n2026-10-03,7,1,RUB")
    found = Evaluation(both, None, settings=roubles(rates={"USD": RATE}))
    assert (found.input("spend").value, found.input("clicks").value) == (3515 + 107, 16)
    assert [finding.code for finding in both.findings] == ["files_overlap"]


def test_the_same_days_in_a_third_currency_are_another_account() -> None:
    tenge = daily("Channel,Cost,Clicks", '"Currency"', rows={1: ("Яндекс Директ", 9000, 15, "KZT")})
    both = facts(MIXED, tenge)
    assert [finding.code for finding in both.findings] == ["files_contradict"]
    assert Evaluation(both, None).input("clicks").value is None


def test_people_who_paid_in_two_currencies_are_no_more_people() -> None:
    rows = {1: (100, 9, "RUB"), 2: (100, 9, "RUB")}
    text = daily("Revenue,Users,Currency", rows=rows) + "\n2026-10-02,5,4,USD"
    (stream,) = facts(text).streams
    assert stream.frame["revenue"].tolist() == [100, 100, 5]
    assert stream.frame["users"].fillna(-1).tolist() == [9, -1, -1]


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
