"""Checks that no domain and no branch holds: rows that fail take values from rows that pass, or fresh ones."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from fixturesynth.arrays import array_of, fill_null, numpy_of, scalar_of
from fixturesynth.errors import ConstraintError
from fixturesynth.generators.derivation import MICROSECONDS, as_type
from fixturesynth.planning.plan import Constant, Derived, Modelled, Reference, Rule, TablePlan
from fixturesynth.planning.solving import Ways, fits, mend, ways_to
from fixturesynth.profiling.temporal import parse_temporal
from fixturesynth.randomness import below, hashed
from fixturesynth.sampling.assembly import Assembly
from fixturesynth.sampling.branching import with_columns
from fixturesynth.sampling.partition import rule_values
from fixturesynth.sampling.searching import Condition, search
from fixturesynth.schema.model import ForeignKey
from fixturesynth.schema.predicates import ColumnDomain, compile_constraints, evaluate, mentioned_columns
from fixturesynth.schema.predicates.arrays import unify

__all__ = ["late_columns", "misordered", "settle_checks"]

Integers = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]
Columns = dict[str, pa.Array]
Test = Callable[[Columns], Mask]

LENDINGS = 8  # donors that a row tries
WITHIN_ROW = frozenset({"linear", "product", "equal", "datepart", "clock", "elapsed", "determines", "presence"})
FRESH = 48  # new values that a row tries where donors do not help


@dataclass(frozen=True)
class _Group:
    """Checks that share columns, with the orders that hang on them: ``columns`` move together."""

    checks: tuple[tuple[str, str], ...]
    columns: tuple[str, ...]
    tests: tuple[Test, ...]


def settle_checks(
    assembly: Assembly,
    columns: Columns,
    held: Sequence[Condition] = (),
    *,
    late: bool = False,
    placed: frozenset[str] = frozenset(),
    waiting: frozenset[str] = frozenset(),
) -> Columns:
    """The columns with every check of ``plan.repairs`` held; ConstraintError names the one that cannot be.

    ``late``: those that wait for references that close a cycle; else all others, but for those on columns that are
    ``waiting``. Nothing moves in rows that pass. References, keys, unique columns and those in ``placed`` move only
    where nothing else helps, and then keep what ``held`` says.
    """
    out = dict(columns)
    closing = late_columns(assembly.plan)
    groups = [
        g for g in _groups(assembly) if not waiting & set(g.columns) and (late or not closing & set(g.columns))
    ]  # fmt: skip
    for group in groups:
        if bool(closing & set(group.columns)) != late:
            continue
        passes = _passing(out, group.tests)
        movable = [c for c in group.columns if c in out and c not in placed and _movable(assembly, c)]
        computed = _Computed.of(assembly, group, movable)
        for turn in range(LENDINGS + FRESH if movable else 0):
            failing = np.flatnonzero(~passes)
            if not failing.size:
                break
            donors = np.flatnonzero(passes)
            taken = {c: out[c].take(array_of(failing)) for c in group.columns if c in out}
            if turn == 0:
                made = computed(taken, failing, turn)
            elif donors.size and turn < LENDINGS:
                words = hashed(failing, assembly.seed, assembly.table.name, group.checks[0][0], "lending", turn)
                lenders = array_of(donors[below(words, donors.size)])
                made = {c: out[c].take(lenders) for c in movable}
            else:
                made = _fresh(assembly, movable, failing, taken, turn)
                made = computed({**taken, **made}, failing, turn)
            good = _passing({**taken, **made}, group.tests)
            for name, values in made.items():
                out[name] = _placed(out[name], values, failing, good)
            passes[failing[good]] = True
        if not passes.all():
            out = _lent_whole(assembly, out, group, held)
            out = _moving_keys(assembly, _regrafted(assembly, out, group), group, held)
        if not _passing(out, group.tests).all():
            out = _raised(assembly, search(assembly, out, (*held, *map(_condition, groups))), group, held)
            if not _passing(out, group.tests).all() and not _allowed(assembly, out, group):
                raise _refusal(assembly, out, group)
    return out


def _allowed(assembly: Assembly, columns: Columns, group: _Group) -> bool:
    """Whether the table's own checks hold: an order that the rows had, and nobody asked for, is no reason to refuse."""
    own = set(group.columns)
    texts = [c.text for c in assembly.table.checks if own & set(c.columns) and set(c.columns) <= columns.keys()]
    texts += [text for _, text in group.checks]
    return bool(texts) and bool(_passing(columns, [_check(t, assembly.dialect, assembly.now) for t in texts]).all())


