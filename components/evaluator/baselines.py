"""A model must beat a trivial predictor."""

from collections.abc import Mapping

from tfx_automl.components.evaluator.checks import HIGHER_IS_BETTER, Check, text
from tfx_automl.models.task import TaskKind

MAIN_METRIC: dict[TaskKind, str] = {"binary": "auc", "multiclass": "accuracy", "regression": "rmse"}
TRIVIAL_BASELINE: dict[TaskKind, str] = {"binary": "majority", "multiclass": "majority", "regression": "mean"}

_Metrics = Mapping[str, float | None]


def baseline_check(kind: TaskKind, metrics: _Metrics, baseline: Mapping[str, _Metrics] | None) -> Check:
    """Compares the main metric of a model over all rows with that of a trivial predictor.

    Args:
        kind: The task.
        metrics: Of the model.
        baseline: Of predictors by name; None if none were given, which neither blesses nor refuses.
    """
    metric, trivial = MAIN_METRIC[kind], TRIVIAL_BASELINE[kind]
    name, value = f"baseline:{metric}", metrics.get(metric)
    if baseline is None:
        return Check(name, value, None, None, "Not compared with a trivial baseline: none was given.")
    bound = baseline.get(trivial, {}).get(metric)
    predictor = "always predicting the most frequent class" if trivial == "majority" else "always predicting the mean"
    if value is None or bound is None:
        # A baseline was given, so a comparison was asked for; a gate that cannot judge stays shut.
        return Check(name, value, bound, False, _not_comparable(kind, predictor, value, bound))
    passed = value > bound if metric in HIGHER_IS_BETTER else value < bound
    word = "better" if passed else "not better"
    return Check(name, value, bound, passed, f"{metric} {text(value)} is {word} than {predictor} ({text(bound)}).")


def _not_comparable(kind: TaskKind, predictor: str, value: float | None, bound: float | None) -> str:
    lacking = " and ".join(who for who, number in (("the model", value), ("the baseline", bound)) if number is None)
    advice = " Evaluate on rows of both classes." if kind == "binary" else ""
    return f"{MAIN_METRIC[kind]} must beat that of {predictor}, but could not be computed for {lacking}.{advice}"
