"""What keeps a set unique moves the set's own learned number, not the parents that rows have."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import numpy as np
import pytest

from fixturesynth.synthesizer import Synthesizer, fit

PLANES, LINES, DAYS = 120, 6, 400


@pytest.fixture(scope="module")
def flights(tmp_path_factory: pytest.TempPathFactory) -> Synthesizer:
    """Every plane flies for one line; a number comes once a day in a line."""
    path: Path = tmp_path_factory.mktemp("separation") / "rows.sqlite"
    source = np.random.Generator(np.random.PCG64(8))
    connection = sqlite3.connect(path)
    connection.executescript("""
        CREATE TABLE days (day INTEGER PRIMARY KEY, wind INTEGER NOT NULL);
        CREATE TABLE lines (code TEXT PRIMARY KEY, name TEXT NOT NULL);
        CREATE TABLE planes (tail INTEGER PRIMARY KEY, seats INTEGER NOT NULL);
        CREATE TABLE flights (day INTEGER NOT NULL REFERENCES days (day), number INTEGER NOT NULL,
                              line TEXT NOT NULL REFERENCES lines (code),
                              tail INTEGER NOT NULL REFERENCES planes (tail), PRIMARY KEY (day, number, line));
    """)
    connection.executemany("INSERT INTO lines VALUES (?, ?)", [(c, f"line {c}") for c in "ABCDEF"])
    connection.executemany("INSERT INTO days VALUES (?, ?)", [(d, int(source.integers(9))) for d in range(DAYS)])
    connection.executemany("INSERT INTO planes VALUES (?, ?)", [(p, 100 + p % LINES) for p in range(PLANES)])
    rows = set()
    for _ in range(2_600):
        plane = int(source.integers(PLANES))
        number = int(source.integers(1, 60))
        rows.add((int(source.integers(DAYS)), number, "ABCDEF"[plane % LINES], plane))
    unique = {row[:3]: row for row in rows}
    connection.executemany("INSERT INTO flights VALUES (?, ?, ?, ?)", list(unique.values()))
    connection.commit()
    connection.close()
    return fit(f"sqlite:///{path}", seed=1)


def test_families_keep_their_category(flights: Synthesizer) -> None:
    made = flights.sample(seed=2)["flights"]
    assert not made.duplicated(["day", "number", "line"]).any()
    assert (made.groupby("tail")["line"].nunique() > 1).mean() < 0.05
