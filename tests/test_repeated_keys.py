"""Keys that are written as other columns say, and shapes of keys of which there are few."""

from pathlib import Path

import numpy as np
import pandas as pd

import fixturesynth as fs


def fitted(tmp_path: Path, ddl: str, rows: dict[str, pd.DataFrame], seed: int = 2) -> fs.Dataset:
    script = tmp_path / "things.sql"
    script.write_text(ddl)
    return fs.fit(rows, schema=fs.reflect(script), seed=1).sample(seed=seed)


def codes(rng: np.random.Generator, rows: int) -> list[str]:
    made: set[str] = set()
    while len(made) < rows:
        made.add("".join(rng.choice(list("ABCDEFGHKLMNPRSTUVW"), 3)) + str(rng.integers(10, 99)))
    return sorted(made)


def test_one_unique_column_repeats_another(tmp_path: Path) -> None:
    own = codes(np.random.default_rng(1), 300)
    rows = pd.DataFrame({"id": own, "code": own, "size": np.arange(300)})
    ddl = "CREATE TABLE items (id TEXT PRIMARY KEY, code TEXT NOT NULL UNIQUE, size INTEGER NOT NULL);"
    found = fitted(tmp_path, ddl, {"items": rows})["items"]
    assert (found["id"] == found["code"]).all()
    assert found["id"].is_unique


def test_a_key_of_two_columns_and_a_constant(tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    areas, goods = codes(rng, 40), codes(rng, 60)
    pairs = rng.permutation([(a, g) for a in areas for g in goods])[:400]
    rows = {
        "areas": pd.DataFrame({"id": areas}), "goods": pd.DataFrame({"id": goods}),
        "series": pd.DataFrame(pairs, columns=["area", "good"]).assign(
            id=lambda d: "CU" + rng.choice(["R", "S"], len(d)) + d["area"] + d["good"]
        ),
    }  # fmt: skip
    ddl = """
    CREATE TABLE areas (id TEXT PRIMARY KEY);
    CREATE TABLE goods (id TEXT PRIMARY KEY);
    CREATE TABLE series (id TEXT PRIMARY KEY, area TEXT NOT NULL REFERENCES areas (id),
                         good TEXT NOT NULL REFERENCES goods (id));
    """
    found = fitted(tmp_path, ddl, rows)["series"]
    assert found["id"].is_unique
    made = found["id"].str[3:] == found["area"] + found["good"]
    assert made.mean() > 0.9
    assert set(found["id"].str[:3]) == {"CUR", "CUS"}


def test_a_few_codes_show_how_they_are_written(tmp_path: Path) -> None:
    own = ["CS-101", "CS-190", "EE-181", "MU-199", "CS-315", "MA-204", "BIO-101", "BIO-301", "FIN-201", "HIS-351"]
    rows = pd.DataFrame({"course_id": own, "credits": [3, 4] * 5})
    ddl = "CREATE TABLE courses (course_id varchar(8) PRIMARY KEY, credits INTEGER NOT NULL);"
    found = fitted(tmp_path, ddl, {"courses": rows})["courses"]
    assert found["course_id"].str.fullmatch(r"[A-Z]{2}-\d{3}").all()


def test_two_dates_in_one_text(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    start = pd.Timestamp("2000-01-01") + pd.to_timedelta(rng.integers(0, 5_000, 400), unit="D")
    end = start + pd.to_timedelta(rng.integers(10, 900, 400), unit="D")
    why = rng.choice(["retired", "moved", "died"], 400)
    said = [f"{a:%Y.%m.%d} - {b:%Y.%m.%d} ({w})" for a, b, w in zip(start, end, why, strict=True)]
    rows = pd.DataFrame({"id": range(400), "begun": start.date, "ended": end.date, "why": why, "term": said})
    ddl = "CREATE TABLE terms (id INTEGER PRIMARY KEY, begun DATE, ended DATE, why TEXT, term TEXT);"
    found = fitted(tmp_path, ddl, {"terms": rows})["terms"]
    begun, ended = (pd.to_datetime(found[c]).dt.strftime("%Y.%m.%d") for c in ("begun", "ended"))
    assert (found["term"] == begun + " - " + ended + " (" + found["why"] + ")").all()
