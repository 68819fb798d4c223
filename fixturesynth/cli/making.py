"""``fit`` and ``generate``: from a source to a model, and from either to files."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fixturesynth.cli.console import teller
from fixturesynth.cli.options import (
    Numbers,
    Part,
    asked_rows,
    asked_values,
    common,
    part_of,
    rows_options,
    seed_option,
    spec_option,
)
from fixturesynth.errors import InputError, LoadError, SourceError
from fixturesynth.placing import put

if TYPE_CHECKING:
    from fixturesynth.dataset import Dataset
    from fixturesynth.synthesizer import Synthesizer

__all__ = ["fit", "generate"]

SINGLE = ("sql", "sqlite", "duckdb")  # formats with all tables in one file
FORMATS = ("parquet", "csv", "jsonl", *SINGLE)
SUFFIXES = {".sql": "sql", ".sqlite": "sqlite", ".sqlite3": "sqlite", ".db": "sqlite", ".duckdb": "duckdb"}


@click.command()
@click.argument("source", metavar="SOURCE")
@click.option(
    "-o",
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    required=True,
    help="Model file to write, ending in .fsynth.",
)
@spec_option
@click.option(
    "--generator",
    help="How tables are learned: auto, cart, network, copula, independent, vae, gan, diffusion or a plug-in. "
    "Default: the spec's, or auto.",
)
@click.option(
    "--time-limit",
    type=Numbers(min=0, min_open=True),
    help="Seconds for learning. With auto, trees and the network are then measured on held-out rows, table by table.",
)
@click.option(
    "--device",
    type=click.Choice(["auto", "cpu", "cuda", "mps"]),
    default="auto",
    show_default=True,
    help="Where the network learns.",
)
@click.option("--dp-epsilon", type=float, help="Differential privacy: not there yet, and refused.")
@click.option(
    "--limit",
    type=click.IntRange(min=1),
    help="Read at most so many rows of a table, sampled so that references stay closed. Default: all.",
)
@seed_option
@click.option("--overwrite", is_flag=True, help="Replace the model file when it is there already.")
@common
def fit(
    source: str,
    out: Path,
    spec: Path | None,
    generator: str | None,
    time_limit: float | None,
    device: str,
    dp_epsilon: float | None,
    limit: int | None,
    seed: int | None,
    overwrite: bool,
    quiet: bool,
) -> None:
    """Learn from the rows of SOURCE and keep the model in one file."""
    from fixturesynth.sources import learn, open_source

    if dp_epsilon is not None:
        raise InputError(
            "--dp-epsilon: nothing here is differentially private, and no model is made that would pretend to be; "
            "leave the option out for protection by counts of root entities (docs/limits.md, Privacy)"
        )
    if out.suffix != ".fsynth":
        raise InputError(f"{out}: a model's name must end in .fsynth")
    if out.exists() and not overwrite:
        raise InputError(f"{out} exists already: name another file, or replace it with --overwrite")
    if not out.parent.is_dir():
        raise InputError(f"cannot write {out}: no such folder {out.parent}; make it first")
    _known_generator(generator)
    with teller(quiet) as told:
        opened = open_source(source, spec=spec)
        if opened.synthesizer is not None:
            raise InputError(f"{source} is a model already; name the rows to learn from")
        if not opened.has_rows:
            raise SourceError(
                f"{opened.shown} has no rows to learn from; generate and seed take it as it is and use rules"
            )
        made = learn(
            opened,
            seed=seed,
            generator=generator,
            time_limit=time_limit,
            limit=limit,
            device=device,
            progress=told.step,
        )
        made.save(out)
        told.say(f"wrote {out}: {len(made.plan.shown)} tables, {out.stat().st_size:,} bytes")
        _tell_notes(told.say, made)


def _known_generator(name: str | None) -> None:
    from fixturesynth.errors import did_you_mean
    from fixturesynth.planning.wishes import known_generators

    if name is not None and name not in known_generators():
        raise InputError(f"unknown generator {name!r}: {did_you_mean(name, known_generators())}")


def _tell_notes(say: Any, made: Synthesizer) -> None:
    for note in made.plan.notes:
        say(f"note: {note}")


@click.command()
@click.argument("origin", metavar="FROM")
@click.option("-o", "--out", required=True, help="Folder or file to write; may be a URL that fsspec knows.")
@click.option(
    "--format",
    "kind",
    type=click.Choice(FORMATS),
    help="Default: by the ending of OUT (.sql, .sqlite, .db, .duckdb), else parquet.",
)
@spec_option
@rows_options
@seed_option
@click.option(
    "--given",
    multiple=True,
    metavar="T.C=V[:SHARE]",
    help="A value that a column takes, in all rows or in a share of them (0.2 or 20%); may be repeated.",
)
@click.option(
    "--workers", type=click.IntRange(min=1), default=1, show_default=True, help="Processes; never changes a byte."
)
@click.option(
    "--engine",
    type=click.Choice(["local", "ray"]),
    default="local",
    show_default=True,
    help="Where partitions are made.",
)
@click.option("--part", metavar="K/N", help="Write only the K-th of N slices of every table, in a folder of its own.")
@click.option("--strict", is_flag=True, help="Refuse rather than make fewer rows than were to be expected.")
@click.option("--overwrite", is_flag=True, help="Replace files that are there.")
@common
def generate(
    origin: str,
    out: str,
    kind: str | None,
    spec: Path | None,
    rows: tuple[str, ...],
    scale: float | None,
    seed: int | None,
    given: tuple[str, ...],
    workers: int,
    engine: str,
    part: str | None,
    strict: bool,
    overwrite: bool,
    quiet: bool,
) -> None:
    """Make rows from FROM and write them as files, with a manifest beside them."""
    from fixturesynth.loading.files import write_files
    from fixturesynth.loading.manifest import build_manifest
    from fixturesynth.planning.serialisation import plan_hash
    from fixturesynth.sampling.distribution import map_of
    from fixturesynth.sources import learn, open_source, replanned

    chosen = kind or SUFFIXES.get(Path(out).suffix.lower(), "parquet")
    slice_ = part_of(part)
    if slice_ is not None and chosen in SINGLE:
        raise InputError(f"--part needs a format with a file for each table, not {chosen}; use parquet, csv or jsonl")
    place = out if slice_ is None else f"{out.rstrip('/')}/{slice_.name}"
    mapper = map_of(engine)
    with teller(quiet) as told:
        opened = open_source(origin, spec=spec)
        _refuse_existing(place, chosen, opened.schema.names, overwrite)
        asked = asked_rows(rows, scale, opened)
        learned = learn(opened, seed=seed, rows=asked, strict=strict, progress=told.step)
        made = replanned(learned, rows=asked, strict=strict)
        data = made.sample(given=asked_values(given, made), workers=workers, map=mapper, progress=told.sampled)
        if slice_ is not None:
            data = _sliced(data, slice_)
        order = [t.name for t in made.plan.shown]
        told.step("write", "", 0, 0)
        paths = write_files(data, place, format=chosen, schema=made.schema, order=order, overwrite=overwrite)
        manifest = build_manifest(data, seed=made.seed, plan_hash=plan_hash(made.plan), source=opened.shown)
        _write_manifest(place, chosen, paths, manifest)
        total = sum(data.rows.values())
        told.say(f"wrote {total:,} rows of {len(data)} tables to {place} ({chosen}, seed {made.seed})")
        _tell_notes(told.say, made)


def _refuse_existing(out: str, kind: str, tables: tuple[str, ...], overwrite: bool) -> None:
    """Refused before any work is done; writing looks again."""
    if overwrite or "://" in out:
        return
    single = kind in SINGLE and not Path(out).is_dir()
    names = [Path(out)] if single else [Path(out) / f"{t}.{kind}" for t in tables]
    if not single and Path(out).is_file():
        raise InputError(f"{out} is a file; {kind} needs a folder, or name another format with --format")
    for path in names:
        if os.path.lexists(path):
            raise InputError(f"{path} exists already: name another place, or replace it with --overwrite")


def _sliced(data: Dataset, part: Part) -> Dataset:
    from fixturesynth.dataset import Dataset

    tables = {}
    for name in data:
        low, high = part.bounds(data.arrow(name).num_rows)
        tables[name] = data.arrow(name).slice(low, high - low)
    return Dataset(tables)


def _write_manifest(out: str, kind: str, paths: list[str], manifest: dict[str, Any]) -> None:
    """``fixturesynth-manifest.json`` in a folder, ``OUT.manifest.json`` beside a single file."""
    import json
    from datetime import UTC, datetime

    from fixturesynth.loading.manifest import FILE, write_manifest

    text = json.dumps({"created": datetime.now(UTC).isoformat(timespec="seconds"), **manifest}, indent=2) + "\n"
    if "://" not in out:
        path = Path(f"{paths[0]}.manifest.json") if kind in SINGLE else Path(out) / FILE
        try:
            if kind in SINGLE:
                put(path, text)
            else:
                write_manifest(out, manifest)
        except OSError as error:
            raise LoadError(f"cannot write {path}: {error.strerror}; the rows were written") from error
        return
    import fsspec

    with fsspec.open(f"{out}.manifest.json" if kind in SINGLE else f"{out.rstrip('/')}/{FILE}", "w") as file:
        file.write(text)
