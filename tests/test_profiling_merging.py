"""Profiles of parts of the rows, merged, are close to the profile of the whole."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fixturesynth.errors import InputError
from fixturesynth.loading.reading import read_rows
from fixturesynth.profiling import ColumnProfile, Profile, TableProfile, from_json, merge, profile_column, to_json
from fixturesynth.profiling.merging import merge_columns
from fixturesynth.schema.model import Column, ColumnType, Kind
from fixturesynth.schema.reflection import reflect


def profiled(values: pa.Array, kind: Kind = "integer") -> ColumnProfile:
    return profile_column(Column("c", ColumnType(kind, kind)), pa.chunked_array([values]), protection=5)


def rank_gap(column: ColumnProfile, values: np.ndarray) -> float:
    """Largest distance between a quantile's asked and real rank (Kolmogorov's)."""
    ordered = np.sort(values)
    low = np.searchsorted(ordered, column.quantiles, "left") / ordered.size
    high = np.searchsorted(ordered, column.quantiles, "right") / ordered.size
    wanted = np.linspace(0, 1, len(column.quantiles))
    return float(np.maximum(low - wanted, wanted - high).max())


@settings(max_examples=20)
@given(
    values=st.lists(st.one_of(st.just(0), st.integers(-1000, 1000)), min_size=120, max_size=400),
    cut=st.floats(0.15, 0.85),
)
def test_halves_are_close_to_the_whole(values: list[int], cut: float) -> None:
    place = int(len(values) * cut)
    parts = [profiled(pa.array(values[:place])), profiled(pa.array(values[place:]))]
    merged, whole = merge_columns(*parts), profiled(pa.array(values))
    assert (merged.rows, merged.nulls) == (whole.rows, whole.nulls)
    if merged.kind == whole.kind and merged.quantiles:
        assert rank_gap(merged, np.asarray(values)) < 1 / 32 + 12 / min(place, len(values) - place)
    counts = {v: values.count(v) for v, _ in merged.values}
    assert all(rows <= counts[v] for v, rows in merged.values)
    assert max(p.distinct for p in parts) <= merged.distinct <= sum(p.distinct for p in parts)


def test_categories_add_and_stay_protected() -> None:
    a = profiled(pa.array(["x"] * 20 + ["y"] * 20 + ["z"] * 3), "text")
    b = profiled(pa.array(["x"] * 30 + ["z"] * 3), "text")
    merged = merge_columns(a, b)
    assert dict(merged.values) == {"x": 50, "y": 20}
    assert merged.rare == 6


@pytest.mark.parametrize(
    ("a", "b", "kind"),
    [
        (pa.array([1] * 20), pa.array([2] * 20), "integer"),
        (pa.array([1] * 20), pa.array([1] * 20), "constant"),
        (pa.array([0] * 20), pa.array([1] * 20), "boolean"),
        (pa.array([None], pa.int64()), pa.array([0, 1] * 9), "boolean"),
        (pa.array([0, 1] * 9), pa.array(range(40)), "integer"),
        (pa.array([0.5] * 20), pa.array([v / 7 for v in range(40)]), "number"),
        (pa.array(["2020-01-01"] * 20), pa.array(["2020-01-02"] * 20), "datetime"),
        (pa.array(["2020-01-01 00:00:00"] * 20), pa.array(["2020-01-02 00:00:00.5"] * 20), "datetime"),
        (pa.array(["a"] * 20), pa.array(["b"] * 20), "categorical"),
    ],
)
def test_kinds_of_parts_meet(a: pa.Array, b: pa.Array, kind: str) -> None:
    for left, right in ((a, b), (b, a)):
        assert merge_columns(profiled(left), profiled(right)).kind == kind


def test_serial_parts_stay_serial() -> None:
    merged = merge_columns(profiled(pa.array(range(1, 501))), profiled(pa.array(range(501, 1001))))
    assert (merged.sequence, merged.unique, merged.distinct) == ((1, 1), True, 1000)


def test_steps_meet_in_their_common_grid() -> None:
    merged = merge_columns(profiled(pa.array([0.5] * 9 + [1.0] * 9)), profiled(pa.array([0.75] * 9 + [1.5] * 9)))
    assert (merged.step, merged.decimals) == (0.25, 2)


@pytest.mark.parametrize("form", ["{:02d}:{:02d}", "{:02d}:{:02d}:00"])
def test_hours_past_midnight_stay_so(form: str) -> None:
    day, night = ([form.format(i % hours, i % 60) for i in range(90)] for hours in (24, 30))
    parts = (
        profiled(pa.array([f"{time}:00" if len(time) == 5 else time for time in day]), "text"),
        profiled(pa.array(night), "text"),
    )
    assert [merge_columns(*pair).format for pair in (parts, parts[::-1])] == ["%J:%M:%S"] * 2


def test_other_tables_are_refused() -> None:
    with pytest.raises(InputError, match="different tables"):
        merge(Profile({"a": TableProfile("a", 0, {})}), Profile({}))


def test_real_flights_in_two_parts(shared: Path) -> None:
    """Columns of a table of 26,115 rows cut in two at random."""
    source = f"sqlite:///{shared / 'data' / 'nycflights13.sqlite'}"
    schema = reflect(source)
    table = schema["weather"]
    rows = read_rows(source, schema, tables=["weather"]).arrow("weather")
    first = np.arange(rows.num_rows) % 3 == 0

    def part(data: pa.Table) -> Profile:
        columns = {c.name: profile_column(c, data.column(c.name), protection=5) for c in table.columns}
        return Profile({"weather": TableProfile("weather", data.num_rows, columns)})

    merged = merge(part(rows.filter(pa.array(first))), part(rows.filter(pa.array(~first))))["weather"]
    whole = part(rows)["weather"]
    assert merged.rows == whole.rows
    for name, column in whole.columns.items():
        ours = merged.columns[name]
        assert (ours.kind, ours.nulls, ours.decimals, ours.step) == (
            column.kind,
            column.nulls,
            column.decimals,
            column.step,
        )
        assert ours.distinct == pytest.approx(column.distinct, rel=0.25)
        if column.kind in ("integer", "number"):
            assert rank_gap(ours, rows.column(name).drop_null().to_numpy()) < 0.03
    assert from_json(to_json(Profile({"weather": merged})))["weather"] == merged
