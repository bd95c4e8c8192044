"""Cells: every row in exactly one, and sums of rows that come to what TFMA makes of single rows."""

import numpy as np
import pytest
from tensorflow_model_analysis import constants
from tensorflow_model_analysis.metrics import metric_specs

from tfx_automl.components.evaluator.cells import (
    OTHER_SCORES_KEY,
    OTHER_THRESHOLDS_KEY,
    RAW_LABELS_KEY,
    ROWS_KEY,
    SCORES_KEY,
    THRESHOLDS_KEY,
    cells_of,
)
from tfx_automl.components.evaluator.config import make_eval_config
from tfx_automl.components.evaluator.engine import _for_metrics
from tfx_automl.components.evaluator.plan import EvaluationPlan
from tfx_automl.components.evaluator.row_metrics import ARRAYS_KEY
from tfx_automl.models.task import TaskSpec

BINARY = TaskSpec("binary", "label", ("no", "yes"))


def batch(labels, scores, **features):
    predictions = np.array(scores, dtype=np.float64).reshape(-1, 1)
    return {
        constants.FEATURES_KEY: {name: np.array(values, object).reshape(-1, 1) for name, values in features.items()},
        constants.LABELS_KEY: np.array(labels, dtype=np.float64),
        constants.PREDICTIONS_KEY: predictions,
        RAW_LABELS_KEY: np.array(labels),
        SCORES_KEY: predictions,
        **dict.fromkeys((OTHER_SCORES_KEY, THRESHOLDS_KEY, OTHER_THRESHOLDS_KEY), np.zeros((len(predictions), 0))),
    }


def computations(name):
    config = _for_metrics(make_eval_config(EvaluationPlan(BINARY)))
    (metric,) = (m for m in config.metrics_specs[0].metrics if f'"name": "{name}"' in m.config)
    return metric_specs.metric_instance(metric).computations()


def accumulated(computation, extracts):
    combiner, (preprocessor,) = computation.combiner, computation.preprocessors
    accumulator = combiner.create_accumulator()
    for cell in cells_of(extracts):
        accumulator = combiner.add_inputs(accumulator, list(preprocessor.process(cell)))
    return accumulator


def test_every_row_is_in_the_cell_of_its_values():
    cells = list(cells_of(batch([0, 1, 1, 0], [0.1, 0.2, 0.3, 0.4], sex=["f", "m", "f", "f"], age=[1, 1, 1, 2])))
    found = {
        tuple(value.item() for value in cell[constants.FEATURES_KEY].values()): [
            (row.labels.item(), row.predictions.item()) for row in cell[ROWS_KEY]
        ]
        for cell in cells
    }
    assert found == {
        ("f", 1): [(0, 0.1), (1, 0.3)],
        ("m", 1): [(1, 0.2)],
        ("f", 2): [(0, 0.4)],
    }
    for cell in cells:
        label, score, hashes, *_ = cell[ARRAYS_KEY]
        rows = [(row.labels.item(), row.predictions.item()) for row in cell[ROWS_KEY]]
        assert list(zip(label.tolist(), score[:, 0].tolist(), strict=True)) == rows and len(hashes) == len(rows)


def test_without_sensitive_features_all_rows_are_one_cell():
    (cell,) = cells_of(batch([0, 1], [0.1, 0.2]))
    assert cell[constants.FEATURES_KEY] == {} and len(cell[ROWS_KEY]) == 2


@pytest.mark.parametrize("together", [list, tuple, iter])
@pytest.mark.parametrize("name", ["loss", "measured", "example_count"])
def test_sums_of_several_workers_count_each_row_once(name, together):
    """TFMA's cross entropy counts the first of several accumulators twice if they come as a list."""
    rng = np.random.default_rng(0)
    parts = [(rng.integers(0, 2, rows), rng.uniform(0.01, 0.99, rows)) for rows in (50, 7, 20)]
    computation, *_ = computations(name)
    sums = [accumulated(computation, batch(*part, sex=list("fm" * 25)[: len(part[0])])) for part in parts]
    (value,) = computation.combiner.extract_output(computation.combiner.merge_accumulators(together(sums))).values()
    labels, scores = (np.concatenate(column) for column in zip(*parts, strict=True))
    pairs = scores[labels == 1][:, None] - scores[labels == 0][None, :]
    expected = {
        "loss": -np.log(np.where(labels == 1, scores, 1 - scores)).mean(),
        "measured": (pairs > 0).mean(),
        "example_count": 77,
    }
    if name == "measured":
        value = value.model.metrics["auc"]
    assert value == pytest.approx(expected[name], rel=1e-12)


def test_metrics_that_share_a_computation_do_it_once():
    first, *_ = computations("tpr")
    second, *_ = computations("fpr")
    assert first == second and hash(first) == hash(second)
    other, *_ = computations("loss")
    assert first != other
