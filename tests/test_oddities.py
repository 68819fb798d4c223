"""'' and '0000-00-00' among dates, 'N/A' among numbers: SQLite keeps them, and the others are dates all the same."""

from __future__ import annotations

import datetime as dt
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

import fixturesynth as fs
from fixturesynth.evaluation.drifting import drift
from fixturesynth.sampling.nulls import among_nulls

DDL = """
CREATE TABLE people (
    id INTEGER PRIMARY KEY,
    born DATE NOT NULL,
    seen DATETIME,
    score INTEGER,
    paid DECIMAL(8, 2),
    note TEXT
);
"""
ROWS = 600


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("odd") / "people.sqlite"
    source = np.random.Generator(np.random.PCG64(3))

    def rows() -> Iterator[tuple[object, ...]]:
        for i in range(ROWS):
            born = dt.date(1950, 1, 1) + dt.timedelta(days=int(source.integers(20_000)))
            seen = dt.datetime(2020, 1, 1) + dt.timedelta(seconds=int(source.integers(10**8)))
            odd = source.random(4)
            yield (
                i + 1,
                "0000-00-00" if odd[0] < 0.05 else born.isoformat(),
                ("" if odd[1] < 0.1 else None) if odd[1] < 0.2 else seen.isoformat(sep=" "),
                "N/A" if odd[2] < 0.1 else ("once" if i == 7 else int(source.integers(30, 60))),
                "-" if odd[3] < 0.05 else round(float(source.random()) * 100, 2),
                "n/a" if odd[0] < 0.5 else "seen",
            )

    with closing(sqlite3.connect(path)) as connection:
        connection.execute(DDL)
        connection.executemany("INSERT INTO people VALUES (?, ?, ?, ?, ?, ?)", rows())
        connection.commit()
    return path


@pytest.fixture(scope="module")
def model(database: Path) -> fs.Synthesizer:
    return fs.fit(f"sqlite:///{database}", seed=1)


def counted(path: Path, column: str) -> dict[object, int]:
    """How often each text that is no date and no number comes, and NULL."""
    with closing(sqlite3.connect(path)) as connection:
        found = connection.execute(
            f"SELECT {column}, count(*) FROM people WHERE {column} IS NULL OR {column} IN ('', '0000-00-00')"
            f" OR {column} GLOB '*[a-zA-Z]*' OR {column} = '-' GROUP BY 1"
        )
        return dict(found.fetchall())


@pytest.fixture(scope="module")
def made(database: Path, model: fs.Synthesizer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("made") / "made.sqlite"
    fs.load(model.sample(seed=2), f"sqlite:///{path}", schema=fs.reflect(f"sqlite:///{database}"))
    return path


@pytest.mark.parametrize("column", ["born", "seen", "paid"])
def test_odd_texts_come_as_often_as_they_were_there(database: Path, made: Path, column: str) -> None:
    ours, theirs = counted(made, column), counted(database, column)
    assert ours.keys() == theirs.keys()
    assert all(abs(ours[text] - theirs[text]) <= 12 for text in theirs)


def test_what_one_row_has_is_nobody_elses(database: Path, made: Path) -> None:
    assert counted(database, "score")["once"] == 1
    ours = counted(made, "score")
    assert set(ours) == {"N/A"}
    assert abs(ours["N/A"] - counted(database, "score")["N/A"] - 1) <= 12


def test_all_else_are_dates_and_numbers(made: Path) -> None:
    with closing(sqlite3.connect(made)) as connection:
        rows = connection.execute("SELECT born, seen, score, paid, typeof(score), typeof(paid) FROM people").fetchall()
    for born, seen, score, paid, score_type, paid_type in rows:
        assert born == "0000-00-00" or dt.date(1949, 1, 1) < dt.date.fromisoformat(born) < dt.date(2006, 1, 1)
        assert not seen or dt.datetime.fromisoformat(seen).year in range(2019, 2025)
        assert score == "N/A" or (score_type == "integer" and 30 <= score < 60)
        assert paid == "-" or (paid_type in ("real", "integer") and 0 <= paid <= 100)


def test_the_model_is_the_same_when_it_is_opened_again(model: fs.Synthesizer, tmp_path: Path) -> None:
    again = fs.open_model(model.save(tmp_path / "people.fsynth"))
    assert again.sample(seed=4).arrow("people").equals(model.sample(seed=4).arrow("people"))


def test_the_rows_it_was_learned_from_have_not_drifted(database: Path, model: fs.Synthesizer) -> None:
    report = drift(model, f"sqlite:///{database}")
    assert not [m for m in report.moved if "hash" not in m.what]


def test_a_slip_or_two_do_not_make_dates_of_any_digits(tmp_path: Path) -> None:
    path = tmp_path / "slips.sqlite"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, day DATE NOT NULL)")
        days = [(dt.date(2020, 1, 1) + dt.timedelta(days=7 * i % 1000)).isoformat() for i in range(200)]
        connection.executemany("INSERT INTO t (day) VALUES (?)", [(d,) for d in [*days, "2020-02-31", "soon"]])
        connection.commit()
    made = fs.fit(f"sqlite:///{path}", seed=1).sample(seed=2)["t"]["day"]
    assert {dt.date.fromisoformat(str(d)).year for d in made} == {2020, 2021, 2022}


def test_neither_nan_nor_infinity_is_a_number(tmp_path: Path) -> None:
    path = tmp_path / "rates.sqlite"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, rate DECIMAL(8, 2), many INTEGER)")
        odd = ["NaN"] * 9 + ["inf"] * 7
        rates = [*odd, *(f"{i / 7:.2f}" for i in range(200))]
        many = ["1_0"] * 8 + ["9" * 30, *range(len(rates) - 9)]
        connection.executemany("INSERT INTO t (rate, many) VALUES (?, ?)", zip(rates, map(str, many), strict=True))
        connection.commit()
    made = fs.fit(f"sqlite:///{path}", seed=1).sample(seed=2)["t"]
    counts = made["rate"].astype(str).value_counts()
    assert (counts["NaN"], counts["inf"]) == pytest.approx((9, 7), abs=4)
    assert all(-1 <= float(r) <= 30 for r in made["rate"] if r not in ("NaN", "inf"))  # protected ends reach that far
    assert "1_0" in set(made["many"])


def test_nulls_share_out_what_stands_for_unknown() -> None:
    values = pa.array([1, None, None, None, None, 2])
    made = among_nulls(values, [("", 1), ("n/a", 2), (None, 1)], 1, "t", "c").to_pylist()
    assert made[0] == "1"
    assert made[-1] == "2"
    assert sorted(made[1:-1], key=str) == ["", None, "n/a", "n/a"]
