"""Fixtures that all tests share; also turns off the noise of the libraries before anything imports them."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# Read by TensorFlow's C++ code when it is first imported, so set before any test module is collected.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")
os.environ.setdefault("GRPC_VERBOSITY", "ERROR")

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
