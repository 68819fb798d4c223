"""FixtureSynth: relational test data that holds every constraint and looks real.

Public names are loaded when they are first used, so ``import fixturesynth`` costs next to nothing.
"""

TYPE_CHECKING = False  # type checkers take it for typing's, which would cost more than all the rest of this file

if TYPE_CHECKING:
    from fixturesynth.dataset import Dataset
    from fixturesynth.errors import (
        CapacityError,
        ConstraintError,
        CycleError,
        FixtureSynthError,
        GuardError,
        InputError,
        LoadError,
        MissingDriverError,
        ModelFileError,
        SourceError,
        SpecError,
        ThresholdError,
        UnsatisfiableError,
    )
    from fixturesynth.evaluation import drift, evaluate
    from fixturesynth.loading.isolation import loaded
    from fixturesynth.loading.loader import load
    from fixturesynth.loading.reading import infer_schema, read_rows
    from fixturesynth.modelfile import open_model
    from fixturesynth.planning.plan import Plan
    from fixturesynth.planning.planner import Wishes, make_plan
    from fixturesynth.profiling.datasets import profile_dataset as profile
    from fixturesynth.profiling.profile import Profile
    from fixturesynth.schema.graph import build_graph
    from fixturesynth.schema.model import Schema
    from fixturesynth.schema.reflection import reflect
    from fixturesynth.spec import Spec, check_spec, read_spec, write_spec
    from fixturesynth.strategies.datasets import from_schema
    from fixturesynth.strategies.modelling import from_model
    from fixturesynth.synthesizer import Synthesizer, fit, plan_rules

__version__ = "0.1.0"

__all__ = [
    "CapacityError",
    "ConstraintError",
    "CycleError",
    "Dataset",
    "FixtureSynthError",
    "GuardError",
    "InputError",
    "LoadError",
    "MissingDriverError",
    "ModelFileError",
    "Plan",
    "Profile",
    "Schema",
    "SourceError",
    "Spec",
    "SpecError",
    "Synthesizer",
    "ThresholdError",
    "UnsatisfiableError",
    "Wishes",
    "__version__",
    "build_graph",
    "check_spec",
    "drift",
    "evaluate",
    "fit",
    "from_model",
    "from_schema",
    "infer_schema",
    "load",
    "loaded",
    "make_plan",
    "open_model",
    "plan_rules",
    "profile",
    "read_rows",
    "read_spec",
    "reflect",
    "write_spec",
]

# Where each name lives, and its name there (PEP 562: looked up at first use, then kept).
_HOMES = {
    "Dataset": "fixturesynth.dataset",
    **dict.fromkeys((name for name in __all__ if name.endswith("Error")), "fixturesynth.errors"),
    "Plan": "fixturesynth.planning.plan",
    "Profile": "fixturesynth.profiling.profile",
    "Schema": "fixturesynth.schema.model",
    "Spec": "fixturesynth.spec",
    "Synthesizer": "fixturesynth.synthesizer",
    "Wishes": "fixturesynth.planning.planner",
    "build_graph": "fixturesynth.schema.graph",
    "check_spec": "fixturesynth.spec",
    "drift": "fixturesynth.evaluation",
    "evaluate": "fixturesynth.evaluation",
    "fit": "fixturesynth.synthesizer",
    "from_model": "fixturesynth.strategies.modelling",
    "from_schema": "fixturesynth.strategies.datasets",
    "infer_schema": "fixturesynth.loading.reading",
    "load": "fixturesynth.loading.loader",
    "loaded": "fixturesynth.loading.isolation",
    "make_plan": "fixturesynth.planning.planner",
    "open_model": "fixturesynth.modelfile",
    "plan_rules": "fixturesynth.synthesizer",
    "profile": "fixturesynth.profiling.datasets:profile_dataset",
    "read_rows": "fixturesynth.loading.reading",
    "read_spec": "fixturesynth.spec",
    "reflect": "fixturesynth.schema.reflection",
    "write_spec": "fixturesynth.spec",
}


def __getattr__(name: str) -> object:
    from importlib import import_module

    home = _HOMES.get(name)
    if home is None:
        from fixturesynth.errors import did_you_mean

        raise AttributeError(f"module 'fixturesynth' has no attribute {name!r}: {did_you_mean(name, __all__)}")
    module, _, alias = home.partition(":")
    value = getattr(import_module(module), alias or name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
