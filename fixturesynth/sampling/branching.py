"""Rows spread over the branches of checks, and rows that leave a partial unique set through its gate."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from fixturesynth.arrays import array_of, scalar_of
from fixturesynth.planning.plan import BranchColumn, BranchSet, Rule, RuleCall, TablePlan
from fixturesynth.randomness import below, hashed

__all__ = ["Values", "branched", "branches_of", "held_null", "with_columns"]

Integers = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]
Values = Callable[[str, RuleCall, Integers], pa.Array]


def branches_of(choice: BranchSet, ranks: Integers, seed: int, table: str) -> Integers:
    """The branch that each row takes, shape (n,): by keyed hash of its rank."""
    return below(hashed(ranks, seed, table, "branch", *choice.checks), len(choice.branches))


def held_null(plan: TablePlan, rows: int, seed: int, columns: Iterable[str]) -> tuple[Mask, Mask]:
    """Rows whose branch wants one of ``columns`` NULL, and rows whose branch wants none of them so; each (rows,)."""
    names, ranks = set(columns), np.arange(rows, dtype=np.int64)
    empty, filled = np.zeros(rows, dtype=bool), np.zeros(rows, dtype=bool)
    for choice in plan.branches:
        taken = branches_of(choice, ranks, seed, plan.name)
        for number, branch in enumerate(choice.branches):
            for column in branch:
                if column.name in names:
                    (empty if column.null_share == 1.0 else filled)[taken == number] = True
    return empty, filled & ~empty


def branched(
    plan: TablePlan, out: dict[str, pa.Array], ranks: Integers, seed: int, values: Values
) -> dict[str, pa.Array]:
    """``out`` with the columns of each row's branches; ``values(column, call, ranks)`` makes a rule's values."""
    out = dict(out)
    for choice in plan.branches:
        taken = branches_of(choice, ranks, seed, plan.name)
        for number, branch in enumerate(choice.branches):
            rows = np.flatnonzero(taken == number)
            if rows.size:
                out = with_columns(plan, out, branch, rows, ranks[rows], seed, values)
    return out


def with_columns(
    plan: TablePlan, out: dict[str, pa.Array], branch: Iterable[BranchColumn], rows: Integers, ranks: Integers,
    seed: int, values: Values,
) -> dict[str, pa.Array]:  # fmt: skip
    """``out`` with what ``branch`` wants in ``rows`` (positions in ``out``, ascending), whose ranks are ``ranks``."""
    out = dict(out)
    for column in branch:
        source = plan.column(column.name).source
        if column.name not in out or not isinstance(source, Rule):
            continue
        kind = out[column.name].type
        made = values(column.name, column.call or source.call, ranks).cast(kind)
        word = hashed(ranks, seed, plan.name, column.name, "null")
        empty = word < np.uint64(min(int(column.null_share * 2**64), 2**64 - 1))
        made = pc.if_else(array_of(empty), scalar_of(None, kind), made)
        index = np.arange(len(out[column.name]))
        index[rows] = index.size + np.arange(rows.size)
        out[column.name] = pa.concat_arrays([out[column.name], made]).take(array_of(index))
    return out
