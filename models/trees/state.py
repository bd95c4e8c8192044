"""Checkpoints of boosted trees: plain arrays, from which growing goes on exactly."""

import json
import os
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from tfx_automl.errors import ModelError
from tfx_automl.models.trees.booster import Booster, Rounds
from tfx_automl.search.job import EpochRecord

_CHECKPOINT = "checkpoint.npz"


def save(folder: Path, booster: Booster, records: Sequence[EpochRecord]) -> None:
    """Saves trees and records, in one step.

    Args:
        folder: Where to.
        booster: The trees; there is at least one round.
        records: One for every epoch that was trained.
    """
    folder.mkdir(parents=True, exist_ok=True)
    temporary = folder / f".{_CHECKPOINT}"
    texts = {"records": [asdict(record) for record in records], "random_state": booster.random_state}
    with open(temporary, "wb") as file:
        np.savez(
            file,
            **{name: np.frombuffer(json.dumps(value).encode(), np.uint8) for name, value in texts.items()},
            **_arrays(booster),
        )
    os.replace(temporary, folder / _CHECKPOINT)


def _arrays(booster: Booster) -> dict[str, Any]:
    trees = [tree for trees in booster.rounds for tree in trees]
    return {
        "baseline": booster.baseline,
        "nodes": np.concatenate([tree.nodes for tree in trees]),
        "nodes_per_tree": np.array([len(tree.nodes) for tree in trees]),
        "binned_sets": np.concatenate([tree.binned_left_cat_bitsets for tree in trees]),
        "raw_sets": np.concatenate([tree.raw_left_cat_bitsets for tree in trees]),
        "sets_per_tree": np.array([len(tree.raw_left_cat_bitsets) for tree in trees]),
    }


def load(folder: Path, booster: Booster) -> list[EpochRecord]:
    """Puts back what `save` wrote, and returns the records.

    Raises:
        ModelError: There is no checkpoint, or it is of another model.
    """
    path = folder / _CHECKPOINT
    if not path.is_file():
        raise ModelError(f"{folder} holds no checkpoint {_CHECKPOINT}.")
    with np.load(path, allow_pickle=False) as saved:
        trees, expected = len(saved["baseline"]) if "baseline" in saved.files else 0, len(booster.baseline)
        if trees != expected:
            raise ModelError(f"{path} is of another model: {trees} trees per round, not {expected}.")
        texts = {name: json.loads(saved[name].tobytes()) for name in ("records", "random_state")}
        booster.put_back(_rounds(saved, trees), saved["baseline"], texts["random_state"])
        return [EpochRecord(**record) for record in texts["records"]]


def _rounds(saved: Any, trees_per_round: int) -> Rounds:
    from sklearn.ensemble._hist_gradient_boosting.predictor import TreePredictor

    ends = {name: np.cumsum(saved[f"{name}_per_tree"])[:-1] for name in ("nodes", "sets")}
    parts = zip(
        np.split(saved["nodes"], ends["nodes"]),
        np.split(saved["binned_sets"], ends["sets"]),
        np.split(saved["raw_sets"], ends["sets"]),
        strict=True,
    )
    trees = [TreePredictor(*part) for part in parts]
    return [trees[start : start + trees_per_round] for start in range(0, len(trees), trees_per_round)]
