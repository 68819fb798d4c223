"""``independent``: every variable from its own marginal distribution. The floor that others must beat."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from fixturesynth.generators.contract import CodedTable, Codes, State, Words
from fixturesynth.generators.drawing import Distributions, checked, count_distributions, draw, learnable, stratified

__all__ = ["Independent"]


class Independent:
    """Marginals behind the contract of generators; stateless."""

    name = "independent"
    version = 1

    def fit(self, table: CodedTable, *, seed: int, time_limit: float | None = None) -> State:
        """Counts of every code of every variable. Raises InputError for a table without rows."""
        codes = learnable(table)
        arrays: dict[str, npt.NDArray[np.generic]] = {}
        nobody = np.zeros(codes.shape[0], np.int64)
        for i, variable in enumerate(table.variables):
            if not variable.context:
                held = count_distributions(nobody, codes[:, i], 1, variable.size)
                arrays[f"{i}.codes"], arrays[f"{i}.running"] = held.codes, held.running
        return State(self.name, self.version, table.variables, arrays, {"rows": int(codes.shape[0])})

    def sample(
        self,
        state: State,
        context: Codes,
        uniforms: Words,
        given: Mapping[str, Codes] | None = None,
        *,
        stratify: bool = False,
    ) -> Codes:
        """Codes of shape (n, generated variables); see the contract."""
        context, uniforms, known = checked(state, context, uniforms, given)
        free = [i for i, variable in enumerate(state.variables) if not variable.context]
        codes = np.zeros(uniforms.shape, np.int32)
        nobody = np.zeros(uniforms.shape[0], np.int64)
        for k, i in enumerate(free):
            running = state.arrays[f"{i}.running"]
            held = Distributions(state.arrays[f"{i}.codes"], running, running[-1:])
            words = stratified(nobody, uniforms[:, k]) if stratify else uniforms[:, k]
            codes[:, k] = draw(held, nobody, words)
            wish = known.get(state.variables[i].name)
            if wish is not None:
                codes[:, k] = np.where(wish >= 0, wish, codes[:, k])
        return codes
