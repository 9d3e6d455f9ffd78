"""What the program says, in Russian and English: phrases, numbers, money, dates.

Phrases live in ``texts/*.toml``, both languages side by side under one key. A phrase is a
``str.format`` template, into which fractions go as numbers of the language; a phrase that counts
something holds one template per plural form (``one``, ``few``, ``many``, ``other``) and is chosen
by the value called ``n``.

This is the bottom layer: it imports nothing of the project, so that errors can speak too.
"""

import tomllib
from calendar import monthrange
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from functools import cache
from math import floor
from pathlib import Path
from typing import Any

from babel import Locale
from babel.dates import format_date, format_datetime
from babel.numbers import (
    NumberPattern,
    format_currency,
    get_currency_symbol,
    get_decimal_symbol,
    parse_pattern,
)

Number = int | float | Decimal | Fraction


Both = Mapping[str, str]  # {"ru": ..., "en": ...}: a name or sentence that data carries itself


@cache
def phrases() -> dict[str, dict[str, Any]]:
    """Every phrase of ``texts/``: ``{"area.key": {"ru": template, "en": template}}``."""
    found: dict[str, dict[str, Any]] = {}
    for path in sorted((Path(__file__).parent / "texts").glob("*.toml")):
        for key, both in tomllib.loads(path.read_text("utf-8")).items():
            found[f"{path.stem}.{key}"] = both
    return found


@cache
def _locale(lang: str) -> Locale:
    return Locale.parse(lang)


def say(lang: str, key: str, **values: object) -> str:
    """The phrase `key` in `lang` with `values` put in; chooses the plural form by ``n``.

    Raises:
        KeyError: no such phrase, or a value it needs is not given. A missing phrase is our
            mistake, so it is loud.
    """
    template = phrases()[key][lang]
    if isinstance(template, dict):
        template = template[_locale(lang).plural_form(abs(values["n"]))]  # type: ignore[arg-type]
    shown = {name: _spoken(value, lang) for name, value in values.items()}
    return str(template).format(**shown)


def _spoken(value: object, lang: str) -> object:
    """A value of a phrase: numbers as they are written, names that come in both languages."""
    if isinstance(value, Fraction):
        return number(value, lang)
    if isinstance(value, float):  # of a file: kopecks where it has some
        return number(value, lang, 0 if value.is_integer() else 2)
    return value[lang] if isinstance(value, Mapping) else value


def number(value: Number | None, lang: str, digits: int = 0) -> str:
    """`value` with exactly `digits` decimals, rounded half up, as people of `lang` write it.

    >>> number(Decimal("26004.5"), "en", 1)
    '26,004.5'
    """
    if value is None:
        return "—"
    return _minus(_pattern(digits).apply(rounded(value, digits), _locale(lang)))


@cache
def _pattern(digits: int) -> NumberPattern:
    return parse_pattern("#,##0" + ("." + "0" * digits if digits else ""))


def _minus(shown: str) -> str:
    return shown.replace("-", "\N{MINUS SIGN}")


def percent(value: Number | None, lang: str, digits: int = 1) -> str:
    """A share 0..1 as percent.

    >>> percent(Decimal("0.012"), "en")
    '1.2%'
    """
    if value is None:
        return "—"
    return number(exact(value) * 100, lang, digits) + percent_sign(lang)


def percent_sign(lang: str) -> str:
    """What stands behind a number of percent, its space included."""
    return "\N{NO-BREAK SPACE}%" if lang == "ru" else "%"


def decimal_point(lang: str) -> str:
    """What stands before the decimals of a number."""
    return str(get_decimal_symbol(lang))


def digits_beside(value: Number, marks: Sequence[Number], fewest: int) -> int | None:
    """How many decimals keep `value` on its own side of every mark; ``None`` if 8 are too few.

    >>> digits_beside(Fraction(79999, 1000), [80], fewest=1)
    3
    """

    def side(of: Number, mark: Number) -> int:
        return (exact(of) > exact(mark)) - (exact(of) < exact(mark))

    for digits in range(fewest, 9):
        shown = rounded(value, digits)
        if all(side(shown, mark) == side(value, mark) for mark in marks):
            return digits
    return None


