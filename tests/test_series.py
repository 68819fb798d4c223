"""Families that fill a grid of moments: a reading for nearly every hour of every station."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fixturesynth.generators.series import dealt_moments
from fixturesynth.synthesizer import Synthesizer, fit

HOURS, STATIONS = 24 * 45, 4


@pytest.fixture(scope="module")
def stations(tmp_path_factory: pytest.TempPathFactory) -> tuple[Synthesizer, pd.DataFrame]:
    path: Path = tmp_path_factory.mktemp("series") / "rows.sqlite"
    source = np.random.Generator(np.random.PCG64(5))
    connection = sqlite3.connect(path)
    connection.executescript("""
        CREATE TABLE stations (id INTEGER PRIMARY KEY, name TEXT NOT NULL);
        CREATE TABLE readings (station_id INTEGER NOT NULL REFERENCES stations (id), taken_at TEXT NOT NULL,
                               warmth INTEGER NOT NULL, PRIMARY KEY (station_id, taken_at));
    """)
    begin, rows = datetime(2024, 3, 6, 5, tzinfo=UTC), []
    for station in range(STATIONS):
        connection.execute("INSERT INTO stations VALUES (?, ?)", (station, f"station {station}"))
        for hour in np.flatnonzero(source.random(HOURS) < 0.98):
            taken = begin + timedelta(hours=int(hour))
            warmth = 20 - abs(taken.hour - 14) + int(source.integers(0, 3))
            rows.append((station, taken.strftime("%Y-%m-%d %H:%M:%S"), warmth))
    connection.executemany("INSERT INTO readings VALUES (?, ?, ?)", rows)
    connection.commit()
    connection.close()
    return fit(f"sqlite:///{path}", seed=1), pd.DataFrame(rows, columns=["station_id", "taken_at", "warmth"])


def test_moments_stay_between_the_first_and_the_last(stations: tuple[Synthesizer, pd.DataFrame]) -> None:
    synthesizer, real = stations
    made = synthesizer.sample(seed=3)["readings"]
    assert not made.duplicated(["station_id", "taken_at"]).any()
    assert made["taken_at"].min() >= real["taken_at"].min()
    assert made["taken_at"].max() <= real["taken_at"].max()


def test_what_hangs_on_the_hour_still_does(stations: tuple[Synthesizer, pd.DataFrame]) -> None:
    """Moments that are moved apart afterwards would leave the warmth of another hour behind."""
    synthesizer, real = stations
    made = synthesizer.sample(seed=3)["readings"]

    def strayed(frame: pd.DataFrame) -> float:
        hour = pd.to_datetime(frame["taken_at"]).dt.hour
        return float(((frame["warmth"] - (20 - (hour - 14).abs())).between(0, 2)).mean())

    assert strayed(real) == 1.0
    assert strayed(made) > 0.97


def test_fewer_rows_are_drawn_as_before(stations: tuple[Synthesizer, pd.DataFrame]) -> None:
    synthesizer, _ = stations
    made = synthesizer.sample(rows={"readings": 200}, seed=3)["readings"]
    assert len(made) == 200
    assert not made.duplicated(["station_id", "taken_at"]).any()


def test_workers_change_nothing(stations: tuple[Synthesizer, pd.DataFrame]) -> None:
    synthesizer, _ = stations
    one, other = synthesizer.sample(seed=4), synthesizer.sample(seed=4, workers=2)
    assert one["readings"].equals(other["readings"])


@given(st.integers(1, 400), st.integers(0, 80), st.integers(0, 9))
def test_a_moment_comes_once_in_a_family(many: int, missing: int, seed: int) -> None:
    size = max(many - missing, 1)
    moments = dealt_moments(
        {"step": 3, "begin": 7, "many": many}, np.arange(size), np.full(size, size), seed, "readings"
    )
    if (moments < 0).any():
        assert (moments < 0).all()
        assert size < 0.8 * many
    else:
        assert np.unique(moments).size == size
        assert moments.min() >= 7
        assert moments.max() <= 7 + 3 * (many - 1)
