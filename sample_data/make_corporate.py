"""The corporate site "Norvelto Filter": industrial air filters, sold by leads, in euros."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path

import numpy as np
from layout import (
    DAYS,
    FIRST,
    LAST,
    Counts,
    Source,
    Traffic,
    dice,
    during,
    season,
    visit,
    week,
    write_csv,
    write_ga4_report,
)

NAME = "Norvelto Filter"
SESSIONS_A_DAY = 90_000 / 31
YEAR = season([0.88, 0.90, 0.72, 0.80, 0.90, 1.00, 0.96, 0.90, 0.86, 0.76, 0.72, 0.96, 1.00])
LEVEL = SESSIONS_A_DAY * YEAR * week([1.18, 1.25, 1.22, 1.17, 1.02, 0.55, 0.61])
FORM_DOWN = during(date(2026, 3, 3), date(2026, 3, 24))
TAG_SILENT = during(date(2026, 5, 13), date(2026, 5, 14))
BOT_WEEKS = during(date(2026, 6, 1), date(2026, 6, 28))
EXPORTED = datetime.combine(LAST, time()) + timedelta(days=1)


@dataclass(frozen=True)
class Channel(Source):
    """A GA4 channel: leads per session and the utm words its leads carry."""

    leads: float = 0.0
    utm_source: str = ""
    utm_medium: str = ""


CHANNELS = [
    Channel("Paid Search", 28 / 90, 0.41, 2.4, 62, 0, 0.0032, "google", "cpc"),
    Channel("Organic Search", 20 / 90, 0.36, 3.0, 84, 0, 0.0038, "google", "organic"),
    Channel("Display", 12 / 90, 0.63, 1.4, 21, 0, 0.0004, "google", "display"),
    Channel("Direct", 10 / 90, 0.39, 2.7, 75, 0, 0.0030),
    Channel("Organic Social", 7 / 90, 0.55, 1.7, 34, 0, 0.0006, "social", "post"),
    Channel("Paid Social", 6 / 90, 0.60, 1.5, 25, 0, 0.0005, "social", "paid"),
    Channel("Email", 5 / 90, 0.33, 2.9, 80, 0, 0.0030, "newsletter", "email"),
    Channel("Referral", 2 / 90, 0.42, 2.5, 66, 0, 0.0030, "partner", "referral"),
]
BOTS = Channel("Unassigned", 0.45, 0.97, 1.02, 2)

PAGES = [  # path, share of views
    ("/", 0.27),
    ("/products/panel-filters", 0.13),
    ("/products/bag-filters", 0.12),
    ("/products/hepa", 0.11),
    ("/products/dust-collectors", 0.08),
    ("/products/spare-cartridges", 0.07),
    ("/service", 0.06),
    ("/about", 0.06),
    ("/contacts", 0.06),
    ("/catalogue", 0.04),
]
CAMPAIGNS = [  # name, share of its network's clicks, price of a click, click rate, conversions
    ("Search | Panel filters", 0.34, 0.58, 0.046, 0.30),
    ("Search | HEPA", 0.26, 0.66, 0.041, 0.28),
    ("Search | Brand", 0.22, 0.24, 0.148, 0.27),
    ("Search | Service contracts", 0.18, 0.71, 0.037, 0.12),
    ("Display | Remarketing", 1.0, 0.15, 0.006, 0.03),
]
SEARCH = [campaign[0] for campaign in CAMPAIGNS if campaign[0].startswith("Search")]
REMOVED = np.array([1_318, 24_655, 702.14, 9.0])  # clicks, impressions, cost, conversions

FORM, CALL, CATALOGUE = "Форма на сайте", "Звонок", "Заказ каталога"
WON_SHARE = {FORM: 0.18, CALL: 0.25, CATALOGUE: 0.08}


@dataclass(frozen=True)
class Task:
    """A report to make: asked on a day, due so many days later, planned for so many hours."""

    asked: date
    days: int
    kind: str
    summary: str
    hours: int


@dataclass(frozen=True)
class Lead:
    """A request for an offer: when, from which channel, in which way, seen by GA4 or not."""

    created: datetime
    channel: Channel
    kind: str
    seen_by_ga4: bool


def make(folder: Path) -> None:
    """Write every file of the corporate site."""
    traffic = roll_traffic()
    leads = roll_leads(traffic)
    write_traffic(folder / "ga4_traffic.csv", traffic)
    write_pages(folder / "ga4_pages.csv", traffic)
    write_events(folder / "ga4_events.csv", traffic, leads)
    write_google_ads(folder / "google_ads.csv", traffic, leads)
    write_deals(folder / "crm_deals.csv", leads)
    write_tasks(folder / "tasks.csv")


def roll_traffic() -> list[Traffic]:
    """Sessions as they were, whether the tag saw them or not."""
    rng = dice("corporate/traffic")
    traffic = [visit(rng, channel, LEVEL * channel.share) for channel in CHANNELS]
    return [*traffic, visit(rng, BOTS, SESSIONS_A_DAY * BOTS.share * BOT_WEEKS)]


def roll_leads(traffic: list[Traffic]) -> list[Lead]:
    """Roll the leads of each day; while the form is down only part of its visitors phone."""
    rng = dice("corporate/leads")
    leads = []
    for t in traffic:
        for n, count in enumerate(rng.poisson(t.visits * t.source.leads)):
            for _ in range(count):
                kind = str(rng.choice([FORM, CALL, CATALOGUE], p=[0.64, 0.20, 0.16]))
                if kind == FORM and FORM_DOWN[n]:
                    if rng.random() > 0.12:
                        continue
                    kind = CALL
                hour = np.clip(rng.normal(13, 3), 7, 21)
                created = datetime.combine(DAYS[n], time()) + timedelta(hours=float(hour))
                leads.append(Lead(created, t.source, kind, bool(rng.random() < 0.94)))
    return sorted(leads, key=lambda lead: lead.created)


def heard_days() -> list[int]:
    """Days on which the GA4 tag worked."""
    return [int(n) for n in np.flatnonzero(~TAG_SILENT)]


def write_traffic(path: Path, traffic: list[Traffic]) -> None:
    """Write the traffic acquisition report; bounce rate is one minus engaged per session."""
    rng = dice("corporate/ga4_traffic")
    header = ["Date", "Session primary channel group (Default channel group)", "Sessions"]
    header += ["Engaged sessions", "Total users", "New users", "Views"]
    header += ["Average engagement time per session", "Bounce rate"]
    rows = []
    for n in heard_days():
        for t in sorted(traffic, key=lambda t: -t.visits[n]):
            sessions = int(t.visits[n])
            if not sessions:
                continue
            engaged = sessions - int(t.bounces[n])
            new = int(rng.binomial(t.visitors[n], 0.95 if t.source is BOTS else 0.62))
            seconds = int(t.seconds[n]) * sessions + int(rng.integers(sessions))
            cells = [sessions, engaged, int(t.visitors[n]), new, int(t.views[n])]
            cells += [seconds / sessions, 1 - engaged / sessions]
            rows.append([f"{DAYS[n]:%Y%m%d}", t.source.name, *cells])
    report = f"Traffic acquisition: {header[1]}"
    write_ga4_report(path, report, NAME, header, rows)


def daily(traffic: list[Traffic], what: str) -> Counts:
    """Sum one counter array over the channels."""
    return sum(getattr(t, what) for t in traffic)


def write_pages(path: Path, traffic: list[Traffic]) -> None:
    """Write views by page; over the pages they add up to the views of the traffic report."""
    rng = dice("corporate/ga4_pages")
    views = daily(traffic, "views")
    shares = [share for _, share in PAGES]
    rows = []
    for n in heard_days():
        for (page, _), count in zip(PAGES, rng.multinomial(views[n], shares), strict=True):
            users = int(rng.binomial(count, 0.78))
            rows.append([f"{DAYS[n]:%Y%m%d}", page, int(count), users])
    header = ["Date", "Page path and screen class", "Views", "Active users"]
    write_ga4_report(path, f"Pages and screens: {header[1]}", NAME, header, rows)


def write_events(path: Path, traffic: list[Traffic], leads: list[Lead]) -> None:
    """Write event counts; generate_lead is form plus catalogue, calls stay unseen."""
    rng = dice("corporate/ga4_events")
    seen = [lead for lead in leads if lead.seen_by_ga4 and lead.kind != CALL]
    generated = Counter(lead.created.date() for lead in seen)
    submitted = Counter(lead.created.date() for lead in seen if lead.kind == FORM)
    sessions, users, views = (daily(traffic, name) for name in ("visits", "visitors", "views"))
    rows = []
    for n in heard_days():
        day, people = DAYS[n], int(users[n])
        downloads = int(rng.binomial(sessions[n], 0.021))
        counts = {
            "page_view": (int(views[n]), people),
            "session_start": (int(sessions[n]), people),
            "file_download": (downloads, int(rng.binomial(downloads, 0.8))),
            "generate_lead": (generated[day], generated[day]),
            "contact_form_submit": (submitted[day], submitted[day]),
        }
        rows += [[f"{day:%Y%m%d}", name, *pair] for name, pair in counts.items() if pair[0]]
    header = ["Date", "Event name", "Event count", "Total users"]
    write_ga4_report(path, "Events: Event name", NAME, header, rows)


def write_google_ads(path: Path, traffic: list[Traffic], leads: list[Lead]) -> None:
    """Write Google Ads by campaign and day, closed by totals that overlap.

    "Total: Account" also holds a campaign removed before the export, so it is above the rows.
    """
    rng = dice("corporate/google_ads")
    by_name = {t.source.name: t for t in traffic}
    paid = Counter(
        lead.created.date()
        for lead in leads
        if lead.kind != CALL and lead.channel.name in ("Paid Search", "Display")
    )
    header = ["Campaign", "Day", "Currency code", "Clicks", "Impr.", "CTR", "Avg. CPC", "Cost"]
    header += ["Conversions", "Cost / conv.", "Search impr. share"]
    rows = []
    sums = {name: np.zeros(4) for name, *_ in CAMPAIGNS}
    for name, share, price, ctr, goal_share in CAMPAIGNS:
        network = by_name["Paid Search" if name in SEARCH else "Display"]
        for n, day in enumerate(DAYS):
            clicks = rng.poisson(network.visits[n] * share / 0.93)
            shows = clicks + rng.poisson(clicks * (1 / ctr - 1))
            cost = round(clicks * price * rng.lognormal(0, 0.06), 2)
            goals = round(paid[day] * goal_share * rng.lognormal(0, 0.5), 2)
            sums[name] += [clicks, shows, cost, goals]
            cells = _ads(clicks, shows, cost, goals)
            rows.append([name, f"{day}", "EUR", *cells, _impression_share(rng, name)])
    listed = sum(sums.values())
    totals = {"Campaigns": listed, "Account": listed + REMOVED}
    totals["Search"] = sum(sums[name] for name in SEARCH)
    rows += [[f"Total: {name}", " --", "EUR", *_ads(*t), ""] for name, t in totals.items()]
    period = f"{FIRST.day} {FIRST:%B %Y} - {LAST.day} {LAST:%B %Y}"
    write_csv(path, [header, *rows], preamble=["Campaign report", period])


def _ads(clicks: float, shows: float, cost: float, goals: float) -> list[str]:
    cells = [f"{clicks:,.0f}", f"{shows:,.0f}"]
    cells += [f"{clicks / shows:.2%}", f"{cost / clicks:.2f}"] if clicks else ["0.00%", "0.00"]
    return [*cells, f"{cost:.2f}", f"{goals:.2f}", f"{cost / goals:.2f}" if goals else "0.00"]


def _impression_share(rng: np.random.Generator, campaign: str) -> str:
    typical = {"Search | Brand": 0.86, "Search | Service contracts": 0.12}
    if campaign not in SEARCH:
        return " --"
    share = typical.get(campaign, 0.34) * rng.lognormal(0, 0.12)
    return "< 10%" if share < 0.1 else f"{min(share, 0.9):.2%}"


def write_deals(path: Path, leads: list[Lead]) -> None:
    """Write an amoCRM export made the morning after the last day."""
    rng = dice("corporate/crm_deals")
    header = ["ID", "Название сделки", "Бюджет", "Ответственный", "Дата создания сделки"]
    header += ["Дата закрытия", "Теги", "Этап сделки", "Воронка", "utm_source", "utm_medium"]
    header += ["utm_campaign", "Источник"]
    write_csv(path, [header, *(_deal(rng, 400_100 + 7 * k, lead) for k, lead in enumerate(leads))])


def _deal(rng: np.random.Generator, number: int, lead: Lead) -> list[object]:
    days = int(np.clip(rng.lognormal(3.2, 0.6), 2, 150))
    closes = datetime.combine(lead.created.date() + timedelta(days), time(9))
    closes += timedelta(minutes=int(rng.integers(540)))
    won = bool(rng.random() < WON_SHARE[lead.kind])
    offer = int(np.clip(rng.lognormal(8.55, 0.75), 400, 90_000) // 10 * 10)
    manager = f"Менеджер {rng.integers(1, 5)}"
    tag = str(rng.choice(["панельные", "карманные", "HEPA", "пылеуловители", "сервис"]))
    talks = (EXPORTED - lead.created) > timedelta(days=9)
    open_stage = str(rng.choice(["Переговоры", "Предложение отправлено"]))
    if closes < EXPORTED:
        stage = "Успешно реализовано" if won else "Закрыто и не реализовано"
        budget = offer if won or rng.random() < 0.4 else 0
    else:
        stage = open_stage if talks else "Первичный контакт"
        budget = offer if talks else 0
    utm = ["", "", ""] if lead.kind == CALL else [*_utm(rng, lead.channel)]
    return [
        *(number, f"{lead.kind} № {number}", budget, manager, f"{lead.created:%d.%m.%Y %H:%M:%S}"),
        f"{closes:%d.%m.%Y %H:%M:%S}" if closes < EXPORTED else "",
        *(tag, stage, "Продажи", *utm, lead.kind),
    ]


def _utm(rng: np.random.Generator, channel: Channel) -> Sequence[str]:
    campaign = {"cpc": str(rng.choice(SEARCH)), "display": CAMPAIGNS[-1][0], "email": "monthly"}
    return channel.utm_source, channel.utm_medium, campaign.get(channel.utm_medium, "")


def write_tasks(path: Path) -> None:
    """Write the marketer's reports as a task register: weekly, monthly and on request."""
    rng = dice("corporate/tasks")
    plan = []
    for n, day in enumerate(DAYS):
        if day.weekday() == 0:
            plan.append(Task(day, 2, "Regular report", f"Weekly traffic report {day:%G-W%V}", 3))
        if day.day == 1:
            plan.append(Task(day, 4, "Regular report", f"Lead report before {day:%Y-%m}", 8))
        if day.weekday() < 5 and rng.random() < 0.25:
            days = int(rng.integers(2, 8))
            plan.append(Task(day, days, "Report on request", REQUESTS[n % len(REQUESTS)], 5))
    header = ["Issue key", "Summary", "Issue Type", "Status", "Created", "Resolved", "Due date"]
    header += ["Original Estimate", "Time Spent", "Returned"]
    write_csv(path, [header, *(_task(rng, key, task) for key, task in enumerate(plan, 1))])


