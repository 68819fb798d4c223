"""Synthesizer: a plan with what was learned; fitted from rows, sampled by seed, kept in one ``.fsynth`` file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from math import inf
from pathlib import Path
from typing import Any

from fixturesynth.dataset import Dataset
from fixturesynth.errors import InputError, did_you_mean
from fixturesynth.generators.contract import Generator, Trained
from fixturesynth.generators.registry import find_generator
from fixturesynth.generators.tablemodel import TableModel
from fixturesynth.loading.verdicts import Judge, judge_without_database
from fixturesynth.planning.agreeing import with_agreeing
from fixturesynth.planning.plan import Plan
from fixturesynth.planning.planner import Wishes, make_plan, settled_by
from fixturesynth.profiling.profile import Profile
from fixturesynth.sampling.engine import Given, sample_dataset
from fixturesynth.sampling.entities import as_given
from fixturesynth.schema.emptied import emptied
from fixturesynth.schema.model import Schema, Table
from fixturesynth.schema.repeated import with_repeated

MEASURED = "measured"  # the name of ``generators.choosing.Measured``

__all__ = ["Synthesizer", "fit", "plan_rules"]

Progress = Callable[[str, str, int, int], None]


@dataclass(frozen=True)
class Synthesizer:
    """What ``fit`` and ``plan_rules`` give. ``profile`` and ``models`` are empty when there were no rows.

    ``trained_on``: hash of the rows that were learned from, by table. ``entities``: tables that the source has not, for
    entities that its rows repeat (``profiling.entities``). Plan, profile and models know them; they never come out.
    """

    schema: Schema
    plan: Plan
    models: Mapping[str, TableModel] = field(default_factory=dict)
    profile: Profile | None = None
    wishes: Wishes = field(default_factory=Wishes)
    seed: int = 0
    trained_on: Mapping[str, str] = field(default_factory=dict)
    judge: Judge | None = field(default=None, repr=False, compare=False)  # stays with the process, in no file
    entities: tuple[Table, ...] = ()

    @cached_property
    def whole(self) -> Schema:
        """What plan and models are of: ``schema``, the entities that its rows reference, and NULL where dates that
        stand for none were set apart."""
        odd = {name: model.oddities for name, model in self.models.items()}
        return emptied(with_agreeing(self.repeated, self.profile), odd)

    @cached_property
    def repeated(self) -> Schema:
        """``schema``, and the entities that its rows reference, before references are told which parents agree."""
        return with_repeated(self.schema, self.entities)

    @property
    def told(self) -> Profile | None:
        """What the profile says of ``schema``: without entities and what goes by them."""
        return self.profile.of_schema(self.schema) if self.profile is not None and self.entities else self.profile

    def planned(self, *, rows: Mapping[str, int] | int | None = None, scale: float | None = None) -> Plan:
        """The plan with other row counts: exact for named tables, one number for all, or real rows times ``scale``."""
        if rows is None and scale is None:
            return self.plan
        asked = self.wishes.rows
        if isinstance(rows, int):
            asked = replace(asked, default=rows)
        elif rows is not None:
            asked = replace(asked, tables={**asked.tables, **rows})
        if scale is not None:
            if not 0 < scale < inf:
                raise InputError(f"scale must be positive, however: {scale=}")
            asked = replace(asked, scale=scale)
        return make_plan(self.whole, profile=self.profile, wishes=replace(self.wishes, rows=asked), judge=self.judge)

    def sample(
        self,
        *,
        rows: Mapping[str, int] | int | None = None,
        scale: float | None = None,
        seed: int | None = None,
        given: Mapping[str, Mapping[str, Any]] | None = None,
        workers: int = 1,
        map: Callable[..., Any] | None = None,
        progress: Callable[[str, int, int], None] | None = None,
        there: Dataset | None = None,
    ) -> Dataset:
        """Rows of every table, the same bytes for the same arguments on any machine and any number of workers.

        ``given``: table -> column -> value, or (value, share of the rows). InputError for unknown names. ``there``:
        rows beside which the new ones will stand, in the columns of unique sets: none of them is repeated;
        CapacityError where that cannot be helped.
        """
        plan = self.planned(rows=rows, scale=scale)
        items = self.conditions(given or {})
        return sample_dataset(
            self.whole, plan, self.models, seed=self.seed if seed is None else seed, workers=workers, map=map,
            given=items, progress=progress,
            there={name: there.arrow(name) for name in there} if there is not None else None,
        )  # fmt: skip

    def conditions(self, given: Mapping[str, Mapping[str, Any]]) -> tuple[Given, ...]:
        """``given`` as ``sample`` takes it, as conditions of its own; InputError for unknown names."""
        return tuple(
            self._given(table, column, value) for table, columns in given.items() for column, value in columns.items()
        )

    def _given(self, table: str, column: str, value: Any) -> Given:
        if table not in self.schema:
            raise InputError(f"given: no table {table!r}: {did_you_mean(table, self.schema.names)}")
        if column not in self.schema[table]:
            raise InputError(
                f"given: no column {column!r} in {table}: {did_you_mean(column, self.schema[table].column_names)}"
            )
        if any(e.repeated_in == table and (column,) in e.keys for e in self.entities):
            raise InputError(
                f"given: {table}.{column} tells apart what rows of {table} repeat; give values to other columns, or "
                "name the column in the spec"
            )
        one, share = value if isinstance(value, tuple) else (value, 1.0)
        if not 0 <= share <= 1:
            raise InputError(f"given: the share of {table}.{column} must be from 0 to 1, however: {share}")
        try:
            return Given(table, column, as_given(one, self.schema[table], self.models.get(table), column), share)
        except ValueError as error:
            raise InputError(f"given: {table}.{column}: {error}") from error

    def save(self, path: str | Path) -> Path:
        """Write one ``.fsynth`` file (safetensors and JSON), whole or not at all."""
        from fixturesynth.modelfile import save

        return save(self, Path(path))

    @classmethod
    def open(cls, path: str | Path) -> Synthesizer:
        """Read a ``.fsynth`` file; ModelFileError when it is damaged, foreign or too new. Never runs code from it."""
        from fixturesynth.modelfile import open_model

        return open_model(Path(path))


def plan_rules(
    schema: Schema, *, wishes: Wishes | None = None, seed: int = 0, judge: Judge | None = None
) -> Synthesizer:
    """A synthesizer for a schema without rows: every column by rule.

    ``judge`` (``loading.judging.make_judge(url)``) evaluates what cannot be evaluated outside the database.
    """
    wishes = wishes or Wishes()
    judge = judge or judge_without_database(schema)
    return Synthesizer(schema, make_plan(schema, wishes=wishes, judge=judge), wishes=wishes, seed=seed, judge=judge)


def fit(
    source: Any,
    *,
    schema: Schema | None = None,
    wishes: Wishes | None = None,
    seed: int = 0,
    generator: str = "auto",
    time_limit: float | None = None,
    limit: int | None = None,
    protection: int = 5,
    device: str = "auto",
    progress: Progress | None = None,
) -> Synthesizer:
    """Learn from the rows of ``source`` (URL, Engine, folder, Dataset or frames).

    ``limit``: read at most so many rows of a table, sampled so that references stay closed. ``time_limit``: seconds
    for learning; with one, and ``generator`` "auto", large tables are learned by trees and by the network and what is
    harder to tell from held-out rows stays. ``protection``: fewest root entities that share a value before it is
    stored. ``device``: where the network learns: "auto", "cpu", "cuda" or "mps".
    """
    # What learning takes, and models do without: opening one is faster by half.
    from fixturesynth.generators.choosing import Measured
    from fixturesynth.generators.fitting import fit_tables
    from fixturesynth.loading.reading import infer_schema, read_rows
    from fixturesynth.profiling.datasets import root_entities
    from fixturesynth.profiling.entities import profile_with_entities
    from fixturesynth.profiling.oddities import set_apart, stand_ins_apart

    told = progress or (lambda stage, table, done, of: None)
    if schema is None:
        schema = _schema_of(source)
    dataset = read_rows(source, schema, limit=limit, seed=seed, progress=lambda t, n: told("read", t, n, 0))
    if schema is None:
        schema = infer_schema(dataset)
    schema, dataset, odd = set_apart(schema, dataset, protection)
    declared = schema
    dataset, odd = stand_ins_apart(schema, dataset, odd, protection)
    schema = emptied(schema, odd)
    wishes = replace(wishes or Wishes(), generator=generator)
    told = _only_of(schema, told)
    entities, dataset, profile = profile_with_entities(
        schema, dataset, partial(settled_by, wishes, odd=odd), seed=seed, protection=protection,
        progress=lambda t, n, of: told("profile", t, n, of),
    )  # fmt: skip
    schema = with_agreeing(with_repeated(schema, entities), profile)
    plan = make_plan(schema, profile=profile, wishes=wishes)
    if time_limit is not None:
        plan = _to_measure(plan, wishes)
    at = [""]

    def reached(table: str, done: int, of: int) -> None:
        at[0] = table
        told("fit", table, done, of)

    generators: dict[str, Generator] = {}
    made: Generator
    for name in {t.generator for t in plan.tables} - {"rules"}:
        made = Measured() if name == MEASURED else find_generator(name)
        if isinstance(made, Trained):
            made.device = device
            made.progress = lambda done, of: told("learn", at[0], done, of)
        generators[name] = made
    models = fit_tables(
        plan, schema, dataset, generators=generators,
        groups=root_entities(schema, dataset), protection=profile.protection,
        seed=seed, time_limit=time_limit, progress=reached,
    )  # fmt: skip
    models |= {name: replace(models[name], oddities=odd[name]) for name in odd if name in models}
    plan, wishes = _measured(plan, wishes, models)
    trained_on = {name: dataset.content_hash(name) for name in dataset if name in declared}
    return Synthesizer(declared, plan, models, profile, wishes, seed, trained_on, entities=entities)


def _only_of(schema: Schema, told: Progress) -> Progress:
    """``told`` of the tables of ``schema`` alone: of the others nobody knows."""
    return lambda stage, table, done, of: told(stage, table, done, of) if not table or table in schema else None


def _to_measure(plan: Plan, wishes: Wishes) -> Plan:
    """The plan in which generators that nobody named are chosen by measurement."""
    free = {t.name for t in plan.tables if wishes.generators.get(t.name, wishes.generator) == "auto"}
    tables = tuple(
        replace(t, generator=MEASURED) if t.name in free and t.generator == "cart" else t for t in plan.tables
    )
    return replace(plan, tables=tables)


def _measured(plan: Plan, wishes: Wishes, models: Mapping[str, TableModel]) -> tuple[Plan, Wishes]:
    """Plan and wishes with the generators that were chosen; the plan's notes say why."""
    tables, notes, chosen = [], [], {}
    for table in plan.tables:
        if table.generator != MEASURED:
            tables.append(table)
            continue
        state = models[table.name].state if table.name in models else None
        name = state.generator if state is not None else "cart"
        if state is not None:
            chosen[table.name] = name
            notes.append(f"{table.name} is learned by {state.facts['chosen']}")
        tables.append(replace(table, generator=name))
    if not notes:
        return replace(plan, tables=tuple(tables)), wishes
    generators = {**wishes.generators, **chosen}
    return replace(plan, tables=tuple(tables), notes=(*plan.notes, *notes)), replace(wishes, generators=generators)


def _schema_of(source: Any) -> Schema | None:
    """The declared schema of a database; None for frames and folders, whose schema is inferred from the rows."""
    from fixturesynth.schema.reflection import reflect

    if isinstance(source, Mapping | Dataset) or (isinstance(source, str | Path) and Path(str(source)).is_dir()):
        return None
    return reflect(source)
