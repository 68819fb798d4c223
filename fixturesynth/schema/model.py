"""What a database declares, as frozen data: tables, columns, types, keys and constraints.

Nothing here talks to a database. ``Table.name`` is the table's identity everywhere in FixtureSynth: the bare name
inside the source's default schema, ``schema.table`` outside it. Constraint texts keep the dialect's own words.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Literal

__all__ = [
    "Check",
    "Column",
    "ColumnType",
    "Exclusion",
    "ForeignKey",
    "Generated",
    "Kind",
    "PrimaryKey",
    "Schema",
    "Subtype",
    "Table",
    "Unique",
]

Kind = Literal[
    "integer", "float", "decimal", "money", "boolean",
    "text", "enum", "set", "uuid", "json", "xml", "hstore", "tsvector", "ltree",
    "date", "time", "timestamp", "interval", "year",
    "bytes", "bit", "inet", "cidr", "macaddr", "array", "range", "geometry", "other",
]  # fmt: skip

Dialect = Literal["postgresql", "mysql", "sqlite", "duckdb", "generic"]


@dataclass(frozen=True)
class ColumnType:
    """A column's type: what it is (``kind``) and what the dialect calls it (``name``, for example ``varchar(40)``)."""

    kind: Kind
    name: str
    length: int | None = None  # characters (text), bytes (bytes), bits (bit)
    precision: int | None = None  # decimal digits in all
    scale: int | None = None  # decimal digits after the point
    bits: int | None = None  # width of an integer: 8, 16, 24, 32, 64
    unsigned: bool = False
    timezone: bool = False
    values: tuple[str, ...] = ()  # enum and set
    element: "ColumnType | None" = None  # array and range
    domain: str | None = None  # the domain's name; its checks are on the Column as ``domain_checks``
    fixed: bool = False  # char(n), binary(n)
    flat: bool = False  # PostgreSQL's own points, boxes and circles, which well-known text has no words for
    checks: tuple[str, ...] = ()  # of an array's element: its domain's, in which VALUE stands for it

    @property
    def integer_range(self) -> tuple[int, int]:
        """Smallest and largest value of an integer type, inclusive."""
        bits = self.bits or 64
        return (0, 2**bits - 1) if self.unsigned else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)


@dataclass(frozen=True)
class Generated:
    """A generated column: computed by the database, never inserted."""

    expression: str
    stored: bool = True


@dataclass(frozen=True)
class Column:
    name: str
    type: ColumnType
    nullable: bool = True
    default: str | None = None  # the dialect's text; None: no default
    identity: Literal["always", "by default"] | None = None
    autoincrement: bool = False  # serial, AUTO_INCREMENT, rowid alias
    generated: Generated | None = None
    collation: str | None = None
    comment: str | None = None
    domain_checks: tuple[str, ...] = ()  # texts in which VALUE stands for the column


@dataclass(frozen=True)
class PrimaryKey:
    columns: tuple[str, ...]
    name: str | None = None


@dataclass(frozen=True)
class ForeignKey:
    """``columns`` of this table reference ``parent_columns`` of table ``parent`` (any unique key of it).

    ``name`` is never empty and unique in its table: reflection makes ``fk_<columns>`` where the database has none.
    """

    name: str
    columns: tuple[str, ...]
    parent: str
    parent_columns: tuple[str, ...]
    on_delete: str | None = None
    on_update: str | None = None
    deferrable: bool = False
    initially_deferred: bool = False
    match: Literal["SIMPLE", "FULL", "PARTIAL"] = "SIMPLE"
    declared: bool = True  # False: a reference guessed or named in the spec, not enforced by the database
    repeating: bool = False  # to entities that have no table of their own in the source (``Table.repeated_in``)


@dataclass(frozen=True)
class Unique:
    """A unique constraint or unique index, the primary key not among them.

    ``columns`` are the plain columns in it; ``expressions`` are its other members, as text (``lower(email)``).
    """

    name: str
    columns: tuple[str, ...]
    expressions: tuple[str, ...] = ()
    predicate: str | None = None  # partial: the WHERE text
    nulls_distinct: bool = True
    is_index: bool = False


@dataclass(frozen=True)
class Check:
    name: str
    text: str  # the condition alone, without CHECK and its brackets
    columns: tuple[str, ...] = ()  # the table's columns that it mentions
    declared: bool = True  # False: mapped classes keep it, the database does not enforce it


