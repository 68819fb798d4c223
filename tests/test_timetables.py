"""A timetable: times of day that go on past midnight, rise along each trip, and shapes that belong to one route."""

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import sibling_databases as real

import fixturesynth as fs
from fixturesynth.profiling.temporal import format_temporal, parse_temporal
from fixturesynth.sampling.references import _one_for_each

DDL = """
CREATE TABLE routes (route_id text PRIMARY KEY, name text NOT NULL);
CREATE TABLE shapes (shape_id integer PRIMARY KEY, length real NOT NULL);
CREATE TABLE trips (trip_id integer PRIMARY KEY, route_id text NOT NULL REFERENCES routes (route_id),
  shape_id integer NOT NULL REFERENCES shapes (shape_id), days text NOT NULL);
CREATE TABLE calls (trip_id integer NOT NULL REFERENCES trips (trip_id), place integer NOT NULL, arrival text,
  PRIMARY KEY (trip_id, place));
"""


def clock(seconds: np.ndarray) -> list[str]:
    return [f"{s // 3600:02d}:{s // 60 % 60:02d}:{s % 60:02d}" for s in seconds.tolist()]


@pytest.fixture(scope="module")
def timetable(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, dict[str, pd.DataFrame]]:
    rng = np.random.default_rng(5)
    routes = pd.DataFrame({"route_id": [f"R{i}" for i in range(12)], "name": [f"Line {i}" for i in range(12)]})
    shapes = pd.DataFrame({"shape_id": range(1, 61), "length": rng.gamma(4, 3, 60).round(1)})
    of_shape = rng.permutation(np.arange(60) % 12)
    shape = rng.integers(0, 60, 900)
    trips = pd.DataFrame({
        "trip_id": range(1, 901), "route_id": [f"R{i}" for i in of_shape[shape]], "shape_id": shape + 1,
        "days": rng.choice(["weekday", "saturday", "sunday"], 900, p=[0.6, 0.2, 0.2]),
    })  # fmt: skip
    calls = rng.integers(5, 25, 900)
    trip = np.repeat(np.arange(900), calls)
    place = np.arange(trip.size) - np.repeat(np.cumsum(calls) - calls, calls)
    start = rng.integers(5 * 60, 25 * 60, 900)
    steps = rng.integers(0, 5, trip.size)
    total = np.cumsum(steps)
    minutes = start[trip] + total - total[np.repeat(np.cumsum(calls) - calls, calls)]
    arrival = np.array(clock(minutes * 60), dtype=object)
    arrival[rng.random(trip.size) < 0.02] = None
    frames = {
        "routes": routes, "shapes": shapes, "trips": trips,
        "calls": pd.DataFrame({"trip_id": trip + 1, "place": place + 1, "arrival": arrival}),
    }  # fmt: skip
    return real.write(tmp_path_factory.mktemp("timetable") / "real.sqlite", DDL, frames), frames


def test_times_go_on_past_the_day() -> None:
    texts = pa.array(["23:59:10", None, "25:10:00", "00:00:01"])
    ints, unit, layout = parse_temporal(texts) or pytest.fail("no times")
    assert (ints.tolist(), unit, layout) == ([86_350, 0, 90_600, 1], "seconds", "%J:%M:%S")
    assert format_temporal(ints, unit, layout, np.array([False, True, False, False])).equals(texts)
    assert format_temporal([10**9, -5], unit, layout).to_pylist() == ["99:59:59", "00:00:00"]
    # Hours of a day stay hours of a day, and a date has no long ones.
    assert (parse_temporal(pa.array(["23:59", "00:10"])) or pytest.fail("no times"))[2] == "%H:%M"
    assert parse_temporal(pa.array(["2024-01-01 25:10:00"])) is None
    assert parse_temporal(pa.array(["25:61:00"])) is None


def test_times_rise_along_every_trip_and_each_shape_has_one_route(
    timetable: tuple[str, dict[str, pd.DataFrame]],
) -> None:
    url, frames = timetable
    model = fs.fit(url, generator="cart", seed=2)
    why = {(t.name, c.name): c.why for t in model.plan.tables for c in t.columns}
    assert why["trips", "route_id"].endswith("one for each shape_id")
    assert why["calls", "arrival"] == "learned, datetime; never falls in each trip_id"
    made = dict(model.sample(seed=3).items())
    trips, calls = made["trips"], made["calls"]
    assert trips.groupby("shape_id")["route_id"].nunique().max() == 1
    counts = trips["route_id"].value_counts().reindex(frames["routes"]["route_id"], fill_value=0)
    asked = frames["trips"]["route_id"].value_counts()
    assert np.abs(np.sort(counts) - np.sort(asked.reindex(counts.index, fill_value=0))).max() <= 20
    texts = calls["arrival"].dropna()
    assert texts.str.fullmatch(r"[0-2]\d:[0-5]\d:00").all()
    assert texts.max() > "24:00:00"
    seconds = pd.to_timedelta(calls["arrival"]).dt.total_seconds()
    ordered = calls.assign(seconds=seconds).sort_values(["trip_id", "place"]).dropna(subset=["seconds"])
    assert (ordered.groupby("trip_id")["seconds"].diff().dropna() >= 0).all()
    assert 0.5 < calls["arrival"].isna().mean() / frames["calls"]["arrival"].isna().mean() < 2
    spans = ordered.groupby("trip_id")["seconds"].agg(np.ptp).median()
    theirs = pd.to_timedelta(frames["calls"]["arrival"]).dt.total_seconds().groupby(frames["calls"]["trip_id"])
    assert spans == pytest.approx(theirs.agg(lambda s: np.ptp(s.dropna())).median(), rel=0.4)


