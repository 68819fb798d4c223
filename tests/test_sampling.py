"""Whole tables: what the schema demands holds in every row, and what was asked for comes out."""

from __future__ import annotations

import sqlite3
from collections import Counter
from contextlib import closing
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from fixturesynth.arrays import combined
from fixturesynth.dataset import Dataset
from fixturesynth.errors import CapacityError, InputError
from fixturesynth.generators.keys import locate
from fixturesynth.planning.planner import Wishes
from fixturesynth.planning.rows import RowsAsked
from fixturesynth.schema.model import Schema
from fixturesynth.schema.predicates import evaluate
from fixturesynth.schema.reflection import reflect
from fixturesynth.synthesizer import Synthesizer, fit, plan_rules

SCHEMAS = Path(__file__).resolve().parent.parent / "schemas"
SCRIPTS = ("shop", "bank", "clinic", "saas")


def violations(data: Dataset, schema: Schema) -> list[str]:
    """Keys, references, nulls and checks that some row breaks; an oracle apart from the code that makes the rows."""
    found = []
    for table in schema:
        rows = data.arrow(table.name)
        for column in table.columns:
            if not column.nullable and column.name in rows.column_names and rows.column(column.name).null_count:
                found.append(f"{table.name}.{column.name} is null")
        for key in table.keys:
            if set(key) <= set(rows.column_names):
                whole = pa.table({c: rows.column(c) for c in key}).drop_null()
                if whole.group_by(list(key)).aggregate([]).num_rows != whole.num_rows:
                    found.append(f"{table.name}: {key} is not unique")
        for fk in table.foreign_keys:
            own = [combined(rows.column(c)) for c in fk.columns]
            theirs = [combined(data.arrow(fk.parent).column(c)) for c in fk.parent_columns]
            set_ = np.logical_and.reduce([np.asarray(c.is_valid()) for c in own])
            if (locate(own, theirs)[set_] < 0).any():
                found.append(f"{table.name}.{fk.name} dangles")
        for check in table.checks:
            if not evaluate(check.text, rows, schema.dialect).all():
                found.append(f"{table.name}: {check.name}")
    return found


@pytest.mark.parametrize("script", SCRIPTS)
@pytest.mark.parametrize("seed", [1, 2])
def test_everything_that_is_declared_holds(script: str, seed: int) -> None:
    schema = reflect(SCHEMAS / f"{script}.sql")
    assert violations(plan_rules(schema).sample(seed=seed), schema) == []


@pytest.mark.parametrize("rows", [0, 1, 2])
def test_hardly_any_rows(rows: int) -> None:
    schema = reflect(SCHEMAS / "shop.sql")
    data = plan_rules(schema, wishes=Wishes(rows=RowsAsked({}, rows))).sample(seed=1)
    assert violations(data, schema) == []
    assert max(data.rows.values()) <= max(rows, 1)


@pytest.fixture(scope="module")
def learned(tmp_path_factory: pytest.TempPathFactory) -> Synthesizer:
    path = tmp_path_factory.mktemp("sampling") / "rows.sqlite"
    connection = sqlite3.connect(path)
    connection.executescript("""
        CREATE TABLE makers (id INTEGER PRIMARY KEY, country TEXT NOT NULL, founded INTEGER);
        CREATE TABLE cars (
            id INTEGER PRIMARY KEY, maker_id INTEGER NOT NULL REFERENCES makers (id), kind TEXT NOT NULL,
            doors INTEGER NOT NULL, price DECIMAL(10, 2), tax DECIMAL(10, 2), note TEXT);
    """)
    connection.executemany(
        "INSERT INTO makers VALUES (?, ?, ?)", [(i, "de" if i % 3 else "jp", 1900 + i) for i in range(1, 61)]
    )
    kinds = (("van", 5), ("coupe", 2), ("saloon", 4))
    connection.executemany(
        "INSERT INTO cars VALUES (?, ?, ?, ?, ?, ?, ?)",
        [
            (i, 1 + i * i % 60, *kinds[i * 7 % 11 % 3], None if i % 10 == 0 else 1000 + i * 37 % 900,
             None if i % 10 == 0 else (1000 + i * 37 % 900) * 2, None)
            for i in range(1, 601)
        ],
    )  # fmt: skip
    connection.commit()
    connection.close()
    return fit(f"sqlite:///{path}", seed=1)


def test_learned_rows_keep_constraints_and_dependencies(learned: Synthesizer) -> None:
    data = learned.sample(seed=3)
    cars = data.arrow("cars")
    assert violations(data, learned.schema) == []
    assert set(zip(cars["kind"].to_pylist(), cars["doors"].to_pylist(), strict=True)) <= {
        ("van", 5),
        ("coupe", 2),
        ("saloon", 4),
    }
    priced = cars.filter(cars["price"].is_valid())
    assert pc.all(
        pc.equal(pc.multiply(priced["price"].cast(pa.float64()), 2.0), priced["tax"].cast(pa.float64()))
    ).as_py()
    assert pc.all(pc.equal(cars["price"].is_null(), cars["tax"].is_null())).as_py()
    assert cars["note"].null_count == cars.num_rows


