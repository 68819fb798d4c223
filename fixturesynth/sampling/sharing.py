"""References that share columns: which parents agree with a parent of every other reference, and how to have some.

A port and a network are named by the same ``network_id``: a row can take only ports of networks that are in both
tables. Parents without such a partner get no child, and the table that is made later has a row for what the earlier
ones have.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from fixturesynth.arrays import array_of
from fixturesynth.generators.keys import locate
from fixturesynth.planning.plan import Key, Plan, Reference, TablePlan
from fixturesynth.planning.sharing import required_together, shared_columns
from fixturesynth.randomness import hashed
from fixturesynth.sampling.assembly import Made
from fixturesynth.sampling.counts import allot
from fixturesynth.sampling.matching import codes_of, pair_keys
from fixturesynth.sampling.partition import rule_values
from fixturesynth.schema.model import Schema, Table
from fixturesynth.schema.predicates.arrays import unify

__all__ = [
    "Room",
    "agreeing_apart",
    "agreeing_parents",
    "held_in_groups",
    "lent_values",
    "moved_to",
    "partners_needed",
    "rooms_beside",
]

Integers = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]


def agreeing_parents(
    plan: TablePlan, table: Table, made: Mapping[str, Made], permitted: Mapping[str, Mask]
) -> dict[str, Mask]:
    """By foreign key, parents that have a partner among those of every other reference that shares columns with it:
    one that differs from them where the table says so (``CHECK (winner <> loser)``).

    ``permitted``: parents that may be named at all; references that are not in it and share nothing are not in the
    answer.
    """
    names = required_together(plan, table)
    out: dict[str, Mask] = dict(permitted)
    pairs = [(a, b, s) for a, b in combinations(names, 2) if (s := shared_columns(table, a, b))]
    changed = True
    while changed:
        changed = False
        for a, b, shared in pairs:
            for one, two, own, theirs in ((a, b, 0, 1), (b, a, 1, 0)):
                first, second = made[table.foreign_key(one).parent], made[table.foreign_key(two).parent]
                before = out.get(one, np.ones(first.rows, dtype=bool))
                there = array_of(out.get(two, np.ones(second.rows, dtype=bool)))
                here = [first.columns[s[own]] for s in shared]
                beyond = [second.columns[s[theirs]].filter(there) for s in shared]
                after = before & (locate(here, beyond) >= 0)
                for mine, other in _to_differ(plan, table, one, two):
                    after &= _differing(here, beyond, first.columns[mine], second.columns[other].filter(there))
                changed |= int(after.sum()) < int(before.sum())
                out[one] = after
    return out


def _to_differ(plan: TablePlan, table: Table, one: str, two: str) -> list[tuple[str, str]]:
    """Columns of the parents of two references, (of ``one``, of ``two``), that must not be equal."""
    mine, other = (table.foreign_key(name) for name in (one, two))
    ours, theirs = (dict(zip(fk.columns, fk.parent_columns, strict=True)) for fk in (mine, other))
    pairs = [pair for a, b in plan.distinct for pair in ((a, b), (b, a))]
    return [(ours[a], theirs[b]) for a, b in pairs if a in ours and b in theirs and a not in theirs and b not in ours]


def _differing(
    here: Sequence[pa.Array], there: Sequence[pa.Array], mine: pa.Array, theirs: pa.Array
) -> npt.NDArray[np.bool_]:
    """Which rows, (n,), have one among others, (m,), of their group that differs from them. By column, ``here`` and
    ``there`` are the groups of both, ``mine`` and ``theirs`` their values."""
    both = [codes_of(pa.concat_arrays(unify([a, b]))) for a, b in zip(here, there, strict=True)]
    groups = pair_keys(*both)
    values = codes_of(pa.concat_arrays(unify([mine, theirs])))
    rows, size = len(mine), int(groups.max(initial=0)) + 1
    low, high = np.full(size, np.iinfo(np.int64).max), np.full(size, -1, dtype=np.int64)
    np.minimum.at(low, groups[rows:], values[rows:])
    np.maximum.at(high, groups[rows:], values[rows:])
    own, at = values[:rows], groups[:rows]
    return np.asarray((high[at] >= 0) & ((low[at] != own) | (high[at] != own)))


def moved_to(degrees: Integers, allowed: Mask | None, cap: int | None, words: npt.NDArray[np.uint64]) -> Integers:
    """``degrees`` with the children of parents that are not ``allowed`` given to others, at most ``cap`` each.

    As they were where nobody, or too few, can take them.
    """
    if allowed is None or allowed.all() or not allowed.any():
        return degrees
    out = np.where(allowed, degrees, 0)
    missing = int(degrees.sum() - out.sum())
    most = int(degrees.sum()) if cap is None else cap
    if int(np.maximum(most - out, 0)[allowed].sum()) < missing:
        return degrees
    while missing:
        room = np.where(allowed, np.maximum(most - out, 0), 0)
        out += np.minimum(allot(np.where(room > 0, out + 1, 0), missing, words), room)
        missing = int(degrees.sum() - out.sum())
    return out


@dataclass(frozen=True)
class Room:
    """Rows that a unique set tells apart for each parent of a reference that shares columns with the context.

    ``size``: by values of rules. ``part``: columns of the context's parent in the set. ``beside``: other references of
    the set that share the same columns, whose parents count as well.
    """

    size: int
    part: tuple[str, ...] = ()
    beside: tuple[str, ...] = ()


def rooms_beside(
    plan: TablePlan,
    table: Table,
    made: Mapping[str, Made],
    agree: Mapping[str, Mask],
    sizes: Mapping[str, Sequence[Room]],
) -> list[tuple[Integers, Integers]]:
    """(group of every parent of the context, most children of each group) for references that share columns with it.

    ``sizes``: by foreign key, what unique sets tell apart for each of its parents. Rows of one tenant are no more than
    that many times the parents that the reference has in the tenant.
    """
    assert plan.context is not None
    names = required_together(plan, table)
    out = []
    for other in (n for n in names if n != plan.context and plan.context in names):
        shared = shared_columns(table, plan.context, other)
        limits = [*sizes.get(other, ()), *([Room(1)] if plan.reference(other).exclusive else [])]
        if not shared or not limits:
            continue
        above = made[table.foreign_key(plan.context).parent]
        tenants = pair_keys(*(codes_of(above.columns[a]) for a, _ in shared))
        for limit in limits:
            most = np.full(int(tenants.max(initial=0)) + 1, min(limit.size, plan.rows), dtype=np.int64)
            for name in (other, *limit.beside):
                most = np.minimum(most * _parents_of(plan, table, made, agree, name, above, tenants), plan.rows)
            groups = pair_keys(tenants, *(codes_of(above.columns[c]) for c in limit.part))
            room = np.zeros(int(groups.max(initial=0)) + 1, dtype=np.int64)
            room[groups] = most[tenants]
            out.append((groups, room))
    return out


def _parents_of(
    plan: TablePlan,
    table: Table,
    made: Mapping[str, Made],
    agree: Mapping[str, Mask],
    name: str,
    above: Made,
    tenants: Integers,
) -> Integers:
    """How many parents the reference ``name`` has in each of the ``tenants`` of ``above``, (tenants,)."""
    assert plan.context is not None
    shared = shared_columns(table, plan.context, name)
    beside = made[table.foreign_key(name).parent]
    able = np.flatnonzero(agree.get(name, np.ones(beside.rows, dtype=bool)))
    found = locate([beside.columns[b].take(array_of(able)) for _, b in shared], [above.columns[a] for a, _ in shared])
    return np.bincount(tenants[found[found >= 0]], minlength=int(tenants.max(initial=0)) + 1).astype(np.int64)


def held_in_groups(
    degrees: Integers,
    limits: Sequence[tuple[Integers, Integers]],
    allowed: Mask | None,
    cap: int | None,
    words: npt.NDArray[np.uint64],
) -> Integers:
    """``degrees`` whose sum in each group stays in its room, for each of ``limits`` (group by parent, room by group).

    What is too much goes to parents of groups with room, and stays where there is none.
    """
    for turn in range(len(limits) and len(limits) * 2 - 1):
        groups, room = limits[turn % len(limits)]
        degrees = _within(degrees, groups, room, allowed, cap, words)
    return degrees


def _within(
    degrees: Integers, groups: Integers, room: Integers, allowed: Mask | None, cap: int | None,
    words: npt.NDArray[np.uint64],
) -> Integers:  # fmt: skip
    """``degrees`` whose sum in each group is at most its ``room``; what is over goes to others, or stays."""
    order = np.lexsort((words, groups))
    ends = np.cumsum(degrees[order])
    first = np.searchsorted(groups[order], groups[order], side="left")
    before = ends - degrees[order] - (ends - degrees[order])[first]
    kept = np.zeros_like(degrees)
    kept[order] = np.clip(room[groups[order]] - before, 0, degrees[order])
    missing = int(degrees.sum() - kept.sum())
    if not missing:
        return degrees
    most = np.full(degrees.size, missing, dtype=np.int64) if cap is None else np.maximum(cap - kept, 0)
    most = most if allowed is None else np.where(allowed, most, 0)
    # Each parent may take what its group has left, in the order of the words.
    left = room - np.bincount(groups, weights=kept, minlength=room.size).astype(np.int64)
    sums = np.cumsum(most[order])
    start = (sums - most[order])[first]
    free = np.zeros_like(degrees)
    free[order] = np.clip(left[groups[order]] - (sums - most[order] - start), 0, most[order])
    if int(free.sum()) < missing:
        return degrees
    turn = np.argsort(words, kind="stable")
    taken = np.cumsum(free[turn])
    kept[turn] += np.clip(missing - (taken - free[turn]), 0, free[turn])
    return kept


def agreeing_apart(own: Integers, theirs: Integers, seed: int, *address: str | int) -> Integers:
    """A parent of its own for every child, of those that agree with what it has; -1 where they are too few."""
    ours = np.lexsort((hashed(np.arange(own.size), seed, *address, "children"), own))
    parents = np.lexsort((hashed(np.arange(theirs.size), seed, *address, "parents"), theirs))
    asked, there = own[ours], theirs[parents]
    place = np.arange(own.size) - np.searchsorted(asked, asked, side="left")
    low = np.searchsorted(there, asked, side="left")
    many = np.searchsorted(there, asked, side="right") - low
    out = np.full(own.size, -1, dtype=np.int64)
    fits = (place < many) & (asked >= 0)
    out[ours[fits]] = parents[(low + place)[fits]]
    return out


def partners_needed(schema: Schema, plan: Plan, made: Mapping[str, Made], table: str) -> dict[str, Integers]:
    """By foreign key of ``table``: rows of its parent that must have a child, for partners of rows made before.

    A table that references this one and an earlier one by the same column finds in this one what the earlier has.
    """
    found: dict[str, Integers] = {}
    own = plan[table]
    for column, values in _wanted_values(schema, plan, made, table):
        source = own.column(column).source
        if not isinstance(source, Reference) or own.reference(source.foreign_key).how not in ("context", "matched"):
            continue
        above = made[own.reference(source.foreign_key).parent].columns[source.parent_column]
        rows = locate([values.cast(above.type, safe=False)], [above])
        rows = np.unique(rows[rows >= 0])
        if rows.size:
            found[source.foreign_key] = np.union1d(found.get(source.foreign_key, rows), rows)
    return found


def lent_values(
    schema: Schema,
    plan: Plan,
    made: Mapping[str, Made],
    table: str,
    base: dict[str, pa.Array],
    lenders: Mapping[tuple[str, str], tuple[str, str]],
    seed: int,
) -> dict[str, pa.Array]:
    """``base`` with columns taking the values of their lenders (planning.sharing) in turn."""
    out = dict(base)
    for (name, column), (other, theirs) in lenders.items():
        if name != table or column not in base or not len(base[column]):
            continue
        if other in made:
            values = pc.unique(made[other].columns[theirs]).drop_null()
        else:
            source = plan[other].column(theirs).source
            assert isinstance(source, Key)
            make = rule_values(schema[other], seed, plan.locale, plan.now)
            values = make(theirs, source.call, np.arange(plan[other].rows))
        if len(values):
            values = values.cast(base[column].type)
            taken = values.take(array_of(np.arange(len(base[column])) % len(values)))
            out[column] = pc.if_else(base[column].is_valid(), taken, base[column])
    return out


def _partners(
    schema: Schema, plan: Plan, made: Mapping[str, Made], child: TablePlan, table: str
) -> list[tuple[str, str, str]]:
    """(column of ``table``, column of the other, the other) for columns by which a child names both in every row."""
    declared = schema[child.name]
    names = required_together(child, declared)
    found = []
    for one in names:
        for two in names:
            parent, other = declared.foreign_key(one).parent, declared.foreign_key(two).parent
            if parent == table and other != table and other in made:
                found += [(a, b, other) for a, b in shared_columns(declared, one, two)]
    return found


def _wanted_values(schema: Schema, plan: Plan, made: Mapping[str, Made], table: str) -> list[tuple[str, pa.Array]]:
    """(column of ``table``, values that it should have): those that all earlier partners have."""
    found = []
    for child in plan.tables:
        wanted: dict[str, pa.Array] = {}
        for mine, theirs, other in _partners(schema, plan, made, child, table):
            values = pc.unique(made[other].columns[theirs]).drop_null()
            if mine in wanted:
                known = wanted[mine].cast(values.type, safe=False)
                values = known.filter(pc.is_in(known, values))
            wanted[mine] = values
        found += list(wanted.items())
    return found
