"""What is measured of a model beside the task's own metrics: size, latency, any metric of Keras."""

import re
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from tfx_automl.errors import ConfigError
from tfx_automl.models.fairness import GAPS, find_gap, gaps_of, is_gap
from tfx_automl.models.metrics import METRICS
from tfx_automl.models.task import TaskKind, TaskSpec
from tfx_automl.search.objective import Constraint, Objective, Objectives

SIZES = ("parameters", "model_bytes")
LATENCY = "latency_ms"
_LATENCY_RUNS = 30
_COMMA = re.compile(r",(?![^\[\]]*\])")  # not those of a crossing in brackets
_GOAL = re.compile(r"\s*(.*?)(?::(\w+))?\s*")


def objectives_of(
    task: TaskSpec,
    objective: str | None = None,
    constraints: Sequence[str] = (),
    sensitive: Sequence[Sequence[str]] = (),
) -> Objectives:
    """Returns what trials of a task are judged by.

    Args:
        task: What is to be predicted.
        objective: One metric or, separated by commas, several, each as `NAME`, `NAME:max` or `NAME:min`; a metric on
            the eval split with or without `val_` in front. None takes the task's own.
        constraints: Texts such as `latency_ms<=2` or `val_equalized_odds_difference<=0.1`.
        sensitive: Groups of sensitive features, for fairness gaps.

    Raises:
        ConfigError: A metric does not exist, or a text cannot be read.
    """

    def name_of(what: str, name: str) -> str:
        return _metric_name(what, name, task, sensitive)

    return read_objectives(objective or task.default_objective, constraints, name_of)


def read_objectives(objective: str, constraints: Sequence[str], name_of: Callable[[str, str], str]) -> Objectives:
    """Reads goals and bounds from their texts.

    Args:
        objective: One or, separated by commas, several of `NAME`, `NAME:max` and `NAME:min`.
        constraints: Texts such as `latency_ms<=2`.
        name_of: From what is read (`objective` or `constraint`) and a name as a user writes it to the name among the
            metrics of an epoch.

    Raises:
        ConfigError: A text cannot be read; or what `name_of` raises.
    """
    goals = [Objective(name_of("objective", name), direction or "auto") for name, direction in _goals(objective)]
    bounds = [Constraint.parse(text) for text in constraints]
    return Objectives(
        tuple(goals), tuple(replace(bound, metric=name_of("constraint", bound.metric)) for bound in bounds)
    )


def needs_groups(task: TaskSpec, objective: str | None, constraints: Sequence[str]) -> bool:
    """Tells whether an objective or a constraint is a fairness gap, so that sensitive features are needed.

    Raises:
        ConfigError: A constraint cannot be read.
    """
    names = [name for name, _ in _goals(objective or "")] + [Constraint.parse(text).metric for text in constraints]
    return any(is_gap(name, task.kind) for name in names)


def _goals(objective: str) -> list[tuple[str, str | None]]:
    """Returns the name of each metric, and its direction if one is given."""
    return [(match[1], match[2]) for text in _COMMA.split(objective) if (match := _GOAL.fullmatch(text))]


def _metric_name(what: str, name: str, task: TaskSpec, sensitive: Sequence[Sequence[str]]) -> str:
    """Returns the name among the metrics of an epoch.

    Args:
        what: `objective` or `constraint`; stands in messages.
        name: One of the task's `METRICS` or `GAPS` with or without `val_` in front, `parameters`, `model_bytes`,
            `latency_ms`, or the name of a Keras metric such as `f1_score`.
        task: What is to be predicted.
        sensitive: Groups of sensitive features.

    Raises:
        ConfigError: There is no such metric.
    """
    if name in (*SIZES, LATENCY):
        return name
    try:
        gap = find_gap(name, task, sensitive)
    except ConfigError as error:
        raise ConfigError(f"{what}: {error}") from error
    if gap is not None:
        return gap.name
    short = name.removeprefix("val_")
    if short not in METRICS[task.kind] and not _known_to_keras(short):
        gaps = tuple(f"val_{each.name}" for each in gaps_of(task.kind, task.classes))
        known = ", ".join((*own_metrics(task.kind), *SIZES, LATENCY, *gaps))
        raise ConfigError(
            f"{what}: a {task.kind} task has no metric {name!r}; expected one of {known}, or the name of a Keras"
            " metric such as val_f1_score."
        )
    return f"val_{short}"


def judged_by_decisions(names: Sequence[str], kind: TaskKind) -> bool:
    """Tells whether a metric depends on which rows of a binary task are predicted positive."""
    gaps = {f"val_{gap.name}": not {"auc"}.issuperset(gap.metrics) for gap in GAPS[kind]}
    decided = {"val_accuracy", "val_precision", "val_recall", *(name for name, depends in gaps.items() if depends)}
    return kind == "binary" and any(name.split("[")[0] in decided for name in names)


def own_metrics(kind: TaskKind) -> tuple[str, ...]:
    """Returns the names of the metrics on the eval split that every epoch has."""
    return tuple(f"val_{name}" for name in METRICS[kind])


def keras_metrics(names: Sequence[str], task: TaskSpec) -> list[str]:
    """Returns which of the names need Keras to be computed."""
    own = own_metrics(task.kind)
    return [name for name in names if name.startswith("val_") and name not in own and not is_gap(name, task.kind)]


def sizes_of(model: Any) -> dict[str, float]:
    """Returns the number of parameters, and the bytes of all weights."""
    weights = model.weights
    return {
        "parameters": float(sum(np.prod(w.shape) for w in weights)),
        "model_bytes": float(sum(np.prod(w.shape) * np.dtype(w.dtype).itemsize for w in weights)),
    }


def latency_ms(predict: Callable[[dict[str, Any]], Any], row: dict[str, npt.NDArray[Any]]) -> float:
    """Returns how long a prediction for one row takes, in milliseconds.

    The fastest of several counts: what else a machine does can only make it slower.

    Args:
        predict: The compiled prediction.
        row: Its input, with one row.
    """
    predict(row)
    seconds = []
    for _ in range(_LATENCY_RUNS):
        started = time.perf_counter()
        np.asarray(predict(row))
        seconds.append(time.perf_counter() - started)
    return min(seconds) * 1000


def keras_metric(name: str, task: TaskSpec, label: npt.NDArray[Any], prediction: npt.NDArray[Any]) -> float:
    """Returns a Keras metric of a whole split; the mean over classes where it has a value for each.

    Args:
        name: Such as `f1_score`, as `keras.metrics.get` takes it.
        task: What was predicted.
        label: Class index or target, shape [rows].
        prediction: As for `metrics_of`.
    """
    import keras

    if task.kind == "multiclass" and not name.startswith("sparse_"):
        truth: npt.NDArray[Any] = np.eye(len(task.classes), dtype=np.float32)[label]
    else:
        truth = np.asarray(label, np.float32).reshape(len(label), -1)
    guess = prediction.reshape(len(label), -1)
    metric = keras.metrics.get(name)
    if isinstance(metric, keras.metrics.Metric):
        metric.update_state(truth, guess)
        return float(np.mean(np.asarray(metric.result())))
    return float(np.mean(np.asarray(metric(truth, guess))))


def _known_to_keras(name: str) -> bool:
    import keras

    try:
        return keras.metrics.get(name) is not None
    except (ValueError, TypeError):  # unknown, or one that needs arguments
        return False
