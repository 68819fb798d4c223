"""Checks -> disjunctive normal form -> a domain per column and relations between columns.

A condition is walked with two wishes: should it come out true or false (``want``), and may it come out unknown
(``null_passes``)? A CHECK passes unless it is false, so it starts with true and yes; a partial index holds the rows
where its predicate is true, so it starts with true and no. Negations turn ``want`` around on the way down, and what
arrives at the leaves is a conjunction or disjunction of statements about single columns.
"""

import itertools
import re
from collections.abc import Callable, Mapping
from typing import Any

from sqlglot import exp

from fixturesynth.schema.model import Table
from fixturesynth.schema.predicates.disjunctions import ALWAYS, NEVER, Branches, both, either
from fixturesynth.schema.predicates.domains import NOW, Branch, ColumnDomain, Difference, Distinct, NotUnderstood
from fixturesynth.schema.predicates.operators import COMPARE, MIRRORED, OPPOSITE, length_range, range_fields
from fixturesynth.schema.predicates.parsing import (
    call_name,
    coerce,
    column_name,
    fold,
    parse_condition,
    type_name,
    written,
)
from fixturesynth.schema.predicates.patterns import glob_to_regex, like_to_regex, posix_to_regex
from fixturesynth.schema.predicates.present import asks_for_now, edges_of, relative_to
from fixturesynth.schema.predicates.trial import Trial

__all__ = ["Walk", "compile_condition"]

_DAY_TEXT = len("2026-01-01")


def compile_condition(text: str, table: Table, dialect: str, *, null_passes: bool = False, now: str = NOW) -> Branches:
    """One condition, such as a partial index's predicate, in disjunctive normal form.

    ``null_passes``: rows count where the condition is unknown, as in a CHECK. No branches: it can never hold.
    NotUnderstood for what cannot be read.
    """
    return Walk(table, dialect, now=now).branches(parse_condition(text, table, dialect), True, null_passes)


_NUMERIC = {"integer", "float", "decimal", "money", "year", "boolean"}
_TEXTUAL = {"text", "enum", "set", "uuid", "json", "xml", "ltree", "inet", "cidr", "macaddr", "other"}
_CAST_FAMILIES = {
    **dict.fromkeys(("TEXT", "VARCHAR", "CHAR", "NVARCHAR", "NCHAR", "BPCHAR", "NAME", "CHARACTER_SET"), _TEXTUAL),
    **dict.fromkeys(("DECIMAL", "DOUBLE", "BIGINT", "INT", "FLOAT"), _NUMERIC),
    **{name: {"timestamp", "date"} for name in ("TIMESTAMP", "TIMESTAMPTZ", "DATETIME")},
    "DATE": {"date"},
    "UUID": {"uuid"},
    "BOOLEAN": {"boolean"},
}  # casts that change no value of a column of these kinds; whole numbers only where the column has them
# What SQLite stores of a column of these kinds, whatever its affinity.
_STORED = {"integer": "integer", "boolean": "integer", "bytes": "blob", "text": "text", "uuid": "text", "json": "text"}
_IGNORES_CASE = {"mysql", "mariadb", "sqlite"}  # where LIKE ignores case unless told otherwise
_PREDICATES = (
    exp.And, exp.Or, exp.Not, exp.Is, exp.In, exp.EQ, exp.NEQ, exp.LT, exp.LTE, exp.GT, exp.GTE, exp.Like, exp.ILike,
    exp.NullSafeEQ, exp.NullSafeNEQ, exp.RegexpLike, exp.RegexpILike, exp.Glob, exp.StartsWith,
)  # fmt: skip