def test_learned_rows_keep_shares_and_counts(learned: Synthesizer) -> None:
    data = learned.sample(seed=3)
    kinds = Counter(data.arrow("cars")["kind"].to_pylist())
    real = Counter(("van", "coupe", "saloon")[i * 7 % 11 % 3] for i in range(1, 601))
    assert all(abs(kinds[k] - real[k]) < 30 for k in real)
    per_maker = Counter(data.arrow("cars")["maker_id"].to_pylist())
    expected = Counter(Counter(1 + i * i % 60 for i in range(1, 601)).values())
    assert Counter(per_maker.values()) == expected


def test_rows_and_scale(learned: Synthesizer) -> None:
    assert learned.sample(rows={"cars": 50}).rows["cars"] == 50
    assert learned.sample(scale=0.5).rows == {"makers": 30, "cars": 300}
    assert learned.sample(rows=7).rows == {"makers": 7, "cars": 7}
    with pytest.raises(InputError, match="scale must be positive"):
        learned.sample(scale=0)


def test_given_values_are_taken(learned: Synthesizer) -> None:
    data = learned.sample(given={"cars": {"kind": "coupe"}}, seed=2)
    cars = data.arrow("cars")
    assert set(cars["kind"].to_pylist()) == {"coupe"}
    assert set(cars["doors"].to_pylist()) == {2}
    shared = learned.sample(given={"cars": {"kind": ("coupe", 0.5)}}, seed=2).arrow("cars")["kind"].to_pylist()
    assert shared.count("coupe") >= 300


def test_given_names_are_checked(learned: Synthesizer) -> None:
    with pytest.raises(InputError, match="no table 'car': did you mean 'cars'"):
        learned.sample(given={"car": {"kind": "van"}})
    with pytest.raises(InputError, match="no column 'kinds' in cars: did you mean 'kind'"):
        learned.sample(given={"cars": {"kinds": "van"}})
    with pytest.raises(CapacityError, match=r"cars\.id is unique"):
        learned.sample(given={"cars": {"id": 1}})


def test_progress_names_every_table_in_order(learned: Synthesizer) -> None:
    seen: list[tuple[str, int, int]] = []
    learned.sample(seed=1, progress=lambda *step: seen.append(step))
    assert seen == [(t.name, i, 2) for i, t in enumerate(learned.plan.tables)]


def stored(folder: Path, script: str, **tables: list[tuple[object, ...]]) -> str:
    """The URL of a new SQLite database with the tables of ``script`` and their rows."""
    path = folder / "stored.sqlite"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(script)
        for name, rows in tables.items():
            connection.executemany(f"INSERT INTO {name} VALUES ({', '.join('?' * len(rows[0]))})", rows)
        connection.commit()
    return f"sqlite:///{path}"


def test_a_row_of_its_own_hangs_on_the_kind_of_parent_that_has_one(tmp_path: Path) -> None:
    """A subtype, its key the parent's: whether a parent has it is learned of the parent, not dealt by chance."""
    source = stored(
        tmp_path,
        "CREATE TABLE accounts (id integer PRIMARY KEY, kind varchar(9) NOT NULL, credit integer NOT NULL);"
        "CREATE TABLE firms (account integer PRIMARY KEY REFERENCES accounts (id), staff integer NOT NULL);",
        accounts=[(i, "firm" if i % 3 == 0 else "private", i * 37 % 500) for i in range(900)],
        firms=[(i, i % 40) for i in range(0, 900, 3)],
    )
    made = fit(source, seed=3).sample(seed=4)
    kinds = dict(zip(made.arrow("accounts")["id"].to_pylist(), made.arrow("accounts")["kind"].to_pylist(), strict=True))
    with_firm = [kinds[i] for i in made.arrow("firms")["account"].to_pylist()]
    assert len(set(made.arrow("firms")["account"].to_pylist())) == 300
    assert with_firm.count("firm") > 290


def test_what_is_due_after_thirty_days_is_so_on_days_that_no_row_has(tmp_path: Path) -> None:
    """A day that decides another one is no list of days: it goes on after the last one."""
    places = np.random.default_rng(1).integers(0, 1000, 5500) * 2
    days = [date(2020, 1, 1) + timedelta(days=int(place)) for place in places]
    source = stored(
        tmp_path,
        "CREATE TABLE bills (id integer PRIMARY KEY, issued date NOT NULL, due date NOT NULL);",
        bills=[(i, str(day), str(day + timedelta(days=30))) for i, day in enumerate(days)],
    )
    made = fit(source, seed=3).sample(seed=4).arrow("bills")
    gaps = {due - issued for issued, due in zip(made["issued"].to_pylist(), made["due"].to_pylist(), strict=True)}
    assert gaps == {timedelta(days=30)}


