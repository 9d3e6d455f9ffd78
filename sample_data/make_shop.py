"""The shop "Мхолист": house plants and garden goods, sold online, in roubles."""

from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from layout import (
    DAYS,
    FINAL_MONTH,
    FIRST,
    LAST,
    Levels,
    Source,
    Traffic,
    dice,
    during,
    season,
    visit,
    week,
    write_csv,
    write_metrika,
)

VISITS_A_DAY = 1900
YEAR = season([0.80, 0.74, 0.82, 0.66, 0.74, 1.12, 1.42, 1.46, 1.14, 0.88, 0.82, 0.92, 0.95])
LEVEL = VISITS_A_DAY * YEAR * week([1.0, 0.95, 0.93, 0.92, 0.90, 1.12, 1.18])
COUNTER_SILENT = during(date(2026, 2, 10), date(2026, 2, 12))
CHECKOUT_BROKEN = during(date(2026, 5, 11), date(2026, 5, 24))
BOT_WEEKS = during(date(2026, 7, 6), date(2026, 8, 2))
BAD_MAILING = date(2026, 8, 18)

GA4_SEES, GA4_SEES_ORDER = 0.92, 0.95
CART_TO_ORDER, CHECKOUT_TO_ORDER = 0.17, 0.17 / 0.30


@dataclass(frozen=True)
class ShopSource(Source):
    """A source that also sells: its GA4 channel, its word in the orders, orders per visit."""

    ga4: str = ""
    utm: str = ""
    orders_per_visit: float = 0.0


SOURCE_TABLE = [  # name, share, bounce rate, depth, GA4 channel, word in orders, orders per visit
    ("Переходы из поисковых систем", 0.37, 0.18, 4.1, "Organic Search", "organic", 0.0121),
    ("Переходы по рекламе", 0.315, 0.24, 3.2, "Paid Search", "cpc", 0.0115),
    ("Прямые заходы", 0.14, 0.17, 4.4, "Direct", "direct", 0.0142),
    ("Переходы по email-рассылкам", 0.05, 0.12, 5.0, "Email", "email", 0.0205),
    ("Переходы из социальных сетей", 0.055, 0.29, 2.6, "Organic Social", "social", 0.0056),
    ("Переходы по ссылкам на сайтах", 0.035, 0.22, 3.4, "Referral", "referral", 0.0095),
    ("Переходы из мессенджеров", 0.015, 0.21, 3.1, "Organic Social", "social", 0.009),
    ("Внутренние переходы", 0.014, 0.15, 3.9, "Direct", "direct", 0.010),
    ("Переходы с сохранённых страниц", 0.006, 0.10, 4.0, "Direct", "direct", 0.012),
]
SOURCES = [
    ShopSource(name, share, bounce, depth, 45 * depth, 0, *selling)
    for name, share, bounce, depth, *selling in SOURCE_TABLE
]
BOTS = ShopSource("Не определено", 0.42, 0.97, 1.02, 4, 0, "Unassigned", "", 0)
UTM_BY_CHANNEL = {source.ga4: source.utm for source in SOURCES}

PRODUCTS = [  # name, article, price, popularity, sold mostly in the garden season
    ("Монстера деликатесная, 60 см", "PL-101", 2890, 5, False),
    ("Сансевиерия цилиндрическая", "PL-102", 1690, 6, False),
    ("Фикус лировидный, 90 см", "PL-103", 3990, 3, False),
    ("Спатифиллум цветущий", "PL-104", 1290, 7, False),
    ("Орхидея фаленопсис, 2 ветки", "PL-105", 1990, 7, False),
    ("Замиокулькас, 50 см", "PL-106", 2390, 5, False),
    ("Папоротник нефролепис", "PL-107", 990, 5, False),
    ("Оливковое дерево, 80 см", "PL-108", 5490, 2, False),
    ("Кашпо керамическое, 20 см", "PT-201", 1450, 8, False),
    ("Кашпо с автополивом, 30 см", "PT-202", 2290, 5, False),
    ("Грунт универсальный, 10 л", "SO-301", 390, 9, False),
    ("Удобрение для листьев, 500 мл", "SO-302", 540, 7, False),
    ("Фитолампа на прищепке", "LI-401", 1890, 5, False),
    ("Увлажнитель для растений", "LI-402", 3190, 2, False),
    ("Набор семян томатов, 6 сортов", "GA-501", 690, 7, True),
    ("Роза плетистая, саженец", "GA-502", 1490, 6, True),
    ("Гортензия метельчатая, саженец", "GA-503", 1890, 6, True),
    ("Яблоня колонновидная, саженец", "GA-504", 2390, 4, True),
    ("Теплица разборная, 2 м", "GA-505", 6900, 2, True),
    ("Шланг с катушкой, 20 м", "GA-506", 2690, 4, True),
    ("Секатор с храповиком", "GA-507", 1790, 5, True),
    ("Качели садовые, подвесные", "GA-508", 6200, 1, True),
]


