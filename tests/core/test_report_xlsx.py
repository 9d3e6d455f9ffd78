"""The workbook says what the app says, and goes on computing as the app does."""

import io
import os
import random
import re
import shutil
import subprocess
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as Xml

import pytest
from python_calamine import CalamineWorkbook

from kpi_core import catalogue
from kpi_core.cli import main
from kpi_core.errors import UsageError
from kpi_core.facts import Facts, combine
from kpi_core.ingest import Upload, read
from kpi_core.model import Unit
from kpi_core.pay import Person
from kpi_core.plan import Plan, changed, default_plan
from kpi_core.report import Brand, Part, Report, gather
from kpi_core.report.xlsx import workbook
from kpi_core.rules import Bands, Linear, Steps
from kpi_core.scenario import scenario
from kpi_core.text import phrases
from tests.core.reported import compared

SAMPLES = Path(__file__).parent.parent.parent / "sample_data"
BUSINESSES = ("shop", "portal", "corporate")
MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
TARGETS = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}"
NEAR = 1e-9


@cache
def sample(business: str) -> tuple[Facts, tuple[Upload, ...]]:
    paths = sorted((SAMPLES / business).glob("*"))
    uploads = tuple(read(path.name, path.read_bytes()) for path in paths)
    return combine(uploads), uploads


def reported(plan: Plan, lang: str = "ru", **options: Any) -> Report:
    """The report of a plan over the sample of its business, for the last whole month."""
    facts, uploads = sample(plan.business)
    return gather(facts, uploads, plan, facts.months()[-1], lang, **options)


def stated(plan: Plan, lang: str = "en", **options: Any) -> Report:
    """The report of a plan that states all its figures."""
    return gather(combine([]), (), plan, plan.asked_period(), lang, **options)


# --- workbooks, read and changed from outside


def parsed(content: bytes) -> Xml.Element:
    return Xml.fromstring(content)  # noqa: S314 - made here


def names(data: bytes) -> dict[str, tuple[str, str]]:
    """Name to sheet and cell."""
    with zipfile.ZipFile(io.BytesIO(data)) as packed:
        book = parsed(packed.read("xl/workbook.xml"))
    found = {}
    for own in book.iter(f"{MAIN}definedName"):
        if own.attrib["name"].startswith("_xlnm"):
            continue
        sheet, _, address = (own.text or "").rpartition("!")
        found[own.attrib["name"]] = (sheet.strip("'").replace("''", "'"), address.replace("$", ""))
    return found


def grids(data: bytes) -> dict[str, list[list[Any]]]:
    """Sheet to its cells, as a reader that computes nothing has them."""
    book = CalamineWorkbook.from_filelike(io.BytesIO(data))
    return {
        name: book.get_sheet_by_name(name).to_python(skip_empty_area=False)
        for name in book.sheet_names
    }


def place(address: str) -> tuple[int, int]:
    letters, digits = re.fullmatch(r"([A-Z]+)(\d+)", address).groups()  # type: ignore[union-attr]
    column = 0
    for letter in letters:
        column = 26 * column + ord(letter) - ord("A") + 1
    return int(digits) - 1, column - 1


def named(data: bytes) -> dict[str, Any]:
    """Name to what its cell holds."""
    sheets, found = grids(data), {}
    for name, (sheet, address) in names(data).items():
        row, column = place(address)
        rows = sheets[sheet]
        inside = row < len(rows) and column < len(rows[row])
        found[name] = rows[row][column] if inside else ""
    return found


def edited(data: bytes, changes: Mapping[str, float | str | None]) -> bytes:
    """The workbook with other inputs, and nothing left of what its formulas gave."""
    known = names(data)
    wanted: dict[str, dict[str, float | str | None]] = {}
    for name, value in changes.items():
        sheet, address = known[name]
        wanted.setdefault(sheet, {})[address] = value
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as packed, zipfile.ZipFile(out, "w") as made:
        titles = [
            own.attrib["name"]
            for own in parsed(packed.read("xl/workbook.xml")).iter(f"{MAIN}sheet")
        ]
        for item in packed.namelist():
            content = packed.read(item)
            if number := re.fullmatch(r"xl/worksheets/sheet(\d+)\.xml", item):
                content = _changed(content, wanted.get(titles[int(number[1]) - 1], {}))
            made.writestr(item, content)
    return out.getvalue()


