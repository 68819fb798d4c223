"""Rows of a family put in line: even gaps, dates that never fall, totals that go on and keep their bounds.

``arrange`` comes before anything else is settled: it moves whole rows, so that what belongs together stays so.
``finish`` comes last: it computes again what hangs on rows that were moved since.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from fixturesynth.arrays import array_of, fill_null, numpy_of
from fixturesynth.generators.calendar import PARTS
from fixturesynth.generators.derivation import as_type
from fixturesynth.generators.succession import FOLLOWING, running_parts, written
from fixturesynth.generators.tablemodel import (
    column_variable,
    form_variable,
    length_variable,
    null_variable,
    part_variable,
)
from fixturesynth.planning.plan import ColumnPlan, Derived, Key, Modelled, Rule, Succession, TablePlan
from fixturesynth.planning.successions import sibling_order
from fixturesynth.profiling.siblings import Siblings, by_pace, line_up, on_grid, paced, sort_key, within
from fixturesynth.randomness import hashed
from fixturesynth.sampling.assembly import Assembly, compute, derived
from fixturesynth.sampling.bounds import Bounds, kept_within
from fixturesynth.sampling.nulls import filled
from fixturesynth.sampling.partition import generated
from fixturesynth.sampling.progress import in_progress
from fixturesynth.sampling.tracking import tracked

__all__ = ["arrange", "computed_again", "counted_off", "finish", "goes_on"]

Integers = npt.NDArray[np.int64]
Columns = dict[str, pa.Array]

TRIES = 3  # where amounts hang on other columns, moving rows may take more than once
WIDE = 2**62


def goes_on(plan: TablePlan) -> bool:
    """Whether anything in the table hangs on the sibling before or after."""
    return bool(plan.successions) or any(_is_following(c) for c in plan.columns)


def arrange(assembly: Assembly, columns: Columns) -> Columns:
    """The columns with rows in line; whole rows move inside their family, amounts also between families."""
    everywhere = np.ones(assembly.rows, dtype=bool)
    for item in assembly.plan.successions:
        missing = item.column in columns and columns[item.column].null_count > 0
        if missing and not assembly.table.column(item.column).nullable:  # counted from a parent's that is NULL
            _set(assembly, item.column, filled(assembly, item.column, columns[item.column], everywhere))
            columns = compute(assembly)
    for item in assembly.plan.successions:
        if item.kind == "paced" and item.column in columns:
            _set(assembly, item.column, _on_pace(assembly, item, columns))
            columns = compute(assembly)
    moved = False
    for item in assembly.plan.successions:
        # Dates as they are now, put in order with their parents'.
        if item.column in columns and item.kind not in ("progress", "ranked"):
            _set(assembly, item.column, columns[item.column])
    for item in assembly.plan.successions:
        if item.kind != "ascending" or item.column not in columns:
            continue
        # Rows move with their dates; where some have none, the dates alone do.
        dated = assembly.view(columns, item.column)[item.column].family == "datetime"
        dated &= not columns[item.column].null_count
        if not moved and dated and _by_rank(assembly, item):
            moved = True
            if assembly.plan.context is not None:
                _set_rising(assembly, columns, item, within=True)
                columns = compute(assembly)
            _move_rows(assembly, columns, item)
            columns = compute(assembly)
        elif not dated or _own(assembly, item) or not _by_rank(assembly, item):
            _set_rising(assembly, columns, item)
            columns = compute(assembly)
    for item in assembly.plan.successions:
        if item.kind == "progress" and item.column in columns:
            values = in_progress(assembly, item, columns)
            if values is not None:
                _set(assembly, item.column, values)
                columns = compute(assembly)
    for item in assembly.plan.successions:
        if item.kind == "ranked" and item.column in columns:
            _set(assembly, item.column, _ranked(assembly, item, columns))
            columns = compute(assembly)
    for column in assembly.plan.columns:
        whole = isinstance(column.source, Derived) and column.source.operation == "running"
        if whole and column.name in assembly.base and not column.source.parameters["groups"]:  # type: ignore[union-attr]
            columns = _on_its_way(assembly, columns, column)
    for column, source in _totals(assembly):
        for _ in range(TRIES):
            taking = _within_bounds(assembly, columns, column, source)
            if taking is None:
                break
            names = _content(assembly, source)
            _take(assembly, names, taking)
            columns = compute(assembly)
    return columns


def finish(assembly: Assembly, columns: Columns, given: Collection[str] | None = None) -> Columns:
    """The columns with what goes on from sibling to sibling computed from what the rows are now.

    ``given``: columns that the user set since, where that is why; they stay as they are.
    """
    if given is not None and not given:
        return columns
    if not goes_on(assembly.plan):
        return columns
    out = dict(columns)
    changed: set[str] = set(given or ())
    keyed = {c for u in assembly.plan.uniques for c in u.columns} | changed
    for item in assembly.plan.successions:
        if item.column not in out or item.column in keyed:
            continue
        if item.kind == "ascending" and not _own(assembly, item) and _by_rank(assembly, item):
            continue  # dates of other families would come in, which their parents may not allow
        values = _SUCCESSIONS[item.kind](assembly, item, out)
        if values is not None and not values.equals(out[item.column]):
            out[item.column] = values
            changed.add(item.column)
    out = computed_again(assembly, out, changed, keyed)
    for column, source in _totals(assembly):
        taking = _within_bounds(assembly, out, column, source)
        if taking is not None:
            names = [n for n in (*(t for t, _ in source.parameters["terms"]), source.parameters.get("by")) if n]
            if all(isinstance(assembly.plan.column(n).source, Modelled | Rule) and n not in keyed for n in names):
                at = array_of(taking)
                out |= {n: out[n].take(at) for n in names}
                out = computed_again(assembly, out, set(names), keyed)
        if column.name not in keyed:
            out[column.name] = _clipped(out[column.name], source)
    return out


def _ranked(assembly: Assembly, item: Succession, columns: Mapping[str, pa.Array]) -> pa.Array:
    """Each value's rank among its siblings' instead of it; of equal ones a keyed hash decides."""
    view = assembly.view(columns, item.column, *item.groups)
    line = line_up(view, item.groups, ())
    ties = hashed(line.order, assembly.seed, assembly.table.name, item.column, "ranked")
    order = np.lexsort((ties, sort_key(view[item.column])[line.order], line.family))
    ranks = np.full(assembly.rows, int(item.parameters["start"]), dtype=np.int64)
    ranks[line.order[order]] += line.place
    return as_type(array_of(ranks), columns[item.column].type)


def _in_progress(assembly: Assembly, item: Succession, columns: Mapping[str, pa.Array]) -> pa.Array | None:
    return in_progress(assembly, item, columns)


def _is_following(column: ColumnPlan) -> bool:
    return isinstance(column.source, Derived) and column.source.operation in FOLLOWING


def _totals(assembly: Assembly) -> list[tuple[ColumnPlan, Derived]]:
    """Running totals that have a bound."""
    found = []
    for column in assembly.plan.columns:
        source = column.source
        if (
            isinstance(source, Derived)
            and source.operation == "running"
            and set(source.parameters) & {"floor", "ceiling"}
        ):
            found.append((column, source))
    return found


# -- dates ------------------------------------------------------------------------------------------------------------
def _on_pace(assembly: Assembly, item: Succession, columns: Mapping[str, pa.Array]) -> pa.Array:
    """Each family's values, going on evenly from that of its first row; of the whole table from the earliest."""
    view = assembly.view(columns, item.column, *item.groups, *item.order)
    target, p = view[item.column], item.parameters
    # What is in its own order goes by rank: the first row of a family was drawn as such, the least was not.
    line = line_up(view, item.groups, () if item.groups and item.order[0] == item.column else item.order)
    unit = int(p.get("unit", 1))
    whole = target.moments // unit if "unit" in p else on_grid(target, int(p["decimals"]), exact=False)
    assert whole is not None
    out = whole.copy()
    for _, some, step in by_pace(line, p, _categories(assembly, columns, p)):
        start = whole[some.order[some.first]]
        if "ends" in p:
            start = within(start, some.place[some.last], step, unit, *p["ends"])
        out[some.order] = paced(start[some.family], some.place, step, unit)
    return written(out, ~target.valid, target, p, columns[item.column].type)


