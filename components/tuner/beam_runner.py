"""Runs jobs on Beam: each wave of jobs is one step, on whatever runner the pipeline's options name."""

import hashlib
import pickle
from collections import deque
from collections.abc import Sequence
from pathlib import Path

from tfx_automl import console
from tfx_automl.components.tuner.beam_files import JobReport, Wave, remove_waves
from tfx_automl.components.tuner.beam_step import MakePipeline, StepFailure, pipelines_with, run_step
from tfx_automl.components.tuner.beam_worker import Order, close_workers
from tfx_automl.errors import SearchError
from tfx_automl.search.job import Job, Result, Tell
from tfx_automl.search.runners.base import TrialRunner
from tfx_automl.search.runners.processes import WorkerSetup


class BeamRunner(TrialRunner):
    """Collects jobs, and runs them as one Beam step when somebody waits for a result.

    What `tell` answers cannot reach the workers any more, because jobs are reported after their wave: a job that should
    have been stopped has gone on to its end. Deadlines of jobs are kept, by the workers themselves.

    A worker that is lost costs only the jobs that it was running: they come back as `lost`, with the epochs that they
    had reported. Jobs of the wave that were done keep their results, and those that had not begun are in the next one.

    This opens no socket; Beam's own runners and workers may talk over some.

    Args:
        setup: How worker processes are started, inside the Beam workers.
        workers: Jobs per wave; as many as the Beam runner can run at once.
        folder: For what jobs report; of this search alone, and like the folder of the checkpoints on a file system that
            all workers share.
        pipelines: The `beam_pipeline_args`, or what makes a pipeline.
    """

    def __init__(self, setup: WorkerSetup, workers: int, folder: Path, pipelines: Sequence[str] | MakePipeline) -> None:
        self._setup, self._workers, self._folder = setup, workers, folder.absolute()
        self._make_pipeline = pipelines if callable(pipelines) else pipelines_with(pipelines)
        self._key = hashlib.sha256(pickle.dumps(setup)).hexdigest()
        self._queued: list[Job] = []
        self._done: deque[tuple[JobReport, Result]] = deque()
        remove_waves(self._folder)

    @property
    def free(self) -> int:
        """Jobs that still fit into the next wave; 0 while results of the last one are left, since they count."""
        return 0 if self._done else self._workers - len(self._queued)

    @property
    def workers(self) -> int:
        """Jobs per wave."""
        return self._workers

    def submit(self, job: Job) -> None:
        """Puts a job into the next wave."""
        self._queued.append(job)

    def wait(self, tell: Tell) -> Result:
        """Returns the next result, after running a wave if there is none left of the last one."""
        while not self._done:
            if not self._queued:
                raise SearchError("No job is running, so there is no result to wait for.")
            self._run_wave()
        report, result = self._done.popleft()
        for record in report.epochs:
            tell(result.job, record)
        return result

    def close(self) -> None:
        """Forgets what waits, and ends worker processes that Beam ran inside this process."""
        self._queued.clear()
        self._done.clear()
        close_workers(self._key)

    def _run_wave(self) -> None:
        jobs, self._queued = self._queued, []
        wave = Wave(self._folder)
        try:
            orders = [Order(job, str(wave.folder), self._key, self._setup) for job in jobs]
            failure = run_step(self._make_pipeline, orders)
            self._sort([(job, wave.report(job)) for job in jobs], failure)
        finally:
            wave.close()

    def _sort(self, reports: list[tuple[Job, JobReport]], failure: StepFailure | None) -> None:
        """Takes over results, tells which jobs were lost, and puts those that never began into the next wave."""
        refusals = [report.refusal for _, report in reports if report.refusal]
        if refusals:
            raise SearchError(refusals[0])
        begun = [(job, report) for job, report in reports if report.worker]
        if not begun:
            raise SearchError(_nothing_ran(self._folder, failure))
        self._queued = [job for job, report in reports if not report.worker]
        self._done.extend((report, report.result or _lost(job, report, failure)) for job, report in begun)
        if failure:
            lost = sum(report.result is None for _, report in begun)
            console.line(f"  a Beam step failed, which lost {lost} of its {len(reports)} jobs: {failure.cause}")


def _lost(job: Job, report: JobReport, failure: StepFailure | None) -> Result:
    how = f"the Beam step failed: {failure.cause}" if failure else "the Beam step ended without a result of this job."
    seconds = sum(record.seconds for record in report.epochs)
    return Result(job, "lost", f"The Beam worker {report.worker} was lost; {how}", seconds, str(report.worker))


def _nothing_ran(folder: Path, failure: StepFailure | None) -> str:
    if failure is None:
        return (
            f"The Beam step ended well, but no job left anything in {folder}: give the search a folder on a file system"
            " that is mounted at the same path on this machine and on all Beam workers."
        )
    return (
        f"The Beam step failed before any job began.\n  options: {failure.options}\n  cause: {failure.cause}\n"
        "Check that the runner can be reached, and that its workers can import tfx_automl and the module of the model."
    )
