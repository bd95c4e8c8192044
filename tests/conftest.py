"""Fixtures that all tests share; also turns off the noise of the libraries before anything imports them."""

import functools
import json
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from training_data_for_tests import write_training_data

from tfx_automl.models.data import TrainingData

# Read by TensorFlow's C++ code when it is first imported, so set before any test module is collected.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")
os.environ.setdefault("GRPC_VERBOSITY", "ERROR")
# On the few rows of a test, threads of OpenMP mostly wait for each other, on a busy machine for a long time.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# A busy machine must not turn a correct property into a failure; in CI the same examples are tried every time.
settings.register_profile("default", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", settings.get_profile("default"), derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "default")

REPOSITORY = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def repository() -> Path:
    """The root folder of the repository."""
    return REPOSITORY


@pytest.fixture(scope="session")
def shared_data() -> Callable[[str], Path]:
    """A function from a file name to that file in the folder of real data beside the repository.

    A test that asks for a file which is not there is skipped, with the reason.
    """

    def find(name: str) -> Path:
        path = REPOSITORY.parent / "shared" / "data" / name
        if not path.is_file():
            pytest.skip(f"real data file {name} is not in the folder shared/data beside the repository")
        return path

    return find


@pytest.fixture(scope="session")
def grouped_data(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Any]:
    """A function from a task, the labels of an eval split and the values of groups to training data with groups."""
    import numpy as np

    from tfx_automl.models.data import open_data
    from tfx_automl.models.groups import GroupSpec
    from tfx_automl.models.inputs import InputSpec
    from tfx_automl.models.slice_codes import add_codes

    def make(task: Any, label: Any, groups: Mapping[tuple[str, ...], Sequence[Any]], smallest: int = 1) -> Any:
        folder = tmp_path_factory.mktemp("grouped")
        meta = {"inputs": InputSpec(("x_xf",)).to_json(), "task": task.to_json(), "splits": ["eval"]}
        meta |= {"target_mean": 0.0, "target_std": 1.0, "fingerprint": "", "groups": GroupSpec().to_json()}
        (folder / "meta.json").write_text(json.dumps(meta))
        (folder / "eval").mkdir()
        for kind in ("numeric", "categorical", "image"):
            np.save(folder / "eval" / f"{kind}.npy", np.zeros((len(label), 1 if kind == "numeric" else 0)))
        np.save(folder / "eval" / "label.npy", label)
        codes = np.stack([np.unique(values, return_inverse=True)[1] for values in groups.values()], axis=1)
        return add_codes(open_data(folder), GroupSpec(tuple(groups), smallest), codes.astype(np.int32))

    return make


@pytest.fixture(scope="session")
def demo_run(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The demo, run as a person runs it: its output folder, and what the command said."""
    from command_for_tests import tfx_automl_command

    from tfx_automl.pipelines.output import OutputFolder

    folder = OutputFolder.at(str(tmp_path_factory.mktemp("runs") / "demo"))
    done = tfx_automl_command("demo", "--output", str(folder.root), "--max-epochs", "3")
    assert done.returncode == 0, done.stdout + done.stderr
    return folder, done


@pytest.fixture
def make_data(tmp_path: Path) -> Callable[..., TrainingData]:
    """A function from the kind of a task to training data whose label follows from the features."""
    return functools.partial(write_training_data, tmp_path)
