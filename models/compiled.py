"""The compiled functions of a training: an epoch, and a prediction."""

from collections.abc import Callable
from typing import Any

from tfx_automl.models.data import TrainingData
from tfx_automl.models.distribution import step_of
from tfx_automl.models.feeding import WEIGHT
from tfx_automl.models.losses import Target
from tfx_automl.models.task import TaskSpec


def compile_epoch(
    model: Any, optimizer: Any, data: TrainingData, batch: int, loss_of: Any, strategy: Any = None
) -> Any:
    """Returns a function from columns, labels and row numbers, shape [steps, batch], to the sum of the losses.

    `loss_of` returns the mean loss of a batch from labels, what the model returns, and the weights of the rows: a
    column of their own where rows have weights, else None. With a strategy, its replicas share every batch.

    All steps run in one graph: calling into TensorFlow once per step would cost more than a step of a small network.
    """
    import tensorflow as tf

    weights = model.trainable_variables
    label = tf.TensorSpec([None], tf.float32 if data.task.kind == "regression" else tf.int32)

    def gradients_of(inputs: dict[str, Any], labels: Any) -> tuple[Any, list[Any]]:
        row_weights = inputs.pop(WEIGHT, None)
        with tf.GradientTape() as tape:
            loss = loss_of(labels, model(inputs, training=True), row_weights)
        return loss, tape.gradient(loss, [w.value for w in weights])

    def apply(gradients: list[Any]) -> None:
        optimizer.apply(gradients, weights)

    take_step = step_of(gradients_of, apply, strategy)

    signature = _signature(data)
    if data.groups.reweigh:
        signature[WEIGHT] = tf.TensorSpec([None], tf.float32)

    # A loop of TensorFlow instead of AutoGraph, which would rewrite the source of all of Keras' layers first.
    @tf.function(input_signature=[signature, label, tf.TensorSpec([None, batch], tf.int32)], autograph=False)
    def epoch(columns: dict[str, Any], labels: Any, order: Any) -> Any:
        def step(number: Any, total: Any) -> tuple[Any, Any]:
            rows = order[number]
            inputs = {name: tf.gather(values, rows) for name, values in columns.items()}
            return number + 1, total + take_step(inputs, tf.gather(labels, rows))

        start = (tf.constant(0), tf.constant(0.0))
        return tf.while_loop(lambda number, _: number < tf.shape(order)[0], step, start)[1]

    return epoch.get_concrete_function()


def compile_prediction(predict_columns: Callable[[dict[str, Any]], Any], data: TrainingData) -> Any:
    """Returns a compiled function from columns to probabilities or targets, shape [rows, 1] or [rows, classes]."""
    import tensorflow as tf

    @tf.function(input_signature=[_signature(data)], autograph=False)
    def predict(columns: dict[str, Any]) -> Any:
        return predict_columns(columns)

    return predict


def to_prediction(task: TaskSpec, output: Any, target: Target | None) -> Any:
    """Turns what a model returns into probabilities or targets, as TensorFlow operations."""
    import tensorflow as tf

    if target is not None:
        return target.unscale_tensor(output)
    return tf.nn.sigmoid(output) if task.kind == "binary" else tf.nn.softmax(output)


def _signature(data: TrainingData) -> dict[str, Any]:
    import tensorflow as tf

    inputs = data.inputs
    widths = {
        "numeric": (len(inputs.numeric), tf.float32),
        "categorical": (len(inputs.categorical), tf.int32),
        "image": (inputs.image.size if inputs.image else 0, tf.uint8),
    }
    return {name: tf.TensorSpec([None, width], dtype) for name, (width, dtype) in widths.items() if width}
