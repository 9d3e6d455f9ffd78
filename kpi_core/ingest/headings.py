"""Column headings as exports write them, brought to one spelling.

``Расход (руб.)``, ``Расход, ₽`` and ``расход`` are one heading in two units; the unit is kept.
"""

import re
from dataclasses import dataclass
from functools import lru_cache

from babel import Locale
from babel.numbers import list_currencies

_CURRENCIES = {
    "₽": "RUB", "руб": "RUB", "руб.": "RUB", "р.": "RUB", "rub": "RUB", "rur": "RUB",
    "$": "USD", "usd": "USD", "us$": "USD", "€": "EUR", "eur": "EUR", "£": "GBP", "gbp": "GBP",
    "₸": "KZT", "kzt": "KZT", "тенге": "KZT", "₴": "UAH", "uah": "UAH", "byn": "BYN",
    "рубль": "RUB", "российский рубль": "RUB", "доллар сша": "USD", "евро": "EUR",
}  # fmt: skip
_LONGEST = 300  # characters; a longer text is no heading worth taking apart
_BRACKETS = re.compile(r"\(([^)]*)\)")  # Cost (USD)
_SUFFIX = re.compile(r",\s*([^,]+)$")  # Расход, ₽
_PUNCTUATION = re.compile(r"[^\w%]+")


@dataclass(frozen=True)
class Heading:
    """A heading: its normalised `name`, and what it carried besides.

    Attributes:
        full: the normalised text with what stands in brackets.
        currency: the code of a currency in it.
        percent: whether it has a percent sign.
        narrowed: other words in brackets: which goal, which part.
    """

    raw: str
    name: str
    full: str
    currency: str | None = None
    percent: bool = False
    narrowed: str = ""


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
    currency, percent = None, "%" in text
    narrowed = []
    for found in _BRACKETS.findall(text):
        currency = _written_code(found) or currency
        if not _written_code(found) and found.strip("% "):
            narrowed.append(plain(found))
    for found in _SUFFIX.findall(text):
        currency = _written_code(found) or currency
    text = _BRACKETS.sub(" ", text)
    if (suffix := _SUFFIX.search(text)) and (suffix[1].strip() == "%" or _written_code(suffix[1])):
        text = text[: suffix.start()]
    for sign in ("₽", "$", "€", "£", "₸", "₴"):
        if sign in text:
            currency = _CURRENCIES[sign]
            text = text.replace(sign, " ")
    return Heading(raw, plain(text.replace("%", " ")), full, currency, percent, " ".join(narrowed))


def _written_code(text: str) -> str | None:
    """A currency as headings write it: a sign, a word, or a code in capitals."""
    is_code = text.strip().isupper() or text.strip().casefold() in _CURRENCIES
    return currency_code(text) if is_code else None
