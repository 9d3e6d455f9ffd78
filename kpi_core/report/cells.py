"""The steps of the chain as Python that runs: cells of notebooks, and the code of each page.

`page` is a short program that prints what one page of the app tells, from the same files and the
same plan. A cell stands here once; which names it imports is read off its own text.
"""

import ast
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from kpi_core.model import Period

# Where the names lie that cells use.
HOMES = {
    "replace": "dataclasses",
    "Fraction": "fractions",
    "Path": "pathlib",
    "catalogue": "kpi_core",
    "charts": "kpi_core",
    "words": "kpi_core",
    "chain": "kpi_core.chain",
    "read_set": "kpi_core.anonymise",
    "by_slice": "kpi_core.channels",
    "calibrate": "kpi_core.drivers",
    "combine": "kpi_core.facts",
    "Counting": "kpi_core.funnel",
    "funnel": "kpi_core.funnel",
    "stages_of": "kpi_core.funnel",
    "read_path": "kpi_core.ingest",
    "read_layout": "kpi_core.ingest.layouts",
    "Evaluation": "kpi_core.kpis",
    "kpi_values": "kpi_core.kpis",
    "parse_period": "kpi_core.model",
    "check_name": "kpi_core.objectives",
    "review": "kpi_core.objectives",
    "told": "kpi_core.objectives",
    "outcome": "kpi_core.pay",
    "statement": "kpi_core.pay",
    "read_plan": "kpi_core.plan",
    "FORMS": "kpi_core.report",
    "gather": "kpi_core.report",
    "slides": "kpi_core.report.printed",
    "scenario_figure": "kpi_core.report.scenarios",
    "side_by_side": "kpi_core.report.scenarios",
    "figures": "kpi_core.scenario",
    "read_scenarios": "kpi_core.scenario",
    "scenario": "kpi_core.scenario",
    "score": "kpi_core.score",
    "money": "kpi_core.text",
    "number": "kpi_core.text",
    "percent": "kpi_core.text",
    "say": "kpi_core.text",
    "ahead_said": "kpi_core.trend",
    "course_said": "kpi_core.trend",
    "courses": "kpi_core.trend",
    "kept_said": "kpi_core.trend",
    "month_in_view": "kpi_core.trend",
    "recent": "kpi_core.trend",
    "trends": "kpi_core.trend",
    "verdict": "kpi_core.verdict",
}

# --- cells

ROWS = """
for upload in uploads:
    rows = sum(table.rows for table in upload.tables)
    print(f"{upload.name}: {number(rows, LANG)} ({upload.digest})")
"""
VALUES = """
values = kpi_values(
    facts,
    catalogue.business(plan.business),
    PERIOD,
    settings=plan.settings(),
    kpis=plan.shown_kpis(),
    against=plan.against(),
)
"""
FIGURES = """
for id, value in values.totals().items():
    kpi = value.definition
    print(f"{kpi.name[LANG]}: {words.kpi_figure(kpi, value.value, value.currency, LANG)}")
    print(f"    {words.formula_in_figures(value, LANG)}")
"""
SCORE = """
card = score(plan, values.totals())
for line in card.lines:
    judged, kpi, value = line.judged, line.judged.kpi, line.judged.value
    shown = words.judged_figure(judged.goal, kpi, value.value, value.currency, LANG)
    target = words.planned(kpi, judged.goal.target, plan.currency, LANG)
    reached = words.attainment(judged.attainment, judged.goal.rule, LANG)
    print(f"{kpi.name[LANG]}: {shown} / {target}, {reached} → {words.points(line.points, LANG)}")
print(f"{say(LANG, 'words.total')}: {words.points(card.total, LANG)}")
"""
PAY = """
made = outcome(plan, values)
if made.paid is None:
    print(made.blocked.text(LANG))
else:
    print(f"{say(LANG, 'payroll.bonus')}: {money(made.paid.bonus, plan.currency, LANG)}")
    print(f"{say(LANG, 'payroll.pay')}: {money(made.paid.pay, plan.currency, LANG)}")
"""
STATEMENT = """
for entry in statement(made.paid, LANG) if made.paid else ():
    print(f"{entry.text}: {entry.value}")
"""
COUNT = """
stages = funnel(facts, catalogue.business(plan.business), PERIOD, plan.settings())
"""
STAGES = """
for stage in stages.counted:
    rate = percent(stage.step_rate, LANG, 2)
    print(f"{stage.stage.name[LANG]}: {number(stage.count, LANG)} ({rate})")
"""
MODEL = """
model = calibrate(
    Evaluation(facts, PERIOD, settings=plan.settings()), catalogue.business(plan.business)
)
"""
SIDE_BY_SIDE = """
found = side_by_side(chain(plan, values, model), scenarios, LANG)
for row in found.rows:
    print(row.name)
    for name, figure in zip(found.names, row.figures, strict=True):
        print(f"    {name}: {scenario_figure(row, figure, plan.currency, LANG)}")
for finding in found.findings:
    print(finding.text(LANG))
"""
CHART_OF_SCORE = """
charts.contributions(card, LANG)
"""
CHART_OF_FUNNEL = """
charts.funnel_bars(stages, LANG)
"""

