"""Numbers that stay exactly what they were in the sibling before."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import fixturesynth as fs
from fixturesynth.generators.steadying import steady_rows

DDL = """
CREATE TABLE patients (patient_id INTEGER PRIMARY KEY, age INTEGER NOT NULL);
CREATE TABLE eyes (
    patient_id INTEGER NOT NULL REFERENCES patients (patient_id),
    eye TEXT NOT NULL,
    months REAL NOT NULL,
    depth REAL NOT NULL,
    grade INTEGER NOT NULL,
    PRIMARY KEY (patient_id, eye)
);
"""
PATIENTS, STEADY = 500, 0.6


@pytest.fixture(scope="module")
def real() -> dict[str, pd.DataFrame]:
    source = np.random.Generator(np.random.PCG64(5))
    months, depth = (np.round(source.gamma(2, 20, (PATIENTS, 2)), 2) for _ in range(2))
    together = source.random(PATIENTS) < STEADY
    months[together, 1] = months[together, 0]
    eyes = pd.DataFrame({
        "patient_id": np.arange(1, PATIENTS + 1).repeat(2), "eye": np.tile(["left", "right"], PATIENTS),
        "months": months.ravel(), "depth": depth.ravel(), "grade": source.integers(1, 5, 2 * PATIENTS),
    })  # fmt: skip
    patients = pd.DataFrame({"patient_id": np.arange(1, PATIENTS + 1), "age": source.integers(20, 80, PATIENTS)})
    return {"patients": patients, "eyes": eyes}


@pytest.fixture(scope="module")
def model(real: Mapping[str, pd.DataFrame], tmp_path_factory: pytest.TempPathFactory) -> fs.Synthesizer:
    script = tmp_path_factory.mktemp("eyes") / "eyes.sql"
    script.write_text(DDL)
    return fs.fit(dict(real), schema=fs.reflect(script), seed=5)


def alike(eyes: pd.DataFrame, column: str) -> float:
    return float((eyes.sort_values(["patient_id", "eye"]).groupby("patient_id")[column].nunique() == 1).mean())


@pytest.mark.parametrize("scale", [0.5, 1.0, 3.0])
def test_numbers_are_the_same_as_often_as_they_were(model: fs.Synthesizer, scale: float) -> None:
    eyes = model.sample(seed=3, scale=scale).to_frames()["eyes"]
    assert alike(eyes, "months") == pytest.approx(STEADY, abs=0.1)
    assert alike(eyes, "depth") < 0.05  # chance alone


def test_the_model_says_which(model: fs.Synthesizer, tmp_path: Path) -> None:
    steady = model.models["eyes"].steady
    assert set(steady) == {"column months"}
    assert steady["column months"] > 900  # of the siblings of one range nearly all
    again = fs.Synthesizer.open(model.save(tmp_path / "eyes.fsynth"))
    assert again.models["eyes"].steady == steady
    assert again.sample(seed=3, workers=2).arrow("eyes").equals(model.sample(seed=3).arrow("eyes"))


def test_runs_have_the_number_of_their_first_row() -> None:
    source = np.random.Generator(np.random.PCG64(5))
    codes = source.integers(0, 2, 3_000).astype(np.int32)
    position = np.tile(np.arange(6), 500)
    rows = steady_rows(codes, position, 500, 7, "eyes")
    family = np.arange(3_000) // 6
    taken = np.flatnonzero(rows >= 0)
    assert (family[rows[taken]] == family[taken]).all()
    assert (codes[rows[taken]] == codes[taken]).all()
    able = (codes[1:] == codes[:-1]) & (position[1:] > 0)
    stays = able & (rows[1:] == rows[:-1]) & (rows[1:] >= 0)
    assert stays.sum() / able.sum() == pytest.approx(0.5, abs=0.06)


@pytest.mark.parametrize("kind, unit", [("DATE", "D"), ("TIMESTAMP", "s")])
def test_days_and_moments_stay_too(kind: str, unit: str, tmp_path: Path) -> None:
    source = np.random.Generator(np.random.PCG64(5))
    together = source.random(PATIENTS) < STEADY
    drawn = source.integers(0, 1_500 if unit == "D" else 1_500 * 86_400, (PATIENTS, 3))
    drawn[together, 1:] = drawn[together, :1]
    when = pd.Timestamp("2019-01-01") + pd.to_timedelta(drawn.ravel(), unit)
    owners = np.arange(1, PATIENTS + 1).repeat(3)
    scans = pd.DataFrame({"scan_id": np.arange(1, 3 * PATIENTS + 1), "patient_id": owners, "taken": when})
    if unit == "D":
        scans["taken"] = when.date
    script = tmp_path / "scans.sql"
    script.write_text(
        DDL.split("CREATE TABLE eyes")[0] + "CREATE TABLE scans (scan_id INTEGER PRIMARY KEY, "
        f"patient_id INTEGER NOT NULL REFERENCES patients (patient_id), taken {kind} NOT NULL);"
    )
    patients = pd.DataFrame({"patient_id": np.arange(1, PATIENTS + 1), "age": source.integers(20, 80, PATIENTS)})
    model = fs.fit({"patients": patients, "scans": scans}, schema=fs.reflect(script), seed=5)
    made = model.sample(seed=3).to_frames()["scans"]
    same = (made.groupby("patient_id")["taken"].nunique() == 1).mean()
    assert same == pytest.approx(STEADY, abs=0.15)  # 0.06 and 0 where ranges alone agree
