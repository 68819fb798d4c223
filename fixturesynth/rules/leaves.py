"""Where the values of one type inside of documents and arrays come from: listed ones, numbers, moments, other rules.

A part gives ``raw`` values for words, one each, in any Arrow type that can be cast to text.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from fixturesynth.arrays import array_of, fill_null, join_texts, numpy_of, scalar_of
from fixturesynth.profiling.temporal import format_temporal
from fixturesynth.randomness import below, choose, hashed
from fixturesynth.rules.contract import ColumnContext, Integers, RuleCall, Words
from fixturesynth.rules.grammar import Bits, drawn
from fixturesynth.rules.numbers import along

__all__ = [
    "Mixture",
    "Moments",
    "Numbers",
    "Ruled",
    "Values",
    "as_told",
    "decimal_texts",
    "gathered",
    "number_text",
    "part_of",
    "quoted",
    "without",
]

MANY: Final = 2**31 - 1
WRITTEN_OUT: Final = 30  # zeros at the end of a number


def number_text(value: float, digits: int | None) -> str:
    """A number that is not whole as JSON, with so many digits after the point where there are as many in all.

    >>> number_text(2.5, 2), number_text(2.0, None)
    ('2.50', '2.0')
    """
    return repr(float(value)) if digits is None else f"{value:.{digits}f}"


class Values:
    """Values with weights."""

    def __init__(self, options: Mapping[str, Any]) -> None:
        self.pool = array_of(options["values"])
        self.weights = np.array(options["weights"], np.int64)
        self.running = np.cumsum(self.weights)

    def raw(self, words: Words) -> pa.Array:
        return self.pool.take(array_of(choose(words, self.running)))


class Numbers:
    """Numbers along quantiles, in units of their last digit; ``digits``: how many are written after the point."""

    def __init__(self, options: Mapping[str, Any], digits: int | None) -> None:
        self.knots = [int(k) for k in options["knots"]]
        self.scale, self.step, self.digits = int(options["scale"]), int(options.get("step", 1)), digits
        spikes = options.get("spikes")
        self.spikes = Values(spikes) if spikes else None
        self.often = np.cumsum(options.get("often", [0, 1]), dtype=np.int64)

    def units(self, words: Words) -> Integers:
        one = np.full(len(words), self.knots[0], np.int64)
        units = along(self.knots, Bits(hashed(words, 0, "along"))) if len(self.knots) > 1 else one
        units = np.maximum(units // self.step * self.step, self.knots[0])
        if self.spikes is None:
            return units
        spikes = numpy_of(self.spikes.raw(hashed(words, 0, "spike"))).astype(np.int64)
        return np.where(choose(words, self.often) == 0, spikes, units)

    def raw(self, words: Words) -> pa.Array:
        units = self.units(words)
        return array_of(units) if not self.scale else self.written(units)

    def written(self, units: Integers) -> pa.Array:
        if self.scale > 0:
            return decimal_texts(units, self.scale, self.digits)
        tail = "0" * -self.scale if -self.scale <= WRITTEN_OUT else f"e{-self.scale}"
        texts = array_of(units).cast(pa.string())
        return pc.if_else(array_of(units == 0), texts, join_texts(texts, tail))


def decimal_texts(units: Integers, scale: int, digits: int | None) -> pa.Array:
    """Units of ``10**-scale`` as JSON numbers: with so many digits, or without zeros at the end but one.

    >>> decimal_texts(np.array([150, -5, 200]), 2, None).to_pylist()
    ['1.5', '-0.05', '2.0']
    """
    one = 10**scale
    whole = array_of(np.abs(units) // one).cast(pa.string())
    part = pc.utf8_lpad(array_of(np.abs(units) % one).cast(pa.string()), scale, "0")
    if digits is None:
        part = pc.utf8_rtrim(part, characters="0")
        part = pc.if_else(pc.equal(part, scalar_of("")), scalar_of("0"), part)
    else:
        part = pc.utf8_rpad(part, digits, "0")
    sign = pc.if_else(array_of(units < 0), scalar_of("-"), scalar_of(""))
    return join_texts(sign, join_texts(whole, part, separator="."))


class Moments:
    """Dates and times along quantiles, written as they were."""

    def __init__(self, options: Mapping[str, Any]) -> None:
        self.knots = [int(k) for k in options["moments"]]
        self.unit, self.format, self.step = options["unit"], options["format"], int(options.get("step", 1))

    def written(self, ints: Integers) -> pa.Array:
        return format_temporal(ints, self.unit, self.format)

    def raw(self, words: Words) -> pa.Array:
        one = np.full(len(words), self.knots[0], np.int64)
        ints = along(self.knots, Bits(words)) if len(self.knots) > 1 else one
        return self.written(np.maximum(ints // self.step * self.step, self.knots[0]))


class Ruled:
    """Values of another rule; of one that counts (``Product 17``) the first ``many``."""

    def __init__(self, options: Mapping[str, Any], context: ColumnContext) -> None:
        from fixturesynth.rules.registry import space_of  # the registry knows this rule, and this rule the registry

        entry = options["rule"]
        call = RuleCall(entry["name"], entry.get("options", {}), version=entry.get("version", 1))
        self.space = space_of(call, replace(context, unique=False))
        self.many = min(int(options.get("many", MANY)), MANY)

    def raw(self, words: Words) -> pa.Array:
        indices = drawn(self.space, words) if self.space.block != 1 else below(words, self.many)
        return self.space.at(indices % max(self.space.size, 1), {})


class Mixture:
    """Parts by weight."""

    def __init__(self, parts: Sequence[Any], weights: Sequence[int]) -> None:
        self.parts, self.running = parts, np.cumsum(weights, dtype=np.int64)

    def raw(self, words: Words) -> pa.Array:
        which = choose(words, self.running)
        rows = [np.flatnonzero(which == i) for i in range(len(self.parts))]
        made = [part.raw(hashed(words[own], 0, "mixture")) for part, own in zip(self.parts, rows, strict=True)]
        return gathered([m.cast(pa.string()) for m in made], rows)


def part_of(options: Mapping[str, Any], context: ColumnContext, digits: int | None = None) -> Any:
    if "values" in options:
        return Values(options)
    if "knots" in options:
        return Numbers(options, digits)
    if "moments" in options:
        return Moments(options)
    if "mixture" in options:
        return Mixture([part_of(p, context) for _, p in options["mixture"]], [w for w, _ in options["mixture"]])
    return Ruled(options, context)


def gathered(pieces: Sequence[pa.Array], rows: Sequence[Integers]) -> pa.Array:
    """Pieces in the order of the rows that each of them stands for."""
    order = np.concatenate([*rows, np.zeros(0, np.int64)]).astype(np.int64)
    back = np.empty(order.size, np.int64)
    back[order] = np.arange(order.size)
    return pa.concat_arrays(pieces).take(array_of(back)) if pieces else array_of([], pa.string())


_PLAIN: Final = r'["\\\x00-\x1f]'


def quoted(texts: pa.Array) -> pa.Array:
    """Texts as JSON writes them."""
    if pc.any(pc.match_substring_regex(texts, _PLAIN)).as_py():
        return array_of([json.dumps(t, ensure_ascii=False) for t in texts.to_pylist()], pa.string())
    return join_texts('"', texts, '"')


def as_told(part: Any, values: pa.Array) -> pa.Array:
    """Values that a model told, written as the part writes them."""
    empty = array_of(numpy_of(values.is_null()))
    if isinstance(part, Moments):
        ints = numpy_of(fill_null(values, 0)).astype(np.int64)
        return pc.if_else(empty, scalar_of(None, pa.string()), part.written(ints).cast(pa.string()))
    if isinstance(part, Numbers) and pa.types.is_floating(values.type):
        numbers = numpy_of(fill_null(values, 0))
        factor = float(10 ** abs(part.scale))
        units = np.rint(numbers * factor if part.scale >= 0 else numbers / factor).astype(np.int64)
        return pc.if_else(empty, scalar_of(None, pa.string()), part.written(units))
    return values


def without(part: Any, values: Sequence[Any]) -> Any:
    """The part without some of its values; None where nothing is left."""
    if isinstance(part, Mixture):
        kept = [without(p, values) for p in part.parts]
        weights = np.diff(part.running, prepend=0)
        left = [(k, int(n)) for k, n in zip(kept, weights, strict=True) if k is not None and n]
        return Mixture([k for k, _ in left], [n for _, n in left]) if left else None
    if not isinstance(part, Values):
        return part
    chosen = [(v, int(n)) for v, n in zip(part.pool.to_pylist(), part.weights, strict=True) if v not in values]
    return Values({"values": [v for v, _ in chosen], "weights": [n for _, n in chosen]}) if chosen else None
