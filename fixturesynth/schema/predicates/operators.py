"""Comparisons: turned around, negated, and as what they say of a column's values or of a length."""

from collections.abc import Callable
from typing import Any

from sqlglot import exp

from fixturesynth.schema.predicates.domains import NotUnderstood

__all__ = ["COMPARE", "MIRRORED", "OPPOSITE", "length_range", "range_fields"]

OPPOSITE: dict[type[exp.Expression], type[exp.Expression]] = {
    exp.EQ: exp.NEQ, exp.NEQ: exp.EQ, exp.LT: exp.GTE, exp.GTE: exp.LT, exp.GT: exp.LTE, exp.LTE: exp.GT,
}  # fmt: skip
MIRRORED: dict[type[exp.Expression], type[exp.Expression]] = {
    exp.EQ: exp.EQ, exp.NEQ: exp.NEQ, exp.LT: exp.GT, exp.GT: exp.LT, exp.LTE: exp.GTE, exp.GTE: exp.LTE,
}  # fmt: skip
COMPARE: dict[type[exp.Expression], Callable[[Any, Any], bool]] = {
    exp.EQ: lambda a, b: a == b, exp.NEQ: lambda a, b: a != b, exp.LT: lambda a, b: a < b,
    exp.LTE: lambda a, b: a <= b, exp.GT: lambda a, b: a > b, exp.GTE: lambda a, b: a >= b,
}  # fmt: skip


def range_fields(operator: type[exp.Expression], value: Any) -> dict[str, Any]:
    """The fields of a ColumnDomain for ``column operator value``."""
    table: dict[type[exp.Expression], dict[str, Any]] = {
        exp.EQ: {"allowed": (value,)},
        exp.NEQ: {"excluded": (value,)},
        exp.LT: {"high": value, "high_open": True},
        exp.LTE: {"high": value},
        exp.GT: {"low": value, "low_open": True},
        exp.GTE: {"low": value},
    }
    return table[operator]


def length_range(operator: type[exp.Expression], value: int) -> tuple[int | None, int | None]:
    """Least and most length; a length is never below 0."""
    ranges: dict[type[exp.Expression], tuple[int | None, int | None]] = {
        exp.EQ: (value, value), exp.LT: (None, value - 1), exp.LTE: (None, value), exp.GT: (value + 1, None),
        exp.GTE: (value, None),
    }  # fmt: skip
    if operator is exp.NEQ and value == 0:
        return 1, None
    if operator not in ranges:
        raise NotUnderstood(f"a length other than {value}")
    least, most = ranges[operator]
    return (None if least is not None and least <= 0 else least), most
