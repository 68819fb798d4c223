"""Categories that never come together: a plane flies for one airline, a way to derive a value has one kind of source.

A tree stops splitting where rows are few, so its leaves mix what belongs to different codes of an earlier variable.
Drawn one by one, such mistakes are rare; yet nearly every family of a hundred rows then holds one that no real family
holds. So pairs of codes that real rows do not have are not drawn: those rows are drawn by the earlier variable alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from fixturesynth.generators.confines import count_entities
from fixturesynth.generators.contract import Codes, Words
from fixturesynth.generators.drawing import Distributions, draw

__all__ = ["Partners", "draw_partners", "find_partners", "partners_from"]

Integers = npt.NDArray[np.int64]

MOST_PAIRS = 200_000  # codes of both, multiplied
LEAST_ROWS = 500
LEAST_SHARE = 0.01  # of the rows of either code, that a pair must have to count
BROKEN = 0.005  # of the rows may have other pairs
TELLING = 0.65  # of the rows would have other pairs, were the two independent


@dataclass(frozen=True)
class Partners:
    """``owner``: (earlier codes,), the distribution of each code of the earlier variable, -1 where no row has it.

    ``allowed``: (earlier codes, codes), pairs that real rows have. ``held``: by distribution, its codes.
    """

    owner: Integers
    allowed: npt.NDArray[np.bool_]
    held: Distributions

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        """For a State; ``partners_from`` reads them."""
        return {
            "pairs.owner": self.owner, "pairs.codes": self.held.codes, "pairs.running": self.held.running,
            "pairs.ends": self.held.ends,
        }  # fmt: skip


def partners_from(arrays: Mapping[str, npt.NDArray[Any]], prefix: str, size: int) -> Partners:
    """Partners of ``Partners.arrays``, of a later variable with ``size`` codes; ``prefix``: before their names."""
    held = Distributions(*(arrays[f"{prefix}pairs.{name}"] for name in ("codes", "running", "ends")))
    owner = arrays[f"{prefix}pairs.owner"].astype(np.int64)
    known = np.zeros((held.ends.size, size), dtype=bool)
    known[np.searchsorted(held.ends, held.running, side="left"), held.codes] = True
    return Partners(owner, np.where((owner >= 0)[:, None], known[np.maximum(owner, 0)], True), held)


def find_partners(
    earlier: Codes, earlier_size: int, own: Codes, size: int, groups: Integers | None, least_groups: int
) -> tuple[float, Partners] | None:
    """How many rows would break the pairs of two variables (n,), were these independent, and the pairs.

    None where nearly all pairs come, or where the real rows break them as well. A pair that counts stands on at least
    ``least_groups`` root entities.
    """
    if own.size < LEAST_ROWS or earlier_size * size > MOST_PAIRS:
        return None
    keys = earlier.astype(np.int64) * size + own
    table = np.bincount(keys, minlength=earlier_size * size).reshape(earlier_size, size)
    rows, columns = table.sum(axis=1), table.sum(axis=0)
    share = np.maximum(table / np.maximum(rows, 1)[:, None], table / np.maximum(columns, 1)[None, :])
    counted = (share >= LEAST_SHARE) & (table >= least_groups)
    if table[~counted].sum() > BROKEN * own.size:
        return None
    chance = float((np.outer(rows, columns)[~counted]).sum()) / own.size**2
    if chance < TELLING:
        return None
    if groups is not None:
        counted &= (count_entities(keys, groups, table.size) >= least_groups).reshape(table.shape)
        if table[~counted].sum() > BROKEN * own.size:
            return None
    weights = np.where(counted, table, 0)
    known = np.flatnonzero(weights.any(axis=1))
    if not known.size:
        return None
    owner = np.full(earlier_size, -1, dtype=np.int64)
    owner[known] = np.arange(known.size)
    place, codes = np.nonzero(weights[known])
    running = np.cumsum(weights[known][place, codes])
    ends = running[np.searchsorted(place, np.arange(known.size), side="right") - 1]
    held = Distributions(codes.astype(np.int32), running, ends)
    return chance, Partners(owner, np.where((owner >= 0)[:, None], counted, True), held)


def draw_partners(partners: Partners, earlier: Codes, drawn: Codes, words: Words) -> Codes:
    """``drawn`` (n,), but where no real row has it beside ``earlier`` (n,): there one that goes with that is drawn.

    >>> table = np.array([0, 1] * 400, dtype=np.int32)
    >>> _, partners = find_partners(table, 2, table, 2, None, 5)
    >>> draw_partners(partners, table[:4], np.array([0, 0, 1, 1]), np.zeros(4, dtype=np.uint64)).tolist()
    [0, 1, 0, 1]
    """
    wrong = np.flatnonzero(~partners.allowed[earlier, drawn])
    if not wrong.size:
        return drawn
    out = drawn.copy()
    out[wrong] = draw(partners.held, partners.owner[earlier[wrong]], words[wrong])
    return out
