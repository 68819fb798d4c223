"""Rules along a foreign key: copies of the parent's columns, and numbering of the children."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from fixturesynth.profiling.columnar import ColumnView, TableView, distinct_codes, joint_codes, same_values
from fixturesynth.profiling.invariants.evidence import FEWEST, SURPRISE, minus_log, surprise_of_agreement
from fixturesynth.profiling.profile import Invariant
from fixturesynth.schema.model import ForeignKey

__all__ = ["find_copies", "find_ordinals"]

Integers = npt.NDArray[np.int64]


_LIKELY = 2.5  # surprise that is enough where the schema itself suggests the rule


def find_copies(child: TableView, parent: TableView, fk: ForeignKey, at: Integers) -> Iterator[Invariant]:
    """Columns that repeat the parent's, NULL where it is NULL. ``at``: each child row's parent row, -1 for none.

    Two ways from a child to one table (a condition's patient, and its encounter's patient) mostly agree by design: a
    few rows bear it out, and the parents that no row refers to are witnesses of how unlikely it is.
    """
    rows = np.flatnonzero(at >= 0)
    if not rows.size:
        return
    if parent.table.repeated_in == child.table.name:
        yield from _repeated(child, parent, fk, at, rows)
        return
    used = np.unique(at[rows])
    few = rows if rows.size <= 2_000 else rows[:: rows.size // 2_000 + 1]
    pairs = dict(zip(fk.columns, fk.parent_columns, strict=True))
    for theirs in parent.columns.values():
        if theirs.distinct < 2 or theirs.family == "boolean":
            continue
        proven = rows.size >= FEWEST and used.size * float(minus_log(_agreement(theirs, used))) >= SURPRISE
        likely = used.size * float(minus_log(theirs.collision)) >= _LIKELY
        for ours in child.columns.values():
            if ours.name in pairs or ours.name in child.identities or ours.family != theirs.family:
                continue
            by_design = likely and _referred(child, ours.name) & _referred(parent, theirs.name)
            if not by_design and (not proven or ours.distinct < 2):
                continue
            if all(
                (same := same_values(ours, theirs, at[some], some)) is not None and same.all() for some in (few, rows)
            ):
                yield Invariant("copy", child.table.name, ours.name, (theirs.name,), fk.name, support=int(rows.size))


def _repeated(child: TableView, parent: TableView, fk: ForeignKey, at: Integers, rows: Integers) -> Iterator[Invariant]:
    """What was set apart from the rows themselves, as far as every one of them has it: no further proof is asked."""
    for name in parent.columns.keys() - set(fk.columns):
        same = same_values(child[name], parent[name], at[rows], rows)
        if same is not None and same.all():
            yield Invariant("copy", child.table.name, name, (name,), fk.name, support=int(rows.size))


def _referred(view: TableView, column: str) -> set[tuple[str, str]]:
    """The (table, column) that a column refers to by itself."""
    return {
        (fk.parent, fk.parent_columns[0])
        for fk in view.table.foreign_keys
        if fk.columns == (column,) and fk.parent != view.table.name
    }


def _agreement(column: ColumnView, used: Integers) -> float:
    """Chance that two of the parents in use agree: every parent is one witness, however many children it has."""
    counts = np.bincount(column.dense[used]).astype(np.float64)
    n = used.size
    return float((counts * (counts - 1)).sum() / (n * (n - 1))) if n > 1 else 1.0


def find_ordinals(child: TableView, fk: ForeignKey) -> list[Invariant]:
    """Integer columns (or texts of plain integers) that number the children of each parent without a gap.

    Of several the first that goes as the rows stand counts them; others that stand in another order, and are in no key,
    are ranks among the children (``ranked``): a place on the grid is not the place at the finish.
    """
    found = list(_numbering(child, fk))
    counting = next((i for i, (_, in_order) in enumerate(found) if in_order), 0)
    return [
        replace(rule, parameters={**rule.parameters, "ranked": True})
        if i != counting and not in_order and rule.target not in child.key_columns and not _follows(child, rule, found)
        else rule
        for i, (rule, in_order) in enumerate(found)
    ]


def _follows(child: TableView, rule: Invariant, found: Sequence[tuple[Invariant, bool]]) -> bool:
    """Whether an earlier one of ``found`` numbers the children alike."""
    before = found[: [other for other, _ in found].index(rule)]
    return any(np.array_equal(child[rule.target].dense, child[other.target].dense) for other, _ in before)


def _numbering(child: TableView, fk: ForeignKey) -> Iterator[tuple[Invariant, bool]]:
    """(rule, whether it goes as the rows stand)."""
    if any(name not in child.columns for name in fk.columns):
        return
    whole = np.ones(child.rows, dtype=bool)
    for name in fk.columns:
        whole &= child[name].valid
    rows = np.flatnonzero(whole)
    if rows.size < FEWEST:
        return
    groups, k = joint_codes([(child[n].codes[rows], child[n].distinct) for n in fk.columns])
    if k == rows.size or k < 2:
        return
    sizes = np.bincount(groups, minlength=k)
    for column in child.columns.values():
        if column.name in child.references or column.distinct < 2 or column.distinct > int(sizes.max()):
            continue
        numbers = _counting(column)
        if numbers is None or not column.valid[rows].all():
            continue
        own = numbers[rows]
        start = int(own.min())
        # In a group of s children numbered without gap or repeat, every number is below s and none comes twice.
        if bool((own - start >= sizes[groups]).any()):
            continue
        if distinct_codes(groups * (int(own.max()) - start + 1) + own - start)[1] < rows.size:
            continue
        if surprise_of_agreement(column, rows.size - k) >= SURPRISE:
            rule = Invariant(
                "ordinal", child.table.name, column.name, (), fk.name, {"start": start}, support=int(rows.size)
            )  # fmt: skip
            standing = np.argsort(groups, kind="stable")
            starts = np.cumsum(sizes) - sizes
            yield rule, bool((own[standing] - start == np.arange(rows.size) - starts[groups[standing]]).all())


def _counting(column: ColumnView) -> Integers | None:
    if column.whole:
        return column.integers
    if column.family == "text" and column.values is not None and column.distinct <= 10_000:
        values = column.values.cast(pa.string())
        if pc.all(pc.match_substring_regex(values, r"^(0|[1-9]\d{0,8})$")).as_py():
            numbers = values.cast(pa.int64()).to_numpy(zero_copy_only=False).astype(np.int64)
            return np.append(numbers, 0)[column.codes]
    return None
