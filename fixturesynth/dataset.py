"""Dataset: named Arrow tables inside, pandas at the public edge."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from hashlib import blake2b
from typing import TYPE_CHECKING

import pyarrow as pa

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
        """From pandas frames; the index is left out."""
        return cls({name: pa.Table.from_pandas(frame, preserve_index=False) for name, frame in frames.items()})

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

    def content_hash(self, name: str) -> str:
        """Hash of a table's column names, types and values, in order: the same for equal content however chunked."""
        table = self.arrow(name).combine_chunks()
        digest = blake2b(digest_size=16)
        for column_name in table.column_names:
            column = table.column(column_name)
            digest.update(f"{column_name}\0{column.type}\0{len(column)}\0".encode())
            sink = pa.BufferOutputStream()
            # Concatenating and taking makes offsets start at zero and validity canonical, so that equal values
            # have equal buffers wherever they were sliced from.
            whole = pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], column.type)
            whole = whole.take(pa.array(range(0), pa.int64())) if not len(whole) else pa.concat_arrays([whole])
            with pa.ipc.new_stream(sink, pa.schema([(column_name, column.type)])) as writer:
                writer.write_batch(pa.record_batch([whole], names=[column_name]))
            digest.update(sink.getvalue())
        return digest.hexdigest()
