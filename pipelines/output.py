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
        """Makes sure that a run may write here, as far as that shows without writing.

        Raises:
            ConfigError: There is something else than a folder at this path or above it, a folder in which nothing may
                be written, or one with contents that no run of ours made.
        """
        problem = self._obstacle()
        if problem:
            raise ConfigError(f"--output: {problem}; name a new or empty folder, in a place where you may write.")

    def create(self) -> None:
        """Makes the folder and marks it as a run's.

        Raises:
            ConfigError: The system refuses.
        """
        marker = self.root / MARKER
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            if not marker.exists():
                marker.write_text(json.dumps({"made_by": "tfx-automl"}) + "\n", encoding="utf-8")
        except OSError as error:  # not everything shows beforehand: /proc, say, only looks like a folder for files
            problem = f"{self.root} cannot be made ({error.strerror})"
            raise ConfigError(f"--output: {problem}; name a folder in a place where you may write.") from error

    def _obstacle(self) -> str | None:
        """Returns what keeps a run from writing here, or None."""
        nearest = next(path for path in (self.root, *self.root.parents) if os.path.lexists(path))
        if not os.path.exists(nearest):
            return f"{nearest} is a link to something that does not exist"
        if not nearest.is_dir():
            return f"{nearest} is {'a file' if nearest.is_file() else 'no folder'}"
        wanted = os.W_OK | os.X_OK | (os.R_OK if nearest == self.root else 0)
        if not os.access(nearest, wanted):
            return f"you have no permission to write in {nearest}"
        if nearest == self.root and os.listdir(self.root) and not (self.root / MARKER).is_file():
            return f"{self.root} holds something that no earlier run made"
        return None

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
