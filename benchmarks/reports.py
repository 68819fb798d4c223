"""The report of databases: learned, generated and judged, one page for each, with seconds and the size of the page.

    python benchmarks/reports.py DATABASE.sqlite ... [--out FOLDER] [--generator NAME] [--seed N] [--no-detection]

One line a database; the pages are to be looked at.
"""

from __future__ import annotations

import time
from pathlib import Path

import click

from fixturesynth.evaluation import Report, evaluate
from fixturesynth.loading.reading import read_rows
from fixturesynth.schema.reflection import reflect
from fixturesynth.synthesizer import fit


def report_of(database: Path, generator: str | None, seed: int, detection: bool) -> Report:
    """What a check says of rows learned from ``database`` with its own settings."""
    url = f"sqlite:///{database}"
    schema = reflect(url)
    real = read_rows(url, schema)
    made = fit(real, schema=schema, seed=seed, **({"generator": generator} if generator else {}))
    return evaluate(real, made.sample(seed=seed), schema, profile=made.profile, seed=seed, detection=detection)


@click.command()
@click.argument("databases", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), default=Path("out/reports"))
@click.option("--generator", help="Instead of the one that is chosen by the rows.")
@click.option("--seed", default=1, show_default=True)
@click.option("--detection/--no-detection", default=True)
def main(databases: tuple[Path, ...], out: Path, generator: str | None, seed: int, detection: bool) -> None:
    for database in databases:
        started = time.perf_counter()
        report = report_of(database, generator, seed, detection)
        page = report.save(out / f"{database.stem}.html")
        seconds = time.perf_counter() - started
        click.echo(
            f"{database.stem:16} {seconds:6.1f} s, page {page.stat().st_size / 1e6:.2f} MB, "
            f"{len(report.pictures)} plots, {len(report.verdict.shortfalls)} measures short"
        )


if __name__ == "__main__":
    main()
