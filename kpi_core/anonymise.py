"""Real files as a sample to show to others: no name of theirs is left, and their size is another.

The double is a business of several copies of the real one, side by side, all of whose money is
worth more or less by one factor. So, of any period and slice:

- exactly as they were: each ratio of counts and each ratio of money (conversion, bounce rate, ROMI,
  ROAS), hence attainment, scores and the share of a bonus under `anonymous_plan`; whole numbers
  stay whole. Days, systems that counted, standard channels, devices, currency and VAT stay, too.
- by the stated factor: counts, money, and money a piece (average order, CPC), which moves by the
  one divided by the other. Exact for amounts of two decimals; of more, to a millionth.
- only nearly: intervals and whatever chance decides, as more orders tell more surely than few.

Factors hide a size from those who look at a screen. Whoever has the double and knows one true
figure can undo them; names cannot be undone.
"""

import hashlib
import io
import zipfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from kpi_core import catalogue
from kpi_core.drivers import place
from kpi_core.errors import Finding, IngestError, Severity, UsageError, WorkspaceError
from kpi_core.facts.streams import campaign_key
from kpi_core.formula import Formula, earlier
from kpi_core.ingest import Table, Upload, privacy
from kpi_core.ingest.formats import dimensions, formats, meanings
from kpi_core.ingest.headings import plain
from kpi_core.ingest.opening import members
from kpi_core.ingest.work import TASK_KEYS
from kpi_core.model import Unit
from kpi_core.plan import Plan, changed
from kpi_core.scenario import Scenario, Scenarios
from kpi_core.text import rounded, say
from kpi_core.workspace.keeping import Kept, kept, made_again

COUNTS = (1, 2, 4, 5, 8)  # copies whose reciprocals are decimals: a target stays exact
SIGN = "anonymised"  # the finding that says so of each file
_LEAST, _MOST = Decimal("0.01"), Decimal(100)
_PLACES = 12  # decimals of a moved target

_CODES = frozenset({"currency", "kind", "unjudged"})  # texts that are words of ours
_DEVICES = frozenset(
    {"desktop", "mobile", "tablet", "tv", "smarttv", "phone", "smartphone", "computer",
     "компьютер", "смартфон", "планшет", "телефон", "тв"}
)  # fmt: skip
_NAMED = frozenset(
    {"campaign", "source", "channel", "country", "page", "segment", "event", "device", "engine",
     "query"}
)  # fmt: skip  # columns whose values are numbered under a word of their own
_MIX = np.uint64(16)  # bits of a number below which keys of reports are mixed in
_SALT = 44  # bits of a number below which two doubles may be alike

_FOLDER = "kpi-pay-sample/"  # what all parts of a set lie in; by it one is known
_NAME_AT = 30  # where the name of its first part stands in a ZIP
SET_MARK = _NAME_AT + len(_FOLDER)  # bytes by which a set is known
_EARLIEST = (1980, 1, 1, 0, 0, 0)  # the time of all parts: the same content is the same file

_Ids = npt.NDArray[np.uint64]


@dataclass(frozen=True)
class Scale:
    """By how much counts and money of a double are larger.

    Attributes:
        counts: how many copies of the business there are; one of `COUNTS`.
        money: of all amounts of money; 0.01 to 100, with up to four decimals.

    Raises:
        UsageError: one of them is no such number.
    """

    counts: int = 4
    money: Decimal = Decimal("3.4")

    def __post_init__(self) -> None:
        fits = self.counts in COUNTS and self.money.is_finite()
        if not (fits and _LEAST <= self.money <= _MOST and self.money == round(self.money, 4)):
            told = ", ".join(map(str, COUNTS))
            raise UsageError("bad_scale", counts=told, least=_LEAST, most=_MOST)

    def of(self, measure: str) -> Fraction:
        """By how much a measure is larger."""
        is_money = catalogue.measure(measure).unit is Unit.MONEY
        return Fraction(self.money) if is_money else Fraction(self.counts)

    def moves(self, formula: Formula) -> Fraction:
        """By how much a formula over measures is larger; 1 where no factor alone does that."""
        made = [self._moved(formula, start) for start in (2, 5)]
        same = made[0] if made[0] == made[1] else None
        return Fraction(1) if same is None else same

    def _moved(self, formula: Formula, start: int) -> Fraction | None:
        usual = {name: Fraction(start + at * at) for at, name in enumerate(formula.names)}
        larger = {name: value * self._of_name(name) for name, value in usual.items()}
        before, after = formula.value(usual), formula.value(larger)
        return after / before if before and after else None

    def _of_name(self, name: str) -> Fraction:
        own = (earlier(name) or ("", name))[1]
        return self.of(own) if own in catalogue.measures() else Fraction(1)


