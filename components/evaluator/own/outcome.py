"""What came of a user's own configuration, read from the evaluation; needs no TFMA."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tfx.dsl.io import fileio

from tfx_automl.components.evaluator.checks import Check
from tfx_automl.components.evaluator.intervals import Interval

OWN_FILE = "own_metrics.json"


@dataclass(frozen=True)
class OwnOutcome:
    """Metrics and checks of the user's own configuration.

    Attributes:
        slices: For each slice or pair of slices its `slice`, `metrics` by name, and their `intervals`, as in
            `report.json`.
        checks: Of its thresholds.
    """

    slices: tuple[Mapping[str, Any], ...] = ()
    checks: tuple[Check, ...] = ()


NOTHING = OwnOutcome()


def read_outcome(folder: str) -> OwnOutcome:
    """Reads what was written into the folder of an evaluation, local or remote; nothing without a configuration."""
    path = os.path.join(folder, OWN_FILE)
    if not fileio.exists(path):
        return NOTHING
    with fileio.open(path, "r") as file:
        content = json.load(file)
    return OwnOutcome(tuple(content["slices"]), tuple(map(_check, content["checks"])))


def _check(values: Mapping[str, Any]) -> Check:
    interval = values["interval"]
    return Check(**{**values, "interval": None if interval is None else Interval(**interval)})
