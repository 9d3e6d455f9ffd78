"""Files of strangers that are no exports: each is taken or refused by name, whatever it is."""

import builtins
import json
import tomllib
import zlib
from base64 import urlsafe_b64encode
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kpi_core.errors import FormulaError, KpiError
from kpi_core.formula import FUNCTIONS, parse, written
from kpi_core.ingest.layouts import Draft, Rows, read_layout
from kpi_core.ingest.layouts import written as layout_text
from kpi_core.limits import LIMITS
from kpi_core.link import View, decode, decode_scenarios
from kpi_core.pay.people import people_csv, read_people
from kpi_core.plan import default_plan, read_own, read_plan
from kpi_core.rules import Part
from kpi_core.scenario import Scenarios, read_scenarios, scenario
from kpi_core.signoff import read_snapshot
from kpi_core.targets import read_targets
from tests.core.reported import PEOPLE

PLAN = json.loads(default_plan("shop").as_json())
SCENARIOS = json.loads(
    Scenarios(scenarios=(scenario("one", {"cpc": "-10%"}, note="n"),)).model_dump_json()
)
VIEW = json.loads(View(plan=default_plan("shop")).model_dump_json(exclude_none=True))
LAYOUT = layout_text(
    Draft("Ours", "table", Rows.SUMS, ("Day", "Visits"), {"Day": "date", "Visits": "sessions"})
)


def packed(text: bytes) -> str:
    return urlsafe_b64encode(zlib.compress(text)).rstrip(b"=").decode()


READERS: dict[str, Callable[[bytes], object]] = {
    "plan": read_plan,
    "scenarios": read_scenarios,
    "snapshot": read_snapshot,
    "link": lambda data: decode(packed(data)),
    "scenario_link": lambda data: decode_scenarios(packed(data)),
    "layout": lambda data: read_layout("ours", data.decode("utf-8", "replace")),
    "people": lambda data: read_people("people.csv", data),
    "targets": lambda data: read_targets("targets.csv", data),
}
WHOLE = {"plan": PLAN, "scenarios": SCENARIOS, "link": VIEW, "scenario_link": SCENARIOS}

# JSON that a parser may take and a program should not: as text, since no value of Python says it.
RAW = [
    "1e400", "-1e400", "1e-400", "1E999999999", "1e-999999999", "NaN", "Infinity", "-Infinity",
    "9" * 5000, "0." + "3" * 5000, "-1", "-0", "null", "true", "[]", "{}", '""', '"\\ud800"',
    '"\\u0000"', '"' + "x" * 50_000 + '"', "[" * 500 + "]" * 500, '{"a":' * 500 + "1" + "}" * 500,
    "[" + "0," * 20_000 + "0]", '{"__class__": "os.system"}', '"../../etc/passwd"',
    '"9**9**9"', '"1e400"', '"=1+1"', '"\u202e"', '{"kpi": 1, "kpi": 2}',
]  # fmt: skip


def told(read: Callable[[bytes], object], data: bytes) -> None:
    """Taken, or refused with words in both languages that are no novel."""
    said: list[KpiError] = []
    try:
        read(data)
    except KpiError as refused:
        said.append(refused)
    assert all(0 < len(each.text(lang)) < 3000 for each in said for lang in ("ru", "en"))


