"""Column headings as exports write them, brought to one spelling.

``Расход (руб.)``, ``Расход, ₽`` and ``расход`` are one heading in two units; the unit is kept.
"""

import re
from dataclasses import dataclass

_CURRENCIES = {
    "₽": "RUB", "руб": "RUB", "руб.": "RUB", "р.": "RUB", "rub": "RUB", "rur": "RUB",
    "$": "USD", "usd": "USD", "us$": "USD", "€": "EUR", "eur": "EUR", "£": "GBP", "gbp": "GBP",
    "₸": "KZT", "kzt": "KZT", "тенге": "KZT", "₴": "UAH", "uah": "UAH", "byn": "BYN",
    "рубль": "RUB", "российский рубль": "RUB", "доллар сша": "USD", "евро": "EUR",
}  # fmt: skip
_BRACKETS = re.compile(r"\(([^)]*)\)")  # Cost (USD)
_SUFFIX = re.compile(r",\s*([^,]+)$")  # Расход, ₽
_PUNCTUATION = re.compile(r"[^\w%]+")


@dataclass(frozen=True)
class Heading:
    """A heading: its normalised `name`, the `currency` and the percent sign it carried."""

    raw: str
    name: str
    currency: str | None = None
    percent: bool = False


def currency_code(text: str) -> str | None:
    """The ISO code of a currency sign, word or code; ``None`` if it is none of these.

    >>> currency_code("руб.")
    'RUB'
    """
    word = text.strip().casefold()
    if word in _CURRENCIES:
        return _CURRENCIES[word]
    return word.upper() if re.fullmatch(r"[a-z]{3}", word) else None


def plain(text: str) -> str:
    """Lower case, one space between words, no punctuation, ё as е.

    >>> plain("Переходы по e-mail_рассылкам")
    'переходы по e mail рассылкам'
    """
    lowered = text.casefold().replace("ё", "е").replace("_", " ").replace("№", " ")
    return " ".join(_PUNCTUATION.sub(" ", lowered).split())


def heading(raw: str) -> Heading:
    """One heading taken apart.

    >>> heading("Расход (руб.)").name, heading("Расход (руб.)").currency
    ('расход', 'RUB')
    """
    text = raw.strip("\ufeff \t\r\n\u200b")
    currency, percent = None, "%" in text
    for found in (*_BRACKETS.findall(text), *_SUFFIX.findall(text)):
        if found.strip().casefold() in _CURRENCIES or re.fullmatch("[A-Z]{3}", found.strip()):
            currency = currency_code(found)
    text = _BRACKETS.sub(" ", text)
    if (suffix := _SUFFIX.search(text)) and (
        suffix[1].strip() == "%" or currency_code(suffix[1]) == currency is not None
    ):
        text = text[: suffix.start()]
    for sign in ("₽", "$", "€", "£", "₸", "₴"):
        if sign in text:
            currency = _CURRENCIES[sign]
            text = text.replace(sign, " ")
    return Heading(raw, plain(text.replace("%", " ")), currency, percent)
