"""Columns of kinds that databases add to the plain ones: enums, domains, generated, identifiers, spans kept apart."""

from __future__ import annotations

from hypothesis import strategies as st
from random_tables import Column, Table, Words

__all__ = ["draw_kinds"]

DOMAINS = (
    "varchar(20) CHECK (VALUE ~ '^[a-z]{3,}$')", "integer CHECK (VALUE > 0 AND VALUE < 5000)",
    "numeric(6, 2) NOT NULL CHECK (VALUE >= 0)", "text CHECK (char_length(VALUE) <= 12) CHECK (VALUE <> '')",
)  # fmt: skip
LISTED = "'open', 'paid', 'void'"


def draw_kinds(draw: st.DrawFn, words: Words, table: Table) -> None:
    """Perhaps some of them, and unique sets with them."""
    added = []
    for kind in draw(st.lists(st.sampled_from(tuple(_KINDS)), max_size=2, unique=True)):
        column = _KINDS[kind](draw, words, table)
        if column is not None:
            table.columns.append(column)
            added.append(column)
    small = [c for c in added if c.kind == "enum"]
    wide = [c for c in table.columns if c.name not in table.key and c.kind in ("integer", "text", "boolean")]
    if small and draw(st.integers(0, 2)) == 0:
        members = [small[0].name] + ([draw(st.sampled_from(wide)).name] if wide and draw(st.booleans()) else [])
        if sum(c.size for c in wide if c.kind == "text" and c.name in members) <= 200:
            table.clauses.append(f"UNIQUE ({', '.join(members)})")


def _enum(draw: st.DrawFn, words: Words, table: Table) -> Column:
    nullable = draw(st.booleans())
    if words.enums == "type":
        name = f"{table.name}_state"
        table.before.append(f"CREATE TYPE {name} AS ENUM ({LISTED})")
        table.after.append(f"DROP TYPE IF EXISTS {name} CASCADE")
        return Column("state", "enum", nullable=nullable, keyed=True, text=name)
    if words.enums == "column":
        return Column("state", "enum", nullable=nullable, keyed=True, text=f"enum({LISTED})")
    table.clauses.append(f"CHECK (state IN ({LISTED}))")
    return Column("state", "enum", nullable=nullable, keyed=True, text="varchar(20)")


def _domain(draw: st.DrawFn, words: Words, table: Table) -> Column | None:
    if words.enums != "type":
        return None
    name = f"{table.name}_domain"
    table.before.append(f"CREATE DOMAIN {name} AS {draw(st.sampled_from(DOMAINS))}")
    table.after.append(f"DROP DOMAIN IF EXISTS {name} CASCADE")
    return Column("kept", "domain", nullable=draw(st.booleans()), keyed=True, text=name)


def _generated(draw: st.DrawFn, words: Words, table: Table) -> Column | None:
    numbers = [c.name for c in table.columns if c.kind == "integer" and not c.keyed]
    texts = [c.name for c in table.columns if c.kind == "text" and not c.keyed]
    forms = [f"integer GENERATED ALWAYS AS ({a} + {b}) STORED" for a in numbers[:1] for b in numbers[1:2]]
    forms += [f"varchar(250) GENERATED ALWAYS AS (lower({a})) STORED" for a in texts[:1]]
    forms += [f"integer GENERATED ALWAYS AS ({a} % 7) STORED" for a in numbers[:1]]
    # A generated column may be NULL whatever it is declared as.
    return Column("computed", "generated", keyed=True, text=draw(st.sampled_from(forms))) if forms else None


def _identifier(draw: st.DrawFn, words: Words, table: Table) -> Column | None:
    if not words.arrays:
        return None
    kinds = ("uuid", "inet", "interval", "bytea", "time", "real", "smallint", "char(5)", "money", "bit(8)", "xml")
    return Column("extra", "other", nullable=draw(st.booleans()), keyed=True, text=draw(st.sampled_from(kinds)))


def _span(draw: st.DrawFn, words: Words, table: Table) -> Column | None:
    """A span that must not overlap others, in the rows of one group or in all."""
    if not words.arrays:
        return None
    table.before.append("CREATE EXTENSION IF NOT EXISTS btree_gist")
    groups = [c.name for c in table.columns if c.kind in ("integer", "text") and c.size <= 40]
    group = draw(st.sampled_from((*groups[:3], ""))) if groups else ""
    listed = f"{group} WITH =, during WITH &&" if group else "during WITH &&"
    where = f" WHERE ({group} IS NOT NULL)" if group and draw(st.integers(0, 3)) == 0 else ""
    table.clauses.append(f"EXCLUDE USING gist ({listed}){where}")
    kind = draw(st.sampled_from(("int4range", "daterange", "tsrange")))
    return Column("during", "span", nullable=draw(st.booleans()), keyed=True, text=kind)


_KINDS = {"enum": _enum, "domain": _domain, "generated": _generated, "identifier": _identifier, "span": _span}
