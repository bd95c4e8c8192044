"""What the model card says of a model."""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import tfx_automl
from tfx_automl.components.data import without_nan
from tfx_automl.components.trainer.course import Course, Trained
from tfx_automl.components.trainer.decision import Decision
from tfx_automl.components.trainer.found import Found
from tfx_automl.models.data import TrainingData
from tfx_automl.models.inputs import raw_columns
from tfx_automl.models.metrics import metrics_of

_IN_SAMPLE = "The model was trained on the eval split, too, so its own metrics there would say nothing."


def card_of(
    course: Course, found: Found, trained: Trained, decision: Decision, transform_graph: str, saved: Path
) -> dict[str, Any]:
    """Returns the content of `model_card.json`.

    Args:
        course: What it was trained on, and how.
        found: What the search found.
        trained: The model.
        decision: Its threshold, or thresholds.
        transform_graph: Folder of the transform graph.
        saved: Folder of its SavedModel.
    """
    data, options = course.data, course.options
    card = {
        "task": asdict(data.task),
        "data": {"rows": {name: len(data.split(name)) for name in data.splits}, "fingerprint": data.fingerprint},
        "features": _features(data, transform_graph),
        "hyperparameters": dict(trained.values),
        "ensemble": None if not trained.members or found.ensemble is None else asdict(found.ensemble),
        "mode": options.mode,
        "trained_on": ["train", "eval"] if trained.on_all_rows else ["train"],
        "epochs": trained.epochs,
        "seed": options.seed,
        "distribution": options.distribution,
        "threshold": _threshold(course, decision),
        "metrics": _metrics(course, found, trained, decision),
        "sizes": _sizes(trained, saved),
        "versions": _versions(),
    }
    plain: dict[str, Any] = without_nan(card)
    return plain


def _features(data: TrainingData, transform_graph: str) -> list[dict[str, Any]]:
    """Returns each input with the raw columns that it comes from; None where that cannot be told."""
    import tensorflow_transform as tft

    raw = [name for name in tft.TFTransformOutput(transform_graph).raw_feature_spec() if name != data.task.label]
    inputs = data.inputs
    kinds = dict.fromkeys(dict(inputs.numeric_features), "numeric") | dict.fromkeys(
        dict(inputs.categorical), "categorical"
    )
    return [
        {"name": name, "kind": kinds.get(name, "image"), "columns": list(columns) or None}
        for name, columns in raw_columns(inputs, raw).items()
    ]


def _threshold(course: Course, decision: Decision) -> dict[str, Any] | None:
    if course.data.task.kind != "binary":
        return None
    by_group = {} if decision.by_group is None else {"groups": decision.by_group.to_card()}
    return {"value": decision.threshold, "chosen_by": course.options.rule, **by_group}


def _metrics(course: Course, found: Found, trained: Trained, decision: Decision) -> dict[str, Any]:
    """Returns metrics on the eval split, of a model that was not trained on it, and those of the search."""
    search = {name: found.training.get(name) for name in ("metric", "score", "metrics")} if found.training else None
    if trained.on_all_rows and trained.before is None:
        return {"eval": None, "note": f"{_IN_SAMPLE} Those of the search are the estimate.", "search": search}
    measured = metrics_of(course.data.task, *course.judge(trained), decision.of_rows)
    note = f"{_IN_SAMPLE} These are of a model like it that was trained on the train split alone."
    return {"eval": measured, "note": note if trained.on_all_rows else None, "search": search}


def _sizes(trained: Trained, saved: Path) -> dict[str, int]:
    metrics: Mapping[str, float] = trained.model.records[-1].metrics if trained.model.records else {}
    files = [path for path in saved.rglob("*") if path.is_file()]
    return {
        **{name: int(metrics[name]) for name in ("parameters", "model_bytes") if name in metrics},
        "saved_model_bytes": sum(path.stat().st_size for path in files),
    }


def _versions() -> dict[str, str]:
    import keras
    import tensorflow as tf
    import tfx

    return {
        "tfx-automl": tfx_automl.__version__,
        "tfx": tfx.__version__,
        "tensorflow": tf.__version__,
        "keras": keras.__version__,
    }
