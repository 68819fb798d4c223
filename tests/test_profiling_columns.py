"""Kinds, statistics and protection of single columns."""

import json
import uuid
from collections import Counter

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fixturesynth.profiling import ColumnProfile, Profile, TableProfile, from_json, profile_column, to_json
from fixturesynth.profiling.protection import protection_of
from fixturesynth.randomness import below, stream, words
from fixturesynth.schema.model import Column, ColumnType, Kind

KINDS: dict[str, Kind] = {"int64": "integer", "double": "float", "string": "text", "bool": "boolean"}


def profiled(values: pa.Array, name: str = "c", **options: object) -> ColumnProfile:
    kind = KINDS.get(str(values.type), "text")
    column = Column(name, ColumnType(kind, kind))
    return profile_column(column, pa.chunked_array([values]), protection=5, **options)  # type: ignore[arg-type]


def draws(size: int, limit: int, *address: str) -> list[int]:
    return below(words(stream(1, "test", *address), size), limit).tolist()


def as_json(column: ColumnProfile) -> str:
    return to_json(Profile({"t": TableProfile("t", column.rows, {column.name: column})}))


UUIDS = [str(uuid.UUID(int=i * 7919 << 64 | i)) for i in range(50)]

CASES = {
    "empty": (pa.array([None, None], pa.string()), "empty"),
    "no rows": (pa.array([], pa.int64()), "empty"),
    "constant number": (pa.array([2013] * 20), "constant"),
    "constant text": (pa.array(["x"] * 20 + [None]), "constant"),
    "a lone value is no constant": (pa.array(["secret"]), "text"),
    "boolean": (pa.array([True, False, None]), "boolean"),
    "zeros and ones": (pa.array([0, 1, 0, 0, 1, None]), "boolean"),
    "thirty integers stay ordered": (pa.array(draws(500, 30)), "integer"),
    "money has a fixed step": (pa.array([v / 100 for v in draws(500, 100_000)]), "integer"),
    "measured": (pa.array([v / 7 for v in draws(500, 100_000)]), "number"),
    "serial": (pa.array(range(1, 101)), "identifier"),
    "unique but no key": (pa.array([v * v for v in range(100)]), "integer"),
    "words that come again": (pa.array(["red", "green", "blue"] * 50), "categorical"),
    "codes with leading zeros": (pa.array([f"{i:05d}" for i in range(300)]), "code"),
    "tail numbers": (pa.array([f"N{i}{'AB'[i % 2]}" for i in range(10_000, 10_300)]), "code"),
    "phones": (pa.array([f"({i}) 555-{i * 7 % 9000 + 1000}" for i in range(200, 500)]), "code"),
    "names": (pa.array([f"{'abcdefghij'[i % 10] * (i % 7 + 1)}x{'klmnopqrst'[i // 10]} y".title() for i in range(100)]),
              "text"),
    "uuids": (pa.array(UUIDS), "identifier"),
    "hashes": (pa.array([u.replace("-", "") for u in UUIDS]), "identifier"),
    "dates in text": (pa.array([f"2020-01-{d:02d}" for d in range(1, 31)]), "datetime"),
    "json in text": (pa.array([json.dumps({"a": i, "b": None}) for i in range(20)]), "json"),
    "bytes": (pa.array([b"ab", b"c"]), "binary"),
    "lists": (pa.array([["a", "b"], ["a"], []] * 5), "array"),
    "typed dates": (pa.array([0, 1, 2], pa.date32()), "datetime"),
    "unsigned": (pa.array([1, 7] * 9, pa.uint64()), "integer"),
    "lists of bytes": (pa.array([[b"\xff"], []] * 9), "array"),
    "structs": (pa.array([{"a": 1}] * 9), "json"),
    "text views": (pa.array(["a", "b"] * 30, pa.string_view()), "categorical"),
    "decimals": (pa.array([1, 2, 3] * 20, pa.int64()).cast(pa.decimal128(21, 2)), "integer"),
    "dictionary": (pa.array(["a", "b"] * 30).dictionary_encode(), "categorical"),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_kind(case: str) -> None:
    values, kind = CASES[case]
    name = "row_id" if case == "serial" else "c"
    assert profiled(values, name).kind == kind


@pytest.mark.parametrize("case", CASES)
def test_every_kind_survives_json(case: str) -> None:
    column = profiled(CASES[case][0])
    text = as_json(column)
    assert from_json(text)["t"].columns["c"] == column
    assert to_json(from_json(text)) == text


def test_numbers() -> None:
    values = pa.array([0] * 40 + [v * 10 for v in range(1, 61)])
    column = profiled(values)
    assert (column.distinct, column.step, column.decimals, column.nulls) == (61, 10.0, 0, 0)
    assert column.spikes == ((0, 40),)
    assert column.minimum == 0
    assert column.maximum == 560, "the fifth largest"
    assert len(column.quantiles) == 65
    assert list(column.quantiles) == sorted(column.quantiles)
    assert column.rare == 60


@settings(max_examples=40)
@given(st.lists(st.floats(-1e9, 1e9).map(lambda v: round(v, 2)), min_size=200, max_size=400))
def test_quantiles_are_near_those_of_numpy(values: list[float]) -> None:
    column = profiled(pa.array(values))
    ranks = np.searchsorted(np.sort(values), column.quantiles, "left") / len(values)
    upper = np.searchsorted(np.sort(values), column.quantiles, "right") / len(values)
    wanted = np.linspace(0, 1, 65)
    slack = 6 / len(values)
    assert ((ranks - slack <= wanted) & (wanted <= upper + slack)).all()


def test_integers_beyond_doubles_stay_exact() -> None:
    column = profiled(pa.array([2**62 + i for i in range(100)]), "c")
    assert column.minimum == 2**62 + 4
    assert column.sequence == (2**62, 1)


def test_infinities_and_nan_do_no_harm() -> None:
    column = profiled(pa.array([1.5, 2.5, float("nan"), float("inf")] * 10))
    assert column.maximum == 2.5
    assert from_json(as_json(column))["t"].columns["c"] == column


def test_patterns_keep_what_never_varies() -> None:
    column = profiled(pa.array([f"Clerk#{i:09d}" for i in range(1, 1001)]))
    assert column.patterns == (("Clerk#000009999", 1000),)


def test_patterns_mark_literals_that_look_like_classes() -> None:
    column = profiled(pa.array([f"A9-{i}" for i in range(100, 200)]))
    assert column.patterns == (("\\A\\9-199", 100),)


def secrets(values: list[str], groups: list[int] | None, protection: int) -> set[str]:
    """Values that fewer rows (of different groups) have: counted plainly."""
    pairs = {(v, g) for v, g in zip(values, groups or range(len(values)), strict=True)}
    return {v for v, n in Counter(v for v, _ in pairs).items() if n < protection}


@settings(max_examples=40)
@given(
    st.lists(
        st.tuples(
            st.one_of(
                st.sampled_from(["Quay", "Zürich", "Xylo Quix", "K77-Q", "ПОЛЕ", "JJ"]),
                st.text("QXZKWqxzkw -7", min_size=4, max_size=12),
            ),
            st.integers(0, 8),
        ),
        min_size=1,
        max_size=80,
    ),
    st.booleans(),
)
def test_no_text_of_few_is_stored(rows: list[tuple[str, int]], grouped: bool) -> None:
    values, groups = [v for v, _ in rows], [g for _, g in rows]
    column = profiled(pa.array(values), groups=groups if grouped else None)
    stored = {v for v, _ in column.values} | {v for v, _ in column.spikes}
    assert not stored & secrets(values, groups if grouped else None, 5)
    tokens = [(w, i) for i, v in enumerate(values) for w in {t.strip(".,;:!?()[]{}\"'") for t in v.split()}]
    for word, _ in column.words:
        owners = {groups[i] if grouped else i for w, i in tokens if w == word}
        assert len(owners) >= 5


def test_no_value_of_few_rows_is_anywhere_in_the_json() -> None:
    common = ["alpha", "beta"] * 50
    rare = ["Zebedee Quartz", "zq@rare.example", "QQ-99817"] * 4
    mixed = pa.array(common + rare)
    for groups in (None, list(range(100)) + [0, 1, 2] * 4):
        text = as_json(profiled(mixed, groups=groups))
        assert not any(secret in text for secret in ("Zebedee", "Quartz", "zq@rare", "QQ-99817", "99817"))
        assert '"alpha"' in text


def test_a_group_alone_is_not_enough() -> None:
    values = pa.array(["whale"] * 50 + ["fish"] * 50)
    column = profiled(values, groups=[1] * 50 + list(range(2, 52)))
    assert dict(column.values) == {"fish": 50}
    assert column.rare == 50


def test_numbers_are_clipped_by_groups() -> None:
    values = pa.array([10_000] * 20 + list(range(100)))
    column = profiled(values, groups=[0] * 20 + list(range(1, 101)))
    assert column.maximum == 96
    assert column.spikes == ()


def test_vocabularies_of_the_schema_are_no_secret() -> None:
    values = pa.array(["on"] * 20 + ["off"])
    assert dict(profiled(values, closed={"on", "off"}).values) == {"on": 20, "off": 1}
    enum = Column("c", ColumnType("enum", "mood", values=("on", "off")))
    assert dict(profile_column(enum, pa.chunked_array([values]), protection=5).values) == {"on": 20, "off": 1}


def test_json_keys_are_protected() -> None:
    texts = [json.dumps({"id": i, "tags": ["a", "b"]}) for i in range(20)] + [
        json.dumps({"id": 1, "whistleblower": True})
    ]
    shape = profiled(pa.array(texts)).json_shape
    assert shape is not None
    assert set(shape.keys) == {"id", "tags"}
    assert shape.keys["id"].types == {"integer": 21}
    items = shape.keys["tags"].items
    assert items is not None
    assert items.types == {"string": 40}
    assert "whistleblower" not in str(shape)


def test_the_protection_varies_by_the_seed() -> None:
    assert {protection_of(seed, 5) for seed in range(50)} == {5, 6, 7}
    assert protection_of(3, 1) == 1


@settings(max_examples=40)
@given(st.lists(st.one_of(st.none(), st.text(max_size=30)), max_size=60))
def test_any_text_is_profiled(values: list[str | None]) -> None:
    column = profiled(pa.array(values, pa.string()))
    assert column.rows == len(values)
    assert column.nulls == values.count(None)
    assert column.distinct == len({v for v in values if v is not None})
    assert from_json(as_json(column))["t"].columns["c"] == column


@settings(max_examples=40)
@given(st.lists(st.one_of(st.none(), st.integers(-(2**63), 2**63 - 1)), max_size=60))
def test_any_integer_is_profiled(values: list[int | None]) -> None:
    column = profiled(pa.array(values, pa.int64()))
    assert column.distinct == len({v for v in values if v is not None})
    assert from_json(as_json(column))["t"].columns["c"] == column


@settings(max_examples=40)
@given(st.lists(st.one_of(st.none(), st.floats()), max_size=60))
def test_any_float_is_profiled(values: list[float | None]) -> None:
    column = profiled(pa.array(values, pa.float64()))
    assert from_json(as_json(column))["t"].columns["c"] == column
