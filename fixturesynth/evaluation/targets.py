"""Which columns models are to predict and which are protected: named in the spec, or guessed."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from fixturesynth.evaluation.columns import ComparedColumn
from fixturesynth.evaluation.comparison import Comparison, Integers, Side
from fixturesynth.evaluation.invariants import rules_of
from fixturesynth.evaluation.shapes import side_values

__all__ = ["Grouping", "Target", "find_protected", "find_targets"]

FEWEST_ROWS = 200  # real rows of a table that models are trained on
MOST_TABLES = 3  # whose targets are guessed, the largest ones
MOST_CLASSES = 10
RAREST = 0.05  # share of the second class of a guessed target
FEWEST_OF_GROUP = 30  # real rows
_BINS = 4  # groups that a protected number is cut into

_TARGETS = re.compile(
    r"(target|label|class|outcome|result|status|churn|default|fraud|income|approved|score|rating|price|amount|total|y)$",
    re.IGNORECASE,
)
_PROTECTED = frozenset(
    (
        "sex", "gender", "race", "ethnicity", "ethnic", "ethnos", "religion", "faith", "nationality", "citizenship",
        "age", "disability", "disabled", "handicap", "marital", "orientation", "pregnant", "pregnancy", "veteran",
        "caste", "skin",
    )
)  # fmt: skip
_DECIDING = (
    "determines",
    "linear",
    "product",
    "clock",
    "elapsed",
    "datepart",
    "equal",
    "copy",
    "nulls_together",
    "constant",
)


@dataclass(frozen=True)
class Target:
    """``classes`` 0: a number. Classes are the codes of the compared column, the most frequent real one first."""

    table: str
    column: ComparedColumn
    classes: int
    named: bool

    @property
    def name(self) -> str:
        return self.column.name


@dataclass(frozen=True)
class Grouping:
    """A protected column; ``edges`` cut a number into groups."""

    table: str
    column: ComparedColumn
    named: bool
    edges: tuple[float, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        if not self.column.continuous:
            return self.column.labels
        bounds = [f"{e:g}" for e in self.edges]
        return tuple(f"{a} to {b}" for a, b in zip(["less", *bounds], [*bounds, "more"], strict=True))

    def groups(self, side: Side, rows: Integers | None = None) -> Integers:
        """The group of each row, -1 where NULL."""
        values = side_values(self.column, side, rows)
        if not self.column.continuous:
            return values.astype(np.int64)
        return np.where(np.isnan(values), -1, np.digitize(values, self.edges)).astype(np.int64)


def find_targets(comparison: Comparison) -> tuple[Target, ...]:
    """Named targets, or guessed ones: in each of the three largest tables one category and one number.

    A guess prefers what is called like a target, then the last column that no rule of the real rows has to do with.
    """

    def make() -> tuple[Target, ...]:
        named = comparison.wishes.targets
        if named is not None:
            found = [(t, c) for t, c in _named(comparison, named, "target")]
            return tuple(_target(t, c, True) for t, c in found if c.kind in ("number", "category"))
        sizes = {n: comparison.rows("real", n) for n in comparison.tables if comparison.kept(n) is None}
        largest = sorted((n for n in sizes if sizes[n] >= FEWEST_ROWS), key=lambda n: (-sizes[n], n))
        return tuple(t for name in largest[:MOST_TABLES] for t in _guessed(comparison, name))

    return comparison.once("targets", make)


def _target(table: str, column: ComparedColumn, named: bool) -> Target:
    classes = 0 if column.continuous else int(column.real.max(initial=-1)) + 1
    return Target(table, column, classes, named)


def _guessed(comparison: Comparison, table: str) -> Iterator[Target]:
    columns = list(comparison.tables[table].columns.values())
    if len(columns) < 3:
        return
    ruled = {
        c for rule in rules_of(comparison, table) if rule.kind in _DECIDING
        for c in (rule.target, *(() if rule.foreign_key else rule.sources))
    }  # fmt: skip
    for continuous in (False, True):
        able = [c for c in columns if c.continuous == continuous and (_numeric(c) if continuous else _classed(c))]
        able.sort(key=lambda c: (_TARGETS.search(c.name) is not None, c.name not in ruled, columns.index(c)))
        if able:
            yield _target(table, able[-1], False)


def _classed(column: ComparedColumn) -> bool:
    counts = np.bincount(column.real[column.real >= 0])
    return 2 <= counts.size <= MOST_CLASSES and float(np.sort(counts)[-2]) >= RAREST * column.real.size


def _numeric(column: ComparedColumn) -> bool:
    return column.kind == "number" and np.unique(column.real[~np.isnan(column.real)]).size > MOST_CLASSES


def _named(comparison: Comparison, names: tuple[str, ...], what: str) -> Iterator[tuple[str, ComparedColumn]]:
    known: Mapping[str, tuple[str, ComparedColumn]] = {
        f"{t}.{c.name}": (t, c) for t, table in comparison.tables.items() for c in table.columns.values()
    }
    for name in names:
        if name in known:
            yield known[name]
        else:
            comparison.notes.append(f"{what} {name!r} is not among the compared columns: left out")


def find_protected(comparison: Comparison) -> tuple[Grouping, ...]:
    """Named protected columns, or those called like one (sex, race, age, ...); numbers are cut at their quartiles."""

    def make() -> tuple[Grouping, ...]:
        named = comparison.wishes.protected
        if named is not None:
            found = list(_named(comparison, named, "protected column"))
        else:
            found = [
                (name, c) for name, table in comparison.tables.items() if comparison.kept(name) is None
                for c in table.columns.values() if _PROTECTED & set(_words(c.name)) and c.kind in ("number", "category")
            ]  # fmt: skip
        groupings = [Grouping(t, c, named is not None, _edges(c)) for t, c in found]
        return tuple(g for g in groupings if _large(g).size > 1)

    return comparison.once("protected", make)


def _words(name: str) -> list[str]:
    """
    >>> _words("maritalStatus_2")
    ['marital', 'status', '2']
    """
    return [w.lower() for w in re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+", name)]


def _edges(column: ComparedColumn) -> tuple[float, ...]:
    if not column.continuous:
        return ()
    known = column.real[~np.isnan(column.real)]
    shares = np.arange(1, _BINS) / _BINS
    return tuple(np.unique(np.quantile(known, shares, method="inverted_cdf")).tolist()) if known.size else ()


def _large(grouping: Grouping) -> Integers:
    """Groups that have rows enough to say something of."""
    groups = grouping.groups("real")
    return np.flatnonzero(np.bincount(groups[groups >= 0]) >= FEWEST_OF_GROUP)
