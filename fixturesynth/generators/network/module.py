"""The network as a torch module, its rounding, and what of it is kept."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import nn
from torch.nn import functional

from fixturesynth.generators.network.beginnings import IMPOSSIBLE, log_inside, log_related, log_shares
from fixturesynth.generators.network.guides import Guide, leaf_ratios
from fixturesynth.generators.network.integers import (
    ACTIVATION,
    EACH,
    LARGEST,
    LARGEST_CLASS,
    LARGEST_LEAF,
    LARGEST_NEAR,
    NEAR,
    Layers,
    columns_of,
    exponentials,
)
from fixturesynth.generators.network.relations import AHEAD, SHOWN, Relation, source_codes
from fixturesynth.generators.network.tokens import Tokens

__all__ = ["Module", "expected", "export"]

FINEST_HEAD = 9  # finer weights would leave no room for IMPOSSIBLE among the biases
_UNITS = 2.0**ACTIVATION
WAVES = 12  # cosines along an ordered token
BAND_COST = 64  # outputs of one variable that take as long as it takes to multiply one band more


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


@dataclass(frozen=True)
class Seen:
    """``before``: 1 where a variable sees a token, (variables, tokens); ``both``: where it sees both sides of a
    relation, (variables, relations). By row and relation: ``centres`` and ``inners``, the expected class and place,
    (n, relations); ``shown``, 1 where its target sees the source, and ``share``, 0 where that is hidden context,
    (relations, n). ``guided``: 1 where the target of a guide sees all of its sources, (guides, n)."""

    before: torch.Tensor
    both: torch.Tensor
    centres: torch.Tensor
    inners: torch.Tensor
    shown: torch.Tensor
    share: torch.Tensor | None
    guided: torch.Tensor


@dataclass(frozen=True)
class Powers:
    """Exponents: ``scale`` (1,) of embeddings, the others by variable."""

    scale: torch.Tensor
    first: torch.Tensor
    second: torch.Tensor
    head: torch.Tensor


@dataclass(frozen=True)
class Exact:
    """The weights of a module, rounded."""

    table: torch.Tensor
    distances: torch.Tensor
    place: torch.Tensor
    first: torch.Tensor
    first_bias: torch.Tensor
    second: torch.Tensor
    second_bias: torch.Tensor
    head: torch.Tensor
    head_bias: torch.Tensor
    inside: dict[str, torch.Tensor]
    leaves: torch.Tensor


@dataclass(frozen=True)
class Band:
    """Variables with about as many outputs: their heads are multiplied at once, padded to the widest among them.

    ``most``, ``inner`` and ``slots``: largest numbers of classes, places and relations. ``relations``: indices of
    those whose targets are in the band.
    """

    variables: tuple[int, ...]
    most: int
    inner: int
    slots: int
    relations: tuple[int, ...]


def bands_of(parts: Sequence[tuple[int, int, tuple[int, ...]]]) -> list[Band]:
    """Variables, as of ``columns_of``, in at most three bands, such that the least is padded.

    >>> [band.variables for band in bands_of([(100, 0, ()), (2, 0, ()), (90, 0, ()), (5, 0, ())])]
    [(0, 2), (1, 3)]
    """
    width = [size + places + EACH * len(own) for size, places, own in parts]
    falling = sorted(range(len(parts)), key=lambda k: -width[k])
    ways: list[list[tuple[int, int]]] = [[(0, len(parts))]]
    for a in range(1, len(parts)):
        ways.append([(0, a), (a, len(parts))])
        ways += [[(0, a), (a, b), (b, len(parts))] for b in range(a + 1, len(parts))]

    def made(way: list[tuple[int, int]]) -> list[Band]:
        out = []
        for begin, end in way:
            own = sorted(falling[begin:end])
            out.append(
                Band(
                    tuple(own), max(parts[k][0] for k in own), max(parts[k][1] for k in own),
                    max(len(parts[k][2]) for k in own), tuple(m for k in own for m in parts[k][2]),
                )
            )  # fmt: skip
        return out

    def cost(way: list[tuple[int, int]]) -> int:
        return sum(len(b.variables) * (b.most + b.inner + EACH * b.slots) + BAND_COST for b in made(way))

    return made(min(ways, key=cost))


def expected(
    tokens: Tokens, relations: Sequence[Relation], guides: Sequence[Guide], columns: npt.NDArray[np.int32]
) -> npt.NDArray[np.int32]:
    """Columns of tokens with those of what relations lead to expect behind them, for each its class, then its place,
    and then the leaf of every guide, (n, tokens + 2 * relations + guides)."""
    more = []
    for relation in relations:
        codes = source_codes(tokens, columns, relation.source)
        more += [relation.centre[codes], relation.inner[codes]]
    more += [guide.find(dict(enumerate(columns.T))) for guide in guides]
    return np.concatenate([columns, *(column[:, None] for column in more)], axis=1)


class Module(nn.Module):
    """One hidden sum of embeddings; for each generated variable two narrow layers and a head.

    Heads begin at the logarithms of what is observed: a place in a group at those inside its group, the distances of
    a variable's strongest relation at how much more often they come than by chance. A head's outputs are the classes,
    in ``most`` columns, the places, in ``inner`` ones, and EACH for each relation. What the leaf of a guide says is
    added to the classes.
    """

    def __init__(
        self, tokens: Tokens, relations: Sequence[Relation], guides: Sequence[Guide], columns: npt.NDArray[np.int32],
        width: int, narrow: int, source: torch.Generator,
    ) -> None:  # fmt: skip
        super().__init__()
        self.tokens, self.relations, self.context = tokens, tuple(relations), tokens.context
        self.guides = tuple(guides)
        self.leads, self.parts = tokens.leads, columns_of(tokens, relations)
        sizes = [t.size for t in tokens.tokens]
        count = len(self.leads)
        self.most = max(size for size, _, _ in self.parts)
        self.inner = max(places for _, places, _ in self.parts)
        wide = self.most + self.inner + EACH * max(len(own) for _, _, own in self.parts)
        starts = np.cumsum([0, *sizes])[:-1]
        self.register_buffer("starts", torch.from_numpy(starts), persistent=False)

        def normal(*shape: int, spread: float) -> nn.Parameter:
            return nn.Parameter(torch.randn(*shape, generator=source) * spread)

        # The sum of half of the tokens has a spread of about one half.
        spread = 0.5 / math.sqrt(max(len(sizes) / 2, 1))
        self.embeddings = normal(sum(sizes), width, spread=spread)
        self.distances = normal(len(self.relations), 2 * SHOWN + 3, width, spread=spread)
        self.place = normal(count, width, spread=0.3)
        self.first = normal(count, width, narrow, spread=1 / math.sqrt(width))
        self.second = normal(count, narrow, narrow, spread=1 / math.sqrt(narrow))
        self.first_bias = nn.Parameter(torch.zeros(count, 1, narrow))
        self.second_bias = nn.Parameter(torch.zeros(count, 1, narrow))
        self.head = normal(count, narrow, wide, spread=0.02)
        # What is ordered is learned twice: along cosines, where neighbours move together, and class by class.
        along = [_waves(t.size) if t.ordered else np.zeros((t.size, WAVES)) for t in tokens.tokens]
        placed = np.zeros((len(sizes), max(sizes), WAVES), np.float32)
        for i, wave in enumerate(along):
            placed[i, : len(wave)] = wave
        there = np.arange(max(sizes)) < np.array(sizes)[:, None]
        shown = np.zeros((count, WAVES, wide), np.float32)
        for k, lead in enumerate(self.leads):
            shown[k, :, : sizes[lead]] = along[lead].T
        self.register_buffer("placed", torch.from_numpy(placed), persistent=False)
        self.register_buffer("there", torch.from_numpy(np.flatnonzero(there)), persistent=False)
        self.register_buffer("shown", torch.from_numpy(shown), persistent=False)
        self.slopes = normal(WAVES * len(sizes), width, spread=spread)
        self.bends = nn.Parameter(torch.zeros(count, narrow, WAVES))
        bias = torch.zeros(count, 1, wide)
        bias[:, 0, : self.most + self.inner] = IMPOSSIBLE
        inside: dict[str, nn.Parameter] = {}
        for k, (lead, (size, places, own)) in enumerate(zip(self.leads, self.parts, strict=True)):
            bias[k, 0, :size] = torch.from_numpy(log_shares(columns[:, lead], size))
            if places:
                shares = log_shares(columns[:, lead + 1], places)
                bias[k, 0, self.most : self.most + places] = torch.from_numpy(shares)
                table = log_inside(tokens, columns, lead) - shares
                inside[str(k)] = nn.Parameter(torch.from_numpy(table).float())
            if own:
                begin = self.most + self.inner
                told = log_related(tokens, columns, [self.relations[m] for m in own])
                bias[k, 0, begin : begin + EACH * len(own)] = torch.from_numpy(told.reshape(-1))
        self.head_bias = nn.Parameter(bias)
        self.inside = nn.ParameterDict(inside)
        self.begins = [int(n) for n in np.cumsum([0, *(guide.leaves for guide in self.guides)])]  # of leaves
        leaves = np.zeros((self.begins[-1], self.most), np.float32)
        for guide, begin in zip(self.guides, self.begins[:-1], strict=True):
            ratios = leaf_ratios(guide, tokens, columns)
            leaves[begin : begin + len(ratios), : ratios.shape[1]] = ratios
        self.leaves = nn.Parameter(torch.from_numpy(leaves))
        self._number_relations()
        self._number_guides()

    def _number_guides(self) -> None:
        """Of guides, as tensors: their variables, the rows where their leaves begin, and by band which they are and
        the variables in it that they lead to."""
        place = {lead: k for k, lead in enumerate(self.leads)}
        self.guided = targets = [place[guide.target] for guide in self.guides]
        self.register_buffer("leaf_begins", torch.tensor(self.begins[:-1], dtype=torch.int64), persistent=False)
        for i, band in enumerate(self.bands):
            own = [g for g, k in enumerate(targets) if k in band.variables]
            inside = [band.variables.index(targets[g]) for g in own]
            for name, numbers in (("guides", own), ("guided", inside)):
                self.register_buffer(f"band_{name}_{i}", torch.tensor(numbers, dtype=torch.int64), persistent=False)

    def _number_relations(self) -> None:
        """Where things are, as tensors: for each relation its variable, its outputs, and both sides; by band its
        variables, its relations, and their variables in the band."""
        place = {lead: k for k, lead in enumerate(self.leads)}
        targets = [place[r.target] for r in self.relations]
        slots = [self.parts[k][2].index(i) for i, k in enumerate(targets)]
        for name, values in (
            ("targets", targets), ("sources", [r.source for r in self.relations]),
            ("leading", [r.target for r in self.relations]),
        ):  # fmt: skip
            self.register_buffer(name, torch.tensor(values, dtype=torch.int64), persistent=False)
        self.bands = bands_of(self.parts)
        self.curves = [[(b.variables.index(targets[m]), slots[m]) for m in b.relations] for b in self.bands]
        for i, band in enumerate(self.bands):
            inside = [band.variables.index(targets[m]) for m in band.relations]
            told = {"variables": band.variables, "relations": band.relations, "targets": inside}
            for name, numbers in told.items():
                self.register_buffer(f"band_{name}_{i}", torch.tensor(numbers, dtype=torch.int64), persistent=False)

    def _banded(self, whole: torch.Tensor, i: int) -> torch.Tensor:
        """Of weights of all outputs, (variables, any, outputs), those of one band."""
        if len(self.bands) == 1:
            return whole
        band, near = self.bands[i], self.most + self.inner
        own = whole.index_select(0, self.get_buffer(f"band_variables_{i}"))
        spans = ((0, band.most), (self.most, band.inner), (near, EACH * band.slots))
        return torch.cat([own[:, :, begin : begin + size] for begin, size in spans if size], dim=2)

    def table(self) -> torch.Tensor:
        """Embeddings of all tokens, (codes of all tokens, width)."""
        slopes = self.slopes.reshape(len(self.placed), WAVES, -1)
        return self.embeddings + torch.bmm(self.placed, slopes).flatten(0, 1).index_select(0, self.there)

    def heads(self) -> torch.Tensor:
        """Heads of generated variables, (variables, narrow, outputs)."""
        return self.head + torch.bmm(self.bends, self.shown)

    def decaying(self) -> list[nn.Parameter]:
        """Parameters that weight decay pulls to zero: all but biases, which are logarithms of shares."""
        return [
            self.embeddings, self.distances, self.place, self.first, self.second, self.head, self.slopes, self.bends,
        ]  # fmt: skip

    def size(self) -> int:
        """Number of parameters; a head counts the outputs that it has."""
        fixed = sum(p.numel() for p in (self.embeddings, self.distances, self.place, self.first, self.second))
        biases = self.first_bias.numel() + self.second_bias.numel()
        own = sum(size + places + EACH * len(related) for size, places, related in self.parts)
        told = sum(guide.leaves * self.tokens.tokens[guide.target].size for guide in self.guides)
        inside = sum(p.numel() for p in self.inside.values())
        return int(fixed + biases + (self.head.shape[1] + 1) * own + inside + told)

    def seen(self, rows: torch.Tensor, order: list[int], keep: torch.Tensor | None) -> Seen:
        """What each variable sees of ``rows`` when they are drawn in ``order``, a list of their first tokens.

        ``rows``: (n, tokens + 2 * relations + guides), as of ``expected``.

        ``keep``: (n, context), 0 where a context token is hidden.
        """
        c, count = self.context, len(self.leads)
        before = torch.zeros(count, len(self.tokens.tokens), device=rows.device)
        before[:, :c] = 1.0
        place = {lead: k for k, lead in enumerate(self.leads)}
        done: list[int] = []
        for lead in order:
            before[place[lead], done] = 1.0
            done += [lead] if self.tokens.inside(lead) is None else [lead, lead + 1]
        sources = before[:, self.sources]  # of every relation, (variables, relations)
        both = sources * before[:, self.leading]
        begin = len(self.tokens.tokens)
        end = begin + 2 * len(self.relations)
        centres, inners = rows[:, begin:end:2], rows[:, begin + 1 : end : 2]
        known = sources[self.targets, torch.arange(len(self.relations), device=rows.device)]
        shown = known[:, None].expand(-1, len(rows))
        share = None
        if keep is not None and len(self.relations):
            share = torch.cat([keep.to(rows.device), torch.ones(len(rows), 1, device=rows.device)], dim=1)
            share = share[:, self.sources.clamp(max=c)].T
            shown = shown * share
        guided = torch.ones(len(self.guides), len(rows), device=rows.device)
        for g, (guide, k) in enumerate(zip(self.guides, self.guided, strict=True)):
            guided[g] = before[k, list(guide.sources)].prod()
            above = [source for source in guide.sources if source < c]
            if keep is not None and above:
                guided[g] *= keep.to(rows.device)[:, above].prod(dim=1)
        return Seen(before, both, centres, inners, shown, share, guided)

    def hidden(self, rows: torch.Tensor, seen: Seen, keep: torch.Tensor | None, exact: Exact | None) -> torch.Tensor:
        """For every generated variable the sum of the embeddings before it, (variables, n, width)."""
        c = self.context
        table = self.table() if exact is None else exact.table
        own = functional.embedding(rows[:, c : len(self.tokens.tokens)].T + self.starts[c:, None], table)
        with torch.autocast(rows.device.type, enabled=False):
            found = (seen.before[:, c:] @ own.flatten(1)).reshape(len(self.leads), *own.shape[1:])
            if self.relations:
                apart = (rows[:, self.leading] - seen.centres).clamp(-SHOWN - 1, SHOWN + 1) + SHOWN + 1
                levels = 2 * SHOWN + 3
                begins = torch.arange(len(self.relations), device=rows.device)[:, None] * levels
                distances = self.distances if exact is None else exact.distances
                more = functional.embedding(apart.T + begins, distances.flatten(0, 1))
                if seen.share is not None:
                    more = more * seen.share[:, :, None]
                found = found + (seen.both @ more.flatten(1)).reshape(found.shape)
        if not c:
            return found
        share = torch.ones(len(rows), c, device=rows.device) if keep is None else keep.to(rows.device)
        above = functional.embedding_bag(rows[:, :c] + self.starts[:c], table, mode="sum", per_sample_weights=share)
        return found + above

    def outputs(
        self, hidden: torch.Tensor, exact: Exact | None, *, dropout: float = 0.0,
        source: torch.Generator | None = None,
    ) -> list[torch.Tensor]:  # fmt: skip
        """Outputs of the generated variables by band, (variables of the band, n, outputs of the band)."""
        fine = exact is not None
        weights = exact or self

        def thinned(x: torch.Tensor) -> torch.Tensor:
            if not dropout:
                return x
            mask = torch.rand(x.shape, generator=source).to(x.device) >= dropout
            return x * mask / (1 - dropout)

        x = thinned(activated(hidden + weights.place[:, None], fine=fine))
        y = thinned(activated(torch.baddbmm(weights.first_bias, x, weights.first), fine=fine))
        z = torch.baddbmm(weights.second_bias, y, weights.second)
        z = thinned(activated(y + torch.relu(z), fine=fine))
        head = self.heads() if exact is None else exact.head
        found = []
        for i in range(len(self.bands)):
            own = z if len(self.bands) == 1 else z.index_select(0, self.get_buffer(f"band_variables_{i}"))
            banded = torch.baddbmm(self._banded(weights.head_bias, i), own, self._banded(head, i))
            found.append(banded.float())
        return found

    def logits(
        self, found: Sequence[torch.Tensor], rows: torch.Tensor, seen: Seen, exact: Exact | None
    ) -> tuple[list[torch.Tensor], dict[int, torch.Tensor]]:
        """From outputs: by band logits of classes, (variables of the band, n, most classes), and by variable those of
        places, (n, places)."""
        near = torch.arange(NEAR, device=rows.device)
        classes, places = [], {}
        for i, (band, own) in enumerate(zip(self.bands, found, strict=True)):
            # Cut once: every cut of the whole would cost a gradient of its size.
            logits, inside, told = own.split([band.most, band.inner, EACH * band.slots], dim=2)
            of_places, of_relations = inside.unbind(0), told.unbind(0)
            if band.relations:
                count, n = len(band.variables), len(rows)
                wide = band.most + 2 * AHEAD
                at = self.get_buffer(f"band_relations_{i}")
                targets = self.get_buffer(f"band_targets_{i}")
                curves = [of_relations[k][:, EACH * s : EACH * s + NEAR] for k, s in self.curves[i]]
                more = torch.stack(curves) * seen.shown[at][:, :, None]
                line = targets[:, None] * n + torch.arange(n, device=rows.device)
                spots = (line * wide + seen.centres[:, at].T)[:, :, None] + near
                padded = functional.pad(logits, (AHEAD, AHEAD)).flatten()
                padded = padded.index_add(0, spots.flatten(), more.flatten())
                logits = padded.reshape(count, n, wide)[:, :, AHEAD : AHEAD + band.most]
            guides = self.get_buffer(f"band_guides_{i}")
            if len(guides):
                leaves = self.leaves if exact is None else exact.leaves
                at = rows[:, rows.shape[1] - len(self.guides) :].T[guides] + self.leaf_begins[guides, None]
                said = functional.embedding(at, leaves[:, : band.most]) * seen.guided[guides][:, :, None]
                logits = logits.index_add(0, self.get_buffer(f"band_guided_{i}"), said)
            classes.append(logits)
            for j, k in enumerate(band.variables):
                if str(k) not in self.inside:
                    continue
                table = self.inside[str(k)] if exact is None else exact.inside[str(k)]
                size = table.shape[1]
                inner = functional.embedding(rows[:, self.leads[k]], table)
                inner = inner + of_places[j][:, :size]
                for slot, m in enumerate(self.parts[k][2]):
                    here = (rows[:, self.leads[k]] == seen.centres[:, m]) * seen.shown[m]
                    more = of_relations[j][:, slot * EACH + NEAR] * here
                    inner = inner.scatter_add(1, seen.inners[:, m : m + 1], more[:, None])
                places[k] = inner
        return classes, places

    def surprise(
        self, rows: torch.Tensor, order: list[int], keep: torch.Tensor | None = None, *, fine: bool = False,
        dropout: float = 0.0, source: torch.Generator | None = None,
    ) -> torch.Tensor:  # fmt: skip
        """Minus log likelihood of every generated variable, (variables, n)."""
        exact = self.exact() if fine else None
        seen = self.seen(rows, order, keep)
        found = self.outputs(self.hidden(rows, seen, keep, exact), exact, dropout=dropout, source=source)
        classes, places = self.logits(found, rows, seen, exact)
        parts: dict[int, torch.Tensor] = {}
        for band, logits in zip(self.bands, classes, strict=True):
            wanted = rows[:, [self.leads[k] for k in band.variables]].T
            flat = functional.cross_entropy(logits.flatten(0, 1), wanted.flatten(), reduction="none")
            parts |= zip(band.variables, flat.reshape(wanted.shape).unbind(0), strict=True)
        for k, inner in places.items():
            parts[k] = parts[k] + functional.cross_entropy(inner, rows[:, self.leads[k] + 1], reduction="none")
        return torch.stack([parts[k] for k in range(len(self.leads))])

    def loss(
        self, rows: torch.Tensor, order: list[int], keep: torch.Tensor | None, *, fine: bool, dropout: float,
        source: torch.Generator,
    ) -> torch.Tensor:  # fmt: skip
        return self.surprise(rows, order, keep, fine=fine, dropout=dropout, source=source).sum() / len(rows)

    def powers(self) -> Powers:
        """Exponents of the units in which weights are rounded: one for all embeddings, since they are added up."""
        whole = torch.cat([self.table(), self.distances.flatten(0, 1)])
        return Powers(
            exponents(whole[None], ACTIVATION, 10), exponents(self.first, 1, 12), exponents(self.second, 1, 12),
            exponents(self.heads(), 1, FINEST_HEAD),
        )  # fmt: skip

    def largest(self) -> torch.Tensor:
        """Largest whole number of each output's bias, (outputs,)."""
        limits = torch.full((self.head.shape[2],), float(LARGEST), device=self.head.device)
        limits[: self.most] = float(LARGEST_CLASS)
        limits[self.most + self.inner :] = float(LARGEST_NEAR)
        return limits

    def exact(self) -> Exact:
        """Weights as they will be kept; gradients pass as if they were not rounded."""
        powers = self.powers()
        table = rounded(self.table()[None], powers.scale)[0]
        return Exact(
            table=table,
            distances=rounded(self.distances.flatten(0, 1)[None], powers.scale)[0].reshape(self.distances.shape),
            place=rounded_bias(self.place, powers.scale, 2.0**20),
            first=rounded(self.first, powers.first),
            first_bias=rounded_bias(self.first_bias, powers.first + ACTIVATION, LARGEST),
            second=rounded(self.second, powers.second),
            second_bias=rounded_bias(self.second_bias, powers.second + ACTIVATION, LARGEST),
            head=rounded(self.heads(), powers.head),
            head_bias=rounded_bias(self.head_bias, powers.head + ACTIVATION, self.largest()),
            inside={
                name: rounded_bias(value[None], powers.head[int(name)][None] + ACTIVATION, LARGEST)[0]
                for name, value in self.inside.items()
            },
            leaves=rounded_bias(self.leaves, self._leaf_powers(powers), LARGEST_LEAF),
        )

    def _leaf_powers(self, powers: Powers) -> torch.Tensor:
        """Exponents of the leaves of all guides, (leaves,): those of what their variables' heads give."""
        leaves = torch.tensor([guide.leaves for guide in self.guides], dtype=torch.int64, device=powers.head.device)
        return powers.head[self.guided].repeat_interleave(leaves) + ACTIVATION


