"""Reflection of PostgreSQL from pg_catalog: a handful of queries for all tables at once.

Columns that only newer servers have are read through ``to_jsonb(row) ->> 'column'``, null on older ones, so that one
query serves PostgreSQL 13 and later (https://www.postgresql.org/docs/current/catalogs.html).
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, cast

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from fixturesynth.errors import SourceError, did_you_mean
from fixturesynth.schema.cursor import Cursor
from fixturesynth.schema.draft import Draft, freeze, table_name
from fixturesynth.schema.lexing import unbracketed
from fixturesynth.schema.model import (
    Check,
    Column,
    ColumnType,
    Dialect,
    Exclusion,
    ForeignKey,
    Generated,
    PrimaryKey,
    Schema,
    Unique,
)
from fixturesynth.schema.types import parse_type

__all__ = ["read_postgresql"]

DIALECT: Dialect = "postgresql"
Row = Any

SCHEMAS = """
SELECT n.nspname AS name, n.nspname = current_schema() AS is_default, has_schema_privilege(n.oid, 'USAGE') AS usable
FROM pg_namespace n
WHERE n.nspname NOT LIKE 'pg\\_%' AND n.nspname <> 'information_schema'
ORDER BY n.nspname = current_schema() DESC NULLS LAST, n.nspname
"""

# Every query below joins this: ordinary and partitioned tables that belong to no extension.
TABLES_OF = """
WITH RECURSIVE tables AS (
    SELECT c.oid, c.relname, n.nspname, c.relkind, c.relispartition, c.reltype
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = ANY(:schemas) AND c.relkind IN ('r', 'p', 'f')
      AND NOT EXISTS (SELECT FROM pg_depend d
                      WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
)
"""

TABLES = """
SELECT t.*, obj_description(t.oid, 'pg_class') AS comment, pg_get_partkeydef(t.oid) AS partition_key,
       (SELECT array_agg(i.inhparent ORDER BY i.inhseqno) FROM pg_inherits i WHERE i.inhrelid = t.oid) AS parents,
       (SELECT p.partstrat FROM pg_partitioned_table p WHERE p.partrelid = t.oid) AS strategy,
       (SELECT p.partdefid <> 0 FROM pg_partitioned_table p WHERE p.partrelid = t.oid) AS has_default,
       CASE WHEN t.relispartition THEN pg_get_partition_constraintdef(t.oid) END AS bound,
       ARRAY(SELECT tgname::text FROM pg_trigger g WHERE g.tgrelid = t.oid AND NOT g.tgisinternal AND g.tgenabled <> 'D'
             ORDER BY tgname) AS triggers,
       ARRAY(SELECT rulename::text FROM pg_rewrite r WHERE r.ev_class = t.oid ORDER BY rulename) AS rules
FROM tables t ORDER BY t.nspname, t.relname
"""

COLUMNS = """
SELECT a.attrelid AS relation, a.attnum, a.attname AS name, a.attnotnull AS not_null, a.atttypid AS type_oid,
       a.atttypmod AS typmod, format_type(a.atttypid, a.atttypmod) AS type, a.attidentity AS identity,
       a.attgenerated AS generated, pg_get_expr(d.adbin, d.adrelid) AS default_text,
       CASE WHEN a.attcollation <> y.typcollation THEN k.collname END AS collation,
       col_description(a.attrelid, a.attnum) AS comment
FROM tables t JOIN pg_attribute a ON a.attrelid = t.oid
     JOIN pg_type y ON y.oid = a.atttypid
     LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
     LEFT JOIN pg_collation k ON k.oid = a.attcollation
WHERE a.attnum > 0 AND NOT a.attisdropped
ORDER BY a.attrelid, a.attnum
"""

CONSTRAINTS = """
SELECT c.conrelid AS relation, c.conname AS name, c.contype AS kind, c.conkey AS columns, c.confrelid AS parent,
       c.confkey AS parent_columns, c.confupdtype AS on_update, c.confdeltype AS on_delete, c.confmatchtype AS match,
       c.condeferrable AS deferrable, c.condeferred AS deferred, pg_get_constraintdef(c.oid) AS definition,
       pg_get_expr(c.conbin, c.conrelid) AS expression,
       COALESCE((to_jsonb(i) ->> 'indnullsnotdistinct')::boolean, false) AS nulls_not_distinct,
       pg_get_expr(i.indpred, i.indrelid) AS predicate,
       COALESCE((to_jsonb(c) ->> 'conenforced')::boolean, true) AS enforced,
       COALESCE((to_jsonb(c) ->> 'conperiod')::boolean, false) AS period,
       ARRAY(SELECT o.oprname::text FROM unnest(c.conexclop) WITH ORDINALITY u(oid, place)
             JOIN pg_operator o ON o.oid = u.oid ORDER BY u.place) AS operators,
       CASE WHEN c.contype = 'x' THEN
            ARRAY(SELECT pg_get_indexdef(c.conindid, k, true) FROM generate_series(1, i.indnkeyatts) k) END AS members,
       CASE WHEN c.contype = 'x' THEN (SELECT m.amname FROM pg_class x JOIN pg_am m ON m.oid = x.relam
                                       WHERE x.oid = c.conindid) END AS method
FROM tables t JOIN pg_constraint c ON c.conrelid = t.oid LEFT JOIN pg_index i ON i.indexrelid = c.conindid
WHERE c.contype IN ('p', 'u', 'f', 'c', 'x')
  -- A reference to a partitioned table is repeated for each of its partitions: those are no keys of their own.
  AND NOT EXISTS (SELECT FROM pg_constraint p WHERE p.oid = c.conparentid AND p.conrelid = c.conrelid)
ORDER BY c.conrelid, c.contype, c.conname
"""

INDEXES = """
SELECT i.indrelid AS relation, x.relname AS name, pg_get_expr(i.indpred, i.indrelid) AS predicate,
       COALESCE((to_jsonb(i) ->> 'indnullsnotdistinct')::boolean, false) AS nulls_not_distinct,
       (i.indkey::int2[])[0:i.indnkeyatts - 1] AS columns,
       ARRAY(SELECT pg_get_indexdef(i.indexrelid, k, true) FROM generate_series(1, i.indnkeyatts) k) AS members
FROM tables t JOIN pg_index i ON i.indrelid = t.oid JOIN pg_class x ON x.oid = i.indexrelid
WHERE i.indisunique AND NOT i.indisprimary AND i.indisready
  AND NOT EXISTS (SELECT FROM pg_constraint c WHERE c.conindid = i.indexrelid AND c.contype IN ('p', 'u', 'x'))
ORDER BY i.indrelid, x.relname
"""

# The types of the columns, and whatever they are made of: elements of arrays, bases of domains, subtypes of ranges.
TYPES = """
, wanted(oid) AS (
    SELECT DISTINCT a.atttypid FROM tables t JOIN pg_attribute a ON a.attrelid = t.oid
    WHERE a.attnum > 0 AND NOT a.attisdropped
    UNION
    SELECT part FROM wanted w JOIN pg_type y ON y.oid = w.oid LEFT JOIN pg_range r
         ON y.oid IN (r.rngtypid, (to_jsonb(r) ->> 'rngmultitypid')::oid),
         LATERAL unnest(ARRAY[y.typelem, y.typbasetype, r.rngsubtype]) part WHERE part <> 0
)
SELECT y.oid, y.typname AS name, n.nspname, y.typtype AS kind, y.typcategory AS category, y.typelem AS element,
       y.typbasetype AS base, y.typtypmod AS typmod, y.typnotnull AS not_null, y.typdefault AS default_text,
       r.rngsubtype AS subtype, format_type(y.oid, NULL) AS text,
       CASE WHEN y.typbasetype <> 0 THEN format_type(y.typbasetype, y.typtypmod) END AS base_text,
       CASE WHEN y.typbasetype <> 0 AND y.typcollation <> b.typcollation THEN k.collname END AS collation,
       ARRAY(SELECT e.enumlabel::text FROM pg_enum e WHERE e.enumtypid = y.oid ORDER BY e.enumsortorder) AS labels,
       ARRAY(SELECT pg_get_expr(c.conbin, 0) FROM pg_constraint c WHERE c.contypid = y.oid AND c.contype = 'c'
             ORDER BY c.conname) AS checks
FROM wanted JOIN pg_type y ON y.oid = wanted.oid JOIN pg_namespace n ON n.oid = y.typnamespace
     LEFT JOIN pg_range r ON y.oid IN (r.rngtypid, (to_jsonb(r) ->> 'rngmultitypid')::oid)
     LEFT JOIN pg_type b ON b.oid = y.typbasetype
     LEFT JOIN pg_collation k ON k.oid = y.typcollation
"""

ACTIONS = {"a": None, "r": "RESTRICT", "c": "CASCADE", "n": "SET NULL", "d": "SET DEFAULT"}
MATCHES = {"s": "SIMPLE", "f": "FULL", "p": "PARTIAL"}
IDENTITIES = {"a": "always", "d": "by default"}


@dataclass
class Context:
    """What reading one constraint needs: the drafts by oid, and each table's columns by attribute number."""

    types: Mapping[int, Row]
    drafts: dict[int, Draft] = field(default_factory=dict)
    columns: dict[int, dict[int, str]] = field(default_factory=lambda: defaultdict(dict))

    def names(self, relation: int, numbers: Iterable[int] | None) -> tuple[str, ...]:
        return tuple(self.columns[relation][n] for n in numbers or () if n in self.columns[relation])


def read_postgresql(connection: Connection, schemas: Sequence[str] | None = None) -> Schema:
    """The schema of the database that ``connection`` is open on.

    Args:
        schemas: database schemas to read; by default all that the user may use, but the system's. Tables outside of the
            default schema of the search path are called ``schema.table``.
    """
    # For this transaction alone: compiling these queries takes seconds, running them milliseconds.
    connection.execute(sa.text("SELECT set_config('jit', 'off', true)"))
    known = connection.execute(sa.text(SCHEMAS)).all()
    default = next((row.name for row in known if row.is_default), None)
    names = [row.name for row in known]
    for schema in schemas or ():
        if schema not in names:
            raise SourceError(f"no schema {schema!r} in this database; {did_you_mean(schema, names)}")
    chosen = list(schemas) if schemas is not None else [row.name for row in known if row.usable]

    def rows(query: str) -> Sequence[Row]:
        return connection.execute(sa.text(TABLES_OF + query), {"schemas": chosen}).all()

    tables = rows(TABLES)
    notes = [f"foreign table {t.nspname}.{t.relname} is left alone" for t in tables if t.relkind == "f"]
    barred = [name for name in names if name not in chosen] if schemas is None else []
    notes += [f"schema {name} is left alone: this user has no right to use it" for name in barred]
    tables = [t for t in tables if t.relkind != "f"]
    tables.sort(key=lambda t: chosen.index(t.nspname))
    context = Context({t.oid: t for t in rows(TYPES)})
    for table in tables:
        draft = Draft(table_name(table.nspname, table.relname, default), table.nspname)
        draft.comment, draft.triggers, draft.partition_key = table.comment, list(table.triggers), table.partition_key
        draft.not_understood = [f"rule {name} rewrites statements" for name in table.rules]
        context.drafts[table.oid] = draft
    for row in rows(COLUMNS):
        if row.relation in context.drafts:
            context.columns[row.relation][row.attnum] = row.name
            read_column(row, context)
    for row in rows(CONSTRAINTS):
        if row.relation in context.drafts:
            read_constraint(row, context)
    for row in rows(INDEXES):
        if row.relation in context.drafts:
            context.drafts[row.relation].uniques.append(read_index(row, context))
    for table in tables:
        read_inheritance(table, tables, context)
    return freeze(context.drafts.values(), DIALECT, default, notes)


def read_column(row: Row, context: Context) -> None:
    draft = context.drafts[row.relation]
    found, domains = resolve(row.type_oid, row.type, context.types)
    if found.kind == "other":
        draft.not_understood.append(f"type {row.type} of column {row.name}")
    default = next((t for t in (row.default_text, *(d.default_text for d in domains)) if t is not None), None)
    draft.columns.append(
        Column(
            name=row.name,
            type=found,
            nullable=not (row.not_null or any(d.not_null for d in domains)),
            default=None if row.generated or default is None or default.startswith("NULL::") else default,
            identity=cast(Any, IDENTITIES.get(row.identity)),
            autoincrement=not row.generated and (row.default_text or "").startswith("nextval("),
            generated=Generated(unbracketed(row.default_text, DIALECT), row.generated == "s")
            if row.generated
            else None,
            collation=row.collation or next((d.collation for d in domains if d.collation), None),
            comment=row.comment,
            domain_checks=tuple(unbracketed(c, DIALECT) for d in domains for c in d.checks),
        )
    )


def resolve(oid: int, text: str, types: Mapping[int, Row]) -> tuple[ColumnType, list[Row]]:
    """The type ``oid`` as ``text`` writes it, and the domains from it down to its base type."""
    own = types[oid]
    if own.kind == "d":
        base, below = resolve(own.base, own.base_text, types)
        return replace(base, domain=own.name), [own, *below]
    if own.kind == "e":
        return ColumnType("enum", text, values=tuple(own.labels)), []
    if own.category == "A" and own.element:
        element_text = text.removesuffix("[]")
        element, domains = resolve(own.element, element_text, types)
        checks = tuple(unbracketed(c, DIALECT) for d in domains for c in d.checks)
        return ColumnType("array", text, element=replace(element, checks=checks)), []
    if own.kind in ("r", "m"):
        return ColumnType("range", text, element=resolve(own.subtype, types[own.subtype].text, types)[0]), []
    if own.kind == "b":
        return parse_type(text, DIALECT), []
    return ColumnType("other", text), []


def read_constraint(row: Row, context: Context) -> None:
    draft = context.drafts[row.relation]
    if not row.enforced:
        draft.not_understood.append(f"constraint {row.name} is not enforced: {row.definition}")
    elif row.period:
        draft.not_understood.append(f"constraint {row.name} over a period: {row.definition}")
    else:
        CONSTRAINT_KINDS[row.kind](row, draft, context)


def read_primary_key(row: Row, draft: Draft, context: Context) -> None:
    draft.primary_key = PrimaryKey(context.names(row.relation, row.columns), row.name)


def read_unique(row: Row, draft: Draft, context: Context) -> None:
    columns = context.names(row.relation, row.columns)
    draft.uniques.append(Unique(row.name, columns, nulls_distinct=not row.nulls_not_distinct))


def read_foreign_key(row: Row, draft: Draft, context: Context) -> None:
    columns = context.names(row.relation, row.columns)
    if row.parent not in context.drafts:
        draft.not_understood.append(
            f"foreign key {row.name} references a table that is not reflected: {row.definition}"
        )
        return
    draft.foreign_keys.append(
        ForeignKey(
            row.name,
            columns,
            context.drafts[row.parent].name,
            context.names(row.parent, row.parent_columns),
            on_delete=ACTIONS[row.on_delete],
            on_update=ACTIONS[row.on_update],
            deferrable=row.deferrable,
            initially_deferred=row.deferred,
            match=cast(Any, MATCHES[row.match]),
        )
    )


def read_check(row: Row, draft: Draft, context: Context) -> None:
    text = unbracketed(row.expression, DIALECT)
    draft.checks.append(Check(row.name, text, context.names(row.relation, sorted(row.columns or ()))))


def read_exclusion(row: Row, draft: Draft, context: Context) -> None:
    members = [plain_name(m) for m in row.members]
    predicate = unbracketed(row.predicate, DIALECT) if row.predicate else None
    elements = tuple(zip(members, row.operators, strict=True))
    draft.exclusions.append(Exclusion(row.name, row.definition, elements, row.method, predicate))


CONSTRAINT_KINDS = {
    "p": read_primary_key,
    "u": read_unique,
    "f": read_foreign_key,
    "c": read_check,
    "x": read_exclusion,
}


def plain_name(member: str) -> str:
    """``order`` for ``"order"``; an expression as it is."""
    tokens = Cursor.over(member, DIALECT).tokens
    return tokens[0].value if len(tokens) == 1 else unbracketed(member, DIALECT)


def read_index(row: Row, context: Context) -> Unique:
    expressions = [m for m, number in zip(row.members, row.columns, strict=True) if number == 0]
    return Unique(
        row.name,
        context.names(row.relation, row.columns),
        tuple(unbracketed(e, DIALECT) for e in expressions),
        unbracketed(row.predicate, DIALECT) if row.predicate else None,
        nulls_distinct=not row.nulls_not_distinct,
        is_index=True,
    )


def read_inheritance(table: Row, tables: Sequence[Row], context: Context) -> None:
    """``partition_of``; and on a partitioned table without a default partition, the check that its partitions make."""
    draft = context.drafts[table.oid]
    parents = [context.drafts[p].name for p in table.parents or () if p in context.drafts]
    if parents:
        draft.partition_of = parents[0]
    if len(parents) > 1:
        draft.not_understood.append(f"inherits from several tables: {', '.join(parents)}")
    # Hash partitions cover every value, and a default partition takes the rest.
    if table.strategy in ("r", "l") and not table.has_default:
        bounds = [t.bound for t in tables if table.oid in (t.parents or ())]
        if not bounds:
            draft.not_understood.append("partitioned without a partition: takes no rows")
            return
        text = " OR ".join(f"({unbracketed(b, DIALECT)})" for b in bounds)
        key = [c.name for c in draft.columns if c.name in mentioned(table.partition_key)]
        draft.checks.append(Check(f"{table.relname}_partitions", text, tuple(key)))


def mentioned(text: str) -> set[str]:
    return {t.value for t in Cursor.over(text, DIALECT).tokens}
