"""What JSON documents and arrays are made of: which keys, of which types and values, how many elements, how often."""

import json
import re
from collections import defaultdict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import chain, pairwise
from math import isinf
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from fixturesynth.profiling.profile import ColumnProfile, DocumentShape
from fixturesynth.profiling.protection import Protector
from fixturesynth.profiling.texts import Coded, code_texts, protected_values
from fixturesynth.schema.model import Column, ColumnType

__all__ = ["describe_documents", "form_of", "list_texts", "looks_like_json", "parse_document", "type_of"]

Integers = npt.NDArray[np.int64]
Often = tuple[tuple[str, int], ...]
Leaf = Callable[[Column, pa.Array, Protector], ColumnProfile]

LOOK = 200
PARSED = 25_000  # documents that are looked into, evenly over the rows
DEEPEST = 4
MOST_KEYS = 200
MANY_NAMES = 20  # keys that are rare one by one, for objects to be maps by keys of their own
MOST_ITEMS = 100  # elements of one array that are looked at
MOST_FORMS = 256
FORMED = 0.9  # share of the documents that stored forms must cover
MOST_DOCUMENTS = 2_000
STORED = 0.95  # share of the rows whose whole document must be stored for documents to be categories
OFTEN, MOST_OFTEN = 0.01, 64  # share of texts that hardly repeat from which one of them is told by itself
ORDERED = 20  # arrays that must be in order before it is believed that all are

_TYPES = {dict: "object", list: "array", str: "string", bool: "boolean", int: "integer", Decimal: "number"}
_LEAVES: dict[str, tuple[ColumnType, pa.DataType]] = {
    "string": (ColumnType("text", "text"), pa.large_string()),
    "integer": (ColumnType("integer", "bigint", bits=64), pa.int64()),
    "number": (ColumnType("float", "double"), pa.float64()),
    "boolean": (ColumnType("boolean", "boolean"), pa.bool_()),
}
_HALVES = re.compile(r"\\u[dD][89a-fA-F]")  # of a character that takes two, which may stand alone in JSON
_STRINGS = re.compile(r'"(?:[^"\\]|\\.)*"')
_SIZE = Column("size", ColumnType("integer", "integer", bits=32))


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


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is no JSON")


def parse_document(text: str) -> Any:
    """The document, decimals as they are written; ``...`` where the text is none, or holds half a character.

    Whole numbers beyond 64 bits are decimals, numbers that no double holds are null.

    >>> parse_document('{"a": 1.50, "b": 1e400}')
    {'a': Decimal('1.50'), 'b': None}
    """
    try:
        document = json.loads(text, parse_int=_whole, parse_float=_decimal, parse_constant=_refuse)
        if _HALVES.search(text):
            json.dumps(document, ensure_ascii=False, default=str).encode()
    except (ValueError, ArithmeticError, RecursionError):
        return ...
    return document


def _whole(text: str) -> int | Decimal | None:
    short = len(text) <= len(str(-(2**63)))
    return value if short and -(2**63) <= (value := int(text)) < 2**63 else _decimal(text)


def _decimal(text: str) -> Decimal | None:
    return None if isinf(float(text)) else Decimal(text)


def type_of(value: Any) -> str:
    """The type of a parsed document."""
    return _TYPES.get(type(value), "null")


def form_of(value: Any, depth: int = 0) -> Any:
    """Keys and types of a document, whole numbers not told from others; arrays are not looked into."""
    name = type_of(value)
    if name == "object" and depth < DEEPEST:
        return {key: form_of(member, depth + 1) for key, member in value.items()}
    return "number" if name == "integer" else name


def list_texts(values: pa.Array) -> pa.Array:
    """Arrays as JSON texts, (n,), null where there is none; equal where all elements are."""
    parts = values.to_pylist()
    texts = [None if v is None else json.dumps(v, ensure_ascii=False, default=str) for v in parts]
    return pa.array(texts, pa.large_string())


