"""Where tables come from: how each source makes them in an empty database, and what tells one version from another."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from fixturesynth.errors import InputError, SourceError, did_you_mean
from fixturesynth.loading.naming import with_names
from fixturesynth.schema.connection import masked, one_line
from fixturesynth.schema.model import Schema
from fixturesynth.schema.reflection import imported, is_python_name, reflect
from fixturesynth.schema.sqlfile import decoded, guess_dialect, run, split_statements, wanted
from fixturesynth.schema.targets import target_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_fixturesynth.settings import Settings

__all__ = ["Origin", "digest", "find_origin", "metadata_of", "models_of"]


@dataclass(frozen=True)
class Origin:
    """A source of tables.

    ``fingerprint``: the same as long as the tables would be. ``build``: makes the tables on an engine; the schema where
    the source says more than the database would (else None: it is read back), and whether tables were made at all:
    ``creates`` False leaves that to ``load``. ``moved``: schemas of the models that the database has no word for; their
    tables are in its only one.
    """

    kind: str
    shown: str
    fingerprint: str
    build: Callable[[sa.Engine], Schema | None]
    creates: bool = True
    moved: tuple[str, ...] = ()

    @property
    def options(self) -> dict[str, Any]:
        """Of engines on which the models are used."""
        return {"schema_translate_map": dict.fromkeys(self.moved)} if self.moved else {}


def digest(*parts: bytes | str) -> str:
    made = blake2b(digest_size=16)
    for part in parts:
        raw = part.encode() if isinstance(part, str) else part
        made.update(len(raw).to_bytes(8, "big") + raw)
    return made.hexdigest()


def find_origin(settings: Settings, dialect: str) -> Origin:
    """What ``settings.source`` names, for databases of ``dialect``.

    SourceError or InputError, with what could have been meant.
    """
    source = settings.source
    if not isinstance(source, str | Path):
        metadata = metadata_of(source)
        if metadata is None:
            raise InputError(
                f"synth_source is {type(source).__name__}: expected the path of a .sql file, 'package.module:Base', "
                "MetaData, a declarative base, 'alembic', 'django', a database URL, a model or a spec"
            )
        return _python(source, type(source).__name__, dialect)
    text = str(source)
    if text == "alembic" or text.startswith("alembic:") or Path(text).name == "alembic.ini":
        return _alembic(settings, text.partition(":")[2] or ("alembic.ini" if text == "alembic" else text))
    if "://" in text:
        return _database(text)
    path = settings.path(text)
    suffix = path.suffix.lower()
    if suffix in (".yaml", ".yml"):
        return _followed(settings, path, dialect)
    if suffix == ".fsynth":
        return _model(path)
    if suffix == ".sql":
        return _script(path, dialect)
    if not path.exists() and is_python_name(text):
        with found_from(settings.root):
            declaring = imported(text)
        return _python(declaring, text, dialect)
    if path.exists():
        return _database(str(path))
    raise SourceError(
        f"cannot read the source {text!r} from {settings.root}: no such file; expected a .sql file, "
        "package.module:Base, alembic, django, a database URL, a .fsynth model or a spec"
    )


def metadata_of(thing: Any) -> sa.MetaData | None:
    """The MetaData that ``thing`` is or has."""
    metadata = thing if isinstance(thing, sa.MetaData) else getattr(thing, "metadata", None)
    return metadata if isinstance(metadata, sa.MetaData) else None


@contextmanager
def found_from(folder: Path) -> Iterator[None]:
    """Modules of ``folder`` can be imported too."""
    sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        if str(folder) in sys.path:
            sys.path.remove(str(folder))


def as_text(path: Path) -> tuple[str, str]:
    """A script's text and dialect; SourceError where it cannot be read."""
    try:
        text = decoded(path.read_bytes(), path)
    except OSError as error:
        raise SourceError(f"cannot read {str(path)!r}: {error.strerror}; check fixturesynth_source") from error
    return text, guess_dialect(text, path.name)


