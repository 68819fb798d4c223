"""Exclusion constraints: rows of a group follow each other without overlapping, or share a value."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from math import prod
from typing import Any

from fixturesynth.errors import ConstraintError
from fixturesynth.planning.needs import ColumnNeeds
from fixturesynth.planning.plan import ColumnPlan, Derived, ExclusionPlan, Key, Modelled, Reference, Rule
from fixturesynth.profiling.ranges import scale_of
from fixturesynth.rules.moments import moment_of
from fixturesynth.schema.model import Check, Column, ColumnType, Exclusion, Table, Unique
from fixturesynth.schema.predicates import NotUnderstood, RangeLimits, Span, mentioned_columns, only_orders, parse_span
from fixturesynth.schema.targets import quote_name

__all__ = ["exclusion_limit", "plan_exclusions", "with_exclusions"]

EQUAL, OVERLAPS, UNEQUAL = "=", "&&", "<>"
ADDRESSES = frozenset({"inet", "cidr"})  # single hosts, or networks of one size, overlap only where they are equal
MEASURED = frozenset({"integer", "decimal", "date", "timestamp"})
PER_SECOND = 1_000_000
MOST = 2**53
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def with_exclusions(table: Table, dialect: str) -> Table:
    """The table with exclusions that are uniqueness in other words among its unique sets, and with ends in order.

    A range whose lower end is above its upper one is an error, wherever the database makes one of two columns.
    """
    uniques = []
    for exclusion in table.exclusions:
        columns: list[str] = []
        expressions: list[str] = []
        for text, operator in exclusion.elements:
            address = text in table and table.column(text).type.kind in ADDRESSES
            if operator == EQUAL or (operator == OVERLAPS and address):
                (columns if text in table else expressions).append(text)
        if len(columns) + len(expressions) == len(exclusion.elements):
            uniques.append(Unique(exclusion.name, tuple(columns), tuple(expressions), exclusion.predicate))
    made = [(e.name, t) for e in table.exclusions for t, o in e.elements if o == OVERLAPS and t not in table]
    made += [(c.name, c.name) for c in table.columns if c.generated is not None and c.type.kind == "range"]
    checks = []
    for name, text in made:
        span = parse_span(text, table, dialect)
        if span is not None and not span.is_column:
            low, high = (quote_name(c, dialect) for c in (span.low, span.high))
            checks.append(Check(name, f"{high} >= 1" if span.unit else f"{low} <= {high}", (span.low, span.high)))
            # An end that is not there makes the span endless.
            counted = (span.high,) if span.unit else (span.day, span.low, span.high) if span.day is not None else ()
            checks += [Check(name, f"{quote_name(c, dialect)} IS NOT NULL", (c,)) for c in counted]
    if not uniques and not checks:
        return table
    return replace(table, uniques=(*table.uniques, *uniques), checks=(*table.checks, *checks))


def plan_exclusions(
    needs: ColumnNeeds, columns: Sequence[ColumnPlan], ranges: Mapping[str, RangeLimits], dialect: str
) -> tuple[ExclusionPlan, ...]:
    """How each exclusion that is more than uniqueness is held; ConstraintError names one that cannot be.

    ``ranges``: what checks ask of columns of ranges.
    """
    table = needs.table
    by_name = {c.name: c for c in columns}
    unique = {u.name for u in table.uniques}
    return tuple(_planned(needs, by_name, e, ranges, dialect) for e in table.exclusions if e.name not in unique)


def _planned(
    needs: ColumnNeeds,
    by_name: Mapping[str, ColumnPlan],
    exclusion: Exclusion,
    ranges: Mapping[str, RangeLimits],
    dialect: str,
) -> ExclusionPlan:
    table = needs.table
    # An expression is left out of the group: rows that agree in the other members are kept apart all the more.
    groups = [t for t, o in exclusion.elements if o == EQUAL and t in table and table.column(t).generated is None]
    spans = [
        span
        for text, operator in exclusion.elements
        if operator == OVERLAPS and (span := parse_span(text, table, dialect)) and _movable(table, by_name, span)
    ]
    if spans:
        return _apart(needs, exclusion, groups, spans, ranges, dialect)
    for text, operator in exclusion.elements:
        if operator == UNEQUAL and text in table and isinstance(by_name[text].source, Rule | Modelled):
            return ExclusionPlan(exclusion.name, "same", tuple(groups), text, text, learned=needs.profile is not None)
    raise ConstraintError(
        f"{table.name}: exclusion constraint {exclusion.name} is not understood: {exclusion.text}; "
        "leave the table out (skip: true in fixturesynth.yaml)"
    )


def _apart(
    needs: ColumnNeeds,
    exclusion: Exclusion,
    groups: list[str],
    spans: list[Span],
    ranges: Mapping[str, RangeLimits],
    dialect: str,
) -> ExclusionPlan:
    table = needs.table
    span = min(spans, key=lambda s: (s.day is not None, s.is_column, s.low))
    ends = {span.low, span.high} if span.day is None else {span.day}
    if any(ends & set(key) for key in table.keys):
        groups = []  # disjoint over all rows is unique over all rows
    if span.day is not None:
        gap = 1 + -(-span.slack // (86_400 * PER_SECOND))
        predicate = (
            None if exclusion.predicate and _names(exclusion.predicate, table, dialect) & ends else exclusion.predicate
        )
        return ExclusionPlan(
            exclusion.name, "days", tuple(groups), span.day, span.day, least=gap, predicate=predicate,
            learned=needs.profile is not None,
        )  # fmt: skip
    low, high, least = _limits(needs, span, ranges)
    kind = _measured(table.column(span.low)).kind
    room = None
    if low is not None and high is not None:
        whole = span.closed and kind in ("integer", "date")
        room = max(0, high - low + int(whole)) // max(least, PER_SECOND if kind == "timestamp" else 1)
    mentioning = [c for c in table.checks if ends & set(c.columns)]
    free = all(len(ends & set(c.columns)) < 2 or only_orders(c.text, table, dialect, span) for c in mentioning)
    brief = kind == "timestamp" and not span.is_column and not span.unit and needs.profile is None and free
    predicate = exclusion.predicate
    if predicate is not None and _names(predicate, table, dialect) & ends:
        predicate = None  # moving would change who takes part: all rows do
    return ExclusionPlan(
        exclusion.name, "apart", tuple(groups), span.low, span.high, closed=span.closed, floor=low, ceiling=high,
        room=room, least=least, predicate=predicate, learned=needs.profile is not None, brief=brief,
        unit=span.unit, slack=span.slack,
    )  # fmt: skip


def _names(text: str, table: Table, dialect: str) -> set[str]:
    try:
        return set(mentioned_columns(text, table, dialect))
    except NotUnderstood:
        return set(table.column_names)


def _movable(table: Table, by_name: Mapping[str, ColumnPlan], span: Span) -> bool:
    for name in {span.day} if span.day is not None else {span.low} if span.unit else {span.low, span.high}:
        source = by_name[name].source
        if not isinstance(source, Rule | Key | Modelled | Derived):
            return False
        if isinstance(source, Derived) and source.foreign_key is not None:
            return False
    return span.day is not None or all(_measured(table.column(n)).kind in MEASURED for n in (span.low, span.high))


def _measured(column: Column) -> ColumnType:
    """The type of a span's ends."""
    if column.type.kind == "range":
        return column.type.element or ColumnType("other", "unknown")
    return column.type


