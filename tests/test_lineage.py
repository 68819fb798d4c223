"""Rows that agree with their parent in their own table: replies with their post, accounts with their kind."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import fixturesynth as fs
from fixturesynth.planning.serialisation import plan_from_json, plan_to_json
from fixturesynth.sampling.lineage import trees_inside

DDL = """
CREATE TABLE posts (post_id INTEGER PRIMARY KEY, topic VARCHAR(10) NOT NULL);
CREATE TABLE comments (
    comment_id INTEGER PRIMARY KEY,
    post_id INTEGER NOT NULL REFERENCES posts (post_id),
    parent_id INTEGER REFERENCES comments (comment_id),
    language VARCHAR(10) NOT NULL,
    score INTEGER NOT NULL
);
CREATE TABLE accounts (
    account_id INTEGER PRIMARY KEY,
    parent_id INTEGER REFERENCES accounts (account_id),
    kind VARCHAR(12) NOT NULL,
    balance INTEGER NOT NULL
);
"""
KINDS = ("asset", "liability", "income", "expense")


def rows_of_trees() -> dict[str, pd.DataFrame]:
    """Up to 14 comments of each of 200 posts, half of them replies to others of the post; 400 accounts in eight trees,
    each of one kind."""
    source = np.random.Generator(np.random.PCG64(1))
    comments: list[tuple[int, int, int | None, str, int]] = []
    for post in range(1, 201):
        language, own = ("en", "fr", "de")[int(source.integers(0, 3))], list[int]()
        for _ in range(int(source.integers(0, 15))):
            parent = None if not own or source.random() < 0.5 else own[int(source.integers(0, len(own)))]
            own.append(len(comments) + 1)
            comments.append((own[-1], post, parent, language, int(source.integers(0, 50))))
    accounts: list[tuple[int, int | None, str, int]] = [
        (i + 1, None, KINDS[i % 4], int(source.integers(0, 1_000))) for i in range(8)
    ]
    for i in range(8, 400):
        parent = int(source.integers(0, i))
        accounts.append((i + 1, parent + 1, accounts[parent][2], int(source.integers(0, 1_000))))
    named = ["comment_id", "post_id", "parent_id", "language", "score"]
    return {
        "posts": pd.DataFrame({"post_id": range(1, 201), "topic": source.choice(["a", "b", "c"], 200)}),
        "comments": pd.DataFrame(comments, columns=named).astype({"parent_id": "Int64"}),
        "accounts": pd.DataFrame(accounts, columns=["account_id", "parent_id", "kind", "balance"]).astype(
            {"parent_id": "Int64"}
        ),
    }


@pytest.fixture(scope="module")
def real() -> dict[str, pd.DataFrame]:
    return rows_of_trees()


@pytest.fixture(scope="module")
def synthesizer(real: Mapping[str, pd.DataFrame], tmp_path_factory: pytest.TempPathFactory) -> fs.Synthesizer:
    script = tmp_path_factory.mktemp("trees") / "trees.sql"
    script.write_text(DDL)
    return fs.fit(dict(real), schema=fs.reflect(script), seed=3)


@pytest.fixture(scope="module")
def made(synthesizer: fs.Synthesizer) -> fs.Dataset:
    return synthesizer.sample(seed=3)


def agreeing(table: pd.DataFrame, column: str) -> float:
    """Share of the rows with a parent that have its value."""
    values = table.set_index(table.columns[0])[column]
    child = table.dropna(subset="parent_id")
    return float((values.loc[child.parent_id.astype(int)].to_numpy() == child[column].to_numpy()).mean())


def children(table: pd.DataFrame) -> list[int]:
    return sorted(table.parent_id.value_counts().reindex(table[table.columns[0]]).fillna(0).astype(int))


@pytest.mark.parametrize(("table", "column"), [("comments", "post_id"), ("comments", "language"), ("accounts", "kind")])
def test_rows_agree_with_their_parents(
    real: Mapping[str, pd.DataFrame], made: fs.Dataset, table: str, column: str
) -> None:
    assert agreeing(real[table], column) == 1
    assert agreeing(made[table], column) == 1


@pytest.mark.parametrize("table", ["comments", "accounts"])
def test_trees_are_as_they_were(real: Mapping[str, pd.DataFrame], made: fs.Dataset, table: str) -> None:
    assert made[table].parent_id.isna().sum() == real[table].parent_id.isna().sum()
    assert children(made[table]) == children(real[table])


def test_values_keep_their_shares(real: Mapping[str, pd.DataFrame], made: fs.Dataset) -> None:
    shares = [t["accounts"].kind.value_counts(normalize=True) for t in (real, made)]
    assert shares[0].sub(shares[1], fill_value=0).abs().max() < 0.02


def test_nobody_is_its_own_ancestor(made: fs.Dataset) -> None:
    accounts = made["accounts"]
    parent = accounts.set_index("account_id").parent_id
    at = parent.copy()
    for _ in range(len(at)):
        at = at.dropna()
        if at.empty:
            break
        at = pd.Series(parent.loc[at.astype(int)].to_numpy(), index=at.index)
    assert at.empty


def test_workers_and_a_saved_model_change_no_byte(
    synthesizer: fs.Synthesizer, made: fs.Dataset, tmp_path: Path
) -> None:
    again = fs.Synthesizer.open(synthesizer.save(tmp_path / "trees.fsynth")).sample(seed=3, workers=2)
    assert {n: again.content_hash(n) for n in again} == {n: made.content_hash(n) for n in made}
    assert plan_from_json(plan_to_json(synthesizer.plan)) == synthesizer.plan


def test_a_reference_that_must_be_set_stays_as_it_was(real: Mapping[str, pd.DataFrame], tmp_path: Path) -> None:
    """Roots reference themselves then."""
    script = tmp_path / "required.sql"
    script.write_text(
        DDL.replace("parent_id INTEGER REFERENCES accounts", "parent_id INTEGER NOT NULL REFERENCES accounts")
    )
    accounts = real["accounts"]
    accounts = accounts.assign(parent_id=accounts.parent_id.fillna(accounts.account_id))
    made = fs.fit({**real, "accounts": accounts}, schema=fs.reflect(script), seed=3).sample(seed=3)["accounts"]
    assert made.parent_id.isin(made.account_id).all()


def test_what_is_each_trees_own_is_its_roots(tmp_path: Path) -> None:
    """A station and its two platforms have one name and one place, and the platforms begin with the station's code."""
    rng = np.random.default_rng(1)
    rows: list[tuple[str, str, float, int | None, str | None]] = []
    for number in range(80):
        code = f"{'ABDFGSR'[rng.integers(7)]}{number + 10:02d}"
        name, place = f"{['Park', 'Lake', 'Hill', 'Court'][rng.integers(4)]} {number}", round(40 + rng.random(), 5)
        rows.append((code, name, place, 1, None))
        rows += [(code + side, name, place, None, code) for side in "NS"]
    script = tmp_path / "stops.sql"
    script.write_text(
        "CREATE TABLE stops (code TEXT PRIMARY KEY, name TEXT NOT NULL, latitude REAL NOT NULL, kind INTEGER, "
        "station TEXT REFERENCES stops (code));"
    )
    frame = pd.DataFrame(rows, columns=["code", "name", "latitude", "kind", "station"]).astype({"kind": "Int64"})
    made = fs.fit({"stops": frame}, schema=fs.reflect(script), seed=1).sample(seed=2)["stops"]
    platforms = made.merge(made, left_on="station", right_on="code", suffixes=("", "_of"))
    assert len(platforms) == made.station.notna().sum() == 160
    assert (platforms.name == platforms.name_of).all()
    assert (platforms.latitude == platforms.latitude_of).all()
    assert platforms.station_of.isna().all() and platforms.kind_of.notna().all()
    assert (platforms.groupby("station").size() == 2).mean() > 0.95
    assert made[made.station.isna()].code.str.fullmatch(r"[A-Z]\d\d").all()
    assert [c.startswith(s) for c, s in zip(platforms.code, platforms.station, strict=True)].count(False) == 0


