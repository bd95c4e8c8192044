"""Boosted trees beside plain scikit-learn: growing on from epoch to epoch, and predicting with the exported operations.

python benchmarks/boosted_trees.py [--rows 100000] [--epochs 27] [--threads 1] [--output FILE]
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

RESULTS = Path(__file__).parent / "results" / "boosted_trees.json"
VALUES = {
    "learning_rate": 0.1,
    "max_leaf_nodes": 31,
    "min_samples_leaf": 20,
    "l2_regularization": 1e-6,
    "max_features": 1.0,
}
_CATEGORIES = (3, 8, 13, 18, 23, 28)
_TEST_ROWS = 10_000


def make_data(rows: int) -> Any:
    """Returns a binary task: 12 numbers, one with missing values, and 6 categories."""
    from tfx_automl.models.data import TrainingData
    from tfx_automl.models.inputs import InputSpec
    from tfx_automl.models.task import TaskSpec

    rng = np.random.default_rng(0)
    counts = {"train": rows, "eval": rows // 10, "test": _TEST_ROWS}
    splits = {name: _split(rng, count) for name, count in counts.items()}
    names = (*(f"n{n}_xf" for n in range(12)), "n0_missing_xf")
    categories = tuple((f"c{n}_xf", size + 2) for n, size in enumerate(_CATEGORIES))
    task = TaskSpec("binary", "y", ("no", "yes"))
    return TrainingData(Path(), InputSpec(names, categories), task, tuple(splits), replaced=splits)


def _split(rng: np.random.Generator, rows: int) -> Any:
    from tfx_automl.models.data import Arrays

    number = rng.normal(size=(rows, 12))
    category = np.stack([rng.integers(0, size, rows) for size in _CATEGORIES], axis=1)
    score = number[:, 0] * 2 + np.sin(3 * number[:, 1]) + number[:, 2] * number[:, 3] + (category[:, 1] % 3 == 1) * 1.5
    score += (category[:, 2] % 2) * number[:, 4] + rng.normal(size=rows)
    missing = rng.random(rows) < 0.1
    number[missing, 0] = 0.3
    numeric = np.column_stack([number, missing]).astype(np.float32)
    return Arrays(numeric, category.astype(np.int32), np.zeros((rows, 0), np.uint8), (score > 0.5).astype(np.int32))


def _plain(is_set: Any, **arguments: Any) -> Any:
    from sklearn.ensemble import HistGradientBoostingClassifier

    return HistGradientBoostingClassifier(
        **VALUES, **arguments, early_stopping=False, categorical_features=is_set, random_state=0
    )


def measure_growing(data: Any, epochs: int) -> dict[str, float]:
    """Returns the seconds of all epochs of 20 rounds: ours, evaluated, and scikit-learn's, which are not."""
    from tfx_automl.models.families import start_model
    from tfx_automl.models.model import Workplace

    started = time.perf_counter()
    model = start_model({"family": "boosted_trees", **VALUES}, 0, Workplace(data))
    prepared = time.perf_counter() - started
    ours = [_seconds(model.train_epoch) for _ in range(epochs)]
    inputs = inputs_of(model)
    matrix, label = inputs.matrix(data.split("train")), data.split("train").label
    warm, theirs = _plain(inputs.is_set, warm_start=True), list[float]()
    for epoch in range(epochs):
        warm.set_params(max_iter=20 * (epoch + 1))
        theirs.append(_seconds(lambda: warm.fit(matrix, label)))
    once = _seconds(lambda: _plain(inputs.is_set, max_iter=20 * epochs).fit(matrix, label))
    return {
        "prepare_s": round(prepared, 3),
        "ours_s": round(sum(ours), 3),
        "ours_last_epoch_s": round(ours[-1], 3),
        "warm_start_s": round(sum(theirs), 3),
        "warm_start_last_epoch_s": round(theirs[-1], 3),
        "one_fit_s": round(once, 3),
    }


def inputs_of(model: Any) -> Any:
    """Returns how a model sees the features."""
    return model.booster.estimator.binned.inputs


def measure_predicting(data: Any, rounds: int) -> dict[str, float]:
    """Returns rows per second and the largest difference of probabilities, with so many rounds of trees."""
    from tfx_automl.models.compiled import compile_prediction
    from tfx_automl.models.families import start_model
    from tfx_automl.models.feeding import columns_of
    from tfx_automl.models.model import Workplace

    model = start_model({"family": "boosted_trees", **VALUES}, 0, Workplace(data))
    for _ in range(rounds // 20):
        model.train_epoch()
    test = data.split("test")
    columns, matrix = columns_of(test, slice(None)), inputs_of(model).matrix(test)
    compiled = compile_prediction(model.graph().predict, data)
    estimator = model.booster.estimator  # type: ignore[attr-defined]
    expected = estimator.predict_proba(matrix)[:, 1]
    one = {name: values[:1] for name, values in columns.items()}
    all_rows = _best(10, lambda: compiled(columns).numpy(), lambda: estimator.predict_proba(matrix))
    one_row = _best(100, lambda: compiled(one).numpy(), lambda: estimator.predict_proba(matrix[:1]))
    return {
        "trees": rounds,
        "graph_rows_per_s": round(_TEST_ROWS / all_rows[0]),
        "scikit_learn_rows_per_s": round(_TEST_ROWS / all_rows[1]),
        "graph_one_row_ms": 1000 * one_row[0],
        "scikit_learn_one_row_ms": 1000 * one_row[1],
        "largest_difference": float(np.abs(compiled(columns).numpy()[:, 0] - expected).max()),
        "model_bytes": model.records[-1].metrics["model_bytes"],
    }


def _seconds(work: Callable[[], Any]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def _best(times: int, *works: Callable[[], Any]) -> list[float]:
    """Returns the fewest seconds of each, measured in turns."""
    for work in works:
        work()
    return [min(seconds) for seconds in zip(*([_seconds(work) for work in works] for _ in range(times)), strict=True)]


def main() -> None:
    """Measures and writes the result as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--epochs", type=int, default=27)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--output", type=Path, default=RESULTS)
    options = parser.parse_args()
    # Read when scikit-learn and TensorFlow are first imported.
    os.environ |= {"OMP_NUM_THREADS": str(options.threads), "TF_NUM_INTRAOP_THREADS": str(options.threads)}
    data = make_data(options.rows)
    result = {
        "rows": options.rows,
        "threads": options.threads,
        "growing": measure_growing(data, options.epochs),
        "predicting": measure_predicting(data, 500),
    }
    text = f"{json.dumps(result, indent=2)}\n"
    options.output.write_text(text, encoding="utf-8")
    sys.stdout.write(text)


if __name__ == "__main__":
    main()
