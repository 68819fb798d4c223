"""Schemas put on their servers, and an audit of the rows that asks the server's own catalogue, never our reflection."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pymysql
import sqlalchemy as sa
from pymysql.constants import CLIENT

__all__ = ["put_script", "row_counts", "violations"]


def put_script(url: str, path: Path) -> None:
    """Run a whole SQL script on the database at ``url``."""
    text = path.read_text()
    target = sa.make_url(url)
    if target.get_backend_name() == "sqlite":
        with sqlite3.connect(str(target.database)) as connection:
            connection.executescript(text)
        return
    if target.get_backend_name() == "mysql":
        with pymysql.connect(
            host=target.host, port=target.port or 3306, user=target.username, password=target.password or "",
            database=target.database, charset="utf8mb4", client_flag=CLIENT.MULTI_STATEMENTS,
        ) as server, server.cursor() as cursor:  # fmt: skip
            cursor.execute("SET foreign_key_checks = 0")
            cursor.execute(text)
            while cursor.nextset():
                pass
        return
    engine = sa.create_engine(target, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
    with engine.connect() as connection:
        cursor = connection.connection.cursor()
        cursor.execute(text)
        cursor.close()


def row_counts(url: str, tables: dict[str, str | None]) -> dict[str, int]:
    """Rows of each table, by the name of FixtureSynth; ``tables``: that name -> its schema outside the default one."""
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    quote = engine.dialect.identifier_preparer.quote_identifier
    found = {}
    with engine.connect() as connection:
        plain = {
            (row[0], row[1])
            for row in _rows(
                connection,
                "SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
                "WHERE c.relkind = 'r'",
            )
        } if engine.dialect.name == "postgresql" else set()  # fmt: skip
        for name, schema in tables.items():
            bare = name[len(schema) + 1 :] if schema and name.startswith(f"{schema}.") else name
            own = f"{quote(schema)}.{quote(bare)}" if schema and engine.dialect.name == "postgresql" else quote(bare)
            only = "ONLY " if (schema or "public", bare) in plain else ""
            found[name] = int(_rows(connection, f"SELECT count(*) FROM {only}{own}")[0][0])
    engine.dispose()
    return found


def violations(url: str) -> tuple[list[str], int]:
    """What the rows break, in words, and how many conditions were asked."""
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    found, asked = [], 0
    with engine.connect() as connection:
        for what, count in _AUDITS[engine.dialect.name](connection):
            asked += 1
            if count:
                found.append(f"{what}: {count}")
    engine.dispose()
    return found, asked


def _rows(connection: sa.Connection, statement: str) -> list[tuple]:
    cursor = connection.connection.cursor()
    try:
        cursor.execute(statement)
        return list(cursor.fetchall())
    finally:
        cursor.close()


def _count(connection: sa.Connection, statement: str) -> int:
    return int(_rows(connection, statement)[0][0] or 0)


# PostgreSQL ----------------------------------------------------------------------------------------------------------
_OURS = "n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname NOT LIKE 'pg_toast%'"
_TABLE = "CASE WHEN {c}.relkind = 'r' THEN 'ONLY ' ELSE '' END || {c}.oid::regclass::text"
_NAMES = (
    "(SELECT array_agg(quote_ident(a.attname) ORDER BY k.place) FROM unnest({keys}) WITH ORDINALITY k(number, place) "
    "JOIN pg_attribute a ON a.attrelid = {relation} AND a.attnum = k.number)"
)


def _postgresql(connection: sa.Connection) -> Iterator[tuple[str, int]]:
    keys = _rows(
        connection,
        f"SELECT o.conname, {_TABLE.format(c='c')}, {_TABLE.format(c='p')}, "
        f"{_NAMES.format(keys='o.conkey', relation='o.conrelid')}, "
        f"{_NAMES.format(keys='o.confkey', relation='o.confrelid')} "
        "FROM pg_constraint o JOIN pg_class c ON c.oid = o.conrelid JOIN pg_class p ON p.oid = o.confrelid "
        f"JOIN pg_namespace n ON n.oid = c.relnamespace WHERE o.contype = 'f' AND {_OURS} "
        # A reference to a partitioned table is listed again for each of its partitions.
        "AND NOT EXISTS (SELECT FROM pg_constraint w WHERE w.oid = o.conparentid AND w.conrelid = o.conrelid)",
    )
    for name, child, parent, own, theirs in keys:
        given = " AND ".join(f"c.{column} IS NOT NULL" for column in own)
        same = " AND ".join(f"p.{b} = c.{a}" for a, b in zip(own, theirs, strict=True))
        yield (
            f"foreign key {name} of {child}",
            _count(
                connection,
                f"SELECT count(*) FROM {child} c WHERE {given} AND NOT EXISTS (SELECT 1 FROM {parent} p WHERE {same})",
            ),
        )
    uniques = _rows(
        connection,
        f"SELECT x.relname, {_TABLE.format(c='c')}, "
        "(SELECT array_agg(pg_get_indexdef(i.indexrelid, k::int, false)) FROM generate_series(1, i.indnkeyatts) k), "
        "pg_get_expr(i.indpred, i.indrelid), i.indnullsnotdistinct "
        "FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid "
        f"JOIN pg_class x ON x.oid = i.indexrelid JOIN pg_namespace n ON n.oid = c.relnamespace "
        f"WHERE i.indisunique AND {_OURS}",
    )
    for name, table, members, predicate, together in uniques:
        listed = "row(" + ", ".join(members) + ")"  # a constant by itself would be taken for a column's number
        given = "true" if together else " AND ".join(f"({m}) IS NOT NULL" for m in members)
        where = f"WHERE ({predicate or 'true'}) AND {given}"
        yield (
            f"unique {name} of {table}",
            _count(
                connection,
                f"SELECT count(*) FROM (SELECT 1 FROM {table} {where} GROUP BY {listed} HAVING count(*) > 1) twice",
            ),
        )
    checks = _rows(
        connection,
        f"SELECT o.conname, {_TABLE.format(c='c')}, pg_get_expr(o.conbin, o.conrelid) FROM pg_constraint o "
        "JOIN pg_class c ON c.oid = o.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace "
        f"WHERE o.contype = 'c' AND {_OURS}",
    )
    domains = _rows(
        connection,
        f"SELECT o.conname, {_TABLE.format(c='c')}, "
        "replace(pg_get_expr(o.conbin, 0), 'VALUE', quote_ident(a.attname)) "
        "FROM pg_constraint o JOIN pg_attribute a ON a.atttypid = o.contypid JOIN pg_class c ON c.oid = a.attrelid "
        f"JOIN pg_namespace n ON n.oid = c.relnamespace WHERE o.contypid <> 0 AND c.relkind IN ('r', 'p') AND {_OURS}",
    )
    for name, table, text in checks + domains:
        # Not as a WHERE, which would be taken apart and its parts put in another order: 'array' first, then its length.
        failing = f"SELECT count(CASE WHEN ({text}) IS FALSE THEN 1 END) FROM {table}"
        yield f"check {name} of {table}", _count(connection, failing)


# MySQL and MariaDB ---------------------------------------------------------------------------------------------------
def _mysql(connection: sa.Connection) -> Iterator[tuple[str, int]]:
    keys: dict[tuple[str, str, str], list[tuple[str, str]]] = {}
    for table, name, column, parent, theirs in _rows(
        connection,
        "SELECT TABLE_NAME, CONSTRAINT_NAME, COLUMN_NAME, REFERENCED_TABLE_NAME, REFERENCED_COLUMN_NAME "
        "FROM information_schema.KEY_COLUMN_USAGE WHERE TABLE_SCHEMA = DATABASE() "
        "AND REFERENCED_TABLE_NAME IS NOT NULL ORDER BY TABLE_NAME, CONSTRAINT_NAME, ORDINAL_POSITION",
    ):
        keys.setdefault((table, name, parent), []).append((column, theirs))
    for (table, name, parent), pairs in keys.items():
        given = " AND ".join(f"c.`{a}` IS NOT NULL" for a, _ in pairs)
        same = " AND ".join(f"p.`{b}` = c.`{a}`" for a, b in pairs)
        lost = f"NOT EXISTS (SELECT 1 FROM `{parent}` p WHERE {same})"
        yield (
            f"foreign key {name} of {table}",
            _count(connection, f"SELECT count(*) FROM `{table}` c WHERE {given} AND {lost}"),
        )
    uniques: dict[tuple[str, str], list[str]] = {}
    for table, name, column, part in _rows(
        connection,
        "SELECT TABLE_NAME, INDEX_NAME, COLUMN_NAME, SUB_PART FROM information_schema.STATISTICS "
        "WHERE TABLE_SCHEMA = DATABASE() AND NON_UNIQUE = 0 ORDER BY TABLE_NAME, INDEX_NAME, SEQ_IN_INDEX",
    ):
        uniques.setdefault((table, name), []).append(f"LEFT(`{column}`, {part})" if part else f"`{column}`")
    for (table, name), members in uniques.items():
        given = " AND ".join(f"{m} IS NOT NULL" for m in members)
        yield (
            f"unique {name} of {table}",
            _count(
                connection,
                f"SELECT count(*) FROM (SELECT 1 FROM `{table}` WHERE {given} GROUP BY {', '.join(members)} "
                "HAVING count(*) > 1) twice",
            ),
        )
    for table, name, text in _rows(
        connection,
        "SELECT TABLE_NAME, CONSTRAINT_NAME, CHECK_CLAUSE FROM information_schema.CHECK_CONSTRAINTS "
        "WHERE CONSTRAINT_SCHEMA = DATABASE()",
    ):
        yield f"check {name} of {table}", _count(connection, f"SELECT count(*) FROM `{table}` WHERE NOT ({text})")


# SQLite --------------------------------------------------------------------------------------------------------------
def _sqlite(connection: sa.Connection) -> Iterator[tuple[str, int]]:
    """Its own audits, which cover types of STRICT tables, NOT NULL, unique, checks and references."""
    for row in _rows(connection, "PRAGMA foreign_key_check"):
        yield f"foreign key {row[3]} of {row[0]}", 1
    for (text,) in _rows(connection, "PRAGMA integrity_check(100000)"):
        yield text, int(text != "ok")


_AUDITS = {"postgresql": _postgresql, "mysql": _mysql, "sqlite": _sqlite}
