"""Trainer with a stock module: unchanged, as the stock Trainer runs it."""

import json
from pathlib import Path

import pytest

from tfx_automl.errors import ConfigError
from tfx_automl.models.task import TaskSpec

MODULE = str(Path(__file__).parent.with_name("tuner") / "penguin_module.py")


def _channel(kind: str):
    from tfx.types import channel_utils, standard_artifacts

    return channel_utils.as_channel([getattr(standard_artifacts, kind)()])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "Trainer needs one of task .* run_fn and module_file"),
        ({"run_fn": "m.f", "module_file": "m.py"}, "Trainer needs one of task"),
        ({"run_fn": "m.f", "task": TaskSpec("regression", "y")}, "Trainer needs one of task"),
        ({"task": TaskSpec("regression", "y"), "custom_config": {}}, "custom_config are for a run_fn"),
        ({"run_fn": "m.f", "mode": "reuse", "threshold": "f1"}, "mode, threshold: for a model family"),
        ({"run_fn": "m.f", "sensitive": [["a"]]}, "sensitive: for a model family"),
    ],
)
def test_mixed_arguments_are_refused(arguments, message):
    from tfx_automl.components import Trainer

    with pytest.raises(ConfigError, match=message):
        Trainer(_channel("Examples"), _channel("TransformGraph"), **arguments)


def test_construction_is_the_stock_one():
    from tfx import v1 as tfx

    from tfx_automl.components import Trainer

    arguments = {
        "examples": _channel("Examples"),
        "schema": _channel("Schema"),
        "run_fn": "my.module.run_fn",
        "train_args": tfx.proto.TrainArgs(num_steps=7),
        "custom_config": {"a": [1]},
    }
    ours, stock = Trainer(**arguments), tfx.components.Trainer(**arguments)
    given = {key: value for key, value in stock.exec_properties.items() if value is not None}
    assert {key: value for key, value in ours.exec_properties.items() if value is not None} == given
    assert set(ours.inputs) == set(stock.inputs)
    assert set(ours.outputs) == set(stock.outputs)


@pytest.mark.slow
def test_stock_penguin_pipeline_with_our_trainer(shared_data, tmp_path):
    import keras_tuner
    import numpy as np
    import tensorflow as tf
    from tfx import v1 as tfx
    from tfx.types import standard_artifacts

    from tfx_automl.components import Trainer
    from tfx_automl.pipelines.metadata import read_outputs

    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "penguins.csv").write_bytes(shared_data("penguins.csv").read_bytes())
    (tmp_path / "best").mkdir()
    best = keras_tuner.HyperParameters()
    best.Fixed("units", 12)
    best.Fixed("learning_rate", 0.1)
    (tmp_path / "best" / "best_hyperparameters.txt").write_text(json.dumps(best.get_config()))
    examples = tfx.components.CsvExampleGen(input_base=str(tmp_path / "data"))
    statistics = tfx.components.StatisticsGen(examples=examples.outputs["examples"])
    schema = tfx.components.SchemaGen(statistics=statistics.outputs["statistics"], infer_feature_shape=True)
    transform = tfx.components.Transform(
        examples=examples.outputs["examples"], schema=schema.outputs["schema"], module_file=MODULE
    )
    hyperparameters = tfx.dsl.Importer(
        source_uri=str(tmp_path / "best"), artifact_type=standard_artifacts.HyperParameters
    ).with_id("Best")
    trainer = Trainer(
        module_file=MODULE,
        examples=transform.outputs["transformed_examples"],
        transform_graph=transform.outputs["transform_graph"],
        schema=schema.outputs["schema"],
        hyperparameters=hyperparameters.outputs["result"],
        train_args=tfx.proto.TrainArgs(num_steps=50),
        eval_args=tfx.proto.EvalArgs(num_steps=5),
    )
    database = tmp_path / "metadata.sqlite"
    tfx.orchestration.LocalDagRunner().run(
        tfx.dsl.Pipeline(
            pipeline_name="penguins",
            pipeline_root=str(tmp_path / "artifacts"),
            components=[examples, statistics, schema, transform, hyperparameters, trainer],
            metadata_connection_config=tfx.orchestration.metadata.sqlite_metadata_connection_config(str(database)),
        )
    )
    model = read_outputs(database, "penguins")["Trainer"].uris["model"]
    serve = tf.saved_model.load(str(model / "Format-Serving")).signatures["serving_default"]
    names = serve.structured_input_signature[1]
    found = serve(**{name: tf.zeros((2, 1)) for name in names})["probabilities"].numpy()
    np.testing.assert_allclose(found.sum(axis=1), 1, atol=1e-5)
    assert not (model / "model_card.json").exists()
