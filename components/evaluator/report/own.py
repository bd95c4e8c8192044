"""The metrics of the user's own configuration, by slice."""

from tfx_automl.components.evaluator.report.limits import Limits
from tfx_automl.components.evaluator.report.markup import Markup
from tfx_automl.components.evaluator.report.tables import row, table, value_cell
from tfx_automl.components.evaluator.report.text import Report, shorten


def own_section(report: Report, limits: Limits) -> Markup:
    """Returns a table with a row for each slice, all rows first."""
    slices = report["own_metrics"]
    names = list(dict.fromkeys(name for part in slices for name in part["metrics"]))
    shown = slices[: limits.rows]
    rows = [
        row(
            [shorten(part["slice"] or "All rows")],
            [value_cell(part["metrics"].get(name), part["intervals"].get(name)) for name in names],
        )
        for part in shown
    ]
    left = len(slices) - len(shown)
    more = f" The first {len(shown)} slices are shown; {left} more are in report.json." if left else ""
    caption = f"What eval_config asks for; matrices and plots are in the evaluation, for TFMA's viewers.{more}"
    return table(("Slice", *(shorten(name) for name in names)), rows, caption)
