"""Training: it learns, it is deterministic, and it continues exactly where it stopped."""

import numpy as np
import pytest

from tfx_automl.errors import ModelError
from tfx_automl.models.baseline import fit_baselines
from tfx_automl.models.families import FAMILIES, family_for, get_family
from tfx_automl.models.fitting import fit
from tfx_automl.models.metrics import metrics_of
from tfx_automl.models.task import TaskSpec
from tfx_automl.models.trainable import ModelTrainable
from tfx_automl.models.training import Session
from tfx_automl.search.job import Job, run_job
from tfx_automl.search.objective import Objective

MLP = {
    "family": "mlp",
    "layers": 1,
    "units": 32,
    "dropout": 0.1,
    "learning_rate": 0.01,
    "weight_decay": 1e-4,
    "batch_size": 32,
    "numeric_pieces": 8,
}
DENSE = {"family": "dense", "units": 32, "learning_rate": 1e-2}


def _trained(data, values, epochs: int, seed: int = 0) -> Session:
    session = Session(values, data, seed)
    for _ in range(epochs):
        session.train_epoch()
    return session


@pytest.mark.parametrize(
    ("kind", "metric", "bound"), [("binary", "auc", 0.95), ("multiclass", "accuracy", 0.85), ("regression", "r2", 0.9)]
)
def test_mlp_learns(make_data, kind, metric, bound):
    data = make_data(kind)
    assert _trained(data, MLP, 12).evaluate(data.split("test"))[metric] > bound


def test_dense_learns_images(make_data):
    data = make_data("multiclass", image=True)
    assert _trained(data, DENSE, 8).evaluate(data.split("test"))["accuracy"] > 0.95


