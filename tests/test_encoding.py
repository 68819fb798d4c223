"""Encodings: what goes in comes out, protected, in the same Arrow type."""

import json
from datetime import date, datetime, time, timedelta
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from fixturesynth.errors import InputError
from fixturesynth.generators.drawing import stratified
from fixturesynth.generators.encoding import (
    decode,
    encode,
    encoding_from_parts,
    encoding_to_parts,
    fit_encoding,
)
from fixturesynth.generators.encoding.bins import fit_bins, from_bins, multiply_high
from fixturesynth.randomness import stream, words


def _there_and_back(values: pa.Array, kind: str, protection: int = 5, **options) -> pa.Array:
    encoding = fit_encoding(values, kind, protection=protection, options=options)
    codes = encode(encoding, values)
    assert codes.dtype == np.int32 and (not len(codes) or (codes.min() >= 0 and codes.max() < encoding.size))
    out = decode(encoding, codes, words(stream(1, kind), len(values)))
    assert out.type == values.type
    assert out.null_count == values.null_count
    return out


def _many(pattern: list, times: int = 30) -> list:
    return pattern * times


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        ("numeric", pa.array(_many([1, 5, None, 900]), pa.int64())),
        ("numeric", pa.array(_many([0, 2**64 - 1, 2**63]), pa.uint64())),
        ("numeric", pa.array(_many([-(2**63), 0, 2**63 - 1]), pa.int64())),
        ("numeric", pa.array(_many([-128, 127]), pa.int8())),
        ("numeric", pa.array(_many([0.1, 0.3, None, 12.75]), pa.float64())),
        ("numeric", pa.array(_many([0.1, 0.3, None, 12.75]), pa.float32())),
        ("numeric", pa.array(_many([1e-300, 1e300, 0.0, -1e-5]), pa.float64())),
        ("numeric", pa.array(_many([1 / 3, 2 / 3]), pa.float64())),
        ("numeric", pa.array(_many([Decimal("12.30"), Decimal("-0.05"), None]), pa.decimal128(10, 2))),
        ("temporal", pa.array(_many([date(2020, 1, 1), None, date(1950, 6, 2)]), pa.date32())),
        ("temporal", pa.array(_many([datetime(2020, 1, 1, 5), datetime(1950, 6, 2)]), pa.timestamp("us", "UTC"))),
        ("temporal", pa.array(_many([time(5, 30), time(23, 59, 59)]), pa.time64("us"))),
        ("temporal", pa.array(_many([time(5, 30), time(23, 59, 59)]), pa.time32("s"))),
        ("temporal", pa.array(_many([timedelta(days=1), timedelta(seconds=-5)]), pa.duration("us"))),
        ("temporal", pa.array(_many(["2020-01-01 05:00:00", None, "1999-12-31 23:59:59"]))),
        ("categorical", pa.array(_many(["é", None, "a'b\"", ""]))),
        ("categorical", pa.array(_many([True, False, None]))),
        ("categorical", pa.array(_many([b"\x00", b"\xff"]))),
        ("categorical", pa.array(_many([Decimal("1.5"), None]), pa.decimal128(5, 1))),
        ("categorical", pa.array(_many(["x", "y"])).dictionary_encode().dictionary_decode()),
    ],
    ids=lambda value: value if isinstance(value, str) else str(value.type),
)
def test_repeated_values_come_back_exactly(kind, values):
    """Values that enough rows share are stored by themselves, whatever their type."""
    assert _there_and_back(values, kind).equals(values)


def test_chunks_slices_and_dictionaries_are_one_column():
    values = pa.array(_many(["a", "b", None, "c"]))
    whole = fit_encoding(values, "categorical", protection=5)
    chunked = pa.chunked_array([values.slice(0, 7), values.slice(7)]).dictionary_encode()
    again = fit_encoding(chunked, "categorical", protection=5)
    assert encode(again, chunked).tolist() == encode(whole, values).tolist()


def test_continuous_numbers_keep_their_distribution_and_their_decimals():
    from scipy.stats import ks_2samp

    raw = words(stream(3, "numbers"), 5000).astype(np.float64) / 2.0**64
    cents = np.rint(np.exp(3 + 4 * raw) * 100) / 100
    out = _there_and_back(pa.array(cents), "numeric").to_numpy()
    assert ks_2samp(cents, out).statistic < 0.02
    assert np.array_equal(np.rint(out * 100) / 100, out)
    assert not np.array_equal(out, cents)


def test_values_lie_on_the_observed_grid():
    fives = np.arange(2000) * 37 % 1000 * 5 + 3
    out = _there_and_back(pa.array(fives), "numeric").to_numpy()
    assert set(((out - 3) % 5).tolist()) == {0}


