"""``fixturesynth.yaml`` against a schema: every setting of the spec as a wish of the planner."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from importlib.metadata import entry_points
from typing import Any

from fixturesynth.errors import SpecError
from fixturesynth.planning.changes import ColumnChange
from fixturesynth.planning.plan import ColumnPlan, Constant, Default, Rule, RuleCall
from fixturesynth.planning.planner import Wishes
from fixturesynth.planning.rows import RowsAsked
from fixturesynth.planning.stating import stated
from fixturesynth.planning.uniques import is_telling
from fixturesynth.profiling.semantics import MEANINGS
from fixturesynth.rules.registry import RULES
from fixturesynth.schema.model import Column, ForeignKey, Schema, Table
from fixturesynth.spec import ChildrenSpec, ColumnSpec, Spec, check_spec
from fixturesynth.spec.checking import placeholders
from fixturesynth.spec.model import moment_of

__all__ = ["known_generators", "known_rules", "wishes_of", "with_references"]

Counts = tuple[tuple[int, int], ...]

# Parents with 0, 1, ... children when only a mean is given: one in eight has none, a few have many.
LAW = (0, 1, 1, 2, 2, 3, 4, 7)
# Those of generators.registry, which stands a floor above.
GENERATORS = ("independent", "copula", "cart", "network", "vae", "gan", "diffusion")
PARENTS = 1_000  # parents in the histograms made here, so that a mean is kept to a thousandth


def known_generators() -> tuple[str, ...]:
    """Names that ``generator`` may have."""
    return ("auto", "rules", *GENERATORS, *(e.name for e in entry_points(group="fixturesynth.generators")))


def known_rules() -> dict[str, None]:
    """Names that ``rule`` may have; a rule's own options are checked when its values are planned."""
    return dict.fromkeys([*RULES, *(e.name for e in entry_points(group="fixturesynth.rules"))])


def with_references(schema: Schema, spec: Spec) -> Schema:
    """The schema with the references that the spec adds, which no database enforces (``declared=False``).

    SpecError when anything in the spec does not fit the schema.
    """
    _check(spec, schema)
    return replace(schema, tables=tuple(_with_references(table, schema, spec) for table in schema))


def _with_references(table: Table, schema: Schema, spec: Spec) -> Table:
    added = []
    for reference in spec.table(table.name).references:
        key = schema[reference.parent].primary_key
        columns = reference.parent_columns or (key.columns if key else ())
        added.append(ForeignKey(reference.name, reference.columns, reference.parent, columns, declared=False))
    return replace(table, foreign_keys=(*table.foreign_keys, *added)) if added else table


def wishes_of(spec: Spec, schema: Schema, *, strict: bool = False) -> Wishes:
    """What ``spec`` asks of ``schema``, which must have its references already (``with_references``).

    ``seed``, ``time_limit`` and ``protection`` are no wishes of a plan: whoever fits or samples reads them.

    Raises:
        SpecError: an unknown name, or settings that contradict each other or the database; the message says the line.
    """
    _check(spec, schema)
    columns: dict[str, dict[str, ColumnPlan]] = {}
    changes: dict[str, dict[str, ColumnChange]] = {}
    null_shares: dict[str, dict[str, float]] = {}
    for name in spec.tables:
        table = schema[name]
        for column, asked in spec.tables[name].columns.items():
            where = spec.place("tables", name, "columns", column)
            plan = _decided(asked, table, table.column(column), spec, where)
            change = _changed(asked, table, table.column(column), spec, where, plan is not None)
            if plan is not None:
                columns.setdefault(name, {})[column] = plan
            if change is not None:
                changes.setdefault(name, {})[column] = change
            for fk in table.foreign_keys:
                if asked.null_rate is not None and column in fk.columns:
                    null_shares.setdefault(name, {})[fk.name] = asked.null_rate
    rows = {name: n for name in schema.names if (n := spec.rows_of(name)) is not None}
    return Wishes(
        rows=RowsAsked(rows, scale=spec.scale if spec.scale is not None else 1.0),
        columns=columns,
        changes=changes,
        null_shares=null_shares,
        context=dict(_contexts(spec, schema)),
        verbatim={name: t.reference for name, t in spec.tables.items() if t.reference is not None},
        skip=frozenset(name for name, t in spec.tables.items() if t.skip),
        counts=_children(spec, schema),
        locale=spec.locale,
        now=spec.now,
        generator=spec.generator or "auto",
        generators={name: t.generator for name, t in spec.tables.items() if t.generator is not None},
        strict=strict,
    )


