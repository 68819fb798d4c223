"""Django projects: pytest-django makes the database, this fills it, and tests see the rows through their models."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

import sqlalchemy as sa
from django.apps import apps
from django.db import DEFAULT_DB_ALIAS, DatabaseError, connections, models, transaction
from sqlalchemy.engine import URL

from fixturesynth.dataset import Dataset
from fixturesynth.errors import FixtureSynthError, InputError, LoadError
from fixturesynth.loading.reading import read_rows
from fixturesynth.planning.changes import ColumnChange
from fixturesynth.planning.plan import ColumnPlan, Rule
from fixturesynth.planning.planner import Wishes
from fixturesynth.profiling.semantics import MEANINGS
from fixturesynth.rules.contract import RuleCall
from fixturesynth.schema.connection import make_engine, one_line
from fixturesynth.schema.model import Column, ColumnType, Schema
from fixturesynth.schema.reflection import reflect
from fixturesynth.synthesizer import Synthesizer
from pytest_fixturesynth.factories import Factory, shown
from pytest_fixturesynth.handle import MARKS, Factories, traits_of
from pytest_fixturesynth.origins import Origin, digest
from pytest_fixturesynth.records import Record
from pytest_fixturesynth.settings import usage_error
from pytest_fixturesynth.stock import Stock
from pytest_fixturesynth.writing import Writer

if TYPE_CHECKING:
    import pytest

    from pytest_fixturesynth.runs import Run
    from pytest_fixturesynth.settings import Settings

__all__ = ["DjangoDatabase", "DjangoSynth", "fill_django", "open_django"]

MARK = "_fixturesynth_filled"
LEFT_EMPTY = ("sessions", "admin")  # Django's own records of what users did
BACKENDS = {"sqlite": "sqlite", "postgresql": "postgresql+psycopg", "mysql": "mysql+pymysql"}


@dataclass
class DjangoDatabase:
    """pytest-django's test database, filled. It is dropped or kept by pytest-django."""

    settings: Settings
    made: Synthesizer
    alias: str = DEFAULT_DB_ALIAS

    @property
    def dialect(self) -> str:
        return "mysql" if self.made.schema.dialect == "mysql" else self.made.schema.dialect

    @cached_property
    def data(self) -> Dataset:
        """The rows that were filled in, and those of the migrations."""
        from pytest_fixturesynth.filling import uuids_as

        engine = engine_of(self.alias)
        try:
            return uuids_as(self.made.schema, read_rows(engine, self.made.schema), bare=False)
        finally:
            engine.dispose()

    @cached_property
    def stock(self) -> Stock:
        self.data  # noqa: B018  before a test's transaction holds locks
        return Stock(self.made, lambda: self.data, self.dialect)

    def close(self) -> None:
        """Nothing here is ours to drop."""


def engine_of(alias: str) -> sa.Engine:
    """SQLAlchemy's way into the database of a Django connection."""
    facts = connections[alias].settings_dict
    vendor = connections[alias].vendor
    if vendor not in BACKENDS:
        raise InputError(f"no way into Django databases of {vendor}: there are {', '.join(BACKENDS)}")
    name = str(facts["NAME"])
    if vendor == "sqlite":
        path, _, options = name.partition("?") if name.startswith("file:") else (name, "", "")
        query = {"uri": "true", **dict(parse_qsl(options))} if name.startswith("file:") else {}
        return make_engine(URL.create("sqlite", database=path, query=query))
    return make_engine(
        URL.create(
            BACKENDS[vendor], facts.get("USER") or None, facts.get("PASSWORD") or None, facts.get("HOST") or None,
            int(facts["PORT"]) if facts.get("PORT") else None, name,
        )
    )  # fmt: skip


def fill_django(run: Run, settings: Settings) -> DjangoDatabase:
    """Fill the test database that pytest-django has made, once; one that ``--reuse-db`` kept is filled already."""
    from pytest_fixturesynth.filling import fill

    place = settings.place
    if place in run.databases:
        found: Any = run.databases[place]
        return found  # type: ignore[no-any-return]
    engine = engine_of(DEFAULT_DB_ALIAS)
    try:
        schema = as_models_say(reflect(engine), connections[DEFAULT_DB_ALIAS])
        from fixturesynth.schema.serialisation import schema_to_json

        key = digest(
            schema_to_json(schema), settings.spec or "", str(settings.seed), repr(settings.rows),
            str(settings.edge_cases), settings.model or "",
        )  # fmt: skip
        home = run.kept or run.folder
        home.mkdir(parents=True, exist_ok=True)
        facts = home / f"django_{key[:24]}.fsynth"
        if facts.is_file() and _mark_of(engine) == key:
            made = Synthesizer.open(facts)
        else:
            if _mark_of(engine) is not None:
                raise InputError(
                    "the Django test database was filled for other tables or settings; fill it anew with --create-db"
                )
            origin = Origin("django", "django", key, lambda engine: schema)
            made = fill(settings, origin, engine, wishes=wishes_of_models(schema))
            made.save(facts)
            _set_mark(engine, key)
            run.tell(f"filled {len(made.plan.shown)} tables of Django's test database, seed {made.seed}")
    finally:
        engine.dispose()
    database = DjangoDatabase(settings, made)
    run.databases[place] = database  # type: ignore[assignment]
    return database