def percent_beside(
    value: Number | None, marks: Sequence[Number], lang: str, fewest: int = 1
) -> str:
    """A share as percent, with as many decimals as it takes not to look like a mark it misses.

    79.999 % of plan must not be printed as "80 %" beside a step that begins at 80 %.

    >>> percent_beside(Fraction(79999, 100000), (Fraction(8, 10),), "en")
    '79.999%'
    """
    if value is None:
        return "—"
    digits = digits_beside(exact(value) * 100, [exact(mark) * 100 for mark in marks], fewest)
    if digits is not None:
        return percent(value, lang, digits)
    nearest = min(marks, key=lambda mark: abs(exact(mark) - exact(value)))
    return ("<" if exact(value) < exact(nearest) else ">") + percent(nearest, lang, fewest)


def money(value: Number | None, currency: str | None, lang: str, digits: int = 2) -> str:
    """An amount with its currency sign, digits as people of `lang` write them."""
    if value is None:
        return "—"
    amount = rounded(value, digits)
    if not currency:
        return number(amount, lang, digits)
    pattern = "#,##0" + ("." + "0" * digits if digits else "")
    if lang == "ru":
        pattern = f"{pattern}\N{NO-BREAK SPACE}¤"
    elif get_currency_symbol(currency, lang) == currency:
        pattern = f"¤\N{NO-BREAK SPACE}{pattern}"
    else:
        pattern = f"¤{pattern}"
    return _minus(
        format_currency(amount, currency, format=pattern, locale=lang, currency_digits=False)
    )


def day(value: date, lang: str) -> str:
    """A date as people of `lang` write it in figures."""
    return str(format_date(value, "dd.MM.y" if lang == "ru" else "d MMM y", locale=lang))


def moment(value: datetime, lang: str) -> str:
    """A day and its time as people of `lang` write them, by the clock that the value is of."""
    return str(format_datetime(value, "d MMMM y, HH:mm", tzinfo=value.tzinfo, locale=lang))


def days(first: date, last: date, lang: str) -> str:
    """A period: a whole month or quarter by its name, anything else by its first and last day."""
    if first.day == 1 and last == first.replace(day=monthrange(first.year, first.month)[1]):
        return str(format_date(first, "LLLL y", locale=lang))
    if (first.day, first.month % 3) == (1, 1) and last == _end_of_quarter(first):
        return str(format_date(first, "QQQQ y", locale=lang))
    return f"{day(first, lang)} – {day(last, lang)}"


def _end_of_quarter(first: date) -> date:
    month = first.month + 2
    return first.replace(month=month, day=monthrange(first.year, month)[1])


def exact(value: Number) -> Fraction:
    """The number itself as a fraction; a float counts as the decimal it prints as."""
    return Fraction(repr(float(value))) if isinstance(value, float) else Fraction(value)


def rounded(value: Number, digits: int) -> Decimal:
    """`value` rounded half away from zero, as people and spreadsheets do it.

    >>> rounded(2.675, 2)
    Decimal('2.68')
    """
    scaled = exact(value) * 10**digits
    whole = floor(abs(scaled) + Fraction(1, 2))
    # Made from text: arithmetic of decimals would round to 28 digits.
    return Decimal(f"{-whole if scaled < 0 else whole}E-{digits}")


# What begins a formula; spreadsheets of Eastern Asia take the wide signs, too.
_FORMULA = frozenset("=+-@\uff1d\uff0b\uff0d\uff20")


def harmless(text: str) -> str:
    """A text cell that no spreadsheet takes for a formula.

    >>> harmless("=1+1")
    "'=1+1"
    """
    return f"'{text}" if text.lstrip()[:1] in _FORMULA or text[:1] in ("\t", "\r") else text


def harmed(text: str) -> str:
    """A text cell as it was before it was made harmless.

    >>> harmed(harmless("=1+1"))
    '=1+1'
    """
    return text[1:] if text[:1] == "'" and harmless(text[1:]) == text else text


def shared_out(whole: Decimal, weights: Sequence[Fraction], digits: int = 2) -> list[Decimal]:
    """A sum in rounded parts that add up to it, as near to `weights` of it as they can be.

    What rounding down leaves goes to the largest remainders. Without weights nobody has a part.

    >>> shared_out(Decimal(100), [Fraction(1)] * 3)
    [Decimal('33.34'), Decimal('33.33'), Decimal('33.33')]
    """
    step, total = Decimal(1).scaleb(-digits), sum(weights, Fraction(0))
    if not total:
        return [Decimal(0)] * len(weights)
    exact_steps = [weight / total * Fraction(whole / step) for weight in weights]
    steps = [floor(part) for part in exact_steps]
    left = int(whole / step) - sum(steps)
    by_remainder = sorted(range(len(steps)), key=lambda at: steps[at] - exact_steps[at])
    for at in by_remainder[:left]:
        steps[at] += 1
    return [step * count for count in steps]
