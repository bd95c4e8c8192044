"""Drawings of a search: how it went on, the curve of every trial, and one metric against another."""

import math
from collections.abc import Sequence
from typing import Any

from tfx_automl.components.evaluator.report.markup import Markup, join
from tfx_automl.errors import ConfigError
from tfx_automl.view.search import FoundSearch, Trial, family_of, read_search
from tfx_automl.view.shown import View
from tfx_automl.view.svg import BLUE, COLOURS, GREY, INK, ORANGE, Axis, Plane, dot, path, picture
from tfx_automl.view.tables import number


def progress(source: Any) -> View:
    """Draws the score of every trial, in the order of the proposals, and the best so far.

    Args:
        source: As for `leaderboard`.

    Raises:
        ConfigError: The source is not one of these, or no trial has a score.
    """
    found = read_search(source, "progress")
    rows = tuple(
        {"trial_id": trial["trial_id"], "family": family_of(trial), "score": score, "best": best}
        for (trial, score), best in zip(_scores(found), _best_so_far(found), strict=True)
    )
    return View("Progress of the search", progress_picture(found), rows)


def progress_picture(found: FoundSearch) -> Markup:
    """Returns the drawing of `progress`."""
    scores, best = _scores(found), _best_so_far(found)
    known = [score for _, score in scores]
    plane = Plane(Axis.over([0, len(scores) - 1]), Axis.over(known))
    steps = [plane.at(0, best[0])]
    for place in range(1, len(best)):
        steps += [plane.at(place, best[place - 1]), plane.at(place, best[place])]
    colours = _colours(found)
    dots = [
        dot(*plane.at(place, score), colours[family_of(trial)], _words(found, trial), radius=_radius(trial))
        for place, (trial, score) in enumerate(scores)
    ]
    title = "Progress: every trial, larger where it trained longer; the line is the best so far"
    frame = plane.frame(title, "trials with a score, in the order of the proposals", found.metric)
    alt = f"Progress of the search: {len(scores)} trials, {found.metric} from {number(best[0])} to {number(best[-1])}."
    return picture([*frame, path(steps, INK, 1.4), *dots, _legend(plane, colours)], plane.width, plane.height, alt)


def curves(source: Any) -> View:
    """Draws the objective of every trial by epoch; the best one stands out.

    Args:
        source: As for `leaderboard`.

    Raises:
        ConfigError: The source is not one of these, or has no curves, as the stock Tuner's has not.
    """
    found = read_search(source, "curves")
    known = {str(trial["trial_id"]): _points(trial, found.metric) for trial in found.ranked()}
    known = {trial_id: points for trial_id, points in known.items() if points}
    if not known:
        raise ConfigError(f"curves: no trial has {found.metric} by epoch; leaderboard and progress show what there is.")
    rows = [
        {"trial_id": trial_id, "epoch": epoch, found.metric: value}
        for trial_id, points in known.items()
        for epoch, value in points
    ]
    return View("Learning curves", _curves_picture(known, found.metric), tuple(rows))


def _curves_picture(known: dict[str, list[tuple[float, float]]], metric: str) -> Markup:
    every = [point for points in known.values() for point in points]
    plane = Plane(Axis.over([x for x, _ in every]), Axis.over([y for _, y in every]))
    best, *others = known
    parts = plane.frame("Learning curves of all trials", "epoch", metric)
    for trial_id in (*reversed(others), best):
        colour, width, radius = (BLUE, 2.6, 3.2) if trial_id == best else (GREY, 1.2, 1.8)
        places = [plane.at(*point) for point in known[trial_id]]
        words = f"trial {trial_id}"
        parts += [path(places, colour, width), *(dot(*place, colour, words, radius=radius) for place in places)]
    parts.append(plane.legend([(f"trial {best}, the best", BLUE), ("other trials", GREY)]))
    alt = f"Learning curves of {len(known)} trials: {metric} by epoch; trial {best} is the best."
    return picture(parts, plane.width, plane.height, alt)


