"""A perceptron in whole numbers: what the neural plug-ins draw rows with, by numpy alone and the same everywhere.

Weights are int8, activations uint8, as in the network (see ``network.integers``), rounded after training.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from statistics import NormalDist
from typing import Any

import numpy as np
import numpy.typing as npt

from fixturesynth.generators.contract import Codes, Variable, Words
from fixturesynth.generators.network.integers import ACTIVATION, UNIT, exponentials, weights
from fixturesynth.randomness import hashed

__all__ = [
    "BLOCK", "Perceptron", "closed", "normal_numbers", "perceptron_from_arrays", "perceptron_to_arrays", "pick",
    "rounded", "slices",
]  # fmt: skip

Floats = npt.NDArray[np.float32]
Integers = npt.NDArray[np.int64]

BLOCK = 4_096  # rows at once
NEVER = 2**24  # below zero: more nats than the table of exponentials has
LARGEST = 2**21  # of a bias and of a sum of entries
_QUANTILES = 4_096
_HALF = np.uint64(32)


@dataclass(frozen=True)
class Perceptron:
    """``entries``: what each code of each variable adds to the first layer, (codes of all variables, width);
    ``starts``: first row of each variable. ``layers``: weights (in, out), bias (out,) and shift of each layer; the
    last one gives logits of all codes of generated variables, end to end."""

    entries: npt.NDArray[np.int32]
    starts: Integers
    layers: tuple[tuple[npt.NDArray[np.int8], npt.NDArray[np.int32], int], ...]

    def sum_entries(self, codes: Codes, shown: npt.NDArray[np.bool_], variables: Sequence[int]) -> Floats:
        """What the codes of ``variables`` add, (n, width); those not ``shown`` add nothing."""
        out = np.zeros((len(codes), self.entries.shape[1]), np.float32)
        for k, i in enumerate(variables):
            rows = np.flatnonzero(shown[:, k])
            out[rows] += self.entries[self.starts[i] + codes[rows, k]]
        return out

    def logits(self, noise: Floats | None, entered: Floats) -> Floats:
        """Logits in units of 2**-UNIT, (n, codes of all generated variables), not yet whole.

        ``noise``: (n, k) whole multiples of 2**-ACTIVATION; ``entered``: of ``sum_entries``.
        """
        x = noise
        for k, (weight, bias, shift) in enumerate(self.layers):
            y = np.zeros_like(entered) if x is None else x @ weight.astype(np.float32)
            y += bias.astype(np.float32)
            if k == 0:
                y += entered
            if k + 1 < len(self.layers):
                y *= np.float32(2.0**-shift)
                np.rint(y, out=y)
                x = np.clip(y, 0, 255, out=y)
        return np.asarray(y * np.float32(2.0 ** (UNIT - ACTIVATION - shift)), np.float32)


def rounded(
    entries: npt.NDArray[Any], sizes: Sequence[int], layers: Sequence[tuple[npt.NDArray[Any], npt.NDArray[Any]]]
) -> Perceptron:
    """A trained perceptron in whole numbers; ``layers``: float weights (in, out) and biases."""
    kept = []
    for weight, bias in layers:
        shift = int(np.clip(np.floor(np.log2(127 / max(float(np.abs(weight).max(initial=0)), 1e-9))), 1, 12))
        whole = np.rint(weight * 2.0**shift).clip(-127, 127).astype(np.int8)
        kept.append(
            (whole, np.rint(bias * 2.0 ** (shift + ACTIVATION)).clip(-LARGEST, LARGEST).astype(np.int32), shift)
        )
    unit = 2.0 ** (kept[0][2] + ACTIVATION)
    least = LARGEST // max(len(sizes), 1)
    return Perceptron(
        np.rint(entries * unit).clip(-least, least).astype(np.int32),
        np.cumsum([0, *sizes])[:-1].astype(np.int64),
        tuple(kept),
    )


def closed(perceptron: Perceptron, seen: npt.NDArray[np.bool_]) -> Perceptron:
    """The perceptron that never draws a code which no row had; ``seen``: (codes of all generated variables,)."""
    weight, bias, shift = perceptron.layers[-1]
    last = np.where(seen, weight, 0).astype(np.int8), np.where(seen, bias, -NEVER).astype(np.int32), shift
    return replace(perceptron, layers=(*perceptron.layers[:-1], last))


def perceptron_to_arrays(perceptron: Perceptron) -> dict[str, npt.NDArray[Any]]:
    """Named arrays, the table of exponentials and the quantiles of noise among them."""
    arrays: dict[str, npt.NDArray[Any]] = {
        "entries": perceptron.entries, "starts": perceptron.starts, "exponentials": exponentials(),
        "noise": _noise_table(),
    }  # fmt: skip
    for k, (weight, bias, shift) in enumerate(perceptron.layers):
        arrays |= {f"{k}.weight": weight, f"{k}.bias": bias, f"{k}.shift": np.array([shift], np.int64)}
    return arrays


def perceptron_from_arrays(arrays: Mapping[str, npt.NDArray[Any]]) -> Perceptron:
    """The perceptron of ``perceptron_to_arrays``."""
    layers: list[tuple[npt.NDArray[Any], npt.NDArray[Any], int]] = []
    while f"{len(layers)}.weight" in arrays:
        k = len(layers)
        layers.append((arrays[f"{k}.weight"], arrays[f"{k}.bias"], int(arrays[f"{k}.shift"][0])))
    return Perceptron(arrays["entries"], arrays["starts"], tuple(layers))


def _noise_table() -> npt.NDArray[np.int32]:
    inverse = NormalDist().inv_cdf
    scores = [inverse((i + 0.5) / _QUANTILES) for i in range(_QUANTILES)]
    return np.rint(np.array(scores) * 2.0**ACTIVATION).astype(np.int32)


def normal_numbers(arrays: Mapping[str, npt.NDArray[Any]], uniforms: Words, count: int, name: str) -> Floats:
    """Normal numbers in units of activations, (n, count), each from one of the row's words."""
    width = uniforms.shape[1]
    drawn = [hashed(uniforms[:, j % width], 0, name, "noise", j) for j in range(count)]
    at = np.stack(drawn, axis=1) >> np.uint64(64 - 12)
    return np.asarray(arrays["noise"][at.astype(np.int64)], np.float32)


def pick(logits: Floats, raw: Words, table: npt.NDArray[np.int32]) -> tuple[Codes, Integers]:
    """A code for each row by its logits, (n,), and the weights of all codes, (n, codes)."""
    mass = weights(logits, table).astype(np.int64)
    running = np.cumsum(mass, axis=1)
    target = ((raw >> _HALF) * running[:, -1].astype(np.uint64)) >> _HALF
    return (running <= target.astype(np.int64)[:, None]).sum(axis=1).astype(np.int32), mass


def slices(variables: Sequence[Variable]) -> list[slice]:
    """Where the logits of each generated variable are."""
    ends = np.cumsum([0, *(v.size for v in variables if not v.context)]).tolist()
    return [slice(a, b) for a, b in pairwise(ends)]
