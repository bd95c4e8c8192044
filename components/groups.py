"""From raw examples to the slices that rows are in: of the eval split, and of train where its rows are weighed."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from tfx.types import Artifact, artifact_utils

from tfx_automl.components.data import Inputs, split_files
from tfx_automl.components.sensitive import MISSING, feature_values
from tfx_automl.errors import ModelError
from tfx_automl.models.cuts import Cuts
from tfx_automl.models.data import WEIGHED, TrainingData
from tfx_automl.models.groups import GroupSpec, value_text
from tfx_automl.models.slice_codes import WeighedBy, add_codes
from tfx_automl.models.task import TaskSpec

_SPLIT = "eval"
_ROWS_PER_BATCH = 4096
_WHY = (
    "Sensitive columns are read from raw_examples, row by row beside the transformed ones; so these must come from"
    " these raw_examples by a Transform that keeps files and the order of rows, as tfx_automl's does and TFX's own,"
    " which shuffles, does not"
)


@dataclass(frozen=True)
class _Columns:
    """Columns of all rows of some files.

    Attributes:
        values: Of each feature, as `feature_values` returns them.
        rows: Numbers of rows of the files.
        known: Names of all features that were seen.
    """

    values: dict[str, pa.Array]
    rows: list[int]
    known: set[str]


def with_groups(data: TrainingData, groups: GroupSpec, inputs: Inputs, own: Path) -> TrainingData:
    """Finds out which slice of each group every row of the eval split is in.

    Where training rows are weighed by a group, that is found out for the rows of train, too.

    Args:
        data: The arrays, opened by `components.data.training_data`.
        groups: The groups; without any, the data is returned as it is.
        inputs: Of the component: `raw_examples` and what was made from them, `training_data` or `examples`.
        own: The folder of the component for what has to be made; arrays that lie elsewhere are left as they are.

    Raises:
        ModelError: The raw examples lack the split or a feature, or their rows are not those of the arrays one by one.
        EvaluationError: A feature has several values in a row, or bytes that are not UTF-8.
    """
    if data.groups == groups:
        return data
    found = raw_values(data, groups.columns, inputs, _SPLIT, groups.cuts)
    codes = [_codes([found[name] for name in group]) for group in groups.sensitive]
    weighed = None
    if groups.reweigh:
        columns = {
            split: found if split == _SPLIT else raw_values(data, groups.reweigh, inputs, split, groups.cuts)
            for split in WEIGHED
        }
        weighed = _weighed_by(groups.reweigh, columns)
    return add_codes(data, groups, np.stack(codes, axis=1), own, weighed)


def _weighed_by(group: Sequence[str], columns: Mapping[str, Mapping[str, pa.Array]]) -> WeighedBy:
    """Numbers the slices of a group alike in several splits.

    Args:
        group: Names of features.
        columns: By split, the values of each feature.
    """
    joined = [_joined([found[name] for found in columns.values()]) for name in group]
    codes = _codes(joined)
    _, first = np.unique(codes, return_index=True)
    values = zip(*(_texts(column.take(pa.array(first))) for column in joined), strict=True)
    ends = np.cumsum([len(found[group[0]]) for found in columns.values()])[:-1]
    return WeighedBy(list(values), dict(zip(columns, np.split(codes, ends), strict=True)))


def _texts(values: pa.Array) -> list[str]:
    """Returns values as the Evaluator's reports have them."""
    return [MISSING if value is None else value_text(value) for value in values.to_pylist()]


def raw_values(
    data: TrainingData, names: Sequence[str], inputs: Inputs, split: str, cuts: Cuts | None = None
) -> dict[str, pa.Array]:
    """Returns raw features of the rows of a split, row by row those of the arrays.

    Args:
        data: The arrays.
        names: Of the features.
        inputs: As for `with_groups`.
        split: Its name.
        cuts: Where continuous features are cut into groups.

    Raises:
        ModelError: The raw examples lack the split or a feature, or their rows are not those of the arrays one by one.
        EvaluationError: A feature has several values in a row, or bytes that are not UTF-8.
    """
    raw, examples = inputs["raw_examples"], inputs.get("examples")
    _check_split(raw, split)
    sources, targets = _pairs(raw, examples, split) if examples else (split_files(raw, split), [])
    found = _read(sources, (*names, data.task.label), cuts or {})
    absent = sorted(set(names) - found.known)
    if absent:
        raise ModelError(
            f"No raw example of the split {split!r} has the sensitive feature {', '.join(map(repr, absent))}; the"
            f" features are {', '.join(sorted(found.known))}. Name raw features (not transformed ones)."
        )
    if examples:
        _check_rows(split, found.rows, [_count(file) for file in targets])
    elif sum(found.rows) != (rows := len(data.split(split))):
        raise ModelError(
            f"The split {split!r} has {sum(found.rows)} rows in raw_examples, but {rows} in training_data. {_WHY}."
        )
    _check_labels(split, found.values[data.task.label], data)
    return found.values


