"""References that nobody declared, guessed from names and types."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from fixturesynth.schema.model import ForeignKey, Schema, Table

__all__ = ["Polymorphic", "Undeclared", "guess_polymorphic", "guess_undeclared", "singular", "split_name"]

_KEY_WORDS = {"id", "key", "code", "no", "num", "number", "uuid", "guid", "fk", "ref"}
_VAGUE_KEYS = {"id", "key", "code", "name", "uuid", "guid", "no", "number", "type", "value"}
_TEXT_KINDS = {"text", "enum", "other"}


@dataclass(frozen=True)
class Polymorphic:
    """``type_column`` says which table ``id_column`` references."""

    table: str
    type_column: str
    id_column: str


@dataclass(frozen=True)
class Undeclared:
    """A reference that the names and types suggest."""

    table: str
    columns: tuple[str, ...]
    parent: str
    parent_columns: tuple[str, ...]

    @property
    def foreign_key(self) -> ForeignKey:
        """As a foreign key that the database does not enforce."""
        return ForeignKey(
            f"fk_{'_'.join(self.columns)}", self.columns, self.parent, self.parent_columns, declared=False
        )


def split_name(name: str) -> tuple[str, ...]:
    """The words of a snake_case, kebab-case or CamelCase name, in lower case.

    >>> split_name("CustomerID"), split_name("billing_address_id")
    (('customer', 'id'), ('billing', 'address', 'id'))
    """
    parts = re.sub(r"([a-z0-9])([A-Z])", r"\1 \2", re.sub(r"([A-Z]+)([A-Z][a-z])", r"\1 \2", name))
    return tuple(re.sub(r"[\W_]+", " ", parts).casefold().split())


def singular(word: str) -> str:
    """The word without its plural ending, roughly: ``categories`` -> ``category``."""
    for ending, instead in (("ies", "y"), ("sses", "ss"), ("xes", "x"), ("ches", "ch"), ("shes", "sh"), ("s", "")):
        if word.endswith(ending) and len(word) > len(ending) + 1 and not word.endswith(("ss", "us", "is")):
            return word[: -len(ending)] + instead
    return word


def guess_polymorphic(schema: Schema) -> tuple[Polymorphic, ...]:
    """``x_type`` (text) beside ``x_id``, no foreign key on either."""
    return tuple(pair for table in schema for pair in _polymorphic_pairs(table))


def _polymorphic_pairs(table: Table) -> Iterator[Polymorphic]:
    referencing = {c for fk in table.foreign_keys for c in fk.columns}
    by_words = {split_name(c): c for c in table.column_names}
    for words, type_column in by_words.items():
        id_column = by_words.get((*words[:-1], "id"))
        if words[-1:] == ("type",) and len(words) > 1 and id_column is not None:
            textual = table.column(type_column).type.kind in _TEXT_KINDS
            if textual and not {type_column, id_column} & referencing:
                yield Polymorphic(table.name, type_column, id_column)


def guess_undeclared(schema: Schema) -> tuple[Undeclared, ...]:
    """Columns named after a table and its one-column key, of the key's type, without a foreign key.

    A name that fits several tables is left alone, and so is a table's own key.
    """
    parents = _Parents(schema)
    polymorphic = {(p.table, p.id_column) for p in guess_polymorphic(schema)}
    found = []
    for table in schema:
        if table.partition_of is not None:
            continue
        taken = {c for fk in table.foreign_keys for c in fk.columns}
        taken |= set(table.primary_key.columns) if table.primary_key and len(table.primary_key.columns) == 1 else set()
        for column in table.columns:
            if column.name in taken or (table.name, column.name) in polymorphic or column.generated:
                continue
            parent = parents.find(split_name(column.name))
            if parent is not None and schema[parent[0]].column(parent[1]).type.kind == column.type.kind:
                found.append(Undeclared(table.name, (column.name,), parent[0], (parent[1],)))
    return tuple(found)


class _Parents:
    """Tables with a key of one column, by the words that a reference to them would have."""

    def __init__(self, schema: Schema) -> None:
        self.by_reference: dict[tuple[str, ...], list[tuple[str, str]]] = {}
        self.by_key: dict[tuple[str, ...], list[tuple[str, str]]] = {}
        for table in schema:
            if table.partition_of is not None:
                continue
            own = split_name(table.bare_name)
            stem = (*own[:-1], singular(own[-1])) if own else ()
            key = table.primary_key.columns if table.primary_key else next(iter(table.keys), ())
            if len(key) != 1 or not stem:
                continue
            target, words = (table.name, key[0]), split_name(key[0])
            bare = words[len(stem) :] if words[: len(stem)] == stem else words
            if bare and bare[-1] in _KEY_WORDS:
                self.by_reference.setdefault((*stem, *bare), []).append(target)
            if words and not (len(words) == 1 and words[0] in _VAGUE_KEYS):
                self.by_key.setdefault(words, []).append(target)

    def find(self, words: tuple[str, ...]) -> tuple[str, str] | None:
        """The one table that a column of these words references; longer names win: ``billing_address_id`` may be of
        ``billing_addresses`` or of ``addresses``."""
        if not words or words[-1] not in _KEY_WORDS:
            return None
        for start in range(len(words) - 1):
            tail = words[start:]
            stemmed = (*tail[:-2], singular(tail[-2]), tail[-1])
            candidates = self.by_reference.get(stemmed) or (self.by_key.get(tail) if start == 0 else None)
            if candidates:
                return candidates[0] if len(candidates) == 1 else None
        return None
