"""What ``inspect`` finds in a schema."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

from fixturesynth.cli.failures import one_line
from fixturesynth.errors import CycleError
from fixturesynth.schema.graph import ForeignKeyGraph, build_graph
from fixturesynth.schema.model import Schema, Table
from fixturesynth.schema.predicates import compile_constraints

__all__ = ["Findings", "TableFacts", "find_facts", "findings_json"]


@dataclass(frozen=True)
class TableFacts:
    name: str
    rows: int | None
    columns: int
    key: tuple[str, ...]
    parents: tuple[str, ...]
    remarks: tuple[str, ...]


@dataclass(frozen=True)
class Findings:
    """``lists``: titles with what belongs under them, the empty ones left out."""

    source: str
    schema: Schema
    graph: ForeignKeyGraph
    tables: tuple[TableFacts, ...]
    cuts: tuple[str, ...]
    refusal: str | None  # why the cycles cannot be cut
    understood: tuple[str, ...]
    not_understood_checks: tuple[str, ...]
    lists: tuple[tuple[str, Sequence[str]], ...]

    @property
    def headline(self) -> str:
        columns = sum(len(t.columns) for t in self.schema)
        keys = sum(len(t.foreign_keys) for t in self.schema)
        return (
            f"{self.source}: {self.schema.dialect}, {len(self.schema)} tables, {columns} columns, {keys} foreign keys"
        )


def find_facts(schema: Schema, rows: Mapping[str, int] | None, source: str) -> Findings:
    """Everything that ``inspect`` shows; never raises for a schema that cannot be filled."""
    graph = build_graph(schema)
    cuts, refusal = _cuts(graph)
    understood, opaque = _checks(schema)
    links = set(graph.link_tables)
    tables = tuple(_facts(t, rows, links) for t in schema)
    lists = (
        ("cycles", [_drawn(cycle) for cycle in graph.cycles]),
        ("cycles that cannot be cut", [refusal] if refusal else []),
        ("cycles are cut at", cuts),
        ("references to tables that are not there", [f"{t}.{fk}" for t, fk in graph.missing_parents]),
        ("checks understood", understood),
        ("checks not understood", opaque),
        ("exclusion constraints", [f"{t.name}.{e.name}: {e.text}" for t in schema for e in t.exclusions]),
        ("triggers", [f"{t.name}: {name}" for t in schema for name in t.triggers]),
        ("link tables", sorted(links)),
        (
            "polymorphic references, guessed",
            [f"{p.table}: {p.type_column} names the table of {p.id_column}" for p in graph.polymorphic_guesses],
        ),
        (
            "references that nobody declared, guessed (name them under references: in the spec)",
            [
                f"{u.table}.{', '.join(u.columns)} -> {u.parent}.{', '.join(u.parent_columns)}"
                for u in graph.undeclared_guesses
            ],
        ),
        (
            "not understood",
            [*schema.not_understood, *(f"{t.name}: {text}" for t in schema for text in t.not_understood)],
        ),
    )
    return Findings(
        source, schema, graph, tables, cuts, refusal, understood, opaque, tuple((t, i) for t, i in lists if i)
    )


def _drawn(cycle: Sequence[tuple[str, str]]) -> str:
    return " -> ".join(f"{table}.{fk}" for table, fk in cycle) + f" -> {cycle[0][0]}"


def _cuts(graph: ForeignKeyGraph) -> tuple[tuple[str, ...], str | None]:
    try:
        return tuple(f"{c.table}.{c.foreign_key} ({c.why})" for c in graph.cut_edges()), None
    except CycleError as error:
        return (), str(error)


def _checks(schema: Schema) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Checks that are solved, and those that are not, as ``table.name: text``."""
    understood: list[str] = []
    opaque: list[str] = []
    for table in schema:
        constraints = compile_constraints(table, schema.dialect)
        choices = {(a.name, a.text) for a in constraints.alternatives}  # each row takes one of the branches
        failed = tuple(pair for pair in constraints.not_understood if pair not in choices)
        opaque += [f"{table.name}.{name}: {one_line(text)}" for name, text in failed]
        names = {name for name, _ in failed}
        understood += [f"{table.name}.{c.name}: {one_line(c.text)}" for c in table.checks if c.name not in names]
    return tuple(understood), tuple(opaque)


def _facts(table: Table, rows: Mapping[str, int] | None, links: set[str]) -> TableFacts:
    marks = (
        ("no key", not table.keys),
        ("link table", table.name in links),
        (f"partition of {table.partition_of}", table.partition_of is not None),
        ("partitioned", table.partition_key is not None),
        ("triggers", bool(table.triggers)),
        ("exclusion", bool(table.exclusions)),
    )
    key = table.keys[0] if table.keys else ()
    parents = tuple(dict.fromkeys(fk.parent for fk in table.foreign_keys))
    count = rows.get(table.name) if rows is not None else None
    return TableFacts(table.name, count, len(table.columns), key, parents, tuple(m for m, is_so in marks if is_so))


def findings_json(found: Findings) -> str:
    """All of it, with every column and constraint, as JSON."""
    by_name = {t.name: t for t in found.tables}
    body = {
        "source": found.source,
        "dialect": found.schema.dialect,
        "tables": [{"rows": by_name[t.name].rows, **asdict(t)} for t in found.schema],
        "load_order": list(found.graph.load_order()) if found.refusal is None else None,
        "cycles": [[list(step) for step in cycle] for cycle in found.graph.cycles],
        "cuts": [asdict(cut) for cut in found.graph.cut_edges()] if found.refusal is None else None,
        "refusal": found.refusal,
        "checks_understood": found.understood,
        "checks_not_understood": found.not_understood_checks,
        "link_tables": list(found.graph.link_tables),
        "missing_parents": [list(pair) for pair in found.graph.missing_parents],
        "polymorphic_guesses": [asdict(p) for p in found.graph.polymorphic_guesses],
        "undeclared_guesses": [asdict(u) for u in found.graph.undeclared_guesses],
        "not_understood": list(found.schema.not_understood),
    }
    return json.dumps(body, indent=2, ensure_ascii=False, default=str)
