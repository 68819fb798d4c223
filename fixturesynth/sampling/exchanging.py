"""Learned values that came in the wrong order, exchanged with those of other rows.

Where a column is learned by its own values and no distance, a value and the one that it must not come before may share
a code, and what lies inside of that is drawn for each alone. Moved beside each other such values would lose what they
were and make a clump of distances; exchanged between rows of the same codes, all stay, and so does all else that was
learned of a row. Where no such row is of help, a value is taken from one that begins alike.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from fixturesynth.arrays import array_of
from fixturesynth.generators.calendar import PARTS
from fixturesynth.generators.tablemodel import part_variable
from fixturesynth.planning.plan import Modelled
from fixturesynth.randomness import hashed
from fixturesynth.sampling.assembly import Assembly
from fixturesynth.sampling.matching import pair_keys
from fixturesynth.sampling.partition import generated
from fixturesynth.sampling.repairs import misordered

__all__ = ["order_by_exchange"]

Integers = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
Columns = Mapping[str, pa.Array]
Order = tuple[str, str, bool]  # low, high, strict

ROUNDS = 64  # partners that a row tries


def order_by_exchange(assembly: Assembly, columns: Columns) -> bool:
    """Whether values changed their rows, in ``assembly.base``, so that the orders hold that the plan has."""
    current, orders = _with_parents(assembly, columns)
    changed = False
    for column in assembly.plan.columns:
        name = column.name
        cells = _cells(assembly, name) if _is_alone(assembly, name) else None
        mine = [o for o in orders if name in o[:2]]
        if cells is None or not any(
            misordered(current[low], current[high], strict).any() for low, high, strict in mine
        ):
            continue
        anyone = np.zeros_like(cells)
        ends = [_cells(assembly, c) for o in mine for c in o[:2] if c != name]
        alike = [e for e in ends if e is not None]
        beside = pair_keys(*alike) if alike else anyone
        for group, mutual in ((cells, True), (beside, False), (anyone, False)):
            source = array_of(_exchanged(assembly, current, mine, name, group, mutual))
            assembly.base[name] = assembly.base[name].take(source)
            current[name] = current[name].take(source)
        changed = True
    return changed


def _is_alone(assembly: Assembly, name: str) -> bool:
    """Whether a column that might be the distance from another is learned by its own values, and may be exchanged."""
    source, model = assembly.plan.column(name).source, assembly.model
    options = source.options if isinstance(source, Modelled) else {}
    # Where rows were drawn without their parent's moment, order is as likely as not, and they move to it.
    counted = "delta_from" in options or ("delta_parent" in options and not options.get("if_shorter"))
    keyed = any(name in u.columns for u in assembly.plan.uniques)
    return counted and not keyed and model is not None and name in assembly.base and name not in model.offsets


def _with_parents(assembly: Assembly, columns: Columns) -> tuple[dict[str, pa.Array], list[Order]]:
    """The columns and those of parents that rows must not come before or after, and the orders of them all."""
    current, orders = dict(columns), [o for o in assembly.plan.orders if o[0] in columns and o[1] in columns]
    for key, theirs, name, strict, backwards in assembly.plan.parent_orders:
        if name in columns:
            above = f"{key}.{theirs}"
            current[above] = assembly.through(key, theirs, columns)
            orders.append((name, above, strict) if backwards else (above, name, strict))
    return current, orders


def _cells(assembly: Assembly, name: str) -> Integers | None:
    """A number for each combination of codes that a column's values came of, (rows,); None where it has none."""
    own = {part_variable(part, name) for part in PARTS}
    variables = generated(assembly.model) if assembly.model is not None else ()
    codes = [assembly.codes[:, i].astype(np.int64) for i, v in enumerate(variables) if v.name in own]
    return pair_keys(*codes) if codes else None


def _exchanged(
    assembly: Assembly, columns: Columns, orders: Sequence[Order], name: str, cells: Integers, mutual: bool
) -> Integers:
    """Where each row has its value of ``name`` from, (rows,): itself, or another of its cell.

    ``mutual``: which has the row's value then, and no other.
    """
    source = np.arange(cells.size, dtype=np.int64)
    words = hashed(source, assembly.seed, assembly.table.name, name, "exchange")
    order = np.lexsort((words, cells))
    first = np.searchsorted(cells[order], cells[order], side="left")
    size = np.searchsorted(cells[order], cells[order], side="right") - first
    place = np.empty_like(source)
    place[order] = np.arange(cells.size)
    wrong = _wrong(columns, orders, name, source, source)
    for step in range(1, ROUNDS):
        rows = np.flatnonzero(wrong)
        rows = rows[size[place[rows]] > step]
        if not rows.size:
            break
        at = place[rows]
        partner = order[first[at] + (at - first[at] + step) % size[at]]
        # A row that waits for a value itself is no partner, so that none takes part twice.
        fits = ~wrong[partner] & ~_wrong(columns, orders, name, rows, source[partner])
        if mutual:
            fits &= ~_wrong(columns, orders, name, partner, source[rows])
        rows, partner = rows[fits], partner[fits]
        source[rows], source[partner] = source[partner], source[rows] if mutual else source[partner]
        wrong[rows] = False
    return source


def _wrong(columns: Columns, orders: Sequence[Order], name: str, rows: Integers, source: Integers) -> Flags:
    """Which of ``rows`` (n,) break an order with the values of ``name`` that the rows ``source`` (n,) had."""
    wrong = np.zeros(rows.size, dtype=bool)
    own, lent = array_of(rows), array_of(source)
    for low, high, strict in orders:
        ends = [columns[c].take(lent if c == name else own) for c in (low, high)]
        wrong |= misordered(ends[0], ends[1], strict)
    return wrong
