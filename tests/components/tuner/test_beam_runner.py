"""The Beam runner where things go wrong: nothing runs, workers are lost, nobody waits any more."""

import pickle
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import apache_beam as beam
import pytest
from apache_beam.runners.runner import PipelineResult, PipelineRunner, PipelineState

from tfx_automl.components.tuner import beam_runner
from tfx_automl.components.tuner.beam_files import JobLog, Wave, WaveIsOver
from tfx_automl.components.tuner.beam_runner import BeamRunner
from tfx_automl.components.tuner.beam_step import StepFailure
from tfx_automl.components.tuner.beam_worker import Order, close_workers, run_order
from tfx_automl.errors import SearchError
from tfx_automl.search.job import EpochRecord, Job, Result
from tfx_automl.search.runners.processes import WorkerSetup

# In full, because older Beam has no short name for what its DirectRunner runs such pipelines on.
FN_API_RUNNER = "apache_beam.runners.portability.fn_api_runner.FnApiRunner"
IN_MEMORY = (f"--runner={FN_API_RUNNER}", "--direct_running_mode=in_memory")
VALUES = {"x": 1.0, "units": 32, "kind": "plain", "flag": True}


def _job(folder: Path, trial_id: int, stop: int = 3) -> Job:
    return Job(trial_id, VALUES, 0, stop, 0, str(folder / f"trial-{trial_id}"))


def _setup(**arguments) -> WorkerSetup:
    return WorkerSetup("tfx_automl.search.testing:make_valley", arguments, {})


def _go_on(job: Job, record: EpochRecord) -> bool:
    return True


def _wave(runner: BeamRunner, jobs: list[Job], tell: Callable[[Job, EpochRecord], bool] = _go_on) -> list[Result]:
    for job in jobs:
        runner.submit(job)
    return [runner.wait(tell) for _ in jobs]


@pytest.mark.parametrize(
    ("arguments", "cause"),
    [
        (("--runner=NoSuchRunner",), "NoSuchRunner"),
        (
            ("--runner=PortableRunner", "--job_endpoint=localhost:1", "--job_server_timeout=1"),
            "--job_endpoint=localhost:1.*FutureTimeoutError",
        ),
    ],
)
def test_step_that_cannot_begin_is_an_error(tmp_path, arguments, cause):
    with BeamRunner(_setup(), 2, tmp_path / "runner", arguments) as runner:
        runner.submit(_job(tmp_path, 0))
        with pytest.raises(SearchError, match=f"(?s)failed before any job began.*{cause}.*runner can be reached"):
            runner.wait(_go_on)
    assert list((tmp_path / "runner").iterdir()) == []


class _Done(PipelineResult):
    def wait_until_finish(self, duration=None):
        return self.state


class _Idle(PipelineRunner):
    """Stands for workers that see another file system."""

    def run_pipeline(self, pipeline, options):
        return _Done(PipelineState.DONE)


def test_folder_that_is_not_shared_is_an_error(tmp_path):
    with BeamRunner(_setup(), 2, tmp_path / "runner", lambda: beam.Pipeline(runner=_Idle())) as runner:
        runner.submit(_job(tmp_path, 0))
        with pytest.raises(SearchError, match=r"no job left anything in .*/runner: give the search a folder on a file"):
            runner.wait(_go_on)


class _Interrupted(PipelineResult):
    """Stands for a step on a cluster during which the user presses Ctrl-C."""

    cancelled = False

    def wait_until_finish(self, duration=None):
        raise KeyboardInterrupt

    def cancel(self):
        self.cancelled = True


def test_interrupted_search_cancels_its_step(tmp_path):
    result = _Interrupted(PipelineState.RUNNING)

    class Endless(PipelineRunner):
        def run_pipeline(self, pipeline, options):
            return result

    with BeamRunner(_setup(), 1, tmp_path / "runner", lambda: beam.Pipeline(runner=Endless())) as runner:
        runner.submit(_job(tmp_path, 0))
        with pytest.raises(KeyboardInterrupt):
            runner.wait(_go_on)
    assert result.cancelled
    assert list((tmp_path / "runner").iterdir()) == []


def test_pipeline_may_come_from_a_function(tmp_path):
    made = []

    def make() -> beam.Pipeline:
        made.append(beam.Pipeline(argv=list(IN_MEMORY)))
        return made[-1]

    with BeamRunner(_setup(), 2, tmp_path / "runner", make) as runner:
        results = _wave(runner, [_job(tmp_path, 0), _job(tmp_path, 1)])
    assert [result.status for result in results] == ["completed", "completed"]
    assert len(made) == 1