class _Names:
    """Numbered names, the same for the same name wherever it stands."""

    def __init__(self, lang: str) -> None:
        self._lang = lang
        self._numbers: dict[str, dict[str, int]] = {}

    def of(self, kind: str, name: str) -> str:
        """What a name of a kind is called instead."""
        known = self._numbers.setdefault(kind, {})
        key = campaign_key(name) if kind == "campaign" else name
        number = known.setdefault(key, len(known) + 1)
        return say(self._lang, f"words.anonymous_{kind}", number=number)

    def put(self, column: str, said: pd.Series) -> pd.Series:
        """A column with other names; what is empty stays so."""
        kind = "page" if column == "landing" else column
        kind = kind if kind in _NAMED else "name"
        instead = {
            name: name if _is_standard(column, name) else self.of(kind, name)
            for name in said.dropna().unique()
        }
        return said.map(instead).astype("str")


def _is_standard(column: str, name: str) -> bool:
    """Whether a value is a word that every business has."""
    match column:
        case "channel":
            return not name or name in catalogue.channels()
        case "device":
            return not name or plain(name).replace(" ", "") in _DEVICES
        case "segment":
            return not name or plain(name) in meanings("segments")["everyone"]
    return not name


# --- files


def anonymous(uploads: Sequence[Upload], scale: Scale, lang: str) -> tuple[Upload, ...]:
    """The double of files that were read together; a name is the same in all of them.

    Args:
        uploads: the files.
        scale: by how much counts and money are larger.
        lang: of the new names, ``ru`` or ``en``.
    """
    names, numbers = _Names(lang), _Numbers(uploads, scale)
    return tuple(
        _upload(own, names.of("file", own.digest), names, numbers, scale) for own in uploads
    )


def is_anonymous(uploads: Iterable[Upload]) -> bool:
    """Whether any of the files is a double."""
    return any(finding.code == SIGN for own in uploads for finding in own.findings)


def _upload(upload: Upload, name: str, names: _Names, numbers: "_Numbers", scale: Scale) -> Upload:
    sheets = list(dict.fromkeys(table.where for table in upload.tables))
    tables = []
    for table in upload.tables:
        where = name
        if len(sheets) > 1:
            where += " › " + names.of("sheet", f"{upload.digest}:{table.where}")
        facts = _facts(table, names, numbers, scale)
        known = table.format in formats()
        tables.append(
            replace(
                table,
                format=table.format if known else names.of("layout", table.format),
                facts=facts,
                rows=table.rows * scale.counts,
                control={id: own * float(scale.of(id)) for id, own in table.control.items()},
                where=where,
            )
        )
    digest, size = hashlib.sha256(), 0
    for table in tables:
        content = pd.util.hash_pandas_object(table.facts, index=False).to_numpy().tobytes()
        digest.update(repr((table.source, list(table.facts))).encode() + content)
        size += int(table.facts.memory_usage(index=False).sum())
    sign = Finding(Severity.INFO, SIGN, name)
    return Upload(name, digest.hexdigest(), size, None, tuple(tables), (sign,))


def _facts(table: Table, names: _Names, numbers: "_Numbers", scale: Scale) -> pd.DataFrame:
    facts = table.facts.copy()
    for column in facts.columns:
        if str(facts[column].dtype) == "str" and column not in _CODES:
            facts[column] = names.put(column, facts[column])
    is_record = "record" in facts
    for id in [id for id in facts if id in catalogue.measures()]:
        factor = scale.of(id)
        if is_record:  # each record is there several times
            factor /= scale.counts
        if factor != 1:
            facts[id] = facts[id] * float(factor)
    return numbers.copied(facts) if is_record else facts.reset_index(drop=True)


