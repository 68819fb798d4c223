"""Tables without a parent whose rows go on from one to the next: by day, by label and day, by key, by moment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest

import fixturesynth as fs
from fixturesynth.errors import ModelFileError
from fixturesynth.generators.courses import Course, course_families, runs

DDL = """
CREATE TABLE weather (day DATE PRIMARY KEY NOT NULL, temp DOUBLE PRECISION NOT NULL, sky VARCHAR(5) NOT NULL);
CREATE TABLE rates (
    id INTEGER PRIMARY KEY, currency VARCHAR(3) NOT NULL, day DATE NOT NULL, rate DOUBLE PRECISION NOT NULL,
    UNIQUE (currency, day)
);
CREATE TABLE events (id INTEGER PRIMARY KEY, at TIMESTAMP NOT NULL, load DOUBLE PRECISION NOT NULL);
CREATE TABLE spots (year INTEGER PRIMARY KEY, activity DOUBLE PRECISION NOT NULL);
CREATE TABLE people (id INTEGER PRIMARY KEY, born DATE NOT NULL, height INTEGER NOT NULL);
"""
DAYS = 1_000


def _wander(source: np.random.Generator, rows: int, keep: float) -> npt.NDArray[np.float64]:
    """Numbers of variance 1 that go on from each other."""
    steps = source.normal(0, (1 - keep**2) ** 0.5, rows)
    out = np.zeros(rows)
    for i in range(1, rows):
        out[i] = keep * out[i - 1] + steps[i]
    return out


def rows_in_line() -> dict[str, pd.DataFrame]:
    source = np.random.Generator(np.random.PCG64(7))
    day = pd.date_range("2019-01-01", periods=DAYS)
    temp = 12 - 9 * np.cos((day.dayofyear - 15) / 365 * 2 * np.pi) + 2 * _wander(source, DAYS, 0.7)
    sky = np.where(_wander(source, DAYS, 0.9) > 0.3, "rain", "clear")
    open_days = pd.bdate_range("2021-01-04", periods=500)
    rates = [
        pd.DataFrame({"currency": name, "day": open_days, "rate": level * np.exp(0.05 * _wander(source, 500, 0.98))})
        for name, level in (("CHF", 1.0), ("JPY", 130.0), ("USD", 1.2))
    ]
    rate = pd.concat(rates).round({"rate": 4}).sort_values(["day", "currency"], ignore_index=True)
    at = pd.Timestamp("2024-01-01") + pd.to_timedelta(np.cumsum(source.exponential(400, 1_500)).astype(int) + 1, "s")
    people = pd.DataFrame({
        "id": np.arange(1, 401), "height": source.integers(150, 200, 400),
        "born": pd.to_datetime(source.integers(0, 20_000, 400), unit="D"),
    })  # fmt: skip
    return {
        "weather": pd.DataFrame({"day": day, "temp": np.round(temp, 1), "sky": sky}),
        "rates": rate.assign(id=np.arange(1, len(rate) + 1)),
        "events": pd.DataFrame({
            "id": np.arange(1, 1_501), "at": at, "load": np.round(50 + 10 * _wander(source, 1_500, 0.95), 2),
        }),
        "spots": pd.DataFrame({
            "year": np.arange(1700, 2000), "activity": np.round(50 + 20 * _wander(source, 300, 0.85), 1),
        }),
        "people": people,
    }  # fmt: skip


@pytest.fixture(scope="module")
def real() -> dict[str, pd.DataFrame]:
    return rows_in_line()


@pytest.fixture(scope="module")
def synthesizer(real: Mapping[str, pd.DataFrame], tmp_path_factory: pytest.TempPathFactory) -> fs.Synthesizer:
    script = tmp_path_factory.mktemp("courses") / "courses.sql"
    script.write_text(DDL)
    return fs.fit(dict(real), schema=fs.reflect(script), seed=5)


@pytest.fixture(scope="module")
def made(synthesizer: fs.Synthesizer) -> dict[str, pd.DataFrame]:
    frames: dict[str, pd.DataFrame] = synthesizer.sample(seed=3).to_frames()
    return frames


def _goes_on(values: pd.Series) -> float:
    return float(values.autocorr())


def test_days_follow_each_other_and_so_does_the_weather(
    real: Mapping[str, pd.DataFrame], made: Mapping[str, pd.DataFrame]
) -> None:
    ours, theirs = made["weather"].assign(day=lambda d: pd.to_datetime(d["day"])).sort_values("day"), real["weather"]
    assert (ours["day"].diff().dropna() == pd.Timedelta(days=1)).all()
    assert _goes_on(ours["temp"]) == pytest.approx(_goes_on(theirs["temp"]), abs=0.05)
    same, expected = ((d["sky"] == d["sky"].shift()).mean() for d in (ours, theirs))
    assert same == pytest.approx(expected, abs=0.06)


def test_the_time_of_the_year_is_in_the_values(
    real: Mapping[str, pd.DataFrame], made: Mapping[str, pd.DataFrame]
) -> None:
    def share(frame: pd.DataFrame) -> float:
        month = pd.to_datetime(frame["day"]).dt.month
        return float(frame["temp"].groupby(month).transform("mean").var() / frame["temp"].var())

    assert share(made["weather"]) == pytest.approx(share(real["weather"]), abs=0.12)


def test_each_label_has_its_own_course_on_open_days(
    real: Mapping[str, pd.DataFrame], made: Mapping[str, pd.DataFrame]
) -> None:
    ours = made["rates"].assign(day=lambda d: pd.to_datetime(d["day"])).sort_values(["currency", "day"])
    assert not ours.duplicated(["currency", "day"]).any()
    assert (ours["day"].dt.weekday < 5).mean() > 0.98
    assert ours["currency"].value_counts().to_dict() == real["rates"]["currency"].value_counts().to_dict()
    for _, rows in ours.groupby("currency"):
        assert _goes_on(rows["rate"]) > 0.75


def test_moments_that_keep_to_no_grid_rise(real: Mapping[str, pd.DataFrame], made: Mapping[str, pd.DataFrame]) -> None:
    ours = made["events"].sort_values("id")
    assert ours["at"].is_monotonic_increasing
    assert _goes_on(ours["load"]) == pytest.approx(_goes_on(real["events"]["load"]), abs=0.08)


def test_a_key_puts_rows_in_order_too(real: Mapping[str, pd.DataFrame], made: Mapping[str, pd.DataFrame]) -> None:
    ours = made["spots"].sort_values("year")
    assert _goes_on(ours["activity"]) == pytest.approx(_goes_on(real["spots"]["activity"]), abs=0.12)


def test_rows_that_say_nothing_of_each_other_stay_apart(synthesizer: fs.Synthesizer) -> None:
    courses = {name: model.course for name, model in synthesizer.models.items()}
    assert courses["people"] is None
    assert {name for name, course in courses.items() if course is not None} == {"weather", "rates", "events", "spots"}
    assert courses["rates"] is not None and courses["rates"].label == "currency"


def test_fewer_rows_are_a_shorter_time(synthesizer: fs.Synthesizer) -> None:
    few = synthesizer.sample(rows={"weather": 90}, seed=3).to_frames()["weather"]
    days = pd.to_datetime(few["day"]).sort_values()
    assert (days.diff().dropna() == pd.Timedelta(days=1)).all()


def test_the_same_rows_in_any_number_of_partitions(synthesizer: fs.Synthesizer) -> None:
    tables = tuple(replace(t, partition_rows=300) for t in synthesizer.plan.tables)
    parted = replace(synthesizer, plan=replace(synthesizer.plan, tables=tables))
    one, two = parted.sample(seed=9), parted.sample(seed=9, workers=2)
    for name in ("weather", "rates", "events", "spots"):
        assert one.arrow(name).equals(two.arrow(name))


def test_a_model_goes_on_as_before_when_it_is_opened_again(synthesizer: fs.Synthesizer, tmp_path: Path) -> None:
    again = fs.open_model(synthesizer.save(tmp_path / "courses.fsynth")).sample(seed=4)
    whole = synthesizer.sample(seed=4)
    for name in ("weather", "rates", "events", "spots"):
        assert again.arrow(name).equals(whole.arrow(name))


def test_a_file_whose_rows_cannot_go_on_is_refused(synthesizer: fs.Synthesizer, tmp_path: Path) -> None:
    models = {
        name: replace(model, course=Course(None, "at", (10,))) if name == "events" else model
        for name, model in synthesizer.models.items()
    }
    path = replace(synthesizer, models=models).save(tmp_path / "wrong.fsynth")
    with pytest.raises(ModelFileError, match="events: its rows cannot go on from one to the next"):
        fs.open_model(path)


def test_rows_are_shared_out_among_labels_and_long_families_are_cut_evenly() -> None:
    label, run, place, size = course_families(Course("kind", None, (1, 3)), 8)
    assert label.tolist() == [0, 0, 1, 1, 1, 1, 1, 1]
    assert run.tolist() == label.tolist()
    assert place.tolist() == [0, 1, 0, 1, 2, 3, 4, 5]
    assert size.tolist() == [2, 2, 6, 6, 6, 6, 6, 6]
    assert np.bincount(runs(np.zeros(1_600, dtype=np.int64))).tolist() == [534, 533, 533]
