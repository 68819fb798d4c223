"""Partial unique sets, with rows and without: they hold only where their predicate does, and rows may leave it."""

import sqlite3
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

import fixturesynth as fs
from fixturesynth.loading.loader import load
from fixturesynth.planning.planner import Wishes
from fixturesynth.planning.rows import RowsAsked
from fixturesynth.schema.reflection import reflect
from fixturesynth.synthesizer import plan_rules

Row = tuple[object, ...]


def database(path: Path, script: str, rows: list[Row] | None = None) -> str:
    connection = sqlite3.connect(path)
    connection.executescript(script)
    if rows:
        connection.executemany(f"INSERT INTO a VALUES ({', '.join('?' * len(rows[0]))})", rows)
    connection.commit()
    connection.close()
    return f"sqlite:///{path}"


@pytest.mark.parametrize(
    ("column", "predicate"),
    [
        ("flag boolean NOT NULL, n int", "flag"),
        ("flag boolean NOT NULL, n int", "n IS NULL"),
        ("flag text NOT NULL CHECK (flag IN ('a', 'b')), n int", "n IS NULL"),
    ],
)
def test_a_column_of_few_values_leaves_a_table_its_rows(column: str, predicate: str, tmp_path: Path) -> None:
    script = f"CREATE TABLE a (id int PRIMARY KEY, {column}); CREATE UNIQUE INDEX u ON a (flag) WHERE {predicate}"
    url = database(tmp_path / "a.db", script)
    made = plan_rules(reflect(url), wishes=Wishes(rows=RowsAsked({}, default=200)), seed=7)
    assert made.plan.tables[0].rows == 200
    assert made.plan.notes == ()
    load(made.sample(), url)  # the index is there


def test_a_flag_whose_way_out_another_set_needs_gives_fewer_rows(tmp_path: Path) -> None:
    script = (
        "CREATE TABLE a (id int PRIMARY KEY, one boolean NOT NULL, two boolean NOT NULL, state text NOT NULL, "
        "CHECK (state IN ('a', 'b', 'c')), UNIQUE (state, two), UNIQUE (one, two, state)); "
        "CREATE UNIQUE INDEX u ON a (one) WHERE NOT two"
    )
    url = database(tmp_path / "a.db", script)
    made = plan_rules(reflect(url), wishes=Wishes(rows=RowsAsked({}, default=200)), seed=7)
    load(made.sample(), url)
    assert 1 <= made.plan.tables[0].rows <= 5  # of six pairs the three without the second flag have two values


@pytest.mark.parametrize(
    ("indexes", "room"),
    [
        (("flag) WHERE n IS NULL", "flag) WHERE n IS NOT NULL"), 4),
        (("flag) WHERE p_id IS NULL", "flag) WHERE p_id IS NOT NULL"), 4),
        (("flag) WHERE main", "flag) WHERE NOT main"), 4),
        (("flag) WHERE n IS NULL", "flag) WHERE n > 40", "flag) WHERE n <= 40"), 6),
        (("state, flag) WHERE n IS NULL", "flag) WHERE n IS NOT NULL"), 8),
        (("flag) WHERE n IS NULL", "flag) WHERE n > 40"), None),  # other numbers are in neither
    ],
)
def test_sets_that_leave_no_row_out_give_as_many_rows_as_they_hold(
    indexes: tuple[str, ...], room: int | None, tmp_path: Path
) -> None:
    script = (
        "CREATE TABLE p (id integer PRIMARY KEY); "
        "CREATE TABLE a (id integer PRIMARY KEY, p_id integer REFERENCES p (id), flag boolean NOT NULL, n integer, "
        "main boolean NOT NULL, state text NOT NULL CHECK (state IN ('a', 'b', 'c'))); "
    ) + "; ".join(f"CREATE UNIQUE INDEX u{i} ON a ({index}" for i, index in enumerate(indexes))
    url = database(tmp_path / "a.db", script)
    made = plan_rules(reflect(url), wishes=Wishes(rows=RowsAsked({}, default=60)), seed=7)
    rows = next(t.rows for t in made.plan.tables if t.name == "a")
    if room is None:
        assert (rows, made.plan.notes) == (60, ())
    else:
        assert room - room // 6 == rows
        assert f"a: {rows} rows instead of 60" in made.plan.notes[0]
    load(made.sample(), url)  # the indexes are there


LEARNED: dict[str, tuple[str, str, Callable[[int], Row]]] = {
    "one default": ("flag boolean NOT NULL, word text", "flag) WHERE flag", lambda i: (i, int(i == 3), f"w{i % 5}")),
    "one open a day": (
        "owner int NOT NULL, shut date",
        "owner) WHERE shut IS NULL",
        lambda i: (i, i // 4, None if i % 4 == 0 else f"2024-01-{1 + i % 28:02d}"),
    ),
    "one main of a kind": (
        "owner int NOT NULL, rank text NOT NULL",
        "owner) WHERE rank = 'main'",
        lambda i: (i, i // 5, "main" if i % 5 == 2 else "other"),
    ),
}


@pytest.mark.parametrize("case", LEARNED)
@pytest.mark.parametrize("seed", [1, 2])
def test_learned_rows_hold_a_partial_set_and_keep_their_values(case: str, seed: int, tmp_path: Path) -> None:
    columns, index, row = LEARNED[case]
    script = f"CREATE TABLE a (id integer PRIMARY KEY, {columns}); CREATE UNIQUE INDEX u ON a ({index}"
    real = [row(i) for i in range(1, 401)]
    url = database(tmp_path / "real.db", script, real)
    made = fs.fit(url, seed=seed).sample(seed=seed)
    load(made, database(tmp_path / "made.db", script))
    frame = made["a"]
    assert len(frame) == 400
    second = frame.columns[1]
    if second == "owner":  # several rows of an owner, as in the rows: the set does not make the column unique
        most = Counter(r[1] for r in real).most_common(1)[0][1]
        assert frame[second].value_counts().max() >= most - 1
    else:
        assert int(pd.Series(frame[second]).sum()) <= 1
