"""Checks, defaults and generated columns in another dialect's words, or the reason why that dialect cannot have them.

Only operators and functions that mean the same on both sides pass; everything else is refused by name, so that a check
is either kept as it was meant or reported, never bent.
"""

import re
from collections.abc import Mapping

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from fixturesynth.schema.model import Kind, Table
from fixturesynth.schema.targets import Target

__all__ = ["Untranslatable", "text_limits", "translate_default", "translate_expression"]


class Untranslatable(Exception):
    """Why an expression cannot be had in the target."""


SAME_MEANING: tuple[type[exp.Expr], ...] = (
    exp.Column, exp.Identifier, exp.Literal, exp.Boolean, exp.Null, exp.Paren, exp.And, exp.Or, exp.Not, exp.Xor,
    exp.EQ, exp.NEQ, exp.LT, exp.LTE, exp.GT, exp.GTE, exp.Between, exp.In, exp.Is, exp.Like, exp.ILike, exp.Escape,
    exp.Add, exp.Sub, exp.Mul, exp.Mod, exp.Neg, exp.Length, exp.Lower, exp.Upper, exp.Trim, exp.Abs, exp.Coalesce,
    exp.Nullif, exp.Case, exp.If, exp.Cast, exp.DataType, exp.DPipe, exp.Concat, exp.Tuple, exp.Round, exp.Ceil,
    exp.Floor, exp.Date, exp.Substring,
)  # fmt: skip
CLOCK = (exp.CurrentTimestamp, exp.CurrentDate, exp.CurrentTime)
SOURCES = {"postgresql": "postgres", "generic": ""}
NUMBERS: frozenset[Kind] = frozenset({"integer", "float", "decimal", "money", "year"})
TEXTS: frozenset[Kind] = frozenset({"text", "enum", "uuid", "xml", "set"})
DATES: frozenset[Kind] = frozenset({"date", "time", "timestamp"})
COMPARISONS = (exp.EQ, exp.NEQ, exp.LT, exp.LTE, exp.GT, exp.GTE, exp.In, exp.Between)


def translate_expression(text: str, source: str, target: Target, table: Table, kinds: Mapping[str, Kind]) -> str:
    """The condition or value ``text`` of ``table`` in the target's words; ``kinds`` are the columns' kinds there.

    Raises Untranslatable with the reason.
    """
    tree = _parse(text, source)
    tree = tree.transform(lambda node: _named(node, source, table))
    before = None
    while before != tree:  # a node that is replaced hides what is inside of it from the same pass
        before, tree = tree, tree.transform(lambda node: _simpler(node, kinds))
    tree = tree.transform(lambda node: _fitted(node, source, target, kinds))
    for node in tree.walk():
        if isinstance(node, CLOCK) and not target.pure_checks:
            continue
        if not isinstance(node, SAME_MEANING):
            raise Untranslatable(f"{_spoken(node)} has no counterpart that means the same")
    _compared(tree, target, kinds)
    return _written(tree, target)