REQUESTS = [
    "Which pages bring HEPA leads",
    "Competitor price check",
    "Landing page for the trade fair",
    "Why calls grew last week",
    "Newsletter audience by country",
]


def _task(rng: np.random.Generator, key: int, task: Task) -> list[object]:
    """Roll one task; about one in nine is late, one in ten comes back for rework."""
    created = datetime.combine(task.asked, time(9)) + timedelta(minutes=int(rng.integers(90)))
    due = _workday(datetime.combine(task.asked + timedelta(task.days), time()))
    late = rng.random() < 0.11
    used = task.days + rng.integers(1, 4) if late else rng.integers(1, task.days + 1)
    resolved = _workday(datetime.combine(task.asked + timedelta(int(used)), time(11, 15)))
    resolved += timedelta(minutes=int(rng.integers(380)))
    returned = int(rng.choice([0, 1, 2], p=[0.9, 0.08, 0.02]))
    spent = int(task.hours * 3600 * rng.lognormal(0, 0.25) * (1 + 0.3 * returned) // 300 * 300)
    done = resolved < EXPORTED
    return [
        *(f"NF-{key}", task.summary, task.kind, "Done" if done else "In Progress", _jira(created)),
        *(_jira(resolved) if done else "", _jira(due), task.hours * 3600),
        *(spent if done else spent // 2 // 300 * 300, returned if done else 0),
    ]


def _workday(moment: datetime) -> datetime:
    """Move a weekend to the Monday after it."""
    return moment + timedelta(7 - moment.weekday() if moment.weekday() > 4 else 0)


def _jira(moment: datetime) -> str:
    return f"{moment:%d/%b/%y} {moment.hour % 12 or 12}:{moment:%M %p}"
