"""What is gathered while tables are learned: what is known of all rows, and the variables of one table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from fixturesynth.arrays import combined
from fixturesynth.dataset import Dataset
from fixturesynth.generators.context import Features
from fixturesynth.generators.contract import Variable
from fixturesynth.generators.derivation import as_type
from fixturesynth.generators.encoding import Encoding, encode, fit_encoding
from fixturesynth.generators.encoding.grids import to_grid
from fixturesynth.generators.insides import places_inside
from fixturesynth.generators.itemsets import Itemset
from fixturesynth.generators.keys import locate
from fixturesynth.planning.plan import Plan
from fixturesynth.schema.model import Schema

__all__ = ["Coded", "Rows"]

Integers = npt.NDArray[np.int64]
Codes = npt.NDArray[np.int32]


@dataclass
class Rows:
    """What is known of the real rows while fitting: parents' ranks, root entities and features by table."""

    plan: Plan
    schema: Schema
    dataset: Dataset
    protection: int
    groups: Mapping[str, Integers]
    ranks: dict[tuple[str, str], Integers] = field(default_factory=dict)
    features: dict[str, Features] = field(default_factory=dict)
    itemsets: dict[str, Itemset] = field(default_factory=dict)  # by child

    def column(self, table: str, name: str) -> pa.Array:
        return combined(self.dataset.arrow(table).column(name))

    def rank(self, table: str, foreign_key: str) -> Integers:
        """Parent row of every row of ``table``; -1 for NULL and dangling references."""
        key = (table, foreign_key)
        if key not in self.ranks:
            fk = self.schema[table].foreign_key(foreign_key)
            wanted = [self.column(table, c) for c in fk.columns]
            known = [self.column(fk.parent, c) for c in fk.parent_columns]
            self.ranks[key] = locate(wanted, known)
        return self.ranks[key]

    def through(self, table: str, foreign_key: str, name: str, order: Integers) -> pa.Array:
        """The parent's column for the rows of ``table`` in this ``order``, (n,); null where there is no parent."""
        ranks = self.rank(table, foreign_key)[order]
        parent = self.schema[table].foreign_key(foreign_key).parent
        return self.column(parent, name).take(pa.array(ranks, pa.int64(), mask=ranks < 0))

    def degrees(self, child: str, foreign_key: str, parent: str) -> Integers:
        ranks = self.rank(child, foreign_key)
        return np.bincount(ranks[ranks >= 0], minlength=self.dataset.arrow(parent).num_rows).astype(np.int64)

    def incoming(self, parent: str) -> list[tuple[str, str, str]]:
        """(child, foreign key, how) of the references to ``parent`` that are met by degree."""
        return [
            (t.name, r.foreign_key, r.how)
            for t in self.plan.tables
            for r in t.references
            if r.parent == parent
            and r.how in ("context", "matched")
            and t.name in self.dataset
            and t.mode != "verbatim"
        ]


@dataclass
class Coded:
    """Variables of one table while they are gathered. ``max_codes``: quantile bins of a number."""

    max_codes: int = 64
    variables: list[Variable] = field(default_factory=list)
    codes: list[Codes] = field(default_factory=list)
    encodings: dict[str, Encoding] = field(default_factory=dict)
    places: dict[str, npt.NDArray[np.float64]] = field(default_factory=dict)  # inside codes, see generators.insides
    grids: dict[str, tuple[Integers, npt.NDArray[np.bool_]]] = field(default_factory=dict)  # numbers, and where

    def add(self, name: str, size: int, codes: npt.NDArray[np.generic], *, ordered: bool = False) -> None:
        self.variables.append(Variable(name, size, ordered))
        self.codes.append(codes.astype(np.int32))

    def encode(
        self, name: str, values: pa.Array, kind: str, protection: int, groups: Integers, domain: list[Any] | None = None
    ) -> None:
        known = as_type(pa.array(domain), values.type).to_pylist() if domain else []
        encoding = fit_encoding(
            values, kind, protection=protection, groups=groups, max_codes=self.max_codes, options={"domain": known}
        )
        self.encodings[name] = encoding
        codes = encode(encoding, values)
        self.add(name, encoding.size, codes, ordered=encoding.ordered)
        if "form" in encoding.facts:
            self.grids[name] = to_grid(combined(values), encoding.facts)
            self.places[name] = places_inside(codes, *self.grids[name])
