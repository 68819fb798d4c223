"""The last say: nulls, orders, differences, uniqueness and unsolved checks hold in every row.

Each pass takes an Assembly and its columns and changes as little as it can: it swaps parents or values between rows,
or moves a value to a free neighbour. Nothing is drawn again until it fits.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from fixturesynth.arrays import array_of, scalar_of
from fixturesynth.errors import CapacityError
from fixturesynth.generators.tablemodel import TableModel
from fixturesynth.planning.plan import ColumnPlan, Derived, Key, Modelled, Reference, Rule, UniquePlan
from fixturesynth.planning.uniques import dispensable
from fixturesynth.randomness import below, hashed
from fixturesynth.rules.contract import Space
from fixturesynth.rules.registry import capacity, space_of
from fixturesynth.sampling.appending import met, past, past_pairs, refuse_met
from fixturesynth.sampling.assembly import Assembly, compute, in_step
from fixturesynth.sampling.conditions import (
    complete_sets,
    conditions_of,
    differing_pair,
    refuse_repeated,
    set_keys,
)
from fixturesynth.sampling.counting import moved_along
from fixturesynth.sampling.differing import settle_distinct
from fixturesynth.sampling.exchanging import order_by_exchange
from fixturesynth.sampling.exclusions import apart_conditions, placed_columns, settle_exclusions
from fixturesynth.sampling.gates import leave_set, lend_outside, lent_columns
from fixturesynth.sampling.habits import deal_by_habits
from fixturesynth.sampling.lineage import kept_in_lines
from fixturesynth.sampling.matching import codes_of, distinct_by_stride, duplicates, pair_keys, separate
from fixturesynth.sampling.nulls import settle_nulls
from fixturesynth.sampling.orders import settle_orders, settle_parent_orders
from fixturesynth.sampling.pairing import pair_distinct, turned
from fixturesynth.sampling.partition import context_of, rule_values
from fixturesynth.sampling.regrouping import deal_apart
from fixturesynth.sampling.repairs import late_columns, settle_checks
from fixturesynth.sampling.searching import search
from fixturesynth.sampling.spreading import by_grid, by_separation, hanging_on, moved_apart, others, spread
from fixturesynth.sampling.states import settle_states
from fixturesynth.sampling.succession import arrange, counted_off, finish, goes_on
from fixturesynth.sampling.weaving import weave
from fixturesynth.schema.model import ForeignKey

__all__ = ["settle", "settle_late"]

Integers = npt.NDArray[np.int64]
Columns = dict[str, pa.Array]

TURNS = 6
REDRAWS = 64  # of rows that collide in sets that overlap


def settle(assembly: Assembly, dialect: str) -> Columns:
    """The table's columns with everything held; ConstraintError or CapacityError names what cannot be."""
    model = assembly.model
    columns = compute(assembly)
    if order_by_exchange(assembly, columns):
        columns = compute(assembly)
    columns = kept_in_lines(assembly, deal_by_habits(assembly, columns))
    if goes_on(assembly.plan):
        columns = arrange(assembly, in_step(assembly, columns, settle_parent_orders(assembly, columns)))
    if assembly.plan.unlike and settle_distinct(assembly, columns, assembly.plan.unlike):
        columns = compute(assembly)
    drawn = columns
    for turn in range(TURNS):
        changed = settle_distinct(assembly, columns)
        changed |= _settle_uniques(assembly, columns, turn)
        if not changed:
            break
        columns = compute(assembly)
    else:
        columns = _redraw(assembly, columns)
    columns = settle_nulls(assembly, counted_off(assembly, columns))
    settled = settle_orders(assembly, settle_parent_orders(assembly, columns))
    settled = settle_orders(assembly, _beside_bases(assembly, model, drawn, settled))
    columns = settle_states(assembly, in_step(assembly, columns, settled))
    held = conditions_of(assembly, columns)
    columns = search(assembly, columns, held)
    for unique in complete_sets(assembly.plan):
        key = set_keys(assembly, columns, unique)
        if key is not None and duplicates(key[1]).any():
            columns = _separate_late(assembly, columns, unique)
    refuse_repeated(assembly, columns)
    refuse_met(assembly, columns)
    late, placed = late_columns(assembly.plan), placed_columns(assembly.plan)
    if placed:
        # Spans are laid out in groups that checks move no more.
        ends = frozenset(c for e in assembly.plan.exclusions for c in (e.low, e.high))
        columns = settle_checks(assembly, columns, held, placed=ends, waiting=ends)
        columns = settle_exclusions(assembly, columns, late, closed=False)
        held += apart_conditions(assembly, late, closed=False)
    columns = finish(assembly, columns)
    return finish(assembly, settle_checks(assembly, columns, held, placed=placed))


