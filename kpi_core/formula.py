"""Arithmetic over named quantities: parsed with ``ast``, walked as a tree, never run as Python.

One formula serves two worlds. `Formula.value` works on exact fractions, for the figures that pay;
`Formula.values` works on numpy arrays, for many slices or many simulated draws at once. In both,
undefined is missing (``None``, ``nan``): nothing is ever zero or infinite because a divisor was 0.

The language: ``+ - * /``, brackets, numbers, names, the functions of `FUNCTIONS`, and a name of
earlier days: ``previous(orders)``, ``year_ago(orders)``. It is an allow-list, so what is not named
here cannot be said.
"""

import ast
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from kpi_core.errors import FormulaError, did_you_mean

MAX_CHARACTERS = 500
MAX_NODES = 100
MAX_DEPTH = 20
MAX_NUMBER = 10**15

Exact = Fraction | None
Array = npt.NDArray[np.float64]


def _exact_divide(left: Exact, right: Exact) -> Exact:
    return None if left is None or not right else left / right


def _array_divide(left: Array, right: Array) -> Array:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(right == 0, np.nan, np.divide(left, right))


def _strict(combine: Callable[..., Fraction]) -> Callable[..., Exact]:
    """Missing in, missing out."""
    return lambda *parts: None if any(part is None for part in parts) else combine(*parts)


_EXACT: dict[str, Callable[..., Any]] = {
    "+": _strict(lambda left, right: left + right),
    "-": _strict(lambda left, right: left - right),
    "*": _strict(lambda left, right: left * right),
    "/": _exact_divide,
    "negative": _strict(lambda part: -part),
    "min": _strict(min),
    "max": _strict(max),
    "coalesce": lambda first, second: second if first is None else first,
}
_ARRAY: dict[str, Callable[..., Any]] = {
    "+": np.add,
    "-": np.subtract,
    "*": np.multiply,
    "/": _array_divide,
    "negative": np.negative,
    "min": np.minimum,
    "max": np.maximum,
    "coalesce": lambda first, second: np.where(np.isnan(first), second, first),
}
FUNCTIONS = ("min", "max", "coalesce")  # each of two arguments
EARLIER = ("previous", "year_ago")  # of a name: the same quantity of the period before, a year ago
_NUMERAL = re.compile(r"(?<!\w)\d\w*")
_DECIMAL = re.compile(r"[0-9]+([eE][0-9]*)?")
_OPERATORS = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/"}


@dataclass(frozen=True)
class Formula:
    """A parsed formula; make one with `parse`.

    Attributes:
        text: as it was written.
        names: the quantities it needs, in order of first use.
    """

    text: str
    names: tuple[str, ...]
    _tree: tuple[Any, ...]

    def value(self, quantities: Mapping[str, Exact]) -> Exact:
        """The exact value; ``None`` if a quantity it needs is missing or a divisor is 0."""
        found: Exact = _walk(self._tree, quantities.get, _EXACT, lambda number: number)
        return found

    @property
    def share(self) -> tuple[str, str, bool] | None:
        """(part, whole, whether it gives the rest) of ``part / whole`` and ``1 - part / whole``."""
        match self._tree:
            case ("/", ("name", part), ("name", whole)):
                return part, whole, False
            case ("-", ("number", one), ("/", ("name", part), ("name", whole))) if one == 1:
                return part, whole, True
        return None

    @property
    def subtracts(self) -> bool:
        """Whether it takes something off, so that it may be below 0 though no quantity is."""
        return _takes_off(self._tree)

    @property
    def balance(self) -> tuple[str, str, str] | None:
        """(for, against, whole) of ``(for - against) / whole``, such as a net promoter score."""
        match self._tree:
            case ("/", ("-", ("name", one), ("name", other)), ("name", whole)):
                return one, other, whole
        return None

    def fixed(self, known: Mapping[str, Fraction]) -> "Formula":
        """The same formula with numbers in the place of some names.

        >>> parse("revenue * margin_rate").fixed({"margin_rate": Fraction(1, 2)}).names
        ('revenue',)
        """
        tree = _fixed(self._tree, known)
        return Formula(self.text, tuple(name for name in self.names if name not in known), tree)

    def adds_up(self, fixed: Mapping[str, Fraction]) -> bool:
        """Whether the value of a sum is the sum of the values, the `fixed` quantities as they are.

        So it is of ``revenue * margin_rate - spend`` at a margin, and of no ratio of sums.
        """
        names = [name for name in self.names if name not in fixed]
        one = {name: Fraction(place + 2) for place, name in enumerate(names)}
        other = {name: Fraction(7 * place * place + 3) for place, name in enumerate(names)}
        both = {name: one[name] + other[name] for name in names}
        first, second, whole = (self.value({**own, **fixed}) for own in (one, other, both))
        return first is not None and second is not None and whole == first + second

    def values(self, quantities: Mapping[str, Array]) -> Array:
        """The values, shape as the arrays broadcast; ``nan`` where undefined or missing."""
        found = _walk(
            self._tree,
            lambda name: quantities.get(name, np.array(np.nan)),
            _ARRAY,
            lambda number: np.array(float(number)),
        )
        return np.asarray(found, dtype=float)


