"""DuckDB: the Arrow table is registered as a view and inserted from there."""

import pyarrow as pa
from sqlalchemy import Connection

from fixturesynth.loading.destination import Destination, Done, driver_of

__all__ = ["registered_rows"]

VIEW = "_fixturesynth_rows"


def registered_rows(connection: Connection, destination: Destination, table: pa.Table, done: Done) -> None:
    driver = driver_of(connection)
    driver.register(VIEW, table)
    try:
        driver.execute(f"INSERT INTO {destination.name} ({destination.column_list}) SELECT * FROM {VIEW}")
    finally:
        driver.unregister(VIEW)
    done(table.num_rows)
