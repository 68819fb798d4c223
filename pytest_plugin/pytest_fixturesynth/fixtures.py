"""The fixtures, and ``synth_fixtures`` that makes more of them. What they need is imported when a test asks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy import Connection, Engine
    from sqlalchemy.orm import Session

    from fixturesynth import Dataset
    from pytest_fixturesynth.handle import Synth
    from pytest_fixturesynth.settings import Settings

__all__ = [
    "marked_settings",
    "settings_of",
    "synth",
    "synth_connection",
    "synth_data",
    "synth_engine",
    "synth_fixtures",
    "synth_model",
    "synth_rows",
    "synth_seed",
    "synth_session",
    "synth_source",
]

Scope = Literal["session", "package", "module", "class", "function"]


# -- settings: override these in a conftest.py or a test module -------------------------------------------------------
@pytest.fixture(scope="session")
def synth_source(pytestconfig: pytest.Config) -> Any:
    """What declares the tables; by default the setting ``fixturesynth_source``."""
    from pytest_fixturesynth.settings import reader

    return reader(pytestconfig)("source")


@pytest.fixture(scope="session")
def synth_seed(pytestconfig: pytest.Config) -> int:
    """Seed of all rows; by default ``--fixturesynth-seed``, else ``fixturesynth_seed``, else 0."""
    from pytest_fixturesynth.settings import reader

    return int(reader(pytestconfig)("seed") or 0)


@pytest.fixture(scope="session")
def synth_rows(pytestconfig: pytest.Config) -> Any:
    """Rows of every table (a number) or by table (a mapping); by default ``fixturesynth_rows``."""
    from pytest_fixturesynth.settings import reader

    return reader(pytestconfig)("rows")


@pytest.fixture(scope="session")
def synth_model(pytestconfig: pytest.Config) -> Any:
    """A ``.fsynth`` file from which rows are drawn; by default ``fixturesynth_model``."""
    from pytest_fixturesynth.settings import reader

    return reader(pytestconfig)("model")


def settings_of(config: pytest.Config, source: Any, seed: int | None, rows: Any, model: Any, **others: Any) -> Settings:
    """Settings from the fixtures' values; what they leave open comes from the command line and the ini file.

    ``alone``: spec and models are not taken from there, as they belong to another source.
    """
    from pytest_fixturesynth.settings import Settings, parse_rows, reader, usage_error

    read = reader(config)
    alone = others.pop("alone", False)
    others = {name: value for name, value in others.items() if value is not None}
    if source is None and model is None:
        raise usage_error(
            "fixturesynth has no source: set fixturesynth_source in the ini file (a .sql file, package.module:Base, "
            "alembic, django, a URL), or override the fixture synth_source"
        )
    texts = {name: others.pop(name, None) or (None if alone else read(name)) for name in ("spec", "models")}
    return Settings(
        source if source is not None else str(model),
        config.rootpath,
        database=others.pop("database", None) or read("database") or "sqlite",
        model=str(model) if model is not None else None,
        seed=int(seed if seed is not None else read("seed") or 0),
        rows=parse_rows(rows),
        edge_cases=bool(others.pop("edge_cases", None) or config.getini("fixturesynth_edge_cases")),
        spec=texts["spec"],
        models=texts["models"],
    )


def plainly(call: Callable[[], Any]) -> Any:
    """``call()``; an error that says what, where and the way out fails the test without the way there."""
    from fixturesynth.errors import FixtureSynthError

    try:
        return call()
    except FixtureSynthError as error:
        pytest.fail(f"{type(error).__name__}: {error}", pytrace=False)


def marked_settings(request: pytest.FixtureRequest, settings: Settings) -> Settings:
    """``settings`` as the test's marker changes them."""
    from pytest_fixturesynth.settings import marked

    marker = request.node.get_closest_marker("fixturesynth") if request.scope == "function" else None
    return marked(settings, marker.kwargs) if marker is not None else settings


