"""``st.from_type(Order)`` for classes that SQLAlchemy maps: a row of its table, with its parents, as objects."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

__all__ = ["install", "register"]


def install() -> None:
    """Called by Hypothesis when it is imported (entry point ``hypothesis``): imports nothing heavy itself."""
    from hypothesis.strategies._internal import types

    resolvers = getattr(types, "_global_extra_lookup", None)
    if resolvers is not None:  # older releases have no such table: there register(Base) does it
        resolvers["sqlalchemy"] = _resolve


def register(base: Any) -> None:
    """Make ``st.from_type`` know every class mapped under ``base`` so far; Hypothesis mostly finds them by itself."""
    import hypothesis.strategies as st

    from fixturesynth.schema.mapped import mapped_of

    for mapped in mapped_of(base):
        st.register_type_strategy(mapped, _resolve)


def _resolve(thing: Any) -> Any:
    """A strategy for a mapped class; None for everything else."""
    if "sqlalchemy" not in sys.modules or not isinstance(thing, type) or getattr(thing, "__table__", None) is None:
        return None
    from fixturesynth.schema.mapped import is_mapped

    return _strategy(thing) if is_mapped(thing) else None


def _strategy(mapped: type) -> Any:
    from fixturesynth.schema.mapped import table_of
    from fixturesynth.strategies.choices import Choices, Drawn
    from fixturesynth.strategies.datasets import rows

    table = table_of(mapped)
    whole = rows(mapped, table, tables_as="orm")
    made: Callable[[Choices], Any] = whole._make  # type: ignore[attr-defined]
    return Drawn(lambda choices: made(choices)[table][-1], f"from_type({mapped.__name__})")