def test_extremes_and_single_values_are_protected():
    """No value of one entity is stored: neither the largest, nor one between two frequent ones."""
    values = np.concatenate([np.repeat([10, 20, 30], 400), [25, 999_983, -777_777]])
    encoding = fit_encoding(pa.array(values), "numeric", protection=5)
    stored = {int(v) for array in encoding.arrays.values() if array.dtype == np.int64 for v in array}
    assert not {25, 999_983, -777_777} & stored
    out = decode(encoding, encode(encoding, pa.array(values)), words(stream(1, "x"), values.size)).to_numpy()
    assert not {25, 999_983, -777_777} & set(out.tolist())


def test_a_value_of_many_rows_but_one_entity_is_not_stored():
    values = np.concatenate([np.arange(400) // 4 * 10, np.full(100, 12_345)])
    groups = np.concatenate([np.arange(400), np.full(100, 400)])
    encoding = fit_encoding(pa.array(values), "numeric", protection=5, groups=groups)
    out = decode(encoding, encode(encoding, pa.array(values)), words(stream(1, "x"), values.size))
    assert 12_345 not in out.to_pylist()
    texts = pa.array([str(v) for v in values])
    named = fit_encoding(texts, "categorical", protection=3, groups=groups)
    assert "12345" not in decode(named, np.arange(named.size, dtype=np.int32), words(stream(1), named.size)).to_pylist()


@pytest.mark.parametrize("kind", ["numeric", "temporal", "categorical"])
@pytest.mark.parametrize("rows", [0, 1, 2, 3, 7, 12, 25])
def test_tiny_tables(kind, rows):
    values = {
        "numeric": pa.array([3 * i + 1 for i in range(rows)], pa.int64()),
        "temporal": pa.array([date(2024, 1, 1) + timedelta(days=i) for i in range(rows)], pa.date32()),
        "categorical": pa.array([f"v{i % 2}" for i in range(rows)], pa.string()),
    }[kind]
    encoding = fit_encoding(values, kind, protection=5)
    out = decode(encoding, encode(encoding, values), words(stream(2), rows))
    assert out.type == values.type and len(out) == rows
    if kind == "numeric":
        assert all(v > 0 for v in out.to_pylist())


@pytest.mark.parametrize("kind", ["numeric", "temporal", "categorical"])
def test_a_column_of_nulls(kind):
    kinds = {"numeric": pa.float64(), "temporal": pa.timestamp("us"), "categorical": pa.string()}
    values = pa.nulls(40, kinds[kind])
    encoding = fit_encoding(values, kind, protection=5)
    assert encoding.size == 1 and encoding.null_code == 0
    assert decode(encoding, encode(encoding, values), words(stream(2), 40)).equals(values)


def test_categories_are_ordered_by_frequency_and_the_rare_are_reported():
    values = pa.array(["b"] * 50 + ["a"] * 100 + ["c", "d"] * 3 + [None] * 4)
    encoding = fit_encoding(values, "categorical", protection=5)
    assert encode(encoding, pa.array(["a", "b", "c", "never seen", None])).tolist() == [0, 1, 2, 2, 3]
    assert encoding.rare_share == 6 / 156
    out = decode(encoding, np.full(300, encoding.rare_code, np.int32), words(stream(1), 300)).to_pylist()
    assert 0.5 < out.count("a") / 300 < 0.85 and set(out) == {"a", "b"}


def test_many_categories_share_a_code_and_come_back_by_frequency():
    values = pa.array([f"v{i:04}" for i in range(300) for _ in range(5 + i)])
    encoding = fit_encoding(values, "categorical", protection=5)
    assert encoding.size == 257
    out = decode(encoding, np.full(500, encoding.rare_code, np.int32), words(stream(1), 500)).to_pylist()
    assert set(out) <= {f"v{i:04}" for i in range(44)}


def test_values_that_the_schema_names_are_kept():
    values = pa.array(["new"] * 20 + ["lost"])
    encoding = fit_encoding(values, "categorical", protection=5, options={"domain": ["new", "paid", "lost"]})
    assert encoding.rare_code is None
    assert _there_and_back(values, "categorical", domain=["new", "paid", "lost"]).equals(values)


def test_parts_are_plain_data():
    values = pa.array([None, *(i * 0.25 for i in range(500))])
    encoding = fit_encoding(values, "numeric", protection=5)
    facts, arrays = encoding_to_parts(encoding)
    again = encoding_from_parts(json.loads(json.dumps(facts)), {name: array.copy() for name, array in arrays.items()})
    codes, raw = encode(encoding, values), words(stream(1), 501)
    assert decode(again, codes, raw).equals(decode(encoding, codes, raw))
    assert np.array_equal(encode(again, values), codes)


def test_two_fits_give_the_same_bytes():
    values = pa.array((np.arange(9000) ** 2 % 7919) / 10)
    first, second = (fit_encoding(values, "numeric", protection=6) for _ in range(2))
    assert all(first.arrays[name].tobytes() == second.arrays[name].tobytes() for name in first.arrays)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.integers(-(2**63), 2**63 - 1) | st.integers(-50, 50), min_size=1, max_size=300),
    st.integers(1, 7),
    st.integers(1, 64),
)
def test_decoding_is_monotone_and_stays_between_the_ends(values, protection, max_codes):
    """Property: in (code, word) order the values ascend; at protection 1 they span no more than the data."""
    array = np.array(values, np.int64)
    bins = fit_bins(array, None, protection=protection, max_codes=max_codes)
    raw = np.sort(np.concatenate([words(stream(4), 40), np.array([0, 2**64 - 1], np.uint64)]))
    codes = np.repeat(np.arange(bins.upper.size, dtype=np.int32), raw.size)
    out = from_bins(bins, codes, np.tile(raw, bins.upper.size))
    assert (out[1:] >= out[:-1]).all()
    if array.size >= 2 * protection:
        assert out[0] >= array.min() and out[-1] <= array.max()


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 2**64 - 1), st.integers(0, 2**64 - 1))
def test_multiply_high_against_python_integers(a, b):
    assert int(multiply_high(np.array([a], np.uint64), np.array([b], np.uint64))[0]) == a * b >> 64