def translate_default(text: str, source: str, target: Target, kind: Kind) -> str:
    """A constant or clock default in the target's words; raises Untranslatable for anything else."""
    tree = _parse(text, source).transform(lambda node: _simpler(node, {}))
    while isinstance(tree, (exp.Paren, exp.Cast)):
        tree = tree.this
    if isinstance(tree, exp.Func) and tree.sql_name().lower() in ("current_timestamp", "now", "localtimestamp"):
        tree = exp.CurrentTimestamp()
    if isinstance(tree, exp.Anonymous) and tree.name.lower() in ("now", "localtimestamp"):
        tree = exp.CurrentTimestamp()
    if isinstance(tree, CLOCK):
        if kind not in DATES:
            raise Untranslatable("a clock default needs a date or time column")
        precision = "(6)" if target.name == "mysql" else ""
        return {"date": "(CURRENT_DATE)", "time": "(CURRENT_TIME)"}.get(kind, f"CURRENT_TIMESTAMP{precision}")
    bare = tree.this if isinstance(tree, exp.Neg) else tree
    if not isinstance(bare, (exp.Literal, exp.Boolean, exp.Null)):
        raise Untranslatable(f"{_spoken(tree)} is no constant")
    if kind == "boolean":
        truth = {"0": "FALSE", "1": "TRUE", "f": "FALSE", "t": "TRUE", "false": "FALSE", "true": "TRUE"}
        if (known := truth.get(bare.name.lower() if isinstance(bare, exp.Literal) else "")) is not None:
            return known
    if kind in NUMBERS and isinstance(bare, exp.Boolean):
        return "1" if bare.this else "0"
    if kind in NUMBERS and isinstance(bare, exp.Literal) and bare.is_string:
        try:
            float(bare.name)
        except ValueError:
            raise Untranslatable(f"{bare.name!r} is no number") from None
        return bare.name
    if kind == "timestamp" and isinstance(bare, exp.Literal) and not target.zoned_literals:
        bare.set("this", re.sub(r"\+00(:?00)?$", "", bare.name))
    if kind not in NUMBERS | TEXTS | DATES | {"boolean", "json"}:
        raise Untranslatable(f"a default of type {kind} is written differently")
    return _written(tree, target)


def text_limits(table: Table, source: str) -> dict[str, int]:
    """Longest text that the checks of this table allow in each column: ``length(c) <= 5`` gives 5."""
    limits: dict[str, int] = {}
    for check in table.checks:
        try:
            tree = _parse(check.text, source)
        except Untranslatable:
            continue
        for node in [tree.unnest(), *(tree.unnest().flatten() if isinstance(tree.unnest(), exp.And) else ())]:
            node = node.unnest()
            bounded = node.this.unnest() if isinstance(node, (exp.LTE, exp.LT)) else None
            if isinstance(bounded, exp.Length) and isinstance(bounded.this.unnest(), exp.Column):
                limit = node.expression.unnest()
                column = next((c for c in table.column_names if c.lower() == bounded.this.unnest().name.lower()), None)
                if column and isinstance(limit, exp.Literal) and limit.is_int:
                    limits[column] = int(limit.name) - isinstance(node, exp.LT)
    return limits


def _parse(text: str, source: str) -> exp.Expr:
    try:
        tree = sqlglot.parse_one(text, read=SOURCES.get(source, source))
    except SqlglotError:
        raise Untranslatable("its text cannot be read") from None
    if isinstance(tree, (exp.Query, exp.Command)):
        raise Untranslatable("it is a query")
    return tree


def _spoken(node: exp.Expr) -> str:
    name = node.name if isinstance(node, exp.Anonymous) else node.key
    return f"{name.lower()}()" if isinstance(node, exp.Func) else f"'{name.lower()}'"


def _named(node: exp.Expr, source: str, table: Table) -> exp.Expr:
    """Columns under the table's own spelling, quoted; SQLite's "text" in double quotes becomes the text that it is."""
    if not isinstance(node, exp.Column):
        return node
    if node.name in table:
        found = node.name
    else:
        matches = [c for c in table.column_names if c.lower() == node.name.lower()]
        if len(matches) != 1:
            if source == "sqlite" and node.this.quoted:
                return exp.Literal.string(node.name)
            raise Untranslatable(f"{node.name!r} is no column of the table")
        found = matches[0]
    return exp.column(exp.to_identifier(found, quoted=True))


