"""Sums and products between number columns, exact at the target's decimals."""

from collections.abc import Callable, Iterator, Sequence
from itertools import combinations

import numpy as np
import numpy.typing as npt

from fixturesynth.profiling.columnar import ColumnView, TableView
from fixturesynth.profiling.invariants.evidence import FEWEST, SAMPLE, shuffled
from fixturesynth.profiling.profile import Invariant
from fixturesynth.profiling.rounding import find_rounding, shared_product

__all__ = [
    "LEAST_DISTINCT", "SCREEN", "factors_of", "find_products", "find_shared", "find_sums", "half_unit", "measures",
    "nice", "rounding_of", "verify_product", "verify_sum",
]  # fmt: skip

Floats = npt.NDArray[np.float64]

SCREEN = 600
_TERMS = 6
LEAST_DISTINCT = 6  # a target of fewer values fits something by accident
_WIDEST = 80  # columns compared in pairs
_MOST_SHARED = 16  # ... with a share of one more


def measures(view: TableView, least: int = FEWEST, values: int = 3) -> list[ColumnView]:
    """Numbers that measure something: no keys, no references, so many ``values``, in ``least`` rows or more."""
    return [
        c
        for c in view.columns.values()
        if c.family == "number"
        and c.distinct >= values
        and c.decimals is not None
        and c.name not in view.references
        and c.name not in view.surrogates
        and view.rows - c.nulls >= least
    ][:_WIDEST]


def nice(value: float, digits: int = 6) -> float:
    """The value rounded to significant digits; what a person would have written, if it is near it."""
    return float(f"{value:.{digits}g}") + 0.0


def half_unit(column: ColumnView) -> float:
    return 0.5 * 10.0 ** -(column.decimals or 0)


def _fits(predicted: Floats, column: ColumnView, rows: npt.NDArray[np.int64], exact: bool) -> npt.NDArray[np.bool_]:
    """Where the prediction, rounded at the column's decimals, is the column's value."""
    wanted = column.numbers[rows]
    slack = 1e-9 * np.abs(wanted) + 1e-6 * half_unit(column)
    return np.abs(predicted - wanted) <= (slack if exact else half_unit(column) + slack)


def find_sums(view: TableView) -> Iterator[Invariant]:
    """target = constant + sum of coefficients x sources: one source, two, or up to six; every solvable direction."""
    columns = measures(view, values=2)  # a fee is often one amount or none
    seen: set[tuple[str, frozenset[str]]] = set()
    for members, coefficients, constant in _relations(view, columns):
        for target, sources, factors, rest in _directions(members, coefficients, constant):
            key = (target.name, frozenset(s.name for s in sources))
            if key in seen or target.distinct < LEAST_DISTINCT:
                continue
            seen.add(key)
            support = verify_sum(view, target, sources, factors, rest)
            if support:
                yield Invariant(
                    "linear",
                    view.table.name,
                    target.name,
                    tuple(s.name for s in sources),
                    None,
                    {"coefficients": list(factors), "constant": rest, "decimals": target.decimals}
                    | rounding_of(target, sources, lambda *x, c=rest, f=factors: _sum(x, c, f)),
                    support,
                )


Relation = tuple[list[ColumnView], list[float], float]


