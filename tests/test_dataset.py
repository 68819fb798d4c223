"""Dataset: equal content has one hash; integers stay integers on the way through pandas."""

import os
import subprocess
import sys
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import pairwise

import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fixturesynth.dataset import Dataset, arrow_type
from fixturesynth.errors import InputError
from fixturesynth.schema.model import ColumnType

VALUES = {
    pa.int64(): st.integers(-(2**63), 2**63 - 1),
    pa.float64(): st.floats(),
    pa.bool_(): st.booleans(),
    pa.string(): st.text(st.characters(exclude_categories=["Cs"]), max_size=6),
    pa.binary(): st.binary(max_size=6),
    pa.decimal128(12, 2): st.decimals(-999, 999, places=2),
    pa.date32(): st.dates(),
    pa.timestamp("us"): st.datetimes(datetime(1900, 1, 1), datetime(2100, 1, 1)),
    pa.list_(pa.string()): st.lists(st.none() | st.text("ab", max_size=3), max_size=3),
    pa.list_(pa.list_(pa.int64())): st.lists(
        st.none() | st.lists(st.none() | st.integers(0, 9), max_size=2), max_size=2
    ),
    pa.struct([("a", pa.int64()), ("b", pa.string())]): st.fixed_dictionaries(
        {"a": st.none() | st.integers(0, 9), "b": st.none() | st.text("xy", max_size=2)}
    ),
    pa.map_(pa.string(), pa.int64()): st.dictionaries(st.text("ab", max_size=2), st.integers(0, 9), max_size=2).map(
        lambda d: list(d.items())
    ),
}


Values = tuple[pa.DataType, list[object]]


@st.composite
def columns(draw: st.DrawFn) -> Values:
    kind = draw(st.sampled_from(list(VALUES)))
    return kind, draw(st.lists(st.none() | VALUES[kind], max_size=12))


def hashed(array: pa.Array | pa.ChunkedArray) -> str:
    return Dataset({"t": pa.table({"c": array})}).content_hash("t")


@settings(max_examples=80)
@given(columns(), st.data())
def test_equal_content_has_one_hash_however_chunked_or_sliced(column: Values, data: st.DataObject) -> None:
    kind, values = column
    whole = pa.array(values, kind)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(values)), max_size=3)))
    edges = [0, *cuts, len(values)]
    pieces = [pa.array(values[a:b], kind) for a, b in pairwise(edges)]
    padding = [None, *values[:1]]
    sliced = pa.array([*padding, *values, *padding], kind).slice(len(padding), len(values))
    assert hashed(pa.chunked_array(pieces, kind)) == hashed(whole)
    assert hashed(sliced) == hashed(whole)


@settings(max_examples=80)
@given(columns(), columns())
def test_other_content_has_another_hash(one: Values, two: Values) -> None:
    a, b = pa.array(one[1], one[0]), pa.array(two[1], two[0])
    same = a.type == b.type and repr(a.to_pylist()) == repr(b.to_pylist())
    assert (hashed(a) == hashed(b)) == same


def test_a_null_hides_whatever_lies_under_it() -> None:
    dirty = pa.Array.from_buffers(pa.int64(), 2, [pa.py_buffer(b"\x01"), pa.array([1, 99]).buffers()[1]])
    assert dirty.to_pylist() == [1, None]
    assert hashed(dirty) == hashed(pa.array([1, None]))


def test_dictionaries_hash_as_their_values() -> None:
    plain = pa.array(["b", "a", None, "b"])
    assert hashed(plain.dictionary_encode()) == hashed(plain)
    other_codes = pa.DictionaryArray.from_arrays(pa.array([1, 0, None, 1]), pa.array(["a", "b", "unused"]))
    assert hashed(other_codes) == hashed(plain)


def test_name_and_type_and_order_are_content() -> None:
    base = Dataset({"t": pa.table({"a": [1], "b": [2]})}).content_hash("t")
    assert Dataset({"t": pa.table({"b": [2], "a": [1]})}).content_hash("t") != base
    assert Dataset({"t": pa.table({"a": pa.array([1], pa.int32()), "b": [2]})}).content_hash("t") != base
    assert hashed(pa.array([0.0])) != hashed(pa.array([-0.0]))
    assert Dataset({"t": pa.table({})}).content_hash("t") == Dataset({"t": pa.table({})}).content_hash("t")


def test_hash_is_the_same_in_another_process() -> None:
    code = (
        "import pyarrow as pa; from fixturesynth.dataset import Dataset;"
        "print(Dataset({'t': pa.table({'a': [1, None, 3], 'b': ['x', '', None]})}).content_hash('t'))"
    )
    here = Dataset({"t": pa.table({"a": [1, None, 3], "b": ["x", "", None]})}).content_hash("t")
    command, environment = [sys.executable, "-c", code], {**os.environ, "PYTHONHASHSEED": "7"}
    other = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    assert other.stdout.strip() == here


