"""Counts of children for every parent, and how much the parent tells of them."""

import sqlite3
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from scipy import stats

from fixturesynth.dataset import Dataset
from fixturesynth.loading.reading import read_rows
from fixturesynth.profiling.cardinalities import find_cardinalities
from fixturesynth.profiling.columnar import joint_codes
from fixturesynth.profiling.profile import CardinalityProfile
from fixturesynth.randomness import permutation
from fixturesynth.schema.model import Column, ColumnType, ForeignKey, PrimaryKey, Schema, Table
from fixturesynth.schema.reflection import reflect

INTEGER, TEXT, REAL = ColumnType("integer", "INTEGER"), ColumnType("text", "TEXT"), ColumnType("float", "REAL")


def table(name: str, columns: str, key: tuple[str, ...] = (), references: tuple[ForeignKey, ...] = ()) -> Table:
    made = tuple(Column(c, INTEGER) for c in columns.split())
    return Table(name, made, primary_key=PrimaryKey(key) if key else None, foreign_keys=references)


def reference(columns: str, parent: str, parent_columns: str) -> ForeignKey:
    return ForeignKey(f"fk_{columns.replace(' ', '_')}", tuple(columns.split()), parent, tuple(parent_columns.split()))


def only(schema: Schema, frames: dict[str, pd.DataFrame], child: str) -> CardinalityProfile:
    (profile,) = find_cardinalities(schema, Dataset.from_frames(frames))[child]
    return profile


def test_counts_zeros_nulls_and_dangling() -> None:
    schema = Schema((table("p", "id", ("id",)), table("c", "id p", ("id",), (reference("p", "p", "id"),))))
    frames = {
        "p": pd.DataFrame({"id": [10, 20, 30, 40]}),
        "c": pd.DataFrame({"id": range(7), "p": pd.array([10, 10, 10, 20, None, 99, None], "Int64")}),
    }
    profile = only(schema, frames, "c")
    assert profile.counts == ((0, 2), (1, 1), (3, 1))
    assert (profile.children, profile.nulls, profile.dangling) == (4, 2, 1)
    assert profile.skew == 0.75  # one parent of four is the busiest tenth
    assert profile.explains == 0.0


def test_composite_reference_is_null_when_a_part_is() -> None:
    schema = Schema((table("p", "a b", ("a", "b")), table("c", "a b", (), (reference("a b", "p", "a b"),))))
    frames = {
        "p": pd.DataFrame({"a": ["x", "x", "y"], "b": [1, 2, 1]}),
        "c": pd.DataFrame({"a": ["x", "x", "y", "y", None, "x"], "b": pd.array([1, 1, 1, 2, 1, None], "Int64")}),
    }
    profile = only(schema, frames, "c")
    assert profile.counts == ((0, 1), (1, 1), (2, 1))
    assert (profile.children, profile.nulls, profile.dangling) == (3, 2, 1)


def test_integer_and_float_keys_meet() -> None:
    schema = Schema((table("p", "id", ("id",)), table("c", "p", (), (reference("p", "p", "id"),))))
    frames = {"p": pd.DataFrame({"id": [1, 2]}), "c": pd.DataFrame({"p": [1.0, 1.0, np.nan, 2.0]})}
    assert only(schema, frames, "c").counts == ((1, 1), (2, 1))


def test_integer_keys_beyond_two_to_the_53_stay_apart() -> None:
    big = 2**53
    schema = Schema((table("p", "id", ("id",)), table("c", "p", (), (reference("p", "p", "id"),))))
    frames = {"p": pd.DataFrame({"id": [big, big + 1]}), "c": pd.DataFrame({"p": [big, big + 1, big + 1]})}
    assert only(schema, frames, "c").counts == ((1, 1), (2, 1))


@pytest.mark.parametrize("rows", [0, 3])
def test_empty_tables(rows: int) -> None:
    schema = Schema((table("p", "id", ("id",)), table("c", "p", (), (reference("p", "p", "id"),))))
    frames = {"p": pd.DataFrame({"id": pd.array([], "Int64")}), "c": pd.DataFrame({"p": pd.array([1] * rows, "Int64")})}
    profile = only(schema, frames, "c")
    assert (profile.children, profile.dangling, profile.counts, profile.skew) == (0, rows, (), 0.0)


def test_missing_parent_table_is_left_out() -> None:
    schema = Schema((table("c", "p", (), (reference("p", "gone", "id"),)),))
    assert find_cardinalities(schema, Dataset.from_frames({"c": pd.DataFrame({"p": [1]})})) == {"c": ()}