@dataclass(frozen=True)
class Order:
    """An order with its lines (name, article, price, quantity) and what became of it."""

    number: int
    created: datetime
    ga4: str
    utm: str
    status: str
    new_customer: bool
    lines: list[tuple[str, str, int, int]]
    code: str
    discount: float
    seen_by_ga4: bool

    @property
    def subtotal(self) -> float:
        """Goods after the discount."""
        return sum(price * count for *_, price, count in self.lines) - self.discount

    @property
    def shipping(self) -> float:
        """Delivery is free from 3000 roubles on."""
        return 0 if self.subtotal >= 3000 else 350

    @property
    def total(self) -> float:
        """What the customer pays."""
        return self.subtotal + self.shipping

    @property
    def refunded(self) -> float:
        """What went back to the customer."""
        last_line = self.lines[-1][2] * self.lines[-1][3]
        back = {"refunded": self.total, "partially_refunded": min(last_line, self.subtotal) / 2}
        return back.get(self.status, 0)


@dataclass(frozen=True)
class Ga4Row:
    """One day of one channel as GA4 counts it; steps are sessions that reached the step."""

    n: int
    channel: str
    sessions: int
    engaged: int
    users: int
    views: int
    viewed: int
    carts: int
    checkouts: int
    purchases: int
    revenue: float

    @property
    def measures(self) -> list[float]:
        """The additive cells in the order of the export."""
        steps = [self.sessions, self.engaged, self.users, self.views, self.viewed, self.carts]
        return [*steps, self.checkouts, self.purchases, self.revenue]


def make(folder: Path) -> None:
    """Write every file of the shop."""
    traffic = roll_traffic()
    orders = roll_orders(traffic)
    ga4 = roll_ga4(traffic, orders)
    write_metrika(folder / "metrika_sources.csv", traffic, COUNTER_SILENT, returning=False)
    write_ga4(folder / "ga4_ecommerce.csv", ga4)
    write_direct(folder / "direct_campaigns.csv", traffic, orders)
    write_orders(folder / "orders.csv", orders)
    write_mailings(folder / "mailings.csv", orders)
    write_clickstream(folder / "clickstream.parquet", ga4)


def roll_traffic() -> list[Traffic]:
    """Visits as they were, counter outage or not; e-mail peaks on the mailing days."""
    rng = dice("shop/traffic")
    mail_days = week([0.7, 2.0, 0.9, 0.6, 1.8, 0.6, 0.5])
    traffic = []
    for source in SOURCES:
        rhythm = mail_days if source.utm == "email" else 1
        traffic.append(visit(rng, source, LEVEL * source.share * rhythm))
    return [*traffic, visit(rng, BOTS, VISITS_A_DAY * BOTS.share * BOT_WEEKS)]


def expected_orders(t: Traffic) -> Levels:
    """Orders the visits would bring with a working checkout."""
    return t.visits * t.source.orders_per_visit


def roll_orders(traffic: list[Traffic]) -> list[Order]:
    """Roll the orders of each day and source, then number them by time."""
    rng = dice("shop/orders")
    working = np.where(CHECKOUT_BROKEN, 0.3, 1.0)
    drafts = []
    for t in traffic:
        for n, count in enumerate(rng.poisson(expected_orders(t) * working)):
            drafts += [(_moment(rng, DAYS[n]), n, t.source) for _ in range(count)]
    drafts.sort(key=lambda draft: draft[0])
    return [_order(rng, 10001 + k, *draft) for k, draft in enumerate(drafts)]