def _changed(content: bytes, wanted: Mapping[str, float | str | None]) -> bytes:
    Xml.register_namespace("", MAIN.strip("{}"))
    Xml.register_namespace("r", TARGETS.strip("{}"))
    sheet, left = parsed(content), dict(wanted)
    for own in sheet.iter(f"{MAIN}c"):
        known = own.find(f"{MAIN}v")
        if own.find(f"{MAIN}f") is not None:
            assert own.attrib["r"] not in left, "a formula is no input"
            if known is not None:
                own.remove(known)
            own.attrib.pop("t", None)
        elif own.attrib["r"] in left:
            value = left.pop(own.attrib["r"])
            for child in list(own):
                own.remove(child)
            own.attrib.pop("t", None)
            if isinstance(value, str):
                own.attrib["t"] = "inlineStr"
                Xml.SubElement(Xml.SubElement(own, f"{MAIN}is"), f"{MAIN}t").text = value
            elif value is not None:
                Xml.SubElement(own, f"{MAIN}v").text = repr(float(value))
    assert not left, "no such cells"
    return Xml.tostring(sheet)


def recalculated(folder: Path, books: Sequence[bytes]) -> list[bytes]:
    """What LibreOffice makes of workbooks, all in one go."""
    soffice = shutil.which("soffice") or shutil.which("libreoffice")
    if soffice is None:
        said = "needs LibreOffice (apt: libreoffice-calc-nogui)"
        if os.environ.get("CI", "").lower() in {"true", "1"}:
            pytest.fail(said, pytrace=False)
        pytest.skip(said)
    given, made = folder / "given", folder / "made"
    given.mkdir()
    paths = [given / f"{number}.xlsx" for number in range(len(books))]
    for path, data in zip(paths, books, strict=True):
        path.write_bytes(data)
    profile = f"-env:UserInstallation={(folder / 'profile').as_uri()}"
    subprocess.run(
        [soffice, profile, "--headless", "--convert-to", "xlsx", "--outdir", made, *paths],
        check=True,
        capture_output=True,
        timeout=300,
    )
    return [(made / path.name).read_bytes() for path in paths]


def differing(one: bytes, other: bytes) -> list[tuple[str, int, int, object, object]]:
    """The cells that two workbooks do not agree on, by sheet, row and column."""
    found = []
    first, second = grids(one), grids(other)
    for sheet, rows in first.items():
        for row, cells in enumerate(rows):
            for column, own in enumerate(cells):
                theirs = second[sheet]
                beside = (
                    theirs[row][column] if row < len(theirs) and column < len(theirs[row]) else ""
                )
                if not same(own, beside):
                    found.append((sheet, row, column, own, beside))
    return found


def same(one: object, other: object) -> bool:
    if isinstance(one, int | float) and isinstance(other, int | float):
        return abs(one - other) <= NEAR * max(1.0, abs(one))
    return one == other or {one, other} <= {"", None}


def figure(value: Fraction | Decimal | None) -> float | str:
    return "" if value is None else float(value)


def of_app(report: Report) -> dict[str, float | str]:
    """Name to figure, as the library has them."""
    found: dict[str, float | str] = {
        "total_score": figure(report.total),
        "bonus_sum": figure(report.paid.bonus if report.paid else None),
        "pay_sum": figure(report.paid.pay if report.paid else None),
    }
    lines = [("line", line.judged) for line in report.scorecard.lines]
    for slot, own in (*lines, *(("factor", factor) for factor in report.factors)):
        found[f"score_{slot}_{own.goal.kpi}"] = figure(own.score)
        found[f"attainment_{slot}_{own.goal.kpi}"] = figure(own.attainment)
    if report.payroll:
        found["payroll_sum"] = float(sum(own.pay for own in report.payroll))
    return found


