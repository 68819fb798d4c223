"""CREATE TABLE text to a draft, in any of the dialects, keeping every constraint's own words.

SQLite keeps its checks, collations and deferrability nowhere but in this text; scripts have nothing else. The reader is
tolerant: a clause that it does not know becomes a word in ``not_understood``, never an error.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from fixturesynth.schema.cursor import Cursor, split_commas
from fixturesynth.schema.draft import Draft
from fixturesynth.schema.lexing import names_in, text_of, tokenize, unbracketed
from fixturesynth.schema.model import (
    Check,
    Column,
    ColumnType,
    Exclusion,
    ForeignKey,
    Generated,
    PrimaryKey,
    Unique,
)
from fixturesynth.schema.types import parse_type

__all__ = [
    "Domain",
    "Resolve",
    "TableReader",
    "Types",
    "index_members",
    "read_create_table",
    "read_table_constraint",
    "settle",
]


@dataclass(frozen=True)
class Domain:
    """CREATE DOMAIN: the type under it (``domain`` set to its name) and what it adds to a column."""

    type: ColumnType
    checks: tuple[str, ...] = ()
    nullable: bool = True
    default: str | None = None
    collation: str | None = None


@dataclass
class Types:
    """What a type's text means in this dialect, together with the enums and domains declared so far."""

    dialect: str
    declared: dict[str, ColumnType] = field(default_factory=dict)
    domains: dict[str, Domain] = field(default_factory=dict)

    def read(self, text: str) -> ColumnType:
        own = self.declared.get(self.last_name(text))
        if own is not None:
            return replace(own, name=text)
        if text.endswith("[]") and self.dialect != "sqlite":
            return ColumnType("array", text, element=self.read(text[:-2].rstrip()))
        return parse_type(text, self.dialect)

    def domain(self, text: str) -> Domain | None:
        return self.domains.get(self.last_name(text))

    def last_name(self, text: str) -> str:
        """``mood`` for ``public.mood``; empty when the text is more than a name."""
        names = [t.value for t in tokenize(text, self.dialect) if t.text != "."]
        return names[-1] if 0 < len(names) <= 2 else ""


# fmt: off
CLAUSES = frozenset({
    "CONSTRAINT", "NOT", "NULL", "DEFAULT", "PRIMARY", "UNIQUE", "CHECK", "REFERENCES", "COLLATE", "GENERATED", "AS",
    "AUTO_INCREMENT", "AUTOINCREMENT", "COMMENT", "ON", "KEY", "DEFERRABLE", "INITIALLY", "VISIBLE", "INVISIBLE",
    "STORAGE", "COMPRESSION", "VIRTUAL", "STORED", "PERSISTENT", "SRID", "USING", "COLUMN_FORMAT",
})
# What may stand behind a table constraint and says nothing about rows.
TRAILERS = frozenset({
    "USING", "COMMENT", "KEY_BLOCK_SIZE", "ON", "DEFERRABLE", "NOT", "INITIALLY", "WITH", "INCLUDE", "NO", "TABLESPACE",
})
# fmt: on
ACTIONS = ("CASCADE", "RESTRICT", "SET NULL", "SET DEFAULT", "NO ACTION")
MATCHES: dict[str, Literal["SIMPLE", "FULL", "PARTIAL"]] = {"SIMPLE": "SIMPLE", "FULL": "FULL", "PARTIAL": "PARTIAL"}
SERIALS = {
    "serial": "integer",
    "serial4": "integer",
    "smallserial": "smallint",
    "serial2": "smallint",
    "bigserial": "bigint",
    "serial8": "bigint",
}
SERIAL_DIALECTS = {"postgresql": SERIALS, "mysql": {"serial": "bigint unsigned"}}

Resolve = Callable[[str | None, str], str]


