"""The rules of the planner, one by one, on statistics made by hand."""

import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tensorflow_metadata.proto.v0 import schema_pb2, statistics_pb2

from tfx_automl.components.transform.plan import FeatureDecision, FeaturePlan
from tfx_automl.components.transform.planner import plan_features
from tfx_automl.errors import ConfigError, DataError
from tfx_automl.models.task import TaskSpec

TASK = TaskSpec("binary", "y", ("n", "y"))
ROWS = 10_000


def _common(stats, present, most=1, least=1):
    stats.common_stats.num_non_missing = present
    stats.common_stats.min_num_values = least
    stats.common_stats.max_num_values = most


def number(
    name, low, high, *, mean=None, std=1.0, median=None, deciles=None, whole=False, present=ROWS, nan=0, most=1, least=1
):
    feature = statistics_pb2.FeatureNameStatistics(type=0 if whole else 1)
    feature.path.step.append(name)
    stats = feature.num_stats
    _common(stats, present, most, least)
    stats.min, stats.max, stats.std_dev = low, high, std
    stats.mean = (low + high) / 2 if mean is None else mean
    stats.median = stats.mean if median is None else median
    bounds = deciles or [low + (high - low) * n / 10 for n in range(11)]
    histogram = stats.histograms.add(type=statistics_pb2.Histogram.QUANTILES, num_nan=nan)
    for lower, upper in itertools.pairwise(bounds):
        histogram.buckets.add(low_value=lower, high_value=upper, sample_count=present / 10)
    return feature


def text(name, values, unique=None, *, present=ROWS, whole=False, most=1, least=1, length=10):
    feature = statistics_pb2.FeatureNameStatistics(type=0 if whole else 2)
    feature.path.step.append(name)
    _common(feature.string_stats, present, most, least)
    feature.string_stats.avg_length = length
    feature.string_stats.unique = len(values) if unique is None else unique
    for value in values:
        feature.string_stats.rank_histogram.buckets.add(label=value)
    return feature


def plan(*features, task=TASK, rows=ROWS, exclude=(), schema=None, moments=()):
    label = text("y", ["n", "y"])
    statistics = statistics_pb2.DatasetFeatureStatistics(num_examples=rows, features=[label, *features])
    return plan_features(statistics, task, exclude, schema, moments)


def decide(feature, **arguments) -> FeatureDecision:
    return next(d for d in plan(feature, **arguments).decisions if d.name == feature.path.step[0])


def evenly(low, high):
    return {"std": (high - low + 1) / math.sqrt(12), "whole": True}


