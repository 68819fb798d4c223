"""``seed``: rows into a database."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fixturesynth.cli.console import Teller, teller
from fixturesynth.cli.options import asked_rows, common, rows_options, seed_option, spec_option
from fixturesynth.errors import InputError

if TYPE_CHECKING:
    from fixturesynth.dataset import Dataset
    from fixturesynth.loading.preparing import Mode
    from fixturesynth.planning.plan import ColumnPlan
    from fixturesynth.planning.planner import Wishes
    from fixturesynth.schema.model import Schema
    from fixturesynth.sources import Source
    from fixturesynth.synthesizer import Synthesizer

__all__ = ["seed"]


@click.command()
@click.argument("target", metavar="TARGET")
@click.option(
    "--from", "origin", metavar="FROM", help="What to fill it with. Default: rules for the tables that TARGET has."
)
@spec_option
@rows_options
@seed_option
@click.option("--append", is_flag=True, help="Add to tables that have rows.")
@click.option("--truncate", is_flag=True, help="Empty the tables first.")
@click.option("--resume", is_flag=True, help="Commit in blocks, and go on where such a run was cut off.")
@click.option("--dry-run", is_flag=True, help="Decide and check everything, write nothing.")
@click.option("--allow-target", metavar="URL", help="TARGET once more in full, to write where the guard refuses.")
@click.option("--strict", is_flag=True, help="Refuse rather than make fewer rows than were to be expected.")
@click.option(
    "--workers", type=click.IntRange(min=1), default=1, show_default=True, help="Processes; never changes a byte."
)
@common
def seed(
    target: str,
    origin: str | None,
    spec: Path | None,
    rows: tuple[str, ...],
    scale: float | None,
    seed: int | None,
    append: bool,
    truncate: bool,
    resume: bool,
    dry_run: bool,
    allow_target: str | None,
    strict: bool,
    workers: int,
    quiet: bool,
) -> None:
    """Fill the database TARGET, all or nothing, with every constraint on.

    A target without the tables gets them; a target with them is filled. Written to are files, servers on this machine
    and databases whose name says test, dev or demo; anything else must be named with --allow-target.
    """
    from fixturesynth.loading.guard import check_target
    from fixturesynth.loading.loader import load
    from fixturesynth.loading.manifest import build_manifest
    from fixturesynth.planning.serialisation import plan_hash
    from fixturesynth.sources import kind_of, learn, open_source, replanned

    if append and truncate:
        raise InputError("--append and --truncate contradict each other; keep one")
    if resume and (append or truncate):
        raise InputError(
            f"--resume goes on with what is there; it cannot be had with --{'append' if append else 'truncate'}"
        )
    if kind_of(target) != "database":
        raise InputError(f"cannot seed {target}: a target is a database URL or a database file; for files use generate")
    check_target(target, allow_target)
    mode: Mode = "append" if append else "truncate" if truncate else "create"
    with teller(quiet) as told:
        there: Schema | None = None
        if origin is None:
            empty = "has no tables to fill; create them first, or name --from SOURCE"
            opened = open_source(target, spec=spec, without_tables=empty)
            there = opened.schema
            opened = _without_ledgers(opened, told)
        else:
            opened = open_source(origin, spec=spec)
        if origin is None and opened.has_rows and (mode != "create" or resume):
            opened = replace(opened, dataset=_no_rows(opened.schema))  # rules alone: what is there is no example
        asked = asked_rows(rows, scale, opened)
        if not resume:
            _rehearse(target, opened.schema, mode, allow_target, there)
        learned = learn(opened, seed=seed, rows=asked, strict=strict, progress=told.step)
        made = replanned(learned, rows=asked, strict=strict)
        kept: dict[str, int] = {}
        beside: Dataset | None = None
        if mode == "append":
            made, kept, beside = _after_what_is_there(made, target, told, there)
        data = made.sample(workers=workers, progress=told.sampled, there=beside)
        data = data.select([name for name in data if name not in kept])
        result = load(
            data,
            target,
            schema=made.schema,
            order=[t.name for t in made.plan.shown if t.name not in kept],
            later=_later(made, kept),
            mode=mode,
            allow_target=allow_target,
            dry_run=dry_run,
            manifest=build_manifest(data, seed=made.seed, plan_hash=plan_hash(made.plan), source=opened.shown),
            progress=told.loaded,
            reflected=there,
            resume=resume,
        )
    total = sum(result.rows.values())
    verb = "would write" if dry_run else "wrote"
    told.say(f"{verb} {total:,} rows of {len(result.rows)} tables (seed {made.seed}) in {result.seconds:.1f} s")
    if dry_run:
        for name, count in result.rows.items():
            click.echo(f"{name}: {count:,} rows" + (", table would be created" if name in result.created else ""))
    for note in (*made.plan.notes, *result.notes):
        told.say(f"note: {note}")


def _without_ledgers(opened: Source, told: Teller) -> Source:
    """Without tables in which migration tools keep what they have done: other rows would mislead the tools."""
    from fixturesynth.loading.counting import count_rows
    from fixturesynth.schema.ledgers import is_ledger

    ledgers = tuple(t for t in opened.schema if is_ledger(t))
    rows = count_rows(opened.text, replace(opened.schema, tables=ledgers)) if ledgers else {}
    alone = [name for name, count in rows.items() if count]
    if not alone or len(alone) == len(opened.schema):
        return opened
    told.say(f"left alone, kept by migration tools: {', '.join(alone)}")
    return replace(opened, schema=replace(opened.schema, tables=tuple(t for t in opened.schema if t.name not in alone)))


def _no_rows(schema: Schema) -> Dataset:
    import pyarrow as pa

    from fixturesynth.dataset import Dataset, arrow_type

    return Dataset(
        {
            t.name: pa.table({c.name: pa.array([], arrow_type(c.type)) for c in t.columns if c.generated is None})
            for t in schema
        }
    )


def _rehearse(target: str, schema: Schema, mode: Mode, allow_target: str | None, there: Schema | None) -> None:
    """What would be refused is refused before anything is learned or made."""
    from fixturesynth.loading.loader import load

    data = _no_rows(replace(schema, tables=tuple(t for t in schema if t.partition_of is None)))
    if data:
        load(data, target, schema=schema, mode=mode, allow_target=allow_target, dry_run=True, reflected=there)


def _later(made: Synthesizer, kept: dict[str, int]) -> dict[str, list[str]]:
    """Columns of references that close a cycle: set when all rows are there."""
    found: dict[str, list[str]] = {}
    for table in made.plan.tables:
        for reference in table.references:
            if reference.how == "later" and table.rows and table.name not in kept:
                found.setdefault(table.name, []).extend(
                    made.whole[table.name].foreign_key(reference.foreign_key).columns
                )
    return found


def _after_what_is_there(
    made: Synthesizer, target: str, told: Teller, there: Schema | None
) -> tuple[Synthesizer, dict[str, int], Dataset]:
    """Keys that go on after the target's, another stream of values; lists of the world that are there already, and what
    the target has in unique sets."""
    from fixturesynth.loading.counting import count_rows, largest_numbers
    from fixturesynth.loading.naming import names_in_target
    from fixturesynth.planning.plan import Key, RuleCall
    from fixturesynth.schema.reflection import reflect
    from fixturesynth.schema.repeated import owner_of
    from fixturesynth.sources import replanned

    there = reflect(target) if there is None else there
    rows = count_rows(target, there)
    short = names_in_target(made.schema.names, there.dialect, lambda: there.names)
    # As the target calls them; entities are where their rows repeat them.
    own = {t.name: short.get(name := owner_of(made.whole, t.name), name) for t in made.plan.tables}
    kept = {t.name: rows[own[t.name]] for t in made.plan.tables if t.mode == "verbatim" and rows.get(own[t.name])}
    if kept:
        told.say(f"kept as they are: {', '.join(kept)}")
    numbered: dict[str, tuple[str, ...]] = {}
    for table in made.plan.tables:
        keys = tuple(
            c.name
            for c in table.columns
            if (
                isinstance(c.source, Key)
                and c.source.call.name == "sequence"
                and not c.source.call.options.get("prefix")
            )
            or _learned_number(made, table.name, c)
        )
        if keys and own[table.name] in there:
            numbered[table.name] = keys
    largest = largest_numbers(target, there, _together(own, numbered))

    def further(wishes: Wishes) -> Wishes:
        columns = {name: dict(plans) for name, plans in wishes.columns.items()}
        for table, names in numbered.items():
            for name in names:
                if (last := largest.get(f"{own[table]}.{name}")) is not None:
                    old = made.plan[table].column(name)
                    columns.setdefault(table, {})[name] = _starting_at(old, last + 1)
        return replace(wishes, columns=columns)

    def _starting_at(old: ColumnPlan, start: int) -> ColumnPlan:
        before = old.source.call if isinstance(old.source, Key) else RuleCall("sequence", unique=True)
        options: dict[str, Any] = {**before.options, "start": start, "step": 1}
        call = replace(before, options=options)
        return replace(old, source=Key(call), why="goes on after the rows that are there")

    before = sum(rows.values())
    made = replace(replanned(made, change=further), seed=made.seed + before)
    return made, kept, _unique_rows(made, target, there, own, kept, numbered)


def _learned_number(made: Synthesizer, table: str, column: ColumnPlan) -> bool:
    """Whether the column is the number, learned like any other, of entities that rows repeat."""
    from fixturesynth.planning.plan import Modelled

    entity = made.whole[table]
    own = entity.repeated_in is not None and (column.name,) in entity.keys
    return own and isinstance(column.source, Modelled) and entity.column(column.name).type.kind == "integer"


def _unique_rows(
    made: Synthesizer, target: str, there: Schema, own: Mapping[str, str], kept: Collection[str],
    numbered: Mapping[str, tuple[str, ...]],
) -> Dataset:  # fmt: skip
    """Rows of the target, by table, in the columns of unique sets that new rows could meet."""
    from fixturesynth.dataset import Dataset
    from fixturesynth.loading.reading import read_columns

    wanted: dict[str, tuple[str, ...]] = {}
    for table in made.plan.tables:
        if own[table.name] not in there or table.name in kept or not table.rows:
            continue
        # New numbers, and keys of new parents, make a set new.
        fresh = set(numbered.get(table.name, ()))
        for reference in table.references:
            columns = set(made.whole[table.name].foreign_key(reference.foreign_key).columns)
            if reference.parent not in kept and not any(made.whole[table.name].column(c).nullable for c in columns):
                fresh |= columns
        sets = [u for u in table.uniques if not fresh & set(u.columns)]
        columns = {c for u in sets for c in u.columns}
        if any(u.predicate for u in sets):
            columns = set(made.whole[table.name].column_names)  # a condition may ask for any of them
        found = tuple(c for c in there[own[table.name]].column_names if c in columns)
        if found:
            wanted[table.name] = found
    rows = read_columns(target, there, _together(own, wanted))
    return Dataset({name: rows.arrow(own[name]).select(columns) for name, columns in wanted.items()})


def _together(own: Mapping[str, str], columns: Mapping[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    """``columns`` by what the target calls the tables, several of which may be one there."""
    out: dict[str, tuple[str, ...]] = {}
    for name, some in columns.items():
        out[own[name]] = tuple(dict.fromkeys((*out.get(own[name], ()), *some)))
    return out