def pareto(source: Any, *, x: str | None = None, y: str | None = None) -> View:
    """Draws one metric of the trials against another; of the goals of the search, also those that no trial dominates.

    Args:
        source: As for `leaderboard`.
        x: A metric of the trials, `epochs` or `seconds`; the second goal of the search unless given.
        y: Likewise; the first goal unless given.

    Raises:
        ConfigError: The source is not one of these, there is no such metric, or the search has one goal and `x` is
            not given.
    """
    found = read_search(source, "pareto")
    across = x or (found.goals[1][0] if len(found.goals) > 1 else "")
    up = y or found.metric
    if not across:
        raise ConfigError(
            f"pareto: the search has one goal, {found.metric}; expected x, a metric to draw it against: "
            f"{', '.join(found.measured()[1:])}."
        )
    for name in (across, up):
        if all(found.value(trial, name) is None for trial in found.trials):
            raise ConfigError(f"pareto: no trial has a metric {name!r}; there are {', '.join(found.measured())}.")
    front = set(found.details.get("pareto_front") or ()) if len(found.goals) > 1 else set()
    rows = [
        {
            "trial_id": trial["trial_id"],
            "family": family_of(trial),
            up: b,
            across: a,
            "front": trial["trial_id"] in front,
        }
        for trial, a, b in _pairs(found, across, up)
    ]
    return View("Pareto front", pareto_picture(found, across, up), tuple(rows))


def pareto_picture(found: FoundSearch, across: str, up: str) -> Markup:
    """Returns the drawing of `pareto`."""
    pairs = _pairs(found, across, up)
    xs = [a for _, a, _ in pairs]
    log = min(xs) > 0 and max(xs) / min(xs) > 50
    plane, colours = Plane(Axis.over(xs, log=log), Axis.over([b for _, _, b in pairs])), _colours(found)
    is_front = {across, up} == {metric for metric, _ in found.goals[:2]}
    front = set(found.details.get("pareto_front") or ()) if is_front else set()
    edge = sorted((a, b) for trial, a, b in pairs if trial["trial_id"] in front)
    dots = [
        dot(*plane.at(a, b), colours[family_of(trial)], _words(found, trial), ring=trial["trial_id"] in front)
        for trial, a, b in pairs
    ]
    title = f"{up} against {across}" + ("; ringed: no other trial is better in all goals" if front else "")
    frame = plane.frame(title, across + (" (logarithmic)" if log else ""), up)
    line = [path([plane.at(*point) for point in edge], ORANGE, 1.4)] if edge else []
    alt = f"{up} against {across} of {len(pairs)} trials; {len(edge)} are on the Pareto front."
    return picture([*frame, *line, *dots, _legend(plane, colours)], plane.width, plane.height, alt)


def _pairs(found: FoundSearch, across: str, up: str) -> list[tuple[Trial, float, float]]:
    every = ((trial, found.value(trial, across), found.value(trial, up)) for trial in found.trials)
    return [(trial, a, b) for trial, a, b in every if a is not None and b is not None]


def _scores(found: FoundSearch) -> list[tuple[Trial, float]]:
    return [(trial, float(trial["score"])) for trial in found.scored()]


def _best_so_far(found: FoundSearch) -> list[float]:
    """Returns the best score among the first trial, the first two, and so on, within the bounds once there is one."""
    sign = 1 if found.goals[0][1] == "max" else -1
    best: list[tuple[bool, float]] = []
    for trial, score in _scores(found):
        key = (trial.get("feasible") is not False, sign * score)
        best.append(max(key, best[-1]) if best else key)
    return [sign * score for _, score in best]


def _points(trial: Trial, metric: str) -> list[tuple[float, float]]:
    found: Sequence[Any] = trial.get("curve") or ()
    return [(float(epoch["epoch"]), float(epoch[metric])) for epoch in found if epoch.get(metric) is not None]


def _colours(found: FoundSearch) -> dict[str, str]:
    return {family: COLOURS[place % len(COLOURS)] for place, family in enumerate(found.families())}


def _legend(plane: Plane, colours: dict[str, str]) -> Markup:
    return plane.legend(list(colours.items())) if any(colours) else join([])


def _radius(trial: Trial) -> float:
    return 3.0 + min(5.0, 0.9 * math.sqrt(trial["epochs"] or 1))


def _words(found: FoundSearch, trial: Trial) -> str:
    return f"trial {trial['trial_id']}: {found.metric} {number(trial['score'])}, {number(trial['epochs'])} epochs"
