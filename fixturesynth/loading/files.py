"""A Dataset as files: Parquet, CSV, JSON lines, SQL statements, or one SQLite or DuckDB file.

The same data gives the same bytes. Everything is written under temporary names and renamed at the very end, so that a
name either holds the whole thing or nothing.
"""

import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Protocol
from urllib.parse import quote

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet

from fixturesynth.arrays import array_of, fill_null, join_texts, scalar_of
from fixturesynth.dataset import Dataset
from fixturesynth.errors import InputError, LoadError, MissingDriverError, did_you_mean
from fixturesynth.loading.loader import load
from fixturesynth.loading.statements import sql_statements
from fixturesynth.loading.wire import Wire, csv_bytes, json_texts, text_of
from fixturesynth.schema.model import Schema

__all__ = ["FORMATS", "write_files"]

BATCH_ROWS = 65_536
Writer = Callable[[pa.Table, str, IO[bytes]], None]


def write_files(
    data: Dataset,
    out: str | Path,
    *,
    format: str,
    schema: Schema,
    order: Sequence[str] | None = None,
    overwrite: bool = False,
    dialect: str | None = None,
) -> list[str]:
    """Write every table; gives the paths (or URLs) in the order of ``order``.

    Args:
        out: a folder for ``parquet``, ``csv`` and ``jsonl`` (one file for each table), a file for ``sql``, ``sqlite``
            and ``duckdb``. May be a URL that fsspec knows, such as ``s3://bucket/folder``.
        order: tables, parents first: in which SQL inserts them. Default: as they stand in ``data``.
        overwrite: replace files that are there.
        dialect: of ``sql``; default the schema's own, PostgreSQL where it has none.

    Raises:
        InputError: an unknown format, or a file that is there already.
        MissingDriverError: ``out`` is a URL and fsspec (or its driver) is not installed.
        LoadError: the disk is full or refuses; what was written has been removed.
    """
    if format not in FORMATS:
        raise InputError(f"unknown format {format!r}: {did_you_mean(format, FORMATS)}")
    names = list(order) if order is not None else list(data)
    tables = {name: data.arrow(name) for name in names}
    store, root = _store(str(out))
    kind = FORMATS[format]
    if isinstance(kind, Single):
        path = f"{root.rstrip('/')}/data.{format}" if store.is_folder(root) else root
        jobs = [(path, _whole_job(kind, tables, schema, dialect or schema.dialect, names))]
    else:
        jobs = [(f"{root.rstrip('/')}/{_file_name(n)}.{format}", _table_job(kind, t, n)) for n, t in tables.items()]
    for path, _ in jobs:
        if not overwrite and store.exists(path):
            raise InputError(
                f"{path} exists already: name another place, or replace it with overwrite=True (--overwrite)"
            )
    return _written(store, jobs)


def _file_name(table: str) -> str:
    """The table's name, with what file systems do not take written as %xx."""
    return "".join(c if ord(c) > 127 else quote(c, safe=" !#$&'()+,;=@[]{}~") for c in table)


Job = Callable[[IO[bytes]], None]


def _written(store: "Store", jobs: list[tuple[str, Job]]) -> list[str]:
    made = store.make_folder(jobs[0][0]) if jobs else None
    temporary = [f"{path}.{os.getpid()}.part" for path, _ in jobs]
    try:
        for part, (_, job) in zip(temporary, jobs, strict=True):
            with store.open(part) as file:
                job(file)
        for part, (path, _) in zip(temporary, jobs, strict=True):
            store.rename(part, path)
    except BaseException as error:
        for part in temporary:
            with suppress(OSError):
                store.remove(part)
        if made is not None:
            with suppress(OSError):
                store.remove_folder(made)
        if isinstance(error, OSError):
            where = jobs[0][0]
            raise LoadError(f"cannot write {where}: {error.strerror or error}; nothing was kept") from error
        raise
    return [path for path, _ in jobs]


def _table_job(writer: Writer, table: pa.Table, name: str) -> Job:
    return lambda file: writer(table, name, file)


def _whole_job(kind: "Single", tables: dict[str, pa.Table], schema: Schema, dialect: str, order: list[str]) -> Job:
    return lambda file: kind.write(tables, schema, dialect, order, file)


# The formats.

WIRE = Wire(zone="+00:00")


def _batches(table: pa.Table) -> Iterator[pa.RecordBatch]:
    """Slices of a fixed size, however the table is chunked."""
    whole = table.combine_chunks()
    for start in range(0, whole.num_rows, BATCH_ROWS):
        yield from whole.slice(start, BATCH_ROWS).combine_chunks().to_batches()


def _write_parquet(table: pa.Table, name: str, file: IO[bytes]) -> None:
    pyarrow.parquet.write_table(
        table.replace_schema_metadata(None).combine_chunks(),
        file,
        version="2.6",
        compression="zstd",
        compression_level=3,
        row_group_size=131_072,
        data_page_version="1.0",
    )


def _write_csv(table: pa.Table, name: str, file: IO[bytes]) -> None:
    header = ",".join('"' + n.replace('"', '""') + '"' for n in table.column_names)
    file.write(f"{header}\n".encode())
    for batch in _batches(table):
        file.write(csv_bytes(batch, WIRE, name))