def test_integers_beside_nulls_stay_integers_through_pandas() -> None:
    table = pa.table(
        {
            "i": [2**60 + 1, None],
            "d": [Decimal("1.10"), None],
            "t": pa.array([datetime(2020, 1, 1, tzinfo=UTC), None], pa.timestamp("us", tz="UTC")),
            "day": [date(2020, 1, 1), None],
            "l": [["a"], None],
        }
    )
    data = Dataset({"t": table})
    again = Dataset.from_frames(data.to_frames())
    assert again.arrow("t").schema.remove_metadata() == table.schema
    assert again.content_hash("t") == data.content_hash("t")
    frame = pd.DataFrame({"i": pd.array([1, None], "Int64")}, index=[7, 8])
    assert Dataset.from_frames({"t": frame}).arrow("t").to_pydict() == {"i": [1, None]}


def test_named_levels_of_the_index_are_columns() -> None:
    frame = pd.DataFrame({"v": [1.5, 2.5]}, index=pd.MultiIndex.from_tuples([(1, "a"), (2, "b")], names=["k", "l"]))
    assert Dataset.from_frames({"t": frame}).arrow("t").to_pydict() == {"k": [1, 2], "l": ["a", "b"], "v": [1.5, 2.5]}
    partly = frame.rename_axis(["k", None])
    assert Dataset.from_frames({"t": partly}).arrow("t").column_names == ["k", "v"]
    kept = pd.DataFrame({"id": [7, 8]}).set_index("id", drop=False)
    assert Dataset.from_frames({"t": kept}).arrow("t").to_pydict() == {"id": [7, 8]}


def test_kinds_of_pandas_that_arrow_has_not() -> None:
    frame = pd.DataFrame(
        {
            "large": [2**70, None],
            "month": pd.period_range("2024-01", periods=2, freq="M"),
            "span": pd.interval_range(0, 2),
            "band": pd.Categorical(pd.interval_range(0, 2)),
            "thin": pd.arrays.SparseArray([0, 1]),
            "plain": [1, 2],
        }
    )
    assert Dataset.from_frames({"t": frame}).arrow("t").to_pydict() == {
        "large": [Decimal(2**70), None],
        "month": [datetime(2024, 1, 1), datetime(2024, 2, 1)],
        "span": ["(0, 1]", "(1, 2]"],
        "band": ["(0, 1]", "(1, 2]"],
        "thin": [0, 1],
        "plain": [1, 2],
    }


@pytest.mark.parametrize(
    ("frame", "told"),
    [
        (pd.DataFrame([[1, 2]], columns=["a", "a"]), "table 't': two columns are named 'a'; rename one"),
        (pd.DataFrame({"a": [1, 2], "m": [1, "x"]}), r"values of 'm' \(int, str\).*astype\('string'\)"),
        (pd.DataFrame({"a": [1], "m": [1 + 2j]}), r"values of 'm' \(complex\)"),
        (pd.DataFrame({"m": [object()]}), r"values of 'm' \(object\)"),
        (pd.DataFrame({"m": [2**140]}), r"values of 'm' \(int\)"),
        ([1, 2], "Expected a pandas frame for table 't' but got list"),
        (pa.table({"a": [1]}), "but got Table; give its to_pandas"),
    ],
)
def test_columns_that_no_arrow_type_holds_are_named(frame: object, told: str) -> None:
    with pytest.raises(InputError, match=told):
        Dataset.from_frames({"t": frame})  # type: ignore[dict-item]


def test_it_is_a_mapping_of_frames_with_errors_that_suggest() -> None:
    data = Dataset({"orders": pa.table({"id": [1, 2]})})
    assert list(data) == ["orders"] and len(data) == 1 and data.rows == {"orders": 2}
    assert data["orders"]["id"].tolist() == [1, 2]
    with pytest.raises(KeyError):
        data["order"]
    with pytest.raises(InputError, match="did you mean 'orders'"):
        data.arrow("order")
    with pytest.raises(InputError, match="from_frames"):
        Dataset({"orders": pd.DataFrame()})  # type: ignore[dict-item]
    assert repr(data) == "Dataset(orders: 2)"


def test_html_escapes_names() -> None:
    shown = Dataset({"<b>": pa.table({"x&y": [1]})})._repr_html_()
    assert "&lt;b&gt;" in shown and "x&amp;y" in shown and "<b>" not in shown


def test_arrow_type_of_declared_types() -> None:
    assert arrow_type(ColumnType("integer", "bigint unsigned", bits=64, unsigned=True)) == pa.uint64()
    assert arrow_type(ColumnType("decimal", "numeric(5,2)", precision=5, scale=2)) == pa.decimal128(5, 2)
    assert arrow_type(ColumnType("timestamp", "timestamptz", timezone=True)) == pa.timestamp("us", tz="UTC")
    assert arrow_type(ColumnType("array", "text[]", element=ColumnType("text", "text"))) == pa.list_(pa.string())
    assert arrow_type(ColumnType("uuid", "uuid")) == pa.string()
