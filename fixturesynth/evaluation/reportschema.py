"""The JSON Schema of the report as JSON, made from the records themselves; published as schemas/report.schema.json."""

from collections.abc import Mapping
from typing import Any

from pydantic import TypeAdapter

from fixturesynth.evaluation.record import (
    LeftOut,
    MetricRecord,
    Promise,
    Requirement,
    Summary,
    ValidityRecord,
    Verdict,
)

__all__ = ["report_json_schema"]


def report_json_schema() -> dict[str, Any]:
    """What ``Report.to_json`` gives, as JSON Schema 2020-12.

    >>> report_json_schema()["properties"]["verdict"]["properties"]["passed"]["type"]
    'boolean'
    """
    properties = {
        "passed": {"type": "boolean", "description": "every requirement holds; without any, what the verdict says"},
        "verdict": _of(Verdict),
        "promises": {"type": "array", "items": _of(Promise)},
        "requirements": {"type": "array", "items": _of(Requirement)},
        "summary": {"type": "object", "additionalProperties": _of(Summary)},
        "metrics": {"type": "array", "items": _of(MetricRecord)},
        "validity": {"type": "array", "items": _of(ValidityRecord)},
        "left_out": {"type": "array", "items": _of(LeftOut)},
        "notes": {"type": "array", "items": {"type": "string"}},
        "provenance": {"type": "object"},
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "FixtureSynth report",
        "description": "What fixturesynth check --json prints. Figures that are not defined are null.",
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _of(record: type) -> Mapping[str, Any]:
    """The schema of one record: every field is always written, none is left to a default."""
    made = TypeAdapter(record).json_schema(mode="serialization")
    made.pop("description", None)
    for field in made["properties"].values():
        field.pop("default", None)
        field.pop("title", None)
    return made | {"required": list(made["properties"]), "additionalProperties": False}
