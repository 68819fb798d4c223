"""What goes together inside single codes: places, links, and the rows of small tables that come of them."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from fixturesynth.generators.drawing import stratified
from fixturesynth.generators.insides import SCALE, find_links, leaning, places_inside
from fixturesynth.modelfile import open_model
from fixturesynth.randomness import stream, words
from fixturesynth.synthesizer import fit

N = 4_000


def test_places_are_the_middle_ranks_inside_a_code() -> None:
    source = np.random.Generator(np.random.PCG64(1))
    codes = source.integers(0, 5, 300).astype(np.int32)
    values = source.integers(0, 40, 300)
    valid = source.random(300) < 0.9
    places = places_inside(codes, values, valid)
    assert (places[~valid] == 0).all()
    for code in range(5):
        rows = valid & (codes == code)
        ranks = stats.rankdata(values[rows])
        assert places[rows] == pytest.approx((2 * ranks - 1) / rows.sum() - 1)


@pytest.mark.parametrize("strength", [-950, -400, 0, 600, 1000])
def test_shared_out_words_follow_another_column_as_far_as_was_asked(strength: int) -> None:
    one = words(stream(1, "one"), N)
    other = words(stream(1, "other"), N)
    code = np.zeros(N, dtype=np.int64)
    led = stratified(code, leaning(one, other, strength))
    assert stats.spearmanr(led.astype(float), other.astype(float))[0] == pytest.approx(strength / SCALE, abs=0.05)
    assert stats.kstest(led / 2.0**64, "uniform").statistic < 0.01


def test_only_what_is_no_chance_and_has_enough_entities_is_linked() -> None:
    source = np.random.Generator(np.random.PCG64(2))
    a = source.uniform(-1, 1, 30)
    places = {"a": a, "loose": source.uniform(-1, 1, 30), "against": -a + source.normal(0, 0.2, 30)}
    found = find_links(places, np.arange(30), 5)
    assert set(found) == {"against"}
    assert found["against"][0] == "a"
    assert found["against"][1] / SCALE == pytest.approx(np.corrcoef(a, places["against"])[0, 1], abs=0.01)
    assert find_links(places, np.arange(30) % 4, 5) == {}  # four persons stand behind all of it


@pytest.fixture(scope="module")
def stays(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Twelve stays that all end in the same weeks: whoever came later stayed shorter. A check says the order."""
    path: Path = tmp_path_factory.mktemp("insides") / "rows.sqlite"
    connection = sqlite3.connect(path)
    connection.execute("""
        CREATE TABLE stays (id INTEGER PRIMARY KEY, arrived INTEGER NOT NULL, gone INTEGER NOT NULL,
                            CHECK (gone >= arrived))
    """)
    rows = [(i, 37 * i + (i * 5) % 7, 500 + (i * 11) % 17) for i in range(12)]
    connection.executemany("INSERT INTO stays VALUES (?, ?, ?)", rows)
    connection.commit()
    connection.close()
    return f"sqlite:///{path}"


def test_a_check_of_order_makes_a_column_a_distance_also_where_rows_are_few(stays: str) -> None:
    source = fit(stays, seed=1).plan["stays"].column("gone").source
    assert getattr(source, "options", {}).get("delta_from") == "arrived"


def test_small_tables_keep_what_columns_have_to_do_with_each_other(stays: str, tmp_path: Path) -> None:
    model = fit(stays, seed=1)
    assert model.models["stays"].insides["column gone"][1] < -800
    lengths, starts, spreads = [], [], []
    for seed in range(20):
        rows = model.sample(seed=seed)["stays"]
        assert (rows["gone"] >= rows["arrived"]).all()
        lengths.append(stats.spearmanr(rows["arrived"], rows["gone"] - rows["arrived"])[0])
        starts.append(rows["arrived"].std())
        spreads.append(rows["gone"].std())
    assert np.mean(lengths) < -0.7
    assert np.mean(spreads) < 0.7 * np.mean(starts)  # leaving varies far less than arriving
    model.save(tmp_path / "stays.fsynth")
    again = open_model(tmp_path / "stays.fsynth")
    assert again.models["stays"].insides == model.models["stays"].insides
    assert again.sample(seed=3)["stays"].equals(model.sample(seed=3)["stays"])
