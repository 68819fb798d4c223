"""Column shapes: one column's distribution, real against synthetic."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from fixturesynth.evaluation.columns import ComparedColumn
from fixturesynth.evaluation.comparison import Comparison, Integers, Side
from fixturesynth.evaluation.record import Measure

__all__ = ["ks_complement", "measure_nulls", "measure_shapes", "side_values", "tv_complement"]

_DECIMALS = 14  # as sdmetrics rounds, so that 0.1 + 0.2 is 0.3


def ks_complement(real: npt.ArrayLike, synthetic: npt.ArrayLike) -> float | None:
    """1 minus the two-sample Kolmogorov-Smirnov statistic of the values that are set; None without any.

    Range 0 to 1, higher is better. Source: sdmetrics KSComplement; the statistic as in ``scipy.stats.ks_2samp``.

    >>> ks_complement([1, 2, 3, 4], [3, 4, 5, 6])
    0.5
    """
    a, b = (_set(v) for v in (real, synthetic))
    if not a.size or not b.size:
        return None
    a, b = np.sort(a), np.sort(b)
    everything = np.concatenate([a, b])
    below_a = np.searchsorted(a, everything, side="right") / a.size
    below_b = np.searchsorted(b, everything, side="right") / b.size
    return float(1.0 - np.abs(below_a - below_b).max())


def _set(values: npt.ArrayLike) -> npt.NDArray[np.float64]:
    numbers = np.asarray(values, dtype=np.float64)
    numbers = numbers[~np.isnan(numbers)]
    return np.round(numbers, _DECIMALS) if numbers.size and np.abs(numbers).max() < 1e9 else numbers


def tv_complement(real: Integers, synthetic: Integers) -> float | None:
    """1 minus the total variation distance of two arrays of codes; negative codes are NULL and do not count.

    Range 0 to 1, higher is better. Source: sdmetrics TVComplement.

    >>> tv_complement(np.array([0, 0, 1, 1]), np.array([0, 1, 1, 1]))
    0.75
    """
    a, b = real[real >= 0], synthetic[synthetic >= 0]
    if not a.size or not b.size:
        return None
    width = int(max(a.max(), b.max())) + 1
    shares = np.bincount(a, minlength=width) / a.size - np.bincount(b, minlength=width) / b.size
    return float(1.0 - 0.5 * np.abs(shares).sum())


def side_values(column: ComparedColumn, side: Side, rows: Integers | None = None) -> npt.NDArray[np.float64]:
    """The values of one side, or of some rows of it."""
    values = {"real": column.real, "synthetic": column.synthetic, "holdout": column.holdout}[side]
    assert values is not None
    return values if rows is None else values[rows]


def measure_shapes(comparison: Comparison) -> Iterator[Measure]:
    """Column shapes: KSComplement of numbers and datetimes, TVComplement of categories; NULL does not count.

    Range 0 to 1, higher is better. Floor: two halves of the real rows (or the held-out rows) against each other.
    Synthetic rows without a value where the real ones have some score 0. Source: sdmetrics, ColumnShapes.
    """
    for name, table in comparison.tables.items():
        for column in table.columns.values():
            compute = ks_complement if column.continuous else tv_complement

            def one(
                a: Side, some: Integers | None, b: Side, others: Integers | None,
                column: ComparedColumn = column, compute: object = compute,
            ) -> float | None:  # fmt: skip
                found: float | None = compute(side_values(column, a, some), side_values(column, b, others))  # type: ignore[operator]
                return found

            score = one("real", None, "synthetic", None)
            note = column.note
            if score is None:
                score, note = (0.0, note or "the synthetic rows have no values")
            if not comparison.rows("synthetic", name):
                score, note = None, "no synthetic rows"
            method = "KSComplement" if column.continuous else "TVComplement"
            detail = {"method": method, "kind": column.kind}
            yield Measure(name, score, (column.name,), None, comparison.floor(name, one), detail, note)


def measure_nulls(comparison: Comparison) -> Iterator[Measure]:
    """Missing values: 1 minus the difference between the shares of NULL, for columns that have any on either side.

    All columns take part, keys and references and texts too. Range 0 to 1, higher is better.
    Source: sdmetrics, MissingValueSimilarity.
    """
    for name in comparison.tables:
        real, synthetic = comparison.views["real"][name], comparison.views["synthetic"][name]
        if not real.rows or not synthetic.rows:
            continue
        for column in real.columns:
            if column not in synthetic.columns or not (real[column].nulls or synthetic[column].nulls):
                continue

            def one(
                a: Side, some: Integers | None, b: Side, others: Integers | None, name: str = name, column: str = column
            ) -> float | None:
                shares = []
                for side, rows in ((a, some), (b, others)):
                    valid = comparison.views[side][name][column].valid
                    valid = valid if rows is None else valid[rows]
                    if not valid.size:
                        return None
                    shares.append(1.0 - np.count_nonzero(valid) / valid.size)
                return float(1.0 - abs(shares[0] - shares[1]))

            detail = {"real": real[column].nulls / real.rows, "synthetic": synthetic[column].nulls / synthetic.rows}
            yield Measure(
                name, one("real", None, "synthetic", None), (column,), None, comparison.floor(name, one), detail
            )  # fmt: skip
