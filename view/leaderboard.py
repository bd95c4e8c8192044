"""The trials of a search side by side."""

import re
from collections.abc import Mapping
from typing import Any

from tfx_automl.components.evaluator.report.markup import Markup, element
from tfx_automl.errors import ConfigError
from tfx_automl.view.plots import pareto_picture, progress_picture
from tfx_automl.view.search import FoundSearch, Trial, family_of, hyperparameters, read_search
from tfx_automl.view.shown import View
from tfx_automl.view.tables import Column, heading, note, number, seconds, setting, subheading, table


def leaderboard(source: Any, *, limit: int = 20) -> View:
    """Shows the trials of a search, the best first, how the search went, and its Pareto front if it has several goals.

    Args:
        source: The output folder of a run; an artifact of type TunerResults, the stock Tuner's too; or its URI.
        limit: The most trials to show; `to_frame` has all.

    Raises:
        ConfigError: The source is none of these.
    """
    if limit < 1:
        raise ConfigError(f"leaderboard: expected a limit of 1 or more trials, got {limit}.")
    found = read_search(source, "leaderboard")
    parts = [heading(_title(found)), _how(found)]
    if len(found.families()) > 1:
        parts += [subheading("Families"), _family_table(found)]
    parts += [subheading("Trials"), _trial_table(found, limit)]
    if any(trial["score"] is not None for trial in found.trials):
        parts.append(progress_picture(found))
        if len(found.goals) > 1:
            parts.append(pareto_picture(found, found.goals[0][0], found.goals[1][0]))
    rows = tuple(_row(found, place, trial) for place, trial in enumerate(found.ranked(), start=1))
    return View("Leaderboard", element("div", *parts), rows)


def _title(found: FoundSearch) -> str:
    epochs = found.details.get("total_epochs")
    spent = f" with {epochs:,} epochs" if epochs else ""
    goals = ", ".join(
        f"{metric} ({'higher' if direction == 'max' else 'lower'} is better)" for metric, direction in found.goals
    )
    return f"Leaderboard: {len(found.trials)} trials{spent}, best by {goals}"


def _how(found: FoundSearch) -> Markup:
    details = found.details
    failed = sum(trial["status"] == "failed" for trial in found.trials)
    facts = [
        f"{failed} of the trials failed" if failed else "",
        f"bounds: {', '.join(details['constraints'])}" if details.get("constraints") else "",
        f"ended by: {details['stop_reason']}" if details.get("stop_reason") else "",
        f"{details['seconds']:,.0f} s" if details.get("seconds") else "",
    ]
    return note("; ".join(fact for fact in facts if fact))


def _family_table(found: FoundSearch) -> Markup:
    ranked = found.ranked()
    best = {family: next(trial for trial in ranked if family_of(trial) == family) for family in found.families()}
    rows = []
    for family in sorted(best, key=lambda name: ranked.index(best[name])):
        own = [trial for trial in found.trials if family_of(trial) == family]
        sums = [
            number(sum(trial["epochs"] or 0 for trial in own)),
            seconds(sum(trial["seconds"] or 0 for trial in own)),
        ]
        rows.append([family, number(best[family]["score"]), str(best[family]["trial_id"]), str(len(own)), *sums])
    titles = ("best " + found.metric, "in trial", "trials", "epochs", "seconds")
    return table([Column("family", True), *map(Column, titles)], rows, strong=1)


def _trial_table(found: FoundSearch, limit: int) -> Markup:
    metrics = _shown_metrics(found)
    families = any(found.families())
    columns = [Column("rank"), Column("trial"), *([Column("family", True)] if families else [])]
    columns += [*map(Column, metrics), Column("epochs"), Column("seconds"), Column("hyperparameters", True)]
    ranked = found.ranked()
    rows = []
    for place, trial in enumerate(ranked[:limit], start=1):
        start = [str(place) if trial["score"] is not None else "–", str(trial["trial_id"])]
        start += [family_of(trial)] if families else []
        numbers = [number(found.value(trial, metric)) for metric in metrics]
        ends = [number(trial["epochs"]), seconds(trial["seconds"]), _words(trial)]
        rows.append([*start, *numbers, *ends])
    more = len(ranked) - len(rows)
    return table(columns, rows, f"{more} more are in to_frame()." if more else "", strong=1)


def _shown_metrics(found: FoundSearch) -> list[str]:
    """Returns the metrics that were optimised and, after them, those that were bounded."""
    bounded = [re.split("<=|>=", text)[0].strip() for text in found.details.get("constraints") or ()]
    return list(dict.fromkeys([*(metric for metric, _ in found.goals), *bounded]))


def _words(trial: Trial) -> str:
    values = ", ".join(f"{name} = {setting(value)}" for name, value in hyperparameters(trial).items())
    if trial["status"] == "failed":
        lines = str(trial.get("error") or "").strip().splitlines()
        return f"FAILED ({lines[-1] if lines else 'no message'}): {values}"
    return f"(breaks a bound) {values}" if trial.get("feasible") is False else values


def _row(found: FoundSearch, place: int, trial: Trial) -> Mapping[str, Any]:
    own = {"trial_id": trial["trial_id"], "status": trial["status"], "epochs": trial["epochs"]}
    scores = {metric: found.value(trial, metric) for metric in _shown_metrics(found)}
    family = {"family": family_of(trial)} if any(found.families()) else {}
    facts = {"seconds": trial["seconds"], "feasible": trial.get("feasible"), "error": trial.get("error")}
    rank = place if trial["score"] is not None else None
    return {"rank": rank, **own, **family, **scores, **facts, **hyperparameters(trial)}
