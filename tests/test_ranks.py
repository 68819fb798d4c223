"""Ranks among siblings: the place on the grid is not the place at the finish, and nobody has it twice."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
import pytest

import fixturesynth as fs

DDL = """
CREATE TABLE races (race_id INTEGER PRIMARY KEY, length INTEGER NOT NULL);
CREATE TABLE results (
    result_id INTEGER PRIMARY KEY,
    race_id INTEGER NOT NULL REFERENCES races (race_id),
    place INTEGER NOT NULL,
    grid INTEGER NOT NULL,
    points INTEGER NOT NULL
);
"""
RACES = 60


@pytest.fixture(scope="module")
def real() -> dict[str, pd.DataFrame]:
    source = np.random.Generator(np.random.PCG64(4))
    rows = []
    for race in range(RACES):
        drivers = int(source.integers(12, 20))
        strength = source.normal(size=drivers)
        grid = np.argsort(np.argsort(strength + source.normal(size=drivers))) + 1
        order = np.argsort(strength + source.normal(size=drivers))
        rows += [(race + 1, place + 1, int(grid[d]), max(0, 10 - 2 * place)) for place, d in enumerate(order)]
    results = pd.DataFrame(rows, columns=["race_id", "place", "grid", "points"])
    results.insert(0, "result_id", np.arange(1, len(rows) + 1))
    races = pd.DataFrame({"race_id": np.arange(1, RACES + 1), "length": source.integers(40, 80, RACES)})
    return {"races": races, "results": results}


@pytest.fixture(scope="module")
def made(real: Mapping[str, pd.DataFrame], tmp_path_factory: pytest.TempPathFactory) -> dict[str, pd.DataFrame]:
    script = tmp_path_factory.mktemp("races") / "races.sql"
    script.write_text(DDL)
    model = fs.fit(dict(real), schema=fs.reflect(script), seed=5)
    why = {c.name: c.why for c in model.plan["results"].columns}
    assert why["grid"].endswith("a rank among the children of each parent")
    return model.sample(seed=3).to_frames()


@pytest.mark.parametrize("column", ["place", "grid"])
def test_everybody_has_a_rank_of_their_own(made: Mapping[str, pd.DataFrame], column: str) -> None:
    for _, race in made["results"].groupby("race_id"):
        assert sorted(race[column]) == list(range(1, len(race) + 1))


def test_one_rank_follows_the_other_as_far_as_it_does(
    real: Mapping[str, pd.DataFrame], made: Mapping[str, pd.DataFrame]
) -> None:
    theirs, ours = (f["results"][["place", "grid"]].corr("spearman").iloc[0, 1] for f in (real, made))
    assert ours == pytest.approx(theirs, abs=0.15)


def test_points_are_those_of_the_place(real: Mapping[str, pd.DataFrame], made: Mapping[str, pd.DataFrame]) -> None:
    known = dict(real["results"][["place", "points"]].itertuples(index=False))
    assert (made["results"]["points"] == made["results"]["place"].map(known)).mean() > 0.95
