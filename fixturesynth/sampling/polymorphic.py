"""Ids that name a row of the table that a category of the row names, when all tables are there."""

from __future__ import annotations

from collections.abc import MutableMapping

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from fixturesynth.arrays import array_of, numpy_of
from fixturesynth.generators.derivation import as_type
from fixturesynth.generators.succession import view_of
from fixturesynth.planning.plan import Plan, PolymorphicPlan, TablePlan
from fixturesynth.randomness import permute
from fixturesynth.sampling.assembly import Made
from fixturesynth.sampling.matching import codes_of, pair_keys
from fixturesynth.schema.model import Schema

__all__ = ["settle_polymorphic"]

Integers = npt.NDArray[np.int64]


def settle_polymorphic(schema: Schema, plan: Plan, made: MutableMapping[str, Made], seed: int) -> None:
    """Puts into ``made`` the keys of rows that there are: rows that had one id have one, others have others, as far as
    there are as many."""
    for table in plan.tables:
        for item in table.polymorphic:
            if table.name in made and made[table.name].rows:
                _settle(schema, table, item, made, seed)


def _settle(
    schema: Schema, table: TablePlan, item: PolymorphicPlan, made: MutableMapping[str, Made], seed: int
) -> None:
    columns = made[table.name].columns
    kinds, own = columns[item.source].cast(pa.string()), columns[item.column]
    keyed = any(item.column in u.columns for u in table.uniques)
    index, lent = np.arange(len(own)), [own]
    for category, name, key, agree, moments in item.to:
        if name not in made or not made[name].rows:
            continue
        parent = made[name].columns
        chosen = numpy_of(pc.fill_null(pc.equal(kinds, str(category)), False)).astype(bool)
        rows = np.flatnonzero(chosen & numpy_of(own.is_valid()))
        if not rows.size:
            continue
        named = codes_of(own.take(array_of(rows)))
        for mine, _ in agree:  # one number under two owners is the number of two rows
            named = pair_keys(named, codes_of(columns[mine].take(array_of(rows))))
        _, first, which = np.unique(named, return_index=True, return_inverse=True)
        groups, there = np.zeros(first.size, dtype=np.int64), np.zeros(made[name].rows, dtype=np.int64)
        for mine, theirs in agree:
            own_groups = columns[mine].take(array_of(rows[first]))
            both = codes_of(pa.concat_arrays([own_groups, parent[theirs].cast(own_groups.type)]))
            groups, there = both[: first.size], both[first.size :]
        if moments:
            own_moments = view_of(schema[table.name], columns, moments[:1])[moments[0]].moments[rows]
            least = np.full(first.size, np.iinfo(np.int64).max)
            np.minimum.at(least, which, own_moments)
            since = view_of(schema[name], parent, moments[1:])[moments[1]].moments
            at = _in_time(groups, there, least, since)
        else:
            at = _dealt(groups, there, seed, table.name, item.column, name)
        if keyed and np.unique(at).size < at.size:
            continue  # two that a unique set tells apart would become one
        index[rows] = sum(map(len, lent)) + at[which]
        lent.append(as_type(parent[key], own.type))
    if len(lent) > 1:
        columns = dict(columns)
        columns[item.column] = pa.concat_arrays(lent).take(array_of(index))
        made[table.name].columns = columns


def _dealt(groups: Integers, there: Integers, seed: int, *address: str) -> Integers:
    """A row of ``there`` (m,) for each of ``groups`` (n,), of the same group where that has one: all of them before any
    comes again."""
    mixed = permute(np.arange(there.size), there.size, seed, *address, "polymorphic")
    order = mixed[np.argsort(there[mixed], kind="stable")]
    low = np.searchsorted(there[order], groups, side="left")
    many = np.searchsorted(there[order], groups, side="right") - low
    turn = np.empty(groups.size, dtype=np.int64)
    by_group = np.argsort(groups, kind="stable")
    turn[by_group] = np.arange(groups.size) - np.searchsorted(groups[by_group], groups[by_group], side="left")
    inside = order[np.minimum(low + turn % np.maximum(many, 1), order.size - 1)]
    return np.where(many > 0, inside, mixed[np.arange(groups.size) % mixed.size])


def _in_time(groups: Integers, there: Integers, moments: Integers, theirs: Integers) -> Integers:
    """A row of ``there`` (m,) for each of ``groups`` (n,), of its group: in the order of ``moments`` (n,), spread over
    the group's rows in the order of ``theirs`` (m,), none of which is later where any is not."""
    order = np.lexsort((theirs, there))
    low = np.searchsorted(there[order], groups, side="left")
    many = np.searchsorted(there[order], groups, side="right") - low
    mine = np.lexsort((moments, groups))
    start = np.searchsorted(groups[mine], groups[mine], side="left")
    size = np.searchsorted(groups[mine], groups[mine], side="right") - start
    place = np.empty(groups.size, dtype=np.int64)
    place[mine] = (np.arange(groups.size) - start) * np.maximum(many[mine], 1) // size
    # How many of the group are not later: those before the moment, among all of all groups.
    merged = np.lexsort(
        (np.repeat([0, 1], [there.size, groups.size]), np.append(theirs, moments), np.append(there, groups))
    )
    before = np.cumsum(merged < there.size)
    known = np.empty(merged.size, dtype=np.int64)
    known[merged] = before
    eligible = known[there.size :] - low
    place = np.minimum(place, np.maximum(eligible - 1, 0))
    inside = order[np.minimum(low + place, order.size - 1)]
    spare = np.arange(groups.size) % there.size
    return np.where(many > 0, inside, spare)
