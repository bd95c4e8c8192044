"""Runs a pipeline under TFX's own LocalDagRunner, with one line per stage."""

import logging
import re
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from tfx_automl import console

_STARTS = re.compile(r"^Component (\S+) is running\.$")
_ENDS = re.compile(r"^Component (\S+) is finished\.$")
_CACHED = re.compile(r"^A cached execution \d+ is used\.$")


@dataclass
class StageTimes:
    """What the runner said while it worked.

    Attributes:
        seconds: Wall time of each finished component, in seconds.
        cached: Components whose outputs came from the cache.
    """

    seconds: dict[str, float] = field(default_factory=dict)
    cached: set[str] = field(default_factory=set)


class _StageLines(logging.Handler):
    """Turns LocalDagRunner's log messages into stage lines.

    LocalDagRunner offers no hook around a component, but says in its log when one starts and ends, and the launcher
    when a cached execution is used.
    """

    def __init__(self, stages: Collection[str]) -> None:
        super().__init__(logging.INFO)
        self.times = StageTimes()
        self._stages = stages
        self._running = ""
        self._started = 0.0

    def emit(self, record: logging.LogRecord) -> None:
        message = record.getMessage()
        if (match := _STARTS.match(message)) and match[1] in self._stages:
            self._running, self._started = match[1], time.monotonic()
            console.line(f"[{len(self.times.seconds) + 1}/{len(self._stages)}] {self._running} ...")
        elif (match := _ENDS.match(message)) and match[1] in self._stages:
            self._finish(match[1])
        elif _CACHED.match(message):
            self.times.cached.add(self._running)

    def fail(self) -> None:
        """Says which stage the runner has given up in, if it was in one."""
        if self._running:
            seconds = time.monotonic() - self._started
            number = len(self.times.seconds) + 1
            console.line(f"[{number}/{len(self._stages)}] {self._running}: FAILED after {seconds:.1f} s")

    def _finish(self, node: str) -> None:
        seconds = time.monotonic() - self._started
        self.times.seconds[node] = round(seconds, 2)
        self._running = ""
        how = "unchanged, from the cache" if node in self.times.cached else f"{seconds:.1f} s"
        console.line(f"[{len(self.times.seconds)}/{len(self._stages)}] {node}: {how}")


@contextmanager
def _listening(handler: logging.Handler) -> Iterator[None]:
    """Attaches the handler to absl's logger at level INFO, and puts everything back."""
    from absl import logging as absl_logging

    logger, level = absl_logging.get_absl_logger(), absl_logging.get_verbosity()
    absl_logging.set_verbosity(absl_logging.INFO)
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        absl_logging.set_verbosity(level)


def run_locally(pipeline: Any) -> StageTimes:
    """Runs a `tfx.v1.dsl.Pipeline` with LocalDagRunner.

    Args:
        pipeline: Any TFX pipeline.

    Returns:
        The wall time of each component and which came from the cache.
    """
    from tfx.dsl.components.common.resolver import Resolver
    from tfx.orchestration.local.local_dag_runner import LocalDagRunner

    # A resolver only looks something up.
    stages = [node.id for node in pipeline.components if not isinstance(node, Resolver)]
    handler = _StageLines(stages)
    with _listening(handler):
        try:
            LocalDagRunner().run(pipeline)
        except Exception:
            handler.fail()
            raise
    return handler.times
