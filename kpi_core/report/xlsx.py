"""A report as a workbook that goes on computing: no macro, no link, every figure a number.

What can be changed is on a pale ground; scores, bonus and pay follow (`scoring`, `paying`). Other
sheets show what the app shows, with charts of the spreadsheet itself.
"""

from io import BytesIO

from kpi_core import words
from kpi_core.channels import RETURN
from kpi_core.channels import Part as Slice
from kpi_core.funnel import Funnel, FunnelStage, kind_name
from kpi_core.kpis import KpiValue
from kpi_core.model import Unit
from kpi_core.report import brand
from kpi_core.report.book import Book, Result, Sheet, book, cell
from kpi_core.report.content import Part, Report
from kpi_core.report.paying import bonus, limits, people
from kpi_core.report.scoring import Live, figures, formula, kpi_matrix, live, rules
from kpi_core.text import say
from kpi_core.trend import Trend

CHART = {"width": 860, "height": 330}
GREY = "#9aa5b1"


def workbook(report: Report) -> bytes:
    """The report as an XLSX file.

    Raises:
        UsageError: the logo is no picture, or the accent no colour.
    """
    of_brand = report.brand
    about = {"title": report.title, "subject": report.subtitle, "company": of_brand.client}
    made = book(report.lang, brand.accent(of_brand.accent), {**about, "author": report.program})
    of = live(made, report)
    judged = of.pays or Part.SCORE in report.parts
    _summary(of, judged=judged)
    if judged:
        kpi_matrix(of)
    if of.pays:
        bonus(of)
        if report.checks:
            limits(of)
    if report.payroll:
        people(of)
    if judged:
        rules(of)
    if report.funnel:
        _funnel(made, report.funnel)
    if report.channels:
        _channels(made, report)
    if report.trend:
        _trend(made, report)
    if report.scenarios:
        _scenarios(made, report)
    if judged:
        figures(of)
    if report.definitions:
        _definitions(made, report)
    if Part.DATA in report.parts:
        _data(made, report)
    made.made.close()
    return made.bytes.getvalue()


# --- the first sheet


def _summary(of: Live, *, judged: bool) -> None:
    """What it comes to, what leads further, and how the workbook is used."""
    made, report = of.book, of.report
    sheet = made.sheet("summary", (44, 30, 60))
    sheet.title(report.title)
    sheet.text(1, 0, report.subtitle)
    logo = brand.logo(report.brand)
    if logo:
        options = {"image_data": BytesIO(logo.content), "object_position": 3, "decorative": True}
        sheet.made.insert_image(0, 2, f"logo.{logo.kind}", options)
    if judged:
        score = 'IF(ISNUMBER(total_score),100*total_score,"")'
        points = None if report.total is None else 100 * report.total
        _answer(sheet, "answer_score", score, points, made.number(1))
    if of.pays:
        paid = report.paid
        _answer(sheet, "answer_bonus", "bonus_sum", paid.bonus if paid else None, of.currency)
        _answer(sheet, "answer_pay", "pay_sum", paid.pay if paid else None, of.currency)
        if report.blocked:
            sheet.wide(sheet.row, report.blocked.text(report.lang), "note")
            sheet.row += 1
    if report.payroll:
        whole = sum(own.pay for own in report.payroll)
        _answer(sheet, "answer_payroll", "payroll_sum", whole, of.currency)
    if Part.DATA in report.parts:
        sheet.row += 1
        sheet.wide(sheet.row, made.say(f"verdict_{report.verdict.state}"))
        sheet.row += 1
    if report.changes:
        sheet.section(say(report.lang, "report_pages.section_changes"))
        for sentence in report.changes:
            sheet.wide(sheet.row, sentence)
            sheet.row += 1
    if report.ahead:
        sheet.section(made.say("ahead"))
        for entry in report.ahead:
            sheet.wide(sheet.row, f"{entry.text}: {entry.value}")
            sheet.row += 1
    if judged:
        sheet.section(made.say("how_to"))
        for key in ("how_inputs", "how_exact", "how_words"):
            sheet.wide(sheet.row, made.say(key))
            sheet.row += 1
    sheet.row += 1
    sheet.text(sheet.row, 0, report.program, "note")
    sheet.done(frozen=(0, 0))


