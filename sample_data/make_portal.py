"""The portal "Луженск сегодня": city news and a calendar of events, living on ads, in roubles."""

from datetime import date, datetime
from pathlib import Path

import numpy as np
import xlsxwriter
from layout import (
    DAYS,
    FIRST,
    LAST,
    Counts,
    Levels,
    Source,
    Traffic,
    dice,
    during,
    season,
    visit,
    week,
    write_csv,
    write_ga4_report,
    write_metrika,
)

NAME = "Луженск сегодня"
VISITS_A_DAY = 400_000 / 31
YEAR = season([0.93, 0.97, 1.04, 0.92, 0.94, 0.96, 0.95, 0.92, 0.86, 0.80, 0.84, 0.97, 1.00])
LEVEL = VISITS_A_DAY * YEAR * week([0.98, 0.99, 1.01, 1.08, 1.14, 0.93, 0.87])
COUNTER_SILENT = during(date(2026, 1, 20), date(2026, 1, 23))
BOT_WEEKS = during(date(2026, 3, 16), date(2026, 4, 12))
SEARCH_LOSS = (date(2026, 6, 9), date(2026, 7, 12), date(2026, 8, 20))
AD_PRICE = season([1.05, 1.15, 1.30, 0.75, 0.85, 0.95, 1.0, 0.98, 0.95, 0.85, 0.85, 0.95, 1.0])

SEARCH = "Переходы из поисковых систем"
ADS = "Переходы по рекламе"
SOURCES = [
    Source(SEARCH, 0.40, 0.21, 3.0, 150, 0.34),
    Source("Прямые заходы", 0.23, 0.13, 4.6, 260, 0.66),
    Source("Переходы из мессенджеров", 0.13, 0.19, 3.1, 170, 0.50),
    Source("Переходы из социальных сетей", 0.10, 0.27, 2.7, 125, 0.38),
    Source("Переходы по ссылкам на сайтах", 0.07, 0.24, 2.9, 140, 0.29),
    Source("Переходы по email-рассылкам", 0.025, 0.11, 4.9, 280, 0.83),
    Source("Внутренние переходы", 0.023, 0.16, 4.2, 210, 0.55),
    Source(ADS, 0.012, 0.33, 2.2, 85, 0.12),
    Source("Переходы с сохранённых страниц", 0.01, 0.09, 4.0, 230, 0.86),
]
BOTS = Source("Переходы из рекомендательных систем", 0.22, 0.97, 1.02, 3, 0.01)

CAMPAIGNS = [  # name, share of clicks, price of a click, click rate, first and last day
    ("Афиша выходного дня", 0.55, 6.8, 0.0095, FIRST, LAST),
    ("Подписка на утренние новости", 0.45, 8.1, 0.0072, FIRST, LAST),
    ("Праздник набережной", 0.60, 5.4, 0.0131, date(2026, 8, 3), date(2026, 8, 23)),
]


def make(folder: Path) -> None:
    """Write every file of the portal."""
    traffic = roll_traffic()
    write_metrika(folder / "metrika_sources.csv", traffic, COUNTER_SILENT, returning=True)
    write_events(folder / "ga4_events.csv", traffic)
    write_vk_ads(folder / "vk_ads.csv", traffic)
    write_ad_revenue(folder / "ad_revenue.xlsx", traffic)


def search_loss() -> Levels:
    """Search traffic after a change of the engine's ranking: a fall, a bottom, a way back."""
    fall, turn, healed = ((day - FIRST).days for day in SEARCH_LOSS)
    return np.interp(np.arange(len(DAYS)), [fall - 1, fall + 4, turn, healed], [1, 0.42, 0.45, 1])


def roll_traffic() -> list[Traffic]:
    """Visits as they were, counter outage or not."""
    rng = dice("portal/traffic")
    traffic = []
    for source in SOURCES:
        factor = search_loss() if source.name == SEARCH else 1
        traffic.append(visit(rng, source, LEVEL * source.share * factor))
    return [*traffic, visit(rng, BOTS, VISITS_A_DAY * BOTS.share * BOT_WEEKS)]


def daily(traffic: list[Traffic], what: str) -> Counts:
    """Sum one counter array over the human sources."""
    return sum(getattr(t, what) for t in traffic if t.source is not BOTS)


