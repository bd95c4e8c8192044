"""What can go wrong with a server, in a word that the other side of the pipe understands."""

import importlib
import json
from collections.abc import Iterator
from typing import Any

_BY_STATUS = {401: "unauthorized", 403: "forbidden", 404: "missing", 407: "unauthorized", 408: "unreachable"}


class FailureError(Exception):
    """A request that did not succeed.

    Attributes:
        kind: `unauthorized`, `forbidden`, `missing`, `refused` (the request itself is wrong), `unreachable` (it may
            work later), `foreign` (whatever answered is no Kubeflow) or `sdk`.
    """

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


def import_sdk(name: str) -> Any:
    """Imports a module of an SDK, or of what it brings along.

    Raises:
        FailureError: It cannot be imported.
    """
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise FailureError("sdk", f"the SDK cannot be imported: {error}") from error


def of_status(status: int, message: str) -> FailureError:
    """Returns the failure for an HTTP status."""
    kind = _BY_STATUS.get(status) or ("unreachable" if status >= 500 or status == 429 else "refused")
    return FailureError(kind, f"{message} (HTTP {status})" if message else f"HTTP {status}")


def message_of(body: Any) -> str:
    """Returns the message within the body of an answer; a page of HTML has none."""
    text = body.decode("utf-8", "replace") if isinstance(body, bytes) else str(body or "")
    try:
        told = json.loads(text)
    except ValueError:
        return "" if text.lstrip().startswith("<") else text.strip()[:500]
    if isinstance(told, dict):
        return str(told.get("message") or told.get("error") or told.get("error_message") or "").strip()
    return str(told)


def chain(error: BaseException) -> Iterator[BaseException]:
    """Yields an error and all that led to it."""
    seen: BaseException | None = error
    while seen is not None:
        yield seen
        seen = seen.__cause__ or seen.__context__
