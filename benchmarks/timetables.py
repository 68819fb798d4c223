"""A database from a timetable in GTFS, the format in which transit agencies publish theirs, for ``road.py``.

    python benchmarks/timetables.py FEED.zip FOLDER
    python benchmarks/road.py --data FOLDER

The source of the package gtfs_kit (9.0.0, on PyPI) holds one of Cairns: data/cairns_gtfs.zip.
Format: https://gtfs.org/documentation/schedule/reference/
"""

from __future__ import annotations

import sqlite3
import zipfile
from pathlib import Path

import click
import pandas as pd

DDL = """
CREATE TABLE calendar (service_id text PRIMARY KEY, monday integer NOT NULL, tuesday integer NOT NULL,
  wednesday integer NOT NULL, thursday integer NOT NULL, friday integer NOT NULL, saturday integer NOT NULL,
  sunday integer NOT NULL, start_date date NOT NULL, end_date date NOT NULL, CHECK (start_date <= end_date));
CREATE TABLE calendar_dates (service_id text NOT NULL REFERENCES calendar (service_id), date date NOT NULL,
  exception_type integer NOT NULL, PRIMARY KEY (service_id, date));
CREATE TABLE routes (route_id text PRIMARY KEY, route_short_name text, route_long_name text,
  route_type integer NOT NULL, route_color text, route_text_color text);
CREATE TABLE shapes (shape_id text PRIMARY KEY);
CREATE TABLE shape_points (shape_id text NOT NULL REFERENCES shapes (shape_id), shape_pt_sequence integer NOT NULL,
  shape_pt_lat real NOT NULL, shape_pt_lon real NOT NULL, PRIMARY KEY (shape_id, shape_pt_sequence));
CREATE TABLE stops (stop_id text PRIMARY KEY, stop_name text, stop_lat real, stop_lon real);
CREATE TABLE trips (trip_id text PRIMARY KEY, route_id text NOT NULL REFERENCES routes (route_id),
  service_id text NOT NULL REFERENCES calendar (service_id), trip_headsign text, direction_id integer,
  shape_id text REFERENCES shapes (shape_id));
CREATE TABLE stop_times (trip_id text NOT NULL REFERENCES trips (trip_id), stop_sequence integer NOT NULL,
  arrival_time text, departure_time text, stop_id text NOT NULL REFERENCES stops (stop_id), pickup_type integer,
  drop_off_type integer, PRIMARY KEY (trip_id, stop_sequence));
"""
FILES = {"shape_points": "shapes", "shapes": "shapes"}
DATES = ("start_date", "end_date", "date")


@click.command(help=__doc__)
@click.argument("feed", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
def main(feed: Path, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{feed.stem}.sqlite"
    path.unlink(missing_ok=True)
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA foreign_keys = ON")
    connection.executescript(DDL)
    with zipfile.ZipFile(feed) as archive:
        for (table,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
            columns = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
            with archive.open(f"{FILES.get(table, table)}.txt") as file:
                frame = pd.read_csv(file, dtype=str, keep_default_na=False).reindex(columns=columns, fill_value="")
            for name in set(DATES) & set(columns):
                frame[name] = frame[name].str.replace(r"^(\d{4})(\d\d)(\d\d)$", r"\1-\2-\3", regex=True)
            rows = [[value or None for value in row] for row in frame.drop_duplicates().to_numpy().tolist()]
            marks = ", ".join("?" * len(columns))
            connection.executemany(f"INSERT INTO {table} VALUES ({marks})", rows)
            click.echo(f"{table}: {len(rows):,} rows")
    connection.commit()
    connection.close()


if __name__ == "__main__":
    main()
