"""Packs trees into a few tensors that can be traversed all at once.

Every split asks a *question* about a row, and many splits ask the same one, so questions are kept apart from splits:

- whether a number is above a threshold. A number has two *planes*, one with −∞ in place of missing values and one with
  +∞; by its choice of the plane, a question says where these go.
- whether a category is in a set; a category that is not known counts as missing.

Rounds are cut into chunks of about the same number of splits. Within a chunk, splits are numbered from 1 on, children
before their parents, and leaves from −2 downwards. There is no split 0. The leaf −1 has the value 0; trees that only
fill up the last chunk consist of it.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from tfx_automl.models.trees.booster import Rounds
from tfx_automl.models.trees.inputs import TreeInputs
from tfx_automl.models.trees.nodes import Grid, Nodes, join
from tfx_automl.models.trees.sets import Table, pack_sets

SPLITS_PER_CHUNK = 4096
# Numbers and thresholds end one step before what stands for missing values: TensorFlow Lite has no infinite constants.
MISSING = float(np.finfo(np.float32).max)
LARGEST = float(np.nextafter(np.float32(MISSING), np.float32(0)))
_SMALLEST = float(np.finfo(np.float32).tiny)
_MANTISSA = 23  # bits of a float32

_Ints = npt.NDArray[Any]
_Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Forest:
    """Trees in tensors; whole numbers are int32.

    Attributes:
        plane: Of every question about a number, shape [questions].
        threshold: Of every question about a number, shape [questions].
        question: Of every split, those about sets after those about numbers; yes is right; shape [chunks, splits].
        left: The split or leaf on the left of every split, shape [chunks, splits].
        right: The same on the right.
        root: The split or leaf that every tree begins with, round by round, shape [chunks, trees].
        high: Values of leaves, rounded so that they can be added without any error, shape [chunks, leaves].
        low: What rounding left of them.
        depth: Steps from the roots to the deepest leaf, shape [chunks].
        baseline: What is predicted before any tree, its high and its low part, shape [2, trees per round].
        sets: For every column of sets the questions about it, see `pack_sets`.
    """

    plane: _Ints
    threshold: _Floats
    question: _Ints
    left: _Ints
    right: _Ints
    root: _Ints
    high: _Floats
    low: _Floats
    depth: _Ints
    baseline: _Floats
    sets: tuple[Table, ...]

    @property
    def nbytes(self) -> int:
        """Bytes of all tensors."""
        single = [value.nbytes for value in vars(self).values() if isinstance(value, np.ndarray)]
        return sum(single) + sum(table.nbytes for table in self.sets)


def pack(rounds: Rounds, baseline: npt.NDArray[np.float64], inputs: TreeInputs, scale: float, shift: float) -> Forest:
    """Packs trees.

    Args:
        rounds: The trees of every round.
        baseline: What is predicted before any tree, shape [trees per round].
        inputs: The columns.
        scale: What predictions are multiplied by.
        shift: What is then added to them.
    """
    # Deep trees come together, because a chunk takes as many steps as its deepest tree.
    rounds = sorted(rounds, key=lambda trees: max(tree.get_max_depth() for tree in trees))
    nodes = join(rounds)
    per_chunk = len(baseline) * _rounds_per_chunk(len(rounds), int((~nodes.is_leaf).sum()))
    chunks = -(-len(nodes.root) // per_chunk)
    values, start = nodes.fields["value"] * scale, baseline * scale + shift
    quantum = _quantum(len(rounds) * float(np.abs(values).max(initial=0)) + float(np.abs(start).max()))
    splits, leaves = (Grid(which, nodes.tree // per_chunk, chunks) for which in (~nodes.is_leaf, nodes.is_leaf))
    number = np.where(nodes.is_leaf, -2 - leaves.rank, 1 + splits.rank)
    root = np.full((chunks, per_chunk), -1, np.int32)
    root.flat[: len(nodes.root)] = number[nodes.root]
    plane, threshold, question, sets = _questions(nodes, inputs)
    return Forest(
        plane=plane,
        threshold=threshold,
        question=splits.fill(question, 0, np.int32),
        left=splits.fill(number[nodes.child("left")], 0, np.int32),
        right=splits.fill(number[nodes.child("right")], 0, np.int32),
        root=root,
        high=leaves.fill(_high(values, quantum), 0, np.float32),
        low=leaves.fill(values - _high(values, quantum), 0, np.float32),
        depth=_depths(nodes, splits),
        baseline=np.stack([_high(start, quantum), start - _high(start, quantum)]).astype(np.float32),
        sets=sets,
    )


def _rounds_per_chunk(rounds: int, splits: int) -> int:
    return max(1, min(rounds, SPLITS_PER_CHUNK * rounds // max(1, splits)))


def _depths(nodes: Nodes, grid: Grid) -> _Ints:
    depths = np.zeros(grid.chunks, np.int32)
    np.maximum.at(depths, grid.chunk, nodes.fields["depth"].astype(np.int32))
    return depths


def _questions(nodes: Nodes, inputs: TreeInputs) -> tuple[_Ints, _Floats, _Ints, tuple[Table, ...]]:
    """Returns planes and thresholds of the questions about numbers, the question of every node, and the sets."""
    fields, by_set = nodes.fields, nodes.by_set
    numbers = len(inputs) - len(inputs.sets)
    plane = fields["feature_idx"] - len(inputs.sets) + np.where(fields["missing_go_to_left"], 0, numbers)
    by_number = ~nodes.is_leaf & ~by_set
    pairs = np.zeros(int(by_number.sum()), [("plane", np.int32), ("threshold", np.float32)])
    pairs["plane"], pairs["threshold"] = plane[by_number], _thresholds(fields["num_threshold"][by_number])
    different, inverse = np.unique(pairs, return_inverse=True)
    question = np.zeros(len(fields), np.int64)
    question[by_number] = inverse
    place, tables = pack_sets(fields[by_set], nodes.bits, inputs.sets)
    question[by_set] = len(different) + place
    return different["plane"], different["threshold"], question, tables


def _thresholds(exact: npt.NDArray[np.float64]) -> _Floats:
    """Returns the largest float32 that is not above each threshold, so that comparing float32 with it is exact."""
    exact = np.clip(exact, -LARGEST, LARGEST)  # +∞ parts missing values from all others
    near = exact.astype(np.float32)
    return np.where(near > exact, np.nextafter(near, np.float32(-np.inf)), near)


def _quantum(most: float) -> float:
    """Returns of what all values must be multiples so that float32 holds every sum of them up to `most`."""
    return float(2.0 ** (np.ceil(np.log2(max(most, _SMALLEST))) - _MANTISSA))


def _high(values: npt.NDArray[np.float64], quantum: float) -> npt.NDArray[np.float64]:
    return np.asarray(np.round(values / quantum) * quantum)
