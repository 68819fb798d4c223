"""Unique sets that rows leave: through values for which a partial one's predicate does not hold, or through a NULL."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from fixturesynth.arrays import array_of
from fixturesynth.planning.plan import BranchColumn, Reference, UniquePlan
from fixturesynth.randomness import below, hashed
from fixturesynth.sampling.assembly import Assembly
from fixturesynth.sampling.branching import with_columns
from fixturesynth.sampling.partition import rule_values
from fixturesynth.schema.predicates import evaluate, mentioned_columns

__all__ = ["inside_predicate", "leave_set", "lend_outside", "lent_columns"]

Integers = npt.NDArray[np.int64]


def inside_predicate(assembly: Assembly, columns: dict[str, pa.Array], unique: UniquePlan) -> npt.NDArray[np.bool_]:
    """Rows in which the predicate holds, shape (rows,): those of which its negation is false."""
    return ~evaluate(f"NOT ({unique.predicate})", pa.table(columns), assembly.dialect)


def leave_set(assembly: Assembly, through: Sequence[BranchColumn], rows: Integers) -> None:
    """Give ``rows`` (ascending) the values of the set's gate or exit; a reference that must be set gets a parent."""
    values = rule_values(assembly.table, assembly.seed, assembly.locale, assembly.now)
    assembly.base = with_columns(assembly.plan, assembly.base, through, rows, rows, assembly.seed, values)
    for column in through:
        source = assembly.plan.column(column.name).source
        if not isinstance(source, Reference) or source.foreign_key not in assembly.ranks:
            continue
        ranks = assembly.ranks[source.foreign_key].copy()
        if column.null_share == 1.0:
            ranks[rows] = -1
        else:
            parents = assembly.made[assembly.table.foreign_key(source.foreign_key).parent].rows
            words = hashed(rows, assembly.seed, assembly.table.name, column.name, "gate")
            ranks[rows] = np.where(ranks[rows] >= 0, ranks[rows], below(words, max(parents, 1)) if parents else -1)
        assembly.ranks[source.foreign_key] = ranks


def lend_outside(assembly: Assembly, columns: dict[str, pa.Array], unique: UniquePlan, rows: Integers) -> bool:
    """Whether ``rows`` took what the set's predicate reads from rows for which it does not hold, by keyed hash."""
    index = _lenders(assembly, columns, unique, rows)
    names = mentioned_columns(unique.predicate or "", assembly.table, assembly.dialect)
    if index is None or any(_reference(assembly, n) is None and n not in assembly.base for n in names):
        return False
    for name in names:
        if (key := _reference(assembly, name)) is not None:
            assembly.ranks[key] = assembly.ranks[key][index]
        else:
            assembly.base[name] = assembly.base[name].take(array_of(index))
    return True


def lent_columns(
    assembly: Assembly, columns: dict[str, pa.Array], unique: UniquePlan, rows: Integers
) -> dict[str, pa.Array]:
    """The columns that the predicate reads, where all else is settled, with those of ``rows`` lent; {}: none can be."""
    index = _lenders(assembly, columns, unique, rows)
    names = mentioned_columns(unique.predicate or "", assembly.table, assembly.dialect)
    if index is None or any(_reference(assembly, n) is not None for n in names):
        return {}
    return {name: columns[name].take(array_of(index)) for name in names}


def _lenders(assembly: Assembly, columns: dict[str, pa.Array], unique: UniquePlan, rows: Integers) -> Integers | None:
    """From which row every row takes its values: ``rows`` from one outside of the predicate, all others their own."""
    outside = np.flatnonzero(~inside_predicate(assembly, columns, unique))
    if not outside.size:
        return None
    words = hashed(rows, assembly.seed, assembly.table.name, unique.name, "lent")
    index = np.arange(assembly.rows)
    index[rows] = outside[below(words, outside.size)]
    return index


def _reference(assembly: Assembly, column: str) -> str | None:
    source = assembly.plan.column(column).source
    return source.foreign_key if isinstance(source, Reference) and source.foreign_key in assembly.ranks else None
