"""SQLAlchemy engines from what a user writes, with errors of one line."""

import importlib.util
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.engine import URL, Engine

from fixturesynth.errors import MissingDriverError, SourceError, did_you_mean

__all__ = ["as_url", "make_engine", "one_line"]


@dataclass(frozen=True)
class Driver:
    """What serves a URL: SQLAlchemy's own name for it, the packages it needs and the extra that brings them."""

    name: str
    packages: tuple[str, ...] = ()
    extra: str | None = None
    is_file: bool = False
    options: Mapping[str, object] = field(default_factory=dict)


POSTGRESQL = Driver("postgresql+psycopg", ("psycopg",), "postgres", options={"connect_timeout": 10})
MYSQL = Driver("mysql+pymysql", ("pymysql",), "mysql", options={"connect_timeout": 10, "charset": "utf8mb4"})
DUCKDB = Driver("duckdb", ("duckdb", "duckdb_engine"), "duckdb", is_file=True)
SQLITE = Driver("sqlite", is_file=True)
DRIVERS: Mapping[str, Driver] = {
    "postgres": POSTGRESQL,
    "postgresql": POSTGRESQL,
    "postgresql+psycopg": POSTGRESQL,
    "postgresql+psycopg2": POSTGRESQL,
    "mysql": MYSQL,
    "mysql+pymysql": MYSQL,
    "mysql+mysqldb": MYSQL,
    "mariadb": MYSQL,
    "mariadb+pymysql": MYSQL,
    "duckdb": DUCKDB,
    "sqlite": SQLITE,
    "sqlite+pysqlite": SQLITE,
}
DATABASE_FILES: Mapping[str, Driver] = {
    ".sqlite": SQLITE,
    ".sqlite3": SQLITE,
    ".db": SQLITE,
    ".db3": SQLITE,
    ".duckdb": DUCKDB,
    ".ddb": DUCKDB,
}
SQLITE_MAGIC = b"SQLite format 3\0"
DUCKDB_MAGIC = b"DUCK"  # behind eight bytes of checksum


def as_url(source: str | URL | Path) -> URL:
    """The URL meant by ``source``: a URL in any spelling, or the path of an SQLite or DuckDB file.

    >>> str(as_url("postgres://ann@db/shop"))
    'postgresql+psycopg://ann@db/shop'
    >>> str(as_url("shop.duckdb"))
    'duckdb:///shop.duckdb'

    Raises:
        SourceError: neither a URL nor a database file.
    """
    if isinstance(source, URL):
        url = source
    elif "://" in (text := str(source).strip()):
        try:
            url = sa.make_url(text)
        except (sa.exc.ArgumentError, ValueError) as error:
            raise SourceError(f"not a database URL: {masked(text)}; expected {EXAMPLE}") from error
    else:
        return URL.create(file_driver(Path(text)).name, database=text)
    driver = DRIVERS.get(url.drivername.lower())
    return url.set(drivername=driver.name) if driver is not None else url


EXAMPLE = "for example postgresql://user:password@host/database or sqlite:///file.db"


def file_driver(path: Path) -> Driver:
    """Which database wrote ``path``: by its first bytes, by its suffix when it does not exist or is empty."""
    if path.is_file() and path.stat().st_size:
        with path.open("rb") as file:
            head = file.read(16)
        found = SQLITE if head == SQLITE_MAGIC else DUCKDB if head[8:12] == DUCKDB_MAGIC else None
    else:
        found = DATABASE_FILES.get(path.suffix.lower())
    if found is None:
        cause = "no such file" if not path.exists() else "not an SQLite or DuckDB file"
        raise SourceError(f"cannot read {str(path)!r}: {cause}; expected a database URL, {EXAMPLE}")
    return found


def masked(text: str) -> str:
    """``text`` with passwords of URLs hidden."""
    return re.sub(r"(://[^:/@\s]*):[^@\s]*@", r"\1:***@", text)


def one_line(error: BaseException) -> str:
    """The first line of what a driver says, without SQLAlchemy's wrapping and passwords."""
    origin = getattr(error, "orig", None) or error
    arguments: tuple[object, ...] = getattr(origin, "args", ())
    said = arguments[1] if len(arguments) > 1 and isinstance(arguments[1], str) else str(origin)
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    return masked(lines[0].rstrip(".") if lines else type(origin).__name__)


def make_engine(url: str | URL | Path, *, must_exist: bool = False) -> Engine:
    """An engine for ``url`` that has been connected once.

    Args:
        url: a URL in any spelling (``postgres://``, ``mysql://``, ``sqlite:///``, ``duckdb:///``), or a database file.
        must_exist: a file that is not there is an error; otherwise SQLite and DuckDB make it.

    Raises:
        SourceError: wrong URL, unknown host or database, refused connection.
        MissingDriverError: the package for this database is not installed; the message names the pip extra.
    """
    target = as_url(url)
    shown = target.render_as_string(hide_password=True)
    driver = DRIVERS.get(target.drivername)
    if driver is not None:
        require(driver, shown)
        if driver.is_file:
            check_file(target, shown, must_exist)
    options = {key: value for key, value in (driver.options if driver else {}).items() if key not in target.query}
    try:
        engine = sa.create_engine(target, connect_args=options)
    except sa.exc.NoSuchModuleError as error:
        known = did_you_mean(target.drivername, (name for name in DRIVERS if "+" not in name))
        raise SourceError(
            f"no dialect for {shown}: {target.drivername!r} is not known to SQLAlchemy; {known}"
        ) from error
    except ImportError as error:
        raise MissingDriverError(f"{shown} needs the package {error.name!r}: pip install {error.name}") from error
    except (sa.exc.ArgumentError, TypeError, ValueError) as error:
        raise SourceError(f"not a database URL: {shown}: {one_line(error)}; expected {EXAMPLE}") from error
    try:
        with engine.connect():
            pass
    except (sa.exc.SQLAlchemyError, OSError, UnicodeError, RuntimeError, TypeError) as error:
        engine.dispose()
        way_out = "check the path and that it is a database" if driver and driver.is_file else (
            "check the host, port, database name and credentials, and that the server runs"
        )  # fmt: skip
        raise SourceError(f"cannot connect to {shown}: {one_line(error)}; {way_out}") from error
    return engine


def require(driver: Driver, shown: str) -> None:
    """MissingDriverError unless the packages of ``driver`` can be imported."""
    for package in driver.packages:
        if importlib.util.find_spec(package) is None:
            raise MissingDriverError(
                f"{shown} needs the package {package!r}: pip install 'fixturesynth[{driver.extra}]'"
            )


def check_file(url: URL, shown: str, must_exist: bool) -> None:
    """SourceError when the database file or its folder is not there, or when it is something else."""
    if url.database in (None, "", ":memory:") or url.database.startswith("file:"):
        return
    path = Path(url.database)
    if path.is_dir():
        raise SourceError(f"cannot open {shown}: {str(path)!r} is a folder; name a file in it")
    if must_exist and not path.exists():
        near = (
            did_you_mean(path.name, (p.name for p in path.parent.iterdir()))
            if path.parent.is_dir()
            else "no such folder"
        )
        raise SourceError(f"cannot open {shown}: no such file {str(path)!r}; {near}")
    if not path.parent.is_dir():
        raise SourceError(f"cannot open {shown}: no such folder {str(path.parent)!r}; create it first")
    if path.exists() and path.stat().st_size and file_driver(path).name != url.drivername:
        raise SourceError(f"cannot open {shown}: {str(path)!r} is a file of {file_driver(path).name}")
