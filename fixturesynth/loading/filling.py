"""Rows into tables that are there: one transaction, and every way in which a plan fills a table within it."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import reduce
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import sqlalchemy as sa
from sqlalchemy import Connection, Engine

from fixturesynth.dataset import Dataset
from fixturesynth.errors import LoadError
from fixturesynth.loading.destination import Destination, driver_of, run
from fixturesynth.loading.dialects import Dialect
from fixturesynth.loading.ordering import rows_by_level
from fixturesynth.loading.preparing import LoadPlan
from fixturesynth.loading.wire import settle
from fixturesynth.schema.connection import one_line
from fixturesynth.schema.ddl import table_name
from fixturesynth.schema.model import Column
from fixturesynth.schema.targets import quote_name

__all__ = ["Progress", "destination_of", "fill", "fill_table", "fill_together", "set_later", "told", "transaction"]

Progress = Callable[[str, int, int], None]
AGAIN = "run it again; with --resume (resume=True) rows are committed in blocks and a new run goes on behind them"
SECOND_PASS = "_fixturesynth_later"


@contextmanager
def told(
    where: str, engine: Engine, kept: str = "nothing was kept", connection: Connection | None = None
) -> Iterator[None]:
    """Whatever a driver raises as one line that names the table, and says what has been ``kept``.

    ``connection``: where its loss is told as such, with the way out.
    """
    driver_error: type[Exception] = engine.dialect.loaded_dbapi.Error
    try:
        yield
    except (sa.exc.SQLAlchemyError, driver_error, OSError, OverflowError, pa.ArrowException) as error:
        said = f"{where}: {one_line(error)}; {kept}"
        if connection is not None and _is_lost(connection, error):
            said += f"; the connection was lost: {AGAIN}"
        raise LoadError(said) from error


def _is_lost(connection: Connection, error: Exception) -> bool:
    """Whether the error is the end of the connection, as SQLAlchemy's dialect judges."""
    if connection.invalidated or getattr(error, "connection_invalidated", False):
        return True
    origin: Any = getattr(error, "orig", None) or error
    lost: bool = connection.dialect.is_disconnect(origin, driver_of(connection), None)
    return lost


@contextmanager
def transaction(connection: Connection, dialect: Dialect) -> Iterator[None]:
    """One transaction around everything; SQLite's driver and its switch for foreign keys need their own ways."""
    begin = _SESSIONS.get(dialect.name, _plain_session)
    with begin(connection):
        connection.begin()  # bulk ways speak to the driver, which SQLAlchemy does not take for a beginning
        try:
            yield
            connection.commit()
        except BaseException:
            _rolled_back(connection)
            raise


@contextmanager
def _plain_session(connection: Connection) -> Iterator[None]:
    yield


@contextmanager
def _sqlite_session(connection: Connection) -> Iterator[None]:
    driver = driver_of(connection)
    isolation = driver.isolation_level
    enforced = driver.execute("PRAGMA foreign_keys").fetchone()[0]
    driver.execute("PRAGMA foreign_keys = ON")
    driver.isolation_level = None  # else the driver begins a transaction only at the first INSERT, after the tables
    driver.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        driver.isolation_level = isolation
        driver.execute(f"PRAGMA foreign_keys = {enforced}")


_SESSIONS = {"sqlite": _sqlite_session}


def _rolled_back(connection: Connection) -> None:
    """Roll back; a connection that is lost has been rolled back by its server."""
    try:
        connection.rollback()
    except (sa.exc.SQLAlchemyError, OSError):
        connection.invalidate()


