"""Parts of datetimes, in UTC or on the clocks of a time zone, by integer arithmetic on whole arrays."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from types import MappingProxyType
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

__all__ = ["PARTS", "datepart", "zone_offsets"]

Integers = npt.NDArray[np.int64]

DAY = 86_400_000_000
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_WEEK = 7 * DAY
_FIRST, _LAST = -719_100 * DAY, 2_932_800 * DAY  # years 1 to 9999, all that zoneinfo knows, and a margin


def _civil(moments: Integers) -> tuple[Integers, Integers, Integers]:
    """Year, month and day of the proleptic Gregorian calendar (Howard Hinnant, "chrono-compatible low-level date
    algorithms", 2013)."""
    z = moments // DAY + 719_468
    era = z // 146_097
    doe = z - era * 146_097
    yoe = (doe - doe // 1_460 + doe // 36_524 - doe // 146_096) // 365
    doy = doe - (365 * yoe + yoe // 4 - yoe // 100)
    mp = (5 * doy + 2) // 153
    month = np.where(mp < 10, mp + 3, mp - 9)
    return yoe + era * 400 + (month <= 2), month, doy - (153 * mp + 2) // 5 + 1


def _first_of_year(year: Integers) -> Integers:
    """Days from 1970 to the first of January."""
    before = year - 1
    result: Integers = before * 365 + before // 4 - before // 100 + before // 400 - 719_162
    return result


def _day_of_year(moments: Integers) -> Integers:
    result: Integers = moments // DAY - _first_of_year(_civil(moments)[0]) + 1
    return result


def _iso_week(moments: Integers) -> Integers:
    day = moments // DAY
    thursday = day - (day + 3) % 7 + 3
    result: Integers = (thursday - _first_of_year(_civil(thursday * DAY)[0])) // 7 + 1
    return result


# weekday: Monday 0; isoweekday: Monday 1; sundayweekday: Sunday 0; date: the midnight, in microseconds.
PARTS: Mapping[str, Callable[[Integers], Integers]] = MappingProxyType(
    {
        "year": lambda m: _civil(m)[0],
        "month": lambda m: _civil(m)[1],
        "day": lambda m: _civil(m)[2],
        "hour": lambda m: m % DAY // 3_600_000_000,
        "minute": lambda m: m % 3_600_000_000 // 60_000_000,
        "second": lambda m: m % 60_000_000 // 1_000_000,
        "weekday": lambda m: (m // DAY + 3) % 7,
        "isoweekday": lambda m: (m // DAY + 3) % 7 + 1,
        "sundayweekday": lambda m: (m // DAY + 4) % 7,
        "quarter": lambda m: (_civil(m)[1] + 2) // 3,
        "dayofyear": _day_of_year,
        "week": _iso_week,
        "date": lambda m: m // DAY * DAY,
    }
)


def datepart(moments: Integers, part: str, zone: str | None = None) -> Integers:
    """``part`` (one of ``PARTS``) of microseconds since 1970, on the clocks of ``zone`` (an IANA name; None: as is).

    >>> moment = np.array([1356998400_000_000])  # 2013-01-01T00:00:00
    >>> datepart(moment, "year").tolist(), datepart(moment, "hour", "America/New_York").tolist()
    ([2013], [19])
    """
    local = moments if zone is None else moments + zone_offsets(moments, zone)
    return PARTS[part](local)


def zone_offsets(moments: Integers, zone: str) -> Integers:
    """Microseconds that the clocks of ``zone`` are ahead of UTC at each moment, shape of ``moments``.

    Clocks are looked up at both ends of every week that has a moment, and bisected where the two differ.
    """
    clipped = np.clip(moments, _FIRST, _LAST)
    weeks, place = np.unique(clipped // _WEEK, return_inverse=True)
    found = np.asarray([_week(zone, w) for w in weeks.tolist()], dtype=np.int64).reshape(-1, 3)
    change, before, after = (found[:, i][place] for i in range(3))
    return np.where(clipped < change, before, after)


@lru_cache(maxsize=65_536)
def _week(zone: str, week: int) -> tuple[int, int, int]:
    """When the offset changes in this week since 1970 (its start, if it does not), and the offsets before and after."""
    clock = ZoneInfo(zone)

    def offset(moment: int) -> int:
        local = (EPOCH + timedelta(microseconds=moment)).astimezone(clock).utcoffset() or timedelta()
        return local // timedelta(microseconds=1)

    low, high = week * _WEEK, (week + 1) * _WEEK
    before, after = offset(low), offset(high - 1)
    if before == after:
        return low, before, after
    while high - low > 1_000_000:
        middle = (low + high) // 2 // 1_000_000 * 1_000_000
        low, high = (middle, high) if offset(middle) == before else (low, middle)
    return high, before, after