def _write_jsonl(table: pa.Table, name: str, file: IO[bytes]) -> None:
    keys = [json.dumps(n, ensure_ascii=False) for n in table.column_names]
    for batch in _batches(table):
        if not keys:
            file.write(b"{}\n" * batch.num_rows)
            continue
        parts: list[Any] = []
        for i, (key, column) in enumerate(zip(keys, batch.columns, strict=True)):
            parts += [f"{', ' if i else '{'}{key}: ", _json_literals(column)]
        lines = join_texts(*parts, "}\n")
        file.write("".join(lines.to_pylist()).encode())


def _json_literals(values: pa.Array) -> pa.Array:
    """Each value as JSON, shape (n,), null as ``null``."""
    kind = values.type
    if pa.types.is_nested(kind):
        literals = json_texts(values)
    elif pa.types.is_floating(kind):
        literals = pc.if_else(pc.is_finite(values), values.cast(pa.string()), scalar_of(None, pa.string()))
    elif pa.types.is_integer(kind) or pa.types.is_decimal(kind) or pa.types.is_boolean(kind):
        literals = values.cast(pa.string())
    else:
        # All in one call: a line break separates the values, since JSON never has one inside a text.
        texts = text_of(values, WIRE).cast(pa.string()).to_pylist()
        literals = array_of(
            json.dumps(texts, ensure_ascii=False, separators=("\n", ":"))[1:-1].split("\n"), pa.string()
        )
    return fill_null(literals, "null")


def _write_sql(tables: dict[str, pa.Table], schema: Schema, dialect: str, order: list[str], file: IO[bytes]) -> None:
    for statement in sql_statements(tables, schema, dialect, order):
        file.write(statement.encode())


def _database(scheme: str) -> Callable[[dict[str, pa.Table], Schema, str, list[str], IO[bytes]], None]:
    def write(tables: dict[str, pa.Table], schema: Schema, dialect: str, order: list[str], file: IO[bytes]) -> None:
        with tempfile.TemporaryDirectory(prefix="fixturesynth-") as folder:
            path = Path(folder) / f"data.{scheme}"
            load(Dataset(tables), f"{scheme}:///{path}", schema=schema, order=order)
            with path.open("rb") as made:
                shutil.copyfileobj(made, file)

    return write


@dataclass(frozen=True)
class Single:
    """A format that holds all tables in one file."""

    write: Callable[[dict[str, pa.Table], Schema, str, list[str], IO[bytes]], None]


FORMATS: dict[str, Writer | Single] = {
    "parquet": _write_parquet,
    "csv": _write_csv,
    "jsonl": _write_jsonl,
    "sql": Single(_write_sql),
    "sqlite": Single(_database("sqlite")),
    "duckdb": Single(_database("duckdb")),
}


# Where they go.


class Store(Protocol):
    """What is needed of a file system."""

    def is_folder(self, path: str) -> bool: ...
    def exists(self, path: str) -> bool: ...
    def make_folder(self, file: str) -> str | None: ...
    def open(self, path: str) -> IO[bytes]: ...
    def rename(self, old: str, new: str) -> None: ...
    def remove(self, path: str) -> None: ...
    def remove_folder(self, path: str) -> None: ...


class _Local:
    def is_folder(self, path: str) -> bool:
        return Path(path).is_dir()

    def exists(self, path: str) -> bool:
        return os.path.lexists(path)

    def make_folder(self, file: str) -> str | None:
        """Make the folder of a file; its path when it was not there."""
        folder = Path(file).parent
        if folder.is_dir():
            return None
        try:
            folder.mkdir(parents=True)
        except OSError as error:
            raise LoadError(f"cannot make the folder {str(folder)!r}: {error.strerror}; nothing was written") from error
        return str(folder)

    def open(self, path: str) -> IO[bytes]:
        return Path(path).open("xb")

    def rename(self, old: str, new: str) -> None:
        Path(old).replace(new)

    def remove(self, path: str) -> None:
        Path(path).unlink()

    def remove_folder(self, path: str) -> None:
        Path(path).rmdir()


class _Remote:
    def __init__(self, system: Any) -> None:
        self._system = system

    def is_folder(self, path: str) -> bool:
        return bool(self._system.isdir(path))

    def exists(self, path: str) -> bool:
        return bool(self._system.exists(path))

    def make_folder(self, file: str) -> str | None:
        self._system.makedirs(file.rsplit("/", 1)[0], exist_ok=True)
        return None

    def open(self, path: str) -> IO[bytes]:
        opened: IO[bytes] = self._system.open(path, "wb")
        return opened

    def rename(self, old: str, new: str) -> None:
        self._system.mv(old, new)

    def remove(self, path: str) -> None:
        self._system.rm(path)

    def remove_folder(self, path: str) -> None:
        self._system.rmdir(path)


def _store(out: str) -> tuple[Store, str]:
    if "://" not in out:
        return _Local(), out
    try:
        import fsspec
    except ImportError as error:
        raise MissingDriverError(f"{out} needs the package 'fsspec': pip install 'fixturesynth[remote]'") from error
    try:
        system, path = fsspec.core.url_to_fs(out)
    except ImportError as error:
        raise MissingDriverError(f"{out} needs a package that is not installed: {error}") from error
    except ValueError as error:
        raise InputError(f"cannot write to {out}: {error}") from error
    return _Remote(system), path
