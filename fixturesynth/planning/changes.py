"""What a user changes of a column's plan without deciding it alone: bounds, meaning, nulls, uniqueness."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from fixturesynth.errors import SpecError, UnsatisfiableError
from fixturesynth.planning.plan import ColumnPlan, Constant, Default, Key, Modelled, Reference, Rule, RuleCall
from fixturesynth.profiling.profile import ColumnProfile
from fixturesynth.rules.choice import rule_for_column
from fixturesynth.schema.model import Column, Table, Unique
from fixturesynth.schema.predicates import ColumnDomain, NotUnderstood, TableConstraints

if TYPE_CHECKING:
    from fixturesynth.planning.needs import ColumnNeeds

__all__ = ["ColumnChange", "change_column", "narrow", "with_uniques"]

# The encoding of a column that the user wants learned, by its profile's kind; texts are learned as categories.
ENCODINGS = {"integer": "numeric", "number": "numeric", "datetime": "temporal"}
WHOLE = ("integer", "year")


@dataclass(frozen=True)
class ColumnChange:
    """None leaves a matter as it would be. ``low`` and ``high``: numbers, or ISO texts of dates and moments."""

    meaning: str | None = None
    modelled: bool = False
    low: int | float | str | None = None
    high: int | float | str | None = None
    null_share: float | None = None
    unique: bool = False
    where: str = "spec"  # for messages

    @property
    def bounded(self) -> bool:
        return self.low is not None or self.high is not None


def with_uniques(table: Table, changes: Mapping[str, ColumnChange]) -> Table:
    """The table as it is planned: with the uniqueness that the user wants and the database does not have."""
    keys = {key[0] for key in table.keys if len(key) == 1}
    wanted = tuple(
        Unique(f"unique {name} (asked)", (name,)) for name, c in changes.items() if c.unique and name not in keys
    )
    return replace(table, uniques=(*table.uniques, *wanted)) if wanted else table


def narrow(constraints: TableConstraints, changes: Mapping[str, ColumnChange]) -> TableConstraints:
    """The domains cut to the user's bounds; UnsatisfiableError when a check leaves nothing of them."""
    domains = dict(constraints.domains)
    for name, change in changes.items():
        if not change.bounded:
            continue
        asked = ColumnDomain(name, low=_bound(change.low), high=_bound(change.high))
        try:
            both = domains[name].intersect(asked) if name in domains else asked
        except NotUnderstood as error:
            raise SpecError(f"{change.where}: the bounds do not fit the checks of {name}: {error}") from error
        if both.only_null or both.is_empty:
            raise UnsatisfiableError(
                f"{change.where}: no value of {name} lies between {change.low} and {change.high} and passes the checks "
                "of the database; widen the bounds"
            )
        domains[name] = both
    return replace(constraints, domains=domains)


def _bound(value: int | float | str | None) -> int | Decimal | str | None:
    return Decimal(str(value)) if isinstance(value, float) else value


def change_column(needs: "ColumnNeeds", column: Column, plan: ColumnPlan, change: ColumnChange) -> ColumnPlan:
    """``plan`` as the user wants it; ``needs`` already has the narrowed domains and the asked uniqueness."""
    seen = needs.profile.columns.get(column.name) if needs.profile and needs.profile.rows else None
    unique = column.name in needs.unique_columns
    if isinstance(plan.source, Default | Reference):
        made = plan
    elif change.meaning is not None:
        made = _meant(needs, column, change, unique, seen)
    elif change.modelled:
        made = _modelled(column, change, seen)
    elif change.bounded and seen is not None:
        made = _bounded(needs, column, change, unique, seen)
    else:
        made = plan
    if change.null_share is None or isinstance(made.source, Default | Reference):
        return made
    source = made.source
    if isinstance(source, Rule):
        source = replace(source, null_share=change.null_share)
    if isinstance(source, Constant) and source.value is None and change.null_share < 1:
        source = Rule(_by_rule(needs, column, change, None, unique), change.null_share)
    return replace(made, source=source, null_share=change.null_share, why=f"{made.why}, nulls as asked")


def _by_rule(needs: "ColumnNeeds", column: Column, change: ColumnChange, meaning: str | None, unique: bool) -> RuleCall:
    domain = needs.constraints.domains.get(column.name)
    context = needs.column_context(column)
    call = rule_for_column(
        needs.table.name, column, meaning, domain, locale=needs.locale, unique=unique, now=context.now
    )
    if call is None:
        raise SpecError(f"{change.where}: no rule makes such values of type {column.type.name}; choose another rule")
    return call


def _as_plan(column: Column, call: RuleCall, unique: bool, seen: ColumnProfile | None, why: str) -> ColumnPlan:
    nulls = seen.null_share if seen is not None and column.nullable else 0.0
    return ColumnPlan(column.name, Key(call) if unique and not nulls else Rule(call, nulls), why)


def _meant(
    needs: "ColumnNeeds", column: Column, change: ColumnChange, unique: bool, seen: ColumnProfile | None
) -> ColumnPlan:
    call = _by_rule(needs, column, change, change.meaning, unique)
    return _as_plan(column, call, unique, seen, f"{change.meaning}, as asked")


def _modelled(column: Column, change: ColumnChange, seen: ColumnProfile | None) -> ColumnPlan:
    if seen is None:
        raise SpecError(f"{change.where}: there are no rows to learn {column.name} from; drop modelled")
    return ColumnPlan(column.name, Modelled(ENCODINGS.get(seen.kind, "categorical"), {}), "learned, as asked")


def _bounded(
    needs: "ColumnNeeds", column: Column, change: ColumnChange, unique: bool, seen: ColumnProfile
) -> ColumnPlan:
    """Inside bounds of the user's, the shape that was learned."""
    call = _by_rule(needs, column, change, seen.meaning, unique)
    options: dict[str, Any] = dict(call.options)
    if call.name in ("integers", "decimals", "floats") and seen.unit == "number" and seen.quantiles and not unique:
        low, high = Decimal(str(options["low"])), Decimal(str(options["high"]))
        knots = [q for q in (Decimal(str(q)) for q in seen.quantiles) if low <= q <= high]
        options.pop("quantiles", None)
        if len(knots) > 2:
            options["quantiles"] = [int(q) if column.type.kind in WHOLE else str(q) for q in knots]
    return _as_plan(column, replace(call, options=options), unique, seen, "inside the bounds asked")