def _simpler(node: exp.Expr, kinds: Mapping[str, Kind]) -> exp.Expr:
    """What PostgreSQL makes of ``x IN ('a', 'b')`` back to that, and casts that change nothing away."""
    if isinstance(node, (exp.EQ, exp.NEQ)) and isinstance(node.expression, (exp.Any, exp.All)):
        listed = node.expression.this
        while isinstance(listed, (exp.Paren, exp.Cast)):
            listed = listed.this
        if isinstance(listed, exp.Array) and isinstance(node, exp.EQ) == isinstance(node.expression, exp.Any):
            inside: exp.Expr = exp.In(this=node.this, expressions=[_uncast(e) for e in listed.expressions])
            return inside if isinstance(node, exp.EQ) else exp.Not(this=inside)
    if isinstance(node, exp.Cast):
        inner: exp.Expr = node.this.unnest()
        if isinstance(inner, exp.Literal) and (node.is_type(*exp.DataType.TEXT_TYPES) == inner.is_string):
            return inner
        if isinstance(inner, exp.Literal) and not inner.is_string and node.is_type(*exp.DataType.NUMERIC_TYPES):
            return inner
        if isinstance(inner, exp.Literal) and inner.is_string and not node.is_type(*exp.DataType.TEMPORAL_TYPES):
            return node
        kind = kinds.get(inner.name) if isinstance(inner, exp.Column) else None
        if kind in TEXTS and node.is_type(*exp.DataType.TEXT_TYPES):
            return inner
        if kind in NUMBERS and node.is_type(exp.DataType.Type.DECIMAL, exp.DataType.Type.DOUBLE):
            return inner
    return node


def _uncast(node: exp.Expr) -> exp.Expr:
    while isinstance(node, (exp.Cast, exp.Paren)) and isinstance(node.this, (exp.Literal, exp.Cast, exp.Paren)):
        node = node.this
    return node


def _fitted(node: exp.Expr, source: str, target: Target, kinds: Mapping[str, Kind]) -> exp.Expr:
    """What is written alike and means something else: LIKE without case, 0 and 1 as truth, dates as text."""
    if isinstance(node, exp.Like) and source == "sqlite" and target.name != "sqlite":
        if target.ilike:
            return exp.ILike(this=node.this, expression=node.expression)
        return exp.Like(this=exp.Lower(this=node.this), expression=exp.Lower(this=node.expression))
    if isinstance(node, exp.ILike) and not target.ilike:
        if target.name == "sqlite":
            return exp.Like(this=node.this, expression=node.expression)
        return exp.Like(this=exp.Lower(this=node.this), expression=exp.Lower(this=node.expression))
    if isinstance(node, (exp.EQ, exp.NEQ, exp.In)) and isinstance(node.this, exp.Column):
        truth = target.booleans and kinds.get(node.this.name) == "boolean"
        for value in [node.args.get("expression"), *node.args.get("expressions", [])] if truth else ():
            if isinstance(value, exp.Literal) and value.name in ("0", "1"):
                value.replace(exp.Boolean(this=value.name == "1"))
    if isinstance(node, (exp.Cast, exp.Date)) and target.name == "sqlite" and isinstance(node.this, exp.Literal):
        return node.this
    if isinstance(node, exp.Cast) and target.name in ("sqlite", "mysql"):
        raise Untranslatable(f"a cast to {node.to.sql().lower()} means something else there")
    return node


def _compared(tree: exp.Expr, target: Target, kinds: Mapping[str, Kind]) -> None:
    """Refuse comparisons of text with numbers: SQLite has an answer, others an error."""
    for node in tree.find_all(*COMPARISONS):
        sides = [
            node.this,
            *(node.args.get(k) for k in ("expression", "low", "high")),
            *node.args.get("expressions", []),
        ]
        sides = [side.unnest() for side in sides if side is not None]
        names = {_family(side, kinds) for side in sides} - {None}
        if len(names) > 1:
            raise Untranslatable(f"it compares {' with '.join(sorted(n for n in names if n))}")


def _family(node: exp.Expr, kinds: Mapping[str, Kind]) -> str | None:
    if isinstance(node, exp.Neg):
        return _family(node.this, kinds)
    if isinstance(node, exp.Literal):
        return None if node.is_string else "numbers"
    if isinstance(node, exp.Column):
        kind = kinds.get(node.name)
        return "numbers" if kind in NUMBERS else kind if kind not in TEXTS else "text"
    return None


def _written(tree: exp.Expr, target: Target) -> str:
    try:
        return tree.sql(dialect=target.sqlglot, identify=True, unsupported_level=sqlglot.ErrorLevel.RAISE)
    except SqlglotError as error:
        raise Untranslatable(str(error).splitlines()[0]) from None
