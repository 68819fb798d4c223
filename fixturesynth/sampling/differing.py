"""Columns that must differ, ``CHECK (a <> b)``: values and parents change places between rows until they do."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from fixturesynth.arrays import array_of
from fixturesynth.planning.plan import Modelled, Reference, Rule
from fixturesynth.randomness import below, hashed
from fixturesynth.sampling.assembly import Assembly
from fixturesynth.sampling.conditions import equal_rows
from fixturesynth.sampling.matching import codes_of, pair_keys, swap_until
from fixturesynth.sampling.repairs import late_columns
from fixturesynth.schema.predicates.arrays import unify

__all__ = ["settle_distinct"]

Integers = npt.NDArray[np.int64]
Columns = dict[str, pa.Array]


def settle_distinct(assembly: Assembly, columns: Columns, pairs: Sequence[tuple[str, str]] | None = None) -> bool:
    """a <> b, by swapping one of them between rows: a plain value if there is one, else a parent, else a key.

    ``pairs``: those of the plan's checks, where none are given.
    """
    changed = False
    for a, b in assembly.plan.distinct if pairs is None else pairs:
        if a not in columns or b not in columns or {a, b} & late_columns(assembly.plan):
            continue
        if not equal_rows(columns, a, b).any():
            continue
        changed = True
        still, moving = sorted((a, b), key=lambda name: _cost_of_swapping(assembly, name), reverse=True)
        joint = codes_of(pa.concat_arrays(unify([columns[still], columns[moving]])))
        theirs, mine = joint[: assembly.rows], joint[assembly.rows :]
        own = np.arange(assembly.rows, dtype=np.int64)

        def allowed(rows: Integers, chosen: Integers, theirs: Integers = theirs, mine: Integers = mine) -> object:
            return theirs[rows] != mine[chosen]

        address = (assembly.table.name, a, b)
        within = _kept_with(assembly, columns, moving)
        order = swap_until(own, own, assembly.rows, allowed, assembly.seed, *address, within=within)  # type: ignore[arg-type]
        _reorder(assembly, moving, order)
        _move_to_others(assembly, columns, still, moving, np.flatnonzero(theirs == mine[order]))
    return changed


def _move_to_others(assembly: Assembly, columns: Columns, still: str, moving: str, rows: Integers) -> None:
    """Rows that no swap helped, a group's only ones, take another parent that agrees with what they share."""
    source = assembly.plan.column(moving).source
    if not rows.size or not isinstance(source, Reference) or source.foreign_key not in assembly.ranks:
        return
    fk = assembly.table.foreign_key(source.foreign_key)
    if fk.parent == assembly.table.name:
        return
    parent = assembly.made[fk.parent].columns
    pairs = dict(zip(fk.columns, fk.parent_columns, strict=True))
    shared = _filled_elsewhere(assembly, source)
    here, there = np.zeros(assembly.rows, np.int64), np.zeros(len(parent[pairs[moving]]), np.int64)
    if shared:
        here, there = _one_code([columns[c] for c in shared], [parent[pairs[c]] for c in shared])
    own, theirs = _one_code([columns[still]], [parent[pairs[moving]]])
    order = np.argsort(there, kind="stable")
    low = np.searchsorted(there[order], here[rows], side="left")
    size = np.searchsorted(there[order], here[rows], side="right") - low
    words = hashed(rows, assembly.seed, assembly.table.name, still, moving, "another")
    first, left = below(words, np.maximum(size, 1)), size > 0
    for step in range(int(size.max(initial=0))):
        tried = order[np.minimum(low + (first + step) % np.maximum(size, 1), order.size - 1)]
        good = left & (step < size) & (theirs[tried] != own[rows])
        assembly.ranks[fk.name][rows[good]] = tried[good]
        left &= ~good
        if not left.any():
            break


def _one_code(here: Sequence[pa.Array], there: Sequence[pa.Array]) -> tuple[Integers, Integers]:
    """One integer for each tuple, the same in both tables, shapes (rows,) and (parents,)."""
    codes = pair_keys(*(codes_of(pa.concat_arrays(unify([a, b]))) for a, b in zip(here, there, strict=True)))
    return codes[: len(here[0])], codes[len(here[0]) :]


def _cost_of_swapping(assembly: Assembly, name: str) -> int:
    source = assembly.plan.column(name).source
    if isinstance(source, Rule | Modelled):
        return 0
    swapped = isinstance(source, Reference) and source.foreign_key in assembly.ranks
    if swapped and source.foreign_key != assembly.plan.context:  # type: ignore[union-attr]
        return 1
    return 2


def _kept_with(assembly: Assembly, columns: Columns, name: str) -> Integers | None:
    """What a reference must agree with, because another one fills some of its columns: rows swap inside of it alone."""
    source = assembly.plan.column(name).source
    if not isinstance(source, Reference):
        return None
    others = _filled_elsewhere(assembly, source)
    return pair_keys(*(codes_of(columns[c]) for c in others)) if others else None


def _filled_elsewhere(assembly: Assembly, source: Reference) -> list[str]:
    """Columns of the reference's foreign key that another one fills."""
    filled = {c.name: c.source for c in assembly.plan.columns}
    return [
        c for c in assembly.table.foreign_key(source.foreign_key).columns
        if not isinstance(s := filled[c], Reference) or s.foreign_key != source.foreign_key
    ]  # fmt: skip


def _reorder(assembly: Assembly, column: str, order: Integers) -> None:
    """Row i takes what row order[i] had: the parent, for a reference, else the value."""
    source = assembly.plan.column(column).source
    if isinstance(source, Reference):
        assembly.ranks[source.foreign_key] = assembly.ranks[source.foreign_key][order]
    elif column in assembly.base:
        assembly.base[column] = assembly.base[column].take(array_of(order))