def _lent_whole(assembly: Assembly, columns: Columns, group: _Group, held: Sequence[Condition]) -> Columns:
    """Rows in which a computed column breaks a check get it from a row that passes, with all that it is computed from
    and all that is computed from these."""
    names = _computed_together(assembly, group.columns)
    if names is None or not names <= columns.keys():
        return columns
    out = columns
    everything = (*held, *map(_condition, _groups(assembly)))
    for turn in range(LENDINGS):
        passes = _passing(out, group.tests)
        failing, donors = np.flatnonzero(~passes), np.flatnonzero(passes)
        if not failing.size or not donors.size:
            break
        words = hashed(failing, assembly.seed, assembly.table.name, group.checks[0][0], "whole", turn)
        index = np.arange(assembly.rows)
        index[failing] = donors[below(words, donors.size)]
        trial = {**out, **{name: out[name].take(array_of(index)) for name in names}}
        worse = np.zeros(assembly.rows, dtype=bool)
        for _, breaks in everything:
            worse |= breaks(trial) & ~breaks(out)
        index[worse] = np.flatnonzero(worse)
        out = {**out, **{name: out[name].take(array_of(index)) for name in names}}
    return out


def _computed_together(assembly: Assembly, columns: Sequence[str]) -> set[str] | None:
    """The columns, what they are computed from within their row and what is computed from that; None where none is
    computed, or where one of them hangs on more than the row, or is a key's."""
    derived = {c.name: c.source for c in assembly.plan.columns if isinstance(c.source, Derived)}
    names = set(columns)
    if not names & derived.keys():
        return None
    before = 0
    while len(names) > before:
        before = len(names)
        for name, source in derived.items():
            if name in names or names & set(source.sources):
                if source.foreign_key is not None or source.operation not in WITHIN_ROW:
                    return None
                names |= {name, *source.sources}
    free = all(name in derived or _movable(assembly, name) for name in names)
    return names if free and not any(names & set(u.columns) for u in assembly.plan.uniques) else None


def _moving_keys(assembly: Assembly, columns: Columns, group: _Group, held: Sequence[Condition]) -> Columns:
    """As above, with columns of unique sets among those that move, as long as rows keep what ``held`` says."""
    out = columns
    movable = [c for c in group.columns if c in out and isinstance(assembly.plan.column(c).source, Rule)]
    if not movable:
        return out
    computed = _Computed.of(assembly, group, movable)
    for turn in range(LENDINGS):
        failing = np.flatnonzero(~_passing(out, group.tests))
        if not failing.size:
            break
        taken = {c: out[c].take(array_of(failing)) for c in group.columns if c in out}
        made = _fresh(assembly, movable, failing, taken, turn + FRESH) if turn else {}
        made = computed({**taken, **made}, failing, turn + FRESH)
        good = _passing({**taken, **made}, group.tests)
        for _ in range(2):
            trial = {**out, **{name: _placed(out[name], values, failing, good) for name, values in made.items()}}
            broken = _any(held, trial, assembly.rows)
            good &= ~broken[failing]
        if not (broken & ~_any(held, out, assembly.rows)).any():
            out = trial
    return out


