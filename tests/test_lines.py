"""Self references: an answer belongs to a question asked before it, and the accepted one is one of its answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import fixturesynth as fs
from fixturesynth.errors import ModelFileError
from fixturesynth.sampling.planting import planted, without_circles

DDL = """
CREATE TABLE posts (
    post_id INTEGER PRIMARY KEY,
    kind VARCHAR(10) NOT NULL,
    parent_id INTEGER REFERENCES posts (post_id),
    accepted_id INTEGER REFERENCES posts (post_id),
    posted TIMESTAMP NOT NULL,
    views INTEGER
);
"""
QUESTIONS = 500


def rows_of_posts() -> pd.DataFrame:
    """Questions of three years; much seen ones have more answers, which come in the hours after them."""
    source = np.random.Generator(np.random.PCG64(8))
    rows: list[list[object]] = []
    for at in source.integers(0, 3 * 365 * 86_400, QUESTIONS):
        question, views = len(rows) + 1, int(source.integers(1, 1_000))
        rows.append([question, "question", None, None, at, views])
        answers = int(source.poisson(views / 250))
        rows += [
            [question + k + 1, "answer", question, None, at + int(source.lognormal(8, 1)), None] for k in range(answers)
        ]
        if answers and source.random() < 0.6:
            rows[question - 1][3] = question + int(source.integers(1, answers + 1))
    posts = pd.DataFrame(rows, columns=["post_id", "kind", "parent_id", "accepted_id", "posted", "views"])
    posts["posted"] = pd.to_datetime(1_600_000_000 + posts["posted"].astype("int64"), unit="s")
    return posts.astype({"parent_id": "Int64", "accepted_id": "Int64", "views": "Int64"})


@pytest.fixture(scope="module")
def real() -> pd.DataFrame:
    return rows_of_posts()


@pytest.fixture(scope="module")
def synthesizer(real: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> fs.Synthesizer:
    script = tmp_path_factory.mktemp("posts") / "posts.sql"
    script.write_text(DDL)
    return fs.fit({"posts": real}, schema=fs.reflect(script), seed=5)


@pytest.fixture(scope="module")
def made(synthesizer: fs.Synthesizer) -> pd.DataFrame:
    return synthesizer.sample(seed=3)["posts"]


def with_parents(posts: pd.DataFrame) -> pd.DataFrame:
    """Rows beside their parents."""
    return posts.merge(posts, left_on="parent_id", right_on="post_id", suffixes=("", "_above"))


def test_answers_belong_to_questions(made: pd.DataFrame) -> None:
    assert (made["parent_id"].isna() == (made["kind"] == "question")).mean() > 0.99
    pairs = with_parents(made)
    assert ((pairs["kind"] == "answer") & (pairs["kind_above"] == "question")).mean() > 0.99


def test_answers_come_after_their_questions_as_soon_as_real_ones(real: pd.DataFrame, made: pd.DataFrame) -> None:
    ours, theirs = (
        (p["posted"] - p["posted_above"]).dt.total_seconds() for p in (with_parents(made), with_parents(real))
    )
    assert ours.min() >= 0
    assert np.log(ours.median()) == pytest.approx(np.log(theirs.median()), abs=0.2)


def test_questions_have_as_many_answers_as_real_ones(real: pd.DataFrame, made: pd.DataFrame) -> None:
    def answers(posts: pd.DataFrame) -> pd.Series:
        counts = posts["parent_id"].value_counts()
        return posts["post_id"].map(counts).fillna(0)[posts["kind"] == "question"]

    for many in range(5):
        assert (answers(made) == many).mean() == pytest.approx((answers(real) == many).mean(), abs=0.03)
    seen = made.loc[made["kind"] == "question", "views"].astype(float)
    assert answers(made).corr(seen, method="spearman") > 0.5  # 0.64 in the real rows


def test_the_accepted_one_is_an_answer_of_its_question(real: pd.DataFrame, made: pd.DataFrame) -> None:
    accepted = made.merge(made, left_on="accepted_id", right_on="post_id", suffixes=("", "_taken"))
    assert len(accepted) == real["accepted_id"].notna().sum()
    assert (accepted["parent_id_taken"] == accepted["post_id"]).all()


def test_a_model_plants_as_before_when_it_is_opened_again(synthesizer: fs.Synthesizer, tmp_path: Path) -> None:
    path = synthesizer.save(tmp_path / "posts.fsynth")
    assert fs.open_model(path).sample(seed=4).arrow("posts").equals(synthesizer.sample(seed=4).arrow("posts"))


def test_a_file_whose_lines_do_not_hang_together_is_refused(synthesizer: fs.Synthesizer, tmp_path: Path) -> None:
    posts = synthesizer.models["posts"]
    torn = replace(posts.lines[0])
    object.__setattr__(torn, "degrees", ())
    path = replace(synthesizer, models={"posts": replace(posts, lines=(torn,))}).save(tmp_path / "torn.fsynth")
    with pytest.raises(ModelFileError, match="'fk_parent_id' does not hang together"):
        fs.open_model(path)


def test_rows_that_are_their_own_parent_stay_as_many(tmp_path: Path) -> None:
    """Groups whose first member names itself."""
    script = tmp_path / "members.sql"
    script.write_text(
        "CREATE TABLE members (id INTEGER PRIMARY KEY, team INTEGER REFERENCES members (id), age INTEGER NOT NULL);"
    )
    source = np.random.Generator(np.random.PCG64(6))
    head = np.arange(600) // 3 * 3 + 1
    age = source.integers(20, 60, 200).repeat(3) + source.integers(-1, 2, 600)
    rows = pd.DataFrame({"id": np.arange(1, 601), "team": head, "age": age}).astype({"team": "Int64"})
    rows.loc[500:, "team"] = pd.NA
    made: Mapping[str, pd.DataFrame] = fs.fit({"members": rows}, schema=fs.reflect(script), seed=1).sample().to_frames()
    members = made["members"]
    assert (members["team"] == members["id"]).sum() == pytest.approx((rows["team"] == rows["id"]).sum(), abs=15)
    pairs = members.merge(members, left_on="team", right_on="id", suffixes=("", "_above"))
    assert (pairs["age"] - pairs["age_above"]).abs().median() <= 2  # of anybody's it is 13


# -- by themselves ----------------------------------------------------------------------------------------------------
@given(st.lists(st.integers(-1, 30), min_size=1, max_size=31))
def test_no_row_comes_back_to_itself(parents: list[int]) -> None:
    before = np.minimum(np.array(parents), len(parents) - 1)
    after = without_circles(before)
    kept = after == before
    assert ((after == -1) | kept).all()
    for row in range(after.size):
        at, steps = after[row], 0
        while at >= 0 and after[at] != at:
            at, steps = after[at], steps + 1
            assert steps <= after.size


@given(st.integers(0, 10_000), st.booleans())
def test_children_are_planted_where_there_is_room(seed: int, never_before: bool) -> None:
    source = np.random.Generator(np.random.PCG64(seed))
    n = int(source.integers(2, 80))
    cell, numbers = source.integers(0, 3, n), source.integers(0, 1_000, n)
    child = np.sort(source.permutation(n)[: n // 2])
    wanted = source.integers(0, 3, child.size)
    parents = planted(
        child, cell, wanted, numbers, numbers[child] - 5, source.integers(0, 4, n),
        never_before=never_before, seed=seed, address=("t", "f"),
    )  # fmt: skip
    planted_ = parents >= 0
    assert (parents[planted_] != child[planted_]).all()
    assert (cell[parents[planted_]] == wanted[planted_]).all()
    lonely = wanted[~planted_], child[~planted_]
    assert all(set(np.flatnonzero(cell == c)) <= {row} for c, row in zip(*lonely, strict=True))
