"""`model_card.json` in the root of a `Model` artifact: the Trainer writes it, others read it."""

import json
import os
from collections.abc import Mapping
from typing import Any

from tfx.dsl.io import fileio
from tfx.utils import io_utils

from tfx_automl.models.metrics import DECISION_THRESHOLD

CARD_FILE = "model_card.json"


def write_card(uri: str, card: Mapping[str, Any]) -> None:
    """Writes a card, without NaN, into a `Model` artifact."""
    path = os.path.join(uri, CARD_FILE)
    io_utils.write_string_file(path, json.dumps(card, indent=2, allow_nan=False) + "\n")


def read_card(uri: str) -> dict[str, Any]:
    """Returns the card of a `Model` artifact; empty for a model of somebody else, which has none."""
    path = os.path.join(uri, CARD_FILE)
    if not fileio.exists(path):
        return {}
    with fileio.open(path, "r") as file:
        card: dict[str, Any] = json.load(file)
    return card


def read_threshold(uri: str) -> float:
    """Returns from which probability on a model predicts the positive class; 0.5 where no card says otherwise."""
    threshold = read_card(uri).get("threshold")
    return float(threshold["value"]) if threshold else DECISION_THRESHOLD


def read_group_thresholds(uri: str) -> dict[str, Any] | None:
    """Returns what the card says of thresholds by group; None where all rows have the same."""
    groups: dict[str, Any] | None = (read_card(uri).get("threshold") or {}).get("groups")
    return groups
