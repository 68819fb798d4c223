"""How many children unique sets and exclusions leave room for, by the parents that there are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from fixturesynth.planning.parts import part_of
from fixturesynth.planning.plan import Plan, Reference, ReferencePlan, Rule, TablePlan, UniquePlan
from fixturesynth.planning.uniques import dispensable
from fixturesynth.rules.contract import ColumnContext
from fixturesynth.rules.registry import capacity
from fixturesynth.sampling.assembly import Made
from fixturesynth.sampling.matching import codes_of, pair_keys
from fixturesynth.sampling.partition import context_of
from fixturesynth.sampling.regrouping import alike
from fixturesynth.sampling.sharing import Room
from fixturesynth.schema.model import ForeignKey, Table

__all__ = ["Capacities"]

Integers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Capacities:
    """Of one table of the plan ``whole``. ``made``: tables by name, parents among them."""

    whole: Plan
    plan: TablePlan
    table: Table
    made: Mapping[str, Made]

    def cap(self, reference: ReferencePlan) -> int | None:
        """Most children of one parent that unique sets of references with it, and exclusions, allow."""
        fk = self.table.foreign_key(reference.foreign_key)
        caps = [most for _, most in self._sets_with(fk)] + self._rooms(fk)
        return min(caps, default=None)

    def _rooms(self, fk: ForeignKey) -> list[int]:
        """For how many rows of a parent exclusions have room, by groups of it and columns that may be dealt out."""
        found = []
        for exclusion in self.plan.exclusions:
            rest = [c for c in exclusion.groups if c not in fk.columns]
            if exclusion.room is None or len(rest) + len(fk.columns) != len(exclusion.groups):
                continue
            size = exclusion.room
            for column in rest:
                source = self.plan.column(column).source
                if isinstance(source, Reference) and self.plan.reference(source.foreign_key).how == "matched":
                    size *= max(self.made[self.table.foreign_key(source.foreign_key).parent].rows, 1)
                elif isinstance(source, Rule) and not source.needs:
                    size *= max(capacity(source.call, self._context(column)), 1)
            found.append(size)
        return found

    def parts_capped(self, reference: ReferencePlan) -> list[tuple[Integers, Integers]]:
        """(group of every parent, most children of each) where unique sets take only a part of the key's columns."""
        fk = self.table.foreign_key(reference.foreign_key)
        out = []
        for unique, most in self._sets_with(fk):
            part = part_of(self.table, fk, unique.columns)
            if part:
                groups = pair_keys(*(codes_of(self.made[fk.parent].columns[c]) for c in part))
                out.append((groups, np.full(int(groups.max(initial=0)) + 1, most, dtype=np.int64)))
        return out

    def sizes_beside(self) -> dict[str, list[Room]]:
        """By foreign key: what sets of it, of rules, of its like and of the context tell apart for its parents."""
        assert self.plan.context is not None
        key = self.table.foreign_key(self.plan.context)
        named = dict(zip(key.columns, key.parent_columns, strict=True))
        found: dict[str, list[Room]] = {}
        for reference in self.plan.references:
            own = set(self.table.foreign_key(reference.foreign_key).columns)
            for unique in self.plan.uniques if own & set(named) and own - set(named) else ():
                rest = [c for c in unique.columns if c not in own and c not in named]
                sources = [self.plan.column(c).source for c in rest]
                if unique.how != "by_pairs" or not (own - set(named)) & set(unique.columns):
                    continue
                size, beside = 1, list[str]()
                for column, source in zip(rest, sources, strict=True):
                    if isinstance(source, Reference) and alike(
                        self.plan, self.table, reference.foreign_key, source.foreign_key, unique
                    ):
                        beside += [source.foreign_key] if source.foreign_key not in beside else []
                        continue
                    if not isinstance(source, Rule) or source.needs:
                        break
                    context = context_of(self.table, column, self.whole.locale, self.whole.now)
                    size *= max(capacity(replace(source.call, unique=True), context), 1)
                else:
                    part = tuple(named[c] for c in unique.columns if c in named)
                    found.setdefault(reference.foreign_key, []).append(Room(size, part, tuple(beside)))
        return found

    def _sets_with(self, fk: ForeignKey) -> list[tuple[UniquePlan, int]]:
        """Unique sets that the key takes part in, and how many rows the others' columns tell apart for each parent."""
        found = []
        own = set(fk.columns)
        for unique in self.plan.uniques:
            rest = [c for c in unique.columns if c not in own]
            if unique.how != "by_pairs" or len(rest) == len(unique.columns):
                continue
            sources = [self.plan.column(c).source for c in rest]
            names = {s.foreign_key for s in sources if isinstance(s, Reference)}
            hows = {name: self.plan.reference(name).how for name in names}
            empty = {n for n in names if hows[n] == "null"}
            if empty and unique.nulls_distinct:
                continue
            parts = {n for n in names if not set(self.table.foreign_key(n).columns) <= set(unique.columns)}
            if "self" in hows.values() or any(how == "later" and name in parts for name, how in hows.items()):
                continue
            rules = [(c, s.call) for c, s in zip(rest, sources, strict=True) if isinstance(s, Rule) and not s.needs]
            if len(rules) + sum(isinstance(s, Reference) for s in sources) == len(sources):
                size = 1
                for name in names - empty:
                    size *= max(self._told_apart(self.table.foreign_key(name), unique), 1)
                for column, call in rules:
                    size *= max(capacity(replace(call, unique=True), self._context(column)), 1)
                if size * self.made[fk.parent].rows >= self.plan.rows or not self._may_leave(unique):
                    found.append((unique, size))
        return found

    def _context(self, column: str) -> ColumnContext:
        return context_of(self.table, column, self.whole.locale, self.whole.now)

    def _told_apart(self, fk: ForeignKey, unique: UniquePlan) -> int:
        """How many parents of ``fk`` differ in what the set takes of its key."""
        part = part_of(self.table, fk, unique.columns)
        if not part:  # all of it; one that closes a cycle has its rows in the plan alone
            return self.whole[fk.parent].rows
        keys = pair_keys(*(codes_of(self.made[fk.parent].columns[c]) for c in part))
        return int(keys.max(initial=-1)) + 1

    def _may_leave(self, unique: UniquePlan) -> bool:
        """Whether rows for which the set has no room are left out of it by a NULL."""
        parts = (self.plan.columns, self.plan.references, self.plan.branches, self.plan.repairs)
        return bool(unique.exit or dispensable(self.table, self.whole.dialect, unique, *parts))
