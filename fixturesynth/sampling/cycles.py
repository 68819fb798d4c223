"""References that close a cycle: they get their parents once both tables are there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from fixturesynth.errors import CapacityError
from fixturesynth.planning.plan import ReferencePlan, UniquePlan
from fixturesynth.sampling.assembly import Assembly, Made
from fixturesynth.sampling.branching import held_null
from fixturesynth.sampling.degrees import degrees_of
from fixturesynth.sampling.matching import codes_of, duplicates, match, pair_keys, swap_until
from fixturesynth.sampling.references import agreeing, filled_by, nulls_as_planned
from fixturesynth.sampling.settling import settle_late
from fixturesynth.schema.model import ForeignKey

__all__ = ["close_cycles"]

Integers = npt.NDArray[np.int64]


def close_cycles(waiting: Sequence[Assembly], made: Mapping[str, Made]) -> None:
    """Fill what was left open in the tables of ``waiting``; their columns in ``made`` change in place."""
    for assembly in waiting:
        own = made[assembly.table.name]
        for reference in assembly.plan.references:
            if reference.how == "later":
                _close(assembly, reference, own, made)
    for assembly in waiting:
        own = made[assembly.table.name]
        own.columns.update(settle_late(assembly, own.columns))


def _close(assembly: Assembly, reference: ReferencePlan, own: Made, made: Mapping[str, Made]) -> None:
    fk = assembly.table.foreign_key(reference.foreign_key)
    mine = filled_by(assembly.plan, assembly.table, reference)
    if not mine:
        return  # other references fill all of its columns
    parent = made[fk.parent]
    groups, theirs = _shared(fk, mine, own, parent)
    ranks = _parents(assembly, reference, fk, mine, groups, theirs)
    for column, parent_column in zip(fk.columns, fk.parent_columns, strict=True):
        if column in mine:
            own.columns[column] = _taken(assembly, parent, parent_column, ranks, column)
    for unique in assembly.plan.uniques:
        if mine & set(unique.columns) and set(unique.columns) <= own.columns.keys():
            ranks = _parted(assembly, fk, mine, unique, own, ranks, groups, parent.rows)
            for column, parent_column in zip(fk.columns, fk.parent_columns, strict=True):
                if column in mine:
                    own.columns[column] = _taken(assembly, parent, parent_column, ranks, column)
    own.ranks[fk.name] = ranks


def _taken(assembly: Assembly, parent: Made, column: str, ranks: Integers, own: str) -> pa.Array:
    values, kind = parent.columns[column], assembly.kind(own)
    if not len(values):
        return pa.nulls(ranks.size, kind)
    return values.take(pa.array(ranks, pa.int64(), mask=ranks < 0)).cast(kind)


def _shared(fk: ForeignKey, mine: set[str], own: Made, parent: Made) -> tuple[Integers | None, Integers | None]:
    """Codes of the columns that other references fill: what each row has (-1: NULL), and what each parent offers."""
    parts = []
    for column, parent_column in zip(fk.columns, fk.parent_columns, strict=True):
        if column not in mine:
            there = parent.columns[parent_column]
            parts.append(codes_of(pa.concat_arrays([own.columns[column].cast(there.type), there])))
    if not parts:
        return None, None
    joint = np.where(np.all([p >= 0 for p in parts], axis=0), pair_keys(*parts), -1)
    here, there = joint[: own.rows], joint[own.rows :]
    return here, np.where(there < 0, -2, there)


def _parents(
    assembly: Assembly,
    reference: ReferencePlan,
    fk: ForeignKey,
    mine: set[str],
    groups: Integers | None,
    theirs: Integers | None,
) -> Integers:
    """A parent for every row that has one, shape (rows,), -1 for NULL."""
    plan, table, rows, seed = assembly.plan, assembly.table, assembly.rows, assembly.seed
    parents = assembly.made[fk.parent].rows
    out = np.full(rows, -1, dtype=np.int64)
    empty = nulls_as_planned(rows, reference.null_share, seed, table.name, fk.name)
    never, always = held_null(plan, rows, seed, mine)
    asked = np.flatnonzero((~empty & ~never) | always)
    if groups is not None:
        asked = asked[groups[asked] >= 0]
    if not parents or not asked.size:
        return out
    if groups is not None and theirs is not None:
        if reference.exclusive:
            out[asked] = _each_its_own(groups[asked], theirs)
            return out
        degrees = degrees_of(table.name, reference, parents, asked.size, None, None, None, seed)
        out[asked] = agreeing(table, fk, groups[asked], theirs, degrees, seed)
        return out
    if reference.exclusive:
        asked = asked[:parents]
    degrees = degrees_of(table.name, reference, parents, asked.size, None, None, None, seed)
    nothing = np.zeros(parents, dtype=np.int64)
    out[asked] = match(np.zeros(asked.size, dtype=np.int64), nothing, degrees, seed, table.name, fk.name)
    return out


def _each_its_own(groups: Integers, theirs: Integers) -> Integers:
    """The first row of a group takes the first parent of that group, and so on; -1 where parents run out."""
    order = np.argsort(groups, kind="stable")
    place = np.empty(groups.size, dtype=np.int64)
    place[order] = np.arange(groups.size) - np.searchsorted(groups[order], groups[order], side="left")
    offered = np.argsort(theirs, kind="stable")
    low = np.searchsorted(theirs[offered], groups, side="left")
    many = np.searchsorted(theirs[offered], groups, side="right") - low
    return np.where(place < many, offered[np.minimum(low + place, offered.size - 1)], -1)


def _parted(
    assembly: Assembly,
    fk: ForeignKey,
    mine: set[str],
    unique: UniquePlan,
    own: Made,
    ranks: Integers,
    groups: Integers | None,
    parents: int,
) -> Integers:
    """Parents swapped between rows until the set is unique; a reference that may be NULL is, where that fails."""
    codes = [codes_of(own.columns[c]) for c in unique.columns]
    taking = np.all([c >= 0 for c in codes], axis=0) if unique.nulls_distinct else np.ones(own.rows, dtype=bool)
    rows = np.flatnonzero(taking & (ranks >= 0))
    if not duplicates(pair_keys(*(c[rows] for c in codes))).any():
        return ranks
    beside = [c[rows] for name, c in zip(unique.columns, codes, strict=True) if name not in mine]
    others = pair_keys(*beside) if beside else np.zeros(rows.size, dtype=np.int64)
    within = None if groups is None else groups[rows]
    address = (assembly.table.name, unique.name, "later")
    out = ranks.copy()
    out[rows] = swap_until(others, ranks[rows], parents, None, assembly.seed, *address, within=within)
    left = rows[duplicates(others * parents + out[rows])]
    if left.size and not all(assembly.table.column(c).nullable for c in mine):
        raise CapacityError(
            f"{assembly.table.name}: {left.size} of {own.rows} rows cannot be unique in ({', '.join(unique.columns)}): "
            f"{fk.name} closes a cycle; ask for fewer rows or more rows of {fk.parent}"
        )
    out[left] = -1
    return out
