"""How the columns of a table enter a network: parts that several families are made of."""

from typing import Any

from tfx_automl.models.data import TrainingData

_NARROWEST_EMBEDDING, _WIDEST_EMBEDDING = 4, 16
_MOST_PAIRS = 28  # of 8 categorical features all; of more, those of the first in the order of their names
_CROSS_BUCKETS = 4096
_HELD = 10.0  # standard deviations


def table_inputs(data: TrainingData) -> dict[str, Any]:
    """Returns the `keras.Input`s of a table: `numeric` (float32) and `categorical` (int32), shape [rows, columns]."""
    import keras

    inputs: dict[str, Any] = {}
    if data.inputs.numeric:
        inputs["numeric"] = keras.Input((len(data.inputs.numeric),), name="numeric")
    if data.inputs.categorical:
        inputs["categorical"] = keras.Input((len(data.inputs.categorical),), dtype="int32", name="categorical")
    return inputs


def side_by_side(inputs: dict[str, Any], data: TrainingData, pieces: int) -> Any:
    """Returns all columns as one vector per row: numbers, learned hinges of them, and embeddings of the categories.

    Args:
        inputs: As of `table_inputs`.
        data: The training data.
        pieces: Learned hinges for each number; see `numbers`.
    """
    import keras

    parts = numbers(inputs["numeric"], pieces) if "numeric" in inputs else []
    if "categorical" in inputs:
        sizes = [size for _, size in data.inputs.categorical]
        width = min(_WIDEST_EMBEDDING, max(_NARROWEST_EMBEDDING, round(max(sizes) ** 0.5)))
        parts.append(keras.layers.Flatten()(_looked_up(inputs["categorical"], sizes, width)))
    return keras.layers.Concatenate()(parts) if len(parts) > 1 else parts[0]


def numbers(numeric: Any, pieces: int) -> list[Any]:
    """Returns the numbers, held within ten standard deviations, and `pieces` learned hinges for each of them.

    Hinges of the form relu(w·x + b) per number, in the spirit of Gorishniy et al., On Embeddings for Numerical Features
    in Tabular Deep Learning (2022), let a small network bend along each feature alone.
    """
    import keras

    # Values far outside of the training range must not decide alone; ReLU layers extrapolate without bound.
    held = keras.ops.clip(numeric, -_HELD, _HELD)
    if not pieces:
        return [held]
    count = numeric.shape[1]
    columns = keras.layers.Reshape((count, 1))(held)
    # Kinks are spread over the usual range of a standardised number.
    kinks = keras.initializers.RandomUniform(-2.0, 2.0)
    hinges = keras.layers.EinsumDense(
        "bfi,fio->bfo", (count, pieces), bias_axes="fo", activation="relu", bias_initializer=kinks
    )
    return [held, keras.layers.Flatten()(hinges(columns))]


def _looked_up(indices: Any, sizes: list[int], width: int, initializer: str = "uniform") -> Any:
    """Returns a learned vector for the value of each column, shape [rows, columns, width].

    All vectors lie in one table: a table for every column would cost a dozen operations each, in every step.
    """
    import keras
    import numpy as np

    offsets = np.cumsum([0, *sizes[:-1]]).astype("int32")
    return keras.layers.Embedding(sum(sizes), width, embeddings_initializer=initializer)(indices + offsets)


def linear_terms(inputs: dict[str, Any], data: TrainingData, pieces: int = 0) -> list[Any]:
    """Returns terms that add up to a linear model of all columns, each of shape [rows, outputs].

    Args:
        inputs: As of `table_inputs`.
        data: The training data.
        pieces: Learned hinges for each number, which make it piecewise linear.
    """
    import keras

    outputs, terms = data.task.num_outputs, []
    if "numeric" in inputs:
        parts = numbers(inputs["numeric"], pieces)
        joined = keras.layers.Concatenate()(parts) if len(parts) > 1 else parts[0]
        terms.append(keras.layers.Dense(outputs)(joined))
    if "categorical" in inputs:
        sizes = [size for _, size in data.inputs.categorical]
        terms.append(_one_weight_each(inputs["categorical"], sizes, outputs))
    return terms


def crossed_terms(inputs: dict[str, Any], data: TrainingData) -> list[Any]:
    """Returns the term of the crossings of every two categorical features, shape [rows, outputs]; none without two.

    A crossing of many values is hashed into buckets.
    """
    import keras

    sizes = [size for _, size in data.inputs.categorical]
    pairs = [(a, b) for a in range(len(sizes)) for b in range(a)][:_MOST_PAIRS]
    if not pairs:
        return []
    categorical = inputs["categorical"]
    crossings, buckets = [], []
    for a, b in pairs:
        buckets.append(min(_CROSS_BUCKETS, sizes[a] * sizes[b]))
        # Neighbouring numbers modulo the buckets: a good enough hash for indices that are ranks already.
        crossings.append((categorical[:, a] * sizes[b] + categorical[:, b]) % buckets[-1])
    return [_one_weight_each(keras.ops.stack(crossings, axis=1), buckets, data.task.num_outputs)]


def _one_weight_each(indices: Any, sizes: list[int], outputs: int) -> Any:
    """Sums one weight (per output) for the value of each column."""
    import keras

    return keras.ops.sum(_looked_up(indices, sizes, outputs, "zeros"), axis=1)


def total(terms: list[Any]) -> Any:
    """Returns the sum of terms."""
    import keras

    return keras.layers.Add()(terms) if len(terms) > 1 else terms[0]
