"""Classifier two-sample tests: can LightGBM tell synthetic rows from real ones?

Lopez-Paz and Oquab, "Revisiting classifier two-sample tests" (2017). 0.5 is a coin. Each test is also run between real
rows and real rows: that floor, not 0.5, is what can be reached.
"""

import os
import warnings
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fixturesynth.evaluation.comparison import Comparison, Edge, Integers, Side
from fixturesynth.evaluation.features import Features, aggregates, beside, stack, table_features
from fixturesynth.evaluation.record import Measure
from fixturesynth.profiling.columnar import distinct_codes
from fixturesynth.randomness import permutation

__all__ = ["Sample", "auc", "detect", "measure_alone", "measure_joined", "measure_with_aggregates"]

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


def detect(
    first: Sample, second: Sample, seed: int, limit: int, fewest: int = FEWEST_ROWS
) -> tuple[float | None, tuple[tuple[str, float], ...]]:
    """(mean AUC over folds, the features that gave most away with their share of the gain); None for too few rows.

    LightGBM with its defaults (100 trees, 31 leaves; smaller leaves below 1,000 rows), five folds by group (two above
    10,000 rows, where the standard error is below 0.003 all the same), at most ``limit`` rows of each side, as many of
    one as of the other.
    """
    size = min(first.rows, second.rows, limit)
    if size < fewest or not first.features.names:
        return None, ()
    sides = [_drawn(side, size, seed, at) for at, side in enumerate((first, second))]
    features = stack([s.features for s in sides])
    labels = np.repeat([False, True], [s.rows for s in sides])
    groups, number = distinct_codes(np.concatenate([s.groups for s in sides]))
    folds = next(n for most, n in FOLDS if most is None or size <= most)
    if number < 2 * folds:
        return None, ()
    tests = []
    for again in range(int(np.clip(_SMALL // (2 * size), 1, _MOST_REPEATS if fewest == FEWEST_ROWS else 1))):
        fold = permutation(number, seed, "evaluation", "folds", again)[groups] % folds
        tests += [fold == k for k in range(folds)]
    tests = [t for t in tests if not _one_sided(labels[t]) and not _one_sided(labels[~t])]
    if not tests:
        return None, ()
    # One thread for each model: LightGBM's own threads wait for each other, badly so on a busy machine.
    with ThreadPoolExecutor(min(4, os.cpu_count() or 1)) as pool:
        fitted = list(pool.map(lambda test: _fit_predict(features, labels, test), tests))
    scores = [auc(labels[test], predicted) for test, (predicted, _) in zip(tests, fitted, strict=True)]
    gains = np.sum([gain for _, gain in fitted], axis=0)
    total = float(gains.sum())
    order = np.argsort(-gains, kind="stable")[:5]
    telling = tuple((features.names[i], round(float(gains[i] / total), 3)) for i in order.tolist() if gains[i] > 0)
    return float(np.mean(scores)), telling


def _one_sided(labels: npt.NDArray[np.bool_]) -> bool:
    return bool(labels.all()) or not bool(labels.any())


def _drawn(side: Sample, size: int, seed: int, at: int) -> Sample:
    if side.rows <= size:
        return side
    return side.take(np.sort(permutation(side.rows, seed, "evaluation", "detection", at)[:size]))


def _fit_predict(
    features: Features, labels: npt.NDArray[np.bool_], test: npt.NDArray[np.bool_]
) -> tuple[Floats, Floats]:
    import lightgbm

    train = ~test
    rows = int(np.count_nonzero(train))
    parameters = {
        "objective": "binary", "verbosity": -1, "deterministic": True, "force_row_wise": True, "seed": 0,
        "min_data_in_leaf": int(np.clip(rows // 50, 3, 20)), "num_threads": 1,
    }  # fmt: skip
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        # Every call says one thread: LightGBM keeps the number for the whole process; a call that left it open would
        # change it under the feet of a model that is being fitted beside it.
        data = lightgbm.Dataset(
            features.matrix[train], labels[train].astype(np.float64), params=dict(parameters),
            categorical_feature=list(features.categories),
        )  # fmt: skip
        model = lightgbm.train(parameters, data, num_boost_round=100)
        predicted = np.asarray(model.predict(features.matrix[test], num_threads=1), dtype=np.float64)
    return predicted, np.asarray(model.feature_importance("gain"), dtype=np.float64)


def measure_alone(comparison: Comparison) -> Iterator[Measure]:
    """C2ST: LightGBM's AUC between the real and the synthetic rows of one table.

    Shown are the compared columns, references into lists that are kept word for word, and the lengths of other texts.
    Folds are kept apart by parent entity, so that the tracks of one album are no fingerprint of it. Range 0 to 1, 0.5
    cannot be told apart, lower is better; clearly below 0.5 means copies. Floor: two halves of the real rows, split by
    parent entity. With held-out rows both sides are compared with these. Source: C2ST as above.
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
    same ones and folds are by the entity that the child belongs to. Range 0 to 1, 0.5 cannot be told apart, lower is
    better. Floor: the real children of two halves of the parents.
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

    Range 0 to 1, 0.5 cannot be told apart, lower is better. Floor: two halves of the real parents. Source: Hudovernik,
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
    score, telling = detect(reference, synthetic, seed, limit)
    floors = []
    if score is not None:
        if "holdout" in samples:
            other = samples["real"]
            halves = [(reference, Sample(other.features, other.groups + int(reference.groups.max(initial=0)) + 1))]
        floors = [detect(a, b, seed, limit, FEWEST_ROWS // 2)[0] for a, b in halves]
    known = [f for f in floors if f is not None]
    rows = min(reference.rows, synthetic.rows, limit)
    detail = {"telling": telling, "rows": rows} | ({"parent": edge.parent} if edge else {})
    note = "" if score is not None else f"too few rows for a classifier ({rows:,})"
    return Measure(
        table, score, edge.foreign_key.columns if edge else (), edge.name if edge else None,
        float(np.mean(known)) if known else None, detail, note,
    )  # fmt: skip
