"""All tables of a plan, parents first; partitions go through a pure map, so the number of workers changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from fixturesynth.arrays import array_of
from fixturesynth.dataset import Dataset
from fixturesynth.errors import CapacityError
from fixturesynth.generators.calendar import DATE, parts_with
from fixturesynth.generators.context import (
    MOST_CONTEXT,
    MOST_FEATURE_CODES,
    Features,
    coarse,
    coarse_codes,
    seen,
    take_features,
)
from fixturesynth.generators.contract import Variable
from fixturesynth.generators.derivation import as_type
from fixturesynth.generators.encoding import encode
from fixturesynth.generators.moments import Moments
from fixturesynth.generators.registry import find_generator
from fixturesynth.generators.series import dealt_codes, dealt_moments, moment_parts
from fixturesynth.generators.tablemodel import TableModel, column_variable, part_variable
from fixturesynth.generators.walks import walked
from fixturesynth.planning.plan import Default, Plan, TablePlan
from fixturesynth.planning.sharing import columns_to_differ, lenders
from fixturesynth.randomness import hashed
from fixturesynth.sampling.aggregates import settle_aggregates, told_by_children
from fixturesynth.sampling.assembly import Assembly, Made
from fixturesynth.sampling.balancing import balanced
from fixturesynth.sampling.capacities import Capacities
from fixturesynth.sampling.composing import composed_again
from fixturesynth.sampling.counts import starts
from fixturesynth.sampling.covering import covered, differing_values, needed_parents
from fixturesynth.sampling.cycles import close_cycles
from fixturesynth.sampling.degrees import as_dealt, degrees_of
from fixturesynth.sampling.drift import without_drift
from fixturesynth.sampling.entities import Given, given_to_entities
from fixturesynth.sampling.families import balance_families
from fixturesynth.sampling.frequencies import as_often, better_families, straying
from fixturesynth.sampling.habits import habits_of_parents
from fixturesynth.sampling.horizons import Horizon, find_horizons
from fixturesynth.sampling.itemsets import dealt_items
from fixturesynth.sampling.nulls import among_nulls
from fixturesynth.sampling.orphans import adopted, orphans_of
from fixturesynth.sampling.partition import (
    CodesJob,
    ValuesJob,
    final_type,
    generated,
    redraw_outgoing,
    runs,
    sample_codes,
    sample_values,
    taken_up,
)
from fixturesynth.sampling.permitting import listed_values, permitted_parents, refuse_barred
from fixturesynth.sampling.polymorphic import settle_polymorphic
from fixturesynth.sampling.references import match_references
from fixturesynth.sampling.settling import settle
from fixturesynth.sampling.sharing import (
    agreeing_parents,
    held_in_groups,
    lent_values,
    moved_to,
    partners_needed,
    rooms_beside,
)
from fixturesynth.sampling.subtypes import settle_subtypes, with_rows_of_no_other
from fixturesynth.sampling.succession import finish
from fixturesynth.schema.model import Schema, Table

__all__ = ["Given", "sample_dataset", "share", "shared"]

Integers = npt.NDArray[np.int64]
Codes = npt.NDArray[np.int32]
Progress = Callable[[str, int, int], None]
Chosen = Callable[[str, int, int], npt.NDArray[np.uint64]]
Mapper = Callable[[Callable[..., Any], Iterable[Any]], Iterable[Any]]


@dataclass
class _Run:
    schema: Schema
    plan: Plan
    models: Mapping[str, TableModel]
    seed: int
    given: tuple[Given, ...]
    map: Mapper
    differing: Mapping[str, frozenset[str]]  # by table: columns whose values should differ as far as they can
    lenders: Mapping[tuple[str, str], tuple[str, str]]  # by (table, column): whose values it takes
    first: Mapping[str, int]  # by table: the rank of its first row, 0 where it is not named
    chosen: Chosen | None = None
    there: Mapping[str, pa.Table] = field(default_factory=dict)  # by table: rows of the target beside which these go
    made: dict[str, Made] = field(default_factory=dict)
    waiting: list[Assembly] = field(default_factory=list)  # tables with references that close a cycle
    parents: dict[str, Assembly] = field(default_factory=dict)  # of ``told``
    told: frozenset[str] = frozenset()  # tables with columns that children give, or that copy such


def sample_dataset(
    schema: Schema,
    plan: Plan,
    models: Mapping[str, TableModel],
    *,
    seed: int,
    workers: int = 1,
    map: Mapper | None = None,
    given: tuple[Given, ...] = (),
    progress: Progress | None = None,
    first: Mapping[str, int] | None = None,
    chosen: Chosen | None = None,
    there: Mapping[str, pa.Table] | None = None,
) -> Dataset:
    """Rows of every table of the plan, in its order. ``map``: an engine's own map, instead of ``workers`` processes.

    ``first``: by table, the rank that its rows count from. Keys and unique values made by rules then differ from those
    of a sample of fewer rows with the same plan and seed. ``chosen``: gives the words by which the codes of a table are
    drawn, (rows, variables), instead of the seed's own. ``there``: by table, the rows beside which these will stand, in
    the columns of unique sets: none of their tuples comes again.

    The same plan, models, seed and given values give the same bytes for any ``workers`` and ``map``.
    """
    with _mapper(workers, map, schema, plan, models) as mapper:
        differing, borrowed = columns_to_differ(schema, plan), lenders(schema, plan)
        given = given_to_entities(schema, plan, given)
        run = _Run(schema, plan, models, seed, given, mapper, differing, borrowed, first or {}, chosen, there or {})
        run.told = told_by_children(schema, plan)
        for number, table in enumerate(plan.tables):
            if progress is not None and table.repeated_in is None:
                progress(table.name, number, len(plan.tables))
            run.made[table.name] = _sample_table(run, table, schema[table.name])
        close_cycles(schema, run.waiting, run.made)
        settle_polymorphic(schema, plan, run.made, seed)
        settle_subtypes(schema, plan, run.made, seed, {(g.table, g.column) for g in given})
        settle_aggregates(schema, plan, run.made, run.parents, {(g.table, g.column) for g in given})
    return Dataset({t.name: _arrow(run, t) for t in plan.shown})


# -- workers ----------------------------------------------------------------------------------------------------------
FEW_ROWS = 20_000
DRAWS, MORE_DRAWS = 3, 8  # of families, of which those are kept by which categories come as often as they should
_SHARED: dict[str, Any] = {}


def share(schema: Schema, plan: Plan, models: Mapping[str, TableModel]) -> None:
    """Give this process what its jobs need: workers of any engine do this first."""
    _SHARED.update(schema=schema, plan=plan, models=models)


def shared() -> tuple[Schema, Plan, Mapping[str, TableModel]]:
    """What ``share`` was given here."""
    return _SHARED["schema"], _SHARED["plan"], _SHARED["models"]


def _codes_here(job: CodesJob) -> Codes:
    model = _SHARED["models"][job.table]
    return sample_codes(model, find_generator(model.state.generator), job)


def _values_here(job: ValuesJob) -> dict[str, pa.Array]:
    return sample_values(
        _SHARED["plan"][job.table], _SHARED["schema"][job.table], _SHARED["models"].get(job.table), job
    )


@contextmanager
def _mapper(
    workers: int, given: Mapper | None, schema: Schema, plan: Plan, models: Mapping[str, TableModel]
) -> Iterator[Mapper]:
    before = dict(_SHARED)
    share(schema, plan, models)
    try:
        if given is not None or workers <= 1:
            yield given or map
        else:
            from concurrent.futures import ProcessPoolExecutor  # which most samples do without
            from multiprocessing import get_context

            context = get_context("spawn")
            arguments = (schema, plan, dict(models))
            with ProcessPoolExecutor(workers, context, initializer=share, initargs=arguments) as pool:
                yield pool.map
    finally:
        _SHARED.clear()
        _SHARED.update(before)


# -- one table --------------------------------------------------------------------------------------------------------
def _sample_table(run: _Run, plan: TablePlan, table: Table) -> Made:
    model = run.models.get(plan.name)
    if plan.mode == "verbatim":
        assert model is not None and model.verbatim is not None
        columns = {n: model.verbatim.column(n).combine_chunks() for n in model.verbatim.column_names}
        columns = {n: c if isinstance(c, pa.Array) else pa.concat_arrays(c.chunks) for n, c in columns.items()}
        return Made(model.verbatim.num_rows, columns, dict(model.ranks), model.features)
    if not plan.rows:
        kinds = {c.name: final_type(table, model, c.name) for c in plan.columns if not isinstance(c.source, Default)}
        features = Features((), np.zeros((0, 0), dtype=np.int32))
        return Made(0, {n: array_of([], k) for n, k in kinds.items()}, {}, features)
    # Learned values keep their distribution; what is made up may differ as far as it can.
    differing = run.differing.get(plan.name, frozenset()) if model is None else frozenset()
    needed = needed_parents(run.schema, run.plan, run.made, plan.name, differing)
    if model is None:
        for name, rows in partners_needed(run.schema, run.plan, run.made, plan.name).items():
            needed[name] = np.union1d(needed.get(name, rows), rows)
    permitted = permitted_parents(plan, table, run.made, run.plan.dialect, run.plan.now)
    permitted = with_rows_of_no_other(run.schema, table, run.made, permitted)
    agree = agreeing_parents(plan, table, run.made, permitted)
    parents, position, siblings, orphans = _families(run, plan, table, needed, agree)
    dealt = _dealt(run, plan, model, position, siblings)
    horizons: dict[str, Horizon] = {}
    moments_told: dict[str, Moments] = {}
    if model is not None and plan.context is not None and run.chosen is None:
        above = run.made[plan.reference(plan.context).parent].columns
        horizons, moments_told = find_horizons(plan, model, above, parents)
    codes = _sample_codes(run, plan, table, model, parents, position, siblings, dealt, horizons, moments_told)
    asked = {g.column for g in run.given if g.table == plan.name}
    free = run.chosen is None and not asked
    room = {horizon.column: horizon.offsets for horizon in horizons.values()}
    codes, moments = walked(model, codes, position, run.seed, run.first.get(plan.name, 0), room, settled=free)
    ranks = {plan.context: parents} if plan.context is not None else {}
    ranks = match_references(plan, table, plan.rows, ranks, codes, model, run.made, run.models, run.seed, needed, agree)
    refuse_barred(table, permitted, ranks)
    base = _sample_values(run, plan, codes, model, position, dealt) | moments
    if model is None:
        base = lent_values(run.schema, run.plan, run.made, plan.name, base, run.lenders, run.seed)
        if plan.name not in run.first and plan.name not in run.there:
            lent = {column for name, column in run.lenders if name == plan.name}
            base = listed_values(run.schema, run.plan, plan.name, base, [n for n in base if n not in lent])
    # What is lent differs already as far as the lender's values do; others would find no partner.
    differing -= {column for name, column in run.lenders if name == plan.name}
    base = differing_values(plan, table, base, differing, run.seed, run.plan.locale, run.plan.now)
    assembly = Assembly(
        plan, table, model, plan.rows, run.seed, run.plan.locale, run.plan.now, base, codes, position, ranks, run.made,
        run.plan.dialect, run.first.get(plan.name, 0), run.there.get(plan.name), habits_of_parents(plan, run.models),
        orphans=orphans,
    )  # fmt: skip
    columns = settle(assembly, run.plan.dialect)
    codes = assembly.codes
    if plan.context is not None:
        parents, position = assembly.ranks[plan.context], assembly.position  # rows may stand in another order now
        places = np.maximum(parents, 0)  # a row may have left its parent to keep a set unique
        siblings = np.bincount(places, minlength=1)[places]
    if plan.name in run.told:
        run.parents[plan.name] = assembly
    if any(r.how == "later" for r in plan.references):
        run.waiting.append(assembly)
    if model is not None and model.state is not None:
        codes = _codes_now(run, plan, table, model, columns, codes, (parents, position, siblings))
    columns = balance_families(assembly, finish(assembly, _put_given(run, plan, columns), asked), asked)
    columns = composed_again(assembly, columns, asked)
    return Made(plan.rows, columns, assembly.ranks, _features(run, plan, table, model, codes, parents))


def _codes_now(
    run: _Run,
    plan: TablePlan,
    table: Table,
    model: TableModel,
    columns: Mapping[str, pa.Array],
    codes: Codes,
    family: tuple[Integers, Integers, Integers],
) -> Codes:
    """Codes of the final values: rows that moved to keep a key unique have the children of where they are now."""
    assert model.state is not None
    names = [v.name for v in generated(model)]
    out = codes.copy()
    for flex in {u.flex for u in plan.uniques if u.flex in columns and u.flex not in model.offsets}:
        assert flex is not None
        parts: Mapping[str, pa.Array] = {DATE: columns[flex]}
        if flex in model.calendars:
            parts = parts_with(columns[flex], model.calendars[flex]) or {}
        for part, values in parts.items():
            variable = part_variable(part, flex)
            if variable in names and variable in model.encodings:
                out[:, names.index(variable)] = encode(model.encodings[variable], values)
    moved = (out != codes).any(axis=1)
    parents, position, siblings = family
    # Siblings side by side, as they were drawn.
    order = np.lexsort((position, parents))
    above: Codes = np.zeros((plan.rows, 0), dtype=np.int32)
    if model.context is not None:
        above = _context_codes(run, plan, table, model, parents[order])
    job = CodesJob(plan.name, 0, run.seed, above, position[order], siblings[order])
    generator = find_generator(model.state.generator)
    out[order] = redraw_outgoing(model, generator, job, out[order], np.flatnonzero(moved[order]))
    return out


def _families(
    run: _Run,
    plan: TablePlan,
    table: Table,
    needed: Mapping[str, Integers],
    agree: Mapping[str, npt.NDArray[np.bool_]],
) -> tuple[Integers, Integers, Integers, npt.NDArray[np.bool_]]:
    """Context parent, place among its children, their number, and whether the reference is NULL, for every row."""
    n = plan.rows
    if plan.context is None:
        alone = np.ones(n, dtype=np.int64)
        return alone * -1, alone * 0, alone, np.zeros(n, dtype=bool)
    reference = plan.reference(plan.context)
    few = orphans_of(reference, table, n)
    parent = run.made[reference.parent]
    room = Capacities(run.plan, plan, table, run.made)
    cap = room.cap(reference)
    degrees = degrees_of(
        plan.name, reference, parent.rows, n - few, run.models.get(reference.parent), parent.features, cap, run.seed
    )
    degrees = balanced(degrees, plan, table, reference, run.models.get(reference.parent), run.made, run.seed)
    degrees = covered(degrees, needed.get(plan.context))
    words = hashed(np.arange(parent.rows), run.seed, plan.name, plan.context, "agreeing")
    most = 1 if reference.exclusive else cap
    degrees = moved_to(degrees, agree.get(plan.context), most, words)
    limits = room.parts_capped(reference) + rooms_beside(plan, table, run.made, agree, room.sizes_beside())
    degrees = held_in_groups(degrees, limits, agree.get(plan.context), most, words)
    parent.features = as_dealt(parent.features, plan.name, reference, degrees)
    own, degrees = degrees, adopted(degrees, few, run.seed, plan.name, plan.context)
    ranks = np.repeat(np.arange(parent.rows, dtype=np.int64), degrees)
    position = np.arange(n, dtype=np.int64) - starts(degrees)[:-1][ranks]
    return ranks, position, degrees[ranks], position >= own[ranks]


def _dealt(
    run: _Run, plan: TablePlan, model: TableModel | None, position: Integers, siblings: Integers
) -> dict[str, Integers]:
    """Moments, (n,), of columns whose families fill a grid of them, -1 where one is free."""
    asked = {item.column for item in run.given if item.table == plan.name}
    if model is None or plan.name in run.first or plan.name in run.there:
        return {}
    return {
        name: dealt_moments(facts["series"], position, siblings, run.seed, plan.name, name)
        for name, facts in model.calendars.items() if "series" in facts and name not in asked
    }  # fmt: skip


def _sample_codes(
    run: _Run, plan: TablePlan, table: Table, model: TableModel | None, parents: Integers, position: Integers,
    siblings: Integers, dealt: Mapping[str, Integers], horizons: Mapping[str, Horizon], moments: Mapping[str, Moments],
) -> Codes:  # fmt: skip
    if model is None or model.state is None:
        return np.zeros((plan.rows, 0), dtype=np.int32)
    above: Codes = np.zeros((plan.rows, 0), dtype=np.int32)
    if model.context is not None:
        above = _context_codes(run, plan, table, model, parents)
    first_of_all = dealt_codes(model, dealt)
    if run.chosen is None and plan.name not in run.first and plan.name not in run.there:
        first_of_all |= dealt_items(plan, table, model, run.models, run.made, parents, run.seed)
    given = first_of_all | _given_codes(run, plan, model)
    raw = run.chosen(plan.name, plan.rows, len(generated(model))) if run.chosen is not None else None
    first = run.first.get(plan.name, 0)  # rows further on come from streams of their own
    jobs = [
        CodesJob(
            plan.name, first + number, run.seed, above[low:high], position[low:high], siblings[low:high],
            {name: codes[low:high] for name, codes in given.items()}, None if raw is None else raw[low:high],
            first + low, 0, {name: horizon.take(slice(low, high)) for name, horizon in horizons.items()},
            {name: one.take(slice(low, high)) for name, one in moments.items()},
        )
        for number, (low, high) in enumerate(_cuts(plan, position))
    ]  # fmt: skip
    codes = np.concatenate(list(run.map(_codes_here, jobs)))
    if raw is not None or any(item.table == plan.name for item in run.given):
        return codes  # what is asked for is not what was learned
    whole = CodesJob(plan.name, 0, run.seed, above, position, siblings, first_of_all)
    draws = DRAWS if plan.rows > FEW_ROWS else MORE_DRAWS
    for again in range(1, draws if model.siblings else 1):
        if not (targets := straying(codes, plan, model, run.models)):
            break
        other = np.concatenate(list(run.map(_codes_here, [replace(job, draw=again) for job in jobs])))
        codes = better_families(codes, other, position, targets, run.seed, plan.name)
    codes = as_often(codes, plan, model, run.models, run.seed, find_generator(model.state.generator), whole)
    shares = {name: known for name, known in model.shares.items() if name not in first_of_all}
    return without_drift(codes, generated(model), shares, run.seed, plan.name, together=runs(model, codes, position))


def _cuts(plan: TablePlan, position: Integers) -> list[tuple[int, int]]:
    """Partitions of about ``partition_rows`` rows that keep families whole."""
    heads = np.flatnonzero(position == 0)
    cuts = [0]
    while cuts[-1] < plan.rows:
        target = cuts[-1] + plan.partition_rows
        after = heads[np.searchsorted(heads, target) :]
        cuts.append(int(after[0]) if after.size and target < plan.rows else plan.rows)
    return list(pairwise(cuts))


def _context_codes(run: _Run, plan: TablePlan, table: Table, model: TableModel, parents: Integers) -> Codes:
    """The parent's features in the order in which the model was fitted to them; a feature that is missing is "none"."""
    assert model.context is not None and model.state is not None
    features = run.made[table.foreign_key(model.context).parent].features
    assert features is not None
    variables, codes = take_features(features, parents, model.context)
    have = {v.name: i for i, v in enumerate(variables)}
    wanted = [v for v in model.state.variables if v.context and v.name.startswith(f"{model.context}>")]
    columns = [
        np.minimum(codes[:, have[v.name]], v.size - 1) if v.name in have else np.full(parents.size, v.size - 1)
        for v in wanted
    ]
    return np.stack(columns, axis=1).astype(np.int32) if columns else np.zeros((parents.size, 0), dtype=np.int32)


