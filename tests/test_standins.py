"""Dates that stand for "none", such as 9999-12-31, are no moments: durations and orders are learned without them."""

from __future__ import annotations

import datetime as dt
import sqlite3
from contextlib import closing
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

import fixturesynth as fs
from fixturesynth.evaluation.drifting import drift
from fixturesynth.profiling.standins import stand_in

DDL = """
CREATE TABLE customer (id INTEGER PRIMARY KEY, segment TEXT NOT NULL);
CREATE TABLE contract (
    id INTEGER PRIMARY KEY,
    customer_id INTEGER NOT NULL REFERENCES customer (id),
    starts DATE NOT NULL,
    ends DATE NOT NULL CHECK (ends > starts),
    kind TEXT NOT NULL,
    created DATETIME NOT NULL,
    seen DATETIME NOT NULL
);
"""
OPEN, NEVER = "9999-12-31", "1970-01-01 00:00:00"
TERMS = (30, 90, 365, 730)


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("standins") / "contracts.sqlite"
    source = np.random.Generator(np.random.PCG64(11))
    rows = []
    for i in range(900):
        starts = dt.date(2014, 1, 1) + dt.timedelta(days=int(source.integers(3_000)))
        kind = str(source.choice(["basic", "plus", "pro"]))
        runs = source.random() < (0.7 if kind == "pro" else 0.2)
        ends = OPEN if runs else (starts + dt.timedelta(days=int(source.choice(TERMS)))).isoformat()
        created = dt.datetime(starts.year, starts.month, starts.day) + dt.timedelta(
            seconds=int(source.integers(86_400))
        )
        seen = created + dt.timedelta(seconds=int(source.exponential(40 * 86_400)) + 1)
        rows.append((
            i + 1, 1 + i // 3, starts.isoformat(), ends, kind, str(created),
            NEVER if source.random() < 0.25 else str(seen),
        ))  # fmt: skip
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(DDL)
        segments = [(i + 1, ("retail", "corporate")[i % 2]) for i in range(300)]
        connection.executemany("INSERT INTO customer VALUES (?, ?)", segments)
        connection.executemany("INSERT INTO contract VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
        connection.commit()
    return path


@pytest.fixture(scope="module")
def model(database: Path) -> fs.Synthesizer:
    return fs.fit(f"sqlite:///{database}", seed=1, generator="cart")


@pytest.fixture(scope="module")
def made(model: fs.Synthesizer) -> pd.DataFrame:
    return texts(model.sample(seed=2))


def texts(made: fs.Dataset) -> pd.DataFrame:
    """Contracts, dates as they are written."""
    return pd.DataFrame([{n: str(v) for n, v in row.items()} for row in made.arrow("contract").to_pylist()])


def test_what_ends_runs_as_long_as_contracts_do(made: pd.DataFrame) -> None:
    ended = made[made["ends"] != OPEN]
    days = (pd.to_datetime(ended["ends"]) - pd.to_datetime(ended["starts"])).dt.days
    assert days.isin(TERMS).mean() > 0.97


def test_as_many_have_no_end_and_of_the_same_kinds(database: Path, made: pd.DataFrame) -> None:
    with closing(sqlite3.connect(database)) as connection:
        real = pd.read_sql("SELECT kind, ends FROM contract", connection)
    expected = (real["ends"] == OPEN).groupby(real["kind"]).mean().to_dict()
    assert (made["ends"] == OPEN).groupby(made["kind"]).mean().to_dict() == pytest.approx(expected, abs=0.07)


def test_who_was_seen_was_seen_after_the_row_was_made(made: pd.DataFrame) -> None:
    never = made["seen"] == NEVER
    assert never.mean() == pytest.approx(0.25, abs=0.05)
    assert (made["seen"] > made["created"])[~never].all()


def test_the_columns_stay_what_was_declared(model: fs.Synthesizer, made: pd.DataFrame, tmp_path: Path) -> None:
    assert not model.schema["contract"].column("ends").nullable
    assert not made[["ends", "seen"]].isna().any().any()
    again = fs.open_model(model.save(tmp_path / "contracts.fsynth"))
    assert again.schema == model.schema
    assert again.sample(seed=4).arrow("contract").equals(model.sample(seed=4).arrow("contract"))
    fs.load(again.sample(seed=4), f"sqlite:///{tmp_path / 'filled.sqlite'}", schema=again.schema)
    with closing(sqlite3.connect(tmp_path / "filled.sqlite")) as connection:
        required = {row[1]: row[3] for row in connection.execute("PRAGMA table_info(contract)")}
        assert required["ends"] and required["seen"]
        assert connection.execute("SELECT count(*) FROM contract WHERE ends <= starts").fetchone() == (0,)


def test_a_stand_in_can_be_asked_for(model: fs.Synthesizer) -> None:
    made = texts(model.sample(seed=2, given={"contract": {"ends": OPEN}}))
    assert set(made["ends"]) == {OPEN}
    assert (made["kind"] == "pro").mean() > 0.5  # of those that have no end


def test_rows_it_was_learned_from_have_not_drifted(database: Path, model: fs.Synthesizer) -> None:
    assert not [m for m in drift(model, f"sqlite:///{database}").moved if "hash" not in m.what]


@pytest.mark.parametrize(
    ("kind", "last"),
    [
        (pa.date32(), dt.date(9999, 12, 31)),
        (pa.timestamp("us"), dt.datetime(9999, 12, 31, 23, 59, 59)),
        (pa.timestamp("us", "UTC"), dt.datetime(9999, 12, 31, tzinfo=dt.UTC)),
    ],
)
def test_dates_that_are_typed_stay_so(kind: pa.DataType, last: dt.date) -> None:
    source = np.random.Generator(np.random.PCG64(5))
    rows = {"id": [], "starts": [], "ends": []}  # type: ignore[var-annotated]
    for i in range(400):
        starts = type(last)(2020, 1, 1, **({"tzinfo": dt.UTC} if getattr(last, "tzinfo", None) else {}))
        starts += dt.timedelta(days=int(source.integers(900)))
        rows["id"].append(i + 1)
        rows["starts"].append(starts)
        rows["ends"].append(last if source.random() < 0.4 else starts + dt.timedelta(days=int(source.choice(TERMS))))
    table = pa.table({
        "id": pa.array(rows["id"]), "starts": pa.array(rows["starts"], kind), "ends": pa.array(rows["ends"], kind),
    })  # fmt: skip
    made = fs.fit(fs.Dataset({"t": table}), seed=1, generator="cart").sample(seed=2).arrow("t")
    assert made.column("ends").type == kind
    assert not made.column("ends").null_count
    ends, starts = made.column("ends").to_pylist(), made.column("starts").to_pylist()
    assert ends.count(last) / len(ends) == pytest.approx(0.4, abs=0.07)
    lengths = [(e - s).days in TERMS for e, s in zip(ends, starts, strict=True) if e != last]
    assert np.mean(lengths) > 0.95


def days(first: str, count: int, step: int = 7) -> list[str]:
    return [(dt.date.fromisoformat(first) + dt.timedelta(days=step * i)).isoformat() for i in range(count)]


@pytest.mark.parametrize(
    "values",
    [
        pytest.param([*days("2020-01-01", 200), *[None] * 3, *["9999-12-31"] * 20], id="NULL says it already"),
        pytest.param([*days("2020-01-01", 200), "9999-12-31"], id="one row is not many"),
        pytest.param([*days("1970-01-08", 200), *["1970-01-01"] * 20], id="a day like the others"),
        pytest.param([*days("2020-01-01", 200), *["2024-12-31"] * 40], id="the last day of all"),
        pytest.param([*days("2020-01-01", 200), *["2190-05-17"] * 20], id="no round day"),
        pytest.param([*["9999-12-31"] * 200, *days("2020-01-01", 20)], id="too few others"),
        pytest.param([*days("2020-01-01", 100), *days("2090-01-01", 100, 1), *["2099-12-31"] * 2], id="not far"),
    ],
)
def test_other_dates_are_moments(values: list[str | None]) -> None:
    assert stand_in(pa.chunked_array([pa.array(values)]), 5) is None


def test_first_and_last_days_of_far_years_stand_for_none_as_well() -> None:
    for day in ("2200-01-01", "2499-12-31", "1800-01-01"):
        known = stand_in(pa.chunked_array([pa.array([*days("2020-01-01", 200), *[day] * 20])]), 5)
        assert known is not None
        assert known[1:] == (day, 20)


def test_histories_whose_last_span_has_no_end_keep_their_share(tmp_path: Path) -> None:
    """The same with NULL as with a date: rows that are not the last say nothing of how the last one ends."""
    source = np.random.Generator(np.random.PCG64(2))
    people, spans = [], []
    for i in range(500):
        people.append((i + 1,))
        at = dt.date(2010, 1, 1) + dt.timedelta(days=int(source.integers(1_000)))
        for k in range(many := int(source.integers(1, 6))):
            then = at + dt.timedelta(days=int(source.integers(100, 500)))
            gone = k + 1 == many and source.random() < 0.75
            spans.append((i + 1, at.isoformat(), None if gone else then.isoformat(), int(source.integers(40, 90))))
            at = then
    path = tmp_path / "spans.sqlite"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(
            "CREATE TABLE person (id INTEGER PRIMARY KEY);"
            "CREATE TABLE salary (person_id INTEGER NOT NULL REFERENCES person (id), since DATE NOT NULL, until DATE,"
            " amount INTEGER NOT NULL, PRIMARY KEY (person_id, since));"
        )
        connection.executemany("INSERT INTO person VALUES (?)", people)
        connection.executemany("INSERT INTO salary VALUES (?, ?, ?, ?)", spans)
        connection.commit()
    shares = []
    fitted = fs.fit(f"sqlite:///{path}", seed=1, generator="cart")
    for seed in range(3):
        made = fitted.sample(seed=seed)["salary"].sort_values(["person_id", "since"])
        last = made["person_id"] != made["person_id"].shift(-1)
        assert not made["until"].isna()[~last].any()
        shares.append(made["until"].isna()[last].mean())
    assert np.mean(shares) == pytest.approx(0.75, abs=0.03)
