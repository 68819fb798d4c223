"""A condition's text -> a sqlglot tree with the dialects' noise taken out of it."""

import datetime
import logging
import re
from collections.abc import Callable, Iterable
from decimal import Decimal, InvalidOperation
from typing import Any, Protocol

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from fixturesynth.schema.predicates.domains import NotUnderstood
from fixturesynth.schema.predicates.patterns import normal_like

__all__ = [
    "HasColumns",
    "bare",
    "call_name",
    "coerce",
    "column_name",
    "constants",
    "elements",
    "fold",
    "mentioned_columns",
    "parse_condition",
    "type_name",
    "written",
]

logging.getLogger("sqlglot").addFilter(lambda record: "unsupported syntax" not in record.getMessage())

_READ = {"postgresql": "postgres", "mysql": "mysql", "mariadb": "mysql", "sqlite": "sqlite", "duckdb": "duckdb"}
_LIKE_ESCAPE = {"postgresql": "\\", "mysql": "\\", "mariadb": "\\"}  # elsewhere LIKE has none of its own
_ESCAPED_INTRODUCER = re.compile(r"_\w+\\'")  # MySQL's catalogue escapes the quotes: _utf8mb4\'a\'


_OPERATORS = (exp.Binary, exp.Unary, exp.In, exp.Between, exp.Case)


class HasColumns(Protocol):
    """A schema.model.Table or a pyarrow.Table."""

    @property
    def column_names(self) -> Iterable[str]: ...


def parse_condition(text: str, table: HasColumns, dialect: str) -> exp.Expression:
    """The condition as a tree in which ``Column`` nodes are columns of ``table`` (exact names).

    Brackets, collations, introducers and escapes are gone, ``= ANY`` is IN, negated operators are Not.
    NotUnderstood for what is no SQL or names no column of the table.
    """
    if _ESCAPED_INTRODUCER.search(text):
        text = text.replace("\\'", "'")
    try:
        # Inside a query, so that replace(...) is the function and not MySQL's statement; the line break ends comments.
        query: Any = sqlglot.parse_one(f"SELECT 1 WHERE ({text}\n)", read=_READ.get(dialect))
    except (SqlglotError, RecursionError) as error:
        raise NotUnderstood(f"cannot parse the condition {_short(text)!r}: {str(error).splitlines()[0]}") from error
    names = _Names(table, dialect)
    tree = query.args["where"].this
    escape = _LIKE_ESCAPE.get(dialect)
    return _rewritten(tree, names, escape)


def mentioned_columns(text: str, table: HasColumns, dialect: str) -> tuple[str, ...]:
    """Columns of ``table`` that the condition mentions, in the table's order; NotUnderstood when it cannot be parsed.

    >>> import pyarrow as pa
    >>> mentioned_columns("b > 0 OR a IS NULL", pa.table({"a": [1], "b": [2]}), "sqlite")
    ('a', 'b')
    """
    found = {column_name(c) for c in parse_condition(text, table, dialect).find_all(exp.Column)}
    return tuple(name for name in table.column_names if name in found)


def column_name(node: exp.Expression) -> str:
    name: str = node.this.this
    return name


def call_name(node: exp.Expression) -> str:
    """Name of a function that sqlglot has no class for, in lower case."""
    return str(node.this).lower()


def type_name(cast: exp.Expression) -> str:
    """Name of a cast's target: INT, DECIMAL, TEXT, TIMESTAMPTZ ..."""
    kind = cast.args["to"].this
    return str(getattr(kind, "value", kind))


def constants(node: exp.Expression) -> tuple[Any, ...]:
    """The constants in a condition, each once, in the order in which they stand there; NULL is none.

    >>> constants(sqlglot.parse_one("a = 'x' OR b IN (1, -2.5)"))
    ('x', 1, Decimal('-2.5'))
    """
    found: dict[Any, None] = {}
    todo = [node]
    while todo:
        one = todo.pop(0)
        if isinstance(one, exp.JSONPathKey) and isinstance(one.this, str):
            found.setdefault(one.this)
            continue
        try:
            value = fold(one)
        except NotUnderstood:
            todo = [*one.iter_expressions(), *todo]
            continue
        if value is not None:
            found.setdefault(value)
    return tuple(found)


def written(node: exp.Expression, dialect: str) -> str:
    """A condition's tree as text of the dialect, which ``parse_condition`` reads again.

    >>> written(exp.Not(this=exp.Or(this=exp.column("a"), expression=exp.column("b"))), "sqlite")
    'NOT (a OR b)'
    """
    text: str = _bracketed(node.copy(), dialect not in _LIKE_ESCAPE).sql(dialect=_READ.get(dialect))
    return text


