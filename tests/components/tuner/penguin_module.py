"""A user's module for stock TFX: preprocessing_fn, tuner_fn and run_fn, as TFX's own penguin example has them."""

import keras
import keras_tuner
import tensorflow as tf
import tensorflow_transform as tft
from tensorflow_transform import TFTransformOutput
from tfx import v1 as tfx
from tfx_bsl.public import tfxio

FEATURES = ["culmen_length_mm", "culmen_depth_mm", "flipper_length_mm", "body_mass_g"]
LABEL = "species"
BATCH = 16


def preprocessing_fn(inputs):
    outputs = {name: tft.scale_to_z_score(inputs[name]) for name in FEATURES}
    outputs[LABEL] = inputs[LABEL]
    return outputs


def _dataset(files, accessor, graph):
    options = tfxio.TensorFlowDatasetOptions(batch_size=BATCH, label_key=LABEL, num_epochs=None)
    return accessor.tf_dataset_factory(files, options, graph.transformed_metadata.schema)


def _build(hyperparameters):
    inputs = {name: keras.Input((1,), name=name) for name in FEATURES}
    hidden = keras.layers.Concatenate()(list(inputs.values()))
    hidden = keras.layers.Dense(hyperparameters.Int("units", 4, 16, step=4), activation="relu")(hidden)
    model = keras.Model(inputs, keras.layers.Dense(3, activation="softmax")(hidden))
    rate = hyperparameters.Choice("learning_rate", [1e-1, 1e-2])
    model.compile(
        keras.optimizers.Adam(rate), "sparse_categorical_crossentropy", metrics=["sparse_categorical_accuracy"]
    )
    return model


def tuner_fn(fn_args):
    graph = TFTransformOutput(fn_args.transform_graph_path)
    tuner = keras_tuner.Hyperband(
        _build,
        objective=keras_tuner.Objective("val_sparse_categorical_accuracy", "max"),
        max_epochs=3,
        factor=3,
        directory=fn_args.working_dir,
        project_name="penguins",
        seed=0,
    )
    return tfx.components.TunerFnResult(
        tuner=tuner,
        fit_kwargs={
            "x": _dataset(fn_args.train_files, fn_args.data_accessor, graph),
            "validation_data": _dataset(fn_args.eval_files, fn_args.data_accessor, graph),
            "steps_per_epoch": fn_args.train_steps,
            "validation_steps": fn_args.eval_steps,
            "verbose": 0,
        },
    )


def run_fn(fn_args):
    """Trains with the hyperparameters that the Tuner found."""
    graph = TFTransformOutput(fn_args.transform_output)
    model = _build(keras_tuner.HyperParameters.from_config(fn_args.hyperparameters))
    model.fit(
        _dataset(fn_args.train_files, fn_args.data_accessor, graph), steps_per_epoch=fn_args.train_steps, verbose=0
    )

    class Serving(tf.Module):
        def __init__(self):
            super().__init__()
            self.kept = [variable.value for variable in model.variables]

        @tf.function(input_signature=[{name: tf.TensorSpec([None, 1], tf.float32) for name in FEATURES}])
        def serve(self, columns):
            return {"probabilities": model(columns)}

    module = Serving()
    tf.saved_model.save(module, fn_args.serving_model_dir, signatures={"serving_default": module.serve})
