"""Rows as objects of the user's mapped classes."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapper, RelationshipDirection, Session, make_transient_to_detached

from pytest_fixturesynth.records import Record

__all__ = ["Objects"]

UNKNOWN = object()  # a value that only the database can tell


@dataclass(frozen=True)
class Facts:
    """What is known of a class. ``attributes``: (column, attribute, conversion); ``asks``: rows have to be loaded."""

    mapper: Mapper[Any]
    attributes: tuple[tuple[str, str, Callable[[Any], Any] | None], ...]
    relations: Mapping[str, str]
    asks: bool
    keys: tuple[tuple[str, Any], ...]

    def key_of(self, record: Record) -> tuple[Any, ...]:
        return tuple(_as_python(kind, record[name]) for name, kind in self.keys)


class Objects:
    """``models``: classes by table. ``session``: where objects live; asked for when the first one is needed."""

    def __init__(self, models: Mapping[str, type], session: Callable[[], Session], dialect: Any) -> None:
        self.models = models
        self.session = session
        self.dialect = dialect
        self._facts: dict[str, Facts] = {}
        self._tables = {model: table for table, model in models.items()}

    def columns(self, table: str) -> dict[str, str]:
        """Columns by the names that the class has for them, where these are others."""
        return {key: c for c, key, _ in self.facts(table).attributes if key != c} if table in self.models else {}

    def table_of(self, made: type) -> tuple[str, Mapping[str, Any]] | None:
        """The table of a mapped class, and what tells its rows from those of other classes in the same table."""
        table = next((self._tables[cls] for cls in made.__mro__ if cls in self._tables), None)
        if table is None:
            return None
        return table, kept_apart(sa.inspect(made))

    def knows(self, table: str) -> bool:
        return table in self.models and bool(self.mapper(table).primary_key)

    def mapper(self, table: str) -> Mapper[Any]:
        return sa.inspect(self.models[table])

    def relations(self, table: str) -> dict[str, str]:
        """Names of relations to parents, each with the foreign key behind it."""
        if table not in self.models:
            return {}
        mapper, found = self.mapper(table), {}
        for relation in mapper.relationships:
            if relation.direction is RelationshipDirection.MANYTOONE:
                columns = tuple(c.name for c in relation.local_columns)
                for fk in mapper.local_table.foreign_key_constraints:  # type: ignore[attr-defined]
                    if {c.name for c in fk.columns} == set(columns):
                        found[relation.key] = str(fk.name or f"fk_{'_'.join(c.name for c in fk.columns)}")
        return found

    def collections(self, table: str) -> dict[str, tuple[str, frozenset[str]]]:
        """Names of relations to children, each with their table and the columns that reference this one."""
        if table not in self.models:
            return {}
        found = {}
        for relation in self.mapper(table).relationships:
            child = self._tables.get(relation.mapper.class_)
            if relation.direction is RelationshipDirection.ONETOMANY and child is not None:
                found[relation.key] = child, frozenset(c.name for c in relation.remote_side)
        return found

    def read(self, value: Any) -> tuple[str, Mapping[str, Any]] | None:
        """Table and columns of an object; None for anything else. One that is pending is flushed first."""
        for model in type(value).__mro__:
            if model in self._tables:
                break
        else:
            return None
        table = self._tables[model]
        state = sa.inspect(value)
        if state.pending:
            self.session().flush()
        values = {c: getattr(value, key) for c, key, _ in self.facts(table).attributes}
        return table, values

    def bound(self, table: str, values: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
        """``values`` with the ``given`` ones as the classes' own types put them into the database."""
        out = dict(values)
        if table not in self.models:
            return out
        columns = self.mapper(table).local_table.columns
        for name in given:
            if name in columns and out.get(name) is not None:
                process = columns[name].type.dialect_impl(self.dialect).bind_processor(self.dialect)
                if process is not None and _is_special(columns[name].type):
                    out[name] = process(out[name])
        return out

    def loaded(self, record: Record) -> Any:
        """The object of a row that was inserted, with those of the parents that were made for it.

        They are persistent in the session without having been asked of the database: what was inserted is known. What
        is not known for sure (a value of a type that converts in its own way) is loaded when it is looked at.
        """
        facts = self.facts(record.table)
        if facts.asks:
            found = self.session().get(self.models[record.table], facts.key_of(record))
            assert found is not None, f"{record} was inserted and is not there"
            return found
        session = self.session()
        identity = facts.mapper.identity_key_from_primary_key(facts.key_of(record))
        there = session.identity_map.get(identity)
        if there is not None:
            return there
        made = facts.mapper.class_manager.new_instance()
        values = made.__dict__
        for name, key, convert in facts.attributes:
            if name in record:
                value = record[name]
                if value is None or convert is None:
                    values[key] = value
                elif (converted := convert(value)) is not UNKNOWN:
                    values[key] = converted
        for name, key in facts.relations.items():
            parent = record.parents.get(key)
            if parent is not None and self.knows(parent.table):
                values[name] = self.loaded(parent)
        make_transient_to_detached(made)
        session.add(made)
        return made

    def facts(self, table: str) -> Facts:
        if table not in self._facts:
            mapper = self.mapper(table)
            mapped = set(mapper.columns)
            attributes = tuple(
                (c.name, mapper.get_property_by_column(c).key, _converter(c.type))
                for c in mapper.local_table.columns
                if c in mapped
            )
            asks = mapper.polymorphic_on is not None or any(_is_own(c.type) for c in mapper.primary_key)
            own = mapper.local_table.primary_key if mapper.inherits is not None else mapper.primary_key
            keys = tuple((c.name, c.type) for c in own)
            self._facts[table] = Facts(mapper, attributes, self.relations(table), asks, keys)
        return self._facts[table]

    def built(self, record: Record) -> Any:
        """An object of a row that is in no database, with its parents where relations name them."""
        mapper = self.mapper(record.table)
        made = mapper.class_manager.new_instance()
        kinds = {c.name: c.type for c in mapper.local_table.columns}
        for name, key, _ in self.facts(record.table).attributes:
            if name in record:
                setattr(made, key, _as_python(kinds[name], record[name]))
        above = self._tables.get(mapper.inherits.class_) if mapper.inherits is not None else None
        row = next((r for r in record.parents.values() if r.table == above), None)
        if row is not None:
            up = self.built(row)
            for attribute in sa.inspect(up).attrs:
                if attribute.key not in {k for _, k, _ in self.facts(record.table).attributes}:
                    setattr(made, attribute.key, attribute.value)
        for name, key in self.relations(record.table).items():
            parent = record.parents.get(key)
            if parent is not None and parent.table in self.models:
                sa.orm.attributes.set_committed_value(made, name, self.built(parent))
        return made