# -- laying trees -----------------------------------------------------------------------------------------------------
@given(
    groups=st.lists(st.integers(0, 6), max_size=60),
    roots=st.integers(0, 70),
    counts=st.lists(st.tuples(st.integers(0, 8), st.integers(1, 9)), max_size=5, unique_by=lambda c: c[0]),
    seed=st.integers(0, 99),
)
def test_every_tree_is_inside_of_its_group(
    groups: list[int], roots: int, counts: list[tuple[int, int]], seed: int
) -> None:
    own = np.unique(groups, return_inverse=True)[1].astype(np.int64) if groups else np.zeros(0, dtype=np.int64)
    parents = trees_inside(own, roots, tuple(sorted(counts)), seed, "x")
    assert parents.shape == own.shape
    some = parents >= 0
    assert (parents[some] < np.flatnonzero(some)).all()
    assert (own[parents[some]] == own[some]).all()
    assert (~some).sum() == min(max(roots, len(set(groups))), len(groups))


def test_numbers_of_children_are_met_where_there_is_room() -> None:
    counts = ((0, 60), (1, 20), (2, 10), (5, 8), (20, 1))
    parents = trees_inside(np.arange(99) % 3, 0, counts, 5, "x")
    assert (parents < 0).sum() == 3
    held = np.bincount(parents[parents >= 0], minlength=99)
    assert held.sum() == 96
    assert held.max() >= 19
    assert (held == 0).sum() == pytest.approx(60, abs=2)
