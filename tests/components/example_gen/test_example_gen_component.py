"""ExampleGen as TFX sees it: constructed, run before stock StatisticsGen, cached, and stopped half-way."""

import json
from pathlib import Path

import pytest
from ml_metadata.proto import metadata_store_pb2 as mlmd
from tfx import v1 as tfx
from tfx.components.util import examples_utils
from tfx.orchestration import metadata
from tfx.proto import example_gen_pb2
from tfx.types import artifact_utils

from tfx_automl.components.example_gen import ingest
from tfx_automl.components.example_gen.component import ExampleGen
from tfx_automl.components.example_gen.inputs import input_for
from tfx_automl.components.example_gen.options import ReadOptions
from tfx_automl.components.example_gen.writer import TfRecordWriter
from tfx_automl.errors import ConfigError, DataError

OPTIONS = ReadOptions(label="y", task="binary")


@pytest.fixture
def people(tmp_path: Path) -> Path:
    """300 rows: 3 without a label; of the others 99 yes and 198 no; `city` is missing in 30."""
    path = tmp_path / "people.csv"
    labels = ["" if n < 3 else "yes" if n % 3 == 0 else "no" for n in range(300)]
    rows = [f"{n},{n / 8},{'' if n % 10 == 0 else 'Riga'},{label}\n" for n, label in enumerate(labels)]
    path.write_text("id,score,city,y\n" + "".join(rows), encoding="utf-8")
    return path


def _run(folder: Path, *components) -> None:
    connection = tfx.orchestration.metadata.sqlite_metadata_connection_config(str(folder / "metadata.db"))
    pipeline = tfx.dsl.Pipeline(
        pipeline_name="ingest",
        pipeline_root=str(folder / "root"),
        components=list(components),
        enable_cache=True,
        metadata_connection_config=connection,
    )
    tfx.orchestration.LocalDagRunner().run(pipeline)


def _example_gen(path: Path, read: ReadOptions = OPTIONS) -> ExampleGen:
    base, config = input_for(str(path))
    return ExampleGen(input_base=base, input_config=config, read=read)


def _store(folder: Path, type_name: str) -> tuple[list[str], list]:
    connection = tfx.orchestration.metadata.sqlite_metadata_connection_config(str(folder / "metadata.db"))
    with metadata.Metadata(connection) as handle:
        states = [mlmd.Execution.State.Name(e.last_known_state) for e in handle.store.get_executions()]
        return states, handle.store.get_artifacts_by_type(type_name)


def test_construction(people):
    component = _example_gen(people)
    assert component.outputs["examples"].type_name == "Examples"
    splits = json.loads(component.exec_properties["output_config"])["split_config"]["splits"]
    assert [(split["name"], split["hash_buckets"]) for split in splits] == [("train", 70), ("eval", 15), ("test", 15)]
    assert "binary" in component.exec_properties["custom_config"]


def test_shares_for_files_that_are_splits_already(people):
    split = example_gen_pb2.Input.Split
    several = example_gen_pb2.Input(splits=[split(name="a", pattern="a"), split(name="b", pattern="b")])
    bucket = example_gen_pb2.SplitConfig.Split(name="train", hash_buckets=1)
    buckets = example_gen_pb2.Output(split_config=example_gen_pb2.SplitConfig(splits=[bucket]))
    with pytest.raises(ConfigError, match="has hash buckets, but input_config has several splits"):
        ExampleGen(input_base=str(people.parent), input_config=several, output_config=buckets)


def test_rows_that_do_not_add_up_are_an_error():
    with pytest.raises(DataError, match="10 rows were read, but 8 written, 1 dropped and 0 rejected"):
        ingest.RowCounts(10, 1, {"train": 8})


