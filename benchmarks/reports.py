"""The report of databases: learned, generated and judged, one page for each, with seconds and the size of the page.

    python benchmarks/reports.py DATABASE.sqlite ... [--out FOLDER] [--generator NAME] [--seed N] [--holdout]

One line a database; the pages are to be looked at.
"""

from __future__ import annotations

import time
from pathlib import Path

import click
import pyarrow as pa

from fixturesynth.dataset import Dataset
from fixturesynth.evaluation import Report, evaluate
from fixturesynth.loading.closure import closed_sample
from fixturesynth.loading.reading import read_rows
from fixturesynth.schema.model import Schema
from fixturesynth.schema.reflection import reflect
from fixturesynth.synthesizer import fit


def report_of(database: Path, generator: str | None, seed: int, detection: bool, held_out: bool) -> Report:
    """What a check says of rows learned from ``database`` with its own settings."""
    url = f"sqlite:///{database}"
    schema = reflect(url)
    real, holdout = read_rows(url, schema), None
    if held_out:
        real, holdout = halves(real, schema, seed)
    made = fit(real, schema=schema, seed=seed, **({"generator": generator} if generator else {}))
    return evaluate(
        real, made.sample(seed=seed), schema, holdout=holdout, profile=made.profile, seed=seed, detection=detection
    )


def halves(rows: Dataset, schema: Schema, seed: int) -> tuple[Dataset, Dataset]:
    """About half of the largest tables' rows, with all that they reference, to learn from; and the rows left over.

    Families of a root row stay together. A table that the learned half needs whole has no row left over.
    """
    largest = max(rows.rows.values())
    chosen = closed_sample({n: rows.arrow(n) for n in rows}, schema, largest // 2, seed)
    return (
        Dataset({n: rows.arrow(n).filter(pa.array(chosen[n])) for n in rows}),
        Dataset({n: rows.arrow(n).filter(pa.array(~chosen[n])) for n in rows}),
    )


@click.command()
@click.argument("databases", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), default=Path("out/reports"))
@click.option("--generator", help="Instead of the one that is chosen by the rows.")
@click.option("--seed", default=1, show_default=True)
@click.option("--detection/--no-detection", default=True)
@click.option("--holdout/--no-holdout", "held_out", default=False, help="Learn half; attacks get a control.")
def main(
    databases: tuple[Path, ...], out: Path, generator: str | None, seed: int, detection: bool, held_out: bool
) -> None:
    for database in databases:
        started = time.perf_counter()
        report = report_of(database, generator, seed, detection, held_out)
        page = report.save(out / f"{database.stem}.html")
        seconds = time.perf_counter() - started
        click.echo(
            f"{database.stem:16} {seconds:6.1f} s, page {page.stat().st_size / 1e6:.2f} MB, "
            f"{len(report.pictures)} plots, {len(report.verdict.shortfalls)} measures short"
        )
        attacks = [n for n in report.summary if n.startswith("privacy.") and report.summary[n].mean is not None]
        for name in attacks if held_out else ():
            summed = report.summary[name]
            control = f", control {summed.floor:.3f}" if summed.floor is not None else ""
            click.echo(f"    {name:32} {summed.mean:.3f}{control}")


if __name__ == "__main__":
    main()
