"""Thresholds by group: chosen out of sample on raw columns, exported, and told in the card."""

import json
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from trainer_for_tests import run_trainer

from tfx_automl.errors import ModelError
from tfx_automl.models.group_thresholds import CRITERIA, GroupThresholds
from tfx_automl.models.groups import GroupSpec
from tfx_automl.models.parity import choose_thresholds

pytestmark = pytest.mark.slow

DEMOGRAPHIC_PARITY = CRITERIA[0]


@pytest.fixture
def grouped(people: SimpleNamespace, inputs: dict[str, str], tmp_path: Any) -> Callable[..., SimpleNamespace]:
    """A function that calls `Do` with a group of raw columns."""
    from tfx_automl.components.trainer.options import TrainOptions

    def run(name: str, group: tuple[str, ...], smallest: int = 8, **options: Any) -> SimpleNamespace:
        given = TrainOptions(**{"max_epochs": 2, "group_thresholds": "demographic_parity", **options})
        groups = GroupSpec((group,), smallest)
        properties = {"task": people.task.to_json(), "groups": groups.to_json(), **given.to_properties()}
        raw = {"raw_examples": str(people.ExampleGen.uris["examples"])}
        return run_trainer(str(tmp_path), name, inputs | raw, properties)

    return run


@pytest.fixture
def split(people: SimpleNamespace, examples_of: Any) -> Callable[[str], list[Any]]:
    return lambda name: examples_of(people.ExampleGen.uris["examples"], name)


def value_of(example: Any, name: str) -> Any:
    feature = example.features.feature[name]
    values = getattr(feature, feature.WhichOneof("kind") or "bytes_list").value
    return None if not values else values[0].decode() if isinstance(values[0], bytes) else values[0]


def served(model: Any, examples: list[Any]) -> dict[str, Any]:
    import tensorflow as tf

    loaded = tf.saved_model.load(str(model / "Format-Serving"))
    found = loaded.signatures["serving_default"](
        examples=tf.constant([example.SerializeToString() for example in examples])
    )
    return {name: value.numpy()[:, 0] for name, value in found.items()}


def own_of(thresholds: GroupThresholds, examples: list[Any]) -> np.ndarray:
    table = dict(zip(thresholds.slices, thresholds.thresholds, strict=True))
    rows = (tuple(value_of(example, name) for name in thresholds.features) for example in examples)
    return np.array([table.get(row, thresholds.common) for row in rows], np.float32)


@pytest.mark.parametrize("group", [("city",), ("member",), ("member", "city")], ids=",".join)
def test_card_and_graph_agree_on_every_row(grouped: Any, split: Any, group: tuple[str, ...]) -> None:
    done = grouped("run", group)
    own = done.card["threshold"]["groups"]
    thresholds = GroupThresholds.from_dict(own)
    assert thresholds.features == group
    assert own["gap"]["after"] <= own["gap"]["before"]
    for name in ("eval", "test"):
        examples = split(name)
        found = served(done.model, examples)
        expected = own_of(thresholds, examples)
        assert found["threshold"].tolist() == expected.tolist()
        assert found["classes"].tolist() == np.where(found["probabilities"] >= expected, b"yes", b"no").tolist()
    assert any(value_of(example, "city") is None for example in split("eval")), "some rows must have no city"


def test_it_is_what_the_rows_of_the_eval_split_say(grouped: Any, split: Any) -> None:
    done = grouped("run", ("city",), threshold="f1")
    examples, own = split("eval"), done.card["threshold"]["groups"]
    label = np.array([value_of(example, "label") == "yes" for example in examples]).astype(int)
    city = np.array([value_of(example, "city") or "" for example in examples])
    names, codes = np.unique(city, return_inverse=True)
    codes = np.where(city == "", -1, codes - 1)
    found = served(done.model, examples)
    common = done.card["threshold"]["value"]
    expected = choose_thresholds(DEMOGRAPHIC_PARITY, "f1", label, found["probabilities"], codes, common, 8)
    assert own["rule"] == "f1" and own["common"] == common and own["rows"] == len(examples)
    assert [part["values"][0] for part in own["slices"]] == names[1:][expected.compared].tolist()
    assert [part["threshold"] for part in own["slices"]] == expected.thresholds[expected.compared].tolist()
    assert own["gap"] == pytest.approx({"before": expected.gap[0], "after": expected.gap[1]})
    sizes = np.bincount(codes[codes >= 0])[expected.compared]
    assert [part["rows"] for part in own["slices"]] == sizes.tolist()
    right = (found["classes"] == b"yes") == (label == 1)
    assert done.card["metrics"]["eval"]["accuracy"] == pytest.approx(right.mean()) == own["accuracy"]["after"]


