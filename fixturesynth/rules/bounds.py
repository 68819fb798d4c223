"""Intervals of numbers that a domain leaves free."""

from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Any

__all__ = ["Bounds", "bounds_of", "free_intervals"]


@dataclass(frozen=True)
class Bounds:
    """``low`` to ``high``, both included, to draw from; values may go up to ``highest`` where more are needed."""

    low: Decimal
    high: Decimal
    highest: Decimal


def bounds_of(
    domain: Any, unit: Decimal, limits: tuple[Decimal, Decimal], wanted: tuple[Decimal, Decimal]
) -> Bounds | None:
    """The part of ``wanted`` that a ColumnDomain and the type's ``limits`` allow, on whole units.

    Where they share nothing, or one value of several, as wide an interval as ``wanted`` at the free end nearest to it.
    Of several intervals (holes, excluded values) the one with most of ``wanted`` counts. None: nothing is free.

    >>> bounds_of(None, Decimal(1), (Decimal(0), Decimal(255)), (Decimal(1), Decimal(1000)))
    Bounds(low=Decimal('1'), high=Decimal('255'), highest=Decimal('255'))
    """
    found = [_cut(low, high, wanted) for low, high in free_intervals(domain, unit, limits)]
    if not found:
        return None
    return max(found, key=lambda b: (min(b.high, wanted[1]) - max(b.low, wanted[0]), b.high - b.low))


def _cut(low: Decimal, high: Decimal, wanted: tuple[Decimal, Decimal]) -> Bounds:
    first, last = max(low, wanted[0]), min(high, wanted[1])
    width = wanted[1] - wanted[0]
    if first > last or (first == last and low < high and width > 0):
        first, last = (low, min(high, low + width)) if low >= wanted[1] else (max(low, high - width), high)
    return Bounds(first, last, high)


def free_intervals(domain: Any, unit: Decimal, limits: tuple[Decimal, Decimal]) -> list[tuple[Decimal, Decimal]]:
    """Free intervals on whole units, in ascending order."""
    low, high = _up(limits[0], unit), _down(limits[1], unit)
    if domain is None:
        return [(low, high)]
    if (found := _number(domain.low)) is not None:
        low = max(low, _up(found, unit, open_end=domain.low_open))
    if (found := _number(domain.high)) is not None:
        high = min(high, _down(found, unit, open_end=domain.high_open))
    gaps = []
    for hole in domain.holes:
        start, end = _number(hole.low), _number(hole.high)
        if start is not None and end is not None:
            # An open end of a hole is a value.
            gaps.append((_down(start, unit, open_end=not hole.low_open), _up(end, unit, open_end=not hole.high_open)))
    for value in domain.excluded:
        number = _number(value)
        if number is not None:
            gaps.append((_down(number, unit, open_end=True), _up(number, unit, open_end=True)))
    pieces = []
    for last, following in sorted(gaps):
        pieces.append((low, min(last, high)))
        low = max(low, following)
    pieces.append((low, high))
    return [(a, b) for a, b in pieces if a <= b]


def _number(value: Any) -> Decimal | None:
    if value is None or isinstance(value, bool):
        return None
    try:
        number = Decimal(str(value))
    except ArithmeticError:
        return None
    return number if number.is_finite() else None  # neither NaN nor infinity is made


def _up(value: Decimal, unit: Decimal, *, open_end: bool = False) -> Decimal:
    whole = (value / unit).to_integral_value(ROUND_CEILING) * unit
    return whole + unit if open_end and whole == value else whole


def _down(value: Decimal, unit: Decimal, *, open_end: bool = False) -> Decimal:
    whole = (value / unit).to_integral_value(ROUND_FLOOR) * unit
    return whole - unit if open_end and whole == value else whole
