"""A search whose jobs run on a real Flink, started by `make test-flink`."""

import json
import os
import socket
from pathlib import Path

from flink_for_tests import NEEDS_FLINK, beam_arguments
from processes_for_tests import command_line, descendants, watched_sockets

from tfx_automl.components.tuner.beam_runner import BeamRunner
from tfx_automl.search.ledger import Ledger
from tfx_automl.search.objective import Objectives
from tfx_automl.search.runners.base import TrialRunner
from tfx_automl.search.runners.in_process import InProcessRunner
from tfx_automl.search.runners.processes import ProcessRunner, WorkerSetup
from tfx_automl.search.samplers.random import RandomSampler
from tfx_automl.search.schedulers.brackets import BracketScheduler
from tfx_automl.search.schedulers.hyperband import hyperband
from tfx_automl.search.search import Search
from tfx_automl.search.testing import SPACE, Valley
from tfx_automl.search.trial import SearchResult

ARGUMENTS = beam_arguments()
SLOTS = 2

pytestmark = NEEDS_FLINK


def _search(folder: Path, runner: TrialRunner, scheduler: BracketScheduler) -> SearchResult:
    ledger = Ledger(folder / "ledger.jsonl", key="test")
    try:
        return Search(RandomSampler(SPACE, 0), scheduler, Objectives.of("val_loss"), runner, ledger, folder).run()
    finally:
        ledger.close()


def _points(result: SearchResult) -> list[tuple[object, ...]]:
    return [(trial.values, trial.score, trial.epochs, trial.status) for trial in result.trials]


def _is_ours(pid: int) -> bool:
    return "tfx_automl.search.runners.worker" in command_line(pid)


def test_search_finds_the_same_and_nothing_of_ours_listens(tmp_path):
    expected = _search(tmp_path / "in-process", InProcessRunner(Valley()), hyperband(3, 3))
    setup = WorkerSetup("tfx_automl.search.testing:make_valley", {"seconds": 0.05}, {})

    def ours() -> set[int]:
        return {os.getpid()} | {pid for pid in descendants(1) if _is_ours(pid)}

    with (
        watched_sockets(ours) as (seen, sockets),
        BeamRunner(setup, 2 * SLOTS, tmp_path / "runner", ARGUMENTS) as runner,
    ):
        result = _search(tmp_path / "search", runner, hyperband(3, 3))
    assert _points(result) == _points(expected)
    assert result.best.values == expected.best.values
    first_wave = {worker for trial in result.trials[: 2 * SLOTS] for worker in trial.workers[:1]}
    assert len(first_wave) == SLOTS, "each TaskManager has a Beam worker of its own"
    assert len(seen) > SLOTS  # so there was something to watch
    assert sockets == set()


def test_the_cluster_cannot_be_reached_from_outside():
    """Beam's Java code listens on all interfaces, so there must be none but localhost and the TaskManagers' network."""
    assert {name for _, name in socket.if_nameindex()} == {"lo", "cluster", "pod2", "pod3"}
    routes = Path("/proc/net/route").read_text(encoding="ascii").splitlines()[1:]
    assert [line.split()[0] for line in routes] == ["cluster"]


def test_lost_beam_worker_costs_only_the_jobs_that_ran(tmp_path):
    expected = _search(tmp_path / "in-process", InProcessRunner(Valley()), hyperband(3, 3))
    log = tmp_path / "log"
    arguments = {"trial_id": 4, "seconds": 0.2, "log": str(log)}
    environment = {"PYTHONPATH": str(Path(__file__).parent.parent)}
    setup = WorkerSetup("processes_for_tests:BeamWorkerKiller", arguments, environment)
    with BeamRunner(setup, SLOTS, tmp_path / "runner", ARGUMENTS) as runner:
        result = _search(tmp_path / "search", runner, hyperband(3, 3))
    assert _points(result) == _points(expected)
    assert result.best.values == expected.best.values
    events = [json.loads(line) for line in (tmp_path / "search/ledger.jsonl").read_text().splitlines()]
    lost = [event for event in events if event.get("status") == "lost"]
    assert 4 in {event["trial_id"] for event in lost}
    assert len(lost) <= SLOTS, "what was done, or had not begun, is not lost"
    assert "The Beam worker" in lost[0]["error"]
    trained = log.read_text().split("\n")[:-1]
    assert trained.count("4 1") == 1, "what it had reported is not trained again"
    assert len(trained) <= expected.total_epochs + SLOTS


def test_models_train_on_flink_as_they_do_here(tmp_path):
    """Real training: promoted trials go on from their checkpoint in another process, in another wave."""
    from training_data_for_tests import write_training_data

    from tfx_automl.components.tuner import native, workers
    from tfx_automl.components.tuner.options import SearchOptions

    data = write_training_data(tmp_path, rows=334)  # the size of the penguins
    options = SearchOptions(families=("mlp",), max_epochs=3, workers=2 * SLOTS, memory_limit_mb=4096)
    plan = native.plan_search(data, options)
    setup = workers.worker_setup(data.folder, data.task, options)
    with ProcessRunner(setup, SLOTS) as runner:
        expected = native.run_search(plan, runner, tmp_path / "processes")
    with BeamRunner(setup, 2 * SLOTS, tmp_path / "runner", ARGUMENTS) as runner:
        result = native.run_search(plan, runner, tmp_path / "flink")
    assert {json.dumps(trial.values): (trial.score, trial.epochs) for trial in result.trials} == {
        json.dumps(trial.values): (trial.score, trial.epochs) for trial in expected.trials
    }
    assert result.best.values == expected.best.values
    assert max(len(trial.workers) for trial in result.trials) > 1
