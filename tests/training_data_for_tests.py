"""Small training data, written as `models.data.prepare` writes it."""

import json
from pathlib import Path

import numpy as np

from tfx_automl.models.data import TrainingData, open_data
from tfx_automl.models.groups import GroupSpec
from tfx_automl.models.inputs import Image, InputSpec
from tfx_automl.models.task import TaskSpec

TASKS = {
    "binary": TaskSpec("binary", "y", ("no", "yes")),
    "multiclass": TaskSpec("multiclass", "y", ("a", "b", "c")),
    "regression": TaskSpec("regression", "y"),
}


def _label(kind: str, x: np.ndarray, c: np.ndarray) -> np.ndarray:
    score = 2 * x[:, 0] - x[:, 1] + (c[:, 0] == 1)
    if kind == "regression":
        return (score * 50 + 1000).astype(np.float32)
    return np.digitize(score, [0.5] if kind == "binary" else [-1, 1]).astype(np.int32)


def write_training_data(
    parent: Path,
    kind: str = "binary",
    rows: int = 600,
    image: bool = False,
    shape: tuple[int, int, int] = (3, 4, 1),
) -> TrainingData:
    """Writes training data whose label follows from the features, in a folder of its own; what is there stays."""
    folder = parent / f"{kind}-{image}"
    if (folder / "meta.json").exists():
        return open_data(folder)
    rng = np.random.default_rng(0)
    for split, count in (("train", rows), ("eval", 200), ("test", 200)):
        (folder / split).mkdir(parents=True)
        x = rng.normal(size=(count, 3)).astype(np.float32)
        c = rng.integers(0, 4, (count, 2)).astype(np.int32)
        label = _label(kind, x, c)
        shade = (label - 700) * 0.4 if kind == "regression" else label * 60
        pixels = np.repeat(np.clip(shade, 0, 255)[:, None], int(np.prod(shape)) if image else 0, axis=1)
        none = np.zeros((count, 0))
        np.save(folder / split / "numeric.npy", (none if image else x).astype(np.float32))
        np.save(folder / split / "categorical.npy", (none if image else c).astype(np.int32))
        np.save(folder / split / "image.npy", pixels.astype(np.uint8))
        np.save(folder / split / "label.npy", label)
    table = InputSpec(("a_xf", "b_xf", "d_xf"), (("c_xf", 4), ("e_xf", 4)))
    inputs = InputSpec(image=Image("image_xf", *shape)) if image else table
    target = np.load(folder / "train" / "label.npy") if kind == "regression" else np.zeros(1)
    meta = {
        "inputs": inputs.to_json(),
        "task": TASKS[kind].to_json(),
        "splits": ["train", "eval", "test"],
        "target_mean": float(target.mean()),
        "target_std": float(target.std()) or 1.0,
        "fingerprint": f"{kind}-{rows}-{image}",
        "groups": GroupSpec().to_json(),
    }
    (folder / "meta.json").write_text(json.dumps(meta))
    return open_data(folder)
