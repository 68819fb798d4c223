"""Parents for every reference that is not the context: matched by degree and block, trees, second passes."""

from __future__ import annotations

from collections.abc import Mapping
from heapq import heapify, heapreplace

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from fixturesynth.arrays import array_of, fill_null, numpy_of
from fixturesynth.errors import UnsatisfiableError
from fixturesynth.generators.tablemodel import TableModel, block_variable
from fixturesynth.planning.plan import Reference, ReferencePlan, TablePlan
from fixturesynth.planning.rows import never_itself
from fixturesynth.randomness import below, hashed
from fixturesynth.sampling.assembly import Made
from fixturesynth.sampling.balancing import balanced, fill_unled
from fixturesynth.sampling.branching import held_null
from fixturesynth.sampling.counts import allot, stretch
from fixturesynth.sampling.covering import covered
from fixturesynth.sampling.degrees import degrees_of
from fixturesynth.sampling.matching import forest, match, pair_keys
from fixturesynth.sampling.partition import generated
from fixturesynth.sampling.reconciling import reconciled
from fixturesynth.sampling.returning import MOST_ROWS, returned
from fixturesynth.sampling.sharing import agreeing_apart, moved_to
from fixturesynth.schema.model import ForeignKey, Table

__all__ = ["agreeing", "filled_by", "match_references", "nulls_as_planned"]

Integers = npt.NDArray[np.int64]
Codes = npt.NDArray[np.int32]


def match_references(
    plan: TablePlan,
    table: Table,
    rows: int,
    ranks: dict[str, Integers],
    codes: Codes,
    model: TableModel | None,
    made: Mapping[str, Made],
    models: Mapping[str, TableModel],
    seed: int,
    needed: Mapping[str, Integers] | None = None,
    agree: Mapping[str, npt.NDArray[np.bool_]] | None = None,
) -> dict[str, Integers]:
    """``ranks`` (the context's) with the ranks of every other reference but the implied and later ones.

    ``needed``: by foreign key, parents that must have a child; ``agree``: parents that may have one (see
    sampling.sharing).
    """
    out = dict(ranks)
    ordered = sorted((r for r in plan.references if r.how == "matched"), key=lambda r: -len(_columns(table, r)))
    for reference in _deciding_first(ordered):
        least = (needed or {}).get(reference.foreign_key)
        able = (agree or {}).get(reference.foreign_key)
        out[reference.foreign_key] = _match(
            plan, table, rows, reference, out, codes, model, made, models, seed, least, able
        )
        if reference.decided_by is not None and reference.decided_by in out:
            out[reference.foreign_key] = _one_for_each(out[reference.foreign_key], out[reference.decided_by])
    for reference in plan.references:
        if reference.how == "self":
            out[reference.foreign_key] = _tree(plan, table, rows, reference, out, made, seed)
    return out | fill_unled(plan, table, rows, out, made, seed)


def _deciding_first(references: list[ReferencePlan]) -> list[ReferencePlan]:
    by_name = {r.foreign_key: r for r in references}

    def depth(reference: ReferencePlan) -> int:
        above = by_name.get(reference.decided_by or "")
        return 0 if above is None else 1 + depth(above)

    return sorted(references, key=depth)


def _one_for_each(ranks: Integers, deciding: Integers) -> Integers:
    """``ranks`` (n,) in which all rows of one deciding parent have one parent, NULL (-1) being one.

    The largest families come first: they keep what their first row has as long as that parent has room for them, else
    they go to the one with most room, so that the numbers of children stay what they were, as nearly as can be.
    """
    rows = np.flatnonzero(deciding >= 0)
    _, first, group, sizes = np.unique(deciding[rows], return_index=True, return_inverse=True, return_counts=True)
    chosen = ranks[rows][first]
    room = np.bincount(ranks[rows] + 1).astype(np.int64)
    widest = [(-size, parent - 1) for parent, size in enumerate(room.tolist()) if size]
    heapify(widest)
    for at in np.lexsort((first, -sizes)).tolist():
        size, parent = int(sizes[at]), int(chosen[at])
        if room[parent + 1] < size:
            while -widest[0][0] != room[widest[0][1] + 1]:  # given away since it was noted
                heapreplace(widest, (-int(room[widest[0][1] + 1]), widest[0][1]))
            parent = widest[0][1]
        room[parent + 1] -= size
        chosen[at] = parent
    out = ranks.copy()
    out[rows] = chosen[group]
    return out


