"""Functional dependencies and undeclared unique sets.

Most candidates are refuted by agree sets: which columns two neighbouring rows agree on, after sorting by each column
(Papenbrock and Naumann, "A hybrid approach to functional dependency discovery", 2016). The rest are checked on all
rows. A dependency must also be unlikely: within the groups of every smaller determinant, the rows that share the
whole determinant must agree far more often than a shuffle inside those groups would make them.
"""

from collections.abc import Iterator, Sequence
from itertools import combinations

import numpy as np
import numpy.typing as npt

from fixturesynth.profiling.columnar import ColumnView, TableView, joint_codes
from fixturesynth.profiling.invariants.evidence import SURPRISE, minus_log
from fixturesynth.profiling.profile import Invariant

__all__ = ["agree_sets", "find_dependencies", "unique_sets"]

Integers = npt.NDArray[np.int64]
Masks = npt.NDArray[np.uint64]

_LIMIT = 63  # columns, one bit each
_NEIGHBOURS = 400_000  # pairs of rows compared, for all columns together
_WIDEST = {
    2: _LIMIT,
    3: 34,
}  # columns that are combined, those with fewest values first: some 2,000 pairs, 6,000 triples
_MEASURES = 5.0  # rows that a measured value (a moment, an amount) must have on average to determine anything
_GROUP = {1: 2.0, 2: 3.0, 3: 3.0}  # rows that a group must have on average
_OF_PARENT = 1.5  # the same where a parent's rows are told apart by one column more
FEW_DISTANCES, MANY_VALUES = 3, 50  # of so many values at least each distance has to be that of some
_REPEATS = 20  # rows beyond the first of their groups


