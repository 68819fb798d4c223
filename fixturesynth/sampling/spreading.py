"""Moving learned values apart until a set of columns is unique."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from fixturesynth.arrays import array_of, fill_null, numpy_of
from fixturesynth.errors import CapacityError
from fixturesynth.generators.calendar import PER_DAY
from fixturesynth.generators.offsets import add_offset, offset_facts, offsets
from fixturesynth.planning.plan import Derived, Modelled, UniquePlan
from fixturesynth.rules.choice import rule_for_column
from fixturesynth.rules.contract import RuleRequest
from fixturesynth.rules.registry import capacity
from fixturesynth.rules.sampling import sample_rule
from fixturesynth.sampling.assembly import Assembly
from fixturesynth.sampling.matching import codes_of, pair_keys, separate
from fixturesynth.sampling.partition import context_of
from fixturesynth.schema.predicates import compile_constraints

__all__ = ["by_grid", "by_separation", "hanging_on", "moved_apart", "others", "spread"]

Integers = npt.NDArray[np.int64]
Columns = dict[str, pa.Array]

ROOMY = 8  # distinct values for each row of the largest group, with which they move easily
FEW_TURNS = 3  # in which that is tried
MOST_CELLS = 1_000_000  # of a grid
MOST_ALLOWED = 1_000  # numbers that a check allows, to be tried beside those that were drawn


def _valid(values: pa.Array) -> npt.NDArray[np.bool_]:
    return numpy_of(values.is_valid())


def others(columns: Columns, unique: UniquePlan, but: set[str], rows: Integers) -> Integers:
    """One integer for each distinct tuple of the set's other columns, shape (rows,)."""
    parts = [codes_of(columns[c])[rows] for c in unique.columns if c not in but]
    return pair_keys(*parts) if parts else np.zeros(rows.size, dtype=np.int64)


def spread(assembly: Assembly, columns: Columns, unique: UniquePlan, rows: Integers, name: str) -> pa.Array | None:
    """Values of ``name`` moved until no two of ``rows`` agree in all of the set; None where moving cannot do it.

    A moment moves by whole weeks or days first, so that it keeps its weekday and its hour.
    """
    values = columns[name]
    groups = others(columns, unique, {name}, rows)
    what = f"{assembly.table.name}: ({', '.join(unique.columns)})"
    kind = {"temporal": "temporal", "numeric": "numeric"}.get(_encoding(assembly, name))
    if kind is not None:
        facts = offset_facts(values, kind)
        if facts is None:
            return None
        zero = _zero(values, facts)
        distance = offsets(values, zero, facts)
        if distance is None:
            return None
        integers = numpy_of(fill_null(distance, 0))
        step = _step(integers[rows])
        base = int(integers[rows].min(initial=0))
        scaled = (integers[rows] - base) // step
        settled = integers.copy()
        strides = _strides(str(facts.get("unit", "")), step)
        # Values stay between those that were learned, unless a group needs more room than that.
        high = int(scaled.max(initial=0))
        roomy = int(np.bincount(groups).max(initial=0)) <= high + 1
        settled[rows] = separate(groups, scaled, 0, high if roomy else None, what, strides) * step + base
        valid = _valid(values)
        made = add_offset(zero, array_of(settled, pa.int64(), mask=~valid), facts, values.type)
        return made if kind != "numeric" or _allowed(assembly, name, values, made) else None
    numbered = _numbered(assembly, values, rows, groups, what)
    if numbered is not None:
        return numbered
    encoded = pc.dictionary_encode(values)
    codes = numpy_of(fill_null(encoded.indices, -1)).astype(np.int64)
    out = codes.copy()
    wide = int(np.bincount(groups).max(initial=0))
    known = encoded.dictionary
    if wide > len(known):
        known = _more(assembly, name, known, wide)
    try:
        out[rows] = separate(groups, codes[rows], 0, len(known) - 1, what)
    except CapacityError:
        return None
    return known.take(array_of(out, pa.int64(), mask=out < 0))


