"""Whatever the catalogue lists holds together. No test here names an entry: a new one is tested."""

from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction

import pytest

from kpi_core import catalogue, words
from kpi_core.errors import FormulaError, UsageError
from kpi_core.formula import EARLIER, earlier, parse
from kpi_core.ingest.formats import formats
from kpi_core.kpis import Settings
from kpi_core.model import Business, Driver, Kpi, Measure, Unit, Variant
from kpi_core.plan import default_plan

LANGUAGES = ("ru", "en")
VARIANTS = [(kpi, variant) for kpi in catalogue.kpis().values() for variant in kpi.variants]

each_kpi = pytest.mark.parametrize("kpi", catalogue.kpis().values(), ids=lambda kpi: kpi.id)
each_variant = pytest.mark.parametrize(
    ("kpi", "variant"), VARIANTS, ids=[f"{kpi.id}-{variant.id}" for kpi, variant in VARIANTS]
)
each_business = pytest.mark.parametrize(
    "business", catalogue.businesses().values(), ids=lambda business: business.id
)


# --- KPIs


@each_kpi
def test_a_kpi_says_what_it_is_and_why_in_both_languages(kpi: Kpi) -> None:
    for lang in LANGUAGES:
        assert kpi.name[lang].strip()
        assert kpi.why[lang].endswith(".")
    assert kpi.source.strip()


@each_variant
def test_a_variant_is_named_in_both_languages(kpi: Kpi, variant: Variant) -> None:
    assert all(variant.name[lang].strip() for lang in LANGUAGES), kpi.id


@each_variant
def test_a_formula_needs_known_quantities_only(kpi: Kpi, variant: Variant) -> None:
    known = {*catalogue.measures(), *catalogue.ASSUMPTIONS}
    before = {f"{when}({id})" for when in EARLIER for id in catalogue.measures()}
    assert set(variant.formula.names) <= known | before, kpi.id


@each_variant
def test_a_formula_looks_back_only_to_compare_with_the_period(kpi: Kpi, variant: Variant) -> None:
    """Growth is of the same measures: what is named of earlier days is named of these as well."""
    back = {when[1] for name in variant.formula.names if (when := earlier(name))}
    assert back <= set(variant.formula.names), kpi.id


@each_variant
def test_a_variant_of_some_systems_names_real_ones_that_are_chosen(
    kpi: Kpi, variant: Variant
) -> None:
    """Their definition is not everybody's, so nothing falls back on it."""
    assert set(variant.sources) <= {format.source for format in formats().values()}
    assert variant.chosen or not variant.sources, kpi.id


@each_kpi
def test_a_kpi_can_be_read_without_a_choice(kpi: Kpi) -> None:
    assert not kpi.variants[0].chosen
    assert kpi.read_as(kpi.variants[0]) == kpi


@each_kpi
def test_norms_are_named_and_lie_apart(kpi: Kpi) -> None:
    for norm in kpi.norms:
        assert all(norm.name[lang].strip() for lang in LANGUAGES)
        assert norm.low < norm.high
    assert len({norm.name["en"] for norm in kpi.norms}) == len(kpi.norms)


@each_kpi
def test_a_value_is_told_below_in_or_above_each_norm(kpi: Kpi) -> None:
    for lang in LANGUAGES:
        assert words.norm(kpi, None, lang) == ""
        for at, norm in enumerate(kpi.norms):
            middle = (norm.low + norm.high) / 2
            beside = (norm.low - 1, middle, norm.high + 1)
            said = [words.norm(kpi, value, lang).split("; ") for value in beside]
            assert {len(each) for each in said} == {len(kpi.norms)}
            assert len({each[at] for each in said}) == len(beside)
            assert all(norm.name[lang] in each[at] for each in said)
            assert words.norm(kpi, norm.low, lang).split("; ")[at] == said[1][at]
            assert words.norm(kpi, norm.high, lang).split("; ")[at] == said[1][at]


@each_variant
def test_the_worked_example_comes_out_exactly(kpi: Kpi, variant: Variant) -> None:
    example = kpi.examples[variant.id]
    given = {id: Fraction(figure) for id, figure in example.given.items()}
    assert set(given) == set(variant.formula.names)
    assert variant.formula.value(given) == Fraction(example.value)


@each_kpi
def test_variants_of_a_kpi_have_names_of_their_own(kpi: Kpi) -> None:
    assert len({variant.id for variant in kpi.variants}) == len(kpi.variants)


