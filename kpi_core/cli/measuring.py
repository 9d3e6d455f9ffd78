"""What is measured: KPI values (``kpis``), ``funnel``, ``channels``, and ``lift`` of a survey."""

import argparse
from dataclasses import asdict, replace
from fractions import Fraction

from kpi_core import catalogue, words
from kpi_core.channels import CUTS, Part, by_slice
from kpi_core.cli import asked, compared, events, funnels, printed
from kpi_core.cli.printed import Answer, Lines
from kpi_core.errors import UsageError
from kpi_core.kpis import KpiValue, Values, kpi_values
from kpi_core.model import TOTAL
from kpi_core.stats import lift
from kpi_core.text import say


def add(commands: asked.Commands) -> None:
    """Register the commands."""
    kpis = asked.command(commands, "kpis", _kpis, "KPI values of a business type.")
    _takes_sources(kpis)
    kpis.add_argument("--currency", metavar="RUB", help="of the answer, where rates are given")
    kpis.add_argument(
        "--kpi", action="append", default=[], metavar="ID", help="others than the usual ones"
    )
    kpis.add_argument("--by", metavar="channel|month|week|day|campaign|...")
    asked.takes_assumptions(kpis)
    compared.takes_comparison(kpis)
    stages = asked.command(
        commands, "funnel", _funnel, "The counted funnel of a business type, or one of events."
    )
    asked.takes_files(stages, needed=True)
    asked.takes_business(stages, required=False)
    asked.takes_choices(stages)
    funnels.takes_funnel(stages)
    events.takes_events(stages)
    channels = asked.command(
        commands, "channels", _channels, "What each channel or campaign costs and brings."
    )
    _takes_sources(channels)
    channels.add_argument("--by", choices=CUTS, default="channel")
    asked.takes_assumptions(channels)
    survey = asked.command(
        commands, "lift", _lift, "What an advertisement moved, by a survey of two groups."
    )
    for group in ("exposed", "control"):
        survey.add_argument(f"--{group}", required=True, metavar="YES/ANSWERS")


def _takes_sources(made: argparse.ArgumentParser) -> None:
    """Files, what they are the figures of, and who speaks."""
    asked.takes_files(made, needed=True)
    asked.takes_business(made)
    asked.takes_choices(made)


def _kpis(options: argparse.Namespace) -> tuple[Answer, Lines]:
    settings = asked.settings(options, options.assume)
    business = catalogue.business(options.business)
    facts = asked.facts(options, settings.sources)
    values = kpi_values(
        facts,
        business,
        asked.period(options),
        options.by,
        settings=settings,
        kpis=options.kpi,
        against=compared.asked_for(options),
    )
    beside = compared.comparison(values, options)
    answer = {
        "period": printed.span(values.period),
        "rows": [_kpi_row(row) for row in values.rows],
        **({"compared": beside} if beside else {}),
    }
    rows = [
        [
            row.definition.name[options.lang],
            words.slice_name(options.by, row.slice, options.lang),
            words.kpi_figure(row.definition, row.value, row.currency, options.lang),
        ]
        for row in values.rows
    ]
    lines = [*printed.aligned(rows, left=2), *_converted_lines(values, options.lang)]
    lines += compared.comparison_lines(values, options)
    findings = (*facts.findings, *values.findings)
    return printed.with_findings(answer, lines, findings, options.lang)


def _converted_lines(values: Values, lang: str) -> Lines:
    """What was money of another kind: ``Ad spend (Google Ads): $1,200.00 × 92.5``."""
    lines: dict[str, None] = {}
    for row in values.rows:
        for id, given in row.inputs.items():
            for part in given.converted if row.slice == TOTAL else ():
                name = catalogue.measure(id).name[lang]
                source = words.source_name(part.source, lang)
                lines[f"  {name} ({source}): {words.converted(part, lang)}"] = None
    return list(lines)


