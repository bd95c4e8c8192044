"""What every trial runner must do; a new one inherits the suite and makes itself in one method."""

import abc
import json
import os
from pathlib import Path

import pytest
from processes_for_tests import descendants, watched_sockets

from tfx_automl.components.tuner.beam_runner import BeamRunner
from tfx_automl.errors import SearchError
from tfx_automl.search.job import EpochRecord, Job, Result
from tfx_automl.search.ledger import Ledger
from tfx_automl.search.objective import Objectives
from tfx_automl.search.runners.base import TrialRunner
from tfx_automl.search.runners.in_process import InProcessRunner
from tfx_automl.search.runners.processes import ProcessRunner, WorkerSetup
from tfx_automl.search.runners.worker import make_trainable
from tfx_automl.search.samplers.random import RandomSampler
from tfx_automl.search.schedulers.hyperband import hyperband
from tfx_automl.search.search import Search
from tfx_automl.search.testing import SPACE, Valley
from tfx_automl.search.trial import SearchResult

# In full, because older Beam has no short name for what its DirectRunner runs such pipelines on.
FN_API_RUNNER = "apache_beam.runners.portability.fn_api_runner.FnApiRunner"
IN_MEMORY = (f"--runner={FN_API_RUNNER}", "--direct_running_mode=in_memory")
THREADS = (f"--runner={FN_API_RUNNER}", "--direct_running_mode=multi_threading", "--direct_num_workers=2")
# As a user names it. Newer Beam first tries to download Prism, and falls back to the runner above.
DIRECT = ("--runner=DirectRunner", "--direct_running_mode=multi_threading", "--direct_num_workers=2")


class Tellings:
    """Notes what a runner tells; always answers to go on."""

    def __init__(self) -> None:
        self.epochs: list[tuple[int, int]] = []
        self.records: dict[int, list[EpochRecord]] = {}

    def __call__(self, job: Job, record: EpochRecord) -> bool:
        self.epochs.append((job.trial_id, record.epoch))
        self.records.setdefault(job.trial_id, []).append(record)
        return True

    def of(self, trial_id: int) -> list[int]:
        return [epoch for trial, epoch in self.epochs if trial == trial_id]


def _job(folder: Path, trial_id: int, start: int = 0, stop: int = 3) -> Job:
    values = {"x": 0.5 * trial_id, "units": 32, "kind": "plain", "flag": True}
    return Job(trial_id, values, start, stop, trial_id, str(folder / f"trial-{trial_id}"))


def _run_all(runner: TrialRunner, jobs: list[Job], tell: Tellings) -> dict[int, Result]:
    """Runs jobs as the search does: as many as the runner takes, then a result, and so on."""
    waiting, results, running = list(jobs), {}, 0
    while waiting or running:
        while waiting and runner.free:
            runner.submit(waiting.pop(0))
            running += 1
        result = runner.wait(tell)
        assert tell.of(result.job.trial_id), "told before the result"
        running -= 1
        results[result.job.trial_id] = result
    return results


def _search(folder: Path, runner: TrialRunner) -> SearchResult:
    ledger = Ledger(folder / "ledger.jsonl", key="test")
    try:
        sampler = RandomSampler(SPACE, 0)
        return Search(sampler, hyperband(9, 3), Objectives.of("val_loss"), runner, ledger, folder).run()
    finally:
        ledger.close()


def _points(result: SearchResult) -> dict[str, object]:
    return {json.dumps(t.values, sort_keys=True): (t.trial_id, t.score, t.epochs, t.status) for t in result.trials}


