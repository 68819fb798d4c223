"""``load``: a Dataset into a database, all of it or nothing."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import reduce
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import sqlalchemy as sa
from sqlalchemy import Connection, Engine

from fixturesynth.dataset import Dataset
from fixturesynth.errors import InputError, LoadError, did_you_mean
from fixturesynth.loading import manifest as manifests
from fixturesynth.loading.auditing import audit
from fixturesynth.loading.destination import Destination, driver_of, run
from fixturesynth.loading.dialects import Dialect, dialect_of
from fixturesynth.loading.guard import check_target
from fixturesynth.loading.ordering import rows_by_level
from fixturesynth.loading.preparing import LoadPlan, Mode, prepare
from fixturesynth.loading.wire import settle
from fixturesynth.schema.connection import as_url, make_engine, one_line
from fixturesynth.schema.ddl import table_name
from fixturesynth.schema.model import Column, Schema
from fixturesynth.schema.targets import quote_name

__all__ = ["LoadResult", "fill_tables", "load"]

Progress = Callable[[str, int, int], None]
SECOND_PASS = "_fixturesynth_later"


@dataclass(frozen=True)
class LoadResult:
    """What a load did, or with ``dry_run`` would do: rows of each table in load order, and what to know about it."""

    rows: Mapping[str, int]
    seconds: float
    notes: tuple[str, ...] = ()
    created: tuple[str, ...] = ()
    statements: tuple[str, ...] = field(default=(), repr=False)  # what created the tables


def load(
    data: Dataset,
    target: str | Engine,
    *,
    schema: Schema | None = None,
    order: Sequence[str] | None = None,
    later: Mapping[str, Sequence[str]] | None = None,
    mode: Mode = "create",
    allow_target: str | None = None,
    dry_run: bool = False,
    skip_columns: Mapping[str, Sequence[str]] | None = None,
    manifest: Mapping[str, Any] | None = None,
    progress: Progress | None = None,
    reflected: Schema | None = None,
) -> LoadResult:
    """Write every table of ``data`` into ``target``, in one transaction.

    A target without the tables gets them, as ``schema`` declares them; tables that are there are filled, once their
    columns are found to match.

    Args:
        order: tables, parents first; by default found from the target's foreign keys.
        later: table -> columns that are NULL at first and set when all rows are there (cycles of references).
        mode: what tables with rows mean: ``create`` refuses, ``append`` adds, ``truncate`` empties them first.
        allow_target: the target in full, to write where the guard would refuse.
        dry_run: decide and check everything, write nothing.
        skip_columns: table -> columns left to the database.
        manifest: left in the table ``_fixturesynth_manifest`` (see ``build_manifest``).
        progress: called with table, rows so far and rows in all.
        reflected: what ``reflect`` said of the target just now, so that its tables are not read again.

    Raises:
        GuardError: a target that may not be written to, or tables with rows.
        InputError: tables or columns that do not match.
        CycleError: references in a circle that neither the rows nor the target can wait for.
        LoadError: the database refused the rows or was lost; nothing was kept.
    """
    started = time.perf_counter()
    if mode not in ("create", "append", "truncate"):
        raise InputError(f"unknown mode {mode!r}: {did_you_mean(mode, ('create', 'append', 'truncate'))}")
    url = target.url if isinstance(target, Engine) else as_url(target)
    check_target(url, allow_target)
    dialect = dialect_of(url.get_backend_name())
    made_file = _file_to_be_made(url)
    engine = target if isinstance(target, Engine) else make_engine(url.update_query_dict(_options(dialect, url)))
    kept = False
    try:
        plan = prepare(
            data,
            engine,
            dialect,
            schema,
            order=order,
            later=later,
            mode=mode,
            skip=skip_columns or {},
            reflected=reflected,
        )
        rows = {name: data.arrow(name).num_rows for name in plan.order}
        statements = plan.creation.before + plan.creation.after if plan.creation else ()
        created = tuple(n for n in plan.order) if plan.creation else ()
        if not dry_run:
            _written(data, engine, dialect, plan, mode, manifest, progress)
            kept = True
    finally:
        if not isinstance(target, Engine):
            engine.dispose()
        if made_file is not None and not kept:
            made_file.unlink(missing_ok=True)
    return LoadResult(rows, time.perf_counter() - started, plan.notes, created, statements)


def _options(dialect: Dialect, url: sa.URL) -> dict[str, str]:
    wanted = dialect.connect or {}
    return {k: v for k, v in wanted.items() if k not in url.query and url.get_driver_name() == "pymysql"}


def _file_to_be_made(url: sa.URL) -> Path | None:
    """The database file that connecting will make, so that a load that fails can leave nothing behind."""
    if url.get_backend_name() not in ("sqlite", "duckdb") or url.database in (None, "", ":memory:"):
        return None
    path = Path(str(url.database))
    return None if path.exists() or str(path).startswith("file:") else path


def _written(
    data: Dataset,
    engine: Engine,
    dialect: Dialect,
    plan: LoadPlan,
    mode: Mode,
    manifest: Mapping[str, Any] | None,
    progress: Progress | None,
) -> None:
    made: list[str] = []
    with _told("the target", engine), engine.connect() as connection:
        if dialect.detach:
            connection.detach()  # its session settings must not live on in the pool
        try:
            with _transaction(connection, dialect):
                made += _tables_made(connection, dialect, plan, manifest is not None)
                for statement in dialect.begin:
                    run(connection, statement)
                if mode == "truncate" and not plan.creation:
                    _empty(connection, dialect, plan)
                fill_tables(connection, dialect, plan, data, progress)
                for statement in plan.creation.after if plan.creation else ():
                    run(connection, statement)
                if dialect.numbers:
                    dialect.numbers(connection, [_destination(plan, dialect, name) for name in plan.order])
                for statement in dialect.end:
                    run(connection, statement)
                audit(connection, dialect, plan.schema, plan.order)
                if manifest is not None:
                    manifests.write_manifest_row(connection, manifest, dialect.name)
        except BaseException:
            if not dialect.transactional_ddl:
                _drop(engine, dialect, plan, made)
            raise


def fill_tables(
    connection: Connection, dialect: Dialect, plan: LoadPlan, data: Dataset, progress: Progress | None = None
) -> None:
    """The rows of every table, then the references that had to wait; LoadError names the table that was refused."""
    engine = connection.engine
    joined = {name: group for group in plan.together for name in group}
    for name in plan.order:
        if name not in joined:
            with _told(f"table {name!r}", engine):
                _fill(connection, dialect, plan, name, data.arrow(name), progress)
        elif name == joined[name][0]:
            with _told(f"tables {', '.join(joined[name])}", engine):
                _fill_together(connection, dialect, plan, joined[name], data, progress)
    for name in plan.later:
        with _told(f"table {name!r}", engine):
            _set_later(connection, dialect, plan, name, data.arrow(name))


def _tables_made(connection: Connection, dialect: Dialect, plan: LoadPlan, with_manifest: bool) -> list[str]:
    """Create what is missing; quoted names of the tables that were not there before."""
    made = []
    if plan.creation:
        made = [table_name(table, dialect.name) for table in plan.schema]
        for statement in plan.creation.before:
            run(connection, statement)
    if with_manifest and not sa.inspect(connection).has_table(manifests.TABLE):
        made.append(quote_name(manifests.TABLE, dialect.name))
        for statement in manifests.manifest_creation(dialect.name).before:
            run(connection, statement)
    return made


@contextmanager
def _told(where: str, engine: Engine) -> Iterator[None]:
    """Whatever a driver raises as one line that names the table; nothing has been kept when it is raised."""
    driver_error: type[Exception] = engine.dialect.loaded_dbapi.Error
    try:
        yield
    except (sa.exc.SQLAlchemyError, driver_error, OSError, OverflowError, pa.ArrowException) as error:
        raise LoadError(f"{where}: {one_line(error)}; nothing was kept") from error


@contextmanager
def _transaction(connection: Connection, dialect: Dialect) -> Iterator[None]:
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


def _drop(engine: Engine, dialect: Dialect, plan: LoadPlan, made: Sequence[str]) -> None:
    """Take away what this load created, where creating has been a commit of its own."""
    if plan.creation is None and not made:
        return
    names = made or [table_name(table, dialect.name) for table in plan.schema]
    with engine.connect() as connection:
        connection.detach()
        for statement in dialect.before_drop:
            run(connection, statement)
        for name in reversed(names):
            run(connection, f"DROP TABLE IF EXISTS {name}")
        connection.commit()


def _empty(connection: Connection, dialect: Dialect, plan: LoadPlan) -> None:
    names = [table_name(plan.schema[name], dialect.name) for name in reversed(plan.order)]
    for listed in [", ".join(names)] if dialect.empty_together else names:
        run(connection, dialect.empty.format(listed))


def _destination(plan: LoadPlan, dialect: Dialect, name: str) -> Destination:
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


def _fill_together(
    connection: Connection,
    dialect: Dialect,
    plan: LoadPlan,
    names: Sequence[str],
    data: Dataset,
    progress: Progress | None,
) -> None:
    assert dialect.together is not None
    destinations = [_destination(plan, dialect, name) for name in names]
    dialect.together(connection, destinations, [_first_pass(plan, d, data.arrow(d.table.name)) for d in destinations])
    for name in names if progress is not None else ():
        rows = data.arrow(name).num_rows
        progress(name, rows, rows)  # type: ignore[misc]


def _fill(
    connection: Connection, dialect: Dialect, plan: LoadPlan, name: str, rows: pa.Table, progress: Progress | None
) -> None:
    destination = _destination(plan, dialect, name)
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


def _set_later(connection: Connection, dialect: Dialect, plan: LoadPlan, name: str, rows: pa.Table) -> None:
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