def _script(path: Path, dialect: str) -> Origin:
    text, written = as_text(path)
    print_ = digest("sql", text, written)
    if written != dialect:

        def read(engine: sa.Engine) -> Schema | None:
            return reflect(path)

        return Origin("sql", str(path), print_, read, creates=False)

    def build(engine: sa.Engine) -> Schema | None:
        """The user's own statements, with triggers and views; only what makes tables is run."""
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            if written == "mysql":  # a script may name tables before it makes them
                connection.exec_driver_sql("SET SESSION foreign_key_checks = 0")
            failed = run(connection, [s for s in split_statements(text, written) if wanted(s, written)])
            if failed:
                raise SourceError(f"{path}: {failed[0]}; {dialect} refused {len(failed)} statements of the script")
            connection.invalidate()  # its session settings must not live on in the pool
        return None

    return Origin("sql", str(path), print_, build)


def _python(declaring: Any, shown: str, dialect: str) -> Origin:
    """``declaring``: MetaData, or a base or class that has one."""
    from fixturesynth.schema.serialisation import schema_to_json

    metadata, schema = metadata_of(declaring), reflect_metadata(declaring, dialect)
    assert metadata is not None

    schemas = tuple(sorted({t.schema for t in metadata.tables.values() if t.schema}))
    moved = () if target_of(dialect).schemas else schemas
    schema = in_one_schema(schema) if moved else schema

    def build(engine: sa.Engine) -> Schema | None:
        if not moved and schemas:
            with engine.begin() as connection:
                for name in schemas:
                    connection.execute(sa.schema.CreateSchema(name, if_not_exists=True))
        metadata.create_all(engine.execution_options(**made.options))
        return schema

    made = Origin("python", shown, digest("python", schema_to_json(schema)), build, moved=moved)
    return made


def in_one_schema(schema: Schema) -> Schema:
    """The tables by their names alone; InputError where two have the same."""
    short = {table.name: table.bare_name for table in schema}
    for name, bare in short.items():
        other = next((n for n, b in short.items() if b == bare and n != name), None)
        if other is not None:
            raise InputError(
                f"tables {name} and {other} have one name without their schemas, which this test database does not "
                "have; set fixturesynth_database to a PostgreSQL server"
            )
    named = with_names(schema, short)
    return replace(named, tables=tuple(replace(table, schema=None) for table in named))


def reflect_metadata(declaring: Any, dialect: str) -> Schema:
    """The schema as the models say it: enums, JSON and UUIDs are what they are, also where a database has only text."""
    schema = reflect(declaring, dialect=dialect if dialect != "duckdb" else None)
    return with_bare_uuids(schema) if dialect in ("sqlite", "mysql") else schema


def with_bare_uuids(schema: Schema) -> Schema:
    """UUIDs as 32 digits without dashes: how SQLAlchemy and Django store them where there is no such type."""
    return replace(
        schema,
        tables=tuple(
            replace(
                t,
                columns=tuple(
                    replace(c, type=replace(c.type, length=32)) if c.type.kind == "uuid" else c for c in t.columns
                ),
            )
            for t in schema
        ),
    )


def _database(text: str) -> Origin:
    from fixturesynth.schema.serialisation import schema_to_json

    schema = reflect(text)
    if not len(schema):
        raise SourceError(f"{masked(text)} has no tables; make them first, or name what makes them")
    return Origin("database", masked(text), digest("url", schema_to_json(schema)), lambda engine: schema, creates=False)


def _model(path: Path) -> Origin:
    from fixturesynth.modelfile import open_model
    from fixturesynth.schema.serialisation import schema_to_json

    schema = open_model(path).schema
    return Origin("model", str(path), digest("model", schema_to_json(schema)), lambda engine: schema, creates=False)