def _bracketed(node: exp.Expression, escapes: bool) -> exp.Expression:
    """The tree with the brackets that reading took out, and a LIKE's backslash named where it is not the default."""
    for key, child in list(node.args.items()):
        if isinstance(child, exp.Expression) and key not in _NO_CONDITIONS:
            node.set(key, _inside(_bracketed(child, escapes)))
        elif isinstance(child, list):
            node.set(key, [_inside(_bracketed(c, escapes)) if isinstance(c, exp.Expression) else c for c in child])
    if isinstance(node, exp.Any) and not isinstance(node.this, (exp.Paren, exp.Subquery)):
        node.set("this", exp.Paren(this=node.this))
    if escapes and isinstance(node, (exp.Like, exp.ILike)) and "\\" in str(node.expression.this):
        return exp.Escape(this=node, expression=exp.Literal.string("\\"))
    return node


def _inside(node: exp.Expression) -> exp.Expression:
    return exp.Paren(this=node) if isinstance(node, _OPERATORS) and not isinstance(node, exp.Paren) else node


class _Names:
    """Finds a table's column for an identifier: exactly, or ignoring case as databases do."""

    def __init__(self, table: HasColumns, dialect: str) -> None:
        self.exact = set(table.column_names)
        self.folded: dict[str, str] = {}
        for name in table.column_names:
            self.folded.setdefault(name.casefold(), name)
        self.quoted_text = dialect == "sqlite"  # SQLite reads an unknown "name" as text

    def resolve(self, node: exp.Column) -> exp.Expression:
        identifier = node.this
        if not isinstance(identifier, exp.Identifier):
            raise NotUnderstood(f"{node.sql()!r} is no column")
        name = identifier.this
        found = name if name in self.exact else self.folded.get(name.casefold())
        if found is None and self.quoted_text and identifier.args.get("quoted"):
            return exp.Literal.string(name)
        if found is None:
            raise NotUnderstood(f"{name!r} is no column of the table")
        return exp.Column(this=exp.to_identifier(found, quoted=True))


def _short(text: str) -> str:
    return text if len(text) <= 80 else text[:77] + "..."


# Rewriting: what a node becomes before its children are looked at ----------------------------------------------------


def _rewritten(node: exp.Expression, names: _Names, escape: str | None) -> exp.Expression:
    """The node rewritten, then what is below it (``transform`` of sqlglot does not enter what it has replaced)."""
    node = _rewrite(node, names, escape)
    if isinstance(node, exp.Column):
        return node
    for key, child in list(node.args.items()):
        if isinstance(child, exp.Expression) and key not in _NO_CONDITIONS:
            node.set(key, _rewritten(child, names, escape))
        elif isinstance(child, list):
            node.set(key, [_rewritten(c, names, escape) if isinstance(c, exp.Expression) else c for c in child])
    return node


def _rewrite(node: exp.Expression, names: _Names, escape: str | None) -> exp.Expression:
    while type(node) in _UNWRAPPED:
        node = node.args[_UNWRAPPED[type(node)]]
    if isinstance(node, exp.Column):
        return names.resolve(node)
    if isinstance(node, exp.Escape):
        return _escaped(node.this, str(fold(node.expression)))
    if isinstance(node, (exp.Like, exp.ILike)):
        return _escaped(node, escape)
    if node.args.get("negate"):
        node.set("negate", None)
        return exp.Not(this=node)
    return _REWRITES.get(type(node), _as_it_is)(node)


def _as_it_is(node: exp.Expression) -> exp.Expression:
    return node


def _escaped(node: exp.Expression, escape: str | None) -> exp.Expression:
    """A LIKE whose pattern's escape character is the backslash; of several patterns (ANY) one LIKE each."""
    if node.args.get("escaped"):
        return node
    pattern = bare(node.expression)
    if isinstance(pattern, exp.Any):
        result: exp.Expression = exp.false()
        for element in elements(pattern.this):
            one = type(node)(this=node.this.copy(), expression=element.copy())
            result = exp.Or(this=result, expression=_escaped(one, escape))
    else:
        value = fold(pattern)
        if not isinstance(value, str):
            raise NotUnderstood(f"the pattern of {node.sql()!r} is no constant text")
        result = type(node)(
            this=node.this, expression=exp.Literal.string(normal_like(value, escape)), escaped=exp.true()
        )
    return exp.Not(this=result) if node.args.get("negate") else result


def bare(node: exp.Expression) -> exp.Expression:
    """Without brackets and casts."""
    while isinstance(node, (exp.Paren, exp.Cast)):
        node = node.this
    return node


def elements(node: exp.Expression) -> list[exp.Expression]:
    """Members of ``ARRAY[...]`` or of an array's text ``'{a,b}'``."""
    array = bare(node)
    if isinstance(array, exp.Array):
        members: list[exp.Expression] = array.expressions
        return members
    if isinstance(array, exp.Literal) and re.fullmatch(r'\{[^{}"\\]*\}', array.this):
        inside = array.this[1:-1]
        return [exp.Literal.string(part) for part in inside.split(",")] if inside else []
    raise NotUnderstood(f"{node.sql()!r} is no list of constants")


