"""Tuner with stock `tuner_fn`s: all four tuners of KerasTuner, worker processes, kills, failures."""

import ast
import itertools
import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
import stock_runs
from stock_runs import MODULE, run_stock_tuner

from tfx_automl.errors import ConfigError, SearchError

pytestmark = pytest.mark.slow

SECONDS_UNTIL_KILLED = 120


def loss_of(values):
    return round((values["x"] - 2) ** 2 + (0.5 if values["kind"] == "b" else 0.0), 6)


def logged(folder: Path, kind: str) -> list[tuple[int, dict]]:
    """What trials have logged: the process, and the hyperparameters."""
    lines = [line.split(" ", 2) for line in (folder / "log").read_text().splitlines()]
    return [(int(process), ast.literal_eval(values)) for what, process, values in lines if what == kind]


@pytest.fixture(scope="module")
def module():
    """The user's module, imported into this process."""
    from tfx.utils import import_utils

    return sys.modules[import_utils.import_func_from_source(str(MODULE), "tuner_fn").__module__]


def test_listening_sockets_are_seen(module):
    before = module.listening_sockets(os.getpid())  # of what other tests ran in this process
    with socket.create_server(("127.0.0.1", 0)):
        assert len(module.listening_sockets(os.getpid()) - before) == 1
    assert module.listening_sockets(os.getpid()) == before


def test_hyperband_continues_promoted_trials_from_their_checkpoints(tmp_path, module):
    before = module.listening_sockets(os.getpid())
    found = run_stock_tuner(tmp_path, {"tuner": "Hyperband", "seconds": 0.4}, workers=2)
    trials = {trial["trial_id"]: trial for trial in found.details["trials"]}
    # The brackets of R = 2, eta = 2 in KerasTuner: two trials for one epoch, the better one for another; two for both.
    assert len(trials) == 5 and {trial["status"] for trial in trials.values()} == {"completed"}
    assert {trial["worker"] for trial in trials.values()} == {0, 1}
    runs = [ast.literal_eval(line) for line in (tmp_path / "log").read_text().splitlines()]
    assert len(runs) == 5
    (promoted,) = [run for run in runs if "tuner/trial_id" in run]
    (origin,) = [run for run in runs if run is not promoted and run["after"] == promoted["before"]]
    assert origin["rate"] == promoted["rate"] == trials[promoted["tuner/trial_id"]]["values"]["rate"]
    for trial in trials.values():
        assert [entry["epoch"] for entry in trial["curve"]] == list(
            range(trial["values"]["tuner/initial_epoch"] + 1, trial["values"]["tuner/epochs"] + 1)
        )
        assert trial["score"] == min(entry["val_loss"] for entry in trial["curve"])
        assert trial["seconds"] >= sum(entry["seconds"] for entry in trial["curve"]) > 0
    assert found.details["total_epochs"] == sum(trial["epochs"] for trial in trials.values()) == 7
    assert found.details["best_trial_id"] == found.records[0]["trial_id"]
    assert found.best["values"] == trials[found.details["best_trial_id"]]["values"]
    assert {socket for run in runs for socket in run["sockets"]} <= before, "somebody listens on a socket"
    assert found.left_behind == []


def test_random_search_finds_what_the_serial_tuner_finds_though_trials_fail_and_a_worker_dies(tmp_path, module):
    serial = {"tuner": "RandomSearch", "log": str(tmp_path / "serial"), "seconds": 0}
    result = module.tuner_fn(SimpleNamespace(working_dir=str(tmp_path / "plain"), custom_config=serial))
    result.tuner.search(**result.fit_kwargs)
    expected = {name: trial.hyperparameters.values for name, trial in result.tuner.oracle.trials.items()}
    best = min(expected.values(), key=loss_of)
    # When the second worker dies, one of the new ones has to run what is left.
    *deadly, bad = [list(expected.values())[number] for number in (0, 1, 5)]
    assert best not in (*deadly, bad)
    faults = {f"{values['x']}{values['kind']}": "die" for values in deadly} | {f"{bad['x']}{bad['kind']}": "raise"}

    found = run_stock_tuner(tmp_path, {"tuner": "RandomSearch", "faults": faults}, workers=2)

    trials = {trial["trial_id"]: trial for trial in found.details["trials"]}
    assert {name: trial["values"] for name, trial in trials.items()} == expected
    failed = {str(trial["values"]): trial["error"] for trial in trials.values() if trial["status"] == "failed"}
    assert set(failed) == {str(values) for values in (*deadly, bad)}
    assert "Traceback" in failed[str(bad)] and f"ArithmeticError: x={bad['x']} does not work" in failed[str(bad)]
    for values in deadly:
        assert failed[str(values)] == "The worker process was killed by signal 9 (out of memory?)."
    assert [record["score"] for record in found.records] == sorted(
        loss_of(values) for values in expected.values() if values not in (*deadly, bad)
    )
    assert {name: found.best["values"][name] for name in ("x", "kind")} == best
    processes = {process for process, _ in logged(tmp_path, "start")}
    assert len(processes) >= 3 and os.getpid() not in processes


def test_killed_grid_search_goes_on_though_the_module_says_overwrite(tmp_path):
    config = {"tuner": "GridSearch", "overwrite": True, "seconds": 0.5}
    script = Path(stock_runs.__file__)
    process = subprocess.Popen([sys.executable, str(script), str(tmp_path), json.dumps(config)], start_new_session=True)
    since = time.monotonic()
    while not (tmp_path / "log").exists() or len(logged(tmp_path, "end")) < 4:
        assert process.poll() is None and time.monotonic() < since + SECONDS_UNTIL_KILLED
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    before = logged(tmp_path, "start")
    assert 4 <= len(before) < 12

    found = run_stock_tuner(tmp_path, config, workers=1)

    everything = [{"x": x, "kind": kind} for x, kind in itertools.product(range(6), "ab")]
    trials = found.details["trials"]
    assert sorted((trial["values"]["x"], trial["values"]["kind"]) for trial in trials) == sorted(
        (values["x"], values["kind"]) for values in everything
    )
    assert all(trial["score"] == loss_of(trial["values"]) for trial in trials)
    # Only what was running, or had just ended, when the group was killed, is run again: one trial per worker.
    assert 0 <= len(logged(tmp_path, "start")) - 12 <= 2
    assert found.left_behind == []


