"""A schema and its plan, read once: constraints and types become the rules by which rows are drawn."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

from fixturesynth.errors import ConstraintError
from fixturesynth.loading.verdicts import Judge
from fixturesynth.planning.exclusions import with_exclusions
from fixturesynth.planning.needs import ColumnNeeds
from fixturesynth.planning.plan import Default, Key, Plan, Rule, TablePlan
from fixturesynth.planning.planner import Wishes, make_plan
from fixturesynth.planning.ranges import hold_ranges
from fixturesynth.planning.rows import RowsAsked
from fixturesynth.planning.trying import Trials
from fixturesynth.planning.uniques import unique_sets, with_prefixes
from fixturesynth.sampling.folding import folds_case
from fixturesynth.schema.model import Check, Column, ForeignKey, Schema, Table
from fixturesynth.schema.predicates import (
    Alternatives,
    Branch,
    ColumnDomain,
    NotUnderstood,
    TableConstraints,
    compile_condition,
    compile_constraints,
    joint_branches,
)
from fixturesynth.strategies.description import (
    Cell,
    Component,
    Link,
    Period,
    Settings,
    Source,
    TableRules,
    UniqueSet,
    Way,
)
from fixturesynth.strategies.ordering import bounded
from fixturesynth.strategies.spans import Grid, Listed, Span
from fixturesynth.strategies.valuing import Asked, span_of
from fixturesynth.strategies.witnesses import Witnesses, witnessed

__all__ = ["compile_source", "compile_table"]

FEW = 64  # values of a column that is selected, not drawn
AMPLE = 1_000  # distinct values after which nobody counts whether they suffice
MOST_WAYS = 256
GENERATED = "generated column "  # what the checks are called that the types of generated columns make
PLANNED_ROWS = 8  # of every table when the plan is made: rows themselves are never taken from it


def compile_source(schema: Schema, settings: Settings, judge: Judge | None = None) -> Source:
    """The rules of every table. ConstraintError and UnsatisfiableError name what cannot be held, as in planning."""
    schema = _with_partitions(schema)
    wishes = Wishes(rows=RowsAsked({}, default=PLANNED_ROWS), locale=settings.locale, now=settings.now)
    plan = make_plan(schema, wishes=wishes, judge=judge)
    tables = {}
    for number, planned in enumerate(plan.tables):
        if planned.mode == "generate":
            tables[planned.name] = _TableCompiler(schema, plan, planned, settings, judge, 0x5F5 + number).rules()
    return Source(schema, plan, tables, settings)


def compile_table(source: Source, name: str, *, without: str, also: Alternatives) -> TableRules:
    """The rules of one table with another condition in the place of the check ``without``."""
    table = source.schema[name]
    left = replace(table, checks=tuple(c for c in table.checks if c.name != without))
    schema = replace(source.schema, tables=tuple(left if t.name == name else t for t in source.schema))
    planned, settings = source.plan[name], source.settings
    return _TableCompiler(schema, source.plan, planned, settings, None, source.tables[name].label, also).rules()


def _with_partitions(schema: Schema) -> Schema:
    """Partitioned tables with what their partitions declare for themselves: a row may land in any of them."""
    return replace(schema, tables=tuple(_with_own(schema, t) if t.partition_key is not None else t for t in schema))


def _with_own(schema: Schema, table: Table) -> Table:
    parts = [t for t in schema if t.partition_of == table.name]
    parts = [_with_own(schema, t) if t.partition_key is not None else t for t in parts]
    links = {(k.columns, k.parent, k.parent_columns): k for t in (*parts, table) for k in t.foreign_keys}
    uniques = {(u.columns, u.expressions, u.predicate): u for t in (*parts, table) for u in t.uniques}
    checks = {c.text: c for t in (*parts, table) for c in t.checks}
    return replace(
        table, foreign_keys=tuple(links.values()), uniques=tuple(uniques.values()), checks=tuple(checks.values())
    )


class _TableCompiler:
    """Puts together the rules of one table."""

    def __init__(
        self, schema: Schema, plan: Plan, planned: TablePlan, settings: Settings, judge: Judge | None, label: int,
        also: Alternatives | None = None,
    ) -> None:  # fmt: skip
        self.dialect = schema.dialect
        self.table = with_exclusions(schema[planned.name], self.dialect)
        self.schema, self.plan, self.planned, self.settings = schema, plan, planned, settings
        self.label = label
        self.left_out = {c.name for c in planned.columns if isinstance(c.source, Default)}
        self.links = tuple(self._link(fk) for fk in self.table.foreign_keys if fk.parent in schema)
        self.sets, self.singles = self._unique_sets()
        self.constraints = self._constraints(judge)
        if also is not None:
            self.constraints = replace(self.constraints, alternatives=(*self.constraints.alternatives, also))
        self.linked = frozenset(c for link in self.links for c in link.columns)

    # -- what the schema says -----------------------------------------------------------------------------------------
    def _link(self, fk: ForeignKey) -> Link:
        how = self.planned.reference(fk.name).how
        elsewhere = {
            c
            for other in self.table.foreign_keys
            if other is not fk
            for c in other.columns
            if not self._optional(other)
        }
        emptied = () if self._must(fk) else tuple(
            c for c in fk.columns if self.table.column(c).nullable and c not in elsewhere and not self._in_key(c)
        )  # fmt: skip
        return Link(
            fk.name, fk.columns, fk.parent, fk.parent_columns, emptied, fk.parent == self.table.name, how == "later"
        )

    def _in_key(self, name: str) -> bool:
        return self.table.primary_key is not None and name in self.table.primary_key.columns

    def _optional(self, fk: ForeignKey) -> bool:
        return any(self.table.column(c).nullable and not self._in_key(c) for c in fk.columns)

    def _must(self, fk: ForeignKey) -> bool:
        """Whether a row cannot do without: MATCH FULL wants all columns NULL or none."""
        if fk.match == "FULL":
            return not all(self.table.column(c).nullable and not self._in_key(c) for c in fk.columns)
        return not self._optional(fk)

    def _unique_sets(self) -> tuple[list[UniqueSet], set[str]]:
        found = []
        for unique in unique_sets(self.table):
            columns = tuple(c for c in dict.fromkeys(unique.columns) if c not in self.left_out)
            if columns and len(columns) == len(set(unique.columns)):
                found.append(UniqueSet(unique.name, columns, unique.nulls_distinct, unique.predicate is not None))
        return found, {s.columns[0] for s in found if len(s.columns) == 1}

    def _constraints(self, judge: Judge | None) -> TableConstraints:
        needs = self._needs()
        trial = Trials(
            self.table, self.dialect, lambda name: needs.column_context(self.table.column(name)), judge,
            unique=frozenset(c for s in self.sets for c in s.columns),
            kept=frozenset(c for fk in self.table.foreign_keys for c in fk.columns), rows=PLANNED_ROWS,
        )  # fmt: skip
        fitting = tuple(_fits_type(c) for c in self.table.columns if c.generated is not None and _is_bounded(c))
        whole = replace(self.table, checks=(*self.table.checks, *fitting))
        judged, _ = hold_ranges(whole, self.dialect)
        found = compile_constraints(judged, self.dialect, trial=trial, now=self.settings.now)
        return with_prefixes(self.table, found)

    def _needs(self) -> ColumnNeeds:
        return ColumnNeeds(
            table=self.table, references=self.planned.references, context=None, constraints=TableConstraints(),
            profile=None, locale=self.settings.locale, now=self.settings.now, unique_columns=frozenset(), parents={},
        )  # fmt: skip

    # -- domains and spans --------------------------------------------------------------------------------------------
    def base(self, name: str) -> ColumnDomain:
        """What holds of a column in every row."""
        column = self.table.column(name)
        values = tuple(column.type.values) if column.type.kind == "enum" else None
        required = not column.nullable or self._in_key(name) or name in self._referenced()
        domain = ColumnDomain(name, allowed=values or None, not_null=required)
        known = self.constraints.domains.get(name)
        return domain.intersect(known) if known is not None else domain

    def _referenced(self) -> frozenset[str]:
        return self.schema.referenced_columns(self.table.name)

    def asked(self, name: str, *, ordered: bool = False) -> Asked:
        source = self.planned.column(name).source
        call = source.call if isinstance(source, Key) or (isinstance(source, Rule) and not source.needs) else None
        sets = [s for s in self.sets if name in s.columns]
        return Asked(
            self.table, self.dialect, self.settings.locale, self.settings.now,
            unique=bool(sets) or name in self._referenced(),
            folded=any(self._folds(s.name, self.table.column(name)) for s in sets), ordered=ordered,
            letters=self.settings.letters, planned=call,
        )  # fmt: skip

    def _folds(self, unique: str, column: Column) -> bool:
        """Whether texts of a unique set may be equal without being the same: by collation, padding or expression."""
        if column.type.kind != "text":
            return False
        if column.type.fixed or "citext" in column.type.name.lower() or folds_case(self.table, unique):
            return True
        expressions = any(u.expressions for u in self.table.uniques if u.name == unique)
        collation = (column.collation or "").lower()
        if self.dialect == "mysql":
            return not collation.endswith("_bin") or expressions
        return expressions or (bool(collation) and not collation.startswith(("c", "posix", "binary")))

    def cell(self, name: str, domain: ColumnDomain, *, ordered: bool = False) -> Cell | None:
        """The column in a domain; None where it can take no value at all."""
        column = self.table.column(name)
        span = span_of(column, domain, self.asked(name, ordered=ordered))
        null = column.nullable and not domain.not_null and not self._in_key(name)
        if span is None and not null:
            return None
        return Cell(name, span, null)

    # -- the parts ----------------------------------------------------------------------------------------------------
    def rules(self) -> TableRules:
        columns = tuple(c for c in self.table.column_names if c not in self.left_out)
        together = self._together()
        tied = {c for names, _ in together for c in names}
        counted = tuple(c for c in columns if self._is_counted(c) and c not in tied)
        components = [
            self._component(names, alternatives, sets)
            for names, alternatives, sets in self._groups([c for c in columns if c not in counted and c not in tied])
        ]
        components.sort(key=lambda c: max(s.size for w in c.ways for cell in w.cells if (s := cell.span)) if any(
            cell.span for w in c.ways for cell in w.cells) else 0)  # fmt: skip
        periods, extra, most = self._periods()
        uniques = (*self.sets, *extra)
        listed = self._listed(components, uniques)
        of = {c: tuple(u for u in uniques if c in u.columns) for c in columns}
        return TableRules(
            name=self.table.name,
            label=self.label,
            columns=columns,
            links=self.links,
            listed=listed,
            components=tuple(components),
            uniques=uniques,
            counted=counted,
            periods=periods,
            together=together,
            most=most,
            uniques_of=of,
            rings=frozenset(k.name for k in self.links if k.is_self and self._is_apart(k)),
            plain=self._is_plain(components, uniques, listed, together),
        )

    def _is_apart(self, link: Link) -> bool:
        """Whether a check says that the reference is not the row itself."""
        pairs = [set(p) for p in zip(link.columns, link.parent_columns, strict=True)]
        return any({d.a, d.b} in pairs for d in self.constraints.distinct)

    def _is_counted(self, name: str) -> bool:
        """A key that the database numbers: rows are numbered from 1."""
        column = self.table.column(name)
        numbered = column.type.kind == "integer" and (column.autoincrement or column.identity is not None)
        free = name not in self.constraints.domains or self.constraints.domains[name] == ColumnDomain(
            name, not_null=True
        )
        mentioned = any(name in b.domains for a in self.constraints.alternatives for b in a.branches)
        compared = any(name in (d.low, d.high) for d in self.constraints.differences)
        compared |= any(name in (d.a, d.b) for d in self.constraints.distinct)
        return numbered and name in self.singles and name not in self.linked and free and not mentioned and not compared

    def _groups(self, columns: Sequence[str]) -> list[tuple[list[str], list[Alternatives], list[UniqueSet]]]:
        """Columns that checks, and predicates of partial sets, tie to each other; each alone where nothing does."""
        groups: list[tuple[set[str], list[Alternatives], list[UniqueSet]]] = [({c}, [], []) for c in columns]

        def join(names: set[str], alternatives: list[Alternatives], sets: list[UniqueSet]) -> None:
            touching = [g for g in groups if g[0] & names]
            rest = [g for g in groups if not g[0] & names]
            groups[:] = [
                *rest,
                (
                    set().union(*(g[0] for g in touching)),
                    [a for g in touching for a in g[1]] + alternatives,
                    [s for g in touching for s in g[2]] + sets,
                ),
            ]

        for one in self.constraints.alternatives:
            join(_names(one.branches), [one], [])
        for d in self.constraints.differences:
            join({d.low, d.high}, [], [])
        for pair in self.constraints.distinct:
            join({pair.a, pair.b}, [], [])
        for unique in self.sets:
            if unique.partial and (split := self._split(unique)) is not None:
                join(_names((*split[0], *split[1])), [], [unique])
        order = {c: i for i, c in enumerate(columns)}
        return [(sorted(g[0] & set(columns), key=order.__getitem__), g[1], g[2]) for g in groups]

    def _split(self, unique: UniqueSet) -> tuple[tuple[Branch, ...], tuple[Branch, ...]] | None:
        """Ways for the predicate of a partial set to hold, and not to; None: nobody knows, and it counts always."""
        predicate = next(u.predicate for u in self.table.uniques if u.name == unique.name)
        try:
            inside = compile_condition(str(predicate), self.table, self.dialect, now=self.settings.now)
            outside = compile_condition(
                f"NOT ({predicate})", self.table, self.dialect, null_passes=True, now=self.settings.now
            )
        except NotUnderstood:
            return None
        return inside, outside

    def _component(self, names: list[str], alternatives: list[Alternatives], sets: list[UniqueSet]) -> Component:
        base = {n: self.base(n) for n in names}
        inside = set(names)
        differences = tuple(d for d in self.constraints.differences if {d.low, d.high} <= inside)
        distinct = tuple(d for d in self.constraints.distinct if {d.a, d.b} <= inside)
        whole = TableConstraints(base, differences, distinct, (), tuple(alternatives))
        try:
            branches = [(b, frozenset[str]()) for b in joint_branches(whole)]
        except NotUnderstood as error:
            raise ConstraintError(
                f"{self.table.name}: the checks on {', '.join(names)} have too many alternatives to draw from: {error}"
                "; leave the table out (tables=...)"
            ) from error
        for unique in sets:
            branches = self._activated(unique, branches)
        ways = [w for b, active in branches if (w := self._way(names, b, active)) is not None]
        if not ways:
            raise ConstraintError(
                f"{self.table.name}: no value of {', '.join(names)} satisfies the constraints on them; "
                "leave the table out (tables=...)"
            )
        ways.sort(key=lambda w: sum(not c.null for c in w.cells))
        return Component(frozenset(names), tuple(ways))

    def _activated(
        self, unique: UniqueSet, branches: list[tuple[Branch, frozenset[str]]]
    ) -> list[tuple[Branch, frozenset[str]]]:
        split = self._split(unique)
        assert split is not None
        if len(branches) * (len(split[0]) + len(split[1])) > MOST_WAYS:
            return [(b, active | {unique.name}) for b, active in branches]
        out = []
        for branch, active in branches:
            for half, now in ((split[0], active | {unique.name}), (split[1], active)):
                joined = [branch.intersect(b) for b in half]
                out += [(b, now) for b in joined if not b.is_empty]
        return out

    def _way(self, names: list[str], branch: Branch, active: frozenset[str]) -> Way | None:
        compared = {n for d in branch.differences for n in (d.low, d.high)}
        cells = []
        for name in names:
            domain = branch.domains.get(name, self.base(name))
            cell = self.cell(name, domain, ordered=name in compared)
            if cell is None:
                return None
            cells.append(cell)
        by_name = {c.name: c for c in cells}
        for d in branch.differences:
            low, high = by_name[d.low], by_name[d.high]
            if low.span is None or high.span is None:
                continue
            axes = {s.axis if isinstance(s, Grid) else repr(type(s)) for s in (low.span, high.span)}
            if len(axes) > 1 or not isinstance(low.span, Grid):
                raise ConstraintError(
                    f"{self.table.name}: {d.low} {'<' if d.strict else '<='} {d.high} compares columns of types "
                    f"{self.table.column(d.low).type.name} and {self.table.column(d.high).type.name}, which cannot be "
                    "drawn in order yet; leave the table out (tables=...)"
                )
        orders = tuple((d.low, d.high, d.strict) for d in branch.differences)
        ranked = _ranked(cells, orders)
        tests = tuple(
            (n, d.tester())
            for n, d in branch.domains.items()
            if d != ColumnDomain(n, not_null=d.not_null) or d.not_null
        )
        way = Way(ranked, orders, tuple((d.a, d.b) for d in branch.distinct), tests, active)
        return way if _is_possible(way) else None

    def _listed(
        self, components: Sequence[Component], uniques: Sequence[UniqueSet]
    ) -> tuple[tuple[str, tuple[Any, ...]], ...]:
        """Columns of few values in unique sets whose widest column may run out."""
        sizes: dict[str, int] = {}
        for component in components:
            for name in component.names:
                spans = [c.span for w in component.ways for c in w.cells if c.name == name and c.span is not None]
                sizes[name] = max((s.size for s in spans), default=0)
        found: dict[str, tuple[Any, ...]] = {}
        for unique in uniques:
            own = sorted((c for c in unique.columns if c in sizes and c not in self.linked), key=sizes.__getitem__)
            if own and sizes[own[-1]] < AMPLE:
                for name in own[:-1]:
                    cell = self.cell(name, self.base(name))
                    if sizes[name] <= FEW and cell is not None and cell.span is not None:
                        found[name] = ((None,) if cell.null else ()) + _members(cell.span)
        return tuple(found.items())

    def _is_plain(
        self,
        components: Sequence[Component],
        uniques: Sequence[UniqueSet],
        listed: Sequence[Any],
        together: Sequence[Any],
    ) -> bool:
        columns = [c for link in self.links for c in link.columns]
        own = {n for c in components for n in c.names} - self.linked
        free = all(u.columns and not set(u.columns) <= self.linked for u in uniques) and all(
            any(self._ample(components, c) for c in u.columns if c in own) or not self.linked & set(u.columns)
            for u in uniques
        )
        apart = not any(c.names & self.linked and (len(c.names) > 1 or len(c.ways) > 1) for c in components)
        plain_domains = all(
            self.constraints.domains.get(c) in (None, ColumnDomain(c), ColumnDomain(c, not_null=True))
            for c in self.linked
        )
        solid = all(
            not self.schema[k.parent].column(p).nullable or p in (self.schema[k.parent].primary_key or _NO_KEY).columns
            for k in self.links
            for p in k.parent_columns
        )
        whole = all(not k.emptied or set(k.emptied) == set(k.columns) for k in self.links)
        return (
            len(columns) == len(set(columns)) and free and apart and plain_domains and solid and whole
            and not listed and not together and not any(k.is_self and k.is_required for k in self.links)
        )  # fmt: skip

    def _ample(self, components: Sequence[Component], name: str) -> bool:
        spans = [c.span for k in components for w in k.ways for c in w.cells if c.name == name]
        return all(s is not None and s.size >= AMPLE for s in spans)

    def _periods(self) -> tuple[tuple[Period, ...], tuple[UniqueSet, ...], int | None]:
        """Exclusions: spans of two columns follow each other; of others there is one row in a group."""
        periods, extra, most = [], [], None
        for one in self.planned.exclusions:
            kinds = {self.table.column(n).type.kind for n in (one.low, one.high)}
            if one.how == "apart" and one.low != one.high and kinds <= {"integer", "decimal", "date", "timestamp"}:
                periods.append(Period(one.name, one.groups, one.low, one.high, one.closed))
            elif one.groups:
                extra.append(UniqueSet(one.name, one.groups))
            else:
                most = 1
        return tuple(periods), tuple(extra), most

    def _together(self) -> Witnesses:
        """Checks that are neither domains nor orders nor alternatives, and those on generated columns."""
        held = {(a.name, a.text) for a in self.constraints.alternatives}
        left = [p for p in self.constraints.not_understood if p not in held and not p[0].startswith(GENERATED)]
        generated = {c.name for c in self.table.columns if c.generated is not None}
        names = {n for n, _ in left} | {c.name for c in self.table.checks if generated & set(c.columns)}
        judged = [r for r in self.planned.repairs if r[0] in names]
        known = {n for n, _ in judged}
        left = [*judged, *(p for p in left if p[0] not in known)]
        return witnessed(self.schema, self.plan, self.table, left, self.constraints) if left else ()


def _is_bounded(column: Column) -> bool:
    return column.type.kind == "integer" or (column.type.kind == "decimal" and column.type.precision is not None)


def _fits_type(column: Column) -> Check:
    """What a generated column's type asks of the columns that it is computed from: that the result is not too large."""
    assert column.generated is not None
    most: int | Decimal = column.type.integer_range[1]
    if column.type.kind == "decimal":
        most = Decimal(10 ** (column.type.precision or 1) - 1).scaleb(-(column.type.scale or 0))
    text = f"({column.generated.expression}) <= {most} AND ({column.generated.expression}) >= {-most}"
    return Check(f"{GENERATED}{column.name}", text, ())


