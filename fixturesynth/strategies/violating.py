"""``violations``: valid datasets and one row that breaks exactly one constraint, which is named."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hypothesis.strategies import SearchStrategy

from fixturesynth.errors import FixtureSynthError, InputError, UnsatisfiableError, did_you_mean
from fixturesynth.schema.model import ForeignKey, Schema, Table, Unique
from fixturesynth.schema.predicates import Alternatives, NotUnderstood, compile_condition, evaluate
from fixturesynth.strategies.building import Builder, Row
from fixturesynth.strategies.choices import Choices, Drawn
from fixturesynth.strategies.compiling import compile_table
from fixturesynth.strategies.description import Settings, Source, TableRules
from fixturesynth.strategies.forms import Tables, arrow_schemas, as_arrow
from fixturesynth.strategies.sources import compiled

__all__ = ["Violation", "violations"]

KINDS = ("not null", "unique", "foreign key", "check")
MOST_ROWS = 2  # of other tables: enough for what is broken to stand out


@dataclass(frozen=True)
class Violation:
    """``dataset`` is valid. ``row``, added to ``table``, breaks ``constraint`` and nothing else.

    ``kind``: ``"not null"`` (``constraint`` is then the column's name), ``"unique"``, ``"foreign key"`` or ``"check"``.
    """

    kind: str
    constraint: str
    table: str
    dataset: Mapping[str, Sequence[Row]]
    row: Mapping[str, Any]

    def whole(self) -> dict[str, list[Row]]:
        """The dataset with the row that does not belong there."""
        rows = {name: list(some) for name, some in self.dataset.items()}
        return Tables({**rows, self.table: [*rows[self.table], dict(self.row)]}, getattr(self.dataset, "source", None))


@dataclass(frozen=True)
class _Target:
    kind: str
    constraint: str
    table: str
    columns: tuple[str, ...]
    rules: TableRules | None = None  # of a table in which the check is false
    link: ForeignKey | None = None


def violations(
    source: Any,
    tables: Sequence[str] | None = None,
    *,
    kinds: Sequence[str] = KINDS,
    constraints: Sequence[str] | None = None,
) -> SearchStrategy[Violation]:
    """Datasets with one row that an application, or its database, must refuse.

    Args:
        source: as in ``from_schema``.
        tables: those that get a row too many.
        kinds: which kinds of constraints are broken.
        constraints: names of those to break; by default each that can be broken alone.

    Raises:
        InputError: unknown tables, kinds or constraints.
        UnsatisfiableError: none of them can be broken without breaking another one.
    """
    found = compiled(source, Settings())
    for kind in kinds:
        if kind not in KINDS:
            raise InputError(f"unknown kind of constraint {kind!r}: {did_you_mean(kind, KINDS)}")
    for name in tables or ():
        if name not in found.tables:
            raise InputError(f"tables: no table {name!r}: {did_you_mean(name, found.tables)}")
    targets = [t for name in tables or found.tables for t in _targets(found, name) if t.kind in kinds]
    for constraint in constraints or ():
        if constraint not in {t.constraint for t in targets}:
            raise InputError(
                f"no constraint {constraint!r} that can be broken alone: "
                f"{did_you_mean(constraint, {t.constraint for t in targets})}"
            )
    if constraints is not None:
        targets = [t for t in targets if t.constraint in constraints]
    if not targets:
        raise UnsatisfiableError(
            f"no {' or '.join(kinds)} constraint of {', '.join(tables or found.tables)} can be broken alone; "
            "name other tables or kinds"
        )
    return Drawn(_Violations(found, targets), f"violations({len(targets)} constraints)")


def _targets(source: Source, name: str) -> Iterator[_Target]:
    table, rules = source.schema[name], source.tables[name]
    for column in table.columns:
        by_itself = column.default is not None or column.identity or column.autoincrement or column.generated
        if not column.nullable and not by_itself and column.name in rules.columns:
            yield _Target("not null", column.name, name, (column.name,))
    if table.primary_key is not None and set(table.primary_key.columns) <= set(rules.columns):
        yield _Target("unique", table.primary_key.name or f"{name}_pkey", name, table.primary_key.columns)
    for unique in table.uniques:
        if not unique.expressions and unique.columns and set(unique.columns) <= set(rules.columns):
            yield _Target("unique", unique.name, name, unique.columns)
    for fk in table.foreign_keys:
        if fk.parent in source.tables:
            yield _Target("foreign key", fk.name, name, fk.columns, link=fk)
    for check in (c for c in table.checks if c.declared):
        try:
            false = compile_condition(f"NOT ({check.text})", table, source.schema.dialect, now=source.settings.now)
            broken = compile_table(source, name, without=check.name, also=Alternatives(check.name, check.text, false))
        except (NotUnderstood, FixtureSynthError):
            continue  # no row is known that breaks it and nothing else
        yield _Target("check", check.name, name, check.columns, rules=broken)


class _Violations:
    def __init__(self, source: Source, targets: Sequence[_Target]) -> None:
        self.source, self.targets = source, tuple(targets)
        self.types = arrow_schemas(source.schema)

    def __call__(self, choices: Choices) -> Violation:
        first = choices.index(len(self.targets))
        for step in range(len(self.targets)):
            target = self.targets[(first + step) % len(self.targets)]
            made = self._broken(choices, target)
            if made is not None:
                return made
        raise UnsatisfiableError(
            f"none of the constraints {', '.join(t.constraint for t in self.targets[:8])} can be broken alone here; "
            "name others"
        )

    def _broken(self, choices: Choices, target: _Target) -> Violation | None:
        builder = Builder(self.source, self.source.closure([target.table]))
        if builder.demand(choices, target.table) is None:
            return None
        builder.close(choices)
        valid: dict[str, list[Row]] = Tables({n: list(rows) for n, rows in builder.rows.items()}, self.source)
        row = self._row(choices, builder, target, valid)
        if row is None:
            return None
        now = {n: rows for n, rows in builder.rows.items() if n != target.table}
        valid.update({n: list(rows) for n, rows in now.items()})  # parents that the row needed
        if _breaks(self.source.schema, target.table, row, valid, self.types) != {(target.kind, target.constraint)}:
            return None
        return Violation(target.kind, target.constraint, target.table, valid, row)

    def _row(
        self, choices: Choices, builder: Builder, target: _Target, valid: Mapping[str, Sequence[Row]]
    ) -> Row | None:
        if target.rules is not None:
            builder.rules = {**builder.rules, target.table: target.rules}
        made = builder.demand(choices, target.table)
        if made is None or target.kind == "check":
            return made
        row = dict(made)
        if target.kind == "not null":
            row[target.columns[0]] = None
        elif target.kind == "unique":
            row.update({c: valid[target.table][0][c] for c in target.columns})
        else:
            assert target.link is not None
            return self._dangling(choices, builder, target.link, row)
        return row

    def _dangling(self, choices: Choices, builder: Builder, fk: ForeignKey, row: Row) -> Row | None:
        """The row with a reference to nobody: the last column of the key gets a value that no parent has."""
        own, theirs = fk.columns[-1], fk.parent_columns[-1]
        rules = self.source.tables[fk.parent]
        taken = {r[theirs] for r in builder.kept[fk.parent].rows} if fk.parent in builder.kept else set()
        if theirs in rules.counted:
            return {**row, own: max((int(v) for v in taken), default=0) + 1}
        for component in rules.components:
            for way in component.ways:
                for cell in way.cells:
                    if cell.name == theirs and cell.span is not None and cell.span.size > len(taken):
                        return {**row, own: cell.span.draw(choices, taken)}
        return None


def _breaks(
    schema: Schema, name: str, row: Row, valid: Mapping[str, Sequence[Row]], types: Mapping[str, Any]
) -> set[tuple[str, str]]:
    """Every constraint that the row breaks when it is added, as (kind, name)."""
    table = schema[name]
    broken = {("not null", c.name) for c in table.columns if not c.nullable and c.name in row and row[c.name] is None}
    own = table.primary_key
    sets = [Unique(own.name or f"{name}_pkey", own.columns)] if own is not None else []
    for unique in (*sets, *table.uniques):
        if _is_twice(table, unique, row, valid.get(name, ()), schema.dialect, types[name]):
            broken.add(("unique", unique.name))
    for fk in table.foreign_keys:
        values = tuple(row.get(c) for c in fk.columns)
        if None in values or (fk.parent == name and values == tuple(row.get(c) for c in fk.parent_columns)):
            continue
        if values not in {tuple(r.get(c) for c in fk.parent_columns) for r in valid.get(fk.parent, ())}:
            broken.add(("foreign key", fk.name))
    one = as_arrow([row], types[name])
    for check in table.checks:
        try:
            holds = bool(evaluate(check.text, one, schema.dialect)[0])
        except NotUnderstood:
            continue
        if not holds:
            broken.add(("check", check.name))
    return broken


def _is_twice(table: Table, unique: Unique, row: Row, others: Sequence[Row], dialect: str, types: Any) -> bool:
    if unique.expressions or not set(unique.columns) <= set(row):
        return False
    values = tuple(row[c] for c in unique.columns)
    if None in values and unique.nulls_distinct:
        return False
    alike = [r for r in others if tuple(r[c] for c in unique.columns) == values]
    if unique.predicate is None or not alike:
        return bool(alike)
    held = evaluate(unique.predicate, as_arrow([row, *alike], types), dialect)
    return bool(held[0] and held[1:].any())
