"""What is learned of documents and arrays that are made by rule: forms, sizes and values, beside other columns."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from fixturesynth.arrays import array_of, fill_null, numpy_of
from fixturesynth.planning.plan import RuleCall
from fixturesynth.profiling.documents import form_of, parse_document, type_of
from fixturesynth.profiling.temporal import parse_temporal
from fixturesynth.rules.documents import FORM, inside, step
from fixturesynth.rules.leaves import number_text

__all__ = ["MADE", "document_parts"]

MADE = ("document", "elements")  # rules that take what the model told
MOST_PARTS = 16


@dataclass(frozen=True)
class _Place:
    """Values of one type at one place of documents: ``how`` they are told."""

    path: tuple[str, ...]
    kind: str
    how: str  # size, member, number, text, written, moment
    rows: int
    digits: int | None = None
    format: str = ""
    known: tuple[Any, ...] = ()  # texts that are told; others are made by rule
    member: Any = None
    number: int = 0

    @property
    def name(self) -> str:
        kind = f"member {self.number}" if self.how == "member" else self.kind
        return inside("".join(map(step, self.path)), kind)

    @property
    def encoding(self) -> str:
        return "numeric" if self.how in ("size", "number", "moment") else "categorical"


def document_parts(call: RuleCall, values: pa.Array) -> dict[str, tuple[pa.Array, str]]:
    """Columns of what the values, shape (n,), are made of, each with its encoding, by what the rule calls them.

    Null where the value is NULL, and where a document has no such thing.
    """
    if call.name == "elements":
        return _list_parts(call.options, values)
    options = call.options
    coded = values.cast(pa.large_string()).dictionary_encode()
    parsed = [parse_document(text) for text in coded.dictionary.to_pylist()]
    forms = options.get("forms", ())
    out: dict[str, tuple[pa.Array, str]] = {}
    if forms:
        known = {_written(form): i for i, (form, _) in enumerate(forms)}
        made = [known.get(_written(form_of(d)), len(forms)) if isinstance(d, dict) else len(forms) for d in parsed]
        out[FORM] = (array_of(made, pa.int64()).take(coded.indices), "categorical")
    places = sorted(_places(options["node"], ()), key=lambda p: (-p.rows, p.path, p.kind))
    for place in places[:MOST_PARTS]:
        found = _column(place, parsed)
        if found is not None and len(found.unique().drop_null()) > 1:
            out[place.name] = (found.take(coded.indices), place.encoding)
    return out


def _list_parts(options: Mapping[str, Any], values: pa.Array) -> dict[str, tuple[pa.Array, str]]:
    out = {inside("", "array"): (pc.list_value_length(values).cast(pa.int64()), "numeric")}
    members = options.get("members", ())
    if not members:
        return out
    flat = pc.list_flatten(values).cast(pa.string())
    owners = numpy_of(pc.list_parent_indices(values))
    missing = numpy_of(values.is_null())
    for i, (member, _) in enumerate(members):
        has = np.zeros(len(values), dtype=bool)
        has[owners[numpy_of(fill_null(pc.equal(flat, str(member)), False))]] = True
        out[inside("", f"member {i}")] = (array_of(has, mask=missing), "categorical")
    return out


def _written(form: Any) -> str:
    return json.dumps(form, sort_keys=True, ensure_ascii=False)


def _places(node: Mapping[str, Any], path: tuple[str, ...]) -> Iterator[_Place]:
    rows = dict(map(tuple, node["types"]))
    for kind, part in node.get("parts", {}).items():
        how = _how(kind, part)
        if how is not None:
            known = tuple(listed_texts(part) or ()) if how == "text" else ()
            yield _Place(path, kind, how, rows.get(kind, 0), node.get("digits"), str(part.get("format", "")), known)
    if "sizes" in node:
        yield _Place(path, "array", "size", rows.get("array", 0))
        for i, (member, having) in enumerate(node.get("members", ())):
            yield _Place(path, "array", "member", having, member=member, number=i)
    for key, _, under in node.get("keys", ()):
        yield from _places(under, (*path, key))


def _how(kind: str, part: Mapping[str, Any]) -> str | None:
    """How values are told; None for those that are made by rule alone."""
    if kind == "number" and "values" in part:
        return "written"
    if kind in ("integer", "number"):
        return "number" if "knots" in part or "values" in part else None
    if "moments" in part:
        return "moment"
    return "text" if listed_texts(part) is not None else None


def listed_texts(part: Mapping[str, Any]) -> list[Any] | None:
    """The values that a part names."""
    listed = part["mixture"][0][1] if "mixture" in part else part
    return listed.get("values")


def _column(place: _Place, parsed: list[Any]) -> pa.Array | None:
    """The place's values in every distinct document, null where there is none; None where they cannot be read."""
    found = [_at(document, place) for document in parsed]
    if place.how == "size":
        return array_of([None if v is None else len(v) for v in found], pa.int64())
    if place.how == "member":
        return array_of([None if v is None else place.member in v for v in found], pa.bool_())
    if place.how == "written":
        return array_of([None if v is None else number_text(float(v), place.digits) for v in found], pa.string())
    if place.how == "number":
        whole = place.kind == "integer"
        numbers = [None if v is None else (v if whole else float(v)) for v in found]
        return array_of(numbers, pa.int64() if whole else pa.float64())
    if place.how == "text":
        known = set(place.known)
        told = [v if v in known else None for v in found]
        return array_of(told, pa.bool_() if place.kind == "boolean" else pa.string())
    texts = array_of(found, pa.string())
    moments = parse_temporal(texts)
    if moments is None or moments[2] != place.format:
        return None
    return array_of(moments[0], pa.int64(), mask=numpy_of(texts.is_null()))


def _at(document: Any, place: _Place) -> Any:
    for key in place.path:
        if not isinstance(document, dict):
            return None
        document = document.get(key, ...)
    return document if document is not ... and type_of(document) == place.kind else None
