"""A warehouse out of TPC-DS, as DuckDB generates it: sales in shops and on the web, with their dates and times of day.

    pip download --no-deps -d WHEELS duckdb==1.5.5 duckdb-extension-tpcds==1.5.5
    python benchmarks/warehouse.py WHEELS FOLDER
    python benchmarks/road.py --data FOLDER

Writes ``FOLDER/warehouse.sqlite``: scale factor 0.01, a third of the tickets of the shops, six years of the calendar,
every seventh second of a day. The extension fits one version of DuckDB, which is therefore taken from WHEELS too, in a
process of its own.
"""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import tempfile
import zipfile
from contextlib import closing
from pathlib import Path

import click

GENERATE = """
import duckdb, sys
connection = duckdb.connect(config={"allow_unsigned_extensions": "true"})
connection.execute(f"LOAD '{sys.argv[1]}'")
connection.execute("CALL dsdgen(sf = 0.01)")
for name in sys.argv[3:]:
    connection.execute(f"COPY {name} TO '{sys.argv[2]}/{name}.csv' (HEADER, NULLSTR '<null>')")
    kinds = connection.execute(
        "SELECT column_name, data_type FROM information_schema.columns WHERE table_name = ? ORDER BY ordinal_position",
        [name]).fetchall()
    open(f"{sys.argv[2]}/{name}.columns", "w").write("\\n".join("|".join(pair) for pair in kinds))
"""
# Table -> key, references (column -> table), rows that are kept. Columns that refer to other tables are left out.
TABLES: dict[str, tuple[str, dict[str, str], str]] = {
    "date_dim": ("d_date_sk", {}, "CAST(d_year AS INTEGER) BETWEEN 1998 AND 2003"),
    "time_dim": ("t_time_sk", {}, "CAST(t_time AS INTEGER) % 7 = 0"),
    "customer_address": ("ca_address_sk", {}, "1"),
    "customer": ("c_customer_sk", {"c_current_addr_sk": "customer_address"}, "1"),
    "item": ("i_item_sk", {}, "1"),
    "store_sales": (
        "ss_item_sk, ss_ticket_number",
        {"ss_item_sk": "item", "ss_customer_sk": "customer", "ss_sold_date_sk": "date_dim"},
        "CAST(ss_ticket_number AS INTEGER) % 3 = 0",
    ),
    "web_sales": (
        "ws_item_sk, ws_order_number",
        {"ws_item_sk": "item", "ws_bill_customer_sk": "customer", "ws_sold_date_sk": "date_dim",
         "ws_ship_date_sk": "date_dim"},
        "1",
    ),
}  # fmt: skip


def generated(wheels: Path, folder: Path) -> None:
    """The tables as CSV files in ``folder``, with their columns' names and types."""
    for package in ("duckdb-", "duckdb_extension_tpcds-"):
        found = sorted(p for p in wheels.glob(f"{package}*.whl"))
        if not found:
            raise click.ClickException(f"{wheels} has no wheel of {package[:-1]}; see pip download in --help")
        with zipfile.ZipFile(found[-1]) as wheel:
            wheel.extractall(folder / "packages")
    extension = next((folder / "packages").rglob("tpcds.duckdb_extension"))
    subprocess.run(
        [sys.executable, "-c", GENERATE, str(extension), str(folder), *TABLES],
        check=True, env={**os.environ, "PYTHONPATH": str(folder / "packages")},
    )  # fmt: skip


def told(name: str, folder: Path) -> list[tuple[str, str]]:
    """Columns that are kept, with their types."""
    key, references, _ = TABLES[name]
    lines = (folder / f"{name}.columns").read_text().splitlines()
    columns = [(column, kind) for column, _, kind in (line.partition("|") for line in lines)]
    kept = {*key.split(", "), *references, "t_time", "d_date"}
    return [
        (c, kind) for c, kind in columns if c in kept or not (name not in ("date_dim", "time_dim") and c[-3:] == "_sk")
    ]


def write(folder: Path, path: Path) -> None:
    import pandas as pd

    path.unlink(missing_ok=True)
    with closing(sqlite3.connect(path)) as connection:
        for name, (key, references, where) in TABLES.items():
            columns = told(name, folder)
            rows = pd.read_csv(folder / f"{name}.csv", dtype=str, na_values=["<null>"], keep_default_na=False)
            rows.to_sql("raw", connection, if_exists="replace", index=False)
            declared = [f"{c} {kind}{' NOT NULL' if c in key.split(', ') else ''}" for c, kind in columns]
            declared += [f"PRIMARY KEY ({key})"] + [f"FOREIGN KEY ({c}) REFERENCES {t}" for c, t in references.items()]
            connection.execute(f"CREATE TABLE {name} ({', '.join(declared)})")
            names = ", ".join(c for c, _ in columns)
            connection.execute(f"INSERT INTO {name} SELECT {names} FROM raw WHERE {where}")
        connection.execute("DROP TABLE raw")
        connection.commit()
        if broken := connection.execute("PRAGMA foreign_key_check").fetchall():
            raise click.ClickException(f"{len(broken)} rows refer to nothing")


@click.command(help=__doc__)
@click.argument("wheels", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
def main(wheels: Path, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        generated(wheels, Path(scratch))
        write(Path(scratch), folder / "warehouse.sqlite")
    click.echo(f"{folder / 'warehouse.sqlite'}: {(folder / 'warehouse.sqlite').stat().st_size >> 10} KiB")


if __name__ == "__main__":
    main()
