"""Moments and numbers in order: of one row, and of a row and its parent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from fixturesynth.arrays import array_of, fill_null, numpy_of
from fixturesynth.generators.offsets import add_offset, offset_facts, offsets
from fixturesynth.planning.plan import Key, Modelled, Rule
from fixturesynth.sampling.assembly import Assembly
from fixturesynth.sampling.repairs import misordered

__all__ = ["settle_orders", "settle_parent_orders"]

Columns = dict[str, pa.Array]

LONGEST_LINE = 500  # rows that reference one another, of which each may move the next


def settle_orders(assembly: Assembly, columns: Columns) -> Columns:
    """low <= high. Columns by rule swap their values; where one is learned or in a key, one moves to the other."""
    out = dict(columns)
    keyed = {c for u in assembly.plan.uniques for c in u.columns}
    for _ in range(len(assembly.plan.orders)):
        wrong = False
        for low, high, strict in assembly.plan.orders:
            if low not in out or high not in out:
                continue
            bad = misordered(out[low], out[high], strict)
            if not bad.any():
                continue
            wrong = True
            plans = [assembly.plan.column(c).source for c in (low, high)]
            # What follows from other columns keeps its value, unless both follow from the same: a swap would part it
            # from them.
            rules = [(p.needs, p.parents) for p in plans if isinstance(p, Rule)]
            free = len(rules) == len(plans) and rules[0] == rules[1]
            if free and out[low].type == out[high].type and not {low, high} & keyed:
                mask = array_of(bad)
                out[low], out[high] = pc.if_else(mask, out[high], out[low]), pc.if_else(mask, out[low], out[high])
                bad = misordered(out[low], out[high], strict)
            # What is unique by itself stays, else what is in a key.
            firm = [isinstance(p, Key) or (isinstance(p, Rule) and p.call.unique) for p in plans]
            sooner = firm[1] if firm[0] != firm[1] else high in keyed and low not in keyed
            backwards = sooner and isinstance(plans[0], Rule)
            for step in (int(strict), int(strict) + 1):
                # A base that is finer than what moves to it is cut: one step more makes up for that.
                if bad.any() and backwards:
                    out[low] = _moved(out[high], out[low], bad, -step)
                elif bad.any():
                    out[high] = _moved(out[low], out[high], bad, step)
                bad = misordered(out[low], out[high], strict)
        if not wrong:
            break
    return out


def settle_parent_orders(assembly: Assembly, columns: Columns) -> Columns:
    """A moment never comes before its parent's (reversed: after): one that does moves to it. Keys stay.

    What comes before such a moment in its own row goes with it.
    """
    out = dict(columns)
    keyed = {c for u in assembly.plan.uniques for c in u.columns}
    orders = assembly.plan.parent_orders
    early = {name for _, _, name, _, backwards in orders if not backwards}
    again = [o for o in orders if not o[4]] if len(early) < len(orders) else []  # what went along may come too early
    for foreign_key, parent_column, name, strict, backwards in (*orders, *again):
        if name in keyed or name not in out:
            continue
        # In a line of rows what moves is the next one's base.
        own = assembly.table.foreign_key(foreign_key).parent == assembly.table.name
        for _ in range(LONGEST_LINE if own else 1):
            base = assembly.through(foreign_key, parent_column, out)
            facts = _grid_of(out[name])
            distance = offsets(out[name], base, facts) if facts is not None else None
            if facts is None or distance is None:
                break
            limit = -int(strict) if backwards else int(strict)
            test = pc.greater(distance, limit) if backwards else pc.less(distance, limit)
            bad = numpy_of(fill_null(test, False))
            if not bad.any():
                break
            before = out[name]
            whole = backwards and not own and name not in early and foreign_key == assembly.plan.context
            if whole and not _is_counted(assembly, name):
                out[name] = _before_all(assembly.ranks[foreign_key], base, distance, limit, facts, before)
            else:
                out[name] = _moved(base, before, bad, limit)
            if backwards and not own:
                _go_along(assembly, out, name, before, keyed)
    return out


def _is_counted(assembly: Assembly, name: str) -> bool:
    """Whether a moment is the distance from one of a parent, to which it keeps near."""
    source = assembly.plan.column(name).source
    counted = isinstance(source, Modelled) and "delta_parent" in source.options
    return counted and assembly.model is not None and name in assembly.model.offsets


def _before_all(
    parents: npt.NDArray[np.int64], base: pa.Array, distance: pa.Array, limit: int, facts: Mapping[str, Any],
    values: pa.Array,
) -> pa.Array:  # fmt: skip
    """``values`` of which whole families come earlier, so that the last of each is no later than ``limit``, (rows,).

    Drawn without the parent's moment they are too late together, and keep their distances from each other.
    """
    place = np.maximum(parents, 0)
    late = np.where(parents >= 0, numpy_of(fill_null(distance, limit)) - limit, 0)
    most = np.zeros(int(place.max(initial=0)) + 1, dtype=np.int64)
    np.maximum.at(most, place, late)
    moved = add_offset(base, array_of(numpy_of(fill_null(distance, 0)) - most[place], pa.int64()), facts, values.type)
    return pc.if_else(array_of(most[place] > 0), pc.coalesce(moved, values), values)


def _go_along(assembly: Assembly, columns: Columns, name: str, before: pa.Array, keyed: set[str]) -> None:
    """Learned moments that never come after ``name`` in their row keep their distance from it, where it moved."""
    lower = {name}
    for _ in assembly.plan.orders:
        lower |= {low for low, high, _ in assembly.plan.orders if high in lower}
    moved = pc.invert(pc.fill_null(pc.equal(columns[name], before), True))
    for low in sorted(lower - {name} - keyed):
        values = columns.get(low)
        facts = _grid_of(values) if values is not None else None
        distance = offsets(values, before, facts) if values is not None and facts is not None else None
        if distance is None or facts is None or not isinstance(assembly.plan.column(low).source, Modelled):
            continue
        assert values is not None
        made = add_offset(columns[name], distance, facts, values.type)
        columns[low] = pc.if_else(moved, pc.coalesce(made, values), values)


def _grid_of(values: pa.Array) -> dict[str, object] | None:
    for kind in ("temporal", "numeric"):
        try:
            if (facts := offset_facts(values, kind)) is not None:
                return facts
        except ValueError:
            continue  # not a type of this kind
    return None


def _moved(base: pa.Array, values: pa.Array, rows: npt.NDArray[np.bool_], step: int) -> pa.Array:
    """``values`` with those of ``rows`` put ``step`` units beside ``base``."""
    facts = _grid_of(values)
    if facts is not None and (distance := offsets(values, base, facts)) is not None:
        beside = array_of(np.full(len(values), step), pa.int64())
        made = add_offset(base, pc.if_else(array_of(rows), beside, distance), facts, values.type)
        return pc.if_else(array_of(rows), made, values)
    return pc.if_else(array_of(rows), base.cast(values.type), values)
