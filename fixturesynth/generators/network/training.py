"""Training of the network with torch; the only module that imports it.

The last part of training is fake-quantised: weights and activations are rounded as they will be when drawing, so that
the network makes up for what rounding takes (Jacob et al., "Quantization and training of neural networks for efficient
integer-arithmetic-only inference", 2018).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from fixturesynth.errors import InputError
from fixturesynth.generators.network.device import pick_device
from fixturesynth.generators.network.guides import Guide
from fixturesynth.generators.network.integers import EACH, Layers, columns_of
from fixturesynth.generators.network.module import Module, expected, export
from fixturesynth.generators.network.relations import SHOWN, Relation
from fixturesynth.generators.network.tokens import Tokens
from fixturesynth.randomness import key, permutation

__all__ = ["Settings", "settings_for", "train"]

Columns = npt.NDArray[np.int32]

HELD_OUT = 0.1  # share of root entities by which training stops
MOST_HELD_OUT = 8_192  # rows that are looked at of those held out: more say no more, and a look costs as many steps
FEWEST_HELD_OUT = 20  # rows; with fewer training does not stop early
SLOW = 8e9  # multiplications and additions a second of a slow core, all overheads counted in
GIVEN = 0.4  # share of steps in which some variables come first, as they do when they are given
RANDOM = 0.05  # share of steps in a random order of variables, so that any subset can be
BLIND = 0.1  # share of context tokens that are hidden in training: a parent's values are no fingerprint
FINE = 0.3  # last share of the steps, in which rounding is simulated
PATIENCE = 2.0  # standard errors that held-out likelihood may lie below its best
# Rows below which so much is dropped out: it keeps few rows from being learned by heart, and blurs what many say.
DROPOUT = ((5_000, 0.3), (20_000, 0.1))
WIDTHS = ((128, 64), (128, 48), (96, 48), (96, 32), (64, 32))  # of the hidden sum and of the layers
MOST_PARAMETERS = 500_000
CHECKS = 12  # looks at held-out rows during training


@dataclass(frozen=True)
class Settings:
    """``width`` of the hidden sum, ``narrow`` of the layers, rows of a ``batch``, number of ``steps``."""

    width: int = 128
    narrow: int = 64
    batch: int = 512
    steps: int = 900
    rate: float = 4e-3
    decay: float = 0.01
    dropout: float = 0.0


def parameters(tokens: Tokens, relations: Sequence[Relation], guides: Sequence[Guide], width: int, narrow: int) -> int:
    """Numbers that a network of this width keeps."""
    parts = columns_of(tokens, relations)
    inside = sum(size * places for size, places, _ in parts)
    layers = len(parts) * (width * (narrow + 1) + narrow * (narrow + 2))
    outputs = sum(size + places + EACH * len(own) for size, places, own in parts)
    shown = sum(t.size for t in tokens.tokens) + len(relations) * (2 * SHOWN + 3)
    told = sum(guide.leaves * tokens.tokens[guide.target].size for guide in guides)
    return shown * width + layers + outputs * (narrow + 1) + inside + told


def settings_for(
    rows: int,
    tokens: Tokens,
    relations: Sequence[Relation] = (),
    guides: Sequence[Guide] = (),
    time_limit: float | None = None,
) -> Settings:
    """Settings by the number of rows to learn from, at most MOST_PARAMETERS where the narrowest network has no more;
    fewer steps where the time limit is short for a slow core."""
    dropout = next((share for most, share in DROPOUT if rows < most), 0.0)
    batch = int(np.clip(2 ** math.floor(math.log2(max(rows, 24) / 24)), 32, 512))
    widths = WIDTHS[-1:] if rows < 1_000 else WIDTHS
    width, narrow = next(
        (w for w in widths if parameters(tokens, relations, guides, *w) <= MOST_PARAMETERS), WIDTHS[-1]
    )
    epochs = 20 if rows < DROPOUT[0][0] else 9
    steps = int(np.clip(epochs * rows / batch, 150, 2_000))
    if time_limit is not None:
        own = [size + places + EACH * len(related) for size, places, related in columns_of(tokens, relations)]
        products = sum(width * narrow + narrow * narrow + narrow * size + 8 * width for size in own)
        steps = int(np.clip(time_limit * SLOW / (6 * batch * products), 20, steps))
    return Settings(width, narrow, batch, steps, dropout=dropout)


@contextmanager
def _one_thread() -> Iterator[None]:
    """Training on one thread: threads of small products mostly wait for each other, badly so on a busy machine; and
    sums come out the same whatever the number of cores."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@_one_thread()
