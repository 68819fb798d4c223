"""Unique sets with a reference that must agree with others: its parents are dealt out anew inside each group."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from fixturesynth.generators.keys import locate
from fixturesynth.planning.plan import Reference, Rule, UniquePlan
from fixturesynth.randomness import hashed
from fixturesynth.rules.registry import space_of
from fixturesynth.sampling.assembly import Assembly
from fixturesynth.sampling.branching import held_null
from fixturesynth.sampling.matching import codes_of, one_of_each, pair_keys
from fixturesynth.sampling.partition import context_of
from fixturesynth.sampling.spreading import others

__all__ = ["deal_apart"]

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


def _deal(
    assembly: Assembly, columns: Columns, unique: UniquePlan, rows: Integers, foreign_key: str, mine: set[str]
) -> bool:
    fk = assembly.table.foreign_key(foreign_key)
    ranks = assembly.ranks[foreign_key]
    rows = rows[ranks[rows] >= 0]
    parents = assembly.made[fk.parent]
    named = list(zip(fk.columns, fk.parent_columns, strict=True))
    pairs = [(c, p) for c, p in named if c not in mine]
    theirs, group = np.zeros(parents.rows, dtype=np.int64), np.zeros(rows.size, dtype=np.int64)
    if pairs:
        theirs = pair_keys(*(codes_of(parents.columns[p]) for _, p in pairs))
        found = locate([columns[c].take(pa.array(rows)) for c, _ in pairs], [parents.columns[p] for _, p in pairs])
        if (found < 0).any():
            return False
        group = theirs[found]
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
    # Rows that share everything but the parent and the rules; groups of parents are part of it.
    alike = pair_keys(others(columns, unique, mine | set(rules), rows), group)
    order = np.argsort(alike, kind="stable")
    number = np.empty(rows.size, dtype=np.int64)
    number[order] = np.arange(rows.size) - np.searchsorted(alike[order], alike[order], side="left")
    by_group = np.argsort(theirs, kind="stable")
    if not mine <= set(unique.columns):
        taken = [codes_of(parents.columns[p]) for c, p in named if c in mine and c in unique.columns]
        words = hashed(np.arange(parents.rows), assembly.seed, assembly.table.name, unique.name, "stands")
        by_group = one_of_each(pair_keys(theirs, *taken), words)
        by_group = by_group[np.argsort(theirs[by_group], kind="stable")]
    low = np.searchsorted(theirs[by_group], group, side="left")
    many = np.searchsorted(theirs[by_group], group, side="right") - low
    room = many * int(min(np.prod(sizes.astype(object)), MOST)) if rules else many
    over = number >= room
    if over.any():
        # What finds no place of its own goes without, where NULL is allowed and never equal.
        never = held_null(assembly.plan, assembly.rows, assembly.seed, mine)[1] if assembly.plan.branches else None
        free = all(assembly.table.column(c).nullable for c in mine) and unique.nulls_distinct
        if not free or (never is not None and never[rows[over]].any()):
            return False
    turn = (hashed(alike, assembly.seed, assembly.table.name, unique.name, "deal") >> np.uint64(33)).astype(np.int64)
    chosen = ranks.copy()
    chosen[rows] = np.where(over, -1, by_group[low + (number + turn) % many])
    assembly.ranks[foreign_key] = chosen
    number = number // many
    for name, space, size in zip(rules, spaces, sizes.tolist(), strict=True):
        base = assembly.base[name]
        values = space.at((number + turn) % size, {}).cast(base.type)
        number = number // size
        index = np.arange(assembly.rows)
        index[rows] = assembly.rows + np.arange(rows.size)
        assembly.base[name] = pa.concat_arrays([base, values]).take(pa.array(index))
    return True
