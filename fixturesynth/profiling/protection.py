"""Protection: how many rows, of different root entities, stand behind a value."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fixturesynth.randomness import below, stream, words

__all__ = ["Protector", "protection_of"]

Integers = npt.NDArray[np.int64]


def protection_of(seed: int, least: int) -> int:
    """``least`` to ``least + 2``, by the seed, so that nobody can tell at which count a value disappears.

    >>> protection_of(0, 1)
    1
    """
    return least + int(below(words(stream(seed, "profile", "protection"), 1), 3)[0]) if least > 1 else 1


@dataclass(frozen=True)
class Protector:
    """``protection`` rows are needed; of different ``groups`` (codes from 0, shape (n,)) where there are some."""

    protection: int
    groups: Integers | None = None

    @classmethod
    def of(cls, protection: int, groups: npt.ArrayLike | None) -> "Protector":
        """From group labels of any integers."""
        if groups is None:
            return cls(protection)
        return cls(protection, np.unique(np.asarray(groups), return_inverse=True)[1].astype(np.int64))

    def of_rows(self, kept: npt.NDArray[np.bool_] | Integers) -> "Protector":
        """The protector of some of the rows (mask or indices)."""
        return self if self.groups is None else Protector(self.protection, self.groups[kept])

    def supporters(self, codes: Integers, size: int) -> Integers:
        """Rows (or different groups) of every code in ``range(size)``, shape (size,)."""
        if self.groups is None or not codes.size:
            return np.bincount(codes, minlength=size).astype(np.int64)
        width = int(self.groups.max()) + 1
        pairs = np.unique(codes * width + self.groups)
        return np.bincount(pairs // width, minlength=size).astype(np.int64)

    def edges(self, order: Integers) -> tuple[int | None, int | None]:
        """Places in ``order`` (ascending rows) of the protection-th smallest and largest; None when there are fewer."""
        low = self._edge(order)
        high = self._edge(order[::-1])
        if low is None or high is None:
            return None, None
        high = order.size - 1 - high
        return (low, high) if low <= high else (None, None)

    def _edge(self, order: Integers) -> int | None:
        if self.groups is None:
            return self.protection - 1 if order.size >= self.protection else None
        for size in (4096, order.size):
            first = np.unique(self.groups[order[:size]], return_index=True)[1]
            if first.size >= self.protection:
                return int(np.partition(first, self.protection - 1)[self.protection - 1])
        return None
