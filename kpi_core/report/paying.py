"""The sheets of money: limits, the bonus step by step, and what each person is paid of it."""

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction

from kpi_core import words
from kpi_core.chain import OF_FIGURES
from kpi_core.gates import Check, GateCheck, GuardCheck
from kpi_core.kpis import KpiValue
from kpi_core.model import Better
from kpi_core.pay import Entry, Payout, payroll_row
from kpi_core.plan import Missing
from kpi_core.report.book import Result, Sheet, cell, column_of
from kpi_core.report.scoring import Live, share_out
from kpi_core.schemes import Curve, Split, Table, Team

# --- limits


def limits(of: Live) -> None:
    """The limits and guard pairs that can stop the bonus; then those that are only told."""
    book, report = of.book, of.report
    sheet = book.sheet("limits", (40, 18, 18, 14, 40, 18, 18, 14, 16))
    sheet.title(book.say("sheet_limits"), book.say("limits_note"))
    heads = sheet.row
    keys = ("kpi", "value", "limit", "moved", "guard", "value", "before", "worse", "holds")
    sheet.head([book.say(f"head_{key}") for key in keys])
    first = sheet.row
    stopping = [item for item in report.checks if item.stops]
    for place, item in enumerate(stopping):
        _check(of, sheet, item)
        if isinstance(item, GateCheck):
            sheet.named(f"limit_{place + 1}", sheet.row, 2)
        sheet.row += 1
    answers = column_of(first, sheet.row - 1, 8)
    for name, kept in (("limits_broken", False), ("limits_unknown", None)):
        found = sum(item.kept is kept for item in stopping)
        sheet.text(sheet.row, 0, book.say(name))
        counted = f'COUNTIF({answers},"{of.holds[kept]}")' if stopping else "0"
        sheet.live(sheet.row, 8, counted, found)
        sheet.named(name, sheet.row, 8)
        sheet.row += 1
    told = [item for item in report.checks if not item.stops]
    if told:
        sheet.section(book.say("only_told"))
    for item in told:
        _check(of, sheet, item)
        sheet.row += 1
    sheet.done(frozen=(heads + 1, 1), repeated=heads)


def _check(of: Live, sheet: Sheet, item: Check) -> None:
    row, kpi = sheet.row, item.value.definition
    sheet.text(row, 0, kpi.name[of.book.lang], "wrapped")
    if isinstance(item, GuardCheck):
        _guard(of, sheet, item)
        return
    pattern = of.book.of_kpi(kpi, of.report.plan.currency)
    value = _now(of, sheet, item.value, 1)
    limit = sheet.figure(row, 2, item.gate.limit, pattern=pattern, look="input")
    slack = f"1E-12*MAX(1,ABS({limit}))"
    keeps = (
        f"{value}>={limit}-{slack}" if kpi.better is Better.HIGHER else f"{value}<={limit}+{slack}"
    )
    yes, no, unknown = of.holds[True], of.holds[False], of.holds[None]
    made = f'IF(ISNUMBER({value}),IF({keeps},"{yes}","{no}"),"{unknown}")'
    sheet.live(row, 8, made, of.holds[item.kept])


def _guard(of: Live, sheet: Sheet, item: GuardCheck) -> None:
    row, against = sheet.row, item.guard.against
    earlier = of.report.values.earlier.get(against)
    named = earlier.totals() if earlier else {}
    moved = []
    for value, column in ((item.value, 1), (item.beside, 5)):
        kpi, then = value.definition, named.get(value.kpi)
        now = _now(of, sheet, value, column)
        known = then.value if then and then.currency == value.currency else None
        pattern = of.book.of_kpi(kpi, value.currency)
        before = sheet.figure(row, column + 1, known, pattern=pattern, look="input")
        sign = "" if (kpi.better is Better.HIGHER) is (column == 1) else "-"
        change = f"{sign}({now}-{before})/ABS({before})"
        made = f'IF(AND(ISNUMBER({now}),ISNUMBER({before})),IFERROR({change},""),"")'
        given = item.gained if column == 1 else item.harmed
        moved.append(sheet.live(row, column + 2, made, given, pattern=of.book.share()))
    name = item.beside.definition.name[of.book.lang]
    sheet.text(row, 4, of.book.say(f"against_{against}", guard=name), "wrapped")
    gained, harmed = moved
    yes, no, unknown = of.holds[True], of.holds[False], of.holds[None]
    keeps = f'IF({harmed}<=MAX({gained},0)+1E-12,"{yes}","{no}")'
    made = f'IF(AND(ISNUMBER({gained}),ISNUMBER({harmed})),{keeps},"{unknown}")'
    sheet.live(row, 8, made, of.holds[item.kept])


