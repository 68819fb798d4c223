"""Hypothesis strategies for relational data: valid by construction, and they shrink to the smallest failing database.

Names are loaded when they are first used: Hypothesis imports this package wherever both are installed.
"""

TYPE_CHECKING = False

if TYPE_CHECKING:
    from fixturesynth.loading.isolation import loaded
    from fixturesynth.strategies.changing import Change, changes
    from fixturesynth.strategies.datasets import from_schema, rows
    from fixturesynth.strategies.forms import Frames, Script, Tables, frames
    from fixturesynth.strategies.framing import columns, index
    from fixturesynth.strategies.machine import DatabaseMachine
    from fixturesynth.strategies.modelling import from_model
    from fixturesynth.strategies.resolving import register
    from fixturesynth.strategies.violating import Violation, violations

__all__ = [
    "Change",
    "DatabaseMachine",
    "Frames",
    "Script",
    "Tables",
    "Violation",
    "changes",
    "columns",
    "frames",
    "from_model",
    "from_schema",
    "index",
    "loaded",
    "register",
    "rows",
    "violations",
]

_HOMES = {
    "Change": "changing",
    "DatabaseMachine": "machine",
    "Frames": "forms",
    "Script": "forms",
    "Tables": "forms",
    "Violation": "violating",
    "changes": "changing",
    "columns": "framing",
    "frames": "forms",
    "from_model": "modelling",
    "from_schema": "datasets",
    "index": "framing",
    "register": "resolving",
    "rows": "datasets",
    "violations": "violating",
}


def __getattr__(name: str) -> object:
    from importlib import import_module

    if name == "loaded":
        home = "fixturesynth.loading.isolation"
    elif name in _HOMES:
        home = f"fixturesynth.strategies.{_HOMES[name]}"
    else:
        from fixturesynth.errors import did_you_mean

        raise AttributeError(
            f"module 'fixturesynth.strategies' has no attribute {name!r}: {did_you_mean(name, __all__)}"
        )
    value = getattr(import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
