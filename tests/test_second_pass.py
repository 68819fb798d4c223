"""What rows have to do with a parent that they get once both tables of a cycle are there."""

from pathlib import Path

import numpy as np
import pandas as pd

import fixturesynth as fs

TEAMS, PLAYERS = 120, 7

DDL = """
CREATE TABLE teams (id INTEGER PRIMARY KEY, founded INTEGER NOT NULL, captain_name TEXT,
                    captain_id INTEGER REFERENCES players (id));
CREATE TABLE players (id INTEGER PRIMARY KEY, team_id INTEGER NOT NULL REFERENCES teams (id), name TEXT NOT NULL,
                      goals INTEGER NOT NULL);
"""


def clubs() -> dict[str, pd.DataFrame]:
    """Teams, most of which name one of their own players, and that one's name."""
    rng = np.random.default_rng(3)
    first = ["Ann", "Bob", "Cleo", "Dan", "Eve", "Fay", "Gus", "Hal", "Ida", "Jo"]
    last = ["Stone", "Rivers", "Hill", "Woods", "Marsh", "Field", "Lake", "Moor", "Brook", "Glen"]
    size = TEAMS * PLAYERS
    players = pd.DataFrame({
        "id": np.arange(1, size + 1), "team_id": np.repeat(np.arange(1, TEAMS + 1), PLAYERS),
        "name": [f"{rng.choice(first)} {rng.choice(last)}" for _ in range(size)], "goals": rng.poisson(3, size),
    })  # fmt: skip
    captain = np.arange(TEAMS) * PLAYERS + rng.integers(0, PLAYERS, TEAMS)
    named = rng.random(TEAMS) < 0.8
    teams = pd.DataFrame({
        "id": np.arange(1, TEAMS + 1), "founded": rng.integers(1900, 2000, TEAMS),
        "captain_name": np.where(named, players["name"].to_numpy()[captain], None),
        "captain_id": pd.array(np.where(named, players["id"].to_numpy()[captain], None), "Int64"),
    })  # fmt: skip
    return {"teams": teams, "players": players}


def test_a_row_names_one_of_its_own_children_and_has_what_that_has(tmp_path: Path) -> None:
    script = tmp_path / "clubs.sql"
    script.write_text(DDL)
    real = clubs()
    found = fs.fit(real, schema=fs.reflect(script), seed=1).sample(seed=2)
    teams, players = found["teams"], found["players"].set_index("id")
    led = teams[teams["captain_id"].notna()]
    assert len(led) == real["teams"]["captain_id"].notna().sum()
    captains = players.loc[led["captain_id"].astype(int)]
    assert (captains["team_id"].to_numpy() == led["id"].to_numpy()).all()
    assert (captains["name"].to_numpy() == led["captain_name"].to_numpy()).all()


def test_rows_that_name_anybody_s_children_go_on_doing_so(tmp_path: Path) -> None:
    script = tmp_path / "clubs.sql"
    script.write_text(DDL)
    real = clubs()
    rng = np.random.default_rng(4)
    anybody = rng.integers(1, TEAMS * PLAYERS, TEAMS)
    real["teams"]["captain_id"] = pd.array(anybody, "Int64")
    real["teams"]["captain_name"] = real["players"]["name"].to_numpy()[anybody - 1]
    found = fs.fit(real, schema=fs.reflect(script), seed=1).sample(seed=2)
    teams, players = found["teams"], found["players"].set_index("id")
    captains = players.loc[teams["captain_id"].astype(int)]
    assert (captains["team_id"].to_numpy() == teams["id"].to_numpy()).mean() < 0.2
    assert (captains["name"].to_numpy() == teams["captain_name"].to_numpy()).all()