# --- cells of pages alone

_READ = """
plan = read_plan(Path("plan.json").read_bytes())
uploads = [read_path(Path(name)) for name in FILES]
facts = combine(uploads)
"""
_READ_AS_TAUGHT = """
plan = read_plan(Path("plan.json").read_bytes())
layouts = [read_layout(name, text) for name, text in LAYOUTS]
uploads = [read_path(Path(name), layouts) for name in FILES]
facts = combine(uploads)
"""
_READ_SET = """
plan = read_plan(Path("plan.json").read_bytes())
uploads = read_set(Path(SET).read_bytes())
facts = combine(uploads)
"""
_OF_PERIOD = """
plan = plan.of_period(values.period)
"""
_VERDICT = """
print(say(LANG, f"pages.data_{verdict(facts, uploads, values.findings).state}"))
"""
_COUNT_PART = """
counting = Counting(facts, stages_of(plan, facts), PERIOD, plan.settings(), by=BY)
stages = counting.of(PART) if PART else counting.of()
"""
_MOVED = """
made = chain(plan, values, replace(model, elasticity=Fraction(ELASTICITY)))
stand = scenario("levers", LEVERS)
(before, _), (after, blocked) = figures(made, {}), figures(made, stand.moved())
was, now = (words.points(own["result", "score"], LANG) for own in (before, after))
print(f"{say(LANG, 'scenario.score')}: {was} → {now}")
for id, digits in (("bonus", 2), ("profit_after_pay", 0)):
    was, now = (money(own["result", id], plan.currency, LANG, digits) for own in (before, after))
    print(f"{say(LANG, f'scenario.{id}')}: {was} → {now}")
for odd in (*([blocked] if blocked else []), *made.model.findings):
    print(odd.text(LANG))
"""
_REPORT = """
form = next(form for form in FORMS if form.id == FORM)
report = gather(facts, uploads, plan, PERIOD, LANG, parts=PARTS)
Path(f"report{form.suffix}").write_bytes(form.write(report))
print(f"{report.title}, {report.subtitle}: {words.points(report.total, LANG)}")
"""
_SLIDES = """
form = next(form for form in FORMS if form.id == "slides")
report = gather(facts, uploads, plan, PERIOD, LANG, parts=form.parts)
for slide in slides(report):
    print(slide.message)
"""
_MONTHS = """
business = catalogue.business(plan.business)
asked = {"settings": plan.settings(), "kpis": plan.shown_kpis()}
months = kpi_values(facts, business, None, "month", **asked)
"""
_OBJECTIVES = """
for found in review(plan, values, months, LANG):
    print(told(found, LANG))
    for check in (check for aim in found.aims for check in aim.checks):
        print(f"    {check_name(check, LANG)}: {check.why}")
"""
_TRENDS = """
cut = kpi_values(facts, business, recent(facts, BY), BY, **asked)
month = month_in_view(facts, None)
running = courses(facts, plan, values, month) if month else ()
for own in trends(plan, cut, months, BY, running):
    print(own.kpi.name[LANG])
    if own.running:
        print(f"    {course_said(own.running, LANG)}")
    elif own.ahead:
        said = ahead_said(own.kpi, own.ahead, own.currency, LANG)
        print(f"    {said} {kept_said(own.ahead.kept, LANG)}")
"""
_CHANNELS = """
made = by_slice(
    facts,
    catalogue.business(plan.business),
    PERIOD,
    BY,
    settings=plan.settings(),
    kpis=plan.shown_kpis(),
)
for part in (*made.parts, made.total):
    print(f"{words.slice_name(made.by, part.slice, LANG)}: {words.worth(part.worth, LANG)}")
    for id in [id for id in ("romi", made.cost) if id in part.values]:
        value, kpi = part.values[id], part.values[id].definition
        figure = words.kpi_figure(kpi, value.value, value.currency, LANG)
        print(f"    {kpi.name[LANG]}: {figure}")
"""
_EVERY_KPI = """
values = kpi_values(
    facts,
    catalogue.business(plan.business),
    PERIOD,
    settings=plan.settings(),
    kpis=(*catalogue.kpis(), *plan.own),
)
"""


