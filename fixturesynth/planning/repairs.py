"""Checks that no domain says and no branch holds: those that can be judged on rows are mended there, others refused."""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from fixturesynth.arrays import array_of, scalar_of
from fixturesynth.dataset import arrow_type
from fixturesynth.errors import CapacityError, ConstraintError
from fixturesynth.planning.branches import Branches
from fixturesynth.planning.needs import ColumnNeeds
from fixturesynth.planning.plan import ColumnPlan, Constant, Default, Key, Rule
from fixturesynth.planning.solving import Counts, fits, mend, ways_to
from fixturesynth.randomness import hashed
from fixturesynth.rules.choice import rule_for_column
from fixturesynth.rules.contract import RuleRequest, Words
from fixturesynth.rules.sampling import sample_rule
from fixturesynth.schema.model import Table
from fixturesynth.schema.predicates import NotUnderstood, bounds_on, evaluate, mentioned_columns

__all__ = ["plan_repairs", "refuse_unfilled", "with_computed_texts"]

TRIED = 2_048  # rows of a table's rules that are held against a check before it is promised


def plan_repairs(
    needs: ColumnNeeds, columns: Sequence[ColumnPlan], branches: Branches, dialect: str
) -> tuple[tuple[str, str], ...]:
    """(constraint name, text) of the checks to be judged on the rows.

    ConstraintError with table, constraint and text for a check that nothing holds and nobody can judge here, or that no
    row of the rules passes.
    """
    table = needs.table
    repairs = []
    for name, text in (*needs.constraints.not_understood, *_on_generated(table)):
        held = (name, text) in branches.held
        whole = _expanded(text, table)
        if not _evaluable(whole, table, dialect, needs.now):
            if not held:
                raise _refusal(table, name, text, "is not understood yet")
            continue
        repairs.append((name, whole))
        if held or needs.profile is not None:
            continue
        try:
            passes = _can_pass(needs, columns, whole, dialect)
        except NotUnderstood as error:
            raise _refusal(table, name, text, f"is not understood yet ({error})") from error
        if not passes:
            raise _refusal(table, name, text, f"is not understood yet and none of {TRIED} trial rows passes it")
    if needs.profile is None:
        # Putting two values in order may take one off its own grid or list.
        uneven = _uneven(needs, branches)
        moved = [(c.name, _expanded(c.text, table)) for c in table.checks if uneven & set(c.columns)]
        repairs += [c for c in moved if _evaluable(c[1], table, dialect, needs.now)]
    else:
        # Learned values keep to a check mostly, not always: each is judged on the rows.
        whole_checks = ((c.name, _expanded(c.text, table)) for c in table.checks)
        repairs += [c for c in whole_checks if _evaluable(c[1], table, dialect, needs.now)]
    return tuple(dict.fromkeys(repairs))


def with_computed_texts(
    needs: ColumnNeeds, columns: Sequence[ColumnPlan], dialect: str, asked_for: Collection[str]
) -> tuple[ColumnPlan, ...]:
    """The columns, those that a check computes from others (``scope = coalesce(owner, 'all')``) not kept to a list that
    their names alone suggest."""
    table, domains = needs.table, needs.constraints.domains
    out = {c.name: c for c in columns}
    for _, text in needs.constraints.not_understood if needs.profile is None else ():
        for name in set(mentioned_columns(text, table, dialect)) - set(asked_for):
            source, column, domain = out[name].source, table.column(name), domains.get(name)
            listed = isinstance(source, Rule) and source.call.name == "choices" and column.type.kind == "text"
            if not listed or (domain is not None and domain.allowed is not None):
                continue
            computed = (b for way in bounds_on(text, table, dialect, name) for b in way)
            if any(b.operator.__name__ == "EQ" for b in computed):
                call = rule_for_column(table.name, column, None, domain, locale=needs.locale, unique=False)
                if call is not None and isinstance(source, Rule):
                    out[name] = replace(out[name], source=replace(source, call=call), why=f"{out[name].why}, computed")
    return tuple(out[c.name] for c in columns)


