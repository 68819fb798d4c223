"""How many children each parent gets, for one foreign key."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from fixturesynth.errors import CapacityError
from fixturesynth.generators.blocks import codes_by, count_steps
from fixturesynth.generators.context import Features, coarse_codes
from fixturesynth.generators.tablemodel import TableModel, count_variable
from fixturesynth.planning.plan import ReferencePlan
from fixturesynth.randomness import hashed
from fixturesynth.sampling.counts import allot, assign_by_score, default_counts, stretch

__all__ = ["as_dealt", "degrees_of"]

Integers = npt.NDArray[np.int64]


def degrees_of(
    child: str,
    reference: ReferencePlan,
    parents: int,
    total: int,
    parent_model: TableModel | None,
    parent_features: Features | None,
    cap: int | None,
    seed: int,
) -> Integers:
    """Children of every parent, shape (parents,), with sum ``total``.

    A list of the world keeps its own counts, in proportion; other parents get the learned counts as a whole, dealt out
    by what the parent's model says of each; without rows the default law holds. ``cap``: most children that a parent
    may have (uniqueness says so).
    """
    address = (child, reference.foreign_key, "degrees")
    if total and not parents:
        raise CapacityError(f"{child}: {total} rows must reference {reference.parent}, which has no rows")
    if reference.exclusive:
        cap = 1
    if cap is not None and total > cap * parents:
        raise CapacityError(
            f"{child}: {total} rows asked, but {parents} rows of {reference.parent} can have at most {cap} each"
        )
    key = f"{child}.{reference.foreign_key}"
    kept = parent_model.degrees.get(key) if parent_model is not None and not reference.asked else None
    if kept is not None and kept.size == parents:
        out = allot(kept, total, hashed(np.arange(parents), seed, *address))
    elif reference.counts:
        variable = count_variable(child, reference.foreign_key)
        known = parent_features is not None and variable in {v.name for v in parent_features.variables}
        score = (
            parent_features.column(variable).astype(np.int64)
            if known and parent_features
            else np.zeros(parents, dtype=np.int64)
        )
        out = assign_by_score(stretch(reference.counts, parents, total), score, seed, *address)
    elif reference.exclusive:
        out = np.zeros(parents, dtype=np.int64)
        out[np.argsort(hashed(np.arange(parents), seed, *address), kind="stable")[:total]] = 1
    else:
        return default_counts(parents, total, cap, seed, *address)
    return _capped(out, cap, seed, *address)


def as_dealt(features: Features | None, child: str, reference: ReferencePlan, degrees: Integers) -> Features | None:
    """The parent's ``features`` with the numbers of children that its rows have in the end: children go by those."""
    variable = count_variable(child, reference.foreign_key)
    place = next((i for i, v in enumerate(features.variables) if v.name == variable), None) if features else None
    if features is None or place is None or not reference.counts:
        return features
    counts, parents = (np.array(side, dtype=np.int64) for side in zip(*reference.counts, strict=True))
    steps = count_steps(np.repeat(counts, parents))
    codes = features.codes.copy()
    shown = coarse_codes(codes_by(steps, degrees), steps.size, min(features.variables[place].size, steps.size))
    codes[:, place] = np.minimum(shown, features.variables[place].size - 1)
    return Features(features.variables, codes)


def _capped(degrees: Integers, cap: int | None, seed: int, *address: str | int) -> Integers:
    if cap is None or int(degrees.max(initial=0)) <= cap:
        return degrees
    out = np.minimum(degrees, cap)
    missing = int(degrees.sum() - out.sum())
    order = hashed(np.arange(out.size), seed, *address, "capped")
    while missing:
        room = cap - out
        out += np.minimum(allot(np.where(room > 0, degrees + 1, 0), missing, order), room)
        missing = int(degrees.sum() - out.sum())
    return out