def _columns(table: Table, reference: ReferencePlan) -> tuple[str, ...]:
    return table.foreign_key(reference.foreign_key).columns


def nulls_as_planned(rows: int, share: float, seed: int, *address: str | int) -> npt.NDArray[np.bool_]:
    """Exactly the planned share of rows, chosen by keyed hash; shape (rows,)."""
    out = np.zeros(rows, dtype=bool)
    count = round(rows * share)
    if count:
        out[np.argsort(hashed(np.arange(rows), seed, *address, "null"), kind="stable")[:count]] = True
    return out


def _nulls_as_asked(
    wanted: Integers, empty: npt.NDArray[np.bool_], share: float, seed: int, *address: str | int
) -> tuple[Integers, npt.NDArray[np.bool_]]:
    """The user's share of NULL instead of the learned one; rows that lose their NULL take another row's block."""
    asked = nulls_as_planned(wanted.size, share, seed, *address)
    donors, gaps = np.flatnonzero(~empty), np.flatnonzero(empty & ~asked)
    if donors.size:
        drawn = hashed(gaps, seed, *address, "filled") % np.uint64(donors.size)
        wanted[gaps] = wanted[donors[drawn.astype(np.int64)]]
    return wanted, asked


def _nulls_as_learned(
    wanted: Integers, empty: npt.NDArray[np.bool_], share: float, seed: int, *address: str | int
) -> tuple[Integers, npt.NDArray[np.bool_]]:
    """As many NULLs as the rows had: the fewest rows change, chosen by hash, and take another row's block."""
    surplus = int(empty.sum()) - round(empty.size * share)
    pool = np.flatnonzero(empty == (surplus > 0))
    order = np.argsort(hashed(pool, seed, *address, "changed"), kind="stable")
    changed = pool[order[: abs(surplus)]]
    out = empty.copy()
    out[changed] = surplus < 0
    donors = np.flatnonzero(~empty)
    if surplus > 0:
        # -1 is nobody's block: such a row takes whichever parent is left.
        drawn = hashed(changed, seed, *address, "filled") % np.uint64(max(donors.size, 1))
        wanted[changed] = wanted[donors[drawn.astype(np.int64)]] if donors.size else -1
    return wanted, out


