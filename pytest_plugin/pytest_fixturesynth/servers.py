"""Databases of each kind: filled once as a template, then copied for a worker or a test, and dropped.

A difference between databases is a ``Server`` record; what fills a template is the same for all.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import URL, Engine

from fixturesynth.errors import InputError
from fixturesynth.loading.guard import check_target
from fixturesynth.schema.connection import as_url, make_engine
from pytest_fixturesynth.leftovers import forget, note
from pytest_fixturesynth.transactions import held_engine, sqlite_memory

__all__ = ["Copy", "Server", "drop_database", "server_of"]

DONE = "fixturesynth: filled"  # what says that a template was filled to its end


@dataclass(frozen=True)
class Copy:
    """A filled database of one worker or test. ``url``: where others reach it; None for one in memory.

    ``engine`` has one connection, ``raw``, which can be held. ``reset``: a statement that puts back what a rollback
    does not (sequences).
    """

    engine: Engine
    raw: Any
    url: URL | None
    drop: Callable[[], None]
    reset: str | None = None


@dataclass(frozen=True)
class Server:
    """``has``: whether a filled template of this name is there. ``make``: an empty one, to be filled through the engine
    and then finished. ``copy``: a copy of it under another name."""

    dialect: str
    has: Callable[[str], bool]
    make: Callable[[str], contextlib.AbstractContextManager[Engine]]
    copy: Callable[[str, str], Copy]
    drop: Callable[[str], None]


def server_of(database: str, folder: Path, kept: Path | None) -> Server:
    """The kind of databases that ``database`` names.

    ``folder``: the run's own; ``kept``: where files of templates outlive the run, None when they should not.
    """
    if database in ("sqlite", "sqlite://", "sqlite:///:memory:"):
        return _sqlite(kept or folder)
    if database in ("duckdb", "duckdb://", "duckdb:///:memory:"):
        return _duckdb(kept or folder, folder)
    url = as_url(database)
    name = url.get_backend_name()
    if name == "postgresql":
        return _postgresql(url, folder, kept is not None)
    if name in ("mysql", "mariadb"):
        return _mysql(url, folder, kept is not None)
    raise InputError(
        "fixturesynth_database: test databases are made in sqlite, duckdb, or on a PostgreSQL, MySQL or MariaDB "
        f"server, however: {database!r}"
    )


def unfinished(path: Path) -> Path:
    return path.with_name(f"{path.name}.{os.getpid()}")


# -- files ------------------------------------------------------------------------------------------------------------
@contextmanager
def _file(path: Path, scheme: str) -> Iterator[Engine]:
    """An engine of a file that takes its name when it is filled."""
    path.parent.mkdir(parents=True, exist_ok=True)
    started = unfinished(path)
    started.unlink(missing_ok=True)
    engine = make_engine(f"{scheme}:///{started}")
    try:
        yield engine
        engine.dispose()
        started.replace(path)
    finally:
        engine.dispose()
        for left in path.parent.glob(f"{started.name}*"):
            left.unlink(missing_ok=True)


def _sqlite(folder: Path) -> Server:
    def template(name: str) -> Path:
        return folder / f"{name}.sqlite"

    def copy(name: str, new: str) -> Copy:
        memory = sqlite_memory()
        with closing(sqlite3.connect(template(name))) as source:
            source.backup(memory)
        engine, _ = held_engine(URL.create("sqlite"), memory)
        return Copy(engine, memory, None, memory.close)

    return Server(
        "sqlite",
        lambda name: template(name).is_file(),
        lambda name: _file(template(name), "sqlite"),
        copy,
        lambda name: template(name).unlink(missing_ok=True),
    )


def _duckdb(folder: Path, own: Path) -> Server:
    def template(name: str) -> Path:
        return folder / f"{name}.duckdb"

    def copy(name: str, new: str) -> Copy:
        own.mkdir(parents=True, exist_ok=True)
        path = own / f"{new}.duckdb"
        shutil.copyfile(template(name), path)
        url = as_url(f"duckdb:///{path}")
        engine, raw = held_engine(url)

        def drop() -> None:
            raw.close()
            path.unlink(missing_ok=True)

        return Copy(engine, raw, url, drop)

    return Server(
        "duckdb",
        lambda name: template(name).is_file(),
        lambda name: _file(template(name), "duckdb"),
        copy,
        lambda name: template(name).unlink(missing_ok=True),
    )


# -- servers ----------------------------------------------------------------------------------------------------------
@contextmanager
def _administering(url: URL) -> Iterator[sa.Connection]:
    engine = make_engine(url)
    try:
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            yield connection
    finally:
        engine.dispose()


@contextmanager
def _filled(url: URL) -> Iterator[Engine]:
    engine = make_engine(url)
    try:
        yield engine
    finally:
        engine.dispose()


def _shown(url: URL) -> str:
    return url.render_as_string(hide_password=False)


def drop_database(server: str, name: str) -> None:
    """Drop a database by name, with whoever is connected to it; nothing where it is not there."""
    url = as_url(server)
    force = " WITH (FORCE)" if url.get_backend_name() == "postgresql" else ""
    quote = '"' if url.get_backend_name() == "postgresql" else "`"
    with _administering(url) as connection:
        connection.exec_driver_sql(f"DROP DATABASE IF EXISTS {quote}{name}{quote}{force}")


def _postgresql(url: URL, folder: Path, keeps: bool) -> Server:
    url = url if url.database else url.set(database="postgres")

    def has(name: str) -> bool:
        question = "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = %s"
        with _administering(url) as connection:
            return connection.exec_driver_sql(question, (name,)).scalar() == DONE

    @contextmanager
    def make(name: str) -> Iterator[Engine]:
        target = url.set(database=name)
        check_target(target)
        note(folder, _shown(url), name)
        with _administering(url) as connection:
            # Two runs that keep templates may want the same one.
            connection.exec_driver_sql("SELECT pg_advisory_lock(hashtext(%s))", (name,))
            connection.exec_driver_sql(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
            connection.exec_driver_sql(f"CREATE DATABASE \"{name}\" TEMPLATE template0 ENCODING 'UTF8'")
            with _filled(target) as engine:
                yield engine
            # A template that somebody is connected to cannot be copied.
            connection.exec_driver_sql(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
            connection.exec_driver_sql(f"COMMENT ON DATABASE \"{name}\" IS '{DONE}'")
        if keeps:
            forget(folder, name)

    def copy(name: str, new: str) -> Copy:
        note(folder, _shown(url), new)
        with _administering(url) as connection:
            connection.exec_driver_sql(f'CREATE DATABASE "{new}" TEMPLATE "{name}"')
        target = url.set(database=new)
        engine, raw = held_engine(target)

        def drop() -> None:
            raw.close()
            drop_database(_shown(url), new)
            forget(folder, new)

        return Copy(engine, raw, target, drop, _sequences(raw))

    def drop(name: str) -> None:
        drop_database(_shown(url), name)
        forget(folder, name)

    return Server("postgresql", has, make, copy, drop)


SEQUENCES = """
SELECT format('SELECT setval(%L::regclass, %s, %L::boolean) FROM %s WHERE last_value <> %s OR is_called <> %L::boolean',
              name, value, called, name, value, called)
