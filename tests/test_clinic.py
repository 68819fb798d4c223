"""A clinic: histories that end on the day they were read, entries of visits, moments that are a visit's or midnight,
durations, readings in panels, codes without a meaning."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import sibling_databases as real

import fixturesynth as fs
from fixturesynth.generators.successors import find_successors
from fixturesynth.profiling.elapsed import elapsed

PATIENTS, READ = 400, pd.Timestamp("2020-01-01")
PANEL = ("weight", "height", "bmi", "systolic", "diastolic")
DDL = """
CREATE TABLE patient (id INTEGER PRIMARY KEY, sex VARCHAR(1) NOT NULL, born DATE NOT NULL);
CREATE TABLE visit (id INTEGER PRIMARY KEY, patient_id INTEGER NOT NULL REFERENCES patient(id),
 kind VARCHAR(9) NOT NULL, began DATE NOT NULL, began_at TIMESTAMP NOT NULL, ended DATE NOT NULL,
 nights INTEGER NOT NULL,
 age_then INTEGER NOT NULL, stay_hours FLOAT NOT NULL, previous_id INTEGER REFERENCES visit(id));
CREATE TABLE reading (id INTEGER PRIMARY KEY, patient_id INTEGER NOT NULL REFERENCES patient(id),
 visit_id INTEGER REFERENCES visit(id), taken DATE NOT NULL, taken_at TIMESTAMP NOT NULL, what VARCHAR(9) NOT NULL,
 code VARCHAR(3), loinc VARCHAR(3), value FLOAT NOT NULL);
