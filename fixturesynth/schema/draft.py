"""Tables while they are being read: lists to append to, frozen once into a ``Schema``.

Every reader (catalogues, DDL text, SQLAlchemy metadata) fills drafts; ``freeze`` does what all of them need: names for
nameless foreign keys, implicit parent columns, the tables' own spelling of names, a word about what is missing.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from fixturesynth.schema.lexing import respelled
from fixturesynth.schema.model import (
    Check,
    Column,
    Dialect,
    Exclusion,
    ForeignKey,
    PrimaryKey,
    Schema,
    Table,
    Unique,
)

__all__ = ["Draft", "freeze", "table_name"]


@dataclass
class Draft:
    """A table under way; the fields are those of ``Table``. A foreign key may lack its name and parent columns."""

    name: str
    schema: str | None = None
    columns: list[Column] = field(default_factory=list)
    primary_key: PrimaryKey | None = None
    foreign_keys: list[ForeignKey] = field(default_factory=list)
    uniques: list[Unique] = field(default_factory=list)
    checks: list[Check] = field(default_factory=list)
    exclusions: list[Exclusion] = field(default_factory=list)
    comment: str | None = None
    triggers: list[str] = field(default_factory=list)
    partition_of: str | None = None
    partition_key: str | None = None
    not_understood: list[str] = field(default_factory=list)
    inherits: list[tuple[str | None, str]] = field(default_factory=list)  # (schema, name), from DDL text

    @property
    def column_names(self) -> list[str]:
        return [c.name for c in self.columns]


def table_name(schema: str | None, name: str, default_schema: str | None) -> str:
    """The table's identity: bare inside the default schema, ``schema.table`` outside it."""
    return name if schema is None or schema == default_schema else f"{schema}.{name}"


def freeze(
    drafts: Iterable[Draft],
    dialect: Dialect,
    name: str | None,
    not_understood: Iterable[str] = (),
    *,
    any_case: bool = False,
) -> Schema:
    """The ``Schema`` of all drafts. ``any_case``: the dialect compares names without regard to case."""
    drafts = list(drafts)
    by_name = {d.name: d for d in drafts}
    folded = {d.name.casefold(): d for d in drafts} if any_case else {}
    tables = []
    for draft in drafts:
        foreign_keys, missing = [], []
        for fk in draft.foreign_keys:
            parent = by_name.get(fk.parent) or folded.get(fk.parent.casefold())
            complaint, fixed = (None, fk) if parent is None else completed(fk, draft, parent, any_case)
            if parent is None:
                complaint = f"foreign key on ({', '.join(fk.columns)}) references {fk.parent}, which is not reflected"
            if complaint is not None:
                missing.append(complaint)
            else:
                foreign_keys.append(fixed)
        tables.append(
            Table(
                name=draft.name,
                columns=tuple(_computing(c, draft, dialect) for c in draft.columns),
                schema=draft.schema,
                primary_key=draft.primary_key,
                foreign_keys=with_names(foreign_keys),
                uniques=tuple(
                    replace(u, expressions=tuple(respelled(e, draft.column_names, dialect) for e in u.expressions))
                    for u in draft.uniques
                ),
                checks=tuple(draft.checks),
                exclusions=tuple(draft.exclusions),
                comment=draft.comment,
                triggers=tuple(draft.triggers),
                partition_of=draft.partition_of,
                partition_key=draft.partition_key,
                not_understood=(*draft.not_understood, *missing),
            )
        )
    return Schema(tuple(tables), dialect, name, tuple(not_understood))


def _computing(column: Column, draft: Draft, dialect: Dialect) -> Column:
    if column.generated is None:
        return column
    text = respelled(column.generated.expression, draft.column_names, dialect)
    return replace(column, generated=replace(column.generated, expression=text))


def completed(fk: ForeignKey, child: Draft, parent: Draft, any_case: bool) -> tuple[str | None, ForeignKey]:
    """``fk`` in the tables' own spelling, its parent columns filled in; or what is wrong with it."""
    wanted = fk.parent_columns or (parent.primary_key.columns if parent.primary_key else ())
    columns = spelled_like(fk.columns, child.column_names, any_case)
    parent_columns = spelled_like(wanted, parent.column_names, any_case)
    if columns is None or parent_columns is None or len(columns) != len(parent_columns):
        where = f"({', '.join(fk.columns)}) references {parent.name} ({', '.join(wanted)})"
        return f"foreign key on {where}: the columns do not match", fk
    return None, replace(fk, columns=columns, parent=parent.name, parent_columns=parent_columns)


def spelled_like(names: Sequence[str], known: Sequence[str], any_case: bool) -> tuple[str, ...] | None:
    spelling: Mapping[str, str] = {(k.casefold() if any_case else k): k for k in known}
    found = [spelling.get(n.casefold() if any_case else n) for n in names]
    return None if None in found else tuple(f for f in found if f is not None)


def with_names(foreign_keys: Iterable[ForeignKey]) -> tuple[ForeignKey, ...]:
    """Foreign keys whose names are never empty and never the same."""
    taken: set[str] = set()
    named = []
    for fk in foreign_keys:
        base = fk.name or f"fk_{'_'.join(fk.columns)}"
        name, count = base, 1
        while name in taken:
            count += 1
            name = f"{base}_{count}"
        taken.add(name)
        named.append(replace(fk, name=name))
    return tuple(named)
