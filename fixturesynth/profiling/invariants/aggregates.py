"""Columns of a parent that its children give: their number, sum, mean, least, largest, the last one's value."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from typing import Any

import numpy as np
import numpy.typing as npt

from fixturesynth.profiling.aggregates import chosen_child, comparable, folded, plain_category
from fixturesynth.profiling.columnar import ColumnView, TableView, locate_parents, same_values
from fixturesynth.profiling.invariants.evidence import FEWEST, SURPRISE
from fixturesynth.profiling.profile import Invariant
from fixturesynth.profiling.rounding import ROUNDINGS
from fixturesynth.schema.model import ForeignKey

__all__ = ["find_aggregates"]

Integers = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

PROBE = 300  # parents on which candidates are tried
CHILDREN = 4_000  # and their children, about
MOST_COLUMNS = 16
MOST_CATEGORIES = 8
RELATIVE = 1e-9
ROUNDING_RULES = ("half_even", *(r for r in ROUNDINGS if r != "half_even"))


@dataclass(frozen=True, eq=False)
class _Family:
    """Parents with children, and which child is whose."""

    parent: TableView
    child: TableView
    fk: ForeignKey
    at: Integers  # (children,)

    @cached_property
    def counts(self) -> Integers:
        return np.bincount(self.at[self.at >= 0], minlength=self.parent.rows).astype(np.int64)

    @cached_property
    def few(self) -> Integers:
        """Parents on which candidates are tried: those of few children, but more than one, first."""
        parents = np.flatnonzero(self.counts > 0)
        parents = parents[np.lexsort((self.counts[parents], self.counts[parents] < 2))][:PROBE]
        enough = int(np.searchsorted(np.cumsum(self.counts[parents]), CHILDREN, side="right"))
        return parents[: max(enough, FEWEST)]

    @cached_property
    def children_of_few(self) -> Integers:
        chosen = np.zeros(self.parent.rows, dtype=bool)
        chosen[self.few] = True
        return np.flatnonzero((self.at >= 0) & chosen[np.maximum(self.at, 0)])

    @cached_property
    def at_few(self) -> Integers:
        """As ``at``, of the few alone."""
        out = np.full(self.at.size, -1, dtype=np.int64)
        out[self.children_of_few] = self.at[self.children_of_few]
        return out


def find_aggregates(views: Mapping[str, TableView]) -> dict[str, list[Invariant]]:
    """By parent's table: what its children give, the plainest of several ways first."""
    found: dict[str, list[Invariant]] = {}
    for child in views.values():
        for fk in child.table.foreign_keys:
            parent = views.get(fk.parent)
            if parent is None or not parent.rows or not child.rows:
                continue
            at = locate_parents(child, fk, parent)[0]
            family = _Family(parent, child, fk, at)
            # With one child at most, a parent's column is a copy.
            if np.count_nonzero(family.counts > 1) < FEWEST:
                continue
            rules = _of_family(family)
            if fk.parent == child.table.name:  # what a tree's levels add up to hangs on the levels below
                rules = (r for r in rules if r.target not in _columns_read(r.parameters))
            found.setdefault(fk.parent, []).extend(rules)
    return found


def _columns_read(parameters: Mapping[str, Any]) -> list[str]:
    named = [parameters[n] for n in ("column", "less", "plus", "by") if parameters.get(n)]
    return [*named, *parameters.get("columns", ()), *parameters.get("order", ())]


def _of_family(family: _Family) -> Iterator[Invariant]:
    parent = family.parent
    keys = parent.references | parent.identities
    for target in parent.columns.values():
        if target.name in keys or target.distinct < 3 or target.name in parent.opaque:
            continue
        for parameters in _ways(family, target):
            rule = _held(family, target, parameters)
            if rule is not None:
                yield rule
                break


def _ways(family: _Family, target: ColumnView) -> Iterator[dict[str, Any]]:
    if target.family == "number" and target.decimals is not None:
        yield from _numbers(family, target)
    if target.family in ("number", "datetime", "text", "boolean"):
        yield from _choices(family, target)