def test_worker_processes_are_kept_between_waves(tmp_path):
    with BeamRunner(_setup(), 1, tmp_path / "runner", IN_MEMORY) as runner:
        results = [result for trial_id in range(3) for result in _wave(runner, [_job(tmp_path, trial_id)])]
    assert len({result.worker for result in results}) == 1


def test_memory_limit_is_kept(tmp_path):
    setup = WorkerSetup("tfx_automl.search.testing:make_valley", {"megabytes": {"1": 400}}, {}, 200 * 2**20)
    with BeamRunner(setup, 2, tmp_path / "runner", IN_MEMORY) as runner:
        results = _wave(runner, [_job(tmp_path, 0), _job(tmp_path, 1)])
    assert [result.status for result in results] == ["completed", "lost"]
    assert "more than its limit of 200 MiB" in results[1].error


def test_only_jobs_that_ran_are_lost_with_a_step(tmp_path, monkeypatch):
    """One job is done, one has reported an epoch, one has not begun, when the step fails; then a step goes well."""
    waves = []

    def run_step(make_pipeline: object, orders: list[Order]) -> StepFailure | None:
        waves.append([order.job.trial_id for order in orders])
        if len(waves) == 1:
            run_order(pickle.dumps(orders[0]))
            JobLog(Path(orders[1].wave), orders[1].job, "somewhere-7").epoch(EpochRecord(1, {"val_loss": 0.5}, 2.0))
            return StepFailure("RuntimeError | a worker went away", "--runner=Test")
        for order in orders:
            run_order(pickle.dumps(order))
        return None

    monkeypatch.setattr(beam_runner, "run_step", run_step)
    told = []
    with BeamRunner(_setup(), 3, tmp_path / "runner", IN_MEMORY) as runner:
        jobs = [_job(tmp_path, trial_id, 2) for trial_id in range(3)]
        results = _wave(runner, jobs, lambda job, record: told.append((job.trial_id, record.epoch)) or True)
    assert waves == [[0, 1, 2], [2]]
    assert [result.status for result in results] == ["completed", "lost", "completed"]
    assert results[1].error == (
        "The Beam worker somewhere-7 was lost; the Beam step failed: RuntimeError | a worker went away"
    )
    assert results[1].seconds == 2.0
    assert told == [(0, 1), (0, 2), (1, 1), (2, 1), (2, 2)]


def test_second_attempt_of_beam_does_nothing(tmp_path):
    log, wave = tmp_path / "log", Wave(tmp_path / "runner")
    order = pickle.dumps(Order(_job(tmp_path, 0), str(wave.folder), "twice", _setup(log=str(log))))
    try:
        run_order(order)
        run_order(order)
    finally:
        close_workers("twice")
    assert log.read_text().split() == ["0", "1", "0", "2", "0", "3"]
    assert len(wave.report(_job(tmp_path, 0)).epochs) == 3


def test_job_that_nobody_waits_for_ends_at_its_next_epoch(tmp_path):
    wave = Wave(tmp_path / "runner")
    job = _job(tmp_path, 0, stop=1000)
    order = Order(job, str(wave.folder), "abandoned", _setup(seconds=0.1))
    errors = []

    def run() -> None:
        with pytest.raises(WaveIsOver) as caught:
            run_order(pickle.dumps(order))
        errors.append(str(caught.value))

    thread = threading.Thread(target=run)
    thread.start()
    try:
        while not wave.report(job).epochs:
            thread.join(0.05)
        # A new runner in the same folder stands for a search that was killed and goes on.
        BeamRunner(_setup(), 1, tmp_path / "runner", IN_MEMORY)
        thread.join(20)
        assert not thread.is_alive()
    finally:
        close_workers("abandoned")
    assert "found no folder" in errors[0]
    assert list((tmp_path / "runner").iterdir()) == []


def test_torn_line_is_left_out(tmp_path):
    job, wave = _job(tmp_path, 0), Wave(tmp_path / "runner")
    JobLog(wave.folder, job, "somewhere").epoch(EpochRecord(1, {"val_loss": float("nan")}, 0.1))
    part = next(wave.folder.iterdir())
    part.write_bytes(part.read_bytes() + b'{"epoch": {"epo')
    report = wave.report(job)
    assert [record.epoch for record in report.epochs] == [1]
    assert (report.worker, report.result) == ("somewhere", None)


def test_what_beam_workers_import_is_light():
    heavy = "{'apache_beam', 'tensorflow', 'tfx', 'keras', 'pandas', 'pyarrow'}"
    code = f"import sys, tfx_automl.components.tuner.beam_worker; print({heavy} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
