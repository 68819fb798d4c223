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


def test_numbers_of_a_rest_lie_where_the_rows_have_them(tmp_path: Path) -> None:
    """A year that follows from nothing that is known is a year all the same, and a month a month."""
    rng = np.random.default_rng(6)
    names = [f"{a}{b}" for a in ("Ann", "Bob", "Cleo", "Dan", "Eve") for b in range(100)]
    place = rng.choice(["Hills", "Town", "Side", "Harbour", "End", "Park"], 500)
    told = [f"{rng.integers(1946, 2009)}-{rng.integers(1, 13):02d}" for _ in names]
    said = [f"{n}.{p}.{t}" for n, p, t in zip(names, place, told, strict=True)]
    rows = pd.DataFrame({"id": range(500), "name": names, "place": place, "said": said})
    script = tmp_path / "spells.sql"
    script.write_text("CREATE TABLE spells (id INTEGER PRIMARY KEY, name TEXT, place TEXT, said TEXT NOT NULL UNIQUE);")
    found = fs.fit({"spells": rows}, schema=fs.reflect(script), seed=1).sample(seed=2)["spells"]
    year, month = (found["said"].str[-7:-3].astype(int), found["said"].str[-2:].astype(int))
    assert (found["name"] + "." + found["place"] + "." == found["said"].str[:-7]).all()
    assert year.between(1946, 2008).all()
    assert month.between(1, 12).all()
