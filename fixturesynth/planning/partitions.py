"""Partitioned tables: rows go in at the top and land in the partitions by themselves."""

from fixturesynth.schema.model import Schema, Table

__all__ = ["why_no_rows"]


def why_no_rows(schema: Schema, table: Table) -> str | None:
    """Why a table gets no rows of its own, in words; None for every other table.

    A partition is filled through the table that it is a part of; an inheritance child has rows of its own. A
    partitioned table without any partition cannot hold a row.
    """
    above = table.partition_of
    if above is not None and above in schema and schema[above].partition_key is not None:
        return f"a partition: the rows of {above} land in it"
    if table.partition_key is not None and not _has_partition(schema, table):
        return f"partitioned by {table.partition_key}, and no partition is there to hold a row"
    return None


def _has_partition(schema: Schema, table: Table) -> bool:
    below = [t for t in schema if t.partition_of == table.name]
    return any(t.partition_key is None or _has_partition(schema, t) for t in below)
