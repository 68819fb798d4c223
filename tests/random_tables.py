"""What a random schema is made of: tables and their columns, in the words of a dialect."""

from __future__ import annotations

from dataclasses import dataclass, field

__all__ = ["DIALECTS", "KINDS", "NAMES", "UNIQUE_KINDS", "Column", "Table", "Words"]


@dataclass(frozen=True)
class Words:
    """What a dialect calls things, and what it has."""

    integer: str
    text: str
    boolean: str
    decimal: str
    date: str
    moment: str
    length: str
    regex: str | None
    partial: bool = False
    lower_index: bool = False
    nulls_together: bool = False
    deferrable: bool = False
    late_keys: bool = False  # ALTER TABLE ... ADD FOREIGN KEY
    arrays: bool = False
    json: str | None = None
    as_text: str = "CAST({} AS CHAR)"
    is_object: str = ""
    enums: str = "text"  # how a list of values is declared: a type of its own, in the column, or by a check


DIALECTS = {
    "postgresql": Words(
        "integer", "varchar({})", "boolean", "numeric(10, 2)", "date", "timestamp", "char_length", "{} ~ '{}'",
        partial=True, lower_index=True, nulls_together=True, deferrable=True, late_keys=True, arrays=True,
        json="jsonb", as_text="{}::text", is_object="jsonb_typeof({}) = 'object'", enums="type",
    ),
    "mysql": Words(
        "int", "varchar({})", "tinyint(1)", "decimal(10, 2)", "date", "datetime", "char_length", "{} REGEXP '{}'",
        late_keys=True, json="json", is_object="JSON_TYPE({}) = 'OBJECT'", enums="column",
    ),
    "sqlite": Words(
        "integer", "varchar({})", "boolean", "numeric(10, 2)", "date", "timestamp", "length", None,
        partial=True, lower_index=True, deferrable=True, as_text="CAST({} AS TEXT)",
    ),
}  # fmt: skip

KINDS = ("integer", "text", "boolean", "decimal", "date", "moment")
NAMES = {
    "integer": "n",
    "text": "label",
    "boolean": "is_set",
    "decimal": "price",
    "date": "day",
    "moment": "happened_at",
    "json": "doc",
    "array": "tags",
}
UNIQUE_KINDS = frozenset(KINDS)


@dataclass
class Column:
    name: str
    kind: str
    size: int = 40
    nullable: bool = True
    keyed: bool = False  # in the primary key or a foreign key
    target: str = ""  # the table of which it alone is a foreign key
    sole: bool = False  # that table may have one row at most
    text: str = ""  # its whole declaration but for the name, where it is of a kind that nothing else here knows

    def declared(self, words: Words) -> str:
        if self.text:
            return f"{self.name} {self.text}{'' if self.nullable else ' NOT NULL'}"
        kind = "text[]" if self.kind == "array" else getattr(words, self.kind).format(self.size)
        return f"{self.name} {kind}{'' if self.nullable else ' NOT NULL'}" + (
            " NULL" if self.nullable and self.kind == "moment" else ""
        )


@dataclass
class Table:
    name: str
    columns: list[Column] = field(default_factory=list)
    key: list[str] = field(default_factory=list)
    uniques: list[list[str]] = field(default_factory=list)  # those that can be referenced: full, of columns NOT NULL
    clauses: list[str] = field(default_factory=list)
    indexes: list[str] = field(default_factory=list)
    parents: list[str] = field(default_factory=list)
    before: list[str] = field(default_factory=list)  # types and extensions that it needs
    after: list[str] = field(default_factory=list)  # what takes the types away again

    def column(self, name: str) -> Column:
        return next(c for c in self.columns if c.name == name)

    def lone_flags(self) -> list[Column]:
        """Columns of at most two values that are unique by themselves: checks may leave the table one row."""
        flags = [c for c in self.columns if c.kind == "boolean" or c.sole]
        forms = ("UNIQUE ({})", "UNIQUE NULLS NOT DISTINCT ({})")
        return [
            c for c in flags
            if [c.name] in (self.key, *self.uniques) or any(f.format(c.name) in self.clauses for f in forms)
        ]  # fmt: skip
