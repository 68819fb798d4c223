"""The trained network in whole numbers: the same bits on every machine, whatever multiplies the matrices.

Weights are int8 and activations uint8, so that every product of a layer is a whole number below 2**24. float32 holds
those exactly, and every partial sum of them: BLAS may add in any order, with any number of threads, and is right.
What divides is a power of two, what decides is a comparison of integers.

One token is predicted so. The hidden state is the sum of the embeddings of the tokens observed so far; observing one
more adds a row of its table. From there each token has two narrow layers and a head of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = [
    "ACTIVATION", "LARGEST", "MOST_ROWS", "TOP", "UNIT", "Head", "Layers", "exponentials", "heads_of",
    "layers_from_arrays", "layers_to_arrays", "logits", "weights",
]  # fmt: skip

Floats = npt.NDArray[np.float32]

ACTIVATION = 5  # activations are whole multiples of 2**-5
UNIT = 6  # logits are looked up in steps of 2**-6
LARGEST = 2**22  # of a bias or a logit; the sum of a product and two of them stays below 2**24
TOP = 2**22  # weight of the most likely class
MOST_ROWS = 4_096  # rows that go through the layers at once: they stay in the processor's cache

_NATS = 16  # below the largest logit nothing is drawn


@dataclass(frozen=True)
class Layers:
    """Whole numbers of a trained network, as they are stored.

    ``embeddings``: (codes of all tokens, width) int8 in units of 2**-``scale``; ``starts``: first row of each token.
    For generated tokens, in the order of tokens: ``place`` (tokens, width), ``first`` (tokens, width, narrow),
    ``second`` (tokens, narrow, narrow), with their biases (tokens, narrow) and shifts (tokens,); heads end to end,
    ``head`` (classes of all, narrow), ``head_bias`` (classes of all,), ``head_shift`` (tokens,). ``inside``: what a
    group says of the places in it, by token, (groups, places). ``table``: weights of logits below the largest.
    """

    embeddings: npt.NDArray[np.int8]
    scale: int
    place: npt.NDArray[np.int32]
    first: npt.NDArray[np.int8]
    first_bias: npt.NDArray[np.int32]
    first_shift: npt.NDArray[np.int32]
    second: npt.NDArray[np.int8]
    second_bias: npt.NDArray[np.int32]
    second_shift: npt.NDArray[np.int32]
    head: npt.NDArray[np.int8]
    head_bias: npt.NDArray[np.int32]
    head_shift: npt.NDArray[np.int32]
    inside: Mapping[int, npt.NDArray[np.int32]]
    table: npt.NDArray[np.int32]


@dataclass(frozen=True)
class Head:
    """One token's part of the network, scaled by powers of two for float32: what is exact stays exact."""

    size: int
    place: Floats
    first: Floats
    first_bias: Floats
    second: Floats
    second_bias: Floats
    head: Floats
    head_bias: Floats
    inside: Floats | None


def exponentials() -> npt.NDArray[np.int32]:
    """Weights of logits that lie 0, 1, ... units below the largest one: round(TOP * exp(-i * 2**-UNIT)), 0 at the end.

    The last bit of an exponential differs between machines, so the table is stored with the model.
    """
    steps = np.arange(_NATS << UNIT, dtype=np.float64)
    table: npt.NDArray[np.int32] = np.rint(TOP * np.exp(-steps * 2.0**-UNIT)).astype(np.int32)
    table[-1] = 0
    return table


def heads_of(layers: Layers, sizes: list[int], context: int) -> list[Head]:
    """A head for every generated token; ``sizes``: classes of each of them."""
    ends = np.cumsum(sizes)
    out = []
    for i, (size, end) in enumerate(zip(sizes, ends.tolist(), strict=True)):
        own = slice(end - size, end)
        inner = np.float32(2.0 ** -(layers.scale - ACTIVATION))
        first, second = (np.float32(2.0 ** -float(s[i])) for s in (layers.first_shift, layers.second_shift))
        last = np.float32(2.0 ** -float(layers.head_shift[i] + ACTIVATION - UNIT))
        inside = layers.inside.get(context + i)
        out.append(
            Head(
                size=size,
                place=layers.place[i].astype(np.float32) * inner,
                first=layers.first[i].astype(np.float32) * first,
                first_bias=layers.first_bias[i].astype(np.float32) * first,
                second=layers.second[i].astype(np.float32) * second,
                second_bias=layers.second_bias[i].astype(np.float32) * second,
                head=np.ascontiguousarray(layers.head[own].T).astype(np.float32) * last,
                head_bias=layers.head_bias[own].astype(np.float32) * last,
                inside=None if inside is None else inside.astype(np.float32) * last,
            )
        )
    return out


def logits(head: Head, hidden: Floats, group: npt.NDArray[np.int32] | None) -> Floats:
    """Logits of one token in units of 2**-UNIT, not yet whole, (n, classes).

    ``hidden``: (n, width), the sum of embeddings in units of activations. ``group``: the group's token, for a place.
    """
    x = hidden + head.place
    np.rint(x, out=x)
    np.clip(x, 0, 255, out=x)
    y = x @ head.first
    y += head.first_bias
    np.rint(y, out=y)
    np.clip(y, 0, 255, out=y)
    z = y @ head.second
    z += head.second_bias
    np.maximum(z, 0, out=z)
    z += y
    np.rint(z, out=z)
    np.minimum(z, 255, out=z)
    out = z @ head.head
    out += head.head_bias
    if head.inside is not None and group is not None:
        out += head.inside[group]
    return np.asarray(out, np.float32)


def weights(found: Floats, table: npt.NDArray[np.int32]) -> npt.NDArray[np.int32]:
    """Whole weights of the classes, (n, classes), from logits; they are overwritten."""
    np.subtract(found.max(axis=1, keepdims=True), found, out=found)
    np.minimum(found, table.size - 1, out=found)
    return np.asarray(table.take(found.astype(np.intp)), np.int32)


def layers_to_arrays(layers: Layers) -> dict[str, npt.NDArray[Any]]:
    """Named arrays of a network."""
    arrays = {name: value for name, value in vars(layers).items() if isinstance(value, np.ndarray)}
    return {**arrays, **{f"{i}.inside": table for i, table in layers.inside.items()}}


def layers_from_arrays(arrays: Mapping[str, npt.NDArray[Any]], scale: int) -> Layers:
    """The network of ``layers_to_arrays``."""
    inside = {int(name.removesuffix(".inside")): table for name, table in arrays.items() if name.endswith(".inside")}
    names = [n for n in Layers.__annotations__ if n not in ("scale", "inside")]
    return Layers(**{n: arrays[n] for n in names}, scale=scale, inside=inside)
