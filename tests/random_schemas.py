"""Random schemas by Hypothesis, and rows in real servers: DDL of many small tables, seeded together and audited."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import strategies as st
from random_checks import draw_checks
from random_kinds import draw_kinds
from random_tables import DIALECTS, KINDS, NAMES, UNIQUE_KINDS, Column, Table, Words

__all__ = ["RandomSchema", "schemas"]


@dataclass(frozen=True)
class RandomSchema:
    """``statements`` make the tables; ``tables`` are their names."""

    statements: tuple[str, ...]
    tables: tuple[str, ...]
    after: tuple[str, ...] = ()  # takes away what goes not with the tables

    def __repr__(self) -> str:
        return ";\n".join(self.statements) + ";"


@st.composite
def schemas(draw: st.DrawFn, dialect: str, prefix: str) -> RandomSchema:
    """One to five tables whose names begin with ``prefix``; in some of the schemas all belong to tenants."""
    words = DIALECTS[dialect]
    tables: list[Table] = []
    shape = draw(st.sampled_from((_table, _table, _tenant_table)))
    for number in range(draw(st.integers(1, 5))):
        tables.append(shape(draw, words, f"{prefix}t{number}", tables))
    # A key that others copy cannot close a cycle (see limits): tenants have none.
    most = 0 if shape is _tenant_table else 3
    late = [s for number in range(draw(st.integers(0, most))) for s in _cycle(draw, words, tables, number)]
    statements = [s for t in tables for s in t.before] + [_creation(t, words) for t in tables]
    statements += [i for t in tables for i in t.indexes] + late
    after = tuple(s for t in tables for s in t.after)
    return RandomSchema(tuple(statements), tuple(t.name for t in tables), after)


def _creation(table: Table, words: Words) -> str:
    parts = [c.declared(words) for c in table.columns]
    parts.append(f"PRIMARY KEY ({', '.join(table.key)})")
    parts += [f"UNIQUE ({', '.join(u)})" for u in table.uniques]
    return f"CREATE TABLE {table.name} ({', '.join(parts + table.clauses)})"


def _table(draw: st.DrawFn, words: Words, name: str, before: list[Table]) -> Table:
    table = Table(name)
    tenant = bool(before) and draw(st.booleans())
    shape = draw(st.sampled_from(("single", "single", "single", "text", "composite", "one_to_one", "link")))
    if shape == "link" and len(before) >= 2:
        for parent in draw(st.lists(st.sampled_from(before), min_size=2, max_size=2, unique_by=lambda t: t.name)):
            _reference(draw, words, table, parent, required=True)
        table.key = list(dict.fromkeys(c.name for c in table.columns))
    elif shape == "one_to_one" and before:
        _reference(draw, words, table, draw(st.sampled_from(before)), required=True)
        table.key = [c.name for c in table.columns]
    elif shape == "text":
        table.columns.append(Column("code", "text", draw(st.sampled_from((8, 20, 40))), nullable=False, keyed=True))
        table.key = ["code"]
    elif shape == "composite":
        table.columns.append(Column("tenant_id", "integer", nullable=False, keyed=True))
        table.columns.append(Column("id", "integer", nullable=False, keyed=True))
        table.key = ["tenant_id", "id"]
    else:
        table.columns.append(Column("id", "integer", nullable=False, keyed=True))
        table.key = ["id"]
    for parent in draw(st.lists(st.sampled_from(before), max_size=2, unique_by=lambda t: t.name)) if before else ():
        _reference(draw, words, table, parent, required=draw(st.booleans()), shared=tenant)
        if draw(st.integers(0, 3)) == 0:
            _reference(draw, words, table, parent, required=draw(st.booleans()), shared=tenant)
    if len(table.key) == 1 and draw(st.integers(0, 4)) == 0:
        _self_reference(draw, words, table)
    _contents(draw, words, table)
    return table


def _contents(draw: st.DrawFn, words: Words, table: Table) -> None:
    """Columns that are no keys, unique sets and checks."""
    for number in range(draw(st.integers(1, 6))):
        kind = draw(st.sampled_from(_kinds(words)))
        size = draw(st.sampled_from((3, 10, 40, 200))) if kind == "text" else 40
        table.columns.append(Column(f"{NAMES[kind]}_{number}", kind, size, nullable=draw(st.booleans())))
    draw_kinds(draw, words, table)
    _uniques(draw, words, table)
    draw_checks(draw, words, table)


def _tenant_table(draw: st.DrawFn, words: Words, name: str, before: list[Table]) -> Table:
    """The tenants, or a table whose references to others all go through the one ``tenant_id``."""
    table = Table(name)
    if not before:
        table.columns.append(Column("tenant_id", "integer", nullable=False, keyed=True))
        table.key = ["tenant_id"]
        _contents(draw, words, table)
        return table
    for column in ("tenant_id", "id"):
        table.columns.append(Column(column, "integer", nullable=False, keyed=True))
    table.key = draw(st.sampled_from((["tenant_id", "id"], ["id"])))
    if table.key == ["id"]:
        table.uniques.append(["tenant_id", "id"])
    if draw(st.booleans()):
        table.clauses.append(f"FOREIGN KEY (tenant_id) REFERENCES {before[0].name} (tenant_id)")
        table.parents.append(before[0].name)
    for number in range(draw(st.integers(0, 3)) if len(before) > 1 else 0):
        parent = draw(st.sampled_from(before[1:]))
        required = draw(st.booleans())
        made = Column(f"p{number}_id", "integer", nullable=not required, keyed=True)
        table.columns.append(made)
        table.parents.append(parent.name)
        table.clauses.append(f"FOREIGN KEY (tenant_id, {made.name}) REFERENCES {parent.name} (tenant_id, id)")
        if draw(st.integers(0, 5)) == 0:
            table.clauses.append(f"UNIQUE ({made.name})" if draw(st.booleans()) else f"UNIQUE (tenant_id, {made.name})")
    _contents(draw, words, table)
    return table


def _reference(
    draw: st.DrawFn, words: Words, table: Table, parent: Table, *, required: bool, shared: bool = False
) -> None:
    """Columns that reference the primary key or a unique key of ``parent``; a tenant_id that is there may be shared."""
    keys = [parent.key, *parent.uniques]
    target = draw(st.sampled_from(keys))
    own = []
    for number, name in enumerate(target):
        theirs = parent.column(name)
        known = next((c for c in table.columns if c.name == name and c.kind == theirs.kind), None)
        if shared and name == "tenant_id" and known is not None:
            own.append(known.name)
            continue
        # A key that is lent on and on is named by the end of its name, which says what it is.
        made = Column(f"p{len(table.parents)}{number}_{name[-30:]}", theirs.kind, theirs.size, not required, True)
        table.columns.append(made)
        own.append(made.name)
    if len(own) == 1:
        table.column(own[0]).target = parent.name
        table.column(own[0]).sole = _one_row(parent)
    table.parents.append(parent.name)
    table.clauses.append(f"FOREIGN KEY ({', '.join(own)}) REFERENCES {parent.name} ({', '.join(target)})")


def _one_row(table: Table) -> bool:
    """Whether a boolean that is always set is unique by itself, or a reference to such a table: checks leave one row.

    One that may be NULL leaves room for other rows.
    """
    return any(not c.nullable for c in table.lone_flags())


def _kinds(words: Words) -> tuple[str, ...]:
    return KINDS * 2 + (("json",) if words.json else ()) + (("array",) if words.arrays else ())


def _self_reference(draw: st.DrawFn, words: Words, table: Table) -> None:
    key = table.column(table.key[0])
    nullable = draw(st.sampled_from((True, True, False)))
    table.columns.append(Column("parent_key", key.kind, key.size, nullable, True, target=table.name))
    table.clauses.append(f"FOREIGN KEY (parent_key) REFERENCES {table.name} ({key.name})")


def _cycle(draw: st.DrawFn, words: Words, tables: list[Table], number: int) -> list[str]:
    """A reference from an earlier table to a later one, which may close a cycle."""
    if len(tables) < 2 or draw(st.booleans()):
        return []
    low = draw(st.integers(0, len(tables) - 2))
    high = draw(st.integers(low + 1, len(tables) - 1))
    child, parent = tables[low], tables[high]
    if len(parent.key) > 1:
        return []
    key = parent.column(parent.key[0])
    required = draw(st.booleans())
    name = f"later_key_{number}"
    child.columns.append(Column(name, key.kind, key.size, not required, True))
    ending = " DEFERRABLE INITIALLY DEFERRED" if words.deferrable and draw(st.booleans()) else ""
    clause = f"FOREIGN KEY ({name}) REFERENCES {parent.name} ({key.name}){ending}"
    if words.late_keys:
        return [f"ALTER TABLE {child.name} ADD {clause}"]
    child.clauses.append(clause)
    return []


def _uniques(draw: st.DrawFn, words: Words, table: Table) -> None:
    plain = [c for c in table.columns if c.name not in table.key and c.kind in UNIQUE_KINDS]
    for number in range(draw(st.integers(0, 2)) if plain else 0):
        members = draw(st.lists(st.sampled_from(plain), min_size=1, max_size=3, unique_by=lambda c: c.name))
        names = [c.name for c in members]
        if sum(c.size for c in members if c.kind == "text") > 250:
            continue
        form = draw(st.sampled_from(("plain", "plain", "partial", "expression", "together")))
        if form == "partial" and words.partial:
            predicate = _predicate(draw, plain, names)
            if predicate:
                listed = draw(st.sampled_from((", ".join(names), _expressions(draw, members) or ", ".join(names))))
                table.indexes.append(
                    f"CREATE UNIQUE INDEX {table.name}_u{number} ON {table.name} ({listed}) {predicate}"
                )
        elif form == "expression" and words.lower_index and (listed := _expressions(draw, members)):
            table.indexes.append(f"CREATE UNIQUE INDEX {table.name}_u{number} ON {table.name} ({listed})")
        elif form == "together" and words.nulls_together:
            table.clauses.append(f"UNIQUE NULLS NOT DISTINCT ({', '.join(names)})")
        else:
            full = all(not c.nullable for c in members)
            if full and names not in table.uniques:
                table.uniques.append(names)
            else:
                table.clauses.append(f"UNIQUE ({', '.join(names)})")


def _predicate(draw: st.DrawFn, plain: list[Column], names: list[str]) -> str:
    """Which rows a partial unique index counts; "" where nothing is left to say it by."""
    nullable = [c for c in plain if c.nullable and c.name not in names]
    forms = [f"WHERE {c.name} IS NULL" for c in nullable]
    forms += [f"WHERE {c.name} IS NOT NULL" for c in nullable[:1]]
    forms += [f"WHERE NOT {c.name}" for c in plain if c.kind == "boolean" and not c.keyed and c.name not in names]
    forms += [f"WHERE {c.name} > 40" for c in plain if c.kind == "integer" and not c.keyed and c.name not in names]
    return draw(st.sampled_from(forms)) if forms else ""


def _expressions(draw: st.DrawFn, members: list[Column]) -> str:
    """The members of an expression index: texts in lower case or trimmed, others with a value for NULL."""
    free = {"text": "lower({})", "integer": "coalesce({}, -1)", "date": "coalesce({}, '1900-01-01')"}
    texts = draw(st.sampled_from(("lower({})", "upper({})", "trim({})", "coalesce({}, '')")))
    listed = [
        (texts if c.kind == "text" else f"({free[c.kind]})").format(c.name)
        if c.kind in free and not c.keyed
        else c.name
        for c in members
    ]
    return ", ".join(listed) if listed != [c.name for c in members] else ""
