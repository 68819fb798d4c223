"""``check`` and ``demo``: how good it is."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from fixturesynth.cli.console import Teller, error_console, output_console, teller
from fixturesynth.cli.options import common, json_option, spec_option
from fixturesynth.errors import InputError, SourceError, ThresholdError

if TYPE_CHECKING:
    from fixturesynth.dataset import Dataset
    from fixturesynth.evaluation import Report
    from fixturesynth.schema.model import Schema
    from fixturesynth.sources import Source

__all__ = ["check", "demo"]

REPORTS = (".html", ".htm", ".json", ".md", ".xml")
SHORT = 1


@click.command()
@click.argument("real", metavar="REAL")
@click.argument("synthetic", metavar="SYNTHETIC")
@click.option("--holdout", metavar="H", help="Real rows that nothing was learned from, as a SOURCE.")
@click.option(
    "--report",
    "reports",
    multiple=True,
    type=click.Path(path_type=Path, dir_okay=False),
    help="Also write the report: FILE.html, .json, .md or .xml (JUnit); may be repeated.",
)
@click.option("--overwrite", is_flag=True, help="Replace reports that are there already.")
@spec_option
@click.option("--detection/--no-detection", default=True, help="Train models: to tell the rows apart, and on them.")
@click.option(
    "--require",
    multiple=True,
    metavar="METRIC>=X",
    help="Fail when a metric falls short, for example 'validity>=1', 'detection.c2st>=0.8' or "
    "'statistical.cardinality.min>=0.98'; may be repeated, and adds to those of the spec. "
    "Without any the verdict decides.",
)
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Of halves, folds and samples.")
@json_option
@common
def check(
    real: str,
    synthetic: str,
    holdout: str | None,
    reports: tuple[Path, ...],
    overwrite: bool,
    spec: Path | None,
    detection: bool,
    require: tuple[str, ...],
    seed: int,
    as_json: bool,
    quiet: bool,
) -> int:
    """Compare synthetic rows with real ones: are they valid, real, useful, private and fair?"""
    from fixturesynth.evaluation import METRICS, evaluate
    from fixturesynth.evaluation.requiring import read_conditions
    from fixturesynth.sources import open_source

    read_conditions(require, [m.name for m in METRICS])  # what is misspelled is told before anything is read
    for report in reports:
        if report.suffix.lower() not in REPORTS:
            raise InputError(f"--report {report}: the name must end in {', '.join(REPORTS)}")
        if report.exists() and not overwrite:
            raise InputError(f"{report} exists already: name another file, or replace it with --overwrite")
    with teller(quiet or as_json) as told:
        opened = open_source(real, spec=spec)
        if not opened.has_rows:
            raise SourceError(f"{opened.shown} has no rows to compare with")
        rows = _rows(opened, opened.schema, told)
        others = _rows(open_source(synthetic), opened.schema, told)
        kept = _rows(open_source(holdout), opened.schema, told) if holdout is not None else None
        made = evaluate(
            rows,
            others,
            opened.schema,
            holdout=kept,
            spec=opened.spec,
            detection=detection,
            require=require,
            seed=seed,
            progress=lambda what, done, of: told.step("check", what, done, of),
        )
        for report in reports:
            made.save(report)
            told.say(f"wrote {report}")
    if as_json:
        click.echo(made.to_json())
    else:
        output_console().print("".join(_gate(made)) + made.to_markdown(), markup=False)
    if short := [r.said for r in made.requirements if not r.passed]:
        raise ThresholdError("; ".join(short))
    return 0 if made.passed else SHORT


def _gate(report: Report) -> Iterator[str]:
    """One line for each requirement, those that fail first."""
    for requirement in report.requirements:
        yield f"{'ok  ' if requirement.passed else 'FAIL'} {requirement.condition}: {requirement.said}\n"
    if report.requirements:
        yield "\n"


def _rows(source: Source, schema: Schema, told: Teller) -> Dataset:
    from fixturesynth.loading.reading import read_rows

    if source.kind not in ("folder", "database"):
        raise InputError(f"{source.shown} holds no rows; name a database or a folder of files")
    # The real schema decides what tables and types are; tables that only one side has are left to the comparison.
    tables = [name for name in schema.names if name in source.schema]
    held = source.dataset if source.dataset is not None else source.text
    return read_rows(held, schema, tables=tables, progress=lambda table, n: told.step("read", table, n, 0))


@click.command()
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("fixturesynth-demo"),
    show_default=True,
    help="Folder for the databases, the model and the report.",
)
@click.option("--seed", type=click.IntRange(min=0), default=7, show_default=True, help="Of learning and sampling.")
@common
def demo(out: Path, seed: int, quiet: bool) -> int:
    """Go the whole way on a year of flights: read, learn, generate, load, judge. No server is needed."""
    from fixturesynth.demo import run

    console = error_console() if quiet else output_console()
    console.quiet = quiet
    return run(out, seed=seed, console=console)
