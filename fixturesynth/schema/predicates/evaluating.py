"""Which rows of a table satisfy a condition: three-valued logic over whole Arrow columns."""

import re
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from functools import reduce
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from sqlglot import exp

from fixturesynth.arrays import array_of, fill_null, numpy_of, scalar_of
from fixturesynth.schema.predicates.arrays import (
    CASTS,
    as_number,
    as_text,
    factors,
    is_number,
    operands,
    truth_of,
    unify,
    zero_to_null,
)
from fixturesynth.schema.predicates.documents import (
    DOCUMENTS,
    NAMED_DOCUMENTS,
    as_numbers,
    is_document,
    is_list,
    list_texts,
    normal_documents,
    of_elements,
)
from fixturesynth.schema.predicates.domains import NotUnderstood
from fixturesynth.schema.predicates.functions import FUNCTIONS, NAMED_FUNCTIONS
from fixturesynth.schema.predicates.parsing import call_name, column_name, fold, parse_condition, type_name
from fixturesynth.schema.predicates.patterns import glob_to_regex, like_to_regex, posix_to_regex
from fixturesynth.schema.predicates.present import asks_for_now, edges_of, relative_to

__all__ = ["case_readings", "evaluate", "evaluate_tree", "value_of"]

_SECONDS_OF_A_DAY = 86_400
_IGNORES_CASE = {"sqlite"}
_BY_COLLATION = {"mysql", "mariadb"}


def evaluate(text: str, table: pa.Table, dialect: str, *, now: str | None = None) -> npt.NDArray[np.bool_]:
    """True for every row in which the condition is not false (NULL passes, as in a CHECK).

    Shape: ``(table.num_rows,)``. Columns may hold dates and numbers as text, and booleans as 0 and 1, as SQLite does.
    NotUnderstood when the condition uses what is not known here, or compares what cannot be compared. ``now``: a plan's
    pinned moment; a condition on the present then has to hold for as long as rows are promised (see ``present``).

    >>> evaluate("a <= b", pa.table({"a": [1, 5, None], "b": [2, 4, 0]}), "postgresql").tolist()
    [True, False, True]
    """
    tree = parse_condition(text, table, dialect)
    moments = edges_of(now) if now is not None and asks_for_now(tree) else (None,)
    found = []
    for moment in moments:
        for any_case in case_readings(dialect):
            truth, broken = _truths(tree, _Rows(table, dialect, moment, any_case))
            found.append(np.asarray(numpy_of(fill_null(truth, True)), dtype=bool) & ~broken)
    return np.all(found, axis=0)  # type: ignore[no-any-return]


def case_readings(dialect: str) -> tuple[bool, ...]:
    """Whether texts are compared without regard to case: both ways where the column's collation decides."""
    return (False, True) if dialect in _BY_COLLATION else (False,)


def evaluate_tree(
    tree: exp.Expression, table: pa.Table, dialect: str, *, present: datetime | None = None, any_case: bool = False
) -> pa.Array:
    """What a parsed condition is in every row at the moment ``present``: true, false or null, shape (table.num_rows,).

    ``any_case``: texts are equal that differ in case, or in blanks at the end. NotUnderstood as ``evaluate``, and where
    the condition asks a text for a document that it is not.
    """
    truth, broken = _truths(tree, _Rows(table, dialect, present, any_case))
    if broken.any():
        raise NotUnderstood(f"{tree.sql()!r} reads texts that are no JSON")
    return truth


def _truths(tree: exp.Expression, rows: "_Rows") -> tuple[pa.Array, npt.NDArray[np.bool_]]:
    """What the condition is in every row, and in which rows a database ends with an error."""
    try:
        return rows.truth(tree), rows.broken
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, pa.ArrowTypeError) as error:
        raise NotUnderstood(f"cannot evaluate {tree.sql()!r}: {str(error).splitlines()[0]}") from error


