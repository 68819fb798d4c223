"""Rows of a source as a Dataset, typed as the schema declares."""

import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import sqlalchemy as sa
from sqlalchemy import Connection, Engine

from fixturesynth.dataset import Dataset
from fixturesynth.errors import InputError, SourceError, did_you_mean
from fixturesynth.loading import fetching
from fixturesynth.loading.closure import closed_sample, identity, key_columns, rows_among
from fixturesynth.loading.conversion import as_documents, fit, infer_text, normal_documents, plain, unify
from fixturesynth.loading.folders import read_folder
from fixturesynth.loading.inference import infer_schema
from fixturesynth.schema.connection import make_engine, one_line
from fixturesynth.schema.model import Column, Schema, Table

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["connected", "infer_schema", "read_columns", "read_rows"]

Progress = Callable[[str, int], None]


def read_rows(
    source: "str | Path | Engine | Dataset | Mapping[str, pd.DataFrame]",
    schema: Schema | None = None,
    *,
    tables: Iterable[str] | None = None,
    limit: int | None = None,
    seed: int = 0,
    progress: Progress | None = None,
) -> Dataset:
    """Rows of the schema's tables as a Dataset, each column in ``dataset.arrow_type`` of its declared type.

    Args:
        source: a database (URL, Engine or file), a folder of Parquet, CSV or TSV files (one for each table), a Dataset,
            or pandas frames by name.
        schema: what the source declares. A folder and frames may come without one: then types are inferred (numbers
            with leading zeros stay texts, ISO dates become dates, an empty cell is null and a quoted empty one is not).
        tables: only these.
        limit: a table with more rows is sampled, so that every reference still finds its row: see ``loading.closure``.
            Parents of picked rows come on top.
        seed: of that sample.
        progress: called with a table's name and its rows so far, after each batch.

    A column whose values do not fit its declared type (SQLite enforces none) comes in a type that holds them all:
    nothing is lost or changed. Texts that are not UTF-8 come as binary, with a warning.

    Raises:
        SourceError: the source cannot be read, or lacks a table or column of the schema.
        InputError: an unknown name in ``tables``, or a limit below 1.
    """
    if limit is not None and limit < 1:
        raise InputError(f"limit must be at least 1, however: {limit=}")
    held = _held(source)
    if held is not None:
        return _from_memory(held, schema, tables, limit, seed, progress)
    if schema is None:
        raise InputError("rows of a database need its schema: pass the result of fixturesynth.reflect(source)")
    chosen = _chosen(schema, tables)
    with connected(source) as connection:  # type: ignore[arg-type]
        chosen = _located(connection, chosen)
        if limit is not None:
            return _sampled(connection, schema, chosen, limit, seed, progress)
        return Dataset({t.name: _read_table(connection, t, t.columns, progress) for t in chosen})


def _held(source: object) -> dict[str, pa.Table] | None:
    """Tables of a source that is no database."""
    if isinstance(source, (str, Path)) and "://" not in str(source) and Path(source).is_dir():
        return read_folder(Path(source))
    if isinstance(source, Dataset):
        return {name: source.arrow(name) for name in source}
    if isinstance(source, Mapping):
        frames = Dataset.from_frames(source)
        return {name: frames.arrow(name) for name in frames}
    return None


def _from_memory(
    held: dict[str, pa.Table],
    schema: Schema | None,
    tables: Iterable[str] | None,
    limit: int | None,
    seed: int,
    progress: Progress | None,
) -> Dataset:
    if schema is None:
        typed = Dataset({name: _inferred(table) for name, table in held.items()})
        schema = infer_schema(typed)
        chosen = _chosen(schema, tables)
        found = {t.name: typed.arrow(t.name) for t in chosen}
    else:
        chosen = _chosen(schema, tables)
        found = {t.name: _declared(held, t) for t in chosen}
    if limit is not None and any(t.num_rows > limit for t in found.values()):
        picked = closed_sample(found, _restricted(schema, chosen), limit, seed)
        found = {name: table.filter(pa.array(picked[name])) for name, table in found.items()}
    for name, table in found.items():
        if progress is not None:
            progress(name, table.num_rows)
    return Dataset(found)


def _inferred(table: pa.Table) -> pa.Table:
    plain_ones = (as_documents(plain(c)) for c in table.columns)
    columns = [infer_text(c) if pa.types.is_string(c.type) else c for c in plain_ones]
    return pa.table(columns, names=table.column_names)


def _declared(held: Mapping[str, pa.Table], table: Table) -> pa.Table:
    if table.name not in held:
        raise SourceError(f"no rows for table {table.name!r}: {did_you_mean(table.name, held)}")
    rows = held[table.name]
    # Files that we wrote lack what the database computes by itself, and what is of a type that nobody knows here.
    unwritten = (c for c in table.columns if c.generated is not None or (c.type.kind == "other" and c.nullable))
    gone = {c.name for c in unwritten} - set(rows.column_names)
    wanted = [c for c in table.columns if c.name not in gone]
    for column in wanted:
        if column.name not in rows.column_names:
            near = did_you_mean(column.name, rows.column_names)
            raise SourceError(f"no column {column.name!r} in the rows of table {table.name!r}: {near}")
    columns = []
    for column in wanted:
        values = plain(rows.column(column.name))
        if column.type.kind == "json":
            values = as_documents(values)
        # Only here do texts such as "true" come from a file, where they are the only way to write a boolean.
        loose = column.type.kind == "boolean" and pa.types.is_string(values.type)
        values = fit(infer_text(values) if loose else values, column.type)
        columns.append(normal_documents(values) if column.type.name == "jsonb" else values)
    return pa.table(columns, names=[c.name for c in wanted])


