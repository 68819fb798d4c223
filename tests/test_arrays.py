"""Python and NumPy to Arrow and back, against PyArrow's own converters."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from fixturesynth.arrays import array_of, numpy_of, scalar_of

LISTS: tuple[tuple[Any, pa.DataType | None], ...] = (
    ([], None), ([], pa.string()), ([None], None), ([None, None], pa.int64()), ([None], pa.decimal128(5, 2)),
    ([1, None, 3], None), ([1, 2], pa.int8()), ([1, 2], pa.float64()), ([300], pa.int8()), ([2**63], None),
    ([2**63], pa.uint64()), ([-1], pa.uint64()), ([-(2**63), 2**63 - 1], None), ([1, 2.5, None], None),
    ([2**53 + 1, 0.5], None), ([0.1, float("nan"), None], None), ([1.0], pa.int64()), ([1.5], pa.float32()),
    ([True, None, False], None), ([True], pa.int64()), ([1], pa.bool_()), (["a", "", None, "ä€𝄞"], None),
    (["a"], pa.large_string()), (["a", 1], None), ([1], pa.string()), ([b"a", None], None),
    ([b"", b"a\0"], pa.large_binary()), ([b"a"], pa.string()),
    ([date(1969, 12, 31), None, date(2026, 1, 1)], None), ([date(2026, 1, 1)], pa.timestamp("us")),
    ([datetime(2026, 1, 1, 12)], None), ([datetime(2026, 1, 1, 12)], pa.date32()), ([1], pa.timestamp("us")),
    ([1, None], pa.date32()), ([Decimal("1.5")], None), ([Decimal("1.5")], pa.decimal128(9, 3)), ([[1], None], None),
    (("a", "b"), None), ([np.int64(3), 4], None), ([np.float32(3)], None), ([np.str_("a")], None), ([True, 1], None),
    (range(3), None), ({1: 2}.keys(), None), ([{"a": 1}], None), ([1.0, True], None),
)  # fmt: skip

NUMBERS = np.arange(-3, 9)
VECTORS: tuple[tuple[Any, pa.DataType | None], ...] = (
    *((NUMBERS.astype(name), None) for name in ("int8", "int32", "int64", "float32", "float64", "uint8", "uint64")),
    (NUMBERS[::2], None), (NUMBERS[2:5], pa.int32()), (NUMBERS * 100, pa.int8()), (NUMBERS, pa.float64()),
    (np.array([2**60 + 1]), pa.float64()), (NUMBERS, pa.bool_()), (NUMBERS, pa.string()), (NUMBERS, pa.date32()),
    (NUMBERS.astype("int32"), pa.date32()), (NUMBERS, pa.timestamp("us")), (NUMBERS, pa.timestamp("us", "UTC")),
    (NUMBERS, pa.duration("us")), (np.arange(9), pa.time64("us")), (NUMBERS / 2, pa.int64()), (NUMBERS, pa.uint64()),
    (NUMBERS.astype(">i8"), None), (NUMBERS.astype("float16"), None), (NUMBERS.reshape(3, 4), None),
    (NUMBERS > 2, None), ((NUMBERS > 2)[3:], None), (NUMBERS > 2, pa.int64()), (np.array([np.nan, 1.0]), pa.int64()),
    (np.array(["2020-01-01", "NaT"], "datetime64[D]"), None), (np.array(["2020-01-01", "NaT"], "datetime64[us]"), None),
    (np.array(["2020-01-01"], "datetime64[ns]"), pa.timestamp("us")), (np.array([5, 6], "timedelta64[s]"), None),
    (np.array(["a", "bc"]), None), (np.array(["a", None], object), None), (np.array(["a", 1], object), None),
    (np.array([1, None], object), None), (np.array([b"a"]), None), (np.zeros(0), None), (np.zeros(0, bool), None),
    (np.array(["a", "b"]), pa.large_string()),
)  # fmt: skip


def outcome(make: Any) -> Any:
    """The array, or the type of the error that refuses it."""
    try:
        return make()
    except (pa.ArrowException, TypeError, ValueError, OverflowError) as error:
        return type(error)


def same(ours: Any, theirs: Any) -> None:
    assert type(ours) is type(theirs)
    if isinstance(ours, type):
        assert ours is theirs
        return
    ours.validate(full=True)
    assert ours.type == theirs.type
    # Two NaN are not equal to PyArrow, but their texts are.
    assert ours.equals(theirs) or str(ours) == str(theirs)


@pytest.mark.parametrize(("values", "kind"), LISTS, ids=str)
def test_lists_become_what_pyarrow_makes_of_them(values: Any, kind: pa.DataType | None) -> None:
    same(outcome(lambda: array_of(values, kind)), outcome(lambda: pa.array(values, kind)))


@pytest.mark.parametrize(("values", "kind"), VECTORS, ids=str)
@pytest.mark.parametrize("masked", [False, True])
def test_vectors_become_what_pyarrow_makes_of_them(values: Any, kind: pa.DataType | None, masked: bool) -> None:
    mask = np.arange(values.size).reshape(values.shape) % 3 == 1 if masked else None
    same(outcome(lambda: array_of(values, kind, mask=mask)), outcome(lambda: pa.array(values, kind, mask=mask)))


@pytest.mark.parametrize(("values", "kind"), [(v, k) for v, k in LISTS if isinstance(v, list) and len(v)], ids=str)
def test_scalars_are_those_of_pyarrow(values: Any, kind: pa.DataType | None) -> None:
    ours, theirs = (outcome(lambda m=make: m(values[0], kind)) for make in (scalar_of, pa.scalar))  # type: ignore[misc]
    assert str(ours) == str(theirs)
    assert getattr(ours, "type", None) == getattr(theirs, "type", None)


@pytest.mark.parametrize(
    "column",
    [
        *(pa.array([1, 2, 3], kind) for kind in (pa.int8(), pa.uint64(), pa.float32(), pa.timestamp("us", "UTC"))),
        *(pa.array([1, None, 3], kind) for kind in (pa.int8(), pa.int64(), pa.float32(), pa.float64())),
        *(pa.array([1, None], kind) for kind in (pa.date32(), pa.timestamp("ms"), pa.duration("us"), pa.time64("us"))),
        pa.array([1, 2], pa.date32()), pa.array([True, False, True]), pa.array([True, None]), pa.nulls(2, pa.int64()),
        pa.nulls(2), pa.array(["a", None]), pa.array(["a", "b"]).dictionary_encode(), pa.array([[1], [2, 3]]),
        pa.chunked_array([[1, 2], [3]]), pa.chunked_array([["a"], [None]]), pa.chunked_array([], pa.int64()),
    ],
    ids=lambda c: str(c.type),
)  # fmt: skip
def test_columns_become_what_numpy_makes_of_them(column: Any) -> None:
    for part in (column, column.slice(1), column.slice(1, 1), column.slice(0, 0)):
        ours, theirs = numpy_of(part), np.asarray(part)
        assert ours.dtype == theirs.dtype
        assert ours.flags.writeable == theirs.flags.writeable
        assert repr(ours.tolist()) == repr(theirs.tolist())


def test_numpy_stays_numpy() -> None:
    values = np.arange(3)
    assert numpy_of(values) is values
