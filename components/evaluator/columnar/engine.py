"""Evaluates predictions: every metric of every slice, and of every replicate of the bootstrap."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from tfx_automl.components.evaluator.columnar.auc import SlicedAuc
from tfx_automl.components.evaluator.columnar.bootstrap import Hashes, counts, distinct, row_hashes
from tfx_automl.components.evaluator.columnar.cells import Cells, cell_hash, divide
from tfx_automl.components.evaluator.columnar.class_counts import SlicedClasses
from tfx_automl.components.evaluator.columnar.confusion import Confusion, confusions_of
from tfx_automl.components.evaluator.columnar.curves import histograms_of
from tfx_automl.components.evaluator.columnar.flips import flips_of
from tfx_automl.components.evaluator.columnar.sums import ROWS, Floats, metrics_from, summands_of
from tfx_automl.components.evaluator.measured import Measured, Model
from tfx_automl.components.evaluator.plan import EvaluationPlan
from tfx_automl.components.evaluator.predictions import Predictions

# The models that are measured: the one that is evaluated, another one, and the first with one threshold for all rows.
MODEL, OTHER, AT_COMMON = "model", "other", "at_common"

# Of each slicing the metrics by name, shape [weightings, slices].
_Sliced = Sequence[Mapping[str, Floats]]


def measure(predictions: Predictions, plan: EvaluationPlan, hashes: Hashes | None = None) -> list[Measured]:
    """Computes the metrics of all slices.

    Args:
        predictions: At least one row.
        plan: What to measure.
        hashes: Of the rows, see `bootstrap.row_hashes`; None makes them.

    Returns:
        All rows, then the slices of every group.
    """
    cells = divide(predictions.features, plan.sensitive, len(predictions))
    order = np.argsort(cells.of_row, kind="stable")
    rows, cells = predictions.take(order), replace(cells, of_row=cells.of_row[order])
    models = {MODEL: _Metrics(rows, plan, cells, plan.threshold)}
    if rows.other is not None:
        models[OTHER] = _Metrics(rows.of_other, plan, cells, plan.other_threshold)
    if rows.threshold is not None:
        models[AT_COMMON] = _Metrics(replace(rows, threshold=None), plan, cells, plan.threshold, ranks=False)
    found = _Found(
        cells,
        {name: model.of(np.ones((1, len(rows)))) for name, model in models.items()},
        _replicated(models, lambda: _hashes(rows, cells) if hashes is None else hashes[order], plan.replicates),
        confusions_of(rows, cells) if plan.task.kind == "multiclass" else [],
        histograms_of(rows, cells) if plan.task.kind == "binary" else [],
        flips_of(rows, cells, plan) if rows.other is not None else [],
    )
    return list(found.slices())


class _Metrics:
    """The metrics of a model on rows in the order of their cells, as a function of how often each row counts."""

    def __init__(
        self, rows: Predictions, plan: EvaluationPlan, cells: Cells, threshold: float, ranks: bool = True
    ) -> None:
        self._kind, self._slicings = plan.task.kind, cells.slicings
        self._summands = summands_of(plan.task, rows, cells, threshold)
        self._classes = SlicedClasses(plan.task, rows, cells) if plan.task.kind == "multiclass" else None
        self._auc = [
            SlicedAuc(slicing.of_cell[cells.of_row], len(slicing.keys), rows.label == 1, rows.score)
            for slicing in (cells.slicings if plan.task.kind == "binary" and ranks else ())
        ]

    def of(self, weights: Floats) -> _Sliced:
        """Returns the metrics for weights of shape [weightings, rows]."""
        of_cells = self._summands.by_cell(weights)
        found = []
        for slicing in self._slicings:
            sums = self._summands.by_slice(of_cells, slicing)
            by_class = {} if self._classes is None else self._classes.of(weights, slicing)
            found.append({ROWS: sums[ROWS], **metrics_from(self._kind, sums), **by_class})
        for metrics, auc in zip(found, self._auc, strict=False):
            metrics["auc"] = auc.of(weights)
        return found


@dataclass(frozen=True)
class _Found:
    """What was computed, by slicing; `exact` and `samples` by model."""

    cells: Cells
    exact: Mapping[str, _Sliced]
    samples: Mapping[str, _Sliced]
    confusions: Sequence[Sequence[Confusion]] = field(default_factory=list)
    histograms: Sequence[Floats] = field(default_factory=list)
    flips: Sequence[Sequence[Mapping[str, float]]] = field(default_factory=list)

    def slices(self) -> Iterator[Measured]:
        """Yields every slice."""
        for number, slicing in enumerate(self.cells.slicings):
            for place, key in enumerate(slicing.keys):
                models = {name: self._model(name, number, place) for name in self.exact}
                yield Measured(
                    key,
                    round(float(self.exact[MODEL][number][ROWS][0, place])),
                    models[MODEL],
                    self.confusions[number][place] if self.confusions else {},
                    self.histograms[number][place] if self.histograms else None,
                    models.get(OTHER),
                    self.flips[number][place] if self.flips else {},
                    models.get(AT_COMMON),
                )

    def _model(self, name: str, number: int, place: int) -> Model:
        exact, drawn = self.exact[name][number], self.samples[name][number] if self.samples else {}
        return Model(
            {name: float(values[0, place]) for name, values in exact.items() if name != ROWS},
            {name: values[:, place] for name, values in drawn.items() if name != ROWS},
        )


def _replicated(models: Mapping[str, _Metrics], hashes: Callable[[], Hashes], replicates: int) -> Mapping[str, _Sliced]:
    """Returns the metrics of each model in the replicates; all models with the same weights."""
    if not replicates:
        return {}
    parts: dict[str, list[_Sliced]] = {name: [] for name in models}
    for drawn in counts(distinct(hashes()), replicates):
        weights = drawn.astype(np.float64)
        for name, model in models.items():
            parts[name].append(model.of(weights))
    return {name: _joined(part) for name, part in parts.items()}


def _joined(parts: Sequence[_Sliced]) -> _Sliced:
    """Returns for each slicing the metrics of all weightings together."""
    return [
        {name: np.concatenate([part[name] for part in of_slicing]) for name in of_slicing[0]}
        for of_slicing in zip(*parts, strict=True)
    ]


def _hashes(rows: Predictions, cells: Cells) -> Hashes:
    of_cells = np.array([cell_hash(name) for name in cells.names], np.uint64)
    return row_hashes(of_cells[cells.of_row], rows.label, rows.score)