def _followed(settings: Settings, path: Path, dialect: str) -> Origin:
    """A spec names its source."""
    from fixturesynth.spec import read_spec

    source = read_spec(path).source
    if source is None:
        raise InputError(f"{path}: no source to take tables from; add `source:` to it, or set fixturesynth_source")
    if Path(source).suffix.lower() in (".yaml", ".yml"):
        raise InputError(f"{path}: a spec cannot be the source of another; name a .sql file, models or a database")
    beside = path.parent / source
    inside = str(beside) if "://" not in source and beside.exists() else source
    return find_origin(replace(settings, source=inside, spec=str(path)), dialect)


def _alembic(settings: Settings, named: str) -> Origin:
    """``alembic upgrade head`` on the empty database; ``alembic:path/to/alembic.ini`` names another file."""
    try:
        import alembic.command
        from alembic.config import Config
        from alembic.script import ScriptDirectory
    except ImportError as error:
        raise InputError("the source 'alembic' needs the package 'alembic': pip install alembic") from error

    path = settings.path(named)
    if not path.is_file():
        near = did_you_mean(path.name, (p.name for p in path.parent.glob("*.ini"))) if path.parent.is_dir() else ""
        raise SourceError(f"no Alembic configuration {str(path)!r}; name it with alembic:path/to/alembic.ini; {near}")
    config = Config(str(path))
    place = Path(config.get_main_option("script_location") or "")
    config.set_main_option("script_location", str(place if place.is_absolute() else path.parent / place))
    scripts = ScriptDirectory.from_config(config)
    files = sorted(Path(scripts.dir).rglob("*.py"))
    print_ = digest("alembic", path.read_bytes(), *(f.read_bytes() for f in files))

    def build(engine: sa.Engine) -> Schema | None:
        config.set_main_option("sqlalchemy.url", engine.url.render_as_string(hide_password=False).replace("%", "%%"))
        with found_from(settings.root), engine.connect() as connection, _told_the_url(engine.url):
            config.attributes["connection"] = connection
            try:
                alembic.command.upgrade(config, "head")
            except sa.exc.SQLAlchemyError as error:
                raise SourceError(f"alembic upgrade head failed: {one_line(error)}; try it by hand") from error
            connection.commit()
        if sa.inspect(engine).get_table_names() in ([], ["alembic_version"]):
            raise SourceError(
                f"alembic upgrade head of {path} made no tables in {masked(str(engine.url))}: let env.py take its URL "
                'from config.get_main_option("sqlalchemy.url"), or its connection from config.attributes'
            )
        return None

    return Origin("alembic", f"{named} at {','.join(scripts.get_heads()) or 'no revision'}", print_, build)


@contextmanager
def _told_the_url(url: sa.URL) -> Iterator[None]:
    """env.py may read the URL from FIXTURESYNTH_URL."""
    before = os.environ.get("FIXTURESYNTH_URL")
    os.environ["FIXTURESYNTH_URL"] = url.render_as_string(hide_password=False)
    try:
        yield
    finally:
        if before is None:
            del os.environ["FIXTURESYNTH_URL"]
        else:
            os.environ["FIXTURESYNTH_URL"] = before


def models_of(settings: Settings) -> Mapping[str, type]:
    """Mapped classes by table, from ``fixturesynth_models`` or a source that is a declarative base; may be empty."""
    source: Any = settings.source
    if settings.models is not None:
        with found_from(settings.root):
            source = imported(settings.models)
    elif isinstance(source, str):
        if not is_python_name(source) or "://" in source or settings.path(source).exists():
            return {}
        if source.startswith("alembic:"):
            return {}
        with found_from(settings.root):
            source = imported(source)
    registry = getattr(source, "registry", None) or getattr(source, "_sa_registry", None)
    if registry is None:
        return {}
    from fixturesynth.schema.draft import table_name

    found: dict[str, type] = {}
    for mapper in registry.mappers:
        table = mapper.local_table
        if isinstance(table, sa.Table) and not mapper.single:
            found[table_name(table.schema, table.name, table.metadata.schema)] = mapper.class_
    return found
