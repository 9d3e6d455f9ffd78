"""The sheets that compute: change a figure, a weight, a boundary or a salary, and the pay follows.

The formulas take the steps of the library: values of measures (``kpis``), attainment and rules
(``rules``), shares and total (``score``), limits (``gates``), scheme, terms and rounding (``pay``).
A spreadsheet reckons in floats, so figures that are within 1e-12 of a boundary stand on it.

Cells that others need have names: ``value_romi``, ``attainment_line_romi``, ``bonus_sum``.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from kpi_core import words
from kpi_core.formula import FUNCTIONS, Exact, written
from kpi_core.kpis import STATED, Input, KpiValue
from kpi_core.model import Better, Unit
from kpi_core.pay import bonus_by_line
from kpi_core.plan import Missing, Over
from kpi_core.report.book import Book, Sheet, cell, column_of
from kpi_core.report.content import Report
from kpi_core.rules import Bands, Linear, Rule, Steps
from kpi_core.schemes import Curve, Table
from kpi_core.score import Judged, ScoredLine
from kpi_core.text import rounded

AT_LEAST, ABOVE, AT_MOST, BELOW = "≥", ">", "≤", "<"
HOLDS = "✓"
FROM, UP_TO = (AT_LEAST, ABOVE), (AT_MOST, BELOW)


@dataclass(frozen=True)
class Live:
    """A report and the book that it is written into.

    Attributes:
        known: KPI to what its cells are called by.
    """

    book: Book
    report: Report
    known: Mapping[str, str]

    def value(self, kpi: str) -> str:
        """The cell with the value of a KPI."""
        return f"value_{self.known[kpi]}"

    def of(self, what: str, slot: str, kpi: str) -> str:
        """A cell of one goal: of a ``line`` of the plan, or of a ``factor`` of its scheme."""
        return f"{what}_{slot}_{self.known[kpi]}"

    @property
    def missing(self) -> dict[str, str]:
        """What a missing figure does to the total, in words."""
        return {str(own): self.book.say(f"missing_{own}") for own in Missing}

    @property
    def over(self) -> dict[str, str]:
        """Whether a line may earn more than its share, in words."""
        return {str(own): self.book.say(f"over_{own}") for own in Over}

    @property
    def holds(self) -> dict[bool | None, str]:
        """Whether a limit is kept, in words."""
        keys = {True: "kept", False: "broken", None: "unknown"}
        return {kept: self.book.say(key) for kept, key in keys.items()}

    @property
    def pays_by_lines(self) -> bool:
        """Whether the report tells a bonus that is made of the lines."""
        return self.pays and self.report.plan.scheme.by == "lines"

    @property
    def pays(self) -> bool:
        """Whether the report tells what is paid, or why nothing is."""
        return self.report.paid is not None or self.report.blocked is not None

    @property
    def currency(self) -> str:
        """The pattern of money of the plan."""
        return self.book.money(self.report.plan.currency)


def live(book: Book, report: Report) -> Live:
    """What the computing sheets of a report need."""
    known: dict[str, str] = {}
    for place, id in enumerate(report.plan.shown_kpis()):
        plain = re.fullmatch(r"[a-z][a-z0-9_]*", id)  # names of cells know no case
        known[id] = id if plain and id not in report.plan.own else f"own_{place}"
    return Live(book, report, known)


# --- the scorecard


def kpi_matrix(of: Live) -> None:
    """Every goal: value, target, attainment, score, and what it adds to the total or the bonus."""
    book, report = of.book, of.report
    money = [17] if of.pays_by_lines else []
    widths = (34, 16, 16, 14, 10, 14, 15, 10, 10, 10, 10, *money, 20)
    sheet = book.sheet("matrix", widths)
    sheet.title(book.say("sheet_matrix"), book.say("matrix_note"))
    for key, known, chosen in (
        ("missing_policy", of.missing, report.plan.missing),
        ("over_policy", of.over, report.plan.over),
    ):
        sheet.text(sheet.row, 0, book.say(key), "wrapped")
        sheet.choice(sheet.row, 1, tuple(known.values()), known[chosen], across=5)
        sheet.named(key, sheet.row, 1)
        sheet.row += 1
    if report.factors:
        sheet.section(book.say("factors"))
        sheet.head(_heads(book, ("coefficient",)))
        for factor in report.factors:
            _judged(of, sheet, factor, "factor")
            sheet.row += 1
        sheet.section(book.say("lines"))
    else:
        sheet.row += 1
    weighed = ("counted", "weight", "share", "points", *(["in_money"] if money else []), "owner")
    heads = sheet.row
    first = sheet.head(_heads(book, ("score", *weighed)))
    last = first + len(report.scorecard.lines) - 1
    for line in report.scorecard.lines:
        _judged(of, sheet, line.judged, "line")
        _weighed(of, sheet, line, first, last)
        sheet.row += 1
    _total(of, sheet, first, last)
    if money:
        given = bonus_by_line(report.paid) if report.paid else {}
        points = [line.points or Fraction(0) for line in report.scorecard.lines]
        if not any(points):  # a guaranteed bonus
            points = [line.share for line in report.scorecard.lines]
        for row, point in zip(range(first, last + 1), points, strict=True):
            by = f"IF(SUM({column_of(first, last, 10)})=0,{cell(row, 9)},N({cell(row, 10)}))"
            sheet.live(row, 13, by, point)
        parts = [
            (point, given.get(line.judged.goal.kpi))
            for point, line in zip(points, report.scorecard.lines, strict=True)
        ]
        share_out(of, sheet, range(first, last + 1), (13, 11, 14), parts)
    _status(sheet, first, last)
    _attainments(of, sheet, first, last)
    sheet.done(frozen=(heads + 1, 1), repeated=heads, last=sheet.row + 18)


def _heads(book: Book, last: Iterable[str]) -> list[str]:
    keys = ("kpi", "value", "target", "base", "better", "attainment", *last)
    return [book.say(f"head_{key}") for key in keys]


def _judged(of: Live, sheet: Sheet, judged: Judged, slot: str) -> None:
    """The columns that lines and factors share: A to G."""
    report, book, row = of.report, of.book, sheet.row
    goal, kpi = judged.goal, judged.kpi
    currency = report.plan.currency
    pattern = book.of_kpi(kpi, currency)
    fine = book.figure(kpi.unit, max(kpi.decimals, 2), currency)
    sheet.text(row, 0, kpi.name[book.lang], "wrapped")
    if judged.foreign:  # text is not judged
        said = words.kpi_figure(kpi, judged.value.value, judged.value.currency, book.lang)
        value = sheet.figure(row, 1, said)
    else:
        known = f'IF(ISNUMBER({of.value(goal.kpi)}),{of.value(goal.kpi)},"")'
        value = sheet.live(row, 1, known, judged.value.value, pattern=pattern)
    target = sheet.figure(row, 2, goal.target, pattern=fine, look="input")
    base = sheet.figure(row, 3, goal.base, pattern=fine, look="input")
    sheet.text(row, 4, book.say(f"better_{kpi.better}"), "wrapped")
    for what, column in (("target", 2), ("base", 3), ("attainment", 5), ("score", 6)):
        sheet.named(of.of(what, slot, goal.kpi), row, column)
    plain = f"{value}/{target}"
    if kpi.better is Better.LOWER:
        plain = f'IF({value}>0,{target}/{value},"")'
    way = f"({value}-{base})/({target}-{base})"
    reached = sheet.live(
        row,
        5,
        f"IF(AND(ISNUMBER({value}),ISNUMBER({target})),"
        f'IFERROR(IF(ISNUMBER({base}),{way},{plain}),""),"")',
        judged.attainment,
        pattern=book.share(1, 3),
    )
    rule = of.of("rule", slot, goal.kpi)
    if isinstance(goal.rule, Bands):
        found = f'IF(ISNUMBER({value}),{rule},"")'
    else:
        beyond = '""'
        if kpi.better is Better.LOWER:  # the limit of target / value, where the value is 0
            top = of.of("top", slot, goal.kpi)
            beyond = f'IF(AND(ISNUMBER({value}),ISNUMBER({target})),IF({value}=0,{top},""),"")'
        found = f"IF(ISNUMBER({reached}),{rule},{beyond})"
    sheet.live(row, 6, found, judged.score, pattern=book.number(2, 4))


def _weighed(of: Live, sheet: Sheet, line: ScoredLine, first: int, last: int) -> None:
    """What a line adds to the total: H to M."""
    plan, book, row = of.report.plan, of.book, sheet.row
    goal = line.judged.goal
    score, counted, weight, share = (cell(row, column) for column in (6, 7, 8, 9))
    capped, zero = of.over["capped"], of.missing["zero"]
    sheet.live(
        row,
        7,
        f'IF(ISNUMBER({score}),IF(over_policy="{capped}",MIN({score},1),{score}),'
        f'IF(missing_policy="{zero}",0,""))',
        _counted(of, line),
        pattern=book.number(2, 4),
    )
    sheet.figure(row, 8, line.weight, pattern=book.number(0, 2), look="input")
    sheet.named(of.of("weight", "line", goal.kpi), row, 8)
    counting = _counting(first, last)
    sheet.live(
        row,
        9,
        f"IF(AND(ISNUMBER({counted}),{counting}>0),{weight}/{counting},0)",
        line.share,
        pattern=book.share(),
    )
    sheet.live(
        row,
        10,
        f'IF(ISNUMBER({counted}),{share}*{counted},"")',
        line.points,
        pattern=book.number(4),
    )
    owner = next(own.owner for own in plan.lines if own.kpi == goal.kpi)
    sheet.text(row, 12 if of.pays_by_lines else 11, owner, "wrapped")


def _counted(of: Live, line: ScoredLine) -> Fraction | None:
    """A score as it counts in the total."""
    if line.judged.score is None:
        return Fraction(0) if of.report.plan.missing is Missing.ZERO else None
    capped = of.report.plan.over is Over.CAPPED
    return min(line.judged.score, Fraction(1)) if capped else line.judged.score


def _counting(first: int, last: int) -> str:
    """The weights of all lines that count."""
    counted, weights = column_of(first, last, 7), column_of(first, last, 8)
    return f"SUMPRODUCT(ISNUMBER({counted})*{weights})"


def _total(of: Live, sheet: Sheet, first: int, last: int) -> None:
    report, book, row = of.report, of.book, sheet.row
    scores, weights, points = (column_of(first, last, column) for column in (6, 8, 10))
    lines = report.scorecard.lines
    for column in range(sheet.columns):
        sheet.figure(row, column, None, look="total")
    sheet.text(row, 0, book.say("total"), "total")
    whole = sum((line.weight for line in lines), Fraction(0))
    sheet.live(row, 8, f"SUM({weights})", whole, pattern=book.number(0, 2), look="total")
    shares = column_of(first, last, 9)
    whole = sum((line.share for line in lines), Fraction(0))
    sheet.live(row, 9, f"SUM({shares})", whole, pattern=book.share(), look="total")
    blocks = f'AND(SUMPRODUCT(NOT(ISNUMBER({scores}))*({weights}>0))>0,missing_policy="{{}}")'
    sheet.live(
        row,
        10,
        f'IF(OR({_counting(first, last)}=0,{blocks.format(of.missing["block"])}),"",SUM({points}))',
        report.total,
        pattern=book.number(4),
        look="total",
    )
    sheet.named("total_score", row, 10)
    sheet.made.set_column(13, 16, None, None, {"hidden": True})
    judged = sum((line.weight for line in lines if line.judged.score is not None), Fraction(0))
    sheet.live(
        row, 13, f"SUMPRODUCT(ISNUMBER({scores})*{weights})/{cell(row, 8)}",
        judged / sum((line.weight for line in lines), Fraction(0)),
    )  # fmt: skip
    sheet.named("judged_share", row, 13)
    sheet.row += 1


def _status(sheet: Sheet, first: int, last: int) -> None:
    """Scores in the colours of the app: reached, partly, missed."""
    scores, own = f"G{first + 1}:G{last + 1}", f"G{first + 1}"
    for rule, colour in (
        (f"AND(ISNUMBER({own}),{own}>=1)", "#d7efe3"),
        (f"AND(ISNUMBER({own}),{own}>0)", "#fdebc8"),
        (f"ISNUMBER({own})", "#f8d9d4"),
    ):
        look = sheet.book.made.add_format({"bg_color": colour})
        sheet.made.conditional_format(
            scores,
            {"type": "formula", "criteria": f"={rule}", "format": look, "stop_if_true": True},
        )


def _attainments(of: Live, sheet: Sheet, first: int, last: int) -> None:
    """What each line adds of what it could, as bars."""
    book = of.book
    chart = book.made.add_chart({"type": "bar"})
    for column, colour in ((9, "#d5dae1"), (10, book.accent)):
        chart.add_series(
            {
                "name": [sheet.name, first - 1, column],
                "categories": sheet.range(first, last, 0),
                "values": sheet.range(first, last, column),
                "fill": {"color": colour},
                "overlap": 100 if column == 10 else None,
                "gap": 60,
            }
        )
    chart.set_y_axis({"reverse": True, "line": {"none": True}})
    chart.set_x_axis({"num_format": "0%", "major_gridlines": {"visible": False}})
    chart.set_title({"name": book.say("chart_points"), "name_font": {"size": 12}})
    chart.set_legend({"position": "bottom"})
    chart.set_size({"width": 860, "height": 330})
    sheet.made.insert_chart(sheet.row + 1, 0, chart)


def share_out(
    of: Live,
    sheet: Sheet,
    rows: Sequence[int],
    columns: tuple[int, int, int],
    parts: Sequence[tuple[Fraction, Decimal | None]],
) -> None:
    """A column of money that adds up to the bonus to the kopeck, by largest remainders.

    Args:
        of: the report.
        sheet: where.
        rows: those that have a part.
        columns: of the weights, of the money, and the first of two for the reckoning.
        parts: of each row its weight, and what it is given; nothing where no bonus is paid.
    """
    by, to, aside = columns
    weights, kopecks, remains = (
        column_of(rows[0], rows[-1], column) for column in (by, aside, aside + 1)
    )
    whole = sum((weight for weight, _ in parts), Fraction(0))
    bonus = sum((Fraction(given) for _, given in parts if given is not None), Fraction(0))
    for row, (weight, given) in zip(rows, parts, strict=True):
        exactly = Fraction(rounded(100 * bonus * weight / whole if whole else Fraction(0), 6))
        share = f"{cell(row, by)}/SUM({weights})*bonus_sum*100"
        can = f"ISNUMBER(bonus_sum),ISNUMBER({cell(row, by)}),SUM({weights})>0"
        own = sheet.live(row, aside, f"IF(AND({can}),ROUND({share},6),0)", exactly)
        rest = sheet.live(row, aside + 1, f"ROUND({own}-INT({own}),6)", exactly % 1)
        larger = f"SUMPRODUCT(--({remains}>{rest}))"
        if row > rows[0]:  # of equal remainders the first goes first
            larger += f"+SUMPRODUCT(--({column_of(rows[0], row - 1, aside + 1)}={rest}))"
        left = f"ROUND(bonus_sum*100,0)-SUMPRODUCT(INT({kopecks}))"
        made = f"(INT({own})+IF({larger}<{left},1,0))/100"
        sheet.live(
            row,
            to,
            f'IF(ISNUMBER(bonus_sum),IF(SUM({weights})>0,{made},0),"")',
            given,
            pattern=of.currency,
        )


# --- rules


def rules(of: Live) -> None:
    """The rule of every goal, boundary by boundary: which side it belongs to, what it scores."""
    book, report = of.book, of.report
    sheet = book.sheet("rules", (40, 9, 16, 16, 12, 16))
    sheet.title(book.say("sheet_rules"), book.say("rules_note"))
    heads, columns = sheet.row, ("rule", "side", "mark", "gives", "holds", "so_far")
    sheet.head([book.say(f"head_{key}") for key in columns])
    goals = [("factor", factor) for factor in report.factors]
    goals += [("line", line.judged) for line in report.scorecard.lines]
    for slot, judged in goals:
        kpi, rule = judged.kpi, judged.goal.rule
        at, x = of.of("attainment", slot, kpi.id), judged.attainment
        marks = book.share(0, 3)
        if isinstance(rule, Bands):
            at, x = of.value(kpi.id), judged.value.value
            marks = book.figure(kpi.unit, max(kpi.decimals, 2), report.plan.currency)
        called = f"{slot}_{of.known[kpi.id]}"
        block = _Block(sheet, called, at, x, marks, book.number(2, 4))
        block.write(rule, kpi.name[book.lang])
    scheme = report.plan.scheme
    if isinstance(scheme, Table | Curve) and of.pays:
        rule = scheme.rule() if isinstance(scheme, Table) else scheme.rule
        gives = of.currency if isinstance(scheme, Table) else book.number(2, 4)
        block = _Block(sheet, "scheme", "total_score", report.total, book.share(0, 3), gives)
        block.write(rule, book.say(f"rule_{scheme.kind}"))
    sheet.done(frozen=(heads + 1, 1), repeated=heads)


@dataclass(frozen=True)
class _Block:
    """The rows of one rule.

    Attributes:
        called: what its cells are called by: ``rule_`` what it gives, ``top_`` beyond every
            boundary; ``side_``, ``mark_`` and ``gives_`` of each row.
        at: the cell that it judges.
        x: what is in it.
        marks, gives: patterns.
    """

    sheet: Sheet
    called: str
    at: str
    x: Fraction | None
    marks: str
    gives: str

    def write(self, rule: Rule, name: str) -> None:
        """The rule under its name."""
        sheet = self.sheet
        sheet.row += 1
        sheet.text(sheet.row, 0, name, "section")
        sheet.row += 1
        first = sheet.row
        match rule:
            case Steps():
                self._steps(rule)
            case Linear():
                self._linear(rule)
            case Bands():
                self._bands(rule)
        last = sheet.row - 1
        sheet.named(f"rule_{self.called}", first if isinstance(rule, Bands) else last, 5)
        sheet.named(f"top_{self.called}", last, 3)

    def _steps(self, rule: Steps) -> None:
        sheet = self.sheet
        row = self._row("rule_before", rule.below, 0)
        before = sheet.live(row, 5, cell(row, 3), rule.below, pattern=self.gives)
        found = Fraction(rule.below)
        for place, step in enumerate(rule.steps, start=1):
            side = FROM[0] if step.inclusive else FROM[1]
            row = self._row("rule_step", step.score, place, step.at, (side, FROM))
            reached = self.x is not None and step.reached(self.x)
            found = Fraction(step.score) if reached else found
            mark = _near(cell(row, 2))
            side = cell(row, 1)
            holds = f'IF({side}="{AT_LEAST}",{self.at}>={mark[0]},{self.at}>{mark[1]})'
            self._holds(row, holds, reached)
            made = f'IF({cell(row, 4)}="{HOLDS}",{cell(row, 3)},{before})'
            before = sheet.live(row, 5, made, found, pattern=self.gives)

    def _linear(self, rule: Linear) -> None:
        marks = (rule.floor, rule.target, rule.stretch)
        scores = (rule.floor_score, rule.target_score, rule.stretch_score)
        rows = []
        for place, (key, mark, score) in enumerate(
            zip(("rule_floor", "rule_target", "rule_stretch"), marks, scores, strict=True)
        ):
            row = self._row(key, score, place, mark)
            reached = self.x is not None and self.x >= mark
            self._holds(row, f"{self.at}>={_near(cell(row, 2))[0]}", reached)
            rows.append(row)
        (a, b, c), (low, mid, high) = ([cell(row, column) for row in rows] for column in (2, 3))
        lower = f"{low}+({self.at}-{a})/({b}-{a})*({mid}-{low})"
        upper = f"{mid}+({self.at}-{b})/({c}-{b})*({high}-{mid})"
        made = f"IF({self.at}<{b},{lower},IF({self.at}<{c},{upper},{high}))"
        self.sheet.live(
            rows[-1],
            5,
            f'IF({cell(rows[0], 4)}="{HOLDS}",{made},0)',
            Fraction(0) if self.x is None else rule.score(self.x),
            pattern=self.gives,
        )

    def _bands(self, rule: Bands) -> None:
        sheet = self.sheet
        holding = [
            self.x is not None and (self.x < band.to or (band.inclusive and self.x == band.to))
            for band in rule.bands
        ]
        for place, band in enumerate(rule.bands):
            side = UP_TO[0] if band.inclusive else UP_TO[1]
            row = self._row("rule_band", band.score, place, band.to, (side, UP_TO))
            mark, side = _near(cell(row, 2)), cell(row, 1)
            holds = f'IF({side}="{AT_MOST}",{self.at}<={mark[1]},{self.at}<{mark[0]})'
            self._holds(row, holds, holding[place])
            here = zip(rule.bands[place:], holding[place:], strict=True)
            after = next((own.score for own, holds in here if holds), rule.beyond)
            made = f'IF({cell(row, 4)}="{HOLDS}",{cell(row, 3)},{cell(row + 1, 5)})'
            sheet.live(row, 5, made, after, pattern=self.gives)
        row = self._row("rule_beyond", rule.beyond, len(rule.bands))
        sheet.live(row, 5, cell(row, 3), rule.beyond, pattern=self.gives)

    def _row(
        self,
        key: str,
        score: Decimal,
        place: int,
        mark: Decimal | None = None,
        sides: tuple[str, Sequence[str]] | None = None,
    ) -> int:
        """A row with its inputs, and the next one; `sides` is the side it has and those it may."""
        sheet, row = self.sheet, self.sheet.row
        sheet.text(row, 0, sheet.book.say(key))
        if sides:
            sheet.choice(row, 1, sides[1], sides[0])
            sheet.named(f"side_{self.called}_{place}", row, 1)
        if mark is not None:
            sheet.figure(row, 2, mark, pattern=self.marks, look="input")
            sheet.named(f"mark_{self.called}_{place}", row, 2)
        sheet.figure(row, 3, score, pattern=self.gives, look="input")
        sheet.named(f"gives_{self.called}_{place}", row, 3)
        sheet.row += 1
        return row

    def _holds(self, row: int, holds: str, held: bool) -> None:
        made = f'IF(AND(ISNUMBER({self.at}),{holds}),"{HOLDS}","")'
        self.sheet.live(row, 4, made, HOLDS if held else "", look="centred")


def _near(mark: str) -> tuple[str, str]:
    """A little less and a little more than a boundary: within them a float stands on it."""
    slack = f"1E-12*MAX(1,ABS({mark}))"
    return f"{mark}-{slack}", f"{mark}+{slack}"


# --- figures


def figures(of: Live) -> None:
    """The value of every KPI, and the sums of the files that it is made of."""
    book, report = of.book, of.report
    sheet = book.sheet("figures", (40, 20, 20, 20, 60))
    sheet.title(book.say("sheet_figures"), book.say("figures_note"))
    top = sheet.row
    sheet.head([book.say(f"head_{key}") for key in ("kpi", "value", "low", "high", "variant")])
    shown = [report.values.total(id) for id in report.plan.shown_kpis()]
    sums = list(dict.fromkeys((id, own) for value in shown for id, own in value.inputs.items()))
    first = sheet.row + len(shown) + 3
    cells = {key: cell(first + place, 1) for place, key in enumerate(sums)}
    for value in shown:
        _value(of, sheet, value, cells)
        sheet.row += 1
    if sums:
        sheet.section(book.say("measures"))
        heads = [book.say(f"head_{key}") for key in ("measure", "sum", "source", "files")]
        sheet.head([*heads[:3], "", heads[3]])
    for id, given in sums:
        unit = words.unit_of(id)
        decimals = 2 if unit is Unit.MONEY else 0
        pattern = book.figure(unit, decimals, given.currency)
        sheet.text(sheet.row, 0, words.quantity(id, book.lang), "wrapped")
        sheet.figure(sheet.row, 1, given.value, pattern=pattern, look="input")
        sources = [words.source_name(source, book.lang) for source in given.sources]
        sources += [words.converted(part, book.lang) for part in given.converted]
        sheet.text(sheet.row, 2, ", ".join(sources), "wrapped")
        sheet.text(sheet.row, 4, ", ".join(given.files), "wrapped")
        sheet.row += 1
    sheet.done(frozen=(top + 1, 1), repeated=top)


def _value(of: Live, sheet: Sheet, value: KpiValue, cells: Mapping[tuple[str, Input], str]) -> None:
    book, row = of.book, sheet.row
    kpi = value.definition
    pattern = book.of_kpi(kpi, value.currency)
    sheet.text(row, 0, kpi.name[book.lang], "wrapped")
    made = formula(value, {id: cells[id, own] for id, own in value.inputs.items()})
    if made is None:
        sheet.figure(row, 1, value.value, pattern=pattern, look="input")
    else:
        sheet.live(row, 1, made, value.value, pattern=pattern)
    sheet.named(of.value(kpi.id), row, 1)
    for column, bound in ((2, value.low), (3, value.high)):
        sheet.figure(row, column, bound if value.enough else None, pattern=pattern)
    variant = kpi.variant(value.variant).name[book.lang] if value.inputs else ""
    sheet.text(row, 4, variant or words.source_name(STATED, book.lang), "wrapped")


def formula(value: KpiValue, cells: Mapping[str, str]) -> str | None:
    """The formula of a value over cells of its figures; ``None`` where it is not just that.

    A value is not its formula where it was stated, or held back although its figures are there.
    """
    known: dict[str, Exact] = {id: own.value for id, own in value.inputs.items()}
    plain = not any(f"{name}(" in value.formula.text for name in FUNCTIONS)
    if not known or not plain or value.value is None or value.formula.value(known) != value.value:
        return None
    text = written(value.formula, cells.__getitem__)
    text = text.replace("·", "*").replace("\N{MINUS SIGN}", "-")
    return f'IFERROR({text},"")'
