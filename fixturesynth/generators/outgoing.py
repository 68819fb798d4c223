"""What a table's rows are to their children, as variables of its model."""

from __future__ import annotations

from functools import partial

import numpy as np
import numpy.typing as npt

from fixturesynth.generators.blocks import choose_block, count_codes
from fixturesynth.generators.gathering import Coded, Rows
from fixturesynth.generators.habits import Habits, habits_of
from fixturesynth.generators.itemsets import (
    Itemset,
    families_held,
    find_kinds,
    item_places,
    item_reference,
    kind_scores,
    kind_variable,
)
from fixturesynth.generators.keys import dense_rank
from fixturesynth.generators.tablemodel import count_variable, home_variable
from fixturesynth.planning.plan import CROWD, TablePlan
from fixturesynth.planning.successions import sibling_order

__all__ = ["add_outgoing"]

Integers = npt.NDArray[np.int64]


def add_outgoing(rows: Rows, table: TablePlan, order: Integers, coded: Coded, seed: int) -> dict[str, Habits]:
    """What the table's rows are to their children: how many of each, whose home, and of which habits."""
    habits: dict[str, Habits] = {}
    for child, fk, how in rows.incoming(table.name):
        degrees = rows.degrees(child, fk, table.name)
        if how == "matched":
            home = choose_block(rows.dataset, rows.plan[child], rows.rank(child, fk), rows.rank, degrees.size)
            if home is not None:
                coded.add(home_variable(child, fk), home[1], home[0][order])
            blocks = np.zeros(degrees.size, dtype=np.int64) if home is None else home[0].astype(np.int64)
            entities = rows.groups.get(table.name, np.arange(degrees.size))
            found = habits_of(
                rows.plan, rows.schema, child, fk, partial(rows.column, child),
                rows.rank(child, fk), blocks, rows.groups.get(child), entities, rows.protection, seed,
            )  # fmt: skip
            for habit, kinds in found:
                coded.add(habit.variable, habit.scores.shape[0], kinds[order])
            habits |= {f"{child}.{fk}": tuple(h for h, _ in found)} if found else {}
        if how == "context":
            _add_kinds(rows, child, fk, order, coded, seed)
        codes, size = count_codes(degrees[order])
        if size > 1:
            coded.add(count_variable(child, fk), size, codes, ordered=True)
    return habits


def _add_kinds(rows: Rows, child: str, foreign_key: str, order: Integers, coded: Coded, seed: int) -> None:
    """Which kind of item set the children of each row are, where they are any."""
    reference = item_reference(rows.plan, rows.schema, child)
    if reference is None or reference.parent not in rows.dataset:
        return
    fk = rows.schema[child].foreign_key(reference.foreign_key)
    many, families = rows.dataset.arrow(fk.parent).num_rows, order.size
    if many > CROWD:  # only the busiest are told apart
        return
    held = families_held(rows.rank(child, foreign_key), rows.rank(child, fk.name), families, many)
    parent = rows.schema[child].foreign_key(foreign_key).parent
    kinds = find_kinds(held, rows.groups.get(parent, np.arange(families)), rows.protection)
    if kinds is None:
        return
    variable = kind_variable(child, foreign_key)
    coded.add(variable, int(kinds.max()) + 1, kinds[order])
    ranked = [dense_rank(rows.column(fk.parent, c)) for c in fk.parent_columns]
    places = item_places(ranked, sibling_order(rows.plan[child], rows.schema[child]), fk.columns)
    scores = kind_scores(held, kinds, rows.protection, seed, child, fk.name)
    rows.itemsets[child] = Itemset(fk.name, variable, scores, places)