def refuse_unfilled(table: Table, columns: Sequence[ColumnPlan]) -> None:
    """ConstraintError for a column that no rule can fill and that the database does not fill either."""
    for plan in columns:
        column = table.column(plan.name)
        filled = column.nullable or column.default is not None or column.generated or column.identity
        if isinstance(plan.source, Default) and not (filled or column.autoincrement):
            raise ConstraintError(
                f"{table.name}: column {column.name} of type {column.type.name} must have a value and {plan.why}; "
                "give it a rule in fixturesynth.yaml, or leave the table out (skip: true)"
            )


def _uneven(needs: ColumnNeeds, branches: Branches) -> set[str]:
    """Columns that are kept in order with others and may not hold every value between their ends."""
    ordered = {c for d in (*needs.constraints.differences, *branches.differences) for c in (d.low, d.high)}
    domains = needs.constraints.domains
    return {
        c for c in ordered
        if (d := domains.get(c)) is not None and (d.allowed is not None or d.excluded or d.holes or d.regex or d.like)
    }  # fmt: skip


def _refusal(table: Table, name: str, text: str, why: str) -> ConstraintError:
    return ConstraintError(
        f"{table.name}: constraint {name} {why}: CHECK ({text}); "
        "leave the table out (skip: true in fixturesynth.yaml), give its columns rules, or drop the constraint"
    )


def _generated(table: Table) -> Mapping[str, str]:
    return {c.name: c.generated.expression for c in table.columns if c.generated is not None}


def _on_generated(table: Table) -> tuple[tuple[str, str], ...]:
    """Checks on columns that the database computes: no domain of theirs can be kept to."""
    generated = _generated(table)
    return tuple((c.name, c.text) for c in table.checks if generated.keys() & set(c.columns))


def _expanded(text: str, table: Table) -> str:
    """The condition with the expressions of generated columns in the place of their names."""
    for name, expression in _generated(table).items():
        whole = f"({expression})".replace("\\", "\\\\")
        text = re.sub(rf'(?<![\w."`])(["`]?){re.escape(name)}\1(?![\w"`(])', whole, text)
    return text


def _evaluable(text: str, table: Table, dialect: str, now: str) -> bool:
    """Whether the condition can be judged on rows; tried on a table without any."""
    nothing = pa.table({c.name: array_of([], arrow_type(c.type)) for c in table.columns if c.generated is None})
    try:
        evaluate(text, nothing, dialect, now=now)
    except NotUnderstood:
        return False
    return True


def _can_pass(needs: ColumnNeeds, columns: Sequence[ColumnPlan], text: str, dialect: str) -> bool:
    """Whether some row of what the rules give passes; True where a column is not filled by rule."""
    made = {}
    by_name = {c.name: c for c in columns}
    for name in mentioned_columns(text, needs.table, dialect):
        column, source = needs.table.column(name), by_name[name].source
        if isinstance(source, Constant) and source.value is None:
            made[name] = pa.nulls(TRIED, arrow_type(column.type))
            continue
        if not isinstance(source, Rule | Key) or (isinstance(source, Rule) and source.needs):
            return True
        request = RuleRequest(0, needs.column_context(column), np.arange(TRIED, dtype=np.int64), 0, {})
        try:
            values = sample_rule(source.call, request)
        except CapacityError:
            return True  # fewer values than trial rows: left to the rows themselves
        share = source.null_share if isinstance(source, Rule) else 0.0
        empty = hashed(np.arange(TRIED), 0, name, "trial") < np.uint64(min(int(share * 2**64), 2**64 - 1))
        made[name] = pc.if_else(array_of(empty), scalar_of(None, values.type), values)
    if not made or evaluate(text, pa.table(made), dialect, now=needs.now).any():
        return True
    # Computing one column from the others may do what no drawn row does.
    movable = [n for n in made if isinstance(s := by_name[n].source, Rule) and not s.call.unique and not s.needs]
    domains = needs.constraints.domains

    def failures(rows: dict[str, pa.Array]) -> Counts:
        total = (~evaluate(text, pa.table(rows), dialect, now=needs.now)).astype(np.int64)
        for name in movable:
            total += ~fits(needs.table, by_name[name], domains.get(name), rows[name])
        return total

    def words(name: str, turn: int) -> Words:
        return hashed(np.arange(TRIED), 0, name, "trial solution", turn)

    mended = mend(made, ways_to(needs.table, dialect, (text,), (), movable), domains, dialect, failures, words)
    return bool((failures(mended) == 0).any())
