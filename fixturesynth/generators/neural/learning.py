"""What the neural plug-ins share while they learn, with torch: the perceptron, its batches, its rounding."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from fixturesynth.generators.contract import CodedTable
from fixturesynth.generators.network.integers import ACTIVATION
from fixturesynth.generators.neural.perceptron import Perceptron, rounded
from fixturesynth.randomness import key, permutation

__all__ = ["Batches", "Trunk", "each_variable", "learn_batches", "one_thread"]

LARGEST = 255 / 2.0**ACTIVATION
SLOW = 5e9  # multiplications and additions a second of a slow core, all overheads counted in


class Trunk(nn.Module):
    """The perceptron that draws, in floats: entries of codes, noise, two layers, logits of all generated codes."""

    def __init__(self, sizes: list[int], outputs: int, noise: int, width: int, source: torch.Generator) -> None:
        super().__init__()

        def normal(*shape: int, spread: float) -> nn.Parameter:
            return nn.Parameter(torch.randn(*shape, generator=source) * spread)

        self.sizes, self.noise = sizes, noise
        self.register_buffer("starts", torch.tensor(np.cumsum([0, *sizes])[:-1].astype(np.int64)), persistent=False)
        self.entries = normal(max(sum(sizes), 1), width, spread=0.5 / math.sqrt(max(len(sizes), 1)))
        self.weights = nn.ParameterList(
            normal(a, b, spread=1 / math.sqrt(max(a, 1))) for a, b in ((noise, width), (width, width), (width, outputs))
        )
        self.biases = nn.ParameterList(nn.Parameter(torch.zeros(b)) for b in (width, width, outputs))

    def entered(self, codes: torch.Tensor, variables: list[int], shown: torch.Tensor) -> torch.Tensor:
        """Sum of the entries of ``codes`` (n, variables) weighted by ``shown``, (n, width)."""
        if not variables:
            return torch.zeros(len(codes), self.entries.shape[1])
        at = codes + self.starts[variables]
        return functional.embedding_bag(at, self.entries, mode="sum", per_sample_weights=shown)

    def forward(self, noise: torch.Tensor | None, entered: torch.Tensor) -> torch.Tensor:
        first = entered + self.biases[0]
        if noise is not None:
            first = first + noise @ self.weights[0]
        x = functional.hardtanh(first, 0.0, LARGEST)
        x = functional.hardtanh(x @ self.weights[1] + self.biases[1], 0.0, LARGEST)
        return x @ self.weights[2] + self.biases[2]

    def whole(self) -> Perceptron:
        """The perceptron in whole numbers."""
        layers = [(w.detach().numpy(), b.detach().numpy()) for w, b in zip(self.weights, self.biases, strict=True)]
        return rounded(self.entries.detach().numpy(), self.sizes, layers)


@dataclass(frozen=True)
class Batches:
    """``codes``: of every row, (n, variables), context first; ``context``: how many variables are context; ``sizes``
    of all variables; ``steps`` batches of ``size`` rows."""

    codes: torch.Tensor
    context: int
    sizes: list[int]
    size: int
    steps: int
    seed: int
    name: str

    def __iter__(self) -> Iterator[torch.Tensor]:
        left, epoch = np.zeros(0, np.int64), 0
        for _ in range(self.steps):
            while left.size < self.size:
                left = np.concatenate([left, permutation(len(self.codes), self.seed, self.name, "epoch", epoch)])
                epoch += 1
            yield self.codes[left[: self.size]]
            left = left[self.size :]


def learn_batches(
    table: CodedTable, seed: int, name: str, time_limit: float | None, *, width: int, rounds: int = 1
) -> tuple[Batches, torch.Generator]:
    """Batches and the source of all randomness; ``rounds``: passes through the net in one step, for time limits."""
    rows = len(table.codes)
    size = int(np.clip(2 ** math.floor(math.log2(max(rows, 24) / 24)), 32, 256))
    steps = int(np.clip(40 * rows / size, 300, 3_000))
    sizes = [v.size for v in table.variables]
    if time_limit is not None:
        products = 3 * rounds * size * width * (2 * width + sum(sizes))
        steps = int(np.clip(time_limit * SLOW / products, 20, steps))
    source = torch.Generator(device="cpu")
    source.manual_seed(key(seed, name, "training") % 2**63)
    codes = torch.from_numpy(np.ascontiguousarray(table.codes).astype(np.int64))
    context = sum(v.context for v in table.variables)
    return Batches(codes, context, sizes, size, steps, seed, name), source


def each_variable(
    logits: torch.Tensor, sizes: list[int], use: Callable[[torch.Tensor, int], torch.Tensor]
) -> list[torch.Tensor]:
    """``use`` of the logits of each variable, (n, codes), and its number."""
    return [use(part, i) for i, part in enumerate(logits.split(sizes, dim=1))]


@contextmanager
def one_thread() -> Iterator[None]:
    """Learning on one thread, so that sums come out the same whatever the number of cores."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