@each_variant
def test_a_kpi_has_the_unit_that_its_formula_gives(kpi: Kpi, variant: Variant) -> None:
    """Only money has money, and a bare measure passes its unit on."""
    measures = [catalogue.measure(id) for id in variant.formula.names if id in catalogue.measures()]
    kpi = kpi.read_as(variant)
    if kpi.unit is Unit.MONEY:
        assert Unit.MONEY in {measure.unit for measure in measures}
    if len(measures) == 1 == len(variant.formula.names):
        assert kpi.unit is measures[0].unit


@each_kpi
def test_the_channels_of_a_kpi_are_known(kpi: Kpi) -> None:
    assert set(kpi.channels) <= set(catalogue.channels())


# --- measures, families, channels


@pytest.mark.parametrize("measure", catalogue.measures().values(), ids=lambda measure: measure.id)
def test_a_measure_is_named_and_a_part_lies_within_known_channels(measure: Measure) -> None:
    assert all(measure.name[lang].strip() for lang in LANGUAGES)
    if measure.part_of:
        assert measure.part_of[0] in catalogue.measures()
        assert set(measure.part_of[1]) <= set(catalogue.channels())


def test_no_two_measures_of_a_plain_table_share_a_synonym() -> None:
    synonyms = [word for measure in catalogue.measures().values() for word in measure.synonyms]
    assert len(set(synonyms)) == len(synonyms)


def test_families_hear_real_sources_only() -> None:
    sources = {format.source for format in formats().values()}
    for family in catalogue.families().values():
        assert set(family.order) <= sources
        assert len(set(family.order)) == len(family.order)


def test_every_family_has_a_measure() -> None:
    families = {measure.family.id for measure in catalogue.measures().values()}
    assert families == set(catalogue.families())


def test_no_value_means_two_channels() -> None:
    values = [value for channel in catalogue.channels().values() for value in channel["values"]]
    assert len(set(values)) == len(values)


# --- business types


@each_business
def test_a_business_weighs_its_default_kpis_to_one(business: Business) -> None:
    assert sum(Decimal(goal.weight) for goal in business.goals) == 1
    assert sum(default_plan(business.id).shares().values()) == 1


@each_business
def test_a_business_names_known_kpis_and_variants(business: Business) -> None:
    for id in business.kpis():
        assert catalogue.kpi(id).variant(business.variants.get(id))
    Settings(assumptions={id: Fraction(value) for id, value in business.assumptions.items()})


@each_business
def test_every_target_of_a_business_is_above_zero(business: Business) -> None:
    assert all(Decimal(goal.target) > 0 for goal in (*business.goals, *business.factors))


@each_business
def test_a_business_says_what_it_is_in_both_languages(business: Business) -> None:
    for lang in LANGUAGES:
        assert business.name[lang]
        assert business.about[lang].endswith(".")
        assert all(stage.name[lang] for stage in business.stages)
        assert all(driver.name[lang] for driver in business.drivers)


@each_business
def test_a_funnel_has_stages_that_are_counts(business: Business) -> None:
    units = {catalogue.measure(stage.measure).unit for stage in business.stages}
    assert units == {Unit.COUNT}
    assert len(business.stages) >= 3


@each_business
def test_every_driver_has_a_consequence(business: Business) -> None:
    """A lever that moves nothing would be a lie."""

    def used(driver: Driver) -> bool:
        later = [made.formula for made in business.consequences]
        return any(driver.id in formula.names for formula in later)

    assert [driver.id for driver in business.drivers if not used(driver)] == []


# --- mistakes


@pytest.mark.parametrize(
    ("look_up", "code"),
    [
        (catalogue.kpi, "unknown_kpi"),
        (catalogue.measure, "unknown_measure"),
        (catalogue.business, "unknown_business"),
    ],
)
def test_an_unknown_name_is_told_with_what_there_is(
    look_up: Callable[[str], object], code: str
) -> None:
    with pytest.raises(UsageError, match="nosuchthing") as raised:
        look_up("nosuchthing")
    assert raised.value.code == code
    assert all("None" not in raised.value.text(lang) for lang in LANGUAGES)


def test_a_near_miss_is_offered() -> None:
    name = next(iter(catalogue.kpis()))
    with pytest.raises(UsageError, match=f"Did you mean '{name}'"):
        catalogue.kpi(name + "x")


@pytest.mark.parametrize(
    "text",
    [
        "", "orders /", "orders ** 2", "orders if 1 else 2", "__import__('os')", "orders.real",
        "max(orders)", "max(orders, 1, 2)", "min(a, b, key=c)", "'1'", "True", "1e99", "1_0j",
        "lambda: 1", "[1]", "a < b", "+".join(["a"] * 60), "-" * 90 + "a", "a" * 600,
    ],
)  # fmt: skip
def test_what_is_not_arithmetic_is_no_formula(text: str) -> None:
    with pytest.raises(FormulaError):
        parse(text)