def _check_split(raw: list[Artifact], split: str) -> None:
    for artifact in raw:
        names = artifact_utils.decode_split_names(artifact.split_names)
        if split not in names:
            raise ModelError(f"raw_examples have no split {split!r}; they have {', '.join(names)}.")


def _pairs(raw: list[Artifact], examples: list[Artifact], split: str) -> tuple[list[str], list[str]]:
    """Returns the files of the split before and after Transform, in the order in which the arrays were made."""
    sources, targets = split_files(raw, split), split_files(examples, split)
    if len(sources) != len(targets):
        raise ModelError(
            f"The split {split!r} has {len(sources)} files in raw_examples, but {len(targets)} in examples. {_WHY}."
        )
    pairs = sorted(zip(targets, sources, strict=True))
    return [source for _, source in pairs], [target for target, _ in pairs]


def _records(file: str) -> Any:
    import tensorflow as tf

    return tf.data.TFRecordDataset(file, "GZIP" if file.endswith(".gz") else "")


def _read(files: Sequence[str], names: Sequence[str], cuts: Cuts) -> _Columns:
    parts: dict[str, list[pa.Array]] = {name: [] for name in names}
    rows, known = [], set[str]()
    for file in files:
        rows.append(0)
        for records in _decoded(file):
            rows[-1] += records.num_rows
            known.update(records.schema.names)
            for name, values in parts.items():
                values.append(feature_values(records, name, cuts))
    return _Columns({name: _joined(values) for name, values in parts.items()}, rows, known)


def _decoded(file: str) -> Iterator[pa.RecordBatch]:
    from tfx_bsl.coders import example_coder

    decoder = example_coder.ExamplesToRecordBatchDecoder()
    for batch in _records(file).batch(_ROWS_PER_BATCH).as_numpy_iterator():
        yield decoder.DecodeBatch(list(batch))


def _joined(parts: Sequence[pa.Array]) -> pa.Array:
    """Joins batches; one without any value knows no type."""
    type_ = next((part.type for part in parts if not pa.types.is_null(part.type)), pa.null())
    return pa.concat_arrays([part.cast(type_) for part in parts])


def _count(file: str) -> int:
    return sum(len(batch) for batch in _records(file).batch(10_000))


def _check_rows(split: str, before: list[int], after: list[int]) -> None:
    for number, (raw, transformed) in enumerate(zip(before, after, strict=True), start=1):
        if raw != transformed:
            raise ModelError(
                f"File {number} of the split {split!r} has {raw} rows in raw_examples, but {transformed} in examples."
                f" {_WHY}."
            )


def _check_labels(split: str, values: pa.Array, data: TrainingData) -> None:
    """Rows in another order would show in their labels."""
    label = data.split(split).label
    different = int((_labels(values, data.task) != label).sum())
    if different:
        raise ModelError(
            f"{different} of {len(label)} rows of the split {split!r} have another {data.task.label!r} in raw_examples"
            f" than in examples or training_data. {_WHY}."
        )


def _labels(values: pa.Array, task: TaskSpec) -> npt.NDArray[Any]:
    """Returns raw labels as Transform does: class index, -1 for none, or target, NaN for none."""
    if pa.types.is_null(values.type):
        return np.full(len(values), -1 if task.classes else np.nan)
    if task.kind == "regression":
        return np.asarray(values.to_numpy(zero_copy_only=False), np.float64).astype(np.float32)
    if pa.types.is_floating(values.type):
        classes = pa.array(map(_as_number, task.classes), values.type)
    else:
        values, classes = values.cast(pa.large_utf8()), pa.array(task.classes, pa.large_utf8())
    index = pc.index_in(values, value_set=classes, skip_nulls=True)
    return np.asarray(pc.fill_null(index, -1).to_numpy(zero_copy_only=False))


def _as_number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _codes(columns: Sequence[pa.Array]) -> npt.NDArray[np.int32]:
    """Numbers the slices of a group: a value of one column, or a combination of several."""
    numbered = [_numbers(column) for column in columns]
    key = numbered[0].astype(np.int64)
    for part in numbered[1:]:
        key = np.unique(key * (int(part.max()) + 1) + part, return_inverse=True)[1].reshape(-1)
    return key.astype(np.int32)


def _numbers(column: pa.Array) -> npt.NDArray[np.int32]:
    """Numbers the values, in the order in which they appear; missing ones are a value, as in the Evaluator's slices."""
    if pa.types.is_null(column.type):
        return np.zeros(len(column), np.int32)
    if not pa.types.is_primitive(column.type):
        column = pc.fill_null(column, MISSING)
    encoded = pc.dictionary_encode(column, null_encoding="encode")
    return np.asarray(encoded.indices.to_numpy(zero_copy_only=False), np.int32)
