"""Checks that leave a choice between columns: every row takes one branch of their disjunctive normal form.

``a IS NULL OR b > 3`` has two branches. A branch narrows the columns that it names and leaves the others alone, so a
row that keeps to any one of them passes. Checks that share a column are multiplied out and chosen together.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from fixturesynth.planning.needs import ColumnNeeds
from fixturesynth.planning.plan import (
    BranchColumn,
    BranchSet,
    ColumnPlan,
    Constant,
    Default,
    Key,
    Reference,
    ReferencePlan,
    Rule,
    UniquePlan,
)
from fixturesynth.planning.uniques import unique_sets
from fixturesynth.profiling.semantics import guess_meaning
from fixturesynth.rules.choice import rule_for_column
from fixturesynth.schema.model import Table
from fixturesynth.schema.predicates import (
    Alternatives,
    Branch,
    ColumnDomain,
    Difference,
    Distinct,
    NotUnderstood,
    TableConstraints,
    compile_condition,
    joint_branches,
    mentioned_columns,
)
from fixturesynth.schema.targets import quote_name

__all__ = ["Branches", "covering_limit", "one_to_one_limit", "plan_branches", "plan_gates", "settled", "without_values"]

SPARE = 6  # one place in so many stays free where partial sets leave no row out
MOST_KEPT = 16  # branches of a set that rows are spread over


@dataclass(frozen=True)
class Branches:
    """``sets`` for the plan, ``held`` as (constraint name, text), and what branches bring into every row."""

    sets: tuple[BranchSet, ...] = ()
    held: frozenset[tuple[str, str]] = frozenset()
    differences: tuple[Difference, ...] = ()
    distinct: tuple[Distinct, ...] = ()
    joint: tuple[tuple[Branch, ...], ...] = field(default=(), repr=False)  # of each set


def plan_branches(needs: ColumnNeeds, columns: Sequence[ColumnPlan]) -> Branches:
    """The branches that rows without a model can take; checks for which there is none are not in ``held``."""
    choices = _Choices(needs, {c.name: c for c in columns})
    sets, held, differences, distinct, joint = [], set(), [], [], []
    for group in _connected(needs.constraints.alternatives):
        try:
            branches = joint_branches(choices.surrounded(group))
        except NotUnderstood:
            continue
        usable, orders, unequal = choices.usable(branches)
        if not usable:
            continue
        sets.append(BranchSet(tuple(dict.fromkeys(a.name for a in group)), tuple(made for made, _ in usable)))
        joint.append(tuple(branch for _, branch in usable))
        held |= {(a.name, a.text) for a in group}
        differences += orders
        distinct += unequal
    return Branches(tuple(sets), frozenset(held), tuple(differences), tuple(distinct), tuple(joint))


def settled(needs: ColumnNeeds, columns: Sequence[ColumnPlan], branches: Branches) -> TableConstraints | None:
    """The constraints with one branch for all rows where no choice of branches can be made; None: nothing changes.

    A column whose values are unique is filled by one rule, so its checks leave it one way. The branch is the one that
    narrows such columns least.
    """
    constraints = needs.constraints
    choices = _Choices(needs, {c.name: c for c in columns})
    domains, differences, distinct = dict(constraints.domains), [*constraints.differences], [*constraints.distinct]
    gone: set[tuple[str, str]] = set()
    for group in _connected(a for a in constraints.alternatives if (a.name, a.text) not in branches.held):
        try:
            joint = [b for b in joint_branches(choices.surrounded(group)) if not b.is_empty]
        except NotUnderstood:
            continue
        possible = [b for b in joint if choices.is_open(b) and choices.is_fillable(b)]
        if not possible:
            continue
        best = min(possible, key=choices.narrowness)
        for name, domain in best.domains.items():
            domains[name] = domains[name].intersect(domain) if name in domains else domain
        differences += [d for d in best.differences if d not in differences]
        distinct += [d for d in best.distinct if d not in distinct]
        gone |= {(a.name, a.text) for a in group}
    if not gone:
        return None
    return replace(
        constraints, domains=domains, differences=tuple(differences), distinct=tuple(distinct),
        alternatives=tuple(a for a in constraints.alternatives if (a.name, a.text) not in gone),
        not_understood=tuple(pair for pair in constraints.not_understood if pair not in gone),
    )  # fmt: skip


def plan_gates(
    needs: ColumnNeeds,
    columns: Sequence[ColumnPlan],
    uniques: Sequence[UniquePlan],
    branches: Branches,
    repairs: Sequence[tuple[str, str]],
    dialect: str,
) -> tuple[UniquePlan, ...]:
    """Unique sets that a row can leave: through values for which a partial one's predicate fails, or through a NULL.

    Sets that are unique by one column stay as they are, and so do those that no value frees.
    """
    choices = _Choices(needs, {c.name: c for c in columns})
    held = {name for s in branches.sets for name in s.checks}
    judged = {
        c for name, text in repairs if name not in held for c in mentioned_columns(text, needs.table, dialect)
    }  # fmt: skip
    out = []
    for unique in uniques:
        made = unique
        if unique.how != "by_key":
            if unique.predicate is not None and (
                gate := choices.values_for(f"NOT ({unique.predicate})", branches, dialect)
            ):
                made = replace(made, how="by_gate", gate=gate)
            made = replace(made, exit=_exit(choices, unique, branches, judged, dialect))
        out.append(made)
    return tuple(out)


def covering_limit(
    needs: ColumnNeeds,
    columns: Sequence[ColumnPlan],
    uniques: Sequence[UniquePlan],
    sizes: Mapping[str, int],
    branches: Branches,
    dialect: str,
) -> tuple[int, str] | None:
    """Most rows where each of them is in one of several partial sets, and what limits them; ``sizes``: by the set's
    name, how many rows it holds (none: any number).

    ``WHERE ended IS NULL`` and ``WHERE ended IS NOT NULL`` leave no row out.
    """
    choices = _Choices(needs, {c.name: c for c in columns})
    sets = sorted((u for u in uniques if u.how == "by_gate" and u.name in sizes), key=lambda u: -sizes[u.name])
    if len(sets) < 2 or not choices.covered(sets, branches, dialect):
        return None
    for unique in tuple(sets):
        fewer = [u for u in sets if u is not unique]
        sets = fewer if choices.covered(fewer, branches, dialect) else sets
    total = sum(sizes[u.name] for u in sets)
    # Rows find their places by chance: some are left free.
    text = " and ".join(f"the values of unique {' + '.join(u.columns)}" for u in sets)
    return total - total // SPARE, text


def _exit(
    choices: "_Choices", unique: UniquePlan, branches: Branches, judged: set[str], dialect: str
) -> tuple[BranchColumn, ...]:
    """Values for which one of the set's columns is NULL; empty where nobody may leave it so."""
    for name in unique.columns if unique.nulls_distinct else ():
        plan = choices.plans[name]
        free = isinstance(plan.source, Rule) and plan.source.null_share > 0 and plan.null_share is None
        if not free or name in unique.stand_ins or not choices.needs.table.column(name).nullable:
            continue
        made = choices.values_for(f"{quote_name(name, dialect)} IS NULL", branches, dialect)
        if made and not judged & {c.name for c in made}:
            return made
    return ()