@dataclass(frozen=True)
class Program:
    """The cells of a page, and what they take beside files, plan and period.

    Attributes:
        takes: name to what it is where the page says nothing else; in the code in capitals.
    """

    cells: tuple[str, ...]
    takes: Mapping[str, object] = field(default_factory=dict)


_SCORED = (VALUES, _OF_PERIOD, SCORE)
PAGES = {
    "data": Program((VALUES, ROWS, _VERDICT)),
    "scorecard": Program(_SCORED),
    "funnel": Program((_COUNT_PART, STAGES), {"by": None, "part": ""}),
    "bonus": Program((VALUES, _OF_PERIOD, PAY, STATEMENT)),
    "whatif": Program((VALUES, _OF_PERIOD, MODEL, _MOVED), {"levers": {}, "elasticity": "1"}),
    "report": Program((_REPORT,), {"form": "html", "parts": ["score", "bonus"]}),
    "present": Program((_SLIDES,)),
    "plan": Program(_SCORED),
    "objectives": Program((VALUES, _MONTHS, _OBJECTIVES)),
    "trend": Program((VALUES, _MONTHS, _TRENDS), {"by": "month"}),
    "channels": Program((_CHANNELS,), {"by": "channel"}),
    "analyst": Program(_SCORED),
    "catalogue": Program((_EVERY_KPI, FIGURES)),
}


def page(
    name: str,
    files: Iterable[str],
    period: Period | None,
    lang: str,
    *,
    layouts: Iterable[tuple[str, str]] = (),
    taking: Mapping[str, object] | None = None,
    anonymised: str = "",
) -> str:
    """The program of a page; it runs beside the files and the plan, which is called ``plan.json``.

    Args:
        name: one of `PAGES`.
        files: their names.
        period: whole days; all that the files hold if not given.
        lang: of what it prints.
        layouts: name and text of those, taught by a user, that a file is read by.
        taking: what the page was asked for beside, of `Program.takes`; the rest is as usual.
        anonymised: the name of the set that lies there in the place of files, if one does.
    """
    program, taught = PAGES[name], list(layouts)
    source = {"set": anonymised} if anonymised else {"files": list(files)}
    given = source | {id: (taking or {}).get(id, usual) for id, usual in program.takes.items()}
    head = [f"LANG = {lang!r}", f"PERIOD = {period_code(period)}"]
    head += [f"{id.upper()} = {own!r}" for id, own in given.items()]
    if taught:
        head.append(layouts_code(taught))
    read = _READ_SET if anonymised else _READ_AS_TAUGHT if taught else _READ
    code = "\n\n".join(own.strip() for own in ("\n".join(head), read, *program.cells))
    return f"{imports(code)}\n\n{code}\n"


def imports(code: str) -> str:
    """The imports of a text that uses names of `HOMES`: the standard library, then ours."""
    used = {node.id for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Name)}
    homes: dict[str, list[str]] = {}
    for name, home in HOMES.items():
        if name in used:
            homes.setdefault(home, []).append(name)
    lines = [f"from {home} import {', '.join(names)}" for home, names in homes.items()]
    ours = [line for line in lines if line.startswith("from kpi_core")]
    others = [line for line in lines if line not in ours]
    return "\n\n".join("\n".join(group) for group in (others, ours) if group)


def period_code(period: Period | None) -> str:
    """A period as an expression."""
    return f"parse_period({str(period)!r})" if period else "None"


def layouts_code(layouts: Iterable[tuple[str, str]]) -> str:
    """Taught layouts as code: a line of one a line, each as data."""
    return f"LAYOUTS = [\n{''.join(_layout(name, text) for name, text in layouts)}]"


def _layout(name: str, text: str) -> str:
    lines = "".join(f"        {line!r}\n" for line in text.splitlines(keepends=True))
    return f"    (\n        {name!r},\n{lines}    ),\n"
