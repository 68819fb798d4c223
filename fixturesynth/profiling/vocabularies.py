"""Columns that share a vocabulary: what enough entities say in one of them is no secret in another.

A diagnosis code is rare among the reasons of procedures and common among the conditions. Values that leave the
profile through one column anyway are kept in the columns that take their values from the same list, however few
entities have them there: not one more value leaves.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from fixturesynth.dataset import Dataset
from fixturesynth.profiling.meanings import PERSONAL
from fixturesynth.profiling.profile import ColumnProfile
from fixturesynth.profiling.protection import Protector
from fixturesynth.profiling.texts import code_texts
from fixturesynth.schema.model import Schema, Table

__all__ = ["find_known_numbers", "find_known_values"]

Integers = npt.NDArray[np.int64]

KINDS = ("categorical", "constant", "code", "text", "integer")
NUMBERS = ("integer", "number")
MOST_DISTINCT = 5_000
MOST_NUMBERS = 256
ALIKE = 3  # values in common that make a vocabulary, when they are half of a column's; fewer where names agree too, or
# where a list that is kept word for word has all of the column's
TRUSTED = 0.5


@dataclass(frozen=True)
class _Listed:
    """A column's distinct values as texts, and those of them that are no secret."""

    table: str
    column: str
    text: bool
    values: frozenset[str]
    safe: frozenset[str]
    kept: bool

    @property
    def stem(self) -> str:
        """The name without numbers: status1 and status2 are the same thing twice."""
        return "".join(c for c in self.column.lower() if c.isalpha())


def find_known_values(
    columns: Mapping[str, Mapping[str, ColumnProfile]],
    schema: Schema,
    dataset: Dataset,
    groups: Mapping[str, Integers],
    protection: int,
    kept: frozenset[str] | set[str] = frozenset(),
) -> dict[tuple[str, str], frozenset[str]]:
    """By (table, column): values that too few entities have there, and enough in a column of the same vocabulary.

    ``groups``: root entity of each row, by table; ``kept``: tables that are kept word for word, whose values are no
    secret. Only columns of texts take part as takers, and none that tells who somebody is.
    """
    lists = [
        _list(table, columns[table.name][name], dataset, groups.get(table.name), protection, table.name in kept)
        for table in schema
        if table.name in columns
        for name in columns[table.name]
    ]
    listed = [one for one in lists if one is not None]
    holders: dict[str, list[int]] = {}
    for place, one in enumerate(listed):
        for value in one.values:
            holders.setdefault(value, []).append(place)
    found: dict[tuple[str, str], frozenset[str]] = {}
    for place, one in enumerate(listed):
        if not one.text or one.values <= one.safe or one.table in kept:
            continue
        common: dict[int, int] = {}
        for value in one.values:
            for other in holders[value]:
                if other != place:
                    common[other] = common.get(other, 0) + 1
        alike = [listed[o] for o, count in common.items() if _alike(one, listed[o], count)]
        known = (frozenset[str]().union(*(o.safe for o in alike)) & one.values) - one.safe
        if known:
            found[one.table, one.column] = known
    return found


def find_known_numbers(
    copied: Mapping[tuple[str, str], tuple[str, str]],
    columns: Mapping[str, Mapping[str, ColumnProfile]],
    schema: Schema,
    dataset: Dataset,
    groups: Mapping[str, Integers],
    protection: int,
) -> dict[tuple[str, str], tuple[str, ...]]:
    """By (table, column) of a parent: its numbers, as texts, where enough entities have each of them in a column of the
    children that is ``copied`` from it: the price of a product stands on the orders of many customers.

    ``copied``: by (table, column) the foreign key and its parent's column.
    """
    found: dict[tuple[str, str], tuple[str, ...]] = {}
    for (table, name), (foreign_key, theirs) in copied.items():
        parent = schema[table].foreign_key(foreign_key).parent
        if columns[table][name].kind not in NUMBERS or columns[parent][theirs].distinct > MOST_NUMBERS:
            continue
        texts, asked = (_texts(dataset, t, c) for t, c in ((table, name), (parent, theirs)))
        present = texts.is_valid().to_numpy(zero_copy_only=False)
        coded = code_texts(texts.drop_null(), Protector.of(protection, groups.get(table)).of_rows(present))
        enough = {
            t for t, n in zip(coded.distinct.to_pylist(), coded.supporters.tolist(), strict=True) if n >= protection
        }
        values = set(asked.drop_null().to_pylist())
        if values and values <= enough:
            found[parent, theirs] = tuple(sorted(values))
    return found


def _alike(one: _Listed, other: _Listed, common: int) -> bool:
    whole = other.kept and common == len(one.values)
    return common >= TRUSTED * len(one.values) and (common >= ALIKE or one.stem == other.stem or whole)


def _list(
    table: Table,
    column: ColumnProfile,
    dataset: Dataset,
    groups: Integers | None,
    protection: int,
    kept: bool,
) -> _Listed | None:
    foreign = {c for fk in table.foreign_keys for c in fk.columns}
    keys = {key[0] for key in table.keys if len(key) == 1}
    if column.kind not in KINDS or column.meaning in PERSONAL or column.distinct > MOST_DISTINCT:
        return None
    if column.name in foreign or (not kept and (column.name in keys or column.unique)):
        return None
    values = dataset.arrow(table.name).column(column.name)
    text = pa.types.is_string(values.type) or pa.types.is_large_string(values.type)
    if not text and not (pa.types.is_integer(values.type) and column.kind != "constant"):
        return None
    whole = _texts(dataset, table.name, column.name)
    present = whole.is_valid().to_numpy(zero_copy_only=False)
    protector = Protector.of(protection, groups).of_rows(present)
    coded = code_texts(whole.drop_null(), protector)
    texts = coded.distinct.to_pylist()
    enough = (coded.supporters >= protection).tolist()
    safe = frozenset(texts) if kept else frozenset(t for t, e in zip(texts, enough, strict=True) if e)
    return _Listed(table.name, column.name, text, frozenset(texts), safe, kept)


def _texts(dataset: Dataset, table: str, column: str) -> pa.Array:
    """A column's values as texts, (rows,)."""
    values = dataset.arrow(table).column(column)
    whole = pc.cast(values.combine_chunks() if values.num_chunks else pa.array([], values.type), pa.large_string())
    return pa.concat_arrays(whole.chunks) if isinstance(whole, pa.ChunkedArray) else whole
