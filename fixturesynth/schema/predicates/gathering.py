"""All checks of a table together: what can be solved first, then what has to be tried where the rest holds."""

from functools import reduce

from sqlglot import exp

from fixturesynth.schema.model import Table
from fixturesynth.schema.predicates.compiling import Walk
from fixturesynth.schema.predicates.disjunctions import NEVER, Branches
from fixturesynth.schema.predicates.domains import NOW, Alternatives, Branch, NotUnderstood, TableConstraints
from fixturesynth.schema.predicates.parsing import column_name, parse_condition, written
from fixturesynth.schema.predicates.trial import Trial

__all__ = ["gather_constraints"]


def gather_constraints(table: Table, dialect: str, *, trial: Trial | None = None, now: str = NOW) -> TableConstraints:
    """All checks of a table and of its columns' domains; what is not understood is listed, never dropped.

    ``trial`` is asked of conditions on a single column that cannot be solved. ``now``: the plan's pinned moment, to
    which comparisons with the present are held.

    >>> from fixturesynth.schema.model import Check, Column, ColumnType
    >>> age = Column("age", ColumnType("integer", "integer"))
    >>> table = Table("people", (age,), checks=(Check("adult", "age >= 18 AND age < 150"),))
    >>> domain = gather_constraints(table, "postgresql").domains["age"]
    >>> domain.low, domain.high, domain.high_open
    (18, 150, True)
    """
    whole = Branch()
    not_understood: list[tuple[str, str]] = []
    judged: dict[int, tuple[str, str]] = {}  # by place, as the alternatives: no domain says what they say
    alternatives: dict[int, Alternatives] = {}
    left: list[tuple[int, str, exp.Expression, str, bool]] = []
    for name, text, subject in _conditions(table):
        try:
            parts = _conjuncts(_parse(text, table, dialect, subject))
        except NotUnderstood:
            not_understood.append((name, text))
            continue
        unsolved = _gathered(parts, table, dialect, now) if trial is not None else []
        for part in [p for p in parts if not any(p is q for group in unsolved for q in _conjuncts(group))] + unsolved:
            part_text = text if len(parts) == 1 and subject is None else written(part, dialect)
            left.append((len(left), name, part, part_text, any(part is g for g in unsolved)))

    def take(number: int, name: str, text: str, branches: Branches) -> None:
        nonlocal whole
        if not branches:
            raise NotUnderstood(f"{text!r} can never hold")
        if len(branches) == 1:
            whole = whole.intersect(branches[0])
        else:
            alternatives[number] = Alternatives(name, text, branches)
            judged[number] = (name, text)

    # What can be solved comes first: only values for which it holds are tried for the rest.
    for item in tuple(left):
        number, name, part, text, _ = item
        try:
            take(number, name, text, Walk(table, dialect, now=now).branches(part, True, True))
            left.remove(item)
        except NotUnderstood:
            continue
    for number, name, part, text, gathered in left:
        walk = Walk(table, dialect, trial, part, text, now, dict(whole.domains))
        try:
            tried_at_once = walk.tried(part, True, True) if gathered else None
            take(number, name, text, tried_at_once if tried_at_once is not None else walk.branches(part, True, True))
        except NotUnderstood:
            if trial is not None and (tried := _tried_together(table, trial, part, text)):
                alternatives[number] = Alternatives(name, text, tried)
            judged[number] = (name, text)
    return TableConstraints(
        dict(whole.domains), whole.differences, whole.distinct,
        (*not_understood, *(judged[number] for number in sorted(judged))),
        tuple(alternatives[number] for number in sorted(alternatives)),
    )  # fmt: skip


def _gathered(parts: list[exp.Expression], table: Table, dialect: str, now: str) -> list[exp.Expression]:
    """Of parts that cannot be solved, those of one and the same column as one: what passes has to pass them all."""
    found: dict[str, list[exp.Expression]] = {}
    for part in parts:
        names = {column_name(c) for c in part.find_all(exp.Column)}
        if len(names) == 1:
            try:
                Walk(table, dialect, now=now).branches(part, True, True)
            except NotUnderstood:
                found.setdefault(names.pop(), []).append(part)
    return [reduce(lambda a, b: exp.And(this=a, expression=b), group) for group in found.values() if len(group) > 1]


def _tried_together(table: Table, trial: Trial, part: exp.Expression, text: str) -> Branches:
    names = {column_name(c) for c in part.find_all(exp.Column)}
    return trial.together(tuple(c for c in table.column_names if c in names), part, text) if len(names) > 1 else NEVER


def _conditions(table: Table) -> list[tuple[str, str, str | None]]:
    """(name, text, column that VALUE stands for) of every check and every column's domain checks."""
    own: list[tuple[str, str, str | None]] = [(check.name, check.text, None) for check in table.checks]
    for column in table.columns:
        own += [(column.type.domain or column.name, text, column.name) for text in column.domain_checks]
    return own


def _parse(text: str, table: Table, dialect: str, subject: str | None) -> exp.Expression:
    if subject is None:
        return parse_condition(text, table, dialect)
    return parse_condition(text, _DomainValue(subject), dialect).transform(
        lambda node: exp.Column(this=exp.to_identifier(subject, quoted=True)) if isinstance(node, exp.Column) else node
    )


class _DomainValue:
    """A domain's check sees one column, named VALUE."""

    def __init__(self, subject: str) -> None:
        self.column_names = ("VALUE",)


def _conjuncts(node: exp.Expression) -> list[exp.Expression]:
    if isinstance(node, exp.And):
        return _conjuncts(node.this) + _conjuncts(node.expression)
    return [node]