def places(entry: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Where in a file something stands, from the outside in."""
    found = [at]
    if isinstance(entry, dict | list):
        for key, value in entry.items() if isinstance(entry, dict) else enumerate(entry):
            found += places(value, (*at, key))
    return found


def altered(entry: Any, at: tuple[Any, ...], raw: str, *, key: str = "") -> bytes:
    """The file with something else in one place, or with one field more."""
    copy = json.loads(json.dumps(entry))
    mark = "here stands another value"
    if not at:
        return raw.encode("utf-8", "surrogatepass")
    holder = copy
    for step in at[:-1]:
        holder = holder[step]
    if key and isinstance(holder, dict):
        holder[key] = mark
    else:
        holder[at[-1]] = mark
    return json.dumps(copy).replace(json.dumps(mark), raw).encode("utf-8", "surrogatepass")


@pytest.mark.parametrize("kind", WHOLE)
@settings(max_examples=150)
@given(data=st.data())
def test_a_file_with_something_else_in_one_place_is_taken_or_refused_by_name(kind, data) -> None:
    entry = WHOLE[kind]
    at = data.draw(st.sampled_from(places(entry)))
    raw = data.draw(st.sampled_from(RAW))
    key = data.draw(st.sampled_from(["", "", "another", "__proto__", "kind"]))
    told(READERS[kind], altered(entry, at, raw, key=key))


@pytest.mark.parametrize("raw", RAW)
@pytest.mark.parametrize("kind", READERS)
def test_a_file_that_is_something_else_is_taken_or_refused_by_name(kind: str, raw: str) -> None:
    told(READERS[kind], raw.encode("utf-8", "surrogatepass"))


@pytest.mark.parametrize("kind", READERS)
@given(st.binary(max_size=300))
def test_bytes_of_any_kind_are_taken_or_refused_by_name(kind: str, data: bytes) -> None:
    told(READERS[kind], data)


@pytest.mark.parametrize("kind", READERS)
def test_a_file_of_many_megabytes_is_refused_unread(kind: str) -> None:
    with pytest.raises(KpiError):
        READERS[kind](b" " * (LIMITS.people_kilobytes * 1000 + 1))


@pytest.mark.parametrize("kind", WHOLE)
def test_a_million_entries_are_refused_by_name(kind: str) -> None:
    many = ",".join(['{"kpi":"cr"}'] * 200_000)
    for field in ("lines", "scenarios", "gates"):
        with pytest.raises(KpiError):
            READERS[kind](f'{{"format": 1, "{field}": [{many}]}}'.encode())


# --- layouts: TOML

TOMLS = [
    "x = " + "9" * 5000, "x = 1e400", "x = nan", "x = -inf", "x = " + "[" * 2000 + "]" * 2000,
    "a" + ".a" * 5000 + " = 1", "[" + ".".join("a" * 3000) + "]", "x = 1\nx = 2", "\0",
    "x = 0x" + "f" * 5000, "x = 9999-99-99", "[[a]]\n" * 5000, "x = {" + "a = {" * 500,
]  # fmt: skip
FIELDS = sorted(tomllib.loads(LAYOUT))


@pytest.mark.parametrize("text", TOMLS)
def test_a_layout_that_is_hostile_toml_is_refused_by_name(text: str) -> None:
    for whole in (text, f"{LAYOUT}\n{text}", f"{text}\n{LAYOUT}"):
        with pytest.raises(KpiError):
            read_layout("ours", whole)


@pytest.mark.parametrize("field", FIELDS)
@pytest.mark.parametrize(
    "value", ["1", "-1", "1e308", "true", "[]", "[[]]", "{}", "''", "'(a+)+$'", "'../../x'", "nan",
              "{a = {b = 1}}", "2026-10-01", "'" + "x" * 20_000 + "'"],
)  # fmt: skip
def test_a_layout_with_a_wrong_kind_of_field_is_taken_or_refused_by_name(
    field: str, value: str
) -> None:
    lines = [line for line in LAYOUT.splitlines() if not line.startswith(f"{field} ")]
    told(READERS["layout"], "\n".join([f"{field} = {value}", *lines]).encode())


# --- tables of people

CELLS = [
    "1e400", "-1e308", "NaN", "inf", "9" * 400, "=1+1", "", "\0", "99.99.9999", "x" * 32_767,
    "-", "1/0", "0001-01-01", "9999-12-31", "<b>", "1e15", "-1e15", "0.1" + "0" * 60,
]  # fmt: skip


@given(st.lists(st.lists(st.sampled_from(CELLS), min_size=6, max_size=6), min_size=1, max_size=4))
def test_people_of_any_cells_are_taken_or_refused_by_name(rows: list[list[str]]) -> None:
    heading = people_csv(PEOPLE, "en").splitlines()[0]
    wide = len(heading.split(","))
    lines = [",".join((row * wide)[:wide]) for row in rows]
    told(READERS["people"], "\n".join([heading, *lines]).encode())


# --- formulas

TOKENS = ["orders", "sessions", "1", "0", "9e14", "1e400", "+", "-", "*", "/", "**", "//", "%",
          "(", ")", ",", ".", "[", "]", "lambda", "x", ":", "if", "else", "for", "in", "not", "and",
          "==", "'a'", '"', "`", "#", "\\", "\n", "\0", "@", "=", ":=", "__import__", "import",
          "await", "f'", "0x10", "1_0", "1j", "...", "None", "True", "min", "max", "coalesce",
          "previous", "year_ago", "getattr", "{", "}", ";", "~", "<", "１", "ⅸ", "ｍin", "е",
]  # fmt: skip
ATTACKS = [
    "9**9**9", "().__class__", "__import__('os').system('x')", "orders.__class__",
    "min.__globals__", "[x for x in (1,)]", "(lambda: 1)()", "orders if orders else 1",
    "'a'*999999999", "orders[0]",
    "min(orders, sessions).real", "min(*orders)", "min(a=1, b=2)", "min(1, 2, 3)", "print(1, 2)",
    "eval(orders, sessions)", "(yield)", "x := 1", "f'{orders}'", "1 if 1 else 2", "1 < 2", "~1",
    "1 << 99999999", "orders @ sessions", "not orders", "1, 2", "{orders}", "previous(1)",
    "previous(previous(orders))", "-" * 400 + "1", "(" * 400 + "1" + ")" * 400, "1+" * 240 + "1",
    "min(" * 90 + "1" + ", 1)" * 90, "1/" * 240 + "1", "1e999999999", "9" * 500, "0.0000001e-400",
    "orders" * 90,
]  # fmt: skip


def harmless(text: str) -> None:
    """Refused, or a figure of both worlds and words of it."""
    try:
        formula = parse(text)
    except FormulaError:
        return
    exact = formula.value(dict.fromkeys(formula.names))
    assert exact is None or abs(exact) < 10**400
    assert formula.values({}).dtype == float
    assert written(formula, str)


@pytest.mark.parametrize("text", ATTACKS)
def test_a_formula_that_is_an_attack_reaches_nothing(text: str) -> None:
    harmless(text)
    told(lambda data: read_own({"name": "n", "formula": data.decode()}), text.encode())


@settings(max_examples=1500)
@given(st.lists(st.sampled_from(TOKENS), max_size=40), st.sampled_from(["", " "]))
def test_a_formula_of_any_words_reaches_nothing(tokens: list[str], between: str) -> None:
    harmless(between.join(tokens))


@settings(max_examples=500)
@given(st.text(max_size=600))
def test_a_formula_of_any_letters_reaches_nothing(text: str) -> None:
    harmless(text)


def test_a_formula_knows_only_its_own_functions() -> None:
    """What Python calls by these names is never asked."""
    for name in set(dir(builtins)) - set(FUNCTIONS):
        with pytest.raises(FormulaError):
            parse(f"{name}(orders, sessions)")


def test_what_is_read_is_frozen_data_of_ours() -> None:
    """No reader makes an object of a kind that the file names."""
    for read, entry in (("plan", PLAN), ("scenarios", SCENARIOS), ("link", VIEW)):
        made = READERS[read](json.dumps(entry).encode())
        assert isinstance(made, Part)
        assert made.model_config.get("extra") == "forbid"
