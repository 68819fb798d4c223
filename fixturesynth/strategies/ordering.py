"""Columns that must be in order: how far each may go so that those after it still find a value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from fixturesynth.strategies.spans import Grid

__all__ = ["bounded"]

Order = tuple[str, str, bool]


def bounded(spans: Mapping[str, Grid], orders: Sequence[Order], fixed: Mapping[str, int]) -> dict[str, Grid] | None:
    """The spans cut so that whatever is drawn, lower columns first, leaves the higher ones a value; None: impossible.

    ``orders``: (low, high, strict). ``fixed``: columns that have their value, as a place on the axis.
    """
    cut: dict[str, Grid] = dict(spans)
    for _ in range(len(orders) + 1):
        changed = False
        for low, high, strict in orders:
            least = fixed[low] if low in fixed else cut[low].low * cut[low].unit
            most = fixed[high] if high in fixed else cut[high].high * cut[high].unit
            for name, bounds in ((low, (None, most - strict)), (high, (least + strict, None))):
                if name in fixed:
                    if (bounds[0] is not None and fixed[name] < bounds[0]) or (
                        bounds[1] is not None and fixed[name] > bounds[1]
                    ):
                        return None
                    continue
                smaller = cut[name].within(*bounds)
                if smaller is None:
                    return None
                changed |= smaller is not cut[name]
                cut[name] = smaller
        if not changed:
            return cut
    return None if orders else cut
