"""Profile to JSON and back, without loss and with a stable order of keys."""

import dataclasses
import json
import math
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from fixturesynth.errors import ModelFileError
from fixturesynth.profiling.profile import (
    CardinalityProfile,
    ColumnProfile,
    DocumentShape,
    Invariant,
    Profile,
    TableProfile,
)

__all__ = ["from_json", "to_json"]

VERSION = 1

# What JSON has no word for: (type, tag, to JSON, from JSON). A datetime is a date too, so it comes first.
_TAGGED: tuple[tuple[type, str, Callable[[Any], Any], Callable[[Any], Any]], ...] = (
    (Decimal, "$decimal", str, Decimal),
    (datetime, "$datetime", datetime.isoformat, datetime.fromisoformat),
    (date, "$date", date.isoformat, date.fromisoformat),
    (time, "$time", time.isoformat, time.fromisoformat),
    (timedelta, "$microseconds", lambda v: v // timedelta(microseconds=1), lambda v: timedelta(microseconds=v)),
    (bytes, "$bytes", lambda v: b64encode(v).decode(), b64decode),
)
_READERS = {tag: reader for _, tag, _, reader in _TAGGED} | {"$float": float}


def to_json(profile: Profile) -> str:
    """JSON text of a profile; fields with their default value are left out.

    >>> from_json(to_json(Profile({}))) == Profile({})
    True
    """
    return json.dumps(_encode(profile), ensure_ascii=False, indent=1, allow_nan=False)


def from_json(text: str) -> Profile:
    """The profile that ``to_json`` wrote; ModelFileError when the text is no such thing."""
    try:
        return _profile(_decode(json.loads(text)))
    except (ValueError, TypeError, KeyError, AttributeError) as problem:
        raise ModelFileError(f"the text is not a profile ({problem}); write it again with to_json") from problem


def _encode(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = ((f, getattr(value, f.name)) for f in dataclasses.fields(value))
        return {f.name: _encode(v) for f, v in fields if not _is_default(f, v)}
    if isinstance(value, Mapping):
        return {_escaped(str(name)): _encode(member) for name, member in value.items()}
    if isinstance(value, list):
        return {"$list": [_encode(item) for item in value]}
    if isinstance(value, tuple):
        return [_encode(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return {"$float": str(value)}
    for type_, tag, writer, _ in _TAGGED:
        if isinstance(value, type_):
            return {tag: writer(value)}
    return value


def _is_default(field: "dataclasses.Field[Any]", value: Any) -> bool:
    if field.name == "version":
        return False
    default = field.default_factory() if field.default_factory is not dataclasses.MISSING else field.default
    return type(value) is type(default) and bool(value == default)


def _escaped(name: str) -> str:
    return f"${name}" if name.startswith("$") else name


def _decode(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(_decode(item) for item in value)
    if not isinstance(value, dict):
        return value
    tag = next(iter(value), "")
    if tag == "$list":
        return [_decode(item) for item in value[tag]]
    if tag in _READERS:
        return _READERS[tag](value[tag])
    return {name.removeprefix("$"): _decode(member) for name, member in value.items()}


def _profile(members: Mapping[str, Any]) -> Profile:
    if members["version"] != VERSION:
        raise ValueError(f"version {members['version']!r}, this release reads {VERSION}")
    tables = {name: _table(table) for name, table in members["tables"].items()}
    return Profile(**{**members, "tables": tables})


def _table(members: Mapping[str, Any]) -> TableProfile:
    return TableProfile(
        **{
            **members,
            "columns": {name: _column(column) for name, column in members["columns"].items()},
            "cardinalities": tuple(CardinalityProfile(**c) for c in members.get("cardinalities", ())),
            "invariants": tuple(Invariant(**i) for i in members.get("invariants", ())),
        }
    )


def _column(members: Mapping[str, Any]) -> ColumnProfile:
    shape = members.get("json_shape")
    # Releases before told types by their shares, which nothing was made from.
    known = _shape(shape) if shape is not None and "rows" in shape else None
    return ColumnProfile(**{**members, "json_shape": known})


def _shape(members: Mapping[str, Any]) -> DocumentShape:
    return DocumentShape(
        **{
            **members,
            "leaves": {name: _column(leaf) for name, leaf in members.get("leaves", {}).items()},
            "keys": {name: _shape(key) for name, key in members.get("keys", {}).items()},
            **{n: _column(members[n]) for n in ("extra", "names", "sizes") if n in members},
            **{n: _shape(members[n]) for n in ("others", "items") if n in members},
        }
    )
