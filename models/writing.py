"""Writes the arrays of training data, split by split; `models.data` opens them."""

import contextlib
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tfx_automl.errors import ModelError
from tfx_automl.files import write_in_one_step
from tfx_automl.models.groups import GroupSpec
from tfx_automl.models.growing import GrowingArray, new_digest, open_array
from tfx_automl.models.inputs import InputSpec
from tfx_automl.models.task import TaskSpec

META_FILE = "meta.json"
KINDS = ("numeric", "categorical", "image", "label")


def write_split(batches: Iterable[Sequence[npt.NDArray[Any]]], inputs: InputSpec, task: TaskSpec, folder: Path) -> str:
    """Writes the arrays of a split, batch by batch.

    Args:
        batches: Each with the parts of the arrays that `KINDS` names; shapes as in `models.data.Arrays`.
        inputs: What the columns are.
        task: What is to be predicted.
        folder: Of the split; made here.

    Returns:
        A fingerprint of the content, whatever the batches.
    """
    folder.mkdir(parents=True)
    image = inputs.image.size if inputs.image else 0
    columns = (len(inputs.numeric), len(inputs.categorical), image, None)
    types = (np.float32, np.int32, np.uint8, np.float32 if task.kind == "regression" else np.int32)
    digests = [new_digest() for _ in KINDS]
    with contextlib.ExitStack() as stack:
        files = [
            stack.enter_context(GrowingArray(folder / f"{kind}.npy", width, dtype, digest))
            for kind, width, dtype, digest in zip(KINDS, columns, types, digests, strict=True)
        ]
        for batch in batches:
            for file, part in zip(files, batch, strict=True):
                file.append(part)
    return " ".join(digest.hexdigest() for digest in digests)


def write_meta(folder: Path, inputs: InputSpec, task: TaskSpec, fingerprints: Mapping[str, str]) -> None:
    """Writes what there is to know about the arrays; last, in one step: without it the folder counts as absent.

    Args:
        folder: Of all splits.
        inputs: What the columns are.
        task: What is to be predicted.
        fingerprints: By split, in the order of the splits; see `write_split`.
    """
    target = None
    if task.kind == "regression" and "train" in fingerprints:
        target = open_array(folder / "train" / "label.npy")
    digest = new_digest()
    digest.update(json.dumps(dict(fingerprints)).encode())
    meta = {
        "inputs": inputs.to_json(),
        "task": task.to_json(),
        "splits": list(fingerprints),
        "target_mean": 0.0 if target is None else float(np.mean(target)),
        "target_std": 1.0 if target is None else float(np.std(target)) or 1.0,
        "fingerprint": digest.hexdigest(),
        "groups": GroupSpec().to_json(),
    }
    write_in_one_step(folder / META_FILE, json.dumps(meta))


def check_labels(label: npt.NDArray[Any], task: TaskSpec, split: str) -> None:
    """Makes sure that a split can be trained on or measured.

    Args:
        label: As in `models.data.Arrays`.
        task: What is to be predicted.
        split: Name of the split.

    Raises:
        ModelError: It has no rows, or rows without a label that the task knows.
    """
    if not len(label):
        raise ModelError(f"The split {split!r} has no examples.")
    if task.kind == "regression":
        if not np.isfinite(label).all():
            raise ModelError(f"The split {split!r} has rows whose target is missing or infinite; drop them first.")
        return
    outside = int(((label < 0) | (label >= len(task.classes))).sum())
    if outside:
        raise ModelError(f"The split {split!r} has {outside} rows whose label is none of {', '.join(task.classes)}.")
