"""Runs one strategy on one problem, and notes what it has come to after each epoch."""

import contextlib
import io
import math
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from strategy_problems import EPOCHS, Curve, Problem, Table

from tfx_automl.search.budget import Budget
from tfx_automl.search.job import EpochRecord, Job
from tfx_automl.search.ledger import Ledger
from tfx_automl.search.objective import Objectives
from tfx_automl.search.parameters import Choice, Float, Int, Parameter, Point, Value
from tfx_automl.search.resource import Resource
from tfx_automl.search.runners.in_process import InProcessRunner
from tfx_automl.search.samplers import sampler_for
from tfx_automl.search.search import Search
from tfx_automl.search.strategy import Strategy

_ITERATIONS = 4  # of Hyperband: more than the epochs allow


@dataclass
class Trace:
    """The best loss so far after each epoch, and when that was.

    Attributes:
        limit: Epochs that may be used.
        losses: The best so far.
        seconds: Of one core, since the beginning.
    """

    limit: int
    losses: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._trained, self._started = 0.0, time.process_time()

    @property
    def full(self) -> bool:
        """Whether the budget is used up."""
        return len(self.losses) >= self.limit

    def note(self, curve: Curve, epoch: int) -> float:
        """Takes over an epoch, counted from 1; returns its loss."""
        loss = curve.losses[epoch - 1]
        self._trained += curve.seconds[epoch - 1]
        self.losses.append(min(loss, self.losses[-1] if self.losses else math.inf))
        self.seconds.append(self._trained + time.process_time() - self._started)
        return loss

    def reaches(self, loss: float) -> tuple[int | None, float | None]:
        """Returns after how many epochs and seconds it is as good as a loss; None if it never is."""
        number = next((n for n, found in enumerate(self.losses) if found <= loss), None)
        return (None, None) if number is None else (number + 1, self.seconds[number])


@dataclass(frozen=True)
class Replay:
    """A trainable that tells what was tabulated."""

    problem: Problem
    table: Table
    trace: Trace

    def run(self, job: Job, report: Callable[[EpochRecord], None]) -> None:
        """Tells the epochs of a job."""
        Path(job.checkpoint).mkdir(parents=True, exist_ok=True)
        curve = self.problem.curve(job.values, self.table)
        for epoch in range(job.start + 1, job.stop + 1):
            loss = self.trace.note(curve, epoch)
            report(EpochRecord(epoch, {"val_loss": loss}, curve.seconds[epoch - 1]))


class UnsyncedLedger(Ledger):
    """Does not wait for the disk: that would be most of the time here, where nothing is trained."""

    def append(self, record: Mapping[str, Any]) -> None:
        """Drops a record: nobody resumes these searches."""


def run_ours(problem: Problem, table: Table, algorithm: str, seed: int, budget: int) -> Trace:
    """Runs one of our strategies until its epochs are used up."""
    strategy = Strategy(algorithm, iterations=_ITERATIONS)
    limits, trace = Budget(epochs=budget), Trace(budget)
    scheduler = strategy.make_scheduler(Resource(maximum=EPOCHS), limits)
    sampler = sampler_for(str(strategy.sampler), problem.space, seed)
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
        ledger = UnsyncedLedger(Path(folder) / "ledger", "benchmark")
        runner = InProcessRunner(Replay(problem, table, trace))
        Search(sampler, scheduler, Objectives.of("val_loss"), runner, ledger, Path(folder), budget=limits).run()
        ledger.close()
    return trace


def run_optuna(problem: Problem, table: Table, seed: int, budget: int) -> Trace:
    """Runs Optuna as its own users do, until the epochs are used up."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    pruner = optuna.pruners.HyperbandPruner(min_resource=1, max_resource=EPOCHS, reduction_factor=3)
    sampler = optuna.samplers.TPESampler(seed=seed)
    study = optuna.create_study(sampler=sampler, pruner=pruner, study_name=f"{problem.name} {seed}")
    trace = Trace(budget)

    def objective(trial: optuna.Trial) -> float:
        curve = problem.curve(ask_optuna(problem, trial), table)
        loss = math.inf
        for epoch in range(1, EPOCHS + 1):
            loss = trace.note(curve, epoch)
            trial.report(loss, epoch)
            if trace.full:
                study.stop()
            if trace.full or trial.should_prune():
                raise optuna.TrialPruned
        return loss

    study.optimize(objective)
    return trace


def ask_optuna(problem: Problem, trial: Any) -> Point:
    """Returns the point of an Optuna trial."""
    point: Point = {}
    for parameter in problem.space.parameters:
        if parameter.active(point):
            point[parameter.name] = _suggest(parameter, trial)
    return point


def _suggest(parameter: Parameter, trial: Any) -> Value:
    if isinstance(parameter, Choice):
        value: Value = trial.suggest_categorical(parameter.name, parameter.values)
    elif isinstance(parameter, (Int, Float)) and parameter.sampling == "log" and parameter.step:
        values = list(parameter.grid())  # Optuna has no steps on a logarithmic scale
        value = values[trial.suggest_int(parameter.name, 0, len(values) - 1)]
    elif isinstance(parameter, Int):
        value = trial.suggest_int(
            parameter.name, int(parameter.min), int(parameter.max), log=parameter.sampling == "log"
        )
    elif isinstance(parameter, Float):
        value = trial.suggest_float(parameter.name, parameter.min, parameter.max, log=parameter.sampling == "log")
    else:
        raise TypeError(f"{parameter.name}: the benchmark has no {type(parameter).__name__}.")
    return value