class _Numbers:
    """New numbers of records and customers, and as many of each as there are copies.

    They go up in the order of first appearance. What mixes the key of a report into the number of
    its task (see `work`) does so in the new ones as well.
    """

    def __init__(self, uploads: Sequence[Upload], scale: Scale) -> None:
        frames = [table.facts for own in uploads for table in own.tables]
        said = repr((scale, [own.digest for own in uploads])).encode()
        salt = int.from_bytes(hashlib.sha256(said).digest()[:8], "little")
        self._salt = np.uint64(salt >> _SALT << _SALT)
        self._copies = scale.counts
        records = [_base(own["record"].to_numpy()) for own in frames if "record" in own]
        self._records = _in_order(records)
        customers = [own["customer"].to_numpy(np.uint64) for own in frames if "customer" in own]
        self._customers = _in_order([own[own != 0] for own in customers])

    def copied(self, facts: pd.DataFrame) -> pd.DataFrame:
        """Records as many times as there are copies, each with numbers of its own."""
        made = []
        for copy in range(self._copies):
            own = facts.copy()
            old = facts["record"].to_numpy()
            base = _base(old)
            own["record"] = self._new(self._records, base, copy) ^ (old ^ base)
            if "customer" in facts:
                whose = facts["customer"].to_numpy(np.uint64, copy=True)
                known = whose != 0
                whose[known] = self._new(self._customers, whose[known], copy)
                own["customer"] = whose
            made.append(own)
        return pd.concat(made, ignore_index=True)

    def _new(self, numbers: pd.Series, old: _Ids, copy: int) -> _Ids:
        place = numbers.reindex(old).to_numpy(np.uint64)
        return self._salt | ((place * np.uint64(self._copies) + np.uint64(copy)) << _MIX)


def _in_order(found: Sequence[_Ids]) -> pd.Series:
    """Each number to its place, from 1, by first appearance."""
    each = pd.unique(np.concatenate(found)) if found else np.array([], np.uint64)
    return pd.Series(np.arange(1, len(each) + 1, dtype=np.uint64), index=each)


def _base(ids: _Ids) -> _Ids:
    """One number for a task and its reports, whose numbers are mixed with keys."""
    due, done = (np.uint64(key) for key in TASK_KEYS)
    ids = ids.astype(np.uint64, copy=False)
    mixed: _Ids = np.minimum.reduce([ids, ids ^ due, ids ^ done, ids ^ due ^ done])
    return mixed


# --- plan and scenarios


def anonymous_plan(plan: Plan, scale: Scale, lang: str) -> Plan:
    """The plan by which the double is judged as the original is by `plan`.

    Targets, limits and stated figures move as their KPIs do, sums of money as money does; names,
    owners and comments are left out or numbered.
    """
    names, said = _Names(lang), plan.model_dump()
    ids = {own: f"own{number}" for number, own in enumerate(plan.own, start=1)}

    def factor(id: str) -> Fraction:
        if id in catalogue.measures():
            return scale.of(id)
        kpi = plan.kpi(id)
        return scale.moves(kpi.variant(plan.variants.get(id)).formula)

    def moved(id: str, number: Decimal | None) -> Decimal | None:
        return None if number is None else _decimal(Fraction(number) * factor(id))

    def called(goal: Mapping[str, Any]) -> dict[str, Any]:
        """A goal, aim or limit under the name and with the figures of the double."""
        id, own = goal["kpi"], dict(goal)
        own |= {name: moved(id, own[name]) for name in ("target", "base", "limit") if name in own}
        if "rule" in own and own["rule"]["kind"] == "bands":
            bands = [band | {"to": moved(id, band["to"])} for band in own["rule"]["bands"]]
            own["rule"] = own["rule"] | {"bands": bands}
        if own.get("owner"):
            own["owner"] = names.of("person", own["owner"])
        return own | {"kpi": ids.get(id, id)}

    def objective(own: Mapping[str, Any]) -> dict[str, Any]:
        aims = {part: aim and called(aim) for part, aim in own.items() if part != "name"}
        return aims | {"name": own["name"] and names.of("objective", own["name"])}

    return changed(
        plan,
        name="",
        own={ids[id]: own | {"name": names.of("kpi", id)} for id, own in said["own"].items()},
        lines=[called(line) for line in said["lines"]],
        gates=[called(gate) for gate in said["gates"]],
        guards=[
            pair | {name: ids.get(pair[name], pair[name]) for name in ("kpi", "guard")}
            for pair in said["guards"]
        ],
        targets={
            period: {ids.get(id, id): moved(id, number) for id, number in wanted.items()}
            for period, wanted in plan.targets.items()
        },
        objectives=[objective(own) for own in said["objectives"]],
        scheme=_scheme(said["scheme"], scale.money, called),
        stages=[stage.partition("=")[0].strip() for stage in plan.stages],
        facts={ids.get(id, id): moved(id, number) for id, number in plan.facts.items()},
        comments={},
    )


