"""An SQL script read without a database: its CREATE, ALTER and COMMENT statements, one after the other.

Statements that say nothing about rows are passed over; those that are not known are listed in ``not_understood``.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

from fixturesynth.schema.cursor import Cursor, split_commas
from fixturesynth.schema.declarations import (
    Domain,
    TableReader,
    Types,
    index_members,
    read_create_table,
    read_table_constraint,
    settle,
)
from fixturesynth.schema.draft import Draft, freeze, table_name
from fixturesynth.schema.forgetting import forget_column, forget_constraint, respell
from fixturesynth.schema.lexing import split_statements, unbracketed
from fixturesynth.schema.model import Column, ColumnType, Dialect, Schema, Unique

__all__ = ["read_script"]


@dataclass
class Script:
    """What the statements up to here have made."""

    dialect: Dialect
    default_schema: str | None
    types: Types
    drafts: dict[str, Draft] = field(default_factory=dict)
    parents: dict[str, list[str]] = field(default_factory=dict)  # INHERITS, by child
    not_understood: list[str] = field(default_factory=list)

    inside: str | None = None  # the schema whose elements are being read

    def identity(self, schema: str | None, name: str) -> str:
        return table_name(schema or self.inside, name, self.default_schema)

    def draft(self, cursor: Cursor) -> Draft | None:
        """The table named at the cursor, whatever its case where the dialect does not mind."""
        name = self.identity(*cursor.qualified())
        exact = self.drafts.get(name)
        if exact is not None or self.dialect == "postgresql":
            return exact
        return next((d for n, d in self.drafts.items() if n.casefold() == name.casefold()), None)


DEFAULT_SCHEMAS = {"postgresql": "public", "duckdb": "main", "sqlite": "main"}


def read_script(text: str, dialect: Dialect) -> Schema:
    """The ``Schema`` that the statements of ``text`` declare.

    >>> schema = read_script("CREATE TABLE t (id serial PRIMARY KEY); ALTER TABLE t ADD CHECK (id > 0)", "postgresql")
    >>> schema["t"].checks[0].columns
    ('id',)
    """
    script = Script(dialect, DEFAULT_SCHEMAS.get(dialect), Types(dialect))
    for statement in split_statements(text, dialect):
        cursor = Cursor.over(statement, dialect)
        if not read_statement(cursor, script):
            script.not_understood.append(f"statement: {shortened(statement)}")
    for draft in script.drafts.values():
        if draft.partition_key is not None and not draft.partition_key.upper().startswith(("HASH", "KEY", "LINEAR")):
            draft.not_understood.append(f"bounds of partitions by {draft.partition_key}")
    for name, parents in script.parents.items():
        inherit(script.drafts[name], [script.drafts[p] for p in parents if p in script.drafts])
    for draft in script.drafts.values():
        settle(draft, dialect)
    any_case = dialect != "postgresql"
    return freeze(script.drafts.values(), dialect, script.default_schema, script.not_understood, any_case=any_case)


def shortened(text: str, limit: int = 120) -> str:
    line = " ".join(text.split())
    return line if len(line) <= limit else line[: limit - 4] + " ..."


def read_statement(cursor: Cursor, script: Script) -> bool:
    """Read one statement; False when it is not known."""
    cursor.accept(";")
    if cursor.done or cursor.accept_any(*PASSED_OVER):
        return True
    for phrase, read in STATEMENTS:
        if cursor.accept(*phrase):
            return read(cursor, script)
    if cursor.accept("DROP"):
        return True  # of what holds no rows
    if cursor.word() == "CREATE":
        cursor.take()
        cursor.accept("OR", "REPLACE")
        while cursor.accept_any(*MODIFIERS):
            pass
        return cursor.word() in SAYS_NOTHING or cursor.word() in TEMPORARY
    return cursor.word() == "ALTER" and cursor.word(1) in SAYS_NOTHING


# fmt: off
PASSED_OVER = (
    "SET", "SELECT", "INSERT", "COPY", "GRANT", "REVOKE", "LOCK", "UNLOCK", "BEGIN", "COMMIT", "START", "END",
    "ROLLBACK", "ANALYZE", "VACUUM", "PRAGMA", "REPLACE INTO", "UPDATE", "DELETE", "TRUNCATE", "DO", "CALL",
    "SECURITY LABEL", "REINDEX", "RESET", "CHECKPOINT",
)
MODIFIERS = ("MATERIALIZED", "RECURSIVE", "UNIQUE", "FULLTEXT", "SPATIAL", "CONSTRAINT", "EVENT")
TEMPORARY = ("TEMPORARY", "TEMP", "LOCAL", "GLOBAL")  # gone before any row is asked for
SAYS_NOTHING = frozenset({
    "VIEW", "FUNCTION", "PROCEDURE", "SEQUENCE", "EXTENSION", "SCHEMA", "INDEX", "ROLE", "USER", "DATABASE", "SERVER",
    "AGGREGATE", "OPERATOR", "CAST", "COLLATION", "PUBLICATION", "SUBSCRIPTION", "STATISTICS", "POLICY", "LANGUAGE",
    "DEFAULT", "MACRO", "DEFINER", "ALGORITHM", "SQL", "TYPE", "DOMAIN", "TEXT", "LARGE", "MATERIALIZED", "EVENT",
    "TABLESPACE", "CONVERSION", "ACCESS", "TRIGGER",
})
# fmt: on


def use(cursor: Cursor, script: Script) -> bool:
    script.default_schema = cursor.name()
    return True


def create_table(cursor: Cursor, script: Script) -> bool:
    cursor.accept("IF", "NOT", "EXISTS")
    schema, bare = cursor.qualified()
    name = script.identity(schema, bare)
    schema = schema or script.inside or script.default_schema
    if cursor.accept("PARTITION", "OF"):
        return partition_of(cursor, script, Draft(name, schema))
    if cursor.word() != "(":
        return False
    draft = read_create_table(cursor, script.types, name, schema, script.identity)
    if draft.inherits:
        script.parents[name] = [script.identity(*parent) for parent in draft.inherits]
        draft.partition_of = script.parents[name][0]
    script.drafts[name] = draft
    return True


def create_schema(cursor: Cursor, script: Script) -> bool:
    """``CREATE SCHEMA name`` and the elements that may follow it without a semicolon."""
    cursor.accept("IF", "NOT", "EXISTS")
    name = cursor.qualified()[1]
    cursor.skip_to("CREATE")
    understood = True
    while not cursor.done:
        element = Cursor(cursor.source, cursor.until(frozenset({"CREATE", "GRANT"})))
        script.inside = name
        understood = read_statement(element, script) and understood
        script.inside = None
    return understood


def partition_of(cursor: Cursor, script: Script, draft: Draft) -> bool:
    """A partition has its parent's columns, keys and checks."""
    parent = script.draft(cursor)
    if parent is None:
        return False
    script.drafts[draft.name] = replace(
        parent,
        name=draft.name,
        schema=draft.schema,
        partition_of=parent.name,
        partition_key=None,
        columns=list(parent.columns),
        foreign_keys=list(parent.foreign_keys),
        uniques=list(parent.uniques),
        checks=list(parent.checks),
        not_understood=[],
    )
    return True


