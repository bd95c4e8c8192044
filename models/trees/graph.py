"""A forest as TensorFlow operations: all rows go down all trees of a chunk at once, level by level.

Only operations that TensorFlow Lite has built in, and no Python at serving. Memory is bounded: rows go in blocks, trees
in chunks.
"""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import numpy as np

from tfx_automl.models.trees.forest import LARGEST, MISSING, Forest
from tfx_automl.models.trees.inputs import Category, TreeInputs

_BYTES_PER_BLOCK = 2**24
_MOST_ROWS = 256
_FEWEST_ROWS = 16
_OF_CHUNKS = ("question", "left", "right", "root", "high", "low", "depth")


class ForestGraph:
    """Predicts with a forest.

    Args:
        forest: The trees.
        inputs: How they see the features.

    Attributes:
        variables: The `tf.Variable`s that hold the forest and what the codes of ordered categories are.
    """

    def __init__(self, forest: Forest, inputs: TreeInputs) -> None:
        import tensorflow as tf

        def variable(values: Any) -> Any:
            return tf.Variable(values, trainable=False)

        names = [field.name for field in fields(Forest) if field.name != "sets"]
        self._forest = {name: variable(getattr(forest, name)) for name in names}
        self._sets = [variable(table) for table in forest.sets]
        self._codes = [variable(_with_unknown(category)) for category in inputs.ordered]
        self._inputs = inputs
        self._rows = _rows_per_block(forest)
        self.variables = (*self._forest.values(), *self._sets, *self._codes)

    def __call__(self, columns: Mapping[str, Any]) -> tuple[Any, Any]:
        """Returns a high and a low part whose sum is the prediction, each of shape [rows, trees per round].

        Args:
            columns: As `feeding.columns_of` gives them.
        """
        import tensorflow as tf

        forest = {name: tf.convert_to_tensor(variable) for name, variable in self._forest.items()}
        tables = [tf.convert_to_tensor(table) for table in (*self._sets, *self._codes)]
        outputs = int(forest["baseline"].shape[1])
        count = tf.shape(next(iter(columns.values())))[0]

        def block(start: Any, high: Any, low: Any) -> tuple[Any, Any, Any]:
            rows = {name: values[start : start + self._rows] for name, values in columns.items()}
            parts = _traverse(forest, self._answers(rows, forest, tables))
            return start + self._rows, tf.concat([high, parts[0]], axis=1), tf.concat([low, parts[1]], axis=1)

        nothing = tf.zeros([outputs, 0])
        shape = tf.TensorShape([outputs, None])
        _, high, low = tf.while_loop(
            lambda start, high, low: start < count,
            block,
            (tf.constant(0), nothing, nothing),
            shape_invariants=(tf.TensorShape([]), shape, shape),
        )
        return tf.transpose(high), tf.transpose(low)

    def _answers(self, columns: Mapping[str, Any], forest: Mapping[str, Any], tables: list[Any]) -> Any:
        """Returns 1 where the answer is yes and else 0, uint8, shape [questions + 1, rows]; the last is never asked."""
        import tensorflow as tf

        values = [_number(columns["numeric"], number.column, number.indicator) for number in self._inputs.numbers]
        categories = (*self._inputs.sets, *self._inputs.ordered)
        found = [_look_up(columns, *pair) for pair in zip(categories, tables, strict=True)]
        sets = found[: len(self._inputs.sets)]
        values += found[len(self._inputs.sets) :]
        answers = [tf.transpose(tf.concat(sets, axis=1))] if sets else []
        if values:
            above = tf.gather(_planes(tf.stack(values)), forest["plane"]) > forest["threshold"][:, None]
            answers.insert(0, tf.cast(above, tf.uint8))
        # Trees that are all a single leaf ask nothing, but there must be something to look up.
        rows = tf.shape(next(iter(columns.values())))[0]
        return tf.concat([*answers, tf.zeros([1, rows], tf.uint8)], axis=0)


