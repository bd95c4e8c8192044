"""A file beside TFMA's: replicates, histograms, and how another model does; arrays of all slices."""

import io
import json
import math
import os
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from tfx.dsl.io import fileio

from tfx_automl.components.evaluator.measured import Details, Measured, Model, SliceKey
from tfx_automl.components.evaluator.slices import EXAMPLE_COUNT

DETAILS_FILE = "details.npz"

_Arrays = dict[str, npt.NDArray[Any]]


def write_details(folder: str, slices: Sequence[Measured]) -> None:
    """Writes the file into the folder of an evaluation, local or remote."""
    arrays: _Arrays = {
        "keys": np.array(json.dumps([part.key for part in slices])),
        "rows": np.array([part.rows for part in slices]),
        "flips": np.array(json.dumps([dict(part.flips) for part in slices])),
        "histograms": np.array([part.histogram for part in slices if part.histogram is not None]),
        **_of_models([part.model for part in slices], "model"),
        **_of_models([part.other for part in slices if part.other is not None], "other"),
        **_of_models([part.at_common for part in slices if part.at_common is not None], "common"),
    }
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    with fileio.open(os.path.join(folder, DETAILS_FILE), "wb") as file:
        file.write(buffer.getvalue())


def _of_models(models: Sequence[Model], prefix: str) -> _Arrays:
    names = sorted(models[0].metrics) if models else []
    drawn = names if models and models[0].samples else []
    return {
        f"{prefix}_names": np.array(names),
        f"{prefix}_metrics": np.array([[model.metrics[name] for name in names] for model in models]),
        f"{prefix}_samples": np.array([[model.samples[name] for name in drawn] for model in models], np.float32),
    }


def read_details(folder: str) -> dict[SliceKey, Details]:
    """Returns the details by slice."""
    with fileio.open(os.path.join(folder, DETAILS_FILE), "rb") as file, np.load(io.BytesIO(file.read())) as stored:
        arrays: _Arrays = dict(stored)
    keys = [tuple((name, value) for name, value in key) for key in json.loads(str(arrays["keys"]))]
    models, others, common = (_models(arrays, prefix, len(keys)) for prefix in ("model", "other", "common"))
    flips, histograms = json.loads(str(arrays["flips"])), arrays["histograms"]
    return {
        key: Details(
            {} if (model := models[number]) is None else model.samples,
            histograms[number] if len(histograms) else None,
            others[number],
            flips[number],
            _defined(models[number], int(arrays["rows"][number])),
            common[number],
        )
        for number, key in enumerate(keys)
    }


def _defined(model: Model | None, rows: int) -> dict[str, float | None]:
    values = {} if model is None else model.metrics
    known = {name: float(value) if math.isfinite(value) else None for name, value in values.items()}
    return {**known, EXAMPLE_COUNT: rows}


def _models(arrays: _Arrays, prefix: str, count: int) -> Sequence[Model | None]:
    names, metrics, samples = (arrays[f"{prefix}_{what}"] for what in ("names", "metrics", "samples"))
    if not len(names):
        return [None] * count
    drawn = samples.astype(np.float64)
    return [
        Model(
            dict(zip(names.tolist(), metrics[number].tolist(), strict=True)),
            dict(zip(names.tolist(), drawn[number], strict=True)) if drawn.size else {},
        )
        for number in range(count)
    ]