def _features(
    run: _Run, plan: TablePlan, table: Table, model: TableModel | None, codes: Codes, parents: Integers
) -> Features:
    if model is None or model.state is None:
        return Features((), np.zeros((plan.rows, 0), dtype=np.int32))
    own = generated(model)
    chosen = seen(own, MOST_FEATURE_CODES)
    variables = [coarse(own[i], MOST_FEATURE_CODES) for i in chosen]
    columns = [coarse_codes(codes[:, i], own[i].size, v.size) for i, v in zip(chosen, variables, strict=True)]
    if model.context is not None:
        features = run.made[table.foreign_key(model.context).parent].features
        assert features is not None
        above, theirs = take_features(features, parents, model.context)
        room = max(MOST_CONTEXT - len(variables), 0)
        variables += [Variable(v.name, v.size, v.ordered) for v in above[:room]]
        columns += list(theirs.T[:room])
    matrix = np.stack(columns, axis=1).astype(np.int32) if columns else np.zeros((plan.rows, 0), dtype=np.int32)
    return Features(tuple(variables), matrix)


def _sample_values(
    run: _Run,
    plan: TablePlan,
    codes: Codes,
    model: TableModel | None,
    position: Integers,
    dealt: Mapping[str, Integers],
) -> dict[str, pa.Array]:
    size = plan.partition_rows
    first = run.first.get(plan.name, 0)
    sources, steady = taken_up(model, codes, position, first, run.seed, plan.name)
    jobs = [
        ValuesJob(
            plan.name, first + number, run.seed, first + low, min(size, plan.rows - low), codes[low : low + size],
            run.plan.locale, run.plan.now, {name: rows[low : low + size] for name, rows in sources.items()},
            {name: rows[low : low + size] for name, rows in steady.items()},
        )
        for number, low in enumerate(range(0, plan.rows, size))
    ]  # fmt: skip
    parts = list(run.map(_values_here, jobs))
    out = {name: pa.concat_arrays([p[name] for p in parts]) for name in parts[0]}
    for name, moments in dealt.items():
        assert model is not None
        exact, _ = moment_parts(moments, model.calendars[name], model.types[name])
        out[name] = pc.if_else(array_of(moments >= 0), exact, out[name])
    return out


