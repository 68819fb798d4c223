"""Whether a column is told more shortly by how far it lies from another, or by itself.

An end of a season, the last of a month or today says nothing of when a row began: counted from there, it is spread over
all distances. A return after a week is one over all dates. Bits of the rows' exact values say which of two it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from fixturesynth.arrays import numpy_of
from fixturesynth.generators.encoding import Encoding, encode, fit_encoding
from fixturesynth.generators.encoding.bins import bins_from_arrays
from fixturesynth.generators.encoding.grids import to_grid

__all__ = ["Known", "Parts", "is_shorter"]

Integers = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int32]
Parts = Mapping[str, tuple[pa.Array, str]]  # by variable: values of all rows, and the kind of their encoding

LEAST_ROWS = 200
LEAST_SAVED = 0.25  # bits a row
SURE = 5.0  # standard errors
PRIORS = (2.0, 16.0, 128.0, 1024.0)  # rows of what all have, beside those that are alike


@dataclass(frozen=True)
class Known:
    """How columns are encoded. ``groups``: root entities, (n,)."""

    groups: Integers
    protection: int
    max_codes: int


def is_shorter(one: Parts, other: Parts, beside: Codes, known: Known) -> bool:
    """Whether ``one`` surely tells a column more shortly than ``other`` does, where codes (n,) of another are known.

    What counts are rows that have the column both ways.
    """
    rows = np.ones(beside.size, dtype=bool)
    for values, _ in (*one.values(), *other.values()):
        rows &= numpy_of(values.is_valid())
    if np.unique(known.groups[rows]).size < LEAST_ROWS:
        return False
    saved = _bits_of(other, rows, beside, known) - _bits_of(one, rows, beside, known)
    mean, spread = float(saved.mean()), float(saved.std())
    return mean >= LEAST_SAVED and mean * saved.size**0.5 > SURE * spread


def _bits_of(parts: Parts, rows: npt.NDArray[np.bool_], beside: Codes, known: Known) -> Floats:
    """Bits that each of ``rows`` takes, (rows,), where all the others are known.

    A part is seen beside the codes of the other column, or of the part before it.
    """
    taken, groups = pa.array(rows), known.groups[rows]
    owner, out = beside[rows].astype(np.int64), np.zeros(groups.size)
    for values, kind in parts.values():
        own = values.filter(taken)
        encoding = fit_encoding(own, kind, protection=known.protection, groups=groups, max_codes=known.max_codes)
        codes = encode(encoding, own)
        out += _surprise(owner, codes, encoding.size) + _inside(encoding, own, codes)
        owner = codes.astype(np.int64)
    return out


def _surprise(owner: Integers, codes: Codes, size: int) -> Floats:
    """Bits of each code, (n,), by those of the other rows of its owner, and what all rows have where these are few.

    How much an owner says is taken as what makes all codes shortest.
    """
    _, place, whole = np.unique(owner, return_inverse=True, return_counts=True)
    _, pair, counts = np.unique(place * size + codes, return_inverse=True, return_counts=True)
    share = (np.bincount(codes, minlength=size)[codes] - 0.5) / (codes.size + 0.5 * size)
    found = [-np.log2((counts[pair] - 1 + p * share) / (whole[place] - 1 + p)) for p in PRIORS]
    return min(found, key=lambda bits: float(bits.sum()))


def _inside(encoding: Encoding, values: pa.Array, codes: Codes) -> Floats:
    """Bits that are left of each value where its code is known, (n,)."""
    if "upper" not in encoding.arrays:
        return np.zeros(codes.size)
    bins = bins_from_arrays(dict(encoding.arrays))
    numbers, valid = to_grid(values, encoding.facts)
    at = np.minimum(codes, bins.ends.size - 1)
    segment = np.clip(np.searchsorted(bins.low, numbers, side="right") - 1, 0, bins.low.size - 1)
    whole = bins.ends[at] - np.where(at > 0, bins.ends[at - 1], 0)
    weight = np.diff(bins.running, prepend=0)[segment]
    bits = np.log2(whole * bins.cells[segment].astype(np.float64) / weight)
    return np.where(valid, np.maximum(bits, 0.0), 0.0)