def settle_late(assembly: Assembly, columns: Columns) -> Columns:
    """The columns with what had to wait for references that close a cycle."""
    late = late_columns(assembly.plan)
    columns = settle_exclusions(assembly, columns, late, closed=True)
    held = conditions_of(assembly, columns, closed=True)
    for closed in (False, True):
        held += apart_conditions(assembly, late, closed=closed)
    columns = search(assembly, columns, held)
    return settle_checks(assembly, columns, held, late=True, placed=placed_columns(assembly.plan))


# -- orders and differences -------------------------------------------------------------------------------------------
def _beside_bases(assembly: Assembly, model: TableModel | None, drawn: Columns, columns: Columns) -> Columns:
    """Numbers that lie beside another one go with it where it moved since they were ``drawn``, if they did not."""
    counted = {n: f for n, f in model.offsets.items() if "base" in f} if model is not None else {}
    changed = {base for f in counted.values() if not columns[base := str(f["base"])].equals(drawn[base])}
    return moved_along(assembly.plan, counted, drawn, columns, changed)


# -- uniqueness -------------------------------------------------------------------------------------------------------
def _settle_uniques(assembly: Assembly, columns: Columns, turn: int) -> bool:
    changed = False
    for unique in complete_sets(assembly.plan):
        found = set_keys(assembly, columns, unique)
        if found is None:
            continue
        twice, there = duplicates(found[1]), met(assembly, columns, unique)
        if unique.gate and (twice.any() or there.any()):
            # Where the gate's values have no room either, rows go back and forth: some leave for good.
            through = unique.exit if turn >= TURNS // 2 and unique.exit else unique.gate
            leave_set(assembly, through, found[0][twice | there[found[0]]])
            changed = True
            continue
        colliding = found[0][twice | there[found[0]]]
        if unique.how == "by_gate" and colliding.size and lend_outside(assembly, columns, unique, colliding):
            changed = True
            continue
        rows = np.flatnonzero(there)
        if rows.size and (past(assembly, columns, unique, rows) or past_pairs(assembly, columns, unique, rows)):
            changed = True
            continue
        if not twice.any():
            continue
        changed = True
        for way in (
            _by_later_ranks,
            by_separation,
            _by_turning,
            _by_matched,
            _by_rules,
            _by_dealing,
            _by_flex,
            by_grid,
            _by_freeing,
            _by_leaving,
            _by_exit,
        ):
            if way(assembly, columns, unique, found[0], turn):
                break
        else:
            raise CapacityError(
                f"{assembly.table.name}: {int(duplicates(found[1]).sum())} of {assembly.rows} rows cannot be unique in "
                f"({', '.join(unique.columns)}); ask for fewer rows or more rows of the tables it references"
            )
    return changed


def _by_later_ranks(assembly: Assembly, columns: Columns, unique: UniquePlan, rows: Integers, turn: int) -> bool:
    """A unique rule's values are distinct as written, but the set folds case: equal ones take values of later ranks."""
    for name in unique.columns:
        source = assembly.plan.column(name).source
        if not isinstance(source, Key | Rule) or not source.call.unique or name not in assembly.base:
            continue
        found = set_keys(assembly, columns, unique)
        assert found is not None
        twice = found[0][duplicates(found[1])]
        first = assembly.first + assembly.rows * (turn + 1)
        context = context_of(assembly.table, name, assembly.locale, assembly.now)
        if capacity(source.call, context) < first + assembly.rows:
            return False
        made = rule_values(assembly.table, assembly.seed, assembly.locale, assembly.now)
        values = made(name, source.call, twice + first)
        index = np.arange(assembly.rows)
        index[twice] = assembly.rows + np.arange(twice.size)
        base = assembly.base[name]
        assembly.base[name] = pa.concat_arrays([base, values.cast(base.type)]).take(array_of(index))
        return True
    return False


