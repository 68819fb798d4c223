"""Conditions on the present: ``expires > now() + interval '1 day'``.

Rows are made to hold whenever they are loaded: what lies before now lies before the plan's pinned moment, and what
lies after now lies after the last day for which rows are promised.
"""

import re
from datetime import datetime, timedelta
from typing import Any

from sqlglot import exp

from fixturesynth.schema.predicates.domains import NotUnderstood
from fixturesynth.schema.predicates.parsing import fold

__all__ = ["YEARS", "asks_for_now", "edges_of", "interval_of", "relative_to"]

YEARS = 10  # for which what must lie after now still does, counted from the plan's moment
_MARGIN = timedelta(days=1)  # clocks of other zones

_NOW_CLASSES = (exp.CurrentTimestamp, exp.CurrentDate, exp.CurrentDatetime, exp.Localtimestamp)
_NOW_NAMES = frozenset(
    {"now", "statement_timestamp", "transaction_timestamp", "clock_timestamp", "localtimestamp", "getdate",
     "utc_timestamp", "sysdate"}
)  # fmt: skip
_UNITS = {
    "microsecond": (0, 1e-6), "second": (0, 1), "sec": (0, 1), "minute": (0, 60), "min": (0, 60), "hour": (0, 3600),
    "day": (0, 86_400), "week": (0, 604_800), "month": (1, 0), "mon": (1, 0), "quarter": (3, 0), "year": (12, 0),
    "decade": (120, 0), "century": (1200, 0),
}  # fmt: skip
_CLOCK = re.compile(r"([+-]?)(\d+):(\d\d)(?::(\d\d(?:\.\d+)?))?")


def asks_for_now(node: exp.Expression) -> bool:
    """Whether the condition depends on when it is asked."""
    return any(_is_now(n) for n in node.walk())


def _is_now(node: Any) -> bool:
    return isinstance(node, _NOW_CLASSES) or (isinstance(node, exp.Anonymous) and str(node.this).lower() in _NOW_NAMES)


def edges_of(now: str) -> tuple[datetime, datetime]:
    """The first and the last moment at which rows of a plan pinned to ``now`` are loaded."""
    pinned = datetime.fromisoformat(now).replace(tzinfo=None)
    return pinned - _MARGIN, _later(pinned, 12 * YEARS) + _MARGIN


def relative_to(node: exp.Expression, present: datetime) -> datetime:
    """The value of an expression made of the present and intervals; NotUnderstood for any other."""
    if _is_now(node):
        return present.replace(hour=0, minute=0, second=0, microsecond=0) if _is_day(node) else present
    if isinstance(node, (exp.Paren, exp.Cast, exp.Date, exp.TsOrDsToDate, exp.AtTimeZone)):
        return relative_to(node.this, present)
    if isinstance(node, exp.Anonymous) and str(node.this).lower() == "timezone":
        return relative_to(node.expressions[-1], present)
    if isinstance(node, (exp.Add, exp.Sub, exp.DateAdd, exp.DateSub, exp.TsOrDsAdd)):
        months, span = interval_of(node.expression)
        back = isinstance(node, (exp.Sub, exp.DateSub))
        base = relative_to(node.this, present)
        return _later(base, -months if back else months) + (-span if back else span)
    raise NotUnderstood(f"{node.sql()!r} is no moment that follows from now")


def _is_day(node: exp.Expression) -> bool:
    return isinstance(node, exp.CurrentDate)


def interval_of(node: exp.Expression) -> tuple[int, timedelta]:
    """(months, the rest) of a constant interval, or of a number of days; NotUnderstood for any other.

    >>> interval_of(exp.cast(exp.Literal.string("1 year 02:30:00"), "interval"))
    (12, datetime.timedelta(seconds=9000))
    """
    if isinstance(node, exp.Paren):
        return interval_of(node.this)
    if isinstance(node, exp.Cast):
        return _written_interval(str(fold(node.this)))
    if isinstance(node, exp.Interval):
        unit = node.args.get("unit")
        return _written_interval(f"{fold(node.this)} {unit.name}" if unit is not None else str(fold(node.this)))
    value = fold(node)
    if isinstance(value, int):
        return 0, timedelta(days=value)
    raise NotUnderstood(f"{node.sql()!r} is no interval")


def _written_interval(text: str) -> tuple[int, timedelta]:
    months, seconds = 0.0, 0.0
    words = text.lower().split()
    while words:
        word = words.pop(0)
        clock = _CLOCK.fullmatch(word)
        if clock:
            part = int(clock[2]) * 3600 + int(clock[3]) * 60 + float(clock[4] or 0)
            seconds += -part if clock[1] == "-" else part
            continue
        unit = words.pop(0).rstrip("s,") if words else "second"
        try:
            amount = float(word)
        except ValueError:
            raise NotUnderstood(f"the interval {text!r} is not known") from None
        if unit not in _UNITS:
            raise NotUnderstood(f"the interval {text!r} is not known")
        months += amount * _UNITS[unit][0]
        seconds += amount * _UNITS[unit][1]
    return round(months), timedelta(seconds=seconds)


def _later(moment: datetime, months: int) -> datetime:
    """So many months on, on the same day of the month or the last one there is."""
    count = moment.year * 12 + moment.month - 1 + months
    year, month = divmod(count, 12)
    for day in range(moment.day, 27, -1):
        try:
            return moment.replace(year=year, month=month + 1, day=day)
        except ValueError:
            continue
    return moment.replace(year=year, month=month + 1, day=min(moment.day, 28))