def _any_to_in(node: exp.Expression) -> exp.Expression:
    right = bare(node.expression)
    if isinstance(right, exp.Any) and right.find(exp.Column) is None:
        return exp.In(this=node.this, expressions=elements(right.this))
    return _all_to_and(node)


def _all_to_and(node: exp.Expression) -> exp.Expression:
    """``x <> ALL (ARRAY[...])`` is NOT IN; other operators hold for each member."""
    right = bare(node.expression)
    if not isinstance(right, exp.Anonymous) or call_name(right) != "all" or right.find(exp.Column) is not None:
        return node
    members = elements(right.expressions[0])
    if isinstance(node, exp.NEQ):
        return exp.Not(this=exp.In(this=node.this, expressions=members))
    result: exp.Expression = exp.true()
    for member in members:
        result = exp.And(this=result, expression=type(node)(this=node.this.copy(), expression=member.copy()))
    return result


def _arrow(node: exp.Expression) -> exp.Expression:
    """``f(document -> 'key')``, which reads like a function's own parameter there."""
    if len(node.expressions) != 1:
        return node
    return exp.JSONExtract(this=exp.Column(this=node.expressions[0]), expression=node.this)


def _between(node: exp.Expression) -> exp.Expression:
    subject, low, high = node.this, node.args["low"], node.args["high"]

    def within(a: exp.Expression, b: exp.Expression) -> exp.Expression:
        return exp.And(
            this=exp.GTE(this=subject.copy(), expression=a.copy()),
            expression=exp.LTE(this=subject.copy(), expression=b.copy()),
        )

    straight = within(low, high)
    return exp.Or(this=straight, expression=within(high, low)) if node.args.get("symmetric") else straight


def _xor(node: exp.Expression) -> exp.Expression:
    def only(a: exp.Expression, b: exp.Expression) -> exp.Expression:
        return exp.And(this=a.copy(), expression=exp.Not(this=b.copy()))

    return exp.Or(this=only(node.this, node.expression), expression=only(node.expression, node.this))


_NO_CONDITIONS = {"to", "kind", "unit"}  # types and units: no columns in them
_UNWRAPPED: dict[type[exp.Expression], str] = {
    exp.Paren: "this", exp.Collate: "this", exp.Introducer: "expression",
}  # fmt: skip
_REWRITES: dict[type[exp.Expression], Callable[[exp.Expression], exp.Expression]] = {
    exp.EQ: _any_to_in,
    **dict.fromkeys((exp.NEQ, exp.LT, exp.LTE, exp.GT, exp.GTE), _all_to_and),
    exp.Between: _between,
    exp.Lambda: _arrow,
    exp.Xor: _xor,
    exp.National: lambda node: exp.Literal.string(node.this),
    exp.ByteString: lambda node: exp.Literal.string(node.this),
    exp.RawString: lambda node: exp.Literal.string(node.this),
}


# Folding constants ---------------------------------------------------------------------------------------------------

_WHOLE = {"INT", "BIGINT", "SMALLINT", "TINYINT", "MEDIUMINT", "INT128", "UBIGINT", "UINT", "USMALLINT", "UTINYINT"}
_DECIMAL = {"DECIMAL", "UDECIMAL", "BIGDECIMAL", "MONEY"}
_FLOAT = {"FLOAT", "DOUBLE"}
_ARITHMETIC: dict[type[exp.Expression], Callable[[Any, Any], Any]] = {
    exp.Add: lambda a, b: a + b,
    exp.Sub: lambda a, b: a - b,
    exp.Mul: lambda a, b: a * b,
}


def fold(node: exp.Expression) -> Any:
    """The value of a constant expression: int, Decimal, float, str, bool or None (NULL). NotUnderstood for others.

    >>> fold(sqlglot.parse_one("-(2 + 0.5)"))
    Decimal('-2.5')
    """
    handler = _FOLDS.get(type(node))
    if handler is None:
        raise NotUnderstood(f"{node.sql()!r} is no constant")
    return handler(node)


def _number(text: str) -> int | Decimal:
    try:
        return int(text)
    except ValueError:
        try:
            return Decimal(text)
        except InvalidOperation:
            raise NotUnderstood(f"{text!r} is no number") from None


def _fold_literal(node: exp.Expression) -> Any:
    return node.this if node.args["is_string"] else _number(node.this)


def _fold_negation(node: exp.Expression) -> Any:
    value = fold(node.this)
    if not isinstance(value, (int, float, Decimal)):
        raise NotUnderstood(f"{node.sql()!r} is no number")
    return -value


