"""Generators by name: those of this package, and plug-ins through the entry points ``fixturesynth.generators``."""

from __future__ import annotations

from importlib import import_module

from fixturesynth.errors import InputError, did_you_mean
from fixturesynth.generators.contract import Generator

__all__ = ["GENERATORS", "choose_generator", "find_generator"]

# Module and class, loaded when they are asked for: a model needs one of them.
GENERATORS: dict[str, tuple[str, str]] = {
    "independent": ("independent", "Independent"),
    "copula": ("copula", "Copula"),
    "cart": ("cart", "Cart"),
    "network": ("network.generator", "Network"),
    "vae": ("neural.plugins", "Vae"),
    "gan": ("neural.plugins", "Gan"),
    "diffusion": ("neural.plugins", "Diffusion"),
}


def find_generator(name: str) -> Generator:
    """The generator of this name; InputError with a suggestion when there is none."""
    generator: Generator
    if name in GENERATORS:
        module, kind = GENERATORS[name]
        generator = getattr(import_module(f"fixturesynth.generators.{module}"), kind)()
        return generator
    from importlib.metadata import entry_points  # which parses mail; our own generators do without it

    plugins = {entry.name: entry for entry in entry_points(group="fixturesynth.generators")}
    if name not in plugins:
        raise InputError(f"no generator {name!r}: {did_you_mean(name, [*GENERATORS, *plugins, 'rules'])}")
    generator = plugins[name].load()()
    return generator


def choose_generator(name: str | None, rows: int, time_limit: float | None = None) -> tuple[Generator, str]:
    """The generator for a table of ``rows`` rows, and why; ``name`` None or "auto" leaves the choice to us."""
    if name not in (None, "auto"):
        return find_generator(str(name)), f"generator {name!r} was asked for"
    if rows < 50:
        return find_generator("independent"), f"{rows} rows are too few to learn how columns hang together"
    return find_generator("cart"), "sequential trees learn in seconds"
