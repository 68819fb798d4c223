"""Small counted pictures of columns and edges, taken while the rows are at hand; the page draws them later."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from fixturesynth.dataset import Dataset
from fixturesynth.evaluation.cardinality import children_per_parent
from fixturesynth.evaluation.columns import ComparedColumn
from fixturesynth.evaluation.comparison import Comparison
from fixturesynth.evaluation.sequences import FEWEST_PAIRS, find_gaps
from fixturesynth.schema.model import Schema

__all__ = ["Picture", "draw_examples", "draw_pictures"]

BARS = 10
BINS = 40
EXAMPLES = 4
DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_LONGEST = 60
_DAY, _HOUR = 86_400_000_000, 3_600_000_000  # microseconds


@dataclass(frozen=True)
class Picture:
    """Shares of real and synthetic rows: of categories (``labels``), or between ``edges`` (one more than shares).

    ``rest``: shares of all other categories, or of numbers beyond the edges; ``nulls``: shares of NULL. The edges of
    ``gaps``, times from one row of a parent to the next, are decimal logarithms of seconds.
    """

    kind: Literal["category", "number", "datetime", "time", "children", "weekday", "hour", "gaps"]
    table: str
    column: str  # of children: the name of the foreign key
    real: tuple[float, ...]
    synthetic: tuple[float, ...]
    labels: tuple[str, ...] = ()
    edges: tuple[float, ...] = ()
    rest: tuple[float, float] = (0.0, 0.0)
    nulls: tuple[float, float] = (0.0, 0.0)
    parent: str = ""


def draw_pictures(comparison: Comparison) -> Iterator[Picture]:
    """One for each compared column, what dates tell of days, hours and gaps, then one for each foreign key."""
    for name, table in comparison.tables.items():
        if comparison.rows("real", name) and comparison.rows("synthetic", name):
            for column in table.columns.values():
                yield _bars(name, column) if not column.continuous else _histogram(name, column)
                if column.kind == "datetime":
                    yield from _rhythms(name, column)
    for edge, time, real_gaps, synthetic_gaps in find_gaps(comparison):
        if np.ptp(real_gaps) > 0 or np.ptp(synthetic_gaps) > 0:
            yield _gaps(edge.child, time, edge.parent, real_gaps, synthetic_gaps)
    for edge in comparison.edges:
        real, synthetic = (children_per_parent(comparison, side, edge) for side in ("real", "synthetic"))
        if real.size and synthetic.size:
            yield _children(edge.child, edge.name, edge.parent, real, synthetic)


def _bars(table: str, column: ComparedColumn) -> Picture:
    width = len(column.labels)
    counts = [np.bincount(v[v >= 0], minlength=width) / max(1, v.size) for v in (column.real, column.synthetic)]
    order = np.argsort(-(counts[0] + counts[1]), kind="stable")
    if width > BARS:
        order = order[: BARS - 1]
    shown = tuple(tuple(float(c[i]) for i in order.tolist()) for c in counts)
    rest = (max(0.0, float(c.sum() - sum(s))) for c, s in zip(counts, shown, strict=True))
    nulls = (float(np.mean(v < 0)) for v in (column.real, column.synthetic))
    labels = tuple(column.labels[i] for i in order.tolist())
    return Picture(
        "category", table, column.name, shown[0], shown[1], labels,
        rest=tuple(rest), nulls=tuple(nulls),  # type: ignore[arg-type]
    )  # fmt: skip


def _histogram(table: str, column: ComparedColumn) -> Picture:
    real, synthetic = (v[~np.isnan(v)] for v in (column.real, column.synthetic))
    edges = _edges(real, synthetic, column.kind == "number")
    shares = [np.histogram(v, edges)[0] / max(1, v.size) for v in (real, synthetic)]
    rest = tuple(float(1.0 - s.sum()) if v.size else 0.0 for s, v in zip(shares, (real, synthetic), strict=True))
    nulls = tuple(float(np.mean(np.isnan(v))) for v in (column.real, column.synthetic))
    return Picture(
        column.kind, table, column.name, tuple(shares[0].tolist()), tuple(shares[1].tolist()),
        edges=tuple(edges.tolist()), rest=rest, nulls=nulls,  # type: ignore[arg-type]
    )  # fmt: skip


def _edges(real: npt.NDArray[np.float64], synthetic: npt.NDArray[np.float64], number: bool) -> npt.NDArray[np.float64]:
    """Equal bins over the middle 99% of both sides together; whole numbers get whole bins where they are few."""
    both = np.concatenate([real, synthetic])
    low, high = (float(v) for v in np.quantile(both, [0.005, 0.995]))
    if number and both.size and float(high - low) <= BINS and bool((both == np.round(both)).all()):
        return np.arange(np.floor(low), np.ceil(high) + 2) - 0.5
    if high <= low:
        low, high = low - 0.5, high + 0.5
    return np.linspace(low, high, BINS + 1)


def _rhythms(table: str, column: ComparedColumn) -> Iterator[Picture]:
    """Rows by day of the week and, where there is a time of day, by hour."""
    sides = [v[~np.isnan(v)].astype(np.int64) for v in (column.real, column.synthetic)]
    if min(v.size for v in sides) < FEWEST_PAIRS or all(np.ptp(v) < _DAY for v in sides):
        return
    # 1 January 1970 was a Thursday.
    days = [np.bincount((v // _DAY + 3) % 7, minlength=7) / v.size for v in sides]
    yield Picture(
        "weekday", table, column.name, tuple(days[0].tolist()), tuple(days[1].tolist()),
        edges=tuple(np.arange(8.0).tolist()),
    )  # fmt: skip
    if np.mean(sides[0] % _DAY != 0) > 0.1:
        hours = [np.bincount(v % _DAY // _HOUR, minlength=24) / v.size for v in sides]
        yield Picture(
            "hour", table, column.name, tuple(hours[0].tolist()), tuple(hours[1].tolist()),
            edges=tuple(np.arange(25.0).tolist()),
        )  # fmt: skip


def _gaps(
    table: str, column: str, parent: str, real: npt.NDArray[np.float64], synthetic: npt.NDArray[np.float64]
) -> Picture:
    sides = [np.log10(np.maximum(v / 1e6, 1.0)) for v in (real, synthetic)]
    low, high = (float(q) for q in np.quantile(np.concatenate(sides), [0.002, 0.998]))
    edges = np.linspace(low, max(high, low + 0.1), BINS + 1)
    shares = [np.histogram(np.clip(v, low, high), edges)[0] / v.size for v in sides]
    return Picture(
        "gaps", table, column, tuple(shares[0].tolist()), tuple(shares[1].tolist()), edges=tuple(edges.tolist()),
        parent=parent,
    )  # fmt: skip


def _children(
    table: str, name: str, parent: str, real: npt.NDArray[np.int64], synthetic: npt.NDArray[np.int64]
) -> Picture:
    most = int(max(np.quantile(real, 0.995), np.quantile(synthetic, 0.995)))
    edges = np.arange(most + 2) - 0.5 if most < BINS else np.linspace(-0.5, most + 0.5, BINS + 1)
    shares = [np.histogram(v, edges)[0] / v.size for v in (real, synthetic)]
    rest = tuple(max(0.0, float(1.0 - s.sum())) for s in shares)
    return Picture(
        "children", table, name, tuple(shares[0].tolist()), tuple(shares[1].tolist()),
        edges=tuple(edges.tolist()), rest=rest, parent=parent,  # type: ignore[arg-type]
    )  # fmt: skip


def draw_examples(
    synthetic: Dataset, schema: Schema, tables: tuple[str, ...]
) -> Mapping[str, tuple[tuple[str, ...], tuple[tuple[str, ...], ...]]]:
    """The columns and a few evenly spread synthetic rows of each table, as short texts."""
    found = {}
    for name in tables:
        arrow = synthetic.arrow(name)
        names = tuple(c for c in schema[name].column_names if c in arrow.column_names)
        at = np.unique(np.linspace(0, max(0, arrow.num_rows - 1), EXAMPLES).astype(np.int64))[: arrow.num_rows]
        columns = [arrow.column(c).take(at).to_pylist() for c in names]
        found[name] = (names, tuple(tuple(_short(v) for v in row) for row in zip(*columns, strict=True)))
    return found


def _short(value: object) -> str:
    if value is None:
        return "NULL"
    text = value.hex() if isinstance(value, bytes) else str(value)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
