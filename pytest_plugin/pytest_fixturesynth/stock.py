"""Rows of a table and of all that it references, sampled ahead in blocks, from which factories take one by one.

Every row of a block comes with a family of its own: rows of its parents, and of theirs, that no other row of the table
has. Ranks go on behind those of the rows that the database was filled with, so keys and unique values are new. A block
depends on plan, seed and number alone, never on which test asks first.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from functools import cached_property
from typing import Any
from uuid import UUID

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from fixturesynth.dataset import Dataset
from fixturesynth.errors import CapacityError, UnsatisfiableError
from fixturesynth.generators.keys import locate
from fixturesynth.planning.plan import Key, Plan, Rule, TablePlan
from fixturesynth.planning.planner import make_plan
from fixturesynth.planning.rows import RowsAsked
from fixturesynth.profiling.entities import gather
from fixturesynth.sampling.engine import Given, sample_dataset
from fixturesynth.schema.graph import build_graph
from fixturesynth.schema.model import ForeignKey, Schema, Table
from fixturesynth.schema.repeated import owner_of
from fixturesynth.synthesizer import Synthesizer
from pytest_fixturesynth.checking import broken
from pytest_fixturesynth.filling import SIZE, constant_columns, is_unique, kept_model, kept_plan, room

__all__ = ["Lot", "Shelf", "Stock", "plain_of", "repeated", "signature"]

Mask = npt.NDArray[np.bool_]
Integers = npt.NDArray[np.int64]

ONE_EACH = ((1, 1),)  # one child for each parent


@dataclass
class Shelf:
    """One table of a lot. ``first``: rank of its first row. ``there``: its rows are in the database already.

    ``parents``: row of the parent's shelf by foreign key, shape (rows,), -1 for none. ``usable``: rows that are like no
    row that is there.
    """

    table: Table
    plan: TablePlan
    rows: pa.Table
    first: int
    there: bool
    parents: Mapping[str, list[int]]
    usable: Mask

    @cached_property
    def columns(self) -> dict[str, list[Any]]:
        """Python values by column."""
        return {name: self.rows.column(name).to_pylist() for name in self.rows.column_names}

    def row(self, place: int) -> dict[str, Any]:
        return {name: values[place] for name, values in self.columns.items()}


@dataclass
class Lot:
    """A block of rows of ``table``, with their families. ``shelves`` by table."""

    table: str
    shelves: Mapping[str, Shelf]
    passing: dict[object, list[int]] = field(default_factory=dict)  # places by what was overridden

    @property
    def shelf(self) -> Shelf:
        return self.shelves[self.table]

    def places(
        self, values: Mapping[str, Any], of: frozenset[str], dialect: str, now: str, like: Mapping[str, Any]
    ) -> list[int]:
        """Places of usable rows that pass every check on columns ``of`` when they take ``values``, ascending.

        ``like``: values that the rows must have by themselves.
        """
        key = (signature(values), of, signature(like))
        if key not in self.passing:
            good = self.shelf.usable.copy()
            for name, value in like.items():
                column = self.shelf.rows.column(name)
                good &= np.asarray(pa.compute.equal(column, scalar_of(value, column.type)).fill_null(False))
            for _, _, bad in broken(self.shelf.table, self.with_values(values), dialect, now, of=of):
                good &= ~bad
            self.passing[key] = np.flatnonzero(good).tolist()
        return self.passing[key]

    def row_of(self, values: Mapping[str, Any]) -> pa.Table:
        """One row, in the types of the block."""
        rows = self.shelf.rows
        kinds = zip(rows.column_names, rows.schema.types, strict=True)
        return pa.table({name: repeated(values.get(name), 1, kind) for name, kind in kinds})

    def with_values(self, values: Mapping[str, Any]) -> pa.Table:
        """The block's rows with ``values`` in every one."""
        out = self.shelf.rows
        for name, value in values.items():
            if name in out.column_names:
                out = out.set_column(
                    out.column_names.index(name), name, repeated(value, len(out), out.column(name).type)
                )
        return out


