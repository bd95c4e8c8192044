"""An ensemble of trials, from the search to the exported model; and cross-validation on the way."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from tfx_automl.models.ensembles.ensemble import Ensemble


def _train(people: SimpleNamespace, folder: Path, mode: str, best: Path, model: Path) -> Path:
    """Runs the executor of the Trainer; returns the folder of its outputs."""
    from tfx.dsl.components.base import base_executor
    from tfx.types import standard_artifacts

    from tfx_automl.components.trainer.executor import Executor
    from tfx_automl.components.trainer.options import TrainOptions

    def artifact(kind, path, splits=None):
        made = kind()
        made.uri = str(path)
        if splits:
            made.split_names = json.dumps(splits)
        return [made]

    inputs = {
        "examples": artifact(
            standard_artifacts.Examples, people.Transform.uris["transformed_examples"], ["train", "eval", "test"]
        ),
        "transform_graph": artifact(standard_artifacts.TransformGraph, people.Transform.uris["transform_graph"]),
        "hyperparameters": artifact(standard_artifacts.HyperParameters, best),
        "base_model": artifact(standard_artifacts.Model, model),
    }
    outputs = {
        "model": artifact(standard_artifacts.Model, folder / mode / "model"),
        "model_run": artifact(standard_artifacts.ModelRun, folder / mode / "run"),
    }
    context = base_executor.BaseExecutor.Context(tmp_dir=str(folder / "tmp"), unique_id=mode)
    options = TrainOptions(mode=mode, max_epochs=4).to_properties()
    Executor(context).Do(inputs, outputs, {"task": people.task.to_json(), **options})
    return folder / mode


def _served(model: Path, people: SimpleNamespace) -> np.ndarray:
    import tensorflow as tf

    files = sorted(map(str, (people.ExampleGen.uris["examples"] / "Split-test").glob("*")))
    records = list(tf.data.TFRecordDataset(files, "GZIP").as_numpy_iterator())
    loaded = tf.saved_model.load(str(model / "model/Format-Serving"))
    return loaded.signatures["serving_default"](examples=tf.constant(records))["probabilities"].numpy()[:, 0]


@pytest.fixture(scope="module")
def searched(people: SimpleNamespace, tmp_path_factory) -> Any:
    """A search with two folds and an ensemble of up to three models of two families."""
    from tuner_for_tests import run_tuner

    from tfx_automl.components.tuner.options import SearchOptions

    folder = tmp_path_factory.mktemp("ensemble")
    options = SearchOptions(
        algorithm="random", families=("linear", "boosted_trees"), max_trials=6, max_epochs=3, folds=2, ensemble=3
    )
    uris = {"examples": "transformed_examples", "transform_graph": "transform_graph"}
    artifacts = {name: str(people.Transform.uris[output]) for name, output in uris.items()}
    properties = {"task": people.task.to_json(), "search": options.to_json()}
    details = run_tuner(str(folder), "search", **artifacts, properties=properties)
    return SimpleNamespace(details=details, folder=folder, best=folder / "search/best", model=folder / "search/model")


@pytest.mark.slow
def test_search_writes_the_ensemble(searched: SimpleNamespace) -> None:
    config = json.loads((searched.best / "best_hyperparameters.txt").read_text())
    ensemble = Ensemble.from_values(config["ensemble"])
    assert 2 <= len(ensemble.members) <= 3
    best = searched.details["trials"][searched.details["best_trial_id"]]
    assert ensemble.score > ensemble.best_single == pytest.approx(best["score"])
    assert sum(ensemble.weights) == pytest.approx(1)
    for number, member in enumerate(ensemble.members):
        assert searched.details["trials"][member.trial_id]["values"] == member.values
        assert (searched.model / f"member-{number}" / "folds.json").is_file()
    assert config["training"]["folds"] == 2


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["reuse", "retrain", "retrain_all"])
def test_trainer_exports_all_members_as_one_model(
    searched: SimpleNamespace, people: SimpleNamespace, mode: str
) -> None:
    found = _train(people, searched.folder, mode, searched.best, searched.model)
    card = json.loads((found / "model/model_card.json").read_text())
    members = card["ensemble"]["members"]
    assert members == searched.details["ensemble"]["members"]
    prediction = _served(found, people)
    assert 0 <= prediction.min() < prediction.max() <= 1
    if mode != "retrain_all":
        assert card["metrics"]["eval"]["auc"] > 0.75
    if mode == "reuse":
        # Out of sample, as the search saw it.
        assert card["metrics"]["eval"]["auc"] == pytest.approx(card["ensemble"]["score"], abs=1e-6)
