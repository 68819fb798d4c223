"""Rows a second into each database, next to the fastest way written by hand, in the same run.

    python benchmarks/loading.py [rows] [dialect ...]

One table of ten columns with a primary key. "By hand" is what a specialist would write for this one table: COPY of a
prepared CSV and the key afterwards, LOAD DATA, executemany of prepared tuples, DuckDB from Arrow. Its CSV or tuples are
made outside of the clock; ours are made inside. Servers are found as the tests find them; one that is absent is named.
"""

import os
import sqlite3
import sys
import tempfile
import time
import uuid
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
import sqlalchemy as sa

from fixturesynth.dataset import Dataset
from fixturesynth.errors import FixtureSynthError
from fixturesynth.loading.loader import load
from fixturesynth.schema.connection import make_engine
from fixturesynth.schema.ddl import create_statements
from fixturesynth.schema.model import Column, ColumnType, PrimaryKey, Schema, Table

TEXT = ColumnType("text", "text")
COLUMNS = (
    Column("id", ColumnType("integer", "bigint", bits=64), nullable=False),
    Column("name", TEXT),
    Column("email", TEXT),
    Column("city", TEXT),
    Column("status", TEXT),
    Column("born", ColumnType("date", "date")),
    Column("seen", ColumnType("timestamp", "timestamp")),
    Column("score", ColumnType("float", "double precision")),
    Column("visits", ColumnType("integer", "integer", bits=32)),
    Column("active", ColumnType("boolean", "boolean")),
)
SCHEMA = Schema((Table("people", COLUMNS, primary_key=PrimaryKey(("id",))),), "postgresql")
SERVERS = {
    "postgresql": os.environ.get("FIXTURESYNTH_TEST_POSTGRESQL", "postgresql://postgres@127.0.0.1:5432/postgres"),
    "mysql": os.environ.get("FIXTURESYNTH_TEST_MYSQL", "mysql://root@127.0.0.1:3306/"),
}


def people(rows: int) -> pa.Table:
    n = np.arange(rows)
    text = pa.array(n).cast(pa.string())
    names = pa.compute.binary_join_element_wise("Ann Example", text, " ")
    return pa.table(
        {
            "id": n,
            "name": names,
            "email": pa.compute.binary_join_element_wise("ann", text, "@example.com", ""),
            "city": pa.array(["Lyon", "Oslo", None, "Graz"]).take(pa.array(n % 4)),
            "status": pa.array(["new", "paid", "refunded"]).take(pa.array(n % 3)),
            "born": pa.array((n % 20000).astype(np.int32)).cast(pa.date32()),
            "seen": pa.array(n * 1_000_000 + 1_600_000_000_000_000).cast(pa.timestamp("us")),
            "score": (n * 7919 % 100_003) / 100,
            "visits": n % 1000,
            "active": pa.array(n % 2 == 0),
        }
    )


def csv_of(table: pa.Table, null: str) -> bytes:
    active = table.column("active").cast(pa.int8()) if null else table.column("active")
    whole = table.set_column(9, "active", active)
    sink = pa.BufferOutputStream()
    pyarrow.csv.write_csv(whole, sink, pyarrow.csv.WriteOptions(include_header=False, null_string=null))
    return bytes(sink.getvalue())


def by_hand_postgresql(url: str, table: pa.Table) -> float:
    data = csv_of(table, "")
    before = [s.replace(',\n  PRIMARY KEY ("id")', "") for s in create_statements(SCHEMA, "postgresql")]
    with make_engine(url).connect() as connection:
        driver = connection.connection.dbapi_connection
        started = time.perf_counter()
        driver.execute(before[0])
        with driver.cursor() as cursor, cursor.copy("COPY people FROM STDIN (FORMAT csv)") as copy:
            for start in range(0, len(data), 4 << 20):
                copy.write(data[start : start + (4 << 20)])
        driver.execute("ALTER TABLE people ADD PRIMARY KEY (id)")
        driver.commit()
        return time.perf_counter() - started


def by_hand_mysql(url: str, table: pa.Table) -> float:
    with tempfile.NamedTemporaryFile(suffix=".csv") as file:
        file.write(csv_of(table, "NULL"))
        file.flush()
        with make_engine(sa.make_url(url).update_query_dict({"local_infile": "1"})).connect() as connection:
            started = time.perf_counter()
            for statement in create_statements(SCHEMA, "mysql"):
                connection.exec_driver_sql(statement)
            connection.exec_driver_sql(
                f"LOAD DATA LOCAL INFILE '{file.name}' INTO TABLE people CHARACTER SET utf8mb4 "
                "FIELDS TERMINATED BY ',' ENCLOSED BY '\"' ESCAPED BY ''"
            )
            connection.commit()
            return time.perf_counter() - started


def by_hand_sqlite(url: str, table: pa.Table) -> float:
    texts = {name: table.column(name).cast(pa.string()) for name in ("born", "seen")}
    for name, values in texts.items():
        table = table.set_column(table.column_names.index(name), name, values)
    rows = list(zip(*(c.to_pylist() for c in table.columns), strict=True))
    connection = sqlite3.connect(str(sa.make_url(url).database))
    started = time.perf_counter()
    with connection:
        connection.execute(create_statements(SCHEMA, "sqlite")[0])
        connection.executemany("INSERT INTO people VALUES (?,?,?,?,?,?,?,?,?,?)", rows)
    seconds = time.perf_counter() - started
    connection.close()
    return seconds


def by_hand_duckdb(url: str, table: pa.Table) -> float:
    import duckdb

    connection = duckdb.connect(str(sa.make_url(url).database))
    started = time.perf_counter()
    connection.execute(create_statements(SCHEMA, "duckdb")[0])
    connection.register("given", table)
    connection.execute("INSERT INTO people SELECT * FROM given")
    connection.close()
    return time.perf_counter() - started


BY_HAND: dict[str, Callable[[str, pa.Table], float]] = {
    "postgresql": by_hand_postgresql,
    "mysql": by_hand_mysql,
    "sqlite": by_hand_sqlite,
    "duckdb": by_hand_duckdb,
}


def in_new_database(dialect: str, folder: Path, work: Callable[[str], float]) -> float:
    name = f"fixturesynth_test_{uuid.uuid4().hex[:12]}"
    if dialect not in SERVERS:
        return work(f"{dialect}:///{folder / name}.{dialect}")
    server = make_engine(SERVERS[dialect]).execution_options(isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
        try:
            return work(server.url.set(database=name).render_as_string(hide_password=False))
        finally:
            force = " WITH (FORCE)" if dialect == "postgresql" else ""
            connection.exec_driver_sql(f"DROP DATABASE {name}{force}")


def main(rows: int, dialects: list[str]) -> None:
    table = people(rows)
    data = Dataset({"people": table})
    print(f"{rows:,} rows of {table.num_columns} columns, primary key included")
    print(f"{'':12}{'load()':>14}{'by hand':>14}{'ratio':>8}")
    with tempfile.TemporaryDirectory() as folder:
        for dialect in dialects:
            try:
                hand = in_new_database(dialect, Path(folder), lambda url, way=BY_HAND[dialect]: way(url, table))
                ours = in_new_database(dialect, Path(folder), lambda url: load(data, url, schema=SCHEMA).seconds)
            except FixtureSynthError as error:
                print(f"{dialect:12}absent: {error}")
                continue
            print(f"{dialect:12}{rows / ours:>12,.0f}/s{rows / hand:>12,.0f}/s{hand / ours:>8.2f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000, sys.argv[2:] or list(BY_HAND))
