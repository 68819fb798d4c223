"""Options that several commands share, and what their values mean."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from fixturesynth.errors import InputError, did_you_mean

if TYPE_CHECKING:
    from fixturesynth.planning.rows import RowsAsked
    from fixturesynth.sources import Source
    from fixturesynth.synthesizer import Synthesizer

__all__ = ["Part", "asked_rows", "asked_values", "common", "json_option", "part_of", "rows_options", "seed_option",
           "spec_option"]  # fmt: skip

Wrapped = TypeVar("Wrapped", bound=Callable[..., Any])

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON and nothing else on stdout.")
seed_option = click.option(
    "--seed",
    type=click.IntRange(min=0),
    help="The same seed gives the same bytes. Default: the spec's or model's, or 0.",
)
spec_option = click.option(
    "--spec",
    type=click.Path(path_type=Path),
    help="Settings that overrule what would be decided (fixturesynth.yaml).",
)


class Numbers(click.FloatRange):
    """A range of numbers, nan and inf not among them."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        found = super().convert(value, param, ctx)
        if not isfinite(found):
            self.fail(f"{value} is no number", param, ctx)
        return found


def common(command: Wrapped) -> Wrapped:
    """Options of every command."""
    command = click.option("--traceback", is_flag=True, expose_value=False, help="Show where an error came from.")(
        command
    )
    return click.option("--quiet", "-q", is_flag=True, help="No progress on stderr, only errors.")(command)


def rows_options(command: Wrapped) -> Wrapped:
    """--rows and --scale."""
    command = click.option(
        "--scale", type=Numbers(min=0, min_open=True), help="Multiply the rows of the source, or the default."
    )(command)
    return click.option(
        "--rows",
        "rows",
        multiple=True,
        metavar="N|T=N",
        help="Rows of every table (N) or of one table (T=N); may be repeated.",
    )(command)


def asked_rows(given: Sequence[str], scale: float | None, source: Source) -> RowsAsked | None:
    """``--rows`` and ``--scale`` against the source's tables; None when neither was given.

    Raises:
        InputError: not a number, negative, an unknown table, or one that is named twice.
    """
    from fixturesynth.planning.rows import RowsAsked

    if not given and scale is None:
        return None
    default: int | None = None
    tables: dict[str, int] = {}
    for text in given:
        name, equals, number = text.rpartition("=")
        count = _whole(text, number)
        if not equals:
            if default is not None:
                raise InputError(f"--rows {text}: rows of every table are given twice; keep one")
            default = count
            continue
        if name not in source.schema:
            raise InputError(f"--rows {text}: no table {name!r}; {did_you_mean(name, source.schema.names)}")
        if name in tables:
            raise InputError(f"--rows {text}: rows of {name!r} are given twice; keep one")
        tables[name] = count
    return RowsAsked(tables, default, 1.0 if scale is None else scale)


def _whole(text: str, number: str) -> int:
    try:
        count = int(number)
    except ValueError:
        raise InputError(
            f"--rows {text}: {number!r} is not a whole number; write --rows 100 or --rows orders=100"
        ) from None
    if count < 0:
        raise InputError(f"--rows {text}: rows must not be negative")
    return count


@dataclass(frozen=True)
class Part:
    """The ``number``-th of ``of`` slices of every table, from 1."""

    number: int
    of: int

    @property
    def name(self) -> str:
        return f"part-{self.number}-of-{self.of}"

    def bounds(self, rows: int) -> tuple[int, int]:
        """First row and the row after the last one.

        >>> [Part(k, 3).bounds(10) for k in (1, 2, 3)]
        [(0, 3), (3, 6), (6, 10)]
        """
        return rows * (self.number - 1) // self.of, rows * self.number // self.of


def part_of(text: str | None) -> Part | None:
    """``K/N`` as a Part; InputError when it is none."""
    if text is None:
        return None
    number, slash, of = text.partition("/")
    if not (slash and number.isdecimal() and of.isdecimal() and 1 <= int(number) <= int(of)):
        raise InputError(f"--part {text}: expected K/N with K from 1 to N, for example 1/4")
    return Part(int(number), int(of))


def asked_values(given: Sequence[str], made: Synthesizer) -> dict[str, dict[str, Any]]:
    """``--given T.C=V[:SHARE]`` as table -> column -> value or (value, share), held against schema and plan.

    Raises:
        InputError: an unknown name, a value that the column's type or a check does not take, or a column whose values
            come from elsewhere (keys, references, the database).
    """
    found: dict[str, dict[str, Any]] = {}
    for text in given:
        table, column, value, share = _parsed(text, made)
        _refuse_owned(text, table, column, made)
        value = _typed(text, table, column, value, made)
        found.setdefault(table, {})[column] = (value, share) if share is not None else value
    return found


def _parsed(text: str, made: Synthesizer) -> tuple[str, str, str, float | None]:
    place, equals, value = text.partition("=")
    tables = [t for t in made.schema.names if place.startswith(f"{t}.")]
    if not equals or "." not in place:
        raise InputError(f"--given {text}: expected TABLE.COLUMN=VALUE, with :SHARE behind it for a part of the rows")
    if not tables:
        name = place.rpartition(".")[0]
        raise InputError(f"--given {text}: no table {name!r}; {did_you_mean(name, made.schema.names)}")
    table = max(tables, key=len)
    column = place[len(table) + 1 :]
    if column not in made.schema[table]:
        known = made.schema[table].column_names
        raise InputError(f"--given {text}: no column {column!r} in {table}; {did_you_mean(column, known)}")
    head, colon, tail = value.rpartition(":")
    share = _share(tail) if colon else None
    return (table, column, value, None) if share is None else (table, column, head, share)


def _share(text: str) -> float | None:
    """A share is written with a point or a percent sign, so that 12:30 stays a time."""
    number = text.removesuffix("%")
    if ("." not in text and number == text) or not number.replace(".", "", 1).isdecimal():
        return None
    share = float(number) / 100 if number != text else float(number)
    return share if 0 <= share <= 1 else None


def _refuse_owned(text: str, table: str, column: str, made: Synthesizer) -> None:
    from fixturesynth.planning.plan import Default, Key, Reference

    plan = made.plan[table]
    if plan.mode == "verbatim":
        raise InputError(f"--given {text}: {table} is kept as in the rows; set reference: false for it in the spec")
    reasons = (
        (Reference, "the column references another table; give values to the column that it references"),
        (Key, "the column is unique; one value cannot be given to many rows"),
        (Default, "the database fills the column; name a rule for it in the spec"),
    )
    source = plan.column(column).source
    for kind, why in reasons:
        if isinstance(source, kind):
            raise InputError(f"--given {text}: {why}")


def _typed(text: str, table: str, column: str, value: str, made: Synthesizer) -> Any:
    from fixturesynth.sampling.entities import as_given
    from fixturesynth.schema.predicates import compile_constraints

    declared = made.schema[table]
    try:
        typed = as_given(value, declared, made.models.get(table), column)
    except ValueError as error:
        raise InputError(f"--given {text}: {error}") from error
    domain = compile_constraints(declared, made.schema.dialect).domains.get(column)
    written = typed.isoformat() if hasattr(typed, "isoformat") else typed
    if domain is not None and not domain.contains(written):
        raise InputError(f"--given {text}: a check of {table} does not allow {value!r} in {column}")
    return typed