def kept_apart(mapper: Mapper[Any]) -> dict[str, Any]:
    """What tells rows of a class from those of other classes in the same table."""
    column, name = mapper.polymorphic_on, mapper.polymorphic_identity
    own = isinstance(column, sa.Column) and name is not None and (mapper.single or mapper.inherits is None)
    return {str(column.name): name} if own and isinstance(column, sa.Column) else {}


_SAME: Mapping[type, type] = {
    sa.Boolean: bool, sa.Integer: int, sa.String: str, sa.DateTime: datetime, sa.Time: time, sa.Interval: timedelta,
    sa.LargeBinary: bytes,
}  # fmt: skip


def _converter(kind: Any) -> Callable[[Any], Any] | None:
    """From a value as it was inserted to the attribute's; one that gives UNKNOWN for what is better asked."""
    if isinstance(kind, sa.Enum | sa.Uuid | sa.JSON) and not _is_own(kind):
        return lambda value: _as_python(kind, value)
    if _is_own(kind):
        return lambda value: UNKNOWN
    if isinstance(kind, sa.Date):
        return lambda value: value if type(value) is date else UNKNOWN
    if isinstance(kind, sa.Float):
        return lambda value: value if type(value) is float else UNKNOWN
    if isinstance(kind, sa.Numeric):
        return lambda value: value if type(value) is Decimal and kind.asdecimal else UNKNOWN
    for base, plain in _SAME.items():
        if isinstance(kind, base):
            return lambda value: value if type(value) is plain else UNKNOWN
    return lambda value: UNKNOWN


def _is_own(kind: Any) -> bool:
    """Whether the type was written by the user."""
    return isinstance(kind, sa.types.TypeDecorator | sa.types.UserDefinedType)


def _is_special(kind: Any) -> bool:
    return isinstance(kind, sa.Enum | sa.Uuid | sa.JSON | sa.types.TypeDecorator)


def _as_python(kind: Any, value: Any) -> Any:
    """A value as rows hold it, as an attribute of ``kind`` holds it."""
    if value is None:
        return None
    if isinstance(kind, sa.Enum) and kind.enum_class is not None and isinstance(value, str):
        return kind.enum_class[value] if value in kind.enum_class.__members__ else kind.enum_class(value)
    if isinstance(kind, sa.Uuid) and kind.as_uuid and isinstance(value, str):
        return UUID(value)
    if isinstance(kind, sa.JSON) and isinstance(value, str):
        return json.loads(value)
    return value
