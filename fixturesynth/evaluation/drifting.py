"""``drift``: the rows of a live source against the profile that a model keeps of those it learned from."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from fixturesynth.dataset import Dataset
from fixturesynth.errors import InputError, SourceError
from fixturesynth.evaluation.comparison import Comparison
from fixturesynth.evaluation.driftrecord import DRIFT_METRICS, DriftReport, Movement, What
from fixturesynth.evaluation.invariants import applies, breaking, describe
from fixturesynth.evaluation.movements import (
    Distance,
    breaks_that_tell,
    children_distance,
    share_distance,
    steps_distance,
    values_distance,
)
from fixturesynth.evaluation.requiring import read_conditions
from fixturesynth.evaluation.schemachanges import find_changes
from fixturesynth.loading.reading import infer_schema, read_rows
from fixturesynth.profiling.columnar import locate_parents, view_table
from fixturesynth.profiling.columns import parse_temporal
from fixturesynth.profiling.oddities import as_learned, set_apart
from fixturesynth.profiling.profile import ColumnProfile, Profile, TableProfile
from fixturesynth.schema.model import Schema, Table
from fixturesynth.schema.reflection import reflect
from fixturesynth.synthesizer import Synthesizer

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["drift"]

Integers = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Progress = Callable[[str, int, int], None]

TOLERANCE = 0.05  # distances below it are no reason to refit, however certain
FALSE_ALARMS = 0.01  # chance that an unchanged source is said to have moved, over everything that is compared
GROWTH = 2.0  # a table that is so many times larger or smaller than it was has moved
_MICROSECONDS = {"days": 86_400_000_000, "seconds": 1_000_000, "microseconds": 1}
_LISTED = ("categorical", "boolean", "constant")
_LENGTHS = ("text", "code", "json", "binary", "array")


def drift(
    model: Synthesizer | str | Path,
    source: Dataset | Mapping[str, pd.DataFrame] | str | Path,
    *,
    tolerance: float = TOLERANCE,
    require: Sequence[str] = (),
    progress: Progress | None = None,
) -> DriftReport:
    """Has ``source`` moved away from what ``model`` learned, by how much, and is it time to refit?

    Compared with the model's profile, which holds no real row: shares of values, quantiles of numbers, dates and
    lengths, NULLs, children per parent, sizes of tables, the invariants, and for a database its schema. Beside every
    distance stands its noise, which an unchanged source of that many rows stays below: over everything compared it is
    said to have moved in 1 of 100 cases. Rows of one parent count as fewer rows, as far as they are alike.

    Args:
        model: a fitted synthesizer, or the path of one.
        source: a database URL or file, a folder of files, a Dataset or frames.
        tolerance: distances below it are no reason to refit, however certain.
        require: conditions such as ``drift.columns<=0.1``; they decide ``passed``.
        progress: called with the table that is compared, done and of.

    Raises:
        InputError: the model has learned from no rows, a wrong tolerance, an unknown metric.
        SourceError: the source cannot be read or has none of the model's tables.

    Example:
        >>> import pandas as pd, fixturesynth as fs
        >>> rows = {"people": pd.DataFrame({"id": range(200), "age": [20 + i % 50 for i in range(200)]})}
        >>> drift(fs.fit(rows), rows).refit
        False
    """
    if not 0 <= tolerance < 1:
        raise InputError(f"tolerance must be from 0 to below 1, however: {tolerance=}")
    read_conditions(require, DRIFT_METRICS.values())
    made = model if isinstance(model, Synthesizer) else Synthesizer.open(model)
    if made.profile is None or not made.profile.tables:
        raise InputError("the model has learned from no rows, there is nothing to compare with: fit it on a source")
    told = progress or (lambda table, done, of: None)
    profile = made.told or made.profile
    live, declared = _read(source, made.schema, made.profile.protection, told)
    live = as_learned(live, {name: one.oddities for name, one in made.models.items()})
    names = tuple(n for n in made.schema.names if n in live and n in profile)
    if not names:
        raise SourceError(f"the source has none of the model's tables: {', '.join(list(profile.tables)[:8])}")
    scene = _Scene.of(made.schema, profile, live, names, tolerance)
    movements = [
        Movement("schema", table, name, 1.0, 0.0, True, said)
        for table, name, said in (find_changes(made.schema, declared) if declared else _missing(made, live))
    ]
    for done, name in enumerate(names):
        told(name, done, len(names))
        movements += _in_table(scene, name)
    told("", len(names), len(names))
    report = DriftReport(
        tuple(movements), tolerance, len(names), tuple(scene.not_judged),
        provenance={
            "made": datetime.now(UTC).isoformat(timespec="seconds"),
            "learned_rows": {n: made.profile[n].rows for n in names},
            "rows": {n: live.arrow(n).num_rows for n in names},
            "sampled": made.profile.sampled,
            "alpha": scene.alpha,
        },
    )  # fmt: skip
    return replace(report, requirements=report.judged(require)) if require else report


def _read(source: Any, schema: Schema, protection: int, told: Progress) -> tuple[Dataset, Schema | None]:
    """The rows of the model's tables, and the schema that the source declares, where it is a database."""
    if isinstance(source, str | Path) and not Path(source).is_dir():
        declared = reflect(str(source))
        tables = [n for n in schema.names if n in declared]
        rows = read_rows(source, declared, tables=tables, progress=lambda t, n: told(f"read {t}", n, 0))
        declared, rows, _ = set_apart(declared, rows, protection)
        return rows, declared
    inferred = read_rows(source)
    tables = [n for n in schema.names if n in inferred]
    try:
        return read_rows(source, schema, tables=tables), None
    except SourceError:  # a column of the model is gone: types are inferred then, and the column is reported
        return inferred.select(tables), None


