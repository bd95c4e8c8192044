"""Training: it learns, it is deterministic, and it continues exactly where it stopped."""

import numpy as np
import pytest

from tfx_automl.errors import ConfigError, ModelError
from tfx_automl.models.adam import FusedAdam
from tfx_automl.models.baseline import fit_baselines
from tfx_automl.models.data import Arrays
from tfx_automl.models.families import families_for, get_family, start_model
from tfx_automl.models.feeding import Feed
from tfx_automl.models.fitting import fit
from tfx_automl.models.measures import keras_metric, objectives_of
from tfx_automl.models.metrics import metrics_of
from tfx_automl.models.model import Model, Workplace
from tfx_automl.models.task import TaskSpec
from tfx_automl.models.trainable import ModelTrainable
from tfx_automl.search.job import EpochRecord, Job, run_job
from tfx_automl.search.objective import Objectives

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


def _trained(data, values, epochs: int, seed: int = 0) -> Model:
    session = start_model(values, seed, Workplace(data))
    for _ in range(epochs):
        session.train_epoch()
    return session


def _scores(model: Model, arrays: Arrays) -> dict[str, float]:
    return metrics_of(model.data.task, arrays.label, model.predict(arrays))


@pytest.mark.parametrize(
    ("kind", "metric", "bound"), [("binary", "auc", 0.95), ("multiclass", "accuracy", 0.85), ("regression", "r2", 0.9)]
)
def test_mlp_learns(make_data, kind, metric, bound):
    data = make_data(kind)
    assert _scores(_trained(data, MLP, 12), data.split("test"))[metric] > bound


def test_dense_learns_images(make_data):
    data = make_data("multiclass", image=True)
    assert _scores(_trained(data, DENSE, 8), data.split("test"))["accuracy"] > 0.95


