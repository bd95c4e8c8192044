"""Tuner with a model family: construction, outputs, interruption."""

import json
from types import SimpleNamespace

import pytest

from tfx_automl.errors import ConfigError, ModelError
from tfx_automl.models.task import TaskSpec

TASK = TaskSpec("binary", "label", ("no", "yes"))


@pytest.fixture(scope="module")
def channels():
    from tfx.types import channel_utils, standard_artifacts

    examples = channel_utils.as_channel([standard_artifacts.Examples()])
    return {"examples": examples, "transform_graph": channel_utils.as_channel([standard_artifacts.TransformGraph()])}


def test_construction_with_a_task(channels):
    from tfx_automl.components import Tuner
    from tfx_automl.components.tuner.options import SearchOptions

    tuner = Tuner(**channels, task=TASK, search=SearchOptions(max_epochs=5))
    assert {key: channel.type_name for key, channel in tuner.outputs.items()} == {
        "best_hyperparameters": "HyperParameters",
        "tuner_results": "TunerResults",
        "best_model": "Model",
    }
    assert SearchOptions.from_json(tuner.exec_properties["search"]).max_epochs == 5
    assert TaskSpec.from_json(tuner.exec_properties["task"]) == TASK


def test_construction_with_a_tuner_fn(channels):
    from tfx.proto import tuner_pb2

    from tfx_automl.components import Tuner

    tuner = Tuner(**channels, tuner_fn="my.module.tuner_fn", tune_args=tuner_pb2.TuneArgs(num_parallel_trials=2))
    assert set(tuner.outputs) == {"best_hyperparameters", "tuner_results"}
    assert json.loads(tuner.exec_properties["tune_args"]) == {"num_parallel_trials": 2}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "Tuner needs one of task"),
        ({"task": TASK, "tuner_fn": "a.b"}, "Tuner needs one of task"),
        ({"task": TASK, "custom_config": {}}, "are for a tuner_fn"),
        ({"tuner_fn": "a.b", "parallel": -1}, "num_parallel_trials: expected 1 or more, or 0 for the default, got -1"),
        ({"tuner_fn": "a.b", "search": True}, "search is for a model family"),
    ],
)
def test_contradictions_are_refused(channels, arguments, message):
    from tfx.proto import tuner_pb2

    from tfx_automl.components import Tuner
    from tfx_automl.components.tuner.options import SearchOptions

    if parallel := arguments.pop("parallel", None):
        arguments["tune_args"] = tuner_pb2.TuneArgs(num_parallel_trials=parallel)
    if arguments.pop("search", None):
        arguments["search"] = SearchOptions()
    with pytest.raises(ConfigError, match=message):
        Tuner(**channels, **arguments)


def test_options_report_every_mistake():
    from tfx_automl.components.tuner.options import SearchOptions

    with pytest.raises(ConfigError) as caught:
        SearchOptions(algorithm="magic", max_epochs=0, factor=1, max_trials=0, time_budget_s=0, seed=-1, workers=0)
    assert len(caught.value.problems) == 7


@pytest.mark.slow
def test_outputs_hold_every_trial(people: SimpleNamespace):
    uris = people.Tuner.uris
    best = json.loads((uris["best_hyperparameters"] / "best_hyperparameters.txt").read_text())
    assert best["values"]["family"] == "mlp"
    details = json.loads((uris["tuner_results"] / "trials.json").read_text())
    assert details["objective"] == "val_auc" and details["direction"] == "max"
    assert details["stop_reason"] == "schedule complete"
    assert len(details["trials"]) == 4
    assert details["total_epochs"] == sum(len(trial["curve"]) for trial in details["trials"])
    records = json.loads((uris["tuner_results"] / "tuner_results.json").read_text())
    assert [record["score"] for record in records] == sorted((r["score"] for r in records), reverse=True)
    assert records[0]["score"] > 0.8
    winner = details["trials"][details["best_trial_id"]]
    assert winner["values"] == best["values"]
    assert (uris["best_model"] / "checkpoint.npz").is_file()


@pytest.mark.slow
def test_stock_keras_tuner_reads_the_best_hyperparameters(people: SimpleNamespace):
    import keras_tuner

    path = people.Tuner.uris["best_hyperparameters"] / "best_hyperparameters.txt"
    config = json.loads(path.read_text())
    hyperparameters = keras_tuner.HyperParameters.from_config(config)
    assert hyperparameters.get("units") == config["values"]["units"]