def _planes(numbers: Any) -> Any:
    """Returns numbers with a least, then with a greatest one for missing values: [numbers, rows] to twice as many."""
    import tensorflow as tf

    missing = tf.math.is_nan(numbers)
    return tf.concat([tf.where(missing, side, numbers) for side in (-MISSING, MISSING)], axis=0)


def _with_unknown(category: Category) -> Any:
    return np.append(category.codes, np.nan).astype(np.float32)


def _rows_per_block(forest: Forest) -> int:
    """Returns a power of two, so that rows lie well in memory: as many as keep a block near the processor."""
    bytes_per_row = 9 * forest.question.shape[1] + 5 * len(forest.plane) + sum(table.shape[1] for table in forest.sets)
    fitting = 1 << max(1, _BYTES_PER_BLOCK // bytes_per_row).bit_length() - 1
    return max(_FEWEST_ROWS, min(_MOST_ROWS, fitting))


def _number(numeric: Any, column: int, indicator: int | None) -> Any:
    import tensorflow as tf

    values = numeric[:, column]
    values = tf.where(tf.math.is_nan(values), values, tf.clip_by_value(values, -LARGEST, LARGEST))
    return values if indicator is None else tf.where(numeric[:, indicator] > 0.5, np.nan, values)


def _look_up(columns: Mapping[str, Any], category: Category, table: Any) -> Any:
    """Returns the row of a table for every index; the last one for an index that there should not be."""
    import tensorflow as tf

    index, size = columns["categorical"][:, category.column], len(category.codes)
    return tf.gather(table, tf.where((index >= 0) & (index < size), index, size))


def _traverse(forest: Mapping[str, Any], answers: Any) -> tuple[Any, Any]:
    """Returns the high and the low part of the predictions of some rows, each of shape [trees per round, rows]."""
    import tensorflow as tf

    rows = tf.shape(answers)[1]
    outputs = int(forest["baseline"].shape[1])
    start = [tf.tile(forest["baseline"][part][:, None], [1, rows]) for part in range(2)]

    def chunk(number: Any, high: Any, low: Any) -> tuple[Any, Any, Any]:
        part = {name: forest[name][number] for name in _OF_CHUNKS}
        leaf = -1 - _descend(part, answers, rows)
        by_round = [tf.reshape(tf.gather(part[name], leaf), [-1, outputs, rows]) for name in ("high", "low")]
        return number + 1, high + tf.reduce_sum(by_round[0], axis=0), low + tf.reduce_sum(by_round[1], axis=0)

    chunks = int(forest["root"].shape[0])
    shape = tf.TensorShape([outputs, None])
    _, high, low = tf.while_loop(
        lambda number, high, low: number < chunks,
        chunk,
        (tf.constant(0), *start),
        shape_invariants=(tf.TensorShape([]), shape, shape),
    )
    return high, low


def _descend(part: Mapping[str, Any], answers: Any, rows: Any) -> Any:
    """Returns the leaf, a negative number, that every row comes to in every tree of a chunk; shape [trees, rows]."""
    import tensorflow as tf

    answer = tf.cast(tf.gather(answers, part["question"]), tf.int32)
    # Where to go from every split, for every row: cheaper than `tf.where`, which is slow at repeating a value in a row.
    following = tf.reshape(part["left"][:, None] + answer * (part["right"] - part["left"])[:, None], [-1])
    row = tf.range(rows)

    def step(level: Any, place: Any) -> tuple[Any, Any]:
        # Numbers fall on the way down, so a leaf stays a leaf: at place 0, which is no split, there is 0.
        return level + 1, tf.minimum(place, tf.gather(following, tf.maximum(place, 0) * rows + row))

    roots = tf.tile(part["root"][:, None], [1, rows])
    _, place = tf.while_loop(lambda level, place: level < part["depth"], step, (tf.constant(0), roots))
    return place
