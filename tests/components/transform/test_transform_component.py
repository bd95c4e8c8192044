"""Transform: what it decides, and the values that come out."""

import json

import numpy as np
import pytest

from tfx_automl.components import Transform
from tfx_automl.components.transform.plan import FeaturePlan
from tfx_automl.errors import DataError

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def plan(people) -> FeaturePlan:
    return FeaturePlan.from_json((people.Transform.uris["feature_plan"] / "feature_plan.json").read_text())


@pytest.fixture(scope="module")
def rows(people, examples_of):
    """Raw and transformed features of the train split, row by row."""

    def values(example):
        return {
            name: (list(f.int64_list.value) + list(f.float_list.value) + list(f.bytes_list.value) or [None])[0]
            for name, f in example.features.feature.items()
        }

    raw = [values(e) for e in examples_of(people.ExampleGen.uris["examples"], "train")]
    transformed = [values(e) for e in examples_of(people.Transform.uris["transformed_examples"], "train")]
    return raw, transformed


def test_every_column_is_decided_with_a_reason(plan):
    assert {d.name: d.kind for d in plan.decisions} == {
        "age": "numeric",
        "city": "categorical",
        "country": "dropped",
        "empty": "dropped",
        "id": "dropped",
        "income": "log",
        "label": "label",
        "member": "numeric",
        "note": "dropped",
    }
    reasons = {d.name: d.reason for d in plan.decisions}
    assert "constant" in reasons["country"]
    assert "missing in all" in reasons["empty"]
    assert "identifier" in reasons["id"] and "identifier" in reasons["note"]
    assert "% missing" in reasons["age"] and "median" in reasons["age"]


def test_no_row_is_lost(people, examples_of):
    for split, count in people.ExampleGen.json_property("examples", "row_counts")["splits"].items():
        assert len(examples_of(people.Transform.uris["transformed_examples"], split)) == count


def test_numbers_are_imputed_standardised_and_marked(rows):
    raw, transformed = rows
    ages = np.array([row["age"] for row in raw if row.get("age") is not None], float)
    for before, after in zip(raw, transformed, strict=True):
        missing = before.get("age") is None
        value = np.median(ages) if missing else before["age"]
        assert after["age_missing_xf"] == float(missing)
        # TFDV's median is a quantile of a sketch; anything else here is exact.
        assert after["age_xf"] == pytest.approx((value - ages.mean()) / ages.std(), abs=0.1 if missing else 1e-4)
    assert sum(row["age_missing_xf"] for row in transformed) > 0


def test_skewed_numbers_are_logged(rows):
    raw, transformed = rows
    logs = np.log1p([row["income"] for row in raw])
    expected = (logs - logs.mean()) / logs.std()
    assert np.allclose([row["income_xf"] for row in transformed], expected, atol=1e-4)


def test_categories_are_indices_with_a_place_for_missing(rows, plan):
    raw, transformed = rows
    vocabulary = next(d for d in plan.decisions if d.name == "city").parameters["vocabulary"]
    assert set(vocabulary) == {"Bonn", "Köln", "Ulm, West"}
    for before, after in zip(raw, transformed, strict=True):
        city = before.get("city")
        assert after["city_xf"] == (4 if city is None else vocabulary.index(city.decode()))


def test_labels_are_class_indices(rows):
    raw, transformed = rows
    assert [row["label_xf"] for row in transformed] == [int(row["label"] == b"yes") for row in raw]


def test_schema_knows_the_categories(people):
    import tensorflow_transform as tft

    schema = tft.TFTransformOutput(str(people.Transform.uris["transform_graph"])).transformed_metadata.schema
    city = next(f for f in schema.feature if f.name == "city_xf")
    assert (city.int_domain.is_categorical, city.int_domain.min, city.int_domain.max) == (True, 0, 4)


def test_graph_serves_without_label_and_with_missing_and_new_values(people):
    import tensorflow as tf
    import tensorflow_transform as tft

    output = tft.TFTransformOutput(str(people.Transform.uris["transform_graph"]))
    spec = {name: f for name, f in output.raw_feature_spec().items() if name != "label"}
    example = tf.train.Example()
    example.features.feature["city"].bytes_list.value.append(b"Paris")
    features = output.transform_features_layer()(tf.io.parse_example([example.SerializeToString()], spec))
    assert features["city_xf"].numpy().tolist() == [3]
    assert features["age_missing_xf"].numpy().tolist() == [1.0]
    assert "label_xf" not in features


def test_component_declares_its_outputs(people):
    transform = next(c for c in people.components if isinstance(c, Transform))
    assert set(transform.outputs) == {"transform_graph", "training_data", "transformed_examples", "feature_plan"}
    assert json.loads(transform.exec_properties["exclude"]) == []


def test_parquet_payload_is_refused():
    from tfx.components.util import examples_utils
    from tfx.proto import example_gen_pb2
    from tfx.types import standard_artifacts

    from tfx_automl.components.transform.executor import _check_payload

    artifact = standard_artifacts.Examples()
    examples_utils.set_payload_format(artifact, example_gen_pb2.FORMAT_PARQUET)
    with pytest.raises(DataError, match=r"Transform reads tf\.Example, but the examples are FORMAT_PARQUET"):
        _check_payload([artifact])
