"""Documents and arrays that are odd: half characters, numbers beyond doubles, one date, bytes, NULL beside ``null``."""

import json
import random
from collections import Counter
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import fixturesynth as fs
from fixturesynth.dataset import Dataset
from fixturesynth.rules.contract import ColumnContext, RuleCall
from fixturesynth.rules.documents import inside
from fixturesynth.rules.registry import space_of
from fixturesynth.schema.model import Column, ColumnType, PrimaryKey, Schema, Table

JSON = ColumnType("json", "json")


def made(values: list[Any], kind: ColumnType = JSON, arrow: pa.DataType = pa.string()) -> list[Any]:  # noqa: B008
    """A thousand values of a column that has these."""
    columns = (Column("id", ColumnType("integer", "integer", bits=32), nullable=False), Column("v", kind))
    schema = Schema((Table("t", columns, primary_key=PrimaryKey(("id",))),), dialect="postgresql")
    rows = Dataset({"t": pa.table({"id": range(len(values)), "v": pa.array(values, arrow)})})
    found: list[Any] = fs.fit(rows, schema=schema, seed=1).sample(rows={"t": 1000}, seed=2).arrow("t")["v"].to_pylist()
    return found


def array_of(kind: str, name: str, **options: Any) -> ColumnType:
    return ColumnType("array", f"{name}[]", element=ColumnType(kind, name, **options))


# Documents ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("odd", [
    '{"a": "\\ud800%d"}', '{"\\udc00": %d}', '{"a": 1e400%d}', '{"a": 1e99999999999999999999%d}',
    '{"a": ' + "9" * 500 + '%d}', '{"a": ' + "9" * 5000 + '%d}', "[" * 5000 + "%d" + "]" * 5000,
])  # fmt: skip
def test_documents_that_no_text_or_number_holds_do_no_harm(odd: str) -> None:
    texts = [json.dumps({"a": i, "b": "x"}) if i % 5 else odd % i for i in range(400)]
    documents = [json.loads(text) for text in made(texts)]
    assert all(isinstance(d, dict) and set(d) <= {"a", "b"} for d in documents)
    assert any(isinstance(d.get("a"), int) for d in documents)


def test_whole_numbers_with_a_point_keep_it() -> None:
    chance = random.Random(1)
    documents = [json.loads(text) for text in made([json.dumps({"a": float(chance.randrange(900))})
                                                    for _ in range(400)])]  # fmt: skip
    assert {type(d["a"]) for d in documents} == {float}
    assert all(d["a"] == int(d["a"]) for d in documents)


def test_the_one_date_of_all_documents_is_a_date() -> None:
    documents = [json.loads(text) for text in made([json.dumps({"at": "2024-01-05", "n": i}) for i in range(300)])]
    assert {d["at"] for d in documents} == {"2024-01-05"}


def test_nothing_among_large_numbers_is_written_as_one_zero() -> None:
    chance = random.Random(2)
    texts = [json.dumps({"ids": [chance.choice([0, chance.randrange(10**18)]) for _ in range(4)]}) for _ in range(300)]
    numbers = [n for text in made(texts) for n in json.loads(text)["ids"]]
    assert 0 in numbers and max(numbers) > 10**17


def test_numbers_that_come_often_come_as_often() -> None:
    chance = random.Random(3)
    texts = [json.dumps({"n": [chance.choice([0, chance.randrange(1, 5000)]) for _ in range(4)]}) for _ in range(500)]
    real = [n for text in texts for n in json.loads(text)["n"]]
    ours = [n for text in made(texts) for n in json.loads(text)["n"]]
    assert ours.count(0) / len(ours) == pytest.approx(real.count(0) / len(real), abs=0.03)
    assert sum(ours) / len(ours) == pytest.approx(sum(real) / len(real), rel=0.05)


def test_texts_that_count_count_as_far_as_they_do() -> None:
    names = {json.loads(text)["y"] for text in made([json.dumps({"y": f"abc{i}"}) for i in range(300)])}
    assert names <= {f"abc{i}" for i in range(300)} and len(names) > 250


def test_blanks_inside_of_texts_are_not_those_of_the_document() -> None:
    texts = [json.dumps({"a": f"hello, world: {i}", "b": i}, separators=(",", ":")) for i in range(300)]
    assert all(json.dumps(json.loads(text), separators=(",", ":")) == text for text in made(texts))


