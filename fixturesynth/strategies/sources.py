"""What strategies take as their source, read and compiled once."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

from fixturesynth.loading.judging import make_judge
from fixturesynth.loading.verdicts import Judge, judge_without_database
from fixturesynth.schema.model import Schema
from fixturesynth.schema.reflection import reflect
from fixturesynth.strategies.compiling import compile_source
from fixturesynth.strategies.description import Settings, Source
from fixturesynth.strategies.pandera import is_pandera, schema_of_pandera

__all__ = ["compiled", "schema_of"]

_BY_TEXT: dict[tuple[str, Settings], Source] = {}
_BY_OBJECT: WeakKeyDictionary[Any, dict[Settings, Source]] = WeakKeyDictionary()


def compiled(source: Any, settings: Settings) -> Source:
    """The rules of a source's tables, from the last time where the same source was read already.

    A database is read once in a process: migrations that run later are not seen.
    """
    if isinstance(source, Source):
        return source
    if isinstance(source, str | Path):
        key = (str(source), settings)
        if key not in _BY_TEXT:
            _BY_TEXT[key] = _compiled(source, settings)
        return _BY_TEXT[key]
    try:
        known = _BY_OBJECT.setdefault(source, {})
    except TypeError:  # what cannot be kept weakly is compiled each time
        known = {}
    if settings not in known:
        known[settings] = _compiled(source, settings)
    return known[settings]


def _compiled(source: Any, settings: Settings) -> Source:
    schema = schema_of(source)
    return compile_source(schema, settings, judge_of(source) or judge_without_database(schema))


def schema_of(source: Any) -> Schema:
    """The schema that a source declares; SourceError as ``reflect``."""
    if isinstance(source, Schema):
        return source
    plain = getattr(source, "schema", None)
    if isinstance(plain, Schema):  # a Synthesizer
        return plain
    return schema_of_pandera(source) if is_pandera(source) else reflect(source)


def judge_of(source: Any) -> Judge | None:
    """The database itself, where the source is one, for conditions that only it can evaluate."""
    text = source if isinstance(source, str) else None
    url = getattr(source, "url", None)
    if text is None and url is not None:
        text = url.render_as_string(hide_password=False)
    return make_judge(text) if text is not None and "://" in text else None
