"""Adam with TensorFlow's fused kernel."""

from collections.abc import Sequence
from typing import Any


class FusedAdam:
    """Adam (Kingma and Ba 2015), one kernel per variable and step; AdamW with a weight decay.

    `keras.optimizers.Adam` computes the same in some ten operations per variable, each with a pass over memory: on a
    processor, most of the time of a training step of a small network.

    Args:
        learning_rate: Step size.
        weight_decay: Share of every variable that is taken off at each step, times the learning rate (Loshchilov and
            Hutter 2019); 0 is plain Adam.
        clip_norm: Gradients of a variable with a larger norm are scaled down to it; None leaves them as they are.

    Attributes:
        variables: The state, to be saved and restored.
    """

    def __init__(self, learning_rate: float, weight_decay: float = 0.0, clip_norm: float | None = None) -> None:
        self._rate, self._decay, self._clip = learning_rate, weight_decay, clip_norm
        self._moments: list[tuple[Any, Any]] = []
        self._powers: list[Any] = []
        self.variables: list[Any] = []

    def build(self, variables: Sequence[Any]) -> None:
        """Makes the state for variables, in their order."""
        import tensorflow as tf

        for variable in variables:
            zeros = tf.zeros(variable.shape, tf.float32)
            self._moments.append((tf.Variable(zeros, trainable=False), tf.Variable(zeros, trainable=False)))
        self._powers = [tf.Variable(beta, trainable=False) for beta in (_BETA_1, _BETA_2)]
        self.variables = [*(moment for pair in self._moments for moment in pair), *self._powers]

    def apply(self, gradients: Sequence[Any], variables: Sequence[Any]) -> None:
        """Takes one step, as TensorFlow operations; a variable without a gradient stays as it is.

        Args:
            gradients: Dense tensors, or IndexedSlices as embeddings have them.
            variables: Keras variables, as given to `build`.
        """
        import tensorflow as tf

        for gradient, variable, moments in zip(gradients, variables, self._moments, strict=True):
            if gradient is not None:
                self._step(tf.convert_to_tensor(gradient), variable.value, moments)
        for power, beta in zip(self._powers, (_BETA_1, _BETA_2), strict=True):
            power.assign(power * beta)

    def _step(self, gradient: Any, variable: Any, moments: tuple[Any, Any]) -> None:
        import tensorflow as tf

        if self._clip is not None:
            gradient = tf.clip_by_norm(gradient, self._clip)
        if self._decay:
            variable.assign_sub(variable * (self._decay * self._rate))
        tf.raw_ops.ResourceApplyAdam(
            var=variable.handle,
            m=moments[0].handle,
            v=moments[1].handle,
            beta1_power=self._powers[0],
            beta2_power=self._powers[1],
            lr=self._rate,
            beta1=_BETA_1,
            beta2=_BETA_2,
            epsilon=_EPSILON,
            grad=gradient,
        )


# The defaults of Keras.
_BETA_1, _BETA_2, _EPSILON = 0.9, 0.999, 1e-7
