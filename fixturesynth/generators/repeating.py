"""Rare categories that come again: a customer's own address on all of her orders.

A category that too few entities share is not stored; something else stands in for it. That it is the same one as in an
earlier row of the same parent is no secret, and is learned: one code more means "as the last rare one before".
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from fixturesynth.arrays import fill_null, numpy_of
from fixturesynth.generators.encoding import Encoding

__all__ = ["find_repeats", "first_codes", "first_rows"]

Integers = npt.NDArray[np.int64]
Codes = npt.NDArray[np.int32]


def find_repeats(rare: npt.NDArray[np.bool_], values: pa.Array, parents: Integers) -> npt.NDArray[np.bool_]:
    """Where a rare value is that of the last rare row before, of the same parent; rows by parent, all (n,).

    >>> names = pa.array(["a", "b", "a", "a", "a"])
    >>> find_repeats(np.array([1, 0, 1, 1, 1], bool), names, np.array([0, 0, 0, 0, 1])).tolist()
    [False, False, True, True, False]
    """
    out = np.zeros(rare.size, dtype=bool)
    rows = np.flatnonzero(rare)
    if rows.size > 1:
        codes = numpy_of(fill_null(pc.dictionary_encode(values).indices, -1))
        same = (codes[rows[1:]] == codes[rows[:-1]]) & (parents[rows[1:]] == parents[rows[:-1]])
        out[rows[1:]] = same
    return out


def first_rows(encoding: Encoding, codes: Codes, position: Integers) -> Integers:
    """The row in which each rare category first came, (n,), -1 for all others.

    ``position``: place among the siblings, 0 where a family begins; families stand together.
    """
    rows = np.arange(codes.size, dtype=np.int64)
    again = codes == encoding.size
    rare = again | (codes == encoding.rare_code)
    family = np.maximum.accumulate(np.where(position == 0, rows, 0))
    fresh = np.where(rare & ~again, rows, -1)
    last = np.maximum.accumulate(fresh)
    # The first of a family has nobody before it.
    source = np.where(last >= family, last, -1)
    lost = rare & (source < 0)
    first_lost = np.where(lost, family, source)
    return np.where(rare, first_lost, -1)


def first_codes(encoding: Encoding, codes: Codes) -> Codes:
    """Codes of the encoding: those that come again are rare ones."""
    rare = 0 if encoding.rare_code is None else encoding.rare_code
    return np.where(codes == encoding.size, rare, codes).astype(np.int32)