@dataclass(frozen=True)
class Exclusion:
    name: str
    text: str
    elements: tuple[tuple[str, str], ...] = ()  # (column or expression, operator)
    using: str = "gist"
    predicate: str | None = None


@dataclass(frozen=True)
class Subtype:
    """Rows that are what a row of another table is, too (joined inheritance of mapped classes): each row of ``table``,
    at the top, has a row in one of its subtypes at most, and says in ``column`` what it is.

    ``foreign_key`` references the table one step up, None at the top. ``values``: what ``column`` says of rows that go
    no further down, () where there are none.
    """

    foreign_key: str | None
    table: str
    column: str
    values: tuple[str, ...]


@dataclass(frozen=True)
class Table:
    name: str
    columns: tuple[Column, ...]
    schema: str | None = None
    primary_key: PrimaryKey | None = None
    foreign_keys: tuple[ForeignKey, ...] = ()
    uniques: tuple[Unique, ...] = ()
    checks: tuple[Check, ...] = ()
    exclusions: tuple[Exclusion, ...] = ()
    comment: str | None = None
    triggers: tuple[str, ...] = ()
    partition_of: str | None = None  # a partition or inheritance child: filled through (partition) or beside its parent
    partition_key: str | None = None  # text of PARTITION BY, on the partitioned parent
    not_understood: tuple[str, ...] = ()  # what reflection met and could not read, in words
    subtype: Subtype | None = None
    repeated_in: str | None = None  # no table of the source: entities that rows of this other one repeat, by their key

    @cached_property
    def _by_name(self) -> Mapping[str, Column]:
        return {c.name: c for c in self.columns}

    def column(self, name: str) -> Column:
        """The column of this name; KeyError when there is none."""
        return self._by_name[name]

    def __contains__(self, name: object) -> bool:
        return name in self._by_name

    @property
    def column_names(self) -> tuple[str, ...]:
        return tuple(c.name for c in self.columns)

    @property
    def bare_name(self) -> str:
        """The name without its schema."""
        return self.name.removeprefix(f"{self.schema}.") if self.schema else self.name

    @property
    def keys(self) -> tuple[tuple[str, ...], ...]:
        """Sets of plain columns that are unique over all rows: the primary key first, then full unique constraints."""
        own = (self.primary_key.columns,) if self.primary_key else ()
        others = (u.columns for u in self.uniques if u.columns and not u.expressions and u.predicate is None)
        return tuple(dict.fromkeys((*own, *others)))

    @property
    def inherited(self) -> ForeignKey | None:
        """The reference to the row one step up that each row is, too; None for tables without one."""
        name = self.subtype.foreign_key if self.subtype is not None else None
        return next((fk for fk in self.foreign_keys if fk.name == name), None)

    def foreign_key(self, name: str) -> ForeignKey:
        for fk in self.foreign_keys:
            if fk.name == name:
                return fk
        raise KeyError(name)


@dataclass(frozen=True)
class Schema:
    """All tables of a source, in the order the source lists them.

    ``len``, iteration over tables and ``schema["orders"]`` work as expected.
    """

    tables: tuple[Table, ...]
    dialect: Dialect = "generic"
    name: str | None = None  # the default schema or database name
    not_understood: tuple[str, ...] = field(default=())

    @cached_property
    def _by_name(self) -> Mapping[str, Table]:
        return {t.name: t for t in self.tables}

    def __getitem__(self, name: str) -> Table:
        return self._by_name[name]

    def __contains__(self, name: object) -> bool:
        return name in self._by_name

    def __iter__(self) -> Iterator[Table]:
        return iter(self.tables)

    def __len__(self) -> int:
        return len(self.tables)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(t.name for t in self.tables)

    @cached_property
    def shown(self) -> "Schema":
        """What the source has: without entities that have no table of their own, and references to them."""
        kept = tuple(
            replace(t, foreign_keys=tuple(fk for fk in t.foreign_keys if not fk.repeating))
            for t in self.tables if t.repeated_in is None
        )  # fmt: skip
        return replace(self, tables=kept) if len(kept) < len(self) else self

    def children_of(self, parent: str) -> tuple[tuple[Table, ForeignKey], ...]:
        """Every (child table, foreign key) that references ``parent``, self references included."""
        return tuple((t, fk) for t in self.tables for fk in t.foreign_keys if fk.parent == parent)

    def referenced_columns(self, parent: str) -> frozenset[str]:
        """Columns of ``parent`` that some foreign key names."""
        return frozenset(c for _, fk in self.children_of(parent) for c in fk.parent_columns)
