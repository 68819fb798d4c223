"""From what documents and arrays are made of to the rule that makes new ones."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

import numpy as np

from fixturesynth.planning.plan import RuleCall
from fixturesynth.profiling.profile import ColumnProfile, DocumentShape
from fixturesynth.profiling.texts import EDGE_MARKS, WORD_ROWS
from fixturesynth.rules.leaves import number_text
from fixturesynth.schema.model import Column, ColumnType

__all__ = ["document_rule", "is_documented"]

Ruled = Callable[[Column, ColumnProfile], RuleCall]

TEXT = ColumnType("text", "text")
LARGEST_UNITS = 2**53
MEMBER_SHARE, MOST_MEMBERS = 0.02, 6
MOST_DIGITS = 9  # after the point


def is_documented(column: Column, seen: ColumnProfile) -> bool:
    """Whether values of the column are documents or arrays whose shape is known, and are read as what they are."""
    if seen.json_shape is None or not seen.json_shape.types:
        return False
    return (seen.kind == "array") == (column.type.kind == "array")


def document_rule(column: Column, seen: ColumnProfile, ruled: Ruled) -> RuleCall:
    """The rule ``document``, or ``elements`` for a database's arrays; ``ruled`` finds the rule of texts."""
    shape = seen.json_shape
    assert shape is not None
    if seen.kind == "array":
        element = column.type.element or TEXT
        return RuleCall("elements", _array(column.name, shape, ruled, element))
    options: dict[str, Any] = {"node": _node(column.name, shape, ruled)}
    if shape.forms:
        options["forms"] = [[json.loads(form), rows] for form, rows in shape.forms]
    if shape.compact:
        options["compact"] = True
    return RuleCall("document", options)


def _node(name: str, shape: DocumentShape, ruled: Ruled, element: ColumnType | None = None) -> dict[str, Any]:
    """What the values of one place are made of, as JSON."""
    node: dict[str, Any] = {"types": [[kind, rows] for kind, rows in shape.types.items()]}
    leaves = {kind: _words_of_others(leaf, shape.often) for kind, leaf in shape.leaves.items()}
    parts = {kind: _part(name, leaf, ruled, element, kind == "number") for kind, leaf in leaves.items()}
    for kind in ("string", "value"):
        if kind in parts and shape.often:
            parts[kind] = _with_often(parts[kind], shape.often, shape.leaves[kind])
    if "values" in parts.get("number", ()):
        texts = [number_text(v, shape.digits) for v in parts["number"]["values"]]
        parts["number"] = {**parts["number"], "values": texts}
    if parts:
        node["parts"] = parts
    if shape.digits is not None:
        node["digits"] = shape.digits
    objects = shape.types.get("object", 0)
    if objects:
        node["keys"] = [[key, max(objects - one.rows, 0), _node(key, one, ruled)] for key, one in shape.keys.items()]
    if objects and shape.extra is not None and shape.names is not None and shape.others is not None:
        node["extra"] = _part("size", shape.extra, ruled)
        node["names"] = _part("key", shape.names, ruled)
        node["others"] = _node("value", shape.others, ruled)
    if "array" in shape.types:
        node |= _array(name, shape, ruled)
    return node


def _array(name: str, shape: DocumentShape, ruled: Ruled, element: ColumnType | None = None) -> dict[str, Any]:
    out: dict[str, Any] = {}
    if shape.sizes is not None:
        out["sizes"] = _part("size", shape.sizes, ruled)
    if shape.items is not None and shape.items.types:
        out["items"] = _node(name, shape.items, ruled, element)
    if shape.distinct:
        out["distinct"] = True
        if "items" in out and (members := _members(shape.rows, out["items"])):
            out["members"] = members
    if shape.order:
        out["order"] = shape.order
    return out


def _members(arrays: int, items: Mapping[str, Any]) -> list[list[Any]]:
    """Elements that many arrays have, each at most once, with how many have them."""
    parts = items.get("parts", {})
    if len(items["types"]) != 1 or len(parts) != 1 or not parts.keys() & {"string", "integer", "value"}:
        return []
    (part,) = parts.values()
    listed = part["mixture"][0][1] if "mixture" in part else part
    if "values" not in listed or any(isinstance(v, bool | float) for v in listed["values"]):
        return []
    pairs = zip(listed["values"], listed["weights"], strict=True)
    return [[v, n] for v, n in pairs if n >= MEMBER_SHARE * arrays][:MOST_MEMBERS]


def _part(
    name: str, seen: ColumnProfile, ruled: Ruled, declared: ColumnType | None = None, pointed: bool = False
) -> Mapping[str, Any]:
    """Where values of one type come from: values with weights, numbers or moments along quantiles, a rule.

    ``pointed``: numbers are written with a point, also where all of them are whole.
    """
    whole = seen.values and not seen.rare
    if seen.unit != "number" and (seen.quantiles or seen.values):
        return _moments(seen)
    if whole or (seen.kind in ("boolean", "constant") and seen.values):
        return _values(seen)
    if seen.quantiles and seen.unit == "number":
        return _numbers(seen, 1 if pointed else 0)
    if seen.kind in ("integer", "number", "identifier") and not seen.lengths:
        return {"values": [0], "weights": [1]}  # too few numbers to tell anything of them
    rule = _rule(name, seen, ruled, declared)
    if seen.values and seen.kind == "categorical":
        return {"mixture": [[sum(n for _, n in seen.values), _values(seen)], [seen.rare, rule]]}
    return rule


