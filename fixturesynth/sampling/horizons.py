"""Moments counted from a parent's that stay between the first and the last of the rows that were read, and between
other moments of the parent.

Events of a person are learned by age. Rows end on the day they were read, so who was born late has no events of an
old age, and what happens during a stay happens before its end: a tree tells that only roughly. What would lie beyond is
drawn again, with all that goes with it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from fixturesynth.arrays import array_of
from fixturesynth.generators.contract import Codes, Variable, Words
from fixturesynth.generators.encoding import encode
from fixturesynth.generators.moments import Moments, moments_from
from fixturesynth.generators.offsets import FAR, base_of, ends_of, spans
from fixturesynth.generators.tablemodel import TableModel, column_variable, moment_variable
from fixturesynth.planning.plan import Modelled, TablePlan
from fixturesynth.randomness import hashed

__all__ = ["Horizon", "drawn_within", "find_horizons"]

Integers = npt.NDArray[np.int64]

TRIES = 6


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
        ends = _ends(base, {name: values.take(array_of(parents)) for name, values in parent.items()}, facts)
        if ends is None or not encoding.ordered or encoding.size < 2:
            continue
        low, high = (encode(encoding, array_of(end)) for end in ends)
        free = low > high
        low, high = np.where(free, 0, low).astype(np.int32), np.where(free, encoding.size - 1, high).astype(np.int32)
        out[variable] = Horizon(column.name, low, high, ends, encoding.null_code)
    return out, told


def _ends(base: pa.Array, others: Mapping[str, pa.Array], facts: Mapping[str, Any]) -> tuple[Integers, Integers] | None:
    """The least and the greatest offset of each row, (n,); None where nothing is known of them."""
    span, between = spans(base, facts), ends_of(base, others, facts) if facts.keys() & {"since", "until"} else None
    if span is None or between is None:
        return between if span is None else (np.where(span[2], span[0], -FAR), np.where(span[2], span[1], FAR))
    low = np.where(span[2], np.maximum(span[0], between[0]), between[0])
    high = np.where(span[2], np.minimum(span[1], between[1]), between[1])
    fits = low <= high
    return np.where(fits, low, between[0]), np.where(fits, high, between[1])


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