def test_no_object_has_a_key_twice() -> None:
    ones = {"types": [["integer", 9]], "parts": {"integer": {"values": [1], "weights": [9]}}}
    node = {
        "types": [["object", 9]], "keys": [["a", 0, ones]], "extra": {"values": [0, 1, 2], "weights": [1, 1, 1]},
        "names": {"values": ["a", "b", "c"], "weights": [3, 2, 1]},
        "others": {"types": [["string", 9]], "parts": {"string": {"values": ["x"], "weights": [9]}}},
    }  # fmt: skip
    context = ColumnContext("t", "v", JSON, "en_US", datetime(2026, 1, 1, tzinfo=UTC))
    texts = space_of(RuleCall("document", {"node": node}), context).at(np.arange(200), {}).to_pylist()
    found = [json.loads(text, object_pairs_hook=list) for text in texts]
    assert all([key for key, _ in pairs].count("a") == 1 and ("a", 1) in pairs for pairs in found)
    assert {key for pairs in found for key, _ in pairs} == {"a", "b", "c"}


# Arrays ---------------------------------------------------------------------------------------------------------------


def test_broken_numbers_in_order_stay_in_order() -> None:
    chance = random.Random(4)
    rows = [sorted(Decimal(chance.randrange(100, 2000)) / 100 for _ in range(4)) for _ in range(300)]
    kind = array_of("decimal", "numeric", precision=8, scale=2)
    assert all(v == sorted(v) for v in made(rows, kind, pa.list_(pa.decimal128(8, 2))))
    floats = [[float(n) for n in row] for row in rows]
    assert all(v == sorted(v) for v in made(floats, array_of("float", "float8"), pa.list_(pa.float64())))


def test_no_array_has_twice_what_it_is_told_to_have() -> None:
    rule = {"rule": {"name": "choices", "options": {"values": ["x", "z"]}}}
    mixture = {"mixture": [[9, {"values": ["x", "y"], "weights": [5, 4]}], [9, rule]]}
    options = {
        "sizes": {"values": [1, 2, 3], "weights": [1, 1, 1]}, "items": {"types": [["value", 18]],
        "parts": {"value": mixture}}, "distinct": True, "members": [["x", 5], ["y", 4]],
    }  # fmt: skip
    kind = array_of("text", "text")
    context = ColumnContext("t", "v", kind, "en_US", datetime(2026, 1, 1, tzinfo=UTC))
    numbers = np.arange(300)
    told = {inside("", "array"): pa.array(numbers % 3 + 1), inside("", "member 0"): pa.array(numbers % 2 == 0),
            inside("", "member 1"): pa.array(numbers % 5 == 0)}  # fmt: skip
    arrays = space_of(RuleCall("elements", options), context).at(numbers, told).to_pylist()
    assert all(len(v) == len(set(v)) for v in arrays) and {"x", "y", "z"} <= {e for v in arrays for e in v}


def test_arrays_hold_bytes() -> None:
    chance = random.Random(5)
    rows = [[chance.choice([None, chance.randbytes(3)]) for _ in range(3)] for _ in range(300)]
    ours = made(rows, array_of("bytes", "bytea"), pa.list_(pa.binary()))
    assert {type(v) for row in ours for v in row} == {bytes, type(None)}


def test_texts_that_come_often_come_as_often_and_one_that_reads_null_is_one() -> None:
    chance = random.Random(6)
    rows = [[chance.choice(["null", "a", None, str(i)]) for _ in range(3)] for i in range(300)]
    ours = Counter(v for row in made(rows, array_of("text", "text"), pa.list_(pa.string())) for v in row)
    real = Counter(v for row in rows for v in row)
    assert all(ours[v] / 3000 == pytest.approx(real[v] / 900, abs=0.05) for v in ("null", "a", None))


def test_arrays_of_one_size_are_read(tmp_path: Path) -> None:
    kind = pa.list_(pa.int32(), 2)
    rows = pa.table({"id": range(200), "v": pa.array([[i, i + 1] if i % 3 else None for i in range(200)], kind)})
    pq.write_table(rows, tmp_path / "t.parquet")
    ours = fs.fit(str(tmp_path), seed=1).sample(seed=2).arrow("t")["v"].to_pylist()
    assert {None if v is None else len(v) for v in ours} == {None, 2}
