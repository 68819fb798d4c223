"""Rows that are one of several kinds, each with a table of its own (joined inheritance): none is two at once, and the
column that tells kinds apart says which it is."""

from __future__ import annotations

from collections.abc import Collection, Mapping, MutableMapping

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from fixturesynth.arrays import array_of
from fixturesynth.planning.plan import Plan
from fixturesynth.randomness import below, hashed
from fixturesynth.sampling.assembly import Made
from fixturesynth.schema.model import Schema, Table

__all__ = ["settle_subtypes", "with_rows_of_no_other"]

Mask = npt.NDArray[np.bool_]


def with_rows_of_no_other(
    schema: Schema, table: Table, made: Mapping[str, Made], permitted: Mapping[str, Mask]
) -> dict[str, Mask]:
    """``permitted`` parents by foreign key, without those that are rows of another subtype already."""
    out, up = dict(permitted), table.inherited
    if up is None:
        return out
    free = np.ones(made[up.parent].rows, dtype=bool)
    for other, fk in schema.children_of(up.parent):
        if other.inherited == fk and other.name in made and fk.name in made[other.name].ranks:
            taken = made[other.name].ranks[fk.name]
            free[taken[taken >= 0]] = False
    out[up.name] = out[up.name] & free if up.name in out else free
    return out


def settle_subtypes(
    schema: Schema, plan: Plan, made: MutableMapping[str, Made], seed: int, given: Collection[tuple[str, str]]
) -> None:
    """Lets the rows of ``made`` say what they are. ``given``: columns, by table, whose values were asked for."""
    kinds = {t.name: kind for t in plan.tables if (kind := schema[t.name].subtype) is not None and t.name in made}
    for top, kind in kinds.items():
        column = kind.column
        if kind.foreign_key is not None or (top, column) in given or column not in made[top].columns:
            continue
        lies = {top: np.arange(made[top].rows)}  # by table: each row's row of the table at the top
        said, lists = np.zeros(made[top].rows, dtype=np.int64), [kind.values]  # of which list a row's value is
        for name, lower in kinds.items():
            up = schema[name].inherited
            if lower.table == top and up is not None and up.parent in lies:
                lies[name] = lies[up.parent][made[name].ranks[up.name]]
                said[lies[name]] = len(lists)
                lists.append(lower.values)
        held = made[top].columns[column]
        made[top].columns = {**made[top].columns, column: _named(held, said, lists, seed, top, column)}


def _named(
    held: pa.Array, said: npt.NDArray[np.int64], lists: list[tuple[str, ...]], seed: int, *address: str
) -> pa.Array:
    """``held`` where it is one of its row's list, else one of these; lists that are empty leave it as it is."""
    texts = np.array(held.cast(pa.string()).to_pylist(), dtype=object)
    words = hashed(np.arange(said.size), seed, *address, "subtype")
    for number, values in enumerate(lists):
        rows = np.flatnonzero(said == number)
        if values and rows.size:
            odd = rows[~np.isin(texts[rows], np.array(values, dtype=object))]
            texts[odd] = np.array(values, dtype=object)[below(words[odd], len(values))]
    return array_of(texts.tolist(), pa.string()).cast(held.type)
