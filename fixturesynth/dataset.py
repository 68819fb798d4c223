"""Dataset: named Arrow tables inside, pandas at the public edge."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from hashlib import blake2b
from html import escape
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from fixturesynth.arrays import numpy_of
from fixturesynth.errors import InputError, did_you_mean
from fixturesynth.schema.model import ColumnType

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Dataset", "arrow_type"]


def arrow_type(column_type: ColumnType) -> pa.DataType:
    """The Arrow type in which a column of this type travels.

    Types without an Arrow counterpart (uuid, json, inet, enum, ranges ...) travel as their text. A column read from a
    database that does not enforce its types (SQLite) may come in another Arrow type when its values do not fit.
    """
    kind = column_type.kind
    if kind == "integer" and column_type.unsigned and column_type.bits == 64:
        return pa.uint64()
    if kind == "decimal" and column_type.precision and column_type.precision <= 38:
        return pa.decimal128(column_type.precision, column_type.scale or 0)
    if kind == "timestamp":
        return pa.timestamp("us", tz="UTC" if column_type.timezone else None)
    if kind == "array" and column_type.element is not None:
        return pa.list_(arrow_type(column_type.element))
    simple = {
        "integer": pa.int64(), "year": pa.int64(), "float": pa.float64(), "decimal": pa.decimal128(38, 10),
        "boolean": pa.bool_(), "date": pa.date32(), "time": pa.time64("us"), "interval": pa.duration("us"),
        "bytes": pa.binary(),
    }  # fmt: skip
    return simple.get(kind, pa.string())


class Dataset(Mapping[str, "pd.DataFrame"]):
    """Tables by name. ``dataset["orders"]`` is a pandas frame, ``dataset.arrow("orders")`` the Arrow table.

    Immutable; ``replace`` and ``select`` give new ones.
    """

    def __init__(self, tables: Mapping[str, pa.Table]) -> None:
        for name, table in tables.items():
            if not isinstance(table, pa.Table):
                raise InputError(
                    f"Expected pyarrow.Table for table {name!r} but got {type(table).__name__}; "
                    "use Dataset.from_frames for pandas frames"
                )
        self._tables = dict(tables)

    @classmethod
    def from_frames(cls, frames: Mapping[str, pd.DataFrame]) -> Dataset:
        """From pandas frames. Levels of the index that have a name come as columns, in front; others are left out.

        Integers beside nulls stay integers when the column is pandas' ``Int64`` (or any nullable type), or holds Python
        objects; a ``float64`` column, which pandas makes of integers beside NaN by itself, comes as float64. Whole
        numbers of more than 64 bits come as decimals, periods as their first moment, intervals as texts.

        Raises:
            InputError: no frame, two columns of one name, or a column whose values no Arrow type holds; says which.
        """
        return cls({name: _from_frame(name, frame) for name, frame in frames.items()})

    def arrow(self, name: str) -> pa.Table:
        """The Arrow table of this name; InputError with a suggestion when there is none."""
        try:
            return self._tables[name]
        except KeyError:
            raise InputError(f"no table {name!r} in this dataset: {did_you_mean(name, self._tables)}") from None

    def __getitem__(self, name: str) -> pd.DataFrame:
        if name not in self._tables:
            raise KeyError(name)
        frame: pd.DataFrame = self._tables[name].to_pandas()
        return frame

    def __iter__(self) -> Iterator[str]:
        return iter(self._tables)

    def __len__(self) -> int:
        return len(self._tables)

    def __repr__(self) -> str:
        return f"Dataset({', '.join(f'{n}: {t.num_rows}' for n, t in self._tables.items())})"

    @property
    def rows(self) -> dict[str, int]:
        """Rows of every table."""
        return {name: table.num_rows for name, table in self._tables.items()}

    def select(self, names: list[str]) -> Dataset:
        return Dataset({name: self.arrow(name) for name in names})

    def replace(self, **tables: pa.Table) -> Dataset:
        return Dataset({**self._tables, **tables})

    def to_frames(self) -> dict[str, pd.DataFrame]:
        """Every table as a pandas frame whose columns keep their Arrow types, so that integers beside nulls stay so.

        ``from_frames`` of the result is this dataset again. ``dataset["orders"]`` gives pandas' own types instead.
        """
        import pandas as pd

        return {name: table.to_pandas(types_mapper=pd.ArrowDtype) for name, table in self._tables.items()}

    def content_hash(self, name: str) -> str:
        """Hash of a table's column names, types and values, in order: the same for equal content however chunked.

        Null differs from every value; NaN equals NaN; a dictionary column is hashed as its values.
        """
        table = self.arrow(name)
        digest = blake2b(digest_size=16)
        digest.update(f"{table.num_rows}\0".encode())
        for column_name, column in zip(table.column_names, table.columns, strict=True):
            plain = _decoded(column)
            digest.update(f"{len(column_name.encode())}\0{column_name}\0{plain.type}\0".encode())
            for piece in _pieces(plain):
                _hash_array(piece, digest)
        return digest.hexdigest()

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td>{escape(name)}</td><td>{table.num_rows:,}</td><td>{escape(', '.join(table.column_names[:12]))}"
            f"{', …' if table.num_columns > 12 else ''}</td></tr>"
            for name, table in self._tables.items()
        )
        return (
            f"<table><thead><tr><th>table</th><th>rows</th><th>columns</th></tr></thead><tbody>{rows}</tbody></table>"
        )


def _from_frame(name: str, frame: pd.DataFrame) -> pa.Table:
    import pandas as pd

    if not isinstance(frame, pd.DataFrame):
        hint = "; give its to_pandas()" if hasattr(frame, "to_pandas") else ""
        raise InputError(f"Expected a pandas frame for table {name!r} but got {type(frame).__name__}{hint}")
    levels = [n for n in frame.index.names if n is not None and n not in frame.columns]
    if levels:
        others = [n for n in range(frame.index.nlevels) if frame.index.names[n] not in levels]
        frame = frame.reset_index(level=others, drop=True).reset_index() if others else frame.reset_index()
    names = [str(column) for column in frame.columns]
    if len(set(names)) < len(names):
        twice = next(n for n in names if names.count(n) > 1)
        raise InputError(f"table {name!r}: two columns are named {twice!r}; rename one")
    try:
        found = pa.Table.from_pandas(frame, preserve_index=False)
        if not any(isinstance(kind, pa.BaseExtensionType) for kind in _kinds_within(found)):
            return found
    except (pa.ArrowException, OverflowError, TypeError, ValueError):
        pass  # by some column: found below, and told or converted
    return pa.table([_from_series(name, n, frame.iloc[:, i]) for i, n in enumerate(names)], names=names)


def _kinds_within(table: pa.Table) -> Iterator[pa.DataType]:
    for kind in table.schema.types:
        yield kind.value_type if pa.types.is_dictionary(kind) else kind


def _from_series(table: str, name: str, values: pd.Series) -> pa.Array:
    """One column; InputError that names it where Arrow has no type for what it holds."""
    import pandas as pd

    kind = values.cat.categories.dtype if isinstance(values.dtype, pd.CategoricalDtype) else values.dtype
    if isinstance(values.dtype, pd.PeriodDtype):
        values = values.dt.to_timestamp()
    elif isinstance(kind, pd.PeriodDtype | pd.IntervalDtype):
        values = values.astype("string")
    elif isinstance(kind, pd.SparseDtype):
        values = values.astype(kind.subtype)
    elif values.dtype == object and any(isinstance(v, int) and v.bit_length() > 63 for v in values):
        present = [v for v in values if not pd.isna(v)]
        if all(isinstance(v, int) and abs(v) < 10**38 for v in present):
            whole = [None if pd.isna(v) else Decimal(v) for v in values]
            return pa.array(whole, pa.decimal128(38, 0))
    try:
        return pa.Array.from_pandas(values)
    except (pa.ArrowException, OverflowError, TypeError, ValueError):
        kinds = sorted({type(v).__name__ for v in values if v is not None})
        raise InputError(
            f"table {table!r}: no column can be made of the values of {name!r} ({', '.join(kinds)}); make them one "
            f"plain kind, for example texts: frame[{name!r}] = frame[{name!r}].astype('string')"
        ) from None


HASHED_ROWS = 65_536


def _decoded(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Dictionaries as their values: which codes they happened to get is not content."""
    return column.cast(column.type.value_type) if pa.types.is_dictionary(column.type) else column


