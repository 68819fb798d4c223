"""Whether PostgreSQL takes rows faster over several connections: COPY of one table, and its key afterwards.

    python benchmarks/connections.py [rows]

The same CSV, made from Arrow while it is sent, over one, two and four connections, each with a share of the rows; then
the primary key. Tables are made before and committed, since other connections do not see them otherwise, which is what
a load over several connections would have to do: one that is killed would leave them. Medians of five rounds, the ways
one after the other in every round; seconds, and seconds of processor time of this process.
"""

import os
import sys
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from statistics import median

import psycopg
import pyarrow as pa
from loading import SCHEMA, SERVERS, people

from fixturesynth.loading.copy import WIRE
from fixturesynth.loading.wire import batches, csv_bytes
from fixturesynth.schema.ddl import create_statements


def copied(url: str, part: pa.Table) -> None:
    """One connection's share, in a transaction of its own."""
    statement = "COPY people FROM STDIN (FORMAT csv)"
    with psycopg.connect(url) as connection, connection.cursor() as cursor, cursor.copy(statement) as copy:
        for batch in batches(part):
            copy.write(csv_bytes(batch, WIRE, "people"))


def once(url: str, table: pa.Table, connections: int) -> tuple[float, float, float]:
    """Seconds of the rows, seconds of the key, processor seconds."""
    keyless = replace(SCHEMA, tables=(replace(SCHEMA["people"], primary_key=None),))
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("DROP TABLE IF EXISTS people")
        connection.execute(create_statements(keyless, "postgresql")[0])
        connection.execute("CHECKPOINT")
        share = -(-table.num_rows // connections)
        parts = [table.slice(n * share, share) for n in range(connections)]
        start, used = time.perf_counter(), time.process_time()
        with ThreadPoolExecutor(connections) as pool:
            list(pool.map(lambda part: copied(url, part), parts))
        rows, used = time.perf_counter() - start, time.process_time() - used
        start = time.perf_counter()
        connection.execute("ALTER TABLE people ADD PRIMARY KEY (id)")
        return rows, time.perf_counter() - start, used


def main(rows: int) -> None:
    server = SERVERS["postgresql"].replace("+psycopg", "")
    name = f"fixturesynth_connections_{uuid.uuid4().hex[:8]}"
    table = people(rows)
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
        try:
            url = server.rpartition("/")[0] + "/" + name
            ways = (1, 2, 4)
            found = {way: [] for way in ways}
            for _ in range(5):
                for way in ways:
                    found[way].append(once(url, table, way))
            print(f"{rows:,} rows, {os.cpu_count()} cores\n")
            print("| connections | rows, s | key, s | processor, s |\n|---|---|---|---|")
            for way, times in found.items():
                print("|", way, "|", " | ".join(f"{median(t[i] for t in times):.2f}" for i in range(3)), "|")
        finally:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
