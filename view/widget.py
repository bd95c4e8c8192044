"""TensorFlow Model Analysis' own widget where it draws something, else our view of the same result."""

import sys
from importlib import metadata
from typing import Any

from packaging.version import Version

from tfx_automl.models.groups import DEFAULT_MIN_SLICE_SIZE
from tfx_automl.view.sources import Wanted

_WANTED = Wanted("tfma_widget", "ModelEvaluation", "Evaluator", "evaluation", more=", or a tfma.EvalResult")

# Notebook 7 is JupyterLab inside, which takes no extension of this kind.
_FIRST_WITHOUT = Version("7")


def tfma_widget(source: Any, *, slicing_column: str | None = None, min_slice_size: int = DEFAULT_MIN_SLICE_SIZE) -> Any:
    """Shows a result in TFMA's slicing browser in Colab and in Jupyter Notebook below 7, and in our view elsewhere.

    JupyterLab 4, Notebook 7 and VS Code leave the place of TFMA's widget empty.

    Args:
        source: The output folder of a run; an artifact of type ModelEvaluation, or its URI; or what
            `tfma.load_eval_result` returns.
        slicing_column: The feature whose slices TFMA's widget shows; all rows unless given. Our view shows all slices.
        min_slice_size: For our view: groups with fewer rows are not compared.

    Raises:
        ConfigError: The source is none of these.
    """
    from tfx_automl.view.eval_results import load_result, result_view
    from tfx_automl.view.sources import find

    result = source if hasattr(source, "slicing_metrics") else load_result(find(source, _WANTED).uri)
    if not _draws():
        return result_view(result, min_slice_size)
    from tensorflow_model_analysis.view import widget_view

    return widget_view.render_slicing_metrics(result, slicing_column=slicing_column)


def _draws() -> bool:
    """Tells whether TFMA's widget draws something here."""
    if "google.colab" in sys.modules:
        return True
    try:
        return Version(metadata.version("notebook")) < _FIRST_WITHOUT
    except metadata.PackageNotFoundError:
        return False
