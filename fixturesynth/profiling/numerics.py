"""Statistics of numbers and of datetimes as integers, protected: extremes clipped, lone values smoothed."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from fixturesynth.profiling.protection import Protector

__all__ = ["NumberStatistics", "number_statistics"]

QUANTILES = 64
MOST_VALUES = 512  # distinct numbers up to which all protected ones are listed
SPIKE_SHARE = 0.005
MOST_DECIMALS = 9

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class NumberStatistics:
    """Fields of a ColumnProfile that numbers have."""

    distinct: int
    unique: bool
    minimum: float | int | None
    maximum: float | int | None
    quantiles: tuple[float, ...]
    decimals: int | None
    step: float | None
    spikes: tuple[tuple[float, int], ...]
    values: tuple[tuple[float, int], ...]
    rare: int
    sequence: tuple[int, int] | None


def number_statistics(
    numbers: npt.NDArray[Any], rows: int, protector: Protector, closed: frozenset[Any] = frozenset()
) -> NumberStatistics:
    """Statistics of ``numbers`` (int64 or finite float64, shape (n,), no nulls) of a column of ``rows`` rows.

    ``protector`` holds these numbers' groups; ``closed`` are values that the schema itself names.
    """
    order = np.argsort(numbers, kind="stable")
    ordered = numbers[order]
    starts = np.flatnonzero(np.concatenate(([True], ordered[1:] != ordered[:-1])))
    distinct = ordered[starts]
    counts = np.diff(np.append(starts, ordered.size))
    decimals = 0 if ordered.dtype.kind == "i" else _decimals(distinct)
    whole = decimals == 0
    low, high = protector.edges(order)
    minimum = maximum = None
    quantiles: tuple[float, ...] = ()
    if low is not None and high is not None and low <= high:
        minimum, maximum = _scalar(ordered[low], whole), _scalar(ordered[high], whole)
        quantiles = _quantiles(ordered, low, high, protector.protection, decimals)
    supported = _supported(order, starts, counts, protector)
    stored = supported | np.isin(distinct, list(closed)) if closed else supported
    listed = distinct.size <= MOST_VALUES
    return NumberStatistics(
        distinct=int(distinct.size),
        unique=bool(distinct.size == ordered.size),
        minimum=minimum,
        maximum=maximum,
        quantiles=quantiles,
        decimals=decimals,
        step=_step(distinct, decimals),
        spikes=_ranked(distinct, counts, stored & (counts >= SPIKE_SHARE * rows), whole),
        values=_ranked(distinct, counts, stored, whole) if listed else (),
        rare=int(counts[~stored].sum()) if listed else 0,
        sequence=_sequence(distinct, ordered.size) if whole else None,
    )


def _scalar(value: Any, whole: bool) -> float | int:
    return int(value) if whole else float(value)


def _supported(order: Integers, starts: Integers, counts: Integers, protector: Protector) -> npt.NDArray[np.bool_]:
    enough: npt.NDArray[np.bool_] = counts >= protector.protection
    if protector.groups is None or not enough.any():
        return enough
    codes = np.empty(order.size, dtype=np.int64)
    codes[order] = np.repeat(np.arange(starts.size), counts)
    return protector.supporters(codes, starts.size) >= protector.protection


def _ranked(
    distinct: npt.NDArray[Any], counts: Integers, kept: npt.NDArray[np.bool_], whole: bool
) -> tuple[tuple[float, int], ...]:
    places = np.flatnonzero(kept)
    places = places[np.argsort(-counts[places], kind="stable")]
    return tuple((_scalar(distinct[i], whole), int(counts[i])) for i in places)


def _decimals(distinct: Floats) -> int | None:
    for digits in range(MOST_DECIMALS + 1):
        scale = 10.0**digits
        scaled = np.rint(distinct * scale)
        if np.abs(scaled).max(initial=0) >= 2**53:
            return None
        if np.array_equal(scaled / scale, distinct):
            return digits
    return None


def _step(distinct: npt.NDArray[Any], decimals: int | None) -> float | None:
    """Greatest step of which every value is a multiple; None when they follow no grid."""
    if decimals is None or not distinct.size:
        return None
    scaled = distinct if distinct.dtype.kind == "i" else np.rint(distinct * 10.0**decimals).astype(np.int64)
    step = int(np.gcd.reduce(np.abs(scaled)))
    return None if step == 0 else step / 10**decimals if decimals else float(step)


def _sequence(distinct: npt.NDArray[Any], rows: int) -> tuple[int, int] | None:
    """(start, step) when at least nine tenths of the gaps between unique values are the same."""
    if distinct.size != rows or rows < 3:
        return None
    whole = distinct.astype(np.int64)
    gaps, counts = np.unique(np.diff(whole), return_counts=True)
    best = int(np.argmax(counts))
    return (int(whole[0]), int(gaps[best])) if counts[best] >= 0.9 * (rows - 1) else None


def _quantiles(
    ordered: npt.NDArray[Any], low: int, high: int, protection: int, decimals: int | None
) -> tuple[float, ...]:
    """65 quantiles between the protected extremes.

    A value with fewer rows than ``protection`` is replaced by the mean of that many neighbours, put on the grid.
    """
    places = np.clip(np.rint(np.linspace(0, ordered.size - 1, QUANTILES + 1)).astype(np.int64), low, high)
    picked = ordered[places].copy()
    runs = np.searchsorted(ordered, picked, "right") - np.searchsorted(ordered, picked, "left")
    lone = np.flatnonzero(runs < protection)
    lone = lone[(places[lone] > low) & (places[lone] < high)]
    if lone.size:
        first = np.clip(places[lone] - protection // 2, 0, max(ordered.size - protection, 0))
        window = np.minimum(first[:, None] + np.arange(protection), ordered.size - 1)
        near = ordered[window]
        # Means of differences, because sums of 64-bit integers would overflow.
        base = near[:, :1]
        mean = (near - base).astype(np.float64).mean(axis=1)
        if decimals is not None:
            mean = np.round(mean, decimals)
        picked[lone] = base[:, 0] + mean.astype(ordered.dtype)
        if decimals is not None and ordered.dtype.kind == "f":
            picked = np.round(picked, decimals)
    picked = np.maximum.accumulate(np.clip(picked, ordered[low], ordered[high]))
    return tuple(_scalar(v, decimals == 0) for v in picked)
