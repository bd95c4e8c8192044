"""What is sliced on is checked against the schema before any row is read."""

from pathlib import Path
from typing import Any

import pytest

from tfx_automl.components.evaluator.options import EvaluatorOptions
from tfx_automl.components.evaluator.schema import Feature, check_features, read_features
from tfx_automl.errors import ConfigError
from tfx_automl.models.task import TaskSpec

TASK = TaskSpec("binary", "target", ("no", "yes"))
SCHEMA = """
    feature { name: "sex" type: BYTES value_count { min: 1 max: 1 } presence { min_count: 1 } }
    feature { name: "tags" type: BYTES value_count { min: 1 } }
    feature { name: "pair" type: INT shape { dim { size: 2 } } }
    feature { name: "one" type: INT shape { dim { size: 1 } } }
    feature { name: "nested" type: INT value_counts { value_count { max: 2 } value_count { max: 2 } } }
    feature { name: "age" type: INT }
    feature { name: "target" type: BYTES }
    feature { name: "score" type: FLOAT }
"""


def test_which_features_have_several_values(tmp_path: Path) -> None:
    from tfx.types import standard_artifacts

    artifact = standard_artifacts.Schema()
    artifact.uri = str(tmp_path)
    (tmp_path / "schema.pbtxt").write_text(SCHEMA, encoding="utf-8")
    found = read_features([artifact])
    assert found is not None and {name for name, feature in found.items() if feature.several} == {
        "tags",
        "pair",
        "nested",
    }
    assert set(found) == {"sex", "tags", "pair", "one", "nested", "age", "target", "score"}
    assert read_features(None) is None


def test_all_problems_of_sensitive_features_come_together() -> None:
    known = {"sex": Feature(False), "tags": Feature(True), "target": Feature(False)}
    options = EvaluatorOptions(TASK, sensitive=[("sex_xf",), ("tags", "sex"), ("gender",)])
    with pytest.raises(ConfigError) as caught:
        check_features(known, options)
    assert caught.value.problems == (
        "sensitive names 'gender', which is no feature: they are sex, tags, target.",
        "sensitive names the transformed feature 'sex_xf': slices are made from raw ones; name 'sex'.",
        "sensitive names 'tags', which has several values in a row by the schema: slices and metrics need one; use "
        "another column.",
    )
    check_features(known, EvaluatorOptions(TASK, sensitive=[("sex",)]))
    check_features(None, options)


@pytest.mark.slow
def test_before_any_row_is_read(evaluate: Any, make_columns: Any) -> None:
    """The examples do not even have the split that is asked for."""
    columns, given = make_columns("binary", 20), 'slicing_specs { feature_keys: "tags" }'
    arguments = {"schema": SCHEMA, "example_splits": ("absent",), "eval_config": given}
    with pytest.raises(ConfigError, match="sensitive names 'gender', which is no feature") as caught:
        evaluate("binary", columns, sensitive=[("gender",)], **arguments)
    assert "eval_config names 'tags', which has several values" in str(caught.value)
    arguments["eval_config"] = 'slicing_specs { feature_keys: "gender" }'
    with pytest.raises(ConfigError) as both:
        evaluate("binary", columns, sensitive=[("sexx",)], **arguments)
    assert [problem.split(" which")[0] for problem in both.value.problems] == [
        "eval_config: slicing_specs[0] names 'gender',",
        "sensitive names 'sexx',",
    ]
