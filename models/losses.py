"""Losses, class weights, and the scale on which a regression target is learned: what families have in common."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from tfx_automl.models.data import TrainingData
from tfx_automl.search.parameters import Choice, Parameter, Point, Value

_RARE = 0.5  # class weights are searched where the rarest class has less than this part of its even share
_SKEWED = 1.0  # a logarithm of the target is searched from this skewness on
_HUBER_DELTA = 1.345  # in standard deviations: 95 % efficient for normal errors (Huber 1964)


def loss_parameters(data: TrainingData, network: bool) -> tuple[Parameter, ...]:
    """Returns what is searched about the loss, as far as the labels make it worth it.

    Args:
        data: The training data.
        network: Whether the family is trained by gradients of any loss.

    Returns:
        `class_weight` (`none` or `balanced`) for rare classes; `target` (`plain` or `log`) for a skewed target without
        negative values; `loss` (`squared` or `huber`) for regression by networks.
    """
    label = data.split("train").label
    if data.task.kind != "regression":
        counts = np.bincount(label, minlength=len(data.task.classes))
        rare = counts.min() < _RARE * len(label) / len(counts)
        return (Choice("class_weight", ("none", "balanced")),) if rare else ()
    log = (Choice("target", ("plain", "log")),) if _log_may_help(label) else ()
    return (*log, Choice("loss", ("squared", "huber"))) if network else log


def loss_defaults(data: TrainingData, network: bool) -> Point:
    """Returns the first value of each of these parameters."""
    return {p.name: p.values[0] for p in loss_parameters(data, network) if isinstance(p, Choice)}


def _log_may_help(target: npt.NDArray[Any]) -> bool:
    values = np.asarray(target, np.float64)
    std = values.std()
    return bool(values.min() >= 0 and std > 0 and np.mean(((values - values.mean()) / std) ** 3) > _SKEWED)


def class_weights(label: npt.NDArray[Any], classes: int) -> npt.NDArray[np.float32]:
    """Returns a weight for each class so that all have the same sum; 0 for classes without rows, shape [classes]."""
    counts = np.bincount(label, minlength=classes)
    present = max(1, int((counts > 0).sum()))
    weights = np.divide(len(label), present * counts, out=np.zeros(classes), where=counts > 0)
    return weights.astype(np.float32)


class Target:
    """The scale on which a regression target is learned: standardised, or its `log(1 + y)` standardised.

    Args:
        data: Training data of a regression task.
        log: Whether to take the logarithm; targets must not be negative then.

    Attributes:
        mean: Mean of the target or its logarithm.
        std: Standard deviation of the same.
    """

    def __init__(self, data: TrainingData, log: bool = False) -> None:
        self._log, self.mean, self.std = log, data.target_mean, data.target_std
        if log:
            values = np.log1p(np.asarray(data.split("train").label, np.float64))
            self.mean, self.std = float(values.mean()), float(values.std()) or 1.0

    def scaled(self, label: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
        """Returns targets on the learned scale."""
        values = np.asarray(label, np.float64)
        return ((np.log1p(np.maximum(values, 0.0)) if self._log else values) - self.mean) / self.std

    def unscaled(self, output: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
        """Returns what `scaled` was given."""
        values = np.asarray(output, np.float64) * self.std + self.mean
        return np.expm1(np.minimum(values, _LARGEST_LOG)) if self._log else values

    def scale_tensor(self, label: Any) -> Any:
        """Does what `scaled` does, as TensorFlow operations in float32."""
        import tensorflow as tf

        return ((tf.math.log1p(tf.maximum(label, 0.0)) if self._log else label) - self.mean) / self.std

    def unscale_tensor(self, output: Any) -> Any:
        """Does what `unscaled` does, as TensorFlow operations in float32."""
        import tensorflow as tf

        values = output * self.std + self.mean
        return tf.math.expm1(tf.minimum(values, _LARGEST_LOG)) if self._log else values

    def finish_tensor(self, high: Any, low: Any) -> Any:
        """Undoes the logarithm of a value that has its scale already, as TensorFlow operations in float32.

        Args:
            high: The value, rounded.
            low: The small rest; a float32 with both would hold a large logarithm only to a part in 10⁶ of the target.
        """
        import tensorflow as tf

        if not self._log:
            return high + low
        power, rest = tf.math.expm1(tf.minimum(high, _LARGEST_LOG)), tf.math.expm1(low)
        return power * (rest + 1) + rest


_LARGEST_LOG = 80.0  # the largest float32 is about exp(88)


def target_of(values: Mapping[str, Value], data: TrainingData) -> Target | None:
    """Returns the scale that a trial learns on; None without regression."""
    return Target(data, values.get("target") == "log") if data.task.kind == "regression" else None


def loss_function(values: Mapping[str, Value], data: TrainingData, target: Target | None) -> Any:
    """Returns the mean loss of a batch as a function of labels, what a network returns, and weights of the rows.

    The loss of a row counts as often as its weight says; without weights, once. It is the mean over rows, not over
    weights, so that a batch of rows that count little changes a network little.

    Args:
        values: A point; `class_weight` and `loss` count, see `loss_parameters`.
        data: The training data.
        target: The scale of a regression target.
    """
    import tensorflow as tf

    weights = None
    if values.get("class_weight") == "balanced":
        weights = tf.constant(class_weights(data.split("train").label, len(data.task.classes)))

    def binary(label: Any, output: Any) -> Any:
        losses = tf.nn.sigmoid_cross_entropy_with_logits(tf.cast(label, tf.float32), output[:, 0])
        return losses if weights is None else losses * tf.gather(weights, label)

    def multiclass(label: Any, output: Any) -> Any:
        losses = tf.nn.sparse_softmax_cross_entropy_with_logits(label, output)
        return losses if weights is None else losses * tf.gather(weights, label)

    def regression(label: Any, output: Any) -> Any:
        error = (target.scale_tensor(label) if target else label) - output[:, 0]
        if values.get("loss") == "huber":
            size = tf.abs(error)
            inner = tf.minimum(size, _HUBER_DELTA)
            return inner * (2 * size - inner)  # twice Huber's, so that small errors count as squared
        return tf.square(error)

    by_row = {"binary": binary, "multiclass": multiclass, "regression": regression}[data.task.kind]

    def mean(label: Any, output: Any, row_weights: Any = None) -> Any:
        losses = by_row(label, output)
        return tf.reduce_mean(losses if row_weights is None else losses * row_weights)

    return mean
