"""What the pipeline gives to its components."""

import json
from pathlib import Path
from typing import Any

import pytest

from tfx_automl.errors import ConfigError
from tfx_automl.models.groups import GroupSpec
from tfx_automl.models.task import TaskSpec
from tfx_automl.pipelines.build import build_pipeline
from tfx_automl.pipelines.config import RunConfig
from tfx_automl.pipelines.output import OutputFolder

TASK = TaskSpec("binary", "income", ("no", "yes"))


def components(folder: Path, **options: Any) -> dict[str, Any]:
    (folder / "people.csv").write_text("age,sex,income\n20,f,no\n", encoding="utf-8")
    output = str(folder / "out")
    values = {"data": str(folder / "people.csv"), "label": "income", "output": output, "sensitive": ["sex", "sex,age"]}
    pipeline = build_pipeline(RunConfig.from_mapping(values | options), TASK, OutputFolder.at(output))
    return {component.id: component for component in pipeline.components}


@pytest.mark.parametrize(
    "options",
    [
        {"constraint": ["recall>=0.5", "val_auc_difference[sex]<=0.1"]},
        {"objective": "val_auc,val_demographic_parity_difference"},
    ],
)
def test_gaps_give_tuner_and_trainer_the_sensitive_columns(options: dict[str, Any], tmp_path: Path) -> None:
    made = components(tmp_path, min_slice_size=12, cut="age=25,45.5", **options)
    groups = GroupSpec((("sex",), ("sex", "age")), 12, cuts={"age": (25, 45.5)})
    assert json.loads(made["Evaluator"].exec_properties["cuts"]) == {"age": [25, 45.5]}
    for name in ("Tuner", "Trainer"):
        assert made[name].inputs["raw_examples"] is made["ExampleGen"].outputs["examples"]
        assert GroupSpec.from_json(made[name].exec_properties["groups"]) == groups
    search = json.loads(made["Tuner"].exec_properties["search"])
    constraints = options.get("constraint", [])
    assert (search["constraints"], search["objective"]) == (constraints, options.get("objective"))
    assert json.loads(made["Trainer"].exec_properties["constraints"]) == constraints


def test_rows_are_materialised_only_for_others(tmp_path: Path) -> None:
    made = components(tmp_path)
    for name in ("Tuner", "Trainer", "Baseline"):
        assert made[name].inputs["training_data"] is made["Transform"].outputs["training_data"]
        assert "examples" not in made[name].inputs
    assert "transformed_examples" not in made["Transform"].outputs
    assert "transformed_examples" in components(tmp_path, materialize="yes")["Transform"].outputs


def test_evaluator_gets_the_schema_and_the_users_configuration(tmp_path: Path) -> None:
    file = tmp_path / "mine.textproto"
    file.write_text('metrics_specs { metrics { class_name: "F1Score" } }', encoding="utf-8")
    made = components(tmp_path, eval_config=str(file))
    assert made["Evaluator"].exec_properties["eval_config"] == file.read_text(encoding="utf-8")
    assert made["Evaluator"].inputs["schema"] is made["SchemaGen"].outputs["schema"]
    assert components(tmp_path)["Evaluator"].exec_properties["eval_config"] == ""


def test_without_gaps_nothing_depends_on_the_sensitive_columns(tmp_path: Path) -> None:
    made = components(tmp_path, constraint=["parameters<=1000"])
    for name in ("Tuner", "Trainer"):
        assert "raw_examples" not in made[name].inputs
        assert "groups" not in made[name].exec_properties


def test_weights_reach_tuner_and_trainer(tmp_path: Path) -> None:
    """By the group as `--sensitive` names it; Baseline, which is what is compared with, knows nothing of them."""
    made = components(tmp_path, min_slice_size=12, reweigh="age,sex")
    expected = GroupSpec((("sex",), ("sex", "age")), 12, ("sex", "age"))
    for name in ("Tuner", "Trainer"):
        assert made[name].inputs["raw_examples"] is made["ExampleGen"].outputs["examples"]
        assert GroupSpec.from_json(made[name].exec_properties["groups"]) == expected
    assert "raw_examples" not in made["Baseline"].inputs


def test_group_thresholds_give_trainer_alone_the_sensitive_columns(tmp_path: Path) -> None:
    made = components(tmp_path, group_thresholds="equalized_odds[sex]", trainer="reuse", min_slice_size=12)
    assert made["Trainer"].exec_properties["group_thresholds"] == "equalized_odds[sex]"
    assert made["Trainer"].inputs["raw_examples"] is made["ExampleGen"].outputs["examples"]
    assert GroupSpec.from_json(made["Trainer"].exec_properties["groups"]).min_slice_size == 12
    assert "raw_examples" not in made["Tuner"].inputs
    assert "group_thresholds" not in components(tmp_path)["Trainer"].exec_properties


@pytest.mark.parametrize("text", ["equalized_odds", "parity[sex]", "equalized_odds[age]"])
def test_group_thresholds_that_cannot_be_are_refused(text: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"^group_thresholds: "):
        components(tmp_path, group_thresholds=text)