def _missing(model: Synthesizer, live: Dataset) -> Iterator[tuple[str, str, str]]:
    """Tables and columns of the profile that files or frames lack, and columns that they add."""
    assert model.profile is not None
    inferred = infer_schema(live)
    for name, table in model.profile.tables.items() if model.told is None else model.told.tables.items():
        if name not in live:
            yield name, "table", "dropped"
            continue
        found = inferred[name].column_names
        yield from ((name, c, "column dropped") for c in table.columns if c not in found)
        yield from ((name, c, "column added") for c in found if c not in model.schema[name].column_names)


@dataclass(frozen=True)
class _Scene:
    """The live rows as a comparison sees them, and how much is asked of each single test."""

    profile: Profile
    comparison: Comparison
    tolerance: float
    alpha: float
    not_judged: list[str]

    @classmethod
    def of(cls, schema: Schema, profile: Profile, live: Dataset, names: tuple[str, ...], tolerance: float) -> _Scene:
        views = {n: view_table(schema[n], live.arrow(n)) for n in names}
        comparison = Comparison(schema, {"real": views, "synthetic": views}, names, {"real": live}, profile)
        tests = sum(
            2 * len(profile[n].columns) + 2 * len(profile[n].cardinalities) + len(profile[n].invariants) for n in names
        )
        return cls(profile, comparison, tolerance, FALSE_ALARMS / max(1, tests), [])

    def judged(self, what: What, table: str, name: str, found: Distance | None, said: str) -> Iterator[Movement]:
        if found is None:
            return
        moved = found.distance > max(found.noise, self.tolerance)
        yield Movement(what, table, name, round(found.distance, 6), round(found.noise, 6), moved, said)


def _in_table(scene: _Scene, name: str) -> Iterator[Movement]:
    learned, table = scene.profile[name], scene.comparison.schema[name]
    live = scene.comparison.data["real"].arrow(name)
    if not scene.profile.sampled:
        yield from _size(scene, learned, live.num_rows)
    if not live.num_rows or not learned.rows:
        return
    groups = scene.comparison.entities("real", name)
    linked = {c for fk in table.foreign_keys for c in fk.columns}
    for column in learned.columns.values():
        if column.name not in live.column_names:
            continue
        array = _plain(live.column(column.name))
        empty = array.is_null().to_numpy(zero_copy_only=False)
        found = share_distance(column.nulls, column.rows, empty, groups, scene.alpha)
        said = f"NULL {_percent(column.null_share)} → {_percent(float(empty.mean()))}"
        yield from scene.judged("nulls", name, column.name, found, said)
        if column.name not in linked and not _is_key(table, column) and column.rows > column.nulls:
            yield from _values(scene, name, column, array.drop_null(), groups[~empty])
    yield from _references(scene, learned, table, groups)
    yield from _invariants(scene, learned, groups)


def _plain(column: pa.ChunkedArray) -> pa.Array:
    array = pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], column.type)
    if pa.types.is_dictionary(array.type):
        array = array.cast(array.type.value_type)
    text = pa.types.is_string(array.type) or pa.types.is_string_view(array.type)
    return array.cast(pa.large_string()) if text else array


