"""The relational skeleton of a plan: order of tables, one context foreign key for each, how the others are filled."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from fixturesynth.planning.chronology import generations_below
from fixturesynth.planning.plan import CROWD, ReferencePlan
from fixturesynth.planning.room import room_in_children
from fixturesynth.profiling.profile import CardinalityProfile, Invariant, Profile
from fixturesynth.schema.graph import ForeignKeyGraph
from fixturesynth.schema.model import ForeignKey, Schema, Table

__all__ = ["Structure", "find_structure"]

NULL_SHARE = 0.1  # of a nullable reference without rows to learn from
FEW = 0.05  # of the rows, without a parent, for which the others are learned beside theirs all the same


@dataclass(frozen=True)
class Structure:
    """``order``: tables, parents first. ``references`` and ``context`` by table name; ``room`` by table and column;
    ``generations`` below each table, where there are no rows to learn from."""

    order: tuple[str, ...]
    references: Mapping[str, tuple[ReferencePlan, ...]]
    context: Mapping[str, str | None]
    room: Mapping[tuple[str, str], int] = field(default_factory=dict)
    generations: Mapping[str, int] = field(default_factory=dict)


def find_structure(
    schema: Schema,
    graph: ForeignKeyGraph,
    profile: Profile | None,
    wanted: Mapping[str, str],
    null_shares: Mapping[str, Mapping[str, float]] | None = None,
    verbatim: Mapping[str, bool] | None = None,
) -> Structure:
    """``wanted``: context foreign key by table; ``null_shares``: by table and foreign key; ``verbatim``: by table,
    whether it is kept as it is; all from the user.

    CycleError when a cycle cannot be cut.
    """
    cuts = {(c.table, c.foreign_key) for c in graph.cut_edges()}
    order = tuple(graph.load_order())
    context: dict[str, str | None] = {}
    references: dict[str, tuple[ReferencePlan, ...]] = {}
    for name in order:
        table = schema[name]
        needed = schema.referenced_columns(name)
        plans = _filling([_first_guess(table, fk, cuts, profile, needed) for fk in table.foreign_keys], table)
        plans = [_set_aside(table, plan, plans, needed) for plan in plans]
        asked = (null_shares or {}).get(name, {})
        plans = [
            replace(p, null_share=asked[p.foreign_key], nulls_asked=True) if p.foreign_key in asked else p
            for p in plans
        ]
        plans = _mark_implied(table, plans, graph, profile)
        decided = _decided(table, plans, profile)
        chosen = wanted.get(name) or _choose_context(table, plans, profile, decided, verbatim or {}, needed)
        context[name] = chosen
        references[name] = tuple(
            replace(p, how="context")
            if p.foreign_key == chosen
            else replace(
                p,
                decided_by=decided.get(p.foreign_key),
                alike=_alike(table, p, profile),
                lent=_lent(table, p, profile),
                home=_home(schema, table, p, profile),
            )
            for p in plans
        )
    below = generations_below(schema, order) if profile is None else {}
    return Structure(order, references, context, room_in_children(schema), below)


def _cardinality(profile: Profile | None, table: str, foreign_key: str) -> CardinalityProfile | None:
    if profile is None or table not in profile:
        return None
    return next((c for c in profile[table].cardinalities if c.foreign_key == foreign_key), None)


def _may_be_null(table: Table, fk: ForeignKey) -> bool:
    """Whether a row may do without this reference: NULL is allowed, free of other keys, and never counts as equal."""
    elsewhere = {c for other in table.foreign_keys if other is not fk for c in other.columns}
    own = [c for c in fk.columns if c not in elsewhere]
    equal = {c for u in table.uniques if not u.nulls_distinct for c in u.columns}
    key = set(table.primary_key.columns) if table.primary_key else set()
    return bool(own) and all(table.column(c).nullable and c not in key and c not in equal for c in own)


def _filling(plans: list[ReferencePlan], table: Table) -> list[ReferencePlan]:
    """The plans with one of those that share a required column always set: it fills the column."""
    out = {p.foreign_key: p for p in plans}
    for column in table.columns:
        sharing = [fk.name for fk in table.foreign_keys if column.name in fk.columns]
        if sharing and not column.nullable and all(out[name].null_share > 0 for name in sharing):
            first = next((n for n in sharing if out[n].how == "matched"), sharing[0])
            out[first] = replace(out[first], null_share=0.0)
    return list(out.values())


def _names_itself(table: Table, fk: ForeignKey) -> bool:
    """Whether a reference to the own table takes a required column from itself, which nothing else fills: ``(lang,
    parent)`` to ``(lang, id)``. Such a reference is never set."""
    if fk.parent != table.name or fk.match == "FULL":
        return False
    elsewhere = {c for other in table.foreign_keys if other.parent != table.name for c in other.columns}
    same = {c for c, p in zip(fk.columns, fk.parent_columns, strict=True) if c == p}
    required = {c for c in same - elsewhere if not table.column(c).nullable}
    return bool(required) and any(table.column(c).nullable for c in set(fk.columns) - same)


def _set_aside(table: Table, plan: ReferencePlan, plans: list[ReferencePlan], needed: frozenset[str]) -> ReferencePlan:
    """A reference that closes a cycle is never set, where it may be NULL, if it names columns that others reference.

    A run that names its own last event, ``(run_id, last)``: the events have their ``run_id`` from the run.
    """
    if plan.how != "later":
        return plan
    fk = table.foreign_key(plan.foreign_key)
    elsewhere = {c for p in plans if p.how != "later" for c in table.foreign_key(p.foreign_key).columns}
    key = set(table.primary_key.columns) if table.primary_key else set()
    free = [c for c in fk.columns if table.column(c).nullable and c not in key]
    if not (set(fk.columns) - elsewhere) & needed or not free or (fk.match == "FULL" and len(free) < len(fk.columns)):
        return plan
    return replace(plan, how="null", null_share=1.0)


def _equal_when_null(table: Table, fk: ForeignKey) -> bool:
    """Whether two rows that are NULL here may collide: a unique set holds the columns, NULLS NOT DISTINCT."""
    return any(not u.nulls_distinct and set(u.columns) & set(fk.columns) for u in table.uniques)


def _first_guess(
    table: Table, fk: ForeignKey, cuts: set[tuple[str, str]], profile: Profile | None, referenced: frozenset[str]
) -> ReferencePlan:
    seen = _cardinality(profile, table.name, fk.name)
    nullable = any(table.column(c).nullable for c in fk.columns)
    rows = seen.children + seen.nulls + seen.dangling if seen else 0
    null_share = (seen.nulls + seen.dangling) / rows if seen and rows else 0.0
    exclusive = any(set(key) <= set(fk.columns) for key in table.keys)
    # What other tables reference is always set: nobody can reference NULL.
    if seen is None and _may_be_null(table, fk) and not referenced & set(fk.columns):
        null_share = NULL_SHARE
    how: Literal["self", "later", "matched", "null"]
    if _names_itself(table, fk):
        how, null_share = "null", 1.0
    elif fk.parent == table.name:
        how = "self"
        if seen is None:
            # A tree needs roots: without rows to learn from, a nullable self reference has one root in five.
            null_share = 0.2 if nullable and not _equal_when_null(table, fk) else 0.0
    elif (table.name, fk.name) in cuts:
        how = "later"
    else:
        how = "matched"
    return ReferencePlan(
        foreign_key=fk.name, parent=fk.parent, how=how, null_share=null_share, exclusive=exclusive,
        counts=seen.counts if seen else (),
    )  # fmt: skip


def _copies(profile: Profile | None, table: Table) -> tuple[Invariant, ...]:
    if profile is None or table.name not in profile:
        return ()
    return tuple(i for i in profile[table.name].invariants if i.kind == "copy")


def _mark_implied(
    table: Table, plans: list[ReferencePlan], graph: ForeignKeyGraph, profile: Profile | None
) -> list[ReferencePlan]:
    """A foreign key whose columns another one fills already, by shared columns or because rows copy them.

    Chains (a implied by b implied by c) are fine, circles are not: a foreign key counts as implied only through one
    that leads, step by step, to a foreign key that is filled by itself.
    """
    by_name = {p.foreign_key: p for p in plans}
    through: dict[str, list[str]] = {p.foreign_key: [] for p in plans}
    for found in graph.implied_references(table.name):
        # Where the leading reference may be NULL, the implied one still has to be filled by itself.
        if found.always or by_name[found.by].null_share == 0.0:
            through[found.foreign_key].append(found.by)
    copies = _copies(profile, table)
    for fk in table.foreign_keys:
        others = [other for other in table.foreign_keys if other is not fk]
        if any(set(fk.columns) & set(other.columns) for other in others):
            continue  # a third reference fills the column that they share, and knows nothing of the row copied from
        for other in others:
            copied = {i.target for i in copies if i.foreign_key == other.name}
            if set(fk.columns) <= copied:
                through[fk.name].append(other.name)
    fillable = {"matched", "later"}
    solid = {name for name, by in through.items() if not by}
    done: dict[str, str] = {}
    changed = True
    while changed:
        changed = False
        for name in sorted(set(through) - solid - set(done)):
            options = [b for b in through[name] if (b in solid or b in done) and by_name[b].how == "matched"]
            if options and by_name[name].how in fillable:
                done[name] = options[0]
                changed = True
        if not changed and (rest := sorted(set(through) - solid - set(done))):
            # Each is a copy of the other: the one that tells most about the row is filled by itself.
            best = max(rest, key=lambda n: (_explains(profile, table, n), n))
            solid.add(best)
            changed = True
    return [replace(p, how="implied", implied_by=done[p.foreign_key]) if p.foreign_key in done else p for p in plans]


def _explains(profile: Profile | None, table: Table, foreign_key: str) -> float:
    seen = _cardinality(profile, table.name, foreign_key)
    return seen.explains if seen else 0.0


def _decided(table: Table, plans: list[ReferencePlan], profile: Profile | None) -> dict[str, str]:
    """By foreign key the one that decides it, as the rows have it; not in unique sets, which choose for themselves."""
    if profile is None or table.name not in profile:
        return {}
    keyed = {c for key in table.keys for c in key} | {c for u in table.uniques for c in u.columns}
    by_column = {table.foreign_key(p.foreign_key).columns: p.foreign_key for p in plans if p.how == "matched"}
    return {
        by_column[target]: by_column[i.sources]
        for i in profile[table.name].invariants
        if i.kind == "determines" and (target := (i.target,)) in by_column and i.sources in by_column
        and i.target not in keyed
    }  # fmt: skip


def _alike(table: Table, plan: ReferencePlan, profile: Profile | None) -> tuple[str, ...]:
    """Columns in which every row agrees with its parent of the same table."""
    if plan.how != "self" or profile is None or table.name not in profile:
        return ()
    copies = [i for i in profile[table.name].invariants if i.kind == "copy" and i.foreign_key == plan.foreign_key]
    return tuple(i.target for i in copies if i.sources == (i.target,))


def _lent(table: Table, plan: ReferencePlan, profile: Profile | None) -> tuple[tuple[str, str], ...]:
    """What rows have from the parent that they get in a second pass, in columns that nothing else says anything of."""
    if plan.how != "later":
        return ()
    held = {c for key in (*table.keys, *(u.columns for u in table.uniques)) for c in key}
    held |= {c for fk in table.foreign_keys for c in fk.columns} | {c for check in table.checks for c in check.columns}
    copies = [i for i in _copies(profile, table) if i.foreign_key == plan.foreign_key]
    return tuple((i.target, i.sources[0]) for i in copies if i.target not in held)


def _home(schema: Schema, table: Table, plan: ReferencePlan, profile: Profile | None) -> str | None:
    """The parent's reference back to the rows that name it, where these name children of their own alone."""
    if plan.how != "later" or profile is None or table.name not in profile or table.primary_key is None:
        return None
    for item in profile[table.name].invariants:
        if item.kind == "agrees" and item.foreign_key == plan.foreign_key:
            ways = (fk for fk in schema[plan.parent].foreign_keys if fk.parent == table.name)
            return next((fk.name for fk in ways if fk.columns == item.sources), None)
    return None


