"""Attacks on privacy, each against a control: rows held out, of which the synthetic rows can know nothing.

Without held-out rows there is no control, and nothing is measured. Attribute inference, singling out and linkability
are those of Anonymeter: Giomi, Boenisch, Wehmeyer, Tasnádi, "A unified framework for quantifying privacy risk in
synthetic data" (2023): risk = (success - success on control) / (1 - success on control), not below 0.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from math import sqrt

import numpy as np
import numpy.typing as npt

from fixturesynth.evaluation.columns import ComparedColumn
from fixturesynth.evaluation.comparison import Comparison, Integers, Side
from fixturesynth.evaluation.detection import auc
from fixturesynth.evaluation.intervals import Interval, Z, around, auc_spread, wilson
from fixturesynth.evaluation.nearness import Points, make_points, nearest, open_tables, some_rows
from fixturesynth.evaluation.record import Measure
from fixturesynth.evaluation.shapes import side_values
from fixturesynth.randomness import below, stream, words

__all__ = [
    "measure_attribute_inference",
    "measure_linkability",
    "measure_membership_auc",
    "measure_membership_tpr",
    "measure_singling_out",
    "residual_risk",
]

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

TARGETS = 2_000  # rows attacked, of those learned from and of the control
KNOWN = 20_000  # synthetic rows that the attacker looks at
SECRETS = 8  # columns of a table that are guessed
FALSE_ALARMS = 0.01
_TOLERANCE = 0.05  # a guessed number is right within 5% of itself, a moment within 5% of all rows
QUERIES, BATCH, ATTRIBUTES = 2_000, 100, 3
_BATCHES = 40


@dataclass(frozen=True, eq=False)
class _Scene:
    """One table under attack: rows learned from, control rows, and what the attacker has."""

    table: str
    learned: Integers
    control: Integers
    known: Integers
    points: dict[Side, Points]


def _scenes(comparison: Comparison) -> Iterator[_Scene]:
    if not comparison.held_out:
        comparison.notes.append(
            "privacy attacks need a control: give real rows that nothing was learned from as holdout (--holdout)"
        )
        return
    for table in open_tables(comparison, ("real", "synthetic", "holdout")):
        comparison.told("privacy attacks", 0, 1)

        def make(table: str = table) -> _Scene:
            size = min(TARGETS, comparison.rows("real", table), comparison.rows("holdout", table))
            rows: dict[Side, Integers] = {
                "real": some_rows(comparison, "real", table, size, "attacked"),
                "holdout": some_rows(comparison, "holdout", table, size, "attacked"),
                "synthetic": some_rows(comparison, "synthetic", table, KNOWN, "known"),
            }
            points = {side: make_points(comparison, side, table, some) for side, some in rows.items()}
            return _Scene(table, rows["real"], rows["holdout"], rows["synthetic"], points)

        yield comparison.once(("scene", table), make)


def residual_risk(success: float, of: float, control: float, of_control: float) -> tuple[float, Interval]:
    """(risk beyond what the control has, its interval), as Anonymeter: Wilson's rates, errors propagated.

    >>> residual_risk(500, 1000, 500, 1000)[0]
    0.0
    """

    def rate(hits: float, n: float) -> tuple[float, float]:
        z2 = Z * Z
        return (hits + z2 / 2) / (n + z2), Z / (n + z2) * sqrt(hits * (n - hits) / n + z2 / 4)

    (p, p_error), (c, c_error) = rate(success, of), rate(control, of_control)
    risk = (p - c) / (1 - c)
    error = sqrt((p_error / (1 - c)) ** 2 + (c_error * (p - 1) / (1 - c) ** 2) ** 2)
    bound = [min(max(x, 0.0), 1.0) for x in (risk, risk - error, risk + error)]
    return bound[0], (round(bound[1], 6), round(bound[2], 6))


def _risk(table: str, columns: tuple[str, ...], learned: Flags, control: Flags, detail: dict[str, object]) -> Measure:
    """A measure from the successes on each row; floor: two halves of the control against each other."""
    risk, interval = residual_risk(int(learned.sum()), learned.size, int(control.sum()), control.size)
    first, second = control[::2], control[1::2]
    floor = residual_risk(int(first.sum()), first.size, int(second.sum()), second.size)[0]
    rates = {"success": float(learned.mean()), "control": float(control.mean()), "attacks": learned.size}
    return Measure(table, risk, columns, None, floor, rates | detail, "", interval)


# Membership ----------------------------------------------------------------------------------------------------------


def _closeness(comparison: Comparison, scene: _Scene) -> tuple[Floats, Floats]:
    """Minus the distance to the nearest synthetic row, of rows learned from and of control rows."""

    def make() -> tuple[Floats, Floats]:
        base = scene.points["synthetic"]
        return -nearest(scene.points["real"], base)[0][:, 0], -nearest(scene.points["holdout"], base)[0][:, 0]

    return comparison.once(("closeness", scene.table), make)


def measure_membership_auc(comparison: Comparison) -> Iterator[Measure]:
    """Membership inference: the AUC of guessing from the nearest synthetic row whether a row was learned from.

    Needs held-out rows. Range 0 to 1, lower is better, 0.5 is a coin. Floor: two halves of the held-out rows, none of
    which was learned from. Source: the full black-box attack of Chen and others, "GAN-Leaks" (2020).
    """
    for scene in _scenes(comparison):
        learned, control = _closeness(comparison, scene)
        score = _auc(learned, control)
        detail = {"attacks": learned.size}
        interval = around(score, auc_spread(score, learned.size, control.size))
        yield Measure(scene.table, score, (), None, _auc(control[::2], control[1::2]), detail, "", interval)


def _auc(positive: Floats, negative: Floats) -> float:
    labels = np.repeat([True, False], [positive.size, negative.size])
    return auc(labels, np.concatenate([positive, negative]))


def measure_membership_tpr(comparison: Comparison) -> Iterator[Measure]:
    """Membership inference, certain cases: share of learned rows that are recognised at 1% false alarms.

    Needs held-out rows. Range 0 to 1, lower is better, 0.01 is a coin. Floor: two halves of the held-out rows. Source:
    Carlini and others, "Membership inference attacks from first principles" (2022).
    """
    for scene in _scenes(comparison):
        learned, control = _closeness(comparison, scene)
        score = _recognised(learned, control)
        detail = {"attacks": learned.size, "false_alarms": FALSE_ALARMS}
        floor = _recognised(control[::2], control[1::2])
        yield Measure(scene.table, score, (), None, floor, detail, "", wilson(score * learned.size, learned.size))


def _recognised(positive: Floats, negative: Floats) -> float:
    """True positives at a threshold that at most 1% of the negatives pass, ties shared out as on the ROC curve."""
    allowed = FALSE_ALARMS * negative.size
    limit = float(np.sort(negative)[::-1][int(allowed)])
    above, equal = np.count_nonzero(negative > limit), np.count_nonzero(negative == limit)
    part = (allowed - above) / equal if equal else 0.0
    return float(np.mean(positive > limit) + part * np.mean(positive == limit))


# Attribute inference, linkability ------------------------------------------------------------------------------------


def measure_attribute_inference(comparison: Comparison) -> Iterator[Measure]:
    """Attribute inference: excess success of guessing a column from all others by the nearest synthetic row.

    Right is the same category, a number within 5%, a moment within 5% of all real rows. At most eight columns of a
    table. Needs held-out rows. Range 0 to 1, lower is better. Floor: the same between two halves of the held-out rows.
    Source: Anonymeter's inference risk.
    """
    for scene in _scenes(comparison):
        columns = list(comparison.tables[scene.table].columns.values())
        wanted = {*(comparison.wishes.protected or ()), *(comparison.wishes.targets or ())}
        columns.sort(key=lambda c: f"{scene.table}.{c.name}" not in wanted)
        for column in [c for c in columns if np.unique(c.real).size > 1][:SECRETS]:
            right = {side: _guessed(comparison, scene, column, side) for side in ("real", "holdout")}
            yield _risk(scene.table, (column.name,), right["real"], right["holdout"], {})


def _guessed(comparison: Comparison, scene: _Scene, secret: ComparedColumn, side: Side) -> Flags:
    numbers, categories = _places(comparison, scene.table)
    keep = [n for n in numbers if n != secret.name], [c for c in categories if c != secret.name]
    at = [numbers.index(n) for n in keep[0]], [categories.index(c) for c in keep[1]]
    found = nearest(scene.points[side].only(*at), scene.points["synthetic"].only(*at))[1][:, 0]
    rows = scene.learned if side == "real" else scene.control
    guess, truth = side_values(secret, "synthetic", scene.known[found]), side_values(secret, side, rows)
    if not secret.continuous:
        return np.asarray(guess == truth, dtype=bool)
    both = np.isnan(guess) & np.isnan(truth)
    if secret.kind == "number":
        with np.errstate(invalid="ignore"):
            return np.asarray((np.abs(guess - truth) <= _TOLERANCE * np.abs(guess)) | both, dtype=bool)
    at_number = numbers.index(secret.name)
    ranks = scene.points["synthetic"].ranks[found, at_number], scene.points[side].ranks[:, at_number]
    return np.asarray(np.abs(ranks[0] - ranks[1]) <= _TOLERANCE, dtype=bool)


def _places(comparison: Comparison, table: str) -> tuple[list[str], list[str]]:
    """Names of the columns of ``Points.ranks`` and of ``Points.codes``."""
    columns = comparison.tables[table].columns.values()
    return [c.name for c in columns if c.continuous], [c.name for c in columns if not c.continuous]


def measure_linkability(comparison: Comparison) -> Iterator[Measure]:
    """Linkability: excess success of joining two halves of a row's columns by the synthetic row nearest to both.

    Every second column belongs to the one half. Needs held-out rows. Range 0 to 1, lower is better. Floor: the same
    between two halves of the held-out rows. Source: Anonymeter's linkability risk, one neighbour.
    """
    for scene in _scenes(comparison):
        numbers, categories = _places(comparison, scene.table)
        names = list(comparison.tables[scene.table].columns)
        linked = {}
        for side in ("real", "holdout"):
            found = []
            for half in (set(names[::2]), set(names[1::2])):
                at = [i for i, n in enumerate(numbers) if n in half], [i for i, n in enumerate(categories) if n in half]
                found.append(nearest(scene.points[side].only(*at), scene.points["synthetic"].only(*at))[1][:, 0])
            linked[side] = np.asarray(found[0] == found[1], dtype=bool)
        yield _risk(scene.table, (), linked["real"], linked["holdout"], {})


# Singling out --------------------------------------------------------------------------------------------------------


def measure_singling_out(comparison: Comparison) -> Iterator[Measure]:
    """Singling out: excess success of predicates, taken from synthetic rows, that hold for exactly one real row.

    A predicate takes three columns of a synthetic row: the same category, or a number at least (above the median) or at
    most as large; those that single out one synthetic row are tried on the rows learned from and on as many control
    rows. Needs held-out rows. Range 0 to 1, lower is better. Floor: two halves of the held-out rows against each other.
    Source: Anonymeter's multivariate singling-out risk.
    """
    for scene in _scenes(comparison):
        made = scene.points["synthetic"].take(np.arange(min(scene.known.size, scene.learned.size)))
        half = scene.points["holdout"].rows // 2
        sides = {
            "learned": scene.points["real"], "control": scene.points["holdout"],
            "first": scene.points["holdout"].take(np.arange(0, 2 * half, 2)),
            "second": scene.points["holdout"].take(np.arange(1, 2 * half, 2)),
        }  # fmt: skip
        hits: dict[str, list[Flags]] = {name: [] for name in sides}
        kept = 0
        for batch in range(_BATCHES):
            chosen, rows = _drawn(comparison, scene, made, batch)
            single = np.flatnonzero(_held_by(made, made.take(rows), chosen) == 1)
            kept += single.size
            for name, points in sides.items():
                hits[name].append(_held_by(points, made.take(rows[single]), chosen) == 1)
            if kept >= QUERIES:
                break
        if not kept:
            yield Measure(scene.table, None, note="no predicate singles out a synthetic row")
            continue
        found = {name: np.concatenate(flags) for name, flags in hits.items()}
        sums = {name: int(flags.sum()) for name, flags in found.items()}
        # Predicates come from the same few rows again and again: they are worth no more than there are rows.
        worth = min(1.0, made.rows / kept)
        risk, interval = residual_risk(*(worth * n for n in (sums["learned"], kept, sums["control"], kept)))
        floor = residual_risk(*(worth * n for n in (sums["first"], kept, sums["second"], kept)))[0]
        detail = {"success": sums["learned"] / kept, "control": sums["control"] / kept, "attacks": kept}
        yield Measure(scene.table, risk, (), None, floor, detail, "", interval)


def _drawn(comparison: Comparison, scene: _Scene, made: Points, batch: int) -> tuple[Integers, Integers]:
    """(three different columns, the synthetic rows that predicates are taken from)."""
    width = made.ranks.shape[1] + made.codes.shape[1]
    raw = words(stream(comparison.seed, "evaluation", "singling out", scene.table, batch), width + BATCH)
    return np.argsort(raw[:width], kind="stable")[:ATTRIBUTES], below(raw[width:], made.rows)


def _held_by(points: Points, predicates: Points, chosen: Integers) -> Integers:
    """For how many of the points each predicate holds: shape (predicates,)."""
    numbers = points.ranks.shape[1]
    held = np.ones((predicates.rows, points.rows), dtype=bool)
    for at in chosen.tolist():
        if at >= numbers:
            held &= predicates.codes[:, at - numbers, None] == points.codes[None, :, at - numbers]
            continue
        wanted, values = predicates.ranks[:, at, None], points.ranks[None, :, at]
        missing = wanted > 1.0  # NULL stands above all ranks
        larger, smaller = (values >= wanted) & (values <= 1.0), values <= wanted
        held &= np.where(missing, values > 1.0, np.where(wanted > 0.5, larger, smaller))
    return np.asarray(held.sum(axis=1), dtype=np.int64)
