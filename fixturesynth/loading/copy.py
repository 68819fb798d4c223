"""PostgreSQL: COPY FROM STDIN, fed with CSV that Arrow writes."""

from collections.abc import Sequence
from dataclasses import replace

import pyarrow as pa
from sqlalchemy import Connection

from fixturesynth.loading.destination import Destination, Done, driver_of, run
from fixturesynth.loading.wire import Wire, batches, csv_bytes, postgresql_lists
from fixturesynth.schema.model import Table

__all__ = ["copy_rows", "copy_together", "set_sequences"]

WIRE = Wire(bytes_prefix="\\x", lists=postgresql_lists, clean_text=True)


def copy_rows(connection: Connection, destination: Destination, table: pa.Table, done: Done) -> None:
    """All rows in one COPY, so that references inside of the table are checked when all are there."""
    driver = driver_of(connection)
    statement = f"COPY {destination.name} ({destination.column_list}) FROM STDIN (FORMAT csv)"
    written = 0
    with driver.cursor() as cursor, cursor.copy(statement) as copy:
        for batch in batches(table):
            copy.write(csv_bytes(batch, WIRE, destination.table.name))
            written += batch.num_rows
            done(written)


def copy_together(connection: Connection, destinations: Sequence[Destination], tables: Sequence[pa.Table]) -> None:
    """Rows of tables that require each other: into temporary tables by COPY, from there by one statement.

    PostgreSQL checks references that are not deferrable at the end of the statement, and one statement can insert into
    many tables (https://www.postgresql.org/docs/current/queries-with.html#QUERIES-WITH-MODIFYING).
    """
    sources = [
        Destination(replace(d.table, name=f"_fixturesynth_{i}", schema=None), d.columns, d.dialect)
        for i, d in enumerate(destinations)
    ]
    inserts = []
    for destination, source, rows in zip(destinations, sources, tables, strict=True):
        listed = destination.column_list
        run(
            connection,
            f"CREATE TEMPORARY TABLE {source.name} ON COMMIT DROP AS SELECT {listed} FROM {destination.name} "
            "WITH NO DATA",
        )
        copy_rows(connection, source, rows, lambda written: None)
        # Without OVERRIDING, identity columns that are GENERATED ALWAYS would refuse their values.
        inserts.append(
            f"INSERT INTO {destination.name} ({listed}) OVERRIDING SYSTEM VALUE SELECT {listed} FROM {source.name}"
        )
    first = ", ".join(f"filled_{i} AS ({insert})" for i, insert in enumerate(inserts[:-1]))
    run(connection, f"WITH {first} {inserts[-1]}" if first else inserts[-1])
    run(connection, f"DROP TABLE {', '.join(source.name for source in sources)}")


# Sequences behind identity columns (pg_depend: internal) and behind nextval() defaults, owned by the column or not.
SEQUENCES = """
WITH wanted AS (
  SELECT name::regclass AS id, number FROM unnest(%(tables)s::text[]) WITH ORDINALITY AS w(name, number)
)
SELECT w.number, a.attname, s.oid::regclass::text, q.seqmin, q.seqmax, q.seqincrement > 0
FROM wanted w JOIN pg_depend d ON d.refobjid = w.id
JOIN pg_class s ON s.oid = d.objid AND s.relkind = 'S' AND d.classid = 'pg_class'::regclass
JOIN pg_sequence q ON q.seqrelid = s.oid
JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
WHERE d.refclassid = 'pg_class'::regclass AND d.refobjsubid > 0
UNION
SELECT w.number, a.attname, s.oid::regclass::text, q.seqmin, q.seqmax, q.seqincrement > 0
FROM wanted w JOIN pg_attrdef f ON f.adrelid = w.id
JOIN pg_depend d ON d.classid = 'pg_attrdef'::regclass AND d.objid = f.oid
JOIN pg_class s ON s.oid = d.refobjid AND s.relkind = 'S' AND d.refclassid = 'pg_class'::regclass
JOIN pg_sequence q ON q.seqrelid = s.oid
JOIN pg_attribute a ON a.attrelid = f.adrelid AND a.attnum = f.adnum
"""
SET_TOGETHER = 100  # sequences in one statement


def set_sequences(connection: Connection, destinations: Sequence[Destination]) -> None:
    """Every sequence that numbers a column goes on behind the column's last value, and never back."""
    with driver_of(connection).cursor() as cursor:
        names = [destination.name for destination in destinations]
        settings = [
            _setting(destinations[number - 1], *found)
            for number, *found in cursor.execute(SEQUENCES, {"tables": names}).fetchall()
            if _is_numbered(destinations[number - 1].table, found[0])
        ]
        for start in range(0, len(settings), SET_TOGETHER):
            cursor.execute(" UNION ALL ".join(settings[start : start + SET_TOGETHER]))


def _is_numbered(table: Table, column: str) -> bool:
    """Whether the column holds the sequence's numbers themselves, not texts that it makes of them."""
    return column in table and table.column(column).type.kind in ("integer", "decimal", "float")


def _setting(destination: Destination, column: str, sequence: str, low: int, high: int, rising: bool) -> str:
    quoted = '"' + column.replace('"', '""') + '"'
    last, further, best = ("max", ">", "GREATEST") if rising else ("min", "<", "LEAST")
    return (
        f"SELECT setval('{sequence.replace(chr(39), chr(39) * 2)}'::regclass, "
        f"{best}(t.last, CASE WHEN s.is_called THEN s.last_value END)::bigint) "
        f"FROM (SELECT {last}({quoted}) AS last FROM {destination.name}) t, {sequence} s "
        f"WHERE t.last BETWEEN {low} AND {high} AND (NOT s.is_called OR t.last {further} s.last_value)"
    )
