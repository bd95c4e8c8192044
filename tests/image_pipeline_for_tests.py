"""A small pipeline from a file to a pushed model, with training code of its own: both are baked into the image."""

from typing import Any

from tfx import v1 as tfx

from tfx_automl.components import ExampleGen


def make(data: str, serving: str) -> Any:
    """Returns the pipeline.

    Args:
        data: Folder with CSV files, which have columns x and y.
        serving: Folder for the pushed model.
    """
    examples = ExampleGen(input_base=data)
    statistics = tfx.components.StatisticsGen(examples=examples.outputs["examples"])
    schema = tfx.components.SchemaGen(statistics=statistics.outputs["statistics"])
    trainer = tfx.components.Trainer(
        run_fn=f"{__name__}.run_fn",
        examples=examples.outputs["examples"],
        schema=schema.outputs["schema"],
        train_args=tfx.proto.TrainArgs(num_steps=1),
        eval_args=tfx.proto.EvalArgs(num_steps=1),
    )
    pusher = tfx.components.Pusher(
        model=trainer.outputs["model"],
        push_destination=tfx.proto.PushDestination(
            filesystem=tfx.proto.PushDestination.Filesystem(base_directory=serving)
        ),
    )
    nodes = [examples, statistics, schema, trainer, pusher]
    return tfx.dsl.Pipeline(pipeline_name="image", pipeline_root="unused", components=nodes)


def run_fn(fn_args: Any) -> None:
    """Fits a straight line, and saves it as a model."""
    import numpy as np
    import tensorflow as tf

    files = [name for pattern in fn_args.train_files for name in tf.io.gfile.glob(pattern)]
    records = tf.data.TFRecordDataset(files, compression_type="GZIP")
    columns = {name: tf.io.FixedLenFeature([], tf.float32) for name in ("x", "y")}
    rows = [tf.io.parse_single_example(record, columns) for record in records]
    x = np.array([[float(row["x"]), 1.0] for row in rows])
    slope, offset = np.linalg.lstsq(x, np.array([float(row["y"]) for row in rows]), rcond=None)[0]
    model = tf.Module()
    model.line = tf.Variable([slope, offset], dtype=tf.float32)
    model.serve = tf.function(
        lambda x: {"y": model.line[0] * x + model.line[1]}, input_signature=[tf.TensorSpec([None], tf.float32, "x")]
    )
    tf.saved_model.save(model, fn_args.serving_model_dir, signatures={"serving_default": model.serve})