# -- numbers ----------------------------------------------------------------------------------------------------------
def _numbers(family: _Family, target: ColumnView) -> Iterator[dict[str, Any]]:
    decimals = int(target.decimals or 0)
    some, at, wanted = _probe(family, target)
    if some.size < FEWEST:
        return

    def sums(amount: Floats) -> Floats:
        return np.bincount(at, weights=amount, minlength=wanted.size).astype(np.float64)

    if decimals == 0 and _near(sums(np.ones(some.size)), wanted, 0.0):
        yield {"how": "count", "columns": [], "decimals": 0}
    child = family.child
    numbers = [
        c for c in child.columns.values()
        if c.family == "number" and c.decimals is not None and c.distinct > 1
        and c.name not in child.references and c.name not in child.identities
    ][:MOST_COLUMNS]  # fmt: skip
    values = {c.name: np.nan_to_num(c.numbers[some]) for c in numbers}
    half = 0.5 * 10.0**-decimals
    for columns in [(n,) for n in values] + list(combinations(values, 2)):
        product = np.prod([values[n] for n in columns], axis=0)
        for factors, factor in _factors(values, columns):
            amount = product * factor
            total = sums(amount)
            # Rounding each or all: no further off than half a unit for each child.
            if not _near(total, wanted, half * (1 + sums(np.ones(some.size)).max())):
                continue
            base = {"how": "sum", "columns": list(columns), "decimals": decimals, **factors}
            for rounding in ROUNDING_RULES:
                plain = {} if rounding == "half_even" else {"rounding": rounding}
                yield base | plain | {"each": True}
                yield base | plain
    for name in values:
        many = np.maximum(sums(np.isfinite(child[name].numbers[some]).astype(np.float64)), 1)
        if _near(sums(values[name]) / many, wanted, half * 1.001):
            for rounding in ROUNDING_RULES:
                yield {"how": "mean", "columns": [name], "decimals": decimals, "rounding": rounding}
    yield from _by_category(family, target, some, at, wanted, values)


def _probe(family: _Family, target: ColumnView) -> tuple[Integers, Integers, Floats]:
    """Children of a few parents, those parents' places, and what the target has there."""
    parents = family.few[target.valid[family.few]]
    place = np.full(family.parent.rows, -1, dtype=np.int64)
    place[parents] = np.arange(parents.size)
    own = family.children_of_few
    at = place[family.at[own]]
    return own[at >= 0], at[at >= 0], target.numbers[parents]


def _near(found: Floats, wanted: Floats, slack: float) -> bool:
    return bool((np.abs(found - wanted) <= slack + RELATIVE * np.abs(wanted) + 1e-9).all())


def _factors(values: Mapping[str, Floats], columns: Sequence[str]) -> Iterator[tuple[dict[str, Any], Any]]:
    """Nothing, a discount, a tax, or both, as shares of 1 or of 100."""
    yield {}, 1.0
    shares = [n for n, v in values.items() if n not in columns and v.size and v.min() >= 0 and v.max() < 100]
    for per in (1, 100):
        small = [n for n in shares if values[n].max() <= per and (per == 1 or values[n].max() > 1)]
        for name in small:
            yield {"less": name, "per": per}, 1 - values[name] / per
            yield {"plus": name, "per": per}, 1 + values[name] / per
        for less in small:
            for plus in small:
                if less != plus:
                    both = (1 - values[less] / per) * (1 + values[plus] / per)
                    yield {"less": less, "plus": plus, "per": per}, both


def _by_category(
    family: _Family, target: ColumnView, some: Integers, at: Integers, wanted: Floats, values: Mapping[str, Floats]
) -> Iterator[dict[str, Any]]:
    """Counts and sums of the children of some categories alone, or against those of others, by least squares."""
    child, decimals = family.child, int(target.decimals or 0)
    for by in child.columns.values():
        if not 2 <= by.classes <= MOST_CATEGORIES or by.values is None or by.family not in ("text", "boolean"):
            continue
        size = by.distinct + 1
        codes = by.dense[some]
        listed = [plain_category(v) for v in [*by.values.to_pylist(), None]]
        for name in ["", *values] if decimals == 0 else list(values):
            amount = values[name] if name else np.ones(some.size)
            table = np.bincount(at * size + codes, weights=amount, minlength=wanted.size * size)
            table = table.reshape(wanted.size, size)
            used = np.flatnonzero(np.abs(table).sum(axis=0) > 0)
            if used.size < 2 or wanted.size < 3 * used.size + FEWEST:
                continue
            weights = np.rint(np.linalg.lstsq(table[:, used], wanted, rcond=None)[0])
            if (np.abs(weights) > 1).any() or (weights == weights[0]).all() or not weights.any():
                continue
            if _near(table[:, used] @ weights, wanted, 0.01 * 10.0**-decimals):
                pairs = [[listed[c], int(w)] for c, w in zip(used.tolist(), weights, strict=True) if w]
                how = {"how": "sum", "columns": [name], "each": True} if name else {"how": "count", "columns": []}
                yield {**how, "decimals": decimals, "by": by.name, "weights": pairs}


