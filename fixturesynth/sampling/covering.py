"""Parents that must have a child, because a required reference that closes a cycle will look for one among them.

A team must be led by a member of its own tenant, and members come after teams: then each tenant that has a team needs
a member too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from fixturesynth.arrays import array_of
from fixturesynth.planning.plan import Plan, Reference, Rule, TablePlan
from fixturesynth.rules.registry import capacity
from fixturesynth.sampling.assembly import Made
from fixturesynth.sampling.matching import codes_of, duplicates, pair_keys
from fixturesynth.sampling.partition import context_of, rule_values
from fixturesynth.schema.model import ForeignKey, Schema, Table

__all__ = ["covered", "differing_values", "needed_parents"]

Integers = npt.NDArray[np.int64]


def needed_parents(
    schema: Schema, plan: Plan, made: Mapping[str, Made], table: str, differing: frozenset[str] = frozenset()
) -> dict[str, Integers]:
    """By foreign key of ``table``: rows of its parent of which each must have a child, ascending.

    ``differing``: columns of the table that should have as many values as they can.
    """
    found: dict[str, Integers] = {}
    child = plan[table]
    for column in sorted(differing):
        source = child.column(column).source
        if isinstance(source, Reference) and (above := made.get(child.reference(source.foreign_key).parent)):
            # One parent of each value: where there are fewer children than parents, alike ones take no place.
            codes = codes_of(above.columns[source.parent_column])
            _, first = np.unique(codes, return_index=True)
            found[source.foreign_key] = np.union1d(found.get(source.foreign_key, first), first)
    for other in plan.tables:
        for reference in other.references if other.name in made else ():
            if reference.how != "later" or reference.parent != table or reference.null_share:
                continue
            fk = schema[other.name].foreign_key(reference.foreign_key)
            pairs = _shared(other, fk)
            fillers = {s.foreign_key for _, own in pairs if isinstance(s := child.column(own).source, Reference)}
            if not pairs or len(fillers) != 1 or not all(_filled(child, own) for _, own in pairs):
                continue
            name = fillers.pop()
            above = made.get(child.reference(name).parent)
            if above is not None:
                rows = _one_each(child, pairs, made[other.name], above)
                found[name] = np.union1d(found.get(name, rows), rows)
    return found


def differing_values(
    plan: TablePlan, table: Table, base: dict[str, pa.Array], columns: frozenset[str], seed: int, locale: str, now: str
) -> dict[str, pa.Array]:
    """``base`` with rule columns among ``columns`` as different from row to row as their rules can make them."""
    out = dict(base)
    for name in sorted(columns & base.keys()):
        source = plan.column(name).source
        if not isinstance(source, Rule) or source.call.unique or source.needs or source.parents:
            continue
        twice = np.flatnonzero(duplicates(codes_of(base[name])))
        call = replace(source.call, unique=True)
        most = capacity(call, context_of(table, name, locale, now))
        values = rule_values(table, seed, locale, now)(name, call, np.arange(min(most, 2 * plan.rows)))
        fresh = values.cast(base[name].type)
        fresh = fresh.filter(pc.invert(pc.is_in(fresh, pc.unique(base[name]))))[: twice.size]
        index = np.arange(plan.rows)
        index[twice[: len(fresh)]] = plan.rows + np.arange(len(fresh))
        out[name] = pa.concat_arrays([base[name], fresh]).take(array_of(index))
    return out


def _shared(plan: TablePlan, fk: ForeignKey) -> list[tuple[str, str]]:
    """(column, column of the parent) of the key's columns that another reference fills."""
    return [
        (column, theirs)
        for column, theirs in zip(fk.columns, fk.parent_columns, strict=True)
        if isinstance(s := plan.column(column).source, Reference) and s.foreign_key != fk.name
    ]


def _filled(plan: TablePlan, column: str) -> bool:
    return isinstance(plan.column(column).source, Reference)


def _one_each(child: TablePlan, pairs: list[tuple[str, str]], asking: Made, above: Made) -> Integers:
    """The first row of ``above`` for each different tuple that ``asking`` has."""
    parts = []
    for column, own in pairs:
        source = child.column(own).source
        assert isinstance(source, Reference)
        there = above.columns[source.parent_column]
        parts.append(codes_of(pa.concat_arrays([asking.columns[column].cast(there.type), there])))
    valid = np.all([p >= 0 for p in parts], axis=0)
    joint = np.where(valid, pair_keys(*parts), -1)
    theirs, first = np.unique(joint[asking.rows :], return_index=True)
    return np.sort(first[np.isin(theirs, joint[: asking.rows]) & (theirs >= 0)])


def covered(degrees: Integers, needed: Integers | None) -> Integers:
    """``degrees`` with at least one for each of ``needed``, as far as the sum goes; the others give."""
    if needed is None:
        return degrees
    out = degrees.copy()
    missing = needed[out[needed] == 0]
    least = np.zeros(out.size, dtype=np.int64)
    least[needed] = 1
    spare = np.maximum(out - least, 0)
    count = min(missing.size, int(spare.sum()))
    # Each gives in proportion to what it has to spare; the remainder comes from the largest.
    fair = spare * count // max(int(spare.sum()), 1)
    rest = count - int(fair.sum())
    order = np.argsort(fair - spare, kind="stable")
    left = (spare - fair)[order]
    taken = np.minimum(left, np.maximum(rest - (np.cumsum(left) - left), 0))
    out -= fair
    out[order] -= taken
    out[missing[:count]] += 1
    return out
