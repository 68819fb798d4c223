"""Which row of the parent a key points at, for whole columns."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from fixturesynth.arrays import fill_null, numpy_of

__all__ = ["dense_rank", "locate"]

Integers = npt.NDArray[np.int64]


def locate(wanted: Sequence[pa.Array], known: Sequence[pa.Array], *, nulls_match: bool = False) -> Integers:
    """First row of ``known`` that equals each row of ``wanted`` in all columns, shape (n,); -1 where there is none.

    A null in ``wanted`` finds nothing, or with ``nulls_match`` a null. Types may differ as far as ``known``'s can be
    cast to (an integer key kept as text is not found: keys keep their kind).
    """
    n, size = len(wanted[0]), len(known[0])
    here, there = np.zeros(n, dtype=np.int64), np.zeros(size, dtype=np.int64)
    for ours, theirs in zip(wanted, known, strict=True):
        if ours.type != theirs.type:
            ours = pc.cast(ours, theirs.type, safe=False)
        distinct = pc.unique(theirs).drop_null()
        a = numpy_of(fill_null(pc.index_in(ours, distinct), -1)).astype(np.int64)
        b = numpy_of(fill_null(pc.index_in(theirs, distinct), -1)).astype(np.int64)
        width = len(distinct)
        if nulls_match:
            a = np.where(numpy_of(ours.is_null()), width, a)
            b = np.where(numpy_of(theirs.is_null()), width, b)
            width += 1
        here = np.where((here < 0) | (a < 0), -1, here * width + a)
        there = np.where((there < 0) | (b < 0), -2, there * width + b)
        # Codes are made small again after each column, so that wide keys cannot overflow.
        seen, codes = np.unique(there, return_inverse=True)
        place = np.minimum(np.searchsorted(seen, here), max(seen.size - 1, 0))
        matches = (seen[place] == here) & (here >= 0) if seen.size else np.zeros(n, dtype=bool)
        here = np.where(matches, place, -1)
        there = np.where(there < 0, -2, codes.astype(np.int64))
    keys, first = np.unique(there, return_index=True)
    if not keys.size or not n:
        return np.full(n, -1, dtype=np.int64)
    place = np.minimum(np.searchsorted(keys, here), keys.size - 1)
    return np.where((keys[place] == here) & (here >= 0), first[place], -1).astype(np.int64)


def dense_rank(values: pa.Array) -> Integers:
    """Rank of each value among the distinct ones, nulls last; shape (n,)."""
    encoded = pc.dictionary_encode(values)
    places = np.empty(len(encoded.dictionary), dtype=np.int64)
    places[numpy_of(pc.sort_indices(encoded.dictionary))] = np.arange(places.size)
    codes = numpy_of(fill_null(encoded.indices, -1))
    return np.where(codes < 0, places.size, places[codes]) if places.size else np.zeros(len(values), dtype=np.int64)