def _check(spec: Spec, schema: Schema) -> None:
    bare = replace(schema, tables=tuple(_declared(t, spec) for t in schema))
    check_spec(spec, bare, rules=known_rules(), meanings=MEANINGS, generators=known_generators())


def _declared(table: Table, spec: Spec) -> Table:
    """Without the references that came from this spec: the checks add them by themselves."""
    own = {r.name for r in spec.table(table.name).references}
    kept = tuple(fk for fk in table.foreign_keys if fk.declared or fk.name not in own)
    return replace(table, foreign_keys=kept)


# Columns -------------------------------------------------------------------------------------------------------------


def _decided(asked: ColumnSpec, table: Table, column: Column, spec: Spec, where: str) -> ColumnPlan | None:
    """The whole plan of a column whose source the spec names; None when it only changes one."""
    maker = _SOURCES.get(asked.source or ("window" if asked.window is not None else ""))
    if maker is None:
        return None
    call, needs = maker(asked, column, spec, where)
    why = f"{asked.source or 'window'} in the spec"
    if call is None:
        return ColumnPlan(column.name, Default(), why)
    if asked.source == "constant" and not asked.null_rate and column.type.kind != "array":
        return ColumnPlan(column.name, Constant(call.options["value"]), why)
    if call.name == "template":
        return _templated(asked, call, needs, column, table, why, where)
    call = replace(call, unique=bool(asked.unique))
    kept = tuple(name for name in needs if name in table)
    return ColumnPlan(column.name, Rule(call, asked.null_rate or 0.0, kept), why, asked.null_rate)


def _templated(
    asked: ColumnSpec, call: RuleCall, needs: tuple[str, ...], column: Column, table: Table, why: str, where: str
) -> ColumnPlan:
    """A template is unique by what is in it, never by drawing."""
    template = str(call.options.get("template", ""))
    if (asked.unique or (column.name,) in table.keys) and not is_telling(template, table):
        raise SpecError(
            f"{where}: {column.name} is unique, but rows may get the same text from {template!r}; put {{rank}}, the "
            "row's number, at its end behind a point"
        )
    kept = tuple(name for name in needs if name in table)
    return ColumnPlan(column.name, Rule(call, asked.null_rate or 0.0, kept), why, asked.null_rate)


_Call = tuple[RuleCall | None, tuple[str, ...]]


def _rule(asked: ColumnSpec, column: Column, spec: Spec, where: str) -> _Call:
    options = dict(asked.options)
    bounds = {"low": asked.min, "high": asked.max}
    if asked.window is not None:
        low, high = asked.window.bounds(_now(spec))
        bounds = {"low": low.isoformat(), "high": high.isoformat()}
    for option, value in bounds.items():
        if value is not None and options.setdefault(option, value) != value:
            raise SpecError(f"{where}: {option} of the rule and min, max or window contradict each other; keep one")
    return RuleCall(str(asked.rule), options), (*placeholders(str(options.get("template", ""))), *_read(options))


def _read(options: Mapping[str, object]) -> tuple[str, ...]:
    """Columns of the row that a rule's options name: those of ``made_of``, ``composed``, ``email_from`` ..."""
    several, pieces = options.get("columns"), options.get("pieces")
    named = [options.get(key) for key in ("column", "first", "last", "name")]
    named += list(several) if isinstance(several, list | tuple) else []
    named += [p.get("column") for p in pieces if isinstance(p, Mapping)] if isinstance(pieces, list | tuple) else []
    return tuple(dict.fromkeys(str(n) for n in named if n is not None))


