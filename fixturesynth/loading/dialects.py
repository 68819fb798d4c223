"""How each database is loaded: differences as data, one ``Dialect`` record each."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import Connection

from fixturesynth.loading.copy import copy_rows, copy_together, set_sequences
from fixturesynth.loading.destination import Destination, Together, Way
from fixturesynth.loading.executemany import core_rows, prepared_rows
from fixturesynth.loading.infile import load_rows
from fixturesynth.loading.registration import registered_rows

__all__ = ["DIALECTS", "Dialect", "dialect_of"]


@dataclass(frozen=True)
class Dialect:
    """One database's way of taking rows.

    ``references`` is what happens to foreign keys while rows arrive:

    - ``"after"``: tables made by this load get their keys when all rows are there; tables that were there check each
      statement, unless the constraint is deferrable;
    - ``"deferred"``: all are checked at the end of the transaction, at a price where children come first;
    - ``"unchecked"``: none is checked, so each is audited before the commit;
    - ``"live"``: each statement is checked, and what could not be declared is audited.
    """

    name: str  # FixtureSynth's name; ``schema.targets`` has a record of the same name
    rows: Way
    references: Literal["after", "deferred", "unchecked", "live"]
    begin: tuple[str, ...] = ()  # statements at the start of the transaction
    end: tuple[str, ...] = ()  # statements before the commit
    before_drop: tuple[str, ...] = ()  # statements before tables of a failed load are dropped
    hold: str | None = None  # keeps others from a table while it is looked at and dropped
    release: str | None = None
    detach: bool = False  # the session's settings outlive the transaction
    transactional_ddl: bool = True
    empty: str = "DELETE FROM {}"
    empty_together: bool = False  # one statement empties all tables
    numbers: Callable[[Connection, Sequence[Destination]], None] | None = None
    asks_together: bool = True  # answers many questions in one SELECT without FROM
    own_rows: Literal["statement", "row"] | None = None  # what a row references in its own table must come earlier
    update: str = "UPDATE {table} AS t SET {sets} FROM {source} AS s WHERE {matches}"
    temporary: str = "CREATE TEMPORARY TABLE {source} AS SELECT {columns} FROM {table} WHERE 1 = 0"
    connect: Mapping[str, str] | None = None  # added to the URL's query
    together: Together | None = None  # fills tables that require each other; checked when all of them are filled


POSTGRESQL = Dialect(
    "postgresql",
    copy_rows,
    "after",
    begin=(
        "SET LOCAL timezone = 'UTC'",
        "SET LOCAL datestyle = 'ISO, YMD'",
        "SET LOCAL client_encoding = 'UTF8'",
        "SET LOCAL bytea_output = 'hex'",
        "SET CONSTRAINTS ALL DEFERRED",
    ),
    end=("SET CONSTRAINTS ALL IMMEDIATE",),
    empty="TRUNCATE {}",
    empty_together=True,
    numbers=set_sequences,
    together=copy_together,
)
MYSQL = Dialect(
    "mysql",
    load_rows,
    "unchecked",
    begin=(
        "SET SESSION time_zone = '+00:00'",
        # Rows are taken as they are: 0 is a number, not "the next one"; dates like 0000-00-00 were in the source too.
        "SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_AUTO_VALUE_ON_ZERO,NO_ENGINE_SUBSTITUTION'",
        "SET SESSION foreign_key_checks = 0",
        "SET SESSION unique_checks = 1",
        "START TRANSACTION",
    ),
    before_drop=("SET SESSION foreign_key_checks = 0",),
    hold="LOCK TABLES {} WRITE",
    release="UNLOCK TABLES",
    detach=True,
    transactional_ddl=False,
    connect={"local_infile": "1"},
)
SQLITE = Dialect("sqlite", prepared_rows, "deferred", begin=("PRAGMA defer_foreign_keys = ON",), own_rows="row")
DUCKDB = Dialect("duckdb", registered_rows, "live", own_rows="statement")
GENERIC = Dialect("generic", core_rows, "live", transactional_ddl=False, asks_together=False, own_rows="statement")

DIALECTS: Mapping[str, Dialect] = {
    "postgresql": POSTGRESQL,
    "mysql": MYSQL,
    "mariadb": MYSQL,
    "sqlite": SQLITE,
    "duckdb": DUCKDB,
}


def dialect_of(sqlalchemy_name: str) -> Dialect:
    """The record for SQLAlchemy's dialect of this name; a general one for those that FixtureSynth has none for.

    >>> dialect_of("mariadb").name, dialect_of("oracle").name
    ('mysql', 'generic')
    """
    return DIALECTS.get(sqlalchemy_name, GENERIC)
