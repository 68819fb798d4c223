"""Hypothesis strategies for relational data: valid by construction, and they shrink to the smallest failing database."""

from fixturesynth.strategies.datasets import from_schema, rows

__all__ = ["from_schema", "rows"]
