"""SQL functions over Arrow columns, as rows of two tables: by sqlglot's class, and by name."""

import json
from collections.abc import Callable
from functools import reduce
from typing import Any, Protocol

import pyarrow as pa
import pyarrow.compute as pc
from sqlglot import exp

from fixturesynth.schema.predicates.arrays import CASTS, as_moment, as_number, as_text, unify
from fixturesynth.schema.predicates.domains import NotUnderstood
from fixturesynth.schema.predicates.parsing import fold
from fixturesynth.schema.predicates.present import interval_of

__all__ = ["FUNCTIONS", "NAMED_FUNCTIONS", "Function", "Rows", "load_json"]


class Rows(Protocol):
    """Where the arguments come from: a node's value in every row."""

    rows: int
    dialect: str

    def value(self, node: Any) -> pa.Array: ...

    def refuse(self, broken: pa.Array) -> None:
        """Notes rows in which a database ends with an error."""
        ...


Function = Callable[[Rows, Any], pa.Array]


def _on_text(function: Callable[..., pa.Array], **options: Any) -> Function:
    return lambda rows, node: function(_text(rows, node.this), **options)


def _text(rows: Rows, node: Any) -> pa.Array:
    values = as_text(rows.value(node))
    return values.cast(pa.string()) if pa.types.is_null(values.type) else values


def _on_number(function: Callable[..., pa.Array]) -> Function:
    return lambda rows, node: function(_roomy(rows.value(node.this)))


def _roomy(values: pa.Array) -> pa.Array:
    """As numbers; decimals with digits to spare, because rounding 9.99 up needs one more."""
    numbers = as_number(values)
    return numbers.cast(pa.decimal256(76, numbers.type.scale)) if pa.types.is_decimal(numbers.type) else numbers


def _length(rows: Rows, node: Any) -> pa.Array:
    values = rows.value(node.this)
    if pa.types.is_binary(values.type) or pa.types.is_fixed_size_binary(values.type):
        return pc.binary_length(values).cast(pa.int64())
    measure = pc.binary_length if node.args.get("binary") else pc.utf8_length
    return measure(as_text(values).cast(pa.string())).cast(pa.int64())


def _octets(rows: Rows, node: Any) -> pa.Array:
    values = rows.value(node.expressions[0] if isinstance(node, exp.Anonymous) else node.this)
    binary = pa.types.is_binary(values.type) or pa.types.is_fixed_size_binary(values.type)
    return pc.binary_length(values if binary else as_text(values).cast(pa.string())).cast(pa.int64())


def _trim(rows: Rows, node: Any) -> pa.Array:
    characters = " " if node.expression is None else str(fold(node.expression))
    trims = {"LEADING": pc.utf8_ltrim, "TRAILING": pc.utf8_rtrim}
    trim = trims.get(str(node.args.get("position") or "").upper(), pc.utf8_trim)
    return trim(_text(rows, node.this), characters)


def _coalesce(rows: Rows, node: Any) -> pa.Array:
    return pc.coalesce(*unify([rows.value(n) for n in (node.this, *node.expressions)]))


def _extreme(pick: Callable[..., pa.Array]) -> Function:
    def function(rows: Rows, node: Any) -> pa.Array:
        values = unify([rows.value(n) for n in (node.this, *node.expressions)])
        return pick(*values, skip_nulls=bool(node.args.get("ignore_nulls")))

    return function


def _null_if(rows: Rows, node: Any) -> pa.Array:
    left, right = unify([rows.value(node.this), rows.value(node.expression)])
    return pc.if_else(pc.fill_null(pc.equal(left, right), False), pa.scalar(None, left.type), left)


def _round(rows: Rows, node: Any) -> pa.Array:
    decimals = int(fold(node.args["decimals"])) if node.args.get("decimals") is not None else 0
    return pc.round(_roomy(rows.value(node.this)), decimals, round_mode="half_towards_infinity")


