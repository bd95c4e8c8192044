"""What ExampleGen takes besides a file here: folders, patterns, tables in memory, other file systems, Beam."""

import json
from pathlib import Path

import fsspec
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tensorflow_metadata.proto.v0 import statistics_pb2
from tfx import v1 as tfx
from tfx.proto import example_gen_pb2

from tfx_automl.components.example_gen.beam_pool import BeamPool, runs_elsewhere
from tfx_automl.components.example_gen.component import ExampleGen
from tfx_automl.components.example_gen.ingest import Division, ingest
from tfx_automl.components.example_gen.inputs import input_for, input_for_table, pattern_of, types_from_schema
from tfx_automl.components.example_gen.options import ReadOptions
from tfx_automl.components.example_gen.pool import LocalPool
from tfx_automl.components.example_gen.table import read_table
from tfx_automl.errors import ConfigError, DataError
from tfx_automl.pipelines.metadata import NodeOutputs, read_outputs

ROWS = 200


def _table() -> pa.Table:
    rng = np.random.default_rng(0)
    day = np.datetime64("2020-01-01") + rng.integers(0, 1000, ROWS)
    return pa.table(
        {
            "n": pa.array(np.arange(ROWS)),
            "x": pa.array(rng.normal(size=ROWS)),
            "city": pa.array(rng.choice(["Riga", "Köln", ""], ROWS)),
            "day": pa.array(day.astype("datetime64[D]")),
            "y": pa.array(rng.choice(["no", "yes"], ROWS)),
        }
    )


def _run(folder: Path, *components) -> dict[str, NodeOutputs]:
    connection = tfx.orchestration.metadata.sqlite_metadata_connection_config(str(folder / "metadata.db"))
    tfx.orchestration.LocalDagRunner().run(
        tfx.dsl.Pipeline(
            pipeline_name="inputs",
            pipeline_root=str(folder / "root"),
            components=list(components),
            enable_cache=True,
            metadata_connection_config=connection,
        )
    )
    return read_outputs(folder / "metadata.db", "inputs")


def _counts(outputs: dict[str, NodeOutputs]) -> dict:
    return outputs["ExampleGen"].json_property("examples", "row_counts")


def test_patterns_stand_for_folders_files_and_images(tmp_path):
    (tmp_path / "images" / "cat").mkdir(parents=True)
    (tmp_path / "tables [1]").mkdir()
    (tmp_path / "tables [1]" / "a.csv").touch()
    assert pattern_of(str(tmp_path / "images")) == f"{tmp_path}/images/*/*"
    assert pattern_of(str(tmp_path / "tables [1]")) == f"{tmp_path}/tables [[]1]/*"
    assert pattern_of(str(tmp_path / "*.csv")) == f"{tmp_path}/*.csv"
    base, config = input_for(str(tmp_path / "tables [1]" / "a.csv"), str(tmp_path / "images"))
    assert base == str(tmp_path)
    assert [split.pattern for split in config.splits] == ["tables [[]1]/a.csv", "images/*/*"]


def test_training_and_test_data_on_different_file_systems():
    with pytest.raises(DataError, match="the same kind of file system"):
        input_for("memory://a/b.csv", "c.csv")


def test_table_that_is_none(tmp_path):
    with pytest.raises(DataError, match=r"Expected a pyarrow.Table or a pandas.DataFrame, got list"):
        input_for_table([1], str(tmp_path))
    with pytest.raises(DataError, match="The table has no rows"):
        input_for_table(pd.DataFrame({"a": []}), str(tmp_path))


def test_table_in_memory_becomes_one_file_for_the_same_contents(tmp_path):
    frame = _table().to_pandas()
    first, second = (input_for_table(frame.copy(), str(tmp_path / "cache")) for _ in range(2))
    assert first == second
    [file] = (tmp_path / "cache").iterdir()
    assert pq.read_table(file)["n"].to_pylist() == list(range(ROWS))
    input_for_table(frame.assign(x=frame["x"] + 1), str(tmp_path / "cache"))
    assert len(list((tmp_path / "cache").iterdir())) == 2


def test_types_from_a_schema_win(tmp_path):
    schema = tmp_path / "schema.pbtxt"
    schema.write_text(
        'feature { name: "zip" type: BYTES shape { dim { size: 1 } } }'
        ' feature { name: "n" type: FLOAT } feature { name: "tags" type: BYTES value_count { min: 1 max: 3 } }',
        encoding="utf-8",
    )
    types = types_from_schema(str(schema))
    assert types == {"zip": "string", "n": "float", "tags": "list<string>"}
    (tmp_path / "t.jsonl").write_text('{"zip": 1234, "n": 1, "tags": "a"}\n', encoding="utf-8")
    read = read_table(str(tmp_path / "t.jsonl"), ReadOptions(types=types))
    assert read.to_pylist() == [{"zip": "1234", "n": 1.0, "tags": ["a"]}]
    schema.write_text("nonsense", encoding="utf-8")
    with pytest.raises(DataError, match=r"schema\.pbtxt: not a schema in text form"):
        types_from_schema(str(schema))


def test_formats_that_cannot_be_written(tmp_path):
    with pytest.raises(ConfigError, match="expected FORMAT_TF_EXAMPLE or FORMAT_PARQUET, got FORMAT_PROTO"):
        ExampleGen(str(tmp_path), output_data_format=example_gen_pb2.FORMAT_PROTO)