# -- one child's value ------------------------------------------------------------------------------------------------
def _choices(family: _Family, target: ColumnView) -> Iterator[dict[str, Any]]:
    child = family.child
    alike = [
        c for c in child.columns.values()
        if comparable(c, target) and c.distinct > 1 and c.name not in child.references and c.name not in child.opaque
        and c.name not in child.identities
    ]  # fmt: skip
    alike = [c for c in alike[:MOST_COLUMNS] if _somewhere(family, target, c)]
    for column in alike:
        if column.family in ("number", "datetime"):
            for how in ("max", "min"):
                yield {"how": how, "column": column.name}
    dates = [(c.name,) for c in child.columns.values() if c.family == "datetime" and not c.nulls and c.distinct > 2]
    numbered = [(c.name,) for c in child.columns.values() if c.name in child.identities and c.family == "number"]
    orders = dates[:3] + numbered[:1]
    key = next((n for n in child.columns if n in child.identities and child[n].family == "number"), None)
    for column in alike:
        for order in orders:
            if column.name in order:
                continue
            named = (*order, key) if key is not None and key not in order else order
            for how in ("last", "first"):
                yield {"how": how, "column": column.name, "order": list(named)}


def _somewhere(family: _Family, target: ColumnView, column: ColumnView) -> bool:
    """Whether each of a few parents has what some child of its own has."""
    children = family.children_of_few
    same = same_values(target, column, children, family.at[children])
    if same is None:
        return False
    found = np.zeros(family.parent.rows, dtype=bool)
    found[family.at[children[same]]] = True
    return bool(found[family.few].all())


# -- all rows ---------------------------------------------------------------------------------------------------------
def _held(family: _Family, target: ColumnView, parameters: dict[str, Any]) -> Invariant | None:
    """The rule, where every parent with children keeps it and chance does not."""
    parent, child, at = family.parent, family.child, family.at
    counts = family.counts
    if "column" in parameters:
        if not _chosen_alike(family, target, family.at_few, parameters):
            return None
        has = counts > 0
        rows = np.flatnonzero(has)
        kept = _chosen_alike(family, target, at, parameters)
        # A column that is the same in all children is a copy that goes upwards: it tells nothing of their order.
        varied = _varied(child[parameters["column"]], at, parent.rows)
    else:
        value, has = folded(child, at, parent.rows, parameters)
        rows = np.flatnonzero(has)
        slack = 1e-6 * 10.0 ** -parameters["decimals"] + RELATIVE * np.abs(value[rows])
        kept = bool((target.valid[rows] & (np.abs(value[rows] - np.nan_to_num(target.numbers[rows])) <= slack)).all())
        varied = int(np.count_nonzero(counts > 1)) if parameters["how"] != "mean" else _varied(
            child[parameters["columns"][0]], at, parent.rows
        )  # fmt: skip
    if not kept or varied < FEWEST or rows.size * -np.log(max(_collision(target, rows), 1e-12)) < SURPRISE:
        return None
    bare = ~has
    rest = target.numbers[bare & target.valid] if target.family == "number" else None
    if not bare.any() or not target.valid[bare].any():
        parameters["empty"] = "null" if bare.any() or parameters["how"] not in ("count", "sum") else "zero"
    else:
        parameters["empty"] = "zero" if rest is not None and (rest == 0).all() else "own"
        if parameters["empty"] == "zero" and not target.valid[bare].all():
            parameters["sparse"] = True
    parameters = {"child": child.table.name, "key": family.fk.name, **parameters}
    return Invariant("aggregate", parent.table.name, target.name, (), None, parameters, int(rows.size))


def _chosen_alike(family: _Family, target: ColumnView, at: Integers, parameters: Mapping[str, Any]) -> bool:
    """Whether the parents of ``at`` have what the chosen one of their children has."""
    rows = np.unique(at[at >= 0])
    chosen = chosen_child(family.child, at, family.parent.rows, parameters)[rows]
    if (chosen < 0).any():
        return False
    same = same_values(target, family.child[parameters["column"]], chosen, rows)
    return same is not None and bool(same.all())


def _varied(column: ColumnView, at: Integers, parents: int) -> int:
    """Parents whose children differ in a column."""
    rows = np.flatnonzero(at >= 0)
    low, high = np.full(parents, np.iinfo(np.int64).max), np.full(parents, -1)
    np.minimum.at(low, at[rows], column.dense[rows])
    np.maximum.at(high, at[rows], column.dense[rows])
    return int(np.count_nonzero(low < high))


def _collision(column: ColumnView, rows: Integers) -> float:
    """Chance that two of these rows agree."""
    counts = np.bincount(column.dense[rows]).astype(np.float64)
    n = rows.size
    return float((counts * (counts - 1)).sum() / (n * (n - 1))) if n > 1 else 1.0
