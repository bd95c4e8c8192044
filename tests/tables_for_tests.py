"""Tables with missing values and categories that are seen in no training row."""

from pathlib import Path

import numpy as np

from tfx_automl.models.data import Arrays, TrainingData
from tfx_automl.models.inputs import InputSpec
from tfx_automl.models.task import TaskSpec

SIZES = (4, 12, 40)  # of the categories; the last two indices are for new and for missing values
TREES = {
    "family": "boosted_trees",
    "learning_rate": 0.1,
    "max_leaf_nodes": 31,
    "min_samples_leaf": 20,
    "l2_regularization": 1e-3,
    "max_features": 0.7,
}


def make_table(kind: str, rows: int = 3000, test_rows: int = 10_000, wide: int = 0) -> TrainingData:
    """Makes training data in memory: numbers, one of them with missing values, and categories.

    Args:
        kind: Of the task; a target is skewed.
        rows: Training rows; the eval split has 500.
        test_rows: Rows of the test split, some with new or missing categories.
        wide: Size of one more category; 0 leaves it out.
    """
    rng = np.random.default_rng(1)
    sizes = SIZES + (wide,) * bool(wide)
    splits = {
        name: _split(rng, kind, count, sizes, name == "test")
        for name, count in (("train", rows), ("eval", 500), ("test", test_rows))
    }
    classes = {"binary": ("no", "yes"), "multiclass": ("a", "b", "c", "d"), "regression": ()}[kind]
    inputs = InputSpec(
        ("a_xf", "b_xf", "b_missing_xf", "c_xf"), tuple((f"k{place}_xf", size) for place, size in enumerate(sizes))
    )
    target = splits["train"].label if kind == "regression" else np.zeros(1)
    scale = float(target.mean()), float(target.std()) or 1.0
    return TrainingData(
        Path("nowhere"), inputs, TaskSpec(kind, "y", classes), tuple(splits), *scale, "", replaced=splits
    )


def _split(rng: np.random.Generator, kind: str, rows: int, sizes: tuple[int, ...], with_new: bool) -> Arrays:
    number = rng.normal(size=(rows, 3)).astype(np.float32)
    missing = rng.random(rows) < 0.2
    number[missing, 1] = 0.25
    known = [rng.integers(0, size if with_new else size - 2, rows) for size in sizes]
    category = np.stack(known, axis=1).astype(np.int32)
    score = 2 * number[:, 0] + np.sin(3 * number[:, 1]) * (category[:, 2] % 3) + missing + (category[:, -1] % 5)
    score += number[:, 2] * (category[:, 1] % 2) + rng.normal(size=rows)
    label = {
        "binary": (score > 4).astype(np.int32),
        "multiclass": np.digitize(score, (1, 4, 6)).astype(np.int32),
        "regression": np.exp(score / 2 + 4).astype(np.float32),
    }[kind]
    numeric = np.column_stack([number[:, :2], missing, number[:, 2]]).astype(np.float32)
    return Arrays(numeric, category, np.zeros((rows, 0), np.uint8), label)