def test_wrong_arguments_name_the_way_out():
    with pytest.raises(InputError, match="did you mean 'numeric'"):
        fit_encoding(pa.array([1]), "numerc", protection=5)
    with pytest.raises(InputError, match="encode it as categorical"):
        fit_encoding(pa.array(["a"]), "numeric", protection=5)
    with pytest.raises(InputError, match="encode it as categorical"):
        fit_encoding(pa.array(["a"]), "temporal", protection=5)
    with pytest.raises(InputError, match="protection=0"):
        fit_encoding(pa.array([1]), "numeric", protection=0)
    encoding = fit_encoding(pa.array([1] * 20), "numeric", protection=5)
    with pytest.raises(InputError, match="range"):
        decode(encoding, np.array([9], np.int32), np.zeros(1, np.uint64))


def _evenly(bins, rows):
    """What ``rows`` draws from the first bin give when they share it evenly."""
    step = 2**64 // rows
    return from_bins(bins, np.zeros(rows, np.int32), np.arange(rows, dtype=np.uint64) * np.uint64(step))


def test_a_handful_of_values_keeps_its_first_three_moments():
    values = np.array([100, 104, 111, 130, 150, 190, 260, 400, 650, 980], np.int64)
    drawn = _evenly(fit_bins(values, None, protection=7, max_codes=64), 10_000).astype(float)
    assert drawn.mean() == pytest.approx(values.mean(), rel=0.02)
    assert drawn.std() == pytest.approx(values.std(), rel=0.02)
    assert stats.skew(drawn) == pytest.approx(stats.skew(values), rel=0.1)


def test_no_run_of_values_stands_on_the_many_values_of_one_entity():
    spread = np.arange(0, 100_000, 1_000)
    cluster = 50_000 + np.arange(1, 61)
    values = np.concatenate([spread, cluster]).astype(np.int64)
    groups = np.concatenate([np.arange(spread.size), np.full(cluster.size, 1_000)])
    bins = fit_bins(values, groups, protection=5, max_codes=64)
    last = bins.low + (bins.cells.astype(np.int64) - 1) * int(bins.step[0])
    inside = (bins.low >= 50_000) & (last <= 50_100)
    assert not inside.any()


def test_a_few_dozen_values_keep_the_shape_of_their_tail():
    values = (1000 * stats.lognorm.ppf((np.arange(60) + 0.5) / 60, 1.0)).astype(np.int64)
    encoding = fit_encoding(pa.array(values), "numeric", protection=6)
    codes = np.sort(encode(encoding, pa.array(values)))
    inside = stratified(codes.astype(np.int64), words(stream(1, "tail"), values.size))
    assert stats.ks_2samp(values, decode(encoding, codes, inside).to_numpy()).statistic < 0.07


@pytest.mark.parametrize("decimals", [1, 6, 12])
def test_floats_keep_their_decimals_also_where_sums_left_them_a_bit_off(decimals):
    source = np.random.Generator(np.random.PCG64(8))
    whole = np.rint(source.uniform(1, 300, 2_000) * 10.0**decimals)
    off = (whole / 10.0**decimals) * (1 + 2.0**-52)
    values = pa.array(np.where(np.arange(2_000) % 9 == 0, off, whole / 10.0**decimals))
    encoding = fit_encoding(values, "numeric", protection=5)
    assert encoding.facts["decimals"] == decimals
    made = decode(encoding, encode(encoding, values), words(stream(1, "off"), 2_000)).to_numpy()
    assert np.array_equal(np.round(made, decimals), made)
    smooth = fit_encoding(pa.array(source.uniform(1, 300, 2_000)), "numeric", protection=5)
    assert "decimals" not in smooth.facts


def test_floats_that_come_again_and_again_stay_to_their_last_bit():
    knots = pa.array(np.repeat(np.arange(3, 23), 100) * 1.15078)  # as 10.357019999999999
    assert _there_and_back(knots, "numeric").equals(knots)