def _moment(rng: np.random.Generator, day: date) -> datetime:
    hour = np.clip(rng.normal(15.5, 4.2), 6, 22)
    return datetime.combine(day, time()) + timedelta(seconds=int(hour * 3600 + rng.integers(3600)))


def _order(
    rng: np.random.Generator, number: int, created: datetime, n: int, source: ShopSource
) -> Order:
    popularity = np.array([p[3] * (0.9 * YEAR[n] ** 2 if p[4] else 1) for p in PRODUCTS])
    size = rng.choice([1, 2, 3, 4], p=[0.46, 0.31, 0.15, 0.08])
    picks = rng.choice(len(PRODUCTS), size, replace=False, p=popularity / popularity.sum())
    lines = [(*PRODUCTS[k][:3], int(rng.choice([1, 2, 3], p=[0.85, 0.11, 0.04]))) for k in picks]
    code, rate = ("LIST5", 0.05) if source.utm == "email" else ("LISTOK10", 0.10)
    discounted = rng.random() < (0.35 if source.utm == "email" else 0.07)
    goods = sum(price * count for *_, price, count in lines)
    statuses = ["paid", "partially_refunded", "refunded", "pending", "voided"]
    return Order(
        number,
        created,
        source.ga4,
        source.utm,
        status=str(rng.choice(statuses, p=[0.90, 0.02, 0.02, 0.025, 0.035])),
        new_customer=bool(rng.random() < (0.30 if source.utm in ("email", "direct") else 0.68)),
        lines=lines,
        code=code if discounted else "",
        discount=round(goods * rate, 2) if discounted else 0,
        seen_by_ga4=bool(rng.random() < GA4_SEES_ORDER),
    )


def roll_ga4(traffic: list[Traffic], orders: list[Order]) -> list[Ga4Row]:
    """Count the same visits and orders the GA4 way: fewer of both, by channel."""
    rng = dice("shop/ga4")
    bought: dict[tuple[int, str], list[float]] = defaultdict(list)
    for order in orders:
        if order.seen_by_ga4:
            bought[(order.created.date() - FIRST).days, order.ga4].append(order.total)
    rows = []
    for n in range(len(DAYS)):
        for channel in dict.fromkeys(t.source.ga4 for t in traffic):
            group = [t for t in traffic if t.source.ga4 == channel and t.visits[n]]
            if group:
                rows.append(_ga4_row(rng, n, channel, group, bought[n, channel]))
    return rows


def _ga4_row(
    rng: np.random.Generator, n: int, channel: str, group: list[Traffic], totals: list[float]
) -> Ga4Row:
    """Build the funnel upwards from the purchases, so that no step is smaller than the next."""
    sessions = int(sum(rng.binomial(t.visits[n], GA4_SEES) for t in group))
    views = sum(rng.poisson(t.views[n] * GA4_SEES) for t in group)
    bots = channel == BOTS.ga4
    healthy = GA4_SEES_ORDER * sum(expected_orders(t)[n] for t in group)
    sold = healthy * (0.3 if CHECKOUT_BROKEN[n] else 1)
    checkouts = len(totals) + rng.poisson(healthy / CHECKOUT_TO_ORDER - sold)
    carts = checkouts + rng.poisson(healthy * (1 / CART_TO_ORDER - 1 / CHECKOUT_TO_ORDER))
    viewed = 0 if bots else carts + rng.binomial(max(sessions - carts, 0), 0.27)
    return Ga4Row(
        *(n, channel, sessions),
        engaged=int(rng.binomial(sessions, 0.03 if bots else 0.64)),
        users=int(rng.binomial(sessions, 0.9)),
        views=int(max(views, sessions)),
        viewed=int(viewed),
        carts=int(carts),
        checkouts=int(checkouts),
        purchases=len(totals),
        revenue=round(sum(totals), 2),
    )