def _match(
    plan: TablePlan,
    table: Table,
    rows: int,
    reference: ReferencePlan,
    ranks: Mapping[str, Integers],
    codes: Codes,
    model: TableModel | None,
    made: Mapping[str, Made],
    models: Mapping[str, TableModel],
    seed: int,
    least: Integers | None,
    able: npt.NDArray[np.bool_] | None,
) -> Integers:
    name = reference.foreign_key
    fk = table.foreign_key(name)
    parent = made[fk.parent]
    wanted = np.zeros(rows, dtype=np.int64)
    blocks = np.zeros(parent.rows, dtype=np.int64)
    variables = [v.name for v in generated(model)] if model is not None else []
    block = model.blocks.get(name) if model is not None else None
    if block is not None and block_variable(name) in variables:
        wanted = codes[:, variables.index(block_variable(name))].astype(np.int64)
        empty = wanted >= block.size
        settle_nulls = _nulls_as_asked if reference.nulls_asked else _nulls_as_learned
        wanted, empty = settle_nulls(wanted, empty, reference.null_share, seed, table.name, name)
        if block.rows is not None and block.rows.size == parent.rows:
            blocks = block.rows
        elif block.home is not None and parent.features is not None:
            blocks = parent.features.column(block.home).astype(np.int64)
    else:
        empty = nulls_as_planned(rows, reference.null_share, seed, table.name, name)
    if plan.branches:
        never, always = held_null(plan, rows, seed, filled_by(plan, table, reference))
        empty = (empty | never) & ~always
        if reference.exclusive and int((~empty).sum()) > parent.rows:
            empty = _as_many_as(parent.rows, empty, always, seed, table.name, name)
    shared = _shared(plan, table, fk, reference)
    asked = np.flatnonzero(~empty)
    degrees = degrees_of(
        table.name, reference, parent.rows, asked.size, models.get(fk.parent), parent.features, None, seed
    )
    dealt = balanced(degrees, plan, table, reference, models.get(fk.parent), made, seed)
    if block is not None and block.home is not None and dealt is degrees and not reference.exclusive:
        asking = np.bincount(wanted[asked][wanted[asked] >= 0], minlength=block.size)[: block.size]
        dealt = reconciled(degrees, blocks, asking)
    words = hashed(np.arange(parent.rows), seed, table.name, name, "able")
    degrees = moved_to(covered(dealt, least), able, 1 if reference.exclusive else None, words)
    out = np.full(rows, -1, dtype=np.int64)
    if shared:
        own, theirs = _shared_codes(table, fk, shared, ranks, made, plan)
        if able is not None:
            theirs = np.where(able, theirs, -2)
        if reference.exclusive:
            out[asked] = agreeing_apart(own[asked], theirs, seed, table.name, name)
            _refuse_lonely(table, fk, out[asked])
            return out
        out[asked] = agreeing(table, fk, own[asked], theirs, degrees, seed)
        return out
    counts = model.returning.get(name) if model is not None else None
    families = ranks.get(plan.context) if plan.context is not None else None
    if counts and families is not None and asked.size <= MOST_ROWS and not reference.exclusive:
        out[asked] = returned(wanted[asked], families[asked], blocks, degrees, counts, seed, table.name, name)
    else:
        out[asked] = match(wanted[asked], blocks, degrees, seed, table.name, name)
    return out


def _as_many_as(
    most: int, empty: npt.NDArray[np.bool_], always: npt.NDArray[np.bool_], seed: int, *address: str
) -> npt.NDArray[np.bool_]:
    """``empty`` with more rows, so that at most ``most`` are left, those that ``always`` have a parent among them."""
    asked = np.flatnonzero(~empty)
    order = np.lexsort((hashed(asked, seed, *address, "one each"), ~always[asked]))
    out = empty.copy()
    out[asked[order[most:]]] = True
    return out


def _shared(
    plan: TablePlan, table: Table, fk: ForeignKey, reference: ReferencePlan
) -> tuple[tuple[str, str, str, str], ...]:
    """(parent column of this key, other foreign key, its parent's column, child column) for columns filled by both."""
    found = []
    for column, parent_column in zip(fk.columns, fk.parent_columns, strict=True):
        source = plan.column(column).source
        if isinstance(source, Reference) and source.foreign_key != reference.foreign_key:
            found.append((parent_column, source.foreign_key, source.parent_column, column))
    return tuple(found)


def _shared_codes(
    table: Table,
    fk: ForeignKey,
    shared: tuple[tuple[str, str, str, str], ...],
    ranks: Mapping[str, Integers],
    made: Mapping[str, Made],
    plan: TablePlan,
) -> tuple[Integers, Integers]:
    """Codes of the shared columns' values: what the child has already, and what each parent offers."""
    rows = next(iter(ranks.values())).size
    own, theirs = np.zeros(rows, dtype=np.int64), np.zeros(made[fk.parent].rows, dtype=np.int64)
    for parent_column, other, other_column, _ in shared:
        if other not in ranks:
            continue
        there = made[fk.parent].columns[parent_column]
        source = made[table.foreign_key(other).parent].columns[other_column]
        here = source.take(array_of(ranks[other], pa.int64(), mask=ranks[other] < 0))
        distinct = pc.unique(there).drop_null()
        width = len(distinct) + 1
        a = numpy_of(fill_null(pc.index_in(here.cast(there.type), distinct), -1))
        b = numpy_of(fill_null(pc.index_in(there, distinct), -1))
        own = np.where((own < 0) | (a < 0), -1, own * width + a)
        theirs = np.where((theirs < 0) | (b < 0), -2, theirs * width + b)
    return own, theirs


