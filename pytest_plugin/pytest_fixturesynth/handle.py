"""What a test gets: the filled database inside of a transaction, and factories that add to it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import cached_property
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy import Connection, Engine
from sqlalchemy.orm import Session

from fixturesynth.dataset import Dataset
from fixturesynth.errors import FixtureSynthError, InputError, LoadError
from fixturesynth.schema.connection import one_line
from pytest_fixturesynth.factories import Factory, shown
from pytest_fixturesynth.filling import spec_of
from pytest_fixturesynth.objects import Objects
from pytest_fixturesynth.transactions import is_lost
from pytest_fixturesynth.writing import Writer

if TYPE_CHECKING:
    from pytest_fixturesynth.runs import Database
    from pytest_fixturesynth.settings import Settings

__all__ = ["AsyncSynth", "Factories", "Synth", "traits_of"]

MARKS = {
    "qmark": lambda i: "?",
    "format": lambda i: "%s",
    "pyformat": lambda i: "%s",
    "numeric_dollar": lambda i: f"${i + 1}",
}


class Factories:
    """``make``, ``batch`` and ``build`` of a test. Who has it tells ``factory`` and what the database refuses."""

    factory: Factory

    def _told(self, call: Callable[[], Any], table: str | type, overrides: Mapping[str, Any]) -> Any:
        raise NotImplementedError

    def make(self, table: str | type, *traits: str, reuse: bool | Collection[str] = False, **overrides: Any) -> Any:
        """Insert one row with every parent that it needs; the mapped object, or a mapping where no classes are known.

            synth.make("orders", status="refunded", customer=ann)
            synth.make("orders", "refunded")                 # a trait of the spec
            synth.make("orders", customer={"country": "DE"}, reuse={"products"})
            synth.make("customers", orders=3)                # with three children
            synth.make(Order, status="refunded")             # a mapped class instead of its table

        Args:
            reuse: take parents that are there: True for all, or names of their tables. Else they are made anew.
            overrides: columns, parents (a row, its key, True or a mapping for a new one, None) and children.

        Raises:
            InputError: unknown names, or values of another type, with what was meant.
            ConstraintError: values that break a check, which is named.
            LoadError: the database refused the row.
        """
        __tracebackhide__ = True
        return self._told(lambda: self.factory.make(table, traits, reuse, overrides), table, overrides)

    def batch(
        self, table: str | type, count: int, *traits: str, reuse: bool | Collection[str] = False, **overrides: Any
    ) -> list[Any]:
        """``count`` rows as ``make`` makes them, all with the same overrides."""
        __tracebackhide__ = True
        made: list[Any] = self._told(
            lambda: self.factory.batch(table, count, traits, reuse, overrides), table, overrides
        )
        return made

    def build(self, table: str | type, *traits: str, reuse: bool | Collection[str] = False, **overrides: Any) -> Any:
        """A row as ``make`` would make it, without inserting anything; keys that the database gives are None."""
        __tracebackhide__ = True
        return self._told(lambda: self.factory.build(table, traits, reuse, overrides), table, overrides)


class Synth(Factories):
    """The filled database of one test. All that happens through it is undone when the test ends."""

    def __init__(self, database: Database, settings: Settings) -> None:
        self.database = database
        self.settings = settings
        self.is_open = True
        self.own = database.another() if settings.isolation == "database" else database.own
        self._depth = 0
        if settings.isolation == "transaction":
            try:
                self._depth = self.own.raw.hold()
            except self.own.engine.dialect.loaded_dbapi.Error as error:
                raise self._lost(error) from error
        database.handles.append(self)

    def _lost(self, error: BaseException) -> LoadError:
        return LoadError(
            f"the test database {self.own.url or ''} was lost: {one_line(error)}; is its server still running?"
        )

    # -- the database -------------------------------------------------------------------------------------------------
    @property
    def seed(self) -> int:
        """Seed of all rows; ``--fixturesynth-seed`` gives another."""
        return self.settings.seed

    @cached_property
    def engine(self) -> Engine:
        """An engine whose connections all lie inside of the test's transaction: what they commit is undone too."""
        if (
            self.settings.isolation == "database"
            and self.own.url is not None
            and self.database.server.dialect != "duckdb"
        ):
            return self.database.connected(self.own.url)
        return self.own.engine

    @cached_property
    def connection(self) -> Connection:
        """A SQLAlchemy connection."""
        return self.engine.connect()

    @cached_property
    def session(self) -> Session:
        """A SQLAlchemy session on ``connection``; its commits are savepoints."""
        savepoints = getattr(self.own.raw, "savepoints", True)
        return Session(
            bind=self.connection, join_transaction_mode="create_savepoint" if savepoints else "rollback_only"
        )

    @property
    def data(self) -> Dataset:
        """The rows that the database was filled with: ``synth.data["orders"]`` is a pandas frame."""
        return self.database.data

    # -- factories ----------------------------------------------------------------------------------------------------
    @cached_property
    def factory(self) -> Factory:  # type: ignore[override]
        objects = None
        if self.database.models:
            objects = Objects(self.database.models, lambda: self.session, self.own.engine.dialect)
        made = Factory(self.database.stock, self._writer(), objects, traits_of(self.settings))
        for handle in self.database.handles:
            if handle is not self and handle.own is self.own and "factory" in handle.__dict__:
                made.beside(handle.factory)
        return made

    def _writer(self) -> Writer:
        raw, dialect = self.own.raw, self.own.engine.dialect
        returns = not (dialect.name == "mysql" and not getattr(dialect, "is_mariadb", False))
        if dialect.name == "sqlite":

            def quick(statement: str, parameters: Sequence[Any]) -> Sequence[Any]:
                return raw.execute(statement, parameters).fetchall()  # type: ignore[no-any-return]

            return Writer(quick, "sqlite", MARKS["qmark"])

        def execute(statement: str, parameters: Sequence[Any]) -> Sequence[Any]:
            cursor = raw.cursor()
            try:
                cursor.execute(statement, tuple(parameters))
                return cursor.fetchall() if cursor.description else ()
            finally:
                cursor.close()

        return Writer(execute, self.database.server.dialect, MARKS[dialect.paramstyle], returns=returns)

    def _told(self, call: Callable[[], Any], table: str | type, overrides: Mapping[str, Any]) -> Any:
        """A refusal of the database with the row's table; the transaction goes on as it was before."""
        __tracebackhide__ = True
        raw = self.own.raw
        guarded = bool(overrides) and self.database.server.dialect == "postgresql"
        if guarded:  # PostgreSQL gives up the whole transaction after an error
            raw.enter()
        depth = len(raw.levels)
        failed: Exception | None = None
        try:
            return call()
        except self.own.engine.dialect.loaded_dbapi.Error as error:
            failed = LoadError(f"synth.make({shown(table)}): the database refused the row: {one_line(error)}")
        except FixtureSynthError as error:
            failed = error
        finally:
            if guarded and not getattr(raw, "closed", False):
                if failed is None:
                    raw.commit()
                else:
                    raw.let_go(depth)
        raise failed.with_traceback(None) from None  # the test's own line is what matters

    @contextmanager
    def rolled_back(self) -> Iterator[Synth]:
        """What is made inside is undone at its end: for the examples of a property-based test."""
        self._settle(kept=True)
        depth = self.own.raw.hold()
        outer = self.__dict__.pop("factory", None)
        if outer is not None:
            self.factory.beside(outer)
        try:
            yield self
        finally:
            self._settle(kept=False)
            self.own.raw.let_go(depth)
            self.__dict__.pop("factory", None)
            if outer is not None:
                self.__dict__["factory"] = outer

    def _settle(self, *, kept: bool) -> None:
        """End what session and connection have begun, so that nothing of theirs reaches over a savepoint."""
        for name in ("session", "connection"):
            if name in self.__dict__:
                (self.__dict__[name].commit if kept else self.__dict__[name].rollback)()

    # -- the end ------------------------------------------------------------------------------------------------------
    def close(self) -> None:
        """Undo everything. A database that has gone away has undone it already."""
        if not self.is_open:
            return
        self.is_open = False
        self.database.handles.remove(self)
        try:
            self.own.raw.ending = True
            if "session" in self.__dict__:
                self.session.close()
            if "connection" in self.__dict__:
                self.connection.close()
            if self.settings.isolation == "database":
                self.engine.dispose()
                self.own.engine.dispose()
                self.own.drop()
            else:
                self.own.raw.let_go(self._depth, self.own.reset if self._depth == 1 else None)
        except (sa.exc.SQLAlchemyError, self.own.engine.dialect.loaded_dbapi.Error, OSError):
            if not is_lost(self.own.raw):
                raise
            self._abandon()

    def _abandon(self) -> None:
        """The connection is of no use any more; the next test gets another."""
        with suppress(self.own.engine.dialect.loaded_dbapi.Error, OSError):  # closed by the server
            self.own.raw.close()

    def __repr__(self) -> str:
        return f"<synth: {self.database.origin.shown}, {self.database.server.dialect}, seed {self.seed}>"