def _fold_arithmetic(node: exp.Expression) -> Any:
    a, b = fold(node.this), fold(node.expression)
    if not isinstance(a, (int, Decimal)) or not isinstance(b, (int, Decimal)):
        raise NotUnderstood(f"{node.sql()!r} is no constant")
    return _ARITHMETIC[type(node)](a, b)


def _fold_cast(node: exp.Expression) -> Any:
    value, target = fold(node.this), type_name(node)
    if value is None:
        return None
    if target in _WHOLE | _DECIMAL | _FLOAT:
        number = _number(value) if isinstance(value, str) else value
        if target in _FLOAT:
            return float(number)
        if target in _WHOLE:
            whole = Decimal(number).to_integral_value()
            return int(whole)
        return Decimal(number)
    if target == "BOOLEAN":
        return _boolean(value)
    if target == "INTERVAL":
        raise NotUnderstood(f"{node.sql()!r} is no constant that columns are compared with")
    return value if isinstance(value, str) else str(value)


def _boolean(value: Any) -> bool:
    text = str(value).lower()
    if text in ("true", "t", "1", "yes", "on"):
        return True
    if text in ("false", "f", "0", "no", "off"):
        return False
    raise NotUnderstood(f"{value!r} is no boolean")


def _fold_call(node: exp.Expression) -> Any:
    """PostgreSQL's own functions around the patterns of SIMILAR TO and of LIKE ... ESCAPE."""
    handler = {"similar_to_escape": _similar, "like_escape": normal_like}.get(call_name(node))
    if handler is None:
        raise NotUnderstood(f"{node.sql()!r} is no constant")
    texts = [fold(argument) for argument in node.expressions]
    return handler(str(texts[0]), str(texts[1]) if len(texts) > 1 else "\\")


def _similar(pattern: str, escape: str) -> str:
    """A pattern of SIMILAR TO as a regular expression: https://www.postgresql.org/docs/current/functions-matching.html"""
    out, i = [], 0
    while i < len(pattern):
        if pattern[i] == escape and i + 1 < len(pattern):
            i += 1
            out.append(re.escape(pattern[i]))
        else:
            out.append({"%": ".*", "_": ".", ".": r"\.", "^": r"\^", "$": r"\$"}.get(pattern[i], pattern[i]))
        i += 1
    return f"^(?:{''.join(out)})$"


_FOLDS: dict[type[exp.Expression], Callable[[exp.Expression], Any]] = {
    exp.Literal: _fold_literal,
    exp.Boolean: lambda node: bool(node.this),
    exp.Null: lambda node: None,
    exp.Paren: lambda node: fold(node.this),
    exp.Introducer: lambda node: fold(node.expression),
    exp.ByteString: lambda node: node.this,
    exp.Neg: _fold_negation,
    exp.Add: _fold_arithmetic,
    exp.Sub: _fold_arithmetic,
    exp.Mul: _fold_arithmetic,
    exp.Cast: _fold_cast,
    exp.Anonymous: _fold_call,
    **dict.fromkeys((exp.Date, exp.TsOrDsToDate, exp.TsOrDsToTimestamp), lambda node: fold(node.this)),
}


# Constants as a column's own values ----------------------------------------------------------------------------------


def _as_integer(value: Any) -> Any:
    number = _number(value.strip()) if isinstance(value, str) else value
    return int(number) if number == int(number) else number


def _as_decimal(value: Any) -> Any:
    return Decimal(value.strip()) if isinstance(value, str) else Decimal(str(value))


def _as_date(value: Any) -> Any:
    moment = datetime.datetime.fromisoformat(value.strip())
    return moment.date().isoformat() if moment.time() == datetime.time() else moment.replace(tzinfo=None).isoformat()


def _as_timestamp(value: Any) -> Any:
    moment = datetime.datetime.fromisoformat(value.strip())
    return (moment.astimezone(datetime.UTC) if moment.tzinfo else moment).replace(tzinfo=None).isoformat()


_COERCIONS: dict[str, Callable[[Any], Any]] = {
    "integer": _as_integer, "year": _as_integer, "float": float, "decimal": _as_decimal, "money": _as_decimal,
    "boolean": _boolean, "date": _as_date, "timestamp": _as_timestamp,
    "time": lambda v: datetime.time.fromisoformat(v.strip()).isoformat(),
    "text": str, "enum": str, "set": str, "uuid": lambda v: str(v).lower(), "other": lambda v: v,
}  # fmt: skip


def coerce(value: Any, kind: str) -> Any:
    """A constant as a value of a column of this kind; NotUnderstood where it is none."""
    if kind not in _COERCIONS:
        raise NotUnderstood(f"a constant of type {kind} is not understood")
    try:
        return _COERCIONS[kind](value)
    except (ValueError, TypeError, AttributeError, ArithmeticError):
        raise NotUnderstood(f"{value!r} is no {kind}") from None
