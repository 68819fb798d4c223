"""A load that can go on after it was cut off: block by block, each committed together with its line in a ledger.

The ledger is the table ``_fixturesynth_blocks``. Its first line says which rows are being loaded (plan, seed, what they
hold) and how far the tables are; every further line is one block whose rows are there. It goes with the last commit.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection, Engine
from sqlalchemy import text as sql_text

from fixturesynth.dataset import Dataset
from fixturesynth.errors import GuardError, InputError
from fixturesynth.loading import manifest as manifests
from fixturesynth.loading.auditing import audit
from fixturesynth.loading.destination import run
from fixturesynth.loading.dialects import Dialect
from fixturesynth.loading.filling import (
    Progress,
    destination_of,
    fill_table,
    fill_together,
    set_later,
    told,
    transaction,
)
from fixturesynth.loading.preparing import LoadPlan, Mode, prepare
from fixturesynth.schema.ddl import creation, table_name
from fixturesynth.schema.model import Column, ColumnType, PrimaryKey, Schema, Table
from fixturesynth.schema.targets import quote_name
from fixturesynth.schema.translation import translate

__all__ = ["BLOCK_ROWS", "drop_ledger", "load_in_blocks", "refuse_unfinished"]

TABLE = "_fixturesynth_blocks"
BLOCK_ROWS = 65_536

LEDGER = Schema(
    (
        Table(
            TABLE,
            (
                Column("id", ColumnType("integer", "bigint", bits=64), nullable=False),
                Column("entry", ColumnType("text", "text"), nullable=False),
            ),
            primary_key=PrimaryKey(("id",)),
        ),
    )
)
AGAIN = "begin again with --truncate (mode='truncate') or in an empty database"


@dataclass(frozen=True)
class Block:
    """Rows that come and are committed together: of one table from ``start``, or of whole tables."""

    tables: Mapping[str, int]  # rows of each
    start: int = 0
    later: bool = False  # the second pass, which sets references of rows that are there

    def entry(self) -> str:
        return json.dumps({"tables": dict(self.tables), "start": self.start, "later": self.later}, sort_keys=True)


def refuse_unfinished(engine: Engine) -> None:
    """GuardError where a load in blocks was cut off: what is there is a part of its rows."""
    with engine.connect() as connection:
        if _entries(connection):
            raise GuardError(f"the target holds a part of a load that was cut off: go on with --resume, or {AGAIN}")


def drop_ledger(connection: Connection, dialect: Dialect) -> None:
    run(connection, f"DROP TABLE IF EXISTS {quote_name(TABLE, dialect.name)}")


def load_in_blocks(
    data: Dataset,
    engine: Engine,
    dialect: Dialect,
    schema: Schema | None,
    *,
    order: Sequence[str] | None,
    later: Mapping[str, Sequence[str]] | None,
    skip: Mapping[str, Sequence[str]],
    manifest: Mapping[str, Any] | None,
    progress: Progress | None,
    block_rows: int = BLOCK_ROWS,
) -> tuple[LoadPlan, tuple[str, ...]]:
    """What of ``data`` is not there yet, and the plan; names of the tables that were created.

    Raises InputError where the ledger in the target is of other rows, GuardError where its tables were written to.
    """
    identity = _identity(data, manifest)

    def prepared(mode: Mode) -> LoadPlan:
        return prepare(data, engine, dialect, schema, order=order, later=later, mode=mode, skip=skip)

    with engine.connect() as connection:
        entries = _entries(connection)
    state = entries[0]["state"] if entries else None
    if entries:
        _same(identity, entries[0])
    if state == "creating":
        _drop_made(engine, dialect, entries[0]["creates"])
    created: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    if state in (None, "creating"):
        first = prepared("create")
        created = first.order if first.creation else ()
        _begin(engine, dialect, first, identity)
        notes = first.notes
    plan = prepared("append")
    with engine.connect() as connection:
        entries = _entries(connection)
    shape = _shape(plan)
    if entries[0].get("shape", shape) != shape:
        raise InputError(f"the target's tables are not as they were when the load was cut off; {AGAIN}")
    if "shape" not in entries[0]:
        _set_header(engine, dialect, {**entries[0], "shape": shape})
    _written(engine, dialect, plan, data, entries[1:], manifest, progress, block_rows)
    return replace(plan, notes=(*notes, *plan.notes)), created


def _identity(data: Dataset, manifest: Mapping[str, Any] | None) -> dict[str, Any]:
    told = manifest or {}
    return {
        "seed": told.get("seed"),
        "plan": told.get("plan_hash"),
        "rows": {name: data.content_hash(name) for name in data},
    }


def _same(identity: Mapping[str, Any], header: Mapping[str, Any]) -> None:
    """InputError that names what differs between the load in the ledger and this one."""
    other = header["identity"]
    differing = [what for what in ("seed", "plan", "rows") if identity[what] != other[what]]
    if "seed" in differing:
        raise InputError(
            f"the load that was cut off had seed {other['seed']}, this one has {identity['seed']}: "
            f"give --seed {other['seed']} to go on, or {AGAIN}"
        )
    if differing:
        what = "another plan" if "plan" in differing else "other rows"
        raise InputError(f"the load that was cut off had {what}: go on with the same source, rows and spec, or {AGAIN}")


def _shape(plan: LoadPlan) -> str:
    tables = [plan.schema[name] for name in sorted(plan.order)]
    return blake2b(repr(tables).encode(), digest_size=16).hexdigest()


def _entries(connection: Connection) -> list[dict[str, Any]]:
    """The ledger's lines, the header first; none where there is no ledger or nothing in it."""
    if not sa.inspect(connection).has_table(TABLE):
        return []
    table = connection.dialect.identifier_preparer.quote_identifier(TABLE)
    found = run(connection, f"SELECT entry FROM {table} ORDER BY id").scalars().all()
    return [json.loads(entry) for entry in found]


