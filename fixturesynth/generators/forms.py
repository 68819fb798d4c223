"""How codes begin: which shape a postal code, phone or part number has, and with which digits or letters it starts.

A column of codes is made by rule, from shapes of the rows. Which shape, and how it begins, tells of the rest of the
row: the postal codes of a state, the area codes of a city, the series of a category. That much is learned like any
category, as patterns whose first places are filled in as far as enough entities agree; the rest stays free.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from heapq import heapify, heappop, heappush

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from fixturesynth.arrays import array_of, numpy_of
from fixturesynth.planning.plan import RuleCall
from fixturesynth.profiling.protection import Protector
from fixturesynth.profiling.texts import shapes

__all__ = ["has_forms", "learned_forms", "unlike"]

Integers = npt.NDArray[np.int64]

LEAST_ROWS = 20
LEAST_SUPPORT = 8  # entities that begin alike, beside the protection asked for
MOST_FORMS = 48
LEAST_FREE = 2  # places that stay free
UNEVEN = 3.1  # standard deviations: one in a thousand of evenly drawn digits are as uneven
CLASSES = {"9": 10, "A": 26, "a": 26}

Place = tuple[str, bool]  # a character, and whether it stands for itself


@dataclass(frozen=True, eq=False)
class _Form:
    """``places`` of a pattern and the distinct texts (``members``, indices) that have it."""

    places: tuple[Place, ...]
    members: Integers

    @property
    def free(self) -> list[int]:
        return [i for i, (_, literal) in enumerate(self.places) if not literal]


def has_forms(call: RuleCall) -> bool:
    """Whether the rule makes texts from shapes, each on its own."""
    return call.name == "pattern" and "patterns" in call.options and not call.unique


def learned_forms(call: RuleCall, values: pa.Array, groups: Integers, protection: int) -> pa.Array | None:
    """The pattern of each value, (n,) texts: "" where no stored shape fits, NULL for NULL; None where there is one.

    ``call``: the rule that makes such values (``has_forms``); ``groups``: root entity of each row, (n,).
    """
    if not pa.types.is_string(values.type) and not pa.types.is_large_string(values.type):
        return None
    valid = numpy_of(values.is_valid())
    if int(valid.sum()) < LEAST_ROWS:
        return None
    coded = values.drop_null().cast(pa.large_string()).dictionary_encode()
    codes = numpy_of(coded.indices).astype(np.int64)
    protector = Protector.of(protection, groups[valid])
    patterns = [_places(str(entry[0])) for entry in call.options["patterns"]]
    found = _refined(_sorted_in(coded.dictionary, patterns), coded.dictionary, codes, protector)
    owner = np.full(len(coded.dictionary), len(found), dtype=np.int64)
    for number, form in enumerate(found):
        owner[form.members] = number
    kept = protector.supporters(owner[codes], len(found) + 1)[: len(found)] >= protection
    if kept.sum() + bool((owner == len(found)).any()) < 2:
        return None
    texts = [_text(form.places) if fine else "" for form, fine in zip(found, kept.tolist(), strict=True)]
    index = np.zeros(len(values), dtype=np.int64)
    index[valid] = owner[codes]
    return array_of([*texts, ""], pa.string()).take(array_of(index, pa.int64(), mask=~valid))


def unlike(call: RuleCall) -> RuleCall:
    """The rule for values of which no pattern is known: with any digits where the stored shapes have some of their own.

    >>> dict(unlike(RuleCall("pattern", {"patterns": [["+1 (999) N", 3]]})).options)
    {'patterns': [['+9 (999) N', 3]]}
    """
    loose = [
        [_text([("9", False) if c.isdigit() else (c, literal) for c, literal in _places(text)]), weight]
        for text, weight in call.options["patterns"]
    ]
    return replace(call, options={**call.options, "patterns": loose})


def _places(pattern: str) -> tuple[Place, ...]:
    out: list[Place] = []
    escaped = False
    for character in pattern:
        if character == "\\" and not escaped:
            escaped = True
            continue
        out.append((character, escaped or character not in CLASSES))
        escaped = False
    return tuple(out)


def _text(places: Sequence[Place]) -> str:
    return "".join(f"\\{c}" if literal and c in (*CLASSES, "\\") else c for c, literal in places)


def _sorted_in(texts: pa.Array, patterns: Sequence[tuple[Place, ...]]) -> list[_Form]:
    """The patterns with the texts that have their shape, each text once: those that have a pattern's letters first."""
    shaped = shapes(texts)
    masks = pa.array(["".join(c for c, _ in places) for places in patterns], pa.large_string())
    home = np.full(len(texts), -1, dtype=np.int64)
    matching = [numpy_of(pc.equal(shaped, shape)) for shape in shapes(masks)]
    for exactly in (True, False):
        for number, places in enumerate(patterns):
            open_ = np.flatnonzero(matching[number] & (home < 0))
            if open_.size and exactly:
                fixed = [i for i, (c, literal) in enumerate(places) if literal and c.isascii() and c.isalnum()]
                letters = _matrix(texts, open_, len(places))
                wanted = np.array([ord(places[i][0]) for i in fixed], dtype=np.uint32)
                open_ = open_[(letters[:, fixed] == wanted).all(axis=1)]
            home[open_] = number
    return [_Form(places, np.flatnonzero(home == n)) for n, places in enumerate(patterns) if (home == n).any()]


