"""Keys that columns elsewhere copy must fit there too: ``varchar(16)`` that references ``varchar(30)``."""

from collections.abc import Mapping
from dataclasses import replace

from fixturesynth.schema.model import Column, Schema, Table
from fixturesynth.schema.predicates import ColumnDomain, TableConstraints

__all__ = ["room_in_children", "within_room"]

Room = Mapping[tuple[str, str], int]  # by table and column: characters of a text, the highest whole number


def room_in_children(schema: Schema) -> Room:
    """What the narrowest column that references a column, directly or through others, has room for.

    Only where that is less than the column itself has.
    """
    keys = [
        ((fk.parent, theirs), (table.name, own))
        for table in schema
        for fk in table.foreign_keys
        if fk.parent in schema
        for theirs, own in zip(fk.parent_columns, fk.columns, strict=True)
    ]
    own = {place: _room(schema[place[0]].column(place[1])) for pair in keys for place in pair}
    least, changed = dict(own), True
    while changed:  # as many turns as references follow each other, one more where nothing changes
        changed = False
        for parent, child in keys:
            here, there = least[parent], least[child]
            if here is not None and there is not None and here[0] == there[0] and there[1] < here[1]:
                least[parent], changed = there, True
    return {place: room[1] for place, room in least.items() if room is not None and room != own[place]}


def _room(column: Column) -> tuple[str, int] | None:
    kind = column.type
    if kind.kind == "text":
        return ("text", kind.length if kind.length is not None else 2**31)
    # Keys count from 1: more of them than 24 bits hold are never made, and need no bound.
    return ("integer", min(kind.integer_range[1], 2**24)) if kind.kind == "integer" else None


def within_room(constraints: TableConstraints, table: Table, room: Room, rows: int) -> TableConstraints:
    """The domains of ``table``'s columns cut to what the columns that reference them hold.

    Numbers only where ``rows`` are more. Columns that are references themselves hold what their parent has,
    which is cut where it is made.
    """
    referring = {c for fk in table.foreign_keys for c in fk.columns}
    domains = dict(constraints.domains)
    for column in table.columns:
        most = room.get((table.name, column.name))
        text = column.type.kind == "text"
        if most is None or column.name in referring or not (text or rows > most):
            continue
        wanted = ColumnDomain(column.name, max_length=most) if text else ColumnDomain(column.name, high=most)
        domains[column.name] = domains[column.name].intersect(wanted) if column.name in domains else wanted
    return replace(constraints, domains=domains) if domains != dict(constraints.domains) else constraints
