"""``reflect``: a ``Schema`` from whatever holds one."""

import importlib
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import URL, Connection, Engine

from fixturesynth.errors import SourceError, did_you_mean
from fixturesynth.schema.catalogue_duckdb import read_duckdb
from fixturesynth.schema.catalogue_mysql import read_mysql
from fixturesynth.schema.catalogue_postgresql import read_postgresql
from fixturesynth.schema.catalogue_sqlite import read_sqlite
from fixturesynth.schema.connection import make_engine, one_line
from fixturesynth.schema.ledgers import OWN
from fixturesynth.schema.model import Schema
from fixturesynth.schema.sqlfile import read_sql_file

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
    if isinstance(source, str) and is_python_name(source):
        source = imported(source)
    metadata = source if isinstance(source, sa.MetaData) else getattr(source, "metadata", None)
    if isinstance(metadata, sa.MetaData):
        from fixturesynth.schema.inheritance import with_inheritance
        from fixturesynth.schema.metadata import read_metadata  # loads SQLAlchemy's dialects, asynchronous ones too

        return with_inheritance(read_metadata(metadata, dialect), source)
    if isinstance(source, Connection):
        return from_connection(source, schemas)
    if isinstance(source, Engine):
        return from_engine(source, schemas)
    if not isinstance(source, (str, Path, URL)):
        expected = (
            "a database URL, Engine, MetaData, declarative base, 'package.module:Base' or the path of a .sql file"
        )
        raise SourceError(f"cannot reflect {type(source).__name__}: expected {expected}")
    if not isinstance(source, URL) and "://" not in str(source) and str(source).lower().endswith(".sql"):
        return read_sql_file(Path(source), dialect)
    engine = make_engine(source, must_exist=True)
    try:
        return from_engine(engine, schemas)
    finally:
        engine.dispose()


PYTHON_NAME = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*:[^\W\d]\w*(\.[^\W\d]\w*)*")


def is_python_name(text: str) -> bool:
    """Whether ``text`` reads like ``package.module:Base``."""
    return PYTHON_NAME.fullmatch(text) is not None and not Path(text).exists()


def imported(text: str) -> Any:
    """The object that ``package.module:Base`` names; modules in the working directory are found too."""
    module_name, _, path = text.partition(":")
    sys.path.insert(0, str(Path.cwd()))
    try:
        found: Any = importlib.import_module(module_name)
    except Exception as error:  # whatever a module of the user's raises while it is imported
        raise SourceError(
            f"cannot import {module_name!r} for {text!r}: {type(error).__name__}: {one_line(error)}"
        ) from error
    finally:
        sys.path.remove(str(Path.cwd()))
    for name in path.split("."):
        if not hasattr(found, name):
            known = (n for n in vars(found) if not n.startswith("_"))
            raise SourceError(f"no {name!r} in {module_name!r} for {text!r}; {did_you_mean(name, known)}")
        found = getattr(found, name)
    if not isinstance(found if isinstance(found, sa.MetaData) else getattr(found, "metadata", None), sa.MetaData):
        raise SourceError(
            f"{text!r} is {type(found).__name__}; expected MetaData, a declarative base or a SQLModel class"
        )
    return found


def from_engine(engine: Engine, schemas: Sequence[str] | None) -> Schema:
    with engine.connect() as connection:
        return from_connection(connection, schemas)


def from_connection(connection: Connection, schemas: Sequence[str] | None) -> Schema:
    name = connection.dialect.name
    if name not in CATALOGUES:
        raise SourceError(f"cannot reflect {name} databases; there are: {', '.join(CATALOGUES)}")
    reader = CATALOGUES[name]
    try:
        found = reader(connection, schemas)
    except sa.exc.SQLAlchemyError as error:
        shown = connection.engine.url.render_as_string(hide_password=True)
        raise SourceError(f"cannot read the catalogue of {shown}: {one_line(error)}") from error
    return replace(found, tables=tuple(t for t in found if t.bare_name not in OWN))


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