def agrees(data: bytes, report: Report) -> None:
    held = named(data)
    for name, value in of_app(report).items():
        assert same(held[name], value), (name, held[name], value)
    sums = [name for name in ("bonus_sum", "pay_sum") if held[name] != ""]
    assert all(round(held[name] * 100) == round(of_app(report)[name] * 100) for name in sums)


# --- every kind of scheme

SCHEMES: dict[str, dict[str, object]] = {
    "product": {},
    "scorecard": {"kind": "scorecard", "salary": "60000.00", "fund": "33333.33"},
    "table": {
        "kind": "table",
        "salary": "60000.00",
        "below": "1000.00",
        "rows": [
            {"at": "0.5", "amount": "12345.67"},
            {"at": "0.85", "amount": "20000.00", "inclusive": False},
            {"at": "1", "amount": "30000.10"},
        ],
    },
    "curve": {
        "kind": "curve",
        "salary": "60000.00",
        "fund": "40000.00",
        "rule": {"kind": "linear", "floor": "0.5", "target": "1", "stretch": "1.5",
                 "floor_score": "0.25", "target_score": "1", "stretch_score": "1.75"},
        "terms": {"accelerator": {"above": "0.6", "times": "1.5"}, "floor": "0.1", "cap": "0.9"},
    },
    "contractor": {"kind": "contractor", "price": "15000.00", "variable": "7777.77"},
    "team": {"kind": "team", "salary": "50000.00", "fund": "100000.00", "split": "contribution"},
}  # fmt: skip


def of_kind(kind: str, business: str = "shop") -> Plan:
    plan = default_plan(business)
    if kind != "product":
        return changed(plan, scheme=SCHEMES[kind])
    factors = [line.model_dump(exclude={"weight", "owner", "deadline"}) for line in plan.lines[:3]]
    return changed(plan, scheme={"kind": "product", "salary": "90000.01", "factors": factors})


def limited() -> Plan:
    """Limits that are kept, broken and without data, and guards that stop and that are told."""
    orders = {"kpi": "orders", "guard": "cpo", "gate": True}
    clicks = {"kpi": "cpc", "guard": "bounce_rate", "against": "year_ago"}
    gates = [{"kpi": "orders", "limit": "700"}, {"kpi": "nps", "limit": "10"}]
    return changed(of_kind("curve"), gates=gates, guards=[orders, clicks], missing="zero")


PEOPLE = (
    Person(name="Anna", contribution=Decimal(3)),
    Person(name="Boris", absent=3, contribution=Decimal(2), correction=Decimal("-500.55")),
    Person(name="=Clara", salary=Decimal("70000.00"), correction=Decimal("250"), reason="+bonus"),
)


# --- what a reader finds


@pytest.mark.parametrize("lang", ["ru", "en"])
@pytest.mark.parametrize("business", BUSINESSES)
def test_a_reader_that_computes_nothing_finds_the_figures_of_the_app(
    business: str, lang: str
) -> None:
    report = reported(default_plan(business), lang, people=PEOPLE)
    data = workbook(report)
    agrees(data, report)
    held = named(data)
    for kpi, value in report.values.totals().items():
        assert same(held[f"value_{kpi}"], figure(value.value)), kpi
    for line in report.scorecard.lines:
        assert held[f"weight_line_{line.judged.goal.kpi}"] == float(line.weight)
        assert held[f"target_line_{line.judged.goal.kpi}"] == figure(line.judged.goal.target)


@pytest.mark.parametrize("kind", SCHEMES)
def test_every_scheme_is_written_with_its_own_figures(kind: str) -> None:
    report = reported(of_kind(kind), "en", people=PEOPLE)
    assert report.paid is not None
    agrees(workbook(report), report)


# --- recalculated elsewhere