def read_columns(source: str | Path, schema: Schema, columns: Mapping[str, Iterable[str]]) -> Dataset:
    """Some columns of some tables of a database, all rows; SourceError when it cannot be read."""
    with connected(source) as connection:
        tables = _located(connection, tuple(schema[name] for name in columns))
        return Dataset(
            {t.name: _read_table(connection, t, tuple(t.column(c) for c in columns[t.name])) for t in tables}
        )


def _located(connection: Connection, tables: tuple[Table, ...]) -> tuple[Table, ...]:
    """The tables where this database has them, which may be another one than the schema was read from.

    Tables of the source's default schema are those of this one's; others may go by their full name there.
    """
    own, there = connection.dialect.default_schema_name, None
    found = []
    for table in tables:
        if table.schema is not None and table.bare_name == table.name and table.schema != own:
            table = replace(table, schema=None)
        elif table.bare_name != table.name:
            there = set(sa.inspect(connection).get_table_names()) if there is None else there
            table = replace(table, schema=None) if table.name in there else table
        found.append(table)
    return tuple(found)


def _chosen(schema: Schema, tables: Iterable[str] | None) -> tuple[Table, ...]:
    wanted = schema.names if tables is None else tuple(dict.fromkeys(tables))
    for name in wanted:
        if name not in schema:
            raise InputError(f"no table {name!r} in the source: {did_you_mean(name, schema.names)}")
    return tuple(schema[name] for name in wanted)


def _restricted(schema: Schema, chosen: tuple[Table, ...]) -> Schema:
    return Schema(chosen, dialect=schema.dialect, name=schema.name)


@contextmanager
def connected(source: str | Path | Engine) -> Iterator[Connection]:
    """One read transaction, with whatever the driver says as a one-line SourceError."""
    engine = source if isinstance(source, Engine) else make_engine(source, must_exist=True)
    driver_error: type[Exception] = getattr(engine.dialect.dbapi, "Error", sa.exc.SQLAlchemyError)
    try:
        with engine.connect() as connection:
            fetching.begin(connection)
            yield connection
    except (sa.exc.SQLAlchemyError, driver_error) as error:
        shown = engine.url.render_as_string(hide_password=True)
        raise SourceError(
            f"cannot read rows of {shown}: {one_line(error)}; has its schema changed, or is there a table that this "
            "user may not read?"
        ) from error
    finally:
        if not isinstance(source, Engine):
            engine.dispose()


Filter = Callable[[list[pa.RecordBatch]], list[pa.RecordBatch]]

FILTER_ROWS = 262_144  # rows looked up at once among the picked keys, since each look-up builds their index


def _read_table(
    connection: Connection,
    table: Table,
    columns: tuple[Column, ...],
    progress: Progress | None = None,
    keep: Filter | None = None,
) -> pa.Table:
    batches: list[pa.RecordBatch] = []
    waiting: list[pa.RecordBatch] = []
    rows = 0
    for batch in fetching.fetch(connection, table, columns):
        (batches if keep is None else waiting).append(batch)
        if keep is not None and sum(b.num_rows for b in waiting) >= FILTER_ROWS:
            batches.extend(keep(waiting))
            waiting = []
        rows += batch.num_rows
        if progress is not None:
            progress(table.name, rows)
    if keep is not None:
        batches.extend(keep(waiting))
    fitted = []
    for i, column in enumerate(columns):
        values = fit(unify([b.column(i) for b in batches]), column.type)
        if pa.types.is_binary(values.type) and column.type.kind not in ("bytes", "bit", "other"):
            warnings.warn(
                f"column {table.name}.{column.name} ({column.type.name}) holds bytes, not UTF-8 text: read as binary",
                stacklevel=4,
            )
        fitted.append(values)
    return pa.table(fitted, names=[c.name for c in columns]).combine_chunks()


def _sampled(
    connection: Connection, schema: Schema, chosen: tuple[Table, ...], limit: int, seed: int, progress: Progress | None
) -> Dataset:
    """Two passes: the keys of every table, then the rows that were picked."""
    large = any(_count(connection, t) > limit for t in chosen)
    if not large:
        return Dataset({t.name: _read_table(connection, t, t.columns, progress) for t in chosen})
    within = _restricted(schema, chosen)
    needed = {t.name: tuple(t.column(c) for c in key_columns(within, t)) for t in chosen}
    keys = {t.name: _read_table(connection, t, needed[t.name]) for t in chosen}
    picked = closed_sample(keys, within, limit, seed)
    found: dict[str, pa.Table] = {}
    for table in chosen:
        mask = picked[table.name]
        taken = keys[table.name].filter(pa.array(mask))
        key = identity(keys[table.name], table)
        if len(needed[table.name]) == len(table.columns):
            found[table.name] = taken
        elif mask.all() or not key:
            found[table.name] = _read_table(connection, table, table.columns, progress)
        else:
            found[table.name] = _read_table(connection, table, table.columns, progress, _among(taken, key, table))
    return Dataset(found)


def _count(connection: Connection, table: Table) -> int:
    counted: Any = connection.exec_driver_sql(f"SELECT count(*) FROM {fetching.own_rows(connection, table)}").scalar()
    return int(counted)


def _among(taken: pa.Table, key: tuple[str, ...], table: Table) -> Filter:
    def keep(batches: list[pa.RecordBatch]) -> list[pa.RecordBatch]:
        columns = [fit(unify([b.column(c) for b in batches]), table.column(c).type) for c in key]
        mask = pa.array(rows_among(pa.table(columns, names=list(key)), key, taken, key) >= 0)
        starts = [0, *accumulate(b.num_rows for b in batches)]
        return [b.filter(mask.slice(start, b.num_rows)) for start, b in zip(starts, batches, strict=False)]

    return keep
