"""Comparisons solved for one of their columns: ``a + b <= c - 5`` bounds ``b`` by ``c - 5 - a`` in every row.

What holds between columns of a row then follows from the other columns' values: a total is computed, an end lies
inside its limits. Only conditions whose sides can be turned around step by step are solved; the rest is left alone.
"""

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from sqlglot import exp

from fixturesynth.arrays import array_of, fill_null, numpy_of, scalar_of
from fixturesynth.schema.predicates.arrays import as_number
from fixturesynth.schema.predicates.domains import ColumnDomain, NotUnderstood
from fixturesynth.schema.predicates.evaluating import value_of
from fixturesynth.schema.predicates.operators import MIRRORED, OPPOSITE
from fixturesynth.schema.predicates.parsing import column_name, fold, parse_condition

__all__ = ["Bound", "bounds_on", "solve"]

Operator = type[exp.Expression]
MOST_WAYS = 12  # alternatives of a condition that are looked at

_DAYS = {"julianday": Decimal("2440587.5")}  # what they give for 1970-01-01


@dataclass(frozen=True)
class Bound:
    """The column is on the left: ``column operator expression``, the expression being about other columns alone."""

    operator: Operator
    expression: exp.Expression


def bounds_on(text: str, table: Any, dialect: str, column: str) -> list[tuple[Bound, ...]]:
    """The ways in which the condition bounds ``column`` by other columns: any one of them, each as a conjunction.

    Conjuncts that do not bound the column are left out; ways without any bound are not listed.

    >>> [[b.operator.__name__ for b in way] for way in bounds_on("b - a BETWEEN 1 AND 9", pa.table({"a": [], "b": []}),
    ...  "postgresql", "b")]
    [['GTE', 'LTE']]
    """
    try:
        ways = _ways(parse_condition(text, table, dialect), True)
    except NotUnderstood:
        return []
    found = []
    for way in ways[:MOST_WAYS]:
        bounds = tuple(b for node in way if (b := _isolated(node, column)) is not None)
        if bounds:
            found.append(bounds)
    return found


def solve(
    ways: Sequence[Sequence[Bound]], rows: pa.Table, column: str, dialect: str, domain: ColumnDomain | None,
    words: npt.NDArray[np.uint64],
) -> Iterator[pa.Array]:  # fmt: skip
    """For each way, values of ``column`` inside its bounds, shape (n,); ``words`` choose among those that are left.

    They are proposals: where the bounds leave nothing, or a product cannot be undone, a value fails its condition.
    """
    for way in ways:
        try:
            yield _solved(way, rows, column, dialect, domain, words)
        except (NotUnderstood, pa.ArrowException, OverflowError, ValueError):
            continue


# Conditions as conjunctions of comparisons ---------------------------------------------------------------------------


def _ways(node: exp.Expression, want: bool) -> list[tuple[exp.Expression, ...]]:
    if isinstance(node, exp.Not):
        return _ways(node.this, not want)
    if isinstance(node, (exp.And, exp.Or)):
        left, right = _ways(node.this, want), _ways(node.expression, want)
        if isinstance(node, exp.And) == want:
            return [a + b for a, b in itertools.islice(itertools.product(left, right), MOST_WAYS)]
        return (left + right)[:MOST_WAYS]
    if not want and type(node) in OPPOSITE:
        node = OPPOSITE[type(node)](this=node.this, expression=node.expression)
    return [(node,)]


def _isolated(node: exp.Expression, column: str) -> Bound | None:
    if type(node) not in MIRRORED or isinstance(node, exp.NEQ):
        return None
    inside = [sum(column_name(c) == column for c in side.find_all(exp.Column)) for side in (node.this, node.expression)]
    if sorted(inside) != [0, 1] or len({column_name(c) for c in node.find_all(exp.Column)}) < 2:
        return None
    operator = type(node) if inside[0] else MIRRORED[type(node)]
    side, rest = (node.this, node.expression) if inside[0] else (node.expression, node.this)
    while not isinstance(side, exp.Column):
        turn = _TURNS.get(type(side)) or (_by_name if isinstance(side, exp.Anonymous) else None)
        turned = turn(side, rest, operator, column) if turn else None
        if turned is None:
            return None
        side, rest, operator = turned
    return Bound(operator, rest)


# Turning a side around: (what is left of it, the other side, the operator) -------------------------------------------

Turned = tuple[exp.Expression, exp.Expression, Operator] | None
Turn = Callable[[exp.Expression, exp.Expression, Operator, str], Turned]


def _holds(node: exp.Expression, column: str) -> bool:
    return any(column_name(c) == column for c in node.find_all(exp.Column))