class TableReader:
    """Reads the clauses of one table into its draft."""

    def __init__(self, draft: Draft, types: Types, resolve: Resolve) -> None:
        self.draft = draft
        self.types = types
        self.dialect = types.dialect
        self.resolve = resolve
        self.constraint: str | None = None  # the name in CONSTRAINT name, until its clause is read

    def named(self, made: str) -> str:
        name, self.constraint = self.constraint, None
        return name or made

    def column(self, cursor: Cursor) -> None:
        """``name type clause...``"""
        name = cursor.name()
        text = "" if cursor.done or cursor.word() in CLAUSES else text_of(cursor.until(CLAUSES))
        serial = SERIAL_DIALECTS.get(self.dialect, {}).get(text.lower())
        if serial is not None:
            column = Column(name, self.types.read(serial), nullable=False, autoincrement=True)
        elif domain := self.types.domain(text):
            column = Column(
                name,
                domain.type,
                nullable=domain.nullable,
                default=domain.default,
                collation=domain.collation,
                domain_checks=domain.checks,
            )
        else:
            plain = text[: -len(" binary")] if self.dialect == "mysql" and text.lower().endswith(") binary") else text
            column = Column(name, self.types.read(plain), collation=None if plain == text else "utf8mb4_bin")
        self.draft.columns.append(column)
        if column.type.kind == "other":
            self.draft.not_understood.append(f"type {text} of column {name}")
        while not cursor.done:
            self.clause(cursor)
        self.constraint = None

    def clause(self, cursor: Cursor) -> None:
        """One clause of the last column."""
        if cursor.accept("CONSTRAINT"):
            self.constraint = cursor.name()
            return
        for phrase, read in COLUMN_CLAUSES:
            if cursor.accept(*phrase):
                read(self, cursor)
                return
        self.draft.not_understood.append(f"column {self.draft.columns[-1].name}: {text_of(cursor.until(CLAUSES))}")

    def table_clause(self, cursor: Cursor) -> bool:
        """One table constraint, if there is one here."""
        if cursor.accept("CONSTRAINT"):
            # MySQL allows CONSTRAINT without a name.
            self.constraint = None if cursor.word() in ("PRIMARY", "UNIQUE", "FOREIGN", "CHECK") else cursor.name()
        for phrase, opens, read in TABLE_CLAUSES:
            if (not opens or cursor.word(len(phrase)) in opens) and cursor.accept(*phrase):
                read(self, cursor)
                self.constraint = None
                return True
        return False

    # Clauses of a column, which change the last one.

    def change(self, column: Column) -> None:
        self.draft.columns[-1] = column
        self.constraint = None

    @property
    def last(self) -> Column:
        return self.draft.columns[-1]

    def not_null(self, cursor: Cursor) -> None:
        self.change(replace(self.last, nullable=False))

    def null(self, cursor: Cursor) -> None:
        self.constraint = None

    def default(self, cursor: Cursor) -> None:
        text = text_of(cursor.until(CLAUSES - {"COLLATE"}))
        null = text.upper() == "NULL" or text.upper().startswith("NULL::")
        serial = self.last.autoincrement or text.lower().startswith("nextval(")
        self.change(replace(self.last, default=None if null else text, autoincrement=serial))

    def column_primary(self, cursor: Cursor) -> None:
        self.draft.primary_key = PrimaryKey((self.last.name,), self.constraint)
        cursor.accept_any("ASC", "DESC")
        self.constraint = None

    def column_unique(self, cursor: Cursor) -> None:
        nulls_distinct = not cursor.accept("NULLS", "NOT", "DISTINCT")
        name = self.named(f"uq_{self.last.name}")
        self.draft.uniques.append(Unique(name, (self.last.name,), nulls_distinct=nulls_distinct))

    def check(self, cursor: Cursor) -> None:
        text = unbracketed(cursor.group().rest, self.dialect)
        made = f"ck_{self.draft.name}_{len(self.draft.checks) + 1}"
        self.draft.checks.append(Check(self.named(made), text))
        cursor.accept("NOT", "VALID")
        cursor.accept("NO", "INHERIT")
        cursor.accept("ENFORCED")
        if cursor.accept("NOT", "ENFORCED"):
            gone = self.draft.checks.pop()
            self.draft.not_understood.append(f"check {gone.name} is not enforced: {gone.text}")

    def column_references(self, cursor: Cursor) -> None:
        self.references(cursor, (self.last.name,))

    def collate(self, cursor: Cursor) -> None:
        self.change(replace(self.last, collation=cursor.qualified()[1]))

    def identity(self, cursor: Cursor, kind: Literal["always", "by default"]) -> None:
        self.change(replace(self.last, identity=kind, nullable=False))
        cursor.group()

    def generated(self, cursor: Cursor) -> None:
        text = unbracketed(cursor.group().rest, self.dialect)
        stored = cursor.accept_any("STORED", "PERSISTENT", "VIRTUAL") in ("STORED", "PERSISTENT")
        self.change(replace(self.last, generated=Generated(text, stored)))

    def autoincrement(self, cursor: Cursor) -> None:
        self.change(replace(self.last, autoincrement=True))

    def comment(self, cursor: Cursor) -> None:
        self.change(replace(self.last, comment=cursor.take().value))

    def step_over(self, cursor: Cursor) -> None:
        if not cursor.done and cursor.word() not in CLAUSES:
            cursor.until(CLAUSES)

    # Clauses of the table.

    def members(self, cursor: Cursor) -> list[Cursor]:
        cursor.skip_to("(")  # USING BTREE, CLUSTERED, an index name
        return split_commas(cursor.group())

    def primary(self, cursor: Cursor) -> None:
        self.draft.primary_key = PrimaryKey(tuple(m.name() for m in self.members(cursor)), self.constraint)

    def unique(self, cursor: Cursor) -> None:
        cursor.accept_any("KEY", "INDEX")
        own = None if cursor.word() in ("(", "NULLS") else cursor.name()
        distinct = not cursor.accept("NULLS", "NOT", "DISTINCT")
        columns, expressions = index_members(self.members(cursor), self.dialect)
        name = self.named(own or f"uq_{'_'.join(columns) or self.draft.name}")
        self.draft.uniques.append(Unique(name, columns, expressions, nulls_distinct=distinct))

    def foreign(self, cursor: Cursor) -> None:
        own = None if cursor.word() == "(" else cursor.name()  # MySQL: FOREIGN KEY index_name (...)
        columns = tuple(m.name() for m in self.members(cursor))
        self.constraint = self.constraint or own
        if cursor.accept("REFERENCES"):
            self.references(cursor, columns)

    def exclude(self, cursor: Cursor) -> None:
        start = cursor.position
        using = cursor.name() if cursor.accept("USING") else "gist"
        elements = []
        for member in split_commas(cursor.group()):
            words = [t.word for t in member.tokens]
            at = len(words) - 1 - words[::-1].index("WITH") if "WITH" in words else len(words)
            expression = member.tokens[0].value if at == 1 else text_of(member.tokens[:at])
            elements.append((unbracketed(expression, self.dialect), "".join(t.text for t in member.tokens[at + 1 :])))
        predicate = unbracketed(cursor.group().rest, self.dialect) if cursor.accept("WHERE") else None
        text = "EXCLUDE " + text_of(cursor.tokens[start : cursor.position])
        name = self.named(f"ex_{self.draft.name}_{len(self.draft.exclusions) + 1}")
        self.draft.exclusions.append(Exclusion(name, text, tuple(elements), using, predicate))

    def plain_index(self, cursor: Cursor) -> None:
        cursor.position = len(cursor.tokens)

    def references(self, cursor: Cursor, columns: tuple[str, ...]) -> None:
        schema, parent = cursor.qualified()
        parent_columns = tuple(m.name() for m in split_commas(cursor.group()))
        fk = ForeignKey(self.named(""), columns, self.resolve(schema, parent), parent_columns)
        while not cursor.done:
            option = next((read for phrase, read in REFERENCE_OPTIONS if cursor.accept(*phrase)), None)
            if option is None:
                break
            fk = option(fk, cursor)
        if self.dialect == "mysql":  # RESTRICT is its word for NO ACTION
            fk = replace(fk, on_delete=without_restrict(fk.on_delete), on_update=without_restrict(fk.on_update))
        self.draft.foreign_keys.append(fk)