def value_of(tree: exp.Expression, table: pa.Table, dialect: str) -> pa.Array:
    """The value of a parsed expression in every row, shape ``(table.num_rows,)``; NotUnderstood as ``evaluate``."""
    try:
        return _Rows(table, dialect).value(tree)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, pa.ArrowTypeError) as error:
        raise NotUnderstood(f"cannot evaluate {tree.sql()!r}: {str(error).splitlines()[0]}") from error


class _Rows:
    """The columns of one table; a node of the condition becomes an Arrow array as long as the table."""

    def __init__(self, table: pa.Table, dialect: str, present: datetime | None = None, any_case: bool = False) -> None:
        self.present = present
        self.any_case = any_case
        self.table = table
        self.dialect = dialect
        self.rows = table.num_rows
        self.broken = np.zeros(self.rows, dtype=bool)

    def refuse(self, broken: pa.Array) -> None:
        self.broken |= np.asarray(numpy_of(fill_null(broken, False)), dtype=bool)

    def value(self, node: exp.Expression) -> pa.Array:
        if self.present is not None and node.find(exp.Column) is None and asks_for_now(node):
            return self.constant(relative_to(node, self.present))
        handler = _HANDLERS.get(type(node))
        if handler is not None:
            return handler(self, node)
        function = FUNCTIONS.get(type(node)) or DOCUMENTS.get(type(node))
        if isinstance(node, exp.Anonymous):
            function = NAMED_FUNCTIONS.get(call_name(node)) or NAMED_DOCUMENTS.get(call_name(node))
        if function is not None:
            return function(self, node)
        return self.constant(fold(node))

    def constant(self, value: Any) -> pa.Array:
        if isinstance(value, Decimal) and self.dialect == "sqlite":
            value = float(value)  # SQLite has no decimals: its sums and products are those of binary fractions
        scalar = scalar_of(value) if value is not None else scalar_of(None, pa.null())
        return pa.repeat(scalar, self.rows) if value is not None else pa.nulls(self.rows)

    def truth(self, node: exp.Expression) -> pa.Array:
        """The node as a condition: numbers are true unless 0."""
        return truth_of(self.value(node))

    def column(self, node: exp.Expression) -> pa.Array:
        chunks = self.table.column(column_name(node))
        array = chunks.combine_chunks() if chunks.num_chunks != 1 else chunks.chunk(0)
        array = pa.concat_arrays(array.chunks) if isinstance(array, pa.ChunkedArray) else array
        if pa.types.is_dictionary(array.type):
            array = array.dictionary_decode()
        if pa.types.is_decimal(array.type) and self.dialect == "sqlite":
            return array.cast(pa.string()).cast(pa.float64())  # by its text: the nearest one, which the cast may miss
        wide = {pa.large_string(): pa.string(), pa.large_binary(): pa.binary()}
        return array.cast(wide[array.type]) if array.type in wide else array

    # Connectives

    def logic(self, node: exp.Expression) -> pa.Array:
        join = pc.and_kleene if isinstance(node, exp.And) else pc.or_kleene
        return join(self.truth(node.this), self.truth(node.expression))

    def negation(self, node: exp.Expression) -> pa.Array:
        return pc.invert(self.truth(node.this))

    def is_(self, node: exp.Expression) -> pa.Array:
        value = fold(node.expression)
        if value is None:
            return pc.is_null(self.value(node.this), nan_is_null=False)
        truth = self.truth(node.this)
        return fill_null(truth if value else pc.invert(truth), False)

    def choose(self, node: exp.Expression) -> pa.Array:
        """CASE, with or without a subject, and IF."""
        if isinstance(node, exp.If):
            branches, default = [node], node.args.get("false")
        else:
            branches, default = node.args["ifs"], node.args.get("default")
        subject = node.this if isinstance(node, exp.Case) else None
        conditions = [
            self.compare(exp.EQ, self.value(subject), self.value(b.this)) if subject is not None else self.truth(b.this)
            for b in branches
        ]
        results = unify([self.value(b.args["true"]) for b in branches] + [self.value(default or exp.null())])
        chosen = results[-1]
        for condition, result in reversed(list(zip(conditions, results[:-1], strict=True))):
            chosen = pc.if_else(fill_null(condition, False), result, chosen)
        return chosen

    # Comparisons

    def comparison(self, node: exp.Expression) -> pa.Array:
        if (found := of_elements(self, node)) is not None:
            return found
        if is_document(node.this) or is_document(node.expression):
            return self.compare(type(node), *(normal_documents(self, n) for n in (node.this, node.expression)))
        if isinstance(node.this, exp.JSONExtract) and self.dialect in _BY_COLLATION:
            right = self.value(node.expression)
            if is_number(right.type):
                return self.compare(type(node), as_numbers(self, node.this), right)
        left, right = self.value(node.this), self.value(node.expression)
        if is_list(left) and isinstance(node.expression, exp.Literal):
            right = DOCUMENTS[exp.Array](self, node.expression)
        return self.compare(type(node), left, right)

    def compare(self, operator: type[exp.Expression], a: pa.Array, b: pa.Array) -> pa.Array:
        if is_list(a) or is_list(b):
            if operator not in (exp.EQ, exp.NEQ):
                raise NotUnderstood("the order of arrays is not known")
            a, b = list_texts(a), list_texts(b)
        left, right = unify([a, b])
        if pa.types.is_null(left.type):
            return pa.nulls(self.rows, pa.bool_())
        if self.any_case and pa.types.is_string(left.type):
            left, right = (pc.utf8_rtrim(pc.utf8_lower(v), " ") for v in (left, right))
        return _COMPARE[operator](left, right)

    def null_safe(self, node: exp.Expression) -> pa.Array:
        left, right = unify([self.value(node.this), self.value(node.expression)])
        nulls = pc.and_(pc.is_null(left), pc.is_null(right))
        if pa.types.is_null(left.type):
            same = nulls
        else:
            same = pc.or_(nulls, fill_null(self.compare(exp.EQ, left, right), False))
        return same if isinstance(node, exp.NullSafeEQ) else pc.invert(same)

    def in_(self, node: exp.Expression) -> pa.Array:
        if node.args.get("query") or node.args.get("unnest"):
            raise NotUnderstood(f"{node.sql()!r} reads other rows")
        subject = self.value(node.this)
        tests = [self.compare(exp.EQ, subject, self.value(member)) for member in node.expressions]
        return reduce(pc.or_kleene, tests, pa.repeat(scalar_of(False), self.rows))

    # Patterns

    def like(self, node: exp.Expression) -> pa.Array:
        ignore_case = isinstance(node, exp.ILike) or self.dialect in _IGNORES_CASE or self.any_case
        return self.search(node.this, like_to_regex(str(fold(node.expression))), ignore_case)

    def regex(self, node: exp.Expression) -> pa.Array:
        translate = glob_to_regex if isinstance(node, exp.Glob) else posix_to_regex
        try:
            pattern = translate(str(fold(node.expression)))
            re.compile(pattern)
        except re.error as error:
            raise NotUnderstood(f"the pattern of {node.sql()!r} is not understood: {error}") from error
        flag = node.args.get("flag")
        ignore_case = isinstance(node, exp.RegexpILike) or (flag is not None and "i" in str(fold(flag)))
        return self.search(node.this, pattern, ignore_case or self.any_case)

    def search(self, subject: exp.Expression, pattern: str, ignore_case: bool) -> pa.Array:
        """Python's own engine on the distinct values: its words are those of the domains' patterns."""
        values = as_text(self.value(subject))
        if pa.types.is_null(values.type):
            return values.cast(pa.bool_())
        coded = values.dictionary_encode()
        compiled = re.compile(pattern, re.DOTALL | (re.IGNORECASE if ignore_case else 0))
        found = array_of([bool(compiled.search(v)) for v in coded.dictionary.to_pylist()], pa.bool_())
        return found.take(coded.indices)

    def part_of(self, node: exp.Expression) -> pa.Array:
        texts = as_text(self.value(node.this))
        pattern = str(fold(node.expression))
        return (pc.starts_with if isinstance(node, exp.StartsWith) else pc.match_substring)(texts, pattern)

    # Arithmetic

    def arithmetic(self, node: exp.Expression) -> pa.Array:
        left, right = operands(self.value(node.this), self.value(node.expression))
        if isinstance(node, exp.Mul):
            left, right = factors(left, right)
        result = _ARITHMETIC[type(node)](left, right)
        both_dates = pa.types.is_date(left.type) and pa.types.is_date(right.type)
        return pc.divide(result.cast(pa.int64()), _SECONDS_OF_A_DAY) if both_dates else result

    def division(self, node: exp.Expression) -> pa.Array:
        """Whole numbers divide whole where the dialect says so; by zero gives NULL."""
        left, right = unify([as_number(self.value(node.this)), as_number(self.value(node.expression))])
        if pa.types.is_null(left.type):
            return left
        whole = isinstance(node, exp.IntDiv) or (node.args.get("typed") and pa.types.is_integer(left.type))
        if not whole and pa.types.is_integer(left.type):
            left, right = left.cast(pa.float64()), right.cast(pa.float64())
        left, right = factors(left, right)
        quotient = pc.divide(left, zero_to_null(right))
        return pc.trunc(quotient) if whole and not pa.types.is_integer(quotient.type) else quotient

    def remainder(self, node: exp.Expression) -> pa.Array:
        left, right = factors(*unify([as_number(self.value(node.this)), as_number(self.value(node.expression))]))
        if pa.types.is_null(left.type):
            return left
        divisor = zero_to_null(right)
        quotient = pc.divide(left, divisor)
        if pa.types.is_decimal(left.type):
            quotient = pc.cast(pc.trunc(pc.divide(left.cast(pa.float64()), divisor.cast(pa.float64()))), pa.int64())
        elif not pa.types.is_integer(left.type):
            quotient = pc.trunc(quotient)
        return pc.subtract(left, pc.multiply(quotient, divisor))

    def negative(self, node: exp.Expression) -> pa.Array:
        return pc.negate(as_number(self.value(node.this)))

    def cast(self, node: exp.Expression) -> pa.Array:
        target = type_name(node)
        if target == "ARRAY":
            return DOCUMENTS[exp.Array](self, node)
        value = self.value(node.this)
        if target == "INTERVAL":
            return FUNCTIONS[exp.Interval](self, node)
        if target not in CASTS:
            raise NotUnderstood(f"a cast to {target} is not known")
        return CASTS[target](value)


