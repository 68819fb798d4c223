"""The rows of schema/types.py: what each dialect's type text means."""

import pytest

from fixturesynth.schema.types import parse_type

MEANINGS = [
    ("postgresql", "integer", "integer", {"bits": 32}),
    ("postgresql", "bigint", "integer", {"bits": 64}),
    ("postgresql", "numeric(10,2)", "decimal", {"precision": 10, "scale": 2}),
    ("postgresql", "numeric(10)", "decimal", {"precision": 10, "scale": 0}),
    ("postgresql", "numeric", "decimal", {"precision": None, "scale": None}),
    ("postgresql", "character varying(40)", "text", {"length": 40, "fixed": False}),
    ("postgresql", "character(3)", "text", {"length": 3, "fixed": True}),
    ("postgresql", "timestamp(3) without time zone", "timestamp", {"precision": 3, "timezone": False}),
    ("postgresql", "timestamp with time zone", "timestamp", {"timezone": True}),
    ("postgresql", "time with time zone", "time", {"timezone": True}),
    ("postgresql", "interval year to month", "text", {}),
    ("postgresql", "double precision", "float", {"bits": 64}),
    ("postgresql", "bit(8)", "bit", {"length": 8, "fixed": True}),
    ("postgresql", "bit varying(5)", "bit", {"length": 5, "fixed": False}),
    ("postgresql", "public.citext", "text", {}),
    ("postgresql", "public.hstore", "hstore", {}),
    ("postgresql", "inet", "inet", {}),
    ("postgresql", "money", "money", {}),
    ("postgresql", "geometry(Point,4326)", "geometry", {}),
    ("postgresql", '"My Type"', "other", {}),
    ("mysql", "tinyint(1)", "boolean", {}),
    ("mysql", "tinyint(3) unsigned", "integer", {"bits": 8, "unsigned": True}),
    ("mysql", "bigint(20) unsigned zerofill", "integer", {"bits": 64, "unsigned": True}),
    ("mysql", "mediumint(9)", "integer", {"bits": 24}),
    ("mysql", "varchar(20) character set utf8mb4 collate utf8mb4_bin", "text", {"length": 20}),
    ("mysql", "set('a','b,c','d''e')", "set", {"values": ("a", "b,c", "d'e")}),
    ("mysql", "enum('x','')", "enum", {"values": ("x", "")}),
    ("mysql", "year(4)", "year", {}),
    ("mysql", "bit(1)", "bit", {"length": 1}),
    ("mysql", "longtext", "text", {"length": 2**32 - 1}),
    ("mysql", "varbinary(1536)", "bytes", {"length": 1536}),
    ("mysql", "decimal", "decimal", {"precision": 10, "scale": 0}),
    ("mysql", "double(8,3)", "float", {"precision": 8, "scale": 3}),
    ("mysql", "point", "geometry", {}),
    ("sqlite", "NVARCHAR(160)", "text", {"length": 160}),
    ("sqlite", "DATETIME", "timestamp", {}),
    ("sqlite", "NUMERIC(10,2)", "decimal", {"precision": 10, "scale": 2}),
    ("sqlite", "BOOLEAN", "boolean", {}),
    ("sqlite", "INT", "integer", {"bits": 64}),
    ("sqlite", "UNSIGNED BIG INT", "integer", {"bits": 64}),
    ("sqlite", "BLOB SUB_TYPE TEXT", "text", {}),
    ("sqlite", "FLOATING POINT", "integer", {}),  # SQLite's own example: POINT holds INT
    ("sqlite", "", "text", {}),
    ("sqlite", "SOMETHING", "decimal", {}),
    ("duckdb", "DECIMAL(18,3)", "decimal", {"precision": 18, "scale": 3}),
    ("duckdb", "UBIGINT", "integer", {"bits": 64, "unsigned": True}),
    ("duckdb", "ENUM('a', 'b''c')", "enum", {"values": ("a", "b'c")}),
    ("duckdb", "TIMESTAMP WITH TIME ZONE", "timestamp", {"timezone": True}),
    ("duckdb", "STRUCT(a INTEGER)", "other", {}),
]


@pytest.mark.parametrize(("dialect", "text", "kind", "fields"), MEANINGS)
def test_a_type_text_means(dialect: str, text: str, kind: str, fields: dict[str, object]) -> None:
    found = parse_type(text, dialect)
    assert found.kind == kind
    assert {name: getattr(found, name) for name in fields} == fields
    assert found.name == text


@pytest.mark.parametrize("text", ["varchar(20)[]", "varchar(20)[][]", "varchar(20)[3]", "varchar(20) ARRAY"])
def test_an_array_knows_its_element(text: str) -> None:
    found = parse_type(text, "postgresql")
    assert (found.kind, found.element and found.element.kind, found.element and found.element.length) == (
        "array",
        "text",
        20,
    )


def test_a_range_knows_what_it_ranges_over() -> None:
    found = parse_type("tstzrange", "postgresql")
    assert found.kind == "range"
    assert found.element == parse_type("timestamp with time zone", "postgresql")
