"""Every type that a server has, as a required column, and where the server allows it as a key that others reference."""

from pathlib import Path

import pytest
import sqlalchemy as sa
from catalogue_audit import put_script
from test_seeding import audit, seeded

POSTGRESQL = """
CREATE EXTENSION hstore; CREATE EXTENSION citext; CREATE EXTENSION ltree; CREATE EXTENSION cube; CREATE EXTENSION isn;
CREATE EXTENSION seg;
CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy');
CREATE DOMAIN whole AS int CHECK (VALUE > 0);
CREATE DOMAIN price AS numeric(8,2) CHECK (VALUE >= 0);
CREATE DOMAIN fair AS price NOT NULL CHECK (VALUE < 1000);
CREATE DOMAIN word AS varchar(12) CHECK (VALUE ~ '^[a-z]+$');
"""
POSTGRESQL_KEYS = (
    "uuid", "bytea", "inet", "cidr", "macaddr", "macaddr8", "int4range", "int8range", "numrange", "daterange",
    "tsrange", "tstzrange", "int4multirange", "nummultirange", "datemultirange", "tstzmultirange", "int[]", "text[]",
    "whole[]", "uuid[]", "timestamptz[]", "jsonb[]", "int4range[]", "jsonb", "interval",
    "timestamptz", "timetz", "time", "timestamp(3)", "numeric", "numeric(10,3)", "numeric(6,-2)", "money", "bit(16)",
    "varbit(12)", "tsvector", "tsquery", "fair", "word", "citext", "ltree", "oid", "regclass", "regtype", "name",
    "char(5)", "varchar(3)", "smallint", "real", "double precision", "date", "pg_lsn", "cube", "isbn13",
    "interval year to month",
)  # fmt: skip
POSTGRESQL_ONLY_COLUMNS = (
    "json", "xml", "hstore", "point", "line", "lseg", "box", "path", "polygon", "circle", "lquery", "jsonpath",
    "regproc", '"char"', "mood", "mood[]", "numeric(6,2)[]", "bit", "varbit", "boolean", "boolean[]", "int[][]",
    "numeric(2,5)", "interval day to second", "smallserial", "pg_snapshot", "txid_snapshot", "seg", "isbn", "issn",
    "issn13", "ismn", "ismn13", "ean13", "upc",
)  # fmt: skip
MYSQL_KEYS = (
    "smallint unsigned", "mediumint unsigned", "int unsigned", "bigint unsigned", "bit(16)", "time", "date",
    "datetime(6)", "timestamp", "char(3)", "varchar(5)", "varchar(40) CHARACTER SET latin1", "binary(4)", "binary(16)",
    "varbinary(8)", "inet4", "inet6", "uuid", "decimal(20,6)", "decimal(5,2) unsigned", "int(5) zerofill", "double",
)  # fmt: skip
MYSQL_ONLY_COLUMNS = (
    "enum('a', 'b', 'c')", "enum('', 'x')", "set('x', 'y', 'z')", "tinyint unsigned", "tinyint(1)", "year", "bit(1)",
    "bit(64)", "time(3)", "json", "point", "geometry", "linestring", "polygon", "multipoint", "float", "tinytext",
    "mediumtext", "blob", "tinyblob", "boolean",
)  # fmt: skip
SQLITE_KEYS = (
    "INT", "BIGINT", "REAL", "TEXT", "BLOB", "NUMERIC", "VARCHAR(20)", "NCHAR(5)", "DATE", "DATETIME", "DECIMAL(10,2)",
    "UUID", "",
)  # fmt: skip
SQLITE_ONLY_COLUMNS = ("BOOLEAN", "JSON", "TIME", "FLOATING POINT", "TINYINT")


def tables(keys: tuple[str, ...], columns: tuple[str, ...], *, tail: str = "") -> str:
    """One table with a column of every type; for each key type a table keyed by it and one that references it."""
    listed = ", ".join(f"c{i} {kind} NOT NULL" for i, kind in enumerate((*keys, *columns)))
    lines = [f"CREATE TABLE everything (id int PRIMARY KEY, {listed}){tail};"]
    for i, kind in enumerate(keys):
        lines.append(f"CREATE TABLE k{i} (c {kind} NOT NULL, d {kind} UNIQUE, PRIMARY KEY (c)){tail};")
        lines.append(
            f"CREATE TABLE r{i} (id int PRIMARY KEY, c {kind} NOT NULL, d {kind}, "
            f"FOREIGN KEY (c) REFERENCES k{i} (c), FOREIGN KEY (d) REFERENCES k{i} (d)){tail};"
        )
    return "\n".join(lines)


@pytest.mark.parametrize(
    ("dialect", "script"),
    [
        ("postgresql", POSTGRESQL + tables(POSTGRESQL_KEYS, POSTGRESQL_ONLY_COLUMNS)),
        ("mysql", tables(MYSQL_KEYS, MYSQL_ONLY_COLUMNS)),
        ("sqlite", tables(SQLITE_KEYS, SQLITE_ONLY_COLUMNS)),
        ("sqlite", tables(("INT", "INTEGER", "REAL", "TEXT", "BLOB"), ("ANY",), tail=" STRICT, WITHOUT ROWID")),
    ],
    ids=["postgresql", "mysql", "sqlite", "sqlite strict"],
)
def test_every_type_is_filled_and_referenced(
    dialect: str, script: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    url: str = request.getfixturevalue(f"{dialect}_database")
    path = tmp_path / "schema.sql"
    path.write_text(script)
    put_script(url, path)
    synthesizer = seeded(url, 40)
    audit(url, synthesizer)
    assert {t.rows for t in synthesizer.plan.tables} == {40}


POSTGIS = """
CREATE EXTENSION postgis;
CREATE TABLE places (
    id int PRIMARY KEY, any_shape geometry NOT NULL, spot geometry(Point, 4326) NOT NULL UNIQUE,
    there geography(Point, 4326) NOT NULL, area geometry(Polygon, 3857) NOT NULL, way geometry(LineString) NOT NULL,
    areas geometry(MultiPolygon, 4326) NOT NULL, high geometry(PointZ, 4326) NOT NULL
);
"""


def test_shapes_of_postgis_have_their_reference_system(postgresql_database: str, tmp_path: Path) -> None:
    engine = sa.create_engine(postgresql_database, poolclass=sa.NullPool)
    with engine.connect() as connection:
        query = "SELECT count(*) FROM pg_available_extensions WHERE name = 'postgis'"
        if not connection.exec_driver_sql(query).scalar():
            pytest.skip("the server has no extension postgis")
    path = tmp_path / "schema.sql"
    path.write_text(POSTGIS)
    put_script(postgresql_database, path)
    audit(postgresql_database, seeded(postgresql_database, 40))
    with engine.connect() as connection:
        found = connection.exec_driver_sql(
            "SELECT DISTINCT st_srid(spot), st_geometrytype(spot), st_srid(area), st_ndims(high) FROM places"
        ).all()
    assert found == [(4326, "ST_Point", 3857, 3)]
