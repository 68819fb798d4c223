"""Children per parent: exact sums, shapes kept, limits kept."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fixturesynth.generators.blocks import count_codes
from fixturesynth.generators.context import Features
from fixturesynth.generators.contract import Variable
from fixturesynth.generators.tablemodel import count_variable
from fixturesynth.planning.plan import ReferencePlan
from fixturesynth.planning.rows import rows_of_children
from fixturesynth.sampling.counts import LAW, allot, assign_by_score, default_counts, starts, stretch
from fixturesynth.sampling.degrees import as_dealt

weights_ = st.lists(st.integers(0, 1000), min_size=1, max_size=40)
histograms = st.lists(
    st.tuples(st.integers(0, 60), st.integers(1, 50)), min_size=1, max_size=12, unique_by=lambda p: p[0]
)


@given(weights_.filter(any), st.integers(0, 10**6))
def test_allot_is_the_largest_remainder_method(weights: list[int], total: int) -> None:
    """Every share is its exact quota rounded down or up, and those rounded up have the largest remainders."""
    out = allot(np.array(weights), total).tolist()
    quotas = [Fraction(total * w, sum(weights)) for w in weights]
    assert sum(out) == total
    assert all(o - (q.numerator // q.denominator) in (0, 1) for o, q in zip(out, quotas, strict=True))
    up = [q % 1 for o, q in zip(out, quotas, strict=True) if o > q.numerator // q.denominator]
    down = [q % 1 for o, q in zip(out, quotas, strict=True) if o == q.numerator // q.denominator]
    assert not up or not down or min(up) >= max(down)
    assert all(o == 0 for o, w in zip(out, weights, strict=True) if w == 0)


def test_allot_does_not_overflow() -> None:
    weights = np.array([2**40, 2**41, 3], dtype=np.int64)
    total = 2**40 + 5
    quotas = [Fraction(total * int(w), int(weights.sum())) for w in weights]
    out = allot(weights, total)
    assert int(out.sum()) == total
    assert all(abs(Fraction(int(o)) - q) < 1 for o, q in zip(out, quotas, strict=True))


@given(st.integers(1, 50), st.integers(0, 500))
def test_allot_splits_evenly_without_weights(parents: int, total: int) -> None:
    out = allot(np.zeros(parents, dtype=np.int64), total)
    assert int(out.sum()) == total
    assert int(out.max()) - int(out.min()) <= 1


def test_allot_refuses_less_than_nothing() -> None:
    with pytest.raises(ValueError, match="total=-1"):
        allot(np.array([1]), -1)


def test_allot_lets_ties_go_by_order() -> None:
    order = np.array([5, 1, 3], dtype=np.uint64)
    assert allot(np.array([1, 1, 1]), 1, order).tolist() == [0, 1, 0]


@given(histograms)
def test_stretch_gives_the_very_counts_back(counts: list[tuple[int, int]]) -> None:
    """As many parents and children as were seen: the histogram itself."""
    counts = sorted(counts)
    expected = np.repeat([c for c, _ in counts], [p for _, p in counts])
    if not expected.sum():
        return
    assert stretch(tuple(counts), expected.size, int(expected.sum())).tolist() == expected.tolist()


@given(histograms, st.integers(1, 400), st.integers(0, 5000))
def test_stretch_meets_any_total(counts: list[tuple[int, int]], parents: int, total: int) -> None:
    out = stretch(tuple(sorted(counts)), parents, total)
    assert out.size == parents
    assert int(out.sum()) == total
    assert (np.diff(out) >= 0).all()


@given(histograms, st.integers(2, 6))
def test_stretch_keeps_the_shape_at_another_scale(counts: list[tuple[int, int]], factor: int) -> None:
    counts = sorted(counts)
    parents, children = sum(p for _, p in counts), sum(c * p for c, p in counts)
    if not children:
        return
    out = stretch(tuple(counts), parents * factor, children * factor)
    assert out.tolist() == np.repeat([c for c, _ in counts], [p * factor for _, p in counts]).tolist()
    assert rows_of_children(tuple(counts), parents * factor, 0.0) == children * factor


@given(st.lists(st.integers(0, 30), min_size=1, max_size=50), st.data())
def test_higher_scores_get_higher_counts(sequence: list[int], data: st.DataObject) -> None:
    score = data.draw(st.lists(st.integers(0, 5), min_size=len(sequence), max_size=len(sequence)))
    out = assign_by_score(np.sort(np.array(sequence)), np.array(score), 1, "t").tolist()
    assert sorted(out) == sorted(sequence)
    for s, c in zip(score, out, strict=True):
        assert all(c <= d for t, d in zip(score, out, strict=True) if t > s)


def test_ties_of_scores_are_dealt_by_seed() -> None:
    sequence, score = np.arange(100), np.zeros(100, dtype=np.int64)
    first, second = assign_by_score(sequence, score, 1, "t"), assign_by_score(sequence, score, 2, "t")
    assert first.tolist() != second.tolist()
    assert sorted(first.tolist()) == sorted(second.tolist())


@given(st.integers(1, 200), st.integers(0, 1000), st.integers(1, 12) | st.none(), st.integers(0, 99))
def test_default_counts_keep_sum_and_cap(parents: int, total: int, cap: int | None, seed: int) -> None:
    if cap is not None and total > cap * parents:
        with pytest.raises(ValueError, match="do not fit"):
            default_counts(parents, total, cap, seed, "t")
        return
    out = default_counts(parents, total, cap, seed, "t")
    assert out.size == parents
    assert int(out.sum()) == total
    assert int(out.min()) >= 0
    assert cap is None or int(out.max()) <= cap


def test_the_default_law_has_childless_and_busy_parents() -> None:
    out = default_counts(8000, 20_000, None, 1, "t")
    assert abs(np.mean(out == 0) - np.mean(LAW == 0)) < 0.02
    assert out.max() >= 7


@given(st.lists(st.integers(0, 9), max_size=20))
def test_starts_are_running_sums(counts: list[int]) -> None:
    assert starts(np.array(counts, dtype=np.int64)).tolist() == [sum(counts[:i]) for i in range(len(counts) + 1)]


@pytest.mark.parametrize("most", [6, 300])
def test_children_see_how_many_they_are_in_the_end(most: int) -> None:
    """What a parent was drawn to have, and what its children are, agree though the counts were dealt anew since."""
    source = np.random.Generator(np.random.PCG64(2))
    learned = source.integers(0, most, 2_000)
    codes, size = count_codes(learned)
    counts = tuple((int(c), int(n)) for c, n in zip(*np.unique(learned, return_counts=True), strict=True))
    reference = ReferencePlan("fk", "parents", "context", counts=counts)
    variable = Variable(count_variable("children", "fk"), size, ordered=True)
    drawn = Features((variable,), source.permutation(codes)[:, None])
    told = as_dealt(drawn, "children", reference, learned)
    assert told is not None
    assert (told.column(variable.name) == codes).all()
    assert (drawn.column(variable.name) != codes).any()
    assert as_dealt(drawn, "others", reference, learned) is drawn
    assert as_dealt(None, "children", reference, learned) is None
