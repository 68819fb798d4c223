"""Are synthetic rows nearer to the real rows they were learned from than other real rows are?"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fixturesynth.evaluation.comparison import Comparison, Integers, Side
from fixturesynth.evaluation.intervals import wilson
from fixturesynth.evaluation.nearness import BASE, QUERIES, make_points, nearest, open_tables, some_rows
from fixturesynth.evaluation.record import Measure

__all__ = ["measure_dcr", "measure_dcr_share", "measure_nndr"]

Floats = npt.NDArray[np.float64]

SHARE = 0.05  # of the real rows that are nearest to another real row


@dataclass(frozen=True, eq=False)
class _Near:
    """Distances to the nearest and the second nearest real row, (rows, 2), of rows of each side."""

    real: Floats
    synthetic: Floats
    holdout: Floats | None
    base: int


def _near(comparison: Comparison, table: str) -> _Near:
    def make() -> _Near:
        among = some_rows(comparison, "real", table, BASE, "base")
        base = make_points(comparison, "real", table, among)
        found: dict[Side, Floats] = {}
        for side, views in comparison.views.items():
            if table not in views or not views[table].rows:
                continue
            rows = some_rows(comparison, side, table, QUERIES, "queries")
            skip = None
            if side == "real":
                place = np.searchsorted(among, rows)
                same = among[np.minimum(place, among.size - 1)] == rows
                skip = np.where(same, place, -1)
            found[side] = nearest(make_points(comparison, side, table, rows), base, 2, skip)[0]
        _note_sample(comparison, table)
        return _Near(found["real"], found["synthetic"], found.get("holdout"), among.size)

    return comparison.once(("near", table), make)


def _note_sample(comparison: Comparison, table: str) -> None:
    rows = max(comparison.rows(side, table) for side in ("real", "synthetic"))
    if rows > QUERIES:
        comparison.notes.append(
            f"distances of {table!r}: {QUERIES:,} rows of each side against at most {BASE:,} real ones; the standard "
            f"error of a share is at most {0.5 / QUERIES**0.5:.4f}"
        )


def measure_dcr(comparison: Comparison) -> Iterator[Measure]:
    """Distance to the closest record: share of synthetic rows as near to a real row as the nearest 5% of real rows are.

    The distance is Gower's with ranks and squares. About 0.05 is what real rows have among themselves; much more means
    rows close to copies. Range 0 to 1, lower is better. Floor: the share of the held-out rows, or of the real rows
    themselves (each without itself). Source: the DCR of Zhao and others, CTAB-GAN (2021), as a share.
    """
    for table in open_tables(comparison, ("real", "synthetic")):
        comparison.told("distances", 0, 1)
        near = _near(comparison, table)
        limit = float(np.quantile(near.real[:, 0], SHARE, method="inverted_cdf"))

        def share(distances: Floats, limit: float = limit) -> float:
            return float(np.mean(distances[:, 0] <= limit))

        score = share(near.synthetic)
        other = near.real if near.holdout is None else near.holdout
        detail = {"limit": limit, "real_median": _median(near.real), "synthetic_median": _median(near.synthetic)}
        interval = wilson(score * near.synthetic.shape[0], near.synthetic.shape[0])
        yield Measure(table, score, (), None, share(other), detail, "", interval)


def _median(distances: Floats) -> float:
    return round(float(np.median(distances[:, 0])), 6)


def measure_nndr(comparison: Comparison) -> Iterator[Measure]:
    """Nearest-neighbour distance ratio: share of synthetic rows as much nearer to one real row as 5% of real rows are.

    The ratio is the distance to the nearest real row over that to the second nearest: near 0 for a row that was made
    from one real row. Range 0 to 1, lower is better, 0.05 is what real rows have. Floor: as for the distance. Source:
    the NNDR of Zhao and others, CTAB-GAN (2021), as a share.
    """
    for table in open_tables(comparison, ("real", "synthetic")):
        near = _near(comparison, table)
        limit = float(np.quantile(_ratio(near.real), SHARE, method="inverted_cdf"))

        def share(distances: Floats, limit: float = limit) -> float:
            return float(np.mean(_ratio(distances) <= limit))

        score = share(near.synthetic)
        other = near.real if near.holdout is None else near.holdout
        detail = {
            "limit": limit, "real_median": float(np.median(_ratio(near.real))),
            "synthetic_median": float(np.median(_ratio(near.synthetic))),
        }  # fmt: skip
        interval = wilson(score * near.synthetic.shape[0], near.synthetic.shape[0])
        yield Measure(table, score, (), None, share(other), detail, "", interval)


def _ratio(distances: Floats) -> Floats:
    """First over second distance; 1 where both are 0: there are several, and none of them is the one."""
    first, second = distances[:, 0], distances[:, 1]
    with np.errstate(invalid="ignore", divide="ignore"):
        found = np.where(second > 0, first / second, 1.0)
    return np.asarray(np.where(np.isfinite(found), found, 1.0), dtype=np.float64)


def measure_dcr_share(comparison: Comparison) -> Iterator[Measure]:
    """DCR share: share of synthetic rows that are nearer to a row learned from than to one held out, as many of each.

    Ties count half. Needs held-out rows. Range 0 to 1, lower is better, 0.5 is nothing learned by heart. Floor: the
    same of one half of the held-out rows, between the real rows and the other half. Source: Platzer and Reutterer,
    "Holdout-based empirical assessment of mixed-type synthetic data" (2021).
    """
    if not comparison.held_out:
        return
    for table in open_tables(comparison, ("real", "synthetic", "holdout")):
        size = min(BASE, comparison.rows("real", table), comparison.rows("holdout", table))
        held = some_rows(comparison, "holdout", table, size, "share")
        learned = some_rows(comparison, "real", table, size, "share")
        rows = some_rows(comparison, "synthetic", table, QUERIES, "queries")
        score = _share(comparison, table, ("synthetic", rows), learned, held)
        first, second = comparison.split(np.arange(held.size), 1, "share", table)[0]
        queries = held[first][:QUERIES]
        floor = _share(comparison, table, ("holdout", queries), learned[: second.size], held[second])
        detail = {"rows": rows.size, "learned": learned.size, "held_out": held.size}
        yield Measure(table, score, (), None, floor, detail, "", wilson(score * rows.size, rows.size))


def _share(comparison: Comparison, table: str, of: tuple[Side, Integers], learned: Integers, held: Integers) -> float:
    queries = make_points(comparison, of[0], table, of[1])
    to_learned = nearest(queries, make_points(comparison, "real", table, learned))[0][:, 0]
    to_held = nearest(queries, make_points(comparison, "holdout", table, held))[0][:, 0]
    return float(np.mean((to_learned < to_held) + 0.5 * (to_learned == to_held)))
