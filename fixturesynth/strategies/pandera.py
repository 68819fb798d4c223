"""pandera's schemas as a schema of one table, by what they say of themselves: pandera is not imported."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from fixturesynth.errors import ConstraintError
from fixturesynth.schema.model import Check, Column, ColumnType, Schema, Table, Unique

__all__ = ["is_pandera", "schema_of_pandera"]

KINDS: tuple[tuple[str, ColumnType], ...] = (
    ("int", ColumnType("integer", "bigint", bits=64)),
    ("uint", ColumnType("integer", "bigint", bits=64)),
    ("float", ColumnType("float", "double precision", bits=64)),
    ("bool", ColumnType("boolean", "boolean")),
    ("datetime", ColumnType("timestamp", "timestamp")),
    ("str", ColumnType("text", "text")),
    ("string", ColumnType("text", "text")),
)


def is_pandera(source: Any) -> bool:
    """Whether this is a DataFrameSchema or a DataFrameModel of pandera."""
    return (getattr(source, "__module__", None) or type(source).__module__).startswith("pandera") or (
        isinstance(source, type) and any(c.__module__.startswith("pandera") for c in source.__mro__[1:])
    )


def schema_of_pandera(source: Any) -> Schema:
    """ConstraintError for a type or a check that is not understood, by name."""
    found: Any = source
    if isinstance(source, type):
        found = source.to_schema()  # type: ignore[attr-defined]
    table = str(found.name or "rows")
    columns, checks, uniques = [], [], []
    for name, column in found.columns.items():
        kind = next((k for start, k in KINDS if str(column.dtype).lower().startswith(start)), None)
        if kind is None:
            raise ConstraintError(f"{table}.{name}: pandera's type {column.dtype} is not understood; draw it yourself")
        columns.append(Column(name, kind, nullable=bool(column.nullable)))
        if column.unique:
            uniques.append(Unique(f"{name} unique", (name,)))
        for check in column.checks:
            writer = _CHECKS.get(check.name)
            if writer is None:
                raise ConstraintError(
                    f"{table}.{name}: pandera's check {check.name or check!r} is not understood; "
                    f"there are: {', '.join(_CHECKS)}"
                )
            checks.append(Check(f"{name} {check.name}", writer(f'"{name}"', check.statistics), (name,)))
    if found.unique:
        together = (found.unique,) if isinstance(found.unique, str) else tuple(found.unique)
        uniques.append(Unique(" and ".join(together), together, nulls_distinct=False))
    return Schema((Table(table, tuple(columns), uniques=tuple(uniques), checks=tuple(checks)),), "postgresql")


def _literal(value: Any) -> str:
    return "'" + str(value).replace("'", "''") + "'" if isinstance(value, str) else str(value)


def _in_range(name: str, told: Mapping[str, Any]) -> str:
    low, high = (">=" if told["include_min"] else ">"), ("<=" if told["include_max"] else "<")
    return f"{name} {low} {_literal(told['min_value'])} AND {name} {high} {_literal(told['max_value'])}"


def _length(name: str, told: Mapping[str, Any]) -> str:
    exact = told.get("exact_value")
    low, high = (exact, exact) if exact is not None else (told.get("min_value"), told.get("max_value"))
    parts = [f"length({name}) >= {low}"] * (low is not None) + [f"length({name}) <= {high}"] * (high is not None)
    return " AND ".join(parts)


def _listed(values: Any) -> str:
    return ", ".join(_literal(v) for v in values)


_CHECKS: Mapping[str, Callable[[str, Mapping[str, Any]], str]] = {
    "equal_to": lambda n, t: f"{n} = {_literal(t['value'])}",
    "greater_than": lambda n, t: f"{n} > {_literal(t['min_value'])}",
    "greater_than_or_equal_to": lambda n, t: f"{n} >= {_literal(t['min_value'])}",
    "less_than": lambda n, t: f"{n} < {_literal(t['max_value'])}",
    "less_than_or_equal_to": lambda n, t: f"{n} <= {_literal(t['max_value'])}",
    "in_range": _in_range,
    "isin": lambda n, t: f"{n} IN ({_listed(t['allowed_values'])})",
    "notin": lambda n, t: f"{n} NOT IN ({_listed(t['forbidden_values'])})",
    "str_length": _length,
    "str_matches": lambda n, t: f"{n} ~ {_literal('^(' + getattr(t['pattern'], 'pattern', t['pattern']) + ')')}",
}
