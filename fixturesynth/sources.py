"""What a SOURCE or FROM is: a database, SQL script, models in Python, a folder of files, a model file or a spec."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Literal

from fixturesynth.dataset import Dataset
from fixturesynth.errors import InputError, SourceError, SpecError
from fixturesynth.loading.counting import count_rows, has_rows
from fixturesynth.loading.judging import make_judge
from fixturesynth.loading.reading import infer_schema, read_rows
from fixturesynth.loading.verdicts import Judge, judge_without_database
from fixturesynth.planning.agreeing import with_agreeing
from fixturesynth.planning.planner import Wishes, make_plan, settled_by
from fixturesynth.planning.rows import RowsAsked
from fixturesynth.planning.wishes import wishes_of, with_references
from fixturesynth.profiling.entities import profile_with_entities
from fixturesynth.profiling.oddities import set_apart
from fixturesynth.schema.model import Schema
from fixturesynth.schema.reflection import reflect
from fixturesynth.schema.repeated import with_repeated
from fixturesynth.spec import Spec, read_spec
from fixturesynth.synthesizer import Synthesizer, fit, plan_rules

__all__ = ["Source", "decide", "kind_of", "learn", "open_source", "replanned", "rows_in"]

Kind = Literal["model", "spec", "sql", "python", "folder", "database"]
Progress = Callable[[str, str, int, int], None]

SPECS = (".yaml", ".yml")
MODEL = ".fsynth"


@dataclass(frozen=True)
class Source:
    """A source that has been opened. ``schema`` has the references of ``spec``.

    ``dataset``: the rows of a folder. ``synthesizer``: what a model file holds.
    """

    text: str
    kind: Kind
    schema: Schema
    spec: Spec
    dataset: Dataset | None = None
    synthesizer: Synthesizer | None = None

    @property
    def shown(self) -> str:
        """The source as it may be printed: without a password."""
        from fixturesynth.schema.connection import masked

        return masked(self.text)

    @property
    def has_rows(self) -> bool:
        """Whether there is anything to learn from."""
        if self.dataset is not None:
            return any(self.dataset.rows.values())
        return self.kind == "database" and has_rows(self.text, self.schema)

    @property
    def judge(self) -> Judge | None:
        """The database itself, to evaluate what cannot be evaluated outside of it."""
        return make_judge(self.text) if self.kind == "database" else judge_without_database(self.schema)


def kind_of(text: str) -> Kind:
    """What a SOURCE is, by how it is written and by what lies there.

    >>> kind_of("postgresql:///shop"), kind_of("shop.models:Base"), kind_of("shop.sql"), kind_of("shop.fsynth")
    ('database', 'python', 'sql', 'model')
    """
    from fixturesynth.schema.reflection import is_python_name

    if "://" in text:
        return "database"
    path = Path(text)
    if path.is_dir():
        return "folder"
    suffix = path.suffix.lower()
    by_suffix: dict[str, Kind] = {".sql": "sql", MODEL: "model", **dict.fromkeys(SPECS, "spec")}
    if suffix in by_suffix:
        return by_suffix[suffix]
    return "python" if is_python_name(text) else "database"


def open_source(
    text: str,
    *,
    spec: str | Path | None = None,
    without_tables: str = "has no tables; check the database or schema name",
) -> Source:
    """Open what ``text`` names, with the settings of ``spec`` (a path), which for a spec as source are its own.

    ``without_tables``: what is said of a source that has none.

    Raises:
        SourceError: it cannot be read, or has no tables.
        SpecError: the spec is wrong in itself.
        ModelFileError: not a model file.
    """
    settings = read_spec(spec) if spec is not None else Spec()
    kind = kind_of(text)
    if kind == "spec":
        if spec is not None:
            raise InputError(f"{text} is a spec and so is {spec}; name the source of the rows and one spec")
        settings, text = _followed(text)
        kind = kind_of(text)
    if kind == "model":
        if settings != Spec():
            raise InputError(f"{text} was fitted with its own spec; drop --spec, or fit again with it")
        made = Synthesizer.open(text)
        return Source(text, kind, made.schema, settings, synthesizer=made)
    dataset = read_rows(text) if kind == "folder" else None
    schema = infer_schema(dataset) if dataset is not None else reflect(text)
    if not len(schema):
        raise SourceError(f"{Source(text, kind, schema, settings).shown} {without_tables}")
    return Source(text, kind, with_references(schema, settings), settings, dataset)


def _followed(path: str) -> tuple[Spec, str]:
    """The spec and the source that it names; paths count from the spec's folder."""
    spec = read_spec(path)
    if spec.source is None:
        raise SpecError(
            f"{path}: no source to take tables from; add `source:` to it, or name the source and --spec {path}"
        )
    source = spec.source
    beside = Path(path).parent / source
    if kind_of(source) == "spec":
        raise SpecError(f"{spec.place('source')}: a spec cannot be the source of another; name a database or files")
    elsewhere = "://" in source or (kind_of(source) == "python" and not beside.exists())
    return spec, source if elsewhere else str(beside)


