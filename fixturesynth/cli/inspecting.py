"""``inspect``, ``init`` and ``plan``: what is there, and what would be done with it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from fixturesynth.cli.console import listed, output_console, print_table, teller
from fixturesynth.cli.options import asked_rows, common, json_option, rows_options, spec_option
from fixturesynth.errors import InputError, did_you_mean
from fixturesynth.placing import put

if TYPE_CHECKING:
    from rich.console import Console

    from fixturesynth.cli.findings import Findings
    from fixturesynth.planning.plan import Plan

__all__ = ["init", "inspect", "plan"]

SAMPLE = 20_000  # rows of a table that are looked at for a spec to start from
WIDE = 40  # tables beyond which the list of tables leaves out what only a few need


@click.command()
@click.argument("source", metavar="SOURCE")
@json_option
@click.option(
    "--graph",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Also draw the tables and their references: FILE.svg, FILE.html or FILE.mmd (Mermaid).",
)
@click.option("--overwrite", is_flag=True, help="Replace the picture when it is there already.")
@common
def inspect(source: str, as_json: bool, graph: Path | None, overwrite: bool, quiet: bool) -> None:
    """Show tables, keys, cycles, and constraints understood and not."""
    from fixturesynth.cli.findings import find_facts, findings_json
    from fixturesynth.sources import open_source, rows_in

    draw = _drawer(graph, overwrite) if graph is not None else None
    opened = open_source(source)
    found = find_facts(opened.schema, rows_in(opened), opened.shown)
    if graph is not None and draw is not None:
        _write(graph, draw(opened.schema, found.graph))
        if not quiet:
            click.echo(f"wrote {graph}", err=True)
    if as_json:
        click.echo(findings_json(found))
    else:
        _print_findings(output_console(), found)


def _drawer(path: Path, overwrite: bool):  # type: ignore[no-untyped-def]
    from fixturesynth.schema.drawing import draw_html, draw_mermaid, draw_svg

    by_suffix = {".svg": draw_svg, ".html": draw_html, ".mmd": draw_mermaid}
    if path.suffix.lower() not in by_suffix:
        raise InputError(f"--graph {path}: the name must end in .svg, .html or .mmd")
    _refuse_existing(path, overwrite)
    return by_suffix[path.suffix.lower()]


def _refuse_existing(path: Path, overwrite: bool) -> None:
    if path.exists() and not overwrite:
        raise InputError(f"{path} exists already: name another file, or replace it with --overwrite")
    if not path.parent.is_dir():
        raise InputError(f"cannot write {path}: no such folder {path.parent}; make it first")


def _write(path: Path, text: str) -> None:
    try:
        put(path, text)
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror}; name another file") from error


def _print_findings(console: Console, found: Findings) -> None:
    console.print(found.headline, markup=False, style="bold")
    rows = [
        [
            t.name,
            "" if t.rows is None else f"{t.rows:,}",
            str(t.columns),
            ", ".join(t.key) or "none",
            ", ".join(t.parents) if len(found.tables) <= WIDE else str(len(t.parents) or ""),
            "; ".join(t.remarks),
        ]
        for t in found.tables
    ]
    print_table(console, ["table", "rows", "columns", "key", "references", "remarks"], rows, numbers=(1, 2))
    for title, items in found.lists:
        listed(console, title, items)


@click.command()
@click.argument("source", metavar="SOURCE")
@click.option(
    "-o",
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path("fixturesynth.yaml"),
    show_default=True,
    help="File to write.",
)
@click.option("--overwrite", is_flag=True, help="Replace the file when it is there already.")
@common
def init(source: str, out: Path, overwrite: bool, quiet: bool) -> None:
    """Write a commented spec to edit: every table and column, with what would be done."""
    from fixturesynth.sources import decide, open_source
    from fixturesynth.spec import write_spec

    _refuse_existing(out, overwrite)
    opened = open_source(source)
    with teller(quiet) as told:
        profile = decide(opened, limit=SAMPLE, progress=told.step).profile if opened.has_rows else None
    text = write_spec(opened.schema, profile, json_schema=_json_schema())
    line = _source_line(source, opened.kind, out)
    _write(out, text.replace("\nversion: 1\n", f"\nversion: 1\n{line}\n", 1))
    if not quiet:
        click.echo(f"wrote {out}: use it with --spec {out}, or as FROM", err=True)


def _source_line(source: str, kind: str, out: Path) -> str:
    """Where the spec's tables come from: relative to its file, and never with a password in it."""
    import os

    import yaml

    from fixturesynth.schema.connection import masked

    if masked(source) != source:
        return f"# source: {masked(source)}   # put the password in, or name the source beside --spec"
    if "://" not in source and kind != "python":
        source = os.path.relpath(source, out.parent)
    return (
        f"source: {yaml.safe_dump(source, default_flow_style=True, width=2**31).removesuffix('...' + chr(10)).strip()}"
    )


def _json_schema() -> str:
    """The JSON Schema of specs as installed, for editors."""
    package = Path(__file__).resolve().parent.parent
    inside = package / "schemas" / "spec.schema.json"
    return (inside if inside.is_file() else package.parent / "schemas" / "spec.schema.json").as_uri()


@click.command()
@click.argument("source", metavar="SOURCE")
@spec_option
@rows_options
@click.option("--strict", is_flag=True, help="Refuse rather than make fewer rows than were to be expected.")
@click.option("--table", "only", multiple=True, metavar="T", help="Show only this table; may be repeated.")
@json_option
@common
def plan(
    source: str,
    spec: Path | None,
    rows: tuple[str, ...],
    scale: float | None,
    strict: bool,
    only: tuple[str, ...],
    as_json: bool,
    quiet: bool,
) -> None:
    """Show where each column's values will come from, and why."""
    from fixturesynth.planning.serialisation import plan_to_json
    from fixturesynth.sources import decide, open_source, replanned

    opened = open_source(source, spec=spec)
    asked = asked_rows(rows, scale, opened)
    for name in only:
        if name not in opened.schema:
            raise InputError(f"--table {name}: no such table; {did_you_mean(name, opened.schema.names)}")
    with teller(quiet or as_json) as told:
        made = replanned(decide(opened, rows=asked, strict=strict, progress=told.step), rows=asked, strict=strict)
    if as_json:
        click.echo(plan_to_json(made.plan, indent=2))
    else:
        _print_plan(output_console(), made.plan, only)


def _print_plan(console: Console, made: Plan, only: tuple[str, ...]) -> None:
    from fixturesynth.cli.wording import reference_words, source_words

    console.print(f"{len(made.shown)} tables in this order; locale {made.locale}, now {made.now}", markup=False)
    for table in made.tables:
        if only and (table.repeated_in or table.name) not in only:
            continue
        facts = [f"{table.rows:,} rows", table.mode, f"by {table.generator}" if table.mode == "generate" else ""]
        context = f"children of {table.reference(table.context).parent}" if table.context else ""
        repeated = f"no table of its own: rows of {table.repeated_in} repeat it" if table.repeated_in else ""
        head = ", ".join(f for f in (repeated, *facts, context, table.why) if f)
        console.print(f"\n{table.name}", style="bold", markup=False, end="")
        console.print(f"  {head}", markup=False)
        for reference in table.references:
            console.print(f"  {reference_words(reference)}", markup=False)
        if table.mode == "generate":
            cells = [[c.name, source_words(c), c.why] for c in table.columns]
            print_table(console, ["column", "source", "why"], cells)
    for note in made.notes:
        console.print(f"note: {note}", markup=False)