@pytest.fixture
def execute(people: SimpleNamespace, tmp_path):
    """A function that calls `Do` on the artifacts of the small pipeline, in a folder that outlives a failure."""
    from tfx.dsl.components.base import base_executor
    from tfx.types import standard_artifacts

    from tfx_automl.components.tuner.executor import Executor

    def artifact(kind, path, splits=None):
        made = kind()
        made.uri = str(path)
        if splits:
            made.split_names = json.dumps(splits)
        return [made]

    def run(name: str, **properties) -> dict:
        (tmp_path / "tmp").mkdir(exist_ok=True)
        context = base_executor.BaseExecutor.Context(
            tmp_dir=str(tmp_path / "tmp"), unique_id="1", stateful_working_dir=str(tmp_path / "state")
        )
        examples = people.Transform.uris["transformed_examples"]
        outputs = {
            "best_hyperparameters": artifact(standard_artifacts.HyperParameters, tmp_path / name / "best"),
            "tuner_results": artifact(standard_artifacts.TunerResults, tmp_path / name / "results"),
            "best_model": artifact(standard_artifacts.Model, tmp_path / name / "model"),
        }
        inputs = {
            "examples": artifact(standard_artifacts.Examples, examples, properties.pop("splits", ["train", "eval"])),
            "transform_graph": artifact(standard_artifacts.TransformGraph, people.Transform.uris["transform_graph"]),
        }
        Executor(context).Do(inputs, outputs, {"task": people.task.to_json(), **properties})
        return json.loads((tmp_path / name / "results" / "trials.json").read_text())

    return run


@pytest.mark.slow
def test_do_with_tune_args_uses_as_many_workers(execute):
    from tfx_automl.components.tuner.options import SearchOptions

    options = SearchOptions(algorithm="random", max_trials=3, max_epochs=1)
    found = execute("parallel", search=options.to_json(), tune_args='{"num_parallel_trials": 3}')
    assert {worker for trial in found["trials"] for worker in trial["workers"]} == {0, 1, 2}


@pytest.mark.slow
def test_time_budget_ends_the_search(execute):
    from tfx_automl.components.tuner.options import SearchOptions

    options = SearchOptions(algorithm="random", max_trials=500, max_epochs=2, time_budget_s=8.0, workers=1)
    found = execute("budget", search=options.to_json())
    assert found["stop_reason"] == "time budget used up"
    assert 1 <= len(found["trials"]) < 500


@pytest.mark.slow
def test_missing_split_is_named(execute):
    from tfx_automl.components.tuner.options import SearchOptions

    with pytest.raises(ModelError, match=r"The examples have no split eval; they have train"):
        execute("splits", search=SearchOptions().to_json(), splits=["train"])


@pytest.mark.slow
def test_interrupted_search_of_another_task_is_not_continued(execute, people, monkeypatch):
    from tfx_automl.components.tuner import native
    from tfx_automl.components.tuner.options import SearchOptions

    seen = []

    def interrupted(data, options, folder, identity):
        seen.append((data, folder))
        raise KeyboardInterrupt

    monkeypatch.setattr(native, "search_family", interrupted)
    tasks = [people.task, TaskSpec("regression", "label"), people.task]
    for number, task in enumerate(tasks):
        with pytest.raises(KeyboardInterrupt):
            execute(f"run-{number}", task=task.to_json(), search=SearchOptions().to_json())
    assert [data.task for data, _ in seen] == tasks
    assert seen[0] == seen[2] and seen[0][1] != seen[1][1]


@pytest.mark.slow
def test_ledger_of_another_task_is_not_continued(people, tmp_path, monkeypatch):
    from tfx_automl.components.tuner import native
    from tfx_automl.components.tuner.options import SearchOptions
    from tfx_automl.models.data import prepare

    keys = []

    def interrupted(path, key):
        keys.append(key)
        raise KeyboardInterrupt

    monkeypatch.setattr(native, "Ledger", interrupted)
    examples = people.Transform.uris["transformed_examples"]
    files = {name: [str(path) for path in (examples / f"Split-{name}").iterdir()] for name in ("train", "eval")}
    for task in (people.task, people.task, TaskSpec("binary", "label", ("never", "always"))):
        data = prepare(files, str(people.Transform.uris["transform_graph"]), task, tmp_path / "arrays")
        assert data.task == task
        with pytest.raises(KeyboardInterrupt):
            native.search_family(data, SearchOptions(), tmp_path, "the same examples")
    assert keys[0] == keys[1] != keys[2]
