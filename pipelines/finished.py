"""What a finished run left, found through its `summary.json`: nothing heavy is imported, no database is opened."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tfx_automl.errors import ConfigError
from tfx_automl.pipelines.output import MARKER, OutputFolder

REPORT_FILE = "report.html"


@dataclass(frozen=True)
class FinishedRun:
    """The output folder of a run that came to its end.

    Attributes:
        root: The folder, absolute.
        summary: The content of its `summary.json`.
    """

    root: Path
    summary: Mapping[str, Any]

    @classmethod
    def at(cls, path: str) -> "FinishedRun":
        """Opens the output folder of a run.

        Raises:
            ConfigError: No run ended there.
        """
        output = OutputFolder.at(path)
        if not is_run(output.root):
            raise ConfigError(
                f"{path} is no output folder of a run; expected one that `tfx-automl run --output FOLDER` made."
            )
        try:
            return cls(output.root, json.loads(output.summary.read_text(encoding="utf-8")))
        except (OSError, ValueError) as error:
            raise ConfigError(
                f"{path} has no summary.json that can be read, so the run did not end; the same command again goes on "
                f"where it stopped. What it has made so far is in {output.artifacts}."
            ) from error

    def artifact(self, component: str, key: str) -> Path:
        """Returns the folder of an output of a component, wherever the run's folder was moved to.

        Raises:
            ConfigError: The run knows of no such output, or somebody removed it.
        """
        found = self.summary.get("artifacts", {}).get(component, {}).get(key)
        if found is None or not (self.root / found).exists():
            state = "is not named in summary.json" if found is None else f"was removed: {self.root / found}"
            raise ConfigError(
                f"{self.root}: the output {key} of {component} {state}. The same command again makes it anew."
            )
        return self.root / str(found)

    @property
    def report(self) -> Path:
        """The fairness report for people."""
        return self.artifact("Evaluator", "fairness_report") / REPORT_FILE


def is_run(folder: Path) -> bool:
    """Tells whether a folder is the output folder of a run, finished or not."""
    return (folder / MARKER).is_file()


def relative_folders(uris: Mapping[str, Mapping[str, Path]], root: Path) -> dict[str, dict[str, str]]:
    """Returns where artifacts are, as seen from the output folder, so that it can be moved.

    Args:
        uris: By component and output key.
        root: The output folder.
    """
    return {
        component: {key: str(path.relative_to(root) if path.is_relative_to(root) else path) for key, path in of.items()}
        for component, of in uris.items()
    }
