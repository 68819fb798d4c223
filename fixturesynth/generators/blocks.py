"""Blocks of parents for references that are matched, and codes of child counts."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from fixturesynth.arrays import array_of, combined, fill_null, numpy_of
from fixturesynth.dataset import Dataset
from fixturesynth.generators.clusters import reliable_means, split_blocks
from fixturesynth.generators.tablemodel import Block
from fixturesynth.planning.plan import CROWD, Derived, Modelled, TablePlan
from fixturesynth.profiling.temporal import parse_temporal

__all__ = ["choose_block", "codes_by", "count_codes", "count_steps", "row_block"]

Integers = npt.NDArray[np.int64]

MOST_COUNT_CODES = 40
MOST_BLOCKS = 64
MOST_INDICATORS = 12  # most frequent values of a category that tell parents apart
LEAST_GAIN = 0.3  # how much more alike siblings must be than strangers, on a scale from 0 to 1


def count_codes(degrees: Integers) -> tuple[npt.NDArray[np.int32], int]:
    """Ordered codes of child counts, shape (n,), and how many there are: exact where few, else by quantiles."""
    if not degrees.size:
        return np.zeros(0, dtype=np.int32), 1
    steps = count_steps(degrees)
    return codes_by(steps, degrees), int(steps.size)


def count_steps(degrees: Integers) -> Integers:
    """The least count of each code, ascending."""
    distinct = np.unique(degrees)
    if distinct.size > MOST_COUNT_CODES:
        ordered = np.sort(degrees)
        places = (np.arange(MOST_COUNT_CODES) * degrees.size) // MOST_COUNT_CODES
        distinct = np.unique(ordered[places])
    return distinct


def codes_by(steps: Integers, degrees: Integers) -> npt.NDArray[np.int32]:
    """Codes of counts, (n,), of which ``steps`` are the least ones."""
    return np.maximum(np.searchsorted(steps, degrees, side="right") - 1, 0).astype(np.int32)


def choose_block(
    dataset: Dataset,
    child: TablePlan,
    parents: Integers,
    rank: Callable[[str, str], Integers],
    size: int,
) -> tuple[npt.NDArray[np.int32], int] | None:
    """Kinds of parents, by what their children have in common (a plane's carrier, how far it flies).

    ``parents``: parent of each child row, -1 for none; ``size``: number of parents. Codes by parent, (size,), the
    last code for a parent without children, and how many codes there are. None where siblings are hardly more alike
    than strangers.
    """
    has = parents >= 0
    if not has.any():
        return None
    owner = parents[has]
    best: tuple[float, Integers, int] | None = None
    means = []
    for codes, width in _candidates(dataset, child, rank):
        gain = _likeness(owner, codes[has], size, width)
        if gain > LEAST_GAIN and (best is None or gain > best[0]):
            best = (gain, codes, width)
        common = np.argsort(-np.bincount(codes[has], minlength=width), kind="stable")[:MOST_INDICATORS]
        means += [
            np.sqrt(float(p * (1 - p))) * reliable_means(owner, (codes[has] == c).astype(np.float64), size)
            for c in common.tolist()
            if 0 < (p := float((codes[has] == c).mean())) < 1
        ]
    means += [reliable_means(owner, values[has], size) for values in _numbers(dataset, child)]
    degrees = np.bincount(owner, minlength=size)
    start = np.zeros(size, dtype=np.int64)
    if best is not None:
        _, codes, width = best
        table = np.bincount(owner * width + codes[has], minlength=size * width).reshape(size, width)
        start = table.argmax(axis=1)
    parted = np.flatnonzero(degrees > 0)
    blocks = split_blocks(start[parted], [m[parted] for m in means], degrees[parted], MOST_BLOCKS)
    wide = int(blocks.max()) + 1
    if wide < 2:
        return None
    home = np.full(size, wide, dtype=np.int64)
    home[parted] = blocks
    return home.astype(np.int32), wide + 1


def _numbers(dataset: Dataset, child: TablePlan) -> list[npt.NDArray[np.float64]]:
    """Ranks of the child's numbers and moments, (n,), NaN for NULL: columns with values of their own."""
    out = []
    arrow = dataset.arrow(child.name)
    for column in child.columns:
        if isinstance(column.source, Modelled | Derived):
            ranks = _ranks(combined(arrow.column(column.name)))
            if ranks is not None:
                out.append(ranks)
    return out


def _ranks(values: pa.Array) -> npt.NDArray[np.float64] | None:
    kind = values.type
    number = pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)
    if not number and not pa.types.is_temporal(kind):
        parsed = parse_temporal(values) if values.null_count < len(values) else None
        if parsed is None:
            return None
        values = array_of(parsed[0], mask=numpy_of(values.is_null()))
    encoded = pc.dictionary_encode(values)
    if len(encoded.dictionary) < 2:
        return None
    place = np.empty(len(encoded.dictionary), dtype=np.float64)
    place[numpy_of(pc.sort_indices(encoded.dictionary))] = np.arange(place.size)
    codes = numpy_of(fill_null(encoded.indices, -1)).astype(np.int64)
    counts = np.bincount(codes[codes >= 0], minlength=place.size)
    order = np.argsort(place, kind="stable")
    middle = np.empty(place.size)
    middle[order] = np.cumsum(counts[order]) - counts[order] / 2
    return np.where(codes >= 0, middle[np.maximum(codes, 0)], np.nan)


def _candidates(dataset: Dataset, child: TablePlan, rank: Callable[[str, str], Integers]) -> list[tuple[Integers, int]]:
    out = []
    arrow = dataset.arrow(child.name)
    for column in child.columns:
        if isinstance(column.source, Modelled) and column.source.encoding == "categorical":
            encoded = pc.dictionary_encode(combined(arrow.column(column.name)), null_encoding="encode")
            if 1 < len(encoded.dictionary) <= MOST_BLOCKS:
                out.append((numpy_of(encoded.indices).astype(np.int64), len(encoded.dictionary)))
    for reference in child.references:
        if reference.how == "matched" and reference.parent in dataset:
            ranks = rank(child.name, reference.foreign_key)
            distinct, codes = np.unique(ranks, return_inverse=True)
            if 1 < distinct.size <= MOST_BLOCKS:
                out.append((codes.astype(np.int64), int(distinct.size)))
    return out


def _likeness(parents: Integers, codes: Integers, size: int, width: int) -> float:
    """Chance that two children of one parent agree, above that of any two children, on a scale of 0 to 1."""
    table = np.bincount(parents * width + codes, minlength=size * width).reshape(size, width).astype(np.float64)
    totals = table.sum(axis=1)
    pairs = (totals * (totals - 1)).sum()
    if pairs < 50:
        return 0.0
    alike = (table * (table - 1)).sum() / pairs
    shares = table.sum(axis=0) / totals.sum()
    chance = float((shares**2).sum())
    return float((alike - chance) / (1 - chance)) if chance < 1 else 0.0


def row_block(degrees: Integers) -> Block:
    """Every row of a list of the world is a block of its own; of a long one only the busiest are, the rest one."""
    if degrees.size <= CROWD:
        return Block(max(degrees.size, 1), rows=np.arange(degrees.size))
    order = np.argsort(-degrees, kind="stable")
    out = np.zeros(degrees.size, dtype=np.int64)
    out[order] = np.minimum(np.arange(degrees.size), CROWD - 1)
    return Block(CROWD, rows=out)
