"""What a column means."""

import pyarrow as pa

from fixturesynth.schema.model import Column

PERSONAL: frozenset[str] = frozenset()


def guess_meaning(table_name: str, column: Column, values: pa.Array | None) -> str | None:
    return None
