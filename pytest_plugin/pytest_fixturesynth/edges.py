"""Boundary values that a schema allows, mixed into rows: what breaks code that was tried with tame values only."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from fixturesynth.dataset import Dataset
from fixturesynth.loading.wire import settle
from fixturesynth.planning.plan import Constant, Derived, Key, Modelled, Reference, Rule, TablePlan
from fixturesynth.randomness import hashed
from fixturesynth.schema.model import Column, ColumnType, Table
from fixturesynth.synthesizer import Synthesizer
from pytest_fixturesynth.checking import broken, named_checks, unread_columns

__all__ = ["edges_of", "with_edges"]

Mask = npt.NDArray[np.bool_]

SHARE = 4  # one value in so many
LONGEST = 2_000  # characters where a text has no limit

TEXTS = (
    "", " ", "'", '"', "\\", "%", "_", "null", "NULL", "None", "0", "-1", "1e309", "true",
    "<script>alert(1)</script>", "'; DROP TABLE x; --", "{{7*7}}", "../../etc/passwd", "a\tb", "a\nb", "a\r\nb",
    "Zoë", "O'Brien", "straße", "İstanbul", "ﬁ", "Ω≈ç√", "日本語", "עברית", "مرحبا", "नमस्ते",
    "👩‍👩‍👧‍👦", "🇩🇪", "e\u0301",
    "\u200b", "\u202etxt.exe", "\ufeff", "\u00a0", "𝒜𝓃𝓃", "Z̷̢a̵l̶g̵o̷",
)  # fmt: skip
DATES = (
    date(2024, 2, 29), date(2000, 2, 29), date(1970, 1, 1), date(1969, 12, 31), date(1999, 12, 31), date(2038, 1, 19),
    date(2100, 2, 28), date(1900, 3, 1), date(2024, 12, 30), date(9999, 12, 31),
)  # fmt: skip
CLOCKS = (
    datetime(2024, 2, 29, 23, 59, 59, 999_999), datetime(2000, 1, 1), datetime(1970, 1, 1),
    datetime(1969, 12, 31, 23, 59, 59), datetime(2024, 3, 31, 2, 30), datetime(2024, 10, 27, 2, 30),
    datetime(2024, 3, 10, 2, 30), datetime(2024, 11, 3, 1, 30), datetime(2038, 1, 19, 3, 14, 7),
    datetime(2024, 12, 31, 23, 59, 59), datetime(2016, 12, 31, 23, 59, 59), datetime(9999, 12, 31, 12, 0),
)  # fmt: skip
ZONES = (UTC, timezone(timedelta(hours=14)), timezone(timedelta(hours=-12)), timezone(timedelta(hours=5.75)))


def _texts(kind: ColumnType) -> list[Any]:
    longest = min(kind.length or LONGEST, 65_536)
    values = [t for t in TEXTS if len(t) <= longest]
    values += ["x" * longest, ("é" * longest)[:longest], ("🦆" * longest)[:longest]]
    # Blanks at the end of CHAR(n) do not come back from every database.
    return [t for t in values if not kind.fixed or t == t.rstrip(" ")]


def _integers(kind: ColumnType) -> list[Any]:
    low, high = kind.integer_range
    low, high = max(low, -(2**63)), min(high, 2**63 - 1)
    return [v for v in (0, 1, -1, low, high, low + 1, high - 1, 2**31 - 1, 2**31, 2**53 + 1) if low <= v <= high]


def _decimals(kind: ColumnType) -> list[Any]:
    precision, scale = min(kind.precision or 18, 38), kind.scale or 0
    most = Decimal(10**precision - 1).scaleb(-scale)
    return [Decimal(0).scaleb(-scale), most, -most, Decimal(1).scaleb(-scale), -Decimal(1).scaleb(-scale)]


def _floats(kind: ColumnType) -> list[Any]:
    most = (
        3.0e38 if (kind.precision is not None and kind.precision <= 24) or kind.name in ("real", "float4") else 1.7e308
    )
    return [0.0, -0.0, 1e-30, 0.1 + 0.2, most, -most]


def _moments(kind: ColumnType) -> list[Any]:
    if not kind.timezone:
        return list(CLOCKS)
    return [c.replace(tzinfo=ZONES[i % len(ZONES)]).astimezone(UTC) for i, c in enumerate(CLOCKS[:-1])]


def _times(kind: ColumnType) -> list[Any]:
    return [time(0, 0), time(23, 59, 59), time(12, 0), time(2, 30)]


_EDGES: Mapping[str, Callable[[ColumnType], list[Any]]] = {
    "text": _texts,
    "integer": _integers,
    "decimal": _decimals,
    "float": _floats,
    "date": lambda kind: list(DATES),
    "timestamp": _moments,
    "time": _times,
}


def edges_of(kind: ColumnType, dialect: str) -> list[Any]:
    """Boundary values of a type; empty where it has none (booleans, enums, UUIDs).

    >>> edges_of(ColumnType("integer", "smallint", bits=16), "postgresql")[:5]
    [0, 1, -1, -32768, 32767]
    """
    values = _EDGES[kind.kind](kind) if kind.kind in _EDGES and not kind.domain else []
    if dialect == "mysql" and kind.kind == "timestamp":  # TIMESTAMP ends in 2038 and begins in 1970
        values = [v for v in values if 1971 <= v.year <= 2037 and v.month not in (3, 10, 11)]
    if dialect == "mysql" and kind.kind in ("float", "text"):
        values = [v for v in values if v != v or not isinstance(v, float) or abs(v) < 1e38]
    return values


def with_edges(made: Synthesizer, data: Dataset) -> Dataset:
    """A quarter of the values of plain columns at the boundaries of what type and checks allow.

    Keys, references, unique columns and what follows from others stay. A row that a boundary value would bring in
    conflict with a check keeps its own values in the columns of that check.
    """
    changed = {
        plan.name: _edged(made, plan, made.schema[plan.name], data.arrow(plan.name))
        for plan in made.plan.shown
        if plan.mode == "generate" and plan.rows
    }
    return data.replace(**changed)


def _edged(made: Synthesizer, plan: TablePlan, table: Table, rows: pa.Table) -> pa.Table:
    out = rows
    dialect, count = made.schema.dialect, rows.num_rows
    touched: set[str] = set()
    unread = unread_columns(table, rows, dialect)
    for column in table.columns:
        if column.name not in rows.column_names or column.name in unread or not _is_free(made, plan, table, column):
            continue
        values = edges_of(column.type, dialect)
        kind = rows.column(column.name).type
        if not values or pa.types.is_dictionary(kind):
            continue
        words = hashed(np.arange(count), made.seed, table.name, column.name, "edges")
        chosen = (words >> np.uint64(32)) % np.uint64(SHARE) == 0
        # Every boundary once before any comes twice.
        places = (np.cumsum(chosen) - 1 + int(words[0] % np.uint64(len(values)))) % len(values)
        edges = pa.array(values).cast(kind).take(pa.array(places))
        mixed = pc.if_else(pa.array(chosen), edges, rows.column(column.name).combine_chunks())
        out = _put(out, column.name, mixed)
        touched.add(column.name)
    for _ in range(2):
        for _, text, bad in list(broken(table, out, dialect, made.plan.now, of=frozenset(touched))):
            out = _taken_back(table, out, rows, text, bad, touched)
    left = np.zeros(count, dtype=bool)
    for _, _, bad in broken(table, out, dialect, made.plan.now, of=frozenset(touched)):
        left |= bad
    for name in touched if left.any() else ():
        out = _put(out, name, pc.if_else(pa.array(left), rows.column(name).combine_chunks(), _whole(out, name)))
    for name in touched:
        settle(out.column(name), table.column(name), table.name)  # LoadError where a value does not fit after all
    return out


def _taken_back(table: Table, out: pa.Table, rows: pa.Table, text: str, bad: Mask, touched: set[str]) -> pa.Table:
    for name in sorted(touched & {c for n, t, cs in named_checks(table) if t == text for c in cs}):
        out = _put(out, name, pc.if_else(pa.array(bad), rows.column(name).combine_chunks(), _whole(out, name)))
    return out


def _whole(rows: pa.Table, name: str) -> pa.Array:
    return rows.column(name).combine_chunks()


def _put(rows: pa.Table, name: str, values: pa.Array) -> pa.Table:
    return rows.set_column(rows.column_names.index(name), name, values)


def _is_free(made: Synthesizer, plan: TablePlan, table: Table, column: Column) -> bool:
    """Whether nothing else hangs on the column's value."""
    name = column.name
    try:
        source = plan.column(name).source
    except KeyError:
        return False
    if isinstance(source, Key | Reference | Derived | Constant) or not isinstance(source, Rule | Modelled):
        return False
    unique = any(name in u.columns for u in table.uniques) or any(name in u.columns for u in plan.uniques)
    unique |= any(e for u in table.uniques for e in u.expressions if name in e)
    unique |= any(name in (u.predicate or "") for u in table.uniques)
    in_keys = any(name in key for key in table.keys) or any(name in fk.columns for fk in table.foreign_keys)
    placed = any(name in e.text for e in table.exclusions) or name in made.schema.referenced_columns(table.name)
    ordered = any(name in pair[:2] for pair in plan.orders) or any(name == p[2] for p in plan.parent_orders)
    generated = any(c.generated is not None and name in c.generated.expression for c in table.columns)
    return not (unique or in_keys or placed or ordered or generated)