def word(lang: str, key: str) -> str:
    return str(phrases()[f"report.{key}"][lang])


def moves(plan: Plan) -> Iterator[tuple[dict[str, float | str | None], Plan]]:
    """Changes as an owner makes them in a spreadsheet, each beside the plan that says the same."""
    lines = list(plan.lines)
    one = lines[0]
    yield {}, plan
    weight = one.model_copy(update={"weight": one.weight * 3 + 1})
    yield (
        {f"weight_line_{one.kpi}": float(weight.weight)},
        changed(plan, lines=[weight, *lines[1:]]),
    )
    scheme, slot, goals = plan.scheme, "line", lines
    if scheme.by == "factors":
        slot, goals = "factor", list(scheme.factors)
    goal = goals[1]

    def with_goal(**fields: object) -> Plan:
        moved = goal.model_copy(update=fields)
        made = [moved if own.kpi == goal.kpi else own for own in goals]
        if slot == "line":
            return changed(plan, lines=made)
        return changed(plan, scheme=scheme.model_copy(update={"factors": made}))

    target = goal.target * Decimal("1.37")
    yield {f"target_{slot}_{goal.kpi}": float(target)}, with_goal(target=target)
    fixed = scheme.fixed + Decimal("1234.56")
    moved = scheme.model_copy(update={scheme.fixed_field: fixed})
    yield {"fixed_sum": float(fixed)}, changed(plan, scheme=moved)
    if scheme.stake_field:
        stake = scheme.stake + Decimal("777.77")
        moved = scheme.model_copy(update={scheme.stake_field: stake})
        yield {"stake_sum": float(stake)}, changed(plan, scheme=moved)
    cap = scheme.terms.model_copy(update={"cap": Decimal("0.5"), "floor": Decimal("0.25")})
    moved = scheme.model_copy(update={"terms": cap})
    yield {"term_cap": 0.5, "term_floor": 0.25}, changed(plan, scheme=moved)


@pytest.mark.office
def test_a_spreadsheet_recalculates_every_cell_as_the_app_computed_it(tmp_path: Path) -> None:
    reports = [
        reported(default_plan(business), lang, people=PEOPLE)
        for business in BUSINESSES
        for lang in ("ru", "en")
    ]
    few = {Part.SCORE, Part.BONUS, Part.PEOPLE}
    reports += [reported(of_kind(kind), "en", people=PEOPLE, parts=few) for kind in SCHEMES]
    twice = [
        Person(name="Boris", last=date(2026, 10, 2), correction=Decimal(-9000)),
        Person(name="Boris", first=date(2026, 10, 5)),
    ]
    reports += [reported(limited(), "ru"), reported(of_kind("scorecard"), "en", people=twice)]
    written = [workbook(report) for report in reports]
    found = recalculated(tmp_path, [edited(data, {}) for data in written])
    for data, again, report in zip(written, found, reports, strict=True):
        assert differing(data, again) == []
        agrees(again, report)


@pytest.mark.office
def test_pay_follows_what_an_owner_changes_in_the_workbook(tmp_path: Path) -> None:
    plans = [default_plan(business) for business in BUSINESSES[1:]]
    plans += [of_kind(kind) for kind in SCHEMES]
    cases = [(plan, *move) for plan in plans for move in moves(plan)]
    paying = {Part.SCORE, Part.BONUS}
    books = [edited(workbook(reported(p, parts=paying)), changes) for p, changes, _ in cases]
    found = recalculated(tmp_path, books)
    for (plan, changes, wanted), again in zip(cases, found, strict=True):
        held, other = named(again), reported(wanted, parts=paying)
        for name, value in of_app(other).items():
            assert same(held[name], value), (plan.scheme.kind, changes, name, held[name], value)


# --- plans nobody would think of

KPIS = ("sessions", "page_depth", "bounce_rate", "cpo", "orders", "aov")