def write_ga4(path: Path, rows: list[Ga4Row]) -> None:
    """Write a free-form exploration; users of the grand total are fewer than the rows' sum."""
    rule = "# ----------------------------------------"
    period = f"# {FIRST:%Y%m%d}-{LAST:%Y%m%d}"
    header = ["Date", "Session default channel group", "Sessions", "Engaged sessions"]
    header += ["Total users", "Views", "Items viewed", "Add to carts", "Checkouts"]
    header += ["Ecommerce purchases", "Purchase revenue"]
    totals = [round(sum(column), 2) for column in zip(*(r.measures for r in rows), strict=True)]
    totals[2] = round(totals[2] * 0.64)
    body = [[f"{DAYS[r.n]:%Y%m%d}", r.channel, *_plain(r.measures)] for r in rows]
    write_csv(
        path,
        [header, ["", "", *_plain(totals), "Grand total"], *body],
        preamble=[rule, "# Мхолист", "# Free form-Free form 1", period, rule, ""],
    )


def _plain(values: list[float]) -> list[str]:
    """Print whole numbers without a decimal point, as GA4 does."""
    return [f"{value:.2f}".rstrip("0").rstrip(".") for value in values]


CAMPAIGNS = [  # name, share of clicks, price of a click, click rate, share of conversions
    ("Поиск — комнатные растения", 0.30, 24.0, 0.071, 0.36),
    ("Поиск — сад и рассада", 0.22, 22.5, 0.064, 0.24),
    ("Поиск — бренд", 0.12, 8.5, 0.182, 0.24),
    ("РСЯ — вдохновение для дома", 0.24, 19.0, 0.008, 0.08),
    ("Ретаргетинг — брошенная корзина", 0.12, 20.0, 0.013, 0.08),
]


def write_direct(path: Path, traffic: list[Traffic], orders: list[Order]) -> None:
    """Write Yandex Direct by day and campaign, "Итого" first; its goal counts cpc orders."""
    rng = dice("shop/direct")
    ads = next(t for t in traffic if t.source.utm == "cpc")
    sold = np.zeros(len(DAYS), dtype=int)
    for order in orders:
        sold[(order.created.date() - FIRST).days] += order.utm == "cpc"
    header = ["День", "Кампания", "Показы", "Клики", "Расход, ₽", "Конверсии"]
    rows, totals = [], np.zeros(4)
    for n, day in enumerate(DAYS):
        garden = np.array([1, YEAR[n], 1, 1, 1])
        shares = np.array([c[1] for c in CAMPAIGNS]) * garden
        clicks = rng.multinomial(round(ads.visits[n] / 0.94), shares / shares.sum())
        goals = rng.multinomial(rng.binomial(sold[n], 0.96), [c[4] for c in CAMPAIGNS])
        for (name, _, price, ctr, _), click, goal in zip(CAMPAIGNS, clicks, goals, strict=True):
            cost = round(click * price * rng.lognormal(0, 0.07), 2)
            counts = [click + rng.poisson(click * (1 / ctr - 1)), click, cost, goal]
            totals += counts
            rows.append([f"{day:%d.%m.%Y}", name, *_direct(*counts, no_cpa="-")])
    total = ["Итого", "", *_direct(*totals)]
    write_csv(path, [[*header, "CR, %", "CPA, ₽", "CPC, ₽"], [*total[:7], "", total[8]], *rows])


def _direct(shows: float, clicks: float, cost: float, goals: float, no_cpa: str = "") -> list[str]:
    cells = [f"{shows:.0f}", f"{clicks:.0f}", f"{cost:.2f}", f"{goals:.0f}"]
    cpa = f"{cost / goals:.2f}" if goals else no_cpa
    return [*cells, f"{100 * goals / clicks:.2f}", cpa, f"{cost / clicks:.2f}"]


def write_orders(path: Path, orders: list[Order]) -> None:
    """Write a Shopify-like export: a line per item, the order's own cells on its first line.

    The cell of the e-mail address holds a client number: nobody's address is made up.
    """
    header = ["Name", "Email", "Financial Status", "Paid at", "Fulfillment Status", "Currency"]
    header += ["Subtotal", "Shipping", "Taxes", "Total", "Discount Code", "Discount Amount"]
    header += ["Created at", "Lineitem quantity", "Lineitem name", "Lineitem price"]
    header += ["Lineitem sku", "Cancelled at", "Payment Method", "Refunded Amount"]
    header += ["Id", "Tags", "Source"]
    rng = dice("shop/payments")
    rows: list[list[object]] = []
    for order, client in zip(orders, roll_clients(orders), strict=True):
        rows += _order_lines(rng, order, client)
    write_csv(path, [header, *rows])


