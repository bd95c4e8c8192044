"""A first look at the examples to evaluate: how many rows, and which features."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy.typing as npt
import tensorflow as tf
from tfx.dsl.io import fileio
from tfx.types import artifact_utils
from tfx.utils import io_utils
from tfx_bsl.coders import example_coder

from tfx_automl.errors import EvaluationError

_BATCH = 8192  # rows
_AHEAD = 2  # batches that are read while others are worked on


@dataclass(frozen=True)
class ExamplesSummary:
    """What was found in the examples.

    Attributes:
        rows: Number of records in all files.
        features: Names of the features seen, sorted: up to the record where all the wanted ones had been found.
    """

    rows: int
    features: tuple[str, ...]


def split_patterns(examples: Sequence[Any], splits: Sequence[str]) -> list[str]:
    """Returns one file pattern for each split of each artifact.

    Args:
        examples: `Examples` artifacts.
        splits: Names of splits.

    Raises:
        EvaluationError: An artifact does not have one of the splits.
    """
    for artifact in examples:
        available = artifact_utils.decode_split_names(artifact.split_names)
        unknown = [split for split in splits if split not in available]
        if unknown:
            raise EvaluationError(
                f"The examples have no split {', '.join(unknown)}; they have {', '.join(available)}. "
                "Name one of these in example_splits."
            )
    uris = [uri for split in splits for uri in artifact_utils.get_split_uris(list(examples), split)]
    return [io_utils.all_files_pattern(uri) for uri in uris]


def summarise_examples(patterns: Iterable[str], wanted: Iterable[str]) -> ExamplesSummary:
    """Counts the records and looks for features, in one pass; decoding stops when all of them have been seen.

    Args:
        patterns: Patterns of (gzip) TFRecord files with serialized `tf.Example`s.
        wanted: Feature names to look for.
    """
    missing, seen, rows = set(wanted), set[str](), 0
    decoder = example_coder.ExamplesToRecordBatchDecoder()
    for batch in read_batches(patterns):
        rows += len(batch)
        if missing or not seen:
            seen.update(decoder.DecodeBatch(list(batch)).schema.names)
            missing -= seen
    return ExamplesSummary(rows, tuple(sorted(seen)))


def read_batches(patterns: Iterable[str]) -> Iterator[npt.NDArray[Any]]:
    """Yields the serialized examples of some (gzip) TFRecord files, shape [rows], bytes."""
    files = sorted(str(file) for pattern in patterns for file in fileio.glob(pattern))
    compressed = all(file.endswith(".gz") for file in files)
    dataset = tf.data.TFRecordDataset(files, compression_type="GZIP" if compressed else "")
    yield from dataset.batch(_BATCH).prefetch(_AHEAD).as_numpy_iterator()


def check_examples(summary: ExamplesSummary, sensitive: Iterable[Sequence[str]], own: Iterable[str] = ()) -> None:
    """Checks that there is something to evaluate, and that every feature exists.

    Args:
        summary: What was found.
        sensitive: Groups of features.
        own: Names of those that the user's own configuration needs.

    Raises:
        EvaluationError: There are no rows, or no row has one of the features.
    """
    if not summary.rows:
        raise EvaluationError("There are no rows to evaluate: the split is empty. Give it a larger share of the data.")
    unknown = sorted({name for group in sensitive for name in group} - set(summary.features))
    if unknown:
        raise EvaluationError(
            f"No example has the sensitive feature {', '.join(map(repr, unknown))}; "
            f"the features are {', '.join(summary.features)}. Name raw features (not transformed ones)."
        )
    absent = sorted(set(own) - set(summary.features))
    if absent:
        raise EvaluationError(
            f"No example has {', '.join(map(repr, absent))}, which eval_config names; the features are "
            f"{', '.join(summary.features)}. Name raw features (not transformed ones)."
        )