def fill(
    connection: Connection,
    dialect: Dialect,
    plan: LoadPlan,
    data: Dataset,
    progress: Progress | None = None,
) -> None:
    """The rows of every table, then the references that had to wait; LoadError names the table that was refused."""
    engine = connection.engine
    joined = {name: group for group in plan.together for name in group}
    for name in plan.order:
        if name not in joined:
            with told(f"table {name!r}", engine, connection=connection):
                fill_table(connection, dialect, plan, name, data.arrow(name), progress)
        elif name == joined[name][0]:
            with told(f"tables {', '.join(joined[name])}", engine, connection=connection):
                fill_together(connection, dialect, plan, joined[name], data, progress)
    for name in plan.later:
        with told(f"table {name!r}", engine, connection=connection):
            set_later(connection, dialect, plan, name, data.arrow(name))


def destination_of(plan: LoadPlan, dialect: Dialect, name: str) -> Destination:
    return Destination(plan.schema[name], plan.columns[name], dialect.name)


def _settled(rows: pa.Table, columns: Sequence[Column], table: str) -> pa.Table:
    return pa.table([settle(rows.column(c.name), c, table) for c in columns], names=[c.name for c in columns])


def _first_pass(plan: LoadPlan, destination: Destination, rows: pa.Table) -> pa.Table:
    """The rows as they are written at first: what is set later is NULL."""
    name = destination.table.name
    whole = _settled(rows, destination.columns, name)
    for column in plan.later.get(name, ()):
        position = whole.column_names.index(column)
        whole = whole.set_column(position, column, pa.nulls(whole.num_rows, whole.column(column).type))
    return whole


def fill_together(
    connection: Connection,
    dialect: Dialect,
    plan: LoadPlan,
    names: Sequence[str],
    data: Dataset,
    progress: Progress | None,
) -> None:
    assert dialect.together is not None
    destinations = [destination_of(plan, dialect, name) for name in names]
    dialect.together(connection, destinations, [_first_pass(plan, d, data.arrow(d.table.name)) for d in destinations])
    for name in names if progress is not None else ():
        rows = data.arrow(name).num_rows
        progress(name, rows, rows)  # type: ignore[misc]


def fill_table(
    connection: Connection, dialect: Dialect, plan: LoadPlan, name: str, rows: pa.Table, progress: Progress | None
) -> None:
    destination = destination_of(plan, dialect, name)
    whole = _first_pass(plan, destination, rows)
    pieces = [whole]
    if dialect.own_rows:
        pieces = rows_by_level(whole, plan.schema[name], statements=dialect.own_rows == "statement")
    written = 0
    for piece in pieces:
        before = written

        def done(count: int, before: int = before) -> None:
            if progress is not None:
                progress(name, before + count, whole.num_rows)

        if piece.num_rows:
            dialect.rows(connection, destination, piece, done)
        written += piece.num_rows
    if progress is not None and not whole.num_rows:
        progress(name, 0, 0)


def set_later(connection: Connection, dialect: Dialect, plan: LoadPlan, name: str, rows: pa.Table) -> None:
    """The second pass: references that had to wait, by one UPDATE joined on the primary key."""
    waiting = [c for c in plan.later.get(name, ()) if c in rows.column_names]
    table = plan.schema[name]
    if not waiting or table.primary_key is None:
        return
    key = table.primary_key.columns
    columns = tuple(table.column(c) for c in (*key, *waiting))
    chosen = _settled(rows, columns, name)
    some = reduce(pc.or_, (pc.is_valid(chosen.column(column)) for column in waiting))
    source = Destination(replace(table, name=SECOND_PASS, schema=None), columns, dialect.name)
    quoted = {c.name: quote_name(c.name, dialect.name) for c in columns}
    own = table_name(table, dialect.name)
    run(connection, dialect.temporary.format(source=source.name, columns=source.column_list, table=own))
    dialect.rows(connection, source, chosen.filter(some), lambda rows: None)
    sets = ", ".join(f"{quoted[c]} = s.{quoted[c]}" for c in waiting)
    matches = " AND ".join(f"t.{quoted[c]} = s.{quoted[c]}" for c in key)
    run(connection, dialect.update.format(table=own, source=source.name, sets=sets, matches=matches))
    run(connection, f"DROP TABLE {source.name}")
