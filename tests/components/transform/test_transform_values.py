"""The values that come out of the executor of Transform, checked by number on small tables."""

import json

import numpy as np
import pyarrow as pa
import pytest

from tfx_automl.errors import DataError
from tfx_automl.models.data import prepare
from tfx_automl.models.task import TaskSpec

ROWS = 2000
NAN = float("nan")


def _train() -> dict[str, list]:
    rows = range(ROWS)
    return {
        "age": [None if n % 4 == 0 else float(n % 50) for n in rows],
        "when": [
            1_600_000_000_000 + 1000 * (n * n % 977) for n in rows
        ],  # milliseconds: float32 cannot tell them apart
        "ratio": [NAN if n % 10 == 0 else float("inf") if n % 10 == 1 else n % 8 / 8 for n in rows],
        "gain": [5000 + n if n % 20 == 0 else 0 for n in rows],
        "city": [None if n % 5 == 0 else "" if n % 5 == 1 else ["Bonn", "Köln"][n % 2] for n in rows],
        "zip": [None if n % 100 == 0 else f"z{n % 1500}" for n in rows],
        "flag": ["yes" if n % 3 == 0 else None for n in rows],
        "name with space/é": [n % 2 for n in rows],
        "label": [["no", "yes"][n % 2] for n in rows],
    }


@pytest.fixture(scope="module")
def run(transform_tables):
    train = _train()
    eval_rows = {
        "age": [10.0, None, NAN],
        "when": [1_600_000_001_000, 1_600_000_002_000, None],
        "ratio": [0.5, None, -float("inf")],
        "gain": [-3, 0, 5000],
        "city": ["Paris", None, "Köln"],
        "zip": ["z7", "new", None],
        "flag": ["yes", "no", None],
        "name with space/é": [0, 1, None],
        "label": ["yes", "perhaps", "no"],
    }
    schemas = pa.Table.from_pydict(train).schema
    tables = {"train": pa.table(train), "eval": pa.Table.from_pydict(eval_rows, schema=schemas)}
    return transform_tables(tables, TaskSpec("binary", "label", ("no", "yes")))


def test_kinds(run):
    kinds = {name: decision.kind for name, decision in run.plan.items()}
    assert kinds == {
        "age": "numeric",
        "when": "numeric",
        "ratio": "numeric",
        "gain": "log",
        "city": "categorical",
        "zip": "hashed",
        "flag": "categorical",
        "name with space/é": "numeric",
        "label": "label",
    }
    assert "25.0 % missing" in run.plan["age"].reason
    assert "infinite numbers count as missing" in run.plan["ratio"].reason
    assert "1,485 values in 1,980 rows, 1.0 % missing" in run.plan["zip"].reason


def test_every_row_is_there_in_order(run):
    assert {split: len(values["label_xf"]) for split, values in run.values.items()} == {"train": ROWS, "eval": 3}
    assert run.values["train"]["label_xf"].tolist() == [n % 2 for n in range(ROWS)]


def test_missing_numbers_get_the_median_and_an_indicator(run):
    ages = np.array([value for value in _train()["age"] if value is not None])
    fill = run.plan["age"].parameters["fill"]
    assert fill == pytest.approx(np.median(ages), abs=1)  # TFDV's median comes from a sketch
    expected = (np.array([10, fill, fill]) - ages.mean()) / ages.std()
    assert np.allclose(run.values["eval"]["age_xf"], expected, atol=1e-6)
    assert run.values["eval"]["age_missing_xf"].tolist() == [0, 1, 1]
    assert run.values["train"]["age_missing_xf"].mean() == 0.25
    assert run.values["eval"]["age_xf"].dtype == run.values["eval"]["age_missing_xf"].dtype == np.float32


def test_large_integers_keep_their_differences(run):
    values = np.array(_train()["when"], float)
    expected = (np.array([1_600_000_001_000, 1_600_000_002_000]) - values.mean()) / values.std()
    assert np.allclose(run.values["eval"]["when_xf"][:2], expected, atol=1e-5)
    assert "when_missing_xf" not in run.values["eval"]
    assert np.isfinite(run.values["eval"]["when_xf"]).all()


def test_numbers_that_are_not_finite_count_as_missing(run):
    values = np.array(_train()["ratio"])
    finite = values[np.isfinite(values)]
    fill = run.plan["ratio"].parameters["fill"]
    expected = (np.array([0.5, fill, fill]) - finite.mean()) / finite.std()
    assert np.allclose(run.values["eval"]["ratio_xf"], expected, atol=1e-6)
    assert run.values["eval"]["ratio_missing_xf"].tolist() == [0, 1, 1]
    assert run.values["train"]["ratio_missing_xf"].mean() == pytest.approx(0.2)


