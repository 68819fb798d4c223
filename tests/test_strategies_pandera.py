"""Schemas of pandera as sources: what is drawn is what pandera accepts."""

import pandera.pandas as pa
import pytest
from hypothesis import given, settings

from fixturesynth.errors import ConstraintError
from fixturesynth.strategies import Frames, from_schema

PEOPLE = pa.DataFrameSchema(
    {
        "id": pa.Column(int, unique=True),
        "age": pa.Column(int, [pa.Check.ge(0), pa.Check.lt(150)]),
        "name": pa.Column(str, pa.Check.str_length(1, 10)),
        "group": pa.Column(str, pa.Check.isin(["a", "b"])),
        "code": pa.Column(str, pa.Check.str_matches(r"[A-Z]{2}\d{2}$")),
        "share": pa.Column(float, pa.Check.in_range(0, 1)),
    },
    unique=["age", "name"],
    name="people",
)


class Model(pa.DataFrameModel):
    number: int = pa.Field(gt=3)


@settings(max_examples=60, deadline=None, database=None, derandomize=True)
@given(from_schema(PEOPLE, tables_as="frames", min_rows=1), from_schema(Model, tables_as="frames", min_rows=1))
def test_pandera_accepts_what_is_drawn(people: Frames, models: Frames) -> None:
    PEOPLE.validate(people["people"])
    Model.validate(models["Model"])


def test_a_check_that_is_not_understood_is_named() -> None:
    odd = pa.DataFrameSchema({"x": pa.Column(int, pa.Check(lambda s: s > 0, name="odd"))})
    with pytest.raises(ConstraintError, match=r"rows\.x: pandera's check 'odd' is not understood"):
        from_schema(odd)
