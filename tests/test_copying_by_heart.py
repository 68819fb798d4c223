"""Trees learn what rows have in common, and not the rows themselves."""

import numpy as np
from scipy.stats import chi2, norm

from fixturesynth.generators.cart import SURE, Cart
from fixturesynth.generators.contract import CodedTable, Variable
from fixturesynth.generators.growing import Growth, _by_chance, _Split, grow
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
        target = (raw[:, 21] % size).astype(np.int64)
        leaves = [
            int((grow(features, target, size, ordered, growth).feature < 0).sum())
            for growth in (Growth(), Growth(sure=SURE))
        ]
        assert leaves[1] < 60 < leaves[0]


def test_what_chance_gives_a_split_is_a_quantile_of_chi_square():
    """Of as many classes, each as frequent: one degree of freedom less than classes, in units of its mean."""
    for classes in (2, 3, 6):
        found = _by_chance(np.full((1, classes), 1 / classes, np.float32), SURE)[0]
        np.testing.assert_allclose(found, chi2.ppf(norm.cdf(SURE), classes - 1) / (classes - 1), rtol=0.03)


def test_both_ways_of_counting_find_the_same_cuts():
    raw = _uniforms(3000, 3, seed=6)
    node, rank, label = (raw % np.array([40, 90, 6], np.uint64)).astype(np.int64).T
    whole = np.bincount(node * 6 + label, minlength=240).reshape(40, 6).astype(np.float32)
    total = whole.sum(axis=1)
    split = _Split(node, 40, label, 6, whole, total, (whole**2).sum(axis=1) / total, 5)
    for luck in (None, np.full(40, 0.1, np.float32)):
        for every, few in zip(split.all(rank, 90, luck), split.few(rank, 90, luck), strict=True):
            np.testing.assert_allclose(every, few, rtol=1e-5)