def signature(values: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    return tuple(sorted((name, repr(value)) for name, value in values.items()))


def repeated(value: Any, rows: int, kind: pa.DataType) -> pa.Array:
    """``value`` in ``rows`` rows, as ``kind`` where it fits."""
    if value is None:
        return pa.nulls(rows, kind)
    return pa.repeat(scalar_of(value, kind), rows)


def plain_of(value: Any) -> Any:
    """A value as rows hold it: enums by name, UUIDs and JSON as text."""
    if isinstance(value, Enum):
        return value.name
    if isinstance(value, UUID):
        return str(value)
    return json.dumps(value, default=str) if isinstance(value, dict) else value


def scalar_of(value: Any, kind: pa.DataType) -> pa.Scalar:
    plain = plain_of(value)
    if pa.types.is_string(kind) and isinstance(plain, list):
        plain = json.dumps(plain, default=str)
    try:
        return pa.scalar(plain, kind)
    except (pa.ArrowInvalid, pa.ArrowTypeError):
        return pa.scalar(plain).cast(kind)


class Stock:
    """Lots of a database's tables, made when a factory first needs them and kept for the whole run.

    ``data``: the rows that the database was filled with; asked for when they are needed. ``dialect``: the database's,
    which is not always that of the schema.
    """

    def __init__(self, made: Synthesizer, data: Callable[[], Dataset], dialect: str) -> None:
        self.made = made
        self.data = data
        self.dialect = dialect
        self.lots: dict[object, Lot] = {}

    @property
    def schema(self) -> Schema:
        return self.made.schema

    @cached_property
    def circular(self) -> frozenset[tuple[str, str]]:
        """(table, foreign key) of references between tables that reference each other in a circle."""
        within = {name: number for number, group in enumerate(build_graph(self.schema).components) for name in group}
        return frozenset(
            (t.name, fk.name)
            for t in self.schema
            for fk in t.foreign_keys
            if fk.parent != t.name and t.name in within and within[t.name] == within.get(fk.parent)
        )

    def row_there(self, table: str, word: int) -> dict[str, Any]:
        """One of the rows that the database was filled with."""
        rows = self.data().arrow(table)
        if not len(rows):
            raise CapacityError(
                f"{table} has no rows, and a row of it can only be made together with others; ask for rows"
            )
        place = word % len(rows)
        return {name: rows.column(name)[place].as_py() for name in rows.column_names}

    def lot(self, table: str, number: int, given: Mapping[str, Any]) -> Lot:
        """Block ``number`` of a table, planned for rows with the values ``given``.

        CapacityError when keys or unique columns have no values left.
        """
        key = (table, number, signature(given))
        if key not in self.lots:
            self.lots[key] = self._made(table, number, given)
        return self.lots[key]

    def _made(self, table: str, number: int, given: Mapping[str, Any]) -> Lot:
        own = self.made.plan[table]
        if own.mode != "generate" or not own.rows:
            raise CapacityError(
                f"{table} gets no made-up rows: {own.why or 'none were asked'}; use the rows that are there, or "
                "ask for rows of it"
            )
        whole = self.made.whole
        names = closure(whole, table)
        schema = replace(whole, tables=tuple(t for t in whole if t.name in names))
        plan, models = self._plan(schema, table, given), dict(self.made.models)
        first = {t.name: t.rows + number * SIZE for t in self.made.plan.tables if t.name in names}
        rows = {t.name: min(SIZE, room(schema[t.name], t, plan) - first[t.name]) for t in plan.tables}
        there = {t.name for t in plan.tables if t.mode == "verbatim" or (rows[t.name] <= 0 and t.name != table)}
        if rows[table] <= 0 or table in there:
            raise CapacityError(
                f"{table}: no further rows: its keys or unique columns have no values left; ask for fewer rows in "
                "synth_rows, or use the rows that are there"
            )
        full = {name for name in there if name not in models or models[name].verbatim is None}
        if full:
            kept = {name: self._rows_there(schema[name]) for name in full}
            models |= {name: kept_model(schema, name, kept) for name in full}
            plan = replace(plan, tables=tuple(kept_plan(t, kept[t.name]) if t.name in full else t for t in plan.tables))
        data = self._sampled(schema, plan, models, first, rows, there, given, table)
        shelves = {t.name: self._shelf(schema.shown, t, data, first[t.name], t.name in there) for t in plan.shown}
        return Lot(table, shelves)

    def _rows_there(self, table: Table) -> pa.Table:
        """The table's rows in the filled database; entities as their rows repeat them."""
        if table.repeated_in is None:
            return self.data().arrow(table.name)
        return gather(table, self.data().arrow(owner_of(self.made.whole, table.name)))

    def _plan(self, schema: Schema, table: str, given: Mapping[str, Any]) -> Plan:
        """The database's own plan of the tables; where values are given, that table is planned anew for them."""
        own = self.made.plan
        tables = [t for t in own.tables if t.name in schema]
        if given and self.made.models.get(table) is None:
            wanted = constant_columns(schema, {(table, n): value for n, value in given.items()}, strict=False)
            wishes = self.made.wishes
            columns = {**wishes.columns, table: {**wishes.columns.get(table, {}), **wanted[table]}}
            counts = {t.name: t.rows for t in tables if t.name != table}
            wishes = replace(wishes, rows=RowsAsked(counts, default=SIZE), columns=columns)
            anew = make_plan(schema, profile=self.made.profile, wishes=wishes, judge=self.made.judge)[table]
            tables = [_with_unique_rules(anew, t) if t.name == table else t for t in tables]
        return replace(own, tables=tuple(tables))

    def _sampled(
        self, schema: Schema, plan: Plan, models: Mapping[str, Any], first: Mapping[str, int], rows: Mapping[str, int],
        there: set[str], given: Mapping[str, Any], table: str,
    ) -> Dataset:  # fmt: skip
        """As many rows as the sets of unique columns have room for, at most a block."""
        asked = tuple(Given(table, name, value) for name, value in given.items() if table in self.made.models)
        size = SIZE
        while True:
            sized = tuple(
                t if t.name in there else replace(t, rows=min(size, rows[t.name]), references=_one_child_each(t))
                for t in plan.tables
            )
            try:
                return sample_dataset(
                    schema, replace(plan, tables=sized), models, seed=self.made.seed, given=asked, first=first
                )
            except UnsatisfiableError:
                if size == 1:
                    raise
                size //= 4

    def _shelf(self, schema: Schema, plan: TablePlan, data: Dataset, first: int, there: bool) -> Shelf:
        table, rows = schema[plan.name], data.arrow(plan.name).combine_chunks()
        usable = np.ones(rows.num_rows, dtype=bool)
        if not there:
            usable = self._unlike_those_there(table, plan, rows)
            if plan.name not in self.made.models:
                rows = _bare(table, rows, self.schema.dialect, self.made.plan.now)
        parents = {fk.name: _ranks(rows, data.arrow(fk.parent), fk).tolist() for fk in table.foreign_keys}
        return Shelf(table, plan, rows, first, there, parents, usable)

    def _unlike_those_there(self, table: Table, plan: TablePlan, rows: pa.Table) -> Mask:
        """Rows of a block are unlike each other; here those go that are like a row of the filled database."""
        usable = np.ones(rows.num_rows, dtype=bool)
        sources = {c.name: c.source for c in plan.columns}
        entities = (e.keys[0] for e in self.made.entities if e.repeated_in == table.name)
        for key in (*table.keys, *entities):
            named = [sources.get(c) for c in key]
            if any(isinstance(s, Key | Rule) and s.call.unique for s in named):
                continue  # goes on behind those values, by rank
            if any(c in fk.columns for c in key for fk in table.foreign_keys) or not set(key) <= set(rows.column_names):
                continue
            there = self.data().arrow(table.name)
            known = set(zip(*(there.column(c).to_pylist() for c in key), strict=True))
            mine = zip(*(rows.column(c).to_pylist() for c in key), strict=True)
            usable &= np.array([value not in known for value in mine], dtype=bool)
        return usable


def closure(schema: Schema, table: str) -> frozenset[str]:
    """The table and all that it references, directly or not.

        >>> from fixturesynth.schema.graph import build_graph
    from fixturesynth.schema.model import ForeignKey, Schema, Table
        >>> a, b = Table("a", ()), Table("b", (), foreign_keys=(ForeignKey("fk", ("x",), "a", ("y",)),))
        >>> sorted(closure(Schema((a, b, Table("c", ()))), "b"))
        ['a', 'b']
    """
    found, waiting = {table}, [table]
    while waiting:
        for fk in schema[waiting.pop()].foreign_keys:
            if fk.parent not in found:
                found.add(fk.parent)
                waiting.append(fk.parent)
    return frozenset(found)


def _one_child_each(plan: TablePlan) -> tuple[Any, ...]:
    return tuple(
        replace(r, counts=ONE_EACH, asked=True) if r.how in ("context", "matched") else r for r in plan.references
    )


def _with_unique_rules(anew: TablePlan, own: TablePlan) -> TablePlan:
    """Unique columns go on by the rule that the database was filled by, whatever else is planned anew."""
    kept = {c.name: c for c in own.columns if is_unique(c)}
    columns = tuple(kept.get(c.name, c) if c.why != "given" else c for c in anew.columns)
    return replace(anew, columns=columns)


def _ranks(rows: pa.Table, parents: pa.Table, fk: ForeignKey) -> Integers:
    if not set(fk.columns) <= set(rows.column_names) or not set(fk.parent_columns) <= set(parents.column_names):
        return np.full(rows.num_rows, -1, dtype=np.int64)
    mine = [rows.column(c).combine_chunks() for c in fk.columns]
    return locate(mine, [parents.column(c).combine_chunks() for c in fk.parent_columns])


def _bare(table: Table, rows: pa.Table, dialect: str, now: str) -> pa.Table:
    """References that may be NULL are NULL wherever the checks allow it: a row has the parents that it needs."""
    out = rows
    key = set(table.primary_key.columns) if table.primary_key else set()
    optional = [fk for fk in table.foreign_keys if any(table.column(c).nullable and c not in key for c in fk.columns)]
    required = {c for fk in table.foreign_keys if fk not in optional for c in fk.columns}
    names = {
        c for fk in optional for c in fk.columns
        if table.column(c).nullable and c not in key and c not in required and c in rows.column_names
    }  # fmt: skip
    for name in sorted(names):
        out = out.set_column(out.column_names.index(name), name, pa.nulls(len(out), out.column(name).type))
    if not names:
        return rows
    wrong = np.zeros(len(rows), dtype=bool)
    for _, _, bad in broken(table, out, dialect, now, of=frozenset(names)):
        wrong |= bad
    for name in names if wrong.any() else ():
        whole = pa.compute.if_else(
            pa.array(wrong), rows.column(name).combine_chunks(), out.column(name).combine_chunks()
        )
        out = out.set_column(out.column_names.index(name), name, whole)
    return out
