"""What later statements of a script take back or call by another name: columns and constraints of a draft."""

import re
from dataclasses import replace

from fixturesynth.schema.draft import Draft
from fixturesynth.schema.lexing import names_in, tokenize
from fixturesynth.schema.model import Check, Unique

__all__ = ["forget_column", "forget_constraint", "respell"]


def forget_column(draft: Draft, name: str, dialect: str) -> None:
    """The draft without the column, and without the constraints that go with it."""
    draft.columns = [c for c in draft.columns if c.name != name]
    draft.foreign_keys = [f for f in draft.foreign_keys if name not in f.columns]
    draft.uniques = [u for u in draft.uniques if not _over(u, name, dialect)]
    draft.checks = [c for c in draft.checks if not names_in(c.text, [name], dialect)]
    draft.exclusions = [e for e in draft.exclusions if not names_in(e.text, [name], dialect)]
    if draft.primary_key is not None and name in draft.primary_key.columns:
        draft.primary_key = None


def _over(unique: Unique, column: str, dialect: str) -> bool:
    texts = (*unique.expressions, *([unique.predicate] if unique.predicate else []))
    return column in unique.columns or any(names_in(text, [column], dialect) for text in texts)


def forget_constraint(draft: Draft, name: str, dialect: str) -> bool:
    """Take the constraint of that name away, PostgreSQL's own names among them; False: none has it."""
    table = draft.name.rpartition(".")[2]
    before = (len(draft.checks), len(draft.uniques), len(draft.foreign_keys), len(draft.exclusions))
    for listed in ("foreign_keys", "exclusions"):
        setattr(draft, listed, [c for c in getattr(draft, listed) if c.name != name])
    own = {name, *_made_check(draft, table, name, dialect)}
    draft.checks = [c for c in draft.checks if c.name not in own]
    draft.uniques = [u for u in draft.uniques if u.name != name and f"{table}_{'_'.join(u.columns)}_key" != name]
    draft.foreign_keys = [f for f in draft.foreign_keys if f.name or f"{table}_{'_'.join(f.columns)}_fkey" != name]
    if draft.primary_key is not None and name in (draft.primary_key.name, f"{table}_pkey"):
        draft.primary_key = None
        return True
    return before != (len(draft.checks), len(draft.uniques), len(draft.foreign_keys), len(draft.exclusions))


def _made_check(draft: Draft, table: str, name: str, dialect: str) -> list[str]:
    """The nameless check that PostgreSQL calls ``name``: by its only column, numbered from the second on."""
    taken: dict[str, int] = {}
    for check in draft.checks:
        if not re.fullmatch(rf"ck_{re.escape(draft.name)}_\d+", check.name):
            continue
        columns = names_in(check.text, draft.column_names, dialect)
        base = f"{table}_{columns[0]}_check" if len(columns) == 1 else f"{table}_check"
        count = taken.get(base, 0)
        taken[base] = count + 1
        if name == (f"{base}{count}" if count else base):
            return [check.name]
    return []


def respell(draft: Draft, old: str, new: str, dialect: str) -> None:
    """The draft with a column by another name, in all that is said of it."""

    def text(said: str) -> str:
        out, at = [], 0
        for token in tokenize(said, dialect):
            if token.kind in ("word", "name") and token.value == old:
                out += [said[at : token.start], new if token.kind == "word" else token.text.replace(old, new)]
                at = token.end
        return "".join([*out, said[at:]])

    def names(columns: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(new if c == old else c for c in columns)

    draft.columns = [replace(c, name=new) if c.name == old else c for c in draft.columns]
    draft.columns = [
        replace(c, generated=replace(c.generated, expression=text(c.generated.expression))) if c.generated else c
        for c in draft.columns
    ]
    if draft.primary_key is not None:
        draft.primary_key = replace(draft.primary_key, columns=names(draft.primary_key.columns))
    draft.foreign_keys = [replace(f, columns=names(f.columns)) for f in draft.foreign_keys]
    draft.uniques = [
        replace(
            u,
            columns=names(u.columns),
            expressions=tuple(text(e) for e in u.expressions),
            predicate=text(u.predicate) if u.predicate else None,
        )
        for u in draft.uniques
    ]
    draft.checks = [Check(c.name, text(c.text)) for c in draft.checks]
