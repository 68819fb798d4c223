"""Children per parent: how many rows refer to a row of the parent, zeros included."""

from collections.abc import Iterator

import numpy as np

from fixturesynth.evaluation.comparison import FEWEST, Comparison, Edge, Integers, Side
from fixturesynth.evaluation.distances import Distance, kolmogorov_smirnov
from fixturesynth.evaluation.intervals import around
from fixturesynth.evaluation.record import Measure

__all__ = ["children_per_parent", "measure_cardinality"]


def children_per_parent(comparison: Comparison, side: Side, edge: Edge) -> Integers:
    """Children of each parent row, shape (parents,)."""
    at = comparison.parents(side, edge)[0]
    return np.bincount(at[at >= 0], minlength=comparison.rows(side, edge.parent)).astype(np.int64)


def measure_cardinality(comparison: Comparison) -> Iterator[Measure]:
    """Cardinality: KSComplement of the number of children per parent, for every foreign key, zeros included.

    Range 0 to 1, higher is better. Floor: two random halves of the real parents, with all of their children.
    Source: sdmetrics CardinalityShapeSimilarity.
    """
    for edge in comparison.edges:
        real, synthetic = (children_per_parent(comparison, side, edge) for side in ("real", "synthetic"))
        note = ""
        if not real.size or not synthetic.size:
            note = "no parents on one side"
        elif not real.any() and not synthetic.any():
            note = "the reference is used on neither side"
        found = _compared(real, synthetic)
        detail = {
            "parent": edge.parent,
            "real_mean": float(real.mean()) if real.size else None,
            "synthetic_mean": float(synthetic.mean()) if synthetic.size else None,
            "real_without": float(np.mean(real == 0)) if real.size else None,
            "synthetic_without": float(np.mean(synthetic == 0)) if synthetic.size else None,
            "real_most": int(real.max(initial=0)),
            "synthetic_most": int(synthetic.max(initial=0)),
        }
        score = None if note or found is None else found.score
        interval = around(score, found.spread) if found else None
        floor = _floor(comparison, edge, real)
        yield Measure(edge.child, score, edge.foreign_key.columns, edge.name, floor, detail, note, interval)


def _floor(comparison: Comparison, edge: Edge, real: Integers) -> float | None:
    if comparison.held_out and {edge.parent, edge.child} <= comparison.views["holdout"].keys():
        found = [_compared(real, children_per_parent(comparison, "holdout", edge))]
    else:
        halves = comparison.drawn(real.size, edge.child, edge.name)
        if real.size >= FEWEST:
            halves = comparison.split(np.arange(real.size), 1 if real.size > 5_000 else 5, edge.child, edge.name)
        found = [_compared(real[a], real[b]) for a, b in halves]
    known = [f.score for f in found if f is not None]
    return float(np.mean(known)) if known else None


def _compared(first: Integers, second: Integers) -> Distance | None:
    width = int(max(first.max(initial=0), second.max(initial=0))) + 1
    return kolmogorov_smirnov(np.bincount(first, minlength=width), np.bincount(second, minlength=width))
