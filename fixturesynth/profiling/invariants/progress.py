"""Categories that only go forward from one sibling to the next: an order is placed, paid, shipped, never back."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from fixturesynth.profiling.columnar import ColumnView
from fixturesynth.profiling.invariants.evidence import FEWEST, SURPRISE
from fixturesynth.profiling.invariants.succession import Line
from fixturesynth.profiling.profile import Invariant
from fixturesynth.profiling.siblings import Siblings

__all__ = ["find_progress"]

Integers = npt.NDArray[np.int64]

MOST_STEPS = 16  # categories of a process
ENOUGH = 8  # families that a step must be seen in


def find_progress(line: Line, taken: set[str]) -> Iterator[Invariant]:
    """Categories of which no two are seen in both orders, and none after one that comes back.

    Steps seen in fewer families than ``ENOUGH`` break no order and are not kept.
    """
    view = line.view
    if not line.groups:
        return
    for target in view.columns.values():
        text = target.family in ("text", "boolean")
        if not text or not 2 <= target.distinct <= MOST_STEPS or target.nulls or target.name in taken:
            continue
        if target.name in view.references or target.name in view.opaque or _ranks(_steps(line.few, target)) is None:
            continue
        steps = _steps(line.whole, target)
        order = _ranks(steps)
        if order is None or not _tells(steps):
            continue
        values = [] if target.values is None else target.values.to_pylist()
        common = np.bincount(target.codes[line.whole.order][line.whole.first], minlength=target.distinct)
        reached = steps.sum(axis=0) + common
        kept = [c for c in order if reached[c] >= ENOUGH]
        if len(kept) < len(order):
            continue
        taken.add(target.name)
        names = [str(values[c]) for c in order]
        place = {c: i for i, c in enumerate(order)}
        allowed = [[place[a], place[b]] for a, b in np.argwhere(steps >= ENOUGH).tolist()]
        starts = [place[c] for c in order if common[c] >= ENOUGH]
        whole = {"first_only": bool((common > 0).sum() == 1), "steps": sorted(allowed), "starts": sorted(starts)}
        sources = tuple(n for n in dict.fromkeys([*line.groups, *line.order]) if n != target.name)
        after = int(np.count_nonzero(~line.whole.first))
        yield Invariant(
            "progress", view.table.name, target.name, sources, None, {"states": names, **whole, **line.named}, after
        )  # fmt: skip


def _steps(line: Siblings, target: ColumnView) -> Integers:
    """How often each category follows each other one, (distinct, distinct): before, after."""
    codes = target.codes[line.order]
    pairs = (codes[:-1] * target.distinct + codes[1:])[~line.first[1:]]
    return np.bincount(pairs, minlength=target.distinct**2).reshape(target.distinct, -1).astype(np.int64)


def _ranks(steps: Integers) -> list[int] | None:
    """The categories so that no step leads back, the most frequent first among equals; None where there is no such
    order."""
    ahead = steps > 0
    np.fill_diagonal(ahead, False)
    left, order = set(range(len(ahead))), []
    while left:
        free = [c for c in left if not any(ahead[b, c] for b in left)]
        if not free:
            return None
        best = max(free, key=lambda c: (int(steps[c].sum()), -c))
        order.append(best)
        left.remove(best)
    return order


def _tells(steps: Integers) -> bool:
    """Whether steps in any direction would surely have led back: of each pair all but one is one half likely."""
    changes = steps.copy()
    np.fill_diagonal(changes, 0)
    seen = changes[changes > 0]
    return bool(changes.sum() >= 3 * FEWEST and (seen - 1).sum() * np.log(2) >= 2 * SURPRISE)
