"""Numbers that belong to a category: flight numbers to an airline, account numbers to a branch.

A code of a number is a bin, and what lies inside of it is drawn by itself: an airline then gets numbers that only its
neighbours in the bin have. Where a category says much of which of a bin's segments (encoding.bins) a row has, the
segments of each pair of a bin and a category are counted, and drawn from that.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from fixturesynth.generators.contract import Variable
from fixturesynth.generators.drawing import Distributions, draw
from fixturesynth.generators.encoding import Encoding
from fixturesynth.generators.encoding.bins import bins_from_arrays
from fixturesynth.randomness import hashed

__all__ = ["Nest", "find_nests", "nested_words", "nests_of"]

Integers = npt.NDArray[np.int64]
Codes = npt.NDArray[np.int32]
Words = npt.NDArray[np.uint64]
Floats = npt.NDArray[np.float64]

LEAST_ROWS = 200
LEAST_SAVED, LEAST_MORE = 0.25, 0.05  # bits a row that the first category must save, and a second one more
MUCH_SAVED = 0.5  # bits for each row of one bin
MOST_CATEGORIES = 512
MOST_WEIGHT = 2**31  # of a bin, so that a place in it can be named exactly
_HALF = np.uint64(32)
_LOW = np.uint64(0xFFFFFFFF)


@dataclass(frozen=True)
class Nest:
    """``beside``: one or two variables of categories, of ``sizes`` codes each. ``keys``: ascending, (pairs,), the code
    of the number and those of the categories in one, for what is known; ``held``: the segments of each."""

    beside: tuple[str, ...]
    sizes: tuple[int, ...]
    keys: Integers
    held: Distributions

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        return {
            "keys": self.keys, "codes": self.held.codes, "running": self.held.running, "ends": self.held.ends,
        }  # fmt: skip

    def key(self, codes: Codes, beside: Mapping[str, Codes]) -> Integers:
        """Keys of rows, (n,); ``beside``: codes (n,) of the categories."""
        return _keys(codes.astype(np.int64), [(beside[b], s) for b, s in zip(self.beside, self.sizes, strict=True)])


def _keys(codes: Integers, beside: Sequence[tuple[Codes, int]]) -> Integers:
    for other, size in beside:
        codes = codes * size + other
    return codes


def nests_of(
    variables: Sequence[Variable],
    codes: Sequence[Codes],
    grids: Mapping[str, tuple[Integers, npt.NDArray[np.bool_]]],
    encodings: Mapping[str, Encoding],
    kinds: Collection[str],
    groups: Integers,
    protection: int,
) -> dict[str, tuple[Nest, ...]]:
    """By variable, the nests of those ``variables`` that have numbers in ``grids`` (and where they are no NULL).

    ``kinds``: variables that are kinds of parents and no values: nothing belongs to these.
    """
    pairs = list(zip(variables, codes, strict=False))
    categories = {v.name: (own, v.size) for v, own in pairs if not v.ordered and v.name not in kinds}
    found = {}
    for variable, own in pairs:
        if variable.ordered and variable.name in grids:
            encoding = encodings[variable.name]
            nests = find_nests(*grids[variable.name], own, encoding, categories, groups, protection)
            if nests:
                found[variable.name] = nests
    return found


def find_nests(
    values: Integers,
    rows: npt.NDArray[np.bool_],
    codes: Codes,
    encoding: Encoding,
    categories: Mapping[str, tuple[Codes, int]],
    groups: Integers,
    protection: int,
) -> tuple[Nest, ...]:
    """Of the category that says most of which segment the numbers lie in, and of the one that says most more with it.

    ``values`` (n,): of ``encoding``'s grid, where ``rows``; ``categories``: codes (n,) and their number by variable. A
    segment counts where at least ``protection`` root entities (``groups``) have it beside the same categories.
    """
    if "upper" not in encoding.arrays or not rows.any():
        return ()
    bins = bins_from_arrays(dict(encoding.arrays))
    many = np.diff(np.searchsorted(bins.running, bins.ends, side="left"), prepend=-1)
    at = np.flatnonzero(rows)
    at = at[many[codes[at]] > 1]
    if at.size < LEAST_ROWS:
        return ()
    own = codes[at].astype(np.int64)
    segment = np.clip(np.searchsorted(bins.low, values[at], side="right") - 1, 0, bins.low.size - 1)
    known = {name: (beside[at], size) for name, (beside, size) in categories.items() if 1 < size <= MOST_CATEGORIES}
    taken: list[str] = []
    nests: list[Nest] = []
    surprise = _surprise(own, segment, None)
    for least in (LEAST_SAVED, LEAST_MORE):
        best, name, where = surprise, "", np.zeros(at.size, dtype=bool)
        for other in known:
            if other not in taken:
                bits = _surprise(_keys(own, [known[n] for n in (*taken, other)]), segment, surprise)
                inside = _worth_it(own, surprise - bits, least, int(rows.sum()))
                bits = np.where(inside, bits, surprise)
                best, name, where = (bits, other, inside) if bits.sum() < best.sum() else (best, name, where)
        if not name:
            break
        taken.append(name)
        surprise = best
        key = _keys(own, [known[n] for n in taken])
        nest = _counted(key[where], segment[where], bins.low.size, groups[at][where], protection)
        if nest is not None:
            nests.append(Nest(tuple(taken), tuple(known[n][1] for n in taken), *nest))
    return tuple(nests)


def _worth_it(own: Integers, saved: Floats, least: float, rows: int) -> npt.NDArray[np.bool_]:
    """Rows, (n,), of all bins where ``least`` bits are saved for each of ``rows``, else of those wide ones that save as
    many for each of their own: where numbers are few and far apart, what lies between them is what one sees.

    ``own``: their bins, (n,)."""
    if float(saved.sum()) >= least * rows:
        return np.ones(own.size, dtype=bool)
    many = np.bincount(own)
    worth = (np.bincount(own, weights=saved) >= MUCH_SAVED * many) & (many >= LEAST_ROWS)
    return worth[own]


def _counted(
    key: Integers, segment: Integers, segments: int, groups: Integers, protection: int
) -> tuple[Integers, Distributions] | None:
    wide = int(groups.max()) + 1
    pairs, inverse, counts = np.unique(key * segments + segment, return_inverse=True, return_counts=True)
    support = np.bincount(np.unique(inverse * np.int64(wide) + groups) // wide, minlength=pairs.size)
    keep = support >= protection
    pairs, counts = pairs[keep], counts[keep]
    if not pairs.size:
        return None
    keys, first = np.unique(pairs // segments, return_index=True)
    running = np.cumsum(counts)
    ends = running[np.append(first[1:], pairs.size) - 1]
    return keys, Distributions((pairs % segments).astype(np.int32), running, ends)


def _surprise(owner: Integers, segment: Integers, otherwise: Floats | None) -> Floats:
    """Bits that each row's segment takes where the other rows of its owner are known, (n,); ``otherwise``: where
    nothing is known of it."""
    _, place, whole = np.unique(owner, return_inverse=True, return_counts=True)
    _, pair, counts = np.unique(place * (int(segment.max()) + 1) + segment, return_inverse=True, return_counts=True)
    prior = 0.01 if otherwise is None else 2.0**-otherwise
    found: Floats = -np.log2((counts[pair] - 1 + 2 * prior) / (whole[place] - 1 + 2))
    return found


def nested_words(
    nest: Nest, encoding: Encoding, codes: Codes, beside: Mapping[str, Codes], words: Words
) -> tuple[npt.NDArray[np.bool_], Words]:
    """Which rows (n,) have known categories, and words that decode to a segment that goes with them, (n,)."""
    key = nest.key(codes, beside)
    place = np.minimum(np.searchsorted(nest.keys, key), nest.keys.size - 1)
    bins = bins_from_arrays(dict(encoding.arrays))
    whole = np.minimum(codes, bins.ends.size - 1)
    before = np.where(whole > 0, bins.ends[whole - 1], 0)
    total = bins.ends[whole] - before
    found = (nest.keys[place] == key) & (codes < bins.ends.size) & (total < MOST_WEIGHT)
    segment = draw(nest.held, place, words)
    start = np.where(segment > 0, bins.running[segment - 1], 0)
    weight = bins.running[segment] - start
    inside = hashed(words, 0, "nest")
    offset = start - before + (((inside >> _HALF) * weight.astype(np.uint64)) >> _HALF).astype(np.int64)
    # The smallest upper half that decodes to this place; any lower half stays in it.
    share = total.astype(np.uint64)
    high = ((np.maximum(offset, 0).astype(np.uint64) << _HALF) + share - np.uint64(1)) // share
    out: Words = (high << _HALF) | (inside & _LOW)
    return found, out
