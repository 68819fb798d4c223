"""DuckDB: the Arrow table is registered as a view and inserted from there."""

from contextlib import suppress

import pyarrow as pa
from sqlalchemy import Connection

from fixturesynth.loading.destination import Destination, Done, driver_of

__all__ = ["registered_rows"]

VIEW = "_fixturesynth_rows"


def registered_rows(connection: Connection, destination: Destination, table: pa.Table, done: Done) -> None:
    driver = driver_of(connection)
    columns = [_narrow(c) for c in table.columns]
    driver.register(VIEW, pa.table(columns, names=table.column_names))
    try:
        driver.execute(f"INSERT INTO {destination.name} ({destination.column_list}) SELECT * FROM {VIEW}")
    except BaseException:
        # Its transaction is over: that the view cannot be taken away must not hide why.
        with suppress(connection.dialect.loaded_dbapi.Error):
            driver.unregister(VIEW)
        raise
    driver.unregister(VIEW)
    done(table.num_rows)


def _narrow(values: pa.ChunkedArray) -> pa.ChunkedArray:
    """Decimals of more than 38 digits, which DuckDB does not take from Arrow: at 38 where they fit, else as texts."""
    if not pa.types.is_decimal256(values.type):
        return values
    for scale in (values.type.scale, 0):
        try:
            return values.cast(pa.decimal128(38, scale))
        except pa.ArrowInvalid:
            continue
    return values.cast(pa.string())
