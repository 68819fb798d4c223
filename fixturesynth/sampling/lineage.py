"""Trees inside of what parent and child agree in: a reply answers a comment of its own post."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from fixturesynth.planning.hanging import hanging_on_parent
from fixturesynth.planning.plan import Reference, ReferencePlan, TablePlan
from fixturesynth.randomness import hashed
from fixturesynth.sampling.assembly import Assembly, compute
from fixturesynth.sampling.counts import allot, stretch
from fixturesynth.sampling.matching import codes_of, pair_keys
from fixturesynth.schema.model import Table

__all__ = ["kept_in_lines", "trees_inside"]

Integers = npt.NDArray[np.int64]
Columns = dict[str, pa.Array]


def kept_in_lines(assembly: Assembly, columns: Columns) -> Columns:
    """``columns`` after rows have taken parents of their own table that agree with them, as they do in the rows.

    Where a value has rows and no root, its first row becomes one; so NULL may come more often than it was seen.
    """
    for reference in assembly.plan.references:
        if not _may_be_planted(assembly.plan, assembly.table, reference) or reference.foreign_key not in assembly.ranks:
            continue
        if not set(reference.alike) <= set(columns):
            continue
        groups = pair_keys(*(codes_of(columns[c]) for c in reference.alike))
        hanging = hanging_on_parent(assembly.plan, assembly.table, reference.foreign_key)
        roots = int((assembly.ranks[reference.foreign_key] < 0).sum())
        assembly.ranks[reference.foreign_key] = trees_inside(
            groups, roots, reference.counts, assembly.seed, assembly.table.name, reference.foreign_key
        )
        columns = compute(assembly, {name: v for name, v in columns.items() if name not in hanging})
    return columns


def _may_be_planted(plan: TablePlan, table: Table, reference: ReferencePlan) -> bool:
    """Whether nothing else than what rows agree in was decided about the reference."""
    names = table.foreign_key(reference.foreign_key).columns
    sources = [plan.column(c).source for c in names]
    free = all(isinstance(s, Reference) and s.foreign_key == reference.foreign_key for s in sources)
    unique = any(set(u.columns) & set(names) for u in plan.uniques)
    nullable = any(table.column(c).nullable for c in names)
    alone = reference.how == "self" and not reference.exclusive and not plan.branches
    return bool(reference.alike) and alone and free and nullable and not unique


def trees_inside(
    groups: Integers, roots: int, counts: tuple[tuple[int, int], ...], seed: int, *address: str
) -> Integers:
    """A parent for every row, (n,), an earlier one of its group, or -1: ``roots`` of these, or one for each group.

    ``groups``: (n,), numbers from 0. ``counts``: (children, rows that have as many), as they were learned; without,
    children are evenly spread. Numbers of children come as they were learned as far as groups have room for them.

    >>> trees_inside(np.array([0, 1, 0, 1, 0]), 2, ((0, 3), (1, 1), (2, 1)), 7).tolist()
    [-1, -1, 0, 1, 0]
    """
    n = groups.size
    out = np.full(n, -1, dtype=np.int64)
    if not n:
        return out
    order = np.argsort(groups, kind="stable")
    sizes = np.bincount(groups)
    first = np.cumsum(sizes) - sizes
    place = np.arange(n) - np.repeat(first, sizes)
    founders = (sizes > 0).astype(np.int64)
    spare = sizes - founders
    more = min(max(roots - int(founders.sum()), 0), int(spare.sum()))
    words = hashed(np.arange(sizes.size), seed, *address, "founders")
    founders += _within(allot(spare, more, words), spare)
    need = sizes - founders
    degrees = _dealt(need, sizes - 1, stretch(counts, n, int(need.sum())), seed, *address)
    # Children in the order of their group; parents too, the largest first, so that a parent comes before its children.
    inside = np.repeat(np.arange(sizes.size), sizes)
    ranked = np.lexsort((-degrees, inside))
    owner = np.repeat(np.arange(n), degrees[ranked])
    child = np.flatnonzero(place >= founders[inside])
    earlier = np.minimum(place[owner], place[child] - 1)
    out[order[child]] = order[first[inside[child]] + earlier]
    return out


def _within(asked: Integers, most: Integers) -> Integers:
    """``asked`` with what is above ``most`` moved to where there is room; the same sum."""
    out = np.minimum(asked, most)
    over = int(asked.sum() - out.sum())
    room = np.cumsum(most - out)
    out += np.diff(np.minimum(room, over), prepend=0)
    return out


def _dealt(need: Integers, slots: Integers, degrees: Integers, seed: int, *address: str) -> Integers:
    """Children of every row, (rows,), the rows of a group together: each group has as many as it needs.

    ``need``, ``slots``: (groups,), children of each group and rows that may have some; the large ``degrees`` go first.
    """
    left, free = need.copy(), slots.copy()
    sizes = slots + 1
    start = np.cumsum(sizes) - sizes
    out = np.zeros(int(sizes.sum()), dtype=np.int64)
    waiting = np.bincount(degrees, minlength=2).astype(np.int64)
    for degree in range(waiting.size - 1, 0, -1):
        if not waiting[degree]:
            continue
        most = np.minimum(left // degree, free)
        fitting = np.repeat(np.arange(need.size), most)
        chosen = fitting[np.argsort(hashed(np.arange(fitting.size), seed, *address, "dealt", degree), kind="stable")]
        chosen = chosen[: waiting[degree]]
        taken = np.bincount(chosen, minlength=need.size)
        group = np.repeat(np.arange(need.size), taken)
        number = np.arange(group.size) - np.repeat(np.cumsum(taken) - taken, taken)
        out[start[group] + (sizes - 1 - free)[group] + number] = degree
        left -= taken * degree
        free -= taken
        # What no group has room for is two of fewer children, as many as there is room for and the rest.
        many, largest = int(waiting[degree]) - chosen.size, min(int(left[free > 0].max(initial=0)), degree - 1)
        if many and largest:
            waiting[largest] += many
            waiting[degree - largest] += many
    # Groups whose rows have children already, all of them: the first has the rest.
    out[start] += left
    return out
