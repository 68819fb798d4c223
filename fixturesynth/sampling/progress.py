"""Categories of a family moved to where a process allows them: forward, by steps that were seen."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from fixturesynth.arrays import array_of, fill_null, numpy_of
from fixturesynth.planning.plan import Succession
from fixturesynth.profiling.siblings import Siblings, line_up
from fixturesynth.sampling.assembly import Assembly

__all__ = ["in_progress"]

Integers = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

ENDLESS = 2**31


def in_progress(assembly: Assembly, item: Succession, columns: Mapping[str, pa.Array]) -> pa.Array | None:
    """The column's values, (rows,), each the nearest one that the sibling before it allows; None where all are.

    A state that leads nowhere waits for the last rows of its family. Values that are no state of the process take no
    part.
    """
    states = list(item.parameters["states"])
    values = columns[item.column]
    rank = fill_null(pc.index_in(pc.cast(values, pa.string()), value_set=array_of(states)), -1)
    ranks = numpy_of(rank).astype(np.int64)
    view = assembly.view(columns, *item.groups, *item.order)
    line = line_up(view, item.groups, item.order, np.flatnonzero(ranks >= 0))
    steps: Flags = np.zeros((len(states), len(states)), dtype=bool)
    for a, b in item.parameters["steps"]:
        steps[a, b] = True
    starts: Flags = np.zeros(len(states), dtype=bool)
    starts[item.parameters["starts"]] = True
    drawn = ranks[line.order]
    made = _walked(line, drawn, steps, starts)
    if (made == drawn).all():
        return None
    out = ranks.copy()
    out[line.order] = made
    # One row of each state lends its value, in the column's own type.
    lender = np.full(len(states), -1, dtype=np.int64)
    lender[ranks[line.order]] = line.order
    if (lender[out[line.order]] < 0).any():
        own = array_of(states).cast(values.type)
        whole = pa.concat_arrays([values, own])
        lender = np.where(lender < 0, len(values) + np.arange(len(states)), lender)
    else:
        whole = values
    index = np.where(out >= 0, lender[np.maximum(out, 0)], np.arange(out.size))
    return whole.take(array_of(index))


def _walked(line: Siblings, drawn: Integers, steps: Flags, starts: Flags) -> Integers:
    """States, (n,) in line: as drawn where the state before allows it and enough can follow, else the nearest."""
    size = len(steps)
    longest = _longest(steps)
    begin = np.flatnonzero(line.first)
    counts = np.diff(np.append(begin, drawn.size))
    remaining = counts[line.family] - line.place - 1
    distance = np.abs(np.arange(size)[:, None] - np.arange(size)[None, :])
    out = drawn.copy()
    by_place = np.argsort(line.place, kind="stable")
    ends = np.searchsorted(line.place[by_place], np.arange(int(counts.max(initial=0)) + 1))
    for place in range(ends.size - 1):
        rows = by_place[ends[place] : ends[place + 1]]
        allowed: Flags = starts[None, :].repeat(rows.size, axis=0) if place == 0 else steps[out[rows - 1]]
        far = allowed & np.greater_equal.outer(-remaining[rows], -longest)
        # Where the family is longer than any way through the process, it goes on as far as it can.
        enough: Flags = np.where(far.any(axis=1, keepdims=True), far, allowed)
        cost = np.where(enough, distance[out[rows]], ENDLESS)
        best = np.argmin(cost, axis=1)
        out[rows] = np.where(enough.any(axis=1), best, out[rows - 1] if place else out[rows])
    return out


def _longest(steps: Flags) -> Integers:
    """How many states can follow each, (states,); ENDLESS where one can stay as it is."""
    size = len(steps)
    longest = np.where(np.diag(steps), ENDLESS, 0).astype(np.int64)
    for _ in range(size):
        after = np.where(steps & ~np.eye(size, dtype=bool), longest[None, :] + 1, 0).max(axis=1, initial=0)
        longest = np.minimum(np.maximum(longest, after), ENDLESS)
    return longest
