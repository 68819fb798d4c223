"""Plans and wishes to JSON and back without loss, and a stable hash."""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields, is_dataclass
from hashlib import blake2b
from typing import Any

from fixturesynth.errors import ModelFileError
from fixturesynth.planning.changes import ColumnChange
from fixturesynth.planning.plan import (
    AggregatePlan,
    BalancePlan,
    BranchColumn,
    BranchSet,
    ColumnPlan,
    Constant,
    Default,
    Derived,
    ExclusionPlan,
    Key,
    Modelled,
    Plan,
    PolymorphicPlan,
    Reference,
    ReferencePlan,
    Rule,
    RuleCall,
    Source,
    StatePlan,
    Succession,
    TablePlan,
    UniquePlan,
)
from fixturesynth.planning.planner import Wishes
from fixturesynth.planning.rows import RowsAsked

__all__ = ["plan_from_json", "plan_hash", "plan_to_json", "wishes_from_json", "wishes_to_json"]

SOURCES: Mapping[str, type] = {c.__name__: c for c in (Key, Reference, Rule, Modelled, Derived, Constant, Default)}


def plan_to_json(plan: Plan, *, indent: int | None = None) -> str:
    """The plan as JSON, keys in declaration order; a source carries its class name under ``source``.

    A constant that JSON has no word for (a date, a decimal) becomes its text, which the column's type reads again.
    """
    return json.dumps(_plain(plan), ensure_ascii=False, indent=indent, default=str)


def plan_hash(plan: Plan) -> str:
    """32 hexadecimal digits that change with any decision in the plan."""
    return blake2b(plan_to_json(plan).encode(), digest_size=16).hexdigest()


def plan_from_json(text: str) -> Plan:
    """The plan that ``plan_to_json`` wrote; ModelFileError when it is not one, or of a newer version."""
    try:
        data = json.loads(text)
        if data["version"] > Plan.__dataclass_fields__["version"].default:
            raise ModelFileError(f"plan version {data['version']} is newer than this FixtureSynth: upgrade it")
        return Plan(**{**data, "tables": tuple(_table(t) for t in data["tables"]), "notes": tuple(data["notes"])})
    except (KeyError, TypeError, json.JSONDecodeError) as error:
        raise ModelFileError(f"this is not a FixtureSynth plan: {error}") from error


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        body = {f.name: _plain(getattr(value, f.name)) for f in fields(value)}
        return {"source": type(value).__name__, **body} if type(value).__name__ in SOURCES else body
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    return value


def _source(data: dict[str, Any]) -> Source:
    body = {k: v for k, v in data.items() if k != "source"}
    kind = SOURCES[data["source"]]
    if "call" in body:
        body["call"] = RuleCall(**body["call"])
    for name in ("needs", "sources"):
        if name in body:
            body[name] = tuple(body[name])
    if "parents" in body:
        body["parents"] = tuple((key, column) for key, column in body["parents"])
    made: Source = kind(**body)
    return made


def _column(data: dict[str, Any]) -> ColumnPlan:
    return ColumnPlan(**{**data, "source": _source(data["source"])})


def _table(data: dict[str, Any]) -> TablePlan:
    return TablePlan(
        **{
            **data,
            "columns": tuple(_column(c) for c in data["columns"]),
            "references": tuple(_reference(r) for r in data["references"]),
            "uniques": tuple(_unique(u) for u in data["uniques"]),
            "branches": tuple(_branches(b) for b in data.get("branches", ())),
            "exclusions": tuple(
                ExclusionPlan(**{**e, "groups": tuple(e["groups"])}) for e in data.get("exclusions", ())
            ),
            "aggregates": tuple(AggregatePlan(**a) for a in data.get("aggregates", ())),
            "polymorphic": tuple(
                PolymorphicPlan(
                    **{**p, "to": tuple((c, t, k, tuple(tuple(x) for x in s), tuple(m)) for c, t, k, s, m in p["to"])}
                )
                for p in data.get("polymorphic", ())
            ),
            "states": tuple(
                StatePlan(**{**s, "states": tuple(tuple(x) for x in s["states"])}) for s in data.get("states", ())
            ),
            "balances": tuple(BalancePlan(**b) for b in data.get("balances", ())),
            "successions": tuple(
                Succession(**{**s, "groups": tuple(s["groups"]), "order": tuple(s["order"])})
                for s in data.get("successions", ())
            ),
            "unlike": tuple(tuple(x) for x in data.get("unlike", ())),
            **{
                name: tuple(tuple(x) for x in data[name])
                for name in ("orders", "parent_orders", "distinct", "nulls", "repairs")
            },
        }
    )


def _unique(data: dict[str, Any]) -> UniquePlan:
    lists = {name: tuple(data.get(name, ())) for name in ("columns", "stand_ins")}
    return UniquePlan(**{**data, **lists, "gate": _branch(data.get("gate", ())), "exit": _branch(data.get("exit", ()))})


def _branches(data: dict[str, Any]) -> BranchSet:
    return BranchSet(tuple(data["checks"]), tuple(_branch(b) for b in data["branches"]))


def _branch(data: Iterable[dict[str, Any]]) -> tuple[BranchColumn, ...]:
    return tuple(BranchColumn(**{**c, "call": RuleCall(**c["call"]) if c["call"] else None}) for c in data)


def _reference(data: dict[str, Any]) -> ReferencePlan:
    counts = tuple((int(a), int(b)) for a, b in data["counts"])
    lent = tuple((str(mine), str(theirs)) for mine, theirs in data.get("lent", ()))
    alike = tuple(data.get("alike", ()))
    return ReferencePlan(**{**data, "counts": counts, "blocks": tuple(data["blocks"]), "alike": alike, "lent": lent})


# Fields of Wishes that are not JSON values as they are: (to JSON, from JSON).
WISHES: Mapping[str, tuple[Callable[[Any], Any], Callable[[Any], Any]]] = {
    "rows": (_plain, lambda v: RowsAsked(**v)),
    "columns": (
        _plain,
        lambda v: {table: {name: _column(c) for name, c in columns.items()} for table, columns in v.items()},
    ),
    "changes": (
        _plain,
        lambda v: {table: {name: ColumnChange(**c) for name, c in columns.items()} for table, columns in v.items()},
    ),
    "skip": (sorted, frozenset),
    "counts": (
        lambda v: [[table, fk, _plain(counts)] for (table, fk), counts in v.items()],
        lambda v: {(table, fk): tuple((int(a), int(b)) for a, b in counts) for table, fk, counts in v},
    ),
}


def wishes_to_json(wishes: Wishes) -> str:
    """Wishes as JSON, keys in declaration order."""
    body = {f.name: WISHES.get(f.name, (_plain, None))[0](getattr(wishes, f.name)) for f in fields(wishes)}
    return json.dumps(body, ensure_ascii=False, default=str)


def wishes_from_json(text: str) -> Wishes:
    """The wishes that ``wishes_to_json`` wrote; ModelFileError when the text is no such thing."""
    try:
        data = json.loads(text)
        return Wishes(**{name: WISHES[name][1](value) if name in WISHES else value for name, value in data.items()})
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ModelFileError(f"these are not a user's wishes: {error}") from error