def any_rule(dice: random.Random, target: Decimal) -> Steps | Linear | Bands:
    """A rule with boundaries where the figures will stand, on either side."""

    def sides(count: int) -> list[bool]:
        return [dice.random() < 0.5 for _ in range(count)]

    scores = sorted(Decimal(dice.randint(0, 150)) / 100 for _ in range(4))
    marks = sorted(dice.sample([Decimal(n) / 20 for n in range(8, 30)], 3))
    match dice.choice(("steps", "linear", "bands")):
        case "steps":
            steps = [
                {"at": at, "inclusive": own, "score": score}
                for at, own, score in zip(marks, sides(3), scores[1:], strict=True)
            ]
            return Steps.model_validate({"steps": steps, "below": scores[0]})
        case "linear":
            floor, aim, stretch = marks
            low, high, top = scores[1:]
            return Linear(floor=floor, target=aim, stretch=stretch, floor_score=low,
                          target_score=high, stretch_score=top)  # fmt: skip
        case _:
            bands = [
                {"to": at * target, "inclusive": own, "score": dice.choice(scores)}
                for at, own in zip(marks, sides(3), strict=True)
            ]
            return Bands.model_validate({"bands": bands, "beyond": scores[0]})


def any_plan(dice: random.Random) -> Plan:
    """A plan that states its figures: on boundaries, beside them, nought or missing."""
    chosen = dice.sample(KPIS, 4)
    facts: dict[str, Decimal] = {}
    goals = []
    for kpi in chosen:
        target = Decimal(dice.choice((100, 30, 7, Decimal("0.25"), Decimal("1234.5"))))
        part = dice.choice((*(Decimal(n) / 20 for n in range(8, 30)), Decimal("0.123457"), None))
        if part is not None:
            lower = catalogue.kpi(kpi).better == "lower" and dice.random() < 0.5 and part
            facts[kpi] = target * part if not lower else round(target / part, 9)
        if kpi in facts and kpi not in ("aov",) and dice.random() < 0.1:
            facts[kpi] = Decimal(0)
        if catalogue.kpi(kpi).unit is Unit.SHARE and kpi in facts:
            facts[kpi] = min(facts[kpi], Decimal(1))
        goals.append({"kpi": kpi, "target": target, "rule": any_rule(dice, target).model_dump()})
    weights = [dice.choice((0, 1, 2, Decimal("33.3"), Decimal("0.1"))) for _ in goals]
    weights[0] = weights[0] or 1
    terms: dict[str, object] = {"floor": dice.choice(("0", "0.1"))}
    if dice.random() < 0.5:
        terms["cap"] = dice.choice(("0.4", "0.95", "1.2"))
    if dice.random() < 0.5:
        terms["accelerator"] = {"above": dice.choice(("0.5", "1")), "times": "1.7"}
    kind = dice.choice(tuple(SCHEMES))
    scheme = SCHEMES[kind] | {"terms": terms}
    if kind == "product":
        scheme = {"kind": kind, "salary": "12345.67", "factors": goals[:2], "terms": terms}
    if kind == "curve":
        scheme["rule"] = SCHEMES["curve"]["rule"]
    gates = [{"kpi": chosen[3], "limit": goals[3]["target"]}] if dice.random() < 0.4 else []
    return Plan.model_validate({
        "business": "shop", "currency": "RUB", "facts": facts, "scheme": scheme, "gates": gates,
        "lines": [goal | {"weight": own} for goal, own in zip(goals, weights, strict=True)],
        "missing": dice.choice(("drop", "zero", "block")),
        "over": dice.choice(("allowed", "capped")),
    })  # fmt: skip


