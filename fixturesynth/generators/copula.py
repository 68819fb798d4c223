"""``copula``: a Gaussian copula over codes, the classical tier.

Every code has a normal score, the quantile of the middle of its share; scores are correlated, and a row is a draw from
the normal distribution with these correlations, cut at the bounds of the codes (Nelsen, "An Introduction to Copulas",
2006; Patki, Wedge and Veeramachaneni, "The Synthetic Data Vault", 2016). Drawing adds whole numbers only; what it
divides and roots is done number by number, as IEEE 754 fixes it, and never by a library whose order of sums varies.
"""

from __future__ import annotations

from collections.abc import Mapping
from statistics import NormalDist
from typing import Any

import numpy as np
import numpy.typing as npt

from fixturesynth.generators.contract import CodedTable, Codes, State, Words
from fixturesynth.generators.drawing import checked, learnable, rows_alike, stratified

__all__ = ["Copula"]

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

UNIT = 16  # scores are whole multiples of 2**-16
FACTOR = 14  # and their factors of 2**-14
QUANTILES = 12  # bits of a word that choose between stored quantiles; the next ones go between two of them
SHRINK = 0.999  # of correlations, so that no score follows wholly from others


class Copula:
    """A Gaussian copula behind the contract of generators; stateless."""

    name = "copula"
    version = 1

    def fit(self, table: CodedTable, *, seed: int, time_limit: float | None = None) -> State:
        """Shares of all codes and the correlations of their scores. Raises InputError for a table without rows."""
        codes = learnable(table)
        arrays: dict[str, npt.NDArray[Any]] = {"quantiles": _quantiles()}
        scores = np.empty(codes.shape, np.float64)
        for i, variable in enumerate(table.variables):
            counts = np.bincount(codes[:, i], minlength=variable.size).astype(np.float64)
            ends = np.cumsum(counts) / counts.sum()
            middle = ends - counts / counts.sum() / 2
            arrays[f"{i}.scores"] = _whole(_normal(middle))
            arrays[f"{i}.bounds"] = _whole(_normal(ends[:-1]))
            scores[:, i] = arrays[f"{i}.scores"][codes[:, i]]
        arrays["correlations"] = _correlations(scores)
        return State(self.name, self.version, table.variables, arrays, {"rows": len(codes)})

    def sample(
        self,
        state: State,
        context: Codes,
        uniforms: Words,
        given: Mapping[str, Codes] | None = None,
        *,
        stratify: bool = False,
    ) -> Codes:
        """Codes of shape (n, generated variables); see the contract. What is given counts by its middle score."""
        context, uniforms, known = checked(state, context, uniforms, given)
        free = [i for i, v in enumerate(state.variables) if not v.context]
        fixed = [i for i, v in enumerate(state.variables) if v.context]
        asked = np.full(uniforms.shape, -1, np.int32)
        for k, i in enumerate(free):
            if state.variables[i].name in known:
                asked[:, k] = known[state.variables[i].name]
        out = np.empty(uniforms.shape, np.int32)
        for rows in rows_alike(asked >= 0):
            if not rows.size:
                continue
            told = np.flatnonzero(asked[rows[0]] >= 0)
            drawn = np.flatnonzero(asked[rows[0]] < 0)
            columns = [context[rows, j] for j in range(len(fixed))] + [asked[rows, k] for k in told]
            order = [*fixed, *(free[k] for k in told), *(free[k] for k in drawn)]
            words = uniforms[rows][:, drawn]
            if stratify and drawn.size:
                nobody = np.zeros(rows.size, np.int64)
                words = np.stack([stratified(nobody, column) for column in words.T], axis=1)
            found = _draw(state, order, columns, words)
            out[np.ix_(rows, told)] = asked[np.ix_(rows, told)]
            out[np.ix_(rows, drawn)] = found
        return out


def _draw(state: State, order: list[int], known: list[Codes], words: Words) -> Codes:
    """Codes of the variables behind the ``known`` ones in ``order``, (n, variables)."""
    arrays = state.arrays
    correlations = arrays["correlations"][np.ix_(order, order)]
    factors = np.rint(_cholesky(correlations * 2.0**-FACTOR) * 2.0**FACTOR).astype(np.int64)
    n = len(words)
    shocks = np.zeros((n, len(order)), np.int64)
    out = np.empty((n, len(order) - len(known)), np.int32)
    for i, variable in enumerate(order):
        before = np.zeros(n, np.int64)
        for j in range(i):
            before += factors[i, j] * shocks[:, j]
        own = max(int(factors[i, i]), 1)
        if i < len(known):
            score = arrays[f"{variable}.scores"][known[i]].astype(np.int64) << FACTOR
            shocks[:, i] = np.clip((score - before) // own, -8 << UNIT, 8 << UNIT)
            continue
        shocks[:, i] = _shocks(words[:, i - len(known)], arrays["quantiles"])
        score = (before + own * shocks[:, i]) >> FACTOR
        code = np.searchsorted(arrays[f"{variable}.bounds"], score, side="left")
        out[:, i - len(known)] = code
    return out


def _shocks(words: Words, quantiles: Integers) -> Integers:
    """Standard normal numbers in units of 2**-UNIT, (n,), rising with the words."""
    at = (words >> np.uint64(64 - QUANTILES)).astype(np.int64)
    between = ((words >> np.uint64(64 - QUANTILES - 16)) & np.uint64(0xFFFF)).astype(np.int64)
    return np.asarray(quantiles[at] + ((quantiles[at + 1] - quantiles[at]) * between >> 16), np.int64)


def _quantiles() -> Integers:
    """Quantiles of the normal distribution at equal shares, both ends within the outermost ones."""
    share = np.arange(2**QUANTILES + 1, dtype=np.float64) / 2**QUANTILES
    edge = 0.25 / 2**QUANTILES
    return _whole(_normal(np.clip(share, edge, 1 - edge)))


def _normal(share: Floats) -> Floats:
    inverse = NormalDist().inv_cdf
    return np.array([inverse(min(max(p, 1e-9), 1 - 1e-9)) for p in share.tolist()], np.float64)


def _whole(scores: Floats) -> Integers:
    return np.asarray(np.rint(scores * 2.0**UNIT), np.int64)


def _correlations(scores: Floats) -> Integers:
    """Correlations in units of 2**-FACTOR, (variables, variables); the codes' few scores are taken as they are."""
    centred = scores - scores.mean(axis=0)
    spread = np.sqrt((centred**2).mean(axis=0))
    centred /= np.where(spread > 0, spread, 1.0)
    found = SHRINK * (centred.T @ centred) / len(scores)
    np.fill_diagonal(found, 1.0)
    # Rounding must not make of a correlation matrix what none can be: small eigenvalues are lifted.
    values, vectors = np.linalg.eigh(found)
    found = (vectors * np.maximum(values, 1e-3)) @ vectors.T
    scale = np.sqrt(np.diag(found))
    return np.asarray(np.rint(found / np.outer(scale, scale) * 2.0**FACTOR), np.int64)


def _cholesky(matrix: Floats) -> Floats:
    """Lower factor of a matrix that is positive, column by column; each step is one operation on every element."""
    rest = np.array(matrix, np.float64)
    size = len(rest)
    lower = np.zeros_like(rest)
    for k in range(size):
        pivot = np.sqrt(np.maximum(rest[k, k], 1e-6))
        lower[k:, k] = rest[k:, k] / pivot
        lower[k, k] = pivot
        rest[k + 1 :, k + 1 :] -= lower[k + 1 :, k, None] * lower[None, k + 1 :, k]
    return lower
