"""One way to train models: LightGBM, one thread, no randomness."""

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from fixturesynth.evaluation.features import Features

__all__ = ["Model", "train"]

Floats = npt.NDArray[np.float64]

ROUNDS = 100


@dataclass(frozen=True, eq=False)
class Model:
    """A trained model; ``gains`` by feature, shape (features,)."""

    booster: Any
    gains: Floats

    def predict(self, features: Features) -> Floats:
        """Chances of True, of each class (shape (rows, classes)), or numbers."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return np.asarray(self.booster.predict(features.matrix, num_threads=1), dtype=np.float64)


def train(
    features: Features, target: npt.NDArray[Any], *, classes: int = 2, regression: bool = False, rounds: int = ROUNDS
) -> Model:
    """A model of a target: flags or codes from 0 (as many as ``classes``), or numbers for ``regression``.

    LightGBM with its defaults (31 leaves, smaller ones below 1,000 rows).
    """
    import lightgbm

    objective = "regression" if regression else "binary" if classes == 2 else "multiclass"
    parameters: dict[str, Any] = {
        "objective": objective, "verbosity": -1, "deterministic": True, "force_row_wise": True, "seed": 0,
        "min_data_in_leaf": int(np.clip(target.size // 50, 3, 20)), "num_threads": 1,
    }  # fmt: skip
    if objective == "multiclass":
        parameters["num_class"] = classes
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        # Every call says one thread: LightGBM keeps the number for the whole process; a call that left it open would
        # change it under the feet of a model that is being fitted beside it.
        data = lightgbm.Dataset(
            features.matrix, target.astype(np.float64), params=dict(parameters),
            categorical_feature=list(features.categories),
        )  # fmt: skip
        booster = lightgbm.train(parameters, data, num_boost_round=rounds)
    return Model(booster, np.asarray(booster.feature_importance("gain"), dtype=np.float64))