def _scheme(
    said: Mapping[str, Any], money: Decimal, called: Callable[[Mapping[str, Any]], dict[str, Any]]
) -> dict[str, Any]:
    """A scheme whose sums are larger; its goals are those of the double."""
    own = dict(said)
    for name in {"salary", "fund", "price", "variable", "below"} & set(own):
        own[name] = rounded(own[name] * money, 2)
    if "rows" in own:
        own["rows"] = [row | {"amount": rounded(row["amount"] * money, 2)} for row in own["rows"]]
    if "factors" in own:
        own["factors"] = [called(goal) for goal in own["factors"]]
    return own


def _decimal(exact: Fraction) -> Decimal:
    """A fraction as a decimal without trailing noughts."""
    made = rounded(exact, _PLACES).normalize()
    return made.quantize(Decimal(1)) if made == made.to_integral_value() else made


def anonymous_scenarios(own: Scenarios, lang: str) -> Scenarios:
    """Those scenarios that mean the same for the double: levers by per cent, standard channels."""
    fitting = [scenario for scenario in own.scenarios if _fits(scenario)]
    return Scenarios(
        scenarios=tuple(
            Scenario(
                name=say(lang, "words.anonymous_scenario", number=number),
                levers=dict(scenario.levers),
                elasticity=scenario.elasticity,
            )
            for number, scenario in enumerate(fitting, start=1)
        )
    )


def _fits(scenario: Scenario) -> bool:
    standard = {"", *catalogue.channels()}
    return all(
        change.strip().endswith("%") and set(_channels(id)) <= standard
        for id, change in scenario.levers.items()
    )


def _channels(lever: str) -> Sequence[str]:
    at = place(lever)
    return (at.channel or "", at.to or "")


# --- a double as one file


def write_set(uploads: Sequence[Upload]) -> bytes:
    """Files as one ZIP that `read_set` makes them of again, to the last digit."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for number, upload in enumerate(uploads, start=1):
            written = kept(upload, "")
            parts = {f"{number}.json": written.told.encode()}
            parts |= {f"{number}-{at}.parquet": own for at, own in enumerate(written.facts, 1)}
            for name, content in parts.items():
                entry = zipfile.ZipInfo(_FOLDER + name, _EARLIEST)
                entry.compress_type = zipfile.ZIP_DEFLATED
                archive.writestr(entry, content)
    return out.getvalue()


def is_set(data: bytes) -> bool:
    """Whether bytes are a file of `write_set`."""
    return data.startswith(b"PK\x03\x04") and data[_NAME_AT:].startswith(_FOLDER.encode())


def read_set(data: bytes, where: str = "") -> tuple[Upload, ...]:
    """The files of a set, each marked as a double whatever it says of itself.

    Args:
        data: the bytes, from anybody.
        where: its name, for errors.

    Raises:
        IngestError: it is no such set, was changed, or costs more than it may.
    """
    parts = dict(members(data))
    found: list[Upload] = []
    try:
        while told := parts.get(f"{_FOLDER}{len(found) + 1}.json"):
            stem = f"{_FOLDER}{len(found) + 1}-"
            count = sum(name.startswith(stem) for name in parts)
            facts = tuple(parts[f"{stem}{at}.parquet"] for at in range(1, count + 1))
            found.append(_checked(made_again(Kept(told.decode(), facts))))
    except (WorkspaceError, KeyError, ValueError):
        raise IngestError("sample_changed", where=where) from None
    if not found:
        raise IngestError("sample_changed", where=where)
    return tuple(found)


def _checked(upload: Upload) -> Upload:
    """A file whose tables are such as are read.

    Raises:
        ValueError: one is not.
    """
    if not upload.tables or not all(map(_is_table, upload.tables)):
        raise ValueError(upload.name)
    name = privacy.shown_heading(upload.name) or "1"
    return replace(upload, name=name, findings=(Finding(Severity.INFO, SIGN, name),))


def _is_table(table: Table) -> bool:
    dtypes = {str(column): str(dtype) for column, dtype in table.facts.dtypes.items()}
    figures = dict.fromkeys(table.measures, "float64")
    texts = dict.fromkeys((*table.dimensions, *({"currency"} & set(dtypes))), "str")
    numbers = dict.fromkeys({"record", "customer"} & set(dtypes), "uint64")
    days_ = all(dtypes.get(name, "").startswith("datetime64") for name in ("start", "end"))
    known = set(table.measures) | set(table.control) <= set(catalogue.measures())
    known &= set(table.dimensions) <= set(dimensions())
    known &= table.source in {format.source for format in formats().values()}
    held = all(dtypes.get(id) == dtype for id, dtype in (figures | texts | numbers).items())
    shown = [*table.control.values(), *table.facts.select_dtypes("float64").to_numpy().ravel()]
    return days_ and known and held and not np.isinf(np.array(shown, dtype=float)).any()
