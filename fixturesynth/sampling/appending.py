"""Rows that go beside those of a target: what would repeat a unique value that is there takes another."""

from __future__ import annotations

from math import prod

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from fixturesynth.arrays import array_of
from fixturesynth.errors import CapacityError
from fixturesynth.generators.keys import locate
from fixturesynth.planning.plan import Key, Rule, RuleCall, UniquePlan
from fixturesynth.randomness import hashed
from fixturesynth.rules.registry import capacity
from fixturesynth.sampling.assembly import Assembly
from fixturesynth.sampling.folding import folded, folds_case
from fixturesynth.sampling.gates import inside_predicate
from fixturesynth.sampling.matching import codes_of, pair_keys
from fixturesynth.sampling.partition import context_of, rule_values
from fixturesynth.sampling.searching import alone
from fixturesynth.schema.model import ForeignKey
from fixturesynth.schema.predicates import NotUnderstood, evaluate
from fixturesynth.schema.predicates.arrays import unify

__all__ = ["met", "past", "past_pairs", "refuse_met"]

Integers = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]
Columns = dict[str, pa.Array]

MOST_PAIRS = 2**22  # tuples of parents that are looked through
TRIED = 4096  # values of a rule that are made at once while unused ones are looked for


def met(assembly: Assembly, columns: Columns, unique: UniquePlan) -> Mask:
    """Rows whose tuple in the set a row of the target has, (rows,)."""
    out = np.zeros(assembly.rows, dtype=bool)
    there = assembly.there
    if there is None or not there.num_rows or not set(unique.columns) <= set(there.column_names) & columns.keys():
        return out
    any_case = folds_case(assembly.table, unique.name)
    parts = []
    for name in unique.columns:
        both = _joined(columns[name], _whole(there, name))
        if both is None:
            return out
        parts.append(codes_of(folded(both, assembly.table.column(name), assembly.dialect, any_case=any_case)))
    taking = np.ones(parts[0].size, dtype=bool)
    if unique.nulls_distinct:
        counted = [p >= 0 for c, p in zip(unique.columns, parts, strict=True) if c not in unique.stand_ins]
        taking = np.all([taking, *counted], axis=0)
    if unique.how == "by_gate":
        taking[: assembly.rows] &= inside_predicate(assembly, columns, unique)
        taking[assembly.rows :] &= ~evaluate(f"NOT ({unique.predicate})", there, assembly.dialect)
    keys = pair_keys(*parts)
    theirs = keys[assembly.rows :][taking[assembly.rows :]]
    out[:] = np.isin(keys[: assembly.rows], theirs) & taking[: assembly.rows]
    return out