def agreeing(table: Table, fk: ForeignKey, own: Integers, theirs: Integers, degrees: Integers, seed: int) -> Integers:
    """Parents that agree with what the row has: by degree as far as it goes, then by hash among those that agree."""
    out = match(np.maximum(own, -1), theirs, degrees, seed, table.name, fk.name)
    wrong = np.flatnonzero(theirs[out] != own) if out.size else out
    if not wrong.size:
        return out
    order = np.argsort(theirs, kind="stable")
    low = np.searchsorted(theirs[order], own[wrong], side="left")
    many = np.searchsorted(theirs[order], own[wrong], side="right") - low
    draws = hashed(wrong, seed, table.name, fk.name, "agreeing") % np.maximum(many, 1).astype(np.uint64)
    out[wrong] = np.where(many > 0, order[np.minimum(low + draws.astype(np.int64), order.size - 1)], -1)
    _refuse_lonely(table, fk, out)
    return out


def _refuse_lonely(table: Table, fk: ForeignKey, ranks: Integers) -> None:
    lonely = int((ranks < 0).sum())
    if lonely and not any(table.column(c).nullable for c in fk.columns):
        raise UnsatisfiableError(
            f"{table.name}: {lonely} rows find no row of {fk.parent} that agrees in the columns that "
            f"{fk.name} shares with another foreign key; give {fk.parent} more rows"
        )


def _tree(
    plan: TablePlan,
    table: Table,
    rows: int,
    reference: ReferencePlan,
    ranks: Mapping[str, Integers],
    made: Mapping[str, Made],
    seed: int,
) -> Integers:
    roots = round(rows * reference.null_share)
    nullable = any(table.column(c).nullable for c in table.foreign_key(reference.foreign_key).columns)
    loops = roots == 0 and not nullable
    roots = min(max(roots, 1), rows)
    chained = reference.exclusive or _in_unique_set(plan, table, reference)
    never, always = held_null(plan, rows, seed, filled_by(plan, table, reference))
    # Where a row may not be its own parent, a root takes the row after it, and the tree has a loop there.
    after = int(never_itself(plan, table, reference))
    if chained and loops:
        # A root takes itself, and then no other row is left to reference it.
        return (np.arange(rows, dtype=np.int64) + after) % rows
    groups = _family_groups(plan, table, rows, reference, ranks, made)
    if groups is not None:
        return np.where(never, -1, _trees(groups, reference, chained, loops, seed, table.name))
    if chained:
        degrees = np.ones(rows - roots, dtype=np.int64)
    elif reference.counts:
        degrees = stretch(reference.counts, rows, rows - roots)
    else:
        degrees = allot(_branching(rows, seed, table.name, reference.foreign_key), rows - roots)
    parents = forest(rows, roots, degrees)
    if loops:
        parents[:roots] = (np.arange(roots) + after) % rows
    return _grafted(np.where(never, -1, parents), always, after)


def _grafted(parents: Integers, always: npt.NDArray[np.bool_], after: int) -> Integers:
    """``parents`` with roots that must have one (``always``) put under roots that need none.

    Where all must, each takes the next one, which closes a loop.
    """
    wanting = np.flatnonzero((parents < 0) & always)
    free = np.flatnonzero((parents < 0) & ~always)
    out = parents.copy()
    if free.size:
        out[wanting] = free[np.arange(wanting.size) % free.size]
    elif wanting.size > 1:
        out[wanting] = np.roll(wanting, -1)
    else:
        out[wanting] = (wanting + after) % parents.size
    return out


