"""Tuner with a model family: construction, outputs, interruption."""

import json
from types import SimpleNamespace

import pytest
from training_data_for_tests import write_training_data
from tuner_for_tests import mlp_search

from tfx_automl.components.tuner.options import SearchOptions
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

    tuner = Tuner(**channels, task=TASK, search=mlp_search(max_epochs=5))
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

    if parallel := arguments.pop("parallel", None):
        arguments["tune_args"] = tuner_pb2.TuneArgs(num_parallel_trials=parallel)
    if arguments.pop("search", None):
        arguments["search"] = SearchOptions()
    with pytest.raises(ConfigError, match=message):
        Tuner(**channels, **arguments)


def test_options_report_every_mistake():

    with pytest.raises(ConfigError) as caught:
        SearchOptions(
            algorithm="magic",
            sampler="guess",
            stopper="never",
            max_epochs=0,
            factor=1,
            max_trials=0,
            time_budget_s=0,
            constraints=("latency_ms=2",),
            seed=-1,
            workers=0,
            runner="slurm",
        )
    assert len(caught.value.problems) == 11


@pytest.mark.slow
def test_outputs_hold_every_trial(people: SimpleNamespace):
    uris = people.Tuner.uris
    best = json.loads((uris["best_hyperparameters"] / "best_hyperparameters.txt").read_text())
    assert best["values"]["family"] in ("mlp", "boosted_trees")
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
    assert {name: hyperparameters.get(name) for name in config["values"]} == config["values"]


@pytest.mark.slow
def test_do_with_tune_args_uses_as_many_workers(execute):

    options = mlp_search(algorithm="random", max_trials=3, max_epochs=1)
    found = execute("parallel", search=options.to_json(), tune_args='{"num_parallel_trials": 3}')
    assert {worker for trial in found["trials"] for worker in trial["workers"]} == {"0", "1", "2"}


@pytest.mark.slow
def test_time_budget_ends_the_search(execute):

    options = mlp_search(algorithm="random", max_trials=500, max_epochs=2, time_budget_s=8.0, workers=1)
    found = execute("budget", search=options.to_json())
    assert found["stop_reason"] == "time budget used up"
    assert 1 <= len(found["trials"]) < 500


@pytest.mark.slow
def test_missing_split_is_named(execute):

    with pytest.raises(ModelError, match=r"The examples have no split eval; they have train"):
        execute("splits", search=mlp_search().to_json(), splits=["train"])


@pytest.mark.slow
def test_arrays_of_another_task_are_not_taken(execute, people, monkeypatch):
    from tfx_automl.components.tuner import native

    seen = []

    def interrupted(data, options, **more):
        seen.append(data)
        raise KeyboardInterrupt

    monkeypatch.setattr(native, "plan_search", interrupted)
    tasks = [people.task, TaskSpec("regression", "label"), people.task]
    for number, task in enumerate(tasks):
        with pytest.raises(KeyboardInterrupt):
            execute(f"run-{number}", task=task.to_json(), search=mlp_search().to_json())
    assert [data.task for data in seen] == tasks
    assert seen[0] == seen[2] and seen[0].folder != seen[1].folder


@pytest.mark.slow
def test_searches_differ_by_data_task_and_options_but_not_by_limits(people, tmp_path):
    from tfx_automl.components.tuner.native import plan_search
    from tfx_automl.models.data import prepare

    examples = people.Transform.uris["transformed_examples"]
    files = {name: [str(path) for path in (examples / f"Split-{name}").iterdir()] for name in ("train", "eval")}
    graph = str(people.Transform.uris["transform_graph"])

    def key(files=files, task=people.task, folder="arrays", **options) -> str:
        return plan_search(prepare(files, graph, task, tmp_path / folder), mlp_search(**options)).key

    assert key() == key(folder="elsewhere")
    assert key() == key(max_trials=5, time_budget_s=9, iterations=2, workers=1, target=0.99)
    others = [
        key(task=TaskSpec("binary", "label", ("never", "always"))),
        key(files={"train": files["train"], "eval": files["train"]}, folder="other"),
        key(seed=1),
        key(max_epochs=5),
        key(objective="val_loss"),
        key(constraints=("parameters<=1000",)),
    ]
    assert len({key(), *others}) == 7


@pytest.mark.slow
def test_larger_budget_goes_on_with_the_finished_search(execute):

    def options(trials: int) -> str:
        return mlp_search(algorithm="random", max_trials=trials, max_epochs=2, workers=1).to_json()

    first = execute("first", search=options(2))
    more = execute("more", search=options(4))
    straight = execute("straight", search=options(4), state="another")
    assert more["trials"][:2] == first["trials"]
    assert len(more["trials"]) == 4 and more["stop_reason"] == "schedule complete"
    assert [(t["values"], t["score"]) for t in more["trials"]] == [
        (t["values"], t["score"]) for t in straight["trials"]
    ]