"""


def clinic() -> dict[str, pd.DataFrame]:
    """Patients of all ages whose visits go on up to one day; readings only of the last ten years before it."""
    rng = np.random.default_rng(11)
    born = READ - pd.to_timedelta(rng.integers(30, 80 * 365, PATIENTS), unit="D")
    patient = pd.DataFrame({"id": range(1, PATIENTS + 1), "sex": rng.choice(["f", "m"], PATIENTS), "born": born})
    visits, readings = [], []
    for number, birth in enumerate(born, 1):
        alive = (READ - birth).days
        early = rng.random(rng.integers(0, 4)) * alive
        late = alive - rng.random(rng.integers(1, 12)) * min(alive, 3650)
        for day in np.sort(np.concatenate([early, late])).astype(int):
            began = birth + pd.Timedelta(days=int(day))
            nights = int(min(rng.geometric(0.5) - 1, (READ - began).days)) if rng.random() < 0.3 else 0
            age = began.year - birth.year - ((began.month, began.day) < (birth.month, birth.day))
            visits.append((number, "inpatient" if nights else "walk-in", began, nights, age))
            if (READ - began).days < 3650:
                first = int(rng.choice([0, 3]))
                for what in PANEL[first:]:
                    own = rng.random() < 0.7
                    taken = began if own else birth + pd.Timedelta(days=int(rng.integers(0, alive)))
                    readings.append((number, len(visits), taken, what))
    visit = pd.DataFrame(visits, columns=["patient_id", "kind", "began", "nights", "age_then"])
    visit.insert(0, "id", range(1, len(visit) + 1))
    visit["began_at"] = visit["began"]
    visit["ended"] = visit["began"] + pd.to_timedelta(visit["nights"], unit="D")
    visit["stay_hours"] = visit["nights"] * 24.0
    visit["previous_id"] = visit.groupby("patient_id")["id"].shift()
    reading = pd.DataFrame(readings, columns=["patient_id", "visit_id", "taken", "what"])
    reading.insert(0, "id", range(1, len(reading) + 1))
    reading["taken_at"] = reading["taken"]
    reading["value"] = rng.normal(50, 9, len(reading)).round(1)
    # Two in a hundred belong to no visit; a code in fewer than one in ten, and to hardly any of them another one.
    reading["visit_id"] = reading["visit_id"].where(rng.random(len(reading)) >= 0.02)
    reading["code"] = [
        f"{chr(97 + i % 26)}{chr(97 + i // 26)}{chr(97 + i % 7)}" if i < 150 else None for i in range(len(reading))
    ]
    reading["loinc"] = [c.upper() if i % 8 == 0 and c else None for i, c in enumerate(reading["code"])]
    out = {
        "patient": patient,
        "visit": visit,
        "reading": reading.sample(frac=1, random_state=2).sort_values(["visit_id", "id"]),
    }
    for name, dates in (("patient", ["born"]), ("visit", ["began", "ended"]), ("reading", ["taken"])):
        for date in dates:
            out[name][date] = out[name][date].dt.strftime("%Y-%m-%d")
    for name, moment in (("visit", "began_at"), ("reading", "taken_at")):
        out[name][moment] = out[name][moment].dt.strftime("%Y-%m-%d %H:%M:%S")
    out["visit"] = out["visit"][
        ["id", "patient_id", "kind", "began", "began_at", "ended", "nights", "age_then", "stay_hours", "previous_id"]
    ]
    out["reading"] = out["reading"][
        ["id", "patient_id", "visit_id", "taken", "taken_at", "what", "code", "loinc", "value"]
    ]
    return out


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> fs.Synthesizer:
    return fs.fit(real.write(tmp_path_factory.mktemp("clinic") / "clinic", DDL, clinic()), seed=1)


@pytest.fixture(scope="module")
def made(model: fs.Synthesizer) -> dict[str, pd.DataFrame]:
    data = model.sample(seed=3)
    out = {name: data[name].copy() for name in data}
    for name, columns in (
        ("patient", ["born"]),
        ("visit", ["began", "began_at", "ended"]),
        ("reading", ["taken", "taken_at"]),
    ):
        for column in columns:
            out[name][column] = pd.to_datetime(out[name][column])
    return out


def test_histories_end_where_the_rows_were_read(made: dict[str, pd.DataFrame]) -> None:
    """Events are learned by age: those who were born late have none that lie beyond the last of the real rows."""
    visits = made["visit"].merge(made["patient"], left_on="patient_id", right_on="id", suffixes=("", "_p"))
    assert (visits["began"] >= visits["born"]).all()
    assert (visits["began"] <= READ).all() and (visits["ended"] <= READ).all()
    last = visits.groupby("patient_id")["began"].max()
    assert (last > READ - pd.Timedelta(days=730)).mean() > 0.5  # and go on up to there


def test_what_hangs_on_the_calendar_does(made: dict[str, pd.DataFrame]) -> None:
    """Readings were kept for ten years: whether a visit has any is told by its day, not by the patient's age."""
    seen = made["visit"]["id"].isin(made["reading"]["visit_id"])
    old = made["visit"]["began"] < READ - pd.Timedelta(days=3650 + 400)
    recent = made["visit"]["began"] > READ - pd.Timedelta(days=3650 - 400)
    assert seen[old].mean() < 0.1 and seen[recent].mean() > 0.8


def test_rows_are_learned_beside_a_parent_that_nearly_all_have(
    model: fs.Synthesizer, made: dict[str, pd.DataFrame]
) -> None:
    assert model.plan["reading"].context == "fk_visit_id"
    readings = made["reading"]
    assert readings["visit_id"].isna().sum() == round(
        len(readings) * model.plan["reading"].reference("fk_visit_id").null_share
    )
    assert 0.005 < readings["visit_id"].isna().mean() < 0.05
    visits = readings.merge(made["visit"], left_on="visit_id", right_on="id", suffixes=("", "_v"))
    assert (visits["patient_id"] == visits["patient_id_v"]).all()
    # Seven in ten have the day of their visit, which is no rule, and the others any other day.
    assert 0.6 < (visits["taken"] == visits["began"]).mean() < 0.8
    real_counts = clinic()["reading"].groupby("visit_id").size().value_counts(normalize=True)
    counts = readings.groupby("visit_id").size().value_counts(normalize=True)
    assert counts.sub(real_counts, fill_value=0).abs().sum() < 0.05


def test_a_day_is_its_midnight(model: fs.Synthesizer, made: dict[str, pd.DataFrame]) -> None:
    assert (made["reading"]["taken"] == made["reading"]["taken_at"]).all()
    assert (made["visit"]["began"] == made["visit"]["began_at"]).all()
    equal = {(i.target, i.sources) for i in model.profile["reading"].invariants if i.kind == "equal"}
    assert ("taken_at", ("taken",)) in equal


