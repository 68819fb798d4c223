"""Whether datasets from ``from_model`` follow the model: Hypothesis's draws against the model's own sampler.

    python benchmarks/distribution.py sqlite:///adult.sqlite adult [--rows 20000] [--limit 6000] [--mode structural]

Each column is held against the model's own sampler: numbers and dates by Kolmogorov-Smirnov, others by chi-square over
values with at least five expected rows. Rows of one dataset are not independent of each other (they share out what was
learned evenly), so datasets of one row are drawn; where the table has parents, one row is a first child of the first
parent, and the sampler is asked for as many datasets of one row as well. Values that no real row has are one category:
names made up in place of rare ones differ by the dataset's number. Prints the smallest p-value beside the one that a
second sample of the model itself gives; with as many columns as tests, p above .001 is agreement.
"""

from collections import Counter
from time import perf_counter
from typing import Any

import click
import numpy as np
from hypothesis import HealthCheck, Phase, given, settings
from scipy.stats import chi2_contingency, ks_2samp

import fixturesynth as fs
from fixturesynth.strategies import from_model


def drawn(model: fs.Synthesizer, table: str, mode: str, rows: int) -> list[dict[str, Any]]:
    """One row of each of so many datasets."""
    found: list[dict[str, Any]] = []

    @settings(
        max_examples=rows,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(from_model(model, [table], max_rows=1, mode=mode))
    def draw(data: dict[str, list[dict[str, Any]]]) -> None:
        found.extend(data[table])

    draw()
    return found


def sampled(model: fs.Synthesizer, table: str, rows: int, seed: int) -> list[dict[str, Any]]:
    """As many rows of the model's own sampler: at once, or one by one where they have parents."""
    if not model.plan[table].references:
        return model.sample(rows={table: rows}, seed=seed).arrow(table).to_pylist()
    drawing = from_model(model, [table], max_rows=1)._make
    return [drawing.remembered(1, seed * rows + n).arrow(table).to_pylist()[0] for n in range(rows)]


def p_value(ours: list[Any], theirs: list[Any], real: list[Any]) -> float:
    """That both come from one distribution."""
    numbers = [[_number(v) for v in values if v is not None] for values in (ours, theirs)]
    if all(v is not None for v in (*numbers[0], *numbers[1])) and len(set(numbers[0])) > 20:
        return float(ks_2samp(numbers[0], numbers[1]).pvalue)
    known = set(map(str, real))
    counts = [Counter(v if v in known else "made up" for v in map(str, values)) for values in (ours, theirs)]
    common = [v for v in counts[0] | counts[1] if counts[0][v] + counts[1][v] >= 10]
    table = np.array([[c[v] for v in common] for c in counts])
    return 1.0 if table.shape[1] < 2 else float(chi2_contingency(table).pvalue)


def _number(value: Any) -> float | None:
    if hasattr(value, "toordinal"):
        return float(value.toordinal())
    return None if isinstance(value, str | bool) or not hasattr(value, "__float__") else float(value)


@click.command()
@click.argument("source")
@click.argument("table")
@click.option("--rows", default=20_000, show_default=True)
@click.option("--limit", default=6_000, show_default=True, help="rows to learn from")
@click.option("--mode", "modes", multiple=True, default=("realistic", "structural"), show_default=True)
def main(source: str, table: str, rows: int, limit: int, modes: tuple[str, ...]) -> None:
    """Draw, compare, print."""
    model = fs.fit(source, limit=limit, seed=7)
    real = fs.read_rows(source, fs.reflect(source), limit=limit, seed=7).arrow(table).to_pylist()
    plans = {c.name: type(c.source).__name__ for c in model.plan[table].columns}
    learned = [name for name, kind in plans.items() if kind in ("Modelled", "Derived")]
    base = sampled(model, table, rows, 1)
    print("| rows | seconds | smallest p | column | columns below .001 |\n|---|---|---|---|---|")
    for name in ("the model again", *modes):
        start = perf_counter()
        found = drawn(model, table, name, rows) if name in modes else sampled(model, table, rows, 2)
        took = perf_counter() - start
        values = {c: p_value([r[c] for r in found], [r[c] for r in base], [r[c] for r in real]) for c in learned}
        worst = min(values, key=values.__getitem__)
        below = ", ".join(f"{c} ({p:.1e})" for c, p in values.items() if p < 0.001) or "none"
        print(f"| {name} ({len(found):,}) | {took:.0f} | {values[worst]:.4f} | {worst} | {below} |", flush=True)


if __name__ == "__main__":
    main()
