"""The network as a torch module, its rounding, and what of it is kept."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import nn
from torch.nn import functional

from fixturesynth.generators.network.integers import ACTIVATION, LARGEST, Layers, exponentials
from fixturesynth.generators.network.tokens import Tokens

__all__ = ["Module", "export"]

IMPOSSIBLE = -60.0  # nats: the table of exponentials ends long before
LEAST = -14.0  # nats, of a class that no row has
FINEST_HEAD = 9  # finer weights would leave no room for IMPOSSIBLE among the biases
_UNITS = 2.0**ACTIVATION
WAVES = 12  # cosines along an ordered token


class _Rounded(torch.autograd.Function):
    """Clipped to the range of uint8 and rounded to it; gradients pass inside the range, as if nothing was rounded."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor) -> torch.Tensor:
        ctx.save_for_backward(x)
        return x.mul(_UNITS).round_().clamp_(0, 255).mul_(1 / _UNITS)

    @staticmethod
    def backward(ctx: Any, *grads: torch.Tensor) -> torch.Tensor:
        return torch.ops.aten.hardtanh_backward(grads[0], ctx.saved_tensors[0], 0.0, 255 / _UNITS)


def activated(x: torch.Tensor, *, fine: bool) -> torch.Tensor:
    """Clipped to the range of uint8, and rounded to it where ``fine``."""
    return _Rounded.apply(x) if fine else functional.hardtanh(x, 0.0, 255 / _UNITS)


def exponents(weights: torch.Tensor, least: int, most: int) -> torch.Tensor:
    """For each of the first dimension's tensors, the largest power of two by which its weights still fit int8."""
    flat = weights.detach().flatten(1).abs().amax(dim=1).clamp(min=1e-9)
    return torch.floor(torch.log2(127 / flat)).clamp(least, most)


def _waves(size: int) -> npt.NDArray[np.float64]:
    """Cosines along ``size`` ordered classes, (size, WAVES); their squares add up to about one."""
    place = (np.arange(size) + 0.5) / size
    waves = np.cos(np.pi * np.arange(1, WAVES + 1) * place[:, None])
    waves[:, size - 1 :] = 0.0
    return waves * math.sqrt(2 / min(WAVES, max(size - 1, 1)))


def rounded(weights: torch.Tensor, exponent: torch.Tensor) -> torch.Tensor:
    """Weights as int8 holds them; gradients pass as if nothing had happened."""
    unit = torch.exp2(exponent).reshape(-1, *[1] * (weights.ndim - 1))
    whole = torch.round(weights.detach() * unit).clamp(-127, 127) / unit
    return weights + (whole - weights).detach()


