"""A lock between processes that its holder's death releases, on any system: SQLite's own."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

__all__ = ["locked"]

PATIENCE = 900.0  # seconds: the first worker may be filling a large database


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Only one process at a time gets past this for the same ``path``, which is made where it is missing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(path, timeout=PATIENCE, isolation_level=None)) as lock:
        lock.execute("BEGIN EXCLUSIVE")
        try:
            yield
        finally:
            lock.execute("ROLLBACK")
