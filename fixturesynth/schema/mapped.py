"""Classes that SQLAlchemy maps to tables, declarative or SQLModel, and objects of them made from rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine.default import DefaultDialect
from sqlalchemy.orm import Mapper, RelationshipProperty, registry

from fixturesynth.errors import InputError
from fixturesynth.schema.model import Schema

__all__ = ["Mapped", "is_mapped", "mapped_classes", "mapped_of", "table_of"]

DIALECT = DefaultDialect()
# Types whose Python values are not what the database stores, and that know how to make them.
READ = (sa.Enum, sa.Uuid, sa.JSON, sa.PickleType, sa.TypeDecorator)


@dataclass(frozen=True)
class _Class:
    """``attributes``: by column, the attribute and what makes its value. ``links``: relationships to one parent."""

    made: type
    attributes: Mapping[str, tuple[str, Callable[[Any], Any] | None]]
    links: tuple[tuple[str, str, tuple[tuple[str, str], ...]], ...]  # attribute, parent's table, (own, theirs) columns


@dataclass(frozen=True)
class Mapped:
    """The classes of tables, by table; those without one are left as dictionaries."""

    classes: Mapping[str, _Class]

    def objects(self, rows: Mapping[str, Sequence[Mapping[str, Any]]]) -> dict[str, list[Any]]:
        """An object for each row, relationships to parents set; rows of unmapped tables stay dictionaries."""
        out: dict[str, list[Any]] = {}
        known: dict[tuple[str, tuple[str, ...]], dict[tuple[Any, ...], Any]] = {}
        for name, some in rows.items():
            mapped = self.classes.get(name)
            out[name] = [_made(mapped, row) for row in some] if mapped is not None else [dict(r) for r in some]
        for name, some in rows.items():
            mapped = self.classes.get(name)
            for attribute, parent, pairs in mapped.links if mapped is not None else ():
                if parent not in rows or parent not in self.classes:
                    continue
                theirs = tuple(t for _, t in pairs)
                if (parent, theirs) not in known:
                    keys = (tuple(r[t] for t in theirs) for r in rows[parent])
                    known[parent, theirs] = dict(zip(keys, out[parent], strict=True))
                for row, made in zip(some, out[name], strict=True):
                    found = known[parent, theirs].get(tuple(row[c] for c, _ in pairs))
                    if found is not None:
                        setattr(made, attribute, found)
        return out


def _made(mapped: _Class, row: Mapping[str, Any]) -> Any:
    values = {}
    for column, value in row.items():
        if column in mapped.attributes:
            attribute, reader = mapped.attributes[column]
            values[attribute] = value if reader is None or value is None else reader(value)
    made = mapped.made()
    for attribute, value in values.items():
        setattr(made, attribute, value)
    return made


def is_mapped(thing: object) -> bool:
    """Whether this is a class that SQLAlchemy maps to a table."""
    return isinstance(thing, type) and isinstance(getattr(thing, "__table__", None), sa.Table)


def mapped_of(base: Any) -> tuple[type, ...]:
    """The classes of a declarative base, or of SQLModel; InputError where ``base`` is none."""
    found = _registry_of(base)
    if found is None:
        raise InputError(f"Expected a declarative base or a mapped class, but got {base!r}")
    return tuple(m.class_ for m in found.mappers)


def table_of(mapped: type) -> str:
    """The name of a mapped class's table, as a Schema has it."""
    return str(mapped.__table__.fullname)  # type: ignore[attr-defined]


def mapped_classes(origin: Any, schema: Schema, tables: Iterable[str]) -> Mapped:
    """The classes of ``tables``, of the registry that ``origin`` (a base or a mapped class) belongs to.

    InputError where there are none: MetaData and databases know tables only.
    """
    found = _registry_of(origin)
    if found is None:
        raise InputError(
            f'tables_as="orm" needs mapped classes, but got {type(origin).__name__}: give the declarative base, '
            "SQLModel or one of the classes as the source"
        )
    found.configure()
    wanted = set(tables)
    classes = {}
    for mapper in found.mappers:
        name = str(getattr(mapper.local_table, "fullname", ""))
        if name in wanted and not mapper.single:
            if mapper.inherits is not None:
                raise InputError(
                    f'tables_as="orm": {mapper.class_.__name__} inherits from {mapper.inherits.class_.__name__} by '
                    'joined tables, which cannot be made from rows yet; draw tables_as="dicts"'
                )
            classes[name] = _class_of(mapper, schema)
    return Mapped(classes)


def _registry_of(origin: Any) -> registry | None:
    for name in ("registry", "_sa_registry"):
        found = getattr(origin, name, None)
        if isinstance(found, registry):
            return found
    return None


def _class_of(mapper: Mapper[Any], schema: Schema) -> _Class:
    attributes = {}
    for column in mapper.columns:
        if isinstance(column, sa.Column) and column.table is mapper.local_table:
            attributes[column.name] = (mapper.get_property_by_column(column).key, _reader(column.type))
    links = []
    for relationship in mapper.relationships:
        if _is_to_parent(relationship):
            pairs = tuple((str(a.name), str(b.name)) for a, b in relationship.local_remote_pairs or ())
            links.append((relationship.key, str(relationship.mapper.local_table.fullname), pairs))  # type: ignore[attr-defined]
    return _Class(mapper.class_, attributes, tuple(links))


def _is_to_parent(relationship: RelationshipProperty[Any]) -> bool:
    return relationship.direction.name == "MANYTOONE" and not relationship.viewonly


def _reader(kind: Any) -> Callable[[Any], Any] | None:
    if not isinstance(kind, READ):
        return None
    reader: Callable[[Any], Any] | None = kind.dialect_impl(DIALECT).result_processor(DIALECT, None)
    return reader
