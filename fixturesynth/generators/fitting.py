"""From rows and a plan to table models, parents first."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from fixturesynth.arrays import combined
from fixturesynth.dataset import Dataset
from fixturesynth.generators.calendar import PARTS
from fixturesynth.generators.context import (
    MOST_CONTEXT,
    MOST_FEATURE_CODES,
    PLACES,
    ROW,
    Features,
    coarse,
    coarse_codes,
    places,
    previous,
    previous_name,
    seen,
    sibling_variables,
    take_features,
)
from fixturesynth.generators.contract import CodedTable, Generator, Variable
from fixturesynth.generators.curves import is_curve, marked_curve
from fixturesynth.generators.derivation import agreeing, derive, find_lookup, find_rows, of_nothing
from fixturesynth.generators.distances import Known, Way
from fixturesynth.generators.documents import MADE, document_parts
from fixturesynth.generators.encoding import encode, fit_encoding
from fixturesynth.generators.encoding.numeric import zero_code
from fixturesynth.generators.forms import has_forms, learned_forms
from fixturesynth.generators.gathering import Coded, Rows
from fixturesynth.generators.habits import plain_kind
from fixturesynth.generators.heeding import choose_shown
from fixturesynth.generators.incoming import add_blocks, find_returning
from fixturesynth.generators.insides import find_links
from fixturesynth.generators.itemsets import KIND
from fixturesynth.generators.keys import dense_rank
from fixturesynth.generators.lines import add_lines
from fixturesynth.generators.memories import Memory, choose_memories, memory_variable, remember
from fixturesynth.generators.moments import add_moments
from fixturesynth.generators.nesting import nests_of
from fixturesynth.generators.offsets import offset_facts, offsets
from fixturesynth.generators.outgoing import add_outgoing
from fixturesynth.generators.repeating import find_repeats
from fixturesynth.generators.series import mark_series
from fixturesynth.generators.steadying import find_steady
from fixturesynth.generators.succession import FOLLOWING, by_itself
from fixturesynth.generators.tablemodel import (
    TableModel,
    Walk,
    block_variable,
    column_variable,
    form_variable,
    inside_variable,
    length_variable,
    null_variable,
    part_variable,
    step_variable,
)
from fixturesynth.generators.tying import find_ties
from fixturesynth.generators.walks import find_walks, steps_of
from fixturesynth.generators.ways import ways_of
from fixturesynth.planning.plan import CROWD, ColumnPlan, Derived, Modelled, Plan, Rule, TablePlan
from fixturesynth.planning.successions import sibling_order
from fixturesynth.schema.model import Schema

__all__ = ["fit_tables"]

Integers = npt.NDArray[np.int64]
Codes = npt.NDArray[np.int32]

MOST_STEPS = 1_500  # longest family that is generated sibling by sibling, whatever else
MOST_DRAWS = 30_000  # steps times variables of longer ones,
LEAST_A_STEP = 20  # that have so many rows a step


def fit_tables(
    plan: Plan,
    schema: Schema,
    dataset: Dataset,
    *,
    generators: Mapping[str, Generator],
    groups: Mapping[str, Integers],
    protection: int,
    seed: int,
    time_limit: float | None = None,
    progress: Callable[[str, int, int], None] | None = None,
) -> dict[str, TableModel]:
    """A model for every table that has rows in ``dataset``. ``groups``: root entity of each row,
    by table, where rows belong to one. ``time_limit``: seconds for all tables together."""
    rows = Rows(plan, schema, dataset, protection, groups)
    models: dict[str, TableModel] = {}
    for number, table in enumerate(plan.tables):
        if table.name not in dataset:
            continue
        if progress is not None:
            progress(table.name, number, len(plan.tables))
        arrow = dataset.arrow(table.name)
        types = {f.name: f.type for f in arrow.schema}
        if table.mode == "verbatim":
            models[table.name] = _fit_verbatim(rows, table, types)
        elif table.generator == "rules" or not arrow.num_rows:
            models[table.name] = TableModel(table.name, arrow.num_rows, types)
        else:
            share = _share(time_limit, table, plan, dataset)
            models[table.name] = _fit_learned(rows, table, types, generators[table.generator], seed, share)
    return models


def _share(time_limit: float | None, table: TablePlan, plan: Plan, dataset: Dataset) -> float | None:
    if time_limit is None:
        return None
    weights = {t.name: dataset.arrow(t.name).num_rows + 100 for t in plan.tables if t.name in dataset}
    share: float = weights[table.name] / sum(weights.values())
    return time_limit * share


def _fit_verbatim(rows: Rows, table: TablePlan, types: Mapping[str, pa.DataType]) -> TableModel:
    arrow = rows.dataset.arrow(table.name)
    n = arrow.num_rows
    variables: list[Variable] = []
    codes: list[Codes] = []
    if n <= CROWD:
        variables.append(Variable(ROW, max(n, 1)))
        codes.append(np.arange(n, dtype=np.int32))
    for name in arrow.column_names:
        values = combined(arrow.column(name))
        kind = _feature_kind(values)
        if kind is not None and len(variables) < 12:
            encoding = fit_encoding(values, kind, protection=1, max_codes=32)
            if 1 < encoding.size <= 64:
                variables.append(Variable(f"column {name}", encoding.size, encoding.ordered))
                codes.append(encode(encoding, values))
    for reference in table.references:
        # Which country a region is in: a list's rows are in rows of another one.
        above = rows.features.get(reference.parent)
        if above is None or reference.how == "null" or rows.plan[reference.parent].mode != "verbatim":
            continue
        ranks = rows.rank(table.name, reference.foreign_key)
        for place, variable in enumerate(above.variables):
            if variable.name.endswith(ROW):
                named = f"{reference.foreign_key}>{variable.name}"
                variables.append(Variable(named, variable.size + 1))
                own = above.codes[np.maximum(ranks, 0), place]
                codes.append(np.where(ranks >= 0, own, variable.size).astype(np.int32))
    features = Features(tuple(variables), np.stack(codes, axis=1) if codes else np.zeros((n, 0), dtype=np.int32))
    rows.features[table.name] = features
    incoming = rows.incoming(table.name)
    return TableModel(
        table.name, n, types, verbatim=arrow, features=features,
        ranks={r.foreign_key: rows.rank(table.name, r.foreign_key) for r in table.references if r.how != "null"},
        degrees={f"{child}.{fk}": rows.degrees(child, fk, table.name) for child, fk, _ in incoming},
    )  # fmt: skip


def _feature_kind(values: pa.Array) -> str | None:
    if pa.types.is_boolean(values.type):
        return "categorical"
    if pa.types.is_integer(values.type) or pa.types.is_floating(values.type) or pa.types.is_decimal(values.type):
        return "numeric"
    if pa.types.is_string(values.type) and 1 < pc.count_distinct(values).as_py() <= min(64, len(values) // 2):
        return "categorical"
    return None


def _fit_learned(
    rows: Rows,
    table: TablePlan,
    types: Mapping[str, pa.DataType],
    generator: Generator,
    seed: int,
    time_limit: float | None,
) -> TableModel:
    order, parents = _family_order(rows, table)
    n = order.size
    groups = _groups(rows, table, order)
    coded = Coded(getattr(generator, "max_codes", 64))
    blocks = add_blocks(rows, table, order, coded)
    found_offsets: dict[str, dict[str, Any]] = {}
    calendars: dict[str, dict[str, Any]] = {}
    lookups: dict[str, pa.Table] = {}
    ways = ways_of(rows, table, order, Known(groups, rows.protection, coded.max_codes))
    for column in table.columns:
        if column.name in ways:
            _add_modelled(column, ways[column.name], coded, found_offsets, calendars, groups, rows.protection)
        else:
            _add_column(rows, table, column, order, groups, coded, found_offsets, lookups)
    walks: dict[str, Walk] = {}
    if getattr(generator, "computes", False) and table.context is not None:
        add_moments(rows, table, order, ways, coded, groups)
    if parents is not None and table.context is not None:
        key = rows.schema[table.name].foreign_key(table.context).columns
        dated = {name: rows.column(table.name, name).take(pa.array(order)) for name in calendars}
        first = mark_series(table.uniques, key, dated, parents, calendars)
        if table.name in rows.itemsets:
            first.add(block_variable(rows.itemsets[table.name].foreign_key))
        walks = _add_walks(table, ways, parents, coded, Known(groups, rows.protection, coded.max_codes))
        first |= {part_variable(part, name) for name in walks for part in PARTS}
        coded.variables = [replace(v, first=v.name in first) for v in coded.variables]
    lines = add_lines(rows, table, order, coded)
    own = len(coded.variables)
    _mark_repeats(rows, table, order, parents, groups, coded)
    habits = add_outgoing(rows, table, order, coded, seed)
    coded.variables[own:] = [replace(v, outgoing=True) for v in coded.variables[own:]]
    context, context_codes, siblings, memories = _context(rows, table, parents, coded, own)
    variables = (*context, *_alike(context, coded.variables))
    state = None
    if coded.variables and n:
        matrix = np.stack([*context_codes.T, *coded.codes], axis=1)
        fitted = CodedTable(variables, np.ascontiguousarray(matrix, dtype=np.int32), groups)
        state = generator.fit(fitted, seed=seed, time_limit=time_limit)
    rows.features[table.name] = _features(rows, table, coded, order, parents)
    alone = own if parents is None else 0  # what has a parent hangs on it rather than on its neighbours
    kinds = {block_variable(fk) for fk, block in blocks.items() if block.home is not None}
    nests = nests_of(coded.variables[:own], coded.codes, coded.grids, coded.encodings, kinds, groups, rows.protection)
    steady = (
        find_steady(coded.variables[:own], coded.codes[:own], coded.grids, parents, groups, rows.protection)
        if parents is not None and siblings else {}
    )  # fmt: skip
    return TableModel(
        name=table.name, rows=n, types=types, encodings=coded.encodings, offsets=found_offsets, calendars=calendars,
        lookups=lookups, blocks=blocks, context=table.context, siblings=siblings, memories=memories,
        shares=_shares(coded, siblings, walks), walks=tuple(walks.values()), lines=lines,
        insides=find_links(coded.places, groups, rows.protection), nests=nests, steady=steady,
        ties=find_ties(coded.variables[:alone], coded.codes[:alone], coded.grids, groups, rows.protection),
        habits=habits, itemset=rows.itemsets.get(table.name), state=state,
        returning=find_returning(rows, table, order, parents, blocks),
    )  # fmt: skip


def _mark_repeats(
    rows: Rows, table: TablePlan, order: Integers, parents: Integers | None, groups: Integers, coded: Coded
) -> None:
    """A code more for rare categories that come again among the children of one parent."""
    if parents is None:
        return
    for column in table.columns:
        encoding = coded.encodings.get(column_variable(column.name))
        if encoding is None or encoding.rare_code is None or not isinstance(column.source, Modelled):
            continue
        i = [v.name for v in coded.variables].index(column_variable(column.name))
        values = rows.column(table.name, column.name).take(pa.array(order))
        again = find_repeats(coded.codes[i] == encoding.rare_code, values, parents)
        if np.unique(groups[again]).size >= rows.protection:
            coded.codes[i] = np.where(again, encoding.size, coded.codes[i]).astype(np.int32)
            coded.variables[i] = Variable(coded.variables[i].name, encoding.size + 1)


def _alike(context: Sequence[Variable], variables: Sequence[Variable]) -> list[Variable]:
    """The variables, each naming the one of the sibling before where that is seen in the same codes."""
    known = {v.name: v.size for v in context}
    return [
        replace(v, like=previous_name(v.name)) if known.get(previous_name(v.name)) == v.size + 1 else v
        for v in variables
    ]


def _add_walks(
    table: TablePlan, ways: Mapping[str, Way], parents: Integers, coded: Coded, known: Known
) -> dict[str, Walk]:
    """Columns that go on from the sibling before, and a variable more for each: how far it is to the next one."""
    counts = np.bincount(parents)
    if counts.max(initial=0) < 2 or counts.max() > _most_steps(parents.size, len(coded.variables)):
        return {}
    position = np.arange(parents.size) - (np.cumsum(counts) - counts)[parents]
    firm = {s.column for s in table.successions if s.kind != "ascending"} | {b.column for b in table.balances}
    firm |= {c.name for choice in table.branches for branch in choice.branches for c in branch}
    walks = find_walks({n: way for n, way in ways.items() if n not in firm}, position, known)
    for name in walks:
        steps = steps_of(name, ways[name], position)
        coded.encode(step_variable(name), steps, "numeric", known.protection, known.groups)
        for variable in (column_variable(name), step_variable(name)):  # their places inside codes are their own
            coded.places.pop(variable, None)
    return walks


def _most_steps(rows: int, variables: int) -> int:
    """The longest family that is generated sibling by sibling: each step has its price, the more variables the more."""
    return max(MOST_STEPS, min(rows // LEAST_A_STEP, MOST_DRAWS // max(variables, 1)))


def _shares(coded: Coded, siblings: tuple[str, ...], walks: Mapping[str, Walk]) -> dict[str, Integers]:
    """How often each code was seen, (size,), of kinds and of variables that are drawn sibling by sibling; of ordered
    ones, NULL not at all, and neither 0: what is none and what is little must not change places. Walks stay as they
    are: what moves one row would move all after it."""
    out = {}
    going = {step_variable(name) for name in walks} | {part_variable(p, name) for name in walks for p in PARTS}
    for variable, codes in zip(coded.variables, coded.codes, strict=True):
        if variable.name in going:
            continue
        if variable.name in siblings or variable.name.startswith(KIND):
            out[variable.name] = np.bincount(codes, minlength=variable.size).astype(np.int64)
            encoding = coded.encodings.get(variable.name)
            if variable.ordered and encoding is not None:
                for alone in (encoding.null_code, zero_code(encoding)):
                    if alone is not None:
                        out[variable.name][alone] = 0
    return out


def _family_order(rows: Rows, table: TablePlan) -> tuple[Integers, Integers | None]:
    """Rows by context parent, then by their first date, else by the rest of their key, else as they came.

    Gives the parent of each row as well, in that order.
    """
    n = rows.dataset.arrow(table.name).num_rows
    if table.context is None:
        return np.arange(n), None
    ranks = rows.rank(table.name, table.context)
    names = sibling_order(table, rows.schema[table.name])
    keys: list[npt.NDArray[np.generic]] = [np.arange(n)]
    keys += [dense_rank(rows.column(table.name, name)) for name in reversed(names)]
    order = np.lexsort((*keys, ranks))
    order = order[ranks[order] >= 0]
    return order, ranks[order]


def _groups(rows: Rows, table: TablePlan, order: Integers) -> Integers:
    """Root entity of each row, in fitting order: the person it belongs to where there is one, else itself."""
    groups = rows.groups.get(table.name)
    return order if groups is None else groups[order]


def _add_modelled(
    column: ColumnPlan,
    way: Way,
    coded: Coded,
    found_offsets: dict[str, dict[str, Any]],
    calendars: dict[str, dict[str, Any]],
    groups: Integers,
    protection: int,
) -> None:
    assert isinstance(column.source, Modelled)
    options = column.source.options
    if way.offset is not None:
        found_offsets[column.name] = way.offset
    if way.calendar is not None:
        calendars[column.name] = way.calendar
    domain = (options.get("domain") or options.get("known")) if way.offset is None else None
    for variable, (values, kind) in way.parts.items():
        coded.encode(variable, values, kind, protection, groups, domain)


def _add_column(
    rows: Rows,
    table: TablePlan,
    column: ColumnPlan,
    order: Integers,
    groups: Integers,
    coded: Coded,
    found_offsets: dict[str, dict[str, Any]],
    lookups: dict[str, pa.Table],
) -> None:
    source, name = column.source, column.name
    if not isinstance(source, Derived | Rule) or name not in rows.dataset.arrow(table.name).column_names:
        return
    values = rows.column(table.name, name).take(pa.array(order))
    protection = rows.protection
    if isinstance(source, Rule):
        plain = not source.needs and not source.parents and "shared" not in source.call.options
        forms = learned_forms(source.call, values, groups, protection) if plain and has_forms(source.call) else None
        if forms is not None:
            coded.encode(form_variable(name), forms, "categorical", protection, groups)
        lengths = _lengths(source, values)
        if lengths is not None:
            coded.encode(length_variable(name), lengths, "numeric", protection, groups)
        elif forms is None and 0 < values.null_count < len(values):
            coded.add(null_variable(name), 2, np.asarray(values.is_null()))
        if source.call.name in MADE and not source.call.unique:
            for part, (found, kind) in document_parts(source.call, values).items():
                coded.encode(inside_variable(name, part), found, kind, protection, groups)
    else:
        _add_derived(rows, table, column, order, groups, coded, values, found_offsets, lookups)


def _lengths(source: Rule, values: pa.Array) -> pa.Array | None:
    """Characters of each made-up text, where they differ and the rule is free to choose them; int64 with nulls."""
    text = pa.types.is_string(values.type) or pa.types.is_large_string(values.type)
    if not text or source.call.name in MADE or source.needs or source.parents or "shared" in source.call.options:
        return None
    lengths = pc.utf8_length(values).cast(pa.int64())
    return lengths if pc.count_distinct(lengths).as_py() > 1 else None


def _add_derived(
    rows: Rows,
    table: TablePlan,
    column: ColumnPlan,
    order: Integers,
    groups: Integers,
    coded: Coded,
    values: pa.Array,
    found_offsets: dict[str, dict[str, Any]],
    lookups: dict[str, pa.Table],
) -> None:
    """A derived column needs learning only where the rows leave it out, or have it without what it derives from."""
    source = column.source
    assert isinstance(source, Derived)
    if source.operation in ("ordinal", "numbered"):
        return
    if source.operation in FOLLOWING:
        taken = {c: rows.column(table.name, c).take(pa.array(order)) for c in (*source.sources, column.name)}
        alone = by_itself(source, rows.schema[table.name], taken, column.name)
        if alone is not None:
            kind = plain_kind(values) if source.operation == "lagged" else "numeric"
            coded.encode(column_variable(column.name), alone, kind, rows.protection, groups)
        return
    if source.foreign_key is not None and "theirs" in source.parameters:
        sources = [rows.column(table.name, s).take(pa.array(order)) for s in source.sources]
        sources.append(rows.through(table.name, source.foreign_key, source.parameters["theirs"], order))
    elif source.foreign_key is not None:
        sources = [rows.through(table.name, source.foreign_key, source.sources[0], order)]
    else:
        sources = [rows.column(table.name, s).take(pa.array(order)) for s in source.sources]
    if source.operation == "determines":
        lookup = find_lookup(sources, values, rows.protection, groups)
        if source.parameters.get("unseen"):
            lookup = of_nothing(lookup)
        if len(sources) == 1:
            lookup = marked_curve(lookup, sources[0], values)
        lookups[column.name] = lookup
        known = find_rows(sources, lookup) >= 0
        if "rule" in source.parameters:
            missing = np.asarray(values.is_null()) & ~known
            if missing.any():
                coded.add(null_variable(column.name), 2, missing)
            return
        if "copied" in source.parameters:
            through, theirs = source.parameters["copied"]
            above = rows.through(table.name, through, theirs, order)
            known |= agreeing(values, above)
            facts = offset_facts(values, "temporal")
            if facts is not None and not known.all() and (distance := offsets(values, above, facts)) is not None:
                found_offsets[column.name] = facts
                distance = pc.if_else(pa.array(known), pa.scalar(None, pa.int64()), distance)
                coded.encode(column_variable(column.name), distance, "numeric", rows.protection, groups)
                return
        if not known.all() and not is_curve(lookup):
            # Determinants too rare to be kept: their values are learned, and dealt out one for each determinant.
            alone = pc.if_else(pa.array(known), pa.scalar(None, values.type), values)
            named = source.parameters.get("domain") or source.parameters.get("known")
            kind = "categorical" if named else plain_kind(values)
            coded.encode(column_variable(column.name), alone, kind, rows.protection, groups, named)
        return
    derived = derive(source.operation, sources, source.parameters, values.type)
    made = np.asarray(derived.is_valid())
    present = np.asarray(values.is_valid())
    if (made & ~present).any():
        coded.add(null_variable(column.name), 2, made & ~present)
    other = present & ~(agreeing(values, derived) if source.parameters.get("mostly") else made)
    if other.any():
        alone = pc.if_else(pa.array(other), values, pa.scalar(None, values.type))
        named = source.parameters.get("domain") or source.parameters.get("known")
        text = pa.types.is_string(values.type) or pa.types.is_large_string(values.type)
        kind = "categorical" if source.parameters.get("mostly") and text else plain_kind(values)
        coded.encode(column_variable(column.name), alone, kind, rows.protection, groups, named)


def _context(
    rows: Rows, table: TablePlan, parents: Integers | None, coded: Coded, own: int
) -> tuple[tuple[Variable, ...], Codes, tuple[str, ...], tuple[Memory, ...]]:
    """Context variables and codes, (n, k), the names of the variables that the next sibling sees, and memories."""
    n = coded.codes[0].size if coded.codes else 0
    if parents is None or table.context is None:
        return (), np.zeros((n, 0), dtype=np.int32), (), ()
    parent = rows.schema[table.name].foreign_key(table.context).parent
    variables, codes = take_features(rows.features[parent], parents, table.context)
    n = parents.size
    counts = np.bincount(parents, minlength=rows.dataset.arrow(parent).num_rows)
    siblings = counts[parents]
    position = np.arange(n) - (np.cumsum(counts) - counts)[parents]
    parts = [codes]
    names: tuple[str, ...] = ()
    memories: list[Memory] = []
    if n and counts.max() > 1:
        variables = (*variables, *PLACES)
        parts.append(places(position, siblings))
        if counts.max() <= _most_steps(n, own):
            nulls = [_null_code(coded, v.name) for v in coded.variables[:own]]
            around = np.concatenate(parts, axis=1)
            chosen, shown = choose_shown(coded.variables[:own], nulls, coded.codes, position, variables, around)
            names = tuple(coded.variables[i].name for i in chosen)
            before_them = sibling_variables(shown, names)
            variables = (*variables, *before_them)
            if chosen:
                columns = [
                    coarse_codes(coded.codes[i], coded.variables[i].size, v.size)
                    for i, v in zip(chosen, shown, strict=True)
                ]
                own_codes = np.stack(columns, axis=1)
                before = previous(own_codes, position, [v.size - 1 for v in before_them])
                nulls = [_null_code(coded, name) for name in names]
                memories = choose_memories(shown, nulls, own_codes, before, position)
                variables = (*variables, *map(memory_variable, memories))
                parts += [before, remember(memories, [names.index(m.variable) for m in memories], own_codes, position)]
    return variables, np.concatenate(parts, axis=1).astype(np.int32), names, tuple(memories)


def _null_code(coded: Coded, name: str) -> int:
    encoding = coded.encodings.get(name)
    return -1 if encoding is None or encoding.null_code is None else encoding.null_code


def _features(rows: Rows, table: TablePlan, coded: Coded, order: Integers, parents: Integers | None) -> Features:
    """What the children of this table will see: its own codes, then its context parent's, in the rows' own order."""
    n = rows.dataset.arrow(table.name).num_rows
    chosen = seen(coded.variables, MOST_FEATURE_CODES)
    variables = [coarse(coded.variables[i], MOST_FEATURE_CODES) for i in chosen]
    columns = [
        coarse_codes(coded.codes[i], coded.variables[i].size, v.size) for i, v in zip(chosen, variables, strict=True)
    ]
    if parents is not None and table.context is not None:
        parent = rows.schema[table.name].foreign_key(table.context).parent
        above, codes = take_features(rows.features[parent], parents, table.context)
        room = max(MOST_CONTEXT - len(variables), 0)
        variables += [Variable(v.name, v.size, v.ordered) for v in above[:room]]
        columns += list(codes.T[:room])
    out = np.zeros((n, len(variables)), dtype=np.int32)
    if columns:
        out[order] = np.stack(columns, axis=1)
    return Features(tuple(variables), out)
