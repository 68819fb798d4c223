"""The only source of randomness: streams, permutations and integer inverse CDFs, found by address.

An address is names and numbers, never positions or the order of calls, so adding a column or a table, or
sampling partitions in another order, leaves every other value alone. Everything below works on raw 64-bit
Philox words and integer arithmetic: ``numpy.random.Generator``'s own distributions may change between numpy
releases, raw words do not (https://numpy.org/neps/nep-0019-rng-policy.html).
"""

from hashlib import blake2b

import numpy as np
import numpy.typing as npt

__all__ = ["below", "choose", "hashed", "key", "permutation", "permute", "stream", "uniform", "words"]

Words = npt.NDArray[np.uint64]
Integers = npt.NDArray[np.int64]


def key(seed: int, *address: str | int) -> int:
    """128-bit key of an address.

    Each part is hashed with its type and length, so ``("a", "bc")`` and ``("ab", "c")`` differ.
    """
    digest = blake2b(digest_size=16)
    for part in (int(seed), *address):
        text = f"i{int(part)}" if isinstance(part, (int, np.integer)) else f"s{part}"
        data = text.encode()
        digest.update(len(data).to_bytes(4, "little") + data)
    return int.from_bytes(digest.digest(), "little")


def stream(seed: int, *address: str | int) -> np.random.Generator:
    """A Philox generator for one address, for example ``stream(7, "orders", "status", partition)``.

    >>> bool((words(stream(7, "orders", "status", 0), 3) == words(stream(7, "orders", "status", 0), 3)).all())
    True
    """
    return np.random.Generator(np.random.Philox(np.random.SeedSequence(key(seed, *address))))


def words(source: np.random.Generator, size: int) -> Words:
    """``size`` raw 64-bit words, shape ``(size,)``."""
    raw: Words = source.bit_generator.random_raw(size)  # type: ignore[attr-defined,unused-ignore]
    return np.asarray(raw, dtype=np.uint64)


def uniform(raw: Words) -> npt.NDArray[np.float64]:
    """Words to floats in [0, 1), exactly (53 bits, one multiplication by a power of two)."""
    return (raw >> np.uint64(11)).astype(np.float64) * 2.0**-53


def below(raw: Words, limit: int | Integers) -> Integers:
    """Words to integers in [0, limit), by the high half of a 32 x 32 bit product; ``limit`` up to 2**31.

    ``limit`` may be an array of the same shape. The bias is at most ``limit / 2**32``.
    """
    high = raw >> np.uint64(32)
    return ((high * np.asarray(limit, dtype=np.uint64)) >> np.uint64(32)).astype(np.int64)


def choose(raw: Words, cumulative: Integers) -> Integers:
    """Indices drawn by integer weights: ``cumulative`` are running sums (int64), the last one the total.

    >>> choose(np.array([0, 2**63, 2**64 - 1], dtype=np.uint64), np.array([1, 1, 4]))
    array([0, 2, 2])
    """
    total = int(cumulative[-1])
    if total <= 0:
        raise ValueError(f"weights must have a positive sum, however: {total=}")
    if total >= 2**31:
        # Scaling both sides keeps order and stays exact: the same shift on every machine.
        shift = total.bit_length() - 31
        cumulative = cumulative >> shift
        total = int(cumulative[-1])
    return np.searchsorted(cumulative, below(raw, total), side="right").astype(np.int64)


def hashed(ranks: npt.ArrayLike, seed: int, *address: str | int) -> Words:
    """One well-mixed word for every rank, addressable at random (splitmix64 twice over rank + key).

    Source of the mixer: Steele, Lea, Flood, "Fast splittable pseudorandom number generators", 2014.
    """
    wide = key(seed, *address)
    x = np.asarray(ranks).astype(np.uint64)
    for half in (wide & (2**64 - 1), wide >> 64):
        x = _mix(x + np.uint64(half))
    return x


def _mix(x: Words) -> Words:
    x = x + np.uint64(0x9E3779B97F4A7C15)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


def permute(ranks: npt.ArrayLike, size: int, seed: int, *address: str | int) -> Integers:
    """A keyed bijection of ``range(size)``: where each rank goes, without making the whole permutation.

    A balanced Feistel network of four rounds over the next even power of two, walked until it lands inside
    (cycle walking, Black and Rogaway, "Ciphers with arbitrary finite domains", 2002). ``size`` up to 2**62.

    >>> sorted(permute(np.arange(5), 5, 1, "t").tolist())
    [0, 1, 2, 3, 4]
    """
    values = np.asarray(ranks, dtype=np.int64)
    if size <= 0 or size > 2**62:
        raise ValueError(f"size must be between 1 and 2**62, however: {size=}")
    if values.size and (int(values.min()) < 0 or int(values.max()) >= size):
        raise ValueError(f"ranks must lie in range({size}), however: {int(values.min())} to {int(values.max())}")
    half = max(1, ((size - 1).bit_length() + 1) // 2)
    mask = np.uint64((1 << half) - 1)
    wide = key(seed, *address)
    rounds = [np.uint64(key(wide, i) & (2**64 - 1)) for i in range(4)]
    out = values.astype(np.uint64)
    todo = np.arange(out.size)
    flat = out.reshape(-1)
    while todo.size:
        x = flat[todo]
        left, right = x >> np.uint64(half), x & mask
        for k in rounds:
            left, right = right, left ^ (_mix(right + k) & mask)
        x = (left << np.uint64(half)) | right
        flat[todo] = x
        todo = todo[x >= np.uint64(size)]
    return out.astype(np.int64)


def permutation(size: int, seed: int, *address: str | int) -> Integers:
    """All of a permutation of ``range(size)``, shape ``(size,)``."""
    return np.argsort(words(stream(seed, *address), size), kind="stable").astype(np.int64)
