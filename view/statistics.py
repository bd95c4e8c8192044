"""The statistics of the splits, as StatisticsGen writes them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tfx_automl.components.evaluator.report.markup import Markup, element
from tfx_automl.errors import ConfigError
from tfx_automl.view.bars import distribution
from tfx_automl.view.shown import View
from tfx_automl.view.sources import Folder, Wanted, find
from tfx_automl.view.tables import Column, heading, number, share, shortened, subheading, table

_FILE = "FeatureStats.pb"
_PREFIX = "Split-"
_WANTED = Wanted(
    "statistics",
    "ExampleStatistics",
    "StatisticsGen",
    "statistics",
    more=", or statistics of TFDV (DatasetFeatureStatisticsList)",
)
_MOST_FREQUENT, _BARS = 3, 20


@dataclass(frozen=True)
class _Feature:
    """A feature in one split: its name, the split, and TFDV's message."""

    name: str
    split: str
    rows: int
    message: Any

    @property
    def is_numeric(self) -> bool:
        return bool(self.message.WhichOneof("stats") == "num_stats")

    @property
    def stats(self) -> Any:
        return getattr(self.message, self.message.WhichOneof("stats"))

    @property
    def missing(self) -> int:
        return self.rows - int(self.stats.common_stats.num_non_missing)


def statistics(source: Any, *, splits: Sequence[str] | None = None, limit: int = 100) -> View:
    """Shows what there is in the data: for each feature and split how much is missing, its range and its values.

    Args:
        source: The output folder of a run; an artifact of type ExampleStatistics, the stock StatisticsGen's too; its
            URI; or what `tfdv.load_statistics` returns.
        splits: Only these.
        limit: The most features to show; `to_frame` has all.

    Raises:
        ConfigError: The source is none of these, or has no such split.
    """
    features = _read(source, splits)
    names = list(dict.fromkeys(feature.name for feature in features))
    shown = [feature for feature in features if feature.name in set(names[:limit])]
    rows = {feature.split: feature.rows for feature in features}
    counts = ", ".join(f"{split or 'all'} {count:,}" for split, count in rows.items())
    parts = [heading(f"Statistics: {len(names)} features; rows: {counts}")]
    numeric = [feature for feature in shown if feature.is_numeric]
    others = [feature for feature in shown if not feature.is_numeric]
    parts += [subheading("Numbers"), _numeric_table(numeric)] if numeric else []
    parts += [subheading("Categories and text"), _other_table(others)] if others else []
    if len(names) > limit:
        parts.append(subheading(f"{len(names) - limit} more features are in to_frame()."))
    return View("Statistics", element("div", *parts), tuple(map(_row, features)))


def _read(source: Any, splits: Sequence[str] | None) -> list[_Feature]:
    by_split = _messages(source)
    wanted = list(by_split) if splits is None else list(splits)
    unknown = [split for split in wanted if split not in by_split]
    if unknown or not wanted:
        raise ConfigError(f"statistics: splits: expected some of {', '.join(by_split)}; got {wanted!r}.")
    found = [
        _Feature(message.name or ".".join(message.path.step), split, dataset.num_examples, message)
        for split in wanted
        for dataset in by_split[split].datasets
        for message in dataset.features
        if message.WhichOneof("stats")
    ]
    order = {split: place for place, split in enumerate(wanted)}
    return sorted(found, key=lambda feature: (feature.name, order[feature.split]))


def _messages(source: Any) -> dict[str, Any]:
    if hasattr(source, "datasets"):
        return {"": source}
    folder = find(source, _WANTED)
    names = [name for name in folder.folders() if name.startswith(_PREFIX)]
    found = {name.removeprefix(_PREFIX): _parsed(folder, name) for name in sorted(names, key=_usual_order)}
    found = {split: message for split, message in found.items() if message is not None}
    if not found:
        raise _WANTED.refuse(f"{folder.uri}, which has no {_PREFIX}<name>/{_FILE}")
    return found


def _parsed(folder: Folder, name: str) -> Any:
    from google.protobuf.message import DecodeError
    from tensorflow_metadata.proto.v0 import statistics_pb2

    content = folder.read(f"{name}/{_FILE}")
    try:
        return None if content is None else statistics_pb2.DatasetFeatureStatisticsList.FromString(content)
    except DecodeError as error:
        raise _WANTED.refuse(f"{folder.uri}, whose {name}/{_FILE} holds no statistics ({error})") from error


def _usual_order(name: str) -> tuple[int, str]:
    """Train, eval and test come first, in this order."""
    usual = [f"{_PREFIX}{split}" for split in ("train", "eval", "test")]
    return (usual.index(name) if name in usual else len(usual), name)


def _numeric_table(features: Sequence[_Feature]) -> Markup:
    titles = ("missing", "mean", "deviation", "least", "median", "largest", "zeros")
    columns = [Column("feature", True), Column("split", True), *map(Column, titles), Column("distribution", True)]
    rows = []
    for feature in features:
        stats = feature.stats
        present = stats.common_stats.num_non_missing
        values = [number(value) for value in (stats.mean, stats.std_dev, stats.min, stats.median, stats.max)]
        drawn = distribution(_histogram(stats), f"Distribution of {feature.name}") if present else ""
        rows.append([*_start(feature), *values, share(stats.num_zeros, present), drawn])
    return table(columns, _without_repeats(rows))


def _start(feature: _Feature) -> list[str]:
    return [shortened(feature.name), feature.split, share(feature.missing, feature.rows)]


def _without_repeats(rows: list[list[str]]) -> list[list[str]]:
    """Names each feature once."""
    names = [row[0] for row in rows]
    return [["" if place and names[place - 1] == row[0] else row[0], *row[1:]] for place, row in enumerate(rows)]


def _histogram(stats: Any) -> list[float]:
    """Returns the heights of a histogram with buckets of equal width."""
    found = [histogram for histogram in stats.histograms if histogram.type == 0 and histogram.buckets]
    return [bucket.sample_count for bucket in found[0].buckets] if found else []


def _other_table(features: Sequence[_Feature]) -> Markup:
    columns = [Column("feature", True), Column("split", True), Column("missing"), Column("values")]
    columns += [Column("most frequent", True), Column("distribution", True)]
    rows = []
    for feature in features:
        present = feature.stats.common_stats.num_non_missing
        top = [(value.value, value.frequency) for value in getattr(feature.stats, "top_values", ())]
        words = "; ".join(f"{shortened(value, 24)} ({share(n, present)})" for value, n in top[:_MOST_FREQUENT])
        drawn = (
            distribution([n for _, n in top[:_BARS]], f"Most frequent values of {feature.name}: {words}") if top else ""
        )
        rows.append([*_start(feature), number(getattr(feature.stats, "unique", None)), words, drawn])
    return table(columns, _without_repeats(rows))


def _row(feature: _Feature) -> Mapping[str, Any]:
    stats = feature.stats
    own = {"feature": feature.name, "split": feature.split, "rows": feature.rows, "missing": feature.missing}
    if feature.is_numeric:
        names = {"mean": "mean", "std": "std_dev", "min": "min", "median": "median", "max": "max", "zeros": "num_zeros"}
        return {**own, **{name: getattr(stats, key) for name, key in names.items()}}
    top = list(getattr(stats, "top_values", ()))
    return {**own, "unique": getattr(stats, "unique", None), "top": top[0].value if top else None}
