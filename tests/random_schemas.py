"""Random schemas by Hypothesis, and rows in real servers: DDL of many small tables, seeded together and audited."""

from __future__ import annotations

from dataclasses import dataclass, field

from hypothesis import strategies as st

__all__ = ["RandomSchema", "schemas"]


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


DIALECTS = {
    "postgresql": Words(
        "integer", "varchar({})", "boolean", "numeric(10, 2)", "date", "timestamp", "char_length", "{} ~ '{}'",
        partial=True, lower_index=True, nulls_together=True, deferrable=True, late_keys=True, arrays=True,
    ),
    "mysql": Words(
        "int", "varchar({})", "tinyint(1)", "decimal(10, 2)", "date", "datetime", "char_length", "{} REGEXP '{}'",
        late_keys=True,
    ),
    "sqlite": Words(
        "integer", "varchar({})", "boolean", "numeric(10, 2)", "date", "timestamp", "length", None,
        partial=True, lower_index=True, deferrable=True,
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
}


@dataclass
class Column:
    name: str
    kind: str
    size: int = 40
    nullable: bool = True
    keyed: bool = False  # in the primary key or a foreign key: no check moves it

    def declared(self, words: Words) -> str:
        kind = getattr(words, self.kind).format(self.size)
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
    parts: set[str] = field(default_factory=set)  # columns of foreign keys of several columns

    def column(self, name: str) -> Column:
        return next(c for c in self.columns if c.name == name)


@dataclass(frozen=True)
class RandomSchema:
    """``statements`` make the tables; ``tables`` are their names."""

    statements: tuple[str, ...]
    tables: tuple[str, ...]

    def __repr__(self) -> str:
        return ";\n".join(self.statements) + ";"


@st.composite
def schemas(draw: st.DrawFn, dialect: str, prefix: str) -> RandomSchema:
    """One to five tables whose names begin with ``prefix``."""
    words = DIALECTS[dialect]
    tables: list[Table] = []
    for number in range(draw(st.integers(1, 5))):
        tables.append(_table(draw, words, f"{prefix}t{number}", tables))
    late = _cycle(draw, words, tables)
    statements = [_creation(t, words) for t in tables]
    statements += [i for t in tables for i in t.indexes] + late
    return RandomSchema(tuple(statements), tuple(t.name for t in tables))


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
        if parent.name not in table.parents:
            _reference(draw, words, table, parent, required=draw(st.booleans()), shared=tenant)
    if len(table.key) == 1 and draw(st.integers(0, 4)) == 0:
        _self_reference(draw, words, table)
    for number in range(draw(st.integers(1, 6))):
        kind = draw(st.sampled_from(KINDS))
        size = draw(st.sampled_from((3, 10, 40, 200))) if kind == "text" else 40
        table.columns.append(Column(f"{NAMES[kind]}_{number}", kind, size, nullable=draw(st.booleans())))
    _uniques(draw, words, table)
    _checks(draw, words, table)
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
        made = Column(f"p{len(table.parents)}{number}_{name}"[:40], theirs.kind, theirs.size, not required, True)
        table.columns.append(made)
        own.append(made.name)
    if len(own) > 1:
        table.parts.update(own)
    table.parents.append(parent.name)
    table.clauses.append(f"FOREIGN KEY ({', '.join(own)}) REFERENCES {parent.name} ({', '.join(target)})")


def _self_reference(draw: st.DrawFn, words: Words, table: Table) -> None:
    key = table.column(table.key[0])
    nullable = True if words.text == "" else draw(st.sampled_from((True, True, False)))
    table.columns.append(Column("parent_key", key.kind, key.size, nullable, True))
    table.clauses.append(f"FOREIGN KEY (parent_key) REFERENCES {table.name} ({key.name})")


def _cycle(draw: st.DrawFn, words: Words, tables: list[Table]) -> list[str]:
    """Perhaps a reference from an earlier table to a later one, which may close a cycle."""
    if len(tables) < 2 or draw(st.integers(0, 2)):
        return []
    low = draw(st.integers(0, len(tables) - 2))
    high = draw(st.integers(low + 1, len(tables) - 1))
    child, parent = tables[low], tables[high]
    if len(parent.key) > 1 or any(c.name == "later_key" for c in child.columns):
        return []
    key = parent.column(parent.key[0])
    required = words.deferrable and draw(st.booleans())
    child.columns.append(Column("later_key", key.kind, key.size, not required, True))
    ending = " DEFERRABLE INITIALLY DEFERRED" if required else ""
    clause = f"FOREIGN KEY (later_key) REFERENCES {parent.name} ({key.name}){ending}"
    if words.late_keys:
        return [f"ALTER TABLE {child.name} ADD {clause}"]
    child.clauses.append(clause)
    return []


def _uniques(draw: st.DrawFn, words: Words, table: Table) -> None:
    plain = [c for c in table.columns if c.name not in table.key]
    for number in range(draw(st.integers(0, 2))):
        members = draw(st.lists(st.sampled_from(plain), min_size=1, max_size=3, unique_by=lambda c: c.name))
        names = [c.name for c in members]
        if sum(c.size for c in members if c.kind == "text") > 250:
            continue
        if {c.name for c in members} & table.parts:
            continue  # how many rows such a set has follows from its parents' rows: see docs/limits.md
        form = draw(st.sampled_from(("plain", "plain", "partial", "lower", "together")))
        if form == "partial" and words.partial:
            nullable = [c for c in plain if c.nullable and c.name not in names]
            if nullable:
                chosen = draw(st.sampled_from(nullable)).name
                table.indexes.append(
                    f"CREATE UNIQUE INDEX {table.name}_u{number} ON {table.name} ({', '.join(names)}) "
                    f"WHERE {chosen} IS NULL"
                )
        elif form == "lower" and words.lower_index and any(c.kind == "text" and not c.keyed for c in members):
            listed = ", ".join(f"lower({c.name})" if c.kind == "text" else c.name for c in members)
            table.indexes.append(f"CREATE UNIQUE INDEX {table.name}_u{number} ON {table.name} ({listed})")
        elif form == "together" and words.nulls_together:
            table.clauses.append(f"UNIQUE NULLS NOT DISTINCT ({', '.join(names)})")
        else:
            full = all(not c.nullable for c in members)
            if full and names not in table.uniques:
                table.uniques.append(names)
            else:
                table.clauses.append(f"UNIQUE ({', '.join(names)})")


# Checks --------------------------------------------------------------------------------------------------------------


def _checks(draw: st.DrawFn, words: Words, table: Table) -> None:
    free = [c for c in table.columns if not c.keyed]
    used: set[str] = set()
    for _ in range(draw(st.integers(0, 3))):
        text, names = draw(_condition(words, free))
        # A second check of the same column may contradict the first: such a table has no row, which is no fault.
        if text and not names & used:
            table.clauses.append(f"CHECK ({text})")
            used |= names


@st.composite
def _condition(draw: st.DrawFn, words: Words, columns: list[Column]) -> tuple[str, set[str]]:
    """A condition that some row satisfies, and the columns in it."""
    form = draw(st.sampled_from(("one", "one", "one", "two", "nulls", "choice", "mixture", "case")))
    one = draw(st.sampled_from(columns))
    others = [c for c in columns if c.name != one.name]
    two = draw(st.sampled_from(others)) if others else None
    if form == "one" or two is None:
        return draw(_single(words, one)), {one.name}
    names = {one.name, two.name}
    if form == "nulls":
        return draw(_null_forms(one, two)), names
    if form == "two":
        pair = draw(_pair(words, one, two))
        return (pair, names) if pair else ("", set())
    first, second = draw(_single(words, one)), draw(_single(words, two))
    if form == "case":
        return f"CASE WHEN {first} THEN {second} ELSE {draw(_single(words, two))} END", names
    if form == "choice":
        return draw(st.sampled_from((
            f"({first}) OR ({second})", f"({first}) AND ({second})", f"NOT ({first}) OR ({second})",
            f"(({first}) AND ({second})) OR ({one.name} IS NULL AND {two.name} IS NULL)"
            if one.nullable and two.nullable else f"({first}) OR ({second})",
        ))), names  # fmt: skip
    third = draw(_single(words, one))
    return f"(({first}) OR ({third})) AND (({second}) OR ({first}))", names


def _null_forms(one: Column, two: Column) -> st.SearchStrategy[str]:
    a, b = one.name, two.name
    forms = [f"{a} IS NOT NULL OR {b} IS NOT NULL"]
    if one.nullable and two.nullable:
        forms += [
            f"({a} IS NULL) = ({b} IS NULL)", f"({a} IS NULL) <> ({b} IS NULL)",
            f"({a} IS NULL AND {b} IS NULL) OR ({a} IS NOT NULL AND {b} IS NOT NULL)",
            f"NOT ({a} IS NOT NULL AND {b} IS NOT NULL)",
        ]  # fmt: skip
    if one.nullable:
        forms.append(f"{a} IS NULL OR {b} IS NOT NULL")
    return st.sampled_from(forms)


@st.composite
def _pair(draw: st.DrawFn, words: Words, one: Column, two: Column) -> str | None:
    a, b = one.name, two.name
    kinds = {one.kind, two.kind}
    n = draw(st.integers(1, 50))
    if kinds == {"integer"}:
        return draw(st.sampled_from((
            f"{a} < {b}", f"{a} <= {b}", f"{a} <> {b}", f"{a} = {b}", f"{a} + {n} <= {b}", f"{a} + {b} <= {n * 20}",
            f"{b} - {a} BETWEEN 0 AND {n}", f"{b} = {a} * 2", f"{a} + {b} = {n + 100}",
            f"coalesce({a}, 0) <= {n} + {b}",
        )))  # fmt: skip
    if kinds == {"decimal"} or kinds == {"decimal", "integer"}:
        return draw(st.sampled_from((f"{a} <= {b}", f"{a} < {b}", f"{a} <= {b} + {n}", f"{a} <> {b}")))
    if kinds == {"date"} or kinds == {"moment"}:
        return draw(st.sampled_from((f"{a} <= {b}", f"{a} < {b}", f"{a} > {b}", f"{b} IS NULL OR {b} >= {a}")))
    if kinds == {"text"}:
        return draw(st.sampled_from((f"{a} <> {b}", f"lower({a}) <> lower({b})")))
    return None


@st.composite
def _single(draw: st.DrawFn, words: Words, column: Column) -> str:
    forms = [*_FORMS[column.kind](draw, words, column)]
    if column.nullable:
        forms.append(f"{column.name} IS NOT NULL")
    return draw(st.sampled_from(forms))


def _integers(draw: st.DrawFn, words: Words, column: Column) -> list[str]:
    x, n, w = column.name, draw(st.integers(-50, 500)), draw(st.integers(1, 300))
    return [
        f"{x} > {n}", f"{x} >= {n}", f"{x} BETWEEN {n} AND {n + w}", f"{x} IN ({n}, {n + 1}, {n + w})", f"{x} <> {n}",
        f"{x} < {n} OR {x} > {n + w}", f"{x} NOT IN ({n}, {n + 3})", f"NOT ({x} < {n})", f"abs({x}) <= {w}",
        f"({x} & {2 ** (w % 6)}) = {2 ** (w % 6)}", f"({x} & 3) <> 0", f"{x} % {w % 7 + 2} = 0",
        f"{x} * 2 <= {n + 900}",
        f"coalesce({x}, {n}) >= {n}",
    ]  # fmt: skip


def _decimals(draw: st.DrawFn, words: Words, column: Column) -> list[str]:
    x, n = column.name, draw(st.integers(0, 500))
    return [
        f"{x} > 0", f"{x} >= {n}.5", f"{x} BETWEEN {n} AND {n + 30}.99", f"{x} <> {n}", f"round({x}, 1) = {x}",
        f"{x} * 2 < {n + 100}", f"{x} >= 0 AND {x} < {n + 1}",
    ]  # fmt: skip


def _texts(draw: st.DrawFn, words: Words, column: Column) -> list[str]:
    x, size = column.name, column.size
    n = draw(st.integers(1, min(size, 12)))
    forms = [
        f"{words.length}({x}) >= {min(n, size)}", f"{words.length}({x}) <= {n}", f"{words.length}({x}) = {n}",
        f"{words.length}({x}) BETWEEN 1 AND {n}", f"{x} <> ''", f"trim({x}) <> ''", f"lower({x}) = {x}",
        f"upper({x}) = {x}", f"trim({x}) = {x}", f"{x} IN ('a', 'bb', 'ccc')", f"{x} NOT IN ('a', 'b')",
        f"{x} LIKE 'a%'", f"{x} NOT LIKE '%z%'", f"{x} LIKE '_b%' OR {x} LIKE '%q'",
        f"{words.length}(trim({x})) > 0",
    ]  # fmt: skip
    if words.regex is not None:
        patterns = ("^[a-z]+$", "^[A-Z]{2}", "[0-9]", "^[a-z0-9_-]{2,}$", "^(ab|cd)")
        forms += [words.regex.format(x, p) for p in patterns]
    else:
        forms += [f"{x} GLOB '[a-z]*'", f"{x} NOT GLOB '*[^a-z]*'"]
    if words.arrays:
        forms += [f"{x}::text = ANY (ARRAY['a', 'bb']::text[])", f"{x} ~* '^a'", f"{x} !~ '[0-9]'",
                  f"octet_length({x}) <= {n}"]  # fmt: skip
    return forms


def _booleans(draw: st.DrawFn, words: Words, column: Column) -> list[str]:
    x = column.name
    if words.arrays:
        return [x, f"NOT {x}", f"{x} IS TRUE", f"{x} = true"]
    return [f"{x} = 1", f"{x} IN (0, 1)", f"{x} <> 1"]


def _days(draw: st.DrawFn, words: Words, column: Column) -> list[str]:
    x, year = column.name, draw(st.integers(1990, 2030))
    parts = {
        "char_length": [f"year({x}) >= {year}", f"month({x}) = 6"],
        "length": [f"cast(strftime('%Y', {x}) AS integer) >= {year}", f"strftime('%m', {x}) = '06'"],
    }[words.length]
    if words.arrays:
        parts = [f"extract(year FROM {x}) >= {year}", f"extract(month FROM {x}) IN (6, 7)", f"{x} <= now()",
                 f"date_part('dow', {x}) > 0"]  # fmt: skip
    return [
        f"{x} >= '{year}-01-01'", f"{x} < '{year}-06-30'", f"{x} BETWEEN '{year}-01-01' AND '{year + 1}-12-31'",
        f"{x} <> '{year}-02-03'", *parts,
    ]  # fmt: skip


_FORMS = {
    "integer": _integers, "decimal": _decimals, "text": _texts, "boolean": _booleans, "date": _days, "moment": _days,
}  # fmt: skip