def test_tails_are_logged_and_then_standardised(run):
    logs = np.log1p(_train()["gain"])
    expected = (np.log1p([0, 0, 5000]) - logs.mean()) / logs.std()  # a negative number counts as 0
    assert np.allclose(run.values["eval"]["gain_xf"], expected, atol=1e-5)
    assert np.allclose(run.values["train"]["gain_xf"], (logs - logs.mean()) / logs.std(), atol=1e-5)


def test_categories(run):
    vocabulary = run.plan["city"].parameters["vocabulary"]
    assert sorted(vocabulary) == ["Bonn", "Köln"]
    new, missing = 2, 3
    assert run.values["eval"]["city_xf"].tolist() == [new, missing, vocabulary.index("Köln")]
    expected = [vocabulary.index(city) if city else missing for city in _train()["city"]]
    assert run.values["train"]["city_xf"].tolist() == expected
    domain = run.domains["city_xf"]
    assert (domain.min, domain.max, domain.is_categorical) == (0, 3, True)


def test_presence_of_a_single_value_is_kept(run):
    assert run.values["eval"]["flag_xf"].tolist() == [0, 1, 2]


def test_hash_buckets(run):
    buckets = run.plan["zip"].parameters["buckets"]
    train = run.values["train"]["zip_xf"]
    assert buckets == 371  # a quarter of the 1,485 values
    assert (train[0], run.values["eval"]["zip_xf"][2]) == (buckets, buckets)  # missing
    assert train.min() >= 0 and train[1:100].max() < buckets and len(set(train)) > 300
    assert run.values["eval"]["zip_xf"][0] == train[7]
    domain = run.domains["zip_xf"]
    assert (domain.min, domain.max, domain.is_categorical) == (0, buckets, True)


def test_labels(run):
    assert run.values["eval"]["label_xf"].tolist() == [1, -1, 0]
    assert not run.domains["label_xf"].is_categorical


@pytest.mark.parametrize("absent", [*_train(), "all"])
def test_serves_without_the_label_and_without_any_other_feature(run, absent):
    import tensorflow as tf

    raw = {"age": 10.0, "when": 1_600_000_001_000, "ratio": 0.5, "gain": 0, "city": "Paris", "zip": "z7", "flag": "yes"}
    example = tf.train.Example()
    for name, value in {**raw, "name with space/é": 0}.items():
        if absent not in (name, "all"):
            feature = example.features.feature[name]
            kind = {int: feature.int64_list, float: feature.float_list}.get(type(value), feature.bytes_list)
            kind.value.append(value.encode() if isinstance(value, str) else value)
    specs = {name: spec for name, spec in run.graph.raw_feature_spec().items() if name != "label"}
    served = run.graph.transform_features_layer()(tf.io.parse_example([example.SerializeToString()], specs))
    assert set(served) == set(run.values["eval"]) - {"label_xf"}
    for name, value in served.items():
        raw_name = name.removesuffix("_xf").removesuffix("_missing")
        assert np.isfinite(value.numpy()).all()
        if absent not in (raw_name, "all") and raw_name != "gain":
            assert value.numpy()[0] == run.values["eval"][name][0]
    if absent == "age":
        assert served["age_missing_xf"].numpy()[0] == 1


def test_outputs_are_as_the_plan_says(run):
    assert set(run.values["train"]) == {output for decision in run.plan.values() for output in decision.outputs}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("values", "classes", "expected"),
    [
        ([1, 2, 3], ("1", "2", "3"), [0, 1, 2]),
        ([1.0, 2.0, 3.0], ("3", "2", "1"), [2, 1, 0]),
        ([0.5, 2.0, 1.0], ("0.5", "1", "2"), [0, 2, 1]),
        (["a", "c", "b"], ("c", "b", "a"), [2, 0, 1]),
    ],
)
def test_labels_of_any_type(transform_tables, values, classes, expected):
    table = pa.table({"x": [0.0, 1.0, 2.0] * 10, "label": values * 10})
    run = transform_tables({"train": table}, TaskSpec("multiclass", "label", classes))
    assert run.values["train"]["label_xf"].tolist() == expected * 10
    assert run.values["train"]["label_xf"].dtype == np.int64