def _begin(engine: Engine, dialect: Dialect, plan: LoadPlan, identity: Mapping[str, Any]) -> None:
    """The ledger, and then the tables with every key: whatever is cut off in between can be told from it."""
    creating = plan.creation is not None
    names = [table_name(t, dialect.name) for t in plan.schema] if creating else []
    header = {"state": "creating" if creating else "filling", "identity": dict(identity), "creates": names}
    with told("the target", engine), engine.connect() as connection:
        if dialect.detach:
            connection.detach()
        with transaction(connection, dialect):
            drop_ledger(connection, dialect)
            for statement in creation(translate(LEDGER, dialect.name)).before:
                run(connection, statement)
            _noted(connection, dialect, 0, json.dumps(header))
        if plan.creation is None:
            return
        with transaction(connection, dialect):
            for statement in (*plan.creation.before, *plan.creation.after):
                run(connection, statement)
            _replaced(connection, dialect, {**header, "state": "filling"})


def _set_header(engine: Engine, dialect: Dialect, header: Mapping[str, Any]) -> None:
    with told("the target", engine), engine.connect() as connection, transaction(connection, dialect):
        _replaced(connection, dialect, header)


def _replaced(connection: Connection, dialect: Dialect, header: Mapping[str, Any]) -> None:
    run(connection, f"DELETE FROM {quote_name(TABLE, dialect.name)} WHERE id = 0")
    _noted(connection, dialect, 0, json.dumps(dict(header)))


def _drop_made(engine: Engine, dialect: Dialect, names: Sequence[str]) -> None:
    """Tables of a load that was cut off while it made them: there can be no rows in them."""
    with told("the target", engine), engine.connect() as connection:
        connection.detach()
        for statement in dialect.before_drop:
            run(connection, statement)
        for name in reversed(names):
            run(connection, f"DROP TABLE IF EXISTS {name}")
        connection.commit()


def _noted(connection: Connection, dialect: Dialect, number: int, entry: str) -> None:
    table = quote_name(TABLE, dialect.name)
    connection.execute(
        sql_text(f"INSERT INTO {table} (id, entry) VALUES (:id, :entry)"), {"id": number, "entry": entry}
    )


