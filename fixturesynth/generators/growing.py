"""Growing one classification tree over coded features: histograms, level by level, in numpy.

Sequential trees as a synthesiser: Reiter, "Using CART to generate partially synthetic public use microdata", 2005.
All nodes of a level are searched together. What is counted is (node, feature rank, class), where the classes are made
anew for every node: quantile groups of an ordered target's codes inside the node, or its most frequent categories.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

__all__ = ["Growth", "Tree", "find_leaves", "grow", "other_ranks", "rank_feature", "share_of_chance"]

Integers = npt.NDArray[np.int64]
Ranks = npt.NDArray[np.uint8]
Reals = npt.NDArray[np.float32]

RANKS = 160  # different places to split a feature at
GROUPS = 8  # by which two orders of categories are compared
SOME = 5_000  # rows, for categories to be put in a second order
ALSO, BEYOND = 0.1, 2.0  # of what the first order tells, and times what chance would: what a second one must tell
MUCH = 1.1  # times as much must the mean tell
FIRM = 5.0  # standard deviations: where so much is told there is more to be told of few rows
_BLOCK = 16_384  # rows that are led to their leaves at once: they stay in the processor's cache


@dataclass(frozen=True)
class Growth:
    """How far a tree may grow. ``evidence``: least gain of a split, in units of what chance alone would give.
    ``sure``: instead, in standard deviations of what chance gives, above the mean of that; ``evidence`` is enough below
    a split that is surer than FIRM."""

    least_rows: int = 10
    most_leaves: int = 16384
    most_depth: int = 24
    classes: int = 6
    evidence: float = 1.5
    sure: float | None = None
    most_features: int = 96  # of more, after the first levels only the most telling ones are searched


@dataclass(frozen=True)
class Tree:
    """Nodes in order of level: ``feature`` (-1: a leaf), ``threshold`` (ranks above go right), ``left`` child; the
    right child follows it. ``ranks``: (features, largest size), the rank of every code of every feature."""

    feature: npt.NDArray[np.int32]
    threshold: npt.NDArray[np.uint8]
    left: npt.NDArray[np.int32]
    parent: npt.NDArray[np.int32]


def rank_feature(
    codes: Integers, size: int, ordered: bool, target: Integers, target_size: int, target_ordered: bool = False
) -> Ranks:
    """Rank of each code of a feature, (size,), at most RANKS of them.

    Ordered features keep their order; categories are ordered by the first axis of correspondence analysis with the
    target, or where that tells more by their mean of an ordered target: of categories that each have values of their
    own no axis is the first. Where there are more codes than ranks, neighbours are joined to ranks of equal frequency.
    """
    counts = np.bincount(codes, minlength=size).astype(np.float64)
    order = np.arange(size)
    if not ordered and size > 2:
        table = np.bincount(codes * target_size + target, minlength=size * target_size).reshape(size, target_size)
        order = np.argsort(_axes(table, counts)[0][0], kind="stable")
        if target_ordered and size > GROUPS and target_size > 2:
            means = np.where(counts > 0, table @ np.arange(target_size) / np.maximum(counts, 1.0), 0.0)
            other = np.argsort(means, kind="stable")
            order = other if _told(table, other) > MUCH * _told(table, order) else order
    return _ranked(order, counts)


def other_ranks(codes: Integers, size: int, target: Integers, target_size: int) -> Ranks | None:
    """Ranks of categories, (size,), by the second axis of correspondence analysis, where that tells much as well.

    One order puts categories beside each other that are alike in what most rows have, and may be told apart by
    nothing else.
    """
    if size <= GROUPS or target_size <= 2 or codes.size < SOME:
        return None
    counts = np.bincount(codes, minlength=size).astype(np.float64)
    table = np.bincount(codes * target_size + target, minlength=size * target_size).reshape(size, target_size)
    scores, (first, second) = _axes(table, counts)
    rows, columns = (int((table.sum(axis=axis) > 0).sum()) - 1 for axis in (1, 0))
    chance = (max(rows, 0) ** 0.5 + max(columns, 0) ** 0.5) ** 2  # the most that an axis of noise tells
    if second < max(ALSO * first, BEYOND * chance):
        return None
    return _ranked(np.argsort(scores[1], kind="stable"), counts)


def _ranked(order: Integers, counts: npt.NDArray[np.float64]) -> Ranks:
    """Ranks of codes, (size,), that stand in ``order``, at most RANKS of them."""
    size = order.size
    rank = np.arange(size)
    if size > RANKS:
        weight = counts[order]
        middle = np.cumsum(weight) - weight / 2
        rank = np.minimum((middle * RANKS / max(1.0, weight.sum())).astype(np.int64), RANKS - 1)
        rank = np.unique(rank, return_inverse=True)[1]
    result = np.empty(size, np.uint8)
    result[order] = rank
    return result


def share_of_chance(codes: Integers, size: int, target: Integers, target_size: int) -> float:
    """How much of what categories (n,) tell of a target (n,) is what independent ones would: 1.0 for all of it.

    Pearson's chi-square of independent variables is as large as its degrees of freedom on the average.
    """
    table = np.bincount(codes * target_size + target, minlength=size * target_size).reshape(size, target_size)
    table = table[np.ix_(table.any(axis=1), table.any(axis=0))].astype(np.float64)
    expected = np.outer(table.sum(axis=1), table.sum(axis=0)) / max(table.sum(), 1.0)
    free = (table.shape[0] - 1) * (table.shape[1] - 1)
    return float(min(1.0, free / max(float(((table - expected) ** 2 / expected).sum()), 1e-9))) if free > 0 else 0.0


@cache
def _made_by_chance() -> npt.NDArray[np.float32]:
    """What a split gains of pure noise where categories were ranked by the target, in units of what a split of two
    categories gains: (RANKS + 1 categories, RANKS + 1 of them below the cut).

    Means of noise lie as normal quantiles do, so that those below a share q have the mean -density(quantile(q)) / q.
    """
    normal = NormalDist()
    squares = [0.0, *(normal.pdf(normal.inv_cdf(i / 1000)) ** 2 for i in range(1, 1000)), 0.0]
    below, all_of = np.arange(RANKS + 1)[None, :], np.maximum(np.arange(RANKS + 1), 1)[:, None]
    share = np.clip(below / all_of, 0.0, 1.0)
    gain = np.interp(share, np.arange(1001) / 1000, squares) / np.maximum(share * (1 - share), 1e-9) * all_of
    return np.where((share > 0) & (share < 1), gain, 0.0).astype(np.float32)


def _told(table: Integers, order: Integers) -> float:
    """Mutual information, in nats, of the target and of categories in ``order``, either in GROUPS of equal frequency,
    which is what the first splits of a tree see. ``table``: (categories, codes of the target)."""
    ordered = table[order]
    joint = np.zeros((GROUPS, GROUPS))
    np.add.at(joint, (_groups(ordered.sum(axis=1))[:, None], _groups(ordered.sum(axis=0))[None, :]), ordered)
    joint /= max(1.0, joint.sum())
    alone = np.outer(joint.sum(axis=1), joint.sum(axis=0))
    there = joint > 0
    return float((joint[there] * np.log(joint[there] / alone[there])).sum())


def _groups(weight: Integers) -> Integers:
    """Which of GROUPS of equal frequency each of neighbouring codes belongs to, by its ``weight``; shape as that."""
    middle = (np.cumsum(weight) * 2 - weight) * GROUPS // max(1, 2 * int(weight.sum()))
    group: Integers = np.minimum(middle, GROUPS - 1)
    return group


def _axes(table: Integers, counts: npt.NDArray[np.float64]) -> tuple[npt.NDArray[np.float64], tuple[float, float]]:
    """Scores of every category on the first two axes of correspondence analysis, (2, categories), 0 for those without
    rows, and how much of chi-square each of the two tells.

    ``table``: (categories, classes of the target), ``counts``: its rows' sums.
    """
    columns = table.sum(axis=0).astype(np.float64)
    rows = float(counts.sum())
    expected = np.outer(counts, columns) / rows
    residual = (table - expected) / np.sqrt(np.maximum(expected, 1e-9))
    residual[counts == 0] = 0.0
    square = residual @ residual.T
    scores, told = [], []
    for _ in range(2):
        # A few rounds of the power method, from the column that varies most, are all that an ordering needs.
        axis = residual[:, int(np.argmax((residual**2).sum(axis=0)))].copy()
        for _ in range(16):
            length = float(np.sqrt((axis**2).sum()))
            if length == 0.0:
                break
            axis = square @ (axis / length)
        scores.append(np.where(counts > 0, axis / np.sqrt(np.maximum(counts, 1e-9)), 0.0))
        told.append(float(np.sqrt((axis**2).sum())))
        unit = axis / max(told[-1], 1e-12)
        residual = residual - np.outer(unit, unit @ residual)  # what the axis does not tell
        square = residual @ residual.T
    return np.stack(scores), (told[0], told[1])


def grow(
    ranks: npt.NDArray[np.uint8],
    target: Integers,
    target_size: int,
    ordered: bool,
    growth: Growth,
    always: Sequence[int] = (),
    chance: Mapping[int, float] | None = None,
) -> Tree:
    """A tree for ``target``, shape (n,), on ``ranks``, shape (features, n); ``always``: features that are searched at
    every level, whatever the first ones say of them; ``chance``: by feature whose ranks were made by the target, how
    much of that was chance (``share_of_chance``)."""
    features = list(range(ranks.shape[0]))
    widths = ranks.max(axis=1).astype(np.int64) + 1 if ranks.size else np.zeros(0, np.int64)
    feature, threshold, left, parent = (_filled(1, value) for value in (-1, 0, -1, -1))
    nodes, leaves, first = 1, 1, 0  # first: number of this level's first node
    rows = np.arange(target.size)
    node = np.zeros(target.size, np.int64)  # of the rows still in play, counted among the active nodes
    active = np.zeros(1, np.int64)  # index within the level
    below = np.zeros(1, bool)  # which active nodes lie right below a firm split
    importance = np.zeros(len(features))
    for depth in range(growth.most_depth):
        if not features or leaves >= growth.most_leaves or rows.size < 2 * growth.least_rows:
            break
        gain, best, cut, per_feature, firm = _search(
            ranks, rows, node, below, target, target_size, ordered, features, chance or {}, widths, growth
        )
        importance += per_feature
        wanted = np.flatnonzero(best >= 0)
        room = growth.most_leaves - leaves
        if wanted.size > room:
            wanted = np.sort(wanted[np.argsort(-gain[wanted], kind="stable")[:room]])
        if not wanted.size:
            break
        at = active[wanted]
        feature[-1][at], threshold[-1][at] = best[wanted], cut[wanted]
        left[-1][at] = nodes + 2 * np.arange(wanted.size)
        children = 2 * wanted.size
        for levels, value in ((feature, -1), (threshold, 0), (left, -1)):
            levels += _filled(children, value)
        parent.append(np.repeat(first + at, 2))
        first, nodes, leaves = nodes, nodes + children, leaves + wanted.size
        place = np.full(active.size, -1)
        place[wanted] = np.arange(wanted.size)
        moved = place[node]
        stay = moved >= 0
        rows, node, moved = rows[stay], node[stay], moved[stay]
        node = 2 * moved + (ranks[best[node], rows] > cut[node])
        size = np.bincount(node, minlength=children)
        big = size >= 2 * growth.least_rows
        active = np.flatnonzero(big)
        below = np.repeat(firm[wanted], 2)[active]
        place = np.full(children, -1)
        place[active] = np.arange(active.size)
        moved = place[node]
        stay = moved >= 0
        rows, node = rows[stay], moved[stay]
        if depth == 2 and len(features) > growth.most_features:
            top = np.argsort(-importance, kind="stable")[: growth.most_features]
            features = sorted({*np.arange(len(importance))[top].tolist(), *always})
    return Tree(
        np.concatenate(feature).astype(np.int32),
        np.concatenate(threshold).astype(np.uint8),
        np.concatenate(left).astype(np.int32),
        np.concatenate(parent).astype(np.int32),
    )


def _filled(size: int, value: int) -> list[Integers]:
    return [np.full(size, value, np.int64)]


def _classes(
    node: Integers, nodes: int, codes: Integers, size: int, ordered: bool, classes: int
) -> npt.NDArray[np.int64]:
    """Class of each row within its node, (n,)."""
    if size <= classes:
        return codes
    counts = np.bincount(node * size + codes, minlength=nodes * size).reshape(nodes, size)
    if ordered:
        middle = 2 * np.cumsum(counts, axis=1) - counts
        total = np.maximum(counts.sum(axis=1, keepdims=True), 1)
        lookup = np.minimum(middle * classes // (2 * total), classes - 1)
    else:
        rank = np.argsort(np.argsort(-counts, axis=1, kind="stable"), axis=1, kind="stable")
        lookup = np.minimum(rank, classes - 1)
    chosen: npt.NDArray[np.int64] = lookup.reshape(-1)[node * size + codes]
    return chosen


def _search(
    ranks: npt.NDArray[np.uint8],
    rows: Integers,
    node: Integers,
    firm: npt.NDArray[np.bool_],
    target: Integers,
    target_size: int,
    ordered: bool,
    features: list[int],
    by_chance: Mapping[int, float],
    widths: Integers,
    growth: Growth,
) -> tuple[Reals, Integers, Integers, npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
    """The best split of every node of a level: gain, feature (-1: none), threshold; the gain by feature; and whether
    each node's split is firm. ``firm``: (nodes,), the same of the splits above them."""
    nodes = firm.size
    classes = min(growth.classes, target_size)
    codes = target[rows]
    key = node * classes
    key += _classes(node, nodes, codes, target_size, ordered, classes)
    whole = np.bincount(key, minlength=nodes * classes).reshape(nodes, classes).astype(np.float32)
    total = whole.sum(axis=1)
    base = (whole**2).sum(axis=1) / total
    chance = 1.0 - base / total  # what a split of pure noise gains on average
    asked = np.full(nodes, growth.evidence)
    if growth.sure is not None:
        asked = np.where(firm, asked, _by_chance(whole / total[:, None], growth.sure))
    gain = (asked * chance).astype(np.float32) + np.float32(1e-6)
    best, cut = np.full(nodes, -1), np.zeros(nodes, np.int64)
    per_feature = np.zeros(ranks.shape[0])
    split = _Split(node, nodes, key - node * classes, classes, whole, total, base, growth.least_rows)
    for f in features:
        width = int(widths[f])
        if width < 2:
            continue
        # Where the order of categories is chance, so is most of what the best cut of it tells of the same rows.
        luck = (chance * total * np.float32(by_chance[f] / target.size)) if f in by_chance and width > 2 else None
        tried = split.few if nodes * width > rows.size else split.all
        value, top = tried(ranks[f, rows], width, luck)
        per_feature[f] = float(np.maximum(value, 0).sum())
        better = value > gain
        gain[better], best[better], cut[better] = value[better], f, top[better]
    return gain, best, cut, per_feature, gain > _by_chance(whole / total[:, None], FIRM) * chance


