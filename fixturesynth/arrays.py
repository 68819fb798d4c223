"""Python and NumPy to Arrow and back, without PyArrow's own converters.

Those import pandas at the first value they are given, a literal or a NumPy array: a third of a second of a cold start.
What is not known here (nested values, decimals, moments of Python) goes to PyArrow as before.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

__all__ = ["array_of", "combined", "fill_null", "join_texts", "numpy_of", "scalar_of"]

Array = npt.NDArray[Any]
Flags = npt.NDArray[np.bool_]

# Types whose values lie side by side, as in a NumPy array of this type.
_PLAIN: Mapping[pa.DataType, str] = {
    pa.int8(): "int8", pa.int16(): "int16", pa.int32(): "int32", pa.int64(): "int64", pa.uint8(): "uint8",
    pa.uint16(): "uint16", pa.uint32(): "uint32", pa.uint64(): "uint64", pa.float32(): "float32",
    pa.float64(): "float64",
}  # fmt: skip
_MOMENTS: Mapping[pa.DataType, str] = {pa.date32(): "datetime64[D]"} | {
    kind(unit): f"{name}64[{unit}]"
    for kind, name in ((pa.timestamp, "datetime"), (pa.duration, "timedelta"))
    for unit in ("s", "ms", "us", "ns")
}
_KINDS = {np.dtype(name): kind for kinds in (_PLAIN, _MOMENTS) for kind, name in kinds.items()}
# Types that Arrow itself casts whole numbers to, a number being the same count of units.
_COUNTS = (*_PLAIN, *(kind for kind in _MOMENTS if kind != pa.date32()), pa.time64("us"), pa.time64("ns"))
_EXACT = 2**53  # whole numbers up to this one are floats without loss
_EPOCH = date(1970, 1, 1).toordinal()


def array_of(values: Any, kind: pa.DataType | None = None, *, mask: Flags | None = None) -> pa.Array:
    """What ``pa.array(values, kind, mask=mask)`` gives, and its errors.

    ``mask``, shape (n,): true where there is no value.

    >>> array_of(np.array([1, 2, 3]), mask=np.array([False, True, False])).to_pylist()
    [1, None, 3]
    >>> array_of(["a", None]).type
    DataType(string)
    """
    made = None
    if isinstance(values, np.ndarray):
        made = _of_numpy(values, mask)
    elif mask is None and isinstance(values, list | tuple):
        made = _of_list(values, kind)
    if made is None:
        return pa.array(values, kind, mask=mask)
    if kind is None or made.type == kind:
        return made
    if made.type in _PLAIN and kind in _COUNTS:
        try:
            return made.cast(kind)
        except pa.ArrowInvalid:  # PyArrow says it in its own way
            pass
    return pa.array(values, kind, mask=mask)


def scalar_of(value: Any, kind: pa.DataType | None = None) -> pa.Scalar:
    """What ``pa.scalar(value, kind)`` gives."""
    return array_of([value], kind)[0]


def combined(column: pa.Array | pa.ChunkedArray) -> pa.Array:
    """One contiguous array of a column."""
    if isinstance(column, pa.ChunkedArray):
        return pa.concat_arrays(column.chunks) if column.num_chunks else array_of([], column.type)
    return column


def fill_null(values: Any, value: Any) -> Any:
    """What ``values.fill_null(value)`` gives for an Arrow array or column."""
    return values.fill_null(scalar_of(value, values.type))


def join_texts(*parts: Any, separator: str = "") -> pa.Array:
    """Texts side by side, row by row; a Python text stands for one in every row.

    >>> join_texts(array_of(["a", None]), "b", separator="-").to_pylist()
    ['a-b', None]
    """
    every = [scalar_of(p, pa.string()) if isinstance(p, str) else p for p in parts]
    return pc.binary_join_element_wise(*every, scalar_of(separator))


def _texts_of(values: Sequence[str | bytes | None], kind: pa.DataType) -> pa.Array:
    """Strings or byte strings; None is NULL."""
    data = [b"" if v is None else v.encode() if isinstance(v, str) else v for v in values]
    offsets = np.zeros(len(data) + 1, dtype=np.int64)
    np.cumsum([len(d) for d in data], out=offsets[1:])
    if offsets[-1] >= 2**31:
        return pa.array(values, kind)
    missing = np.array([v is None for v in values], dtype=bool)
    buffers = [_validity(missing), pa.py_buffer(offsets.astype(np.int32)), pa.py_buffer(b"".join(data))]
    return pa.Array.from_buffers(kind, len(data), buffers)


def _validity(missing: Flags | None) -> pa.Buffer | None:
    """One bit a row, set where there is a value; None where there is one everywhere."""
    if missing is None or not missing.any():
        return None
    return pa.py_buffer(np.packbits(~missing, bitorder="little"))


def _of_numpy(values: Array, mask: Flags | None) -> pa.Array | None:
    """Numbers, flags, moments and texts; None for other types and forms."""
    if values.ndim != 1 or (mask is not None and mask.shape != values.shape):
        return None
    if values.dtype.kind in "OU":
        listed = values.tolist()
        if mask is not None:
            listed = [None if m else v for v, m in zip(listed, mask.tolist(), strict=True)]
        return _texts_of(listed, pa.string()) if all(v is None or type(v) is str for v in listed) else None
    if values.dtype == np.bool_:
        data = pa.py_buffer(np.packbits(values, bitorder="little"))
        return pa.Array.from_buffers(pa.bool_(), len(values), [_validity(mask), data])
    kind = _KINDS.get(values.dtype)
    if kind is None:
        return None
    if kind in _MOMENTS:
        nothing = np.isnat(values)
        mask = nothing if mask is None else nothing | mask
    flat = np.ascontiguousarray(values.astype(np.int64).astype(np.int32) if kind == pa.date32() else values)
    return pa.Array.from_buffers(kind, len(flat), [_validity(mask), pa.py_buffer(flat)])


def _of_list(values: Sequence[Any], kind: pa.DataType | None) -> pa.Array | None:
    """Python's numbers, flags, texts and dates where the type they are asked in is their own; None for the rest."""
    kinds = {type(v) for v in values}
    missing = np.array([v is None for v in values], dtype=bool) if type(None) in kinds else None
    kinds.discard(type(None))
    if not kinds:
        return pa.nulls(len(values), kind) if kind is not None else pa.nulls(len(values))
    if kinds == {str} and kind in (None, pa.string(), pa.large_string()):
        return _texts_of(values, pa.string()).cast(kind or pa.string())
    if kinds == {bytes} and kind in (None, pa.binary(), pa.large_binary()):
        return _texts_of(values, pa.binary()).cast(kind or pa.binary())
    if kinds == {bool} and kind in (None, pa.bool_()):
        return _of_numpy(np.array([bool(v) for v in values], dtype=bool), missing)
    if kinds == {date} and kind in (None, pa.date32()):
        days = [_EPOCH if v is None else v.toordinal() for v in values]
        return _of_numpy((np.array(days, dtype=np.int64) - _EPOCH).view("datetime64[D]"), missing)
    numbers = [0 if v is None else v for v in values]
    if kinds == {int} and (kind is None or pa.types.is_integer(kind)):
        low, high = min(numbers), max(numbers)
        return _of_numpy(np.array(numbers, dtype=np.int64), missing) if low >= -(2**63) and high < 2**63 else None
    if kinds <= {int, float} and kind in (None, pa.float64()):
        exact = all(type(v) is float or -_EXACT <= v <= _EXACT for v in numbers)
        return _of_numpy(np.array(numbers, dtype=np.float64), missing) if exact else None
    return None


