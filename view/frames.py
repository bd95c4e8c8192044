"""From predictions in a DataFrame to the content of a fairness report, by the Evaluator's own definitions."""

from collections.abc import Sequence
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import numpy.typing as npt

from tfx_automl.errors import ConfigError, DataError
from tfx_automl.models.groups import Group, value_text
from tfx_automl.models.task import TaskKind, TaskSpec
from tfx_automl.view.columns import FrameColumns

if TYPE_CHECKING:
    from tfx_automl.components.evaluator.measured import Measured
    from tfx_automl.components.evaluator.slices import Evaluation

_MOST_VALUES = 200
_REPLICATES = 200
_FEWEST_FOR_REGRESSION = 10


def report_of(frame: Any, columns: FrameColumns) -> dict[str, Any]:
    """Evaluates predictions.

    Args:
        frame: One row each.
        columns: Which column is what.

    Returns:
        As `report.json` has it.

    Raises:
        ConfigError: A column is missing, or an argument does not fit.
        DataError: A value is missing or impossible.
    """
    from tfx_automl.components.evaluator.columnar.engine import measure
    from tfx_automl.components.evaluator.options import EvaluatorOptions
    from tfx_automl.components.evaluator.outcome import decide, to_json
    from tfx_automl.components.evaluator.predictions import Predictions

    groups = columns.groups(frame)
    if not len(frame):
        raise DataError("fairness: the DataFrame has no rows; expected one for each prediction.")
    task = _task(frame, columns)
    options = EvaluatorOptions(
        task,
        groups,
        max_gaps=columns.max_gaps or {},
        min_slice_size=columns.min_slice_size,
        example_splits=("DataFrame",),
        replicates=_REPLICATES,
        cuts=columns.cuts or {},
    )
    features = {
        name: _feature(frame[name], name, options.cuts.get(name))
        for name in sorted({name for group in groups for name in group})
    }
    rows = Predictions(_label(frame, columns, task), _score(frame, columns, task), features)
    found = measure(rows, options.plan(columns.threshold))
    return to_json(decide(options, _evaluation(found, task, groups), None, columns.threshold))


def _evaluation(found: "Sequence[Measured]", task: TaskSpec, groups: Sequence[Group]) -> "Evaluation":
    from tfx_automl.components.evaluator.intervals import spread_samples
    from tfx_automl.components.evaluator.measured import Details
    from tfx_automl.components.evaluator.slices import EXAMPLE_COUNT, read_evaluation

    details = {
        part.key: Details(spread_samples(part.model.samples, part.model.metrics, part.rows), part.histogram)
        for part in found
    }
    slices = [
        (part.key, {"": {"": {name: {"doubleValue": value} for name, value in numbers.items()}}})
        for part in found
        for numbers in [{**part.model.metrics, EXAMPLE_COUNT: part.rows}]
    ]
    return read_evaluation(SimpleNamespace(slicing_metrics=slices), task, groups, details)


def _task(frame: Any, columns: FrameColumns) -> TaskSpec:
    labels = frame[columns.label]
    if labels.isna().any():
        raise DataError(
            f"fairness: {labels.isna().sum()} of {len(frame)} rows have no {columns.label!r}; leave them out."
        )
    values = sorted(labels.unique().tolist(), key=lambda value: (isinstance(value, str), value))
    kind = _kind(labels, len(values), columns)
    if kind == "regression":
        return TaskSpec(kind, columns.label)
    if kind == "multiclass" and len(columns.predictions) < 3:
        raise ConfigError(
            "fairness: prediction: expected a list with one column for each of 3 or more classes, got "
            f"{list(columns.predictions)}."
        )
    if kind == "multiclass":
        return TaskSpec(kind, columns.label, columns.predictions)
    if len(values) > 2 or (columns.positive is None and len(values) < 2):
        found = ", ".join(map(value_text, values[:5]))
        raise DataError(
            f"fairness: a binary task needs two different values of {columns.label!r}; got {len(values)}: "
            f"{found}. For several classes, give prediction a list with a column for each."
        )
    positive = value_text(values[-1] if columns.positive is None else columns.positive)
    others = [value_text(value) for value in values if value_text(value) != positive] or [f"not {positive}"]
    if len(others) > 1:
        raise ConfigError(
            f"fairness: positive: expected a value of {columns.label!r}, {' or '.join(others)}; got {positive!r}."
        )
    return TaskSpec(kind, columns.label, (others[0], positive))


