"""Rules for dates, times, timestamps and intervals. Relative bounds count from the pinned ``now``."""

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final

import numpy as np
import pyarrow as pa

from fixturesynth.arrays import array_of, numpy_of
from fixturesynth.rules.buffers import days_of, microseconds_of
from fixturesynth.rules.contract import ColumnContext, Integers, Space, Words
from fixturesynth.rules.grammar import Bits, guide, spread
from fixturesynth.schema.model import ColumnType

__all__ = [
    "MAKERS",
    "dates",
    "earliest",
    "epoch_unit",
    "epochs",
    "intervals",
    "moment_of",
    "times",
    "timestamps",
    "years",
]

_RELATIVE: Final = re.compile(r"now(?:\s*([+-])\s*(\d+)\s*(second|minute|hour|day|week|month|year)s?)?")
_SECONDS: Final = {
    "second": 1, "minute": 60, "hour": 3600, "day": 86_400, "week": 604_800, "month": 2_629_800, "year": 31_557_600,
}  # fmt: skip
# How busy people are by hour of the day; weights of whole hours from 0 to 23.
DAY: Final = (2, 1, 1, 1, 1, 2, 4, 8, 14, 18, 20, 20, 18, 19, 20, 19, 18, 16, 14, 13, 12, 10, 7, 4)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def moment_of(text: str | date | datetime, now: datetime) -> datetime:
    """A bound as written in a spec: ISO 8601, or ``now``, ``now - 2 years``, ``now + 30 days``.

    >>> moment_of("now - 1 day", datetime(2026, 1, 2, tzinfo=UTC)).isoformat()
    '2026-01-01T00:00:00+00:00'
    """
    match = _RELATIVE.fullmatch(str(text).strip())
    if match:
        sign, count, unit = match.groups()
        seconds = int(count) * _SECONDS[unit] if count else 0
        found = now + timedelta(seconds=-seconds if sign == "-" else seconds)
    else:
        found = datetime.fromisoformat(str(text).strip())
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


def _bounds(options: Mapping[str, Any], context: ColumnContext, low: str, high: str) -> tuple[datetime, datetime]:
    first = moment_of(options.get("low", low), context.now)
    last = moment_of(options.get("high", high), context.now)
    if last < first:
        raise ValueError(f"low {first.isoformat()} lies after high {last.isoformat()}")
    return first, last


_TURN: Final = 0x9E3779B97F4A7C15


def earliest(words: Words, size: int, ahead: int) -> Integers:
    """The least of ``ahead`` + 1 draws from 0 to ``size`` - 1: the first of so many moments in a row."""
    out = spread(words, size)
    for turn in range(ahead):
        out = np.minimum(out, spread(words * np.uint64((_TURN * (2 * turn + 3)) % 2**64 | 1), size))
    return out


def _leaning(words: Words, size: int, recent: bool, ahead: int = 0) -> Integers:
    """Uniform, or with a density that rises in time (the later of two draws) or falls (see ``earliest``)."""
    plain = earliest(words, size, ahead)
    return np.maximum(plain, spread(words * np.uint64(_TURN), size)) if recent else plain


def dates(options: Mapping[str, Any], context: ColumnContext) -> Space:
    """Days from ``low`` to ``high``, inclusive; ``recent``: later days are more common.

    ``ahead``: how many moments in a row come after this one, which leaves them room.
    """
    first, last = _bounds(options, context, "now - 2 years", "now")
    start, end = (first - _EPOCH).days, (last - _EPOCH).days
    start += (_EPOCH + timedelta(days=start)) < first and options.get("low") is not None
    size = max(1, end - start + 1)
    recent, ahead = bool(options.get("recent")), int(options.get("ahead", 0))

    def draw(words: Words) -> Integers:
        return _leaning(words, size, recent, ahead)

    return Space(size, lambda indices, given: days_of(indices + start), draw=draw)


