"""Fewer columns: the right ones, and the same ones in the exported graph."""

from dataclasses import replace

import numpy as np
import pytest

from tfx_automl.models.data import Arrays
from tfx_automl.models.families import families_for, space_of, start_model
from tfx_automl.models.feeding import columns_of
from tfx_automl.models.inputs import InputSpec
from tfx_automl.models.model import Workplace
from tfx_automl.models.reduction import learn_reduction, principal_components

LINEAR = {"family": "linear", "learning_rate": 0.02, "weight_decay": 1e-3, "batch_size": 32, "numeric_pieces": 0}


@pytest.fixture
def wide(make_data):
    """24 numeric and 2 categorical columns; numeric column 5 and categorical column 1 decide the label."""
    data, rng = make_data(), np.random.default_rng(0)

    def arrays(rows: int) -> Arrays:
        numeric = rng.normal(size=(rows, 24)).astype(np.float32)
        categorical = rng.integers(0, 4, (rows, 2)).astype(np.int32)
        label = (numeric[:, 5] + (categorical[:, 1] == 2) > 0.3).astype(np.int32)
        return Arrays(numeric, categorical, np.zeros((rows, 0), np.uint8), label)

    inputs = InputSpec(tuple(f"n{n:02d}_xf" for n in range(24)), (("a_xf", 4), ("b_xf", 4)))
    return replace(data, inputs=inputs).with_splits(train=arrays(600), eval=arrays(200), test=arrays(200))


def test_columns_that_say_most_are_kept(wide):
    reduction = learn_reduction("mutual_information", 0.25, wide)
    assert len(reduction.numeric) + len(reduction.categorical) == 6
    assert 5 in reduction.numeric and 1 in reduction.categorical
    assert "n05_xf" in reduction.inputs(wide.inputs).names


def test_components_are_those_of_scikit_learn():
    from sklearn.decomposition import PCA

    values = (np.random.default_rng(1).normal(size=(300, 6)) @ np.diag([5, 4, 3, 2, 1, 0.5])).astype(np.float32) + 3
    mean, components = principal_components(values, 4)
    expected = PCA(4).fit(values)
    np.testing.assert_allclose(mean, expected.mean_, atol=1e-5)
    cosines = np.abs((components * expected.components_.T).sum(axis=0))
    np.testing.assert_allclose(cosines, 1, atol=1e-5)


@pytest.mark.slow  # a pass of Beam
def test_components_are_those_of_tensorflow_transform(tmp_path):
    import apache_beam as beam
    import tensorflow as tf
    import tensorflow_transform as tft
    import tensorflow_transform.beam as tft_beam
    from tensorflow_transform.tf_metadata import dataset_metadata, schema_utils

    values = (np.random.default_rng(1).normal(size=(200, 5)) @ np.diag([5, 4, 3, 2, 1])).astype(np.float32)
    specs = {"x": tf.io.FixedLenFeature([5], tf.float32)}
    metadata = dataset_metadata.DatasetMetadata(schema_utils.schema_from_feature_spec(specs))

    def project(inputs):
        return {"p": tf.matmul(inputs["x"], tft.pca(inputs["x"], 2, tf.float32))}

    rows = [{"x": row} for row in values]
    with beam.Pipeline() as _, tft_beam.Context(temp_dir=str(tmp_path)):
        (transformed, _), _ = (rows, metadata) | tft_beam.AnalyzeAndTransformDataset(project)
    expected = np.array([row["p"] for row in transformed])
    _, components = principal_components(values, 2)
    np.testing.assert_allclose(np.abs(values @ components), np.abs(expected), atol=1e-3)


@pytest.mark.parametrize("kind", ["pca", "mutual_information"])
def test_reduced_model_is_exported_with_its_reduction(wide, kind, tmp_path):
    point = {**LINEAR, "reduction": kind, "columns_kept": 0.5}
    assert space_of(families_for(("linear",), wide.inputs), wide).contains(point)
    model = start_model(point, 0, Workplace(wide))
    for _ in range(5):
        record = model.train_epoch()
    assert record.metrics["val_auc"] > (0.9 if kind == "mutual_information" else 0.5)
    test = wide.split("test")
    graph = model.graph().predict(columns_of(test, slice(None))).numpy()[:, 0]
    np.testing.assert_allclose(graph, model.predict(test), atol=1e-6)
    model.save(tmp_path / "c")
    again = start_model(point, 0, Workplace(wide))
    again.load(tmp_path / "c")
    np.testing.assert_allclose(again.predict(test), model.predict(test), atol=1e-6)


def test_narrow_tables_are_left_as_they_are(make_data):
    data = make_data()
    assert all(p.name != "reduction" for p in space_of(families_for((), data.inputs), data).parameters)
