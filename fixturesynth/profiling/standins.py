"""Dates that stand for "none": 9999-12-31 for what has no end, 1970-01-01 for what never was.

They are no moments. How long a contract runs, which of two dates comes first, is true of all rows but theirs; beside
them it is lost. So they are set apart as NULL before anything is learned, and come again where NULL would.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from fixturesynth.arrays import array_of, combined
from fixturesynth.profiling.temporal import parse_temporal

__all__ = ["as_text", "stand_in"]

Integers = npt.NDArray[np.int64]

LEAST_ROWS = 50  # that have another date
LEAST_SHARE = 0.01  # of the rows, that have it
FAR = 3.0  # times as far from all others as these are from one another
YEARS, MONTH = 5 * 365.25, 30.0  # days that it lies from them; one that the world knows
KNOWN = frozenset(
    np.datetime64(day, "D").astype(np.int64)
    for day in (
        "0001-01-01", "1000-01-01", "1753-01-01", "1899-12-30", "1899-12-31", "1900-01-01", "1970-01-01",
        "2099-12-31", "2999-12-31", "3000-01-01", "9999-01-01", "9999-12-31",
    )
)  # fmt: skip
_A_DAY = {"days": 1, "seconds": 86_400, "milliseconds": 86_400_000, "microseconds": 86_400_000_000}


def stand_in(
    values: pa.ChunkedArray, protection: int, *, first: bool = True, last: bool = True
) -> tuple[pa.Array, str, int] | None:
    """The column with NULL where a date stands for none, that date as text, and how many rows have it; None where no
    date does, and for columns that have NULL as well: these say it by that.

    It is the ``first`` or ``last`` of all, where it may be; many rows have it, and it lies far from all others: one
    that the world knows, or the first or last day of a year.

    >>> dates = [f"2024-{month:02}-{day:02}" for month in range(1, 7) for day in range(1, 28)] + ["9999-12-31"] * 9
    >>> stand_in(pa.chunked_array([dates]), 5)[1:]
    ('9999-12-31', 9)
    """
    if values.null_count or len(values) < LEAST_ROWS or not (first or last):
        return None
    parsed = parse_temporal(values)
    if parsed is None or parsed[1] not in _A_DAY:
        return None
    found = _extreme(parsed[0] / _A_DAY[parsed[1]], protection, first, last)
    if found is None:
        return None
    whole = combined(values)
    text = str(as_text(whole.take(array_of(np.flatnonzero(found)[:1])))[0])
    return pc.if_else(array_of(found), pa.scalar(None, whole.type), whole), text, int(found.sum())


def _extreme(
    days: npt.NDArray[np.float64], protection: int, first: bool, last: bool
) -> npt.NDArray[np.bool_] | None:  # fmt: skip
    """Which rows (n,) have a date that stands for none, of the two ends that most of them have."""
    best: npt.NDArray[np.bool_] | None = None
    for end in [days.min()] * first + [days.max()] * last:
        rows = days == end
        many = int(rows.sum())
        others = days[~rows]
        if many < max(protection, LEAST_SHARE * days.size) or others.size < LEAST_ROWS:
            continue
        low, high = others.min(), others.max()
        gap = low - end if end < low else end - high
        known = int(np.floor(end)) in KNOWN and gap > MONTH
        round_and_far = _is_round(int(np.floor(end))) and gap > max(YEARS, FAR * (high - low))
        if (known or round_and_far) and (best is None or many > int(best.sum())):
            best = rows
    return best


def _is_round(day: int) -> bool:
    """Whether a day since 1970 is the first or the last of a year: no birthday that many rows of one person have."""
    return any(np.datetime64(day + k, "D") == np.datetime64(day + k, "D").astype("M8[Y]") for k in (0, 1))


def as_text(values: pa.Array) -> pa.Array:
    """Values as texts, (n,), moments of any zone in UTC."""
    naive = values.cast(pa.timestamp(values.type.unit)) if pa.types.is_timestamp(values.type) else values
    return naive.cast(pa.string())
