"""What changed since the period before, in five sentences made of the figures alone.

Plain rules: what moved most is told first, with both figures; no cause is named, for none is known.
"""

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction

from kpi_core import catalogue, words
from kpi_core.errors import Finding, Severity
from kpi_core.facts import Facts
from kpi_core.kpis import KpiValue, Values, kpi_values
from kpi_core.model import Period
from kpi_core.pay import Outcome, outcome
from kpi_core.plan import Plan
from kpi_core.score import Scorecard, changes, earlier, score
from kpi_core.text import days, money, number, percent, say
from kpi_core.trend import moved

BEFORE = "previous"
MOST = 3  # KPIs or lines that a sentence names


def what_changed(
    facts: Facts,
    plan: Plan,
    values: Values,
    lang: str,
    *,
    made: Outcome | None,
    findings: Sequence[Finding],
) -> tuple[str, ...]:
    """Score, KPIs, bonus, targets and data against the period before, a sentence each.

    Args:
        facts: what the files say.
        plan: the whole plan, with the targets of all its periods.
        values: with those of the days before, if there are any.
        lang: of the sentences.
        made: what the plan pays; the bonus is not told without it.
        findings: everything odd about the data.
    """
    now = score(plan.of_period(values.period), values.totals())
    then, before = values.earlier.get(BEFORE), earlier(plan, values, BEFORE)
    odd = data_odd(now, findings, lang)
    if not (before and then and then.period) or all(row.value is None for row in then.rows):
        return say(lang, "changes_report.nothing_before"), odd
    bonus = (bonus_changed(_outcome(facts, plan, then.period), made, lang),) if made else ()
    return (
        score_changed(before, now, then.period, lang),
        kpis_moved(then.totals(), values.totals(), lang),
        *bonus,
        goals_turned(before, now, lang),
        odd,
    )


def _outcome(facts: Facts, plan: Plan, period: Period) -> Outcome:
    """What the report of a period said of its bonus."""
    values = kpi_values(
        facts,
        catalogue.business(plan.business),
        period,
        settings=plan.settings(),
        kpis=plan.shown_kpis(),
        against=plan.against(),
    )
    return outcome(plan.of_period(period), values)


def score_changed(then: Scorecard, now: Scorecard, before: Period, lang: str) -> str:
    """The total then and now, and the lines that moved it most."""
    shown = {
        "then": words.points(then.total, lang),
        "now": words.points(now.total, lang),
        "days": days(before.first, before.last, lang),
    }
    if then.total is None or now.total is None:
        return say(lang, "changes_report.score_unknown", **shown)
    if then.total == now.total:
        return say(lang, "changes_report.score_same", now=shown["now"], days=shown["days"])
    most = sorted(changes(then, now), key=lambda own: abs(own.points), reverse=True)[:MOST]
    lines = ", ".join(
        f"{own.now.judged.kpi.name[lang]} {words.moved_points(own.points, lang)}"
        for own in most
        if own.points
    )
    by = words.moved_points(now.total - then.total, lang)
    return say(lang, "changes_report.score", moved=by, lines=lines, **shown)


def kpis_moved(then: Mapping[str, KpiValue], now: Mapping[str, KpiValue], lang: str) -> str:
    """The KPIs that moved most, as a share of what they were; those of few cases say nothing."""
    shares = {
        id: share
        for id, own in now.items()
        if id in then and own.enough and then[id].enough
        if (share := moved(then[id], own)) is not None
    }
    most = sorted((id for id in shares if shares[id]), key=lambda id: -abs(shares[id]))[:MOST]
    if not shares:
        return say(lang, "changes_report.moves_unknown")
    if not most:
        shown = {"n": number(len(shares), lang), "all": number(len(now), lang)}
        return say(lang, "changes_report.moves_none", **shown)
    told = [_move(then[id], now[id], shares[id], lang) for id in most]
    return say(lang, "changes_report.moves", moves="; ".join(told))


def _move(then: KpiValue, now: KpiValue, share: Fraction, lang: str) -> str:
    shown = {
        when: words.kpi_figure(own.definition, own.value, own.currency, lang)
        for when, own in (("then", then), ("now", now))
    }
    by = ("+" if share > 0 else "") + percent(share, lang)
    return say(lang, "changes_report.move", name=now.definition.name[lang], moved=by, **shown)


def bonus_changed(then: Outcome, now: Outcome, lang: str) -> str:
    """The bonus then and now, or why there is none."""
    if now.paid is None:
        why = now.blocked.text(lang) if now.blocked else "—"
        return say(lang, "changes_report.bonus_unknown", why=why)
    bonus, currency = now.paid.bonus, now.paid.plan.currency
    shown = money(bonus, currency, lang)
    if then.paid is None:
        return say(lang, "changes_report.bonus_alone", now=shown)
    change = bonus - then.paid.bonus
    if not change:
        return say(lang, "changes_report.bonus_same", now=shown)
    by = ("+" if change > 0 else "") + money(change, currency, lang)
    was = money(then.paid.bonus, currency, lang)
    return say(lang, "changes_report.bonus", then=was, now=shown, moved=by)


def goals_turned(then: Scorecard, now: Scorecard, lang: str) -> str:
    """How many targets are reached, which were not before, and which no longer are.

    A line without a figure, then or now, has neither been reached nor missed.
    """
    was = {line.judged.goal.kpi: line.judged.status for line in then.lines}
    turned: dict[str, list[str]] = {"reached": [], "missed": []}
    for line in now.lines:
        before, status = was.get(line.judged.goal.kpi, "no_data"), line.judged.status
        if "no_data" not in (before, status) and (before == "reached") != (status == "reached"):
            name = line.judged.kpi.name[lang]
            turned["reached" if status == "reached" else "missed"].append(name)
    reached = sum(line.judged.status == "reached" for line in now.lines)
    shown = {"n": number(reached, lang), "all": number(len(now.lines), lang)}
    said = "; ".join(
        say(lang, f"changes_report.goals_{how}", names=", ".join(names))
        for how, names in turned.items()
        if names
    )
    if not said:
        return say(lang, "changes_report.goals_same", **shown)
    return say(lang, "changes_report.goals", turned=said, **shown)


def data_odd(card: Scorecard, findings: Iterable[Finding], lang: str) -> str:
    """Which KPIs of the plan have no value, and how many remarks there are on the data."""
    grave = [finding.severity for finding in findings]
    shown = {
        "errors": number(grave.count(Severity.ERROR), lang),
        "warnings": number(grave.count(Severity.WARNING), lang),
    }
    lacking = [line.judged.kpi.name[lang] for line in card.lines if line.judged.value.value is None]
    if lacking:
        return say(lang, "changes_report.data_missing", names=", ".join(lacking), **shown)
    return say(lang, "changes_report.data", **shown)