def _walk(
    node: tuple[Any, ...],
    leaf: Callable[[str], Any],
    operations: Mapping[str, Callable[..., Any]],
    constant: Callable[[Fraction], Any],
) -> Any:
    kind, *parts = node
    if kind == "name":
        return leaf(parts[0])
    if kind == "number":
        return constant(parts[0])
    return operations[kind](*(_walk(part, leaf, operations, constant) for part in parts))


def _takes_off(node: tuple[Any, ...]) -> bool:
    kind, *parts = node
    if kind in ("name", "number"):
        return False
    return kind in ("-", "negative") or any(map(_takes_off, parts))


def _fixed(node: tuple[Any, ...], known: Mapping[str, Fraction]) -> tuple[Any, ...]:
    kind, *parts = node
    if kind == "name":
        return ("number", known[parts[0]]) if parts[0] in known else node
    if kind == "number":
        return node
    return (kind, *(_fixed(part, known) for part in parts))


# How an operation is printed, and how closely it binds.
_WRITTEN = {"+": ("+", 1), "-": ("\N{MINUS SIGN}", 1), "*": ("·", 2), "/": ("/", 2)}
_ALONE = 4  # of a name, a number, a function: nothing can come between its parts


def written(
    formula: Formula,
    shown: Callable[[str], str],
    constant: Callable[[Fraction], str] | None = None,
) -> str:
    """The formula as people read it, with brackets only where it needs them.

    Args:
        formula: what to write.
        shown: a name to what stands in its place.
        constant: a number of the formula to what stands in its place.

    >>> written(parse("(revenue * 0.3 - spend) / spend"), str.upper)
    '(REVENUE · 0.3 − SPEND) / SPEND'
    """
    return _written(formula._tree, shown, constant or _plain)[0]


def _plain(number: Fraction) -> str:
    return str(number) if number.denominator == 1 else repr(float(number))


def _written(
    node: tuple[Any, ...], shown: Callable[[str], str], constant: Callable[[Fraction], str]
) -> tuple[str, int]:
    """What stands for a node, and how closely it binds."""
    kind, *parts = node
    if kind == "name":
        return shown(parts[0]), _ALONE
    if kind == "number":
        return constant(parts[0]), _ALONE
    made = [_written(part, shown, constant) for part in parts]
    if kind == "negative":
        text, binds = made[0]
        return "\N{MINUS SIGN}" + (text if binds > 1 else f"({text})"), 1
    if kind not in _WRITTEN:
        return f"{kind}({'; '.join(text for text, _ in made)})", _ALONE
    sign, own = _WRITTEN[kind]
    (left, left_binds), (right, right_binds) = made
    first = parts[0][0] == "negative"  # nothing before it: the sign can be taken for nothing else
    if left_binds < own and not first:
        left = f"({left})"
    alike = right_binds == own and kind in "-/"
    if right_binds < own or alike or parts[1][0] == "negative":
        right = f"({right})"
    return f"{left} {sign} {right}", own


