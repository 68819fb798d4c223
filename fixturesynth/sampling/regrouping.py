"""Unique sets with a reference that must agree with others: its parents are dealt out anew inside each group."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from fixturesynth.arrays import array_of
from fixturesynth.generators.keys import locate
from fixturesynth.planning.plan import Reference, Rule, TablePlan, UniquePlan
from fixturesynth.randomness import hashed
from fixturesynth.rules.registry import space_of
from fixturesynth.sampling.assembly import Assembly
from fixturesynth.sampling.branching import held_null
from fixturesynth.sampling.matching import codes_of, one_of_each, pair_keys
from fixturesynth.sampling.partition import context_of
from fixturesynth.sampling.spreading import others
from fixturesynth.schema.model import ForeignKey, Table

__all__ = ["alike", "deal_apart"]

Integers = npt.NDArray[np.int64]
Columns = dict[str, pa.Array]
MOST = 2**20  # values of a rule that are counted


def deal_apart(assembly: Assembly, columns: Columns, unique: UniquePlan, rows: Integers) -> bool:
    """Whether rows of the set got parents, and values of its rules, that keep them distinct in every group.

    A reference some of whose columns another one fills keeps to parents that agree with those; else all parents are
    one group. Where the set takes only a part of the reference's own columns, one of the parents that are alike in it
    stands for all of them. Rows that are alike in what the set holds besides are numbered, and the number chooses
    parent and values.
    """
    for reference in assembly.plan.references:
        fk = assembly.table.foreign_key(reference.foreign_key)
        mine = {c for c in fk.columns if _fills(assembly, c, fk.name)}
        part = mine & set(unique.columns)
        ways = ("matched",) if part == mine else ("matched", "context")
        if reference.how not in ways or not part:
            continue
        if part != mine and any(
            mine & set(assembly.table.foreign_key(n).columns) for n in assembly.ranks if n != fk.name
        ):
            continue  # others chose their parents by what this one fills
        if _deal(assembly, columns, unique, rows, fk.name, mine):
            return True
    return False


def _fills(assembly: Assembly, column: str, foreign_key: str) -> bool:
    source = assembly.plan.column(column).source
    return isinstance(source, Reference) and source.foreign_key == foreign_key


def alike(plan: TablePlan, table: Table, one: str, other: str, unique: UniquePlan) -> bool:
    """Whether the reference ``other`` can be dealt out together with ``one``: both are in the set but for columns that
    are filled elsewhere, which are the same."""
    filled = {c.name: c.source for c in plan.columns}

    def own(name: str) -> set[str]:
        return {
            c for c in table.foreign_key(name).columns
            if isinstance(s := filled[c], Reference) and s.foreign_key == name
        }  # fmt: skip

    mine, theirs = own(one), own(other)
    shared = set(table.foreign_key(one).columns) - mine
    return (
        one != other
        and plan.reference(other).how == "matched"
        and bool(theirs)
        and mine | theirs <= set(unique.columns)
        and set(table.foreign_key(other).columns) - theirs == shared
    )


@dataclass(frozen=True)
class _Offer:
    """Parents that rows may take: ``order[low:low + many]`` for each row, (rows,)."""

    foreign_key: str
    group: Integers
    order: Integers
    low: Integers
    many: Integers


def _offer(
    assembly: Assembly, columns: Columns, unique: UniquePlan, rows: Integers, fk: ForeignKey, mine: set[str]
) -> _Offer | None:
    """None where the columns that others fill have no parent."""
    parents = assembly.made[fk.parent]
    named = list(zip(fk.columns, fk.parent_columns, strict=True))
    pairs = [(c, p) for c, p in named if c not in mine]
    theirs, group = np.zeros(parents.rows, dtype=np.int64), np.zeros(rows.size, dtype=np.int64)
    if pairs:
        theirs = pair_keys(*(codes_of(parents.columns[p]) for _, p in pairs))
        found = locate([columns[c].take(array_of(rows)) for c, _ in pairs], [parents.columns[p] for _, p in pairs])
        if (found < 0).any():
            return None
        group = theirs[found]
    order = np.argsort(theirs, kind="stable")
    if not mine <= set(unique.columns):
        taken = [codes_of(parents.columns[p]) for c, p in named if c in mine and c in unique.columns]
        words = hashed(np.arange(parents.rows), assembly.seed, assembly.table.name, unique.name, "stands")
        order = one_of_each(pair_keys(theirs, *taken), words)
        order = order[np.argsort(theirs[order], kind="stable")]
    low = np.searchsorted(theirs[order], group, side="left")
    many = np.searchsorted(theirs[order], group, side="right") - low
    return _Offer(fk.name, group, order, low, many)


def _deal(
    assembly: Assembly, columns: Columns, unique: UniquePlan, rows: Integers, foreign_key: str, mine: set[str]
) -> bool:
    fk = assembly.table.foreign_key(foreign_key)
    ranks = assembly.ranks[foreign_key]
    rows = rows[ranks[rows] >= 0]
    offer = _offer(assembly, columns, unique, rows, fk, mine)
    if offer is None:
        return False
    beside, moving = list[_Offer](), set(mine)
    for reference in assembly.plan.references:
        name = reference.foreign_key
        if name in assembly.ranks and alike(assembly.plan, assembly.table, foreign_key, name, unique):
            other = assembly.table.foreign_key(name)
            own = {c for c in other.columns if _fills(assembly, c, name)}
            found = _offer(assembly, columns, unique, rows, other, own)
            if found is not None and (assembly.ranks[name][rows] >= 0).all():
                beside.append(found)
                moving |= own
    rules = [
        c for c in unique.columns
        if c in assembly.base and isinstance(s := assembly.plan.column(c).source, Rule) and not (s.needs or s.parents)
    ]  # fmt: skip
    spaces = []
    for name in rules:
        source = assembly.plan.column(name).source
        assert isinstance(source, Rule)
        context = context_of(assembly.table, name, assembly.locale, assembly.now)
        spaces.append(space_of(source.call, context))
    sizes = np.array([min(s.size, MOST) for s in spaces], dtype=np.int64)
    # Parents of other references move only where those of this one are too few.
    for offers, free_columns in (([offer], mine), ([offer, *beside], moving)):
        # Rows that share everything but the parents and the rules; groups of parents are part of it.
        same = pair_keys(others(columns, unique, free_columns | set(rules), rows), offer.group)
        order = np.argsort(same, kind="stable")
        number = np.empty(rows.size, dtype=np.int64)
        number[order] = np.arange(rows.size) - np.searchsorted(same[order], same[order], side="left")
        room = np.full(rows.size, int(min(np.prod(sizes.astype(object)), MOST)) if rules else 1, dtype=np.int64)
        for one in offers:
            room = np.minimum(room * one.many, MOST)
        over = number >= room
        if not over.any():
            break
    if over.any():
        # What finds no place of its own goes without, where NULL is allowed and never equal.
        never = held_null(assembly.plan, assembly.rows, assembly.seed, mine)[1] if assembly.plan.branches else None
        free = all(assembly.table.column(c).nullable for c in mine) and unique.nulls_distinct
        if not free or (never is not None and never[rows[over]].any()):
            return False
    turn = (hashed(same, assembly.seed, assembly.table.name, unique.name, "deal") >> np.uint64(33)).astype(np.int64)
    for at, one in enumerate(offers):
        chosen = assembly.ranks[one.foreign_key].copy()
        picked = one.order[one.low + (number + turn) % np.maximum(one.many, 1)]
        chosen[rows] = np.where(over, -1, picked) if at == 0 else picked
        assembly.ranks[one.foreign_key] = chosen
        number = number // np.maximum(one.many, 1)
    for name, space, size in zip(rules, spaces, sizes.tolist(), strict=True):
        base = assembly.base[name]
        values = space.at((number + turn) % size, {}).cast(base.type)
        number = number // size
        index = np.arange(assembly.rows)
        index[rows] = assembly.rows + np.arange(rows.size)
        assembly.base[name] = pa.concat_arrays([base, values]).take(array_of(index))
    return True
