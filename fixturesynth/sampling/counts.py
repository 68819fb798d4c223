"""Children per parent: integer sequences with an exact sum and a given shape."""

import numpy as np
import numpy.typing as npt

from fixturesynth.randomness import hashed

__all__ = ["allot", "assign_by_score", "default_counts", "starts", "stretch"]

Integers = npt.NDArray[np.int64]


def allot(weights: Integers, total: int, order: npt.NDArray[np.uint64] | None = None) -> Integers:
    """``total`` split in proportion to ``weights`` (largest remainder), shape (n,); zero weights get nothing.

    Ties go by ``order`` (any words), else by position. All weights zero: split evenly.

    >>> allot(np.array([1, 1, 2]), 8)
    array([2, 2, 4])
    """
    if total < 0:
        raise ValueError(f"total must not be negative, however: {total=}")
    weights = np.asarray(weights, dtype=np.int64)
    if not weights.size:
        return weights
    mass = int(weights.sum())
    if mass == 0:
        weights, mass = np.ones_like(weights), weights.size
    # Whole quotas first, so that weights * rest stays far below 2**63 for any realistic table; else Python's integers.
    whole, rest = divmod(total, mass)
    product = weights.astype(object) * rest if int(weights.max()) * rest >= 2**62 else weights * rest
    share = np.asarray(product // mass, dtype=np.int64)
    remainder = np.asarray(product % mass, dtype=np.int64)
    out = weights * whole + share
    missing = total - int(out.sum())
    if missing:
        ties = np.arange(weights.size, dtype=np.uint64) if order is None else order
        winners = np.lexsort((ties, -remainder))[:missing]
        out[winners] += 1
    return out


def stretch(counts: tuple[tuple[int, int], ...], parents: int, total: int) -> Integers:
    """A sorted sequence of ``parents`` counts with sum ``total``, shaped like the histogram (count, parents).

    The histogram's quantile function is read at (i + 1/2) / parents, then scaled to the total: with as many parents
    and children as the histogram has, the very same counts come back.
    """
    if parents == 0:
        return np.zeros(0, dtype=np.int64)
    values = np.array([c for c, _ in counts] or [1], dtype=np.int64)
    ends = np.cumsum(np.array([p for _, p in counts] or [1], dtype=np.int64))
    points = ((2 * np.arange(parents, dtype=np.int64) + 1) * int(ends[-1])) // (2 * parents)
    drawn = values[np.searchsorted(ends, points, side="right")]
    return np.sort(allot(drawn, total))


def assign_by_score(sequence: Integers, score: npt.NDArray[np.int64], seed: int, *address: str | int) -> Integers:
    """The sorted ``sequence`` dealt out so that higher scores get higher counts; ties by keyed hash of the row."""
    ties = hashed(np.arange(score.size), seed, *address, "ties")
    out = np.empty_like(sequence)
    out[np.lexsort((ties, score))] = sequence
    return out


# Weights of parents when nothing is known: one in eight has no child, a few have many.
LAW = np.array([0, 1, 1, 2, 2, 3, 4, 7], dtype=np.int64)


def default_counts(parents: int, total: int, cap: int | None, seed: int, *address: str | int) -> Integers:
    """Counts for ``parents`` parents by the default law, at most ``cap`` each, with sum ``total``."""
    words = hashed(np.arange(parents), seed, *address, "law")
    weights = LAW[(words >> np.uint64(61)).astype(np.int64)]
    if cap is None:
        return allot(weights, total, words)
    if total > cap * parents:
        raise ValueError(f"{total} children do not fit {parents} parents of at most {cap} each: {address}")
    out = np.minimum(allot(weights, total, words), cap)
    while (missing := total - int(out.sum())) > 0:
        room = cap - out
        out += np.minimum(allot(np.where(room > 0, np.maximum(weights, 1), 0), missing, words), room)
    return out


def starts(counts: Integers) -> Integers:
    """First child's rank of every parent, and the total at the end; shape (parents + 1,)."""
    return np.concatenate(([0], np.cumsum(counts))).astype(np.int64)