def _matrix(texts: pa.Array, rows: Integers, width: int) -> npt.NDArray[np.uint32]:
    """Characters of texts of one length, (rows, width)."""
    own = np.array(texts.take(array_of(rows)).to_pylist(), dtype=f"<U{width}")
    return own.view(np.uint32).reshape(rows.size, width)


def _refined(forms: Sequence[_Form], texts: pa.Array, codes: Integers, protector: Protector) -> list[_Form]:
    """Forms with their first free places filled in: those of most rows first, while enough entities begin alike."""
    counts = np.bincount(codes, minlength=len(texts))
    heap = [(-int(counts[form.members].sum()), n, form) for n, form in enumerate(forms)]
    heapify(heap)
    number = len(heap)
    done: list[_Form] = []
    while heap:
        _, _, form = heappop(heap)
        parts = _split(form, texts, codes, counts, protector) if len(heap) + len(done) < MOST_FORMS else None
        if parts is None:
            done.append(form)
            continue
        for part, final in parts:
            number += 1
            if final:
                done.append(part)
            else:
                heappush(heap, (-int(counts[part.members].sum()), number, part))
    return done


def _split(
    form: _Form, texts: pa.Array, codes: Integers, counts: Integers, protector: Protector
) -> list[tuple[_Form, bool]] | None:
    """The form by the character at its first free place, and whether no further place is looked at; None as it is."""
    free = form.free
    if len(free) <= LEAST_FREE:
        return None
    place = free[0]
    found, group = np.unique(_matrix(texts, form.members, len(form.places))[:, place], return_inverse=True)
    group = np.asarray(group).reshape(-1)
    weights = np.bincount(group, weights=counts[form.members], minlength=found.size).astype(np.float64)
    if _even(weights, CLASSES[form.places[place][0]]):
        return None
    owner = np.full(len(texts), found.size, dtype=np.int64)
    owner[form.members] = group
    enough = protector.supporters(owner[codes], found.size + 1)[: found.size] >= max(
        protector.protection, LEAST_SUPPORT
    )
    if weights[enough].sum() * 2 < weights.sum():
        return None
    parts = []
    for which in np.flatnonzero(enough).tolist():
        filled = (*form.places[:place], (chr(found[which]), True), *form.places[place + 1 :])
        parts.append((_Form(filled, form.members[group == which]), False))
    rest = form.members[~enough[group]]
    return [*parts, (_Form(form.places, rest), True)] if rest.size else parts


def _even(counts: npt.NDArray[np.float64], size: int) -> bool:
    """Whether characters drawn evenly from ``size`` would often be as uneven: chi squared, its cube root taken as
    normal (Wilson and Hilferty, 1931)."""
    total = float(counts.sum())
    statistic = float((counts**2).sum()) * size / total - total
    spread = 2 / (9 * (size - 1))
    root = (max(statistic, 0.0) / (size - 1)) ** (1 / 3)
    return bool(root - (1 - spread) < UNEVEN * spread**0.5)
