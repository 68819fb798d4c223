"""What a load will do, decided and checked before anything is written."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import pyarrow as pa
import pyarrow.compute as pc
import sqlalchemy as sa
from sqlalchemy import Connection, Engine

from fixturesynth.dataset import Dataset
from fixturesynth.errors import GuardError, InputError, did_you_mean
from fixturesynth.loading.destination import run
from fixturesynth.loading.dialects import Dialect
from fixturesynth.loading.loosening import kind_of_values
from fixturesynth.loading.naming import refuse_long_columns
from fixturesynth.loading.ordering import can_wait, load_order
from fixturesynth.schema.ddl import Creation, creation, table_name
from fixturesynth.schema.model import Column, Schema, Table
from fixturesynth.schema.reflection import reflect
from fixturesynth.schema.translation import is_partition, translate

__all__ = ["LoadPlan", "Mode", "arrange", "prepare", "present_tables", "without_partitions"]

Mode = Literal["create", "append", "truncate"]
ASKED_TOGETHER = 100  # tables in one question


@dataclass(frozen=True)
class LoadPlan:
    """What will be written where; ``schema`` is in the target's dialect, ``creation`` None where tables are there.

    ``together``: tables that follow each other in ``order`` and are filled by one statement.
    """

    schema: Schema
    order: tuple[str, ...]
    later: Mapping[str, Sequence[str]]
    columns: Mapping[str, tuple[Column, ...]]
    creation: Creation | None
    notes: tuple[str, ...]
    together: tuple[tuple[str, ...], ...] = ()


def prepare(
    data: Dataset,
    engine: Engine,
    dialect: Dialect,
    schema: Schema | None,
    *,
    order: Sequence[str] | None,
    later: Mapping[str, Sequence[str]] | None,
    mode: Mode,
    skip: Mapping[str, Sequence[str]],
    reflected: Schema | None = None,
) -> LoadPlan:
    """Compare the data with the target; raises InputError, GuardError or CycleError, and writes nothing.

    ``reflected``: the target's own schema, where it was read before.
    """
    _known(skip, data, "skip_columns")
    _known(later or {}, data, "later")
    present = present_tables(engine)
    missing = [name for name in data if name not in present]
    if missing and len(missing) < len(data):
        there = next(name for name in data if name in present)
        raise InputError(
            f"the target has table {there!r} but not {missing[0]!r}; use an empty database, or create all tables first"
        )
    notes: list[str] = []
    if missing:
        made = _creation(data, dialect, schema, present, notes)
        declared, found = made, made.schema
        if mode != "create":
            notes.append("the target had no tables: they were created")
    else:
        if reflected is None or any(name not in reflected for name in data):  # somebody else made them since
            reflected = reflect(engine)
        declared, found = None, reflected
        _refuse_rows(data, engine, dialect, found, mode)
    return arrange(data, found, declared, dialect, order=order, later=later, skip=skip, notes=notes)


def arrange(
    data: Dataset,
    found: Schema,
    declared: Creation | None,
    dialect: Dialect,
    *,
    order: Sequence[str] | None = None,
    later: Mapping[str, Sequence[str]] | None = None,
    skip: Mapping[str, Sequence[str]] | None = None,
    notes: Sequence[str] = (),
) -> LoadPlan:
    """In which order the tables of ``data`` go into those of ``found``, and what has to wait.

    ``declared``: what creates the tables; None where they are there.
    """
    notes, skip = list(notes), skip or {}
    columns = {name: _columns(data.arrow(name), found[name], skip.get(name, ()), notes) for name in data}
    later = _can_wait(found, later or {}, dialect)
    together: tuple[tuple[str, ...], ...] = ()
    waits = dialect.references in ("live", "deferred") or (dialect.references == "after" and declared is None)
    if dialect.name == "duckdb" and declared is not None:
        # A reference in a cycle was not declared there: the order of creation is parents first for all that were.
        ordered: tuple[str, ...] = tuple(name for name in declared.order if name in data)
        cut: Mapping[str, Sequence[str]] = {}
    elif waits:
        ordered, cut, together = load_order(
            found,
            tuple(order or data),
            deferrable=dialect.references == "after",
            strict=dialect.references != "deferred",
            together=dialect.together is not None,
            later=later,
        )
    else:
        ordered, cut = tuple(order or data), {}
    if set(ordered) != set(data):
        odd = next(iter(set(ordered) ^ set(data)))
        raise InputError(f"order must name every table of the data once: {odd!r} is in only one of them")
    for name in cut:
        if found[name].primary_key is None:
            raise InputError(f"table {name!r} has references to set afterwards but no primary key to find its rows by")
    return LoadPlan(found, ordered, cut, columns, declared, tuple(notes), together)


def without_partitions(data: Dataset, schema: Schema) -> Dataset:
    """The data without empty tables that are partitions: their rows are in the table that they are parts of."""
    parts = [n for n in data if n in schema and is_partition(schema[n], schema) and not data.arrow(n).num_rows]
    return data.select([n for n in data if n not in parts]) if parts else data


def _can_wait(found: Schema, later: Mapping[str, Sequence[str]], dialect: Dialect) -> dict[str, list[str]]:
    """Columns that can be NULL at first; the database puts off the check of the others, or the cycle is refused."""
    otherwise = dialect.together is not None or dialect.references == "deferred"

    def waits(name: str, column: str) -> bool:
        return can_wait(found[name], column) if otherwise else found[name].column(column).nullable

    chosen = {name: [c for c in columns if waits(name, c)] for name, columns in later.items()}
    return {name: columns for name, columns in chosen.items() if columns}


def _known(named: Mapping[str, Sequence[str]], data: Dataset, what: str) -> None:
    for table, columns in named.items():
        known = data.arrow(table).column_names
        for column in columns:
            if column not in known:
                raise InputError(f"{what}: no column {column!r} in table {table!r}: {did_you_mean(column, known)}")


def present_tables(engine: Engine) -> set[str]:
    """Names of the target's tables as a Schema writes them: with their schema when it is not the default one."""
    inspector = sa.inspect(engine)
    default = inspector.default_schema_name
    found = set(inspector.get_table_names())
    for schema in inspector.get_schema_names():
        if schema != default and engine.dialect.name in ("postgresql", "duckdb"):
            found |= {f"{schema.rpartition('.')[2]}.{name}" for name in inspector.get_table_names(schema=schema)}
    return found


