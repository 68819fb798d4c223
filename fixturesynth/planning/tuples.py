"""How many tuples of a unique set the checks allow, where its columns have few values."""

from collections.abc import Collection, Mapping
from dataclasses import replace
from itertools import product
from math import prod

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from fixturesynth.arrays import array_of
from fixturesynth.planning.branches import Branches
from fixturesynth.planning.needs import ColumnNeeds
from fixturesynth.planning.plan import ColumnPlan, Rule
from fixturesynth.rules.registry import space_of
from fixturesynth.rules.sampling import as_column
from fixturesynth.schema.predicates import NotUnderstood, evaluate

__all__ = ["allowed_tuples"]

FEW = 64  # values of a column
MOST = 4_096  # tuples that are held against the checks


def allowed_tuples(
    needs: ColumnNeeds, columns: Mapping[str, ColumnPlan], branches: Branches, names: Collection[str], dialect: str
) -> tuple[frozenset[str], int]:
    """Those of ``names`` that have few values, and how many tuples of theirs pass the checks that read nothing else.

    ``flag AND NOT other`` leaves one of the four tuples of two flags. (frozenset(), 1) where no check reads such
    columns alone.
    """
    values = {n: v for n in names if (v := _values(needs, columns[n], branches)) is not None}
    checks = [c for c in needs.table.checks if len(c.columns) > 1 and set(c.columns) <= values.keys()]
    read = [n for n in values if any(n in c.columns for c in checks)]
    if not read or prod(len(values[n]) for n in read) > MOST:
        return frozenset(), 1
    index = np.array(list(product(*(range(len(values[n])) for n in read))), dtype=np.int64)
    rows = pa.table({n: values[n].take(array_of(index[:, at])) for at, n in enumerate(read)})
    passing = np.ones(len(index), dtype=bool)
    for check in needs.table.checks:
        if set(check.columns) <= set(read):
            try:
                passing &= evaluate(check.text, rows, dialect, now=needs.now)
            except NotUnderstood:
                continue
    return frozenset(read), int(passing.sum())


def _values(needs: ColumnNeeds, plan: ColumnPlan, branches: Branches) -> pa.Array | None:
    """All values that the column takes by its rule and in branches; None where these are many, or no rule's."""
    if not isinstance(plan.source, Rule) or plan.source.needs:
        return None
    column = needs.table.column(plan.name)
    branched = [c.call for s in branches.sets for b in s.branches for c in b if c.name == plan.name and c.call]
    parts = []
    for call in (plan.source.call, *branched):
        context = needs.column_context(column)
        space = space_of(replace(call, unique=True), context)
        if space.size > FEW:
            return None
        parts.append(as_column(space.at(np.arange(space.size), {}), call, context))
    return pc.unique(pa.concat_arrays(parts)).drop_null()
