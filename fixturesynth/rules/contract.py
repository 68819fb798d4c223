"""What a rule is: a space of values with an order, of which a rank or a random word picks one.

A rule builds a ``Space`` once for a column; ``sample_rule`` then gives any partition of it. Uniqueness needs no
memory and no retries: a unique column takes ``space.at(permute(rank, space.size))``.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from fixturesynth.schema.model import ColumnType

__all__ = ["WANTED_LENGTH", "ColumnContext", "RuleCall", "RuleMaker", "RuleRequest", "Space"]

Integers = npt.NDArray[np.int64]
Words = npt.NDArray[np.uint64]

WANTED_LENGTH = "wanted length"  # given to rules for running text: characters that each row should have


@dataclass(frozen=True)
class RuleCall:
    """A rule by name with its options, all JSON values. ``version`` is part of the value's address."""

    name: str
    options: Mapping[str, Any] = field(default_factory=dict)
    unique: bool = False
    version: int = 1


@dataclass(frozen=True)
class ColumnContext:
    """What a rule may know of its column when its space is built.

    ``unique`` is filled from the call: a rule then leaves out values that could collide (``Anna-Lena`` against
    ``Anna`` + ``Lena``), and may append numbers where its plain values run out. ``table`` and ``column`` are empty for
    rules whose spaces are shared by all columns of a type (rules.registry).
    """

    table: str
    column: str
    type: ColumnType
    locale: str
    now: datetime  # pinned; aware (UTC)
    unique: bool = False


@dataclass(frozen=True, eq=False)
class Space:
    """``size`` values in a fixed order; ``at`` maps indices in ``range(size)``, shape (n,), to an Arrow array of n.

    Lower indices are the simpler and more common values, so that property-based tests shrink towards them. ``at``
    gets the columns named by the rule's ``needs`` as ``given`` (Arrow arrays of n). ``size`` is at most 2**62.

    How an index is picked:

    - unique: ranks are permuted inside consecutive blocks of ``block`` values (None: one block of all), so that plain
      values come before numbered ones;
    - ``block=1``: index = rank, unique or not (sequences);
    - else by ``draw``, which maps raw words, shape (n,), to indices; without it by ``cumulative`` (integer running
      weights); without both, all values of the first block are alike.
    """

    size: int
    at: Callable[[Integers, Mapping[str, pa.Array]], pa.Array]
    cumulative: Integers | None = None
    draw: Callable[[Words], Integers] | None = None
    block: int | None = None


class RuleMaker(Protocol):
    """A rule: found by ``name`` in rules.registry.RULES or the entry points ``fixturesynth.rules``.

    ``version`` rises when the same options give other values; it is part of every value's address.
    """

    @property
    def name(self) -> str: ...
    @property
    def version(self) -> int: ...

    def __call__(self, options: Mapping[str, Any], context: ColumnContext) -> Space: ...


@dataclass(frozen=True)
class RuleRequest:
    """One partition of one column: ``ranks`` are the rows' numbers in their table, shape (n,), ascending.

    Values depend on seed, context and rank alone, never on ``partition`` or on how the table was cut.
    """

    seed: int
    context: ColumnContext
    ranks: Integers
    partition: int
    given: Mapping[str, pa.Array]
