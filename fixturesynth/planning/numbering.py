"""Running numbers that are no key, and columns that name a number beside the row's own one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fixturesynth.planning.needs import ColumnNeeds
from fixturesynth.planning.plan import ColumnPlan, Derived, Modelled
from fixturesynth.profiling.profile import ColumnProfile
from fixturesynth.schema.model import Column
from fixturesynth.schema.predicates import ColumnDomain

__all__ = ["is_running", "numbered_plan"]


def numbered_plan(needs: ColumnNeeds, column: Column, seen: ColumnProfile) -> ColumnPlan | None:
    """How a running number, or what names one, is made; None where the column is neither, or a check is in the way."""
    if seen.near is not None and _counts(needs, seen.near):
        # Which entries name another one hangs on what they are; how many do follows from that.
        distance = Modelled("numeric", {"delta_from": seen.near})
        return ColumnPlan(column.name, distance, f"learned, a number near {seen.near}")
    if not _counts(needs, column.name):
        return None
    assert seen.numbering is not None
    p: Mapping[str, Any] = seen.numbering
    low, high = seen.quantiles[0], seen.quantiles[-1]
    each = max((high - low + 1) / seen.rows, 1.0)
    most = 2.0 ** ((column.type.bits or 64) - 2)
    factor = min(needs.rows / seen.rows, max(most - low, 1.0) / max(high - low, 1.0))
    parameters = {
        "quantiles": list(seen.quantiles), "steps": list(p["steps"]), "factor": factor, "each": each,
        "dates": list(p["dates"]),
    }  # fmt: skip
    source = Derived("numbered", tuple(p["along"]), p["by"], parameters)
    whose = f", those of one {needs.table.foreign_key(p['by']).parent} together" if p["by"] else ""
    along = f", rising with {', '.join(p['along'])}" if p["along"] else ""
    return ColumnPlan(column.name, source, f"counted on{whose}{along}")


def is_running(needs: ColumnNeeds, name: str) -> bool:
    """Whether the column is a running number, or names one."""
    seen = needs.profile.columns.get(name) if needs.profile is not None else None
    return seen is not None and (seen.numbering is not None or seen.near is not None)


def _counts(needs: ColumnNeeds, name: str) -> bool:
    """Whether the column is counted here: its families are known when the table is made, and no check bounds it."""
    seen = needs.profile.columns.get(name) if needs.profile is not None else None
    if seen is None or seen.numbering is None or len(seen.quantiles) < 2:
        return False
    if any(name in c.columns and len(c.columns) > 1 for c in needs.table.checks):
        return False
    domain = needs.constraints.domains.get(name, ColumnDomain(name))
    floor = domain.low is None or float(domain.low) < seen.quantiles[0]
    if not floor or domain != ColumnDomain(name, not_null=domain.not_null, low=domain.low, low_open=domain.low_open):
        return False
    how = {r.foreign_key: r.how for r in needs.references}
    return seen.numbering["by"] is None or how.get(seen.numbering["by"]) in ("context", "matched", "implied")
