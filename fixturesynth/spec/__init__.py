"""Spec: what the user wants changed, in ``fixturesynth.yaml``; everything in it is optional.

``read_spec`` turns a file into a frozen ``Spec``, ``check_spec`` holds it against a schema, ``write_spec`` makes a
commented text to start from. The file's JSON Schema (``spec_json_schema``) is in ``schemas/``.
"""

from fixturesynth.spec.checking import check_spec
from fixturesynth.spec.model import ChildrenSpec, ColumnSpec, EvaluationSpec, ReferenceSpec, Spec, TableSpec, Window
from fixturesynth.spec.reading import read_spec, spec_json_schema
from fixturesynth.spec.writing import write_spec

__all__ = [
    "ChildrenSpec",
    "ColumnSpec",
    "EvaluationSpec",
    "ReferenceSpec",
    "Spec",
    "TableSpec",
    "Window",
    "check_spec",
    "read_spec",
    "spec_json_schema",
    "write_spec",
]
