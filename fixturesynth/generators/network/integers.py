"""The trained network in whole numbers: the same bits on every machine, whatever multiplies the matrices.

Weights are int8 and activations uint8, so that every product of a layer is a whole number below 2**24. float32 holds
those exactly, and every partial sum of them: BLAS may add in any order, with any number of threads, and is right.
What divides is a power of two, what decides is a comparison of integers.

One variable is predicted so. The hidden state is the sum of the embeddings of the tokens observed so far, and of
distances between those that are related; observing one more adds a row of its table. From there each variable has two
narrow layers and a head of its own, whose outputs are its classes, the places inside them, and for each relation
what is added to the classes around the one that the other variable leads to expect, and to the place expected there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from fixturesynth.generators.network.relations import AHEAD, Relation
from fixturesynth.generators.network.tokens import Tokens

__all__ = [
    "ACTIVATION", "EACH", "LARGEST", "LARGEST_CLASS", "LARGEST_LEAF", "LARGEST_NEAR", "MOST_ROWS", "NEAR", "TOP",
    "UNIT", "Head", "Layers", "columns_of", "exponentials", "heads_of", "layers_from_arrays", "layers_to_arrays",
    "near", "outputs", "placed", "weights",
]  # fmt: skip

Floats = npt.NDArray[np.float32]
Column = npt.NDArray[np.int32]

ACTIVATION = 5  # activations are whole multiples of 2**-5
UNIT = 6  # logits are looked up in steps of 2**-6
LARGEST = 2**22  # of a bias of a layer, or of a place
LARGEST_CLASS = 2**21  # of a bias of a class
LARGEST_LEAF = 2**20  # of what a leaf says
LARGEST_NEAR = 2**19  # of a bias of a relation; a product, a class's bias, a leaf, four relations stay below 2**24
TOP = 2**22  # weight of the most likely class
MOST_ROWS = 1_024  # rows that go through the layers at once: they stay in the processor's cache

NEAR = 2 * AHEAD + 1  # distances of one relation
EACH = NEAR + 1  # outputs of one relation: its distances, and the place it leads to expect

_NATS = 16  # below the largest logit nothing is drawn


@dataclass(frozen=True)
class Layers:
    """Whole numbers of a trained network, as they are stored.

    ``embeddings``: (codes of all tokens, width) int8 in units of 2**-``scale``; ``distances``: the same for the
    distances of each relation, (relations, 2 * SHOWN + 3, width). For generated variables, in order: ``place``
    (variables, width), ``first`` (variables, width, narrow), ``second`` (variables, narrow, narrow), with their biases
    (variables, narrow) and shifts (variables,); heads end to end, ``head`` (outputs of all, narrow), ``head_bias``
    (outputs of all,), ``head_shift`` (variables,). ``inside``: what a group says of the places in it, by token,
    (groups, places). ``leaves``: what a guide says of the classes, by its target, (leaves, classes). ``table``:
    weights of logits below the largest.
    """

    embeddings: npt.NDArray[np.int8]
    distances: npt.NDArray[np.int8]
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
    leaves: Mapping[int, npt.NDArray[np.int32]]
    table: npt.NDArray[np.int32]


@dataclass(frozen=True)
class Head:
    """One variable's part of the network, scaled by powers of two for float32: what is exact stays exact.

    ``size``: classes; ``places``: places inside them, 0 where there are none; ``inside``: what each class says of
    them, (classes, places). ``relations``: indices of those whose target it is, as their outputs follow. ``leaves``:
    what its guide says of them, (classes, leaves), where it has one.
    """

    size: int
    places: int
    relations: tuple[int, ...]
    place: Floats
    first: Floats
    first_bias: Floats
    second: Floats
    second_bias: Floats
    head: Floats
    head_bias: Floats
    inside: Floats | None
    leaves: Floats | None


def columns_of(tokens: Tokens, relations: Sequence[Relation]) -> list[tuple[int, int, tuple[int, ...]]]:
    """For each generated variable how many classes and places it has, and which relations lead to it."""
    out = []
    for lead in tokens.leads:
        inside = tokens.inside(lead)
        places = 0 if inside is None else tokens.tokens[inside].size
        out.append((tokens.tokens[lead].size, places, tuple(i for i, r in enumerate(relations) if r.target == lead)))
    return out


def exponentials() -> npt.NDArray[np.int32]:
    """Weights of logits that lie 0, 1, ... units below the largest one: round(TOP * exp(-i * 2**-UNIT)), 0 at the end.

    The last bit of an exponential differs between machines, so the table is stored with the model.
    """
    steps = np.arange(_NATS << UNIT, dtype=np.float64)
    table: npt.NDArray[np.int32] = np.rint(TOP * np.exp(-steps * 2.0**-UNIT)).astype(np.int32)
    table[-1] = 0
    return table


def heads_of(layers: Layers, tokens: Tokens, relations: Sequence[Relation]) -> list[Head]:
    """A head for every generated variable."""
    out, end = [], 0
    inner = np.float32(2.0 ** -(layers.scale - ACTIVATION))
    for i, (size, places, own) in enumerate(columns_of(tokens, relations)):
        begin, end = end, end + size + places + len(own) * EACH
        first, second = (np.float32(2.0 ** -float(s[i])) for s in (layers.first_shift, layers.second_shift))
        last = np.float32(2.0 ** -float(layers.head_shift[i] + ACTIVATION - UNIT))
        inside = layers.inside.get(tokens.leads[i] + 1) if places else None
        leaves = layers.leaves.get(tokens.leads[i])
        out.append(
            Head(
                size=size,
                places=places,
                relations=own,
                place=layers.place[i].astype(np.float32) * inner,
                first=layers.first[i].astype(np.float32) * first,
                first_bias=layers.first_bias[i].astype(np.float32) * first,
                second=layers.second[i].astype(np.float32) * second,
                second_bias=layers.second_bias[i].astype(np.float32) * second,
                head=np.ascontiguousarray(layers.head[begin:end].T).astype(np.float32) * last,
                head_bias=layers.head_bias[begin:end].astype(np.float32) * last,
                inside=None if inside is None else inside.astype(np.float32) * last,
                leaves=None if leaves is None else np.ascontiguousarray(leaves.T).astype(np.float32) * last,
            )
        )
    return out


def outputs(head: Head, hidden: Floats, leaf: Column | None = None) -> Floats:
    """All outputs of one variable in units of 2**-UNIT, not yet whole, (n, classes + places + EACH a relation).

    ``hidden``: (n, width), the sum of embeddings in units of activations. ``leaf``: (n,), of its guide, where that
    sees all that it asks.
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
    np.clip(z, 0, 2.0**24, out=z)  # in half the time of a maximum; no sum is as large
    z += y
    np.rint(z, out=z)
    np.clip(z, 0, 255, out=z)
    # Class by class in memory: sums and maxima over the classes of many rows are then those of long vectors.
    out = head.head.T @ z.T
    out += head.head_bias[:, None]
    if leaf is not None and head.leaves is not None:
        out[: head.size] += head.leaves.take(leaf, axis=1)
    return np.asarray(out.T, np.float32)


