"""Moments that have an order by what they mean, where no row and no check says so: created, updated, deleted."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from fixturesynth.dataset import arrow_type
from fixturesynth.planning.plan import BranchSet, ColumnPlan, Rule
from fixturesynth.profiling.semantics import guess_meaning, words_of
from fixturesynth.schema.model import Table
from fixturesynth.schema.predicates import ColumnDomain, Difference, NotUnderstood, TableConstraints
from fixturesynth.schema.predicates.domains import Bound

__all__ = ["orders_by_meaning", "orders_by_name", "strict_of", "tighten"]

# (earlier, later) meanings.
PAIRS = (
    ("birth_date", "hire_date"),
    ("birth_date", "death_date"),
    ("hire_date", "end"),
    ("created_at", "confirmed_at"),
    ("created_at", "published_at"),
    ("created_at", "updated_at"),
    ("created_at", "last_login"),
    ("created_at", "end"),
    ("created_at", "deleted_at"),
    ("updated_at", "deleted_at"),
    ("created_at", "due_date"),
    ("published_at", "due_date"),
    ("created_at", "expires_at"),
    ("created_at", "ship_date"),
    ("order_date", "ship_date"),
    ("order_date", "delivery_date"),
    ("ship_date", "delivery_date"),
    ("order_date", "end"),
    ("start", "end"),
)


# Words by which names of two numbers or two moments differ, the lower or earlier one's first.
_BETWEEN = (
    "min max", "minimum maximum", "low high", "lower upper", "least most", "smallest largest", "lowest highest",
    "excl incl", "excluding including", "net gross", "untaxed taxed", "lft rgt",
    "lft rght",
)  # fmt: skip
_IN_TIME = (
    "start end", "started ended", "starts ends", "begin end", "start stop", "started stopped", "start finish",
    "started finished", "from to", "from until", "since until", "open close", "opened closed", "first last",
    "connect disconnect", "connected disconnected", "login logout", "enqueued dequeued", "queued dequeued",
    "create modify", "created modified", "create update", "created updated", "create change", "created changed",
    "create delete", "created deleted", "entry deletion", "creation deletion", "creation modification", "last next",
    "created closed", "created processed", "uploaded processed", "requested completed", "requested approved",
    "submitted approved", "sent delivered", "previous next", "arrival departure", "checkin checkout",
    "checkedin checkedout",
    "planned actual", "sent received", "sent read",
)  # fmt: skip
_OPPOSITES = {tuple(pair.split()): False for pair in _BETWEEN} | {tuple(pair.split()): True for pair in _IN_TIME}
_COUNTED = ("integer", "float", "decimal")


def orders_by_name(
    table: Table, columns: Sequence[ColumnPlan], domains: Mapping[str, ColumnDomain], branches: Sequence[BranchSet]
) -> tuple[tuple[str, str, bool], ...]:
    """(lower column, higher column, False) for columns by rule of one type whose names differ in opposites alone:
    ``min_length`` and ``max_length``; ``low_threshold`` and ``high_threshold``; of moments also ``data_start`` and
    ``data_end``.
    """
    fixed = {c.name for s in branches for b in s.branches for c in b if c.call is not None}
    sources = {c.name: c.source for c in columns if isinstance(c.source, Rule) and not c.source.call.unique}
    # What others come after stays where it is; of two that come after the same the earlier may be either.
    fixed |= {n for s in sources.values() for n in s.needs}
    free: dict[tuple[str, ...], str] = {}
    for name in sources:
        if name not in fixed and table.column(name).type.kind in (*_COUNTED, "date", "timestamp"):
            free.setdefault(words_of(name), name)
    out = []
    for words, low in free.items():
        for place, word in enumerate(words):
            for (lower, upper), in_time in _OPPOSITES.items():
                high = free.get((*words[:place], upper, *words[place + 1 :])) if word == lower else None
                if high is None or (in_time and table.column(low).type.kind in _COUNTED):
                    continue
                alike = (sources[low].needs, sources[low].parents) == (sources[high].needs, sources[high].parents)
                # Bounds that are the same for both hold wherever a value stands.
                alike &= _bounds(domains.get(low)) == _bounds(domains.get(high))
                if alike and arrow_type(table.column(low).type) == arrow_type(table.column(high).type):
                    out.append((low, high, False))
    return tuple(out)


def _bounds(domain: ColumnDomain | None) -> ColumnDomain:
    return replace(domain if domain is not None else ColumnDomain(""), column="", not_null=False)


def orders_by_meaning(
    table: Table, columns: Sequence[ColumnPlan], domains: Mapping[str, ColumnDomain], branches: Sequence[BranchSet]
) -> tuple[tuple[str, str, bool], ...]:
    """(earlier column, later column, strict) for columns by rule of one type whose values no check bounds."""
    bounded = {c.name for s in branches for b in s.branches for c in b if c.call is not None}
    bounded |= {n for n, d in domains.items() if d.low is not None or d.high is not None or d.allowed is not None}
    following = {c.name for c in columns if isinstance(c.source, Rule) and c.source.call.name == "after"}
    found: dict[str, list[str]] = {}
    for plan in columns:
        column = table.column(plan.name)
        free = isinstance(plan.source, Rule) and not plan.source.call.unique and plan.name not in bounded
        if free and column.type.kind in ("date", "timestamp"):
            meaning = guess_meaning(table.name, column, None)
            found.setdefault(meaning or "", []).append(plan.name)
    out = []
    for earlier, later in PAIRS:
        for high in found.get(later, ()):
            if high in following:
                continue  # it comes after another already
            own = arrow_type(table.column(high).type)
            options = [low for low in found.get(earlier, ()) if arrow_type(table.column(low).type) == own]
            if options:
                out.append((max(options, key=lambda low: _alike(low, high)), high, False))
    return tuple(out)


def strict_of(differences: Sequence[Difference]) -> dict[tuple[str, str], bool]:
    """Whether each order of (low, high) is strict: where it is said twice, ``<`` says more than ``<=``."""
    out: dict[tuple[str, str], bool] = {}
    for d in differences:
        out[d.low, d.high] = out.get((d.low, d.high), False) or d.strict
    return out


def tighten(constraints: TableConstraints) -> TableConstraints:
    """The domains with what orders say of them: where a <= b, a stays below the most of b and b above the least of a.

    Two values in the wrong order can then always be swapped.
    """
    domains = dict(constraints.domains)
    for _ in constraints.differences:
        for d in constraints.differences:
            low, high = domains.get(d.low, ColumnDomain(d.low)), domains.get(d.high, ColumnDomain(d.high))
            try:
                most, least = _top(high), _bottom(low)
                if most is not None:
                    domains[d.low] = low.intersect(ColumnDomain(d.low, high=most, high_open=high.high_open or d.strict))
                if least is not None:
                    domains[d.high] = high.intersect(ColumnDomain(d.high, low=least, low_open=low.low_open or d.strict))
            except NotUnderstood:
                continue
    return replace(constraints, domains=domains)


def _top(domain: ColumnDomain) -> Bound | None:
    return max(domain.allowed) if domain.allowed else domain.high  # type: ignore[type-var, return-value]


def _bottom(domain: ColumnDomain) -> Bound | None:
    return min(domain.allowed) if domain.allowed else domain.low  # type: ignore[type-var, return-value]


def _alike(a: str, b: str) -> int:
    """Letters that two names share at their ends: ``trial_start`` belongs to ``trial_end``."""
    return _shared_start(a, b) + _shared_start(a[::-1], b[::-1])


def _shared_start(a: str, b: str) -> int:
    return next((i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))
