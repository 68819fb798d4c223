"""``reflect``: a ``Schema`` from whatever holds one."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from fixturesynth.errors import SourceError, did_you_mean
from fixturesynth.schema.catalogue_duckdb import read_duckdb
from fixturesynth.schema.catalogue_mysql import read_mysql
from fixturesynth.schema.catalogue_postgresql import read_postgresql
from fixturesynth.schema.catalogue_sqlite import read_sqlite
from fixturesynth.schema.connection import make_engine, one_line
from fixturesynth.schema.model import Schema

__all__ = ["reflect"]

Reader = Callable[[Connection, Sequence[str] | None], Schema]
CATALOGUES: Mapping[str, Reader] = {
    "postgresql": read_postgresql,
    "mysql": read_mysql,
    "mariadb": read_mysql,
    "sqlite": read_sqlite,
    "duckdb": read_duckdb,
}


def reflect(
    source: Any,
    *,
    schemas: Sequence[str] | None = None,
    tables: Sequence[str] | None = None,
    dialect: str | None = None,
) -> Schema:
    """The tables, columns, types, keys and constraints that ``source`` declares.

    Args:
        source: a database URL, an SQLAlchemy Engine or Connection, the path of a ``.sql`` script or of an SQLite or
            DuckDB file, SQLAlchemy MetaData, a declarative base, a SQLModel class, or ``"package.module:Base"``.
        schemas: database schemas to read; by default the default one (PostgreSQL: all that hold tables).
        tables: names of the tables to keep; by default all.
        dialect: of a ``.sql`` script: ``postgresql``, ``mysql``, ``sqlite`` or ``duckdb``; by default guessed.

    Raises:
        SourceError: the source cannot be read.
        MissingDriverError: the package for this database is not installed.
    """
    schema = read(source, schemas, dialect)
    return keep_tables(schema, tables) if tables is not None else schema


def read(source: Any, schemas: Sequence[str] | None, dialect: str | None) -> Schema:
    if isinstance(source, Connection):
        return from_connection(source, schemas)
    if isinstance(source, Engine):
        return from_engine(source, schemas)
    engine = make_engine(source, must_exist=True)
    try:
        return from_engine(engine, schemas)
    finally:
        engine.dispose()


def from_engine(engine: Engine, schemas: Sequence[str] | None) -> Schema:
    with engine.connect() as connection:
        return from_connection(connection, schemas)


def from_connection(connection: Connection, schemas: Sequence[str] | None) -> Schema:
    name = connection.dialect.name
    reader = CATALOGUES[name]
    try:
        return reader(connection, schemas)
    except sa.exc.SQLAlchemyError as error:
        shown = connection.engine.url.render_as_string(hide_password=True)
        raise SourceError(f"cannot read the catalogue of {shown}: {one_line(error)}") from error


def keep_tables(schema: Schema, tables: Sequence[str]) -> Schema:
    """Only ``tables``; a foreign key to a table that is left out is listed in ``not_understood``."""
    for name in tables:
        if name not in schema:
            raise SourceError(f"no table {name!r} in the source; {did_you_mean(name, schema.names)}")
    wanted = set(tables)
    kept = []
    for table in schema:
        if table.name not in wanted:
            continue
        gone = tuple(
            f"foreign key {fk.name} references {fk.parent}, which was not asked for"
            for fk in table.foreign_keys
            if fk.parent not in wanted
        )
        inside = tuple(fk for fk in table.foreign_keys if fk.parent in wanted)
        kept.append(replace(table, foreign_keys=inside, not_understood=table.not_understood + gone))
    return replace(schema, tables=tuple(kept))
