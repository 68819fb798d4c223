"""One stream of Arrow batches out of a table, by the fastest way each database has.

A ``Fetcher`` is a row of data: how a column is selected, and how a query's rows arrive. Types in the batches are the
natural ones; ``conversion.fit`` brings whole columns to the declared types afterwards.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
from sqlalchemy import Connection

from fixturesynth.dataset import arrow_type
from fixturesynth.loading.conversion import natural
from fixturesynth.schema.model import Column, Table

__all__ = ["fetch", "own_rows", "table_reference"]

BATCH_ROWS = 4096  # small enough that a batch of Python objects stays in the processor's cache

Columns = tuple[Column, ...]
Rows = Callable[[Connection, str, Columns], Iterator[pa.RecordBatch]]


@dataclass(frozen=True)
class Fetcher:
    """``expressions``: how a column of some kind is selected ({c} is its quoted name, {n} its length)."""

    rows: Rows
    begin: tuple[str, ...] = ()
    expressions: Mapping[str, str] = field(default_factory=dict)
    otherwise: str = "{c}"
    inherits: bool = False


def fetch(connection: Connection, table: Table, columns: Columns) -> Iterator[pa.RecordBatch]:
    """These columns of all rows of a table, in batches whose columns carry the table's own names."""
    fetcher = FETCHERS.get(connection.dialect.name, _OTHERS)
    quote = connection.dialect.identifier_preparer.quote_identifier
    selected = ", ".join(
        fetcher.expressions.get(c.type.kind, fetcher.otherwise).format(c=quote(c.name), n=c.type.length or 1)
        for c in columns
    )
    query = f"SELECT {selected} FROM {own_rows(connection, table)}"
    return fetcher.rows(connection, query, columns)


def begin(connection: Connection) -> None:
    """One snapshot for all tables, where the database has such a thing."""
    for statement in FETCHERS.get(connection.dialect.name, _OTHERS).begin:
        connection.exec_driver_sql(statement)


def table_reference(connection: Connection, table: Table) -> str:
    """The table's quoted name, with its schema where it has one."""
    preparer = connection.dialect.identifier_preparer
    name = preparer.quote_identifier(table.bare_name)
    return f"{preparer.quote_identifier(table.schema)}.{name}" if table.schema else name


def own_rows(connection: Connection, table: Table) -> str:
    """The table as it stands after FROM: without tables that inherit from it, with partitions, which are its rows."""
    inherits = FETCHERS.get(connection.dialect.name, _OTHERS).inherits
    only = "ONLY " if inherits and table.partition_key is None else ""
    return f"{only}{table_reference(connection, table)}"


def _batch(values: list[pa.Array], columns: Columns) -> pa.RecordBatch:
    return pa.RecordBatch.from_arrays(values, names=[c.name for c in columns])


def _from_cursor(cursor: Any, columns: Columns) -> Iterator[pa.RecordBatch]:
    while rows := cursor.fetchmany(BATCH_ROWS):
        yield _batch([natural(values) for values in zip(*rows, strict=True)], columns)


def _driver_rows(connection: Connection, query: str, columns: Columns) -> Iterator[pa.RecordBatch]:
    """Any driver, streamed when it can."""
    streaming = connection.execution_options(stream_results=True)
    with closing(streaming.exec_driver_sql(query.replace("%", "%%") if _percent(connection) else query)) as result:
        yield from _from_cursor(result, columns)


def _percent(connection: Connection) -> bool:
    return connection.dialect.paramstyle in ("format", "pyformat")


def _sqlite_rows(connection: Connection, query: str, columns: Columns) -> Iterator[pa.RecordBatch]:
    driver: Any = connection.connection.driver_connection
    before = driver.text_factory
    # bytes.decode cannot be the factory: the text that is not UTF-8 must come back as the bytes that it is.
    driver.text_factory = str
    try:
        with closing(driver.execute(query)) as cursor:
            yield from _sqlite_batches(driver, cursor, query, columns)
    finally:
        driver.text_factory = before


def _sqlite_batches(driver: Any, cursor: Any, query: str, columns: Columns) -> Iterator[pa.RecordBatch]:
    done = 0
    try:
        for batch in _from_cursor(cursor, columns):
            done += batch.num_rows
            yield batch
        return
    except driver.OperationalError as error:
        if "UTF-8" not in str(error):
            raise
    driver.text_factory = _text_or_bytes
    with closing(driver.execute(f"{query} LIMIT -1 OFFSET {done}")) as again:
        yield from _from_cursor(again, columns)


def _text_or_bytes(data: bytes) -> str | bytes:
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data


