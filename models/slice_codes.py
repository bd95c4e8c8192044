"""Which slice of a group each row of the eval split is in: an array beside those that are trained on."""

import json

import numpy as np
import numpy.typing as npt

from tfx_automl.errors import ModelError
from tfx_automl.files import write_in_one_step
from tfx_automl.models.data import META_FILE, TrainingData, open_data
from tfx_automl.models.groups import Group, GroupSpec
from tfx_automl.models.growing import GrowingArray, new_digest, open_array

_FILE = "eval/groups.npy"


def add_codes(data: TrainingData, groups: GroupSpec, codes: npt.NDArray[np.int32]) -> TrainingData:
    """Stores the slices beside the arrays.

    Args:
        data: What `prepare` returned.
        groups: The groups.
        codes: Numbers of slices from 0, shape [rows of the eval split, groups].

    Returns:
        The same data with groups, and with a fingerprint that depends on them.
    """
    digest = new_digest()
    digest.update(f"{data.fingerprint} {groups.to_json()}".encode())
    with GrowingArray(data.folder / _FILE, codes.shape[1], np.int32, digest) as file:
        file.append(codes)
    meta = json.loads((data.folder / META_FILE).read_text(encoding="utf-8"))
    meta |= {"groups": groups.to_json(), "fingerprint": digest.hexdigest()}
    write_in_one_step(data.folder / META_FILE, json.dumps(meta))
    return open_data(data.folder)


def open_codes(data: TrainingData, group: Group) -> npt.NDArray[np.int32]:
    """Opens the slices of a group, shape [rows of the eval split], memory-mapped.

    Raises:
        ModelError: The data has no such group.
    """
    if group not in data.groups.sensitive:
        raise ModelError(f"There is no sensitive group {group}; the data has {data.groups.sensitive}.")
    column: npt.NDArray[np.int32] = open_array(data.folder / _FILE)[:, data.groups.sensitive.index(group)]
    return column