def _by_matched(assembly: Assembly, columns: Columns, unique: UniquePlan, rows: Integers, turn: int) -> bool:
    """Parents of the widest matched reference in the set change rows until pairs are distinct; degrees are kept.

    Where the set takes only some of a key's columns, parents that are alike in those count as one.
    """
    options = []
    for reference in assembly.plan.references:
        fk = assembly.table.foreign_key(reference.foreign_key)
        mine = {
            c for c in fk.columns
            if isinstance(s := assembly.plan.column(c).source, Reference) and s.foreign_key == fk.name
        }  # fmt: skip
        part = mine & set(unique.columns)
        ways = ("matched",) if part == mine else ("matched", "context")
        if _agreed_on(assembly, fk):
            continue  # others chose their parents by what this one fills
        if reference.how in ways and part and len(mine) == len(fk.columns):
            classes = _alike(assembly, fk, part)
            options.append((int(classes.max(initial=-1)) + 1, fk.name, mine, classes))
    if not options:
        return False
    size, name, mine, classes = max(options, key=lambda o: o[:2])
    chosen = assembly.ranks[name]
    rows = rows[chosen[rows] >= 0]
    groups = others(columns, unique, mine, rows)
    before = classes[chosen[rows]]
    out = pair_distinct(groups, before, size, assembly.seed, assembly.table.name, unique.name, turn)
    if duplicates(groups * size + out).any():
        most = int(np.bincount(groups).max())
        if most > size and len(options) > 1:
            return True  # a group of another reference is too large: rows leave it where all of the set is searched
        if most > size and deal_apart(assembly, columns, unique, rows):
            return True
        if most > size:
            return False  # rows that find no parent leave the set, or differ in what else is in it
        out = separate(groups, out, 0, size - 1, f"{assembly.table.name}: ({', '.join(unique.columns)})")
    moved = out != before
    assembly.ranks[name] = chosen.copy()
    assembly.ranks[name][rows[moved]] = _one_of(classes, out[moved], assembly.seed, assembly.table.name, unique.name)
    return True


def _by_turning(assembly: Assembly, columns: Columns, unique: UniquePlan, rows: Integers, turn: int) -> bool:
    """Two references to one parent that must differ: where most pairs are needed, no swaps find the way to them all."""
    pair = differing_pair(assembly.plan, assembly.table, unique)
    if pair is None or {assembly.plan.reference(fk.name).how for fk in pair} - {"matched", "context"}:
        return False
    still, moving = sorted(pair, key=lambda fk: assembly.plan.reference(fk.name).how)  # the context stays
    parents = assembly.made[still.parent].rows
    if 2 * rows.size < parents * (parents - 1) or (assembly.ranks[still.name][rows] < 0).any():
        return False
    address = (assembly.table.name, unique.name)
    second = turned(assembly.ranks[still.name][rows], parents, assembly.seed, *address)
    if second is None and assembly.plan.reference(still.name).how == "matched":
        assembly.ranks[still.name] = assembly.ranks[still.name].copy()
        assembly.ranks[still.name][rows] = np.arange(rows.size) % parents
        second = turned(assembly.ranks[still.name][rows], parents, assembly.seed, *address)
    if second is None:
        return False
    assembly.ranks[moving.name] = assembly.ranks[moving.name].copy()
    assembly.ranks[moving.name][rows] = second
    return True


def _agreed_on(assembly: Assembly, fk: ForeignKey) -> bool:
    """Whether another reference with parents of its own shares columns that ``fk`` fills."""
    filled = {c for c in fk.columns if _filler(assembly, c) == fk.name}
    return any(filled & set(assembly.table.foreign_key(name).columns) for name in assembly.ranks if name != fk.name)


def _filler(assembly: Assembly, column: str) -> str | None:
    source = assembly.plan.column(column).source
    return source.foreign_key if isinstance(source, Reference) else None


def _alike(assembly: Assembly, fk: ForeignKey, part: set[str]) -> Integers:
    """One number from 0 for each distinct tuple that parents have in ``part`` of the key, (parents,)."""
    made = assembly.made[fk.parent]
    if len(part) == len(fk.columns):
        return np.arange(made.rows, dtype=np.int64)
    theirs = [t for c, t in zip(fk.columns, fk.parent_columns, strict=True) if c in part]
    return pair_keys(*(codes_of(made.columns[t]) for t in theirs))


def _one_of(classes: Integers, wanted: Integers, seed: int, *address: str) -> Integers:
    """A member of each wanted class, by keyed hash; shape (wanted,)."""
    order = np.argsort(classes, kind="stable")
    first = np.searchsorted(classes[order], wanted, side="left")
    many = np.searchsorted(classes[order], wanted, side="right") - first
    picked: Integers = order[
        first + below(hashed(np.arange(wanted.size), seed, *address, "alike"), np.maximum(many, 1))
    ]
    return picked


