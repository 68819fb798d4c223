"""Maps by name for ``sample_dataset``: processes on this machine, or a Ray cluster."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from fixturesynth.errors import InputError, MissingDriverError, did_you_mean
from fixturesynth.sampling import workers

__all__ = ["ENGINES", "map_of"]

Mapper = Callable[[Callable[..., Any], Iterable[Any]], Iterable[Any]]


def map_of(name: str) -> Mapper | None:
    """The map of an engine; None for ``local``, which is ``sample_dataset``'s own.

    Raises:
        InputError: there is no such engine.
        MissingDriverError: its package is not installed.
    """
    if name not in ENGINES:
        raise InputError(f"unknown engine {name!r}: {did_you_mean(name, ENGINES)}")
    package, make = ENGINES[name]
    if package is not None and find_spec(package) is None:
        raise MissingDriverError(f"engine {name!r} needs the package {package!r}: pip install 'fixturesynth[{name}]'")
    return make()


def _ray_map() -> Mapper:
    """Jobs as Ray tasks; schema, plan and models go to the object store once for each plan."""
    ray = import_module("ray")
    if not ray.is_initialized():
        ray.init(log_to_driver=False, include_dashboard=False, logging_level="error")
    stored: dict[int, tuple[Any, Any]] = {}  # by the plan's id; the plan is kept, so that its id is not given again

    @ray.remote  # type: ignore[untyped-decorator]
    def call(function: Callable[..., Any], job: Any, shared: tuple[Any, Any, Any]) -> Any:
        workers.share(*shared)
        return function(job)

    def mapper(function: Callable[..., Any], jobs: Iterable[Any]) -> Iterable[Any]:
        shared = workers.shared()
        plan = shared[1]
        if id(plan) not in stored:
            stored[id(plan)] = (plan, ray.put(shared))
        reference = stored[id(plan)][1]
        done: list[Any] = ray.get([call.remote(function, job, reference) for job in jobs])
        return done

    return mapper


ENGINES: dict[str, tuple[str | None, Callable[[], Mapper | None]]] = {
    "local": (None, lambda: None),
    "ray": ("ray", _ray_map),
}
