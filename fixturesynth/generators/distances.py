"""Whether a column is told more shortly by how far it lies from another, or by itself.

An end of a season, the last of a month or today says nothing of when a row began: counted from there, it is spread over
all distances. A return after a week is one over all dates. Bits of the rows' exact values say which of two it is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from fixturesynth.arrays import numpy_of
from fixturesynth.generators.calendar import WEEKDAY, split_parts
from fixturesynth.generators.encoding import Encoding, encode, fit_encoding
from fixturesynth.generators.encoding.bins import bins_from_arrays
from fixturesynth.generators.encoding.grids import to_grid
from fixturesynth.generators.offsets import offset_facts, offsets, span_facts
from fixturesynth.generators.tablemodel import column_variable, part_variable

__all__ = ["LEAST_ROWS", "Known", "Parts", "Way", "bits_inside", "bits_saved", "own_way", "way_from"]

Integers = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int32]
Parts = Mapping[str, tuple[pa.Array, str]]  # by variable: values of all rows, and the kind of their encoding

LEAST_ROWS, LEAST_ENTITIES = 200, 20
LEAST_SAVED = 0.25  # bits a row
SURE = 3.5  # standard errors
PRIORS = (2.0, 16.0, 128.0, 1024.0)  # rows of what all have, beside those that are alike


@dataclass(frozen=True)
class Way:
    """How a column is learned: its ``parts``; facts of generators.offsets where they are no values of its own, and of
    generators.calendar where it is taken apart."""

    parts: Parts
    offset: dict[str, Any] | None = None
    calendar: dict[str, Any] | None = None
    whole: pa.Array | None = None  # of a column that is taken apart, (n,)


@dataclass(frozen=True)
class Known:
    """How columns are encoded. ``groups``: root entities, (n,)."""

    groups: Integers
    protection: int
    max_codes: int


def own_way(name: str, values: pa.Array, encoding: str, beside: Sequence[pa.Array]) -> Way:
    """The way of a column, (n,), by its own values. ``beside``: other columns, (n,) each, that are no moments."""
    split = split_parts(values, beside) if encoding == "temporal" else None
    if split is None:
        return Way({column_variable(name): (values, encoding)})
    kinds = {part: "categorical" if part == WEEKDAY else "numeric" for part in split[1]}
    parts = {part_variable(part, name): (numbers, kinds[part]) for part, numbers in split[1].items()}
    return Way(parts, calendar=split[0], whole=values)


def way_from(name: str, values: pa.Array, encoding: str, base: pa.Array, known: Known) -> Way | None:
    """The way of a column, (n,), by how far it lies from ``base``, (n,); None where that cannot be said."""
    monthly = split_parts(values, (), base) if encoding == "temporal" else None
    if monthly is not None:
        parts = {part_variable(part, name): (numbers, "numeric") for part, numbers in monthly[1].items()}
        return Way(parts, {"parts": True}, monthly[0])
    facts = offset_facts(values, encoding)
    distance = None if facts is None else offsets(values, base, facts)
    if facts is None or distance is None:
        return None
    facts |= span_facts(values, base, facts, known.groups, known.protection)
    return Way({column_variable(name): (distance, "numeric")}, facts)


def bits_saved(one: Parts, other: Parts, beside: Codes, known: Known, *, apart: bool = False) -> float:
    """Bits a row by which ``one`` surely tells a column more shortly than ``other`` does, where codes (n,) of another
    column are known; 0 where that is not sure, or too little.

    What counts are rows that have the column both ways. ``apart``: rows of one entity say nothing of each other, as
    where the other column is their parent's and they are drawn beside a new one.
    """
    rows = np.ones(beside.size, dtype=bool)
    for values, _ in (*one.values(), *other.values()):
        rows &= numpy_of(values.is_valid())
    if int(rows.sum()) < LEAST_ROWS or np.unique(known.groups[rows]).size < LEAST_ENTITIES:
        return 0.0
    saved = _bits_of(other, rows, beside, known, apart) - _bits_of(one, rows, beside, known, apart)
    mean, spread = float(saved.mean()), float(saved.std())
    return mean if mean >= LEAST_SAVED and mean * saved.size**0.5 > SURE * spread else 0.0


def bits_inside(parts: Parts, known: Known) -> float:
    """Bits that are left of a row, in the middle, where the codes of all ``parts`` are known."""
    left = 0.0
    for values, kind in parts.values():
        rows = numpy_of(values.is_valid())
        groups, own = known.groups[rows], values.drop_null()
        encoding = fit_encoding(own, kind, protection=known.protection, groups=groups, max_codes=known.max_codes)
        inside = _inside(encoding, own, encode(encoding, own))
        left += float(np.median(inside)) if inside.size else 0.0
    return left


def _bits_of(parts: Parts, rows: npt.NDArray[np.bool_], beside: Codes, known: Known, apart: bool) -> Floats:
    """Bits that each of ``rows`` takes, (rows,), where all the others are known.

    A part is seen beside the codes of the other column, or of the part before it.
    """
    taken, groups = pa.array(rows), known.groups[rows]
    owner, out = beside[rows].astype(np.int64), np.zeros(groups.size)
    for values, kind in parts.values():
        own = values.filter(taken)
        encoding = fit_encoding(own, kind, protection=known.protection, groups=groups, max_codes=known.max_codes)
        codes = encode(encoding, own)
        out += _surprise(owner, codes, encoding.size, groups if apart else None) + _inside(encoding, own, codes)
        owner = codes.astype(np.int64)
    return out


def _surprise(owner: Integers, codes: Codes, size: int, groups: Integers | None) -> Floats:
    """Bits of each code, (n,), by those of the other rows of its owner, and what all rows have where these are few.

    How much an owner says is taken as what makes all codes shortest. ``groups``, (n,): others are rows of other groups.
    """
    _, place, whole = np.unique(owner, return_inverse=True, return_counts=True)
    _, pair, counts = np.unique(place * size + codes, return_inverse=True, return_counts=True)
    share = (np.bincount(codes, minlength=size)[codes] - 0.5) / (codes.size + 0.5 * size)
    alike, around = counts[pair] - _own(pair, groups), whole[place] - _own(place, groups)
    found = [-np.log2((alike + p * share) / (around + p)) for p in PRIORS]
    return min(found, key=lambda bits: float(bits.sum()))


def _own(place: Integers, groups: Integers | None) -> Integers:
    """How many rows of each place, (n,), are of the row's own group; without groups, it alone."""
    if groups is None:
        return np.ones_like(place)
    _, group = np.unique(groups, return_inverse=True)
    _, both, counts = np.unique(place * (int(group.max()) + 1) + group, return_inverse=True, return_counts=True)
    own: Integers = counts[both]
    return own


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
