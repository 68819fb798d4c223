"""Plan: the only place where decisions live, as frozen data.

For each column one source; for each table its rows, order and context foreign key. ``Plan`` serialises to JSON and
back without loss (``plan_to_json``, ``plan_from_json``), hashes stably (``Plan.hash``) and prints
(``fixturesynth plan``).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from fixturesynth.rules.contract import RuleCall

__all__ = [
    "CROWD",
    "AggregatePlan",
    "BalancePlan",
    "BranchColumn",
    "BranchSet",
    "ColumnPlan",
    "Constant",
    "Default",
    "Derived",
    "ExclusionPlan",
    "Key",
    "Modelled",
    "Plan",
    "Reference",
    "ReferencePlan",
    "Rule",
    "RuleCall",
    "Source",
    "Succession",
    "TablePlan",
    "UniquePlan",
]

CROWD = 256  # rows of a kept list that are told apart


@dataclass(frozen=True)
class Key:
    """Values of a key, arithmetic on the row's rank: ``call`` is a unique rule (sequence, uuid, pattern ...)."""

    call: RuleCall


@dataclass(frozen=True)
class Reference:
    """The ``parent_column`` of the parent row that foreign key ``foreign_key`` points at."""

    foreign_key: str
    parent_column: str


@dataclass(frozen=True)
class Rule:
    """A column rule that is not learned; ``needs`` are columns of the same row that it reads.

    ``parents``: (foreign key, column) of parents' columns that it reads too, each under the name ``key.column``.
    """

    call: RuleCall
    null_share: float = 0.0
    needs: tuple[str, ...] = ()
    parents: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Modelled:
    """Learned by the table's generator, through the encoding ``encoding`` (name in generators.encoding)."""

    encoding: str
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Derived:
    """Computed from other columns: ``operation`` is an invariant's kind compiled (see sampling.derivation)."""

    operation: str
    sources: tuple[str, ...]
    foreign_key: str | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Constant:
    value: Any


@dataclass(frozen=True)
class Default:
    """Left out of the insert: the database's default, identity or generated expression applies."""


Source = Key | Reference | Rule | Modelled | Derived | Constant | Default


@dataclass(frozen=True)
class ColumnPlan:
    name: str
    source: Source
    why: str = ""
    null_share: float | None = None  # asked by the user, whatever was learned


@dataclass(frozen=True)
class ReferencePlan:
    """How one foreign key is filled.

    context: the row is generated as a child of this parent. matched: a parent is chosen by degree target and block.
    implied: its columns are filled by the foreign key ``implied_by``. self: an earlier row of the same table.
    later: filled in a second pass, because it closes a cycle. null: never set (an empty or missing parent).
    """

    foreign_key: str
    parent: str
    how: Literal["context", "matched", "implied", "self", "later", "null"]
    null_share: float = 0.0
    implied_by: str | None = None
    exclusive: bool = False  # the child's key is this reference: at most one child for a parent
    counts: tuple[tuple[int, int], ...] = ()  # learned (children, parents), or () for the default law
    blocks: tuple[str, ...] = ()  # columns by which a matched parent is chosen
    asked: bool = False  # ``counts`` are the user's, not learned
    nulls_asked: bool = False  # ``null_share`` is the user's, not learned
    decided_by: str | None = None  # a foreign key: all rows of one of its parents have one parent here
    alike: tuple[str, ...] = ()  # of a self reference: columns in which all rows agree with their parent
    lent: tuple[tuple[str, str], ...] = ()  # of a later one: (column, the parent's) where every row has its parent's
    home: str | None = None  # of a later one whose rows name children of their own: these have them by it


@dataclass(frozen=True)
class BranchColumn:
    """A column in rows of one branch: NULL in a share of them (0: never, 1: always), else values of ``call``.

    ``call`` None: the column's own values.
    """

    name: str
    null_share: float
    call: RuleCall | None = None


@dataclass(frozen=True)
class BranchSet:
    """The branches of the checks ``checks``: every row takes one, so that it passes all of them."""

    checks: tuple[str, ...]
    branches: tuple[tuple[BranchColumn, ...], ...]


@dataclass(frozen=True)
class UniquePlan:
    """How a set of columns is kept unique.

    by_key: one of its columns is unique by itself. by_pairs: references without replacement. by_separation: rows
    that would collide move to the nearest free value of ``flex``. by_gate: rows that would collide take the values of
    ``gate``, for which ``predicate`` does not hold; without ``gate`` those of a row for which it does not. ``exit``:
    values for which one of the columns is NULL and every check holds, for rows that no other way keeps distinct.
    """

    name: str
    columns: tuple[str, ...]
    how: Literal["by_key", "by_pairs", "by_separation", "by_gate"]
    flex: str | None = None
    nulls_distinct: bool = True
    predicate: str | None = None
    gate: tuple[BranchColumn, ...] = ()
    exit: tuple[BranchColumn, ...] = ()
    stand_ins: tuple[str, ...] = ()  # columns in which NULL counts as a value: an expression puts one in its place