def _choose_context(
    table: Table,
    plans: list[ReferencePlan],
    profile: Profile | None,
    decided: Mapping[str, str],
    verbatim: Mapping[str, bool],
    needed: frozenset[str],
) -> str | None:
    """The foreign key whose parent conditions the child best.

    Only a reference that is always set can be context, or, where there is none, one that nearly always is. An
    identifying one (part of the primary key) comes first where nothing was learned; otherwise the one whose parent
    tells most about the row. What is left undecided goes by whether rows die with the parent, then by name: never by
    place, so that moving a column changes no value.
    """
    primary = set(table.primary_key.columns) if table.primary_key else set()
    free = {p.foreign_key for p in plans if p.how == "matched"}

    def rank(plan: ReferencePlan) -> tuple[float, bool, str]:
        fk = table.foreign_key(plan.foreign_key)
        owned = (fk.on_delete or "").upper() == "CASCADE"
        identifying = 0.3 if set(fk.columns) & primary and not plan.exclusive else 0.0
        # With rows it is they that say so: what could be NULL never is, or it would not be among the options.
        required = 0.2 if profile is not None or all(not table.column(c).nullable for c in fk.columns) else 0.0
        parent = profile[plan.parent] if profile is not None and plan.parent in profile else None
        listed = parent is not None and verbatim.get(plan.parent, parent.reference)
        entity = 0.0 if listed else 0.15
        # A short list of the world is better drawn by the child's own model, as a category, which tells as much.
        short = listed and parent is not None and parent.rows <= CROWD
        explained = 0.0 if short else _explains(profile, table, plan.foreign_key)
        # One that fills all columns of another leaves that other nothing to choose.
        wide = any(set(o.columns) < set(fk.columns) for o in table.foreign_keys if o.name in free)
        leading = 0.3 if wide and required and profile is None else 0.0
        # What goes on from sibling to sibling can only be learned among them.
        running = 1.0 if set(fk.columns) in _families(profile, table) else 0.0
        score = running + identifying + required + entity + leading + explained
        return -score, not owned, plan.foreign_key

    free_ones = [p for p in plans if p.how == "matched" and _has_rows(profile, p.parent)]
    options = [p for p in free_ones if p.null_share == 0.0]
    options = options or [p for p in free_ones if _nearly_set(table, p, profile, needed)]
    # What another one decides follows from it, not it from that.
    able = {p.foreign_key for p in options}
    options = [p for p in options if decided.get(p.foreign_key) not in able]
    return min(options, key=rank).foreign_key if options else None


