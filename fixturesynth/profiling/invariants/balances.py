"""Numbers that come to the same in nearly all families: postings that balance, shares of a hundred, one address."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import combinations
from typing import Any

import numpy as np
import numpy.typing as npt

from fixturesynth.profiling.aggregates import plain_category
from fixturesynth.profiling.balances import Balance, balance_of, families_of
from fixturesynth.profiling.columnar import ColumnView, TableView
from fixturesynth.profiling.invariants.evidence import FEWEST, SURPRISE, shuffled
from fixturesynth.profiling.profile import Invariant
from fixturesynth.schema.model import ForeignKey

__all__ = ["find_balances"]

Integers = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

LEAST_SHARE = 0.95  # of the families that keep the rule
LEAST_START = 0.1  # of the families that keep it as it is, for factors and kinds to be tried
BEYOND = 0.8  # of what chance leaves open
MOST_COLUMNS = 16
MOST_KINDS = 16
MOST_PARTS = 256


def find_balances(
    child: TableView, parents: Mapping[str, TableView], located: Mapping[str, Integers]
) -> list[Invariant]:
    """One rule for each column, of the foreign key with most families: what holds in small ones holds in large ones."""
    best: dict[str, Invariant] = {}
    for fk in child.table.foreign_keys:
        if fk.name not in located or fk.parent == child.table.name:
            continue
        at, parent = located[fk.name], parents[fk.parent]
        counts = np.bincount(at[at >= 0], minlength=parent.rows)
        if np.count_nonzero(counts > 1) < FEWEST:
            continue
        targets = list(_targets(child, fk))
        found = [_of_column(child, parent, fk, at, target) for target in targets]
        single = {rule.target for rule in found if rule is not None}
        found += [
            _of_sides(child, parent, fk, at, sides) for sides in _opposed([t for t in targets if t.name not in single])
        ]
        for rule in found:
            if rule is not None and (rule.target not in best or rule.support > best[rule.target].support):
                best[rule.target] = rule
    return list(best.values())


def _opposed(columns: Sequence[ColumnView]) -> Iterator[tuple[ColumnView, ColumnView]]:
    """Columns of which never both have a number that is more than 0, and none less: debit and credit."""
    sided = [c for c in columns if c.family == "number" and not (c.numbers < 0).any()]
    for one, other in combinations(sided, 2):
        first, second = (np.nan_to_num(c.numbers) > 0 for c in (one, other))
        if first.any() and second.any() and not (first & second).any():
            yield one, other


def _of_sides(
    child: TableView, parent: TableView, fk: ForeignKey, at: Integers, sides: tuple[ColumnView, ColumnView]
) -> Invariant | None:
    target, other = sides
    p = {"decimals": max(int(c.decimals or 0) for c in sides), "minus": other.name, "constant": 0}
    balance = balance_of(child, target.name, at, parent.rows, p)
    if balance is None:
        return None
    return _held(child, fk, at, target, balance, np.ones(parent.rows, dtype=bool), p)


def _targets(child: TableView, fk: ForeignKey) -> Iterator[ColumnView]:
    keys = child.references | child.identities | child.key_columns
    found = 0
    for column in child.columns.values():
        measured = column.family == "boolean" or (column.family == "number" and column.decimals is not None)
        if measured and column.distinct > 1 and column.name not in keys and found < MOST_COLUMNS:
            found += 1
            yield column


def _of_column(
    child: TableView, parent: TableView, fk: ForeignKey, at: Integers, target: ColumnView
) -> Invariant | None:
    plain = {"decimals": int(target.decimals or 0)}
    balance = balance_of(child, target.name, at, parent.rows, plain)
    if balance is None or not balance.some.any():
        return None
    everybody = np.ones(parent.rows, dtype=bool)
    common, share = _commonest(balance.sums[balance.some])
    if share < LEAST_START:
        return _of_kinds(child, parent, fk, at, target, balance, plain) if share > 0 else None
    whole = _held(child, fk, at, target, balance, everybody, {**plain, "constant": common})
    if whole is not None:
        return _split(child, parent, fk, at, target, whole)
    for times in child.columns.values():
        if times.family != "number" or not times.nulls or times.name == target.name or times.distinct < 2:
            continue
        for rounded in range(int(plain["decimals"]), -1, -1):
            p = {**plain, "times": times.name, "rounded": rounded, "constant": common}
            weighed = balance_of(child, target.name, at, parent.rows, p)
            if weighed is not None and (rule := _held(child, fk, at, target, weighed, everybody, p)) is not None:
                return _split(child, parent, fk, at, target, rule)
    return _of_kinds(child, parent, fk, at, target, balance, plain)


def _split(
    child: TableView, parent: TableView, fk: ForeignKey, at: Integers, target: ColumnView, whole: Invariant
) -> Invariant:
    """The rule, by the column with most families of their own in which it holds as well: balanced in each currency."""
    if whole.parameters["constant"] != 0:
        return whole
    best, most = whole, 0
    for within in child.columns.values():
        able = within.family in ("text", "number", "boolean") and within.name not in child.identities
        if not able or not 2 <= within.classes <= MOST_PARTS or within.name in (target.name, *whole.sources):
            continue
        p = {k: v for k, v in whole.parameters.items() if k not in ("share", "none")} | {"within": within.name}
        family, owner = families_of(child, at, parent.rows, p)
        split = int(np.count_nonzero(np.bincount(owner) > 1))
        if split < FEWEST or split <= most:
            continue
        balance = balance_of(child, target.name, family, owner.size, p)
        rule = None
        if balance is not None:
            rule = _held(child, fk, family, target, balance, np.ones(owner.size, dtype=bool), p)
        # A child alone that is not 0 breaks it as well.
        if rule is not None and balance is not None and not balance.sums[balance.some].any():
            best, most = replace(rule, support=whole.support), split
    return best


def _of_kinds(
    child: TableView, parent: TableView, fk: ForeignKey, at: Integers, target: ColumnView, balance: Balance,
    plain: Mapping[str, Any],
) -> Invariant | None:  # fmt: skip
    """A rule of some of a parent's categories alone."""
    for by in parent.columns.values():
        if not 2 <= by.classes <= MOST_KINDS or by.values is None or by.family not in ("text", "boolean", "number"):
            continue
        listed = [plain_category(v) for v in [*by.values.to_pylist(), None]]
        kinds, support, none = [], 0, False
        for code in range(by.distinct + (by.nulls > 0)):
            some = balance.some & (by.dense == code)
            if np.count_nonzero(some) < FEWEST:
                continue
            common, share = _commonest(balance.sums[some])
            rule = None
            if share >= LEAST_SHARE:
                rule = _held(child, fk, at, target, balance, some, {**plain, "constant": common})
            if rule is not None and rule.parameters["share"] == 1.0:
                kinds.append([listed[code], common])
                support += rule.support
                none |= rule.parameters["none"]
        if kinds:
            p = {**plain, "share": 1.0, "none": none, "by": by.name, "kinds": kinds}
            return Invariant("balance", child.table.name, target.name, (), fk.name, p, support)
    return None


