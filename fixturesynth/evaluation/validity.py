"""Validity: every rule that the schema declares, counted over all synthetic rows and over the real ones."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from fixturesynth.evaluation.comparison import Comparison, Side
from fixturesynth.evaluation.record import Measure, ValidityRecord
from fixturesynth.profiling.columnar import TableView, joint_codes, locate_parents
from fixturesynth.schema.model import Column, ForeignKey, Schema, Table
from fixturesynth.schema.predicates import NotUnderstood, evaluate

__all__ = [
    "check_validity",
    "measure_checks",
    "measure_keys",
    "measure_not_nulls",
    "measure_references",
    "measure_types",
    "measure_uniques",
]

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


def check_validity(comparison: Comparison) -> tuple[ValidityRecord, ...]:
    """One record for each rule: references, keys, unique sets (partial ones too), not null, checks, types and lengths.

    What cannot be checked here (expressions in a unique index, exclusion constraints, functions that are not
    understood) is listed with ``broken`` None and the reason.
    """

    def make() -> tuple[ValidityRecord, ...]:
        records = []
        sides: tuple[Side, ...] = ("synthetic", "real")
        for name in comparison.tables:
            rows = {
                side: _Rows(comparison.schema, comparison.schema[name], comparison.data[side].arrow(name),
                            comparison.views[side][name], comparison.views[side])
                for side in sides
            }  # fmt: skip
            for rule, what, check in _rules(rows["synthetic"]):
                records.append(_checked(name, rule, what, check, rows))
        return tuple(records)

    return comparison.once("validity", make)


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


def measure_references(comparison: Comparison) -> Iterator[Measure]:
    """Orphans: share of rows of which every complete reference finds its parent (all of it, with MATCH FULL).

    Range 0 to 1, higher is better; below 1 the database would have refused. Source: the schema's foreign keys.
    """
    return _kept(comparison, ("reference",))


def measure_keys(comparison: Comparison) -> Iterator[Measure]:
    """Duplicate keys: share of rows whose primary key is set and no other row's before them.

    Range 0 to 1, higher is better; below 1 the database would have refused. Source: the schema's primary keys.
    """
    return _kept(comparison, ("key",))


def measure_uniques(comparison: Comparison) -> Iterator[Measure]:
    """Unique sets: share of rows that repeat no row before them in a unique set, partial ones where they apply.

    Range 0 to 1, higher is better; below 1 the database would have refused. Source: unique constraints and indexes.
    """
    return _kept(comparison, ("unique",))


def measure_checks(comparison: Comparison) -> Iterator[Measure]:
    """Checks: share of rows that break no check of the table, of a domain, or exclusion that can be judged here.

    Range 0 to 1, higher is better; below 1 the database would have refused. Source: the schema's checks.
    """
    return _kept(comparison, ("check", "domain", "exclusion"))


def measure_not_nulls(comparison: Comparison) -> Iterator[Measure]:
    """Not null: share of rows without a NULL in a column that must have none.

    Range 0 to 1, higher is better; below 1 the database would have refused. Source: the schema's columns.
    """
    return _kept(comparison, ("not null",))


def measure_types(comparison: Comparison) -> Iterator[Measure]:
    """Types: share of rows whose values fit their types: range of numbers, length of texts, values of enums.

    Range 0 to 1, higher is better; below 1 the database would have refused. Source: the schema's types.
    """
    return _kept(comparison, ("type", "length", "enum"))


def _kept(comparison: Comparison, rules: tuple[str, ...]) -> Iterator[Measure]:
    """For each table with such rules 1 minus the broken ones over the rows, not below 0. All rows are looked at."""
    records = [r for r in check_validity(comparison) if r.rule in rules]
    for name in comparison.tables:
        own = [r for r in records if r.table == name]
        if not own:
            continue
        rows, real_rows = (comparison.rows(side, name) for side in ("synthetic", "real"))
        broken, real_broken = sum(r.broken or 0 for r in own), sum(r.real_broken or 0 for r in own)
        detail = {
            "broken": broken,
            "rules": len(own),
            "not_checked": sum(r.broken is None for r in own),
            "real": 1.0 - min(1.0, real_broken / real_rows) if real_rows else None,
        }
        unknown = all(r.broken is None for r in own)
        score = None if unknown else 1.0 - min(1.0, broken / rows) if rows else 1.0
        note = "cannot be checked here" if unknown else ""
        yield Measure(name, score, detail=detail, note=note, interval=None if score is None else (score, score))


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
