"""TFMA's result, whoever made it: every metric that is a number, by slice, and how far slices are apart."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tfx_automl.components.evaluator.report.markup import Markup, element, join
from tfx_automl.errors import ConfigError
from tfx_automl.view.bars import Bar, bar_chart
from tfx_automl.view.shown import View
from tfx_automl.view.tables import Column, heading, note, number, shortened, subheading, table, with_small

_COUNT = "example_count"
_MOST_CHARTS, _MOST_BARS = 6, 25
_NO_CHART = frozenset({_COUNT, "weighted_example_count", "loss"})

_Key = tuple[tuple[str, Any], ...]


@dataclass(frozen=True)
class _Slice:
    """A slice: its features and values, its metrics, and the ends of their intervals where they are known."""

    key: _Key
    metrics: Mapping[str, float | None]
    intervals: Mapping[str, tuple[float, float]]

    @property
    def features(self) -> str:
        return " and ".join(str(name) for name, _ in self.key)

    @property
    def name(self) -> str:
        return ", ".join(str(value) for _, value in self.key) or "All rows"

    @property
    def rows(self) -> float | None:
        return self.metrics.get(_COUNT)


def result_view(result: Any, min_slice_size: int) -> View:
    """Shows a result of TFMA.

    Args:
        result: What `tfma.load_eval_result` or `tfma.run_model_analysis` returns, made with any configuration.
        min_slice_size: Slices with fewer rows are not compared, where the result tells how many there are.

    Raises:
        ConfigError: It holds no metric that is a number.
    """
    slices, others = _read(result)
    if not slices:
        raise ConfigError(
            "fairness: expected a tfma.EvalResult with slices; this one has none. Of several models, load one by its "
            "name: tfma.load_eval_result(path, model_name='candidate')."
        )
    if not any(part.metrics for part in slices):
        raise ConfigError(
            "fairness: expected a tfma.EvalResult with metrics; this one has none that is a number. Add metrics to the "
            "metrics_specs of its configuration, such as Recall and FallOut, and evaluate again."
        )
    names = list(dict.fromkeys(name for part in slices for name in part.metrics))
    overall = next((part for part in slices if not part.key), None)
    groups: dict[str, list[_Slice]] = {}
    for part in sorted((part for part in slices if part.key), key=lambda part: _order(part.key)):
        groups.setdefault(part.features, []).append(part)
    parts = [heading("Metrics by slice"), *([_note(others)] if others else [])]
    if not groups and overall is not None:
        parts.append(_slice_table([overall], names, None))
        parts.append(
            note("There are no slices: add SlicingSpec(feature_keys=[...]) to slicing_specs and evaluate again.")
        )
    for features, members in groups.items():
        parts.append(_group(features, members, overall, names, min_slice_size))
    return View("Metrics by slice", element("div", *parts), tuple(map(_row, slices)))


def load_result(folder: str) -> Any:
    """Returns the result in a folder; of an evaluation of several models, that of the candidate.

    Args:
        folder: As TFMA writes it, local or remote.
    """
    import tensorflow_model_analysis as tfma

    result = tfma.load_eval_result(folder)
    names = [spec.name for spec in result.config.model_specs if not spec.is_baseline]
    several = len(result.config.model_specs) > 1 and names
    return tfma.load_eval_result(folder, model_name=names[0]) if several else result


def _read(result: Any) -> tuple[list[_Slice], list[str]]:
    """Returns the slices, and the names of metrics that are no numbers."""
    found, others = [], dict[str, None]()
    for key, outputs in result.slicing_metrics:
        metrics: dict[str, float | None] = {}
        intervals: dict[str, tuple[float, float]] = {}
        for name, value in _flat(outputs):
            plain = _plain(value)
            if plain is None:
                others[name] = None
                continue
            metrics[name] = plain if math.isfinite(plain) else None
            if "boundedValue" in value:
                ends = (_plain({"doubleValue": value["boundedValue"].get(end)}) for end in ("lowerBound", "upperBound"))
                low, high = ends
                intervals |= {name: (low, high)} if low is not None and high is not None else {}
        found.append(_Slice(tuple(key), metrics, intervals))
    return found, list(others)


def _flat(outputs: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> list[tuple[str, Any]]:
    """Returns all metrics of a slice; of several outputs or classes with that in their names."""
    return [
        (" ".join(part for part in (output, name, sub) if part), value)
        for output, subs in outputs.items()
        for sub, metrics in subs.items()
        for name, value in metrics.items()
    ]


def _plain(value: Any) -> float | None:
    """Returns a metric's value as TFMA writes it, NaN as text; None if it is no single number."""
    if not isinstance(value, Mapping):
        return None
    found = value["boundedValue"].get("value") if "boundedValue" in value else value.get("doubleValue")
    try:
        return None if found is None else float(found)
    except (TypeError, ValueError):
        return None


