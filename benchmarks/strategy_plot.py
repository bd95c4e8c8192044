"""Draws what strategies.py measured."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

_COLOURS = {
    "random": ("#888888", "-"),
    "random, twice the budget": ("#888888", ":"),
    "grid": ("#c9a227", "-"),
    "hyperband": ("#d62728", "-"),
    "bohb": ("#ff7f0e", "-"),
    "asha": ("#e377c2", "-"),
    "bayesian": ("#1f77b4", "-"),
    "gp": ("#17becf", "-"),
    "evolution": ("#2ca02c", "-"),
    "reinforce": ("#9467bd", "-"),
    "Optuna, TPE + Hyperband pruner": ("#000000", "--"),
}


def draw(problems: Mapping[str, Any], path: Path) -> None:
    """Draws the median regret over epochs and over seconds, a column for each problem.

    Args:
        problems: As in the results.
        path: The picture.
    """
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(2, len(problems), figsize=(4.2 * len(problems), 8.5), squeeze=False)
    for column, (name, problem) in enumerate(problems.items()):
        for row, unit in enumerate(("epochs", "seconds")):
            _panel(axes[row][column], problem["strategies"], unit)
        axes[0][column].set_title(name)
    axes[0][0].set_ylabel("best loss so far, above the best there is")
    axes[1][0].set_ylabel("best loss so far, above the best there is")
    handles = {line.get_label(): line for panel in axes[0] for line in panel.get_lines()}
    figure.legend(handles.values(), handles.keys(), loc="lower center", ncols=6, frameon=False)
    figure.suptitle("Anytime performance of search strategies: medians over seeds; lower and further left is better")
    figure.tight_layout(rect=(0, 0.07, 1, 0.98))
    figure.savefig(path, dpi=90)
    pyplot.close(figure)


def _panel(panel: Any, strategies: Mapping[str, Any], unit: str) -> None:
    for who, (colour, style) in _COLOURS.items():
        if who in strategies:
            curve = strategies[who]["curve"]
            # What is exactly the best there is has no place on a logarithmic scale.
            medians = [max(value, 1e-4) for value in curve["median"]]
            panel.step(curve[unit], medians, where="post", label=who, color=colour, linestyle=style, linewidth=1.6)
    panel.set_xscale("log")
    panel.set_yscale("log")
    panel.set_xlabel(unit)
    panel.grid(alpha=0.25)