def rounded_bias(values: torch.Tensor, exponent: torch.Tensor, largest: float | torch.Tensor) -> torch.Tensor:
    """Biases as whole multiples of the unit of what they are added to; gradients pass."""
    unit = torch.exp2(exponent).reshape(-1, *[1] * (values.ndim - 1))
    limit = torch.as_tensor(largest, device=values.device)
    whole = torch.minimum(torch.maximum(torch.round(values.detach() * unit), -limit), limit) / unit
    return values + (whole - values).detach()


def export(module: Module) -> Layers:
    """The whole numbers of a trained module."""
    exact, powers = module.exact(), module.powers()

    def integers(values: torch.Tensor, exponent: torch.Tensor, kind: type[Any]) -> npt.NDArray[Any]:
        unit = torch.exp2(exponent).reshape(-1, *[1] * (values.ndim - 1))
        return np.ascontiguousarray(torch.round(values.detach() * unit).numpy().astype(kind))

    heads = integers(exact.head, powers.head, np.int8)
    bias = integers(exact.head_bias, powers.head + ACTIVATION, np.int32)
    weights, biases = [], []
    for k, (size, places, own) in enumerate(module.parts):
        inner, near = module.most, module.most + module.inner
        kept = np.r_[:size, inner : inner + places, near : near + EACH * len(own)]
        weights.append(np.ascontiguousarray(heads[k][:, kept].T))
        biases.append(bias[k, 0, kept])
    return Layers(
        embeddings=integers(exact.table[None], powers.scale, np.int8)[0],
        distances=integers(exact.distances[None], powers.scale, np.int8)[0],
        scale=int(powers.scale),
        place=integers(exact.place[None], powers.scale, np.int32)[0],
        first=integers(exact.first, powers.first, np.int8),
        first_bias=integers(exact.first_bias, powers.first + ACTIVATION, np.int32)[:, 0],
        first_shift=powers.first.numpy().astype(np.int32),
        second=integers(exact.second, powers.second, np.int8),
        second_bias=integers(exact.second_bias, powers.second + ACTIVATION, np.int32)[:, 0],
        second_shift=powers.second.numpy().astype(np.int32),
        head=np.concatenate(weights),
        head_bias=np.concatenate(biases),
        head_shift=powers.head.numpy().astype(np.int32),
        inside={
            module.leads[int(name)] + 1: integers(table[None], powers.head[int(name)] + ACTIVATION, np.int32)[0]
            for name, table in exact.inside.items()
        },
        leaves={
            guide.target: integers(
                exact.leaves[None, begin : begin + guide.leaves, : module.tokens.tokens[guide.target].size],
                powers.head[k : k + 1] + ACTIVATION,
                np.int32,
            )[0]
            for guide, begin, k in zip(module.guides, module.begins[:-1], module.guided, strict=True)
        },
        table=exponentials(),
    )