def _order(key: _Key) -> list[tuple[Any, ...]]:
    return [(str(name), isinstance(value, str), value) for name, value in key]


def _note(others: Sequence[str]) -> Markup:
    return note(f"Not shown, because they are more than a number for each slice: {', '.join(others)}.")


def _group(
    features: str, members: Sequence[_Slice], overall: _Slice | None, names: Sequence[str], smallest: int
) -> Markup:
    large = [part for part in members if part.rows is None or part.rows >= smallest]
    parts: list[str] = [subheading(f"By {features}"), _charts(members, large, overall, names)]
    rows = [*([overall] if overall else []), *members]
    parts.append(_slice_table(rows, names, large))
    return element("section", *parts)


def _charts(members: Sequence[_Slice], large: Sequence[_Slice], overall: _Slice | None, names: Sequence[str]) -> Markup:
    shown = [name for name in names if name not in _NO_CHART and not name.endswith(_COUNT)][:_MOST_CHARTS]
    kept = sorted(members, key=lambda part: -(part.rows or 0))[:_MOST_BARS]
    charts = [
        bar_chart(
            name,
            [Bar(part.name, part.metrics.get(name), part not in large) for part in members if part in kept],
            overall.metrics.get(name) if overall else None,
        )
        for name in shown
    ]
    hidden = len(members) - len(kept)
    return join(
        [
            *charts,
            *([note(f"The {len(kept)} largest slices are drawn; {hidden} more are in the table.")] if hidden else []),
        ]
    )


def _slice_table(rows: Sequence[_Slice], names: Sequence[str], large: Sequence[_Slice] | None) -> Markup:
    ordered = [*(name for name in names if name == _COUNT), *(name for name in names if name != _COUNT)]
    cells = [[part.name, *(_cell(part, name) for name in ordered)] for part in rows]
    strong = 1 if not rows[0].key else 0
    if large is not None:
        cells.append(["Largest difference", *("" if name == _COUNT else _difference(large, name) for name in ordered)])
    small = [] if large is None else [part.name for part in rows if part.key and part not in large]
    caption = f"Not compared, because of too few rows: {'; '.join(small)}." if small else ""
    return table([Column("slice", True), *map(Column, ordered)], cells, caption, strong)


def _cell(part: _Slice, name: str) -> str:
    ends = part.intervals.get(name)
    value = part.metrics.get(name)
    shown = number(int(value)) if name == _COUNT and value is not None else number(value)
    return with_small(shown, f"{ends[0]:.3g} to {ends[1]:.3g}") if ends else shown


def _difference(large: Sequence[_Slice], name: str) -> str:
    known = [(value, part.name) for part in large if (value := part.metrics.get(name)) is not None]
    if len(known) < 2:
        return "–"
    (low, lowest), (high, highest) = min(known, key=lambda pair: pair[0]), max(known, key=lambda pair: pair[0])
    names = f"{shortened(lowest, 24)} below {shortened(highest, 24)}"
    return with_small(number(high - low), names) if high > low else number(0.0)


def _row(part: _Slice) -> dict[str, Any]:
    return {"slice": ", ".join(f"{name}={value}" for name, value in part.key), **dict(part.key), **part.metrics}
