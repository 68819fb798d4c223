"""What the JSON of a model file looks like, record by record."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from fixturesynth.records import AtLeast

__all__ = [
    "Block", "Document", "Encoding", "Features", "Habit", "Itemset", "Line", "Memory", "Nest", "State", "Stored",
    "Table", "Variable", "Walk",
]  # fmt: skip

Natural = Annotated[int, AtLeast(0)]
Positive = Annotated[int, AtLeast(1)]


@dataclass(frozen=True)
class Stored:
    """An array: the tensor's name, the type that it had, and how it was packed."""

    tensor: str
    dtype: str
    form: str = "plain"


@dataclass(frozen=True)
class Encoding:
    facts: dict[str, Any]
    arrays: dict[str, Stored]


@dataclass(frozen=True)
class Variable:
    name: str
    size: Natural
    ordered: bool = False
    context: bool = False
    like: str | None = None


@dataclass(frozen=True)
class State:
    generator: str
    version: int
    variables: list[Variable]
    arrays: dict[str, Stored]
    facts: dict[str, Any]


@dataclass(frozen=True)
class Memory:
    kind: Literal["mean", "other"]
    variable: str
    size: Positive
    null: int


@dataclass(frozen=True)
class Block:
    size: Natural
    rows: Stored | None = None
    home: str | None = None


@dataclass(frozen=True)
class Nest:
    beside: list[str]
    sizes: list[Positive]
    arrays: dict[str, Stored]


@dataclass(frozen=True)
class Habit:
    column: str
    variable: str
    encoding: Encoding
    classes: Stored
    scores: Stored


@dataclass(frozen=True)
class Features:
    variables: list[Variable]
    codes: Stored


@dataclass(frozen=True)
class Itemset:
    foreign_key: str
    variable: str
    scores: Stored
    places: Stored


@dataclass(frozen=True)
class Walk:
    column: str
    low: int
    high: int


@dataclass(frozen=True)
class Line:
    foreign_key: str
    degrees: list[int]
    column: str | None
    distances: list[int]
    never_before: bool
    variable: str | None
    classes: list[list[int]]
    child_of: str | None


@dataclass(frozen=True)
class Table:
    name: str
    rows: Natural
    types: Stored
    encodings: dict[str, Encoding]
    offsets: dict[str, dict[str, Any]]
    calendars: dict[str, dict[str, Any]]
    lookups: dict[str, Stored]
    blocks: dict[str, Block]
    context: str | None
    siblings: list[str]
    shares: dict[str, Stored]
    insides: dict[str, tuple[str, int]]
    state: State | None
    verbatim: Stored | None
    ranks: dict[str, Stored]
    degrees: dict[str, Stored]
    features: Features | None
    memories: list[Memory] = field(default_factory=list)
    ties: list[tuple[str, int, str, int]] = field(default_factory=list)
    nests: dict[str, list[Nest]] = field(default_factory=dict)
    habits: dict[str, list[Habit]] = field(default_factory=dict)
    itemset: Itemset | None = None
    walks: list[Walk] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    oddities: dict[str, list[tuple[str | None, Positive]]] = field(default_factory=dict)
    steady: dict[str, Natural] = field(default_factory=dict)
    returning: dict[str, list[Natural]] = field(default_factory=dict)


@dataclass(frozen=True)
class Document:
    format: int
    versions: dict[str, str]
    provenance: dict[str, Any]
    seed: int
    schema: dict[str, Any]
    plan: dict[str, Any]
    profile: dict[str, Any] | None
    wishes: dict[str, Any]
    tables: list[Table]
