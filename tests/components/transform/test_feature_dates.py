"""Dates: the values of their vector, held against those of pandas."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from tfx_automl.models.export import _from_columns
from tfx_automl.models.raw_tensors import MISSING_INTEGER
from tfx_automl.models.task import TaskSpec

ROWS = 400
# Leap days, the turns of years and of a century without a leap day, and times before 1970.
EDGES = [
    *("1899-12-31 23:59:59", "1900-02-28 12:00", "1900-03-01", "1969-12-31 18:00", "1970-01-01", "2000-02-29 06:00"),
    *("2000-12-31 21:30", "2001-01-01", "2023-03-01", "2024-02-29 00:00:01", "2024-12-31"),
]


def _seconds(times) -> np.ndarray:
    return np.array(times, "datetime64[s]").astype(np.int64)


def _vector(times, mean, std) -> np.ndarray:
    """What the vector should be, by pandas."""
    index = pd.DatetimeIndex(np.array(times, "datetime64[s]"))
    year = 365.2425 * 86_400
    turns = [
        (index.hour * 3600 + index.minute * 60 + index.second) / 86_400,
        index.dayofweek / 7,
        (index.dayofyear - 1) / 365.25,
    ]
    cycles = [part for turn in turns for part in (np.sin(2 * np.pi * turn), np.cos(2 * np.pi * turn))]
    seconds = _seconds(times)
    return np.stack([(seconds - mean) / std, (index.year - 1970 - mean / year) / (std / year), *cycles], axis=1)


@pytest.fixture(scope="module")
def times():
    random = np.random.default_rng(0).integers(*_seconds(["1890-01-01", "2030-01-01"]), ROWS - len(EDGES))
    return np.concatenate([_seconds(EDGES), random]).astype("datetime64[s]")


@pytest.fixture(scope="module")
def run(transform_tables, times):
    seconds = [None if n % 20 == 19 else int(value) for n, value in enumerate(times.astype(np.int64))]
    days = [86_400 * (18_000 + n % 300) for n in range(ROWS)]
    train = pa.table({"t": seconds, "day": days, "label": [["n", "y"][n % 2] for n in range(ROWS)]})
    eval_rows = pa.table({"t": [0, None], "day": [86_400 * 18_000, None], "label": ["n", "y"]})
    task = TaskSpec("binary", "label", ("n", "y"))
    return transform_tables({"train": train, "eval": eval_rows}, task, moments=["t", "day"])


def test_every_part_is_as_pandas_has_it(run, times):
    there = np.arange(ROWS) % 20 != 19
    seconds = times.astype(np.int64)[there].astype(float)
    made = run.values["train"]["t_xf"]
    assert made.shape == (ROWS, 8) and made.dtype == np.float32
    np.testing.assert_allclose(made[there], _vector(times[there], seconds.mean(), seconds.std()), atol=1e-5)
    assert run.plan["t"].parameters["parts"] == ["time", "year", "time of day", "day of week", "day of year"]


def test_missing_dates_get_the_median_and_an_indicator(run):
    fill = np.array([0, run.plan["t"].parameters["fill"]]).astype("datetime64[s]")
    mean, std = (run.plan["t"].parameters[key] for key in ("mean", "std"))
    np.testing.assert_allclose(run.values["eval"]["t_xf"], _vector(fill, mean, std), atol=1e-5)
    assert run.values["eval"]["t_missing_xf"].tolist() == [0, 1]
    assert run.values["train"]["t_missing_xf"].sum() == ROWS / 20


def test_days_have_no_time_of_day(run):
    assert run.plan["day"].parameters["parts"] == ["time", "year", "day of week", "day of year"]
    assert "dates from 2019-04-14T00:00:00 to 2020-02-07T00:00:00" in run.plan["day"].reason
    assert run.values["train"]["day_xf"].shape == (ROWS, 6)


def test_plain_columns_are_served_as_examples_are(run):
    import tensorflow as tf

    raw = {name: spec for name, spec in run.graph.raw_feature_spec().items() if name != "label"}
    layer = run.graph.transform_features_layer()
    serve = _from_columns(lambda parsed: dict(layer(parsed)), raw, {name: name for name in raw})
    served = serve({"t": tf.constant([0, MISSING_INTEGER]), "day": tf.constant([86_400 * 18_000, MISSING_INTEGER])})
    assert set(served) == set(run.values["eval"]) - {"label_xf"}
    for name, values in served.items():
        np.testing.assert_allclose(values, run.values["eval"][name], atol=1e-6)


@pytest.mark.slow
def test_taxi_rides(transform_tables, shared_data):
    frame = pd.read_csv(shared_data("chicago-taxi.csv"), usecols=["trip_start_timestamp", "fare"]).dropna().head(2000)
    table = pa.Table.from_pandas(frame, preserve_index=False)
    run = transform_tables({"train": table}, TaskSpec("regression", "fare"), moments=["trip_start_timestamp"])
    seconds = frame["trip_start_timestamp"].to_numpy()
    expected = _vector(seconds.astype("datetime64[s]"), seconds.mean(), seconds.std())
    np.testing.assert_allclose(run.values["train"]["trip_start_timestamp_xf"], expected, atol=1e-4)