def test_same_seed_same_model_other_seed_other_model(make_data):
    data = make_data()
    one, two, other = (_trained(data, MLP, 2, seed) for seed in (0, 0, 1))
    for a, b in zip(one.snapshot(), two.snapshot(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert any(not np.array_equal(a, b) for a, b in zip(one.snapshot(), other.snapshot(), strict=True))


@pytest.mark.parametrize("values", [MLP, {**MLP, "dropout": 0.0, "numeric_pieces": 0}])
def test_continued_training_equals_training_straight(make_data, tmp_path, values):
    """Weights, optimizer state, dropout and the order of the rows all go on; so three plus three epochs are six."""
    data = make_data()
    straight = [_trained(data, values, 5), None]
    first = _trained(data, values, 3)
    first.save(tmp_path / "checkpoint")
    second = start_model(values, 0, Workplace(data))
    second.load(tmp_path / "checkpoint")
    assert second.epoch == 3
    for _ in range(2):
        second.train_epoch()
    for a, b in zip(straight[0].snapshot(), second.snapshot(), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)


def _run(trainable: ModelTrainable, job: Job, epochs: int = 99) -> tuple[str, list[EpochRecord]]:
    """Runs a job; it is told to stop after so many epochs."""
    curve: list[EpochRecord] = []

    def tell(_: Job, record: EpochRecord) -> bool:
        curve.append(record)
        return len(curve) < epochs

    return run_job(trainable, job, "0", tell).status, curve


def _losses(curve: list[EpochRecord]) -> list[float]:
    return [record.metrics["val_loss"] for record in curve]


@pytest.fixture
def trainable(make_data):
    """A function that makes a trainable, each time as another worker would have it."""
    folder = str(make_data().folder)
    return lambda **more: ModelTrainable(folder, 2**30, **more)


def test_promoted_trial_continues_in_the_worker_and_elsewhere(trainable, tmp_path):
    here = trainable()
    _run(here, Job(0, MLP, 0, 2, 5, str(tmp_path / "t")))
    _, alive = _run(here, Job(0, MLP, 2, 4, 5, str(tmp_path / "t")))
    _run(here, Job(1, MLP, 0, 2, 5, str(tmp_path / "u")))
    status, elsewhere = _run(trainable(), Job(1, MLP, 2, 4, 5, str(tmp_path / "u")))
    assert status == "completed"
    assert [record.epoch for record in elsewhere] == [3, 4]
    assert _losses(alive) == pytest.approx(_losses(elsewhere), abs=1e-6)


def test_checkpoint_ahead_of_the_ledger_is_told_and_not_trained_again(trainable, tmp_path):
    """Killed after the checkpoint was saved and before the search heard of it: the same job comes again."""
    folder = str(tmp_path / "t")
    worker = trainable()
    _run(worker, Job(0, MLP, 0, 1, 5, folder))
    _, lost = _run(worker, Job(0, MLP, 1, 3, 5, folder))
    _, again = _run(trainable(), Job(0, MLP, 1, 3, 5, folder))
    assert again == lost  # the very same seconds, too: they were read, not measured


def test_job_that_is_told_to_stop_goes_on_later(trainable, tmp_path):
    _, straight = _run(trainable(), Job(0, MLP, 0, 4, 5, str(tmp_path / "t")))
    worker = trainable()
    status, first = _run(worker, Job(0, MLP, 0, 4, 5, str(tmp_path / "u")), epochs=2)
    assert (status, len(first)) == ("stopped", 2)
    _, rest = _run(worker, Job(0, MLP, 2, 4, 5, str(tmp_path / "u")))
    assert _losses(first + rest) == pytest.approx(_losses(straight), abs=1e-6)


def test_deleted_checkpoint_is_made_again(trainable, tmp_path):
    _, straight = _run(trainable(), Job(0, MLP, 0, 3, 5, str(tmp_path / "t")))
    _, again = _run(trainable(), Job(0, MLP, 2, 3, 5, str(tmp_path / "nowhere")))
    assert _losses(again) == pytest.approx(_losses(straight)[2:], abs=1e-6)


def test_fewer_rows_for_lower_levels(trainable, tmp_path):
    """With a quarter of the rows there are a quarter of the steps: the first epoch learns less."""
    job = Job(0, MLP, 0, 2, 5, str(tmp_path / "t"), stages=((1, 0.25), (2, 1.0)))
    _, curve = _run(trainable(), job)
    _, full = _run(trainable(), Job(0, MLP, 0, 2, 5, str(tmp_path / "u")))
    assert _losses(full)[0] < _losses(curve)[0]
    assert _losses(full)[1] < _losses(curve)[1] < _losses(curve)[0]


def test_rows_that_do_not_fit_into_memory_are_streamed(make_data):
    data = make_data(rows=20_000)
    feed = Feed(data, resident_bytes=9000 * 26)
    assert feed.streams and not Feed(data, 2**30).streams
    labels, rows = np.asarray(data.split("train").label), 0
    for window in feed.windows(32, 1.0, np.random.default_rng(0)):
        assert len(window.labels) <= 9000
        assert len(np.unique(window.order)) == window.order.size
        rows += window.order.size
    assert 20_000 - 3 * 32 < rows <= 20_000
    session = start_model(MLP, 0, Workplace(data, resident_bytes=9000 * 26))
    for _ in range(2):
        session.train_epoch()
    assert _scores(session, data.split("test"))["auc"] > 0.95
    assert labels.dtype == np.int32


@pytest.mark.parametrize("resident_bytes", [2**30, 9000 * 26])
def test_epoch_of_so_many_steps(make_data, resident_bytes):
    feed = Feed(make_data(rows=20_000), resident_bytes, steps=300)
    windows = list(feed.windows(32, 1.0, np.random.default_rng(0)))
    assert sum(len(window.order) for window in windows) == 300
    assert len(windows) == (1 if resident_bytes == 2**30 else 2)  # 256 and 44 steps


def test_shares_of_the_rows_are_nested(make_data):
    feed = Feed(make_data(), 2**30)
    some, more = (
        {int(row) for window in feed.windows(1, share, np.random.default_rng(0)) for row in window.order[:, 0]}
        for share in (0.3, 0.6)
    )
    assert len(some) == 180 and len(more) == 360
    assert some < more


def test_fused_adam_is_the_adam_of_keras(make_data):
    """The same steps on the same gradients, with weight decay and clipping, up to rounding."""
    import keras
    import tensorflow as tf

    rng = np.random.default_rng(0)
    start = [rng.normal(size=shape).astype(np.float32) for shape in ((4, 3), (3,))]
    ours, theirs = ([keras.Variable(value) for value in start] for _ in range(2))
    fused = FusedAdam(0.01, weight_decay=0.1, clip_norm=1.0)
    reference = keras.optimizers.AdamW(0.01, weight_decay=0.1, clipnorm=1.0)
    fused.build(ours)
    for _ in range(20):
        gradients = [tf.constant(rng.normal(size=value.shape).astype(np.float32) * 3) for value in start]
        fused.apply(gradients, ours)
        reference.apply(gradients, theirs)
    for one, other in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(one.numpy(), other.numpy(), atol=1e-5)


def test_sizes_latency_and_keras_metrics_are_measured(make_data):
    data = make_data("multiclass")
    measures = ("latency_ms", "val_f1_score", "val_top_k_categorical_accuracy")
    record = start_model(MLP, 0, Workplace(data, measures)).train_epoch()
    model = get_family("mlp").build(MLP, data)
    assert record.metrics["parameters"] == model.count_params()
    assert record.metrics["model_bytes"] == 4 * model.count_params()
    assert 0.01 < record.metrics["latency_ms"] < 1000
    assert 0 < record.metrics["val_f1_score"] < 1
    assert record.metrics["val_top_k_categorical_accuracy"] == 1.0  # of five, and there are three classes


def test_keras_metrics_agree_with_scikit_learn():
    from sklearn.metrics import f1_score, mean_absolute_percentage_error

    rng = np.random.default_rng(0)
    label, probability = rng.integers(0, 3, 200), rng.dirichlet(np.ones(3), 200).astype(np.float32)
    task = TaskSpec("multiclass", "y", ("a", "b", "c"))
    expected = f1_score(label, probability.argmax(axis=1), average="macro")
    assert keras_metric("f1_score", task, label, probability) == pytest.approx(expected, abs=1e-6)
    truth, guess = rng.uniform(1, 2, 200), rng.uniform(1, 2, 200)
    found = keras_metric("mean_absolute_percentage_error", TaskSpec("regression", "y"), truth, guess)
    assert found == pytest.approx(100 * mean_absolute_percentage_error(truth, guess), rel=1e-5)


def test_objectives_by_name():
    task = TaskSpec("binary", "y", ("no", "yes"))
    assert objectives_of(task).metrics == ("val_auc",)
    found = objectives_of(task, "recall, parameters", ["latency_ms<=2", "accuracy>=0.8"])
    assert [(goal.metric, goal.direction) for goal in found.goals] == [("val_recall", "max"), ("parameters", "min")]
    assert [str(constraint) for constraint in found.constraints] == ["latency_ms<=2", "val_accuracy>=0.8"]
    assert objectives_of(task, "val_cosine_similarity:max").first.direction == "max"
    with pytest.raises(ConfigError, match=r"a binary task has no metric 'val_magic'; expected one of val_auc"):
        objectives_of(task, "val_magic")


def test_nan_is_an_error_that_says_what_may_help(make_data):
    data = make_data("regression")
    broken = np.load(data.folder / "train" / "label.npy")
    broken[0] = np.nan
    np.save(data.folder / "train" / "label.npy", broken)
    with pytest.raises(ModelError, match=r"The loss became nan in epoch 1; a lower learning rate may help"):
        start_model({**MLP, "batch_size": 600}, 0, Workplace(data)).train_epoch()


def test_checkpoint_of_another_model_is_refused(make_data, tmp_path):
    data = make_data()
    _trained(data, MLP, 1).save(tmp_path)
    with pytest.raises(ModelError, match="is of another model"):
        start_model({**MLP, "layers": 3}, 0, Workplace(data)).load(tmp_path)
    with pytest.raises(ModelError, match="holds no checkpoint"):
        start_model(MLP, 0, Workplace(data)).load(tmp_path / "nowhere")


def test_final_training_stops_early_and_keeps_the_best(make_data):
    data = make_data(rows=60)
    session = start_model({**MLP, "learning_rate": 0.05}, 0, Workplace(data))
    told = []
    history = fit(session, Objectives.of("val_loss"), 60, 3, lambda epoch, metrics: told.append(epoch))
    best = [entry for entry in history if entry["best"]][-1]
    assert len(history) == best["epoch"] + 3 < 60
    assert told == [entry["epoch"] for entry in history]
    assert _scores(session, data.split("eval"))["loss"] == pytest.approx(best["val_loss"], abs=1e-5)


def test_more_rows_per_batch_than_rows(make_data):
    data = make_data(rows=20)
    assert start_model({**MLP, "batch_size": 512}, 0, Workplace(data)).train_epoch().metrics["loss"] > 0


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


def test_families_are_chosen_by_the_inputs(make_data):
    table, image = make_data("multiclass").inputs, make_data("multiclass", image=True).inputs
    assert "mlp" in [family.name for family in families_for((), table)]
    assert "dense" in [family.name for family in families_for((), image)]
    with pytest.raises(ModelError, match="'dense' is not for a table"):
        families_for(("dense",), table)
    with pytest.raises(ModelError, match="There is no model family 'forest'; there are "):
        get_family("forest")


class _Replay:
    """Stands for a session whose epochs give what is written; its weights are the number of the epoch."""

    def __init__(self, epochs: list[dict[str, float]]) -> None:
        self._epochs, self.epoch, self.kept = epochs, 0, 0

    def train_epoch(self) -> EpochRecord:
        self.epoch += 1
        return EpochRecord(self.epoch, self._epochs[self.epoch - 1], 0.0)

    def snapshot(self) -> list[int]:
        return [self.epoch]

    def restore(self, weights: list[int]) -> None:
        self.kept = weights[0]


@pytest.mark.parametrize(
    ("gaps", "kept"), [((0.1, 0.3, 0.2, 0.2), 3), ((0.3, 0.5, 0.4, 0.3), 4), ((0.9, 0.9, 0.1, np.nan), 3)]
)
def test_final_training_keeps_the_best_epoch_within_the_constraints(gaps, kept):
    aucs = (0.7, 0.9, 0.8, 0.75)
    session = _Replay([{"val_auc": auc, "val_gap": gap} for auc, gap in zip(aucs, gaps, strict=True)])
    history = fit(session, Objectives.of("val_auc", constraints=["val_gap<=0.2"]), 4, 9, lambda *_: None)
    assert session.kept == kept == max(entry["epoch"] for entry in history if entry["best"])
