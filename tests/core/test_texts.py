"""Every phrase is said somewhere, in both languages, with the same values put in."""

import re
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from pathlib import Path
from string import Formatter

import pytest
from babel import Locale
from hypothesis import given
from hypothesis import strategies as st

from kpi_core import text, words
from kpi_core.stats import lift
from kpi_core.text import days, digits_beside, money, number, percent, percent_beside, phrases, say

ROOT = Path(text.__file__).parent.parent
NBSP = "\N{NO-BREAK SPACE}"
LIBRARY = sorted((ROOT / "kpi_core").rglob("*.py"))
PROGRAM = [*LIBRARY, *sorted((ROOT / "ui").rglob("*.py")), *sorted((ROOT / "pages").rglob("*.py"))]
PROGRAM += sorted(ROOT.glob("*.py"))
AREAS = {key.partition(".")[0] for key in phrases()}


def templates(both: dict[str, object], lang: str) -> dict[str, str]:
    """Plural form to template; a phrase that counts nothing has the form ``""`` only."""
    found = both[lang]
    return dict(found) if isinstance(found, dict) else {"": str(found)}


def holes(template: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(template) if name}


# --- keys

STRING = re.compile(r'"([^"\n]*)"')


def strings(paths: list[Path]) -> set[str]:
    return {found for path in paths for found in STRING.findall(path.read_text("utf-8"))}


def used(key: str, literals: set[str]) -> bool:
    """Whether `key` stands in the code: whole, by its last part, or by the start of an f-string."""
    name = key.partition(".")[2]
    stems = {literal.partition("{")[0] for literal in literals if "{" in literal}
    return (
        key in literals
        or name in literals
        or any(key.startswith(stem) for stem in stems if "." in stem and stem[-1] in "._")
        or any(name.startswith(stem) for stem in stems if stem.endswith("_"))
    )


def test_every_phrase_but_those_of_pages_is_said_somewhere() -> None:
    literals = strings(PROGRAM)
    unsaid = [key for key in phrases() if not key.startswith("pages.") and not used(key, literals)]
    assert unsaid == []


def test_every_phrase_the_library_says_exists() -> None:
    key = re.compile(rf"({'|'.join(sorted(AREAS))})\.[a-z_]+")
    said = {literal for literal in strings(LIBRARY) if key.fullmatch(literal)}
    said = {literal for literal in said if not literal.endswith((".toml", ".py"))}
    assert said
    assert sorted(said - set(phrases())) == []


@pytest.mark.parametrize(
    ("area", "raised"),
    [
        ("errors", r'Error\(\s*"([a-z_]+)"'),
        (
            "findings",
            r'(?:Finding\(\s*Severity\.[A-Z]+,\s*|find\(\s*(?:Severity\.[A-Z]+,\s*)?)"([a-z_]+)"',
        ),
    ],
)
def test_every_error_and_finding_has_its_phrase(area: str, raised: str) -> None:
    codes = {code for path in LIBRARY for code in re.findall(raised, path.read_text("utf-8"))}
    assert len(codes) > 5
    assert sorted(code for code in codes if f"{area}.{code}" not in phrases()) == []


# --- both languages


@pytest.mark.parametrize("key", phrases())
def test_a_phrase_is_said_in_both_languages_with_the_same_values(key: str) -> None:
    both = phrases()[key]
    assert set(both) == {"ru", "en"}
    needed = [
        holes(template) - {"n"} for lang in both for template in templates(both, lang).values()
    ]
    assert all(names == needed[0] for names in needed)
    assert all(template.strip() for lang in both for template in templates(both, lang).values())


@pytest.mark.parametrize("key", phrases())
def test_a_phrase_that_counts_has_every_plural_form(key: str) -> None:
    for lang in ("ru", "en"):
        forms = set(templates(phrases()[key], lang))
        rule = set(Locale.parse(lang).plural_form.tags) | {"other"}
        assert forms in ({""}, rule)


@pytest.mark.parametrize("key", phrases())
def test_a_phrase_is_set_as_its_language_sets_type(key: str) -> None:
    """A figure is not torn from its sign; words to be typed into a terminal stay as they are."""
    for template in templates(phrases()[key], "ru").values():
        assert "pip install" in template or '"' not in template
        assert not re.search(r"[\d}] (%|₽|млн|тыс|МБ|КБ)", template)
        assert " — " not in template  # here a dash is –, and — alone is a figure not known
    for template in templates(phrases()[key], "en").values():
        assert not re.search(rf"\d[ {NBSP}]%", template)
    for lang in ("ru", "en"):
        assert all("  " not in t.strip() for t in templates(phrases()[key], lang).values())


