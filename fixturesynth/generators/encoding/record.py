"""What an encoding is: frozen data, named numpy arrays and JSON facts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from fixturesynth.arrays import array_of

__all__ = ["Encoding", "array_from_bytes", "array_to_bytes", "combined"]


@dataclass(frozen=True)
class Encoding:
    """An invertible map between a column and codes in ``range(size)``.

    ``ordered``: neighbouring codes are neighbouring values. ``null_code``: the code of NULL, always the last one, or
    None. ``rare_code``: the code of everything that was protected away, or None. ``rare_share``: share of the rows
    with a value for which that is so. ``facts`` holds JSON values alone.
    """

    kind: str
    size: int
    ordered: bool
    null_code: int | None
    rare_code: int | None
    rare_share: float
    arrays: Mapping[str, npt.NDArray[Any]]
    facts: Mapping[str, Any]


def combined(values: pa.Array | pa.ChunkedArray) -> pa.Array:
    """One contiguous Arrow array, dictionaries decoded."""
    array = values
    if isinstance(array, pa.ChunkedArray):
        array = pa.concat_arrays(array.chunks) if array.num_chunks else array_of([], array.type)
    return array.dictionary_decode() if pa.types.is_dictionary(array.type) else array


def array_to_bytes(values: pa.Array) -> npt.NDArray[np.uint8]:
    """An Arrow array of any type as the bytes of an IPC stream, shape (bytes,)."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, pa.schema([("values", values.type)])) as writer:
        writer.write_batch(pa.record_batch([values], names=["values"]))
    return np.frombuffer(sink.getvalue(), dtype=np.uint8).copy()


def array_from_bytes(data: npt.NDArray[np.uint8]) -> pa.Array:
    """The array of ``array_to_bytes``."""
    table = pa.ipc.open_stream(pa.py_buffer(data.tobytes())).read_all()
    return combined(table.column(0))