def test_column_that_the_model_never_sees_is_asked_for(grouped: Any, split: Any) -> None:
    """`empty`, `note` and `id` are dropped by Transform, as excluded columns are; the request must hold the group."""
    import tensorflow as tf

    done = grouped("run", ("country", "member"))
    thresholds = GroupThresholds.from_dict(done.card["threshold"]["groups"])
    assert "country" not in {name for feature in done.card["features"] for name in feature["columns"] or ()}
    signature = tf.saved_model.load(str(done.model / "Format-Serving")).signatures["serving_raw"]
    specs = signature.structured_input_signature[1]
    assert specs["country"].dtype == tf.string
    absent = {tf.string: b"", tf.int64: -(2**63), tf.float32: np.nan}
    examples = split("test")
    columns = {}
    for name, spec in specs.items():
        values = [value_of(example, name) for example in examples]
        values = [value.encode() if isinstance(value, str) else value for value in values]
        columns[name] = [absent[spec.dtype] if value is None else value for value in values]
    columns["country"][0], columns["country"][1] = b"", b"FR"
    raw = signature(**{name: tf.constant(values, specs[name].dtype) for name, values in columns.items()})
    default = served(done.model, examples)
    assert raw["threshold"].numpy()[:2, 0].tolist() == [np.float32(thresholds.common)] * 2  # missing, unseen
    assert raw["threshold"].numpy()[2:, 0].tolist() == default["threshold"][2:].tolist()
    np.testing.assert_allclose(raw["probabilities"].numpy()[:, 0], default["probabilities"], atol=1e-6)


def test_rows_that_are_trained_on_never_choose(grouped: Any) -> None:
    done = grouped("all", ("city",), mode="retrain_all")
    assert [entry.get("in_sample", False) for entry in done.history].count(False) > 0
    assert done.card["trained_on"] == ["train", "eval"]
    assert done.card["threshold"]["groups"]["gap"]["after"] <= done.card["threshold"]["groups"]["gap"]["before"]


def test_reused_model_may_have_them(grouped: Any) -> None:
    """It is judged on the rows of all folds, if the search had some."""
    own = grouped("reuse", ("city",), mode="reuse").card
    folds = len(own["threshold"]["groups"]["slices"])
    assert folds >= 2
    rows = own["data"]["rows"]
    assert own["threshold"]["groups"]["rows"] in (rows["eval"], rows["train"] + rows["eval"])


def test_too_few_rows_are_refused_before_the_training(grouped: Any, tmp_path: Any) -> None:
    with pytest.raises(ModelError, match=r"demographic_parity\[city\] compares at least two groups of city with 5000"):
        grouped("few", ("city",), smallest=5000)
    assert not list(tmp_path.glob("few/run/*"))
    with pytest.raises(ModelError, match="No raw example of the split 'train' has the sensitive feature 'nowhere'"):
        grouped("none", ("nowhere",))


def test_without_them_nothing_is_different(execute: Any) -> None:
    import tensorflow as tf

    done = execute("plain", max_epochs=1)
    assert "groups" not in done.card["threshold"]
    signature = tf.saved_model.load(str(done.model / "Format-Serving")).signatures["serving_default"]
    assert set(signature.structured_outputs) == {"probabilities", "classes"}
    assert json.dumps(done.card)