def _raised(assembly: Assembly, columns: Columns, group: _Group, held: Sequence[Condition]) -> Columns:
    """Rows in which a whole number is below the key that it must not be below, at the next number that is free beside
    the same key: a set of both may be full all around it."""
    out = columns
    for low, high, strict in assembly.plan.orders:
        sets = [u.columns for u in assembly.plan.uniques if {low, high} == set(u.columns)]
        if not sets or not {low, high} <= set(group.columns) or not pa.types.is_integer(out[high].type):
            continue
        least, own = (numpy_of(fill_null(out[c], 0)).astype(np.int64) for c in (low, high))
        failing = np.flatnonzero(misordered(out[low], out[high], strict))
        raised = own.copy()
        for row in failing:
            taken = np.unique(raised[(least == least[row]) & (np.arange(own.size) != row)])
            places = least[row] + int(strict) + np.arange(taken.size + 1)
            raised[row] = places[~np.isin(places, taken)][0]
        moved = array_of(raised[failing], pa.int64()).cast(out[high].type)
        trial = {**out, high: _placed(out[high], moved, failing, np.ones(failing.size, dtype=bool))}
        if failing.size and not (_any(held, trial, assembly.rows) & ~_any(held, out, assembly.rows)).any():
            out = trial
    return out


def _regrafted(assembly: Assembly, columns: Columns, group: _Group) -> Columns:
    """Rows that pass without a parent in their own table lose it; roots that pass with one are put under another root.

    Where no other root is left, they get each other, which closes a loop.
    """
    out = dict(columns)
    keyed = {c for u in assembly.plan.uniques for c in u.columns}
    for reference in assembly.plan.references:
        fk = assembly.table.foreign_key(reference.foreign_key)
        name, ranks = fk.columns[0], assembly.ranks.get(fk.name)
        if (
            reference.how != "self"
            or ranks is None
            or len(fk.columns) > 1
            or name in keyed
            or name not in group.columns
        ):
            continue
        failing = ~_passing(out, group.tests)
        trial = np.where(failing, -1, ranks)
        loses = failing & _passing(out | _parents_of(out, fk, trial), group.tests)
        ranks = np.where(loses & assembly.table.column(name).nullable, -1, ranks)
        wanting = np.flatnonzero(failing & ~loses & (ranks < 0))
        roots = np.flatnonzero((ranks < 0) & ~(failing & ~loses))
        trial = ranks.copy()
        trial[wanting] = roots[np.arange(wanting.size) % roots.size] if roots.size else np.roll(wanting, -1)
        out |= _parents_of(out, fk, ranks)
        gains = ~_passing(out, group.tests) & _passing(out | _parents_of(out, fk, trial), group.tests)
        assembly.ranks[fk.name] = np.where(gains, trial, ranks)
        out |= _parents_of(out, fk, assembly.ranks[fk.name])
    return out


def _parents_of(columns: Columns, fk: ForeignKey, ranks: Integers) -> Columns:
    missing = array_of(ranks, pa.int64(), mask=ranks < 0)
    pairs = zip(fk.columns, fk.parent_columns, strict=True)
    return {own: as_type(columns[theirs].take(missing), columns[own].type) for own, theirs in pairs}


def _any(held: Sequence[Condition], columns: Columns, rows: int) -> Mask:
    return np.asarray(np.any([np.zeros(rows, dtype=bool), *(test(columns) for _, test in held)], axis=0), dtype=bool)


def _condition(group: _Group) -> Condition:
    return frozenset(group.columns), lambda columns: ~_passing(columns, group.tests)


@dataclass(frozen=True)
class _Computed:
    """What a group's columns come to when one is computed from the others."""

    assembly: Assembly
    group: _Group
    movable: tuple[str, ...]
    ways: Ways
    domains: Mapping[str, ColumnDomain]

    @classmethod
    def of(cls, assembly: Assembly, group: _Group, movable: Sequence[str]) -> _Computed:
        own = set(group.columns)
        orders = [(a, b, s) for a, b, s in assembly.plan.orders if {a, b} <= own]
        texts = [text for _, text in group.checks]
        ways = ways_to(assembly.table, assembly.dialect, texts, orders, movable)
        domains = compile_constraints(assembly.table, assembly.dialect, now=assembly.now).domains if ways else {}
        return cls(assembly, group, tuple(movable), ways, domains)

    def __call__(self, rows: Columns, positions: Integers, turn: int) -> Columns:
        """The movable columns of ``rows``, which stand at ``positions`` in the table."""
        if not self.ways:
            return {name: rows[name] for name in self.movable}
        table, seed = self.assembly.table.name, self.assembly.seed

        def words(name: str, again: int) -> npt.NDArray[np.uint64]:
            return hashed(positions, seed, table, name, "computed", turn, again)

        made = mend(rows, self.ways, self.domains, self.assembly.dialect, self.failures, words)
        # What does not fit its column would be refused there: such rows keep what they had.
        out = {}
        for name in self.movable:
            good = self._fits(name, made[name])
            out[name] = pc.if_else(array_of(good), made[name], rows[name].cast(made[name].type))
        return out

    def failures(self, rows: Columns) -> Integers:
        total = np.zeros(len(next(iter(rows.values()))), dtype=np.int64)
        for test in self.group.tests:
            total += ~test(rows)
        for name in self.movable:
            total += ~self._fits(name, rows[name])
        return total

    def _fits(self, name: str, values: pa.Array) -> Mask:
        return fits(self.assembly.table, self.assembly.plan.column(name), self.domains.get(name), values)