def turned(dice: random.Random, plan: Plan) -> tuple[dict[str, float | str | None], Plan]:
    """The side of one boundary of one line, or where it lies, changed in both."""
    place = dice.randrange(len(plan.lines))
    line = plan.lines[place]
    word, rule = f"line_{line.kpi}", line.rule
    if isinstance(rule, Linear):
        return {}, plan
    parts = rule.steps if isinstance(rule, Steps) else rule.bands
    at = dice.randrange(len(parts))
    moved = parts[at].model_copy(update={"inclusive": not parts[at].inclusive})
    made = (*parts[:at], moved, *parts[at + 1 :])
    signs = {True: "≥", False: ">"} if isinstance(rule, Steps) else {True: "≤", False: "<"}
    number = at + 1 if isinstance(rule, Steps) else at
    field = "steps" if isinstance(rule, Steps) else "bands"
    other = line.model_copy(update={"rule": rule.model_copy(update={field: made})})
    lines = [*plan.lines[:place], other, *plan.lines[place + 1 :]]
    return {f"side_{word}_{number}": signs[moved.inclusive]}, changed(plan, lines=lines)


@pytest.mark.office
def test_random_plans_come_out_of_a_spreadsheet_as_out_of_the_app(tmp_path: Path) -> None:
    dice = random.Random(20261122)  # noqa: S311 - the same plans each time
    plans = [any_plan(dice) for _ in range(24)]
    cases = [(plan, *turned(dice, plan)) for plan in plans]
    few = {Part.SCORE, Part.BONUS, Part.PEOPLE}
    written = [workbook(stated(plan, people=PEOPLE[::2], parts=few)) for plan in plans]
    books = [edited(data, changes) for data, (_, changes, _) in zip(written, cases, strict=True)]
    found = recalculated(tmp_path, [*(edited(data, {}) for data in written), *books])
    wanted = [*plans, *(plan for _, _, plan in cases)]
    paid = 0
    for plan, again in zip(wanted, found, strict=True):
        report, held = stated(plan, people=PEOPLE[::2], parts=few), named(again)
        for name, value in of_app(report).items():
            assert same(held[name], value), (plan.as_json(), name, held[name], value)
        paid += report.paid is not None
    assert paid > len(wanted) / 3
    for data, again in zip(written, found, strict=False):
        assert differing(data, again) == []


# --- what it says besides


@pytest.mark.parametrize("lang", ["ru", "en"])
def test_what_changed_stands_in_the_workbook(lang: str) -> None:
    report = reported(default_plan("shop"), lang)
    assert report.changes
    assert set(report.changes) <= set(texts(workbook(report)))


def texts(data: bytes) -> list[str]:
    return [
        cell
        for rows in grids(data).values()
        for row in rows
        for cell in row
        if isinstance(cell, str)
    ]


def test_no_text_of_files_plans_or_people_can_become_a_formula() -> None:
    hostile = '=cmd|"/c calc"!A1'
    plan = changed(default_plan("shop"), name=hostile)
    facts, uploads = sample("shop")
    report = gather(
        facts, uploads, plan, facts.months()[-1], "en",
        people=[Person(name=hostile, correction=Decimal(1), reason="@SUM(1)")],
        brand=Brand(client="+1"),
        scenarios=[scenario(name, {"aov": "+10%"}, note="=1") for name in ("-2", "=1+1")],
    )  # fmt: skip
    said = texts(workbook(report))
    assert f"'{hostile}" in said
    assert "'@SUM(1)" in said
    assert [text for text in said if text.lstrip()[:1] in ("=", "+", "-", "@")] == []


def test_a_workbook_has_neither_macros_nor_links() -> None:
    report = reported(default_plan("shop"), parts={Part.SCORE, Part.BONUS, Part.DATA})
    with zipfile.ZipFile(io.BytesIO(workbook(report))) as packed:
        assert not [name for name in packed.namelist() if "vba" in name or "external" in name]
        content = {name: packed.read(name).decode() for name in packed.namelist()}
    assert not [name for name, text in content.items() if 'TargetMode="External"' in text]
    assert not [name for name, text in content.items() if "<hyperlink" in text]


