"""What each neural plug-in learns, with torch: a variational autoencoder, a conditional GAN, a masked diffusion."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional

from fixturesynth.generators.contract import CodedTable
from fixturesynth.generators.neural.learning import Trunk, each_variable, learn_batches, one_thread
from fixturesynth.generators.neural.perceptron import Perceptron

__all__ = ["Aim", "learn_diffusion", "learn_gan", "learn_vae"]

WIDTH = 256
LATENT = 24
NOISE = 64
RATE = 2e-3
RECONSTRUCTION = 2.0  # weight of the reconstruction against the divergence, as in TVAE
PACK = 8  # rows that the critic judges together, against mode collapse
GRADIENT = 10.0  # weight of the penalty on the critic's gradient
TEMPERATURE = 0.2
FAIR_FROM = 0.6  # share of the steps after which fairness counts


def _surprise(logits: torch.Tensor, codes: torch.Tensor, sizes: list[int]) -> torch.Tensor:
    """Cross entropy of every generated variable, (n, variables)."""
    parts = each_variable(logits, sizes, lambda part, i: functional.cross_entropy(part, codes[:, i], reduction="none"))
    return torch.stack(parts, dim=1)


@one_thread()
def learn_vae(table: CodedTable, *, seed: int, time_limit: float | None) -> tuple[Perceptron, dict[str, int]]:
    """A variational autoencoder for tables: TVAE of Xu, Skoularidou, Cuesta-Infante and Veeramachaneni, "Modeling
    tabular data using conditional GAN", 2019, over codes. Evidence bound with the reconstruction weighted twice."""
    batches, source = learn_batches(table, seed, "vae", time_limit, width=WIDTH, rounds=2)
    c, own = batches.context, batches.sizes[batches.context :]
    trunk = Trunk(batches.sizes[:c], sum(own), LATENT, WIDTH, source)
    encoder = Trunk(batches.sizes, 2 * LATENT, 0, WIDTH, source)
    optimiser = torch.optim.Adam([*trunk.parameters(), *encoder.parameters()], lr=RATE, weight_decay=1e-5)
    everything = list(range(len(batches.sizes)))
    for step, rows in enumerate(batches):
        _anneal(optimiser, step, batches.steps)
        ones = torch.ones(rows.shape)
        mean, spread = encoder(None, encoder.entered(rows, everything, ones)).chunk(2, dim=1)
        spread = spread.clamp(-8.0, 4.0)
        noise = mean + torch.exp(spread / 2) * torch.randn(mean.shape, generator=source)
        logits = trunk(noise, trunk.entered(rows[:, :c], everything[:c], ones[:, :c]))
        divergence = 0.5 * (mean**2 + spread.exp() - 1 - spread).sum(dim=1)
        loss = (RECONSTRUCTION * _surprise(logits, rows[:, c:], own).sum(dim=1) + divergence).mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return trunk.whole(), {"steps": batches.steps, "noise": LATENT}


@one_thread()
def learn_diffusion(table: CodedTable, *, seed: int, time_limit: float | None) -> tuple[Perceptron, dict[str, int]]:
    """Masked (absorbing-state) diffusion over codes: Austin et al., "Structured denoising diffusion models in discrete
    state-spaces", 2021; for tables Shi et al., "TabDiff", 2025. A share of the variables is hidden, uniformly many;
    the denoiser predicts them, each weighted by one over that share."""
    batches, source = learn_batches(table, seed, "diffusion", time_limit, width=WIDTH)
    c, own = batches.context, batches.sizes[batches.context :]
    trunk = Trunk(batches.sizes, sum(own), 0, WIDTH, source)
    optimiser = torch.optim.Adam(trunk.parameters(), lr=RATE)
    everything = list(range(len(batches.sizes)))
    for step, rows in enumerate(batches):
        _anneal(optimiser, step, batches.steps)
        share = torch.rand(len(rows), 1, generator=source).clamp(min=1 / len(own))
        hidden = torch.rand(len(rows), len(own), generator=source) < share
        shown = torch.cat([torch.ones(len(rows), c), (~hidden).float()], dim=1)
        logits = trunk(None, trunk.entered(rows, everything, shown))
        loss = (_surprise(logits, rows[:, c:], own) * hidden / share).sum() / len(rows)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return trunk.whole(), {"steps": batches.steps, "noise": 0}


