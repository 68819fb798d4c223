"""When a rule that no row breaks is a rule, and when it is an accident.

Surprise is minus the natural logarithm of the chance that the rule would hold by accident; a rule counts from
``SURPRISE`` on, a chance of one in 500 million, which leaves room for the thousands of rules that are tried.
"""

import numpy as np
import numpy.typing as npt

from fixturesynth.profiling.columnar import ColumnView
from fixturesynth.randomness import permutation

__all__ = ["FEWEST", "SAMPLE", "SURPRISE", "log_choose", "minus_log", "shuffled", "surprise_of_agreement"]

SURPRISE = 20.0
FEWEST = 20  # rows that must bear a rule witness
SAMPLE = 20_000  # rows that candidates are screened on


def minus_log(chance: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """-ln(chance), finite for 0."""
    result: npt.NDArray[np.float64] = -np.log(np.clip(np.asarray(chance, dtype=np.float64), 1e-12, 1.0))
    return result


def surprise_of_agreement(column: ColumnView, witnesses: int) -> float:
    """Surprise that ``witnesses`` independent rows all agree with something drawn from this column."""
    return witnesses * float(minus_log(column.collision))


def shuffled(rows: int) -> npt.NDArray[np.int64]:
    """A fixed permutation: what a rule is compared against."""
    return permutation(rows, 0, "profiling", "evidence")


def log_choose(n: int, k: int) -> float:
    """Logarithm of the number of ways to choose k of n (Stirling's series, good to a few percent)."""
    if k <= 0 or k >= n:
        return 0.0
    share = k / n
    entropy = -share * np.log(share) - (1 - share) * np.log(1 - share)
    return float(max(0.0, n * entropy - 0.5 * np.log(2 * np.pi * n * share * (1 - share))))
