"""Distances between two columns, for columns that never come before another: learned so, their order is implied.

Numbers that nearly are another, or a multiple of it, are learned so as well: facts then name it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from fixturesynth.arrays import array_of, fill_null, numpy_of
from fixturesynth.generators.encoding.bins import protected_ends
from fixturesynth.generators.encoding.grids import find_grid, from_grid, to_grid
from fixturesynth.profiling.temporal import format_temporal, parse_temporal

__all__ = [
    "add_offset",
    "base_of",
    "ends_among",
    "ends_of",
    "near_facts",
    "offset_facts",
    "offsets",
    "placed",
    "span_facts",
    "spans",
]

Integers = npt.NDArray[np.int64]
Facts = dict[str, Any]

# A grid's form: which types are of it, and to which the others are cast; None: a decimal of the grid's scale.
_NUMBERS = {
    "integer": (pa.types.is_integer, pa.int64()),
    "float": (pa.types.is_floating, pa.float64()),
    "decimal": (pa.types.is_decimal, None),
}

INSIDE = 0.99  # of the rows, and of the rows of a parent on the average: lie between two moments of their parent
FEWEST_ROWS, FEWEST_PARENTS = 60, 20
FAR = 2**61
BEYOND = 0.05  # of the bases outside of where the real ones lay: somebody moved them, and what is counted from them

PER_DAY = {"days": 1, "seconds": 86_400, "microseconds": 86_400_000_000}


def offset_facts(target: pa.Array, kind: str) -> dict[str, Any] | None:
    """What is needed to write the target again: its unit and format, or its grid of numbers; JSON values."""
    if kind == "temporal":
        parsed = parse_temporal(target)
        return None if parsed is None else {"unit": parsed[1], "format": parsed[2]}
    facts = find_grid(target, "numeric")
    coarse = pa.types.is_decimal(target.type) and facts["decimals"] != target.type.scale
    return None if coarse or facts.get("scale") in ("binary", "bits") else facts


def near_facts(
    target: pa.Array, base: str, times: Fraction, groups: Integers, protection: int
) -> dict[str, Any] | None:
    """Facts of a number that lies near ``times`` the column ``base``, with its protected ends; JSON values.

    ``groups``: root entities, (n,).
    """
    facts = find_grid(target, "numeric")
    coarse = pa.types.is_decimal(target.type) and facts["decimals"] != target.type.scale
    if coarse or facts.get("scale") == "bits":
        return None
    integers, valid = to_grid(target, facts)
    ends = protected_ends(integers[valid], groups[valid], protection)
    return {**facts, "base": base, "times": [times.numerator, times.denominator], "ends": list(ends)}


def span_facts(target: pa.Array, base: pa.Array, facts: Mapping[str, Any], groups: Integers, protection: int) -> Facts:
    """The first and the last moment of the target and of its base, (n,) each, protected, in the target's unit.

    Rows end where they were read: who was born later has no events of later years. ``groups``: root entities, (n,).
    """
    out: dict[str, Any] = {}
    if "form" in facts:
        return out
    for name, found in (("within", placed(target, facts)), ("base_within", placed(base, facts))):
        if found is None or np.unique(groups[found[1]]).size < protection:
            return {}
        out[name] = list(protected_ends(found[0][found[1]], groups[found[1]], protection))
    return out


def spans(base: pa.Array, facts: Mapping[str, Any]) -> tuple[Integers, Integers, npt.NDArray[np.bool_]] | None:
    """The least and the greatest offset from each base, (n,), that stays inside of what was seen, and where that holds.

    None where nothing is known of it, or bases lie elsewhere than the real ones did.
    """
    found = placed(base, facts) if "within" in facts else None
    if found is None or not found[1].any():
        return None
    low, high = facts["base_within"]
    usual = found[1] & (found[0] >= low) & (found[0] <= high)
    if usual.sum() < (1 - BEYOND) * found[1].sum():
        return None
    first, last = facts["within"]
    return first - found[0], last - found[0], usual


def ends_among(
    target: pa.Array, others: Mapping[str, pa.Array], facts: Mapping[str, Any], parents: Integers
) -> dict[str, list[str]]:
    """``since`` and ``until``: the parent's moments (n,) before and after which hardly any row has its own, (n,).

    ``parents``: each row's parent, (n,). Rows may then be drawn between them.
    """
    found: dict[str, list[str]] = {"since": [], "until": []}
    for name, moments in others.items():
        apart = offsets(target, moments, facts)
        if apart is None:
            continue
        valid = numpy_of(apart.is_valid())
        distance, (_, family) = numpy_of(fill_null(apart, 0))[valid], np.unique(parents[valid], return_inverse=True)
        rows = np.bincount(family)
        if distance.size < FEWEST_ROWS or rows.size < FEWEST_PARENTS:
            continue
        for side, fits in (("since", distance >= 0), ("until", distance <= 0)):
            if min(fits.mean(), (np.bincount(family, weights=fits) / rows).mean()) >= INSIDE:
                found[side].append(name)
    return {side: names for side, names in found.items() if names}


def ends_of(base: pa.Array, others: Mapping[str, pa.Array], facts: Mapping[str, Any]) -> tuple[Integers, Integers]:
    """The least and the greatest offset from each base that ``since`` and ``until`` leave, (n,) each.

    ``others``: the parent's moments, (n,) each. Where they leave nothing, or are NULL, anything goes.
    """
    low, high = (np.full(len(base), end, dtype=np.int64) for end in (-FAR, FAR))
    for side, limits, tighter in (("since", low, np.maximum), ("until", high, np.minimum)):
        for name in facts.get(side, ()):
            apart = offsets(others[name], base, facts) if name in others else None
            if apart is not None:
                end = numpy_of(fill_null(apart, 0))
                limits[:] = np.where(numpy_of(apart.is_valid()), tighter(limits, end), limits)
    free = low > high
    return np.where(free, -FAR, low), np.where(free, FAR, high)


def base_of(options: Mapping[str, Any], facts: Mapping[str, Any]) -> str | None:
    """The column of the same row that another is counted from."""
    name = facts.get("base", options.get("delta_from"))
    return None if name is None else str(name)


def _multiplied(values: pa.Array, facts: Mapping[str, Any]) -> pa.Array:
    over, under = facts.get("times", (1, 1))
    if over == under:
        return values
    plain = numpy_of(fill_null(values.cast(pa.float64(), safe=False), 0.0)) * over / under
    return array_of(plain, pa.float64(), mask=~numpy_of(values.is_valid()))


def placed(values: pa.Array, facts: Mapping[str, Any]) -> tuple[Integers, npt.NDArray[np.bool_]] | None:
    """Values, (n,), in whole units of the facts, and where there are any; None for what is no moment.

    A finer base is rounded down, so that the offset of a later day is never negative.
    """
    if "form" in facts:
        is_form, kind = _NUMBERS.get(str(facts["form"]), (None, None))
        if is_form is not None and not is_form(values.type):
            scale = facts.get("decimals", 0)
            values = values.cast(kind or pa.decimal128(38, scale), safe=False)
        elif kind is None and is_form is not None and values.type.scale != facts["decimals"]:
            values = values.cast(pa.decimal128(38, facts["decimals"]), safe=False)
        return to_grid(values, facts)
    parsed = parse_temporal(values)
    if parsed is None:
        return None
    ints, unit, _ = parsed
    mine, theirs = PER_DAY[str(facts["unit"])], PER_DAY[unit]
    scaled = ints * (mine // theirs) if mine >= theirs else ints // (theirs // mine)
    return scaled, numpy_of(values.is_valid())


def offsets(target: pa.Array, base: pa.Array, facts: Mapping[str, Any]) -> pa.Array | None:
    """target - base as int64, shape (n,), null where either is; None when the two cannot be subtracted."""
    a, b = placed(target, facts), placed(_multiplied(base, facts), facts)
    if a is None or b is None:
        return None
    return array_of(a[0] - b[0], pa.int64(), mask=~(a[1] & b[1]))


def _turned_back(total: Integers, base: Integers, within: Sequence[int]) -> Integers:
    """Moments beyond the ends as far inside of them, on the same side of their base where that is inside; (n,)."""
    first, last = within
    middle = np.clip(base, first, last)
    late, early = np.maximum(2 * last - total, middle), np.minimum(2 * first - total, middle)
    turned = np.where(total > last, late, np.where(total < first, early, total))
    found: Integers = np.clip(turned, first, last)
    return found


def add_offset(
    base: pa.Array, offset: pa.Array, facts: Mapping[str, Any], kind: pa.DataType,
    ends: tuple[Integers, Integers] | None = None,
) -> pa.Array:  # fmt: skip
    """base + offset in the target's own type and format, shape (n,), null where either is.

    ``ends``: the least and the greatest offset that each row may have; one beyond comes as far inside of them.
    """
    found = placed(_multiplied(base, facts), facts)
    if found is None:
        return pa.nulls(len(base), kind)
    valid = found[1] & numpy_of(offset.is_valid())
    total = found[0] + numpy_of(fill_null(offset, 0))
    if "ends" in facts:
        total = np.clip(total, *facts["ends"])
    span = spans(base, facts)
    if span is not None:
        total = np.where(valid & span[2], _turned_back(total, found[0], facts["within"]), total)
    if ends is not None:
        low, high = found[0] + ends[0], found[0] + ends[1]
        total = np.clip(
            np.where(total > high, 2 * high - total, np.where(total < low, 2 * low - total, total)), low, high
        )
    if "form" in facts:
        return from_grid(total, valid, facts, kind)
    made = format_temporal(total, str(facts["unit"]), str(facts["format"]), ~valid)
    return made if made.type == kind else made.cast(kind)