def rows_in(source: Source) -> dict[str, int] | None:
    """Rows of every table; None where the source has none to count (scripts, models in Python)."""
    if source.synthesizer is not None:
        return {t.name: t.rows for t in source.synthesizer.plan.shown}
    if source.dataset is not None:
        return source.dataset.rows
    return count_rows(source.text, source.schema) if source.kind == "database" else None


def learn(
    source: Source,
    *,
    seed: int | None = None,
    generator: str | None = None,
    time_limit: float | None = None,
    limit: int | None = None,
    rows: RowsAsked | None = None,
    strict: bool = False,
    device: str = "auto",
    progress: Progress | None = None,
) -> Synthesizer:
    """A synthesizer: the one in a model file, one fitted to the rows, or rules alone where there are none.

    Arguments overrule the spec. ``limit``: read at most so many rows of a table. ``rows``: what ``replanned`` will be
    asked for, so that rules are planned once; what is learned from rows does not depend on it.
    """
    if source.synthesizer is not None:
        return source.synthesizer if seed is None else replace(source.synthesizer, seed=seed)
    spec = source.spec
    wishes = wishes_of(spec, source.schema, strict=strict)
    chosen = seed if seed is not None else spec.seed or 0
    if not source.has_rows:
        return plan_rules(source.schema, wishes=_asking(wishes, rows), seed=chosen, judge=source.judge)
    return fit(
        source.dataset if source.dataset is not None else source.text,
        schema=source.schema,
        wishes=wishes,
        seed=chosen,
        generator=generator or wishes.generator,
        time_limit=time_limit if time_limit is not None else spec.time_limit,
        limit=limit,
        protection=spec.protection or 5,
        device=device,
        progress=progress,
    )


def decide(
    source: Source,
    *,
    rows: RowsAsked | None = None,
    strict: bool = False,
    limit: int | None = None,
    progress: Progress | None = None,
) -> Synthesizer:
    """The plan as ``learn`` would make it; nothing is fitted, so learned columns cannot be sampled from it."""
    if source.synthesizer is not None:
        return source.synthesizer
    spec = source.spec
    wishes = wishes_of(spec, source.schema, strict=strict)
    if not source.has_rows:
        return plan_rules(source.schema, wishes=_asking(wishes, rows), seed=spec.seed or 0, judge=source.judge)
    told = progress or (lambda stage, table, done, of: None)
    dataset = read_rows(
        source.dataset if source.dataset is not None else source.text,
        source.schema,
        limit=limit,
        seed=spec.seed or 0,
        progress=lambda table, n: told("read", table, n, 0),
    )
    schema, dataset, odd = set_apart(source.schema, dataset, spec.protection or 5)
    entities, _, profile = profile_with_entities(
        schema, dataset, partial(settled_by, wishes, odd=odd), seed=spec.seed or 0, protection=spec.protection or 5,
        progress=lambda table, n, of: told("profile", table, n, of) if not table or table in schema else None,
    )  # fmt: skip
    whole = with_agreeing(with_repeated(schema, entities), profile)
    plan = make_plan(whole, profile=profile, wishes=wishes)
    return Synthesizer(schema, plan, {}, profile, wishes, spec.seed or 0, entities=entities)


def replanned(
    made: Synthesizer,
    *,
    rows: RowsAsked | None = None,
    strict: bool = False,
    change: Callable[[Wishes], Wishes] | None = None,
) -> Synthesizer:
    """The same models under a plan with other rows; what ``rows`` does not name stays as the spec has it."""
    wishes = _asking(made.wishes, rows)
    wishes = replace(wishes, strict=wishes.strict or strict)
    wishes = change(wishes) if change is not None else wishes
    if wishes == made.wishes:
        return made
    plan = make_plan(made.whole, profile=made.profile, wishes=wishes, judge=made.judge)
    return replace(made, plan=plan, wishes=wishes)


def _asking(wishes: Wishes, rows: RowsAsked | None) -> Wishes:
    if rows is None:
        return wishes
    own = wishes.rows
    asked = RowsAsked(
        {**({} if rows.default is not None else own.tables), **rows.tables},
        rows.default if rows.default is not None else own.default,
        rows.scale if rows.scale != 1.0 else own.scale,
    )
    return replace(wishes, rows=asked)
