"""Choosing parents: degrees met exactly, blocks as far as they go, values and pairs kept distinct."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fixturesynth.errors import CapacityError
from fixturesynth.sampling.matching import (
    distinct_by_stride,
    duplicates,
    forest,
    match,
    pair_keys,
    separate,
    swap_until,
)

degrees_ = st.lists(st.integers(0, 6), min_size=1, max_size=30)
groups_ = st.lists(st.integers(0, 4), min_size=1, max_size=60)


@given(degrees_, st.data())
def test_degrees_are_met_exactly_and_blocks_as_far_as_they_go(degrees: list[int], data: st.DataObject) -> None:
    n = sum(degrees)
    blocks = np.array(data.draw(st.lists(st.integers(0, 3), min_size=len(degrees), max_size=len(degrees))))
    wanted = np.array(data.draw(st.lists(st.integers(0, 4), min_size=n, max_size=n)), dtype=np.int64)
    out = match(wanted, blocks, np.array(degrees), 1, "t", "fk")
    assert np.bincount(out, minlength=len(degrees)).tolist() == degrees
    supply = Counter(np.repeat(blocks, degrees).tolist())
    best = sum(min(count, supply[block]) for block, count in Counter(wanted.tolist()).items())
    assert int((blocks[out] == wanted).sum()) == best if n else out.size == 0


def test_degrees_that_do_not_add_up_are_refused() -> None:
    with pytest.raises(ValueError, match="5 and 3"):
        match(np.zeros(3, dtype=np.int64), np.zeros(2, dtype=np.int64), np.array([2, 3]), 1, "t")


def test_matching_depends_on_its_address() -> None:
    wanted, blocks, degrees = np.zeros(200, dtype=np.int64), np.zeros(20, dtype=np.int64), np.full(20, 10)
    first = match(wanted, blocks, degrees, 1, "orders", "fk")
    assert match(wanted, blocks, degrees, 1, "orders", "fk").tolist() == first.tolist()
    assert match(wanted, blocks, degrees, 1, "orders", "other").tolist() != first.tolist()
    assert match(wanted, blocks, degrees, 2, "orders", "fk").tolist() != first.tolist()


@given(st.integers(1, 80), st.data())
def test_a_tree_references_earlier_rows_only(rows: int, data: st.DataObject) -> None:
    roots = data.draw(st.integers(1, rows))
    cuts = sorted(data.draw(st.lists(st.integers(0, rows - roots), min_size=rows - 1, max_size=rows - 1)))
    degrees = np.diff([0, *cuts, rows - roots])
    parents = forest(rows, roots, degrees)
    assert (parents[:roots] == -1).all()
    assert (parents[roots:] >= 0).all()
    assert (parents < np.arange(rows)).all()


@given(st.lists(st.integers(-3, 3), max_size=40))
def test_duplicates_are_all_but_the_first(keys: list[int]) -> None:
    expected = [key in keys[:i] for i, key in enumerate(keys)]
    assert duplicates(np.array(keys, dtype=np.int64)).tolist() == expected


@given(
    st.lists(st.tuples(st.integers(-(2**62), 2**62), st.integers(0, 3), st.integers(-1, 1)), min_size=1, max_size=30)
)
def test_pair_keys_tell_tuples_apart(rows: list[tuple[int, int, int]]) -> None:
    keys = pair_keys(*(np.array(part, dtype=np.int64) for part in zip(*rows, strict=True))).tolist()
    for i, a in enumerate(rows):
        assert [k == keys[i] for k in keys] == [b == a for b in rows]


@given(st.lists(st.integers(-9, 9) | st.integers(-(2**62), 2**62), max_size=30))
def test_pair_keys_of_one_part_are_places_among_its_values(part: list[int]) -> None:
    values = np.array(part, dtype=np.int64)
    assert pair_keys(values).tolist() == np.unique(values, return_inverse=True)[1].tolist()


@settings(max_examples=50)
@given(st.integers(2, 12), st.integers(2, 40), st.integers(0, 1000))
def test_swaps_keep_degrees_and_make_pairs_distinct(groups: int, parents: int, seed: int) -> None:
    """Sparse enough pairs always come out distinct; degrees never change."""
    per_group = max(parents // 4, 1)
    own = np.repeat(np.arange(groups), per_group)
    chosen = np.arange(own.size) * 7 % parents
    out = swap_until(own, chosen, parents, None, seed, "t", "u")
    assert Counter(out.tolist()) == Counter(chosen.tolist())
    assert int(duplicates(own * parents + out).sum()) <= int(duplicates(own * parents + chosen).sum())


def test_swaps_settle_a_crowded_link_table() -> None:
    own = np.repeat(np.arange(50), 20)
    chosen = np.sort(np.arange(1000) % 100)  # neighbours share a parent: many duplicate pairs
    out = swap_until(own, chosen, 100, None, 3, "t", "u")
    assert int(duplicates(own * 100 + chosen).sum()) > 700
    assert int(duplicates(own * 100 + out).sum()) == 0


def test_swaps_keep_what_is_allowed() -> None:
    own = np.arange(100, dtype=np.int64)
    out = swap_until(own, own, 100, lambda rows, parents: rows != parents, 1, "t", "differ")
    assert (out != own).all()
    assert sorted(out.tolist()) == own.tolist()


def test_swaps_stay_within_their_part() -> None:
    within = np.repeat(np.arange(10), 10)
    own = np.arange(100, dtype=np.int64)
    out = swap_until(own, own, 100, lambda rows, parents: rows != parents, 1, "t", within=within)
    assert (within[out] == within).all()
    assert (out != own).all()


@given(groups_, st.data(), st.sampled_from([(1,), (7, 1), (10, 3)]))
def test_separate_makes_values_distinct_inside_groups(
    groups: list[int], data: st.DataObject, strides: tuple[int, ...]
) -> None:
    own = np.array(groups)
    values = np.array(data.draw(st.lists(st.integers(0, 20), min_size=own.size, max_size=own.size)))
    high = data.draw(st.integers(20, 80) | st.none())
    most = max(Counter(groups).values())
    if high is not None and most > high + 1:
        with pytest.raises(CapacityError, match="distinct values are needed"):
            separate(own, values, 0, high, "t: (a, b)", strides)
        return
    out = separate(own, values, 0, high, "t: (a, b)", strides)
    assert len(set(zip(groups, out.tolist(), strict=True))) == own.size
    assert int(out.min()) >= 0
    assert high is None or int(out.max()) <= high
    first = ~duplicates(pair_keys(own, values))
    if not duplicates(pair_keys(own, values)).any():
        assert out.tolist() == values.tolist()
    elif high is None:
        assert np.count_nonzero(out[first] == values[first]) >= np.count_nonzero(first) * 0.3


def test_separate_names_what_has_too_few_values() -> None:
    with pytest.raises(CapacityError, match=r"orders: \(day\): 5 distinct values are needed where there are only 3"):
        separate(np.zeros(5, dtype=np.int64), np.zeros(5, dtype=np.int64), 0, 2, "orders: (day)")


def test_separate_keeps_the_weekday_where_it_can() -> None:
    """With a stride of seven days first, doubled days move by weeks."""
    out = separate(np.zeros(4, dtype=np.int64), np.array([100, 100, 100, 50]), 0, None, "t", (7, 1))
    assert (out % 7 == np.array([100, 100, 100, 50]) % 7).all()


@given(st.integers(1, 500), st.data())
def test_strides_are_permutations_in_every_group(size: int, data: st.DataObject) -> None:
    own = np.array(data.draw(st.lists(st.integers(0, 3), min_size=1, max_size=60)))
    positions = np.array([int((own[:i] == g).sum()) for i, g in enumerate(own)])
    out = distinct_by_stride(positions, own, size, 1, "t", "u")
    assert ((out >= 0) & (out < size)).all()
    for group in set(own.tolist()):
        mine = out[(own == group) & (positions < size)]
        assert len(set(mine.tolist())) == mine.size