def _limits(needs: ColumnNeeds, span: Span, ranges: Mapping[str, RangeLimits]) -> tuple[int | None, int | None, int]:
    """Smallest and largest end that the checks and the type allow, None where there is none, and the least width."""
    kind = _measured(needs.table.column(span.low))
    lows: list[Any] = []
    highs: list[Any] = []
    least = 1
    if span.is_column:
        limits = ranges.get(span.low, RangeLimits())
        lows, highs = [limits.low], [limits.high]
        if isinstance(limits.least, timedelta):
            least = limits.least // timedelta(microseconds=1)
        elif limits.least is not None:
            least = int(Decimal(str(limits.least)).scaleb(scale_of(kind)))
    for name in () if span.is_column else (span.low,) if span.unit else (span.low, span.high):
        domain = needs.constraints.domains.get(name)
        lows.append(domain.low if domain is not None else None)
        highs.append(domain.high if domain is not None else None)
    if kind.kind == "integer":
        lows.append(max(kind.integer_range[0], -MOST))
        highs.append(min(kind.integer_range[1], MOST))
    if kind.kind == "decimal" and kind.precision is not None:
        most = 10 ** min(kind.precision - (kind.scale or 0), 15) - 1
        lows.append(-most)
        highs.append(most)
    units = [[_units(v, kind, needs) for v in values if v is not None] for values in (lows, highs)]
    return max(units[0], default=None), min(units[1], default=None), least


def _units(value: Any, kind: ColumnType, needs: ColumnNeeds) -> int:
    """A limit in units of the span: whole numbers, smallest fractions, days or microseconds."""
    if kind.kind in ("integer", "decimal"):
        return int(Decimal(str(value)).scaleb(scale_of(kind)))
    pinned = datetime.fromisoformat(needs.now)
    passed = moment_of(str(value), pinned if pinned.tzinfo else pinned.replace(tzinfo=UTC)) - EPOCH
    return passed.days if kind.kind == "date" else passed // timedelta(microseconds=1)


def exclusion_limit(
    plan: ExclusionPlan,
    table: Table,
    columns: Mapping[str, ColumnPlan],
    capacities: Mapping[str, int],
    planned: Mapping[str, int],
) -> int | None:
    """Most rows that fit between the limits of all groups; None: no bound is known."""
    if plan.room is None:
        return None
    sizes: dict[str, int] = {}
    for name in plan.groups:
        source = columns[name].source
        if isinstance(source, Reference):
            parent = table.foreign_key(source.foreign_key).parent
            if parent == table.name or parent not in planned:
                return None  # its own rows, or those of a table that a cycle puts after it
            sizes[source.foreign_key] = planned[parent]
        elif isinstance(source, Rule | Key):
            sizes[name] = capacities[name]
        else:
            return None
    return plan.room * prod(sizes.values())
