"""How every set of columns that must be unique is kept so."""

import contextlib
import re
import string
from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import inf

from fixturesynth.planning.plan import (
    BranchSet,
    ColumnPlan,
    Constant,
    Derived,
    Key,
    Modelled,
    Reference,
    ReferencePlan,
    Rule,
    UniquePlan,
)
from fixturesynth.planning.referred import room_of
from fixturesynth.schema.model import Table, Unique
from fixturesynth.schema.predicates import (
    ColumnDomain,
    NotUnderstood,
    TableConstraints,
    compile_condition,
    mentioned_columns,
)

__all__ = ["dispensable", "is_telling", "lending_sets", "plan_uniques", "single_rows", "unique_sets", "with_prefixes"]

STANDS_IN = re.compile(r"\b(?:coalesce|ifnull|nvl)\s*\(", re.IGNORECASE)  # a value in the place of NULL
# What is the same in all rows: a key that is 0 times itself, a required column that is there.
ALWAYS_ZERO = re.compile(r"\W*\w+\W*\*\s*0\W*")
IS_THERE = re.compile(r"\W*(?P<name>\w+)\W*\s+is\s+not\s+null\W*", re.IGNORECASE)
PREFIX = re.compile(r"left\((?P<name>.+), (?P<size>\d+)\)", re.IGNORECASE)


def unique_sets(table: Table) -> tuple[UniquePlan, ...]:
    """Primary key and unique constraints as sets of columns; an expression counts as the columns it mentions.

    Partial and expression uniqueness is held by more than is asked: over all rows, on the plain columns.
    """
    own = [UniquePlan("primary key", table.primary_key.columns, "by_key")] if table.primary_key else []
    return tuple(own + [_as_set(table, u) for u in table.uniques])


def lending_sets(
    table: Table, columns: Sequence[ColumnPlan], uniques: Sequence[UniquePlan], dialect: str
) -> tuple[UniquePlan, ...]:
    """``uniques`` of a learned table: a row that collides in a partial one takes what the predicate reads from a row
    for which it does not hold.

    Sets that are unique over all rows anyway stay as they are, and so do those whose predicate reads what follows
    from other columns, or cannot be read.
    """
    plans = {c.name: c for c in columns}
    out = []
    for unique in uniques:
        names: tuple[str, ...] = ()
        if unique.predicate is not None and unique.how != "by_key":
            with contextlib.suppress(NotUnderstood):
                compile_condition(f"NOT ({unique.predicate})", table, dialect, null_passes=True)
                names = mentioned_columns(unique.predicate, table, dialect)
        free = bool(names) and all(isinstance(plans[n].source, Modelled | Rule | Reference) for n in names)
        out.append(replace(unique, how="by_gate") if free else unique)
    return tuple(out)


def _as_set(table: Table, unique: Unique) -> UniquePlan:
    # A generated column is as distinct as the columns that it is computed from.
    computed = {c.name: c.generated.expression for c in table.columns if c.generated is not None}
    names = [c for c in unique.columns if c not in computed]
    stand_ins: list[str] = []
    for expression in (*unique.expressions, *(computed[c] for c in unique.columns if c in computed)):
        read = [] if _is_constant(expression, table) else _columns_in(expression, table)
        names += [c for c in read if c not in names]
        # UNIQUE (tenant, coalesce(ended, 'infinity')) allows one row that has not ended.
        stand_ins += read if STANDS_IN.search(expression) else []
    if not names and unique.predicate is not None:
        # At most one row for which the predicate holds: rows that have the same where it looks are one too many.
        names = _columns_in(unique.predicate, table)
        stand_ins = names
    return UniquePlan(
        unique.name, tuple(names), "by_key", nulls_distinct=unique.nulls_distinct, predicate=unique.predicate,
        stand_ins=tuple(dict.fromkeys(stand_ins)),
    )  # fmt: skip


def _columns_in(text: str, table: Table) -> list[str]:
    words = {w.strip('"`') for w in re.findall(r'"[^"]+"|`[^`]+`|\w+', text)}
    return [c for c in table.column_names if c in words]


def _is_constant(expression: str, table: Table) -> bool:
    """Whether the expression has one value in all rows: ``(true)``, ``(id * 0)``, ``(id IS NOT NULL)`` of a key."""
    there = IS_THERE.fullmatch(expression)
    required = there is not None and there["name"] in table and not table.column(there["name"]).nullable
    return required or ALWAYS_ZERO.fullmatch(expression) is not None or not _columns_in(expression, table)


