"""Which tables are lists of the world."""

from collections.abc import Mapping

from fixturesynth.dataset import Dataset
from fixturesynth.profiling.profile import ColumnProfile
from fixturesynth.schema.model import Schema, Table


def is_reference(
    table: Table, columns: Mapping[str, Mapping[str, ColumnProfile]], schema: Schema, dataset: Dataset
) -> tuple[bool, str]:
    return False, ""
