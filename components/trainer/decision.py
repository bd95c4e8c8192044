"""From which probability on the final model predicts the positive class: of all rows, or by group."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from tfx_automl import console
from tfx_automl.components.trainer.course import Course, Trained
from tfx_automl.components.trainer.group_rows import GroupRows
from tfx_automl.components.trainer.modes import choose_threshold
from tfx_automl.errors import ModelError
from tfx_automl.models.group_thresholds import GroupThresholds, Value
from tfx_automl.models.groups import group_text
from tfx_automl.models.metrics import metrics_of
from tfx_automl.models.parity import Chosen, choose_thresholds

_SHOWN = 5


@dataclass(frozen=True)
class ByGroup:
    """Thresholds by group, and what is known about them.

    Attributes:
        thresholds: To be exported.
        of_rows: That of each row that they were chosen on, shape [rows].
        about: What the model card says beside the thresholds.
    """

    thresholds: GroupThresholds
    of_rows: npt.NDArray[np.float32]
    about: Mapping[str, Any]

    def to_card(self) -> dict[str, Any]:
        """Returns what the model card says."""
        card = self.thresholds.to_dict()
        sizes = self.about["sizes"]
        slices = [{**part, "rows": size} for part, size in zip(card["slices"], sizes, strict=True)]
        return {**card, "slices": slices, **{name: value for name, value in self.about.items() if name != "sizes"}}


@dataclass(frozen=True)
class Decision:
    """From which probability on rows are predicted positive.

    Attributes:
        threshold: That of all rows, or of those that have none of their own.
        by_group: Those of groups, if they were asked for.
    """

    threshold: float
    by_group: ByGroup | None = None

    @property
    def of_rows(self) -> float | npt.NDArray[np.float32]:
        """The threshold of all rows, or that of each row that a model is judged on."""
        return self.threshold if self.by_group is None else self.by_group.of_rows


def decide(course: Course, trained: Trained, rows: GroupRows | None) -> Decision:
    """Chooses the threshold and, where there are `rows`, those of groups; both on rows that were not trained on.

    Raises:
        ModelError: The model predicts NaN or infinity.
    """
    common = choose_threshold(course, trained)
    return Decision(common, None if rows is None else _by_group(course, trained, rows, common))


def _by_group(course: Course, trained: Trained, rows: GroupRows, common: float) -> ByGroup:
    label, probability = course.judge(trained)
    if not np.isfinite(probability).all():
        raise ModelError("group_thresholds: the model predicts NaN or infinity, so that no threshold can be chosen.")
    codes, smallest = rows.of(trained.judged.folds), course.data.groups.min_slice_size
    rule = course.options.rule or "accuracy"
    found = choose_thresholds(rows.parity.criterion, rule, label, probability, codes, common, smallest)
    kept = np.flatnonzero(found.compared)
    thresholds = GroupThresholds(
        rows.parity.group,
        rows.types,
        common,
        tuple(rows.slices[number] for number in kept),
        tuple(float(found.thresholds[number]) for number in kept),
        {name: points for name, points in course.data.groups.cuts.items() if name in rows.parity.group},
    )
    of_rows = np.append(found.thresholds, common)[codes].astype(np.float32)
    accuracy = [metrics_of(course.data.task, label, probability, each)["accuracy"] for each in (common, of_rows)]
    about = {
        "sizes": np.bincount(codes[codes >= 0], minlength=len(found.compared))[kept].tolist(),
        "criterion": rows.parity.criterion.name,
        "rule": rule,
        "rows": len(label),
        "min_slice_size": smallest,
        "tolerance": found.tolerance,
        "gap": _before_and_after(found.gap),
        "metric": _before_and_after(found.metric),
        "accuracy": _before_and_after(accuracy),
    }
    _tell(rows, thresholds, found, accuracy)
    return ByGroup(thresholds, of_rows, about)


def _before_and_after(pair: Any) -> dict[str, float]:
    return dict(zip(("before", "after"), map(float, pair), strict=True))


def _tell(rows: GroupRows, thresholds: GroupThresholds, found: Chosen, accuracy: list[float]) -> None:
    """Says what was chosen, and at what price."""
    group, criterion = group_text(rows.parity.group), rows.parity.criterion.name
    if (found.thresholds == thresholds.common).all():
        console.line(
            f"  groups of {group} keep the common threshold, at which their gap in {criterion} on the eval split is"
            f" {found.gap[0]:.4f}"
        )
        return
    pairs = list(zip(thresholds.slices, thresholds.thresholds, strict=True))
    shown = ", ".join(f"{_name(values)} {threshold:.4f}" for values, threshold in pairs[:_SHOWN])
    more = f" and {len(pairs) - _SHOWN} more" if len(pairs) > _SHOWN else ""
    console.line(f"  thresholds by {group} for {criterion}: {shown}{more}; else {thresholds.common:.4f}")
    console.line(
        f"  on the eval split the gap goes from {found.gap[0]:.4f} to {found.gap[1]:.4f}, accuracy from"
        f" {accuracy[0]:.4f} to {accuracy[1]:.4f}"
    )


def _name(values: tuple[Value, ...]) -> str:
    return " and ".join(map(str, values))
