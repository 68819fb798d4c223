"""Rules of order: a <= b in one row, and between a parent and its child."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from fixturesynth.profiling.columnar import ColumnView, TableView
from fixturesynth.profiling.invariants.evidence import FEWEST, SAMPLE, shuffled
from fixturesynth.profiling.profile import Invariant
from fixturesynth.schema.model import ForeignKey

__all__ = ["find_orders", "find_parent_orders", "reduce_orders"]

_VISIBLE = 0.01  # share of rows that must break the rule when one side is shuffled
_NEAR = 0.02  # of their size: how near two numbers must come to each other
_BROKEN = 20  # and at least so many rows
_FEW_MOMENTS, _BROKEN_MOMENTS = 8, 4  # the same of moments: of two in one row mostly one comes first by what they are

Values = npt.NDArray[Any]


def _comparable(a: ColumnView, b: ColumnView) -> bool:
    return a.family == b.family and a.dates_only == b.dates_only and a.zone == b.zone


def _overlap(low: Values, high: Values, broken: int = _BROKEN) -> bool:
    """Whether shuffling would break low <= high visibly: only then does the rule say anything."""
    share = float(np.searchsorted(np.sort(high), low, side="left").mean()) / high.size
    return share >= _VISIBLE and share * low.size >= broken


def _tight(low: Values, high: Values) -> bool:
    """Whether the two come close to each other. Numbers that only keep apart (minutes and miles) obey no rule of order.

    Rows where both are nothing do not count.
    """
    scale = np.maximum(np.abs(low), np.abs(high))
    near = (high - low)[scale > 0] / scale[scale > 0]
    return near.size >= FEWEST and float(np.quantile(near, 0.005)) <= _NEAR


def find_orders(view: TableView) -> Iterator[Invariant]:
    """All orders that hold, not reduced yet."""
    columns = [
        c
        for c in view.columns.values()
        if c.family in ("number", "datetime", "time") and c.distinct > 2 and c.name not in view.surrogates
    ]
    screen = view.sample(2_000)
    for i, a in enumerate(columns):
        for b in columns[i + 1 :]:
            if not _comparable(a, b):
                continue
            for low, high in ((a, b), (b, a)):
                found = _order(low, high, screen)
                if found is not None:
                    strict, support = found
                    yield Invariant(
                        "order", view.table.name, high.name, (low.name,), parameters={"strict": strict}, support=support
                    )


def _order(low: ColumnView, high: ColumnView, screen: npt.NDArray[np.int64]) -> tuple[bool, int] | None:
    x, y = low.ordered, high.ordered
    both = screen[low.valid[screen] & high.valid[screen]]
    if bool((x[both] > y[both]).any()):
        return None
    use = low.valid & high.valid
    x, y = x[use], y[use]
    moments = low.family == "datetime"
    if x.size < (_FEW_MOMENTS if moments else FEWEST) or bool((x > y).any()):
        return None
    if not _overlap(x, y, _BROKEN_MOMENTS if moments else _BROKEN):
        return None
    if low.family == "number" and not _tight(x, y):
        return None
    return bool((x < y).all()), int(x.size)


def find_parent_orders(
    child: TableView, parent: TableView, fk: ForeignKey, at: npt.NDArray[np.int64]
) -> Iterator[Invariant]:
    """Orders of datetimes between parent and child. ``at``: each child row's parent row, -1 for none."""
    theirs = [c for c in parent.columns.values() if c.family == "datetime" and c.distinct > 2]
    ours = [
        c
        for c in child.columns.values()
        if c.family == "datetime" and c.distinct > 2 and c.name not in fk.columns
    ]  # fmt: skip
    rows = np.flatnonzero(at >= 0)
    few = child.sample(SAMPLE)
    few = few[at[few] >= 0]
    for p in theirs:
        for c in ours:
            # A day is where it begins: moments are compared with days too.
            if not _comparable(p, c) and not (p.dates_only and not c.dates_only and c.zone is None):
                continue
            for kind, sign in (("order_parent", 1), ("order_parent_reversed", -1)):
                strict = _holds(p, c, at, few, rows, sign)
                if strict is not None:
                    yield Invariant(
                        kind,  # type: ignore[arg-type]
                        child.table.name,
                        c.name,
                        (p.name,),
                        fk.name,
                        {"strict": strict},
                        int(np.count_nonzero(p.valid[at[rows]] & c.valid[rows])),
                    )


def _holds(
    p: ColumnView,
    c: ColumnView,
    at: npt.NDArray[np.int64],
    few: npt.NDArray[np.int64],
    rows: npt.NDArray[np.int64],
    sign: int,
) -> bool | None:
    """None: it does not hold or says nothing; otherwise whether it is strict."""
    strict = False
    for some in (few, rows):
        use = some[p.valid[at[some]] & c.valid[some]]
        if use.size < FEWEST:
            return None
        low, high = sign * p.moments[at[use]], sign * c.moments[use]
        if bool((low > high).any()):
            return None
        strict = bool((low < high).all())
    # The parents are what is shuffled, each once: a busy parent is one witness.
    once = np.unique(at[use], return_index=True)[1]
    low, high = low[once], high[once]
    turned = shuffled(low.size)
    broken = int(np.count_nonzero(low[turned] > high))
    return strict if broken >= max(_BROKEN / 2, 2 * _VISIBLE * low.size) else None


def reduce_orders(orders: Sequence[Invariant], view: TableView) -> list[Invariant]:
    """Without those that follow from two others: a <= b <= c makes a <= c where b is set whenever both ends are."""
    edges = {(o.sources[0], o.target): o for o in orders}
    edges = {(a, b): o for (a, b), o in edges.items() if (b, a) not in edges}  # both ways: they are equal
    kept = []
    for (low, high), order in edges.items():
        ends = view[low].valid & view[high].valid
        between = [m for (a, m) in edges if a == low and (m, high) in edges]
        implied = any(
            bool(view[m].valid[ends].all())
            and bool(order.parameters["strict"])
            <= (bool(edges[low, m].parameters["strict"]) or bool(edges[m, high].parameters["strict"]))
            for m in between
        )
        if not implied:
            kept.append(order)
    return kept