def train(
    tokens: Tokens,
    relations: Sequence[Relation],
    guides: Sequence[Guide],
    columns: Columns,
    order: list[int],
    groups: npt.NDArray[np.int64] | None,
    *,
    seed: int,
    time_limit: float | None = None,
    settings: Settings | None = None,
    device: str = "auto",
    progress: Callable[[int, int], None] | None = None,
) -> tuple[Layers, dict[str, Any]]:
    """Layers, and facts of the training. ``columns``: tokens of every row, (n, tokens). ``order``: of variables."""
    chosen, held = _split(len(columns), groups, seed)
    settings = settings or settings_for(chosen.size, tokens, relations, guides, time_limit)
    place = _device(device)
    source = torch.Generator(device="cpu")
    source.manual_seed(key(seed, "network", "training") % 2**63)
    whole = torch.from_numpy(expected(tokens, relations, guides, columns).astype(np.int64))
    data, test = whole[chosen], whole[_some(held)].to(place)
    module = Module(tokens, relations, guides, columns[chosen], settings.width, settings.narrow, source).to(place)
    fixed = [tokens.of(variable)[0] for variable in order]
    decaying = module.decaying()
    others = [p for p in module.parameters() if not any(p is q for q in decaying)]
    optimiser = torch.optim.AdamW(
        [{"params": decaying, "weight_decay": settings.decay}, {"params": others, "weight_decay": 0.0}],
        lr=settings.rate, betas=(0.9, 0.99),
    )  # fmt: skip
    average, best = _Average(module), _Best()
    every = max(1, settings.steps // CHECKS)
    batches = _batches(len(data), settings.batch, seed)
    for step in range(settings.steps):
        if progress is not None:
            progress(step, settings.steps)
        fine = step >= (1 - FINE) * settings.steps
        for group in optimiser.param_groups:
            group["lr"] = settings.rate * _schedule(step, settings.steps)
        rows = data[next(batches)].to(place)
        sequence = _next_order(tokens, order, source)
        keep = _keep(len(rows), tokens.context, source)
        with _mixed(place):
            loss = module.loss(rows, sequence, keep, fine=fine, dropout=settings.dropout, source=source)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        average.update(module, step)
        if held.size >= FEWEST_HELD_OUT and ((step + 1) % every == 0 or step + 1 == settings.steps):
            with average.of(module), torch.no_grad():
                best.look(module, _likelihood(module, test, fixed, place, fine), step + 1)
            if best.hopeless:
                break
    if best.kept is not None:
        module.load_state_dict(best.kept)
    else:
        average.into(module)
    facts = {
        "steps": best.step or settings.steps, "parameters": module.size(), "width": settings.width,
        "held_out": [round(v, 4) for v in best.seen],
    }  # fmt: skip
    return export(module.cpu()), facts


def _device(name: str) -> torch.device:
    try:
        return pick_device(name)
    except (RuntimeError, AssertionError) as error:
        cause = " ".join(str(error).split())[:100]
        raise InputError(f"torch cannot use the device {name!r} ({cause}); use --device cpu, or auto") from error


def _split(
    rows: int, groups: npt.NDArray[np.int64] | None, seed: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Rows to learn from and rows held out, by root entity."""
    owner = np.arange(rows) if groups is None else np.unique(groups, return_inverse=True)[1]
    size = int(owner.max()) + 1
    out = np.zeros(size, bool)
    out[permutation(size, seed, "network", "held out")[: int(size * HELD_OUT)]] = True
    held = np.flatnonzero(out[owner])
    if held.size < FEWEST_HELD_OUT:
        return np.arange(rows), held[:0]
    return np.flatnonzero(~out[owner]), held


def _some(held: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """At most MOST_HELD_OUT of the rows held out, evenly from all of them."""
    return held[np.arange(min(held.size, MOST_HELD_OUT)) * held.size // max(min(held.size, MOST_HELD_OUT), 1)]


def _batches(rows: int, batch: int, seed: int) -> Iterator[npt.NDArray[np.int64]]:
    """Rows of each step: one permutation after another, every row once in each."""
    epoch = 0
    left = np.zeros(0, np.int64)
    while True:
        while left.size < batch:
            left = np.concatenate([left, permutation(rows, seed, "network", "epoch", epoch)])
            epoch += 1
        yield left[:batch]
        left = left[batch:]


def _schedule(step: int, steps: int) -> float:
    """A tenth of the steps up, the rest down along a cosine."""
    up = min(100, steps // 10 + 1)
    return min(1.0, (step + 1) / up) * (0.98 * 0.5 * (1 + math.cos(math.pi * step / steps)) + 0.02)


def _next_order(tokens: Tokens, order: list[int], source: torch.Generator) -> list[int]:
    """The first tokens of all variables in the order of one step: mostly ``order``; else with one, two or a few
    variables moved to the front, as if they were given; now and then in any order."""
    coin = float(torch.rand(1, generator=source))
    chosen = order
    if coin < GIVEN + RANDOM:
        mixed = [order[k] for k in torch.randperm(len(order), generator=source).tolist()]
        chosen = mixed
        if coin < GIVEN:
            # One variable in half of those steps, two in a quarter, and so on.
            first = mixed[: 1 + int(-math.log2(max(coin / GIVEN, 2.0 ** -len(order))))]
            chosen = first + [variable for variable in order if variable not in first]
    return [tokens.of(variable)[0] for variable in chosen]


def _keep(rows: int, context: int, source: torch.Generator) -> torch.Tensor | None:
    return (torch.rand(rows, context, generator=source) >= BLIND).float() if context else None


def _likelihood(module: Module, test: torch.Tensor, order: list[int], device: torch.device, fine: bool) -> torch.Tensor:
    """Minus log likelihood of every held-out row, (n,)."""
    found = []
    for rows in test.split(2_048):
        with _mixed(device):
            found.append(module.surprise(rows, order, fine=fine).sum(dim=0))
    return torch.cat(found)


class _Average:
    """Running average of all parameters, which is what is kept: it follows the path less nervously than the last
    step does."""

    def __init__(self, module: Module) -> None:
        self.values = [p.detach().clone() for p in module.parameters()]

    def update(self, module: Module, step: int) -> None:
        share = 1 - min(0.999, (step + 2) / (step + 11))
        with torch.no_grad():
            torch._foreach_lerp_(self.values, [p.detach() for p in module.parameters()], share)

    def into(self, module: Module) -> None:
        with torch.no_grad():
            for parameter, value in zip(module.parameters(), self.values, strict=True):
                parameter.copy_(value)

    @contextmanager
    def of(self, module: Module) -> Iterator[None]:
        """The module with its averages, for a look."""
        now = [p.detach().clone() for p in module.parameters()]
        self.into(module)
        try:
            yield
        finally:
            with torch.no_grad():
                for parameter, value in zip(module.parameters(), now, strict=True):
                    parameter.copy_(value)


class _Best:
    """The latest state whose held-out likelihood is not surely worse than the best one's."""

    def __init__(self) -> None:
        self.lowest: torch.Tensor | None = None
        self.kept: dict[str, torch.Tensor] | None = None
        self.step = 0
        self.seen: list[float] = []
        self.worse = 0

    @property
    def hopeless(self) -> bool:
        return self.worse >= 3

    def look(self, module: Module, surprise: torch.Tensor, step: int) -> None:
        self.seen.append(float(surprise.mean()))
        if self.lowest is None or surprise.mean() < self.lowest.mean():
            self.lowest = surprise
        gap = surprise - self.lowest
        error = float(gap.std()) / math.sqrt(max(gap.numel(), 1))
        if float(gap.mean()) <= PATIENCE * error or float(gap.mean()) <= 0:
            self.kept = {name: value.detach().clone() for name, value in module.state_dict().items()}
            self.step, self.worse = step, 0
        else:
            self.worse += 1


def _mixed(device: torch.device) -> torch.autocast:
    """bfloat16 products where the machine has units for them; elsewhere they are slower than float32."""
    quick = device.type == "cuda" or bool(getattr(torch.cpu, "_is_amx_tile_supported", lambda: False)())
    return torch.autocast(device.type, torch.bfloat16, enabled=quick)