def _answer(sheet: Sheet, key: str, made: str, value: Result, pattern: str) -> None:
    sheet.text(sheet.row, 0, sheet.book.say(key), "section")
    sheet.live(sheet.row, 1, made, value, pattern=pattern, look="big")
    sheet.made.set_row(sheet.row, 24)
    sheet.row += 1


# --- where people are lost


def _funnel(made: Book, funnel: Funnel) -> None:
    sheet = made.sheet("funnel", (34, 16, 24, 16, 16, 16, 14, 14))
    sheet.title(made.say("sheet_funnel"))
    heads = sheet.row
    keys = ("stage", "count", "source", "kind", "whole", "step_rate", "lost", "total_rate")
    first = sheet.head([made.say(f"head_{key}") for key in keys])
    before: FunnelStage | None = None
    for stage in funnel.counted:
        _stage(sheet, stage, before, first)
        before = stage
        sheet.row += 1
    last = sheet.row - 1
    chart = made.made.add_chart({"type": "bar"})
    chart.add_series(
        {
            "categories": sheet.range(first, last, 0),
            "values": sheet.range(first, last, 1),
            "fill": {"color": made.accent},
            "gap": 40,
            "data_labels": {"value": True},
        }
    )
    chart.set_y_axis({"reverse": True, "line": {"none": True}})
    chart.set_x_axis({"visible": False, "major_gridlines": {"visible": False}})
    chart.set_title({"name": made.say("sheet_funnel"), "name_font": {"size": 12}})
    chart.set_legend({"none": True})
    chart.set_size(CHART)
    sheet.made.insert_chart(sheet.row + 1, 0, chart)
    sheet.done(frozen=(heads + 1, 1), repeated=heads, last=sheet.row + 18)


def _stage(sheet: Sheet, stage: FunnelStage, before: FunnelStage | None, first: int) -> None:
    """A stage with its rates over what it is a share of."""
    made, row = sheet.book, sheet.row
    number, share = made.number(), made.share(1, 2)
    sources = [words.source_name(source, made.lang) for source in stage.sources]
    sheet.text(row, 0, stage.stage.name[made.lang], "wrapped")
    count = sheet.figure(row, 1, stage.count, pattern=number, look="input")
    sheet.text(row, 2, ", ".join(sources), "wrapped")
    sheet.text(row, 3, kind_name(stage, made.lang), "wrapped")
    if before and stage.step_rate is not None:
        if stage.whole == before.count:
            whole = sheet.live(row, 4, cell(row - 1, 1), stage.whole, pattern=number)
        else:  # counted anew by the source of this stage
            whole = sheet.figure(row, 4, stage.whole, pattern=number, look="input")
        rate = sheet.live(
            row, 5, f'IF({whole}>0,{count}/{whole},"")', stage.step_rate, pattern=share
        )
        sheet.live(row, 6, f"{whole}-{count}", stage.lost, pattern=number)
        total = f'IFERROR({cell(row - 1, 7)}*{rate},"")'
    else:
        total = f'IFERROR({count}/{cell(first, 1)},"")'
    if stage.total_rate is not None:
        sheet.live(row, 7, total, stage.total_rate, pattern=share)


# --- channels


