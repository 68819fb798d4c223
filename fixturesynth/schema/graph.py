"""ForeignKeyGraph: who references whom, in what order tables can be filled, and where cycles can be cut.

networkx is inside and stays there; it is loaded for schemas with cycles alone, since it takes longer than all the rest
of making a plan. An edge goes from the child to its parent; foreign keys whose parent is not in the
schema are no edges (``missing_parents`` lists them). Everything is deterministic: ties are broken by name.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from heapq import heapify, heappop, heappush
from itertools import pairwise
from typing import TYPE_CHECKING, Literal

from fixturesynth.errors import CycleError, InputError, did_you_mean
from fixturesynth.schema.guessing import Polymorphic, Undeclared, guess_polymorphic, guess_undeclared
from fixturesynth.schema.model import ForeignKey, Schema, Table, Unique

if TYPE_CHECKING:
    import networkx as nx

__all__ = ["Cut", "ForeignKeyGraph", "Implied", "build_graph"]

Cycle = tuple[tuple[str, str], ...]
_Edge = tuple[str, str, str]  # child, parent, foreign key
_Why = Literal["self", "nullable", "deferrable", "together"]

_SESSION_DEFERS = {"mysql", "mariadb", "sqlite"}  # a session can put off every foreign key there
_STATEMENT_CHECKS = {"postgresql"}  # a statement that fills several tables is checked when all of them are filled
_COST = {"nullable": 1, "deferrable": 1_000, "together": 1_000_000}
_COPIED = 10**9  # times the cost of a key whose columns others reference: they would copy what is not there yet
_EXACT_TABLES = 12  # components up to this size are cut optimally
_LINK_PAYLOAD = 2  # most columns that a link table carries beside its references and its own key


@dataclass(frozen=True)
class Cut:
    """A foreign key left out of the load order, and why that can be.

    self: a row references itself or an earlier row of its table. nullable: NULL first, set in a second pass.
    deferrable: checked at the end of the transaction. together: checked at the end of the one statement that fills all
    tables of the cycle.
    """

    table: str
    foreign_key: str
    why: _Why


@dataclass(frozen=True)
class Implied:
    """``foreign_key`` holds whenever ``by`` does, because ``by``'s parent has it too, through ``path``.

    ``always``: no column of ``by`` can be NULL; otherwise rows where ``by`` is NULL still need ``foreign_key``.
    """

    foreign_key: str
    by: str
    path: tuple[str, ...]
    always: bool


def build_graph(schema: Schema) -> "ForeignKeyGraph":
    """The graph of a schema's foreign keys.

    >>> from fixturesynth.schema.model import Column, ColumnType, ForeignKey, PrimaryKey, Schema, Table
    >>> number = ColumnType("integer", "integer")
    >>> shop = Table("shop", (Column("id", number),), primary_key=PrimaryKey(("id",)))
    >>> key = ForeignKey("fk_shop", ("shop_id",), "shop", ("id",))
    >>> sale = Table("sale", (Column("shop_id", number),), foreign_keys=(key,))
    >>> build_graph(Schema((sale, shop))).load_order()
    ('shop', 'sale')
    """
    return ForeignKeyGraph(schema)


class ForeignKeyGraph:
    """Made by ``build_graph``. Table names come out sorted unless an order is promised."""

    def __init__(self, schema: Schema) -> None:
        self.schema = schema

    @cached_property
    def _graph(self) -> "nx.MultiDiGraph[str]":
        return _graph_of(sorted(self.schema.names), self._edges)

    @cached_property
    def _edges(self) -> tuple[_Edge, ...]:
        return tuple(
            (t.name, fk.parent, fk.name) for t in self.schema for fk in t.foreign_keys if fk.parent in self.schema
        )

    # Neighbours

    def parents(self, table: str) -> tuple[str, ...]:
        """Tables that ``table`` references, itself included where it does."""
        own = self._known(table)
        return tuple(sorted({parent for child, parent, _ in self._edges if child == own}))

    def children(self, table: str) -> tuple[str, ...]:
        """Tables that reference ``table``, itself included where it does."""
        own = self._known(table)
        return tuple(sorted({child for child, parent, _ in self._edges if parent == own}))

    def closure(self, tables: Iterable[str], up: bool = True, down: bool = False) -> tuple[str, ...]:
        """The tables with everything they need (``up``: all ancestors) and all that hangs on them (``down``).

        With both, the descendants' other ancestors are in it too, so that the result can be filled by itself.
        """
        import networkx as nx

        found = {self._known(table) for table in tables}
        if down:
            found |= {d for table in found for d in nx.ancestors(self._graph, table)}
        if up:
            found |= {a for table in found for a in nx.descendants(self._graph, table)}
        return tuple(sorted(found))

    @cached_property
    def missing_parents(self) -> tuple[tuple[str, str], ...]:
        """(table, foreign key) of every reference to a table that the schema does not have."""
        return tuple((t.name, fk.name) for t in self.schema for fk in t.foreign_keys if fk.parent not in self.schema)

    def _known(self, table: str) -> str:
        if table not in self.schema:
            raise InputError(f"no table {table!r} in the schema: {did_you_mean(table, sorted(self.schema.names))}")
        return table

    # Order and cycles

    @cached_property
    def _plain_order(self) -> tuple[str, ...] | None:
        """Tables with parents first, the first by name of those that can come next; None where there is a cycle."""
        waiting = {name: set(self.parents(name)) - {name} for name in self.schema.names}
        below: dict[str, list[str]] = {}
        for name, parents in waiting.items():
            for parent in parents:
                below.setdefault(parent, []).append(name)
        ready = [name for name, parents in waiting.items() if not parents]
        heapify(ready)
        order = []
        while ready:
            order.append(heappop(ready))
            for child in below.get(order[-1], ()):
                waiting[child].discard(order[-1])
                if not waiting[child]:
                    heappush(ready, child)
        return tuple(order) if len(order) == len(self.schema) else None

    @cached_property
    def components(self) -> tuple[tuple[str, ...], ...]:
        """Strongly connected components, parents first; one of a single table is no cycle unless ``cycles`` has it."""
        import networkx as nx

        condensed = nx.condensation(nx.DiGraph(self._graph))
        members = {node: tuple(sorted(condensed.nodes[node]["members"])) for node in condensed}
        order = nx.lexicographical_topological_sort(condensed.reverse(copy=False), key=lambda node: members[node][0])
        return tuple(members[node] for node in order)

    def load_order(self, cuts: Sequence[Cut] | None = None) -> tuple[str, ...]:
        """Tables with every parent before its children, but for the ``cuts`` (default: ``cut_edges()``).

        CycleError when the cuts leave a cycle.
        """
        if cuts is None and self._plain_order is not None:
            return self._plain_order
        import networkx as nx

        left = self._without((c.table, c.foreign_key) for c in (self.cut_edges() if cuts is None else cuts))
        left.remove_edges_from([e for e in left.edges if e[0] == e[1]])
        if not nx.is_directed_acyclic_graph(left):
            raise CycleError(
                f"these cuts leave a cycle: {self._drawn(self._some_cycle(left))}; cut one of its edges too"
            )
        return tuple(nx.lexicographical_topological_sort(nx.DiGraph(left.reverse(copy=False))))

    @cached_property
    def cycles(self) -> tuple[Cycle, ...]:
        """For every foreign key that is on a cycle the shortest one, as ((table, foreign key name), ...); each once."""
        found: dict[frozenset[tuple[str, str]], Cycle] = {}
        for component in self.components:
            inside = self._graph.subgraph(component)
            for child, parent, name in sorted(inside.edges(keys=True)):
                cycle = self._cycle_through(inside, child, parent, name)
                found.setdefault(frozenset(cycle), cycle)
        return tuple(sorted(found.values(), key=lambda cycle: (len(cycle), cycle)))

    def cut_edges(self, dialect: str | None = None) -> tuple[Cut, ...]:
        """The fewest foreign keys whose leaving out makes the rest acyclic: self references, then nullable ones,
        deferrable ones only where there is no other way, and required ones that are checked at once last of all.

        ``dialect`` (default: the schema's) is where the rows will go: MySQL and SQLite can put off every foreign key,
        PostgreSQL can fill all tables of a cycle in one statement. Optimal in components of up to 12 tables, minimal
        beyond. CycleError when a cycle cannot be cut.
        """
        dialect = dialect or self.schema.dialect
        cuts = [Cut(child, name, "self") for child, parent, name in self._edges if child == parent]
        for component in self.components if self._plain_order is None else ():
            if len(component) > 1:
                cuts += self._cut_component(component, dialect)
        return tuple(sorted(cuts, key=lambda cut: (cut.table, cut.foreign_key)))

    def _cut_component(self, component: tuple[str, ...], dialect: str) -> list[Cut]:
        edges = [e for e in sorted(self._graph.subgraph(component).edges(keys=True)) if e[0] != e[1]]
        why = {e: self._why(e[0], e[2], dialect) for e in edges}
        fixed = [e for e in edges if why[e] is None]
        self._refuse_uncuttable(fixed, dialect)
        referenced = {(fk.parent, c) for table in self.schema for fk in table.foreign_keys for c in fk.parent_columns}
        # What others reference has to be known before they are filled: such a key is cut only where no other can be.
        copied = {e for e in edges if any((e[0], c) in referenced for c in self.schema[e[0]].foreign_key(e[2]).columns)}
        costs = {e: _COST[w] * (_COPIED if e in copied else 1) for e, w in why.items() if w is not None}
        cut = _cut_exactly if len(component) <= _EXACT_TABLES else _cut_greedily
        return [Cut(e[0], e[2], w) for e in cut(component, fixed, costs) if (w := why[e]) is not None]

    def _why(self, child: str, name: str, dialect: str) -> _Why | None:
        table = self.schema[child]
        fk = table.foreign_key(name)
        nullable = [_can_be_null(table, c) for c in fk.columns]
        if any(nullable) if fk.match == "SIMPLE" else all(nullable):
            return "nullable"
        if fk.deferrable or dialect in _SESSION_DEFERS:
            return "deferrable"
        return "together" if dialect in _STATEMENT_CHECKS else None

    def _refuse_uncuttable(self, fixed: list[tuple[str, str, str]], dialect: str) -> None:
        import networkx as nx

        rest = _graph_of((), fixed)
        if nx.is_directed_acyclic_graph(rest):
            return
        cycle = self._some_cycle(rest)
        table, name = cycle[0]
        raise CycleError(
            f"the foreign keys {self._drawn(cycle)} form a cycle, none is deferrable and none of their columns may be "
            f"NULL; make one deferrable (ALTER TABLE {table} ALTER CONSTRAINT {name} DEFERRABLE) or nullable, "
            "or leave one of the tables out"
        )

    def _without(self, edges: Iterable[tuple[str, str]]) -> "nx.MultiDiGraph[str]":
        gone = set(edges)
        known = {(child, name) for child, _, name in self._graph.edges(keys=True)}
        if gone - known:
            table, name = min(gone - known)
            raise InputError(f"cannot cut {table}.{name}: there is no such foreign key inside the schema")
        return _graph_of(self._graph, (e for e in self._graph.edges(keys=True) if (e[0], e[2]) not in gone))

    def _some_cycle(self, graph: "nx.MultiDiGraph[str]") -> Cycle:
        """The shortest cycle, the first by name of those."""
        import networkx as nx

        found = []
        for component in nx.strongly_connected_components(graph):
            inside = graph.subgraph(component)
            found += [self._cycle_through(inside, *edge) for edge in sorted(inside.edges(keys=True))]
        return min(found, key=lambda cycle: (len(cycle), cycle))

    @staticmethod
    def _cycle_through(graph: "nx.MultiDiGraph[str]", child: str, parent: str, name: str) -> Cycle:
        import networkx as nx

        back = nx.shortest_path(graph, parent, child)
        names = [(a, min(graph[a][b])) for a, b in pairwise(back)]
        cycle = [(child, name), *names]
        first = cycle.index(min(cycle))
        return tuple(cycle[first:] + cycle[:first])

    def _drawn(self, cycle: Cycle) -> str:
        return " -> ".join(f"{table}.{name}" for table, name in cycle) + f" -> {cycle[0][0]}"

    # What tables and references look like

    @cached_property
    def link_tables(self) -> tuple[str, ...]:
        """Tables with a key made of two or more foreign keys and little else: they tie rows to rows."""
        return tuple(sorted(t.name for t in self.schema if _is_link(t)))

    def implied_references(self, table: str) -> tuple[Implied, ...]:
        """Foreign keys of ``table`` that need no choice of their own, because another one leads to the same parent row.

        flights.origin -> airports is implied by flights (origin, hour) -> weather where weather.origin -> airports.
        Of two foreign keys that imply each other, the first by name stays. Of several that imply one, those that are
        always set come first, and those that lead to another table.
        """
        keys = self.schema[self._known(table)].foreign_keys
        wide = sorted(keys, key=lambda fk: (-len(fk.columns), fk.name))
        found: dict[str, Implied] = {}
        for at, fk in enumerate(wide):
            options = []
            for place, by in enumerate(wide[:at]):
                path = self._path(fk, by) if by.name not in found and set(fk.columns) <= set(by.columns) else None
                if path is not None:
                    always = not any(_is_nullable(self.schema[table], c) for c in by.columns)
                    options.append((not always, by.parent == table, place, Implied(fk.name, by.name, path, always)))
            if options:
                found[fk.name] = min(options, key=lambda option: option[:3])[3]
        return tuple(sorted(found.values(), key=lambda implied: implied.foreign_key))

    def _path(self, fk: ForeignKey, by: ForeignKey) -> tuple[str, ...] | None:
        """Foreign keys from ``by``'s parent on that end where ``fk`` does, on the very columns of ``fk``."""
        target = (fk.parent, frozenset(zip(fk.columns, fk.parent_columns, strict=True)))
        carried = dict(zip(by.columns, by.parent_columns, strict=True))
        start = (by.parent, frozenset((c, carried[c]) for c in fk.columns))
        paths: dict[tuple[str, frozenset[tuple[str, str]]], tuple[str, ...]] = {start: ()}
        for state in _growing(paths):
            if state == target:
                return paths[state]
            place, pairs = state
            for step in self.schema[place].foreign_keys if place in self.schema else ():
                onward = dict(zip(step.columns, step.parent_columns, strict=True))
                # What the reference carries is set, or it would reference nothing.
                carries = {here for _, here in pairs}
                certain = not any(_is_nullable(self.schema[place], c) for c in step.columns if c not in carries)
                if certain and all(here in onward for _, here in pairs):
                    after = (step.parent, frozenset((own, onward[here]) for own, here in pairs))
                    paths.setdefault(after, (*paths[state], f"{place}.{step.name}"))
        return None

    @cached_property
    def polymorphic_guesses(self) -> tuple[Polymorphic, ...]:
        """Pairs such as ``owner_type`` and ``owner_id`` that reference a row of the table that the type names."""
        return guess_polymorphic(self.schema)

    @cached_property
    def undeclared_guesses(self) -> tuple[Undeclared, ...]:
        """Columns that by name and type reference another table, without a declared foreign key."""
        return guess_undeclared(self.schema)


def _graph_of(tables: Iterable[str], edges: Iterable[_Edge]) -> "nx.MultiDiGraph[str]":
    import networkx as nx

    graph: nx.MultiDiGraph[str] = nx.MultiDiGraph()
    graph.add_nodes_from(tables)
    for child, parent, name in edges:
        graph.add_edge(child, parent, key=name)
    return graph


def _growing(
    queue: dict[tuple[str, frozenset[tuple[str, str]]], tuple[str, ...]],
) -> Iterator[tuple[str, frozenset[tuple[str, str]]]]:
    """Keys in the order of their insertion, those that are added meanwhile too."""
    seen = 0
    while seen < len(queue):
        yield list(queue)[seen]
        seen += 1


def _is_nullable(table: Table, column: str) -> bool:
    in_key = table.primary_key is not None and column in table.primary_key.columns
    return table.column(column).nullable and not in_key


def _can_be_null(table: Table, column: str) -> bool:
    """Whether rows may go without for a while."""
    return _is_nullable(table, column) and not any(_counts_nulls(u, column) for u in table.uniques)


def _counts_nulls(unique: Unique, column: str) -> bool:
    """Whether rows that are NULL in the column for a while could collide in the set."""
    alone = column in unique.columns and not unique.nulls_distinct
    return alone or column in re.findall(r"\w+", unique.predicate or "")


def _is_link(table: Table) -> bool:
    references = {fk.columns: set(fk.columns) for fk in table.foreign_keys}
    own_key = set(table.primary_key.columns) if table.primary_key else set()
    referencing = set().union(*references.values()) if references else set()
    for key in table.keys:
        inside = [columns for columns in references.values() if columns <= set(key)]
        covered = set().union(*inside) if inside else set()
        if covered == set(key) and _independent(inside) >= 2:
            payload = [c for c in table.column_names if c not in referencing | own_key]
            return len(payload) <= _LINK_PAYLOAD
    return False


def _independent(sets: list[set[str]]) -> int:
    """How many of the sets are in no other: an implied reference is none of its own."""
    return sum(not any(one < other for other in sets) for one in sets)


# Cutting: the fewest edges of a component ----------------------------------------------------------------------------


def _cut_exactly(tables: tuple[str, ...], fixed: list[_Edge], costs: dict[_Edge, int]) -> list[_Edge]:
    """By dynamic programming over the sets of tables that are filled first: 2**n states, so n is small."""
    index = {name: i for i, name in enumerate(tables)}
    forbidden = sum(costs.values()) + 1
    to = [[0] * len(tables) for _ in tables]
    for edge in [*fixed, *costs]:
        to[index[edge[0]]][index[edge[1]]] += costs.get(edge, forbidden)
    best = [0] + [forbidden * len(tables) ** 2] * (2 ** len(tables) - 1)
    last = [0] * len(best)
    for done in range(1, len(best)):
        missing = [i for i in range(len(tables)) if not done >> i & 1]
        for table in (i for i in range(len(tables)) if done >> i & 1):
            cost = best[done ^ 1 << table] + sum(to[table][parent] for parent in missing)
            if cost < best[done]:
                best[done], last[done] = cost, table
    place, done = {}, len(best) - 1
    while done:
        place[tables[last[done]]] = done.bit_count()
        done ^= 1 << last[done]
    return [e for e in costs if place[e[0]] < place[e[1]]]


def _cut_greedily(tables: tuple[str, ...], fixed: list[_Edge], costs: dict[_Edge, int]) -> list[_Edge]:
    """Cut the cheap edge on the most shortest cycles until none is left, then take back what was not needed."""
    import networkx as nx

    graph = _graph_of(tables, [*fixed, *costs])
    cut: list[_Edge] = []
    while True:
        knots = [c for c in nx.strongly_connected_components(graph) if len(c) > 1]
        if not knots:
            break
        inside = graph.subgraph(min(knots, key=min))
        use = dict.fromkeys((e for e in sorted(inside.edges(keys=True)) if e in costs), 0)
        for child, parent, _ in inside.edges(keys=True):
            back = nx.shortest_path(inside, parent, child)
            for pair in [(child, parent), *pairwise(back)]:
                for name in inside[pair[0]][pair[1]]:
                    if (*pair, name) in use:
                        use[(*pair, name)] += 1
        chosen = max(use, key=_usefulness(use, costs))
        graph.remove_edge(*chosen)
        cut.append(chosen)
    for edge in sorted(cut, key=lambda e: (-costs[e], e)):
        if not nx.has_path(graph, edge[1], edge[0]):
            graph.add_edge(*edge)
            cut.remove(edge)
    return cut


def _usefulness(use: dict[_Edge, int], costs: dict[_Edge, int]) -> Callable[[_Edge], float]:
    return lambda edge: use[edge] / costs[edge]
