"""Numpy to Arrow without a copy or a Python object: decimals, dates, times and text of fixed width."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

__all__ = ["binary_of", "days_of", "decimals_of", "hexadecimal", "microseconds_of", "text_of"]

Integers = npt.NDArray[np.int64]
Bytes = npt.NDArray[np.uint8]

_DIGITS = np.frombuffer(b"0123456789abcdef", np.uint8)
# Two hexadecimal characters of every byte, shape (256, 2).
_HEX = np.stack([_DIGITS[np.arange(256) >> 4], _DIGITS[np.arange(256) & 15]], axis=1)
_HEX_PAIRS = np.ascontiguousarray(_HEX).view(np.uint16).reshape(256)


def decimals_of(units: Integers, precision: int, scale: int) -> pa.Array:
    """Decimals whose unscaled values are ``units``, shape (n,): 1999 with scale 2 is 19.99.

    >>> decimals_of(np.array([1999, -5]), 10, 2).to_pylist()
    [Decimal('19.99'), Decimal('-0.05')]
    """
    wide = np.empty((len(units), 2), np.int64)
    wide[:, 0] = units
    wide[:, 1] = units >> 63
    return _from(pa.decimal128(precision, scale), wide)


def days_of(days: Integers) -> pa.Array:
    """Dates from days since 1970-01-01, shape (n,)."""
    return _from(pa.date32(), days.astype(np.int32))


def microseconds_of(micros: Integers, arrow_type: pa.DataType) -> pa.Array:
    """Timestamps, times or durations in microseconds, shape (n,)."""
    return _from(arrow_type, np.ascontiguousarray(micros, np.int64))


def _from(arrow_type: pa.DataType, values: npt.NDArray[Any]) -> pa.Array:
    return pa.Array.from_buffers(arrow_type, len(values), [None, pa.py_buffer(values)])


def text_of(characters: Bytes) -> pa.Array:
    """Strings of one width from ASCII codes, shape (n, width)."""
    return _fixed(pa.string(), characters)


def binary_of(data: Bytes) -> pa.Array:
    """Byte strings of one width, shape (n, width)."""
    return _fixed(pa.binary(), data)


def _fixed(arrow_type: pa.DataType, rows: Bytes) -> pa.Array:
    count, width = rows.shape
    offsets = np.arange(count + 1, dtype=np.int32) * np.int32(width)
    return pa.Array.from_buffers(
        arrow_type, count, [None, pa.py_buffer(offsets), pa.py_buffer(np.ascontiguousarray(rows))]
    )


def hexadecimal(data: Bytes) -> Bytes:
    """Lower-case hexadecimal characters of bytes: shape (n, width) to (n, 2 * width)."""
    return _HEX_PAIRS[data].view(np.uint8)
