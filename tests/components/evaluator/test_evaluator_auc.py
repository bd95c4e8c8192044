"""The Evaluator's AUC: scikit-learn's, whatever the size of the scores, over all rows and in every slice."""

import pickle
from typing import Any

import numpy as np
import pytest
import sklearn.metrics as sk
from hypothesis import given
from hypothesis import strategies as st

from tfx_automl.components.evaluator.plan import EvaluationPlan
from tfx_automl.components.evaluator.row_metrics import RowMetrics
from tfx_automl.models.task import TaskSpec

ROWS = 1500
BINARY = TaskSpec("binary", "y", ("no", "yes"))


def auc(label: np.ndarray, score: np.ndarray, pieces: int = 1) -> float:
    """What the metric's combiner gives, as Beam calls it: in pieces that are pickled and merged."""
    (computation,) = RowMetrics(EvaluationPlan(BINARY).to_json()).computations()
    combiner, accumulators = computation.combiner, []
    for rows in np.array_split(np.arange(len(label)), pieces):
        nothing = np.zeros(len(rows), np.uint64), np.zeros((len(rows), 0))
        element = (label[rows].astype(np.int64), score[rows, None], *nothing)
        accumulator = combiner.compact(combiner.add_input(combiner.create_accumulator(), element))
        accumulators.append(pickle.loads(pickle.dumps(accumulator)))
    (found,) = combiner.extract_output(combiner.merge_accumulators(accumulators)).values()
    return found.model.metrics["auc"]


@given(
    rows=st.lists(
        st.tuples(st.booleans(), st.floats(0, 1) | st.sampled_from([0.0, 1e-30, 1e-8, 1e-5, 0.5, 1.0])),
        min_size=1,
        max_size=60,
    ),
    pieces=st.integers(1, 4),
)
def test_auc_equals_scikit_learn_at_every_magnitude_and_with_ties(rows: list, pieces: int) -> None:
    label, score = (np.array(values) for values in zip(*rows, strict=True))
    found = auc(label, score, pieces)
    if label.all() or not label.any():
        assert np.isnan(found)
    else:
        assert found == pytest.approx(sk.roc_auc_score(label, score), abs=1e-12)


@pytest.mark.slow
@pytest.mark.parametrize("largest", [1e-3, 1e-4, 1e-12])
def test_auc_does_not_depend_on_the_size_of_the_scores(largest: float, evaluate: Any) -> None:
    rng = np.random.default_rng(1)
    positive, male = rng.random(ROWS) < 0.3, rng.random(ROWS) < 0.4
    score = 1 / (1 + np.exp(-rng.normal(1.7 * positive + male * (positive - 0.5), 1)))
    score = (score.round(3) * largest).astype(np.float32)  # rounded, so that there are ties
    columns = {
        "target": np.where(positive, "yes", "no").tolist(),
        "score": score.tolist(),
        "sex": np.where(male, "Male", "Female").tolist(),
    }
    report = evaluate("binary", columns, sensitive=[("sex",)]).report
    assert report["metrics"]["auc"] == pytest.approx(sk.roc_auc_score(positive, score), abs=1e-9)
    by_sex = {entry["value"]: entry["metrics"]["auc"] for entry in report["slices"]}
    expected = {
        name: sk.roc_auc_score(positive[rows], score[rows]) for name, rows in (("Male", male), ("Female", ~male))
    }
    assert by_sex == pytest.approx(expected, abs=1e-9)
    assert report["gaps"]["sex"]["auc_difference"] == pytest.approx(
        abs(expected["Male"] - expected["Female"]), abs=1e-9
    )


@pytest.mark.slow
def test_single_class_has_no_auc_and_is_not_blessed(evaluate: Any, make_columns: Any) -> None:
    columns = make_columns("binary", 60)
    columns["target"] = ["no"] * 60
    report = evaluate("binary", columns, {"majority": {"auc": None}, "split": "test"}).report
    assert report["metrics"]["auc"] is None
    assert not report["blessed"]
