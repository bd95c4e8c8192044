"""Every error that this package raises on purpose.

One root, so that `except TfxAutomlError` catches all of them, and the command line can tell a user's mistake (one clear
line, exit status 2) from a defect of ours (a traceback, exit status 1).
"""

from collections.abc import Iterable


class TfxAutomlError(Exception):
    """Root of all errors raised by tfx-automl.

    The message always says what was passed, what was expected, and how to fix it.
    """


class DataError(TfxAutomlError):
    """The input data cannot be used: the message names the file and, where there is one, the row and the column."""


class ConfigError(TfxAutomlError):
    """The configuration is wrong.

    Args:
        problems: Every mistake found, one line each; all of them are reported at once.

    Attributes:
        problems: The same, as a tuple.
    """

    def __init__(self, problems: str | Iterable[str]) -> None:
        self.problems: tuple[str, ...] = (problems,) if isinstance(problems, str) else tuple(problems)
        super().__init__("\n".join(self.problems))


def require(*checks: tuple[bool, str]) -> None:
    """Refuses wrong values, all of them at once.

    Args:
        checks: What must hold, each with the message for when it does not.

    Raises:
        ConfigError: With the message of every check that does not hold.
    """
    problems = [message for holds, message in checks if not holds]
    if problems:
        raise ConfigError(problems)


def one_line(error: BaseException) -> str:
    """Returns what a library says of an error, on one line and without a full stop, to stand within a message."""
    return " ".join(str(error).split()).rstrip(".")


class SearchError(TfxAutomlError):
    """A search cannot go on: for instance, every trial failed."""


class ModelError(TfxAutomlError):
    """A model cannot be built, trained, exported or loaded as asked."""


class EvaluationError(TfxAutomlError):
    """A model cannot be evaluated as asked: for instance, a slicing column does not exist."""


class ImageError(TfxAutomlError):
    """A container image cannot be built or looked at: Docker is missing, does not run, or refuses."""