def _now(of: Live, sheet: Sheet, value: KpiValue, column: int) -> str:
    """The value of the period; money of another currency as text, which is not judged."""
    if isinstance(value.currency, str) and value.currency != of.report.plan.currency:
        said = words.kpi_figure(value.definition, value.value, value.currency, of.book.lang)
        return sheet.figure(sheet.row, column, said)
    name = of.value(value.kpi)
    made = f'IF(ISNUMBER({name}),{name},"")'
    pattern = of.book.of_kpi(value.definition, value.currency)
    return sheet.live(sheet.row, column, made, value.value, pattern=pattern)


# --- the bonus


def bonus(of: Live) -> None:
    """Sums of money and terms, the way from the scores to the pay, and the same in words."""
    book, report = of.book, of.report
    sheet = book.sheet("bonus", (74, 34, 40))
    sheet.title(book.say("sheet_bonus"), book.say("bonus_note"))
    sheet.row -= 1
    sheet.section(book.say("bonus_inputs"))
    _inputs(of, sheet)
    sheet.section(book.say("bonus_steps"))
    _steps(of, sheet)
    if report.statement:
        sheet.section(book.say("bonus_statement"))
        for entry in report.statement:
            _entry(of, sheet, entry)
    sheet.section(book.say("bonus_clauses"))
    for clause in report.clauses:
        sheet.wide(sheet.row, clause)
        sheet.row += 1
    sheet.done(frozen=(3, 0))


def _entry(of: Live, sheet: Sheet, entry: Entry) -> None:
    sheet.text(sheet.row, 0, entry.text, "wrapped")
    if entry.amount is None:
        sheet.text(sheet.row, 1, entry.value, "right")
    else:
        sheet.figure(sheet.row, 1, entry.amount, pattern=of.currency)
    sheet.text(sheet.row, 2, entry.comment, "wrapped")
    sheet.row += 1


def _inputs(of: Live, sheet: Sheet) -> None:
    book, scheme = of.book, of.report.plan.scheme
    terms, share = scheme.terms, book.share(0, 3)
    price = "price" if scheme.kind == "contractor" else "salary"
    rows: list[tuple[str, str, Decimal | None, str]] = [
        ("fixed_sum", price, scheme.fixed, of.currency)
    ]
    if scheme.stake_field:
        stake = "variable" if scheme.kind == "contractor" else "fund"
        rows.append(("stake_sum", stake, scheme.stake, of.currency))
    more = terms.accelerator
    rows += [
        ("term_above", "accelerated_above", more.above if more else None, share),
        ("term_times", "accelerated_times", more.times if more else None, book.number(0, 2)),
        ("term_floor", "floor", terms.floor, share),
        ("term_cap", "cap", terms.cap, share),
    ]
    for name, key, value, pattern in rows:
        sheet.text(sheet.row, 0, book.say(f"input_{key}"), "wrapped")
        sheet.figure(sheet.row, 1, value, pattern=pattern, look="input")
        sheet.named(name, sheet.row, 1)
        sheet.row += 1
    blocked = of.report.blocked
    because = blocked.text(book.lang) if blocked and blocked.code not in OF_FIGURES else ""
    sheet.text(sheet.row, 0, book.say("input_stopped"), "wrapped")
    sheet.text(sheet.row, 1, because, "wrapped")
    sheet.named("stopped_because", sheet.row, 1)
    sheet.row += 1


