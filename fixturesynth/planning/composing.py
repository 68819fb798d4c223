"""Texts that are put together from other columns, as the rows have them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from fixturesynth.planning.plan import ColumnPlan, ReferencePlan, Rule, RuleCall
from fixturesynth.profiling.profile import ColumnProfile, TableProfile
from fixturesynth.schema.model import Column, Table
from fixturesynth.schema.predicates import ColumnDomain

__all__ = ["composed_plan"]

Piece = Mapping[str, Any]


def composed_plan(
    table: Table, column: Column, seen: ColumnProfile | None, table_seen: TableProfile | None,
    domain: ColumnDomain | None, references: tuple[ReferencePlan, ...], reachable: Callable[[str, str], bool], *,
    unique: bool,
) -> ColumnPlan | None:  # fmt: skip
    """The column made of what its texts are made of; None where there is no such thing, or it may not be had.

    ``reachable(foreign_key, column)``: whether a parent's column is there before the row's own are.
    """
    found = seen.composed if seen is not None else None
    free = domain is None or domain == ColumnDomain(column.name, max_length=domain.max_length, not_null=domain.not_null)
    if found is None or seen is None or not free or any(column.name in c.columns for c in table.checks):
        return None
    own = tuple(dict.fromkeys(p["column"] for p in found["pieces"] if "column" in p and "key" not in p))
    above = tuple(dict.fromkeys((p["key"], p["column"]) for p in found["pieces"] if "key" in p))
    lines = {p["key"] for p in found["pieces"] if p.get("line")}
    if lines - {r.foreign_key for r in references if r.how == "self"}:
        return None
    late = {c for r in references if r.how in ("later", "null") for c in table.foreign_key(r.foreign_key).columns}
    if any(name not in table or name in late or table.column(name).generated is not None for name in own):
        return None
    if not all(reachable(key, name) for key, name in above if key not in lines) or _follows(
        table_seen, column.name, own
    ):
        return None
    alone = {key[0] for key in table.keys if len(key) == 1}
    # Where two columns make a unique text and nothing is left, few rows have the same two: these get a number.
    few = len(own) + len(above) < 2 or "rest" in found
    if unique and few and not _varies(found.get("rest", {})) and not alone & set(own) and not lines:
        return None
    call = RuleCall("composed", dict(found), unique=unique)
    said = " and ".join([*own, *(f"the parent's {name}" for _, name in above)])
    why = f"put together from {said}" + (" and a rest" if "rest" in found else "")
    null_share = 0.0 if unique and not column.nullable else seen.null_share
    return ColumnPlan(column.name, Rule(call, null_share, own, above), why)


def _varies(rest: Mapping[str, Any]) -> bool:
    """Whether a rest can be many: it counts, or one of its shapes leaves letters or digits open."""
    open_letters = (re.search("[9Aa⟦]", re.sub(r"\\.", "", str(shape))) for shape, _ in rest.get("patterns", ()))
    return "counted" in rest or any(open_letters)


def _follows(seen: TableProfile | None, column: str, own: tuple[str, ...]) -> bool:
    """Whether one of its pieces is read from the column itself."""
    return seen is not None and any(
        i.target in own
        and column in i.sources
        and i.foreign_key is None
        and i.kind in ("determines", "datepart", "equal")
        for i in seen.invariants
    )