class Walk:
    """Turns the conditions of one table into branches."""

    def __init__(
        self,
        table: Table,
        dialect: str,
        trial: Trial | None = None,
        whole: exp.Expression | None = None,
        text: str = "",
        now: str = NOW,
        known: Mapping[str, ColumnDomain] | None = None,
    ) -> None:
        self.known = known or {}  # of each column in every row
        self.table = table
        self.dialect = dialect
        self.trial = trial
        self.whole = whole  # the condition of which ``text`` is the text
        self.text = text
        self.now = now

    def branches(self, node: exp.Expression, want: bool, null_passes: bool) -> Branches:
        handler = _HANDLERS.get(type(node))
        try:
            if handler is None:
                return self._constant(node, want, null_passes)
            return handler(self, node, want, null_passes)
        except NotUnderstood:
            tried = self.tried(node, want, null_passes)
            if tried is None:
                raise
            return tried

    def tried(self, node: exp.Expression, want: bool, null_passes: bool) -> Branches | None:
        """A condition on one column that cannot be solved, by the values that were found to pass."""
        names = {column_name(c) for c in node.find_all(exp.Column)}
        if self.trial is None or len(names) != 1:
            return None
        (name,) = names
        alone = node is self.whole
        text = self.text if alone else written(node, self.dialect)
        domain = self.trial(name, node, text, want, null_passes, alone, self.known.get(name))
        if domain is None:
            return None
        return NEVER if domain.is_empty else (Branch({name: domain}),)

    def _constant(self, node: exp.Expression, want: bool, null_passes: bool) -> Branches:
        value = fold(node)
        if value is None:
            return ALWAYS if null_passes else NEVER
        if isinstance(value, str):
            raise NotUnderstood(f"{node.sql()!r} is no condition")
        return ALWAYS if bool(value) == want else NEVER

    # Connectives

    def _and(self, node: exp.Expression, want: bool, null_passes: bool) -> Branches:
        join = both if want == isinstance(node, exp.And) else either
        return join(self.branches(node.this, want, null_passes), self.branches(node.expression, want, null_passes))

    def _not(self, node: exp.Expression, want: bool, null_passes: bool) -> Branches:
        return self.branches(node.this, not want, null_passes)

    def _case(self, node: exp.Expression, want: bool, null_passes: bool) -> Branches:
        if node.this is not None:
            raise NotUnderstood(f"{node.sql()!r} compares inside CASE")
        pending, result = ALWAYS, NEVER
        for condition in node.args["ifs"]:
            here = both(pending, self.branches(condition.this, True, False))
            result = either(result, both(here, self.branches(condition.args["true"], want, null_passes)))
            pending = both(pending, self.branches(condition.this, False, True))
        default = node.args.get("default") or exp.null()
        return either(result, both(pending, self.branches(default, want, null_passes)))

    def _if(self, node: exp.Expression, want: bool, null_passes: bool) -> Branches:
        otherwise = node.args.get("false") or exp.null()
        yes = both(self.branches(node.this, True, False), self.branches(node.args["true"], want, null_passes))
        return either(yes, both(self.branches(node.this, False, True), self.branches(otherwise, want, null_passes)))

    def _coalesce(self, node: exp.Expression, want: bool, null_passes: bool) -> Branches:
        """COALESCE of conditions: the first that is not unknown."""
        first, *rest = (node.this, *node.expressions)
        if not rest:
            return self.branches(first, want, null_passes)
        unknown = both(self.branches(first, True, True), self.branches(first, False, True))
        remaining = exp.Coalesce(this=rest[0], expressions=rest[1:])
        return either(self.branches(first, want, False), both(unknown, self.branches(remaining, want, null_passes)))

    # Leaves

    def _boolean_column(self, node: exp.Expression, want: bool, null_passes: bool) -> Branches:
        name = column_name(node)
        kind = self.table.column(name).type.kind
        if kind == "boolean":
            return self._one(name, null_passes, allowed=(want,))
        if kind not in _NUMERIC:
            raise NotUnderstood(f"{name!r} is no condition")
        return self._one(name, null_passes, **({"excluded": (0,)} if want else {"allowed": (0,)}))

    def _is(self, node: exp.Expression, want: bool, null_passes: bool) -> Branches:
        """IS NULL, IS TRUE, IS FALSE: never unknown themselves."""
        value = fold(node.expression)
        if value is None:
            if (name := self._column(node.this)) is not None:
                return (Branch({name: ColumnDomain(name, only_null=want, not_null=not want)}),)
            inner = node.this.unnest()
            if isinstance(inner, (exp.Add, exp.Sub, exp.Mul)):
                # A sum is NULL where one of its terms is.
                sides = (exp.Is(this=side, expression=exp.Null()) for side in (inner.this, inner.expression))
                one, two = (self.branches(side, want, null_passes) for side in sides)
                return either(one, two) if want else both(one, two)
            if isinstance(inner, exp.Nullif) and not inner.expression.find(exp.Column):
                same = exp.EQ(this=inner.this, expression=inner.expression)
                empty = self.branches(exp.Is(this=inner.this, expression=exp.Null()), want, null_passes)
                alike = self.branches(same, want, False)
                return either(empty, alike) if want else both(empty, alike)
            if not isinstance(node.this, (*_PREDICATES, exp.Coalesce, exp.Case, exp.If)):
                raise NotUnderstood(f"{node.this.sql()!r} is no condition")
            return self._is_unknown(node.this, want)
        # IS TRUE holds where the condition is true; IS NOT TRUE where it is false or unknown.
        return self.branches(node.this, bool(value) == want, not want)

    def _is_unknown(self, node: exp.Expression, want: bool) -> Branches:
        if want:
            return both(self.branches(node, True, True), self.branches(node, False, True))
        return either(self.branches(node, True, False), self.branches(node, False, False))

    def _null_safe(self, node: exp.Expression, want: bool, null_passes: bool) -> Branches:
        """IS [NOT] DISTINCT FROM a constant."""
        same = want == isinstance(node, exp.NullSafeEQ)
        left, right = self._sides(node)
        value = fold(right)
        if value is None:
            return self._is(exp.Is(this=left, expression=exp.null()), same, null_passes)
        equality = exp.EQ(this=left, expression=right)
        return self.branches(equality, same, not same)

    def _in(self, node: exp.Expression, want: bool, null_passes: bool) -> Branches:
        if node.args.get("query") or node.args.get("unnest"):
            raise NotUnderstood(f"{node.sql()!r} reads other rows")
        members = node.expressions
        column = self._column(node.this)
        try:
            values = [fold(member) for member in members]
        except NotUnderstood:
            values = []
        if column is None or not values:
            either: exp.Expression = exp.false()
            for member in members:
                either = exp.Or(this=either, expression=exp.EQ(this=node.this.copy(), expression=member.copy()))
            return self.branches(either, want, null_passes)
        if None in values and (want == null_passes):
            return ALWAYS if want else NEVER
        kind = self.table.column(column).type.kind
        known = tuple(dict.fromkeys(coerce(v, kind) for v in values if v is not None))
        if not want and kind == "boolean":
            return self._one(column, null_passes, allowed=tuple(v for v in (False, True) if v not in known))
        return self._one(column, null_passes, **{"allowed" if want else "excluded": known})

    def _comparison(self, node: exp.Expression, want: bool, null_passes: bool) -> Branches:
        operator = type(node) if want else OPPOSITE[type(node)]
        if isinstance(node.this, _PREDICATES) or isinstance(node.expression, _PREDICATES):
            return self._same_truth(node, operator, null_passes)
        left, right = self._sides(node)
        if left is not node.this:
            operator = MIRRORED[operator]
        itself = self._unchanged(left, right, operator, null_passes) or self._unchanged(
            right, left, operator, null_passes
        )
        if itself is not None:
            return itself
        one, two = self._column(left), self._column(right)
        if one is not None and two is not None:
            return self._two_columns(one, two, operator, null_passes)
        value = self._moment(right, operator) if asks_for_now(right) else fold(right)
        if value is None:
            return ALWAYS if null_passes else NEVER
        asked = isinstance(left, exp.Anonymous) and call_name(left) == "json_valid"
        if asked and value in (0, 1) and operator in (exp.EQ, exp.NEQ):
            return self._call(left, (value == 1) is (operator is exp.EQ), null_passes)
        return self._term(left, operator, value, null_passes)

    def _moment(self, node: exp.Expression, operator: type[exp.Expression]) -> str:
        """A bound by the present, as the edge of the time in which rows are loaded that keeps it for all of it."""
        early, late = edges_of(self.now)
        if operator in (exp.LT, exp.LTE):
            return relative_to(node, early).isoformat()
        if operator in (exp.GT, exp.GTE):
            return relative_to(node, late).isoformat()
        raise NotUnderstood(f"{node.sql()!r} is never the same")

    def _same_truth(self, node: exp.Expression, operator: type[exp.Expression], null_passes: bool) -> Branches:
        """``(a IS NULL) = (b IS NULL)``: equality of two conditions."""
        if operator not in (exp.EQ, exp.NEQ):
            raise NotUnderstood(f"{node.sql()!r} orders conditions")
        a, b, same = node.this, node.expression, operator is exp.EQ

        def truths(first: bool, second: bool) -> Branches:
            return both(self.branches(a, first, null_passes), self.branches(b, second, null_passes))

        return either(truths(True, same), truths(False, not same))

    def _sides(self, node: exp.Expression) -> tuple[exp.Expression, exp.Expression]:
        """The two sides with the constant, if there is one, on the right."""
        has_column = node.this.find(exp.Column) is not None
        return (node.this, node.expression) if has_column else (node.expression, node.this)

    def _unchanged(
        self, column: exp.Expression, call: exp.Expression, operator: type[exp.Expression], null_passes: bool
    ) -> Branches | None:
        """``x = lower(x)`` and its kin."""
        name = self._column(column)
        if name is None or operator is not exp.EQ or self._column(call.this) != name:
            return None
        fields: dict[type[exp.Expression], str] = {exp.Lower: "lower", exp.Upper: "upper", exp.Trim: "trimmed"}
        if type(call) not in fields or call.expression is not None or not isinstance(call.this, exp.Expression):
            return None
        return self._one(name, null_passes, **{fields[type(call)]: True})

    def _two_columns(self, a: str, b: str, operator: type[exp.Expression], null_passes: bool) -> Branches:
        relations: dict[type[exp.Expression], Branch] = {
            exp.LT: Branch(differences=(Difference(a, b, True),)),
            exp.LTE: Branch(differences=(Difference(a, b),)),
            exp.GT: Branch(differences=(Difference(b, a, True),)),
            exp.GTE: Branch(differences=(Difference(b, a),)),
            exp.NEQ: Branch(distinct=(Distinct(a, b),)),
        }
        if operator not in relations or a == b:
            raise NotUnderstood(f"{a!r} and {b!r} have to be equal")
        result: Branches = (relations[operator],)
        return result if null_passes else both(result, both(self._one(a, False), self._one(b, False)))

    def _like(self, node: exp.Expression, want: bool, null_passes: bool) -> Branches:
        name = self._text_column(node.this)
        pattern = str(fold(node.expression))
        padded = self._padded(name, want and pattern.endswith("%"))
        if want and isinstance(node, exp.Like):
            # Where LIKE ignores case, text in the pattern's own case still matches.
            return self._one(name, null_passes, like=(pattern,), **padded)
        ignore_case = isinstance(node, exp.ILike) or self.dialect in _IGNORES_CASE
        return self._one(name, null_passes, regex=((like_to_regex(pattern), ignore_case, not want),), **padded)

    def _padded(self, name: str, open_end: bool) -> dict[str, int]:
        """PostgreSQL looks for patterns in char(n) with its blanks: only texts in full length have none."""
        kind = self.table.column(name).type
        filled = self.dialect == "postgresql" and kind.kind == "text" and kind.fixed and kind.length is not None
        return {"min_length": kind.length} if filled and not open_end and kind.length is not None else {}

    def _regex(self, node: exp.Expression, want: bool, null_passes: bool) -> Branches:
        name = self._text_column(node.this)
        translate = glob_to_regex if isinstance(node, exp.Glob) else posix_to_regex
        try:
            pattern = translate(str(fold(node.expression)))
            re.compile(pattern)
        except re.error as error:
            raise NotUnderstood(f"the pattern of {node.sql()!r} is not understood: {error}") from error
        flag = node.args.get("flag")
        ignore_case = isinstance(node, exp.RegexpILike) or (flag is not None and "i" in str(fold(flag)))
        # MySQL's collations mostly ignore case: the stricter reading is right under both kinds.
        ignore_case = ignore_case or (not want and self.dialect in ("mysql", "mariadb"))
        padded = self._padded(name, want and not pattern.endswith(r"\Z"))
        return self._one(name, null_passes, regex=((pattern, ignore_case, not want),), **padded)

    def _starts_with(self, node: exp.Expression, want: bool, null_passes: bool) -> Branches:
        pattern = re.escape(str(fold(node.expression)))
        start = r"\A" if isinstance(node, exp.StartsWith) else ""
        return self._one(self._text_column(node.this), null_passes, regex=((start + pattern, False, not want),))

    def _call(self, node: exp.Expression, want: bool, null_passes: bool) -> Branches:
        """A function that is a condition by itself."""
        if call_name(node) != "json_valid":
            raise NotUnderstood(f"the function {call_name(node)} is not known")
        name = self._column(node.expressions[0])
        if name is None:
            raise NotUnderstood(f"{node.sql()!r} is not about a single column")
        if not want:
            # A column of JSON holds nothing else.
            if self.table.column(name).type.kind != "json":
                raise NotUnderstood(f"values for which {node.sql()!r} fails are not known")
            return (Branch({name: ColumnDomain(name, only_null=True)}),) if null_passes else NEVER
        # SQLite before 3.41 says 0 of NULL, later ones NULL.
        return self._one(name, null_passes and self.dialect != "sqlite", json=True)

    # Terms: what stands left of an operator whose right side is a constant

    def _term(self, term: exp.Expression, operator: type[exp.Expression], value: Any, null_passes: bool) -> Branches:
        name = self._column(term)
        if name is not None:
            kind = self.table.column(name).type.kind
            if self.dialect == "sqlite" and kind == "timestamp" and len(str(value)) == _DAY_TEXT:
                # There moments are texts, and midnight, written in full, comes after the day's bare name.
                if operator in (exp.EQ, exp.NEQ):
                    null = (Branch({name: ColumnDomain(name, only_null=True)}),) if null_passes else NEVER
                    return self._one(name, null_passes) if operator is exp.NEQ else null
                turned: dict[type[exp.Expression], type[exp.Expression]] = {exp.LTE: exp.LT, exp.GT: exp.GTE}
                operator = turned.get(operator, operator)
            value = coerce(value, kind)
            if kind == "boolean":
                truths = tuple(v for v in (False, True) if COMPARE[operator](v, value))
                return self._one(name, null_passes, allowed=truths)
            return self._one(name, null_passes, **range_fields(operator, value))
        key = call_name(term) if isinstance(term, exp.Anonymous) else type(term)
        handler = _TERMS.get(key)
        if handler is not None:
            return handler(self, term, operator, value, null_passes)
        try:
            constant = fold(term)
        except NotUnderstood:
            raise NotUnderstood(f"{term.sql()!r} is not understood") from None
        holds = null_passes if constant is None else COMPARE[operator](constant, value)
        return ALWAYS if holds else NEVER

    def _product(self, term: exp.Expression, operator: type[exp.Expression], value: Any, null_passes: bool) -> Branches:
        """``credit * debit = 0``: one of the two is 0."""
        if value != 0 or operator not in (exp.EQ, exp.NEQ):
            raise NotUnderstood(f"{term.sql()!r} is not understood")
        sides = (term.this, term.expression)
        zero = exp.Literal.number(0)
        one, two = (self.branches(operator(this=side, expression=zero), True, null_passes) for side in sides)
        if operator is exp.EQ and null_passes:
            return either(one, two)
        want = operator is exp.NEQ
        empty, other = (self.branches(exp.Is(this=s, expression=exp.Null()), want, False) for s in sides)
        if operator is exp.NEQ:
            return either(both(one, two), either(empty, other)) if null_passes else both(one, two)
        return either(both(one, other), both(two, empty))

    def _length(self, term: exp.Expression, operator: type[exp.Expression], value: Any, null_passes: bool) -> Branches:
        if not isinstance(value, int):
            raise NotUnderstood(f"a length is compared with {value!r}")
        subject = term.expressions[0] if isinstance(term, exp.Anonymous) else term.this
        octets = bool(term.args.get("binary")) or isinstance(term, exp.Anonymous)  # LENGTH of MySQL
        if isinstance(subject, exp.Trim):
            return self._trimmed_length(subject, operator, value, null_passes, octets=octets)
        name = self._column(subject)
        if name is None:
            raise NotUnderstood(f"{term.sql()!r} is not the length of a column")
        least, most = length_range(operator, value)
        kind = self.table.column(name).type.kind
        if kind == "bytes" or octets:
            return self._one(name, null_passes, octets=(least, most))
        if kind not in _TEXTUAL:
            raise NotUnderstood(f"{name!r} is no text")
        return self._one(name, null_passes, min_length=least, max_length=most)

    def _trimmed_length(
        self, trim: exp.Expression, operator: type[exp.Expression], value: int, null_passes: bool, *, octets: bool
    ) -> Branches:
        if length_range(operator, value) == (1, None):
            return self._trim(trim, exp.NEQ, "", null_passes)
        if trim.expression is not None:
            raise NotUnderstood(f"the length of {trim.sql()!r} is limited")
        least, most = length_range(operator, value)
        # Of the texts that are as long without their blanks, those that have none at their ends.
        limits: dict[str, Any] = {"octets": (least, most)} if octets else {"min_length": least, "max_length": most}
        return self._one(self._text_column(trim.this), null_passes, trimmed=True, **limits)

    def _beginning(
        self, term: exp.Expression, operator: type[exp.Expression], value: Any, null_passes: bool
    ) -> Branches:
        """``left(x, 3) = 'tl_'`` and ``substr(x, 1, 3) = 'tl_'``."""
        start = term.args.get("start") or exp.Literal.number(1)
        size = fold(term.expression if isinstance(term, exp.Left) else term.args.get("length") or exp.null())
        if fold(start) != 1 or not isinstance(value, str) or size != len(value) or operator not in (exp.EQ, exp.NEQ):
            raise NotUnderstood(f"{term.sql()!r} is compared with {value!r}")
        pattern = (r"\A" + re.escape(value), False, operator is exp.NEQ)
        return self._one(self._text_column(term.this), null_passes, regex=(pattern,))

    def _trim(self, term: exp.Expression, operator: type[exp.Expression], value: Any, null_passes: bool) -> Branches:
        if value != "" or operator not in (exp.EQ, exp.NEQ, exp.GT) or term.expression is not None:
            raise NotUnderstood(f"{term.sql()!r} is compared with {value!r}")
        blank = operator is exp.EQ
        return self._one(self._text_column(term.this), null_passes, regex=(("[^ ]", False, blank),))

    def _cased(self, term: exp.Expression, operator: type[exp.Expression], value: Any, null_passes: bool) -> Branches:
        """``lower(x) = 'abc'``."""
        name = self._text_column(term.this)
        own_case = value.lower() if isinstance(term, exp.Lower) else value.upper()
        if operator not in (exp.EQ, exp.NEQ):
            raise NotUnderstood(f"{term.sql()!r} is ordered")
        equal = operator is exp.EQ
        if value != own_case:
            if not equal:
                return self._one(name, null_passes)
            return (Branch({name: ColumnDomain(name, only_null=True)}),) if null_passes else NEVER
        return self._one(name, null_passes, regex=((rf"\A{re.escape(value)}\Z", True, not equal),))

    def _coalesced(
        self, term: exp.Expression, operator: type[exp.Expression], value: Any, null_passes: bool
    ) -> Branches:
        first, *rest = (term.this, *term.expressions)
        if not rest:
            return self._term(first, operator, value, null_passes)
        remaining = exp.Coalesce(this=rest[0], expressions=rest[1:])
        name = self._column(first)
        if name is None:
            raise NotUnderstood(f"{term.sql()!r} is not understood")
        null = (Branch({name: ColumnDomain(name, only_null=True)}),)
        return either(
            self._term(first, operator, value, False),
            both(null, self._term(remaining, operator, value, null_passes)),
        )

    def _typeof(self, term: exp.Expression, operator: type[exp.Expression], value: Any, null_passes: bool) -> Branches:
        """SQLite's ``typeof(x) = 'integer'``: what is written to a column has its kind; NULL is ``'null'``."""
        name = self._column(term.this)
        kind = _STORED.get(self.table.column(name).type.kind) if name is not None and self.dialect == "sqlite" else None
        if name is None or kind is None or operator not in (exp.EQ, exp.NEQ):
            raise NotUnderstood(f"{term.sql()!r} is not known")
        equal = operator is exp.EQ
        if value in (kind, "null"):
            only_null = (value == "null") is equal
            return (Branch({name: ColumnDomain(name, only_null=only_null, not_null=not only_null)}),)
        return NEVER if equal else ALWAYS

    def _count_nulls(
        self, term: exp.Expression, operator: type[exp.Expression], value: Any, null_passes: bool
    ) -> Branches:
        """num_nonnulls(a, b, ...) and num_nulls: every choice of columns that gives the right count."""
        names = [self._column(e) for e in term.expressions]
        if None in names or len(names) > 8 or not isinstance(value, int):
            raise NotUnderstood(f"{term.sql()!r} is not understood")
        result = NEVER
        for nulls in itertools.product((False, True), repeat=len(names)):
            count = sum(nulls) if call_name(term) == "num_nulls" else len(nulls) - sum(nulls)
            if COMPARE[operator](count, value):
                domains = {
                    str(name): ColumnDomain(str(name), only_null=null, not_null=not null)
                    for name, null in zip(names, nulls, strict=True)
                }
                result = either(result, (Branch(domains),))
        return result

    # Columns

    def _one(self, name: str, null_passes: bool, **fields: Any) -> Branches:
        domain = ColumnDomain(name, not_null=not null_passes, **fields)
        domain = domain.intersect(domain)
        return () if domain.is_empty else (Branch({name: domain}),)

    def _column(self, node: Any) -> str | None:
        """The column that the node is, perhaps inside a cast that changes nothing."""
        if isinstance(node, exp.Column):
            return column_name(node)
        if isinstance(node, exp.Cast):
            name = self._column(node.this)
            if name is not None:
                kind = self.table.column(name).type.kind
                whole = type_name(node) not in ("BIGINT", "INT") or kind in ("integer", "year")
                if whole and kind in _CAST_FAMILIES.get(type_name(node), ()):
                    return name
        return None

    def _text_column(self, node: exp.Expression) -> str:
        name = self._column(node)
        if name is None or self.table.column(name).type.kind not in _TEXTUAL:
            raise NotUnderstood(f"{node.sql()!r} is no column of text")
        return name