def _sum(side: exp.Expression, rest: exp.Expression, operator: Operator, column: str) -> Turned:
    inner, other = (side.this, side.expression) if _holds(side.this, column) else (side.expression, side.this)
    return inner, exp.Sub(this=rest, expression=other), operator


def _difference(side: exp.Expression, rest: exp.Expression, operator: Operator, column: str) -> Turned:
    if _holds(side.this, column):
        return side.this, exp.Add(this=rest, expression=side.expression), operator
    return side.expression, exp.Sub(this=side.this, expression=rest), MIRRORED[operator]


def _product(side: exp.Expression, rest: exp.Expression, operator: Operator, column: str) -> Turned:
    inner, other = (side.this, side.expression) if _holds(side.this, column) else (side.expression, side.this)
    return inner, exp.Div(this=rest, expression=other), _by_sign(other, operator)


def _quotient(side: exp.Expression, rest: exp.Expression, operator: Operator, column: str) -> Turned:
    if not _holds(side.this, column):
        return None
    return side.this, exp.Mul(this=rest, expression=side.expression), _by_sign(side.expression, operator)


def _by_sign(factor: exp.Expression, operator: Operator) -> Operator:
    """Dividing by what is negative turns a comparison; columns are taken for positive, as they mostly are."""
    try:
        return MIRRORED[operator] if fold(factor) < 0 else operator
    except (NotUnderstood, TypeError):
        return operator


def _negative(side: exp.Expression, rest: exp.Expression, operator: Operator, column: str) -> Turned:
    return side.this, exp.Neg(this=rest), MIRRORED[operator]


def _through(side: exp.Expression, rest: exp.Expression, operator: Operator, column: str) -> Turned:
    """A cast or COALESCE whose first value is the column."""
    return (side.this, rest, operator) if _holds(side.this, column) else None


def _days_between(side: exp.Expression, rest: exp.Expression, operator: Operator, column: str) -> Turned:
    if str(side.args.get("unit") or "DAY").upper().strip("'") != "DAY":
        return None
    first = exp.Literal.string("1970-01-01")
    if _holds(side.this, column):
        since = exp.DateDiff(this=side.expression, expression=first)
        return side.this, _day(exp.Add(this=rest, expression=since)), operator
    since = exp.DateDiff(this=side.this, expression=first)
    return side.expression, _day(exp.Sub(this=since, expression=rest)), MIRRORED[operator]


def _day(days: exp.Expression) -> exp.Expression:
    return exp.Anonymous(this="_day", expressions=[days])


def _by_name(side: exp.Expression, rest: exp.Expression, operator: Operator, column: str) -> Turned:
    """Functions that count days since a first one."""
    name = str(side.this).lower()
    if name not in _DAYS or len(side.expressions) != 1:
        return None
    days = exp.Sub(this=rest, expression=exp.Literal.number(_DAYS[name]))
    return side.expressions[0], _day(days), operator


_TURNS: Mapping[type[exp.Expression], Turn] = {
    exp.Add: _sum, exp.Sub: _difference, exp.Mul: _product, exp.Div: _quotient, exp.Neg: _negative,
    exp.Cast: _through, exp.Coalesce: _through, exp.DateDiff: _days_between, exp.TsOrDsToDate: _through,
    exp.Date: _through, exp.Paren: _through,
}  # fmt: skip


# Values inside the bounds --------------------------------------------------------------------------------------------


def _solved(
    way: Sequence[Bound], rows: pa.Table, column: str, dialect: str, domain: ColumnDomain | None,
    words: npt.NDArray[np.uint64],
) -> pa.Array:  # fmt: skip
    target = rows.schema.field(column).type
    given = [(b.operator, _value(b.expression, rows, dialect)) for b in way]
    for operator, values in given:
        if operator is exp.EQ:
            return _cast(values, target)
    unit = _ticks_of(target)
    if unit is None:
        raise NotUnderstood(f"values of type {target} have no neighbours")
    low, high = np.full(rows.num_rows, -np.inf), np.full(rows.num_rows, np.inf)
    for edge, operator in _edges(domain):
        given.append((operator, array_of([edge] * rows.num_rows)))
    for operator, values in given:
        ticks = _to_ticks(values, target, unit)
        if operator in (exp.GT, exp.GTE):
            exact = np.ceil(ticks) + (operator is exp.GT) * (np.ceil(ticks) == ticks)
            low = np.fmax(low, exact)
        else:
            exact = np.floor(ticks) - (operator is exp.LT) * (np.floor(ticks) == ticks)
            high = np.fmin(high, exact)
    now = _to_ticks(rows.column(column), target, unit)
    known = now[np.isfinite(now)]
    # Where one end is open, values come as near to the other as the column's own lie to each other.
    width = max(float(np.ptp(known)) / 8 if known.size else 0.0, 16.0)
    high = np.where(np.isfinite(high), high, np.where(np.isfinite(low), low + width, now))
    low = np.where(np.isfinite(low), low, np.where(np.isfinite(high), high - width, now))
    share = words.astype(np.float64) / 2.0**64
    chosen = np.floor(low + share * (np.fmax(high - low, 0) + 1))
    inside = np.fmin(chosen, high)
    keeps = (now >= low) & (now <= high)
    final = np.where(keeps, now, inside)
    return _from_ticks(final, target, unit)


