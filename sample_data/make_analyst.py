"""The register of reports of a marketing analyst: the second quarter of 2026, invented."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path

import holidays
import numpy as np
from layout import dice, write_csv

FIRST, LAST = date(2026, 4, 1), date(2026, 6, 30)  # as the register stood on the evening of LAST
HEADER = [
    "Номер", "Отчёт", "Тип отчёта", "Поставлена", "Срок", "Статус", "Дата выполнения", "Норма, ч",
    "Факт, ч", "Возвраты",
]  # fmt: skip
REGULAR, ON_REQUEST = "Регулярный", "По запросу"
WEEKLY = {"Трафик за неделю": (2, 4.0), "Реклама за неделю": (3, 6.0)}  # working days, norm
MONTHLY = {"Каналы за месяц": (3, 10.0), "Поиск за месяц": (4, 8.0), "Рассылки за месяц": (2, 5.0)}
REQUESTS = [
    "Цены конкурентов", "Сегменты покупателей", "Итоги акции", "Воронка сайта", "Отзывы за месяц",
    "Медиаплан: что сработало", "Когорты покупателей", "Звонки и заявки",
]  # fmt: skip
CALENDAR = holidays.country_holidays("RU")


@dataclass(frozen=True)
class Report:
    """One line of the register; a day or a norm that nobody filled in is missing."""

    name: str
    kind: str
    set: date
    due: date | None
    done: date | None
    norm: float | None
    spent: float | None
    returns: int = 0


def make(folder: Path) -> None:
    """Write the register."""
    reports = sorted(spoilt([*regular(), *on_request()]), key=lambda report: report.set)
    rows = (row(f"ОТ-{n:02d}", report) for n, report in enumerate(reports, start=1))
    write_csv(
        folder / "register.csv", [HEADER, *rows], delimiter=";", newline="\r\n",
        encoding="utf-8-sig",
    )  # fmt: skip


def later(day: date, working_days: int) -> date:
    """The day so many working days after another; 0: that day, or the next that is one."""
    while working_days or not CALENDAR.is_working_day(day):
        day += timedelta(1)
        working_days -= CALENDAR.is_working_day(day) and working_days > 0
    return day


def regular() -> Iterator[Report]:
    """Two reports a week and three a month, all in time and within the norm."""
    rng = dice("analyst/regular")
    mondays = [FIRST + timedelta(n) for n in range(91) if (FIRST + timedelta(n)).weekday() == 0]
    for monday in mondays:
        for name, (days, norm) in WEEKLY.items():
            yield in_time(
                rng, f"{name} с {monday:%d.%m}", REGULAR, day=later(monday, 0), days=days, norm=norm
            )
    for first in (date(2026, 4, 1), date(2026, 5, 1), date(2026, 6, 1)):
        for name, (days, norm) in MONTHLY.items():
            yield in_time(
                rng, f"{name} до {first:%d.%m}", REGULAR, day=later(first, 0), days=days, norm=norm
            )


def on_request() -> Iterator[Report]:
    """Whatever somebody wants to know."""
    rng = dice("analyst/on_request")
    for n in range(25):
        day = later(FIRST + timedelta(int(rng.integers(0, 79))), 0)
        norm = float(rng.choice([2.0, 4.0, 6.0, 8.0]))
        name = f"{REQUESTS[n % len(REQUESTS)]}, запрос {n + 1}"
        yield in_time(rng, name, ON_REQUEST, day=day, days=int(rng.integers(3, 6)), norm=norm)


def in_time(
    rng: np.random.Generator, name: str, kind: str, *, day: date, days: int, norm: float
) -> Report:
    """A report done on its due day or the day before; what is not due yet is not done."""
    due = later(day, days)
    done = later(day, days - int(rng.integers(0, 2)))
    spent = np.floor(4 * norm * rng.uniform(0.75, 1.1)) / 4
    if due > LAST:
        return Report(name, kind, day, due, None, norm, None)
    return Report(name, kind, day, due, done, norm, float(spent))


def spoilt(reports: list[Report]) -> list[Report]:
    """What is planted: late, over the norm, returned, and what cannot be judged."""
    found = {report.name: report for report in reports}

    def change(name: str, **fields: object) -> None:
        own = next(full for full in found if full.startswith(name))
        found[own] = replace(found[own], **fields)

    # Late by two and by four working days, never done, and late by one: over the May holidays.
    change("Трафик за неделю с 20.04", done=date(2026, 4, 24))
    change("Реклама за неделю с 08.06", done=date(2026, 6, 18))
    change("Поиск за месяц до 01.06", done=None, spent=None)
    change("Реклама за неделю с 27.04", done=date(2026, 5, 4))
    change("Рассылки за месяц до 01.05", due=None)
    for n, times in ((3, 1.5), (9, 1.25), (14, 2.0), (21, 1.75)):
        (own,) = (report for report in reports if report.name.endswith(f", запрос {n}"))
        change(own.name, spent=(own.norm or 0) * times)
    change("Сегменты покупателей, запрос 2", norm=10.0, spent=11.5)  # exactly 15 % over
    change("Цены конкурентов, запрос 17", norm=None)
    last = next(report.name for report in reports if report.name.endswith(", запрос 25"))
    change(last, set=date(2026, 6, 24), due=date(2026, 6, 29), done=date(2026, 6, 29))
    change("Каналы за месяц до 01.04", returns=2)
    change("Воронка сайта, запрос 12", returns=1)
    return list(found.values())


def row(number: str, report: Report) -> list[object]:
    """A line as a spreadsheet prints it."""
    days = [f"{day:%d.%m.%Y}" if day else "" for day in (report.set, report.due, report.done)]
    hours = [
        "" if value is None else f"{value:g}".replace(".", ",")
        for value in (report.norm, report.spent)
    ]
    status = "Готово" if report.done else "В работе"
    returns = report.returns if report.done else ""
    return [number, report.name, report.kind, *days[:2], status, days[2], *hours, returns]
