"""Rows to a Profile: what they say, protected, without keeping any.

Names are loaded when they are first used: a model needs the Profile, not what makes one.
"""

TYPE_CHECKING = False

if TYPE_CHECKING:
    from fixturesynth.profiling.columns import profile_column
    from fixturesynth.profiling.datasets import profile_dataset
    from fixturesynth.profiling.merging import merge
    from fixturesynth.profiling.profile import CardinalityProfile, ColumnProfile, Invariant, Profile, TableProfile
    from fixturesynth.profiling.serialisation import from_json, to_json
    from fixturesynth.profiling.temporal import format_temporal, parse_temporal

__all__ = [
    "CardinalityProfile",
    "ColumnProfile",
    "Invariant",
    "Profile",
    "TableProfile",
    "format_temporal",
    "from_json",
    "merge",
    "parse_temporal",
    "profile_column",
    "profile_dataset",
    "to_json",
]

_HOMES = {
    **dict.fromkeys(("CardinalityProfile", "ColumnProfile", "Invariant", "Profile", "TableProfile"), "profile"),
    **dict.fromkeys(("format_temporal", "parse_temporal"), "temporal"),
    **dict.fromkeys(("from_json", "to_json"), "serialisation"),
    "merge": "merging",
    "profile_column": "columns",
    "profile_dataset": "datasets",
}


def __getattr__(name: str) -> object:
    from importlib import import_module

    if name not in _HOMES:
        raise AttributeError(f"module 'fixturesynth.profiling' has no attribute {name!r}")
    value = getattr(import_module(f"fixturesynth.profiling.{_HOMES[name]}"), name)
    globals()[name] = value
    return value
