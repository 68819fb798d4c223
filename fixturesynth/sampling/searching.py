"""The last resort: rows that still break a condition draw columns and parents of theirs anew until they fit."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from fixturesynth.generators.derivation import as_type
from fixturesynth.planning.plan import Reference, Rule
from fixturesynth.randomness import below, hashed
from fixturesynth.rules.registry import space_of
from fixturesynth.sampling.assembly import Assembly
from fixturesynth.sampling.matching import codes_of, pair_keys
from fixturesynth.sampling.partition import context_of

__all__ = ["Condition", "alone", "search"]

Integers = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]
Columns = dict[str, pa.Array]
# Columns, and a function from the table's columns to the rows that break it, (rows,).
Condition = tuple[frozenset[str], Callable[[Columns], Mask]]

TURNS = 200
IDLE = 60  # turns without gain after which the rest is given up
ALONE = 30  # turns without gain after which rows draw together with others of their family
MOST_TOGETHER = 16  # rows that draw with one that breaks a condition


def search(assembly: Assembly, columns: Columns, conditions: Sequence[Condition]) -> Columns:
    """``columns`` with fewer rows, mostly none, that break a condition; parents change in ``assembly.ranks`` too.

    A row that breaks one draws some of that condition's columns: values of their rules, other parents, NULL where the
    column allows it. What leaves the table with more broken rows than before is taken back. Where that leads nowhere,
    rows that share a unique set's parents with it draw with it. Unique rule columns, keys and columns that several
    foreign keys share keep what they have.
    """
    out, bad = columns, _broken(columns, conditions)
    last = 0
    for turn in range(TURNS):
        if not any(b.any() for b in bad) or turn - last > IDLE:
            break
        names = sorted({n for (own, _), b in zip(conditions, bad, strict=True) if b.any() for n in own})
        rows = np.flatnonzero(np.any(bad, axis=0))
        family = np.arange(assembly.rows)
        if turn - last > ALONE:
            family = _families(assembly, out, names)
            together = np.flatnonzero(np.isin(family, family[rows]))
            rows = together if together.size <= MOST_TOGETHER * rows.size else rows
        made, ranks = _drawn(assembly, out, names, rows, turn)
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
    return pa.concat_arrays([values, before]).take(pa.array(index))


def _drawn(
    assembly: Assembly, columns: Columns, names: Sequence[str], rows: Integers, turn: int
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
            made[name] = _values(assembly, columns[name], source, name, where, own, turn)
        elif isinstance(source, Reference) and source.foreign_key not in ranks and alone(assembly, source.foreign_key):
            fk = assembly.table.foreign_key(source.foreign_key)
            parents = assembly.made[fk.parent].rows
            chosen = assembly.ranks[fk.name].copy()
            # The high bits choose among all parents, a low one whether there is any.
            chosen[where] = below(own << np.uint64(1), max(parents, 1)) if parents else -1
            if any(assembly.table.column(c).nullable for c in fk.columns):
                chosen[where[(own >> np.uint64(5)) % np.uint64(2) == 1]] = -1
            ranks[fk.name] = chosen
            missing = pa.array(chosen, pa.int64(), mask=chosen < 0)
            for column, theirs in zip(fk.columns, fk.parent_columns, strict=True):
                made[column] = as_type(assembly.made[fk.parent].columns[theirs].take(missing), columns[column].type)
    return made, ranks


def _values(
    assembly: Assembly,
    column: pa.Array,
    source: Rule,
    name: str,
    rows: Integers,
    words: npt.NDArray[np.uint64],
    turn: int,
) -> pa.Array:
    branched = [c.call for s in assembly.plan.branches for b in s.branches for c in b if c.name == name and c.call]
    call = (source.call, *branched)[turn % (len(branched) + 1)]
    space = space_of(call, context_of(assembly.table, name, assembly.locale, assembly.now))
    drawn = space.at(below(words << np.uint64(1), max(space.size, 1)), {})
    empty = (words >> np.uint64(31)) % np.uint64(1000) < np.uint64(round(min(source.null_share, 1.0) * 1000))
    index = np.arange(len(column))
    index[rows] = index.size + np.arange(rows.size)
    values = pa.concat_arrays([column, as_type(drawn, column.type)])
    missing = np.zeros(len(column), dtype=bool)
    missing[rows[empty]] = True
    return values.take(pa.array(index, pa.int64(), mask=missing))


def alone(assembly: Assembly, foreign_key: str) -> bool:
    """Whether the reference fills all of its columns itself, and no other key reads them."""
    if foreign_key not in assembly.ranks or assembly.plan.reference(foreign_key).how == "self":
        return False
    own = set(assembly.table.foreign_key(foreign_key).columns)
    return not any(own & set(fk.columns) for fk in assembly.table.foreign_keys if fk.name != foreign_key)
