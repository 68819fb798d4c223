"""Classifier two-sample tests: can LightGBM tell synthetic rows from real ones?

Lopez-Paz and Oquab, "Revisiting classifier two-sample tests" (2017). The score is that of sdmetrics' detection metrics:
1 minus (2 AUC - 1), where an AUC below 0.5 counts as 0.5. 1: cannot be told apart; 0: told apart without fail. Each
test is also run between real rows and real rows: that floor, not 1, is what can be reached.
"""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fixturesynth.evaluation.comparison import Comparison, Edge, Integers, Side
from fixturesynth.evaluation.features import Features, aggregates, beside, stack, table_features
from fixturesynth.evaluation.giveaways import find_giveaways
from fixturesynth.evaluation.intervals import around, auc_spread
from fixturesynth.evaluation.learning import train
from fixturesynth.evaluation.record import Measure
from fixturesynth.profiling.columnar import distinct_codes
from fixturesynth.randomness import permutation

__all__ = ["Detection", "Sample", "auc", "detect", "measure_alone", "measure_joined", "measure_with_aggregates"]

Floats = npt.NDArray[np.float64]

FOLDS = ((5_000, 5), (10_000, 3), (None, 2))  # rows of a side up to which so many folds are made
FEWEST_ROWS = 50  # of each side
FEWEST_PARENTS = 30  # of each side, to keep folds apart by
_SMALL = 2_000  # rows of both sides below which a test is repeated with other folds
_MOST_REPEATS = 2


@dataclass(frozen=True, eq=False)
class Sample:
    """Rows of one side with the entity that each belongs to; rows of one entity never lie on both sides of a fold."""

    features: Features
    groups: Integers

    def take(self, rows: Integers) -> "Sample":
        return Sample(self.features.take(rows), self.groups[rows])

    @property
    def rows(self) -> int:
        return self.groups.size


def auc(labels: npt.NDArray[np.bool_], scores: Floats) -> float:
    """Area under the ROC curve, ties counted half. Range 0 to 1.

    >>> auc(np.array([False, True, True]), np.array([0.1, 0.1, 0.9]))
    0.75
    """
    _, place, counts = np.unique(scores, return_inverse=True, return_counts=True)
    middle = (np.cumsum(counts) - (counts - 1) / 2)[place]
    positive = int(np.count_nonzero(labels))
    negative = labels.size - positive
    return float((middle[labels].sum() - positive * (positive + 1) / 2) / (positive * negative))


@dataclass(frozen=True)
class Detection:
    """``auc``: mean over folds, None for too few rows; ``rows`` of each side; ``telling``: see ``find_giveaways``."""

    auc: float | None
    rows: int
    telling: tuple[tuple[str, float, str], ...] = ()

    @property
    def score(self) -> float | None:
        """
        >>> Detection(0.65, 100).score, Detection(0.4, 100).score
        (0.7, 1.0)
        """
        return None if self.auc is None else round(2.0 * (1.0 - max(0.5, self.auc)), 12)

    @property
    def interval(self) -> tuple[float, float] | None:
        if self.auc is None:
            return None
        found = around(self.auc, auc_spread(self.auc, self.rows, self.rows))
        return None if found is None else (2 * (1 - max(0.5, found[1])), 2 * (1 - max(0.5, found[0])))


