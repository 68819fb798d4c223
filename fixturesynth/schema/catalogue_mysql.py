"""Reflection of MySQL and MariaDB from information_schema: one query per view for all tables at once.

The two differ in a few columns of those views (https://mariadb.com/kb/en/information-schema-tables/,
https://dev.mysql.com/doc/refman/8.4/en/information-schema.html): ``SELECT *`` is read by name, what is missing is None.
"""

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import groupby
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from fixturesynth.errors import SourceError, did_you_mean
from fixturesynth.schema.draft import Draft, freeze, table_name
from fixturesynth.schema.lexing import names_in, unbracketed
from fixturesynth.schema.model import Check, Column, Dialect, ForeignKey, Generated, PrimaryKey, Schema, Unique
from fixturesynth.schema.types import parse_type

__all__ = ["read_mysql"]

DIALECT: Dialect = "mysql"
Row = Mapping[str, Any]
TableId = tuple[str, str]
SYSTEM = ("information_schema", "mysql", "performance_schema", "sys")
MYSQL_JSON = re.compile(r"json_valid\(\s*`(?P<column>(?:[^`]|``)+)`\s*\)", re.IGNORECASE)

QUERIES = {
    "tables": "SELECT * FROM information_schema.TABLES WHERE TABLE_SCHEMA IN :schemas ORDER BY TABLE_NAME",
    "columns": "SELECT * FROM information_schema.COLUMNS WHERE TABLE_SCHEMA IN :schemas "
    "ORDER BY TABLE_SCHEMA, TABLE_NAME, ORDINAL_POSITION",
    "indexes": "SELECT * FROM information_schema.STATISTICS WHERE TABLE_SCHEMA IN :schemas AND NON_UNIQUE = 0 "
    "ORDER BY TABLE_SCHEMA, TABLE_NAME, INDEX_NAME, SEQ_IN_INDEX",
    "references": "SELECT k.*, r.UPDATE_RULE, r.DELETE_RULE FROM information_schema.KEY_COLUMN_USAGE k "
    "JOIN information_schema.REFERENTIAL_CONSTRAINTS r ON r.CONSTRAINT_SCHEMA = k.CONSTRAINT_SCHEMA "
    "AND r.TABLE_NAME = k.TABLE_NAME AND r.CONSTRAINT_NAME = k.CONSTRAINT_NAME "
    "WHERE k.TABLE_SCHEMA IN :schemas AND k.REFERENCED_TABLE_NAME IS NOT NULL "
    "ORDER BY k.TABLE_SCHEMA, k.TABLE_NAME, k.CONSTRAINT_NAME, k.ORDINAL_POSITION",
    "check_tables": "SELECT * FROM information_schema.TABLE_CONSTRAINTS "
    "WHERE CONSTRAINT_SCHEMA IN :schemas AND CONSTRAINT_TYPE = 'CHECK'",
    "checks": "SELECT * FROM information_schema.CHECK_CONSTRAINTS WHERE CONSTRAINT_SCHEMA IN :schemas",
    "triggers": "SELECT * FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA IN :schemas ORDER BY TRIGGER_NAME",
    "partitions": "SELECT * FROM information_schema.PARTITIONS WHERE TABLE_SCHEMA IN :schemas "
    "AND PARTITION_NAME IS NOT NULL ORDER BY TABLE_SCHEMA, TABLE_NAME, PARTITION_ORDINAL_POSITION",
}
ABSENT_BEFORE = {"checks": "CHECK_CONSTRAINTS"}  # MySQL 8.0.16, MariaDB 10.2


