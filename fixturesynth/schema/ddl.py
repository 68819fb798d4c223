"""CREATE statements from a Schema, for any target dialect.

``translate`` (translation.py) decides what the target can have; here it is only written down, in an order that loads.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter

from fixturesynth.schema.model import Column, ColumnType, ForeignKey, Kind, Schema, Table, Unique
from fixturesynth.schema.targets import Target, quote_name, target_of
from fixturesynth.schema.translation import Translation, translate

__all__ = ["Creation", "create_statements", "creation", "table_name", "untranslatable"]

EXTENSIONS: Mapping[Kind, str] = {"hstore": "hstore", "ltree": "ltree"}
EXTENSION_TYPES = ("citext", "geometry", "geography", "vector", "cube", "isbn")
EXTENSION_OF = {"geometry": "postgis", "geography": "postgis", "isbn": "isn"}


@dataclass(frozen=True)
class Creation:
    """Statements ``before`` the rows and ``after`` them, the schema that results, and what it lacks, in words."""

    before: tuple[str, ...]
    after: tuple[str, ...]
    schema: Schema
    notes: tuple[str, ...]
    order: tuple[str, ...]  # in which the tables are created


def create_statements(schema: Schema, dialect: str) -> tuple[str, ...]:
    """The statements that create every table, key and constraint of ``schema`` in ``dialect``, in order.

    Raises InputError for a dialect that is not known. What the dialect cannot have: ``untranslatable``.

    >>> from fixturesynth.schema.model import Column, ColumnType, PrimaryKey, Schema, Table
    >>> book = Table("book", (Column("id", ColumnType("integer", "INTEGER", bits=64), nullable=False),
    ...              Column("title", ColumnType("text", "TEXT"))), primary_key=PrimaryKey(("id",)))
    >>> print(*create_statements(Schema((book,), "sqlite"), "postgresql"))
    CREATE TABLE "book" (
      "id" bigint NOT NULL,
      "title" text,
      PRIMARY KEY ("id")
    )
    """
    made = creation(translate(schema, dialect))
    return made.before + made.after


def untranslatable(schema: Schema, dialect: str) -> tuple[str, ...]:
    """In words, everything of ``schema`` that ``dialect`` cannot have."""
    return creation(translate(schema, dialect)).notes


def creation(translation: Translation, *, keys_last: bool = False) -> Creation:
    """The statements for an already translated schema; ``keys_last`` puts keys and foreign keys after the rows.

    Building an index once over all rows is several times faster than row by row. It needs a target that can add keys
    and foreign keys to a table (``Target.alter_foreign_key``).
    """
    schema, target = translation.schema, target_of(translation.schema.dialect)
    notes = list(translation.notes)
    tables = _parents_first(schema)
    created: dict[str, None] = {}
    before = _schemas(schema, target) if target.schemas else []
    before += _prelude(schema, target) if target.enum_types else []
    keys: list[str] = []
    references: list[str] = []
    for table in tables:
        created[table.name] = None
        inline, added = [], []
        for fk in table.foreign_keys:
            if target.forward_references or (fk.parent in created and not target.alter_foreign_key):
                inline.append(fk)
            elif target.alter_foreign_key:
                added.append(fk)
            else:
                notes.append(
                    f"table {table.name}: foreign key {fk.name} left out in {target.name}: "
                    f"{fk.parent} is created later and no foreign key can be added to a table there"
                )
        before.append(_create_table(table, schema, inline, target, keys=not keys_last))
        alter = f"ALTER TABLE {table_name(table, target.name)} ADD "
        if keys_last:
            keys += [alter + text for text in _keys(table, target)]
        keys += [_unique_index(u, table, target) for u in table.uniques if not _is_constraint(u)]
        keys += [alter + f"CONSTRAINT {_quoted(e.name, target)} {e.text}" for e in table.exclusions]
        references += [alter + _foreign_key(fk, schema, target) for fk in added]
    after = (*keys, *references)
    return Creation(
        tuple(before) + (() if keys_last else after), after if keys_last else (), schema, tuple(notes), tuple(created)
    )


def table_name(table: Table, dialect: str) -> str:
    """The table's name in SQL: quoted, with its schema where the dialect has schemas.

    >>> table_name(Table("sales.order", (), schema="sales"), "postgresql")
    '"sales"."order"'
    """
    if table.schema and table.bare_name != table.name and target_of(dialect).schemas:
        return f"{quote_name(table.schema, dialect)}.{quote_name(table.bare_name, dialect)}"
    return quote_name(table.name, dialect)


def _quoted(name: str, target: Target) -> str:
    return quote_name(name, target.name)


def _list(names: tuple[str, ...], target: Target) -> str:
    return ", ".join(quote_name(n, target.name) for n in names)


def _parents_first(schema: Schema) -> list[Table]:
    """Tables in the schema's order as far as parents allow; inside of a cycle as they come."""
    waiting = {t.name: {fk.parent for fk in t.foreign_keys if fk.parent in schema} - {t.name} for t in schema}
    try:
        return [schema[name] for name in TopologicalSorter(waiting).static_order()]
    except CycleError:
        pass
    placed: dict[str, None] = {}
    while len(placed) < len(waiting):
        free = [n for n in waiting if n not in placed and waiting[n] <= placed.keys()]
        # In a cycle, the table that lacks the fewest parents goes first, so that the fewest references come too early.
        stuck = min((n for n in waiting if n not in placed), key=lambda n: len(waiting[n] - placed.keys()))
        placed.update(dict.fromkeys(free or [stuck]))
    return [schema[name] for name in placed]


