"""What documents and arrays are made of: protected, mergeable, the same from the file."""

import json
import random
from typing import Any

import pyarrow as pa
import pytest

from fixturesynth.profiling import Profile, TableProfile, from_json, merge, profile_column, to_json
from fixturesynth.profiling.profile import ColumnProfile
from fixturesynth.schema.model import Column, ColumnType

JSONB = Column("doc", ColumnType("json", "jsonb"))
TAGS = Column("tags", ColumnType("array", "text[]", element=ColumnType("text", "text")))


def profiled(documents: list[Any], **options: Any) -> ColumnProfile:
    texts = [None if d is None else d if isinstance(d, str) else json.dumps(d) for d in documents]
    return profile_column(JSONB, pa.chunked_array([texts], pa.string()), protection=5, **options)


def whole(column: ColumnProfile) -> Profile:
    return Profile({"t": TableProfile("t", column.rows, {column.name: column})})


def test_few_documents_are_kept_whole() -> None:
    column = profiled([{"a": i % 3} for i in range(90)] + [None] * 10)
    assert dict(column.documents) == {f'{{"a": {i}}}': 30 for i in range(3)}
    assert column.nulls == 10


def test_documents_of_few_persons_are_not_kept() -> None:
    """Three persons have all documents with ``b``: five are asked."""
    documents = [{"a": i % 3} for i in range(90)] + [{"b": 1}] * 10
    persons = [*range(90), *(90 + i % 3 for i in range(10))]
    column = profiled(documents, groups=persons)
    assert column.documents == ()
    assert column.json_shape is not None and set(column.json_shape.keys) == {"a"}
    assert dict(profiled(documents).documents)['{"b": 1}'] == 10


def test_keys_come_with_types_and_values() -> None:
    documents = [
        {"n": i, "price": f"{i}.50" if i % 2 else i / 4, "on": i % 4 == 0} | ({"x": None} if i % 5 else {})
        for i in range(400)
    ]
    column = profiled(documents)
    shape = column.json_shape
    assert shape is not None and column.documents == ()
    assert list(shape.keys) == ["n", "price", "on", "x"]
    assert shape.keys["price"].types == {"number": 200, "string": 200}
    assert shape.keys["x"].types == {"null": 320} and shape.keys["x"].rows == 320
    assert shape.keys["on"].leaves["boolean"].values == ((False, 300), (True, 100))
    numbers = shape.keys["n"].leaves["integer"]
    assert numbers.minimum is not None and numbers.maximum is not None
    assert 0 < numbers.minimum < numbers.maximum < 399  # the ends are one row's
    assert len(shape.forms) == 4


def test_numbers_with_as_many_digits_are_told() -> None:
    shape = profiled([f'{{"p": {i / 7:.2f}}}' for i in range(100)]).json_shape
    assert shape is not None and shape.keys["p"].digits == 2


def test_objects_by_keys_of_their_own_are_maps() -> None:
    chance = random.Random(1)
    documents = [{f"user-{chance.randrange(10**6):06d}": chance.random() for _ in range(i % 4)} for i in range(300)]
    shape = profiled(documents).json_shape
    assert shape is not None and not shape.keys
    assert shape.extra is not None and {v for v, _ in shape.extra.values} == {0, 1, 2, 3}
    assert shape.names is not None and shape.names.patterns
    assert shape.others is not None and shape.others.types == {"number": shape.others.rows}
    for key in documents[3]:
        assert key not in str(shape)


def test_arrays_are_told_by_sizes_elements_and_order() -> None:
    chance = random.Random(2)
    rows = [sorted(chance.sample("abcdefghijklmnop", chance.randint(0, 4))) for _ in range(300)]
    shape = profile_column(TAGS, pa.chunked_array([rows]), protection=5).json_shape
    assert shape is not None and shape.distinct and shape.order == 1
    assert shape.sizes is not None and {v for v, _ in shape.sizes.values} == set(range(5))
    loose = profile_column(TAGS, pa.chunked_array([[["b", None, "a", "b"]] * 50]), protection=5).json_shape
    assert loose is not None and not loose.distinct and loose.order == 0
    assert loose.items is not None and loose.items.types == {"null": 50, "value": 150}


@pytest.mark.parametrize("documents", [
    [{"a": i, "b": {"c": [i, str(i)], "d": 1.5 * i}} for i in range(100)],
    [[{"a": i}] * (i % 3) for i in range(100)],
    [{"a": i % 3} for i in range(100)],
    [f'"{i}"' for i in range(50)] + ["null"] * 50,
])  # fmt: skip
def test_profiles_of_documents_are_kept_and_merged(documents: list[Any]) -> None:
    one, two = whole(profiled(documents[::2])), whole(profiled(documents[1::2]))
    both = merge(one, two)
    for profile in (one, two, both):
        assert from_json(to_json(profile)) == profile
    joined, alone = both["t"].columns["doc"], profiled(documents)
    assert joined.json_shape is not None and alone.json_shape is not None
    assert joined.json_shape.rows == alone.json_shape.rows
    assert dict(joined.json_shape.types) == dict(alone.json_shape.types)
    assert set(joined.json_shape.keys) == set(alone.json_shape.keys)
    assert sorted(joined.documents) == sorted(alone.documents)


def test_profiles_of_releases_before_open() -> None:
    """They held types by their shares, which nothing was made from."""
    document = json.loads(to_json(whole(profiled([{"a": i} for i in range(50)]))))
    column = document["tables"]["t"]["columns"]["doc"]
    column["json_shape"] = {"types": {"object": 1.0}, "keys": {"a": {"share": 1.0, "types": {"integer": 1.0}}}}
    assert from_json(json.dumps(document))["t"].columns["doc"].json_shape is None


def test_texts_that_are_no_json_are_left_out() -> None:
    shape = profiled([{"a": i} for i in range(300)] + ["{oops"] * 20).json_shape
    assert shape is not None and shape.rows == 300 and shape.types == {"object": 300}