@pytest.mark.slow
def test_regression_target_stays_as_it_is_and_so_do_files(transform_tables):
    table = pa.table({"x": [0.0, 1.0, 2.0] * 10, "label": [3, 1, 2] * 10})
    run = transform_tables({"train": table}, TaskSpec("regression", "label"), copies=3)
    assert [path.name for path in sorted((run.folder / "transformed/Split-train").iterdir())] == [
        f"transformed_examples-0000{n}-of-00003.gz" for n in range(3)
    ]
    assert run.values["train"]["label_xf"].tolist() == [3.0, 1.0, 2.0] * 30
    assert run.values["train"]["label_xf"].dtype == np.float32


@pytest.mark.slow
def test_vocabulary_that_the_statistics_do_not_list_is_counted(transform_tables):
    import tensorflow_data_validation as tfdv

    table = pa.table(
        {
            "city": [[None, "a", "b", "c", "c"][n % 5] for n in range(200)],
            "code": [[7, 7, 1000, 3, None][n % 5] for n in range(200)],
            "label": [float(n) for n in range(200)],
        }
    )

    def categories(schema):
        code = next(feature for feature in schema.feature if feature.name == "code")
        code.int_domain.is_categorical = True

    options = tfdv.StatsOptions(num_rank_histogram_buckets=2)
    eval_rows = pa.table({"city": ["c", "x", None], "code": [7, 8, None], "label": [0.0, 0.0, 0.0]})
    tables = {"train": table, "eval": eval_rows}
    run = transform_tables(tables, TaskSpec("regression", "label"), change_schema=categories, stats_options=options)
    assert "vocabulary" not in run.plan["city"].parameters
    assert "counted anew" in run.plan["city"].reason and "says the schema" in run.plan["code"].reason
    assert run.values["eval"]["city_xf"].tolist() == [0, 3, 4]
    assert run.values["eval"]["code_xf"].tolist() == [0, 3, 4]
    assert sorted(set(run.values["train"]["city_xf"])) == [0, 1, 2, 4]
    assert [(run.domains[name].max, run.domains[name].is_categorical) for name in ("city_xf", "code_xf")] == [
        (4, 1)
    ] * 2


@pytest.mark.slow
def test_images_pass_unchanged(transform_tables):
    pixels = [bytes([n, 0, 255, 10 * (n % 3), 1, 2]) for n in range(30)]
    sizes = {f"image/{side}": [size] * 30 for side, size in (("height", 2), ("width", 3), ("channels", 1))}
    table = pa.table({"image": pa.array(pixels, pa.binary()), **sizes, "label": [str(n % 3) for n in range(30)]})
    run = transform_tables({"train": table}, TaskSpec("multiclass", "label", ("0", "1", "2")))
    assert run.values["train"]["image_xf"].tolist() == pixels
    assert [run.values["train"][f"image/{side}_xf"][0] for side in ("height", "width", "channels")] == [2, 3, 1]
    assert run.plan["image"].kept and not run.plan["image/height"].kept
    assert "2 × 3 × 1" in run.plan["image"].reason


@pytest.mark.slow
def test_column_that_is_merely_called_image_is_learned_from(transform_tables, tmp_path):
    table = pa.table({"image": ["a.png", "b.png", "a.png"] * 10, "label": ["n", "y"] * 15})
    task = TaskSpec("binary", "label", ("n", "y"))
    run = transform_tables({"train": table}, task)
    files = [str(path) for path in (run.folder / "transformed/Split-train").iterdir()]
    data = prepare({"train": files}, str(run.folder / "graph"), task, tmp_path / "arrays")
    assert data.inputs.categorical == (("image_xf", 4),)
    assert data.split("train").categorical[:, 0].tolist() == run.values["train"]["image_xf"].tolist()


@pytest.mark.slow
def test_fixed_shapes_of_a_stock_schema_work_too(transform_tables):
    table = pa.table({"x": [0.0, 1.0, 2.0] * 10, "c": ["a", "b", "c"] * 10, "label": ["n", "y"] * 15})
    run = transform_tables({"train": table}, TaskSpec("binary", "label", ("n", "y")), fixed_shapes=True)
    vocabulary = run.plan["c"].parameters["vocabulary"]
    assert run.values["train"]["c_xf"].tolist()[:3] == [vocabulary.index(value) for value in "abc"]
    assert np.allclose(run.values["train"]["x_xf"][:3], np.array([-1, 0, 1]) / np.sqrt(2 / 3), atol=1e-6)


