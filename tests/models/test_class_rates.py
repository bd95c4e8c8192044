"""Rates of one class against the rest, and averages over classes: equal to scikit-learn's."""

import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as sk

from tfx_automl.models.class_rates import (
    MOST_CLASSES,
    RATES,
    ClassCounts,
    class_metrics,
    has_class_rates,
    of_class,
    rate_and_class,
)
from tfx_automl.models.task import TaskSpec

CLASSES = 4
PAIRS = st.lists(st.tuples(st.integers(0, CLASSES - 1), st.integers(0, CLASSES - 1)), min_size=1, max_size=40)


def counts(label: np.ndarray, chosen: np.ndarray) -> ClassCounts:
    parts = (label, chosen, label[label == chosen])
    return ClassCounts(*(np.bincount(part, minlength=CLASSES).astype(float) for part in parts))


@given(PAIRS)
def test_rates_and_averages_equal_those_of_scikit_learn(pairs: list[tuple[int, int]]) -> None:
    label, chosen = np.array(pairs).T
    found = counts(label, chosen)
    for number in range(CLASSES):
        truth, guess = label == number, chosen == number
        expected = {
            "mean_label": truth.mean(),
            "selection_rate": guess.mean(),
            "tpr": sk.recall_score(truth, guess) if truth.any() else np.nan,
            "fpr": sk.recall_score(~truth, guess) if not truth.all() else np.nan,
            "precision": sk.precision_score(truth, guess) if guess.any() else np.nan,
        }
        rates = {name: values[number] for name, values in found.rates().items()}
        assert rates == pytest.approx(expected, abs=1e-12, nan_ok=True)
    averages = found.averages()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # scikit-learn warns of classes without rows
        assert averages["balanced_accuracy"] == pytest.approx(sk.balanced_accuracy_score(label, chosen))
        assert averages["macro_f1"] == pytest.approx(sk.f1_score(label, chosen, average="macro"))


def test_nothing_is_defined_without_rows() -> None:
    nothing = ClassCounts(*np.zeros((3, 2, CLASSES)))
    assert all(np.isnan(values).all() for values in {**nothing.rates(), **nothing.averages()}.values())


def test_names_are_read_as_they_were_made() -> None:
    assert rate_and_class(of_class("selection_rate", 12)) == ("selection_rate", 12)
    assert rate_and_class("macro_f1") == ("macro_f1", None)


def test_only_tasks_of_not_too_many_classes_have_rates_by_class() -> None:
    few, many = (TaskSpec("multiclass", "y", tuple(map(str, range(MOST_CLASSES + more)))) for more in (0, 1))
    assert has_class_rates(few) and not has_class_rates(many)
    assert len(class_metrics(few)) == MOST_CLASSES * len(RATES) and class_metrics(many) == ()
    assert not has_class_rates(TaskSpec("binary", "y", ("a", "b"))) and not has_class_rates(TaskSpec("regression", "y"))