def _allowed(assembly: Assembly, name: str, before: pa.Array, after: pa.Array) -> bool:
    """Whether the checks on the column allow every number that is new in it."""
    domain = compile_constraints(assembly.table, assembly.dialect).domains.get(name)
    if domain is None:
        return True
    fresh = pc.unique(after.filter(pc.invert(pc.is_in(after, value_set=pc.unique(before)))))
    return all(map(domain.tester(), fresh.drop_null().to_pylist()))


def by_separation(assembly: Assembly, columns: Columns, unique: UniquePlan, rows: Integers, turn: int) -> bool:
    """The set's own learned number or moment moves to the nearest free value, where there is much room for it.

    A parent that changed rows instead would get children such as none of its own are.
    """
    name = unique.flex
    if name is None or name not in assembly.base or turn >= FEW_TURNS:
        return False
    source = assembly.plan.column(name).source
    if not isinstance(source, Modelled) or source.encoding == "categorical" or name in hanging_on(assembly, unique):
        return False
    groups = others(columns, unique, {name}, rows)
    if int(np.bincount(groups).max(initial=0)) * ROOMY > pc.count_distinct(columns[name].take(array_of(rows))).as_py():
        return False
    return moved_apart(assembly, columns, unique, rows, name)


def by_grid(assembly: Assembly, columns: Columns, unique: UniquePlan, rows: Integers, turn: int) -> bool:
    """Learned columns move together to free places of the grid of their values: every year has four quarters, and no
    year or quarter alone has room for what was drawn too often."""
    hanging = hanging_on(assembly, unique)
    names = [c for c in unique.columns if isinstance(assembly.plan.column(c).source, Modelled) and c in assembly.base]
    names = [c for c in names if c not in hanging]
    pools = [_pool(assembly, name, columns[name]) for name in names]
    shape = tuple(map(len, pools))
    size = math.prod(shape)
    if len(names) < 2 or not 0 < size <= MOST_CELLS or any(columns[n].take(array_of(rows)).null_count for n in names):
        return False  # NULL has no place in the grid
    own = [
        numpy_of(pc.index_in(columns[n].take(array_of(rows)), value_set=p)) for n, p in zip(names, pools, strict=True)
    ]
    cell = np.ravel_multi_index([codes.astype(np.int64) for codes in own], shape)
    groups = others(columns, unique, set(names), rows)
    first = np.zeros(rows.size, dtype=bool)
    first[np.unique(pair_keys(groups, cell), return_index=True)[1]] = True
    for group in np.unique(groups[~first]).tolist():
        inside = groups == group
        free = np.setdiff1d(np.arange(size), cell[inside & first])
        waiting = np.flatnonzero(inside & ~first)
        if free.size < waiting.size:
            return False
        # In the order of the grid each takes the next free place, and the last ones are pushed back.
        waiting = waiting[np.argsort(cell[waiting], kind="stable")]
        count = np.arange(waiting.size)
        place = np.maximum.accumulate(np.searchsorted(free, cell[waiting]) - count) + count
        cell[waiting] = free[np.minimum(place, free.size - waiting.size + count)]
    for name, pool, codes in zip(names, pools, np.unravel_index(cell, shape), strict=True):
        made = columns[name]
        index = np.arange(len(made))
        index[rows] = len(made) + codes
        assembly.base[name] = pa.concat_arrays([made, pool]).take(array_of(index))
        if assembly.model is not None and name in assembly.model.offsets:
            _fix_value(assembly, name)
    return True


def _pool(assembly: Assembly, name: str, values: pa.Array) -> pa.Array:
    """Values that a column may take, ascending: those that were drawn, and those that a check lists or bounds."""
    domain = compile_constraints(assembly.table, assembly.dialect).domains.get(name)
    known = pc.unique(values).drop_null()
    if domain is not None:
        low, high = domain.low, domain.high
        more: list[object] = list(domain.allowed or ())
        if (
            pa.types.is_integer(known.type)
            and isinstance(low, int)
            and isinstance(high, int)
            and high - low < MOST_ALLOWED
        ):
            more += range(low, high + 1)
        fits = domain.tester()
        added = array_of([v for v in more if v is not None and fits(v)], known.type)
        known = pc.unique(pa.concat_arrays([known, added]))
    return known.take(pc.array_sort_indices(known))


