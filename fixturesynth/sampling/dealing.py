"""Rows of an exclusion constraint dealt out evenly to its groups, where one is fuller than there is room for."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from fixturesynth.arrays import array_of
from fixturesynth.generators.derivation import as_type
from fixturesynth.planning.plan import ExclusionPlan, Reference, Rule
from fixturesynth.randomness import hashed
from fixturesynth.rules.registry import space_of
from fixturesynth.sampling.assembly import Assembly
from fixturesynth.sampling.matching import codes_of, pair_keys
from fixturesynth.sampling.partition import context_of
from fixturesynth.schema.predicates import mentioned_columns

__all__ = ["deal_groups"]

Integers = npt.NDArray[np.int64]
Columns = dict[str, pa.Array]
MOST = 2**20  # values of a rule that are counted


def deal_groups(assembly: Assembly, plan: ExclusionPlan, columns: Columns, rows: Integers) -> Columns:
    """``columns`` in which no group of ``plan`` has more of ``rows`` than its room, as far as its columns may move.

    Rows that agree in what may not move are numbered, and the number says which values, and which parents, each gets.
    """
    if plan.room is None or not rows.size or not _too_many(plan, columns, rows):
        return columns
    moving = [name for name in plan.groups if _may_move(assembly, plan, name)]
    if not moving:
        return columns
    sizes = [_size(assembly, name) for name in moving]
    fixed = [codes_of(columns[name])[rows] for name in plan.groups if name not in moving]
    outer = pair_keys(*fixed) if fixed else np.zeros(rows.size, dtype=np.int64)
    words = hashed(rows, assembly.seed, assembly.table.name, plan.name, "dealt")
    order = np.lexsort((words, outer))
    number = np.empty(rows.size, dtype=np.int64)
    number[order] = np.arange(rows.size) - np.searchsorted(outer[order], outer[order], side="left")
    number %= max(prod(sizes), 1)
    out = dict(columns)
    for name, size in zip(moving, sizes, strict=True):
        out |= _given(assembly, out, name, rows, number % size)
        number //= size
    return out


def _too_many(plan: ExclusionPlan, columns: Columns, rows: Integers) -> bool:
    parts = [codes_of(columns[name])[rows] for name in plan.groups]
    groups = pair_keys(*parts) if parts else np.zeros(rows.size, dtype=np.int64)
    return plan.room is not None and int(np.bincount(groups).max()) > plan.room


def _may_move(assembly: Assembly, plan: ExclusionPlan, name: str) -> bool:
    """Whether no key, check, order or other exclusion looks at the column, nor a second reference."""
    own = assembly.plan
    source = own.column(name).source
    held = {c for u in own.uniques for c in u.columns} | {c for pair in own.distinct for c in pair}
    held |= {c for low, high, _ in own.orders for c in (low, high)}
    held |= {c.name for s in own.branches for b in s.branches for c in b}
    held |= {c for _, text in own.repairs for c in mentioned_columns(text, assembly.table, assembly.dialect)}
    held |= {c for e in own.exclusions if e.name != plan.name for c in (*e.groups, e.low, e.high)}
    if isinstance(source, Rule):
        return name not in held and not (source.needs or source.parents or source.call.unique)
    if not isinstance(source, Reference) or own.reference(source.foreign_key).how != "matched":
        return False
    key = assembly.table.foreign_key(source.foreign_key).columns
    return len(key) == 1 and name not in held and sum(name in fk.columns for fk in assembly.table.foreign_keys) == 1


def _size(assembly: Assembly, name: str) -> int:
    source = assembly.plan.column(name).source
    if isinstance(source, Reference):
        return max(assembly.made[assembly.table.foreign_key(source.foreign_key).parent].rows, 1)
    assert isinstance(source, Rule)
    space = space_of(source.call, context_of(assembly.table, name, assembly.locale, assembly.now))
    return max(min(space.size, MOST), 1)


def _given(assembly: Assembly, columns: Columns, name: str, rows: Integers, digit: Integers) -> Columns:
    """The column with the values, or the parents, of number ``digit`` in ``rows``."""
    source = assembly.plan.column(name).source
    if isinstance(source, Reference):
        parent = assembly.made[assembly.table.foreign_key(source.foreign_key).parent]
        ranks = assembly.ranks[source.foreign_key].copy()
        ranks[rows] = digit
        assembly.ranks[source.foreign_key] = ranks
        made = parent.columns[source.parent_column].take(array_of(digit))
    else:
        assert isinstance(source, Rule)
        made = space_of(source.call, context_of(assembly.table, name, assembly.locale, assembly.now)).at(digit, {})
    index = np.arange(assembly.rows)
    index[rows] = assembly.rows + np.arange(rows.size)
    whole: Sequence[pa.Array] = [columns[name], as_type(made, columns[name].type)]
    return {name: pa.concat_arrays(whole).take(array_of(index))}
