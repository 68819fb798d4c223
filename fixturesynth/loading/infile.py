"""MySQL and MariaDB: LOAD DATA LOCAL INFILE where both sides allow it, rows in big INSERT statements where not."""

import tempfile
from collections.abc import Mapping

import pyarrow as pa
from sqlalchemy import Connection

from fixturesynth.errors import LoadError
from fixturesynth.loading.destination import Destination, Done, driver_of
from fixturesynth.loading.wire import Wire, batches, csv_bytes, text_columns
from fixturesynth.schema.model import Kind
from fixturesynth.schema.targets import quote_name

__all__ = ["insert_rows", "load_infile", "load_rows"]

WIRE = Wire(null="NULL", true="1", false="0")
SERVER_TAKES_FILES = "fixturesynth_local_infile"
FILE_BYTES = 256 << 20  # rows of one statement; the server has its own limits on what one transaction holds

# Kinds whose text the server does not read as it stands.
READERS: Mapping[Kind, str] = {
    "bytes": "UNHEX({})",
    "bit": "CAST(CONV({}, 2, 10) AS UNSIGNED)",
    "geometry": "ST_GeomFromText({})",
}


def load_rows(connection: Connection, destination: Destination, table: pa.Table, done: Done) -> None:
    """By file where the server and this connection allow it, else by INSERT."""
    way = load_infile if _may_send_files(connection) else insert_rows
    way(connection, destination, table, done)


def _may_send_files(connection: Connection) -> bool:
    if not getattr(driver_of(connection), "_local_infile", False):
        return False
    if SERVER_TAKES_FILES not in connection.info:  # asked once a connection, not once a table
        connection.info[SERVER_TAKES_FILES] = bool(connection.exec_driver_sql("SELECT @@local_infile").scalar())
    return bool(connection.info[SERVER_TAKES_FILES])


def load_infile(connection: Connection, destination: Destination, table: pa.Table, done: Done) -> None:
    """LOAD DATA LOCAL. It turns every error into a warning and leaves the row out, so warnings are errors here.

    Raises LoadError when a row was refused or changed by the server.
    """
    variables, settings = [], []
    set_apart = any(c.type.kind in READERS for c in destination.columns)
    for i, column in enumerate(destination.columns):
        quoted = quote_name(column.name, destination.dialect)
        # Beside a SET, MariaDB takes a 0 that is read into a counting column for "the next number".
        counts = "{}" if set_apart and column.autoincrement else None
        reader = READERS.get(column.type.kind, counts)
        variables.append(f"@v{i}" if reader else quoted)
        settings += [f"{quoted} = {reader.format(f'@v{i}')}"] if reader else []
    statement = (
        f"INTO TABLE {destination.name} CHARACTER SET utf8mb4 FIELDS TERMINATED BY ',' ENCLOSED BY '\"' ESCAPED BY '' "
        f"LINES TERMINATED BY '\\n' ({', '.join(variables)})" + (f" SET {', '.join(settings)}" if settings else "")
    )
    driver = driver_of(connection)
    written = 0
    with tempfile.NamedTemporaryFile(prefix="fixturesynth-", suffix=".csv") as file, driver.cursor() as cursor:
        path = file.name.replace("\\", "/").replace("'", "\\'")

        def send(rows: int) -> None:
            file.flush()
            kept = cursor.execute(f"LOAD DATA LOCAL INFILE '{path}' {statement}")
            said = []
            if cursor.warning_count:
                cursor.execute("SHOW WARNINGS LIMIT 8")
                said = [message for level, _, message in cursor.fetchall() if level != "Note"]
            if said or kept != rows:
                cause = said[0] if said else f"{rows - kept} of {rows} rows were not taken"
                raise LoadError(f"table {destination.table.name!r}: {cause}; nothing was kept")
            file.seek(0)
            file.truncate()

        waiting = 0
        for batch in batches(table):
            file.write(csv_bytes(batch, WIRE, destination.table.name))
            waiting += batch.num_rows
            if file.tell() >= FILE_BYTES:
                send(waiting)
                written, waiting = written + waiting, 0
                done(written)
        if waiting:
            send(waiting)
            done(written + waiting)


def insert_rows(connection: Connection, destination: Destination, table: pa.Table, done: Done) -> None:
    """INSERT with many rows a statement (PyMySQL joins what executemany is given)."""
    values = ", ".join(READERS.get(c.type.kind, "{}").format("%s") for c in destination.columns)
    statement = f"INSERT INTO {destination.name} ({destination.column_list}) VALUES ({values})".replace("%", "%%")
    statement = statement.replace("%%s", "%s")
    driver = driver_of(connection)
    written = 0
    with driver.cursor() as cursor:
        for batch in batches(table):
            cursor.executemany(statement, list(zip(*text_columns(batch, WIRE), strict=True)))
            written += batch.num_rows
            done(written)