def moved_apart(assembly: Assembly, columns: Columns, unique: UniquePlan, rows: Integers, name: str) -> bool:
    """Whether the values of a learned column could be moved until the set is unique; then they are."""
    made = spread(assembly, columns, unique, rows, name)
    if made is None:
        return False
    assembly.base[name] = made
    if assembly.model is not None and name in assembly.model.offsets:
        _fix_value(assembly, name)
    return True


def hanging_on(assembly: Assembly, unique: UniquePlan) -> set[str]:
    """Columns of which others of the set are derived."""
    return {
        s for p in assembly.plan.columns if isinstance(p.source, Derived) and not p.source.foreign_key
        for s in p.source.sources if p.name in unique.columns
    }  # fmt: skip


def _fix_value(assembly: Assembly, name: str) -> None:
    """The column's values are final now: it is no longer counted from its base."""
    assert assembly.model is not None
    offsets_left = {k: v for k, v in assembly.model.offsets.items() if k != name}
    assembly.model = replace(assembly.model, offsets=offsets_left)


def _more(assembly: Assembly, name: str, known: pa.Array, size: int) -> pa.Array:
    """At least ``size`` distinct values where a rule has them: those there are, then made-up ones."""
    column = assembly.table.column(name)
    domain = compile_constraints(assembly.table, assembly.dialect).domains.get(name)
    call = rule_for_column(
        assembly.table.name, column, None, domain, locale=assembly.locale, unique=True, rows=2 * size
    )
    context = context_of(assembly.table, name, assembly.locale, assembly.now)
    if call is None or capacity(call, context) < 1:
        return known
    count = min(2 * size, capacity(call, context))
    made = sample_rule(call, RuleRequest(assembly.seed, context, np.arange(count), 0, {})).cast(known.type)
    return pc.unique(pa.concat_arrays([known, made]))


def _numbered(assembly: Assembly, values: pa.Array, rows: Integers, groups: Integers, what: str) -> pa.Array | None:
    """Whole numbers kept as text, of one width or without leading zeros, are moved as the numbers they are."""
    if not pa.types.is_string(values.type) or not rows.size:
        return None
    texts = pc.unique(values).drop_null()
    if not pc.all(pc.match_substring_regex(texts, r"^(0|[1-9]\d{0,8}|0\d{0,8})$")).as_py():
        return None
    widths = set(pc.utf8_length(texts).to_pylist())
    padded = pc.any(pc.match_substring_regex(texts, r"^0\d")).as_py()
    if padded and len(widths) > 1:
        return None
    integers = numpy_of(fill_null(pc.cast(values, pa.int64()), 0)).copy()
    high = 10 ** max(widths) - 1 if padded else None
    low = int(integers[rows].min())
    integers[rows] = separate(groups, integers[rows], low, high, what)
    text = pc.cast(array_of(integers), pa.string())
    made = pc.utf8_lpad(text, max(widths), "0") if padded else text
    return pc.if_else(values.is_valid(), made, values)


def _encoding(assembly: Assembly, name: str) -> str:
    source = assembly.plan.column(name).source
    return source.encoding if isinstance(source, Modelled) else ""


def _zero(values: pa.Array, facts: dict[str, object]) -> pa.Array:
    """The first value, everywhere: a base from which distances are exact."""
    index = int(np.flatnonzero(_valid(values))[0]) if values.null_count < len(values) else 0
    return values.take(array_of(np.full(len(values), index, dtype=np.int64)))


def _step(integers: Integers) -> int:
    """The grid on which all the values lie."""
    step = int(np.gcd.reduce(integers - integers.min(initial=0))) if integers.size else 1
    return max(step, 1)


def _strides(unit: str, step: int) -> tuple[int, ...]:
    """Grid steps in a week and in a day, where they are whole, then one."""
    day = PER_DAY.get(unit, 0)
    return (*(n * day // step for n in (7, 1) if day and day % step == 0 and day > step), 1)