def write_events(path: Path, traffic: list[Traffic]) -> None:
    """Write GA4 event counts; GA4 filters the bots out and loses a few people to ad blockers."""
    rng = dice("portal/ga4_events")
    visits, views = daily(traffic, "visits"), daily(traffic, "views")
    rows = []
    for n, day in enumerate(DAYS):
        sessions = int(rng.binomial(visits[n], 0.93))
        users = int(rng.binomial(sessions, 0.86))
        comments = int(rng.poisson(visits[n] * 0.005))
        clicks = int(rng.poisson(views[n] * 0.0042))
        counts = {
            "page_view": (int(rng.binomial(views[n], 0.93)), users),
            "session_start": (sessions, users),
            "ad_click": (clicks, int(rng.binomial(clicks, 0.93))),
            "comment_post": (comments, int(rng.binomial(comments, 0.61))),
        }
        rows += [[f"{day:%Y%m%d}", name, *pair] for name, pair in counts.items()]
    header = ["Date", "Event name", "Event count", "Total users"]
    write_ga4_report(path, "Events: Event name", NAME, header, rows)


def write_vk_ads(path: Path, traffic: list[Traffic]) -> None:
    """Write VK Ads as a Windows office re-saves it: cp1251, semicolons, decimal commas.

    The rouble sign does not exist in cp1251, hence "руб." in the header.
    """
    rng = dice("portal/vk_ads")
    visits = next(t for t in traffic if t.source.name == ADS).visits
    rows, totals = [], np.zeros(3)
    for n, day in enumerate(DAYS):
        for name, share, price, ctr, first, last in CAMPAIGNS:
            if not first <= day <= last:
                continue
            clicks = int(rng.poisson(visits[n] * share / 0.92))
            shows = clicks + int(rng.poisson(clicks * (1 / ctr - 1)))
            cost = round(clicks * price * rng.lognormal(0, 0.08), 2)
            totals += [shows, clicks, cost]
            rows.append([f"{day:%d.%m.%Y}", name, *_russian(shows, clicks, cost)])
    rows.append(["Итого", "", *_russian(*totals)])
    preamble = ["Статистика рекламных кампаний", f"за период с {FIRST:%d.%m.%Y} по {LAST:%d.%m.%Y}"]
    write_csv(
        path,
        [["Дата", "Кампания", "Показы", "Клики", "Потрачено, руб."], *rows],
        preamble=preamble,
        delimiter=";",
        newline="\r\n",
        encoding="cp1251",
    )


def _russian(shows: float, clicks: float, cost: float) -> list[str]:
    """Format numbers with a no-break space for thousands and a decimal comma."""
    texts = (f"{shows:,.0f}", f"{clicks:,.0f}", f"{cost:,.2f}")
    return [text.replace(",", "\u00a0").replace(".", ",") for text in texts]


def write_ad_revenue(path: Path, traffic: list[Traffic]) -> None:
    """Write the accountant's workbook; its file properties are fixed, so the bytes repeat."""
    rng = dice("portal/ad_revenue")
    shows = rng.poisson(daily(traffic, "views") * 2.3)
    income = np.round(shows / 1000 * 118 * AD_PRICE * rng.lognormal(0, 0.04, len(DAYS)), 2)
    with xlsxwriter.Workbook(path) as book:
        book.set_properties({"title": "Доход от рекламы", "created": datetime(2026, 11, 1)})
        sheet = book.add_worksheet("Реклама")
        as_date = book.add_format({"num_format": "dd.mm.yyyy"})
        as_money = book.add_format({"num_format": "#,##0.00"})
        as_count = book.add_format({"num_format": "#,##0"})
        sheet.set_column(0, 2, 16)
        sheet.write_row(0, 0, ["Дата", "Доход", "Показы рекламы"])
        for n, day in enumerate(DAYS, 1):
            sheet.write_datetime(n, 0, datetime(day.year, day.month, day.day), as_date)
            sheet.write_number(n, 1, float(income[n - 1]), as_money)
            sheet.write_number(n, 2, int(shows[n - 1]), as_count)
        end = len(DAYS) + 1
        sheet.write_string(end, 0, "Итого")
        sheet.write_number(end, 1, round(float(income.sum()), 2), as_money)
        sheet.write_number(end, 2, int(shows.sum()), as_count)
