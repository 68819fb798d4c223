"""Which columns of a row hang on a parent that is chosen for it."""

from __future__ import annotations

from fixturesynth.planning.plan import Derived, Modelled, Reference, ReferencePlan, Rule, Source, TablePlan
from fixturesynth.schema.model import Table

__all__ = ["hanging_on_parent", "may_be_planted", "may_exchange"]


def may_exchange(plan: TablePlan, foreign_key: str) -> bool:
    """Whether rows may exchange the parents of a matched reference: nothing else was decided by these."""
    reference = plan.reference(foreign_key)
    alone = all(r.decided_by != foreign_key for r in plan.references)
    return reference.how == "matched" and not reference.exclusive and reference.decided_by is None and alone


def may_be_planted(plan: TablePlan, table: Table, reference: ReferencePlan) -> bool:
    """Whether nothing was decided about a self reference but what its rows and their parents are like."""
    names = table.foreign_key(reference.foreign_key).columns
    sources = [plan.column(c).source for c in names]
    free = all(isinstance(s, Reference) and s.foreign_key == reference.foreign_key for s in sources)
    unique = any(set(u.columns) & set(names) for u in plan.uniques)
    nullable = any(table.column(c).nullable for c in names)
    alone = reference.how == "self" and not reference.exclusive and not plan.branches
    return alone and free and nullable and not unique and not reference.nulls_asked and not reference.asked


def hanging_on_parent(plan: TablePlan, table: Table, foreign_key: str) -> frozenset[str]:
    """The columns that ``foreign_key`` fills, or that follow from its parent, however far."""
    found = set(table.foreign_key(foreign_key).columns)
    while True:
        more = {
            c.name for c in plan.columns
            if _reads_parent(c.source, foreign_key) or found & set(_sources(plan, table, c.source))
        } - found  # fmt: skip
        if not more:
            return frozenset(found)
        found |= more


def _reads_parent(source: Source, foreign_key: str) -> bool:
    if isinstance(source, Derived):
        copied = source.parameters.get("copied")
        return source.foreign_key == foreign_key or (copied is not None and copied[0] == foreign_key)
    if isinstance(source, Rule):
        return any(key == foreign_key for key, _ in source.parents)
    if isinstance(source, Modelled) and "delta_parent" in source.options:
        return bool(source.options["delta_parent"][0] == foreign_key)
    return False


def _sources(plan: TablePlan, table: Table, source: Source) -> tuple[str, ...]:
    """Columns of the same row that a column is made of."""
    if isinstance(source, Derived):
        through = [source.foreign_key] if source.foreign_key else []
        through += [source.parameters["copied"][0]] if "copied" in source.parameters else []
        return (*source.sources, *(c for key in through for c in table.foreign_key(key).columns))
    if isinstance(source, Rule):
        return (*source.needs, *(c for key, _ in source.parents for c in table.foreign_key(key).columns))
    if isinstance(source, Modelled):
        key = source.options.get("delta_parent")
        start = (source.options["delta_from"],) if "delta_from" in source.options else ()
        return (*start, *(table.foreign_key(key[0]).columns if key else ()))
    if isinstance(source, Reference) and plan.reference(source.foreign_key).how == "implied":
        key = source.foreign_key
        filled = {c: plan.column(c).source for c in table.foreign_key(key).columns}
        return tuple(c for c, s in filled.items() if not isinstance(s, Reference) or s.foreign_key != key)
    return ()
