"""Calendars kept as tables are kept as they are: a row for each day, or for each minute of a day, and its labels."""

from __future__ import annotations

import datetime as dt
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import fixturesynth as fs
from fixturesynth.dataset import Dataset
from fixturesynth.profiling.almanacs import find_calendar
from fixturesynth.profiling.datasets import profile_dataset
from fixturesynth.schema.model import Column, ColumnType, PrimaryKey, Schema, Table

DDL = """
CREATE TABLE dim_date (
    date_key INTEGER PRIMARY KEY, full_date DATE NOT NULL UNIQUE, year INTEGER NOT NULL, quarter INTEGER NOT NULL,
    month INTEGER NOT NULL, month_name TEXT NOT NULL, week INTEGER NOT NULL, day_name TEXT NOT NULL,
    is_weekend INTEGER NOT NULL CHECK (is_weekend IN (0, 1)), holiday TEXT
);
CREATE TABLE dim_minute (
    minute_key INTEGER PRIMARY KEY, hour INTEGER NOT NULL, minute INTEGER NOT NULL, part TEXT NOT NULL
);
CREATE TABLE readings (
    day DATE PRIMARY KEY, year INTEGER NOT NULL, month INTEGER NOT NULL, temperature REAL NOT NULL
);
CREATE TABLE sales (
    id INTEGER PRIMARY KEY, date_key INTEGER NOT NULL REFERENCES dim_date, minute_key INTEGER NOT NULL
        REFERENCES dim_minute, amount DECIMAL(8, 2) NOT NULL
);
"""
FIRST, DAYS = dt.date(2022, 1, 1), 730


def _dates() -> Iterator[tuple[object, ...]]:
    for i in range(DAYS):
        day = FIRST + dt.timedelta(days=i)
        holiday = "New Year" if (day.month, day.day) == (1, 1) else None
        yield (
            int(f"{day:%Y%m%d}"), day.isoformat(), day.year, (day.month + 2) // 3, day.month, f"{day:%B}",
            day.isocalendar().week, f"{day:%A}", int(day.weekday() > 4), holiday,
        )  # fmt: skip


