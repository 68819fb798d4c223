"""Validity: every rule that the schema declares, counted over all synthetic rows and over the real ones."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from fixturesynth.dataset import Dataset
from fixturesynth.evaluation.comparison import Comparison, Side
from fixturesynth.evaluation.record import Measure, ValidityRecord
from fixturesynth.profiling.columnar import TableView, joint_codes, locate_parents
from fixturesynth.schema.model import Column, ForeignKey, Schema, Table
from fixturesynth.schema.predicates import NotUnderstood, evaluate

__all__ = ["check_validity", "measure_validity"]

Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class _Rows:
    """The rows of one table on one side."""

    schema: Schema
    table: Table
    arrow: pa.Table
    view: TableView
    views: Mapping[str, TableView]

    def column(self, name: str) -> pa.ChunkedArray:
        return self.arrow.column(name)


# A rule gives the rows that break it, or raises NotUnderstood with the reason why it cannot be checked here.
Rule = tuple[str, str, Callable[[_Rows], Flags]]


def check_validity(comparison: Comparison, real: Dataset, synthetic: Dataset) -> tuple[ValidityRecord, ...]:
    """One record for each rule: references, keys, unique sets (partial ones too), not null, checks, types and lengths.

    What cannot be checked here (expressions in a unique index, exclusion constraints, functions that are not
    understood) is listed with ``broken`` None and the reason.
    """
    records = []
    for name in comparison.tables:
        sides: list[tuple[Side, Dataset]] = [("synthetic", synthetic), ("real", real)]
        rows = {
            side: _Rows(comparison.schema, comparison.schema[name], data.arrow(name), comparison.views[side][name],
                        comparison.views[side])
            for side, data in sides
        }  # fmt: skip
        for rule, what, check in _rules(rows["synthetic"]):
            records.append(_checked(name, rule, what, check, rows))
    return tuple(records)


def _checked(
    table: str, rule: str, what: str, check: Callable[[_Rows], Flags], rows: Mapping[Side, _Rows]
) -> ValidityRecord:
    counted: dict[Side, int | None] = {}
    first: tuple[int, ...] = ()
    note = ""
    for side, of in rows.items():
        try:
            broken = check(of)
        except (NotUnderstood, pa.ArrowException) as error:
            counted[side] = None
            note = note or str(error).splitlines()[0]
            continue
        counted[side] = int(np.count_nonzero(broken))
        if side == "synthetic":
            first = tuple(np.flatnonzero(broken)[:3].tolist())
    return ValidityRecord(
        table, rule, what, rows["synthetic"].view.rows, counted["synthetic"], counted["real"], first,
        note if counted["synthetic"] is None else "",
    )  # fmt: skip


def measure_validity(comparison: Comparison, records: tuple[ValidityRecord, ...]) -> Iterator[Measure]:
    """Validity: for each table, the share of its rows that no rule of the schema is broken by, at least.

    1 minus the broken rules over the rows, not below 0. Range 0 to 1, higher is better; anything below 1 would have
    been refused by the database. Source: the schema itself.
    """
    for name in comparison.tables:
        own = [r for r in records if r.table == name]
        rows = comparison.rows("synthetic", name)
        broken = sum(r.broken or 0 for r in own)
        real_broken, real_rows = sum(r.real_broken or 0 for r in own), comparison.rows("real", name)
        detail = {
            "broken": broken,
            "rules": len(own),
            "not_checked": sum(r.broken is None for r in own),
            "real": 1.0 - min(1.0, real_broken / real_rows) if real_rows else None,
        }
        yield Measure(name, 1.0 - min(1.0, broken / rows) if rows else 1.0, detail=detail)


def _rules(rows: _Rows) -> Iterator[Rule]:
    table, have = rows.table, set(rows.view.columns)
    for fk in table.foreign_keys:
        if fk.parent in rows.views and have >= set(fk.columns):
            yield "reference", fk.name, lambda r, fk=fk: _orphans(r, fk)  # type: ignore[misc]
    if table.primary_key and have >= set(table.primary_key.columns):
        key = table.primary_key.columns
        yield "key", ", ".join(key), lambda r, key=key: _duplicates(r, key) | _missing(r, key)  # type: ignore[misc]
    for unique in table.uniques:
        label = unique.name or ", ".join(unique.columns)
        if unique.expressions:
            why = f"unique over an expression: {', '.join(unique.expressions)}"
            yield "unique", label, lambda r, why=why: _refuse(why)  # type: ignore[misc]
        elif unique.columns and have >= set(unique.columns):
            yield (
                "unique", label,
                lambda r, u=unique: _duplicates(r, u.columns, u.predicate, u.nulls_distinct),  # type: ignore[misc]
            )  # fmt: skip
    for column in table.columns:
        if column.name in have:
            yield from _column_rules(table, column)
    for check in table.checks:
        yield "check", check.name, lambda r, text=check.text: ~evaluate(text, r.arrow, r.schema.dialect)  # type: ignore[misc]
    for exclusion in table.exclusions:
        yield "exclusion", exclusion.name, lambda r: _refuse("exclusion constraints are judged by the database alone")


def _refuse(why: str) -> Flags:
    raise NotUnderstood(why)


def _orphans(rows: _Rows, fk: ForeignKey) -> Flags:
    """References that are complete and find no parent; with MATCH FULL, also those that are NULL in part."""
    at, missing = locate_parents(rows.view, fk, rows.views[fk.parent])
    broken: Flags = (at < 0) & ~missing
    if fk.match == "FULL" and len(fk.columns) > 1:
        valid = np.stack([rows.view[c].valid for c in fk.columns])
        broken |= valid.any(axis=0) & ~valid.all(axis=0)
    return broken


def _missing(rows: _Rows, columns: tuple[str, ...]) -> Flags:
    # SQLite lets a primary key that is no integer be NULL unless it is declared otherwise.
    held = [c for c in columns if rows.schema.dialect != "sqlite" or not rows.table.column(c).nullable]
    found = np.zeros(rows.view.rows, dtype=bool)
    for c in held:
        found |= ~rows.view[c].valid
    return found


def _duplicates(
    rows: _Rows, columns: tuple[str, ...], predicate: str | None = None, nulls_distinct: bool = True
) -> Flags:
    """Rows after the first of their kind among those that the predicate is true for."""
    view = rows.view
    if any(view[c].values is None for c in columns):
        return _refuse("nested values are not compared")
    inside = np.ones(view.rows, dtype=bool)
    if predicate is not None:
        # A row is in the index when the predicate is true; ``evaluate`` lets NULL pass, so its negation is asked.
        inside = ~evaluate(f"NOT ({predicate})", rows.arrow, rows.schema.dialect)
    if nulls_distinct:
        for c in columns:
            inside &= view[c].valid
    at = np.flatnonzero(inside)
    broken = np.zeros(view.rows, dtype=bool)
    if at.size:
        codes = joint_codes([(view[c].dense[at], view[c].distinct + 1) for c in columns])[0]
        again = np.ones(at.size, dtype=bool)
        again[np.unique(codes, return_index=True)[1]] = False
        broken[at[again]] = True
    return broken


def _column_rules(table: Table, column: Column) -> Iterator[Rule]:
    name = column.name
    if not column.nullable:
        yield "not null", name, lambda r: ~r.view[name].valid
    for text in column.domain_checks:
        # In a domain's check VALUE stands for the column: a table with such a column answers it.
        yield (
            "domain", name,
            lambda r, text=text: ~evaluate(text, pa.table({"VALUE": r.column(name)}), r.schema.dialect),  # type: ignore[misc]
        )  # fmt: skip
    kind = column.type
    if kind.kind == "integer" and kind.bits:
        low, high = kind.integer_range
        yield "type", f"{name} {kind.name}", lambda r: _outside(r, name, low, high)
    if kind.kind == "text" and kind.length:
        yield "length", f"{name} {kind.name}", lambda r, most=kind.length: _longer(r, name, most)  # type: ignore[misc]
    if kind.kind == "enum" and kind.values:
        yield "enum", name, lambda r: _not_among(r, name, kind.values)
    if kind.kind == "decimal" and kind.precision:
        most = 10.0 ** (kind.precision - (kind.scale or 0))
        yield "type", f"{name} {kind.name}", lambda r: _outside(r, name, -most, most, inclusive=False)


def _outside(rows: _Rows, name: str, low: float, high: float, inclusive: bool = True) -> Flags:
    view = rows.view[name]
    if rows.schema.dialect == "sqlite":
        return np.zeros(rows.view.rows, dtype=bool)  # its integers have 64 bits, whatever they are called
    if view.family != "number":
        return np.asarray(view.valid, dtype=bool)
    numbers = view.numbers
    with np.errstate(invalid="ignore"):
        beyond = (numbers < low) | (numbers > high) if inclusive else (numbers <= low) | (numbers >= high)
    return np.asarray(beyond, dtype=bool)


def _longer(rows: _Rows, name: str, most: int) -> Flags:
    if rows.schema.dialect == "sqlite" or rows.view[name].family not in ("text", "datetime", "time"):
        return np.zeros(rows.view.rows, dtype=bool)
    column = rows.column(name)
    if not (pa.types.is_string(column.type) or pa.types.is_large_string(column.type)):
        return np.zeros(rows.view.rows, dtype=bool)
    lengths = pc.fill_null(pc.utf8_length(column), 0).to_numpy()
    return np.asarray(lengths > most, dtype=bool)


def _not_among(rows: _Rows, name: str, values: tuple[str, ...]) -> Flags:
    view = rows.view[name]
    if view.values is None:
        return _refuse("nested values are not compared")
    allowed = set(values)
    wrong = np.asarray([str(v) not in allowed for v in view.values.to_pylist()] + [False], dtype=bool)
    return np.asarray(wrong[view.codes], dtype=bool)
