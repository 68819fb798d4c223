"""References that close a cycle: they get their parents once both tables are there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from fixturesynth.arrays import array_of, scalar_of
from fixturesynth.errors import CapacityError
from fixturesynth.planning.plan import BranchColumn, Derived, ReferencePlan, Rule, UniquePlan
from fixturesynth.randomness import hashed
from fixturesynth.rules.contract import Space
from fixturesynth.rules.registry import space_of
from fixturesynth.sampling.assembly import Assembly, Made
from fixturesynth.sampling.branching import held_null, with_columns
from fixturesynth.sampling.conditions import differing_pair
from fixturesynth.sampling.degrees import degrees_of
from fixturesynth.sampling.gates import inside_predicate
from fixturesynth.sampling.matching import codes_of, duplicates, match, one_of_each, pair_keys, swap_until
from fixturesynth.sampling.pairing import turned
from fixturesynth.sampling.partition import context_of, rule_values
from fixturesynth.sampling.references import agreeing, filled_by, nulls_as_planned
from fixturesynth.sampling.searching import alone
from fixturesynth.sampling.settling import settle_late
from fixturesynth.sampling.spreading import others
from fixturesynth.schema.model import ForeignKey, Schema
from fixturesynth.schema.predicates import evaluate, mentioned_columns

__all__ = ["close_cycles"]

Integers = npt.NDArray[np.int64]


def close_cycles(schema: Schema, waiting: Sequence[Assembly], made: Mapping[str, Made]) -> None:
    """Fill what was left open in the tables of ``waiting``; their columns in ``made`` change in place."""
    for assembly in waiting:
        own = made[assembly.table.name]
        lent = schema.referenced_columns(assembly.table.name)
        for reference in assembly.plan.references:
            if reference.how == "later":
                _close(assembly, reference, own, made, lent)
    for assembly in waiting:
        own = made[assembly.table.name]
        own.columns.update(_freed(assembly, own))
        own.columns.update(settle_late(assembly, own.columns))


def _freed(assembly: Assembly, own: Made) -> dict[str, pa.Array]:
    """NULL in references that close a cycle where a check passes with that alone: the row's own branch may have changed
    since."""
    plan, table = assembly.plan, assembly.table
    out: dict[str, pa.Array] = {}
    for reference in plan.references if plan.repairs else ():
        mine = filled_by(plan, table, reference) if reference.how == "later" else set()
        texts = [t for _, t in plan.repairs if mine & set(mentioned_columns(t, table, assembly.dialect))]
        if not texts or not all(table.column(c).nullable for c in mine):
            continue
        columns = own.columns | out
        failing = ~_passing(assembly, texts, columns)
        empty = {
            c: pc.if_else(array_of(failing), scalar_of(None, columns[c].type), columns[c]) for c in sorted(mine)
        }  # fmt: skip
        freed = failing & _passing(assembly, texts, columns | empty)
        if freed.any():
            out |= {c: pc.if_else(array_of(freed), values, columns[c]) for c, values in empty.items()}
            own.ranks[reference.foreign_key] = np.where(freed, -1, own.ranks[reference.foreign_key])
    return out


def _passing(assembly: Assembly, texts: Sequence[str], columns: Mapping[str, pa.Array]) -> npt.NDArray[np.bool_]:
    table = pa.table(dict(columns))
    found = [evaluate(text, table, assembly.dialect, now=assembly.now) for text in texts]
    return np.asarray(np.all(found, axis=0), dtype=bool)


def _close(
    assembly: Assembly, reference: ReferencePlan, own: Made, made: Mapping[str, Made], lent: frozenset[str]
) -> None:
    fk = assembly.table.foreign_key(reference.foreign_key)
    mine = filled_by(assembly.plan, assembly.table, reference)
    if not mine:
        return  # other references fill all of its columns
    parent = made[fk.parent]
    groups, theirs = _shared(fk, mine, own, parent)
    ranks = _parents(assembly, reference, fk, mine, groups, theirs)
    for column, parent_column in zip(fk.columns, fk.parent_columns, strict=True):
        if column in mine:
            own.columns[column] = _taken(assembly, parent, parent_column, ranks, column)
    for unique in assembly.plan.uniques:
        if mine & set(unique.columns) and set(unique.columns) <= own.columns.keys():
            kinds = _kinds(fk, mine, unique, parent)
            ranks = _parted(assembly, fk, mine, unique, own, ranks, groups, theirs, kinds, lent)
            for column, parent_column in zip(fk.columns, fk.parent_columns, strict=True):
                if column in mine:
                    own.columns[column] = _taken(assembly, parent, parent_column, ranks, column)
    own.ranks[fk.name] = ranks
    for unique in assembly.plan.uniques:
        _turn(assembly, fk, unique, own, parent)
    for copied, source in reference.lent:
        lent = _taken(assembly, parent, source, own.ranks[fk.name], copied)
        own.columns[copied] = pc.coalesce(lent, own.columns[copied])


def _kinds(fk: ForeignKey, mine: set[str], unique: UniquePlan, parent: Made) -> Integers:
    """One number from 0 for all parents that are alike in what the set takes of them, (parents,)."""
    named = zip(fk.columns, fk.parent_columns, strict=True)
    return pair_keys(*(codes_of(parent.columns[p]) for c, p in named if c in mine and c in unique.columns))


def _turn(assembly: Assembly, fk: ForeignKey, unique: UniquePlan, own: Made, parent: Made) -> None:
    """Two references to one parent that must differ, where most pairs are needed: the later one turns away."""
    pair = differing_pair(assembly.plan, assembly.table, unique)
    if pair is None or fk not in pair or 2 * own.rows < parent.rows * (parent.rows - 1):
        return
    (other,) = (key for key in pair if key != fk)
    first = own.ranks.get(other.name)
    if first is None or (first < 0).any() or (own.ranks[fk.name] < 0).any():
        return
    if assembly.plan.reference(other.name).how == "later":
        first = np.arange(own.rows) % parent.rows
    second = turned(first, parent.rows, assembly.seed, assembly.table.name, unique.name)
    if second is not None:
        for key, ranks in ((other, first), (fk, second)):
            own.ranks[key.name] = ranks
            own.columns[key.columns[0]] = _taken(assembly, parent, key.parent_columns[0], ranks, key.columns[0])


def _taken(assembly: Assembly, parent: Made, column: str, ranks: Integers, own: str) -> pa.Array:
    values, kind = parent.columns[column], assembly.kind(own)
    if not len(values):
        return pa.nulls(ranks.size, kind)
    return values.take(array_of(ranks, pa.int64(), mask=ranks < 0)).cast(kind)


def _shared(fk: ForeignKey, mine: set[str], own: Made, parent: Made) -> tuple[Integers | None, Integers | None]:
    """Codes of the columns that other references fill: what each row has (-1: NULL), and what each parent offers."""
    parts = []
    for column, parent_column in zip(fk.columns, fk.parent_columns, strict=True):
        if column not in mine:
            there = parent.columns[parent_column]
            parts.append(codes_of(pa.concat_arrays([own.columns[column].cast(there.type), there])))
    if not parts:
        return None, None
    joint = np.where(np.all([p >= 0 for p in parts], axis=0), pair_keys(*parts), -1)
    here, there = joint[: own.rows], joint[own.rows :]
    return here, np.where(there < 0, -2, there)


def _parents(
    assembly: Assembly,
    reference: ReferencePlan,
    fk: ForeignKey,
    mine: set[str],
    groups: Integers | None,
    theirs: Integers | None,
) -> Integers:
    """A parent for every row that has one, shape (rows,), -1 for NULL."""
    plan, table, rows, seed = assembly.plan, assembly.table, assembly.rows, assembly.seed
    parents = assembly.made[fk.parent].rows
    out = np.full(rows, -1, dtype=np.int64)
    empty = nulls_as_planned(rows, reference.null_share, seed, table.name, fk.name)
    never, always = held_null(plan, rows, seed, mine)
    asked = np.flatnonzero((~empty & ~never) | always)
    if groups is not None:
        asked = asked[groups[asked] >= 0]
    if not parents or not asked.size:
        return out
    if groups is not None and theirs is not None:
        if reference.exclusive:
            out[asked] = _each_its_own(groups[asked], theirs)
            return out
        degrees = degrees_of(table.name, reference, parents, asked.size, None, None, None, seed)
        out[asked] = agreeing(table, fk, groups[asked], theirs, degrees, seed)
        return out
    if reference.home is not None:
        return _at_home(assembly, reference, out, asked, ~never)
    if reference.exclusive:
        asked = asked[:parents]
    degrees = degrees_of(table.name, reference, parents, asked.size, None, None, None, seed)
    nothing = np.zeros(parents, dtype=np.int64)
    out[asked] = match(np.zeros(asked.size, dtype=np.int64), nothing, degrees, seed, table.name, fk.name)
    return out


def _at_home(
    assembly: Assembly, reference: ReferencePlan, out: Integers, asked: Integers, able: npt.NDArray[np.bool_]
) -> Integers:
    """Every row names one of its own children, ``asked`` many rows of those that are ``able`` to; the rest names none.

    Rows that are asked go before others. Where a row must name one and has no child, it names that of another.
    """
    table, seed = assembly.table, assembly.seed
    below = assembly.made[reference.parent].ranks[str(reference.home)]
    children = np.flatnonzero(below >= 0)
    drawn = hashed(children, seed, table.name, reference.foreign_key, "home")
    first = np.full(assembly.rows, -1, dtype=np.int64)
    order = np.argsort(drawn, kind="stable")[::-1]
    first[below[children[order]]] = children[order]  # of a row's children the one with the least number stays
    wanted = np.zeros(assembly.rows, dtype=bool)
    wanted[asked] = True
    turns = np.flatnonzero((first >= 0) & able)
    turns = turns[np.argsort(~wanted[turns], kind="stable")][: asked.size]
    out[turns] = first[turns]
    if not all(table.column(c).nullable for c in table.foreign_key(reference.foreign_key).columns) and children.size:
        lonely = asked[out[asked] < 0]
        out[lonely] = children[(hashed(lonely, seed, table.name, "away") % np.uint64(children.size)).astype(np.int64)]
    return out


def _each_its_own(groups: Integers, theirs: Integers) -> Integers:
    """The first row of a group takes the first parent of that group, and so on; -1 where parents run out."""
    order = np.argsort(groups, kind="stable")
    place = np.empty(groups.size, dtype=np.int64)
    place[order] = np.arange(groups.size) - np.searchsorted(groups[order], groups[order], side="left")
    offered = np.argsort(theirs, kind="stable")
    low = np.searchsorted(theirs[offered], groups, side="left")
    many = np.searchsorted(theirs[offered], groups, side="right") - low
    return np.where(place < many, offered[np.minimum(low + place, offered.size - 1)], -1)


def _parted(
    assembly: Assembly,
    fk: ForeignKey,
    mine: set[str],
    unique: UniquePlan,
    own: Made,
    ranks: Integers,
    groups: Integers | None,
    theirs: Integers | None,
    kinds: Integers,
    lent: frozenset[str],
) -> Integers:
    """Parents swapped between rows until the set is unique; a reference that may be NULL is, where that fails.

    Where one that may not be NULL fails, rows leave the set, or its own values are dealt out together with the
    parents. ``kinds``: which parents are one and the same to the set. ``lent``: columns whose values other tables
    have.
    """
    codes = [codes_of(own.columns[c]) for c in unique.columns]
    taking = np.ones(own.rows, dtype=bool)
    if unique.nulls_distinct:
        counted = [c >= 0 for name, c in zip(unique.columns, codes, strict=True) if name not in unique.stand_ins]
        taking = np.all([taking, *counted], axis=0)
    if unique.how == "by_gate":
        taking &= inside_predicate(assembly, own.columns, unique)
    rows = np.flatnonzero(taking & (ranks >= 0))
    if not duplicates(pair_keys(*(c[rows] for c in codes))).any():
        return ranks
    beside = [c[rows] for name, c in zip(unique.columns, codes, strict=True) if name not in mine]
    alike = pair_keys(*beside) if beside else np.zeros(rows.size, dtype=np.int64)
    within = None if groups is None else groups[rows]
    address = (assembly.table.name, unique.name, "later")
    out = ranks.copy()
    parents = kinds.size
    out[rows] = swap_until(alike, ranks[rows], parents, None, assembly.seed, *address, within=within, kinds=kinds)
    left = rows[duplicates(alike * parents + kinds[out[rows]])]
    if left.size and not all(assembly.table.column(c).nullable for c in mine):
        if _left_through(assembly, unique.gate, own, left, lent):
            return out
        offered = np.zeros(parents, dtype=np.int64) if theirs is None else theirs
        asked = np.zeros(rows.size, dtype=np.int64) if within is None else within
        for free in ((), _free_references(assembly, mine, unique, lent)):
            dealt = _dealt(assembly, mine, unique, own, rows, asked, offered, kinds, lent, free)
            if dealt is not None:
                out[rows] = dealt
                return out
        if _left_through(assembly, unique.exit, own, left, lent):
            return out
        raise CapacityError(
            f"{assembly.table.name}: {left.size} of {own.rows} rows cannot be unique in ({', '.join(unique.columns)}): "
            f"{fk.name} closes a cycle; ask for fewer rows or more rows of {fk.parent}"
        )
    out[left] = -1
    return out


def _left_through(
    assembly: Assembly, through: Sequence[BranchColumn], own: Made, rows: Integers, lent: frozenset[str]
) -> bool:
    """Whether ``rows`` (ascending) took the values of a gate or exit: of rules that nothing else hangs on."""
    names = {c.name for c in through}
    plans = assembly.plan.columns
    read = {n for c in plans if isinstance(c.source, Rule | Derived) for n in _read(c.source)}
    if not names or names & (lent | read) or not all(isinstance(assembly.plan.column(n).source, Rule) for n in names):
        return False
    values = rule_values(assembly.table, assembly.seed, assembly.locale, assembly.now)
    own.columns.update(with_columns(assembly.plan, own.columns, through, rows, rows, assembly.seed, values))
    return True


def _dealt(
    assembly: Assembly,
    mine: set[str],
    unique: UniquePlan,
    own: Made,
    rows: Integers,
    asked: Integers,
    offered: Integers,
    kinds: Integers,
    lent: frozenset[str],
    free: Sequence[ForeignKey],
) -> Integers | None:
    """Parents for ``rows`` that are distinct in the set together with new values of its rules; None: too few.

    A row takes a parent of which ``offered``, (parents,), is what it has in ``asked``, (rows,). Of parents that are
    alike in ``kinds`` and ``offered`` one stands for all. ``free``: other references of the set that get new parents.
    """
    names = [c for c in unique.columns if c not in mine | lent and _may_change(assembly, unique, c)]
    spaces = [_space(assembly, name) for name in names]
    sizes = [min(s.size, 2**20) for s in spaces] + [assembly.made[fk.parent].rows for fk in free]
    moving = mine.union(names, *(fk.columns for fk in free))
    words = hashed(np.arange(kinds.size), assembly.seed, assembly.table.name, unique.name, "stands")
    order = one_of_each(pair_keys(offered, kinds), words)
    order = order[np.argsort(offered[order], kind="stable")]
    low = np.searchsorted(offered[order], asked, side="left")
    many = np.searchsorted(offered[order], asked, side="right") - low
    alike = pair_keys(others(own.columns, unique, moving, rows), asked)
    by = np.argsort(alike, kind="stable")
    number = np.empty(rows.size, dtype=np.int64)
    number[by] = np.arange(rows.size) - np.searchsorted(alike[by], alike[by], side="left")
    if (number >= many * min(prod(sizes), 2**40)).any():
        return None
    words = hashed(alike, assembly.seed, assembly.table.name, unique.name, "dealt")
    turn = (words >> np.uint64(33)).astype(np.int64)
    ranks = order[low + (number + turn) % many]
    number = number // many
    for name, space, size in zip(names, spaces, sizes, strict=False):
        values = space.at((number + turn) % size, {}).cast(own.columns[name].type)
        number = number // size
        index = np.arange(own.rows)
        index[rows] = own.rows + np.arange(rows.size)
        own.columns[name] = pa.concat_arrays([own.columns[name], values]).take(array_of(index))
    for fk in free:
        parent = assembly.made[fk.parent]
        chosen = own.ranks[fk.name].copy()
        chosen[rows] = (number + turn) % parent.rows
        number = number // parent.rows
        own.ranks[fk.name] = chosen
        for column, theirs in zip(fk.columns, fk.parent_columns, strict=True):
            own.columns[column] = _taken(assembly, parent, theirs, chosen, column)
    return ranks


def _free_references(
    assembly: Assembly, mine: set[str], unique: UniquePlan, lent: frozenset[str]
) -> tuple[ForeignKey, ...]:
    """References of the set, all of whose columns are in it, that any parent will do for."""
    plan = assembly.plan
    held = lent | {c.name for s in plan.branches for b in s.branches for c in b}
    held |= {c for u in plan.uniques if u.name != unique.name for c in u.columns}
    held |= {n for pair in plan.distinct for n in pair}
    held |= {c for _, text in plan.repairs for c in mentioned_columns(text, assembly.table, assembly.dialect)}
    held |= {c for e in plan.exclusions for c in (*e.groups, e.low, e.high)}
    found = []
    for reference in plan.references:
        fk = assembly.table.foreign_key(reference.foreign_key)
        own = set(fk.columns)
        free = reference.how == "matched" and not reference.exclusive and alone(assembly, fk.name)
        if free and own <= set(unique.columns) and not own & (mine | held):
            found.append(fk)
    return tuple(found)


def _may_change(assembly: Assembly, unique: UniquePlan, name: str) -> bool:
    """Whether a column holds values of a rule that no check, order or other set looks at."""
    plan = assembly.plan
    source = plan.column(name).source
    if not isinstance(source, Rule) or source.needs or source.parents or source.call.unique:
        return False
    held = {n for low, high, _ in plan.orders for n in (low, high)} | {n for pair in plan.distinct for n in pair}
    held |= {c for u in plan.uniques if u.name != unique.name for c in u.columns}
    held |= {c.name for s in plan.branches for b in s.branches for c in b}
    held |= {c for _, text in plan.repairs for c in mentioned_columns(text, assembly.table, assembly.dialect)}
    read = {n for c in plan.columns if isinstance(c.source, Rule | Derived) for n in _read(c.source)}
    return name not in held | read


def _read(source: Rule | Derived) -> tuple[str, ...]:
    return source.needs if isinstance(source, Rule) else source.sources


def _space(assembly: Assembly, name: str) -> Space:
    source = assembly.plan.column(name).source
    assert isinstance(source, Rule)
    return space_of(source.call, context_of(assembly.table, name, assembly.locale, assembly.now))
