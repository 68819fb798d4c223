"""The pytest plugin of FixtureSynth: a populated database in one fixture.

Public names are loaded when they are first used: pytest imports this package in every run, used or not.
"""

TYPE_CHECKING = False  # type checkers take it for typing's

if TYPE_CHECKING:
    from pytest_fixturesynth.fixtures import synth_fixtures
    from pytest_fixturesynth.handle import AsyncSynth, Synth
    from pytest_fixturesynth.records import Record

__all__ = ["AsyncSynth", "Record", "Synth", "synth_fixtures"]

_HOMES = {
    "AsyncSynth": "pytest_fixturesynth.handle",
    "Record": "pytest_fixturesynth.records",
    "Synth": "pytest_fixturesynth.handle",
    "synth_fixtures": "pytest_fixturesynth.fixtures",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'pytest_fixturesynth' has no attribute {name!r}; there are: {', '.join(__all__)}")
    from importlib import import_module

    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value
