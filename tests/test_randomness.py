"""Streams, permutations and inverse CDFs: bijective, exact, and the same on every machine (golden values)."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fixturesynth.randomness import below, choose, hashed, key, permutation, permute, stream, uniform, words

TOP = 2**64 - 1
seeds = st.integers(min_value=-(2**63), max_value=2**64)
names = st.text(max_size=12)


def test_golden_values() -> None:
    """These numbers are a promise: if they change, every seed gives other data."""
    assert words(stream(7, "orders", 0), 2).tolist() == [1875512993441796190, 5837600969346359022]
    assert hashed([0, 1, 2**40], 7, "orders", "id").tolist() == [
        6286323652442374178,
        7042058497344030829,
        3246540896515126940,
    ]
    assert permute(np.arange(10), 10, 7, "orders").tolist() == [3, 2, 6, 9, 5, 4, 1, 7, 0, 8]
    assert permute([0, 10**17, 2**61], 2**62, 7, "orders").tolist() == [
        3985236536982848970,
        3229429797999616395,
        963828829472937011,
    ]
    assert permutation(8, 7, "orders").tolist() == [2, 6, 3, 7, 1, 5, 4, 0]
    assert f"{key(7, 'orders', 'status', 3):032x}" == "f8d466b1bb24060b4af44b0f006c4571"


@given(seeds, st.lists(names | st.integers(), max_size=4))
def test_addresses_are_told_apart(seed: int, address: list[str | int]) -> None:
    """Joining two parts, or turning a number into its text, is another address."""
    assert key(seed, *address, "a", "bc") != key(seed, *address, "ab", "c")
    assert key(seed, *address, 1) != key(seed, *address, "1")
    assert key(seed, *address, "") != key(seed, *address)
    assert key(seed, *address) != key(seed + 1, *address)


@settings(max_examples=60)
@given(st.integers(min_value=1, max_value=100_000), seeds, names)
def test_permute_is_a_bijection(size: int, seed: int, name: str) -> None:
    out = permute(np.arange(size), size, seed, name)
    assert np.array_equal(np.sort(out), np.arange(size))


@given(st.integers(min_value=1, max_value=5_000), seeds, st.data())
def test_permute_looks_at_single_ranks(size: int, seed: int, data: st.DataObject) -> None:
    """Any subset of ranks goes where the whole permutation sends it."""
    whole = permute(np.arange(size), size, seed, "t")
    some = data.draw(st.lists(st.integers(0, size - 1), max_size=20))
    assert permute(some, size, seed, "t").tolist() == [int(whole[i]) for i in some]


@given(st.integers(min_value=1, max_value=2**62), seeds, st.data())
def test_permute_stays_inside_and_apart_in_wide_spaces(size: int, seed: int, data: st.DataObject) -> None:
    ranks = data.draw(st.lists(st.integers(0, size - 1), max_size=20, unique=True))
    out = permute(ranks, size, seed, "t")
    assert all(0 <= v < size for v in out.tolist())
    assert len(set(out.tolist())) == len(ranks)


@pytest.mark.parametrize(("ranks", "size"), [([0], 0), ([5], 5), ([-1], 5), ([0], 2**62 + 1)])
def test_permute_refuses_what_has_no_place(ranks: list[int], size: int) -> None:
    with pytest.raises(ValueError, match="however"):
        permute(ranks, size, 1, "t")


def test_permute_moves_ranks_far() -> None:
    """Neighbours must not stay neighbours: about 1 in n of them may by chance."""
    out = permute(np.arange(10_000), 10_000, 1, "t")
    assert np.count_nonzero(np.abs(np.diff(out)) == 1) < 20
    assert np.count_nonzero(out == np.arange(10_000)) < 10


@given(st.lists(st.integers(0, TOP), min_size=1, max_size=50), st.integers(1, 2**31))
def test_below_is_the_high_half_of_an_exact_product(raw: list[int], limit: int) -> None:
    expected = [((r >> 32) * limit) >> 32 for r in raw]
    assert below(np.array(raw, dtype=np.uint64), limit).tolist() == expected
    assert all(0 <= v < limit for v in expected)


@given(st.lists(st.integers(0, 1000), min_size=1, max_size=30).filter(any), st.lists(st.integers(0, TOP), max_size=50))
def test_choose_is_the_inverse_of_the_exact_distribution(weights: list[int], raw: list[int]) -> None:
    """Index i is chosen exactly where word / 2**64 falls into its share, as far as the top 32 bits tell."""
    cumulative = np.cumsum(np.array(weights, dtype=np.int64))
    found = choose(np.array(raw, dtype=np.uint64), cumulative).tolist()
    total = Fraction(sum(weights))
    for word, index in zip(raw, found, strict=True):
        share = Fraction(word >> 32, 2**32)
        drawn = int(share * total)
        assert weights[index] > 0
        assert sum(weights[:index]) <= drawn < sum(weights[: index + 1])


@given(st.lists(st.integers(0, 2**50), min_size=1, max_size=30).filter(any), st.lists(st.integers(0, TOP), max_size=50))
def test_choose_scales_large_weights(weights: list[int], raw: list[int]) -> None:
    """Shares stay within 2**-30 of the exact ones."""
    cumulative = np.cumsum(np.array(weights, dtype=np.int64))
    if int(cumulative[-1]) >> max(0, int(cumulative[-1]).bit_length() - 31) == 0:
        return
    found = choose(np.array(raw, dtype=np.uint64), cumulative).tolist()
    total, slack = Fraction(sum(weights)), Fraction(1, 2**29)
    for word, index in zip(raw, found, strict=True):
        share = Fraction(word, 2**64)
        assert sum(weights[:index]) / total - slack <= share <= sum(weights[: index + 1]) / total + slack


def test_choose_needs_a_positive_sum() -> None:
    with pytest.raises(ValueError, match="positive sum"):
        choose(np.zeros(1, dtype=np.uint64), np.zeros(3, dtype=np.int64))


def test_choose_frequencies_are_the_weights() -> None:
    weights = np.array([5, 1, 0, 14])
    counts = np.bincount(choose(words(stream(1, "t"), 200_000), np.cumsum(weights)), minlength=4)
    assert counts[2] == 0
    assert np.abs(counts / 200_000 - weights / 20).max() < 0.005


@given(st.lists(st.integers(0, TOP), max_size=30))
def test_uniform_is_exact_and_below_one(raw: list[int]) -> None:
    found = uniform(np.array(raw, dtype=np.uint64)).tolist()
    assert [Fraction(v) for v in found] == [Fraction(r >> 11, 2**53) for r in raw]
    assert all(0 <= v < 1 for v in found)


@given(st.lists(st.integers(0, 2**63 - 1), max_size=20), seeds)
def test_hashed_does_not_depend_on_what_else_is_asked(ranks: list[int], seed: int) -> None:
    whole = hashed(np.array(ranks, dtype=np.int64), seed, "t").tolist()
    assert whole == [int(hashed([r], seed, "t")[0]) for r in ranks]


def test_hashed_bits_are_even() -> None:
    """Every bit of consecutive ranks is set about half of the time, and neighbours agree on half of their bits."""
    bits = np.unpackbits(hashed(np.arange(50_000), 3, "t").view(np.uint8)).reshape(-1, 64)
    assert np.abs(bits.mean(axis=0) - 0.5).max() < 0.015
    assert np.abs((bits[1:] == bits[:-1]).mean(axis=0) - 0.5).max() < 0.015


@given(st.integers(0, 300), seeds)
def test_permutation_is_one(size: int, seed: int) -> None:
    assert np.array_equal(np.sort(permutation(size, seed, "t")), np.arange(size))