_Handler = Callable[[Walk, exp.Expression, bool, bool], Branches]
_Term = Callable[[Walk, exp.Expression, type[exp.Expression], Any, bool], Branches]
# Private methods are rows of these two tables, which belong to the class.
_HANDLERS: dict[type[exp.Expression], _Handler] = {
    exp.And: Walk._and, exp.Or: Walk._and, exp.Not: Walk._not, exp.Case: Walk._case, exp.If: Walk._if,
    exp.Coalesce: Walk._coalesce, exp.Column: Walk._boolean_column, exp.Is: Walk._is,
    exp.NullSafeEQ: Walk._null_safe, exp.NullSafeNEQ: Walk._null_safe, exp.In: Walk._in,
    **dict.fromkeys(OPPOSITE, Walk._comparison),
    exp.Like: Walk._like, exp.ILike: Walk._like, exp.RegexpLike: Walk._regex, exp.RegexpILike: Walk._regex,
    exp.Glob: Walk._regex, exp.StartsWith: Walk._starts_with, exp.Contains: Walk._starts_with,
    exp.Anonymous: Walk._call,
}  # fmt: skip
_TERMS: dict[Any, _Term] = {
    exp.Length: Walk._length, "octet_length": Walk._length, "strlen": Walk._length, exp.ByteLength: Walk._length,
    exp.Trim: Walk._trim, exp.Lower: Walk._cased, exp.Upper: Walk._cased, exp.Coalesce: Walk._coalesced,
    exp.Left: Walk._beginning, exp.Substring: Walk._beginning, exp.Typeof: Walk._typeof, exp.Mul: Walk._product,
    "num_nulls": Walk._count_nulls, "num_nonnulls": Walk._count_nulls,
}  # fmt: skip