def without_values(
    table: Table, references: Sequence[ReferencePlan], sets: Sequence[BranchSet]
) -> tuple[ReferencePlan, ...]:
    """References that are NULL in every branch of a check are NULL in every row, and tell no rows apart."""
    empty = {
        name
        for choice in sets
        for name in set.intersection(*({c.name for c in b if c.null_share == 1.0} for b in choice.branches))
    }
    return tuple(
        replace(r, how="null", null_share=1.0)
        if r.how == "matched" and empty & set(table.foreign_key(r.foreign_key).columns)
        else r
        for r in references
    )


def one_to_one_limit(
    table: Table, references: Sequence[ReferencePlan], sets: Sequence[BranchSet], parents: Mapping[str, int]
) -> tuple[int, str] | None:
    """Most rows of which those whose branch wants a parent of its own surely find one; ``parents``: by foreign key."""
    limits = []
    for reference in references:
        own = set(table.foreign_key(reference.foreign_key).columns)
        for choice in sets if reference.exclusive and reference.how == "matched" else ():
            wanting = sum(any(c.name in own and c.null_share == 0.0 for c in branch) for branch in choice.branches)
            share = wanting / len(choice.branches)
            if share:
                # Rows are spread over the branches by chance: four deviations more than the share hardly ever come.
                here = parents[reference.foreign_key]
                spread = 2 * (1 - share) ** 0.5
                rows = int(((here + spread**2) ** 0.5 - spread) ** 2 / share)
                limits.append((max(rows, 1), f"its one-to-one reference to {reference.parent}"))
    return min(limits) if limits else None


