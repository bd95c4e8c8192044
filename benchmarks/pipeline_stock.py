"""The stock pipeline of the benchmark: TFX's own components, put together as TFX's own examples do.

`pipeline.py` starts it in a process of its own. It prints the seconds of every stage as JSON in its last line.
"""

import argparse
import json
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

MODULE = Path(__file__).with_name("pipeline_stock_module.py")


def build(parsed: argparse.Namespace) -> Any:
    """Builds the pipeline for LocalDagRunner."""
    from tfx import v1 as tfx

    metadata = tfx.orchestration.metadata.sqlite_metadata_connection_config(str(parsed.output / "metadata.sqlite"))
    # No Beam arguments: the default is one process, and with any TFX packs itself up anew for every component.
    return tfx.dsl.Pipeline(
        pipeline_name="stock",
        pipeline_root=str(parsed.output / "artifacts"),
        components=_components(parsed),
        metadata_connection_config=metadata,
    )


def _components(parsed: argparse.Namespace) -> list[Any]:
    from tfx import v1 as tfx

    splits = [tfx.proto.Input.Split(name=name, pattern=f"{name}/*") for name in ("train", "eval", "test")]
    example_gen = tfx.components.CsvExampleGen(input_base=str(parsed.data), input_config=tfx.proto.Input(splits=splits))
    examples = example_gen.outputs["examples"]
    statistics = tfx.components.StatisticsGen(examples=examples)
    schema = tfx.components.SchemaGen(statistics=statistics.outputs["statistics"], infer_feature_shape=False)
    module_file = _module_file(parsed.output)
    transform = tfx.components.Transform(examples=examples, schema=schema.outputs["schema"], module_file=module_file)
    models = _models(parsed, transform, module_file)
    return [example_gen, statistics, schema, transform, *models, *_gate(parsed, examples, models[-1])]


def _module_file(output: Path) -> str:
    """Copies the user code into a folder of its own: TFX packs everything that lies beside it."""
    folder = output / "module"
    folder.mkdir(parents=True)
    return str(shutil.copy(MODULE, folder))


def _models(parsed: argparse.Namespace, transform: Any, module_file: str) -> list[Any]:
    from tfx import v1 as tfx

    common = {
        "examples": transform.outputs["transformed_examples"],
        "transform_graph": transform.outputs["transform_graph"],
        "module_file": module_file,
        # All batches of a split are an epoch, so there are no steps to count.
        "train_args": tfx.proto.TrainArgs(splits=["train"]),
        "eval_args": tfx.proto.EvalArgs(splits=["eval"]),
        "custom_config": {"trials": parsed.trials, "epochs": parsed.epochs, "cache": parsed.cache},
    }
    tuner = tfx.components.Tuner(**common)
    trainer = tfx.components.Trainer(**common, hyperparameters=tuner.outputs["best_hyperparameters"])
    return [tuner, trainer]


def _gate(parsed: argparse.Namespace, examples: Any, trainer: Any) -> list[Any]:
    from tfx import v1 as tfx

    evaluator = tfx.components.Evaluator(
        examples=examples,
        model=trainer.outputs["model"],
        example_splits=["test"],
        eval_config=_eval_config(parsed.slices, parsed.label),
    )
    filesystem = tfx.proto.PushDestination.Filesystem(base_directory=str(parsed.output / "serving"))
    pusher = tfx.components.Pusher(
        model=trainer.outputs["model"],
        model_blessing=evaluator.outputs["blessing"],
        push_destination=tfx.proto.PushDestination(filesystem=filesystem),
    )
    return [evaluator, pusher]


def _eval_config(slices: Sequence[str], label: str) -> Any:
    import tensorflow_model_analysis as tfma

    # To be pushed, the model must be better than chance over all rows; our gate wants no less.
    bound = tfma.MetricThreshold(value_threshold=tfma.GenericValueThreshold(lower_bound={"value": 0.5}))
    overall = tfma.PerSliceMetricThreshold(slicing_specs=[tfma.SlicingSpec()], threshold=bound)
    metrics = [
        tfma.MetricConfig(class_name="AUC", per_slice_thresholds=[overall]),
        tfma.MetricConfig(class_name="ExampleCount"),
        tfma.MetricConfig(class_name="ConfusionMatrixAtThresholds", config=json.dumps({"thresholds": [0.5]})),
    ]
    return tfma.EvalConfig(
        model_specs=[tfma.ModelSpec(signature_name="serving_default", label_key=label)],
        slicing_specs=[tfma.SlicingSpec(), *(tfma.SlicingSpec(feature_keys=[name]) for name in slices)],
        metrics_specs=[tfma.MetricsSpec(metrics=metrics)],
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the pipeline."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path, help="folder with a folder of CSV files for each split")
    parser.add_argument("output", type=Path, help="folder for everything that the run makes")
    parser.add_argument("--label", required=True)
    parser.add_argument("--slices", nargs="*", default=[])
    parser.add_argument("--trials", type=int, required=True)
    parser.add_argument("--epochs", type=int, required=True)
    parser.add_argument("--cache", action="store_true", help="keep parsed batches in memory while a model trains")
    parsed = parser.parse_args(arguments)
    # The same clock for both sides; it imports nothing but what the pipeline needs anyway.
    from tfx_automl.pipelines.runner import run_locally

    times = run_locally(build(parsed))
    sys.stdout.write(json.dumps(times.seconds) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
