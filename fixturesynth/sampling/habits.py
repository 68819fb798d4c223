"""Children dealt to their second and third parents by what these parents' children are like (generators.habits)."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from fixturesynth.arrays import array_of
from fixturesynth.generators.habits import Habits, classes_of
from fixturesynth.generators.redealing import Leaning, redeal
from fixturesynth.generators.tablemodel import TableModel
from fixturesynth.planning.hanging import hanging_on_parent, may_exchange
from fixturesynth.planning.plan import Reference, TablePlan
from fixturesynth.sampling.assembly import Assembly, compute
from fixturesynth.sampling.matching import codes_of, pair_keys

__all__ = ["deal_by_habits", "habits_of_parents"]

Integers = npt.NDArray[np.int64]
Columns = dict[str, pa.Array]

TURNS = 20


def habits_of_parents(plan: TablePlan, models: Mapping[str, TableModel]) -> dict[str, Habits]:
    """By matched reference, what its parents' model knows of their habits; none where parents come again among
    siblings, who would lose them to others."""
    found = {}
    own = models.get(plan.name)
    for reference in plan.references:
        if own is not None and reference.foreign_key in own.returning:
            continue
        model = models.get(reference.parent)
        habits = model.habits.get(f"{plan.name}.{reference.foreign_key}") if model is not None else None
        if habits and reference.how == "matched":
            found[reference.foreign_key] = habits
    return found


def deal_by_habits(assembly: Assembly, columns: Columns) -> Columns:
    """``columns`` after rows have exchanged parents of matched references, so that each parent has the children that
    its model says of it. Every parent keeps the number of its children, and blocks and shared columns their rows."""
    for foreign_key, habits in assembly.habits.items():
        if foreign_key not in assembly.ranks or not may_exchange(assembly.plan, foreign_key):
            continue
        hanging = hanging_on_parent(assembly.plan, assembly.table, foreign_key)
        ranks = _dealt(assembly, foreign_key, habits, columns, hanging)
        if ranks is not None:
            assembly.ranks[foreign_key] = ranks
            columns = compute(assembly, {name: v for name, v in columns.items() if name not in hanging})
    return columns


def _dealt(
    assembly: Assembly, foreign_key: str, habits: Habits, columns: Mapping[str, pa.Array], hanging: frozenset[str]
) -> Integers | None:
    parent = assembly.made[assembly.table.foreign_key(foreign_key).parent]
    features = parent.features
    known = {v.name: v.size for v in features.variables} if features is not None else {}
    ranks = assembly.ranks[foreign_key]
    rows = np.flatnonzero(ranks >= 0)
    usable = [
        h for h in habits
        if known.get(h.variable) == h.scores.shape[0] and h.column in columns and h.column not in hanging
    ]  # fmt: skip
    if features is None or not usable or not rows.size:
        return None
    taken = array_of(rows)
    leanings = [
        Leaning(
            features.column(h.variable).astype(np.int64), h.scores, classes_of(h, columns[h.column].take(taken))
        )
        for h in usable
    ]  # fmt: skip
    blocks = _blocks(assembly, foreign_key)
    owner = ranks[rows]
    for turn in range(TURNS):
        owner = redeal(owner, blocks, leanings, turn, assembly.seed, assembly.table.name, foreign_key, "habits")
    out = ranks.copy()
    out[rows] = owner
    return out


def _blocks(assembly: Assembly, foreign_key: str) -> Integers:
    """Parents, (parents,), among which children may be exchanged: of one block, and alike in what the key shares with
    other references."""
    fk = assembly.table.foreign_key(foreign_key)
    parent = assembly.made[fk.parent]
    parts = [np.zeros(parent.rows, dtype=np.int64)]
    block = assembly.model.blocks.get(foreign_key) if assembly.model is not None else None
    if block is not None and block.home is not None and parent.features is not None:
        parts.append(parent.features.column(block.home).astype(np.int64))
    for column, theirs in zip(fk.columns, fk.parent_columns, strict=True):
        source = assembly.plan.column(column).source
        if not isinstance(source, Reference) or source.foreign_key != foreign_key:
            parts.append(codes_of(parent.columns[theirs]))
    return pair_keys(*parts)
