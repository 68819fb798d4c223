"""Rounding to decimals as people and databases do it, in a few exact steps, and products that are rounded."""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

__all__ = ["ROUNDINGS", "find_rounding", "round_at", "shared_product"]

Floats = npt.NDArray[np.float64]

NEAR = 1e-9  # so near to a half (or a whole) a product of short decimals is one, and only its floats are not
NEAREST = 1e-4  # whatever the size: products of short decimals lie farther apart


def _away(halves: Floats) -> Floats:
    return np.asarray(np.copysign(np.floor(np.abs(halves) + 0.5), halves), dtype=np.float64)


# What becomes of numbers on a grid of 1. numpy rounds halves to even, SQL's ROUND of a decimal away from zero.
ROUNDINGS: Mapping[str, Callable[[Floats], Floats]] = MappingProxyType(
    {
        "half_away": _away,
        "half_even": np.rint,
        "half_up": lambda v: np.floor(v + 0.5),
        "down": np.floor,
        "up": np.ceil,
    }
)


def round_at(values: Floats, decimals: int, rule: str = "half_even") -> Floats:
    """``values`` at so many decimals, shape (n,); ``rule``: one of ``ROUNDINGS``.

    A product of short decimals that lies on a half lies there, although its floats miss it by a little.

    >>> round_at(np.array([2.675, 0.125]), 2, "half_away").tolist(), round_at(np.array([2.675, 0.125]), 2).tolist()
    ([2.68, 0.13], [2.68, 0.12])
    """
    factor = 10.0**decimals
    scaled = np.asarray(values, dtype=np.float64) * factor
    half = np.rint(scaled * 2.0) * 0.5
    near = np.abs(scaled - half) <= np.minimum(NEAR * np.maximum(np.abs(scaled), 1.0), NEAREST)
    rounded: Floats = ROUNDINGS[rule](np.where(near, half, scaled)) / factor + 0.0
    return rounded


def find_rounding(values: Floats, wanted: Floats, decimals: int) -> str:
    """The rule by which ``values`` become ``wanted`` in every row; ``half_even`` when it makes no difference."""
    rules = ["half_even", *(r for r in ROUNDINGS if r != "half_even")]
    for rule in rules:
        if bool((np.abs(round_at(values, decimals, rule) - wanted) <= 1e-9 * np.abs(wanted)).all()):
            return rule
    return "half_even"


def shared_product(values: Sequence[Floats], factor: float, shares: Sequence[float]) -> Floats:
    """What a product with ``shares`` comes to: of ``values``, (n,) each, as many as there are shares come last."""
    plain = len(values) - len(shares)
    made = np.full(values[0].shape, float(factor))
    for value in values[:plain]:
        made = made * value
    for value, weight in zip(values[plain:], shares, strict=True):
        made = made * (1 + weight * value)
    return made
