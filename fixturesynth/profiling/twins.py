"""Texts of one row that mostly say the same: a code in two systems, a title and its slug, a name in small letters.

A rule that every row keeps is found elsewhere (``invariants.values``); this is for what most rows have, and for texts
that are written in another way.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from fixturesynth.arrays import fill_null, numpy_of
from fixturesynth.profiling.invariants.evidence import FEWEST
from fixturesynth.profiling.profile import ColumnProfile, Invariant
from fixturesynth.profiling.spelled import FORMS
from fixturesynth.schema.model import Table

__all__ = ["find_twins"]

KINDS = ("text", "code", "categorical", "identifier")
PARTLY = 0.5  # of the rows that have the column have the other one's value
VARIED = 50  # values at least: of fewer, whatever learns rows sees what goes with what
SCREEN = 500  # rows that are looked at first
LONGEST = 200  # characters


def find_twins(
    table: Table, rows: pa.Table, columns: Mapping[str, ColumnProfile], rules: tuple[Invariant, ...]
) -> Iterator[tuple[str, tuple[str, str]]]:
    """(column, (the other one, how it is written)) where most rows have the other one's text, by ``FORMS``.

    ``rules``: what is given by others already is no twin.
    """
    barred = {c for key in table.foreign_keys for c in key.columns}
    firm = barred | {c for key in table.keys for c in key} | {c for check in table.checks for c in check.columns}
    ruled = {r.target for r in rules if r.kind not in ("order", "nulls_together", "null_implies")}
    texts = {
        c.name: rows.column(c.name).combine_chunks() for c in columns.values()
        if c.kind in KINDS and c.distinct >= VARIED and _is_text(rows.schema.field(c.name).type)
        and (not c.lengths or c.lengths[-1] <= LONGEST)
    }  # fmt: skip
    texts = {n: pa.concat_arrays(t.chunks) if isinstance(t, pa.ChunkedArray) else t for n, t in texts.items()}
    taken: set[str] = set()
    # What has fewer NULLs is more likely what the other is made of.
    ranked = sorted(texts, key=lambda n: (-columns[n].nulls, n not in firm, columns[n].unique))
    for name in ranked:
        if name in firm or name in ruled:
            continue
        best: tuple[float, str, str] | None = None
        for other in texts:
            hangs = any(r.target == other and name in r.sources for r in rules)
            if other == name or other in taken or other in barred or hangs:
                continue
            for form in FORMS:
                share = _share(texts[name], texts[other], form)
                if share >= PARTLY and (best is None or share > best[0] + 1e-9):
                    best = share, other, form
        if best is not None:
            taken.add(name)
            yield name, best[1:]


def _share(mine: pa.Array, other: pa.Array, form: str) -> float:
    """Of the rows that have a text, those whose text is the other one's; 0 where chance would do as well."""
    have = np.flatnonzero(numpy_of(mine.is_valid()))
    if have.size < FEWEST:
        return 0.0
    found = 0.0
    for some in (have[:: have.size // SCREEN + 1], have):
        own, theirs = mine.take(pa.array(some)), FORMS[form](other.take(pa.array(some)))
        found = float(numpy_of(fill_null(pc.equal(own, theirs.cast(own.type)), False)).mean())
        if found < PARTLY:
            return 0.0
    turned = theirs.take(pa.array(np.roll(np.arange(have.size), have.size // 2 + 1)))
    chance = float(numpy_of(fill_null(pc.equal(own, turned.cast(own.type)), False)).mean())
    return found if found - chance >= PARTLY * (1 - chance) else 0.0


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))
