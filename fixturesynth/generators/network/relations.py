"""Numbers that go together: one variable's code beside where another one leads to expect it.

A bill that is about last month's, a payment that is the whole bill, a delay like the one before: what such a variable
is can be said in few numbers by how far it lies from the other one, and only with many in classes of its own. For
each pair a table says which code goes with each of the other's (the one that comes with it most above chance); the
network then predicts, and sees, the distance from there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from fixturesynth.generators.network.tokens import Tokens

__all__ = ["AHEAD", "SHOWN", "Relation", "find_relations", "log_ratios", "relations_from_arrays", "relations_to_arrays"]

Floats = npt.NDArray[np.float64]
Column = npt.NDArray[np.int32]

AHEAD = 8  # distances from the expected code that are predicted one by one, on either side
SHOWN = 3  # distances that later variables see one by one, on either side
MOST = 2  # relations of one variable
FEWEST_CODES = 12  # of a variable, for distances to say more than the codes do
LEAST = 0.05  # nats a row that the distance must say more than chance
ROWS = 40_000  # rows looked at
MOST_NATS = 4.0  # of a distance, before training


@dataclass(frozen=True)
class Relation:
    """``target`` and ``source``: tokens. ``centre``: the code of the target that goes with each of the source's."""

    target: int
    source: int
    centre: Column

    def distance(self, target: Column, source: Column) -> Column:
        """How far the target lies from what the source leads to expect, 0 to 2 * SHOWN + 2 for far below to above."""
        apart = target - self.centre[source]
        return np.clip(apart, -SHOWN - 1, SHOWN + 1) + np.int32(SHOWN + 1)


def find_relations(tokens: Tokens, columns: Column, order: Sequence[int]) -> tuple[Relation, ...]:
    """At most MOST for each generated variable, those first that say most, in the order of targets.

    ``columns``: tokens of every row, (n, tokens). ``order``: variables as they are mostly drawn; a source comes before
    its target. Tables are made on every second row and judged on the others.
    """
    step = max(1, len(columns) // ROWS)
    learned, tried = columns[::step][::2], columns[::step][1::2]
    if not len(tried):
        return ()
    place = {variable: k for k, variable in enumerate(order)}
    leads = [i for i, t in enumerate(tokens.tokens) if t.group < 0 and t.ordered and t.size >= FEWEST_CODES]
    found = []
    for target in leads:
        if tokens.tokens[target].context:
            continue
        candidates = []
        for source in leads:
            token = tokens.tokens[source]
            if token.context or place[token.variable] < place[tokens.tokens[target].variable]:
                relation = _related(tokens, learned, target, source)
                candidates.append((_gain(tokens, tried, relation), relation))
        candidates.sort(key=lambda pair: (-round(pair[0], 9), pair[1].source))
        found += [relation for gain, relation in candidates[:MOST] if gain > LEAST]
    return tuple(found)


def _related(tokens: Tokens, columns: Column, target: int, source: int) -> Relation:
    wide, high = tokens.tokens[source].size, tokens.tokens[target].size
    cells = columns[:, source].astype(np.int64) * high + columns[:, target]
    table = np.bincount(cells, minlength=wide * high).reshape(wide, high).astype(np.float64)
    expected = np.outer(table.sum(axis=1), table.sum(axis=0)) / table.sum()
    table, expected = _smoothed(table), _smoothed(expected)
    standing = np.round((table - expected) / np.sqrt(expected + 1.0), 6)
    return Relation(target, source, np.argmax(standing, axis=1).astype(np.int32))


def _smoothed(table: Floats) -> Floats:
    for axis in (0, 1):
        padded = np.pad(table, [(1, 1) if k == axis else (0, 0) for k in (0, 1)])
        before, after = (np.take(padded, np.arange(table.shape[axis]) + k, axis=axis) for k in (0, 2))
        table = before / 4 + table / 2 + after / 4
    return table


def _gain(tokens: Tokens, columns: Column, relation: Relation) -> float:
    """Nats a row by which the distances differ from those of the same codes put together by chance."""
    share, expected = _distances(tokens, columns, relation)
    there = share > 0
    return float((share[there] * np.log(share[there] / np.maximum(expected[there], 1e-12))).sum())


def log_ratios(tokens: Tokens, columns: Column, relation: Relation) -> npt.NDArray[np.float32]:
    """How much more often each distance comes than by chance, as a logarithm, (2 * AHEAD + 1,)."""
    share, expected = _distances(tokens, columns, relation)
    weight = 10.0 / max(len(columns), 1)
    ratio = np.log((share + weight * expected) / np.maximum((1 + weight) * expected, 1e-12))
    far = (share[0] + share[-1] + weight) / (expected[0] + expected[-1] + weight)
    return np.clip(ratio[1:-1] - np.log(far), -MOST_NATS, MOST_NATS).astype(np.float32)


def _distances(tokens: Tokens, columns: Column, relation: Relation) -> tuple[Floats, Floats]:
    """Shares of distances, those beyond AHEAD together at both ends: as they come, and by chance, (2 * AHEAD + 3,)."""
    high = tokens.tokens[relation.target].size
    apart = columns[:, relation.target] - relation.centre[columns[:, relation.source]]
    seen = np.bincount(np.clip(apart, -AHEAD - 1, AHEAD + 1) + AHEAD + 1, minlength=2 * AHEAD + 3)
    centres = np.bincount(relation.centre[columns[:, relation.source]], minlength=high)
    targets = np.bincount(columns[:, relation.target], minlength=high)
    chance = np.convolve(targets, centres[::-1]).astype(np.float64)  # of distance - (high - 1) to high - 1
    kept = np.clip(np.arange(-high + 1, high), -AHEAD - 1, AHEAD + 1) + AHEAD + 1
    expected = np.bincount(kept, weights=chance, minlength=2 * AHEAD + 3) / chance.sum()
    return seen / seen.sum(), expected


def relations_to_arrays(relations: Sequence[Relation]) -> dict[str, npt.NDArray[np.int32]]:
    """Named arrays of relations."""
    pairs = np.array([[r.target, r.source] for r in relations], np.int32).reshape(-1, 2)
    return {"relations": pairs, **{f"{i}.centre": r.centre for i, r in enumerate(relations)}}


def relations_from_arrays(arrays: Mapping[str, npt.NDArray[Any]]) -> tuple[Relation, ...]:
    """The relations of ``relations_to_arrays``."""
    pairs = arrays["relations"].tolist()
    return tuple(Relation(target, source, arrays[f"{i}.centre"]) for i, (target, source) in enumerate(pairs))
