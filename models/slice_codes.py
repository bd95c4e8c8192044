"""Which slice of a group each row of the eval split is in: an array beside those that are trained on."""

import json
from pathlib import Path

import numpy as np
import numpy.typing as npt

from tfx_automl.errors import ModelError
from tfx_automl.files import write_in_one_step
from tfx_automl.models.data import TrainingData, open_data
from tfx_automl.models.groups import Group, GroupSpec
from tfx_automl.models.growing import GrowingArray, new_digest, open_array
from tfx_automl.models.writing import META_FILE

_FILE = "eval/groups.npy"


def add_codes(
    data: TrainingData, groups: GroupSpec, codes: npt.NDArray[np.int32], folder: Path | None = None
) -> TrainingData:
    """Stores the slices, beside the arrays or in a folder of their own.

    Args:
        data: The arrays.
        groups: The groups.
        codes: Numbers of slices from 0, shape [rows of the eval split, groups].
        folder: Where to, if the folder of the arrays must not change: `open_data` of it opens the arrays, too.

    Returns:
        The same data with groups, and with a fingerprint that depends on them.
    """
    folder = folder or data.folder
    digest = new_digest()
    digest.update(f"{data.fingerprint} {groups.to_json()}".encode())
    (folder / _FILE).parent.mkdir(parents=True, exist_ok=True)
    with GrowingArray(folder / _FILE, codes.shape[1], np.int32, digest) as file:
        file.append(codes)
    meta = json.loads((data.folder / META_FILE).read_text(encoding="utf-8"))
    meta |= {"groups": groups.to_json(), "fingerprint": digest.hexdigest()}
    if folder != data.folder:
        meta["arrays"] = str(data.folder)
    write_in_one_step(folder / META_FILE, json.dumps(meta))
    return open_data(folder)


def open_codes(data: TrainingData, group: Group) -> npt.NDArray[np.int32]:
    """Opens the slices of a group, shape [rows of the eval split], memory-mapped.

    Raises:
        ModelError: The data has no such group.
    """
    if group not in data.groups.sensitive:
        raise ModelError(f"There is no sensitive group {group}; the data has {data.groups.sensitive}.")
    codes: npt.NDArray[np.int32] = open_array((data.codes or data.folder) / _FILE)
    return codes[:, data.groups.sensitive.index(group)]
