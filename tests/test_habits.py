"""What children of a second parent have in common: each van keeps to few towns and to a part of the year."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

import fixturesynth as fs
from fixturesynth.generators import habits, redealing
from fixturesynth.generators.encoding import decode, encode, fit_encoding
from fixturesynth.generators.encoding.grids import to_grid
from fixturesynth.generators.habits import find_habits
from fixturesynth.generators.nesting import find_nests, nested_words
from fixturesynth.generators.redealing import Leaning, redeal
from fixturesynth.planning.hanging import hanging_on_parent, may_exchange
from fixturesynth.randomness import stream, words
from fixturesynth.sampling import settling

DDL = """
CREATE TABLE days (day_id INTEGER PRIMARY KEY, at DATE NOT NULL, wind INTEGER NOT NULL);
CREATE TABLE vans (van_id INTEGER PRIMARY KEY, seats INTEGER NOT NULL, colour VARCHAR(10) NOT NULL);
CREATE TABLE trips (
    trip_id INTEGER PRIMARY KEY,
    day_id INTEGER NOT NULL REFERENCES days (day_id),
    van_id INTEGER REFERENCES vans (van_id),
    stop INTEGER NOT NULL,
    at DATE NOT NULL,
    seats INTEGER NOT NULL,
    town VARCHAR(20) NOT NULL,
    distance INTEGER NOT NULL,
    UNIQUE (day_id, van_id, stop)
);
"""
TOWNS = 12
VANS, DAYS = 240, 360


def rows_of_vans() -> dict[str, pd.DataFrame]:
    """Vans that each drive one of ten rounds of three towns out of twelve: in winter, in summer, or all year.

    Winter and summer have the same mean day: no mean tells these vans apart.
    """
    source = np.random.Generator(np.random.PCG64(4))
    rounds = np.argsort(source.random((10, TOWNS)), axis=1)[:, :3]
    favours = rounds[source.integers(0, 10, VANS)]
    season = source.integers(0, 3, VANS)
    count = source.integers(15, 60, VANS)
    van = np.repeat(np.arange(VANS), count)
    place = source.random(van.size)
    winter = np.where(place < 0.5, 120 * place, 240 + 120 * place)
    day = np.select([season[van] == 0, season[van] == 1], [winter, 120 + 120 * place], 360 * place).astype(int)
    town = favours[van, source.integers(0, 3, van.size)]
    order = np.argsort(day, kind="stable")
    van, day, town = van[order], day[order], town[order]
    dates = np.datetime64("2025-01-01") + np.arange(DAYS)
    seats = np.where(np.arange(VANS) % 3 == 0, 8, 16)
    trips = pd.DataFrame({
        "trip_id": np.arange(1, van.size + 1), "day_id": day + 1, "van_id": van + 1, "stop": np.arange(van.size),
        "at": dates[day], "seats": seats[van], "town": [f"town {t:02d}" for t in town],
        "distance": 10 * (town + 1) + source.integers(0, 8, van.size),
    })  # fmt: skip
    # Two trips of a van on a day are the first and the second.
    trips["stop"] = trips.groupby(["day_id", "van_id"]).cumcount() + 1
    trips["van_id"] = trips.van_id.astype("Int64").where(source.random(van.size) > 0.03)
    return {
        "days": pd.DataFrame({"day_id": np.arange(1, DAYS + 1), "at": dates, "wind": source.integers(0, 90, DAYS)}),
        "vans": pd.DataFrame({
            "van_id": np.arange(1, VANS + 1), "seats": seats,
            "colour": source.choice(["red", "blue", "white"], VANS),
        }),
        "trips": trips,
    }  # fmt: skip


@pytest.fixture(scope="module")
def real() -> dict[str, pd.DataFrame]:
    return rows_of_vans()


@pytest.fixture(scope="module")
def synthesizer(real: Mapping[str, pd.DataFrame], tmp_path_factory: pytest.TempPathFactory) -> fs.Synthesizer:
    script = tmp_path_factory.mktemp("vans") / "vans.sql"
    script.write_text(DDL)
    return fs.fit(dict(real), schema=fs.reflect(script), seed=5)


@pytest.fixture(scope="module")
def made(synthesizer: fs.Synthesizer) -> fs.Dataset:
    return synthesizer.sample(seed=5)


def summaries(trips: pd.DataFrame) -> dict[str, float]:
    """Of vans: how many towns they see on the average, how much of their trips goes to the three that they see most,
    and by how much they differ in the share of their trips that lies in winter."""
    named = trips.dropna(subset="van_id")
    towns = named.groupby("van_id").town
    most = towns.value_counts(normalize=True).groupby("van_id").head(3).groupby("van_id").sum()
    day = pd.to_datetime(named["at"]).dt.dayofyear
    winter = ((day <= 60) | (day > 300)).groupby(named.van_id).mean()
    return {"towns": towns.nunique().mean(), "most": most.mean(), "winter": winter.std()}


def test_vans_are_second_parents(synthesizer: fs.Synthesizer) -> None:
    """Else nothing below is about them."""
    trips = synthesizer.plan["trips"]
    assert {r.parent: r.how for r in trips.references} == {"days": "context", "vans": "matched"}


def test_parents_keep_their_habits(
    real: Mapping[str, pd.DataFrame], synthesizer: fs.Synthesizer, made: fs.Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    there, here = summaries(real["trips"]), summaries(made["trips"])
    monkeypatch.setattr(settling, "deal_by_habits", lambda assembly, columns: columns)
    before = summaries(synthesizer.sample(seed=5)["trips"])
    off = {name: abs(here[name] - there[name]) / abs(before[name] - there[name]) for name in there}
    assert off["towns"] < 0.75
    assert off["most"] < 0.5
    assert off["winter"] < 0.5


def test_every_parent_keeps_its_number_of_children(
    synthesizer: fs.Synthesizer, made: fs.Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settling, "deal_by_habits", lambda assembly, columns: columns)
    before = synthesizer.sample(seed=5)["trips"]
    after = made["trips"]
    assert after.van_id.value_counts().to_dict() == before.van_id.value_counts().to_dict()
    assert (after.van_id.isna() == before.van_id.isna()).all()
    assert after[["town", "day_id"]].equals(before[["town", "day_id"]])


def test_keys_and_copies_of_the_parent_hold(made: fs.Dataset) -> None:
    trips = made["trips"]
    named = trips.dropna(subset="van_id")
    assert not named.duplicated(["day_id", "van_id", "stop"]).any()
    vans = made["vans"].set_index("van_id").seats
    assert (named.seats.to_numpy() == vans.loc[named.van_id.astype(int)].to_numpy()).all()


def test_workers_and_a_saved_model_change_no_byte(
    synthesizer: fs.Synthesizer, made: fs.Dataset, tmp_path: Path
) -> None:
    kept = synthesizer.save(tmp_path / "vans.fsynth")
    again = fs.Synthesizer.open(kept).sample(seed=5, workers=2)
    assert {n: again.content_hash(n) for n in again} == {n: made.content_hash(n) for n in made}


def test_what_follows_from_the_parent_is_no_habit(synthesizer: fs.Synthesizer) -> None:
    plan, table = synthesizer.plan["trips"], synthesizer.schema["trips"]
    key = next(fk.name for fk in table.foreign_keys if fk.columns == ("van_id",))
    assert may_exchange(plan, key)
    assert hanging_on_parent(plan, table, key) == {"van_id", "seats"}
    found = {h.column for h in synthesizer.models["vans"].habits[f"trips.{key}"]}
    assert {"town", "at"} <= found
    assert not found & {"van_id", "seats", "trip_id", "day_id"}


# -- dealing ----------------------------------------------------------------------------------------------------------
def test_children_change_parents_inside_of_blocks_alone() -> None:
    source = np.random.Generator(np.random.PCG64(1))
    owner, blocks = source.integers(0, 30, 2_000), np.arange(30) // 7
    leaning = Leaning(np.arange(30) % 4, source.integers(-300, 300, (4, 5)), source.integers(0, 5, 2_000))
    out = owner
    for turn in range(8):
        out = redeal(out, blocks, [leaning], turn, 3)
    assert (np.bincount(out, minlength=30) == np.bincount(owner, minlength=30)).all()
    assert (blocks[out] == blocks[owner]).all()
    assert (out != owner).mean() > 0.5
    assert leaning.worth(out) > leaning.worth(owner)


def test_without_leanings_children_are_dealt_by_chance() -> None:
    owner = np.repeat(np.arange(2), [3_000, 1_000])
    out = redeal(owner, np.zeros(2, dtype=np.int64), [], 0, 3)
    assert abs((out[:3_000] == 0).mean() - 0.75) < 0.03


def test_chance_is_rounded_alike_everywhere() -> None:
    """Logarithms of two machines differ in their last bits: none may lie where these decide."""
    middle = np.arange(redealing.STEPS) + 0.5
    exact = redealing.UNIT * np.log(middle / (redealing.STEPS - middle))
    assert np.abs(np.abs(exact - np.floor(exact)) - 0.5).min() > 1e-6


# -- learning ---------------------------------------------------------------------------------------------------------
def test_kinds_stand_on_several_parents_and_entities() -> None:
    source = np.random.Generator(np.random.PCG64(2))
    parents, each = 300, 30
    owner = np.repeat(np.arange(parents), each)
    level = source.integers(0, 40, parents)
    values = pa.array(level[owner] * 10 + source.integers(0, 10, owner.size))
    entities = np.arange(parents) // 20
    found = find_habits(
        [("level", values)], owner, np.zeros(parents, dtype=np.int64), None, entities, 5, 1, "children"
    )  # fmt: skip
    assert [h.column for h, _ in found] == ["level"]
    habit, kinds = found[0]
    assert habit.scores.shape[0] == kinds.max() + 2
    for kind in np.unique(kinds):
        assert (kinds == kind).sum() >= habits.LEAST_PARENTS
        assert np.unique(entities[kinds == kind]).size >= 5


def test_strangers_have_no_habits() -> None:
    source = np.random.Generator(np.random.PCG64(3))
    owner = np.repeat(np.arange(200), 20)
    values = pa.array(source.integers(0, 50, owner.size))
    blocks, entities = np.zeros(200, dtype=np.int64), np.arange(200)
    assert find_habits([("x", values)], owner, blocks, None, entities, 5, 1, "children") == []


# -- numbers that belong to a category --------------------------------------------------------------------------------
def test_numbers_come_with_the_category_that_has_them() -> None:
    """Odd numbers belong to one line, even ones to the other: no bin says so."""
    source = np.random.Generator(np.random.PCG64(5))
    n = 20_000
    line = source.integers(0, 2, n).astype(np.int32)
    number = 2 * source.integers(0, 400, n) + line
    values = pa.array(number)
    encoding = fit_encoding(values, "numeric", protection=5, max_codes=40)
    codes = encode(encoding, values)
    chance = source.integers(0, 5, n).astype(np.int32)
    nests = find_nests(
        *to_grid(values, encoding.facts), codes, encoding, {"line": (line, 2), "chance": (chance, 5)}, np.arange(n), 5
    )  # fmt: skip
    assert [nest.beside for nest in nests] == [("line",)]
    raw = words(stream(1, "test"), n)
    known, nested = nested_words(nests[0], encoding, codes, {"line": line}, raw)
    drawn = np.asarray(decode(encoding, codes, np.where(known, nested, raw)))
    assert (encode(encoding, pa.array(drawn)) == codes).all()
    assert (drawn % 2 == line).mean() > 0.98
    assert (np.asarray(decode(encoding, codes, raw)) % 2 == line).mean() < 0.6


def test_a_wide_bin_belongs_to_categories_though_the_others_do_not() -> None:
    """One row in twenty has a large number, each line those around one of its own: the last bin holds all of them."""
    source = np.random.Generator(np.random.PCG64(8))
    n = 40_000
    line = source.integers(0, 8, n).astype(np.int32)
    large = source.random(n) < 0.05
    number = np.where(large, 10_000 * (1 + line) + source.integers(0, 50, n), source.integers(0, 5_000, n))
    values = pa.array(number.astype(np.int64))
    encoding = fit_encoding(values, "numeric", protection=5, max_codes=40)
    codes = encode(encoding, values)
    nests = find_nests(*to_grid(values, encoding.facts), codes, encoding, {"line": (line, 8)}, np.arange(n), 5)
    assert [nest.beside for nest in nests] == [("line",)]
    raw = words(stream(2, "test"), n)
    known, nested = nested_words(nests[0], encoding, codes, {"line": line}, raw)
    assert not known[number < 4_000].any()
    drawn = np.asarray(decode(encoding, codes, np.where(known, nested, raw)))
    assert (drawn[large] // 10_000 == 1 + line[large]).mean() > 0.95
    assert (np.asarray(decode(encoding, codes, raw))[large] // 10_000 == 1 + line[large]).mean() < 0.6


def test_what_few_entities_have_is_not_told() -> None:
    source = np.random.Generator(np.random.PCG64(6))
    n = 4_000
    line = source.integers(0, 2, n).astype(np.int32)
    values = pa.array(2 * source.integers(0, 100, n) + line)
    encoding = fit_encoding(values, "numeric", protection=1, max_codes=10)
    codes = encode(encoding, values)
    grid = to_grid(values, encoding.facts)
    categories = {"line": (line, 2)}
    assert find_nests(*grid, codes, encoding, categories, np.arange(n), 5)
    assert find_nests(*grid, codes, encoding, categories, np.arange(n) % 4, 5) == ()