def _schemas(schema: Schema, target: Target) -> list[str]:
    names = dict.fromkeys(t.schema for t in schema if t.bare_name != t.name)
    return [f"CREATE SCHEMA IF NOT EXISTS {_quoted(name, target)}" for name in names if name]


def _prelude(schema: Schema, target: Target) -> list[str]:
    """PostgreSQL's extensions, enums and domains, before the tables that use them."""
    columns = [(t, c) for t in schema for c in t.columns]
    extensions = {EXTENSIONS[c.type.kind] for _, c in columns if c.type.kind in EXTENSIONS}
    words = {w for _, c in columns for w in c.type.name.lower().replace("(", " ").replace("[", " ").split()}
    extensions |= {EXTENSION_OF.get(w, w) for w in EXTENSION_TYPES if words & {w, f"public.{w}"}}
    if any("gist" in e.using and any(op.strip() == "=" for _, op in e.elements) for t in schema for e in t.exclusions):
        extensions.add("btree_gist")
    texts = [text for t in schema for u in t.uniques for text in u.expressions]
    extensions |= {"unaccent" for text in texts if "unaccent(" in text}
    statements = [f"CREATE EXTENSION IF NOT EXISTS {_quoted(name, target)}" for name in sorted(extensions)]
    enums: dict[str, tuple[str, ...]] = {}
    for _, column in columns:
        for t in _with_elements(column.type):
            if t.kind == "enum" and not t.domain:
                enums.setdefault(t.name, t.values)
    for name, values in enums.items():
        quoted = ", ".join("'" + v.replace("'", "''") + "'" for v in values)
        statements.append(f"CREATE TYPE {_type_name(name)} AS ENUM ({quoted})")
    domains = {c.type.domain: c for _, c in columns if c.type.domain}
    for domain, column in domains.items():
        checks = "".join(f" CHECK ({text})" for text in column.domain_checks)
        statements.append(f"CREATE DOMAIN {_type_name(domain)} AS {_base_type(column.type)}{checks}")
    return statements


def _with_elements(column_type: ColumnType) -> list[ColumnType]:
    return [column_type, *(_with_elements(column_type.element) if column_type.element else [])]


def _type_name(name: str) -> str:
    """A user's type as SQL: a catalogue writes names quoted where they need it, FixtureSynth's own are not."""
    if '"' in name or (name.replace(".", "_").replace("_", "a").isalnum() and name == name.lower()):
        return name
    return quote_name(name, "postgresql")


def _base_type(column_type: ColumnType) -> str:
    return _type_name(column_type.name) if column_type.kind == "enum" else column_type.name


def _create_table(table: Table, schema: Schema, foreign_keys: list[ForeignKey], target: Target, *, keys: bool) -> str:
    row_id = _row_id(table, target)
    lines = [_column(column, table, target, column.name == row_id) for column in table.columns]
    if keys:
        lines += _keys(table, target)[1 if row_id else 0 :]
    lines += [f"{_constraint(check.name, target)}CHECK ({check.text})" for check in table.checks if check.declared]
    lines += [_foreign_key(fk, schema, target) for fk in foreign_keys]
    body = ",\n  ".join(lines)
    return f"CREATE TABLE {table_name(table, target.name)} (\n  {body}\n){target.table_options}"


def _row_id(table: Table, target: Target) -> str | None:
    """SQLite numbers a column by itself when its type and key are written in one particular way."""
    if target.name != "sqlite" or table.primary_key is None or len(table.primary_key.columns) != 1:
        return None
    column = table.column(table.primary_key.columns[0])
    return column.name if column.type.name.upper() == "INTEGER" and column.autoincrement else None