def _categories(assembly: Assembly, columns: Mapping[str, pa.Array], parameters: Mapping[str, Any]) -> Sequence[Any]:
    """What decides the gap of each row, (rows,): of its parent, or its own."""
    if "paces" not in parameters:
        return ()
    if parameters["key"] is None:
        own: Sequence[Any] = columns[parameters["by"]].to_pylist()
        return own
    theirs: Sequence[Any] = assembly.through(parameters["key"], parameters["by"], columns).to_pylist()
    return theirs


def _set(assembly: Assembly, name: str, values: pa.Array) -> None:
    """Values that are final: no longer counted from another column's."""
    assembly.base[name] = values
    if assembly.model is not None and name in assembly.model.offsets:
        left = {k: v for k, v in assembly.model.offsets.items() if k != name}
        assembly.model = replace(assembly.model, offsets=left)


def _by_rank(assembly: Assembly, item: Succession) -> bool:
    """Whether what puts siblings in order rises with their rank: keys, and numbers that count them."""
    source = assembly.plan.column(item.order[0]).source
    return isinstance(source, Key) or (isinstance(source, Derived) and source.operation in ("ordinal", "numbered"))


def _in_rank(assembly: Assembly, families: bool) -> Siblings:
    """The rows of each family, or all of them, in order of rank."""
    if not families or assembly.plan.context is None:
        first = np.zeros(assembly.rows, dtype=bool)
        first[:1] = True
        return Siblings(np.arange(assembly.rows), first)
    parents = assembly.ranks[assembly.plan.context]
    order = np.argsort(parents, kind="stable")
    first = np.ones(assembly.rows, dtype=bool)
    first[1:] = parents[order][1:] != parents[order][:-1]
    return Siblings(order, first)


