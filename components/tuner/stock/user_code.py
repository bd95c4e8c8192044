"""The user's module with its `tuner_fn`: how it is called, named and imported."""

import contextlib
import hashlib
import importlib.util
import inspect
import json
import os
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import keras_tuner
from keras_tuner.engine.base_tuner import BaseTuner
from tfx import types
from tfx.components.trainer import fn_args_utils
from tfx.components.util import udf_utils
from tfx.dsl.io import fileio
from tfx.utils import io_utils

from tfx_automl.errors import ConfigError

# Another number of workers continues the same search.
_OF_NO_INFLUENCE = ("tune_args",)
_DISTRIBUTION = "KERASTUNER_ORACLE_IP"


@dataclass(frozen=True)
class UserCode:
    """A `tuner_fn` and what it is called with.

    Attributes:
        inputs: The inputs of the component.
        properties: Its parameters; one of `tuner_fn`, `module_file` and `module_path` names the function.
    """

    inputs: dict[str, list[types.Artifact]]
    properties: dict[str, Any]

    def call(self, working_dir: Path, *, joining: bool) -> Any:
        """Calls the function.

        Args:
            working_dir: For the tuner's files.
            joining: Whether its tuner joins a search that is under way, and so must leave those files alone.

        Returns:
            Its `TunerFnResult`.

        Raises:
            ConfigError: The environment asks KerasTuner to open a socket.
        """
        if _DISTRIBUTION in os.environ:
            raise ConfigError(
                f"The variable {_DISTRIBUTION} is set, so the tuner would talk to a server; Tuner runs trials in"
                " parallel without one: unset it, and set tune_args=TuneArgs(num_parallel_trials=...)."
            )
        tuner_fn = udf_utils.get_fn(self.properties, "tuner_fn")
        fn_args = fn_args_utils.get_common_fn_args(self.inputs, self.properties, str(working_dir))
        with _project_left_alone() if joining else contextlib.nullcontext():
            return tuner_fn(fn_args)

    def key(self) -> str:
        """Returns a name of what is searched: inputs, parameters, source of the user's module, KerasTuner's version."""
        content = {
            "inputs": {key: [artifact.uri for artifact in value] for key, value in self.inputs.items()},
            "properties": {key: str(value) for key, value in self.properties.items() if key not in _OF_NO_INFLUENCE},
            "source": self._source(),
            "keras_tuner": keras_tuner.__version__,
        }
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]

    @contextlib.contextmanager
    def importable(self, folder: Path) -> Iterator["UserCode"]:
        """Yields the same code, importable in this process and in those that inherit its path.

        TFX would install the wheel that holds a `module_file` anew in every process; here it is installed once.

        Args:
            folder: Where the wheel is installed.
        """
        module, wheels = udf_utils.decode_user_module_key(self.properties.get("module_path") or "")
        if not wheels:
            yield self
            return
        target = tempfile.mkdtemp(prefix="module-", dir=folder)
        udf_utils.install_to_temp_directory(io_utils.ensure_local(wheels[0]), target)
        sys.path.append(target)
        try:
            yield replace(self, properties={**self.properties, "module_path": module})
        finally:
            sys.path.remove(target)

    def _source(self) -> str:
        """Returns the text of the module; nothing for a wheel, whose name has a hash of all its modules."""
        if path := self.properties.get("module_file"):
            with fileio.open(path, "r") as file:
                return str(file.read())
        name = self.properties.get("module_path") or self.properties["tuner_fn"].rpartition(".")[0]
        spec = None if "@" in name else importlib.util.find_spec(name)
        return Path(spec.origin).read_text(encoding="utf-8") if spec and spec.origin else ""


@contextlib.contextmanager
def _project_left_alone() -> Iterator[None]:
    """While this holds, a new tuner neither wipes nor reads the files of the project that it names.

    Every KerasTuner tuner does one or the other when it is made: `overwrite=True` deletes what an interrupted run, or
    the workers that are already training, have left; and without it the files are read back, which the parent may be
    writing just then. Workers need neither, because they ask the parent's oracle; nor does a parent with a snapshot.
    """
    make, reload = BaseTuner.__init__, BaseTuner.reload

    def make_without_overwriting(self: Any, *arguments: Any, **keywords: Any) -> None:
        bound = inspect.signature(make).bind(self, *arguments, **keywords)
        bound.arguments["overwrite"] = False
        make(*bound.args, **bound.kwargs)

    BaseTuner.__init__ = make_without_overwriting
    BaseTuner.reload = lambda self: self._populate_initial_space()
    try:
        yield
    finally:
        BaseTuner.__init__, BaseTuner.reload = make, reload
