"""The items of whole families, dealt out before the rest of their rows (generators.itemsets)."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from fixturesynth.generators.itemsets import deal_items
from fixturesynth.generators.tablemodel import TableModel, block_variable
from fixturesynth.planning.plan import TablePlan
from fixturesynth.sampling.assembly import Made
from fixturesynth.sampling.partition import generated
from fixturesynth.schema.model import Table

__all__ = ["dealt_items"]

Integers = npt.NDArray[np.int64]


def dealt_items(
    plan: TablePlan,
    table: Table,
    model: TableModel,
    models: Mapping[str, TableModel],
    made: Mapping[str, Made],
    parents: Integers,
    seed: int,
) -> dict[str, npt.NDArray[np.int32]]:
    """Codes, (n,), of the variable that chooses the item of each row; {} where families are no item sets.

    ``parents``: of each row, (n,), ascending. Where a family has more rows than there are items, or the list is not the
    one that was learned, nothing is dealt out: rows choose for themselves.
    """
    itemset = model.itemset
    if itemset is None or plan.context != model.context or plan.context is None:
        return {}
    reference = plan.reference(itemset.foreign_key)
    above, items = made[table.foreign_key(plan.context).parent], made[reference.parent]
    variable = block_variable(itemset.foreign_key)
    known = {v.name for v in above.features.variables} if above.features is not None else set()
    kept = (
        models[reference.parent].degrees.get(f"{plan.name}.{itemset.foreign_key}")
        if reference.parent in models
        else None
    )
    many = itemset.scores.shape[1]
    sizes = np.bincount(parents, minlength=above.rows).astype(np.int64)
    if (
        reference.how != "matched"
        or reference.asked
        or variable not in {v.name for v in generated(model)}
        or kept is None
        or not kept.size == items.rows == many
        or int(sizes.max(initial=0)) > many
    ):
        return {}
    kinds = np.full(above.rows, len(itemset.scores) - 1, dtype=np.int64)
    if above.features is not None and itemset.variable in known:
        kinds = above.features.column(itemset.variable).astype(np.int64)
    dealt = deal_items(itemset, kinds, sizes, kept.astype(np.int64), seed, plan.name, itemset.foreign_key)
    return {variable: dealt.astype(np.int32)}
