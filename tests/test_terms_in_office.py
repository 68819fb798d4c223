"""Spans told by their start and length, each of which begins where the one before it ends."""

from pathlib import Path

import numpy as np
import pandas as pd

import fixturesynth as fs

COUNTRIES = 80


def reigns() -> pd.DataFrame:
    rng = np.random.default_rng(1)
    rows = []
    for country in range(1, COUNTRIES + 1):
        year = 1946 + int(rng.integers(0, 25))
        while year < 2008:
            lasts = min(int(rng.geometric(0.2)), 2009 - year)
            rows.append((country, year, lasts))
            year += lasts
    return pd.DataFrame(rows, columns=["country_id", "start_year", "duration"]).reset_index(names="id")


def test_the_next_one_begins_where_the_one_before_ends(tmp_path: Path) -> None:
    """The start puts the rows in order, and is what the lengths before it come to: only the key tells both."""
    script = tmp_path / "reigns.sql"
    script.write_text(
        "CREATE TABLE countries (id INTEGER PRIMARY KEY);"
        "CREATE TABLE reigns (id INTEGER PRIMARY KEY, country_id INTEGER NOT NULL REFERENCES countries (id),"
        " start_year INTEGER NOT NULL, duration INTEGER NOT NULL);"
    )
    real = {"countries": pd.DataFrame({"id": range(1, COUNTRIES + 1)}), "reigns": reigns()}
    found = fs.fit(real, schema=fs.reflect(script), seed=1).sample(seed=2)["reigns"].sort_values(["country_id", "id"])
    after = found.groupby("country_id")["start_year"].shift(-1)
    there = after.notna()
    assert (after[there] == (found["start_year"] + found["duration"])[there]).all()
    assert found["start_year"].min() >= 1940
    assert (found["start_year"] > 2008).mean() < 0.08  # a long line begins early enough, as far as it can