def stake(of: Live) -> str:
    """The cell that the coefficient is a share of."""
    scheme = of.report.plan.scheme
    if isinstance(scheme, Table):
        return "top_scheme"
    return "stake_sum" if scheme.stake_field else "fixed_sum"


def _steps(of: Live, sheet: Sheet) -> None:
    """From the scores to the pay, a row a step."""
    book, report = of.book, of.report
    plain = book.number(2, 6)
    way = _way(of)
    steps: list[tuple[str, str, Result, str]] = []
    if report.plan.scheme.by == "lines":
        steps.append(("total", "total_score", report.total, book.number(4)))
    steps.append(("earned", _earned(of), way[0], plain))
    previous = "step_earned"
    bends = (
        (
            "accelerated",
            "IF(AND(ISNUMBER(term_times),ISNUMBER(term_above)),"
            "{0}+MAX({0}-term_above,0)*(term_times-1),{0})",
        ),
        ("floored", "MAX({0},term_floor)"),
        ("capped", "IF(ISNUMBER(term_cap),MIN({0},term_cap),{0})"),
        ("coefficient", f"IF({_broken(of)}>0,0,{{0}})"),
    )
    for (key, bend), found in zip(bends, way[1:], strict=True):
        made = bend.format(previous)
        steps.append((key, f'IF(ISNUMBER({previous}),{made},"")', found, plain))
        previous = f"step_{key}"
    paid = report.paid
    steps += [
        ("stopped", _stopped(of), _told(of), ""),
        ("fixed", "ROUND(fixed_sum,2)", report.plan.scheme.fixed, of.currency),
        (
            "bonus",
            f'IF(step_stopped="",ROUND(step_coefficient*{stake(of)},2),"")',
            paid.bonus if paid else None,
            of.currency,
        ),
        (
            "pay",
            'IF(step_stopped="",ROUND(step_fixed+bonus_sum,2),"")',
            paid.pay if paid else None,
            of.currency,
        ),
    ]
    names = {"bonus": "bonus_sum", "pay": "pay_sum"}
    for key, made, value, pattern in steps:
        look = "total" if key in names else "wrapped" if key == "stopped" else "plain"
        sheet.text(sheet.row, 0, book.say(f"step_{key}"), "total" if key in names else "wrapped")
        sheet.live(sheet.row, 1, made, value, pattern=pattern, look=look)
        sheet.named(names.get(key, f"step_{key}"), sheet.row, 1)
        sheet.row += 1


def _earned(of: Live) -> str:
    """What the scores earn of the stake."""
    plan = of.report.plan
    if of.report.factors:
        scores = [of.of("score", "factor", own.goal.kpi) for own in of.report.factors]
        product = "*".join(f"IF(ISNUMBER({score}),{score},0)" for score in scores)
        lacking = f"{_known(scores)}<{len(scores)}"
        return f'IF(AND({lacking},missing_policy<>"{of.missing["zero"]}"),"",{product})'
    found = "total_score"
    if isinstance(plan.scheme, Table | Curve):
        found = "rule_scheme/top_scheme" if isinstance(plan.scheme, Table) else "rule_scheme"
    return f'IF(ISNUMBER(total_score),{found},"")'


def _known(scores: Sequence[str]) -> str:
    """How many of some cells hold a figure."""
    return f"COUNT({','.join(scores)})"


def _broken(of: Live) -> str:
    """How many limits stop the bonus; one that cannot be told does where the plan counts zero."""
    if not of.report.checks:
        return "0"
    zero = of.missing["zero"]
    return f'limits_broken+IF(missing_policy="{zero}",limits_unknown,0)'


def _stopped(of: Live) -> str:
    """Why nothing can be paid; no text where something can."""
    book, zero, drop = of.book, of.missing["zero"], of.missing["drop"]
    if of.report.factors:
        lacking, little = "NOT(ISNUMBER(step_earned))", "FALSE"
    else:
        lacking = "NOT(ISNUMBER(total_score))"
        little = f'AND(missing_policy="{drop}",judged_share<0.5-1E-12)'
    unknown = "FALSE"
    if of.report.checks:
        unknown = f'AND(limits_unknown>0,missing_policy<>"{zero}")'
    said = [book.say(f"stopped_{key}") for key in ("lacking", "little", "unknown")]
    return (
        f'IF(stopped_because<>"",stopped_because,IF({lacking},"{said[0]}",'
        f'IF({little},"{said[1]}",IF({unknown},"{said[2]}",""))))'
    )