@pytest.mark.parametrize(
    ("feature", "kind", "reason"),
    [
        (number("x", 1, 9), "numeric", r"1 to 9: standardised"),
        (number("x", 1, 9, present=9000), "numeric", r"10\.0 % missing, so the median is filled in"),
        (number("x", 1, 9, nan=5000), "numeric", r"50\.0 % missing"),
        (number("x", 1, 9, present=ROWS - 1), "numeric", r"few missing"),
        (number("x", 1, 9, nan=ROWS), "dropped", r"missing in all 10,000 training rows"),
        (number("x", 1, 9, present=0), "dropped", r"missing in all 10,000 training rows"),
        (number("x", 5, 5, std=0), "dropped", r"constant: always 5"),
        (number("x", 5, 5, std=0, present=9950), "dropped", r"constant: always 5"),
        (number("x", 5, 5, std=0, present=5000), "numeric", r"50\.0 % missing"),
        (number("x", 1, 9, most=3), "list of numbers", r"lists of up to 3 values, numbers from 1 to 9"),
        (number("x", 5, 5, std=0, most=3, least=3), "dropped", r"constant: lists of up to 3 values, always the same"),
        (number("x", 0, math.inf, mean=math.inf, median=1), "numeric", r"infinite numbers count as missing"),
        # capital gains: nine in ten are zero
        (number("x", 0, 99_999, mean=1000, std=7000, median=0, deciles=[0] * 10 + [99_999]), "log", r"mostly tail"),
        (number("x", -1, 99_999, mean=1000, std=7000, median=0, deciles=[0] * 10 + [99_999]), "numeric", r"standard"),
        (number("x", 0, 1, mean=0.01, std=0.1, median=0, deciles=[0] * 10 + [1]), "numeric", r"0 to 1"),
        (number("x", 0, 100, std=30), "numeric", r"0 to 100"),
        # identifiers
        (number("user_id", 1e6, 9e6, **evenly(1e6, 9e6)), "dropped", r"identifier"),
        (number("userId", 1e6, 9e6, **evenly(1e6, 9e6)), "dropped", r"identifier"),
        (number("paid", 1e6, 9e6, **evenly(1e6, 9e6)), "numeric", r"1e\+06 to 9e\+06"),
        (number("shop_id", 1, 50, **evenly(1, 50)), "numeric", r"1 to 50"),
        # ten codes far apart: not unique, whatever the name
        (number("kind_id", 1, 1e6, whole=True, std=5e5, deciles=[1] * 6 + [1e6] * 5), "numeric", r"1 to 1e\+06"),
        (number("x", 4, 14_300, **evenly(4, 14_300)), "dropped", r"identifier: whole numbers"),
        (number("Unnamed: 0", 0, 9999, **evenly(0, 9999)), "dropped", r"identifier"),
        (number("x", 0, 14_300, std=2000, whole=True), "numeric", r"0 to 14300"),
        (number("x", 4, 14_300, std=14_297 / math.sqrt(12)), "numeric", r"4 to 14300"),
        # texts
        (text("x", ["a", "b"]), "categorical", r"2 values in 10,000 rows: one category each"),
        (text("x", ["a", "b"], present=9440), "categorical", r"2 values in 9,440 rows, 5\.6 % missing"),
        (text("x", ["a"]), "dropped", r"constant: always 'a'"),
        (text("x", ["a"], present=2000), "categorical", r"80\.0 % missing"),
        (text("x", [""], present=2000), "dropped", r"nothing but empty text"),
        (text("x", ["a"], 1001), "hashed", r"1,001 values in 10,000 rows, too many for a vocabulary: 256 hash buckets"),
        (text("x", ["a"], 9000), "hashed", r"1024 hash buckets"),
        (text("x", ["a"], 9500), "dropped", r"identifier: 9,500 values in 10,000 rows"),
        (text("x", ["a"], 30), "categorical", r"counted anew"),
        (text("x", ["a", "__BYTES_VALUE__"]), "categorical", r"counted anew"),
        (text("x", ["1", "2", "3"], whole=True), "categorical", r"3 values"),
        (text("x", [], 0, present=0), "dropped", r"missing in all"),
        # free text
        (text("x", ["so it is here"], 9900), "text", r"9,900 values in 10,000 rows, 4\.0 words on average: words and"),
        (text("x", ["so it is"], 2000, present=9000), "text", r"10\.0 % missing, 3\.0 words .* and an indicator"),
        (text("x", ["two words"], 9900), "dropped", r"an identifier"),
        (text("x", ["never married or so", "wed"]), "categorical", r"2 values"),
        (text("x", ["__LARGE_BYTES__"], 9900, length=5000), "text", r"714\.3 words on average"),
        (text("x", ["__BYTES_VALUE__"], 9900, length=5000), "dropped", r"an identifier"),
        # lists of categories
        (
            text("x", ["a", "", "b"], most=4),
            "list of categories",
            r"lists of up to 4 values, 2 different ones: how many",
        ),
        (text("x", ["a"], 500, most=4), "list of categories", r"500 different ones: .* 64 hash buckets"),
        (text("x", ["a"], most=2, least=2), "dropped", r"constant: lists of up to 2 values, always the same"),
        (
            statistics_pb2.FeatureNameStatistics(type=4, path={"step": ["x"]}),
            "dropped",
            r"kind that no model here takes",
        ),
    ],
)
def test_rules(feature, kind, reason):
    import re

    decision = decide(feature)
    assert decision.kind == kind, decision
    assert re.search(reason, decision.reason), decision.reason


