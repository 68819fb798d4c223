"""Rules for what machines name things by: UUIDs, hashes, bytes, bits, network and version numbers."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from fixturesynth.randomness import hashed
from fixturesynth.rules.buffers import binary_of, hexadecimal, text_of
from fixturesynth.rules.contract import ColumnContext, Integers, Space
from fixturesynth.rules.grammar import LARGEST, Phrase, Pool, limits_of, phrase_makers, phrase_space

__all__ = ["MAKERS", "bits", "bytes_", "encoded", "hexadecimals", "uuid"]

_HYPHENS: Final = (8, 13, 18, 23)


def _words_of(indices: Integers, count: int) -> Any:
    """``count`` words of bytes, shape (n, 8 * count), a bijection of the index in the first eight."""
    columns = np.empty((len(indices), count), np.dtype(">u8"))
    # The first word is mixed by a bijection of 64 bits, so different indices stay different.
    columns[:, 0] = hashed(indices, 0, "identifier", 0)
    for i in range(1, count):
        columns[:, i] = hashed(indices, 0, "identifier", i)
    return columns.view(np.uint8).reshape(len(indices), 8 * count)


def uuid(options: Mapping[str, Any], context: ColumnContext) -> Space:
    """UUIDs in the shape of version 4 (RFC 9562): all of 62 bits of index and 60 bits mixed from them.

    Text of 36 characters; 32 without hyphens where the column is shorter, 16 raw bytes in a binary column.
    """
    length = context.type.length
    plain = context.type.kind == "text" and length is not None and length < 36

    def at(indices: Integers, given: Mapping[str, pa.Array]) -> pa.Array:
        low = hashed(indices, 0, "uuid")
        raw = np.empty((len(indices), 2), np.dtype(">u8"))
        # 48 bits + version + 12 bits, then variant + 62 bits: the index itself fills the last 62.
        raw[:, 0] = (low & ~np.uint64(0xF000)) | np.uint64(0x4000)
        raw[:, 1] = (indices.astype(np.uint64) & np.uint64(LARGEST - 1)) | np.uint64(1 << 63)
        data = raw.view(np.uint8).reshape(len(indices), 16)
        if context.type.kind == "bytes":
            return binary_of(data)
        digits = hexadecimal(data)
        if plain:
            return text_of(digits)
        out = np.full((len(indices), 36), ord("-"), np.uint8)
        source = 0
        for start, end in zip((0, 9, 14, 19, 24), (*_HYPHENS, 36), strict=True):
            out[:, start:end] = digits[:, source : source + end - start]
            source += end - start
        return text_of(out)

    too_short = length is not None and length < (16 if context.type.kind == "bytes" else 32)
    return Space(0 if too_short and context.type.kind in ("text", "bytes") else LARGEST, at)


def hexadecimals(options: Mapping[str, Any], context: ColumnContext) -> Space:
    """``length`` hexadecimal digits (32 as md5, 40 as sha1, 64 as sha256), cut to the column's length; ``case``."""
    limits = limits_of(options, context)
    upper = limits.case == "upper"
    width = min(int(options.get("length", 32)), limits.maximum or 2**31)

    def at(indices: Integers, given: Mapping[str, pa.Array]) -> pa.Array:
        if width < 16:
            digits = hexadecimal(indices.astype(">u8").view(np.uint8).reshape(len(indices), 8))
            made = text_of(np.ascontiguousarray(digits[:, 16 - width :]))
        else:
            digits = hexadecimal(_words_of(indices, -(-width // 16)))
            made = text_of(np.ascontiguousarray(digits[:, :width]))
        return pc.utf8_upper(made) if upper else made

    return Space(min(16**width, LARGEST), at)


_SIGNS: Final = np.frombuffer(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789./", np.uint8)
_SIGNS_OF_BASE64: Final = np.frombuffer(_SIGNS.tobytes().replace(b".", b"+"), np.uint8)
_IN_A_WORD: Final = 11  # signs of six bits that hold a word of 64


def encoded(options: Mapping[str, Any], context: ColumnContext) -> Space:
    """``prefix`` and ``length`` (32) letters, digits, dots and slashes: password hashes as crypt(3) writes them, keys.

    Nothing is cut: a column with less room has no values of it. ``slashed``: plus signs in the place of dots, as in
    Base64.
    """
    limits = limits_of(options, context)
    prefix, length = str(options.get("prefix", "")).encode(), int(options.get("length", 32))
    whole = len(prefix) + length
    signs = _SIGNS_OF_BASE64 if options.get("slashed") else _SIGNS
    shifts = np.arange(0, 6 * _IN_A_WORD, 6, dtype=np.uint64)

    def at(indices: Integers, given: Mapping[str, pa.Array]) -> pa.Array:
        words = [hashed(indices, 0, "identifier", i) for i in range(-(-length // _IN_A_WORD))]
        # 64 bits are ten signs and four bits; two more bits fill the eleventh.
        more = (hashed(indices, 0, "identifier", "more") & np.uint64(3)) << np.uint64(4)
        written = [(w[:, None] >> shifts) & np.uint64(63) for w in words]
        for eleven in written:
            eleven[:, -1] |= more
        codes = np.concatenate(written, axis=1)[:, :length]
        out = np.empty((len(indices), whole), np.uint8)
        out[:, : len(prefix)] = np.frombuffer(prefix, np.uint8)
        out[:, len(prefix) :] = signs[codes]
        return text_of(out)

    fits = limits.maximum is None or whole <= limits.maximum
    return Space(min(64**length, LARGEST) if fits and length >= _IN_A_WORD else 0, at)


# Longer contents than this would be noise by the megabyte.
MOST_BYTES = 1024


def bytes_(options: Mapping[str, Any], context: ColumnContext) -> Space:
    """Random bytes: ``length`` of them (the column's when fixed, else at most 32).

    With ``lengths``, evenly spaced quantiles of them, the number of bytes is drawn along these, up to 1,024; unique
    bytes are as long as the longest.
    """
    own = context.type.length if context.type.kind == "bytes" else None
    lengths = [min(n, own or MOST_BYTES, MOST_BYTES) for n in options.get("lengths", ())]
    if lengths and not context.unique:
        return _bytes_along(lengths)
    width = int(
        options.get("length") or max(lengths, default=0) or (own if context.type.fixed and own else min(32, own or 32))
    )
    width = min(width, own) if own else width

    def at(indices: Integers, given: Mapping[str, pa.Array]) -> pa.Array:
        if width < 8:
            return binary_of(np.ascontiguousarray(indices.astype(">u8").view(np.uint8).reshape(-1, 8)[:, 8 - width :]))
        return binary_of(np.ascontiguousarray(_words_of(indices, -(-width // 8))[:, :width]))

    return Space(min(256**width, LARGEST), at)


def _bytes_along(lengths: Sequence[int]) -> Space:
    """Bytes as many as a place between two quantiles says; low indices take the low ones."""
    steps = np.asarray(lengths, np.int64)
    longest, places = int(steps.max()), 1024 * max(1, len(steps) - 1)
    grid = np.rint(np.interp(np.linspace(0, len(steps) - 1, places), np.arange(len(steps)), steps)).astype(np.int64)

    def at(indices: Integers, given: Mapping[str, pa.Array]) -> pa.Array:
        width = grid[indices % places]
        rows = _words_of(indices, max(1, -(-longest // 8)))
        kept = np.arange(rows.shape[1]) < width[:, None]
        offsets = np.concatenate([[0], np.cumsum(width)]).astype(np.int32)
        return pa.Array.from_buffers(
            pa.binary(), len(indices), [None, pa.py_buffer(offsets), pa.py_buffer(np.ascontiguousarray(rows[kept]))]
        )

    return Space(1 if longest == 0 else LARGEST, at)


def bits(options: Mapping[str, Any], context: ColumnContext) -> Space:
    """Bit strings written as text of 0 and 1."""
    width = int(options.get("length") or context.type.length or 1)
    return phrase_space([(1, (Pool.of("01"),) * width)], limits_of({}, context), unique=context.unique)


def _numbers(low: int, high: int, form: str = "{}") -> Pool:
    return Pool.of([form.format(i) for i in range(low, high + 1)])


def _hex(count: int) -> Pool:
    return Pool.of([f"{i:0{count}x}" for i in range(16**count)])


def _inet() -> Sequence[tuple[int, Phrase]]:
    byte = _numbers(0, 255)
    host = _numbers(1, 254)
    return [
        (5, ("10.", byte, ".", byte, ".", host)),
        (3, ("192.168.", byte, ".", host)),
        (2, (_numbers(11, 99), ".", byte, ".", byte, ".", host)),
    ]


def _version() -> Sequence[tuple[int, Phrase]]:
    first = Pool.of([str(i) for i in range(16)], [20, 50, 30, 18, 12, 8, 6, 4, 3, 2, 2, 1, 1, 1, 1, 1])
    return [(1, (first, ".", _numbers(0, 29), ".", _numbers(0, 49)))]


_PHRASES: Final[Mapping[str, Callable[[], Sequence[tuple[int, Phrase]]]]] = {
    "inet": _inet,
    "ip": _inet,
    "ipv6": lambda: [(1, ("fd00:", _hex(3), ":1", _hex(3), "::", _hex(3)))],
    "cidr": lambda: [(1, ("10.", _numbers(0, 255), ".", _numbers(0, 255), ".0/24"))],
    "macaddr": lambda: [(1, ("02:", *((_hex(2), ":") * 4), _hex(2)))],
    "version": _version,
    "semver": _version,
}


MAKERS: Final[Mapping[str, Callable[[Mapping[str, Any], ColumnContext], Space]]] = {
    "uuid": uuid,
    "hex": hexadecimals,
    "encoded": encoded,
    "bytes": bytes_,
    "bits": bits,
    **phrase_makers(_PHRASES),
}
