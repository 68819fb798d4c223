"""Distinct pairs with exact degrees: rows that hold a parent twice in their group change places along short chains."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from fixturesynth.randomness import below, hashed
from fixturesynth.sampling.matching import duplicates

__all__ = ["pair_distinct", "turned"]

Integers = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]
Free = Callable[[Integers], Mask]

TURNS = 150
LOOKS = 2**17  # chains looked at in one turn
MOST_LOOKS = 256  # of them for one row
MOST_CELLS = 2**27  # a table of (group, parent) pairs no larger than this is laid out whole


def pair_distinct(groups: Integers, chosen: Integers, parents: int, seed: int, *address: str | int) -> Integers:
    """``chosen`` with every (group, parent) pair distinct and as many rows of every parent as before, shape (n,).

    ``groups``: (n,), small numbers from 0. A row whose pair an earlier row has gives its parent up. Each parent p given
    up finds a row again: directly, where a row without parent is of a group without p; else along a chain, where the
    row without parent takes the parent of a row elsewhere, and that one takes p, or where it cannot, is without a
    parent in its place. Nearly full tables need the chains. Pairs for which none is found, as where degrees allow
    none, stay as they were: the caller settles them.

    >>> pair_distinct(np.array([0, 0, 0, 1, 1]), np.array([0, 0, 1, 1, 2]), 3, 7).tolist()
    [0, 2, 1, 1, 0]
    """
    out = chosen.astype(np.int64, copy=True)
    loose = np.flatnonzero(duplicates(groups * parents + out))
    given_up = out[loose]
    for turn in range(TURNS):
        if not loose.size:
            break
        settled = np.ones(out.size, dtype=bool)
        settled[loose] = False
        held = np.flatnonzero(settled)
        free = _free_pairs(groups[held] * parents + out[held], (int(groups.max()) + 1) * parents)
        # Who is offered which parent changes from turn to turn.
        words = hashed(loose, seed, *address, "pairing", turn)
        offered = given_up[np.argsort(words, kind="stable")]
        asked = groups[loose] * parents + offered
        direct = free(asked)
        direct[direct] = ~duplicates(asked[direct])
        through, closed = _chains(groups, out, loose, offered, ~direct, parents, free, held, words)
        through = _apart(groups, out, loose, offered, direct, through, closed, parents)
        out[loose[direct]] = offered[direct]
        chained = np.flatnonzero(through >= 0)
        others = through[chained]
        out[loose[chained]] = out[others]
        out[others] = offered[chained]
        handed = np.full(loose.size, -1, dtype=np.int64)
        handed[chained] = np.where(closed[chained], -1, others)
        left = ~direct & (through < 0)
        loose = np.concatenate((loose[left], handed[handed >= 0]))
        given_up = np.concatenate((offered[left], offered[handed >= 0]))
    out[loose] = given_up
    return out


def turned(chosen: Integers, parents: int, seed: int, *address: str | int) -> Integers | None:
    """A second parent for every row, never its first (``chosen``), so that no two rows have the same two, shape (n,).

    None where a parent is the first of more rows than there are others.

    >>> turned(np.array([0, 0, 1, 2]), 3, 7).tolist()
    [1, 2, 0, 1]
    """
    order = np.argsort(chosen, kind="stable")
    place = np.empty(chosen.size, dtype=np.int64)
    place[order] = np.arange(chosen.size) - np.searchsorted(chosen[order], chosen[order], side="left")
    if parents < 2 or int(place.max(initial=0)) >= parents - 1:
        return None
    first = below(hashed(chosen, seed, *address, "turned"), parents - 1)
    return (chosen + 1 + (place + first) % (parents - 1)) % parents


def _free_pairs(held: Integers, cells: int) -> Free:
    """A function that says which pairs are not among ``held``; all lie in range(cells)."""
    if cells <= MOST_CELLS:
        empty = np.ones(cells, dtype=bool)
        empty[held] = False
        return lambda asked: empty[asked]
    keys = np.sort(held)
    return lambda asked: keys[np.minimum(np.searchsorted(keys, asked), keys.size - 1)] != asked


def _chains(
    groups: Integers,
    out: Integers,
    loose: Integers,
    offered: Integers,
    wanted: Mask,
    parents: int,
    free: Free,
    held: Integers,
    words: npt.NDArray[np.uint64],
) -> tuple[Integers, Mask]:
    """For each loose row another row whose parent it can take, -1 for none; and whether that one can take the offer."""
    through, closed = np.full(loose.size, -1, dtype=np.int64), np.zeros(loose.size, dtype=bool)
    rows = np.flatnonzero(wanted)
    if not rows.size or not held.size:
        return through, closed
    holders = held[np.argsort(out[held], kind="stable")]
    first = np.searchsorted(out[holders], np.arange(parents + 1), side="left")
    looks = int(np.clip(LOOKS // rows.size, 4, MOST_LOOKS))
    tries = hashed(words[rows][:, None] + np.arange(looks, dtype=np.uint64), 0, "chains")
    middle = below(tries, parents)
    many = first[middle + 1] - first[middle]
    picked = below(tries << np.uint64(32), np.maximum(many, 1))
    others = holders[np.minimum(first[middle] + picked, holders.size - 1)]
    takes = (many > 0) & free(groups[loose[rows]][:, None] * parents + middle)
    closes = takes & free(groups[others] * parents + offered[rows][:, None])
    best = np.where(closes.any(axis=1), closes.argmax(axis=1), takes.argmax(axis=1))
    line = np.arange(rows.size)
    through[rows] = np.where(takes[line, best], others[line, best], -1)
    closed[rows] = closes[line, best]
    return through, closed


def _apart(
    groups: Integers,
    out: Integers,
    loose: Integers,
    offered: Integers,
    direct: Mask,
    through: Integers,
    closed: Mask,
    parents: int,
) -> Integers:
    """``through`` without chains that would meet another's: one row in two chains, or one pair made twice."""
    chains = np.flatnonzero(through >= 0)
    here = groups[loose[chains]] * parents + out[through[chains]]
    there = groups[through[chains]] * parents + offered[chains]
    # A chain that is not closed makes no second pair: a number of its own meets nobody's.
    there = np.where(closed[chains], there, -1 - np.arange(chains.size))
    moved = groups[loose[direct]] * parents + offered[direct]
    made = duplicates(np.concatenate((moved, here, there)))[moved.size :]
    clash = made[: chains.size] | made[chains.size :] | duplicates(through[chains])
    kept = through.copy()
    kept[chains[clash]] = -1
    return kept
