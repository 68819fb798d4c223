"""Schemas to JSON and back without loss, checked field by field."""

import json
from typing import Any

from fixturesynth.errors import ModelFileError
from fixturesynth.records import MisfitError, read_record
from fixturesynth.schema.model import Schema

__all__ = ["schema_from_json", "schema_from_members", "schema_to_json"]


def schema_to_json(schema: Schema) -> str:
    """JSON text of a schema, keys in declaration order; fields with their default value are left out.

    >>> schema_to_json(Schema((), "sqlite"))
    '{"tables":[],"dialect":"sqlite"}'
    """
    from pydantic import TypeAdapter  # for those who write; readers do without it

    return TypeAdapter(Schema).dump_json(schema, exclude_defaults=True).decode()


def schema_from_json(text: str) -> Schema:
    """The schema that ``schema_to_json`` wrote; ModelFileError when the text is no such thing."""
    try:
        members = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ModelFileError(f"not a schema: {error}; write it with schema_to_json") from error
    return schema_from_members(members)


def schema_from_members(members: Any) -> Schema:
    """As ``schema_from_json``, from what ``json.loads`` gives."""
    try:
        return read_record(Schema, members)
    except (MisfitError, RecursionError) as error:
        raise ModelFileError(f"not a schema: {error}; write it with schema_to_json") from error
