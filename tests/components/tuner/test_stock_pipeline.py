"""The stock penguin pipeline with only our Tuner swapped in, and why one would."""

import json
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

MODULE = str(Path(__file__).with_name("penguin_module.py"))


@pytest.fixture(scope="module")
def run(shared_data, tmp_path_factory):
    """A function that runs the stock pipeline with a given class of Tuner, and returns the outputs."""
    from tfx import v1 as tfx

    from tfx_automl.pipelines.metadata import read_outputs

    data = tmp_path_factory.mktemp("data")
    (data / "penguins.csv").write_bytes(shared_data("penguins.csv").read_bytes())
    folder = tmp_path_factory.mktemp("stock")

    def run(tuner_class, extra: bool, **arguments):
        examples = tfx.components.CsvExampleGen(input_base=str(data))
        statistics = tfx.components.StatisticsGen(examples=examples.outputs["examples"])
        schema = tfx.components.SchemaGen(statistics=statistics.outputs["statistics"], infer_feature_shape=True)
        transform = tfx.components.Transform(
            examples=examples.outputs["examples"], schema=schema.outputs["schema"], module_file=MODULE
        )
        transformed, graph = transform.outputs["transformed_examples"], transform.outputs["transform_graph"]
        tuner = tuner_class(
            module_file=MODULE,
            examples=transformed,
            transform_graph=graph,
            train_args=tfx.proto.TrainArgs(num_steps=10),
            eval_args=tfx.proto.EvalArgs(num_steps=5),
            **arguments,
        )
        trainer = tfx.components.Trainer(
            module_file=MODULE,
            examples=transformed,
            transform_graph=graph,
            schema=schema.outputs["schema"],
            hyperparameters=tuner.outputs["best_hyperparameters"],
            train_args=tfx.proto.TrainArgs(num_steps=50),
            eval_args=tfx.proto.EvalArgs(num_steps=5),
        )
        pipeline = tfx.dsl.Pipeline(
            pipeline_name="penguins",
            pipeline_root=str(folder / "artifacts"),
            components=[examples, statistics, schema, transform, tuner, *([trainer] if extra else [])],
            enable_cache=True,
            metadata_connection_config=tfx.orchestration.metadata.sqlite_metadata_connection_config(
                str(folder / "metadata.sqlite")
            ),
        )
        tfx.orchestration.LocalDagRunner().run(pipeline)
        return read_outputs(folder / "metadata.sqlite", "penguins")

    return run


def test_our_tuner_finishes_and_the_stock_trainer_takes_its_output(run):
    from tfx.proto import tuner_pb2

    from tfx_automl.components import Tuner

    outputs = run(Tuner, extra=True, tune_args=tuner_pb2.TuneArgs(num_parallel_trials=2))
    best = json.loads((outputs["Tuner"].uris["best_hyperparameters"] / "best_hyperparameters.txt").read_text())
    assert best["values"]["units"] in (4, 8, 12, 16)
    results = outputs["Tuner"].uris["tuner_results"]
    records = json.loads((results / "tuner_results.json").read_text())
    scores = [record["score"] for record in records]
    assert scores == sorted(scores, reverse=True) and scores[0] > 0.5
    assert {"trial_id", "score", "units", "learning_rate"} <= set(records[0])
    everything = json.loads((results / "trials.json").read_text())["trials"]
    assert len(everything) >= len(records) >= 3
    assert {trial["worker"] for trial in everything} == {0, 1}
    assert all("val_sparse_categorical_accuracy" in epoch for trial in everything for epoch in trial["curve"])
    assert (outputs["Trainer"].uris["model"] / "Format-Serving" / "saved_model.pb").is_file()


def test_stock_tuner_crashes_on_the_same_function(run):
    """If this fails, the stock Tuner was mended, and the claim in the README is out of date."""
    from tfx import v1 as tfx

    with pytest.raises(TypeError, match="NoneType"):
        run(tfx.components.Tuner, extra=False)