@pytest.mark.slow
def test_indicator_gives_way_to_a_column_of_its_name(transform_tables):
    table = pa.table(
        {"x": [None, 1.0, 2.0] * 10, "x_missing": [0.25, 0.5, 0.0] * 10, "label": [1.0 * n for n in range(30)]}
    )
    run = transform_tables({"train": table}, TaskSpec("regression", "label"))
    assert "no indicator" in run.plan["x"].reason
    assert run.values["train"]["x_missing_xf"][:3].argsort().tolist() == [2, 0, 1]


@pytest.mark.slow
def test_column_without_a_value_in_train_is_not_parsed_anywhere(transform_tables):
    """SchemaGen calls such a column text; parsing its numbers in another split as text would fail."""
    import tensorflow as tf

    def table(**rare):
        return pa.table({"x": [0.0, 1.0, 2.0] * 10, "label": ["n", "y"] * 15, **rare})

    tables = {
        "train": table(whole=pa.nulls(30, pa.int64()), real=pa.nulls(30, pa.float64())),
        "eval": table(whole=[None, 7, 8] * 10, real=[0.5, None, 1.5] * 10),
    }
    run = transform_tables(tables, TaskSpec("binary", "label", ("n", "y")))
    assert {run.plan[name].reason for name in ("whole", "real")} == {"missing in all 30 training rows"}
    assert run.values["eval"]["x_xf"].tolist() == run.values["train"]["x_xf"].tolist()
    assert set(run.graph.raw_feature_spec()) == {"x", "label"}
    example = tf.train.Example()
    example.features.feature["x"].float_list.value.append(1.0)
    example.features.feature["whole"].int64_list.value.append(7)
    parsed = tf.io.parse_example([example.SerializeToString()], run.graph.raw_feature_spec())
    assert run.graph.transform_features_layer()(parsed)["x_xf"].numpy().tolist() == [0.0]


@pytest.mark.slow
def test_only_the_given_splits(transform_tables):
    table = pa.table({"x": [0.0, 1.0, 2.0] * 10, "label": ["n", "y"] * 15})
    task = TaskSpec("binary", "label", ("n", "y"))
    config = json.dumps({"analyze": ["train"], "transform": ["eval"]})
    run = transform_tables({"train": table, "eval": table, "test": table}, task, splits_config=config)
    assert set(run.values) == {"eval"}
    assert json.loads(run.outputs["transformed_examples"][0].split_names) == ["eval"]


@pytest.mark.slow
def test_nothing_to_learn_from(transform_tables):
    table = pa.table({"x": [1.0] * 30, "label": ["n", "y"] * 15})
    with pytest.raises(DataError, match=r"no column to learn from \(x: constant: always 1"):
        transform_tables({"train": table}, TaskSpec("binary", "label", ("n", "y")))


@pytest.mark.slow
def test_unknown_split(transform_tables):
    table = pa.table({"x": [0.0, 1.0, 2.0] * 10, "label": ["n", "y"] * 15})
    config = json.dumps({"analyze": ["practice"], "transform": ["train"]})
    with pytest.raises(DataError, match="The examples have no split practice; they have train"):
        transform_tables({"train": table}, TaskSpec("binary", "label", ("n", "y")), splits_config=config)


def test_lost_rows_are_noticed(run):
    from tfx_automl.components.transform.executor import check_rows, count_records

    counts = {
        name: count_records([str(path) for path in (run.folder / f"transformed/Split-{name}").iterdir()])
        for name in ("train", "eval")
    }
    assert counts == {"train": 2000, "eval": 3}
    check_rows(counts, counts, "training_data")
    with pytest.raises(DataError, match="got 2000 rows in the split 'train', but wrote 3 to transformed_examples"):
        check_rows(counts, {"train": 3, "eval": 3}, "transformed_examples")


def test_no_statistics_of_the_split(run):
    from tfx_automl.components.transform.executor import make_plan

    properties = {"task": TaskSpec("binary", "label", ("no", "yes")).to_json(), "exclude": "[]"}
    statistics = type(run.inputs["statistics"][0])()
    statistics.uri, statistics.split_names = run.inputs["statistics"][0].uri, '["eval"]'
    with pytest.raises(DataError, match=r"planned from the split 'train', but there are statistics of \['eval'\] only"):
        make_plan({**run.inputs, "statistics": [statistics]}, "train", properties)