@lru_cache(4096)  # those of the catalogue many times over; texts of users must not pile up
def parse(text: str) -> Formula:
    """The formula that `text` spells.

    Raises:
        FormulaError: not arithmetic of this language, too long or too deep; the message names the
            position.

    >>> parse("orders / sessions").value({"orders": Fraction(3), "sessions": Fraction(4)})
    Fraction(3, 4)
    """
    if len(text) > MAX_CHARACTERS:
        raise FormulaError("formula_too_long", where=text[:40] + "…", limit=MAX_CHARACTERS)
    _check_writing(text)
    try:
        parsed = ast.parse(text.strip(), mode="eval")
    except (SyntaxError, ValueError, MemoryError, RecursionError) as broken:
        position = getattr(broken, "offset", None) or 0
        raise FormulaError("formula_syntax", where=text, position=position) from None
    if sum(1 for _ in ast.walk(parsed)) > MAX_NODES:
        raise FormulaError("formula_too_deep", where=text[:40] + "…")
    names: dict[str, None] = {}
    tree = _read(parsed.body, text, names, 0)
    return Formula(text, tuple(names), tree)


def _check_writing(text: str) -> None:
    """Raise for what Python would pass over or read otherwise than people: ``#``, ``0x10``."""
    if "#" in text:
        position = text.index("#") + 1
        raise FormulaError("formula_not_arithmetic", where=text, position=position)
    for numeral in _NUMERAL.finditer(text):
        if not _DECIMAL.fullmatch(numeral[0]):
            position = numeral.start() + 1
            raise FormulaError("formula_not_arithmetic", where=text, position=position)


def _read(node: ast.AST, text: str, names: dict[str, None], depth: int) -> tuple[Any, ...]:
    if depth > MAX_DEPTH:
        raise FormulaError("formula_too_deep", where=text[:40] + "…")

    def below(child: ast.AST) -> tuple[Any, ...]:
        return _read(child, text, names, depth + 1)

    match node:
        case ast.Name(id=name):
            names.setdefault(name)
            return ("name", name)
        case ast.Constant(value=int() | float() as number) if type(number) is not bool:
            if not abs(number) <= MAX_NUMBER:
                raise FormulaError("formula_number", where=text)
            return ("number", Fraction(repr(number)))
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return ("negative", below(operand))
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _OPERATORS:
            return (_OPERATORS[type(op)], below(left), below(right))
        case ast.Call(func=ast.Name(id=name), args=[first, second], keywords=[]) if (
            name in FUNCTIONS
        ):
            return (name, below(first), below(second))
        case ast.Call(func=ast.Name(id=when), args=[ast.Name(id=name)], keywords=[]) if (
            when in EARLIER
        ):
            names.setdefault(f"{when}({name})")
            return ("name", f"{when}({name})")
    position = getattr(node, "col_offset", 0) + 1
    raise FormulaError("formula_not_arithmetic", where=text, position=position)


def earlier(name: str) -> tuple[str, str] | None:
    """(when, quantity) of a name of earlier days; ``None`` for any other.

    >>> earlier("previous(orders)")
    ('previous', 'orders')
    """
    when, bracket, rest = name.partition("(")
    return (when, rest.removesuffix(")")) if bracket else None


def check_names(formula: Formula, known: set[str], where: str) -> None:
    """Raise unless every name of the formula is `known`; suggests the nearest one."""
    for name in formula.names:
        if name not in known:
            raise FormulaError(
                "formula_unknown_name", where=where, name=name, near=did_you_mean(name, known)
            )
