"""Trainer's modes: what each trains on, for how long, and what it says of it."""

import json
from pathlib import Path

import numpy as np
import pytest

from tfx_automl.errors import ModelError

pytestmark = pytest.mark.slow


def weights(model: Path) -> list[np.ndarray]:
    import tensorflow as tf

    loaded = tf.saved_model.load(str(model / "Format-Serving"))
    # Integers are where the random numbers of dropout have come to, which predicting does not use.
    return [weight.numpy() for weight in loaded.weights if weight.dtype.is_floating]


def same(first: Path, second: Path) -> bool:
    return all(np.array_equal(a, b) for a, b in zip(weights(first), weights(second), strict=True))


def test_tuner_tells_the_best_epoch_and_stock_readers_do_not_mind(inputs, people):
    import keras_tuner
    from tfx.utils import io_utils

    folder = inputs["hyperparameters"]
    found = json.loads(Path(io_utils.get_only_uri_in_dir(folder)).read_text())  # as the stock Trainer does
    trials = json.loads((people.Tuner.uris["tuner_results"] / "trials.json").read_text())
    best = next(trial for trial in trials["trials"] if trial["trial_id"] == trials["best_trial_id"])
    curve = [(-epoch["val_auc"], epoch["val_loss"], epoch["epoch"]) for epoch in best["curve"]]
    assert found["training"]["best_epoch"] == min(curve)[2]
    assert (found["training"]["epochs"], found["training"]["score"]) == (best["epochs"], best["score"])
    assert keras_tuner.HyperParameters.from_config(found).values == best["values"]


def test_retrain_all_trains_as_long_as_the_search_found_best(execute, inputs):
    done = execute("all", mode="retrain_all", max_epochs=20)
    found = json.loads((Path(inputs["hyperparameters"]) / "best_hyperparameters.txt").read_text())["training"]
    assert [entry["epoch"] for entry in done.history] == list(range(1, found["best_epoch"] + 1))
    assert all(entry["in_sample"] for entry in done.history)
    assert (done.card["trained_on"], done.card["epochs"]) == (["train", "eval"], found["best_epoch"])
    assert done.card["metrics"]["eval"] is None
    assert "trained on the eval split, too" in done.card["metrics"]["note"]
    assert done.card["metrics"]["search"]["score"] == found["score"]


def _without_training(inputs, folder: Path) -> dict[str, str]:
    """The hyperparameters as another Tuner writes them."""
    values = json.loads((Path(inputs["hyperparameters"]) / "best_hyperparameters.txt").read_text())
    del values["training"]
    folder.mkdir()
    (folder / "best_hyperparameters.txt").write_text(json.dumps(values))
    return {"hyperparameters": str(folder)}


def test_retrain_all_finds_out_how_long_where_nobody_knows(execute, inputs, tmp_path):
    others = _without_training(inputs, tmp_path / "others")
    alone = execute("alone", others, max_epochs=5)
    done = execute("all", others, mode="retrain_all", max_epochs=5)
    first = [entry for entry in done.history if not entry.get("in_sample")]
    second = [entry for entry in done.history if entry.get("in_sample")]
    assert first == alone.history
    assert len(second) == done.card["epochs"] == alone.card["epochs"]
    # The metrics are of the model that did not see the eval split; the model that is exported did.
    assert done.card["metrics"]["eval"] == alone.card["metrics"]["eval"]
    assert "trained on the train split alone" in done.card["metrics"]["note"]
    assert not same(done.model, alone.model)


def test_all_rows_are_really_trained_on(people, inputs, tmp_path):
    from tfx_automl.components.trainer.course import Course, train
    from tfx_automl.components.trainer.options import TrainOptions
    from tfx_automl.models.data import prepare

    folder = Path(inputs["examples"])
    files = {split: [str(path) for path in (folder / f"Split-{split}").iterdir()] for split in ("train", "eval")}
    data = prepare(files, inputs["transform_graph"], people.task, tmp_path / "data")
    course = Course(data, TrainOptions(mode="retrain_all"), tmp_path / "saved")
    values = json.loads((Path(inputs["hyperparameters"]) / "best_hyperparameters.txt").read_text())["values"]
    everything = course.workplace_of_all.data
    assert everything.rows == len(data.split("train")) + len(data.split("eval"))
    trained = train(course, values, 2, on_all_rows=True)
    assert (trained.epochs, len(trained.history)) == (2, 2)


def test_continue_goes_on_from_the_checkpoint_of_the_search(execute, inputs, people):
    done = execute("on", mode="continue", max_epochs=3, patience=3)
    before = done.history[0]
    trials = json.loads((people.Tuner.uris["tuner_results"] / "trials.json").read_text())
    best = next(trial for trial in trials["trials"] if trial["trial_id"] == trials["best_trial_id"])
    assert before["epoch"] == best["epochs"] and before["best"]
    assert before["val_auc"] == pytest.approx(best["score"], abs=1e-6)
    assert [entry["epoch"] for entry in done.history] == [best["epochs"] + n for n in range(4)]
    assert done.card["mode"] == "continue"


def test_continue_keeps_the_model_as_it_came_where_nothing_is_better(execute):
    # Training brings the AUC up, so that an objective that wants it low is never reached again.
    done = execute("on", mode="continue", max_epochs=2, objective="val_auc:min")
    reused = execute("reuse", mode="reuse")
    assert [entry["best"] for entry in done.history] == [True, False, False]
    assert done.card["epochs"] == done.history[0]["epoch"]
    assert same(done.model, reused.model)


def test_reuse_needs_a_model_of_our_tuner(execute, inputs):
    with pytest.raises(ModelError, match=r"is no best_model of our Tuner: it lacks hyperparameters.json"):
        execute("reuse", {"base_model": inputs["examples"]}, mode="reuse")


def test_retrain_keeps_the_best_epoch_and_says_so_in_the_card(execute, people):
    done = execute("retrain", max_epochs=6)
    card = done.card
    best = [entry for entry in done.history if entry["best"]][-1]
    assert (card["epochs"], card["mode"], card["trained_on"]) == (best["epoch"], "retrain", ["train"])
    for name in ("auc", "accuracy", "loss"):
        assert card["metrics"]["eval"][name] == pytest.approx(best[f"val_{name}"], abs=1e-6)
    assert card["metrics"]["note"] is None
    assert card["task"] == {"kind": "binary", "label": "label", "classes": ["no", "yes"]}
    assert {tuple(feature["columns"]) for feature in card["features"]} == {
        ("age",),
        ("city",),
        ("income",),
        ("member",),
    }
    assert card["sizes"]["parameters"] == best["parameters"]
    files = [path for path in (done.model / "Format-Serving").rglob("*") if path.is_file()]
    assert card["sizes"]["saved_model_bytes"] == sum(path.stat().st_size for path in files)
    assert card["threshold"] == {"value": 0.5, "chosen_by": None}
    assert set(card["versions"]) == {"tfx-automl", "tfx", "tensorflow", "keras"}
    assert sum(card["data"]["rows"].values()) == sum(
        people.ExampleGen.json_property("examples", "row_counts")["splits"][split] for split in ("train", "eval")
    )


def test_nothing_is_left_behind(execute, tmp_path):
    execute("retrain", max_epochs=2)
    assert list((tmp_path / "state").rglob("*")) == []