def _substring(rows: Rows, node: Any) -> pa.Array:
    start = int(fold(node.args["start"])) - 1
    length = node.args.get("length")
    if start < 0:
        raise NotUnderstood(f"{node.sql()!r} counts from the end")
    stop = None if length is None else start + int(fold(length))
    return pc.utf8_slice_codeunits(_text(rows, node.this), start, stop)


def _left(rows: Rows, node: Any) -> pa.Array:
    return pc.utf8_slice_codeunits(_text(rows, node.this), 0, _count(node))


def _right(rows: Rows, node: Any) -> pa.Array:
    return pc.utf8_slice_codeunits(_text(rows, node.this), -_count(node), None)


def _count(node: Any) -> int:
    count = int(fold(node.expression))
    if count <= 0:
        raise NotUnderstood(f"{node.sql()!r} takes no characters")
    return count


def _position(rows: Rows, node: Any) -> pa.Array:
    """Counted in characters from 1; 0 where there is none."""
    values, part = _text(rows, node.this), str(fold(node.args["substr"]))
    before = pc.list_element(pc.split_pattern(values, part), 0) if part else pc.utf8_slice_codeunits(values, 0, 0)
    found = pc.match_substring(values, part)
    return pc.if_else(found, pc.add(pc.utf8_length(before).cast(pa.int64()), 1), pa.scalar(0, pa.int64()))


def _concat(rows: Rows, node: Any) -> pa.Array:
    parts = [_text(rows, n) for n in (node.expressions or (node.this, node.expression))]
    handling = "replace" if node.args.get("coalesce") else "emit_null"
    return pc.binary_join_element_wise(*parts, "", null_handling=handling)


def _replace(rows: Rows, node: Any) -> pa.Array:
    old, new = str(fold(node.expression)), str(fold(node.args["replacement"]))
    return pc.replace_substring(_text(rows, node.this), old, new) if old else _text(rows, node.this)


def _part(function: Callable[..., pa.Array]) -> Function:
    return lambda rows, node: function(as_moment(rows.value(node.this))).cast(pa.int64())


def _day_of_week(values: pa.Array) -> pa.Array:
    return pc.day_of_week(values, count_from_zero=True, week_start=7)


_PARTS: dict[str, Callable[[pa.Array], pa.Array]] = {
    "year": pc.year, "month": pc.month, "day": pc.day, "hour": pc.hour, "minute": pc.minute, "second": pc.second,
    "quarter": pc.quarter, "doy": pc.day_of_year, "week": pc.iso_week, "isoyear": pc.iso_year,
    "dow": _day_of_week, "isodow": lambda values: pc.day_of_week(values, count_from_zero=False, week_start=1),
}  # fmt: skip


def _extract(rows: Rows, node: Any) -> pa.Array:
    part = node.this
    name = str(fold(part) if isinstance(part, (exp.Cast, exp.Literal)) else part.name).lower()
    if name not in _PARTS:
        raise NotUnderstood(f"the part {name} of a date is not known")
    values = as_moment(rows.value(node.expression))
    whole = _PARTS[name](values).cast(pa.int64())
    return pc.add(whole.cast(pa.float64()), pc.subsecond(values)) if name == "second" else whole


def _to_date(rows: Rows, node: Any) -> pa.Array:
    """SQLite's date(x) is text; what is no date becomes NULL there."""
    return CASTS["DATE"](rows.value(node.this))


def _time_to_text(rows: Rows, node: Any) -> pa.Array:
    return pc.strftime(
        as_moment(rows.value(node.this)).cast(pa.timestamp("s"), safe=False), str(fold(node.args["format"]))
    )


def load_json(text: str, number: Callable[[str], Any] | None = None) -> Any:
    """The document, its numbers as ``number`` makes them; ValueError where the text is none, or is too deep."""
    try:
        return json.loads(text, parse_int=number, parse_float=number, parse_constant=_refuse)
    except RecursionError as error:
        raise ValueError("a document is too deep") from error


def _is_json(text: str) -> bool:
    try:
        load_json(text)
    except ValueError:
        return False
    return True


def _refuse(name: str) -> None:
    raise ValueError(name)


