"""Columns as numpy arrays: codes, numbers and moments, made once and shared by everything that looks at rows.

A view never loops over rows: values are dictionary-encoded by Arrow, whatever is costly (parsing texts as dates,
counting decimals) happens on the distinct values and is spread by their codes.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from fixturesynth.arrays import array_of, fill_null, numpy_of, scalar_of
from fixturesynth.profiling.temporal import parse_temporal
from fixturesynth.randomness import permutation
from fixturesynth.schema.model import ForeignKey, Table

__all__ = [
    "ColumnView",
    "TableView",
    "distinct_codes",
    "joint_codes",
    "locate_parents",
    "same_values",
    "view_column",
    "view_table",
]

Integers = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Family = Literal["number", "boolean", "datetime", "time", "text", "other"]

DAY = 86_400_000_000  # microseconds
_TAIL = re.compile(r"(?:%S|%M|f)\s?(Z|z|UTC|GMT|[+-]\d{2}(?::?\d{2})?)$")
_MICROSECONDS = {"days": DAY, "seconds": 1_000_000, "microseconds": 1}
_EXACT = 2.0**53


@dataclass(frozen=True, eq=False)
class ColumnView:
    """One column. ``codes`` (rows,) point into ``values``; -1 is NULL (and NaN).

    family: what can be done with it. Numbers are in ``numbers``, datetimes in ``moments`` (microseconds since 1970,
    on the clock of ``zone``) and times of day in ``moments`` too. ``values`` is None for nested types.
    """

    name: str
    family: Family
    codes: Integers
    values: pa.Array | None
    dates_only: bool = False  # datetimes without a time of day
    zone: str | None = None  # of datetimes that name one: UTC, or their one offset as written, of which moments are
    written: bool = False  # datetimes kept as text
    _moments: Integers | None = field(default=None, repr=False)  # of ``values``

    @property
    def rows(self) -> int:
        return self.codes.size

    @cached_property
    def valid(self) -> Flags:
        return self.codes >= 0

    @cached_property
    def nulls(self) -> int:
        return self.rows - int(np.count_nonzero(self.valid))

    @property
    def distinct(self) -> int:
        return 0 if self.values is None else len(self.values)

    @cached_property
    def counts(self) -> Integers:
        """Rows of each distinct value, then of NULL: shape (distinct + 1,)."""
        return np.bincount(np.where(self.valid, self.codes, self.distinct), minlength=self.distinct + 1)

    @cached_property
    def dense(self) -> Integers:
        """Codes in which NULL is a value of its own, the last."""
        return np.where(self.valid, self.codes, self.distinct)

    @property
    def classes(self) -> int:
        """Distinct values, NULL counted as one when it occurs."""
        return self.distinct + (self.nulls > 0)

    @cached_property
    def collision(self) -> float:
        """Chance that two rows drawn at random agree, NULL being a value."""
        n = self.rows
        c = self.counts.astype(np.float64)
        return float((c * (c - 1)).sum() / (n * (n - 1))) if n > 1 else 1.0

    @property
    def unique(self) -> bool:
        """No value twice and none missing."""
        return self.values is not None and self.distinct == self.rows > 0

    @cached_property
    def _value_numbers(self) -> Floats:
        if self.family != "number" or self.values is None:
            return np.empty(0)
        values = self.values
        if pa.types.is_duration(values.type):
            values = values.cast(pa.duration("us"), safe=False).cast(pa.int64())
        return np.asarray(numpy_of(values.cast(pa.float64(), safe=False)), dtype=np.float64)

    @cached_property
    def numbers(self) -> Floats:
        """The numbers, NaN for NULL; exact up to 2**53."""
        return _spread(self._value_numbers, self.codes, np.nan)

    @cached_property
    def decimals(self) -> int | None:
        """Digits after the point that hold every number exactly; None: more than 9, or too large to tell."""
        v = self._value_numbers
        if not v.size or not np.isfinite(v).all():
            return None
        largest = float(np.abs(v).max())
        for d in range(10):
            if largest * 10.0**d >= _EXACT:
                return None
            if bool((np.abs(np.round(v, d) - v) <= 1e-12 * np.abs(v) + 1e-15).all()):
                return d
        return None

    @cached_property
    def moments(self) -> Integers:
        """Microseconds since 1970 (or midnight, for times); 0 where NULL: look at ``valid``."""
        if self._moments is None:
            return np.zeros(self.rows, dtype=np.int64)
        return _spread(self._moments, self.codes, 0)

    @property
    def whole(self) -> bool:
        """Whether all numbers are integers that floats hold exactly."""
        return self.family == "number" and self.decimals == 0

    @cached_property
    def integers(self) -> Integers:
        """The numbers of a ``whole`` column; 0 where NULL: look at ``valid``."""
        return np.where(self.valid, self.numbers, 0).astype(np.int64)

    @property
    def ordered(self) -> npt.NDArray[Any]:
        """What can be compared with ``<``: numbers or moments."""
        return self.numbers if self.family == "number" else self.moments


@dataclass(frozen=True, eq=False)
class TableView:
    """A table's columns by name, in the table's order, with what the schema says of them."""

    table: Table
    rows: int
    columns: Mapping[str, ColumnView]
    opaque: frozenset[str] = frozenset()  # columns whose values are documents: compared as wholes, never as values

    def __getitem__(self, name: str) -> ColumnView:
        return self.columns[name]

    @cached_property
    def references(self) -> frozenset[str]:
        """Columns of any foreign key."""
        return frozenset(c for fk in self.table.foreign_keys for c in fk.columns)

    @cached_property
    def key_columns(self) -> frozenset[str]:
        return frozenset(self.table.primary_key.columns if self.table.primary_key else ())

    @cached_property
    def identities(self) -> frozenset[str]:
        """Columns that are unique by themselves by declaration."""
        declared = {key[0] for key in self.table.keys if len(key) == 1}
        counters = {c.name for c in self.table.columns if c.identity or c.autoincrement}
        return frozenset(declared | counters)

    @cached_property
    def surrogates(self) -> frozenset[str]:
        """Numbers that count or point and measure nothing: keys, numeric references, unique and nearly gapless."""
        serial = {
            c.name
            for c in self.columns.values()
            if c.family == "number" and c.unique and c.decimals == 0 and float(np.ptp(c.numbers)) < 3 * c.rows
        }
        pointing = {n for n in self.references if n in self.columns and self[n].family == "number"}
        return self.identities | serial | pointing

    def sample(self, size: int) -> Integers:
        """At most ``size`` row numbers, ascending: the same ones every time."""
        if self.rows <= size:
            return np.arange(self.rows, dtype=np.int64)
        return np.sort(self._shuffled[:size])

    @cached_property
    def _shuffled(self) -> Integers:
        return permutation(self.rows, 0, "profiling", "sample")


def view_table(table: Table, rows: pa.Table, opaque: Iterable[str] = ()) -> TableView:
    """Views of all columns that both the schema and the rows have."""
    present = set(rows.column_names)
    columns = {name: view_column(name, rows.column(name)) for name in table.column_names if name in present}
    return TableView(table, rows.num_rows, columns, frozenset(opaque))


def _spread(values: npt.NDArray[Any], codes: Integers, missing: float) -> npt.NDArray[Any]:
    return np.append(values, np.asarray([missing], dtype=values.dtype))[codes]


_FAMILIES: tuple[tuple[Any, Family], ...] = (
    (pa.types.is_integer, "number"),
    (pa.types.is_floating, "number"),
    (pa.types.is_decimal, "number"),
    (pa.types.is_duration, "number"),
    (pa.types.is_boolean, "boolean"),
    (pa.types.is_timestamp, "datetime"),
    (pa.types.is_date, "datetime"),
    (pa.types.is_time, "time"),
    (pa.types.is_string, "text"),
    (pa.types.is_large_string, "text"),
)


def view_column(name: str, column: pa.Array | pa.ChunkedArray) -> ColumnView:
    """A view of one column."""
    if isinstance(column, pa.Array):
        column = pa.chunked_array([column])
    array = column.combine_chunks() if column.num_chunks else array_of([], column.type)
    if isinstance(array, pa.ChunkedArray):
        array = pa.concat_arrays(array.chunks)
    if pa.types.is_dictionary(array.type):
        array = array.cast(array.type.value_type)
    if pa.types.is_null(array.type):
        return ColumnView(name, "other", np.full(len(array), -1, dtype=np.int64), array_of([], pa.string()))
    if pa.types.is_nested(array.type):
        valid = np.asarray(numpy_of(array.is_valid()), dtype=bool)
        return ColumnView(name, "other", np.where(valid, 0, -1).astype(np.int64), None)
    if pa.types.is_floating(array.type):
        # Adding zero makes -0.0 and 0.0 one value.
        array = pc.add(pc.if_else(pc.is_nan(array), scalar_of(None, array.type), array), scalar_of(0.0, array.type))
    encoded = array.dictionary_encode()
    codes = numpy_of(fill_null(encoded.indices, -1)).astype(np.int64)
    values = encoded.dictionary
    family: Family = next((f for test, f in _FAMILIES if test(array.type)), "other")
    if family in ("datetime", "time"):
        moments = _typed_moments(values)
        dates_only = family == "datetime" and bool((moments % DAY == 0).all())
        zone = "UTC" if getattr(array.type, "tz", None) else None
        return ColumnView(name, family, codes, values, dates_only=dates_only, zone=zone, _moments=moments)
    written = parse_temporal(values) if family == "text" else None
    if written is None:
        return ColumnView(name, family, codes, values)
    ints, unit, layout = written
    tail = _TAIL.search(layout)
    zone = (
        None
        if tail is None
        else "UTC"
        if tail.group(1).strip("+-:0") in ("", "Z", "z", "UTC", "GMT")
        else tail.group(1)
    )
    return ColumnView(
        name,
        "datetime" if "%Y" in layout else "time",
        codes,
        values,
        dates_only="%M" not in layout,
        zone=zone,
        written=True,
        _moments=ints * _MICROSECONDS[unit],
    )


def _typed_moments(values: pa.Array) -> Integers:
    if pa.types.is_time(values.type):
        wide = values.cast(pa.time64("us"), safe=False)
    else:
        wide = values.cast(pa.timestamp("us", tz=getattr(values.type, "tz", None)), safe=False)
    return np.asarray(numpy_of(wide.cast(pa.int64())), dtype=np.int64)


def distinct_codes(keys: Integers) -> tuple[Integers, int]:
    """Dense codes of integer keys and how many there are."""
    if not keys.size:
        return keys, 0
    low, high = int(keys.min()), int(keys.max())
    if high - low < 4 * keys.size + 65_536:
        seen = np.zeros(high - low + 1, dtype=bool)
        seen[keys - low] = True
        numbers = np.cumsum(seen, dtype=np.int64) - 1
        return numbers[keys - low], int(numbers[-1]) + 1
    encoded = array_of(keys).dictionary_encode()
    return numpy_of(encoded.indices).astype(np.int64), len(encoded.dictionary)


def joint_codes(columns: Sequence[tuple[Integers, int]]) -> tuple[Integers, int]:
    """Dense codes of the combinations of several columns, each given as (codes from 0, how many)."""
    codes, size = columns[0]
    for other, other_size in columns[1:]:
        codes, size = distinct_codes(codes * max(other_size, 1) + other)
    return (codes, size) if len(columns) > 1 else distinct_codes(codes)


def _shared_codes(child: ColumnView, parent: ColumnView) -> tuple[Integers, int] | None:
    """For each distinct child value its code in the parent, -1 where the parent lacks it; None: not comparable."""
    if child.values is None or parent.values is None:
        return None
    values = child.values
    if values.type != parent.values.type:
        if child.family == parent.family == "number":
            # Different types of number: compared as floats, exact up to 2**53.
            return _positions(child._value_numbers, parent._value_numbers), parent.distinct
        if child.family == parent.family and child.family in ("datetime", "time") and child.zone == parent.zone:
            assert child._moments is not None and parent._moments is not None
            return _positions(child._moments, parent._moments), parent.distinct
        textual = (pa.types.is_string, pa.types.is_large_string)
        if not all(any(test(v.type) for test in textual) for v in (values, parent.values)):
            return None
        values = values.cast(parent.values.type)
    found = fill_null(pc.index_in(values, value_set=parent.values), -1)
    return numpy_of(found).astype(np.int64), parent.distinct


def _positions(needles: npt.NDArray[Any], hay: npt.NDArray[Any]) -> Integers:
    if not hay.size:
        return np.full(needles.size, -1, dtype=np.int64)
    order = np.argsort(hay, kind="stable")
    at = np.minimum(np.searchsorted(hay, needles, sorter=order), hay.size - 1)
    return np.where(hay[order[at]] == needles, order[at], -1).astype(np.int64)


def same_values(child: ColumnView, parent: ColumnView, at: Integers, rows: Integers) -> Flags | None:
    """Whether child row ``rows[i]`` has the value of parent row ``at[i]``, NULL equal to NULL; None: not comparable."""
    shared = _shared_codes(child, parent)
    if shared is None:
        return None
    own = np.append(shared[0], -2)[child.codes[rows]]  # NULL takes the last place
    theirs = parent.codes[at]
    result: Flags = (own == theirs) & (own != -1) | ((own == -2) & (theirs == -1))
    return result


def locate_parents(child: TableView, fk: ForeignKey, parent: TableView) -> tuple[Integers, Flags]:
    """Each child row's parent row (-1: NULL or dangling), and where the reference is NULL; shapes (rows,).

    A composite reference is NULL when any of its columns is (MATCH SIMPLE).
    """
    missing = np.zeros(child.rows, dtype=bool)
    own: list[tuple[Integers, int]] = []
    theirs: list[tuple[Integers, int]] = []
    for name, parent_name in zip(fk.columns, fk.parent_columns, strict=True):
        if name not in child.columns or parent_name not in parent.columns:
            return np.full(child.rows, -1, dtype=np.int64), np.ones(child.rows, dtype=bool)
        mine, key = child[name], parent[parent_name]
        missing |= ~mine.valid
        shared = _shared_codes(mine, key)
        table = np.full(mine.distinct, -1, dtype=np.int64) if shared is None else shared[0]
        # One code more than the parent has stands for everything it lacks; NULLs are told apart by ``missing``.
        own.append((np.append(np.where(table < 0, key.distinct, table), key.distinct)[mine.codes], key.distinct + 1))
        theirs.append((key.dense, key.distinct + 1))
    codes, size = joint_codes([(np.concatenate([a, b]), width) for (a, width), (b, _) in zip(theirs, own, strict=True)])
    place = np.full(size, -1, dtype=np.int64)
    whole = np.ones(parent.rows, dtype=bool)
    for name in fk.parent_columns:
        whole &= parent[name].valid
    numbers = np.flatnonzero(whole)
    place[codes[: parent.rows][numbers]] = numbers
    found = place[codes[parent.rows :]]
    found[missing] = -1
    return found, missing