def read_mysql(connection: Connection, schemas: Sequence[str] | None = None) -> Schema:
    """The schema of the database that ``connection`` is open on, or of the ``schemas`` (databases) named."""
    default = connection.exec_driver_sql("SELECT DATABASE()").scalar()
    known = [name for (name,) in connection.exec_driver_sql("SHOW DATABASES")]
    chosen = list(schemas) if schemas is not None else [default] if default else []
    if not chosen:
        known = [name for name in known if name not in SYSTEM]
        raise SourceError(f"no database named: put it behind the host, as in mysql://host/database; there are: {known}")
    for schema in chosen:
        if schema not in known:
            raise SourceError(f"no schema {schema!r} on this server; {did_you_mean(schema, known)}")
    views = {str(name).upper() for (name,) in connection.exec_driver_sql("SHOW TABLES FROM information_schema")}

    def rows(name: str) -> list[Row]:
        if ABSENT_BEFORE.get(name, "TABLES") not in views:
            return []
        query = sa.text(QUERIES[name]).bindparams(sa.bindparam("schemas", expanding=True))
        result = connection.execute(query, {"schemas": chosen})
        keys = [key.upper() for key in result.keys()]  # noqa: SIM118
        return [defaultdict(lambda: None, zip(keys, row, strict=True)) for row in result]

    mariadb = "mariadb" in str(connection.exec_driver_sql("SELECT VERSION()").scalar()).lower()
    drafts: dict[TableId, Draft] = {}
    notes = []
    for row in rows("tables"):
        if row["TABLE_TYPE"] in ("BASE TABLE", "SYSTEM VERSIONED"):
            name = table_name(row["TABLE_SCHEMA"], row["TABLE_NAME"], default)
            drafts[row["TABLE_SCHEMA"], row["TABLE_NAME"]] = Draft(
                name, row["TABLE_SCHEMA"], comment=row["TABLE_COMMENT"] or None
            )
            if row["TABLE_TYPE"] == "SYSTEM VERSIONED":
                notes.append(f"table {name} is system versioned: its history is left alone")
    for row in rows("columns"):
        if (found := drafts.get(own(row))) is not None:
            read_column(row, found, mariadb)
    for (table, name), members in groupby(rows("indexes"), key=lambda r: (own(r), r["INDEX_NAME"])):
        if table in drafts:
            read_index(name, list(members), drafts[table])
    for (table, name), members in groupby(rows("references"), key=lambda r: (own(r), r["CONSTRAINT_NAME"])):
        if table in drafts:
            drafts[table].foreign_keys.append(read_foreign_key(name, list(members), default))
    read_checks(rows("checks"), rows("check_tables"), drafts, mariadb)
    for row in rows("triggers"):
        if (row["EVENT_OBJECT_SCHEMA"], row["EVENT_OBJECT_TABLE"]) in drafts:
            drafts[row["EVENT_OBJECT_SCHEMA"], row["EVENT_OBJECT_TABLE"]].triggers.append(row["TRIGGER_NAME"])
    for table, parts in groupby(rows("partitions"), key=own):
        if table in drafts:
            read_partitions(list(parts), drafts[table])
    ordered = sorted(drafts.items(), key=lambda item: chosen.index(item[0][0]))
    return freeze((draft for _, draft in ordered), DIALECT, default, notes, any_case=True)


def own(row: Row) -> TableId:
    return row["TABLE_SCHEMA"], row["TABLE_NAME"]


def read_column(row: Row, draft: Draft, mariadb: bool) -> None:
    extra = (row["EXTRA"] or "").upper()
    found = parse_type(row["COLUMN_TYPE"], DIALECT)
    if found.kind == "other":
        draft.not_understood.append(f"type {row['COLUMN_TYPE']} of column {row['COLUMN_NAME']}")
    expression = row["GENERATION_EXPRESSION"]
    expression = expression if mariadb else unescaped(expression or "")
    draft.columns.append(
        Column(
            name=row["COLUMN_NAME"],
            type=found,
            nullable=row["IS_NULLABLE"] == "YES",
            default=None if expression else default_text(row["COLUMN_DEFAULT"], found.kind, extra, mariadb),
            autoincrement="AUTO_INCREMENT" in extra,
            generated=Generated(unbracketed(expression, DIALECT), "VIRTUAL" not in extra) if expression else None,
            collation=row["COLLATION_NAME"],
            comment=row["COLUMN_COMMENT"] or None,
        )
    )


BARE_DEFAULTS = ("integer", "float", "decimal", "boolean", "bit", "year")


def default_text(default: str | None, kind: str, extra: str, mariadb: bool) -> str | None:
    """The default as SQL. MariaDB says it so; MySQL gives literals without quotes and marks expressions."""
    if default is None or default == "NULL":
        return None
    bare = mariadb or "DEFAULT_GENERATED" in extra or kind in BARE_DEFAULTS or default.startswith("CURRENT_TIMESTAMP")
    return default if bare else "'" + default.replace("\\", "\\\\").replace("'", "''") + "'"


def unescaped(text: str) -> str:
    r"""MySQL's own text of an expression without the escapes and character sets that it adds.

    >>> unescaped(r"(`a` in (_utf8mb4\'x\',_utf8mb4\'y\'))")
    "(`a` in ('x','y'))"
    """
    return re.sub(r"_[a-z0-9]+(?=')", "", text.replace("\\'", "'"))


