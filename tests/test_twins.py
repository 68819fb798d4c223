"""Texts of one row that mostly say the same, or the same in other letters."""

from pathlib import Path

import numpy as np
import pandas as pd

import fixturesynth as fs

ROWS = 600


def fitted(tmp_path: Path, ddl: str, rows: pd.DataFrame) -> pd.DataFrame:
    script = tmp_path / "things.sql"
    script.write_text(f"CREATE TABLE things ({ddl});")
    return fs.fit({"things": rows}, schema=fs.reflect(script), seed=1).sample(seed=2)["things"]


def codes(rng: np.random.Generator, rows: int) -> list[str]:
    made: set[str] = set()
    while len(made) < rows:
        made.add("".join(rng.choice(list("ABCDEFGHKLMNPRSTUVW"), 4)))
    return sorted(made)


def test_two_codes_are_mostly_one(tmp_path: Path) -> None:
    """As often as in the rows; some have none, some another one."""
    rng = np.random.default_rng(1)
    own = codes(rng, 2 * ROWS)
    first, others = own[:ROWS], own[ROWS:]
    kind = rng.choice(["same", "other", "none"], ROWS, p=[0.85, 0.1, 0.05])
    second = [a if k == "same" else b if k == "other" else None for a, b, k in zip(first, others, kind, strict=True)]
    rows = pd.DataFrame({"id": range(ROWS), "ident": first, "gps_code": second})
    found = fitted(tmp_path, "id INTEGER PRIMARY KEY, ident TEXT NOT NULL UNIQUE, gps_code TEXT", rows)
    same = (found["ident"] == found["gps_code"]).mean()
    assert 0.8 < same < 0.9
    assert 0.02 < found["gps_code"].isna().mean() < 0.09


def test_names_are_their_keys_in_other_letters(tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    words = ["acid", "river", "stone", "quick", "silent", "iron", "paper", "moon", "ghost", "solar", "north", "deep"]
    terms = sorted({" ".join(rng.choice(words, 3)) for _ in range(ROWS)})
    rows = pd.DataFrame({"term": terms, "name": [t.title() for t in terms], "power": rng.integers(1, 9, len(terms))})
    found = fitted(tmp_path, "term TEXT PRIMARY KEY, name TEXT NOT NULL, power INTEGER NOT NULL", rows)
    assert (found["name"] == found["term"].str.title()).mean() > 0.97
    assert (found["term"] == found["term"].str.lower()).all()
