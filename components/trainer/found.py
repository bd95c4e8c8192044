"""What a Tuner found, as the Trainer takes it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tfx import types
from tfx.types import artifact_utils

from tfx_automl.errors import ModelError
from tfx_automl.models.ensembles.ensemble import Ensemble
from tfx_automl.search.parameters import Point

_HYPERPARAMETERS = "best_hyperparameters.txt"
_OF_A_MODEL = "hyperparameters.json"


@dataclass(frozen=True)
class Found:
    """The best hyperparameters of a search.

    Attributes:
        values: The hyperparameters.
        training: What our Tuner tells beside them (see its `results`); empty for those of another Tuner.
        checkpoint: Folder of the best model; None where only its hyperparameters are known.
        ensemble: The ensemble of the search's trials, if it was asked for one and found one.
    """

    values: Point
    training: Mapping[str, Any] = field(default_factory=dict)
    checkpoint: Path | None = None
    ensemble: Ensemble | None = None

    @property
    def folds(self) -> int:
        """Into how many folds the search cut the rows of train and eval."""
        return int(self.training.get("folds", 1))

    def of_member(self, number: int) -> "Found":
        """Returns what was found about one model of the ensemble."""
        if self.ensemble is None:
            raise ModelError("There is no ensemble.")
        member = self.ensemble.members[number]
        training = {**self.training, "best_epoch": member.epochs, "epochs": member.epochs, "seed": member.seed}
        checkpoint = None if self.checkpoint is None else self.checkpoint / f"member-{number}"
        return Found(member.values, training, checkpoint)

    def epochs(self, steps_per_epoch: int | None) -> int | None:
        """Returns the epoch at which the trial was best; None if that is not known for epochs of this length."""
        same = self.training.get("steps_per_epoch") == steps_per_epoch
        return self.training.get("best_epoch") if same else None


def read_found(inputs: Mapping[str, list[types.Artifact]], mode: str) -> Found:
    """Reads the input that a mode needs.

    Args:
        inputs: Of the component; `best_model` of our Tuner for `reuse` and `continue`, else the hyperparameters of any.
        mode: See `Trainer`.

    Raises:
        ModelError: They are not of a model family, or the model is no `best_model`.
    """
    if mode in ("reuse", "continue"):
        folder = Path(artifact_utils.get_single_uri(inputs["base_model"]))
        if not (folder / _OF_A_MODEL).is_file():
            raise ModelError(f"{folder} is no best_model of our Tuner: it lacks {_OF_A_MODEL}.")
        return _read(folder / _OF_A_MODEL, folder)
    return _read(Path(artifact_utils.get_single_uri(inputs["hyperparameters"])) / _HYPERPARAMETERS, None)


def _read(path: Path, checkpoint: Path | None) -> Found:
    content = json.loads(path.read_text(encoding="utf-8"))
    if "family" not in content["values"]:
        raise ModelError(
            f"{path} has no hyperparameter 'family'; with a task, this Trainer trains what our Tuner found for a model"
            " family. For a model of your own, give Trainer its module_file or run_fn, and no task."
        )
    ensemble = Ensemble.from_values(content["ensemble"]) if content.get("ensemble") else None
    return Found(content["values"], content.get("training") or {}, checkpoint, ensemble)