class Module(nn.Module):
    """One hidden sum of embeddings; for each generated token two narrow layers and a head.

    Heads begin at the logarithms of what is observed: a place in a group at those inside its group.
    """

    def __init__(
        self, tokens: Tokens, columns: npt.NDArray[np.int32], width: int, narrow: int, source: torch.Generator
    ) -> None:
        super().__init__()
        self.tokens, self.context = tokens, tokens.context
        sizes = [t.size for t in tokens.tokens]
        self.sizes = sizes[self.context :]
        generated, most = len(self.sizes), max(self.sizes)
        starts = np.cumsum([0, *sizes])[:-1]
        self.register_buffer("starts", torch.from_numpy(starts), persistent=False)

        def normal(*shape: int, spread: float) -> nn.Parameter:
            return nn.Parameter(torch.randn(*shape, generator=source) * spread)

        # The sum of half of the tokens has a spread of about one half.
        self.embeddings = normal(sum(sizes), width, spread=0.5 / math.sqrt(max(len(sizes) / 2, 1)))
        self.place = normal(generated, width, spread=0.3)
        self.first = normal(generated, width, narrow, spread=1 / math.sqrt(width))
        self.second = normal(generated, narrow, narrow, spread=1 / math.sqrt(narrow))
        self.first_bias = nn.Parameter(torch.zeros(generated, 1, narrow))
        self.second_bias = nn.Parameter(torch.zeros(generated, 1, narrow))
        self.head = normal(generated, narrow, most, spread=0.02)
        # What is ordered is learned twice: along cosines, where neighbours move together, and class by class.
        along = [_waves(t.size) if t.ordered else np.zeros((t.size, WAVES)) for t in tokens.tokens]
        placed = np.zeros((sum(sizes), WAVES * len(sizes)), np.float32)
        shown = np.zeros((generated, WAVES, most), np.float32)
        for i, (start, wave) in enumerate(zip(starts.tolist(), along, strict=True)):
            placed[start : start + len(wave), WAVES * i : WAVES * (i + 1)] = wave
            if i >= self.context:
                shown[i - self.context, :, : len(wave)] = wave.T
        self.register_buffer("placed", torch.from_numpy(placed), persistent=False)
        self.register_buffer("shown", torch.from_numpy(shown), persistent=False)
        self.slopes = normal(WAVES * len(sizes), width, spread=0.5 / math.sqrt(max(len(sizes) / 2, 1)))
        self.bends = nn.Parameter(torch.zeros(generated, narrow, WAVES))
        bias = torch.full((generated, 1, most), IMPOSSIBLE)
        inside: dict[str, nn.Parameter] = {}
        for k, size in enumerate(self.sizes):
            i = self.context + k
            counts = np.bincount(columns[:, i], minlength=size).astype(np.float64)
            share = np.log((counts + 1e-6) / (counts.sum() + 1e-6 * size))
            bias[k, 0, :size] = torch.from_numpy(np.maximum(share, LEAST)).float()
            group = tokens.tokens[i].group
            if group >= 0:
                table = self._inside(tokens, columns, i, group)
                inside[str(k)] = nn.Parameter(torch.from_numpy(table).float() - bias[k, 0, :size])
        self.head_bias = nn.Parameter(bias)
        self.inside = nn.ParameterDict(inside)

    @staticmethod
    def _inside(tokens: Tokens, columns: npt.NDArray[np.int32], i: int, group: int) -> npt.NDArray[np.float64]:
        """Logarithm of the share of every place in every group, (groups, places)."""
        groups, places = tokens.tokens[group].size, tokens.tokens[i].size
        counts = np.bincount(columns[:, group] * places + columns[:, i], minlength=groups * places)
        table = counts.reshape(groups, places) + 0.1
        exists = np.zeros((groups, places), bool)
        exists[tokens.lookups[group], tokens.lookups[i]] = True
        table = np.where(exists, table, 0.0)
        table /= table.sum(axis=1, keepdims=True)
        return np.where(exists, np.log(np.maximum(table, 1e-12)), IMPOSSIBLE)

    def table(self) -> torch.Tensor:
        """Embeddings of all tokens, (codes of all tokens, width)."""
        return self.embeddings + self.placed @ self.slopes

    def heads(self) -> torch.Tensor:
        """Heads of generated tokens, (generated, narrow, classes)."""
        return self.head + torch.bmm(self.bends, self.shown)

    def decaying(self) -> list[nn.Parameter]:
        """Parameters that weight decay pulls to zero: all but biases, which are logarithms of shares."""
        return [self.embeddings, self.place, self.first, self.second, self.head, self.slopes, self.bends]

    def size(self) -> int:
        """Number of parameters; a head counts the classes that it has."""
        fixed = sum(p.numel() for p in (self.embeddings, self.place, self.first, self.second))
        biases = self.first_bias.numel() + self.second_bias.numel()
        heads = sum((self.head.shape[1] + 1) * size for size in self.sizes)
        return int(fixed + biases + heads + sum(p.numel() for p in self.inside.values()))

    def hidden(
        self, rows: torch.Tensor, order: list[int], keep: torch.Tensor | None, table: torch.Tensor
    ) -> torch.Tensor:
        """For every generated token the sum of the embeddings before it in ``order``, (generated, n, width)."""
        c = self.context
        before = torch.zeros(len(order), len(order), device=rows.device)
        for k, token in enumerate(order):
            before[token - c, [t - c for t in order[:k]]] = 1.0
        own = functional.embedding(rows[:, c:].T + self.starts[c:, None], table)
        with torch.autocast(rows.device.type, enabled=False):
            found = (before @ own.flatten(1)).reshape(own.shape)
        if not c:
            return found
        share = torch.ones(len(rows), c, device=rows.device) if keep is None else keep.to(rows.device)
        above = functional.embedding_bag(rows[:, :c] + self.starts[:c], table, mode="sum", per_sample_weights=share)
        return found + above

    def logits(
        self, hidden: torch.Tensor, rows: torch.Tensor, *, fine: bool, dropout: float = 0.0,
        source: torch.Generator | None = None,
    ) -> torch.Tensor:  # fmt: skip
        """Logits of every generated token, (generated, n, classes)."""
        first, second, head, place = self.first, self.second, self.heads(), self.place
        biases = [self.first_bias, self.second_bias, self.head_bias]
        if fine:
            powers = [exponents(w, 1, most) for w, most in ((first, 12), (second, 12), (head, FINEST_HEAD))]
            first, second, head = (rounded(w, e) for w, e in zip((first, second, head), powers, strict=True))
            place = rounded_bias(place, self.scale(), 2.0**20)
            biases = [rounded_bias(b, ACTIVATION + e, LARGEST) for b, e in zip(biases, powers, strict=True)]

        def thinned(x: torch.Tensor) -> torch.Tensor:
            if not dropout:
                return x
            mask = torch.rand(x.shape, generator=source).to(x.device) >= dropout
            return x * mask / (1 - dropout)

        x = thinned(activated(hidden + place[:, None], fine=fine))
        y = thinned(activated(torch.baddbmm(biases[0], x, first), fine=fine))
        z = torch.baddbmm(biases[1], y, second)
        z = thinned(activated(y + torch.relu(z), fine=fine))
        out = torch.baddbmm(biases[2], z, head).float()
        if not len(self.inside):
            return out
        parts = list(out.unbind(0))
        for name, table in self.inside.items():
            k = int(name)
            if fine:
                table = rounded_bias(table[None], ACTIVATION + powers[2][k : k + 1], LARGEST)[0]
            more = functional.embedding(rows[:, self.tokens.tokens[self.context + k].group], table)
            parts[k] = parts[k] + functional.pad(more, (0, out.shape[2] - more.shape[1]))
        return torch.stack(parts)

    def scale(self) -> torch.Tensor:
        """Exponent of the embeddings' unit, (1,): the same for all, since they are added up."""
        return exponents(self.table()[None], ACTIVATION, 10)

    def surprise(
        self, rows: torch.Tensor, order: list[int], keep: torch.Tensor | None = None, *, fine: bool = False,
        dropout: float = 0.0, source: torch.Generator | None = None,
    ) -> torch.Tensor:  # fmt: skip
        """Minus log likelihood of every generated token, (generated, n)."""
        table = rounded(self.table()[None], self.scale())[0] if fine else self.table()
        found = self.logits(self.hidden(rows, order, keep, table), rows, fine=fine, dropout=dropout, source=source)
        wanted = rows[:, self.context :].T
        flat = functional.cross_entropy(found.flatten(0, 1), wanted.flatten(), reduction="none")
        return flat.reshape(wanted.shape)

    def loss(
        self, rows: torch.Tensor, order: list[int], keep: torch.Tensor | None, *, fine: bool, dropout: float,
        source: torch.Generator,
    ) -> torch.Tensor:  # fmt: skip
        return self.surprise(rows, order, keep, fine=fine, dropout=dropout, source=source).sum() / len(rows)


