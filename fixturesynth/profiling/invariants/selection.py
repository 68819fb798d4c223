"""From all rules that hold, those that can be used together: one value for each column, and no circle."""

from collections.abc import Iterable, Mapping

import numpy as np

from fixturesynth.profiling.columnar import ColumnView, TableView
from fixturesynth.profiling.profile import Invariant, InvariantKind

__all__ = ["VALUE_GIVING", "select"]

# Strongest first. A copied reference comes before everything that rests on it; a part of a date before a copy of the
# same part from a parent, because it needs no parent; a product, which has one direction, before a sum, which has as
# many as it has columns.
VALUE_GIVING: tuple[InvariantKind, ...] = (
    "constant", "datepart", "copy", "equal", "ordinal", "running", "aggregate", "clock", "elapsed", "product", "linear",
    "adjacent", "lagged", "presence", "determines",
)  # fmt: skip
SPIKE = 0.05  # share of rows with one value, which no sum of others would hit

Strength = tuple[float, ...]


def select(view: TableView, candidates: Iterable[Invariant], parents: Mapping[str, int]) -> list[Invariant]:
    """``parents``: rows of the parent in use, by foreign key; of several copies the one from most parents is taken."""
    place = {name: i for i, name in enumerate(view.columns)}

    def strength(rule: Invariant) -> Strength:
        rank = float(VALUE_GIVING.index(rule.kind)) + 0.5 * ("theirs" in rule.parameters)  # the row's own come first
        if rule.kind == "copy":
            if rule.target in view.references:
                rank = 0.5
            return rank, -float(parents.get(rule.foreign_key or "", 0)), place[rule.target]
        if rule.kind == "datepart" and view[rule.target].distinct == 1:
            rank = -1.0  # a year that never changes, yet is known to be the year of a datetime
        if rule.kind == "linear":
            factors = rule.parameters["coefficients"]
            odd = _below_zero(view, rule) + sum(f != int(f) for f in factors)
            odd += sum(f < 0 for f in factors) if "slack" in rule.parameters else 0  # the total, not what is left
            spiked = float(_commonest(view[rule.target]) > SPIKE)
            return rank, float(odd), spiked, len(factors), -view[rule.target].nulls, -place[rule.target]
        if rule.kind == "determines":
            groups = max(view[s].distinct for s in rule.sources)
            return rank, len(rule.sources), -rule.support, groups, place[rule.sources[0]]
        return rank, place[rule.target]

    needs: dict[str, frozenset[str]] = {}
    chosen = []
    for rule in sorted(candidates, key=strength):
        if rule.target in needs:
            continue
        used = rule.sources if rule.foreign_key is None else view.table.foreign_key(rule.foreign_key).columns
        if "theirs" in rule.parameters:
            used = (*used, *rule.sources)
        if rule.target in used or any(rule.target in _reach(s, needs) for s in used):
            continue
        needs[rule.target] = frozenset(used)
        chosen.append(rule)
    return chosen


def _below_zero(view: TableView, rule: Invariant) -> int:
    """How many terms of a sum can be negative, where the sum itself never is."""
    low = view[rule.target].numbers
    if bool((low[view[rule.target].valid] < 0).any()):
        return 0
    count = 0
    for factor, name in zip(rule.parameters["coefficients"], rule.sources, strict=False):
        values = view[name].numbers[view[name].valid]
        count += bool((factor * values < 0).any())
    return count


def _commonest(column: ColumnView) -> float:
    """Share of the rows that have a value which have the commonest one."""
    counts = np.bincount(column.codes[column.valid])
    return float(counts.max(initial=0)) / max(int(counts.sum()), 1)


def _reach(start: str, needs: Mapping[str, frozenset[str]]) -> set[str]:
    """Everything that a column's value rests on, itself included."""
    seen: set[str] = set()
    todo = [start]
    while todo:
        name = todo.pop()
        if name not in seen:
            seen.add(name)
            todo.extend(needs.get(name, ()))
    return seen
