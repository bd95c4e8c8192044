"""Trainer: what it exports is what was trained, and serves raw values."""

import json
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest

from tfx_automl.errors import ConfigError
from tfx_automl.models.data import open_data, prepare
from tfx_automl.models.families import start_model
from tfx_automl.models.model import Workplace
from tfx_automl.models.raw_tensors import MISSING_INTEGER


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"mode": "fly"}, "mode: expected one of retrain, retrain_all, continue, reuse, got 'fly'"),
        ({"mode": "retrain"}, "mode retrain needs the input hyperparameters"),
        ({"mode": "reuse"}, "mode reuse needs the input base_model"),
        ({"max_epochs": 0, "patience": 0}, "patience: expected 1 or more"),
    ],
)
def test_bad_construction(arguments, message):
    from tfx.types import channel_utils, standard_artifacts

    from tfx_automl.components import Trainer
    from tfx_automl.models.task import TaskSpec

    examples = channel_utils.as_channel([standard_artifacts.Examples()])
    graph = channel_utils.as_channel([standard_artifacts.TransformGraph()])
    with pytest.raises(ConfigError, match=message):
        Trainer(examples, graph, task=TaskSpec("regression", "y"), **arguments)


@pytest.fixture(scope="module")
def serving(people: SimpleNamespace):
    import tensorflow as tf

    return tf.saved_model.load(str(people.Trainer.uris["model"] / "Format-Serving")).signatures


@pytest.fixture(scope="module")
def held_out(people, examples_of):
    return examples_of(people.ExampleGen.uris["examples"], "test")


@pytest.fixture(scope="module")
def arrays(people, tmp_path_factory):
    folder = people.Transform.uris["transformed_examples"]
    files = {
        split: [str(path) for path in (folder / f"Split-{split}").iterdir()] for split in ("train", "eval", "test")
    }
    graph = str(people.Transform.uris["transform_graph"])
    data = prepare(files, graph, people.task, tmp_path_factory.mktemp("arrays") / "data")
    assert open_data(data.folder) == data
    return data


@pytest.mark.slow
def test_signatures_agree_with_each_other_and_with_the_classes(serving, held_out):
    import tensorflow as tf

    serialized = tf.constant([example.SerializeToString() for example in held_out])
    by_example = serving["serving_default"](examples=serialized)
    assert by_example["probabilities"].shape == (len(held_out), 1)
    expected = np.where(by_example["probabilities"].numpy()[:, 0] >= 0.5, b"yes", b"no")
    assert by_example["classes"].numpy()[:, 0].tolist() == expected.tolist()
    columns = _raw_columns(held_out, serving["serving_raw"])
    np.testing.assert_allclose(
        serving["serving_raw"](**columns)["probabilities"], by_example["probabilities"], atol=1e-6
    )


def _raw_columns(examples, signature) -> dict:
    """Columns as a client would send them, missing values in their stated form."""
    import tensorflow as tf

    absent = {tf.string: b"", tf.int64: MISSING_INTEGER, tf.float32: np.nan}
    columns = {}
    for name, spec in signature.structured_input_signature[1].items():
        values = []
        for example in examples:
            feature = example.features.feature[name]
            found = [*feature.bytes_list.value, *feature.int64_list.value, *feature.float_list.value]
            values.append(found[0] if found else absent[spec.dtype])
        columns[name] = tf.constant(values, spec.dtype)
    return columns


@pytest.mark.slow
def test_request_needs_only_the_columns_that_the_model_sees(serving):
    inputs = serving["serving_raw"].structured_input_signature[1]
    assert set(inputs) == {"age", "city", "income", "member"}


@pytest.mark.slow
def test_reused_model_is_the_trial_to_the_last_digit(people, arrays, held_out):
    import tensorflow as tf

    best = people.Tuner.uris["best_model"]
    session = start_model(json.loads((best / "hyperparameters.json").read_text())["values"], 0, Workplace(arrays))
    session.load(best)
    served = tf.saved_model.load(str(people.Reuse.uris["model"] / "Format-Serving")).signatures["serving_default"]
    serialized = tf.constant([example.SerializeToString() for example in held_out])
    np.testing.assert_allclose(
        served(examples=serialized)["probabilities"].numpy()[:, 0], session.predict(arrays.split("test")), atol=1e-6
    )


@pytest.mark.slow
def test_transform_signature_returns_the_label_too(serving, held_out):
    import tensorflow as tf

    serialized = tf.constant([example.SerializeToString() for example in held_out])
    features = serving["transform_features"](serialized)
    labels = [int(e.features.feature["label"].bytes_list.value[0] == b"yes") for e in held_out]
    assert features["label_xf"].numpy().tolist() == labels


@pytest.mark.slow
def test_model_loads_without_our_package(people):
    code = (
        "import sys, tensorflow as tf\n"
        f"model = tf.saved_model.load({str(people.Trainer.uris['model'] / 'Format-Serving')!r})\n"
        "out = model.signatures['serving_raw'](age=tf.constant([40], tf.int64), city=tf.constant(['Bonn']),"
        " income=tf.constant([1.0]), member=tf.constant([1], tf.int64))\n"
        "print(float(out['probabilities'][0, 0]), any(name.startswith('tfx') for name in sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    probability, ours = done.stdout.split()
    assert 0 < float(probability) < 1
    assert ours == "False"


@pytest.mark.slow
def test_history_tells_every_epoch_and_the_best(people):
    history = json.loads((people.Trainer.uris["model_run"] / "history.json").read_text())
    assert [entry["epoch"] for entry in history] == list(range(1, len(history) + 1))
    assert history[0]["best"] is True
    assert {"loss", "val_auc", "val_loss"} <= set(history[0])
