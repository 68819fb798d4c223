"""Rules that pick from given values: choices, constants, sets, mixtures and human labels."""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import pyarrow as pa

from fixturesynth.arrays import array_of, combined
from fixturesynth.dataset import arrow_type
from fixturesynth.loading.conversion import fit
from fixturesynth.rules import vocabulary
from fixturesynth.rules.contract import ColumnContext, RuleCall, Space
from fixturesynth.rules.grammar import NUMBER, Number, Pool, limits_of, phrase_space, union

__all__ = ["MAKERS", "choices", "constant", "labels", "mixture", "subsets"]

# Two neutral halves: a lookup table's rows read as kinds of something ("Standard Plan", "Extended Review").
_FIRST: Final = vocabulary.listed("""
    Standard Basic Premium Regular Special Internal External Primary Secondary General Advanced Express Custom
    Local Global Public Private Seasonal Annual Monthly Weekly Digital Mobile Direct Partner Corporate Personal
    Extended Limited Classic Modern Central Northern Southern Eastern Western Green Blue Silver Gold
""")
_SECOND: Final = vocabulary.listed("""
    Service Product Group Plan Category Level Type Region Account Channel Request Order Review Package Support
    Project Program Team Store Office Line Series Course Event Report Policy Unit Model Market Class
""")


def choices(options: Mapping[str, Any], context: ColumnContext) -> Space:
    """One of ``values``, by ``weights`` (integers or shares); the enum's values when none are given.

    Bytes are written in hexadecimal, ``\\x00ff``.
    """
    values = [tuple(v) if isinstance(v, list) else v for v in options.get("values", context.type.values)]
    if not values:
        raise ValueError("values must not be empty")
    weights = options.get("weights")
    if weights is not None and len(weights) != len(values):
        raise ValueError(f"{len(values)} values but {len(weights)} weights")
    if context.type.kind == "text" and context.type.length is not None:
        fits = [len(str(v)) <= context.type.length for v in values]
        weights = [w for w, fit in zip(weights, fits, strict=True) if fit] if weights is not None else None
        values = [v for v, fit in zip(values, fits, strict=True) if fit]
    distinct = dict(zip(reversed(values), reversed(weights or [1] * len(values)), strict=True))
    texts = list(reversed(distinct))
    array = _array(texts, context)
    running = None
    if weights is not None:
        scaled = [w if isinstance(w, int) else round(w * 1_000_000) for w in reversed(distinct.values())]
        if any(w < 0 for w in scaled) or (texts and sum(scaled) <= 0):
            raise ValueError("weights must not be negative, nor all zero")
        running = np.cumsum(scaled, dtype=np.int64)
    return Space(len(texts), lambda indices, given: array.take(array_of(indices)), running)


def _array(values: list[Any], context: ColumnContext) -> pa.Array:
    target = arrow_type(context.type)
    if pa.types.is_binary(target):
        values = [bytes.fromhex(v[2:]) if isinstance(v, str) and v.startswith("\\x") else v for v in values]
    try:
        return array_of(values, target)
    except (pa.ArrowInvalid, pa.ArrowTypeError):
        texts = array_of([None if v is None else str(v) for v in values], pa.string())
        if pa.types.is_time(target) or pa.types.is_duration(target):
            return combined(fit(pa.chunked_array([texts]), context.type)).cast(target)
        zoned = pa.types.is_timestamp(target) and target.tz is not None  # texts without a zone are in UTC
        return texts.cast(pa.timestamp("us")).cast(target) if zoned else texts.cast(target)


def constant(options: Mapping[str, Any], context: ColumnContext) -> Space:
    """Always ``value``."""
    array = _array([options["value"]], context)
    return Space(1, lambda indices, given: array.take(array_of(indices)))


def subsets(options: Mapping[str, Any], context: ColumnContext) -> Space:
    """Subsets of ``values`` (a SET column's own when none are given), comma separated, small ones first."""
    values = tuple(options.get("values", context.type.values))[:12]
    picked = sorted(range(1, 2 ** len(values)), key=lambda bits: (bits.bit_count(), bits))
    texts = [",".join(v for i, v in enumerate(values) if bits >> i & 1) for bits in picked]
    weights = [4 ** max(0, 3 - bits.bit_count()) for bits in picked]
    return choices({"values": texts, "weights": weights}, context)


def mixture(options: Mapping[str, Any], context: ColumnContext) -> Space:
    """One of several rules by weight: ``rules`` is a list of {name, options, weight}.

    A unique mixture keeps to the rule with the most values: nothing tells whether two rules overlap.
    """
    from fixturesynth.rules.registry import space_of  # the registry knows this rule, and this rule the registry

    spaces, weights = [], []
    for entry in options["rules"]:
        call = RuleCall(entry["name"], entry.get("options", {}), context.unique, entry.get("version", 1))
        spaces.append(space_of(call, context))
        weights.append(int(entry.get("weight", 1)))
    if context.unique:
        return max(spaces, key=lambda s: s.size)
    present = [(s, w) for s, w in zip(spaces, weights, strict=True) if s.size]
    return union([s for s, _ in present], [w for _, w in present])


def labels(options: Mapping[str, Any], context: ColumnContext) -> Space:
    """Distinct human labels for lookup tables: ``Premium Service``; unique ones go on with ``Premium Service 2``.

    ``words``: the labels to start from instead of the built-in ones.
    """
    limits = limits_of(options, context)
    own = options.get("words")
    first, second = Pool.of(_FIRST), Pool.of(_SECOND)
    wide = limits.maximum is None or limits.maximum >= 20
    phrase = (Pool.of(own), Number(" ")) if own else (first, " ", second, Number(" ")) if wide else (first, NUMBER)
    return phrase_space([(1, phrase)], limits, unique=context.unique)


MAKERS = {"choices": choices, "constant": constant, "labels": labels, "mixture": mixture, "set": subsets}