def _by_rules(assembly: Assembly, columns: Columns, unique: UniquePlan, rows: Integers, turn: int) -> bool:
    """Rule columns of the set become digits of one number that is distinct inside each group of the others."""
    plans = [assembly.plan.column(c) for c in unique.columns]
    digits = [p for p in plans if isinstance(p.source, Rule) and not p.source.needs]
    if not digits:
        return False
    table = assembly.table
    spaces = []
    for plan in digits:
        assert isinstance(plan.source, Rule)
        context = context_of(table, plan.name, assembly.locale, assembly.now)
        spaces.append(space_of(plan.source.call, context))
    sizes = [min(s.size, 2**20) for s in spaces]
    capacity = 1
    for size in sizes:
        capacity = min(capacity * size, 2**40)
    groups = others(columns, unique, {p.name for p in digits}, rows)
    order = np.argsort(groups, kind="stable")
    position = np.empty(rows.size, dtype=np.int64)
    position[order] = np.arange(rows.size) - np.searchsorted(groups[order], groups[order], side="left")
    if int(position.max(initial=0)) >= capacity:
        return False
    number = distinct_by_stride(position, groups, capacity, assembly.seed, table.name, unique.name)
    for plan, space, size in zip(digits, spaces, sizes, strict=True):
        digit, number = number % size, number // size
        values = space.at(digit, {})
        index = np.arange(assembly.rows)
        index[rows] = assembly.rows + np.arange(rows.size)
        whole = pa.concat_arrays([assembly.base[plan.name], values.cast(assembly.base[plan.name].type)])
        assembly.base[plan.name] = whole.take(array_of(index))
    return True


def _by_dealing(assembly: Assembly, columns: Columns, unique: UniquePlan, rows: Integers, turn: int) -> bool:
    return deal_apart(assembly, columns, unique, rows)


def _by_flex(assembly: Assembly, columns: Columns, unique: UniquePlan, rows: Integers, turn: int) -> bool:
    """A learned column moves to the nearest free value inside the group of the others."""
    hanging = hanging_on(assembly, unique)
    names = [unique.flex] if unique.flex else []
    names += [c for c in unique.columns if isinstance(assembly.plan.column(c).source, Modelled) and c != unique.flex]
    names = [c for c in names if c in assembly.base and c not in hanging] or [c for c in names if c in assembly.base]
    return any(moved_apart(assembly, columns, unique, rows, name) for name in names)


def _by_freeing(assembly: Assembly, columns: Columns, unique: UniquePlan, rows: Integers, turn: int) -> bool:
    """Every column of the set hangs on others: one of them gives up its derivation, so that the key can hold."""
    referring = {c for fk in assembly.table.foreign_keys for c in fk.columns}
    for name in unique.columns:
        if name in referring or not isinstance(assembly.plan.column(name).source, Derived):
            continue
        kind = columns[name].type
        numeric = pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)
        freed = ColumnPlan(name, Modelled("numeric" if numeric else "categorical"), "freed to keep its key unique")
        before = assembly.plan
        plans = tuple(freed if c.name == name else c for c in before.columns)
        assembly.plan = replace(before, columns=plans)
        made = spread(assembly, columns, unique, rows, name)
        if made is not None:
            assembly.base[name] = made
            return True
        assembly.plan = before
    return False


def _by_leaving(assembly: Assembly, columns: Columns, unique: UniquePlan, rows: Integers, turn: int) -> bool:
    """Rows that an earlier one equals leave the set: they get NULL in a column that may do without a value."""
    found, spare = set_keys(assembly, columns, unique), _spare(assembly, unique)
    if found is None or not spare:
        return False
    twice = found[0][duplicates(found[1])]
    source = assembly.plan.column(spare[0]).source
    if isinstance(source, Reference):
        ranks = assembly.ranks[source.foreign_key].copy()
        ranks[twice] = -1
        assembly.ranks[source.foreign_key] = ranks
        return True
    empty = np.zeros(assembly.rows, dtype=bool)
    empty[twice] = True
    base = assembly.base[spare[0]]
    assembly.base[spare[0]] = pc.if_else(array_of(empty), scalar_of(None, base.type), base)
    return True


def _by_exit(assembly: Assembly, columns: Columns, unique: UniquePlan, rows: Integers, turn: int) -> bool:
    """Rows that an earlier one equals take the values of the set's exit: a NULL, and what checks want beside it."""
    found = set_keys(assembly, columns, unique)
    if found is None or not unique.exit:
        return False
    leave_set(assembly, unique.exit, found[0][duplicates(found[1])])
    return True


def _spare(assembly: Assembly, unique: UniquePlan) -> list[str]:
    """Columns of the set that rows may do without, in the set's order."""
    plan = assembly.plan
    names = dispensable(
        assembly.table, assembly.dialect, unique, plan.columns, plan.references, plan.branches, plan.repairs
    )
    return [n for n in names if n in assembly.base or isinstance(plan.column(n).source, Reference)]


