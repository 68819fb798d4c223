"""How a drawn dataset is handed over: dictionaries, frames, a script of inserts, objects of mapped classes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from fixturesynth.errors import InputError, did_you_mean
from fixturesynth.strategies.compiling import Source

__all__ = ["Form", "form_named"]

Rows = dict[str, list[dict[str, Any]]]
Form = Callable[[Rows], Any]


def form_named(name: str, origin: Any, source: Source, tables: Sequence[str]) -> Form:
    if name not in _FORMS:
        raise InputError(f"unknown tables_as={name!r}: {did_you_mean(name, _FORMS)}")
    return _FORMS[name](origin, source, tables)


def _dicts(origin: Any, source: Source, tables: Sequence[str]) -> Form:
    return dict


_FORMS: Mapping[str, Callable[[Any, Source, Sequence[str]], Form]] = {"dicts": _dicts}
