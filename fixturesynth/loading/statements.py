"""A Dataset as SQL text that psql, mysql and sqlite3 load: CREATE statements, then INSERTs of many rows each."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from fixturesynth.errors import InputError
from fixturesynth.loading.wire import Wire, postgresql_lists, text_of
from fixturesynth.schema.ddl import creation, table_name
from fixturesynth.schema.model import Column, Schema, Table
from fixturesynth.schema.targets import quote_name, target_of
from fixturesynth.schema.translation import translate

__all__ = ["insert_statements", "sql_statements"]

ROWS = 512  # in one INSERT


@dataclass(frozen=True)
class Script:
    """How one dialect writes values, and what surrounds them. ``wire`` is for what is not a quoted text."""

    before: tuple[str, ...]
    after: tuple[str, ...]
    wire: Wire
    binary: str = "X'{}'"
    keys_last: bool = False
    backslashes: bool = False  # a backslash in a text escapes
    zoned: bool = True  # timestamps may carry an offset
    overriding: str = ""
    sequence: str = ""


SCRIPTS: Mapping[str, Script] = {
    "postgresql": Script(
        ("SET client_encoding = 'UTF8'", "SET standard_conforming_strings = on", "SET timezone = 'UTC'", "BEGIN"),
        ("COMMIT",),
        Wire(true="TRUE", false="FALSE", lists=postgresql_lists),
        binary="'\\x{}'",
        keys_last=True,
        overriding=" OVERRIDING SYSTEM VALUE",
        sequence=(
            "SELECT setval(pg_get_serial_sequence({text}, {column_text}), coalesce(max({column}), 1)) FROM {table}"
        ),
    ),
    "mysql": Script(
        (
            "SET NAMES utf8mb4",
            "SET time_zone = '+00:00'",
            "SET sql_mode = 'STRICT_ALL_TABLES,NO_AUTO_VALUE_ON_ZERO,NO_ENGINE_SUBSTITUTION'",
            "SET foreign_key_checks = 0",
            "START TRANSACTION",
        ),
        ("COMMIT", "SET foreign_key_checks = 1"),
        Wire(true="1", false="0"),
        backslashes=True,
        zoned=False,
    ),
    "sqlite": Script(("PRAGMA foreign_keys = OFF", "BEGIN"), ("COMMIT",), Wire(true="1", false="0")),
    "duckdb": Script(("BEGIN",), ("COMMIT",), Wire(true="TRUE", false="FALSE"), binary="from_hex('{}')"),
}


def sql_statements(tables: Mapping[str, pa.Table], schema: Schema, dialect: str, order: list[str]) -> Iterator[str]:
    """The text in pieces, each ending in a line break: tables, rows in ``order``, keys and references."""
    name = "postgresql" if dialect == "generic" else dialect
    target_of(name)  # InputError for a dialect that is not known
    script = SCRIPTS[name]
    made = creation(
        translate(Schema(tuple(t for t in schema if t.name in tables), schema.dialect), name),
        keys_last=script.keys_last,
    )
    yield from (f"{s};\n" for s in script.before)
    yield from (f"{s};\n" for s in made.before)
    for table in (made.schema[n] for n in order):
        rows = tables[table.name]
        written = [c for c in table.columns if c.generated is None and c.name in rows.column_names]
        if written and rows.num_rows:
            yield from _inserts(rows, table, written, script, name)
        yield from _sequences(table, written, script, name)
    yield from (f"{s};\n" for s in made.after)
    yield from (f"{s};\n" for s in script.after)


def insert_statements(tables: Mapping[str, pa.Table], schema: Schema) -> Iterator[str]:
    """The rows alone, a statement for each table, in the words of the schema's own dialect."""
    dialect = "postgresql" if schema.dialect == "generic" else schema.dialect
    for name, rows in tables.items():
        written = [c for c in schema[name].columns if c.generated is None and c.name in rows.column_names]
        if written and rows.num_rows:
            yield from _inserts(rows, schema[name], written, SCRIPTS[dialect], dialect)


