"""``.sql`` files: loaded into a scratch database where there is one, read as text where there is none.

A database understands its own language best. SQLite is always at hand (in memory); PostgreSQL and MySQL are when
FIXTURESYNTH_SCRATCH_POSTGRESQL or FIXTURESYNTH_SCRATCH_MYSQL names a server: a database with a name of its own is
made on it and dropped again, whatever happens.
"""

import os
import re
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast, get_args

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from fixturesynth.errors import SourceError, did_you_mean
from fixturesynth.schema.catalogue_mysql import read_mysql
from fixturesynth.schema.catalogue_postgresql import read_postgresql
from fixturesynth.schema.catalogue_sqlite import read_sqlite
from fixturesynth.schema.connection import make_engine, one_line
from fixturesynth.schema.lexing import split_statements, tokenize
from fixturesynth.schema.model import Dialect, Schema
from fixturesynth.schema.script import read_script

__all__ = ["guess_dialect", "read_sql_file", "split_statements"]

DIALECT_NAMES: Mapping[str, Dialect] = {
    "pg": "postgresql",
    "pgsql": "postgresql",
    "psql": "postgresql",
    "postgres": "postgresql",
    "postgresql": "postgresql",
    "mysql": "mysql",
    "mariadb": "mysql",
    "sqlite": "sqlite",
    "sqlite3": "sqlite",
    "duckdb": "duckdb",
}
# What gives a script away, and how much; the dialect with the highest sum is taken.
HINTS: Sequence[tuple[Dialect, int, str]] = (
    ("postgresql", 3, r"\bCREATE\s+(EXTENSION|DOMAIN)\b|\bplpgsql\b|^\\(connect|restrict)|\bALTER\s+TABLE\s+ONLY\b"),
    ("postgresql", 3, r"::\w+|\$\$|\bpg_catalog\b|\b(big|small)?serial\b|\bCREATE\s+TYPE\s+\S+\s+AS\s+ENUM\b"),
    ("postgresql", 2, r"\b(timestamptz|jsonb|bytea|character varying|tsvector|nextval|uuid)\b|\bUSING\s+gist\b"),
    ("mysql", 3, r"\bENGINE\s*=|\bAUTO_INCREMENT\b|/\*!\d+|^\s*DELIMITER\b|\bCHARSET\b|\bunsigned\b"),
    ("mysql", 2, r"`\w|\b(tiny|medium|long)(text|blob|int)\b|\b(enum|set)\s*\('|^\s*(UNIQUE\s+)?KEY\s+`?\w+`?\s*\(\D"),
    ("sqlite", 3, r"\bAUTOINCREMENT\b|\bWITHOUT\s+ROWID\b|\bPRAGMA\b|\bsqlite_\w+|\)\s*STRICT\b|\bUSING\s+fts\d"),
    ("sqlite", 1, r"\[\w+\]|\bCREATE\s+TABLE\b|\bINTEGER\s+PRIMARY\s+KEY\b"),
    ("duckdb", 3, r"\b(HUGEINT|UBIGINT|UINTEGER|USMALLINT|UTINYINT|STRUCT\s*\(|MAP\s*\()"),
)


def guess_dialect(text: str, name: str = "") -> Dialect:
    """The dialect of a script: by the name's own word (``shop.pg.sql``), else by what is in it.

    >>> guess_dialect("", "shop.mysql.sql"), guess_dialect("CREATE TABLE t (id serial, at timestamptz)")
    ('mysql', 'postgresql')
    >>> guess_dialect("CREATE TABLE t (\\nkey varchar(6))"), guess_dialect("CREATE TABLE t (\\nid int,\\nKEY k (id))")
    ('sqlite', 'mysql')
    """
    for part in reversed(name.lower().split(".")[1:-1]):
        if part in DIALECT_NAMES:
            return DIALECT_NAMES[part]
    scores = dict.fromkeys(("postgresql", "mysql", "sqlite", "duckdb"), 0)
    for dialect, weight, hint in HINTS:
        if re.search(hint, text, re.IGNORECASE | re.MULTILINE):
            scores[dialect] += weight
    return cast(Dialect, max(scores, key=lambda dialect: scores[dialect]))


