"""Keys of several learned columns that fill a whole grid: every year has four quarters, and checks say so."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from itertools import product
from pathlib import Path

import numpy as np
import pytest

import fixturesynth as fs

DDL = """
CREATE TABLE firms (firm TEXT PRIMARY KEY, founded INTEGER NOT NULL);
CREATE TABLE macro (
    year INTEGER NOT NULL {years}, quarter INTEGER NOT NULL CHECK (quarter BETWEEN 1 AND 4), product REAL NOT NULL,
    PRIMARY KEY (year, quarter)
);
CREATE TABLE panel (
    firm TEXT NOT NULL REFERENCES firms, year INTEGER NOT NULL {years}, half INTEGER NOT NULL CHECK (half IN (1, 2)),
    sales REAL, PRIMARY KEY (firm, year, half)
);
"""
YEARS = "CHECK (year BETWEEN 1960 AND 2009)"
FIRMS = 12


def _fill(path: Path, years: str) -> str:
    source = np.random.Generator(np.random.PCG64(4))
    macro = [(y, q, 1_000 + 3 * y + float(source.normal())) for y, q in product(range(1960, 2010), range(1, 5))]
    firms = [(f"firm {i}", int(source.integers(1900, 1950))) for i in range(FIRMS)]
    panel = [(f, y, h, float(source.gamma(2, 50))) for (f, _), y, h in product(firms, range(1960, 2010), (1, 2))]
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(DDL.format(years=years))
        connection.executemany("INSERT INTO firms VALUES (?, ?)", firms)
        connection.executemany("INSERT INTO macro VALUES (?, ?, ?)", macro)
        connection.executemany("INSERT INTO panel VALUES (?, ?, ?, ?)", panel)
        connection.commit()
    return f"sqlite:///{path}"


@pytest.mark.parametrize("years", ["", YEARS, "CHECK (year > 1900)"], ids=["open", "full", "below"])
def test_a_full_grid_of_years_and_quarters(tmp_path: Path, years: str) -> None:
    url = _fill(tmp_path / "panel.sqlite", years)
    model = fs.fit(url, seed=1)
    for seed in range(3):
        made = model.sample(seed=seed)
        target = f"sqlite:///{tmp_path}/{seed}.sqlite"
        fs.load(made, target, schema=fs.reflect(url))  # every constraint is on
        macro = made.arrow("macro").to_pydict()
        assert len(macro["year"]) == 200
        assert set(macro["quarter"]) == {1, 2, 3, 4}
        counts = np.bincount(macro["quarter"])[1:]
        assert counts.min() > 30
        assert made.arrow("panel").num_rows == FIRMS * 100
        if years == YEARS:
            assert set(zip(macro["year"], macro["quarter"], strict=True)) == set(
                product(range(1960, 2010), range(1, 5))
            )


def test_more_rows_than_the_grid_has_are_refused(tmp_path: Path) -> None:
    model = fs.fit(_fill(tmp_path / "panel.sqlite", YEARS), seed=1)
    with pytest.raises(fs.FixtureSynthError, match=r"macro.*year, quarter"):
        model.sample(seed=1, rows={"macro": 201})
