"""Poisson bootstrap: how often each row counts in each replicate, a function of what the row is and of nothing else.

Every row counts a number of times that is drawn from a Poisson distribution with mean 1, independently of other rows
and replicates (Chamandy et al. 2012, "Estimating uncertainty for massive data streams"). The draws are hashes of the
row's cell, label and score, so that every engine, on however many workers, in whatever order, draws the same. Rows that
agree in all of these are told apart by counting them: it makes no difference which of them is which.
"""

from collections.abc import Iterator
from math import exp, factorial

import numpy as np
import numpy.typing as npt

REPLICATES = 200
_CHUNK = 1 << 22  # counts that are made at a time
_PER_HASH = 4  # draws from the 64 bits of one hash
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_OCCURRENCE = np.uint64(0xD1B54A32D192ED03)

Hashes = npt.NDArray[np.uint64]


def row_hashes(cell: Hashes, label: npt.NDArray[np.generic], score: npt.NDArray[np.float64]) -> Hashes:
    """Returns 64 bits for each row.

    Args:
        cell: A hash of the row's cell, shape [rows]; rows of different cells are independent.
        label: Class index or target, shape [rows].
        score: Prediction, shape [rows] or [rows, classes].
    """
    found = _mix(cell ^ _bits(np.asarray(label, np.float64)))
    for column in score.reshape(len(score), -1).T:
        found = _mix(found ^ _bits(column))
    return found


def distinct(hashes: Hashes) -> Hashes:
    """Returns other hashes where several rows have the same: the second, third, ... of them gets its own."""
    order = np.argsort(hashes, kind="stable")
    ordered = hashes[order]
    first = np.r_[True, ordered[1:] != ordered[:-1]]
    begin = np.flatnonzero(first)
    occurrence = np.empty(len(hashes), np.uint64)
    occurrence[order] = np.arange(len(hashes)) - np.repeat(begin, np.diff(np.r_[begin, len(hashes)]))
    return _mix(hashes + occurrence * _OCCURRENCE)


def counts(hashes: Hashes, replicates: int = REPLICATES) -> Iterator[npt.NDArray[np.uint8]]:
    """Yields how often each row counts, shape [some replicates, rows], until there are enough replicates.

    Args:
        hashes: Of the rows, distinct.
        replicates: How many in all.
    """
    done = 0
    several = max(1, _CHUNK // max(1, len(hashes) * _PER_HASH))
    while done < replicates:
        numbers = np.arange(done // _PER_HASH, done // _PER_HASH + several, dtype=np.uint64)
        drawn = _mix(hashes[None, :] + (numbers[:, None] + np.uint64(1)) * _GOLDEN)
        parts = drawn[:, None, :] >> np.arange(0, 64, 16, dtype=np.uint64)[None, :, None]
        found = _POISSON[(parts & np.uint64(0xFFFF)).astype(np.uint16)].reshape(-1, len(hashes))
        yield found[: replicates - done]
        done += len(found)


def _bits(values: npt.NDArray[np.float64]) -> Hashes:
    # Adding zero makes the two zeros one.
    return np.ascontiguousarray(values + 0.0).view(np.uint64)


def _mix(values: Hashes) -> Hashes:
    """SplitMix64's finaliser (Steele, Lea and Flood 2014): every bit of the result depends on all of the input."""
    found = values ^ (values >> np.uint64(30))
    found = found * np.uint64(0xBF58476D1CE4E5B9)
    found ^= found >> np.uint64(27)
    found *= np.uint64(0x94D049BB133111EB)
    found ^= found >> np.uint64(31)
    return found


def _poisson_table() -> npt.NDArray[np.uint8]:
    """Returns for every number of 16 bits the count that it draws: the inverse of the distribution function."""
    cumulative = np.cumsum([exp(-1) / factorial(count) for count in range(12)])
    middle = (np.arange(1 << 16) + 0.5) / (1 << 16)
    return np.searchsorted(cumulative, middle).astype(np.uint8)


_POISSON = _poisson_table()