def describe_documents(column: Column, profile: ColumnProfile, values: pa.Array, protector: Protector, leaf: Leaf,
) -> ColumnProfile:  # fmt: skip
    """The profile with what its documents (large strings) or arrays (lists), without nulls, are made of.

    ``leaf`` profiles the values of one key as a column of that name.
    """
    if pa.types.is_nested(values.type):
        shape = _list_shape(column, values, protector, leaf)
        coded = code_texts(list_texts(values), protector)
        return replace(profile, json_shape=shape, documents=_documents(coded))
    coded = code_texts(values, protector)
    whole = _document_shape(column, coded, leaf)
    documents = _documents(coded) if column.type.kind != "array" else ()  # several dimensions travel as texts
    if any(parse_document(text) is ... for text, _ in documents):
        documents = ()  # what is no document is not made either: other databases refuse it
    return replace(profile, json_shape=whole, documents=documents)


def _documents(coded: Coded) -> tuple[tuple[str, int], ...]:
    """Whole documents with the rows that have them, where few are all there is; else none."""
    distinct, rows = len(coded.distinct), coded.codes.size
    if distinct > MOST_DOCUMENTS or rows < 2 * distinct:
        return ()
    stored, rare = protected_values(coded)
    return stored if rare <= (1 - STORED) * rows else ()


@dataclass(frozen=True)
class _Found:
    """Values of one place of the documents, and the row of each."""

    owners: list[int]
    values: list[Any]

    @classmethod
    def none(cls) -> "_Found":
        return cls([], [])

    def add(self, owner: int, value: Any) -> None:
        self.owners.append(owner)
        self.values.append(value)


@dataclass(frozen=True)
class _Look:
    """How places are looked at: whose rows they are, and how their values are profiled."""

    protector: Protector
    leaf: Leaf

    def owned(self, owners: Sequence[int]) -> Protector:
        """The protector of values that belong to these rows, of which one may have several."""
        rows = np.asarray(owners, dtype=np.int64)
        groups = rows if self.protector.groups is None else self.protector.groups[rows]
        return Protector.of(self.protector.protection, groups)

    def enough(self, owners: Sequence[int]) -> bool:
        groups = self.protector.groups
        own = set(owners) if groups is None else set(groups[np.asarray(owners, dtype=np.int64)].tolist())
        return len(own) >= self.protector.protection