def _kpi_row(row: KpiValue) -> Answer:
    return {
        "kpi": row.kpi,
        "slice": row.slice,
        "value": printed.number(row.value),
        "low": row.low,
        "high": row.high,
        "unit": printed.unit(row.unit, row.currency),
        "missing": list(row.missing),
        "variant": row.variant,
        "inputs": {
            id: {
                "value": printed.number(given.value),
                "sources": list(given.sources),
                "converted": [
                    {
                        "source": part.source,
                        "amount": float(part.amount),
                        "currency": part.how.currency,
                        "rate": float(part.how.rate),
                        "vat": float(part.how.vat),
                    }
                    for part in given.converted
                ],
            }
            for id, given in row.inputs.items()
        },
        "whole": row.whole,
    }


def _funnel(options: argparse.Namespace) -> tuple[Answer, Lines]:
    if options.steps:
        return events.answer(options)
    if not (options.business or options.plan):
        raise UsageError("no_business")
    return funnels.counted(options)


def _channels(options: argparse.Namespace) -> tuple[Answer, Lines]:
    business, lang = catalogue.business(options.business), options.lang
    settings = asked.settings(options, options.assume)
    # As in a default plan: without a margin there is no return on it.
    assumed = {id: Fraction(share) for id, share in business.assumptions.items()}
    settings = replace(settings, assumptions=assumed | dict(settings.assumptions))
    facts = asked.facts(options, settings.sources)
    made = by_slice(facts, business, asked.period(options), options.by, settings=settings)
    answer = {
        "by": made.by,
        "period": printed.span(made.period),
        "result": made.result,
        "total": _part_row(made.total),
        "parts": [_part_row(part) for part in made.parts],
        "not_told": list(made.untold),
        "traffic": [
            {
                "slice": judged.visits.source,
                "verdict": str(judged.verdict),
                "sessions": judged.visits.sessions,
                "conversions": judged.visits.conversions,
                "expected": judged.expected,
                "needed": judged.needed,
                **{
                    name: sign and {"value": sign.value, "rest": sign.rest, "p": sign.p}
                    for name, sign in (
                        ("conversion", judged.conversion),
                        ("bounce", judged.bounce),
                        ("depth", judged.depth),
                    )
                },
            }
            for judged in made.traffic
        ],
    }
    names = [*(words.quantity(id, lang) for id in made.measures)]
    names += [*(made.total.values[id].definition.name[lang] for id in made.kpis), ""]
    rows = [["", *names]]
    for part in (*made.parts, made.total):
        sums = [words.input_figure(id, part.sums[id], lang) for id in made.measures]
        values = (part.values.get(id) for id in made.kpis)
        kpis = [
            words.kpi_figure(value.definition, value.value, value.currency, lang) if value else "—"
            for value in values
        ]
        whole = part.slice == TOTAL
        status = "" if whole else say(lang, f"words.worth_{part.worth}")
        rows.append([words.slice_name(made.by, part.slice, lang), *sums, *kpis, status])
    lines = printed.aligned(rows)
    for judged in made.traffic:
        name = words.slice_name(made.by, judged.visits.source, lang)
        status = say(lang, f"words.traffic_{judged.verdict}")
        lines.append(f"  {name}: {status}. {words.traffic(judged, made.result, lang)}")
    return printed.with_findings(answer, lines, (*facts.findings, *made.findings), lang)


def _part_row(part: Part) -> Answer:
    return {
        "slice": part.slice,
        "worth": str(part.worth),
        "sums": {id: printed.number(given.value) for id, given in part.sums.items()},
        "shares": {id: printed.number(share) for id, share in part.shares.items()},
        "kpis": [_kpi_row(value) | {"enough": value.enough} for value in part.values.values()],
    }


def _lift(options: argparse.Namespace) -> tuple[Answer, Lines]:
    exposed, control = _counts(options.exposed), _counts(options.control)
    found = lift(*exposed, *control)
    if found is None:
        raise UsageError("bad_counts", where=f"{options.exposed}, {options.control}")
    return asdict(found), [words.lifted(found, min(exposed[1], control[1]), options.lang)]


def _counts(text: str) -> tuple[int, int]:
    yes, _, answers = text.partition("/")
    if not (yes.isdecimal() and answers.isdecimal() and 0 < int(answers) >= int(yes)):
        raise UsageError("bad_counts", where=text)
    return int(yes), int(answers)
