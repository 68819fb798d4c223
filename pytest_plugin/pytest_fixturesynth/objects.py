"""Rows as objects of the user's mapped classes."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapper, RelationshipDirection, Session

from pytest_fixturesynth.records import Record

__all__ = ["Objects"]


class Objects:
    """``models``: classes by table. ``session``: where objects live; asked for when the first one is needed."""

    def __init__(self, models: Mapping[str, type], session: Callable[[], Session], dialect: Any) -> None:
        self.models = models
        self.session = session
        self.dialect = dialect
        self._tables = {model: table for table, model in models.items()}

    def knows(self, table: str) -> bool:
        return table in self.models and bool(self.mapper(table).primary_key)

    def mapper(self, table: str) -> Mapper[Any]:
        return sa.inspect(self.models[table])  # type: ignore[no-any-return]

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

    def read(self, value: Any) -> tuple[str, Mapping[str, Any]] | None:
        """Table and columns of an object; None for anything else. One that is pending is flushed first."""
        for model in type(value).__mro__:
            if model in self._tables:
                break
        else:
            return None
        table = self._tables[model]
        mapper = self.mapper(table)
        state = sa.inspect(value)
        if state.pending:
            self.session().flush()
        values = {c.name: getattr(value, mapper.get_property_by_column(c).key) for c in mapper.local_table.columns}
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
        """The object of a row that was inserted."""
        mapper = self.mapper(record.table)
        key = tuple(self._key(c, record[c.name]) for c in mapper.primary_key)
        found = self.session().get(self.models[record.table], key if len(key) > 1 else key[0])
        assert found is not None, f"{record} was inserted and is not there"
        return found

    def _key(self, column: Any, value: Any) -> Any:
        return _as_python(column.type, value)

    def built(self, record: Record) -> Any:
        """An object of a row that is in no database, with its parents where relations name them."""
        mapper = self.mapper(record.table)
        made = mapper.class_manager.new_instance()
        for column in mapper.local_table.columns:
            if column.name in record:
                setattr(made, mapper.get_property_by_column(column).key, _as_python(column.type, record[column.name]))
        for name, key in self.relations(record.table).items():
            parent = record.parents.get(key)
            if parent is not None and parent.table in self.models:
                sa.orm.attributes.set_committed_value(made, name, self.built(parent))
        return made


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