@pytest.mark.slow
def test_stock_statistics_of_what_was_written(people, tmp_path):
    from tensorflow_metadata.proto.v0 import statistics_pb2

    example_gen = _example_gen(people)
    _run(tmp_path, example_gen, tfx.components.StatisticsGen(examples=example_gen.outputs["examples"]))
    _, [examples] = _store(tmp_path, "Examples")
    counts = json.loads(examples.custom_properties["row_counts"].string_value)
    assert counts == {
        "read": 300,
        "dropped_without_label": 3,
        "rejected": 0,
        "splits": {"train": 208, "eval": 44, "test": 45},
    }
    _, [found] = _store(tmp_path, "ExampleStatistics")
    missing = 0
    for split, rows in counts["splits"].items():
        file = Path(found.uri) / f"Split-{split}" / "FeatureStats.pb"
        [dataset] = statistics_pb2.DatasetFeatureStatisticsList.FromString(file.read_bytes()).datasets
        features = {feature.path.step[0]: feature for feature in dataset.features}
        assert dataset.num_examples == rows
        assert {name: feature.type for name, feature in features.items()} == {"id": 0, "score": 1, "city": 2, "y": 2}
        missing += features["city"].string_stats.common_stats.num_missing
    assert missing == 29  # of the 30, one has no label


@pytest.mark.slow
def test_properties_that_stock_components_read(people, tmp_path):
    _run(tmp_path, _example_gen(people))
    _, [record] = _store(tmp_path, "Examples")
    artifact = tfx.types.standard_artifacts.Examples()
    artifact.set_mlmd_artifact(record)
    assert artifact_utils.decode_split_names(artifact.split_names) == ["train", "eval", "test"]
    assert examples_utils.get_payload_format_string(artifact) == "FORMAT_TF_EXAMPLE"
    assert examples_utils.get_file_format(artifact) == "tfrecords_gzip"


@pytest.mark.slow
def test_cache_follows_the_file_and_the_options(people, tmp_path):
    _run(tmp_path, _example_gen(people))
    _run(tmp_path, _example_gen(people))
    assert _store(tmp_path, "Examples")[0] == ["COMPLETE", "CACHED"]
    _run(tmp_path, _example_gen(people, ReadOptions(label="y", task="binary", missing=("", "Riga"))))
    with open(people, "a", encoding="utf-8") as file:
        file.write("300,1.5,Riga,no\n")
    _run(tmp_path, _example_gen(people))
    assert _store(tmp_path, "Examples")[0] == ["COMPLETE", "CACHED", "COMPLETE", "COMPLETE"]


def test_failure_half_way_leaves_no_split(people, tmp_path, monkeypatch):
    real, calls = TfRecordWriter.write, []

    def fails_on_the_second(*arguments):
        calls.append(arguments)
        if len(calls) == 2:
            raise OSError("No space left on device")
        return real(*arguments)

    monkeypatch.setattr(TfRecordWriter, "write", fails_on_the_second)
    with pytest.raises(OSError, match="No space left"):
        ingest.ingest([ingest.Division(str(people), OPTIONS.split_ratios)], OPTIONS, tmp_path / "out")
    assert not list((tmp_path / "out").glob("Split-*"))


@pytest.mark.slow
def test_spans_and_buckets_have_the_stock_meaning(tmp_path):
    for span in (1, 2):
        folder = tmp_path / "data" / f"span-{span}"
        folder.mkdir(parents=True)
        (folder / "a.csv").write_text("x,y\n" + "".join(f"{n},{n % 2}\n" for n in range(100 * span)), encoding="utf-8")
    split = example_gen_pb2.SplitConfig.Split
    buckets = [split(name="train", hash_buckets=3), split(name="eval", hash_buckets=1)]
    component = ExampleGen(
        input_base=str(tmp_path / "data"),
        input_config=example_gen_pb2.Input(
            splits=[example_gen_pb2.Input.Split(name="all", pattern="span-{SPAN}/*.csv")]
        ),
        output_config=example_gen_pb2.Output(split_config=example_gen_pb2.SplitConfig(splits=buckets)),
    )
    _run(tmp_path, component)
    _, [examples] = _store(tmp_path, "Examples")
    counts = json.loads(examples.custom_properties["row_counts"].string_value)
    assert counts["splits"] == {"train": 150, "eval": 50}