def late_columns(plan: TablePlan) -> frozenset[str]:
    """Columns that stay NULL until the tables of their cycle are there."""
    later = {r.foreign_key for r in plan.references if r.how == "later"}
    sources = ((c.name, c.source) for c in plan.columns)
    return frozenset(n for n, s in sources if isinstance(s, Reference) and s.foreign_key in later)


def misordered(low: pa.Array, high: pa.Array, strict: bool) -> Mask:
    """Rows in which both are set and ``low`` is above ``high`` (``strict``: or equal), shape (n,)."""
    written = _written_moments(low, high)
    if written is not None:
        low, high = written
    elif low.type != high.type:
        try:
            low, high = unify([low, high])
        except pa.ArrowInvalid:  # texts that are no moments: nothing can be said of their order
            return np.zeros(len(low), bool)
    test = pc.greater_equal(low, high) if strict else pc.greater(low, high)
    return numpy_of(fill_null(test, False))


def _written_moments(low: pa.Array, high: pa.Array) -> tuple[pa.Array, pa.Array] | None:
    """Both as microseconds where one is a text that holds moments in a way that does not sort: ``31.12.1999``."""
    if not any(pa.types.is_string(v.type) for v in (low, high)):
        return None
    parsed = [parse_temporal(v) for v in (low, high)]
    if low.type == high.type and None in parsed:  # days and months may be told apart in one of them alone
        together = parse_temporal(pa.concat_arrays([low, high]))
        if together is not None:
            ints, unit, layout = together
            parsed = [(ints[: len(low)], unit, layout), (ints[len(low) :], unit, layout)]
    if parsed[0] is None or parsed[1] is None:
        return None
    if low.type == high.type and all(p is not None and p[2].startswith("%Y-%m-%d") for p in parsed):
        return None
    micros = [
        array_of(p[0] * MICROSECONDS[p[1]], mask=~numpy_of(v.is_valid()))
        for p, v in zip(parsed, (low, high), strict=True) if p is not None
    ]  # fmt: skip
    return micros[0], micros[1]


def _groups(assembly: Assembly) -> list[_Group]:
    dialect = assembly.dialect
    parts: list[tuple[set[str], list[tuple[str, str]], list[Test]]] = []
    for name, text in assembly.plan.repairs:
        test = _check(text, dialect, assembly.now)
        parts.append((set(mentioned_columns(text, assembly.table, dialect)), [(name, text)], [test]))
    checked = set().union(*(p[0] for p in parts)) if parts else set()
    for low, high, strict in assembly.plan.orders:
        if {low, high} & checked:
            parts.append(({low, high}, [], [_order(low, high, strict)]))
            checked |= {low, high}
    for a, b in assembly.plan.distinct:
        if {a, b} & checked:
            parts.append(({a, b}, [], [_distinct(a, b)]))
    merged: list[tuple[set[str], list[tuple[str, str]], list[Test]]] = []
    for names, checks, tests in parts:
        touching = [m for m in merged if m[0] & names]
        merged = [m for m in merged if not m[0] & names]
        merged.append(
            (
                names.union(*(m[0] for m in touching)),
                [c for m in touching for c in m[1]] + checks,
                [t for m in touching for t in m[2]] + tests,
            )
        )
    order = assembly.table.column_names
    return [_Group(tuple(c), tuple(sorted(n, key=order.index)), tuple(t)) for n, c, t in merged if c]


