"""Schemas to JSON and back without loss, checked field by field."""

from functools import lru_cache

from pydantic import TypeAdapter, ValidationError

from fixturesynth.errors import ModelFileError
from fixturesynth.schema.model import Schema

__all__ = ["schema_from_json", "schema_to_json"]


@lru_cache(maxsize=1)
def _adapter() -> TypeAdapter[Schema]:
    return TypeAdapter(Schema)


def schema_to_json(schema: Schema) -> str:
    """JSON text of a schema, keys in declaration order; fields with their default value are left out.

    >>> schema_to_json(Schema((), "sqlite"))
    '{"tables":[],"dialect":"sqlite"}'
    """
    return _adapter().dump_json(schema, exclude_defaults=True).decode()


def schema_from_json(text: str) -> Schema:
    """The schema that ``schema_to_json`` wrote; ModelFileError when the text is no such thing."""
    try:
        return _adapter().validate_json(text, strict=True)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "the whole"
        raise ModelFileError(f"not a schema: {where}: {first['msg']}; write it with schema_to_json") from error