def _channels(made: Book, report: Report) -> None:
    """Each channel with its sums, its shares of the whole, its KPIs, and whether it pays."""
    cut = report.channels
    if cut is None:
        return
    asked = {*report.plan.kpis(), cut.cost, RETURN}
    kpis = [id for id in cut.kpis if id in asked]
    shared = [id for id in cut.measures if id in ("spend", cut.result)]
    widths = [24, *[14] * len(cut.measures), *[11] * len(shared), *[13] * len(kpis), 18]
    sheet = made.sheet("channels", widths)
    sheet.title(made.say("sheet_channels"))
    heads, lang = sheet.row, made.lang
    titles = [made.say("head_channel"), *(words.quantity(id, lang) for id in cut.measures)]
    titles += [made.say("head_share_of", name=words.quantity(id, lang)) for id in shared]
    titles += [report.plan.kpi(id).name[lang] for id in kpis]
    first = sheet.head([*titles, made.say("head_worth")])
    total = first + len(cut.parts)
    for part in (*cut.parts, cut.total):
        look = "total" if part is cut.total else "plain"
        sheet.text(sheet.row, 0, words.slice_name(cut.by, part.slice, lang), look)
        sums: dict[str, str] = {}
        for column, id in enumerate(cut.measures, start=1):
            given = part.sums[id]
            unit = words.unit_of(id)
            pattern = made.figure(unit, 2 if unit is Unit.MONEY else 0, given.currency)
            sums[id] = sheet.figure(sheet.row, column, given.value, pattern=pattern, look=look)
        column = 1 + len(cut.measures)
        for id in shared:
            whole = cell(total, 1 + cut.measures.index(id))
            share = f'IF(AND(ISNUMBER({sums[id]}),N({whole})<>0),{sums[id]}/{whole},"")'
            sheet.live(
                sheet.row, column, share, part.shares.get(id), pattern=made.share(), look=look
            )
            column += 1
        for id in kpis:
            value = part.values[id]
            _of_part(sheet, column, value, _live_of(value, part, sums), look=look)
            column += 1
        sheet.text(
            sheet.row,
            column,
            words.worth(part.worth, lang),
            "total" if look == "total" else "wrapped",
        )
        sheet.row += 1
    _bars(sheet, cut.measures, first, total - 1)
    sheet.done(frozen=(heads + 1, 1), repeated=heads, last=sheet.row + 18)


def _of_part(sheet: Sheet, column: int, value: KpiValue, made: str | None, *, look: str) -> None:
    """A KPI of a channel: live where its row has the figures, else as it is."""
    pattern = sheet.book.of_kpi(value.definition, value.currency)
    if made is None:
        sheet.figure(sheet.row, column, value.value, pattern=pattern, look=look)
    else:
        sheet.live(sheet.row, column, made, value.value, pattern=pattern, look=look)


def _live_of(value: KpiValue, part: Slice, sums: dict[str, str]) -> str | None:
    """The formula of a KPI over the sums beside it, where it was made of just these."""
    same = all(id in sums and part.sums[id].value == own.value for id, own in value.inputs.items())
    return formula(value, sums) if same else None


def _bars(sheet: Sheet, measures: tuple[str, ...], first: int, last: int) -> None:
    """What was spent on each channel beside what it brought."""
    made = sheet.book
    wanted = ("spend", "revenue")
    shown = [id for id in measures if id in wanted] or list(measures[:1])
    if not shown or last < first:
        return
    chart = made.made.add_chart({"type": "column"})
    for id, colour in zip(shown, (GREY, made.accent), strict=False):
        column = 1 + measures.index(id)
        chart.add_series(
            {
                "name": words.quantity(id, made.lang),
                "categories": sheet.range(first, last, 0),
                "values": sheet.range(first, last, column),
                "fill": {"color": colour},
            }
        )
    chart.set_y_axis({"num_format": "#,##0", "major_gridlines": {"visible": False}})
    chart.set_legend({"position": "bottom"})
    chart.set_title({"name": made.say("sheet_channels"), "name_font": {"size": 12}})
    chart.set_size(CHART)
    sheet.made.insert_chart(sheet.row + 1, 0, chart)


# --- months