def test_lines_of_visits_stay_with_their_patient(made: dict[str, pd.DataFrame]) -> None:
    """What moves to keep the order of a line takes along what follows from it."""
    visits = made["visit"]
    pairs = visits.merge(visits, left_on="previous_id", right_on="id", suffixes=("", "_before"))
    assert len(pairs) == visits["previous_id"].notna().sum() > 1_000
    assert (pairs["patient_id"] == pairs["patient_id_before"]).all()
    assert (pairs["began_before"] <= pairs["began"]).all()


def test_durations_are_counted(model: fs.Synthesizer, made: dict[str, pd.DataFrame]) -> None:
    """Nights from day to day, hours of a stay, and the age on that day by a patient's birth."""
    rules = {i.target: i for i in model.profile["visit"].invariants if i.kind == "elapsed"}
    assert rules["nights"].sources == ("ended", "began") and rules["nights"].parameters["unit"] == "days"
    assert rules["age_then"].parameters["theirs"] == "born" and rules["age_then"].parameters["unit"] == "years"
    visits = made["visit"].merge(made["patient"], left_on="patient_id", right_on="id", suffixes=("", "_p"))
    assert ((visits["ended"] - visits["began"]).dt.days == visits["nights"]).all()
    assert (visits["stay_hours"] == visits["nights"] * 24).all()
    before = (visits["began"].dt.month * 100 + visits["began"].dt.day) < (
        visits["born"].dt.month * 100 + visits["born"].dt.day
    )
    assert (visits["age_then"] == visits["began"].dt.year - visits["born"].dt.year - before).all()
    assert visits["nights"].nunique() > 4 and visits["age_then"].nunique() > 40


def test_readings_come_in_panels(made: dict[str, pd.DataFrame]) -> None:
    ordered = made["reading"].dropna(subset=["visit_id"]).sort_values(["visit_id", "id"])
    after = ordered.groupby("visit_id")["what"].shift()
    known = set(pairwise(PANEL))
    pairs = [(a, b) for a, b in zip(after, ordered["what"], strict=True) if isinstance(a, str)]
    assert len(pairs) > 1_000 and sum(pair in known for pair in pairs) / len(pairs) > 0.95


def test_what_has_no_code_has_no_other(made: dict[str, pd.DataFrame]) -> None:
    """One code follows from another, which most rows lack: it is NULL where that is, and mostly where it is not."""
    readings = made["reading"]
    assert readings.loc[readings["code"].isna(), "loinc"].isna().all()
    assert 0.7 < readings.loc[readings["code"].notna(), "loinc"].isna().mean() < 0.97


def test_durations_by_unit_and_rounding() -> None:
    hour = 3_600_000_000
    since, until = np.zeros(3, dtype=np.int64), np.array([90, -90, 30], dtype=np.int64) * (hour // 60)
    down = elapsed(since, until, {"unit": "hours", "decimals": 0, "rounding": "down"})
    assert down.tolist() == [1.0, -2.0, 0.0]
    assert elapsed(since, until, {"unit": "minutes", "decimals": 1, "sign": -1, "constant": 1}).tolist() == [
        -89,
        91,
        -29,
    ]


def test_successors_are_sure_and_protected() -> None:
    before = np.repeat([0, 1, 2, 3], [40, 40, 40, 5])
    own = np.concatenate([np.full(40, 1), np.arange(40) % 4, np.full(40, 3), np.full(5, 0)])
    groups = np.arange(125)
    groups[80:120] = 7  # of one entity alone
    # 1 is followed by all alike, 2's successor is one entity's, and from 4 on there is no sibling before.
    assert find_successors(before, own, 5, 4, groups).tolist() == [1, 4, 4, 0, 4]


def test_models_with_all_this_give_the_same_from_a_file(model: fs.Synthesizer, tmp_path: Path) -> None:
    again = fs.Synthesizer.open(model.save(tmp_path / "clinic.fsynth"))
    one, two = model.sample(seed=5), again.sample(seed=5, workers=2)
    assert {n: one.content_hash(n) for n in one} == {n: two.content_hash(n) for n in two}
