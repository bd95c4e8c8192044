"""What a search learned about the hyperparameters: which of them matter, and which values went together well."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from tfx_automl.components.evaluator.report.markup import Markup, element
from tfx_automl.errors import ConfigError
from tfx_automl.view.search import FoundSearch, Trial, family_of, hyperparameters, read_search
from tfx_automl.view.shown import View
from tfx_automl.view.svg import BLUE, GREY, ORANGE, SOFT, Axis, line, path, picture, text
from tfx_automl.view.tables import Column, heading, note, setting, shortened, table

_BINS = 4
_FEWEST = 8  # trials, for a word on importance
_WIDTH, _HEIGHT = 860.0, 340.0


def parameters(source: Any, *, family: str | None = None) -> View:
    """Shows how much of the differences in score each hyperparameter explains alone, and all trials side by side.

    Importance is the share of the variance of the trials' ranks that lies between up to four ranges of values of one
    hyperparameter, less what chance alone would explain. Trials of a Hyperband search train for different numbers of
    epochs, so that `epochs` is among them.

    Args:
        source: As for `leaderboard`.
        family: A model family; that of the best trial unless given.

    Raises:
        ConfigError: The source is not one of these, has no such family, or no trial with a score.
    """
    found = read_search(source, "parameters")
    found.scored()
    chosen = family_of(found.ranked()[0]) if family is None else family
    trials = [trial for trial in found.ranked() if family_of(trial) == chosen and trial["score"] is not None]
    if not trials:
        raise ConfigError(
            f"parameters: no trial of a family {chosen!r} has a score; there are {', '.join(found.families())}."
        )
    columns = _columns(trials)
    rows = [
        {"hyperparameter": name, "importance": _importance(values), "best": values[0], "values": len(set(values))}
        for name, values in columns.items()
    ]
    rows.sort(key=lambda row: -1.0 if row["importance"] is None else -row["importance"])
    of = f" of {chosen}" if chosen else ""
    parts = [heading(f"Hyperparameters{of}: {len(trials)} trials"), _importance_table(rows)]
    parts += [_parallel(found, trials, columns)] if columns else [note("Nothing was searched: all trials are alike.")]
    return View("Hyperparameters", element("div", *parts), tuple(rows))


def _columns(trials: Sequence[Trial]) -> dict[str, list[Any]]:
    """Returns what differs between trials that all have it."""
    every = [hyperparameters(trial) | {"epochs": trial["epochs"]} for trial in trials]
    names = [name for name in every[0] if all(name in values for values in every)]
    columns = {name: [values[name] for values in every] for name in names}
    return {name: values for name, values in columns.items() if len(set(map(str, values))) > 1}


def _is_numeric(values: Sequence[Any]) -> bool:
    return all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in values)


def _importance(values: Sequence[Any]) -> float | None:
    """Returns the adjusted share of the variance of ranks between bins of values, which come the best first."""
    ranks, bins = np.arange(len(values), dtype=np.float64), _bins(values)
    kinds, freedom = len(set(bins)), len(values) - len(set(bins))
    if len(values) < _FEWEST or freedom < 1 or kinds < 2:
        return None
    within = sum(float(((group := ranks[bins == each]) - group.mean()) @ (group - group.mean())) for each in set(bins))
    total = float(ranks.var() * len(ranks))
    return max(0.0, 1 - (within / freedom) / (total / (len(values) - 1)))


def _bins(values: Sequence[Any]) -> Any:
    if _is_numeric(values) and len(set(values)) > _BINS:
        edges = np.quantile(np.asarray(values, np.float64), np.linspace(0, 1, _BINS + 1)[1:-1])
        return np.searchsorted(edges, np.asarray(values, np.float64), side="left")
    return np.unique([str(value) for value in values], return_inverse=True)[1]


def _importance_table(rows: Sequence[dict[str, Any]]) -> Markup:
    shown = [
        [row["hyperparameter"], _percent(row["importance"]), setting(row["best"]), str(row["values"])] for row in rows
    ]
    caption = "Importance: how much of the differences between trials the hyperparameter explains alone."
    if any(row["importance"] is None for row in rows):
        caption += " A dash: too few trials to tell."
    titles = (Column("hyperparameter", True), Column("importance"), Column("in the best trial"), Column("values tried"))
    return table(titles, shown, caption)


def _percent(value: float | None) -> str:
    return "–" if value is None else f"{100 * value:.0f} %"


def _parallel(found: FoundSearch, trials: Sequence[Trial], columns: dict[str, list[Any]]) -> Markup:
    """Returns a drawing with one vertical axis for each hyperparameter and one line for each trial."""
    axes = {**columns, found.metric: [float(trial["score"]) for trial in trials]}
    places = {name: _Scale(values) for name, values in axes.items()}
    left, step = 70.0, (_WIDTH - 140.0) / max(len(axes) - 1, 1)
    parts = [text("All trials: the best in orange, the better quarter in blue", 14, 22, size=14.0)]
    better = max(1, len(trials) // 4)
    for place in reversed(range(len(trials))):
        colour, width = (ORANGE, 2.6) if place == 0 else (BLUE, 1.5) if place <= better else (GREY, 1.0)
        points = [(left + step * n, places[name].at(values[place])) for n, (name, values) in enumerate(axes.items())]
        parts.append(path(points, colour, width, 1.0 if place == 0 else 0.75))
    for n, name in enumerate(axes):
        parts += places[name].drawn(shortened(name, 18), left + step * n, n % 2)
    alt = f"Parallel coordinates of {len(trials)} trials over {', '.join(columns)} and {found.metric}."
    return picture(parts, _WIDTH, _HEIGHT, alt)


class _Scale:
    """A vertical axis, of numbers or of words."""

    def __init__(self, values: Sequence[Any]) -> None:
        self._words = [] if _is_numeric(values) else sorted({str(value) for value in values})
        if not self._words:
            log = min(values) > 0 and max(values) / min(values) >= 50
            self._axis = Axis.over(values, log=log, margin=0.0)
        else:
            self._axis = Axis(0.0, max(1.0, len(self._words) - 1.0))

    def at(self, value: Any) -> float:
        """Returns the height of a value in the drawing."""
        number_of = self._words.index(str(value)) if self._words else value
        return _HEIGHT - 32 - (_HEIGHT - 110) * self._axis.place(number_of)

    def drawn(self, name: str, x: float, offset: int) -> list[Markup]:
        """Returns the axis; every other name stands higher, so that long ones do not overlap."""
        parts = [
            line(x, self.at_place(0.0), x, self.at_place(1.0), SOFT),
            text(name, x, 62.0 - 15 * offset, anchor="middle"),
        ]
        marks = [(word, self.at(word)) for word in self._words]
        marks = marks or [(f"{value:.4g}", self.at(value)) for value in (self._axis.low, self._axis.high)]
        middle = (
            math.sqrt(self._axis.low * self._axis.high) if self._axis.log else (self._axis.low + self._axis.high) / 2
        )
        marks += [] if self._words else [(f"{middle:.3g}", self.at(middle))]
        return [*parts, *(text(shortened(word, 12), x + 5, y + 4, size=10.5, fill=SOFT) for word, y in marks)]

    def at_place(self, place: float) -> float:
        """Returns the height of a place from 0, the bottom, to 1."""
        return _HEIGHT - 32 - (_HEIGHT - 110) * place