def _commonest(sums: Integers) -> tuple[int, float]:
    values, counts = np.unique(sums, return_counts=True)
    at = int(counts.argmax()) if counts.size else 0
    return (int(values[at]), float(counts[at] / sums.size)) if counts.size else (0, 0.0)


def _held(
    child: TableView, fk: ForeignKey, at: Integers, target: ColumnView, balance: Balance, some: Flags,
    parameters: Mapping[str, Any],
) -> Invariant | None:  # fmt: skip
    """The rule, where nearly all of ``some`` parents keep it, chance does not, and not all families are alike."""
    own = (at >= 0) & balance.valid
    parents = balance.sums.size
    many = np.bincount(at[own], minlength=parents)
    # Nothing but zeros comes to nothing, rule or no rule; else whether there may be such families is told with it.
    rows = np.flatnonzero(balance.some & some & (many > 1))
    none = bool((balance.told & ~balance.some & some).any())
    if rows.size < FEWEST:
        return None
    kept = balance.sums[rows] == int(parameters["constant"])
    share = float(kept.mean())
    if share < LEAST_SHARE or _alike(balance, at, own, rows[kept], target):
        return None
    # Amounts of the same rows, dealt out anew, come to it by accident.
    amounts = np.where(own, balance.amounts * balance.factors, 0.0)
    inside = np.flatnonzero(own & np.isin(at, rows))
    dealt = amounts[inside][np.argsort(shuffled(child.rows)[inside], kind="stable")]
    sums = np.bincount(at[inside], weights=dealt, minlength=parents)[rows]
    chance = min(max(float((np.rint(sums) == parameters["constant"]).mean()), 1e-6), 1.0)
    if chance >= 1 or (share - chance) / (1 - chance) < BEYOND:
        return None
    off = (1 - share) * np.log((1 - share) / (1 - chance)) if share < 1 else 0.0
    if rows.size * (share * np.log(share / chance) + off) < SURPRISE:
        return None
    p = {**parameters, "share": round(share, 3), "none": none or not parameters["constant"]}
    sources = tuple(p[n] for n in ("minus", "times") if p.get(n))
    return Invariant("balance", child.table.name, target.name, sources, fk.name, p, int(rows.size))


def _alike(balance: Balance, at: Integers, own: Flags, rows: Integers, target: ColumnView) -> bool:
    """Whether all families hold the same numbers in some order: 1, 2, 3 come to 6, but are a count."""
    if target.distinct <= 2:
        return False
    values = np.where(own, balance.amounts, 0).astype(np.float64)
    powers = [np.bincount(at[own], weights=values[own] ** n, minlength=balance.sums.size)[rows] for n in (2, 3)]
    return all(bool((p == p[0]).all()) for p in powers)
