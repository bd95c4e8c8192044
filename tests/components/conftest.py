"""A small pipeline of our components, run once under LocalDagRunner; its artifacts serve many tests."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from tuner_for_tests import mlp_search

ROWS = 400


def _write_people(path: Path) -> None:
    """A table with everything that a feature plan distinguishes; the label follows from age, city and income."""
    rng = np.random.default_rng(0)
    age = rng.integers(18, 80, ROWS)
    city = rng.choice(["Bonn", "Köln", "Ulm, West"], ROWS, p=[0.6, 0.3, 0.1])
    income = np.round(np.exp(rng.normal(0, 3.0, ROWS)), 3)
    member = rng.random(ROWS) < 0.5
    score = (age - 50) / 10 + (city == "Bonn") * 2 - member + rng.normal(0, 0.5, ROWS)
    label = np.where(score > np.median(score), "yes", "no")
    with open(path, "w", encoding="utf-8") as file:
        file.write("id,age,city,income,member,country,empty,note,label\n")
        for n in range(ROWS):
            shown_age = "" if n % 10 == 3 else age[n]
            shown_city = "?" if n % 20 == 7 else f'"{city[n]}"'
            truth = "true" if member[n] else "false"
            file.write(f"{n},{shown_age},{shown_city},{income[n]},{truth},DE,,note {n},{label[n]}\n")


@pytest.fixture(scope="session")
def people_csv(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("people") / "people.csv"
    _write_people(path)
    return path


@pytest.fixture(scope="session")
def people(people_csv, tmp_path_factory) -> SimpleNamespace:
    """The outputs of ExampleGen, StatisticsGen, SchemaGen, Transform, Tuner and Trainer by component id."""
    from tfx import v1 as tfx

    from tfx_automl.components import ExampleGen, Trainer, Transform, Tuner
    from tfx_automl.components.example_gen.inputs import input_for
    from tfx_automl.components.example_gen.options import ReadOptions
    from tfx_automl.models.task import TaskSpec
    from tfx_automl.pipelines.metadata import read_outputs

    folder = tmp_path_factory.mktemp("pipeline")
    task = TaskSpec("binary", "label", ("no", "yes"))
    input_base, input_config = input_for(str(people_csv))
    examples = ExampleGen(input_base, input_config, read=ReadOptions(label="label", task="binary"))
    statistics = tfx.components.StatisticsGen(examples=examples.outputs["examples"])
    schema = tfx.components.SchemaGen(statistics=statistics.outputs["statistics"], infer_feature_shape=False)
    inputs = (examples.outputs["examples"], schema.outputs["schema"], statistics.outputs["statistics"])
    transform = Transform(*inputs, task=task, materialize=True)
    transformed, graph = transform.outputs["transformed_examples"], transform.outputs["transform_graph"]
    search = mlp_search(max_epochs=4, factor=2, max_trials=4, seed=0)
    tuner = Tuner(transformed, graph, task=task, search=search)
    best = tuner.outputs["best_hyperparameters"]
    retrain = Trainer(transformed, graph, best, task=task, max_epochs=6)
    reuse = Trainer(transformed, graph, base_model=tuner.outputs["best_model"], task=task, mode="reuse")
    components = [examples, statistics, schema, transform, tuner, retrain, reuse.with_id("Reuse")]
    tfx.orchestration.LocalDagRunner().run(
        tfx.dsl.Pipeline(
            pipeline_name="people",
            pipeline_root=str(folder / "artifacts"),
            components=components,
            metadata_connection_config=tfx.orchestration.metadata.sqlite_metadata_connection_config(
                str(folder / "metadata.sqlite")
            ),
        )
    )
    outputs = read_outputs(folder / "metadata.sqlite", "people")
    return SimpleNamespace(task=task, search=search, components=components, **outputs)


@pytest.fixture(scope="session")
def examples_of() -> Callable[[Path, str], list]:
    """A function from the folder of an Examples artifact and a split to its parsed tf.Examples."""

    def read(folder: Path, split: str) -> list:
        import tensorflow as tf

        files = [str(path) for path in sorted((folder / f"Split-{split}").iterdir())]
        records = tf.data.TFRecordDataset(files, "GZIP").as_numpy_iterator()
        return [tf.train.Example.FromString(record) for record in records]

    return read
