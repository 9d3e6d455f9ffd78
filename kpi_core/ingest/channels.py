"""What a channel, medium or source is called in exports, brought to the product's channels."""

from functools import cache, lru_cache

from kpi_core import catalogue
from kpi_core.ingest.headings import plain


@cache
def _known() -> dict[str, str]:
    return {
        plain(value): id
        for id, entry in catalogue.channels().items()
        for value in (id, *entry["values"])
    }


@lru_cache(10_000)
def channel_of(raw: str) -> str | None:
    """The channel that a value means: as a whole, else by its medium, the part after the slash.

    >>> channel_of("google / cpc"), channel_of("Переходы по рекламе"), channel_of("Ozon")
    ('paid_search', 'paid_search', None)
    """
    known = _known()
    return known.get(plain(raw)) or known.get(plain(raw.rpartition("/")[2]))