OLD_CLIENTS = 1500  # who bought before the first order of the file
GUESTS = 0.03


def roll_clients(orders: list[Order]) -> list[str]:
    """Number the client of each order; whoever returns bought lately, rather than long ago."""
    rng = dice("shop/clients")
    known = list(rng.permutation(OLD_CLIENTS) + 1)
    clients = []
    for order in orders:
        guest, ago = rng.random() < GUESTS, int(rng.exponential(900))
        if guest:
            clients.append("")
            continue
        if order.new_customer:
            known.append(len(known) + 1)
            ago = 0
        clients.append(f"client-{known[-1 - ago % len(known)]:05d}")
    return clients


def _order_lines(rng: np.random.Generator, order: Order, client: str) -> list[list[object]]:
    paid = order.status in ("paid", "partially_refunded", "refunded")
    paid_at = order.created + timedelta(seconds=int(rng.integers(40, 600)))
    cancelled_at = order.created + timedelta(hours=float(rng.uniform(1, 30)))
    method = str(rng.choice(["Bank card", "Fast payment", "Cash on delivery"], p=[0.6, 0.3, 0.1]))
    head = [f"#{order.number}", client, order.status, _stamp(paid_at) if paid else ""]
    head += ["fulfilled" if paid else "unfulfilled", "RUB", _money(order.subtotal)]
    head += [_money(order.shipping), "0.00", _money(order.total), order.code]
    head += [_money(order.discount)]
    tail = [_stamp(cancelled_at) if order.status == "voided" else "", method]
    tail += [_money(order.refunded), str(7_300_000 + 17 * order.number)]
    tail += ["new" if order.new_customer else "returning", order.utm]
    rows: list[list[object]] = []
    for k, (name, sku, price, count) in enumerate(order.lines):
        first = k == 0
        own = head if first else [head[0], *[""] * (len(head) - 1)]
        item = [_stamp(order.created), count, name, _money(price), sku]
        rows.append([*own, *item, *(tail if first else [""] * len(tail))])
    return rows


def _stamp(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S} +0300"


def _money(value: float) -> str:
    return f"{value:.2f}"


SUBJECTS = [
    ("Tuesday letter", "Что посадить на этой неделе"),
    ("Tuesday letter", "Три растения, которые прощают всё"),
    ("Tuesday letter", "Как пережить отопительный сезон"),
    ("Friday offer", "Новинки недели и скидка 5 %"),
    ("Friday offer", "Кашпо со скидкой до воскресенья"),
    ("Friday offer", "Собрали готовые наборы на выходные"),
]


def write_mailings(path: Path, orders: list[Order]) -> None:
    """Write a Mailchimp campaign list; a mailing's orders are the e-mail orders of 3 days."""
    header = ["Title", "Subject", "Audience", "Send Date", "Send Weekday", "Total Recipients"]
    header += ["Successful Deliveries", "Soft Bounces", "Hard Bounces", "Total Bounces"]
    header += ["Times Forwarded", "Forwarded Opens", "Unique Opens", "Open Rate", "Total Opens"]
    header += ["Unique Clicks", "Click Rate", "Total Clicks", "Unsubscribes"]
    header += ["Abuse Complaints", "Times Liked on Facebook", "Folder Id", "Unique Id"]
    header += ["Total Orders", "Total Gross Sales", "Total Revenue"]
    rng = dice("shop/mailings")
    by_mail = [order for order in orders if order.utm == "email"]
    send_days = [day for day in DAYS if day.weekday() in (1, 4)]
    rows = [_mailing(rng, k, day, by_mail) for k, day in enumerate(send_days)]
    write_csv(path, [header, *rows])


