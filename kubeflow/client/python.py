"""Which Python has the SDK that talks to a server."""

import importlib.metadata
import os
import sys
from pathlib import Path

from tfx_automl.errors import ConfigError

VARIABLE = "TFX_AUTOML_KFP_PYTHON"
_BUILT = Path(__file__).resolve().parents[2] / "build" / "kfp" / "bin" / "python"
_HOW = (
    f"Run `make kfp` in the repository of tfx-automl, or `python3 -m venv FOLDER` and `FOLDER/bin/pip install "
    f"kfp==2.17.0`; then give --kfp-python FOLDER/bin/python, or set {VARIABLE} to that."
)


def python_for(target: str, given: str | None, built: Path = _BUILT) -> str:
    """Returns the path of a Python.

    Args:
        target: `kubeflow` or `vertex`. Vertex's SDK comes with TFX, so this Python has it.
        given: What the person says, if anything.
        built: Where `make kfp` puts one.

    Raises:
        ConfigError: There is none.
    """
    if target == "vertex":
        return sys.executable
    for path, origin in ((given, "--kfp-python"), (os.environ.get(VARIABLE), VARIABLE)):
        if path:
            return _existing(path, origin)
    if _has_sdk():
        return sys.executable
    if built.exists():
        return str(built)
    raise ConfigError(f"The SDK of Kubeflow Pipelines is not installed for this Python. {_HOW}")


def _has_sdk() -> bool:
    """Tells whether this Python has an SDK of version 2, without loading it."""
    try:
        return importlib.metadata.version("kfp").startswith("2.")
    except importlib.metadata.PackageNotFoundError:
        return False


def _existing(path: str, origin: str) -> str:
    if not os.access(path, os.X_OK) or Path(path).is_dir():
        raise ConfigError(f"{origin}: {path} is not a Python that can be run. {_HOW}")
    return path
