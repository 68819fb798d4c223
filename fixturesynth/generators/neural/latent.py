"""Rows from a decoder: noise and context in, independent choices by its logits out. Shared by ``vae`` and ``gan``."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from fixturesynth.generators.contract import Codes, State, Words
from fixturesynth.generators.drawing import checked
from fixturesynth.generators.encoding.bins import multiply_high
from fixturesynth.generators.neural.perceptron import (
    BLOCK,
    Perceptron,
    normal_numbers,
    perceptron_from_arrays,
    pick,
    slices,
)
from fixturesynth.randomness import hashed

__all__ = ["draw_latent"]

Integers = npt.NDArray[np.int64]

CANDIDATES = 16  # draws of the noise among which a row with given variables is chosen


def draw_latent(
    state: State, context: Codes, uniforms: Words, given: Mapping[str, Codes] | None, *, conditioned: bool
) -> Codes:
    """Codes of shape (n, generated variables).

    Given variables are met by importance: the noise is drawn CANDIDATES times, and one is kept by the likelihood that
    the decoder then gives to them (Rubin 1987): an approximation for rare combinations. ``conditioned``: the decoder
    was told one code of each row, drawn here as often as it comes (Xu et al. 2019).
    """
    context, uniforms, known = checked(state, context, uniforms, given)
    free = [v.name for v in state.variables if not v.context]
    asked = np.full(uniforms.shape, -1, np.int32)
    for name, wish in known.items():
        asked[:, free.index(name)] = wish
    perceptron = perceptron_from_arrays(state.arrays)
    out = np.empty(uniforms.shape, np.int32)
    for start in range(0, len(uniforms), BLOCK):
        here = slice(start, start + BLOCK)
        out[here], likelihood = _candidate(
            state, perceptron, context[here], uniforms[here], asked[here], 0, conditioned
        )
        rows = np.flatnonzero((asked[here] >= 0).any(axis=1))
        if rows.size:
            found, running = [out[here][rows]], [likelihood[rows]]
            for k in range(1, CANDIDATES):
                more, weight = _candidate(
                    state, perceptron, context[here][rows], uniforms[here][rows], asked[here][rows], k, conditioned
                )
                found.append(more)
                running.append(running[-1] + weight)
            choice = hashed(uniforms[here][rows, 0], 0, state.generator, "choice")
            drawn = multiply_high(choice, running[-1].astype(np.uint64)).astype(np.int64)
            kept = (np.stack(running) <= drawn).sum(axis=0)
            out[start + rows] = np.stack(found)[kept, np.arange(rows.size)]
    return out


def _candidate(
    state: State, perceptron: Perceptron, context: Codes, uniforms: Words, asked: Codes, k: int, conditioned: bool
) -> tuple[Codes, Integers]:
    """One draw of every row, and the likelihood of what is asked in it, scaled to at most 2**46."""
    words = uniforms if k == 0 else hashed(uniforms, 0, state.generator, "candidate", k)
    n, above = len(words), context.shape[1]
    noise = None
    if state.facts["noise"]:
        noise = normal_numbers(state.arrays, words, int(state.facts["noise"]), state.generator)
    entered = perceptron.sum_entries(context, np.ones(context.shape, bool), range(above))
    if conditioned:
        for variable, rows, codes in _conditions(state, words, asked):
            entered[rows] += perceptron.entries[perceptron.starts[above + variable] + codes]
    logits = perceptron.logits(noise, entered)
    out = np.empty(asked.shape, np.int32)
    likelihood = np.full(n, 2**46, np.int64)
    for i, own in enumerate(slices(state.variables)):
        out[:, i], mass = pick(logits[:, own], words[:, i], state.arrays["exponentials"])
        told = asked[:, i] >= 0
        if told.any():
            out[told, i] = asked[told, i]
            chance = (mass[told, asked[told, i]] << 16) // mass[told].sum(axis=1)
            likelihood[told] = np.maximum(likelihood[told] * np.maximum(chance, 1) >> 16, 1)
    return out, likelihood


def _conditions(state: State, words: Words, asked: Codes) -> list[tuple[int, Integers, Codes]]:
    """The variable and code that each row's decoder is told: one that is asked, else any by its share.

    As (variable, rows, codes of these rows).
    """
    variables = asked.shape[1]
    chosen = (hashed(words[:, 0], 0, state.generator, "variable") % np.uint64(variables)).astype(np.int64)
    wanted = asked >= 0
    chosen = np.where(wanted.any(axis=1), np.argmax(wanted, axis=1), chosen)
    out = []
    for i in range(variables):
        rows = np.flatnonzero(chosen == i)
        running = state.arrays[f"{i}.running"]
        raw = hashed(words[rows, i], 0, state.generator, "value")
        drawn = multiply_high(raw, np.full(rows.size, running[-1], np.uint64)).astype(np.int64)
        codes = np.searchsorted(running, drawn, side="right").astype(np.int32)
        out.append((i, rows, np.where(asked[rows, i] >= 0, asked[rows, i], codes)))
    return out
