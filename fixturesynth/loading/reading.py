"""Rows of a source as a Dataset, typed as the schema declares."""

from collections.abc import Callable, Iterable
from typing import Any

import pyarrow as pa
from sqlalchemy import Connection, Engine

from fixturesynth.dataset import Dataset
from fixturesynth.errors import InputError, did_you_mean
from fixturesynth.loading import fetching
from fixturesynth.loading.conversion import fit, unify
from fixturesynth.schema.connection import make_engine
from fixturesynth.schema.model import Column, Schema, Table

__all__ = ["read_rows"]

Progress = Callable[[str, int], None]


def read_rows(
    source: str | Engine,
    schema: Schema,
    *,
    tables: Iterable[str] | None = None,
    limit: int | None = None,
    seed: int = 0,
    progress: Progress | None = None,
) -> Dataset:
    """All rows of the schema's tables (or of ``tables``) as a Dataset.

    ``progress(table, rows)`` is called after each batch with the rows of this table so far.
    """
    chosen = _chosen(schema, tables)
    engine = source if isinstance(source, Engine) else make_engine(source, must_exist=True)
    with engine.connect() as connection:
        fetching.begin(connection)
        return Dataset({t.name: _read_table(connection, t, t.columns, progress) for t in chosen})


def _chosen(schema: Schema, tables: Iterable[str] | None) -> tuple[Table, ...]:
    wanted = schema.names if tables is None else tuple(dict.fromkeys(tables))
    for name in wanted:
        if name not in schema:
            raise InputError(f"no table {name!r} in the source: {did_you_mean(name, schema.names)}")
    return tuple(schema[name] for name in wanted)


def _read_table(
    connection: Connection, table: Table, columns: tuple[Column, ...], progress: Progress | None
) -> pa.Table:
    batches = []
    rows = 0
    for batch in fetching.fetch(connection, table, columns):
        batches.append(batch)
        rows += batch.num_rows
        if progress is not None:
            progress(table.name, rows)
    return _assembled(columns, batches)


def _assembled(columns: tuple[Column, ...], batches: list[Any]) -> pa.Table:
    return pa.table(
        [fit(unify([b.column(i) for b in batches]), c.type) for i, c in enumerate(columns)],
        names=[c.name for c in columns],
    )