def _own(assembly: Assembly, item: Succession) -> bool:
    """Whether families are the children of the context, or there is none and they are all rows."""
    if assembly.plan.context is None:
        return not item.groups
    return set(item.groups) == set(assembly.table.foreign_key(assembly.plan.context).columns)


def _move_rows(assembly: Assembly, columns: Columns, item: Succession) -> None:
    """Rows change places, all but their keys, so that a date rises with the rank.

    Families that the context does not make stand together afterwards, in the order of their first rows.
    """
    view = assembly.view(columns, item.column, *item.groups)
    slots = _in_rank(assembly, _own(assembly, item))
    moments, family = sort_key(view[item.column])[slots.order], slots.family
    if item.groups and not _own(assembly, item):
        line = line_up(view, item.groups, ())
        begin = np.arange(assembly.rows)
        begin[line.order] = line.order[line.first][line.family]
        family = begin[slots.order]
    taking = np.empty(assembly.rows, dtype=np.int64)
    taking[slots.order] = slots.order[np.lexsort((moments, family))]
    if (taking == np.arange(assembly.rows)).all():
        return
    names = [c.name for c in assembly.plan.columns if not isinstance(c.source, Key) and c.name in assembly.base]
    at = array_of(taking)
    assembly.base |= {name: assembly.base[name].take(at) for name in names}
    assembly.codes = assembly.codes[taking]
    assembly.ranks = {key: ranks[taking] for key, ranks in assembly.ranks.items()}
    if assembly.plan.context is not None:
        places = _in_rank(assembly, True)
        assembly.position = np.empty(assembly.rows, dtype=np.int64)
        assembly.position[places.order] = places.place


