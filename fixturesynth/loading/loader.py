"""``load``: a Dataset into a database, all of it or nothing."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection, Engine

from fixturesynth.dataset import Dataset
from fixturesynth.errors import InputError, did_you_mean
from fixturesynth.loading import manifest as manifests
from fixturesynth.loading.auditing import audit
from fixturesynth.loading.destination import run
from fixturesynth.loading.dialects import Dialect, dialect_of
from fixturesynth.loading.filling import Progress, destination_of, fill, told, transaction
from fixturesynth.loading.guard import check_target
from fixturesynth.loading.naming import names_in_target, with_names
from fixturesynth.loading.preparing import LoadPlan, Mode, prepare, present_tables, without_partitions
from fixturesynth.loading.resuming import BLOCK_ROWS, drop_ledger, load_in_blocks, refuse_unfinished
from fixturesynth.schema.connection import as_url, make_engine
from fixturesynth.schema.ddl import table_name
from fixturesynth.schema.model import Schema
from fixturesynth.schema.targets import quote_name

__all__ = ["LoadResult", "load"]


# Files that SQLite and DuckDB keep beside a database while they write to it.
BESIDE = ("-journal", "-wal", "-shm", ".wal")


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
    resume: bool = False,
    block_rows: int = BLOCK_ROWS,
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
        resume: commit in blocks of ``block_rows`` rows, each noted in a ledger, and go on where such a load was cut
            off; rows that are there stay when it fails.

    Raises:
        GuardError: a target that may not be written to, or tables with rows.
        InputError: tables or columns that do not match.
        CycleError: references in a circle that neither the rows nor the target can wait for.
        LoadError: the database refused the rows or was lost; nothing was kept.
    """
    started = time.perf_counter()
    if mode not in ("create", "append", "truncate"):
        raise InputError(f"unknown mode {mode!r}: {did_you_mean(mode, ('create', 'append', 'truncate'))}")
    if resume and mode != "create":
        raise InputError(f"resume goes on with what is there and cannot {mode}; drop one of the two")
    url = target.url if isinstance(target, Engine) else as_url(target)
    check_target(url, allow_target)
    if schema is not None and (held := without_partitions(data, schema)) is not data:
        data, order = held, order and [name for name in order if name in held]
        later = {name: columns for name, columns in (later or {}).items() if name in held}
    dialect = dialect_of(url.get_backend_name())
    made_file = _file_to_be_made(url)
    engine = target if isinstance(target, Engine) else make_engine(url.update_query_dict(_options(dialect, url)))
    kept = False
    try:
        short = _short_names(data, schema, dialect, engine)
        if short:
            data = Dataset({short.get(name, name): data.arrow(name) for name in data})
            schema = schema and with_names(schema, short)
            order = order and [short.get(name, name) for name in order]
            later, skip_columns = (
                {short.get(name, name): columns for name, columns in (given or {}).items()}
                for given in (later, skip_columns)
            )
        named = tuple(f"table {name}: called {other} there" for name, other in short.items())
        if resume and not dry_run:
            kept = True  # from the first block on
            plan, created = load_in_blocks(
                data, engine, dialect, schema, order=order, later=later, skip=skip_columns or {}, manifest=manifest,
                progress=progress, block_rows=block_rows,
            )  # fmt: skip
            rows = {name: data.arrow(name).num_rows for name in plan.order}
            return LoadResult(rows, time.perf_counter() - started, (*named, *plan.notes), created)
        if mode != "truncate" and not resume:
            refuse_unfinished(engine)
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
            for ending in ("", *BESIDE):
                made_file.with_name(made_file.name + ending).unlink(missing_ok=True)
    return LoadResult(rows, time.perf_counter() - started, (*named, *plan.notes), created, statements)


def _short_names(data: Dataset, schema: Schema | None, dialect: Dialect, engine: Engine) -> dict[str, str]:
    names = dict.fromkeys((*data, *(schema.names if schema else ())))
    schemas = {t.name: t.schema for t in schema or ()}
    return names_in_target(names, dialect.name, lambda: present_tables(engine), schemas)


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
    kept = False  # whether rows of this load may have been committed by a statement that changes tables
    with (
        told("the target", engine),
        engine.connect() as connection,
        told("the target", engine, connection=connection),
    ):
        if dialect.detach:
            connection.detach()  # its session settings must not live on in the pool
        try:
            with transaction(connection, dialect):
                _make_tables(connection, dialect, plan, manifest is not None, made)
                for statement in dialect.begin:
                    run(connection, statement)
                if mode == "truncate" and not plan.creation:
                    drop_ledger(connection, dialect)
                    _empty(connection, dialect, plan)
                fill(connection, dialect, plan, data, progress)
                for statement in plan.creation.after if plan.creation else ():
                    kept = True
                    run(connection, statement)
                if dialect.numbers:
                    dialect.numbers(connection, [destination_of(plan, dialect, name) for name in plan.order])
                for statement in dialect.end:
                    run(connection, statement)
                audit(connection, dialect, plan.schema, plan.order)
                if manifest is not None:
                    manifests.write_manifest_row(connection, manifest, dialect.name)
        except BaseException:
            if not dialect.transactional_ddl:
                _drop(engine, dialect, made, filled=kept)
            raise


def _make_tables(
    connection: Connection, dialect: Dialect, plan: LoadPlan, with_manifest: bool, made: list[str]
) -> None:
    """Create what is missing; quoted names of the tables go into ``made`` one by one, as each is there."""
    names = [table_name(plan.creation.schema[n], dialect.name) for n in plan.creation.order] if plan.creation else []
    for statement in plan.creation.before if plan.creation else ():
        run(connection, statement)
        made += [n for n in names if statement.startswith(f"CREATE TABLE {n} ")]
    if with_manifest and not sa.inspect(connection).has_table(manifests.TABLE):
        for statement in manifests.manifest_creation(dialect.name).before:
            run(connection, statement)
        made.append(quote_name(manifests.TABLE, dialect.name))


def _drop(engine: Engine, dialect: Dialect, made: Sequence[str], *, filled: bool) -> None:
    """Take away what this load created, where creating has been a commit of its own; others' tables stay.

    ``filled``: rows in them may be those of this load. Else they are those of another one, which found the tables
    there and fills them: they are its own now.
    """
    if not made:
        return
    with engine.connect() as connection:
        connection.detach()
        for statement in dialect.before_drop:
            run(connection, statement)
        for name in reversed(made):
            if dialect.hold and dialect.release:
                run(connection, dialect.hold.format(name))
            any_row: sa.Select[Any] = sa.select(sa.literal_column("1")).select_from(sa.text(name)).limit(1)
            if filled or connection.execute(any_row).first() is None:
                run(connection, f"DROP TABLE IF EXISTS {name}")
            if dialect.hold and dialect.release:
                run(connection, dialect.release)
        connection.commit()


def _empty(connection: Connection, dialect: Dialect, plan: LoadPlan) -> None:
    names = [table_name(plan.schema[name], dialect.name) for name in reversed(plan.order)]
    for listed in [", ".join(names)] if dialect.empty_together else names:
        run(connection, dialect.empty.format(listed))
