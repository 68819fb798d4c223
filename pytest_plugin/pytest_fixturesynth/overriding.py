"""What the keyword arguments of ``make`` mean: columns, parents, children and traits, each by the names people use."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from enum import Enum
from functools import lru_cache
from typing import Any

import pyarrow as pa

from fixturesynth.dataset import arrow_type
from fixturesynth.errors import ConstraintError, InputError, did_you_mean
from fixturesynth.schema.model import Column, ForeignKey, Schema, Table

__all__ = ["Asked", "Names", "find_table", "names_of", "understood"]

Row = Mapping[str, Any]
Reader = Callable[[Any], tuple[str, Row] | None]  # a made row or an object of a mapped class: its table and values


@dataclass
class Asked:
    """``values`` by column. ``parents`` by foreign key: a row, overrides for a new one ({}: as it comes), or None.

    ``children``: (child table, foreign key, overrides of each).
    """

    values: dict[str, Any] = field(default_factory=dict)
    parents: dict[str, tuple[str, Any]] = field(
        default_factory=dict
    )  # ("row", row), ("new", overrides), ("none", None)
    children: list[tuple[str, str, list[Mapping[str, Any]]]] = field(default_factory=list)


@dataclass(frozen=True)
class Names:
    """What may be said of one table. ``parents``: foreign key by alias; ``children``: (table, key) by alias."""

    parents: Mapping[str, ForeignKey]
    children: Mapping[str, tuple[str, ForeignKey]]


def find_table(schema: Schema, name: str) -> Table:
    """The table of this name, with or without its schema, singular or plural; InputError with what was meant."""
    if name in schema:
        return schema[name]
    short = name if "." not in name or any(t.schema for t in schema) else name.rpartition(".")[2]
    bare = [t for t in schema if short == t.bare_name or short == singular(t.bare_name)]
    if len(bare) == 1:
        return bare[0]
    raise InputError(f"no table {name!r}: {did_you_mean(name, schema.names)}")


def climbed(schema: Schema, table: str, row: Row, wanted: str) -> tuple[str, Row]:
    """``row`` of a subtype as its row of the table ``wanted`` further up, by its key alone; else as it is."""
    at, values = table, row
    while at != wanted and (fk := schema[at].inherited) is not None:
        values = {t: values[c] for c, t in zip(fk.columns, fk.parent_columns, strict=True) if c in values}
        at = fk.parent
    return (at, values) if at == wanted else (table, row)


def singular(name: str) -> str:
    """A table's name for one of its rows.

    >>> singular("categories"), singular("orders"), singular("addresses"), singular("status")
    ('category', 'order', 'address', 'status')
    """
    for ending, other in (("ies", "y"), ("sses", "ss"), ("xes", "x"), ("ches", "ch"), ("shes", "sh")):
        if name.endswith(ending) and len(name) > len(ending) + 1:
            return name[: -len(ending)] + other
    return name[:-1] if name.endswith("s") and not name.endswith(("ss", "us", "is")) else name


@lru_cache(maxsize=512)
def names_of(schema: Schema, table: str) -> Names:
    """Aliases of the table's parents and children; those that two of them share are left out.

    A parent goes by its foreign key's name, else the column without ``_id``, else the parent table's name; a child by
    its table's name, with the foreign key's behind a point where there are several.
    """
    own = schema[table]
    # The surer a name is, the earlier it comes; what two references share at one level is left to the next.
    levels: list[dict[str, list[ForeignKey]]] = [{}, {}, {}]
    for fk in own.foreign_keys:
        stem = re.sub(r"_(id|fk|code|uuid|key|no)$|(?<=[a-z])(Id|ID)$", "", fk.columns[0])
        bare = schema[fk.parent].bare_name
        for level, aliases in enumerate(({fk.name}, {stem} if len(fk.columns) == 1 else set(), {singular(bare), bare})):
            for alias in aliases - set(own.column_names):
                levels[level].setdefault(alias, []).append(fk)
    parents: dict[str, ForeignKey] = {}
    for level_names in reversed(levels):
        parents |= {alias: found[0] for alias, found in level_names.items() if len(found) == 1}
    children: dict[str, list[tuple[str, ForeignKey]]] = {}
    for child, fk in schema.children_of(table):
        for alias in {child.name, child.bare_name, f"{child.name}.{fk.name}"} - set(own.column_names):
            children.setdefault(alias, []).append((child.name, fk))
    return Names(
        parents, {alias: found[0] for alias, found in children.items() if len(found) == 1 and alias not in parents}
    )


def understood(
    schema: Schema,
    table: Table,
    overrides: Mapping[str, Any],
    read: Reader,
    relations: Mapping[str, str],
    collections: Mapping[str, tuple[str, frozenset[str]]],
) -> Asked:
    """``overrides`` sorted out. ``relations``: the classes' own names of relations, and the foreign key of each;
    ``collections``: those of relations to children, with their table and the columns of the reference.

    Raises:
        InputError: a name that nothing has, or a value of another type; says what could have been meant.
        ConstraintError: NULL where there must be a value, too long a text, an unknown enum value.
    """
    names = names_of(schema, table.name)
    asked = Asked()
    nested: dict[str, dict[str, Any]] = {}
    for name, value in overrides.items():
        if name in table:
            _column(schema, table, name, value, read, asked)
        elif (fk := _parent(table, names, relations, name)) is not None:
            asked.parents[fk.name] = _row_of(schema, table, fk, name, value, read)
        elif (found := names.children.get(name) or _collected(schema, table, collections, name)) is not None:
            child, fk = found
            asked.children.append((child, fk.name, _each(table, name, value)))
        elif (up := _inherited(schema, table, name, collections)) is not None:
            nested.setdefault(up, {})[name] = value
        elif "__" in name and (fk := _parent(table, names, relations, name.partition("__")[0])) is not None:
            nested.setdefault(fk.name, {})[name.partition("__")[2]] = value
        else:
            _refuse(schema, table, name, names, (*relations, *collections))
    for key, inner in nested.items():
        kind, before = asked.parents.get(key, ("new", {}))
        if kind != "new":
            raise InputError(f"{table.name}: {key} is given, so {', '.join(inner)} cannot be asked of it; drop one")
        asked.parents[key] = ("new", {**before, **inner})
    return asked


def _parent(table: Table, names: Names, relations: Mapping[str, str], name: str) -> ForeignKey | None:
    return names.parents.get(name) or (table.foreign_key(relations[name]) if name in relations else None)


def _inherited(schema: Schema, table: Table, name: str, classes: Collection[str] = ()) -> str | None:
    """The foreign key of a subtype to the row above, where ``name`` is said of that one; ``classes``: what a class
    inherits."""
    up = table.inherited
    if up is None:
        return None
    above = schema[up.parent]
    names = names_of(schema, above.name)
    stem = name.partition("__")[0]
    if name in classes or name in above or stem in names.parents or name in names.children:
        return up.name
    return up.name if _inherited(schema, above, name) is not None else None


def _collected(
    schema: Schema, table: Table, collections: Mapping[str, tuple[str, frozenset[str]]], name: str
) -> tuple[str, ForeignKey] | None:
    """The children of this name and their reference, as the classes say."""
    if name not in collections or collections[name][0] not in schema:
        return None
    child, columns = collections[name]
    keys = (fk for fk in schema[child].foreign_keys if set(fk.columns) == columns and fk.parent == table.name)
    return next(((child, fk) for fk in keys), None)


def _refuse(schema: Schema, table: Table, name: str, names: Names, relations: Sequence[str]) -> None:
    aliases = {singular(schema[fk.parent].bare_name) for fk in table.foreign_keys}
    children = [child for child, _ in schema.children_of(table.name)]
    if name in aliases:
        keys = ", ".join(fk.name for fk in table.foreign_keys if singular(schema[fk.parent].bare_name) == name)
        raise InputError(f"{table.name}: several references are to a {name}: name one of {keys}")
    if any(name in (c.name, c.bare_name) for c in children):
        keys = ", ".join(
            f"{c.name}.{fk.name}" for c, fk in schema.children_of(table.name) if name in (c.name, c.bare_name)
        )
        raise InputError(
            f"{table.name}: {name} references it in several ways; pass one of {keys} as **{{...}}, or make them by "
            f"synth.batch({name!r}, ...)"
        )
    known = [*table.column_names, *names.parents, *names.children, *relations]
    above = table
    while above.inherited is not None:
        above = schema[above.inherited.parent]
        known += [*above.column_names, *names_of(schema, above.name).parents]
    raise InputError(f"{table.name} has no column, parent or children {name!r}: {did_you_mean(name, known)}")


def _column(schema: Schema, table: Table, name: str, value: Any, read: Reader, asked: Asked) -> None:
    found = read(value)
    if found is not None:
        for fk in table.foreign_keys:
            parent, row = climbed(schema, *found, fk.parent)
            if name in fk.columns and fk.parent == parent:
                asked.values[name] = row[fk.parent_columns[fk.columns.index(name)]]
                return
        raise InputError(f"{table.name}.{name} does not reference {found[0]}, of which a row is given; give a value")
    asked.values[name] = fitting(table, table.column(name), value)


def fitting(table: Table, column: Column, value: Any) -> Any:
    """``value`` where the column can hold it; else InputError or ConstraintError that says why not."""
    where = f"{table.name}.{column.name}"
    if column.generated is not None:
        raise InputError(f"{where} is computed by the database ({column.generated.expression}); it cannot be given")
    if value is None:
        if not column.nullable:
            raise ConstraintError(f"{where} is NOT NULL; give it a value, or leave it out to have one made")
        return None
    kind = column.type
    plain = value.name if isinstance(value, Enum) and kind.kind == "enum" else value
    plain = plain.value if isinstance(plain, Enum) else plain
    if kind.kind in ("enum", "set") and kind.values:
        for one in str(plain).split(",") if kind.kind == "set" else [str(plain)]:
            if one and one not in kind.values:
                raise ConstraintError(f"{where}: {one!r} is none of its values: {did_you_mean(one, kind.values)}")
    if kind.kind == "text" and isinstance(plain, str) and kind.length is not None and len(plain) > kind.length:
        raise ConstraintError(f"{where} is {kind.name}: {len(plain)} characters do not fit; give at most {kind.length}")
    if kind.kind == "integer":
        low, high = kind.integer_range
        if isinstance(plain, int) and not low <= plain <= high:
            raise ConstraintError(f"{where} is {kind.name}: {plain} is not between {low} and {high}")
    if (cause := _misfit(kind.kind, plain, column)) is not None:
        raise InputError(f"{where} is {kind.name}: {cause}")
    return value


_TYPES: Mapping[str, tuple[type, ...]] = {
    "integer": (int, float, Decimal),
    "float": (int, float, Decimal),
    "decimal": (int, float, Decimal, str),
}


def _misfit(kind: str, value: Any, column: Column) -> str | None:
    """Why a value of another Python type cannot be meant; None where it can."""
    if kind in _TYPES:
        if isinstance(value, bool) or not isinstance(value, _TYPES[kind]):
            return f"{value!r} is no number"
        if kind == "integer" and isinstance(value, float | Decimal) and value != int(value):
            return f"{value!r} is no whole number"
        if kind == "decimal":
            try:
                Decimal(str(value))
            except InvalidOperation:
                return f"{value!r} is no number"
    if kind in ("date", "timestamp", "time"):
        try:
            pa.scalar(value).cast(arrow_type(column.type))
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError, pa.ArrowTypeError):
            return f"{value!r} is no {kind}"
    if kind == "boolean" and value not in (True, False):
        return f"{value!r} is neither true nor false"
    return None


def _row_of(schema: Schema, table: Table, fk: ForeignKey, name: str, value: Any, read: Reader) -> tuple[str, Any]:
    """A parent as it was given: none, a new one, one that is there, or its key."""
    if value is None or value is False:
        if not any(table.column(c).nullable for c in fk.columns):
            raise ConstraintError(
                f"{table.name}.{name}: {', '.join(fk.columns)} is NOT NULL; give a row of {fk.parent}"
            )
        return "none", None
    if value is True:
        return "new", {}
    found = read(value)
    if found is not None:
        found = climbed(schema, *found, fk.parent)
        if found[0] != fk.parent:
            raise InputError(f"{table.name}.{name} references {fk.parent}, however: a row of {found[0]} was given")
        missing = [c for c in fk.parent_columns if c not in found[1]]
        if missing:
            raise InputError(f"{table.name}.{name}: the row of {fk.parent} has no {missing[0]}; insert it first (make)")
        return "row", found[1]
    if isinstance(value, Mapping):
        return "new", dict(value)
    keys = value if isinstance(value, tuple) and len(fk.columns) > 1 else (value,)
    if len(keys) != len(fk.parent_columns):
        raise InputError(
            f"{table.name}.{name}: expected a row of {fk.parent} or its key ({', '.join(fk.parent_columns)})"
        )
    parent = schema[fk.parent]
    for column, key in zip(fk.parent_columns, keys, strict=True):
        fitting(parent, parent.column(column), key)
    return "row", dict(zip(fk.parent_columns, keys, strict=True))


def _each(table: Table, name: str, value: Any) -> list[Mapping[str, Any]]:
    """Children as a number of them, one's overrides, or a list of overrides."""
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return [{}] * value
    if isinstance(value, Mapping):
        return [value]
    if isinstance(value, list | tuple) and all(isinstance(v, Mapping) for v in value):
        return list(value)
    raise InputError(
        f"{table.name}: children {name!r} are a number of them or a list of their columns, however: {value!r}"
    )
