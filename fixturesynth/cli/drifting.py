"""``drift``: has a source moved away from what a model learned?"""

from __future__ import annotations

from pathlib import Path

import click

from fixturesynth.cli.console import output_console, teller
from fixturesynth.cli.options import Numbers, common, json_option
from fixturesynth.errors import InputError, ThresholdError

__all__ = ["drift"]

MOVED = 1


@click.command()
@click.argument("model", metavar="MODEL")
@click.argument("source", metavar="SOURCE")
@click.option(
    "--tolerance",
    type=Numbers(0, 1, max_open=True),
    default=0.05,
    show_default=True,
    help="Distances below it are no reason to refit, however certain.",
)
@click.option(
    "--require",
    multiple=True,
    metavar="METRIC<=X",
    help="Fail when something moved further: 'drift.columns<=0.1', 'drift.nulls<=0.05', 'drift.schema<=0'; "
    "may be repeated. Without it everything beyond chance and tolerance fails.",
)
@json_option
@common
def drift(model: str, source: str, tolerance: float, require: tuple[str, ...], as_json: bool, quiet: bool) -> int:
    """Compare the rows of a source with what a model learned: what has moved, and is it time to refit?"""
    from fixturesynth.evaluation.drifting import drift as compare
    from fixturesynth.sources import kind_of

    if kind_of(model) != "model":
        raise InputError(f"{Path(model).name} is no model: name a .fsynth file that fixturesynth fit has written")
    if kind_of(source) not in ("folder", "database"):
        raise InputError(f"{source} holds no rows; name a database or a folder of files")
    with teller(quiet or as_json) as told:
        found = compare(
            model, source, tolerance=tolerance, require=require,
            progress=lambda what, done, of: told.step("drift", what, done, of),
        )  # fmt: skip
    if as_json:
        click.echo(found.to_json())
    else:
        lines = [f"{'ok  ' if r.passed else 'FAIL'} {r.condition}: {r.said}\n" for r in found.requirements]
        output_console().print("".join([*lines, "\n" if lines else ""]) + found.to_markdown(), markup=False)
    if short := [r.said for r in found.requirements if not r.passed]:
        raise ThresholdError("; ".join(short))
    return 0 if found.passed else MOVED
