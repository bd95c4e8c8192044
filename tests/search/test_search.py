"""The whole search on a toy problem: results, failures, interruption, determinism."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tfx_automl import console
from tfx_automl.errors import ConfigError, SearchError
from tfx_automl.search.budget import Budget
from tfx_automl.search.ledger import Ledger
from tfx_automl.search.objective import Objective, Objectives
from tfx_automl.search.parameters import Boolean, Choice, Condition, Float
from tfx_automl.search.runners.base import TrialRunner
from tfx_automl.search.runners.in_process import InProcessRunner
from tfx_automl.search.runners.processes import ProcessRunner, WorkerSetup
from tfx_automl.search.samplers.random import RandomSampler
from tfx_automl.search.schedulers.full import FullBudgetScheduler
from tfx_automl.search.schedulers.hyperband import hyperband
from tfx_automl.search.search import Search
from tfx_automl.search.space import Space
from tfx_automl.search.testing import SPACE, Valley
from tfx_automl.search.trial import SearchResult, TrialView

LOSS = Objectives.of("val_loss")


def _processes(workers: int, memory_limit: int | None = None, **arguments) -> ProcessRunner:
    setup = WorkerSetup("tfx_automl.search.testing:make_valley", arguments, {}, memory_limit)
    return ProcessRunner(setup, workers)


def _history(points: list) -> list[TrialView]:
    return [TrialView(number, 0, point) for number, point in enumerate(points)]


def _search(folder: Path, runner: TrialRunner, *, seed: int = 0, **more) -> SearchResult:
    ledger = Ledger(folder / "ledger.jsonl", key=more.pop("key", "test"))
    scheduler = more.pop("scheduler", None) or hyperband(9, 3)
    space = more.pop("space", SPACE)
    try:
        sampler = more.pop("sampler", None) or RandomSampler(space, seed)
        return Search(sampler, scheduler, more.pop("objectives", LOSS), runner, ledger, folder, seed=seed, **more).run()
    finally:
        ledger.close()


def _points(result: SearchResult) -> list[tuple[object, ...]]:
    return [
        (t.trial_id, t.values, t.score, t.epochs, t.status, {level: o.scores for level, o in t.outcomes.items()})
        for t in result.trials
    ]


def test_search_runs_the_plan_and_finds_the_best(tmp_path):
    result = _search(tmp_path, InProcessRunner(Valley()))
    assert len(result.trials) == 17
    assert result.total_epochs == 69
    assert result.stop_reason == "schedule complete"
    finished = [trial for trial in result.trials if trial.epochs == 9]
    assert result.best.score == min(trial.score for trial in finished)
    assert [record.epoch for record in result.best.curve] == list(range(1, 10))


@pytest.mark.parametrize("workers", [1, 3])
def test_worker_processes_give_the_same_result(tmp_path, workers):
    expected = _search(tmp_path / "in-process", InProcessRunner(Valley()))
    with _processes(workers) as runner:
        result = _search(tmp_path / "processes", runner)
    by_values = {json.dumps(t.values, sort_keys=True): (t.score, t.epochs) for t in result.trials}
    assert by_values == {json.dumps(t.values, sort_keys=True): (t.score, t.epochs) for t in expected.trials}
    assert result.best.values == expected.best.values


def test_seed_0_is_a_seed(tmp_path):
    one, two = (_search(tmp_path / name, InProcessRunner(Valley()), seed=0) for name in ("one", "two"))
    other = _search(tmp_path / "other", InProcessRunner(Valley()), seed=1)
    assert _points(one) == _points(two)
    assert one.trials[0].values != other.trials[0].values


def test_proposals_never_change():
    """A seeded search gives the same proposals for ever; change these only with a note in the changelog."""
    sampler = RandomSampler(SPACE, 0)
    history = []
    for _ in range(3):
        history.append(sampler.propose(_history(history), LOSS))
    assert history == PERMANENT


def test_proposals_are_the_same_in_another_process():
    code = (
        "import json\n"
        "from tfx_automl.search.objective import Objectives\n"
        "from tfx_automl.search.samplers.random import RandomSampler\n"
        "from tfx_automl.search.testing import SPACE\n"
        "from tfx_automl.search.trial import TrialView\n"
        "history = []\n"
        "for n in range(5):\n"
        "    point = RandomSampler(SPACE, 0).propose(history, Objectives.of('val_loss'))\n"
        "    history.append(TrialView(n, 0, point))\n"
        "print(json.dumps([trial.values for trial in history]))"
    )
    runs = [
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True, env={**os.environ, **e}
        )
        for e in ({"PYTHONHASHSEED": "1"}, {"PYTHONHASHSEED": "2"})
    ]
    assert runs[0].stdout == runs[1].stdout
    assert len(json.loads(runs[0].stdout)) == 5


@given(seed=st.integers(0, 10_000), count=st.integers(1, 12))
def test_random_sampler_repeats_nothing_and_stops_when_exhausted(seed, count):
    space = Space((Choice("a", (1, 2, 3)), Boolean("b", conditions=(Condition("a", (1,)),))))  # four points
    sampler, history = RandomSampler(space, seed), []
    for _ in range(count):
        point = sampler.propose(_history(history), LOSS)
        if point is None:
            break
        history.append(point)
    keys = [json.dumps(point, sort_keys=True) for point in history]
    assert len(set(keys)) == len(keys) == min(count, 4)


def _points_on_a_line(count: int) -> Space:
    return Space((Float("x", 0.0, float(count - 1), step=1.0),))


def _reached(result: SearchResult) -> list[int]:
    """How many trials reached 1, 3, 9 and 27 epochs."""
    return [sum(epochs in trial.outcomes for trial in result.trials) for epochs in (1, 3, 9, 27)]


def test_exhausted_space_ends_the_search(tmp_path):
    space = Space((Float("x", 0.0, 1.0, step=0.5),))
    result = _search(tmp_path, InProcessRunner(Valley()), space=space)
    assert len(result.trials) == 3
    assert result.stop_reason == "space exhausted"


def test_exhausted_space_still_trains_the_best_to_the_end(tmp_path):
    """Ten points for a bracket of 27: nine, three and one of them go up, as planned."""
    result = _search(tmp_path, InProcessRunner(Valley()), space=_points_on_a_line(10), scheduler=hyperband(27, 3))
    assert result.stop_reason == "space exhausted"
    assert _reached(result) == [10, 9, 3, 1]
    assert result.best.epochs == 27
    assert result.best.values == {"x": 1.0}


def test_exhausted_space_promotes_in_every_bracket(tmp_path):
    """Thirty points: 27 fill the first bracket, three begin the second, where they go up to its last rung."""
    result = _search(tmp_path, InProcessRunner(Valley()), space=_points_on_a_line(30), scheduler=hyperband(27, 3))
    second = [trial for trial in result.trials if trial.bracket == 1]
    assert len(second) == 3
    assert [sum(epochs in trial.outcomes for trial in second) for epochs in (3, 9, 27)] == [3, 3, 1]
    assert _reached(result) == [27, 9 + 3, 3 + 3, 1 + 1]
    assert result.stop_reason == "space exhausted"


def test_failed_trial_in_an_exhausted_space_cannot_be_replaced(tmp_path):
    runner = InProcessRunner(Valley(fail_ids=(0, 4)))
    result = _search(tmp_path, runner, space=_points_on_a_line(10), scheduler=hyperband(27, 3))
    assert _reached(result) == [8, 8, 3, 1]


@given(points=st.integers(1, 60), max_epochs=st.integers(1, 30), factor=st.integers(2, 4))
def test_exhausted_search_keeps_to_the_plan(points, max_epochs, factor):
    scheduler = hyperband(max_epochs, factor)
    with tempfile.TemporaryDirectory() as folder:
        result = _search(Path(folder), InProcessRunner(Valley()), space=_points_on_a_line(points), scheduler=scheduler)
    for number, bracket in enumerate(scheduler.brackets):
        members = [trial for trial in result.trials if trial.bracket == number]
        for rung in bracket.rungs:
            assert sum(rung.level in trial.outcomes for trial in members) == min(rung.trials, len(members))
        assert sum(trial.epochs for trial in members) <= bracket.units
    planned = sum(bracket.rungs[0].trials for bracket in scheduler.brackets)
    assert len(result.trials) == min(points, planned)
    assert result.best.epochs == max_epochs
    assert result.stop_reason == ("space exhausted" if points < planned else "schedule complete")


@pytest.mark.parametrize("workers", [1, 3])
def test_exhausted_search_is_the_same_with_workers(tmp_path, workers):
    options = {"space": _points_on_a_line(10), "scheduler": hyperband(27, 3)}
    expected = _search(tmp_path / "in-process", InProcessRunner(Valley()), **options)
    with _processes(workers) as runner:
        result = _search(tmp_path / "processes", runner, **options)
    assert _points(result) == _points(expected)


@pytest.mark.parametrize("results", [0, 3, 10, 12, 19, 22])
def test_interrupted_search_of_an_exhausted_space_goes_on_to_the_same_result(tmp_path, results):
    options = {"space": _points_on_a_line(10), "scheduler": hyperband(27, 3)}
    expected = _search(tmp_path / "straight", InProcessRunner(Valley()), **options)
    with pytest.raises(_Interrupted):
        _search(tmp_path / "broken", _DyingRunner(results), **options)
    result = _search(tmp_path / "broken", InProcessRunner(Valley()), **options)
    assert _points(result) == _points(expected)
    assert result.stop_reason == "space exhausted"


def test_failed_trials_are_recorded_and_replaced(tmp_path):
    result = _search(tmp_path, InProcessRunner(Valley(fail_ids=(2, 5))), scheduler=FullBudgetScheduler(2, 6))
    failed = [trial for trial in result.trials if trial.status == "failed"]
    assert [trial.trial_id for trial in failed] == [2, 5]
    assert "trial 2 is meant to fail" in failed[0].error
    assert sum(trial.status == "completed" for trial in result.trials) == 6


def test_search_fails_only_if_all_trials_fail(tmp_path):
    with pytest.raises(SearchError, match=r"None of 10 trials came to a result: ValueError: trial 0 is meant to fail"):
        _search(tmp_path, InProcessRunner(Valley(fail_ids=tuple(range(100)))))


def test_dead_worker_fails_its_job_and_is_replaced(tmp_path):
    with _processes(2, kill_ids=(1,)) as runner:
        result = _search(tmp_path, runner, scheduler=FullBudgetScheduler(2, 5))
    assert [trial.status for trial in result.trials].count("completed") == 5
    assert "ended with exit status 7" in result.trials[1].error


def test_worker_that_cannot_start_ends_the_search(tmp_path):
    with pytest.raises(SearchError, match=r"(?s)could not start.*the data is not there"):
        _search(tmp_path, ProcessRunner(WorkerSetup("tfx_automl.search.testing:make_broken", {}, {}), 1))


def test_time_budget_stops_at_an_epoch(tmp_path):
    result = _search(
        tmp_path,
        InProcessRunner(Valley(seconds=0.05)),
        scheduler=FullBudgetScheduler(4, 50),
        budget=Budget(seconds=0.5),
    )
    assert result.stop_reason == "time budget used up"
    assert 1 <= len(result.trials) < 10
    assert result.best.status == "completed"


class _Interrupted(BaseException):
    pass


class _DyingRunner(InProcessRunner):
    """Stands for a process that is killed while a job runs."""

    def __init__(self, results: int) -> None:
        super().__init__(Valley())
        self._left = results

    def wait(self, tell):
        if self._left == 0:
            raise _Interrupted
        self._left -= 1
        return super().wait(tell)


@pytest.mark.parametrize("results", [0, 1, 8, 9, 13, 20])
def test_interrupted_search_goes_on_to_the_same_result(tmp_path, results):
    expected = _search(tmp_path / "straight", InProcessRunner(Valley()))
    with pytest.raises(_Interrupted):
        _search(tmp_path / "broken", _DyingRunner(results))
    calls = []

    class Counting(InProcessRunner):
        def wait(self, tell):
            calls.append(1)
            return super().wait(tell)

    result = _search(tmp_path / "broken", Counting(Valley()))
    assert _points(result) == _points(expected)
    assert len(calls) == 22 - results  # 17 starts and 5 promotions in all


def test_torn_record_is_dropped_and_said(tmp_path, monkeypatch):
    with pytest.raises(_Interrupted):
        _search(tmp_path, _DyingRunner(4))
    path = tmp_path / "ledger.jsonl"
    path.write_bytes(path.read_bytes() + b'{"event": "resul')
    lines = []
    monkeypatch.setattr(console, "line", lines.append)
    result = _search(tmp_path, InProcessRunner(Valley()))
    assert any("torn off" in line for line in lines)
    assert len(result.trials) == 17
    assert all(json.loads(line) for line in path.read_text().splitlines())


def test_ledger_of_another_search_is_refused(tmp_path):
    _search(tmp_path, InProcessRunner(Valley()), key="one")
    with pytest.raises(SearchError, match="belongs to another search"):
        _search(tmp_path, InProcessRunner(Valley()), key="two")


def test_damaged_ledger_is_refused(tmp_path):
    _search(tmp_path, InProcessRunner(Valley()))
    path = tmp_path / "ledger.jsonl"
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join([lines[0], "nonsense\n", *lines[1:]]))
    with pytest.raises(SearchError, match="line 2: not a record"):
        _search(tmp_path, InProcessRunner(Valley()))


def test_nan_is_a_failure(tmp_path):
    class Nan(Valley):
        def run(self, job, report):
            from tfx_automl.search.job import EpochRecord

            if job.trial_id == 0:
                report(EpochRecord(1, {"val_loss": float("nan")}, 0.0))
            else:
                super().run(job, report)

    result = _search(tmp_path, InProcessRunner(Nan()), scheduler=FullBudgetScheduler(1, 3))
    assert result.trials[0].status == "failed"
    assert "became NaN" in result.trials[0].error
    assert result.best.trial_id != 0


def test_unknown_metric_names_the_known_ones(tmp_path):
    ledger = Ledger(tmp_path / "l", "k")
    runner = InProcessRunner(Valley())
    search = Search(
        RandomSampler(SPACE, 0), FullBudgetScheduler(1, 1), Objectives.of("val_auc"), runner, ledger, tmp_path
    )
    with pytest.raises(ConfigError, match=r"no metric 'val_auc'; an epoch has parameters, val_loss"):
        search.run()
    ledger.close()


@pytest.mark.parametrize(
    ("metric", "direction"),
    [("val_auc", "max"), ("val_accuracy", "max"), ("val_loss", "min"), ("val_rmse", "min"), ("val_r2", "max")],
)
def test_direction_is_inferred(metric, direction):
    assert Objective(metric).direction == direction


def test_every_trial_has_one_line(tmp_path, monkeypatch):
    lines = []
    monkeypatch.setattr(console, "line", lines.append)
    _search(tmp_path, InProcessRunner(Valley(fail_ids=(0,))), scheduler=FullBudgetScheduler(3, 2))
    assert any(line.startswith("  trial 0  bracket 0  epochs 0  failed: ValueError") for line in lines)
    assert sum(" val_loss " in line for line in lines) == 2


PERMANENT = [
    {"x": 1.369616873214543, "units": 288, "kind": "plain", "flag": False},
    {"x": 3.8973879127813422, "units": 512, "kind": "deep", "depth": 2, "flag": True},
    {"x": -4.191759608268125, "units": 160, "kind": "plain", "flag": False},
]