def read_sql_file(path: Path, dialect: str | None = None) -> Schema:
    """The ``Schema`` that the script at ``path`` declares; what could not be read is in ``not_understood``.

    Raises:
        SourceError: no such file, not text, unknown dialect, or no table in it.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise SourceError(f"cannot read {str(path)!r}: {error.strerror}; check the path") from error
    text = decoded(data, path)
    if dialect is not None and dialect not in DIALECT_NAMES:
        known = did_you_mean(dialect, {d for d in get_args(Dialect) if d != "generic"})
        raise SourceError(f"unknown dialect {dialect!r} for {str(path)!r}; {known}")
    chosen = DIALECT_NAMES[dialect] if dialect else guess_dialect(text, path.name)
    scratch = SCRATCHES.get(chosen)
    where = scratch.server() if scratch else None
    schema = load(text, scratch, where) if scratch and where is not None else read_script(text, chosen)
    if not schema.tables:
        cause = f": {schema.not_understood[0]}" if schema.not_understood else ""
        raise SourceError(
            f"no table in {str(path)!r} (read as {chosen}){cause}; name another dialect if it is not that"
        )
    return schema


def decoded(data: bytes, path: Path) -> str:
    encoding = "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError:
        text = data.decode("latin-1")
    if "\0" in text:
        raise SourceError(
            f"{str(path)!r} is not an SQL script: it holds binary data; name a .sql file or a database URL"
        )
    return text


@dataclass(frozen=True)
class Scratch:
    """How a dialect's scratch database is made, filled, read and dropped."""

    dialect: Dialect
    variable: str | None  # environment variable with the server's URL; None: in memory
    create: str
    drop: str
    prepare: tuple[str, ...]
    reader: Callable[[Connection, Sequence[str] | None], Schema]

    def server(self) -> str | None:
        return os.environ.get(self.variable) or None if self.variable else "sqlite://"


SCRATCHES: Mapping[str, Scratch] = {
    "sqlite": Scratch("sqlite", None, "", "", (), read_sqlite),
    "postgresql": Scratch(
        "postgresql",
        "FIXTURESYNTH_SCRATCH_POSTGRESQL",
        "CREATE DATABASE {} TEMPLATE template0 ENCODING 'UTF8'",
        "DROP DATABASE IF EXISTS {} WITH (FORCE)",
        ("SET synchronous_commit = off",),
        read_postgresql,
    ),
    "mysql": Scratch(
        "mysql",
        "FIXTURESYNTH_SCRATCH_MYSQL",
        "CREATE DATABASE {} CHARACTER SET utf8mb4",
        "DROP DATABASE IF EXISTS {}",
        ("SET foreign_key_checks = 0",),
        read_mysql,
    ),
}
# Only what makes tables is run, and nothing that reaches beyond the scratch database.
RUN = frozenset({"CREATE", "ALTER", "COMMENT", "SET", "DROP"})
BEYOND = frozenset({"DATABASE", "ROLE", "USER", "TABLESPACE", "SERVER", "SUBSCRIPTION", "GLOBAL", "PERSIST", "SYSTEM"})
PASSWORD_OR_OWNER = frozenset({"OWNER", "AUTHORIZATION", "PASSWORD"})


def load(text: str, scratch: Scratch, server: str) -> Schema:
    """Run the script in a scratch database and reflect that; statements that fail are listed."""
    with scratch_database(scratch, server) as connection:
        for statement in scratch.prepare:
            connection.exec_driver_sql(statement)
        failed = run(connection, [s for s in split_statements(text, scratch.dialect) if wanted(s, scratch.dialect)])
        # What SET changed while loading, such as search_path, must not change what is the default schema.
        if scratch.variable:
            with connection.engine.connect() as fresh:
                schema = scratch.reader(fresh, None)
        else:
            schema = scratch.reader(connection, None)
    return replace(schema, name=None, not_understood=(*schema.not_understood, *failed)) if failed else schema


def wanted(statement: str, dialect: str) -> bool:
    words = [t.word for t in tokenize(statement[:400], dialect)]
    words = words[1:] if words[:1] == [";"] else words
    return words[:1] != [] and words[0] in RUN and not BEYOND.intersection(words[1:3]) and "OWNER" not in words[:8]


@contextmanager
def scratch_database(scratch: Scratch, server: str) -> Iterator[Connection]:
    name = f"fixturesynth_scratch_{uuid.uuid4().hex[:16]}"
    engine = make_engine(server)
    if not scratch.create:
        with engine.connect() as connection:
            yield connection
        engine.dispose()
        return
    execute(engine, scratch.create.format(name))
    inside = sa.create_engine(engine.url.set(database=name), isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
    try:
        with inside.connect() as connection:
            yield connection
    finally:
        inside.dispose()
        execute(engine, scratch.drop.format(name))
        engine.dispose()


def execute(engine: sa.Engine, statement: str) -> None:
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql(statement)


def runs(connection: Connection, statement: str) -> str | None:
    """Run ``statement`` as it stands; why it failed, or None."""
    cursor = connection.connection.cursor()
    try:
        cursor.execute(statement)  # without parameters: the driver leaves percent signs and colons alone
    except connection.dialect.loaded_dbapi.Error as error:
        return one_line(error)
    finally:
        cursor.close()
    return None


def run(connection: Connection, statements: list[str]) -> list[str]:
    """Run all; those that fail are tried again while that helps: a script may name tables before it makes them."""
    if connection.dialect.name == "postgresql" and runs(connection, ";\n".join(statements)) is None:
        return []  # all at once, in the one transaction that the server makes of them
    while statements:
        failed: list[tuple[str, str]] = []
        for statement in statements:
            if (cause := runs(connection, statement)) is not None:
                failed.append((statement, cause))
        if len(failed) == len(statements):
            return [f"statement: {' '.join(s.split())[:100]}: {cause}" for s, cause in failed]
        statements = [statement for statement, _ in failed]
    return []