@pytest.mark.parametrize(
    ("arguments", "elsewhere"),
    [
        ([], False),
        (["--direct_num_workers=1"], False),
        (["--runner=DirectRunner"], False),
        (["--runner=apache_beam.runners.portability.fn_api_runner.FnApiRunner"], False),
        (["--runner=FlinkRunner"], True),
        (["--runner=PortableRunner"], True),
        (["--runner=DataflowRunner"], False),
        (["--runner=FlinkRunner", "--runner=DirectRunner"], False),
    ],
)
def test_which_runners_are_not_this_machine(arguments, elsewhere):
    assert runs_elsewhere(arguments) is elsewhere


def test_beam_writes_the_same_files_as_processes_here(tmp_path):
    import apache_beam as beam

    path = tmp_path / "t.parquet"
    pq.write_table(_table(), path, row_group_size=50)
    options = ReadOptions(label="y", task="binary")
    pools = {"beam": BeamPool(beam.Pipeline, tmp_path / "beam"), "here": LocalPool(1)}
    found = {}
    for name, pool in pools.items():
        (tmp_path / name).mkdir(exist_ok=True)
        division = Division(str(path), {"train": 2, "eval": 1})
        found[name] = ingest([division], options, tmp_path / name, pool=pool)
    assert found["beam"] == found["here"]
    files = {name: sorted(p.relative_to(tmp_path / name) for p in (tmp_path / name).rglob("*")) for name in pools}
    assert files["beam"] == files["here"]
    for file in files["here"]:
        if (tmp_path / "here" / file).is_file():
            assert (tmp_path / "here" / file).read_bytes() == (tmp_path / "beam" / file).read_bytes()


@pytest.mark.slow
def test_files_on_an_fsspec_path_and_the_cache(tmp_path):
    system = fsspec.filesystem("memory")
    system.pipe_file("/inputs/span-1/a.csv", b"x,y\n" + b"".join(b"%d,%d\n" % (n, n % 2) for n in range(90)))

    def run():
        component = ExampleGen(
            input_base="memory://inputs",
            input_config=example_gen_pb2.Input(
                splits=[example_gen_pb2.Input.Split(name="all", pattern="span-{SPAN}/*.csv")]
            ),
        )
        return _run(tmp_path, component)

    assert _counts(run())["read"] == 90
    assert run()["ExampleGen"].cached
    system.pipe_file("/inputs/span-1/a.csv", b"x,y\n" + b"".join(b"%d,%d\n" % (n, n % 2) for n in range(70)))
    outputs = run()
    assert not outputs["ExampleGen"].cached
    assert _counts(outputs)["read"] == 70


@pytest.mark.slow
def test_dates_reach_the_feature_plan(tmp_path):
    from tfx_automl.components import Transform
    from tfx_automl.models.task import TaskSpec

    base, config = input_for_table(_table(), str(tmp_path / "cache"))
    task = TaskSpec("binary", "y", ("no", "yes"))
    examples = ExampleGen(base, config, read=ReadOptions(label="y", task="binary"))
    statistics = tfx.components.StatisticsGen(examples=examples.outputs["examples"])
    schema = tfx.components.SchemaGen(statistics=statistics.outputs["statistics"], infer_feature_shape=False)
    transform = Transform(
        examples.outputs["examples"], schema.outputs["schema"], statistics.outputs["statistics"], task=task
    )
    outputs = _run(tmp_path, examples, statistics, schema, transform)
    assert outputs["ExampleGen"].json_property("examples", "moments") == ["day"]
    plan = json.loads((outputs["Transform"].uris["feature_plan"] / "feature_plan.json").read_text(encoding="utf-8"))
    [day] = [decision for decision in plan["decisions"] if decision["name"] == "day"]
    assert day["kind"] == "date"
    assert day["reason"].startswith("dates from 2020-01-0")


@pytest.mark.slow
def test_stock_components_read_the_parquet_payload(tmp_path):
    module = tmp_path / "preprocess.py"
    module.write_text(
        "import tensorflow_transform as tft\n"
        "def preprocessing_fn(inputs):\n"
        "    return {'x_xf': tft.scale_to_z_score(inputs['x']), 'n_xf': inputs['n']}\n",
        encoding="utf-8",
    )
    base, config = input_for_table(_table(), str(tmp_path / "cache"))
    read = ReadOptions(label="y", task="binary")
    examples = ExampleGen(base, config, read=read, output_data_format=example_gen_pb2.FORMAT_PARQUET)
    statistics = tfx.components.StatisticsGen(examples=examples.outputs["examples"])
    schema = tfx.components.SchemaGen(statistics=statistics.outputs["statistics"], infer_feature_shape=True)
    transform = tfx.components.Transform(
        examples=examples.outputs["examples"], schema=schema.outputs["schema"], module_file=str(module)
    )
    outputs = _run(tmp_path, examples, statistics, schema, transform)
    rows = _counts(outputs)["splits"]
    for split in ("train", "eval"):
        [file] = (outputs["ExampleGen"].uris["examples"] / f"Split-{split}").iterdir()
        assert file.name == "data_parquet-00000-of-00001.parquet"
        assert pq.read_table(file).num_rows == rows[split]
        stats = outputs["StatisticsGen"].uris["statistics"] / f"Split-{split}" / "FeatureStats.pb"
        [dataset] = statistics_pb2.DatasetFeatureStatisticsList.FromString(stats.read_bytes()).datasets
        types = {feature.path.step[0]: feature.type for feature in dataset.features}
        assert (dataset.num_examples, types) == (rows[split], {"n": 0, "x": 1, "city": 2, "day": 0, "y": 2})
    [written] = (outputs["Transform"].uris["transformed_examples"] / "Split-train").iterdir()
    values = pq.read_table(written)["x_xf"].combine_chunks().flatten().to_numpy()
    assert len(values) == rows["train"]
    assert values.mean() == pytest.approx(0, abs=1e-3)