class RunnerConformance(abc.ABC):
    """The suite. Attributes say what kind of runner it is.

    Attributes:
        workers: How many jobs it takes.
        processes: How many processes of ours they run in at once.
        beam_listens: Whether Beam opens sockets in this process, which are not ours.
    """

    workers = 2
    processes = 2
    beam_listens = False

    @abc.abstractmethod
    def make(self, setup: WorkerSetup, folder: Path) -> TrialRunner:
        """Returns the runner."""

    def runner(self, folder: Path, factory: str = "tfx_automl.search.testing:make_valley", **arguments) -> TrialRunner:
        return self.make(WorkerSetup(factory, arguments, {}), folder / "runner")

    def needs_own_processes(self) -> None:
        if not self.processes:
            pytest.skip("jobs run in this process, which must not die")

    def test_results_are_those_of_the_trainable(self, tmp_path):
        jobs, tell = [_job(tmp_path / "jobs", trial_id) for trial_id in range(5)], Tellings()
        with self.runner(tmp_path) as runner:
            results = _run_all(runner, jobs, tell)
        assert {trial: result.status for trial, result in results.items()} == dict.fromkeys(range(5), "completed")
        assert [results[job.trial_id].job for job in jobs] == jobs
        valley = Valley()
        for job in jobs:
            told = tell.records[job.trial_id]
            assert [record.epoch for record in told] == [1, 2, 3]
            losses = [valley.loss(job.values, epoch, 1.0) for epoch in (1, 2, 3)]
            assert [record.metrics["val_loss"] for record in told] == losses

    def test_job_goes_on_from_its_checkpoint(self, tmp_path):
        log, tell = tmp_path / "log", Tellings()
        with self.runner(tmp_path, log=str(log)) as runner:
            _run_all(runner, [_job(tmp_path / "jobs", 0, 0, 2)], tell)
            results = _run_all(runner, [_job(tmp_path / "jobs", 0, 2, 4)], tell)
        assert results[0].status == "completed"
        assert tell.of(0) == [1, 2, 3, 4]
        assert log.read_text().split("\n")[:-1] == ["0 1", "0 2", "0 3", "0 4"]

    def test_failed_job_has_its_traceback_and_costs_no_other(self, tmp_path):
        with self.runner(tmp_path, fail_ids=(1,)) as runner:
            for trial_id in range(self.workers):
                runner.submit(_job(tmp_path / "jobs", trial_id + 1))
            results = [runner.wait(Tellings()) for _ in range(self.workers)]
        by_trial = {result.job.trial_id: result for result in results}
        assert by_trial.pop(1).status == "failed"
        assert {result.status for result in by_trial.values()} <= {"completed"}
        failed = next(result for result in results if result.status == "failed")
        assert failed.error.startswith("Traceback")
        assert "ValueError: trial 1 is meant to fail" in failed.error

    def test_lost_job_can_be_tried_again(self, tmp_path):
        self.needs_own_processes()
        log, tell = tmp_path / "log", Tellings()
        with self.runner(tmp_path, kill_once=(0,), log=str(log)) as runner:
            lost = _run_all(runner, [_job(tmp_path / "jobs", 0)], tell)[0]
            assert (lost.status, tell.of(0)) == ("lost", [1])
            assert "ended with exit status 7" in lost.error
            again = _run_all(runner, [_job(tmp_path / "jobs", 0, start=1)], tell)[0]
        assert (again.status, tell.of(0)) == ("completed", [1, 2, 3])
        assert log.read_text().split("\n")[:-1] == ["0 1", "0 2", "0 3"]

    def test_worker_that_cannot_start_is_an_error(self, tmp_path):
        self.needs_own_processes()
        with self.runner(tmp_path, "tfx_automl.search.testing:make_broken") as runner:
            runner.submit(_job(tmp_path / "jobs", 0))
            with pytest.raises(SearchError, match=r"(?s)could not start.*the data is not there"):
                runner.wait(Tellings())

    def test_deadline_ends_a_job_at_an_epoch(self, tmp_path):
        tell = Tellings()
        with self.runner(tmp_path) as runner:
            job = Job(**{**vars(_job(tmp_path / "jobs", 0)), "deadline": 1.0})
            result = _run_all(runner, [job], tell)[0]
        assert (result.status, tell.of(0)) == ("stopped", [1])

    def test_waiting_for_nothing_is_refused(self, tmp_path):
        with self.runner(tmp_path) as runner, pytest.raises(SearchError, match="No job is running"):
            runner.wait(Tellings())

    def test_free_counts_down(self, tmp_path):
        with self.runner(tmp_path) as runner:
            assert runner.workers == runner.free == self.workers
            for left in range(self.workers - 1, -1, -1):
                runner.submit(_job(tmp_path / "jobs", left))
                assert runner.free == left
            for _ in range(self.workers):
                runner.wait(Tellings())
            assert runner.free == self.workers

    def test_nothing_of_ours_listens_and_nothing_is_left(self, tmp_path):
        here = os.getpid()
        before = descendants(here)
        jobs = [_job(tmp_path / "jobs", trial_id, stop=4) for trial_id in range(self.workers)]

        def ours() -> set[int]:
            return (descendants(here) - before) | (set() if self.beam_listens else {here})

        with watched_sockets(ours) as (seen, sockets), self.runner(tmp_path, seconds=0.1) as runner:
            _run_all(runner, jobs, Tellings())
        assert len(seen - {here}) >= self.processes  # so there was something to watch
        assert sockets == set()
        assert descendants(here) - before == set()

    def test_search_is_the_same_as_in_process(self, tmp_path):
        expected = _search(tmp_path / "in-process", InProcessRunner(Valley()))
        with self.runner(tmp_path) as runner:
            result = _search(tmp_path / "search", runner)
        assert _points(result) == _points(expected)
        assert result.best.values == expected.best.values
        assert result.total_epochs == 69


class TestInProcessRunner(RunnerConformance):
    workers = 1
    processes = 0

    def make(self, setup, folder):
        return InProcessRunner(make_trainable(setup.factory, setup.arguments))


class TestProcessRunner(RunnerConformance):
    def make(self, setup, folder):
        return ProcessRunner(setup, 2)


class TestBeamRunnerInMemory(RunnerConformance):
    processes = 1  # this mode of Beam runs the elements of a step one after another

    def make(self, setup, folder):
        return BeamRunner(setup, 2, folder, IN_MEMORY)


class TestBeamRunnerWithThreads(RunnerConformance):
    beam_listens = True

    def make(self, setup, folder):
        return BeamRunner(setup, 2, folder, THREADS)


@pytest.mark.slow
class TestBeamRunnerOnDirectRunner(RunnerConformance):
    beam_listens = True

    def make(self, setup, folder):
        return BeamRunner(setup, 2, folder, DIRECT)