def test_russian_counts_as_russians_do() -> None:
    said = [say("ru", "words.rows", n=n) for n in (1, 2, 5, 11, 21, 22, 112)]
    assert said == [
        "1 строка", "2 строки", "5 строк", "11 строк", "21 строка", "22 строки", "112 строк"
    ]  # fmt: skip


# --- numbers


def test_numbers_are_written_as_people_write_them() -> None:
    assert number(Decimal("58548"), "ru") == f"58{NBSP}548"
    assert number(Decimal("58548"), "en") == "58,548"
    assert number(Fraction(1, 3), "ru", 2) == "0,33"
    assert number(-5, "en") == "\N{MINUS SIGN}5"
    assert number(None, "en") == "—"


def test_a_tiny_negative_number_is_not_minus_zero() -> None:
    assert number(Decimal("-0.001"), "en", 2) == "0.00"


def test_a_share_is_printed_as_percent() -> None:
    assert percent(Decimal("0.012"), "ru") == f"1,2{NBSP}%"
    assert percent(Decimal("-0.55"), "en", 0) == "\N{MINUS SIGN}55%"


def test_money_has_its_sign_and_both_decimals() -> None:
    assert money(Decimal(15000), "RUB", "ru") == f"15{NBSP}000,00{NBSP}₽"
    assert money(Decimal(15000), "RUB", "en") == f"RUB{NBSP}15,000.00"
    assert money(Decimal("-1.5"), "EUR", "en") == "\N{MINUS SIGN}€1.50"
    assert money(Decimal(5), None, "en") == "5.00"


@given(st.decimals(-(10**15), 10**15, places=6), st.integers(0, 4))
def test_half_is_rounded_away_from_zero(value: Decimal, digits: int) -> None:
    assert text.rounded(value, digits) == value.quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP)


def test_rounding_knows_no_limit_of_digits() -> None:
    assert str(text.rounded(Fraction(10**40 + 1, 2), 2)) == "5" + "0" * 39 + ".50"


# --- figures beside marks


def test_79_999_percent_is_never_printed_as_80() -> None:
    marks = (Fraction(8, 10), Fraction(1))
    assert percent_beside(Fraction(79999, 100000), marks, "en") == "79.999%"
    assert percent_beside(Fraction(8, 10), marks, "en") == "80.0%"
    assert percent_beside(Fraction(800000001, 10**9), marks, "en") == "80.0000001%"
    assert percent_beside(Fraction(8, 10) - Fraction(1, 10**12), marks, "en") == "<80.0%"
    assert percent_beside(1 + Fraction(1, 10**12), marks, "ru") == f">100,0{NBSP}%"


@given(st.fractions(0, 2), st.lists(st.fractions(0, 2), max_size=4))
def test_a_printed_figure_is_on_its_own_side_of_every_mark(
    value: Fraction, marks: list[Fraction]
) -> None:
    digits = digits_beside(value, marks, fewest=1)
    if digits is not None:
        shown = text.rounded(value, digits)
        assert all((shown < mark) == (value < mark) for mark in marks)
        assert all((shown > mark) == (value > mark) for mark in marks)


# --- days


def test_a_whole_month_has_a_name_and_other_periods_have_ends() -> None:
    assert days(date(2026, 10, 1), date(2026, 10, 31), "ru") == "октябрь 2026"
    assert days(date(2024, 2, 1), date(2024, 2, 29), "en") == "February 2024"
    assert days(date(2023, 2, 1), date(2023, 2, 27), "en") == "1 Feb 2023 – 27 Feb 2023"
    assert days(date(2026, 9, 1), date(2026, 10, 31), "ru") == "01.09.2026 – 31.10.2026"


@pytest.mark.parametrize(
    ("yes", "en", "ru"),
    [(1300, "(p < 0.001)", "(p < 0,001)"), (1070, "(p = 0.084)", "(p = 0,084)")],
)
def test_a_p_value_is_never_zero(yes: int, en: str, ru: str) -> None:
    """Of 5000 each: 26 % to 20 % is z = 7.1; 21.4 % to 20 % is z = 1.728, 8.4 % on both sides."""
    found = lift(yes, 5000, 1000, 5000)
    assert found is not None
    assert en in words.lifted(found, 5000, "en")
    assert ru in words.lifted(found, 5000, "ru")