def _words_of_others(seen: ColumnProfile, often: Sequence[tuple[str, int]]) -> ColumnProfile:
    """The column with the words of those texts that are not stored whole: the others are made of these."""
    if not seen.words:
        return seen
    left = dict(seen.words)
    counted = (seen.rows - seen.nulls) // WORD_ROWS + 1  # of so many texts one was looked at
    for text, rows in (*seen.values, *often):
        for word in {w.strip(EDGE_MARKS) for w in str(text).split()} & left.keys():
            left[word] -= rows // counted
    return replace(seen, words=tuple((word, n) for word, n in left.items() if n > 0))


def _with_often(part: Mapping[str, Any], often: Sequence[tuple[str, int]], seen: ColumnProfile) -> Mapping[str, Any]:
    """The part with the texts that come often by themselves."""
    total = sum(n for _, n in often)
    values = {"values": [v for v, _ in often], "weights": [n for _, n in often]}
    return {"mixture": [[total, values], [max(seen.rows - seen.nulls - total, 0), part]]}


def _values(seen: ColumnProfile) -> Mapping[str, Any]:
    values = [bool(v) for v, _ in seen.values] if seen.kind == "boolean" else [v for v, _ in seen.values]
    return {"values": values, "weights": [n for _, n in seen.values]}


def _numbers(seen: ColumnProfile, least_digits: int) -> Mapping[str, Any]:
    """Numbers in units of their last digit, along quantiles; those that come often by themselves."""
    most = max(abs(Decimal(str(q))) for q in seen.quantiles)
    most_digits = MOST_DIGITS if seen.decimals is None else max(seen.decimals, least_digits)
    # Large numbers are counted in thousands or millions.
    scale = next(d for d in range(most_digits, -400, -1) if most * Decimal(10) ** d < LARGEST_UNITS)

    def units(value: float) -> int:
        return int((Decimal(str(value)) * Decimal(10) ** scale).to_integral_value())

    out: dict[str, Any] = {"knots": [units(q) for q in seen.quantiles], "scale": scale}
    if seen.step is not None and (step := units(seen.step)) > 1:
        out["step"] = step
    often = sum(n for _, n in seen.spikes)
    rest = max(seen.rows - seen.nulls - often, 0)
    if not often:
        return out
    spikes = {"values": [units(v) for v, _ in seen.spikes], "weights": [n for _, n in seen.spikes]}
    shares = {units(v): n / (often + rest) for v, n in seen.spikes}
    knots = [k // out.get("step", 1) * out.get("step", 1) for k in _without_spikes(out["knots"], shares)]
    return {**out, "knots": knots, "spikes": spikes, "often": [often, rest]}


def _without_spikes(knots: Sequence[int], shares: Mapping[int, float]) -> list[int]:
    """Quantiles, as many as ``knots``, of the numbers that are left without some, given by their ``shares`` of all.

    >>> _without_spikes([0, 0, 0, 100, 200], {0: 0.5})
    [0, 50, 100, 150, 200]
    """
    points = sorted({*knots, *shares})
    places = np.arange(len(knots)) / (len(knots) - 1)
    ends = np.array([(places[knots.index(p)], places[len(knots) - 1 - knots[::-1].index(p)]) if p in knots
                     else (np.interp(p, knots, places),) * 2 for p in points])  # fmt: skip
    taken = np.cumsum([shares.get(p, 0.0) for p in points])
    left = np.column_stack([ends[:, 0] - np.concatenate(([0.0], taken[:-1])), ends[:, 1] - taken]).ravel()
    rising = np.maximum.accumulate(np.minimum(left, left[-1]))
    goals = np.linspace(rising[0], rising[-1], len(knots))
    values = np.interp(goals, rising, np.repeat(np.array(points, dtype=np.float64), 2))
    return [int(v) for v in np.rint(values)]


def _moments(seen: ColumnProfile) -> Mapping[str, Any]:
    """Dates and times along quantiles, or between those that are stored where they are too few for quantiles."""
    moments = [int(q) for q in seen.quantiles] or sorted(int(v) for v, _ in seen.values)
    out: dict[str, Any] = {"moments": moments, "unit": seen.unit, "format": seen.format}
    if seen.step is not None and seen.step > 1:
        out["step"] = int(seen.step)
    return out


def _rule(name: str, seen: ColumnProfile, ruled: Ruled, declared: ColumnType | None) -> Mapping[str, Any]:
    call = ruled(Column(name, declared or TEXT), seen)
    rule = {"name": call.name, "options": dict(call.options), "version": call.version}
    return {"rule": rule, "many": max(seen.distinct, 1)}
