"""The user code of the stock pipeline, as TFX's own taxi and penguin examples have it.

It imports nothing of this project: TFX packs it into a wheel and installs that for every component which runs it.
"""

from typing import Any

import keras
import keras_tuner
import tensorflow as tf
import tensorflow_transform as tft
from tfx import v1 as tfx
from tfx_bsl.public import tfxio

LABEL = "big_tipper"
NUMBERS = ("fare", "trip_miles", "trip_seconds", "trip_start_timestamp")
BUCKETED = ("pickup_latitude", "pickup_longitude", "dropoff_latitude", "dropoff_longitude")
BUCKETS = 10
# Small whole numbers, each with one more than its largest value.
COUNTED = {
    "trip_start_hour": 24,
    "trip_start_day": 8,
    "trip_start_month": 13,
    "pickup_community_area": 78,
    "dropoff_community_area": 78,
}
NAMED = ("payment_type", "company", "dropoff_census_tract")
MOST_NAMES = 1000
# Not for the model. A request does not have them.
LABELS = (LABEL, "tips")
EMBEDDING = 8


def transformed(name: str) -> str:
    """Returns the name of a column after Transform."""
    return f"{name}_xf"


def preprocessing_fn(inputs: dict[str, Any]) -> dict[str, Any]:
    """Scales numbers, cuts places into buckets, and numbers names; Transform calls it."""
    outputs = {transformed(name): tft.scale_to_z_score(_filled(inputs[name])) for name in NUMBERS}
    for name in BUCKETED:
        outputs[transformed(name)] = tft.bucketize(_filled(inputs[name]), BUCKETS)
    for name in COUNTED:
        outputs[transformed(name)] = _filled(inputs[name])
    for name in NAMED:
        outputs[transformed(name)] = tft.compute_and_apply_vocabulary(
            _filled(inputs[name]), top_k=MOST_NAMES, num_oov_buckets=1, vocab_filename=name
        )
    outputs[transformed(LABEL)] = _filled(inputs[LABEL])
    return outputs


def _filled(column: Any) -> Any:
    """Puts 0 or the empty text in place of what is missing."""
    if not isinstance(column, tf.sparse.SparseTensor):
        return column
    dense = tf.SparseTensor(column.indices, column.values, [column.dense_shape[0], 1])
    return tf.sparse.to_dense(dense, "" if column.dtype == tf.string else 0)


def input_fn(files: list[str], fn_args: Any, graph: Any, batch_size: int) -> Any:
    """Returns one pass over transformed examples, parsed anew in each epoch as in TFX's examples, or kept in memory."""
    options = tfxio.TensorFlowDatasetOptions(batch_size=batch_size, label_key=transformed(LABEL), num_epochs=1)
    batches = fn_args.data_accessor.tf_dataset_factory(files, options, graph.transformed_metadata.schema)
    return batches.cache() if fn_args.custom_config["cache"] else batches


def build_model(hp: Any, graph: Any) -> Any:
    """Builds a network of one to three layers over scaled numbers and embeddings."""
    sizes = {
        **dict.fromkeys(BUCKETED, BUCKETS),
        **COUNTED,
        **{name: graph.vocabulary_size_by_name(name) + 1 for name in NAMED},
    }
    inputs = {name: keras.Input((1,), name=transformed(name)) for name in NUMBERS}
    parts = list(inputs.values())
    for name, size in sizes.items():
        inputs[name] = keras.Input((1,), name=transformed(name), dtype="int64")
        parts.append(keras.layers.Flatten()(keras.layers.Embedding(size, EMBEDDING)(inputs[name])))
    hidden = keras.layers.concatenate(parts)
    for _ in range(hp.Int("layers", 1, 3)):
        hidden = keras.layers.Dense(hp.Choice("units", [32, 64, 128, 256]), activation="relu")(hidden)
        hidden = keras.layers.Dropout(hp.Float("dropout", 0.0, 0.5, step=0.1))(hidden)
    model = keras.Model({transformed(name): value for name, value in inputs.items()}, _output(hidden))
    rate = hp.Float("learning_rate", 3e-4, 1e-2, sampling="log")
    model.compile(keras.optimizers.Adam(rate), "binary_crossentropy", metrics=[keras.metrics.AUC(name="auc")])
    return model


def _output(hidden: Any) -> Any:
    return keras.layers.Dense(1, activation="sigmoid")(hidden)


class HyperModel(keras_tuner.HyperModel):
    """Searches the batch size, too, which belongs to the data sets: so they are made anew for each trial."""

    def __init__(self, fn_args: Any, graph: Any) -> None:
        super().__init__()
        self._fn_args = fn_args
        self._graph = graph

    def build(self, hp: Any) -> Any:
        """Builds a network."""
        return build_model(hp, self._graph)

    def fit(self, hp: Any, model: Any, **options: Any) -> Any:
        """Trains it."""
        return fit(hp, model, self._fn_args, self._graph, **options)


def fit(hp: Any, model: Any, fn_args: Any, graph: Any, **options: Any) -> Any:
    """Trains a model for the epochs of the configuration."""
    size = hp.Choice("batch_size", [128, 256, 512])
    return model.fit(
        input_fn(fn_args.train_files, fn_args, graph, size),
        validation_data=input_fn(fn_args.eval_files, fn_args, graph, size),
        epochs=fn_args.custom_config["epochs"],
        verbose=2,
        **options,
    )


def tuner_fn(fn_args: Any) -> Any:
    """Returns a random search; Tuner calls it."""
    graph = tft.TFTransformOutput(fn_args.transform_graph_path)
    tuner = keras_tuner.RandomSearch(
        HyperModel(fn_args, graph),
        objective=keras_tuner.Objective("val_auc", "max"),
        max_trials=fn_args.custom_config["trials"],
        seed=0,
        directory=fn_args.working_dir,
        project_name="taxi",
    )
    return tfx.components.TunerFnResult(tuner=tuner, fit_kwargs={})


def run_fn(fn_args: Any) -> None:
    """Trains with the best hyperparameters and exports; Trainer calls it."""
    graph = tft.TFTransformOutput(fn_args.transform_output)
    hp = keras_tuner.HyperParameters.from_config(fn_args.hyperparameters)
    model = build_model(hp, graph)
    fit(hp, model, fn_args, graph)
    # The model must hold on to the layer, or its vocabularies are not saved.
    model.tft_layer = graph.transform_features_layer()
    signatures = {"serving_default": _serving_signature(model, graph)}
    tf.saved_model.save(model, fn_args.serving_model_dir, signatures=signatures)


def _serving_signature(model: Any, graph: Any) -> Any:
    spec = {name: value for name, value in graph.raw_feature_spec().items() if name not in LABELS}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="examples")])
    def serve(examples: Any) -> dict[str, Any]:
        return {"outputs": model(model.tft_layer(tf.io.parse_example(examples, spec)))}

    return serve