def _postgresql_rows(connection: Connection, query: str, columns: Columns) -> Iterator[pa.RecordBatch]:
    """COPY to CSV, every value quoted, so that nothing but null is bare; parsed by Arrow."""
    driver: Any = connection.connection.driver_connection
    names = [str(i) for i in range(len(columns))]
    copying = f"COPY ({query}) TO STDOUT (FORMAT csv, FORCE_QUOTE *)"
    with driver.cursor() as cursor, cursor.copy(copying) as copy:
        reader = _Blocks(iter(copy))
        try:
            batches = pyarrow.csv.open_csv(
                pa.PythonFile(reader, mode="r"),
                read_options=pyarrow.csv.ReadOptions(column_names=names, block_size=8 << 20),
                parse_options=pyarrow.csv.ParseOptions(newlines_in_values=True, ignore_empty_lines=False),
                convert_options=pyarrow.csv.ConvertOptions(
                    column_types={name: pa.string() for name in names},
                    null_values=[""],
                    strings_can_be_null=True,
                    quoted_strings_can_be_null=False,
                ),
            )
        except pa.ArrowInvalid as error:
            if reader.size:
                raise
            del error  # "Empty CSV file": a table without rows
            return
        for batch in batches:
            yield _batch(
                [_DECODERS.get(c.type.kind, _same)(v, c) for v, c in zip(batch.columns, columns, strict=True)],
                columns,
            )


class _Blocks:
    """An iterator of byte blocks as a file that Arrow can read."""

    def __init__(self, blocks: Iterator[Any]) -> None:
        self._blocks = blocks
        self._rest = bytearray()
        self.size = 0
        self.closed = False

    def read(self, size: int = -1) -> bytes:
        while size < 0 or len(self._rest) < size:
            block = next(self._blocks, None)
            if block is None:
                break
            self._rest += block
            self.size += len(block)
        taken = bytes(self._rest if size < 0 else self._rest[:size])
        del self._rest[: len(taken)]
        return taken

    def readable(self) -> bool:
        return True

    def close(self) -> None:
        self.closed = True


def _same(values: pa.Array, column: Column) -> pa.Array:
    return values


def _from_hex(values: pa.Array, column: Column) -> pa.Array:
    """Hex digits to bytes, all rows in one call."""
    digits = pc.fill_null(values, "")
    data = bytes.fromhex("".join(digits.to_pylist()))
    lengths = pc.divide(pc.binary_length(digits), 2)
    offsets = pa.concat_arrays([pa.array([0], pa.int64()), pc.cumulative_sum(lengths.cast(pa.int64()))])
    whole = pa.Array.from_buffers(pa.large_binary(), len(values), [None, offsets.buffers()[1], pa.py_buffer(data)])
    return pc.if_else(pc.is_valid(values), whole, None).cast(pa.binary())


def _from_bit(values: pa.Array, column: Column) -> pa.Array:
    return pc.equal(values, "t")


def _from_json(values: pa.Array, column: Column) -> pa.Array:
    """JSON texts of arrays, in one parse; arrays of more than one dimension stay JSON texts."""
    parsed = json.loads("[" + ",".join(pc.fill_null(values, "null").to_pylist()) + "]", parse_float=str)
    target = arrow_type(column.type)
    try:
        texts = pa.array(parsed, pa.list_(pa.string()))
    except (pa.ArrowInvalid, pa.ArrowTypeError):
        try:
            return pa.array(parsed, target)
        except (pa.ArrowInvalid, pa.ArrowTypeError):
            return values
    try:
        return texts.cast(target)
    except pa.ArrowInvalid:
        return texts


_DECODERS: dict[str, Callable[[pa.Array, Column], pa.Array]] = {
    "bytes": _from_hex,
    "boolean": _from_bit,
    "array": _from_json,
}


def _duckdb_rows(connection: Connection, query: str, columns: Columns) -> Iterator[pa.RecordBatch]:
    driver: Any = connection.connection.driver_connection
    cursor = driver.cursor()
    cursor.execute(query)  # through duckdb_engine's wrapper, which returns nothing here
    found = cursor.to_arrow_table()
    yield from found.rename_columns([c.name for c in columns]).to_batches()


_AS_TEXT = ("text", "enum", "set", "uuid", "json", "xml", "hstore", "inet", "cidr", "macaddr", "range", "geometry",
            "bit")  # fmt: skip

FETCHERS: dict[str, Fetcher] = {
    "sqlite": Fetcher(_sqlite_rows),
    "postgresql": Fetcher(
        _postgresql_rows,
        begin=(
            "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY",
            "SET LOCAL timezone = 'UTC'",
            "SET LOCAL datestyle = 'ISO, YMD'",
            "SET LOCAL intervalstyle = 'postgres'",
            "SET LOCAL extra_float_digits = 1",
            "SET LOCAL client_encoding = 'UTF8'",
            "SET LOCAL synchronize_seqscans = off",
        ),
        expressions={"bytes": "encode({c}, 'hex')", "array": "to_json({c})"},
        inherits=True,
    ),
    "mysql": Fetcher(
        _driver_rows,
        begin=("SET SESSION time_zone = '+00:00'", "START TRANSACTION WITH CONSISTENT SNAPSHOT"),
        expressions={"bit": "lpad(bin({c}), {n}, '0')", "geometry": "ST_AsText({c})"},
    ),
    "duckdb": Fetcher(_duckdb_rows, expressions=dict.fromkeys(_AS_TEXT, "CAST({c} AS VARCHAR)")),
}
FETCHERS["mariadb"] = FETCHERS["mysql"]
_OTHERS = Fetcher(_driver_rows)
