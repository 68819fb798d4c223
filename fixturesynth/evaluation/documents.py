"""How far documents of both sides agree in what they are made of; no metric compares their values."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa

from fixturesynth.profiling.columnar import ColumnView
from fixturesynth.profiling.documents import looks_like_json, parse_document, type_of

__all__ = ["said_documents"]

LOOKED = 2_000  # documents of each side, evenly over the rows
DEEPEST = 4


def said_documents(real: ColumnView, synthetic: ColumnView) -> str:
    """The key, with its type, whose share of the documents differs most; nothing for columns of other texts."""
    if real.family != "text" or synthetic.family != "text" or real.values is None or not len(real.values):
        return ""
    if not looks_like_json(real.values.cast(pa.large_string()), declared=False):
        return ""
    ours, theirs = _shares(real), _shares(synthetic)
    if not ours or not theirs:
        return ""
    both = {p: (ours.get(p, 0.0), theirs.get(p, 0.0)) for p in sorted(ours.keys() | theirs.keys())}
    path, kind = max(both, key=lambda p: abs(both[p][0] - both[p][1]))
    shares = both[path, kind]
    return (
        f"of {len(ours)} keys with types the share of documents differs most for {path or 'the whole'} "
        f"({kind}): {shares[0]:.1%} real, {shares[1]:.1%} synthetic"
    )


def _shares(view: ColumnView) -> dict[tuple[str, str], float]:
    """The share of documents that have a value of a type at a place."""
    codes = view.codes[view.valid]
    codes = codes[:: codes.size // LOOKED + 1]
    assert view.values is not None
    distinct, which = np.unique(codes, return_counts=True)
    counts: Counter[tuple[str, str]] = Counter()
    rows = 0
    for text, times in zip(view.values.take(pa.array(distinct)).to_pylist(), which.tolist(), strict=True):
        document = parse_document(text)
        if document is not ...:
            rows += times
            counts.update(dict.fromkeys(_places(document, "", 0), times))
    return {place: n / rows for place, n in counts.items()}


def _places(value: Any, path: str, depth: int) -> Iterator[tuple[str, str]]:
    yield path, type_of(value)
    if depth >= DEEPEST:
        return
    if isinstance(value, dict):
        for key, member in value.items():
            yield from _places(member, f"{path}.{key}" if path else key, depth + 1)
    elif isinstance(value, list):
        for member in value:
            yield from _places(member, f"{path}[]", depth + 1)