def test_bayesian_optimization_of_a_module_path_under_the_local_runner(tmp_path, monkeypatch):
    from tfx import v1 as tfx

    from tfx_automl.components import Tuner
    from tfx_automl.pipelines.metadata import read_outputs

    for split in ("train", "eval"):
        (tmp_path / "examples" / f"Split-{split}").mkdir(parents=True)
    monkeypatch.syspath_prepend(str(MODULE.parent))
    properties = {"split_names": '["train", "eval"]'}
    importer = tfx.dsl.Importer(
        str(tmp_path / "examples"), tfx.types.standard_artifacts.Examples, properties=properties
    ).with_id("Examples")
    tuner = Tuner(
        importer.outputs["result"],
        tuner_fn="stock_module.tuner_fn",
        tune_args=tfx.proto.TuneArgs(num_parallel_trials=2),
        # Trials that take a while: else the worker that is there first may run all of them.
        custom_config={"tuner": "BayesianOptimization", "log": str(tmp_path / "log"), "seconds": 1.0},
    )
    metadata = tmp_path / "metadata.sqlite"
    tfx.orchestration.LocalDagRunner().run(
        tfx.dsl.Pipeline(
            pipeline_name="stock",
            pipeline_root=str(tmp_path / "artifacts"),
            components=[importer, tuner],
            metadata_connection_config=tfx.orchestration.metadata.sqlite_metadata_connection_config(str(metadata)),
        )
    )
    uris = read_outputs(metadata, "stock")["Tuner"].uris
    details = json.loads((uris["tuner_results"] / "trials.json").read_text())
    assert (details["tuner"], details["workers"], len(details["trials"])) == ("BayesianOptimization", 2, 6)
    assert all(trial["score"] == loss_of(trial["values"]) for trial in details["trials"])
    assert {trial["worker"] for trial in details["trials"]} == {0, 1}
    best = json.loads((uris["best_hyperparameters"] / "best_hyperparameters.txt").read_text())
    assert loss_of(best["values"]) == min(trial["score"] for trial in details["trials"])


@pytest.mark.parametrize(("error", "left"), [("NothingWorks", 0), ("SearchError", 1)])
def test_only_a_search_that_is_over_leaves_nothing_behind(tmp_path, monkeypatch, error, left):
    from tfx_automl.components.tuner.stock import host, search

    def failing(code, folder):
        raise getattr(host, error)("no")

    monkeypatch.setattr(search, "_search", failing)
    with pytest.raises(SearchError, match="no"):
        run_stock_tuner(tmp_path, {"tuner": "RandomSearch"}, workers=1)
    assert len(list((tmp_path / "state" / "searches").iterdir())) == left


@pytest.mark.parametrize("overwrite", [True, False])
def test_tuner_that_joins_a_search_neither_wipes_nor_reads_what_is_there(tmp_path, overwrite):
    from tfx.types import standard_artifacts

    from tfx_automl.components.tuner.stock.user_code import UserCode

    examples = standard_artifacts.Examples()
    examples.uri, examples.split_names = str(tmp_path), '["train", "eval"]'
    config = {"tuner": "RandomSearch", "overwrite": overwrite, "log": ""}
    properties = {"module_file": str(MODULE), "train_args": "{}", "eval_args": "{}"}
    code = UserCode({"examples": [examples]}, {**properties, "custom_config": json.dumps(config)})
    project = tmp_path / "tuner" / "project"
    (project / "trial_0").mkdir(parents=True)
    for name in ("tuner0.json", "oracle.json", "trial_0/checkpoint.weights.h5"):
        (project / name).write_text("half wri", encoding="utf-8")
    made = code.call(tmp_path / "tuner", joining=True).tuner
    assert {hp.name for hp in made.oracle.get_space().space} == {"x", "kind"}
    assert (project / "trial_0" / "checkpoint.weights.h5").read_text() == "half wri"
    if overwrite:  # a search of its own does as the module says
        code.call(tmp_path / "tuner", joining=False)
        assert not (project / "trial_0").exists()


def test_server_of_keras_tuner_is_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("KERASTUNER_ORACLE_IP", "127.0.0.1")
    with pytest.raises(ConfigError, match="KERASTUNER_ORACLE_IP is set"):
        run_stock_tuner(tmp_path, {"tuner": "RandomSearch"}, workers=1)


def test_changed_module_is_another_search_and_another_number_of_workers_is_not(tmp_path):
    from tfx.types import standard_artifacts

    from tfx_automl.components.tuner.stock.user_code import UserCode

    examples = standard_artifacts.Examples()
    examples.uri = "examples/1"
    path = tmp_path / "module.py"

    def key(source="a = 1", uri="examples/1", **properties):
        path.write_text(source, encoding="utf-8")
        examples.uri = uri
        return UserCode({"examples": [examples]}, {"module_file": str(path), **properties}).key()

    same = {key(), key(tune_args='{"num_parallel_trials": 7}')}
    others = {key("a = 2"), key(uri="examples/2"), key(custom_config='{"a": 1}'), key(train_args='{"num_steps": 1}')}
    assert len(same) == 1 and len(others) == 4 and not same & others
