"""What a run made, shown in a notebook: objects that draw themselves as plain HTML, and can be saved as a page.

    from tfx_automl import view

    view.fairness("runs/people")
    view.leaderboard("runs/people").to_frame()
    view.statistics("runs/people").save("statistics.html")

No network, no notebook extension and no script is needed; so they draw in Jupyter Notebook, JupyterLab, VS Code, Colab
and exported HTML alike. Whatever they show comes from a run's output folder, an artifact (TFX's object, an executed
component's output channel, or its URI), or what the function's own description names.
"""

from tfx_automl.view.fairness import fairness
from tfx_automl.view.leaderboard import leaderboard
from tfx_automl.view.parameters import parameters
from tfx_automl.view.plots import curves, pareto, progress
from tfx_automl.view.shown import View
from tfx_automl.view.statistics import statistics
from tfx_automl.view.widget import tfma_widget

__all__ = ["View", "curves", "fairness", "leaderboard", "parameters", "pareto", "progress", "statistics", "tfma_widget"]
