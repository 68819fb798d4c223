"""What every metric is given: real, synthetic and held-out rows side by side, their references, and the real halves."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal, TypeVar

import numpy as np
import numpy.typing as npt

from fixturesynth.dataset import Dataset
from fixturesynth.errors import InputError
from fixturesynth.evaluation.columns import ComparedTable, compare_table
from fixturesynth.profiling.columnar import TableView, distinct_codes, locate_parents, same_values, view_table
from fixturesynth.profiling.profile import Profile
from fixturesynth.randomness import below, permutation, stream, words
from fixturesynth.schema.model import ForeignKey, Schema
from fixturesynth.spec import EvaluationSpec

__all__ = ["Comparison", "Edge", "Half", "Side", "compare"]

Integers = npt.NDArray[np.int64]
Side = Literal["real", "synthetic", "holdout"]
Half = tuple[Integers, Integers]
Made = TypeVar("Made")

ROWS_LIMIT = 10_000  # rows of each side that a classifier sees, unless another number is asked for
FEWEST = 40  # real rows that are worth halving
FEWEST_ENTITIES = 40  # parents that are worth splitting by; with fewer, rows are split
GATHERED = 1.5  # rows that such a parent has on average
_SMALL, _SPLITS = 5_000, 5  # tables below this are halved several times, and the floors averaged


@dataclass(frozen=True)
class Edge:
    """A foreign key whose two tables are there on both sides."""

    child: str
    foreign_key: ForeignKey

    @property
    def parent(self) -> str:
        return self.foreign_key.parent

    @property
    def name(self) -> str:
        return self.foreign_key.name


@dataclass(frozen=True, eq=False)
class Comparison:
    """Views of all sides by table; everything derived from them is made once.

    ``rows_limit``: rows of each side that a classifier sees. ``wishes``: targets and protected columns. ``notes``: what
    metrics want to say, filled as they run.
    """

    schema: Schema
    views: Mapping[Side, Mapping[str, TableView]]
    names: tuple[str, ...]
    data: Mapping[Side, Dataset] = field(default_factory=dict, repr=False)
    profile: Profile | None = None
    rows_limit: int = ROWS_LIMIT
    seed: int = 0
    wishes: EvaluationSpec = field(default_factory=EvaluationSpec)
    notes: list[str] = field(default_factory=list)
    told: Callable[[str, int, int], None] = lambda what, done, of: None
    _cache: dict[Any, Any] = field(default_factory=dict, repr=False)

    @property
    def held_out(self) -> bool:
        return "holdout" in self.views

    def rows(self, side: Side, table: str) -> int:
        return self.views[side][table].rows

    @cached_property
    def tables(self) -> Mapping[str, ComparedTable]:
        """The compared columns of every table that both sides have."""
        real, synthetic, holdout = (self.views.get(side, {}) for side in ("real", "synthetic", "holdout"))
        return {
            n: compare_table(real[n], synthetic[n], holdout.get(n), self.entities("real", n)) for n in self.names
        }  # fmt: skip

    @cached_property
    def edges(self) -> tuple[Edge, ...]:
        """Foreign keys between compared tables, in the schema's order."""
        return tuple(
            Edge(name, fk)
            for name in self.names
            for fk in self.schema[name].foreign_keys
            if fk.parent in self.names
            and all(self._has(name, c) for c in fk.columns)
            and all(self._has(fk.parent, c) for c in fk.parent_columns)
        )

    def _has(self, table: str, column: str) -> bool:
        return all(column in views[table].columns for views in self.views.values() if table in views)

    def once(self, key: Any, make: Callable[[], Made]) -> Made:
        """What ``make`` gives, made the first time that ``key`` is asked for."""
        if key not in self._cache:
            self._cache[key] = make()
        found: Made = self._cache[key]
        return found

    def parents(self, side: Side, edge: Edge) -> tuple[Integers, npt.NDArray[np.bool_]]:
        """Each child row's parent row (-1: none), and where the reference is NULL."""
        key = ("parents", side, edge.child, edge.name)
        if key not in self._cache:
            views = self.views[side]
            self._cache[key] = locate_parents(views[edge.child], edge.foreign_key, views[edge.parent])
        found: tuple[Integers, npt.NDArray[np.bool_]] = self._cache[key]
        return found

    def kept(self, table: str) -> Integers | None:
        """For a table kept word for word, the real row of each synthetic row; None for every other table."""
        key = ("kept", table)
        if key not in self._cache:
            self._cache[key] = _same_rows(self.views["real"][table], self.views["synthetic"][table])
        found: Integers | None = self._cache[key]
        return found

    def leading(self, table: str, seen: frozenset[str] = frozenset()) -> Edge | None:
        """The foreign key whose parents the rows of a table belong to: the one with the most parents in use, at least
        40, that at least half of the real rows have and that gathers rows (1.5 of them on average)."""
        key = ("leading", table, seen)
        if key not in self._cache:
            best: tuple[int, Edge | None] = (FEWEST_ENTITIES - 1, None)
            for edge in self.edges:
                if edge.child == table and edge.parent not in seen | {table}:
                    at = self.parents("real", edge)[0]
                    used = int(np.unique(at[at >= 0]).size)
                    linked = np.count_nonzero(at >= 0)
                    if 2 * linked >= at.size and linked >= GATHERED * used and used > best[0]:
                        best = used, edge
            self._cache[key] = best[1]
        found: Edge | None = self._cache[key]
        return found

    def entities(self, side: Side, table: str, seen: frozenset[str] = frozenset()) -> Integers:
        """A number for each row that rows of one parent share, following ``leading`` upwards; shape (rows,).

        Rows without that parent stand for themselves. Where the way up ends with fewer than 40 entities in the real
        rows, the nearer parent is taken. Rows of a table kept word for word have the numbers of the real rows.
        """
        key = ("entities", side, table, seen)
        if key not in self._cache:
            self._cache[key] = self._entities(side, table, seen)
        found: Integers = self._cache[key]
        return found

    def _entities(self, side: Side, table: str, seen: frozenset[str]) -> Integers:
        rows = np.arange(self.rows(side, table), dtype=np.int64)
        edge = self.leading(table, seen)
        if edge is None or edge.parent not in self.views[side]:
            kept = self.kept(table) if side == "synthetic" else None
            return rows if kept is None else kept
        at = self.parents(side, edge)[0]
        above = self.entities(side, edge.parent, seen | {table})
        real_at = self.parents("real", edge)[0]
        real_above = self.entities("real", edge.parent, seen | {table})
        if np.unique(real_above[real_at[real_at >= 0]]).size < FEWEST_ENTITIES:
            above = np.arange(self.rows(side, edge.parent), dtype=np.int64)
        if not above.size:
            return rows
        return np.where(at >= 0, above[np.maximum(at, 0)], int(above.max()) + 1 + rows)

    def halves(self, table: str) -> tuple[Half, ...]:
        """Row numbers of two halves of the real rows, several times for small tables.

        Fewer than 40 rows cannot be halved: they are drawn twice with replacement, as many as there are.
        """
        rows = self.rows("real", table)
        if rows < FEWEST:
            return self.drawn(rows, table)
        return self.split(self.entities("real", table), 1 if rows > _SMALL else _SPLITS, table)

    def drawn(self, rows: int, *address: str) -> tuple[Half, ...]:
        """Pairs of samples with replacement out of so few rows that halves would say nothing."""
        if rows < 2:
            return ()
        raw = [words(stream(self.seed, "evaluation", "drawn", *address, i), 2 * rows) for i in range(_SPLITS)]
        return tuple((below(r[:rows], rows), below(r[rows:], rows)) for r in raw)

    def split(self, entities: Integers, times: int, *address: str) -> tuple[Half, ...]:
        """Halves that keep equal ``entities`` together."""
        dense, size = distinct_codes(entities)
        found = []
        for i in range(times):
            first = (permutation(size, self.seed, "evaluation", "halves", *address, i) < size // 2)[dense]
            found.append((np.flatnonzero(first), np.flatnonzero(~first)))
        return tuple(found)

    def split_by_parent(self, edge: Edge, parents: Integers, times: int = 1) -> tuple[Half, ...]:
        """Halves of real rows that belong to these ``parents`` along an edge, shape (rows,).

        Children of one parent stay together, but where the parents are fewer than 40 or a list kept word for word.
        """
        if parents.size < FEWEST:
            return self.drawn(parents.size, edge.child, edge.name)
        enough = np.unique(parents).size >= FEWEST_ENTITIES and self.kept(edge.parent) is None
        return self.split(parents if enough else np.arange(parents.size), times, edge.child, edge.name)

    def floor(self, table: str, measure: Callable[[Side, Integers | None, Side, Integers | None], Any]) -> float | None:
        """Mean of ``measure`` between two halves of the real rows, or between the held-out and the real rows.

        ``measure(side, rows, other side, other rows)`` gives a number or None; rows None are all.
        """
        if self.held_out and table in self.views["holdout"]:
            pairs = [measure("real", None, "holdout", None)]
        else:
            pairs = [measure("real", a, "real", b) for a, b in self.halves(table)]
        known = [float(p) for p in pairs if p is not None]
        return float(np.mean(known)) if known else None


def compare(
    real: Dataset,
    synthetic: Dataset,
    schema: Schema,
    *,
    holdout: Dataset | None = None,
    profile: Profile | None = None,
    rows_limit: int = ROWS_LIMIT,
    seed: int = 0,
    wishes: EvaluationSpec | None = None,
    told: Callable[[str, int, int], None] | None = None,
) -> Comparison:
    """Views of everything that both sides have; what one of them lacks is noted. InputError when nothing is left."""
    if rows_limit < 100:
        raise InputError(f"rows_limit must be at least 100, however: {rows_limit=}")
    told = told or (lambda what, done, of: None)
    notes: list[str] = []
    names = []
    for name in schema.names:
        missing = [side for side, data in (("real", real), ("synthetic", synthetic)) if name not in data]
        if missing:
            notes.append(f"table {name!r} is not among the {' and '.join(missing)} rows: not compared")
        elif real.arrow(name).num_rows == 0 and synthetic.arrow(name).num_rows == 0:
            notes.append(f"table {name!r} has no rows on either side")
        else:
            names.append(name)
    if not names and not any(name in real and name in synthetic for name in schema.names):
        raise InputError(
            f"no table of the schema is in both datasets: the schema has {list(schema.names)[:8]}, "
            f"the real rows {list(real)[:8]}, the synthetic rows {list(synthetic)[:8]}"
        )
    present = [n for n in schema.names if n in real and n in synthetic]
    sides: dict[Side, Dataset] = {"real": real, "synthetic": synthetic}
    if holdout is not None:
        sides["holdout"] = holdout
    views: dict[Side, dict[str, TableView]] = {}
    for done, (side, data) in enumerate(sides.items()):
        told(f"reading {side} rows", done, len(sides))
        views[side] = {n: view_table(schema[n], data.arrow(n)) for n in present if n in data}
    return Comparison(
        schema, views, tuple(present), sides, profile, rows_limit, seed, wishes or EvaluationSpec(), notes, told
    )  # fmt: skip


def _same_rows(real: TableView, synthetic: TableView) -> Integers | None:
    """The real row of each synthetic row where both tables hold the very same rows, in whatever order."""
    if real.rows != synthetic.rows or not real.rows or real.columns.keys() != synthetic.columns.keys():
        return None
    key = next((k for k in real.table.keys if all(c in real.columns for c in k)), tuple(real.columns))
    whole = ForeignKey("itself", key, real.table.name, key)
    at = locate_parents(synthetic, whole, real)[0]
    if bool((at < 0).any()) or np.unique(at).size < at.size:
        return None
    everything = np.arange(synthetic.rows)
    for name, ours in synthetic.columns.items():
        same = same_values(ours, real[name], at, everything)
        if same is None or not same.all():
            if ours.values is None and real[name].values is None:
                continue  # nested values: their presence has to do
            return None
    return at
