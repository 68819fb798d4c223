"""When something is, beside how long after its parent's moment: what hangs on the calendar hangs on neither alone.

Visits are learned by the age of a person. That readings are only kept since 2009 is told by age and birth together,
which takes a tree many splits. So the moment itself is a variable, too, right behind the distance: nothing that would
be drawn, it follows from the parent's moment and the distance.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from fixturesynth.arrays import array_of, numpy_of
from fixturesynth.generators.contract import Codes
from fixturesynth.generators.distances import Way
from fixturesynth.generators.encoding import Encoding, decode, encode, fit_encoding
from fixturesynth.generators.gathering import Coded, Rows
from fixturesynth.generators.offsets import placed
from fixturesynth.generators.tablemodel import TableModel, column_variable, moment_variable
from fixturesynth.planning.plan import Modelled, TablePlan

__all__ = ["Moments", "add_moments", "moments_from"]

Integers = npt.NDArray[np.int64]

CLASSES = 64
MIDDLE = np.uint64(2**63)


@dataclass(frozen=True)
class Moments:
    """Codes of moments by those of a distance (``source``), for rows whose parents' moments are ``base`` (n,).

    ``there``: where there is one, (n,); ``distances``: of each code, (size,); ``null_code``: of the distance.
    """

    source: str
    base: Integers
    there: npt.NDArray[np.bool_]
    distances: Integers
    null_code: int | None
    encoding: Encoding

    def take(self, rows: Integers | slice) -> Moments:
        return replace(self, base=self.base[rows], there=self.there[rows])

    def codes(self, distance: Codes) -> Codes:
        """Of ``distance``, codes (n,) of the source; (n,)."""
        valid = self.there if self.null_code is None else self.there & (distance != self.null_code)
        moments = self.base + self.distances[np.minimum(distance, self.distances.size - 1)]
        return encode(self.encoding, array_of(moments, pa.int64(), mask=~valid))


def add_moments(
    rows: Rows, table: TablePlan, order: Integers, ways: Mapping[str, Way], coded: Coded, groups: Integers
) -> None:
    """A variable more for every column that is counted from a moment of the context's parent.

    ``order``: the rows in the order in which they are learned, (n,); ``groups``: root entity of each, (n,).
    """
    for column in table.columns:
        source, way = column.source, ways.get(column.name)
        if not isinstance(source, Modelled) or way is None or way.offset is None or "within" not in way.offset:
            continue
        if source.options.get("delta_parent", (None,))[0] != table.context:
            continue
        values = placed(rows.column(table.name, column.name).take(pa.array(order)), way.offset)
        if values is None or not values[1].any():
            continue
        name, source_name = moment_variable(column.name), column_variable(column.name)
        # A code for none in any case: a row may be drawn whose parent has no moment.
        found = array_of(values[0], pa.int64(), mask=~values[1])
        coded.encodings[name] = encoding = fit_encoding(
            found, "numeric", protection=rows.protection, groups=groups, max_codes=CLASSES, options={"nullable": True}
        )
        at = [v.name for v in coded.variables].index(source_name) + 1
        coded.add(name, encoding.size, encode(encoding, found), ordered=True)
        coded.variables.insert(at, replace(coded.variables.pop(), told_by=source_name))
        coded.codes.insert(at, coded.codes.pop())


def moments_from(model: TableModel, column: str, base: pa.Array) -> Moments | None:
    """What tells moments of a column from its distances, for rows with ``base`` (n,); None where nothing does."""
    name, source = moment_variable(column), column_variable(column)
    if name not in model.encodings or source not in model.encodings:
        return None
    found = placed(base, model.offsets[column])
    if found is None:
        return None
    encoding = model.encodings[source]
    size = encoding.size - (encoding.null_code is not None)
    distances = decode(encoding, np.arange(size, dtype=np.int32), np.full(size, MIDDLE))
    return Moments(source, *found, numpy_of(distances).astype(np.int64), encoding.null_code, model.encodings[name])
