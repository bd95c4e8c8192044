"""The worker process of `ProcessRunner`: reads jobs from standard input, answers with results.

Standard output carries the answers, so it is moved to a private descriptor before anything that might print.
"""

import importlib
import os
import pickle
import traceback
from typing import IO, Any


def main() -> None:
    """Serves jobs until standard input ends."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    jobs = os.fdopen(os.dup(0), "rb")
    hello = pickle.load(jobs)
    try:
        trainable = _make(hello["factory"], hello["arguments"])
    except Exception:
        _send(answers, traceback.format_exc())
        return
    _serve(trainable, jobs, answers, hello["number"])


def _make(factory: str, arguments: dict[str, Any]) -> Any:
    module, _, name = factory.partition(":")
    return getattr(importlib.import_module(module), name)(**arguments)


def _serve(trainable: Any, jobs: IO[bytes], answers: IO[bytes], number: int) -> None:
    from tfx_automl.search.job import run_job

    while True:
        try:
            job = pickle.load(jobs)
        except EOFError:
            return
        _send(answers, run_job(trainable, job, number))


def _send(answers: IO[bytes], message: object) -> None:
    pickle.dump(message, answers)
    answers.flush()


if __name__ == "__main__":
    main()
