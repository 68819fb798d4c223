"""What has changed between two states of a schema: tables, columns, types, keys, references."""

from collections.abc import Iterator

from fixturesynth.schema.model import ForeignKey, Schema, Table

__all__ = ["find_changes"]

Change = tuple[str, str, str]  # table, what it is about, in words


def find_changes(before: Schema, after: Schema) -> Iterator[Change]:
    """Every change that generated rows would feel, in the order of the tables.

    References that are named in a spec and unknown to the database are no change, nor are names of constraints.
    """
    for name in before.names:
        if name not in after:
            yield name, "table", "dropped"
    for table in after:
        if table.name not in before:
            yield table.name, "table", "added"
        else:
            yield from _in_table(before[table.name], table)


def _in_table(before: Table, after: Table) -> Iterator[Change]:
    for name in before.column_names:
        if name not in after.column_names:
            yield before.name, name, "column dropped"
    for column in after.columns:
        if column.name not in before.column_names:
            yield (
                before.name,
                column.name,
                f"column added ({column.type.name}{'' if column.nullable else ', not null'})",
            )
            continue
        old = before.column(column.name)
        if old.type != column.type:
            was, now = old.type.name, column.type.name
            more = f": values {', '.join(old.type.values)} to {', '.join(column.type.values)}"
            yield (
                before.name, column.name,
                f"type changed from {was} to {now}" + (more if old.type.values != column.type.values else ""),
            )  # fmt: skip
        if old.nullable != column.nullable:
            yield before.name, column.name, "may be NULL now" if column.nullable else "must not be NULL any more"
    if set(before.keys) != set(after.keys):
        yield before.name, "keys", f"unique are now {_spoken(after)} instead of {_spoken(before)}"
    known = {_shape(fk) for fk in before.foreign_keys}
    found = {_shape(fk) for fk in after.foreign_keys}
    for fk in before.foreign_keys:
        if fk.declared and _shape(fk) not in found:
            yield before.name, ", ".join(fk.columns), f"no longer a reference to {fk.parent}"
    for fk in after.foreign_keys:
        if fk.declared and _shape(fk) not in known:
            yield before.name, ", ".join(fk.columns), f"now a reference to {fk.parent}"


def _shape(fk: ForeignKey) -> tuple[tuple[str, ...], str, tuple[str, ...]]:
    return fk.columns, fk.parent, fk.parent_columns


def _spoken(table: Table) -> str:
    return "; ".join(", ".join(key) for key in table.keys) or "none"
