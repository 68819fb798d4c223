"""Random checks of a random table, such that some row passes them all."""

from __future__ import annotations

from hypothesis import strategies as st
from random_tables import Column, Table, Words

__all__ = ["draw_checks"]


def draw_checks(draw: st.DrawFn, words: Words, table: Table) -> None:
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
        # The only row of a table, where a unique boolean leaves one, has no other to name.
        if column.target == table.name and (column.nullable or not table.lone_flags()) and draw(st.booleans()):
            table.clauses.append(f"CHECK ({column.name} <> {key})")
    pairs = [(a, b) for i, a in enumerate(lone) for b in lone[i + 1 :] if table.name not in (a.target, b.target)]
    used: set[str] = set()
    done: set[str] = set()
    for a, b in pairs:
        if {a.name, b.name} & done or draw(st.booleans()):
            continue
        forms = []
        # No two rows to tell apart in a parent that has one.
        if a.target == b.target and a.kind == b.kind and not a.sole:
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
        free_to = column.nullable and column.name not in done
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