def _document_shape(column: Column, coded: Coded, leaf: Leaf) -> DocumentShape:
    rows = np.arange(coded.codes.size)
    if rows.size > PARSED:
        rows = rows[:: rows.size // PARSED + 1]
    look = _Look(coded.protector.of_rows(rows), leaf)
    codes, which = np.unique(coded.codes[rows], return_inverse=True)
    texts = coded.distinct.take(pa.array(codes)).to_pylist()
    parsed = [parse_document(text) for text in texts]
    found = _Found.none()
    for owner, code in enumerate(which.tolist()):
        if parsed[code] is not ...:
            found.add(owner, parsed[code])
    shape = _shape(column.name, found, look, 0)
    bare = [_STRINGS.sub("", text) for text in texts]
    compact = any("," in t or ":" in t for t in bare) and not any(", " in t or ": " in t for t in bare)
    forms = _forms(found, [i for i in which.tolist() if parsed[i] is not ...], parsed, look)
    return replace(shape, forms=forms, compact=compact)


def _forms(found: _Found, codes: list[int], parsed: list[Any], look: _Look) -> tuple[tuple[str, int], ...]:
    """Forms of whole documents that enough rows share, where few of them cover nearly all."""
    written = [
        json.dumps(form_of(d), sort_keys=True, ensure_ascii=False) if isinstance(d, dict) else None for d in parsed
    ]
    if not found.values or not all(isinstance(v, dict) for v in found.values):
        return ()
    texts = pa.array([written[code] for code in codes], pa.large_string())
    stored, rare = protected_values(code_texts(texts, look.owned(found.owners)))
    return stored if len(stored) <= MOST_FORMS and rare <= (1 - FORMED) * len(codes) else ()


def _shape(name: str, found: _Found, look: _Look, depth: int) -> DocumentShape:
    by_type: defaultdict[str, _Found] = defaultdict(_Found.none)
    for owner, value in zip(found.owners, found.values, strict=True):
        by_type[type_of(value)].add(owner, value)
    kept = {t: by_type[t] for t in sorted(by_type) if look.enough(by_type[t].owners)}
    shape = DocumentShape(len(found.values), {t: len(f.values) for t, f in kept.items()})
    leaves, digits = {}, None
    for kind in _LEAVES.keys() & kept.keys():
        declared, arrow = _LEAVES[kind]
        values = kept[kind].values
        if kind == "number":
            digits = _digits(values)
            values = [float(v) for v in values]
        array = pa.array(values, arrow)
        leaves[kind] = look.leaf(Column(name, declared), array, look.owned(kept[kind].owners))
    often: Often = ()
    if "string" in leaves and not leaves["string"].values:
        often = _often(pa.array(kept["string"].values, pa.large_string()), look.owned(kept["string"].owners))
    shape = replace(shape, leaves={t: leaves[t] for t in sorted(leaves)}, often=often, digits=digits)
    if depth >= DEEPEST:
        return shape
    if "object" in kept:
        shape = _with_keys(shape, kept["object"], look, depth)
    if "array" in kept:
        shape = _with_items(name, shape, kept["array"], look, depth)
    return shape


def _often(texts: pa.Array, protector: Protector) -> Often:
    """Texts that come often, with how often."""
    stored, _ = protected_values(code_texts(texts, protector))
    return tuple((text, rows) for text, rows in stored if rows >= OFTEN * len(texts))[:MOST_OFTEN]


def _digits(values: Sequence[Any]) -> int | None:
    """Digits after the point where all numbers are written with as many."""
    found = {v.as_tuple().exponent if isinstance(v, Decimal) else 0 for v in values}
    one = found.pop()
    return -one if not found and isinstance(one, int) and one < 0 else None


def _with_keys(shape: DocumentShape, objects: _Found, look: _Look, depth: int) -> DocumentShape:
    members: defaultdict[str, _Found] = defaultdict(_Found.none)
    places: dict[str, int] = {}
    for owner, value in zip(objects.owners, objects.values, strict=True):
        for place, (key, member) in enumerate(value.items()):
            members[key].add(owner, member)
            places[key] = places.get(key, 0) + place
    enough = [key for key, found in members.items() if look.enough(found.owners)]
    enough = sorted(enough, key=lambda key: -len(members[key].values))[:MOST_KEYS]
    ordered = sorted(enough, key=lambda key: (places[key] / len(members[key].values), key))
    shape = replace(shape, keys={key: _shape(key, members[key], look, depth + 1) for key in ordered})
    rest = members.keys() - set(enough)
    if len(rest) < MANY_NAMES or not look.enough(list(chain.from_iterable(members[key].owners for key in rest))):
        return shape
    names, others = _Found.none(), _Found.none()
    for key in sorted(rest):
        for owner, member in zip(members[key].owners, members[key].values, strict=True):
            names.add(owner, key)
            others.add(owner, member)
    counts = [len(value.keys() & rest) for value in objects.values]
    named = pa.array(names.values, pa.large_string())
    return replace(
        shape,
        extra=look.leaf(_SIZE, pa.array(counts, pa.int64()), look.owned(objects.owners)),
        names=look.leaf(Column("key", ColumnType("text", "text")), named, look.owned(names.owners)),
        others=_shape("value", others, look, depth + 1),
    )


def _with_items(name: str, shape: DocumentShape, arrays: _Found, look: _Look, depth: int) -> DocumentShape:
    items = _Found.none()
    for owner, value in zip(arrays.owners, arrays.values, strict=True):
        for item in value[:MOST_ITEMS]:
            items.add(owner, item)
    sizes = pa.array([len(value) for value in arrays.values], pa.int64())
    several = [v for v in arrays.values if len(v) > 1]
    return replace(
        shape,
        sizes=look.leaf(_SIZE, sizes, look.owned(arrays.owners)),
        items=_shape(name, items, look, depth + 1) if items.values else None,
        distinct=len(several) >= look.protector.protection and all(_all_differ(v) for v in several),
        order=_order_of(several),
    )


def _all_differ(values: list[Any]) -> bool:
    return len({_hashable(v) for v in values}) == len(values)


def _hashable(value: Any) -> Hashable:
    return json.dumps(value, sort_keys=True, default=str) if isinstance(value, dict | list) else (str(value), value)


def _order_of(arrays: Sequence[list[Any]]) -> int:
    """1 where every array ascends, -1 where every one descends, 0 where neither or too few tell."""
    if len(arrays) < ORDERED:
        return 0
    try:
        up = all(a <= b for v in arrays for a, b in pairwise(v))
        down = all(a >= b for v in arrays for a, b in pairwise(v))
    except TypeError:  # nulls, objects, values of several types
        return 0
    return int(up) - int(down)


def _list_shape(column: Column, values: pa.Array, protector: Protector, leaf: Leaf) -> DocumentShape | None:
    """The shape of a database's arrays, whose elements are of one type."""
    flat = pc.list_flatten(values)
    owners = pc.list_parent_indices(values).to_numpy(zero_copy_only=False).astype(np.int64)
    if pa.types.is_nested(flat.type):
        return None
    look = _Look(protector, leaf)
    lengths = pc.list_value_length(values).cast(pa.int64())
    present = np.asarray(flat.is_valid())
    kept = flat.filter(pa.array(present))
    items: DocumentShape | None = None
    often: Often = ()
    if len(flat):
        declared = column.type.element or ColumnType("text", "text")
        if pa.types.is_decimal(kept.type):  # by their text: Arrow's own cast misses some floats by a bit
            kept = kept.cast(pa.string()).cast(pa.float64())
        elif pa.types.is_string(kept.type):
            kept = kept.cast(pa.large_string())
        seen = leaf(Column(column.name, declared), kept, look.owned(owners[present].tolist()))
        if pa.types.is_large_string(kept.type) and not seen.values:
            often = _often(kept, look.owned(owners[present].tolist()))
        nulls = len(flat) - len(kept)
        told = nulls and look.enough(owners[~present].tolist())
        types = ({"null": nulls} if told else {}) | {"value": len(kept)}
        items = DocumentShape(len(flat), types, leaves={"value": seen}, often=often)
    distinct, order = _list_habits(flat, owners, lengths.to_numpy(zero_copy_only=False), protector)
    return DocumentShape(
        len(values), {"array": len(values)}, sizes=leaf(_SIZE, lengths, look.owned(range(len(values)))), items=items,
        distinct=distinct, order=order,
    )  # fmt: skip


def _list_habits(flat: pa.Array, owners: Integers, lengths: Integers, protector: Protector) -> tuple[bool, int]:
    """Whether no array has an element twice, and whether all of them ascend (1) or descend (-1)."""
    several = int((lengths > 1).sum())
    if several < protector.protection or pa.types.is_binary(flat.type):
        return False, 0
    encoded = flat.dictionary_encode()
    places = pc.sort_indices(encoded.dictionary).to_numpy()
    ranks = np.empty(places.size + 1, dtype=np.int64)
    ranks[places], ranks[-1] = np.arange(places.size), -1
    codes = ranks[encoded.indices.fill_null(places.size).to_numpy(zero_copy_only=False)]
    distinct = np.unique(owners * (places.size + 1) + codes + 1).size == owners.size
    steps = np.diff(codes)[np.diff(owners) == 0]
    if several < ORDERED or flat.null_count:
        return distinct, 0
    return distinct, int((steps >= 0).all()) - int((steps <= 0).all())
