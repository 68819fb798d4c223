"""What a table's rows have of their second and third parents: of which block they are, and whether they come again."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from fixturesynth.generators.blocks import row_block
from fixturesynth.generators.gathering import Coded, Rows
from fixturesynth.generators.tablemodel import MOST_KNOWN, SITUATIONS, Block, block_variable, home_variable
from fixturesynth.planning.plan import TablePlan

__all__ = ["EARLIER", "NEW", "SAME", "add_blocks", "find_returning", "situation"]

Integers = npt.NDArray[np.int64]

SAME, EARLIER, NEW = range(3)  # the parent of the sibling before, that of an earlier one, or none of theirs
MOST_ROWS = 400_000  # that are looked at
LEAST_ROWS = 50
LEAST_FAMILIES = 20
MORE = 2.0  # times as often as by chance a parent must come again
LEAST_AGAIN = 0.2  # of the rows that might have a sibling's parent


def add_blocks(rows: Rows, table: TablePlan, order: Integers, coded: Coded) -> dict[str, Block]:
    """Blocks of the parents of every matched reference, and the variable that says which one a row wants."""
    blocks: dict[str, Block] = {}
    for reference in table.references:
        if reference.how != "matched":
            continue
        fk, parent = reference.foreign_key, reference.parent
        ranks = rows.rank(table.name, fk)[order]
        if rows.plan[parent].mode == "verbatim":
            degrees = rows.degrees(table.name, fk, parent)
            block = row_block(degrees)
        elif (name := home_variable(table.name, fk)) in {v.name for v in rows.features[parent].variables}:
            size = next(v.size for v in rows.features[parent].variables if v.name == name)
            block = Block(size, home=name)
        else:
            block = Block(1)
        codes = np.where(ranks >= 0, _by_parent(rows, parent, block, ranks), block.size)
        blocks[fk] = block
        if block.size > 1 or (ranks < 0).any():
            coded.add(block_variable(fk), block.size + 1, codes)
    return blocks


def _by_parent(rows: Rows, parent: str, block: Block, ranks: Integers) -> Integers:
    """The block that each child's parent is of, (n,)."""
    by_parent = block.rows
    if block.home is not None:
        by_parent = rows.features[parent].column(block.home).astype(np.int64)
    if by_parent is None or not by_parent.size:
        return np.zeros_like(ranks)
    own: Integers = by_parent[np.maximum(ranks, 0)].astype(np.int64)
    return own


def situation(known: int, beside: bool) -> int:
    """Number of the situation in which a sibling finds ``known`` parents of its block among those before it, the very
    last of them being one (``beside``) or not."""
    return (min(known, MOST_KNOWN) - 1) * 2 + int(beside)


def find_returning(
    rows: Rows, table: TablePlan, order: Integers, families: Integers | None, blocks: dict[str, Block]
) -> dict[str, tuple[int, ...]]:
    """By matched reference whose parents come again among siblings more often than chance has it: how often SAME,
    EARLIER and NEW ones were seen in each ``situation``, one after the other.

    ``order``, (n,): rows side by side with their siblings; ``families`` (n,): their context parents, -1 for none. A
    list that is kept word for word needs none of this: which of its rows siblings choose is learned as it is.
    """
    found: dict[str, tuple[int, ...]] = {}
    if families is None:
        return found
    for reference in table.references:
        block = blocks.get(reference.foreign_key)
        if block is None or block.rows is not None or reference.exclusive or reference.decided_by is not None:
            continue
        ranks = rows.rank(table.name, reference.foreign_key)[order]
        own = _by_parent(rows, reference.parent, block, ranks)
        counts = _counted(families[:MOST_ROWS], ranks[:MOST_ROWS], own[:MOST_ROWS])
        if counts is not None:
            found[reference.foreign_key] = counts
    return found


def _counted(families: Integers, ranks: Integers, own: Integers) -> tuple[int, ...] | None:
    linked = np.flatnonzero((families >= 0) & (ranks >= 0))
    families, ranks, own = families[linked], ranks[linked], own[linked]
    if ranks.size < LEAST_ROWS:
        return None
    degrees, wide = np.bincount(ranks), np.bincount(own)
    counts = np.zeros((SITUATIONS, 3), dtype=np.int64)
    chance, several = 0.0, 0
    family, last, known = -1, -1, dict[int, list[int]]()
    for here, rank, block in zip(families.tolist(), ranks.tolist(), own.tolist(), strict=True):
        if here != family:
            family, last, known = here, -1, {}
        before = known.setdefault(block, [])
        if before:
            outcome = SAME if rank == last else EARLIER if rank in before else NEW
            counts[situation(len(before), last in before), outcome] += 1
            chance += sum(int(degrees[one]) for one in before) / int(wide[block])
            several += len(before) == 1 and outcome != NEW
        if rank not in before:
            before.append(rank)
        last = rank
    again = int(counts[:, :NEW].sum())
    if several < LEAST_FAMILIES or again < max(LEAST_ROWS, MORE * chance, LEAST_AGAIN * int(counts.sum())):
        return None
    return tuple(counts.reshape(-1).tolist())
