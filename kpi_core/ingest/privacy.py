"""What of a file's own words may be shown or kept: never a contact, never what may be a person.

A figure's finding, an error and a fact outlive the file. A contact is known by its spelling; a
person's name is not, so the rule is plain: words beside one another that begin with capitals,
none of which any export or channel uses, are taken for one.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from functools import cache, lru_cache
from hashlib import blake2b
from secrets import token_bytes
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from kpi_core import catalogue
from kpi_core.ingest.formats import formats, known_headings
from kpi_core.ingest.headings import heading, plain
from kpi_core.ingest.values import MISSING, Cell, is_missing

HIDDEN = "…"
LONGEST_SHOWN = 100  # characters of a heading or a name
_LONGEST_EXAMPLE = 40
_LONGEST_NAME = 60  # of a channel; what is longer is a remark
_SEARCHED = 2_000  # characters of a text that are searched; what follows is never shown or kept
_PERSONAL_SHARE = 0.3  # of the cells of a column: so many contacts make it one of people
_KEY = token_bytes(16)  # of this process: keys of customers mean nothing outside of it

_EMAIL = r"[\w.+%-]{1,64}(?:@|%40)[\w-]{1,63}(?:\.[\w-]{1,63}){1,5}"
_BARE_PHONE = r"[78](?:9\d\d|495|499|812|800)\d{7}"  # 79000000000; ids are digits, too
_PHONE = (
    r"\+\d(?:[\s().-]{0,3}\d){9,14}"  # +7 (900) 000-00-00
    rf"|{_BARE_PHONE}"
    r"|[78][\s(.-]{1,2}\d{3}[\s).-]{0,2}\d{3}[\s.-]?\d{2}[\s.-]?\d{2}"  # 8 (900) 000-00-00
    r"|[78]\(?\d{3}\)?\d{3}-\d{2}-?\d{2}"
    r"|\(\d{3,5}\)\s?\d{1,3}[\s-]?\d{2}[\s-]?\d{2}"  # (495) 000-00-00
    r"|\d{3}[\s-]\d{3}-\d{2}-?\d{2}"  # 900 000-00-00
    r"|\d{3}-\d{2}-\d{2}"
)
_CONTACT = re.compile(rf"{_EMAIL}|(?<![\w.,-])(?:{_PHONE})(?![\w-]|[.,]\d)")
_ID = re.compile(r"\d{5,}")
_IS_BARE_PHONE = re.compile(_BARE_PHONE)
_ADDRESS = re.compile(r"/|[^\s?#]*[./]|[a-z][a-z0-9+.-]*://", re.I)  # /a?b, a.ru/?b, https://
_FIELD = re.compile(r"[?#]\w+=")
_WORD = re.compile(r"[^\W\d_]+(?:[-'’][^\W\d_]+)*\.?")
_NAMED = re.compile(r"[A-ZА-ЯЁ][a-zа-яё]+(?:[-'’][A-ZА-ЯЁ][a-zа-яё]+)*|[А-ЯЁ]{3,}(?:-[А-ЯЁ]{3,})*")
_INITIAL = re.compile(r"[A-ZА-ЯЁ]\.")
_PATRONYMIC = re.compile(r"[а-яё]{2,}(?:ович|евич|овна|евна|инична)(?:[ауеы]|ем|ой)?", re.I)
_CYRILLIC = re.compile("[а-яё]", re.I)
_STEM = 5  # letters that two forms of a word have in common: клиент, клиента
_COMMON = (
    "сайт сайта сайты звонок блог блогер чат бот радио наружная выставка листовка визитка партнер",
    "маркет маркетплейс магазин офис акция холодный входящий black friday blog stories market",
)  # words of campaigns and channels that no heading has
_REPEATED = re.compile(rf"{HIDDEN}(?:[\s,;]*{HIDDEN})+")


@cache
def _words() -> frozenset[str]:
    """Every word that headings, formats and channels are written with."""
    said = [*known_headings(), *MISSING]
    said += [name for format in formats().values() for name in format.name.values()]
    for entry in catalogue.channels().values():
        said += [*entry["values"], entry["ru"], entry["en"]]
    words = {word for text in [*said, *_COMMON] for word in plain(text).split()}
    return frozenset({*words, *(word[:_STEM] for word in words if len(word) >= _STEM)})


def _is_known(word: str) -> bool:
    """Whether a word is one of exports, in any of its forms."""
    said = plain(word)
    return said in _words() or (len(said) >= _STEM and said[:_STEM] in _words())


def has_contact(text: str) -> bool:
    """Whether an e-mail address or a telephone number stands in a text.

    >>> has_contact("заказ 8 (900) 000-00-00"), has_contact("2026-10-01"), has_contact("1 500,50")
    (True, False, False)
    """
    return bool(_CONTACT.search(text[:_SEARCHED]))


def without_contacts(text: str) -> str:
    """A text whose contacts are hidden.

    >>> without_contacts("письмо a.b@example.test"), without_contacts("+7 900 000-00-00")
    ('письмо …', '…')
    """
    return _CONTACT.sub(HIDDEN, text[:_SEARCHED])


class _Said(NamedTuple):
    """A word of a text: where it stands, whether it may be of a name, whether it proves one."""

    start: int
    end: int
    named: bool
    proof: bool


def _people(text: str, *, latin: bool) -> list[tuple[int, int]]:
    """Where a text may name people; `latin`: in Latin letters, too."""
    spans = []
    run: list[_Said] = []
    for word in [*_said(text, latin=latin), _Said(len(text), len(text), False, False)]:
        joined = not run or not text[run[-1].end : word.start].strip()
        if word.named and joined:
            run.append(word)
            continue
        if any(each.proof for each in run) or len(run) > 1:
            spans.append((run[0].start, run[-1].end))
        run = [word] if word.named else []
    return spans


def _said(text: str, *, latin: bool) -> list[_Said]:
    found = []
    for match in _WORD.finditer(text):
        word = match[0] if _INITIAL.fullmatch(match[0]) else match[0].rstrip(".")
        proof = bool(_PATRONYMIC.fullmatch(word))
        named = bool(_INITIAL.fullmatch(word))
        named = named or (bool(_NAMED.fullmatch(word)) and not _is_known(word))
        named = named and (latin or bool(_CYRILLIC.search(word)))
        found.append(_Said(match.start(), match.end(), named or proof, proof))
    return found


def _masked(text: str) -> str:
    said = without_contacts(text)
    for start, end in reversed(_people(said, latin=False)):
        said = f"{said[:start]}{HIDDEN}{said[end:]}"
    return _REPEATED.sub(HIDDEN, said)


@lru_cache(10_000)
def is_plain_name(text: str) -> bool:
    """Whether a value may be kept as the name of a channel: short, no contact, no person.

    >>> is_plain_name("Ozon"), is_plain_name("Яндекс Маркет"), is_plain_name("Иванов Пётр")
    (True, True, False)
    """
    return len(text) <= _LONGEST_NAME and not is_personal(text)


@lru_cache(10_000)
def is_personal(text: str) -> bool:
    """Whether a text holds a contact or what may be the name of a person."""
    return has_contact(text) or bool(_people(text[:_SEARCHED], latin=True))


def event_names(counted: Mapping[str, int], expected: Callable[[str], bool], most: int) -> str:
    """The most frequent events of a log and how often each was; other texts are told as one.

    An event is named by a word, or by words that exports use; `expected` ones are shown as well.

    >>> event_names({"page_view": 3, "anna wrote": 2, "anna called": 1}, lambda name: False, 10)
    'page_view 3, … 3'
    """
    kept: dict[str, int] = {}
    for name, n in sorted(counted.items(), key=lambda each: (-each[1], each[0])):
        named = event_name(name, expected)
        kept[named] = kept.get(named, 0) + n
    return ", ".join(f"{name} {n:,}" for name, n in list(kept.items())[:most])


def event_name(name: str, expected: Callable[[str], bool]) -> str:
    """The name of an event as it may be shown: a word, words that exports use, an `expected` one.

    >>> event_name("page_view", lambda name: False), event_name("anna wrote", lambda name: False)
    ('page_view', '…')
    """
    is_name = len(name.split()) == 1 or all(map(_is_known, name.split())) or expected(name)
    return name[:_LONGEST_EXAMPLE] if is_name and not is_personal(name) else HIDDEN


@lru_cache(4096)
def shown_heading(raw: str) -> str:
    """A heading as a finding may show it; headings in Latin letters have capitals of their own.

    >>> shown_heading("Billing Province"), shown_heading("Иван Петров"), shown_heading("a@b.test")
    ('Billing Province', '…', '…')
    """
    return _masked(raw)[:LONGEST_SHOWN]


def listed(headings: Iterable[str], longest: int = 300) -> str:
    """Headings in one line. Where a contact stands among them they are data: known ones are shown.

    >>> listed(["Дата", "anna", "a@b.test"])
    'Дата, …'
    """
    names = list(headings)
    if looks_like_data(names):
        known = known_headings()
        names = [raw if {heading(raw).full, heading(raw).name} & known else HIDDEN for raw in names]
    return _REPEATED.sub(HIDDEN, ", ".join(map(shown_heading, names)))[:longest]


def looks_like_data(headings: Iterable[str]) -> bool:
    """Whether a row of headings is one of data: a contact stands among them."""
    return any(map(has_contact, headings))


def example(cell: Cell) -> str:
    """A cell that is no number, as a finding may show it: figures, signs, words of reports.

    Of other words none is shown, but one alone that is written small.

    >>> example("1 200 шт."), example("many"), example("Анна +7 900 000-00-00")
    ('1 200 шт.', 'many', '…')
    """
    text = without_contacts(str(cell))
    words = _WORD.findall(text)
    is_one = len(words) == 1 and words[0].islower() and not re.search(r"[\d@_]", text)

    def kept(match: re.Match[str]) -> str:
        word = match[0]
        return word if is_one or len(word.rstrip(".")) < 3 or _is_known(word) else HIDDEN

    return _REPEATED.sub(HIDDEN, _WORD.sub(kept, text))[:_LONGEST_EXAMPLE]


def told(values: Mapping[str, object]) -> dict[str, object]:
    """The values of a finding or an error; one that quotes a cell is called ``example``."""
    return {
        name: example(value) if name == "example" else _told(value)
        for name, value in values.items()
    }


def _told(value: object) -> object:
    if isinstance(value, Mapping):  # one text for each language
        return {name: _told(text) for name, text in value.items()}
    return _masked(value) if isinstance(value, str) else value


def pages(said: pd.Series) -> pd.Series:
    """A column of texts; an address loses what follows the page: forms write there what they ask.

    >>> pages(pd.Series(["/buy?mail=a", "What is it?"])).tolist()
    ['/buy', 'What is it?']
    """
    return _put(said, {text: _page(text) for text in said.unique()})


def _put(said: pd.Series, instead: Mapping[str, str]) -> pd.Series:
    """A column with other texts; mostly they are the same, and to look each up takes its time."""
    if all(text == other for text, other in instead.items()):
        return said.astype("str")
    return said.map(instead).astype("str")


def _page(text: str) -> str:
    at = min((place for sign in "?#" if (place := text.find(sign)) >= 0), default=-1)
    is_address = at >= 0 and (_ADDRESS.match(text[:at]) or _FIELD.match(text[at:]))
    return text[:at] if is_address and not any(sign.isspace() for sign in text[:at]) else text


def kept_texts(said: pd.Series) -> pd.Series:
    """A column of texts as facts may keep it: contacts are hidden, a cell of nothing else is empty.

    >>> kept_texts(pd.Series(["A", "a@b.test", "to a@b.test", "79001234567"])).tolist()
    ['A', '', 'to …', '']
    """
    texts = [str(text) for text in said.unique()]
    ids = _are_ids(texts)
    kept = {text: text for text in texts if not has_contact(text) or (ids and _ID.fullmatch(text))}
    for text in set(texts) - set(kept):
        hidden = without_contacts(text)
        kept[text] = "" if hidden == HIDDEN else hidden
    return _put(said, kept)


def _are_ids(texts: Iterable[str]) -> bool:
    """Whether there are numbers that are no telephones: then those that look like one are ids."""
    return any(_ID.fullmatch(text) and not _IS_BARE_PHONE.fullmatch(text) for text in texts)


def holds_contacts(said: pd.Series, times: npt.NDArray[np.int64]) -> bool:
    """Whether a column of texts, each so many times there, is one of addresses or telephones."""
    texts = [str(text) for text in said.unique() if text != ""]
    contacts = {text for text in texts if _CONTACT.fullmatch(text[:100])}
    if _are_ids(texts):
        contacts = {text for text in contacts if not _ID.fullmatch(text)}
    held, filled = (int(times[rows].sum()) for rows in (said.isin(contacts), said != ""))
    return bool(contacts) and held >= _PERSONAL_SHARE * filled


def customer_keys(cells: Iterable[Cell]) -> pd.Series:
    """A number per customer that tells them apart and cannot be turned back; 0: not known."""
    listed = list(cells)
    keys = {cell: 0 if is_missing(cell) else _keyed(cell) for cell in set(listed)}
    return pd.Series([keys[cell] for cell in listed], dtype="uint64")


def keyed_ids(ids: pd.Series) -> pd.Series:
    """The ids of records, of which those that are contacts become keys of this process.

    What tells records apart in all files is a hash that a list of addresses would undo.
    """
    keys = {id: f"{_keyed(id):x}" for id in ids.unique() if has_contact(id)}
    return ids.replace(keys) if keys else ids


def _keyed(cell: Cell) -> int:
    whole = int(cell) if isinstance(cell, float) and cell.is_integer() else cell
    text = str(whole).strip().casefold().lstrip("'")
    if _CONTACT.fullmatch(text) and "@" not in text:  # one telephone, however it is spaced
        text = re.sub(r"\D", "", text)[-10:]
    return int.from_bytes(blake2b(text.encode(), digest_size=8, key=_KEY).digest())
