"""From raw examples to the group that each training row is weighed by."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tfx_automl.components.groups import with_groups
from tfx_automl.components.sensitive import MISSING
from tfx_automl.errors import ModelError
from tfx_automl.models.data import TrainingData
from tfx_automl.models.groups import GroupSpec
from tfx_automl.models.reweighing import weights_of
from tfx_automl.models.slice_codes import open_codes, open_values

CROSSED = GroupSpec((("sex",), ("sex", "size")), 1, ("sex", "size"))
SEXES, SIZES = ("f", "m", None), (1.5, 2.0)


def people(rows: int) -> list[dict[str, Any]]:
    """Returns people of whom some do not say what they are; with more rows there are more kinds of them."""
    rng = np.random.default_rng(rows)
    drawn = zip(rng.integers(0, 3, rows), rng.integers(0, 2, rows), strict=True)
    return [{"sex": SEXES[sex], "size": SIZES[size]} for sex, size in drawn]


@pytest.fixture
def given(make_data: Callable[..., TrainingData], tmp_path: Path) -> Callable[..., Any]:
    """A function from people of train and eval to data, its raw examples as an input, and a folder."""
    import tensorflow as tf
    from tfx.types import standard_artifacts

    def features(row: dict[str, Any]) -> Any:
        known = {name: value for name, value in row.items() if value is not None}
        return {
            name: tf.train.Feature(float_list={"value": [value]})
            if isinstance(value, float)
            else tf.train.Feature(bytes_list={"value": [value.encode()]})
            for name, value in known.items()
        }

    def make(train: Sequence[dict[str, Any]], evaluation: Sequence[dict[str, Any]], kind: str = "binary") -> Any:
        data = make_data(kind, rows=len(train))
        for split, rows in (("train", train), ("eval", evaluation)):
            label = data.split(split).label
            (tmp_path / "raw" / f"Split-{split}").mkdir(parents=True)
            with tf.io.TFRecordWriter(str(tmp_path / "raw" / f"Split-{split}" / "data.gz"), options="GZIP") as writer:
                for row, y in zip(rows, label, strict=True):
                    made = features({**row, "y": data.task.classes[y]})
                    writer.write(tf.train.Example(features=tf.train.Features(feature=made)).SerializeToString())
        raw = standard_artifacts.Examples()
        raw.uri, raw.split_names = str(tmp_path / "raw"), json.dumps(["train", "eval"])
        (tmp_path / "own").mkdir()
        return data, {"raw_examples": [raw]}, tmp_path / "own"

    return make


def test_rows_of_both_splits_are_numbered_alike(given: Callable[..., Any]) -> None:
    """A crossing, whose missing values are values; eval has kinds of people that train has not, too."""
    train, evaluation = [row for row in people(300) if row["sex"] != "m"], people(200)
    plain, inputs, own = given(train, evaluation)
    data = with_groups(plain, CROSSED, inputs, own)
    values = open_values(data)
    assert sorted(values) == sorted((sex, size) for sex in ("f", "m", MISSING) for size in ("1.5", "2"))
    for split, rows in (("train", train), ("eval", evaluation)):
        expected = [(row["sex"] or MISSING, f"{row['size']:g}") for row in rows]
        assert [values[code] for code in data.split(split).group] == expected
        np.testing.assert_array_equal(data.split(split).label, plain.split(split).label)
    assert len(open_codes(data, ("sex",))) == 200
    weights = weights_of(data)
    assert weights.rows.sum() == len(train)
    assert weights.of(data.split("train")).sum() == pytest.approx(len(train))
    assert with_groups(data, CROSSED, {}, own) is data  # found out already


def test_several_classes(given: Callable[..., Any]) -> None:
    data = with_groups(*_in_order(given(people(300), people(200), "multiclass"), GroupSpec((("sex",),), 1, ("sex",))))
    train = data.split("train")
    weight = weights_of(data).of(train)
    share = np.bincount(train.label) / 300
    for group in range(3):
        mine = train.group == group
        found = np.bincount(train.label[mine], weight[mine]) / weight[mine].sum()
        np.testing.assert_allclose(found, share)


def _in_order(made: Any, groups: GroupSpec) -> Any:
    data, inputs, own = made
    return data, groups, inputs, own


def test_train_rows_in_another_order_are_refused(given: Callable[..., Any]) -> None:
    data, inputs, own = given(people(300), people(200))
    changed = data.with_splits(train=data.split("train").take(np.arange(300)[::-1]))
    with pytest.raises(ModelError, match=r"rows of the split 'train' have another 'y' in raw_examples"):
        with_groups(changed, CROSSED, inputs, own)
    fewer = data.with_splits(train=data.split("train").take(np.arange(299)))
    with pytest.raises(ModelError, match="The split 'train' has 300 rows in raw_examples, but 299 in training_data"):
        with_groups(fewer, CROSSED, inputs, own)
    # Without weights, nobody reads the rows of train.
    assert with_groups(fewer, GroupSpec(CROSSED.sensitive, 1), inputs, own).groups.reweigh == ()


def test_train_must_be_there(given: Callable[..., Any]) -> None:
    data, inputs, own = given(people(300), people(200))
    inputs["raw_examples"][0].split_names = json.dumps(["eval"])
    with pytest.raises(ModelError, match="raw_examples have no split 'train'; they have eval"):
        with_groups(data, CROSSED, inputs, own)
