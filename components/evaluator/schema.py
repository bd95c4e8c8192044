"""The features of the raw examples, as the schema knows them: what is sliced on must be among them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tfx.types import artifact_utils
from tfx.utils import io_utils

from tfx_automl.components.evaluator.options import EvaluatorOptions
from tfx_automl.errors import ConfigError

if TYPE_CHECKING:
    from tfx_automl.components.evaluator.own.checked import OwnConfig


@dataclass(frozen=True)
class Feature:
    """A raw feature.

    Attributes:
        several: Whether a row may have several values.
    """

    several: bool


def read_features(artifacts: list[Any] | None) -> dict[str, Feature] | None:
    """Returns the features of a `Schema` artifact by name; None without such an artifact."""
    if not artifacts:
        return None
    path = io_utils.get_only_uri_in_dir(artifact_utils.get_single_uri(artifacts))
    schema = io_utils.SchemaReader().read(path)
    return {feature.name: Feature(_several(feature)) for feature in schema.feature}


def _several(feature: Any) -> bool:
    if feature.HasField("value_count"):
        return bool(feature.value_count.max != 1)
    if feature.HasField("shape"):
        return any(size.size != 1 for size in feature.shape.dim)
    return bool(feature.HasField("value_counts"))


def check_features(known: Mapping[str, Feature] | None, options: EvaluatorOptions) -> "OwnConfig | None":
    """Checks what is sliced on and what the user's metrics read; returns the user's configuration, if there is one.

    Args:
        known: The features of the schema; None if there is none, and nothing can be checked against it.
        options: With the sensitive features and the configuration.

    Raises:
        ConfigError: A feature does not exist, or has several values in a row; all problems at once.
    """
    own: OwnConfig | None = None
    problems: list[str] = []
    try:
        own = options.own_config(known)
    except ConfigError as error:
        problems += error.problems
    problems += [] if known is None else _problems(known, options, own)
    if problems:
        raise ConfigError(problems)
    return own


def _problems(known: Mapping[str, Feature], options: EvaluatorOptions, own: "OwnConfig | None") -> Iterator[str]:
    from tfx_automl.components.evaluator.own.slicing import feature_problem

    for name in sorted({name for group in options.sensitive for name in group}):
        problem = feature_problem("sensitive", name, options.task, known)
        if problem:
            yield problem
    named = {name: "sensitive" for group in options.sensitive for name in group}
    named |= {} if own is None else dict.fromkeys((*own.sliced, *own.others), "eval_config")
    for name, place in sorted(named.items()):
        if name in known and known[name].several:
            yield (
                f"{place} names {name!r}, which has several values in a row by the schema: slices and metrics need one;"
                " use another column."
            )