def _column(column: Column, table: Table, target: Target, row_id: bool) -> str:
    parts = [_quoted(column.name, target), _column_type(column, target)]
    if column.collation:
        parts.append(_collation(column.collation, target))
    if column.generated:
        stored = "STORED" if column.generated.stored else "VIRTUAL"
        parts.append(f"GENERATED ALWAYS AS ({column.generated.expression}) {stored}")
    if row_id:
        parts.append("PRIMARY KEY AUTOINCREMENT" if column.identity else "PRIMARY KEY")
    numbered = (column.autoincrement or column.identity) and target.identity and column.type.kind == "integer"
    keyed = table.primary_key is not None and column.name in table.primary_key.columns
    if target.name == "mysql" and column.generated is None:
        parts.append("NULL" if column.nullable and not keyed else "NOT NULL")
    elif (not column.nullable or numbered) and not row_id and not (column.generated and target.name == "mysql"):
        parts.append("NOT NULL")
    if numbered and target.identity:
        always = column.identity == "always"
        parts.append(target.identity.replace("BY DEFAULT", "ALWAYS") if always else target.identity)
    elif column.default is not None and column.generated is None:
        brackets = column.type.kind in target.default_in_brackets and not column.type.name.startswith(
            ("varchar", "char")
        )
        parts.append(
            f"DEFAULT ({column.default})" if brackets or target.name == "sqlite" else f"DEFAULT {column.default}"
        )
    return " ".join(parts)


def _column_type(column: Column, target: Target) -> str:
    if not target.enum_types:
        return column.type.name
    if column.type.domain:
        return _type_name(column.type.domain)
    return _base_type(column.type)


def _collation(collation: str, target: Target) -> str:
    if target.name == "mysql":
        # The character set follows from the collation.
        return f"COLLATE {collation}"
    quoted = collation if target.name == "sqlite" or '"' in collation else _quoted(collation, target)
    return f"COLLATE {quoted}"


def _keys(table: Table, target: Target) -> list[str]:
    """Primary key and unique constraints, as they stand in CREATE TABLE or after ALTER TABLE ... ADD."""
    lines = []
    if table.primary_key:
        lines.append(
            f"{_constraint(table.primary_key.name, target)}PRIMARY KEY ({_list(table.primary_key.columns, target)})"
        )
    for unique in table.uniques:
        if _is_constraint(unique):
            nulls = "" if unique.nulls_distinct or not target.nulls_not_distinct else " NULLS NOT DISTINCT"
            lines.append(f"{_constraint(unique.name, target)}UNIQUE{nulls} ({_list(unique.columns, target)})")
    return lines


def _constraint(name: str | None, target: Target) -> str:
    if not name or name.lower().startswith("sqlite_") or (target.name == "mysql" and name == "PRIMARY"):
        return ""
    return f"CONSTRAINT {_quoted(name, target)} "


def _is_constraint(unique: Unique) -> bool:
    return not unique.expressions and unique.predicate is None


def _unique_index(unique: Unique, table: Table, target: Target) -> str:
    members = [_quoted(c, target) for c in unique.columns] + [_member(text, target) for text in unique.expressions]
    nulls = "" if unique.nulls_distinct or not target.nulls_not_distinct else " NULLS NOT DISTINCT"
    where = f" WHERE {unique.predicate}" if unique.predicate is not None else ""
    name = f"CREATE UNIQUE INDEX {_quoted(unique.name, target)} ON {table_name(table, target.name)}"
    return f"{name} ({', '.join(members)}){nulls}{where}"


PREFIX = re.compile(r"left\(\s*(?:`((?:[^`]|``)+)`|(\w+))\s*,\s*(\d+)\s*\)", re.IGNORECASE)


def _member(text: str, target: Target) -> str:
    """An expression in an index; the start of a text is written ``name(20)`` in MySQL."""
    prefix = PREFIX.fullmatch(text.strip()) if target.name == "mysql" else None
    return f"({text})" if prefix is None else f"{_quoted(prefix[1] or prefix[2], target)}({prefix[3]})"


def _foreign_key(fk: ForeignKey, schema: Schema, target: Target) -> str:
    parent = table_name(schema[fk.parent], target.name)
    text = f"{_constraint(fk.name, target)}FOREIGN KEY ({_list(fk.columns, target)})"
    text += f" REFERENCES {parent} ({_list(fk.parent_columns, target)})"
    if fk.match == "FULL":
        text += " MATCH FULL"
    for event, action in (("DELETE", fk.on_delete), ("UPDATE", fk.on_update)):
        if action and action.upper() != "NO ACTION":
            text += f" ON {event} {action}"
    if fk.deferrable:
        text += " DEFERRABLE" + (" INITIALLY DEFERRED" if fk.initially_deferred else "")
    return text
