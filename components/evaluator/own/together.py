"""The Evaluator's own measurements and the user's, slice by slice, as one."""

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from tensorflow_model_analysis.writers import metrics_plots_and_validations_writer as tfma_writer
from tfx.utils import io_utils

from tfx_automl.components.evaluator.columnar.curves import Histogram
from tfx_automl.components.evaluator.measured import Measured, SliceKey
from tfx_automl.components.evaluator.own.outcome import OWN_FILE
from tfx_automl.components.evaluator.own.results import OwnResults, name_of, tables
from tfx_automl.components.evaluator.own.thresholds import threshold_checks
from tfx_automl.components.evaluator.plots import plots_of


def with_own(
    slices: Sequence[Measured], own: OwnResults | None
) -> Iterator[tuple[Any, Measured | None, Mapping[Any, Any]]]:
    """Yields each slice, what the Evaluator has measured of it, and what TFMA has for the user.

    Pairs of slices are the user's alone.
    """
    rest = {} if own is None else own.metrics
    for part in slices:
        _, values = rest.pop(name_of(part.key), (part.key, {}))
        yield part.key, part, values
    for key, values in rest.values():
        yield key, None, values


def plot_messages(histograms: Mapping[SliceKey, Histogram], own: OwnResults | None) -> Iterator[Any]:
    """Yields TFMA's message with the plots of each slice; the user's stand where both have some of one kind.

    Args:
        histograms: By slice, of which the Evaluator's own plots are made.
        own: What was measured for the user.
    """
    rest = {} if own is None else own.plots
    keys = {name_of(key): key for key, _ in own.measurements.plots} if own is not None else {}
    for key, histogram in histograms.items():
        message = plots_of(key, histogram)
        name = name_of(key)
        if name in rest:
            message = _merged(message, _message(key, rest.pop(name)))
        yield message
    for name, plots in rest.items():
        yield _message(keys[name], plots)


def _message(key: Any, plots: Mapping[Any, Any]) -> Any:
    return tfma_writer.convert_slice_plots_to_proto((key, dict(plots)), None)


def _merged(ours: Any, own: Any) -> Any:
    by_key = {entry.key.SerializeToString(deterministic=True): entry for entry in ours.plot_keys_and_values}
    for entry in own.plot_keys_and_values:
        known = by_key.get(entry.key.SerializeToString(deterministic=True))
        if known is None:
            ours.plot_keys_and_values.add().CopyFrom(entry)
            continue
        for field, value in entry.value.ListFields():
            getattr(known.value, field.name).CopyFrom(value)
    return ours


def write_own(folder: str, results: OwnResults) -> None:
    """Writes the metrics and the checks of thresholds as JSON into the folder of an evaluation, local or remote."""
    content = {"slices": tables(results), "checks": [asdict(check) for check in threshold_checks(results)]}
    io_utils.write_string_file(os.path.join(folder, OWN_FILE), json.dumps(content, indent=2, allow_nan=False) + "\n")
