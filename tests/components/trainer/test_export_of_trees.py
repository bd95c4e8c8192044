"""Boosted trees behind a real Transform graph: the SavedModel serves what the model predicts."""

import numpy as np
import pytest

from tfx_automl.models.data import prepare
from tfx_automl.models.export import export
from tfx_automl.models.families import get_family, start_model
from tfx_automl.models.model import Workplace


@pytest.mark.slow
def test_exported_trees_serve_what_they_predict(people, examples_of, tmp_path):
    import tensorflow as tf

    folder, graph = people.Transform.uris["transformed_examples"], str(people.Transform.uris["transform_graph"])
    files = {
        split: [str(path) for path in (folder / f"Split-{split}").iterdir()] for split in ("train", "eval", "test")
    }
    data = prepare(files, graph, people.task, tmp_path / "data")
    family = get_family("boosted_trees")
    model = start_model({"family": family.name, **family.defaults(data)[0]}, 0, Workplace(data))
    for _ in range(2):
        model.train_epoch()
    export(model.graph(), data, graph, tmp_path / "model")
    serving = tf.saved_model.load(str(tmp_path / "model")).signatures["serving_default"]
    held_out = examples_of(people.ExampleGen.uris["examples"], "test")
    served = serving(examples=tf.constant([example.SerializeToString() for example in held_out]))
    found = np.sort(served["probabilities"].numpy()[:, 0])
    np.testing.assert_allclose(found, np.sort(model.predict(data.split("test"))), atol=1e-6)