def timestamps(options: Mapping[str, Any], context: ColumnContext) -> Space:
    """Moments from ``low`` to ``high``, inclusive, on whole ``step`` microseconds (one second by default).

    ``day``: "human" (default) follows the hours in which people are awake, "even" does not. ``recent``: later days
    are more common. ``ahead``: how many moments in a row come after this one, which leaves them room.
    """
    first, last = _bounds(options, context, "now - 2 years", "now")
    step = max(1, int(options.get("step", 1_000_000)))
    start = -(-((first - _EPOCH) // timedelta(microseconds=1)) // step)
    end = (last - _EPOCH) // timedelta(microseconds=1) // step
    size = max(1, end - start + 1)
    human = options.get("day", "human") == "human" and 86_400_000_000 % step == 0 and step <= 3_600_000_000
    ahead = int(options.get("ahead", 0))
    recent = bool(options.get("recent", human and not ahead))
    by_day, by_hour = 86_400_000_000 // step, 3_600_000_000 // step
    hours = guide(np.array(DAY, np.int64))
    # A moment kept as text is written in whole seconds, which every database reads.
    written = context.type.kind in ("text", "other")
    column = None if written else pa.timestamp("us", tz="UTC" if context.type.timezone else None)

    def draw(words: Words) -> Integers:
        index = _leaning(words, size, recent, ahead)
        if not human:
            return index
        units = index + start
        bits = Bits(words * np.uint64(0xD1342543DE82EF95) ^ words >> np.uint64(21))
        hour = hours[bits.take(16)]
        lively = units - units % by_day + hour * by_hour + units % by_hour
        return np.where((lively >= start) & (lively <= end), lively - start, index)

    def at(indices: Integers, given: Mapping[str, pa.Array]) -> pa.Array:
        micros = (indices + start) * step
        if column is not None:
            return microseconds_of(micros, column)
        return microseconds_of(micros // 1_000_000, pa.timestamp("s")).cast(pa.string())

    return Space(size, at, draw=draw)


def _clock(text: str) -> int:
    moment = time.fromisoformat(text)
    return (moment.hour * 60 + moment.minute) * 60 + moment.second


def times(options: Mapping[str, Any], context: ColumnContext) -> Space:
    """Times of day from ``low`` to ``high`` on whole ``step`` seconds (60 by default), busier by day."""
    step = max(1, int(options.get("step", 60)))
    start, end = _clock(options.get("low", "00:00:00")), _clock(options.get("high", "23:59:59"))
    size = max(1, (end - start) // step + 1)
    whole = guide(np.array(DAY, np.int64)) if start == 0 and end == 86_399 and 3600 % step == 0 else None

    def draw(words: Words) -> Integers:
        if whole is None:
            return spread(words, size)
        bits = Bits(words)
        hour = whole[bits.take(16)]
        return hour * (3600 // step) + spread(bits.take(32) << np.uint64(32), 3600 // step)

    return Space(
        size, lambda indices, given: microseconds_of((indices * step + start) * 1_000_000, pa.time64("us")), draw=draw
    )


def intervals(options: Mapping[str, Any], context: ColumnContext) -> Space:
    """Durations from ``low`` to ``high`` seconds on whole ``step`` seconds (60 by default)."""
    step = max(1, int(options.get("step", 60)))
    start, end = int(options.get("low", 60)), int(options.get("high", 30 * 86_400))
    size = max(1, (end - start) // step + 1)
    return Space(size, lambda indices, given: microseconds_of((indices * step + start) * 1_000_000, pa.duration("us")))


def years(options: Mapping[str, Any], context: ColumnContext) -> Space:
    """Whole years from ``low`` to ``high``, the thirty up to ``now`` by default."""
    low, high = int(options.get("low", context.now.year - 30)), int(options.get("high", context.now.year))
    if high < low:
        raise ValueError(f"{low=} is greater than {high=}")
    return Space(high - low + 1, lambda indices, given: array_of(indices + low))


def epoch_unit(kind: ColumnType, name: str) -> int:
    """In how many parts of a second a whole number counts time: wide ones in thousandths, unless named otherwise.

    >>> epoch_unit(ColumnType("integer", "bigint", bits=64), "created_time")
    1000
    >>> epoch_unit(ColumnType("integer", "integer", bits=32), "created_time")
    1
    """
    words = name.lower()
    wide = kind.bits == 64 and kind.name.lower() != "integer"  # SQLite knows no other width
    if kind.bits is not None and kind.bits < 64:
        return 1
    if re.search(r"(_ms|millis|Ms)$", name) or words.endswith("milliseconds"):
        return 1000
    return 1 if not wide or re.search(r"sec|unix|epoch", words) else 1000


def epochs(options: Mapping[str, Any], context: ColumnContext) -> Space:
    """Moments as whole numbers since 1970, ``unit`` of them a second (1, or 1000); other options as ``timestamps``."""
    unit = int(options.get("unit", 1))
    inner = timestamps(options, replace(context, type=ColumnType("timestamp", "timestamp")))
    low, high = context.type.integer_range
    ends = numpy_of(inner.at(np.array([0, inner.size - 1]), {}).cast(pa.int64())) // 1_000_000 * unit
    if not low <= ends.min() <= ends.max() <= high:
        return replace(inner, size=0)

    def at(indices: Integers, given: Mapping[str, pa.Array]) -> pa.Array:
        micros = numpy_of(inner.at(indices, given).cast(pa.int64()))
        return array_of(micros // (1_000_000 // unit))

    return replace(inner, at=at)


MAKERS = {
    "dates": dates,
    "timestamps": timestamps,
    "epochs": epochs,
    "times": times,
    "intervals": intervals,
    "years": years,
}
