"""A filled database: tables by their origin, rows by a plan or a model, loaded with every constraint on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from uuid import UUID

import numpy as np
import pyarrow as pa
import sqlalchemy as sa

from fixturesynth.dataset import Dataset
from fixturesynth.errors import ConstraintError, InputError, SpecError, UnsatisfiableError, did_you_mean
from fixturesynth.generators.context import Features
from fixturesynth.generators.keys import locate
from fixturesynth.generators.tablemodel import TableModel
from fixturesynth.loading.dialects import dialect_of
from fixturesynth.loading.judging import make_judge
from fixturesynth.loading.loader import load
from fixturesynth.loading.reading import read_rows
from fixturesynth.loading.verdicts import Judge
from fixturesynth.modelfile import open_model
from fixturesynth.planning.plan import ColumnPlan, Constant, Key, Modelled, Plan, Rule, TablePlan
from fixturesynth.planning.planner import Wishes, make_plan
from fixturesynth.planning.rows import RowsAsked
from fixturesynth.planning.stating import stated
from fixturesynth.planning.wishes import wishes_of, with_references
from fixturesynth.rules.registry import capacity
from fixturesynth.sampling.engine import Given, sample_dataset
from fixturesynth.sampling.partition import context_of
from fixturesynth.schema.ledgers import is_ledger
from fixturesynth.schema.model import Schema, Subtype, Table
from fixturesynth.schema.reflection import reflect
from fixturesynth.spec import Spec, read_spec
from fixturesynth.synthesizer import Synthesizer
from pytest_fixturesynth.checking import broken
from pytest_fixturesynth.edges import with_edges
from pytest_fixturesynth.origins import reflect_metadata
from pytest_fixturesynth.settings import DEFAULT_ROWS
from pytest_fixturesynth.writing import is_bare_uuid

if TYPE_CHECKING:
    from pytest_fixturesynth.origins import Origin
    from pytest_fixturesynth.settings import Settings

__all__ = ["SIZE", "constant_columns", "fill", "is_unique", "kept_model", "kept_plan", "room", "spec_of", "uuids_as"]

SIZE = 256  # rows of a block that factories take from


def fill(settings: Settings, origin: Origin, engine: sa.Engine, *, wishes: Wishes | None = None) -> Synthesizer:
    """Make the tables of ``origin`` in the empty database of ``engine`` and fill them; what made the rows.

    Rows that the origin's migrations put in stay, and are referenced. Errors are those of reading, planning and
    loading. ``wishes``: what the models say of columns; the spec overrules them.
    """
    declared = origin.build(engine)
    spec = spec_of(settings)
    schema = declared if declared is not None else _enriched(reflect(engine), settings, engine)
    schema = replace(schema, tables=tuple(t for t in schema if not is_ledger(t)))
    schema = with_references(schema, spec)
    kept = _rows_there(engine, schema) if origin.creates else {}
    made = _planned(settings, spec, schema, engine if origin.creates else None, wishes or Wishes())
    made = _keeping(made, kept)
    data = _rows(settings, made, kept)
    load(
        data,
        engine,
        schema=made.schema,
        order=[t.name for t in made.plan.shown if t.name in data],
        later=_later(made, kept),
        mode="append" if kept else "create",
    )
    return made


def spec_of(settings: Settings) -> Spec:
    return read_spec(settings.path(settings.spec)) if settings.spec is not None else Spec()


def _enriched(schema: Schema, settings: Settings, engine: sa.Engine) -> Schema:
    """Types that models know and a database without such types has as text: enums, UUIDs, JSON."""
    if settings.models is None:
        return schema
    from fixturesynth.schema.reflection import imported
    from pytest_fixturesynth.origins import found_from

    with found_from(settings.root):
        models = reflect_metadata(imported(settings.models), dialect_of(engine.dialect.name).name)
    tables = []
    for table in schema:
        if table.name in models:
            known = models[table.name]
            columns = tuple(
                replace(c, type=known.column(c.name).type)
                if c.name in known and c.type.kind in ("text", "other") and known.column(c.name).type.kind in _LOST
                else c
                for c in table.columns
            )
            kept = tuple(
                c for c in models[table.name].checks if not c.declared and set(c.columns) <= set(table.column_names)
            )
            table = replace(table, columns=columns, checks=(*table.checks, *kept), subtype=_subtype(table, models))
        tables.append(table)
    return replace(schema, tables=tuple(tables))


def _subtype(table: Table, models: Schema) -> Subtype | None:
    """What the classes say of a joined table, by the name that its reference has in the database."""
    subtype, known = models[table.name].subtype, models[table.name].inherited
    if subtype is None or known is None:
        return subtype
    links = [fk for fk in table.foreign_keys if (fk.columns, fk.parent) == (known.columns, known.parent)]
    return replace(subtype, foreign_key=links[0].name) if links else None


_LOST = ("enum", "uuid", "json")


def _rows_there(engine: sa.Engine, schema: Schema) -> dict[str, pa.Table]:
    """Rows that came with the tables, by table."""
    there = uuids_as(schema, read_rows(engine, schema), bare=False)
    return {name: there.arrow(name) for name in there if there.arrow(name).num_rows}


# -- deciding ---------------------------------------------------------------------------------------------------------
def _planned(settings: Settings, spec: Spec, schema: Schema, engine: sa.Engine | None, below: Wishes) -> Synthesizer:
    asked = dict(settings.rows)
    default = asked.pop("", None)
    if settings.model is not None:
        learned = open_model(settings.path(settings.model))
        _same_tables(learned.schema, schema, settings.model)
        if not asked and default is None:
            total = sum(t.rows for t in learned.plan.shown) or 1
            scale = min(1.0, DEFAULT_ROWS * len(learned.plan.shown) / total)
            return replace(learned, plan=learned.planned(scale=scale), seed=settings.seed)
        rows = replace(learned.wishes.rows, tables=asked, default=default)
        wishes = replace(learned.wishes, rows=rows)
        return replace(
            learned, plan=make_plan(learned.whole, profile=learned.profile, wishes=wishes), seed=settings.seed
        )
    wishes = wishes_of(spec, schema)
    rows = RowsAsked(
        {**(wishes.rows.tables if default is None else {}), **asked},
        default if default is not None else DEFAULT_ROWS,
        wishes.rows.scale,
    )
    columns = constant_columns(schema, {(t, c): v for t, c, v in settings.given if not isinstance(v, tuple)})
    merged = {
        t: {**below.columns.get(t, {}), **wishes.columns.get(t, {}), **columns.get(t, {})}
        for t in (*below.columns, *wishes.columns, *columns)
    }
    changes = {t: {**below.changes.get(t, {}), **wishes.changes.get(t, {})} for t in (*below.changes, *wishes.changes)}
    wishes = replace(wishes, rows=rows, columns=merged, changes=changes, skip=wishes.skip | below.skip)
    judge = make_judge(engine.url.render_as_string(hide_password=False)) if engine is not None else None
    plan = _with_room(make_plan(schema, wishes=wishes, judge=judge), schema, wishes, judge)
    return Synthesizer(schema, plan, wishes=wishes, seed=settings.seed)


def _with_room(plan: Plan, schema: Schema, wishes: Wishes, judge: Judge | None) -> Plan:
    """The plan with unique sets that have values for factories too, wherever the columns can hold so many."""
    short = {t.name: t.rows for t in plan.tables if t.rows and room(schema[t.name], t, plan) < t.rows + SIZE}
    if not short:
        return plan
    others = {t.name: t.rows for t in plan.tables if t.name not in short}
    rows = RowsAsked(others, default=max(short.values()) + SIZE)
    try:
        wide = make_plan(schema, wishes=replace(wishes, rows=rows), judge=judge)
    except UnsatisfiableError:
        return plan  # factories say so when they run out
    tables = []
    for table in plan.tables:
        if table.name in short:
            # Which columns keep a set unique depends on how many rows there are to be.
            changed = replace(wide[table.name], rows=table.rows)
            if room(schema[table.name], changed, plan) > room(schema[table.name], table, plan):
                table = changed
        tables.append(table)
    return replace(plan, tables=tuple(tables))


def is_unique(column: ColumnPlan) -> bool:
    """Whether the column's rule gives no value twice."""
    return isinstance(column.source, Key | Rule) and column.source.call.unique