def blocks_of(plan: LoadPlan, data: Dataset, dialect: Dialect, block_rows: int) -> Iterator[Block]:
    """The load in blocks, in order. No commit stands between a row and a row that it references."""
    place = {name: i for i, name in enumerate(plan.order)}
    last = list(range(len(plan.order)))
    for name in plan.order:
        later = set(plan.later.get(name, ()))
        for fk in plan.schema[name].foreign_keys:
            if fk.parent in place and not set(fk.columns) & later and dialect.references != "unchecked":
                last[place[name]] = max(last[place[name]], place[fk.parent])
    for group in plan.together:
        last[place[group[0]]] = max(last[place[group[0]]], *(place[n] for n in group))
    at = 0
    while at < len(plan.order):
        end = last[at]
        inside = at
        while inside <= end:
            end = max(end, last[inside])
            inside += 1
        names = plan.order[at : end + 1]
        alone = len(names) == 1 and all(fk.parent != names[0] for fk in plan.schema[names[0]].foreign_keys)
        rows = {name: data.arrow(name).num_rows for name in names}
        if alone and rows[names[0]] > block_rows:
            for start in range(0, rows[names[0]], block_rows):
                yield Block({names[0]: min(block_rows, rows[names[0]] - start)}, start)
        else:
            yield Block(rows)
        at = end + 1
    for name in plan.later:
        yield Block({name: 0}, later=True)


def _written(
    engine: Engine,
    dialect: Dialect,
    plan: LoadPlan,
    data: Dataset,
    done: Sequence[Mapping[str, Any]],
    manifest: Mapping[str, Any] | None,
    progress: Progress | None,
    block_rows: int,
) -> None:
    there = {name: sum(e["tables"].get(name, 0) for e in done) for name in plan.order}
    finished = {json.dumps({k: e[k] for k in ("tables", "start", "later")}, sort_keys=True) for e in done}
    total, number = sum(data.rows.values()), len(done) + 1

    def kept() -> str:
        return f"{sum(there.values()):,} of {total:,} rows are kept: go on with --resume (resume=True), or {AGAIN}"

    with told("the target", engine, kept()), engine.connect() as connection:
        _as_left(connection, dialect, plan, there)
        if dialect.detach:
            connection.detach()
        connection.rollback()
        for block in blocks_of(plan, data, dialect, block_rows):
            if block.entry() in finished:
                continue
            names = ", ".join(repr(n) for n in block.tables)
            with told(f"table {names}", engine, kept()), transaction(connection, dialect):
                for statement in dialect.begin:
                    run(connection, statement)
                _fill(connection, dialect, plan, block, data, progress)
                for statement in dialect.end:
                    run(connection, statement)
                _noted(connection, dialect, number, block.entry())
            number += 1
            for name, rows in block.tables.items():
                there[name] += rows
        with told("the target", engine, kept()), transaction(connection, dialect):
            for statement in dialect.begin:
                run(connection, statement)
            if dialect.numbers:
                dialect.numbers(connection, [destination_of(plan, dialect, name) for name in plan.order])
            audit(connection, dialect, plan.schema, plan.order)
            if manifest is not None:
                if not sa.inspect(connection).has_table(manifests.TABLE):
                    for statement in manifests.manifest_creation(dialect.name).before:
                        run(connection, statement)
                manifests.write_manifest_row(connection, manifest, dialect.name)
            run(connection, f"DELETE FROM {quote_name(TABLE, dialect.name)}")
        with transaction(connection, dialect):
            drop_ledger(connection, dialect)


def _as_left(connection: Connection, dialect: Dialect, plan: LoadPlan, there: Mapping[str, int]) -> None:
    """GuardError where a table holds other rows than the ledger says: somebody wrote to it in between."""
    for name, rows in there.items():
        found = int(
            run(connection, f"SELECT count(*) FROM {table_name(plan.schema[name], dialect.name)}").scalar() or 0
        )
        if found != rows:
            raise GuardError(
                f"table {name!r} has {found:,} rows where the load that was cut off left {rows:,}: it was written to "
                f"since, or had rows before; {AGAIN}"
            )


def _fill(
    connection: Connection, dialect: Dialect, plan: LoadPlan, block: Block, data: Dataset, progress: Progress | None
) -> None:
    if block.later:
        for name in block.tables:
            set_later(connection, dialect, plan, name, data.arrow(name))
        return
    joined = {name: group for group in plan.together for name in group}
    for name, rows in block.tables.items():
        whole = data.arrow(name)

        def further(table: str, done: int, of: int, before: int = block.start, total: int = whole.num_rows) -> None:
            if progress is not None:
                progress(table, before + done, total)

        if name not in joined:
            fill_table(connection, dialect, plan, name, whole.slice(block.start, rows), further)
        elif name == joined[name][0]:
            fill_together(connection, dialect, plan, joined[name], data, progress)
