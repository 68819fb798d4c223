"""Integer arrays in few bytes, without loss: the smallest of four forms, each undone by whole-array arithmetic.

plain: the smallest type that holds them all. delta: differences, in the same way. varint and delta varint: zigzag and
seven bits to a byte (as in Protocol Buffers). What unpacks is at most eight times as large as what was stored.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["pack", "unpack"]

Array = npt.NDArray[Any]
Words = npt.NDArray[np.uint64]

SMALLER = ("uint8", "int8", "uint16", "int16", "uint32", "int32")
FEWEST = 64  # shorter arrays are kept plain
MOST_BYTES = 10  # of one varint


def pack(values: Array) -> tuple[Array, str]:
    """What to store, and its form; arrays of floats, flags and bytes, and those of more dimensions, stay plain.

    >>> stored, form = pack(np.arange(1000, 2000))
    >>> form, stored.dtype.name, stored.nbytes
    ('delta varint', 'uint8', 1001)
    """
    if values.dtype.kind not in "iu" or values.dtype.itemsize == 1:
        return values, "plain"
    options = [(_smallest(values), "plain")]
    if values.ndim == 1 and values.size >= FEWEST:
        signed = values.astype(np.uint64).view(np.int64)
        steps = np.diff(signed, prepend=np.int64(0))
        options += [(_smallest(steps), "delta"), (_varints(signed), "varint"), (_varints(steps), "delta varint")]
    return min(options, key=lambda option: option[0].nbytes)


def unpack(stored: Array, form: str, dtype: str) -> Array:
    """The array that was packed; ValueError for bytes or a form that ``pack`` does not write."""
    if form == "plain":
        return stored.astype(dtype)
    if form not in ("delta", "varint", "delta varint") or stored.ndim != 1 or stored.dtype.kind not in "iu":
        raise ValueError(f"no packed array of form {form!r}")
    signed = _from_varints(stored) if form.endswith("varint") else stored.astype(np.int64)
    if form.startswith("delta"):
        signed = np.cumsum(signed.view(np.uint64), dtype=np.uint64).view(np.int64)
    return signed.view(np.uint64).astype(dtype)


def _smallest(values: Array) -> Array:
    low, high = (int(values.min()), int(values.max())) if values.size else (0, 0)
    for name in SMALLER:
        limits = np.iinfo(name)
        if limits.min <= low and high <= limits.max and limits.bits < 8 * values.dtype.itemsize:
            return values.astype(name)
    return values


def _varints(signed: npt.NDArray[np.int64]) -> npt.NDArray[np.uint8]:
    zigzag = ((signed << np.int64(1)) ^ (signed >> np.int64(63))).view(np.uint64)
    widths = np.ones(zigzag.size, dtype=np.int64)
    for k in range(1, MOST_BYTES):
        widths += zigzag >= np.uint64(1 << 7 * k)
    ends = np.cumsum(widths)
    out = np.zeros(int(ends[-1]), dtype=np.uint8)
    for k in range(int(widths.max())):
        here = widths > k
        more = np.where(widths[here] > k + 1, 128, 0)
        piece = (zigzag[here] >> np.uint64(7 * k)) & np.uint64(127)
        out[(ends - widths)[here] + k] = piece.astype(np.int64) | more
    return out


def _from_varints(stored: Array) -> npt.NDArray[np.int64]:
    if stored.dtype != np.uint8 or (stored.size and stored[-1] >= 128):
        raise ValueError("a packed array breaks off")
    ends = np.flatnonzero(stored < 128) + 1
    widths = np.diff(ends, prepend=0)
    if widths.size and int(widths.max()) > MOST_BYTES:
        raise ValueError("a packed array holds a number of more than 64 bits")
    zigzag: Words = np.zeros(ends.size, dtype=np.uint64)
    for k in range(int(widths.max(initial=0))):
        here = widths > k
        piece = stored[(ends - widths)[here] + k].astype(np.uint64) & np.uint64(127)
        zigzag[here] |= piece << np.uint64(7 * k)
    signed = (zigzag >> np.uint64(1)).view(np.int64) ^ -(zigzag & np.uint64(1)).view(np.int64)
    return np.asarray(signed, dtype=np.int64)