def room(table: Table, plan: TablePlan, whole: Plan) -> int:
    """How many rows the table's unique rules have values for."""
    sizes = [2**62]
    for column in plan.columns:
        source = column.source
        if isinstance(source, Key | Rule) and source.call.unique:
            sizes.append(capacity(source.call, context_of(table, column.name, whole.locale, whole.now)))
    return min(sizes)


def _same_tables(learned: Schema, there: Schema, model: str) -> None:
    for table in learned:
        if table.name not in there:
            raise InputError(
                f"{model} has the table {table.name!r}, the source has not: {did_you_mean(table.name, there.names)}; "
                "fit the model again, or name the source it was fitted to"
            )


def constant_columns(
    schema: Schema, values: Mapping[tuple[str, str], Any], *, strict: bool = True
) -> dict[str, dict[str, ColumnPlan]]:
    """Wishes that give columns one value in every row; SpecError for unknown names, and ``strict`` for values that the
    column cannot hold."""
    found: dict[str, dict[str, ColumnPlan]] = {}
    for (table, column), value in values.items():
        if table not in schema:
            raise SpecError(f"given: no table {table!r}: {did_you_mean(table, schema.names)}")
        if column not in schema[table]:
            raise SpecError(
                f"given: no column {column!r} in {table}: {did_you_mean(column, schema[table].column_names)}"
            )
        try:
            plain = stated(value, schema[table].column(column))
        except ValueError as error:
            if strict:
                raise SpecError(f"given: {table}.{column}: {error}") from error
            plain = value  # of a type of the user's own, which writes it in its own way
        found.setdefault(table, {})[column] = ColumnPlan(column, Constant(plain), "given")
    return found


