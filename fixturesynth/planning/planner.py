"""Schema, profile and wishes to a plan."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from math import prod

from fixturesynth.errors import CapacityError, SourceError, UnsatisfiableError
from fixturesynth.loading.verdicts import Judge
from fixturesynth.planning.agreement import agree
from fixturesynth.planning.branches import (
    Branches,
    covering_limit,
    one_to_one_limit,
    plan_branches,
    plan_gates,
    settled,
    without_values,
)
from fixturesynth.planning.changes import ColumnChange, narrow, with_uniques
from fixturesynth.planning.columns import plan_columns, with_sparse_keys
from fixturesynth.planning.exclusions import exclusion_limit, plan_exclusions, with_exclusions
from fixturesynth.planning.needs import ColumnNeeds
from fixturesynth.planning.orders import orders_by_meaning, orders_by_name, strict_of, tighten
from fixturesynth.planning.partitions import why_no_rows
from fixturesynth.planning.parts import distinct_parents, part_of
from fixturesynth.planning.plan import (
    ColumnPlan,
    Constant,
    Default,
    Derived,
    Key,
    Modelled,
    Plan,
    Reference,
    ReferencePlan,
    Rule,
    TablePlan,
    UniquePlan,
)
from fixturesynth.planning.ranges import hold_ranges, with_range_limits
from fixturesynth.planning.referred import within_children
from fixturesynth.planning.repairs import plan_repairs, refuse_unfilled, with_computed_texts
from fixturesynth.planning.required import with_required
from fixturesynth.planning.room import within_room
from fixturesynth.planning.rows import (
    RowsAsked,
    exclusive_limit,
    left_to_subtype,
    lower,
    most_rows,
    refuse_lone_row,
    rows_asked,
    rows_of_children,
)
from fixturesynth.planning.sharing import promised_parents
from fixturesynth.planning.structure import Structure, find_structure
from fixturesynth.planning.successions import (
    plan_aggregates,
    plan_balances,
    plan_polymorphic,
    plan_states,
    plan_successions,
)
from fixturesynth.planning.trying import Trials
from fixturesynth.planning.tuples import allowed_tuples
from fixturesynth.planning.uniques import (
    dispensable,
    lending_sets,
    plan_uniques,
    single_rows,
    unique_sets,
    with_prefixes,
)
from fixturesynth.profiling.profile import Invariant, Profile, TableProfile
from fixturesynth.profiling.semantics import guess_meaning
from fixturesynth.rules.choice import rule_for_column
from fixturesynth.rules.registry import capacity
from fixturesynth.schema.graph import build_graph
from fixturesynth.schema.model import Schema, Table
from fixturesynth.schema.predicates import TableConstraints, compile_constraints
from fixturesynth.schema.repeated import owner_of

__all__ = ["Wishes", "make_plan", "settled_by"]

PASSES = 4  # over all tables, where one's rows hang on those of a table that comes after it


@dataclass(frozen=True)
class Wishes:
    """What the user wants, resolved against the schema (planning.wishes makes it from a Spec)."""

    rows: RowsAsked = field(default_factory=lambda: RowsAsked({}))
    columns: Mapping[str, Mapping[str, ColumnPlan]] = field(default_factory=dict)
    changes: Mapping[str, Mapping[str, ColumnChange]] = field(default_factory=dict)
    null_shares: Mapping[str, Mapping[str, float]] = field(default_factory=dict)  # by table and foreign key
    context: Mapping[str, str] = field(default_factory=dict)
    verbatim: Mapping[str, bool] = field(default_factory=dict)
    skip: frozenset[str] = frozenset()
    counts: Mapping[tuple[str, str], tuple[tuple[int, int], ...]] = field(default_factory=dict)
    locale: str = "en_US"
    now: str = "2026-01-01T00:00:00"
    generator: str = "auto"
    generators: Mapping[str, str] = field(default_factory=dict)  # by table
    strict: bool = False


def settled_by(wishes: Wishes, table: str, odd: Mapping[str, Collection[str]]) -> frozenset[str] | None:
    """Columns of a table that the user decides, or (``odd``, by table) that hold what is no value of theirs: they stay
    with their rows. None where the table as a whole is to be as the user says.
    """
    apart = {*wishes.context, *wishes.skip, *(t for t, kept in wishes.verbatim.items() if kept)}
    if table in apart | {child for child, _ in wishes.counts} or table in wishes.null_shares:
        return None
    if wishes.generators.get(table, wishes.generator) == "rules":
        return None
    own = (wishes.columns.get(table, {}), wishes.changes.get(table, {}), odd.get(table, ()))
    return frozenset(name for names in own for name in names)


def make_plan(
    schema: Schema, *, profile: Profile | None = None, wishes: Wishes | None = None, judge: Judge | None = None
) -> Plan:
    """The plan of all tables of ``schema``. ``judge``: a database that knows the functions of its conditions.

    CycleError, CapacityError and ConstraintError name the table and what cannot be satisfied.
    """
    wishes = wishes or Wishes()
    if not len(schema):
        raise SourceError("the schema has no tables: nothing to generate; check the database, schema or file name")
    schema = with_required(schema, wishes.now)
    graph = build_graph(schema)
    structure = find_structure(schema, graph, profile, wishes.context, wishes.null_shares, wishes.verbatim)
    known: dict[str, TablePlan] = {}  # every table, as the pass before had it
    for _ in range(PASSES):
        notes: list[str] = []
        planned: dict[str, int] = {}
        done: dict[str, TablePlan] = {}
        for name in structure.order:
            made = _plan_table(schema, schema[name], structure, profile, wishes, planned, done, notes, judge, known)
            done[name] = replace(made, repeated_in=schema[name].repeated_in)
            planned[name] = done[name].rows
        if {n: t.rows for n, t in known.items()} == planned or not any(
            _closing_sets(schema[t.name], t) for t in done.values()
        ):
            break
        known = done
    for plan in done.values():
        refuse_lone_row(plan, schema[plan.name], planned)
    return Plan(tuple(done.values()), schema.dialect, wishes.locale, wishes.now, tuple(notes))


def _counting_parent(schema: Schema, structure: Structure, table: str) -> str | None:
    """The context parent by which the table's rows go where they are not asked for themselves: the first one on the way
    up that the source has; entities go by the rows that repeat them."""
    at: str | None = owner_of(schema, table)
    while at is not None:
        context = structure.context[at]
        at = schema[at].foreign_key(context).parent if context else None
        if at is not None and schema[at].repeated_in is None:
            break
    return at


def _closing_sets(table: Table, plan: TablePlan) -> bool:
    """Whether the rows hang on those of a table that is planned later: a reference that closes a cycle takes parents of
    its own, or a set pairs it."""
    later = [r for r in plan.references if r.how == "later"]
    late = {c for r in later for c in table.foreign_key(r.foreign_key).columns}
    return any(r.exclusive for r in later) or any(u.how == "by_pairs" and late & set(u.columns) for u in plan.uniques)


def _plan_table(
    schema: Schema,
    table: Table,
    structure: Structure,
    profile: Profile | None,
    wishes: Wishes,
    planned: Mapping[str, int],
    done: Mapping[str, TablePlan],
    notes: list[str],
    judge: Judge | None,
    known: Mapping[str, TablePlan],
) -> TablePlan:
    if (why := why_no_rows(schema, table)) is not None:
        return _without_rows(table, structure, why, wishes, notes)
    seen = profile[table.name] if profile is not None and table.name in profile else None
    wanted = wishes.generators.get(owner_of(schema, table.name), wishes.generator)
    learned = seen if seen is not None and seen.rows and wanted != "rules" else None
    context = structure.context[table.name]
    references = structure.references[table.name]
    parent = _counting_parent(schema, structure, table.name)
    rows, named = rows_asked(table.name, wishes.rows, schema, profile, parent, planned)
    if not named:
        rows = _rows_as_children(table, references, wishes, planned, rows)
    if table.name in wishes.skip:
        rows = 0
    changes = wishes.changes.get(table.name, {})
    table = with_exclusions(with_uniques(table, changes), schema.dialect)
    if _verbatim(table, learned, references, wishes, named):
        kept = tuple(ColumnPlan(c, Modelled("verbatim"), "kept as in the rows") for c in table.column_names)
        assert learned is not None
        return TablePlan(table.name, learned.rows, "verbatim", kept, references=references, why=learned.reference_why)
    references, rows = _settle_parents(table, references, planned, rows)
    asked = {fk: counts for (child, fk), counts in wishes.counts.items() if child == table.name}
    references = tuple(
        replace(r, counts=asked[r.foreign_key], asked=True) if r.foreign_key in asked else r for r in references
    )
    if context and next(r for r in references if r.foreign_key == context).how == "null":
        context = None
    able = {
        r.foreign_key: promised_parents(schema, done, table, references, r, wishes.locale, wishes.now)
        if learned is None
        else planned[r.parent]
        for r in references if r.parent in done
    }  # fmt: skip
    able = left_to_subtype(schema, table, able, planned)
    able |= {r.foreign_key: known[r.parent].rows for r in references if r.how == "later" and r.parent in known}
    trial = None
    if learned is None:
        trial = _trials(table, references, wishes, schema.dialect, judge, rows)
    judged, ranges = hold_ranges(table, schema.dialect)
    constraints = narrow(compile_constraints(judged, schema.dialect, trial=trial, now=wishes.now), changes)
    if learned is None:
        constraints = within_room(with_prefixes(table, tighten(constraints)), table, structure.room, rows)
    else:
        constraints = within_children(schema, table, constraints, learned.rows, wishes.now)
    asked_for = {*wishes.columns.get(table.name, {}), *changes}
    told, wanted_rows = len(notes), rows
    while True:  # every turn but the last settles a choice between branches
        rows = wanted_rows
        needs = ColumnNeeds(
            table=table, references=references, context=context, constraints=constraints, profile=learned,
            locale=wishes.locale, now=wishes.now,
            unique_columns=_unique_columns(table, constraints),
            parents=done, rows=rows,
            referenced=schema.referenced_columns(table.name), generations=structure.generations.get(table.name, 0),
        )  # fmt: skip
        columns = plan_columns(needs, wishes.columns.get(table.name, {}), changes)
        columns = with_computed_texts(needs, columns, schema.dialect, asked_for)
        columns = with_range_limits(table, columns, ranges)
        columns = _widened(needs, columns, _capacities(needs, columns), rows, asked_for)
        columns = with_sparse_keys(needs, columns, _capacities(needs, columns), asked_for)
        capacities = _capacities(needs, columns)
        for column in columns:
            if isinstance(column.source, Key) or (isinstance(column.source, Rule) and column.source.call.unique):
                text = f"the values of unique column {column.name}"
                rows = lower(table.name, rows, named, capacities[column.name], text, wishes.strict, notes)
        for name in single_rows(table):
            rows = lower(table.name, rows, named, 1, f"unique index {name} on a constant", wishes.strict, notes)
        if (limit := exclusive_limit(references, able)) is not None:
            rows = lower(table.name, rows, named, *limit, wishes.strict, notes)
        for text, room in _limits_of_parts(schema, table, references, done, wishes) if learned is None else ():
            rows = lower(table.name, rows, named, room, text, wishes.strict, notes)
        uniques, columns = plan_uniques(
            table, columns, references, capacities, rows, needs.referenced, needs.constraints.domains
        )
        branches = plan_branches(needs, columns) if learned is None and rows else Branches()
        again = settled(needs, columns, branches) if learned is None and rows else None
        if again is None:
            break
        constraints = tighten(again)
        del notes[told:]
    references = without_values(table, references, branches.sets)
    if learned is None and (limit := one_to_one_limit(table, references, branches.sets, able)) is not None:
        rows = lower(table.name, rows, named, *limit, wishes.strict, notes)
    if rows and table.triggers:
        notes.append(f"{table.name}: its triggers run on every row and may refuse it: {', '.join(table.triggers)}")
    if rows:
        refuse_unfilled(table, columns)
    repairs = plan_repairs(needs, columns, branches, schema.dialect) if rows else ()
    if learned is None:
        uniques = plan_gates(needs, columns, uniques, branches, repairs, schema.dialect)
        capacities = _in_branches(needs, branches, capacities)
    columns = agree(schema, needs, columns, uniques, branches, asked_for)
    if learned is not None:
        uniques = lending_sets(table, columns, uniques, schema.dialect)
    sizes: dict[str, int] = {}
    for unique in uniques:
        apart = {
            r.foreign_key: distinct_parents(schema, done, r.parent, part, wishes.locale, wishes.now)
            if (part := part_of(table, table.foreign_key(r.foreign_key), unique.columns)) and learned is None
            else able[r.foreign_key]
            for r in references if r.parent in done
        }  # fmt: skip
        for r in references:
            if r.how == "later" and r.parent in known:
                part = part_of(table, table.foreign_key(r.foreign_key), unique.columns)
                apart[r.foreign_key] = (
                    distinct_parents(schema, known, r.parent, part, wishes.locale, wishes.now)
                    if part and learned is None
                    else known[r.parent].rows
                )
        if learned is None and (
            unique.exit or dispensable(table, schema.dialect, unique, columns, references, branches.sets, repairs)
        ):
            continue
        unequal = {frozenset((d.a, d.b)) for d in (*constraints.distinct, *branches.distinct)}
        if unique.how in ("by_pairs", "by_gate") and (
            most := _pairs(needs, unique, references, capacities, columns, apart, unequal, branches, schema.dialect)
        ):
            if unique.how == "by_gate":
                sizes[unique.name] = most
                continue
            text = f"the values of unique {' + '.join(unique.columns)}"
            rows = lower(table.name, rows, named, most, text, wishes.strict, notes)
    if learned is None and (limit := covering_limit(needs, columns, uniques, sizes, branches, schema.dialect)):
        rows = lower(table.name, rows, named, *limit, wishes.strict, notes)
    parents = {name: plan.rows for name, plan in known.items()} | dict(planned)
    exclusions = plan_exclusions(needs, columns, ranges, schema.dialect) if rows else ()
    for exclusion in exclusions:
        by_name = {c.name: c for c in columns}
        if (most := exclusion_limit(exclusion, table, by_name, capacities, parents)) is not None:
            text = f"the room between the limits of exclusion constraint {exclusion.name}"
            rows = lower(table.name, rows, named, most, text, wishes.strict, notes)
    return TablePlan(
        name=table.name, rows=rows, mode="generate" if rows else "empty", columns=columns, context=context,
        references=references, uniques=uniques, orders=_orders(table, constraints, branches, learned, columns),
        parent_orders=_parent_orders(learned, columns, table, done),
        distinct=tuple((d.a, d.b) for d in (*constraints.distinct, *branches.distinct)),
        unlike=tuple((i.sources[0], i.target) for i in _of_kind(learned, "differ")),
        nulls=_nulls(learned, columns), repairs=repairs, branches=branches.sets, exclusions=exclusions,
        successions=plan_successions(table, columns, references, learned),
        aggregates=plan_aggregates(columns, uniques, learned),
        states=plan_states(columns, uniques, learned), polymorphic=plan_polymorphic(table, columns, learned),
        balances=plan_balances(table, columns, references, uniques, learned),
        generator=_generator(wanted, learned, columns),
    )  # fmt: skip


def _trials(
    table: Table, references: tuple[ReferencePlan, ...], wishes: Wishes, dialect: str, judge: Judge | None, rows: int
) -> Trials:
    """Trials of values for the columns that rules fill; references hold what their parents have."""
    needs = ColumnNeeds(
        table=table, references=references, context=None, constraints=TableConstraints(), profile=None,
        locale=wishes.locale, now=wishes.now, unique_columns=frozenset(), parents={},
    )  # fmt: skip
    return Trials(
        table,
        dialect,
        lambda name: needs.column_context(table.column(name)),
        judge,
        unique=frozenset(c for u in unique_sets(table) for c in u.columns),
        kept=frozenset(c for fk in table.foreign_keys for c in fk.columns),
        rows=rows,
    )


def _widened(
    needs: ColumnNeeds, columns: tuple[ColumnPlan, ...], capacities: Mapping[str, int], rows: int, asked_for: set[str]
) -> tuple[ColumnPlan, ...]:
    """Learned texts with too few words to be unique give way to a rule that has enough; not what the user asked for."""
    single = {u.columns[0] for u in unique_sets(needs.table) if len(u.columns) == 1 and u.predicate is None}
    out = []
    for plan in columns:
        narrow_rule = isinstance(plan.source, Rule | Key) and plan.name not in asked_for
        if narrow_rule and plan.name in single and capacities[plan.name] < rows:
            column = needs.table.column(plan.name)
            domain = needs.constraints.domains.get(plan.name)
            meaning = guess_meaning(needs.table.name, column, None)
            call = rule_for_column(
                needs.table.name, column, meaning, domain, locale=needs.locale, unique=True, rows=rows
            )
            if call is not None and capacity(call, needs.column_context(column)) > capacities[plan.name]:
                plan = replace(plan, source=Key(call), why=f"{plan.why}; too few values in the rows to be unique")
        out.append(plan)
    return tuple(out)


def _without_rows(table: Table, structure: Structure, why: str, wishes: Wishes, notes: list[str]) -> TablePlan:
    if wishes.rows.tables.get(table.name):
        raise CapacityError(f"{table.name}: {wishes.rows.tables[table.name]} rows asked, but it is {why}; ask for none")
    if table.partition_of is None:
        notes.append(f"{table.name}: no rows, {why}")
    columns = tuple(ColumnPlan(c, Constant(None), "no rows") for c in table.column_names)
    references = tuple(replace(r, how="null", null_share=1.0) for r in structure.references[table.name])
    return TablePlan(table.name, 0, "empty", columns, references=references, why=why)


def _rows_as_children(
    table: Table, references: tuple[ReferencePlan, ...], wishes: Wishes, planned: Mapping[str, int], rows: int
) -> int:
    """Rows that follow from the children per parent that the user asked for; else ``rows``."""
    for reference in references:
        counts = wishes.counts.get((table.name, reference.foreign_key))
        if counts and reference.parent in planned:
            return rows_of_children(counts, planned[reference.parent], reference.null_share)
    return rows


def _verbatim(
    table: Table, seen: TableProfile | None, references: tuple[ReferencePlan, ...], wishes: Wishes, named: bool
) -> bool:
    if seen is None or table.name in wishes.columns or table.name in wishes.changes or named:
        return wishes.verbatim.get(table.name, False) and seen is not None
    return wishes.verbatim.get(table.name, seen.reference) and all(r.how != "later" for r in references)


def _settle_parents(
    table: Table, references: tuple[ReferencePlan, ...], planned: Mapping[str, int], rows: int
) -> tuple[tuple[ReferencePlan, ...], int]:
    """References to parents without rows are NULL, or the table can have no rows."""
    out = []
    for reference in references:
        empty = reference.how in ("context", "matched") and planned.get(reference.parent, 0) == 0
        if not empty:
            out.append(reference)
            continue
        fk = table.foreign_key(reference.foreign_key)
        if any(table.column(c).nullable for c in fk.columns) or rows == 0:
            out.append(replace(reference, how="null", null_share=1.0))
            continue
        raise UnsatisfiableError(
            f"{table.name}: {rows} rows asked, but {', '.join(fk.columns)} must reference {reference.parent}, "
            f"which has no rows; give {reference.parent} rows or {table.name} none"
        )
    return tuple(out), rows


def _capacities(needs: ColumnNeeds, columns: tuple[ColumnPlan, ...]) -> dict[str, int]:
    """Distinct values of every rule column; a column of a unique set is asked for values that cannot collide."""
    members = {c for u in unique_sets(needs.table) for c in u.columns}
    out = {}
    for plan in columns:
        if isinstance(plan.source, Rule | Key):
            call = replace(plan.source.call, unique=True) if plan.name in members else plan.source.call
            out[plan.name] = capacity(call, needs.column_context(needs.table.column(plan.name)))
    return out


def _unique_columns(table: Table, constraints: TableConstraints) -> frozenset[str]:
    """Columns that are unique by themselves in all rows, but for flags of which a check allows other values row by
    row."""
    # Rows whose flag moves afterwards find their branch again only where the check can be evaluated on them.
    chosen: set[str] = set()
    for alternatives in constraints.alternatives:
        read = {n for b in alternatives.branches for n in b.domains}
        chosen |= read if all(table.column(n).type.kind not in ("array", "json") for n in read) else set()
    sets = unique_sets(table)
    flags = {c.name for c in table.columns if c.type.kind == "boolean"}
    names = {u.columns[0] for u in sets if len(u.columns) == 1 and u.predicate is None}
    # What would put rows outside of a partial set is scarce where another set has it too.
    scarce = {
        u.columns[0]
        for u in sets
        if u.predicate is not None and len(u.columns) == 1 and u.columns[0] in flags
        and set(re.findall(r"\w+", u.predicate)) & {c for o in sets if o is not u for c in o.columns} - set(u.columns)
    }  # fmt: skip
    return frozenset((names - (chosen & flags)) | scarce)


def _in_branches(needs: ColumnNeeds, branches: Branches, capacities: Mapping[str, int]) -> dict[str, int]:
    """``capacities`` with no more values of a column than its branches have together."""
    out = dict(capacities)
    for choice in branches.sets:
        for name in out.keys() & {c.name for b in choice.branches for c in b}:
            context = needs.column_context(needs.table.column(name))
            listed: set[str] = set()
            size = 0
            for branch in choice.branches:
                (own,) = [c for c in branch if c.name == name] or (None,)
                if own is None or (own.call is None and own.null_share < 1.0):
                    size = out[name]
                elif own.call is not None and own.call.name == "choices":
                    listed |= {repr(v) for v in own.call.options["values"]}
                elif own.call is not None:
                    size += capacity(replace(own.call, unique=True), context)
            out[name] = min(out[name], size + len(listed))
    return out


def _pairs(
    needs: ColumnNeeds,
    unique: UniquePlan,
    references: tuple[ReferencePlan, ...],
    capacities: Mapping[str, int],
    columns: tuple[ColumnPlan, ...],
    parents: Mapping[str, int],
    unequal: Collection[frozenset[str]],
    branches: Branches,
    dialect: str,
) -> int | None:
    """Distinct tuples that a set of references and small rule columns has; None: unknown or without a bound.

    ``parents``: by foreign key, distinct parents as far as the set sees them; ``unequal``: columns that must differ.
    """
    by_name, table = {c.name: c for c in columns}, needs.table
    sizes: list[float] = []
    # A column that several references share counts for the one that fills it.
    filling = {s.foreign_key for c in unique.columns if isinstance(s := by_name[c].source, Reference)}
    for reference in references:
        fk = table.foreign_key(reference.foreign_key)
        early = reference.how == "later" and reference.foreign_key not in parents
        if set(fk.columns) & set(unique.columns) and (early or reference.how == "self"):
            return None  # one child for each parent, or pairs made distinct afterwards
        if reference.how in ("context", "matched", "later") and reference.foreign_key in filling:
            # Of two that must differ half of the pairs are promised: swaps find no way where nearly all are needed.
            taken = any(
                frozenset((fk.columns[0], other.columns[0])) in unequal and set(other.columns) <= set(unique.columns)
                for other in table.foreign_keys
                if other.name < fk.name and (other.parent, other.parent_columns) == (fk.parent, fk.parent_columns)
            )
            here = parents[reference.foreign_key]
            sizes.append((here - 1) / 2 if taken and len(fk.columns) == 1 else here)
    few: frozenset[str] = frozenset()
    if needs.profile is None:
        few, tuples = allowed_tuples(needs, by_name, branches, unique.columns, dialect)
        sizes += [min(tuples, prod(capacities[n] for n in few))] if few else []
    for name in unique.columns:
        source = by_name[name].source
        if name in few:
            continue
        if isinstance(source, Rule):
            sizes.append(capacities[name])
        elif isinstance(source, Constant):
            sizes.append(1)
        elif isinstance(source, Derived | Modelled | Default):
            return None
    return max(int(prod(sizes)), 1) if sizes else None


def _limits_of_parts(
    schema: Schema, table: Table, references: tuple[ReferencePlan, ...], done: Mapping[str, TablePlan], wishes: Wishes
) -> list[tuple[str, int]]:
    """(what limits the rows, to how many) for each unique set that lies in a foreign key and takes only part of it."""
    out = []
    for reference in references:
        fk = table.foreign_key(reference.foreign_key)
        for unique in unique_sets(table) if reference.how in ("context", "matched") else ():
            part = part_of(table, fk, unique.columns) if set(unique.columns) <= set(fk.columns) else ()
            if part and unique.predicate is None:
                values = distinct_parents(schema, done, fk.parent, part, wishes.locale, wishes.now)
                text = f"the different values of {fk.parent} in unique {' + '.join(unique.columns)}"
                out.append((text, most_rows(values, reference.null_share)))
    return out


def _orders(
    table: Table,
    constraints: TableConstraints,
    branches: Branches,
    seen: TableProfile | None,
    columns: tuple[ColumnPlan, ...],
) -> tuple[tuple[str, str, bool], ...]:
    learned = _of_kind(seen, "order")
    pairs = strict_of((*constraints.differences, *branches.differences))
    if seen is None:
        known = (table, columns, constraints.domains, branches.sets)
        pairs = {(a, b): s for a, b, s in (*orders_by_name(*known), *orders_by_meaning(*known))} | pairs
    pairs |= {(i.sources[0], i.target): bool(i.parameters.get("strict")) for i in learned} if seen else {}
    names = {c.name for c in columns}
    return tuple((low, high, strict) for (low, high), strict in pairs.items() if {low, high} <= names)


def _parent_orders(
    seen: TableProfile | None, columns: tuple[ColumnPlan, ...], table: Table, done: Mapping[str, TablePlan]
) -> tuple[tuple[str, str, str, bool, bool], ...]:
    """Learned columns that never come before (or after) a column of a parent; but for those that give it themselves."""
    learned = {c.name for c in columns if isinstance(c.source, Modelled)}
    given = {
        (a.key, a.column, a.parameters.get("column"))
        for plan in done.values() for a in plan.aggregates if a.child == table.name
    }  # fmt: skip
    return tuple(
        (
            str(i.foreign_key),
            i.sources[0],
            i.target,
            bool(i.parameters.get("strict")),
            i.kind == "order_parent_reversed",
        )
        for i in (*_of_kind(seen, "order_parent"), *_of_kind(seen, "order_parent_reversed"))
        if i.target in learned and (i.foreign_key, i.sources[0], i.target) not in given
    )


def _nulls(seen: TableProfile | None, columns: tuple[ColumnPlan, ...]) -> tuple[tuple[str, str, bool], ...]:
    asked = {c.name for c in columns if c.null_share is not None}
    return tuple(
        (i.sources[0], i.target, i.kind == "nulls_together")
        for i in (*_of_kind(seen, "nulls_together"), *_of_kind(seen, "null_implies"))
        if i.target not in asked
    )


def _of_kind(seen: TableProfile | None, kind: str) -> tuple[Invariant, ...]:
    return tuple(i for i in seen.invariants if i.kind == kind) if seen else ()


def _generator(wanted: str, seen: TableProfile | None, columns: tuple[ColumnPlan, ...]) -> str:
    if seen is None:
        return "rules"
    if not any(isinstance(c.source, Modelled) for c in columns):
        # Numbers of children and kinds of parents are left, and hang together like columns.
        return wanted if wanted == "independent" else "cart"
    return "cart" if wanted == "auto" else wanted
