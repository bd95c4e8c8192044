"""What a trial predicted for the rows that it was judged on, as a file beside its checkpoint."""

import os
from pathlib import Path

import numpy as np
import numpy.typing as npt

_FILE = "validation.npz"


def write_validation(folder: Path, epoch: int, prediction: npt.NDArray[np.float32]) -> None:
    """Writes predictions, in one step.

    Args:
        folder: The trial's checkpoint; made if it is absent.
        epoch: Epochs that were trained.
        prediction: As `Model.validation` returns it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    temporary = folder / f".{_FILE}"
    with open(temporary, "wb") as file:
        np.savez(file, epoch=epoch, prediction=prediction)
    os.replace(temporary, folder / _FILE)


def read_validation(folder: Path, epoch: int) -> npt.NDArray[np.float32] | None:
    """Returns what was written after so many epochs; None if there is nothing, or it is of another epoch.

    Args:
        folder: The trial's checkpoint.
        epoch: Epochs that the trial has trained.
    """
    if not (folder / _FILE).is_file():
        return None
    with np.load(folder / _FILE) as saved:
        if int(saved["epoch"]) != epoch:
            return None
        prediction: npt.NDArray[np.float32] = saved["prediction"]
        return prediction
