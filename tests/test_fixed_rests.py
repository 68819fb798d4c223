"""Words that stand between what a text is put together from."""

from pathlib import Path

import numpy as np
import pandas as pd

import fixturesynth as fs

ROWS = 400


def series() -> pd.DataFrame:
    rng = np.random.default_rng(5)
    goods = [
        f"{a} {b}" for a in ("fresh", "dried", "sweet", "sour", "plain") for b in ("apples", "bread", "fish", "oil")
    ]
    places = ["North Hills", "Lower Town", "East Side", "Old Harbour", "West End", "Green Park"]
    rows = pd.DataFrame({"goods": rng.choice(goods, ROWS), "place": rng.choice(places, ROWS)})
    behind = np.where(rng.random(ROWS) < 0.4, ", all households, not adjusted", ", all households, adjusted")
    rows["title"] = rows["goods"] + " in " + rows["place"] + behind
    return rows.assign(id=np.arange(ROWS))


def test_what_stands_behind_them_stays_word_for_word(tmp_path: Path) -> None:
    script = tmp_path / "series.sql"
    script.write_text("CREATE TABLE series (id INTEGER PRIMARY KEY, goods TEXT, place TEXT, title TEXT NOT NULL);")
    found = fs.fit({"series": series()}, schema=fs.reflect(script), seed=1).sample(seed=2)["series"]
    begins = found["goods"] + " in " + found["place"] + ", all households, "
    behind = [t.removeprefix(b) for t, b in zip(found["title"], begins, strict=True)]
    assert set(behind) == {"adjusted", "not adjusted"}
    assert 0.3 < behind.count("not adjusted") / ROWS < 0.5


def test_a_lone_value_of_few_rows_is_not_told(tmp_path: Path) -> None:
    rows = series()
    rows.loc[:2, "title"] = rows["goods"] + " in " + rows["place"] + ", all smallholders, adjusted"
    script = tmp_path / "series.sql"
    script.write_text("CREATE TABLE series (id INTEGER PRIMARY KEY, goods TEXT, place TEXT, title TEXT NOT NULL);")
    synthesizer = fs.fit({"series": rows}, schema=fs.reflect(script), seed=1)
    assert not synthesizer.sample(seed=2)["series"]["title"].str.contains("smallholders").any()