def opened(request: pytest.FixtureRequest, settings: Settings) -> Synth:
    """The handle of the test (module, session) for these settings; closed when the fixture that opened it ends."""
    from pytest_fixturesynth.plugin import HANDLES, run_of

    settings = marked_settings(request, settings)
    handles = request.node.stash.setdefault(HANDLES, [])
    for other in handles:
        if other.settings == settings and other.is_open:
            return other  # type: ignore[no-any-return]
    run = run_of(request.config)
    if run.is_django(settings):
        request.getfixturevalue("synth_django_filled")
    handle: Synth = plainly(lambda: run.open(settings, request))
    handles.append(handle)
    request.addfinalizer(handle.close)
    return handle


# -- what tests ask for -----------------------------------------------------------------------------------------------
@pytest.fixture
def synth(
    request: pytest.FixtureRequest, synth_source: Any, synth_seed: int, synth_rows: Any, synth_model: Any
) -> Synth:
    """The handle: ``.connection``, ``.session``, ``.engine``, ``.data``, ``.seed``, ``.make``, ``.build``."""
    return opened(request, settings_of(request.config, synth_source, synth_seed, synth_rows, synth_model))


@pytest.fixture
def synth_connection(synth: Synth) -> Connection:
    """A connection to the filled database, inside a transaction that is rolled back after the test."""
    return synth.connection


@pytest.fixture
def synth_session(synth: Synth) -> Session:
    """A SQLAlchemy session there; what it commits is rolled back after the test too."""
    return synth.session


@pytest.fixture(scope="session")
def synth_engine(
    request: pytest.FixtureRequest, synth_source: Any, synth_seed: int, synth_rows: Any, synth_model: Any
) -> Iterator[Engine]:
    """An engine of the filled database. What is committed through it outside of ``synth`` stays until the run ends."""
    from pytest_fixturesynth.plugin import run_of

    settings = settings_of(request.config, synth_source, synth_seed, synth_rows, synth_model)
    yield plainly(lambda: run_of(request.config).database(settings).engine)


@pytest.fixture(scope="session")
def synth_data(
    request: pytest.FixtureRequest, synth_source: Any, synth_seed: int, synth_rows: Any, synth_model: Any
) -> Dataset:
    """The rows that the database was filled with, as a Dataset: ``synth_data["orders"]`` is a pandas frame."""
    from pytest_fixturesynth.plugin import run_of

    settings = settings_of(request.config, synth_source, synth_seed, synth_rows, synth_model)
    return plainly(lambda: run_of(request.config).database(settings).data)  # type: ignore[no-any-return]


def synth_fixtures(
    *,
    source: Any = None,
    database: str | None = None,
    seed: int | None = None,
    rows: int | Mapping[str, int] | None = None,
    model: str | None = None,
    models: str | None = None,
    spec: str | None = None,
    edge_cases: bool | None = None,
    scope: Scope = "function",
    gives: Literal["synth", "connection", "session", "engine", "data"] = "synth",
) -> Any:
    """A fixture for another database, other rows or a wider scope; its name is that of the variable it is put in.

        legacy = synth_fixtures(source="legacy.sql", rows=10)
        legacy_session = synth_fixtures(source="legacy.sql", rows=10, gives="session")

    Both share a transaction, as they have the same settings. What is left out comes from the command line and the ini
    file, not from ``synth_source`` and its like; with a ``source`` of its own, only where databases are made and the
    seed do. ``scope``: rows that a fixture of a module makes are seen by all tests
    of the module, and rolled back behind the last one.
    """

    @pytest.fixture(scope=scope)
    def made(request: pytest.FixtureRequest) -> Any:
        from pytest_fixturesynth.settings import reader

        read = reader(request.config)
        settings = settings_of(
            request.config,
            source if source is not None else read("source"),
            seed,
            rows if rows is not None or source is not None else read("rows"),
            model if model is not None or source is not None else read("model"),
            alone=source is not None, database=database, models=models, spec=spec, edge_cases=edge_cases,
        )  # fmt: skip
        handle = opened(request, settings)
        return handle if gives == "synth" else getattr(handle, gives)

    return made