def _told(of: Live) -> str:
    """What `_stopped` gives."""
    blocked = of.report.blocked
    if blocked is None:
        return ""
    if blocked.code not in OF_FIGURES:
        return blocked.text(of.book.lang)
    key = {"too_little_judged": "little", "gate_unknown": "unknown"}.get(blocked.code, "lacking")
    return of.book.say(f"stopped_{key}")


def _way(of: Live) -> tuple[Fraction | None, ...]:
    """What is earned, then what accelerator, floor, cap and limits leave of it."""
    report = of.report
    plan, terms = report.plan, report.plan.scheme.terms
    zero = plan.missing is Missing.ZERO
    scores = [own.score for own in report.factors] if report.factors else [report.total]
    if report.factors and zero:
        scores = [score or Fraction(0) for score in scores]
    known = [score for score in scores if score is not None]
    if len(known) < len(scores):
        return (None,) * 5
    found = [plan.scheme.coefficient(known)]
    for name in ("accelerator", "floor", "cap"):
        bent = {own.term: own.coefficient for own in terms.bent(found[0])}
        found.append(bent.get(name, found[-1]))
    stopping = [item for item in report.checks if item.stops]
    broken = [item for item in stopping if item.kept is False or (item.kept is None and zero)]
    return (*found, Fraction(0) if broken else found[-1])


# --- people


COLUMNS = (
    "name", "plan", "own_fixed", "own_stake", "worked", "of", "worked_share", "weight",
    "fixed", "bonus", "asked", "correction", "reason", "pay", "carried",
)  # fmt: skip
FIXED, BONUS, ASKED, CORRECTION, PAY, CARRIED, MOVED = 8, 9, 10, 11, 13, 14, 17


def people(of: Live) -> None:
    """What everybody is paid: by their own sums, days worked and corrections."""
    book, report = of.book, of.report
    sheet = book.sheet("people", (24, 12, 15, 15, 14, 10, 10, 9, 15, 15, 15, 15, 20, 15, 15))
    sheet.title(book.say("sheet_people"), book.say("people_note"))
    heads = sheet.row
    team = isinstance(report.plan.scheme, Team)
    titles = dict.fromkeys(COLUMNS, "")
    for key in titles:
        titles[key] = book.say(f"head_{'brought' if team and key == 'own_stake' else key}")
    first = sheet.head(list(titles.values()))
    if not team:
        sheet.made.set_column(7, 7, None, None, {"hidden": True})
    sheet.made.set_column(15, 17, None, None, {"hidden": True})
    at_hand: dict[int, Payout] = {}
    for own in report.payroll:
        if own.plan is report.plan or own.plan == report.plan:
            at_hand[sheet.row] = own
        _person(of, sheet, own, at_hand=sheet.row in at_hand)
        sheet.row += 1
    if team and at_hand:
        parts = [(_brought(of, own), own.bonus) for own in at_hand.values()]
        share_out(of, sheet, list(at_hand), (7, BONUS, 15), parts)
    last = sheet.row - 1
    for column in range(len(COLUMNS)):
        sheet.figure(sheet.row, column, None, look="total")
    sheet.text(sheet.row, 0, book.say("total"), "total")
    sums = {
        FIXED: "fixed",
        BONUS: "bonus",
        CORRECTION: "corrections",
        PAY: "pay",
        CARRIED: "carried",
    }
    for column, key in sums.items():
        whole = sum((Decimal(str(payroll_row(own)[key])) for own in report.payroll), Decimal(0))
        made = f"ROUND(SUM({column_of(first, last, column)}),2)"
        sheet.live(sheet.row, column, made, whole, pattern=of.currency, look="total")
    sheet.named("payroll_sum", sheet.row, PAY)
    sheet.row += 1
    sheet.done(frozen=(heads + 1, 1), repeated=heads)


