"""What in a user's configuration says otherwise than this component does, or asks for what it has not."""

from collections.abc import Iterator
from typing import Any

from tfx_automl.components.evaluator.outputs import output_name
from tfx_automl.models.task import TaskSpec

# The names that TFMA gives two models that are compared.
CANDIDATE, BASELINE = "candidate", "baseline"
_ONE_OUTPUT = "the model is evaluated on one output"
_NOT_OURS = {
    "label_keys": f"{_ONE_OUTPUT}; use label_key, or leave it out",
    "prediction_keys": f"{_ONE_OUTPUT}; use prediction_key, or leave it out",
    "example_weight_keys": f"{_ONE_OUTPUT}; use example_weight_key",
    "padding_options": "labels and predictions have the same length in every row; leave it out",
    "inference_batch_size": "the Evaluator reads batches of its own; leave it out",
}


def contradictions(config: Any, task: TaskSpec) -> Iterator[str]:
    """Yields one sentence for everything that cannot be had.

    Args:
        config: A `tfma.EvalConfig`.
        task: What the model predicts.
    """
    yield from _models(config.model_specs, task)
    yield from _options(config.options)
    for number, spec in enumerate(config.metrics_specs):
        yield from _metrics_spec(f"metrics_specs[{number}]", spec)
    if config.cross_slicing_specs and not any(spec.metrics for spec in config.metrics_specs):
        yield "cross_slicing_specs compare the metrics of metrics_specs, and there are none; name at least one metric."


def _models(specs: Any, task: TaskSpec) -> Iterator[str]:
    if len(specs) > 2 or sum(spec.is_baseline for spec in specs) > 1 or (len(specs) == 2 and not _baselines(specs)):
        yield (
            f"model_specs: expected at most a model and one with is_baseline, got {len(specs)}; leave them"
            " out, and both are filled in."
        )
    for number, spec in enumerate(specs):
        yield from _model(f"model_specs[{number}]", spec, task)
    weights = {spec.example_weight_key for spec in specs}
    if len(weights) > 1:
        yield f"model_specs: both models have the same rows, but example_weight_key differs: {sorted(weights)!r}."


def _baselines(specs: Any) -> list[Any]:
    return [spec for spec in specs if spec.is_baseline]


def _model(place: str, spec: Any, task: TaskSpec) -> Iterator[str]:
    ours = {
        "name": ("", BASELINE if spec.is_baseline else CANDIDATE),
        "model_type": ("", "tf_generic"),
        "signature_name": ("", "serving_default"),
        "label_key": ("", task.transformed_label, task.label),
        "prediction_key": ("", output_name(task)),
    }
    for field, known in ours.items():
        value = getattr(spec, field)
        if value not in known:
            expected = " or ".join(map(repr, known[1:]))
            yield f"{place}.{field} is {value!r}, but it has to be {expected}; leave it out."
    if set(spec.preprocessing_function_names) - {"transform_features"}:
        yield (
            f"{place}.preprocessing_function_names is {list(spec.preprocessing_function_names)!r}, but it"
            " has to be 'transform_features'; leave it out."
        )
    for field, why in _NOT_OURS.items():
        if _is_set(spec, field):
            yield f"{place}.{field} cannot be used: {why}."


def _options(options: Any) -> Iterator[str]:
    if options.include_default_metrics.value:
        yield (
            "options.include_default_metrics: the model comes without metrics of its own; leave it out, and name them"
            " in metrics_specs."
        )
    if options.HasField("confidence_intervals") and not options.compute_confidence_intervals.value:
        yield "options.confidence_intervals has no effect without compute_confidence_intervals; set that to true."
    if options.disabled_outputs.values:
        yield "options.disabled_outputs cannot be used: the gate and the report need all outputs; leave it out."


def _metrics_spec(place: str, spec: Any) -> Iterator[str]:
    for field in ("output_names", "output_weights"):
        if len(getattr(spec, field)):
            yield f"{place}.{field} cannot be used: {_ONE_OUTPUT}, whatever it is called; leave it out."
    names = set(spec.model_names)
    if names and names != {CANDIDATE} and names != {CANDIDATE, BASELINE}:
        yield (
            f"{place}.model_names is {list(spec.model_names)!r}, but the models are {CANDIDATE!r} and {BASELINE!r};"
            " leave it out, and both are measured."
        )
    if not spec.metrics:
        yield f"{place} has no metrics; name at least one."


def _is_set(message: Any, field: str) -> bool:
    return field in {descriptor.name for descriptor, _ in message.ListFields()}