def test_spans_that_go_on_end_with_what_stands_for_no_end(tmp_path: Path) -> None:
    """A post ends where the next one begins; the last one some day, or 9999-12-31, and never without a date."""
    rng = np.random.default_rng(2)
    open_end, rows = date(9999, 12, 31), []
    for person in range(600):
        begin = date(2000, 1, 1) + timedelta(days=int(rng.integers(0, 4000)))
        posts = int(rng.integers(1, 4))
        for number in range(posts):
            end = begin + timedelta(days=int(rng.integers(30, 900)))
            last = open_end if number == posts - 1 and rng.random() < 0.4 else end
            rows.append((person, number, str(begin), str(last)))
            begin = end
    source = stored(
        tmp_path,
        "CREATE TABLE people (id integer PRIMARY KEY);"
        "CREATE TABLE posts (person integer NOT NULL REFERENCES people (id), number integer NOT NULL, "
        "begins date NOT NULL, ends date NOT NULL, PRIMARY KEY (person, begins));",
        people=[(i,) for i in range(600)],
        posts=rows,
    )
    made = fit(source, seed=3).sample(seed=4).arrow("posts")
    made = made.sort_by([("person", "ascending"), ("begins", "ascending")])
    people, begins, ends = (made[name].to_pylist() for name in ("person", "begins", "ends"))
    assert None not in ends
    last = [i == len(people) - 1 or people[i] != people[i + 1] for i in range(len(people))]
    assert all(end == begins[i + 1] for i, end in enumerate(ends) if not last[i])
    final = [end for end, is_last in zip(ends, last, strict=True) if is_last]
    assert 0.34 < final.count(open_end) / len(final) < 0.46
    assert max(end for end in final if end != open_end) < date(2025, 1, 1)


def test_few_rows_say_which_moment_comes_first_and_what_stands_for_no_end(tmp_path: Path) -> None:
    rows = []
    for i in range(30):
        since = date(1985, 1, 1) + timedelta(days=i * 997 % 4000)
        until = date(9999, 1, 1) if i % 3 == 0 else since + timedelta(days=300 + i * 613 % 1500)
        rows.append((i, str(since), str(until)))
    script = "CREATE TABLE terms (id integer PRIMARY KEY, since date NOT NULL, until date NOT NULL);"
    made = fit(stored(tmp_path, script, terms=rows), seed=3).sample(rows=200, seed=4).arrow("terms")
    since, until = made["since"].to_pylist(), made["until"].to_pylist()
    assert all(a < b for a, b in zip(since, until, strict=True))
    assert {day.year for day in until if day.year > 2010} == {9999}


def test_numbers_that_must_not_be_below_their_key_find_a_free_place_above_it(tmp_path: Path) -> None:
    """A set of both is full around the key; a few rows are left that neither swaps nor lent values help."""
    numbers = [
        (kind, kind + kind * kind // 90 + place) for kind in range(1, 101) for place in range(5 + kind * 31 % 35)
    ]
    source = stored(
        tmp_path,
        "CREATE TABLE kinds (id integer PRIMARY KEY, label varchar(20) NOT NULL, weight real NOT NULL);"
        "CREATE TABLE items (id integer PRIMARY KEY, kind integer NOT NULL REFERENCES kinds (id), "
        "number integer NOT NULL, UNIQUE (kind, number), CHECK (number >= kind));",
        kinds=[(kind, f"kind {kind * 7919 % 1000}", kind * 1.7 + kind * kind % 13) for kind in range(1, 101)],
        items=[(i, *pair) for i, pair in enumerate(numbers, 1)],
    )
    learned = fit(source, seed=5)
    for seed in (5, 6, 7):
        made = learned.sample(seed=seed, scale=2.0).arrow("items")
        pairs = list(zip(made["kind"].to_pylist(), made["number"].to_pylist(), strict=True))
        assert all(number >= kind for kind, number in pairs)
        assert len(set(pairs)) == len(pairs)


def test_families_larger_than_the_parents_they_meet_differ_in_what_else_is_unique(tmp_path: Path) -> None:
    """A player with more seasons than there are years, once few teams are asked for: two stints in one year."""
    codes = ("ANA", "BOS", "CHN", "DET", "HOU", "KCA")
    source = stored(
        tmp_path,
        "CREATE TABLE players (id integer PRIMARY KEY, hand varchar(1) NOT NULL);"
        "CREATE TABLE teams (year integer NOT NULL, code varchar(3) NOT NULL, PRIMARY KEY (year, code));"
        "CREATE TABLE seasons (player integer NOT NULL REFERENCES players (id), year integer NOT NULL, "
        "stint integer NOT NULL, code varchar(3) NOT NULL, PRIMARY KEY (player, year, stint), "
        "FOREIGN KEY (year, code) REFERENCES teams (year, code));",
        players=[(player, "LR"[player % 2]) for player in range(80)],
        teams=[(1990 + year, code) for year in range(30) for code in codes],
        seasons=[
            (player, 1990 + season, stint, codes[(player + stint) % 6])
            for player in range(80)
            for season in range(2 + player * 7 % 27)
            for stint in range(1, 3 if (player + season) % 9 == 0 else 2)
        ],
    )
    learned = fit(source, seed=3)
    for seed in (1, 2):
        made = learned.sample(seed=seed, scale=0.1).arrow("seasons").to_pylist()
        assert len({(row["player"], row["year"], row["stint"]) for row in made}) == len(made) > 0