def _person(of: Live, sheet: Sheet, own: Payout, *, at_hand: bool) -> None:
    """A row; of those who are paid by another plan salary and bonus are figures."""
    row, person, given = sheet.row, own.person, payroll_row(own)
    scheme, pattern = of.report.plan.scheme, of.currency
    if person is None:
        return
    sheet.text(row, 0, person.name, "wrapped")
    sheet.text(row, 1, person.plan)
    fixed_cell, stake_cell, share = (cell(row, column) for column in (2, 3, 6))
    there = own.worked
    sheet.figure(row, 4, there.days if there else None, look="input")
    sheet.figure(row, 5, there.of if there else None, look="input")
    days, whole = cell(row, 4), cell(row, 5)
    made = f"IF(AND(ISNUMBER({days}),ISNUMBER({whole})),{days}/{whole},1)"
    sheet.live(row, 6, made, there.share if there else 1, pattern=of.book.share(0, 2))
    fixed = f"IF(ISNUMBER({fixed_cell}),{fixed_cell},fixed_sum)"
    if not at_hand:
        for column, key in ((FIXED, "fixed"), (BONUS, "bonus")):
            sheet.figure(row, column, given[key], pattern=pattern, look="input")
    else:
        sheet.figure(row, 2, person.salary, pattern=pattern, look="input")
        made = f"ROUND({share}*{fixed},2)"
        sheet.live(row, FIXED, made, given["fixed"], pattern=pattern)
    if at_hand and isinstance(scheme, Team):
        brought, weight = _weighing(scheme.split, own, cell(row, 3), share, fixed)
        sheet.figure(row, 3, brought, pattern=of.book.number(0, 2), look="input")
        sheet.live(row, 7, weight, _brought(of, own), pattern=of.book.number(0, 2))
    elif at_hand:
        at_stake = stake(of)
        if scheme.stake_field:
            sheet.figure(row, 3, person.fund, pattern=pattern, look="input")
            at_stake = f"IF(ISNUMBER({stake_cell}),{stake_cell},stake_sum)"
        elif at_stake == "fixed_sum":
            at_stake = fixed
        made = f'IF(step_stopped="",ROUND(step_coefficient*{at_stake}*{share},2),"")'
        sheet.live(row, BONUS, made, given["bonus"], pattern=pattern)
    wanted = sheet.figure(row, ASKED, person.correction, pattern=pattern, look="input")
    # What another row of the same person could not take back is settled by the app, as a figure.
    own_part = max(person.correction, -own.bonus)
    settled = Decimal(str(given["corrections"]))
    passed = settled - own_part or own_part - person.correction - own.carried
    moved = sheet.figure(row, MOVED, passed)
    due = f"MAX({wanted},-N({cell(row, BONUS)}))"
    sheet.live(row, CORRECTION, f"ROUND({due}+MIN({moved},0),2)", settled, pattern=pattern)
    sheet.text(row, 12, person.reason, "wrapped")
    parts = ",".join(cell(row, column) for column in (FIXED, BONUS, CORRECTION))
    sheet.live(row, PAY, f"ROUND(SUM({parts}),2)", own.pay, pattern=pattern)
    left = f"ROUND({due}-{wanted}-MAX({moved},0),2)"
    sheet.live(row, CARRIED, left, own.carried, pattern=pattern)


def _weighing(
    split: Split, own: Payout, brought: str, share: str, fixed: str
) -> tuple[Decimal | None, str]:
    """What a person brought, and the formula of what the fund is shared out by."""
    person = own.person
    match split:
        case Split.CONTRIBUTION:
            return person.contribution if person else None, f"{brought}*{share}"
        case Split.HOURS:
            return person.hours if person else None, brought
        case Split.SALARY:
            return None, f"{fixed}*{share}"


def _brought(of: Live, own: Payout) -> Fraction:
    """What the fund is shared out by, of one person."""
    scheme = of.report.plan.scheme
    if not isinstance(scheme, Team) or own.person is None:
        return Fraction(0)
    share = own.worked.share if own.worked else Fraction(1)
    return own.person.weight(scheme.split, own.fixed, share)