def _by_chance(shares: npt.NDArray[np.float32], sure: float) -> npt.NDArray[np.float64]:
    """How much a split of pure noise gains at most, (nodes,), ``sure`` standard deviations above the mean, which is 1.

    ``shares``: (nodes, classes), those of each node's classes. The gain is a weighted sum of squares of normal numbers,
    here a chi-square of the same mean and variance (Satterthwaite 1946) and its quantiles (Wilson and Hilferty 1931):
    of two classes chance gives far more, beside the mean, than of six.
    """
    square, cube = (shares.astype(np.float64) ** 2).sum(axis=1), (shares.astype(np.float64) ** 3).sum(axis=1)
    free = np.maximum((1 - square) ** 2 / np.maximum(square - 2 * cube + square**2, 1e-9), 1.0)
    spread = 2 / (9 * free)
    quantile: npt.NDArray[np.float64] = np.maximum(1 - spread + sure * np.sqrt(spread), 0) ** 3
    return quantile


@dataclass(frozen=True)
class _Split:
    """What is counted to split the nodes of a level: ``node`` and ``label`` (class within it) of its rows, (n,), and of
    each node its rows by class (``whole``), in all (``total``), and what is known without a split (``base``).

    Both ways of counting find the same cuts."""

    node: Integers
    nodes: int
    label: Integers
    classes: int
    whole: Reals
    total: Reals
    base: Reals
    least_rows: int

    def all(self, rank: Ranks, width: int, luck: Reals | None) -> tuple[Reals, Integers]:
        """The best cut of every node by a table of all its ranks: score and threshold, (nodes,).

        ``rank``: (n,), in ``range(width)``. ``luck``: by node, what ``_made_by_chance`` is to be taken times of."""
        cells = (self.node * width + rank) * self.classes + self.label
        table = np.bincount(cells, minlength=self.nodes * width * self.classes)
        table = table.reshape(self.nodes, width, self.classes)
        below = np.cumsum(table, axis=1, dtype=np.float32)[:, :-1]
        score = self._score(below.reshape(-1, self.classes), np.repeat(np.arange(self.nodes), width - 1))
        score = score.reshape(self.nodes, width - 1)
        if luck is not None:
            there = np.cumsum(table.sum(axis=2) > 0, axis=1)
            made = np.maximum(_made_by_chance()[there[:, -1:], there[:, :-1]] - 1, 0)
            score = np.where(score > 0, score - luck[:, None] * made, score)
        top = np.argmax(score, axis=1)
        return score[np.arange(self.nodes), top], top

    def few(self, rank: Ranks, width: int, luck: Reals | None) -> tuple[Reals, Integers]:
        """The same by a table of the ranks that there are, for many nodes of few rows."""
        cell = self.node * width + rank
        order = np.argsort(cell, kind="stable")
        cell = cell[order]
        new = np.concatenate(([True], cell[1:] != cell[:-1]))
        run = np.cumsum(new) - 1
        cell = cell[new]
        node = cell // width
        table = np.bincount(run * self.classes + self.label[order], minlength=cell.size * self.classes)
        below = np.cumsum(table.reshape(-1, self.classes), axis=0)
        before = np.cumsum(self.whole, axis=0, dtype=np.float64) - self.whole
        score = self._score((below - before[node]).astype(np.float32), node)
        first = np.searchsorted(node, np.arange(self.nodes))
        if luck is not None:
            many = np.diff(first, append=node.size)
            there = np.arange(node.size) - first[node] + 1
            made = np.maximum(_made_by_chance()[many[node], there] - 1, 0)
            score = np.where(score > 0, score - luck[node] * made, score)
        value = np.maximum.reduceat(score, first)
        best = np.flatnonzero(score == value[node])
        best = best[np.searchsorted(node[best], np.arange(self.nodes))]
        return value, cell[best] - node[best] * width

    def _score(self, below: Reals, node: Integers) -> Reals:
        """What cuts gain by the rows ``below`` them, (cuts, classes), -1 for those that leave too few rows."""
        above = self.whole[node] - below
        count_below = below.sum(axis=1)
        count_above = self.total[node] - count_below
        score = np.einsum("ij,ij->i", below, below) / np.maximum(count_below, 1)
        score += np.einsum("ij,ij->i", above, above) / np.maximum(count_above, 1)
        score -= self.base[node]
        fits = (count_below >= self.least_rows) & (count_above >= self.least_rows)
        found: Reals = np.where(fits, score, np.float32(-1)).astype(np.float32)
        return found


