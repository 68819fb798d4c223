"""Rules of missing values: columns that are null together, and nulls that imply others."""

from collections.abc import Iterator

import numpy as np

from fixturesynth.profiling.columnar import ColumnView, TableView
from fixturesynth.profiling.invariants.evidence import FEWEST, SURPRISE, log_choose, minus_log
from fixturesynth.profiling.profile import Invariant

__all__ = ["find_null_rules", "find_presences"]

LARGEST_FLAG = 999


def find_null_rules(view: TableView) -> Iterator[Invariant]:
    """nulls_together as stars around the first column of each group, null_implies reduced transitively."""
    if view.rows < FEWEST:
        return
    groups: dict[bytes, list[ColumnView]] = {}
    for column in view.columns.values():
        if 0 < column.nulls < view.rows:
            groups.setdefault(np.packbits(column.valid).tobytes(), []).append(column)
    for members in groups.values():
        # Chance that two sets of this many rows are the same one.
        if log_choose(view.rows, members[0].nulls) >= SURPRISE:
            first = members[0].name
            for other in members[1:]:
                yield Invariant("nulls_together", view.table.name, other.name, (first,), support=view.rows)
    yield from _implications(view, [members[0] for members in groups.values()])


def find_presences(view: TableView) -> Iterator[Invariant]:
    """Columns of two values that say whether another one has a value: a flag for the row without an end."""
    if view.rows < FEWEST:
        return
    some = [c for c in view.columns.values() if 0 < c.nulls < view.rows]
    for target in view.columns.values():
        plain = target.family in ("boolean", "text", "number") and target.name not in view.references
        if target.distinct != 2 or target.nulls or not plain or target.values is None or target.name in view.opaque:
            continue
        values = target.values.to_pylist()
        if any(not isinstance(v, bool | int | str) or (isinstance(v, int) and abs(v) > LARGEST_FLAG) for v in values):
            continue
        for source in some:
            low, high = (int(target.codes[flags][0]) for flags in (~source.valid, source.valid))
            if low == high or log_choose(view.rows, source.nulls) < SURPRISE:
                continue
            if bool((target.codes == np.where(source.valid, high, low)).all()):
                parameters = {"null": values[low], "set": values[high]}
                yield Invariant(
                    "presence", view.table.name, target.name, (source.name,), None, parameters, view.rows
                )  # fmt: skip
                break


def _implications(view: TableView, columns: list[ColumnView]) -> Iterator[Invariant]:
    columns = sorted(columns, key=lambda c: c.nulls)
    missing = [~c.valid for c in columns]
    n = len(columns)
    implies = np.zeros((n, n), dtype=bool)
    for i in range(n):
        for j in range(i + 1, n):
            share = columns[j].nulls / view.rows
            convincing = columns[i].nulls * float(minus_log(share)) >= SURPRISE and columns[i].nulls < columns[j].nulls
            implies[i, j] = convincing and not bool((missing[i] & ~missing[j]).any())
    direct = implies & ~((implies.astype(np.int64) @ implies.astype(np.int64)) > 0)
    for i, j in np.argwhere(direct):
        yield Invariant(
            "null_implies", view.table.name, columns[j].name, (columns[i].name,), support=columns[i].nulls
        )  # fmt: skip
