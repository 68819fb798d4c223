"""Second parents that come again among siblings: a patient sees one to three doctors, and not another one each time."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sqlalchemy import Column, ForeignKey, Integer, MetaData, Numeric, Table, Text

import fixturesynth as fs
from fixturesynth.errors import ModelFileError
from fixturesynth.generators.incoming import EARLIER, NEW, SAME
from fixturesynth.generators.tablemodel import SITUATIONS
from fixturesynth.sampling.returning import returned

PATIENTS, DOCTORS = 500, 90


def schema() -> fs.Schema:
    meta = MetaData()
    Table("doctor", meta, Column("doctor_id", Integer, primary_key=True), Column("age", Integer, nullable=False))
    Table("patient", meta, Column("patient_id", Integer, primary_key=True), Column("city", Text, nullable=False))
    Table(
        "visit", meta, Column("visit_id", Integer, primary_key=True),
        Column("patient_id", ForeignKey("patient.patient_id"), nullable=False),
        Column("doctor_id", ForeignKey("doctor.doctor_id")), Column("cost", Numeric(8, 2), nullable=False),
    )  # fmt: skip
    return fs.reflect(meta)


def practice(loyal: bool = True) -> dict[str, pd.DataFrame]:
    """Visits of patients to their own doctors, or to any; one in twelve to none."""
    random = np.random.default_rng(4)
    own = np.repeat(np.arange(PATIENTS), random.integers(1, 14, PATIENTS))
    known = [random.choice(DOCTORS, random.integers(1, 4), replace=False) for _ in range(PATIENTS)]
    doctor = np.array([random.choice(known[p]) if loyal else random.integers(0, DOCTORS) for p in own]) + 1
    none = random.random(own.size) < 1 / 12
    return {
        "doctor": pd.DataFrame({"doctor_id": np.arange(DOCTORS) + 1, "age": random.integers(30, 66, DOCTORS)}),
        "patient": pd.DataFrame({
            "patient_id": np.arange(PATIENTS) + 1, "city": random.choice(["Bonn", "Kiel", "Ulm"], PATIENTS)
        }),
        "visit": pd.DataFrame({
            "visit_id": np.arange(own.size) + 1, "patient_id": own + 1,
            "doctor_id": pd.array(np.where(none, None, doctor), dtype="Int64"),
            "cost": random.gamma(3, 30, own.size).round(2),
        }),
    }  # fmt: skip


def doctors_of_patients(visits: pd.DataFrame) -> float:
    known = visits.dropna(subset=["doctor_id"]).groupby("patient_id").doctor_id.agg(["size", "nunique"])
    return float(known["nunique"][known["size"] >= 4].mean())


@pytest.fixture(scope="module")
def model() -> fs.Synthesizer:
    return fs.fit(practice(), schema=schema(), seed=7, generator="cart")


def test_patients_see_as_few_doctors_as_real_ones(model: fs.Synthesizer) -> None:
    real, made = practice()["visit"], model.sample(seed=7)["visit"]
    assert doctors_of_patients(real) < 2
    assert doctors_of_patients(made) < 2.5
    patients = [v.dropna(subset=["doctor_id"]).groupby("doctor_id").patient_id.nunique().mean() for v in (real, made)]
    assert abs(patients[1] / patients[0] - 1) < 0.25
    visits = [np.sort(v.groupby("doctor_id").size()) for v in (real, made)]
    assert (visits[0] == visits[1]).all()
    assert real.doctor_id.isna().sum() == made.doctor_id.isna().sum()


def test_patients_who_see_anybody_do_so(tmp_path: Path) -> None:
    rows = practice(loyal=False)
    found = fs.fit(rows, schema=schema(), seed=7, generator="cart")
    assert not found.models["visit"].returning
    assert doctors_of_patients(found.sample(seed=7)["visit"]) == pytest.approx(
        doctors_of_patients(rows["visit"]), rel=0.05
    )


def test_what_is_known_of_it_is_saved(model: fs.Synthesizer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "practice.fsynth"
    model.save(path)
    again = fs.Synthesizer.open(path)
    assert again.models["visit"].returning == model.models["visit"].returning
    assert again.sample(seed=3)["visit"].equals(model.sample(seed=3)["visit"])
    (kept,) = model.models["visit"].returning.values()
    monkeypatch.setitem(model.models["visit"].returning, next(iter(model.models["visit"].returning)), kept[:5])
    model.save(tmp_path / "damaged.fsynth")
    with pytest.raises(ModelFileError, match="come again"):
        fs.Synthesizer.open(tmp_path / "damaged.fsynth")


def counts(outcome: int) -> list[int]:
    table = np.zeros((SITUATIONS, 3), dtype=int)
    table[:, outcome] = 1
    return table.reshape(-1).tolist()


def test_degrees_are_met_whatever_comes_again() -> None:
    random = np.random.default_rng(2)
    blocks = random.integers(0, 3, 40)
    degrees = random.integers(0, 9, 40)
    n = int(degrees.sum())
    wanted = random.integers(0, 4, n)  # also a block that nobody is of
    families = np.sort(random.integers(0, 25, n))
    for outcome in (SAME, EARLIER, NEW):
        out = returned(wanted, families, blocks, degrees, counts(outcome), 5, "x")
        assert (np.bincount(out, minlength=40) == degrees).all()


def test_siblings_keep_one_parent_of_each_block_where_none_is_ever_new() -> None:
    families = np.repeat(np.arange(30), 6)
    wanted = np.tile([0, 0, 1, 1, 0, 1], 30)
    blocks, degrees = np.repeat([0, 1], 10), np.full(20, 9)
    out = returned(wanted, families, blocks, degrees, counts(SAME), 5, "x")
    assert (blocks[out] == wanted).all()
    different = [len(set(out[(families == f) & (wanted == b)].tolist())) for f in range(30) for b in (0, 1)]
    assert max(different) == 1
    out = returned(wanted, families, blocks, degrees, counts(NEW), 5, "x")
    different = [len(set(out[(families == f) & (wanted == b)].tolist())) for f in range(30) for b in (0, 1)]
    assert np.mean(different) > 2.5
