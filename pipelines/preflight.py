"""The look at options and data before anything is written or anything heavy imported."""

import contextlib
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, cast

from tfx_automl.errors import ConfigError, DataError, TfxAutomlError, require
from tfx_automl.models.task import TaskKind, TaskSpec
from tfx_automl.pipelines.config import RunConfig
from tfx_automl.pipelines.gate_config import read_eval_config
from tfx_automl.pipelines.output import OutputFolder

_FLAGS = {
    "min_metrics": "--min-metric",
    "max_gaps": "--max-gap",
    "min_slice_metrics": "--min-slice-metric",
    "max_losses": "--max-loss",
    "max_slice_losses": "--max-slice-loss",
    "objective": "--objective",
    "threshold": "--threshold",
    "reweigh": "--reweigh",
    "group_thresholds": "--group-thresholds",
    "distribution": "--distribution",
    "constraint": "--constraint",
    "eval_config": "--eval-config",
    "sensitive": "--sensitive",
}
# Whether a metric exists depends on the kind of the task alone, so that any classes will do.
_SOME_CLASSES: dict[TaskKind, tuple[str, ...]] = {"binary": ("0", "1"), "multiclass": ("0", "1", "2"), "regression": ()}


@dataclass(frozen=True)
class _Known:
    """What the options are held against.

    Attributes:
        columns: Names of the columns; None if the file cannot be read.
        kind: Kind of the task; None if neither the options nor the data tell.
        found: The `DataSummary`; None if the data cannot be read.
    """

    columns: tuple[str, ...] | None
    kind: TaskKind | None
    found: Any = None


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
        groups = {"sensitive": config.sensitive, "cuts": config.cut}
        found = _inspect(config, **groups, positive=config.positive, test_data=config.test_data)
        known = _Known(tuple(found.columns), found.task.kind, found)
    except (ConfigError, DataError) as error:
        problems += _lines(error)
        known = _still_known(config)
    problems += _against_what_is_known(config, known)
    if problems:
        raise ConfigError(problems)
    return found


def _inspect(config: RunConfig, test_data: str | None = None, **wanted: Any) -> Any:
    from tfx_automl.components.example_gen.inspect import inspect
    from tfx_automl.pipelines.build import read_options

    return inspect(config.data, test_data, read_options(config), task=config.task, **wanted)


def _still_known(config: RunConfig) -> _Known:
    """Finds out what can be known although something is wrong, so that all mistakes come in one message."""
    kind = None if config.task == "auto" else cast(TaskKind, config.task)
    with contextlib.suppress(ConfigError, DataError):  # they are reported already
        if kind is None:  # without the other options: the training file and the label alone may be right
            found = _inspect(config)
            return _Known(tuple(found.columns), found.task.kind, found)
    return _Known(_columns(config), kind)


def _columns(config: RunConfig) -> tuple[str, ...] | None:
    from tfx_automl.components.example_gen.table import read_names
    from tfx_automl.pipelines.build import read_options

    with contextlib.suppress(ConfigError, DataError):
        return read_names(config.data, read_options(config))
    return config.columns


def _against_what_is_known(config: RunConfig, known: _Known) -> list[str]:
    """Returns what in the options does not fit the task or the columns."""
    from tfx_automl.models.group_thresholds import parity_problems
    from tfx_automl.models.groups import reweigh_problems
    from tfx_automl.models.measures import objectives_of
    from tfx_automl.models.thresholds import threshold_problems

    checks: list[Callable[[], object]] = []
    if known.kind is not None:
        kind, task = known.kind, TaskSpec(known.kind, config.label, _SOME_CLASSES[known.kind])
        checks = [
            lambda: objectives_of(task, config.objective, config.constraint, config.sensitive),
            lambda: config.gate(kind),
        ]
    checks.append(lambda: _check_families(config, known.columns))
    checks.append(lambda: _check_eval_config(config, known.found))
    checks.append(
        lambda: _check_one_value("sensitive", {name for group in config.sensitive for name in group}, known.found)
    )
    found = [] if known.kind is None else threshold_problems(known.kind, config.threshold)
    found += [] if known.kind is None else reweigh_problems(known.kind, config.reweigh)
    found += [] if known.kind is None else parity_problems(config.group_thresholds, known.kind, config.sensitive)
    found += [problem for check in checks for problem in _problems_of(check)]
    problems = [_with_flag(problem) for problem in found]
    return problems + ([] if known.columns is None else _column_problems(config, known.columns))


def _check_eval_config(config: RunConfig, found: Any) -> None:
    """Checks the user's own configuration; only whether the file can be read where the data cannot."""
    if config.eval_config is None:
        return
    text = read_eval_config(config.eval_config)
    if found is not None:
        # Imported here because it loads TFMA, which takes seconds.
        from tfx_automl.components.evaluator.own.checked import OwnConfig

        own = OwnConfig.of(text, found.task, config.sensitive, tuple(found.columns))
        _check_one_value("eval_config", {*own.sliced, *own.others}, found)


def _check_one_value(option: str, names: Iterable[str], found: Any) -> None:
    """Refuses columns of lists, of which no slices can be made."""
    types = {} if found is None else found.columns
    lists = [name for name in sorted(names) if "list" in types.get(name, "")]
    require(*((False, f"{option} names {name!r}, a column of lists; name one with one value a row.") for name in lists))


def _check_families(config: RunConfig, columns: tuple[str, ...] | None) -> None:
    """Refuses a family that does not exist or, where the columns are known, is not for such data or no network."""
    from tfx_automl.models.families import check_distributable, families_for, get_family
    from tfx_automl.models.inputs import Image, InputSpec, are_images

    families = [get_family(name) for name in config.families]
    if columns is not None:
        inputs = InputSpec(image=Image("image", 1, 1, 1)) if are_images(columns) else InputSpec(("number",))
        families = list(families_for(config.families, inputs))
    if config.distribution != "none":
        for family in families:
            check_distributable(family.name)


def _column_problems(config: RunConfig, columns: tuple[str, ...]) -> list[str]:
    """Returns the excluded columns that do not exist, and whether none is left to learn from."""
    from tfx_automl.components.example_gen.inspect import unknown_column
    from tfx_automl.models.inputs import IMAGE_COLUMNS, are_images

    absent = [name for name in config.exclude if name not in columns]
    problems = [f"--exclude: {unknown_column(name, list(columns))}" for name in absent]
    features, excluded = set(columns) - {config.label}, set(config.exclude)
    if are_images(columns) and excluded & set(IMAGE_COLUMNS):
        excluded.update(IMAGE_COLUMNS)  # as Transform does
    if not features:
        problems.append(
            f"{config.data}: there is no column but the label {config.label!r}; expected at least one to learn from:"
            " add one."
        )
    elif features <= excluded:
        problems.append(
            f"--exclude: got {', '.join(config.exclude)}, which leaves nothing to learn from but the label"
            f" {config.label!r}; exclude fewer of the {len(features)} columns."
        )
    return problems


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
