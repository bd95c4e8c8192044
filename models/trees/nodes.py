"""The nodes of many trees in one array, and which chunk of trees they belong to."""

from dataclasses import dataclass
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
    """Places of some items in rows, one row per chunk: the items of a chunk are numbered from 0 on.

    Attributes:
        chosen: Which of all items have a place, shape [items].
        chunk: Of every item, ascending, shape [items].
        chunks: Number of rows.
    """

    chosen: _Bools
    chunk: _Ints
    chunks: int

    @property
    def rank(self) -> _Ints:
        """The place in its row of every item that has one, shape [items]."""
        before: _Ints = np.cumsum(self.chosen) - self.chosen
        first = np.searchsorted(self.chunk, np.arange(self.chunks))
        return before - before[first][self.chunk]

    def fill(self, values: npt.NDArray[Any], empty: float, dtype: Any, skip: int = 0) -> npt.NDArray[Any]:
        """Returns the values of the items in their places, shape [chunks, skip + places]; at least one place.

        Args:
            values: Of all items, shape [items].
            empty: What stands where there is no item.
            dtype: Of the result.
            skip: Places at the start of each row that stay empty.
        """
        counts = np.bincount(self.chunk[self.chosen], minlength=self.chunks)
        filled = np.full((self.chunks, max(1, skip + int(counts.max(initial=0)))), empty, dtype)
        filled[self.chunk[self.chosen], skip + self.rank[self.chosen]] = values[self.chosen]
        return filled
