"""Which part of the calendar a domain leaves free for moments that are usual elsewhere."""

from datetime import UTC, datetime, timedelta
from typing import Any, Final

from fixturesynth.rules.moments import moment_of
from fixturesynth.schema.predicates import Hole

__all__ = ["window_of"]

_FIRST: Final = datetime.min.replace(tzinfo=UTC)
_LAST: Final = datetime.max.replace(tzinfo=UTC)


def window_of(
    domain: Any, first: datetime, last: datetime, step: timedelta, now: datetime
) -> tuple[datetime, datetime]:
    """The part of ``first`` to ``last`` that the domain leaves free; beside it, as wide, where that is nothing.

    Of several free spans, between holes, the one with most of ``first`` to ``last`` counts.
    """
    parts = [_part(low, high, first, last) for low, high in _spans(domain, step, now)]
    return max(parts, key=lambda part: (min(part[1], last) - max(part[0], first), part[1] - part[0]))


def _part(low: datetime | None, high: datetime | None, first: datetime, last: datetime) -> tuple[datetime, datetime]:
    width = last - first
    if low is not None and low >= last:
        return low, min(_moved(low, width), high or _LAST)
    if high is not None and high <= first:
        return max(_moved(high, -width), low or _FIRST), high
    return max(first, low or first), min(last, high or last)


def _spans(domain: Any, step: timedelta, now: datetime) -> list[tuple[datetime | None, datetime | None]]:
    """What lies between the domain's ends and its holes; None is endless."""

    def edge(value: Any, is_open: bool, inwards: timedelta) -> datetime:
        return _moved(moment_of(str(value), now), inwards if is_open else timedelta())

    start = edge(domain.low, domain.low_open, step) if domain.low is not None else None
    out: list[tuple[datetime | None, datetime | None]] = []
    for hole in sorted((*domain.holes, *(Hole(v, v) for v in domain.excluded)), key=lambda h: str(h.low)):
        # An open end of a hole is a value.
        out.append((start, edge(hole.low, not hole.low_open, -step)))
        after = edge(hole.high, not hole.high_open, step)
        start = after if start is None else max(start, after)
    out.append((start, edge(domain.high, domain.high_open, -step) if domain.high is not None else None))
    return [(a, b) for a, b in out if a is None or b is None or a <= b] or out[-1:]


def _moved(moment: datetime, by: timedelta) -> datetime:
    """So much later, or the end of the calendar.

    >>> _moved(datetime(9999, 12, 31, tzinfo=UTC), timedelta(days=9)).year
    9999
    """
    try:
        return moment + by
    except OverflowError:
        return _LAST if by > timedelta() else _FIRST