def test_parameters_of_numbers():
    assert decide(number("x", 1, 9, mean=4, std=2, median=3, present=9000)).parameters == {
        "missing": True,
        "fill": 3,
        "mean": 4,
        "std": 2,
    }
    log = decide(number("x", 0, 99_999, mean=1000, std=7000, median=0))
    assert log.parameters == {"missing": False, "fill": 0} and log.needs_moments
    infinite = decide(number("x", -math.inf, math.inf, mean=math.nan, std=math.nan, median=math.nan))
    assert infinite.parameters == {"missing": True} and infinite.needs_moments


def test_outputs():
    assert decide(number("x", 1, 9, present=9000)).outputs == ("x_xf", "x_missing_xf")
    assert decide(number("x", 1, 9)).outputs == ("x_xf",)
    assert decide(number("x", 5, 5, std=0)).outputs == ()


def test_vocabulary_leaves_out_empty_text():
    assert decide(text("x", ["b", "", "a"])).parameters == {"vocabulary": ["b", "a"]}


def _image():
    sides = [
        number(f"image/{side}", n, n, std=0, whole=True) for side, n in (("height", 28), ("width", 30), ("channels", 1))
    ]
    image = statistics_pb2.FeatureNameStatistics(type=2, path={"step": ["image"]})
    _common(image.bytes_stats, ROWS)
    return [image, *sides]


def test_images():
    kinds = {d.name: (d.kind, d.reason) for d in plan(*_image()).decisions}
    assert kinds["image"] == ("image", "images of 28 × 30 × 1 (height × width × channels)")
    assert kinds["image/width"][0] == "image size"


def test_bytes_without_their_size_are_no_image():
    assert decide(_image()[0]).reason == "holds bytes that are neither text nor an image"


def test_excluding_a_part_excludes_the_image():
    decisions = plan(*_image(), exclude=["image/width"]).decisions
    assert {d.reason for d in decisions if d.name.startswith("image")} == {"excluded by the user"}


def _schema(**features) -> schema_pb2.Schema:
    schema = schema_pb2.Schema()
    schema.feature.add(name="y", type=schema_pb2.BYTES)
    for name, settings in features.items():
        schema.feature.add(name=name, **settings)
    return schema


def test_schema_says_which_integers_are_categories():
    schema = _schema(x={"type": schema_pb2.INT, "int_domain": {"is_categorical": True}})
    decision = decide(number("x", 1, 9, whole=True), schema=schema)
    assert (decision.kind, decision.parameters) == ("categorical", {"top": 1000})


@pytest.mark.parametrize(
    ("schema", "reason"),
    [
        (_schema(), "the schema does not have it"),
        (_schema(x={"type": schema_pb2.FLOAT, "lifecycle_stage": "DEPRECATED"}), "not in use"),
        (
            _schema(x={"type": schema_pb2.FLOAT, "shape": {"dim": [{"size": 2}]}, "presence": {"min_fraction": 1}}),
            "another number of values",
        ),
    ],
)
def test_columns_that_the_schema_does_not_read(schema, reason):
    decision = decide(number("x", 1, 9), schema=schema)
    assert decision.kind == "dropped" and reason in decision.reason


def test_column_that_only_the_schema_has():
    schema = _schema(x={"type": schema_pb2.FLOAT}, z={"type": schema_pb2.FLOAT})
    reasons = {d.name: d.reason for d in plan(number("x", 1, 9), schema=schema).decisions}
    assert reasons["z"] == "missing in all 10,000 training rows"


