"""Runs jobs in this process."""

from tfx_automl.errors import SearchError
from tfx_automl.search.job import Job, Result, Tell, Trainable, run_job
from tfx_automl.search.runners.base import TrialRunner


class InProcessRunner(TrialRunner):
    """Runs one job after another in this process.

    Args:
        trainable: What runs them.
    """

    def __init__(self, trainable: Trainable) -> None:
        self._trainable = trainable
        self._job: Job | None = None

    @property
    def free(self) -> int:
        """1, or 0 while a job waits to be run."""
        return 0 if self._job else 1

    @property
    def workers(self) -> int:
        """1."""
        return 1

    def submit(self, job: Job) -> None:
        """Keeps the job until `wait`."""
        self._job = job

    def wait(self, tell: Tell) -> Result:
        """Runs the job."""
        if self._job is None:
            raise SearchError("No job is running, so there is no result to wait for.")
        job, self._job = self._job, None
        return run_job(self._trainable, job, "0", tell)

    def close(self) -> None:
        """Forgets a job that was not run."""
        self._job = None
