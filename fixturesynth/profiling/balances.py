"""What the children of one parent come to where that is the same for all: postings that balance, shares of a hundred.

One description of such a rule serves those who look for it, those who make rows keep it and those who check it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from fixturesynth.profiling.aggregates import plain_category
from fixturesynth.profiling.columnar import ColumnView, TableView
from fixturesynth.profiling.siblings import MOST, on_grid

__all__ = ["Balance", "balance_of", "constants_of", "families_of", "units"]

Integers = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

NEAR = 1e-6  # of a unit: what floats lose on the way


@dataclass(frozen=True, eq=False)
class Balance:
    """``sums``: (parents,), in units; ``told``: (parents,), those that have any amount, ``some``: but 0.

    ``amounts``: (children,), in units, 0 for NULL; ``factors``: (children,), 1 where there is none; ``coarse``:
    (parents,), those some of whose children have a factor, whose sum is rounded.
    """

    sums: Integers
    told: Flags
    some: Flags
    amounts: Integers
    valid: Flags
    factors: Floats
    coarse: Flags


def units(column: ColumnView, decimals: int, *, exact: bool = True) -> Integers | None:
    """The numbers in units of ``decimals``, flags as 0 and 1, (rows,), 0 for NULL; None where they are finer."""
    if column.family == "boolean":
        listed = [] if column.values is None else [int(v) for v in column.values.to_pylist()]
        return np.array([*listed, 0], dtype=np.int64)[column.codes]
    return on_grid(column, decimals, exact=exact)


def families_of(
    child: TableView, at: Integers, parents: int, parameters: Mapping[str, Any]
) -> tuple[Integers, Integers]:
    """(family of each row, -1 for none, (children,); parent of each family): all of a parent's, or by ``within``.

    Where some children of a parent have a factor (``times``), all of them are one family.
    """
    if not parameters.get("within"):
        return at, np.arange(parents)
    column, own = child[parameters["within"]], np.flatnonzero(at >= 0)
    whole = (
        np.zeros(parents, dtype=bool) if not parameters.get("times") else _with_factor(child, at, parents, parameters)
    )
    size = column.distinct + 2
    keys = at[own] * size + np.where(whole[at[own]], 0, column.dense[own] + 1)
    used, family = np.unique(keys, return_inverse=True)
    out = np.full(child.rows, -1, dtype=np.int64)
    out[own] = family
    return out, used // size


def _with_factor(child: TableView, at: Integers, parents: int, parameters: Mapping[str, Any]) -> Flags:
    """Parents some of whose children have a factor, (parents,)."""
    out = np.zeros(parents, dtype=bool)
    out[at[(at >= 0) & child[parameters["times"]].valid]] = True
    return out


def balance_of(
    child: TableView, target: str, at: Integers, parents: int, parameters: Mapping[str, Any], *, exact: bool = True
) -> Balance | None:
    """Sums of ``target`` by parent; ``at``: the parent's row of each child, -1 for none.

    ``parameters``: decimals; minus, a column whose numbers count against the target's; times, a column by which amounts
    are multiplied where it is set, and rounded, the decimals that the sum of such a family is rounded at. None where
    amounts are finer than ``decimals``.
    """
    decimals = int(parameters["decimals"])
    amounts, valid = units(child[target], decimals, exact=exact), child[target].valid
    if parameters.get("minus"):
        less = units(child[parameters["minus"]], decimals, exact=exact)
        amounts = None if amounts is None or less is None else amounts - less
        valid = valid | child[parameters["minus"]].valid
    if amounts is None:
        return None
    own = at >= 0
    place = np.maximum(at, 0)
    factors, coarse = np.ones(child.rows), np.zeros(parents, dtype=bool)
    if parameters.get("times"):
        times = child[parameters["times"]]
        factors = np.where(times.valid, times.numbers, 1.0)
        coarse = _with_factor(child, at, parents, parameters)
    sums = np.zeros(parents, dtype=np.int64)
    np.add.at(sums, place[own], amounts[own])
    if coarse.any():
        weighed = np.bincount(place[own], weights=(amounts * factors)[own], minlength=parents)[:parents]
        if not np.isfinite(weighed).all() or np.abs(weighed).max() >= MOST:
            return None
        step = 10.0 ** (decimals - int(parameters["rounded"]))
        rounded = np.rint(weighed / step + np.copysign(NEAR, weighed)) * step
        sums = np.where(coarse, np.rint(rounded).astype(np.int64), sums)
    told = np.zeros(parents, dtype=bool)
    told[at[own & valid]] = True
    some = np.zeros(parents, dtype=bool)
    some[at[own & (amounts != 0)]] = True
    return Balance(sums, told, some, amounts, valid, factors, coarse)


def constants_of(parents: int, by: ColumnView | None, parameters: Mapping[str, Any]) -> tuple[Integers, Flags]:
    """(what the children of each parent come to, whether the rule speaks of that parent), (parents,) each.

    ``by``: the parents' column that decides, where one does.
    """
    if by is None:
        return np.full(parents, int(parameters["constant"])), np.ones(parents, dtype=bool)
    wanted = {value: int(constant) for value, constant in parameters["kinds"]}
    listed = [*([] if by.values is None else map(plain_category, by.values.to_pylist())), None]
    spoken = np.array([v in wanted for v in listed], dtype=bool)
    constants = np.array([wanted.get(v, 0) for v in listed], dtype=np.int64)
    return constants[by.codes], spoken[by.codes]
