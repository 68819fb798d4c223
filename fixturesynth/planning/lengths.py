"""How long texts may be: those that stand in for categories too rare to be stored, and copies of others."""

from bisect import bisect_right
from itertools import accumulate

from fixturesynth.profiling.profile import ColumnProfile
from fixturesynth.schema.model import Column
from fixturesynth.schema.predicates import ColumnDomain

__all__ = ["lengths_of_rare", "longest_text"]


def lengths_of_rare(seen: ColumnProfile) -> list[int]:
    """Quantiles of the characters of the values that are not stored: of all texts, less those of the stored ones.

    >>> column = ColumnProfile("c", "categorical", 20, 0, 9, values=(("abc", 10),), lengths=(3, 3, 3, 6, 7))
    >>> lengths_of_rare(column)
    [3, 6, 6, 7, 7]
    """
    points = len(seen.lengths)
    weights = dict.fromkeys(sorted(set(seen.lengths)), 0)  # in rows, times ``points``
    for length in seen.lengths:
        weights[length] += seen.rows - seen.nulls
    for value, rows in seen.values:
        nearest = min(weights, key=lambda length: abs(length - len(str(value))))
        weights[nearest] = max(weights[nearest] - rows * points, 0)
    total = sum(weights.values())
    if not total:
        return list(seen.lengths)
    ends = list(accumulate(weights.values()))
    return [list(weights)[bisect_right(ends, (2 * k + 1) * total // (2 * points))] for k in range(points)]


def longest_text(column: Column, domain: ColumnDomain | None) -> dict[str, int]:
    """``max_length``, the characters that a text copied from elsewhere may have here, where there is a limit."""
    limits = [n for n in (column.type.length, domain.max_length if domain else None) if n is not None]
    return {"max_length": min(limits)} if limits else {}
