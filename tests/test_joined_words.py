"""Names that machines read: words without blanks, joined by a sign."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import fixturesynth as fs

ROWS = 500
FIRST = ["max", "min", "open", "closed", "user", "cache", "retry", "queue", "stale", "shared", "local", "remote"]
LAST = ["files", "limit", "size", "timeout", "hosts", "depth", "rate", "keys", "pages", "locks", "bytes", "tries"]


def fitted(tmp_path: Path, ddl: str, rows: pd.DataFrame) -> pd.DataFrame:
    script = tmp_path / "things.sql"
    script.write_text(f"CREATE TABLE things ({ddl});")
    return fs.fit({"things": rows}, schema=fs.reflect(script), seed=1).sample(seed=2)["things"]


def names(joint: str, seed: int) -> list[str]:
    """Different ones of two to four words, some of which nobody else has."""
    rng = np.random.default_rng(seed)
    made: set[str] = set()
    while len(made) < ROWS:
        middle = [f"{a}{b}" for a, b in rng.choice(["zu", "ka", "mi", "ro", "te", "vo"], (rng.integers(0, 3), 2))]
        made.add(joint.join([str(rng.choice(FIRST)), *middle, str(rng.choice(LAST))]))
    return sorted(made)


@pytest.mark.parametrize("joint", ["_", "-", "."])
@pytest.mark.parametrize("unique", [True, False])
def test_they_stay_without_blanks(tmp_path: Path, joint: str, unique: bool) -> None:
    rows = pd.DataFrame({"id": range(ROWS), "name": names(joint, 1)})
    found = fitted(tmp_path, f"id INTEGER PRIMARY KEY, name TEXT NOT NULL {'UNIQUE' if unique else ''}", rows)["name"]
    inside = re.compile(rf"[a-z]+({re.escape(joint)}[a-z]+)*\.?")
    assert found.map(lambda name: bool(inside.fullmatch(name))).mean() > 0.97
    words = {w for name in found for w in name.split(joint)}
    assert len(words & {*FIRST, *LAST}) > 15
    assert found.is_unique or not unique
    assert abs(found.str.len().mean() - rows["name"].str.len().mean()) < 4


def test_a_key_of_the_name_key_is_of_words_too(tmp_path: Path) -> None:
    """``key`` says what hexadecimal digits are as often as what a setting is called: the rows know."""
    rng = np.random.default_rng(2)
    rows = pd.DataFrame(
        {"id": range(ROWS), "key": rng.choice(names("_", 3)[:200], ROWS), "value": rng.integers(0, 9, ROWS)}
    )
    found = fitted(tmp_path, "id INTEGER PRIMARY KEY, key TEXT NOT NULL, value INTEGER NOT NULL", rows)["key"]
    assert found.map(lambda name: bool(re.fullmatch(r"[a-z]+(_[a-z]+)*", name))).all()


def test_what_all_begin_with_stays(tmp_path: Path) -> None:
    paths = [f"/apps/shop/images/icons/{name}.png" for name in names("_", 4)]
    found = fitted(
        tmp_path, "id INTEGER PRIMARY KEY, img TEXT NOT NULL", pd.DataFrame({"id": range(ROWS), "img": paths})
    )
    assert found["img"].map(lambda p: bool(re.fullmatch(r"/apps/shop/images/icons/[a-z_]+\.+png", p))).mean() > 0.97


def test_a_title_says_what_the_name_says(tmp_path: Path) -> None:
    own = names("_", 5)
    rows = pd.DataFrame({"id": range(ROWS), "name": own, "title": [n.replace("_", " ").title() for n in own]})
    found = fitted(tmp_path, "id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, title TEXT NOT NULL", rows)
    assert (found["title"] == found["name"].str.replace("_", " ").str.title()).mean() > 0.97


def test_short_columns_find_words_enough_to_tell_all_apart(tmp_path: Path) -> None:
    """One long word must not make the rows' own words too few."""
    own = [n if i else "internationalisation_of_" + n for i, n in enumerate(names("_", 6))]
    found = fitted(
        tmp_path, "id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE", pd.DataFrame({"id": range(ROWS), "name": own})
    )
    assert found["name"].is_unique
    assert found["name"].map(lambda name: bool(re.fullmatch(r"[a-z]+(_[a-z]+)*", name))).mean() > 0.97
