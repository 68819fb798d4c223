"""A sample of a database in which every reference still finds its row.

Tables hang together in families: each table follows at most one of its foreign keys (its context), so every row
belongs to the family of one root row. Families are picked whole, by a keyed hash of the root's key, until a table of
the tree reaches the limit; then every row that a picked row references is added, upwards until nothing is missing.
"""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from fixturesynth.randomness import hashed
from fixturesynth.schema.model import ForeignKey, Schema, Table

__all__ = ["closed_sample", "identity", "key_columns", "rows_among"]

Mask = npt.NDArray[np.bool_]
Integers = npt.NDArray[np.int64]
Words = npt.NDArray[np.uint64]

FAMILIES = 20  # a foreign key is a context only if at least this many families of average size fit into the limit


def closed_sample(keys: Mapping[str, pa.Table], schema: Schema, limit: int, seed: int) -> dict[str, Mask]:
    """Which rows to keep, shape (rows,) for each table of ``keys``.

    ``keys`` holds at least ``key_columns`` of each table. A table keeps at most ``limit`` rows and, beyond those, the
    rows that others need as parents; a tree of tables that all are within the limit is kept whole.
    """
    references = {
        name: {
            fk.name: rows_among(keys[name], fk.columns, keys[fk.parent], fk.parent_columns)
            for fk in schema[name].foreign_keys
            if fk.parent in keys
        }
        for name in keys
    }
    contexts = _contexts(keys, schema, references, limit)
    own = {name: _key_words(keys[name], identity(keys[name], schema[name]), seed, name) for name in keys}
    while True:
        families, roots = _families(contexts, references, own)
        sampled = {roots[n] for n in keys if len(own[n]) > limit}
        coarse = {roots[n] for n in keys if roots[n] in sampled and _typical(_sizes(families[n])) * FAMILIES > limit}
        cut = [name for name, fk in contexts.items() if fk is not None and fk.parent in coarse]
        if not cut:
            break
        # Families that are too large are split where they begin: the root's children become roots themselves.
        contexts.update(dict.fromkeys(cut))
    picked = {}
    for root in dict.fromkeys(roots.values()):
        members = [name for name in keys if roots[name] == root]
        threshold = _threshold([families[name] for name in members], limit)
        for name in members:
            picked[name] = np.ones(len(families[name]), bool) if threshold is None else families[name] < threshold
    _close(picked, schema, references)
    return picked


def key_columns(schema: Schema, table: Table) -> tuple[str, ...]:
    """The columns that ``closed_sample`` needs of a table: all of them where no key tells its rows apart."""
    unique = [key for key in table.keys if all(not table.column(c).nullable for c in key)]
    if table.primary_key:
        unique.insert(0, table.primary_key.columns)
    if not unique:
        return table.column_names
    wanted = {*unique[0], *(c for fk in table.foreign_keys for c in fk.columns)}
    wanted |= {c for _, fk in schema.children_of(table.name) for c in fk.parent_columns}
    return tuple(c for c in table.column_names if c in wanted)


def identity(keys: pa.Table, table: Table) -> tuple[str, ...]:
    """Columns that tell the rows apart: the first key that is here and without nulls, or () when there is none."""
    for key in table.keys:
        if all(c in keys.column_names and not keys.column(c).null_count for c in key):
            return key
    return ()


def rows_among(
    child: pa.Table | pa.RecordBatch, columns: tuple[str, ...], parent: pa.Table, parent_columns: tuple[str, ...]
) -> Integers:
    """For each row of ``child``, the row of ``parent`` with the same values, -1 where there is none or a null."""
    mine: Integers = np.zeros(child.num_rows, np.int64)
    theirs: Integers = np.zeros(parent.num_rows, np.int64)
    for column, parent_column in zip(columns, parent_columns, strict=True):
        left, right = _comparable(child.column(column), parent.column(parent_column))
        values = pc.unique(right).drop_null()
        codes, parent_codes = _codes(left, values), _codes(right, values)
        mine = np.where((mine < 0) | (codes < 0), -1, mine * (len(values) + 1) + codes)
        theirs = np.where((theirs < 0) | (parent_codes < 0), -1, theirs * (len(values) + 1) + parent_codes)
        # Codes are made dense after each column, so that their product never overflows.
        dense = np.unique(theirs[theirs >= 0])
        mine, theirs = _positions(mine, dense), _positions(theirs, dense)
    first = np.full(int(theirs.max(initial=-1)) + 2, -1, np.int64)
    rows = np.flatnonzero(theirs >= 0)[::-1]
    first[theirs[rows]] = rows
    found: Integers = first[mine]  # -1 picks the last entry, which is -1
    return found


def _positions(codes: Integers, dense: Integers) -> Integers:
    if not len(dense):
        return np.full(len(codes), -1, np.int64)
    at = np.minimum(np.searchsorted(dense, codes), len(dense) - 1)
    return np.where((codes >= 0) & (dense[at] == codes), at, -1).astype(np.int64)


def _codes(values: pa.ChunkedArray, among: pa.Array) -> Integers:
    found = pc.fill_null(pc.index_in(values, value_set=among, skip_nulls=True), -1)
    return np.asarray(found, dtype=np.int64)


