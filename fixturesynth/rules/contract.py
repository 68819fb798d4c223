"""What a rule is: a space of values with an order, of which a rank or a random word picks one.

A rule builds a ``Space`` once for a column; ``sample`` then gives whole partitions at a time. Uniqueness needs no
memory and no retries: a unique column takes ``space.at(permute(rank, space.size))``.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from fixturesynth.schema.model import ColumnType

__all__ = ["ColumnContext", "RuleMaker", "RuleRequest", "Space"]

Integers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class ColumnContext:
    """What a rule may know of its column when its space is built."""

    table: str
    column: str
    type: ColumnType
    locale: str
    now: datetime  # pinned; aware (UTC)


@dataclass(frozen=True)
class Space:
    """``size`` values in a fixed order; ``at`` maps indices in ``range(size)``, shape (n,), to an Arrow array of n.

    ``cumulative``: integer running weights for draws with repetition (None: all alike). Lower indices are the
    simpler and more common values, so that property-based tests shrink towards them. ``at`` gets the columns named
    by the rule's ``needs`` as ``given`` (Arrow arrays of n). ``size`` is at most 2**62.
    """

    size: int
    at: Callable[[Integers, Mapping[str, pa.Array]], pa.Array]
    cumulative: Integers | None = None


class RuleMaker(Protocol):
    """A rule: found by ``name`` in rules.registry.RULES or the entry points ``fixturesynth.rules``."""

    name: str
    version: int

    def __call__(self, options: Mapping[str, Any], context: ColumnContext) -> Space: ...


@dataclass(frozen=True)
class RuleRequest:
    """One partition of one column: ``ranks`` are the rows' numbers in their table, shape (n,), ascending."""

    seed: int
    context: ColumnContext
    ranks: Integers
    partition: int
    given: Mapping[str, pa.Array]
