"""A run of pytest: its folder, the databases that its tests asked for, and their end."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from fixturesynth.dataset import Dataset
from fixturesynth.errors import InputError, LoadError, MissingDriverError
from fixturesynth.loading.reading import read_rows
from fixturesynth.planning.serialisation import plan_hash
from fixturesynth.schema.connection import make_engine, masked, one_line
from fixturesynth.synthesizer import Synthesizer
from pytest_fixturesynth.leftovers import sweep_abandoned, sweep_run
from pytest_fixturesynth.locking import locked
from pytest_fixturesynth.naming import PREFIX, run_folder, run_name
from pytest_fixturesynth.origins import Origin, digest, find_origin
from pytest_fixturesynth.servers import Copy, Server, server_of
from pytest_fixturesynth.transactions import is_lost

if TYPE_CHECKING:
    import pytest

    from pytest_fixturesynth.handle import Factories, Synth
    from pytest_fixturesynth.settings import Settings

__all__ = ["Database", "Run"]

VERSION = "1"  # rises when the same settings give other rows


@dataclass(frozen=True)
class AsyncPlace:
    """``reset``: what puts sequences back. ``path``: a file that is of no use afterwards."""

    url: sa.URL
    is_sqlite: bool
    reset: str | None
    path: Path | None

    def close(self) -> None:
        if self.path is not None:
            for left in self.path.parent.glob(f"{self.path.name}*"):
                left.unlink(missing_ok=True)


class Database:
    """One filled database of this process, with what made its rows."""

    def __init__(
        self, run: Run, settings: Settings, origin: Origin, server: Server, template: str, facts: Path
    ) -> None:
        self.run = run
        self.settings = settings
        self.origin = origin
        self.server = server
        self.template = template
        self.facts = facts  # the synthesizer, as a model file
        self.copy: Copy | None = None
        self.handles: list[Synth] = []  # open ones
        self._copies = 0

    @property
    def own(self) -> Copy:
        """This worker's copy; made when it is first needed, and again where its connection was lost."""
        if self.copy is not None and self.copy.raw is not None and is_lost(self.copy.raw):
            with suppress(sa.exc.SQLAlchemyError, LoadError):
                self.copy.drop()
            self.copy = None
        if self.copy is None:
            self.copy = self.another()
        return self.copy

    def another(self) -> Copy:
        """A further copy, for a test that wants one of its own."""
        self._copies += 1
        copy = self.server.copy(self.template, f"{self.template_of_run}_{self.run.worker}_{self._copies}")
        copy.engine.update_execution_options(**self.origin.options)
        return copy

    @property
    def template_of_run(self) -> str:
        return f"{PREFIX}_{self.run.name}_{self.template[-6:]}"

    @cached_property
    def engine(self) -> Engine:
        """What ``synth_engine`` gives: connections of its own where the database is on a server."""
        own = self.own
        return own.engine if own.url is None or self.server.dialect == "duckdb" else self.connected(own.url)

    def connected(self, url: sa.URL) -> Engine:
        """An engine with connections of its own."""
        engine = make_engine(url)
        engine.update_execution_options(**self.origin.options)
        return engine

    @cached_property
    def made(self) -> Synthesizer:
        return Synthesizer.open(self.facts)

    @cached_property
    def data(self) -> Dataset:
        """The rows that it was filled with."""
        from pytest_fixturesynth.filling import uuids_as

        copy = self.another()
        try:
            return uuids_as(self.made.schema, read_rows(copy.engine, self.made.schema), bare=False)
        finally:
            copy.engine.dispose()
            copy.drop()

    @cached_property
    def stock(self) -> Any:
        from pytest_fixturesynth.stock import Stock

        return Stock(self.made, lambda: self.data, self.server.dialect)

    @cached_property
    def models(self) -> Any:
        from pytest_fixturesynth.origins import models_of

        found = models_of(self.settings)
        return {name.rpartition(".")[2] if self.origin.moved else name: model for name, model in found.items()}

    @property
    def asynchronous(self) -> AsyncPlace:
        """Where an asynchronous connection reaches this worker's copy; SQLite gets a file for it."""
        url = self.own.url
        if url is None:
            path = self.run.folder / f"{self.template_of_run}_{self.run.worker}_async.sqlite"
            with closing(sqlite3.connect(path)) as target:
                self.own.raw.backup(target)
            return AsyncPlace(sa.URL.create("sqlite+aiosqlite", database=str(path)), True, None, path)
        drivers = {"postgresql": ("asyncpg", "psycopg"), "mysql": ("asyncmy", "aiomysql")}
        wanted = str(self.run.config.getini("fixturesynth_async_driver") or "")
        options = drivers.get(self.server.dialect, ())
        if wanted and wanted not in options:
            raise InputError(f"fixturesynth_async_driver: expected one of {', '.join(options)}, however: {wanted!r}")
        for driver in (wanted,) if wanted else options:
            if find_spec(driver) is not None:
                scheme = f"{url.get_backend_name()}+{driver}"
                return AsyncPlace(url.set(drivername=scheme), False, self.own.reset, None)
        raise MissingDriverError(
            f"asynchronous tests on {self.server.dialect} need one of {', '.join(options) or 'no driver that there is'}"
        )

    def close(self) -> None:
        if "engine" in self.__dict__:
            self.engine.dispose()
        if self.copy is not None:
            self.copy.engine.dispose()
            self.copy.drop()


