"""What tables are called in a target that allows shorter names than the source does."""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace

from fixturesynth.errors import InputError
from fixturesynth.schema.model import Schema, Table
from fixturesynth.schema.targets import TARGETS, shorten_name

__all__ = ["names_in_target", "refuse_long_columns", "with_names"]

CUTTING = ("postgresql",)  # shortens what is too long by itself, without a word


def names_in_target(
    names: Iterable[str],
    dialect: str,
    present: Callable[[], Collection[str]],
    schemas: Mapping[str, str | None] | None = None,
) -> dict[str, str]:
    """Table -> its name in the target, for those whose own is too long there: its start and a hash of all of it.

    A table that the target has under the name cut to its limit, as PostgreSQL itself cuts what others create, is that
    table, where no other name is cut to the same. ``present``: gives the target's tables. ``schemas``: the schema that
    a name begins with.

    >>> [len(short) for short in names_in_target(["orders", "x" * 70], "mysql", list).values()]
    [64]
    """
    target = TARGETS.get(dialect)
    if target is None or dialect == "generic":
        return {}
    names = list(dict.fromkeys(names))
    heads = {n: _head(n, (schemas or {}).get(n)) if target.schemas else "" for n in names}
    short = {n: heads[n] + shorten_name(n[len(heads[n]) :], dialect) for n in names}
    found = {n: s for n, s in short.items() if s != n}
    if found and dialect in CUTTING:
        there = present()
        cuts = {n: heads[n] + _cut(n[len(heads[n]) :], target.name_limit) for n in names}
        for name in found:
            alone = sum(cut == cuts[name] for cut in cuts.values()) == 1
            if alone and found[name] not in there and cuts[name] in there:
                found[name] = cuts[name]
    for name, other in found.items():
        if other in names or sum(o == other for o in found.values()) > 1:
            raise InputError(
                f"table {name!r}: its name is longer than {dialect} allows, and {other!r}, which would stand for it, "
                "is another table; rename one of them"
            )
    return found


def _head(name: str, schema: str | None) -> str:
    return f"{schema}." if schema and name.startswith(f"{schema}.") else ""


def _cut(name: str, limit: int) -> str:
    return name.encode()[:limit].decode(errors="ignore")


def with_names(schema: Schema, names: Mapping[str, str]) -> Schema:
    """``schema`` with tables called otherwise, wherever they are named."""

    def renamed(table: Table) -> Table:
        keys = tuple(replace(fk, parent=names.get(fk.parent, fk.parent)) for fk in table.foreign_keys)
        above = names.get(table.partition_of, table.partition_of) if table.partition_of else None
        kind = table.subtype and replace(table.subtype, table=names.get(table.subtype.table, table.subtype.table))
        name = names.get(table.name, table.name)
        return replace(table, name=name, foreign_keys=keys, partition_of=above, subtype=kind)

    return replace(schema, tables=tuple(map(renamed, schema)))


def refuse_long_columns(schema: Schema, dialect: str) -> None:
    """InputError for a column that a table to be created cannot have: two long names could become one there."""
    for table in schema if dialect in TARGETS and dialect != "generic" else ():
        for column in table.column_names:
            if shorten_name(column, dialect) != column:
                limit = TARGETS[dialect].name_limit
                raise InputError(
                    f"column {column!r} of table {table.name!r}: {dialect} allows names of {limit} "
                    f"{'bytes' if TARGETS[dialect].name_bytes else 'characters'}; rename it, or write to a target "
                    "without that limit (SQLite, DuckDB, files)"
                )