def _mark_of(engine: sa.Engine) -> str | None:
    with engine.connect() as connection:
        if not sa.inspect(connection).has_table(MARK):
            return None
        return str(connection.execute(sa.text(f"SELECT filled FROM {MARK}")).scalar())


def _set_mark(engine: sa.Engine, key: str) -> None:
    with engine.begin() as connection:
        connection.execute(sa.text(f"CREATE TABLE {MARK} (filled varchar(64))"))
        connection.execute(sa.text(f"INSERT INTO {MARK} VALUES (:key)"), {"key": key})


# -- what models say beyond the database ------------------------------------------------------------------------------
def fields() -> Iterator[tuple[str, Any]]:
    """(table, field) of every stored field."""
    for model in apps.get_models(include_auto_created=True):
        if model._meta.managed and not model._meta.proxy:
            for field in model._meta.local_concrete_fields:
                yield model._meta.db_table, field


def as_models_say(schema: Schema, connection: Any) -> Schema:
    """Types that the database does not have: UUIDs and JSON as text, decimals without their digits."""
    known = {(table, field.column): field for table, field in fields()}
    tables = []
    for table in schema:
        if table.name == MARK:
            continue
        columns = tuple(_column(c, known.get((table.name, c.name)), connection) for c in table.columns)
        tables.append(replace(table, columns=columns))
    return replace(schema, tables=tuple(tables))


def _column(column: Column, field: Any, connection: Any) -> Column:
    target = field
    while isinstance(target, models.ForeignKey):
        target = target.target_field
    if isinstance(target, models.UUIDField) and not connection.features.has_native_uuid_field:
        return replace(column, type=ColumnType("uuid", column.type.name, length=32))
    if isinstance(target, models.JSONField) and column.type.kind != "json":
        return replace(column, type=ColumnType("json", column.type.name))
    if isinstance(target, models.DecimalField) and column.type.precision is None:
        kind = ColumnType("decimal", column.type.name, precision=target.max_digits, scale=target.decimal_places)
        return replace(column, type=kind)
    return column


def wishes_of_models(schema: Schema) -> Wishes:
    """Choices, and what the kinds of fields mean."""
    columns: dict[str, dict[str, ColumnPlan]] = {}
    changes: dict[str, dict[str, ColumnChange]] = {}
    for table, field in fields():
        if table not in schema or field.column not in schema[table]:
            continue
        choices = [value for value, _ in (field.flatchoices or ()) if value not in (None, "")]
        unique = (field.column,) in schema[table].keys
        if choices and not field.is_relation and not unique:
            call = RuleCall("choices", {"values": choices})
            source = Rule(call, 0.2 if field.null else 0.0)
            made = ColumnPlan(field.column, source, "choices of the model")
            columns.setdefault(table, {})[field.column] = made
        meaning = next((m for kind, m in _MEANINGS if isinstance(field, kind) and m in MEANINGS), None)
        if meaning is not None and not choices:
            change = ColumnChange(meaning=meaning, where=f"{table}.{field.column}")
            changes.setdefault(table, {})[field.column] = change
    empty = {
        model._meta.db_table for model in apps.get_models()
        if model._meta.app_label in LEFT_EMPTY and model.__module__.startswith("django.contrib.")
    }  # fmt: skip
    return Wishes(columns=columns, changes=changes, skip=frozenset(empty & set(schema.names)))


_MEANINGS = (
    (models.EmailField, "email"),
    (models.SlugField, "slug"),
    (models.URLField, "url"),
    (models.GenericIPAddressField, "ip_address"),
    (models.FileField, "file_path"),
)


# -- a test -----------------------------------------------------------------------------------------------------------
def open_django(run: Run, settings: Settings, request: pytest.FixtureRequest) -> DjangoSynth:
    """A handle inside of the transaction that pytest-django has begun for the test."""
    plain = replace(settings, isolation="transaction")
    if plain.place not in run.databases:
        raise usage_error(
            "with Django all tests share one database: set fixturesynth_source = django, rows, seed and edge_cases in "
            "the ini file, not by fixtures or the marker; isolation is pytest-django's, see its mark django_db"
        )
    database: Any = run.databases[plain.place]
    return DjangoSynth(database, settings)