def single_rows(table: Table) -> tuple[str, ...]:
    """Names of unique indexes on nothing but constants: such a table holds one row."""
    return tuple(
        u.name
        for u in table.uniques
        if not u.columns
        and u.predicate is None
        and u.expressions
        and all(_is_constant(e, table) for e in u.expressions)
    )


def with_prefixes(table: Table, constraints: TableConstraints) -> TableConstraints:
    """Domains in which values that are unique by their first n characters are no longer than that."""
    domains = dict(constraints.domains)
    for unique in table.uniques:
        for expression in unique.expressions:
            found = PREFIX.fullmatch(expression)
            name = next((n for n in (found["name"], found["name"].strip('"`')) if n in table), None) if found else None
            if found is None or name is None:
                continue
            size = int(found["size"])
            kind = table.column(name).type.kind
            short = ColumnDomain(name, octets=(None, size)) if kind == "bytes" else ColumnDomain(name, max_length=size)
            domains[name] = domains[name].intersect(short) if name in domains else short
    return replace(constraints, domains=domains)


def plan_uniques(
    table: Table,
    columns: Sequence[ColumnPlan],
    references: Sequence[ReferencePlan],
    capacities: Mapping[str, int],
    rows: int,
    referenced: frozenset[str] = frozenset(),
    domains: Mapping[str, ColumnDomain] | None = None,
) -> tuple[tuple[UniquePlan, ...], tuple[ColumnPlan, ...]]:
    """The unique plans, and the columns with rules made unique where that settles a set.

    ``capacities``: distinct values of columns filled by rules, by name. ``referenced``: columns that other tables
    reference, which had better have few values than be made unique: several tables may have to share them.
    ``domains``: what checks leave of columns, by name: one that may take few values had better not move.
    """
    by_name = {c.name: c for c in columns}
    exclusive = {r.foreign_key for r in references if r.exclusive}
    out: list[UniquePlan] = []
    # Single columns first: what they settle may settle wider sets too.
    for unique in sorted(unique_sets(table), key=lambda u: len(u.columns)):
        if not unique.columns:
            continue
        if _follows(unique, out, table) or any(
            _is_unique(_origin(by_name[c], by_name), exclusive, table, c in unique.stand_ins)
            or _tells_apart(by_name[c], table)
            for c in unique.columns
        ):
            out.append(unique)
            continue
        flex = _widest_rule(unique, by_name, capacities, rows, referenced)
        if flex is not None:
            plan = by_name[flex]
            assert isinstance(plan.source, Rule)
            call = replace(plan.source.call, unique=True)
            by_name[flex] = replace(plan, source=replace(plan.source, call=call), why=f"{plan.why}, unique")
            out.append(unique)
            continue
        flex = _separable(unique, by_name, rows, domains or {})
        if flex is not None:
            out.append(replace(unique, how="by_separation", flex=flex))
        else:
            out.append(replace(unique, how="by_pairs"))
    return tuple(out), tuple(by_name[c.name] for c in columns)


def _follows(unique: UniquePlan, others: Sequence[UniquePlan], table: Table) -> bool:
    """Whether one of ``others`` is a part of the set that tells all rows apart already."""
    return any(
        other.predicate is None
        and set(other.columns) < set(unique.columns)
        and (not other.nulls_distinct or not any(table.column(c).nullable for c in other.columns))
        for other in others
    )


def _origin(plan: ColumnPlan, by_name: Mapping[str, ColumnPlan]) -> ColumnPlan:
    """The column that one always repeats; itself where it repeats none."""
    source = plan.source
    if isinstance(source, Derived) and source.operation == "equal" and not source.parameters:
        return by_name[source.sources[0]]
    return plan


def _is_unique(plan: ColumnPlan, exclusive: set[str], table: Table, null_counts: bool) -> bool:
    source = plan.source
    if isinstance(source, Rule):
        # NULLs in a unique column never collide, except under NULLS NOT DISTINCT, where they stay in the set's care.
        return source.call.unique and not (null_counts and source.null_share > 0)
    if isinstance(source, Reference):
        return source.foreign_key in exclusive and len(table.foreign_key(source.foreign_key).columns) == 1
    return isinstance(source, Key) or (isinstance(source, Derived) and source.operation == "numbered")


def _tells_apart(plan: ColumnPlan, table: Table) -> bool:
    """A template with a unique column of the row in it, or the row's number, so set off that no two texts are alike."""
    if not isinstance(plan.source, Rule) or plan.source.call.name != "template":
        return False
    return is_telling(str(plan.source.call.options["template"]), table)