def agree_sets(columns: Sequence[ColumnView]) -> Masks:
    """Distinct sets of columns (bit i: column i) on which some two rows agree, NULL agreeing with NULL."""
    if not columns or columns[0].rows < 2:
        return np.empty(0, dtype=np.uint64)
    n = columns[0].rows
    found = []
    for column in columns:
        order = np.argsort(column.dense, kind="stable")
        for step in (1, 2):
            same = np.flatnonzero(column.dense[order[:-step]] == column.dense[order[step:]]) if n > step else order[:0]
            same = same[:: max(1, same.size * len(columns) // _NEIGHBOURS)]
            first, second = order[same], order[same + step]
            mask = np.zeros(same.size, dtype=np.uint64)
            for i, other in enumerate(columns):
                mask |= (other.codes[first] == other.codes[second]).astype(np.uint64) << np.uint64(i)
            found.append(np.unique(mask))
    return np.unique(np.concatenate(found))


def _closure(masks: Masks, determinant: int, everything: int) -> int:
    """Columns that no known pair of rows proves to be undetermined."""
    agreeing = masks[(masks & np.uint64(determinant)) == np.uint64(determinant)]
    return int(np.bitwise_and.reduce(agreeing)) if agreeing.size else everything


def find_dependencies(view: TableView) -> Iterator[Invariant]:
    """Minimal determinants of one to three columns, simplest and coarsest first for each target.

    A reference may be determined by another one: each shape of a bus belongs to one route.
    """
    # What an entity settles in all of its rows is copied from it.
    entities = {c for fk in view.table.foreign_keys if fk.repeating for c in fk.columns}
    columns = [
        c
        for c in view.columns.values()
        if c.family != "other" and c.name not in view.opaque | entities and c.classes > 1 and 2 * c.distinct <= c.rows
    ]
    columns = sorted(columns, key=lambda c: c.distinct)[:_LIMIT]
    fixed = view.references | view.identities
    targets = [c.name not in fixed for c in columns]
    alone = {fk.columns[0] for fk in view.table.foreign_keys if len(fk.columns) == 1} - view.identities
    shared = {c for fk in view.table.foreign_keys if len(fk.columns) > 1 for c in fk.columns}
    pointing = [c.name in alone - shared for c in columns]
    masks = agree_sets(columns)
    search = _Search(view, columns, masks)
    singles = search.singles()
    leaders = _leaders(view, columns, singles)
    for i, found in singles.items():
        for t, repeats in found.items():
            if (targets[t] or (pointing[i] and pointing[t])) and leaders[i] == i and leaders[t] in (t, i):
                yield search.report((i,), t, repeats)
    determined = {t: {1 << i for i, found in singles.items() if t in found} for t in range(len(columns))}
    able = [i for i in range(len(columns)) if leaders[i] == i]
    wanted = [t for t in able if targets[t]]
    naming = [i for i in able if _names(columns[i])]
    for size in (2, 3):
        for members in combinations(naming[: _WIDEST[size]], size):
            bits = sum(1 << i for i in members)
            open_targets = [t for t in wanted if t not in members and not any(d & bits == d for d in determined[t])]
            for t, repeats in search.determined_by(members, open_targets).items():
                determined[t].add(bits)
                yield search.report(members, t, repeats)


def _names(column: ColumnView) -> bool:
    """Whether values stand for something that others may depend on, which amounts and moments do not."""
    if column.family == "datetime":
        return column.dates_only
    return column.family != "time" and not (column.family == "number" and column.decimals != 0)


def _leaders(view: TableView, columns: Sequence[ColumnView], singles: dict[int, dict[int, int]]) -> dict[int, int]:
    """For each column the one that stands for all those that determine each other."""
    place = {name: i for i, name in enumerate(view.columns)}

    def rank(i: int) -> tuple[bool, bool, bool, int]:
        column = columns[i]
        key = column.name in view.key_columns or column.name in view.references
        return not key, column.nulls > 0, column.family == "other", place[column.name]

    leaders = {}
    for i in range(len(columns)):
        together = [j for j, found in singles.items() if i in found and j in singles.get(i, {})]
        leaders[i] = min([i, *together], key=rank)
    return leaders


class _Search:
    """The columns of one table while their dependencies are looked for."""

    def __init__(self, view: TableView, columns: Sequence[ColumnView], masks: Masks) -> None:
        self.view, self.columns, self.masks = view, columns, masks
        self.everything = (1 << len(columns)) - 1
        self.screen = view.sample(20_000)
        self.screened = [c.dense[self.screen] for c in columns]

    def singles(self) -> dict[int, dict[int, int]]:
        """For each column what it determines, with the rows that bear witness."""
        return {
            i: self.determined_by((i,), [t for t in range(len(self.columns)) if t != i])
            for i in range(len(self.columns))
        }

    def determined_by(self, members: tuple[int, ...], targets: Sequence[int]) -> dict[int, int]:
        left = _closure(self.masks, sum(1 << i for i in members), self.everything)
        targets = [t for t in targets if left >> t & 1]
        if not targets:
            return {}
        parts = [(self.screened[i], self.columns[i].distinct + 1) for i in members]
        if len(members) > 1:
            groups, k = joint_codes(parts)
            n, whole = self.screen.size, self.view.rows
            # Rows that share a group are rare in a sample of a table whose groups are small.
            if n - k < min(_REPEATS, 1 + n // 100) * (1 if n == whole else 0) or (
                n < whole and (n - k) < 0.25 * n * n / whole * (_GROUP[len(members)] - 1)
            ):
                return {}
            targets = [t for t in targets if _constant_within(groups, k, self.screened[t])]
            if not targets:
                return {}
        groups, k = joint_codes([(self.columns[i].dense, self.columns[i].distinct + 1) for i in members])
        least = _GROUP[len(members)]
        if len(members) == 2 and any(self.columns[i].name in self.view.references for i in members):
            least = _OF_PARENT
        if len(members) == 1 and self.columns[members[0]].family in ("datetime", "time", "number"):
            least = _GROUP[1] if _names(self.columns[members[0]]) else _MEASURES
        if k * least > self.view.rows or self.view.rows - k < _REPEATS:
            return {}
        return {
            t: self.view.rows - k
            for t in targets
            if _constant_within(groups, k, self.columns[t].dense)
            and self._convincing(members, groups, k, t)
            and not (len(members) == 1 and _apart_alike(self.columns[members[0]], self.columns[t], k))
        }

    def _convincing(self, members: tuple[int, ...], groups: Integers, k: int, target: int) -> bool:
        column = self.columns[target]
        extra = np.bincount(groups, minlength=k) - 1  # rows beyond the first of each group
        needed = SURPRISE + 5 * (len(members) - 1)
        if len(members) == 1:
            return float(extra.sum()) * float(minus_log(column.collision)) >= needed
        for smaller in combinations(members, len(members) - 1):
            coarse, m = joint_codes([(self.columns[i].dense, self.columns[i].distinct + 1) for i in smaller])
            agreement = _agreement_within(coarse, m, column)
            owner = np.zeros(k, dtype=np.int64)
            owner[groups] = coarse
            if float((extra * minus_log(agreement[owner])).sum()) < needed:
                return False
        return True

    def report(self, members: tuple[int, ...], target: int, repeats: int) -> Invariant:
        names = sorted((self.columns[i].name for i in members), key=list(self.view.columns).index)
        return Invariant(
            "determines", self.view.table.name, self.columns[target].name, tuple(names), support=repeats
        )  # fmt: skip


def _apart_alike(one: ColumnView, other: ColumnView, values: int) -> bool:
    """Whether two moments are always the same few distances apart: a period's end 30 days after its begin.

    Those are counted from each other, also where no row has been; each of ``values`` by itself would not be.
    """
    if one.family != "datetime" or other.family != "datetime":
        return False
    both = one.valid & other.valid
    return np.unique(other.moments[both] - one.moments[both]).size <= max(FEW_DISTANCES, values // MANY_VALUES)


def _constant_within(groups: Integers, k: int, codes: Integers) -> bool:
    one = np.empty(k, dtype=np.int64)
    one[groups] = codes
    return bool((one[groups] == codes).all())


def _agreement_within(groups: Integers, k: int, column: ColumnView) -> npt.NDArray[np.float64]:
    """For each group the chance that two of its rows agree on the column; shape (k,)."""
    pairs, size = joint_codes([(groups, k), (column.dense, column.distinct + 1)])
    counts = np.bincount(pairs, minlength=size).astype(np.float64)
    owner = np.zeros(size, dtype=np.int64)
    owner[pairs] = groups
    same = np.bincount(owner, weights=counts * (counts - 1), minlength=k)
    sizes = np.bincount(groups, minlength=k).astype(np.float64)
    return same / np.maximum(sizes * (sizes - 1), 1.0)


def unique_sets(view: TableView, most: int = 5) -> tuple[tuple[str, ...], ...]:
    """Undeclared minimal sets of one to three columns without duplicates where a shuffle would make many."""
    if view.rows < 100:
        return ()
    columns = [
        c for c in view.columns.values() if c.values is not None and not c.nulls and c.distinct > 1
    ][:_LIMIT]  # fmt: skip
    declared = [frozenset(key) for key in view.table.keys]
    pairs = view.rows * (view.rows - 1) / 2
    found = [frozenset([c.name]) for c in columns if c.unique]
    told = [c.name for c in columns if c.unique and frozenset([c.name]) not in declared and _crowded(c)]
    result: list[tuple[str, ...]] = [(name,) for name in told]
    columns = _without_twins([c for c in columns if not c.unique and c.family != "other" and c.name not in view.opaque])
    masks = agree_sets(columns)
    for size in (2, 3):
        for members in combinations(range(min(len(columns), _WIDEST[size])), size):
            names = frozenset(columns[i].name for i in members)
            bits = np.uint64(sum(1 << i for i in members))
            expected = pairs * float(np.prod([columns[i].collision for i in members]))
            if expected < SURPRISE or bool(((masks & bits) == bits).any()):
                continue
            if any(names >= other for other in (*declared, *found)):
                continue
            if joint_codes([(columns[i].codes, columns[i].distinct) for i in members])[1] == view.rows:
                found.append(names)
                if not _all_needed([columns[i] for i in members]):
                    continue
                result.append(tuple(columns[i].name for i in members))
                if len(result) >= most:
                    return tuple(result)
    return tuple(result[:most])


def _all_needed(columns: Sequence[ColumnView]) -> bool:
    """Whether a shuffle of any one column would make many duplicates: the others must have many of their own."""
    for column in columns:
        rest = [(c.codes, c.distinct) for c in columns if c is not column]
        sizes = np.bincount(joint_codes(rest)[0]).astype(np.float64)
        if float((sizes * (sizes - 1)).sum()) / 2 * column.collision < SURPRISE:
            return False
    return True


def _without_twins(columns: Sequence[ColumnView]) -> list[ColumnView]:
    """Of columns that name each other one for one, the first."""
    kept: list[ColumnView] = []
    for c in columns:
        rivals = (o for o in kept if o.distinct == c.distinct)
        if not any(joint_codes([(o.codes, o.distinct), (c.codes, c.distinct)])[1] == c.distinct for o in rivals):
            kept.append(c)
    return kept


def _crowded(column: ColumnView) -> bool:
    """Whole numbers without a repeat although they lie so close that chance would repeat some."""
    if column.family != "number" or column.decimals != 0:
        return False
    width = float(np.ptp(column.numbers)) + 1
    return column.rows * (column.rows - 1) / 2 / width >= SURPRISE