def _is_key(table: Table, column: ColumnProfile) -> bool:
    return column.kind == "identifier" or column.sequence is not None or (column.name,) in table.keys


def _size(scene: _Scene, learned: TableProfile, rows: int) -> Iterator[Movement]:
    """A table has moved when it is twice as large or half as small; that much is no chance in any but tiny tables."""
    small, large = sorted((rows, learned.rows))
    if large:
        noise = min(1.0, 1.0 - 1.0 / GROWTH + 4.0 / math.sqrt(large))
        said = f"{learned.rows:,} → {rows:,} rows"
        distance = 1.0 - small / large
        yield Movement("table", learned.name, "", round(distance, 6), round(noise, 6), distance > noise, said)


def _values(scene: _Scene, table: str, column: ColumnProfile, array: pa.Array, groups: Integers) -> Iterator[Movement]:
    set_rows = column.rows - column.nulls
    if not len(array):
        return
    if column.kind in _LISTED and column.values:
        found = _codes(column, array)
        learned = np.array([n for _, n in column.values] + [max(0, set_rows - sum(n for _, n in column.values))])
        distance = values_distance(learned.astype(np.float64), found, groups, scene.alpha)
        yield from scene.judged("column", table, column.name, distance, _said_values(column, learned, found, distance))
        return
    if column.quantiles and column.lengths:
        return  # ranges: their lengths are spans, which texts do not show
    if column.kind in _LENGTHS and column.lengths:
        lengths = _lengths(array)
        if lengths is not None:
            distance = steps_distance(np.asarray(column.lengths, float), set_rows, lengths, groups, scene.alpha)
            middle = column.lengths[len(column.lengths) // 2]
            said = f"median length {middle:g} → {float(np.median(lengths)):g}"
            yield from scene.judged("column", table, column.name, distance, said)
        return
    if not column.quantiles:
        return
    numbers = _numbers(column, array)
    if numbers is None:
        yield Movement("column", table, column.name, 1.0, 0.0, True, f"no {_noun(column)} any more")
        return
    distance = steps_distance(np.asarray(column.quantiles, float), set_rows, numbers, groups, scene.alpha)
    if distance is not None:
        before, now = column.quantiles[len(column.quantiles) // 2], float(np.median(numbers))
        said = f"median {_shown(column, before)} → {_shown(column, now)}"
        if distance.distance > distance.noise and _shown(column, before) == _shown(column, now):
            level, value = distance.at / (len(column.quantiles) - 1), column.quantiles[distance.at]
            share = float((numbers <= value).mean())
            said += f"; up to {_shown(column, value)}: {_percent(level)} → {_percent(share)}"
        yield from scene.judged("column", table, column.name, distance, said)
    else:
        scene.not_judged.append(f"{table}.{column.name}: too few rows or parents to tell")


def _codes(column: ColumnProfile, array: pa.Array) -> Integers:
    """Each value's place among the learned ones; the place after the last stands for every other value."""
    values = [v for v, _ in column.values]
    other = len(values)
    if not isinstance(values[0], str):
        numbers = _numbers(column, array)
        if numbers is None:
            return np.full(len(array), other, dtype=np.int64)
        known = np.array(values, dtype=np.float64)
        order = np.argsort(known)
        at = order[np.minimum(np.searchsorted(known, numbers, sorter=order), other - 1)]
        return np.where(known[at] == numbers, at, other)
    encoded = array.dictionary_encode()
    try:
        texts = encoded.dictionary.cast(pa.large_string())
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return np.full(len(array), other, dtype=np.int64)
    place = pc.index_in(texts, value_set=pa.array(values, pa.large_string())).fill_null(other)
    codes: Integers = place.to_numpy(zero_copy_only=False).astype(np.int64)[
        encoded.indices.to_numpy(zero_copy_only=False)
    ]
    return codes


def _said_values(column: ColumnProfile, learned: Integers, codes: Integers, found: Distance | None) -> str:
    if found is None:
        return ""
    share, now = learned[found.at] / learned.sum(), float(np.mean(codes == found.at))
    name = repr(column.values[found.at][0]) if found.at < len(column.values) else "values that were not learned"
    return f"{name} {_percent(share)} → {_percent(now)}"


def _lengths(array: pa.Array) -> Floats | None:
    for test, measure in (
        (pa.types.is_large_string, pc.utf8_length),
        (lambda t: pa.types.is_binary(t) or pa.types.is_large_binary(t), pc.binary_length),
        (lambda t: pa.types.is_list(t) or pa.types.is_large_list(t), pc.list_value_length),
    ):
        if test(array.type):
            lengths: Floats = measure(array).to_numpy(zero_copy_only=False).astype(np.float64)
            return lengths
    return None


def _numbers(column: ColumnProfile, array: pa.Array) -> Floats | None:
    """Values as the profile's quantiles are: numbers, or datetimes in the profile's unit; None: neither."""
    if column.kind == "datetime" or column.format is not None or column.unit != "number":
        parsed = parse_temporal(array)
        if parsed is None:
            return None
        ints, unit, _ = parsed
        scale = _MICROSECONDS.get(unit, 1) / _MICROSECONDS.get(column.unit, 1)
        moments: Floats = ints.astype(np.float64) * scale
        return np.floor(moments) if scale < 1 else moments
    if pa.types.is_boolean(array.type):
        array = array.cast(pa.int8())
    try:
        numbers = array.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return None
    finite: Floats = np.where(np.isfinite(numbers), numbers, np.inf)
    return finite


def _references(scene: _Scene, learned: TableProfile, table: Table, groups: Integers) -> Iterator[Movement]:
    views = scene.comparison.views["real"]
    declared = {fk.name: fk for fk in table.foreign_keys}
    for known in learned.cardinalities:
        fk = declared.get(known.foreign_key)
        if fk is None or fk.parent not in views or any(c not in views[table.name].columns for c in fk.columns):
            continue
        if any(c not in views[fk.parent].columns for c in fk.parent_columns):
            continue
        at, missing = locate_parents(views[table.name], fk, views[fk.parent])
        name = f"{', '.join(fk.columns)} → {fk.parent}"
        counts = np.bincount(at[at >= 0], minlength=views[fk.parent].rows)
        found = children_distance(known.counts, counts, scene.alpha)
        if found is None:
            scene.not_judged.append(f"{table.name}.{name}: too few parents to tell")
        parents = sum(p for _, p in known.counts)
        before = known.children / parents if parents else 0.0
        now = float(counts.mean()) if counts.size else 0.0
        yield from scene.judged("reference", table.name, name, found, f"{before:.3g} → {now:.3g} children per parent")
        dangling = (at < 0) & ~missing
        total = known.children + known.nulls + known.dangling
        lost = share_distance(known.dangling, total, dangling, groups, scene.alpha)
        if lost is not None and lost.distance > lost.noise:
            said = f"rows without a parent {_percent(known.dangling / total)} → {_percent(float(dangling.mean()))}"
            yield from scene.judged("reference", table.name, name, lost, said)


def _invariants(scene: _Scene, learned: TableProfile, groups: Integers) -> Iterator[Movement]:
    """Rules that held in every learned row. A break counts when it is no chance; there is no tolerance for it."""
    views = scene.comparison.views["real"]
    for rule in learned.invariants:
        if not applies(rule, views) or rule.parameters.get("share", 1.0) < 1:
            continue
        witness, broken = breaking(rule, views[rule.table], views)
        rows = int(np.count_nonzero(witness))
        if not rows:
            continue
        # Rows of one entity break a rule together: entities are counted, not rows.
        entities, faulty = (int(np.unique(groups[flags]).size) for flags in (witness, broken))
        before = max(1, round(entities * rule.support / rows))
        share = float(np.count_nonzero(broken)) / rows
        enough = breaks_that_tell(entities, before, scene.alpha)
        count = int(np.count_nonzero(broken))
        said = f"{describe(rule)}: broken in {count:,} of {rows:,} rows, in none of {rule.support:,} before"
        noise = min(1.0, share * enough / faulty if faulty else enough / entities)
        yield Movement(
            "invariant", rule.table, rule.target, round(share, 6), round(noise, 6), faulty >= enough, said
        )  # fmt: skip


def _percent(share: float) -> str:
    return f"{share:.1%}" if share >= 0.001 or share == 0 else f"{share:.2g}"


def _noun(column: ColumnProfile) -> str:
    return "dates" if column.kind == "datetime" else "numbers"


def _shown(column: ColumnProfile, value: float) -> str:
    if column.kind != "datetime" or not math.isfinite(value):
        return f"{value:.6g}"
    micros = value * _MICROSECONDS.get(column.unit, 1)
    try:
        moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=micros)
    except OverflowError:
        return f"{value:.6g}"
    return f"{moment:%Y-%m-%d}" if micros % 86_400_000_000 == 0 else f"{moment:%Y-%m-%d %H:%M}"