def inherit(draft: Draft, parents: Iterable[Draft]) -> None:
    """The parents' columns come first; their checks hold too."""
    own = {c.name: c for c in draft.columns}
    inherited = {c.name: own.pop(c.name, c) for parent in parents for c in parent.columns}
    draft.columns = [*inherited.values(), *own.values()]
    draft.checks.extend(c for parent in parents for c in parent.checks)


def create_unique_index(cursor: Cursor, script: Script) -> bool:
    cursor.accept("CONCURRENTLY")
    cursor.accept("IF", "NOT", "EXISTS")
    name = "" if cursor.word() == "ON" else cursor.qualified()[1]
    cursor.skip_to("ON")
    cursor.accept("ON")
    cursor.accept("ONLY")
    draft = script.draft(cursor)
    if draft is None:
        return False
    cursor.skip_to("(")
    columns, expressions = index_members(split_commas(cursor.group()), script.dialect)
    if cursor.accept("INCLUDE"):
        cursor.group()
    distinct = not cursor.accept("NULLS", "NOT", "DISTINCT")
    cursor.skip_to("WHERE")
    predicate = unbracketed(cursor.rest, script.dialect) if cursor.accept("WHERE") else None
    made = name or f"uq_{'_'.join(columns)}"
    draft.uniques.append(Unique(made, columns, expressions, predicate, distinct, is_index=True))
    return True


def create_type(cursor: Cursor, script: Script) -> bool:
    name = cursor.qualified()[1]
    if cursor.accept("AS", "ENUM") or cursor.accept("ENUM"):
        values = tuple(member.name() for member in split_commas(cursor.group()))
        script.types.declared[name] = ColumnType("enum", name, values=values)
        return True
    return not cursor.accept("AS", "RANGE")  # a composite type: its columns are listed where they are met


