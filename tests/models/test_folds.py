"""Cross-validation: every row is judged by a model that did not see it."""

import numpy as np
import pytest

from tfx_automl.errors import ModelError
from tfx_automl.models.families import start_model
from tfx_automl.models.feeding import columns_of
from tfx_automl.models.folds import FOLDS, folds_for
from tfx_automl.models.metrics import metrics_of
from tfx_automl.models.model import Workplace, cut

LINEAR = {"family": "linear", "learning_rate": 0.02, "weight_decay": 1e-3, "batch_size": 32, "numeric_pieces": 0}


@pytest.mark.parametrize("stratified", [True, False])
def test_folds_are_even_and_stratified(stratified):
    label = np.array([0] * 90 + [1] * 10)
    fold = cut(label, 5, stratified)
    assert np.bincount(fold).tolist() == [20] * 5
    if stratified:
        assert np.bincount(fold[label == 1]).tolist() == [2] * 5
    np.testing.assert_array_equal(fold, cut(label, 5, stratified))


def test_few_rows_are_cut_into_folds_and_many_are_not(make_data):
    data = make_data()
    assert folds_for(data, None) == FOLDS
    assert folds_for(data, None, ["val_equal_opportunity_difference"]) == 1
    assert folds_for(data, 3) == 3
    many = data.with_splits(train=data.split("train").take(np.zeros(25_000, np.int64)))
    assert folds_for(many, None) == 1
    with pytest.raises(ModelError, match="expected at most half of the 800 rows of train and eval, got 500"):
        folds_for(data, 500)
    with pytest.raises(ModelError, match="gaps are measured on the eval split, not on 5 folds"):
        folds_for(data, 5, ["val_equal_opportunity_difference"])


def test_no_model_saw_the_rows_that_it_is_judged_on(make_data):
    data = make_data()
    place = Workplace(data, folds=4)
    pool, fold = place.pool
    assert len(pool) == 800
    for number, one in enumerate(place.of_folds):
        np.testing.assert_array_equal(one.data.split("eval").label, pool.label[fold == number])
        np.testing.assert_array_equal(one.data.split("train").numeric, pool.numeric[fold != number])


def test_metrics_are_those_of_all_rows_and_predictions_are_the_mean(make_data):
    data = make_data()
    place = Workplace(data, folds=3)
    model = start_model(LINEAR, 0, place)
    for _ in range(3):
        record = model.train_epoch()
    expected = metrics_of(data.task, place.pool[0].label, model.validation())
    assert record.metrics["val_auc"] == pytest.approx(expected["auc"])
    test = data.split("test")
    alone = [start_model(LINEAR, 0, one) for one in place.of_folds]
    for one in alone:
        for _ in range(3):
            one.train_epoch()
    np.testing.assert_allclose(model.predict(test), np.mean([one.predict(test) for one in alone], axis=0), atol=1e-6)
    graph = model.graph().predict(columns_of(test, slice(None))).numpy()[:, 0]
    np.testing.assert_allclose(graph, model.predict(test), atol=1e-6)


def test_checkpoint_goes_on_where_it_stopped(make_data, tmp_path):
    place = Workplace(make_data(), folds=3)
    first, straight = start_model(LINEAR, 0, place), start_model(LINEAR, 0, place)
    for _ in range(2):
        first.train_epoch()
        first.save(tmp_path / "trial")
    assert len(list((tmp_path / "trial").glob("epoch-*"))) == 1
    second = start_model(LINEAR, 0, place)
    second.load(tmp_path / "trial")
    second.train_epoch()
    for _ in range(3):
        straight.train_epoch()
    np.testing.assert_allclose(second.validation(), straight.validation(), atol=1e-6)
    assert second.records[:2] == first.records
    with pytest.raises(ModelError, match=r"holds no checkpoint folds\.json"):
        second.load(tmp_path)