def _parts(hour: int) -> str:
    return ("night", "morning", "afternoon", "evening")[hour // 6]


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("almanac") / "warehouse.sqlite"
    source = np.random.Generator(np.random.PCG64(8))
    dates = list(_dates())
    minutes = [(m, m // 60, m % 60, _parts(m // 60)) for m in range(1_440)]
    readings = [(d[1], d[2], d[4], round(float(source.normal(12, 6)), 1)) for d in dates]
    weights = np.array([3.0 if d[8] else 1.0 for d in dates])
    sold = source.choice(DAYS, size=3_000, p=weights / weights.sum())
    at = np.clip(source.normal(900, 150, 3_000).astype(int), 0, 1_439)
    sales = [
        (i, dates[d][0], int(m), round(float(source.gamma(3, 10)), 2))
        for i, (d, m) in enumerate(zip(sold, at, strict=True))
    ]
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(DDL)
        for name, rows in (("dim_date", dates), ("dim_minute", minutes), ("readings", readings), ("sales", sales)):
            connection.executemany(f"INSERT INTO {name} VALUES ({', '.join('?' * len(rows[0]))})", rows)
        connection.commit()
    return path


@pytest.fixture(scope="module")
def model(database: Path) -> fs.Synthesizer:
    return fs.fit(f"sqlite:///{database}", seed=1)


def test_calendars_are_kept_and_measurements_are_not(model: fs.Synthesizer) -> None:
    verdicts = {t.name: t.reference_why for t in model.profile.tables.values() if t.reference}
    assert verdicts == {"dim_date": "a calendar, by date_key", "dim_minute": "a calendar, by minute_key"}


def test_a_calendar_does_not_grow(model: fs.Synthesizer, database: Path) -> None:
    made = model.sample(scale=2.0, seed=3)
    with closing(sqlite3.connect(database)) as connection:
        for name in ("dim_date", "dim_minute"):
            real = connection.execute(f"SELECT * FROM {name}").fetchall()
            kept = [tuple(r.values()) for r in made.arrow(name).to_pylist()]
            assert [tuple(v.isoformat() if isinstance(v, dt.date) else v for v in r) for r in kept] == real
    assert made.arrow("sales").num_rows == 6_000
    weekend = {r["date_key"] for r in made.arrow("dim_date").to_pylist() if r["is_weekend"]}
    assert np.mean([r["date_key"] in weekend for r in made.arrow("sales").to_pylist()]) == pytest.approx(0.54, abs=0.06)


def _found(columns: dict[str, Any], key: str = "day") -> str | None:
    frame = pd.DataFrame(columns)
    table = Table("t", tuple(Column(c, ColumnType("other", "ANY")) for c in columns), primary_key=PrimaryKey((key,)))
    rows = Dataset.from_frames({"t": frame})
    profiled = profile_dataset(rows, Schema((table,)))
    return find_calendar(table, rows.arrow("t"), profiled.tables["t"].columns)


def _days(count: int = 400) -> dict[str, Any]:
    days = pd.date_range("2023-01-01", periods=count, freq="D")
    return {"day": days.date, "year": days.year, "month": days.month, "weekday": days.dayofweek}


def test_columns_that_go_along_with_the_days() -> None:
    days = _days()
    month = (days["year"] - 2023) * 12 + days["month"]
    more = {
        "week_number": np.arange(400) // 7,
        "month_label": [f"{y}-{m:02d}" for y, m in zip(days["year"], days["month"], strict=True)],
        "fiscal_month": (days["month"] + 2) % 12 + 1,
        "first_of_month": 738_000 + np.searchsorted(month, month),
        "month_key": days["year"] * 100 + days["month"],
        "day_key": days["year"] * 10_000 + days["month"] * 100 + [d.day for d in days["day"]],
        "same_day_last_year": pd.Series(days["day"]) - pd.Timedelta(days=364),
        "season": np.array(["winter", "spring", "summer", "autumn"])[days["month"] % 12 // 3],
        "open": np.where(days["weekday"] < 5, "yes", "no"),
    }
    assert _found(days | more) == "day"


def _noise(size: int = 400) -> np.ndarray:
    return np.random.Generator(np.random.PCG64(2)).normal(size=size)


@pytest.mark.parametrize(
    "column",
    [
        np.round(15 + 5 * _noise(), 1),  # a temperature
        (100 + 40 * _noise()).astype(int),  # visitors
        np.cumsum(_noise()),  # a price
        np.cumsum((40 + 15 * _noise()).astype(int).clip(0)),  # cases so far
        [f"rain in {i % 97}, then sun" for i in range(400)],  # what somebody wrote
        ["x" * 50 + str(i) for i in range(400)],
        [f"mail{i % 300}@example.com" for i in range(400)],
    ],
    ids=["temperature", "visitors", "price", "so far", "note", "long", "mail"],
)
def test_what_somebody_measured_or_wrote_is_no_calendar(column: Any) -> None:
    assert _found(_days() | {"value": column}) is None


def test_a_gap_or_too_few_parts_make_none() -> None:
    days = _days()
    assert _found({name: values[[*range(200), *range(201, 400)]] for name, values in days.items()}) is None
    assert _found({"day": days["day"], "year": days["year"]}) is None
    assert _found({name: values[:20] for name, values in days.items()}) is None


@pytest.mark.parametrize("written", [20_240_230, 20_241_301, 0, -20_240_101])
def test_numbers_that_are_no_dates(written: int) -> None:
    days = _days()
    keys = np.array([int(f"{d:%Y%m%d}") for d in days.pop("day")])
    assert _found({"key": keys} | days, "key") == "key"
    keys[60] = written
    assert _found({"key": keys} | days, "key") is None
