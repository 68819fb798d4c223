"""What a child may see when it is generated: its parent, its place among its siblings, and the sibling before it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fixturesynth.generators.contract import Variable

__all__ = [
    "MOST_CONTEXT",
    "MOST_FEATURE_CODES",
    "MOST_SIBLING_CODES",
    "OUTGOING",
    "PLACES",
    "Features",
    "coarse",
    "coarse_codes",
    "log_bucket",
    "places",
    "previous",
    "previous_name",
    "seen",
    "sibling_variables",
    "take_features",
]

Codes = npt.NDArray[np.int32]
Integers = npt.NDArray[np.int64]

MOST_CONTEXT = 48  # variables of parents and ancestors that a child sees
MOST_FEATURE_CODES = 300  # children and siblings see an ordered variable with more codes in CLASSES, others not at all
MOST_SIBLING_CODES = 130  # codes of a category that the next sibling sees
CLASSES = 64
BUCKETS = 128  # log_bucket of any 31-bit number lies below this

HABIT = "habit "  # begins the names of variables that only the dealing of children looks at
OUTGOING = ("count ", "home ", "kind ")  # beginnings of the variables that say what a row is to its children

ROW = "row"  # the variable of a kept list whose code is the row itself

PLACES = (
    Variable("siblings", BUCKETS, ordered=True, context=True),
    Variable("position", BUCKETS, ordered=True, context=True),
    Variable("remaining", BUCKETS, ordered=True, context=True),
)


@dataclass(frozen=True)
class Features:
    """Codes of a table's rows, shape (rows, variables), that its children see as context."""

    variables: tuple[Variable, ...]
    codes: Codes

    def column(self, name: str) -> Codes:
        """Codes of one variable, shape (rows,)."""
        return self.codes[:, [v.name for v in self.variables].index(name)]


def take_features(features: Features, ranks: Integers, prefix: str) -> tuple[tuple[Variable, ...], Codes]:
    """The parents' features by child, names marked with the foreign key; a rank of -1 gives one code more: none."""
    chosen = [i for i, v in enumerate(features.variables) if not v.name.startswith(HABIT)]
    variables = tuple(
        Variable(f"{prefix}>{v.name}", v.size + 1, v.ordered, context=True)
        for v in (features.variables[i] for i in chosen)
    )
    if not len(features.codes):
        return variables, np.tile(np.array([v.size - 1 for v in variables], dtype=np.int32), (ranks.size, 1))
    codes = features.codes[np.maximum(ranks, 0)][:, chosen]
    if (ranks < 0).any():
        codes[ranks < 0] = [v.size - 1 for v in variables]
    return variables, codes


def seen(variables: Sequence[Variable], most: int) -> list[int]:
    """Indices of the variables that others see: those of few codes, and ordered ones, which can be seen coarsely."""
    return [i for i, v in enumerate(variables) if v.size <= most or v.ordered]


def coarse(variable: Variable, most: int) -> Variable:
    """The variable as others see it: with more than ``most`` codes in CLASSES of neighbouring ones."""
    return variable if variable.size <= most else Variable(variable.name, CLASSES, variable.ordered, variable.context)


def coarse_codes(codes: Codes, size: int, shown: int) -> Codes:
    """Codes of a variable of ``size`` codes as seen in ``shown`` classes.

    >>> coarse_codes(np.array([0, 5, 599], dtype=np.int32), 600, 64).tolist()
    [0, 0, 63]
    """
    return codes if shown == size else (codes.astype(np.int64) * shown // size).astype(np.int32)


def log_bucket(values: Integers) -> Codes:
    """0 to 7 as they are, then four buckets for each doubling: small counts exactly, large ones roughly.

    >>> log_bucket(np.array([0, 3, 7, 8, 9, 10, 16, 1000])).tolist()
    [0, 3, 7, 8, 8, 9, 12, 35]
    """
    values = np.maximum(np.asarray(values, dtype=np.int64), 0)
    # The exponent of an integer below 2**53 is exact in a double, unlike a logarithm.
    _, bits = np.frexp(values.astype(np.float64))
    bits = np.maximum(bits.astype(np.int64), 4)
    large = 8 + (bits - 4) * 4 + ((values >> (bits - 3)) & 3)
    return np.where(values < 8, values, large).astype(np.int32)


def places(position: Integers, siblings: Integers) -> Codes:
    """Codes of PLACES, shape (n, 3)."""
    return np.stack([log_bucket(siblings), log_bucket(position), log_bucket(siblings - position - 1)], axis=1)


def previous_name(variable: str) -> str:
    """The context variable that holds the previous sibling's code of a variable."""
    return f"previous {variable}"


def sibling_variables(variables: Sequence[Variable], names: Sequence[str]) -> tuple[Variable, ...]:
    """Variables that hold the previous sibling's codes; one code more means there is none."""
    by_name: Mapping[str, Variable] = {v.name: v for v in variables}
    return tuple(Variable(previous_name(n), by_name[n].size + 1, by_name[n].ordered, context=True) for n in names)


def previous(codes: Codes, position: Integers, none: Sequence[int]) -> Codes:
    """The row before, or ``none`` where position is 0; rows of one parent stand together in order. Shape as codes."""
    out = np.empty_like(codes)
    if len(codes):
        out[1:] = codes[:-1]
        out[position == 0] = np.asarray(none, dtype=codes.dtype)
    return out
