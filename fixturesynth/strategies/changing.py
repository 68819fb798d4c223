"""``changes``: inserts, updates and deletes after which a dataset still holds every constraint."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from hypothesis.strategies import SearchStrategy

from fixturesynth.errors import InputError, UnsatisfiableError, did_you_mean
from fixturesynth.loading.changing import statement_of
from fixturesynth.strategies.building import Builder, Row
from fixturesynth.strategies.choices import Choices, Drawn
from fixturesynth.strategies.description import Settings, Source
from fixturesynth.strategies.forms import Tables
from fixturesynth.strategies.sources import compiled

__all__ = ["Change", "changes", "filled_builder"]

KINDS = ("insert", "update", "delete")


@dataclass(frozen=True)
class Change:
    """One statement. ``key``: values that tell the row that is there; ``values``: new ones.

    ``applied`` gives a dataset with the change made, ``run`` makes it in a database.
    """

    kind: str
    table: str
    key: Mapping[str, Any] = field(default_factory=dict)
    values: Mapping[str, Any] = field(default_factory=dict)

    def applied(self, dataset: Mapping[str, Sequence[Row]]) -> dict[str, list[Row]]:
        """The dataset after the change; the one that is given stays as it is."""
        source = getattr(dataset, "source", None)
        out: dict[str, list[Row]] = Tables({name: list(rows) for name, rows in dataset.items()}, source)
        if self.kind == "insert":
            out.setdefault(self.table, []).append(dict(self.values))
            return out
        rows = out[self.table]
        at = next((i for i, row in enumerate(rows) if all(row[c] == v for c, v in self.key.items())), None)
        if at is None:
            raise InputError(f"{self.table}: no row with {dict(self.key)!r} to {self.kind}; was it changed already?")
        if self.kind == "delete":
            rows.pop(at)
        else:
            rows[at] = {**rows[at], **self.values}
        return out

    def run(self, connection: Any) -> None:
        """Make the change in the database of an SQLAlchemy connection."""
        connection.execute(statement_of(self.kind, self.table, self.key, self.values))


def changes(
    dataset: Mapping[str, Sequence[Row]],
    source: Any = None,
    *,
    tables: Sequence[str] | None = None,
    kinds: Sequence[str] = KINDS,
) -> SearchStrategy[Change]:
    """A change of ``dataset`` that keeps every constraint.

    Args:
        dataset: rows by table as dictionaries, drawn or after other changes.
        source: what the dataset was drawn from; a drawn dataset knows it.
        tables: those to change; by default all of the dataset.
        kinds: of ``"insert"``, ``"update"`` and ``"delete"``. Rows that others reference are not deleted, and columns
            that others reference are not updated.

    Raises:
        InputError: unknown tables or kinds, or a dataset whose source is not known.
    """
    origin = source if source is not None else getattr(dataset, "source", None)
    if origin is None:
        raise InputError("changes() needs the source of a dataset that was not drawn: changes(dataset, source)")
    found = compiled(origin, Settings())
    for name in (*dataset, *(tables or ())):
        if name not in found.tables or (tables and name not in dataset and name in tables):
            raise InputError(f"no table {name!r} to change here: {did_you_mean(name, dataset)}")
    for kind in kinds:
        if kind not in KINDS:
            raise InputError(f"unknown kind of change {kind!r}: {did_you_mean(kind, KINDS)}")
    return Drawn(_Changes(found, dataset, tuple(tables or dataset), tuple(kinds)), f"changes({', '.join(dataset)})")


def filled_builder(source: Source, dataset: Mapping[str, Sequence[Row]]) -> Builder:
    """A builder that has the rows of a dataset."""
    builder = Builder(source, [n for n in source.tables if n in dataset])
    for name in builder.rules:
        for row in dataset[name]:
            builder.add(name, dict(row), builder.activity(name, row))
    return builder


class _Changes:
    def __init__(
        self, source: Source, dataset: Mapping[str, Sequence[Row]], tables: tuple[str, ...], kinds: tuple[str, ...]
    ) -> None:
        self.source, self.dataset, self.tables, self.kinds = source, dataset, tables, kinds

    def __call__(self, choices: Choices) -> Change:
        options = [(kind, table) for kind in self.kinds for table in self.tables]
        kind = choices.index(len(self.kinds))
        first = kind * len(self.tables) + choices.index(len(self.tables))
        for step in range(len(options)):
            kind_named, table = options[(first + step) % len(options)]
            builder = filled_builder(self.source, self.dataset)
            made: Change | None = getattr(self, f"_{kind_named}")(choices, builder, table)
            if made is not None:
                return made
        raise UnsatisfiableError(
            f"no {' or '.join(self.kinds)} of {', '.join(self.tables)} keeps the constraints of this dataset; "
            "allow other kinds of changes, or more tables"
        )

    def _insert(self, choices: Choices, builder: Builder, table: str) -> Change | None:
        row = builder.draw(choices, table)
        return Change("insert", table, values=row) if row is not None else None

    def _update(self, choices: Choices, builder: Builder, table: str) -> Change | None:
        rules = builder.rules[table]
        rows = builder.kept[table].rows
        schema = self.source.schema
        key = schema[table].primary_key
        held = {*(key.columns if key is not None else ()), *rules.counted}
        held |= schema.referenced_columns(table)
        free = [c for c in rules.columns if c not in held]
        if not rows or not free:
            return None
        at = choices.index(len(rows))
        column = free[choices.index(len(free))]
        moving = {column}
        for link in rules.links:
            if column in link.columns:
                moving |= set(link.columns) - held
        row = builder.remove(table, at)
        made = builder.draw(choices, table, {c: v for c, v in row.items() if c not in moving})
        if made is None:
            return None
        return Change("update", table, self._key(table, row), {c: made[c] for c in sorted(moving)})

    def _delete(self, choices: Choices, builder: Builder, table: str) -> Change | None:
        rows = builder.kept[table].rows
        free = [row for row in rows if not self._is_referenced(table, row)]
        if not free:
            return None
        return Change("delete", table, self._key(table, free[choices.index(len(free))]))

    def _key(self, table: str, row: Row) -> Row:
        key = self.source.schema[table].primary_key
        return {c: row[c] for c in (key.columns if key is not None else row)}

    def _is_referenced(self, table: str, row: Row) -> bool:
        for child, fk in self.source.schema.children_of(table):
            wanted = tuple(row.get(c) for c in fk.parent_columns)
            for other in self.dataset.get(child.name, ()):
                if other is not row and tuple(other.get(c) for c in fk.columns) == wanted:
                    return True
        return False
