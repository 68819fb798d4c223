"""Sparse integer distributions and draws from them by 64-bit words, in exact integer arithmetic."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from fixturesynth.errors import InputError
from fixturesynth.generators.contract import CodedTable, Codes, State, Words

__all__ = [
    "Distributions", "checked", "count_distributions", "draw", "draw_or_repeat", "learnable", "rows_alike",
    "share_of", "stratified",
]  # fmt: skip

Integers = npt.NDArray[np.int64]
_HALF = np.uint64(32)
_LOW = np.uint64(0xFFFFFFFF)
_MOST_BITS = 24  # of owners in a key: what is left of the words seldom ties


@dataclass(frozen=True)
class Distributions:
    """Many distributions over codes, one after another.

    ``codes``, ``running``: (entries,), the code of an entry and the running sum of weights over all entries.
    ``ends``: (distributions,), ``running`` at the end of each. A distribution weighs less than 2**32.
    """

    codes: npt.NDArray[np.int32]
    running: Integers
    ends: Integers


def count_distributions(owner: Integers, codes: npt.NDArray[np.int32], owners: int, size: int) -> Distributions:
    """Distributions of the codes (n,) in ``range(size)`` of each owner (n,) in ``range(owners)``, by counting rows."""
    pairs = owner * np.int64(size) + codes
    if owners * size <= 4 * pairs.size + 65_536:
        table = np.bincount(pairs, minlength=owners * size)
        held = np.flatnonzero(table)
        counts = table[held]
    else:
        held, counts = np.unique(pairs, return_counts=True)
    running = np.cumsum(counts)
    last = np.searchsorted(held // size, np.arange(owners), side="right") - 1
    ends = np.where(last >= 0, running[np.maximum(last, 0)], 0)  # the first owners may have no rows
    return Distributions((held % size).astype(np.int32), running, ends)


def draw(distributions: Distributions, owner: Integers, words: Words) -> Codes:
    """A code for every row, (n,), from the distribution ``owner``."""
    begin = np.where(owner > 0, distributions.ends[owner - 1], 0)
    total = (distributions.ends[owner] - begin).astype(np.uint64)
    at = begin + (((words >> _HALF) * total) >> _HALF).astype(np.int64)
    return distributions.codes[np.searchsorted(distributions.running, at, side="right")]


def draw_or_repeat(distributions: Distributions, owner: Integers, words: Words, before: Codes, size: int) -> Codes:
    """As ``draw``, (n,), where code ``size`` means the code ``before`` (n,), and no other draw gives that one.

    ``before``: codes from ``size`` on stand for none. What is not repeated keeps its shares among the others.
    """
    begin = np.where(owner > 0, distributions.ends[owner - 1], 0)
    total = distributions.ends[owner] - begin
    at = (((words >> _HALF) * total.astype(np.uint64)) >> _HALF).astype(np.int64)
    weights = np.diff(distributions.running, prepend=0)
    last = np.searchsorted(distributions.running, distributions.ends[owner], side="left")
    repeats = np.where(distributions.codes[last] == size, weights[last], 0)
    rest = total - repeats
    place, banned = _entry(distributions, owner, np.minimum(before, size), size + 1)
    banned = np.where(before < size, banned, 0)
    left = rest - banned
    again = (before < size) & ((at >= rest) | (left == 0))
    # Those that do not repeat, or have nothing to repeat, are spread over the other codes.
    drawn = np.where(before < size, at, at * rest // np.maximum(total, 1))
    whole = np.where(left > 0, left, total)
    spot = begin + np.where(rest > 0, np.minimum(drawn, rest - 1) * whole // np.maximum(rest, 1), drawn)
    start = np.where(place > 0, distributions.running[place - 1], 0)
    spot += np.where((banned > 0) & (left > 0) & (spot >= start), banned, 0)
    codes = distributions.codes[np.searchsorted(distributions.running, spot, side="right")]
    # A distribution that knows only repeats, and a row with nothing to repeat: its first code.
    return np.where(again, before, np.where(codes == size, 0, codes)).astype(np.int32)


def _entry(distributions: Distributions, owner: Integers, codes: Codes, size: int) -> tuple[Integers, Integers]:
    """The entry of each code (n,) in the distribution ``owner`` (n,), and its weight, 0 where it is not in there."""
    weights = np.diff(distributions.running, prepend=0)
    entry_owner = np.searchsorted(distributions.ends, distributions.running, side="left")
    keys = entry_owner * np.int64(size) + distributions.codes
    wanted = owner * np.int64(size) + codes
    at = np.minimum(np.searchsorted(keys, wanted), distributions.codes.size - 1)
    return at, np.where(keys[at] == wanted, weights[at], 0)


def stratified(owner: Integers, words: Words) -> Words:
    """Words of equal standing: the rows of one owner get one word from each of as many equal parts, (n,).

    The order of the words among the rows decides who gets which part, their lower halves where inside it (the upper
    ones, being what was ordered, would favour the ends); a row that is alone keeps its word.
    """
    order, even = in_strata(owner, words)
    result = np.empty_like(words)
    result[order] = even
    return result


def in_strata(owner: Integers, words: Words) -> tuple[Integers, Words]:
    """Rows by their owners and, within one, by their words, (n,), and the words of ``stratified`` in that order."""
    order = _by_owner(owner, words)
    own = words[order]
    sorted_owner = owner[order]
    starts = np.flatnonzero(np.concatenate(([owner.size > 0], sorted_owner[1:] != sorted_owner[:-1])))
    sizes = np.diff(starts, append=owner.size)
    count = np.repeat(sizes, sizes)
    rank = np.arange(owner.size) - np.repeat(starts, sizes)
    shared = count > 1
    if not shared.all():
        rank, count, together = rank[shared], count[shared], own[shared]
    else:
        together = own
    place = (rank.astype(np.uint64) << _HALF) | (together & _LOW)
    even = (_divided(place, count) << _HALF) | (together >> _HALF)
    if even.size == own.size:
        return order, even
    own[shared] = even
    return order, own


def _divided(place: Words, count: Integers) -> Words:
    """``place // count``. Below 2**52 by floating point, in a fraction of the time: both are exact, and a quotient
    that is no whole number lies further below the next one than it is rounded."""
    if int(count.max(initial=1)) < 2**20:
        return (place.astype(np.float64) / count).astype(np.uint64)
    return place // count.astype(np.uint64)


def _by_owner(owner: npt.NDArray[np.integer[Any]], words: Words) -> Integers:
    """Rows in the order of their owners and, within one, of their words, (n,): ``lexsort``, in a fifth of its time."""
    low, high = (int(owner.min()), int(owner.max())) if owner.size else (0, 0)
    bits = (high - low).bit_length()
    if bits <= _MOST_BITS:
        # One key of both is sorted once. It leaves out the words' last bits: where two keys are equal, they decide.
        key = words
        if bits:
            key = ((owner - low).astype(np.uint64) << np.uint64(64 - bits)) | (words >> np.uint64(bits))
        order = np.argsort(key)
        ordered = key[order]
        if not (ordered[1:] == ordered[:-1]).any():
            return order
    return np.lexsort((words, owner))


def share_of(distributions: Distributions, owner: Integers, codes: Codes, size: int) -> Integers:
    """How likely ``codes`` (n,) are in the distributions ``owner`` (n,), in 1/65536, at least 1."""
    _, weight = _entry(distributions, owner, codes, size)
    total = distributions.ends[owner] - np.where(owner > 0, distributions.ends[owner - 1], 0)
    share: Integers = np.maximum((weight << 16) // total, 1)
    return share


def rows_alike(given: npt.NDArray[np.bool_]) -> list[npt.NDArray[np.int64]]:
    """Rows by which variables are given, for ``given`` of shape (n, variables)."""
    if not given.any():
        return [np.arange(len(given))]
    _, kind = np.unique(given, axis=0, return_inverse=True)
    kind = kind.reshape(-1)
    return [np.flatnonzero(kind == k) for k in range(int(kind.max()) + 1)]


def learnable(table: CodedTable) -> Codes:
    """The codes of a table to learn from, contiguous int32; InputError for no rows and for codes out of range."""
    codes = np.ascontiguousarray(table.codes, dtype=np.int32)
    if codes.ndim != 2 or codes.shape[1] != len(table.variables):
        raise InputError(f"codes must have the shape (rows, {len(table.variables)}), however: {codes.shape}")
    if codes.shape[0] == 0:
        raise InputError("a table without rows cannot be learned; use generator 'rules' for it")
    for variable, low, high in zip(table.variables, codes.min(axis=0), codes.max(axis=0), strict=True):
        if low < 0 or high >= variable.size:
            raise InputError(f"codes of {variable.name!r} must lie in range({variable.size}), however: {low} to {high}")
    return codes


def checked(
    state: State, context: Codes, uniforms: Words, given: Mapping[str, Codes] | None
) -> tuple[Codes, Words, dict[str, npt.NDArray[Any]]]:
    """Arguments of ``sample`` after a look at their shapes and ranges; InputError says which is wrong."""
    fixed = [variable for variable in state.variables if variable.context]
    free = [variable for variable in state.variables if not variable.context]
    context, uniforms = np.asarray(context), np.asarray(uniforms)
    if uniforms.ndim != 2 or uniforms.shape[1] != len(free) or uniforms.dtype != np.uint64:
        raise InputError(
            f"uniforms must be uint64 of shape (n, {len(free)}), however: {uniforms.dtype} {uniforms.shape}"
        )
    rows = uniforms.shape[0]
    if context.size == 0 and not fixed:
        context = np.zeros((rows, 0), np.int32)
    if context.shape != (rows, len(fixed)):
        raise InputError(f"context must have the shape ({rows}, {len(fixed)}), however: {context.shape}")
    names = {variable.name for variable in free}
    known: dict[str, npt.NDArray[Any]] = {}
    for name, codes in (given or {}).items():
        if name not in names:
            raise InputError(f"{name!r} is not a variable that this state generates: {', '.join(sorted(names))}")
        known[name] = np.asarray(codes)
        if known[name].shape != (rows,):
            raise InputError(f"given codes of {name!r} must have the shape ({rows},), however: {known[name].shape}")
    by_name = {variable.name: variable for variable in free}
    looked_at = [(variable, context[:, i], 0) for i, variable in enumerate(fixed)]
    looked_at += [(by_name[name], codes, -1) for name, codes in known.items()]
    for variable, codes, least in looked_at:
        if rows and (int(codes.min()) < least or int(codes.max()) >= variable.size):
            raise InputError(
                f"codes of {variable.name!r} must lie in range({variable.size}), "
                f"however: {int(codes.min())} to {int(codes.max())}"
            )
    return context, uniforms, known
