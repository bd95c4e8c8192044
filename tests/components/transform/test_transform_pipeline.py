"""Transform in real pipelines under LocalDagRunner: behind stock components, and on real data."""

import json

import pytest

from tfx_automl.components import Transform
from tfx_automl.components.transform.plan import FeaturePlan
from tfx_automl.errors import ConfigError
from tfx_automl.models.data import open_data
from tfx_automl.models.task import TaskSpec

pytestmark = pytest.mark.slow

# The columns in the order of the file, and what becomes of each.
ADULT = {
    "age": "numeric",
    "workclass": "categorical",
    "fnlwgt": "log",
    "education": "categorical",
    "education_num": "numeric",
    "marital_status": "categorical",
    "occupation": "categorical",
    "relationship": "categorical",
    "race": "categorical",
    "sex": "categorical",
    "capital_gain": "log",
    "capital_loss": "log",
    "hours_per_week": "numeric",
    "native_country": "categorical",
    "income": "label",
}


def _run(components, folder):
    from tfx import v1 as tfx

    from tfx_automl.pipelines.metadata import read_outputs

    database = folder / "metadata.sqlite"
    tfx.orchestration.LocalDagRunner().run(
        tfx.dsl.Pipeline(
            pipeline_name="p",
            pipeline_root=str(folder / "artifacts"),
            components=components,
            metadata_connection_config=tfx.orchestration.metadata.sqlite_metadata_connection_config(str(database)),
        )
    )
    return read_outputs(database, "p")


def _plan(outputs) -> FeaturePlan:
    return FeaturePlan.from_json((outputs["Transform"].uris["feature_plan"] / "feature_plan.json").read_text("utf-8"))


@pytest.mark.parametrize("fixed_shapes", [True, False])
def test_behind_stock_components(tmp_path, examples_of, fixed_shapes):
    from tfx import v1 as tfx

    (tmp_path / "data").mkdir()
    rows = [f"{n % 7},{'ab'[n % 2]},{n / 3:.2f},{n % 3}" for n in range(300)]
    (tmp_path / "data/x.csv").write_text("\n".join(["count,letter,share,label", *rows]))
    example_gen = tfx.components.CsvExampleGen(input_base=str(tmp_path / "data"))
    statistics = tfx.components.StatisticsGen(examples=example_gen.outputs["examples"])
    schema = tfx.components.SchemaGen(statistics=statistics.outputs["statistics"], infer_feature_shape=fixed_shapes)
    transform = Transform(
        example_gen.outputs["examples"],
        schema.outputs["schema"],
        statistics.outputs["statistics"],
        TaskSpec("multiclass", "label", ("0", "1", "2")),
        exclude=["share"],
        materialize=True,
    )
    outputs = _run([example_gen, statistics, schema, transform], tmp_path)
    kinds = {d.name: d.kind for d in _plan(outputs).decisions}
    assert kinds == {"count": "numeric", "letter": "categorical", "share": "dropped", "label": "label"}
    transformed = outputs["Transform"].uris["transformed_examples"]
    for split in ("train", "eval"):
        raw = examples_of(outputs["CsvExampleGen"].uris["examples"], split)
        new = examples_of(transformed, split)
        assert [e.features.feature["label_xf"].int64_list.value[0] for e in new] == [
            e.features.feature["label"].int64_list.value[0] for e in raw
        ]
        assert set(new[0].features.feature) == {"count_xf", "letter_xf", "label_xf"}


def test_adult(tmp_path, shared_data):
    from tfx import v1 as tfx

    from tfx_automl.components import ExampleGen
    from tfx_automl.components.example_gen.inputs import input_for
    from tfx_automl.components.example_gen.options import ReadOptions

    input_base, input_config = input_for(str(shared_data("adult-train.csv")))
    options = ReadOptions(columns=tuple(ADULT), label="income", task="binary")
    example_gen = ExampleGen(input_base, input_config, read=options)
    statistics = tfx.components.StatisticsGen(examples=example_gen.outputs["examples"])
    schema = tfx.components.SchemaGen(statistics=statistics.outputs["statistics"], infer_feature_shape=False)
    inputs = (example_gen.outputs["examples"], schema.outputs["schema"], statistics.outputs["statistics"])
    transform = Transform(*inputs, TaskSpec("binary", "income", ("<=50K", ">50K")))
    assert "transformed_examples" not in transform.outputs
    outputs = _run([example_gen, statistics, schema, transform], tmp_path)
    kinds = {d.name: d.kind for d in _plan(outputs).decisions}
    assert kinds == ADULT
    assert set(outputs["Transform"].uris) == {"transform_graph", "training_data", "feature_plan"}
    data = open_data(outputs["Transform"].uris["training_data"])
    gains = data.split("train").numeric[:, data.inputs.numeric.index("capital_gain_xf")]
    assert gains.mean() == pytest.approx(0, abs=1e-5) and gains.std() == pytest.approx(1, abs=1e-5)


def test_construct():
    from tfx.proto import transform_pb2
    from tfx.types import channel_utils, standard_artifacts

    kinds = (standard_artifacts.Examples, standard_artifacts.Schema, standard_artifacts.ExampleStatistics)
    inputs = [channel_utils.as_channel([kind()]) for kind in kinds]
    task = TaskSpec("regression", "y")
    config = transform_pb2.SplitsConfig(analyze=["train"], transform=["train", "eval"])
    transform = Transform(*inputs, task, ["secret"], config)
    types = {"transform_graph": "TransformGraph", "training_data": "TrainingArrays", "feature_plan": "FeaturePlan"}
    assert {key: channel.type_name for key, channel in transform.outputs.items()} == types
    more = Transform(*inputs, task, materialize=True).outputs
    assert {key: channel.type_name for key, channel in more.items()} == {**types, "transformed_examples": "Examples"}
    assert TaskSpec.from_json(transform.exec_properties["task"]) == task
    assert json.loads(transform.exec_properties["exclude"]) == ["secret"]
    assert json.loads(transform.exec_properties["splits_config"])["transform"] == ["train", "eval"]
    two = transform_pb2.SplitsConfig(analyze=["train", "eval"], transform=["train"])
    with pytest.raises(ConfigError, match=r"The label 'y' cannot be excluded(.|\n)*analyze must name one split"):
        Transform(*inputs, task, ["y"], two)
