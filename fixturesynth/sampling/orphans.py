"""Rows without a parent where nearly all have one: they are drawn in the families of others, of which they come last.

So they have all that such rows have, and what they have from a parent's row hangs together. Their reference is NULL.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from fixturesynth.planning.plan import ReferencePlan
from fixturesynth.randomness import below, hashed
from fixturesynth.schema.model import Table

__all__ = ["adopted", "orphans_of"]

Integers = npt.NDArray[np.int64]


def orphans_of(reference: ReferencePlan, table: Table, rows: int) -> int:
    """How many of ``rows`` have no parent by the context reference: none where it must be set."""
    free = any(table.column(c).nullable for c in table.foreign_key(reference.foreign_key).columns)
    return round(rows * reference.null_share) if free else 0


def adopted(degrees: Integers, few: int, seed: int, *address: str) -> Integers:
    """Children of every parent, (parents,), with ``few`` more, in families that have any if one has.

    >>> adopted(np.array([0, 5, 0, 3]), 2, 1, "orders", "customer").sum()
    np.int64(10)
    """
    if not few:
        return degrees
    ends = np.cumsum(degrees)
    if not ends[-1]:
        ends = np.arange(1, degrees.size + 1)
    rows = below(hashed(np.arange(few), seed, *address, "orphans"), int(ends[-1]))
    homes = np.searchsorted(ends, rows, side="right")
    out: Integers = degrees + np.bincount(homes, minlength=degrees.size)
    return out
