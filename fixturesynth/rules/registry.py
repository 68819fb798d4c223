"""All rules by name, and their spaces, built once a process."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache, wraps
from typing import Any

import numpy as np
import pyarrow as pa

from fixturesynth.errors import SpecError, did_you_mean
from fixturesynth.rules import (
    choices,
    composed,
    compounds,
    documents,
    following,
    identifiers,
    moments,
    numbers,
    people,
    places,
    prose,
    shapes,
    systems,
    written,
)
from fixturesynth.rules.contract import ColumnContext, RuleCall, RuleMaker, Space

Maker = Callable[[Mapping[str, Any], ColumnContext], Space]

__all__ = ["RULES", "NamedRule", "capacity", "space_of"]


@dataclass(frozen=True)
class NamedRule:
    """A function from options and context to a space, with its name and version.

    ``alike``: its spaces are the same for all columns of one type, so that a schema's columns share them.
    """

    name: str
    make: Maker
    version: int = 1
    alike: bool = True

    def __call__(self, options: Mapping[str, Any], context: ColumnContext) -> Space:
        return self.make(options, context)


# Rules that name the column in what they say later, and those that hold other rules.
_NAMING = frozenset(("array", "document", "elements", "mixture", "template"))


def _table(*rooms: Mapping[str, Maker]) -> dict[str, RuleMaker]:
    return {name: NamedRule(name, make, alike=name not in _NAMING) for room in rooms for name, make in room.items()}


def _fitting(make: Maker) -> Maker:
    """The rule with an empty space where its numbers or moments are too long for a text column."""

    @wraps(make)
    def made(options: Mapping[str, Any], context: ColumnContext) -> Space:
        space = make(options, context)
        length = context.type.length
        if context.type.kind != "text" or length is None or not space.size or space.block == 1:
            return space
        ends = space.at(np.array([0, space.size - 1]), {}).cast(pa.string()).to_pylist()
        return space if max(map(len, ends)) <= length else replace(space, size=0)

    return made


RULES: Mapping[str, RuleMaker] = _table(
    {name: _fitting(make) for name, make in (numbers.MAKERS | moments.MAKERS).items()},
    choices.MAKERS,
    identifiers.MAKERS,
    people.MAKERS,
    places.MAKERS,
    shapes.MAKERS,
    prose.MAKERS,
    compounds.MAKERS,
    composed.MAKERS,
    documents.MAKERS,
    following.MAKERS,
    written.MAKERS,
    systems.MAKERS,
)


@lru_cache(maxsize=1)
def _plugged() -> dict[str, RuleMaker]:
    from importlib.metadata import entry_points  # which parses mail; our own rules do without it

    return {point.name: point.load() for point in entry_points(group="fixturesynth.rules")}


def space_of(call: RuleCall, context: ColumnContext) -> Space:
    """The space of a call, cached for the process; SpecError for a rule that does not exist."""
    maker = RULES.get(call.name)
    alike = isinstance(maker, NamedRule) and maker.alike
    own = replace(context, unique=call.unique, **(_NAMELESS if alike else {}))
    try:
        return _space(call.name, json.dumps(dict(call.options), default=str), own)
    except SpecError:
        raise
    except (KeyError, TypeError, ValueError) as error:
        problem = f"option {error} is missing" if isinstance(error, KeyError) else str(error)
        raise SpecError(f"{context.table}.{context.column}: rule {call.name!r}: {problem}") from error


_NAMELESS: Mapping[str, Any] = {"table": "", "column": ""}


@lru_cache(maxsize=4096)
def _space(name: str, options: str, context: ColumnContext) -> Space:
    maker = RULES.get(name) or _plugged().get(name)
    if maker is None:
        raise SpecError(
            f"{context.table}.{context.column}: no rule {name!r}: {did_you_mean(name, [*RULES, *_plugged()])}"
        )
    return maker(json.loads(options), context)


def capacity(call: RuleCall, context: ColumnContext) -> int:
    """How many distinct values the call can give this column, at most 2**62; for planning."""
    return space_of(call, context).size
