"""Curves of a slice as TFMA's plots, which its viewer `render_plot` draws."""

import math
from typing import Any

import numpy as np
from tensorflow_model_analysis.metrics import binary_confusion_matrices, metric_types
from tensorflow_model_analysis.metrics.calibration_plot import CALIBRATION_PLOT_NAME
from tensorflow_model_analysis.metrics.confusion_matrix_plot import CONFUSION_MATRIX_PLOT_NAME
from tensorflow_model_analysis.proto import metrics_for_slice_pb2
from tensorflow_model_analysis.writers import metrics_plots_and_validations_writer as tfma_writer

from tfx_automl.components.evaluator.columnar.curves import STEPS, THRESHOLDS, Histogram
from tfx_automl.components.evaluator.measured import SliceKey

_BUCKETS = 10


def plots_of(key: SliceKey, histogram: Histogram) -> Any:
    """Returns the message with the plots of a slice.

    Args:
        key: Its features and values in TFMA's order.
        histogram: See `columnar.curves`.
    """
    plots = {
        CONFUSION_MATRIX_PLOT_NAME: _confusion_plot(histogram),
        CALIBRATION_PLOT_NAME: _calibration_plot(histogram),
    }
    keys = {metric_types.PlotKey(name=name, example_weighted=False): plot for name, plot in plots.items()}
    return tfma_writer.convert_slice_plots_to_proto((key, keys), None)


def _confusion_plot(histogram: Histogram) -> Any:
    """Returns TFMA's confusion matrices at the thresholds of a histogram; TFMA predicts positive above a threshold."""
    found = binary_confusion_matrices.Matrices([], [], [], [], [])
    tp, fp = (np.cumsum(histogram[::-1, column])[::-1] for column in (0, 1))
    for step, threshold in enumerate(THRESHOLDS):
        found.thresholds.append(float(np.nextafter(threshold, np.float32(-1))))
        found.tp.append(tp[step])
        found.fp.append(fp[step])
        found.fn.append(tp[0] - tp[step])
        found.tn.append(fp[0] - fp[step])
    return found.to_proto().confusion_matrix_at_thresholds


def _calibration_plot(histogram: Histogram) -> Any:
    """Returns TFMA's calibration buckets: tenths of the scores."""
    found = metrics_for_slice_pb2.CalibrationHistogramBuckets()
    for low in range(0, STEPS, STEPS // _BUCKETS):
        high = low + STEPS // _BUCKETS
        rows = histogram[low : high + (high == STEPS)].sum(axis=0)  # the last bucket has the scores that are 1, too
        found.buckets.add(
            lower_threshold_inclusive=low / STEPS,
            upper_threshold_exclusive=math.inf if high == STEPS else high / STEPS,
            total_weighted_label={"value": rows[0]},
            total_weighted_refined_prediction={"value": rows[2]},
            num_weighted_examples={"value": rows[0] + rows[1]},
        )
    return found
