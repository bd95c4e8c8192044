"""Which slice of a group each row is in: arrays beside those that are trained on.

Of every group for the rows of the eval split, which are compared by it; and of the one group that training rows are
weighed by, if there is one, for the rows of train and eval.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from tfx_automl.errors import ModelError
from tfx_automl.files import write_in_one_step
from tfx_automl.models.data import WEIGHED_BY, TrainingData, open_data
from tfx_automl.models.groups import Group, GroupSpec
from tfx_automl.models.growing import GrowingArray, new_digest, open_array
from tfx_automl.models.writing import META_FILE

_FILE = "eval/groups.npy"
_VALUES = "weighed_values"


@dataclass(frozen=True)
class WeighedBy:
    """The group that training rows are weighed by.

    Attributes:
        values: Of each slice, as text, one for every feature of the group.
        codes: By split, numbers of slices from 0, shape [rows].
    """

    values: Sequence[Sequence[str]] = ()
    codes: Mapping[str, npt.NDArray[np.int32]] = field(default_factory=dict)


def add_codes(
    data: TrainingData,
    groups: GroupSpec,
    codes: npt.NDArray[np.int32],
    folder: Path | None = None,
    weighed: WeighedBy | None = None,
) -> TrainingData:
    """Stores the slices, beside the arrays or in a folder of their own.

    Args:
        data: The arrays.
        groups: The groups.
        codes: Numbers of slices from 0, shape [rows of the eval split, groups].
        folder: Where to, if the folder of the arrays must not change: `open_data` of it opens the arrays, too.
        weighed: The group that training rows are weighed by; None without one.

    Returns:
        The same data with groups, and with a fingerprint that depends on them.
    """
    folder = folder or data.folder
    digest = new_digest()
    digest.update(f"{data.fingerprint} {groups.to_json()}".encode())
    (folder / _FILE).parent.mkdir(parents=True, exist_ok=True)
    with GrowingArray(folder / _FILE, codes.shape[1], np.int32, digest) as file:
        file.append(codes)
    if weighed is not None:
        digest.update(json.dumps(weighed.values).encode())
        for split, numbers in weighed.codes.items():
            (folder / split).mkdir(exist_ok=True)
            with GrowingArray(folder / split / WEIGHED_BY, None, np.int32, digest) as file:
                file.append(numbers)
    meta = json.loads((data.folder / META_FILE).read_text(encoding="utf-8"))
    meta |= {"groups": groups.to_json(), "fingerprint": digest.hexdigest()}
    if weighed is not None:
        meta[_VALUES] = weighed.values
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


def open_values(data: TrainingData) -> list[tuple[str, ...]]:
    """Returns the values of each slice of the group that training rows are weighed by, as text; empty without one."""
    meta = json.loads(((data.codes or data.folder) / META_FILE).read_text(encoding="utf-8"))
    return [tuple(values) for values in meta.get(_VALUES, ())]
