"""Columns that are counted from another one: of the row, or of its parent."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

from fixturesynth.planning.chronology import has_open_ends
from fixturesynth.planning.needs import ColumnNeeds
from fixturesynth.planning.plan import ColumnPlan, Derived
from fixturesynth.planning.uniques import unique_sets
from fixturesynth.profiling.profile import ColumnProfile, Invariant
from fixturesynth.schema.model import Column
from fixturesynth.schema.predicates import ColumnDomain

__all__ = ["copied_from", "deltas", "least_number", "reachable", "repeated_key", "twin_of"]


def deltas(needs: ColumnNeeds, column: Column) -> dict[str, Any]:
    """A column that never comes before another is learned as the distance from it."""
    if needs.profile is None:
        return {}
    known = needs.profile.columns
    nulls = {(i.sources[0], i.target) for i in needs.profile.invariants if i.kind in ("nulls_together", "null_implies")}

    def safe(base: str) -> bool:
        return base in known and (known[base].nulls == 0 or (base, column.name) in nulls)

    mine = known[column.name]
    if has_open_ends(mine):
        return {}
    orders = [i.sources[0] for i in needs.profile.invariants if i.kind == "order" and i.target == column.name]
    # What a check says needs no rows to be believed: few rows show an order too seldom for an invariant.
    below = {(d.low, d.high) for d in needs.constraints.differences}
    orders += [low for low, high in sorted(below) if high == column.name and (high, low) not in below]
    for start in orders:
        if safe(start):
            base = known[start]
            if base.kind == mine.kind and mine.kind in ("datetime", "integer", "number"):
                return {"delta_from": start}
    # Counted from a date that it mostly is, or that it never comes before; else from one that it never comes after.
    if mine.kind == "datetime" and mine.copied is not None and reachable(needs, *mine.copied):
        return {"delta_parent": list(mine.copied)}
    if mine.kind == "datetime" and mine.partly is not None and reachable(needs, *mine.partly):
        return {"delta_parent": list(mine.partly), "if_shorter": True}
    ordered = [
        (str(i.foreign_key), i.sources[0])
        for kind in ("order_parent", "order_parent_reversed") for i in needs.profile.invariants
        if i.kind == kind and i.target == column.name and mine.kind == "datetime"
    ]  # fmt: skip
    seen_from = [o for o in ordered if o[0] == needs.context and reachable(needs, *o)]
    if seen_from:
        return {"delta_parent": list(seen_from[0])}
    # The moment of others is not seen when the row is drawn: a distance has to say more than the row's own one does.
    near = [o for o in ordered if reachable(needs, *o)]
    near += [mine.around] if mine.around is not None and reachable(needs, *mine.around) else []
    return {"delta_parent": list(near[0]), "if_shorter": True} if near else {}


def copied_from(needs: ColumnNeeds, column: Column, seen: ColumnProfile) -> tuple[str, str] | None:
    """The foreign key and the parent's column that nearly every row has its value from, where it may have it here."""
    able = column.type.kind == "text" or seen.kind in ("datetime", "integer", "number")
    if seen.copied is None or not able or not reachable(needs, *seen.copied):
        return None
    return seen.copied if _is_free(needs, column) or least_number(needs, column, seen) else None


def least_number(needs: ColumnNeeds, column: Column, seen: ColumnProfile) -> dict[str, float]:
    """``least``: the smallest number that a check allows where it says nothing else (``amount > 0``); else nothing."""
    domain = needs.constraints.domains.get(column.name)
    if domain is None or not isinstance(domain.low, int | float | Decimal) or seen.kind not in ("integer", "number"):
        return {}
    below = replace(domain, low=None, low_open=False)
    others = any(column.name in c.columns and c.columns != (column.name,) for c in needs.table.checks)
    alone = not others and not any(column.name in u.columns for u in unique_sets(needs.table))
    decimals = column.type.scale if seen.decimals is None else seen.decimals
    if below != ColumnDomain(column.name) or not alone or decimals is None:
        return {}
    return {"least": float(domain.low) + (10.0**-decimals if domain.low_open else 0.0)}


def twin_of(needs: ColumnNeeds, column: Column, seen: ColumnProfile) -> tuple[str, str] | None:
    """The column of the row whose text most rows have, and how it is written, where the column may have it here."""
    if seen.twin is None or column.type.kind != "text" or seen.twin[0] not in needs.table:
        return None
    generated = needs.table.column(seen.twin[0]).generated is not None
    return seen.twin if not generated and _is_free(needs, column) else None


def repeated_key(needs: ColumnNeeds, column: Column, rule: Invariant | None) -> ColumnPlan | None:
    """A unique column that always repeats another one, which keeps it unique: the code is the id."""
    if rule is None or rule.kind != "equal" or rule.parameters or column.name in needs.referenced:
        return None
    other = needs.table.column(rule.sources[0])
    held = column.name in needs.constraints.domains or any(column.name in c.columns for c in needs.table.checks)
    if held or other.name not in needs.unique_columns or other.type != column.type:
        return None
    return ColumnPlan(column.name, Derived("equal", rule.sources), f"equal of {other.name} in all {rule.support} rows")


def _is_free(needs: ColumnNeeds, column: Column) -> bool:
    """Whether neither a check nor a unique set says what a column may have, but for its length."""
    domain = needs.constraints.domains.get(column.name, ColumnDomain(column.name))
    free = domain == ColumnDomain(column.name, max_length=domain.max_length) and all(
        column.name not in c.columns or c.columns == (column.name,) for c in needs.table.checks
    )
    return free and not any(column.name in u.columns for u in unique_sets(needs.table))


def reachable(needs: ColumnNeeds, foreign_key: str, theirs: str) -> bool:
    """Whether rows are given a parent by this foreign key, and its column, before their own columns are made."""
    how = {r.foreign_key: r.how for r in needs.references}
    parent = needs.parents.get(needs.table.foreign_key(foreign_key).parent)
    if how.get(foreign_key) not in ("context", "matched", "implied") or parent is None:
        return False
    return any(c.name == theirs and not c.null_share for c in parent.columns)
