"""Distinct pairs of groups and parents, with every parent's number of rows as it was."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fixturesynth.randomness import permutation
from fixturesynth.sampling import pairing
from fixturesynth.sampling.matching import duplicates
from fixturesynth.sampling.pairing import pair_distinct


def table(groups: int, parents: int, share: float) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of a table that is filled to ``share``, the first parents and groups the most."""
    weight = np.add.outer(np.linspace(0, 1, groups), np.linspace(0, 1, parents)) / 2
    noise = np.random.Generator(np.random.PCG64(1)).random((groups, parents))
    held = weight + noise <= np.quantile(weight + noise, share)
    return np.nonzero(held)


@pytest.mark.parametrize("share", [0.02, 0.5, 0.9, 0.99])
@pytest.mark.parametrize("whole", [True, False])
def test_degrees_of_a_real_table_are_met_however_full_it_is(
    share: float, whole: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not whole:
        monkeypatch.setattr(pairing, "MOST_CELLS", 0)
    groups, real = table(200, 40, share)
    # Both sides keep their numbers of rows; who meets whom is all that is drawn.
    chosen = real[permutation(real.size, 3, "shuffled")]
    out = pair_distinct(groups, chosen, 40, 5, "t", "u")
    assert np.bincount(out, minlength=40).tolist() == np.bincount(real, minlength=40).tolist()
    assert not duplicates(groups * 40 + out).any()


@given(st.data())
def test_no_parent_wins_or_loses_a_row(data: st.DataObject) -> None:
    n = data.draw(st.integers(0, 60))
    groups = np.array(data.draw(st.lists(st.integers(0, 6), min_size=n, max_size=n)), dtype=np.int64)
    chosen = np.array(data.draw(st.lists(st.integers(0, 7), min_size=n, max_size=n)), dtype=np.int64)
    out = pair_distinct(groups, chosen, 8, data.draw(st.integers(0, 3)), "t")
    assert np.bincount(out, minlength=8).tolist() == np.bincount(chosen, minlength=8).tolist()
    assert duplicates(groups * 8 + out).sum() <= duplicates(groups * 8 + chosen).sum()


def test_pairs_that_are_distinct_stay() -> None:
    groups, parents = table(30, 20, 0.4)
    assert pair_distinct(groups, parents, 20, 1, "t").tolist() == parents.tolist()


def test_the_address_decides() -> None:
    groups, real = table(60, 20, 0.5)
    chosen = real[permutation(real.size, 3, "shuffled")]
    first = pair_distinct(groups, chosen, 20, 1, "t", "a")
    assert pair_distinct(groups, chosen, 20, 1, "t", "a").tolist() == first.tolist()
    assert pair_distinct(groups, chosen, 20, 1, "t", "b").tolist() != first.tolist()
