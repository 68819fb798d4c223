"""The part of drawing that costs time, rows that go on by themselves, with torch on a processor or a GPU.

The same whole numbers as in ``drawing``: every product and sum is exact in float32, so the same bytes come out. The
fast modes of GPUs that round the factors of a product (TF32) are not used.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import torch

from fixturesynth.generators.network.drawing import Drawer, Drawn, completed, in_leaves, leaves_of
from fixturesynth.generators.network.integers import EACH, NEAR, Column, Floats, Head
from fixturesynth.generators.network.relations import AHEAD, SHOWN, Relation

__all__ = ["draw_rest", "pick_device"]

MOST_ON_DEVICE = 65_536  # rows that go through the layers at once


def pick_device(name: str) -> torch.device:
    """The device of a name; "auto" is CUDA, then MPS, then the processor. RuntimeError when it is not at hand."""
    if name == "auto":
        mps = getattr(torch.backends, "mps", None)
        name = "cuda" if torch.cuda.is_available() else "mps" if mps is not None and mps.is_available() else "cpu"
    device = torch.device(name)
    torch.zeros(1, device=device)
    return device


def draw_rest(
    drawer: Drawer, hidden: Floats, known: Mapping[int, Column], waiting: Mapping[int, Column],
    draws: Sequence[Drawn], device: torch.device, *, stratify: bool,
) -> dict[int, Column]:  # fmt: skip
    """Columns of all tokens, (n,), as ``drawing`` draws them.

    ``hidden``: (n, width), of the tokens ``known``; those ``waiting`` are yet to be observed.
    """
    before = torch.backends.cuda.matmul.allow_tf32
    torch.backends.cuda.matmul.allow_tf32 = False
    try:
        with torch.inference_mode():
            return _Rest(drawer, hidden, known, waiting, device).draw(draws, stratify=stratify)
    finally:
        torch.backends.cuda.matmul.allow_tf32 = before


class _Rest:
    def __init__(
        self, drawer: Drawer, hidden: Floats, known: Mapping[int, Column], waiting: Mapping[int, Column],
        device: torch.device,
    ) -> None:  # fmt: skip
        self.drawer, self.device = drawer, device
        self.table = self._on(drawer.table)
        self.distances = self._on(drawer.distances)
        self.hidden = self._on(hidden)
        self.known = {**known, **waiting}
        self.columns = {token: self._on(column).long() for token, column in known.items()}
        for token, column in waiting.items():
            self.observe(token, self._on(column).long())

    def _on(self, array: np.ndarray) -> torch.Tensor:
        return torch.from_numpy(np.ascontiguousarray(array)).to(self.device)

    def draw(self, draws: Sequence[Drawn], *, stratify: bool) -> dict[int, Column]:
        for draw in draws:
            head = self.drawer.heads[draw.token]
            leaf = leaves_of(self.drawer, draw.token, self.known)
            words = in_leaves(leaf, draw.words) if stratify else draw.words
            inside = self.drawer.tokens.inside(draw.token)
            parts: dict[int, list[torch.Tensor]] = {token: [] for token in (draw.token, inside) if token is not None}
            for here in self.blocks():
                found = self.outputs(head, self.hidden[here])
                if leaf is not None and head.leaves is not None:
                    found[:, : head.size] += self._on(head.leaves).T[self._on(leaf[here]).long()]
                expected = [self.expect(self.drawer.relations[k], here) for k in head.relations]
                column = self.pick(self.near(head, found, expected), words[here])
                parts[draw.token].append(column)
                if inside is not None:
                    parts[inside].append(self.pick(self.placed(head, found, column, expected), draw.inner[here]))
            for token, columns in parts.items():
                values = torch.cat(columns)
                self.observe(token, values)
                self.known[token] = values.to(torch.int32).cpu().numpy()
        return self.known

    def blocks(self) -> Iterator[slice]:
        for start in range(0, len(self.hidden), MOST_ON_DEVICE):
            yield slice(start, start + MOST_ON_DEVICE)

    def observe(self, token: int, column: torch.Tensor) -> None:
        self.hidden = self.hidden + self._on(self.drawer.embeddings[token])[column]
        self.columns[token] = column
        for k in completed(self.drawer, self.columns, token):
            relation = self.drawer.relations[k]
            centre = self._on(relation.centre).long()[self.codes(relation.source)]
            apart = (self.columns[relation.target] - centre).clamp(-SHOWN - 1, SHOWN + 1) + SHOWN + 1
            self.hidden = self.hidden + self.distances[k][apart]

    def codes(self, lead: int, here: slice = slice(None)) -> torch.Tensor:
        """Codes of the variable of a token; a context token's code is the token itself."""
        tokens = self.drawer.tokens
        inside = tokens.inside(lead)
        if tokens.tokens[lead].context or inside is None:
            return self.columns[lead][here]
        group = tokens.lookups[lead]
        first = np.searchsorted(group, np.arange(int(group[-1]) + 1)).astype(np.int64)
        return self._on(first)[self.columns[lead][here]] + self.columns[inside][here]

    def expect(self, relation: Relation, here: slice) -> tuple[torch.Tensor, torch.Tensor] | None:
        if relation.source not in self.columns:
            return None
        codes = self.codes(relation.source, here)
        return self._on(relation.centre).long()[codes], self._on(relation.inner).long()[codes]

    def outputs(self, head: Head, hidden: torch.Tensor) -> torch.Tensor:
        x = (hidden + self._on(head.place)).round_().clamp_(0, 255)
        y = (x @ self._on(head.first) + self._on(head.first_bias)).round_().clamp_(0, 255)
        z = (y @ self._on(head.second) + self._on(head.second_bias)).clamp_(min=0)
        z = (z + y).round_().clamp_(max=255)
        return z @ self._on(head.head) + self._on(head.head_bias)

    def near(
        self, head: Head, found: torch.Tensor, expected: Sequence[tuple[torch.Tensor, torch.Tensor] | None]
    ) -> torch.Tensor:
        padded = torch.zeros(len(found), head.size + 2 * AHEAD, device=self.device)
        padded[:, AHEAD : AHEAD + head.size] = found[:, : head.size]
        steps = torch.arange(NEAR, device=self.device)
        for k, one in enumerate(expected):
            if one is not None:
                at = head.size + head.places + k * EACH
                padded.scatter_add_(1, one[0][:, None] + steps, found[:, at : at + NEAR])
        return padded[:, AHEAD : AHEAD + head.size]

    def placed(
        self, head: Head, found: torch.Tensor, column: torch.Tensor,
        expected: Sequence[tuple[torch.Tensor, torch.Tensor] | None],
    ) -> torch.Tensor:  # fmt: skip
        assert head.inside is not None
        out = found[:, head.size : head.size + head.places] + self._on(head.inside)[column]
        for k, one in enumerate(expected):
            if one is not None:
                centre, inner = one
                more = found[:, head.size + head.places + k * EACH + NEAR] * (column == centre)
                out = out.scatter_add(1, inner[:, None], more[:, None])
        return out

    def pick(self, logits: torch.Tensor, words: np.ndarray) -> torch.Tensor:
        below = (logits.amax(dim=1, keepdim=True) - logits).clamp_(max=len(self.table) - 1)
        running = torch.cumsum(self.table[below.long()].long(), dim=1)
        upper = self._on((words >> np.uint64(32)).astype(np.int64))
        target = (upper * running[:, -1]) >> 32
        return (running <= target[:, None]).sum(dim=1)
