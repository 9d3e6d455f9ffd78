"""A report as it is printed: sections of words, tables and charts, each figure a string already.

What the PDF and the page lay out is made here once, so that both say the same; a chart is drawn by
whoever lays it out, in the ink of its ground.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from kpi_core import catalogue, charts, words
from kpi_core.channels import RETURN, Worth
from kpi_core.errors import Finding
from kpi_core.funnel import kind_name
from kpi_core.kpis import KpiValue
from kpi_core.pay import Entry, Payout, checked, payroll_row, statement
from kpi_core.plan import Plan
from kpi_core.report.content import Part, Report
from kpi_core.report.scenarios import BEST, Scenarios, scenario_figure
from kpi_core.score import Judged, ScoredLine
from kpi_core.text import days, money, number, percent, say
from kpi_core.trend import Trend, ahead_said

MATTER = 3  # figures of KPIs on the first page
NEXT = 5  # steps to take on the first page; the bonus tells all


@dataclass(frozen=True)
class Words:
    """A paragraph; `strong` for the sentence that answers."""

    text: str
    strong: bool = False


@dataclass(frozen=True)
class Points:
    """Short lines one below the other, numbered or not."""

    lines: tuple[str, ...]
    numbered: bool = False


@dataclass(frozen=True)
class Tile:
    """One figure to be seen from afar. `status` is of a goal: ``reached``, ``partly``, ..."""

    label: str
    value: str
    note: str = ""
    status: str = ""


@dataclass(frozen=True)
class Tiles:
    """Figures side by side."""

    tiles: tuple[Tile, ...]


@dataclass(frozen=True)
class Table:
    """Rows under heads.

    Attributes:
        title: what it shows.
        widths: of each column, as parts of what is left; 0 for as wide as its figures.
        left: how many columns hold words and are flush left; the others hold figures.
        strong: the places of rows that matter more.
    """

    title: str
    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    widths: tuple[int, ...]
    left: int = 1
    strong: tuple[int, ...] = ()


@dataclass(frozen=True)
class Chart:
    """A chart: what it shows, the same in words, and how to draw it in an ink.

    `half` says that it can be read at half the width of a page.
    """

    title: str
    alt: str
    draw: Callable[[str], Any]
    half: bool = False


@dataclass(frozen=True)
class Term:
    """Something defined, line by line."""

    name: str
    value: str
    lines: tuple[str, ...]


@dataclass(frozen=True)
class Terms:
    """Definitions one below the other."""

    terms: tuple[Term, ...]


Block: TypeAlias = Words | Points | Tiles | Table | Chart | Terms


@dataclass(frozen=True)
class Section:
    """A part of a report under its title; `id` is the same in every language."""

    id: str
    title: str
    blocks: tuple[Block, ...]


def sections(report: Report) -> tuple[Section, ...]:
    """Everything that was asked for, in the order in which it is told."""
    told: dict[str, Callable[[Report], Iterable[Block]]] = {
        "summary": summary,
        Part.SCORE: _score,
        Part.CHANGES: lambda own: [Points(own.changes)] if own.changes else [],
        Part.TREND: _trend,
        Part.FUNNEL: _funnel,
        Part.CHANNELS: _channels,
        Part.BONUS: _bonus,
        "rule": _rule,
        Part.PEOPLE: _people,
        Part.SCENARIOS: _scenarios,
        Part.DEFINITIONS: _definitions,
        Part.DATA: _data,
    }
    found = ((id, tuple(blocks(report))) for id, blocks in told.items())
    return tuple(
        Section(str(id), say(report.lang, f"report_pages.section_{id}"), blocks)
        for id, blocks in found
        if blocks
    )


# --- the first page


def summary(report: Report) -> Iterator[Block]:
    """The answer, the score and the bonus, the figures that matter, a chart, what to do next."""
    yield Words(answer(report), strong=True)
    tiles = (*_totals(report), *_paid(report))
    if tiles:
        yield Tiles(tiles)
    if report.blocked:
        yield Words(report.blocked.text(report.lang))
    if Part.SCORE in report.parts and report.scorecard.lines:
        yield Tiles(tuple(_tile(report, line.judged) for line in weightiest(report)))
        yield contributions(report)
    if report.scenarios:
        yield Words(best_words(report, report.scenarios))
        yield from _doubts(report.scenarios.findings, report.lang)
    yield from _ahead(report, report.ahead[:NEXT])
    if Part.DATA in report.parts:
        yield Words(verdict_words(report))


def answer(report: Report) -> str:
    """The report in one sentence made from its figures."""
    lang, card = report.lang, report.scorecard
    if report.total is None or Part.SCORE not in report.parts:
        if report.paid:
            return paid_words(report, report.paid)
        return say(lang, "report_pages.no_total") if report.total is None else verdict_words(report)
    shown = {"score": words.points(report.total, lang)}
    lost = card.most_lost()
    if lost is None:
        return say(lang, "report_pages.full", **shown)
    return say(lang, "report_pages.answer", weakest=lost.judged.kpi.name[lang], **shown)


def paid_words(report: Report, paid: Payout) -> str:
    """What is paid, in one sentence."""
    shown = {
        name: money(sum, paid.plan.currency, report.lang)
        for name, sum in (("bonus", paid.bonus), ("pay", paid.pay))
    }
    return say(report.lang, "report_pages.paid", **shown)


def _totals(report: Report) -> Iterator[Tile]:
    if Part.SCORE not in report.parts:
        return
    total, lang = report.total, report.lang
    grade = "" if total is None else catalogue.grade(total).name[lang]
    of = say(lang, "report_pages.of_hundred", score=words.points(total, lang))
    yield Tile(say(lang, "report_pages.score"), of if total is not None else "—", grade)


def _paid(report: Report) -> Iterator[Tile]:
    paid, lang = report.paid, report.lang
    if paid is None:
        return
    for word, sum in (("bonus", paid.bonus), ("pay", paid.pay)):
        yield Tile(say(lang, f"payroll.{word}"), money(sum, paid.plan.currency, lang))


def weightiest(report: Report) -> tuple[ScoredLine, ...]:
    """The lines of the scorecard that decide most of the total."""
    lines = sorted(report.scorecard.lines, key=lambda line: line.weight, reverse=True)
    return tuple(lines[:MATTER])


def _tile(report: Report, judged: Judged) -> Tile:
    lang = report.lang
    target = _target(report.plan, judged, lang)
    note = say(
        lang,
        "report_pages.against",
        target=target,
        reached=words.attainment(judged.attainment, judged.goal.rule, lang),
    )
    return Tile(judged.kpi.name[lang], _value(judged, lang), note, judged.status)


def contributions(report: Report) -> Chart:
    """What each line adds to the total."""
    lang, card = report.lang, report.scorecard
    said = "; ".join(
        f"{line.judged.kpi.name[lang]}: {words.points(line.points, lang)}" for line in card.lines
    )
    title = say(lang, "report_pages.chart_points")
    return Chart(title, f"{title}. {said}", lambda ink: charts.contributions(card, lang, ink))


def _ahead(report: Report, entries: tuple[Entry, ...]) -> Iterator[Block]:
    """What would lead to the next step of each goal."""
    if report.paid is None:
        return
    lang = report.lang
    if not entries:
        yield Words(say(lang, "report_pages.nothing_ahead"))
        return
    heads = (say(lang, "report_pages.ahead"), say(lang, "report_pages.gain"))
    yield Table(heads[0], heads, _entries(entries), (5, 0))


def _entries(entries: Iterable[Entry]) -> tuple[tuple[str, ...], ...]:
    return tuple(
        (entry.text + (f" — {entry.comment}" if entry.comment else ""), entry.value)
        for entry in entries
    )


# --- the scorecard


def _value(judged: Judged, lang: str) -> str:
    value = judged.value
    return words.judged_figure(judged.goal, judged.kpi, value.value, value.currency, lang)


def _target(plan: Plan, judged: Judged, lang: str) -> str:
    return words.planned(judged.kpi, judged.goal.target, plan.currency, lang)


def _score(report: Report) -> Iterator[Block]:
    if Part.SCORE not in report.parts:
        return
    lang, card = report.lang, report.scorecard
    heads = ("kpi", "status", "actual", "target", "attainment", "score", "share", "points")
    if card.lines:
        rows = tuple(_line(report, line) for line in card.lines)
        total = ("",) * (len(heads) - 2)
        whole = (say(lang, "words.total"), *total, words.points(report.total, lang))
        title = say(lang, "report_pages.section_score")
        widths = (4, 2, *(0,) * (len(heads) - 2))
        yield _table(lang, title, heads, (*rows, whole), widths, left=2, strong=(len(rows),))
    if report.checks:
        yield Words(say(lang, "report_pages.checks"), strong=True)
        kept = [checked(item, report.plan, lang) for item in report.checks]
        yield Points(tuple(f"{entry.text}: {entry.value}" for entry in kept))
    judged = {line.judged.goal.kpi for line in card.lines}
    others = [value for value in report.values.totals().values() if value.kpi not in judged]
    if others:
        title = say(lang, "report_pages.others")
        rows = tuple(_other(value, lang) for value in others)
        yield Words(title, strong=True)
        yield _table(lang, title, ("kpi", "actual", "interval"), rows, (4, 0, 0))


def _table(
    lang: str,
    title: str,
    heads: Sequence[str],
    rows: tuple[tuple[str, ...], ...],
    widths: tuple[int, ...],
    *,
    left: int = 1,
    strong: tuple[int, ...] = (),
) -> Table:
    said = tuple(say(lang, f"report_pages.column_{head}") for head in heads)
    return Table(title, said, rows, widths, left, strong)


def _line(report: Report, line: ScoredLine) -> tuple[str, ...]:
    judged, lang = line.judged, report.lang
    return (
        judged.kpi.name[lang],
        say(lang, f"report_pages.status_{judged.status}"),
        _value(judged, lang),
        _target(report.plan, judged, lang),
        words.attainment(judged.attainment, judged.goal.rule, lang),
        words.coefficient(judged.score, lang),
        percent(line.share, lang, 0),
        words.points(line.points, lang),
    )


def _other(value: KpiValue, lang: str) -> tuple[str, ...]:
    kpi = value.definition
    shown = words.kpi_figure(kpi, value.value, value.currency, lang)
    return kpi.name[lang], shown, words.interval(value, lang)


# --- trend, funnel, channels


def _trend(report: Report) -> Iterator[Block]:
    for own in report.trend:
        yield trend_chart(own, report.lang)
    said = [
        f"{own.kpi.name[report.lang]}: {ahead_said(own.kpi, own.ahead, own.currency, report.lang)}"
        for own in report.trend
        if own.ahead
    ]
    if said:
        yield Words(say(report.lang, "report_pages.months_ahead"), strong=True)
        yield Points(tuple(said))


def trend_chart(own: Trend, lang: str) -> Chart:
    """A KPI by month."""
    said = "; ".join(
        f"{days(point.period.first, point.period.last, lang)}: "
        f"{words.kpi_figure(own.kpi, point.value, own.currency, lang)}"
        for point in own.points
    )
    name = own.kpi.name[lang]
    return Chart(name, f"{name}. {said}", lambda ink: charts.trend_line(own, lang, ink), half=True)


def _funnel(report: Report) -> Iterator[Block]:
    made, lang = report.funnel, report.lang
    if made is None:
        return
    yield funnel_chart(report)
    rows = tuple(
        (
            stage.stage.name[lang],
            kind_name(stage, lang),
            number(stage.count, lang),
            percent(stage.step_rate, lang, 2),
            percent(stage.total_rate, lang, 2),
        )
        for stage in made.stages
    )
    title = say(lang, "report_pages.section_funnel")
    heads = ("stage", "counted_as", "count", "step_rate", "total_rate")
    yield _table(lang, title, heads, rows, (3, 2, 0, 0, 0), left=2)


def funnel_chart(report: Report) -> Chart:
    """The stages as bars; the report must have some."""
    made, lang = report.funnel, report.lang
    assert made is not None  # noqa: S101  # who asks has looked
    said = "; ".join(
        f"{stage.stage.name[lang]}: {number(stage.count, lang)}" for stage in made.counted
    )
    title = say(lang, "report_pages.chart_funnel")
    return Chart(title, f"{title}. {said}", lambda ink: charts.funnel_bars(made, lang, ink))


def _channels(report: Report) -> Iterator[Block]:
    made, lang = report.channels, report.lang
    if made is None or not made.parts:
        return
    if made.ranked():
        yield channel_chart(report)
    sums = [id for id in ("spend", made.result, "revenue") if id in made.measures]
    kpis = [id for id in (made.cost, RETURN) if id in made.kpis]
    heads = [say(lang, "report_pages.column_channel"), say(lang, "report_pages.column_worth")]
    heads += [catalogue.measure(id).name[lang] for id in sums if id]
    heads += [made.total.values[id].definition.name[lang] for id in kpis if id]
    rows = []
    for part in (*made.parts, made.total):
        row = [words.slice_name(made.by, part.slice, lang), words.worth(part.worth, lang)]
        row += [words.input_figure(id, part.sums[id], lang) for id in sums if id]
        row += [_figure(part.values.get(id), lang) for id in kpis if id]
        rows.append(tuple(row))
    title = say(lang, "report_pages.section_channels")
    widths = (4, *(3,) * (len(heads) - 1))
    yield Table(title, tuple(heads), tuple(rows), widths, 2, (len(rows) - 1,))


def _figure(value: KpiValue | None, lang: str) -> str:
    if value is None:
        return "—"
    return words.kpi_figure(value.definition, value.value, value.currency, lang)


def channel_chart(report: Report) -> Chart:
    """What a unit of spend brought, by channel; the report must have some of which it is known."""
    made, lang = report.channels, report.lang
    assert made is not None  # noqa: S101  # who asks has looked
    said = "; ".join(
        f"{words.slice_name(made.by, part.slice, lang)}: {_figure(part.returned, lang)}, "
        f"{words.worth(part.worth, lang)}"
        for part in made.ranked()
    )
    title = say(lang, "report_pages.chart_return")
    return Chart(title, f"{title}. {said}", lambda ink: charts.returns(made, lang, ink))


# --- pay


def _bonus(report: Report) -> Iterator[Block]:
    if report.blocked:
        yield Words(report.blocked.text(report.lang))
    if report.statement:
        yield derivation(report.statement, report.lang)
        yield from _ahead(report, report.ahead)


def derivation(entries: Sequence[Entry], lang: str) -> Table:
    """A statement line by line; lines of money stand out."""
    strong = tuple(at for at, entry in enumerate(entries) if entry.amount is not None)
    title = say(lang, "report_pages.section_bonus")
    total = say(lang, "statement.pay")
    strong += tuple(at for at, entry in enumerate(entries) if entry.text == total)
    return _table(lang, title, ("line", "figure"), _entries(entries), (5, 2), strong=strong)


def _rule(report: Report) -> Iterator[Block]:
    if report.clauses:
        yield Points(report.clauses, numbered=True)


def _people(report: Report) -> Iterator[Block]:
    if not report.payroll:
        return
    lang, rows = report.lang, [payroll_row(own) for own in report.payroll]
    columns = ("fixed", "bonus", "corrections", "pay")
    told = tuple(
        (
            str(row["name"]),
            *(money(row[column], own.plan.currency, lang) for column in columns),  # type: ignore[arg-type]
        )
        for row, own in zip(rows, report.payroll, strict=True)
    )
    heads = tuple(say(lang, f"payroll.{column}") for column in ("name", *columns))
    yield Table(say(lang, "report_pages.section_people"), heads, told, (3, 0, 0, 0, 0))


@dataclass(frozen=True)
class Annex:
    """The statement of one pay, to be signed.

    Attributes:
        name: of the person; empty where nobody is named.
        pay: what is paid, in one sentence.
    """

    name: str
    pay: str
    derivation: Table


def annexes(report: Report) -> tuple[Annex, ...]:
    """A statement for each person, or that of the plan where nobody is named."""
    everybody = report.payroll or ((report.paid,) if report.paid else ())
    return tuple(
        Annex(
            own.person.name if own.person else "",
            paid_words(report, own),
            derivation(statement(own, report.lang), report.lang),
        )
        for own in everybody
    )


def _scenarios(report: Report) -> Iterator[Block]:
    made, lang = report.scenarios, report.lang
    if made is None:
        return
    yield Words(best_words(report, made), strong=True)
    yield from _doubts(made.findings, lang)
    yield scenario_table(report, made)
    yield Words(say(lang, "report_pages.assumed"), strong=True)
    yield Points(made.assumed)
    if made.untold:
        yield Points(tuple(dict.fromkeys(why.text(lang) for why in made.untold)))


def _doubts(findings: Iterable[Finding], lang: str) -> Iterator[Words]:
    """Why what scenarios move may not be trusted, wherever it is told what they bring."""
    return (Words(_finding(found, lang)) for found in findings)


def scenario_table(report: Report, made: Scenarios) -> Table:
    """The results of scenarios beside the base."""
    lang, currency = report.lang, report.plan.currency
    rows = tuple(
        (row.name, *(scenario_figure(row, own, currency, lang) for own in row.figures))
        for row in made.rows
    )
    heads = (say(lang, "report_pages.column_what"), *made.names)
    title = say(lang, "report_pages.section_scenarios")
    return Table(title, heads, rows, (3, *(0,) * len(made.names)))


def best_words(report: Report, made: Scenarios) -> str:
    """Which scenario leaves most after ads and pay, if any leaves more than the base."""
    row = made.row(BEST)
    if row.figures[0] is None or not any(own is not None for own in row.figures[1:]):
        return say(report.lang, "report_pages.scenarios_unknown")
    then, now = (
        scenario_figure(row, row.figures[at], report.plan.currency, report.lang)
        for at in (0, made.best)
    )
    if not made.best:
        return say(report.lang, "report_pages.scenarios_none_better", base=then)
    name = made.names[made.best]
    return say(report.lang, "report_pages.scenarios_best", name=name, now=now, base=then)


# --- what stands behind


def _definitions(report: Report) -> Iterator[Block]:
    if report.definitions:
        yield Terms(tuple(_terms(report)))


def _terms(report: Report) -> Iterator[Term]:
    lang = report.lang
    for own in report.definitions:
        value = own.value
        from_ = (
            say(
                lang,
                "report_pages.from",
                sources=", ".join(own.sources),
                files=", ".join(own.files),
            )
            if own.sources
            else ""
        )
        reference = say(lang, "report_pages.reference", source=own.reference)
        lines = (own.variant, own.formula, own.figures, from_, reference if own.reference else "")
        shown = words.kpi_figure(value.definition, value.value, value.currency, lang)
        yield Term(own.name, shown, tuple(line for line in lines if line))


def verdict_words(report: Report) -> str:
    """What the data are worth."""
    return say(report.lang, f"report_pages.data_{report.verdict.state}")


def _data(report: Report) -> Iterator[Block]:
    if Part.DATA not in report.parts:
        return
    lang = report.lang
    yield Words(verdict_words(report), strong=True)
    if report.files:
        rows = tuple((own.name, own.digest, number(own.rows, lang)) for own in report.files)
        title = say(lang, "report_pages.files")
        yield _table(lang, title, ("file", "digest", "rows"), rows, (3, 9, 0), left=2)
    if report.findings:
        yield Words(say(lang, "report_pages.findings"), strong=True)
        yield Points(tuple(_finding(found, lang) for found in report.findings))


def _finding(found: Finding, lang: str) -> str:
    where = f"{words.place(found.where, lang)}: " if found.where else ""
    return f"{say(lang, f'words.{found.severity}')}. {where}{found.text(lang)}"


# --- slides


@dataclass(frozen=True)
class Slide:
    """One message, and what shows it. `id` is the same in every language."""

    id: str
    message: str
    blocks: tuple[Block, ...]


def slides(report: Report) -> tuple[Slide, ...]:
    """What a client is told, one message a slide."""
    told = (_slide_score, _slide_lost, _slide_paid, _slide_trends, _slide_funnel, _slide_channels)
    found = [slide for own in told for slide in own(report)]
    if report.ahead:
        ahead = tuple(_ahead(report, report.ahead))
        found.append(Slide("ahead", say(report.lang, "report_pages.ahead"), ahead))
    if made := report.scenarios:
        found.extend(_slide_scenarios(report, made))
        doubts = tuple(_doubts(made.findings, report.lang))
        beside = (scenario_table(report, made), Points(made.assumed))
        found.append(Slide("best", best_words(report, made), doubts + beside))
    return tuple(found)


def _slide_scenarios(report: Report, made: Scenarios) -> Iterator[Slide]:
    """What each scenario makes of the base, as far as that can be told."""
    lang, currency = report.lang, report.plan.currency
    for at, own in enumerate(made.made, start=1):
        told = [row for row in made.rows if None not in (row.figures[0], row.figures[at])]
        figures = {
            row.id: [scenario_figure(row, row.figures[n], currency, lang) for n in (0, at)]
            for row in told
        }
        if not told:
            continue
        lead = next((row for row in told if row.id == BEST), told[0])
        before, after = figures[lead.id]
        moved = {"what": lead.name, "before": before, "after": after}
        tiles = tuple(
            Tile(row.name, after, say(lang, "report_pages.before", figure=before))
            for row in told
            for before, after in [figures[row.id]]
        )
        assumed = Points((made.assumed[at - 1],))
        message = say(lang, "report_pages.scenario", name=own.name, **moved)
        doubts = _doubts(made.doubts[at - 1], lang)
        yield Slide(f"scenario.{at}", message, (*doubts, Tiles(tiles), assumed))


def _slide_score(report: Report) -> Iterator[Slide]:
    if Part.SCORE in report.parts and report.scorecard.lines:
        yield Slide("score", answer(report), (Tiles(tuple(_totals(report))), contributions(report)))


def _slide_lost(report: Report) -> Iterator[Slide]:
    lost, lang = report.scorecard.most_lost(), report.lang
    if Part.SCORE not in report.parts or lost is None:
        return
    judged = lost.judged
    name = judged.kpi.name[lang]
    message = say(
        lang, "report_pages.lost", name=name, points=words.points(lost.points, lang),
        share=words.points(lost.share, lang),
    )  # fmt: skip
    title = say(lang, "report_pages.chart_rule", name=name)
    said = "; ".join(
        f"{where}: {earns}" for where, earns in words.segments(judged.goal.rule, judged.kpi, lang)
    )
    drawn = Chart(title, f"{title}. {said}", lambda ink: charts.rule_curve(judged, lang, ink))
    yield Slide("lost", message, (Tiles((_tile(report, judged),)), drawn))


def _slide_paid(report: Report) -> Iterator[Slide]:
    paid, lang = report.paid, report.lang
    if paid is None:
        return
    lines = [entry for entry in report.statement if entry.amount is not None]
    total = (say(lang, "statement.pay"), money(paid.pay, paid.plan.currency, lang))
    rows = (*_entries(lines), total)
    title = say(lang, "report_pages.section_bonus")
    shown = _table(lang, title, ("line", "figure"), rows, (5, 0), strong=(len(lines),))
    yield Slide("paid", paid_words(report, paid), (shown,))


def _slide_trends(report: Report) -> Iterator[Slide]:
    lang, by = report.lang, {own.kpi.id: own for own in report.trend}
    for line in weightiest(report):
        judged = line.judged
        if judged.goal.kpi in by:
            message = say(
                lang,
                "report_pages.moved",
                name=judged.kpi.name[lang],
                value=_value(judged, lang),
                target=_target(report.plan, judged, lang),
            )
            drawn = trend_chart(by[judged.goal.kpi], lang)
            yield Slide(f"trend.{judged.goal.kpi}", message, (drawn,))


def _slide_funnel(report: Report) -> Iterator[Slide]:
    made, lang = report.funnel, report.lang
    if made is None:
        return
    message = say(lang, "report_pages.section_funnel")
    if made.leakiest:
        rate, name = percent(made.leakiest.step_rate, lang), made.leakiest.stage.name[lang]
        message = say(lang, "report_pages.narrowest", name=name, rate=rate)
    yield Slide("funnel", message, (funnel_chart(report),))


def _slide_channels(report: Report) -> Iterator[Slide]:
    made, lang = report.channels, report.lang
    if made is None or not made.ranked():
        return
    names = {
        worth: ", ".join(
            words.slice_name(made.by, part.slice, lang)
            for part in made.parts
            if part.worth is worth
        )
        for worth in (Worth.PAYS, Worth.LOSES)
    }
    said = [
        say(lang, f"report_pages.channels_{worth}", names=own)
        for worth, own in names.items()
        if own
    ]
    message = " ".join(said) or say(lang, "report_pages.channels_unsure")
    yield Slide("channels", message, (channel_chart(report),))
