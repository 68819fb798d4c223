"""Rules for numbers: sequences, integers, decimals, floats. All draws are integer arithmetic on whole units."""

from collections.abc import Mapping, Sequence
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from fixturesynth.arrays import array_of, join_texts
from fixturesynth.rules.buffers import decimals_of
from fixturesynth.rules.contract import ColumnContext, Integers, Space, Words
from fixturesynth.rules.grammar import Bits, guide, spread

__all__ = ["MAKERS", "along", "decimals", "floats", "integers", "sequence", "units_between"]

# Cents of prices in shops, with weights: most end in .99.
PRICE_ENDINGS: Final = {99: 50, 0: 16, 95: 10, 50: 8, 49: 5, 90: 4, 25: 3, 75: 2, 98: 2}
# One slot in four of a price ends anyhow.
_ENDED: Final = 3


def sequence(options: Mapping[str, Any], context: ColumnContext) -> Space:
    """``start + step * rank``; ``prefix`` and ``width`` make text of it (``INV-000017``)."""
    start, step = int(options.get("start", 1)), int(options.get("step", 1))
    if step == 0:
        raise ValueError("step must not be zero")
    low, high = context.type.integer_range if context.type.kind == "integer" else (-(2**62), 2**62)
    size = max(0, ((high - start) if step > 0 else (start - low)) // abs(step) + 1)
    prefix, width = str(options.get("prefix", "")), int(options.get("width", 0))
    if context.type.kind == "text" and context.type.length is not None:
        # Text keys end with the largest number whose digits fit.
        digits = context.type.length - len(prefix)
        largest = 10 ** min(digits, 18) - 1 if digits > 0 else -1
        size = max(0, min(size, (largest - start) // step + 1 if step > 0 else size))
    if not prefix and not width:
        return Space(min(size, 2**62), lambda indices, given: array_of(indices * step + start), block=1)

    def at(indices: Integers, given: Mapping[str, pa.Array]) -> pa.Array:
        import pyarrow.compute as pc

        digits = array_of(indices * step + start).cast(pa.string())
        padded = pc.utf8_lpad(digits, width=width, padding="0") if width else digits
        return join_texts(prefix, padded)

    return Space(min(size, 2**62), at, block=1)


def along(knots: Sequence[int], bits: Bits) -> Integers:
    """Units drawn along quantiles: ``knots`` ascending, all segments alike, uniform inside each.

    >>> along([0, 10, 100], Bits(np.array([0, 2**63], np.uint64))).tolist()
    [0, 10]
    """
    ends = np.asarray(knots, np.int64)
    which = spread(bits.take(16) << np.uint64(48), len(ends) - 1)
    widths = np.maximum(ends[1:] - ends[:-1], 1)
    widths[-1] = max(1, int(ends[-1] - ends[-2]) + 1)  # the last knot itself can come out
    if int(widths.max()) < 2**31:
        narrow: Integers = ((bits.take(32) * widths.astype(np.uint64)[which]) >> np.uint64(32)).astype(np.int64)
        return narrow + ends[which]
    # Wide segments: keep the product of 32 random bits and the width's leading 31 bits in 63 bits.
    shift = int(widths.max()).bit_length() - 31
    coarse = (bits.take(32) * (widths >> shift).astype(np.uint64)[which]) >> np.uint64(32)
    fine = bits.take(32) >> np.uint64(32 - min(shift, 32))
    offset = (coarse << np.uint64(shift)) + fine
    wide: Integers = np.minimum(offset.astype(np.int64), widths[which] - 1)
    return wide + ends[which]


def units_between(options: Mapping[str, Any], scale: int, low: Any, high: Any) -> tuple[int, int, int, list[int]]:
    """Low, high, step and quantile knots in units of ``10**-scale``; ends are rounded inwards."""
    one = Decimal(10) ** scale

    def up(value: Any) -> int:
        return int((Decimal(str(value)) * one).to_integral_value(ROUND_CEILING))

    def down(value: Any) -> int:
        return int((Decimal(str(value)) * one).to_integral_value(ROUND_FLOOR))

    first, last = up(options.get("low", low)), down(options.get("high", high))
    step = max(1, down(options.get("step", 0)))
    if last < first:
        raise ValueError(f"no value between low={options.get('low', low)} and high={options.get('high', high)}")
    knots = [min(max(down(q), first), last) for q in options.get("quantiles", ())]
    return first, last, step, sorted(knots)


def _units(first: int, last: int, step: int, knots: Sequence[int], endings: Mapping[int, int], scale: int) -> Space:
    size = (last - first) // step + 1
    if size > 2**62:
        raise ValueError("more than 2**62 values between low and high")
    table = guide(np.array(list(endings.values()), np.int64)) if endings else None
    cents = np.array(list(endings), np.int64)

    def draw(words: Words) -> Integers:
        bits = Bits(words)
        if len(knots) > 1:
            index = (along(knots, bits) - first) // step
        else:
            index = spread(words, size)
        if table is None:
            return index
        # Prices: take the whole part, then an ending; values that would leave the range stay as they are.
        units = index * step + first
        one = 10**scale
        bits = Bits(words * np.uint64(0x9E3779B97F4A7C15) ^ words >> np.uint64(17))
        ended = units - units % one + cents[table[bits.take(16)]] * one // 100
        chosen = (bits.take(2) < np.uint64(_ENDED)) & (ended >= first) & (ended <= last)
        return np.where(chosen, (ended - first) // step, index)

    return Space(size, lambda indices, given: array_of(indices * step + first), draw=draw)


def integers(options: Mapping[str, Any], context: ColumnContext) -> Space:
    """Whole numbers from ``low`` to ``high`` (inclusive) on ``step``; ``quantiles`` give the shape."""
    first, last, step, knots = units_between(options, 0, 0, 1000)
    if context.type.kind == "integer":
        smallest, largest = context.type.integer_range
        first, last = max(first, smallest), min(last, largest)
        if last < first:
            raise ValueError(f"no value of {context.type.name} between low and high")
        knots = [min(max(k, first), last) for k in knots]
    return _units(first, last, step, knots, {}, 0)


def decimals(options: Mapping[str, Any], context: ColumnContext) -> Space:
    """Decimals from ``low`` to ``high`` with ``scale`` digits; ``quantiles`` shape them, ``endings`` are cents.

    ``endings``: {cents: weight}, or "price" for the usual ones.
    """
    kind = context.type
    scale = int(options.get("scale", kind.scale if kind.scale is not None else 2))
    scale = min(scale, kind.scale) if kind.kind == "decimal" and kind.scale is not None else scale
    first, last, step, knots = units_between(options, scale, 0, 1000)
    if kind.kind == "decimal" and kind.precision:
        bound = 10 ** min(kind.precision - (kind.scale or 0) + scale, 18) - 1
        first, last = max(first, -bound), min(last, bound)
        if last < first:
            raise ValueError(f"no value of {kind.name} between low and high")
        knots = [min(max(k, first), last) for k in knots]
    asked = options.get("endings")
    endings = PRICE_ENDINGS if asked == "price" else {int(k): int(v) for k, v in (asked or {}).items()}
    space = _units(first, last, step, knots, endings if scale >= 2 and step == 1 else {}, scale)
    width = kind.precision if kind.kind == "decimal" and kind.precision and kind.precision <= 38 else 38
    own = (kind.scale or 0) if kind.kind == "decimal" and kind.precision else (10 if kind.kind == "decimal" else scale)
    factor = 10 ** max(0, own - scale)

    def at(indices: Integers, given: Mapping[str, pa.Array]) -> pa.Array:
        return decimals_of((indices * step + first) * factor, width, own)

    if factor * max(abs(first), abs(last)) >= 2**63:
        return Space(space.size, lambda i, g: decimals_of(i * step + first, 38, scale), draw=space.draw)
    return Space(space.size, at, draw=space.draw)


def floats(options: Mapping[str, Any], context: ColumnContext) -> Space:
    """Floats from ``low`` to ``high`` with ``scale`` digits after the point: whole units, one division."""
    scale = int(options.get("scale", 2))
    first, last, step, knots = units_between(options, scale, 0, 1000)
    space = _units(first, last, step, knots, {}, scale)
    one = np.float64(10**scale)

    def at(indices: Integers, given: Mapping[str, pa.Array]) -> pa.Array:
        units: npt.NDArray[np.float64] = (indices * step + first).astype(np.float64)
        return array_of(units / one)

    return Space(space.size, at, draw=space.draw)


MAKERS = {"sequence": sequence, "integers": integers, "decimals": decimals, "floats": floats}
