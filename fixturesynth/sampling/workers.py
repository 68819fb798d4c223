"""Processes that draw partitions, and what they are given once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from fixturesynth.generators.registry import find_generator
from fixturesynth.generators.tablemodel import TableModel
from fixturesynth.planning.plan import Plan
from fixturesynth.sampling.partition import CodesJob, ValuesJob, sample_codes, sample_values
from fixturesynth.schema.model import Schema

__all__ = ["Mapper", "codes_here", "mapper_of", "share", "shared", "values_here"]

Codes = npt.NDArray[np.int32]
Mapper = Callable[[Callable[..., Any], Iterable[Any]], Iterable[Any]]

_SHARED: dict[str, Any] = {}


def share(schema: Schema, plan: Plan, models: Mapping[str, TableModel]) -> None:
    """Give this process what its jobs need: workers of any engine do this first."""
    _SHARED.update(schema=schema, plan=plan, models=models)


def shared() -> tuple[Schema, Plan, Mapping[str, TableModel]]:
    """What ``share`` was given here."""
    return _SHARED["schema"], _SHARED["plan"], _SHARED["models"]


def codes_here(job: CodesJob) -> Codes:
    model = _SHARED["models"][job.table]
    return sample_codes(model, find_generator(model.state.generator), job)


def values_here(job: ValuesJob) -> dict[str, pa.Array]:
    return sample_values(
        _SHARED["plan"][job.table], _SHARED["schema"][job.table], _SHARED["models"].get(job.table), job
    )


@contextmanager
def mapper_of(
    workers: int, given: Mapper | None, schema: Schema, plan: Plan, models: Mapping[str, TableModel]
) -> Iterator[Mapper]:
    before = dict(_SHARED)
    share(schema, plan, models)
    try:
        if given is not None or workers <= 1:
            yield given or map
        else:
            from concurrent.futures import ProcessPoolExecutor  # which most samples do without
            from multiprocessing import get_context

            context = get_context("spawn")
            arguments = (schema, plan, dict(models))
            with ProcessPoolExecutor(workers, context, initializer=share, initargs=arguments) as pool:
                yield pool.map
    finally:
        _SHARED.clear()
        _SHARED.update(before)
