"""What a model predicts for every row of the examples, as columns: everything that is evaluated follows from it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from tfx_automl.components.sensitive import MISSING
from tfx_automl.errors import EvaluationError
from tfx_automl.models.cuts import place_of

Value = str | int | float


@dataclass(frozen=True)
class Column:
    """A raw feature with few different values.

    Attributes:
        values: Each once, numbers by size before text.
        codes: Which of them each row has, shape [rows].
    """

    values: tuple[Value, ...]
    codes: npt.NDArray[np.int32]

    @classmethod
    def of(cls, rows: Sequence[Value | None] | npt.NDArray[Any]) -> "Column":
        """Returns the column with these values, one a row; None is `MISSING`."""
        import pandas as pd

        codes, values = pd.factorize(np.asarray(rows, dtype=object), use_na_sentinel=True)
        return cls._sorted(codes, [value.item() if isinstance(value, np.generic) else value for value in values])

    @classmethod
    def of_batches(cls, batches: Sequence[pa.Array]) -> "Column":
        """Returns the column that these arrays make one after the other; null is `MISSING`."""
        values: dict[Value, int] = {}
        parts = [np.zeros(0, np.int64)]
        for batch in batches:
            encoded = batch.dictionary_encode() if not pa.types.is_null(batch.type) else None
            if encoded is None:
                parts.append(np.full(len(batch), -1))
                continue
            numbers = [values.setdefault(value, len(values)) for value in encoded.dictionary.to_pylist()]
            codes = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False)
            parts.append(np.array([*numbers, -1])[codes])
        return cls._sorted(np.concatenate(parts), list(values))

    @classmethod
    def _sorted(cls, codes: npt.NDArray[np.int64], values: list[Value]) -> "Column":
        """Returns the column with its values in order; code -1 is a missing value."""
        found = [*values, *([MISSING] if (codes < 0).any() else [])]
        order = sorted(range(len(found)), key=lambda number: order_of(found[number]))
        place = np.empty(len(found), np.int32)
        place[order] = np.arange(len(found))
        return cls(tuple(found[number] for number in order), place[codes])


@dataclass(frozen=True)
class Predictions:
    """The rows of an evaluation.

    Attributes:
        label: Class index (int64) or target (float64), shape [rows].
        score: What the model returns, float64: probability of the positive class, shape [rows]; of each class, shape
            [rows, classes]; or the predicted target, shape [rows].
        features: The sensitive raw features by name.
        other: What another model, such as the last blessed one, predicts for the same rows, shaped like `score`; None
            if there is none.
        threshold: From which score on each row is predicted positive, shape [rows]; None if all rows have the same.
        other_threshold: The same of the other model.

    Raises:
        EvaluationError: The columns have different lengths.
    """

    label: npt.NDArray[Any]
    score: npt.NDArray[np.float64]
    features: Mapping[str, Column] = field(default_factory=dict)
    other: npt.NDArray[np.float64] | None = None
    threshold: npt.NDArray[np.float32] | None = None
    other_threshold: npt.NDArray[np.float32] | None = None

    def __post_init__(self) -> None:
        lengths = {"label": len(self.label), "score": len(self.score)}
        lengths |= {name: len(column.codes) for name, column in self.features.items()}
        may_be_there = {name: getattr(self, name) for name in ("other", "threshold", "other_threshold")}
        lengths |= {name: len(values) for name, values in may_be_there.items() if values is not None}
        if len(set(lengths.values())) > 1:
            raise EvaluationError(f"Columns of predictions need one value a row each; got {lengths} values.")

    def __len__(self) -> int:
        return len(self.label)

    def take(self, order: npt.NDArray[np.int64]) -> "Predictions":
        """Returns rows by their numbers."""
        return Predictions(
            self.label[order],
            self.score[order],
            {name: Column(column.values, column.codes[order]) for name, column in self.features.items()},
            None if self.other is None else self.other[order],
            None if self.threshold is None else self.threshold[order],
            None if self.other_threshold is None else self.other_threshold[order],
        )

    @property
    def of_other(self) -> "Predictions":
        """The same rows as the other model predicts them."""
        if self.other is None:
            raise EvaluationError("There is no other model.")
        return replace(self, score=self.other, threshold=self.other_threshold, other=None, other_threshold=None)

    def selected(self, common: float) -> npt.NDArray[np.bool_]:
        """Returns which rows are predicted positive, shape [rows].

        Args:
            common: The threshold, as a float32, where rows have none of their own.
        """
        found: npt.NDArray[np.bool_] = self.score >= (np.float32(common) if self.threshold is None else self.threshold)
        return found


def order_of(value: Value) -> tuple[bool, float, str]:
    """Orders numbers by size, before text; groups that a number was cut into by their place, before other text."""
    return (True, place_of(value), value) if isinstance(value, str) else (False, float(value), "")
