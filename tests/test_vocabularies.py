"""Values known in one column are kept in another of the same list; not one more value leaves the profile."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import fixturesynth as fs
from fixturesynth.profiling.datasets import profile_dataset
from fixturesynth.profiling.profile import Profile

SCHEMA = """
CREATE TABLE patient (id INTEGER PRIMARY KEY, birth_date DATE NOT NULL);
CREATE TABLE condition (id INTEGER PRIMARY KEY, patient_id INTEGER NOT NULL REFERENCES patient, code TEXT NOT NULL,
    status1 TEXT, status2 TEXT, paid2 INTEGER);
CREATE TABLE procedure (id INTEGER PRIMARY KEY, patient_id INTEGER NOT NULL REFERENCES patient, reason TEXT,
    surgeon_name TEXT);
"""
CODES = ["38341003", "44054006", "73595000", "10509002", "72892002", "19169002"]


@pytest.fixture(scope="module")
def clinic(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, pd.DataFrame], object]:
    """Sixty patients; procedures of three of them, for reasons that are common among the conditions, and one that
    is not."""
    rng = np.random.default_rng(1)
    n = 900
    conditions = pd.DataFrame({"id": range(1, n + 1), "patient_id": rng.integers(1, 61, n)})
    conditions["code"] = rng.choice(CODES, n, p=[0.4, 0.2, 0.15, 0.1, 0.1, 0.05])
    conditions.loc[0, "code"] = "99999001"
    conditions["status1"] = rng.choice(["CLOSED", "OPEN"], n)
    conditions["status2"] = np.where(conditions["patient_id"] <= 2, "CLOSED", None)
    conditions["paid2"] = pd.array(np.where(conditions["patient_id"] <= 2, 0, -1), dtype="Int64")
    conditions.loc[conditions["paid2"] < 0, "paid2"] = pd.NA
    m = 1_500
    procedures = pd.DataFrame({"id": range(1, m + 1), "patient_id": rng.integers(1, 61, m)})
    few = procedures["patient_id"] <= 3
    procedures["reason"] = np.where(few, rng.choice([*CODES[:4], "99999001"], m), None)
    procedures["surgeon_name"] = np.where(few, rng.choice(["Ann Smith", "Bo Chen"], m), None)
    rows = {
        "patient": pd.DataFrame({"id": range(1, 61), "birth_date": "1970-01-01"}),
        "condition": conditions,
        "procedure": procedures,
    }
    path = tmp_path_factory.mktemp("vocabulary") / "schema.sql"
    path.write_text(SCHEMA)
    return rows, fs.reflect(path)


@pytest.fixture(scope="module")
def profile(clinic: tuple[dict[str, pd.DataFrame], object]) -> Profile:
    rows, schema = clinic
    return profile_dataset(fs.Dataset.from_frames(rows), schema, seed=1)


def values(profile: Profile, table: str, column: str) -> set[object]:
    return {v for v, _ in profile[table].columns[column].values}


def test_a_code_that_is_common_elsewhere_is_kept_where_it_is_rare(profile: Profile) -> None:
    found = profile["procedure"].columns["reason"]
    assert set(found.known) == set(CODES[:4]) == values(profile, "procedure", "reason")
    assert found.rare > 0


def test_no_value_leaves_that_is_rare_everywhere(profile: Profile) -> None:
    assert "99999001" not in repr(profile)


def test_a_numbered_column_knows_the_values_of_its_sisters(profile: Profile) -> None:
    assert profile["condition"].columns["status2"].known == ("CLOSED",)


def test_what_tells_who_somebody_is_takes_no_part(profile: Profile) -> None:
    assert profile["procedure"].columns["surgeon_name"].known == ()


def test_generated_rows_use_the_known_values(clinic: tuple[dict[str, pd.DataFrame], object]) -> None:
    rows, schema = clinic
    made = fs.fit(rows, schema=schema, seed=1).sample(seed=1)
    reasons = made["procedure"]["reason"].dropna()
    assert reasons.isin(CODES).mean() > 0.5
    assert "99999001" not in set(reasons)
    real = rows["condition"]
    for column, value in (("status2", "CLOSED"), ("paid2", 0)):
        found = made["condition"][column].dropna()
        assert len(found) == pytest.approx(real[column].notna().sum(), rel=0.5)
        assert (found == value).all()


STATES = ["Maine", "Ohio", "Utah", "Iowa", "Idaho", "Texas", "Nevada", "Oregon", "Alaska", "Kansas"]


def test_a_column_whose_values_all_stand_in_a_kept_list_keeps_them(tmp_path) -> None:
    """Three of nine have the one region there is, which the list of states has as well; nobody else's city is kept."""
    path = tmp_path / "schema.sql"
    path.write_text(
        "CREATE TABLE state (id INTEGER PRIMARY KEY, name TEXT NOT NULL, code TEXT NOT NULL);"
        "CREATE TABLE shop (id INTEGER PRIMARY KEY, state_id INTEGER NOT NULL REFERENCES state);"
        "CREATE TABLE clerk (id INTEGER PRIMARY KEY, region TEXT, area TEXT, born DATE NOT NULL);"
    )
    rng = np.random.default_rng(3)
    states = pd.DataFrame({"id": range(1, 11), "name": STATES, "code": [s[:2].upper() for s in STATES]})
    rows = {
        "state": states,
        "shop": pd.DataFrame({"id": range(1, 201), "state_id": rng.integers(1, 11, 200)}),
        "clerk": pd.DataFrame({
            "id": range(1, 10), "region": ["UT"] * 3 + [None] * 6, "area": ["UT", "UT", "YY"] + [None] * 6,
            "born": [f"19{60 + i}-03-0{i + 1}" for i in range(9)],
        }),
    }  # fmt: skip
    profile = profile_dataset(fs.Dataset.from_frames(rows), fs.reflect(path), seed=1)
    assert profile["state"].reference
    assert profile["clerk"].columns["region"].known == ("UT",)
    assert profile["clerk"].columns["area"].known == ()
