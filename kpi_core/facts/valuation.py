"""Money of several currencies, with and without VAT, as money of one kind.

No rate is made up: without one, money of another currency stays what it is, and is then neither
added nor divided. So it is with VAT: money that does not say stays as it is.
"""

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from weakref import WeakKeyDictionary

import pandas as pd

from kpi_core import catalogue
from kpi_core.errors import UsageError
from kpi_core.facts.streams import UNKNOWN, Conversion, Facts, Stream
from kpi_core.model import VATS, Unit, Vat

ONE = Fraction(1)
_CODE = re.compile(r"[A-Z]{3}")
_MOST_KEPT = 8  # valuations of one body of facts


@dataclass(frozen=True)
class Valuation:
    """What an owner says of money.

    Attributes:
        currency: what money is brought to.
        rates: currency to its price in `currency`.
        vat: source to whether its money includes VAT; goes before what its files say.
        vat_rate: 0.2 for 20 %; without it no money is converted.
        vat_basis: what money is brought to: as it is paid, including VAT, or without it.
    """

    currency: str | None = None
    rates: Mapping[str, Fraction] = field(default_factory=dict, hash=False)
    vat: Mapping[str, Vat] = field(default_factory=dict, hash=False)
    vat_rate: Fraction | None = None
    vat_basis: Vat = "incl"

    def __post_init__(self) -> None:
        for code, rate in self.rates.items():
            if not _CODE.fullmatch(code) or rate <= 0:
                raise UsageError("bad_rate", where=code)
            if code == self.currency:
                raise UsageError("rate_of_itself", where=code)
        for source, word in self.vat.items():
            if word not in VATS:
                raise UsageError("bad_vat", where=source)
        if self.vat_basis not in VATS:
            raise UsageError("bad_vat", where=str(self.vat_basis))
        if self.vat_rate is not None and not 0 <= self.vat_rate <= 1:
            raise UsageError("assumption_over_one", where="vat_rate")

    def conversion(self, currency: str, vat: str) -> Conversion | None:
        """How money of a currency and VAT becomes what is wanted; ``None`` where it stays."""
        rate = self.rates.get(currency) if self.currency else None
        factor = None
        if self.vat_rate is not None and vat in VATS and vat != self.vat_basis:
            factor = 1 + self.vat_rate if vat == "excl" else 1 / (1 + self.vat_rate)
        if rate is None and factor is None:
            return None
        return Conversion(currency, rate or ONE, factor or ONE)

    def becomes(self, currency: str, vat: str) -> tuple[str, str]:
        """The currency and VAT of money after its conversion."""
        how = self.conversion(currency, vat)
        exchanged = how is not None and currency in self.rates
        taxed = how is not None and how.vat != ONE
        return self.currency or UNKNOWN if exchanged else currency, self.vat_basis if taxed else vat

    @property
    def digest(self) -> str:
        """The same for the same choices, whatever their order."""
        said = (
            self.currency,
            sorted(self.rates.items()),
            sorted(self.vat.items()),
            self.vat_rate,
            self.vat_basis,
        )
        return hashlib.sha256(repr(said).encode()).hexdigest()


# Goes when the facts go: nothing of a client stays behind in a server that others use.
_KEPT: WeakKeyDictionary[Facts, dict[Valuation, Facts]] = WeakKeyDictionary()


def valued(facts: Facts, valuation: Valuation) -> Facts:
    """The facts with all money brought to one currency and one VAT, as far as that can be done.

    Sums stay as exact as they were: they are rounded to the sixth decimal after adding.
    """
    kept = _KEPT.setdefault(facts, {})
    if made := kept.get(valuation):
        return made
    streams = tuple(_valued(stream, valuation) for stream in facts.streams)
    if all(new is old for new, old in zip(streams, facts.streams, strict=True)):
        return facts
    made = replace(facts, streams=streams, digest=f"{facts.digest}@{valuation.digest}")
    while len(kept) >= _MOST_KEPT:
        kept.pop(next(iter(kept)), None)
    kept[valuation] = made
    return made


def _valued(stream: Stream, valuation: Valuation) -> Stream:
    money = [id for id in stream.measures if catalogue.measure(id).unit is Unit.MONEY]
    if not money:
        return stream
    said = valuation.vat.get(stream.source)
    currencies = stream.frame["currency"].fillna(UNKNOWN)
    vats = [said] * len(currencies) if said else stream.frame["vat"].fillna(UNKNOWN)
    kinds = list(zip(currencies, vats, strict=True))
    needed = {kind: valuation.conversion(*kind) for kind in sorted(set(kinds))}
    made = tuple(dict.fromkeys(how for how in needed.values() if how))
    if not made and not said:
        return stream
    after = {kind: valuation.becomes(*kind) for kind in needed}
    frame = stream.frame.assign(currency=[after[kind][0] for kind in kinds])
    frame["vat"] = [after[kind][1] for kind in kinds]
    frame["conversion"] = [made.index(how) if (how := needed[kind]) else -1 for kind in kinds]
    for number, how in enumerate(made):
        frame.loc[frame["conversion"] == number, money] *= float(how.rate * how.vat)
    words = (said,) if said else stream.vats
    log = stream.log
    if log is not None:
        vats = pd.Series(said, log.index) if said else log["vat"].fillna(UNKNOWN)
        own = list(zip(log["currency"].fillna(UNKNOWN), vats, strict=True))
        log = log.assign(currency=[after[kind][0] for kind in own])
        log["vat"] = [after[kind][1] for kind in own]
        times = [float(how.rate * how.vat) if (how := needed[kind]) else 1.0 for kind in own]
        for id in log.columns.intersection(money):
            log[id] *= times
    return replace(
        stream,
        frame=frame,
        log=log,
        currencies=_sorted(valuation.becomes(code, UNKNOWN)[0] for code in stream.currencies),
        vats=_sorted(valuation.becomes(UNKNOWN, word)[1] for word in words),
        conversions=made,
    )


def _sorted(words: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(set(words)))
