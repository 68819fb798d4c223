"""Trees learn what rows have in common, and not the rows themselves."""

import numpy as np

from fixturesynth.generators.cart import Cart
from fixturesynth.generators.contract import CodedTable, Variable
from fixturesynth.generators.growing import Growth, _Split, grow
from fixturesynth.randomness import stream, words


def _uniforms(rows: int, columns: int, seed: int = 3) -> np.ndarray:
    return words(stream(seed, "by heart"), rows * columns).reshape(rows, columns)


def _nearest(made: np.ndarray, real: np.ndarray) -> np.ndarray:
    return ((made[:, None, :] - real[None]) ** 2).sum(axis=2).min(axis=1)


def test_rows_are_hardly_nearer_to_learned_rows_than_to_others():
    """Twelve numbers that have nothing to do with each other: 200 rows are learned, 200 more of the same are not."""
    columns, codes, shares = 12, 20, []
    for seed in range(4):
        rank = _uniforms(400, columns, seed).argsort(axis=0).argsort(axis=0)
        table = (rank * codes // 400).astype(np.int32)
        variables = tuple(Variable(f"x{i}", codes, ordered=True) for i in range(columns))
        state = Cart().fit(CodedTable(variables, table[:200]), seed=seed)
        made = Cart().sample(state, np.zeros((1000, 0), np.int32), _uniforms(1000, columns, 99 + seed))
        learned, other = _nearest(made, table[:200]), _nearest(made, table[200:])
        shares.append(float((learned < other).mean() + (learned == other).mean() / 2))
    assert np.mean(shares) < 0.55


def test_what_accidents_tell_is_not_split_on():
    """Of 20 numbers that tell nothing some cut always tells something of the same rows."""
    raw = _uniforms(2000, 22, seed=5)
    features = (raw[:, :20] % 16).astype(np.uint8).T
    for size, ordered in ((2, False), (40, True)):
        tree = grow(features, (raw[:, 21] % size).astype(np.int64), size, ordered, Growth())
        assert (tree.feature < 0).sum() < 60  # of 200 that there are rows for


def test_both_ways_of_counting_find_the_same_cuts():
    raw = _uniforms(3000, 3, seed=6)
    node, rank, label = (raw % np.array([40, 90, 6], np.uint64)).astype(np.int64).T
    whole = np.bincount(node * 6 + label, minlength=240).reshape(40, 6).astype(np.float32)
    total = whole.sum(axis=1)
    split = _Split(node, 40, label, 6, whole, total, (whole**2).sum(axis=1) / total, 5)
    for luck in (None, np.full(40, 0.1, np.float32)):
        for every, few in zip(split.all(rank, 90, luck), split.few(rank, 90, luck), strict=True):
            np.testing.assert_allclose(every, few, rtol=1e-5)


def test_several_trees_grow_as_each_would_alone():
    """Side by side, with their roots first."""
    raw = _uniforms(600, 4, seed=7)
    features = (raw[:, :3] % 12).astype(np.uint8).T
    target = ((features[1] > 5) ^ (raw[:, 3] % 5 == 0)).astype(np.int64)
    parts = [np.arange(0, 300), np.arange(300, 600)]
    both = grow(features, target, 2, False, Growth(), parts=parts)
    alone = [grow(features[:, part], target[part], 2, False, Growth()) for part in parts]
    for root, tree in enumerate(alone):
        assert (both.feature[root], both.threshold[root]) == (tree.feature[0], tree.threshold[0])
    assert both.feature.size == sum(tree.feature.size for tree in alone)
