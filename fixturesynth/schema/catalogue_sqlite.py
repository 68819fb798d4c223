"""Reflection of SQLite: pragmas for what they tell, the text of CREATE TABLE for the rest.

The pragmas know columns, keys and indexes; checks, collations, constraint names and DEFERRABLE stand in the text only
(https://www.sqlite.org/pragma.html, https://www.sqlite.org/lang_createtable.html).
"""

import itertools
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from operator import attrgetter
from typing import Any

from sqlalchemy.engine import Connection

from fixturesynth.errors import SourceError, did_you_mean
from fixturesynth.schema.cursor import Cursor, split_commas
from fixturesynth.schema.declarations import Types, index_members, read_create_table, settle
from fixturesynth.schema.draft import Draft, freeze, table_name
from fixturesynth.schema.model import Column, Dialect, ForeignKey, Generated, PrimaryKey, Schema, Unique
from fixturesynth.schema.types import parse_type

__all__ = ["read_sqlite"]

Row = Any
DIALECT: Dialect = "sqlite"
HIDDEN = 1  # table_xinfo.hidden: 1 hidden column of a virtual table, 2 generated virtual, 3 generated stored
GENERATED = {2: False, 3: True}


@dataclass(frozen=True)
class Pragmas:
    """Everything that one database file says, by table."""

    objects: Sequence[Row]
    owned: dict[str, list[Row]]  # a table's own entry, its indexes and triggers
    columns: dict[str, list[Row]]
    foreign_keys: dict[str, list[Row]]
    indexes: dict[str, list[Row]]
    members: dict[str, list[Row]]  # by index


def read_sqlite(connection: Connection, schemas: Sequence[str] | None = None) -> Schema:
    """The schema of the database file ``connection`` is open on (``main`` unless ``schemas`` names attached ones)."""
    known = [row.name for row in connection.exec_driver_sql("PRAGMA database_list")]
    drafts: list[Draft] = []
    notes: list[str] = []
    for schema in schemas or ["main"]:
        if schema not in known:
            raise SourceError(f"no schema {schema!r} in this SQLite database; {did_you_mean(schema, known)}")
        read_one(connection, schema, drafts, notes)
    return freeze(drafts, DIALECT, "main", notes, any_case=True)


def read_one(connection: Connection, schema: str, drafts: list[Draft], notes: list[str]) -> None:
    pragmas = read_pragmas(connection, schema)
    tables = [o for o in pragmas.objects if o.type == "table" and not o.name.startswith("sqlite_")]
    virtual = [o.name for o in tables if is_virtual(o.sql)]
    notes.extend(f"virtual table {name} is left alone" for name in virtual)
    for table in tables:
        owner = next((v for v in virtual if table.name.startswith(f"{v}_")), None)
        if table.name not in virtual and owner is None:
            drafts.append(read_table(table, schema, pragmas))


def is_virtual(sql: str | None) -> bool:
    return Cursor.over(sql or "", DIALECT).accept("CREATE", "VIRTUAL")


def read_pragmas(connection: Connection, schema: str) -> Pragmas:
    """Five queries, however many tables there are."""
    quoted = '"' + schema.replace('"', '""') + '"'
    master = f"FROM {quoted}.sqlite_master m"
    argument = "'" + schema.replace("'", "''") + "'"

    def rows(sql: str) -> Sequence[Row]:
        return connection.exec_driver_sql(sql).all()

    def by(name: str, found: Iterable[Row]) -> dict[str, list[Row]]:
        grouped: dict[str, list[Row]] = defaultdict(list)
        for row in found:
            grouped[getattr(row, name)].append(row)
        return grouped

    def per_table(pragma: str) -> dict[str, list[Row]]:
        return by(
            "tbl", rows(f"SELECT m.name AS tbl, p.* {master}, {pragma}(m.name, {argument}) p WHERE m.type = 'table'")
        )

    members = rows(
        f"SELECT l.name AS idx, x.* {master}, pragma_index_list(m.name, {argument}) l, "
        f"pragma_index_xinfo(l.name, {argument}) x WHERE m.type = 'table' AND l.\"unique\" AND x.key"
    )
    objects = rows(f"SELECT m.type, m.name, m.tbl_name, m.sql {master} ORDER BY m.rowid")
    return Pragmas(
        objects,
        by("tbl_name", objects),
        per_table("pragma_table_xinfo"),
        per_table("pragma_foreign_key_list"),
        per_table("pragma_index_list"),
        by("idx", members),
    )


