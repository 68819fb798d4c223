"""How long it is from one moment to another, in a unit and at so many decimals, as people and databases count it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from fixturesynth.profiling.rounding import round_at

__all__ = ["UNITS", "as_written", "elapsed", "raw_elapsed"]

Integers = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

DAY = 86_400_000_000
LONG = 6  # decimals of a number that nobody rounded

# Microseconds of a unit; 0: completed months and years of the calendar, and midnights that were passed.
UNITS: Mapping[str, int] = {
    "days": DAY, "hours": 3_600_000_000, "minutes": 60_000_000, "seconds": 1_000_000, "milliseconds": 1_000,
    "weeks": 7 * DAY, "years": 0, "months": 0, "nights": 0,
}  # fmt: skip


def raw_elapsed(since: Integers, until: Integers, unit: str) -> Floats:
    """From ``since`` to ``until``, microseconds since 1970, (n,), in ``unit``, not rounded; months and years completed.

    >>> born = np.array([np.datetime64("2000-02-29", "us").astype(np.int64)])
    >>> today = np.array([np.datetime64("2021-02-28", "us").astype(np.int64)])
    >>> raw_elapsed(born, today, "years").tolist(), raw_elapsed(born, today, "days").tolist()
    ([20.0], [7670.0])
    """
    if UNITS[unit]:
        found: Floats = (until - since) / UNITS[unit]
        return found
    if unit == "nights":
        return (until // DAY - since // DAY).astype(np.float64)
    (first, inside), (last, place) = _months(since), _months(until)
    months = last - first
    months = months - ((months > 0) & (place < inside)) + ((months < 0) & (place > inside))
    whole = months if unit == "months" else np.sign(months) * (np.abs(months) // 12)
    return whole.astype(np.float64)


def _months(moments: Integers) -> tuple[Integers, Integers]:
    """Months since 1970 and the microseconds in them, (n,) each."""
    stamps = moments.view("datetime64[us]") if moments.flags.c_contiguous else moments.astype("datetime64[us]")
    month = stamps.astype("datetime64[M]")
    return month.astype(np.int64), moments - month.astype("datetime64[us]").astype(np.int64)


def elapsed(since: Integers, until: Integers, parameters: Mapping[str, Any]) -> Floats:
    """As ``raw_elapsed``, times ``sign`` plus ``constant``, at ``decimals`` by ``rounding``; see Invariant."""
    found = raw_elapsed(since, until, parameters["unit"]) * parameters.get("sign", 1) + parameters.get("constant", 0)
    return round_at(found, int(parameters["decimals"]), parameters.get("rounding", "half_even"))


def as_written(made: Floats, wanted: Floats, decimals: int) -> npt.NDArray[np.bool_]:
    """Where both are the same, (n,): also where one was written with ten digits, not with so many decimals."""
    digits = 1e-8 if decimals >= LONG else 1e-9
    with np.errstate(invalid="ignore"):
        found: npt.NDArray[np.bool_] = np.abs(made - wanted) <= np.maximum(digits * np.abs(wanted), 1e-9)
    return found