def is_telling(template: str, table: Table) -> bool:
    """Whether rows of the table always get different texts.

    A whole number or uuid counts when it is the first or last column of the template and a sign that neither has
    stands between it and the others; any unique column when it is alone.
    """
    pieces = [(text, field) for text, field, _, _ in string.Formatter().parse(template)]
    fields = [field for _, field in pieces if field is not None]
    before = [text for text, field in pieces if field is not None]
    unique = {key[0] for key in table.keys if len(key) == 1}
    for at, name in ((0, fields[0]), (-1, fields[-1])) if fields else ():
        if len(fields) == 1:
            return name == "rank" or name in unique
        plain = name == "rank" or (name in unique and table.column(name).type.kind in ("integer", "uuid"))
        beside = before[1] if at == 0 else before[-1]
        if plain and any(not c.isalnum() and c != "-" for c in beside):
            return True
    return False


def dispensable(
    table: Table,
    dialect: str,
    unique: UniquePlan,
    columns: Sequence[ColumnPlan],
    references: Sequence[ReferencePlan],
    branches: Sequence[BranchSet],
    repairs: Sequence[tuple[str, str]],
) -> tuple[str, ...]:
    """Columns of the set that any row may leave NULL, and so be out of the set; a table then has room for any rows.

    Nobody asked for their NULLs, and no check that is judged on rows, nor any branch, needs their values.
    """
    if not unique.nulls_distinct:
        return ()
    needed = {c.name for s in branches for b in s.branches for c in b if c.null_share == 0.0}
    held = {name for s in branches for name in s.checks}
    for name, text in repairs:
        needed |= set(mentioned_columns(text, table, dialect)) if name not in held else set()
    by_name = {c.name: c for c in columns}
    how = {r.foreign_key: r for r in references}
    key = table.primary_key.columns if table.primary_key else ()

    def may_lack(name: str) -> bool:
        plan = by_name[name]
        source = plan.source
        if name in needed or name in key or plan.null_share is not None or not table.column(name).nullable:
            return False
        if isinstance(source, Rule):
            return source.null_share > 0 and not (source.needs or source.parents)
        if not isinstance(source, Reference) or how[source.foreign_key].how != "matched":
            return False
        own = table.foreign_key(source.foreign_key).columns
        elsewhere = {c for fk in table.foreign_keys if fk.name != source.foreign_key for c in fk.columns}
        alone = not elsewhere & set(own) and all(table.column(c).nullable and c not in needed for c in own)
        return alone and how[source.foreign_key].null_share > 0 and not how[source.foreign_key].nulls_asked

    return tuple(c for c in unique.columns if c not in unique.stand_ins and may_lack(c))


def _widest_rule(
    unique: UniquePlan,
    by_name: Mapping[str, ColumnPlan],
    capacities: Mapping[str, int],
    rows: int,
    referenced: frozenset[str],
) -> str | None:
    """The rule column with most distinct values, when they are enough for every row; of equal ones the last."""
    options = [c for c in unique.columns if isinstance(by_name[c].source, Rule) and capacities.get(c, 0) >= rows]
    options = [
        c for c in options
        if (unique.nulls_distinct and c not in unique.stand_ins) or by_name[c].source.null_share == 0.0  # type: ignore[union-attr]
    ]  # fmt: skip
    return max(options, key=lambda c: (c not in referenced, capacities[c], unique.columns.index(c)), default=None)


def _separable(
    unique: UniquePlan, by_name: Mapping[str, ColumnPlan], rows: int, domains: Mapping[str, ColumnDomain]
) -> str | None:
    """A learned column whose value may move to a free neighbour without breaking what hangs on it."""
    sources = {s for p in by_name.values() if isinstance(p.source, Derived) for s in p.source.sources}
    options = [c for c in unique.columns if isinstance(by_name[c].source, Modelled)]
    order = {"temporal": 0, "numeric": 1, "categorical": 2}

    def rank(name: str) -> tuple[bool, bool, int, float, int]:
        source = by_name[name].source
        assert isinstance(source, Modelled)
        room = room_of(domains[name]) if name in domains else inf
        tight = room < rows
        return (name in sources, tight, order[source.encoding], -room if tight else 0, -unique.columns.index(name))

    free = [c for c in options if not isinstance(by_name[c].source, Constant)]
    return min(free, key=rank) if free else None
