"""`tfx-automl report`: opens the fairness report of a run in the browser."""

import webbrowser

from tfx_automl import console
from tfx_automl.errors import ConfigError
from tfx_automl.pipelines.finished import FinishedRun


def show_report(run: str, *, open_it: bool = True) -> int:
    """Prints where the report of a run is, and opens it.

    Args:
        run: The output folder.
        open_it: Whether a browser is to open it.

    Returns:
        The exit status: 0, also where there is no browser, because the path is printed all the same.

    Raises:
        ConfigError: No run ended there, or its report is gone.
    """
    report = FinishedRun.at(run).report
    if not report.is_file():
        raise ConfigError(f"{report} was removed; run the same command again, which makes it anew.")
    console.line(str(report))
    if open_it and not webbrowser.open(report.as_uri()):
        console.line("No browser could be started here; open the file above in one.")
    return 0