def _keeping(made: Synthesizer, kept: Mapping[str, pa.Table]) -> Synthesizer:
    """Tables that have rows already are taken as they are, and referenced."""
    if not kept:
        return made
    tables, models = list(made.plan.tables), dict(made.models)
    for number, plan in enumerate(tables):
        if plan.name in kept:
            tables[number] = kept_plan(plan, kept[plan.name])
            models[plan.name] = kept_model(made.schema, plan.name, kept)
    return replace(made, plan=replace(made.plan, tables=tuple(tables)), models=models)


def kept_plan(plan: TablePlan, rows: pa.Table) -> TablePlan:
    """The table as it is, in place of how it would be made."""
    columns = tuple(ColumnPlan(name, Modelled("verbatim"), "rows that were there") for name in rows.column_names)
    return TablePlan(
        plan.name, rows.num_rows, "verbatim", columns, references=plan.references, why="has rows from its migrations"
    )


def kept_model(schema: Schema, name: str, kept: Mapping[str, pa.Table]) -> TableModel:
    """What sampling needs to know of a table that is taken as it is."""
    rows = kept[name].combine_chunks()
    ranks = {}
    for fk in schema[name].foreign_keys:
        if fk.parent in kept:
            mine = [rows.column(c).combine_chunks() for c in fk.columns]
            theirs = [kept[fk.parent].column(c).combine_chunks() for c in fk.parent_columns]
            ranks[fk.name] = locate(mine, theirs)
    features = Features((), np.zeros((rows.num_rows, 0), dtype=np.int32))
    types = dict(zip(rows.column_names, rows.schema.types, strict=True))
    return TableModel(name, rows.num_rows, types, verbatim=rows, ranks=ranks, features=features)


# -- rows -------------------------------------------------------------------------------------------------------------
def _rows(settings: Settings, made: Synthesizer, kept: Mapping[str, pa.Table]) -> Dataset:
    """What is to be loaded: the sample with given values and edge cases, without tables that have their rows."""
    given: list[Given] = []
    for table, column, value in settings.given:
        if isinstance(value, tuple) or settings.model is not None:
            constant_columns(made.schema, {(table, column): value[0] if isinstance(value, tuple) else value})
            given += made.conditions({table: {column: value}})
    data = sample_dataset(made.whole, made.plan, made.models, seed=made.seed, given=tuple(given))
    for table, column, value in settings.given:
        _hold_given(made, data, table, column, value)
    if settings.edge_cases:
        data = with_edges(made, data)
    data = uuids_as(made.schema, data, bare=True)
    return data.select([name for name in data if name not in kept])


def uuids_as(schema: Schema, data: Dataset, *, bare: bool) -> Dataset:
    """UUIDs of columns that store them without dashes: as they are stored, or with dashes as they are sampled."""
    changed = {}
    for name in data:
        rows = data.arrow(name)
        for column in schema[name].columns:
            if is_bare_uuid(column.type) and column.name in rows.column_names:
                values = rows.column(column.name).combine_chunks().cast(pa.string())
                made = (
                    pa.compute.replace_substring(values, "-", "")
                    if bare
                    else pa.array([v if v is None else str(UUID(v)) for v in values.to_pylist()], pa.string())
                )
                rows = rows.set_column(rows.column_names.index(column.name), column.name, made)
                changed[name] = rows
    return data.replace(**changed)


def _hold_given(made: Synthesizer, data: Dataset, table: str, column: str, value: Any) -> None:
    rows = data.arrow(table)
    for name, text, _ in broken(made.schema[table], rows, made.schema.dialect, made.plan.now):
        raise ConstraintError(
            f"given: {table}.{column} = {value!r} breaks the check {name} ({text}); give a value that it allows"
        )
    if not isinstance(value, tuple) and column in rows.column_names:
        kind = rows.column(column).type
        wanted = pa.scalar(value).cast(kind) if value is not None else None
        values = rows.column(column)
        same = values.null_count == len(values) if wanted is None else pa.compute.all(
            pa.compute.equal(values, wanted)
        ).as_py()  # fmt: skip
        if same is False:
            raise ConstraintError(
                f"given: {table}.{column} = {value!r} cannot hold in every row beside the table's checks and unique "
                "sets; give other columns values too"
            )


def _later(made: Synthesizer, kept: Mapping[str, pa.Table]) -> dict[str, list[str]]:
    """Columns of references that close a cycle: set when all rows are there."""
    found: dict[str, list[str]] = {}
    for table in made.plan.tables:
        for reference in table.references:
            if reference.how == "later" and table.rows and table.name not in kept:
                columns = made.schema[table.name].foreign_key(reference.foreign_key).columns
                found.setdefault(table.name, []).extend(columns)
    return found
