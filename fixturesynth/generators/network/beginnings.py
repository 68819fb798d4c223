"""What heads of the network say before training: logarithms of what is observed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from fixturesynth.generators.network.integers import EACH, NEAR
from fixturesynth.generators.network.relations import AHEAD, MOST_NATS, Relation, log_ratios, source_codes
from fixturesynth.generators.network.tokens import Tokens

__all__ = ["IMPOSSIBLE", "log_inside", "log_related", "log_shares"]

IMPOSSIBLE = -60.0  # nats: the table of exponentials ends long before
LEAST = -14.0  # nats, of a class that no row has
FEWEST_TOLD = 50  # rows that say how often the expected place comes


def log_shares(column: npt.NDArray[np.int32], size: int) -> npt.NDArray[np.float32]:
    """Logarithms of the shares of a token's classes, (size,)."""
    counts = np.bincount(column, minlength=size).astype(np.float64)
    share = np.log((counts + 1e-6) / (counts.sum() + 1e-6 * size))
    return np.asarray(np.maximum(share, LEAST), np.float32)


def log_inside(tokens: Tokens, columns: npt.NDArray[np.int32], lead: int) -> npt.NDArray[np.float64]:
    """Logarithm of the share of every place in every group, (groups, places)."""
    groups, places = tokens.tokens[lead].size, tokens.tokens[lead + 1].size
    counts = np.bincount(columns[:, lead] * places + columns[:, lead + 1], minlength=groups * places)
    table = counts.reshape(groups, places) + 0.1
    exists = np.zeros((groups, places), bool)
    exists[tokens.lookups[lead], tokens.lookups[lead + 1]] = True
    table = np.where(exists, table, 0.0)
    table /= table.sum(axis=1, keepdims=True)
    return np.where(exists, np.log(np.maximum(table, 1e-12)), IMPOSSIBLE)


def log_related(
    tokens: Tokens, columns: npt.NDArray[np.int32], relations: Sequence[Relation]
) -> npt.NDArray[np.float32]:
    """What the curves of the strongest source of one variable say before training, (relations, EACH), in nats: how
    much more often each distance comes than by chance, and the expected place. A second curve tells of the rows that
    are far from the first; other sources begin with nothing."""
    out = np.zeros((len(relations), EACH), np.float32)
    lead, inside = relations[0].target, tokens.inside(relations[0].target)
    size = tokens.tokens[lead].size
    left = columns
    for k, relation in enumerate(relations):
        if relation.source != relations[0].source or not len(left):
            break
        codes = source_codes(tokens, left, relation.source)
        centres = relation.centre[codes]
        out[k, :NEAR] = log_ratios(left[:, lead], centres, size)
        if inside is not None:
            out[k, NEAR] = _log_place(left[:, lead], left[:, inside], centres, relation.inner[codes])
        left = left[np.abs(left[:, lead] - centres) > AHEAD]
    return out


def _log_place(
    classes: npt.NDArray[np.int32], places: npt.NDArray[np.int32], centres: npt.NDArray[np.int32],
    inners: npt.NDArray[np.int32],
) -> float:  # fmt: skip
    """How much likelier the expected place is in the expected class than there by chance, in nats of odds."""
    wide = int(places.max(initial=0)) + 1
    counts = np.bincount(classes.astype(np.int64) * wide + places, minlength=(int(classes.max()) + 1) * wide)
    of_class = np.bincount(classes, minlength=int(classes.max()) + 1)
    here = classes == centres
    at = classes[here].astype(np.int64) * wide + np.minimum(inners[here], wide - 1)
    chance = counts[at] / of_class[classes[here]]
    open_ = chance < 1.0 - 1e-9  # a class of one place says nothing
    if open_.sum() < FEWEST_TOLD:
        return 0.0
    share = (float((places[here] == inners[here])[open_].sum()) + 0.5) / (float(open_.sum()) + 1.0)
    odds, base = share / (1 - share), float(chance[open_].mean())
    return float(np.clip(np.log(odds * (1 - base) / max(base, 1e-6)), 0.0, MOST_NATS))