def _rising(
    assembly: Assembly, item: Succession, columns: Mapping[str, pa.Array], *, within: bool = False
) -> pa.Array | None:
    """The values alone put in order inside their families; None where they are. ``within``: each parent's by itself.

    Where no two siblings share one, the later of two equal ones moves on by the least step.
    """
    whole = assembly.view(columns, item.column, *item.groups, *item.order)
    view = whole[item.column]
    if within or (_by_rank(assembly, item) and _own(assembly, item)):
        slots = _in_rank(assembly, True)
    else:
        slots = line_up(whole, item.groups, () if _by_rank(assembly, item) else item.order)
    slots = slots.among(view.valid)
    moments = sort_key(view)[slots.order]
    order = np.lexsort((moments, slots.family))
    if view.family != "datetime":
        index = np.arange(assembly.rows)
        index[slots.order] = slots.order[order]
        return None if (moments[order] == moments).all() else columns[item.column].take(array_of(index))
    if not slots.order.size:
        return None
    rising = moments[order]
    if item.parameters.get("strict"):
        rising = _apart(rising, slots, int(item.parameters["unit"]))
    if (rising == moments).all():
        return None
    out = view.moments.copy()
    out[slots.order] = rising
    return written(out, ~view.valid, view, {"unit": 1}, columns[item.column].type)


def _apart(rising: Integers, slots: Siblings, grain: int) -> Integers:
    """Ascending moments, (n,) in line, of which no two siblings share one: the later moves on by ``grain``."""
    if not rising.size:
        return rising
    whole = (rising - rising.min()) // grain
    place = np.arange(rising.size)
    # Families further apart than any two moments: what one has pushed on never reaches into the next.
    span = int(whole.max()) + rising.size + 1
    if span * (int(slots.family[-1]) + 1) >= WIDE:
        return rising
    lifted = np.maximum.accumulate(whole - place + slots.family * span) + place - slots.family * span
    return np.where(lifted > whole, rising.min() + lifted * grain, rising)


def _set_rising(assembly: Assembly, columns: Columns, item: Succession, *, within: bool = False) -> None:
    values = _rising(assembly, item, columns, within=within)
    if values is not None:
        _set(assembly, item.column, values)


def counted_off(assembly: Assembly, columns: Columns) -> Columns:
    """The columns with the numbers of a key that order the rows of each parent in the order in which rows were drawn.

    Each row was drawn to follow the one before it: a number that stands elsewhere in the order tears them apart.
    """
    plan = assembly.plan
    names = sibling_order(plan, assembly.table)
    alone = plan.context is not None and len(names) == 1 and names[0] in assembly.base
    if not alone or not isinstance(plan.column(names[0]).source, Modelled):
        return columns
    view = assembly.view(columns, names[0])[names[0]]
    if view.family != "number" or view.nulls:
        return columns
    slots = _in_rank(assembly, True)
    order = np.lexsort((view.numbers[slots.order], slots.family))
    if (order == np.arange(assembly.rows)).all():
        return columns
    taking = np.empty(assembly.rows, dtype=np.int64)
    taking[slots.order] = slots.order[order]
    _set(assembly, names[0], columns[names[0]].take(array_of(taking)))
    return compute(assembly)


# -- totals -----------------------------------------------------------------------------------------------------------
def _on_its_way(assembly: Assembly, columns: Columns, column: ColumnPlan) -> Columns:
    """The one total of a table goes the way that was drawn: without a parent no row knows the one before it."""
    source = column.source
    assert isinstance(source, Derived)
    view = assembly.view(columns, *source.sources)
    line, steps, opening = running_parts(view, {**source.parameters, "before": False}, None, _nobody)
    drawn = numpy_of(fill_null(as_type(assembly.base[column.name], pa.float64()), 0.0))
    wanted = drawn[line.order] * 10.0 ** source.parameters["decimals"]
    taking = np.arange(assembly.rows, dtype=np.int64)
    taking[line.order] = line.order[tracked(steps, int(opening[0]), wanted)] if line.order.size else line.order
    _take(assembly, _content(assembly, source), taking)
    return compute(assembly)


def _nobody(foreign_key: str, column: str) -> pa.Array:
    raise AssertionError("a total without families begins at no parent's")