def create_domain(cursor: Cursor, script: Script) -> bool:
    """A domain is read as a column of its own, in whose checks VALUE stands for the column."""
    name = cursor.qualified()[1]
    cursor.accept("AS")
    scratch = Draft(name)
    reader = TableReader(scratch, script.types, script.identity)
    tokens = [*Cursor.over("value ", script.dialect).tokens, *cursor.tokens[cursor.position :]]
    reader.column(Cursor(cursor.source, tokens))
    column = scratch.columns[0]
    script.types.domains[name] = Domain(
        replace(column.type, domain=name),
        (*(c.text for c in scratch.checks), *column.domain_checks),
        column.nullable,
        column.default,
        column.collation,
    )
    return True


def create_trigger(cursor: Cursor, script: Script) -> bool:
    cursor.accept("IF", "NOT", "EXISTS")
    name = cursor.qualified()[1]
    cursor.skip_to("ON")
    cursor.accept("ON")
    draft = script.draft(cursor)
    if draft is None:
        return False
    draft.triggers.append(name)
    return True


def alter_table(cursor: Cursor, script: Script) -> bool:
    cursor.accept("IF", "EXISTS")
    cursor.accept("ONLY")
    draft = script.draft(cursor)
    if draft is None:
        return False
    for part in split_commas(cursor):
        if not read_alteration(part, draft, script):
            draft.not_understood.append(f"ALTER TABLE {draft.name} {shortened(part.rest)}")
    return True


def read_alteration(part: Cursor, draft: Draft, script: Script) -> bool:
    for phrase, read in ALTERATIONS:
        if part.accept(*phrase):
            return read(part, draft, script)
    return part.word() in CHANGES_NO_ROWS


# fmt: off
CHANGES_NO_ROWS = frozenset({
    "OWNER", "CLUSTER", "ENABLE", "DISABLE", "REPLICA", "SET", "RESET", "VALIDATE", "FORCE", "NO", "ENGINE",
    "AUTO_INCREMENT", "COMMENT", "DEFAULT", "CONVERT", "ORDER", "CHARACTER", "COLLATE", "ROW_FORMAT",
})
# fmt: on


def add(part: Cursor, draft: Draft, script: Script) -> bool:
    if read_table_constraint(part, draft, script.types, script.identity):
        return True
    if part.word() in ("INDEX", "FULLTEXT", "SPATIAL", "PARTITION"):
        return part.word() != "PARTITION"
    return add_column(part, draft, script)


def add_column(part: Cursor, draft: Draft, script: Script) -> bool:
    part.accept("IF", "NOT", "EXISTS")
    TableReader(draft, script.types, script.identity).column(part)
    return True


def modify(part: Cursor, draft: Draft, script: Script) -> bool:
    """MySQL's MODIFY states the column anew."""
    scratch = Draft(draft.name)
    TableReader(scratch, script.types, script.identity).column(part)
    new = scratch.columns[0]
    return change_column(draft, new.name, lambda old: replace(new, name=old.name))


def change_column(draft: Draft, name: str, change: Callable[[Column], Column]) -> bool:
    known = name in draft.column_names
    draft.columns = [change(c) if c.name == name else c for c in draft.columns]
    return known


def alter_column(part: Cursor, draft: Draft, script: Script) -> bool:
    """Clauses of the column as CREATE TABLE has them, behind SET or ADD."""
    name = part.name()
    if part.accept("DROP", "NOT", "NULL"):
        return change_column(draft, name, lambda c: replace(c, nullable=True))
    if part.accept("DROP", "DEFAULT"):
        return change_column(draft, name, lambda c: replace(c, default=None))
    if part.accept("SET", "STATISTICS") or part.accept("SET", "STORAGE") or part.accept("SET", "COMPRESSION"):
        return True
    if not part.accept_any("SET", "ADD") or name not in draft.column_names:
        return False
    scratch = Draft(draft.name, columns=[next(c for c in draft.columns if c.name == name)])
    reader = TableReader(scratch, script.types, script.identity)
    reader.clause(part)
    return not scratch.not_understood and change_column(draft, name, lambda _: scratch.columns[0])


def attach_partition(part: Cursor, draft: Draft, script: Script) -> bool:
    child = script.draft(part)
    if child is None:
        return False
    child.partition_of = draft.name
    return True


def _respelled(draft: Draft, script: Script, old: str, new: str) -> None:
    respell(draft, old, new, script.dialect)
    for other in script.drafts.values():
        other.foreign_keys = [
            replace(f, parent_columns=tuple(new if c == old else c for c in f.parent_columns))
            if f.parent == draft.name
            else f
            for f in other.foreign_keys
        ]


def change(part: Cursor, draft: Draft, script: Script) -> bool:
    """MySQL's CHANGE states the column anew, by another name."""
    old, new = part.name(), part.peek()
    if new is None or old not in draft.column_names:
        return False
    _respelled(draft, script, old, new.value)
    return modify(part, draft, script)


