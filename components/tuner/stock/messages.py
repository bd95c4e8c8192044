"""What the parent and the worker processes of a stock search say to each other."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

# The methods of an oracle that a tuner uses; the workers' go to the oracle of the parent.
REMOTE_METHODS = (
    "create_trial",
    "update_trial",
    "end_trial",
    "get_trial",
    "get_best_trials",
    "get_space",
    "update_space",
    "remaining_trials",
)


@dataclass(frozen=True)
class Hello:
    """To a worker, first of all.

    Attributes:
        inputs: The inputs of the component, as `tfx.utils.json_utils` writes them.
        properties: Its parameters.
        working_dir: For the tuner's files, the same for all workers.
    """

    inputs: str
    properties: Mapping[str, Any]
    working_dir: str


@dataclass(frozen=True)
class Call:
    """From a worker: calls a method of the oracle."""

    method: str
    arguments: tuple[Any, ...] = ()
    keywords: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Answer:
    """To a worker: what the method returned or raised.

    Attributes:
        value: What it returned.
        error: What it raised, or None.
        seed: For a new trial, where its randomness starts.
    """

    value: Any = None
    error: Exception | None = None
    seed: int | None = None


@dataclass(frozen=True)
class Epoch:
    """From a worker: an epoch of its trial has ended; there is no answer."""

    epoch: int
    metrics: Mapping[str, float]


@dataclass(frozen=True)
class Done:
    """From a worker: the oracle told it to stop, and its search has returned."""


@dataclass(frozen=True)
class Broken:
    """From a worker: it cannot go on, for a reason that is no failure of a trial."""

    traceback: str


@dataclass(frozen=True)
class Ended:
    """The process of a worker is gone. Not sent, but put in its place by the thread that reads the pipe."""


FromWorker = Call | Epoch | Done | Broken | Ended