@dataclass(frozen=True)
class ExclusionPlan:
    """How an exclusion constraint is held between rows that agree in ``groups``.

    apart: their spans, from ``low`` to ``high`` (the same: a column of ranges), follow each other. days: the days in
    ``low``, on which there are spans, lie ``least`` days apart. same: they share the value of ``low``. Limits count in
    units: whole numbers, smallest fractions, days or microseconds.
    """

    name: str
    how: Literal["apart", "days", "same"]
    groups: tuple[str, ...]
    low: str
    high: str
    closed: bool = False  # the upper end belongs to the span
    floor: int | None = None
    ceiling: int | None = None
    least: int = 1  # units that a span takes up at least
    room: int | None = None  # rows that a group has room for
    predicate: str | None = None  # rows for which it is false take no part
    learned: bool = False  # lengths are kept as they are, as far as they find room
    brief: bool = False  # nothing says how long a span of moments is: it takes hours
    unit: int = 0  # ``high`` counts how many of these microseconds a span lasts
    slack: int = 0  # microseconds behind its end that belong to a span


@dataclass(frozen=True)
class Succession:
    """What a learned column keeps to from one sibling to the next; see ``profiling.profile.Invariant``.

    paced: it goes on in even steps from where the first stands. ascending: it never falls, in order of rank. progress:
    it goes through states, never back. ranked: it is its own rank among the siblings, from ``start``. Siblings are the
    rows that agree in ``groups``; without any, all of the table.
    """

    kind: Literal["paced", "ascending", "progress", "ranked"]
    column: str
    groups: tuple[str, ...] = ()
    order: tuple[str, ...] = ()
    parameters: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class AggregatePlan:
    """A learned column that is in the end what the rows of ``child`` that reference the row by ``key`` come to.

    ``parameters``: see ``profiling.profile.Invariant``; ``format`` of moments kept as text.
    """

    column: str
    child: str
    key: str
    parameters: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class StatePlan:
    """A column that is NULL, zero or neither where ``source`` says so: by its value, or by its own state.

    ``states``: (category or state of the source, ``null``, ``zero`` or ``set``).
    """

    column: str
    source: str
    by: Literal["value", "state"]
    states: tuple[tuple[Any, str], ...]


@dataclass(frozen=True)
class PolymorphicPlan:
    """A column that names a row of the table that ``source`` names.

    ``to``: (category, table, its key, ((own column, the table's that is the same), ...), (own moment, the table's that
    is not later) or ()).
    """

    column: str
    source: str
    to: tuple[tuple[Any, str, str, tuple[tuple[str, str], ...], tuple[str, ...]], ...]


@dataclass(frozen=True)
class BalancePlan:
    """A learned column that comes to a constant in each family of ``key``: all children of one parent together.

    ``parameters``: see ``profiling.profile.Invariant``; ``low`` and ``high``: what one row may have, in units.
    """

    column: str
    key: str
    parameters: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class TablePlan:
    name: str
    rows: int
    mode: Literal["generate", "verbatim", "empty", "existing"]
    columns: tuple[ColumnPlan, ...]
    context: str | None = None  # the context foreign key's name
    references: tuple[ReferencePlan, ...] = ()
    uniques: tuple[UniquePlan, ...] = ()
    orders: tuple[tuple[str, str, bool], ...] = ()  # (low, high, strict): low <= high wherever both are set
    parent_orders: tuple[tuple[str, str, str, bool, bool], ...] = ()
    # (foreign key, parent's column, own column, strict, reversed): the parent's <= own; reversed: own <= the parent's
    distinct: tuple[tuple[str, str], ...] = ()  # pairs of columns that must differ
    unlike: tuple[tuple[str, str], ...] = ()  # ... that differed in all rows, and are to as far as they can
    nulls: tuple[tuple[str, str, bool], ...] = ()  # (source, target, together): target is null where source is
    repairs: tuple[tuple[str, str], ...] = ()  # (name, text) of checks held by taking values from a row that passes
    exclusions: tuple[ExclusionPlan, ...] = ()
    branches: tuple[BranchSet, ...] = ()  # checks that each row satisfies in one of several ways
    successions: tuple[Succession, ...] = ()  # even gaps, and dates that never fall
    aggregates: tuple[AggregatePlan, ...] = ()  # columns that children give when they are there
    balances: tuple[BalancePlan, ...] = ()  # columns whose sums by family are constants
    states: tuple[StatePlan, ...] = ()  # where values are missing, or zero, by a category
    polymorphic: tuple[PolymorphicPlan, ...] = ()  # references whose table a category names
    generator: str = "rules"
    partition_rows: int = 65_536  # rows of the context parent (or own rows) in a partition
    why: str = ""
    repeated_in: str | None = None  # see ``schema.model.Table``: made for the rows of this other table, and not shown

    def column(self, name: str) -> ColumnPlan:
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(name)

    def reference(self, foreign_key: str) -> ReferencePlan:
        for reference in self.references:
            if reference.foreign_key == foreign_key:
                return reference
        raise KeyError(foreign_key)


@dataclass(frozen=True)
class Plan:
    """Tables in the order in which they are generated and loaded."""

    tables: tuple[TablePlan, ...]
    dialect: str
    locale: str = "en_US"
    now: str = "2026-01-01T00:00:00"  # pinned: relative dates count from here
    notes: tuple[str, ...] = ()  # what the user should know: lowered rows, guesses, refusals avoided
    version: int = 1

    @property
    def shown(self) -> tuple[TablePlan, ...]:
        """Tables that come out: without entities that have no table of their own."""
        return tuple(t for t in self.tables if t.repeated_in is None)

    def __getitem__(self, name: str) -> TablePlan:
        for table in self.tables:
            if table.name == name:
                return table
        raise KeyError(name)
