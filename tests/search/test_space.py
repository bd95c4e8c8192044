"""Search spaces and KerasTuner's format."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tfx_automl.errors import ConfigError
from tfx_automl.search.parameters import Boolean, Choice, Condition, Fixed, Float, Int
from tfx_automl.search.space import Space
from tfx_automl.search.testing import SPACE


@given(seed=st.integers(0, 2**31 - 1))
def test_samples_are_in_the_space(seed):
    point = SPACE.sample(np.random.default_rng(seed))
    assert SPACE.contains(point)
    assert ("depth" in point) == (point["kind"] == "deep")


@given(
    low=st.floats(1e-6, 10),
    ratio=st.floats(1, 1e4),
    sampling=st.sampled_from([None, "log", "reverse_log"]),
    seed=st.integers(0, 1000),
)
def test_floats_stay_in_range(low, ratio, sampling, seed):
    parameter = Float("x", low, low * ratio, sampling=sampling)
    assert parameter.contains(parameter.sample(np.random.default_rng(seed)))


@given(low=st.integers(1, 100), span=st.integers(0, 100), step=st.integers(1, 9), seed=st.integers(0, 1000))
def test_integers_stay_on_their_steps(low, span, step, seed):
    parameter = Int("n", low, low + span, step=step)
    value = parameter.sample(np.random.default_rng(seed))
    assert parameter.contains(value)
    assert (value - low) % step == 0
    assert parameter.size() == len(range(low, low + span + 1, step))


def test_log_scale_reaches_the_whole_range():
    rng = np.random.default_rng(0)
    values = [Float("lr", 1e-4, 1e-1, sampling="log").sample(rng) for _ in range(600)]
    shares = np.histogram(np.log10(values), bins=3)[0] / 600
    assert np.all(np.abs(shares - 1 / 3) < 0.1)  # five standard deviations of a share of 600 draws


def test_reverse_log_is_log_seen_from_the_other_end():
    import keras_tuner

    theirs = keras_tuner.engine.hyperparameters.Float("x", 1.0, 100.0, sampling="reverse_log")
    ours = Float("x", 1.0, 100.0, sampling="reverse_log")
    rng = np.random.default_rng(0)
    drawn = sorted(float(ours.sample(rng)) for _ in range(2000))
    # Quantiles of KerasTuner's projection; five standard deviations of the rank of 2000 draws are 6 percent of them.
    for probability in (0.2, 0.5, 0.8):
        below = np.searchsorted(drawn, theirs.prob_to_value(probability)) / 2000
        assert abs(below - probability) < 0.06
    steps = Int("n", 1, 64, step=2, sampling="reverse_log")
    expected = set(keras_tuner.engine.hyperparameters.Int("n", 1, 64, step=2, sampling="reverse_log").values)
    assert {steps.sample(rng) for _ in range(300)} == expected == {1, 33, 49, 57, 61, 63, 64}
    whole = Int("n", 1, 9, sampling="reverse_log")
    counts = np.bincount([whole.sample(rng) for _ in range(1000)], minlength=10)
    assert counts[0] == 0 and counts[1:].all() and counts[9] > 3 * counts[1]


def test_points_outside_are_not_contained():
    point = SPACE.sample(np.random.default_rng(1))
    assert not SPACE.contains({**point, "units": 33})
    assert not SPACE.contains({**point, "other": 1})
    assert not SPACE.contains({key: value for key, value in point.items() if key != "x"})


def test_keras_tuner_reads_what_we_write_and_back():
    import keras_tuner

    hyperparameters = keras_tuner.HyperParameters()
    hyperparameters.Int("units", 32, 512, step=32)
    hyperparameters.Float("lr", 1e-4, 1e-2, sampling="log")
    hyperparameters.Choice("act", ["relu", "tanh"])
    hyperparameters.Boolean("norm")
    hyperparameters.Fixed("family", "mlp")
    with hyperparameters.conditional_scope("act", ["relu"]):
        hyperparameters.Float("leak", 0.0, 1.0, step=0.25)
    space = Space.from_config(hyperparameters.get_config())
    assert space.parameters[-1] == Float(
        "leak", 0.0, 1.0, 0.25, "linear", 0.0, conditions=(Condition("act", ("relu",)),)
    )
    rng = np.random.default_rng(0)
    for _ in range(20):
        point = space.sample(rng)
        config = space.to_config(point)
        back = keras_tuner.HyperParameters.from_config(config)
        assert back.values == point
        assert [p.name for p in back.space] == [p.name for p in hyperparameters.space]
        assert Space.from_config(back.get_config()).sample(np.random.default_rng(5)) == space.sample(
            np.random.default_rng(5)
        )


def test_everything_that_keras_tuner_can_declare_is_read():
    import keras_tuner

    declared = keras_tuner.HyperParameters()
    declared.Choice("net", ["mlp", "cnn"], default="cnn")
    declared.Choice("switch", [True, False])
    declared.Boolean("norm", default=True)
    declared.Fixed("rate", 0.5)
    declared.Float("keep", 0.1, 1.0, sampling="reverse_log")
    with declared.conditional_scope("net", ["mlp"]):
        declared.Int("units", 1, 3)
    with declared.conditional_scope("net", ["cnn"]):
        declared.Choice("units", [16, 32])
        declared.Boolean("norm")  # never asked: the one above is always active
    space = Space.from_config(declared.get_config())
    assert [parameter.name for parameter in space.parameters] == [
        *("net", "switch", "norm", "rate", "keep", "units", "units")
    ]
    points = [space.sample(np.random.default_rng(seed)) for seed in range(60)]
    assert {(p["net"], p["units"]) for p in points} == {("mlp", 1), ("mlp", 2), ("mlp", 3), ("cnn", 16), ("cnn", 32)}
    assert {p["switch"] for p in points} == {0, 1}  # KerasTuner keeps a choice of booleans as integers
    back = keras_tuner.HyperParameters.from_config(space.to_config())
    assert [back.space[n].default for n in (0, 2, 3)] == ["cnn", True, 0.5]


def test_size():
    assert Space((Int("a", 1, 4), Choice("b", (1, 2, 3)), Boolean("c"), Fixed("d", 7))).size() == 24
    assert Space((Float("x", 0, 1),)).size() is None
    assert Space((Float("x", 0.0, 1.0, step=0.25),)).size() == 5
    assert Space((Int("x", 1, 64, step=2, sampling="log"),)).size() == 7


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Int("n", 5, 1), r"n: expected min <= max, got 5 and 1"),
        (lambda: Float("x", 0.0, 1.0, sampling="log"), r"needs min above 0"),
        (lambda: Float("x", 0.0, 1.0, sampling="cubic"), r"or 'reverse_log', got 'cubic'"),
        (lambda: Int("n", 1, 5, step=0), r"expected a step above 0"),
        (lambda: Choice("c", ()), r"at least one value"),
        (lambda: Choice("c", (1, 1)), r"expected different values"),
        (lambda: Choice("c", (1, 2), 3), r"expected a default among \(1, 2\), got 3"),
        (lambda: Boolean(""), r"needs a name"),
        (lambda: Space((Boolean("a"), Boolean("a"))), r"a: the name is used twice"),
        (lambda: Space((Boolean("a", conditions=(Condition("b", (1,)),)),)), r"parent 'b' does not come before"),
        (lambda: Space.from_config({"space": [{"class_name": "Set", "config": {"name": "s"}}]}), r"s: the class 'Set'"),
    ],
)
def test_bad_spaces_are_refused(make, message):
    with pytest.raises(ConfigError, match=message):
        make()


def test_a_parameter_depends_only_on_those_before_it():
    """`skip` looks at the first `depth`; that a later parameter has the name, too, does not make it active."""
    kinds = [Int("depth", 1, 4, conditions=(Condition("kind", (kind,)),)) for kind in ("deep", "wide")]
    skip = Boolean("skip", conditions=(Condition("depth", (3, 4)),))
    space = Space((Choice("kind", ("deep", "wide")), kinds[0], skip, kinds[1]))
    assert space.contains({"kind": "wide", "depth": 3})
    assert not space.contains({"kind": "deep", "depth": 3})
    assert sum(1 for _ in space.points()) == 2 + 2 * 2 + 4
    assert all(map(space.contains, space.points()))