def _trend(made: Book, report: Report) -> None:
    """Each KPI by month beside its target, and a chart of each."""
    trends = report.trend
    months = sorted({point.slice for own in trends for point in own.points})
    widths = [14, *[14, 12] * len(trends)]
    sheet = made.sheet("trend", widths)
    sheet.title(made.say("sheet_trend"))
    sheet.text(1, 0, made.say("trend_note"))
    heads = sheet.row
    titles = [made.say("head_month")]
    for own in trends:
        titles += [own.kpi.name[made.lang], made.say("head_target")]
    first = sheet.head(titles)
    for month in months:
        sheet.text(sheet.row, 0, month)
        for place, own in enumerate(trends):
            point = next((point for point in own.points if point.slice == month), None)
            pattern = made.of_kpi(own.kpi, own.currency)
            value = point.value if point and point.whole else None
            sheet.figure(sheet.row, 1 + 2 * place, value, pattern=pattern)
            target = point.target if point else None
            sheet.figure(sheet.row, 2 + 2 * place, target, pattern=pattern)
        sheet.row += 1
    last = sheet.row - 1
    for place, own in enumerate(trends):
        chart = _line(sheet, own, 1 + 2 * place, first, last)
        aside = {"x_offset": 580 * (place % 2)}
        sheet.made.insert_chart(sheet.row + 1 + 15 * (place // 2), 0, chart, aside)
    below = sheet.row + 1 + 15 * ((len(trends) + 1) // 2)
    sheet.done(frozen=(heads + 1, 1), repeated=heads, last=below)


def _line(sheet: Sheet, own: Trend, column: int, first: int, last: int) -> object:
    made = sheet.book
    chart = made.made.add_chart({"type": "line"})
    for at, colour, dash in ((column, made.accent, "solid"), (column + 1, GREY, "dash")):
        chart.add_series(
            {
                "name": [sheet.name, first - 1, at],
                "categories": sheet.range(first, last, 0),
                "values": sheet.range(first, last, at),
                "line": {"color": colour, "width": 2, "dash_type": dash},
                "marker": {"type": "none"},
            }
        )
    # A title with a sign, a letter and a number after it would be written as a reference.
    title = own.kpi.name[made.lang].replace("!", "!\N{WORD JOINER}")
    chart.set_title({"name": title, "name_font": {"size": 11}})
    pattern = made.of_kpi(own.kpi, own.currency)
    chart.set_y_axis({"num_format": pattern, "major_gridlines": {"visible": False}})
    chart.set_legend({"position": "bottom"})
    chart.set_size({"width": 560, "height": 280})
    return chart


# --- what is known of the figures


def _scenarios(made: Book, report: Report) -> None:
    known = report.scenarios
    if known is None:
        return
    sheet = made.sheet("scenarios", [40, *[22] * len(known.names)])
    sheet.title(made.say("sheet_scenarios"))
    heads = sheet.row
    sheet.head([made.say("head_figure"), *known.names])
    for own in known.rows:
        of_score = own.id == "score"
        pattern = made.number(1) if of_score else made.money(report.plan.currency)
        sheet.text(sheet.row, 0, own.name, "wrapped")
        for column, value in enumerate(own.figures, start=1):
            points = 100 * value if of_score and value is not None else value
            sheet.figure(sheet.row, column, points, pattern=pattern)
        sheet.row += 1
    sheet.section(say(report.lang, "report_pages.assumed"))
    untold = [why.text(report.lang) for why in known.untold]
    doubts = [found.text(report.lang) for found in known.findings]
    for said in (*known.assumed, *untold, *doubts):
        sheet.wide(sheet.row, said)
        sheet.row += 1
    sheet.done(frozen=(heads + 1, 1), repeated=heads)


def _definitions(made: Book, report: Report) -> None:
    sheet = made.sheet("definitions", (26, 22, 34, 40, 18, 24, 34))
    sheet.title(made.say("sheet_definitions"))
    heads = sheet.row
    keys = ("kpi", "variant", "formula", "figures", "source", "files", "reference")
    sheet.head([made.say(f"head_{key}") for key in keys])
    for own in report.definitions:
        said = (own.name, own.variant, own.formula, own.figures)
        listed = (", ".join(own.sources), ", ".join(own.files), own.reference)
        for column, text in enumerate((*said, *listed)):
            sheet.text(sheet.row, column, text, "wrapped")
        sheet.row += 1
    sheet.done(frozen=(heads + 1, 1), repeated=heads)


def _data(made: Book, report: Report) -> None:
    """The verdict, the files by their digests, and everything odd about them."""
    sheet = made.sheet("data", (18, 40, 90))
    sheet.title(made.say("sheet_data"), made.say(f"verdict_{report.verdict.state}"))
    if report.files:
        sheet.head([made.say(f"head_{key}") for key in ("rows", "file", "digest")])
        for file in report.files:
            sheet.figure(sheet.row, 0, file.rows, pattern=made.number())
            sheet.text(sheet.row, 1, file.name, "wrapped")
            sheet.text(sheet.row, 2, file.digest)
            sheet.row += 1
    if report.findings:
        sheet.section(made.say("findings"))
        sheet.head([made.say(f"head_{key}") for key in ("severity", "where", "finding")])
        for finding in report.findings:
            sheet.text(sheet.row, 0, say(report.lang, f"words.{finding.severity}"))
            sheet.text(sheet.row, 1, words.place(finding.where, report.lang), "wrapped")
            sheet.text(sheet.row, 2, finding.text(report.lang), "wrapped")
            sheet.row += 1
    sheet.done(frozen=(3, 0))
