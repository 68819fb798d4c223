"""Columns of one row that never say the same, without a check that says so."""

from pathlib import Path

import numpy as np
import pandas as pd

import fixturesynth as fs

CLUBS, MATCHES = 12, 600


def test_nobody_plays_against_himself(tmp_path: Path) -> None:
    """Two references to one table, and two texts of one list."""
    rng = np.random.default_rng(3)
    home = rng.integers(1, CLUBS + 1, MATCHES)
    away = (home - 1 + rng.integers(1, CLUBS, MATCHES)) % CLUBS + 1
    colours = np.array(["red", "blue", "white", "green"])
    first = rng.integers(0, 4, MATCHES)
    rows = {
        "clubs": pd.DataFrame({"id": range(1, CLUBS + 1), "founded": rng.integers(1880, 1990, CLUBS)}),
        "matches": pd.DataFrame({
            "id": range(1, MATCHES + 1), "home_id": home, "away_id": away, "home_colour": colours[first],
            "away_colour": colours[(first + rng.integers(1, 4, MATCHES)) % 4],
        }),
    }  # fmt: skip
    script = tmp_path / "league.sql"
    script.write_text(
        "CREATE TABLE clubs (id INTEGER PRIMARY KEY, founded INTEGER NOT NULL);"
        "CREATE TABLE matches (id INTEGER PRIMARY KEY, home_id INTEGER NOT NULL REFERENCES clubs (id), "
        "away_id INTEGER NOT NULL REFERENCES clubs (id), home_colour TEXT NOT NULL, away_colour TEXT NOT NULL);"
    )
    learned = fs.fit(rows, schema=fs.reflect(script), seed=1)
    data = learned.sample(seed=2)
    found = data["matches"]
    assert set(learned.plan["matches"].unlike) == {("home_id", "away_id"), ("home_colour", "away_colour")}
    assert (found["home_id"] != found["away_id"]).all()
    assert (found["home_colour"] != found["away_colour"]).all()


def test_few_rows_say_nothing(tmp_path: Path) -> None:
    """Six matches without one against himself are no rule."""
    script = tmp_path / "league.sql"
    script.write_text("CREATE TABLE pairs (id INTEGER PRIMARY KEY, a TEXT NOT NULL, b TEXT NOT NULL);")
    rows = pd.DataFrame({"id": range(30), "a": list("xyz") * 10, "b": list("yzx") * 10})
    learned = fs.fit({"pairs": rows.head(6)}, schema=fs.reflect(script), seed=1)
    assert learned.plan["pairs"].unlike == ()
