"""What trees see: missing values as such, categories as codes."""

import numpy as np
import pytest
from tables_for_tests import SIZES, make_table

from tfx_automl.models.data import Arrays
from tfx_automl.models.trees.binned import bin_rows
from tfx_automl.models.trees.inputs import Number, tree_inputs


def test_a_number_and_its_indicator_are_one_column():
    data = make_table("binary", rows=300, test_rows=100)
    inputs, test = tree_inputs(data), data.split("test")
    assert inputs.numbers == (Number(0), Number(1, 2), Number(3))
    matrix = inputs.matrix(test)
    assert matrix.shape == (100, 6)
    np.testing.assert_array_equal(np.isnan(matrix[:, 4]), test.numeric[:, 2] == 1)
    np.testing.assert_array_equal(matrix[:, [3, 5]], test.numeric[:, [0, 3]])


@pytest.mark.parametrize(("column", "value"), [(1, 0.5), (2, 0.3)])
def test_what_is_no_indicator_stays(column, value):
    """A value that differs where others are filled in, or an indicator that is neither 0 nor 1."""
    data = make_table("binary", rows=300, test_rows=100)
    train = data.split("train")
    numeric = train.numeric.copy()
    numeric[np.flatnonzero(numeric[:, 2] == 1)[0], column] = value
    changed = Arrays(numeric, train.categorical, train.image, train.label)
    inputs = tree_inputs(data.with_splits(train=changed))
    assert inputs.numbers == tuple(map(Number, range(4)))


def test_categories_that_no_training_row_has_are_missing():
    data = make_table("binary", rows=300, test_rows=1000)
    inputs, test = tree_inputs(data), data.split("test")
    matrix = inputs.matrix(test)
    for column, size in enumerate(SIZES):
        unknown = test.categorical[:, column] >= size - 2
        assert unknown.any()
        np.testing.assert_array_equal(np.isnan(matrix[:, column]), unknown)
    outside = Arrays(test.numeric[:2], np.array([[-1] * 3, [99] * 3], np.int32), test.image[:2], test.label[:2])
    assert np.isnan(inputs.matrix(outside)[:, :3]).all()


def test_wide_categories_are_ordered_by_the_mean_target():
    data = make_table("regression", rows=4000, test_rows=100, wide=300)
    (category,) = tree_inputs(data).ordered
    train = data.split("train")
    index = train.categorical[:, category.column]
    counts = np.bincount(index, minlength=300)
    means = (np.bincount(index, train.label, minlength=300) + 10 * train.label.mean()) / (counts + 10)
    seen = np.flatnonzero(counts)
    np.testing.assert_array_equal(category.codes[seen][np.argsort(means[seen])], np.arange(len(seen)))
    assert np.isnan(category.codes[counts == 0]).all()


def test_infinite_numbers_are_not_missing():
    data = make_table("binary", rows=300, test_rows=3)
    test = data.split("test")
    numeric = test.numeric.copy()
    numeric[:, 0] = np.inf, -np.inf, np.nan
    matrix = tree_inputs(data).matrix(Arrays(numeric, test.categorical, test.image, test.label))
    np.testing.assert_array_equal(matrix[:, 3], [np.finfo(np.float32).max, -np.finfo(np.float32).max, np.nan])


def test_bins_are_found_on_all_rows_and_made_block_by_block(monkeypatch):
    data = make_table("binary", rows=1000, test_rows=100)
    whole = bin_rows(data)
    monkeypatch.setattr("tfx_automl.models.trees.binned._BLOCK_ROWS", 64)
    np.testing.assert_array_equal(bin_rows(data).train, whole.train)
    assert whole.train.flags.f_contiguous
    assert whole.evaluation.flags.c_contiguous
    assert whole.missing_bin == 255
    assert (whole.train[:, 4] == 255).sum() == data.split("train").numeric[:, 2].sum()


def test_many_rows_find_bins_on_a_part(monkeypatch):
    data = make_table("binary", rows=1000, test_rows=100)
    monkeypatch.setattr("tfx_automl.models.trees.binned._ROWS_FOR_BINS", 300)
    thresholds = bin_rows(data).mapper.bin_thresholds_[3]
    assert 200 < len(thresholds) < 255
    assert len(bin_rows(data).train) == 1000