def near(head: Head, found: Floats, centres: Sequence[Column | None]) -> Floats:
    """Logits of the classes, (n, classes), from ``outputs``: what relations say added around their centres.

    ``centres``: for each of the head's relations the expected class of every row, (n,); None where its source is not
    known.
    """
    classes = found[:, : head.size]
    if all(centre is None for centre in centres):
        return classes
    wide = head.size + 2 * AHEAD
    padded = np.zeros((len(found), wide), np.float32)
    padded[:, AHEAD : AHEAD + head.size] = classes
    flat = padded.reshape(-1)
    begins = np.arange(len(found), dtype=np.int64)[:, None] * wide + np.arange(NEAR)
    for k, centre in enumerate(centres):
        if centre is not None:
            at = head.size + head.places + k * EACH
            flat[begins + centre[:, None]] += found[:, at : at + NEAR]
    return padded[:, AHEAD : AHEAD + head.size]


def placed(
    head: Head, found: Floats, classes: Column, centres: Sequence[Column | None], inners: Sequence[Column | None]
) -> Floats:
    """Logits of the places inside ``classes``, (n, places), from ``outputs``.

    ``inners``: the expected place of every row, which counts where its class is the expected one.
    """
    assert head.inside is not None
    out: Floats = found[:, head.size : head.size + head.places] + head.inside[classes]
    for k, (centre, inner) in enumerate(zip(centres, inners, strict=True)):
        if centre is not None and inner is not None:
            rows = np.flatnonzero(classes == centre)
            out[rows, inner[rows]] += found[rows, head.size + head.places + k * EACH + NEAR]
    return out


def weights(found: Floats, table: npt.NDArray[np.int32]) -> npt.NDArray[np.int32]:
    """Whole weights of the classes, (n, classes), from logits."""
    by_class = np.ascontiguousarray(found.T)
    below = by_class.max(axis=0) - by_class
    found_weights: npt.NDArray[np.int32] = table.take(below.astype(np.intp), mode="clip")
    return found_weights.T


def layers_to_arrays(layers: Layers) -> dict[str, npt.NDArray[Any]]:
    """Named arrays of a network."""
    arrays = {name: value for name, value in vars(layers).items() if isinstance(value, np.ndarray)}
    for name, tables in (("inside", layers.inside), ("leaves", layers.leaves)):
        arrays |= {f"{i}.{name}": table for i, table in tables.items()}
    return arrays


def layers_from_arrays(arrays: Mapping[str, npt.NDArray[Any]], scale: int) -> Layers:
    """The network of ``layers_to_arrays``."""

    def tables(kind: str) -> dict[int, npt.NDArray[np.int32]]:
        return {int(name.removesuffix(kind)): table for name, table in arrays.items() if name.endswith(kind)}

    names = [n for n in Layers.__annotations__ if n not in ("scale", "inside", "leaves")]
    return Layers(**{n: arrays[n] for n in names}, scale=scale, inside=tables(".inside"), leaves=tables(".leaves"))
