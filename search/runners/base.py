"""What a trial runner is."""

import abc

from tfx_automl.search.job import Job, Result, Tell


class TrialRunner(abc.ABC):
    """Executes jobs. `submit` only while `free` is above 0; then `wait` for a result. Close it, or use it in `with`.

    To be used from one thread.
    """

    @property
    @abc.abstractmethod
    def free(self) -> int:
        """How many more jobs can be submitted right now."""

    @property
    @abc.abstractmethod
    def workers(self) -> int:
        """How many jobs can run at once."""

    @abc.abstractmethod
    def submit(self, job: Job) -> None:
        """Hands over a job."""

    @abc.abstractmethod
    def wait(self, tell: Tell) -> Result:
        """Returns the next result.

        Args:
            tell: Called in this thread for every epoch of every job, in order, before the result of that job is
                returned. When it answers False, the job ends there if the runner can reach it; one that cannot (jobs
                that run far away, a wave at a time) goes on to its end.

        Raises:
            SearchError: No job is running, or workers cannot start at all.
        """

    @abc.abstractmethod
    def close(self) -> None:
        """Ends the workers, running jobs included."""

    def __enter__(self) -> "TrialRunner":
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()
