"""Dates and times: read as integers, written back to the very same text."""

from datetime import UTC, date, datetime, time, timedelta

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fixturesynth.profiling import format_temporal, parse_temporal

FORMATS = [
    "%Y-%m-%d",
    "%Y/%m/%d",
    "%d.%m.%Y",
    "%H:%M:%S",
    "%H:%M",
    "%Y-%m-%d %H:%M",
    "%Y-%m-%d %H:%M:%S",
    "%Y-%m-%dT%H:%M:%S",
    "%Y-%m-%dT%H:%M:%SZ",
    "%Y-%m-%d %H:%M:%S+00",
    "%Y-%m-%d %H:%M:%S+05:30",
    "%Y-%m-%d %H:%M:%S.%f",
    "%Y-%m-%dT%H:%M:%S.%fZ",
    "%d.%m.%Y %H:%M:%S",
]
MOMENTS = st.datetimes(datetime(1, 1, 1), datetime(9999, 12, 31, 23, 59, 59, 999_999))


def written(moments: list[datetime], format: str) -> list[str]:
    """Written by the standard library; its %Y does not pad years below 1000 everywhere."""
    return [m.strftime(format.replace("%Y", f"{m.year:04d}")) for m in moments]


@pytest.mark.parametrize("format", FORMATS)
@settings(max_examples=25)
@given(moments=st.lists(MOMENTS, min_size=1, max_size=20))
def test_every_format_is_found_and_written_back(format: str, moments: list[datetime]) -> None:
    texts = written(moments, format)
    parsed = parse_temporal(pa.array([*texts, None]))
    assert parsed is not None
    ints, unit, found = parsed
    assert format_temporal(ints[:-1], unit, found).to_pylist() == texts
    if "%Y-%m-%d" in format and unit == "days":
        assert ints[:-1].tolist() == [m.date().toordinal() - date(1970, 1, 1).toordinal() for m in moments]


@settings(max_examples=25)
@given(moments=st.lists(MOMENTS, min_size=1, max_size=20))
def test_isoformat_of_python_is_written_back(moments: list[datetime]) -> None:
    texts = [m.isoformat(sep=" ") for m in moments]
    ints, unit, format = parse_temporal(pa.array(texts))  # type: ignore[misc]
    assert format_temporal(ints, unit, format).to_pylist() == texts


@settings(max_examples=25)
@given(moments=st.lists(MOMENTS, min_size=1, max_size=20))
def test_trimmed_fractions_of_postgresql_are_written_back(moments: list[datetime]) -> None:
    texts = [
        (
            m.isoformat(sep=" ", timespec="microseconds").rstrip("0").rstrip(".")
            if m.microsecond
            else m.isoformat(sep=" ")
        )
        + "+00"
        for m in moments
    ]
    ints, unit, format = parse_temporal(pa.array(texts))  # type: ignore[misc]
    assert format_temporal(ints, unit, format).to_pylist() == texts


def test_seconds_agree_with_numpy() -> None:
    texts = ["2013-01-01T06:00:00Z", "1901-12-13T20:45:51Z", "2400-02-29T23:59:59Z"]
    ints, unit, _ = parse_temporal(pa.array(texts))  # type: ignore[misc]
    assert unit == "seconds"
    assert ints.tolist() == [int(np.datetime64(t[:-1], "s").astype(np.int64)) for t in texts]


def test_day_and_month_are_told_apart_only_when_they_can_be() -> None:
    assert parse_temporal(pa.array(["01/13/2020", "02/03/2020"]))[2] == "%m/%d/%Y"  # type: ignore[index]
    assert parse_temporal(pa.array(["13/01/2020", "02/03/2020"]))[2] == "%d/%m/%Y"  # type: ignore[index]
    assert parse_temporal(pa.array(["01/02/2020", "02/03/2020"])) is None


@pytest.mark.parametrize(
    "texts",
    [
        ["2020-02-30"],
        ["2020-01-01", "soon"],
        ["2020-01-01", "2020-01-01 10:00:00"],
        ["2020-1-1"],
        ["25:60:00"],
        ["555-1234"],
        ["10.0.0.1"],
        ["2020-01-01 10:00:00+00", "2020-01-01 10:00:00+01"],
        ["", ""],
        [None],
        [],
        ["２０２０-01-01"],
        ["12345678", "99999999"],
        ["2020-01-01 10:00:00.1234567"],
    ],
)
def test_what_is_no_date_or_mixed_is_left_alone(texts: list[str | None]) -> None:
    assert parse_temporal(pa.array(texts, pa.string())) is None


@pytest.mark.parametrize(
    "values",
    [
        pa.array([date(2020, 1, 1), None, date(1, 1, 1)]),
        pa.array([datetime(2020, 1, 1, 3), None]),
        pa.array([datetime(2020, 1, 1, 3, 4, 5, 678)]),
        pa.array([datetime(1950, 1, 1, 3, tzinfo=UTC)], pa.timestamp("us", tz="UTC")),
        pa.array([datetime(2020, 1, 1, 3)], pa.timestamp("ns")),
        pa.array([time(3, 4, 5, 6), None]),
        pa.array([time(3, 4, 5)], pa.time32("s")),
        pa.array([timedelta(days=-3), timedelta(microseconds=1)]),
    ],
    ids=lambda v: str(v.type),
)
def test_arrow_types_come_back_as_they_were(values: pa.Array) -> None:
    ints, unit, format = parse_temporal(values)  # type: ignore[misc]
    nulls = ~values.is_valid().to_numpy(zero_copy_only=False)
    assert format_temporal(ints, unit, format, nulls).equals(values)


def test_values_outside_the_calendar_are_moved_to_its_ends() -> None:
    assert format_temporal([-(10**9), 10**9], "days", "%Y-%m-%d").to_pylist() == ["0001-01-01", "9999-12-31"]
    assert format_temporal([-1, 90_000], "seconds", "%H:%M:%S").to_pylist() == ["00:00:00", "23:59:59"]
