"""The manifest: what every run leaves behind, so that synthetic rows can be told from real ones and made again."""

import json
import platform
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from sqlalchemy import Connection
from sqlalchemy import text as sql_text

from fixturesynth.dataset import Dataset
from fixturesynth.placing import put
from fixturesynth.schema.ddl import Creation, creation
from fixturesynth.schema.model import Column, ColumnType, PrimaryKey, Schema, Table
from fixturesynth.schema.targets import quote_name
from fixturesynth.schema.translation import translate

__all__ = ["FILE", "TABLE", "build_manifest", "manifest_creation", "write_manifest", "write_manifest_row"]

FILE = "fixturesynth-manifest.json"
TABLE = "_fixturesynth_manifest"
PACKAGES = ("fixturesynth", "numpy", "pyarrow")

SCHEMA = Schema(
    (
        Table(
            TABLE,
            (
                Column("id", ColumnType("integer", "bigint", bits=64), nullable=False),
                Column("created", ColumnType("text", "varchar(40)", length=40), nullable=False),
                Column("manifest", ColumnType("text", "text"), nullable=False),
            ),
            primary_key=PrimaryKey(("id",)),
        ),
    )
)


def build_manifest(
    data: Dataset, *, seed: int | None = None, plan_hash: str | None = None, source: str | None = None
) -> dict[str, Any]:
    """What was made, from what, by which versions; nothing in it depends on when or where.

    >>> import pyarrow as pa
    >>> made = build_manifest(Dataset({"t": pa.table({"a": [1, 2]})}), seed=7)
    >>> made["synthetic"], made["seed"], made["tables"]["t"]["rows"]
    (True, 7, 2)
    """
    return {
        "synthetic": True,
        "seed": seed,
        "plan_hash": plan_hash,
        "source": source,
        "versions": {"python": platform.python_version(), **{name: _version(name) for name in PACKAGES}},
        "tables": {name: {"rows": rows, "content_hash": data.content_hash(name)} for name, rows in data.rows.items()},
    }


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _stamp(created: datetime | None) -> str:
    return (created or datetime.now(UTC)).isoformat(timespec="seconds")


def write_manifest(folder: str | Path, manifest: Mapping[str, Any], *, created: datetime | None = None) -> Path:
    """``fixturesynth-manifest.json`` in ``folder``, with the time of its making: now, or ``created``."""
    made = {"created": _stamp(created), **manifest}
    return put(Path(folder) / FILE, json.dumps(made, indent=2, ensure_ascii=False) + "\n")


def manifest_creation(dialect: str) -> Creation:
    """The statements that create the manifest's table."""
    return creation(translate(SCHEMA, dialect))


def write_manifest_row(
    connection: Connection, manifest: Mapping[str, Any], dialect: str, *, created: datetime | None = None
) -> None:
    """One more row in the manifest's table, in the connection's transaction."""
    table = quote_name(TABLE, dialect)
    last = connection.exec_driver_sql(f"SELECT max(id) FROM {table}").scalar()
    connection.execute(
        sql_text(f"INSERT INTO {table} (id, created, manifest) VALUES (:id, :created, :manifest)"),
        {
            "id": (last or 0) + 1,
            "created": _stamp(created),
            "manifest": json.dumps(dict(manifest), ensure_ascii=False, default=str),
        },
    )
