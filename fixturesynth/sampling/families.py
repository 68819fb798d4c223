"""Families whose numbers come to a constant: one child makes up for what the others come to, as in real rows.

A posting that balances the others takes exactly what is left, if it can: where one child has no room for it, several
share it, the widest first. Families that nothing mends stay as they were drawn.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from fixturesynth.arrays import array_of
from fixturesynth.generators.derivation import as_type
from fixturesynth.planning.plan import BalancePlan
from fixturesynth.planning.solving import fits
from fixturesynth.profiling.balances import balance_of, constants_of, families_of
from fixturesynth.profiling.columnar import view_column
from fixturesynth.randomness import below, hashed
from fixturesynth.sampling.assembly import Assembly
from fixturesynth.sampling.conditions import conditions_of
from fixturesynth.sampling.succession import computed_again
from fixturesynth.schema.predicates import ColumnDomain, compile_constraints, evaluate

__all__ = ["balance_families"]

Integers = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
Columns = dict[str, pa.Array]

ALONE = 6  # children of a family that are tried one by one
TOGETHER = 12  # children that share what is left
COMMON = 0.005  # of the rows have the value: it is no remainder


@dataclass(frozen=True, eq=False)
class _Families:
    """``columns`` of the table, ``amounts`` (rows,) in units, ``off`` (parents,): what the children of each come to
    beyond the constant."""

    columns: Columns
    amounts: Integers
    off: Integers


def balance_families(assembly: Assembly, columns: Columns, given: Collection[str]) -> Columns:
    """The columns with sums of families as the plan has them. ``given``: columns that the user set, which stay."""
    for item in assembly.plan.balances:
        named = {item.column, *([item.parameters["minus"]] if item.parameters.get("minus") else [])}
        if assembly.rows and named <= columns.keys() - set(given):
            columns = _balanced(assembly, columns, item, given)
    return columns


def _balanced(assembly: Assembly, columns: Columns, item: BalancePlan, given: Collection[str]) -> Columns:
    """Families first by what they are split by; what that leaves, a child alone, is made up for in the whole family."""
    columns = _brought(assembly, columns, item, item.parameters, given)
    if item.parameters.get("within") and item.parameters.get("constant") == 0:
        whole = {k: v for k, v in item.parameters.items() if k != "within"}
        columns = _brought(assembly, columns, item, whole, given)
    return columns


def _brought(
    assembly: Assembly, columns: Columns, item: BalancePlan, p: Mapping[str, Any], given: Collection[str]
) -> Columns:
    parent = assembly.made[assembly.table.foreign_key(item.key).parent]
    view = assembly.view(columns, item.column, *(p[n] for n in ("minus", "times", "within") if p.get(n)))
    at, owner = families_of(view, assembly.ranks_of(item.key, columns), parent.rows, p)
    held = balance_of(view, item.column, at, owner.size, p, exact=False) if owner.size else None
    if held is None:
        return columns
    constants, spoken = constants_of(
        parent.rows, view_column(p["by"], parent.columns[p["by"]]) if p.get("by") else None, p
    )
    words = hashed(np.arange(parent.rows), assembly.seed, assembly.table.name, item.column, "balanced")
    chosen = spoken & (below(words, 1_000) < round(p["share"] * 1_000))
    wanted = chosen[owner] & (held.some if p["none"] else held.told)
    families = _Families(columns, held.amounts, np.where(wanted, held.sums - constants[owner], 0))
    able = (at >= 0) & held.valid & (held.factors == 1) & (not p.get("minus") or held.amounts != 0)
    if p.get("within") and p.get("constant") == 0:  # nothing makes up for a child alone
        able &= np.bincount(at[at >= 0], minlength=owner.size)[np.maximum(at, 0)] > 1
    return _Balancing(assembly, item, at, able, held.amounts[held.valid], columns, given).of(families)


@dataclass(frozen=True, eq=False)
class _Balancing:
    """One column. ``at``: parent of each row; ``able``: (rows,), those that may take what is left; ``drawn``: amounts,
    in units."""

    assembly: Assembly
    item: BalancePlan
    at: Integers
    able: Flags
    drawn: Integers
    columns: Columns
    given: Collection[str]

    def of(self, families: _Families) -> Columns:
        """The columns in which as many families as can be come to their constant."""
        families = self._by_one(families, self.ends)
        if self._minus is None:
            families = self._by_many(families)
        return self._by_one(families, (None, None)).columns

    @cached_property
    def ends(self) -> tuple[int, int]:
        """Least and largest amount of real rows, else of these."""
        drawn = self.drawn
        if not drawn.size:
            return 0, 0
        p = self.item.parameters
        return min(p.get("low", drawn.min()), drawn.min()), max(p.get("high", drawn.max()), drawn.max())

    @property
    def _minus(self) -> str | None:
        """The column of the other side, where amounts have two: a row stays on its own."""
        name: str | None = self.item.parameters.get("minus")
        return name

    @cached_property
    def _common(self) -> Integers:
        values, counts = np.unique(self.drawn, return_counts=True)
        return values[counts >= max(2, COMMON * self.assembly.rows)]

    @cached_property
    def _ties(self) -> npt.NDArray[np.uint64]:
        name, column = self.assembly.table.name, self.item.column
        return hashed(np.arange(self.assembly.rows), self.assembly.seed, name, column, "balancing")

    def _by_one(self, families: _Families, ends: tuple[int | None, int | None]) -> _Families:
        """One child of each family takes what is left: one whose sign stays, of an amount that is no common one."""
        tried = np.zeros(self.at.size, dtype=bool)
        for _ in range(ALONE):
            rows = np.flatnonzero(self.able & ~tried & (families.off[self.at] != 0))
            old = families.amounts[rows]
            new = old - families.off[self.at[rows]]
            low, high = ends
            if low is not None and high is not None:
                inside = (new >= low) & (new <= high) & ((new != 0) | self._may_be_none)
                rows, old, new = rows[inside], old[inside], new[inside]
            if self._minus is not None:
                same = np.sign(old) == np.sign(new)
                rows, old, new = rows[same], old[same], new[same]
            if not rows.size:
                break
            keys = (self._ties[rows], -np.abs(old), np.isin(old, self._common), np.sign(old) != np.sign(new))
            first = _first(self.at[rows], keys)
            tried[rows[first]] = True
            families = self._moved(families, rows[first], new[first])
        return families

    @cached_property
    def _may_be_none(self) -> bool:
        return bool((self.drawn == 0).any())

    def _by_many(self, families: _Families) -> _Families:
        """Children go to the ends of what they may be, those that go furthest first, until nothing is left."""
        trial, tried = families, np.zeros(self.at.size, dtype=bool)
        for _ in range(TOGETHER):
            rows = np.flatnonzero(self.able & ~tried & (trial.off[self.at] != 0))
            old = trial.amounts[rows]
            new = np.clip(old - trial.off[self.at[rows]], *self.ends)
            moving = new != old
            rows, old, new = rows[moving], old[moving], new[moving]
            if not rows.size:
                break
            first = _first(self.at[rows], (self._ties[rows], -np.abs(new - old)))
            tried[rows[first]] = True
            trial = self._moved(trial, rows[first], new[first])
        mended = (families.off != 0) & (trial.off == 0)
        rows = np.flatnonzero((trial.amounts != families.amounts) & mended[self.at])
        if (trial.off == 0).all():
            return trial
        return self._moved(families, rows, trial.amounts[rows])

    def _moved(self, families: _Families, rows: Integers, amounts: Integers) -> _Families:
        """With other amounts in some rows, but for families that would break what they kept."""
        out = self._with(families, rows, amounts)
        broken = np.zeros(families.off.size + 1, dtype=bool)
        broken[self.at[self._failing(out.columns) & ~self._failing_before]] = True
        broken[self.at[rows[~self._fitting(out.columns, rows)]]] = True
        bad = broken[self.at[rows]]
        return self._with(families, rows[~bad], amounts[~bad]) if bad.any() else out

    def _with(self, families: _Families, rows: Integers, amounts: Integers) -> _Families:
        new, off = families.amounts.copy(), families.off.copy()
        np.add.at(off, self.at[rows], amounts - new[rows])
        new[rows] = amounts
        changed = np.zeros(new.size, dtype=bool)
        changed[rows] = True
        columns = dict(families.columns)
        for name, sign in ((self.item.column, 1), (self._minus, -1)):
            if name is not None:
                own = columns[name]
                mine = changed if self._minus is None else changed & (np.sign(new) == sign)
                columns[name] = pc.if_else(array_of(mine), as_type(self._values(new * sign, own.type), own.type), own)
        keyed = {c for u in self.assembly.plan.uniques for c in u.columns} | set(self.given)
        moved = {self.item.column, *([self._minus] if self._minus is not None else [])}
        return _Families(computed_again(self.assembly, columns, moved, keyed), new, off)

    def _values(self, amounts: Integers, kind: pa.DataType) -> pa.Array:
        decimals = int(self.item.parameters["decimals"])
        if pa.types.is_boolean(kind):
            return array_of(amounts != 0)
        return array_of(amounts if not decimals else amounts / 10.0**decimals)

    @cached_property
    def _failing_before(self) -> Flags:
        return self._failing(self.columns)

    def _failing(self, columns: Columns) -> Flags:
        """Rows that break a check, an order or a unique set, (rows,)."""
        assembly, out = self.assembly, np.zeros(self.at.size, dtype=bool)
        for _, test in conditions_of(assembly, columns):
            out |= test(columns)
        rows = pa.table(columns)
        for _, text in assembly.plan.repairs:
            out |= ~evaluate(text, rows, assembly.dialect, now=assembly.now)
        return out

    def _fitting(self, columns: Columns, rows: Integers) -> Flags:
        """Which of ``rows`` have what their columns' types and domains allow."""
        out = np.ones(rows.size, dtype=bool)
        for name in {self.item.column, self._minus or self.item.column}:
            values = columns[name].take(array_of(rows))
            out &= fits(self.assembly.table, self.assembly.plan.column(name), self._domains.get(name), values)
        return out

    @cached_property
    def _domains(self) -> Mapping[str, ColumnDomain]:
        return compile_constraints(self.assembly.table, self.assembly.dialect, now=self.assembly.now).domains


def _first(families: Integers, keys: tuple[npt.NDArray[np.generic], ...]) -> Integers:
    """The place of the least of each family by ``keys``, the chief one last."""
    order = np.lexsort((*keys, families))
    chief = np.ones(order.size, dtype=bool)
    chief[1:] = families[order][1:] != families[order][:-1]
    return order[chief]
