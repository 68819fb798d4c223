"""Profile: what the rows say, as frozen data that serialises to JSON and never holds a real row.

Every value in it has been protected already: a text or category is stored only when at least ``protection`` rows of
different root entities have it, extremes are clipped. ``merge`` of two profiles of the same schema is in ``merging``.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from fixturesynth.schema.model import Schema, Table

__all__ = [
    "CardinalityProfile",
    "ColumnProfile",
    "DocumentShape",
    "Invariant",
    "InvariantKind",
    "Profile",
    "TableProfile",
]

ColumnKind = Literal[
    "empty",  # no value at all
    "constant",  # one value in every row that has one
    "boolean",
    "categorical",  # few distinct values, of any type
    "integer",  # numbers on a whole or fixed decimal step; see ``decimals``
    "number",  # continuous numbers
    "datetime",  # date, time of day or timestamp, typed or written as text; see ``format``
    "identifier",  # unique or nearly unique, carries no meaning of its own (serial, uuid)
    "code",  # short text of a fixed shape: see ``patterns``
    "text",  # names, sentences, anything else that is text: see ``meaning``, ``lengths``, ``words``
    "json",
    "binary",
    "array",
]


@dataclass(frozen=True)
class ColumnProfile:
    """One column. Numbers and datetimes are in ``unit``: the number itself, or whole days, seconds or microseconds."""

    name: str
    kind: ColumnKind
    rows: int
    nulls: int
    distinct: int
    meaning: str | None = None  # "email", "first_name", "city", "price", "created_at", ...; see semantics.MEANINGS
    unique: bool = False  # no value twice
    minimum: float | int | None = None  # clipped
    maximum: float | int | None = None
    quantiles: tuple[float, ...] = ()  # 0, 1/64, ... 1 of the values that are not null
    decimals: int | None = None  # digits after the point that hold every value exactly; None: more than 9
    step: float | None = None  # the grid all values lie on, in ``unit``
    spikes: tuple[tuple[float, int], ...] = ()  # single numbers with at least 0.5% of the rows: (value, rows)
    values: tuple[tuple[Any, int], ...] = ()  # protected categories: (value, rows), most frequent first
    rare: int = 0  # rows whose category was protected away
    known: tuple[str, ...] = ()  # of ``values``: too few entities have them here, enough in columns of the same list
    format: str | None = None  # of datetimes kept as text: strptime format; ``iso`` for RFC 3339 with variations
    unit: Literal["number", "days", "seconds", "microseconds"] = "number"
    sequence: tuple[int, int] | None = None  # (start, step) when the values are an arithmetic sequence or nearly so
    patterns: tuple[tuple[str, int], ...] = ()  # protected shapes: 9 digit, A upper, a lower, others literal
    lengths: tuple[int, ...] = ()  # 0, 1/16, ... 1 quantiles of characters (text) or bytes (binary)
    words: tuple[tuple[str, int], ...] = ()  # protected words of texts, most frequent first, at most 2,000
    writing: Mapping[str, Any] | None = None  # habits of all texts together: case, blanks, masks ...; see writing.py
    json_shape: "DocumentShape | None" = None  # of documents and arrays: what they are made of
    documents: tuple[tuple[str, int], ...] = ()  # whole documents or arrays where few come again: (text, rows)
    composed: Mapping[str, Any] | None = None  # pieces that nearly all texts are made of; see composing.py
    copied: tuple[str, str] | None = None  # (foreign key, its parent's column) whose value nearly every row has
    partly: tuple[str, str] | None = None  # ... of dates, whose moment a good part of the rows has
    around: tuple[str, str] | None = None  # ... of dates, beside whose moment nearly all rows lie, before or after it
    twin: tuple[str, str] | None = None  # the column of the row whose text most rows have, and how it is written there
    numbering: Mapping[str, Any] | None = None  # of running numbers that are no key; see numbering.py
    near: str | None = None  # the running number of the same row that nearly all values lie beside

    @property
    def null_share(self) -> float:
        return self.nulls / self.rows if self.rows else 0.0


@dataclass(frozen=True)
class DocumentShape:
    """What documents, or the values of one key, or the elements of arrays, are made of; all of it protected.

    Types are object, array, string, integer, number, boolean and null; ``value`` for elements of a database's arrays.
    """

    rows: int  # values here, null among them
    types: Mapping[str, int] = field(default_factory=dict)  # values of each type
    leaves: Mapping[str, ColumnProfile] = field(default_factory=dict)  # by type, of all but objects, arrays and null
    often: tuple[tuple[str, int], ...] = ()  # texts that come often among others that hardly repeat
    digits: int | None = None  # after the point, where every number is written with as many
    keys: Mapping[str, "DocumentShape"] = field(default_factory=dict)  # of objects, as they are mostly ordered
    extra: ColumnProfile | None = None  # keys that too few share to be stored: how many an object has of them
    names: ColumnProfile | None = None  # ... what they are like
    others: "DocumentShape | None" = None  # ... and their values
    sizes: ColumnProfile | None = None  # of arrays: numbers of elements
    items: "DocumentShape | None" = None  # of arrays: all elements
    distinct: bool = False  # no array has an element twice
    order: int = 0  # 1: elements ascend in every array, -1: they descend
    forms: tuple[tuple[str, int], ...] = ()  # of whole documents: keys with types (JSON), where few cover nearly all
    compact: bool = False  # of whole documents: written without blanks


@dataclass(frozen=True)
class CardinalityProfile:
    """One foreign key: how many children a parent has, zeros included."""

    foreign_key: str
    parent: str
    children: int  # child rows whose reference is not null and not dangling
    nulls: int
    dangling: int
    counts: tuple[tuple[int, int], ...]  # (children, parents with that many), ascending by children
    skew: float  # share of children that the busiest tenth of parents has
    explains: float  # 0 to 1: how much knowing the parent tells of the child's other columns (bias-corrected mean)


InvariantKind = Literal[
    "constant",  # target is ``value`` wherever it is not null
    "order",  # sources[0] <= target (strict: <) wherever both are set; numbers, datetimes, dates as ISO text
    "determines",  # sources (1 to 3 columns) determine target; NULL is a value like any other on both sides
    "presence",  # target is ``null`` where sources[0] is NULL, ``set`` where it is not
    "linear",  # target = constant + sum(coefficients[i] * sources[i]), exact at the column's decimals
    "product",  # target = round(sources[0] * sources[1] * factor, decimals), times 1 + shares of the rest
    "clock",  # target = sources[0] + sources[1] minutes on a HHMM clock; ``midnight`` is 0 or 2400
    "datepart",  # target = ``part`` (see calendars.PARTS) of sources[0], on the clocks of ``zone`` where there is one
    "elapsed",  # target = time from sources[1] (or 1970) to sources[0], in ``unit``
    "differ",  # target and sources[0] are never equal where both are set
    "equal",  # target = sources[0] wherever both are set
    "nulls_together",  # target is null exactly where sources[0] is
    "null_implies",  # where sources[0] is null, target is null too
    "ordinal",  # target numbers the children of one parent: start, start + 1, ... ; foreign_key says whose
    "copy",  # target = parent's sources[0] through ``foreign_key``; target may itself be a reference column
    "agrees",  # target = parent's sources[0] through ``foreign_key``, which takes such parents alone
    "order_parent",  # parent's sources[0] <= target through ``foreign_key`` (strict: <)
    "order_parent_reversed",  # target <= parent's sources[0] through ``foreign_key``
    "running",  # target = that of the sibling before + what ``terms`` add, by sign of ``by``
    "adjacent",  # target = sources[0] of the next sibling + ``constant``
    "lagged",  # target = sources[0] of the sibling before
    "paced",  # target = that of the sibling before + ``every`` units, months or weekdays
    "ascending",  # target never falls from one sibling to the next
    "progress",  # target goes through ``states`` from sibling to sibling, never back
    "balance",  # target comes to a constant in each family of ``foreign_key``: all of a parent's children together
    "states",  # target is NULL, zero or neither where sources[0], a category or NULL and zero themselves, says so
    "polymorphic",  # target is the key of a row of the table that sources[0] names
    "aggregate",  # target is what the rows of ``child`` that reference the row by ``key`` come to
]


@dataclass(frozen=True)
class Invariant:
    """A rule between columns that holds in every row of ``table`` (``support`` rows were looked at).

    ``parameters`` by kind: constant: value; presence: null, set; order, order_parent: strict; linear: coefficients,
    constant, decimals, slack (by how much parts that were rounded may miss their sum); product: factor, decimals; both:
    theirs (with a foreign key: the parent's column that is the last of the sources), rounding (a rule of
    ``rounding.ROUNDINGS``, left out for half_even); clock: midnight; elapsed: unit (see elapsed.UNITS), sign, constant,
    decimals, rounding, theirs (the parent's column that stands for sources[1]); datepart: part, zone (an IANA name,
    left out for none); ordinal: start, ranked (it is no order in which the children stand, but a rank among them).

    Rules between siblings name the columns that make a family (``groups``, none: the whole table) and those that put
    it in ``order``. running: terms ([column, 1 or -1], NULL counts as 0), decimals, before (the sibling's own amount
    comes after its total), rising (nothing is ever taken away), opening (constant in units, about, free, or a parent's
    foreign_key and column; within: the ends of totals, in units), by and signs ([category, 1, -1 or 0]; other: the sign
    of the rest), floor, ceiling. adjacent: constant in units, decimals, unit (of datetimes, in microseconds), free
    (whether the last of a family has a value), always (whether each has), open (what stands for an end that is not
    known yet, in units). lagged: free (whether the first of a family has a value). paced: every, of (units, months,
    weekdays), month_end, unit; or paces ([category, the same]) by a column of the parent (key) or of the row.
    ascending: strict, unit (the least step). progress: states, steps ([from, to] by place in states), starts (first
    states), first_only (whether all begin alike).

    balance: constant (in units of ``decimals``), share (of the families that keep it), none (whether families of zeros
    alone are left out), minus (a column that counts against the target), times (a column by which amounts are
    multiplied where it is set) and rounded (decimals of the sums of such families); within (a column
    by which children are families of their own, where none has a factor); by and kinds ([category, constant]) where a
    category of the parent decides.

    states: by (value or state: of the source), states ([category or state, null, zero or set]).

    polymorphic: to ([category, table, its key, [[own column, the table's that is the same], ...],
    [own moment, the table's that is not later]]).

    aggregate: child, key, how (count, sum, mean, max, min, first, last), of columns (multiplied), less and plus (shares
    of ``per``), each (rounded one by one), by and weights (of categories), or of column by order; empty: null, zero or
    own (where there are no children); sparse (zero, but for rows that have NULL).
    """

    kind: InvariantKind
    table: str
    target: str
    sources: tuple[str, ...] = ()
    foreign_key: str | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    support: int = 0


@dataclass(frozen=True)
class TableProfile:
    name: str
    rows: int
    columns: Mapping[str, ColumnProfile]
    cardinalities: tuple[CardinalityProfile, ...] = ()
    invariants: tuple[Invariant, ...] = ()
    unique_sets: tuple[tuple[str, ...], ...] = ()  # undeclared sets of columns without duplicates, smallest first
    reference: bool = False  # a list of the world (airlines, countries, categories) to be kept verbatim
    reference_why: str = ""


@dataclass(frozen=True)
class Profile:
    """What the rows of all tables say, protected; ``merge`` joins two, ``to_json`` and ``from_json`` keep one."""

    tables: Mapping[str, TableProfile]
    protection: int = 5  # fewest rows that a stored value has (a random 5 to 7, by the seed)
    sampled: bool = False  # rows were sampled: counts are of the sample
    version: int = 1

    def __getitem__(self, table: str) -> TableProfile:
        return self.tables[table]

    def __contains__(self, table: object) -> bool:
        return table in self.tables

    def of_schema(self, schema: Schema) -> "Profile":
        """What it says of the tables of ``schema`` and of the references that they have there."""
        return replace(self, tables={t.name: _of_table(self[t.name], t) for t in schema if t.name in self})


def _of_table(seen: TableProfile, table: Table) -> TableProfile:
    known = {None, *(fk.name for fk in table.foreign_keys)}

    def kept(way: tuple[str, str] | None) -> tuple[str, str] | None:
        return way if way is not None and way[0] in known else None

    return replace(
        seen,
        columns={
            n: replace(c, copied=kept(c.copied), partly=kept(c.partly), around=kept(c.around))
            for n, c in seen.columns.items()
        },
        cardinalities=tuple(c for c in seen.cardinalities if c.foreign_key in known),
        invariants=tuple(i for i in seen.invariants if i.foreign_key in known),
    )
