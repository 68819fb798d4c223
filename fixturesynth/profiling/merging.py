"""Two profiles of parts of the rows to one, without the rows.

Counts add. Quantiles are read as weighted sketches: every quantile stands for its share of the part's rows, and the
merged ones are read off their union (the idea of mergeable summaries: Agarwal and others, PODS 2012). What was
protected in a part stays protected.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from fractions import Fraction
from math import gcd
from typing import Any, TypeVar, cast

import numpy as np

from fixturesynth.errors import InputError
from fixturesynth.profiling.profile import (
    CardinalityProfile,
    ColumnKind,
    ColumnProfile,
    DocumentShape,
    Invariant,
    Profile,
    TableProfile,
)

__all__ = ["merge"]

T = TypeVar("T")
Counted = tuple[tuple[Any, int], ...]

MOST = {"values": 5_000, "words": 2_000, "patterns": 64, "spikes": 200, "documents": 2_000, "forms": 256, "often": 64}
# Of two kinds the later one holds for both; the same data in parts may look like either.
_WIDTH: tuple[ColumnKind, ...] = (
    "empty", "constant", "boolean", "identifier", "categorical", "integer", "number", "datetime", "code", "text",
    "json", "array", "binary",
)  # fmt: skip


def merge(a: Profile, b: Profile) -> Profile:
    """The profile of both parts together; InputError when they are not of the same tables and columns."""
    if a.tables.keys() != b.tables.keys():
        only = sorted(a.tables.keys() ^ b.tables.keys())
        raise InputError(
            f"profiles of different tables cannot be merged ({', '.join(only)}); profile both by one schema"
        )
    return Profile(
        tables={name: _table(a.tables[name], b.tables[name]) for name in a.tables},
        protection=min(a.protection, b.protection),
        sampled=a.sampled or b.sampled,
    )


def _table(a: TableProfile, b: TableProfile) -> TableProfile:
    if a.columns.keys() != b.columns.keys():
        only = sorted(a.columns.keys() ^ b.columns.keys())
        raise InputError(
            f"profiles of table {a.name!r} differ in columns {', '.join(only)}; profile both by one schema"
        )
    if not a.rows or not b.rows:
        return a if a.rows else b
    both = a.reference and b.reference
    return TableProfile(
        name=a.name,
        rows=a.rows + b.rows,
        columns={name: merge_columns(a.columns[name], b.columns[name]) for name in a.columns},
        cardinalities=_cardinalities(a.cardinalities, b.cardinalities),
        invariants=_invariants(a.invariants, b.invariants),
        unique_sets=tuple(s for s in a.unique_sets if s in b.unique_sets),
        reference=both,
        reference_why=(b if a.reference else a).reference_why,
    )


def merge_columns(a: ColumnProfile, b: ColumnProfile) -> ColumnProfile:
    """One column in two parts."""
    if not a.distinct and a.kind == "empty":
        return replace(b, rows=a.rows + b.rows, nulls=a.nulls + b.nulls)
    if not b.distinct and b.kind == "empty":
        return replace(a, rows=a.rows + b.rows, nulls=a.nulls + b.nulls)
    kind = _kind(a, b)
    if a.unit != b.unit:
        a, b = _in_microseconds(a), _in_microseconds(b)
    weights = (a.rows - a.nulls, b.rows - b.nulls)
    numeric = kind in ("integer", "number", "datetime", "boolean", "constant", "identifier", "categorical")
    listed = kind not in ("identifier", "text", "code", "json", "binary") and _all_listed(a) and _all_listed(b)
    values = _add(a.values, b.values, "values") if listed else ()
    decimals = None if a.decimals is None or b.decimals is None else max(a.decimals, b.decimals)
    return ColumnProfile(
        name=a.name,
        kind=kind,
        rows=a.rows + b.rows,
        nulls=a.nulls + b.nulls,
        distinct=_distinct(a, b, values),
        meaning=a.meaning if a.meaning == b.meaning or weights[0] >= weights[1] else b.meaning,
        unique=a.unique and b.unique and not (a.sequence and b.sequence and _overlap(a, b)),
        minimum=_known(min, a.minimum, b.minimum) if numeric else None,
        maximum=_known(max, a.maximum, b.maximum) if numeric else None,
        quantiles=_quantiles(a.quantiles, b.quantiles, weights, decimals) if numeric else (),
        decimals=decimals if numeric else None,
        step=_step(a.step, b.step) if numeric else None,
        spikes=_add(a.spikes, b.spikes, "spikes") if numeric and kind != "identifier" else (),
        values=values,
        rare=a.rare + b.rare if listed else 0,
        known=tuple(sorted({*a.known, *b.known})) if listed else (),
        format=_format(a, b),
        unit=a.unit,
        sequence=_sequence(a, b),
        patterns=_add(a.patterns, b.patterns, "patterns") if kind in ("code", "categorical", "identifier") else (),
        lengths=tuple(int(v) for v in _quantiles(a.lengths, b.lengths, weights, 0)),
        words=_add(a.words, b.words, "words") if kind == "text" else (),
        writing=_heavier(a, b, weights).writing if kind in ("code", "text", "categorical", "identifier") else None,
        json_shape=_either(_shapes, a.json_shape, b.json_shape) if kind in ("json", "array") else None,
        documents=_add(a.documents, b.documents, "documents") if a.documents and b.documents else (),
        copied=a.copied if a.copied == b.copied else None,
        partly=a.partly if a.partly == b.partly else None,
        around=a.around if a.around == b.around else None,
        twin=a.twin if a.twin == b.twin else None,
        numbering=_heavier(a, b, weights).numbering if a.numbering and b.numbering else None,
        near=a.near if a.near == b.near else None,
        composed=_composed(a, b, weights),
    )


def _composed(a: ColumnProfile, b: ColumnProfile, weights: tuple[int, int]) -> Mapping[str, Any] | None:
    """What both are made of, with the rest of the one with more rows."""
    if a.composed is None or b.composed is None or a.composed["pieces"] != b.composed["pieces"]:
        return None
    return _heavier(a, b, weights).composed


def _either(join: Callable[[T, T], T], a: T | None, b: T | None) -> T | None:
    """Both joined, or the one that is there."""
    return join(a, b) if a is not None and b is not None else b if a is None else a


def _shapes(a: DocumentShape, b: DocumentShape) -> DocumentShape:
    names = [*a.keys, *(name for name in b.keys if name not in a.keys)]
    types = (*a.types, *(t for t in b.types if t not in a.types))
    return DocumentShape(
        rows=a.rows + b.rows,
        types={t: a.types.get(t, 0) + b.types.get(t, 0) for t in types},
        leaves={
            t: leaf for t in types if (leaf := _either(merge_columns, a.leaves.get(t), b.leaves.get(t))) is not None
        },
        often=_add(a.often, b.often, "often"),
        digits=a.digits if a.digits == b.digits else None,
        keys={n: shape for n in names if (shape := _either(_shapes, a.keys.get(n), b.keys.get(n))) is not None},
        extra=_either(merge_columns, a.extra, b.extra),
        names=_either(merge_columns, a.names, b.names),
        others=_either(_shapes, a.others, b.others),
        sizes=_either(merge_columns, a.sizes, b.sizes),
        items=_either(_shapes, a.items, b.items),
        distinct=a.distinct and b.distinct,
        order=a.order if a.order == b.order else 0,
        forms=_add(a.forms, b.forms, "forms") if a.forms and b.forms else (),
        compact=a.compact and b.compact,
    )


def _kind(a: ColumnProfile, b: ColumnProfile) -> ColumnKind:
    if a.kind == b.kind:
        same = a.kind != "constant" or a.values == b.values or {v for v, _ in a.values} == {v for v, _ in b.values}
        if same:
            return a.kind
        return _unlike_constant(a, b)
    wider = max(a.kind, b.kind, key=_WIDTH.index)
    if wider in ("boolean", "categorical", "identifier") and a.decimals is not None and b.decimals is not None:
        return "integer"
    return wider


def _unlike_constant(a: ColumnProfile, b: ColumnProfile) -> ColumnKind:
    if a.format:
        return "datetime"
    values = [v for v, _ in (*a.values, *b.values)]
    if all(isinstance(v, bool) or v in (0, 1) for v in values):
        return "boolean"
    return "integer" if a.decimals is not None else "categorical"


def _in_microseconds(column: ColumnProfile) -> ColumnProfile:
    factor = {"days": 86_400_000_000, "seconds": 1_000_000}.get(column.unit, 1)
    return replace(
        column,
        unit="microseconds",
        minimum=None if column.minimum is None else int(column.minimum) * factor,
        maximum=None if column.maximum is None else int(column.maximum) * factor,
        quantiles=tuple(int(v) * factor for v in column.quantiles),
        step=None if column.step is None else column.step * factor,
        spikes=tuple((int(v) * factor, n) for v, n in column.spikes),
        values=tuple((int(v) * factor, n) for v, n in column.values),
        sequence=None,
    )


def _format(a: ColumnProfile, b: ColumnProfile) -> str | None:
    """Of two writings of a time the one that can write a fraction, with hours past midnight where either has them."""
    found = max((a.format, b.format), key=lambda f: (f is not None and f.endswith("f"), len(f or "")))
    past = found is not None and any("%J" in (f or "") for f in (a.format, b.format))
    return found.replace("%H", "%J") if found is not None and past else found


def _all_listed(column: ColumnProfile) -> bool:
    return bool(column.values) or column.rare > 0


def _add(a: Counted, b: Counted, what: str) -> Counted:
    found: dict[Any, int] = {}
    for value, rows in (*a, *b):
        found[value] = found.get(value, 0) + rows
    return tuple(sorted(found.items(), key=lambda pair: -pair[1])[: MOST[what]])


def _distinct(a: ColumnProfile, b: ColumnProfile, values: Counted) -> int:
    if values and not a.rare and not b.rare:
        return len(values)
    if a.unique and b.unique:
        return a.distinct + b.distinct
    small, large = sorted((a, b), key=lambda c: c.distinct)
    # The more often values repeat inside the smaller part, the more of them the larger one has too.
    fresh = small.distinct / max(small.rows - small.nulls, 1)
    return large.distinct + round(small.distinct * fresh)


def _overlap(a: ColumnProfile, b: ColumnProfile) -> bool:
    if a.minimum is None or b.minimum is None or a.maximum is None or b.maximum is None:
        return False
    shared = min(a.maximum, b.maximum) - max(a.minimum, b.minimum)
    step = max(abs(a.sequence[1]) if a.sequence else 1, 1)
    narrower = min(a.distinct, b.distinct)
    return shared / step + 1 > narrower / 2


def _known(pick: Callable[[T, T], T], a: T | None, b: T | None) -> T | None:
    if a is None or b is None:
        return b if a is None else a
    return pick(a, b)


def _quantiles(
    a: tuple[float, ...], b: tuple[float, ...], weights: tuple[int, int], decimals: int | None
) -> tuple[float, ...]:
    if not a or not b:
        return a or b
    size = max(len(a), len(b))
    points = np.concatenate((np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)))
    # An end quantile stands for half a gap, so the ends weigh half.
    mass = np.concatenate([_mass(len(part), weight) for part, weight in zip((a, b), weights, strict=True)])
    exact: list[float] = [*a, *b]
    order = np.argsort(points, kind="stable")
    reached = np.cumsum(mass[order])
    wanted = np.linspace(0, reached[-1], size)
    places = np.minimum(np.searchsorted(reached, wanted - 1e-9 * reached[-1]), points.size - 1)
    places[0], places[-1] = 0, points.size - 1
    picked = [exact[int(order[p])] for p in places]
    return tuple(int(v) if decimals == 0 else v for v in picked)


def _mass(size: int, weight: int) -> "np.ndarray[Any, np.dtype[np.float64]]":
    mass = np.full(size, weight / max(size - 1, 1))
    mass[[0, -1]] /= 2
    return mass


def _step(a: float | None, b: float | None) -> float | None:
    if a is None or b is None:
        return None
    x, y = (Fraction(str(v)).limit_denominator(10**9) for v in (a, b))
    return float(Fraction(gcd(x.numerator * y.denominator, y.numerator * x.denominator), x.denominator * y.denominator))


def _sequence(a: ColumnProfile, b: ColumnProfile) -> tuple[int, int] | None:
    """Parts of one counter, one after the other."""
    if not a.sequence or not b.sequence or a.sequence[1] != b.sequence[1] or _overlap(a, b):
        return None
    return min(a.sequence, b.sequence)


def _heavier(a: ColumnProfile, b: ColumnProfile, weights: tuple[int, int]) -> ColumnProfile:
    return a if weights[0] >= weights[1] else b


def _cardinalities(a: Iterable[CardinalityProfile], b: Iterable[CardinalityProfile]) -> tuple[CardinalityProfile, ...]:
    theirs = {c.foreign_key: c for c in b}
    merged = []
    for ours in a:
        other = theirs.get(ours.foreign_key)
        if other is None:
            continue
        children = max(ours.children + other.children, 1)
        counts = _add(ours.counts, other.counts, "values")
        merged.append(
            CardinalityProfile(
                foreign_key=ours.foreign_key,
                parent=ours.parent,
                children=ours.children + other.children,
                nulls=ours.nulls + other.nulls,
                dangling=ours.dangling + other.dangling,
                counts=cast(tuple[tuple[int, int], ...], tuple(sorted(counts))),
                skew=(ours.skew * ours.children + other.skew * other.children) / children,
                explains=(ours.explains * ours.children + other.explains * other.children) / children,
            )
        )
    return tuple(merged)


def _invariants(a: Iterable[Invariant], b: Iterable[Invariant]) -> tuple[Invariant, ...]:
    """Rules that hold in both parts alike."""

    def same(rule: Invariant) -> tuple[Any, ...]:
        return (rule.kind, rule.table, rule.target, rule.sources, rule.foreign_key, _frozen(rule.parameters))

    theirs = {same(rule): rule for rule in b}
    return tuple(replace(rule, support=rule.support + theirs[same(rule)].support) for rule in a if same(rule) in theirs)


def _frozen(parameters: Mapping[str, Any]) -> str:
    return repr(sorted(parameters.items()))