def _connected(alternatives: Iterable[Alternatives]) -> list[list[Alternatives]]:
    """Conditions that share columns, directly or through others."""
    groups: list[tuple[set[str], list[Alternatives]]] = []
    for one in alternatives:
        names = _names(one.branches)
        touching = [g for g in groups if g[0] & names]
        groups = [g for g in groups if not g[0] & names]
        groups.append((names.union(*(g[0] for g in touching)), [a for g in touching for a in g[1]] + [one]))
    return [members for _, members in groups]


def _names(branches: Iterable[Branch]) -> set[str]:
    found: set[str] = set()
    for branch in branches:
        found |= set(branch.domains)
        found |= {n for d in branch.differences for n in (d.low, d.high)}
        found |= {n for d in branch.distinct for n in (d.a, d.b)}
    return found


class _Choices:
    """What the columns of one table can be made to hold."""

    def __init__(self, needs: ColumnNeeds, plans: Mapping[str, ColumnPlan]) -> None:
        self.needs = needs
        self.plans = plans
        self.how = {r.foreign_key: r for r in needs.references}
        # NULL in these is a value that one row may have.
        self.null_once = {
            name
            for u in unique_sets(needs.table)
            for name in u.columns
            if (name in u.stand_ins or not u.nulls_distinct) and (len(u.columns) == 1 or self._keeps_apart(name))
        }

    def _keeps_apart(self, name: str) -> bool:
        """Whether the column's values are unique by themselves, so that its sets hang on them."""
        source = self.plans[name].source if name in self.plans else None
        return isinstance(source, Rule) and source.call.unique

    def base(self, name: str) -> ColumnDomain:
        """What holds of a column in every row: its checks, NOT NULL, the values of its type."""
        column = self.needs.table.column(name)
        values = tuple(column.type.values) if column.type.kind == "enum" else None
        domain = ColumnDomain(name, allowed=values or None, not_null=not column.nullable)
        known = self.needs.constraints.domains.get(name)
        return domain.intersect(known) if known is not None else domain

    def surrounded(self, group: Sequence[Alternatives]) -> TableConstraints:
        domains = {name: self.base(name) for name in sorted(_names(b for a in group for b in a.branches))}
        return TableConstraints(domains, alternatives=tuple(group))

    def usable(
        self, branches: Iterable[Branch]
    ) -> tuple[list[tuple[tuple[BranchColumn, ...], Branch]], list[Difference], list[Distinct]]:
        """Branches that can be made, with the orders and differences that they bring into every row.

        Beside one that can be made as it is, those count too in which unique columns can only be NULL.
        """
        kept: list[tuple[tuple[BranchColumn, ...], Branch]] = []
        orders: list[Difference] = []
        unequal: list[Distinct] = []
        tried = tuple(branches)
        plain = [self.made(b) for b in tried]
        some = any(made is not None for made in plain)
        for branch, made in zip(tried, plain, strict=True):
            if len(kept) == MOST_KEPT or branch.is_empty:
                continue
            taken = {(d.low, d.high) for d in (*orders, *self.needs.constraints.differences)}
            turned = any((d.high, d.low) in taken for d in branch.differences)
            both = {(d.low, d.high) for d in branch.differences} & {(d.high, d.low) for d in branch.differences}
            if turned or both or not all(self._ruled(d.low) and self._ruled(d.high) for d in branch.differences):
                continue
            if made is None and some:
                made = self.made(branch, bare=True)
            if made is None:
                continue
            kept.append((made, branch))
            orders += [d for d in branch.differences if d not in orders]
            unequal += [d for d in branch.distinct if d not in unequal]
        return kept, orders, unequal

    def is_open(self, branch: Branch) -> bool:
        """Whether the branch asks nothing of columns that rules do not fill."""
        for name, domain in branch.domains.items():
            source = self.plans[name].source
            free = isinstance(source, Rule | Key | Default)
            if not free and not self.base(name).implies(domain):
                return False
        return all(self._ruled(n) for d in branch.differences for n in (d.low, d.high))

    def is_fillable(self, branch: Branch) -> bool:
        """Whether the branch leaves a value to every column that must have one: none is longer than its type."""
        for name, domain in branch.domains.items():
            column = self.needs.table.column(name)
            if column.nullable or isinstance(self.plans[name].source, Reference):
                continue
            if domain.only_null:
                return False
            meaning = guess_meaning(self.needs.table.name, column, None)
            now = self.needs.column_context(column).now
            whole = self.base(name).intersect(domain)
            call = rule_for_column(
                self.needs.table.name, column, meaning, whole, locale=self.needs.locale, unique=False, now=now
            )
            if call is None:
                return False
        return True

    def narrowness(self, branch: Branch) -> tuple[int, int, int]:
        """How little the branch leaves to columns of unique sets, to be compared."""
        keyed = {c for u in unique_sets(self.needs.table) for c in u.columns}
        domains = [(n, d) for n, d in branch.domains.items() if n in keyed]
        listed = sum(d.allowed is not None or d.only_null for _, d in domains)
        fewest = min((len(d.allowed) for _, d in domains if d.allowed is not None), default=0)
        return listed, -fewest, sum(not self.base(n).implies(d) for n, d in domains)

    def _ruled(self, name: str) -> bool:
        return isinstance(self.plans[name].source, Rule)

    def made(self, branch: Branch, *, bare: bool = False) -> tuple[BranchColumn, ...] | None:
        """How the branch's columns are filled; None when one cannot be made to fit.

        ``bare``: unique columns of which it leaves only some values are NULL, where it allows that.
        """
        out: list[BranchColumn] = []
        for name, domain in branch.domains.items():
            fits = self._column(name, domain)
            if fits is None and bare and self._may_lack(name, domain):
                fits = (BranchColumn(name, 1.0),)
            if fits is None:
                return None
            out += fits
        return tuple(out)

    def _may_lack(self, name: str, domain: ColumnDomain) -> bool:
        source = self.plans[name].source
        free = isinstance(source, Rule) and source.call.unique and not source.needs and source.null_share > 0
        return free and not domain.not_null and name not in self.null_once and self.plans[name].null_share is None

    def _column(self, name: str, domain: ColumnDomain) -> tuple[BranchColumn, ...] | None:
        source = self.plans[name].source
        base = self.base(name)
        narrowed = not base.implies(replace(domain, not_null=False, only_null=False)) and not domain.only_null
        if isinstance(source, Constant) and source.value is None:
            return None if domain.not_null else ()
        if domain.only_null and name in self.null_once:
            return None
        if isinstance(source, Reference):
            return None if narrowed else self._reference(name, source, domain)
        if isinstance(source, Key):
            return None if narrowed or domain.only_null else ()
        if not isinstance(source, Rule) or source.needs:
            return () if domain == base else None
        if domain.only_null:
            return (BranchColumn(name, 1.0),)
        share = 0.0 if domain.not_null else source.null_share
        if not narrowed:
            return () if share == source.null_share else (BranchColumn(name, share),)
        if source.call.unique:
            return None
        column = self.needs.table.column(name)
        meaning = guess_meaning(self.needs.table.name, column, None)
        now = self.needs.column_context(column).now
        call = rule_for_column(
            self.needs.table.name, column, meaning, domain, locale=self.needs.locale, unique=False, now=now
        )
        return (BranchColumn(name, share, call),) if call is not None else None

    def _reference(self, name: str, source: Reference, domain: ColumnDomain) -> tuple[BranchColumn, ...] | None:
        reference = self.how[source.foreign_key]
        own = [
            c for c in self.needs.table.foreign_key(source.foreign_key).columns
            if isinstance(s := self.plans[c].source, Reference) and s.foreign_key == source.foreign_key
        ]  # fmt: skip
        if domain.only_null:
            free = reference.how in ("matched", "self", "later") and all(
                self.needs.table.column(c).nullable for c in own
            )
            return (BranchColumn(name, 1.0),) if free else None
        if not domain.not_null or reference.how == "context":
            return ()
        alone = own == list(self.needs.table.foreign_key(source.foreign_key).columns) and not any(
            set(own) & set(u.columns) for u in unique_sets(self.needs.table)
        )
        able = reference.how in ("matched", "later") or (reference.how == "self" and alone)
        if reference.exclusive:  # a parent of its own is found where nothing else is asked of it
            able = reference.how == "matched" and own == list(self.needs.table.foreign_key(source.foreign_key).columns)
        return (BranchColumn(name, 0.0),) if able else None

    def covered(self, sets: Sequence[UniquePlan], branches: Branches, dialect: str) -> bool:
        """Whether no row that every check lets pass is outside of all these partial sets."""
        left: tuple[Branch, ...] = (Branch({}),)
        for unique in sets:
            try:
                out = compile_condition(f"NOT ({unique.predicate})", self.needs.table, dialect, null_passes=True)
            except NotUnderstood:
                return False
            left = tuple(one.intersect(two) for one in left for two in out)
        for joint in branches.joint:
            if _names(joint) & _names(left):
                left = tuple(one.intersect(two) for one in left for two in joint)
        left = tuple(
            replace(b, domains={n: self.base(n).intersect(d) for n, d in b.domains.items()}) for b in left
        )  # fmt: skip
        return bool(sets) and all(b.is_empty for b in left)

    def values_for(self, condition: str, branches: Branches, dialect: str) -> tuple[BranchColumn, ...]:
        """Values for which ``condition`` is not false and every check holds; empty: there are none."""
        try:
            left = compile_condition(condition, self.needs.table, dialect, null_passes=True)
        except NotUnderstood:
            return ()
        for joint in branches.joint:
            if _names(joint) & _names(left):
                left = tuple(one.intersect(two) for one in left for two in joint)
        for branch in left:
            domains = {n: self.base(n).intersect(d) for n, d in branch.domains.items()}
            whole = Branch(domains, branch.differences, branch.distinct)
            if whole.is_empty or whole.differences or whole.distinct:
                continue
            made = self.made(whole, bare=True)
            if made and not any(self._must_agree(c) for c in made):
                return made
        return ()

    def _must_agree(self, column: BranchColumn) -> bool:
        """Whether the column needs a parent that agrees with others, or is of the same table: not any will do."""
        source = self.plans[column.name].source
        if not isinstance(source, Reference) or column.null_share == 1.0:
            return False
        reference = self.how[source.foreign_key]
        if reference.how == "self" or reference.exclusive:
            return True
        columns = self.needs.table.foreign_key(source.foreign_key).columns
        return any(
            not isinstance(s := self.plans[c].source, Reference) or s.foreign_key != source.foreign_key for c in columns
        )