def _pieces(column: pa.ChunkedArray) -> Iterator[pa.Array]:
    """Arrays of 65,536 rows (the last one fewer), wherever the chunks end."""
    for start in range(0, len(column), HASHED_ROWS):
        piece = column.slice(start, HASHED_ROWS).combine_chunks()
        yield pa.concat_arrays(piece.chunks) if isinstance(piece, pa.ChunkedArray) else piece


def _hash_array(array: pa.Array, digest: blake2b) -> None:
    """Validity first, then the values that are there: what lies in a null's place is not content.

    Bytes in memory depend on offsets and padding, so lengths and values are hashed instead; nested arrays recurse.
    """
    valid = array.is_valid()
    digest.update(np.packbits(numpy_of(valid)).tobytes())
    present = array.drop_null() if array.null_count else array
    kind = array.type
    if pa.types.is_struct(kind):
        for i in range(kind.num_fields):
            digest.update(f"{kind.field(i).name}\0".encode())
            _hash_array(pc.struct_field(present, i), digest)
    elif pa.types.is_map(kind):
        digest.update(np.diff(numpy_of(present.offsets)).astype(np.int64).tobytes())
        _hash_array(present.keys, digest)
        _hash_array(present.items, digest)
    elif pa.types.is_list(kind) or pa.types.is_large_list(kind):
        digest.update(numpy_of(pc.list_value_length(present).cast(pa.int64())).tobytes())
        _hash_array(pc.list_flatten(present), digest)
    elif pa.types.is_fixed_size_list(kind):
        _hash_array(pc.list_flatten(present), digest)
    elif pa.types.is_null(kind):
        return
    else:
        _hash_values(present, digest)


def _hash_values(present: pa.Array, digest: blake2b) -> None:
    """Values without nulls: fixed width as their bytes, texts as lengths and one run of bytes."""
    kind = present.type
    if pa.types.is_boolean(kind):
        digest.update(np.packbits(numpy_of(present)).tobytes())
    elif pa.types.is_floating(kind):
        floats = numpy_of(present)
        digest.update(np.where(np.isnan(floats), np.asarray(np.nan, floats.dtype), floats).tobytes())
    elif any(test(kind) for test in _OF_ANY_LENGTH):
        wide = present.cast(pa.large_binary())
        digest.update(numpy_of(pc.binary_length(wide).cast(pa.int64())).tobytes())
        offsets = np.frombuffer(wide.buffers()[1], np.int64)[wide.offset : wide.offset + len(wide) + 1]
        data = wide.buffers()[2]
        if data is not None and len(offsets):
            digest.update(memoryview(data)[int(offsets[0]) : int(offsets[-1])])
    else:
        width = kind.bit_width // 8
        start = present.offset * width
        data = present.buffers()[1]
        if data is not None:
            digest.update(memoryview(data)[start : start + len(present) * width])


_OF_ANY_LENGTH = (pa.types.is_string, pa.types.is_binary, pa.types.is_large_string, pa.types.is_large_binary)
