"""Tuner with a hypermodel of KerasTuner: construction, outputs, kill -9."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from types import SimpleNamespace

import numpy as np
import pytest
import tuner_for_tests

from tfx_automl.errors import ConfigError, ModelError
from tfx_automl.models.task import TaskSpec

TASK = TaskSpec("binary", "label", ("no", "yes"))
HYPERMODEL = "hypermodels_for_tests:people"


def _options(**values):
    from tfx_automl.components.tuner.options import SearchOptions

    return SearchOptions(**values)


@pytest.fixture(scope="module")
def channels():
    from tfx.types import channel_utils, standard_artifacts

    examples = channel_utils.as_channel([standard_artifacts.Examples()])
    return {"examples": examples, "transform_graph": channel_utils.as_channel([standard_artifacts.TransformGraph()])}


def test_construction(channels):
    from tfx_automl.components import Tuner

    tuner = Tuner(**channels, task=TASK, hypermodel="my.module:MyHyperModel", search=_options(max_epochs=5))
    assert set(tuner.outputs) == {"best_hyperparameters", "tuner_results", "best_model"}
    assert tuner.exec_properties["hypermodel"] == "my.module:MyHyperModel"


def test_documented_snippet_constructs_what_it_says(repository):
    from tfx.types import channel_utils

    from tfx_automl.components.types import TrainingArrays

    text = (repository / "docs" / "hypermodels.md").read_text(encoding="utf-8")
    snippet = re.search(r"```python\n(.+?)```", text, re.DOTALL)
    outputs = {"training_data": channel_utils.as_channel([TrainingArrays()])}
    names = {"transform": SimpleNamespace(outputs=outputs)}
    exec(snippet[1], names)  # that is what a reader does
    assert names["tuner"].exec_properties["hypermodel"] == "my.module:build_model"


def test_all_mistakes_are_told_at_once(channels):
    from tfx_automl.components import Tuner

    with pytest.raises(ConfigError) as caught:
        Tuner(**channels, hypermodel="build it", tuner_fn="a.b", search=_options(families=("mlp",)))
    assert len(caught.value.problems) == 4
    for message in (r"search is for", r"needs a task", r"leave out families=mlp", r"got 'build it'"):
        assert message in str(caught.value)


@pytest.mark.slow
def test_outputs(execute, people, tmp_path):
    import keras
    import keras_tuner

    options = _options(
        max_epochs=2, factor=2, max_trials=4, workers=2, objective="val_auc", constraints=("parameters<=1e4",)
    )
    found = execute("first", hypermodel=HYPERMODEL, search=options.to_json())
    assert (found["objective"], found["direction"], found["stop_reason"]) == ("val_auc", "max", "schedule complete")
    assert {entry["config"]["name"] for entry in found["space"]} == {"units", "act", "learning_rate"}
    best = json.loads((tmp_path / "first/best/best_hyperparameters.txt").read_text())
    read = keras_tuner.HyperParameters.from_config(best)
    assert read.values == found["trials"][found["best_trial_id"]]["values"]
    scores = [record["score"] for record in json.loads((tmp_path / "first/results/tuner_results.json").read_text())]
    assert scores == sorted(scores, reverse=True) and scores[0] > 0.7
    model = keras.saving.load_model(tmp_path / "first/model/model.keras")
    assert model.get_layer(index=3).units == read.get("units")
    with np.load(tmp_path / "first/model/checkpoint.npz") as saved:
        assert len(json.loads(saved["records"].tobytes())) == 2
    _check_that_the_trainer_refuses(tmp_path / "first")


def _check_that_the_trainer_refuses(folder):
    from tfx.types import standard_artifacts

    from tfx_automl.components.trainer.found import read_found

    artifact = standard_artifacts.HyperParameters()
    artifact.uri = str(folder / "best")
    with pytest.raises(ModelError, match=r"no hyperparameter 'family'.* give Trainer its module_file or run_fn"):
        read_found({"hyperparameters": [artifact]}, "retrain")


@pytest.mark.slow
def test_killed_search_goes_on_and_gives_the_same(execute, artifacts, people, tmp_path):
    """kill -9 of the executor and its workers in the middle of the search; then again, and once without a kill."""
    options = _options(max_epochs=2, factor=2, workers=1, seed=3).to_json()
    properties = {"task": people.task.to_json(), "hypermodel": HYPERMODEL, "search": options}
    arguments = {"folder": str(tmp_path), "name": "killed", **artifacts, "properties": properties}
    _kill_after_epochs(3, arguments, tmp_path)
    known = len(_epochs(tmp_path / "state"))
    again = execute("again", hypermodel=HYPERMODEL, search=options)
    straight = execute("straight", hypermodel=HYPERMODEL, search=options, state="another")
    trained = [(event["trial_id"], event["epoch"]) for event in _epochs(tmp_path / "state")]
    assert 3 <= known < len(trained) == len(set(trained)) == straight["total_epochs"]
    assert [trial["values"] for trial in again["trials"]] == [trial["values"] for trial in straight["trials"]]
    for one, other in zip(again["trials"], straight["trials"], strict=True):
        assert one["score"] == pytest.approx(other["score"], abs=1e-6)


def _kill_after_epochs(count, arguments, tmp_path):
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    command = [sys.executable, tuner_for_tests.__file__, json.dumps(arguments)]
    process = subprocess.Popen(command, env=environment, start_new_session=True)
    deadline = time.monotonic() + 120
    while len(_epochs(tmp_path / "state")) < count:
        assert process.poll() is None and time.monotonic() < deadline, "it ended before it could be killed"
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _epochs(folder):
    lines = [
        line for path in folder.rglob("ledger.jsonl") for line in path.read_text(encoding="utf-8").splitlines(True)
    ]
    events = [json.loads(line) for line in lines if line.endswith("\n")]
    return [event for event in events if event.get("event") == "epoch"]


@pytest.mark.slow
def test_another_text_of_the_module_is_another_search(people, artifacts, tmp_path, monkeypatch):
    from tfx_automl.components.tuner.hypermodels import plan_hypermodel
    from tfx_automl.models.data import prepare

    monkeypatch.syspath_prepend(str(tmp_path))
    examples = people.Transform.uris["transformed_examples"]
    files = {name: [str(path) for path in (examples / f"Split-{name}").iterdir()] for name in ("train", "eval")}
    data = prepare(files, artifacts["transform_graph"], people.task, tmp_path / "arrays")
    keys = []
    for name, text in {"mine": "", "mine_again": "", "mine_changed": "# another text\n"}.items():
        source = "from hypermodels_for_tests import people\n" + text
        (tmp_path / f"{name}.py").write_text(source)
        keys.append(plan_hypermodel(f"{name}:people", data, _options()).key.replace(f"{name}:people", ""))
    assert keys[0] == keys[1] != keys[2]
