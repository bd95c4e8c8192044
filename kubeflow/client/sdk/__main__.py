"""Answers requests, one line of JSON each, until its standard input ends.

A request is `{"call": NAME, "arguments": {...}}`, an answer `{"result": ...}` or `{"failure": KIND, "message": TEXT}`.
The first calls are `load` and `connect`. Run as a file: `python -I .../sdk/__main__.py`.
"""

import importlib
import json
import os
import sys
import types
from pathlib import Path
from typing import Any

_NAME = "tfx_automl.kubeflow.client.sdk"
_CALLS = ("submit", "schedule", "run", "runs", "schedules", "cancel", "stop_schedule", "log")


def _become_importable() -> None:
    """Gives this folder its own name, without the packages above it, which are not installed here."""
    parts = _NAME.split(".")
    for depth in range(1, len(parts) + 1):
        package = types.ModuleType(".".join(parts[:depth]))
        package.__path__ = [str(Path(__file__).parent)] if depth == len(parts) else []
        sys.modules.setdefault(package.__name__, package)


def _serve() -> None:
    failures = importlib.import_module(f"{_NAME}.failures")
    # Libraries print: their lines go where their other messages go, and only answers to the pipe.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    module: Any = None
    service: Any = None
    for line in sys.stdin:
        request = json.loads(line)
        call, arguments = request["call"], request["arguments"]
        try:
            result = None
            if call == "load":
                module = importlib.import_module(f"{_NAME}.{arguments['target']}")
                module.load()
            elif call == "connect":
                service = module.Service(**arguments)
            elif call in _CALLS:
                result = getattr(service, call)(**arguments)
            else:
                raise failures.FailureError("sdk", f"there is no call {call!r}")
            answer: dict[str, Any] = {"result": result}
        except failures.FailureError as failure:
            answer = {"failure": failure.kind, "message": str(failure)}
        except Exception as error:  # whatever the SDK raises is told, not lost
            answer = {"failure": "sdk", "message": f"{type(error).__name__}: {error}"}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


if __name__ == "__main__":
    _become_importable()
    _serve()
