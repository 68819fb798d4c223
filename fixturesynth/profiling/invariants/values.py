"""Columns of one value, and columns that are equal."""

import datetime
import decimal
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from fixturesynth.profiling.columnar import ColumnView, TableView, same_values
from fixturesynth.profiling.invariants.evidence import FEWEST, SURPRISE, surprise_of_agreement
from fixturesynth.profiling.profile import Invariant

__all__ = ["find_constants", "find_equals"]

_LOOK = 50  # rows compared before anything costly is done
_PLAIN = (bool, int, float, str)  # what JSON can say


def find_constants(view: TableView) -> Iterator[Invariant]:
    """One value in at least ``FEWEST`` rows: in fewer it would be somebody's. References follow their parents."""
    for column in view.columns.values():
        support = view.rows - column.nulls
        if column.name in view.references | view.opaque or column.values is None:
            continue
        if column.distinct == 1 and support >= FEWEST:
            value = _plain(column.values[0].as_py())
            if value is not None:
                yield Invariant(
                    "constant", view.table.name, column.name, parameters={"value": value}, support=support
                )  # fmt: skip


def _differ(first: list[Any], second: list[Any]) -> bool:
    return any(a != b for a, b in zip(first, second, strict=True) if a is not None and b is not None)


def _plain(value: Any) -> Any:
    if isinstance(value, (datetime.date, datetime.time)):
        return value.isoformat()
    if isinstance(value, decimal.Decimal):
        return str(value)
    return value if isinstance(value, _PLAIN) else None


def _seen(column: ColumnView, rows: npt.NDArray[np.int64]) -> list[Any]:
    """The column's values in ``rows``, None for NULL; of dates and times the moments, so that a day is its midnight."""
    if column.family == "datetime":
        values = pa.array(column.moments[rows], mask=~column.valid[rows])
    else:
        assert column.values is not None
        values = column.values.take(pa.array(column.codes[rows], mask=~column.valid[rows]))
    found: list[Any] = values.to_pylist()
    return found


def find_equals(view: TableView) -> Iterator[Invariant]:
    """Pairs that agree wherever both are set; the target is the one with more nulls, else the later one."""
    columns = [c for c in view.columns.values() if c.distinct > 1 and c.family != "other"]
    screen = view.sample(2_000)
    everything = np.arange(view.rows)
    first_look = screen[:_LOOK]
    seen = {c.name: _seen(c, first_look) for c in columns if c.values is not None}
    for i, first in enumerate(columns):
        for second in columns[i + 1 :]:
            if first.family != second.family or _differ(seen[first.name], seen[second.name]):
                continue
            for rows in (screen, everything):
                both = rows[first.valid[rows] & second.valid[rows]]
                same = same_values(second, first, both, both)
                if same is None or not same.all():
                    break
            else:
                if both.size < FEWEST or surprise_of_agreement(first, both.size) < SURPRISE:
                    continue
                source, target = (second, first) if first.nulls > second.nulls else (first, second)
                yield Invariant("equal", view.table.name, target.name, (source.name,), support=int(both.size))
