"""Spans of values in the text of a schema: a column of ranges, or a range made of two columns."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from sqlglot import exp

from fixturesynth.schema.model import Table
from fixturesynth.schema.predicates.domains import NotUnderstood, RangeLimits, Span
from fixturesynth.schema.predicates.parsing import bare, call_name, column_name, fold, parse_condition, type_name
from fixturesynth.schema.predicates.present import interval_of

__all__ = ["only_orders", "parse_span", "range_condition"]

MAKERS = frozenset({"int4range", "int8range", "numrange", "daterange", "tsrange", "tstzrange"})
BOUNDS = frozenset({"[)", "[]", "(]", "()"})


def parse_span(text: str, table: Table, dialect: str) -> Span | None:
    """The span that an expression is; None when it is none that is known.

    >>> from fixturesynth.schema.model import Column, ColumnType
    >>> day = ColumnType("date", "date")
    >>> stay = Table("stay", (Column("arrival", day), Column("departure", day)))
    >>> parse_span("daterange(arrival, departure, '[]')", stay, "postgresql")
    Span(low='arrival', high='departure', closed=True)
    """
    if text in table:
        column = table.column(text)
        if column.generated is not None:
            return parse_span(column.generated.expression, table, dialect)
        return Span(text, text) if column.type.kind == "range" else None
    try:
        tree = bare(parse_condition(text, table, dialect))
    except NotUnderstood:
        return None
    if isinstance(tree, exp.Column):
        return parse_span(column_name(tree), table, dialect)
    if not isinstance(tree, exp.Anonymous) or call_name(tree) not in MAKERS or len(tree.expressions) not in (2, 3):
        return None
    try:
        low, high = (_end(e, table) for e in tree.expressions[:2])
        bounds = fold(tree.expressions[2]) if len(tree.expressions) == 3 else "[)"
    except NotUnderstood:
        return None
    if bounds not in BOUNDS or low.lasts is not None or low.day != high.day:
        return None
    slack, closed = max(high.later - low.later, 0), bounds == "[]"
    if high.lasts is not None:
        same = low.column == high.column and low.day is None
        return Span(low.column, high.lasts, closed, None, high.unit, slack) if same else None
    return None if low.column == high.column else Span(low.column, high.column, closed, low.day, 0, slack)


def range_condition(text: str, table: Table, dialect: str) -> tuple[str, RangeLimits] | None:
    """The column of ranges that a condition is about and what it asks of it; None for what is not known.

    Ends are compared with constants, the width with a constant, the whole range with one that contains it. Conditions
    that every range with two ends and something between them keeps, ``NOT isempty(during)`` and its kin, ask nothing.
    """
    try:
        tree = parse_condition(text, table, dialect)
    except NotUnderstood:
        return None
    names = {column_name(c) for c in tree.find_all(exp.Column)}
    name = next(iter(names), None)
    if name is None or len(names) > 1 or table.column(name).type.kind != "range":
        return None
    limits = RangeLimits()
    for one in _conjuncts(tree):
        found = RangeLimits() if _always(one) else _contained(one) or _compared(one)
        if found is None:
            return None
        limits = limits.joined(found)
    return name, limits


def only_orders(text: str, table: Table, dialect: str, span: Span) -> bool:
    """Whether a condition says of the ends no more than which comes first, ``starts < ends``."""
    try:
        tree = parse_condition(text, table, dialect)
    except NotUnderstood:
        return False
    sides = [bare(side) for side in (tree.this, tree.expression)] if type(tree) in _TURNED else []
    names = [column_name(side) for side in sides if isinstance(side, exp.Column)]
    backwards = isinstance(tree, (exp.GT, exp.GTE))
    return (names[::-1] if backwards else names) == [span.low, span.high] and not isinstance(tree, exp.EQ)


def _conjuncts(tree: exp.Expression) -> Iterator[exp.Expression]:
    if isinstance(tree, exp.And):
        yield from _conjuncts(tree.this)
        yield from _conjuncts(tree.expression)
    else:
        yield tree


# What holds, or never does, for ranges ``[low,high)`` with two ends.
_NEVER = frozenset({"isempty", "upper_inc", "lower_inf", "upper_inf"})
_ALWAYS = frozenset({"lower_inc"})


def _always(node: exp.Expression) -> bool:
    negated = isinstance(node, exp.Not)
    inner = bare(node.this if negated else node)
    if isinstance(inner, exp.Anonymous):
        return call_name(inner) in (_NEVER if negated else _ALWAYS)
    if isinstance(inner, exp.Is):
        return negated and _end_of(inner.this) is not None and isinstance(inner.expression, exp.Null)
    if isinstance(inner, (exp.LT, exp.LTE, exp.NEQ)) and not negated:
        return (_end_of(inner.this), _end_of(inner.expression)) == ("low", "high")
    if isinstance(inner, (exp.GT, exp.GTE)) and not negated:
        return (_end_of(inner.this), _end_of(inner.expression)) == ("high", "low")
    return False


def _end_of(node: exp.Expression) -> str | None:
    """``low`` for ``lower(column)``, ``high`` for ``upper(column)``."""
    node = bare(node)
    if isinstance(node, (exp.Lower, exp.Upper)) and isinstance(bare(node.this), exp.Column):
        return "low" if isinstance(node, exp.Lower) else "high"
    return None


def _is_width(node: exp.Expression) -> bool:
    node = bare(node)
    return isinstance(node, exp.Sub) and (_end_of(node.this), _end_of(node.expression)) == ("high", "low")


_TURNED: dict[type[exp.Expression], type[exp.Expression]] = {
    exp.GT: exp.LT, exp.GTE: exp.LTE, exp.LT: exp.GT, exp.LTE: exp.GTE, exp.EQ: exp.EQ,
}  # fmt: skip


def _compared(node: exp.Expression) -> RangeLimits | None:
    """An end or the width compared with a constant, which may stand on either side."""
    operator = type(node)
    if operator not in _TURNED:
        return None
    term, other = node.this, node.expression
    if _end_of(term) is None and not _is_width(term):
        term, other, operator = other, term, _TURNED[operator]
    try:
        value = fold(bare(other))
    except NotUnderstood:
        return None
    end = _end_of(term)
    if _is_width(term):
        return _width(operator, value)
    if end == "low" and operator in (exp.GT, exp.GTE):
        return RangeLimits(low=value + 1 if operator is exp.GT and isinstance(value, int) else value)
    if end == "high" and operator in (exp.LT, exp.LTE):
        return RangeLimits(high=value - 1 if operator is exp.LT and isinstance(value, int) else value)
    return None


_INTERVAL = re.compile(
    r"(?:(?P<days>\d+) days? ?)?(?:(?P<hours>\d+):(?P<minutes>\d\d):(?P<seconds>\d\d)|(?P<whole>\d+) hours?)?"
)


def _width(operator: type[exp.Expression], value: Any) -> RangeLimits | None:
    if isinstance(value, str):
        found = _INTERVAL.fullmatch(value.strip())
        if not found or not any(found.groups()):
            return None
        part = {name: int(text) for name, text in found.groupdict().items() if text is not None}
        value = timedelta(
            days=part.get("days", 0), hours=part.get("hours", 0) + part.get("whole", 0),
            minutes=part.get("minutes", 0), seconds=part.get("seconds", 0),
        )  # fmt: skip
    if operator is exp.EQ:
        return RangeLimits(least=value, most=value)
    # Widths are whole steps, so that one beside an excluded limit is taken only where it can be counted.
    beside = 1 if isinstance(value, int) else timedelta(hours=1) if isinstance(value, timedelta) else 0
    if operator in (exp.LT, exp.LTE):
        return RangeLimits(most=value - beside if operator is exp.LT else value)
    return RangeLimits(least=value + beside if operator is exp.GT else value)


def _contained(node: exp.Expression) -> RangeLimits | None:
    """``column <@ '[low,high)'``, or the constant range first, with ``@>``."""
    inner, outer = node.this, node.expression
    if isinstance(node, exp.ArrayContainsAll):
        inner, outer = outer, inner
    elif not isinstance(node, exp.ArrayContainedBy):
        return None
    if not isinstance(bare(inner), exp.Column):
        return None
    try:
        found = re.fullmatch(r'[\[(]"?([^",]*)"?,"?([^",]*)"?[\])]', str(fold(outer)))
    except NotUnderstood:
        return None
    if found is None:
        return None
    low, high = (int(t) if t.lstrip("-").isdigit() else t or None for t in found.groups())
    return RangeLimits(low=low, high=high)


@dataclass(frozen=True)
class _End:
    """An end: a column, or a time ``column`` on a ``day``; ``later`` by microseconds, or by what a column counts."""

    column: str
    day: str | None = None
    later: int = 0
    lasts: str | None = None
    unit: int = 0


def _end(node: exp.Expression, table: Table) -> _End:
    """What an end is; COALESCE(column, infinity) is as open as NULL would be. NotUnderstood for what is not known."""
    node = bare(node)
    if isinstance(node, exp.Coalesce) and len(node.expressions) == 1:
        endless = str(fold(node.expressions[0])).lower() in ("infinity", "-infinity")
        node = bare(node.this) if endless else node
    if isinstance(node, exp.Column):
        return _End(column_name(node))
    if not isinstance(node, (exp.Add, exp.Sub)):
        raise NotUnderstood(f"{node.sql()!r} is no end of a span")
    end, added = _end(node.this, table), node.expression
    if isinstance(bare(added), exp.Column) and isinstance(node, exp.Add):
        time = column_name(bare(added))
        kinds = table.column(end.column).type.kind, table.column(time).type.kind
        if kinds == ("date", "time") and end == _End(end.column):
            return _End(time, end.column)
    if added.find(exp.Column) is None:
        months, span = interval_of(added)
        moment = end.day is not None or table.column(end.column).type.kind == "timestamp"
        if months or not moment:
            raise NotUnderstood(f"{node.sql()!r} is no end of a span")
        later = span // timedelta(microseconds=1)
        return replace(end, later=end.later + (later if isinstance(node, exp.Add) else -later))
    if isinstance(node, exp.Sub) or end.lasts is not None or end.day is not None:
        raise NotUnderstood(f"{node.sql()!r} is no end of a span")
    name, unit = _counted(added)
    kinds = table.column(end.column).type.kind, table.column(name).type.kind
    if kinds != ("timestamp", "integer") or unit <= timedelta():
        raise NotUnderstood(f"{node.sql()!r} is no end of a span")
    return replace(end, lasts=name, unit=unit // timedelta(microseconds=1))


_PARTS = {"week": "weeks", "day": "days", "hour": "hours", "minute": "minutes", "second": "seconds"}


def _counted(node: exp.Expression) -> tuple[str, timedelta]:
    """A column that counts intervals, and one of them: ``n * interval '1 minute'``, ``(n || ' days')::interval``,
    ``make_interval(mins => n)``."""
    inner = node.this if isinstance(node, exp.Paren) else node
    if isinstance(inner, exp.Paren):
        return _counted(inner)
    column = next(inner.find_all(exp.Column))
    if isinstance(inner, exp.Mul):
        sides = [inner.this, inner.expression]
        factor = sides[1] if sides[0].find(exp.Column) else sides[0]
        other = sides[0] if factor is sides[1] else sides[1]
        months, unit = interval_of(factor)
        if not months and isinstance(bare(other), exp.Column):
            return column_name(column), unit
    if isinstance(inner, exp.Cast) and type_name(inner) == "INTERVAL":
        text = bare(inner.this)
        if isinstance(text, exp.DPipe) and isinstance(bare(text.this), exp.Column):
            months, unit = interval_of(exp.cast(exp.Literal.string(f"1{fold(bare(text.expression))}"), "interval"))
            if not months:
                return column_name(column), unit
    if isinstance(inner, exp.MakeInterval):
        for name, value in inner.args.items():
            part = name
            if isinstance(value, exp.Kwarg):
                value = value.expression
            if value is not None and isinstance(bare(value), exp.Column) and part in _PARTS:
                return column_name(column), timedelta(**{_PARTS[part]: 1})
    raise NotUnderstood(f"{node.sql()!r} counts no intervals")
