"""What rows must hold beside checks, as functions that find the rows that do not: unique sets, differences, orders."""

from __future__ import annotations

from functools import partial

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from fixturesynth.arrays import fill_null, numpy_of
from fixturesynth.errors import CapacityError
from fixturesynth.planning.plan import TablePlan, UniquePlan
from fixturesynth.sampling.appending import met
from fixturesynth.sampling.assembly import Assembly
from fixturesynth.sampling.folding import folded, folds_case
from fixturesynth.sampling.gates import inside_predicate
from fixturesynth.sampling.matching import codes_of, duplicates, pair_keys
from fixturesynth.sampling.repairs import late_columns, misordered
from fixturesynth.sampling.searching import Condition
from fixturesynth.schema.model import ForeignKey, Table
from fixturesynth.schema.predicates import mentioned_columns
from fixturesynth.schema.predicates.arrays import unify

__all__ = ["complete_sets", "conditions_of", "differing_pair", "equal_rows", "refuse_repeated", "set_keys"]

Integers = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]
Columns = dict[str, pa.Array]


def conditions_of(assembly: Assembly, columns: Columns, *, closed: bool = False) -> list[Condition]:
    """Unique sets, differences and orders, as the rows that break them; ``closed``: the cycles are, too."""
    late = frozenset() if closed else late_columns(assembly.plan)
    out: list[Condition] = []
    for unique in assembly.plan.uniques if closed else complete_sets(assembly.plan):
        if columns.keys() >= set(unique.columns):  # else the database fills one
            out.append((_columns_of(assembly, unique), partial(_twice, assembly, unique)))
    for a, b in assembly.plan.distinct:
        if a in columns and b in columns and not {a, b} & late:
            out.append((frozenset((a, b)), partial(equal_rows, a=a, b=b)))
    for low, high, strict in assembly.plan.orders:
        if low in columns and high in columns and not {low, high} & late:
            out.append((frozenset((low, high)), partial(_misordered, low, high, strict)))
    return out


def _columns_of(assembly: Assembly, unique: UniquePlan) -> frozenset[str]:
    """The set's columns, and those by which a row may leave a partial one."""
    own = frozenset(unique.columns)
    if unique.how != "by_gate":
        return own
    return own.union(mentioned_columns(unique.predicate or "", assembly.table, assembly.dialect))


def complete_sets(plan: TablePlan) -> tuple[UniquePlan, ...]:
    """Unique sets that do not wait for a reference that closes a cycle: until then their rows are all alike in it."""
    late = late_columns(plan)
    return tuple(u for u in plan.uniques if not late & set(u.columns))


def differing_pair(plan: TablePlan, table: Table, unique: UniquePlan) -> tuple[ForeignKey, ForeignKey] | None:
    """The two references that are the whole set, to one and the same parent, and must differ in every row."""
    if len(unique.columns) != 2 or frozenset(unique.columns) not in {frozenset(pair) for pair in plan.distinct}:
        return None
    keys = [fk for c in unique.columns for fk in table.foreign_keys if fk.columns == (c,)]
    if len(keys) != 2 or (keys[0].parent, keys[0].parent_columns) != (keys[1].parent, keys[1].parent_columns):
        return None
    alone = all(sum(c in fk.columns for fk in table.foreign_keys) == 1 for c in unique.columns)
    return (keys[0], keys[1]) if alone else None


def _twice(assembly: Assembly, unique: UniquePlan, columns: Columns) -> Mask:
    """Rows that an earlier one, or one of the target, equals in the set, (rows,)."""
    out = met(assembly, columns, unique)
    found = set_keys(assembly, columns, unique)
    if found is not None:
        out[found[0][duplicates(found[1])]] = True
    return out


def _misordered(low: str, high: str, strict: bool, columns: Columns) -> Mask:
    return misordered(columns[low], columns[high], strict)


def set_keys(assembly: Assembly, columns: Columns, unique: UniquePlan) -> tuple[Integers, Integers] | None:
    """(rows that take part, one integer for each distinct tuple among them); None when the database fills a column."""
    if any(c not in columns for c in unique.columns):
        return None
    any_case = folds_case(assembly.table, unique.name)
    parts = [
        codes_of(folded(columns[c], assembly.table.column(c), assembly.dialect, any_case=any_case))
        for c in unique.columns
    ]
    rows = np.arange(assembly.rows)
    taking = np.ones(assembly.rows, dtype=bool)
    if unique.nulls_distinct:
        counted = [p >= 0 for c, p in zip(unique.columns, parts, strict=True) if c not in unique.stand_ins]
        taking = np.all([taking, *counted], axis=0)
    if unique.how == "by_gate":
        taking &= inside_predicate(assembly, columns, unique)
    rows = rows[taking]
    return rows, pair_keys(*(p[rows] for p in parts)) if rows.size else np.zeros(0, dtype=np.int64)


def refuse_repeated(assembly: Assembly, columns: Columns) -> None:
    """CapacityError for a complete set of which a tuple is there twice."""
    for unique in complete_sets(assembly.plan):
        found = set_keys(assembly, columns, unique)
        if found is not None and duplicates(found[1]).any():
            raise CapacityError(
                f"{assembly.table.name}: rows cannot be unique in ({', '.join(unique.columns)}); ask for fewer rows"
            )


def equal_rows(columns: Columns, a: str, b: str) -> Mask:
    """Rows in which both are set and alike, (rows,)."""
    return numpy_of(fill_null(pc.equal(*unify([columns[a], columns[b]])), False))
