"""Encodings: invertible maps between columns and codes, as plain data.

``fit_encoding`` looks at a column once; ``encode`` and ``decode`` are exact inverses up to the detail that protection
allows. Words decide what is left open inside a code (a value within a bin, a rare category).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from fixturesynth.errors import InputError, did_you_mean
from fixturesynth.generators.encoding.categorical import (
    decode_categorical,
    encode_categorical,
    fit_categorical,
    protected_share,
)
from fixturesynth.generators.encoding.numeric import decode_numeric, encode_numeric, fit_numeric
from fixturesynth.generators.encoding.record import Encoding, combined

__all__ = [
    "ENCODINGS",
    "Encoding",
    "decode",
    "encode",
    "encoding_from_parts",
    "encoding_to_parts",
    "fit_encoding",
    "protected_share",
]


@dataclass(frozen=True)
class Functions:
    """The three functions of one kind of encoding."""

    fit: Callable[..., Encoding]
    encode: Callable[[Encoding, pa.Array], npt.NDArray[np.int32]]
    decode: Callable[[Encoding, npt.NDArray[np.int32], npt.NDArray[np.uint64]], pa.Array]


ENCODINGS: dict[str, Functions] = {
    "categorical": Functions(fit_categorical, encode_categorical, decode_categorical),
    "numeric": Functions(fit_numeric, encode_numeric, decode_numeric),
    "temporal": Functions(fit_numeric, encode_numeric, decode_numeric),
}


def fit_encoding(
    values: pa.Array | pa.ChunkedArray,
    kind: str,
    *,
    protection: int,
    groups: npt.NDArray[np.int64] | None = None,
    max_codes: int = 64,
    options: Mapping[str, Any] | None = None,
) -> Encoding:
    """Learn the encoding of one column, shape (n,), which may hold nulls and may be empty.

    ``protection``: fewest root entities that must share a value before it is stored. ``groups``: root entity of each
    row, (n,); None: every row is its own. ``max_codes``: quantile bins beside the spikes of a number. Raises
    InputError for an unknown kind or a type that the kind cannot hold.

    >>> encoding = fit_encoding(pa.array(["a", "b", "a", None]), "categorical", protection=1)
    >>> encode(encoding, pa.array(["b", None, "a"])).tolist()
    [1, 2, 0]
    """
    if kind not in ENCODINGS:
        raise InputError(f"no encoding {kind!r}: {did_you_mean(kind, ENCODINGS)}")
    if protection < 1 or max_codes < 1:
        raise InputError(f"protection and max_codes must be positive, however: {protection=}, {max_codes=}")
    whole = combined(values)
    if groups is not None and len(groups) != len(whole):
        raise InputError(f"groups must have one entry for each of {len(whole)} rows, however: {len(groups)}")
    return ENCODINGS[kind].fit(
        whole, kind, protection=protection, groups=groups, max_codes=max_codes, options=options or {}
    )


def encode(encoding: Encoding, values: pa.Array | pa.ChunkedArray) -> npt.NDArray[np.int32]:
    """Codes of a column, shape (n,); a value never seen gets the nearest bin, or RARE."""
    return ENCODINGS[encoding.kind].encode(encoding, combined(values))


def decode(encoding: Encoding, codes: npt.NDArray[np.int32], words: npt.NDArray[np.uint64]) -> pa.Array:
    """A column of the original Arrow type, shape (n,), monotone in (code, word) for ordered encodings.

    ``codes``: (n,) in ``range(encoding.size)``. ``words``: (n,) raw 64-bit words. Raises InputError for other codes.
    """
    plain = np.asarray(codes, np.int32)
    if plain.size and (int(plain.min()) < 0 or int(plain.max()) >= encoding.size):
        raise InputError(f"codes must lie in range({encoding.size}), however: {int(plain.min())} to {int(plain.max())}")
    return ENCODINGS[encoding.kind].decode(encoding, plain, np.asarray(words, np.uint64))


def encoding_to_parts(encoding: Encoding) -> tuple[dict[str, Any], dict[str, npt.NDArray[Any]]]:
    """JSON facts and named arrays of an encoding."""
    facts = {
        "kind": encoding.kind,
        "size": encoding.size,
        "ordered": encoding.ordered,
        "null_code": encoding.null_code,
        "rare_code": encoding.rare_code,
        "rare_share": encoding.rare_share,
        "facts": dict(encoding.facts),
    }
    return facts, dict(encoding.arrays)


def encoding_from_parts(facts: Mapping[str, Any], arrays: Mapping[str, npt.NDArray[Any]]) -> Encoding:
    """The encoding of ``encoding_to_parts``."""
    return Encoding(**facts, arrays=dict(arrays))
