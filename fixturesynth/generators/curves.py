"""Numbers that follow from one other number along a curve: a logarithm, a square, degrees of another scale, a tariff.

Functions that people use by name are told by it. Of another rule only the pairs that enough entities share are known;
between them it goes on straight.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from fixturesynth.arrays import array_of, combined, fill_null, numpy_of

__all__ = ["along_curve", "is_curve", "marked_curve"]

Floats = npt.NDArray[np.float64]

FEWEST = 20  # pairs that are known
NEAR = 0.01  # of the width of all values: how far beside the curve a row may lie
HELD = 0.98  # of the rows that are not known do not
TAIL = 0.02  # of the values at either end that count for no width


# By the name under which a lookup keeps them; what they have no value for is nan.
FUNCTIONS: Mapping[str, Callable[[Floats], Floats]] = MappingProxyType(
    {"ln": np.log, "log10": np.log10, "log2": np.log2, "log1p": np.log1p, "sqrt": np.sqrt, "square": np.square,
     "exp": np.exp, "reciprocal": np.reciprocal}
)  # fmt: skip


def marked_curve(lookup: pa.Table, source: pa.Array, target: pa.Array) -> pa.Table:
    """The lookup, marked where it is a curve on which the rows lie as well that it does not know, (n,) each.

    >>> known = pa.table({"s0": list(range(0, 200, 5)), "target": [x * x for x in range(0, 200, 5)]})
    >>> is_curve(marked_curve(known, pa.array(range(200)), pa.array([x * x for x in range(200)])))
    True
    """
    if not all(_is_number(c.type) for c in (source, target)):
        return lookup
    if (named := _named(source, target)) is not None:
        return lookup.replace_schema_metadata({**(lookup.schema.metadata or {}), **named})
    if lookup.num_rows < FEWEST:
        return lookup
    x, y = _pairs(lookup)
    steps = np.diff(y)
    if x.size < FEWEST or not ((steps > 0).all() or (steps < 0).all()):
        return lookup
    present = numpy_of(source.is_valid())
    if not numpy_of(target.is_valid())[present].all():
        return lookup
    at, value = _floats(source)[present], _floats(target)[present]
    between = (at >= x[0]) & (at <= x[-1])
    new = ~np.isin(at, x)
    wide = float(np.subtract(*np.quantile(value, (1 - TAIL, TAIL))))
    if not new.any() or not wide > 0 or (new & between).mean() < 0.5 * new.mean():
        return lookup
    fits = np.abs(_line(at[new], x, y) - value[new]) <= NEAR * wide
    if fits.mean() < HELD:
        return lookup
    return lookup.replace_schema_metadata({**(lookup.schema.metadata or {}), "curve": "yes"})


def is_curve(lookup: pa.Table) -> bool:
    return b"curve" in (lookup.schema.metadata or {})


def along_curve(source: pa.Array, lookup: pa.Table) -> pa.Array:
    """What the curve has for each number, (n,), with as many decimals as its known values; null for null."""
    told = lookup.schema.metadata or {}
    if b"function" in told:
        decimals = int(told[b"decimals"]) if b"decimals" in told else None
        found = _by_name(told[b"function"].decode(), _floats(source), decimals)
        return array_of(np.nan_to_num(found), pa.float64(), mask=~numpy_of(source.is_valid()) | ~np.isfinite(found))
    x, y = _pairs(lookup)
    found = _line(_floats(source), x, y)
    decimals = _decimals(y)
    found = found if decimals is None else np.round(found, decimals)
    return array_of(found, pa.float64(), mask=~numpy_of(source.is_valid()))


def _named(source: pa.Array, target: pa.Array) -> dict[str, str] | None:
    """The function that all rows follow, by name, and the decimals to which it is rounded; None for none of them."""
    both = numpy_of(source.is_valid()) & numpy_of(target.is_valid())
    x, y = _floats(source)[both], _floats(target)[both]
    if np.unique(x).size < FEWEST:
        return None
    decimals = _decimals(y)
    for name in FUNCTIONS:
        made = _by_name(name, x, None)
        off = 1e-6 * np.maximum(np.abs(y), 1.0) if decimals is None else 0.501 * 10.0**-decimals
        if bool((np.abs(made - y) <= off).all()):
            return {"curve": "yes", "function": name} | ({} if decimals is None else {"decimals": str(decimals)})
    return None


def _by_name(name: str, values: Floats, decimals: int | None) -> Floats:
    with np.errstate(all="ignore"):
        found = FUNCTIONS[name](values)
    made: Floats = found if decimals is None else np.round(found, decimals)
    return made


def _decimals(values: Floats) -> int | None:
    return next((d for d in range(7) if np.array_equal(np.round(values, d), values)), None)


def _line(at: Floats, x: Floats, y: Floats) -> Floats:
    """Straight between the points, and on from the outermost two."""
    place = np.clip(np.searchsorted(x, at), 1, x.size - 1)
    slope = (y[place] - y[place - 1]) / (x[place] - x[place - 1])
    found: Floats = y[place - 1] + slope * (at - x[place - 1])
    return found


def _pairs(lookup: pa.Table) -> tuple[Floats, Floats]:
    """The known pairs, ascending, without NULLs."""
    source, target = combined(lookup["s0"]), combined(lookup["target"])
    both = numpy_of(source.is_valid()) & numpy_of(target.is_valid())
    x, first = np.unique(_floats(source)[both], return_index=True)
    return x, _floats(target)[both][first]


def _floats(values: pa.Array) -> Floats:
    found: Floats = numpy_of(fill_null(values.cast(pa.float64(), safe=False), 0.0))
    return found


def _is_number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind))