def _comparable(left: pa.ChunkedArray, right: pa.ChunkedArray) -> tuple[pa.ChunkedArray, pa.ChunkedArray]:
    """Both of one type: their own when it is the same, else their texts (5 and '5' are one key in SQLite)."""
    if left.type == right.type and not pa.types.is_null(left.type):
        return left, right
    return _texts(left), _texts(right)


def _texts(values: pa.ChunkedArray) -> pa.ChunkedArray:
    return values if pa.types.is_binary(values.type) else values.cast(pa.string()).cast(pa.binary())


def _contexts(
    keys: Mapping[str, pa.Table], schema: Schema, references: Mapping[str, Mapping[str, Integers]], limit: int
) -> dict[str, ForeignKey | None]:
    """Each table's context: of its foreign keys the one to the largest parent, whose families are the finest."""
    contexts: dict[str, ForeignKey | None] = dict.fromkeys(keys)

    def reaches(start: str, goal: str) -> bool:
        while start != goal:
            fk = contexts[start]
            if fk is None:
                return False
            start = fk.parent
        return True

    for name in keys:
        candidates = []
        for fk in schema[name].foreign_keys:
            if fk.parent in keys and fk.parent != name:
                rows = references[name][fk.name]
                counts = np.bincount(rows[rows >= 0], minlength=1)
                if 0 < len(rows) <= 2 * int(counts.sum()) and _typical(counts) * FAMILIES <= limit:
                    candidates.append((keys[fk.parent].num_rows, fk))
        candidates.sort(key=lambda c: -c[0])
        contexts[name] = next((fk for _, fk in candidates if not reaches(fk.parent, name)), None)
    return contexts


def _families(
    contexts: Mapping[str, ForeignKey | None],
    references: Mapping[str, Mapping[str, Integers]],
    own: Mapping[str, Words],
) -> tuple[dict[str, Words], dict[str, str]]:
    """The family of each row, as the word of its root row's key, and the table in which each table's families begin."""
    families: dict[str, Words] = {}
    roots: dict[str, str] = {}
    for name in _parents_first(contexts):
        fk = contexts[name]
        if fk is None:
            families[name], roots[name] = own[name], name
        else:
            rows = references[name][fk.name]
            families[name] = np.where(rows >= 0, families[fk.parent][np.maximum(rows, 0)], own[name])
            roots[name] = roots[fk.parent]
    return families, roots


def _sizes(families: Words) -> Integers:
    return np.unique(families, return_counts=True)[1].astype(np.int64)


def _typical(sizes: Integers) -> float:
    """The size of the family that a row finds itself in, on average: a few large families weigh as they should."""
    return float(np.square(sizes, dtype=np.float64).sum()) / max(int(sizes.sum()), 1)


def _parents_first(contexts: Mapping[str, ForeignKey | None]) -> list[str]:
    order: dict[str, None] = {}
    for name in contexts:
        chain = [name]
        while (fk := contexts[chain[-1]]) is not None and fk.parent not in order:
            chain.append(fk.parent)
        order.update(dict.fromkeys(reversed(chain)))
    return list(order)


def _key_words(keys: pa.Table, columns: tuple[str, ...], seed: int, name: str) -> Words:
    """One word for each row, from its key's values; from its position where there is no key. Shape (rows,)."""
    if not columns:
        return hashed(np.arange(keys.num_rows), seed, "closed sample", name)
    word: Words = np.zeros(keys.num_rows, np.uint64)
    for column in columns:
        values = keys.column(column)
        if pa.types.is_integer(values.type):
            raw = np.asarray(values.cast(pa.int64(), safe=False)).astype(np.uint64)
        else:
            texts = values if pa.types.is_binary(values.type) else values.cast(pa.string())
            raw = pd.util.hash_array(texts.to_numpy().astype(object), categorize=False)
        word = hashed(word ^ raw, seed, "closed sample", name, column)
    return word


def _threshold(families: list[Words], limit: int) -> np.uint64 | None:
    """Families below it are picked: the largest word that keeps every table within the limit, at least one family."""
    large = [words for words in families if len(words) > limit]
    if not large:
        return None
    lowest = max(words.min() for words in large)
    return np.uint64(max(min(int(np.partition(words, limit)[limit]) for words in large), int(lowest) + 1))


def _close(picked: dict[str, Mask], schema: Schema, references: Mapping[str, Mapping[str, Integers]]) -> None:
    """Add what picked rows reference, until nothing is missing."""
    fresh = {name: np.flatnonzero(mask) for name, mask in picked.items()}
    while any(len(rows) for rows in fresh.values()):
        found: dict[str, list[Integers]] = {name: [] for name in picked}
        for name, rows in fresh.items():
            for fk in schema[name].foreign_keys:
                if fk.parent in picked and len(rows):
                    parents = references[name][fk.name][rows]
                    found[fk.parent].append(parents[parents >= 0])
        fresh = {}
        for name, parts in found.items():
            rows = np.unique(np.concatenate(parts)) if parts else np.empty(0, np.int64)
            fresh[name] = rows[~picked[name][rows]]
            picked[name][fresh[name]] = True
