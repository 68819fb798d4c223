"""Rules that name categories: none leaves the rows that too few share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from fixturesynth.profiling.profile import ColumnProfile, Invariant
from fixturesynth.schema.model import ForeignKey

__all__ = ["without_rare"]

Profiles = Mapping[str, Mapping[str, ColumnProfile]]


def without_rare(rule: Invariant, profiles: Profiles, foreign_keys: Sequence[ForeignKey]) -> Invariant | None:
    """The rule with the categories alone that the profile stores; None where it says nothing without the others."""
    p = rule.parameters
    if rule.kind == "running" and p.get("by"):
        kept = [pair for pair in p["signs"] if _stored(pair[0], profiles, rule.table, p["by"])]
        return replace(rule, parameters={**p, "signs": kept})
    if rule.kind == "aggregate" and p.get("by"):
        named, table, column = [value for value, _ in p["weights"]], p["child"], p["by"]
    elif rule.kind == "balance" and p.get("by"):
        parent = next(fk.parent for fk in foreign_keys if fk.name == rule.foreign_key)
        kept = [pair for pair in p["kinds"] if _stored(pair[0], profiles, parent, p["by"])]
        return replace(rule, parameters={**p, "kinds": kept}) if kept else None
    elif rule.kind == "paced" and "paces" in p:
        above = {fk.name: fk.parent for fk in foreign_keys}
        table = above[p["key"]] if p["key"] is not None else rule.table
        kept = [pair for pair in p["paces"] if _stored(pair[0], profiles, table, p["by"])]
        return replace(rule, parameters={**p, "paces": kept}) if kept else None
    elif rule.kind == "progress":
        named, table, column = p["states"], rule.table, rule.target
    elif rule.kind == "polymorphic":
        kept = [to for to in p["to"] if _stored(to[0], profiles, rule.table, rule.sources[0])]
        return replace(rule, parameters={"to": kept}) if kept else None
    elif rule.kind == "states":
        if p["by"] == "state":
            return rule
        kept = [pair for pair in p["states"] if _stored(pair[0], profiles, rule.table, rule.sources[0])]
        return replace(rule, parameters={**p, "states": kept}) if kept else None
    elif rule.kind == "presence":
        named, table, column = [p["null"], p["set"]], rule.table, rule.target
    else:
        return rule
    return rule if all(_stored(value, profiles, table, column) for value in named) else None


def _stored(value: Any, profiles: Profiles, table: str, column: str) -> bool:
    seen = profiles.get(table, {}).get(column)
    if value is None or seen is None or seen.kind == "boolean":
        return True
    return str(value) in {str(v) for v, _ in seen.values}
