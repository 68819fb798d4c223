"""Categories of any Arrow type: most frequent first, then RARE for all that is protected away, then NULL."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from fixturesynth.arrays import array_of, fill_null, numpy_of
from fixturesynth.generators.encoding.record import Encoding, array_from_bytes, array_to_bytes
from fixturesynth.profiling.documents import list_texts
from fixturesynth.randomness import choose

__all__ = ["decode_categorical", "encode_categorical", "fit_categorical", "protected_share"]

MOST_CODES = 256
MOST_STORED = 65_536  # categories kept for RARE to draw from


def fit_categorical(
    values: pa.Array,
    kind: str,
    *,
    protection: int,
    groups: npt.NDArray[np.int64] | None,
    max_codes: int,
    options: Mapping[str, Any],
) -> Encoding:
    """Encoding of categories.

    ``options``: nullable (keep a code for NULL); domain (a list of values that the schema names, stored however
    seldom they are); most_codes (256). ``max_codes`` is for numbers and is not used.
    """
    known = values.drop_null()
    domain = array_of(options.get("domain") or [], values.type)
    if pa.types.is_boolean(values.type):
        domain = array_of([False, True])
    # The domain comes first so that its values are among the distinct ones even when no row has them.
    index, distinct = _distinct(pa.concat_arrays([domain, known]))
    public = np.zeros(len(distinct), bool)
    public[index[: len(domain)]] = True
    index = index[len(domain) :]
    counts = np.bincount(index, minlength=len(distinct))
    support = counts
    if groups is not None:
        owners = np.unique(groups[numpy_of(values.is_valid())], return_inverse=True)[1].astype(np.int64)
        wide = int(owners.max(initial=0)) + 1
        support = np.bincount(np.unique(index * wide + owners) // wide, minlength=len(distinct))
    # Ties fall in the order of the texts, so that equal data gives equal codes however its rows are ordered.
    texts = np.array([str(value) for value in distinct.to_pylist()], dtype=object)
    ties = np.argsort(np.argsort(texts, kind="stable"), kind="stable") if texts.size else np.zeros(0, np.int64)
    order = np.lexsort((ties, -counts))
    stored = order[(support[order] >= protection) | public[order]][:MOST_STORED]
    coded = min(stored.size, int(options.get("most_codes", MOST_CODES)))
    total = int(counts.sum())
    rare = total - int(counts[stored[:coded]].sum())
    rare_code = coded if rare else None
    size = coded + bool(rare)
    nullable = bool(values.null_count) or bool(options.get("nullable")) or not size
    return Encoding(
        kind=kind,
        size=size + nullable,
        ordered=False,
        null_code=size if nullable else None,
        rare_code=rare_code,
        rare_share=rare / total if total else 0.0,
        arrays={
            "values": array_to_bytes(distinct.take(array_of(stored, pa.int64()))),
            "counts": counts[stored].astype(np.int64),
        },
        facts={"coded": coded},
    )


def _distinct(values: pa.Array) -> tuple[npt.NDArray[np.int64], pa.Array]:
    """Codes of values without nulls and the values they stand for; arrays are told apart by their elements."""
    encoded = (list_texts(values) if pa.types.is_nested(values.type) else values).dictionary_encode()
    index = numpy_of(encoded.indices).astype(np.int64)
    if not pa.types.is_nested(values.type):
        return index, encoded.dictionary
    return index, values.take(array_of(np.unique(index, return_index=True)[1]))


def encode_categorical(encoding: Encoding, values: pa.Array) -> npt.NDArray[np.int32]:
    coded = int(encoding.facts["coded"])
    stored = array_from_bytes(encoding.arrays["values"]).slice(0, coded)
    own = values.cast(stored.type)
    if pa.types.is_nested(stored.type):
        stored, own = list_texts(stored), list_texts(own)
    found = pc.index_in(own, value_set=stored)
    codes: npt.NDArray[np.int32] = numpy_of(fill_null(found, -1)).astype(np.int32)
    unknown = codes < 0
    # A value or NULL that was never seen counts as rare where there is a code for that, else as the commonest.
    codes[unknown] = 0 if encoding.rare_code is None else encoding.rare_code
    if encoding.null_code is not None:
        codes[numpy_of(values.is_null())] = encoding.null_code
    return codes


def decode_categorical(encoding: Encoding, codes: npt.NDArray[np.int32], words: npt.NDArray[np.uint64]) -> pa.Array:
    stored = array_from_bytes(encoding.arrays["values"])
    counts = encoding.arrays["counts"]
    index = codes.astype(np.int64)
    missing = np.zeros(codes.size, bool) if encoding.null_code is None else codes == encoding.null_code
    if encoding.rare_code is not None:
        rare = np.flatnonzero(codes == encoding.rare_code)
        # Beyond the coded ones when there are any, else any category by its frequency; NULL when none is stored.
        start = int(encoding.facts["coded"]) if len(stored) > encoding.facts["coded"] else 0
        if len(stored):
            weights = np.maximum(counts[start:], 1)
            index[rare] = start + choose(words[rare], np.cumsum(weights))
        else:
            missing[rare] = True
    return stored.take(array_of(index, pa.int64(), mask=missing))


def protected_share(encoding: Encoding) -> int:
    """Of 2**32 rows with the code of rare categories, those whose value is not stored at all."""
    counts, coded = encoding.arrays["counts"], int(encoding.facts["coded"])
    known, beyond = int(counts[:coded].sum()), int(counts[coded:].sum())
    if not known or not beyond:
        return 2**32
    rows = round(encoding.rare_share / (1 - encoding.rare_share) * known)
    return max(rows - beyond, 0) * 2**32 // max(rows, 1)