def detect(first: Sample, second: Sample, seed: int, limit: int, *, floor: bool = False) -> Detection:
    """How well the second rows are told from the first (the real ones), and by what.

    ``floor``: between real rows; fewer rows will do, and above 5,000 rows one fold, whose error is below 0.006.

    LightGBM with its defaults (100 trees, 31 leaves; smaller leaves below 1,000 rows), five folds by group (two above
    10,000 rows, where the standard error is below 0.003 all the same), at most ``limit`` rows of each side, as many of
    one as of the other.
    """
    size = min(first.rows, second.rows, limit)
    if size < (FEWEST_ROWS // 2 if floor else FEWEST_ROWS) or not first.features.names:
        return Detection(None, size)
    sides = [_drawn(side, size, seed, at) for at, side in enumerate((first, second))]
    features = stack([s.features for s in sides])
    labels = np.repeat([False, True], [s.rows for s in sides])
    groups, number = distinct_codes(np.concatenate([s.groups for s in sides]))
    folds = next(n for most, n in FOLDS if most is None or size <= most)
    if number < 2 * folds:
        return Detection(None, size)
    tests = []
    for again in range(int(np.clip(_SMALL // (2 * size), 1, 1 if floor else _MOST_REPEATS))):
        fold = permutation(number, seed, "evaluation", "folds", again)[groups] % folds
        tests += [fold == k for k in range(folds)]
    tests = [t for t in tests if not _one_sided(labels[t]) and not _one_sided(labels[~t])]
    if not tests:
        return Detection(None, size)
    if floor and size > FOLDS[0][0]:
        tests = tests[:1]
    # One thread for each model: LightGBM's own threads wait for each other, badly so on a busy machine.
    with ThreadPoolExecutor(min(4, os.cpu_count() or 1)) as pool:
        fitted = list(pool.map(lambda test: train(features.take(~test), labels[~test]), tests))
        scores = list(
            pool.map(lambda t: auc(labels[t[0]], t[1].predict(features.take(t[0]))), zip(tests, fitted, strict=True))
        )
    gains = np.sum([model.gains for model in fitted], axis=0)
    return Detection(float(np.mean(scores)), size, find_giveaways(features, labels, gains))


def _one_sided(labels: npt.NDArray[np.bool_]) -> bool:
    return bool(labels.all()) or not bool(labels.any())


def _drawn(side: Sample, size: int, seed: int, at: int) -> Sample:
    if side.rows <= size:
        return side
    return side.take(np.sort(permutation(side.rows, seed, "evaluation", "detection", at)[:size]))


def measure_alone(comparison: Comparison) -> Iterator[Measure]:
    """C2ST: how well LightGBM tells the real and the synthetic rows of one table apart.

    Shown are the compared columns, references into lists that are kept word for word, and the lengths of other texts.
    Folds are kept apart by parent entity, so that the tracks of one album are no fingerprint of it. Range 0 to 1, 1
    cannot be told apart, higher is better; an AUC clearly below 0.5 means copies. Floor: two halves of the real
    rows, split by parent entity. With held-out rows both sides are compared with these. Source: C2ST as above.
    """
    for done, name in enumerate(comparison.tables):
        comparison.told("classifier on tables", done, len(comparison.tables))
        samples = {
            side: Sample(table_features(comparison, side, name), comparison.entities(side, name))
            for side in comparison.views if name in comparison.views[side]
        }  # fmt: skip
        if comparison.kept(name) is not None:
            continue
        real = samples["real"]
        halves = comparison.split(real.groups, 1 if real.rows > 5_000 else 2, "alone", name)
        yield _measure(
            comparison, samples, name, None, [(real.take(a), real.take(b)) for a, b in halves],
            shared=_entities_shared(comparison, name),
        )  # fmt: skip


def _entities_shared(comparison: Comparison, table: str) -> bool:
    """Whether the rows belong to entities of a list kept word for word, the same ones on both sides."""
    top, seen = table, {table}
    while (edge := comparison.leading(top)) is not None and edge.parent not in seen:
        top = edge.parent
        seen.add(top)
    return top != table and comparison.kept(top) is not None


def measure_joined(comparison: Comparison) -> Iterator[Measure]:
    """C2ST joined: the rows of a child table beside their parent's columns, for every foreign key.

    Folds are kept apart by parent, and by what the parent belongs to: otherwise their values are a fingerprint, and two
    halves of real rows can be told apart by it. Where the parents are a list kept word for word, both sides have the
    same ones and folds are by the entity that the child belongs to. Range 0 to 1, 1 cannot be told apart, higher is
    better. Floor: the real children of two halves of the parents. Source: C2ST as above.
    """
    for done, edge in enumerate(comparison.edges):
        comparison.told("classifier on children with parents", done, len(comparison.edges))
        if not comparison.tables[edge.parent].columns or edge.parent == edge.child or _both_kept(comparison, edge):
            continue
        kept = comparison.kept(edge.parent) is not None
        entities = {side: comparison.entities(side, edge.parent) for side in _sides(comparison, edge)}
        samples = {}
        used = []
        for side in _sides(comparison, edge):
            at = comparison.parents(side, edge)[0]
            linked = np.flatnonzero(at >= 0)
            features = beside(
                table_features(comparison, side, edge.child).take(linked),
                table_features(comparison, side, edge.parent, f"{edge.parent}.").take(at[linked]),
            )
            # Parents kept word for word are the same on both sides and no fingerprint: what else a row belongs to is.
            above = comparison.entities(side, edge.child)[linked] if kept else entities[side][at[linked]]
            samples[side] = Sample(features, above)
            used.append(int(np.unique(at[linked]).size))
        if not kept and min(used) < FEWEST_PARENTS:
            continue
        real = samples["real"]
        halves = comparison.split(real.groups, 1 if real.rows > 5_000 else 2, "joined", edge.child, edge.name)
        yield _measure(comparison, samples, edge.child, edge, [(real.take(a), real.take(b)) for a, b in halves])


def measure_with_aggregates(comparison: Comparison) -> Iterator[Measure]:
    """C2ST-Agg: the rows of a parent beside aggregates of their children, for every foreign key.

    Range 0 to 1, 1 cannot be told apart, higher is better. Floor: two halves of the real parents. Source: Hudovernik,
    Jurkovič, Štrumbelj, "Benchmarking the fidelity and utility of synthetic relational data" (2024).
    """
    for done, edge in enumerate(comparison.edges):
        comparison.told("classifier on parents with children", done, len(comparison.edges))
        if not comparison.tables[edge.child].columns or edge.parent == edge.child or _both_kept(comparison, edge):
            continue
        kept = comparison.kept(edge.parent)
        samples = {}
        for side in _sides(comparison, edge):
            features = beside(table_features(comparison, side, edge.parent), aggregates(comparison, side, edge))
            samples[side] = Sample(features, comparison.entities(side, edge.parent))
        real = samples["real"]
        halves = comparison.split(real.groups, 1 if real.rows > 5_000 else 2, "agg", edge.child, edge.name)
        yield _measure(
            comparison, samples, edge.child, edge, [(real.take(a), real.take(b)) for a, b in halves],
            shared=kept is not None or _entities_shared(comparison, edge.parent),
        )  # fmt: skip


def _both_kept(comparison: Comparison, edge: Edge) -> bool:
    """Whether parent and child are kept word for word: the same rows, of which nothing can be told."""
    return comparison.kept(edge.parent) is not None and comparison.kept(edge.child) is not None


def _sides(comparison: Comparison, edge: Edge) -> list[Side]:
    return [s for s in comparison.views if edge.child in comparison.views[s] and edge.parent in comparison.views[s]]


def _measure(
    comparison: Comparison,
    samples: dict[Side, Sample],
    table: str,
    edge: Edge | None,
    halves: list[tuple[Sample, Sample]],
    shared: bool = False,
) -> Measure:
    limit, seed = comparison.rows_limit, comparison.seed
    reference = samples.get("holdout", samples["real"])
    synthetic = samples["synthetic"]
    if not shared:
        synthetic = Sample(synthetic.features, synthetic.groups + int(reference.groups.max(initial=0)) + 1)
    found = detect(reference, synthetic, seed, limit)
    if max(reference.rows, synthetic.rows) > limit:
        comparison.notes.append(
            f"classifiers saw at most {limit:,} rows of each side; the standard error of an AUC is at most "
            f"{0.5 / np.sqrt(limit):.4f}"
        )
    floors = []
    if found.auc is not None:
        if "holdout" in samples:
            other = samples["real"]
            halves = [(reference, Sample(other.features, other.groups + int(reference.groups.max(initial=0)) + 1))]
        floors = [detect(a, b, seed, limit, floor=True).auc for a, b in halves]
    known = [f for f in floors if f is not None]
    floor = Detection(float(np.mean(known)), found.rows) if known else Detection(None, found.rows)
    detail = {"auc": found.auc, "floor_auc": floor.auc, "telling": found.telling, "rows": found.rows}
    note = "" if found.auc is not None else f"too few rows for a classifier ({found.rows:,})"
    return Measure(
        table, found.score, edge.foreign_key.columns if edge else (), edge.name if edge else None, floor.score,
        detail | ({"parent": edge.parent} if edge else {}), note, found.interval,
    )  # fmt: skip
