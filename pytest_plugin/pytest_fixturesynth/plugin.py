"""What pytest calls. Loaded in every run, so it imports nothing that pytest has not imported already."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import pytest

from pytest_fixturesynth.fixtures import (
    synth,
    synth_connection,
    synth_data,
    synth_engine,
    synth_model,
    synth_rows,
    synth_seed,
    synth_session,
    synth_source,
)

if TYPE_CHECKING:
    from collections.abc import Generator

    from pytest_fixturesynth.runs import Run

__all__ = [
    "synth",
    "synth_connection",
    "synth_data",
    "synth_engine",
    "synth_model",
    "synth_rows",
    "synth_seed",
    "synth_session",
    "synth_source",
]

SETTINGS = (
    ("source", "what declares the tables: a .sql file, package.module:Base, alembic, django, a URL, a model or a spec"),
    ("database", "where test databases are made: sqlite (in memory), duckdb, or the URL of a server (default: sqlite)"),
    ("spec", "fixturesynth.yaml with settings of tables and columns, and traits"),
    ("model", "a .fsynth file from which rows are drawn"),
    ("models", "package.module:Base of the SQLAlchemy classes that factories return"),
    ("rows", "rows of every table, or of some: 'orders=100 20'"),
)
RUN = pytest.StashKey["Run"]()


def pytest_addoption(parser: pytest.Parser, pluginmanager: pytest.PytestPluginManager) -> None:
    group = parser.getgroup("fixturesynth", "a populated database in one fixture")
    for name, text in SETTINGS:
        parser.addini(f"fixturesynth_{name}", text, default="")
        group.addoption(
            f"--fixturesynth-{name}", dest=f"fixturesynth_{name}", default=None, metavar=name.upper(), help=text
        )
    parser.addini("fixturesynth_seed", "seed of all made-up rows", default="")
    parser.addini("fixturesynth_edge_cases", "mix in boundary values", type="bool", default=False)
    parser.addini("fixturesynth_reuse_db", "keep filled databases for the next run", type="bool", default=False)
    parser.addini("fixturesynth_async_driver", "asyncpg or psycopg (default: what is installed)", default="")
    group.addoption(
        "--fixturesynth-seed", dest="fixturesynth_seed", type=int, default=None, metavar="N",
        help="seed of all made-up rows (default 0)",
    )  # fmt: skip
    group.addoption(
        "--fixturesynth-list", action="store_true", default=False, dest="fixturesynth_list",
        help="show the tables, where their rows come from, kept databases and fixtures, and exit",
    )  # fmt: skip
    # pytest-django's options mean the same, where it is there.
    if find_spec("pytest_django") is None or pluginmanager.is_blocked("django"):
        group.addoption("--reuse-db", action="store_true", default=False, dest="reuse_db",
                        help="keep filled databases for the next run")  # fmt: skip
        group.addoption("--create-db", action="store_true", default=False, dest="create_db",
                        help="fill databases anew, even where --reuse-db has kept one")  # fmt: skip


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers",
        "fixturesynth(rows=None, seed=None, given=None, edge_cases=False, isolation='transaction'): what the test's "
        "database holds: rows by table, a seed or a list of seeds, values by table and column, boundary values; "
        "isolation='database' gives it a copy of its own.",
    )
    if config.pluginmanager.has_plugin("asyncio") or config.pluginmanager.has_plugin("anyio"):
        from pytest_fixturesynth import asynchronous

        config.pluginmanager.register(asynchronous, "fixturesynth-async")
    if config.pluginmanager.has_plugin("django"):
        from pytest_fixturesynth import djangofixtures

        config.pluginmanager.register(djangofixtures, "fixturesynth-django")


def run_of(config: pytest.Config) -> Run:
    """The run's databases, made when a fixture first asks."""
    if RUN not in config.stash:
        from pytest_fixturesynth.runs import Run

        config.stash[RUN] = Run(config)
    return config.stash[RUN]


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """xdist: every worker gets the controller's name for the run, and so shares its folder and templates."""
    from pytest_fixturesynth.naming import run_name

    names = node.config.stash.setdefault(NAME, {"run": run_name()})
    node.workerinput["fixturesynth_run"] = names["run"]


NAME = pytest.StashKey[dict[str, str]]()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A marker's list of seeds runs the test once with each."""
    marker = metafunc.definition.get_closest_marker("fixturesynth")
    seeds = marker.kwargs.get("seed") if marker is not None else None
    if isinstance(seeds, list | tuple | range) and "synth_seed" in metafunc.fixturenames:
        metafunc.parametrize("synth_seed", list(seeds), scope="session", ids=[f"seed{seed}" for seed in seeds])


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.failed and HANDLES in item.stash:
        from pytest_fixturesynth.telling import failure_sections

        report.sections.extend(failure_sections(item.stash[HANDLES]))
    return report


HANDLES = pytest.StashKey[list[Any]]()


def pytest_report_header(config: pytest.Config) -> str | None:
    from pytest_fixturesynth.settings import reader

    read = reader(config)
    if read("source") is None and read("model") is None:
        return None
    from pytest_fixturesynth.telling import header

    return header(config)


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    if NAME in config.stash or RUN in config.stash:
        from pytest_fixturesynth.telling import summary

        for line in summary(config):
            terminalreporter.write_line(line)


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> int | None:
    if not config.getoption("fixturesynth_list"):
        return None
    from pytest_fixturesynth.telling import show_list

    return show_list(config)


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config: pytest.Config) -> None:
    """Everything that the run made goes: databases, files, also those of workers that were killed."""
    if RUN in config.stash:
        config.stash[RUN].close()
        del config.stash[RUN]
    if NAME in config.stash:  # only a controller has it
        from pytest_fixturesynth.leftovers import sweep_run

        sweep_run(config.stash[NAME]["run"])
