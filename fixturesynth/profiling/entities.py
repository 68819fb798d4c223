"""Entities that have no table of their own: an order's number on each of its lines, beside its date and its customer.

A column whose values repeat, and that settles several others which nothing else settles, names such an entity. It
becomes a table (``Table.repeated_in``) that the rows reference, so that all rows of one agree, and each has as many
rows as real ones have. What nearly all rows of one agree in goes with it, as a value that its rows mostly have.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from fixturesynth.arrays import array_of
from fixturesynth.dataset import Dataset
from fixturesynth.profiling.columnar import ColumnView, TableView, joint_codes, view_table
from fixturesynth.profiling.datasets import profile_dataset
from fixturesynth.profiling.invariants.evidence import FEWEST, SURPRISE, minus_log
from fixturesynth.profiling.profile import Profile
from fixturesynth.profiling.semantics import MEANINGS, PERSONAL, entity_of, guess_meaning, words_of
from fixturesynth.schema.ledgers import is_ledger
from fixturesynth.schema.model import Column, PrimaryKey, Schema, Table
from fixturesynth.schema.repeated import with_repeated

__all__ = ["find_entities", "gather", "profile_with_entities"]

Progress = Callable[[str, int, int], None]
Integers = npt.NDArray[np.int64]

FEWEST_ENTITIES = 50
LEAST_ROWS = 1.3  # of an entity, on average
MOST_NULLS = 0.05  # of the rows, which belong to none
LONGEST = 60  # characters of what names an entity
SHARED = 7  # rows that share a text which is kept as it is; most rows with such ones: a category
RICH = 50  # values of a column, equally frequent, that is evidence enough alone
ALMOST = 0.9  # of the rows of entities with several have what most rows of theirs have

NAMING = frozenset(("id", "no", "nr", "num", "number", "nbr", "key", "ref", "reference", "uid", "uuid", "guid"))
KINDS = ("integer", "text", "uuid", "decimal")
# What names places, times, kinds and measures is a list that rows choose from.
LISTED = frozenset((
    "city", "county", "district", "state", "state_code", "region", "postal_code", "country", "country_code",
    "continent", "nationality", "language", "language_code", "currency", "currency_code", "timezone", "category",
    "genre", "status", "type", "color", "gender", "department", "job_title", "industry", "level", "age",
))  # fmt: skip
GROUPS = frozenset(("time", "measures"))


@dataclass(frozen=True)
class _Found:
    key: str
    settled: tuple[str, ...]  # columns that are the same in all rows of an entity
    mostly: tuple[str, ...]  # ... in nearly all
    entities: int


def profile_with_entities(
    schema: Schema, dataset: Dataset, left_alone: Callable[[str], Collection[str] | None], *, seed: int,
    protection: int, progress: Progress,
) -> tuple[tuple[Table, ...], Dataset, Profile]:  # fmt: skip
    """Entities that rows repeat, the rows with theirs, and the profile of all (``profile_dataset``).

    ``left_alone``: as for ``find_entities``. Lists of the world are kept as they are, whatever they repeat.
    """
    entities, whole = find_entities(schema, dataset, left_alone)
    profile = profile_dataset(
        whole, with_repeated(schema, entities), seed=seed, protection=protection, progress=progress
    )
    listed = {name for name, table in profile.tables.items() if table.reference}
    if any(e.repeated_in in listed for e in entities):
        barred: Callable[[str], Collection[str] | None] = lambda t: None if t in listed else left_alone(t)  # noqa: E731
        entities, whole = find_entities(schema, dataset, barred)
        again = with_repeated(schema, entities)
        profile = profile_dataset(whole, again, seed=seed, protection=protection, progress=progress)
    return entities, whole, profile


def find_entities(
    schema: Schema, dataset: Dataset, left_alone: Callable[[str], Collection[str] | None] = lambda table: ()
) -> tuple[tuple[Table, ...], Dataset]:
    """Entities that rows repeat, one a table at most, as tables for ``schema.repeated.with_repeated``, with their rows.

    ``left_alone(table)``: columns that stay with their rows; None where nothing is looked for in the table. Where one
    of them names an entity, it is none.
    """
    found: list[Table] = []
    for table in schema:
        kept = left_alone(table.name) if table.name in dataset else None
        if kept is None or table.partition_of is not None or is_ledger(table):
            continue
        entity = _find(view_table(table, dataset.arrow(table.name)), frozenset(kept))
        if entity is None:
            continue
        made = _as_table(table, entity, {*schema.names, *dataset})
        dataset = Dataset(
            {**{n: dataset.arrow(n) for n in dataset}, made.name: gather(made, dataset.arrow(table.name))}
        )
        found.append(made)
    return tuple(found), dataset


def gather(entity: Table, rows: pa.Table) -> pa.Table:
    """One row for each entity that ``rows`` repeat, in the order in which they come: of each column what most rows of
    it have, the first of several."""
    assert entity.primary_key is not None
    groups = _codes(rows.column(entity.primary_key.columns[0]))
    present = np.flatnonzero(groups >= 0)
    columns = {}
    for name in entity.column_names:
        values = _codes(rows.column(name)) + 1
        columns[name] = rows.column(name).take(array_of(present[_commonest(groups[present], values[present])]))
    return pa.table(columns)


def _codes(column: pa.ChunkedArray) -> Integers:
    """Numbers of the values in order of appearance, -1 for NULL, (rows,)."""
    whole = column.combine_chunks()
    array = pa.concat_arrays(whole.chunks) if isinstance(whole, pa.ChunkedArray) else whole
    if pa.types.is_dictionary(array.type):
        array = array.cast(array.type.value_type)
    return np.asarray(pc.fill_null(array.dictionary_encode().indices, -1)).astype(np.int64)


def _commonest(groups: Integers, values: Integers) -> Integers:
    """For each group from 0 the first row with the value that most of its rows have, (groups,)."""
    pairs, _ = joint_codes([(groups, int(groups.max(initial=-1)) + 1), (values, int(values.max(initial=-1)) + 1)])
    sizes = np.bincount(pairs)
    _, firsts = np.unique(pairs, return_index=True)
    order = np.lexsort((firsts, -sizes[pairs[firsts]], groups[firsts]))
    best = firsts[order]
    return best[np.unique(groups[best], return_index=True)[1]]


def _as_table(table: Table, entity: _Found, taken: Collection[str]) -> Table:
    names = {entity.key, *entity.settled, *entity.mostly}
    columns = tuple(
        replace(c, default=None, comment=None, nullable=c.nullable and c.name != entity.key)
        for c in table.columns if c.name in names
    )  # fmt: skip
    name = f"{table.name} per {entity.key}"
    while name in taken:
        name += "_"
    certain = names - {*entity.mostly}
    return Table(
        name,
        columns,
        primary_key=PrimaryKey((entity.key,)),
        foreign_keys=tuple(fk for fk in table.foreign_keys if set(fk.columns) <= certain),
        checks=tuple(c for c in table.checks if c.columns and set(c.columns) <= certain),
        repeated_in=table.name,
    )


def _find(view: TableView, kept: frozenset[str]) -> _Found | None:
    if view.rows < FEWEST_ENTITIES * LEAST_ROWS:
        return None
    above = _Search(view).by_references()
    found = []
    for key in view.columns.values():
        if _may_name(view, key) and key.name not in above and not _goes_with_a_parent(view, key):
            settled, evident = _Search(view).settled(key, above)
            if evident:
                found.append((_Found(key.name, tuple(settled), (), key.distinct), len(evident)))
    if not found:
        return None
    best, _ = min(found, key=lambda one: (-len(one[0].settled), one[0].entities))
    certain = tuple(c for c in best.settled if c not in kept)
    if best.key in kept or not certain:
        return None
    mostly = tuple(c for c in _Search(view).mostly(view[best.key], above) if c not in {*certain, *kept})
    return replace(best, settled=certain, mostly=mostly)


def _may_name(view: TableView, column: ColumnView) -> bool:
    """Whether values are of a kind that names things, each of which has a few rows."""
    declared = view.table.column(column.name)
    if column.name in view.references | view.identities or not _is_plain(declared) or declared.type.kind not in KINDS:
        return False
    filled = column.rows - column.nulls
    if column.nulls > MOST_NULLS * column.rows or column.distinct < FEWEST_ENTITIES:
        return False
    if filled < LEAST_ROWS * column.distinct or filled - column.distinct < FEWEST:
        return False
    meaning = guess_meaning(view.table.name, declared, None)
    if meaning in LISTED or (meaning in MEANINGS and MEANINGS[meaning].group in GROUPS):
        return False
    if column.family == "number":
        return column.decimals == 0 and _says_so(column.name)
    return column.family == "text" and column.values is not None and _are_names(column, meaning in PERSONAL)


def _says_so(name: str) -> bool:
    """Whether a column is called after the number of something, or after a thing."""
    words = words_of(name)
    return bool(NAMING & set(words)) or entity_of(words[-1:]) is not None


def _are_names(column: ColumnView, personal: bool) -> bool:
    """Whether short texts name things: numbers of something, or so many that hardly any could be kept as it is."""
    texts = column.values.cast(pa.large_string()) if column.values is not None else pa.array([], pa.large_string())
    if pc.quantile(pc.utf8_length(texts), q=0.9)[0].as_py() > LONGEST:
        return False
    numbered = pc.mean(pc.match_substring_regex(texts, r"\d\D*\d|^\D{0,4}\d").cast(pa.float64())).as_py()
    counts = column.counts[: column.distinct]
    shared = float(counts[counts >= SHARED].sum()) / max(int(counts.sum()), 1)
    return personal or (numbered >= 0.9 and _says_so(column.name)) or shared < 0.5


def _goes_with_a_parent(view: TableView, key: ColumnView) -> bool:
    """Whether nearly all rows of a parent have one value: it is the parent's own, where an order mostly goes."""
    for fk in view.table.foreign_keys:
        if all(c in view.columns for c in fk.columns):
            rows = np.flatnonzero(np.all([key.valid, *(view[c].valid for c in fk.columns)], axis=0))
            parents, size = joint_codes([(view[c].codes[rows], view[c].distinct) for c in fk.columns])
            if rows.size - size >= FEWEST and _in_common(parents, key.codes[rows], size) >= ALMOST * rows.size:
                return True
    return False


