"""The last resort: rows that still break a condition draw columns and parents of theirs anew until they fit."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from fixturesynth.arrays import array_of
from fixturesynth.generators.derivation import as_type
from fixturesynth.planning.plan import Key, Reference, Rule, RuleCall
from fixturesynth.profiling.semantics import guess_meaning
from fixturesynth.randomness import below, hashed
from fixturesynth.rules.choice import rule_for_column
from fixturesynth.rules.registry import capacity, space_of
from fixturesynth.sampling.assembly import Assembly
from fixturesynth.sampling.matching import codes_of, pair_keys
from fixturesynth.sampling.partition import context_of
from fixturesynth.schema.model import ForeignKey
from fixturesynth.schema.predicates import NotUnderstood, compile_condition, compile_constraints

__all__ = ["Condition", "alone", "search"]

Integers = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]
Columns = dict[str, pa.Array]
# Columns, and a function from the table's columns to the rows that break it, (rows,).
Condition = tuple[frozenset[str], Callable[[Columns], Mask]]

TURNS = 200
IDLE = 60  # turns without gain after which the rest is given up
PATIENT = 2_000  # rows: tables of fewer have more turns, ten times as many at most
WIDE = 8  # turns without gain after which columns draw that share a condition with those of a broken one
ALONE = 30  # turns without gain after which rows draw together with others of their family
MOST_TOGETHER = 16  # rows that draw with one that breaks a condition


def search(assembly: Assembly, columns: Columns, conditions: Sequence[Condition]) -> Columns:
    """``columns`` with fewer rows, mostly none, that break a condition; parents change in ``assembly.ranks`` too.

    A row that breaks one draws some of that condition's columns: values of their rules and of those that a check asks
    for, other parents (of its own table: earlier rows), NULL where the column allows it. What leaves the table with
    more broken rows than before is taken back. Where that leads nowhere, columns draw too that are in a condition with
    those, and rows that share a unique set's parents with it. Unique rule columns, keys and columns that several
    foreign keys share keep what they have.
    """
    out, bad = columns, _broken(columns, conditions)
    if not any(b.any() for b in bad):
        return out
    calls = _calls(assembly)
    last = 0
    patience = min(max(PATIENT // assembly.rows, 1), 10)
    for turn in range(TURNS * patience):
        if not any(b.any() for b in bad) or turn - last > IDLE * patience:
            break
        names = {n for (own, _), b in zip(conditions, bad, strict=True) if b.any() for n in own}
        if turn - last > WIDE and turn % 2:
            names |= {n for own, _ in conditions if own & names for n in own}
        rows = np.flatnonzero(np.any(bad, axis=0))
        family = np.arange(assembly.rows)
        if turn - last > ALONE:
            family = _families(assembly, out, sorted(names))
            together = np.flatnonzero(np.isin(family, family[rows]))
            rows = together if together.size <= MOST_TOGETHER * rows.size else rows
        made, ranks = _drawn(assembly, out, calls, sorted(names), rows, turn)
        if not made:
            continue
        trial = out | made
        # Rows that are no better take everything back, so that those that are stay alone.
        still = np.any(_broken(trial, conditions), axis=0)
        worse = rows[np.isin(family[rows], family[rows][still[rows]])]
        trial = out | {name: _restored(values, out[name], worse) for name, values in made.items()}
        now = _broken(trial, conditions)
        before, after = int(np.any(bad, axis=0).sum()), int(np.any(now, axis=0).sum())
        if after > before or (after == before and worse.size == rows.size):
            continue
        last = turn if after < before else last
        out, bad = trial, now
        for name, chosen in ranks.items():
            chosen[worse] = assembly.ranks[name][worse]
            assembly.ranks[name] = chosen
    return out


def _families(assembly: Assembly, columns: Columns, names: Sequence[str]) -> Integers:
    """One number for rows that share the parents and keys of a unique set with one of ``names``, shape (rows,)."""
    for unique in assembly.plan.uniques:
        still = [
            c for c in unique.columns if c in columns and not isinstance(assembly.plan.column(c).source, Rule)
        ]  # fmt: skip
        if still and set(still) < set(unique.columns) and set(names) & set(unique.columns):
            return pair_keys(*(codes_of(columns[c]) for c in still))
    return np.arange(assembly.rows)


def _broken(columns: Columns, conditions: Sequence[Condition]) -> list[Mask]:
    return [test(columns) for _, test in conditions]


def _restored(values: pa.Array, before: pa.Array, rows: Integers) -> pa.Array:
    index = np.arange(len(values))
    index[rows] = index.size + rows
    return pa.concat_arrays([values, before]).take(array_of(index))


def _drawn(
    assembly: Assembly,
    columns: Columns,
    calls: Mapping[str, Sequence[RuleCall]],
    names: Sequence[str],
    rows: Integers,
    turn: int,
) -> tuple[Columns, dict[str, Integers]]:
    """New values of some of ``names`` in ``rows``, whole columns, and the ranks that changed with them."""
    made: Columns = {}
    ranks: dict[str, Integers] = {}
    for name in names:
        source = assembly.plan.column(name).source
        if name not in columns:
            continue
        words = hashed(rows, assembly.seed, assembly.table.name, name, "search", turn)
        # Alone and together: every column moves in about half of the rows.
        taking = (words & np.uint64(1)).astype(bool)
        where, own = rows[taking], words[taking] >> np.uint64(1)
        if not where.size:
            continue
        if isinstance(source, Rule) and not (source.needs or source.parents or source.call.unique):
            call = calls[name][turn // 2 % len(calls[name])]  # each in turns that are wide and in others
            made[name] = _values(assembly, columns[name], source, call, name, where, own)
        elif isinstance(source, Reference) and source.foreign_key not in ranks and _moves(assembly, source.foreign_key):
            fk = assembly.table.foreign_key(source.foreign_key)
            ranks[fk.name] = chosen = _other_parents(assembly, fk, where, own)
            theirs = columns if fk.parent == assembly.table.name else assembly.made[fk.parent].columns
            missing = array_of(chosen, pa.int64(), mask=chosen < 0)
            for column, named in zip(fk.columns, fk.parent_columns, strict=True):
                made[column] = as_type(theirs[named].take(missing), columns[column].type)
    return made, ranks


def _other_parents(assembly: Assembly, fk: ForeignKey, rows: Integers, words: npt.NDArray[np.uint64]) -> Integers:
    """The parents of all rows, of which those of ``rows`` are drawn anew: one earlier row of its own table, which
    closes no loop, or any row of another."""
    chosen = assembly.ranks[fk.name].copy()
    # The high bits choose among all parents, a low one whether there is any.
    if fk.parent == assembly.table.name:
        later = rows > 0
        chosen[rows[later]] = below(words[later] << np.uint64(1), rows[later])
    else:
        parents = assembly.made[fk.parent].rows
        chosen[rows] = below(words << np.uint64(1), max(parents, 1)) if parents else -1
    if any(assembly.table.column(c).nullable for c in fk.columns):
        chosen[rows[(words >> np.uint64(5)) % np.uint64(2) == 1]] = -1
    return chosen


def _calls(assembly: Assembly) -> dict[str, tuple[RuleCall, ...]]:
    """By column, the rules that it takes values of: its own, those of its branches, and those that a check asks for."""
    plan, table = assembly.plan, assembly.table
    out: dict[str, tuple[RuleCall, ...]] = {}
    for column in plan.columns:
        if isinstance(column.source, Rule):
            branched = (c for s in plan.branches for b in s.branches for c in b if c.name == column.name)
            out[column.name] = (column.source.call, *(c.call for c in branched if c.call))
    domains = compile_constraints(table, assembly.dialect, now=assembly.now).domains if plan.repairs else {}
    for _, text in plan.repairs:
        try:
            branches = compile_condition(text, table, assembly.dialect, null_passes=True, now=assembly.now)
        except NotUnderstood:
            continue
        for branch in branches:
            for name in out.keys() & branch.domains.keys():
                asked = branch.domains[name]
                asked = asked.intersect(domains[name]) if name in domains else asked
                context = context_of(table, name, assembly.locale, assembly.now)
                meaning = guess_meaning(table.name, table.column(name), None)
                call = rule_for_column(
                    table.name, table.column(name), meaning, asked, locale=assembly.locale, unique=False,
                    now=context.now,
                )  # fmt: skip
                if not asked.only_null and call is not None and call not in out[name] and capacity(call, context):
                    out[name] += (call,)
    return out


def _values(
    assembly: Assembly,
    column: pa.Array,
    source: Rule,
    call: RuleCall,
    name: str,
    rows: Integers,
    words: npt.NDArray[np.uint64],
) -> pa.Array:
    space = space_of(call, context_of(assembly.table, name, assembly.locale, assembly.now))
    drawn = space.at(below(words << np.uint64(1), max(space.size, 1)), {})
    empty = (words >> np.uint64(31)) % np.uint64(1000) < np.uint64(round(min(source.null_share, 1.0) * 1000))
    index = np.arange(len(column))
    index[rows] = index.size + np.arange(rows.size)
    values = pa.concat_arrays([column, as_type(drawn, column.type)])
    missing = np.zeros(len(column), dtype=bool)
    missing[rows[empty]] = True
    return values.take(array_of(index, pa.int64(), mask=missing))


def _moves(assembly: Assembly, foreign_key: str) -> bool:
    """Whether rows may take other parents: nothing else hangs on them, and in their own table those keep their keys."""
    if foreign_key not in assembly.ranks:
        return False
    fk = assembly.table.foreign_key(foreign_key)
    if assembly.plan.reference(foreign_key).how != "self":
        return alone(assembly, foreign_key)
    elsewhere = {c for other in assembly.table.foreign_keys if other is not fk for c in other.columns}
    if set(fk.columns) & elsewhere.union(fk.parent_columns):
        return False
    sources = [assembly.plan.column(c).source for c in fk.parent_columns]
    return all(isinstance(s, Key) or (isinstance(s, Rule) and s.call.unique) for s in sources)


def alone(assembly: Assembly, foreign_key: str) -> bool:
    """Whether the reference fills all of its columns itself, and no other key reads them."""
    if foreign_key not in assembly.ranks or assembly.plan.reference(foreign_key).how == "self":
        return False
    own = set(assembly.table.foreign_key(foreign_key).columns)
    return not any(own & set(fk.columns) for fk in assembly.table.foreign_keys if fk.name != foreign_key)
