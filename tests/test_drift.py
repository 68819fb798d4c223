"""Rows drawn one after the other come back to the shares that were learned, in the order in which they were drawn."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from fixturesynth.generators.contract import Variable
from fixturesynth.sampling.drift import without_drift
from fixturesynth.synthesizer import Synthesizer, fit

codes_ = st.lists(st.integers(0, 5), min_size=1, max_size=80)


@given(codes_, st.lists(st.integers(0, 9), min_size=5, max_size=5), st.integers(0, 3))
def test_shares_are_met_within_one_row_and_order_is_kept(codes: list[int], known: list[int], seed: int) -> None:
    drawn = np.array(codes, dtype=np.int32)[:, None]
    shares = np.array([*known, 0])  # the last code is NULL
    out = without_drift(drawn, [Variable("x", 6, ordered=True)], {"x": shares}, seed, "t")[:, 0]
    moving = shares[drawn[:, 0]] > 0
    assert (out[~moving] == drawn[~moving, 0]).all()
    before = np.cumsum(np.bincount(drawn[moving, 0], minlength=6)) / max(int(moving.sum()), 1)
    if moving.any() and np.abs(before - np.cumsum(shares) / shares.sum()).max() > 0.02:
        wanted = shares * int(moving.sum()) / shares.sum()
        assert (np.abs(np.bincount(out[moving], minlength=6) - wanted) <= 1).all()
        order = np.lexsort((out[moving], drawn[moving, 0]))
        assert (np.diff(out[moving][order]) >= 0).all()


def test_other_variables_are_left_alone() -> None:
    drawn = np.array([[0, 1], [1, 0], [1, 1]], dtype=np.int32)
    variables = [Variable("x", 2, ordered=True), Variable("y", 2)]
    out = without_drift(drawn, variables, {"x": np.array([1, 1])}, 7)
    assert out[:, 1].tolist() == [1, 0, 1]


@pytest.fixture(scope="module")
def visits(tmp_path_factory: pytest.TempPathFactory) -> tuple[Synthesizer, np.ndarray]:
    """Sixty guests with up to nine visits each, every one some days after the one before."""
    path: Path = tmp_path_factory.mktemp("drift") / "rows.sqlite"
    source = np.random.Generator(np.random.PCG64(3))
    connection = sqlite3.connect(path)
    connection.executescript("""
        CREATE TABLE guests (id INTEGER PRIMARY KEY, kind TEXT NOT NULL);
        CREATE TABLE visits (id INTEGER PRIMARY KEY, guest_id INTEGER NOT NULL REFERENCES guests (id),
                             day INTEGER NOT NULL, spent INTEGER);
    """)
    rows = []
    for guest in range(60):
        connection.execute("INSERT INTO guests VALUES (?, ?)", (guest, "ab"[guest % 2]))
        for day in np.cumsum(source.gamma(1.5, 40, size=1 + guest % 9)):
            rows.append((len(rows), guest, int(day), int(source.gamma(2, 50))))
    connection.executemany("INSERT INTO visits VALUES (?, ?, ?, ?)", rows)
    connection.commit()
    connection.close()
    return fit(f"sqlite:///{path}", seed=1), np.array(rows)


@pytest.mark.parametrize("seed", range(4))
def test_columns_of_siblings_keep_their_distribution(visits: tuple[Synthesizer, np.ndarray], seed: int) -> None:
    """As near as what is stored of few rows allows; independent draws alone are off by more than this."""
    synthesizer, rows = visits
    made = synthesizer.sample(seed=seed)["visits"]
    for place, column in ((2, "day"), (3, "spent")):
        assert stats.ks_2samp(rows[:, place], made[column], method="asymp").statistic < 0.04


def test_rows_that_leave_a_code_are_those_that_the_variable_beside_it_says() -> None:
    source = np.random.Generator(np.random.PCG64(9))
    wanted = source.normal(size=4_000)
    beside = np.digitize(-wanted, np.linspace(-2, 2, 39)).astype(np.int32)
    drawn = np.stack([np.digitize(wanted, [0.8]).astype(np.int32), beside], axis=1)
    variables = [Variable("x", 4, ordered=True), Variable("y", 40, ordered=True)]
    out = without_drift(drawn, variables, {"x": np.array([1, 1, 1, 1])}, 7, "t")
    assert np.bincount(out[:, 0]).tolist() == [1_000] * 4
    # With ties broken by chance this stays at about -0.6.
    assert stats.spearmanr(out[:, 0], wanted)[0] > 0.93


def test_codes_move_only_where_they_have_strayed() -> None:
    variables = [Variable("year", 4, ordered=True)]
    known = np.array([25, 25, 25, 25])
    near = np.repeat(np.arange(4), [24, 26, 25, 25]).astype(np.int32)[:, None]
    assert (without_drift(near, variables, {"year": known}, 7) == near).all()
    far = np.repeat(np.arange(4), [10, 20, 30, 40]).astype(np.int32)[:, None]
    assert np.bincount(without_drift(far, variables, {"year": known}, 7)[:, 0]).tolist() == known.tolist()