def test_wrong_columns():
    with pytest.raises(DataError, match="There is no column nope; the columns are x, y"):
        plan(number("x", 1, 9), exclude=["nope"])
    with pytest.raises(DataError, match="There is no column z"):
        plan(number("x", 1, 9), task=TaskSpec("regression", "z"))
    with pytest.raises(DataError, match="label of numbers, but 'y' holds text"):
        plan(number("x", 1, 9), task=TaskSpec("regression", "y"))
    with pytest.raises(DataError, match="The label 'x' cannot be used: holds lists"):
        plan(number("x", 1, 9, most=2), task=TaskSpec("regression", "x"))


def test_bad_plans():
    decision = FeatureDecision("x", "numeric", "why")
    with pytest.raises(ConfigError, match="it has x, x_xf twice"):
        FeaturePlan(TASK, 1, (decision, decision))
    with pytest.raises(ConfigError, match=r"A feature plan as JSON .* got '\{\}'"):
        FeaturePlan.from_json("{}")


_FLOATS = st.floats(allow_nan=True, allow_infinity=True)
_NAMES = st.sampled_from(["a", "a_missing", "id", "image", "image/height", "Unnamed: 0", "é ü", "b_id"])
_COUNTS = st.integers(0, ROWS)
_NUMBERS = st.builds(
    lambda low, high, mean, std, median, whole, present, nan: (
        lambda name: number(name, low, high, mean=mean, std=std, median=median, whole=whole, present=present, nan=nan)
    ),
    *[_FLOATS] * 5,
    st.booleans(),
    _COUNTS,
    _COUNTS,
)
_TEXTS = st.builds(
    lambda values, unique, present: lambda name: text(name, values, unique, present=present),
    st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=4), max_size=5),
    st.none() | _COUNTS,
    _COUNTS,
)


@given(columns=st.dictionaries(_NAMES, _NUMBERS | _TEXTS, max_size=6), exclude=st.booleans())
def test_whatever_the_statistics_say_every_column_is_decided_once(columns, exclude):
    made = plan(*(make(name) for name, make in columns.items()), exclude=list(columns)[:1] if exclude else [])
    assert [d.name for d in made.decisions] == sorted([*columns, "y"])
    assert all(d.reason and (d.outputs or d.kind == "dropped") for d in made.decisions)
    assert FeaturePlan.from_json(made.to_json()) == made
    assert (
        not exclude
        or not columns
        or made.decisions[sorted([*columns, "y"]).index(next(iter(columns)))].kind == "dropped"
    )


def test_dates_are_no_identifiers():
    """Every row has another date, as it has another identifier; and the last ones lie far from the others."""
    feature = number("order_id", 0, 1_600_000_000, mean=9e8, **evenly(0, 1_600_000_000))
    assert decide(feature).kind == "dropped"
    decision = decide(feature, moments=["order_id"])
    assert decision.kind == "date"
    assert "dates from 1970-01-01T00:00:00 to 2020-09-13T12:26:40" in decision.reason


DAY = 86_400


@pytest.mark.parametrize(
    ("low", "high", "parts"),
    [
        (0, 3600, ["time"]),
        (0, 6 * 3600, ["time", "time of day"]),
        (3600, 3600 + 3 * DAY, ["time", "time of day", "day of week"]),
        (30 * DAY, 130 * DAY, ["time", "day of week", "day of year"]),  # midnights, as far as the statistics tell
        (-DAY, DAY, ["time", "year", "day of week"]),
    ],
)
def test_only_the_parts_of_dates_that_can_vary(low, high, parts):
    deciles = [low, *[math.floor((low + (high - low) * n / 10) / DAY) * DAY for n in range(1, 10)], high]
    feature = number("t", low, high, whole=True, median=deciles[5], deciles=deciles)
    assert decide(feature, moments=["t"]).parameters["parts"] == parts


def test_what_no_calendar_has_is_a_number():
    assert decide(number("t", 0, 1e15, whole=True), moments=["t"]).kind != "date"
    assert decide(number("t", 0, math.inf, mean=math.inf, median=0), moments=["t"]).kind == "numeric"
    assert decide(number("t", 5, 5, std=0), moments=["t"]).reason == (
        "constant: always 1970-01-01T00:00:05 where it is there"
    )
