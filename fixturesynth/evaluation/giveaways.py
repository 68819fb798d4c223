"""What gives synthetic rows away: the features that a classifier gained most by, and in which direction they differ."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from fixturesynth.evaluation.features import Features

__all__ = ["find_giveaways"]

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

MOST = 5
_NULLS = 0.02  # difference of shares that is worth telling
_SHIFT = 0.03  # of the chance that a synthetic value is above a real one, from one half
_SPREAD = 0.15  # of the ratio of interquartile ranges, from 1
_TOGETHER = "alone as in the real rows: together with others"


def find_giveaways(features: Features, synthetic: Flags, gains: Floats) -> tuple[tuple[str, float, str], ...]:
    """(feature, its share of the gain, how synthetic rows differ in it), at most five, the most telling first.

    >>> rows = Features(("age",), np.array([[1.0], [2.0], [8.0], [9.0]]))
    >>> find_giveaways(rows, np.array([False, False, True, True]), np.array([3.0]))
    (('age', 1.0, 'higher: median 8.5 instead of 1.5'),)
    """
    total = float(gains.sum())
    order = np.argsort(-gains, kind="stable")[:MOST]
    return tuple(
        (features.names[i], round(float(gains[i] / total), 3), _difference(features, i, synthetic))
        for i in order.tolist()
        if gains[i] > 0
    )


def _difference(features: Features, at: int, synthetic: Flags) -> str:
    values = features.matrix[:, at]
    real, made = values[~synthetic], values[synthetic]
    nulls = [float(np.isnan(v).mean()) for v in (real, made)]
    if abs(nulls[1] - nulls[0]) > _NULLS:
        return f"{'more' if nulls[1] > nulls[0] else 'less'} NULL: {nulls[1]:.1%} instead of {nulls[0]:.1%}"
    real, made = real[~np.isnan(real)], made[~np.isnan(made)]
    if not real.size or not made.size:
        return _TOGETHER
    if at in features.categories:
        return _of_category(features, at, real, made)
    return _of_numbers(real, made, _moment if at in features.moments else _number)


def _of_category(features: Features, at: int, real: Floats, made: Floats) -> str:
    width = int(max(real.max(), made.max())) + 1
    shares = [np.bincount(v.astype(np.int64), minlength=width) / v.size for v in (real, made)]
    most = int(np.abs(shares[1] - shares[0]).argmax())
    if abs(shares[1][most] - shares[0][most]) <= _NULLS:
        return _TOGETHER
    often = "more" if shares[1][most] > shares[0][most] else "less"
    label = features.label(at, most)
    return f"{label} {often} often: {shares[1][most]:.1%} instead of {shares[0][most]:.1%}"


def _of_numbers(real: Floats, made: Floats, shown: Callable[[float], str]) -> str:
    ascending = np.sort(real)
    # Chance that a synthetic value is above a real one, ties counted half: the AUC of this feature alone.
    above = (np.searchsorted(ascending, made, "left") + np.searchsorted(ascending, made, "right")).mean()
    shift = float(above) / (2 * real.size) - 0.5
    if abs(shift) > _SHIFT:
        word, what, middles = "higher" if shift > 0 else "lower", "median", [float(np.median(v)) for v in (made, real)]
        if middles[0] == middles[1]:
            what, middles = "mean", [float(v.mean()) for v in (made, real)]
        return f"{word}: {what} {shown(middles[0])} instead of {shown(middles[1])}"
    width, theirs = (float(np.subtract(*np.quantile(v, [0.75, 0.25]))) for v in (made, real))
    if theirs > 0 and abs(width / theirs - 1) > _SPREAD:
        return f"{'wider' if width > theirs else 'narrower'}: the middle half spans {width / theirs:.0%} of the real"
    distinct = [np.unique(v).size / v.size for v in (made, real)]
    if max(distinct) > 1.5 * min(distinct) and max(distinct) > 0.01:
        return f"{'more' if distinct[0] > distinct[1] else 'fewer'} different values"
    return _TOGETHER


def _number(value: float) -> str:
    return f"{value:.4g}"


def _moment(value: float) -> str:
    return str(np.datetime64(round(value), "us").astype("datetime64[m]")).replace("T", " ")