class _NoKey:
    columns: tuple[str, ...] = ()


_NO_KEY = _NoKey()


def _names(branches: Iterable[Branch]) -> set[str]:
    found: set[str] = set()
    for branch in branches:
        found |= set(branch.domains)
        found |= {n for d in branch.differences for n in (d.low, d.high)}
        found |= {n for d in branch.distinct for n in (d.a, d.b)}
    return found


def _members(span: Span) -> tuple[Any, ...]:
    """All values of a small span, the simplest first."""
    if isinstance(span, Grid):
        numbers = sorted((n for a, b in span.pieces for n in range(a, b + 1)), key=lambda n: (abs(n), n < 0))
        return tuple(map(span.make, numbers))
    return span.values if isinstance(span, Listed) else ()


def _ranked(cells: Sequence[Cell], orders: Sequence[tuple[str, str, bool]]) -> tuple[Cell, ...]:
    """Lower columns before higher ones; else columns of few values first, so that the widest can make way."""
    left = sorted(cells, key=lambda c: c.span.size if c.span is not None else 0)
    out: list[Cell] = []
    while left:
        names = {c.name for c in left}
        ready = next((c for c in left if not any(h == c.name and lo in names for lo, h, _ in orders)), left[0])
        out.append(ready)
        left.remove(ready)
    return tuple(out)


def _is_possible(way: Way) -> bool:
    """Whether the columns that must have a value can have them all at once."""
    needed = {c.name: c.span for c in way.cells if not c.null and isinstance(c.span, Grid)}
    orders = [o for o in way.orders if o[0] in needed and o[1] in needed]
    return bounded(needed, orders, {}) is not None