def _kind(labels: Any, different: int, columns: FrameColumns) -> TaskKind:
    if columns.task != "auto":
        return cast(TaskKind, columns.task)
    if not isinstance(columns.prediction, str):
        return "multiclass"
    is_number = labels.dtype.kind in "iuf"
    return "regression" if is_number and different >= _FEWEST_FOR_REGRESSION else "binary"


def _label(frame: Any, columns: FrameColumns, task: TaskSpec) -> npt.NDArray[Any]:
    if task.kind == "regression":
        return _numbers(frame, columns.label)
    known = {name: place for place, name in enumerate(task.classes)}
    texts = [value_text(value) for value in frame[columns.label].tolist()]
    unknown = sorted(set(texts) - set(known))
    if unknown:
        raise DataError(
            f"fairness: the label {columns.label!r} has values such as {unknown[0]!r}, but the classes are "
            f"{', '.join(task.classes)}; name the columns of prediction like the values of the label."
        )
    return np.array([known[name] for name in texts], np.int64)


def _score(frame: Any, columns: FrameColumns, task: TaskSpec) -> npt.NDArray[np.float64]:
    names = columns.predictions
    if task.kind != "multiclass" and len(names) != 1:
        raise ConfigError(f"fairness: prediction: expected one column for a {task.kind} task, got {list(names)}.")
    found = np.stack([_numbers(frame, name) for name in names], axis=1)
    if task.kind != "regression" and not ((found >= 0) & (found <= 1)).all():
        raise DataError(
            f"fairness: prediction: expected probabilities from 0 to 1, got values from {found.min():.4g} to "
            f"{found.max():.4g} in {', '.join(names)}. For logits, apply a sigmoid or softmax first; for predicted "
            "numbers, give task='regression'."
        )
    return found if task.kind == "multiclass" else found[:, 0]


def _numbers(frame: Any, name: str) -> npt.NDArray[np.float64]:
    try:
        found: npt.NDArray[np.float64] = frame[name].to_numpy(dtype=np.float64, na_value=np.nan)
    except (TypeError, ValueError) as error:
        raise DataError(f"fairness: the column {name!r} must hold numbers; {error}.") from error
    if not np.isfinite(found).all():
        lacking = (~np.isfinite(found)).sum()
        raise DataError(f"fairness: {lacking} of {len(found)} rows have no finite number in {name!r}; leave them out.")
    return found


def _feature(values: Any, name: str, points: Sequence[float] | None) -> Any:
    from tfx_automl.components.evaluator.predictions import Column

    if points is not None:
        return Column.of_batches([_cut(values, points, name)])
    different = values.nunique()
    if different > _MOST_VALUES:
        raise DataError(
            f"fairness: the sensitive column {name!r} has {different:,} different values; expected {_MOST_VALUES} at "
            f"most. Cut numbers into ranges, as by cuts={{{name!r}: [10, 20]}}, or name other columns as sensitive."
        )
    plain = values.astype(object).where(values.notna(), None)
    kept = [value if value is None or isinstance(value, (str, int, float)) else str(value) for value in plain]
    return Column.of([str(value) if isinstance(value, bool) else value for value in kept])


def _cut(values: Any, points: Sequence[float], name: str) -> Any:
    import pyarrow as pa

    from tfx_automl.components.sensitive import cut_values

    if values.dtype.kind not in "iuf":
        raise ConfigError(f"fairness: cuts: the column {name!r} must hold numbers to be cut; got {values.dtype}.")
    return cut_values(pa.array(values.to_numpy(), from_pandas=True), points, name)
