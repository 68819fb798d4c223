"""Names of people in columns that do not say so, and as registers write them."""

from pathlib import Path

import numpy as np
import pandas as pd

import fixturesynth as fs

ROWS = 600
FIRST = ["Jose", "Carlos", "John", "Pierre", "Ali", "Joseph", "Maria", "Anna", "Peter", "Luis", "George", "Paul"]
PLACES = ["Green", "Silver", "Old", "Upper", "North", "Broken", "Stone", "Winter", "Iron", "Quiet", "Long", "Hidden"]


def words(rng: np.random.Generator, first: list[str]) -> list[str]:
    """Two words each; the second is hardly anybody else's."""
    parts = ["bar", "den", "fol", "gra", "hum", "jin", "kol", "mer", "nor", "pil", "ros", "tav"]
    return [f"{rng.choice(first)} {''.join(rng.choice(parts, 3)).capitalize()}" for _ in range(ROWS)]


def fitted(tmp_path: Path, column: str, texts: list[str]) -> pd.Series:
    script = tmp_path / "things.sql"
    script.write_text(f"CREATE TABLE spells (id INTEGER PRIMARY KEY, {column} TEXT NOT NULL);")
    rows = pd.DataFrame({"id": range(ROWS), column: texts})
    return fs.fit({"spells": rows}, schema=fs.reflect(script), seed=1).sample(seed=2)["spells"][column]


def test_first_names_tell_that_they_are_people(tmp_path: Path) -> None:
    found = fitted(tmp_path, "ehead", words(np.random.default_rng(1), FIRST))
    assert found.str.fullmatch(r"[A-Z][a-z]+( [A-Z][A-Za-z]+)+").mean() > 0.95
    plain = {"Time", "Year", "Water", "House", "Bridge", "Village", "Station", "Small", "Large", "Social"}
    assert not any(plain & set(text.split()) for text in found)


def test_other_words_with_capitals_do_not(tmp_path: Path) -> None:
    found = fitted(tmp_path, "mine", words(np.random.default_rng(2), PLACES))
    assert {word for text in found for word in text.split()} & set(PLACES)


def test_the_last_name_comes_first_where_it_does(tmp_path: Path) -> None:
    turned = [", ".join(reversed(text.split())) for text in words(np.random.default_rng(3), FIRST)]
    found = fitted(tmp_path, "full_name", turned)
    assert found.str.fullmatch(r"[^,]+, [^,]+").all()