def without_restrict(action: str | None) -> str | None:
    return None if action == "RESTRICT" else action


def on_delete(fk: ForeignKey, cursor: Cursor) -> ForeignKey:
    fk = replace(fk, on_delete=action(cursor))
    cursor.group()  # PostgreSQL: SET NULL (columns)
    return fk


def action(cursor: Cursor) -> str | None:
    """The action, None for the default one."""
    found = cursor.accept_any(*ACTIONS)
    return None if found == "NO ACTION" else found


REFERENCE_OPTIONS: tuple[tuple[tuple[str, ...], Callable[[ForeignKey, Cursor], ForeignKey]], ...] = (
    (("ON", "DELETE"), on_delete),
    (("ON", "UPDATE"), lambda fk, cursor: replace(fk, on_update=action(cursor))),
    (("MATCH",), lambda fk, cursor: replace(fk, match=MATCHES.get(cursor.name().upper(), "SIMPLE"))),
    (("NOT", "DEFERRABLE"), lambda fk, _: fk),
    (("DEFERRABLE",), lambda fk, _: replace(fk, deferrable=True)),
    (("INITIALLY", "DEFERRED"), lambda fk, _: replace(fk, deferrable=True, initially_deferred=True)),
    (("INITIALLY", "IMMEDIATE"), lambda fk, _: fk),
    (("NOT", "VALID"), lambda fk, _: fk),
)
CALLS = frozenset({"(", "::", "+", "-", "*", "/", "||", "%", ".", "[", ">", "<", "="})
ORDERING = frozenset({"ASC", "DESC", "NULLS", "COLLATE"})


