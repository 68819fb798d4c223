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
    json: str | None = None
    as_text: str = "CAST({} AS CHAR)"
    is_object: str = ""


DIALECTS = {
    "postgresql": Words(
        "integer", "varchar({})", "boolean", "numeric(10, 2)", "date", "timestamp", "char_length", "{} ~ '{}'",
        partial=True, lower_index=True, nulls_together=True, deferrable=True, late_keys=True, arrays=True,
        json="jsonb", as_text="{}::text", is_object="jsonb_typeof({}) = 'object'",
    ),
    "mysql": Words(
        "int", "varchar({})", "tinyint(1)", "decimal(10, 2)", "date", "datetime", "char_length", "{} REGEXP '{}'",
        late_keys=True, json="json", is_object="JSON_TYPE({}) = 'OBJECT'",
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

    def declared(self, words: Words) -> str:
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
        _reference(draw, words, table, parent, required=draw(st.booleans()), shared=tenant)
        if draw(st.integers(0, 3)) == 0:
            _reference(draw, words, table, parent, required=draw(st.booleans()), shared=tenant)
    if len(table.key) == 1 and draw(st.integers(0, 4)) == 0:
        _self_reference(draw, words, table)
    for number in range(draw(st.integers(1, 6))):
        kind = draw(st.sampled_from(_kinds(words)))
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
        # A key that is lent on and on is named by the end of its name, which says what it is.
        made = Column(f"p{len(table.parents)}{number}_{name[-30:]}", theirs.kind, theirs.size, not required, True)
        table.columns.append(made)
        own.append(made.name)
    if len(own) == 1:
        table.column(own[0]).target = parent.name
    table.parents.append(parent.name)
    table.clauses.append(f"FOREIGN KEY ({', '.join(own)}) REFERENCES {parent.name} ({', '.join(target)})")


def _kinds(words: Words) -> tuple[str, ...]:
    return KINDS * 2 + (("json",) if words.json else ()) + (("array",) if words.arrays else ())


def _self_reference(draw: st.DrawFn, words: Words, table: Table) -> None:
    key = table.column(table.key[0])
    nullable = draw(st.sampled_from((True, True, False)))
    table.columns.append(Column("parent_key", key.kind, key.size, nullable, True, target=table.name))
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
    plain = [c for c in table.columns if c.name not in table.key and c.kind in UNIQUE_KINDS]
    for number in range(draw(st.integers(0, 2)) if plain else 0):
        members = draw(st.lists(st.sampled_from(plain), min_size=1, max_size=3, unique_by=lambda c: c.name))
        names = [c.name for c in members]
        if sum(c.size for c in members if c.kind == "text") > 250:
            continue
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
    used = _reference_checks(draw, table, free)
    for _ in range(draw(st.integers(0, 3))):
        text, names = draw(_condition(words, free))
        # A second check of the same column may contradict the first: such a table has no row, which is no fault.
        if text and not names & used:
            table.clauses.append(f"CHECK ({text})")
            used |= names
    left = [c for c in free if c.name not in used]
    if left and draw(st.booleans()):
        table.clauses += [f"CHECK ({text})" for text in draw(_together(words, left))]


def _reference_checks(draw: st.DrawFn, table: Table, free: list[Column]) -> set[str]:
    """Checks on columns of foreign keys; the other columns in them."""
    lone = [c for c in table.columns if c.target and c.name not in table.key]
    key = table.key[0]
    for column in lone:
        if column.target == table.name and draw(st.booleans()):
            table.clauses.append(f"CHECK ({column.name} <> {key})")
    pairs = [(a, b) for i, a in enumerate(lone) for b in lone[i + 1 :] if table.name not in (a.target, b.target)]
    used: set[str] = set()
    done: set[str] = set()
    for a, b in pairs:
        if {a.name, b.name} & done or draw(st.booleans()):
            continue
        forms = []
        if a.target == b.target and a.kind == b.kind:
            forms += [f"{a.name} <> {b.name}"] * 2
        if a.nullable and b.nullable:
            others = [c for c in lone if c.nullable and c.target != table.name and c.name not in done]
            total = " + ".join(f"CASE WHEN {c.name} IS NULL THEN 0 ELSE 1 END" for c in others)
            forms += [
                f"({a.name} IS NULL) <> ({b.name} IS NULL)", f"{a.name} IS NOT NULL OR {b.name} IS NOT NULL",
                f"NOT ({a.name} IS NOT NULL AND {b.name} IS NOT NULL)", f"({a.name} IS NULL) = ({b.name} IS NULL)",
            ]  # fmt: skip
            if len(others) > 2:
                forms.append(f"{total} = 1")
        if forms:
            text = draw(st.sampled_from(forms))
            table.clauses.append(f"CHECK ({text})")
            done |= {c.name for c in lone if c.name in text}
    texts = [c for c in free if c.kind == "text"]
    for column in lone:
        # Of a reference to the table itself one way is taken for all rows, and the text may be unique: see limits.
        free_to = column.nullable and column.target != table.name and column.name not in done
        if free_to and texts and draw(st.integers(0, 3)) == 0:
            status = draw(st.sampled_from(texts)).name
            if status in used:
                continue
            table.clauses.append(f"CHECK ({status} = 'x' OR {column.name} IS NOT NULL)")
            used.add(status)
            done.add(column.name)
    return used


@st.composite
def _together(draw: st.DrawFn, words: Words, columns: list[Column]) -> list[str]:
    """Conditions that share columns: one row, whose columns are set and rise in their order, satisfies them all."""
    out = []
    for _ in range(draw(st.integers(2, 4))):
        at = draw(st.integers(0, len(columns) - 1))
        one = columns[at]
        later = columns[at + 1 :]
        two = draw(st.sampled_from(later)) if later and draw(st.booleans()) else None
        if two is None:
            out.append(draw(st.sampled_from(_mild(words, one))))
            continue
        a, b = one.name, two.name
        forms = [f"{a} IS NOT NULL OR {b} IS NOT NULL"]
        if one.nullable:
            forms += [f"{a} IS NULL OR {b} IS NOT NULL", f"{a} IS NULL OR ({draw(st.sampled_from(_mild(words, two)))})"]
        if {one.kind, two.kind} in ({"integer"}, {"decimal"}, {"date"}, {"moment"}):
            forms += [f"{a} <= {b}", f"{a} < {b}", f"{a} <> {b}", f"{b} IS NULL OR {b} >= {a}"]
        if {one.kind, two.kind} == {"integer"}:
            forms += [f"{a} + 5 <= {b}", f"{b} - {a} < 300"]
        if {one.kind, two.kind} == {"text"} and min(one.size, two.size) > 3:
            forms.append(f"{a} <> {b}")
        out.append(draw(st.sampled_from(forms)))
    return list(dict.fromkeys(out))


def _mild(words: Words, column: Column) -> list[str]:
    """Conditions on one column that hold together."""
    x = column.name
    return {
        "integer": [f"{x} > 3", f"{x} >= 10", f"{x} < 900", f"{x} <= 700", f"{x} <> 25", f"{x} NOT IN (30, 31)",
                    f"{x} % 5 = 0", f"coalesce({x}, 20) > 7", f"{x} BETWEEN 5 AND 800", f"abs({x}) < 900",
                    f"{words.length}({words.as_text.format(x)}) <= 3"],
        "decimal": [f"{x} > 0", f"{x} >= 1.5", f"{x} < 9000", f"{x} <> 7", f"round({x}, 1) = {x}"],
        "text": [f"{words.length}({x}) <= 30", f"{words.length}({x}) >= 1", f"lower({x}) = {x}", f"trim({x}) = {x}",
                 f"{x} <> ''", f"{x} NOT LIKE '%z%'", f"{x} NOT IN ('aa', 'bb')", f"{x} LIKE 'a%' OR {x} LIKE 'b%'"],
        "boolean": [f"{x} = 1 OR {x} = 0"] if not words.arrays else [f"{x} IS NOT NULL", f"{x} OR NOT {x}"],
        "date": [f"{x} >= '2001-01-01'", f"{x} < '2031-01-01'", f"{x} <> '2024-02-02'", f"{x} > '1999-09-09'"],
        "moment": [f"{x} >= '2001-01-01'", f"{x} < '2031-01-01'", f"{x} > '1999-09-09'"],
        "json": [words.is_object.format(x), f"{x} IS NOT NULL"],
        "array": [f"cardinality({x}) > 0", f"cardinality({x}) < 6", f"array_position({x}, NULL) IS NULL"],
    }[column.kind]  # fmt: skip


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
        f"coalesce({x}, {n}) >= {n}", f"{words.length}({words.as_text.format(x)}) = {w % 4 + 1}",
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


def _documents(draw: st.DrawFn, words: Words, column: Column) -> list[str]:
    x = column.name
    if words.arrays:
        return [f"jsonb_typeof({x}) = 'object'", f"jsonb_typeof({x}) = 'array' AND jsonb_array_length({x}) > 0",
                f"{x} ? 'name'", f"jsonb_typeof({x} -> 'size') = 'number'",
                f"{x} ->> 'kind' IN ('a', 'b')"]  # fmt: skip
    return [f"JSON_TYPE({x}) = 'OBJECT'", f"JSON_TYPE({x}) = 'ARRAY' AND JSON_LENGTH({x}) > 0",
            f"JSON_CONTAINS_PATH({x}, 'one', '$.name')", f"JSON_VALID({x})"]  # fmt: skip


def _arrays(draw: st.DrawFn, words: Words, column: Column) -> list[str]:
    x = column.name
    return [f"array_length({x}, 1) BETWEEN 1 AND 3", f"cardinality({x}) > 0", f"cardinality({x}) = 4",
            f"{x} <@ ARRAY['admin', 'user', 'guest']", f"'user' = ANY ({x})",
            f"array_position({x}, NULL) IS NULL"]  # fmt: skip


_FORMS = {
    "integer": _integers, "decimal": _decimals, "text": _texts, "boolean": _booleans, "date": _days, "moment": _days,
    "json": _documents, "array": _arrays,
}  # fmt: skip
