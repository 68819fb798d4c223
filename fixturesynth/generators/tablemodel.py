"""TableModel: all that was learned of one table, as plain data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from fixturesynth.generators.context import Features
from fixturesynth.generators.contract import State
from fixturesynth.generators.encoding import Encoding
from fixturesynth.generators.habits import Habits
from fixturesynth.generators.itemsets import Itemset
from fixturesynth.generators.memories import Memory
from fixturesynth.generators.nesting import Nest
from fixturesynth.generators.tying import Tie

__all__ = [
    "MOST_KNOWN",
    "SITUATIONS",
    "Block",
    "Line",
    "Oddities",
    "TableModel",
    "Walk",
    "block_variable",
    "column_variable",
    "count_variable",
    "form_variable",
    "home_variable",
    "inside_variable",
    "length_variable",
    "line_variable",
    "moment_variable",
    "null_variable",
    "part_variable",
    "step_variable",
    "variables_of",
]

Integers = npt.NDArray[np.int64]


def column_variable(column: str) -> str:
    return f"column {column}"


def part_variable(part: str, column: str) -> str:
    """A part of a date: ``column`` names its weeks or days, ``weekday`` and ``clock`` the rest."""
    return f"{part} {column}"


def null_variable(column: str) -> str:
    return f"null {column}"


def length_variable(column: str) -> str:
    """How long a made-up text is; its last code is NULL where there are any."""
    return f"length {column}"


def form_variable(column: str) -> str:
    """Which pattern a code is made by: see generators.forms."""
    return f"form {column}"


def variables_of(column: str) -> frozenset[str]:
    """All that may stand for a column's own values: the column, the parts of a date, the length and form of a text."""
    parts = (part_variable(part, column) for part in ("column", "weekday", "clock"))
    return frozenset({column_variable(column), length_variable(column), form_variable(column), *parts})


def inside_variable(column: str, part: str) -> str:
    """A part of documents that are made by rule: see rules.documents."""
    return f"inside {column} {part}"


def moment_variable(column: str) -> str:
    """When it is, of a column that is learned as a distance: see generators.moments."""
    return f"moment {column}"


def line_variable(foreign_key: str) -> str:
    """Whether a row has a parent by a self reference: see generators.lines."""
    return f"line {foreign_key}"


def step_variable(column: str) -> str:
    """How far the next sibling's value lies from a row's."""
    return f"step {column}"


def block_variable(foreign_key: str) -> str:
    return f"block {foreign_key}"


def count_variable(child: str, foreign_key: str) -> str:
    return f"count {child}.{foreign_key}"


def home_variable(child: str, foreign_key: str) -> str:
    return f"home {child}.{foreign_key}"


@dataclass(frozen=True)
class Block:
    """Groups of parents from which a child's model chooses.

    ``rows``: block of each row of a verbatim parent, shape (parent rows,); else ``home`` names the parent's own
    variable that is its block; neither: one block. ``size`` is the code of "no parent" (NULL).
    """

    size: int
    rows: Integers | None = None
    home: str | None = None


# By column: texts that stand for "unknown" and how often they came, None for NULL itself: see profiling.oddities.
Oddities = Mapping[str, tuple[tuple[str | None, int], ...]]


@dataclass(frozen=True)
class Line:
    """A self reference, of which generators.lines has more.

    ``degrees``: children by code of the row's variable for them. ``column``: in which children lie near their parents,
    ``distances`` from them, in whole numbers, at even quantiles; ``never_before``: none is negative. ``variable``:
    whose code ``classes`` counts, [child][parent]. ``child_of``: another one, by which the parent is its child's child.
    """

    foreign_key: str
    degrees: tuple[int, ...]
    column: str | None = None
    distances: tuple[int, ...] = ()
    never_before: bool = False
    variable: str | None = None
    classes: tuple[tuple[int, ...], ...] = ()
    child_of: str | None = None

    def __post_init__(self) -> None:
        square = all(len(row) == len(self.classes) and min(row) >= 0 for row in self.classes)
        if not self.degrees or min(self.degrees) < 0 or not square or (self.variable is None) != (not self.classes):
            raise ValueError(f"what is known of {self.foreign_key!r} does not hang together")
        if (self.column is None) != (not self.distances):
            raise ValueError(f"the distances of {self.foreign_key!r} are of no column")


@dataclass(frozen=True)
class Walk:
    """A column that goes on from the sibling before, between two protected ends in whole units: generators.walks."""

    column: str
    low: int
    high: int


MOST_KNOWN = 4  # parents that siblings had, told apart by how many they are
SITUATIONS = 2 * MOST_KNOWN  # in which a sibling finds them: see generators.incoming


@dataclass(frozen=True)
class TableModel:
    """``rows``: real rows seen. ``types``: Arrow type of each column as it was read.

    ``encodings`` by variable; ``offsets`` by column: facts of generators.offsets; ``calendars``: of
    generators.calendar. ``context``: the context foreign key's name as fitted; ``siblings``: variables of the
    previous sibling that the next one sees; ``memories``: what it sees of all earlier ones; ``shares``: how often
    each of their codes, and of the kinds of item sets, was seen (where codes are ordered, 0 for NULL); ``insides`` by
    variable: an earlier one whose places inside its codes it follows, and how far (generators.insides). ``nests`` by
    variable: generators.nesting. ``habits`` by "child.foreign key". ``itemset``: see generators.itemsets. ``steady``
    by variable: generators.steadying. ``returning`` by foreign key: generators.incoming. ``verbatim``, with ``ranks``
    (parent row by foreign key), ``degrees`` (children by "child.foreign key") and ``features``, holds a table that is
    kept as it is.
    """

    name: str
    rows: int
    types: Mapping[str, pa.DataType]
    encodings: Mapping[str, Encoding] = field(default_factory=dict)
    offsets: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    calendars: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    lookups: Mapping[str, pa.Table] = field(default_factory=dict)
    blocks: Mapping[str, Block] = field(default_factory=dict)
    context: str | None = None
    siblings: tuple[str, ...] = ()
    memories: tuple[Memory, ...] = ()
    shares: Mapping[str, Integers] = field(default_factory=dict)
    insides: Mapping[str, tuple[str, int]] = field(default_factory=dict)
    steady: Mapping[str, int] = field(default_factory=dict)
    returning: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    ties: tuple[Tie, ...] = ()  # of tables of few rows: see generators.tying
    nests: Mapping[str, tuple[Nest, ...]] = field(default_factory=dict)
    habits: Mapping[str, Habits] = field(default_factory=dict)
    itemset: Itemset | None = None
    walks: tuple[Walk, ...] = ()
    lines: tuple[Line, ...] = ()
    oddities: Oddities = field(default_factory=dict)
    state: State | None = None
    verbatim: pa.Table | None = None
    ranks: Mapping[str, Integers] = field(default_factory=dict)
    degrees: Mapping[str, Integers] = field(default_factory=dict)
    features: Features | None = None
