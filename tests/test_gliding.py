"""Numbers that move by less than a bin from one sibling to the next, and time of day in families with even gaps."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import fixturesynth as fs
from fixturesynth.generators.steps import STEP_CODES, classes, leap_bits, step_classes, step_feature

DDL = """
CREATE TABLE devices (device_id INTEGER PRIMARY KEY, room VARCHAR(10) NOT NULL);
CREATE TABLE readings (
    device_id INTEGER NOT NULL REFERENCES devices (device_id), at TIMESTAMP NOT NULL,
    battery DOUBLE PRECISION NOT NULL, power DOUBLE PRECISION NOT NULL,
    PRIMARY KEY (device_id, at)
);
"""
DEVICES, HOURS = 50, 120


def rows_of_readings() -> dict[str, pd.DataFrame]:
    """Every hour of five days: a battery that falls a little each time, power by day and hardly any by night."""
    source = np.random.Generator(np.random.PCG64(3))
    parts = []
    for device in range(1, DEVICES + 1):
        at = pd.Timestamp("2024-03-01") + pd.to_timedelta(np.arange(HOURS) + int(source.integers(0, 24)), "h")
        battery = source.uniform(60, 100) - np.cumsum(source.exponential(0.04, HOURS))
        power = source.gamma(4, 1, HOURS) * np.where((at.hour >= 8) & (at.hour < 18), 3.0, 0.3)
        parts.append(pd.DataFrame({
            "device_id": device, "at": at, "battery": np.round(battery, 3), "power": np.round(power, 2)
        }))  # fmt: skip
    rooms = np.array(["lab", "office", "hall"])[np.arange(DEVICES) % 3]
    devices = pd.DataFrame({"device_id": np.arange(1, DEVICES + 1), "room": rooms})
    return {"devices": devices, "readings": pd.concat(parts, ignore_index=True)}


@pytest.fixture(scope="module")
def real() -> dict[str, pd.DataFrame]:
    return rows_of_readings()


@pytest.fixture(scope="module")
def synthesizer(real: Mapping[str, pd.DataFrame], tmp_path_factory: pytest.TempPathFactory) -> fs.Synthesizer:
    script = tmp_path_factory.mktemp("readings") / "readings.sql"
    script.write_text(DDL)
    return fs.fit(dict(real), schema=fs.reflect(script), seed=5)


def _steps(frame: pd.DataFrame) -> pd.Series:
    steps: pd.Series = frame.sort_values(["device_id", "at"]).groupby("device_id")["battery"].diff().dropna().abs()
    return steps


def test_what_moves_by_less_than_a_bin_moves_as_little_as_in_real_rows(
    real: Mapping[str, pd.DataFrame], synthesizer: fs.Synthesizer
) -> None:
    ours, theirs = _steps(synthesizer.sample(seed=3).to_frames()["readings"]), _steps(real["readings"])
    assert ours.median() < 2 * theirs.median()  # four times as much where each row lies anywhere in its bin


def test_the_time_of_day_is_in_the_values_of_families_with_even_gaps(
    real: Mapping[str, pd.DataFrame], synthesizer: fs.Synthesizer
) -> None:
    def share(frame: pd.DataFrame) -> float:
        hour = frame["at"].dt.hour
        return float(frame["power"].groupby(hour).transform("mean").var() / frame["power"].var())

    made = synthesizer.sample(seed=3).to_frames()["readings"]
    gaps = made.sort_values(["device_id", "at"]).groupby("device_id")["at"].diff().dropna()
    assert (gaps == pd.Timedelta(hours=1)).all()
    assert share(made) == pytest.approx(share(real["readings"]), abs=0.1)


def test_a_model_glides_as_before_when_it_is_opened_again(synthesizer: fs.Synthesizer, tmp_path: Path) -> None:
    assert any(model.gliding is not None for model in synthesizer.models.values())
    again = fs.open_model(synthesizer.save(tmp_path / "readings.fsynth"))
    one, two = again.sample(seed=4), synthesizer.sample(seed=4, workers=2)
    assert one.arrow("readings").equals(two.arrow("readings"))


def test_far_steps_are_as_far_from_the_sibling_before() -> None:
    codes, before = np.array([90, 30, 5, 99, 7], np.int32), np.array([10, 31, 60, 20, 100], np.int32)
    found = step_classes(codes, before, 100, leaping=True)
    assert (found[[0, 2]] >= classes(100)).all()  # up and down
    assert found[1] == step_classes(codes, before, 100)[1]
    assert (found[3:] < classes(100)).all()  # the last code may be NULL, and a first row comes from nowhere
    bits = leap_bits(found, 100)
    assert (bits[[0, 2]] > 0).all()
    assert (bits[[1, 3, 4]] == 0).all()
    assert (step_feature(codes, before, 100) < STEP_CODES).all()