_COMPARE: dict[type[exp.Expression], Callable[[pa.Array, pa.Array], pa.Array]] = {
    exp.EQ: pc.equal, exp.NEQ: pc.not_equal, exp.LT: pc.less, exp.LTE: pc.less_equal, exp.GT: pc.greater,
    exp.GTE: pc.greater_equal,
}  # fmt: skip
_ARITHMETIC: dict[type[exp.Expression], Callable[[pa.Array, pa.Array], pa.Array]] = {
    exp.Add: pc.add_checked, exp.Sub: pc.subtract_checked, exp.Mul: pc.multiply_checked,
}  # fmt: skip
_HANDLERS: dict[type[exp.Expression], Callable[[_Rows, Any], pa.Array]] = {
    exp.Column: _Rows.column, exp.And: _Rows.logic, exp.Or: _Rows.logic, exp.Not: _Rows.negation, exp.Is: _Rows.is_,
    exp.Case: _Rows.choose, exp.If: _Rows.choose, **dict.fromkeys(_COMPARE, _Rows.comparison),
    exp.NullSafeEQ: _Rows.null_safe, exp.NullSafeNEQ: _Rows.null_safe, exp.In: _Rows.in_,
    exp.Like: _Rows.like, exp.ILike: _Rows.like, exp.RegexpLike: _Rows.regex, exp.RegexpILike: _Rows.regex,
    exp.Glob: _Rows.regex, exp.StartsWith: _Rows.part_of, exp.Contains: _Rows.part_of,
    **dict.fromkeys(_ARITHMETIC, _Rows.arithmetic), exp.Div: _Rows.division, exp.IntDiv: _Rows.division,
    exp.Mod: _Rows.remainder, exp.Neg: _Rows.negative, exp.Cast: _Rows.cast,
}  # fmt: skip
