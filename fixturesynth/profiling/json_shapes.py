"""What JSON texts look like: which keys, of which types, how often."""

import json
from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from fixturesynth.profiling.texts import Coded

__all__ = ["json_shape", "looks_like_json"]

LOOK = 200
PARSED = 2_000
DEEPEST = 4

_TYPES = {dict: "object", list: "array", str: "string", bool: "boolean", int: "integer", float: "number"}


def looks_like_json(distinct: pa.Array, *, declared: bool) -> bool:
    """Whether the first ``LOOK`` texts are JSON objects or arrays (when declared so: any JSON)."""
    head = distinct.slice(0, LOOK)
    if (
        not declared
        and not pc.all(pc.match_substring_regex(head, r"^\s*[\[{].*[\]}]\s*$|^\s*[\[{]\s*[\]}]\s*$")).as_py()
    ):
        return False
    try:
        for text in head.to_pylist():
            json.loads(text)
    except (ValueError, RecursionError):
        return declared
    return True


def json_shape(coded: Coded) -> Mapping[str, Any]:
    """``{"types": {type: share}, "keys": {key: shape}, "share": ..., "items": shape}`` of up to 2,000 rows.

    A key is stored only when enough rows (of different groups) have it; no value is.
    """
    rows = np.arange(coded.codes.size)[:: max(1, coded.codes.size // PARSED)][:PARSED]
    texts = coded.distinct.take(pa.array(coded.codes[rows])).to_pylist()
    groups = coded.protector.groups
    owners = rows.tolist() if groups is None else groups[rows].tolist()
    found: list[tuple[int, Any]] = []
    for owner, text in zip(owners, texts, strict=True):
        try:
            found.append((owner, json.loads(text)))
        except (ValueError, RecursionError):
            continue
    return _shape(found, coded.protector.protection, 0)


def _shape(found: list[tuple[int, Any]], protection: int, depth: int) -> dict[str, Any]:
    types = Counter(_TYPES.get(type(value), "null") for _, value in found)
    total = len(found)
    shape: dict[str, Any] = {"types": {name: types[name] / total for name in sorted(types)}} if total else {"types": {}}
    if depth >= DEEPEST:
        return shape
    members: dict[str, list[tuple[int, Any]]] = {}
    items: list[tuple[int, Any]] = []
    sizes: list[int] = []
    for owner, value in found:
        if isinstance(value, dict):
            for name, member in value.items():
                members.setdefault(name, []).append((owner, member))
        elif isinstance(value, list):
            sizes.append(len(value))
            items += [(owner, item) for item in value[:20]]
    kept = {n: m for n, m in members.items() if len({owner for owner, _ in m}) >= protection}
    if kept:
        shape["keys"] = {
            name: {"share": len(kept[name]) / total} | _shape(kept[name], protection, depth + 1)
            for name in sorted(kept)
        }
    if sizes:
        shape["sizes"] = {"mean": sum(sizes) / len(sizes)}
        shape["items"] = _shape(items, protection, depth + 1)
    return shape
