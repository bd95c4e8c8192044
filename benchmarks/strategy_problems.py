"""What search strategies are compared on: three functions with a known optimum, three small trainings on real data.

Each problem gives, for a point of its space, the loss after each of 27 epochs, and how long they took. Those of real
trainings are tabulated: every point is trained once, with one seed, and searches replay what was measured. So all
strategies see the same curves, and the best that there is, is known.
"""

import functools
import itertools
import math
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tfx_automl.search.parameters import Choice, Condition, Float, Int, Point, Value
from tfx_automl.search.samplers.base import point_key
from tfx_automl.search.space import Space

EPOCHS = 27
NOMINAL_SECONDS = 0.1  # of an epoch of a function
_GAP = 0.5  # by how much the first epoch of a function is above the last

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Curve:
    """What training at a point comes to.

    Attributes:
        losses: After each epoch; smaller is better.
        seconds: Of one core, for each epoch.
    """

    losses: tuple[float, ...]
    seconds: tuple[float, ...]


Table = dict[str, Curve]


@dataclass(frozen=True)
class Problem:
    """A problem.

    Attributes:
        name: What it is called.
        space: Its space.
        value: The loss after the last epoch, for functions; the best is 0.
        train: Yields the loss after each epoch, for trainings; without an end.
        worst: What diverged trainings count.
    """

    name: str
    space: Space
    value: Callable[[Point], float] | None = None
    train: Callable[[Point], Iterator[float]] | None = None
    worst: float = math.inf

    def curve(self, point: Point, table: Table) -> Curve:
        """Returns the curve of a point."""
        if self.value is None:
            return table[point_key(point)]
        return Curve(function_curve(self.value(point), point), (NOMINAL_SECONDS,) * EPOCHS)

    def best(self, table: Table) -> float:
        """Returns the best loss that there is."""
        return min(min(curve.losses) for curve in table.values()) if table else 0.0

    def measure(self, point: Point) -> Curve:
        """Trains a point."""
        losses, seconds = [], []
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            epochs = self._tamed(point)
            for _ in range(EPOCHS):
                started = time.process_time()
                losses.append(next(epochs))
                seconds.append(time.process_time() - started)
        return Curve(tuple(losses), tuple(seconds))

    def _tamed(self, point: Point) -> Iterator[float]:
        """A training that diverges ends with an error in scikit-learn; it then stays as bad as it can be."""
        if self.train is None:
            raise TypeError(f"{self.name} is a function: there is nothing to train.")
        try:
            for loss in self.train(point):
                yield loss if loss < self.worst else self.worst
        except ValueError:
            yield from itertools.repeat(self.worst)


def function_curve(value: float, point: Point) -> tuple[float, ...]:
    """Returns losses that fall to a value, fast or slowly depending on the point, so that curves cross."""
    phase = sum(number * (place + 1) for place, number in enumerate(map(_as_number, point.values())))
    power = 1.0 + 0.8 * math.sin(phase)
    epochs = np.arange(1, EPOCHS + 1)
    above = ((EPOCHS / epochs) ** power - 1.0) / (EPOCHS**power - 1.0)
    return tuple(float(loss) for loss in value + _GAP * above)


def _as_number(value: Value) -> float:
    return float(len(value)) if isinstance(value, str) else float(value)


def branin(point: Point) -> float:
    """Branin's function over 55, about its mean, so that most of it is below 1; three optima of 0."""
    x, y = float(point["x"]), float(point["y"])
    bowl = (y - 5.1 / (4 * math.pi**2) * x**2 + 5 / math.pi * x - 6) ** 2
    return (bowl + 10 * (1 - 1 / (8 * math.pi)) * math.cos(x) + 10 - 0.397887) / 55


_HEIGHTS = np.array([1.0, 1.2, 3.0, 3.2])
_WIDTHS = np.array(
    [[10, 3, 17, 3.5, 1.7, 8], [0.05, 10, 17, 0.1, 8, 14], [3, 3.5, 1.7, 10, 17, 8], [17, 8, 0.05, 10, 0.1, 14]]
)
_PEAKS = 1e-4 * np.array(
    [
        [1312, 1696, 5569, 124, 8283, 5886],
        [2329, 4135, 8307, 3736, 1004, 9991],
        [2348, 1451, 3522, 2883, 3047, 6650],
        [4047, 8828, 8732, 5743, 1091, 381],
    ]
)


def hartmann(point: Point) -> float:
    """Hartmann's function of six dimensions, from 0 at its optimum to 1."""
    x = np.array([float(value) for value in point.values()])
    return float(1.0 - (_HEIGHTS * np.exp(-(_WIDTHS * (x - _PEAKS) ** 2).sum(axis=1))).sum() / 3.32237)


def families(point: Point) -> float:
    """Three families with parameters of their own; the optimum is a net of 3 layers, 128 units and rate 0.01."""
    rate = abs(math.log10(float(point.get("rate", 1.0))) + 2.0)
    if point["family"] == "linear":
        return 0.3 + 0.1 * rate
    if point["family"] == "trees":
        return 0.15 + 0.02 * abs(int(point["depth"]) - 8) + 0.1 * abs(math.log2(int(point["leaves"]) / 64)) / 6
    units = abs(math.log2(int(point["units"]) / 128)) / 4
    dropout = abs(float(point.get("dropout", 0.4)) - 0.2)
    return 0.2 * rate + 0.3 * units + 0.1 * abs(int(point["layers"]) - 3) + 0.5 * dropout