def test_a_model_of_it_keeps_its_bytes_in_a_file_and_with_workers(
    timetable: tuple[str, dict[str, pd.DataFrame]], tmp_path: Path
) -> None:
    model = fs.fit(timetable[0], generator="cart", seed=2)
    model.save(tmp_path / "m.fsynth")
    again = fs.Synthesizer.open(tmp_path / "m.fsynth")
    one, two = model.sample(seed=4), again.sample(seed=4, workers=3)
    assert [one.content_hash(n) for n in one] == [two.content_hash(n) for n in two]


def test_families_keep_about_as_many_children_as_their_parents_take() -> None:
    rng = np.random.default_rng(0)
    deciding = rng.integers(-1, 400, 5_000)
    ranks = np.where(rng.random(5_000) < 0.1, -1, rng.integers(0, 20, 5_000))
    made = _one_for_each(ranks, deciding)
    assert (made[deciding < 0] == ranks[deciding < 0]).all()
    for family in range(400):
        assert np.unique(made[deciding == family]).size <= 1
    before, after = (np.bincount(r[r >= 0], minlength=20) for r in (ranks, made))
    assert np.abs(before - after).max() < 0.25 * before.mean()


def test_numbers_that_order_a_family_are_counted_off_in_the_order_in_which_rows_are_drawn(tmp_path: Path) -> None:
    """Points of a path: each stands near the one before it, whatever gaps their numbers have."""
    rng = np.random.default_rng(3)
    owner = np.repeat(np.arange(80), 40)
    number = np.concatenate([np.sort(rng.choice(400, 40, replace=False)) for _ in range(80)])
    walk = np.cumsum(rng.normal(0, 1, owner.size)) + 30 * rng.normal(size=80)[owner]
    frames = {
        "paths": pd.DataFrame({"id": range(80)}),
        "points": pd.DataFrame({"path_id": owner, "number": number, "x": walk.round(3)}),
    }
    ddl = """CREATE TABLE paths (id integer PRIMARY KEY);
    CREATE TABLE points (path_id integer NOT NULL REFERENCES paths (id), number integer NOT NULL, x real NOT NULL,
      PRIMARY KEY (path_id, number));"""
    made = fs.fit(real.write(tmp_path / "real.sqlite", ddl, frames), generator="cart", seed=1).sample(seed=1)["points"]
    assert (made.groupby("path_id")["number"].diff().dropna() > 0).all()
    shuffled = made.assign(number=rng.permutation(len(made))).sort_values(["path_id", "number"])
    steps, chance = (f.groupby("path_id")["x"].diff().abs().median() for f in (made, shuffled))
    assert steps < 0.6 * chance


def test_dates_that_some_rows_lack_rise_with_the_key(tmp_path: Path) -> None:
    """The dates move alone: rows that have none stay where they are."""
    rng = np.random.default_rng(4)
    day = np.sort(rng.integers(0, 900, 600)).astype("timedelta64[D]") + np.datetime64("2022-01-01")
    texts = np.where(rng.random(600) < 0.2, None, day.astype(str).astype(object))
    frames = {
        "people": pd.DataFrame({"id": range(40), "name": [f"P{i}" for i in range(40)]}),
        "log": pd.DataFrame({"id": range(600), "person_id": rng.integers(0, 40, 600), "done": texts}),
    }
    ddl = """CREATE TABLE people (id integer PRIMARY KEY, name text NOT NULL);
    CREATE TABLE log (id integer PRIMARY KEY, person_id integer NOT NULL REFERENCES people (id), done date);"""
    model = fs.fit(real.write(tmp_path / "real.sqlite", ddl, frames), generator="cart", seed=1)
    assert "never falls" in next(c.why for t in model.plan.tables for c in t.columns if c.name == "done")
    done = model.sample(seed=1)["log"].sort_values("id")["done"]
    assert 0.12 < done.isna().mean() < 0.28
    assert pd.to_datetime(done.dropna()).is_monotonic_increasing
