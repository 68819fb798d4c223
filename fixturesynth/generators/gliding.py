"""Where inside its code a number lies that goes on from the sibling before: prices, readings, tracks, balances.

Codes are bins, and what lies inside one is drawn for each row alone: a number that moves by less than a bin would
tremble about its way. So where inside its code a row lies is learned as well, from what is known once all codes are:
where inside its own code the sibling before lay, whether the family came into this code from below or from above, how
it will leave it, and how many siblings it stays. These are places among the values of a code, of all codes alike, and
never a value.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from fixturesynth.generators.cart import Cart
from fixturesynth.generators.context import log_bucket, previous_name
from fixturesynth.generators.contract import CodedTable, State, Variable
from fixturesynth.generators.encoding import Encoding, decode
from fixturesynth.generators.encoding.grids import to_grid
from fixturesynth.generators.gathering import Coded
from fixturesynth.randomness import hashed, stream, words

__all__ = ["MOST_GLIDES", "fit_gliding", "glided", "gliding_of"]

Integers = npt.NDArray[np.int64]
Codes = npt.NDArray[np.int32]
Words = npt.NDArray[np.uint64]
Numbers = Mapping[str, tuple[Integers, npt.NDArray[np.bool_]]]

MOST_GLIDES = 12  # columns of one table, those that tremble most
LEAST_PAIRS = 200
LEAST_RATIO = 1.15  # between the steps that codes alone would give and the real ones
MOST_ROWS = 30_000  # that are learned from
BITS = np.uint64(4)
LEVELS = 16  # of places inside a code
SAME = LEVELS  # the very value of the sibling before
REACH = 3  # codes by which a family comes and goes, from which on it is all one
AROUND = 2 * REACH + 2
LONGEST = 24  # log_bucket of a stay inside one code
_SIDES = ("came", "goes", "since", "left")


def glide_variable(variable: str) -> str:
    return f"glide {variable}"


def gliding_of(
    coded: Coded, own: int, parents: Integers | None, siblings: Sequence[str], groups: Integers, seed: int
) -> State | None:
    """What is known of places inside codes of a table's ``own`` variables whose rows are drawn sibling by sibling.

    ``parents``: family of each row, (n,), rows of one together.
    """
    if parents is None or not siblings:
        return None
    counts = np.bincount(parents)
    position = np.arange(parents.size) - (np.cumsum(counts) - counts)[parents]
    free = [i for i in range(own) if not coded.variables[i].first]
    variables, codes = [coded.variables[i] for i in free], [coded.codes[i] for i in free]
    return fit_gliding(variables, codes, coded.places, coded.grids, coded.encodings, position, groups, seed)


def fit_gliding(
    variables: Sequence[Variable], codes: Sequence[Codes], places: Mapping[str, npt.NDArray[np.float64]],
    numbers: Numbers, encodings: Mapping[str, Encoding], position: Integers, groups: Integers, seed: int,
) -> State | None:  # fmt: skip
    """What is learned of the places inside the codes of some ``variables``, (n,) ``codes`` each; None of none.

    ``places``, ``numbers``: of generators.gathering. Rows of a family stand together, in order of ``position`` (n,).
    """
    found: list[tuple[float, int]] = []
    for i, variable in enumerate(variables):
        if variable.name in places and variable.name in encodings and variable.ordered:
            ratio = _trembling(codes[i], numbers[variable.name], encodings[variable.name], position, variable.name)
            if ratio >= LEAST_RATIO:
                found.append((ratio, i))
    chosen = sorted(i for _, i in sorted(found, reverse=True)[:MOST_GLIDES])
    if not chosen:
        return None
    heads = np.flatnonzero(position == 0)
    beyond = heads[np.searchsorted(heads, MOST_ROWS) :]
    n = int(beyond[0]) if beyond.size else position.size
    context, own, before = [], [], []
    for i in chosen:
        at = np.clip(((places[variables[i].name][:n] + 1) * (LEVELS / 2)).astype(np.int32), 0, LEVELS - 1)
        whole, valid = (v[:n] for v in numbers[variables[i].name])
        last = np.roll(at, 1)
        again = (position[:n] > 0) & (whole == np.roll(whole, 1)) & valid & np.roll(valid, 1)
        own.append(np.where(again, SAME, at))
        before.append(np.where(position[:n] > 0, last, LEVELS + 1))
        context.append(_around(codes[i][:n], position[:n]))
    names = [variables[i].name for i in chosen]
    matrix = np.column_stack([*context, *before, *own]).astype(np.int32)
    table = CodedTable(tuple(_variables(names)), np.ascontiguousarray(matrix), groups[:n])
    return Cart().fit(table, seed=seed)


def _variables(names: Sequence[str]) -> list[Variable]:
    sizes = {"came": AROUND, "goes": AROUND, "since": LONGEST + 1, "left": LONGEST + 1}
    out = [Variable(f"{side} {name}", sizes[side], True, context=True) for name in names for side in _SIDES]
    out += [Variable(previous_name(glide_variable(n)), LEVELS + 2, True, context=True) for n in names]
    return out + [Variable(glide_variable(n), LEVELS + 1, True, like=previous_name(glide_variable(n))) for n in names]


def _trembling(
    codes: Codes, numbers: tuple[Integers, npt.NDArray[np.bool_]], encoding: Encoding, position: Integers, name: str
) -> float:
    """How much longer steps between siblings are where each row lies anywhere in its code; 0 where few have any."""
    whole, valid = numbers
    pairs = np.flatnonzero((position > 0) & valid & np.roll(valid, 1))
    if pairs.size < LEAST_PAIRS:
        return 0.0
    raw = hashed(np.arange(codes.size), 0, "trembling", name)
    drawn = to_grid(decode(encoding, codes, raw), encoding.facts)[0]
    real, made = (np.abs((v[pairs] - v[pairs - 1]).astype(np.float64)) for v in (whole, drawn))
    scale = real.mean()
    # One jump in a hundred steps says nothing of the others.
    some = np.maximum(np.sort(real)[: max(1, real.size * 9 // 10)].mean(), scale / 1000)
    most = np.sort(made)[: max(1, made.size * 9 // 10)].mean()
    return float(most / some) if scale > 0 else 0.0


def _around(codes: Codes, position: Integers) -> Codes:
    """Of every row, (n, 4): by how many codes the family came into this one and will leave it, for how many siblings it
    has been there and will be."""
    n = codes.size
    first = position == 0
    begins = first | (codes != np.roll(codes, 1))
    run = np.cumsum(begins) - 1
    starts = np.flatnonzero(begins)
    ends = np.append(starts[1:], n) - 1
    came = np.clip(codes[starts].astype(np.int64) - np.roll(codes, 1)[starts], -REACH, REACH) + REACH
    came[first[starts]] = AROUND - 1
    after = np.roll(codes, -1)[ends].astype(np.int64)
    goes = np.clip(after - codes[ends], -REACH, REACH) + REACH
    goes[np.roll(first, -1)[ends]] = AROUND - 1
    here = np.arange(n)
    since, left = log_bucket(here - starts[run]), log_bucket(ends[run] - here)
    sides = (came[run], goes[run], np.minimum(since, LONGEST), np.minimum(left, LONGEST))
    return np.column_stack(sides).astype(np.int32)


def glided(
    state: State | None, variables: Sequence[Variable], codes: Codes, position: Integers, seed: int, table: str,
    first: int,
) -> dict[str, Words]:  # fmt: skip
    """By variable: the words that say where inside its code each row lies, (n,); rows of a family stand together, in
    order of ``position``. ``first``: rank of the first row."""
    if state is None or not position.size:
        return {}
    names = [v.name for v in state.variables if v.name.startswith("glide ") and not v.context]
    at = {v.name: i for i, v in enumerate(variables)}
    own = np.array([at[name.removeprefix("glide ")] for name in names], dtype=np.int64)
    n, many = position.size, len(names)
    base = np.column_stack([_around(codes[:, i], position) for i in own])
    raw = words(stream(seed, table, "gliding", Cart.version, first), n * many).reshape(n, many)
    fine = np.stack([hashed(np.arange(n) + first, seed, table, name, "inside") for name in names], axis=1)
    out = np.zeros((n, many), dtype=np.uint64)
    order = np.argsort(position, kind="stable")
    bounds = np.searchsorted(position[order], np.arange(int(position.max(initial=0)) + 2))
    shift = np.uint64(64) - BITS
    generator = Cart()
    for low, high in pairwise(bounds.tolist()):
        rows = order[low:high]
        begin = position[rows[0]] == 0
        before = (out[rows - 1] >> shift).astype(np.int32) if not begin else np.full((rows.size, many), LEVELS + 1)
        drawn = generator.sample(
            state, np.concatenate([base[rows], before.astype(np.int32)], axis=1), raw[rows], stratify=rows.size > 1
        )
        made = (np.minimum(drawn, LEVELS - 1).astype(np.uint64) << shift) | (fine[rows] >> BITS)
        if not begin:
            here, last = codes[np.ix_(rows, own)], codes[np.ix_(rows - 1, own)]
            made = np.where((drawn == SAME) & (here == last), out[rows - 1], made)
        out[rows] = made
    return {name.removeprefix("glide "): out[:, k] for k, name in enumerate(names)}
