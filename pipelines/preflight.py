"""The look at options and data before anything is written or anything heavy imported."""

import re
from collections.abc import Callable
from typing import Any

from tfx_automl.errors import ConfigError, DataError, TfxAutomlError
from tfx_automl.pipelines.config import RunConfig
from tfx_automl.pipelines.output import OutputFolder

_FLAGS = {"min_metrics": "--min-metric", "max_gaps": "--max-gap", "objective": "--objective"}


def preflight(config: RunConfig, output: OutputFolder) -> Any:
    """Looks at the output folder, the options and all of the data, and writes nothing.

    Returns:
        The `DataSummary` of `tfx_automl.components.example_gen.inspect.inspect`.

    Raises:
        ConfigError: With every mistake in the output folder, the options and the data.
    """
    problems = _problems_of(output.check)
    found = None
    try:
        found = _inspect(config)
    except (ConfigError, DataError) as error:
        problems += _lines(error)
    if found is not None:
        problems += _against_the_data(config, found)
    if problems:
        raise ConfigError(problems)
    return found


def _inspect(config: RunConfig) -> Any:
    from tfx_automl.components.example_gen.inspect import inspect
    from tfx_automl.pipelines.build import read_options

    return inspect(
        config.data,
        config.test_data,
        read_options(config),
        sensitive=config.sensitive,
        task=config.task,
        positive=config.positive,
    )


def _against_the_data(config: RunConfig, found: Any) -> list[str]:
    """Returns what in the options does not fit the task or the columns that were found."""
    from tfx_automl.components.evaluator.gate import Gate
    from tfx_automl.components.example_gen.inspect import unknown_column
    from tfx_automl.models.metrics import objective_name

    checks: list[Callable[[], object]] = [
        lambda: objective_name(found.task, config.objective),
        lambda: Gate(found.task.kind, config.min_metric, config.max_gap),
        lambda: _check_family(config.family, "image" in found.columns),
    ]
    problems = [_with_flag(problem) for check in checks for problem in _problems_of(check)]
    absent = [name for name in config.exclude if name not in found.columns]
    return problems + [f"--exclude: {unknown_column(name, list(found.columns))}" for name in absent]


def _check_family(name: str, has_images: bool) -> None:
    from tfx_automl.models.families import family_for
    from tfx_automl.models.inputs import Image, InputSpec

    family_for(name, InputSpec(image=Image("image", 1, 1, 1)) if has_images else InputSpec(("number",)))


def _with_flag(problem: str) -> str:
    """Puts the flag in the place of the name that the option has in the components."""
    for name, flag in _FLAGS.items():
        if re.match(rf"{name}\b", problem):
            return flag + problem.removeprefix(name)
    return problem


def _problems_of(check: Callable[[], object]) -> list[str]:
    try:
        check()
    except TfxAutomlError as error:
        return _lines(error)
    return []


def _lines(error: TfxAutomlError) -> list[str]:
    return list(error.problems) if isinstance(error, ConfigError) else [str(error)]
