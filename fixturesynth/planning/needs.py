"""What surrounds a table's columns when they are planned."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from fixturesynth.planning.plan import ColumnPlan, Default, Derived, Key, Reference, ReferencePlan, Rule, TablePlan
from fixturesynth.profiling.profile import TableProfile
from fixturesynth.rules.contract import ColumnContext
from fixturesynth.schema.model import Column, Table
from fixturesynth.schema.predicates import TableConstraints

__all__ = ["ColumnNeeds", "is_unknowable"]


@dataclass(frozen=True)
class ColumnNeeds:
    """One table and what is known of it; ``context``: the foreign key beside whose parent its rows are learned."""

    table: Table
    references: tuple[ReferencePlan, ...]
    context: str | None
    constraints: TableConstraints
    profile: TableProfile | None
    locale: str
    now: str
    unique_columns: frozenset[str]  # single columns that must be unique
    parents: Mapping[str, TablePlan]  # those planned already
    rows: int = 1
    referenced: frozenset[str] = frozenset()  # columns that foreign keys of other tables name
    generations: int = 0  # tables one after the other whose rows come to be after this one's

    def column_context(self, column: Column) -> ColumnContext:
        now = datetime.fromisoformat(self.now)
        aware = now if now.tzinfo else now.replace(tzinfo=UTC)
        return ColumnContext(self.table.name, column.name, column.type, self.locale, aware)


def is_unknowable(needs: ColumnNeeds, plan: ColumnPlan) -> bool:
    """Whether the values are new ones: made by rule, or keys of a parent that makes its own."""
    source = plan.source
    if isinstance(source, Reference):
        parent = needs.parents.get(needs.table.foreign_key(source.foreign_key).parent)
        return parent is None or _makes_new(parent, source.parent_column, needs.parents)
    if isinstance(source, Derived) and source.operation == "copy" and source.foreign_key is not None:
        parent = needs.parents.get(needs.table.foreign_key(source.foreign_key).parent)
        return parent is None or _makes_new(parent, source.sources[0], needs.parents)
    return isinstance(source, Rule | Key | Default)


def _makes_new(parent: TablePlan, column: str, planned: Mapping[str, TablePlan]) -> bool:
    source = parent.column(column).source
    if isinstance(source, Reference):
        above = planned.get(parent.reference(source.foreign_key).parent)
        return above is None or _makes_new(above, source.parent_column, planned)
    return isinstance(source, Rule | Key | Default) or (isinstance(source, Derived) and source.operation == "copy")