def traits_of(settings: Settings) -> dict[str, Any]:
    """Overrides by table and trait, from the spec."""
    spec = spec_of(settings)
    return {name: dict(table.traits) for name, table in spec.tables.items() if table.traits}


class AsyncSynth:
    """The same for asynchronous tests, on an asynchronous connection of its own."""

    def __init__(self, database: Database, settings: Settings, connection: Any, session: Any) -> None:
        self.database = database
        self.settings = settings
        self.connection = connection
        self.session = session
        self._factory: Factory | None = None

    @property
    def seed(self) -> int:
        return self.settings.seed

    @property
    def data(self) -> Dataset:
        return self.database.data

    @property
    def factory(self) -> Factory | None:
        return self._factory

    async def make(
        self, table: str | type, *traits: str, reuse: bool | Collection[str] = False, **overrides: Any
    ) -> Any:
        """As ``Synth.make``."""
        return await self._run(lambda factory: factory.make(table, traits, reuse, overrides), table)

    async def batch(
        self, table: str | type, count: int, *traits: str, reuse: bool | Collection[str] = False, **overrides: Any
    ) -> list[Any]:
        """As ``Synth.batch``."""
        made: list[Any] = await self._run(lambda factory: factory.batch(table, count, traits, reuse, overrides), table)
        return made

    async def build(
        self, table: str | type, *traits: str, reuse: bool | Collection[str] = False, **overrides: Any
    ) -> Any:
        """As ``Synth.build``."""
        return await self._run(lambda factory: factory.build(table, traits, reuse, overrides), table)

    async def _run(self, call: Any, table: str | type) -> Any:
        def inside(session: Session) -> Any:
            if self._factory is None:
                self._factory = self._made(session)
            try:
                return call(self._factory)
            except sa.exc.DBAPIError as error:
                raise LoadError(
                    f"synth.make({shown(table)}): the database refused the row: {one_line(error)}"
                ) from error

        return await self.session.run_sync(inside)

    def _made(self, session: Session) -> Factory:
        connection = session.connection()
        dialect = connection.dialect
        mark = MARKS.get(dialect.paramstyle)
        if mark is None:
            raise InputError(
                f"no asynchronous factories with parameters like {dialect.paramstyle!r}; use another driver"
            )

        def execute(statement: str, parameters: Sequence[Any]) -> Sequence[Any]:
            result = session.connection().exec_driver_sql(statement, tuple(parameters))
            return result.fetchall() if result.returns_rows else ()

        objects = Objects(self.database.models, lambda: session, dialect) if self.database.models else None
        writer = Writer(execute, self.database.server.dialect, mark)
        return Factory(self.database.stock, writer, objects, traits_of(self.settings))
