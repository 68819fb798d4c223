"""Do groups fare in the synthetic rows, and with models trained on them, as they do in the real ones?

Definitions as in fairlearn (Bird and others 2020). Groups come from protected columns, named or guessed; outcomes from
targets of two classes, the rarer real one being the favourable outcome (the selected).
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import sqrt

import numpy as np
import numpy.typing as npt

from fixturesynth.evaluation.comparison import Comparison, Integers, Side
from fixturesynth.evaluation.intervals import Interval, around
from fixturesynth.evaluation.record import Measure
from fixturesynth.evaluation.shapes import side_values
from fixturesynth.evaluation.targets import FEWEST_OF_GROUP, Grouping, Target, find_protected, find_targets
from fixturesynth.evaluation.utility import Trial, try_target
from fixturesynth.randomness import below, stream, words

__all__ = [
    "equal_opportunity_difference",
    "equalised_odds_difference",
    "group_accuracies",
    "measure_disparate_impact",
    "measure_equal_opportunity",
    "measure_equalised_odds",
    "measure_group_shares",
    "measure_subgroup_accuracy",
    "selection_rate_ratio",
]

Flags = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]

FEWEST_OUTCOMES = 5  # of each kind among the test rows of a group
RESAMPLES = 100
SELECTED = 1  # the code of the rarer of two classes: codes are in the order of the real frequencies


def selection_rate_ratio(selected: Flags, groups: Integers) -> float | None:
    """The smallest share of selected rows of any group over the largest; groups below 0 do not count.

    >>> selection_rate_ratio(np.array([True, False, True, True]), np.array([0, 0, 1, 1]))
    0.5
    """
    rates = _rates(selected, groups)
    return None if rates.size < 2 or rates.max() == 0 else float(rates.min() / rates.max())


def _rates(flags: Flags, groups: Integers) -> Floats:
    """The share of True in each group that has rows."""
    inside = groups >= 0
    size = np.bincount(groups[inside])
    hits = np.bincount(groups[inside], flags[inside].astype(np.float64), minlength=size.size)
    return np.asarray(hits[size > 0] / size[size > 0], dtype=np.float64)


def equal_opportunity_difference(truth: Flags, chosen: Flags, groups: Integers) -> float:
    """The largest difference between groups of the share of the deserving that are chosen."""
    return _spread(_rates(chosen[truth], groups[truth]))


def equalised_odds_difference(truth: Flags, chosen: Flags, groups: Integers) -> float:
    """The larger of the differences of true and of false positive rates between groups."""
    return max(_spread(_rates(chosen[truth], groups[truth])), _spread(_rates(chosen[~truth], groups[~truth])))


def _spread(rates: Floats) -> float:
    return float(rates.max() - rates.min()) if rates.size else 0.0


def group_accuracies(truth: Flags, chosen: Flags, groups: Integers) -> Floats:
    """Share of right decisions in each group that has rows."""
    return _rates(truth == chosen, groups)


def measure_group_shares(comparison: Comparison) -> Iterator[Measure]:
    """Shares of minorities: the share of a group among synthetic rows over its real share, of the worst such group.

    Of every protected column; all groups but the largest that have 30 real rows. A share that grew counts as kept.
    Range 0 to 1, higher is better. Floor: two halves of the real rows. Source: representation, as in Barocas, Hardt,
    Narayanan, "Fairness and machine learning" (2023).
    """
    for of in find_protected(comparison):
        counts = np.bincount(_inside(of.groups("real")))
        minorities = np.flatnonzero(counts >= FEWEST_OF_GROUP)
        minorities = minorities[minorities != counts.argmax()]
        if not minorities.size or not comparison.rows("synthetic", of.table):
            continue

        def one(
            a: Side, some: Integers | None, b: Side, others: Integers | None, of: Grouping = of,
            minorities: Integers = minorities,
        ) -> float | None:  # fmt: skip
            return float(np.min(_kept_shares(of.groups(a, some), of.groups(b, others), minorities)))

        real, made = of.groups("real"), of.groups("synthetic")
        kept = _kept_shares(real, made, minorities)
        worst = int(kept.argmin())
        share, rows = float(np.mean(real == minorities[worst])), made.size
        own = float(np.mean(made == minorities[worst]))
        score = float(kept[worst])
        # The delta method for a ratio of two shares.
        spread = own / share * sqrt((1 - own) / max(own * rows, 1) + (1 - share) / (share * real.size))
        detail = {"group": of.names[minorities[worst]], "real": share, "synthetic": own, "named": of.named}
        floor = comparison.floor(of.table, one)
        yield Measure(of.table, score, (of.column.name,), None, floor, detail, "", around(score, spread))


def _inside(groups: Integers) -> Integers:
    return groups[groups >= 0]


def _kept_shares(real: Integers, made: Integers, minorities: Integers) -> Floats:
    width = int(max(real.max(initial=-1), made.max(initial=-1))) + 1
    shares = [np.bincount(_inside(g), minlength=width)[minorities] / max(1, g.size) for g in (real, made)]
    return np.minimum(1.0, shares[1] / np.maximum(shares[0], 1e-12))


def _pairs(comparison: Comparison) -> Iterator[tuple[Grouping, Target]]:
    """Protected columns with the targets of two classes in the same table."""
    for of in find_protected(comparison):
        for target in find_targets(comparison):
            if target.table == of.table and target.classes == 2 and target.name != of.column.name:
                yield of, target


def measure_disparate_impact(comparison: Comparison) -> Iterator[Measure]:
    """Disparate impact: the selection rate of the worst group over that of the best, among the synthetic rows.

    For every protected column and target of two classes; groups with 30 real rows. Range 0 to 1, higher is better; 0.8
    is the four-fifths rule of the EEOC (1978). Floor: the same ratio of the real rows. Source: fairlearn
    ``demographic_parity_ratio``.
    """
    for of, target in _pairs(comparison):
        large = np.flatnonzero(np.bincount(_inside(of.groups("real"))) >= FEWEST_OF_GROUP)

        def ratio(
            side: Side, rows: Integers | None, of: Grouping = of, target: Target = target, large: Integers = large
        ) -> float | None:
            groups, values = of.groups(side, rows), side_values(target.column, side, rows)
            groups = np.where(np.isin(groups, large) & (values >= 0), groups, -1)
            return selection_rate_ratio(values == SELECTED, groups)

        made = of.groups("synthetic")
        values = side_values(target.column, "synthetic")
        known = np.isin(made, large) & (values >= 0)
        score = ratio("synthetic", None)
        rates = _rates(values[known] == SELECTED, made[known])
        sizes = np.bincount(made[known])
        sizes = sizes[sizes > 0]
        interval = None
        if score is not None:
            low, high = int(rates.argmin()), int(rates.argmax())
            relative = sqrt(sum((1 - rates[i]) / max(rates[i] * sizes[i], 1.0) for i in (low, high)))
            interval = around(score, score * relative)
        detail = _told(of, target) | {"real": ratio("real", None)}
        floor = comparison.floor(of.table, lambda a, some, b, others, ratio=ratio: ratio(b, others))  # type: ignore[misc]
        note = "" if score is not None else "nobody is selected among the synthetic rows"
        yield Measure(of.table, score, (of.column.name, target.name), None, floor, detail, note, interval)


def _told(of: Grouping, target: Target) -> dict[str, object]:
    return {
        "protected": of.column.name, "target": target.name, "favourable": target.column.labels[SELECTED],
        "named": of.named,
    }  # fmt: skip


@dataclass(frozen=True, eq=False)
class _Decisions:
    """What models decided on the test rows of groups that are large enough."""

    truth: Flags
    groups: Integers
    chosen: dict[str, Flags]

    def take(self, rows: Integers) -> "_Decisions":
        return _Decisions(self.truth[rows], self.groups[rows], {n: c[rows] for n, c in self.chosen.items()})


def _decisions(comparison: Comparison, of: Grouping, target: Target) -> _Decisions | None:
    trial: Trial | None = try_target(comparison, target)
    if trial is None:
        return None
    truth = trial.truth == SELECTED
    groups = of.groups(trial.side, trial.rows)
    counts = [
        np.bincount(_inside(groups[flags]), minlength=int(groups.max(initial=0)) + 1) for flags in (truth, ~truth)
    ]
    large = np.flatnonzero(np.minimum(*counts) >= FEWEST_OUTCOMES)
    inside = np.isin(groups, large)
    if large.size < 2:
        return None
    chosen = {name: (p[:, SELECTED] > p[:, 0])[inside] for name, p in trial.predicted.items()}
    return _Decisions(truth[inside], groups[inside], chosen)


Gap = Callable[[_Decisions, str], float]


def _gaps(comparison: Comparison, gap: Gap) -> Iterator[Measure]:
    """A figure of the model trained on synthetic rows; floor: of the one trained on real rows."""
    for of, target in _pairs(comparison):
        decisions = _decisions(comparison, of, target)
        if decisions is None:
            continue
        score, floor = gap(decisions, "synthetic"), gap(decisions, "real")
        interval = _resampled(comparison, decisions, gap, score, (of.table, of.column.name, target.name))
        detail = _told(of, target) | {"test_rows": decisions.truth.size, "hybrid": gap(decisions, "hybrid")}
        yield Measure(of.table, score, (of.column.name, target.name), None, floor, detail, "", interval)


def _resampled(
    comparison: Comparison, decisions: _Decisions, gap: Gap, score: float, address: tuple[str, ...]
) -> Interval | None:
    """Bootstrap over the test rows."""
    size = decisions.truth.size
    drawn = (words(stream(comparison.seed, "evaluation", "fairness", *address, i), size) for i in range(RESAMPLES))
    return around(score, float(np.std([gap(decisions.take(below(raw, size)), "synthetic") for raw in drawn])))


def measure_equal_opportunity(comparison: Comparison) -> Iterator[Measure]:
    """Equal opportunity: the largest difference of true positive rates between groups, by a model of synthetic rows.

    The model is LightGBM trained on synthetic rows, tested on real ones. Range 0 to 1, lower is better. Floor: the
    model trained on real rows. Source: Hardt, Price, Srebro (2016); fairlearn ``equal_opportunity_difference``.
    """
    return _gaps(comparison, lambda d, model: equal_opportunity_difference(d.truth, d.chosen[model], d.groups))


def measure_equalised_odds(comparison: Comparison) -> Iterator[Measure]:
    """Equalised odds: the larger of the differences of true and false positive rates, by a model of synthetic rows.

    The model is LightGBM trained on synthetic rows, tested on real ones. Range 0 to 1, lower is better. Floor: the
    model trained on real rows. Source: Hardt, Price, Srebro (2016); fairlearn ``equalized_odds_difference``.
    """
    return _gaps(comparison, lambda d, model: equalised_odds_difference(d.truth, d.chosen[model], d.groups))


def measure_subgroup_accuracy(comparison: Comparison) -> Iterator[Measure]:
    """Subgroup accuracy: 1 minus the most that any group loses by a model of synthetic instead of real rows.

    Accuracy on real test rows, group by group; a gain counts as no loss. Range 0 to 1, higher is better. Floor: a model
    of other real rows. Source: fairlearn ``MetricFrame`` of the accuracy.
    """
    for of, target in _pairs(comparison):
        decisions = _decisions(comparison, of, target)
        if decisions is None:
            continue
        score, floor = _least_kept(decisions, "synthetic"), _least_kept(decisions, "other")
        interval = _resampled(comparison, decisions, _least_kept, score, (of.table, of.column.name, target.name))
        accuracies = {
            m: group_accuracies(decisions.truth, decisions.chosen[m], decisions.groups) for m in ("real", "synthetic")
        }
        detail = _told(of, target) | {name: [round(float(a), 4) for a in found] for name, found in accuracies.items()}
        yield Measure(of.table, score, (of.column.name, target.name), None, floor, detail, "", interval)


def _least_kept(decisions: _Decisions, model: str) -> float:
    real, own = (group_accuracies(decisions.truth, decisions.chosen[m], decisions.groups) for m in ("real", model))
    return float(1.0 - np.max(np.maximum(0.0, real - own), initial=0.0))
