"""References that take such parents alone as agree with the row, as references by both columns."""

from __future__ import annotations

from dataclasses import replace

from fixturesynth.profiling.profile import Profile
from fixturesynth.schema.model import Schema

__all__ = ["with_agreeing"]


def with_agreeing(schema: Schema, profile: Profile | None) -> Schema:
    """The schema whose references name what the profile says that their parents have in common with the row.

    A comment's author is of the comment's workspace: ``author -> users.id`` stands for
    ``(author, workspace) -> users (id, workspace)``, as if the schema had declared that. What agrees with the row's own
    key is one of its children, which are there in a second pass alone.
    """
    for name, seen in profile.tables.items() if profile is not None else ():
        if name not in schema:
            continue
        table = schema[name]
        key = table.primary_key.columns if table.primary_key else ()
        agreed = {
            i.foreign_key: (i.target, i.sources[0])
            for i in seen.invariants
            if i.kind == "agrees" and (i.target,) != key
        }
        if not agreed:
            continue
        keys = tuple(
            replace(
                fk,
                columns=(*fk.columns, agreed[fk.name][0]),
                parent_columns=(*fk.parent_columns, agreed[fk.name][1]),
            )
            if fk.name in agreed
            else fk
            for fk in table.foreign_keys
        )
        wider = replace(table, foreign_keys=keys)
        schema = replace(schema, tables=tuple(wider if t.name == name else t for t in schema))
    return schema