def _in_unique_set(plan: TablePlan, table: Table, reference: ReferencePlan) -> bool:
    """Whether a unique set holds only as long as no row has two children; shared columns do not count."""
    own = filled_by(plan, table, reference)
    return any(u.how == "by_pairs" and own & set(u.columns) for u in plan.uniques)


def filled_by(plan: TablePlan, table: Table, reference: ReferencePlan) -> set[str]:
    """Columns of the reference that no other one fills."""
    sources = {c: plan.column(c).source for c in _columns(table, reference)}
    return {c for c, s in sources.items() if isinstance(s, Reference) and s.foreign_key == reference.foreign_key}


def _family_groups(
    plan: TablePlan,
    table: Table,
    rows: int,
    reference: ReferencePlan,
    ranks: Mapping[str, Integers],
    made: Mapping[str, Made],
) -> Integers | None:
    """A group for each row, shape (rows,), -1 for none; a row references one of its own group. None: all are one.

    Rows are grouped by the columns that the reference shares with other foreign keys, and by those that are unique
    together with it.
    """
    fk = table.foreign_key(reference.foreign_key)
    shared = _shared(plan, table, fk, reference)
    if any(parent_column != column for parent_column, _, _, column in shared):
        if any(table.column(c).nullable for c in fk.columns):
            return np.full(rows, -1, dtype=np.int64)
        raise UnsatisfiableError(
            f"{table.name}: {fk.name} references its own table through columns that another foreign key fills; "
            "make one of its columns nullable, or leave the table out"
        )
    columns = {column: (other, theirs) for _, other, theirs, column in shared}
    own = filled_by(plan, table, reference)
    for unique in plan.uniques:
        for column in unique.columns if unique.how == "by_pairs" and own & set(unique.columns) else ():
            source = plan.column(column).source
            if isinstance(source, Reference) and source.foreign_key in ranks and column not in own:
                columns[column] = (source.foreign_key, source.parent_column)
    if not columns:
        return None
    codes = []
    for other, theirs in columns.values():
        values = made[table.foreign_key(other).parent].columns[theirs]
        taken = values.take(array_of(ranks[other], pa.int64(), mask=ranks[other] < 0))
        codes.append(numpy_of(fill_null(pc.dictionary_encode(taken).indices, -1)).astype(np.int64))
    return np.where(np.all([c >= 0 for c in codes], axis=0), pair_keys(*codes), -1)


def _trees(
    groups: Integers, reference: ReferencePlan, chained: bool, loops: bool, seed: int, table: str
) -> Integers:  # fmt: skip
    """A tree in every group: a row references an earlier one of its group, or none (itself, with ``loops``)."""
    order = np.argsort(groups, kind="stable")
    start = np.searchsorted(groups[order], groups[order], side="left")
    place = np.arange(groups.size, dtype=np.int64) - start
    words = hashed(order, seed, table, reference.foreign_key, "tree")
    above = place - 1 if chained else below(words, np.maximum(place, 1))
    root = (place == 0) | (groups[order] < 0)
    if not loops:
        share = np.uint64(int(min(reference.null_share, 1.0) * 2**32))
        root |= (words & np.uint64(2**32 - 1)) < share
    parents = np.full(groups.size, -1, dtype=np.int64)
    parents[order] = np.where(root, order if loops else -1, order[np.minimum(start + above, groups.size - 1)])
    return parents


def _branching(rows: int, seed: int, *address: str | int) -> Integers:
    """Weights of parents in a tree without rows to learn from: a third of the rows have children."""
    drawn = hashed(np.arange(rows), seed, *address, "branching")
    return np.where(drawn % np.uint64(3) == 0, 1 + (drawn >> np.uint64(62)).astype(np.int64), 0)
