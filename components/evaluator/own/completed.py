"""A user's configuration with everything that is ours filled in: how TFMA computes it, and how it is written."""

from collections.abc import Iterable
from typing import Any

from tensorflow_model_analysis.proto import config_pb2
from tensorflow_model_analysis.utils import config_util

from tfx_automl.components.evaluator.own.checked import OwnConfig
from tfx_automl.components.evaluator.own.metrics import with_thresholds_in_metrics
from tfx_automl.components.evaluator.own.slicing import sliced

_THRESHOLDS = ("threshold", "per_slice_thresholds", "cross_slice_thresholds")


def complete(own: OwnConfig, generated: Any, compared: bool) -> Any:
    """Returns what the user wants measured and bounded, for the models and also in the slices that are generated.

    Without a model to compare with, bounds on changes are left out, as the stock Evaluator does.

    Args:
        own: What the user asks for.
        generated: The `EvalConfig` of the Evaluator's own metrics, with one model.
        compared: Whether there are two models.
    """
    config = with_thresholds_in_metrics(own.given)
    del config.model_specs[:]
    config.model_specs.add().CopyFrom(generated.model_specs[0])
    config.model_specs[0].example_weight_key = own.weight or ""
    specs = distinct_specs([*generated.slicing_specs, *config.slicing_specs])
    del config.slicing_specs[:]
    config.slicing_specs.extend(specs)
    return config_util.update_eval_config_with_defaults(config, has_baseline=compared, rubber_stamp=True)


def distinct_specs(specs: Iterable[Any]) -> list[Any]:
    """Returns slicing specifications, each once."""
    return list({sliced(spec): spec for spec in specs}.values())


def without_thresholds(config: Any, fields: Iterable[str] = _THRESHOLDS) -> Any:
    """Returns the same configuration without the thresholds of its metrics, or without some kinds of them."""
    copy = config_pb2.EvalConfig()
    copy.CopyFrom(config)
    for spec in copy.metrics_specs:
        for metric in spec.metrics:
            for field in fields:
                metric.ClearField(field)
    return copy


def joined(written: Any, config: Any) -> Any:
    """Returns what is written: the Evaluator's own configuration and the user's as one.

    Args:
        written: Of the Evaluator's own metrics, with all models.
        config: The user's, completed.
    """
    both = config_pb2.EvalConfig()
    both.CopyFrom(written)
    for own, ours in zip(config.model_specs, both.model_specs, strict=True):
        ours.example_weight_key = own.example_weight_key
    # Our metrics count every row once, whatever the user's do.
    for spec in both.metrics_specs:
        spec.example_weights.unweighted = True
    del both.slicing_specs[:]
    both.slicing_specs.extend(config.slicing_specs)
    both.cross_slicing_specs.extend(config.cross_slicing_specs)
    both.metrics_specs.extend(config.metrics_specs)
    both.options.CopyFrom(config.options)
    return both
