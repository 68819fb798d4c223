"""Moments counted from a parent's that stay between the first and the last of the rows that were read.

Events of a person are learned by age. Rows end on the day they were read, so who was born late has no events of an
old age: a tree tells that only roughly. What would lie beyond is drawn again, with all that goes with it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from fixturesynth.arrays import array_of
from fixturesynth.generators.contract import Codes, Variable, Words
from fixturesynth.generators.encoding import encode
from fixturesynth.generators.moments import Moments, moments_from
from fixturesynth.generators.offsets import base_of, spans
from fixturesynth.generators.tablemodel import TableModel, column_variable, moment_variable
from fixturesynth.planning.plan import Modelled, TablePlan
from fixturesynth.randomness import hashed

__all__ = ["Horizon", "drawn_within", "find_horizons"]

Integers = npt.NDArray[np.int64]

TRIES = 6
FAR = 2**61


@dataclass(frozen=True)
class Horizon:
    """The lowest and the highest code of a column's variable that each row may have, (n,), and the offsets they are
    of; ``null_code`` is always free."""

    column: str
    low: Codes
    high: Codes
    offsets: tuple[Integers, Integers]
    null_code: int | None

    def take(self, rows: Integers | slice) -> Horizon:
        ends = self.offsets[0][rows], self.offsets[1][rows]
        return Horizon(self.column, self.low[rows], self.high[rows], ends, self.null_code)

    def beyond(self, codes: Codes) -> npt.NDArray[np.bool_]:
        out = (codes < self.low) | (codes > self.high)
        return out if self.null_code is None else out & (codes != self.null_code)


def find_horizons(
    plan: TablePlan, model: TableModel, parent: Mapping[str, pa.Array], parents: Integers
) -> tuple[dict[str, Horizon], dict[str, Moments]]:
    """By variable, for columns that are counted from one of the context's parent: how far they may go, and when it is.

    ``parent``: the parent's columns; ``parents``: each row's parent, (n,).
    """
    out: dict[str, Horizon] = {}
    told: dict[str, Moments] = {}
    for column in plan.columns:
        source, variable = column.source, column_variable(column.name)
        if not isinstance(source, Modelled) or column.name not in model.offsets or variable not in model.encodings:
            continue
        facts, encoding = model.offsets[column.name], model.encodings[variable]
        key, theirs = source.options.get("delta_parent", (None, None))
        if key != plan.context or base_of(source.options, facts) is not None or theirs not in parent:
            continue
        base = parent[theirs].take(array_of(parents))
        if (moments := moments_from(model, column.name, base)) is not None:
            told[moment_variable(column.name)] = moments
        span = spans(base, facts)
        if span is None or not encoding.ordered or encoding.size < 2:
            continue
        low, high = (encode(encoding, array_of(ends)) for ends in span[:2])
        last = encoding.size - 1
        free = ~span[2] | (low > high)
        low, high = np.where(free, 0, low).astype(np.int32), np.where(free, last, high).astype(np.int32)
        ends = np.where(free, -FAR, span[0]), np.where(free, FAR, span[1])
        out[variable] = Horizon(column.name, low, high, ends, encoding.null_code)
    return out, told


def drawn_within(
    sample: Callable[[Codes, Words, Mapping[str, Codes] | None, Integers | slice], Codes],
    variables: tuple[Variable, ...],
    horizons: Mapping[str, Horizon],
    context: Codes,
    words: Words,
    given: Mapping[str, Codes] | None,
) -> Codes:
    """Codes (n, variables) by ``sample`` (of context, words, what is given, and which rows these are), of which those
    beyond their horizons are drawn again.

    What still is beyond after TRIES is put at its horizon, and the rest of the row drawn beside that.
    """
    codes = sample(context, words, given, slice(None))
    for turn in range(TRIES + 1):
        out = {}
        for i, variable in enumerate(variables):
            if variable.name in horizons and (given is None or variable.name not in given):
                out[i] = horizons[variable.name].beyond(codes[:, i])
        rows = np.flatnonzero(np.any(list(out.values()), axis=0)) if out else np.zeros(0, dtype=np.int64)
        if not rows.size:
            break
        known = {name: wish[rows] for name, wish in (given or {}).items()}
        if turn == TRIES:
            for i, beyond in out.items():
                edge = horizons[variables[i].name].take(rows)
                known[variables[i].name] = np.where(beyond[rows], np.clip(codes[rows, i], edge.low, edge.high), -1)
        codes[rows] = sample(context[rows], hashed(words[rows], 0, "within", turn), known or None, rows)
    return codes