def _joined(own: pa.Array, theirs: pa.Array) -> pa.Array | None:
    """Both, in one type; None where they cannot be compared, and the database has the word."""
    try:
        return pa.concat_arrays([own, theirs.cast(own.type)])
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        pass
    try:
        return pa.concat_arrays(unify([own, theirs]))
    except (NotUnderstood, pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return None


def _whole(there: pa.Table, name: str) -> pa.Array:
    values = there.column(name).combine_chunks()
    return pa.concat_arrays(values.chunks) if isinstance(values, pa.ChunkedArray) else values


def past(assembly: Assembly, columns: Columns, unique: UniquePlan, rows: Integers) -> bool:
    """Give ``rows`` (ascending) values of the set's unique rule that neither the target nor this table has.

    False where the set has no such rule. A rule that reads other columns of its row takes a later rank instead, which
    is part of what it makes. CapacityError where the rule has too few values left.
    """
    for name in unique.columns:
        source = assembly.plan.column(name).source
        if not isinstance(source, Key | Rule) or not source.call.unique:
            continue
        if isinstance(source, Rule) and (source.needs or source.parents):
            before = assembly.later.get(name, np.arange(assembly.first, assembly.first + assembly.rows))
            assembly.later[name] = before.copy()
            assembly.later[name][rows] += assembly.rows + (assembly.there.num_rows if assembly.there is not None else 0)
            return True
        if name in assembly.base:
            values = _unused(assembly, columns, name, source.call, rows.size)
            index = np.arange(assembly.rows)
            index[rows] = assembly.rows + np.arange(rows.size)
            base = assembly.base[name]
            assembly.base[name] = pa.concat_arrays([base, values.cast(base.type)]).take(array_of(index))
            return True
    return False


def past_pairs(assembly: Assembly, columns: Columns, unique: UniquePlan, rows: Integers) -> bool:
    """Give ``rows`` (ascending) tuples of parents that neither the target nor other rows of this table have.

    For sets of references alone, the usual key of a table between two lists. A row keeps its parent in the first
    reference, the context's, where that still has partners left. False where the set is another, or is full.
    """
    names = [r.foreign_key for r in assembly.plan.references if r.foreign_key in assembly.ranks]
    names = [n for n in names if set(assembly.table.foreign_key(n).columns) <= set(unique.columns)]
    names.sort(key=lambda n: n != assembly.plan.context)
    keys = [assembly.table.foreign_key(n) for n in names]
    filled = [c for key in keys for c in key.columns]
    if sorted(filled) != sorted(unique.columns) or not all(alone(assembly, n) for n in names):
        return False
    sizes = [assembly.made[key.parent].rows for key in keys]
    if not 0 < prod(sizes) <= MOST_PAIRS or assembly.there is None:
        return False
    own = np.ravel_multi_index([np.maximum(assembly.ranks[n], 0) for n in names], sizes)
    others = np.setdiff1d(np.flatnonzero(np.all([assembly.ranks[n] >= 0 for n in names], axis=0)), rows)
    free = np.ones(prod(sizes), dtype=bool)
    free[own[others]] = False
    there = [_ranks_there(assembly, key) for key in keys]
    known = np.all([t >= 0 for t in there], axis=0)
    free[np.ravel_multi_index([t[known] for t in there], sizes)] = False
    cells = np.flatnonzero(free)
    cells = cells[np.argsort(hashed(cells, assembly.seed, assembly.table.name, unique.name, "pairs"), kind="stable")]
    if cells.size < rows.size:
        return False
    # Cells by first parent, and rows by the one that they have: the n-th of one takes the n-th of the other.
    width = prod(sizes[1:])
    cells = cells[np.argsort(cells // width, kind="stable")]
    order = rows[np.argsort(own[rows] // width, kind="stable")]
    asked, given = own[order] // width, cells // width
    place = np.arange(order.size) - np.searchsorted(asked, asked, side="left")
    first = np.searchsorted(given, asked, side="left")
    fits = place < np.searchsorted(given, asked, side="right") - first
    chosen = np.zeros(order.size, dtype=np.int64)
    chosen[fits] = cells[(first + place)[fits]]
    left = np.setdiff1d(cells, chosen[fits])
    words = hashed(left, assembly.seed, assembly.table.name, unique.name, "left over")
    chosen[~fits] = left[np.argsort(words, kind="stable")][: int((~fits).sum())]
    for name, ranks in zip(names, np.unravel_index(chosen, sizes), strict=True):
        assembly.ranks[name] = assembly.ranks[name].copy()
        assembly.ranks[name][order] = ranks
    return True


def _ranks_there(assembly: Assembly, key: ForeignKey) -> Integers:
    """The parent's row, among those made here, of every row of the target; -1 where it is none of them."""
    assert assembly.there is not None
    parent = assembly.made[key.parent].columns
    return locate([_whole(assembly.there, c) for c in key.columns], [parent[c] for c in key.parent_columns])


def _unused(assembly: Assembly, columns: Columns, name: str, call: RuleCall, count: int) -> pa.Array:
    """The first ``count`` values of later ranks that are not taken."""
    assert assembly.there is not None
    column = assembly.table.column(name)
    most = capacity(call, context_of(assembly.table, name, assembly.locale, assembly.now))
    made = rule_values(assembly.table, assembly.seed, assembly.locale, assembly.now)
    joined = _joined(columns[name], _whole(assembly.there, name))
    taken = columns[name] if joined is None else joined
    taken = pc.unique(folded(taken, column, assembly.dialect, any_case=True))
    found: list[pa.Array] = []
    first = assembly.first + assembly.rows
    while count and first < most:
        values = made(name, call, np.arange(first, min(most, first + max(TRIED, 2 * count))))
        first += len(values)
        compared = folded(unify([values, columns[name]])[0], column, assembly.dialect, any_case=True)
        values = values.filter(pc.invert(pc.is_in(compared, taken)))[:count]
        count -= len(values)
        found.append(values)
    if count:
        raise CapacityError(
            f"{assembly.table.name}.{name}: with the {assembly.there.num_rows:,} rows of the target, rule "
            f"{call.name!r} has {count:,} of its {most:,} distinct values too few; ask for fewer rows or use --truncate"
        )
    return pa.concat_arrays(found)


def refuse_met(assembly: Assembly, columns: Columns) -> None:
    """CapacityError where rows would still repeat what the target has."""
    for unique in assembly.plan.uniques:
        count = int(met(assembly, columns, unique).sum())
        if count:
            raise CapacityError(
                f"{assembly.table.name}: {count:,} of {assembly.rows:,} rows would repeat rows of the target in "
                f"({', '.join(unique.columns)}); ask for fewer rows or use --truncate"
            )