def read_table(table: Row, schema: str, pragmas: Pragmas) -> Draft:
    text, strict, without_rowid = read_text(table.sql, table.name)
    name = table_name(schema, table.name, "main")
    draft = replace(text, name=name, schema=schema, columns=[], foreign_keys=[], uniques=[])
    info = [c for c in pragmas.columns[table.name] if c.hidden != HIDDEN]
    key = tuple(c.name for c in sorted((c for c in info if c.pk), key=attrgetter("pk")))
    draft.primary_key = PrimaryKey(key, text.primary_key.name if text.primary_key else None) if key else None
    written = {c.name.casefold(): c for c in text.columns}
    # The row's id: a lone key column declared INTEGER, word for word, makes its own values.
    indexes = pragmas.indexes[table.name]
    alias = len(key) == 1 and not without_rowid and not any(i.origin == "pk" for i in indexes)
    for row in info:
        column = written.get(row.name.casefold(), Column(row.name, parse_type(row.type, DIALECT)))
        in_key = bool(row.pk)
        rowid = alias and in_key
        draft.columns.append(
            replace(
                column,
                name=row.name,
                type=parse_type(row.type, DIALECT),
                nullable=not (row.notnull or (in_key and (rowid or without_rowid or strict))),
                default=None if row.dflt_value is None or row.dflt_value.upper() == "NULL" else row.dflt_value,
                autoincrement=rowid,
                generated=generated(column, row.hidden),
            )
        )
    draft.foreign_keys = read_foreign_keys(pragmas.foreign_keys[table.name], text.foreign_keys, schema)
    draft.uniques = read_uniques(table.name, pragmas, text.uniques)
    draft.triggers = [o.name for o in pragmas.owned[table.name] if o.type == "trigger"]
    return draft


def read_text(sql: str | None, name: str) -> tuple[Draft, bool, bool]:
    """What CREATE TABLE says; whether it is STRICT; whether it is WITHOUT ROWID."""
    cursor = Cursor.over(sql or "", DIALECT)
    cursor.skip_to("(")
    start = cursor.position
    cursor.group()
    tail = [t.word for t in cursor.tokens[cursor.position :]]
    cursor.position = start
    draft = read_create_table(cursor, Types(DIALECT), name, None, lambda _, parent: parent)
    settle(draft, DIALECT)
    return draft, "STRICT" in tail, "ROWID" in tail


def generated(column: Column, hidden: int) -> Generated | None:
    if hidden not in GENERATED:
        return None
    return Generated(column.generated.expression if column.generated else "", GENERATED[hidden])


def read_foreign_keys(rows: Sequence[Row], written: Sequence[ForeignKey], schema: str) -> list[ForeignKey]:
    """Foreign keys in the order of the text; SQLite numbers them from the last to the first."""
    groups = [list(group) for _, group in itertools.groupby(sorted(rows, key=lambda r: (-r.id, r.seq)), lambda r: r.id)]
    same_order = len(groups) == len(written)
    found = []
    for i, group in enumerate(groups):
        first = group[0]
        columns = tuple(r[4] for r in group)  # "from" is a keyword of Python
        declared = next(
            (w for w in written[i : i + 1] if same_order and folded(w.columns) == folded(columns)),
            None,
        ) or next((w for w in written if folded(w.columns) == folded(columns)), None)
        parents = tuple(r.to for r in group if r.to is not None)
        found.append(
            ForeignKey(
                declared.name if declared else "",
                columns,
                table_name(schema, first.table, "main"),
                parents,
                on_delete=action(first.on_delete),
                on_update=action(first.on_update),
                deferrable=declared.deferrable if declared else False,
                initially_deferred=declared.initially_deferred if declared else False,
            )
        )
    return found


def folded(names: Iterable[str]) -> list[str]:
    return [n.casefold() for n in names]


def action(text: str) -> str | None:
    return None if text == "NO ACTION" else text


def read_uniques(table: str, pragmas: Pragmas, written: Sequence[Unique]) -> list[Unique]:
    """Unique constraints and unique indexes, in the order of their making; the primary key left out."""
    definitions = {o.name: o.sql for o in pragmas.owned[table] if o.type == "index"}
    names = {tuple(folded(u.columns)): u.name for u in written}
    found = []
    for index in sorted(pragmas.indexes[table], key=lambda i: -i.seq):
        if not index.unique or index.origin == "pk":
            continue
        columns = tuple(m.name for m in pragmas.members[index.name] if m.cid >= 0)
        if index.origin == "u":
            made = f"uq_{'_'.join(columns)}"
            found.append(Unique(names.get(tuple(folded(columns)), made), columns))
            continue
        cursor = Cursor.over(definitions[index.name] or "", DIALECT)
        cursor.skip_to("ON")
        cursor.accept("ON")
        cursor.qualified()
        _, expressions = index_members(split_commas(cursor.group()), DIALECT)
        predicate = cursor.rest if cursor.accept("WHERE") else None
        found.append(Unique(index.name, columns, expressions, predicate, is_index=True))
    return found