def _within_bounds(
    assembly: Assembly, columns: Mapping[str, pa.Array], column: ColumnPlan, source: Derived
) -> Integers | None:
    """From which row each row should take its amount, so that totals keep their bounds; None where they do."""
    parameters = source.parameters

    def through(foreign_key: str, name: str) -> pa.Array:
        return assembly.through(foreign_key, name, columns)

    view = assembly.view(columns, *source.sources)
    line, steps, opening = running_parts(view, {**parameters, "before": False}, assembly.base.get(column.name), through)
    if not line.order.size:
        return None
    bounds = Bounds(int(parameters.get("floor", -WIDE)), int(parameters.get("ceiling", WIDE)))
    pinned = bool(parameters["opening"].get("free"))
    if pinned:
        # The first total is what it is; what its row adds says nothing.
        opening, steps = opening + steps[line.first], np.where(line.first, 0, steps)
    places = kept_within(line, steps, opening, bounds, pinned=pinned)
    if places is None:
        return None
    taking = np.arange(assembly.rows, dtype=np.int64)
    taking[line.order] = line.order[places]
    return taking


def _content(assembly: Assembly, source: Derived) -> list[str]:
    """Columns that move with an amount: all that the row is, but its keys, its dates and its families."""
    plan = assembly.plan
    fixed = {c for fk in assembly.table.foreign_keys for c in fk.columns} | {c for u in plan.uniques for c in u.columns}
    fixed |= {s.column for s in plan.successions} | {*source.parameters["groups"], *source.parameters["order"]}
    names = []
    for column in plan.columns:
        kind = column.source
        total = isinstance(kind, Derived) and kind.operation in FOLLOWING
        dated = isinstance(kind, Modelled) and kind.encoding == "temporal"
        if column.name in assembly.base and column.name not in fixed and not (total or dated or isinstance(kind, Key)):
            names.append(column.name)
    return names


def _take(assembly: Assembly, names: Sequence[str], taking: Integers) -> None:
    """Values and codes of some columns from other rows."""
    at = array_of(taking)
    assembly.base |= {name: assembly.base[name].take(at) for name in names}
    if assembly.model is None:
        return
    wanted: set[str] = set()
    for name in names:
        wanted |= {column_variable(name), null_variable(name), length_variable(name), form_variable(name)}
        wanted |= {part_variable(part, name) for part in PARTS}
    places = [i for i, v in enumerate(generated(assembly.model)) if v.name in wanted]
    codes = assembly.codes.copy()
    codes[:, places] = codes[taking][:, places]
    assembly.codes = codes


def computed_again(assembly: Assembly, columns: Columns, changed: set[str], keyed: set[str]) -> Columns:
    """Columns that go on from sibling to sibling, and all that is derived from what changed."""
    out = dict(columns)
    changed = set(changed)
    todo = [c for c in assembly.plan.columns if isinstance(c.source, Derived) and c.name in out and c.name not in keyed]
    for _ in todo:
        before = len(changed)
        for column in todo:
            source = column.source
            assert isinstance(source, Derived)
            own = source.foreign_key is None or "theirs" in source.parameters
            hangs = own and bool(changed & set(source.sources))
            if not hangs and not _is_following(column):
                continue
            values = derived(assembly, column, source, out[column.name].type, out)
            if not values.equals(out[column.name]):
                out[column.name] = values
                changed.add(column.name)
        if len(changed) == before:
            break
    return out


def _clipped(values: pa.Array, source: Derived) -> pa.Array:
    """Totals that no move brought inside a check's bounds stop there: the check comes before the rule."""
    if not source.parameters.get("checked"):
        return values
    scale = 10.0 ** source.parameters["decimals"]
    for name, pick in (("floor", pa.compute.max_element_wise), ("ceiling", pa.compute.min_element_wise)):
        if name in source.parameters:
            bound: Any = array_of([source.parameters[name] / scale]).cast(values.type, safe=False)[0]
            values = pick(values, bound, skip_nulls=False)
    return values


_SUCCESSIONS: Mapping[str, Callable[[Assembly, Succession, Mapping[str, pa.Array]], pa.Array | None]] = {
    "paced": _on_pace, "ascending": _rising, "progress": _in_progress, "ranked": _ranked,
}  # fmt: skip