def _check(text: str, dialect: str, now: str) -> Test:
    return lambda columns: evaluate(text, pa.table(columns), dialect, now=now)


def _order(low: str, high: str, strict: bool) -> Test:
    def holds(columns: Columns) -> Mask:
        if low not in columns or high not in columns:
            return np.ones(len(next(iter(columns.values()))), dtype=bool)
        return ~misordered(columns[low], columns[high], strict)

    return holds


def _distinct(a: str, b: str) -> Test:
    def holds(columns: Columns) -> Mask:
        left, right = unify([columns[a], columns[b]])
        return np.asarray(numpy_of(fill_null(pc.not_equal(left, right), True)), dtype=bool)

    return holds


def _passing(columns: Columns, tests: Iterable[Test]) -> Mask:
    return np.asarray(np.all([test(columns) for test in tests], axis=0), dtype=bool)


def _movable(assembly: Assembly, column: str) -> bool:
    source = assembly.plan.column(column).source
    in_key = any(column in u.columns for u in assembly.plan.uniques)
    gated = any(column == c.name for u in assembly.plan.uniques for c in (*u.gate, *u.exit))
    return isinstance(source, Rule | Modelled | Constant) and not in_key and not gated


def _fresh(assembly: Assembly, names: Sequence[str], rows: Integers, taken: Columns, turn: int) -> Columns:
    """Values that the columns' rules would give to rows beyond the table's; other columns stay."""
    values = rule_values(assembly.table, assembly.seed, assembly.locale, assembly.now)
    out = {}
    for name in names:
        source = assembly.plan.column(name).source
        out[name] = taken[name]
        if isinstance(source, Rule) and not source.needs and not source.call.unique:
            made = values(name, source.call, rows + assembly.rows * (turn + 1)).cast(taken[name].type)
            words = hashed(rows, assembly.seed, assembly.table.name, name, "fresh", turn)
            empty = words < np.uint64(min(int(source.null_share * 2**64), 2**64 - 1))
            out[name] = pc.if_else(array_of(empty), scalar_of(None, made.type), made)
    return _in_other_branches(assembly, out, rows, turn) if turn % 2 else out


def _in_other_branches(assembly: Assembly, out: Columns, rows: Integers, turn: int) -> Columns:
    """``out`` with what another branch of the checks wants in each row: its own may not go with the row's key."""
    values = rule_values(assembly.table, assembly.seed, assembly.locale, assembly.now)
    unique = {c.name for c in assembly.plan.columns if isinstance(c.source, Rule) and c.source.call.unique}
    for choice in assembly.plan.branches:
        words = hashed(rows, assembly.seed, assembly.table.name, "other branch", *choice.checks, turn)
        taken = below(words, len(choice.branches))
        for number, branch in enumerate(choice.branches):
            where = np.flatnonzero(taken == number)
            wanted = [c for c in branch if c.name in out.keys() - unique]
            ranks = rows[where] + assembly.rows * (turn + 1)
            if where.size and wanted:
                out = with_columns(assembly.plan, out, wanted, where, ranks, assembly.seed, values)
    return out


def _placed(column: pa.Array, values: pa.Array, rows: Integers, good: Mask) -> pa.Array:
    index = np.arange(len(column))
    index[rows[good]] = index.size + np.flatnonzero(good)
    return pa.concat_arrays([column, values]).take(array_of(index))


def _refusal(assembly: Assembly, columns: Columns, group: _Group) -> ConstraintError:
    names = [
        (n, t) for n, t in group.checks if not evaluate(t, pa.table(columns), assembly.dialect, now=assembly.now).all()
    ]
    name, text = (names or list(group.checks))[0]
    return ConstraintError(
        f"{assembly.table.name}: constraint {name} is not understood yet and no generated row could lend its values: "
        f"CHECK ({text}); leave the table out (skip: true in fixturesynth.yaml) or give its columns rules"
    )