def _nearly_set(table: Table, plan: ReferencePlan, profile: Profile | None, needed: frozenset[str]) -> bool:
    """Whether all but a few rows have this parent, and those few may do without: nothing else asks for it."""
    if profile is None or table.name not in profile or not 0.0 < plan.null_share <= FEW or plan.exclusive:
        return False
    fk = table.foreign_key(plan.foreign_key)
    own = set(fk.columns)
    sets = [*table.keys, *(u.columns for u in table.uniques), *(c.columns for c in table.checks)]
    if table.exclusions or own & needed or any(own & set(columns) for columns in sets):
        return False
    # What a parent's column comes to is counted over its own children alone.
    told = any(i.kind == "aggregate" and i.parameters.get("child") == table.name for i in _rules(profile, plan.parent))
    told = told or any(i.kind == "balance" and i.foreign_key == fk.name for i in _rules(profile, table.name))
    return not told and _may_be_null(table, fk) and all(table.column(c).nullable for c in own)


def _rules(profile: Profile, table: str) -> tuple[Invariant, ...]:
    return profile[table].invariants if table in profile else ()


def _families(profile: Profile | None, table: Table) -> list[set[str]]:
    """References whose children hang on each other by running totals, adjoining spans, even gaps or by their sum."""
    if profile is None or table.name not in profile:
        return []
    kinds = ("running", "adjacent", "lagged", "paced")
    found = [set(i.parameters["groups"]) for i in profile[table.name].invariants if i.kind in kinds]
    keys = {str(i.foreign_key) for i in profile[table.name].invariants if i.kind == "balance"}
    return found + [set(table.foreign_key(name).columns) for name in sorted(keys)]


def _has_rows(profile: Profile | None, table: str) -> bool:
    return profile is None or (table in profile and profile[table].rows > 0)