@pytest.mark.slow
def test_constraints_decide_before_the_objective(execute):

    options = mlp_search(algorithm="random", max_trials=6, max_epochs=1, constraints=("parameters<=20000",))
    found = execute("small", search=options.to_json())
    feasible = [trial for trial in found["trials"] if trial["feasible"]]
    assert 0 < len(feasible) < 6
    assert all((trial["metrics"]["parameters"] <= 20000) == trial["feasible"] for trial in found["trials"])
    best = found["trials"][found["best_trial_id"]]
    assert best["score"] == max(trial["score"] for trial in feasible)


@pytest.mark.slow
def test_two_objectives_give_a_front(execute):

    options = mlp_search(algorithm="random", max_trials=6, max_epochs=1, objective="val_auc,parameters")
    found = execute("front", search=options.to_json())
    points = {t["trial_id"]: (t["metrics"]["val_auc"], t["metrics"]["parameters"]) for t in found["trials"]}
    front = [
        number
        for number, (auc, size) in points.items()
        if not any((a >= auc and s <= size and (a, s) != (auc, size)) for a, s in points.values())
    ]
    assert found["pareto_front"] == front
    assert found["best_trial_id"] in front


@pytest.mark.slow
def test_base_model_of_an_earlier_search_is_tried_first(execute, tmp_path):

    def options(seed: int) -> str:
        return mlp_search(algorithm="random", max_trials=2, max_epochs=1, seed=seed).to_json()

    first = execute("first", search=options(0))
    best = first["trials"][first["best_trial_id"]]["values"]
    second = execute("second", search=options(1), base_model=str(tmp_path / "first" / "model"))
    assert second["trials"][0]["values"] == best
    with pytest.raises(ModelError, match=r"is no best_model of this Tuner, it lacks hyperparameters.json"):
        execute("third", search=options(1), base_model=str(tmp_path / "first" / "results"))


@pytest.mark.slow
def test_trials_run_as_steps_of_beam(execute):

    def options(runner: str) -> str:
        return mlp_search(max_epochs=4, factor=2, max_trials=4, workers=2, runner=runner).to_json()

    found = execute("beam", search=options("beam"), state="one")
    expected = execute("processes", search=options("processes"), state="other")
    assert [trial["values"] for trial in found["trials"]] == [trial["values"] for trial in expected["trials"]]
    for one, other in zip(found["trials"], expected["trials"], strict=True):
        assert one["levels"] == pytest.approx(other["levels"], abs=1e-6)
    assert all(worker not in ("0", "1") for trial in found["trials"] for worker in trial["workers"])


def test_family_that_a_worker_cannot_hold_is_left_out_unless_it_is_asked_for(tmp_path, capsys):
    from tfx_automl.components.tuner.native import plan_search

    data = write_training_data(tmp_path, "multiclass", rows=20_000)  # 16 bytes for each row and class: 0.96 MB

    def families(megabytes: int, **options) -> tuple:
        plan = plan_search(data, SearchOptions(memory_limit_mb=megabytes, **options))
        (family,) = (parameter for parameter in plan.space.parameters if parameter.name == "family")
        return family.values

    assert "boosted_trees" in families(4)
    assert "left out" not in capsys.readouterr().out
    assert "boosted_trees" not in families(1) and "mlp" in families(1)
    assert "boosted_trees left out: training needs about 1 MB, too much of a worker's 1 MB" in capsys.readouterr().out
    assert "boosted_trees" in families(1, families=("boosted_trees", "mlp"))


def test_threshold_makes_another_search_only_where_trials_are_judged_by_it(tmp_path):
    from tfx_automl.components.tuner.native import plan_search

    data = write_training_data(tmp_path)

    def key(threshold: float | str, objective: str) -> str:
        return plan_search(data, mlp_search(threshold=threshold, objective=objective)).key

    assert key("f1", "val_auc") == key(0.5, "val_auc")
    assert len({key(threshold, "val_accuracy") for threshold in (0.5, 0.3, "f1")}) == 3


def test_threshold_without_a_meaning_is_refused(channels):
    from tfx_automl.components import Tuner

    with pytest.raises(ConfigError, match="threshold: expected a number between 0 and 1, or one of f1"):
        mlp_search(threshold="best")
    with pytest.raises(ConfigError, match=r"threshold: a regression task has none; got 0\.3"):
        Tuner(**channels, task=TaskSpec("regression", "y"), search=mlp_search(threshold=0.3))
    with pytest.raises(ConfigError, match="threshold is for model families;"):
        Tuner(**channels, task=TASK, hypermodel="my.module:build", search=SearchOptions(threshold=0.3))
