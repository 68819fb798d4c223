"""Numbers, dates and times: a grid of integers, spikes and quantile bins, a protected distribution in every bin."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from fixturesynth.arrays import array_of
from fixturesynth.generators.encoding.bins import bins_from_arrays, bins_to_arrays, find_bins, fit_bins, from_bins
from fixturesynth.generators.encoding.grids import find_grid, from_grid, to_grid
from fixturesynth.generators.encoding.record import Encoding, array_from_bytes, array_to_bytes

__all__ = ["decode_numeric", "encode_numeric", "fit_numeric", "zero_code"]


def fit_numeric(
    values: pa.Array,
    kind: str,
    *,
    protection: int,
    groups: npt.NDArray[np.int64] | None,
    max_codes: int,
    options: Mapping[str, Any],
) -> Encoding:
    """Encoding of numbers (``kind`` numeric) or dates and times (temporal).

    ``options``: nullable (True: keep a code for NULL although there is none in the rows).
    """
    facts = find_grid(values, kind)
    integers, valid = to_grid(values, facts)
    arrays: dict[str, npt.NDArray[Any]] = {"type": array_to_bytes(array_of([], values.type))}
    size = 0
    if valid.any():
        bins = fit_bins(
            integers[valid], None if groups is None else groups[valid], protection=protection, max_codes=max_codes
        )
        arrays |= bins_to_arrays(bins)
        size = bins.upper.size
    null_code = size if not valid.all() or options.get("nullable") or not size else None
    return Encoding(
        kind=kind,
        size=size + (null_code is not None),
        ordered=True,
        null_code=null_code,
        rare_code=None,
        rare_share=0.0,
        arrays=arrays,
        facts=facts,
    )


def zero_code(encoding: Encoding) -> int | None:
    """The code of the number 0, where 0 has one by itself: "none" rather than "little"; else None."""
    if encoding.kind != "numeric" or "upper" not in encoding.arrays:
        return None
    bins = bins_from_arrays(dict(encoding.arrays))
    code = int(find_bins(bins, np.zeros(1, np.int64))[0])
    first = int(np.searchsorted(bins.running, bins.ends[code - 1], side="right")) if code else 0
    alone = int(bins.running[first]) == int(bins.ends[code]) and int(bins.cells[first]) == 1
    return code if alone and int(bins.low[first]) == 0 else None


def encode_numeric(encoding: Encoding, values: pa.Array) -> npt.NDArray[np.int32]:
    if "upper" not in encoding.arrays:
        return np.zeros(len(values), np.int32)
    integers, valid = to_grid(values, encoding.facts)
    codes = find_bins(bins_from_arrays(dict(encoding.arrays)), integers)
    codes[~valid] = 0 if encoding.null_code is None else encoding.null_code
    return codes


def decode_numeric(encoding: Encoding, codes: npt.NDArray[np.int32], words: npt.NDArray[np.uint64]) -> pa.Array:
    kind = array_from_bytes(encoding.arrays["type"]).type
    valid = np.ones(codes.size, bool) if encoding.null_code is None else codes != encoding.null_code
    integers = np.zeros(codes.size, np.int64)
    if "upper" in encoding.arrays:
        bins = bins_from_arrays(dict(encoding.arrays))
        integers = from_bins(bins, np.where(valid, codes, 0), words)
    return from_grid(integers, valid, encoding.facts, kind)
