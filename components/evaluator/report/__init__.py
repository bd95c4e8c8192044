"""`report.html`: the content of `report.json` as one page that needs no network and no server."""

from tfx_automl.components.evaluator.report.page import render_html

__all__ = ["render_html"]
