"""Integers to bins and back: spikes, quantile bins, and a protected distribution inside every bin.

Inside a bin the distribution is a list of segments: a protected value by itself, or a run of grid values that shares
the rows of several entities evenly. A segment's ends are moments of its rows, never a value of one row.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

__all__ = [
    "Bins",
    "bins_from_arrays",
    "bins_to_arrays",
    "find_bins",
    "fit_bins",
    "from_bins",
    "multiply_high",
    "protected_ends",
]

Integers = npt.NDArray[np.int64]
Words = npt.NDArray[np.uint64]

_LOW = np.uint64(0xFFFFFFFF)
_HALF = np.uint64(32)
_ROOT3 = 3.0**0.5
MOST_POINTS = 4096  # single values that are stored for one column
PIECES = 16  # runs of grid values inside one bin


@dataclass(frozen=True)
class Bins:
    """``upper``: the largest integer of every bin, (bins,). The others describe segments, bin after bin:
    ``low`` the first grid value, ``cells`` how many grid values, ``running`` the running sum of weights over all
    segments. ``ends``: ``running`` at the end of each bin, (bins,). ``step``: (1,), distance of grid values."""

    upper: Integers
    ends: Integers
    low: Integers
    cells: Words
    running: Integers
    step: Words


def bins_to_arrays(bins: Bins) -> dict[str, npt.NDArray[np.generic]]:
    """Named arrays of ``Bins``."""
    return {field.name: getattr(bins, field.name) for field in fields(Bins)}


def bins_from_arrays(arrays: dict[str, npt.NDArray[np.generic]]) -> Bins:
    """``Bins`` of named arrays."""
    return Bins(**{field.name: arrays[field.name] for field in fields(Bins)})  # type: ignore[arg-type]


def multiply_high(a: Words, b: Words) -> Words:
    """The high 64 bits of a 64 x 64 bit product, elementwise.

    >>> int(multiply_high(np.array([2**63], np.uint64), np.array([10], np.uint64))[0])
    5
    """
    a_high, a_low, b_high, b_low = a >> _HALF, a & _LOW, b >> _HALF, b & _LOW
    middle = a_high * b_low + ((a_low * b_low) >> _HALF)
    other = a_low * b_high + (middle & _LOW)
    high: Words = a_high * b_high + (middle >> _HALF) + (other >> _HALF)
    return high


def find_bins(bins: Bins, values: Integers) -> npt.NDArray[np.int32]:
    """The bin of every integer, (n,); values beyond the ends belong to the first and last bin."""
    return np.searchsorted(bins.upper[:-1], values, side="left").astype(np.int32)


def from_bins(bins: Bins, codes: npt.NDArray[np.int32], words: Words) -> Integers:
    """Integers of bins, (n,), monotone in (code, word); exact integer arithmetic."""
    ends = bins.ends[codes]
    before = np.where(codes > 0, bins.ends[codes - 1], 0)
    total = (ends - before).astype(np.uint64)
    drawn = multiply_high(words, total)
    fraction = words * total  # modulo 2**64: what the draw left over
    at = before + drawn.astype(np.int64)
    segment = np.searchsorted(bins.running, at, side="right")
    start = np.where(segment > 0, bins.running[segment - 1], 0)
    weight = (bins.running[segment] - start).astype(np.uint64)
    # Two digits of long division make a 64-bit fraction of the way through the segment.
    left = ((at - start).astype(np.uint64) << _HALF) | (fraction >> _HALF)
    first, rest = left // weight, left % weight
    second = ((rest << _HALF) | (fraction & _LOW)) // weight
    cell = multiply_high((first << _HALF) | second, bins.cells[segment])
    values: Integers = bins.low[segment] + (cell * bins.step[0]).view(np.int64)
    return values


def fit_bins(values: Integers, groups: Integers | None, *, protection: int, max_codes: int) -> Bins:
    """Bins of integers, shape (n,), n > 0.

    ``groups``: root entity of each value; None: every row is one. A value is stored by itself only when
    ``protection`` entities have it.
    """
    order = np.argsort(values, kind="stable")
    values, entities = values[order], values.size
    if groups is not None:
        groups = np.unique(groups, return_inverse=True)[1][order].astype(np.int64)
        entities = int(groups.max()) + 1
    low, high = _limits(values, groups, entities, protection)
    distinct = np.unique(values)
    step = _step(distinct)
    anchor = distinct[0]
    if protection > 1 and entities < 2 * protection:
        return _tiny(values, low, high, step, anchor, spread=entities < protection, cells_least=protection)
    values = np.clip(values, _floor(low, anchor, step), _ceil(high, anchor, step))
    distinct, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    support = _support(inverse, groups, distinct.size, entities)
    bin_of = _partition(distinct, inverse, counts, support, groups, entities, protection, max_codes)
    upper = _upper(distinct, bin_of)
    owners = None if groups is None else np.unique(inverse * np.int64(entities) + groups)
    return _segments(distinct, counts, support, bin_of, upper, protection, step, owners, entities)


def protected_ends(values: Integers, groups: Integers, protection: int) -> tuple[int, int]:
    """How far values, shape (n,), n > 0, reach downwards and upwards, as means over ``protection`` root entities."""
    order = np.argsort(values, kind="stable")
    entities = np.unique(groups, return_inverse=True)[1][order].astype(np.int64)
    low, high = _limits(values[order], entities, int(entities.max()) + 1, protection)
    return int(low), int(high)


def _gap(high: Integers, low: Integers) -> Words:
    """high - low as unsigned numbers, without overflow."""
    return np.asarray(high, np.int64).view(np.uint64) - np.asarray(low, np.int64).view(np.uint64)


def _step(distinct: Integers) -> np.uint64:
    gaps = _gap(distinct[1:], distinct[:-1])
    return np.uint64(np.gcd.reduce(gaps)) if gaps.size else np.uint64(1)


def _floor(value: np.int64, anchor: np.int64, step: np.uint64) -> np.int64:
    return np.int64(int(anchor) + (int(value) - int(anchor)) // int(step) * int(step))


def _ceil(value: np.int64, anchor: np.int64, step: np.uint64) -> np.int64:
    return np.int64(int(anchor) - (int(anchor) - int(value)) // int(step) * int(step))


def _limits(values: Integers, groups: Integers | None, entities: int, protection: int) -> tuple[np.int64, np.int64]:
    """Protected extremes of sorted values: means over the ``protection`` entities that reach furthest."""
    share = min(protection, entities)
    lowest, highest = np.arange(share), values.size - 1 - np.arange(share)
    if groups is not None:
        lowest = np.sort(np.unique(groups, return_index=True)[1])[:share]
        highest = values.size - 1 - np.sort(np.unique(groups[::-1], return_index=True)[1])[:share]
    low, high = values[lowest], values[highest]
    base = int(low[0]), int(high[-1])
    return (
        np.int64(base[0] + int(_gap(low, low[0]).astype(np.float64).mean())),
        np.int64(base[1] + int(_gap(high, high[-1]).astype(np.float64).mean())),
    )


def _tiny(
    values: Integers,
    low: np.int64,
    high: np.int64,
    step: np.uint64,
    anchor: np.int64,
    *,
    spread: bool,
    cells_least: int,
) -> Bins:
    """One bin with the mean, spread and skewness of a handful of entities, and none of their values.

    Two even runs meet at the mean m and reach ``left`` below and ``right`` above it. Their weights keep the mean when
    weight_low * left = weight_high * right; then the variance is left * right / 3 and the third moment
    left * right * (right - left) / 4, which gives both reaches.
    """
    offset = _gap(values, values[0]).astype(np.float64)
    mean, variance = float(offset.mean()), float(offset.var())
    lean = 2 * float(((offset - mean) ** 3).mean()) / (3 * variance) if variance > 0 and not spread else 0.0
    half = (lean**2 + 3 * variance) ** 0.5
    left, right = half - lean, half + lean
    middle = int(values[0]) + int(mean)
    if spread:
        left = right = max(half, float(cells_least) * float(step), abs(middle) / 50)
    first, last = middle - int(left), middle + int(right)
    if int(values[0]) >= 0:
        first = max(first, int(values[0]) % int(step))
    first, last = max(first, -(2**63) + int(step)), min(last, 2**63 - 1 - int(step))
    bottom = _floor(np.int64(first), anchor, step)
    if int(values[0]) >= 0 and bottom < 0:
        bottom = np.int64(int(bottom) + int(step))
    cells = max(0, (last - int(bottom)) // int(step)) + 1
    below = min(max(0, (middle - int(bottom)) // int(step)) + 1, cells)
    share = round(1024 * right / (left + right)) if left + right > 0 else 1024
    parts = [(int(bottom), below, share), (int(bottom) + below * int(step), cells - below, 1024 - share)]
    parts = [part for part in parts if part[1] and part[2]]
    weights = np.cumsum([weight * values.size for _, _, weight in parts])
    return Bins(
        upper=np.array([high], np.int64),
        ends=weights[-1:].astype(np.int64),
        low=np.array([start for start, _, _ in parts], np.int64),
        cells=np.array([many for _, many, _ in parts], np.uint64),
        running=weights.astype(np.int64),
        step=np.array([step], np.uint64),
    )


def _support(labels: Integers, groups: Integers | None, size: int, entities: int) -> Integers:
    """How many entities carry each label; ``groups`` None: every row is one."""
    if groups is None:
        return np.bincount(labels, minlength=size)
    return _support_of_pairs(labels.astype(np.int64) * entities + groups, entities, size)


def _partition(
    distinct: Integers,
    inverse: Integers,
    counts: Integers,
    support: Integers,
    groups: Integers | None,
    entities: int,
    protection: int,
    max_codes: int,
) -> Integers:
    """The bin of every distinct value, ascending: spikes alone, the rest by quantiles, none thinner than allowed."""
    rows = int(counts.sum())
    least = min(20, max(rows // 20, 1))
    spike = (counts * 200 >= rows) & (counts >= least) & (support >= protection)
    loose = int(counts[~spike].sum())
    target = max(loose / max_codes, 10.0)
    run = np.cumsum(np.concatenate(([False], spike[1:] | spike[:-1])))
    run_rows = np.bincount(run, weights=counts).astype(np.int64)
    parts = np.maximum(1, (run_rows / target).astype(np.int64))
    is_spike = np.zeros(run_rows.size, bool)
    is_spike[run[spike]] = True
    parts[is_spike] = 1
    before = np.cumsum(counts) - counts - (np.cumsum(run_rows) - run_rows)[run]
    part = (2 * before + counts) * parts[run] // (2 * run_rows[run])
    labels = np.unique(run * (max_codes + rows + 1) + part, return_inverse=True)[1].astype(np.int64)
    while labels[-1] > 0:
        size = int(labels[-1]) + 1
        held = np.bincount(labels, weights=counts, minlength=size).astype(np.int64)
        wide = _support(labels[inverse], groups, size, entities)
        thin = (wide < protection) | (held < min(8, least))
        if not thin.any():
            break
        labels = _merged(labels, held, thin)
    return labels


def _merged(labels: Integers, held: Integers, thin: npt.NDArray[np.bool_]) -> Integers:
    """Labels after every thin bin joined its smaller neighbour."""
    joins = np.zeros(held.size, bool)  # bin i joins bin i - 1
    for i in np.flatnonzero(thin).tolist():
        if joins[i] or (i + 1 < held.size and joins[i + 1]):
            continue
        left = held[i - 1] if i > 0 else np.inf
        right = held[i + 1] if i + 1 < held.size else np.inf
        joins[i if left <= right else i + 1] = True
    return np.cumsum(~joins)[labels] - 1


def _upper(distinct: Integers, bin_of: Integers) -> Integers:
    """The largest integer of every bin: beside a single value the value itself decides, else the middle of the gap."""
    last = np.flatnonzero(np.diff(bin_of, append=bin_of[-1] + 1))
    first = np.concatenate(([0], last[:-1] + 1))
    single = first == last
    ends, starts = distinct[last], distinct[first]
    upper = ends.copy()
    middle = (ends[:-1].view(np.uint64) + (_gap(starts[1:], ends[:-1]) >> np.uint64(1))).view(np.int64)
    upper[:-1] = np.where(single[:-1], ends[:-1], np.where(single[1:], starts[1:] - 1, middle))
    return upper


def _segments(
    distinct: Integers,
    counts: Integers,
    support: Integers,
    bin_of: Integers,
    upper: Integers,
    protection: int,
    step: np.uint64,
    owners: Integers | None,
    entities: int,
) -> Bins:
    """``owners``: every pair of a distinct value and an entity that has it, value * entities + entity; None: each row
    is an entity."""
    known = support >= protection
    if int(known.sum()) > MOST_POINTS:
        spare = np.flatnonzero(known)
        order = np.lexsort((spare, -counts[spare]))
        known[spare[order[MOST_POINTS:]]] = False
    size = upper.size
    bin_rows = np.bincount(bin_of, weights=counts, minlength=size).astype(np.int64)
    scale = np.clip(2**29 // np.maximum(bin_rows, 1), 1, 1024)

    points = np.flatnonzero(known)
    low, high = distinct[points], distinct[points]
    weight, owner = counts[points] * scale[bin_of[points]], bin_of[points]

    loose = np.flatnonzero(~known)
    # Too few entities to describe: their rows go to the values of the bin that are protected.
    wide = np.bincount(bin_of[loose], weights=support[loose], minlength=size).astype(np.int64)
    has_point = np.bincount(owner, minlength=size) > 0
    loose = loose[(wide[bin_of[loose]] >= protection) | ~has_point[bin_of[loose]]]
    if loose.size:
        run = _pieces(distinct, counts, support, bin_of, loose, wide, protection, step, owners, entities)
        cut = _cut(*run, distinct[points], step, scale)
        low, high = np.concatenate([low, cut[0]]), np.concatenate([high, cut[1]])
        weight, owner = np.concatenate([weight, cut[2]]), np.concatenate([owner, cut[3]])
    order = np.lexsort((low, owner))
    low, high, weight, owner = low[order], high[order], weight[order], owner[order]
    running = np.cumsum(weight)
    last = np.searchsorted(owner, np.arange(size), side="right") - 1
    return Bins(
        upper=upper,
        ends=running[last],
        low=low,
        cells=_gap(high, low) // step + np.uint64(1),
        running=running,
        step=np.array([step], np.uint64),
    )


def _pieces(
    distinct: Integers,
    counts: Integers,
    support: Integers,
    bin_of: Integers,
    loose: Integers,
    wide: Integers,
    protection: int,
    step: np.uint64,
    owners: Integers | None,
    entities: int,
) -> tuple[Integers, Integers, Integers, Integers]:
    """Runs of grid values with the mean and spread of at least ``protection`` entities each: low, high, rows, bin."""
    values, rows, weight, owner = distinct[loose], counts[loose], support[loose], bin_of[loose]
    parts = np.clip(wide // protection, 1, PIECES)[owner]
    total = wide[owner]
    running = np.cumsum(weight) - weight
    begins = np.searchsorted(owner, owner, side="left")
    part = (running - running[begins]) * parts // total
    label = np.unique(owner * (PIECES + 1) + part, return_inverse=True)[1]
    label = _wide_enough(label, owner, weight, loose, protection, owners, entities)
    size = int(label[-1]) + 1
    first = np.searchsorted(label, np.arange(size), side="left")
    last = np.searchsorted(label, np.arange(size), side="right") - 1
    bottom, top = values[first], values[last]
    offset = _gap(values, bottom[label]).astype(np.float64)
    held = np.bincount(label, weights=weight)
    mean = np.bincount(label, weights=weight * offset) / held
    variance = np.bincount(label, weights=weight * (offset - mean[label]) ** 2) / held
    half = _ROOT3 * np.sqrt(variance)
    # Ends inside the reach of the piece keep pieces apart, and so decoding monotone.
    reach = _gap(top, bottom).astype(np.float64)
    grid = float(step)
    start = np.rint(np.clip(mean - half, 0, reach) / grid)
    stop = np.rint(np.clip(mean + half, 0, reach) / grid)
    low = (bottom.view(np.uint64) + start.astype(np.uint64) * step).view(np.int64)
    high = (bottom.view(np.uint64) + np.maximum(start, stop).astype(np.uint64) * step).view(np.int64)
    low, high = np.minimum(low, top), np.minimum(high, top)
    return low, high, np.bincount(label, weights=rows).astype(np.int64), owner[first]


def _wide_enough(
    label: Integers,
    owner: Integers,
    weight: Integers,
    loose: Integers,
    protection: int,
    owners: Integers | None,
    entities: int,
) -> Integers:
    """Ascending labels of pieces after every piece with too few entities joined its smaller neighbour in its bin."""
    if owners is not None:
        place = np.searchsorted(loose, owners // entities)
        found = loose[np.minimum(place, loose.size - 1)] == owners // entities
        place, entity = place[found], owners[found] % entities
    while True:
        size = int(label[-1]) + 1
        held = np.bincount(label, weights=weight, minlength=size).astype(np.int64)
        reach = held
        if owners is not None:
            reach = _support_of_pairs(label[place] * np.int64(entities) + entity, entities, size)
        bin_of = owner[np.searchsorted(label, np.arange(size))]
        inner = np.concatenate(([False], bin_of[1:] == bin_of[:-1], [False]))  # piece i has piece i - 1 in its bin
        thin = (reach < protection) & (inner[:-1] | inner[1:])
        if not thin.any():
            return label
        left = np.where(inner[:-1], np.concatenate(([0], held[:-1])).astype(np.float64), np.inf)
        right = np.where(inner[1:], np.concatenate((held[1:], [0])).astype(np.float64), np.inf)
        target = np.where(left <= right, np.arange(size), np.arange(size) + 1)[thin]
        # Of neighbours that would all join one after the other only every second does, so that runs stay short.
        target = target[np.diff(target, prepend=-2) > 1]
        joins = np.zeros(size + 1, bool)
        joins[target] = True
        label = (np.cumsum(~joins[:-1]) - 1)[label]


def _support_of_pairs(pairs: Integers, entities: int, size: int) -> Integers:
    return np.bincount(np.unique(pairs) // entities, minlength=size)


def _cut(
    low: Integers,
    high: Integers,
    rows: Integers,
    owner: Integers,
    points: Integers,
    step: np.uint64,
    scale: Integers,
) -> tuple[Integers, Integers, Integers, Integers]:
    """Runs cut at the single values inside them, so that segments are disjoint: low, high, weight, bin."""
    begin = np.searchsorted(points, low, side="left")
    inside = np.searchsorted(points, high, side="right") - begin
    run = np.repeat(np.arange(low.size), inside + 1)
    position = np.arange(run.size) - np.repeat(np.cumsum(inside + 1) - (inside + 1), inside + 1)
    stride = np.int64(step)
    padded = np.concatenate([points, [0]])
    left = np.where(position > 0, padded[begin[run] + position - 1] + stride, low[run])
    right = np.where(position < inside[run], padded[begin[run] + position] - stride, high[run])
    keep = right >= left
    run, left, right = run[keep], left[keep], right[keep]
    cells = (_gap(right, left) // step).astype(np.float64) + 1
    whole = np.bincount(run, weights=cells, minlength=low.size)
    weight = np.maximum(1, (rows[run] * scale[owner[run]] * (cells / whole[run])).astype(np.int64))
    return left, right, weight, owner[run]
