"""Running numbers: families one after the other, each with its numbers in line, as close as those of the rows were."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from fixturesynth.arrays import array_of
from fixturesynth.planning.plan import Derived
from fixturesynth.profiling.columnar import view_column
from fixturesynth.profiling.siblings import sort_key
from fixturesynth.randomness import hashed

if TYPE_CHECKING:
    from fixturesynth.sampling.assembly import Assembly

__all__ = ["numbered"]

Integers = npt.NDArray[np.int64]


def numbered(assembly: Assembly, name: str, source: Derived, out: Mapping[str, pa.Array]) -> pa.Array:
    """Numbers of all rows, each once, (rows,) of int64."""
    rows, p = assembly.rows, source.parameters
    family, place = np.arange(rows), np.zeros(rows, dtype=np.int64)
    if source.foreign_key is not None:
        parents = assembly.ranks_of(source.foreign_key, out)
        place = np.where(parents >= 0, assembly.place(source.foreign_key, out), 0)
        family = np.where(parents >= 0, parents, int(parents.max(initial=0)) + 1 + np.arange(rows))
    line = np.lexsort((place, family))
    first = np.append(True, np.diff(family[line]) != 0)[:rows]
    if source.sources and rows:
        keys = [sort_key(view_column(name, out[column]))[line][first] for column in source.sources]
        earliest = np.argsort(np.lexsort(keys[::-1]), kind="stable")
        line = line[np.argsort(earliest[np.cumsum(first) - 1], kind="stable")]
        first = np.append(True, np.diff(family[line]) != 0)[:rows]
    steps = np.asarray(p["steps"], dtype=np.int64)
    words = hashed(line, assembly.seed, assembly.table.name, name, "steps") % np.uint64(steps.size)
    inside = np.where(first, 0, steps[words.astype(np.int64)])
    values = np.empty(rows, dtype=np.int64)
    values[line] = _standing(inside, first, p["quantiles"], float(p["factor"]), assembly.first * float(p["each"]))
    return array_of(values + _beyond(assembly, name, values))


def _standing(
    inside: Integers, first: npt.NDArray[np.bool_], quantiles: list[float], factor: float, begin: float
) -> Integers:
    """Numbers in line: each family begins where its share of the rows has it, and never before the last one's end."""
    starts = np.flatnonzero(first)
    total = np.cumsum(inside)  # the first of a family adds nothing
    ends = np.append(starts[1:], first.size) - 1
    before = np.append(0, np.cumsum(total[ends] - total[starts] + 1))[:-1]
    share = (starts + 0.5) / max(first.size, 1)
    low = float(quantiles[0])
    place = low + (np.interp(share, np.linspace(0, 1, len(quantiles)), quantiles) - low) * factor + begin
    begins = before + np.maximum.accumulate(np.floor(place).astype(np.int64) - before) if starts.size else before
    which = np.cumsum(first) - 1
    result: Integers = begins[which] + total - total[starts][which] if first.size else total
    return result


def _beyond(assembly: Assembly, name: str, values: Integers) -> int:
    """How far the numbers move where rows of the target, beside which they will stand, have some."""
    if assembly.there is None or name not in assembly.there.column_names or not values.size:
        return 0
    most = pc.max(assembly.there.column(name)).as_py()
    return 0 if most is None else max(0, int(most) + 1 - int(values.min()))
