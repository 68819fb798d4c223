"""Where rows go, and how a way of loading reports how far it is: what all the bulk ways share."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
from sqlalchemy import Connection, CursorResult

from fixturesynth.schema.ddl import table_name
from fixturesynth.schema.model import Column, Table
from fixturesynth.schema.targets import quote_name

__all__ = ["Destination", "Done", "Together", "Way", "driver_of", "run"]

Done = Callable[[int], None]  # called with the rows written so far


@dataclass(frozen=True)
class Destination:
    """A table and those of its columns that are written, in the order of the Arrow table's columns.

    ``dialect`` is FixtureSynth's name for it.
    """

    table: Table
    columns: tuple[Column, ...]
    dialect: str

    @property
    def name(self) -> str:
        return table_name(self.table, self.dialect)

    @property
    def column_list(self) -> str:
        return ", ".join(quote_name(c.name, self.dialect) for c in self.columns)


Way = Callable[[Connection, Destination, pa.Table, Done], None]
Together = Callable[[Connection, Sequence[Destination], Sequence[pa.Table]], None]


def run(connection: Connection, statement: str) -> CursorResult[Any]:
    """A finished statement: a percent sign in it is no parameter."""
    return connection.exec_driver_sql(statement, execution_options={"no_parameters": True})


def driver_of(connection: Connection) -> Any:
    """The driver's own connection, also when it has been taken out of the pool."""
    return connection.connection.dbapi_connection
