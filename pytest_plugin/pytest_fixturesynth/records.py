"""A made row: a mapping of columns to values that knows its table and its parents."""

from __future__ import annotations

from typing import Any

__all__ = ["Record"]


class Record(dict[str, Any]):
    """A row as ``make`` and ``build`` give it where no classes are known.

    ``table``: its table. ``parents``: the rows that it references and that were made or chosen for it, by foreign key.
    """

    __slots__ = ("parents", "table")

    def __init__(self, table: str, values: dict[str, Any], parents: dict[str, Record] | None = None) -> None:
        super().__init__(values)
        self.table = table
        self.parents = parents if parents is not None else {}

    def __repr__(self) -> str:
        return f"{self.table}({', '.join(f'{name}={value!r}' for name, value in self.items())})"