def _json_valid(rows: Rows, node: Any) -> pa.Array:
    coded = _text(rows, node.expressions[0]).dictionary_encode()
    valid = pa.array([_is_json(text) for text in coded.dictionary.to_pylist()], pa.bool_()).take(coded.indices)
    # SQLite before 3.41 says 0 of NULL, later ones NULL.
    return pc.fill_null(valid, False) if rows.dialect == "sqlite" else valid


def _count_if(test: Callable[[pa.Array], pa.Array]) -> Function:
    def function(rows: Rows, node: Any) -> pa.Array:
        counts = [test(rows.value(n)).cast(pa.int64()) for n in node.expressions]
        return reduce(pc.add, counts)

    return function


def _interval(rows: Rows, node: Any) -> pa.Array:
    """``'1 day 02:00:00'::interval`` and ``INTERVAL 1 DAY``, where the length is always the same."""
    months, span = interval_of(node)
    if months:
        raise NotUnderstood(f"the interval {node.sql()!r} is not always as long")
    return pa.repeat(pa.scalar(span, pa.duration("us")), rows.rows)


_YEAR_ZERO = -719_528  # 0000-01-01, from which MySQL counts, in days since 1970-01-01


def _days_between(rows: Rows, node: Any) -> pa.Array:
    """Whole days from the second date to the first."""
    unit = node.args.get("unit")
    if unit is not None and str(unit.name).upper() != "DAY":
        raise NotUnderstood(f"{node.sql()!r} counts no days")
    return pc.subtract(_days(rows, node.this), _days(rows, node.expression))


def _days(rows: Rows, node: Any) -> pa.Array:
    literal = node.this if isinstance(node, (exp.TsOrDsToDate, exp.Cast)) else node
    if isinstance(literal, exp.Literal) and literal.this == "0000-01-01":
        return pa.repeat(pa.scalar(_YEAR_ZERO, pa.int64()), rows.rows)
    return CASTS["DATE"](rows.value(node)).cast(pa.int32()).cast(pa.int64())


def _julian_day(rows: Rows, node: Any) -> pa.Array:
    micros = as_moment(rows.value(node.expressions[0])).cast(pa.int64()).cast(pa.float64())
    return pc.add(pc.divide(micros, 86_400_000_000.0), 2_440_587.5)


FUNCTIONS: dict[type[exp.Expression], Function] = {
    exp.Length: _length, exp.Lower: _on_text(pc.utf8_lower), exp.Upper: _on_text(pc.utf8_upper), exp.Trim: _trim,
    exp.Reverse: _on_text(pc.utf8_reverse), exp.Coalesce: _coalesce, exp.Nullif: _null_if,
    exp.Greatest: _extreme(pc.max_element_wise), exp.Least: _extreme(pc.min_element_wise),
    exp.Abs: _on_number(pc.abs_checked), exp.Ceil: _on_number(pc.ceil), exp.Floor: _on_number(pc.floor),
    exp.Sign: _on_number(pc.sign), exp.Round: _round, exp.Substring: _substring, exp.Left: _left, exp.Right: _right,
    exp.StrPosition: _position, exp.Concat: _concat, exp.DPipe: _concat, exp.Replace: _replace,
    exp.Year: _part(pc.year), exp.Month: _part(pc.month), exp.Day: _part(pc.day), exp.Hour: _part(pc.hour),
    exp.Minute: _part(pc.minute), exp.Second: _part(pc.second), exp.Extract: _extract,
    exp.Date: _to_date, exp.TsOrDsToDate: _to_date, exp.TimeToStr: _time_to_text, exp.ByteLength: _octets,
    exp.TsOrDsToTimestamp: lambda rows, node: as_moment(rows.value(node.this)), exp.Interval: _interval,
    exp.DateDiff: _days_between,
}  # fmt: skip
NAMED_FUNCTIONS: dict[str, Function] = {
    "octet_length": _octets, "strlen": _octets, "json_valid": _json_valid,
    "num_nulls": _count_if(pc.is_null), "num_nonnulls": _count_if(pc.is_valid),
    "julianday": _julian_day,
    "datetime": lambda rows, node: as_moment(rows.value(node.expressions[0])),
}  # fmt: skip
