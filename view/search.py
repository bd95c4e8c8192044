"""A search as its artifact tells of it, ours or the stock Tuner's."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tfx_automl.errors import ConfigError
from tfx_automl.view.sources import Folder, Wanted, find

_DETAILS, _STOCK = "trials.json", "tuner_results.json"
FAMILY = "family"
_INTERNAL = "tuner/"  # how KerasTuner's hyperparameters of its own begin

Trial = Mapping[str, Any]


@dataclass(frozen=True)
class FoundSearch:
    """What a search found.

    Attributes:
        details: The content of `trials.json`.
    """

    details: Mapping[str, Any]

    @property
    def trials(self) -> Sequence[Trial]:
        """All trials, in the order of the proposals."""
        found: Sequence[Trial] = self.details["trials"]
        return found

    @property
    def goals(self) -> list[tuple[str, str]]:
        """The metrics that were optimised, each with its direction, `max` or `min`."""
        objectives = self.details.get("objectives")
        if objectives:
            return [(goal["metric"], goal["direction"]) for goal in objectives]
        return [(self.details["objective"], self.details["direction"])]

    @property
    def metric(self) -> str:
        """The first of them."""
        return self.goals[0][0]

    def ranked(self) -> list[Trial]:
        """Returns the trials, the best first, then those without a score."""
        by_id = {trial["trial_id"]: trial for trial in self.trials}
        ranking = self.details.get("ranking")
        if ranking is None:
            sign = -1 if self.goals[0][1] == "max" else 1
            known = [trial for trial in self.trials if trial["score"] is not None]
            ranking = [trial["trial_id"] for trial in sorted(known, key=lambda trial: sign * float(trial["score"]))]
        rest = [trial_id for trial_id in by_id if trial_id not in set(ranking)]
        return [by_id[trial_id] for trial_id in (*ranking, *rest)]

    def value(self, trial: Trial, metric: str) -> float | None:
        """Returns a metric at the last epoch of a trial."""
        if metric == self.metric and trial["score"] is not None:
            return float(trial["score"])
        found = trial.get("metrics", {}).get(metric, trial.get(metric))
        return float(found) if isinstance(found, (int, float)) else None

    def measured(self) -> list[str]:
        """Returns the names of all metrics."""
        names = {name: None for trial in self.trials for name in (*trial.get("metrics", {}), "epochs", "seconds")}
        return [self.metric, *(name for name in names if name != self.metric)]

    def scored(self) -> list[Trial]:
        """Returns the trials with a score, in the order of the proposals.

        Raises:
            ConfigError: There is none.
        """
        found = [trial for trial in self.trials if trial["score"] is not None]
        if not found:
            raise ConfigError(
                f"None of the {len(self.trials)} trials has a score, so there is nothing to draw; "
                "view.leaderboard(...).to_frame() has the error of each."
            )
        return found

    def families(self) -> list[str]:
        """Returns the model families, in the order of their first trial; one without a name if there are none."""
        return list(dict.fromkeys(family_of(trial) for trial in self.trials))


def family_of(trial: Trial) -> str:
    """Returns the model family of a trial; an empty text if the search has none."""
    return str(trial["values"].get(FAMILY, ""))


def hyperparameters(trial: Trial) -> dict[str, Any]:
    """Returns the hyperparameters of a trial, without its family and what KerasTuner keeps among them."""
    values: Mapping[str, Any] = trial["values"]
    return {name: value for name, value in values.items() if name != FAMILY and not name.startswith(_INTERNAL)}


def read_search(source: Any, view: str) -> FoundSearch:
    """Reads the search that somebody gave to a view.

    Args:
        source: The output folder of a run, an artifact of type TunerResults, or its URI.
        view: Name of the function, for the message of an error.

    Raises:
        ConfigError: It is none of these, or holds no trials.
    """
    wanted = Wanted(view, "TunerResults", "Tuner", "tuner_results")
    folder = find(source, wanted)
    try:
        return _read(folder, wanted)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise wanted.refuse(f"{folder.uri}, whose files are not those of a search ({error!r})") from error


def _read(folder: Folder, wanted: Wanted) -> FoundSearch:
    details = folder.read(_DETAILS)
    if details is not None:
        found = FoundSearch(json.loads(details))
        if found.trials and found.goals:
            return found
        raise wanted.refuse(f"{folder.uri}, which holds no trials")
    stock = folder.read(_STOCK)
    if stock is None:
        raise wanted.refuse(f"{folder.uri}, which has neither {_DETAILS} nor {_STOCK}")
    return FoundSearch({"objective": "score", "direction": "max", **_of_stock(json.loads(stock))})


def _of_stock(records: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Returns what the stock Tuner's file tells: the best trial first, nothing of epochs and seconds."""
    trials = list(_stock_trials(records))
    return {"trials": trials, "ranking": [trial["trial_id"] for trial in trials]}


def _stock_trials(records: Sequence[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    for record in records:
        values = {name: value for name, value in record.items() if name not in ("trial_id", "score")}
        own = {"trial_id": record["trial_id"], "score": record["score"], "values": values, "metrics": {}}
        yield {**own, "status": "completed", "epochs": None, "seconds": None, "curve": []}
