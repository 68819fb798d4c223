"""``network``: an autoregressive network over tokens, trained by torch, drawn from by numpy in whole numbers.

Order-agnostic densities by a shared sum of observed embeddings follow NADE (Uria, Murray, Larochelle, "A deep and
tractable density estimator", 2014); a fixed order for most steps, random observed subsets for the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from fixturesynth.errors import InputError
from fixturesynth.generators.contract import CodedTable, Codes, State, Words
from fixturesynth.generators.drawing import checked, learnable, rows_alike
from fixturesynth.generators.network.drawing import Drawer, Drawn, draw_tokens, make_drawer
from fixturesynth.generators.network.guides import find_guides, guides_from_arrays, guides_to_arrays
from fixturesynth.generators.network.integers import layers_from_arrays, layers_to_arrays
from fixturesynth.generators.network.relations import find_relations, relations_from_arrays, relations_to_arrays
from fixturesynth.generators.network.tokens import (
    Tokens,
    fit_tokens,
    given_tokens,
    to_codes,
    to_tokens,
    tokens_from_parts,
)
from fixturesynth.generators.ordering import order_variables
from fixturesynth.randomness import hashed

__all__ = ["Network"]


class Network:
    """The network behind the contract of generators. ``fit`` needs torch, ``sample`` does not.

    ``device``: where torch learns: "auto", "cpu", "cuda" or "mps". ``draw_on``: a device of torch that draws; None
    draws with numpy, which gives the same bytes and needs no torch. ``progress`` is told steps done and to do.

    An instance keeps the state sampled last ready for the next call: siblings are drawn in many small ones.
    """

    name = "network"
    version = 3
    max_codes = 512  # bins of a number: beyond the few hundred that a table shows, each is a value by itself

    def __init__(self, device: str = "auto", *, draw_on: str | None = None) -> None:
        self.device = device
        self.draw_on = draw_on
        self.progress: Callable[[int, int], None] | None = None
        self._ready: tuple[State, Drawer] | None = None

    def fit(self, table: CodedTable, *, seed: int, time_limit: float | None = None) -> State:
        """Learn P(variable | any others) for every variable that is not context.

        ``time_limit`` in seconds is turned into a number of steps by what a slow core can do, and never by a clock.
        The same data, seed, torch and number of threads give the same state. Raises InputError for a table without
        rows, or where torch is missing.
        """
        codes = learnable(table)
        try:
            from fixturesynth.generators.network.training import train
        except ModuleNotFoundError as error:
            if error.name != "torch":
                raise
            raise InputError(
                "generator 'network' needs torch to learn (not to generate): pip install 'fixturesynth[torch]', "
                "or use generator 'cart'"
            ) from error
        tokens = fit_tokens(table.variables, codes)
        fixed = sum(variable.context for variable in table.variables)
        order = [i for i in order_variables(table.variables, codes) if i >= fixed]
        columns = to_tokens(tokens, codes)
        relations = find_relations(tokens, columns, order)
        guides = find_guides(tokens, columns, order, table.groups)
        layers, facts = train(
            tokens, relations, guides, columns, order, table.groups, seed=seed, time_limit=time_limit,
            device=self.device, progress=self.progress,
        )  # fmt: skip
        arrays: dict[str, npt.NDArray[Any]] = {
            **tokens.arrays(), **relations_to_arrays(relations), **guides_to_arrays(guides),
            **layers_to_arrays(layers),
        }  # fmt: skip
        told = {"tokens": tokens.facts(), "order": order, "scale": layers.scale, "rows": len(codes), **facts}
        return State(self.name, self.version, table.variables, arrays, told)

    def sample(
        self,
        state: State,
        context: Codes,
        uniforms: Words,
        given: Mapping[str, Codes] | None = None,
        *,
        stratify: bool = False,
    ) -> Codes:
        """Codes of shape (n, generated variables); see the contract.

        What is given is observed before anything is drawn: the network was trained to go on from any subset.
        """
        context, uniforms, known = checked(state, context, uniforms, given)
        drawer = self._drawer(state)
        tokens = drawer.tokens
        above = to_tokens(tokens, context, context=True)
        free = [i for i, variable in enumerate(state.variables) if not variable.context]
        place = {state.variables[i].name: k for k, i in enumerate(free)}
        asked = np.full(uniforms.shape, -1, np.int32)
        for name, wish in known.items():
            asked[:, place[name]] = wish
        out = np.empty(uniforms.shape, np.int32)
        for rows in rows_alike(asked >= 0):
            start = {i: above[rows, i] for i in range(above.shape[1])}
            for k, variable in enumerate(free):
                if rows.size and asked[rows[0], k] >= 0:
                    start |= given_tokens(tokens, variable, asked[rows, k])
            draws = _draws(tokens, state.facts["order"], free, uniforms[rows], start)
            drawn = draw_tokens(drawer, start, draws, rows.size, stratify=stratify, device=self.draw_on)
            for k, variable in enumerate(free):
                out[rows, k] = to_codes(tokens, variable, [drawn[i] for i in tokens.of(variable)])
        return out

    def _drawer(self, state: State) -> Drawer:
        if self._ready is None or self._ready[0] is not state:
            tokens = tokens_from_parts(state.facts["tokens"], state.arrays)
            layers = layers_from_arrays(state.arrays, int(state.facts["scale"]))
            self._ready = (
                state,
                make_drawer(layers, tokens, relations_from_arrays(state.arrays), guides_from_arrays(state.arrays)),
            )
        return self._ready[1]


def _draws(tokens: Tokens, order: list[int], free: list[int], uniforms: Words, known: Mapping[int, Any]) -> list[Drawn]:
    """Variables that are not known, in drawing order: the upper half of a word decides the class, the lower half the
    place inside it."""
    place = {variable: k for k, variable in enumerate(free)}
    out = []
    for variable in order:
        lead = tokens.of(variable)[0]
        if lead not in known:
            words = uniforms[:, place[variable]]
            out.append(Drawn(lead, words, _turned(words) if tokens.inside(lead) is not None else words))
    return out


def _turned(words: Words) -> Words:
    """Words whose upper halves are the lower ones of ``words``; what follows them is new."""
    return (words << np.uint64(32)) | (hashed(words, 0, "network", "place") >> np.uint64(32))