def find_leaves(
    tree: Tree, lookup: npt.NDArray[np.uint8], offsets: Integers, codes: npt.NDArray[np.int32],
    columns: Integers | None = None,
) -> npt.NDArray[np.int64]:  # fmt: skip
    """The leaf of every row, (n,). ``codes``: (n, variables). ``lookup[offsets[f] + code]`` is the rank of a code.
    ``columns``: the variable of each feature, where they are not one and the same."""
    columns = np.arange(offsets.size) if columns is None else columns
    found = np.zeros(codes.shape[0], np.int64)
    for start in range(0, codes.shape[0], _BLOCK):
        found[start : start + _BLOCK] = _find_block(tree, lookup, offsets, codes[start : start + _BLOCK], columns)
    return found


def _find_block(
    tree: Tree, lookup: npt.NDArray[np.uint8], offsets: Integers, codes: npt.NDArray[np.int32], columns: Integers
) -> npt.NDArray[np.int64]:
    node = np.zeros(codes.shape[0], np.int64)
    rows, here = np.arange(codes.shape[0]), node.copy()
    flat, width = np.ascontiguousarray(codes).reshape(-1), codes.shape[1]
    while rows.size:
        feature = tree.feature[here]
        inner = np.flatnonzero(feature >= 0)
        if inner.size < rows.size:
            node[rows] = here
            rows, here, feature = rows[inner], here[inner], feature[inner]
        rank = lookup[offsets[feature] + flat[rows * width + columns[feature]]]
        here = tree.left[here] + (rank > tree.threshold[here]).astype(np.int64)
    return node
