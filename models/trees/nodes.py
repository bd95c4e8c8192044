"""The nodes of many trees in one array, and which chunk of trees they belong to."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from tfx_automl.models.trees.booster import Rounds

_Ints = npt.NDArray[np.int64]
_Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Nodes:
    """The nodes of all trees, one tree after the other.

    Attributes:
        fields: scikit-learn's record of every node, shape [nodes].
        bits: For every split by a set the codes that go left, in the order of the nodes, shape [such splits, 8].
        root: The root of every tree, shape [trees].
        tree: The tree of every node, shape [nodes].
    """

    fields: npt.NDArray[Any]
    bits: npt.NDArray[np.uint32]
    root: _Ints
    tree: _Ints

    @property
    def is_leaf(self) -> _Bools:
        """Which nodes are leaves, shape [nodes]."""
        return np.asarray(self.fields["is_leaf"] != 0)

    @property
    def by_set(self) -> _Bools:
        """Which nodes are splits by a set of categories, shape [nodes]."""
        return np.asarray((self.fields["is_categorical"] != 0) & ~self.is_leaf)

    def child(self, side: str) -> _Ints:
        """Returns the child on a side, `left` or `right`, of every node; of a leaf itself; shape [nodes]."""
        children = self.root[self.tree] + self.fields[side].astype(np.int64)
        return np.where(self.is_leaf, np.arange(len(self.fields)), children)


def join(rounds: Rounds) -> Nodes:
    """Puts the nodes of all trees into one array."""
    from sklearn.ensemble._hist_gradient_boosting.common import PREDICTOR_RECORD_DTYPE

    trees = [tree for trees in rounds for tree in trees]
    sizes = [len(tree.nodes) for tree in trees]
    fields = np.concatenate([np.empty(0, PREDICTOR_RECORD_DTYPE), *(tree.nodes for tree in trees)])
    raw = np.concatenate([np.empty((0, 8), np.uint32), *(tree.raw_left_cat_bitsets for tree in trees)])
    root = np.cumsum([0, *sizes])[:-1]
    nodes = Nodes(fields, raw, root, np.repeat(np.arange(len(trees)), sizes))
    counts = np.array([len(tree.raw_left_cat_bitsets) for tree in trees], np.int64)
    rows = (np.cumsum(counts) - counts)[nodes.tree] + fields["bitset_idx"]
    return Nodes(fields, raw[rows[nodes.by_set]], root, nodes.tree)


@dataclass(frozen=True)
class Grid:
    """Places of some nodes in rows, one row per chunk: those of a chunk are numbered from 0 on, the last node first.

    So children, which scikit-learn puts behind their parents, have smaller numbers than these.

    Attributes:
        chosen: Which of all nodes have a place, shape [nodes].
        chunk: Of every node, ascending, shape [nodes].
        chunks: Number of rows.
    """

    chosen: _Bools
    chunk: _Ints
    chunks: int

    @cached_property
    def rank(self) -> _Ints:
        """The number of every node that has one, shape [nodes]."""
        up_to: _Ints = np.cumsum(self.chosen)
        ends = np.searchsorted(self.chunk, np.arange(self.chunks), "right") - 1
        return np.asarray(up_to[ends][self.chunk] - up_to)

    def fill(self, values: npt.NDArray[Any], empty: float, dtype: Any) -> npt.NDArray[Any]:
        """Returns the values of the nodes in their places, shape [chunks, 1 + places]; the first place stays empty.

        Args:
            values: Of all nodes, shape [nodes].
            empty: What stands where there is no node.
            dtype: Of the result.
        """
        chunk, place = self.chunk[self.chosen], 1 + self.rank[self.chosen]
        filled = np.full((self.chunks, 1 + int(place.max(initial=0))), empty, dtype)
        filled[chunk, place] = values[self.chosen]
        return filled
