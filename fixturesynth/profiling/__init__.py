"""Rows to a Profile: what they say, protected, without keeping any."""

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
