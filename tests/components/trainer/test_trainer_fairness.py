"""Trainer with constraints: the epoch that is kept is the best of those within the bounds."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tfx_automl.errors import ConfigError
from tfx_automl.models.groups import GroupSpec
from tfx_automl.models.task import TaskSpec

TASK = TaskSpec("binary", "y", ("no", "yes"))


def trainer(**arguments: Any) -> Any:
    from tfx.types import channel_utils, standard_artifacts

    from tfx_automl.components import Trainer

    kinds = {
        "examples": standard_artifacts.Examples,
        "transform_graph": standard_artifacts.TransformGraph,
        "hyperparameters": standard_artifacts.HyperParameters,
        "base_model": standard_artifacts.Model,
        "raw_examples": standard_artifacts.Examples,
    }
    channels = {name: channel_utils.as_channel([kind()]) for name, kind in kinds.items()}
    return Trainer(**{**channels, "task": TASK, "sensitive": [["sex"]], **arguments})


def test_construction() -> None:
    constraint = "val_accuracy_difference<=0.1"
    made = trainer(constraints=[constraint], min_slice_size=3)
    assert json.loads(made.exec_properties["constraints"]) == [constraint]
    assert GroupSpec.from_json(made.exec_properties["groups"]) == GroupSpec((("sex",),), 3)
    assert "raw_examples" in made.inputs
    assert "raw_examples" not in trainer(mode="reuse").inputs  # nothing is measured


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"raw_examples": None}, "without raw_examples"),
        ({"sensitive": []}, "with raw_examples"),
        ({"sensitive": [], "raw_examples": None, "constraints": ["auc_difference<=1"]}, "^constraint: .* no sensitive"),
        ({"objective": "auc_difference[age]"}, "^objective: .* the sensitive groups are sex; name one"),
    ],
)
def test_contradictions_are_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        trainer(**arguments)


def test_thresholds_by_group_need_the_groups_in_every_mode() -> None:
    made = trainer(mode="reuse", group_thresholds="equal_opportunity[sex]")
    assert made.exec_properties["group_thresholds"] == "equal_opportunity[sex]"
    assert "raw_examples" in made.inputs
    assert GroupSpec.from_json(made.exec_properties["groups"]).sensitive == (("sex",),)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"group_thresholds": "parity"}, "^group_thresholds: expected one of demographic_parity"),
        ({"group_thresholds": "equalized_odds[age]"}, "^group_thresholds: .* in brackets: sex"),
        ({"group_thresholds": "equalized_odds", "sensitive": [], "raw_examples": None}, "no sensitive columns"),
        (
            {"group_thresholds": "equalized_odds", "task": TaskSpec("regression", "y")},
            "^group_thresholds: a regression task",
        ),
        (
            {"group_thresholds": "equalized_odds", "task": None, "run_fn": "my.run_fn"},
            "^group_thresholds, raw_examples",
        ),
    ],
)
def test_thresholds_by_group_that_cannot_be_are_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        trainer(**arguments)


@pytest.mark.slow
def test_kept_epoch_is_within_the_bound(people: SimpleNamespace, tmp_path: Path) -> None:
    from tfx.dsl.components.base import base_executor
    from tfx.types import standard_artifacts

    from tfx_automl.components.trainer.executor import Executor

    def artifact(kind: Any, path: Path) -> list[Any]:
        made = kind()
        made.uri = str(path)
        if kind is standard_artifacts.Examples:
            made.split_names = json.dumps(["train", "eval"])
        return [made]

    def train(name: str, constraints: list[str]) -> list[dict[str, Any]]:
        inputs = {
            "examples": artifact(standard_artifacts.Examples, people.Transform.uris["transformed_examples"]),
            "raw_examples": artifact(standard_artifacts.Examples, people.ExampleGen.uris["examples"]),
            "transform_graph": artifact(standard_artifacts.TransformGraph, people.Transform.uris["transform_graph"]),
            "hyperparameters": artifact(standard_artifacts.HyperParameters, people.Tuner.uris["best_hyperparameters"]),
        }
        outputs = {
            "model": artifact(standard_artifacts.Model, tmp_path / name / "model"),
            "model_run": artifact(standard_artifacts.ModelRun, tmp_path / name / "run"),
        }
        properties = {"task": people.task.to_json(), "mode": "retrain", "max_epochs": 6, "patience": 6, "seed": 0}
        properties |= {"objective": f"val_auc,{gap}", "constraints": json.dumps(constraints)}
        properties["groups"] = GroupSpec((("member",),), 5).to_json()
        context = base_executor.BaseExecutor.Context(tmp_dir=str(tmp_path / name), unique_id="1")
        Executor(context).Do(inputs, outputs, properties)
        return json.loads((tmp_path / name / "run" / "history.json").read_text())

    gap = "val_demographic_parity_difference"
    free = train("free", [])
    best = max(free, key=lambda entry: (entry["val_auc"], -entry["val_loss"]))
    assert [entry["epoch"] for entry in free if entry["best"]][-1] == best["epoch"]
    bound = min(entry[gap] for entry in free) + 1e-6
    assert best[gap] > bound, "the test must have a bound that the best epoch breaks"
    found = train("bound", [f"{gap}<={bound:.9f}"])
    assert [entry[gap] for entry in found] == [entry[gap] for entry in free]
    assert [entry for entry in found if entry["best"]][-1][gap] <= bound
