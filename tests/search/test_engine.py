"""What a search survives, what it keeps to, and what it leaves on the disk."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tfx_automl import console
from tfx_automl.errors import ConfigError, SearchError
from tfx_automl.search.budget import Budget
from tfx_automl.search.ledger import Ledger
from tfx_automl.search.objective import Objectives
from tfx_automl.search.resource import Resource
from tfx_automl.search.runners.in_process import InProcessRunner
from tfx_automl.search.runners.processes import ProcessRunner, WorkerSetup
from tfx_automl.search.samplers.random import RandomSampler
from tfx_automl.search.schedulers.asha import AshaScheduler
from tfx_automl.search.schedulers.full import FullBudgetScheduler
from tfx_automl.search.schedulers.hyperband import hyperband
from tfx_automl.search.search import Search
from tfx_automl.search.stoppers import MedianStopper, PlateauStopper
from tfx_automl.search.testing import SPACE, Valley

LOSS = Objectives.of("val_loss")


def _search(folder: Path, runner, scheduler, objectives=LOSS, **more):
    ledger = Ledger(folder / "ledger.jsonl", key="test")
    try:
        return Search(RandomSampler(SPACE, 0), scheduler, objectives, runner, ledger, folder, **more).run()
    finally:
        ledger.close()


def _here(**arguments) -> InProcessRunner:
    return InProcessRunner(Valley(**arguments))


def _processes(workers: int, memory_limit: int | None = None, **arguments) -> ProcessRunner:
    return ProcessRunner(WorkerSetup("tfx_automl.search.testing:make_valley", arguments, {}, memory_limit), workers)


def _facts(result) -> list[tuple[object, ...]]:
    return [(t.values, t.status, t.score, t.epochs, dict(t.outcomes)) for t in result.trials]


def _checkpoints(folder: Path) -> set[int]:
    return {int(path.name.removeprefix("trial-")) for path in folder.glob("trial-*")}


def _trained(log: Path) -> list[tuple[int, int]]:
    return [tuple(map(int, line.split())) for line in log.read_text().splitlines()]


def _start(folder: Path, workers: int) -> subprocess.Popen:
    """A search in a process group of its own."""
    code = (
        "import sys; from pathlib import Path\n"
        "from tfx_automl.search.ledger import Ledger\n"
        "from tfx_automl.search.objective import Objectives\n"
        "from tfx_automl.search.runners.processes import ProcessRunner, WorkerSetup\n"
        "from tfx_automl.search.samplers.random import RandomSampler\n"
        "from tfx_automl.search.schedulers.hyperband import hyperband\n"
        "from tfx_automl.search.search import Search\n"
        "from tfx_automl.search.testing import SPACE\n"
        "folder, workers = Path(sys.argv[1]), int(sys.argv[2])\n"
        "arguments = {'seconds': 0.02, 'log': str(folder / 'log')}\n"
        "setup = WorkerSetup('tfx_automl.search.testing:make_valley', arguments, {})\n"
        "with ProcessRunner(setup, workers) as runner:\n"
        "    ledger = Ledger(folder / 'ledger.jsonl', 'test')\n"
        "    objectives = Objectives.of('val_loss')\n"
        "    Search(RandomSampler(SPACE, 0), hyperband(9, 3), objectives, runner, ledger, folder).run()\n"
    )
    command = [sys.executable, "-c", code, str(folder), str(workers)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True)


def _kill_after(process: subprocess.Popen, log: Path, epochs: int) -> None:
    """Kills the whole process group as soon as so many epochs have been trained in all."""
    while not log.exists() or len(log.read_text().splitlines()) < epochs:
        assert process.poll() is None, "the search ended before it could be killed"
        time.sleep(0.005)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 2])
def test_killed_again_and_again_it_comes_to_the_same_end(tmp_path, workers):
    """kill -9 of the whole process group at many moments; in the end no epoch was trained twice but running ones."""
    expected = _search(tmp_path / "straight", _here(), hyperband(9, 3))
    folder = tmp_path / "killed"
    folder.mkdir()
    kills = (3, 9, 20, 33, 47)
    for epochs in kills:
        _kill_after(_start(folder, workers), folder / "log", epochs)
    last = _start(folder, workers)
    last.communicate(timeout=60)
    assert last.returncode == 0
    result = _search(folder, _here(), hyperband(9, 3))  # there is nothing left to do
    by_values = {json.dumps(t.values): (t.epochs, t.score) for t in result.trials}
    assert by_values == {json.dumps(t.values): (t.epochs, t.score) for t in expected.trials}
    if workers == 1:
        assert _facts(result) == _facts(expected)
    trained = _trained(folder / "log")
    # An epoch that ran when the search was killed may have been noted in the log before it was saved.
    assert len(trained) - len(set(trained)) <= len(kills) * workers
    assert len(set(trained)) == expected.total_epochs


def test_lost_worker_costs_its_running_epoch_only(tmp_path):
    log = tmp_path / "log"
    with _processes(2, kill_once=(1,), log=str(log)) as runner:
        result = _search(tmp_path, runner, FullBudgetScheduler(4, 3))
    assert [trial.status for trial in result.trials] == ["completed"] * 3
    assert len(result.trials[1].workers) == 2
    assert sorted(_trained(log)) == [(trial, epoch) for trial in range(3) for epoch in range(1, 5)]


def test_worker_lost_twice_at_the_same_epoch_fails_the_trial(tmp_path):
    with _processes(1, kill_ids=(0,)) as runner:
        result = _search(tmp_path, runner, FullBudgetScheduler(2, 2))
    assert [trial.status for trial in result.trials] == ["failed", "completed", "completed"]
    assert result.trials[0].error == "The worker process ended with exit status 7."
    assert result.trials[0].workers == ("0", "0")


def test_worker_above_its_memory_limit_is_replaced(tmp_path):
    with _processes(1, memory_limit=300 * 2**20, megabytes={"0": 400}) as runner:
        result = _search(tmp_path, runner, FullBudgetScheduler(2, 2))
    assert [trial.status for trial in result.trials] == ["failed", "completed", "completed"]
    assert "more than its limit of 300 MiB" in result.trials[0].error


def test_budget_of_epochs_is_used_up_and_never_exceeded(tmp_path):
    for limit in (1, 7, 20):
        result = _search(tmp_path / str(limit), _here(), hyperband(9, 3), budget=Budget(epochs=limit))
        assert result.total_epochs == limit
        assert result.stop_reason == "epoch budget used up"
    with _processes(3) as runner:
        result = _search(tmp_path / "parallel", runner, FullBudgetScheduler(9, 9), budget=Budget(epochs=20))
    assert result.total_epochs == 20


def test_budget_of_trials_does_not_count_failed_ones(tmp_path):
    runner = _here(fail_ids=(1,))
    result = _search(tmp_path, runner, AshaScheduler(9, 3), budget=Budget(trials=6))
    assert [trial.failed for trial in result.trials].count(False) == 6
    assert result.stop_reason == "trial budget used up"
    assert result.best.epochs == 9


@pytest.mark.parametrize("raised", [Budget(epochs=40), Budget(trials=17), Budget()])
def test_larger_budget_goes_on_where_the_smaller_one_ended(tmp_path, raised):
    expected = _search(tmp_path / "straight", _here(), hyperband(9, 3), budget=raised)
    for epochs in (3, 11, 26):
        _search(tmp_path / "raised", _here(), hyperband(9, 3), budget=Budget(epochs=epochs))
    assert _facts(_search(tmp_path / "raised", _here(), hyperband(9, 3), budget=raised)) == _facts(expected)


def test_time_that_earlier_runs_took_counts(tmp_path):
    scheduler = FullBudgetScheduler(3, 100)
    first = _search(tmp_path, _here(seconds=0.05), scheduler, budget=Budget(seconds=0.5))
    started = time.monotonic()
    again = _search(tmp_path, _here(seconds=0.05), scheduler, budget=Budget(seconds=0.5))
    assert time.monotonic() - started < 0.3
    assert _facts(again) == _facts(first)
    more = _search(tmp_path, _here(seconds=0.05), scheduler, budget=Budget(seconds=1.0))
    assert len(more.trials) > len(first.trials)
    assert 1.0 <= more.seconds < 1.5


def test_target_ends_the_search(tmp_path):
    result = _search(tmp_path, _here(), hyperband(9, 3), target=1.5)
    assert result.stop_reason == "target reached"
    assert result.best.score <= 1.5
    assert result.total_epochs < 69
    better = _search(tmp_path, _here(), hyperband(9, 3), target=0.2)
    assert len(better.trials) >= len(result.trials)
    assert better.total_epochs > result.total_epochs


def test_checkpoints_of_losers_are_deleted(tmp_path):
    result = _search(tmp_path, _here(), hyperband(9, 3))
    order = sorted(result.trials, key=lambda trial: trial.score)
    assert _checkpoints(tmp_path) == {trial.trial_id for trial in order[:3]}
    assert order[0] == result.best


def test_checkpoints_that_may_be_needed_stay(tmp_path):
    """Nine trials at the first rung, and none has gone up yet."""
    _search(tmp_path, _here(), hyperband(9, 3), budget=Budget(epochs=9))
    assert _checkpoints(tmp_path) == set(range(9))


def test_disk_budget_deletes_the_worst_and_the_search_goes_on(tmp_path, monkeypatch):
    lines = []
    monkeypatch.setattr(console, "line", lines.append)
    expected = _search(tmp_path / "straight", _here(), hyperband(9, 3))
    result = _search(tmp_path / "tight", _here(), hyperband(9, 3), budget=Budget(disk_bytes=300))
    assert _facts(result) == _facts(expected)
    assert any("disk budget: the checkpoint of trial" in line for line in lines)
    total = sum(path.stat().st_size for path in (tmp_path / "tight").rglob("state.json"))
    assert 0 < total <= 300


def test_disk_budget_that_is_too_small_ends_the_search(tmp_path):
    result = _search(tmp_path, _here(), FullBudgetScheduler(3, 5), budget=Budget(disk_bytes=1))
    assert result.stop_reason == "disk budget used up"
    assert len(result.trials) == 1


def test_plateau_ends_a_trial_and_the_others_go_on(tmp_path):
    class Flat(Valley):
        def loss(self, values, epoch, rows):
            return super().loss(values, min(epoch, 3), rows)

    result = _search(tmp_path, InProcessRunner(Flat()), FullBudgetScheduler(20, 4), stopper=PlateauStopper(2))
    assert {(trial.status, trial.epochs) for trial in result.trials} == {("ended", 5)}
    assert result.stop_reason == "schedule complete"


def test_trial_that_was_ended_takes_its_place_higher_up_as_it_is(tmp_path):
    class Flat(Valley):
        def loss(self, values, epoch, rows):
            return super().loss(values, 1, rows)

    result = _search(tmp_path, InProcessRunner(Flat()), hyperband(9, 3, max_trials=9), stopper=PlateauStopper(1))
    best = result.best
    assert best.status == "ended" and best.epochs == 2
    assert set(best.outcomes) == {1, 3, 9}


def test_median_ends_the_worse_half(tmp_path):
    result = _search(tmp_path, _here(), FullBudgetScheduler(10, 12), stopper=MedianStopper(grace=2, min_trials=3))
    ended = [trial for trial in result.trials if trial.status == "ended"]
    assert 2 <= len(ended) <= 9 and all(trial.epochs >= 3 for trial in ended)
    assert result.best.status == "completed"


def test_rows_as_the_resource(tmp_path):
    resource = Resource("rows", 9, epochs=2)
    result = _search(tmp_path, _here(), hyperband(9, 3, unit=resource.unit), resource=resource)
    (trial,) = (trial for trial in result.trials if trial.bracket == 0 and 9 in trial.outcomes)
    assert trial.stages == ((2, 1 / 9), (4, 1 / 3), (6, 1.0))
    losses = [record.metrics["val_loss"] - (trial.values["x"] - 1) ** 2 for record in trial.curve]
    assert losses == pytest.approx([1 + 8 / 9, 1 / 2 + 8 / 9, 1 / 3 + 2 / 3, 1 / 4 + 2 / 3, 1 / 5, 1 / 6])


def test_asha_promotes_without_waiting(tmp_path):
    """η = 3: after the third trial the best of three goes up, and so on; some are overtaken later by better ones."""
    result = _search(tmp_path, _here(), AshaScheduler(9, 3, max_trials=10))
    jobs = [e for e in _events(tmp_path) if e["event"] in ("job", "proposal")]
    assert [(e["event"], e["level"]) for e in jobs[:5]] == [
        ("proposal", 1), ("proposal", 1), ("proposal", 1), ("job", 3), ("proposal", 1),
    ]  # fmt: skip
    first = min(range(3), key=lambda n: result.trials[n].outcomes[1].scores)
    assert jobs[3]["trial_id"] == first
    assert 3 <= sum(3 in trial.outcomes for trial in result.trials) < 10
    assert result.best.epochs == 9


def test_asha_trains_the_best_to_the_end_however_few_there_are(tmp_path):
    result = _search(tmp_path, _here(), AshaScheduler(9, 3, max_trials=2))
    assert sorted(trial.epochs for trial in result.trials) == [1, 9]


def _events(folder: Path) -> list[dict]:
    return [json.loads(line) for line in (folder / "ledger.jsonl").read_text().splitlines()]


def test_ledger_has_one_record_per_event(tmp_path):
    _search(tmp_path, _here(fail_ids=(0,)), FullBudgetScheduler(2, 1))
    kinds = [event["event"] for event in _events(tmp_path)]
    assert kinds == ["header", "proposal", "result", "proposal", "epoch", "epoch", "result", "end"]
    assert all(event["t"] >= 0 for event in _events(tmp_path)[1:])


def test_feasible_trials_come_first(tmp_path):
    objectives = Objectives.of("val_loss", constraints=["parameters<=200"])
    result = _search(tmp_path, _here(), FullBudgetScheduler(1, 20), objectives)
    feasible = [trial for trial in result.trials if trial.values["units"] <= 200]
    assert 0 < len(feasible) < 20
    assert result.best == min(feasible, key=lambda trial: trial.score)
    infeasible = Objectives.of("val_loss", constraints=["parameters<=1"])
    result = _search(tmp_path / "none", _here(), FullBudgetScheduler(1, 5), infeasible)
    assert result.best.values["units"] == min(trial.values["units"] for trial in result.trials)


def test_budget_refuses_what_is_no_limit():
    with pytest.raises(ConfigError, match="budget: epochs must be above 0, got 0"):
        Budget(epochs=0)


def test_budget_that_ends_before_the_first_epoch_is_said(tmp_path):
    with pytest.raises(SearchError, match="the budget was over before its first epoch ended"):
        _search(tmp_path, _here(), FullBudgetScheduler(2, 2), budget=Budget(seconds=1e-9))
