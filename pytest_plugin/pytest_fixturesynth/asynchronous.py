"""Fixtures of asynchronous tests, for pytest-asyncio where it is loaded, else for anyio's plugin."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

    from pytest_fixturesynth.handle import AsyncSynth
    from pytest_fixturesynth.runs import Database

__all__ = ["synth_async", "synth_async_session"]


def _fixture(function: Callable[..., Any]) -> Any:
    """pytest-asyncio in strict mode wants its own mark; it has been imported when it is loaded as a plugin."""
    if "pytest_asyncio" in sys.modules:
        return sys.modules["pytest_asyncio"].fixture(function)
    return pytest.fixture(function)


@_fixture
async def synth_async(
    request: pytest.FixtureRequest, synth_source: Any, synth_seed: int, synth_rows: Any, synth_model: Any
) -> AsyncIterator[AsyncSynth]:
    """The handle of an asynchronous test: ``.session``, ``.connection``, ``await .make(...)``; rolled back after it."""
    from fixturesynth.errors import InputError
    from pytest_fixturesynth.fixtures import marked_settings, settings_of
    from pytest_fixturesynth.plugin import HANDLES, run_of

    settings = marked_settings(request, settings_of(request.config, synth_source, synth_seed, synth_rows, synth_model))
    run = run_of(request.config)
    if run.is_django(settings):
        raise InputError("synth_async has no Django; use synth, or Django's own asynchronous tests")
    database = run.database(settings)
    async for handle in opened(database, settings):
        request.node.stash.setdefault(HANDLES, []).append(handle)
        yield handle


@_fixture
async def synth_async_session(synth_async: AsyncSynth) -> AsyncSession:
    """A SQLAlchemy AsyncSession on the filled database; what it commits is rolled back after the test."""
    return synth_async.session  # type: ignore[no-any-return]


async def opened(database: Database, settings: Any) -> AsyncIterator[AsyncSynth]:
    """One handle, on a connection that the test's own event loop made."""
    import sqlalchemy as sa
    from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine

    from pytest_fixturesynth.handle import AsyncSynth

    place = database.asynchronous
    try:
        engine = create_async_engine(place.url, poolclass=sa.pool.NullPool)
        engine.sync_engine.update_execution_options(**database.origin.options)
        if place.is_sqlite:
            _begin_by_hand(engine.sync_engine)
        async with engine.connect() as connection:
            outer = await connection.begin()
            session = AsyncSession(bind=connection, join_transaction_mode="create_savepoint", expire_on_commit=False)
            try:
                yield AsyncSynth(database, settings, connection, session)
            finally:
                await session.close()
                if outer.is_active:
                    await outer.rollback()
        await engine.dispose()
    finally:
        place.close()
        if place.reset is not None:
            database.own.raw.send(place.reset)


def _begin_by_hand(engine: Any) -> None:
    """SQLite's driver would begin and commit by itself, and not before the first INSERT."""
    import sqlalchemy as sa

    @sa.event.listens_for(engine, "connect")
    def connected(connection: Any, record: Any) -> None:
        connection.isolation_level = None
        cursor = connection.cursor()
        cursor.execute("PRAGMA foreign_keys = ON")
        cursor.close()

    @sa.event.listens_for(engine, "begin")
    def begun(connection: Any) -> None:
        connection.exec_driver_sql("BEGIN")
