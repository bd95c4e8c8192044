"""The worker process of `ProcessRunner`: reads jobs from standard input, answers with epochs and results.

Standard output carries the answers, so it is moved to a private descriptor before anything that might print.
"""

import contextlib
import importlib
import os
import pickle
import traceback
from dataclasses import dataclass
from typing import IO, Any

from tfx_automl.deferred import PACKAGES, defer, without_collections
from tfx_automl.search.job import EpochRecord, Job, Trainable, run_job


@dataclass(frozen=True)
class Hello:
    """The first message to a worker.

    Attributes:
        factory: `module:callable` that makes the trainable.
        arguments: Its keyword arguments.
        name: What the worker is called in results.
        imports: Modules to import at once.
    """

    factory: str
    arguments: dict[str, Any]
    name: str
    imports: tuple[str, ...] = ()


def main() -> None:
    """Serves jobs until standard input ends."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    jobs = os.fdopen(os.dup(0), "rb")
    hello: Hello = pickle.load(jobs)
    # Both ends of the pipes close when the search ends, or is killed: then this process has no purpose any more.
    with contextlib.suppress(EOFError, BrokenPipeError):
        _serve(hello, jobs, answers)


def _serve(hello: Hello, jobs: IO[bytes], answers: IO[bytes]) -> None:
    try:
        defer(set(PACKAGES) - set(hello.imports))
        with without_collections():
            for module in hello.imports:
                importlib.import_module(module)
        job = pickle.load(jobs)  # only now is the data there that the trainable opens
        trainable = make_trainable(hello.factory, hello.arguments)
    except EOFError:
        raise
    except Exception:
        _send(answers, traceback.format_exc())
        return
    while True:
        _send(answers, run_job(trainable, job, hello.name, _Teller(jobs, answers)))
        job = pickle.load(jobs)


def make_trainable(factory: str, arguments: dict[str, Any]) -> Trainable:
    """Calls a factory by its `module:callable`."""
    module, _, name = factory.partition(":")
    trainable: Trainable = getattr(importlib.import_module(module), name)(**arguments)
    return trainable


class _Teller:
    """Tells the search of an epoch, and waits for its answer."""

    def __init__(self, jobs: IO[bytes], answers: IO[bytes]) -> None:
        self._jobs, self._answers = jobs, answers

    def __call__(self, job: Job, record: EpochRecord) -> bool:
        _send(self._answers, (job, record))
        go_on: bool = pickle.load(self._jobs)
        return go_on


def _send(answers: IO[bytes], message: object) -> None:
    pickle.dump(message, answers)
    answers.flush()


if __name__ == "__main__":
    main()