def rounded_bias(values: torch.Tensor, exponent: torch.Tensor, largest: float) -> torch.Tensor:
    """Biases as whole multiples of the unit of what they are added to; gradients pass."""
    unit = torch.exp2(exponent).reshape(-1, *[1] * (values.ndim - 1))
    whole = torch.round(values.detach() * unit).clamp(-largest, largest) / unit
    return values + (whole - values).detach()


def export(module: Module, tokens: Tokens) -> Layers:
    """The whole numbers of a trained module."""

    def integers(values: torch.Tensor, exponent: torch.Tensor, limit: float, kind: type[Any]) -> npt.NDArray[Any]:
        unit = torch.exp2(exponent).reshape(-1, *[1] * (values.ndim - 1))
        whole = torch.round(values.detach() * unit).clamp(-limit, limit)
        return np.ascontiguousarray(whole.numpy().astype(kind))

    scale = module.scale()
    first, second = (exponents(w, 1, 12) for w in (module.first, module.second))
    head = exponents(module.heads(), 1, FINEST_HEAD)
    heads = integers(module.heads(), head, 127, np.int8)
    bias = integers(module.head_bias, head + ACTIVATION, LARGEST, np.int32)
    own = list(enumerate(module.sizes))
    return Layers(
        embeddings=integers(module.table()[None], scale, 127, np.int8)[0],
        scale=int(scale),
        place=integers(module.place[None], scale, 2.0**20, np.int32)[0],
        first=integers(module.first, first, 127, np.int8),
        first_bias=integers(module.first_bias, first + ACTIVATION, LARGEST, np.int32)[:, 0],
        first_shift=first.numpy().astype(np.int32),
        second=integers(module.second, second, 127, np.int8),
        second_bias=integers(module.second_bias, second + ACTIVATION, LARGEST, np.int32)[:, 0],
        second_shift=second.numpy().astype(np.int32),
        head=np.concatenate([np.ascontiguousarray(heads[k, :, :size].T) for k, size in own]),
        head_bias=np.concatenate([bias[k, 0, :size] for k, size in own]),
        head_shift=head.numpy().astype(np.int32),
        inside={
            module.context + int(k): integers(table[None], head[int(k)] + ACTIVATION, LARGEST, np.int32)[0]
            for k, table in module.inside.items()
        },
        table=exponentials(),
    )  # fmt: skip