def _edges(domain: ColumnDomain | None) -> Iterator[tuple[Any, Operator]]:
    if domain is not None and domain.allowed is None:
        if domain.low is not None:
            yield domain.low, exp.GT if domain.low_open else exp.GTE
        if domain.high is not None:
            yield domain.high, exp.LT if domain.high_open else exp.LTE


def _value(node: exp.Expression, rows: pa.Table, dialect: str) -> pa.Array:
    """The expression in every row; days since 1970 become dates."""
    if isinstance(node, exp.Anonymous) and str(node.this) == "_day":
        days = as_number(_value(node.expressions[0], rows, dialect)).cast(pa.float64())
        return pc.multiply(days, scalar_of(86_400_000_000.0)).cast(pa.int64(), safe=False).cast(pa.timestamp("us"))
    return value_of(node, rows, dialect)


def _cast(values: pa.Array, target: pa.DataType) -> pa.Array:
    if pa.types.is_null(values.type):
        return values.cast(target)
    if pa.types.is_decimal(target) and pa.types.is_floating(values.type):
        return pc.round(values, target.scale).cast(target)
    if pa.types.is_integer(target) and pa.types.is_floating(values.type):
        return pc.round(values).cast(target)
    if pa.types.is_timestamp(target) and target.tz:
        return values.cast(pa.timestamp("us")).cast(target)
    if pa.types.is_date(target):
        return values.cast(target, safe=False)
    return values.cast(target)


# (test of the type, ticks in one of its units): whole numbers on which its values lie.
_UNITS: tuple[tuple[Callable[[pa.DataType], bool], Callable[[pa.DataType], float]], ...] = (
    (pa.types.is_integer, lambda t: 1.0),
    (pa.types.is_decimal, lambda t: 10.0 ** min(t.scale, 6)),
    (pa.types.is_floating, lambda t: 100.0),
    (pa.types.is_date, lambda t: 1.0 / 86_400_000_000),
    (pa.types.is_timestamp, lambda t: 1.0 / 1_000_000),
)


def _ticks_of(kind: pa.DataType) -> float | None:
    return next((unit(kind) for test, unit in _UNITS if test(kind)), None)


def _is_moment(kind: pa.DataType) -> bool:
    return bool(pa.types.is_date(kind) or pa.types.is_timestamp(kind))


def _to_ticks(values: Any, target: pa.DataType, unit: float) -> npt.NDArray[np.float64]:
    array = values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values
    if _is_moment(target):
        if pa.types.is_timestamp(array.type) and array.type.tz:
            array = array.cast(pa.timestamp("us", "UTC")).cast(pa.timestamp("us"))
        numbers = array.cast(pa.timestamp("us")).cast(pa.int64()).cast(pa.float64(), safe=False)
    else:
        numbers = as_number(array).cast(pa.float64(), safe=False)
    out = np.asarray(numpy_of(fill_null(numbers, float("nan"))), dtype=np.float64) * unit
    # A product of binary fractions misses whole ticks by a hair.
    near = np.round(out)
    return np.where(np.abs(out - near) < 1e-6, near, out)


def _from_ticks(ticks: npt.NDArray[np.float64], target: pa.DataType, unit: float) -> pa.Array:
    empty = ~np.isfinite(ticks)
    whole = np.where(empty, 0, ticks)
    if pa.types.is_decimal(target):
        scale = min(target.scale, 6)
        numbers = array_of(np.round(whole).astype(np.int64)).cast(pa.decimal128(20, 0))
        made = pc.multiply(numbers, scalar_of(Decimal(1).scaleb(-scale), pa.decimal128(scale + 1, scale))).cast(target)
    elif _is_moment(target):
        micros = array_of(np.round(whole / unit).astype(np.int64)).cast(pa.timestamp("us"))
        made = _cast(micros, target)
    elif pa.types.is_integer(target):
        made = array_of(np.round(whole).astype(np.int64)).cast(target)
    else:
        made = array_of(whole / unit).cast(target)
    return pc.if_else(array_of(empty), scalar_of(None, made.type), made)
