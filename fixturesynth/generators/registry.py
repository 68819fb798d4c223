"""Generators by name: those of this package, and plug-ins through the entry points ``fixturesynth.generators``."""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import entry_points

from fixturesynth.errors import InputError, did_you_mean
from fixturesynth.generators.cart import Cart
from fixturesynth.generators.contract import Generator
from fixturesynth.generators.copula import Copula
from fixturesynth.generators.independent import Independent
from fixturesynth.generators.network.generator import Network
from fixturesynth.generators.neural.plugins import Diffusion, Gan, Vae

__all__ = ["GENERATORS", "choose_generator", "find_generator"]

GENERATORS: dict[str, Callable[[], Generator]] = {
    "independent": Independent, "copula": Copula, "cart": Cart, "network": Network,
    "vae": Vae, "gan": Gan, "diffusion": Diffusion,
}  # fmt: skip


def find_generator(name: str) -> Generator:
    """The generator of this name; InputError with a suggestion when there is none."""
    if name in GENERATORS:
        return GENERATORS[name]()
    plugins = {entry.name: entry for entry in entry_points(group="fixturesynth.generators")}
    if name not in plugins:
        raise InputError(f"no generator {name!r}: {did_you_mean(name, [*GENERATORS, *plugins, 'rules'])}")
    generator: Generator = plugins[name].load()()
    return generator


def choose_generator(name: str | None, rows: int, time_limit: float | None = None) -> tuple[Generator, str]:
    """The generator for a table of ``rows`` rows, and why; ``name`` None or "auto" leaves the choice to us."""
    if name not in (None, "auto"):
        return find_generator(str(name)), f"generator {name!r} was asked for"
    if rows < 50:
        return find_generator("independent"), f"{rows} rows are too few to learn how columns hang together"
    return find_generator("cart"), "sequential trees learn in seconds"
