"""What a classifier is shown: columns as numbers, parents beside their children, children as aggregates."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow.compute as pc

from fixturesynth.evaluation.comparison import Comparison, Edge, Integers, Side
from fixturesynth.evaluation.shapes import side_values
from fixturesynth.profiling.columnar import ColumnView

__all__ = ["Features", "aggregates", "beside", "stack", "table_features"]

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

MOST_CATEGORIES = 200  # a category with more values shows its most frequent ones; all others are one
_LONGEST = 30  # characters of a category that is named


@dataclass(frozen=True, eq=False)
class Features:
    """A matrix, shape (rows, features), NaN for NULL; ``categories`` are the columns of it that hold codes.

    ``labels``: what the codes of a category stand for, where it is known; ``moments``: columns of microseconds.
    """

    names: tuple[str, ...]
    matrix: Floats
    categories: tuple[int, ...] = ()
    labels: Mapping[int, tuple[str, ...]] = field(default_factory=dict)
    moments: tuple[int, ...] = ()

    def take(self, rows: Integers | Flags) -> "Features":
        return Features(self.names, self.matrix[rows], self.categories, self.labels, self.moments)

    def without(self, drop: Collection[int]) -> "Features":
        """The same rows without some of the features."""
        keep = [i for i in range(len(self.names)) if i not in drop]
        return Features(
            tuple(self.names[i] for i in keep), self.matrix[:, keep],
            tuple(new for new, old in enumerate(keep) if old in self.categories),
            {new: self.labels[old] for new, old in enumerate(keep) if old in self.labels},
            tuple(new for new, old in enumerate(keep) if old in self.moments),
        )  # fmt: skip

    def label(self, at: int, code: int) -> str:
        """What a code of a category stands for, in words."""
        known = self.labels.get(at, ())
        if code >= MOST_CATEGORIES:
            return "a rare value"
        text = known[code] if code < len(known) else f"value {code + 1}"
        return f"'{text if len(text) <= _LONGEST else text[: _LONGEST - 1] + '…'}'"


def table_features(comparison: Comparison, side: Side, table: str, prefix: str = "") -> Features:
    """Compared columns; references to tables that are kept word for word, as categories; the lengths of texts.

    Keys and all other references are names of rows and no content: they are not shown.
    """
    names: list[str] = []
    columns: list[Floats] = []
    categories: list[int] = []
    labels: dict[int, tuple[str, ...]] = {}
    moments: list[int] = []
    compared = comparison.tables[table]
    view = comparison.views[side][table]
    for column in compared.columns.values():
        values = side_values(column, side)
        if column.continuous:
            if column.kind == "datetime":
                moments.append(len(columns))
            columns.append(values.astype(np.float64))
        else:
            categories.append(len(columns))
            labels[len(columns)] = column.labels
            columns.append(np.where(values >= 0, np.minimum(values, MOST_CATEGORIES), np.nan))
        names.append(f"{prefix}{column.name}")
    for edge in comparison.edges:
        kept = comparison.kept(edge.parent) if edge.child == table and edge.parent != table else None
        if kept is None or comparison.rows("real", edge.parent) > MOST_CATEGORIES or comparison.held_out:
            continue
        at = comparison.parents(side, edge)[0]
        row = np.where(at >= 0, kept[at], -1) if side == "synthetic" else at
        categories.append(len(columns))
        columns.append(np.where(row >= 0, row, np.nan).astype(np.float64))
        names.append(f"{prefix}{', '.join(edge.foreign_key.columns)}")
    for name in compared.left_out:
        if name in view.columns and name not in view.references and name not in view.identities:
            sides = [views[table][name] for views in comparison.views.values() if name in views[table].columns]
            lengths = _lengths(view[name]) if all(s.family == "text" for s in sides) else None
            if lengths is not None:
                columns.append(lengths)
                names.append(f"{prefix}{name} (length)")
    matrix = np.column_stack(columns) if columns else np.empty((view.rows, 0))
    return Features(tuple(names), matrix, tuple(categories), labels, tuple(moments))


def _lengths(view: ColumnView) -> Floats | None:
    """Characters of each text, NaN where NULL; None for what is no text."""
    if view.family != "text" or view.values is None:
        return None
    lengths = pc.utf8_length(view.values).to_numpy(zero_copy_only=False).astype(np.float64)
    return np.append(lengths, np.nan)[view.codes]


def beside(*parts: Features) -> Features:
    """Features of the same rows, next to each other."""
    names: list[str] = []
    categories: list[int] = []
    labels: dict[int, tuple[str, ...]] = {}
    moments: list[int] = []
    for part in parts:
        categories += [len(names) + c for c in part.categories]
        labels |= {len(names) + c: known for c, known in part.labels.items()}
        moments += [len(names) + c for c in part.moments]
        names += part.names
    matrix = np.column_stack([p.matrix for p in parts])
    return Features(tuple(names), matrix, tuple(categories), labels, tuple(moments))


def stack(parts: Sequence[Features]) -> Features:
    """Features of different rows, one below the other."""
    matrix = np.concatenate([p.matrix for p in parts])
    return Features(parts[0].names, matrix, parts[0].categories, parts[0].labels, parts[0].moments)


def aggregates(comparison: Comparison, side: Side, edge: Edge) -> Features:
    """One row for each parent: how many children it has, and of each child column what they are like together.

    Numbers and datetimes: mean, least, largest, standard deviation. Categories: how many different ones, and the shares
    of the two most frequent. NaN where there are no children with a value.
    """
    at = comparison.parents(side, edge)[0]
    linked = np.flatnonzero(at >= 0)
    parents = comparison.rows(side, edge.parent)
    owner = at[linked]
    child = table_features(comparison, side, edge.child)
    moments: list[int] = []
    names = [f"{edge.child}: count"]
    columns: list[Floats] = [np.bincount(owner, minlength=parents).astype(np.float64)]
    for i, name in enumerate(child.names):
        values = child.matrix[linked, i]
        whole = ~np.isnan(values)
        found = _of_category if i in child.categories else _of_numbers
        for what, column in found(values[whole], owner[whole], parents):
            if i in child.moments and what != "spread":
                moments.append(len(columns))
            names.append(f"{edge.child}: {what} of {name}")
            columns.append(column)
    return Features(tuple(names), np.column_stack(columns), moments=tuple(moments))


def _of_numbers(values: Floats, owner: Integers, parents: int) -> list[tuple[str, Floats]]:
    count = np.bincount(owner, minlength=parents).astype(np.float64)
    some = count > 0
    centre = float(values.mean()) if values.size else 0.0
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.bincount(owner, values - centre, minlength=parents) / count
        square = np.bincount(owner, (values - centre) ** 2, minlength=parents) / count
    low, high = np.full(parents, np.inf), np.full(parents, -np.inf)
    np.minimum.at(low, owner, values)
    np.maximum.at(high, owner, values)
    spread = np.sqrt(np.maximum(square - mean**2, 0.0))
    # What rounding leaves of equal values is no spread, and must give nobody away.
    spread[spread < 1e-6 * (float(values.std()) if values.size else 0.0)] = 0.0
    return [
        ("mean", np.where(some, _short(mean + centre), np.nan)),
        ("least", np.where(some, low, np.nan)),
        ("largest", np.where(some, high, np.nan)),
        ("spread", np.where(count > 1, _short(spread), np.nan)),
    ]


def _short(values: Floats) -> Floats:
    """To nine digits: the centre that keeps sums exact is each side's own, and its rounding would tell them apart."""
    with np.errstate(divide="ignore", invalid="ignore"):
        unit = 10.0 ** (np.floor(np.log10(np.abs(values))) - 8)
    known = np.isfinite(unit) & (unit > 0)
    rounded: Floats = np.where(known, np.rint(values / np.where(known, unit, 1.0)) * unit, values)
    return rounded


def _of_category(values: Floats, owner: Integers, parents: int) -> list[tuple[str, Floats]]:
    count = np.bincount(owner, minlength=parents).astype(np.float64)
    codes = values.astype(np.int64)
    pairs = np.unique(owner * (MOST_CATEGORIES + 1) + codes)
    different = np.bincount(pairs // (MOST_CATEGORIES + 1), minlength=parents).astype(np.float64)
    some = count > 0
    found = [("different values", np.where(some, different, np.nan))]
    with np.errstate(invalid="ignore", divide="ignore"):
        for code in (0, 1):  # the codes are in the order of the real frequencies
            share = np.bincount(owner[codes == code], minlength=parents) / count
            found.append((f"share of value {code + 1}", np.where(some, share, np.nan)))
    return found