def read_index(name: str, members: Sequence[Row], draft: Draft) -> None:
    prefixes = [f"left({m['COLUMN_NAME']}, {m['SUB_PART']})" for m in members if m["SUB_PART"]]
    columns = tuple(m["COLUMN_NAME"] for m in members if m["COLUMN_NAME"] and not m["SUB_PART"])
    if name == "PRIMARY":
        draft.primary_key = PrimaryKey(tuple(m["COLUMN_NAME"] for m in members))
        if prefixes:
            draft.uniques.append(Unique(name, columns, tuple(prefixes), is_index=True))
        return
    expressions = [unbracketed(unescaped(m["EXPRESSION"]), DIALECT) for m in members if m["EXPRESSION"]]
    # A UNIQUE constraint and a unique index are one thing here; one with expressions can only be an index.
    others = (*prefixes, *expressions)
    draft.uniques.append(Unique(name, columns, others, is_index=bool(others)))


def read_foreign_key(name: str, members: Sequence[Row], default: str | None) -> ForeignKey:
    first = members[0]
    return ForeignKey(
        name,
        tuple(m["COLUMN_NAME"] for m in members),
        table_name(first["REFERENCED_TABLE_SCHEMA"], first["REFERENCED_TABLE_NAME"], default),
        tuple(m["REFERENCED_COLUMN_NAME"] for m in members),
        on_delete=ACTIONS.get(first["DELETE_RULE"], first["DELETE_RULE"]),
        on_update=ACTIONS.get(first["UPDATE_RULE"], first["UPDATE_RULE"]),
    )


ACTIONS = {"NO ACTION": None, "RESTRICT": None}  # the two are one in MySQL, and the default


def read_checks(checks: Sequence[Row], owners: Sequence[Row], drafts: Mapping[TableId, Draft], mariadb: bool) -> None:
    """Checks belong to tables by name: MariaDB's view says which, MySQL's names are unique in their database."""
    by_name = {(o["CONSTRAINT_SCHEMA"], o["CONSTRAINT_NAME"]): o for o in owners}
    for row in checks:
        owner = by_name.get((row["CONSTRAINT_SCHEMA"], row["CONSTRAINT_NAME"]), row)
        draft = drafts.get((row["CONSTRAINT_SCHEMA"], row["TABLE_NAME"] or owner["TABLE_NAME"]))
        if draft is None:
            continue
        text = unbracketed(row["CHECK_CLAUSE"] if mariadb else unescaped(row["CHECK_CLAUSE"]), DIALECT)
        if owner["ENFORCED"] == "NO":
            draft.not_understood.append(f"check {row['CONSTRAINT_NAME']} is not enforced: {text}")
        elif mariadb and (match := MYSQL_JSON.fullmatch(text)):
            # MariaDB's JSON is LONGTEXT with this check, which its type then stands for.
            draft.columns = [as_json(c) if c.name == match["column"].replace("``", "`") else c for c in draft.columns]
        else:
            draft.checks.append(Check(row["CONSTRAINT_NAME"], text, names_in(text, draft.column_names, DIALECT)))


def as_json(column: Column) -> Column:
    return replace(column, type=replace(column.type, kind="json", length=None))


def read_partitions(parts: Sequence[Row], draft: Draft) -> None:
    """The partition key; and the check that rows must meet to find a partition."""
    first = parts[0]
    method, expression = first["PARTITION_METHOD"], first["PARTITION_EXPRESSION"]
    draft.partition_key = f"{method} ({expression})"
    bounds = list(dict.fromkeys(p["PARTITION_DESCRIPTION"] for p in parts))
    if method.startswith("LIST") and "," not in expression:
        values = ",".join(bounds).split(",")
        null = f" OR {expression} IS NULL" if "NULL" in values else f" AND {expression} IS NOT NULL"
        text = f"{expression} IN ({','.join(v for v in values if v != 'NULL')}){null}"
    elif method.startswith("RANGE") and "," not in expression and bounds[-1] != "MAXVALUE":
        text = f"{expression} < {bounds[-1]}"
    else:
        if method.startswith(("RANGE", "LIST")) and "MAXVALUE" not in bounds:
            draft.not_understood.append(f"bounds of partitions by {draft.partition_key}")
        return
    draft.checks.append(Check(f"{draft.name}_partitions", text, names_in(text, draft.column_names, DIALECT)))
