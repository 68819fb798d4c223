"""Arrow columns to integers on a grid and back: numbers at their decimals, dates and times in their own unit.

A grid is JSON facts: ``form`` names a row of FORMS. Integers decode to the value that was read; floats may lose their
last bits where they have no decimals, or are off them by a rounding error.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from fixturesynth.arrays import array_of, fill_null, numpy_of, scalar_of
from fixturesynth.errors import InputError
from fixturesynth.profiling.temporal import format_temporal, parse_temporal

__all__ = ["FORMS", "Form", "find_grid", "from_grid", "to_grid"]

Integers = npt.NDArray[np.int64]
Facts = Mapping[str, Any]
Valid = npt.NDArray[np.bool_]

MOST_DECIMALS = 15
AGAIN = 5  # rows of a value, from which on it is meant as it is
DIGITS = 18  # of a decimal, which 64 bits hold whatever they are
_EXACT = 2.0**53
_NEARLY = 2.0**-50  # of their size: how far sums of decimals lie off them in a float
_SIGN = np.uint64(1 << 63)


@dataclass(frozen=True)
class Form:
    """How one kind of Arrow column becomes int64 and back. ``find`` gives the facts of a column."""

    find: Callable[[pa.Array], dict[str, Any]]
    forward: Callable[[pa.Array, Facts], tuple[Integers, Valid]]
    back: Callable[[Integers, Valid, Facts, pa.DataType], pa.Array]


def find_grid(values: pa.Array, kind: str) -> dict[str, Any]:
    """Facts of the grid of a column, ``form`` first among them; InputError for a type that has none."""
    for accepts, form in _CHOICE[kind]:
        if accepts(values.type):
            return {"form": form, **FORMS[form].find(values)}
    raise InputError(f"a column of type {values.type} has no {kind} encoding; encode it as categorical")


def to_grid(values: pa.Array, facts: Facts) -> tuple[Integers, Valid]:
    """Integers, (n,), and which rows have one; rows without hold 0."""
    return FORMS[facts["form"]].forward(values, facts)


def from_grid(integers: Integers, valid: Valid, facts: Facts, kind: pa.DataType) -> pa.Array:
    """The Arrow array of integers, null where ``valid`` is false."""
    return FORMS[facts["form"]].back(integers, valid, facts, kind)


def _valid(values: pa.Array) -> Valid:
    return np.asarray(numpy_of(values.is_valid()), bool)


def _array(data: npt.NDArray[Any], valid: Valid, kind: pa.DataType) -> pa.Array:
    return array_of(data, kind=kind, mask=None if valid.all() else ~valid)


def _nothing(values: pa.Array) -> dict[str, Any]:
    return {}


# Whole numbers. Unsigned 64-bit ones travel with their top bit flipped, which keeps the order.
def _integer_forward(values: pa.Array, facts: Facts) -> tuple[Integers, Valid]:
    valid = _valid(values)
    if pa.types.is_uint64(values.type):
        wide = numpy_of(fill_null(values, 0)).astype(np.uint64)
        return (wide ^ _SIGN).view(np.int64), valid
    return numpy_of(fill_null(values.cast(pa.int64()), 0)).astype(np.int64), valid


def _integer_back(integers: Integers, valid: Valid, facts: Facts, kind: pa.DataType) -> pa.Array:
    if pa.types.is_uint64(kind):
        return _array(integers.view(np.uint64) ^ _SIGN, valid, kind)
    limits = np.iinfo(kind.to_pandas_dtype())
    return _array(np.clip(integers, limits.min, limits.max).astype(kind.to_pandas_dtype()), valid, kind)


# Decimals by their unscaled integer. Where that is wider than 64 bits the last digits are left out of the grid and come
# back as zeros: what is left are 18 digits, more than a float has.
def _decimal_words(values: pa.Array, scale: int) -> tuple[Integers, Integers, Valid]:
    valid = _valid(values)
    wide = values.cast(pa.decimal256(76, scale), safe=False).cast(pa.decimal128(38, scale))
    wide = pa.concat_arrays([wide])
    data = np.frombuffer(wide.buffers()[1], dtype=np.int64, count=2 * len(wide), offset=16 * wide.offset)
    pairs = data.reshape(-1, 2)
    return np.where(valid, pairs[:, 0], 0), np.where(valid, pairs[:, 1], 0), valid


def _decimal_find(values: pa.Array) -> dict[str, Any]:
    scale = int(values.type.scale)
    bounds = pa.compute.min_max(values)
    longest = max((_digits(bounds[end].as_py()) for end in ("min", "max")), default=0)
    return {"decimals": scale - max(longest + scale - DIGITS, 0)}


def _digits(value: Decimal | None) -> int:
    """Digits before the point."""
    return max(value.adjusted() + 1, 0) if value else 0


def _decimal_forward(values: pa.Array, facts: Facts) -> tuple[Integers, Valid]:
    low, high, valid = _decimal_words(values, facts["decimals"])
    huge = high != low >> 63
    return np.where(huge, np.where(high < 0, -(2**62), 2**62), low), valid


def _decimal_back(integers: Integers, valid: Valid, facts: Facts, kind: pa.DataType) -> pa.Array:
    pairs = np.stack([integers, integers >> 63], axis=1)
    bitmap = None if valid.all() else pa.py_buffer(np.packbits(valid, bitorder="little").tobytes())
    wide = pa.Array.from_buffers(
        pa.decimal128(38, facts["decimals"]), integers.size,
        [bitmap, pa.py_buffer(np.ascontiguousarray(pairs).tobytes())],
    )  # fmt: skip
    return wide.cast(kind)


# Floats: scaled by a power of ten where that is exact, else by a power of two (exact down to 2**-8 of the largest,
# below that to 2**-61 of it), else (a range of more than 2**40, but for what few rounding errors are near nothing) by
# their own order-preserving bits, between two of which lie more numbers near zero than anywhere else.
_DUST = 0.05  # of the values that are not 0 may be rounding errors


def _float_values(values: pa.Array) -> tuple[npt.NDArray[np.float64], Valid]:
    plain = numpy_of(values).astype(np.float64)
    valid = np.isfinite(plain)
    return np.where(valid, plain, 0.0), valid


def _float_find(values: pa.Array) -> dict[str, Any]:
    plain, valid = _float_values(values)
    used = plain[valid]
    kind = values.type.to_pandas_dtype()
    largest = float(np.abs(used).max()) if used.size else 0.0
    for decimals in range(MOST_DECIMALS + 1):
        if largest * 10.0**decimals >= _EXACT:
            break
        rounded = (np.rint(used * 10.0**decimals) / 10.0**decimals).astype(kind)
        off = rounded != used.astype(kind)
        if not off.any() or (kind == np.float64 and _by_rounding(used, rounded, off)):
            return {"scale": "decimal", "decimals": decimals}
    smallest = float(np.quantile(np.abs(used[used != 0]), _DUST, method="higher"))
    if largest < smallest * 2.0**40:
        return {"scale": "binary", "exponent": 61 - int(np.frexp(largest)[1])}
    return {"scale": "bits"}


def _by_rounding(used: npt.NDArray[np.float64], rounded: npt.NDArray[np.float64], off: Valid) -> bool:
    """Whether values that are ``off`` their decimals are so by rounding errors alone, which come as they come: one
    decimal in several ways, or hardly a value again."""
    if not np.allclose(rounded[off], used[off], rtol=_NEARLY, atol=0.0):
        return False
    scattered = np.unique(used).size > np.unique(rounded).size
    return scattered or np.unique(used[off]).size * AGAIN > int(off.sum())


def _float_forward(values: pa.Array, facts: Facts) -> tuple[Integers, Valid]:
    plain, valid = _float_values(values)
    return _FLOAT_FORWARD[facts["scale"]](plain, facts), valid


def _float_back(integers: Integers, valid: Valid, facts: Facts, kind: pa.DataType) -> pa.Array:
    return _array(_FLOAT_BACK[facts["scale"]](integers, facts).astype(kind.to_pandas_dtype()), valid, kind)


def _whole(values: npt.NDArray[np.float64]) -> Integers:
    return np.clip(np.rint(values), -(2.0**62), 2.0**62).astype(np.int64)


def _flip(integers: Integers) -> Integers:
    """Bits of a float to an integer of the same order, and back: it is its own inverse."""
    return np.where(integers < 0, integers ^ np.int64(2**63 - 1), integers)


_FLOAT_FORWARD: dict[str, Callable[[npt.NDArray[np.float64], Facts], Integers]] = {
    "decimal": lambda values, facts: _whole(values * 10.0 ** facts["decimals"]),
    "binary": lambda values, facts: _whole(np.ldexp(values, facts["exponent"])),
    "bits": lambda values, facts: _flip((values + 0.0).view(np.int64)),
}
_FLOAT_BACK: dict[str, Callable[[Integers, Facts], npt.NDArray[np.float64]]] = {
    "decimal": lambda integers, facts: integers / 10.0 ** facts["decimals"],
    "binary": lambda integers, facts: np.ldexp(integers.astype(np.float64), -facts["exponent"]),
    "bits": lambda integers, facts: _flip(integers).view(np.float64),
}


# Dates, times, timestamps and durations: the integers that Arrow stores.
def _temporal_forward(values: pa.Array, facts: Facts) -> tuple[Integers, Valid]:
    stored = pa.int32() if values.type.bit_width == 32 else pa.int64()
    return numpy_of(fill_null(values.cast(stored).cast(pa.int64()), 0)), _valid(values)


def _temporal_back(integers: Integers, valid: Valid, facts: Facts, kind: pa.DataType) -> pa.Array:
    narrow = kind.bit_width == 32
    low, high = (-(2**31), 2**31 - 1) if narrow else (-(2**63), 2**63 - 1)
    if pa.types.is_time(kind):
        low, high = 0, _DAY[kind.unit] - 1
    stored = np.clip(integers, low, high).astype(np.int32 if narrow else np.int64)
    return _array(stored, valid, pa.int32() if narrow else pa.int64()).cast(kind)


_DAY = {"s": 86_400, "ms": 86_400_000, "us": 86_400_000_000, "ns": 86_400_000_000_000}


# Dates and times written as text.
def _text_find(values: pa.Array) -> dict[str, Any]:
    parsed = parse_temporal(values)
    if parsed is None:
        raise InputError("a text column without dates or times has no temporal encoding; encode it as categorical")
    return {"unit": parsed[1], "format": parsed[2]}


def _text_forward(values: pa.Array, facts: Facts) -> tuple[Integers, Valid]:
    parsed = parse_temporal(values)
    valid = _valid(values)
    if parsed is None or parsed[1] != facts["unit"]:
        if not valid.any():
            return np.zeros(len(values), np.int64), valid
        raise InputError(
            f"a column of texts like {facts['format']} holds other texts; read it again with its new format"
        )
    return np.where(valid, parsed[0], 0).astype(np.int64), valid


def _text_back(integers: Integers, valid: Valid, facts: Facts, kind: pa.DataType) -> pa.Array:
    texts = format_temporal(integers, facts["unit"], facts["format"]).cast(kind)
    return texts if valid.all() else pa.compute.if_else(array_of(valid), texts, scalar_of(None, kind))


FORMS: dict[str, Form] = {
    "integer": Form(_nothing, _integer_forward, _integer_back),
    "decimal": Form(_decimal_find, _decimal_forward, _decimal_back),
    "float": Form(_float_find, _float_forward, _float_back),
    "temporal": Form(_nothing, _temporal_forward, _temporal_back),
    "text": Form(_text_find, _text_forward, _text_back),
}


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _is_date(kind: pa.DataType) -> bool:
    return bool(pa.types.is_temporal(kind)) and not pa.types.is_interval(kind)


_CHOICE: dict[str, tuple[tuple[Callable[[pa.DataType], bool], str], ...]] = {
    "numeric": ((pa.types.is_integer, "integer"), (pa.types.is_decimal, "decimal"), (pa.types.is_floating, "float")),
    "temporal": ((_is_date, "temporal"), (_is_text, "text"), (pa.types.is_integer, "integer")),
}