def _inserts(rows: pa.Table, table: Table, columns: list[Column], script: Script, dialect: str) -> Iterator[str]:
    listed = ", ".join(quote_name(c.name, dialect) for c in columns)
    overriding = script.overriding if any(c.identity == "always" for c in columns) else ""
    head = f"INSERT INTO {table_name(table, dialect)} ({listed}){overriding} VALUES\n"
    whole = rows.select([c.name for c in columns]).combine_chunks()
    for start in range(0, whole.num_rows, ROWS * 128):
        piece = whole.slice(start, ROWS * 128).combine_chunks()
        parts = []
        for i, column in enumerate(columns):
            parts += [", " if i else "(", _literals(piece.column(i), column, table, script)]
        lines = pc.binary_join_element_wise(*parts, ")", "").to_pylist()
        for first in range(0, len(lines), ROWS):
            yield head + ",\n".join(lines[first : first + ROWS]) + ";\n"


def _sequences(table: Table, columns: list[Column], script: Script, dialect: str) -> Iterator[str]:
    for column in columns:
        if script.sequence and (column.identity or column.autoincrement):
            text = table_name(table, dialect)
            yield script.sequence.format(
                text=_quoted_text(text),
                column_text=_quoted_text(column.name),
                column=quote_name(column.name, dialect),
                table=text,
            ) + ";\n"  # fmt: skip


def _quoted_text(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _literals(values: pa.ChunkedArray, column: Column, table: Table, script: Script) -> pa.Array:
    """Each value as SQL, shape (n,)."""
    array = values.combine_chunks()
    array = pa.concat_arrays(array.chunks) if isinstance(array, pa.ChunkedArray) else array
    if pa.types.is_dictionary(array.type):
        array = array.cast(array.type.value_type)
    if pa.types.is_timestamp(array.type) and array.type.tz and not script.zoned:
        array = array.cast(pa.timestamp("us", tz="UTC")).cast(pa.timestamp("us"))
    if column.type.kind == "boolean" and pa.types.is_integer(array.type):
        array = array.cast(pa.bool_())
    writer = next((w for test, w in _WRITERS if test(array.type)), _text)
    return pc.fill_null(writer(array, script, f"{table.name}.{column.name}"), "NULL")


def _number(array: pa.Array, script: Script, where: str) -> pa.Array:
    return array.cast(pa.string())


def _float(array: pa.Array, script: Script, where: str) -> pa.Array:
    texts = array.cast(pa.string())
    return pc.if_else(pc.is_finite(array), texts, pc.binary_join_element_wise("'", texts, "'", ""))


def _truth(array: pa.Array, script: Script, where: str) -> pa.Array:
    return text_of(array, script.wire)


def _bytes(array: pa.Array, script: Script, where: str) -> pa.Array:
    start, end = script.binary.split("{}")
    return pc.binary_join_element_wise(start, text_of(array, Wire()).cast(pa.string()), end, "")


def _text(array: pa.Array, script: Script, where: str) -> pa.Array:
    texts = text_of(array, script.wire).cast(pa.string())
    if pc.any(pc.match_substring(texts, "\0")).as_py():
        raise InputError(f"column {where} holds text with U+0000, which SQL text cannot; choose another format")
    if script.backslashes:
        texts = pc.replace_substring(texts, "\\", "\\\\")
    return pc.binary_join_element_wise("'", pc.replace_substring(texts, "'", "''"), "'", "")


_WRITERS: tuple[tuple[Callable[[pa.DataType], bool], Callable[[pa.Array, Script, str], pa.Array]], ...] = (
    (pa.types.is_integer, _number),
    (pa.types.is_decimal, _number),
    (pa.types.is_floating, _float),
    (pa.types.is_boolean, _truth),
    (pa.types.is_binary, _bytes),
    (pa.types.is_large_binary, _bytes),
)
