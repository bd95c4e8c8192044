"""What Trainer exports, on real data: as it was trained, and taken by stock components."""

import json
from types import SimpleNamespace

import numpy as np
import pytest

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def penguins(shared_data, tmp_path_factory) -> SimpleNamespace:
    """Our components up to Trainer, then the stock Evaluator and BulkInferrer, by component id."""
    import tensorflow_model_analysis as tfma
    from tensorflow_model_analysis.proto import config_pb2
    from tfx import v1 as tfx

    from tfx_automl.components import ExampleGen, Trainer, Transform, Tuner
    from tfx_automl.components.example_gen.inputs import input_for
    from tfx_automl.components.example_gen.options import ReadOptions
    from tfx_automl.components.tuner.options import SearchOptions
    from tfx_automl.models.task import TaskSpec
    from tfx_automl.pipelines.metadata import read_outputs

    folder = tmp_path_factory.mktemp("penguins")
    task = TaskSpec("multiclass", "species", ("0", "1", "2"))
    read = ReadOptions(label="species", task="multiclass")
    examples = ExampleGen(*input_for(str(shared_data("penguins.csv"))), read=read)
    raw = examples.outputs["examples"]
    statistics = tfx.components.StatisticsGen(examples=raw)
    schema = tfx.components.SchemaGen(statistics=statistics.outputs["statistics"], infer_feature_shape=False)
    transform = Transform(raw, schema.outputs["schema"], statistics.outputs["statistics"], task=task)
    training_data, graph = transform.outputs["training_data"], transform.outputs["transform_graph"]
    search = SearchOptions(families=("mlp",), max_epochs=9, max_trials=2, workers=1)
    tuner = Tuner(training_data=training_data, transform_graph=graph, task=task, search=search)
    trainer = Trainer(
        training_data=training_data,
        transform_graph=graph,
        hyperparameters=tuner.outputs["best_hyperparameters"],
        task=task,
        max_epochs=30,
    )
    model = trainer.outputs["model"]
    # Nothing of ours: the class index is what the column holds, and the model's signature takes raw examples.
    eval_config = config_pb2.EvalConfig(
        model_specs=[
            config_pb2.ModelSpec(signature_name="serving_default", label_key="species", prediction_key="probabilities")
        ],
        slicing_specs=[config_pb2.SlicingSpec()],
        metrics_specs=[
            config_pb2.MetricsSpec(
                metrics=[
                    config_pb2.MetricConfig(class_name="ExampleCount"),
                    config_pb2.MetricConfig(class_name="SparseCategoricalAccuracy"),
                ]
            )
        ],
    )
    evaluator = tfx.components.Evaluator(examples=raw, model=model, eval_config=eval_config, example_splits=["test"])
    inferrer = tfx.components.BulkInferrer(
        examples=raw, model=model, data_spec=tfx.proto.DataSpec(example_splits=["test"])
    )
    components = [examples, statistics, schema, transform, tuner, trainer, evaluator, inferrer]
    database = folder / "metadata.sqlite"
    tfx.orchestration.LocalDagRunner().run(
        tfx.dsl.Pipeline(
            pipeline_name="penguins",
            pipeline_root=str(folder / "artifacts"),
            components=components,
            metadata_connection_config=tfx.orchestration.metadata.sqlite_metadata_connection_config(str(database)),
            beam_pipeline_args=["--direct_running_mode=in_memory", "--direct_num_workers=1"],
        )
    )
    return SimpleNamespace(task=task, tfma=tfma, **read_outputs(database, "penguins"))


@pytest.fixture(scope="module")
def served(penguins, examples_of):
    """Labels, raw columns as JSON-able values, and what `serving_raw` gives for them, of the test split."""
    import tensorflow as tf

    examples = examples_of(penguins.ExampleGen.uris["examples"], "test")
    signature = tf.saved_model.load(str(penguins.Trainer.uris["model"] / "Format-Serving")).signatures["serving_raw"]
    specs = signature.structured_input_signature[1]
    columns = {name: [e.features.feature[name].float_list.value[0] for e in examples] for name in specs}
    request = json.loads(json.dumps(columns))  # what a client sends
    found = signature(**{name: tf.constant(values, specs[name].dtype) for name, values in request.items()})
    labels = np.array([example.features.feature["species"].int64_list.value[0] for example in examples])
    return SimpleNamespace(labels=labels, examples=examples, probabilities=found["probabilities"].numpy())


def test_raw_json_gives_what_transform_and_the_trained_model_give(penguins, served):
    """The weights that Trainer exported, in the model that was trained, on what Transform wrote."""
    import tensorflow as tf

    from tfx_automl.models.data import open_data
    from tfx_automl.models.families import start_model
    from tfx_automl.models.feeding import columns_of
    from tfx_automl.models.model import Workplace

    model = penguins.Trainer.uris["model"]
    values = json.loads((model / "model_card.json").read_text())["hyperparameters"]
    data = open_data(penguins.Transform.uris["training_data"])
    keras_model = start_model(values, 0, Workplace(data)).model
    exported = tf.saved_model.load(str(model / "Format-Serving")).weights
    for variable, weight in zip(keras_model.variables, exported, strict=True):
        variable.assign(weight)
    logits = keras_model.predict(columns_of(data.split("test"), slice(None)), verbose=0)
    np.testing.assert_allclose(served.probabilities, tf.nn.softmax(logits).numpy(), rtol=0, atol=1e-6)
    assert data.split("test").label.tolist() == served.labels.tolist()
    assert (served.probabilities.argmax(axis=1) == served.labels).mean() > 0.9


def test_stock_bulk_inferrer_predicts_the_same(penguins, served):
    import tensorflow as tf
    from tensorflow_serving.apis import prediction_log_pb2

    (path,) = penguins.BulkInferrer.uris["inference_result"].glob("*.gz")
    logs = [
        prediction_log_pb2.PredictionLog.FromString(record).predict_log
        for record in tf.data.TFRecordDataset(str(path), "GZIP").as_numpy_iterator()
    ]
    found = {
        log.request.inputs["examples"].string_val[0]: tf.make_ndarray(log.response.outputs["probabilities"])
        for log in logs
    }
    serialized = [example.SerializeToString(deterministic=True) for example in served.examples]
    parsed = {
        tf.train.Example.FromString(key).SerializeToString(deterministic=True): value.reshape(-1)
        for key, value in found.items()
    }
    np.testing.assert_allclose([parsed[key] for key in serialized], served.probabilities, atol=1e-6)


def test_stock_evaluator_measures_the_same(penguins, served):
    evaluation = penguins.tfma.load_eval_result(str(penguins.Evaluator.uris["evaluation"]))
    metrics = evaluation.get_metrics_for_slice()
    accuracy = (served.probabilities.argmax(axis=1) == served.labels).mean()
    assert metrics["sparse_categorical_accuracy"]["doubleValue"] == pytest.approx(accuracy, abs=1e-6)  # float32
    assert metrics["example_count"]["doubleValue"] == len(served.labels)
