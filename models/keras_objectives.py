"""What trials of a hypermodel are judged by: the metrics that its model is compiled with."""

from collections.abc import Sequence

from tfx_automl.errors import ConfigError
from tfx_automl.models.measures import LATENCY, SIZES, read_objectives
from tfx_automl.models.task import TaskSpec
from tfx_automl.search.objective import Objectives


def compiled_objectives(
    metrics: Sequence[str] | None, task: TaskSpec, objective: str | None = None, constraints: Sequence[str] = ()
) -> Objectives:
    """Returns what trials of a hypermodel are judged by.

    Args:
        metrics: What its compiled metrics are called, such as `val_accuracy`; None if nobody knows before it trains.
        task: What is to be predicted; its own objective is the default if the model is compiled with that metric.
        objective: As for `objectives_of`; None takes the default, or else `val_loss`.
        constraints: As for `objectives_of`.

    Raises:
        ConfigError: The model has no such metric, or a text cannot be read.
    """
    known = (*(metrics or ()), *SIZES, LATENCY)

    def name_of(what: str, name: str) -> str:
        found = name if name in known else f"val_{name.removeprefix('val_')}"
        if metrics is not None and found not in known:
            raise ConfigError(f"{what}: the model has no metric {name!r}; it has {', '.join(known)}.")
        return found

    default = task.default_objective if task.default_objective in known else "val_loss"
    return read_objectives(objective or default, constraints, name_of)