# -- given values -----------------------------------------------------------------------------------------------------
def _chosen(run: _Run, plan: TablePlan, item: Given) -> npt.NDArray[np.bool_]:
    count = round(plan.rows * item.share)
    out = np.zeros(plan.rows, dtype=bool)
    order = np.argsort(hashed(np.arange(plan.rows), run.seed, plan.name, item.column, "given"), kind="stable")
    out[order[:count]] = True
    return out


def _given_codes(run: _Run, plan: TablePlan, model: TableModel) -> dict[str, Codes]:
    out = {}
    for item in run.given:
        variable = column_variable(item.column)
        if item.table != plan.name or variable not in model.encodings:
            continue
        encoding, code = model.encodings[variable], None
        if str(item.value) in {text for text, _ in model.oddities.get(item.column, ())}:
            code = encoding.null_code
        elif item.column not in model.offsets:
            code = int(encode(encoding, array_of([item.value]).cast(model.types[item.column]))[0])
        if code is not None:
            out[variable] = np.where(_chosen(run, plan, item), code, -1).astype(np.int32)
    return out


def _put_given(run: _Run, plan: TablePlan, columns: dict[str, pa.Array]) -> dict[str, pa.Array]:
    out = dict(columns)
    for item in run.given:
        if item.table == plan.name:
            kind = out[item.column].type
            value = as_type(array_of([item.value]), kind)[0]
            if any(item.column in u.columns for u in plan.uniques) and plan.rows * item.share > 1:
                raise CapacityError(f"{plan.name}.{item.column} is unique: one value cannot be given to many rows")
            out[item.column] = pa.compute.if_else(array_of(_chosen(run, plan, item)), value, out[item.column])
    return out


def _arrow(run: _Run, plan: TablePlan) -> pa.Table:
    made, table = run.made[plan.name], run.schema[plan.name]
    names = [c for c in table.column_names if c in made.columns]
    odd = run.models[plan.name].oddities if plan.name in run.models else {}
    return pa.table({n: among_nulls(made.columns[n], odd.get(n, ()), run.seed, plan.name, n) for n in names})
