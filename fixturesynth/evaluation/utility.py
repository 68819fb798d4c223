"""Does a model that was trained on synthetic rows do as well on real ones as a model that was trained on real rows?

Esteban, Hyland, Rätsch, "Real-valued (medical) time series generation with recurrent conditional GANs" (2017): train on
synthetic, test on real, beside train on real, test on real.
"""

import os
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fixturesynth.evaluation.comparison import Comparison, Integers, Side
from fixturesynth.evaluation.detection import auc
from fixturesynth.evaluation.features import Features, beside, stack, table_features
from fixturesynth.evaluation.intervals import Interval, around
from fixturesynth.evaluation.learning import Model, train
from fixturesynth.evaluation.record import Measure
from fixturesynth.evaluation.shapes import side_values
from fixturesynth.evaluation.targets import Target, find_targets
from fixturesynth.randomness import below, permutation, stream, words

__all__ = ["Trial", "measure_classification", "measure_minority", "measure_regression", "try_target"]

Floats = npt.NDArray[np.float64]

MOST_ROWS = 10_000  # of each training set, and of the test set
FEWEST_TEST = 50
FEWEST_OF_CLASS = 10  # test rows
MINORITY = 0.25  # largest share of a class that counts as a minority
LEAST_SKILL = 0.05  # of the model trained on real rows: below, there is nothing to be learned
RESAMPLES = 60


@dataclass(frozen=True, eq=False)
class Trial:
    """Predictions on the same real test rows by models trained on real, other real, synthetic, and both kinds of rows.

    ``predicted``: numbers, or chances of each class (rows, classes). ``rows`` of ``side`` are the test rows.
    """

    target: Target
    side: Side
    rows: Integers
    truth: Floats
    predicted: Mapping[str, Floats]
    trained_on: int


def try_target(comparison: Comparison, target: Target) -> Trial | None:
    """Train four models; None where rows or classes are too few.

    Test rows are the held-out ones, or a third of the real entities; the other thirds (or halves of the real rows)
    train the two real models. Features: all other compared columns and those of the parent that the rows belong to.
    """
    return comparison.once(("trial", target.table, target.name), lambda: _try(comparison, target))


def _try(comparison: Comparison, target: Target) -> Trial | None:
    comparison.told(f"models of {target.table}.{target.name}", 0, 1)
    table = target.table
    sets = _sets(comparison, table)
    if sets is None:
        return None
    side, test, first, second = sets
    made = _known(comparison, target, "synthetic", np.arange(comparison.rows("synthetic", table)))
    test, first, second = (
        _known(comparison, target, s, r) for s, r in ((side, test), ("real", first), ("real", second))
    )
    size = min(first.size, second.size, made.size, MOST_ROWS)
    if size < FEWEST_TEST or test.size < FEWEST_TEST:
        return None
    test, first, second, made = (
        r[permutation(r.size, comparison.seed, "evaluation", "utility", table, target.name, i)[:most]]
        for i, (r, most) in enumerate(((test, MOST_ROWS), (first, size), (second, size), (made, size)))
    )
    sources: dict[str, list[tuple[Side, Integers]]] = {
        "real": [("real", first)], "other": [("real", second)], "synthetic": [("synthetic", made)],
        "hybrid": [("real", first), ("synthetic", made)],
    }  # fmt: skip

    def fitted(parts: list[tuple[Side, Integers]]) -> Floats | None:
        features = stack([_features(comparison, target, s).take(r) for s, r in parts])
        truth = np.concatenate([side_values(target.column, s, r) for s, r in parts]).astype(np.float64)
        return _predict(features, truth, target, _features(comparison, target, side).take(test))

    for each in ("real", "synthetic", side):
        _features(comparison, target, each)  # made before several threads ask for them
    with ThreadPoolExecutor(min(4, os.cpu_count() or 1)) as pool:
        predicted = dict(zip(sources, pool.map(fitted, sources.values()), strict=True))
    if predicted["real"] is None or predicted["other"] is None:
        return None
    truth = side_values(target.column, side, test).astype(np.float64)
    # A model that cannot be trained, as its rows have one class only, predicts nothing better than always the same.
    flat = np.zeros_like(predicted["real"])
    given = {name: flat if p is None else p for name, p in predicted.items()}
    return Trial(target, side, test, truth, given, size)


