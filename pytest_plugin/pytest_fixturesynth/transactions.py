"""Drivers' connections whose commits can be held: inside of an outer transaction they become savepoints.

SQLAlchemy begins, commits and rolls back as always; the connection counts how deep it is. That also covers code that
opens its own connections and sessions on the engine, and SQLite's driver, which would otherwise begin and commit by
itself (https://docs.sqlalchemy.org/en/20/dialects/sqlite.html#sqlite-transactions).
"""

from __future__ import annotations

import sqlite3
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import URL, Engine

__all__ = ["HELD", "held_engine", "sqlite_memory"]


class Held:
    """Mixed into a driver's connection, which must be in the driver's autocommit mode. ``levels``: open savepoints."""

    levels: list[str]
    savepoints = True
    ending = False  # all will be rolled back at once, so nothing inside needs to be

    def send(self, statement: str) -> None:
        cursor = self.cursor()  # type: ignore[attr-defined]
        cursor.execute(statement)
        cursor.close()

    def hold(self) -> int:
        """Begin an outer transaction (or one inside of it); the depth that ``let_go`` takes."""
        self.enter()
        return len(self.levels)

    def let_go(self, depth: int, reset: str | None = None) -> None:
        """Roll back to before the ``hold`` that gave ``depth``, whatever was begun since.

        ``reset``: statements that put back what a rollback does not, when it is the outermost one.
        """
        self.ending = False
        if depth == 1 or not self.savepoints:
            self.levels.clear()
            self.send("ROLLBACK" if reset is None else f"ROLLBACK; {reset}")
        elif len(self.levels) >= depth:
            name = self.levels[depth - 1]
            del self.levels[depth - 1 :]
            self.back_to(name)

    def back_to(self, name: str) -> None:
        self.send(f"ROLLBACK TO SAVEPOINT {name}")
        self.send(f"RELEASE SAVEPOINT {name}")

    def enter(self) -> None:
        name = f"fixturesynth_{len(self.levels)}"
        if not self.levels:
            self.send("BEGIN")
        elif self.savepoints:
            self.send(f"SAVEPOINT {name}")
        self.levels.append(name)

    def commit(self) -> None:
        if not self.levels:
            return
        name = self.levels.pop()
        if not self.levels:
            self.send("COMMIT")
        elif self.savepoints:
            self.send(f"RELEASE SAVEPOINT {name}")

    def rollback(self) -> None:
        if not self.levels or self.ending:
            return
        name = self.levels.pop()
        if not self.levels:
            self.send("ROLLBACK")
        elif self.savepoints:
            self.back_to(name)
        else:
            self.send("ROLLBACK")  # all of it: there is nothing smaller
            self.send("BEGIN")


class HeldSQLite(Held, sqlite3.Connection):
    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.levels = []

    def send(self, statement: str) -> None:
        sqlite3.Connection.execute(self, statement)


def sqlite_memory() -> HeldSQLite:
    """A new database in memory that any thread may use, with foreign keys on."""
    made: HeldSQLite = sqlite3.connect(":memory:", factory=HeldSQLite, isolation_level=None, check_same_thread=False)
    made.send("PRAGMA foreign_keys = ON")
    return made


def _psycopg(arguments: list[Any], options: dict[str, Any]) -> Any:
    import psycopg

    class HeldPsycopg(Held, psycopg.Connection[Any]):
        def back_to(self, name: str) -> None:
            self.send(f"ROLLBACK TO SAVEPOINT {name}; RELEASE SAVEPOINT {name}")  # one way to the server and back

    made = HeldPsycopg.connect(*arguments, **options, autocommit=True)
    made.levels = []
    return made


def _pymysql(arguments: list[Any], options: dict[str, Any]) -> Any:
    from pymysql.connections import Connection

    class HeldPyMySQL(Held, Connection):  # type: ignore[misc]
        pass

    made = HeldPyMySQL(*arguments, **{**options, "autocommit": True})
    made.levels = []
    return made


def _duckdb(arguments: list[Any], options: dict[str, Any]) -> Any:
    import duckdb
    from duckdb_engine import ConnectionWrapper

    class HeldDuckDB(Held, ConnectionWrapper):
        savepoints = False

        def begin(self) -> None:
            """SQLAlchemy's dialect calls this; the engine's event has begun already."""

    made = HeldDuckDB(duckdb.connect(options["database"]))
    made.levels = []
    return made


HELD = {"psycopg": _psycopg, "pymysql": _pymysql, "duckdb_engine": _duckdb}


def held_engine(url: URL, connection: Any = None) -> tuple[Engine, Any]:
    """An engine with one connection, which can be held, and that connection.

    ``connection``: an SQLite one that is there already; else one is made for ``url``.
    """
    engine: Engine
    if connection is None:
        plain = sa.create_engine(url)
        arguments, options = plain.dialect.create_connect_args(url)
        connection = HELD[plain.dialect.driver](list(arguments), dict(options))
    engine = sa.create_engine(url, creator=lambda: connection, poolclass=sa.pool.StaticPool, pool_reset_on_return=None)
    sa.event.listen(engine, "begin", lambda made: made.connection.dbapi_connection.enter())
    with engine.connect():
        pass  # the dialect asks for versions and rolls back when it first connects: not inside of a held transaction
    return engine, connection
