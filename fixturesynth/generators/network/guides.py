"""Trees that say what a variable mostly is in rows like this one, before the network says more.

Where values change at once, at a boundary of another variable or two, a sum of embeddings bends only after many steps,
and never so sharply; a tree is cut there from the beginning. So each variable has a small tree on those before it, each
leaf of which says how much likelier every class is there than elsewhere. The network is trained from there on: what
comes out is a product of both.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from fixturesynth.generators.growing import Growth, Tree, find_leaves, grow, rank_feature, share_of_chance
from fixturesynth.generators.network.tokens import Tokens

__all__ = ["Guide", "find_guides", "guides_from_arrays", "guides_to_arrays", "leaf_ratios"]

Integers = npt.NDArray[np.int64]
Column = npt.NDArray[np.int32]

LEAST_ROWS = (12, 80)  # in a leaf: one in a hundred rows, within these
MOST_LEAVES = 128
SURE = 2.0  # standard deviations above what chance gives a split
SURER = 4.0  # the same beside context: what rows of one parent err in adds up
LEAST_GROUPS = 5  # root entities in a leaf
ROWS = 60_000  # rows on which trees are grown
SMOOTHED = 20.0  # rows as in the whole table that are added to each leaf


@dataclass(frozen=True)
class Guide:
    """``target``, ``sources``: first tokens of variables; the tree's features are the sources, in order. ``ranks``:
    of the classes of all sources, end to end from ``offsets``. ``leaf``: which leaf a node is, (nodes,)."""

    target: int
    sources: tuple[int, ...]
    tree: Tree
    ranks: npt.NDArray[np.uint8]
    offsets: Integers
    leaf: Column

    @property
    def leaves(self) -> int:
        return int(self.leaf.max()) + 1

    def find(self, columns: Mapping[int, Column]) -> Column:
        """The leaf of every row, (n,), from columns of tokens."""
        codes = np.stack([columns[source] for source in self.sources], axis=1)
        return np.asarray(self.leaf[find_leaves(self.tree, self.ranks, self.offsets, codes)], np.int32)


def find_guides(
    tokens: Tokens, columns: Column, order: Sequence[int], groups: npt.NDArray[np.int64] | None
) -> tuple[Guide, ...]:
    """A guide for each generated variable that a tree tells something of, in the order of targets.

    ``columns``: tokens of every row, (n, tokens). ``order``: variables as they are mostly drawn; what a tree sees comes
    before its target. ``groups``: root entity of every row; a leaf holds rows of several.
    """
    seen = [i for i, token in enumerate(tokens.tokens) if token.context]
    owner = np.arange(len(columns)) if groups is None else np.unique(groups, return_inverse=True)[1]
    found = []
    for variable in order:
        target = tokens.of(variable)[0]
        guide = _guide(tokens, columns, seen, target, owner)
        if guide is not None:
            found.append(guide)
        seen.append(target)
    return tuple(sorted(found, key=lambda guide: guide.target))


def _guide(tokens: Tokens, columns: Column, seen: Sequence[int], target: int, owner: Integers) -> Guide | None:
    if not seen:
        return None
    step = max(1, len(columns) // ROWS)
    own = columns[::step, target].astype(np.int64)
    sizes = {i: tokens.tokens[i].size for i in (*seen, target)}
    ordered = {i: tokens.tokens[i].ordered for i in sizes}
    some = {i: columns[::step, i].astype(np.int64) for i in seen}
    ranks = {i: rank_feature(some[i], sizes[i], ordered[i], own, sizes[target], ordered[target]) for i in seen}
    chance = {
        f: share_of_chance(some[i], sizes[i], own, sizes[target])
        for f, i in enumerate(seen)
        if not ordered[i] and sizes[i] > 2
    }
    table = np.array([ranks[i][some[i]] for i in seen], np.uint8)
    growth = Growth(int(np.clip(len(columns) // 100, *LEAST_ROWS)), MOST_LEAVES, sure=SURER if tokens.context else SURE)
    tree = grow(table, own, sizes[target], ordered[target], growth, chance=chance)
    used = np.unique(tree.feature[tree.feature >= 0])
    if not used.size:
        return None
    place = np.full(len(seen) + 1, -1)
    place[used] = np.arange(used.size)
    tree = Tree(place[tree.feature].astype(np.int32), tree.threshold, tree.left, tree.parent)
    sources = tuple(seen[f] for f in used.tolist())
    offsets = np.cumsum([0, *(sizes[i] for i in sources)])[:-1].astype(np.int64)
    lookup = np.concatenate([ranks[i] for i in sources])
    found = find_leaves(tree, lookup, offsets, columns[:, list(sources)])
    tree = _pruned(tree, found, owner)
    if tree.feature[0] < 0:
        return None
    return Guide(target, sources, tree, lookup, offsets, _numbered(tree))


def _pruned(tree: Tree, leaf: Integers, owner: Integers) -> Tree:
    """The tree without splits below which a leaf has rows of few root entities. ``leaf``, ``owner``: of every row."""
    nodes, feature = tree.feature.size, tree.feature.copy()
    wide = int(owner.max()) + 1
    pairs = np.unique(leaf * wide + owner)
    at, who = pairs // wide, pairs % wide
    while True:
        support = np.bincount(at, minlength=nodes)
        left = np.flatnonzero(feature >= 0)
        ends = left[(feature[tree.left[left]] < 0) | (feature[tree.left[left] + 1] < 0)]
        poor = np.zeros(nodes, bool)
        for child in (tree.left[ends], tree.left[ends] + 1):
            poor[ends] |= (feature[child] < 0) & (support[child] < LEAST_GROUPS)
        if not poor.any():
            return Tree(feature, tree.threshold, tree.left, tree.parent)
        # All that is below becomes one leaf.
        below = poor.copy()
        for node in range(1, nodes):
            below[node] |= below[tree.parent[node]]
        top = np.arange(nodes)
        for node in range(1, nodes):
            if below[tree.parent[node]]:
                top[node] = top[tree.parent[node]]
        feature[below] = -1
        pairs = np.unique(top[at] * wide + who)
        at, who = pairs // wide, pairs % wide


def _numbered(tree: Tree) -> Column:
    """The number of each leaf that can be reached, (nodes,), 0 for other nodes."""
    there = np.ones(tree.feature.size, bool)
    for node in range(1, there.size):
        there[node] = there[tree.parent[node]] and tree.feature[tree.parent[node]] >= 0
    ends = np.flatnonzero(there & (tree.feature < 0))
    leaf = np.zeros(there.size, np.int32)
    leaf[ends] = np.arange(ends.size)
    return leaf


def leaf_ratios(guide: Guide, tokens: Tokens, columns: Column) -> npt.NDArray[np.float32]:
    """How much likelier each class is in each leaf than in all rows, in nats, (leaves, classes)."""
    size = tokens.tokens[guide.target].size
    own = columns[:, guide.target].astype(np.int64)
    leaf = guide.find(dict(enumerate(columns.T)))
    counts = np.bincount(leaf * np.int64(size) + own, minlength=guide.leaves * size)
    counts = counts.reshape(guide.leaves, size)
    share = np.bincount(own, minlength=size) / max(len(own), 1)
    smooth = (counts + SMOOTHED * share) / (counts.sum(axis=1, keepdims=True) + SMOOTHED)
    return np.where(share > 0, np.log(np.maximum(smooth, 1e-12) / np.maximum(share, 1e-12)), 0.0).astype(np.float32)


def guides_to_arrays(guides: Sequence[Guide]) -> dict[str, npt.NDArray[Any]]:
    """Named arrays of guides."""
    arrays: dict[str, npt.NDArray[Any]] = {"guides": np.array([g.target for g in guides], np.int32)}
    for i, guide in enumerate(guides):
        arrays |= {
            f"{i}.sources": np.array(guide.sources, np.int32), f"{i}.feature": guide.tree.feature,
            f"{i}.threshold": guide.tree.threshold, f"{i}.left": guide.tree.left, f"{i}.ranks": guide.ranks,
            f"{i}.offsets": guide.offsets, f"{i}.leaf": guide.leaf,
        }  # fmt: skip
    return arrays


def guides_from_arrays(arrays: Mapping[str, npt.NDArray[Any]]) -> tuple[Guide, ...]:
    """The guides of ``guides_to_arrays``."""
    found = []
    for i, target in enumerate(arrays["guides"].tolist()):
        feature = arrays[f"{i}.feature"]
        tree = Tree(feature, arrays[f"{i}.threshold"], arrays[f"{i}.left"], feature)
        sources = tuple(arrays[f"{i}.sources"].tolist())
        found.append(Guide(target, sources, tree, arrays[f"{i}.ranks"], arrays[f"{i}.offsets"], arrays[f"{i}.leaf"]))
    return tuple(found)