def _creation(data: Dataset, dialect: Dialect, schema: Schema | None, present: set[str], notes: list[str]) -> Creation:
    if schema is None:
        schema = _plain_schema(data)
        notes.append("no schema was given: tables were created without keys")
    for name in data:
        if name not in schema:
            raise InputError(f"no table {name!r} in the schema to create it from: {did_you_mean(name, schema.names)}")
    schema = replace(schema, tables=tuple(t for t in schema if t.name not in present))
    refuse_long_columns(schema, dialect.name)
    lengths = (
        {
            (name, column): longest
            for name in data
            for column in data.arrow(name).column_names
            if (longest := _longest(data.arrow(name).column(column)))
        }
        if dialect.name == "mysql"
        else {}
    )
    made = creation(translate(schema, dialect.name, text_lengths=lengths), keys_last=dialect.references == "after")
    notes += made.notes
    for name in data:
        if name not in made.schema:
            raise InputError(f"table {name!r} is a partition: its rows belong in {schema[name].partition_of!r}")
    return made


def _longest(values: pa.ChunkedArray) -> int:
    if not pa.types.is_string(values.type):
        return 0
    return pc.max(pc.utf8_length(values)).as_py() or 0


def _plain_schema(data: Dataset) -> Schema:
    tables = []
    for name in data:
        fields = data.arrow(name).schema
        tables.append(Table(name, tuple(Column(f.name, kind_of_values(f.type)) for f in fields)))
    return Schema(tuple(tables))


def _refuse_rows(data: Dataset, engine: Engine, dialect: Dialect, found: Schema, mode: Mode) -> None:
    """GuardError for tables with rows, and for rows elsewhere that reference what is to be emptied."""
    if mode == "append":
        return
    with engine.connect() as connection:
        for table in _filled([found[name] for name in data], connection, dialect) if mode == "create" else ():
            if rows := _count(connection, table, dialect):
                raise GuardError(
                    f"table {table.name!r} of the target has {rows:,} row{'s' * (rows > 1)}; add to them with --append "
                    "(mode='append') or empty the tables first with --truncate (mode='truncate')"
                )
        others = [t for t in found if t.name not in data and {fk.parent for fk in t.foreign_keys} & set(data)]
        for table in _filled(others, connection, dialect) if mode == "truncate" else ():
            parents = sorted({fk.parent for fk in table.foreign_keys} & set(data))
            if rows := _count(connection, table, dialect):
                raise GuardError(
                    f"table {table.name!r} is not in the data but has {rows:,} row{'s' * (rows > 1)} and references "
                    f"{parents[0]!r}, which is to be emptied; include it, or empty it yourself"
                )


def _filled(tables: Sequence[Table], connection: Connection, dialect: Dialect) -> Iterator[Table]:
    """Those of the tables that have rows, by a question for a hundred at once; all where a dialect cannot be asked."""
    for start in range(0, len(tables), ASKED_TOGETHER):
        some = tables[start : start + ASKED_TOGETHER]
        answers: Sequence[Any] = [True] * len(some)
        if dialect.asks_together:
            questions = ", ".join(f"EXISTS (SELECT 1 FROM {table_name(t, dialect.name)})" for t in some)
            answers = run(connection, f"SELECT {questions}").one()
        yield from (table for table, answer in zip(some, answers, strict=True) if answer)


def _count(connection: Connection, table: Table, dialect: Dialect) -> int:
    return int(run(connection, f"SELECT count(*) FROM {table_name(table, dialect.name)}").scalar() or 0)


def _columns(rows: pa.Table, table: Table, skip: Sequence[str], notes: list[str]) -> tuple[Column, ...]:
    """The table's columns to write, in the data's order; InputError when data and table do not match."""
    for name in rows.column_names:
        if name not in table:
            raise InputError(
                f"table {table.name!r} of the target has no column {name!r}: {did_you_mean(name, table.column_names)}"
            )
    chosen = tuple(
        table.column(name) for name in rows.column_names if name not in skip and table.column(name).generated is None
    )
    given = {c.name for c in chosen}
    for column in table.columns:
        by_itself = (
            column.nullable or column.default is not None or column.generated or column.identity or column.autoincrement
        )
        if column.name not in given and not by_itself:
            raise InputError(
                f"column {column.name!r} of table {table.name!r} needs a value and the data has none for it"
            )
    if not chosen and rows.num_rows:
        raise InputError(f"table {table.name!r}: the data has no column to write")
    return chosen