def index_members(members: Sequence[Cursor], dialect: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Plain columns and expressions of an index; order, collation and operator class left out."""
    columns, expressions = [], []
    for member in members:
        first, second = member.tokens[0], member.peek(1)
        words = [t.text for t in member.tokens]
        prefix = dialect == "mysql" and len(words) >= 4 and words[1] == "(" and words[2].isdigit() and words[3] == ")"
        if first.text != "(" and (second is None or second.text not in CALLS):
            columns.append(first.value)
        elif prefix:  # MySQL: unique in its first characters
            expressions.append(f"left({first.value}, {words[2]})")
        else:
            expressions.append(unbracketed(text_of(member.until(ORDERING)), dialect))
    return tuple(columns), tuple(expressions)


Read = Callable[[TableReader, Cursor], None]
# In order: the first phrase that fits is read.
COLUMN_CLAUSES: tuple[tuple[tuple[str, ...], Read], ...] = (
    (("NOT", "NULL"), TableReader.not_null),
    (("NULL",), TableReader.null),
    (("DEFAULT",), TableReader.default),
    (("PRIMARY", "KEY"), TableReader.column_primary),
    (("UNIQUE", "KEY"), TableReader.column_unique),
    (("UNIQUE",), TableReader.column_unique),
    (("KEY",), TableReader.column_primary),
    (("CHECK",), TableReader.check),
    (("REFERENCES",), TableReader.column_references),
    (("COLLATE",), TableReader.collate),
    (("GENERATED", "ALWAYS", "AS", "IDENTITY"), lambda reader, cursor: reader.identity(cursor, "always")),
    (("GENERATED", "BY", "DEFAULT", "AS", "IDENTITY"), lambda reader, cursor: reader.identity(cursor, "by default")),
    (("GENERATED", "ALWAYS", "AS"), TableReader.generated),
    (("AS",), TableReader.generated),
    (("AUTO_INCREMENT",), TableReader.autoincrement),
    (("AUTOINCREMENT",), TableReader.autoincrement),
    (("COMMENT",), TableReader.comment),
    *(((w,), TableReader.step_over) for w in ("VISIBLE", "INVISIBLE", "STORAGE", "COMPRESSION", "SRID", "USING")),
    *(((w,), TableReader.step_over) for w in ("COLUMN_FORMAT", "NOT", "DEFERRABLE", "INITIALLY", "ON")),
)
# A phrase, what may follow it (so that a column may be called "check" or "exclude"), its reader.
INDEX = ("KEY", "INDEX")
TABLE_CLAUSES: tuple[tuple[tuple[str, ...], tuple[str, ...], Read], ...] = (
    (("PRIMARY", "KEY"), (), TableReader.primary),
    (("UNIQUE",), (), TableReader.unique),
    (("CHECK",), ("(",), TableReader.check),
    (("FOREIGN", "KEY"), (), TableReader.foreign),
    (("EXCLUDE",), ("USING", "("), TableReader.exclude),
    (("FULLTEXT",), INDEX, TableReader.plain_index),
    (("SPATIAL",), INDEX, TableReader.plain_index),
)


def read_table_constraint(cursor: Cursor, draft: Draft, types: Types, resolve: Resolve) -> bool:
    """Read one table constraint (``ALTER TABLE ... ADD`` stands before the cursor); False when it is none."""
    if is_plain_index(cursor, types.dialect):
        return True
    if not TableReader(draft, types, resolve).table_clause(cursor):
        return False
    if not cursor.done and cursor.word() not in TRAILERS:
        draft.not_understood.append(f"constraint: {cursor.rest}")
    return True


def is_plain_index(cursor: Cursor, dialect: str) -> bool:
    """MySQL's ``KEY name (columns)`` and ``INDEX name (columns)``, whose names look like columns."""
    if dialect != "mysql" or cursor.word() not in INDEX:
        return False
    return cursor.word(1) == "(" or cursor.word(2) in ("(", "USING")


def is_not_a_column(part: Cursor) -> bool:
    """``LIKE other INCLUDING ALL`` and ``PERIOD FOR ...``; a column may be called like or period all the same."""
    like = part.word() == "LIKE" and part.word(2) in ("", ".", "INCLUDING", "EXCLUDING")
    return like or (part.word() == "PERIOD" and part.word(1) == "FOR")


def read_create_table(cursor: Cursor, types: Types, name: str, schema: str | None, resolve: Resolve) -> Draft:
    """The draft of a table from the cursor at the bracket behind its name.

    Args:
        types: dialect, enums and domains.
        resolve: (schema, name) of a referenced table to its identity.
    """
    draft = Draft(name, schema)
    reader = TableReader(draft, types, resolve)
    for part in split_commas(cursor.group()):
        if read_table_constraint(part, draft, types, resolve):
            continue
        if is_not_a_column(part):
            draft.not_understood.append(f"table: {part.rest}")
        else:
            reader.column(part)
    while not cursor.done:
        option = next((read for phrase, read in TABLE_OPTIONS if cursor.accept(*phrase)), None)
        if option is not None:
            option(draft, cursor)
        else:
            cursor.take()
    return draft


def table_comment(draft: Draft, cursor: Cursor) -> None:
    cursor.accept("=")
    draft.comment = cursor.take().value


def partition_key(draft: Draft, cursor: Cursor) -> None:
    """``RANGE (created)``; MySQL's list of partitions behind it is stepped over."""
    draft.partition_key = text_of(cursor.until(frozenset({"WITH", "TABLESPACE", "PARTITIONS", "PARTITION"})))


def table_collation(draft: Draft, cursor: Cursor) -> None:
    """MySQL: what a text column without its own takes."""
    cursor.accept("=")
    name = cursor.name()
    texts = ("text", "enum", "set")
    draft.columns = [replace(c, collation=c.collation or name) if c.type.kind in texts else c for c in draft.columns]


def inherits(draft: Draft, cursor: Cursor) -> None:
    draft.inherits = [parent.qualified() for parent in split_commas(cursor.group())]


TABLE_OPTIONS: tuple[tuple[tuple[str, ...], Callable[[Draft, Cursor], None]], ...] = (
    (("COMMENT",), table_comment),
    (("PARTITION", "BY"), partition_key),
    (("INHERITS",), inherits),
    (("COLLATE",), table_collation),
)


def settle(draft: Draft, dialect: str) -> None:
    """What only the whole table tells: key columns are not null, checks know their columns.

    SQLite alone lets a primary key hold NULL; its catalogue says when it does not.
    """
    key = set(draft.primary_key.columns) if draft.primary_key and dialect != "sqlite" else set()
    draft.columns = [replace(c, nullable=c.nullable and c.name not in key) for c in draft.columns]
    names = draft.column_names
    draft.checks = [replace(c, columns=names_in(c.text, names, dialect)) for c in draft.checks]