def _sets(comparison: Comparison, table: str) -> tuple[Side, Integers, Integers, Integers] | None:
    """(side of the test rows, test rows, two sets of real rows to train on)."""
    entities = comparison.entities("real", table)
    if comparison.held_out and table in comparison.views["holdout"]:
        first, second = comparison.split(entities, 1, "utility", table)[0]
        return "holdout", np.arange(comparison.rows("holdout", table)), first, second
    number = int(entities.max(initial=-1)) + 1
    if number < 3:
        return None
    third = (permutation(number, comparison.seed, "evaluation", "utility", table) * 3 // number)[entities]
    return "real", *(np.flatnonzero(third == i) for i in range(3))  # type: ignore[return-value]


def _known(comparison: Comparison, target: Target, side: Side, rows: Integers) -> Integers:
    """Rows in which the target is set, and of a class that real rows have."""
    values = side_values(target.column, side, rows)
    if target.classes:
        return rows[(values >= 0) & (values < target.classes)]
    return rows[np.isfinite(values)]


def _features(comparison: Comparison, target: Target, side: Side) -> Features:
    def make() -> Features:
        own = table_features(comparison, side, target.table)
        own = own.without({i for i, n in enumerate(own.names) if n == target.name})
        edge = comparison.leading(target.table)
        if edge is None or edge.parent not in comparison.views[side] or not comparison.rows(side, edge.parent):
            return own
        above = table_features(comparison, side, edge.parent, f"{edge.parent}.")
        if not above.names:
            return own
        at = comparison.parents(side, edge)[0]
        joined = above.take(np.maximum(at, 0))
        matrix = np.where(at[:, None] >= 0, joined.matrix, np.nan)
        return beside(own, Features(joined.names, matrix, joined.categories, joined.labels, joined.moments))

    return comparison.once(("utility features", target.table, target.name, side), make)


def _predict(features: Features, truth: Floats, target: Target, test: Features) -> Floats | None:
    if not target.classes:
        return train(features, truth, regression=True).predict(test)
    present, codes = np.unique(truth.astype(np.int64), return_inverse=True)
    if present.size < 2:
        return None
    model: Model = train(features, codes, classes=present.size)
    found = model.predict(test)
    chances = np.zeros((test.matrix.shape[0], target.classes))
    chances[:, present] = np.stack([1 - found, found], axis=1) if present.size == 2 else found
    return chances


Skill = Callable[[Floats, Floats], float | None]


def measure_classification(comparison: Comparison) -> Iterator[Measure]:
    """Classification: skill of LightGBM trained on synthetic rows, over that of one trained on as many real rows.

    Skill is 2 AUC - 1 on real test rows, the mean over classes (one against the rest). For named or guessed targets.
    Range 0 to 1, higher is better. Floor: other real rows in place of the synthetic ones. Without held-out rows the
    test rows may be known to the synthetic ones. Source: TSTR against TRTR, as above.
    """
    for target in find_targets(comparison):
        if target.classes:
            yield from _rated(comparison, target, _class_skill, "auc", lambda skill: (skill + 1) / 2)


def _class_skill(truth: Floats, predicted: Floats) -> float | None:
    found = []
    for k in range(predicted.shape[1]):
        labels = truth == k
        if FEWEST_OF_CLASS <= int(labels.sum()) <= labels.size - FEWEST_OF_CLASS:
            found.append(auc(labels, predicted[:, k]))
    return 2 * float(np.mean(found)) - 1 if found else None


def measure_regression(comparison: Comparison) -> Iterator[Measure]:
    """Regression: R² of LightGBM trained on synthetic rows, over that of one trained on as many real rows.

    On real test rows, for named or guessed targets. Range 0 to 1, higher is better. Floor: other real rows in place of
    the synthetic ones. Without held-out rows the test rows may be known to the synthetic ones. Source: TSTR against
    TRTR, as above.
    """
    for target in find_targets(comparison):
        if not target.classes:
            yield from _rated(comparison, target, _explained, "r2", lambda skill: skill)


def _explained(truth: Floats, predicted: Floats) -> float | None:
    spread = float(((truth - truth.mean()) ** 2).sum())
    return 1 - float(((truth - predicted) ** 2).sum()) / spread if np.isfinite(spread) and spread > 0 else None


def measure_minority(comparison: Comparison) -> Iterator[Measure]:
    """Minority classes: skill at finding the rarest class, trained on synthetic rows over trained on real rows.

    Skill is the average precision above the share of the class. Of classification targets whose rarest class (of those
    with ten test rows) has at most a quarter of the rows. Range 0 to 1, higher is better. Floor: other real rows in
    place of the synthetic ones. Source: ``sklearn.metrics.average_precision_score``; TSTR against TRTR, as above.
    """
    for target in find_targets(comparison):
        trial = try_target(comparison, target) if target.classes else None
        if trial is None:
            continue
        counts = np.bincount(trial.truth.astype(np.int64), minlength=target.classes)
        able = np.flatnonzero(counts >= FEWEST_OF_CLASS)
        if not able.size:
            continue
        rarest = int(able[counts[able].argmin()])
        if counts[rarest] > MINORITY * trial.truth.size:
            continue

        def skill(truth: Floats, predicted: Floats, rarest: int = rarest) -> float | None:
            labels = truth == rarest
            share = float(labels.mean())
            return average_precision(labels, predicted[:, rarest]) - share if 0 < share < 1 else None

        share = float(counts[rarest] / trial.truth.size)
        extra = {"class": target.column.labels[rarest], "share": share}
        yield from _rated(comparison, target, skill, "average_precision", lambda s, share=share: s + share, extra)  # type: ignore[misc]


def average_precision(labels: npt.NDArray[np.bool_], scores: Floats) -> float:
    """Mean precision at each step of recall, equal scores together.

    >>> average_precision(np.array([True, False, True]), np.array([0.9, 0.5, 0.1]))
    0.8333333333333333
    """
    order = np.argsort(-scores, kind="stable")
    hits, ranked = np.cumsum(labels[order]), scores[order]
    last = np.flatnonzero(np.append(ranked[1:] != ranked[:-1], True))
    precision, recall = hits[last] / (last + 1), hits[last] / max(1, int(labels.sum()))
    return float((np.diff(recall, prepend=0.0) * precision).sum())


def _rated(
    comparison: Comparison, target: Target, skill: Skill, name: str, shown: Callable[[float], float],
    extra: Mapping[str, object] | None = None,
) -> Iterator[Measure]:  # fmt: skip
    trial = try_target(comparison, target)
    if trial is None:
        if target.named:
            yield Measure(target.table, None, (target.name,), note="too few rows, or one class only")
        return
    skills = {model: skill(trial.truth, p) for model, p in trial.predicted.items()}
    best = skills["real"]
    detail = {
        "figure": name, "rows": trial.trained_on, "test_rows": trial.truth.size, "named": target.named,
        **{model: None if s is None else round(shown(s), 6) for model, s in skills.items()}, **(extra or {}),
    }  # fmt: skip
    if best is None or best < LEAST_SKILL:
        yield Measure(target.table, None, (target.name,), None, None, detail, "real rows do not predict it either")
        return
    score, floor = _over(skills["synthetic"], best), _over(skills["other"], best)
    yield Measure(
        target.table, score, (target.name,), None, floor, detail, "", _resampled(comparison, trial, skill, score)
    )  # fmt: skip


def _over(skill: float | None, best: float) -> float:
    return 0.0 if skill is None else float(np.clip(skill / best, 0.0, 1.0))


def _resampled(comparison: Comparison, trial: Trial, skill: Skill, score: float) -> Interval | None:
    """Bootstrap over the test rows, both models on the same ones."""
    size = trial.truth.size
    address = ("evaluation", "bootstrap", trial.target.table, trial.target.name)
    found = []
    for i in range(RESAMPLES):
        rows = below(words(stream(comparison.seed, *address, i), size), size)
        best = skill(trial.truth[rows], trial.predicted["real"][rows])
        own = skill(trial.truth[rows], trial.predicted["synthetic"][rows])
        if best is not None and best > 0:
            found.append(_over(own, best))
    return around(score, float(np.std(found))) if len(found) > RESAMPLES // 2 else None