def test_same_seed_same_model_other_seed_other_model(make_data):
    data = make_data()
    one, two, other = (_trained(data, MLP, 2, seed) for seed in (0, 0, 1))
    for a, b in zip(one.weights(), two.weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert any(not np.array_equal(a, b) for a, b in zip(one.weights(), other.weights(), strict=True))


@pytest.mark.parametrize("values", [MLP, {**MLP, "dropout": 0.0, "numeric_pieces": 0}])
def test_continued_training_equals_training_straight(make_data, tmp_path, values):
    """Weights, optimizer state, dropout and the order of the rows all go on; so three plus three epochs are six."""
    data = make_data()
    straight = [_trained(data, values, 5), None]
    first = _trained(data, values, 3)
    first.save(tmp_path / "checkpoint")
    second = Session(values, data, seed=0)
    second.load(tmp_path / "checkpoint")
    assert second.epoch == 3
    for _ in range(2):
        second.train_epoch()
    for a, b in zip(straight[0].weights(), second.weights(), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)


def test_promoted_trial_continues_in_the_worker_and_elsewhere(make_data, tmp_path):
    data = make_data()
    here = ModelTrainable(str(data.folder))
    first = run_job(here, Job(0, MLP, 0, 2, 5, str(tmp_path / "t")), 0)
    alive = run_job(here, Job(0, MLP, 2, 4, 5, str(tmp_path / "t")), 0)
    again = run_job(here, Job(1, MLP, 0, 2, 5, str(tmp_path / "u")), 0)
    elsewhere = run_job(ModelTrainable(str(data.folder)), Job(1, MLP, 2, 4, 5, str(tmp_path / "u")), 1)
    assert [r.status for r in (first, alive, again, elsewhere)] == ["completed"] * 4
    assert [record.epoch for record in elsewhere.curve] == [3, 4]
    for a, b in zip(alive.curve, elsewhere.curve, strict=True):
        assert a.metrics["val_loss"] == pytest.approx(b.metrics["val_loss"], abs=1e-6)


def test_checkpoint_ahead_of_the_ledger_is_not_taken_for_progress(make_data, tmp_path):
    """Killed after the checkpoint was saved and before its result was remembered: the same job comes again."""
    data = make_data()
    folder = str(tmp_path / "t")
    worker = ModelTrainable(str(data.folder))
    run_job(worker, Job(0, MLP, 0, 1, 5, folder), 0)
    lost = run_job(worker, Job(0, MLP, 1, 3, 5, folder), 0)
    again = run_job(ModelTrainable(str(data.folder)), Job(0, MLP, 1, 3, 5, folder), 0)
    assert [record.epoch for record in again.curve] == [2, 3]
    for a, b in zip(lost.curve, again.curve, strict=True):
        assert a.metrics["val_loss"] == pytest.approx(b.metrics["val_loss"], abs=1e-6)


def test_nan_is_an_error_that_says_what_may_help(make_data):
    data = make_data("regression")
    broken = np.load(data.folder / "train" / "label.npy")
    broken[0] = np.nan
    np.save(data.folder / "train" / "label.npy", broken)
    with pytest.raises(ModelError, match=r"The loss became nan in epoch 1; a lower learning rate may help"):
        Session({**MLP, "batch_size": 600}, data, 0).train_epoch()


def test_checkpoint_of_another_model_is_refused(make_data, tmp_path):
    data = make_data()
    _trained(data, MLP, 1).save(tmp_path)
    with pytest.raises(ModelError, match="is of another model"):
        Session({**MLP, "layers": 3}, data, 0).load(tmp_path)
    with pytest.raises(ModelError, match="holds no checkpoint"):
        Session(MLP, data, 0).load(tmp_path / "nowhere")


def test_final_training_stops_early_and_keeps_the_best(make_data):
    data = make_data(rows=60)
    session = Session({**MLP, "learning_rate": 0.05}, data, 0)
    told = []
    history = fit(session, Objective("val_loss"), 60, 3, lambda epoch, metrics: told.append(epoch))
    best = [entry for entry in history if entry["best"]][-1]
    assert len(history) == best["epoch"] + 3 < 60
    assert told == [entry["epoch"] for entry in history]
    assert session.evaluate(data.split("eval"))["loss"] == pytest.approx(best["val_loss"], abs=1e-5)


def test_more_rows_per_batch_than_rows(make_data):
    data = make_data(rows=20)
    assert Session({**MLP, "batch_size": 512}, data, 0).train_epoch()["loss"] > 0


def test_baselines(make_data):
    data = make_data("binary")
    found = fit_baselines(data, "test", seed=0)
    assert found["majority"]["auc"] == 0.5
    assert found["logistic_regression"]["auc"] > 0.9
    assert found["rows_used"] == 600
    regression = fit_baselines(make_data("regression"), "test", seed=0)
    assert regression["mean"]["r2"] < 0.05 < 0.8 < regression["ridge_regression"]["r2"]
    images = fit_baselines(make_data("multiclass", image=True), "test", seed=0)
    assert images["logistic_regression"]["accuracy"] > 0.9


def test_metrics_equal_scikit_learn():
    from sklearn import metrics

    rng = np.random.default_rng(0)
    label, p = rng.integers(0, 2, 500), rng.random(500)
    found = metrics_of(TaskSpec("binary", "y", ("0", "1")), label, p)
    assert found["auc"] == pytest.approx(metrics.roc_auc_score(label, p))
    assert found["accuracy"] == pytest.approx(metrics.accuracy_score(label, p >= 0.5))
    assert found["precision"] == pytest.approx(metrics.precision_score(label, p >= 0.5))
    assert found["recall"] == pytest.approx(metrics.recall_score(label, p >= 0.5))
    assert found["loss"] == pytest.approx(metrics.log_loss(label, p))
    several, q = rng.integers(0, 3, 500), rng.dirichlet([1, 1, 1], 500)
    found = metrics_of(TaskSpec("multiclass", "y", ("0", "1", "2")), several, q)
    assert found["loss"] == pytest.approx(metrics.log_loss(several, q))
    target, guess = rng.normal(size=500), rng.normal(size=500)
    found = metrics_of(TaskSpec("regression", "y"), target, guess)
    assert found["r2"] == pytest.approx(metrics.r2_score(target, guess))
    assert found["rmse"] ** 2 == pytest.approx(metrics.mean_squared_error(target, guess))
    assert found["mae"] == pytest.approx(metrics.mean_absolute_error(target, guess))


def test_every_family_builds_every_point_of_its_space(make_data):
    rng = np.random.default_rng(0)
    for name, family in FAMILIES.items():
        data = make_data("multiclass", image=name == "dense")
        space = family.space(data.inputs, 600)
        for _ in range(4):
            point = space.sample(rng)
            columns = {"image": 12} if name == "dense" else {"numeric": 3, "categorical": 2}
            model = family.build(point, data)
            assert model({key: np.zeros((2, width), "int32") for key, width in columns.items()}).shape == (2, 3)
            assert point["family"] == name


def test_families_are_chosen_by_the_inputs(make_data):
    table, image = make_data("multiclass").inputs, make_data("multiclass", image=True).inputs
    assert (family_for("auto", table).name, family_for("auto", image).name) == ("mlp", "dense")
    with pytest.raises(ModelError, match="'dense' is not for a table"):
        family_for("dense", table)
    with pytest.raises(ModelError, match="There is no model family 'forest'; there are mlp, dense"):
        get_family("forest")
