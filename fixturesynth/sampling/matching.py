"""Choosing parents: degree sequences met exactly, blocks met as far as they can be, pairs kept distinct."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from fixturesynth.arrays import fill_null, numpy_of
from fixturesynth.errors import CapacityError
from fixturesynth.loading.wire import json_texts, postgresql_lists
from fixturesynth.randomness import below, hashed

__all__ = [
    "codes_of",
    "distinct_by_stride",
    "duplicates",
    "forest",
    "match",
    "one_of_each",
    "pair_keys",
    "separate",
    "swap_until",
]

Integers = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

SWAP_ROUNDS = 60
NEAREST = 24  # multiples of a stride that a colliding value is moved by, at most


def match(wanted: Integers, blocks: Integers, degrees: Integers, seed: int, *address: str | int) -> Integers:
    """A parent rank for every child: ``wanted`` block by child (n,), ``blocks`` and ``degrees`` by parent.

    ``degrees`` must sum to n and are met exactly. Children and stubs (one for each unit of degree) are shuffled by
    keyed hashes and paired inside their block; what is left over on both sides is paired across blocks.
    """
    n = wanted.size
    if int(degrees.sum()) != n:
        raise ValueError(f"degrees must sum to the number of children, however: {int(degrees.sum())} and {n}")
    if n == 0:
        return np.zeros(0, dtype=np.int64)
    owners = np.repeat(np.arange(degrees.size, dtype=np.int64), degrees)
    stub_order = np.lexsort((hashed(np.arange(n), seed, *address, "stubs"), blocks[owners]))
    owners = owners[stub_order]
    stub_blocks = blocks[owners]
    children = np.lexsort((hashed(np.arange(n), seed, *address, "children"), wanted))
    asked = wanted[children]
    first = np.searchsorted(stub_blocks, asked, side="left")
    available = np.searchsorted(stub_blocks, asked, side="right") - first
    place = np.arange(n) - np.searchsorted(asked, asked, side="left")
    fits = place < available
    out = np.full(n, -1, dtype=np.int64)
    taken = (first + place)[fits]
    out[children[fits]] = owners[taken]
    free = np.ones(n, dtype=bool)
    free[taken] = False
    rest = children[~fits]
    left = np.flatnonzero(free)
    left = left[np.argsort(hashed(left, seed, *address, "rest"), kind="stable")]
    out[rest] = owners[left]
    return out


def forest(rows: int, roots: int, degrees: Integers) -> Integers:
    """Parents for a self reference: row i references an earlier row or, when it is a root, none (-1).

    ``degrees``: children of each parent, any order, summing to ``rows - roots``; the largest come first, which keeps
    an earlier parent available for every row (a breadth-first tree).
    """
    parents = np.full(rows, -1, dtype=np.int64)
    if rows > roots:
        ordered = np.sort(degrees)[::-1]
        owner = np.repeat(np.arange(ordered.size, dtype=np.int64), ordered)
        parents[roots:] = np.minimum(owner, np.arange(roots, rows) - 1)
    return parents


def duplicates(keys: Integers) -> Mask:
    """True for every row whose key an earlier row has, shape (n,)."""
    order = np.argsort(keys, kind="stable")
    ordered = keys[order]
    out = np.zeros(keys.size, dtype=bool)
    out[order[1:]] = ordered[1:] == ordered[:-1]
    return out


def codes_of(values: pa.Array) -> Integers:
    """One integer for each distinct value, -1 for NULL; shape (n,)."""
    if pa.types.is_nested(values.type):
        values = postgresql_lists(values) if pa.types.is_list(values.type) else json_texts(values)
    encoded = pc.dictionary_encode(values)
    codes: Integers = numpy_of(fill_null(encoded.indices, -1)).astype(np.int64)
    return codes


def pair_keys(*parts: Integers) -> Integers:
    """One integer for each distinct tuple of the parts, shape (n,)."""
    key = _places(parts[0])
    for part in parts[1:]:
        codes = _places(part)
        key = _places(key * (int(codes.max(initial=0)) + 1) + codes)
    return key


def _places(values: Integers) -> Integers:
    """The place of each value among the distinct ones, ascending, shape (n,); counted where they lie close together."""
    least = int(values.min()) if values.size else 0
    if not values.size or int(values.max()) - least > 4 * values.size:
        return np.unique(values, return_inverse=True)[1].astype(np.int64)
    there = np.zeros(int(values.max()) - least + 1, dtype=bool)
    there[values - least] = True
    return (np.cumsum(there) - 1)[values - least]


def one_of_each(classes: Integers, words: npt.NDArray[np.uint64]) -> Integers:
    """The member of every class that has the least word, shape (classes,)."""
    order = np.lexsort((words, classes))
    first = np.ones(order.size, dtype=bool)
    first[1:] = classes[order][1:] != classes[order][:-1]
    picked: Integers = order[first]
    return picked


def swap_until(
    groups: Integers,
    chosen: Integers,
    parents: int,
    allowed: Callable[[Integers, Integers], Mask] | None,
    seed: int,
    *address: str | int,
    within: Integers | None = None,
    kinds: Integers | None = None,
) -> Integers:
    """Swap parents between rows until every (group, parent) pair is distinct and ``allowed(rows, parents)``.

    Degrees are kept. ``within``: rows swap only with rows of equal value. ``kinds``, (parents,): parents of one kind
    count as the same one. Rows that cannot be helped by swaps are left as they are: the caller settles them with
    ``separate``.
    """
    kinds = np.arange(parents, dtype=np.int64) if kinds is None else kinds
    chosen = chosen.copy()
    n = chosen.size
    members = np.arange(n) if within is None else np.argsort(within, kind="stable")
    low = np.zeros(n, dtype=np.int64) if within is None else np.searchsorted(within[members], within, side="left")
    high = np.full(n, n) if within is None else np.searchsorted(within[members], within, side="right")
    for turn in range(SWAP_ROUNDS):
        keys = groups * parents + kinds[chosen]
        bad = duplicates(keys)
        if allowed is not None:
            bad |= ~allowed(np.arange(n), chosen)
        rows = np.flatnonzero(bad)
        if not rows.size:
            break
        words = hashed(rows, seed, *address, "swap", turn)
        if turn % 2:
            # Where nearly all rows are bad, only bad ones are left to swap with: half of them wait to be drawn.
            starting = (words & np.uint64(1)).astype(bool)
            rows, words = rows[starting], words[starting]
        partners = members[low[rows] + below(words, high[rows] - low[rows])]
        # One swap for each row in a turn: a row that is drawn twice, or is both bad and drawn, keeps its first part.
        _, first = np.unique(partners, return_index=True)
        keep = np.zeros(rows.size, dtype=bool)
        keep[first] = True
        keep &= ~np.isin(partners, rows)
        rows, partners = rows[keep], partners[keep]
        mine = groups[rows] * parents + kinds[chosen[partners]]
        theirs = groups[partners] * parents + kinds[chosen[rows]]
        proposed = np.concatenate((mine, theirs))
        clash = np.isin(proposed, keys) | duplicates(proposed)
        good = ~(clash[: rows.size] | clash[rows.size :])
        if allowed is not None:
            good &= allowed(rows, chosen[partners]) & allowed(partners, chosen[rows])
        rows, partners = rows[good], partners[good]
        chosen[rows], chosen[partners] = chosen[partners], chosen[rows]
    return chosen


def separate(
    groups: Integers, values: Integers, low: int, high: int | None, what: str, strides: tuple[int, ...] = (1,)
) -> Integers:
    """Values made distinct inside their group: the first row keeps a value, the others move to a free one, shape (n,).

    Nothing is drawn again. A row walks outwards by multiples of the first stride, then of the next (weeks, days, hours:
    whatever the value should keep); what finds no place so near is settled by the least upward moves of its whole
    group. Values stay in [low, high]; ``high`` None: no upper bound. CapacityError names ``what`` when a group has more
    rows than there are values.
    """
    _, groups = np.unique(groups, return_inverse=True)
    out = values.astype(np.int64, copy=True)
    if not out.size:
        return out
    bottom = min(low, int(out.min()))
    top = max(high, int(out.max())) if high is not None else int(out.max()) + out.size
    width = top - bottom + 1
    keys = groups.astype(np.int64) * width + (out - bottom)
    doubled = duplicates(keys)
    waiting = np.flatnonzero(doubled)
    used = np.unique(keys)
    for stride in strides:
        for step in range(1, NEAREST + 1):
            for move in (step * stride, -step * stride):
                if not waiting.size:
                    return out
                wanted = out[waiting] + move
                inside = (wanted >= bottom) & (wanted <= top)
                asked = groups[waiting].astype(np.int64) * width + (wanted - bottom)
                place = np.minimum(np.searchsorted(used, asked), used.size - 1)
                free = inside & (used[place] != asked)
                free[free] &= ~duplicates(asked[free])
                if free.any():
                    out[waiting[free]] = wanted[free]
                    used = np.union1d(used, asked[free])
                    waiting = waiting[~free]
    return _lift(groups, out, bottom, top if high is not None else None, what) if waiting.size else out


def _lift(groups: Integers, values: Integers, low: int, high: int | None, what: str) -> Integers:
    """Sorted values v(0) <= v(1) <= ... become i + max over j <= i of (v(j) - j), then those that run over ``high`` are
    pushed back in the same way. Groups without duplicates keep their values."""
    colliding = np.unique(groups[duplicates(pair_keys(groups, values))])
    rows = np.flatnonzero(np.isin(groups, colliding))
    _, block = np.unique(groups[rows], return_inverse=True)
    sizes = np.bincount(block)
    top = high if high is not None else int(values[rows].max()) + int(sizes.max())
    bottom = min(low, int(values[rows].min()))
    span = top - bottom + 1
    if int(sizes.max()) > span:
        raise CapacityError(f"{what}: {int(sizes.max())} distinct values are needed where there are only {span}")
    order = np.lexsort((values[rows], block))
    place = np.arange(rows.size, dtype=np.int64)
    # A gap between blocks as wide as the widest block keeps the running maximum of one out of the next.
    shift = block[order].astype(np.int64) * (2 * span + int(sizes.max()))
    lifted = np.maximum.accumulate(values[rows][order] - bottom + shift - place) + place
    last = np.cumsum(sizes)[block[order]] - 1
    settled = np.minimum(lifted, shift + span - 1 - (last - place))
    out = values.copy()
    out[rows[order]] = settled - shift + bottom
    return out


def distinct_by_stride(positions: Integers, groups: Integers, size: int, seed: int, *address: str | int) -> Integers:
    """Values in range(size), distinct inside each group: rows are numbered by ``positions`` within their group.

    offset(group) + stride(group) * position modulo size, with a stride coprime to size: a permutation for every
    group without making any.
    """
    words = hashed(groups, seed, *address, "stride")
    strides = np.array([s for s in range(1, min(size, 4096) + 1) if np.gcd(s, size) == 1], dtype=np.int64)
    stride = strides[below(words, strides.size)]
    offset = below(hashed(groups, seed, *address, "offset"), min(size, 2**31 - 1))
    return (offset + stride * positions) % size
