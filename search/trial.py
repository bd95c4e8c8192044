"""Trials: what a search knows about each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tfx_automl.search.job import EpochRecord
from tfx_automl.search.objective import Key, Objectives, Outcome
from tfx_automl.search.parameters import Point


@dataclass(frozen=True)
class TrialView:
    """What samplers and schedulers may know about a trial.

    Attributes:
        trial_id: Counts from 0, in the order of the proposals.
        bracket: Index of the bracket that the trial was started for.
        values: Its hyperparameters.
        outcomes: What it came to at each level of the resource that it has finished.
        running_to: Level that it is training to right now, or None.
        failed: Whether it failed; it then takes no place in any rung.
    """

    trial_id: int
    bracket: int
    values: Point = field(default_factory=dict)
    outcomes: Mapping[int, Outcome] = field(default_factory=dict)
    running_to: int | None = None
    failed: bool = False

    @property
    def level(self) -> int:
        """The highest level that it has finished; 0 before the first."""
        return max(self.outcomes, default=0)

    @property
    def last(self) -> Outcome | None:
        """What it came to at that level."""
        return self.outcomes.get(self.level)


def ranked(trials: Sequence[TrialView], level: int, objectives: Objectives) -> list[TrialView]:
    """Returns the trials that finished a level, the best first; equal ones in the order of their numbers."""
    finished = [trial for trial in trials if level in trial.outcomes]
    keys: list[Key] = objectives.keys([trial.outcomes[level] for trial in finished])
    order = sorted(range(len(finished)), key=lambda n: (keys[n], finished[n].trial_id))
    return [finished[n] for n in order]


@dataclass(frozen=True)
class Trial:
    """Everything about one trial.

    Attributes:
        trial_id: Counts from 0, in the order of the proposals.
        bracket: Index of its bracket.
        values: Its hyperparameters.
        seed: Where its randomness starts.
        checkpoint: Folder of its weights and optimizer state.
        status: `running` (or waiting for that); `completed` (it reached the levels that it was sent to); `ended` by a
            stopper; `paused` by a budget; or `failed`.
        stages: Up to which epoch it was and is to be trained on which share of the rows.
        curve: All its epochs.
        current: What it came to at its last epoch, where its checkpoint is; None before the first, and if it is NaN.
        outcomes: What it came to at each level of the resource that it has finished.
        seconds: Wall time of its jobs.
        workers: The worker of each of its jobs.
        error: The traceback if it failed.
    """

    trial_id: int
    bracket: int
    values: Point
    seed: int
    checkpoint: str
    status: str = "running"
    stages: tuple[tuple[int, float], ...] = ()
    curve: tuple[EpochRecord, ...] = ()
    current: Outcome | None = None
    outcomes: Mapping[int, Outcome] = field(default_factory=dict)
    seconds: float = 0.0
    workers: tuple[str, ...] = ()
    error: str | None = None

    @property
    def epochs(self) -> int:
        """Epochs trained."""
        return len(self.curve)

    @property
    def failed(self) -> bool:
        """Whether it failed."""
        return self.status == "failed"

    @property
    def score(self) -> float | None:
        """The first goal's metric at its last epoch."""
        return self.current.scores[0] if self.current else None

    @property
    def settled(self) -> Outcome | None:
        """What it came to at its last epoch or, while it trains, at the level before."""
        return self.outcomes.get(max(self.outcomes, default=0)) if self.status == "running" else self.current

    def view(self, running_to: int | None) -> TrialView:
        """Returns what samplers and schedulers may know."""
        return TrialView(self.trial_id, self.bracket, self.values, self.outcomes, running_to, self.failed)

    def to_json(self) -> dict[str, Any]:
        """Returns the trial as JSON-able values; without the checkpoint, which is deleted one day."""
        metrics = self.curve[-1].metrics if self.curve else {}
        return {
            "trial_id": self.trial_id,
            "bracket": self.bracket,
            "values": self.values,
            "seed": self.seed,
            "status": self.status,
            "score": self.score,
            "feasible": self.current.feasible if self.current else None,
            "epochs": self.epochs,
            "levels": {str(level): outcome.scores[0] for level, outcome in self.outcomes.items()},
            "metrics": dict(metrics),
            "curve": [{"epoch": r.epoch, "seconds": round(r.seconds, 4), **r.metrics} for r in self.curve],
            "seconds": round(self.seconds, 3),
            "workers": list(self.workers),
            "error": self.error,
        }


@dataclass(frozen=True)
class SearchResult:
    """What a search found.

    Attributes:
        trials: All trials, failed ones too, in the order of the proposals.
        best: The best trial that has a checkpoint.
        front: With several goals, the trials that no other one dominates, in the order of the proposals; else the best.
        stop_reason: Why it ended; see `Search.run`.
        seconds: Wall time, earlier runs of an interrupted search included.
        utilisation: Share of the workers' time that was spent on jobs in this run, 0 to 1.
    """

    trials: tuple[Trial, ...]
    best: Trial
    front: tuple[Trial, ...]
    stop_reason: str
    seconds: float
    utilisation: float

    @property
    def total_epochs(self) -> int:
        """Epochs of all trials."""
        return sum(trial.epochs for trial in self.trials)