FROM (SELECT format('%I.%I', schemaname, sequencename) AS name, coalesce(last_value, start_value) AS value,
             last_value IS NOT NULL AS called FROM pg_sequences) AS s
ORDER BY 1
"""


def _sequences(raw: Any) -> str | None:
    """What puts all sequences back to where they are now: a rollback does not.

    Those that have not moved are left alone, as setval writes to the log. It is rolled back itself: setval takes effect
    all the same, and nobody waits for the disk.
    """
    found = [statement for (statement,) in raw.execute(SEQUENCES).fetchall()]
    if not found:
        return None
    raw.send(f"PREPARE fixturesynth_reset AS {' UNION ALL '.join(found)}")
    return "BEGIN; EXECUTE fixturesynth_reset; ROLLBACK"


def _mysql(url: URL, folder: Path, keeps: bool) -> Server:
    url = url.set(database="") if url.database else url
    mark = "_fixturesynth_filled"

    def has(name: str) -> bool:
        question = "SELECT 1 FROM information_schema.tables WHERE table_schema = %s AND table_name = %s"
        with _administering(url) as connection:
            return connection.exec_driver_sql(question, (name, mark)).first() is not None

    @contextmanager
    def make(name: str) -> Iterator[Engine]:
        target = url.set(database=name)
        check_target(target)
        note(folder, _shown(url), name)
        with _administering(url) as connection:
            connection.exec_driver_sql("SELECT GET_LOCK(%s, 900)", (name[-60:],))
            connection.exec_driver_sql(f"DROP DATABASE IF EXISTS `{name}`")
            connection.exec_driver_sql(f"CREATE DATABASE `{name}` CHARACTER SET utf8mb4")
            with _filled(target) as engine:
                yield engine
            connection.exec_driver_sql(f"CREATE TABLE `{name}`.`{mark}` (id int)")
        if keeps:
            forget(folder, name)

    def copy(name: str, new: str) -> Copy:
        note(folder, _shown(url), new)
        with _administering(url) as connection:
            connection.exec_driver_sql(f"CREATE DATABASE `{new}` CHARACTER SET utf8mb4")
        with _administering(url.set(database=new)) as connection:
            _copied(connection, name, new, mark)
        target = url.set(database=new)
        engine, raw = held_engine(target)

        def drop() -> None:
            with contextlib.suppress(raw.Error):  # closed by the server already
                raw.close()
            drop_database(_shown(url), new)
            forget(folder, new)

        return Copy(engine, raw, target, drop)

    def drop(name: str) -> None:
        drop_database(_shown(url), name)
        forget(folder, name)

    return Server("mysql", has, make, copy, drop)


def _copied(connection: sa.Connection, name: str, new: str, mark: str) -> None:
    """Tables, rows, views and triggers of database ``name`` in database ``new``: MySQL has no templates."""
    ask = connection.exec_driver_sql
    ask("SET SESSION foreign_key_checks = 0")
    ask("SET SESSION sql_mode = 'NO_AUTO_VALUE_ON_ZERO'")
    listed = ask(f"SHOW FULL TABLES FROM `{name}`").all()
    for table, kind in listed:
        if kind == "BASE TABLE" and table != mark:
            statement = ask(f"SHOW CREATE TABLE `{name}`.`{table}`").one()[1]
            ask(statement.replace("%", "%%"))
            columns = ask(
                "SELECT column_name FROM information_schema.columns WHERE table_schema = %s AND table_name = %s "
                "AND generation_expression = '' ORDER BY ordinal_position" if not _mariadb(connection) else
                "SELECT column_name FROM information_schema.columns WHERE table_schema = %s AND table_name = %s "
                "AND is_generated = 'NEVER' ORDER BY ordinal_position",
                (name, table),
            ).scalars()  # fmt: skip
            named = ", ".join(f"`{c}`" for c in columns)
            ask(f"INSERT INTO `{new}`.`{table}` ({named}) SELECT {named} FROM `{name}`.`{table}`".replace("%", "%%"))
    for table, kind in listed:
        if kind == "VIEW":
            ask(ask(f"SHOW CREATE VIEW `{name}`.`{table}`").one()[1].replace(f"`{name}`.", "").replace("%", "%%"))
    for trigger in ask(f"SHOW TRIGGERS FROM `{name}`").all():
        ask(ask(f"SHOW CREATE TRIGGER `{name}`.`{trigger[0]}`").one()[2].replace(f"`{name}`.", "").replace("%", "%%"))


def _mariadb(connection: sa.Connection) -> bool:
    return bool(getattr(connection.dialect, "is_mariadb", False))
