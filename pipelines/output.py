"""The output folder of a run: where things are, and that nothing of somebody else's is overwritten."""

import json
import os
from dataclasses import dataclass
from pathlib import Path

from tfx_automl.errors import ConfigError

MARKER = "tfx-automl-run.json"


@dataclass(frozen=True)
class OutputFolder:
    """Names every place in the output folder of a run.

    Attributes:
        root: The folder, absolute.
    """

    root: Path

    @classmethod
    def at(cls, path: str) -> "OutputFolder":
        """Returns the folder without touching the disk."""
        return cls(Path(os.path.abspath(os.path.expanduser(path))))

    def check(self) -> None:
        """Makes sure that a run may write here.

        Raises:
            ConfigError: There is a file at this path, or a folder with contents that no run of ours made.
        """
        if self.root.exists() and not self.root.is_dir():
            raise ConfigError(f"--output: {self.root} is a file; name a new or empty folder.")
        if self.root.is_dir() and any(self.root.iterdir()) and not (self.root / MARKER).is_file():
            raise ConfigError(
                f"--output: {self.root} holds something that no earlier run made; name a new or empty folder."
            )

    def create(self) -> None:
        """Makes the folder and marks it as a run's."""
        self.root.mkdir(parents=True, exist_ok=True)
        marker = self.root / MARKER
        if not marker.exists():
            marker.write_text(json.dumps({"made_by": "tfx-automl"}) + "\n", encoding="utf-8")

    @property
    def data(self) -> Path:
        """Data files that a demo makes."""
        return self.root / "data"

    @property
    def log(self) -> Path:
        """What the libraries had to say."""
        return self.root / "log.txt"

    @property
    def metadata(self) -> Path:
        """The SQLite database of ML Metadata."""
        return self.root / "metadata.sqlite"

    @property
    def artifacts(self) -> Path:
        """TFX's pipeline root: one folder per component."""
        return self.root / "artifacts"

    @property
    def serving(self) -> Path:
        """Pushed models, one folder per version, as TensorFlow Serving wants them."""
        return self.root / "serving"

    @property
    def request(self) -> Path:
        """A request with one row of the test split."""
        return self.root / "example_request.json"

    @property
    def summary(self) -> Path:
        """The summary for programs."""
        return self.root / "summary.json"