def rename_column(part: Cursor, draft: Draft, script: Script) -> bool:
    old = part.name()
    if old not in draft.column_names or not part.accept("TO"):
        return False
    _respelled(draft, script, old, part.name())
    return True


def rename(part: Cursor, draft: Draft, script: Script) -> bool:
    """The table by another name, also where it is referenced."""
    old, new = draft.name, script.identity(draft.schema, part.qualified()[1])
    script.drafts = {new if d is draft else n: d for n, d in script.drafts.items()}
    draft.name = new
    for other in script.drafts.values():
        other.foreign_keys = [replace(f, parent=new) if f.parent == old else f for f in other.foreign_keys]
    return True


def drop_table(cursor: Cursor, script: Script) -> bool:
    cursor.accept("IF", "EXISTS")
    for part in split_commas(cursor):
        draft = script.draft(part)
        script.drafts = {n: d for n, d in script.drafts.items() if d is not draft}
        script.parents = {n: p for n, p in script.parents.items() if n in script.drafts}
    return True


def drop_index(cursor: Cursor, script: Script) -> bool:
    cursor.accept("CONCURRENTLY")
    cursor.accept("IF", "EXISTS")
    name = cursor.qualified()[1]
    for draft in script.drafts.values():
        draft.uniques = [u for u in draft.uniques if not (u.is_index and u.name == name)]
    return True


def drop_column(part: Cursor, draft: Draft, script: Script) -> bool:
    part.accept("IF", "EXISTS")
    forget_column(draft, part.name(), script.dialect)
    return True


def drop_primary_key(part: Cursor, draft: Draft, script: Script) -> bool:
    draft.primary_key = None
    return True


def drop_constraint(part: Cursor, draft: Draft, script: Script) -> bool:
    optional = part.accept("IF", "EXISTS")
    return forget_constraint(draft, part.name(), script.dialect) or optional


Alteration = Callable[[Cursor, Draft, Script], bool]
ALTERATIONS: tuple[tuple[tuple[str, ...], Alteration], ...] = (
    (("ADD", "COLUMN"), add_column),
    (("ADD",), add),
    (("ALTER", "COLUMN"), alter_column),
    (("ALTER",), alter_column),
    (("MODIFY", "COLUMN"), modify),
    (("MODIFY",), modify),
    (("ATTACH", "PARTITION"), attach_partition),
    (("CHANGE", "COLUMN"), change),
    (("CHANGE",), change),
    (("RENAME", "COLUMN"), rename_column),
    (("RENAME", "TO"), rename),
    (("RENAME", "AS"), rename),
    (("RENAME", "CONSTRAINT"), lambda part, draft, script: True),
    (("DROP", "COLUMN"), drop_column),
    (("DROP", "PRIMARY", "KEY"), drop_primary_key),
    *(
        (("DROP", *words), drop_constraint)
        for words in (("CONSTRAINT",), ("FOREIGN", "KEY"), ("CHECK",), ("INDEX",), ("KEY",))
    ),
)


def comment_on(cursor: Cursor, script: Script) -> bool:
    if cursor.accept("TABLE"):
        draft = script.draft(cursor)
        if draft is None or not cursor.accept("IS"):
            return False
        draft.comment = cursor.take().value
        return True
    if cursor.accept("COLUMN"):
        names = [t.value for t in cursor.until(frozenset({"IS"})) if t.text != "."]
        draft = script.drafts.get(script.identity(names[-3] if len(names) > 2 else None, names[-2]))
        cursor.accept("IS")
        text = cursor.take().value
        return draft is not None and change_column(draft, names[-1], lambda c: replace(c, comment=text))
    return True  # on something that holds no rows


Statement = Callable[[Cursor, Script], bool]
STATEMENTS: tuple[tuple[tuple[str, ...], Statement], ...] = (
    (("CREATE", "SCHEMA"), create_schema),
    (("CREATE", "TABLE"), create_table),
    (("CREATE", "OR", "REPLACE", "TABLE"), create_table),
    (("CREATE", "UNLOGGED", "TABLE"), create_table),
    (("CREATE", "UNIQUE", "INDEX"), create_unique_index),
    (("CREATE", "TYPE"), create_type),
    (("CREATE", "DOMAIN"), create_domain),
    (("CREATE", "TRIGGER"), create_trigger),
    (("CREATE", "OR", "REPLACE", "TRIGGER"), create_trigger),
    (("CREATE", "CONSTRAINT", "TRIGGER"), create_trigger),
    (("ALTER", "TABLE"), alter_table),
    (("COMMENT", "ON"), comment_on),
    (("DROP", "TABLE"), drop_table),
    (("DROP", "INDEX"), drop_index),
    (("USE",), use),
)