@dataclass(frozen=True)
class Aim:
    """Demographic parity of ``outcome`` == ``desired`` between rows with ``protected`` == ``privileged`` and others:
    numbers of generated variables and codes; ``weight`` of the difference in the generator's loss."""

    protected: int
    privileged: int
    outcome: int
    desired: int
    weight: float


class _Critic(nn.Module):
    def __init__(self, inputs: int, source: torch.Generator) -> None:
        super().__init__()
        shapes = ((inputs, WIDTH), (WIDTH, WIDTH), (WIDTH, 1))
        self.weights = nn.ParameterList(
            nn.Parameter(torch.randn(a, b, generator=source) * math.sqrt(2 / a)) for a, b in shapes
        )
        self.biases = nn.ParameterList(nn.Parameter(torch.zeros(b)) for _, b in shapes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for k, (weight, bias) in enumerate(zip(self.weights, self.biases, strict=True)):
            x = x @ weight + bias
            if k < 2:
                x = functional.leaky_relu(x, 0.2)
        return x


@one_thread()
def learn_gan(
    table: CodedTable, *, seed: int, time_limit: float | None, aim: Aim | None
) -> tuple[Perceptron, dict[str, int]]:
    """A conditional GAN for tables: CTGAN of Xu et al. 2019 over codes, with training by sampling, packing (Lin et al.,
    "PacGAN", 2018) and the gradient penalty of Gulrajani et al., "Improved training of Wasserstein GANs", 2017; with
    ``aim`` the second phase of Rajabi and Garibay, "TabFairGAN", 2022."""
    batches, source = learn_batches(table, seed, "gan", time_limit, width=WIDTH, rounds=5)
    c, own = batches.context, batches.sizes[batches.context :]
    trunk = Trunk(batches.sizes, sum(own), NOISE, WIDTH, source)
    critic = _Critic(PACK * (sum(batches.sizes) + sum(own)), source)
    making = torch.optim.Adam(trunk.parameters(), lr=RATE / 4, betas=(0.5, 0.9))
    judging = torch.optim.Adam(critic.parameters(), lr=RATE / 4, betas=(0.5, 0.9))
    everything = list(range(len(batches.sizes)))
    by_code = _rows_by_code(batches.codes[:, c:], own)

    def made(rows: torch.Tensor, told: torch.Tensor) -> torch.Tensor:
        shown = torch.cat([torch.ones(len(rows), c), told], dim=1)
        noise = torch.randn(len(rows), NOISE, generator=source)
        return trunk(noise, trunk.entered(rows, everything, shown))

    for step, _ in enumerate(batches):
        rows, chosen = _by_sampling(batches.codes, c, by_code, batches.size, source)
        told = functional.one_hot(chosen, len(own)).float()
        condition = _one_hot(rows, [1.0] * c, told, batches.sizes)
        real = torch.cat([_one_hot(rows[:, c:], [1.0] * len(own), None, own), condition], dim=1)
        with torch.no_grad():
            soft = torch.cat([_softened(made(rows, told), own, source), condition], dim=1)
        loss = critic(_packed(soft)).mean() - critic(_packed(real)).mean() + _penalty(critic, real, soft, source)
        judging.zero_grad()
        loss.backward()
        judging.step()
        logits = made(rows, told)
        soft = _softened(logits, own, source)
        loss = -critic(_packed(torch.cat([soft, condition], dim=1))).mean()
        loss = loss + (_surprise(logits, rows[:, c:], own) * told).sum() / len(rows)
        if aim is not None and step >= FAIR_FROM * batches.steps:
            loss = loss + aim.weight * _disparity(soft, own, aim)
        making.zero_grad()
        loss.backward()
        making.step()
    return trunk.whole(), {"steps": batches.steps, "noise": NOISE}


def _anneal(optimiser: torch.optim.Optimizer, step: int, steps: int) -> None:
    for group in optimiser.param_groups:
        group["lr"] = RATE * (0.5 * (1 + math.cos(math.pi * step / steps)) * 0.98 + 0.02)


def _rows_by_code(codes: torch.Tensor, sizes: list[int]) -> list[tuple[torch.Tensor, torch.Tensor, torch.Tensor]]:
    """For each variable: rows in the order of its codes, where each code begins, and the logarithm of its count."""
    out = []
    for i, size in enumerate(sizes):
        counts = torch.bincount(codes[:, i], minlength=size)
        order = torch.argsort(codes[:, i], stable=True)
        out.append((order, torch.cumsum(counts, 0) - counts, counts))
    return out


def _by_sampling(
    codes: torch.Tensor, context: int, by_code: list[tuple[torch.Tensor, torch.Tensor, torch.Tensor]], size: int,
    source: torch.Generator,
) -> tuple[torch.Tensor, torch.Tensor]:  # fmt: skip
    """Rows found by a variable chosen evenly and one of its codes by the logarithm of its count, and that variable."""
    chosen = torch.randint(len(by_code), (size,), generator=source)
    found = torch.empty(size, dtype=torch.int64)
    for i, (order, begins, counts) in enumerate(by_code):
        here = torch.nonzero(chosen == i)[:, 0]
        if not len(here):
            continue
        value = torch.multinomial(torch.log1p(counts.float()), len(here), replacement=True, generator=source)
        place = (torch.rand(len(here), generator=source) * counts[value]).long().clamp(max=int(counts.max()) - 1)
        found[here] = order[begins[value] + torch.minimum(place, counts[value] - 1)]
    return codes[found], chosen


def _one_hot(codes: torch.Tensor, shown: list[float], told: torch.Tensor | None, sizes: list[int]) -> torch.Tensor:
    """One column for each code; of the variables behind those in ``shown`` only what is ``told``."""
    parts = []
    for i, size in enumerate(sizes):
        part = functional.one_hot(codes[:, i], size).float()
        if told is not None and i >= len(shown):
            part = part * told[:, i - len(shown), None]
        parts.append(part)
    return torch.cat(parts, dim=1)


def _softened(logits: torch.Tensor, sizes: list[int], source: torch.Generator) -> torch.Tensor:
    """Gumbel-softmax of each variable (Jang, Gu and Poole, 2017), (n, codes)."""

    def soft(part: torch.Tensor, _: int) -> torch.Tensor:
        uniform = torch.rand(part.shape, generator=source).clamp(1e-7, 1 - 1e-7)
        return functional.softmax((part - torch.log(-torch.log(uniform))) / TEMPERATURE, dim=1)

    return torch.cat(each_variable(logits, sizes, soft), dim=1)


def _packed(rows: torch.Tensor) -> torch.Tensor:
    return rows.reshape(len(rows) // PACK, -1)


def _penalty(critic: _Critic, real: torch.Tensor, made: torch.Tensor, source: torch.Generator) -> torch.Tensor:
    share = torch.rand(len(real) // PACK, 1, 1, generator=source)
    share = share.expand(-1, PACK, 1).reshape(-1, 1)
    between = _packed(share * real + (1 - share) * made).requires_grad_()
    (slope,) = torch.autograd.grad(critic(between).sum(), between, create_graph=True)
    return GRADIENT * ((slope.norm(dim=1) - 1) ** 2).mean()


def _disparity(soft: torch.Tensor, sizes: list[int], aim: Aim) -> torch.Tensor:
    parts = soft.split(sizes, dim=1)
    inside = parts[aim.protected][:, aim.privileged]
    desired = parts[aim.outcome][:, aim.desired]
    high = (inside * desired).sum() / inside.sum().clamp(min=1e-6)
    low = ((1 - inside) * desired).sum() / (1 - inside).sum().clamp(min=1e-6)
    return (high - low).abs()
