"""Moments that lie about a parent's: before it, during its span, never after its end."""

import numpy as np
import pandas as pd
import pytest

import fixturesynth as fs

PATIENTS, STAYS, EVENTS = 150, 400, 2_400
HOUR = np.timedelta64(1, "h")

DDL = """
CREATE TABLE patients (id INTEGER PRIMARY KEY, sex TEXT NOT NULL, died TIMESTAMP);
CREATE TABLE stays (
    id INTEGER PRIMARY KEY, patient_id INTEGER NOT NULL REFERENCES patients (id), admitted TIMESTAMP NOT NULL,
    discharged TIMESTAMP NOT NULL
);
CREATE TABLE events (
    id INTEGER PRIMARY KEY, stay_id INTEGER NOT NULL REFERENCES stays (id), recorded TIMESTAMP NOT NULL,
    kind TEXT NOT NULL
);
"""


@pytest.fixture(scope="module")
def hospital(tmp_path_factory: pytest.TempPathFactory) -> fs.Dataset:
    """Stays of a century; one event in a hundred was recorded before its stay began. The dead have no later stays."""
    rng = np.random.default_rng(5)
    born = np.datetime64("2100-01-01T00:00:00") + rng.integers(0, 900_000, PATIENTS) * HOUR
    of = np.sort(rng.integers(0, PATIENTS, STAYS))
    admitted = born[of] + rng.integers(0, 9_000, STAYS) * HOUR
    discharged = admitted + rng.integers(12, 300, STAYS) * HOUR
    last = pd.Series(discharged).groupby(of).max().reindex(range(PATIENTS))
    died = (last + pd.to_timedelta(rng.integers(0, 900, PATIENTS), "h")).where(rng.random(PATIENTS) < 0.4)
    stay = np.sort(rng.integers(0, STAYS, EVENTS))
    share = rng.random(EVENTS)
    recorded = admitted[stay] + ((discharged - admitted)[stay] / HOUR * share).astype(int) * HOUR
    early = rng.random(EVENTS) < 0.01
    recorded[early] = admitted[stay][early] - 3 * HOUR
    rows = {
        "patients": pd.DataFrame({"id": range(PATIENTS), "sex": rng.choice(["f", "m"], PATIENTS), "died": died.values}),
        "stays": pd.DataFrame(
            {"id": range(STAYS), "patient_id": of, "admitted": admitted, "discharged": discharged}
        ),
        "events": pd.DataFrame(
            {"id": range(EVENTS), "stay_id": stay, "recorded": recorded, "kind": rng.choice(["lab", "x-ray"], EVENTS)}
        ),
    }  # fmt: skip
    script = tmp_path_factory.mktemp("hospital") / "hospital.sql"
    script.write_text(DDL)
    learned = fs.fit(rows, schema=fs.reflect(script), seed=2)
    assert learned.profile is not None
    assert learned.profile["events"].columns["recorded"].around == ("fk_stay_id", "admitted")
    return learned.sample(seed=3)


def joined(data: fs.Dataset, child: str, parent: str, key: str) -> pd.DataFrame:
    return data[child].merge(data[parent], left_on=key, right_on="id", suffixes=("", "_above"))


def test_events_lie_about_their_stay(hospital: fs.Dataset) -> None:
    """Without a rule that every row keeps, too: hours before admission, never years."""
    found = joined(hospital, "events", "stays", "stay_id")
    since = (pd.to_datetime(found["recorded"]) - pd.to_datetime(found["admitted"])) / HOUR
    assert since.between(-24, 400).mean() > 0.98
    assert (since >= 0).mean() > 0.95


def test_events_end_with_their_stay(hospital: fs.Dataset) -> None:
    """Short stays have no late events, although long ones do."""
    found = joined(hospital, "events", "stays", "stay_id")
    assert (found["recorded"] <= found["discharged"]).mean() > 0.98


def test_what_never_comes_after_its_parent_keeps_its_length(hospital: fs.Dataset) -> None:
    """A stay that would end after its patient's death moves as a whole, with those beside it."""
    found = joined(hospital, "stays", "patients", "patient_id").dropna(subset=["died"])
    assert (pd.to_datetime(found["discharged"]) <= pd.to_datetime(found["died"])).all()
    hours = (pd.to_datetime(found["discharged"]) - pd.to_datetime(found["admitted"])) / HOUR
    assert (hours >= 11).mean() > 0.95
    assert (found["discharged"] == found["died"]).mean() < 0.4
    assert found["discharged"].nunique() > 0.9 * len(found)
