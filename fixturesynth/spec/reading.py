"""``fixturesynth.yaml`` -> Spec, with faults named by file, line and key."""

from collections.abc import Iterator, Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Any, get_args

import yaml
from pydantic import BaseModel, ValidationError

from fixturesynth.errors import SpecError, did_you_mean
from fixturesynth.spec.model import Spec, place

__all__ = ["read_spec", "spec_json_schema"]


def read_spec(path: str | Path) -> Spec:
    """The spec in a YAML file.

    Raises:
        SpecError: no such file, not YAML, an unknown key (with a suggestion), a wrong or contradictory value; the
            message names the file, the line and the key.
    """
    shown = str(path)
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        cause = getattr(error, "strerror", None) or "not UTF-8 text"
        raise SpecError(f"cannot read the spec {shown!r}: {cause}; make one with: fixturesynth init") from error
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        loaded = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        problem = getattr(error, "problem", None) or str(error).splitlines()[0]
        raise SpecError(f"{shown}{f':{mark.line + 1}' if mark else ''}: not YAML: {problem}") from error
    except (ValueError, RecursionError) as error:  # a date such as 2026-02-30; brackets without end
        raise SpecError(f"{shown}: not YAML: {error}") from error
    lines: dict[tuple[str, ...], int] = {}
    _collect_lines(node, (), lines, shown)
    if not isinstance(loaded, Mapping):
        if loaded is not None:
            raise SpecError(f"{shown}: expected keys such as `tables:` but got {type(loaded).__name__}")
        loaded = {}
    try:
        spec = Spec.model_validate(_plain(loaded))
    except ValidationError as error:
        raise SpecError(_explained(error, shown, lines)) from error
    spec._file, spec._lines = shown, lines
    return spec


def _collect_lines(node: Any, path: tuple[str, ...], lines: dict[tuple[str, ...], int], file: str) -> None:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            inner = (*path, str(key.value))
            line = key.start_mark.line + 1
            if inner in lines:
                raise SpecError(
                    f"{place(file, {inner: line}, inner)} is there twice (first in line {lines[inner]}); drop one"
                )
            lines[inner] = line
            _collect_lines(value, inner, lines, file)
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            lines[(*path, str(index))] = value.start_mark.line + 1
            _collect_lines(value, (*path, str(index)), lines, file)


def _plain(value: Any) -> Any:
    """YAML's dates as ISO texts, and the keys of mappings with names as texts."""
    if isinstance(value, Mapping):
        return {key if not isinstance(key, date) else key.isoformat(): _plain(v) for key, v in value.items()}
    if isinstance(value, list):
        return [_plain(v) for v in value]
    if isinstance(value, datetime):
        return value.replace(tzinfo=None).isoformat()
    return value.isoformat() if isinstance(value, date) else value


def _explained(error: ValidationError, file: str, lines: Mapping[tuple[str, ...], int]) -> str:
    """The first fault, as one line."""
    faults = error.errors(include_url=False)
    # A key written wrongly is also missed under its right name: say the former.
    fault = next((f for f in faults if f["type"] == "extra_forbidden"), faults[0])
    steps = [str(step) for step in fault["loc"]]
    path = _written_path(steps, lines)
    where = place(file, lines, path)
    if fault["type"] == "extra_forbidden":
        known = _keys_at(tuple(steps[:-1]))
        return f"{where}: unknown key {steps[-1]!r}; {did_you_mean(steps[-1], known)}"
    message = fault["msg"].removeprefix("Value error, ")
    got = fault.get("input")
    shown = "" if fault["type"] == "value_error" or isinstance(got, Mapping) else f", however: {got!r}"
    return f"{where}: {message[0].lower() + message[1:]}{shown}".replace("\n", " ")


def _written_path(steps: list[str], lines: Mapping[tuple[str, ...], int]) -> tuple[str, ...]:
    """pydantic's location without the names of union members, which stand in no file."""
    path: tuple[str, ...] = ()
    for step in steps:
        if (*path, step) in lines or not any(known[: len(path)] == path and len(known) > len(path) for known in lines):
            path = (*path, step)
    return path


def _keys_at(steps: tuple[str, ...]) -> set[str]:
    """The keys that the model knows at a location."""
    model: Any = Spec
    for step in steps:
        if isinstance(model, type) and issubclass(model, BaseModel):
            by_key = {f.alias or name: f.annotation for name, f in model.model_fields.items()}
            model = by_key.get(step, model)
        model = next(_models(model), model)
    if not (isinstance(model, type) and issubclass(model, BaseModel)):
        return set()
    return {f.alias or name for name, f in model.model_fields.items()}


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    """The models that an annotation mentions."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from _models(argument)


def spec_json_schema() -> dict[str, Any]:
    """The JSON Schema of the file, for editors."""
    made = Spec.model_json_schema(by_alias=True)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "fixturesynth.yaml",
        **{k: v for k, v in made.items() if k != "title"},
    }
