"""From which probability on a row is predicted positive: chosen on rows that the model was not trained on."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from tfx_automl.errors import ModelError
from tfx_automl.models.metrics import DECISION_THRESHOLD
from tfx_automl.models.task import TaskKind

RULES = ("f1", "balanced_accuracy", "accuracy")


def threshold_checks(threshold: float | str) -> Iterator[tuple[bool, str]]:
    """Yields what must hold of a threshold, with the message."""
    known = threshold in RULES if isinstance(threshold, str) else 0 < threshold < 1
    yield known, f"threshold: expected a number between 0 and 1, or one of {', '.join(RULES)}, got {threshold!r}."


def threshold_problems(kind: TaskKind, threshold: float | str) -> list[str]:
    """Returns what is wrong with a threshold for a task: it is no binary one, and the threshold not the default."""
    if kind == "binary" or threshold == DECISION_THRESHOLD:
        return []
    return [f"threshold: a {kind} task has none; got {threshold!r}, so leave it out."]


def threshold_for(threshold: float | str, label: npt.NDArray[Any], probability: npt.NDArray[np.float32]) -> float:
    """Returns a threshold that is given, or the best by a rule; 0.5 where no rule can tell.

    Args:
        threshold: A number, or one of `RULES`.
        label: 1 for positive rows, else 0; shape [rows].
        probability: Of being positive, shape [rows].
    """
    if not isinstance(threshold, str):
        return threshold
    positive = np.asarray(label) == 1
    if not 0 < positive.sum() < len(positive) or not np.isfinite(probability).all():
        return DECISION_THRESHOLD
    return best_threshold(threshold, label, probability)


def best_threshold(rule: str, label: npt.NDArray[Any], probability: npt.NDArray[np.float32]) -> float:
    """Returns the threshold at which a metric is best, over all that tell the rows apart differently.

    Args:
        rule: `f1`, `balanced_accuracy` or `accuracy`.
        label: 1 for positive rows, else 0; shape [rows].
        probability: Of being positive, shape [rows].

    Returns:
        A number that float32 holds exactly, above 0 and up to 1, halfway between the probabilities of two rows; of
        several that are as good, the one nearest to 0.5. Rows with at least this probability are positive.

    Raises:
        ModelError: All rows have the same label, or a probability is not finite.
    """
    positive = np.asarray(label) == 1
    scores = np.asarray(probability, np.float32).reshape(-1)
    if not 0 < positive.sum() < len(positive):
        raise ModelError(
            f"threshold: {rule} needs positive and negative rows to choose by, but the eval split has"
            f" {int(positive.sum())} positive ones of {len(positive)}; give a number such as 0.5."
        )
    if not np.isfinite(scores).all():
        raise ModelError(f"threshold: the model predicts NaN or infinity, so that {rule} cannot be told.")
    cuts, hits, chosen = cuts_of(scores, positive)
    value = metric_at(rule, hits, chosen, int(positive.sum()), len(positive))
    nearest_first = np.lexsort((np.abs(cuts - 0.5), -value))
    return float(cuts[nearest_first[0]])


def cuts_of(
    scores: npt.NDArray[np.float32], positive: npt.NDArray[np.bool_]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Returns every threshold that tells rows apart, and how many rows are positive from it on.

    Args:
        scores: Probabilities, finite, shape [rows].
        positive: Which rows truly are, shape [rows].

    Returns:
        The thresholds, falling; the number of truly positive rows that are predicted positive at each; and of all that
        are, each of shape [thresholds].
    """
    order = np.argsort(-scores, kind="stable")
    falling = scores[order].astype(np.float64)
    ends = np.flatnonzero(np.append(np.diff(falling) != 0, True))
    hits = np.append(0, np.cumsum(positive[order])[ends])
    chosen = np.append(0, ends + 1)
    upper = np.append(1.0, falling[ends])
    lower = np.append(falling[ends], 0.0)
    # Halfway, but as float32, which may round down to the very row that is to stay below.
    halfway = ((upper + lower) / 2).astype(np.float32).astype(np.float64)
    cuts = np.where(halfway > lower, halfway, upper)
    possible = upper > lower
    return cuts[possible], hits[possible], chosen[possible]


def metric_at(
    rule: str, hits: npt.NDArray[np.int64], chosen: npt.NDArray[np.int64], positives: int, rows: int
) -> npt.NDArray[np.float64]:
    """Returns a metric for several ways to choose positive rows.

    Args:
        rule: One of `RULES`.
        hits: How many truly positive rows are predicted positive, shape [ways].
        chosen: How many rows are, shape [ways].
        positives: How many truly are.
        rows: How many there are.
    """
    if rule == "f1":
        return np.asarray(2 * hits / (chosen + positives), np.float64)
    negatives = rows - positives
    rejected = negatives - (chosen - hits)
    if rule == "balanced_accuracy":
        return np.asarray((hits / positives + rejected / negatives) / 2, np.float64)
    return np.asarray((hits + rejected) / rows, np.float64)