def drawn(rows: int, values: int, what: str) -> np.ndarray:
    return permutation(rows, 1, what) % values


def explained(own: dict[str, np.ndarray], n: int, k: int) -> float:
    schema = Schema(
        (table("p", "id", ("id",)), table("c", "p " + " ".join(own), (), (reference("p", "p", "id"),)))
    )  # fmt: skip
    frames = {"p": pd.DataFrame({"id": range(k)}), "c": pd.DataFrame({"p": drawn(n, k, "p"), **own})}
    return only(schema, frames, "c").explains


def test_a_parent_that_tells_nothing_explains_nothing() -> None:
    n, k = 4_000, 1_000
    own = {"kind": drawn(n, 5, "kind"), "size": permutation(n, 1, "size")}
    assert explained(own, n, k) < 0.02


def test_a_parent_that_tells_everything_explains_all() -> None:
    n, k = 4_000, 1_000
    parent = drawn(n, k, "p")
    assert explained({"kind": parent % 7, "size": permutation(k, 2, "x")[parent]}, n, k) > 0.97


def test_parents_of_one_child_explain_nothing() -> None:
    n = 500
    assert explained({"kind": drawn(n, 4, "kind")}, n, n) == 0.0


def test_ranks_agree_with_anova_of_scipy() -> None:
    n, k = 3_000, 30
    parent = drawn(n, k, "p")
    values = parent * 40 + permutation(n, 3, "noise") % 1_000
    ranks = stats.rankdata(values)
    groups = [ranks[parent == g] for g in range(k)]
    f = stats.f_oneway(*groups).statistic
    eta = f * (k - 1) / (f * (k - 1) + n - k)
    adjusted = 1 - (1 - eta) * (n - 1) / (n - k)
    error = (2 * (k - 1) / ((n - 1) * (n - k))) ** 0.5
    assert explained({"v": values}, n, k) == pytest.approx(adjusted - error, abs=1e-9)


def test_joint_codes_number_combinations() -> None:
    a, b = np.array([0, 0, 1, 1, 0]), np.array([0, 1, 0, 1, 0])
    codes, size = joint_codes([(a, 2), (b, 2)])
    assert size == 4
    assert codes[0] == codes[4]
    assert len(set(codes[:4].tolist())) == 4


@pytest.mark.parametrize("name", ["chinook", "tpch_sf001", "synthea", "usda"])
def test_counts_agree_with_the_database(shared: Path, name: str) -> None:
    path = shared / "data" / f"{name}.sqlite"
    url = f"sqlite:///{path}"
    schema = reflect(url)
    dataset = read_rows(url, schema)
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    for child, profiles in find_cardinalities(schema, dataset).items():
        for profile in profiles:
            fk = schema[child].foreign_key(profile.foreign_key)
            on = " AND ".join(f'c."{a}" = p."{b}"' for a, b in zip(fk.columns, fk.parent_columns, strict=True))
            groups = ", ".join(f'p."{b}"' for b in fk.parent_columns)
            query = (
                f'SELECT n, COUNT(*) FROM (SELECT COUNT(c.rowid) AS n FROM "{fk.parent}" p LEFT JOIN "{child}" c '
                f"ON {on} GROUP BY {groups}) GROUP BY n ORDER BY n"
            )
            if dataset.rows[fk.parent] * dataset.rows[child] < 10**8:
                assert profile.counts == tuple(connection.execute(query).fetchall()), (child, profile.foreign_key)
            assert profile.children + profile.nulls + profile.dangling == dataset.rows[child]
            assert 0 <= profile.explains <= 1


def test_the_best_context_of_order_lines_is_their_order(shared: Path) -> None:
    url = f"sqlite:///{shared / 'data' / 'tpch_sf001.sqlite'}"
    schema = reflect(url)
    lines = find_cardinalities(schema, read_rows(url, schema))["lineitem"]
    assert max(lines, key=lambda p: p.explains).parent == "orders"


def test_dictionary_encoded_columns_are_read_as_their_values() -> None:
    schema = Schema((table("p", "id", ("id",)), table("c", "p", (), (reference("p", "p", "id"),))))
    chunks = [pa.array(part, pa.string()).dictionary_encode() for part in (["b", "b"], [None, "a"])]
    tables = {"p": pa.table({"id": ["a", "b"]}), "c": pa.table({"p": pa.chunked_array(chunks)})}
    (profile,) = find_cardinalities(schema, Dataset(tables))["c"]
    assert (profile.counts, profile.nulls) == (((1, 1), (2, 1)), 1)