def _relations(view: TableView, columns: Sequence[ColumnView]) -> Iterator[Relation]:
    """Candidates: constant + sum(coefficients x members) = 0, seen on a sample."""
    if len(columns) < 2:
        return
    rows = view.sample(SAMPLE)
    yield from _affine(columns, rows[:: max(1, rows.size // SCREEN)])
    yield from _pairs(columns, rows[:: max(1, rows.size // SCREEN)])
    yield from _dependent(columns, rows)


def _affine(columns: Sequence[ColumnView], rows: npt.NDArray[np.int64]) -> Iterator[Relation]:
    for a, c in combinations(columns, 2):
        x, y = (a, c) if a.distinct >= c.distinct else (c, a)
        use = rows[x.valid[rows] & y.valid[rows]]
        u, v = x.numbers[use], y.numbers[use]
        if use.size < FEWEST or np.unique(v).size < LEAST_DISTINCT:
            continue
        low, high = int(u.argmin()), int(u.argmax())
        if u[low] == u[high] or v[low] == v[high]:
            continue
        spread = u[high] - u[low]
        for digits in (4, 6):
            slope = nice((v[high] - v[low]) / spread, digits)
            constant = nice(float(np.median(v - slope * u)), 9)
            constant = round(constant, (x.decimals or 0) + 4)
            if slope and bool(_fits(constant + slope * u, y, use, exact=False).all()):
                yield [x, y], [slope, -1.0], constant
                break


def _pairs(columns: Sequence[ColumnView], rows: npt.NDArray[np.int64]) -> Iterator[Relation]:
    """a + b = c, each triple on the rows where its three are set: this also finds c = a - b."""
    matrix = np.stack([c.numbers[rows] for c in columns])
    slack = np.array([2e-6 * half_unit(c) for c in columns])[:, None] + 1e-9 * np.abs(np.nan_to_num(matrix))
    for i, j in combinations(range(len(columns)), 2):
        off = np.abs(matrix - (matrix[i] + matrix[j]))
        wrong = np.asarray(off > slack).any(axis=1)
        wrong |= np.count_nonzero(off <= slack, axis=1) < FEWEST
        for k in np.flatnonzero(~wrong).tolist():
            if k not in (i, j):
                yield [columns[i], columns[j], columns[k]], [1.0, 1.0, -1.0], 0.0


def _dependent(columns: Sequence[ColumnView], rows: npt.NDArray[np.int64]) -> Iterator[Relation]:
    """Columns that are an exact combination of those before them, by least squares over an independent set.

    The set is independent, so coefficients are unique and those that do not matter come out as zero.
    """
    full = [c for c in columns if np.count_nonzero(~c.valid[rows]) <= 0.2 * rows.size]
    complete = rows
    for c in full:
        complete = complete[c.valid[complete]]
    if complete.size < 3 * len(full) + FEWEST:
        return
    complete = complete[:: max(1, complete.size // (SCREEN + 8 * len(full)))]
    ones = np.ones(complete.size)
    basis: list[ColumnView] = []
    for c in full:
        y = c.numbers[complete]
        if basis and np.ptp(y) > 0:
            scale = np.array([max(1.0, float(np.abs(b.numbers[complete]).max())) for b in basis])
            x = np.column_stack([ones, *(b.numbers[complete] / s for b, s in zip(basis, scale, strict=True))])
            solution = np.linalg.lstsq(x, y, rcond=None)[0]
            error = float(np.abs(x @ solution - y).max())
            if error <= 1e-3 * half_unit(c) + 1e-9 * float(np.abs(y).max()):
                raw = solution[1:] / scale
                matters = np.abs(solution[1:]) > 1e-2 * half_unit(c)
                if 1 < np.count_nonzero(matters) <= _TERMS:
                    members = [b for b, m in zip(basis, matters, strict=True) if m]
                    factors = [nice(float(f)) for f in raw[matters]]
                    yield [*members, c], [*factors, -1.0], round(nice(float(solution[0]), 9), 6)
                continue
        basis.append(c)


def _directions(
    members: Sequence[ColumnView], coefficients: Sequence[float], constant: float
) -> Iterator[tuple[ColumnView, list[ColumnView], list[float], float]]:
    """The relation solved for each member whose coefficients stay short numbers."""
    for i, target in enumerate(members):
        sources = [m for j, m in enumerate(members) if j != i]
        factors = [-f / coefficients[i] + 0.0 for j, f in enumerate(coefficients) if j != i]
        short = [nice(f) for f in factors]
        if all(abs(a - b) <= 1e-9 * abs(a) for a, b in zip(factors, short, strict=True)):
            yield target, sources, short, nice(-constant / coefficients[i], 9)


def verify_sum(
    view: TableView, target: ColumnView, sources: Sequence[ColumnView], factors: Sequence[float], constant: float
) -> int:
    """Rows that bear the rule witness; 0 when one breaks it, or when it says too little."""
    valid = target.valid.copy()
    for s in sources:
        valid &= s.valid
    rows = np.flatnonzero(valid)
    if rows.size < FEWEST:
        return 0
    terms = [f * s.numbers[rows] for f, s in zip(factors, sources, strict=True)]
    predicted = np.full(rows.size, constant)
    for term in terms:
        predicted = predicted + term
    exact = len(sources) > 1
    if not bool(_fits(predicted, target, rows, exact).all()):
        return 0
    return int(rows.size) if _each_matters(predicted, terms, target, rows, exact) else 0


def _each_matters(
    predicted: Floats, terms: Sequence[Floats], target: ColumnView, rows: npt.NDArray[np.int64], exact: bool
) -> bool:
    """Whether shuffling any one term would break the rule in enough rows."""
    turned = shuffled(rows.size)
    for term in terms:
        broken = np.count_nonzero(~_fits(predicted - term + term[turned], target, rows, exact))
        if broken < FEWEST or broken < 0.005 * rows.size:
            return False
    return True


def _sum(values: Sequence[Floats], constant: float, factors: Sequence[float]) -> Floats:
    total = np.full(values[0].shape, constant)
    for factor, value in zip(factors, values, strict=True):
        total = total + factor * value
    return total


def rounding_of(target: ColumnView, sources: Sequence[ColumnView], predict: Callable[..., Floats]) -> dict[str, str]:
    """The parameter ``rounding``, where the usual rule (halves to even) does not give every row."""
    rows = np.flatnonzero(np.logical_and.reduce([target.valid, *(s.valid for s in sources)]))
    rule = find_rounding(predict(*(s.numbers[rows] for s in sources)), target.numbers[rows], target.decimals or 0)
    return {} if rule == "half_even" else {"rounding": rule}


def find_products(view: TableView) -> Iterator[Invariant]:
    """target = round(sources[0] x sources[1] x factor, decimals)."""
    columns = [c for c in measures(view) if c.distinct >= 3]
    if len(columns) < 3:
        return
    _, matrix, half, rich = _screened(view, columns)
    for i, j in combinations(range(len(columns)), 2):
        product = matrix[i] * matrix[j]
        for k, factor in factors_of(product, matrix, half, rich):
            support = verify_product(columns[k], columns[i], columns[j], factor) if k not in (i, j) else 0
            if support:
                yield Invariant(
                    "product",
                    view.table.name,
                    columns[k].name,
                    (columns[i].name, columns[j].name),
                    None,
                    {"factor": factor, "decimals": columns[k].decimals}
                    | rounding_of(columns[k], (columns[i], columns[j]), lambda x, y, f=factor: x * y * f),
                    support,
                )


def _screened(
    view: TableView, columns: Sequence[ColumnView]
) -> tuple[npt.NDArray[np.int64], Floats, Floats, npt.NDArray[np.bool_]]:
    """Some rows, (k,), the numbers of columns in them and how far these may be off, (columns, k) each, and which
    columns, (columns,), have many different ones."""
    sample = view.sample(SAMPLE)
    rows = sample[:: max(1, sample.size // SCREEN)]
    matrix = np.stack([c.numbers[rows] for c in columns])
    half = np.array([half_unit(c) for c in columns])[:, None] + 1e-9 * np.abs(np.nan_to_num(matrix))
    return rows, matrix, half, np.array([c.distinct >= LEAST_DISTINCT for c in columns])


def find_shared(view: TableView) -> Iterator[Invariant]:
    """target = round(sources[0] x sources[1] x factor x (1 - a discount), decimals), or with a tax; one amount or two.

    ``shares``: what the last of the sources count, one for each: -1 a discount of 1, -0.01 one of 100, 0.01 a tax.
    """
    columns = measures(view)[:_MOST_SHARED]
    shares = [
        (c, sign / per) for c in measures(view, values=2)[:_MOST_SHARED] for per in (1, 100) for sign in (-1, 1)
        if _is_share(c, per)
    ]  # fmt: skip
    if len(columns) < 2 or not shares:
        return
    rows, matrix, half, rich = _screened(view, columns)
    amounts = [(c,) for c in columns] + list(combinations(columns, 2))
    for share, weight in shares:
        left = 1 + weight * share.numbers[rows]
        for chosen in amounts:
            if share in chosen:
                continue
            product = np.prod([c.numbers[rows] for c in chosen], axis=0) * left
            for k, factor in factors_of(product, matrix, half, rich):
                target, sources = columns[k], (*chosen, share)
                support = 0 if target in sources else _verify_shared(target, sources, weight, factor)
                if support:
                    yield Invariant(
                        "product", view.table.name, target.name, tuple(c.name for c in sources), None,
                        {"factor": factor, "decimals": target.decimals, "shares": [weight]}
                        | rounding_of(target, sources, lambda *x, f=factor, w=weight: shared_product(x, f, [w])),
                        support,
                    )  # fmt: skip


def _is_share(column: ColumnView, per: int) -> bool:
    numbers = column.numbers[column.valid]
    return bool(numbers.min() >= 0 and numbers.max() <= per and (per == 1 or numbers.max() > 1))


def _verify_shared(target: ColumnView, sources: Sequence[ColumnView], weight: float, factor: float) -> int:
    """Rows that bear the rule witness; 0 when one breaks it, or when one of the sources says too little."""
    rows = np.flatnonzero(np.logical_and.reduce([target.valid, *(s.valid for s in sources)]))
    if rows.size < FEWEST:
        return 0
    values = [s.numbers[rows] for s in sources]
    if not bool(_fits(shared_product(values, factor, [weight]), target, rows, exact=False).all()):
        return 0
    turned = shuffled(rows.size)
    for i in range(len(values)):
        other = [v[turned] if i == j else v for j, v in enumerate(values)]
        broken = np.count_nonzero(~_fits(shared_product(other, factor, [weight]), target, rows, exact=False))
        if broken < FEWEST or broken < 0.05 * rows.size:
            return 0
    return int(rows.size)


def factors_of(
    product: Floats, matrix: Floats, half: Floats, rich: npt.NDArray[np.bool_]
) -> Iterator[tuple[int, float]]:
    """Rows of ``matrix``, (columns, n), that may be ``product``, (n,), times a factor, and the factor.

    ``half``: half a unit of each number, (columns, n); ``rich``: which columns have values enough.
    """
    usable = np.isfinite(product) & (np.abs(product) > 1e-12)
    if np.count_nonzero(usable) < FEWEST:
        return
    p = product[usable]
    ends = np.stack([(matrix[:, usable] - half[:, usable]) / p, (matrix[:, usable] + half[:, usable]) / p])
    known = np.isfinite(ends[0]) & np.isfinite(ends[1])
    low = np.where(known, ends.min(axis=0), -np.inf).max(axis=1)
    high = np.where(known, ends.max(axis=0), np.inf).min(axis=1)
    possible = (low <= high) & rich & (np.count_nonzero(known, axis=1) >= FEWEST)
    # The factor must be pinned well, or coarse rounding lets anything pass.
    possible &= (high - low) <= 0.02 * np.maximum(np.abs(low), np.abs(high))
    for k in np.flatnonzero(possible).tolist():
        factor = _simplest(float(low[k]), float(high[k]))
        if factor:
            yield k, factor


def _simplest(low: float, high: float) -> float | None:
    """The number of fewest digits (at most 4) between the two."""
    for digits in range(1, 5):
        value = nice((low + high) / 2, digits)
        if low - 1e-12 <= value <= high + 1e-12:
            return value
    return None


def verify_product(target: ColumnView, a: ColumnView, b: ColumnView, factor: float) -> int:
    rows = np.flatnonzero(target.valid & a.valid & b.valid)
    x, y = a.numbers[rows], b.numbers[rows]
    if not bool(_fits(x * y * factor, target, rows, exact=False).all()):
        return 0
    turned = shuffled(rows.size)
    for other in (x[turned] * y, x * y[turned]):
        broken = np.count_nonzero(~_fits(other * factor, target, rows, exact=False))
        if broken < FEWEST or broken < 0.05 * rows.size:
            return 0
    return int(rows.size)
