"""``vae``, ``gan`` and ``diffusion``: small versions of published methods behind the contract, for comparison.

They learn with torch and draw with numpy, in whole numbers, the same everywhere. None of them protects combinations
of values beyond the encoding of single ones.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import ModuleType

import numpy as np

from fixturesynth.errors import InputError, did_you_mean
from fixturesynth.generators.contract import CodedTable, Codes, State, Words
from fixturesynth.generators.drawing import checked, learnable
from fixturesynth.generators.neural.latent import draw_latent
from fixturesynth.generators.neural.perceptron import (
    BLOCK,
    Perceptron,
    closed,
    perceptron_from_arrays,
    perceptron_to_arrays,
    pick,
    slices,
)
from fixturesynth.randomness import hashed

__all__ = ["Diffusion", "Fairness", "Gan", "Vae"]


@dataclass(frozen=True)
class Fairness:
    """Demographic parity for ``gan``: the ``outcome`` variable is to take its code ``desired`` as often where the
    ``protected`` variable has the code ``privileged`` as elsewhere; ``weight`` of the difference in the loss."""

    protected: str
    privileged: int
    outcome: str
    desired: int
    weight: float = 1.0


def _objectives(name: str) -> ModuleType:
    try:
        from fixturesynth.generators.neural import objectives
    except ModuleNotFoundError as error:
        if error.name != "torch":
            raise
        raise InputError(
            f"generator {name!r} needs torch to learn (not to generate): pip install 'fixturesynth[torch]', "
            "or use generator 'cart'"
        ) from error
    return objectives


def _state(name: str, version: int, table: CodedTable, learned: tuple[Perceptron, dict[str, int]]) -> State:
    perceptron, facts = learned
    seen = [
        np.bincount(table.codes[:, i], minlength=v.size) > 0 for i, v in enumerate(table.variables) if not v.context
    ]
    arrays = perceptron_to_arrays(closed(perceptron, np.concatenate(seen)))
    return State(name, version, table.variables, arrays, {"rows": len(table.codes), **facts})


class Vae:
    """A variational autoencoder (TVAE, Xu et al. 2019) over codes; stateless."""

    name = "vae"
    version = 1

    def fit(self, table: CodedTable, *, seed: int, time_limit: float | None = None) -> State:
        """Raises InputError for a table without rows, or where torch is missing."""
        learnable(table)
        learned = _objectives(self.name).learn_vae(table, seed=seed, time_limit=time_limit)
        return _state(self.name, self.version, table, learned)

    def sample(
        self, state: State, context: Codes, uniforms: Words, given: Mapping[str, Codes] | None = None, *,
        stratify: bool = False,
    ) -> Codes:  # fmt: skip
        """Codes of shape (n, generated variables); see the contract. No two rows are in the same situation, so that
        ``stratify`` changes nothing."""
        return draw_latent(state, context, uniforms, given, conditioned=False)


class Gan:
    """A conditional GAN (CTGAN, Xu et al. 2019) over codes, ``fair`` as in TabFairGAN (Rajabi and Garibay 2022);
    stateless but for that."""

    name = "gan"
    version = 1

    def __init__(self, fair: Fairness | None = None) -> None:
        self.fair = fair

    def fit(self, table: CodedTable, *, seed: int, time_limit: float | None = None) -> State:
        """Raises InputError for a table without rows, for names or codes in ``fair`` that the table lacks, or where
        torch is missing."""
        codes = learnable(table)
        objectives = _objectives(self.name)
        aim = None
        if self.fair is not None:
            fair = self.fair
            protected = _place(table, fair.protected, fair.privileged)
            outcome = _place(table, fair.outcome, fair.desired)
            aim = objectives.Aim(protected, fair.privileged, outcome, fair.desired, fair.weight)
        state = _state(
            self.name, self.version, table, objectives.learn_gan(table, seed=seed, time_limit=time_limit, aim=aim)
        )
        free = [i for i, v in enumerate(table.variables) if not v.context]
        running = {
            f"{k}.running": np.cumsum(np.bincount(codes[:, i], minlength=table.variables[i].size)).astype(np.int64)
            for k, i in enumerate(free)
        }
        return State(state.generator, state.version, state.variables, {**state.arrays, **running}, state.facts)

    def sample(
        self, state: State, context: Codes, uniforms: Words, given: Mapping[str, Codes] | None = None, *,
        stratify: bool = False,
    ) -> Codes:  # fmt: skip
        """Codes of shape (n, generated variables); see the contract. No two rows are in the same situation, so that
        ``stratify`` changes nothing."""
        return draw_latent(state, context, uniforms, given, conditioned=True)


def _place(table: CodedTable, name: str, code: int) -> int:
    """The number of a generated variable that has a code; InputError when there is none."""
    free = {v.name: v for v in table.variables if not v.context}
    if name not in free:
        raise InputError(f"fairness asks for {name!r}, which is not generated: {did_you_mean(name, list(free))}")
    if not 0 <= code < free[name].size:
        raise InputError(f"codes of {name!r} must lie in range({free[name].size}), however: {code}")
    return list(free).index(name)


class Diffusion:
    """Masked diffusion (Austin et al. 2021; TabDiff, Shi et al. 2025) over codes; stateless."""

    name = "diffusion"
    version = 1

    def fit(self, table: CodedTable, *, seed: int, time_limit: float | None = None) -> State:
        """Raises InputError for a table without rows, or where torch is missing."""
        learnable(table)
        learned = _objectives(self.name).learn_diffusion(table, seed=seed, time_limit=time_limit)
        return _state(self.name, self.version, table, learned)

    def sample(
        self, state: State, context: Codes, uniforms: Words, given: Mapping[str, Codes] | None = None, *,
        stratify: bool = False,
    ) -> Codes:  # fmt: skip
        """Codes of shape (n, generated variables); see the contract. Variables are unmasked one after another, in an
        order of the row's own; what is given is never masked. ``stratify`` changes nothing."""
        context, uniforms, known = checked(state, context, uniforms, given)
        perceptron = perceptron_from_arrays(state.arrays)
        free = [v.name for v in state.variables if not v.context]
        out = np.zeros(uniforms.shape, np.int32)
        shown = np.zeros(uniforms.shape, bool)
        for name, wish in known.items():
            k = free.index(name)
            out[:, k] = np.maximum(wish, 0)
            shown[:, k] = wish >= 0
        for start in range(0, len(uniforms), BLOCK):
            here = slice(start, start + BLOCK)
            _unmask(state, perceptron, context[here], uniforms[here], out[here], shown[here])
        return out


def _unmask(
    state: State, perceptron: Perceptron, context: Codes, uniforms: Words, out: Codes, shown: np.ndarray
) -> None:
    """Fill ``out``, (n, variables), where it is not ``shown``."""
    variables = out.shape[1]
    above = context.shape[1]
    turn = np.argsort(
        np.stack([hashed(uniforms[:, k], 0, "diffusion", "turn") for k in range(variables)], axis=1), axis=1
    )
    parts = slices(state.variables)
    entered = perceptron.sum_entries(context, np.ones(context.shape, bool), range(above))
    entered += perceptron.sum_entries(out, shown, range(above, above + variables))
    for step in range(variables):
        logits = perceptron.logits(None, entered)
        for k in range(variables):
            rows = np.flatnonzero((turn[:, step] == k) & ~shown[:, k])
            if rows.size:
                out[rows, k], _ = pick(logits[rows][:, parts[k]], uniforms[rows, k], state.arrays["exponentials"])
                entered[rows] += perceptron.entries[perceptron.starts[above + k] + out[rows, k]]
