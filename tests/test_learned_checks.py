"""Learned tables keep every check of the schema, whatever habits the rows have."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

import fixturesynth as fs
from fixturesynth.planning.plan import Derived

STAFF = """
CREATE TABLE staff (
    id INTEGER PRIMARY KEY,
    first_name TEXT NOT NULL,
    last_name TEXT NOT NULL,
    email TEXT NOT NULL CHECK (email LIKE '%@corp.com'),
    kind TEXT NOT NULL CHECK (kind IN ('hourly', 'salaried')),
    wage REAL, salary REAL,
    badge TEXT NOT NULL CHECK (length(badge) BETWEEN 6 AND 8 AND badge GLOB 'B-*'),
    nick TEXT CHECK (nick = lower(nick) AND length(nick) >= 3),
    joined DATE NOT NULL, left DATE,
    hours INTEGER NOT NULL, overtime INTEGER NOT NULL,
    CHECK ((kind = 'hourly' AND wage IS NOT NULL AND salary IS NULL)
        OR (kind = 'salaried' AND wage IS NULL AND salary > 20000)),
    CHECK (left IS NULL OR left > joined),
    CHECK (hours + overtime <= 60)
);
"""


@pytest.fixture
def staff(tmp_path: Path) -> str:
    random = np.random.default_rng(5)
    path = tmp_path / "staff.sqlite"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.executescript(STAFF)
        for i in range(400):
            first, last = random.choice(["Ann", "Bob", "Cid", "Eve"]), random.choice(["Lee", "Kim", "Poe"])
            hourly = bool(random.random() < 0.4)
            hours = int(random.integers(10, 50))
            connection.execute(
                f"INSERT INTO staff VALUES ({', '.join('?' * 13)})",
                (
                    i, first, last, f"{first}.{last}{i}@corp.com".lower(), "hourly" if hourly else "salaried",
                    round(float(random.uniform(9, 40)), 2) if hourly else None,
                    None if hourly else float(random.integers(20_001, 90_000)),
                    f"B-{random.integers(1000, 999_999)}", f"{last.lower()}{i % 50}" if i % 3 else None,
                    f"20{10 + i % 10}-0{1 + i % 9}-11", f"202{i % 5}-11-1{i % 9}" if i % 4 == 0 else None,
                    hours, int(random.integers(0, 61 - hours)),
                ),
            )  # fmt: skip
    return f"sqlite:///{path}"


@pytest.mark.parametrize("generator", ["cart", "independent"])
def test_every_check_holds_in_rows_that_were_learned(staff: str, tmp_path: Path, generator: str) -> None:
    synthesizer = fs.fit(staff, generator=generator, seed=3)
    data = synthesizer.sample(rows={"staff": 3000}, seed=4)
    target = tmp_path / "new.sqlite"
    fs.load(data, f"sqlite:///{target}")
    with closing(sqlite3.connect(target)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]  # checks among them
        assert connection.execute("SELECT count(*) FROM staff WHERE email LIKE '%@corp.com'").fetchone() == (3000,)
        assert connection.execute("SELECT count(DISTINCT kind) FROM staff").fetchone() == (2,)
    rows = data["staff"]
    assert ((rows["kind"] == "hourly") == rows["wage"].notna()).all()


FINALS = """
CREATE TABLE clubs (year INTEGER NOT NULL, club TEXT NOT NULL, points INTEGER NOT NULL, PRIMARY KEY (year, club));
CREATE TABLE finals (
    year INTEGER NOT NULL, cup TEXT NOT NULL, winner TEXT NOT NULL, loser TEXT NOT NULL, goals INTEGER NOT NULL,
    PRIMARY KEY (year, cup), FOREIGN KEY (year, winner) REFERENCES clubs (year, club),
    FOREIGN KEY (year, loser) REFERENCES clubs (year, club), CHECK (winner <> loser)
);
"""


@pytest.mark.parametrize("seed", range(3))
def test_two_partners_of_a_year_differ_where_the_row_has_nobody_to_swap_with(tmp_path: Path, seed: int) -> None:
    """Both references share the year: a year's only final takes another club of that year."""
    random, path = np.random.default_rng(6), tmp_path / "finals.sqlite"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.executescript(FINALS)
        for year in range(1900, 1980):
            clubs = [f"C{i:02}" for i in random.choice(30, 4, replace=False)]
            connection.executemany(
                "INSERT INTO clubs VALUES (?, ?, ?)", [(year, c, int(random.integers(90))) for c in clubs]
            )
            for cup in ("League", "Cup")[: 1 + year % 2]:
                pair = random.choice(clubs, 2, replace=False).tolist()
                connection.execute("INSERT INTO finals VALUES (?, ?, ?, ?, ?)", (year, cup, *pair, year % 7))
    target = f"sqlite:///{tmp_path / 'made.sqlite'}"
    synthesizer = fs.fit(f"sqlite:///{path}", seed=seed)
    fs.load(synthesizer.sample(seed=seed), target, schema=synthesizer.schema)
    with closing(sqlite3.connect(tmp_path / "made.sqlite")) as connection:
        assert connection.execute("SELECT count(*) FROM finals WHERE winner <> loser").fetchone() == (120,)