def _in_common(groups: Integers, values: Integers, size: int) -> int:
    """How many rows have the value that most rows of their group have; ``size``: number of groups."""
    pairs, kinds = joint_codes([(groups, size), (values, int(values.max(initial=0)) + 1)])
    owner = np.zeros(kinds, dtype=np.int64)
    owner[pairs] = groups
    most = np.zeros(size, dtype=np.int64)
    np.maximum.at(most, owner, np.bincount(pairs, minlength=kinds))
    return int(most.sum())


def _in_order(key: ColumnView, other: ColumnView) -> bool:
    """Whether numbers or moments, of which each value of ``key`` has one of its own, ascend or descend with it."""
    if other.family not in ("number", "datetime", "time") or key.values is None:
        return False
    rows = np.flatnonzero(key.valid & other.valid)
    place = np.empty(key.distinct, dtype=np.int64)
    place[np.asarray(pc.sort_indices(key.values))] = np.arange(key.distinct)
    values = other.ordered[rows[np.argsort(place[key.codes[rows]], kind="stable")]]
    return bool((values[1:] >= values[:-1]).all() or (values[1:] <= values[:-1]).all())


def _is_plain(column: Column) -> bool:
    return column.generated is None and column.identity is None and not column.autoincrement


class _Search:
    """What columns settle, in the rows of one table."""

    def __init__(self, view: TableView) -> None:
        self.view = view
        unique = {c for key in view.table.keys for c in key} | {c for u in view.table.uniques for c in u.columns}
        unique |= {name for e in view.table.exclusions for name in view.columns if name in e.text}
        own = {c for fk in view.table.foreign_keys if fk.parent == view.table.name for c in fk.columns}
        self.columns = [
            c
            for c in view.columns.values()
            if c.values is not None and c.classes > 1 and _is_plain(view.table.column(c.name))
        ]
        self.barred = unique | own | {c.name for c in view.columns.values() if c.unique}

    def by_references(self) -> frozenset[str]:
        """Columns, references not among them, that a parent which the rows name already settles."""
        found: set[str] = set()
        for fk in self.view.table.foreign_keys:
            if all(c in self.view.columns for c in fk.columns):
                parts = [self.view[c] for c in fk.columns]
                rows = np.flatnonzero(np.all([c.valid for c in parts], axis=0))
                groups, size = joint_codes([(c.codes[rows], c.distinct) for c in parts])
                order = np.argsort(groups, kind="stable")
                found |= {
                    c.name
                    for c in self.columns
                    if c.name not in self.view.references
                    and self._same(groups[order], c.dense[rows][order])
                    and self._surprise(c, rows.size - size) >= SURPRISE
                }
        return frozenset(found)

    @staticmethod
    def _same(groups: Integers, values: Integers) -> bool:
        """Whether rows, side by side in groups, agree in each group."""
        first = slice(0, 2_000)
        for part in (first, slice(None)):
            g, v = groups[part], values[part]
            if bool(((g[1:] == g[:-1]) & (v[1:] != v[:-1])).any()):
                return False
        return True

    @staticmethod
    def _surprise(column: ColumnView, extra: int) -> float:
        return extra * float(minus_log(column.collision))

    def settled(self, key: ColumnView, above: frozenset[str]) -> tuple[list[str], list[str]]:
        """Columns that are the same in all rows of each value of ``key``, and those of them that are evidence."""
        view = self.view
        rows = np.flatnonzero(key.valid)
        order = rows[np.argsort(key.codes[rows], kind="stable")]
        groups = key.codes[order]
        orphans = ~key.valid
        same = [
            c for c in self.columns
            if c.name != key.name and c.name not in above and not bool(c.valid[orphans].any())
            and self._same(groups, c.dense[order])
        ]  # fmt: skip
        rest = {c.name for c in self.columns} - {c.name for c in same} - view.surrogates - above - {key.name}
        if not rest:
            return [], []  # nothing differs from row to row: the rows themselves come again
        in_sets = [set(s) for s in (*view.table.keys, *(u.columns for u in view.table.uniques))]
        able = [c for c in same if all(key.name in s for s in in_sets if c.name in s)]
        able = [c for c in able if c.name not in self.barred or c.name in {n for s in in_sets for n in s}]
        whole = {c.name for c in able}
        whole -= {n for fk in view.table.foreign_keys if not set(fk.columns) <= whole for n in fk.columns}
        whole -= {n for fk in view.table.foreign_keys if fk.parent == view.table.name for n in fk.columns}
        able = [c for c in able if c.name in whole]
        extra = rows.size - key.distinct
        evident = [c for c in able if self._surprise(c, extra) >= SURPRISE]
        return [c.name for c in able], self._independent(key, evident)

    def _independent(self, key: ColumnView, evident: list[ColumnView]) -> list[str]:
        """Those of ``evident`` that follow from no other one, where they are enough to tell that something is named."""
        # A date for each one, in the same order, is another way to write it.
        evident = [c for c in evident if c.family == "text" or not self._names(c, key) or not _in_order(key, c)]
        first: list[ColumnView] = []
        for column in sorted(evident, key=lambda c: -c.distinct):
            if not any(self._names(other, column) for other in first):
                first.append(column)
        rich = [c for c in first if c.collision <= 1 / RICH]
        return [c.name for c in first] if len(first) > 1 or rich else []

    def _names(self, one: ColumnView, other: ColumnView) -> bool:
        """Whether a value of ``one`` has one of ``other`` in all rows, though it has several rows."""
        pairs = joint_codes([(one.dense, one.distinct + 1), (other.dense, other.distinct + 1)])[1]
        return pairs == one.classes

    def mostly(self, key: ColumnView, above: frozenset[str]) -> list[str]:
        """Texts that nearly all rows of a value of ``key`` agree in, beyond what chance gives."""
        rows = np.flatnonzero(key.valid)
        sizes = np.bincount(key.codes[rows], minlength=key.distinct)
        several = rows[sizes[key.codes[rows]] > 1]
        bound = {n for c in self.view.table.checks for n in c.columns} | self.view.references | self.barred | above
        found = []
        for column in self.columns:
            text = column.family == "text" and self.view.table.column(column.name).type.kind == "text"
            if not text or column.name in bound or column.name == key.name or column.distinct < 2:
                continue
            common = _in_common(key.codes[several], column.dense[several], key.distinct)
            share = common / max(several.size, 1)
            if share >= ALMOST and 1 - share <= (1 - column.collision) * (1 - ALMOST) * 2:
                found.append(column.name)
        return found
