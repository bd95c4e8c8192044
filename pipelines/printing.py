"""Prints the summary of a run for people."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, TextIO

from rich.console import Console, Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from tfx_automl.pipelines.worst import worst_line

_BEST_TRIALS = 8
_WIDTH = 110
_GROUPS = 8
_SLICE_METRICS = {
    "binary": ("accuracy", "auc", "selection_rate", "tpr", "fpr"),
    "multiclass": ("accuracy", "balanced_accuracy", "macro_f1", "loss"),
    "regression": ("rmse", "mae", "mean_prediction", "mean_label", "mean_residual"),
}
_TEST_METRICS = {
    "binary": ("auc", "accuracy", "precision", "tpr", "fpr", "loss"),
    "multiclass": ("accuracy", "balanced_accuracy", "macro_f1", "loss"),
    "regression": ("rmse", "mae", "r2"),
}


def print_summary(summary: Mapping[str, Any], stream: TextIO) -> None:
    """Prints the summary, with colours where the stream is a terminal.

    Args:
        summary: As `summarise` returns it.
        stream: Where to.
    """
    console = Console(file=stream, width=None if stream.isatty() else _WIDTH, highlight=False)
    console.print(render(summary), crop=False)  # the code must stay whole, however narrow the terminal is


def render(summary: Mapping[str, Any]) -> RenderableType:
    """Returns the whole summary as one renderable of rich."""
    sections = (_data, _trials, _metrics, _slices, _gaps, _verdict, _how_to_call)
    parts = [section(summary) for section in sections]
    return Group(*(part for part in parts if part is not None))


def _table(title: str, *columns: str, numbers_from: int = 1) -> Table:
    table = Table(title=Text(title, style="bold"), title_justify="left", header_style="dim")
    for position, column in enumerate(columns):
        table.add_column(Text(column), justify="right" if position >= numbers_from else "left", overflow="fold")
    return table


def _add_row(table: Table, *cells: str) -> None:
    """Adds a row of plain texts: rich would read the square brackets of a column `speed [m/s]` as markup."""
    table.add_row(*(Text(cell) for cell in cells))


def _number(value: object) -> str:
    if value is None:
        return "–"
    return f"{value:.4f}" if isinstance(value, float) else str(value)


def _data(summary: Mapping[str, Any]) -> RenderableType:
    rows, features = summary["rows"], summary["features"]
    splits = ", ".join(f"{name} {count}" for name, count in rows["splits"].items())
    lines = [f"{rows['read']} rows read: {splits}; dropped without label: {rows['dropped_without_label']}"]
    if rows["rejected"]:
        lines.append(f"{rows['rejected']} rows could not be read: {summary['reports']['rejected']}")
    lines += [f"note: {note}" for note in summary["notes"]]
    lines += [f"{len(features['kept'])} features kept, {len(features['dropped'])} dropped"]
    lines += [f"  dropped {feature['name']}: {feature['reason']}" for feature in features["dropped"]]
    lines += [f"anomaly in {a['split']}, {a['column']}: {a['what']}" for a in summary["anomalies"]]
    table = _table("Features", "feature", "as", "why", numbers_from=3)
    for feature in features["kept"]:
        _add_row(table, feature["name"], feature["kind"], feature["reason"])
    return Group(Text("\nData", style="bold"), Text("\n".join(lines)), Text(""), table)


def _trials(summary: Mapping[str, Any]) -> RenderableType:
    trials = summary["trials"]
    ranked = [trials["table"][trial_id] for trial_id in trials["ranking"]]
    shown = [goal["metric"] for goal in trials["objectives"]]
    shown += [name for name in map(_bounded, trials["constraints"]) if name not in shown]
    counts = f"{trials['count']} with {trials['epochs']} epochs"
    by = ", ".join(goal["metric"] for goal in trials["objectives"])
    by += f" within {', '.join(trials['constraints'])}" if trials["constraints"] else ""
    title = f"\nTrials: {counts}, best by {by} ({trials['stop_reason']})"
    table = _table(title, "trial", "epochs", *shown, "seconds", "hyperparameters", numbers_from=0)
    table.columns[-1].justify = "left"
    for trial in ranked[:_BEST_TRIALS]:
        numbers = [_number(trial["metrics"].get(name)) for name in shown]
        ends = str(trial["trial_id"]), str(trial["epochs"])
        values = ("" if trial["feasible"] else "(breaks a bound) ") + _values(trial["values"])
        _add_row(table, *ends, *numbers, f"{trial['seconds']:.1f}", values)
    more = len(trials["table"]) - min(len(ranked), _BEST_TRIALS)
    best = Text(f"Best hyperparameters: {_values(summary['best_hyperparameters'])}")
    rest = Text(f"… and {more} more in summary.json" if more else "")
    return Group(table, rest, best, *_ensemble(trials), Text(_trained(summary["trainer"])))


def _ensemble(trials: Mapping[str, Any]) -> list[Text]:
    """Returns a line about the ensemble, if there is one."""
    ensemble = trials["ensemble"]
    if ensemble is None:
        return []
    members = ", ".join(f"{m['weight']:.2f} × {m['values']['family']} ({m['trial_id']})" for m in ensemble["members"])
    metric = trials["objectives"][0]["metric"]
    line = f"Ensemble: {metric} {ensemble['score']:.4f}, the best trial alone {ensemble['best_single']:.4f}: {members}"
    return [Text(line)]


def _trained(trainer: Mapping[str, Any]) -> str:
    """Returns how the final model came about, in one line."""
    line = f"Final model: {trainer['mode']}, {trainer['epochs']} epochs on {' and '.join(trainer['trained_on'])}"
    threshold = trainer["threshold"]
    if threshold is None:
        return line
    by = f", best by {threshold['chosen_by']}" if threshold["chosen_by"] else ""
    line = f"{line}; positive from {threshold['value']:.4g} on{by}"
    return f"{line}\n{_by_group(threshold['groups'])}" if threshold.get("groups") else line


def _by_group(groups: Mapping[str, Any]) -> str:
    """Returns which thresholds groups of rows have instead, in one line."""
    parts = [f"{' and '.join(map(str, part['values']))} {part['threshold']:.4g}" for part in groups["slices"]]
    more = f" and {len(parts) - _GROUPS} more" if len(parts) > _GROUPS else ""
    return (
        f"Thresholds by group of {' and '.join(groups['features'])} for {groups['criterion']}:"
        f" {', '.join(parts[:_GROUPS])}{more}; any other row {groups['common']:.4g}"
    )


def _bounded(constraint: str) -> str:
    """Returns the metric of a constraint such as `latency_ms<=2`."""
    return re.split("<=|>=", constraint)[0]


def _values(values: Mapping[str, Any]) -> str:
    return ", ".join(
        f"{key}={value:.4g}" if isinstance(value, float) else f"{key}={value}" for key, value in values.items()
    )


def _metrics(summary: Mapping[str, Any]) -> RenderableType:
    columns = {"this model": summary["test_metrics"]}
    columns |= {
        name.replace("_", " "): metrics
        for name, metrics in summary["baseline_metrics"].items()
        if isinstance(metrics, Mapping)
    }
    table = _table("\nOn the test split", "metric", *columns)
    for metric in _TEST_METRICS[summary["task"]]:
        _add_row(table, metric, *(_number(metrics.get(metric)) for metrics in columns.values()))
    return table


def _slices(summary: Mapping[str, Any]) -> RenderableType | None:
    if not summary["slices"]:
        return None
    metrics = _SLICE_METRICS[summary["task"]]
    table = _table("\nBy group", "group", "value", "rows", *metrics, numbers_from=2)
    for entry in summary["slices"]:
        count = f"{entry['count']} (too small)" if entry["too_small"] else str(entry["count"])
        numbers = (_number(entry["metrics"].get(metric)) for metric in metrics)
        _add_row(table, entry["feature"], str(entry["value"]), count, *numbers)
    return table


def _gaps(summary: Mapping[str, Any]) -> RenderableType | None:
    gaps = summary["gaps"]
    if not gaps:
        return None
    names: Sequence[str] = list(next(iter(gaps.values())))
    table = _table("\nGaps between groups", "gap", *gaps)
    for name in names:
        _add_row(table, name.replace("_", " "), *(_number(group.get(name)) for group in gaps.values()))
    return table


def _verdict(summary: Mapping[str, Any]) -> RenderableType:
    blessed = summary["blessed"]
    # The Evaluator speaks of its own parameter; here a person sets it with a flag.
    reasons = [
        reason.replace(" have no bound in max_gaps:", " have no bound (--max-gap):") for reason in summary["reasons"]
    ]
    lines = [f"• {reason}" for reason in reasons]
    if summary["worst_slice"]:
        lines += ["", worst_line(summary["worst_slice"])]
    lines += ["", f"Fairness report: {summary['reports']['fairness']}"]
    if summary["pushed_model"]:
        lines += [f"Pushed model:    {summary['pushed_model']}"]
    else:
        lines += ["Nothing was pushed."]
    title = "BLESSED" if blessed else "NOT BLESSED"
    return Panel(Text("\n".join(lines)), title=title, title_align="left", border_style="green" if blessed else "red")


def _how_to_call(summary: Mapping[str, Any]) -> RenderableType | None:
    """Returns the code outside of any border and never wrapped, so that it can be copied from a terminal and pasted."""
    if not summary["how_to_call"]:
        return None
    code = Text("\n".join(summary["how_to_call"]), no_wrap=True, overflow="ignore")
    return Group(Text("\nTo call it:\n"), code)
