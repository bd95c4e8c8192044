"""A `tfma.EvalConfig` as a user gives it, and as text; TFMA is imported only where it is read."""

from collections.abc import Iterator
from typing import Any

from tfx_automl.errors import ConfigError, one_line

_FULL_NAME = "tensorflow_model_analysis.EvalConfig"
_EMPTY = "eval_config is empty: give it metrics_specs or slicing_specs, or leave it out."


def config_text(given: object) -> str:
    """Returns a configuration as text: a message as JSON, text as it is.

    Args:
        given: A `tfma.EvalConfig`, or its JSON or text format.

    Raises:
        ConfigError: It is something else, or empty.
    """
    if isinstance(given, str):
        text = given.strip()
    else:
        descriptor = getattr(given, "DESCRIPTOR", None)
        if getattr(descriptor, "full_name", None) != _FULL_NAME:
            raise ConfigError(
                f"eval_config: expected a tfma.EvalConfig, or its JSON or text format; got {type(given).__name__}."
            )
        from google.protobuf import json_format

        text = json_format.MessageToJson(given, preserving_proto_field_name=True).strip()
    if text in ("", "{}"):
        raise ConfigError(_EMPTY)
    return text


def read_config(text: str) -> Any:
    """Returns the `EvalConfig` that a text stands for: JSON if it begins with a brace, else protobuf's text format.

    Raises:
        ConfigError: It is neither, has fields that an `EvalConfig` has not, or says nothing.
    """
    from google.protobuf import json_format, text_format
    from tensorflow_model_analysis.proto import config_pb2

    config = config_pb2.EvalConfig()
    kind = "JSON" if text.lstrip().startswith("{") else "text format"
    try:
        (json_format if kind == "JSON" else text_format).Parse(text, config)
    except (json_format.ParseError, text_format.ParseError) as error:
        raise ConfigError(f"eval_config: expected a tfma.EvalConfig in {kind}; {one_line(error)}.") from error
    if not config.ByteSize():
        raise ConfigError(_EMPTY)
    return config


def metrics_of(config: Any) -> Iterator[tuple[str, Any, Any]]:
    """Yields the place of each metric, its `MetricsSpec` and its `MetricConfig`."""
    for number, spec in enumerate(config.metrics_specs):
        for index, metric in enumerate(spec.metrics):
            yield f"metrics_specs[{number}].metrics[{index}] ({metric.class_name or 'no class_name'})", spec, metric


def slices_of(config: Any) -> Iterator[tuple[str, Any]]:
    """Yields the place of each `SlicingSpec` that says where something is measured, and the specification."""
    for number, spec in enumerate(config.slicing_specs):
        yield f"slicing_specs[{number}]", spec
    for number, crossing in enumerate(config.cross_slicing_specs):
        yield f"cross_slicing_specs[{number}].baseline_spec", crossing.baseline_spec
        for index, spec in enumerate(crossing.slicing_specs):
            yield f"cross_slicing_specs[{number}].slicing_specs[{index}]", spec


def thresholds_of(config: Any) -> Iterator[tuple[str, Any, Any]]:
    """Yields the place of each threshold, its `MetricThreshold`, and what it stands in.

    The last is None for a threshold without slices, else a `PerSliceMetricThreshold` or `CrossSliceMetricThreshold`.
    """
    for place, _, metric in metrics_of(config):
        if metric.HasField("threshold"):
            yield f"{place}.threshold", metric.threshold, None
        for name in ("per_slice_thresholds", "cross_slice_thresholds"):
            for index, entry in enumerate(getattr(metric, name)):
                yield f"{place}.{name}[{index}]", entry.threshold, entry
    for number, spec in enumerate(config.metrics_specs):
        for key, threshold in spec.thresholds.items():
            yield f"metrics_specs[{number}].thresholds[{key!r}]", threshold, None
        for name in ("per_slice_thresholds", "cross_slice_thresholds"):
            for key, several in getattr(spec, name).items():
                for index, entry in enumerate(several.thresholds):
                    yield f"metrics_specs[{number}].{name}[{key!r}][{index}]", entry.threshold, entry