class Run:
    """Everything that the tests of one process share."""

    def __init__(self, config: pytest.Config) -> None:
        from pytest_fixturesynth.plugin import NAME

        self.config = config
        given = getattr(config, "workerinput", {})
        self.worker = given.get("workerid", "main")
        self.is_worker = "fixturesynth_run" in given
        self.name = given.get("fixturesynth_run") or config.stash.setdefault(NAME, {"run": run_name()})["run"]
        self.folder = run_folder(self.name)
        self.kept = self._kept()
        self.databases: dict[object, Database] = {}
        self.failures: dict[object, Exception] = {}
        self.told: list[str] = []
        if not self.is_worker:
            sweep_abandoned()

    def _kept(self) -> Path | None:
        wanted = self.config.getini("fixturesynth_reuse_db") or self.config.getoption("reuse_db", False)
        if not wanted:
            return None
        cache = getattr(self.config, "cache", None)
        if cache is None:
            return self.config.rootpath / ".fixturesynth"
        return Path(cache.mkdir("fixturesynth"))

    def is_django(self, settings: Settings) -> bool:
        return bool(settings.source == "django")

    def open(self, settings: Settings, request: pytest.FixtureRequest) -> Factories:
        """A handle on the database of ``settings``, inside its transaction."""
        from pytest_fixturesynth.handle import Synth

        if self.is_django(settings):
            from pytest_fixturesynth.djangodb import open_django

            return open_django(self, settings, request)
        return Synth(self.database(settings), settings)

    def database(self, settings: Settings) -> Database:
        """The filled database of ``settings``: there already, kept from an earlier run, or filled now."""
        settings = replace(settings, isolation="transaction")
        place = settings.place
        if place in self.failures:
            raise self.failures[place]
        if place not in self.databases:
            try:
                self.databases[place] = self._found(settings)
            except Exception as error:  # the same for every test that asks; filling again would fail again
                self.failures[place] = error
                raise
        return self.databases[place]

    def _found(self, settings: Settings) -> Database:
        server = server_of(settings.database, self.folder, self.kept)
        origin = find_origin(settings, server.dialect)
        key = key_of(settings, origin, server)
        # What is not kept bears the run's name, so that nobody else takes it.
        template = f"{PREFIX}_kept_{key[:24]}" if self.kept else f"{PREFIX}_{self.name}_{key[:6]}"
        home = self.kept or self.folder
        facts = home / f"{template}.fsynth"
        with locked(self.folder / f"{key[:24]}.lock"):
            if not self._is_fresh(server, template, facts):
                self._fill(settings, origin, server, template, facts)
        return Database(self, settings, origin, server, template, facts)

    def _is_fresh(self, server: Server, template: str, facts: Path) -> bool:
        rebuilt = self.folder / f"{template}.rebuilt"
        if self.config.getoption("create_db", False) and not rebuilt.exists():
            rebuilt.touch()
            server.drop(template)
            return False
        return facts.is_file() and server.has(template)

    def _fill(self, settings: Settings, origin: Origin, server: Server, template: str, facts: Path) -> None:
        from pytest_fixturesynth.filling import fill

        facts.parent.mkdir(parents=True, exist_ok=True)
        with server.make(template) as engine:
            made = fill(settings, origin, engine)
            made.save(facts)
        rows = sum(t.rows for t in made.plan.shown)
        shown = f"{len(made.plan.shown)} tables of {origin.shown}, {rows:,} rows, {server.dialect}"
        self.tell(f"filled {shown}, seed {made.seed}, plan {plan_hash(made.plan)[:12]}")
        if self.kept is not None:
            self._drop_outdated(settings, server, template)

    def _drop_outdated(self, settings: Settings, server: Server, template: str) -> None:
        """A kept template takes the place of the one that was kept for the same settings before the schema moved."""
        assert self.kept is not None
        place = self.kept / f"{digest(repr(settings.place))}.place"
        before = place.read_text(encoding="utf-8") if place.is_file() else template
        if before != template:
            server.drop(before)
            (self.kept / f"{before}.fsynth").unlink(missing_ok=True)
        place.write_text(template, encoding="utf-8")

    def tell(self, line: str) -> None:
        """One line for the summary; workers leave it in the run's folder."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / "summary.txt").open("a", encoding="utf-8") as file:
            file.write(f"{masked(line)}\n")

    def close(self) -> None:
        """Drop this process's databases; the controller's end, or that of the only process, takes the folder too."""
        for database in self.databases.values():
            try:
                database.close()
            except (sa.exc.SQLAlchemyError, OSError, LoadError) as error:
                self.told.append(f"could not drop a database: {one_line(error)}")
        self.databases.clear()
        if not self.is_worker:
            sweep_run(self.name)
            shutil.rmtree(self.folder, ignore_errors=True)


def key_of(settings: Settings, origin: Origin, server: Server) -> str:
    """The same for the same schema, plan and seed: all that they follow from."""
    from fixturesynth import __version__

    files = [settings.path(p).read_bytes() if p else b"" for p in (settings.spec, settings.model)]
    return digest(
        VERSION, __version__, origin.fingerprint, server.dialect, *files, settings.models or "", str(settings.seed),
        repr(settings.rows), repr(settings.given), str(settings.edge_cases),
    )  # fmt: skip