def _split(features: Floats, labels: Floats, rows: int) -> tuple[Floats, Floats, Floats, Floats]:
    """Returns standardised features and the labels: half of the rows to train on, half to measure the loss on."""
    order = np.random.default_rng(0).permutation(len(features))[:rows]
    features, labels = features[order], labels[order]
    features = (features - features.mean(axis=0)) / (features.std(axis=0) + 1e-9)
    half = rows // 2
    return features[:half], labels[:half], features[half:], labels[half:]


@functools.cache
def _data(name: str, rows: int) -> tuple[Floats, Floats, Floats, Floats]:
    from sklearn import datasets

    features, labels = getattr(datasets, f"load_{name}")(return_X_y=True)
    return _split(features, labels, rows)


def _cross_entropy(chances: Floats, labels: Floats) -> float:
    return float(-np.log(np.maximum(chances[np.arange(len(labels)), labels.astype(int)], 1e-9)).mean())


def digits(point: Point) -> Iterator[float]:
    """A net with one hidden layer on 700 digits; the loss is the cross-entropy."""
    from sklearn.neural_network import MLPClassifier

    features, labels, other, truth = _data("digits", 1400)
    model = MLPClassifier(
        (point["units"],),
        activation=point["activation"],
        solver=point["solver"],
        learning_rate_init=point["rate"],
        batch_size=point["batch"],
        momentum=point.get("momentum", 0.9),
        random_state=0,
    )
    while True:
        model.partial_fit(features, labels, np.arange(10))
        yield _cross_entropy(model.predict_proba(other), truth)


def cancer(point: Point) -> Iterator[float]:
    """A linear model by stochastic gradient descent on 284 tumours; the loss is the cross-entropy."""
    from sklearn.linear_model import SGDClassifier

    features, labels, other, truth = _data("breast_cancer", 568)
    model = SGDClassifier(
        loss=point["loss"],
        penalty=point["penalty"],
        alpha=point["alpha"],
        l1_ratio=point.get("l1_ratio", 0.5),
        learning_rate=point["schedule"],
        eta0=point["rate"],
        power_t=point.get("power", 0.5),
        random_state=0,
    )
    while True:
        model.partial_fit(features, labels, [0, 1])
        yield _cross_entropy(model.predict_proba(other), truth)


def diabetes(point: Point) -> Iterator[float]:
    """A net with one hidden layer on 221 patients; the loss is the mean squared error over the variance."""
    from sklearn.neural_network import MLPRegressor

    features, labels, other, truth = _data("diabetes", 442)
    mean, deviation = labels.mean(), labels.std()
    model = MLPRegressor(
        (point["units"],),
        activation=point["activation"],
        alpha=point["alpha"],
        learning_rate_init=point["rate"],
        batch_size=point["batch"],
        random_state=0,
    )
    while True:
        model.partial_fit(features, (labels - mean) / deviation)
        yield float(np.mean((model.predict(other) - (truth - mean) / deviation) ** 2))


def _rates(low: float, high: float) -> Float:
    return Float("rate", low, high, step=10**0.5, sampling="log")


def _when(name: str, *values: str | int) -> tuple[Condition, ...]:
    return (Condition(name, values),)


_FAMILIES = (
    Choice("family", ("linear", "trees", "net")),
    Float("rate", 1e-5, 1.0, sampling="log", conditions=_when("family", "linear", "net")),
    Int("depth", 1, 16, conditions=_when("family", "trees")),
    Int("leaves", 2, 256, sampling="log", conditions=_when("family", "trees")),
    Int("layers", 1, 6, conditions=_when("family", "net")),
    Int("units", 8, 512, sampling="log", conditions=_when("family", "net")),
    Float("dropout", 0.0, 0.8, conditions=_when("layers", 2, 3, 4, 5, 6)),
)
_DIGITS = (
    _rates(1e-4, 0.1),
    Choice("units", (8, 24, 72)),
    Choice("batch", (32, 128)),
    Choice("activation", ("relu", "tanh")),
    Choice("solver", ("adam", "sgd")),
    Choice("momentum", (0.0, 0.9), conditions=_when("solver", "sgd")),
)
_CANCER = (
    Choice("loss", ("log_loss", "modified_huber")),
    Choice("penalty", ("l2", "l1", "elasticnet")),
    Choice("l1_ratio", (0.2, 0.5, 0.8), conditions=_when("penalty", "elasticnet")),
    Float("alpha", 1e-6, 1e-2, step=100.0, sampling="log"),
    _rates(1e-4, 0.1),
    Choice("schedule", ("constant", "invscaling")),
    Choice("power", (0.25, 0.5), conditions=_when("schedule", "invscaling")),
)
_DIABETES = (
    _rates(1e-4, 0.1),
    Int("units", 4, 108, step=3, sampling="log"),
    Float("alpha", 1e-5, 10.0, step=100.0, sampling="log"),
    Choice("activation", ("relu", "tanh", "identity")),
    Choice("batch", (16, 64)),
)

PROBLEMS = {
    problem.name: problem
    for problem in (
        Problem("branin", Space((Float("x", -5.0, 10.0), Float("y", 0.0, 15.0))), branin),
        Problem("hartmann6", Space(tuple(Float(f"x{number}", 0.0, 1.0) for number in range(6))), hartmann),
        Problem("families", Space(_FAMILIES), families),
        Problem("digits", Space(_DIGITS), train=digits, worst=5.0),
        Problem("cancer", Space(_CANCER), train=cancer, worst=5.0),
        Problem("diabetes", Space(_DIABETES), train=diabetes, worst=3.0),
    )
}