def _constant(asked: ColumnSpec, column: Column, spec: Spec, where: str) -> _Call:
    return RuleCall("constant", {"value": _stated(asked.constant, column, where)}), ()


def _stated(value: object, column: Column, where: str) -> object:
    """One value; of an array, that of its only element."""
    inner = replace(column, type=column.type.element) if column.type.kind == "array" and column.type.element else column
    try:
        return stated(value, inner)
    except ValueError as error:
        raise SpecError(f"{where}: {error}") from error


def _choices(asked: ColumnSpec, column: Column, spec: Spec, where: str) -> _Call:
    given = asked.choices
    values = [_stated(value, column, where) for value in given or ()]
    if not isinstance(given, Mapping):
        return RuleCall("choices", {"values": values}), ()
    return RuleCall("choices", {"values": values, "weights": _whole(list(given.values()))}), ()


def _whole(weights: list[float]) -> list[int]:
    """Integers in the same proportions, so that no machine rounds them differently."""
    shares = [Fraction(str(w)) for w in weights]
    together = 1
    for share in shares:
        together = together * share.denominator // _common(together, share.denominator)
    return [int(share * together) for share in shares]


def _common(a: int, b: int) -> int:
    while b:
        a, b = b, a % b
    return a


def _template(asked: ColumnSpec, column: Column, spec: Spec, where: str) -> _Call:
    return RuleCall("template", {"template": asked.template}), placeholders(str(asked.template))


def _pattern(asked: ColumnSpec, column: Column, spec: Spec, where: str) -> _Call:
    return RuleCall("pattern", {"pattern": asked.pattern}), ()


def _default(asked: ColumnSpec, column: Column, spec: Spec, where: str) -> _Call:
    return None, ()


def _window(asked: ColumnSpec, column: Column, spec: Spec, where: str) -> _Call:
    assert asked.window is not None
    low, high = asked.window.bounds(_now(spec))
    if column.type.kind == "time":
        return RuleCall("times", {"low": low.time().isoformat(), "high": high.time().isoformat()}), ()
    days = column.type.kind == "date" or (
        column.type.kind == "text"
        and column.type.length is not None
        and column.type.length < len("2026-01-01T00:00:00")
    )
    return RuleCall("dates" if days else "timestamps", {"low": low.isoformat(), "high": high.isoformat()}), ()


def _now(spec: Spec) -> datetime:
    return datetime.fromisoformat(spec.now)


_SOURCES: Mapping[str, Callable[[ColumnSpec, Column, Spec, str], _Call]] = {
    "rule": _rule,
    "constant": _constant,
    "choices": _choices,
    "template": _template,
    "pattern": _pattern,
    "default": _default,
    "window": _window,
}
BOUNDED = ("rule", "meaning", "modelled", None)  # sources that min and max can limit


def _changed(
    asked: ColumnSpec, table: Table, column: Column, spec: Spec, where: str, decided: bool
) -> ColumnChange | None:
    if asked.unique is False and (column.name,) in table.keys:
        raise SpecError(f"{where}: the column is unique in the database; drop unique: false")
    bounded = asked.min is not None or asked.max is not None
    if bounded and asked.source not in BOUNDED:
        raise SpecError(f"{where}: min and max do not limit {asked.source}; drop them, or use a rule")
    if bounded and any(column.name in fk.columns for fk in table.foreign_keys):
        raise SpecError(f"{where}: min and max do not limit a reference; set them on the column that it references")
    change = ColumnChange(
        meaning=asked.meaning,
        modelled=asked.modelled,
        low=None if decided else _edge(asked.min, column, spec, where),
        high=None if decided else _edge(asked.max, column, spec, where),
        null_share=None if decided else asked.null_rate,
        unique=bool(asked.unique),
        where=where,
    )
    return change if change != ColumnChange(where=where) else None


