"""Measures fairness gaps of the eval split, epoch by epoch: all rows at once, no Python per row."""

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from tfx_automl.errors import ConfigError
from tfx_automl.models.data import TrainingData
from tfx_automl.models.fairness import GapDefinition, GapMetric, find_gap, gap_by_class, worst_class
from tfx_automl.models.groups import Group, group_text
from tfx_automl.models.metrics import DECISION_THRESHOLD
from tfx_automl.models.slice_codes import open_codes
from tfx_automl.models.slice_rows import SliceRows
from tfx_automl.models.thresholds import threshold_for

_SHOWN = 5
_NEEDED = {"tpr": ", some of them positive", "fpr": ", some of them negative", "auc": " of both classes"}

_Floats = npt.NDArray[np.float64]


class GapMeter:
    """Measures the gaps that are asked for; one meter serves all trials of a process.

    The definitions are the Evaluator's, with one difference: a ratio that is not defined because no group ever gets the
    positive prediction counts as 0, its worst value, so that a model that has hardly begun to learn does not end its
    trial.

    Args:
        data: Training data with groups.
        measures: Names of metrics of an epoch; those that are no gaps are ignored.
        threshold: Of a binary task: from which probability on a row is predicted positive, or a rule of
            `models.thresholds` to choose that by.

    Raises:
        ConfigError: A gap is of a group that there is not.
    """

    def __init__(
        self, data: TrainingData, measures: Sequence[str] = (), threshold: float | str = DECISION_THRESHOLD
    ) -> None:
        found = [find_gap(name, data.task, data.groups.sensitive) for name in measures]
        self._gaps = dict.fromkeys(gap for gap in found if gap is not None)
        self._groups = data.groups.sensitive if any(gap.group is None for gap in self._gaps) else ()
        named = dict.fromkeys((*self._groups, *(gap.group for gap in self._gaps if gap.group)))
        self._smallest = data.groups.min_slice_size
        self._classes = len(data.task.classes)
        self._threshold = threshold
        self._label = label = data.split("eval").label
        self._slices = {group: SliceRows(open_codes(data, group), label, self._smallest) for group in named}

    def check(self) -> None:
        """Makes sure that every gap can be measured whatever a model predicts.

        Raises:
            ConfigError: With a line for every metric that fewer than two slices of a group have, because the others are
                too small or of one class only. Of several classes, one that two slices have is enough.
        """
        problems = dict.fromkeys(
            self._problem(gap, group, metric)
            for gap in self._gaps
            for group in self._of(gap)
            for metric, *names in zip(gap.definition.metrics, *gap.definition.columns(self._classes), strict=True)
            if max(map(self._slices[group].defined, names)) < 2
        )
        if problems:
            raise ConfigError(problems)

    def _problem(self, gap: GapMetric, group: Group, metric: str) -> str:
        sizes = ", ".join(map(str, self._slices[group].sizes[:_SHOWN]))
        rows = ", with a class that both have" if gap.definition.by_class else _NEEDED.get(metric, "")
        return (
            f"{gap.name} cannot be measured: {metric} is compared between groups of {group_text(group)} with at least"
            f" {self._smallest} rows{rows}, and the eval split has fewer than two of these (rows of its groups, the"
            f" largest first: {sizes}). Give the eval split a larger share of the rows, lower min_slice_size, or leave"
            f" {group_text(group)} out."
        )

    def measure(self, prediction: npt.NDArray[np.float32]) -> dict[str, float]:
        """Returns the gaps by name: the worst of all groups, and of every group by itself.

        Args:
            prediction: Of all rows of the eval split, as for `metrics_of`.

        Returns:
            NaN where a gap is not defined, and everywhere if a prediction is not finite.
        """
        finite = bool(np.isfinite(prediction).all())
        threshold = threshold_for(self._threshold, self._label, prediction)
        by_group = {
            group: slices.of(prediction, threshold) if finite else None for group, slices in self._slices.items()
        }
        found: dict[str, float] = {}
        for gap in self._gaps:
            columns = gap.definition.columns(self._classes)
            of_groups = {group: _value(gap.definition, columns, by_group[group]) for group in self._of(gap)}
            worst = np.max if gap.definition.kind == "difference" else np.min
            found |= {GapMetric(gap.definition, group).name: value for group, value in of_groups.items()}
            found[gap.name] = float(worst(list(of_groups.values())))  # NaN if one is
        return found

    def _of(self, gap: GapMetric) -> Sequence[Group]:
        return self._groups if gap.group is None else (gap.group,)


def _value(
    definition: GapDefinition, names: Sequence[Sequence[str]], metrics: Callable[[str], _Floats] | None
) -> float:
    if metrics is None:
        return float("nan")
    columns = [[found[~np.isnan(found)].tolist() for found in map(metrics, of_one)] for of_one in names]
    worst = worst_class(definition, columns)
    value = None if worst is None else gap_by_class(definition, columns)[worst]
    if value is None and definition.kind == "ratio" and len(columns[0][0]) >= 2:
        return 0.0
    return float("nan") if value is None else value
