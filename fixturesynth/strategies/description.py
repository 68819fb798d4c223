"""What is known of the tables of a source once it has been read: how their rows are drawn.

A row is drawn in two steps. *Selectors* come first: references as numbers of parents, and columns of few values in
unique sets, because there it is a matter of which combinations are left. Then the *cells*: all other columns, each out
of the values that the cells before it leave. Columns that checks tie together are one ``Component`` with its ``Ways``,
one for each alternative that satisfies the checks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from fixturesynth.planning.plan import Plan
from fixturesynth.schema.model import Schema
from fixturesynth.strategies.choices import Alphabet
from fixturesynth.strategies.spans import Span
from fixturesynth.strategies.witnesses import Witnesses

__all__ = ["Cell", "Component", "Link", "Period", "Settings", "Source", "TableRules", "UniqueSet", "Way"]


@dataclass(frozen=True)
class Settings:
    """What holds for all tables: ``letters`` of texts (None: Unicode), ``now`` and ``locale`` as in a plan."""

    letters: Alphabet | None = None
    locale: str = "en_US"
    now: str = "2026-01-01T00:00:00"


@dataclass(frozen=True, eq=False)
class Cell:
    """One column in rows of one way: values of ``span`` (None: NULL alone), or NULL where ``null``."""

    name: str
    span: Span | None
    null: bool


@dataclass(frozen=True, eq=False)
class Way:
    """One way to satisfy what ties the columns of a component together.

    ``cells`` in the order in which they are drawn; ``orders``: (low, high, strict); ``apart``: pairs that must differ.
    ``tests``: what values of selected columns have to pass. ``active``: partial unique sets in which such a row counts.
    """

    cells: tuple[Cell, ...]
    orders: tuple[tuple[str, str, bool], ...] = ()
    apart: tuple[tuple[str, str], ...] = ()
    tests: tuple[tuple[str, Callable[[object], bool]], ...] = ()
    active: frozenset[str] = frozenset()


@dataclass(frozen=True, eq=False)
class Component:
    names: frozenset[str]
    ways: tuple[Way, ...]


@dataclass(frozen=True)
class UniqueSet:
    """``partial``: only rows of ways in which it is active count."""

    name: str
    columns: tuple[str, ...]
    nulls_distinct: bool = True
    partial: bool = False


@dataclass(frozen=True)
class Link:
    """A foreign key as it is drawn. ``emptied``: columns that are NULL where it references nothing; (): it must.

    ``later``: it closes a cycle and is set when all tables have their rows.
    """

    name: str
    columns: tuple[str, ...]
    parent: str
    parent_columns: tuple[str, ...]
    emptied: tuple[str, ...]
    is_self: bool = False
    later: bool = False

    @property
    def is_required(self) -> bool:
        return not self.emptied


@dataclass(frozen=True, eq=False)
class Period:
    """Rows that agree in ``groups`` follow each other: each begins where the last one ended."""

    name: str
    groups: tuple[str, ...]
    low: str
    high: str
    closed: bool


@dataclass(frozen=True, eq=False)
class TableRules:
    """How the rows of one table are drawn. ``columns``: those that rows have, in the table's order.

    ``counted``: a key that numbers the rows by itself. ``listed``: (column, options) of selected columns.
    ``together``: (columns, rows of values) that a check ties to each other in ways only their values show.
    """

    name: str
    label: int
    columns: tuple[str, ...]
    links: tuple[Link, ...]
    listed: tuple[tuple[str, tuple[Any, ...]], ...]
    components: tuple[Component, ...]
    uniques: tuple[UniqueSet, ...]
    counted: tuple[str, ...]
    periods: tuple[Period, ...] = ()
    together: Witnesses = ()
    most: int | None = None  # rows that the table can have at all
    uniques_of: Mapping[str, tuple[UniqueSet, ...]] = field(default_factory=dict)
    rings: frozenset[str] = frozenset()  # required self references of rows that may not reference themselves
    plain: bool = False  # references are independent of each other and of everything else


@dataclass(frozen=True, eq=False)
class Source:
    """A schema whose tables can be drawn, parents first."""

    schema: Schema
    plan: Plan
    tables: Mapping[str, TableRules]
    settings: Settings

    def closure(self, names: Iterable[str]) -> tuple[str, ...]:
        """The tables and all that their rows must reference, in the order in which they are drawn."""
        wanted, todo = set(), list(names)
        while todo:
            name = todo.pop()
            if name not in wanted:
                wanted.add(name)
                todo += [link.parent for link in self.tables[name].links if link.is_required]
        return tuple(n for n in self.tables if n in wanted)