def _edge(value: Any, column: Column, spec: Spec, where: str) -> Any:
    """A bound as rules read it: moments as ISO texts, also those that count from the spec's ``now``."""
    kind = column.type.kind
    if value is None or kind not in (*NUMBERS, *MOMENTS):
        return value
    try:
        if kind in NUMBERS:
            return value if Decimal(str(value)).is_finite() else stated(value, column)
        if kind == "time":
            return stated(value, column)
        moment = moment_of(str(value), _now(spec))
        return moment.date().isoformat() if kind == "date" else moment.isoformat()
    except (ValueError, InvalidOperation) as error:
        form = (
            "a number" if kind in NUMBERS else "a moment (2024-12-31, now, -2y)" if kind != "time" else "a time of day"
        )
        raise SpecError(f"{where}: min and max of {column.name} are {form}, however: {value!r}") from error


NUMBERS, MOMENTS = ("integer", "decimal", "float", "money", "year"), ("date", "timestamp", "time")


# Tables --------------------------------------------------------------------------------------------------------------


def _contexts(spec: Spec, schema: Schema) -> Iterator[tuple[str, str]]:
    for name, settings in spec.tables.items():
        given = settings.context
        for fk in schema[name].foreign_keys:
            if given is not None and (given in (fk.name, fk.columns) or (given,) == fk.columns):
                yield name, fk.name
                break


def _children(spec: Spec, schema: Schema) -> dict[tuple[str, str], Counts]:
    found: dict[tuple[str, str], Counts] = {}
    for parent, settings in spec.tables.items():
        for name, asked in settings.children.items():
            child, fk = next((t, fk) for t, fk in schema.children_of(parent) if name in (t.name, fk.name))
            where = spec.place("tables", parent, "children", name)
            if fk.parent == child.name:
                raise SpecError(f"{where}: children of a table inside itself cannot be counted out; drop them")
            if other := next((key for key in found if key[0] == child.name), None):
                raise SpecError(
                    f"{where}: the rows of {child.name} follow already from children through {other[1]}; keep one"
                )
            found[child.name, fk.name] = histogram(asked)
    return found


def histogram(asked: ChildrenSpec) -> Counts:
    """(children, parents) as the spec says: shares by count, a range of equal shares, or a mean inside a range.

    >>> histogram(ChildrenSpec(min=1, max=3))
    ((1, 1), (2, 1), (3, 1))
    """
    if asked.counts is not None:
        weights = _whole(list(asked.counts.values()))
        return tuple(sorted((count, weight) for count, weight in zip(asked.counts, weights, strict=True) if weight))
    low = asked.min or 0
    if asked.mean is None and asked.max is not None:
        return tuple((count, 1) for count in range(low, asked.max + 1))
    mean = Fraction(str(asked.mean)) if asked.mean is not None else Fraction(low) + Fraction(sum(LAW), len(LAW))
    return _around(round(mean * PARENTS), low, asked.max)


def _around(total: int, low: int, high: int | None) -> Counts:
    """``PARENTS`` counts from ``low`` to ``high`` with this sum, as uneven as the default law."""
    room = total - low * PARENTS
    weights = [LAW[i % len(LAW)] for i in range(PARENTS)]
    shares = [room * w // sum(weights) for w in weights]
    most = high - low if high is not None else max(shares) + 1
    counts = [min(s, most) for s in shares]
    rest = room - sum(counts)
    for i in sorted(range(PARENTS), key=lambda i: -weights[i]) * (rest and most + 1):
        if not rest:
            break
        if counts[i] < most:
            counts[i] += 1
            rest -= 1
    values = sorted(low + c for c in counts)
    return tuple((value, values.count(value)) for value in sorted(set(values)))
