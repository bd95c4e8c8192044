"""Gradient boosted trees for tables."""

from collections.abc import Mapping, Sequence

from tfx_automl.models.data import TrainingData
from tfx_automl.models.families.base import Family
from tfx_automl.models.inputs import InputSpec
from tfx_automl.models.losses import loss_defaults, loss_parameters
from tfx_automl.models.model import Workplace
from tfx_automl.models.trees.session import TreeSession
from tfx_automl.search.parameters import Float, Int, Parameter, Point, Value

_MANY_CLASSES, _VERY_MANY_CLASSES = 10, 100
_BYTES_PER_OUTPUT = 8 + 4 + 4
_LARGEST_LEAF, _LEAF_SHARE = 200, 20  # no leaf has to have more rows than this, or than one in so many of all


class BoostedTrees(Family):
    """scikit-learn's histogram gradient boosting: categories as sets, missing values as such.

    An epoch is 20 rounds; 27 epochs are 540. For several classes a round is a tree for each of them: with more than 12
    classes an epoch has fewer rounds, down to one, and with more than 10 trees may have fewer leaves, so that an epoch
    costs not much more than with two.
    """

    name = "boosted_trees"

    def suits(self, inputs: InputSpec) -> bool:
        """For tables."""
        return inputs.image is None

    def parameters(self, data: TrainingData) -> tuple[Parameter, ...]:
        """Learning rate, size of trees and leaves, penalty, share of the features, and what is searched of the loss."""
        return (
            Float("learning_rate", 0.01, 0.3, sampling="log"),
            Int("max_leaf_nodes", 4, _most_leaves(data), sampling="log"),
            Int("min_samples_leaf", 2, _largest_leaf(data), sampling="log"),
            Float("l2_regularization", 1e-6, 10.0, sampling="log"),
            Float("max_features", 0.3, 1.0),
            *loss_parameters(data, network=False),
        )

    def defaults(self, data: TrainingData) -> Sequence[Point]:
        """scikit-learn's own values, and slower learners: one with larger trees, one with small ones."""
        leaf, most = _largest_leaf(data), _most_leaves(data)
        points: list[Point] = [
            _point(0.1, 31, min(20, leaf), 1e-6, 1.0),
            _point(0.05, min(63, most), min(50, leaf), 1.0, 0.5),
            _point(0.05, 8, min(10, leaf), 0.1, 0.7),
        ]
        return [{**point, **loss_defaults(data, network=False)} for point in points]

    def memory(self, data: TrainingData) -> int:
        """A prediction, gradient and Hessian of every row and class."""
        return _BYTES_PER_OUTPUT * data.rows * data.task.num_outputs

    def start(self, values: Mapping[str, Value], seed: int, workplace: Workplace) -> TreeSession:
        """Returns trees without any round."""
        return TreeSession(values, seed, workplace)


def _point(rate: float, leaves: int, leaf: int, penalty: float, features: float) -> Point:
    return {
        "learning_rate": rate,
        "max_leaf_nodes": leaves,
        "min_samples_leaf": leaf,
        "l2_regularization": penalty,
        "max_features": features,
    }


def _most_leaves(data: TrainingData) -> int:
    trees = data.task.num_outputs
    return 255 if trees <= _MANY_CLASSES else 63 if trees <= _VERY_MANY_CLASSES else 31


def _largest_leaf(data: TrainingData) -> int:
    return max(2, min(_LARGEST_LEAF, data.rows // _LEAF_SHARE))
