"""Column headings as exports write them, brought to one spelling.

``Расход (руб.)``, ``Расход, ₽`` and ``расход`` are one heading in two units; the unit is kept.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from babel import Locale
from babel.numbers import list_currencies

_CURRENCIES = {
    "₽": "RUB", "руб": "RUB", "руб.": "RUB", "р.": "RUB", "rub": "RUB", "rur": "RUB",
    "$": "USD", "usd": "USD", "us$": "USD", "€": "EUR", "eur": "EUR", "£": "GBP", "gbp": "GBP",
    "₸": "KZT", "kzt": "KZT", "тенге": "KZT", "₴": "UAH", "uah": "UAH", "byn": "BYN",
    "казахстанский тенге": "KZT", "гривна": "UAH", "сум": "UZS", "сом": "KGS", "драм": "AMD",
    "лари": "GEL", "юань": "CNY", "рубли": "RUB", "рублей": "RUB", "российские рубли": "RUB",
    "доллар": "USD", "доллары": "USD", "доллары сша": "USD", "рубль рф": "RUB",
    "рубль": "RUB", "российский рубль": "RUB", "доллар сша": "USD", "евро": "EUR",
}  # fmt: skip
_LONGEST = 300  # characters; a longer text is no heading worth taking apart
_BRACKETS = re.compile(r"\(([^)]*)\)")  # Cost (USD)
_SUFFIX = re.compile(r",\s*([^,]+)$")  # Расход, ₽
_PUNCTUATION = re.compile(r"[^\w%]+")
_TIMES = {
    1_000: ("тыс", "тысяча", "тысяч", "тысячи", "тысячах", "т", "k", "к", "000", "000s", "000'",
            "'000", "’000", "thousand", "thousands", "thous", "thsd"),
    1_000_000: ("млн", "миллион", "миллионов", "миллионы", "миллионах", "m", "mln", "mm", "mio",
                "million", "millions"),
    1_000_000_000: ("млрд", "миллиард", "миллиардов", "миллиарды", "миллиардах", "bn", "billion",
                    "billions"),
}  # fmt: skip
_SCALES = {word: times for times, words in _TIMES.items() for word in words}
_WITH_COIN = frozenset({"т", "m", "mm"})  # alone they mean much else
_SPELLED_SCALE = re.compile(
    r"\s((?:в\s+)?(?:тыс|млн|млрд)(?:\.|\b).{0,12}|(?:in\s+)?(?:thousands?|millions?)\b.{0,12})$",
    re.I,
)  # Выручка тыс. руб.
_ABOVE = re.compile(
    r"(?P<before>.{0,40}?)(?<!\w)"
    r"(?P<scale>тыс\.?|тысяч(?:ах|и)?|млн\.?|миллион(?:ах|ов|ы)|млрд\.?|миллиард(?:ах|ов|ы)"
    r"|thousands?|millions?|billions?)(?!\w)\s*(?P<after>(?:of\s+)?[^\s,;:)]{0,12})",
    re.I,
)  # Все суммы в тыс. руб.
_OF_ALL = re.compile(r"(?<!\w)(в|in|единиц\w*( измерения)?:?|units?:?)\s*\W*$", re.I)
_OF_MONEY = re.compile(
    r"сумм|деньг|денежн|выручк|расход|доход|amount|money|revenue|figures in", re.I
)


@dataclass(frozen=True)
class Heading:
    """A heading: its normalised `name`, and what it carried besides.

    Attributes:
        full: the normalised text with what stands in brackets.
        currency: the code of a currency in it.
        percent: whether it has a percent sign.
        narrowed: other words in brackets: which goal, which part.
        scale: what its figures are written in: 1, or 1,000 for ``тыс. руб.``
    """

    raw: str
    name: str
    full: str
    currency: str | None = None
    percent: bool = False
    narrowed: str = ""
    scale: int = 1


def currency_code(text: str) -> str | None:
    """The ISO code of a currency sign, word or code; ``None`` if it is none of these.

    >>> currency_code("руб.")
    'RUB'
    """
    word = text.strip().casefold()
    code = word.upper() if word.upper() in _codes() else None
    return _CURRENCIES.get(word) or code or _named_currencies().get(word)


@lru_cache
def _named_currencies() -> dict[str, str]:
    """Names of currencies in both languages, as CRMs write them: Белорусский рубль."""
    return {
        name.casefold(): code
        for language in ("en", "ru")
        for code, name in Locale(language).currencies.items()
    }


@lru_cache
def _codes() -> frozenset[str]:
    return frozenset(list_currencies())


def plain(text: str) -> str:
    """Lower case, one space between words, no punctuation, ё as е.

    >>> plain("Переходы по e-mail_рассылкам")
    'переходы по e mail рассылкам'
    """
    lowered = text.casefold().replace("ё", "е").replace("_", " ").replace("№", " ")
    return " ".join(_PUNCTUATION.sub(" ", lowered).split())


@lru_cache(4096)
def heading(raw: str) -> Heading:
    """One heading taken apart.

    >>> heading("Расход (руб.)").name, heading("Расход (руб.)").currency
    ('расход', 'RUB')
    """
    text = raw.strip("\ufeff \t\r\n\u200b")
    if len(text) > _LONGEST:
        return Heading(raw, plain(text), plain(text))
    full = plain(text)
    currency, percent, scale = None, "%" in text, 1
    narrowed = []
    for found in _BRACKETS.findall(text):
        unit = _written_unit(found)
        currency, scale = unit.currency or currency, max(scale, unit.times)
        if not unit.said and found.strip("% "):
            narrowed.append(plain(found))
    text = _BRACKETS.sub(" ", text)
    suffix = _SUFFIX.search(text) or _SPELLED_SCALE.search(text)
    if suffix and (suffix[1].strip() == "%" or (unit := _written_unit(suffix[1])).said):
        if suffix[1].strip() != "%":
            currency, scale = unit.currency or currency, max(scale, unit.times)
        text = text[: suffix.start()]
    for sign in ("₽", "$", "€", "£", "₸", "₴"):
        if sign in text:
            currency = _CURRENCIES[sign]
            text = text.replace(sign, " ")
    name = plain(text.replace("%", " "))
    return Heading(raw, name, full, currency, percent, " ".join(narrowed), scale)


@dataclass(frozen=True)
class Scale:
    """What figures are written in: `times` the unit; said `of money`, of a currency, or of all."""

    times: int = 1
    currency: str | None = None
    money: bool = False
    said: bool = True


def scales_above(lines: Sequence[str]) -> list[Scale]:
    """What title lines say of all the figures below them: «Все суммы в тыс. руб.»

    A number of thousands is an amount, and a plain mention of them says nothing of the table.

    >>> scales_above(["Все суммы в тыс. руб.", "Бюджет 500 тыс. руб.", "Millions of fans"])
    [Scale(times=1000, currency='RUB', money=True, said=True)]
    """
    found = []
    for line in lines:
        for match in _ABOVE.finditer(line[:_LONGEST]):
            before = match["before"].strip()
            after = match["after"].casefold().removeprefix("of ").strip()
            currency = currency_code(after) or ("RUB" if after.startswith("рубл") else None)
            is_unit = not before and bool(currency)
            if before[-1:].isdigit() or not (is_unit or _OF_ALL.search(before)):
                continue
            times = _SCALES.get(match["scale"].casefold().rstrip("."), 1)
            found.append(Scale(times, currency, bool(_OF_MONEY.search(line))))
    return found


def _written_unit(text: str) -> Scale:
    """The scale and currency that brackets or the end of a heading hold, if nothing else is there.

    >>> _written_unit("тыс. руб."), _written_unit("form").said
    (Scale(times=1000, currency='RUB', money=False, said=True), False)
    """
    if code := _written_code(text):
        return Scale(1, code)
    words = re.sub(r"(?<=\S)([$€£₽₸₴])|([$€£₽₸₴])(?=\S)", r" \1\2 ", text).casefold().split()
    words = words[1:] if words[:1] in (["в"], ["in"]) else words
    times, currency = 1, None
    for word in (part for raw in words for part in _unit_words(raw)):
        if word in _SCALES and times == 1:
            times = _SCALES[word]
        elif (code := _CURRENCIES.get(word) or _inflected(word)) and currency is None:
            currency = code
        elif word not in {"of", ""}:
            return Scale(said=False)
    alone = _WITH_COIN & {word.strip(".") for word in words} and not currency
    return Scale(times, currency) if times > 1 and not alone else Scale(said=False)


def _unit_words(word: str) -> list[str]:
    """The words that stops part in ``тыс.руб.``; a currency may end with one."""
    if word in _CURRENCIES:
        return [word]
    return [part for part in word.split(".") if part]


def _inflected(word: str) -> str | None:
    """Рублей, долларах: a currency in another case."""
    if word == "р" or word.startswith("рубл"):
        return "RUB"
    if word.startswith(("доллар", "dollar")):
        return "USD"
    return "EUR" if word in {"euro", "euros"} else None


def _written_code(text: str) -> str | None:
    """A currency as headings write it: a sign, a word, or a code in capitals."""
    is_code = text.strip().isupper() or text.strip().casefold() in _CURRENCIES
    return currency_code(text) if is_code else None
