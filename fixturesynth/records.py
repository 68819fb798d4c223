"""Dataclasses from what JSON gives, checked field by field against their annotations.

Strict, as JSON is typed: a number is no text, true is no number. Members that no field is named after are left alone.
Pydantic does the same, but importing it and building its checks costs a cold start a tenth of a second.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields, is_dataclass
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

__all__ = ["AtLeast", "MisfitError", "read_record"]

_T = TypeVar("_T")
_Reader = Callable[[Any], Any]


class AtLeast(int):
    """Mark of an annotation: the least value of a number, ``Annotated[int, AtLeast(1)]``."""


class MisfitError(ValueError):
    """A value that is not what its field asks for; ``where``: the members that lead to it, outermost first."""

    def __init__(self, problem: str) -> None:
        super().__init__(problem)
        self.problem = problem
        self.where: list[str] = []

    def __str__(self) -> str:
        return f"{'.'.join(self.where)}: {self.problem}" if self.where else self.problem

    def inside(self, member: object) -> MisfitError:
        self.where.insert(0, str(member))
        return self


def read_record(kind: type[_T], value: Any) -> _T:
    """``value``, as ``json.loads`` gives it, as the dataclass ``kind``; MisfitError when it is no such thing.

    >>> from fixturesynth.schema.model import Unique
    >>> read_record(Unique, {"name": "once", "columns": ["a", "b"]}).columns
    ('a', 'b')
    >>> read_record(Unique, {"name": "once", "columns": ["a", 7]})
    Traceback (most recent call last):
    fixturesynth.records.MisfitError: columns.1: not a text: 7
    """
    made: _T = _record(kind)(value)
    return made


_RECORDS: dict[type, _Reader] = {}


def _record(kind: type) -> _Reader:
    """Fields are looked up at the first value, as a type may hold itself."""
    if kind in _RECORDS:
        return _RECORDS[kind]
    known: list[tuple[str, _Reader, bool]] = []

    def read(value: Any) -> Any:
        if not known:
            hints = get_type_hints(kind, include_extras=True)
            known.extend((f.name, _reader(hints[f.name]), _is_needed(f)) for f in fields(kind))
        _check(isinstance(value, dict), "an object", value)
        members = {}
        for name, reader, needed in known:
            if name in value:
                members[name] = _inside(name, reader, value[name])
            elif needed:
                raise MisfitError("missing").inside(name)
        return kind(**members)

    _RECORDS[kind] = read
    return read


def _is_needed(field: Any) -> bool:
    return field.default is MISSING and field.default_factory is MISSING


def _reader(hint: Any) -> _Reader:
    """What reads a value of this annotation."""
    origin, parts = get_origin(hint), get_args(hint)
    if hint is Any:
        return lambda value: value
    if origin in _NESTED:
        return _NESTED[origin](parts)
    if is_dataclass(hint):
        return _record(hint)  # type: ignore[arg-type]
    name = _PLAIN[hint]

    def plain(value: Any) -> Any:
        return value if type(value) is hint else _check(False, name, value)

    return plain


_PLAIN = {str: "a text", int: "a whole number", bool: "true or false"}


def _annotated(parts: tuple[Any, ...]) -> _Reader:
    reader, least = _reader(parts[0]), parts[1]

    def read(value: Any) -> Any:
        number = reader(value)
        _check(number >= least, f"at least {int(least)}", value)
        return number

    return read


def _literal(parts: tuple[Any, ...]) -> _Reader:
    words = f"one of {', '.join(map(repr, parts))}"

    def read(value: Any) -> Any:
        _check(any(type(value) is type(p) and value == p for p in parts), words, value)
        return value

    return read


def _union(parts: tuple[Any, ...]) -> _Reader:
    (inner,) = (p for p in parts if p is not type(None))
    reader = _reader(inner)
    return lambda value: None if value is None else reader(value)


def _list(parts: tuple[Any, ...]) -> _Reader:
    reader = _reader(parts[0])

    def read(value: Any) -> Any:
        _check(isinstance(value, list), "a list", value)
        return [_inside(i, reader, v) for i, v in enumerate(value)]

    return read


def _tuple(parts: tuple[Any, ...]) -> _Reader:
    if len(parts) == 2 and parts[1] is Ellipsis:
        several = _list(parts)
        return lambda value: tuple(several(value))
    readers = [_reader(p) for p in parts]

    def read(value: Any) -> Any:
        _check(isinstance(value, list) and len(value) == len(readers), f"a list of {len(readers)}", value)
        return tuple(_inside(i, reader, v) for i, (reader, v) in enumerate(zip(readers, value, strict=True)))

    return read


def _mapping(parts: tuple[Any, ...]) -> _Reader:
    reader = _reader(parts[1])

    def read(value: Any) -> Any:
        _check(isinstance(value, dict), "an object", value)
        return {name: _inside(name, reader, v) for name, v in value.items()}

    return read


_NESTED: Mapping[Any, Callable[[tuple[Any, ...]], _Reader]] = {
    Annotated: _annotated, Literal: _literal, Union: _union, types.UnionType: _union,
    list: _list, tuple: _tuple, dict: _mapping,
}  # fmt: skip


def _inside(member: object, reader: _Reader, value: Any) -> Any:
    try:
        return reader(value)
    except MisfitError as error:
        raise error.inside(member) from None


def _check(holds: bool, expected: str, value: Any) -> None:
    if not holds:
        shown = repr(value)
        raise MisfitError(f"not {expected}: {shown if len(shown) <= 40 else shown[:37] + '...'}")