def _mailing(rng: np.random.Generator, k: int, day: date, orders: list[Order]) -> list[object]:
    title, subject = SUBJECTS[int(rng.integers(3)) + (3 if day.weekday() == 4 else 0)]
    sent = datetime.combine(day, time(9, 30)) + timedelta(minutes=int(rng.integers(60)))
    bad = day == BAD_MAILING
    recipients = 11_200 + 31 * k + int(rng.integers(-40, 40)) + (6_500 if bad else 0)
    soft, hard = rng.binomial(recipients, [0.006, 0.14 if bad else 0.0025])
    delivered = recipients - soft - hard
    opens = rng.binomial(delivered, (0.11 if bad else 0.23) * rng.lognormal(0, 0.08))
    clicks = rng.binomial(opens, 0.13)
    forwards = rng.poisson(3)
    won = [o.total for o in orders if sent <= o.created < sent + timedelta(days=3)]
    counts = [recipients, delivered, soft, hard, soft + hard, forwards, forwards * 2]
    return [
        *(f"{title} {day:%Y-%m-%d}", subject, "Все подписчики"),
        *(f"{sent:%b %d, %Y %I:%M} {'am' if sent.hour < 12 else 'pm'}", f"{sent:%A}", *counts),
        *(opens, f"{opens / delivered:.2%}", opens + rng.poisson(opens * 0.6)),
        *(clicks, f"{clicks / delivered:.2%}", clicks + rng.poisson(clicks * 0.3)),
        rng.binomial(delivered, 0.014 if bad else 0.0018),
        rng.binomial(delivered, 0.004 if bad else 0.0001),
        *(0, "", bytes(rng.integers(0, 256, 5, dtype=np.uint8)).hex()),
        *(len(won), _money(sum(won)), _money(sum(won))),
    ]


def write_clickstream(path: Path, ga4: list[Ga4Row]) -> None:
    """Write the last month event by event; sessions and steps match the GA4 rows exactly."""
    rng = dice("shop/clickstream")
    sessions = []
    for row in ga4:
        if row.n < FINAL_MONTH.start:
            continue
        utm = UTM_BY_CHANNEL[row.channel]
        for k in range(row.sessions):
            reached = sum(k < step for step in (row.viewed, row.carts, row.checkouts))
            start = min(_moment(rng, DAYS[row.n]).time(), time(23, 15))
            steps = _steps(rng, reached + (k < row.purchases))
            sessions.append((datetime.combine(DAYS[row.n], start), utm, steps))
    sessions.sort(key=lambda session: session[0])
    people = Counter(utm for _, utm, _ in sessions)
    events: dict[str, list[object]] = {name: [] for name in CLICKSTREAM.names}
    for k, (start, utm, steps) in enumerate(sessions):
        user = f"{utm}-{int(rng.integers(people[utm] * 3 // 4 + 1)):05d}"
        platform = str(rng.choice(["mobile", "desktop", "tablet"], p=[0.66, 0.31, 0.03]))
        moment = start
        for step in steps:
            for name, cell in zip(
                CLICKSTREAM.names, (user, f"s{k:06d}", step, moment, platform, utm), strict=True
            ):
                events[name].append(cell)
            moment += timedelta(seconds=1 + int(rng.exponential(40)))
    table = pa.table(events, schema=CLICKSTREAM).sort_by("timestamp")
    pq.write_table(table, path, compression="zstd", compression_level=9)


CLICKSTREAM = pa.schema(
    [
        *((name, pa.string()) for name in ("user_id", "session_id", "event")),
        ("timestamp", pa.timestamp("ms")),
        *((name, pa.string()) for name in ("platform", "acquisition_channel")),
    ]
)


def _steps(rng: np.random.Generator, reached: int) -> list[str]:
    """List a session's events up to the step it reached, with repeats and skipped steps.

    A cart can be filled from a list (no view_item), and a saved card skips add_payment_info.
    """
    steps = ["session_start"]
    if reached == 1 or (reached > 1 and rng.random() > 0.06):
        steps += ["view_item"] * int(rng.geometric(0.75))
    if reached > 1:
        steps += ["add_to_cart"] * int(rng.choice([1, 2], p=[0.85, 0.15]))
    if reached > 2:
        steps += ["begin_checkout"] * int(rng.choice([1, 2], p=[0.95, 0.05]))
        steps += ["add_payment_info"] * int(rng.random() < (0.92 if reached > 3 else 0.35))
    if reached > 3:
        steps.append("purchase")
    return steps