def test_every_sheet_prints_one_page_wide_with_its_heads_frozen() -> None:
    data = workbook(reported(default_plan("shop"), people=PEOPLE))
    with zipfile.ZipFile(io.BytesIO(data)) as packed:
        book = packed.read("xl/workbook.xml").decode()
        sheets = [packed.read(n).decode() for n in packed.namelist() if "worksheets/sheet" in n]
        charts = [name for name in packed.namelist() if name.startswith("xl/charts/chart")]
    assert book.count("_xlnm.Print_Area") == len(sheets)
    assert all('fitToHeight="0"' in sheet for sheet in sheets)
    assert sum("<pane " in sheet for sheet in sheets) == len(sheets) - 1  # all but the first
    assert len(charts) > 5


@pytest.mark.parametrize("lang", ["ru", "en"])
def test_sheets_and_choices_are_named_so_that_spreadsheets_take_them(lang: str) -> None:
    named = {key: both[lang] for key, both in phrases().items() if key.startswith("report.")}
    sheets = [text for key, text in named.items() if key.startswith("report.sheet_")]
    assert len({text.casefold() for text in sheets}) == len(sheets) > 10
    assert all(len(text) <= 31 and not set(text) & set("[]:*?/\\'") for text in sheets)
    choices = [named[f"report.{key}"] for key in ("missing_drop", "missing_zero", "over_capped")]
    assert not [text for text in choices if "," in text]


def test_where_nothing_can_be_paid_the_workbook_says_why_and_shows_no_sum() -> None:
    facts, uploads = sample("shop")
    report = gather(facts, uploads, default_plan("shop"), None, "en")
    assert report.blocked is not None
    assert report.blocked.code == "period_needed"
    held = named(workbook(report))
    assert held["bonus_sum"] == held["pay_sum"] == ""
    assert held["stopped_because"] == report.blocked.text("en")


def test_a_report_holds_the_parts_that_were_asked_for() -> None:
    few = reported(default_plan("shop"), "en", parts={Part.FUNNEL, Part.DATA})
    assert list(grids(workbook(few))) == ["Summary", "Funnel", "Data"]
    assert few.paid is None
    assert few.channels is None
    whole = reported(default_plan("shop"), "en")
    assert "People" not in grids(workbook(whole))
    assert [file.name for file in whole.files] == [own.name for own in sample("shop")[1]]


def test_scenarios_stand_side_by_side_with_what_they_assume() -> None:
    report = compared("shop", "en")
    rows = grids(workbook(report))["Scenarios"]
    made = report.scenarios
    assert made
    assert rows[3] == ["Figure", "Now", "Dearer", "Beyond"]
    score, bonus = rows[4], rows[5]
    assert score[1] == pytest.approx(float(100 * (report.total or 0)))
    assert bonus[1] == pytest.approx(float(report.paid.bonus if report.paid else 0))
    assert score[3] == bonus[3] == "", "a scenario that cannot be has no figures"
    said = {row[0] for row in rows[9:]}
    assert {*made.assumed, *(why.text("en") for why in made.untold)} <= said


@pytest.mark.parametrize("wrong", [{"logo": b"GIF89a"}, {"accent": "red"}])
def test_a_brand_is_a_picture_and_a_colour(wrong: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        Brand(**wrong)


def test_the_command_line_writes_a_workbook(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plan, to = tmp_path / "plan.json", tmp_path / "shop.XLSX"
    plan.write_text(default_plan("shop").as_json(), "utf-8")
    files = sorted(map(str, (SAMPLES / "shop").glob("*.csv")))
    asked = [
        "report",
        "--plan",
        str(plan),
        "--period",
        "2026-10",
        "--lang",
        "en",
        "--client",
        "A&B",
    ]
    assert main([*asked, "--to", str(to), "--people", str(SAMPLES / "people.csv"), *files]) == 0
    assert named(to.read_bytes())["payroll_sum"] > 0
    assert main([*asked, "--to", str(tmp_path / "shop.doc"), *files]) == 2
    assert ".xlsx" in capsys.readouterr().err
    assert main([*asked, "--to", str(tmp_path / "nowhere" / "shop.xlsx"), *files]) == 2
