"""Plans the features: a pure function of the statistics of the train split and the task."""

import math
import re
from collections.abc import Sequence
from typing import Any

from tfx_automl.components.transform.plan import FeatureDecision, FeaturePlan
from tfx_automl.errors import DataError
from tfx_automl.models.task import TaskSpec

MOST_CATEGORIES = 1000  # as many as TFDV's rank histogram holds
_MOST_BUCKETS = 1024
_UNIQUE_SHARE = 0.95
_FEWEST_ROWS_FOR_IDENTIFIER = 20
_IDENTIFIER_NAME = re.compile(r"(^|[_\W])(id|uuid|guid|key|index|idx|rownum|row_number)$", re.IGNORECASE)
_CAMEL_IDENTIFIER = re.compile(r"[a-z](Id|ID|Uuid|Key)$")
# A number whose mean lies so many times above its median, or whose largest value lies so many standard deviations out,
# is mostly tail.
_SKEW_IN_STDS = 8.0

_IMAGE_PARTS = ("image", "image/height", "image/width", "image/channels")


def plan_features(statistics: Any, task: TaskSpec, exclude: Sequence[str] = ()) -> FeaturePlan:
    """Decides for every column what becomes of it.

    Args:
        statistics: TFDV's `DatasetFeatureStatistics` of the train split.
        task: What is to be predicted.
        exclude: Columns that the model must not see.

    Raises:
        DataError: An excluded column or the label does not exist.
    """
    features = {_name(feature): feature for feature in statistics.features}
    absent = [name for name in (task.label, *exclude) if name not in features]
    if absent:
        raise DataError(f"There is no column {', '.join(absent)}; the columns are {', '.join(sorted(features))}.")
    rows = int(statistics.num_examples)
    has_image = all(part in features for part in _IMAGE_PARTS)
    decisions = []
    for name in sorted(features):
        if name == task.label:
            decisions.append(FeatureDecision(name, "label", f"the label of a {task.kind} task"))
        elif name in exclude:
            decisions.append(FeatureDecision(name, "dropped", "excluded by the user"))
        elif has_image and name in _IMAGE_PARTS:
            decisions.append(_image(name, features))
        else:
            decisions.append(_decide(name, features[name], rows))
    return FeaturePlan(task, rows, tuple(decisions))


def _name(feature: Any) -> str:
    return feature.name or ".".join(feature.path.step)


def _image(name: str, features: dict[str, Any]) -> FeatureDecision:
    if name != "image":
        return FeatureDecision(name, "image size", "tells the shape of the images; no input of the model")
    height, width, channels = (int(features[part].num_stats.max) for part in _IMAGE_PARTS[1:])
    return FeatureDecision(name, "image", f"images of {height} × {width} pixels, {channels} channel(s)")


def _decide(name: str, feature: Any, rows: int) -> FeatureDecision:
    kind = feature.WhichOneof("stats")
    stats = getattr(feature, kind) if kind else None
    if stats is None or not hasattr(stats, "common_stats"):
        return FeatureDecision(name, "dropped", "its values are of a kind that no model here takes")
    common = stats.common_stats
    present = int(common.num_non_missing)
    if present == 0:
        return FeatureDecision(name, "dropped", f"missing in all {rows} training rows")
    if common.max_num_values > 1:
        return FeatureDecision(name, "dropped", f"holds lists of up to {common.max_num_values} values")
    if kind == "num_stats":
        return _number(name, feature, rows, present)
    if kind == "string_stats":
        return _text(name, stats, rows, present)
    return FeatureDecision(name, "dropped", "holds bytes that are neither text nor an image")


def _missing_share(rows: int, present: int) -> str:
    return "" if present >= rows else f", {100 * (rows - present) / rows:.1f} % missing"


def _number(name: str, feature: Any, rows: int, present: int) -> FeatureDecision:
    stats = feature.num_stats
    if stats.min == stats.max:
        return FeatureDecision(name, "dropped", f"constant: always {stats.min:g} where it is there")
    if _is_identifier(name, feature, present):
        return FeatureDecision(
            name, "dropped", f"an identifier: whole numbers spread over {stats.min:g} to {stats.max:g}"
        )
    parameters = {"median": stats.median, "missing": present < rows}
    missing = _missing_share(rows, present) + (
        ", so the median is filled in and an indicator added" if present < rows else ""
    )
    span = f"{stats.min:g} to {stats.max:g}"
    if stats.min >= 0 and stats.std_dev > 0 and (stats.max - stats.mean) / stats.std_dev > _SKEW_IN_STDS:
        return FeatureDecision(name, "log", f"{span}, mostly tail{missing}: log(1 + x), standardised", parameters)
    scale = {"mean": stats.mean, "std": stats.std_dev or 1.0}
    return FeatureDecision(name, "numeric", f"{span}{missing}: standardised", {**parameters, **scale})


def _is_identifier(name: str, feature: Any, present: int) -> bool:
    """Tells whether whole numbers look like a key: named like one and with room for one per row, or running numbers."""
    stats = feature.num_stats
    if feature.type != 0 or present < _FEWEST_ROWS_FOR_IDENTIFIER:  # 0 is INT
        return False
    places = stats.max - stats.min + 1
    if _IDENTIFIER_NAME.search(name) or _CAMEL_IDENTIFIER.search(name):
        return bool(places >= present)
    # Running numbers from 0 or 1: a sample of them is spread evenly.
    even_std, middle = places / math.sqrt(12), (stats.min + stats.max) / 2
    evenly = abs(stats.std_dev / even_std - 1) < 0.03 and abs(stats.mean - middle) < 0.03 * places
    return bool(stats.min <= 3 and present <= places <= 2 * present and evenly)


def _text(name: str, stats: Any, rows: int, present: int) -> FeatureDecision:
    unique = int(stats.unique)
    missing = _missing_share(rows, present)
    counts = f"{unique} values in {present} rows{missing}"
    if unique == 1:
        return FeatureDecision(name, "dropped", f"constant: always {stats.top_values[0].value!r} where it is there")
    if present >= _FEWEST_ROWS_FOR_IDENTIFIER and unique >= _UNIQUE_SHARE * present:
        return FeatureDecision(name, "dropped", f"an identifier: {counts}")
    vocabulary = [bucket.label for bucket in stats.rank_histogram.buckets]
    if unique <= MOST_CATEGORIES and len(vocabulary) == unique:
        return FeatureDecision(
            name,
            "categorical",
            f"{counts}: one category each, and one for missing and for new values",
            {"vocabulary": vocabulary},
        )
    buckets = min(_MOST_BUCKETS, max(64, unique // 8))
    return FeatureDecision(
        name, "hashed", f"{counts}, too many for a vocabulary: {buckets} hash buckets", {"buckets": buckets}
    )
