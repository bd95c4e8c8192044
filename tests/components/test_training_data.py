"""The input `training_data` of Tuner, Trainer and Baseline: opened in place, or refused with a reason."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from training_data_for_tests import write_training_data
from tuner_for_tests import mlp_search

from tfx_automl.components.data import data_folder, training_data
from tfx_automl.errors import ConfigError, ModelError
from tfx_automl.models.data import open_data, prepare
from tfx_automl.models.groups import GroupSpec
from tfx_automl.models.task import TaskSpec
from tfx_automl.models.writing import KINDS

TASK = TaskSpec("binary", "y", ("no", "yes"))


def arrays(folder: Path) -> list[Any]:
    from tfx_automl.components.types import TrainingArrays

    artifact = TrainingArrays()
    artifact.uri = str(folder)
    return [artifact]


def channel(name: str) -> Any:
    from tfx.types import channel_utils, standard_artifacts

    from tfx_automl.components.types import TrainingArrays

    kinds = {
        "training_data": TrainingArrays,
        "examples": standard_artifacts.Examples,
        "transform_graph": standard_artifacts.TransformGraph,
        "hyperparameters": standard_artifacts.HyperParameters,
    }
    return channel_utils.as_channel([kinds[name]()])


def make(component: str, *inputs: str, **arguments: Any) -> Any:
    from tfx_automl import components

    names = [*inputs, *(["transform_graph", "hyperparameters"] if component == "Trainer" else [])]
    channels = {name: channel(name) for name in names}
    return getattr(components, component)(**channels, **({"task": TASK} | arguments))


@pytest.mark.parametrize("component", ["Tuner", "Trainer", "Baseline"])
class TestConstruct:
    def test_with_arrays(self, component: str) -> None:
        made = make(component, "training_data")
        assert made.inputs["training_data"].type_name == "TrainingArrays"
        assert "examples" not in made.inputs

    @pytest.mark.parametrize(("inputs", "got"), [((), "none"), (("examples", "training_data"), "both")])
    def test_one_of_two(self, component: str, inputs: tuple[str, ...], got: str) -> None:
        with pytest.raises(ConfigError, match=f"Give one of training_data .* and examples .* got {got}"):
            make(component, *inputs)


def test_trainer_needs_the_graph() -> None:
    from tfx_automl.components import Trainer

    with pytest.raises(ConfigError, match="A task needs the input transform_graph"):
        Trainer(training_data=channel("training_data"), hyperparameters=channel("hyperparameters"), task=TASK)


@pytest.mark.parametrize("inputs", [(), ("training_data",), ("examples", "training_data")])
def test_tuner_fn_reads_examples(inputs: tuple[str, ...]) -> None:
    with pytest.raises(ConfigError, match="A stock tuner_fn reads transformed examples itself: give examples"):
        make("Tuner", *inputs, task=None, tuner_fn="my.module.tuner_fn")


@pytest.mark.parametrize("inputs", [(), ("examples", "training_data")])
def test_hypermodel_takes_one_of_two(inputs: tuple[str, ...]) -> None:
    with pytest.raises(ConfigError, match="Give one of training_data"):
        make("Tuner", *inputs, hypermodel="my.module:build")
    assert make("Tuner", "training_data", hypermodel="my.module:build").exec_properties["hypermodel"]


def test_arrays_are_opened_in_place(tmp_path: Path) -> None:
    written = write_training_data(tmp_path)
    inputs = {"training_data": arrays(written.folder)}
    data = training_data(inputs, TASK, tmp_path / "own")
    assert data == written
    assert isinstance(data.split("train").numeric, np.memmap)
    assert not (tmp_path / "own").exists()
    assert data_folder(inputs, tmp_path / "own") == written.folder
    assert data_folder(inputs, tmp_path / "own", grouped=True) == tmp_path / "own"
    assert data_folder({"examples": []}, tmp_path / "own") == tmp_path / "own"


def test_another_task_is_refused(tmp_path: Path) -> None:
    inputs = {"training_data": arrays(write_training_data(tmp_path).folder)}
    with pytest.raises(ModelError, match=r'made for the task .*"binary".*but the task of this .*"regression"'):
        training_data(inputs, TaskSpec("regression", "y"), tmp_path / "own")


def test_missing_split_is_named(tmp_path: Path) -> None:
    folder = write_training_data(tmp_path).folder
    meta = json.loads((folder / "meta.json").read_text())
    (folder / "meta.json").write_text(json.dumps(meta | {"splits": ["train", "test"]}))
    with pytest.raises(ModelError, match="arrays of training_data have no split eval; they have train, test"):
        training_data({"training_data": arrays(folder)}, TASK, tmp_path / "own")


def test_rows_without_a_label_are_refused(tmp_path: Path) -> None:
    folder = write_training_data(tmp_path).folder
    label = np.load(folder / "eval" / "label.npy")
    np.save(folder / "eval" / "label.npy", np.where(np.arange(len(label)) < 3, -1, label).astype(np.int32))
    with pytest.raises(ModelError, match="The split 'eval' has 3 rows whose label is none of no, yes"):
        training_data({"training_data": arrays(folder)}, TASK, tmp_path / "own")


def test_folder_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"is no output training_data of our Transform, it lacks meta\.json"):
        training_data({"training_data": arrays(tmp_path)}, TASK, tmp_path / "own")


@pytest.mark.slow
def test_both_outputs_of_transform_hold_the_same(people: SimpleNamespace, tmp_path: Path) -> None:
    uris = people.Transform.uris
    splits = ("train", "eval", "test")
    files = {name: [str(p) for p in (uris["transformed_examples"] / f"Split-{name}").iterdir()] for name in splits}
    parsed = prepare(files, str(uris["transform_graph"]), people.task, tmp_path / "parsed")
    written = open_data(uris["training_data"])
    assert (written.inputs, written.fingerprint) == (parsed.inputs, parsed.fingerprint)
    for split in splits:
        for name in KINDS:
            one, other = (getattr(data.split(split), name) for data in (written, parsed))
            np.testing.assert_array_equal(one, other)


@pytest.fixture(scope="module")
def run(people_csv: Path, tmp_path_factory: pytest.TempPathFactory) -> SimpleNamespace:
    """The outputs of a pipeline in which no transformed example is written; gaps are measured on the way."""
    from tfx import v1 as tfx

    from tfx_automl.components import Baseline, ExampleGen, Trainer, Transform, Tuner
    from tfx_automl.components.example_gen.inputs import input_for
    from tfx_automl.components.example_gen.options import ReadOptions
    from tfx_automl.pipelines.metadata import read_outputs

    folder = tmp_path_factory.mktemp("arrays")
    task = TaskSpec("binary", "label", ("no", "yes"))
    examples = ExampleGen(*input_for(str(people_csv)), read=ReadOptions(label="label", task="binary"))
    raw = examples.outputs["examples"]
    statistics = tfx.components.StatisticsGen(examples=raw)
    schema = tfx.components.SchemaGen(statistics=statistics.outputs["statistics"], infer_feature_shape=False)
    transform = Transform(raw, schema.outputs["schema"], statistics.outputs["statistics"], task=task)
    data, graph = transform.outputs["training_data"], transform.outputs["transform_graph"]
    groups: dict[str, Any] = {"raw_examples": raw, "sensitive": [["city"]], "min_slice_size": 3}
    gap = "val_demographic_parity_difference"
    search = mlp_search(max_epochs=2, factor=2, max_trials=2, objective=f"val_auc,{gap}")
    tuner = Tuner(training_data=data, task=task, search=search, **groups)
    best = tuner.outputs["best_hyperparameters"]
    trainer = Trainer(
        training_data=data, transform_graph=graph, hyperparameters=best, task=task, max_epochs=2, **groups
    )
    baseline = Baseline(training_data=data, task=task)
    database = folder / "metadata.sqlite"
    tfx.orchestration.LocalDagRunner().run(
        tfx.dsl.Pipeline(
            pipeline_name="arrays",
            pipeline_root=str(folder / "artifacts"),
            components=[examples, statistics, schema, transform, tuner, trainer, baseline],
            metadata_connection_config=tfx.orchestration.metadata.sqlite_metadata_connection_config(str(database)),
        )
    )
    return SimpleNamespace(folder=folder, gap=gap, **read_outputs(database, "arrays"))


@pytest.mark.slow
def test_pipeline_without_transformed_examples(run: SimpleNamespace, examples_of: Callable[..., list[Any]]) -> None:
    import tensorflow as tf

    assert set(run.Transform.uris) == {"transform_graph", "training_data", "feature_plan"}
    trials = json.loads((run.Tuner.uris["tuner_results"] / "trials.json").read_text())["trials"]
    assert len(trials) == 2 and all(0 <= trial["metrics"][run.gap] <= 1 for trial in trials)
    metrics = json.loads((run.Baseline.uris["baseline"] / "baseline.json").read_text())
    assert metrics["split"] == "test" and metrics["logistic_regression"]["auc"] > 0.7
    model = tf.saved_model.load(str(run.Trainer.uris["model"] / "Format-Serving"))
    held_out = [example.SerializeToString() for example in examples_of(run.ExampleGen.uris["examples"], "test")]
    served = model.signatures["serving_default"](examples=tf.constant(held_out))
    assert served["probabilities"].shape == (len(held_out), 1)


@pytest.mark.slow
def test_artifact_of_transform_stays_as_it_was(run: SimpleNamespace) -> None:
    data = open_data(run.Transform.uris["training_data"])
    assert data.groups == GroupSpec() and data.codes is None
    assert sorted(path.name for path in (data.folder / "eval").iterdir()) == sorted(f"{kind}.npy" for kind in KINDS)
    assert not list(run.folder.glob("artifacts/Tuner/**/arrays-*"))


@pytest.mark.slow
def test_raw_rows_of_another_order_are_refused(run: SimpleNamespace, tmp_path: Path) -> None:
    import tensorflow as tf
    from tfx.types import standard_artifacts

    from tfx_automl.components.groups import with_groups

    raw = standard_artifacts.Examples()
    raw.uri, raw.split_names = str(tmp_path / "raw"), '["eval"]'
    shutil.copytree(run.ExampleGen.uris["examples"], raw.uri)
    files = sorted(Path(raw.uri, "Split-eval").iterdir())
    data = open_data(run.Transform.uris["training_data"])
    inputs = {"raw_examples": [raw], "training_data": arrays(data.folder)}
    groups = GroupSpec((("city",),), 3)
    found = with_groups(data, groups, inputs, tmp_path / "own")
    assert (found.folder, found.codes, found.groups) == (data.folder, tmp_path / "own", groups)
    records = list(tf.data.TFRecordDataset([str(path) for path in files], "GZIP").as_numpy_iterator())
    for wrong, message in ((records[::-1], "have another 'label'"), (records[1:], "rows in raw_examples, but")):
        for path in files:
            path.unlink()
        with tf.io.TFRecordWriter(str(files[0]), "GZIP") as writer:
            for record in wrong:
                writer.write(record)
        with pytest.raises(ModelError, match=message):
            with_groups(data, groups, inputs, tmp_path / "other")
