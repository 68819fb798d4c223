"""One contract for every generator: coded tables in, a state out; contexts and uniforms in, codes out.

A generator maps **uniforms to rows**: the engine feeds Philox words, Hypothesis feeds its own choices, and the same
state serves both. Codes are ordered so that low uniforms mean the simple and common values. All arithmetic when
sampling is on integers, so the same words give the same rows on every machine.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

__all__ = ["CodedTable", "Generator", "State", "Trained", "Variable"]

Codes = npt.NDArray[np.int32]
Words = npt.NDArray[np.uint64]


@dataclass(frozen=True)
class Variable:
    """One coded variable. ``ordered``: neighbouring codes are neighbouring values (bins), so splits by <= fit.

    ``like``: the context variable that holds the same variable of the sibling before, in the same codes. A generator
    may use it to repeat that one's code as such, whichever it is. ``first``: given whenever it is known, so it is best
    generated before all others. ``outgoing``: says what a row is to its children (how many, of which kind), whose rows
    must fit all of them together. ``told_by``: a variable that comes right before it and gives its code, once it is
    known where the row stands.
    """

    name: str
    size: int  # codes are in range(size)
    ordered: bool = False
    context: bool = False  # given when sampling, never generated
    like: str | None = None
    first: bool = False
    outgoing: bool = False
    told_by: str | None = None


@dataclass(frozen=True)
class CodedTable:
    """Codes of a table: ``codes`` has shape (rows, variables), context variables first, in sampling order.

    ``groups``: root entity of each row, shape (rows,), for held-out splits and leaf protection; None: rows alone.
    """

    variables: tuple[Variable, ...]
    codes: Codes
    groups: npt.NDArray[np.int64] | None = None


@dataclass(frozen=True)
class State:
    """What a fitted generator is: named arrays (safetensors) and JSON facts. ``variables`` as fitted, in order."""

    generator: str
    version: int
    variables: tuple[Variable, ...]
    arrays: Mapping[str, npt.NDArray[Any]]
    facts: Mapping[str, Any] = field(default_factory=dict)


class Generator(Protocol):
    """Found by ``name`` in generators.registry.GENERATORS or the entry points ``fixturesynth.generators``.

    A generator may have ``max_codes``: the quantile bins of a number that it can tell apart (64 where it does not say).
    One that ``computes`` takes ``computed`` when it samples: by the name of a variable that another tells, what gives
    its codes (``generators.moments.Moments``).
    """

    name: str
    version: int

    def fit(self, table: CodedTable, *, seed: int, time_limit: float | None = None) -> State:
        """Learn P(variable | those before it) for every variable that is not context."""
        ...

    def sample(
        self,
        state: State,
        context: Codes,
        uniforms: Words,
        given: Mapping[str, Codes] | None = None,
        *,
        stratify: bool = False,
    ) -> Codes:
        """Codes of shape (n, generated variables).

        ``context``: shape (n, context variables). ``uniforms``: raw 64-bit words, shape (n, generated variables).
        ``given``: codes by variable name, shape (n,), -1 where free; such variables are taken as given.
        ``stratify``: rows in the same situation share out their distribution evenly, so that small tables come close
        to their marginals. A row then depends on the rows it is sampled with; without, on its own words alone.
        """
        ...


@runtime_checkable
class Trained(Protocol):
    """A generator that takes its time: ``device`` names where it learns, ``progress`` is told steps done and to do."""

    device: str
    progress: Callable[[int, int], None] | None
