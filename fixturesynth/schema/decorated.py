"""What a column's type in Python can read, where that is less than what the database lets it hold."""

from __future__ import annotations

from enum import Enum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine.interfaces import Dialect
from sqlalchemy.types import TypeDecorator

from fixturesynth.schema.model import ColumnType
from fixturesynth.schema.targets import quote_name

__all__ = ["literal_of", "readable"]

MOST_MEMBERS = 200
JSON, TEXT = "[]", "a text"  # what a type of the user's is tried on


def readable(column: sa.Column[Any], kind: ColumnType, dialect: Dialect) -> tuple[list[str], str | None]:
    """Conditions for the values of ``column``, and what is to be told where nobody can know them.

    A type of the user's own that holds members of an Enum can read those; one of texts that fails on a plain text is
    tried with JSON. ``Interval`` is a moment after 1970 where the database has no durations.
    """
    name = quote_name(column.name, dialect.name)
    if isinstance(column.type, sa.Interval):
        day = ("1970-01-01 00:00:00", "1970-01-02 00:00:00")
        return ([f"{name} >= '{day[0]}' AND {name} <= '{day[1]}'"] if kind.kind == "timestamp" else []), None
    if not isinstance(column.type, TypeDecorator) or type(column.type).__module__.startswith("sqlalchemy."):
        return [], None
    members = _members(column.type, dialect)
    if members:
        return [f"{name} IN ({', '.join(literal_of(m) for m in members)})"], None
    if kind.kind != "text" or _reads(column.type, TEXT, dialect):
        return [], None
    if _reads(column.type, JSON, dialect):
        return [f"json_valid({name}) = 1"], None
    told = (
        f"what type {type(column.type).__name__} of column {column.name} can read: give the column a rule in the spec"
    )
    return [], told


def literal_of(value: str | int) -> str:
    """A value as SQL writes it.

    >>> literal_of("it's"), literal_of(3)
    ("'it''s'", '3')
    """
    return str(value) if isinstance(value, int) else "'" + value.replace("'", "''") + "'"


def _members(kind: TypeDecorator[Any], dialect: Dialect) -> list[str | int]:
    """The members of the Enum that a type was made with, as it writes them, where it reads each of them again."""
    for held in (*vars(kind).values(), *vars(type(kind)).values()):
        if isinstance(held, type) and issubclass(held, Enum) and 0 < len(held) <= MOST_MEMBERS:
            written = _written(kind, held, dialect)
            if written and all(isinstance(w, str | int) for w in written):
                return list(dict.fromkeys(written))
    return []


def _written(kind: TypeDecorator[Any], members: type[Enum], dialect: Dialect) -> list[Any]:
    """Every member as the type writes it; [] where it cannot, or reads something else then."""
    try:
        written = [kind.process_bind_param(member, dialect) for member in members]
        read = [kind.process_result_value(value, dialect) for value in written]
    except Exception:  # noqa: BLE001 the user's own code, tried
        return []
    return written if read == list(members) else []


def _reads(kind: TypeDecorator[Any], text: str, dialect: Dialect) -> bool:
    try:
        kind.process_result_value(text, dialect)
    except NotImplementedError:
        return True  # it has none of its own
    except Exception:  # noqa: BLE001 the user's own code, tried
        return False
    return True