def numpy_of(values: Any) -> Array:
    """What ``np.asarray`` gives for an Arrow array or column: NULL is NaN, NaT or None. NumPy arrays stay as they are.

    >>> numpy_of(array_of([True, False])).tolist()
    [True, False]
    """
    if isinstance(values, pa.ChunkedArray):
        if values.num_chunks != 1:
            whole = pa.concat_arrays(values.chunks) if values.num_chunks else pa.nulls(0, values.type)
            return np.require(numpy_of(whole), requirements="W")
        values = values.chunk(0)
    if not isinstance(values, pa.Array):
        return np.asarray(values)
    kind = values.type
    if kind == pa.bool_() and not values.null_count:
        return _flags_of(values.buffers()[1], values.offset, len(values))
    name = _PLAIN.get(kind) or _MOMENTS.get(kind) or (f"datetime64[{kind.unit}]" if pa.types.is_timestamp(kind) else "")
    if name:
        return _numbers_of(values, np.dtype(name))
    if kind == pa.string():
        out = np.empty(len(values), dtype=object)
        out[:] = values.to_pylist()
        return out
    return np.asarray(values)


def _flags_of(bits: pa.Buffer | None, offset: int, count: int) -> Flags:
    """Flags from the bits that begin at ``offset``; all are set where there are none."""
    if bits is None:
        return np.ones(count, dtype=bool)
    read = np.unpackbits(np.frombuffer(bits, np.uint8), count=offset + count, bitorder="little")
    return read[offset:].view(np.bool_)


def _numbers_of(values: pa.Array, dtype: np.dtype[Any]) -> Array:
    """Values of one width: without nulls and of NumPy's own width not copied, and not to be written to."""
    valid, data = values.buffers()
    narrow = np.dtype(np.int32) if pa.types.is_date32(values.type) else dtype
    start = values.offset * narrow.itemsize
    if not len(values) or data is None:
        found = np.zeros(len(values), dtype=narrow)
    else:
        found = np.frombuffer(data, narrow, count=len(values), offset=start)
    found.flags.writeable = False
    if narrow != dtype:
        found = found.astype(np.int64).view(dtype)
    if not values.null_count:
        return found
    nothing = ~_flags_of(valid, values.offset, len(values))
    out = found.astype(np.float64) if dtype.kind in "iu" else found.copy()
    out[nothing] = np.nan if dtype.kind in "iuf" else np.array("NaT", dtype)
    return out