def _redraw(assembly: Assembly, columns: Columns) -> Columns:
    """Sets that overlap undo each other when each is settled by itself: rows that collide in any are drawn anew.

    Where sets are of small rule columns alone, these are laid out together: nearly full sets are not met by chance.
    """
    if _woven(assembly, columns):
        columns = compute(assembly)
    for turn in range(REDRAWS):
        rows = np.zeros(assembly.rows, dtype=bool)
        names: set[str] = set()
        for unique in complete_sets(assembly.plan):
            found = None if unique.how == "by_gate" else set_keys(assembly, columns, unique)
            if found is not None and (twice := duplicates(found[1])).any():
                rows[found[0][twice]] = True
                names |= set(unique.columns)
        if not rows.any():
            return columns
        where = np.flatnonzero(rows)
        for name in sorted(names):
            source = assembly.plan.column(name).source
            if not isinstance(source, Rule) or source.needs or source.call.unique or name not in assembly.base:
                continue
            space = space_of(source.call, context_of(assembly.table, name, assembly.locale, assembly.now))
            words = hashed(where, assembly.seed, assembly.table.name, name, "redraw", turn)
            made = space.at(below(words, max(space.size, 1)), {}).cast(assembly.base[name].type)
            index = np.arange(assembly.rows)
            index[where] = assembly.rows + np.arange(where.size)
            assembly.base[name] = pa.concat_arrays([assembly.base[name], made]).take(array_of(index))
        columns = compute(assembly)
    return columns


def _woven(assembly: Assembly, columns: Columns) -> bool:
    """Whether the columns of overlapping sets got values that keep each of the sets distinct."""
    sets = [u for u in assembly.plan.uniques if u.how != "by_gate" and all(_is_free(assembly, c) for c in u.columns)]
    broken = {
        c for u in sets if (found := set_keys(assembly, columns, u)) is not None and duplicates(found[1]).any()
        for c in u.columns
    }  # fmt: skip
    touching = [u for u in sets if broken & set(u.columns)]
    names = sorted({c for u in touching for c in u.columns})
    if not names:
        return False
    spaces = [_space(assembly, name) for name in names]
    at = [[names.index(c) for c in u.columns] for u in touching]
    sizes = [min(s.size, 2**20) for s in spaces]
    numbers = weave(sizes, at, assembly.rows, assembly.seed, assembly.table.name)
    if numbers is None:
        return False
    for column, name in enumerate(names):
        assembly.base[name] = spaces[column].at(numbers[:, column], {}).cast(assembly.base[name].type)
    return True


def _is_free(assembly: Assembly, name: str) -> bool:
    source = assembly.plan.column(name).source
    ruled = isinstance(source, Rule) and not (source.needs or source.parents or source.call.unique)
    branched = any(c.name == name for choice in assembly.plan.branches for branch in choice.branches for c in branch)
    return ruled and not branched and name in assembly.base


def _space(assembly: Assembly, name: str) -> Space:
    source = assembly.plan.column(name).source
    assert isinstance(source, Rule)
    return space_of(source.call, context_of(assembly.table, name, assembly.locale, assembly.now))


def _separate_late(assembly: Assembly, columns: Columns, unique: UniquePlan) -> Columns:
    """Filling nulls or lifting values made a tuple twice: move the flexible column once more, and only it."""
    found = set_keys(assembly, columns, unique)
    if found is None:
        return columns
    if unique.how == "by_gate":
        lent = lent_columns(assembly, columns, unique, found[0][duplicates(found[1])])
        left = set_keys(assembly, columns | lent, unique)
        if lent and left is not None and not duplicates(left[1]).any():
            return columns | lent
    for name in (c for c in unique.columns if isinstance(assembly.plan.column(c).source, Modelled)):
        made = spread(assembly, columns, unique, found[0], name)
        if made is not None:
            return {**columns, name: made}
    if _by_leaving(assembly, columns, unique, np.arange(assembly.rows), TURNS):
        spare = _spare(assembly, unique)[0]
        source = assembly.plan.column(spare).source
        key = assembly.table.foreign_key(source.foreign_key).columns if isinstance(source, Reference) else (spare,)
        empty = np.zeros(assembly.rows, dtype=bool)
        empty[found[0][duplicates(found[1])]] = True
        return columns | {
            name: pc.if_else(array_of(empty), scalar_of(None, columns[name].type), columns[name]) for name in key
        }
    return columns
