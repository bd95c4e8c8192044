"""Trains a final model: with early stopping, and the best epoch's weights kept; or for a given number of epochs."""

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from tfx_automl.models.model import Model
from tfx_automl.models.saved_epochs import SavedEpochs
from tfx_automl.search.objective import Objectives

Entry = dict[str, Any]
Tell = Callable[[int, Mapping[str, float]], None]
_NOTHING = (math.inf, math.inf, math.inf)


def fit(
    model: Model,
    objectives: Objectives,
    max_epochs: int,
    patience: int | None,
    tell: Tell,
    saved: SavedEpochs | None = None,
    before: Mapping[str, float] | None = None,
) -> list[Entry]:
    """Trains until an epoch limit, or until there is no progress any more.

    Args:
        model: The model; afterwards it has the weights of its best epoch or, without patience, of the last.
        objectives: What tells progress: constraints come first, then, of several goals, the first.
        max_epochs: The epoch to stop after; of a model that was trained before, its earlier epochs count.
        patience: Epochs without progress after which to stop; None trains all epochs, and keeps the last.
        tell: Called with the number and the metrics of every epoch.
        saved: Where every epoch is saved, and where a training that was interrupted goes on; None saves nothing.
        before: Metrics of a model that was trained before, as it comes: it may be the best. None leaves it out.

    Returns:
        For every epoch its number, its metrics, and whether it is the `best` so far. With `before`, that comes first.
    """
    fitting = _Fitting(model, objectives, keep_last=patience is None)
    start = model.epoch
    if before is not None:
        fitting.note(start, before)
    fitting.keep()
    if saved is not None and saved.last is not None:
        fitting.resume(saved, saved.last, start)
    while model.epoch < max_epochs and (patience is None or model.epoch - max(start, fitting.best) < patience):
        metrics = model.train_epoch().metrics
        if fitting.note(model.epoch, metrics):
            fitting.keep()
        if saved is not None:
            saved.save(model, fitting.best)
        tell(model.epoch, metrics)
    fitting.restore()
    return fitting.history


def best_epoch(history: Iterable[Mapping[str, Any]]) -> int:
    """Returns the number of the epoch that a history calls the best; 0 without any."""
    return max((int(entry["epoch"]) for entry in history if entry["best"]), default=0)


def best_of(objectives: Objectives, curve: Iterable[Mapping[str, float]]) -> int:
    """Returns the number, from 1, of the best of several epochs; of equal ones, the first."""
    ranks = [_rank(objectives, metrics) for metrics in curve]
    return ranks.index(min(ranks)) + 1


class _Fitting:
    """The history of a training, and its best weights."""

    def __init__(self, model: Model, objectives: Objectives, keep_last: bool) -> None:
        self._model, self._objectives, self._keep_last = model, objectives, keep_last
        self._rank = _NOTHING
        self._weights: Any = None
        self.history: list[Entry] = []
        self.best = 0

    def note(self, epoch: int, metrics: Mapping[str, float]) -> bool:
        """Adds an epoch; tells whether its weights are the ones to keep."""
        rank = _rank(self._objectives, metrics)
        progress = rank < self._rank or self._keep_last
        if progress:
            self._rank, self.best = rank, epoch
        self.history.append({"epoch": epoch, **metrics, "best": progress})
        return progress

    def keep(self) -> None:
        """Keeps the weights as they are now."""
        if not self._keep_last:
            self._weights = self._model.snapshot()

    def resume(self, saved: SavedEpochs, last: int, start: int) -> None:
        """Goes on after the last epoch that was saved.

        Args:
            saved: Where it was saved.
            last: Its number.
            start: The epoch that this training began after; what was trained before is no part of its history.
        """
        saved.load(self._model, last)
        for record in self._model.records[start:]:
            self.note(record.epoch, record.metrics)
        if self.best > start and not self._keep_last:
            saved.load(self._model, self.best)
            self.keep()
            saved.load(self._model, last)

    def restore(self) -> None:
        """Puts back the weights that were kept."""
        if self._weights is not None:
            self._model.restore(self._weights)


def _rank(objectives: Objectives, metrics: Mapping[str, float]) -> tuple[float, float, float]:
    """Returns what is smaller for a better epoch."""
    outcome = objectives.outcome(metrics)
    if outcome is None:
        return _NOTHING
    return outcome.violation, objectives.losses(outcome)[0], outcome.tie_breaker
