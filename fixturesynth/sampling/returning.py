"""Second parents that come again among siblings: a patient sees two doctors, and not another one each time.

Which siblings have a parent together is drawn first, as often as real siblings do (generators.incoming). Then every
such group of rows gets a parent of its block, the largest ones first, so that all parents keep the numbers of children
that they are to have. A group for which no parent has room is divided.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from fixturesynth.generators.incoming import EARLIER, SAME, situation
from fixturesynth.randomness import hashed

__all__ = ["MOST_ROWS", "returned"]

Integers = npt.NDArray[np.int64]

MOST_ROWS = 1_000_000
TRIES = 12  # parents that a group tries by chance, before it takes the one that has most room
_LOW = (1 << 32) - 1


def returned(
    wanted: Integers,
    families: Integers,
    blocks: Integers,
    degrees: Integers,
    counts: Sequence[int],
    seed: int,
    *address: str | int,
) -> Integers:
    """A parent rank for every child, (n,), whose siblings stand before it: as ``matching.match`` does it, and parents
    come again among siblings as ``counts`` say.

    ``wanted`` (n,): blocks; ``families`` (n,); ``blocks`` and ``degrees`` by parent, which sum to n.
    """
    table = np.asarray(counts, dtype=np.int64).reshape(-1, 3)
    groups = _groups(wanted, families, np.bincount(blocks[degrees > 0], minlength=1), table, seed, *address)
    sizes = np.bincount(groups)
    first = np.unique(groups, return_index=True)[1]
    out = np.full(wanted.size, -1, dtype=np.int64)
    members = np.split(np.argsort(groups, kind="stable"), np.cumsum(sizes)[:-1])
    room = degrees.copy()
    stubs = np.repeat(np.arange(degrees.size), degrees)
    stubs = stubs[np.lexsort((hashed(np.arange(stubs.size), seed, *address, "stubs"), blocks[stubs]))]
    low = np.searchsorted(blocks[stubs], np.arange(int(max(wanted.max(), blocks.max(initial=0))) + 2))
    words = hashed(np.arange(sizes.size * TRIES), seed, *address, "parents").reshape(-1, TRIES)
    waiting = np.lexsort((hashed(np.arange(sizes.size), seed, *address, "order"), -sizes)).tolist()
    taken: dict[int, set[int]] = {}  # by family
    for group in waiting:
        mine = members[group]
        block, used = int(wanted[first[group]]), taken.setdefault(int(families[first[group]]), set())
        begin, end = (int(low[block]), int(low[block + 1])) if block >= 0 else (0, 0)
        tried = stubs[begin + (words[group] % np.uint64(max(end - begin, 1))).astype(np.int64)] if end > begin else ()
        parent = next((p for p in map(int, tried) if room[p] >= mine.size and p not in used), None)
        if parent is not None:
            out[mine], room[parent] = parent, room[parent] - mine.size
            used.add(parent)
            continue
        here = np.unique(stubs[begin:end])
        while mine.size and here.size:
            free = np.where([p in used for p in here.tolist()], 0, room[here])
            best = int(free.argmax()) if free.any() else int(room[here].argmax())
            parent = int(here[best])
            many = min(int(room[parent]), mine.size)
            if not many:
                break
            out[mine[:many]], mine, room[parent] = parent, mine[many:], room[parent] - many
            used.add(parent)
    rest = np.flatnonzero(out < 0)
    left = np.repeat(np.arange(room.size), room)
    out[rest] = left[np.argsort(hashed(left, seed, *address, "rest", "of"), kind="stable")]
    return out


def _groups(
    wanted: Integers, families: Integers, parents: Integers, table: Integers, seed: int, *address: str | int
) -> Integers:
    """A number for each child, (n,), which siblings of one parent share. ``parents``: how many there are by block."""
    words = hashed(np.arange(wanted.size), seed, *address, "again")
    whole = table.sum(axis=0)
    out = np.empty(wanted.size, dtype=np.int64)
    family, last, number = -1, -1, 0
    known: dict[int, list[int]] = {}  # by block: groups of siblings before, one entry for each of them
    rows = zip(wanted.tolist(), families.tolist(), words.tolist(), strict=True)
    for at, (block, here, word) in enumerate(rows):
        if here != family:
            family, last, known = here, -1, {}
        before = known.setdefault(block, [])
        different = len(set(before))
        group = number
        if before:
            beside = last in before
            seen = table[situation(different, beside)]
            seen = seen if seen.any() else whole
            same, earlier, new = (int(many) for many in seen)
            if block < parents.size and different >= int(parents[block]):
                new = 0
            drawn = ((word & _LOW) * (same + earlier + new)) >> 32
            outcome = SAME if drawn < same else EARLIER if drawn < same + earlier else None
            others = [one for one in before if one != last] if outcome == EARLIER else []
            if outcome == EARLIER and others:
                group = others[(word >> 32) % len(others)]
            elif outcome is not None or new == 0:
                group = last if beside else before[(word >> 32) % len(before)]
        if group == number:
            number += 1
        before.append(group)
        out[at] = last = group
    return out
