"""Checkpoints: the variables of a model in training, and what its epochs gave."""

import json
import os
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from tfx_automl.errors import ModelError
from tfx_automl.search.job import EpochRecord

_CHECKPOINT = "checkpoint.npz"


def save(folder: Path, variables: Sequence[Any], records: Sequence[EpochRecord]) -> None:
    """Saves variables and records, in one step.

    Args:
        folder: Where to.
        variables: `keras.Variable`s, always in the same order.
        records: One for every epoch that was trained.
    """
    folder.mkdir(parents=True, exist_ok=True)
    temporary = folder / f".{_CHECKPOINT}"
    text = json.dumps([asdict(record) for record in records])
    with open(temporary, "wb") as file:
        values = {f"v{n}": np.asarray(v) for n, v in enumerate(variables)}
        np.savez(file, records=np.frombuffer(text.encode(), np.uint8), **values)
    os.replace(temporary, folder / _CHECKPOINT)


def load(folder: Path, variables: Sequence[Any]) -> list[EpochRecord]:
    """Puts back what `save` wrote, and returns the records.

    Raises:
        ModelError: There is no checkpoint, or it is of another model.
    """
    path = folder / _CHECKPOINT
    if not path.is_file():
        raise ModelError(f"{folder} holds no checkpoint {_CHECKPOINT}.")
    with np.load(path) as saved:
        if len(saved.files) != len(variables) + 1:
            raise ModelError(f"{path} is of another model: {len(saved.files) - 1} variables, not {len(variables)}.")
        for number, variable in enumerate(variables):
            value = saved[f"v{number}"]
            if value.shape != tuple(variable.shape):
                raise ModelError(
                    f"{path} is of another model: variable {number} has the shape {value.shape}, not"
                    f" {tuple(variable.shape)}; the data may have other columns or categories than it was trained on."
                )
            variable.assign(value)
        return [EpochRecord(**record) for record in json.loads(saved["records"].tobytes())]