@pytest.mark.parametrize("scale", [0.5, 1.0, 3.0])
def test_a_check_on_what_is_computed_holds(tmp_path: Path, scale: float) -> None:
    """A sum and a product of learned columns, which a check bounds by the least and the largest that there were."""
    path = tmp_path / "kicks.sqlite"
    source = np.random.Generator(np.random.PCG64(12))
    rows = []
    for i in range(60):
        tried, share, blocked = int(source.integers(20, 300)), float(source.uniform(0.2, 1)), int(source.integers(0, 9))
        rows.append((i, tried, round(share, 3), round(tried * round(share, 3)), blocked, tried + blocked))
    most, least, largest = max(r[3] for r in rows), min(r[5] for r in rows), max(r[5] for r in rows)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(
            "CREATE TABLE kicks (id INTEGER PRIMARY KEY, tried INTEGER NOT NULL, share REAL NOT NULL, made INTEGER NOT "
            f"NULL CHECK (made <= {most * 3 // 4}), blocked INTEGER NOT NULL, faced INTEGER NOT NULL CHECK (faced "
            f"BETWEEN {least} AND {largest}))"
        )
        connection.executemany(
            "INSERT INTO kicks VALUES (?, ?, ?, ?, ?, ?)", [r for r in rows if r[3] <= most * 3 // 4]
        )
        connection.commit()
    url = f"sqlite:///{path}"
    model = fs.fit(url, seed=1)
    sources = {c.name for c in model.plan["kicks"].columns if isinstance(c.source, Derived)}
    assert {"made", "faced"} <= sources
    for seed in range(4):
        made = model.sample(seed=seed, scale=scale)
        fs.load(made, f"sqlite:///{tmp_path}/{scale}{seed}.sqlite", schema=fs.reflect(url))
        for row in made.arrow("kicks").to_pylist():
            assert row["faced"] == row["tried"] + row["blocked"]
            assert row["made"] == pytest.approx(row["tried"] * row["share"], abs=0.51)


GROUPS = ("control", "diet", "exercise", "diet and exercise")


def _groups(path: Path, *, checked_there: bool) -> str:
    """Persons in groups, of which a check on the reference, or on the key itself, lists all; visits by week."""
    source = np.random.Generator(np.random.PCG64(13))
    listed = "CHECK ({} IN ('" + "', '".join(GROUPS) + "'))"
    there, here = (listed.format("name"), "") if checked_there else ("", listed.format("treated"))
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(f"""
            CREATE TABLE treatments (name TEXT PRIMARY KEY NOT NULL {there}, cost INTEGER NOT NULL);
            CREATE TABLE weeks (week INTEGER PRIMARY KEY, clinic TEXT NOT NULL);
            CREATE TABLE persons (
                id INTEGER PRIMARY KEY, treated TEXT NOT NULL REFERENCES treatments {here},
                week INTEGER NOT NULL REFERENCES weeks CHECK (week BETWEEN 3 AND 30), weight REAL NOT NULL);
        """)
        connection.executemany(
            "INSERT INTO treatments VALUES (?, ?)", [(g, 100 + 50 * i) for i, g in enumerate(GROUPS)]
        )
        connection.executemany("INSERT INTO weeks VALUES (?, ?)", [(w, "ABC"[w % 3]) for w in range(3, 31)])
        rows = [(i, GROUPS[source.integers(4)], int(source.integers(3, 31)), source.normal(70, 9)) for i in range(300)]
        connection.executemany("INSERT INTO persons VALUES (?, ?, ?, ?)", rows)
        connection.commit()
    return f"sqlite:///{path}"


@pytest.mark.parametrize("checked_there", [True, False])
def test_keys_keep_to_what_checks_leave_of_references(tmp_path: Path, checked_there: bool) -> None:
    url = _groups(tmp_path / "trial.sqlite", checked_there=checked_there)
    model = fs.fit(url, seed=1)
    for seed, scale in ((1, 1.0), (2, 2.0), (3, 0.5)):
        made = model.sample(seed=seed, scale=scale)
        fs.load(made, f"sqlite:///{tmp_path}/{seed}.sqlite", schema=fs.reflect(url))
        assert {r["treated"] for r in made.arrow("persons").to_pylist()} <= set(GROUPS)
        assert {r["name"] for r in made.arrow("treatments").to_pylist()} <= set(GROUPS)
        assert made.arrow("persons").num_rows == 300 * scale
