"""Checks on columns of ranges: what they ask of the ends and the width goes to the column's rule."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

from fixturesynth.planning.plan import ColumnPlan, Key, Rule
from fixturesynth.schema.model import ColumnType, Table
from fixturesynth.schema.predicates import RangeLimits, range_condition

__all__ = ["hold_ranges", "with_range_limits"]

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


def hold_ranges(table: Table, dialect: str) -> tuple[Table, dict[str, RangeLimits]]:
    """The table without the checks that rules for ranges can hold, and what those ask of each column."""
    limits: dict[str, RangeLimits] = {}
    checks = tuple(c for c in table.checks if not _held(table, c.text, dialect, limits))
    columns = []
    for column in table.columns:
        quoted = '"' + column.name.replace('"', '""') + '"'
        texts = column.domain_checks if column.type.kind == "range" else ()
        left = [t for t in texts if not _held(table, re.sub(r"\bVALUE\b", quoted, t), dialect, limits)]
        columns.append(replace(column, domain_checks=tuple(left)) if texts else column)
    return replace(table, checks=checks, columns=tuple(columns)), limits


def _held(table: Table, text: str, dialect: str, limits: dict[str, RangeLimits]) -> bool:
    found = range_condition(text, table, dialect)
    if found is None or not _countable(table.column(found[0]).type, found[1]):
        return False
    limits[found[0]] = limits.get(found[0], RangeLimits()).joined(found[1])
    return True


def _countable(kind: ColumnType, limits: RangeLimits) -> bool:
    """Whether widths are whole steps of the rule: hours of moments, days, whole numbers, hundredths."""
    element = kind.element.kind if kind.element is not None else "other"
    step = {"timestamp": HOUR, "date": 1, "integer": 1, "decimal": Decimal("0.01")}.get(element)
    if step is None:
        return False
    widths = [w for w in (limits.least, limits.most) if w is not None]
    return all(isinstance(w, timedelta) == isinstance(step, timedelta) and w >= step for w in widths)


def with_range_limits(
    table: Table, columns: Sequence[ColumnPlan], limits: Mapping[str, RangeLimits]
) -> tuple[ColumnPlan, ...]:
    """The columns with their rules for ranges inside the limits."""
    out = []
    for plan in columns:
        source = plan.source
        if plan.name in limits and isinstance(source, Rule | Key) and source.call.name == "range":
            kind = table.column(plan.name).type
            options = {**source.call.options, **_options(kind, limits[plan.name])}
            plan = replace(plan, source=replace(source, call=replace(source.call, options=options)))
        out.append(plan)
    return tuple(out)


def _options(kind: ColumnType, limits: RangeLimits) -> dict[str, Any]:
    element = kind.element.kind if kind.element is not None else "other"

    def steps(width: Any) -> int:
        return width // HOUR if isinstance(width, timedelta) else int(Decimal(str(width)) * scale)

    scale = 100 if element == "decimal" else 1
    options: dict[str, Any] = {}
    for name, value in (("least", limits.least), ("width", limits.most)):
        if value is not None:
            options[name] = steps(value)
    for name, value in (("low", limits.low), ("high", limits.high)):
        if value is not None:
            options[name] = int(Decimal(str(value)) * scale) if element in ("integer", "decimal") else str(value)
    if "high" in options:
        options["last"] = options.pop("high")  # of the upper end
    return options
