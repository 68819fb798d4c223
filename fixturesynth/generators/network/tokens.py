"""Codes to tokens and back: what the network sees and predicts is small, whatever the number of codes.

A generated variable of many codes becomes two tokens: a group of neighbouring codes, and the place inside the group.
Together they are the code again, so nothing is lost. A context variable of many codes becomes one coarse token.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from fixturesynth.generators.contract import Codes, Variable

__all__ = ["Token", "Tokens", "fit_tokens", "given_tokens", "to_codes", "to_tokens", "tokens_from_parts"]

Integers = npt.NDArray[np.int64]

MOST_ALONE = 160  # a generated variable with more codes is told in two tokens
GROUPS = 96  # groups of neighbouring codes, about equally frequent
MOST_INSIDE = 96  # codes of one group
MOST_CONTEXT_CODES = 1_500  # tokens of all context variables together


@dataclass(frozen=True)
class Token:
    """``variable``: index of the variable that it tells. ``group``: index of the token that names the group this one
    is a place in, -1 for a token that stands by itself."""

    variable: int
    size: int
    group: int = -1
    context: bool = False
    ordered: bool = False


@dataclass(frozen=True)
class Tokens:
    """``lookups[i][code]`` is token ``i`` of a code of its variable."""

    tokens: tuple[Token, ...]
    lookups: tuple[npt.NDArray[np.int32], ...]

    @property
    def context(self) -> int:
        """How many tokens are context; they come first."""
        return sum(token.context for token in self.tokens)

    @property
    def leads(self) -> list[int]:
        """Generated tokens that stand by themselves, one of each generated variable, in order."""
        return [i for i, token in enumerate(self.tokens) if not token.context and token.group < 0]

    def inside(self, lead: int) -> int | None:
        """The token of places inside the groups of ``lead``, where there is one."""
        after = lead + 1
        return after if after < len(self.tokens) and self.tokens[after].group == lead else None

    def of(self, variable: int) -> list[int]:
        """Indices of the tokens of a variable, the group before the place."""
        return [i for i, token in enumerate(self.tokens) if token.variable == variable]

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        return {f"{i}.tokens": lookup for i, lookup in enumerate(self.lookups)}

    def facts(self) -> list[list[int]]:
        return [[t.variable, t.size, t.group, int(t.context), int(t.ordered)] for t in self.tokens]


def tokens_from_parts(facts: Sequence[Sequence[int]], arrays: Mapping[str, npt.NDArray[Any]]) -> Tokens:
    """The tokens of ``Tokens.facts`` and ``Tokens.arrays``."""
    tokens = tuple(Token(v, size, group, bool(context), bool(ordered)) for v, size, group, context, ordered in facts)
    return Tokens(tokens, tuple(arrays[f"{i}.tokens"] for i in range(len(tokens))))


def fit_tokens(variables: Sequence[Variable], codes: Codes) -> Tokens:
    """Tokens of a table: context first, then two for every generated variable of many codes and one for the others.

    ``codes``: (rows, variables), context variables first.
    """
    counts = [np.bincount(codes[:, i], minlength=v.size) for i, v in enumerate(variables)]
    widths = [v.size for v in variables if v.context]
    most = next((m for m in (96, 64, 48, 32, 16) if sum(min(w, m) for w in widths) <= MOST_CONTEXT_CODES), 8)
    tokens: list[Token] = []
    lookups: list[npt.NDArray[np.int32]] = []
    for i, variable in enumerate(variables):
        if variable.size <= (most if variable.context else MOST_ALONE):
            tokens.append(Token(i, max(variable.size, 1), context=variable.context, ordered=variable.ordered))
            lookups.append(np.arange(variable.size, dtype=np.int32))
            continue
        group = _groups(counts[i], most // 2 if variable.context else GROUPS)
        if variable.context:
            tokens.append(Token(i, int(group[-1]) + 1, context=True, ordered=variable.ordered))
            lookups.append(group.astype(np.int32))
            continue
        group = _bounded(group)
        first = np.searchsorted(group, np.arange(int(group[-1]) + 1))
        place = np.arange(variable.size) - first[group]
        of = variable.ordered
        tokens += [
            Token(i, int(group[-1]) + 1, ordered=of), Token(i, int(place.max()) + 1, group=len(tokens), ordered=of)
        ]  # fmt: skip
        lookups += [group.astype(np.int32), place.astype(np.int32)]
    return Tokens(tuple(tokens), tuple(lookups))


def _groups(counts: Integers, groups: int) -> Integers:
    """Groups of neighbouring codes with about as many rows each, (codes,); a frequent code has one for itself."""
    weight = counts + 1e-9
    middle = np.cumsum(weight) - weight / 2
    share = weight / weight.sum()
    group = np.minimum((middle * groups / weight.sum()).astype(np.int64), groups - 1)
    alone = share >= 1.0 / groups
    # A new run begins with every change of group, and before and after every code that stands alone.
    begins = np.ones(counts.size, bool)
    begins[1:] = (np.diff(group) != 0) | alone[1:] | alone[:-1]
    return np.asarray(np.cumsum(begins) - 1, np.int64)


def _bounded(group: Integers) -> Integers:
    """The groups, cut where one holds more than MOST_INSIDE codes."""
    first = np.searchsorted(group, group)
    piece = (np.arange(group.size) - first) // MOST_INSIDE
    begins = np.ones(group.size, bool)
    begins[1:] = (np.diff(group) != 0) | (np.diff(piece) > 0)
    return np.asarray(np.cumsum(begins) - 1, np.int64)


def to_tokens(tokens: Tokens, codes: Codes, *, context: bool | None = None) -> npt.NDArray[np.int32]:
    """Tokens of rows, (n, tokens). ``codes``: (n, variables).

    ``context``: True for the context tokens alone, where ``codes`` has at least the context variables.
    """
    chosen = [(t, lookup) for t, lookup in zip(tokens.tokens, tokens.lookups, strict=True) if t.context or not context]
    out = np.empty((len(codes), len(chosen)), np.int32)
    for k, (token, lookup) in enumerate(chosen):
        out[:, k] = lookup[codes[:, token.variable]]
    return out


def given_tokens(tokens: Tokens, variable: int, codes: Codes) -> dict[int, npt.NDArray[np.int32]]:
    """Tokens of given codes (n,) of one variable, by token index."""
    return {i: tokens.lookups[i][codes] for i in tokens.of(variable)}


def to_codes(tokens: Tokens, variable: int, columns: Sequence[npt.NDArray[np.int32]]) -> Codes:
    """The codes (n,) of one variable from the columns of its tokens, as in ``Tokens.of``."""
    if len(columns) == 1:
        return columns[0]
    group = tokens.lookups[tokens.of(variable)[0]]
    first = np.searchsorted(group, np.arange(int(group[-1]) + 1)).astype(np.int32)
    return np.asarray(first[columns[0]] + columns[1], np.int32)
