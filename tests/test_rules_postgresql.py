"""Values of every rule are what PostgreSQL reads as the type they are for."""

from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
import sqlalchemy as sa

from fixturesynth.rules.choice import rule_for_column
from fixturesynth.rules.contract import ColumnContext, RuleRequest
from fixturesynth.rules.sampling import sample_rule
from fixturesynth.schema.model import Column, ColumnType, Kind

NOW = datetime(2026, 1, 1, tzinfo=UTC)
TYPES: list[tuple[Kind, str, dict[str, Any]]] = [
    ("bit", "bit(12)", {"length": 12}),
    ("bit", "bit varying(5)", {"length": 5}),
    ("boolean", "boolean", {}),
    ("cidr", "cidr", {}),
    ("date", "date", {}),
    ("decimal", "numeric(4,3)", {"precision": 4, "scale": 3}),
    ("decimal", "numeric", {}),
    ("float", "real", {}),
    ("geometry", "point", {"flat": True}),
    ("inet", "inet", {}),
    ("integer", "smallint", {"bits": 16}),
    ("json", "json", {}),
    ("json", "jsonb", {}),
    ("macaddr", "macaddr", {}),
    ("money", "money", {}),
    ("range", "int4range", {}),
    ("range", "int8range", {}),
    ("range", "numrange", {}),
    ("range", "tsrange", {}),
    ("range", "tstzrange", {}),
    ("range", "daterange", {}),
    ("range", "datemultirange", {}),
    ("text", "char(1)", {"length": 1, "fixed": True}),
    ("time", "time", {}),
    ("timestamp", "timestamp with time zone", {"timezone": True}),
    ("tsvector", "tsvector", {}),
    ("uuid", "uuid", {}),
    ("xml", "xml", {}),
]
EXTENSIONS = {"hstore": "hstore", "ltree": "ltree"}


def values_of(kind: Kind, name: str, facts: dict[str, Any], unique: bool) -> list[Any]:
    column = Column("value", ColumnType(kind, name, **facts))
    call = rule_for_column("things", column, None, None, locale="en_US", unique=unique)
    assert call is not None
    context = ColumnContext("things", "value", column.type, "en_US", NOW)
    return sample_rule(call, RuleRequest(7, context, np.arange(2 if kind == "boolean" else 20), 0, {})).to_pylist()


@pytest.mark.parametrize("unique", [False, True])
@pytest.mark.parametrize(("kind", "name", "facts"), TYPES, ids=[name for _, name, _ in TYPES])
def test_postgresql_reads_every_type(
    postgresql_url: str, kind: Kind, name: str, facts: dict[str, Any], unique: bool
) -> None:
    values = values_of(kind, name, facts, unique)
    engine = sa.create_engine(postgresql_url, poolclass=sa.NullPool)
    with engine.connect() as connection:
        version = connection.execute(sa.text("SELECT current_setting('server_version_num')::int")).scalar_one()
        if "multirange" in name and version < 140000:
            pytest.skip("multiranges came with PostgreSQL 14")
        for value in values:
            read = connection.execute(sa.text(f"SELECT (CAST(CAST(:v AS text) AS {name}))::text"), {"v": str(value)})
            assert read.scalar_one()
    assert len(values) == 20 or kind == "boolean"


@pytest.mark.parametrize("name", sorted(EXTENSIONS))
def test_postgresql_reads_types_of_extensions(postgresql_url: str, name: Kind) -> None:
    engine = sa.create_engine(postgresql_url, poolclass=sa.NullPool)
    with engine.connect() as connection:
        known = connection.execute(
            sa.text("SELECT count(*) FROM pg_available_extensions WHERE name = :n"), {"n": name}
        ).scalar_one()
        if not known:
            pytest.skip(f"this server has no extension {name}")
        transaction = connection.begin_nested() if connection.in_transaction() else connection.begin()
        connection.execute(sa.text(f"CREATE EXTENSION IF NOT EXISTS {name}"))
        for value in values_of(name, name, {}, True):
            assert connection.execute(sa.text(f"SELECT CAST(:v AS {name})::text"), {"v": value}).scalar_one()
        transaction.rollback()
