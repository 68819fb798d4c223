"""What a parent's children come to together: how many, their sum, mean, least, largest, first or last.

One description of an aggregate serves those who look for it, those who compute it and those who check it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from fixturesynth.profiling.columnar import ColumnView, TableView
from fixturesynth.profiling.rounding import round_at
from fixturesynth.profiling.siblings import sort_key

__all__ = ["chosen_child", "comparable", "each_amount", "folded", "plain_category", "weights_of"]

Integers = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Parameters = Mapping[str, Any]


def each_amount(child: TableView, parameters: Parameters) -> Floats:
    """What each child adds, (rows,): the product of ``columns``, less and plus the shares; 0 where one is NULL.

    Rounded at ``decimals`` where ``each`` is.
    """
    amount = np.ones(child.rows)
    for name in parameters["columns"]:
        amount = amount * np.nan_to_num(child[name].numbers)
    per = float(parameters.get("per", 1))
    for name, sign in (("less", -1), ("plus", 1)):
        if parameters.get(name):
            amount = amount * (1 + sign * np.nan_to_num(child[parameters[name]].numbers) / per)
    if parameters.get("each"):
        amount = round_at(amount, parameters["decimals"], parameters.get("rounding", "half_even"))
    return amount


def plain_category(value: Any) -> Any:
    """A category as JSON has it: text, NULL as None, whole numbers and flags as their text."""
    if value is None or isinstance(value, str):
        return value
    return str(int(value)) if not isinstance(value, bool) and value == int(value) else str(value)


def weights_of(child: TableView, parameters: Parameters) -> Floats:
    """How each child counts, (rows,): by its category where that decides, else 1."""
    if not parameters.get("by"):
        return np.ones(child.rows)
    column = child[parameters["by"]]
    weights = {value: float(weight) for value, weight in parameters["weights"]}
    values = [] if column.values is None else [plain_category(v) for v in column.values.to_pylist()]
    return np.array([weights.get(v, 0.0) for v in [*values, None]])[column.codes]


def _summed(place: Integers, weights: npt.NDArray[Any], parents: int) -> Floats:
    total: Floats = np.bincount(place, weights=weights, minlength=parents)[:parents].astype(np.float64)
    return total


def folded(child: TableView, at: Integers, parents: int, parameters: Parameters) -> tuple[Floats, Flags]:
    """(number of each parent, whether it has one), (parents,) each, of how: count, sum, mean.

    ``at``: parent row of each child, -1 for none.
    """
    weights = np.where(at >= 0, weights_of(child, parameters), 0.0)
    place = np.maximum(at, 0)
    many = _summed(place, at >= 0, parents)
    if parameters["how"] == "count":
        return _summed(place, weights, parents), many > 0
    amount = each_amount(child, parameters)
    decimals, rounding = int(parameters["decimals"]), parameters.get("rounding", "half_even")
    if parameters["how"] == "mean":
        present = (at >= 0) & child[parameters["columns"][0]].valid & (weights != 0)
        many = _summed(place, present, parents)
        total = _summed(place, np.where(present, amount, 0.0), parents)
        return round_at(total / np.maximum(many, 1), decimals, rounding), many > 0
    total = _summed(place, amount * weights, parents)
    return round_at(total, decimals, rounding), many > 0


def chosen_child(child: TableView, at: Integers, parents: int, parameters: Parameters) -> Integers:
    """The child of each parent, (parents,), -1 for none: max or min (of ``column``), first or last (by ``order``)."""
    how, column = parameters["how"], child[parameters["column"]]
    rows = np.flatnonzero(at >= 0)
    if how in ("max", "min"):
        rows = rows[column.valid[rows]]
        keys = [sort_key(column)[rows]]
    else:
        keys = [sort_key(child[name])[rows] for name in reversed(parameters["order"])]
    order = rows[np.lexsort((*keys, at[rows]))]
    if how in ("min", "first"):
        order = order[::-1]
    found = np.full(parents, -1, dtype=np.int64)
    found[at[order]] = order
    return found


def comparable(a: ColumnView, b: ColumnView) -> bool:
    """Whether values of one can be values of the other."""
    return a.family == b.family and a.dates_only == b.dates_only and a.zone == b.zone
