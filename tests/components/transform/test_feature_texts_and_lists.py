"""Free text and lists: the values of their vectors, counted by hand, and served from plain columns."""

import itertools
from collections import Counter

import numpy as np
import pyarrow as pa
import pytest

from tfx_automl.models.export import _from_columns, _lists, request_names
from tfx_automl.models.raw_tensors import MISSING_INTEGER
from tfx_automl.models.task import TaskSpec

ROWS = 600
NAN = float("nan")
TAGS = ["red", "green", "blue"]


def _train() -> dict[str, list]:
    rows = range(ROWS)
    return {
        "note": [None if n % 10 == 0 else f"Order {n}: the Größe, the COLOUR is fine!" for n in rows],
        "tags": [None if n % 7 == 0 else [TAGS[n % 3], "", *TAGS[: n % 3]] for n in rows],
        "codes": [[f"c{n % 150}", f"c{n % 149}"] for n in rows],
        "marks": [[float(n % 50 + k) for k in range(n % 4)] for n in rows],
        "steps": [[n % 9, 2 * n % 9, 3 * n % 9] for n in rows],
        "label": [["n", "y"][n % 2] for n in rows],
    }


EVAL = {
    "note": ["the  colour?\nThe colour.", None, "one"],
    "tags": [["blue", "pink", "blue"], None, []],
    "codes": [["c1", "c1", "new"], [], None],
    "marks": [[1.0, NAN, 3.0], [NAN], None],
    "steps": [[5], [8, 8], None],
    "label": ["n", "y", "n"],
}


@pytest.fixture(scope="module")
def run(transform_tables):
    train = pa.table(_train())
    tables = {"train": train, "eval": pa.Table.from_pydict(EVAL, schema=train.schema)}
    return transform_tables(tables, TaskSpec("binary", "label", ("n", "y")))


def _buckets(texts, size) -> np.ndarray:
    import tensorflow as tf

    counts = np.zeros(size)
    for text, count in Counter(texts).items():
        counts[tf.strings.to_hash_bucket_fast(text, size).numpy()] += count
    return counts


def test_kinds(run):
    assert {name: decision.kind for name, decision in run.plan.items()} == {
        "note": "text",
        "tags": "list of categories",
        "codes": "list of categories",
        "marks": "list of numbers",
        "steps": "list of numbers",
        "label": "label",
    }


def test_text_is_counted_by_words_and_pairs(run):
    said = ["the", "colour", "the", "colour", "the colour", "colour the", "the colour"]
    made = run.values["eval"]["note_xf"]
    np.testing.assert_allclose(made[0], np.log1p(_buckets(said, 256)), atol=1e-6)
    np.testing.assert_allclose(made[2], np.log1p(_buckets(["one"], 256)), atol=1e-6)
    assert made[1].sum() == 0 and made.dtype == np.float32
    words = ["order", "7", "the", "größe", "the", "colour", "is", "fine"]
    pairs = [f"{a} {b}" for a, b in itertools.pairwise(words)]
    np.testing.assert_allclose(run.values["train"]["note_xf"][7], np.log1p(_buckets(words + pairs, 256)), atol=1e-6)
    assert run.values["eval"]["note_missing_xf"].tolist() == [0, 1, 0]


def test_lists_of_categories_say_which_are_there(run):
    vocabulary = run.plan["tags"].parameters["vocabulary"]
    assert sorted(vocabulary) == sorted(TAGS)
    made = run.values["eval"]["tags_xf"]
    assert made.shape == (3, 4)
    assert made[:, 1:].tolist() == [[float(tag == "blue") for tag in vocabulary], [0, 0, 0], [0, 0, 0]]
    center, spread = (run.plan["tags"].parameters[key] for key in ("count_mean", "count_std"))
    np.testing.assert_allclose(made[:, 0], (np.array([3, 0, 0]) - center) / spread, atol=1e-6)
    expected = [[float(tag in (row or ())) for tag in vocabulary] for row in _train()["tags"]]
    assert run.values["train"]["tags_xf"][:, 1:].tolist() == expected


def test_lists_of_many_categories_are_hashed(run):
    made = run.values["eval"]["codes_xf"]
    np.testing.assert_allclose(made[0, 1:], np.log1p(_buckets(["c1", "c1", "new"], 64)), atol=1e-6)
    assert made.shape == (3, 65) and made[1:, 1:].sum() == 0


def test_lists_of_numbers_say_how_many_and_how_large(run):
    flat = np.array([value for row in _train()["marks"] for value in row])
    one, three = (np.array([1.0, 3.0]) - flat.mean()) / flat.std()
    made = run.values["eval"]["marks_xf"]
    np.testing.assert_allclose(made[:, 1:], [[(one + three) / 2, one, three], [0, 0, 0], [0, 0, 0]], atol=1e-5)
    center, spread = (run.plan["marks"].parameters[key] for key in ("count_mean", "count_std"))
    assert (center, spread) == (pytest.approx(1.5), pytest.approx(1.1, abs=0.1))
    np.testing.assert_allclose(made[:, 0], (np.array([2, 0, 0]) - center) / spread, atol=1e-6)
    steps = np.array(_train()["steps"], float)
    scaled = (steps - steps.mean()) / steps.std()
    expected = np.stack([np.zeros(ROWS), scaled.mean(1), scaled.min(1), scaled.max(1)], axis=1)
    np.testing.assert_allclose(run.values["train"]["steps_xf"], expected, atol=1e-5)


def test_plain_columns_are_served_as_examples_are(run):
    """What `serving_raw` makes of columns and padded lists is what Transform made of the examples."""
    import tensorflow as tf

    raw = {name: spec for name, spec in run.graph.raw_feature_spec().items() if name != "label"}
    lists = _lists(run.graph.raw_metadata.schema)
    assert lists == {"tags", "codes", "marks", "steps"}
    layer = run.graph.transform_features_layer()
    serve = _from_columns(lambda parsed: dict(layer(parsed)), raw, {name: name for name in request_names(raw)}, lists)
    columns = {
        "note": ["the  colour?\nThe colour.", "", "one"],
        "tags": [["blue", "pink", "blue"], ["", "", ""], ["", "", ""]],
        "codes": [["c1", "", "c1", "new"], [""] * 4, [""] * 4],
        "marks": [[1.0, NAN, 3.0], [NAN] * 3, [NAN] * 3],
        "steps": [[5, MISSING_INTEGER], [8, 8], [MISSING_INTEGER] * 2],
    }
    served = serve({name: tf.constant(values, raw[name].dtype) for name, values in columns.items()})
    assert set(served) == set(run.values["eval"]) - {"label_xf"}
    for name, values in served.items():
        np.testing.assert_allclose(values, run.values["eval"][name], atol=1e-6)


@pytest.mark.slow
def test_lists_of_a_fixed_length_in_a_stock_schema(transform_tables):
    table = pa.table({"x": [[1.0 * n, 2.0, 3.0] for n in range(40)], "label": ["n", "y"] * 20})
    run = transform_tables({"train": table}, TaskSpec("binary", "label", ("n", "y")), fixed_shapes=True)
    values = np.array(table["x"].to_pylist())
    scaled = (values - values.mean()) / values.std()
    expected = np.stack([np.zeros(40), scaled.mean(1), scaled.min(1), scaled.max(1)], axis=1)
    np.testing.assert_allclose(run.values["train"]["x_xf"], expected, atol=1e-5)
    assert _lists(run.graph.raw_metadata.schema) == {"x"}