class DjangoSynth(Factories):
    """What a test of a Django project gets; what it makes are objects of the project's models."""

    def __init__(self, database: DjangoDatabase, settings: Settings) -> None:
        self.database = database
        self.settings = settings
        self.is_open = True

    @property
    def seed(self) -> int:
        return self.settings.seed

    @property
    def connection(self) -> Any:
        """Django's own connection, inside of the test's transaction."""
        return connections[self.database.alias]

    @property
    def data(self) -> Dataset:
        """The rows that the database was filled with."""
        return self.database.data

    @property
    def session(self) -> Any:
        raise InputError("a Django project has no SQLAlchemy session; use its models, or synth.connection")

    @property
    def engine(self) -> Any:
        raise InputError("a Django project has no SQLAlchemy engine; use its models, or synth.connection")

    @cached_property
    def factory(self) -> Factory:  # type: ignore[override]
        style = "qmark" if self.connection.vendor == "sqlite" else "format"

        def execute(statement: str, parameters: Sequence[Any]) -> Sequence[Any]:
            self.connection.ensure_connection()
            cursor = self.connection.connection.cursor()
            try:
                cursor.execute(statement, tuple(parameters))
                return cursor.fetchall() if cursor.description else ()
            finally:
                cursor.close()

        returns = self.connection.vendor != "mysql" or self.connection.mysql_is_mariadb
        writer = Writer(execute, self.database.dialect, MARKS[style], returns=returns)
        return Factory(self.database.stock, writer, DjangoObjects(self.database.alias), traits_of(self.settings))

    def _told(self, call: Any, table: str | type, overrides: Mapping[str, Any]) -> Any:
        __tracebackhide__ = True
        failed: Exception | None = None
        try:
            with transaction.atomic(using=self.database.alias):
                return call()
        except (DatabaseError, self.connection.Database.Error) as error:
            failed = LoadError(f"synth.make({shown(table)}): the database refused the row: {one_line(error)}")
        except FixtureSynthError as error:
            failed = error
        raise failed.with_traceback(None) from None

    @contextmanager
    def rolled_back(self) -> Iterator[DjangoSynth]:
        """What is made inside is undone at its end: for the examples of a property-based test."""
        outer = self.__dict__.pop("factory", None)
        if outer is not None:
            self.factory.beside(outer)
        try:
            with transaction.atomic(using=self.database.alias):
                yield self
                transaction.set_rollback(True, using=self.database.alias)
        finally:
            self.__dict__.pop("factory", None)
            if outer is not None:
                self.__dict__["factory"] = outer

    def close(self) -> None:
        """pytest-django rolls back."""
        self.is_open = False


class DjangoObjects:
    """Rows as objects of Django's models."""

    def __init__(self, alias: str) -> None:
        self.alias = alias
        self.models = {m._meta.db_table: m for m in apps.get_models(include_auto_created=True) if not m._meta.proxy}

    def knows(self, table: str) -> bool:
        return table in self.models

    def columns(self, table: str) -> dict[str, str]:
        """Columns by the names that the model has for them, where these are others."""
        if table not in self.models:
            return {}
        return {f.attname: f.column for f in self._fields(table) if f.attname != f.column}

    def table_of(self, made: Any) -> tuple[str, Mapping[str, Any]] | None:
        return (made._meta.concrete_model._meta.db_table, {}) if issubclass(made, models.Model) else None

    def relations(self, table: str) -> dict[str, str]:
        """Names of foreign keys of the model, as the schema calls them."""
        if table not in self.models:
            return {}
        return {f.name: f"fk_{f.column}" for f in self._fields(table) if isinstance(f, models.ForeignKey)}

    def collections(self, table: str) -> dict[str, tuple[str, frozenset[str]]]:
        """Names by which children are reached, each with their table and the column that references this one."""
        if table not in self.models:
            return {}
        return {
            r.get_accessor_name(): (r.related_model._meta.db_table, frozenset({r.field.column}))
            for r in self.models[table]._meta.related_objects
            if r.one_to_many and r.get_accessor_name()
        }

    def _fields(self, table: str) -> list[Any]:
        return list(self.models[table]._meta.local_concrete_fields)

    def read(self, value: Any) -> tuple[str, Mapping[str, Any]] | None:
        if not isinstance(value, models.Model):
            return None
        meta = value._meta.concrete_model._meta
        return meta.db_table, {f.column: getattr(value, f.attname) for f in meta.local_concrete_fields}

    def bound(self, table: str, values: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
        """``values`` with the ``given`` ones as the model's fields put them into the database."""
        out = dict(values)
        if table in self.models:
            connection = connections[self.alias]
            for field in self._fields(table):
                if field.column in given and out.get(field.column) is not None:
                    out[field.column] = field.get_db_prep_save(out[field.column], connection)
        return out

    def loaded(self, record: Record) -> Any:
        model = self.models[record.table]
        return model._base_manager.using(self.alias).get(pk=record[model._meta.pk.column])

    def built(self, record: Record) -> Any:
        """An object that is not saved, with its parents."""
        model = self.models[record.table]
        made = model()
        for field in self._fields(record.table):
            if field.column in record:
                value = record[field.column]
                setattr(made, field.attname, field.to_python(value) if not field.is_relation else value)
            parent = record.parents.get(f"fk_{field.column}") if field.is_relation else None
            if parent is not None and self.knows(parent.table):
                setattr(made, field.name, self.built(parent))
        return made
